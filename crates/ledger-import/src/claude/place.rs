//! What the path of a transcript says about whose it is, for lines that do not say it themselves.

use std::path::{Path, PathBuf};

const SUBAGENT: &str = "agent-";

/// Whose transcript a file is: `<session>.jsonl`, or `<session>/subagents/agent-<agent>.jsonl`.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) session: Option<String>,
    pub(super) agent: Option<String>,
}

impl Place {
    pub(super) fn of(path: &Path) -> Self {
        let Some(stem) = path.file_stem().and_then(|stem| stem.to_str()) else { return Self::default() };
        match stem.strip_prefix(SUBAGENT) {
            None => Self { session: Some(stem.to_owned()), agent: None },
            Some(agent) => Self { session: session_above(path), agent: Some(agent.to_owned()) },
        }
    }
}

/// The main transcript of the session that a file is of, whether it is there or not.
pub(super) fn main_transcript(path: &Path) -> PathBuf {
    let session = path.ancestors().find(|dir| dir.ends_with("subagents")).and_then(Path::parent);
    session.unwrap_or(path).with_extension("jsonl")
}

fn session_above(path: &Path) -> Option<String> {
    let subagents = path.ancestors().find(|dir| dir.ends_with("subagents"))?;
    Some(subagents.parent()?.file_name()?.to_str()?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(path: &str) -> (Option<String>, Option<String>) {
        let Place { session, agent } = Place::of(Path::new(path));
        (session, agent)
    }

    #[test]
    fn a_path_names_session_and_agent() {
        assert_eq!(place("p/-home/s1.jsonl"), (Some("s1".into()), None));
        assert_eq!(place("p/s1/subagents/agent-a1.jsonl"), (Some("s1".into()), Some("a1".into())));
        assert_eq!(place("p/s1/subagents/workflows/w/agent-a1.jsonl"), (Some("s1".into()), Some("a1".into())));
        assert_eq!(place("p/agent-a1.jsonl"), (None, Some("a1".into())));
    }

    #[test]
    fn a_session_and_its_subagents_are_of_one_transcript() {
        for path in ["p/s1.jsonl", "p/s1/subagents/agent-a1.jsonl", "p/s1/subagents/workflows/w/agent-a1.jsonl"] {
            assert_eq!(main_transcript(Path::new(path)), Path::new("p/s1.jsonl"));
        }
        assert_eq!(main_transcript(Path::new("p/agent-a1.jsonl")), Path::new("p/agent-a1.jsonl"));
    }
}
