//! The hint that a ledger may have grown.

use tokio::sync::watch;

use crate::{Error, Result};

/// The backend's end: told whenever something was, or may have been, appended.
#[derive(Debug)]
pub struct Signal(watch::Sender<()>);

impl Signal {
    /// A signal that nobody listens to yet.
    #[must_use]
    pub fn new() -> Self {
        Self(watch::Sender::new(()))
    }

    /// Wakes every listener.
    pub fn notify(&self) {
        self.0.send_replace(());
    }

    /// A listener that has seen everything up to now.
    #[must_use]
    pub fn listen(&self) -> Wakeup {
        Wakeup(self.0.subscribe())
    }

    /// Whether anybody listens.
    #[must_use]
    pub fn has_listeners(&self) -> bool {
        self.0.receiver_count() > 0
    }
}

impl Default for Signal {
    fn default() -> Self {
        Self::new()
    }
}

/// The follower's end.
///
/// Only a hint: it may come without news, and several may come as one. Made *before* a read, it cannot miss what is
/// appended after that read.
#[derive(Debug)]
pub struct Wakeup(watch::Receiver<()>);

impl Wakeup {
    /// Waits until the ledger may have grown since the last wait, or since this was made.
    ///
    /// # Errors
    /// [`Error::Closed`] when the ledger is gone.
    pub async fn wait(&mut self) -> Result<()> {
        self.0.changed().await.map_err(|_| Error::Closed)
    }
}
