//! Writers and followers that go on while a server fails around them, and what must be true of them afterwards.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::TryStreamExt;
use ledger_conformance::events::{events, log};
use ledger_core::{Error, EventId, Ledger, LedgerExt, Offset, Read};
use parking_lot::Mutex;
use tokio::task::JoinSet;

use crate::support::{assert_retryable, eventually};

/// Events of an append: all of them are stored, or none.
const BATCH: usize = 3;

/// Writers and followers at work on a ledger.
pub(crate) struct Crew {
    stop: Arc<AtomicBool>,
    writers: JoinSet<Acknowledged>,
    followers: JoinSet<()>,
    seen: Vec<Seen>,
}

/// What a follower saw, in that order.
type Seen = Arc<Mutex<Vec<(Offset, EventId)>>>;

/// Where a writer was told that its events stand.
type Acknowledged = Vec<(EventId, Offset)>;

impl Crew {
    /// Two writers and a follower on each of these handles.
    pub(crate) fn start(handles: &[Arc<dyn Ledger>]) -> Self {
        let mut crew =
            Self { stop: Arc::default(), writers: JoinSet::new(), followers: JoinSet::new(), seen: Vec::new() };
        for (n, ledger) in handles.iter().enumerate() {
            for writer in 0..2 {
                crew.writers.spawn(write(Arc::clone(ledger), format!("w{n}-{writer}"), Arc::clone(&crew.stop)));
            }
            let seen = Arc::default();
            crew.seen.push(Arc::clone(&seen));
            crew.followers.spawn(follow(Arc::clone(ledger), seen));
        }
        crew
    }

    /// Ends the work; where every writer was told that its events stand.
    pub(crate) async fn stop_writing(&mut self) -> Acknowledged {
        self.stop.store(true, Ordering::SeqCst);
        let mut acknowledged = Vec::new();
        while let Some(writer) = self.writers.join_next().await {
            acknowledged.extend(writer.unwrap());
        }
        acknowledged
    }

    /// Waits until every follower has come to the end of the ledger; each must have seen the whole of it, in its order.
    pub(crate) async fn check_followers(mut self, ledger: &dyn Ledger) {
        let expected: Vec<(Offset, EventId)> =
            log(ledger).await.iter().map(|recorded| (recorded.offset, recorded.event.id.clone())).collect();
        for seen in &self.seen {
            eventually("a follower is at the end", async || seen.lock().len() >= expected.len()).await;
            assert!(*seen.lock() == expected, "a follower saw another log");
        }
        self.followers.abort_all();
        while let Some(ended) = self.followers.join_next().await {
            assert!(ended.is_err_and(|ended| ended.is_cancelled()), "a follower ended by itself");
        }
    }
}

/// Appends until it is told to stop; what fails and may be tried again is tried again, as it was.
async fn write(ledger: Arc<dyn Ledger>, name: String, stop: Arc<AtomicBool>) -> Acknowledged {
    let mut acknowledged = Vec::new();
    for n in 0.. {
        let batch = events(&format!("{name}-{n}"), BATCH);
        let positions = loop {
            match ledger.append_all(batch.clone()).await {
                Ok(positions) => break positions,
                Err(error) => assert_retryable(&error),
            }
            if stop.load(Ordering::SeqCst) {
                return acknowledged;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        };
        acknowledged.extend(batch.into_iter().map(|event| event.id).zip(positions.iter().map(|p| p.offset())));
        if stop.load(Ordering::SeqCst) {
            break;
        }
    }
    acknowledged
}

/// Follows for ever; after a failure it goes on where it was.
async fn follow(ledger: Arc<dyn Ledger>, seen: Seen) {
    loop {
        let last = seen.lock().last().map_or(Offset::ZERO, |(offset, _)| *offset);
        let mut follower = ledger.follow(Read::after(last));
        let failure: Error = loop {
            match follower.try_next().await {
                Ok(Some(recorded)) => seen.lock().push((recorded.offset, recorded.event.id.clone())),
                Ok(None) => panic!("a follower came to an end"),
                Err(error) => break error,
            }
        };
        assert_retryable(&failure);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// What was acknowledged is where it was said to be; every append is whole or absent; nothing is there twice.
pub(crate) async fn check_log(ledger: &dyn Ledger, acknowledged: &[(EventId, Offset)]) {
    let log = log(ledger).await;
    assert!(log.iter().enumerate().all(|(n, recorded)| recorded.offset.get() == n as u64 + 1), "the log has a gap");
    let places: HashMap<&EventId, Offset> = log.iter().map(|recorded| (&recorded.event.id, recorded.offset)).collect();
    assert_eq!(places.len(), log.len(), "an id stands twice in the log");
    for (id, offset) in acknowledged {
        assert_eq!(places.get(id), Some(offset), "{id:?} was acknowledged");
    }
    let mut batches: HashMap<&str, usize> = HashMap::new();
    for recorded in log.iter().filter(|recorded| recorded.event.id.as_str().starts_with('w')) {
        let (batch, _) = recorded.event.id.as_str().rsplit_once('-').unwrap();
        *batches.entry(batch).or_default() += 1;
    }
    assert!(batches.values().all(|events| *events == BATCH), "half of an append is stored");
    assert_eq!(ledger.verify(&|_, _| ()).await.unwrap().fault, None);
    println!("{} acknowledged events of {}", acknowledged.len(), log.len());
}
