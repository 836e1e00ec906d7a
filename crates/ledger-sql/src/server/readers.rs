//! The connections that read.
//!
//! Not the driver's pool: that one asks the server on every return whether the connection lives, cannot ask a token
//! provider for each new one, and takes back connections whose user went away in the middle.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ledger_core::{Error, Result};
use parking_lot::Mutex;
use tokio::sync::Semaphore;

use super::engine::Engine;
use super::failure::Failure;
use super::link::{Connector, Link};

/// A connection that nobody has used for so long is not used again: whatever stands between may have forgotten it.
const IDLE: Duration = Duration::from_secs(300);

/// What is asked, and may have to be asked again on another connection.
type Asking<'l, T> = Pin<Box<dyn Future<Output = Result<T, Failure>> + Send + 'l>>;

pub(super) struct Readers<E: Engine> {
    connector: Arc<Connector>,
    idle: Mutex<Vec<(Link<E>, Instant)>>,
    permits: Semaphore,
}

impl<E: Engine> Readers<E> {
    /// `first` is a connection that is open already.
    pub(super) fn new(connector: Arc<Connector>, first: Link<E>) -> Self {
        let permits = Semaphore::new(connector.options.readers);
        Self { connector, idle: Mutex::new(vec![(first, Instant::now())]), permits }
    }

    /// Asks on a connection that nobody else uses. One that is in use when its user goes away is closed.
    pub(super) async fn ask<T>(&self, question: impl for<'l> Fn(&'l mut Link<E>) -> Asking<'l, T>) -> Result<T> {
        let _permit = self.permit().await?;
        loop {
            let idle = self.idle();
            let was_idle = idle.is_some();
            let mut link = match idle {
                Some(link) => link,
                None => self.connector.connect().await?,
            };
            match question(&mut link).await {
                Ok(answer) => {
                    if link.is_clean() {
                        self.idle.lock().push((link, Instant::now()));
                    }
                    return Ok(answer);
                }
                // It may have died while it was idle, and the others with it. A read can be asked again.
                Err(Failure::Lost(_)) if was_idle => self.idle.lock().clear(),
                Err(failure) => return Err(failure.into()),
            }
        }
    }

    async fn permit(&self) -> Result<tokio::sync::SemaphorePermit<'_>> {
        let (wait, most) = (self.connector.options.connect_timeout, self.connector.options.readers);
        match tokio::time::timeout(wait, self.permits.acquire()).await {
            Ok(permit) => permit.map_err(|_| Error::Closed),
            Err(elapsed) => {
                let reason = format!("all {most} connections of the pool were in use for {wait:?}; set pool= higher");
                Err(Error::unavailable(reason, elapsed))
            }
        }
    }

    /// The connection that was used last, so that those that are not needed grow old.
    fn idle(&self) -> Option<Link<E>> {
        let mut idle = self.idle.lock();
        idle.retain(|(_, since)| since.elapsed() < IDLE);
        idle.pop().map(|(link, _)| link)
    }

    /// Closes every connection that nobody uses, and tells the server.
    pub(super) async fn close(&self) {
        let idle = std::mem::take(&mut *self.idle.lock());
        for (link, _) in idle {
            link.close().await;
        }
    }
}
