//! Which database.

use std::fmt;
use std::path::Path;
use std::time::{Duration, Instant};

use ledger_core::Invalid;
use sqlx::ConnectOptions as _;
use sqlx::any::AnyConnectOptions;
use url::Url;

use super::connection::Connection;
use super::engine::Engine;
use super::tables::Cell;
use crate::{Error, Result};

/// How long a connection may take to open.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Between two attempts at a file that is busy.
const BUSY_PAUSE: Duration = Duration::from_millis(5);

/// A database for projections: a SQLite file, a Postgres schema, or a MySQL or MariaDB database.
#[derive(Clone)]
pub struct Database {
    engine: Engine,
    options: AnyConnectOptions,
    /// The Postgres schema that holds the tables.
    schema: Option<String>,
    place: String,
}

/// The answer to a question in SQL.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The names of the columns; none when there are no rows.
    pub columns: Vec<String>,
    /// The rows.
    pub rows: Vec<Vec<Cell>>,
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Without the URL, which may hold a password.
        f.debug_struct("Database").field("engine", &self.engine).field("place", &self.place).finish_non_exhaustive()
    }
}

impl Database {
    /// The SQLite file at `path`.
    ///
    /// # Errors
    /// [`Error::Invalid`] when the path is not UTF-8.
    pub fn sqlite(path: &Path) -> Result<Self> {
        let path = path.to_str().ok_or_else(|| Invalid::new("path", "is not UTF-8"))?;
        Ok(Self { engine: Engine::Sqlite, options: file_options(path, "rwc")?, schema: None, place: path.to_owned() })
    }

