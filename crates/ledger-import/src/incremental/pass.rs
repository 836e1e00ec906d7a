//! One look at all files.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::task::Poll;
use std::{fs, mem};

use futures_util::future::try_join_all;
use futures_util::poll;

use ledger_core::{Event, EventId, Invalid, Ledger, LedgerExt as _, Offset, Position};

use super::cursor::Seen;
use super::index::Index;
use super::keep::{Change, Keep, Part};
use super::reading::{Changed, Family, Reading, Tell, Told};
use super::saved::{BOUND, Bound, Cursors, Facts, links_to_bytes, name_of, short};
use crate::error::{Error, Result};
use crate::find::Found;
use crate::format::Format;
use crate::report::Report;
use crate::{Options, STORE_BATCH_EVENTS, Stored};

/// Events that are made before they are appended, and what is kept of their families saved. A crash costs the reading of
/// what they were made of.
const EVENTS_AT_ONCE: usize = 8 * STORE_BATCH_EVENTS;
/// Bytes of facts that are held for the same reason.
const BYTES_AT_ONCE: usize = 32 << 20;
/// Bytes of the families that are read at once, by as many threads as there are cores.
const BYTES_READ_AT_ONCE: u64 = 64 << 20;

/// What came of looking at all files once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pass {
    /// What was read, and what became of it.
    pub report: Report,
    /// What became of the events.
    pub stored: Stored,
    /// Files that were read from their beginning.
    pub from_start: u64,
    /// Files in which there was nothing new.
    pub unchanged: u64,
    /// Files of which something had been read that is not there any more; they were read from their beginning.
    pub rewritten: u64,
}

/// How far a pass is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// So many bytes are to be read.
    ToRead(u64),
    /// So many more were read.
    Read(u64),
    /// So many more events are in the ledger.
    Appended(u64),
}

/// An import of one source into one ledger that goes on where it was left.
pub struct IncrementalImport<'a> {
    inner: Box<dyn Passes + 'a>,
}

/// An import of any format.
#[async_trait::async_trait]
pub(crate) trait Passes: Send {
    async fn pass(&mut self, found: &Found, progress: &Tell<'_>) -> Result<Pass>;

    async fn forget(&mut self) -> Result<()>;
}

impl<'a> IncrementalImport<'a> {
    /// Of `source` into `ledger`; how far it got is kept in `keep`, apart for each tenant and origin.
    ///
    /// # Errors
    /// As of [`Options::check`].
    pub fn new(
        source: &crate::Source,
        options: Options,
        ledger: &'a dyn Ledger,
        keep: Box<dyn Keep + 'a>,
    ) -> Result<Self, Invalid> {
        options.check()?;
        Ok(Self { inner: source.format().passes(options, ledger, keep) })
    }

    /// Forgets how far it got: the next pass reads everything.
    ///
    /// # Errors
    /// Those of the keep.
    pub async fn forget(&mut self) -> Result<()> {
        self.inner.forget().await
    }

    /// Imports what is new in the files that were found, and returns when that is durable.
    ///
    /// # Errors
    /// Those of the ledger and of the keep. What was appended before stays; another pass goes on from there. Files that
    /// cannot be read are no errors but in the report.
    pub async fn pass(&mut self, found: &Found, progress: &Tell<'_>) -> Result<Pass> {
        self.inner.pass(found, progress).await
    }
}

/// An import of one format.
pub(crate) struct Import<'a, F: Format> {
    reading: Reading<F>,
    ledger: &'a dyn Ledger,
    keep: Box<dyn Keep + 'a>,
    owner: String,
    /// Known after the first pass.
    known: Option<Known>,
    in_flight: Option<InFlight<'a>>,
}

/// The appends of several batches.
type Appends<'a> = Pin<Box<dyn Future<Output = ledger_core::Result<Vec<Vec<Position>>>> + Send + 'a>>;

/// What is being appended, and what is kept when that is durable.
struct InFlight<'a> {
    appends: Appends<'a>,
    /// What came of it, if that was known at once.
    done: Option<Vec<Vec<Position>>>,
    changes: BTreeMap<String, Option<[Vec<u8>; 3]>>,
    /// The last event of all.
    last: Option<EventId>,
}

