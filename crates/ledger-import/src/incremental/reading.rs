//! Reading what is new in the files of families, several families at once.

use std::cmp::Reverse;
use std::collections::HashSet;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;
use std::sync::Mutex;
use std::thread;

use ledger_core::Event;

use super::cursor::{Cursor, Opened, Seen};
use super::keep::BoxError;
use super::pass::{Pass, Step};
use super::saved::{Cursors, Facts, name_of, short};
use crate::Options;
use crate::format::{Emitted, Format, Link};
use crate::importer;

/// How much of a file is read at once.
const READ_AT_ONCE: usize = 1 << 20;
/// More threads than this wait for the disk, and each holds a line.
const MAX_THREADS: usize = 8;

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

/// A family, and what there is to say of it.
pub(super) struct Told {
    pub(super) name: String,
    pub(super) cursors: Cursors,
    pub(super) links: Vec<Link>,
    /// Its facts, as they are kept.
    pub(super) facts: Vec<u8>,
    /// The events that were not told before.
    pub(super) events: Vec<Event>,
    /// What became of its lines.
    pub(super) pass: Pass,
}

impl<F: Format> Reading<F> {
    /// Reads what is new in each family, in any order, and gives them back in theirs.
    pub(super) fn read(&self, families: Vec<Family<'_, F>>, progress: &Tell<'_>) -> Result<Vec<Told>, BoxError> {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let threads = families.len().min(cores).min(MAX_THREADS);
        if threads <= 1 {
            return families.into_iter().map(|family| self.family(family, progress)).collect();
        }
        let mut families: Vec<_> = families.into_iter().enumerate().collect();
        // The largest first, so that no thread begins with one when the others have nothing left.
        families.sort_by_key(|(_, family)| Reverse(family.files.iter().map(|file| file.new).sum::<u64>()));
        let pending = Mutex::new(families.into_iter());
        let next = || pending.lock().ok()?.next();
        let work = || {
            let mut done = Vec::new();
            while let Some((place, family)) = next() {
                done.push((place, self.family(family, progress)));
            }
            done
        };
        let mut done = thread::scope(|scope| {
            let others: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
            let mut done = work();
            for other in others {
                done.extend(other.join().map_err(|_| "reading a file panicked")?);
            }
            Ok::<_, BoxError>(done)
        })?;
        done.sort_by_key(|(place, _)| *place);
        done.into_iter().map(|(_, told)| told).collect()
    }

    fn family(&self, family: Family<'_, F>, progress: &Tell<'_>) -> Result<Told, BoxError> {
        let Family { name, files, mut cursors, mut facts } = family;
        let mut pass = Pass::default();
        for changed in files {
            let before = cursors.files.get(changed.path);
            match self.file(&changed, before, &mut facts.facts, &mut pass, progress) {
                Ok(cursor) => drop(cursors.files.insert(changed.path.to_owned(), cursor)),
                // It may go away at any time; the others are imported all the same.
                Err(error) => pass.report.add_unreadable(changed.path.to_owned(), error.to_string()),
            }
        }
        self.tell(name, cursors, facts, pass)
    }

    /// Says what the ledger does not have yet.
    pub(super) fn tell(
        &self,
        name: String,
        cursors: Cursors,
        facts: Facts<F>,
        mut pass: Pass,
    ) -> Result<Told, BoxError> {
        let Facts { facts, mut told } = facts;
        let places = cursors.files.keys().map(|path| Link::of(&name_of(&self.format.family(path))));
        let links = self.format.links(&facts).into_iter().chain(places).collect();
        let mut kept = postcard::to_stdvec(&facts)?;
        let Emitted { mut events, refused } = self.format.emit(facts, &self.options);
        pass.report.refused += refused;
        events.retain(|event| told.insert(short(&event.id)));
        events.sort_by(|a, b| (a.created_at, &a.id).cmp(&(b.created_at, &b.id)));
        kept.extend(told_to_bytes(&told)?);
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

fn told_to_bytes(told: &HashSet<u64>) -> Result<Vec<u8>, BoxError> {
    Ok(postcard::to_stdvec(&told.iter().collect::<Vec<_>>())?)
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
