//! Importing again: more of the same transcript, the same on another machine.

use std::collections::HashMap;
use std::path::PathBuf;

use ledger_core::{Digest, Event, EventId};
use ledger_import::Options;
use serde_json::json;

use crate::real::{SPOTTER, spotter};
use crate::support::{assistant, file, import, import_with, totals, user, with};

/// A ledger as far as it matters here: one event per id, in the order of arrival.
#[derive(Default)]
struct Ledger {
    events: Vec<Event>,
    contents: HashMap<EventId, Digest>,
}

impl Ledger {
    /// Appends, and returns how many events were new. Panics where a ledger reports an id conflict.
    fn append(&mut self, events: Vec<Event>) -> usize {
        let before = self.events.len();
        let epoch = ledger_core::Timestamp::from_micros(0).unwrap();
        for event in events {
            let content = Digest::with_created_at(&event, epoch);
            match self.contents.insert(event.id.clone(), content) {
                None => self.events.push(event),
                Some(known) => assert_eq!(known, content, "{} names two events", event.id),
            }
        }
        self.events.len() - before
    }
}

/// The first `lines` of each file.
fn prefix(lines: usize) -> Vec<(PathBuf, Vec<u8>)> {
    let cut = |bytes: Vec<u8>| bytes.split_inclusive(|byte| *byte == b'\n').take(lines).collect::<Vec<_>>().concat();
    spotter().into_iter().map(|(path, bytes)| (path, cut(bytes))).collect()
}

#[test]
fn importing_twice_adds_nothing() {
    let mut ledger = Ledger::default();
    assert!(ledger.append(import(&spotter()).events) > 0);
    assert_eq!(ledger.append(import(&spotter()).events), 0);
}

#[test]
fn importing_a_growing_transcript_ends_with_the_same_totals() {
    let mut ledger = Ledger::default();
    for lines in [1, 6, 7, 50, 495, 500, 1_300, 1_700] {
        ledger.append(import(&prefix(lines)).events);
    }
    ledger.append(import(&spotter()).events);
    assert_eq!(totals(&ledger.events), SPOTTER);
}

#[test]
fn a_larger_observation_is_a_higher_revision_of_the_same_call() {
    let lines = [user("u", None, 0), assistant("a", "u", 1, "msg_1", 3), assistant("b", "a", 2, "msg_1", 400)];
    let mut ledger = Ledger::default();
    ledger.append(import(&[file("s.jsonl", &lines[..2])]).events);
    assert_eq!(totals(&ledger.events).output, 3);
    ledger.append(import(&[file("s.jsonl", &lines)]).events);
    assert_eq!((totals(&ledger.events).calls, totals(&ledger.events).output), (1, 400));
}

#[test]
fn machines_with_an_origin_each_do_not_conflict_and_count_once() {
    let on =
        |machine: &str| import_with(Options { origin: Some(machine.into()), ..Options::default() }, &spotter()).events;
    let mut ledger = Ledger::default();
    let events = ledger.append(on("laptop"));
    assert_eq!(ledger.append(on("desktop")), events);
    assert_eq!(totals(&ledger.events), SPOTTER);
    assert_eq!(ledger.events[0].metadata.value("origin"), Some("laptop"));
}

#[test]
fn a_second_request_does_not_rename_the_call_of_the_first() {
    let second = with(assistant("b", "u", 2, "msg_1", 7), &[("/requestId", json!("req_2"))]);
    let lines = [user("u", None, 0), assistant("a", "u", 1, "msg_1", 5), second];
    let mut ledger = Ledger::default();
    ledger.append(import(&[file("s.jsonl", &lines[..2])]).events);
    ledger.append(import(&[file("s.jsonl", &lines)]).events);
    assert_eq!((totals(&ledger.events).calls, totals(&ledger.events).output), (2, 12));
}