/// What is known of all families.
#[derive(Default)]
struct Known {
    families: BTreeMap<String, Cursors>,
    /// Which family has a file.
    by_path: HashMap<PathBuf, String>,
    /// Known when anything was read.
    index: Option<Index>,
    last: Option<(Offset, EventId)>,
}

/// What was made, and is not in the ledger yet.
#[derive(Default)]
struct Made {
    events: Vec<Event>,
    changes: BTreeMap<String, Option<[Vec<u8>; 3]>>,
    bytes: usize,
}

impl<'a, F: Format> Import<'a, F> {
    pub(crate) fn new(format: F, options: Options, ledger: &'a dyn Ledger, keep: Box<dyn Keep + 'a>) -> Self {
        // Another tenant or origin makes other events; another version of the parser, others too.
        let origin = options.origin.as_deref().unwrap_or_default();
        let owner = name_of(Path::new(&[format.source(), &format.version(), origin, &options.tenant].join("\u{1f}")));
        let reading = Reading { format, options };
        Self { reading, ledger, keep, owner, known: None, in_flight: None }
    }

    /// What is kept, if it is of this ledger as it is.
    async fn load(&mut self) -> Result<Known> {
        let head = self.ledger.head().await?;
        let bound = self.keep.one(&self.owner, BOUND, Part::Cursors).await.map_err(Error::Keep)?;
        let bound: Option<Bound> = bound.and_then(|bytes| postcard::from_bytes(&bytes).ok());
        let is_ours = match &bound {
            Some(Bound { ledger, epoch, last }) if (*ledger, *epoch) == (head.ledger_id, head.extent.epoch) => {
                match last {
                    // A ledger that was restored to an older state lacks what was made last.
                    Some((offset, id)) => {
                        self.ledger.event_at(*offset).await?.is_some_and(|event| event.event.id == *id)
                    }
                    None => true,
                }
            }
            _ => false,
        };
        let Some(Bound { last, .. }) = bound.filter(|_| is_ours) else {
            self.keep.clear(&self.owner).await.map_err(Error::Keep)?;
            return Ok(Known::default());
        };
        let mut known = Known { last, ..Known::default() };
        for (name, bytes) in self.keep.all(&self.owner, Part::Cursors).await.map_err(Error::Keep)? {
            if name != BOUND
                && let Ok(cursors) = postcard::from_bytes::<Cursors>(&bytes)
            {
                known.add(name, cursors);
            }
        }
        Ok(known)
    }

    async fn facts(&mut self, name: &str, made: &Made) -> Result<Facts<F>> {
        let in_flight = self.in_flight.as_ref().and_then(|in_flight| in_flight.changes.get(name));
        if let Some(Some([_, _, facts])) = made.changes.get(name).or(in_flight) {
            return Facts::from_bytes(facts).map_err(Error::Keep);
        }
        match self.keep.one(&self.owner, name, Part::Facts).await.map_err(Error::Keep)? {
            Some(bytes) => Facts::from_bytes(&bytes).map_err(Error::Keep),
            None => Ok(Facts::default()),
        }
    }

