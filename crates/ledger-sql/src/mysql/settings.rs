//! How a connection is opened and set up, and what the server's settings mean.

use std::time::Duration;

use ledger_core::Durability;
use sqlx::mysql::{MySqlConnectOptions, MySqlConnection, MySqlSslMode};
use sqlx::{AssertSqlSafe, ConnectOptions, Executor};

use crate::server::{Kept, Place, Secret, ServerOptions, Tls};

/// Prepared statements that a connection keeps: filters have many shapes.
const STATEMENTS: usize = 64;

pub(super) async fn connect(options: &ServerOptions, secret: Option<&Secret>) -> Result<MySqlConnection, sqlx::Error> {
    let mut connection = driver_options(options, secret).connect().await?;
    connection.execute(AssertSqlSafe(set_up(options))).await?;
    Ok(connection)
}

fn driver_options(options: &ServerOptions, secret: Option<&Secret>) -> MySqlConnectOptions {
    let protection = options.protection();
    let mut driver = MySqlConnectOptions::new().statement_cache_capacity(STATEMENTS).charset("utf8mb4");
    driver = match &options.place {
        Place::Host { host, port } => driver.host(host).port(*port),
        Place::Socket(path) => driver.socket(path),
    };
    if let Some(user) = &options.user {
        driver = driver.username(user);
    }
    if let Some(database) = &options.database {
        driver = driver.database(database);
    }
    match (secret, std::env::var("MYSQL_PWD")) {
        (Some(secret), _) => driver = driver.password(secret.reveal()),
        (None, Ok(password)) => driver = driver.password(&password),
        (None, Err(_)) => {}
    }
    if options.has_tokens() && !matches!(protection, Tls::Disable | Tls::Prefer) {
        // A token is no secret to be scrambled: the server hands it on to who checks it.
        driver = driver.enable_cleartext_plugin(true);
    }
    if let Some(path) = &options.root_certificate {
        driver = driver.ssl_ca(path);
    }
    if let (Some(certificate), Some(key)) = (&options.client_certificate, &options.client_key) {
        driver = driver.ssl_client_cert(certificate).ssl_client_key(key);
    }
    let mode = match protection {
        Tls::Disable => MySqlSslMode::Disabled,
        Tls::Prefer => MySqlSslMode::Preferred,
        Tls::Require => MySqlSslMode::Required,
        Tls::VerifyCa => MySqlSslMode::VerifyCa,
        Tls::VerifyFull => MySqlSslMode::VerifyIdentity,
    };
    driver.ssl_mode(mode).disable_statement_logging()
}

/// Strict, so that a value that does not fit is refused and never cut; with the quotes of standard SQL. Under READ
/// COMMITTED every statement sees what was committed before it, as the lane and pages need. A writer that vanished within a
/// transaction holds the lane no longer than a statement may take: MariaDB ends just such connections (what stands in
/// `/*M! */` only MariaDB reads), MySQL all that are idle, which are opened anew.
fn set_up(options: &ServerOptions) -> String {
    // Whole seconds here.
    let seconds = |time: Duration| time.as_millis().div_ceil(1_000).max(1);
    let (lock, idle) = (seconds(options.lock_timeout()), seconds(options.timeout));
    format!(
        "SET SESSION sql_mode = 'ANSI_QUOTES,STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION,NO_ZERO_DATE,NO_ZERO_IN_DATE,\
         ERROR_FOR_DIVISION_BY_ZERO', SESSION autocommit = 1, SESSION innodb_lock_wait_timeout = {lock}, \
         SESSION time_zone = '+00:00', SESSION wait_timeout = {idle} \
         /*M!100300 , SESSION wait_timeout = 28800, SESSION idle_transaction_timeout = {idle} */; \
         SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED"
    )
}

/// In the order of `Engine::SETTINGS`.
pub(super) fn kept(settings: &[String]) -> Kept {
    let [flush, log_bin, sync_binlog, doublewrite, redo_log] = settings else {
        return Kept { level: Durability::Volatile, why: "the server does not say how it is set".into() };
    };
    let is_off = |setting: &String| matches!(setting.to_ascii_lowercase().as_str(), "0" | "off");
    // Other words of MySQL 8, such as DETECT_ONLY, find torn pages and do not mend them.
    let mends_pages = matches!(doublewrite.to_ascii_lowercase().as_str(), "1" | "on" | "detect_and_recover");
    let (level, why) = match flush.as_str() {
        _ if is_off(redo_log) => {
            (Durability::Volatile, "the redo log is off: enable it with ALTER INSTANCE ENABLE INNODB REDO_LOG")
        }
        "1" | "3" if !is_off(log_bin) && sync_binlog != "1" => {
            (Durability::Buffered, "sync_binlog is not 1: set it to 1, since a crash undoes what the binary log lost")
        }
        "1" | "3" if !mends_pages => (Durability::Buffered, "innodb_doublewrite is not on: set it to on"),
        "1" | "3" => (Durability::Synced, "replication does not confirm that a commit is on another disk"),
        "2" => (Durability::Buffered, "innodb_flush_log_at_trx_commit is 2: set it to 1"),
        _ => (Durability::Volatile, "innodb_flush_log_at_trx_commit is 0: set it to 1"),
    };
    Kept { level, why: why.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_make_a_level() {
        let level = |settings: [&str; 5]| kept(&settings.map(String::from)).level;
        assert_eq!(level(["1", "0", "0", "1", "ON"]), Durability::Synced);
        assert_eq!(level(["1", "1", "1", "ON", "ON"]), Durability::Synced);
        assert_eq!(level(["1", "1", "1", "DETECT_AND_RECOVER", "ON"]), Durability::Synced);
        assert_eq!(level(["1", "1", "0", "1", "ON"]), Durability::Buffered);
        assert_eq!(level(["1", "1", "100", "1", "ON"]), Durability::Buffered);
        assert_eq!(level(["1", "0", "1", "OFF", "ON"]), Durability::Buffered);
        assert_eq!(level(["1", "0", "1", "DETECT_ONLY", "ON"]), Durability::Buffered);
        assert_eq!(level(["2", "0", "1", "1", "ON"]), Durability::Buffered);
        assert_eq!(level(["0", "1", "1", "1", "ON"]), Durability::Volatile);
        assert_eq!(level(["1", "1", "1", "1", "OFF"]), Durability::Volatile);
    }
}
