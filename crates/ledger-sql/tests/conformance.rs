//! SQLite keeps every promise; and so does a cache around it.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use ledger_conformance::Backend;
use ledger_core::{Cached, Ledger};
use ledger_sql::{SqliteLedger, SqliteOptions};
use tempfile::TempDir;

/// A file that each handle opens for itself, as other processes would.
struct Sqlite(TempDir);

impl Sqlite {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    async fn handle(&self) -> SqliteLedger {
        SqliteLedger::open(SqliteOptions::new(self.0.path().join("ledger.db"))).await.unwrap()
    }
}

#[async_trait::async_trait]
impl Backend for Sqlite {
    async fn open(&self) -> Arc<dyn Ledger> {
        Arc::new(self.handle().await)
    }
}

struct CachedSqlite(Sqlite);

#[async_trait::async_trait]
impl Backend for CachedSqlite {
    async fn open(&self) -> Arc<dyn Ledger> {
        Arc::new(Cached::new(Arc::new(self.0.handle().await), 1 << 20))
    }
}

mod sqlite {
    ledger_conformance::suite!(super::Sqlite::new());
}
mod cached {
    ledger_conformance::suite!(super::CachedSqlite(super::Sqlite::new()));
}
