//! The history check: what every client asked, when, and what it was told, judged against the whole log afterwards.
//!
//! Follows the idea of Jepsen's checkers, made linear-logarithmic by what a ledger promises: offsets are a total order
//! that every answer names, so nothing needs to be searched.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ledger_core::{
    AppendCondition, AppendOutcome, Digest, Error, Event, EventId, Ledger, LedgerExt, Offset, Page, Position, Read,
    RecordedEvent, Result, Timestamp,
};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

/// What clients do, as they see it. Shared by all of them.
pub struct History {
    clock: Box<dyn Fn() -> u64 + Send + Sync>,
    seen: Mutex<Seen>,
}

/// What clients saw; that of several processes can be put together, if they had one clock.
#[derive(Default, Serialize, Deserialize)]
pub struct Seen {
    appends: Vec<AppendSeen>,
    reads: Vec<ReadSeen>,
}

#[derive(Serialize, Deserialize)]
struct AppendSeen {
    asked: u64,
    answered: u64,
    events: Vec<Event>,
    condition: Option<AppendCondition>,
    answer: Answer,
}

#[derive(Serialize, Deserialize)]
enum Answer {
    Appended(Vec<Position>),
    ConditionFailed(Offset),
    /// Refused: nothing of it may be in the log, unless somebody else appended the same event.
    Refused,
    /// Not answered: all of it or nothing.
    Unknown,
}

#[derive(Serialize, Deserialize)]
struct ReadSeen {
    reader: usize,
    asked: u64,
    answered: u64,
    cursor: Offset,
    /// The last offset that the ledger had.
    last: Offset,
    exhausted: bool,
    events: Vec<EventSeen>,
}

#[derive(PartialEq, Serialize, Deserialize)]
struct EventSeen {
    offset: Offset,
    recorded_at: Timestamp,
    digest: Digest,
}

impl EventSeen {
    fn new(recorded: &RecordedEvent) -> Self {
        Self { offset: recorded.offset, recorded_at: recorded.recorded_at, digest: Digest::of(&recorded.event) }
    }
}

impl Default for History {
    fn default() -> Self {
        Self::new()
    }
}

impl History {
    /// A history without any call, for the clients of one process.
    #[must_use]
    pub fn new() -> Self {
        let calls = AtomicU64::new(0);
        Self::with_clock(move || calls.fetch_add(1, Ordering::SeqCst))
    }

    /// The same for several processes, by a clock that they share and that never goes back.
    #[must_use]
    pub fn with_clock(clock: impl Fn() -> u64 + Send + Sync + 'static) -> Self {
        Self { clock: Box::new(clock), seen: Mutex::default() }
    }

    /// What was seen so far.
    #[must_use]
    pub fn take(&self) -> Seen {
        std::mem::take(&mut self.seen.lock())
    }

    /// Adds what others saw.
    pub fn add(&self, mut seen: Seen) {
        let mut all = self.seen.lock();
        all.appends.append(&mut seen.appends);
        all.reads.append(&mut seen.reads);
    }

    fn tick(&self) -> u64 {
        (self.clock)()
    }

    /// Appends, and notes question and answer.
    pub async fn append(&self, ledger: &dyn Ledger, events: Vec<Event>, condition: Option<AppendCondition>) {
        let asked = self.tick();
        let outcome = match condition.clone() {
            None => ledger.append_all(events.clone()).await.map(AppendOutcome::Appended),
            Some(condition) => ledger.append_if(events.clone(), condition).await,
        };
        let answered = self.tick();
        let answer = match outcome {
            Ok(AppendOutcome::Appended(positions)) => Answer::Appended(positions),
            Ok(AppendOutcome::ConditionFailed { offset }) => Answer::ConditionFailed(offset),
            Err(Error::OutcomeUnknown(_)) => Answer::Unknown,
            Err(_) => Answer::Refused,
        };
        self.seen.lock().appends.push(AppendSeen { asked, answered, events, condition, answer });
    }

    /// Reads an unfiltered page forward, and notes it.
    ///
    /// # Errors
    /// Those of the ledger.
    pub async fn read(&self, reader: usize, ledger: &dyn Ledger, read: &Read) -> Result<Page> {
        let asked = self.tick();
        let page = ledger.read(read).await?;
        let answered = self.tick();
        self.seen.lock().reads.push(ReadSeen {
            reader,
            asked,
            answered,
            cursor: read.cursor(),
            last: page.extent.last,
            exhausted: page.exhausted,
            events: page.events.iter().map(|recorded| EventSeen::new(recorded)).collect(),
        });
        Ok(page)
    }

