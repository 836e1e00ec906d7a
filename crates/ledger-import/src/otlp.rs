//! Spans and logs of OpenTelemetry (OTLP/JSON, one export per line, as the collector's `file` exporter writes them).
//!
//! | event | from |
//! |---|---|
//! | `llm.called` | a span that is a call, or has tokens and no call with tokens below it; a record of Claude Code, Codex or Gemini CLI |
//! | `tool.completed` | `execute_tool`, `openinference.span.kind` `TOOL`, `ai.toolCall`; records of tools |
//! | `turn.started`, `turn.completed` | `invoke_agent`, `openinference.span.kind` `AGENT` |
//!
//! A call is known by the id of the answer, else by trace and span; so the spans of the one who asked and of the one who
//! answered are one call. Agents, workflows and `ai.generateText` repeat what the calls below them used, and maybe the id
//! of the last answer, which is not theirs: a call with tokens replaces the names of all calls above it, as soon as all
//! spans between are known, whichever came first. So of every span the id of its parent is kept, and files with a trace,
//! or an answer, in common are read as one.
//!
//! A record is known by session and sequence (Claude Code), conversation (Codex) or prompt (Gemini CLI), and its time.
//! None of them is known to be a call of the agents' own files: import an agent from its files or from here.
//!
//! Cached tokens are a part of the input, unless they are more, or the emitter is one that is known to tell of them beside
//! it: Claude Code in its records, the Vercel AI SDK before its version 6 for Anthropic and Bedrock. Reasoning is a
//! part of the output, unless it is more. Writes to caches are split into those for five minutes and for an hour where
//! the two are all of them.
//!
//! Sessions and turns are those of the span, else of the nearest span around it that says; a trace without is a turn of its
//! own. Who pays is `tenant.id` of the resource, else the option. Metrics count the same again and are not read. A bad
//! count makes its line bad, and nothing else of it is lost.

mod attributes;
mod call;
mod emit;
mod facts;
mod keys;
mod line;
mod list;
mod logs;
mod names;
mod providers;
mod spans;
mod tree;

use std::path::Path;

use crate::Options;
use crate::format::{Emitted, Fate, Format, Link};
use facts::Facts;
use line::{Line, ScopeLogs, ScopeSpans};
use spans::program;

/// The importer, in `llm.called` and in the metadata.
pub(crate) const SOURCE: &str = "otlp";

/// The format.
pub(crate) struct Otlp;

impl Format for Otlp {
    type Line = Line;
    type Facts = Facts;

    fn source(&self) -> &'static str {
        SOURCE
    }

    fn version(&self) -> String {
        "3".to_owned()
    }

    /// The collector's file exporter names files as it is told, most often `.json` with a line per export.
    fn is_log(&self, path: &Path) -> bool {
        path.extension().is_some_and(|extension| extension == "jsonl" || extension == "json")
    }

    fn add(&self, facts: &mut Facts, _file: &Path, line: &Line) -> Result<Fate, String> {
        let mut fates = Vec::new();
        for resource in &line.resource_spans.0 {
            let program = program(resource.resource.0.as_ref());
            for ScopeSpans { scope, spans } in
                resource.scope_spans.0.iter().chain(&resource.instrumentation_library_spans.0)
            {
                fates.extend(spans.0.iter().map(|span| facts.add_span(&program, scope.0.as_ref(), span)));
            }
        }
        for resource in &line.resource_logs.0 {
            let program = program(resource.resource.0.as_ref());
            for ScopeLogs { scope, log_records } in
                resource.scope_logs.0.iter().chain(&resource.instrumentation_library_logs.0)
            {
                let records = log_records.0.iter();
                fates.extend(records.map(|record| facts.add_record(&program, scope.0.as_ref(), record)));
            }
        }
        // Whatever else a line says is kept when a part of it is bad.
        let fates: Vec<Fate> = fates.into_iter().collect::<Result<_, _>>()?;
        let most = [Fate::Call, Fate::Larger, Fate::Repeat].into_iter().find(|fate| fates.contains(fate));
        Ok(most.unwrap_or(Fate::Other))
    }

    fn links(&self, facts: &Facts) -> Vec<Link> {
        facts.links()
    }

    fn absorb(&self, facts: &mut Facts, other: Facts) {
        facts.absorb(other);
    }

    fn emit(&self, facts: Facts, options: &Options) -> Emitted {
        emit::emit(&facts, options)
    }
}
