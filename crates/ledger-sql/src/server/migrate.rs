//! The tables of a ledger on a server, and how older ones come up to this build's.
//!
//! Under a lock of the server, so that any number of processes may start at once. Where DDL is a part of transactions, a
//! process that dies leaves nothing; where it commits by itself, it leaves tables without a head row, and the next one
//! repeats every statement. The head row says the version, so it is written last.

use ledger_core::{Error, Extent, LedgerId, Result, Timestamp};

use super::engine::Engine;
use super::failure::Failure;
use super::link::{Link, int, text};
use super::options::ServerOptions;
use super::statements::{HEAD, plain};
use crate::settings::Mode;

/// The newest version that this build knows.
pub(crate) const SCHEMA_VERSION: i64 = 1;

/// Makes sure that there is a ledger of this build's schema; which one it is.
pub(super) async fn prepare<E: Engine>(link: &mut Link<E>, options: &ServerOptions) -> Result<LedgerId, Failure> {
    if let Some(ledger_id) = found(link).await? {
        return Ok(ledger_id);
    }
    if options.mode != Mode::Create {
        return Err(missing(options).into());
    }
    let locked = link.script(E::begin_migration(options)).await?;
    if let Some(row) = locked.last()
        && int::<E>(row, 0)? != 1
    {
        let waited = format!("other processes made the ledger's tables for all of {:?}", options.lock_timeout());
        return Err(Error::unavailable(waited, "locked").into());
    }
    // A connection on which this fails is dropped, and with it the lock.
    let ledger_id = create(link).await?;
    link.script(E::END_MIGRATION.into()).await?;
    Ok(ledger_id)
}

async fn create<E: Engine>(link: &mut Link<E>) -> Result<LedgerId, Failure> {
    // Another process may have been faster.
    if let Some(ledger_id) = found(link).await? {
        return Ok(ledger_id);
    }
    check_free(link).await?;
    for statement in E::tables() {
        link.script(statement.into()).await?;
    }
    let (ledger_id, Extent { epoch, first, last: _ }) = (LedgerId::random(), Extent::EMPTY);
    let (earliest, now) = (E::time(Timestamp::MIN), E::time(Timestamp::now()));
    link.script(format!(
        r#"INSERT INTO ledger_head (lane, schema_version, ledger_id, epoch, "first", "next", recorded_at, commits, created_at)
           VALUES (1, {SCHEMA_VERSION}, '{ledger_id}', {epoch}, {first}, {first}, {earliest}, 0, {now})"#
    ))
    .await?;
    tracing::info!(engine = E::NAME, version = SCHEMA_VERSION, "created the tables");
    Ok(ledger_id)
}

/// Refuses a place that another program uses.
pub(super) async fn check_free<E: Engine>(link: &mut Link<E>) -> Result<(), Failure> {
    // The head's table is made first, so events without it are another program's.
    if exists(link, "events").await? && !exists(link, "ledger_head").await? {
        return Err(Error::NotALedger {
            what: "the schema".into(),
            reason: "it has a table events of another program; name another schema or database".into(),
        }
        .into());
    }
    Ok(())
}

/// The ledger that is there, complete and of a version that this build knows.
async fn found<E: Engine>(link: &mut Link<E>) -> Result<Option<LedgerId>, Failure> {
    let Some((ledger_id, version)) = identity(link).await? else { return Ok(None) };
    check_version(version)?;
    Ok(Some(ledger_id.parse().map_err(|_| Error::corrupt(None, "the ledger's id is damaged"))?))
}

/// The id and the version of the ledger that is there, if it is complete.
pub(super) async fn identity<E: Engine>(link: &mut Link<E>) -> Result<Option<(String, i64)>, Failure> {
    if !exists(link, "ledger_head").await? {
        return Ok(None);
    }
    let heads = link.rows(plain(HEAD), |row| Ok((text::<E>(row, 0)?, int::<E>(row, 1)?))).await?;
    Ok(heads.into_iter().next())
}

pub(super) fn check_version(version: i64) -> Result<()> {
    if version > SCHEMA_VERSION {
        return Err(Error::SchemaTooNew { found: version, supported: SCHEMA_VERSION });
    }
    Ok(())
}

/// `table` is one of our own names.
async fn exists<E: Engine>(link: &mut Link<E>, table: &str) -> Result<bool, Failure> {
    let counts = link.rows(plain(E::exists(table)), |row| int::<E>(row, 0)).await?;
    Ok(counts.into_iter().any(|count| count > 0))
}

pub(super) fn missing(options: &ServerOptions) -> Error {
    let place = place(options);
    Error::NotFound { what: format!("ledger at {place}; append to it or restore a snapshot into it to create one") }
}

/// Where the ledger is, for people.
pub(super) fn place(options: &ServerOptions) -> String {
    let database = options.database.as_ref().map(|database| format!("/{database}")).unwrap_or_default();
    let schema = options.schema.as_ref().map(|schema| format!(" in schema {schema:?}")).unwrap_or_default();
    format!("{}{database}{schema}", options.place_name())
}
