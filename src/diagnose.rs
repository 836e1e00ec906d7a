//! What is found out about the ledger that a URL names.

use ledger_core::{Ledger, Result};
use ledger_memory::MemoryLedger;
#[cfg(feature = "mysql")]
use ledger_sql::MySqlLedger;
#[cfg(feature = "postgres")]
use ledger_sql::PostgresLedger;
#[cfg(feature = "sqlite")]
use ledger_sql::SqliteLedger;
use ledger_sql::{Diagnosis, Severity};

use crate::open::Target;

/// Finds out how the ledger that `url` names is kept, and what to fix. Creates and changes nothing; that there is none, or
/// one that is damaged or too new, is a finding.
///
/// # Errors
/// [`Error::Invalid`](crate::Error::Invalid) when the URL has another form than [`open`](crate::open) takes,
/// [`Error::Unavailable`](crate::Error::Unavailable) when the store cannot be reached; else those of the backend.
pub async fn diagnose(url: &str) -> Result<Diagnosis> {
    match Target::parse(url)? {
        Target::Memory => memory().await,
        #[cfg(feature = "sqlite")]
        Target::Sqlite(options) => SqliteLedger::diagnose(options).await,
        #[cfg(feature = "postgres")]
        Target::Postgres(options) => PostgresLedger::diagnose(options).await,
        #[cfg(feature = "mysql")]
        Target::MySql(options) => MySqlLedger::diagnose(options).await,
    }
}

async fn memory() -> Result<Diagnosis> {
    let head = MemoryLedger::new().head().await?;
    let mut found = Diagnosis::new("memory:".into(), "memory");
    found.version = Some(env!("CARGO_PKG_VERSION").into());
    found.durability = head.durability;
    found.durability_why = "it ends with its process".into();
    found.head = Some(head);
    found.may_append = Some(true);
    found.find(Severity::Note, "a ledger in memory is a part of its process: there is nothing to diagnose");
    Ok(found)
}
