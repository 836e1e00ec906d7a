//! One look at all files.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::mem;
use std::path::PathBuf;

use ledger_core::{Invalid, Ledger};

use super::appending::{Appending, Made};
use super::cursor::{Cursor, Seen};
use super::index::Index;
use super::keep::{Keep, Part};
use super::known::Known;
use super::outcome::{Pass, Step};
use super::own::Own;
use super::reading::{Changed, Family, Fresh, Reading, Tell, Told};
use super::saved::{Cursors, Facts, links_to_bytes, name_of};
use super::unite::{Set, sets};
use crate::Options;
use crate::error::{Error, Result};
use crate::find::Found;
use crate::format::{Format, Link};

/// How often a pass is begun again because another import of the same logs has changed what is kept.
const ATTEMPTS: usize = 3;
/// Bytes of the families that are read at once.
const BYTES_READ_AT_ONCE: u64 = 64 << 20;

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
    own: Own<'a>,
    /// Known after the first pass.
    known: Option<Known>,
    appending: Appending<'a>,
    /// Bytes of the families that are read at once, by as many threads as there are cores.
    pub(super) group_bytes: u64,
}

impl<'a, F: Format> Import<'a, F> {
    pub(crate) fn new(format: F, options: Options, ledger: &'a dyn Ledger, keep: Box<dyn Keep + 'a>) -> Self {
        let own = Own::new(&format, &options, keep);
        let reading = Reading { format, options };
        let appending = Appending::default();
        Self { reading, ledger, own, known: None, appending, group_bytes: BYTES_READ_AT_ONCE }
    }

    /// The facts of a family that is known.
    ///
    /// # Errors
    /// [`Error::Overtaken`] when another import has read further, or made it a part of another family: lines must not be
    /// added twice, nor to nothing.
    async fn facts(&mut self, known: &Cursors, name: &str, made: &Made) -> Result<Facts<F>> {
        if let Some(Some([_, _, facts])) = made.changes.get(name).or_else(|| self.appending.change(name)) {
            return Facts::from_bytes(facts).map_err(Error::Keep);
        }
        let facts = self.own.one(name, Part::Facts).await?.ok_or(Error::Overtaken)?;
        // After the facts: had they changed in between, these would tell.
        let cursors = self.own.one(name, Part::Cursors).await?.ok_or(Error::Overtaken)?;
        let cursors: Option<Cursors> = postcard::from_bytes(&cursors).ok();
        if cursors.as_ref() != Some(known) {
            return Err(Error::Overtaken);
        }
        Facts::from_bytes(&facts).map_err(Error::Keep)
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
        let facts = if cursors.files.is_empty() { Facts::default() } else { self.facts(&cursors, &name, made).await? };
        Ok(Family { name, files, cursors, facts })
    }

    /// Makes one family of those that belong together, of those that were read at once and of those that are known.
    async fn unite(&mut self, known: &mut Known, fresh: Vec<Fresh<F>>, made: &mut Made) -> Result<Vec<Fresh<F>>> {
        let index = match &mut known.index {
            Some(index) => index,
            none => none.insert(Index::of(self.own.all(Part::Links).await?)),
        };
        let read: Vec<(&str, &[Link])> =
            fresh.iter().map(|family| (family.name.as_str(), family.links.as_slice())).collect();
        let sets = sets(&read, index, |name| known.families.contains_key(name));
        let mut fresh: Vec<_> = fresh.into_iter().map(Some).collect();
        let mut united = Vec::new();
        for Set { read, kept } in sets {
            let families = read.into_iter().filter_map(|place| fresh.get_mut(place)?.take());
            let mut families: Vec<_> = families.collect();
            // The last one absorbs the others.
            let Some(mut family) = families.pop() else { continue };
            let mut is_alone = true;
            for Fresh { name, cursors, facts, links: _, pass } in families {
                family.absorb(&self.reading.format, facts, cursors.files);
                family.pass.add(pass);
                known.families.remove(&name);
                made.changes.insert(name, None);
                is_alone = false;
            }
            for name in kept {
                let cursors = known.families.remove(&name).unwrap_or_default();
                let facts = self.facts(&cursors, &name, made).await?;
                family.absorb(&self.reading.format, facts, cursors.files);
                made.changes.insert(name, None);
                is_alone = false;
            }
            if !is_alone {
                family.links = self.reading.links(&family.facts, &family.cursors);
            }
            united.push(family);
        }
        Ok(united)
    }

