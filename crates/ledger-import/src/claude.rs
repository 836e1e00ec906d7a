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
//! among those of the import; another import, of the copy alone, gives them to the copy. So do not count events but
//! observations, by the keys and the rule of [`ledger_events::observations`].
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
mod find;
mod graph;
mod line;
mod lineage;
mod names;
mod place;
mod revision;
mod threads;
mod tools;
mod turns;

use std::io::{self, BufRead};
use std::path::Path;

pub use find::{Found, find};

use crate::lines::{Fault, MAX_LINE_BYTES, for_each_value};
use crate::loose::Loose;
use crate::report::{BadLine, Import, Report};
use emit::{Emitted, emit};
use facts::{Facts, Fate};
use ledger_core::{Event, Invalid, Metadata};
use ledger_events::{EventPayload, LlmCall, SessionStarted, ToolCompleted, TurnStarted};
use line::Line;
use place::Place;

/// The agent, in `session.started` and as the actor.
const AGENT: &str = "claude-code";
/// The importer, in `llm.called` and in the metadata.
const SOURCE: &str = "claude";

/// How to import.
#[derive(Clone, Debug)]
pub struct Options {
    /// Who pays for the calls.
    pub tenant: String,
    /// The machine that the transcripts are of, for the metadata. It is a part of what an event says: the same transcript
    /// imported with two origins gives two events per fact, which projections count once.
    pub origin: Option<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self { tenant: "local".to_owned(), origin: None }
    }
}

/// Makes events of transcripts.
///
/// Give it all transcripts that belong together, in any order, then [`finish`](Self::finish): calls, resumed sessions and
/// subagents span files.
#[derive(Debug)]
pub struct Importer {
    options: Options,
    facts: Facts,
    report: Report,
}

impl Importer {
    /// An importer that has read nothing.
    ///
    /// # Errors
    /// [`Invalid`] when the tenant is empty, or the origin cannot be metadata.
    pub fn new(options: Options) -> Result<Self, Invalid> {
        if options.tenant.trim().is_empty() {
            return Err(Invalid::new("tenant", "is empty; somebody pays"));
        }
        if let Some(origin) = &options.origin {
            Metadata::new().with("origin", origin)?;
        }
        Ok(Self { options, facts: Facts::default(), report: Report::default() })
    }

    /// Reads a transcript. `path` is for the report, and for lines that do not say whose they are.
    ///
    /// # Errors
    /// Those of the reader; what was read before stays. Bad lines are no errors but in the report.
    pub fn read(&mut self, path: &Path, reader: impl BufRead) -> io::Result<()> {
        let Self { options: _, facts, report } = self;
        let place = Place::of(path);
        report.files += 1;
        report.bytes += for_each_value(reader, MAX_LINE_BYTES, |number, value: Result<Loose<Line>, Fault>| {
            report.lines += 1;
            let fate = match value {
                Ok(Loose(Some(line))) => facts.add(&place, &line),
                Ok(Loose(None)) => Err("is not a JSON object".to_owned()),
                Err(Fault::Bad(reason)) => Err(reason),
                Err(Fault::Pending) => return report.pending += 1,
            };
            match fate {
                // Which of them are duplicates is known when all files are.
                Ok(Fate::Call) => {}
                Ok(Fate::Other) => report.other += 1,
                Err(reason) => report.add_bad(BadLine { path: path.to_owned(), line: number, reason }),
            }
        })?;
        Ok(())
    }

    /// Notes that a file or folder cannot be read, for the report.
    pub fn add_unreadable(&mut self, path: &Path, error: &io::Error) {
        self.report.add_unreadable(path.to_owned(), error.to_string());
    }

    /// Everything that the transcripts say.
    #[must_use]
    pub fn finish(self) -> Import {
        let Self { options, facts, mut report } = self;
        let observations = facts.calls.observations();
        let Emitted { mut events, refused, calls } = emit(facts, &options);
        events.sort_by(|a, b| (a.created_at, &a.id).cmp(&(b.created_at, &b.id)));
        report.usage = calls;
        report.duplicates = observations - calls;
        report.refused = refused;
        report.bad.sort();
        report.calls = count::<LlmCall>(&events);
        report.tools = count::<ToolCompleted>(&events);
        report.turns = count::<TurnStarted>(&events);
        report.sessions = count::<SessionStarted>(&events);
        Import { events, report }
    }
}

fn count<P: EventPayload>(events: &[Event]) -> u64 {
    events.iter().map(|event| u64::from(event.kind.as_str() == P::KIND)).sum()
}
