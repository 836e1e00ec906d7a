//! What a log record of an agent says.

use ledger_core::Timestamp;

use super::attributes::Attributes;
use super::call::{Call, Counts, Failure, Program, Span as Time, Tool, Used};
use super::facts::{At, Facts};
use super::keys::Field;
use super::line::{LogEvent, Record, Scope};
use super::spans::{MILLISECOND, stop};
use crate::claude;
use crate::format::Fate;
use crate::words::{name, word};

/// Where the events of Claude Code have names without its own.
const CLAUDE_SCOPE: &str = "com.anthropic.claude_code";
const CLAUDE_SERVICE: &str = "claude-code";

impl Facts {
    /// Adds what a record says.
    ///
    /// # Errors
    /// The reason why it cannot be used.
    pub(super) fn add_record(
        &mut self,
        program: &Program,
        scope: Option<&Scope>,
        record: &Record,
    ) -> Result<Fate, String> {
        let attributes = &record.attributes;
        let Some(event) = event(program, scope, record, attributes) else { return Ok(Fate::Other) };
        if event == LogEvent::CodexEvent && !ends_stream(attributes) {
            return Ok(Fate::Other);
        }
        let said = Said { event, program, attributes, time: time(record, attributes) };
        if matches!(event, LogEvent::ClaudeTool | LogEvent::CodexTool | LogEvent::GeminiTool) {
            if let Some((at, tool)) = said.tool() {
                self.add_tool(at, tool);
            }
            return Ok(Fate::Other);
        }
        let failure = said.failure();
        if event == LogEvent::CodexRequest && failure.is_none() {
            // What it used is told when the answer is complete.
            return Ok(Fate::Other);
        }
        let used = said.used()?;
        let Some((at, time)) = said.key().map(At::Key).zip(said.span()) else {
            return if used.tokens().total() > 0 {
                Err("has usage, but no session or no time".to_owned())
            } else {
                Ok(Fate::Other)
            };
        };
        Ok(self.add_call(at, said.call(time, used, failure)))
    }
}

/// Whether an event of a stream of Codex says what the whole used, or that it failed. Every event is told of as it comes as
/// well, the last one too, with how long the agent waited for it.
fn ends_stream(attributes: &Attributes) -> bool {
    let has = |field| attributes.has(field);
    attributes.text(Field::EventKind) == Some("response.completed")
        && (has(Field::LogInput) || has(Field::LogOutput) || (has(Field::LogError) && !has(Field::LogDuration)))
}

/// Which event a record is.
fn event(program: &Program, scope: Option<&Scope>, record: &Record, attributes: &Attributes) -> Option<LogEvent> {
    let named = attributes.text(Field::EventName);
    let body = record.body.0.as_ref().and_then(|body| body.string_value.0);
    let known = record.event_name.0.or(body).or_else(|| named.and_then(LogEvent::named));
    known.or_else(|| {
        let of_scope = scope.and_then(|scope| scope.name.as_deref()).is_some_and(|name| name.starts_with(CLAUDE_SCOPE));
        let is_claude = of_scope || program.name.as_deref() == Some(CLAUDE_SERVICE);
        is_claude.then(|| LogEvent::named(&format!("claude_code.{}", named?)))?
    })
}

/// When a record was made, in nanoseconds since 1970. When somebody got it says little.
fn time(record: &Record, attributes: &Attributes) -> Option<u64> {
    let of_event = || {
        let time = Timestamp::parse(attributes.text(Field::EventTime)?.trim()).ok()?;
        u64::try_from(time.as_micros()).ok()?.checked_mul(1_000)
    };
    let observed = || record.observed_time_unix_nano.0.map(|nanos| nanos.0);
    record.time_unix_nano.0.map(|nanos| nanos.0).or_else(of_event).or_else(observed)
}

struct Said<'a> {
    event: LogEvent,
    program: &'a Program,
    attributes: &'a Attributes,
    time: Option<u64>,
}

