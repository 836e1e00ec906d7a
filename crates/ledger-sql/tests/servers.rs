//! Postgres and MySQL keep every promise; and so does a cache around Postgres.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use ledger_conformance::Backend;
use ledger_core::{Cached, Ledger};
use ledger_servers::{MariaDb, Postgres};
use ledger_sql::{MySqlLedger, PostgresLedger, ServerOptions};

/// A schema that each handle connects to for itself, as other processes would.
struct InPostgres(ServerOptions);

impl InPostgres {
    fn new() -> Self {
        Self(ServerOptions::from_url(&Postgres::shared().fresh()).unwrap())
    }

    async fn handle(&self) -> PostgresLedger {
        PostgresLedger::open(self.0.clone()).await.unwrap()
    }
}

#[async_trait::async_trait]
impl Backend for InPostgres {
    async fn open(&self) -> Arc<dyn Ledger> {
        Arc::new(self.handle().await)
    }
}

struct CachedPostgres(InPostgres);

#[async_trait::async_trait]
impl Backend for CachedPostgres {
    async fn open(&self) -> Arc<dyn Ledger> {
        Arc::new(Cached::new(Arc::new(self.0.handle().await), 1 << 20))
    }
}

/// A database that each handle connects to for itself.
struct InMySql(ServerOptions);

impl InMySql {
    fn new() -> Self {
        Self(ServerOptions::from_url(&MariaDb::shared().fresh()).unwrap())
    }
}

#[async_trait::async_trait]
impl Backend for InMySql {
    async fn open(&self) -> Arc<dyn Ledger> {
        Arc::new(MySqlLedger::open(self.0.clone()).await.unwrap())
    }
}

mod postgres {
    ledger_conformance::suite!(super::InPostgres::new());
}
mod cached {
    ledger_conformance::suite!(super::CachedPostgres(super::InPostgres::new()));
}
mod mysql {
    ledger_conformance::suite!(super::InMySql::new());
}