    /// What a URL names: `sqlite:PATH`, or a path; `postgres://USER@HOST/DATABASE?schema=NAME`;
    /// `mysql://USER@HOST/DATABASE`. A server's other settings are those of the driver (`sslmode`, `sslrootcert`, ...);
    /// its certificate is verified unless it is this machine or the URL says otherwise.
    ///
    /// # Errors
    /// [`Error::Invalid`] when it is not such a URL.
    pub fn from_url(text: &str) -> Result<Self> {
        let scheme = text.split_once(':').map(|(scheme, _)| scheme);
        match scheme {
            Some("postgres" | "postgresql") => Self::server(Engine::Postgres, text, "sslmode", "verify-full"),
            Some("mysql" | "mariadb") => Self::server(Engine::MySql, text, "ssl-mode", "VERIFY_IDENTITY"),
            Some("sqlite") => {
                let rest = text.strip_prefix("sqlite:").unwrap_or(text);
                Self::file(rest.strip_prefix("//").unwrap_or(rest))
            }
            // A single letter is a drive.
            Some(other)
                if other.len() > 1 && other.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'+') =>
            {
                Err(refuse("does not start with sqlite:, postgres: or mysql: (a path can begin with ./)").into())
            }
            _ => Self::file(text),
        }
    }

    fn file(path: &str) -> Result<Self> {
        if path.is_empty() || path == ":memory:" {
            return Err(refuse("names no file; use sqlite:PATH").into());
        }
        if path.contains('?') {
            return Err(refuse("has settings after a ?, which a file of projections does not take").into());
        }
        Self::sqlite(Path::new(path))
    }

    fn server(engine: Engine, text: &str, tls: &str, verified: &str) -> Result<Self> {
        let mut url = Url::parse(text).map_err(|error| refuse(format!("cannot be read: {error}")))?;
        let settings: Vec<(String, String)> = url.query_pairs().into_owned().collect();
        let schema = settings.iter().find(|(name, _)| name == "schema").map(|(_, schema)| schema.clone());
        if engine == Engine::MySql && schema.is_some() {
            return Err(refuse("names a schema; on MySQL the database is all there is").into());
        }
        let near = url.host_str().is_none_or(|host| {
            let host = host.trim_start_matches('[').trim_end_matches(']');
            host.is_empty()
                || host == "localhost"
                || host.starts_with("%2F")
                || host.parse().is_ok_and(|address: std::net::IpAddr| address.is_loopback())
        });
        let says = settings.iter().any(|(name, _)| ["sslmode", "ssl-mode"].contains(&name.as_str()));
        {
            let mut query = url.query_pairs_mut();
            query.clear().extend_pairs(settings.iter().filter(|(name, _)| name != "schema"));
            if !near && !says {
                query.append_pair(tls, verified);
            }
        }
        let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
        let place = format!("{}{port}{}", url.host_str().unwrap_or("localhost"), url.path());
        Ok(Self { engine, options: options(url.as_str())?, schema, place })
    }

    /// Where it is, for people: without user and password.
    #[must_use]
    pub fn place(&self) -> &str {
        &self.place
    }

    /// Whether it is a file that is not there, which whoever only reads need not make.
    pub(crate) fn is_missing(&self) -> bool {
        self.engine == Engine::Sqlite && !Path::new(&self.place).exists()
    }

    /// Asks a question in SQL, on a connection that cannot write: one statement, over the documented views.
    ///
    /// # Errors
    /// [`Error::Invalid`] when it is more than one statement; [`Error::Database`] with the database's words when it does
    /// not understand the question, or would have to write; [`Error::NotThere`] when there is no such file.
    pub async fn query(&self, sql: &str) -> Result<Answer> {
        let sql = super::statement::single(sql)?;
        if self.is_missing() {
            return Err(Error::NotThere { projection: "usage".into(), place: self.place.clone() });
        }
        let mut connection = self.connect_only_reading().await?;
        connection.begin_snapshot().await?;
        let answer = connection.answer(sql.to_owned()).await;
        connection.close().await;
        answer
    }

    /// Opens a connection.
    pub(crate) async fn connect(&self) -> Result<Connection> {
        let mut connection = self.open(&self.options).await?;
        self.set_up(&mut connection).await?;
        self.use_schema(&mut connection).await?;
        Ok(connection)
    }

    /// Opens a connection that cannot write: of a file, because it was opened so; of a server, because it says so.
    async fn connect_only_reading(&self) -> Result<Connection> {
        let mut connection = match self.engine {
            Engine::Sqlite => self.open(&file_options(&self.place, "ro")?).await?,
            Engine::Postgres | Engine::MySql => self.connect().await?,
        };
        connection.script(self.engine.only_read()).await?;
        Ok(connection)
    }

    async fn open(&self, options: &AnyConnectOptions) -> Result<Connection> {
        let raw = match tokio::time::timeout(CONNECT_TIMEOUT, options.connect()).await {
            Ok(connected) => connected?,
            Err(elapsed) => {
                let reason = format!("{} did not take the connection within {CONNECT_TIMEOUT:?}", self.place);
                return Err(Error::Unavailable { reason, source: Box::new(elapsed) });
            }
        };
        Ok(Connection::new(raw, self.engine))
    }

    async fn use_schema(&self, connection: &mut Connection) -> Result<()> {
        if let Some(schema) = &self.schema {
            let schema = self.engine.quoted(schema);
            connection.script(&format!("SET search_path = {schema}")).await?;
        }
        Ok(())
    }

    /// While a SQLite file is new, another process may be making it a file with a log, which no busy timeout waits for.
    async fn set_up(&self, connection: &mut Connection) -> Result<()> {
        let deadline = Instant::now() + CONNECT_TIMEOUT;
        loop {
            match connection.script(self.engine.set_up()).await {
                Err(error) if error.is_retryable() && self.engine == Engine::Sqlite && Instant::now() < deadline => {
                    tokio::time::sleep(BUSY_PAUSE).await;
                }
                done => return done,
            }
        }
    }

    /// Makes the schema, if one is named.
    pub(crate) async fn create_schema(&self, connection: &mut Connection) -> Result<()> {
        if let Some(schema) = &self.schema {
            let schema = self.engine.quoted(schema);
            // Of two that do this at once one would fail, in spite of its words.
            let lock = self.engine.lock_tables();
            connection.script(&format!("BEGIN; {lock}; CREATE SCHEMA IF NOT EXISTS {schema}; COMMIT")).await?;
        }
        Ok(())
    }
}

fn file_options(path: &str, mode: &str) -> Result<AnyConnectOptions> {
    let encoded: String = url::form_urlencoded::byte_serialize(path.as_bytes()).collect();
    let encoded = encoded.replace('+', "%20").replace("%2F", "/");
    options(&format!("sqlite:{encoded}?mode={mode}"))
}

fn options(url: &str) -> Result<AnyConnectOptions> {
    sqlx::any::install_default_drivers();
    let options: AnyConnectOptions =
        url.parse().map_err(|_| refuse("is not one that the driver understands, or its engine was not built in"))?;
    Ok(options.disable_statement_logging())
}

fn refuse(reason: impl Into<String>) -> Invalid {
    Invalid::new("url", reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_that_name_no_database_are_refused() {
        for text in ["", "sqlite:", "sqlite::memory:", "memory:", "redis://x", "sqlite:a.db?mode=ro", "postgres://[x/y"]
        {
            assert!(Database::from_url(text).is_err(), "{text}");
        }
        for text in ["sqlite:a.db", "sqlite://a.db", "a.db", "./a:b.db", "C:\\a.db"] {
            assert!(Database::from_url(text).is_ok(), "{text}");
        }
    }
}