    /// Adds what is to be told of a family to what was made.
    fn add(known: &mut Known, told: Told, made: &mut Made, pass: &mut Pass) -> Result<()> {
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

    /// Begins to append what was made; what was made before is done with first.
    async fn begin(&mut self, known: &mut Known, made: Made, pass: &mut Pass, progress: &Tell<'_>) -> Result<()> {
        self.appending.finish(self.ledger, &mut self.own, known, (&mut *pass, progress)).await?;
        self.appending.begin(self.ledger, made).await
    }

    async fn look(&mut self, known: &mut Known, found: &Found, progress: &Tell<'_>) -> Result<Pass> {
        let mut pass = Pass::default();
        for (path, error) in &found.unreadable {
            pass.report.add_unreadable(path.clone(), error.to_string());
        }
        let changed = self.changed(known, found, &mut pass);
        progress(Step::ToRead(changed.iter().map(|(_, file)| file.new).sum()));
        let mut made = Made::default();
        let mut families = oldest_first(changed).into_iter().peekable();
        while families.peek().is_some() {
            let mut group: Vec<(String, Vec<Changed<'_>>)> = Vec::new();
            let mut places: HashMap<String, usize> = HashMap::new();
            let mut bytes = 0;
            while bytes < self.group_bytes
                && let Some((name, files)) = families.next()
            {
                bytes += files.iter().map(|file| file.new).sum::<u64>();
                // It may have become a part of another one, as may others of this group: all are read as one then.
                let name = files.iter().find_map(|file| known.by_path.get(file.path).cloned()).unwrap_or(name);
                let place = *places.entry(name.clone()).or_insert(group.len());
                match group.get_mut(place) {
                    Some((_, others)) => others.extend(files),
                    None => group.push((name, files)),
                }
            }
            let mut to_read = Vec::new();
            for (name, files) in group {
                to_read.push(self.family(known, name, files, &made).await?);
            }
            let fresh = self.reading.read(to_read, progress).map_err(Error::Keep)?;
            let united = self.unite(known, fresh, &mut made).await?;
            for told in self.reading.tell(united).map_err(Error::Keep)? {
                Self::add(known, told, &mut made, &mut pass)?;
            }
            if made.is_much() {
                self.begin(known, mem::take(&mut made), &mut pass, progress).await?;
            }
        }
        if !made.changes.is_empty() {
            self.begin(known, made, &mut pass, progress).await?;
        }
        self.appending.finish(self.ledger, &mut self.own, known, (&mut pass, progress)).await?;
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
        let mut attempt = 1;
        loop {
            // Whatever fails on the way, the next pass begins with what is kept.
            self.appending = Appending::default();
            let mut known = match self.known.take() {
                Some(known) => known,
                None => Known::load(self.ledger, &mut self.own).await?,
            };
            match self.look(&mut known, found, progress).await {
                Err(Error::Overtaken) if attempt < ATTEMPTS => attempt += 1,
                Err(error) => return Err(error),
                Ok(pass) => {
                    self.known = Some(known);
                    return Ok(pass);
                }
            }
        }
    }

    async fn forget(&mut self) -> Result<()> {
        self.known = None;
        self.own.clear().await
    }
}

impl<F: Format> Fresh<F> {
    /// Adds another family to this one, which has read further what both have.
    fn absorb(&mut self, format: &F, facts: Facts<F>, files: BTreeMap<PathBuf, Cursor>) {
        format.absorb(&mut self.facts.facts, facts.facts);
        self.facts.told.absorb(facts.told);
        for (path, cursor) in files {
            self.cursors.files.entry(path).or_insert(cursor);
        }
    }
}

/// What was written first is most likely what others are copies of.
fn oldest_first<'f>(changed: Vec<(String, Changed<'f>)>) -> Vec<(String, Vec<Changed<'f>>)> {
    let mut families: BTreeMap<String, (u64, Vec<Changed<'f>>)> = BTreeMap::new();
    for (name, file) in changed {
        let (oldest, files) = families.entry(name).or_insert((u64::MAX, Vec::new()));
        *oldest = file.seen.modified_ns().min(*oldest);
        files.push(file);
    }
    let mut families: Vec<_> = families.into_iter().collect();
    families.sort_by_key(|(_, (oldest, _))| *oldest);
    families.into_iter().map(|(name, (_, files))| (name, files)).collect()
}
