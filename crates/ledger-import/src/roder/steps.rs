//! What an event says of a turn: a step of it.

use ledger_events::Tokens;
use serde::{Deserialize, Serialize};

use super::line::{Body, Event, Inference, Usage};
use crate::input::Input;
use crate::loose::{Count, Loose};
use crate::words::{UNKNOWN, name, word};

/// A step of a turn.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Step {
    Started,
    Ended { end: End, usage: Option<Used> },
    Asked { provider: Option<String>, model: Option<String> },
    Used(Used),
    Answered { response: Option<String>, stop: Stop },
    Broke,
    ToolNamed { tool: String, name: String },
    ToolStarted { tool: String, name: Option<String> },
    ToolEnded { tool: String, name: Option<String>, is_error: bool },
}

/// How a turn ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum End {
    Completed(Stop),
    Failed(String),
    Interrupted,
    DeadlineExceeded,
}

/// Why an answer ended, where that matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Stop {
    Normal,
    Truncated,
    Refusal,
}

/// Tokens in buckets that do not overlap, and whether the log had those of caches beside the prompt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Used {
    pub(super) input: u64,
    pub(super) cache_read: u64,
    pub(super) cache_write: u64,
    pub(super) output: u64,
    pub(super) exclusive: bool,
}

/// What an event says: who says it, and the step of a turn that it is, if it is one.
pub(super) type Said<'a> = (&'a Body, Option<Step>);

impl Event {
    pub(super) fn step(&self) -> Option<Result<Said<'_>, String>> {
        let told = |body: &Loose<Body>| body.as_ref().is_some();
        let ended = |body: &Body, end| {
            let usage = body.usage.as_ref().map(Used::of).transpose()?;
            Ok(Some(Step::Ended { end, usage }))
        };
        let body = self.body()?;
        let tool = || name(body.tool_id.as_deref());
        let tool_name = || name(body.tool_name.as_deref());
        let step = if told(&self.turn_started) {
            Ok(Some(Step::Started))
        } else if told(&self.turn_completed) {
            ended(body, End::Completed(stop(&body.finish_reason)))
        } else if told(&self.turn_failed) {
            ended(body, End::Failed(word(body.error_kind.as_deref()).unwrap_or_else(|| UNKNOWN.to_owned())))
        } else if told(&self.turn_interrupted) {
            ended(body, End::Interrupted)
        } else if told(&self.turn_deadline_exceeded) {
            ended(body, End::DeadlineExceeded)
        } else if told(&self.inference_started) {
            let model = body.model.as_ref();
            let field = |field: fn(&super::line::Model) -> &Loose<String>| {
                model.and_then(|model| name(field(model).as_deref()))
            };
            Ok(Some(Step::Asked { provider: field(|model| &model.provider), model: field(|model| &model.model) }))
        } else if told(&self.inference_event_received) {
            body.event.as_ref().map_or(Ok(None), Inference::step)
        } else if told(&self.tool_call_requested) {
            Ok(tool().zip(tool_name()).map(|(tool, name)| Step::ToolNamed { tool, name }))
        } else if told(&self.tool_call_started) {
            Ok(tool().map(|tool| Step::ToolStarted { tool, name: tool_name() }))
        } else if told(&self.tool_call_completed) {
            let is_error = body.is_error.is_true();
            Ok(tool().map(|tool| Step::ToolEnded { tool, name: tool_name(), is_error }))
        } else {
            Ok(None)
        };
        Some(step.map(|step| (body, step)))
    }

    fn body(&self) -> Option<&Body> {
        let Self {
            thread_created,
            turn_started,
            turn_completed,
            turn_failed,
            turn_interrupted,
            turn_deadline_exceeded,
            inference_started,
            inference_event_received,
            tool_call_requested,
            tool_call_started,
            tool_call_completed,
            subagent_started,
            subagent_completed,
            subagent_failed,
        } = self;
        let turn = [turn_started, turn_completed, turn_failed, turn_interrupted, turn_deadline_exceeded];
        let inference = [inference_started, inference_event_received];
        let tool = [tool_call_requested, tool_call_started, tool_call_completed];
        let thread = [thread_created, subagent_started, subagent_completed, subagent_failed];
        turn.into_iter().chain(inference).chain(tool).chain(thread).find_map(Loose::as_ref)
    }
}

impl Inference {
    fn step(&self) -> Result<Option<Step>, String> {
        if let Some(usage) = self.usage.as_ref() {
            return Used::of(usage).map(|used| Some(Step::Used(used)));
        }
        let answered = self.completed.as_ref().map(|completed| Step::Answered {
            response: name(completed.provider_response_id.as_deref()),
            stop: stop(&completed.stop_reason),
        });
        Ok(answered.or_else(|| self.failed.as_ref().map(|_| Step::Broke)))
    }
}

fn stop(reason: &Loose<String>) -> Stop {
    match reason.as_deref() {
        Some("max_tokens" | "length") => Stop::Truncated,
        Some("refusal" | "content_filter" | "contentFilter") => Stop::Refusal,
        _ => Stop::Normal,
    }
}

impl Used {
    fn of(usage: &Usage) -> Result<Self, String> {
        let count = |field: &Loose<Count>| field.0.map_or(0, |count| count.0);
        let (cache_read, cache_write) =
            (count(&usage.cached_prompt_tokens), count(&usage.cache_creation_prompt_tokens));
        let input = Input::of(count(&usage.prompt_tokens), cache_read.saturating_add(cache_write));
        let output = count(&usage.completion_tokens);
        let used = Self { input: input.fresh, cache_read, cache_write, output, exclusive: input.exclusive };
        used.tokens().check().map_err(|invalid| invalid.to_string())?;
        Ok(used)
    }

    pub(super) fn add(&mut self, other: Self) {
        let Self { input, cache_read, cache_write, output, exclusive } = other;
        self.input = self.input.saturating_add(input);
        self.cache_read = self.cache_read.saturating_add(cache_read);
        self.cache_write = self.cache_write.saturating_add(cache_write);
        self.output = self.output.saturating_add(output);
        self.exclusive |= exclusive;
    }

    pub(super) fn tokens(&self) -> Tokens {
        let Self { input, cache_read, cache_write, output, exclusive: _ } = *self;
        Tokens { input, cache_read, cache_write, output, ..Tokens::default() }
    }
}
