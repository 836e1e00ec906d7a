//! Transcripts of Claude Code (`projects/<project>/<session>.jsonl`).
//!
//! | event | from |
//! |---|---|
//! | `session.started` | the first line of a session, or of a subagent: `<session>/<agent>`, with the session as its parent |
//! | `turn.started` | a line of the user (no tool result, no remark of the agent) that something follows from |
//! | `turn.completed` | the same, when its end is known: measured, a last word, or the next prompt |
//! | `tool.completed` | a `tool_use`, joined with its `tool_result` |
//! | `llm.called` | all lines that observe one call; the largest observation counts |
//!
//! All events of a session and its subagents are of one run, `claude:<session>`; `turn` is the ordinal of the turn among
//! the prompts of its session, answered or not, 0 when it is not known. A call starts with the first line of its answer, since the log has no earlier
//! time of its own; its duration begins with the line that it answers, and is flagged `latency_estimated`.
//!
//! A session that is resumed is copied, with another id. Its calls, tools and turns belong to the session that was first
//! among those that are known; an import of the copy alone gives them to the copy, until somebody sees both. So do not
//! count events but observations, by the keys and the rule of [`ledger_events::observations`].
//!
//! A call that the provider's rate, a quota or a bill did not allow (429, 402) has the status `limit`; 408 and 504 are
//! `timeout`; all else, an overloaded provider too, is `error`. The attempts that failed before a call are known if the
//! agent told of them (`api_error`) between the question and the answer; `attempt` is absent otherwise.
//!
//! The content of messages, the input of tools and what they give is not read.

mod ancestors;
mod call;
mod calls;
mod counters;
mod emit;
mod facts;
mod failure;
mod graph;
mod line;
mod lineage;
mod names;
mod place;
mod places;
mod revision;
mod threads;
mod tools;
mod turns;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use crate::Options;
use crate::format::{Emitted, Fate, Format, Link};
use crate::told::Told;
use emit::emit;
pub(crate) use emit::provider;
use facts::Facts;
use line::Line;
use place::Place;

/// The agent, in `session.started` and as the actor.
const AGENT: &str = "claude-code";
/// The importer, in `llm.called` and in the metadata.
pub(crate) const SOURCE: &str = "claude";

/// The format.
pub(crate) struct Claude;

impl Format for Claude {
    type Line = Line;
    type Facts = Facts;

    fn source(&self) -> &str {
        SOURCE
    }

    fn version(&self) -> String {
        "3".to_owned()
    }

    fn is_log(&self, path: &Path) -> bool {
        places::is_transcript(path)
    }

    /// A session and its subagents: `<session>.jsonl` and whatever is below `<session>/`.
    fn family(&self, path: &Path) -> PathBuf {
        place::main_transcript(path)
    }

    fn add(&self, facts: &mut Facts, file: &Path, line: &Line) -> Result<Fate, String> {
        facts.add(&Place::of(file), line)
    }

    fn links(&self, facts: &Facts) -> Vec<Link> {
        facts.links()
    }

    fn absorb(&self, facts: &mut Facts, other: Facts) {
        facts.absorb(other);
    }

    fn emit(&self, facts: Facts, options: &Options) -> Emitted {
        emit(facts, options, &mut Told::default())
    }

    fn emit_new(&self, facts: Facts, options: &Options, told: &mut Told) -> Emitted {
        emit(facts, options, told)
    }
}

/// See [`places::usual_places`].
pub(crate) fn usual_places(config_dirs: Option<&OsStr>, home: Option<&Path>) -> Vec<PathBuf> {
    places::usual_places(config_dirs, home)
}
