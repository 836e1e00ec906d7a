//! The schema of a ledger file, and how older files come up to it.
//!
//! Each version is one step, applied in one transaction with `PRAGMA user_version`; so any number of processes may start
//! at once, and one that dies half-way leaves the file as it was. A published step never changes.

use ledger_core::{Epoch, Error, Extent, LedgerId, Offset, Result, Timestamp};
use rusqlite::{Connection, TransactionBehavior, params};

use super::error::reading;

/// "ALDG": what the SQLite header says of a ledger file.
pub(super) const APPLICATION_ID: i64 = 0x414C_4447;

/// The newest version that this build knows.
pub(super) const SCHEMA_VERSION: i64 = 1;

const VERSION_1: &str = r#"
CREATE TABLE events (
    "offset"       INTEGER PRIMARY KEY,
    id             TEXT NOT NULL UNIQUE,
    run_id         TEXT NOT NULL,
    turn           INTEGER NOT NULL,
    kind           TEXT NOT NULL,
    actor          TEXT NOT NULL,
    created_at     INTEGER NOT NULL, -- microseconds since 1970, UTC, by the runtime's clock
    recorded_at    INTEGER NOT NULL, -- microseconds since 1970, UTC, by the store's clock
    schema_version INTEGER NOT NULL,
    session_id     TEXT,
    model_profile  TEXT,
    model_id       TEXT,
    digest         BLOB NOT NULL,
    seal           INTEGER NOT NULL,
    metadata       TEXT NOT NULL,
    payload        TEXT NOT NULL
) STRICT;
-- An index of a rowid table ends with the rowid, which is the offset: each is also an order.
CREATE INDEX events_run ON events (run_id);
CREATE INDEX events_kind ON events (kind);
CREATE INDEX events_actor ON events (actor);
CREATE INDEX events_session ON events (session_id) WHERE session_id IS NOT NULL;
CREATE INDEX events_model ON events (model_id) WHERE model_id IS NOT NULL;

CREATE TABLE ledger_head (
    lane        INTEGER PRIMARY KEY CHECK (lane = 1),
    ledger_id   TEXT NOT NULL,
    role        TEXT NOT NULL CHECK (role IN ('live', 'snapshot')),
    epoch       INTEGER NOT NULL,
    first       INTEGER NOT NULL,
    next        INTEGER NOT NULL,
    recorded_at INTEGER NOT NULL, -- of the last event
    commits     INTEGER NOT NULL, -- raised by every commit, so that each one writes, and syncs
    created_at  INTEGER NOT NULL
) STRICT;

CREATE TABLE ledger_checkpoints (
    consumer   TEXT PRIMARY KEY,
    "offset"   INTEGER NOT NULL,
    event_id   TEXT,
    updated_at INTEGER NOT NULL
) STRICT;

-- What was done to the ledger beside appending.
CREATE TABLE ledger_operations (
    at        INTEGER NOT NULL,
    operation TEXT NOT NULL,
    detail    TEXT NOT NULL
) STRICT;

CREATE VIEW events_readable AS SELECT
    "offset",
    strftime('%Y-%m-%dT%H:%M:%S', recorded_at / 1000000, 'unixepoch') || printf('.%06dZ', recorded_at % 1000000)
        AS recorded_at,
    lower(hex(digest)) AS digest, id, run_id, turn, kind, actor, payload,
    strftime('%Y-%m-%dT%H:%M:%S', (created_at - (created_at % 1000000 + 1000000) % 1000000) / 1000000, 'unixepoch')
        || printf('.%06dZ', (created_at % 1000000 + 1000000) % 1000000) AS created_at,
    schema_version, session_id, model_profile, model_id, metadata
FROM events;

CREATE TRIGGER ledger_head_goes_on BEFORE UPDATE ON ledger_head
WHEN new.next < old.next OR new.epoch < old.epoch OR new.first < old.first OR new.ledger_id <> old.ledger_id
BEGIN SELECT RAISE(ABORT, 'the head of a ledger only goes on'); END;
CREATE TRIGGER ledger_head_stays BEFORE DELETE ON ledger_head
BEGIN SELECT RAISE(ABORT, 'the head of a ledger cannot be deleted'); END;
"#;

/// What makes the log append-only for every program that opens the file. A reset takes it away and puts it back within
/// its transaction.
pub(super) const APPEND_ONLY: &str = r#"
CREATE TRIGGER events_are_never_changed BEFORE UPDATE ON events
BEGIN SELECT RAISE(ABORT, 'a ledger is append-only: events are never changed'); END;
CREATE TRIGGER events_are_never_deleted BEFORE DELETE ON events
BEGIN SELECT RAISE(ABORT, 'a ledger is append-only: events are never deleted'); END;
"#;

/// Every trigger of a ledger file.
pub(super) const GUARDS: [&str; 4] =
    ["events_are_never_changed", "events_are_never_deleted", "ledger_head_goes_on", "ledger_head_stays"];

/// The name and role of a ledger file, and where its offsets begin; set when it is created.
pub(super) struct Identity {
    pub(super) ledger_id: LedgerId,
    pub(super) epoch: Epoch,
    pub(super) first: Offset,
    pub(super) role: &'static str,
}

impl Identity {
    /// A new ledger's.
    pub(super) fn fresh() -> Self {
        let Extent { epoch, first, last: _ } = Extent::EMPTY;
        Self { ledger_id: LedgerId::random(), epoch, first, role: "live" }
    }
}

/// Brings the file to [`SCHEMA_VERSION`]; a new one gets `identity`.
pub(super) fn migrate(connection: &mut Connection, identity: &Identity) -> Result<()> {
    if version(connection)? == SCHEMA_VERSION {
        return Ok(());
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(reading)?;
    // Another process may have been faster.
    match version(&transaction)? {
        0 => create(&transaction, identity).map_err(reading)?,
        SCHEMA_VERSION => return Ok(()),
        found => return Err(Error::SchemaTooNew { found, supported: SCHEMA_VERSION }),
    }
    transaction.commit().map_err(reading)?;
    tracing::info!(version = SCHEMA_VERSION, "created the tables");
    Ok(())
}

pub(super) fn create(connection: &Connection, identity: &Identity) -> rusqlite::Result<()> {
    connection.execute_batch(VERSION_1)?;
    connection.execute_batch(APPEND_ONLY)?;
    let Identity { ledger_id, epoch, first, role } = identity;
    connection.execute(
        "INSERT INTO ledger_head (lane, ledger_id, role, epoch, first, next, recorded_at, commits, created_at) \
         VALUES (1, ?1, ?2, ?3, ?4, ?4, ?5, 0, ?6)",
        params![
            ledger_id.to_string(),
            role,
            epoch.get(),
            first.as_i64(),
            Timestamp::MIN.as_micros(),
            Timestamp::now().as_micros()
        ],
    )?;
    connection.pragma_update(None, "application_id", APPLICATION_ID)?;
    connection.pragma_update(None, "user_version", SCHEMA_VERSION)
}

/// The file's version; 0 for one without tables.
///
/// # Errors
/// [`Error::SchemaTooNew`] when this build does not know it.
pub(super) fn version(connection: &Connection) -> Result<i64> {
    let found = connection
        .prepare_cached("PRAGMA user_version")
        .and_then(|mut statement| statement.query_row([], |row| row.get(0)))
        .map_err(reading)?;
    if found > SCHEMA_VERSION {
        return Err(Error::SchemaTooNew { found, supported: SCHEMA_VERSION });
    }
    Ok(found)
}
