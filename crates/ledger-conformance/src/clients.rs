//! Clients that write and read at once, and note down what they were told.

use std::sync::Arc;

use ledger_core::{AppendCondition, Event, Filter, Ledger, Offset, PageSize, Read};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tokio::task::JoinSet;

use crate::Backend;
use crate::events::{event, events, run};
use crate::history::History;

const WRITERS: usize = 8;
const FOLLOWERS: usize = 4;

/// Lets clients loose on a store; their history is to be checked.
pub async fn run_clients(backend: &dyn Backend, seed: u64) -> Arc<History> {
    let history = Arc::new(History::new());
    let mut clients = Clients::start(backend, &history, seed, 0, FOLLOWERS).await;
    clients.have_written().await;
    end(backend.open().await.as_ref(), &history).await;
    clients.have_read().await;
    history
}

/// Tells all followers, also those of other processes, that nothing comes any more.
pub async fn end(ledger: &dyn Ledger, history: &History) {
    let mut end = event("the-end");
    end.run_id = run("the-end");
    history.append(ledger, vec![end], None).await;
}

/// Writers and followers of one process.
pub struct Clients {
    writers: JoinSet<()>,
    followers: JoinSet<()>,
}

impl Clients {
    /// Lets them loose; `process` tells apart the processes that work on one store.
    pub async fn start(
        backend: &dyn Backend,
        history: &Arc<History>,
        seed: u64,
        process: usize,
        followers: usize,
    ) -> Self {
        let mut clients = Self { writers: JoinSet::new(), followers: JoinSet::new() };
        for client in (0..WRITERS).map(|n| process * WRITERS + n) {
            let rng = StdRng::seed_from_u64(seed.wrapping_add(client as u64));
            clients.writers.spawn(write(backend.open().await, Arc::clone(history), client, rng));
        }
        for client in (0..followers).map(|n| process * followers + n) {
            let read = Read::after(Offset::ZERO).limit(PageSize::new(7 + client * 50).expect("a size"));
            clients.followers.spawn(follow(backend.open().await, Arc::clone(history), client, read));
        }
        clients
    }

    /// Waits until all writers are done.
    pub async fn have_written(&mut self) {
        while let Some(writer) = self.writers.join_next().await {
            writer.expect("a writer is done");
        }
    }

    /// Waits until all followers have come to the [`end`].
    pub async fn have_read(mut self) {
        while let Some(follower) = self.followers.join_next().await {
            follower.expect("a follower is done");
        }
    }
}

async fn write(ledger: Arc<dyn Ledger>, history: Arc<History>, client: usize, mut rng: StdRng) {
    for step in 0..60 {
        let count = rng.random_range(1..=6);
        let mut batch: Vec<Event> = events(&format!("w{client}-{step}"), count);
        batch.iter_mut().for_each(|event| event.run_id = run(&format!("run-{}", rng.random_range(0..3))));
        match rng.random_range(0..10) {
            // An id that several clients use with the same content: one of them stores it.
            0 | 1 => batch.push(event(&format!("shared-{}", rng.random_range(0..20)))),
            // An id that several clients use with contents of their own: one content stands, the others conflict.
            2 | 3 => batch.push(event(&format!("fought-{}", rng.random_range(0..20))).with_turn(client as u32)),
            // The same again.
            4 => history.append(ledger.as_ref(), batch.clone(), None).await,
            _ => {}
        }
        let condition = if rng.random_bool(0.3) {
            let after = ledger.head().await.unwrap().extent.last;
            if rng.random_bool(0.5) {
                tokio::task::yield_now().await;
            }
            Some(AppendCondition { fail_if: Filter::any().run(run("run-0")), after })
        } else {
            None
        };
        history.append(ledger.as_ref(), batch, condition).await;
    }
}

async fn follow(ledger: Arc<dyn Ledger>, history: Arc<History>, client: usize, mut read: Read) {
    let mut wakeup = ledger.wakeup();
    loop {
        let page = history.read(client, ledger.as_ref(), &read).await.unwrap();
        if page.events.iter().any(|recorded| recorded.event.run_id.as_str() == "the-end") {
            return;
        }
        if page.exhausted {
            wakeup.wait().await.unwrap();
        }
        read = read.resume(&page);
    }
}
