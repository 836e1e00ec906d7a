//! Threads of roder (`threads/<thread>/events.jsonl`, and `metadata.json` beside it).
//!
//! | event | from |
//! |---|---|
//! | `session.started` | the first line of a thread; parent, workspace, provider and model as far as they are told |
//! | `turn.started` | `TurnStarted`, or the first line of a turn |
//! | `turn.completed` | the first of `TurnCompleted`, `TurnFailed`, `TurnInterrupted`, `TurnDeadlineExceeded` |
//! | `tool.completed` | `ToolCallCompleted`, joined with `ToolCallStarted` |
//! | `llm.called` | `InferenceStarted` and what follows until the next one |
//!
//! A call is known by the `event_id` of its first line. All `Usage` of one inference adds up, as roder adds it. The usage
//! of a turn counts only where none of its inferences told of any: it goes to the last inference, or to a call of its own
//! with the thread and the turn as its key. A fork begins with copies of the turns of its parent, without the inferences;
//! so every call with tokens replaces that key, and the copies count nothing twice, in whatever order the files are read.
//!
//! Cached tokens are a part of `prompt_tokens`. Times are those of roder's own clock at each step, so durations are not
//! estimated. A call of which nothing is known but that it began is none until something ends it.
//!
//! All events of a thread are of one run, `roder:<thread>`. `metadata.json`, as it
//! was when it was first read, is a fallback for the provider and the model.

mod emit;
mod facts;
mod inferences;
mod line;
mod steps;
mod tools;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use crate::Options;
use crate::format::{Emitted, Fate, Format, Link};
use facts::Facts;
use line::Line;

/// The agent, in `session.started` and as the actor.
const AGENT: &str = "roder";
/// The importer, in `llm.called` and in the metadata.
pub(crate) const SOURCE: &str = "roder";

const EVENTS: &str = "events.jsonl";
const METADATA: &str = "metadata.json";

/// The format.
pub(crate) struct Roder;

impl Format for Roder {
    type Line = Line;
    type Facts = Facts;

    fn source(&self) -> &str {
        SOURCE
    }

    fn version(&self) -> String {
        "2".to_owned()
    }

    /// The log of a thread, or what describes one; deltas of items are neither.
    fn is_log(&self, path: &Path) -> bool {
        is_named(path, EVENTS) || is_named(path, METADATA)
    }

    /// The folder of a thread.
    fn family(&self, path: &Path) -> PathBuf {
        path.parent().unwrap_or(path).to_owned()
    }

    fn is_document(&self, path: &Path) -> bool {
        is_named(path, METADATA)
    }

    fn add(&self, facts: &mut Facts, file: &Path, line: &Line) -> Result<Fate, String> {
        if self.is_document(file) { facts.describe(line).map(|()| Fate::Other) } else { facts.add(line) }
    }

    fn links(&self, facts: &Facts) -> Vec<Link> {
        facts.links()
    }

    fn absorb(&self, facts: &mut Facts, other: Facts) {
        facts.absorb(other);
    }

    fn emit(&self, facts: Facts, options: &Options) -> Emitted {
        emit::emit(facts, options)
    }
}

/// The directories in which roder keeps threads: `threads` and `archived_threads` below `RODER_DATA_DIR`, or below
/// `~/.roder`.
pub(crate) fn usual_places(data_dir: Option<&OsStr>, home: Option<&Path>) -> Vec<PathBuf> {
    let configured = data_dir.filter(|dir| !dir.is_empty()).map(PathBuf::from);
    let root = configured.or_else(|| Some(home?.join(".roder")));
    root.into_iter().flat_map(|root| [root.join("threads"), root.join("archived_threads")]).collect()
}

fn is_named(path: &Path, name: &str) -> bool {
    path.file_name().is_some_and(|file| file == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_places_follow_the_environment() {
        let home = Some(Path::new("/h"));
        let usual = ["/h/.roder/threads", "/h/.roder/archived_threads"].map(PathBuf::from);
        assert_eq!(usual_places(None, home), usual);
        assert_eq!(usual_places(Some(OsStr::new("")), home), usual);
        assert_eq!(
            usual_places(Some(OsStr::new("/d")), home),
            ["/d/threads", "/d/archived_threads"].map(PathBuf::from)
        );
        assert!(usual_places(None, None).is_empty());
    }

    #[test]
    fn deltas_of_items_are_no_log() {
        let is_log = |path| Roder.is_log(Path::new(path));
        assert!(is_log("threads/t/events.jsonl") && is_log("threads/t/metadata.json"));
        assert!(!is_log("threads/t/item_events.jsonl") && !is_log("threads/index.json"));
    }
}
