//! Which events were made before.
//!
//! Most of what is known of a session was said when it was read. Making an event only to find out that the ledger has it
//! takes an id, a digest and a check of its payload; a mark takes the text of the payload and one hash. What a line
//! changes of what earlier ones said, in whatever way, changes the mark, so nobody has to know what may have changed.

use std::collections::HashSet;

use foldhash::fast::RandomState;
use ledger_core::EventId;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::emission::Envelope;
use crate::format::Link;

/// An event in 64 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Mark(u64);

/// The events that were told, by their marks.
#[derive(Debug, Default)]
pub(crate) struct Told {
    marks: HashSet<Mark, RandomState>,
}

impl Mark {
    /// Of an event that is there.
    pub(crate) fn of_id(id: &EventId) -> Self {
        Self(Link::of(id.as_str()).0)
    }

    /// Of an event that would be made of this. As in its id, all of it counts but the time; who imports what is not a part
    /// of it, since each keeps marks of its own.
    pub(crate) fn of(kind: &str, payload: &str, envelope: &Envelope<'_>) -> Self {
        // No `..`: whatever makes another event makes another mark.
        let Envelope { key, run, actor, session, turn, time: _, version, model, flags } = envelope;
        let mut hash = Sha256::new();
        let mut add = |part: Option<&str>| {
            // What is not there is unlike what is empty.
            hash.update(part.map_or(0, |part| to_u64(part.len()).saturating_add(1)).to_le_bytes());
            hash.update(part.unwrap_or_default());
        };
        let session = session.map(|session| session.as_str());
        for part in [Some(kind), Some(payload), Some(key), Some(run.as_str()), Some(actor.as_str()), session] {
            add(part);
        }
        add(*version);
        add(*model);
        for (name, value) in flags {
            add(Some(name));
            add(Some(value));
        }
        hash.update(turn.to_le_bytes());
        let hash = hash.finalize();
        Self(hash.iter().take(8).fold(0, |mark, byte| mark << 8 | u64::from(*byte)))
    }
}

impl Told {
    /// Those that were kept.
    pub(crate) fn of(marks: Vec<Mark>) -> Self {
        Self { marks: marks.into_iter().collect() }
    }

    /// To be kept.
    pub(crate) fn marks(&self) -> Vec<Mark> {
        self.marks.iter().copied().collect()
    }

    /// Whether an event was told.
    pub(crate) fn has(&self, mark: Mark) -> bool {
        self.marks.contains(&mark)
    }

    /// Notes that an event was made, and is told; whether that is new.
    pub(crate) fn add(&mut self, mark: Mark) -> bool {
        self.marks.insert(mark)
    }

    /// Adds what others told.
    pub(crate) fn absorb(&mut self, other: Self) {
        self.marks.extend(other.marks);
    }
}

fn to_u64(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use ledger_core::{Actor, RunId, SessionId, Timestamp};

    use super::*;
    use crate::claude::Claude;
    use crate::codex::Codex;
    use crate::emission::count_made;
    use crate::format::{Format, Options};
    use crate::importer::read;
    use crate::report::Report;
    use crate::samples::SPOTTER;

    /// What is made of the first lines of a file, then of all of them, then of the same again; and how many are told then.
    fn made<F: Format>(format: &F, path: &str, lines: &[&[u8]], first: usize) -> [(usize, usize); 3] {
        let (mut told, mut facts) = (Told::default(), F::Facts::default());
        [(0, first), (first, lines.len()), (lines.len(), lines.len())].map(|(from, to)| {
            let new = lines[from..to].concat();
            read(format, &mut facts, Path::new(path), new.as_slice(), 0, &mut Report::default()).unwrap();
            let kept = postcard::to_stdvec(&facts).unwrap();
            let marks = postcard::from_bytes(&postcard::to_stdvec(&told.marks()).unwrap()).unwrap();
            told = Told::of(marks);
            let facts = postcard::from_bytes(&kept).unwrap();
            let (made, emitted) = count_made(|| format.emit_new(facts, &Options::default(), &mut told));
            (made, emitted.events.len())
        })
    }

    #[test]
    fn events_that_were_told_are_not_made_again() {
        let (path, bytes) = SPOTTER[0];
        let lines: Vec<&[u8]> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
        let [first, more, again] = made(&Claude, path, &lines, lines.len() - 10);
        assert!(first.0 > 200 && first.0 == first.1, "{first:?}");
        assert!((1..20).contains(&more.0) && more.0 == more.1, "{more:?}");
        assert_eq!(again, (0, 0));

        let codex = std::fs::read(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/testdata/codex/codexbar/archived-fork-33ce-3869/codex-home/archived_sessions/parent.jsonl"
        ))
        .unwrap();
        let lines: Vec<&[u8]> = codex.split_inclusive(|byte| *byte == b'\n').collect();
        let [first, more, again] = made(&Codex, "rollout", &lines, lines.len() - 10);
        assert!(first.0 > 50 && first.0 == first.1, "{first:?}");
        assert!((1..20).contains(&more.0) && more.0 == more.1, "{more:?}");
        assert_eq!(again, (0, 0));
    }

    #[test]
    fn whatever_makes_another_event_makes_another_mark_and_its_time_does_not() {
        let (run, other_run) = (RunId::new("r").unwrap(), RunId::new("s").unwrap());
        let (actor, other_actor) = (Actor::new("a").unwrap(), Actor::new("b").unwrap());
        let session = SessionId::new("s").unwrap();
        let at = |micros| Timestamp::from_micros(micros).unwrap();
        let plain = || Envelope {
            key: "k".to_owned(),
            run: &run,
            actor: &actor,
            session: None,
            turn: 1,
            time: at(1),
            version: None,
            model: None,
            flags: Vec::new(),
        };
        let marks = [
            Mark::of("kind", "{}", &plain()),
            Mark::of("kinds", "{}", &plain()),
            Mark::of("kind", "{ }", &plain()),
            Mark::of("kind", "{}", &Envelope { key: "l".to_owned(), ..plain() }),
            Mark::of("kind", "{}", &Envelope { run: &other_run, ..plain() }),
            Mark::of("kind", "{}", &Envelope { actor: &other_actor, ..plain() }),
            Mark::of("kind", "{}", &Envelope { session: Some(&session), ..plain() }),
            Mark::of("kind", "{}", &Envelope { turn: 2, ..plain() }),
            Mark::of("kind", "{}", &Envelope { version: Some("v"), ..plain() }),
            Mark::of("kind", "{}", &Envelope { version: Some(""), ..plain() }),
            Mark::of("kind", "{}", &Envelope { model: Some("v"), ..plain() }),
            Mark::of("kind", "{}", &Envelope { flags: vec![("v", "")], ..plain() }),
            Mark::of("kind", "{}", &Envelope { flags: vec![("", "v")], ..plain() }),
        ];
        assert_eq!(marks.iter().collect::<HashSet<_>>().len(), marks.len());
        assert_eq!(marks[0], Mark::of("kind", "{}", &Envelope { time: at(2), ..plain() }));
    }
}
