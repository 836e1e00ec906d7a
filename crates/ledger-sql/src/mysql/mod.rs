//! Ledgers in a MySQL or MariaDB database.

mod append;
mod settings;
mod verdict;

use std::collections::HashMap;
use std::convert::Infallible;
use std::ops::ControlFlow;
use std::time::Duration;

use ledger_core::{Batch, EventId, LedgerId, Read, Timestamp};
use sea_query::MysqlQueryBuilder;
use sqlx::Row as _;
use sqlx::error::DatabaseError;
use sqlx::mysql::{MySqlConnection, MySqlRow};

use crate::known::Known;
use crate::row::Row;
use crate::server::{
    Answer, Bell, Each, EachPageRow, Engine, Kept, NewRow, Secret, ServerKind, ServerLedger, ServerOptions, Statement,
    Verdict, bind, page_after_head, scan, script, version,
};

/// A ledger in a MySQL or MariaDB database. Clones share the connections.
pub type MySqlLedger = ServerLedger<MySql>;

/// MySQL 8, or MariaDB 10.6 or newer.
#[derive(Debug)]
pub struct MySql;

impl Engine for MySql {
    type Database = sqlx::MySql;
    type Builder = MysqlQueryBuilder;
    type Bell = NoBell;

    const KIND: ServerKind = ServerKind::MySql;

    const HAS_BELL: bool = false;

    const NAME: &'static str = "mysql";

    // There is nothing but the timer.
    const POLL: Duration = Duration::from_millis(20);

    const LOCK_HEAD: &'static str = r#"START TRANSACTION; SELECT CONVERT(ledger_id USING utf8mb4), schema_version, epoch,
        "first", "next", recorded_at, TIMESTAMPDIFF(MICROSECOND, '1970-01-01', SYSDATE(6))
        FROM ledger_head WHERE lane = 1 FOR UPDATE; SELECT coalesce(max("offset"), 0) FROM events"#;

    const SETTINGS: &'static str = "SELECT CAST(@@GLOBAL.innodb_flush_log_at_trx_commit AS CHAR), \
        CAST(@@GLOBAL.log_bin AS CHAR), CAST(@@GLOBAL.sync_binlog AS CHAR), CAST(@@GLOBAL.innodb_doublewrite AS CHAR), \
        COALESCE((SELECT CAST(variable_value AS CHAR) FROM performance_schema.global_status \
            WHERE variable_name = 'Innodb_redo_log_enabled'), 'ON'), \
        'UTF8', CAST(@@version AS CHAR), CASE WHEN @@GLOBAL.read_only THEN 'standby' ELSE 'primary' END";

    const KEPT_COLUMNS: usize = 5;

