//! Ledgers in a Postgres database.

mod append;
mod bell;
mod copy;
mod micros;
mod settings;
mod verdict;

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::time::Duration;

use ledger_core::{Batch, EventId, LedgerId, Read, Timestamp};
use sea_query::PostgresQueryBuilder;
use sqlx::Row as _;
use sqlx::error::DatabaseError;
use sqlx::postgres::{PgConnection, PgRow};

use crate::known::Known;
use crate::row::Row;
use crate::seal::seal_from_bytes;
use crate::server::{
    Answer, Each, EachPageRow, Engine, Kept, NewRow, Secret, ServerKind, ServerLedger, ServerOptions, Statement,
    Verdict, bind, page_by_scan, scan, script, version,
};
use micros::Micros;

/// A ledger in a Postgres database. Clones share the connections.
pub type PostgresLedger = ServerLedger<Postgres>;

/// Postgres 15 or newer.
#[derive(Debug)]
pub struct Postgres;

impl Engine for Postgres {
    type Database = sqlx::Postgres;
    type Builder = PostgresQueryBuilder;
    type Bell = bell::PgBell;

    const KIND: ServerKind = ServerKind::Postgres;

    const HAS_BELL: bool = true;

    const NAME: &'static str = "postgres";

    // Notifications come first; this is for those that a pooler or a lost connection swallows.
    const POLL: Duration = Duration::from_millis(250);

    const LOCK_HEAD: &'static str = r#"BEGIN; SELECT ledger_id, schema_version, epoch, "first", "next",
        (extract(epoch FROM recorded_at) * 1000000)::bigint, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint
        FROM ledger_head WHERE lane = 1 FOR UPDATE; SELECT coalesce(max("offset"), 0) FROM events"#;

    const SETTINGS: &'static str = "SELECT current_setting('fsync'), current_setting('full_page_writes'), \
        current_setting('synchronous_commit'), current_setting('synchronous_standby_names'), \
        current_setting('server_encoding'), current_setting('server_version'), CASE WHEN pg_is_in_recovery() THEN 'standby' ELSE 'primary' END";

    const KEPT_COLUMNS: usize = 4;

