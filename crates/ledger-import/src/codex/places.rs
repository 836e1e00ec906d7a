//! Where rollouts are.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// The directories in which Codex keeps rollouts: `sessions` and `archived_sessions` below `CODEX_HOME`, else below
/// `~/.codex`.
pub(super) fn usual_places(codex_home: Option<&OsStr>, home: Option<&Path>) -> Vec<PathBuf> {
    let configured = codex_home.filter(|dir| !dir.is_empty()).map(PathBuf::from);
    let root = configured.or_else(|| home.map(|home| home.join(".codex")));
    root.iter().flat_map(|root| [root.join("sessions"), root.join("archived_sessions")]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_places_follow_the_environment() {
        let home = Some(Path::new("/h"));
        let usual = ["/h/.codex/sessions", "/h/.codex/archived_sessions"].map(PathBuf::from);
        assert_eq!(usual_places(None, home), usual);
        assert_eq!(usual_places(Some(OsStr::new("")), home), usual);
        let configured = ["/c/sessions", "/c/archived_sessions"].map(PathBuf::from);
        assert_eq!(usual_places(Some(OsStr::new("/c")), home), configured);
        assert!(usual_places(None, None).is_empty());
    }
}