    const GUARDS: &'static [&'static str] = &[
        "events_are_never_changed",
        "events_are_never_deleted",
        "events_are_never_truncated",
        "ledger_head_goes_on",
        "ledger_head_stays",
    ];

    // Who has few rights is shown some of them only; who may make triggers is shown all.
    const GUARDS_IN_PLACE: &'static str = "SELECT trigger_name FROM information_schema.triggers \
        WHERE trigger_schema = DATABASE() UNION ALL \
        SELECT constraint_name FROM information_schema.referential_constraints \
        WHERE constraint_schema = DATABASE() UNION ALL \
        SELECT 'visible' FROM information_schema.user_privileges WHERE privilege_type = 'TRIGGER' UNION ALL \
        SELECT 'visible' FROM information_schema.schema_privileges \
        WHERE privilege_type = 'TRIGGER' AND DATABASE() LIKE table_schema";

    // The one place that reckons in roles. It does not tell who may delete.
    const RIGHTS: &'static str = "SELECT CAST(MAX(table_name = 'events' AND FIND_IN_SET('insert', privileges) > 0) \
        AND MAX(table_name = 'ledger_head' AND FIND_IN_SET('update', privileges) > 0) AS SIGNED), \
        CAST(MAX(table_name = 'events' AND FIND_IN_SET('update', privileges) > 0) AS SIGNED) \
        FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name IN ('events', 'ledger_head')";

    const TLS: &'static str = "SHOW SESSION STATUS LIKE 'Ssl_version'";

    fn is_recent(version: &str) -> bool {
        let oldest = if version.contains("MariaDB") { vec![10, 6] } else { vec![8, 0, 16] };
        self::version(version) >= oldest
    }

    fn exists(table: &str) -> String {
        format!(
            "SELECT count(*) FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = '{table}'"
        )
    }

    fn tables() -> Vec<&'static str> {
        include_str!("schema_1.sql").split("\n;\n").filter(|statement| !statement.trim().is_empty()).collect()
    }

    fn begin_migration(options: &ServerOptions) -> String {
        // Released with the connection, whatever becomes of this process. Its name is the whole server's.
        let wait = options.lock_timeout().as_secs().max(1);
        format!("SELECT GET_LOCK(CONCAT('agent-ledger ', MD5(DATABASE())), {wait})")
    }

    const END_MIGRATION: &'static str = "SELECT RELEASE_LOCK(CONCAT('agent-ledger ', MD5(DATABASE())))";

    // There is none but the client's.
    const WITHOUT_TIMEOUT: &'static str = "DO 0";

    async fn connect(options: &ServerOptions, secret: Option<&Secret>) -> Result<MySqlConnection, sqlx::Error> {
        settings::connect(options, secret).await
    }

    async fn scan(
        connection: &mut MySqlConnection,
        statement: Statement,
        each: Each<'_, Self>,
    ) -> Answer<ControlFlow<()>> {
        // Every text that is bound is a name, and names are binary here.
        let (sql, arguments) = bind::<sqlx::MySql, _>(statement, String::into_bytes)?;
        scan::<sqlx::MySql>(connection, sql, arguments, each).await
    }

    async fn script(connection: &mut MySqlConnection, sql: String) -> Result<Vec<MySqlRow>, sqlx::Error> {
        script::<sqlx::MySql>(connection, sql).await
    }

    async fn page(connection: &mut MySqlConnection, read: &Read, each: EachPageRow<'_>) -> Answer<ControlFlow<()>> {
        page_after_head::<Self>(connection, read, each).await
    }

    async fn known(connection: &mut MySqlConnection, ids: &[&str]) -> Answer<HashMap<EventId, Known>> {
        append::known(connection, ids).await
    }

    async fn insert(connection: &mut MySqlConnection, rows: &[NewRow<'_>]) -> Answer<()> {
        append::insert(connection, rows).await
    }

    async fn append_new(_: &mut MySqlConnection, _: LedgerId, _: &[Batch]) -> Answer<Option<i64>> {
        // MySQL's statements cannot write two tables.
        Ok(None)
    }

    async fn bell(_: &ServerOptions, _: Option<&Secret>, _: LedgerId) -> Result<Option<NoBell>, sqlx::Error> {
        Ok(None)
    }

    fn event(row: &MySqlRow) -> Result<Row<'_>, sqlx::Error> {
        Ok(Row {
            offset: row.try_get_unchecked(0)?,
            id: name(row, 1)?,
            run_id: name(row, 2)?,
            turn: row.try_get_unchecked(3)?,
            kind: name(row, 4)?,
            actor: name(row, 5)?,
            created_at: row.try_get_unchecked(6)?,
            recorded_at: row.try_get_unchecked(7)?,
            schema_version: row.try_get_unchecked(8)?,
            session_id: maybe_name(row, 9)?,
            model_profile: maybe_name(row, 10)?,
            model_id: maybe_name(row, 11)?,
            digest: row.try_get_unchecked(12)?,
            seal: row.try_get_unchecked(13)?,
            metadata: name(row, 14)?,
            payload: name(row, 15)?,
        })
    }

    fn int(row: &MySqlRow, column: usize) -> Result<i64, sqlx::Error> {
        row.try_get_unchecked(column)
    }

    fn text(row: &MySqlRow, column: usize) -> Result<Option<String>, sqlx::Error> {
        Ok(maybe_name(row, column)?.map(str::to_owned))
    }

    fn micros(row: &MySqlRow, column: usize) -> Result<i64, sqlx::Error> {
        Self::int(row, column)
    }

    fn time(time: Timestamp) -> String {
        time.as_micros().to_string()
    }

    fn kept(settings: &[String]) -> Kept {
        settings::kept(settings)
    }

    fn verdict(said: &dyn DatabaseError) -> (Verdict, String) {
        verdict::verdict(said)
    }
}

fn name(row: &MySqlRow, column: usize) -> Result<&str, sqlx::Error> {
    utf8(row.try_get_unchecked(column)?)
}

fn maybe_name(row: &MySqlRow, column: usize) -> Result<Option<&str>, sqlx::Error> {
    row.try_get_unchecked::<Option<&[u8]>, _>(column)?.map(utf8).transpose()
}

fn utf8(bytes: &[u8]) -> Result<&str, sqlx::Error> {
    std::str::from_utf8(bytes).map_err(|error| sqlx::Error::Decode(Box::new(error)))
}

/// MySQL has no notifications.
pub struct NoBell(Infallible);

impl Bell for NoBell {
    async fn ring(&mut self) -> Result<(), sqlx::Error> {
        match self.0 {}
    }

    async fn listen(&mut self) -> Result<(), sqlx::Error> {
        match self.0 {}
    }

    async fn heard(&mut self) -> Result<(), sqlx::Error> {
        match self.0 {}
    }
}
