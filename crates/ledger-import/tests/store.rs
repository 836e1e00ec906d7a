//! Imported events in a ledger.

use ledger_core::{Actor, Event, EventId, EventKind, Payload, RunId};
use ledger_import::{Importer, Options, STORE_BATCH_EVENTS, Source, Stored, samples, store};
use ledger_memory::MemoryLedger;

#[tokio::test]
async fn storing_an_import_twice_adds_nothing() {
    let import = || {
        let mut importer = Importer::new(&Source::Claude, Options::default()).unwrap();
        for (path, bytes) in samples::SPOTTER {
            importer.read(path.as_ref(), *bytes).unwrap();
        }
        importer.finish().events
    };
    let ledger = MemoryLedger::new();
    let events = import().len() as u64;
    let first = store(&ledger, import(), |_| ()).await.unwrap();
    assert_eq!(first, Stored { appended: events, duplicates: 0 });
    let again = store(&ledger, import(), |_| ()).await.unwrap();
    assert_eq!(again, Stored { appended: 0, duplicates: events });
}

#[tokio::test]
async fn progress_is_reported_after_each_batch() {
    let event = |number: usize| {
        let kind = EventKind::new("a.b").unwrap();
        let event = Event::new(RunId::new("r").unwrap(), kind, Actor::new("a").unwrap(), Payload::empty());
        event.with_id(EventId::new(number.to_string()).unwrap())
    };
    let events = (0..STORE_BATCH_EVENTS * 2 + 1).map(event).collect();
    let mut steps = Vec::new();
    let stored = store(&MemoryLedger::new(), events, |stored| steps.push(stored.appended)).await.unwrap();
    assert_eq!(steps, [1_000, 2_000, 2_001]);
    assert_eq!(stored.appended, 2_001);
    assert_eq!(store(&MemoryLedger::new(), Vec::new(), |_| ()).await.unwrap(), Stored::default());
}
