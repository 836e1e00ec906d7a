//! From a URL to a ledger: the only place that knows every backend.

use std::sync::Arc;

use ledger_core::{Invalid, Ledger, Result};
use ledger_memory::MemoryLedger;
#[cfg(feature = "sqlite")]
use ledger_sql::{Mode, SqliteLedger, SqliteOptions};

/// Opens the ledger that `url` names, and creates it when it is missing.
///
/// | form | ledger |
/// |---|---|
/// | `memory:` | a new one in memory, which ends with its last handle |
/// | `sqlite:PATH` | a file; settings follow a `?`, see [`SqliteOptions::from_url`](crate::SqliteOptions::from_url) |
/// | `PATH` | the same, without settings |
///
/// # Errors
/// [`Error::Invalid`](crate::Error::Invalid) when the URL has another form; else those of the backend.
pub async fn open(url: &str) -> Result<Arc<dyn Ledger>> {
    match Target::parse(url)? {
        Target::Memory => Ok(Arc::new(MemoryLedger::new())),
        #[cfg(feature = "sqlite")]
        Target::Sqlite(options) => Ok(Arc::new(SqliteLedger::open(options).await?)),
    }
}

/// Opens the ledger that `url` names, as [`open`] does, but creates no file. `memory:` is a new ledger here too.
///
/// # Errors
/// Those of [`open`], and [`Error::NotFound`](crate::Error::NotFound).
pub async fn open_existing(url: &str) -> Result<Arc<dyn Ledger>> {
    match Target::parse(url)? {
        Target::Memory => Ok(Arc::new(MemoryLedger::new())),
        #[cfg(feature = "sqlite")]
        Target::Sqlite(options) => {
            let options = if options.is_mode(Mode::Create) { options.mode(Mode::Existing) } else { options };
            Ok(Arc::new(SqliteLedger::open(options).await?))
        }
    }
}

enum Target {
    Memory,
    #[cfg(feature = "sqlite")]
    Sqlite(SqliteOptions),
}

impl Target {
    fn parse(url: &str) -> Result<Self> {
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
            Some(scheme @ ("postgres" | "postgresql" | "mysql" | "mariadb")) => {
                Err(unknown(&format!("has the scheme {scheme}:, which this build does not have")))
            }
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
    Invalid::new("url", format!("{reason}; use memory:, sqlite:PATH or a path")).into()
}
