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
    /// How many were made.
    #[cfg(test)]
    pub(crate) made: usize,
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
        Self {
            marks: marks.into_iter().collect(),
            #[cfg(test)]
            made: 0,
        }
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
        #[cfg(test)]
        {
            self.made += 1;
        }
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
    use ledger_core::{Actor, RunId, SessionId, Timestamp};

    use super::*;

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
