//! Which files there are to import.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// What there is to import.
#[derive(Debug, Default)]
pub struct Found {
    /// The logs, sorted, each once.
    pub files: Vec<PathBuf>,
    /// Folders and files below the paths that cannot be read, and why; sorted by path.
    pub unreadable: Vec<(PathBuf, io::Error)>,
}

impl Found {
    /// The logs among `paths`: files as they are, directories with all logs that are below them.
    ///
    /// # Errors
    /// When a path does not exist, cannot be read, or is neither a directory nor a regular file. What is below one and
    /// cannot be read is a part of what was found.
    pub(crate) fn named(paths: &[PathBuf], is_log: &IsLog) -> io::Result<Self> {
        let mut search = Search::new(is_log);
        for path in paths {
            search.named(path).map_err(at(path))?;
        }
        Ok(search.found())
    }

    /// The logs below those of `places` that are there.
    pub(crate) fn below(places: Vec<PathBuf>, is_log: &IsLog) -> Self {
        let mut search = Search::new(is_log);
        search.below(places.into_iter().rev().filter(|place| place.is_dir()).collect());
        search.found()
    }
}

/// Which of the files below a directory are logs.
pub(crate) type IsLog = dyn Fn(&Path) -> bool;

struct Search<'a> {
    is_log: &'a IsLog,
    found: Found,
    /// Real paths of the files and directories that were visited: links may lead in circles.
    visited: HashSet<PathBuf>,
}

impl<'a> Search<'a> {
    fn new(is_log: &'a IsLog) -> Self {
        Self { is_log, found: Found::default(), visited: HashSet::new() }
    }

    fn found(self) -> Found {
        let mut found = self.found;
        found.files.sort();
        found.unreadable.sort_by(|(path, _), (other, _)| path.cmp(other));
        found
    }

    fn named(&mut self, path: &Path) -> io::Result<()> {
        let metadata = fs::metadata(path)?;
        if metadata.is_dir() {
            let entries = self.entries(path)?;
            self.below(entries);
            Ok(())
        } else if metadata.is_file() {
            self.file(path)
        } else {
            Err(io::Error::new(io::ErrorKind::InvalidInput, "is neither a directory nor a regular file"))
        }
    }

    /// Visits `pending`, which nobody named, the last one first, and all that is below.
    fn below(&mut self, mut pending: Vec<PathBuf>) {
        while let Some(path) = pending.pop() {
            match self.visit(&path) {
                Ok(entries) => pending.extend(entries),
                // A link that leads nowhere is none of ours.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => self.found.unreadable.push((path, error)),
            }
        }
    }

    /// Takes a file, or gives what is in a directory.
    fn visit(&mut self, path: &Path) -> io::Result<Vec<PathBuf>> {
        let metadata = fs::metadata(path)?;
        if metadata.is_dir() {
            return self.entries(path);
        }
        if metadata.is_file() && (self.is_log)(path) {
            self.file(path)?;
        }
        Ok(Vec::new())
    }

    fn file(&mut self, path: &Path) -> io::Result<()> {
        if self.visited.insert(fs::canonicalize(path)?) {
            self.found.files.push(path.to_owned());
        }
        Ok(())
    }

    fn entries(&mut self, dir: &Path) -> io::Result<Vec<PathBuf>> {
        if !self.visited.insert(fs::canonicalize(dir)?) {
            return Ok(Vec::new());
        }
        let mut entries: Vec<PathBuf> = fs::read_dir(dir)?.map(|entry| Ok(entry?.path())).collect::<io::Result<_>>()?;
        // The last one is visited first; the same name wins each time when links lead to one file.
        entries.sort_by(|path, other| other.cmp(path));
        Ok(entries)
    }
}

fn at(path: &Path) -> impl Fn(io::Error) -> io::Error {
    move |error| io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Source;

    fn tree(files: &[&str]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for file in files {
            let path = dir.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        dir
    }

    fn names(dir: &Path, paths: &[PathBuf]) -> Vec<String> {
        let found = Source::Claude.find(paths).unwrap();
        assert!(found.unreadable.is_empty(), "{:?}", found.unreadable);
        found.files.iter().map(|path| path.strip_prefix(dir).unwrap().to_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn transcripts_are_found_sorted_and_once() {
        let dir = tree(&[
            "p/b.jsonl",
            "p/a.jsonl",
            "p/a/subagents/agent-1.jsonl",
            "p/a/subagents/workflows/w/journal.jsonl",
            "p/a/subagents/workflows/w/agent-2.jsonl",
            "p/journal.jsonl",
            "history.jsonl",
            "stats-cache.json",
        ]);
        let all = [
            "p/a/subagents/agent-1.jsonl",
            "p/a/subagents/workflows/w/agent-2.jsonl",
            "p/a.jsonl",
            "p/b.jsonl",
            "p/journal.jsonl",
        ];
        let root = dir.path().to_owned();
        assert_eq!(names(&root, std::slice::from_ref(&root)), all);
        assert_eq!(names(&root, &[root.join("p/b.jsonl"), root.join("p"), root.clone()]), all);
    }

    #[test]
    fn a_path_that_is_not_there_is_an_error_that_names_it() {
        let error = Source::Claude.find(&["/nowhere/x.jsonl".into()]).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
        assert!(error.to_string().contains("/nowhere/x.jsonl"));
    }

    #[cfg(unix)]
    #[test]
    fn only_regular_files_are_transcripts() {
        let dir = tree(&["p/a.jsonl"]);
        let socket = dir.path().join("p/b.jsonl");
        let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        std::os::unix::fs::symlink("/dev/zero", dir.path().join("p/c.jsonl")).unwrap();
        assert_eq!(names(dir.path(), &[dir.path().to_owned()]), ["p/a.jsonl"]);
        assert_eq!(Source::Claude.find(&[socket]).unwrap_err().kind(), io::ErrorKind::InvalidInput);
    }

    /// A link to itself stands for what is not permitted: whoever runs the tests may be permitted everything.
    #[cfg(unix)]
    #[test]
    fn what_cannot_be_read_below_a_path_is_reported_and_harms_no_other() {
        let dir = tree(&["p/a.jsonl"]);
        let circle = dir.path().join("p/circle");
        std::os::unix::fs::symlink(&circle, &circle).unwrap();
        let found = Source::Claude.find(&[dir.path().to_owned()]).unwrap();
        assert_eq!(found.files, [dir.path().join("p/a.jsonl")]);
        let unreadable: Vec<_> = found.unreadable.iter().map(|(path, _)| path).collect();
        assert_eq!(unreadable, [&circle]);
        assert!(Source::Claude.find(&[circle]).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn links_in_circles_end() {
        let dir = tree(&["p/a.jsonl"]);
        let root = dir.path().to_owned();
        std::os::unix::fs::symlink(&root, root.join("p/up")).unwrap();
        std::os::unix::fs::symlink(root.join("p/a.jsonl"), root.join("p/b.jsonl")).unwrap();
        std::os::unix::fs::symlink(root.join("gone"), root.join("p/c.jsonl")).unwrap();
        assert_eq!(names(&root, std::slice::from_ref(&root)), ["p/a.jsonl"]);
    }
}
