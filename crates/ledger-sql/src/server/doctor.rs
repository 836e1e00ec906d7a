//! What is found out about a ledger on a server, without changing anything.

use std::time::{Duration, Instant};

use ledger_core::{Durability, Error, Head, Result};

use super::engine::Engine;
use super::failure::Failure;
use super::ledger::{ServerLedger, connector};
use super::link::{Link, column_error, int};
use super::migrate;
use super::options::{Place, ServerOptions, is_loopback};
use super::questions::{self, Settings};
use super::statements::plain;
use crate::diagnosis::{Diagnosis, ROUND_TRIPS, Role, Severity, median};
use crate::settings::Mode;

/// What [`Diagnosis::tls`] says of a connection that is not encrypted.
const OFF: &str = "off";

impl<E: Engine> ServerLedger<E> {
    /// Finds out how the ledger that `options` name is kept, and what to fix. Creates and changes nothing; a ledger that
    /// is missing, damaged or too new is a finding.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the server cannot be reached, [`Error::AccessDenied`] when it refuses the user,
    /// [`Error::NotFound`] when it has no such database.
    pub async fn diagnose(options: ServerOptions) -> Result<Diagnosis> {
        let connector = connector::<E>(options)?;
        let mut link = connector.connect::<E>().await?;
        let diagnosis = server(&mut link, &connector.options).await;
        link.close().await;
        Ok(diagnosis?)
    }
}

async fn server<E: Engine>(link: &mut Link<E>, options: &ServerOptions) -> Result<Diagnosis, Failure> {
    let Settings { kept, version, is_standby, unfit } = questions::settings(link).await?;
    let mut found = Diagnosis::new(migrate::place(options), E::NAME);
    found.version = Some(version);
    found.role = if is_standby { Role::Standby } else { Role::Primary };
    found.durability = kept.level;
    found.durability_why = kept.why;
    found.schema_known = Some(migrate::SCHEMA_VERSION);
    let protocol = |told: Option<String>| told.filter(|told| !told.is_empty()).unwrap_or_else(|| OFF.into());
    found.tls = texts(link, E::TLS, 1).await?.pop().map(protocol);
    found.round_trip_us = Some(round_trip(link).await?);
    if let Some(why) = unfit {
        found.find(Severity::Fix, why);
    }
    judge_server(&mut found, options);
    match migrate::identity(link).await? {
        Some((_, version)) if found.schema(version, migrate::SCHEMA_VERSION) => {
            ledger(link, options, &mut found).await?
        }
        Some(_) => {}
        None => match migrate::check_free(link).await {
            Err(Failure::Said(error @ Error::NotALedger { .. })) => found.find(Severity::Fix, error.to_string()),
            free => {
                free?;
                found.find(Severity::Missing, migrate::missing(options).to_string());
            }
        },
    }
    Ok(found)
}

fn judge_server(found: &mut Diagnosis, options: &ServerOptions) {
    let (level, why) = (found.durability, &found.durability_why);
    if level.is_weaker_than(options.durability) {
        let text = format!("what this server acknowledges is only {level}, not {}: {why}", options.durability);
        found.find(Severity::Fix, text);
    } else if level.is_weaker_than(Durability::Synced) {
        let text = format!("what this server acknowledges is only {level}, as the URL accepts: {why}");
        found.find(Severity::Note, text);
    } else if level == Durability::Synced {
        found.find(Severity::Note, why.clone());
    }
    if found.role == Role::Standby {
        let text = "the server is a standby, or set to read only: name the primary to append";
        let severity = if options.mode == Mode::ReadOnly { Severity::Note } else { Severity::Fix };
        found.find(severity, text);
    }
    let is_far = matches!(&options.place, Place::Host { host, .. } if !is_loopback(host));
    if is_far && found.tls.as_deref() == Some(OFF) {
        found.find(Severity::Note, "the connection is not encrypted: set sslmode=verify-full");
    }
}

/// What the ledger's own tables tell.
async fn ledger<E: Engine>(link: &mut Link<E>, options: &ServerOptions, found: &mut Diagnosis) -> Result<(), Failure> {
    match questions::checked_head(link).await {
        Ok(head) => {
            let (ledger_id, extent) = (head.ledger_id, head.extent);
            found.head = Some(Head { ledger_id, extent, durability: found.durability, engine: E::NAME.into() });
        }
        Err(Failure::Said(error @ Error::Corrupt { .. })) => found.damaged(&error),
        Err(Failure::Said(Error::NotFound { .. })) => {
            found.damaged(&Error::corrupt(None, "the table events is missing"));
            return Ok(());
        }
        Err(failure) => return Err(failure),
    }
    let guards: Vec<String> = texts(link, E::GUARDS_IN_PLACE, 0).await?.into_iter().flatten().collect();
    if guards.iter().any(|name| name == "visible") {
        found.guards(E::GUARDS, &guards);
    } else {
        let text = "this login may not see whether the guards of the tables are in place: ask as their owner";
        found.find(Severity::Note, text);
    }
    let rights = link.rows(plain(E::RIGHTS), |row| Ok((int::<E>(row, 0)? == 1, int::<E>(row, 1)? == 1))).await?;
    let Some((appends, changes)) = rights.into_iter().next() else { return Ok(()) };
    (found.may_append, found.may_change_events) = (Some(appends), Some(changes));
    if !appends && options.mode != Mode::ReadOnly {
        let text = "this login may not append: grant it INSERT on events and UPDATE on ledger_head, or set mode=ro";
        found.find(Severity::Fix, text);
    }
    if changes {
        let text =
            "only the guards keep this login from changing events: give runtimes one that may but insert and read";
        found.find(Severity::Note, text);
    }
    Ok(())
}

/// One column of an answer.
async fn texts<E: Engine>(link: &mut Link<E>, sql: &str, column: usize) -> Result<Vec<Option<String>>, Failure> {
    link.rows(plain(sql), |row| E::text(row, column).map_err(column_error)).await
}

async fn round_trip<E: Engine>(link: &mut Link<E>) -> Result<u64, Failure> {
    // The first one prepares the statement.
    ask(link).await?;
    let mut times = [Duration::ZERO; ROUND_TRIPS];
    for time in &mut times {
        *time = ask(link).await?;
    }
    Ok(median(times))
}

async fn ask<E: Engine>(link: &mut Link<E>) -> Result<Duration, Failure> {
    let asked = Instant::now();
    link.rows(plain("SELECT 1"), |_| Ok(())).await?;
    Ok(asked.elapsed())
}
