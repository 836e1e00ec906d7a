//! What is found out about a ledger file, without changing anything.

use std::path::Path;
use std::time::{Duration, Instant};

use ledger_core::{Durability, Error, Head, Result};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::SqliteLedger;
use super::error::{blocking, file, reading};
use super::file::{check_sqlite, companions, identify, must_exist, not_found, open, open_to_read, pragma, role};
use super::migrate::{GUARDS, SCHEMA_VERSION};
use super::options::SqliteOptions;
use super::{file as files, store};
use crate::diagnosis::{Diagnosis, LedgerFile, ROUND_TRIPS, Role, Severity, median};
use crate::settings::Mode;

impl SqliteLedger {
    /// Finds out how the ledger that `options` name is kept, and what to fix. Creates no ledger and changes none; one that
    /// is missing, damaged or too new is a finding. Who may not write the file leaves an empty -wal file beside it, as
    /// every reader does.
    ///
    /// # Errors
    /// [`Error::NotALedger`]; [`Error::Unavailable`] when other processes kept the file locked.
    pub async fn diagnose(options: SqliteOptions) -> Result<Diagnosis> {
        blocking(move || {
            // Never one of SQLite's special names.
            let path = std::path::absolute(options.path()).map_err(|error| file(options.path(), error))?;
            diagnose(&SqliteOptions { path, ..options })
        })
        .await
    }
}

fn diagnose(options: &SqliteOptions) -> Result<Diagnosis> {
    check_sqlite()?;
    let path = options.path();
    let mut found = Diagnosis::new(path.display().to_string(), "sqlite");
    found.version = Some(rusqlite::version().into());
    found.schema_known = Some(SCHEMA_VERSION);
    found.durability = options.durability;
    found.durability_why = format!("appends sync with synchronous={}", synchronous(options));
    if options.durability == Durability::Buffered {
        let text = "the URL says durability=buffered: a power loss may undo the last appends";
        found.find(Severity::Note, text);
    }
    let version = match must_exist(path).and_then(|()| connect(options)) {
        Ok(connection) => {
            let version = identify(&connection, options);
            found.file = Some(ledger_file(&connection, options)?);
            version.map(|version| (connection, version))
        }
        Err(error) => Err(error),
    };
    match version {
        Ok((_, 0)) => found.find(Severity::Missing, not_found(path).to_string()),
        Ok((connection, version)) => {
            found.schema(version, SCHEMA_VERSION);
            ledger(&connection, options, &mut found)?;
        }
        Err(Error::SchemaTooNew { found: version, supported }) => {
            found.schema(version, supported);
        }
        Err(error @ Error::NotFound { .. }) => found.find(Severity::Missing, error.to_string()),
        Err(error @ Error::Corrupt { .. }) => found.damaged(&error),
        Err(error) => return Err(error),
    }
    Ok(found)
}

/// A connection that writes nothing, but is told whether it could.
fn connect(options: &SqliteOptions) -> Result<Connection> {
    if options.mode == Mode::ReadOnly {
        return open_to_read(options);
    }
    let is_in_use = log_of(options.path())?.exists();
    let connection = open(options, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    pragma(&connection, "query_only", "ON")?;
    // The files beside the ledger are left as they were: those that this connection makes go with it, others stay.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, is_in_use).map_err(reading)?;
    Ok(connection)
}

fn ledger(connection: &Connection, options: &SqliteOptions, found: &mut Diagnosis) -> Result<()> {
    let moment = connection.unchecked_transaction().map_err(reading)?;
    let names = moment
        .prepare("SELECT name FROM sqlite_schema WHERE type = 'trigger'")
        .and_then(|mut triggers| triggers.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<Vec<String>>>());
    found.guards(&GUARDS, &names.map_err(reading)?);
    let mut times = [Duration::ZERO; ROUND_TRIPS];
    for time in &mut times {
        let asked = Instant::now();
        match store::checked_head(&moment) {
            Ok(head) => {
                let (ledger_id, extent, durability) = (head.ledger_id, head.extent, found.durability);
                found.head = Some(Head { ledger_id, extent, durability, engine: "sqlite".into() });
            }
            Err(error @ Error::Corrupt { .. }) => {
                found.damaged(&error);
                return Ok(());
            }
            Err(error) => return Err(error),
        }
        *time = asked.elapsed();
    }
    found.round_trip_us = Some(median(times));
    let is_snapshot = role(&moment)? == files::Role::Snapshot;
    found.role = if is_snapshot { Role::Snapshot } else { Role::Primary };
    let is_read_only = moment.is_readonly("main").map_err(reading)?;
    found.may_append = Some(!is_snapshot && !is_read_only);
    if is_snapshot {
        found.find(Severity::Note, "it is a snapshot: restore it into a new ledger to append");
    } else if is_read_only && options.mode != Mode::ReadOnly {
        found.find(Severity::Fix, "this process may not write the file: mend its permissions, or set mode=ro");
    }
    Ok(())
}

fn ledger_file(connection: &Connection, options: &SqliteOptions) -> Result<LedgerFile> {
    let size = |path: &Path| match path.metadata() {
        Ok(metadata) => Ok(metadata.len()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(0),
        Err(error) => Err(file(path, error)),
    };
    Ok(LedgerFile {
        journal_mode: connection.pragma_query_value(None, "journal_mode", |row| row.get(0)).map_err(reading)?,
        synchronous: synchronous(options),
        bytes: size(options.path())?,
        wal_bytes: size(&log_of(options.path())?)?,
    })
}

/// As the connection that appends is set.
fn synchronous(options: &SqliteOptions) -> &'static str {
    if options.durability == Durability::Synced { "full" } else { "normal" }
}

/// The log beside the file that `path` leads to.
fn log_of(path: &Path) -> Result<std::path::PathBuf> {
    let path = path.canonicalize().map_err(|error| file(path, error))?;
    let [log, ..] = companions(&path);
    Ok(log)
}
