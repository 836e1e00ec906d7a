//! The history check is itself tested: a sound ledger passes, and each seeded bug is caught.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use ledger_conformance::{Backend, clients::run_clients, events::log, run};
use ledger_core::{
    AppendOutcome, Batch, Checkpoint, CheckpointMove, Head, Ledger, Page, Position, Progress, Read, RecordedBatch,
    Result, Run, RunQuery, Verification, Wakeup,
};
use ledger_memory::MemoryLedger;

#[derive(Clone, Copy, PartialEq)]
enum Bug {
    None,
    /// Answers before the commit, which then does not happen.
    AcknowledgesWhatIsNotStored,
    /// Answers an event that it has as if it had stored it now.
    ForgetsDuplicates,
    /// Gives the offsets of another append.
    MixesUpOffsets,
    /// Leaves an event out of a page.
    SkipsAnEvent,
    /// Gives two events of a page in the wrong order.
    Reorders,
    /// Does not judge conditions.
    IgnoresConditions,
    /// Reads what stood there a while ago.
    ReadsThePast,
    /// Takes what is refused.
    StoresWhatItRefuses,
}

struct Faulty {
    inner: MemoryLedger,
    bug: Bug,
    calls: AtomicUsize,
}

impl Faulty {
    fn now_and_then(&self, bug: Bug) -> bool {
        self.bug == bug && self.calls.fetch_add(1, Ordering::SeqCst) % 5 == 4
    }
}

#[async_trait]
impl Ledger for Faulty {
    async fn append(&self, batch: Batch) -> Result<AppendOutcome> {
        let next = self.inner.head().await?.extent.last.after();
        if self.now_and_then(Bug::AcknowledgesWhatIsNotStored) {
            return Ok(batch.appended(batch.events().iter().map(|_| Position::New(next)).collect()));
        }
        let batch = match (self.bug, batch.condition()) {
            (Bug::IgnoresConditions, Some(_)) => {
                Batch::new(batch.events().iter().map(|event| event.event().clone()).collect())?
            }
            _ => batch,
        };
        let events = batch.events().to_vec();
        let outcome = self.inner.append(batch).await?;
        match outcome {
            AppendOutcome::Appended(positions) if self.bug == Bug::ForgetsDuplicates => Ok(AppendOutcome::Appended(
                positions.into_iter().map(|position| Position::New(position.offset())).collect(),
            )),
            AppendOutcome::Appended(positions) if self.now_and_then(Bug::MixesUpOffsets) => {
                Ok(AppendOutcome::Appended(positions.iter().map(|p| Position::New(p.offset().before())).collect()))
            }
            AppendOutcome::ConditionFailed { offset } if self.bug == Bug::StoresWhatItRefuses => {
                let all = events.iter().map(|event| event.event().clone()).collect();
                let _ = self.inner.append(Batch::new(all)?).await;
                Ok(AppendOutcome::ConditionFailed { offset })
            }
            outcome => Ok(outcome),
        }
    }

    async fn read(&self, read: &Read) -> Result<Page> {
        let mut page = self.inner.read(read).await?;
        if page.events.len() > 2 {
            if self.now_and_then(Bug::SkipsAnEvent) {
                page.events.remove(1);
            } else if self.now_and_then(Bug::Reorders) {
                page.events.swap(0, 1);
            } else if self.now_and_then(Bug::ReadsThePast) {
                page.events.truncate(1);
                page.extent.last = page.events[0].offset;
                page.exhausted = false;
                page.resume = page.extent.last;
            }
        }
        Ok(page)
    }

    async fn head(&self) -> Result<Head> {
        self.inner.head().await
    }
    async fn runs(&self, query: RunQuery) -> Result<Vec<Run>> {
        self.inner.runs(query).await
    }
    async fn checkpoints(&self) -> Result<Vec<Checkpoint>> {
        self.inner.checkpoints().await
    }
    async fn save_checkpoint(&self, checkpoint: Checkpoint, how: CheckpointMove) -> Result<Checkpoint> {
        self.inner.save_checkpoint(checkpoint, how).await
    }
    async fn restore(&self, batch: RecordedBatch) -> Result<()> {
        self.inner.restore(batch).await
    }
    async fn reset(&self, seen: &Head) -> Result<Head> {
        self.inner.reset(seen).await
    }
    fn wakeup(&self) -> Wakeup {
        self.inner.wakeup()
    }
    async fn verify(&self, progress: Progress<'_>) -> Result<Verification> {
        self.inner.verify(progress).await
    }
}

struct Store(MemoryLedger, Bug);

#[async_trait]
impl Backend for Store {
    async fn open(&self) -> Arc<dyn Ledger> {
        Arc::new(Faulty { inner: self.0.clone(), bug: self.1, calls: AtomicUsize::new(0) })
    }
}

fn verdict(bug: Bug) -> std::result::Result<(), String> {
    let mut verdict = Ok(());
    run(&Store(MemoryLedger::new(), bug), async |backend: &dyn Backend| {
        let history = run_clients(backend, ledger_conformance::seed()).await;
        verdict = history.check(&final_log(backend).await);
    });
    verdict
}

/// The log as it is, whatever the bug does to pages.
async fn final_log(backend: &dyn Backend) -> Vec<Arc<ledger_core::RecordedEvent>> {
    let ledger = backend.open().await;
    let any: &dyn std::any::Any = ledger.as_ref();
    let faulty: &Faulty = any.downcast_ref().expect("the faulty ledger");
    log(&faulty.inner).await
}

#[test]
fn a_sound_ledger_passes() {
    verdict(Bug::None).unwrap();
}

macro_rules! caught {
    ($($name:ident: $bug:ident, $because:literal;)*) => {
        $(#[test]
        fn $name() {
            let because = verdict(Bug::$bug).unwrap_err();
            println!("{because}");
            assert!(because.contains($because), "{because}");
        })*
    };
}

caught! {
    acknowledging_what_is_not_stored_is_caught: AcknowledgesWhatIsNotStored, "";
    forgetting_duplicates_is_caught: ForgetsDuplicates, "";
    mixing_up_offsets_is_caught: MixesUpOffsets, "acknowledged at the place of";
    skipping_an_event_is_caught: SkipsAnEvent, "not that range of the log";
    reordering_is_caught: Reorders, "not that range of the log";
    ignoring_conditions_is_caught: IgnoresConditions, "passed its condition";
    reading_the_past_is_caught: ReadsThePast, "";
    storing_what_is_refused_is_caught: StoresWhatItRefuses, "nobody was told so";
}
