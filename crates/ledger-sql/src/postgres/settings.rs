//! How a connection is opened and set up, and what the server's settings mean.

use ledger_core::Durability;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgSslMode};
use sqlx::{AssertSqlSafe, ConnectOptions, Executor};

use crate::server::{Kept, Place, Secret, ServerOptions, Tls};

/// Prepared statements that a connection keeps: filters have many shapes.
const STATEMENTS: usize = 64;

pub(super) async fn connect(options: &ServerOptions, secret: Option<&Secret>) -> Result<PgConnection, sqlx::Error> {
    let mut connection = driver_options(options, secret).connect().await?;
    connection.execute(AssertSqlSafe(set_up(options))).await?;
    Ok(connection)
}

/// The driver's options. What is not said it takes from where `psql` would: `PGUSER`, `PGPASSWORD`, `~/.pgpass`, ...
pub(super) fn driver_options(options: &ServerOptions, secret: Option<&Secret>) -> PgConnectOptions {
    let mut driver = PgConnectOptions::new().application_name("agent-ledger").statement_cache_capacity(STATEMENTS);
    driver = match &options.place {
        Place::Host { host, port } => driver.host(host).port(*port),
        Place::Socket(folder) => driver.socket(folder),
    };
    if let Some(user) = &options.user {
        driver = driver.username(user);
    }
    if let Some(database) = &options.database {
        driver = driver.database(database);
    }
    if let Some(secret) = secret {
        driver = driver.password(secret.reveal());
    }
    if let Some(path) = &options.root_certificate {
        driver = driver.ssl_root_cert(path);
    }
    if let (Some(certificate), Some(key)) = (&options.client_certificate, &options.client_key) {
        driver = driver.ssl_client_cert(certificate).ssl_client_key(key);
    }
    let mode = match options.protection() {
        Tls::Disable => PgSslMode::Disable,
        Tls::Prefer => PgSslMode::Prefer,
        Tls::Require => PgSslMode::Require,
        Tls::VerifyCa => PgSslMode::VerifyCa,
        Tls::VerifyFull => PgSslMode::VerifyFull,
    };
    driver.ssl_mode(mode).disable_statement_logging()
}

/// Set by statements and not at login, which poolers refuse. `statement_timeout` does not end a wait for a standby; the
/// client's own deadline does. A writer that vanished within a transaction holds the lane no longer than a statement may
/// take. What a rule of somebody else warns of may quote an event, and the driver logs it.
fn set_up(options: &ServerOptions) -> String {
    let (lock, timeout) = (options.lock_timeout().as_millis().max(1), options.timeout.as_millis().max(1));
    let mut set = format!(
        "SET lock_timeout = {lock}; SET statement_timeout = {timeout}; \
         SET idle_in_transaction_session_timeout = {timeout}; SET default_transaction_isolation = 'read committed'; \
         SET max_parallel_workers_per_gather = 0; SET client_min_messages = error;"
    );
    if let Some(schema) = &options.schema {
        set.push_str(&format!(" SET search_path = {};", quoted(schema)));
    }
    set
}

/// A name as it stands in a statement.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// In the order of `Engine::SETTINGS`.
pub(super) fn kept(settings: &[String]) -> Kept {
    let [fsync, full_page_writes, synchronous_commit, standbys] = settings else {
        return Kept { level: Durability::Volatile, why: "the server does not say how it is set".into() };
    };
    let is_off = |setting: &String| setting == "off";
    let (level, why) = if is_off(synchronous_commit) {
        (Durability::Volatile, "synchronous_commit is off: set it to on")
    } else if is_off(fsync) {
        (Durability::Buffered, "fsync is off: set it to on")
    } else if is_off(full_page_writes) {
        (Durability::Buffered, "full_page_writes is off: set it to on")
    } else if standbys.trim().is_empty() {
        (Durability::Synced, "no standby has to confirm: set synchronous_standby_names to have events replicated")
    } else if matches!(synchronous_commit.as_str(), "on" | "remote_apply") {
        (Durability::Replicated, "a standby confirms every commit")
    } else {
        (Durability::Synced, "standbys need not have it on disk: set synchronous_commit to on")
    };
    Kept { level, why: why.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_make_a_level() {
        let level = |settings: [&str; 4]| kept(&settings.map(String::from)).level;
        assert_eq!(level(["on", "on", "on", ""]), Durability::Synced);
        assert_eq!(level(["on", "on", "local", "*"]), Durability::Synced);
        assert_eq!(level(["on", "on", "remote_write", "a"]), Durability::Synced);
        assert_eq!(level(["on", "on", "on", "a, b"]), Durability::Replicated);
        assert_eq!(level(["on", "on", "remote_apply", "*"]), Durability::Replicated);
        assert_eq!(level(["off", "on", "on", "*"]), Durability::Buffered);
        assert_eq!(level(["on", "off", "on", ""]), Durability::Buffered);
        assert_eq!(level(["on", "on", "off", "*"]), Durability::Volatile);
    }

    #[test]
    fn a_name_cannot_end_its_quotes() {
        assert_eq!(quoted(r#"a"; DROP TABLE events; --"#), r#""a""; DROP TABLE events; --""#);
    }
}