    const GUARDS: &'static [&'static str] = &["events_are_never_changed", "ledger_head_goes_on", "ledger_head_stays"];

    const GUARDS_IN_PLACE: &'static str = "SELECT 'visible' UNION ALL SELECT tgname::text FROM pg_trigger \
        WHERE tgrelid IN (to_regclass('events'), to_regclass('ledger_head')) AND tgenabled IN ('O', 'A')";

    const RIGHTS: &'static str = "SELECT (has_any_column_privilege('events', 'INSERT') \
        AND has_any_column_privilege('ledger_head', 'UPDATE'))::int::bigint, \
        (has_any_column_privilege('events', 'UPDATE') OR has_table_privilege('events', 'DELETE, TRUNCATE'))::int::bigint";

    const TLS: &'static str = "SELECT 'tls', version FROM pg_stat_ssl WHERE pid = pg_backend_pid()";

    fn is_recent(version: &str) -> bool {
        self::version(version) >= vec![15]
    }

    // Also tables that this login has no rights on, which `information_schema` hides.
    fn exists(table: &str) -> String {
        format!(
            "SELECT count(*) FROM pg_class WHERE relname = '{table}' AND relkind = 'r' \
             AND relnamespace = to_regnamespace(quote_ident(current_schema()))"
        )
    }

    fn tables() -> Vec<&'static str> {
        vec![include_str!("schema_1.sql")]
    }

    fn begin_migration(options: &ServerOptions) -> String {
        // The lock is released with the transaction, whatever becomes of this process.
        let lock = "BEGIN; SELECT pg_advisory_xact_lock(4701234115017721671)";
        match &options.schema {
            Some(schema) => {
                format!("{lock}; CREATE SCHEMA IF NOT EXISTS {}; SELECT 1::bigint", settings::quoted(schema))
            }
            None => format!("{lock}; SELECT 1::bigint"),
        }
    }

    const END_MIGRATION: &'static str = "COMMIT";

    const WITHOUT_TIMEOUT: &'static str = "SET LOCAL statement_timeout = 0";

    async fn connect(options: &ServerOptions, secret: Option<&Secret>) -> Result<PgConnection, sqlx::Error> {
        settings::connect(options, secret).await
    }

    async fn scan(
        connection: &mut PgConnection,
        statement: Statement,
        each: Each<'_, Self>,
    ) -> Answer<ControlFlow<()>> {
        let (sql, arguments) = bind::<sqlx::Postgres, _>(statement, |text| text)?;
        scan::<sqlx::Postgres>(connection, sql, arguments, each).await
    }

    async fn script(connection: &mut PgConnection, sql: String) -> Result<Vec<PgRow>, sqlx::Error> {
        script::<sqlx::Postgres>(connection, sql).await
    }

    async fn page(connection: &mut PgConnection, read: &Read, each: EachPageRow<'_>) -> Answer<ControlFlow<()>> {
        if read.filter().is_any() {
            // Nothing but numbers stands in it, so it needs no binding, which COPY does not have.
            return copy::page(connection, read, each).await;
        }
        page_by_scan::<Self>(connection, read, None, each).await
    }

    async fn known(connection: &mut PgConnection, ids: &[&str]) -> Answer<HashMap<EventId, Known>> {
        append::known(connection, ids).await
    }

    async fn insert(connection: &mut PgConnection, rows: &[NewRow<'_>]) -> Answer<()> {
        append::insert(connection, rows).await
    }

    async fn append_new(connection: &mut PgConnection, ledger_id: LedgerId, batches: &[Batch]) -> Answer<Option<i64>> {
        append::append_new(connection, ledger_id, batches).await
    }

    async fn bell(
        options: &ServerOptions,
        secret: Option<&Secret>,
        ledger_id: LedgerId,
    ) -> Result<Option<bell::PgBell>, sqlx::Error> {
        bell::PgBell::open(options, secret, ledger_id).await.map(Some)
    }

    fn event(row: &PgRow) -> Result<Row<'_>, sqlx::Error> {
        // Unchecked: the types of the columns are those of our own table.
        Ok(Row {
            offset: row.try_get_unchecked(0)?,
            id: row.try_get_unchecked(1)?,
            run_id: row.try_get_unchecked(2)?,
            turn: row.try_get_unchecked(3)?,
            kind: row.try_get_unchecked(4)?,
            actor: row.try_get_unchecked(5)?,
            created_at: Self::micros(row, 6)?,
            recorded_at: Self::micros(row, 7)?,
            schema_version: row.try_get_unchecked(8)?,
            session_id: row.try_get_unchecked(9)?,
            model_profile: row.try_get_unchecked(10)?,
            model_id: row.try_get_unchecked(11)?,
            digest: row.try_get_unchecked(12)?,
            seal: seal_from_bytes(row.try_get_unchecked(13)?),
            metadata: row.try_get_unchecked(14)?,
            payload: row.try_get_unchecked(15)?,
        })
    }

    fn int(row: &PgRow, column: usize) -> Result<i64, sqlx::Error> {
        row.try_get(column)
    }

    fn text(row: &PgRow, column: usize) -> Result<Option<String>, sqlx::Error> {
        row.try_get(column)
    }

    fn micros(row: &PgRow, column: usize) -> Result<i64, sqlx::Error> {
        row.try_get_unchecked::<Micros, _>(column).map(|micros| micros.0)
    }

    fn time(time: Timestamp) -> String {
        format!("'{time}'::timestamptz")
    }

    fn kept(settings: &[String]) -> Kept {
        settings::kept(settings)
    }

    fn verdict(said: &dyn DatabaseError) -> (Verdict, String) {
        verdict::verdict(said)
    }
}
