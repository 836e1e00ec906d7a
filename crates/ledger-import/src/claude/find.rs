//! Where transcripts are.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};
use std::{env, fs};

/// All transcripts among `paths`: files as they are, directories with all that is below them; without paths, those in
/// the places where Claude Code keeps them.
///
/// These are the directories `projects` and `transcripts` below each of the comma-separated `CLAUDE_CONFIG_DIR`, or below
/// `~/.claude` and `~/.config/claude`. The result is sorted; a file that is reached twice, through links or overlapping
/// paths, is in it once. Other `.jsonl` files of Claude Code (its prompt history, the journals of workflows) are not.
///
/// # Errors
/// When a path of `paths` does not exist, or a directory cannot be read.
pub fn find(paths: &[PathBuf]) -> io::Result<Vec<PathBuf>> {
    let mut search = Search::default();
    if paths.is_empty() {
        let places = usual_places(env::var_os("CLAUDE_CONFIG_DIR").as_deref(), env::home_dir().as_deref());
        for place in places.iter().filter(|place| place.is_dir()) {
            search.directory(place)?;
        }
    }
    for path in paths {
        if fs::metadata(path).map_err(at(path))?.is_dir() {
            search.directory(path)?;
        } else {
            search.file(path)?;
        }
    }
    search.found.sort();
    Ok(search.found)
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
    found: Vec<PathBuf>,
    /// Real paths of the files and directories that were visited: links may lead in circles.
    visited: HashSet<PathBuf>,
}

impl Search {
    fn file(&mut self, path: &Path) -> io::Result<()> {
        if self.visited.insert(fs::canonicalize(path).map_err(at(path))?) {
            self.found.push(path.to_owned());
        }
        Ok(())
    }

    fn directory(&mut self, root: &Path) -> io::Result<()> {
        let mut pending = vec![root.to_owned()];
        while let Some(dir) = pending.pop() {
            if !self.visited.insert(fs::canonicalize(&dir).map_err(at(&dir))?) {
                continue;
            }
            let mut entries: Vec<PathBuf> =
                fs::read_dir(&dir).map_err(at(&dir))?.map(|entry| Ok(entry?.path())).collect::<io::Result<_>>()?;
            // The same name wins each time when links lead to one file.
            entries.sort();
            for path in entries {
                // A link that leads nowhere is none of ours.
                let Ok(metadata) = fs::metadata(&path) else { continue };
                if metadata.is_dir() {
                    pending.push(path);
                } else if is_transcript(&path) {
                    self.file(&path)?;
                }
            }
        }
        Ok(())
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
        found.iter().map(|path| path.strip_prefix(dir).unwrap().to_str().unwrap().to_owned()).collect()
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
