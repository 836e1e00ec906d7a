//! The wake-up for appends of other processes: a thread that asks SQLite whether the file has changed, while anybody
//! listens.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use ledger_core::{Error, Result, Signal, Wakeup};
use rusqlite::Connection;

use super::file::{FileId, open_to_read};
use super::options::SqliteOptions;

/// How often the file is asked: what another process appends is seen after half of it on average. The question costs a
/// few microseconds.
const POLL: Duration = Duration::from_millis(5);

pub(super) struct Watch {
    signal: Arc<Signal>,
    closed: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Watch {
    pub(super) fn start(options: &SqliteOptions, file: FileId) -> Result<Self> {
        let connection = open_to_read(options)?;
        let (signal, closed) = (Arc::new(Signal::new()), Arc::new(AtomicBool::new(false)));
        let (listeners, end) = (Arc::clone(&signal), Arc::clone(&closed));
        let thread = std::thread::Builder::new()
            .name("ledger-watch".into())
            .spawn(move || watch(&connection, &file, &listeners, &end))
            .map_err(|error| Error::unavailable("the watching thread could not be started", error))?;
        Ok(Self { signal, closed, thread: Some(thread) })
    }

    pub(super) fn signal(&self) -> &Arc<Signal> {
        &self.signal
    }

    pub(super) fn listen(&self) -> Wakeup {
        let wakeup = self.signal.listen();
        self.unpark();
        wakeup
    }

    fn unpark(&self) {
        if let Some(thread) = &self.thread {
            thread.thread().unpark();
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.closed.store(true, Ordering::Release);
        self.unpark();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the watching thread panicked");
        }
    }
}

fn watch(connection: &Connection, file: &FileId, signal: &Signal, closed: &AtomicBool) {
    let mut seen = None;
    while !closed.load(Ordering::Acquire) {
        if !signal.has_listeners() {
            std::thread::park();
            continue;
        }
        // Differs when another connection has committed since this one asked last. On an error waking is the safe side:
        // the reader finds out what is wrong.
        let now = connection
            .prepare_cached("PRAGMA data_version")
            .and_then(|mut statement| statement.query_row([], |row| row.get::<_, i64>(0)));
        // A file that was replaced never changes again under this connection; the reader's next read says so.
        let changed = now.as_ref().map_or(true, |now| seen != Some(*now)) || file.check().is_err();
        seen = now.ok();
        if changed {
            signal.notify();
        }
        std::thread::park_timeout(POLL);
    }
}
