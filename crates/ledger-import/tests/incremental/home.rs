//! A home with logs in it, a ledger, and what is kept between imports.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use futures_util::TryStreamExt as _;
use ledger_core::{Event, EventId, Ledger, LedgerExt as _, Offset, Read};
use ledger_events::{Latest, LlmCall, Observation, SessionStarted, ToolCompleted, TurnCompleted, TurnStarted};
use ledger_import::incremental::{IncrementalImport, Keep, MemoryKeep, Pass};
use ledger_import::{Import, Importer, Options, Source, samples};
use ledger_memory::MemoryLedger;
use tempfile::TempDir;

pub(crate) struct Home {
    pub(crate) dir: TempDir,
    pub(crate) ledger: MemoryLedger,
    pub(crate) keep: MemoryKeep,
}

impl Home {
    pub(crate) fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap(), ledger: MemoryLedger::new(), keep: MemoryKeep::default() }
    }

    /// With the files of a real session in it.
    pub(crate) fn spotter() -> Self {
        let home = Self::new();
        spotter().iter().for_each(|(path, bytes)| home.write(path, bytes));
        home
    }

    pub(crate) fn path(&self, file: &str) -> PathBuf {
        self.dir.path().join(file)
    }

    pub(crate) fn write(&self, file: &str, bytes: &[u8]) {
        let path = self.path(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    /// Imports what is new.
    pub(crate) async fn import(&mut self) -> Pass {
        self.import_of(&Source::Claude).await
    }

    /// Imports what is new of a source.
    pub(crate) async fn import_of(&mut self, source: &Source) -> Pass {
        import_of(source, self.dir.path(), &self.ledger, Box::new(&mut self.keep)).await.unwrap()
    }

    pub(crate) async fn events(&self) -> Vec<Event> {
        events(&self.ledger).await
    }
}

/// All events of a ledger.
pub(crate) async fn events(ledger: &dyn Ledger) -> Vec<Event> {
    let tail = ledger.tail(Read::after(Offset::ZERO));
    tail.map_ok(|event| event.event.clone()).try_collect().await.unwrap()
}

/// Imports what is new below a directory.
pub(crate) async fn import(dir: &Path, ledger: &dyn Ledger, keep: Box<dyn Keep + '_>) -> ledger_import::Result<Pass> {
    import_of(&Source::Claude, dir, ledger, keep).await
}

async fn import_of(
    source: &Source,
    dir: &Path,
    ledger: &dyn Ledger,
    keep: Box<dyn Keep + '_>,
) -> ledger_import::Result<Pass> {
    let mut import = IncrementalImport::new(source, Options::default(), ledger, keep)?;
    let found = source.find(&[dir.to_owned()]).unwrap();
    import.pass(&found, &|_| ()).await
}

/// Imports files as a whole.
pub(crate) fn whole(files: &[(String, Vec<u8>)]) -> Import {
    whole_of(&Source::Claude, files)
}

/// Imports files of a source as a whole.
pub(crate) fn whole_of(source: &Source, files: &[(String, Vec<u8>)]) -> Import {
    let mut importer = Importer::new(source, Options::default()).unwrap();
    for (path, bytes) in files {
        importer.read(path.as_ref(), bytes.as_slice()).unwrap();
    }
    importer.finish()
}

pub(crate) fn spotter() -> Vec<(String, Vec<u8>)> {
    samples::SPOTTER.iter().map(|(path, bytes)| ((*path).to_owned(), bytes.to_vec())).collect()
}

/// Everything that counts is as if the files had been imported as a whole.
pub(crate) fn assert_same(events: &[Event], whole: &Import) {
    let ids: BTreeSet<&EventId> = events.iter().map(|event| &event.id).collect();
    assert_eq!(ids.len(), events.len());
    let unsaid: Vec<&Event> = whole.events.iter().filter(|event| !ids.contains(&event.id)).collect();
    assert!(unsaid.is_empty(), "something was not said: {unsaid:#?}");
    assert_same_facts::<LlmCall>(events, &whole.events);
    assert_same_facts::<ToolCompleted>(events, &whole.events);
    assert_same_facts::<TurnStarted>(events, &whole.events);
    assert_same_facts::<TurnCompleted>(events, &whole.events);
    assert_eq!(keys::<SessionStarted>(events), keys::<SessionStarted>(&whole.events));
}

fn assert_same_facts<P: Observation + PartialEq + std::fmt::Debug>(events: &[Event], whole: &[Event]) {
    let (one, other) = (latest::<P>(events), latest::<P>(whole));
    assert_eq!(one.iter().collect::<Vec<_>>(), other.iter().collect::<Vec<_>>());
}

fn keys<P: Observation>(events: &[Event]) -> Vec<String> {
    latest::<P>(events).iter().map(|(key, _)| key.to_owned()).collect()
}

pub(crate) fn latest<P: Observation>(events: &[Event]) -> Latest<P> {
    let mut latest = Latest::default();
    events.iter().for_each(|event| latest.observe_event(event).unwrap());
    latest
}