    /// A family as it is known, to read what is new of it.
    async fn family<'f>(
        &mut self,
        known: &Known,
        name: String,
        files: Vec<Changed<'f>>,
        made: &Made,
    ) -> Result<Family<'f, F>> {
        let cursors = known.families.get(&name).cloned().unwrap_or_default();
        let facts = if cursors.files.is_empty() { Facts::default() } else { self.facts(&name, made).await? };
        Ok(Family { name, files, cursors, facts })
    }

    /// Adds what was read of a family to what was made; first unites it with those that it belongs together with.
    async fn add(&mut self, known: &mut Known, mut told: Told, made: &mut Made, pass: &mut Pass) -> Result<()> {
        if known.index.is_none() {
            known.index = Some(self.index().await?);
        }
        loop {
            let related = known.index.as_mut().map(|index| index.related(&told.name, &told.links)).unwrap_or_default();
            let related: Vec<String> = related.into_iter().filter(|other| known.families.contains_key(other)).collect();
            if related.is_empty() {
                break;
            }
            let Told { name, mut cursors, links: _, facts, events, pass } = told;
            let mut facts = Facts::<F>::from_bytes(&facts).map_err(Error::Keep)?;
            // What it would have said alone is not said.
            events.iter().for_each(|event| _ = facts.told.remove(&short(&event.id)));
            for other in related {
                let Facts { facts: of_other, told } = self.facts(&other, made).await?;
                self.reading.format.absorb(&mut facts.facts, of_other);
                facts.told.extend(told);
                for (path, cursor) in known.families.remove(&other).unwrap_or_default().files {
                    // Of a file that both have, what was read now is as far as these facts are.
                    cursors.files.entry(path).or_insert(cursor);
                }
                made.changes.insert(other, None);
            }
            told = self.reading.tell(name, cursors, facts, pass).map_err(Error::Keep)?;
        }
        let Told { name, cursors, links, facts, mut events, pass: of_family } = told;
        if let Some(index) = &mut known.index {
            index.add(&name, links.iter().copied());
        }
        pass.add(of_family);
        pass.report.count(&events);
        made.events.append(&mut events);
        made.bytes += facts.len();
        let of_cursors = postcard::to_stdvec(&cursors).map_err(|error| Error::Keep(error.into()))?;
        made.changes.insert(name.clone(), Some([of_cursors, links_to_bytes(&links), facts]));
        known.add(name, cursors);
        Ok(())
    }

    async fn index(&mut self) -> Result<Index> {
        Ok(Index::of(self.keep.all(&self.owner, Part::Links).await.map_err(Error::Keep)?))
    }

    /// Begins to append what was made; what was made before is done with first. Backends with threads of their own append
    /// while more is read.
    async fn begin(&mut self, known: &mut Known, made: Made, pass: &mut Pass, progress: &Tell<'_>) -> Result<()> {
        self.finish(known, pass, progress).await?;
        let Made { events, changes, bytes: _ } = made;
        let last = events.last().map(|event| event.id.clone());
        let mut events = events.into_iter();
        let mut appends = Vec::new();
        loop {
            let batch: Vec<Event> = events.by_ref().take(STORE_BATCH_EVENTS).collect();
            if batch.is_empty() {
                break;
            }
            appends.push(self.ledger.append_all(batch));
        }
        let mut appends: Appends<'a> = Box::pin(try_join_all(appends));
        // The first look at it is what begins it.
        let done = match poll!(&mut appends) {
            Poll::Ready(done) => Some(done?),
            Poll::Pending => None,
        };
        self.in_flight = Some(InFlight { appends, done, changes, last });
        Ok(())
    }

    /// Waits until what was made is in the ledger; then, and only then, keeps how far that got.
    async fn finish(&mut self, known: &mut Known, pass: &mut Pass, progress: &Tell<'_>) -> Result<()> {
        let Some(InFlight { appends, done, changes, last }) = self.in_flight.take() else { return Ok(()) };
        let positions = match done {
            Some(positions) => positions,
            None => appends.await?,
        };
        for position in positions.iter().flatten() {
            *(if position.is_new() { &mut pass.stored.appended } else { &mut pass.stored.duplicates }) += 1;
        }
        progress(Step::Appended(to_u64(positions.iter().map(Vec::len).sum())));
        if let (Some(position), Some(id)) = (positions.last().and_then(|batch| batch.last()), last) {
            known.last = Some((position.offset(), id));
        }
        let head = self.ledger.head().await?;
        let bound = Bound { ledger: head.ledger_id, epoch: head.extent.epoch, last: known.last.clone() };
        let bound = postcard::to_stdvec(&bound).map_err(|error| Error::Keep(error.into()))?;
        let mut changes: Vec<Change> = changes.into_iter().map(|(name, parts)| Change { name, parts }).collect();
        changes.push(Change { name: BOUND.to_owned(), parts: Some([bound, Vec::new(), Vec::new()]) });
        self.keep.put(&self.owner, changes).await.map_err(Error::Keep)
    }

    async fn look(&mut self, known: &mut Known, found: &Found, progress: &Tell<'_>) -> Result<Pass> {
        let mut pass = Pass::default();
        for (path, error) in &found.unreadable {
            pass.report.add_unreadable(path.clone(), error.to_string());
        }
        let mut families: BTreeMap<(u64, String), Vec<Changed<'_>>> = BTreeMap::new();
        let changed = self.changed(known, found, &mut pass);
        progress(Step::ToRead(changed.iter().map(|(_, file)| file.new).sum()));
        let mut oldest: HashMap<String, u64> = HashMap::new();
        for (name, file) in &changed {
            let oldest = oldest.entry(name.clone()).or_insert(u64::MAX);
            *oldest = file.seen.modified_ns().min(*oldest);
        }
        for (name, file) in changed {
            // What was written first is most likely what others are copies of.
            let time = oldest.get(&name).copied().unwrap_or_default();
            families.entry((time, name)).or_default().push(file);
        }
        let mut made = Made::default();
        let mut families = families.into_iter().peekable();
        while families.peek().is_some() {
            let mut group = Vec::new();
            let mut bytes = 0;
            while bytes < BYTES_READ_AT_ONCE
                && let Some(((_, name), files)) = families.next()
            {
                // It may have become a part of another one.
                let name = files.iter().find_map(|file| known.by_path.get(file.path).cloned()).unwrap_or(name);
                bytes += files.iter().map(|file| file.new).sum::<u64>();
                group.push(self.family(known, name, files, &made).await?);
            }
            for told in self.reading.read(group, progress).map_err(Error::Keep)? {
                self.add(known, told, &mut made, &mut pass).await?;
            }
            if made.events.len() >= EVENTS_AT_ONCE || made.bytes >= BYTES_AT_ONCE {
                self.begin(known, mem::take(&mut made), &mut pass, progress).await?;
            }
        }
        if !made.changes.is_empty() {
            self.begin(known, made, &mut pass, progress).await?;
        }
        self.finish(known, &mut pass, progress).await?;
        pass.report.bad.sort();
        Ok(pass)
    }

    /// The files with something new, with the families that they are of.
    fn changed<'f>(&self, known: &Known, found: &'f Found, pass: &mut Pass) -> Vec<(String, Changed<'f>)> {
        let mut all = Vec::new();
        for path in &found.files {
            let seen = match fs::metadata(path) {
                Ok(metadata) => Seen::of(&metadata),
                Err(error) => {
                    pass.report.add_unreadable(path.clone(), error.to_string());
                    continue;
                }
            };
            let family = known.by_path.get(path);
            let cursor = family.and_then(|name| known.families.get(name)?.files.get(path));
            if cursor.is_some_and(|cursor| cursor.is_unchanged(&seen)) {
                pass.unchanged += 1;
                continue;
            }
            let name = family.cloned().unwrap_or_else(|| name_of(&self.reading.format.family(path)));
            let read = cursor.map_or(0, |cursor| cursor.offset);
            // A file that became shorter is read from its beginning.
            let new = seen.size().checked_sub(read).unwrap_or(seen.size());
            all.push((name, Changed { path, seen, new }));
        }
        all
    }
}

#[async_trait::async_trait]
impl<F: Format> Passes for Import<'_, F> {
    async fn pass(&mut self, found: &Found, progress: &Tell<'_>) -> Result<Pass> {
        // Whatever fails on the way, the next pass begins with what is kept.
        self.in_flight = None;
        let mut known = match self.known.take() {
            Some(known) => known,
            None => self.load().await?,
        };
        let pass = self.look(&mut known, found, progress).await?;
        self.known = Some(known);
        Ok(pass)
    }

    async fn forget(&mut self) -> Result<()> {
        self.known = None;
        self.keep.clear(&self.owner).await.map_err(Error::Keep)
    }
}

impl Known {
    fn add(&mut self, name: String, cursors: Cursors) {
        for path in cursors.files.keys() {
            self.by_path.insert(path.clone(), name.clone());
        }
        self.families.insert(name, cursors);
    }
}

impl Pass {
    fn add(&mut self, other: Self) {
        let Self { report, stored, from_start, unchanged, rewritten } = other;
        self.report.add(report);
        self.stored.appended += stored.appended;
        self.stored.duplicates += stored.duplicates;
        self.from_start += from_start;
        self.unchanged += unchanged;
        self.rewritten += rewritten;
    }
}

fn to_u64(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}
