//! The memory ledger keeps every promise; and so does a cache around it.

use std::sync::Arc;

use ledger_conformance::Backend;
use ledger_core::{Cached, Ledger};
use ledger_memory::MemoryLedger;

struct Memory(MemoryLedger);

#[async_trait::async_trait]
impl Backend for Memory {
    async fn open(&self) -> Arc<dyn Ledger> {
        Arc::new(self.0.clone())
    }
}

/// Handles with caches of their own, large and so small that it never holds more than a few events.
struct CachedMemory(MemoryLedger, usize);

#[async_trait::async_trait]
impl Backend for CachedMemory {
    async fn open(&self) -> Arc<dyn Ledger> {
        Arc::new(Cached::new(Arc::new(self.0.clone()), self.1))
    }
}

mod memory {
    ledger_conformance::suite!(super::Memory(super::MemoryLedger::new()));
}
mod cached {
    ledger_conformance::suite!(super::CachedMemory(super::MemoryLedger::new(), 64 << 20));
}
mod hardly_cached {
    ledger_conformance::suite!(super::CachedMemory(super::MemoryLedger::new(), 5_000));
}
