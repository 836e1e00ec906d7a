//! Where transcripts are.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// The directories in which Claude Code keeps transcripts: `projects` and `transcripts` below each of the
/// comma-separated `CLAUDE_CONFIG_DIR`, or below `~/.claude` and `~/.config/claude`.
pub(super) fn usual_places(config_dirs: Option<&OsStr>, home: Option<&Path>) -> Vec<PathBuf> {
    let configured = config_dirs.and_then(OsStr::to_str).unwrap_or_default().split(',').map(str::trim);
    let mut roots: Vec<PathBuf> = configured.filter(|dir| !dir.is_empty()).map(PathBuf::from).collect();
    if roots.is_empty() {
        roots.extend(home.into_iter().flat_map(|home| [home.join(".claude"), home.join(".config/claude")]));
    }
    roots.iter().flat_map(|root| [root.join("projects"), root.join("transcripts")]).collect()
}

/// Whether a file is a transcript. Other files of Claude Code are not: its prompt history, the journals of workflows.
pub(super) fn is_transcript(path: &Path) -> bool {
    let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default();
    let of_workflow = || path.ancestors().any(|dir| dir.ends_with("subagents/workflows"));
    path.extension().is_some_and(|extension| extension == "jsonl")
        && name != "history.jsonl"
        && !(name == "journal.jsonl" && of_workflow())
}

#[cfg(test)]
mod tests {
    use super::*;

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
