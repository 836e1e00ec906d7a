//! The wake-up for appends of other processes: a thread that listens for the bell and, while anybody listens to it, asks
//! for the head now and then; and that rings the bell for what this process appended.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use ledger_core::{Error, Extent, LedgerId, Result, Signal, Wakeup};
use tokio::sync::Notify;

use super::engine::{Bell, Engine};
use super::link::{Connector, Link};
use super::questions;

/// Between two rings: whoever listens reads everything that is there, so one ring does for many appends.
const RING_PAUSE: Duration = Duration::from_millis(2);

/// Between two attempts to get a bell that could not be had.
const BELL_PAUSE: Duration = Duration::from_secs(2);

pub(super) struct Watch {
    orders: Arc<Orders>,
    thread: Option<JoinHandle<()>>,
}

struct Orders {
    signal: Signal,
    /// Something changed below, or somebody listens now.
    news: Notify,
    appended: AtomicBool,
    closed: AtomicBool,
}

/// Tells the watch that this process has appended.
pub(super) struct Announcer(Arc<Orders>);

impl Announcer {
    pub(super) fn announce(&self) {
        self.0.signal.notify();
        self.0.appended.store(true, Ordering::Release);
        self.0.news.notify_one();
    }
}

impl Watch {
    pub(super) fn start<E: Engine>(connector: Arc<Connector>, ledger_id: LedgerId) -> Result<Self> {
        let orders = Arc::new(Orders {
            signal: Signal::new(),
            news: Notify::new(),
            appended: AtomicBool::new(false),
            closed: AtomicBool::new(false),
        });
        let failed = |error| Error::unavailable("the watching thread could not be started", error);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
        let watcher =
            Watcher::<E> { connector, ledger_id, orders: Arc::clone(&orders), bell: None, link: None, seen: None };
        let thread = std::thread::Builder::new()
            .name("ledger-watch".into())
            .spawn(move || runtime.block_on(watcher.watch()))
            .map_err(failed)?;
        Ok(Self { orders, thread: Some(thread) })
    }

    pub(super) fn announcer(&self) -> Announcer {
        Announcer(Arc::clone(&self.orders))
    }

    pub(super) fn listen(&self) -> Wakeup {
        let wakeup = self.orders.signal.listen();
        self.orders.news.notify_one();
        wakeup
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.orders.closed.store(true, Ordering::Release);
        self.orders.news.notify_one();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the watching thread panicked");
        }
    }
}

struct Watcher<E: Engine> {
    connector: Arc<Connector>,
    ledger_id: LedgerId,
    orders: Arc<Orders>,
    bell: Option<E::Bell>,
    link: Option<Link<E>>,
    seen: Option<Extent>,
}

impl<E: Engine> Watcher<E> {
    async fn watch(mut self) {
        let orders = Arc::clone(&self.orders);
        let (mut next_bell, mut next_ring) = (Instant::now(), Instant::now());
        loop {
            let listening = orders.signal.has_listeners();
            let now = Instant::now();
            if E::HAS_BELL
                && self.bell.is_none()
                && (listening || orders.appended.load(Ordering::Acquire))
                && now >= next_bell
            {
                next_bell = now + BELL_PAUSE;
                self.get_bell().await;
            }
            if listening {
                self.listen().await;
            }
            if now >= next_ring && self.bell.is_some() && orders.appended.swap(false, Ordering::AcqRel) {
                next_ring = now + RING_PAUSE;
                self.ring().await;
            }
            let to_ring = self.bell.is_some() && orders.appended.load(Ordering::Acquire);
            tokio::select! {
                () = orders.news.notified() => {}
                () = hear(&mut self.bell) => orders.signal.notify(),
                () = tokio::time::sleep(next_ring.saturating_duration_since(Instant::now())), if to_ring => {}
                () = tokio::time::sleep(E::POLL), if listening => self.poll().await,
            }
            if orders.closed.load(Ordering::Acquire) {
                // The last appends are announced too; who misses it finds out by the timer.
                if orders.appended.load(Ordering::Acquire) {
                    self.ring().await;
                }
                return;
            }
        }
    }

    async fn get_bell(&mut self) {
        match self.connector.bell::<E>(self.ledger_id).await {
            Ok(bell) => self.bell = bell,
            Err(failure) => tracing::debug!(error = %Error::from(failure), "no notifications; the timer has to do"),
        }
    }

    /// Who only appends does not listen: each ring would wake it.
    async fn listen(&mut self) {
        let Some(bell) = &mut self.bell else { return };
        let listens = tokio::time::timeout(self.connector.deadline(), bell.listen()).await;
        self.keep_bell_if(matches!(listens, Ok(Ok(()))));
    }

    async fn ring(&mut self) {
        let Some(bell) = &mut self.bell else { return };
        let rung = tokio::time::timeout(self.connector.deadline(), bell.ring()).await;
        self.keep_bell_if(matches!(rung, Ok(Ok(()))));
    }

    fn keep_bell_if(&mut self, works: bool) {
        if !works {
            self.bell = None;
        }
    }

    /// Wakes the followers when the head has moved; also when it cannot be read: the reader finds out what is wrong.
    async fn poll(&mut self) {
        let now = self.extent().await;
        if now.is_none() || now != self.seen {
            self.orders.signal.notify();
        }
        self.seen = now;
    }

    async fn extent(&mut self) -> Option<Extent> {
        let mut link = match self.link.take() {
            Some(link) => link,
            None => self.connector.connect().await.ok()?,
        };
        let head = questions::head(&mut link).await.ok()?;
        self.link = Some(link);
        Some(head.extent)
    }
}

/// Waits for the bell; for ever when there is none. One that failed is gone.
async fn hear<B: Bell>(bell: &mut Option<B>) {
    match bell {
        None => std::future::pending().await,
        Some(present) => {
            if present.heard().await.is_err() {
                *bell = None;
            }
        }
    }
}
