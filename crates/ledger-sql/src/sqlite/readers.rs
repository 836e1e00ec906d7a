//! The connections that read.

use std::sync::Arc;

use ledger_core::{Error, Result};
use parking_lot::Mutex;
use rusqlite::Connection;
use tokio::sync::Semaphore;

use super::error::{blocking, reading};
use super::file::{FileId, open_to_read};
use super::migrate::version;
use super::options::SqliteOptions;

/// Reads at once per handle; further ones wait for their turn.
const READERS: usize = 8;

pub(super) struct Readers {
    options: SqliteOptions,
    file: FileId,
    idle: Mutex<Vec<Connection>>,
    permits: Arc<Semaphore>,
}

impl Readers {
    pub(super) fn new(options: SqliteOptions, file: FileId) -> Self {
        Self { options, file, idle: Mutex::new(Vec::new()), permits: Arc::new(Semaphore::new(READERS)) }
    }

    /// Runs `work` on a connection, in one read transaction: everything that it sees is of one moment.
    pub(super) async fn read<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let permit = Arc::clone(&self.permits).acquire_owned().await.map_err(|_| Error::Closed)?;
        let readers = Arc::clone(self);
        blocking(move || {
            let result = readers.read_now(work);
            // Before the permit: who waits for all of them closes the file next, which this must not keep open.
            drop(readers);
            drop(permit);
            result
        })
        .await
    }

    /// Waits until nobody reads.
    pub(super) async fn all_done(&self) {
        let all = u32::try_from(READERS).unwrap_or(u32::MAX);
        drop(self.permits.acquire_many(all).await);
    }

    fn read_now<T>(&self, work: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        self.file.check()?;
        let idle = self.idle.lock().pop();
        let connection = match idle {
            Some(connection) => connection,
            None => open_to_read(&self.options)?,
        };
        let result = {
            // Nothing is written, so dropping it, which rolls back, is how it ends.
            let transaction = connection.unchecked_transaction().map_err(reading)?;
            version(&transaction).and_then(|_| work(&transaction))
        };
        // A connection that failed may hold on to a state that is not that of the file.
        if result.is_ok() {
            self.idle.lock().push(connection);
        }
        result
    }
}
