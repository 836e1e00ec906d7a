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
        let encoded: String = url::form_urlencoded::byte_serialize(path.as_bytes()).collect();
        let encoded = encoded.replace('+', "%20").replace("%2F", "/");
        Self::new(Engine::Sqlite, &format!("sqlite:{encoded}?mode=rwc"), None, path.to_owned())
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
            Some("sqlite") => Self::sqlite(Path::new(text.trim_start_matches("sqlite:"))),
            Some(other) if text.starts_with(&format!("{other}://")) => {
                Err(refuse("does not start with sqlite:, postgres: or mysql:").into())
            }
            _ => Self::sqlite(Path::new(text)),
        }
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
        Self::new(engine, url.as_str(), schema, place)
    }

    fn new(engine: Engine, url: &str, schema: Option<String>, place: String) -> Result<Self> {
        sqlx::any::install_default_drivers();
        let options: AnyConnectOptions = url
            .parse()
            .map_err(|_| refuse("is not one that the driver understands, or its engine was not built in"))?;
        Ok(Self { engine, options: options.disable_statement_logging(), schema, place })
    }

    /// Where it is, for people: without user and password.
    #[must_use]
    pub fn place(&self) -> &str {
        &self.place
    }

    /// Asks a question in SQL, on a connection that cannot write: one statement, over the documented views.
    ///
    /// # Errors
    /// [`Error::Database`] with the database's words when it does not understand the question, or would have to write.
    pub async fn query(&self, sql: &str) -> Result<Answer> {
        let mut connection = self.connect().await?;
        connection.script(self.engine.only_read()).await?;
        connection.begin_snapshot().await?;
        let answer = connection.answer(sql.to_owned()).await;
        connection.close().await;
        answer
    }

    /// Opens a connection.
    pub(crate) async fn connect(&self) -> Result<Connection> {
        let raw = match tokio::time::timeout(CONNECT_TIMEOUT, self.options.connect()).await {
            Ok(connected) => connected?,
            Err(elapsed) => {
                let reason = format!("{} did not take the connection within {CONNECT_TIMEOUT:?}", self.place);
                return Err(Error::Unavailable { reason, source: Box::new(elapsed) });
            }
        };
        let mut connection = Connection::new(raw, self.engine);
        self.set_up(&mut connection).await?;
        if let Some(schema) = &self.schema {
            let schema = self.engine.quoted(schema);
            connection.script(&format!("SET search_path = {schema}")).await?;
        }
        Ok(connection)
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

fn refuse(reason: impl Into<String>) -> Invalid {
    Invalid::new("url", reason)
}