impl Said<'_> {
    fn text(&self, field: Field) -> Option<&str> {
        self.attributes.text(field)
    }

    /// What makes the record this one. A session that is resumed counts its events from the beginning again, so the time
    /// is a part of it, wherever an agent counts.
    fn key(&self) -> Option<String> {
        let time = self.time?;
        let (session, prompt) = (name(self.text(Field::Session)), name(self.text(Field::Prompt)));
        match self.event {
            LogEvent::ClaudeRequest | LogEvent::ClaudeError | LogEvent::ClaudeTool => {
                let sequence = self.attributes.whole(Field::EventSequence).map(|sequence| format!(":{sequence}"));
                Some(format!("claude_code:{}{}@{time}", session?, sequence.unwrap_or_default()))
            }
            LogEvent::CodexEvent | LogEvent::CodexTool => Some(format!("codex:{}@{time}", session?)),
            LogEvent::CodexRequest => Some(format!("codex:{}:request@{time}", session?)),
            LogEvent::GeminiResponse | LogEvent::GeminiError | LogEvent::GeminiTool => {
                Some(format!("gemini_cli:{}@{time}", prompt.or(session)?))
            }
        }
    }

    fn length(&self) -> Option<u64> {
        // A stream's last event says how long the agent waited for that event.
        let is_of_call = self.event != LogEvent::CodexEvent;
        is_of_call.then(|| self.attributes.nanos(Field::LogDuration, MILLISECOND))?
    }

    /// It is told when it is over.
    fn span(&self) -> Option<Time> {
        let (end, length) = (self.time?, self.length());
        Some(Time { start: end.saturating_sub(length.unwrap_or(0)), length })
    }

    fn http_status(&self) -> Option<u16> {
        let status = self.attributes.whole(Field::LogStatus).or_else(|| self.attributes.whole(Field::HttpStatus));
        status.and_then(|status| u16::try_from(status).ok())
    }

    fn failure(&self) -> Option<Failure> {
        let is_refused = self.http_status().is_some_and(|status| status >= 400);
        let has_failed = match self.event {
            LogEvent::ClaudeError | LogEvent::GeminiError => true,
            LogEvent::CodexRequest | LogEvent::CodexEvent => self.attributes.has(Field::LogError) || is_refused,
            _ => is_refused,
        };
        has_failed.then(|| Failure { class: word(self.text(Field::LogErrorType)) })
    }

    fn used(&self) -> Result<Used, String> {
        let count = |field| self.attributes.count(field);
        let counts = Counts {
            input: count(Field::LogInput)?.unwrap_or(0),
            cache_read: count(Field::LogCacheRead)?.unwrap_or(0),
            cache_write: count(Field::LogCacheWrite)?,
            split: None,
            output: count(Field::LogOutput)?.unwrap_or(0),
            reasoning: count(Field::LogReasoning)?,
            is_exclusive: false,
        };
        Used::of(match self.event {
            // As its provider counts.
            LogEvent::ClaudeRequest | LogEvent::ClaudeError => Counts { is_exclusive: true, ..counts },
            LogEvent::GeminiResponse => {
                let of_tools = count(Field::LogToolInput)?.unwrap_or(0);
                let thoughts = counts.reasoning.unwrap_or(0);
                let total = count(Field::LogTotal)?.unwrap_or(0);
                // Thoughts and results of tools are told beside the rest, unless the sum says that they are parts of it.
                let are_parts = total > 0 && total == counts.input.saturating_add(counts.output);
                let (of_tools, thoughts) = if are_parts { (0, 0) } else { (of_tools, thoughts) };
                let input = counts.input.saturating_add(of_tools);
                Counts { input, output: counts.output.saturating_add(thoughts), ..counts }
            }
            // `tool_token_count` of Codex is the sum of all.
            _ => counts,
        })
    }

    fn call(&self, time: Time, used: Used, failure: Option<Failure>) -> Call {
        let model = name(self.text(Field::LogModel));
        let source = self.text(Field::LogQuerySource);
        let is_subagent = source.is_some_and(|source| source == "subagent" || source.starts_with("agent:"));
        Call {
            program: self.program.clone(),
            time,
            ttft: None,
            operation: if is_subagent { "subagent" } else { "chat" }.to_owned(),
            provider: Some(self.provider(model.as_deref()).to_owned()),
            model,
            response: None,
            request: name(self.text(Field::LogRequest)),
            session: name(self.text(Field::Session)),
            turn: name(self.text(Field::Prompt)),
            used,
            cost: self.attributes.cost(Field::LogCost),
            failure,
            http_status: self.http_status(),
            attempt: self.attributes.whole(Field::LogAttempt).and_then(|attempt| u32::try_from(attempt).ok()),
            tier: None,
            speed: word(self.text(Field::LogSpeed)),
            stop: stop(self.attributes.texts(Field::LogFinish)),
            is_client: true,
        }
    }

    fn provider(&self, model: Option<&str>) -> &'static str {
        match self.event {
            LogEvent::ClaudeRequest | LogEvent::ClaudeError | LogEvent::ClaudeTool => claude::provider(model),
            LogEvent::CodexEvent | LogEvent::CodexRequest | LogEvent::CodexTool => "openai",
            LogEvent::GeminiResponse | LogEvent::GeminiError | LogEvent::GeminiTool => "gcp.gemini",
        }
    }

    fn tool(&self) -> Option<(At, Tool)> {
        let is_ok = self.text(Field::LogSuccess) != Some("false");
        let tool = Tool {
            program: self.program.clone(),
            time: self.span()?,
            name: name(self.text(Field::LogTool)),
            id: name(self.text(Field::LogToolCall)),
            session: name(self.text(Field::Session)),
            turn: name(self.text(Field::Prompt)),
            is_ok,
            error_class: if is_ok { None } else { word(self.text(Field::LogErrorType)) },
        };
        // Tools that run beside each other may end at one time.
        let which = tool.id.as_deref().or(tool.name.as_deref()).unwrap_or_default();
        let key = format!("{}/{which}", self.key()?);
        Some((At::Key(key), tool))
    }
}