    /// Judges the history against `log`, all that the ledger holds in the end.
    ///
    /// # Errors
    /// The first promise that was broken, in words.
    pub fn check(&self, log: &[Arc<RecordedEvent>]) -> Result<(), String> {
        let Seen { appends, reads } = &*self.seen.lock();
        let log = Log::new(log)?;
        log.check_asked_for(appends)?;
        for append in appends.iter() {
            log.check_answer(append)?;
        }
        check_stored_once(appends)?;
        check_real_time(appends)?;
        for read in reads.iter() {
            log.check_page(read)?;
        }
        check_readers(reads)?;
        check_seen_after_acknowledgement(appends, reads)
    }
}

struct Log<'a> {
    events: &'a [Arc<RecordedEvent>],
    places: HashMap<&'a EventId, Offset>,
}

impl<'a> Log<'a> {
    /// Dense, and every id once.
    fn new(events: &'a [Arc<RecordedEvent>]) -> Result<Self, String> {
        let mut places = HashMap::with_capacity(events.len());
        for (n, recorded) in events.iter().enumerate() {
            if recorded.offset.get() != n as u64 + 1 {
                return Err(format!("the log has a gap: place {} holds offset {}", n + 1, recorded.offset));
            }
            if places.insert(&recorded.event.id, recorded.offset).is_some() {
                return Err(format!("{:?} stands twice in the log", recorded.event.id));
            }
        }
        Ok(Self { events, places })
    }

    fn at(&self, offset: Offset) -> Option<&RecordedEvent> {
        let place = usize::try_from(offset.before().get()).ok()?;
        self.events.get(place).filter(|recorded| recorded.offset == offset).map(AsRef::as_ref)
    }

    /// Nothing that nobody asked for, and nothing that was refused to everybody who asked.
    fn check_asked_for(&self, appends: &[AppendSeen]) -> Result<(), String> {
        let mut asked: HashMap<&EventId, Vec<&Event>> = HashMap::new();
        for append in appends.iter().filter(|append| matches!(append.answer, Answer::Appended(_) | Answer::Unknown)) {
            for event in &append.events {
                asked.entry(&event.id).or_default().push(event);
            }
        }
        for recorded in self.events {
            let wanted = asked.get(&recorded.event.id);
            if !wanted.is_some_and(|events| events.iter().any(|event| same_content(event, &recorded.event))) {
                return Err(format!("{:?} is in the log, but nobody was told so", recorded.event.id));
            }
        }
        Ok(())
    }

    fn check_answer(&self, append: &AppendSeen) -> Result<(), String> {
        match &append.answer {
            Answer::Appended(positions) => {
                self.check_positions(append, positions)?;
                self.check_condition_held(append, positions)
            }
            Answer::ConditionFailed(offset) => {
                let named = append.condition.as_ref().is_some_and(|condition| {
                    *offset > condition.after
                        && self.at(*offset).is_some_and(|recorded| condition.fail_if.matches(&recorded.event))
                });
                if named { Ok(()) } else { Err(format!("a condition failed for offset {offset}, which it allows")) }
            }
            Answer::Refused => Ok(()),
            Answer::Unknown => {
                let stored = append.events.iter().filter(|event| self.places.contains_key(&event.id)).count();
                if stored == 0 || stored == append.events.len() {
                    Ok(())
                } else {
                    Err(format!("half of an unanswered append is stored: {:?}", append.events[0].id))
                }
            }
        }
    }

    /// Acknowledged means: in the log, at that offset, with that content; the new ones side by side.
    fn check_positions(&self, append: &AppendSeen, positions: &[Position]) -> Result<(), String> {
        if positions.len() != append.events.len() {
            return Err(format!("{} events got {} positions", append.events.len(), positions.len()));
        }
        for (event, position) in append.events.iter().zip(positions) {
            match self.at(position.offset()) {
                Some(recorded) if recorded.event.id != event.id => {
                    return Err(format!("{:?} was acknowledged at the place of {:?}", event.id, recorded.event.id));
                }
                Some(recorded) if !same_content(event, &recorded.event) => {
                    return Err(format!("{:?} was acknowledged but stored with other content", event.id));
                }
                Some(_) => {}
                None => return Err(format!("{:?} was acknowledged but is not in the log", event.id)),
            }
        }
        let new: Vec<u64> = positions.iter().filter(|p| p.is_new()).map(|p| p.offset().get()).collect();
        if new.windows(2).any(|pair| pair[1] != pair[0] + 1) {
            return Err(format!("the new events of one append stand apart: {new:?}"));
        }
        Ok(())
    }

    /// Nothing that the condition forbids stands between where the appender looked and where its events went.
    fn check_condition_held(&self, append: &AppendSeen, positions: &[Position]) -> Result<(), String> {
        let Some(condition) = &append.condition else { return Ok(()) };
        let Some(first) = positions.iter().find(|position| position.is_new()) else { return Ok(()) };
        let from = usize::try_from(condition.after.get()).map_err(|error| error.to_string())?;
        let to = usize::try_from(first.offset().before().get()).map_err(|error| error.to_string())?;
        let forbidden = self.events.get(from..to).unwrap_or_default();
        match forbidden.iter().find(|recorded| condition.fail_if.matches(&recorded.event)) {
            Some(recorded) => Err(format!("an append passed its condition in spite of offset {}", recorded.offset)),
            None => Ok(()),
        }
    }

