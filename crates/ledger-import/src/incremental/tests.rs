//! How often families are absorbed and told, and that it does not matter which ones are read together.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use ledger_core::{Actor, Event, EventId, RunId, Timestamp};
use ledger_events::SessionStarted;
use ledger_memory::MemoryLedger;
use serde::{Deserialize, Serialize};
use tempfile::TempDir;

use super::{Import, MemoryKeep, Pass, Passes as _};
use crate::emission::{Envelope, said};
use crate::find::Found;
use crate::format::{Emitted, Fate, Format, Link, Options};

/// Lines that name traces, and what they are named in; each trace is said once, with all names of its family.
#[derive(Clone, Default)]
struct Traces {
    absorbed: Arc<AtomicUsize>,
    told: Arc<AtomicUsize>,
}

#[derive(Deserialize)]
struct Line {
    trace: u64,
}

#[derive(Default, Serialize, Deserialize)]
struct Facts {
    lines: BTreeMap<String, u64>,
    traces: BTreeSet<u64>,
}

impl Format for Traces {
    type Line = Line;
    type Facts = Facts;

    fn source(&self) -> &str {
        "traces"
    }

    fn version(&self) -> String {
        "1".to_owned()
    }

    fn add(&self, facts: &mut Facts, file: &Path, line: &Line) -> Result<Fate, String> {
        let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        *facts.lines.entry(name).or_default() += 1;
        facts.traces.insert(line.trace);
        Ok(Fate::Call)
    }

    fn links(&self, facts: &Facts) -> Vec<Link> {
        facts.traces.iter().map(|trace| Link(*trace)).collect()
    }

    fn absorb(&self, facts: &mut Facts, other: Facts) {
        self.absorbed.fetch_add(1, Ordering::Relaxed);
        for (file, lines) in other.lines {
            facts.lines.entry(file).or_insert(lines);
        }
        facts.traces.extend(other.traces);
    }

    fn emit(&self, facts: Facts, options: &Options) -> Emitted {
        self.told.fetch_add(1, Ordering::Relaxed);
        let mut emitted = Emitted::default();
        let (run, actor) = (RunId::new("r").unwrap(), Actor::new("a").unwrap());
        let payload = SessionStarted::new(format!("{:?}", facts.lines));
        for trace in facts.traces {
            let (key, time) = (trace.to_string(), Timestamp::from_micros(0).unwrap());
            let envelope = Envelope {
                key,
                run: &run,
                actor: &actor,
                session: None,
                turn: 0,
                time,
                version: None,
                model: None,
                flags: Vec::new(),
            };
            emitted.add(said(self.source(), options, &payload, envelope));
        }
        emitted
    }
}

struct Home {
    dir: TempDir,
    ledger: MemoryLedger,
    keep: MemoryKeep,
    format: Traces,
    group_bytes: u64,
}

impl Home {
    fn reading_at_once(group_bytes: u64) -> Self {
        let (dir, ledger) = (tempfile::tempdir().unwrap(), MemoryLedger::new());
        Self { dir, ledger, keep: MemoryKeep::default(), format: Traces::default(), group_bytes }
    }

    /// Files with lines that name traces; `age` in seconds says which ones are looked at first.
    fn write(&self, name: &str, traces: &[u64], age: u64) {
        let path = self.dir.path().join(name);
        let lines: String = traces.iter().map(|trace| format!("{{\"trace\":{trace}}}\n")).collect();
        fs::write(&path, lines).unwrap();
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000 - age);
        File::options().append(true).open(&path).unwrap().set_modified(time).unwrap();
    }

    /// What came of a pass, how often families were absorbed, and how often they were told.
    async fn pass(&mut self) -> (Pass, usize, usize) {
        let found = Found::named(&[self.dir.path().to_owned()], &|_| true).unwrap();
        let (format, options) = (self.format.clone(), Options::default());
        let mut import = Import::new(format, options, &self.ledger, Box::new(&mut self.keep));
        import.group_bytes = self.group_bytes;
        let pass = import.pass(&found, &|_| ()).await.unwrap();
        let [absorbed, told] = [&self.format.absorbed, &self.format.told].map(|count| count.swap(0, Ordering::Relaxed));
        (pass, absorbed, told)
    }

    /// What was said last of any trace.
    async fn last(&self) -> String {
        use futures_util::TryStreamExt as _;
        use ledger_core::{LedgerExt as _, Offset, Read};
        let events = self.ledger.tail(Read::after(Offset::ZERO)).map_ok(|event| event.event.clone());
        let events: Vec<Event> = events.try_collect().await.unwrap();
        let ids: BTreeSet<&EventId> = events.iter().map(|event| &event.id).collect();
        assert_eq!(ids.len(), events.len());
        events.last().map(|event| event.payload.parse::<SessionStarted>().unwrap().session_id).unwrap_or_default()
    }
}

#[tokio::test]
async fn families_that_were_read_together_are_absorbed_and_told_once() {
    let mut home = Home::reading_at_once(u64::MAX);
    for file in 0..100 {
        home.write(&format!("rotated{file:03}"), &[1, 100 + file], file);
    }
    home.write("alone", &[2], 0);
    let (pass, absorbed, told) = home.pass().await;
    assert_eq!((absorbed, told), (99, 2));
    assert_eq!((pass.report.files, pass.report.lines, pass.report.usage), (101, 201, 201));
    assert_eq!((pass.report.sessions, pass.stored.appended), (102, 102));
    // One more of a hundred: the others are absorbed as the one that they are.
    home.write("rotated100", &[1], 0);
    let (pass, absorbed, told) = home.pass().await;
    assert_eq!((absorbed, told, pass.stored.appended), (1, 1, 101));
}

#[tokio::test]
async fn it_does_not_matter_which_families_are_read_together() {
    for group_bytes in [1, 40, 100, u64::MAX] {
        for turn in 0..6 {
            let mut home = Home::reading_at_once(group_bytes);
            let names = ["a", "b", "c", "d", "e", "f"];
            for (number, name) in (0..).zip(names) {
                // Each has a trace in common with the next one.
                home.write(name, &[number, number + 1], (number + turn) % 6);
            }
            let (pass, ..) = home.pass().await;
            assert_eq!((pass.report.files, pass.report.lines), (6, 12));
            let all = r#"{"a": 2, "b": 2, "c": 2, "d": 2, "e": 2, "f": 2}"#;
            assert_eq!(home.last().await, all, "{group_bytes} bytes at once, turn {turn}");
            let (pass, absorbed, told) = home.pass().await;
            assert_eq!((pass.unchanged, absorbed, told), (6, 0, 0));
        }
    }
}

/// `c` is read first and makes `a` and `b` one; then both have something new, and are read together.
#[tokio::test]
async fn families_that_became_one_earlier_in_a_pass_are_read_on_as_one() {
    let mut home = Home::reading_at_once(60);
    home.write("a", &[1], 1);
    home.write("b", &[2], 1);
    home.pass().await;
    home.write("c", &[1, 2, 3, 1, 2, 3], 9);
    home.write("a", &[1, 1], 1);
    home.write("b", &[2, 2], 1);
    let (pass, ..) = home.pass().await;
    assert_eq!((pass.report.files, pass.report.lines), (3, 8));
    assert_eq!(home.last().await, r#"{"a": 2, "b": 2, "c": 6}"#);
    let (pass, ..) = home.pass().await;
    assert_eq!(pass.unchanged, 3);
}
