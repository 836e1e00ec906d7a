//! What an engine does its own way.

use std::collections::HashMap;
use std::future::Future;
use std::ops::ControlFlow;
use std::time::Duration;

use ledger_core::{Batch, Digest, Durability, Event, EventId, LedgerId, Offset, Read, Result, Timestamp};
use sea_query::QueryBuilder;
use sqlx::Database;
use sqlx::error::DatabaseError;

use super::failure::Verdict;
use super::options::{ServerKind, ServerOptions};
use super::secret::Secret;
use crate::known::Known;
use crate::row::Row;

/// A connection, as the driver has it.
pub(crate) type Raw<E> = <<E as Engine>::Database as Database>::Connection;

/// A row, as the driver has it.
pub(crate) type DbRow<E> = <<E as Engine>::Database as Database>::Row;

/// Takes one row, and says whether to go on.
pub(crate) type Each<'a, E> = &'a mut (dyn FnMut(&DbRow<E>) -> Result<ControlFlow<()>> + Send);

/// Takes one row of a page, and says whether to go on.
pub(crate) type EachPageRow<'a> = &'a mut (dyn FnMut(PageRow<'_>) -> Result<ControlFlow<()>> + Send);

/// What a driver's call gives: a driver's error, or one that [`Each`] gave.
pub(crate) type Answer<T> = Result<T, Trouble>;

/// What can go wrong while a driver works.
#[derive(Debug)]
pub enum Trouble {
    Driver(sqlx::Error),
    Ledger(ledger_core::Error),
}

impl From<sqlx::Error> for Trouble {
    fn from(error: sqlx::Error) -> Self {
        Self::Driver(error)
    }
}

impl From<ledger_core::Error> for Trouble {
    fn from(error: ledger_core::Error) -> Self {
        Self::Ledger(error)
    }
}

/// A statement and what is bound to it.
#[derive(Clone, Debug)]
pub struct Statement {
    pub sql: String,
    pub values: Vec<sea_query::Value>,
}

/// A row of a page: the head, once, and the events of the same moment.
pub enum PageRow<'a> {
    Head(HeadColumns),
    Event(Row<'a>),
}

/// What every answer says of the ledger that gives it.
#[derive(Clone, Debug)]
pub struct HeadColumns {
    pub ledger_id: String,
    pub epoch: i64,
    pub first: i64,
    pub next: i64,
}

/// An event on its way into the table.
pub struct NewRow<'a> {
    pub offset: Offset,
    pub recorded_at: Timestamp,
    pub digest: Digest,
    pub event: &'a Event,
}

/// How a server is set to keep what it acknowledges.
#[derive(Clone, Debug)]
pub struct Kept {
    pub level: Durability,
    /// Which settings make it so, and what would make it stronger.
    pub why: String,
}

/// The news of appends by others, beside the timer. It may lose some.
pub trait Bell: Send {
    /// Tells everybody that something was appended.
    fn ring(&mut self) -> impl Future<Output = Result<(), sqlx::Error>>;

    /// From now on hears others; until then it only rings, and costs those who ring nothing.
    fn listen(&mut self) -> impl Future<Output = Result<(), sqlx::Error>>;

    /// Waits until somebody else rings. May be dropped while it waits.
    fn heard(&mut self) -> impl Future<Output = Result<(), sqlx::Error>>;
}

/// A server's software. Everything that the engines share is written over this; an engine says only how it differs.
pub trait Engine: Sized + Send + Sync + 'static {
    type Database: Database;
    type Builder: QueryBuilder + Default;
    type Bell: Bell;

    /// Which options are for it.
    const KIND: ServerKind;

    /// Whether there is more than the timer.
    const HAS_BELL: bool;

    /// What [`Head::engine`](ledger_core::Head::engine) says.
    const NAME: &'static str;

    /// How often the head is asked for news while somebody listens.
    const POLL: Duration;

    /// Begins a transaction, locks the head row, which is the lane, and reads it: `ledger_id, schema_version, epoch, first,
    /// next`, when the last event was recorded, and the server's time, both in microseconds since 1970. Then, as a statement of its own that sees what the last lane
    /// holder did: where the last event stands.
    const LOCK_HEAD: &'static str;

    /// Whether the version is one that a ledger can be kept on.
    fn is_recent(version: &str) -> bool;

    /// How many tables of this name there are where unqualified names are looked up first.
    fn exists(table: &str) -> String;

    /// What the server is set to: text columns for [`Self::kept`], then the database's encoding, the server's version, and its role: `primary` or
    /// `standby`.
    const SETTINGS: &'static str;

    /// How many columns of [`Self::SETTINGS`] come before the encoding.
    const KEPT_COLUMNS: usize;

    /// What keeps the tables append-only: triggers and constraints.
    const GUARDS: &'static [&'static str];

    /// Their names, as far as they are in place, a row each; and `visible`, if this login is shown those that are there.
    const GUARDS_IN_PLACE: &'static str;

    /// Whether this login may append, and whether it may change events: 1 or 0.
    const RIGHTS: &'static str;

    /// A row whose second column says how the connection is encrypted; nothing when it is not.
    const TLS: &'static str;

    /// The statements that make the tables, in an order in which each may be repeated.
    fn tables() -> Vec<&'static str>;

    /// Gets the lock under which tables are made, then runs in a transaction if the engine can. The last row says 1 when
    /// the lock was had.
    fn begin_migration(options: &ServerOptions) -> String;

    const END_MIGRATION: &'static str;

    /// Frees the rest of a transaction from the server's own deadline.
    const WITHOUT_TIMEOUT: &'static str;

    /// Opens a connection, and sets it up.
    fn connect(
        options: &ServerOptions,
        secret: Option<&Secret>,
    ) -> impl Future<Output = Result<Raw<Self>, sqlx::Error>> + Send;

    /// Gives each row of a statement's answer to `each`. [`ControlFlow::Break`] when that ended it.
    fn scan(
        connection: &mut Raw<Self>,
        statement: Statement,
        each: Each<'_, Self>,
    ) -> impl Future<Output = Answer<ControlFlow<()>>> + Send;

    /// Runs statements that have no values, joined by `;`, in one round trip. All rows of all of them.
    fn script(
        connection: &mut Raw<Self>,
        sql: String,
    ) -> impl Future<Output = Result<Vec<DbRow<Self>>, sqlx::Error>> + Send;

    /// Gives the head, and the events that `read` asks for: all of those that stood there at the moment of that head.
    fn page(
        connection: &mut Raw<Self>,
        read: &Read,
        each: EachPageRow<'_>,
    ) -> impl Future<Output = Answer<ControlFlow<()>>> + Send;

    /// Which of these ids the ledger holds, as a statement of its own.
    fn known(connection: &mut Raw<Self>, ids: &[&str]) -> impl Future<Output = Answer<HashMap<EventId, Known>>> + Send;

    /// Stores events where they say they stand.
    fn insert(connection: &mut Raw<Self>, rows: &[NewRow<'_>]) -> impl Future<Output = Answer<()>> + Send;

    /// Takes the lane and stores all events of `batches` at its end, in one round trip and a transaction of its own. The
    /// offset of the first; `None` when the lane is not that of this ledger and schema, or has too little room. An engine
    /// that cannot do this always says `None`.
    fn append_new(
        connection: &mut Raw<Self>,
        ledger_id: LedgerId,
        batches: &[Batch],
    ) -> impl Future<Output = Answer<Option<i64>>> + Send;

    /// The bell of a ledger; `None` where there is only the timer.
    fn bell(
        options: &ServerOptions,
        secret: Option<&Secret>,
        ledger_id: LedgerId,
    ) -> impl Future<Output = Result<Option<Self::Bell>, sqlx::Error>>;

    /// The event in a row whose columns are [`Events::COLUMNS`](crate::schema::Events::COLUMNS).
    fn event(row: &DbRow<Self>) -> Result<Row<'_>, sqlx::Error>;

    /// A whole number.
    fn int(row: &DbRow<Self>, column: usize) -> Result<i64, sqlx::Error>;

    /// A text.
    fn text(row: &DbRow<Self>, column: usize) -> Result<Option<String>, sqlx::Error>;

    /// A point in time, in microseconds since 1970.
    fn micros(row: &DbRow<Self>, column: usize) -> Result<i64, sqlx::Error>;

    /// A point in time, as text within a statement.
    fn time(time: Timestamp) -> String;

    /// How the server keeps what it acknowledges.
    fn kept(settings: &[String]) -> Kept;

    /// What a refusal means, and its words without values.
    fn verdict(said: &dyn DatabaseError) -> (Verdict, String);
}