    /// A page is that range of the final log, and says truly whether it reached the end.
    fn check_page(&self, read: &ReadSeen) -> Result<(), String> {
        let from = usize::try_from(read.cursor.get()).map_err(|error| error.to_string())?;
        let range = self.events.get(from..from + read.events.len()).unwrap_or_default();
        let range: Vec<EventSeen> = range.iter().map(|recorded| EventSeen::new(recorded)).collect();
        if range != read.events {
            return Err(format!("a page after offset {} is not that range of the log", read.cursor));
        }
        let end = read.events.last().map_or(read.cursor, |event| event.offset);
        if read.exhausted && end < read.last {
            return Err(format!("a page ended at {end} as if nothing came before {}", read.last));
        }
        Ok(())
    }
}

/// Two appends cannot both have stored one event.
fn check_stored_once(appends: &[AppendSeen]) -> Result<(), String> {
    let mut stored = HashSet::new();
    for append in appends {
        if let Answer::Appended(positions) = &append.answer {
            for (event, _) in append.events.iter().zip(positions).filter(|(_, position)| position.is_new()) {
                if !stored.insert(&event.id) {
                    return Err(format!("{:?} was acknowledged as new twice", event.id));
                }
            }
        }
    }
    Ok(())
}

/// What was answered before something was asked has lower offsets.
fn check_real_time(appends: &[AppendSeen]) -> Result<(), String> {
    let new = |append: &AppendSeen| match &append.answer {
        Answer::Appended(positions) => {
            let offsets = || positions.iter().filter(|p| p.is_new()).map(|p| p.offset());
            offsets().min().zip(offsets().max())
        }
        _ => None,
    };
    let stored: Vec<_> = appends.iter().filter_map(|append| new(append).map(|range| (append, range))).collect();
    let mut by_answer: Vec<_> = stored.iter().map(|(append, (_, max))| (append.answered, *max)).collect();
    by_answer.sort_unstable();
    let mut by_question: Vec<_> = stored.iter().map(|(append, (min, _))| (append.asked, *min)).collect();
    by_question.sort_unstable();
    let mut answered = by_answer.into_iter().peekable();
    let mut highest = Offset::ZERO;
    for (asked, lowest) in by_question {
        while let Some((_, max)) = answered.next_if(|(at, _)| *at < asked) {
            highest = highest.max(max);
        }
        if lowest <= highest {
            return Err(format!("offset {lowest} was given out after {highest} had been acknowledged"));
        }
    }
    Ok(())
}

/// What one reader sees only grows.
fn check_readers(reads: &[ReadSeen]) -> Result<(), String> {
    let mut by_time: Vec<&ReadSeen> = reads.iter().collect();
    by_time.sort_unstable_by_key(|read| read.asked);
    let mut seen: HashMap<usize, Offset> = HashMap::new();
    for read in by_time {
        let last = seen.entry(read.reader).or_default();
        if read.last < *last {
            return Err(format!("a reader saw {last}, then only {}", read.last));
        }
        *last = read.last;
    }
    Ok(())
}

/// Whoever reads after an acknowledgement sees what was acknowledged; whoever had read before sees nothing below it
/// appear (that is [`Log::check_page`]).
fn check_seen_after_acknowledgement(appends: &[AppendSeen], reads: &[ReadSeen]) -> Result<(), String> {
    let mut acknowledged: Vec<(u64, Offset)> = Vec::new();
    for append in appends {
        if let Answer::Appended(positions) = &append.answer {
            let highest = positions.iter().map(|position| position.offset()).max();
            acknowledged.extend(highest.map(|offset| (append.answered, offset)));
        }
    }
    acknowledged.sort_unstable();
    let mut by_time: Vec<&ReadSeen> = reads.iter().collect();
    by_time.sort_unstable_by_key(|read| read.asked);
    let mut acknowledged = acknowledged.into_iter().peekable();
    let mut highest = Offset::ZERO;
    for read in by_time {
        while let Some((_, offset)) = acknowledged.next_if(|(at, _)| *at < read.asked) {
            highest = highest.max(offset);
        }
        if read.last < highest {
            return Err(format!(
                "{highest} was acknowledged, then a read answered at {} saw only {}",
                read.answered, read.last
            ));
        }
    }
    Ok(())
}

fn same_content(one: &Event, other: &Event) -> bool {
    one == &other.clone().with_created_at(one.created_at)
}
