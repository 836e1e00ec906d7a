//! Rollouts of Codex (`sessions/YYYY/MM/DD/rollout-<time>-<thread>.jsonl`, later `archived_sessions/`).
//!
//! | event | from |
//! |---|---|
//! | `session.started` | the first `session_meta` of a file; later ones are of replayed history |
//! | `turn.started` | `task_started`, a `turn_context` that names a turn, or what the user said |
//! | `turn.completed` | `task_complete`, `turn_aborted` |
//! | `tool.completed` | calls of functions, custom tools, the shell and MCP servers, joined with what ended them; web searches |
//! | `llm.called` | `token_usage_record`; before the first one of a file, the difference of two totals of `token_count`; `error`, as a call that failed |
//! | `limits.observed` | `rate_limits`, when they are others than before |
//!
//! Usage is what the totals of a thread grew by. The sum of what `last_token_usage` says is more: that is repeated, and
//! after a compaction it says how full the context may be, without any call. In CodexBar's family of files, which is
//! among the tests, three such rows make the 43,656 tokens between its authors' 15,352,834, in units of `last`, and the
//! 15,309,178 of the totals, which is what is counted here.
//!
//! A fork, and a subagent that knows its parent's history, begins with a copy of it. What the copy used is the parent's,
//! whether the parent is there or not ([`family`] says how a copy is told); without the parent's file it is not counted.
//! When a child's call turns out to be the parent's, the parent's event replaces the child's key. Records
//! have the thread in them, and count under its name wherever they are found.
//!
//! All events of a thread and the subagents that work for it are of one run, `codex:<thread>`. `turn` is the ordinal of
//! the turn in its file, replayed ones included. A call starts when the model got something to answer, and its duration
//! is flagged `latency_estimated`. `ttft_ms` is measured per turn, and said of the first call of the turn.
//!
//! Input has what was read from and written to caches in it, which is taken out; reasoning is a part of the output. A
//! call of which the log does not tell the model has none, and the flag `model_unknown`. A tool that nothing tells the
//! end of, but that it gave something, has the status `unknown`.
//!
//! What `codex exec --json` prints has no times; its sessions have rollouts as well, which have. Several agents that
//! write counters of their own into one file in turns are not told apart.
//!
//! Messages, instructions, arguments and output of tools, environment and repositories are not read.

mod burst;
mod emit;
mod facts;
mod family;
mod found;
mod line;
mod places;
mod revision;
mod row;
mod usage;
mod walk;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use crate::Options;
use crate::format::{Emitted, Fate, Format, Link};
use crate::told::Told;
use emit::emit;
use facts::Facts;
use line::Line;

/// The agent, in `session.started` and as the actor.
const AGENT: &str = "codex";
/// The importer, in `llm.called` and in the metadata.
pub(crate) const SOURCE: &str = "codex";

/// The format.
pub(crate) struct Codex;

impl Format for Codex {
    type Line = Line;
    type Facts = Facts;

    fn source(&self) -> &str {
        SOURCE
    }

    fn version(&self) -> String {
        "3".to_owned()
    }

    fn add(&self, facts: &mut Facts, file: &Path, line: &Line) -> Result<Fate, String> {
        facts.add(file, line)
    }

    fn restart(&self, facts: &mut Facts, file: &Path) {
        facts.restart(file);
    }

    fn links(&self, facts: &Facts) -> Vec<Link> {
        facts.links()
    }

    fn absorb(&self, facts: &mut Facts, other: Facts) {
        facts.absorb(other);
    }

    fn emit(&self, facts: Facts, options: &Options) -> Emitted {
        emit(&facts, options, &mut Told::default())
    }

    fn emit_new(&self, facts: Facts, options: &Options, told: &mut Told) -> Emitted {
        emit(&facts, options, told)
    }
}

/// See [`places::usual_places`].
pub(crate) fn usual_places(codex_home: Option<&OsStr>, home: Option<&Path>) -> Vec<PathBuf> {
    places::usual_places(codex_home, home)
}
