//! Reading what is new in the files of families, several families at once.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

use ledger_core::Event;

use super::cursor::{Cursor, Opened, Seen};
use super::keep::BoxError;
use super::outcome::{Pass, Step};
use super::parallel;
use super::saved::{Cursors, Facts, name_of};
use crate::Options;
use crate::format::{Emitted, Format, Link};
use crate::importer;

/// How much of a file is read at once.
const READ_AT_ONCE: usize = 1 << 20;

/// Whoever is told how far a pass is.
pub(super) type Tell<'a> = dyn Fn(Step) + Send + Sync + 'a;

/// What all families are read with.
pub(super) struct Reading<F: Format> {
    pub(super) format: F,
    pub(super) options: Options,
}

/// A file that has something new.
pub(super) struct Changed<'a> {
    pub(super) path: &'a Path,
    pub(super) seen: Seen,
    /// Bytes that were not read yet.
    pub(super) new: u64,
}

/// A family, as far as it was read before.
pub(super) struct Family<'a, F: Format> {
    pub(super) name: String,
    pub(super) files: Vec<Changed<'a>>,
    pub(super) cursors: Cursors,
    pub(super) facts: Facts<F>,
}

/// A family, as far as it is read now.
pub(super) struct Fresh<F: Format> {
    pub(super) name: String,
    pub(super) cursors: Cursors,
    pub(super) facts: Facts<F>,
    pub(super) links: Vec<Link>,
    /// What became of its lines.
    pub(super) pass: Pass,
}

/// A family, and what there is to say of it.
pub(super) struct Told {
    pub(super) name: String,
    pub(super) cursors: Cursors,
    pub(super) links: Vec<Link>,
    /// Its facts, as they are kept.
    pub(super) facts: Vec<u8>,
    /// The events that were not told before.
    pub(super) events: Vec<Event>,
    /// What became of its lines and facts.
    pub(super) pass: Pass,
}

impl<F: Format> Reading<F> {
    /// Reads what is new in each family, in any order, and gives them back in theirs.
    pub(super) fn read(&self, families: Vec<Family<'_, F>>, progress: &Tell<'_>) -> Result<Vec<Fresh<F>>, BoxError> {
        let size = |family: &Family<'_, F>| family.files.iter().map(|file| file.new).sum();
        parallel::all(families, size, |family| Ok(self.family(family, progress)))
    }

    /// Says of each family what the ledger does not have yet, and gives them back in their order.
    pub(super) fn tell(&self, families: Vec<Fresh<F>>) -> Result<Vec<Told>, BoxError> {
        let size = |family: &Fresh<F>| u64::try_from(family.links.len()).unwrap_or(u64::MAX);
        parallel::all(families, size, |family| self.tell_of(family))
    }

    /// What the facts of a family, and where its files are, have in common with others.
    pub(super) fn links(&self, facts: &Facts<F>, cursors: &Cursors) -> Vec<Link> {
        let places = cursors.files.keys().map(|path| Link::of(&name_of(&self.format.family(path))));
        self.format.links(&facts.facts).into_iter().chain(places).collect()
    }

    fn family(&self, family: Family<'_, F>, progress: &Tell<'_>) -> Fresh<F> {
        let Family { name, files, mut cursors, mut facts } = family;
        let mut pass = Pass::default();
        for changed in files {
            let before = cursors.files.get(changed.path);
            match self.file(&changed, before, &mut facts.facts, &mut pass, progress) {
                Ok(cursor) => drop(cursors.files.insert(changed.path.to_owned(), cursor)),
                // It may go away at any time; the others are imported all the same. What was read of it before that is added,
                // so if it comes back, it is read from its beginning.
                Err(error) => {
                    cursors.files.remove(changed.path);
                    pass.report.add_unreadable(changed.path.to_owned(), error.to_string());
                }
            }
        }
        let links = self.links(&facts, &cursors);
        Fresh { name, cursors, facts, links, pass }
    }

    /// Says of a family what the ledger does not have yet.
    fn tell_of(&self, family: Fresh<F>) -> Result<Told, BoxError> {
        let Fresh { name, cursors, facts: Facts { facts, mut told }, links, mut pass } = family;
        let mut kept = postcard::to_stdvec(&facts)?;
        let Emitted { mut events, refused } = self.format.emit_new(facts, &self.options, &mut told);
        pass.report.refused += refused;
        events.sort_by(|a, b| (a.created_at, &a.id).cmp(&(b.created_at, &b.id)));
        kept.extend(postcard::to_stdvec(&told.marks())?);
        Ok(Told { name, cursors, links, facts: kept, events, pass })
    }

    fn file(
        &self,
        changed: &Changed<'_>,
        before: Option<&Cursor>,
        facts: &mut F::Facts,
        pass: &mut Pass,
        progress: &Tell<'_>,
    ) -> io::Result<Cursor> {
        // A document is written anew whenever something of it changes.
        let before = before.filter(|_| !self.format.is_document(changed.path));
        let opened = before.map_or_else(|| Cursor::open(changed.path), |before| before.reopen(changed.path));
        let Opened { mut file, offset, lines, is_rewritten } = opened?;
        if is_rewritten {
            pass.rewritten += 1;
        }
        if offset == 0 {
            pass.from_start += 1;
            self.format.restart(facts, changed.path);
        }
        pass.report.files += 1;
        let counted = Counted { file: &mut file, progress };
        let reader = BufReader::with_capacity(READ_AT_ONCE, counted);
        let reached = importer::read(&self.format, facts, changed.path, reader, lines, &mut pass.report)?;
        pass.report.bytes += reached.bytes;
        Cursor::at(&mut file, changed.seen, offset + reached.settled, reached.line)
    }
}

/// Tells how much is read.
struct Counted<'a> {
    file: &'a mut File,
    progress: &'a Tell<'a>,
}

impl Read for Counted<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        (self.progress)(Step::Read(u64::try_from(read).unwrap_or(u64::MAX)));
        Ok(read)
    }
}
