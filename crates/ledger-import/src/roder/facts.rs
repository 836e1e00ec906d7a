//! What lines say, put together: the steps of each turn, in the order of time, whatever the order of the lines was.

use std::collections::BTreeMap;

use ledger_core::Timestamp;
use ledger_events::Tokens;
use serde::{Deserialize, Serialize};

use super::line::{Body, Event, Inference, Line, Usage};
use crate::format::{Fate, Link};
use crate::input::Input;
use crate::loose::{Count, Loose};
use crate::words::{UNKNOWN, checked_name, name, word};

/// Longest working directory that is kept, in bytes: `PATH_MAX` of Linux.
const MAX_WORKSPACE_BYTES: usize = 4096;

/// All facts.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Facts {
    pub(super) threads: BTreeMap<String, Thread>,
}

/// A thread.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Thread {
    pub(super) first: Option<Timestamp>,
    /// The thread that started this one, as the earliest that tells of it says.
    pub(super) parent: Option<(Timestamp, String)>,
    pub(super) described: Option<Described>,
    pub(super) turns: BTreeMap<String, Turn>,
}

/// The steps of a turn.
pub(super) type Turn = BTreeMap<StepId, Step>;

/// What `metadata.json` says. It is written anew with every turn; the least counts, which is the first that says most, so
/// that calls do not change their model when the thread does.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Described {
    /// How much it does not say.
    unknown: u8,
    at: Timestamp,
    pub(super) workspace: Option<String>,
    pub(super) provider: Option<String>,
    pub(super) model: Option<String>,
}

/// A step, in the order in which steps were taken.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct StepId {
    pub(super) time: Timestamp,
    seq: u64,
    event: Option<String>,
}

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

impl Facts {
    /// Adds what a line of `events.jsonl` says.
    ///
    /// # Errors
    /// The reason why it cannot be used.
    pub(super) fn add(&mut self, line: &Line) -> Result<Fate, String> {
        let Some((body, step)) = line.event.as_ref().and_then(Event::step).transpose()? else { return Ok(Fate::Other) };
        let either =
            |outer: &Loose<String>, inner: &Loose<String>| outer.as_deref().or(inner.as_deref()).map(str::to_owned);
        let thread = checked_name("thread_id", either(&line.thread_id, &body.thread_id).as_deref())?;
        let turn = checked_name("turn_id", either(&line.turn_id, &body.turn_id).as_deref())?;
        let event = checked_name("event_id", line.event_id.as_deref())?;
        let parent = checked_name("parent_thread_id", body.parent_thread_id.as_deref())?;
        let has_usage = matches!(step, Some(Step::Used(_) | Step::Ended { usage: Some(_), .. }));
        let (Some(thread), Some(time)) = (thread, line.timestamp.0.or(body.timestamp.0)) else {
            return if has_usage { Err("has usage, but no time or no thread".to_owned()) } else { Ok(Fate::Other) };
        };
        if event.is_none() && line.seq.0.is_none() && has_usage {
            return Err("has usage, but neither event_id nor seq".to_owned());
        }
        let known = self.threads.entry(thread).or_default();
        known.see(time, parent);
        let Some(step) = step else { return Ok(Fate::Other) };
        let Some(turn) = turn else {
            return if has_usage { Err("has usage, but no turn".to_owned()) } else { Ok(Fate::Other) };
        };
        let turn = known.turns.entry(turn).or_default();
        Ok(add_step(turn, StepId { time, seq: line.seq.0.unwrap_or(0), event }, step))
    }

    /// Adds what `metadata.json` says.
    ///
    /// # Errors
    /// The reason why it cannot be used.
    pub(super) fn describe(&mut self, line: &Line) -> Result<(), String> {
        let Some(thread) = checked_name("thread_id", line.thread_id.as_deref())? else { return Ok(()) };
        let Some(at) = line.updated_at.0.or(line.created_at.0) else { return Ok(()) };
        let parent = checked_name("parent_thread_id", line.parent_thread_id.as_deref())?;
        let workspace = line.workspace.as_deref().filter(|workspace| workspace.len() <= MAX_WORKSPACE_BYTES);
        let (provider, model) = (name(line.provider.as_deref()), name(line.model.as_deref()));
        let unknown = u8::from(provider.is_none()) + u8::from(model.is_none()) + u8::from(workspace.is_none());
        let described = Described { unknown, at, workspace: workspace.map(str::to_owned), provider, model };
        let known = self.threads.entry(thread).or_default();
        known.see(line.created_at.0.unwrap_or(at), parent);
        known.described = least(known.described.take(), Some(described));
        Ok(())
    }

    /// The threads: copies of one have it in common, and a subagent's log has it with that of its parent.
    pub(super) fn links(&self) -> Vec<Link> {
        self.threads.keys().map(|thread| Link::of(thread)).collect()
    }

    /// Adds what others know.
    pub(super) fn absorb(&mut self, other: Self) {
        for (thread, Thread { first, parent, described, turns }) in other.threads {
            let known = self.threads.entry(thread).or_default();
            known.first = least(known.first, first);
            known.parent = least(known.parent.take(), parent);
            known.described = least(known.described.take(), described);
            for (turn, steps) in turns {
                known.turns.entry(turn).or_default().extend(steps);
            }
        }
    }
}

impl Thread {
    fn see(&mut self, time: Timestamp, parent: Option<String>) {
        self.first = least(self.first, Some(time));
        self.parent = least(self.parent.take(), parent.map(|parent| (time, parent)));
    }
}

fn least<T: Ord>(one: Option<T>, other: Option<T>) -> Option<T> {
    one.into_iter().chain(other).min()
}

/// Adds a step, and says what became of the line that tells of it.
fn add_step(turn: &mut Turn, id: StepId, step: Step) -> Fate {
    let is_repeat = turn.contains_key(&id);
    let has_used = turn.values().any(|step| matches!(step, Step::Used(_)));
    let fate = match &step {
        Step::Used(_) | Step::Broke if is_repeat => Fate::Repeat,
        Step::Used(_) => {
            let since = turn.range(..&id).rev().take_while(|(_, step)| !matches!(step, Step::Asked { .. }));
            if since.into_iter().any(|(_, step)| matches!(step, Step::Used(_))) { Fate::Larger } else { Fate::Call }
        }
        Step::Broke => Fate::Call,
        Step::Ended { usage: Some(_), .. } if is_repeat || has_used => Fate::Repeat,
        Step::Ended { usage: Some(_), .. } => Fate::Call,
        _ => Fate::Other,
    };
    turn.insert(id, step);
    fate
}

impl StepId {
    /// What tells this event from all others. `seq` begins anew with each process of the agent, so it takes the time too.
    pub(super) fn key(&self, thread: &str) -> String {
        let at = || format!("{thread}:{}@{}", self.seq, self.time.as_micros());
        self.event.clone().unwrap_or_else(at)
    }
}

/// What an event says: who says it, and the step of a turn that it is, if it is one.
type Said<'a> = (&'a Body, Option<Step>);

impl Event {
    fn step(&self) -> Option<Result<Said<'_>, String>> {
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
