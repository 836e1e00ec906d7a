//! Where transcripts are.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};
use std::{env, fs};

/// What there is to import.
#[derive(Debug, Default)]
pub struct Found {
    /// The transcripts, sorted, each once.
    pub files: Vec<PathBuf>,
    /// Folders and files below the paths that cannot be read, and why; sorted by path.
    pub unreadable: Vec<(PathBuf, io::Error)>,
}

/// All transcripts among `paths`: files as they are, directories with all that is below them; without paths, those in
/// the places where Claude Code keeps them.
///
/// These are the directories `projects` and `transcripts` below each of the comma-separated `CLAUDE_CONFIG_DIR`, or below
/// `~/.claude` and `~/.config/claude`. A file that is reached twice, through links or overlapping paths, is found once.
/// Other `.jsonl` files of Claude Code (its prompt history, the journals of workflows) are not found, nor is what is no
/// regular file: reading a pipe or a device may never end.
///
/// # Errors
/// When a path of `paths` does not exist, cannot be read, or is neither a directory nor a regular file. What is below
/// one and cannot be read is a part of what was found.
pub fn find(paths: &[PathBuf]) -> io::Result<Found> {
    let mut search = Search::default();
    if paths.is_empty() {
        let places = usual_places(env::var_os("CLAUDE_CONFIG_DIR").as_deref(), env::home_dir().as_deref());
        search.below(places.into_iter().rev().filter(|place| place.is_dir()).collect());
    }
    for path in paths {
        search.named(path).map_err(at(path))?;
    }
    let Search { mut found, visited: _ } = search;
    found.files.sort();
    found.unreadable.sort_by(|(path, _), (other, _)| path.cmp(other));
    Ok(found)
}

fn usual_places(config_dirs: Option<&OsStr>, home: Option<&Path>) -> Vec<PathBuf> {
    let configured = config_dirs.and_then(OsStr::to_str).unwrap_or_default().split(',').map(str::trim);
    let mut roots: Vec<PathBuf> = configured.filter(|dir| !dir.is_empty()).map(PathBuf::from).collect();
    if roots.is_empty() {
        roots.extend(home.into_iter().flat_map(|home| [home.join(".claude"), home.join(".config/claude")]));
    }
    roots.iter().flat_map(|root| [root.join("projects"), root.join("transcripts")]).collect()
}

#[derive(Default)]
struct Search {
    found: Found,
    /// Real paths of the files and directories that were visited: links may lead in circles.
    visited: HashSet<PathBuf>,
}

impl Search {
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
        if metadata.is_file() && is_transcript(path) {
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

fn is_transcript(path: &Path) -> bool {
    let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default();
    let of_workflow = || path.ancestors().any(|dir| dir.ends_with("subagents/workflows"));
    path.extension().is_some_and(|extension| extension == "jsonl")
        && name != "history.jsonl"
        && !(name == "journal.jsonl" && of_workflow())
}

fn at(path: &Path) -> impl Fn(io::Error) -> io::Error {
    move |error| io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let found = find(paths).unwrap();
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
        let error = find(&["/nowhere/x.jsonl".into()]).unwrap_err();
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
        assert_eq!(find(&[socket]).unwrap_err().kind(), io::ErrorKind::InvalidInput);
    }

    /// A link to itself stands for what is not permitted: whoever runs the tests may be permitted everything.
    #[cfg(unix)]
    #[test]
    fn what_cannot_be_read_below_a_path_is_reported_and_harms_no_other() {
        let dir = tree(&["p/a.jsonl"]);
        let circle = dir.path().join("p/circle");
        std::os::unix::fs::symlink(&circle, &circle).unwrap();
        let found = find(&[dir.path().to_owned()]).unwrap();
        assert_eq!(found.files, [dir.path().join("p/a.jsonl")]);
        let unreadable: Vec<_> = found.unreadable.iter().map(|(path, _)| path).collect();
        assert_eq!(unreadable, [&circle]);
        assert!(find(&[circle]).is_err());
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

    #[test]
    fn the_usual_places_follow_the_environment() {
        let home = Path::new("/h");
        let usual = [
            "/h/.claude/projects",
            "/h/.claude/transcripts",
            "/h/.config/claude/projects",
            "/h/.config/claude/transcripts",
        ];
        assert_eq!(usual_places(None, Some(home)), usual.map(PathBuf::from));
        assert_eq!(usual_places(Some(OsStr::new(" , ")), Some(home)), usual.map(PathBuf::from));
        let configured = usual_places(Some(OsStr::new("/a, /b,")), Some(home));
        assert_eq!(configured, ["/a/projects", "/a/transcripts", "/b/projects", "/b/transcripts"].map(PathBuf::from));
        assert!(usual_places(None, None).is_empty());
    }
}
