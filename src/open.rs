//! From a URL to a ledger. This folder is the only place that knows every backend.

use std::sync::Arc;

use ledger_core::{Invalid, Ledger, Result};
use ledger_memory::MemoryLedger;
#[cfg(any(feature = "sqlite", feature = "postgres", feature = "mysql"))]
use ledger_sql::Mode;
#[cfg(feature = "mysql")]
use ledger_sql::MySqlLedger;
#[cfg(feature = "postgres")]
use ledger_sql::PostgresLedger;
#[cfg(any(feature = "postgres", feature = "mysql"))]
use ledger_sql::ServerOptions;
#[cfg(feature = "sqlite")]
use ledger_sql::{SqliteLedger, SqliteOptions};

/// Opens the ledger that `url` names, and creates it when it is missing.
///
/// | form | ledger |
/// |---|---|
/// | `memory:` | a new one in memory, which ends with its last handle |
/// | `sqlite:PATH` | a file; settings follow a `?`, see [`SqliteOptions::from_url`](crate::SqliteOptions::from_url) |
/// | `PATH` | the same, without settings |
/// | `postgres://...` | in a Postgres database; see [`ServerOptions::from_url`](crate::ServerOptions::from_url) |
/// | `mysql://...` | in a MySQL or MariaDB database; the same |
///
/// # Errors
/// [`Error::Invalid`](crate::Error::Invalid) when the URL has another form; else those of the backend.
pub async fn open(url: &str) -> Result<Arc<dyn Ledger>> {
    Target::parse(url)?.open().await
}

/// Opens the ledger that `url` names, as [`open`] does, but creates none. `memory:` is a new ledger here too.
///
/// # Errors
/// Those of [`open`], and [`Error::NotFound`](crate::Error::NotFound).
pub async fn open_existing(url: &str) -> Result<Arc<dyn Ledger>> {
    Target::parse(url)?.existing().open().await
}

/// Opens the ledger that `url` names, as [`open_existing`] does, but never to write to it, whatever the URL says.
///
/// # Errors
/// Those of [`open_existing`].
pub async fn open_to_read(url: &str) -> Result<Arc<dyn Ledger>> {
    Target::parse(url)?.read_only().open().await
}

#[allow(clippy::large_enum_variant, reason = "it lives for one call")]
pub(crate) enum Target {
    Memory,
    #[cfg(feature = "sqlite")]
    Sqlite(SqliteOptions),
    #[cfg(feature = "postgres")]
    Postgres(ServerOptions),
    #[cfg(feature = "mysql")]
    MySql(ServerOptions),
}

impl Target {
    async fn open(self) -> Result<Arc<dyn Ledger>> {
        Ok(match self {
            Self::Memory => Arc::new(MemoryLedger::new()),
            #[cfg(feature = "sqlite")]
            Self::Sqlite(options) => Arc::new(SqliteLedger::open(options).await?),
            #[cfg(feature = "postgres")]
            Self::Postgres(options) => Arc::new(PostgresLedger::open(options).await?),
            #[cfg(feature = "mysql")]
            Self::MySql(options) => Arc::new(MySqlLedger::open(options).await?),
        })
    }

    fn existing(self) -> Self {
        match self {
            Self::Memory => Self::Memory,
            #[cfg(feature = "sqlite")]
            Self::Sqlite(options) if options.is_mode(Mode::Create) => Self::Sqlite(options.mode(Mode::Existing)),
            #[cfg(feature = "postgres")]
            Self::Postgres(options) if options.is_mode(Mode::Create) => Self::Postgres(options.mode(Mode::Existing)),
            #[cfg(feature = "mysql")]
            Self::MySql(options) if options.is_mode(Mode::Create) => Self::MySql(options.mode(Mode::Existing)),
            #[cfg(any(feature = "sqlite", feature = "postgres", feature = "mysql"))]
            as_it_is => as_it_is,
        }
    }

    fn read_only(self) -> Self {
        match self {
            Self::Memory => Self::Memory,
            #[cfg(feature = "sqlite")]
            Self::Sqlite(options) => Self::Sqlite(options.mode(Mode::ReadOnly)),
            #[cfg(feature = "postgres")]
            Self::Postgres(options) => Self::Postgres(options.mode(Mode::ReadOnly)),
            #[cfg(feature = "mysql")]
            Self::MySql(options) => Self::MySql(options.mode(Mode::ReadOnly)),
        }
    }

    pub(crate) fn parse(url: &str) -> Result<Self> {
        let scheme = scheme(url).map(str::to_ascii_lowercase);
        match scheme.as_deref() {
            _ if url.is_empty() => Err(unknown("is empty")),
            #[cfg(feature = "sqlite")]
            None => Ok(Self::Sqlite(SqliteOptions::new(url))),
            #[cfg(not(feature = "sqlite"))]
            None => Err(unknown("is a path, and this build has no SQLite")),
            Some("memory") if url.len() == "memory:".len() => Ok(Self::Memory),
            Some("memory") => Err(unknown("has something after memory:, which names nothing")),
            #[cfg(feature = "sqlite")]
            Some("sqlite") => Ok(Self::Sqlite(SqliteOptions::from_url(url)?)),
            #[cfg(not(feature = "sqlite"))]
            Some("sqlite") => Err(unknown("names a file, and this build has no SQLite")),
            #[cfg(feature = "postgres")]
            Some("postgres" | "postgresql") => Ok(Self::Postgres(ServerOptions::from_url(url)?)),
            #[cfg(feature = "mysql")]
            Some("mysql" | "mariadb") => Ok(Self::MySql(ServerOptions::from_url(url)?)),
            #[cfg(not(feature = "postgres"))]
            Some("postgres" | "postgresql") => Err(unknown("names a Postgres server, and this build has no Postgres")),
            #[cfg(not(feature = "mysql"))]
            Some("mysql" | "mariadb") => Err(unknown("names a MySQL server, and this build has no MySQL")),
            // Without the whole URL, which may hold a password.
            Some(scheme) => Err(unknown(&format!("has the unknown scheme {scheme}: (a path can begin with ./)"))),
        }
    }
}

/// What stands before the first colon, if it can be a scheme; a single letter is a drive.
fn scheme(url: &str) -> Option<&str> {
    let (scheme, _) = url.split_once(':')?;
    let letters = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
    (scheme.len() > 1 && scheme.starts_with(|c: char| c.is_ascii_alphabetic()) && scheme.chars().all(letters))
        .then_some(scheme)
}

fn unknown(reason: &str) -> ledger_core::Error {
    Invalid::new("url", format!("{reason}; use memory:, sqlite:PATH, a path, postgres://... or mysql://...")).into()
}
