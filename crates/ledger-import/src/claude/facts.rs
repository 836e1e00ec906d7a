//! What the lines of all transcripts say, put together line by line, in any order of files.

use std::cmp::Reverse;

use ledger_core::Timestamp;
use serde::{Deserialize, Serialize};

use super::call::{Call, First, Stop};
use super::calls::{CallId, Calls};
use super::counters::Counters;
use super::failure::Failure;
use super::graph::{Ending, Graph, LineId, Node, Said};
use super::line::{AgentLine, Line, Message, ToolUseResult, Usage};
use super::names::check_ids;
use super::place::Place;
use super::threads::{Sightings, ThreadId, Threads};
use super::tools::{Asked, Returned, ToolResult, ToolUse, Tools};
use super::turns::{LoggedDuration, Prompt, Prompted, TurnLog};
use crate::format::{Fate, Link};
use crate::words::name;

/// The model of what the agent itself wrote in the name of a model.
const SYNTHETIC: &str = "<synthetic>";
/// The agent of old transcripts, in which subagents have no names.
const UNNAMED_AGENT: &str = "sidechain";
/// Longest working directory that is kept, in bytes: `PATH_MAX` of Linux.
const MAX_WORKSPACE_BYTES: usize = 4096;
/// Longest version that is kept, in bytes; all real ones are far shorter.
const MAX_VERSION_BYTES: usize = 64;

/// All facts.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Facts {
    pub(super) threads: Threads,
    pub(super) graph: Graph,
    pub(super) calls: Calls,
    pub(super) tools: Tools,
    pub(super) turns: TurnLog,
}

/// Something that was said, whether the line is the original or a repeat in a `progress` line.
#[derive(Debug)]
struct Utterance<'a> {
    message: &'a Message,
    thread: ThreadId,
    sidechain: bool,
    time: Timestamp,
    uuid: Option<&'a str>,
    request: Option<&'a str>,
    version: Option<&'a str>,
    cost: Option<i64>,
    failure: Option<Failure>,
    tool_result: Option<&'a ToolUseResult>,
    /// The line that asked for the tools that come back.
    asked_by: Option<&'a str>,
}

impl Facts {
    /// What copies of the lines and other observations of the calls have in common with these.
    pub(super) fn links(&self) -> Vec<Link> {
        self.graph.links().chain(self.calls.links()).collect()
    }

    /// Adds what others know.
    pub(super) fn absorb(&mut self, other: Self) {
        let Self { threads, graph, calls, tools, turns } = other;
        self.threads.absorb(threads);
        self.graph.absorb(graph);
        self.calls.absorb(calls);
        self.tools.absorb(tools);
        self.turns.absorb(turns);
    }

    /// Adds what `line` says.
    ///
    /// # Errors
    /// The reason why it cannot be used.
    pub(super) fn add(&mut self, place: &Place, line: &Line) -> Result<Fate, String> {
        check_ids(line)?;
        let context = self.context(place, line)?;
        let (fate, said) = match context {
            Some(context) => self.add_in_context(place, line, context)?,
            None if line.is_answer_with_usage() => return Err("has usage, but no time or no session".into()),
            None => (Fate::Other, Said::Nothing),
        };
        if let Some(uuid) = line.uuid.as_deref() {
            let parent = line.parent_uuid.as_deref().or(line.logical_parent_uuid.as_deref());
            let node = Node { time: line.timestamp.0, said, parent: parent.map(LineId::of) };
            self.graph.add(LineId::of(uuid), node, context.map(|(thread, _)| thread));
        }
        Ok(fate)
    }

    /// In which thread and when a line was written, if it is a part of a conversation.
    fn context(&mut self, place: &Place, line: &Line) -> Result<Option<(ThreadId, Timestamp)>, String> {
        let conversation = ["assistant", "user", "system", "progress"].iter().any(|r#type| line.is(r#type));
        if !conversation && !line.is_answer_with_usage() {
            return Ok(None);
        }
        let (Some(session), Some(time)) = (line.session(place), line.timestamp.0) else { return Ok(None) };
        let unnamed = line.is_sidechain.is_true().then_some(UNNAMED_AGENT);
        let agent = line.agent_id.as_deref().or(place.agent.as_deref()).or(unnamed);
        Ok(Some((self.thread(line, session, agent, time)?, time)))
    }

    fn thread(&mut self, line: &Line, session: &str, agent: Option<&str>, time: Timestamp) -> Result<ThreadId, String> {
        let workspace = line.cwd.as_deref().filter(|cwd| cwd.len() <= MAX_WORKSPACE_BYTES);
        let thread = self.threads.see((session, agent), time, workspace, version(line));
        thread.map_err(|invalid| invalid.to_string())
    }

    fn add_in_context(
        &mut self,
        place: &Place,
        line: &Line,
        (thread, time): (ThreadId, Timestamp),
    ) -> Result<(Fate, Said), String> {
        if let Some(progress) = line.data.as_ref()
            && let Some(repeated) = progress.message.0.as_ref()
            && line.is("progress")
        {
            let fate = self.add_repeated(place, line, progress.agent_id.as_deref(), (repeated, time))?;
            return Ok((fate, Said::Nothing));
        }
        let sidechain = self.threads.of(thread).is_subagent();
        let utterance = line.message.0.as_ref().map(|message| Utterance {
            message,
            thread,
            sidechain,
            time,
            uuid: line.uuid.as_deref(),
            request: line.request_id.as_deref(),
            version: version(line),
            cost: line.cost_usd.as_ref().map(|cost| cost.0),
            failure: Failure::of(line),
            tool_result: line.tool_use_result.as_ref(),
            asked_by: line.source_tool.as_deref().or(line.parent_uuid.as_deref()),
        });
        match (line.r#type.as_deref(), utterance) {
            (Some("user"), Some(utterance)) => Ok((Fate::Other, self.add_user(line, &utterance))),
            (Some("assistant") | None, Some(utterance)) => self.add_answer(utterance),
            _ => {
                self.add_turn_duration(line, time);
                Ok((Fate::Other, retry(line).map_or(Said::Nothing, Said::Retry)))
            }
        }
    }

    /// Adds a line of a subagent that the parent's `progress` repeats.
    fn add_repeated(
        &mut self,
        place: &Place,
        line: &Line,
        agent: Option<&str>,
        (repeated, time): (&AgentLine, Timestamp),
    ) -> Result<Fate, String> {
        let (Some(session), Some(message)) = (line.session(place), repeated.message.0.as_ref()) else {
            return Ok(Fate::Other);
        };
        let time = repeated.timestamp.0.unwrap_or(time);
        let thread = self.thread(line, session, Some(agent.unwrap_or(UNNAMED_AGENT)), time)?;
        let failed = repeated.is_api_error_message.is_true();
        let utterance = Utterance {
            message,
            thread,
            sidechain: true,
            time,
            uuid: repeated.uuid.as_deref(),
            request: repeated.request_id.as_deref(),
            version: version(line),
            cost: None,
            failure: failed.then(Failure::unknown),
            tool_result: None,
            asked_by: None,
        };
        match repeated.r#type.as_deref() {
            Some("assistant") => Ok(self.add_answer(utterance)?.0),
            _ => {
                self.add_tool_results(&utterance);
                Ok(Fate::Other)
            }
        }
    }

    fn add_answer(&mut self, utterance: Utterance<'_>) -> Result<(Fate, Said), String> {
        let Utterance { message, thread, sidechain, time, uuid, request, version, cost, failure, .. } = utterance;
        let model = message.model.as_deref();
        let usage = message.usage.as_ref().filter(|_| model != Some(SYNTHETIC));
        let model = model.filter(|model| *model != SYNTHETIC).map(str::to_owned);
        if let Some(usage) = usage {
            Counters::of(usage).tokens().check().map_err(|invalid| invalid.to_string())?;
        }
        let id = CallId { message: message.id.as_deref(), uuid, request, thread, sidechain };
        let is_call = usage.is_some() || failure.is_some();
        let Some(call_message) = id.message() else {
            return if is_call {
                Err("observes a call, but has no id".into())
            } else {
                Ok((Fate::Other, Said::Nothing))
            };
        };
        let said = Said::Answer { call: call_message, ending: ending(message, failure.as_ref()) };
        let line = uuid.map(LineId::of);
        self.add_tool_uses(message, thread, time, line, version);
        if !is_call {
            return Ok((Fate::Other, said));
        }
        let first = First { time, line, version: version.map(str::to_owned) };
        let model = usage.and(model);
        let mut call = Call::new(call_message, thread, first, usage.unwrap_or(&Usage::default()), model);
        call.stop = message.stop_reason.as_deref().map(|reason| (time, stop(reason)));
        call.cost = cost.map(|cost| (time, cost));
        call.error = failure;
        Ok((self.calls.add(&id, call), said))
    }

    fn add_tool_uses(
        &mut self,
        message: &Message,
        thread: ThreadId,
        time: Timestamp,
        line: Option<LineId>,
        version: Option<&str>,
    ) {
        let session = self.threads.of(thread).session_id.as_str();
        for block in message.blocks("tool_use") {
            // One without proper names is left out: its line may carry usage all the same.
            let (Some(id), Some(tool)) = (name(block.id.as_deref()), name(block.name.as_deref())) else { continue };
            let asked = Asked { time, line, tool, version: version.map(str::to_owned) };
            let tool = ToolUse { id, asked, sightings: Sightings::new(thread, time) };
            self.tools.add_use(thread, session, tool);
        }
    }

    /// Adds the results of tools; says whether there are any.
    fn add_tool_results(&mut self, utterance: &Utterance<'_>) -> bool {
        let Utterance { message, thread, time, tool_result, asked_by, .. } = utterance;
        let count = message.blocks("tool_result").count();
        // The line has one duration; with several results, nobody knows whose.
        let measured = tool_result.filter(|_| count == 1);
        let duration = measured.and_then(|result| result.duration_ms.0.or(result.total_duration_ms.0));
        for block in message.blocks("tool_result") {
            let Some(id) = name(block.tool_use_id.as_deref()) else { continue };
            let returned = Returned { thread: *thread, id: &id, asked_by: asked_by.map(LineId::of) };
            let result = ToolResult { time: *time, duration: Reverse(duration), is_error: block.is_error.is_true() };
            self.tools.add_result(returned, result);
        }
        count > 0
    }

    fn add_user(&mut self, line: &Line, utterance: &Utterance<'_>) -> Said {
        if self.add_tool_results(utterance) || utterance.tool_result.is_some() {
            return Said::ToolResult;
        }
        if line.is_meta.is_true() || line.is_compact_summary.is_true() {
            return Said::Note;
        }
        let Some(uuid) = utterance.uuid else { return Said::Note };
        let turn_id = line.prompt_id.as_deref().unwrap_or(uuid).to_owned();
        // Subagents may go by the prompt that they work for; their turns are their own.
        let agent = self.threads.of(utterance.thread).agent().filter(|_| line.prompt_id.as_deref().is_some());
        let said = Prompted {
            time: utterance.time,
            key: agent.map_or_else(|| turn_id.clone(), |agent| format!("{turn_id}/{agent}")),
            turn_id,
            version: utterance.version.map(str::to_owned),
        };
        let sightings = Sightings::new(utterance.thread, utterance.time);
        self.turns.add_prompt(LineId::of(uuid), Prompt { said, sightings });
        Said::Prompt
    }

    fn add_turn_duration(&mut self, line: &Line, time: Timestamp) {
        if line.subtype.as_deref() == Some("turn_duration")
            && let (Some(uuid), Some(duration)) = (line.uuid.as_deref(), line.duration_ms.0)
        {
            self.turns.durations.push(LoggedDuration { line: LineId::of(uuid), time, duration });
        }
    }
}

impl Line {
    /// The session that the line was written in first.
    fn session<'a>(&'a self, place: &'a Place) -> Option<&'a str> {
        let original = self.forked_from.as_ref().and_then(|fork| fork.session_id.as_deref());
        original.or(self.session_id.as_deref()).or(place.session.as_deref())
    }

    fn is_answer_with_usage(&self) -> bool {
        let may_answer = self.is("assistant") || self.r#type.as_deref().is_none();
        may_answer && self.message.0.as_ref().is_some_and(|message| message.usage.as_ref().is_some())
    }
}

/// How often the agent had tried, if `line` tells that it tries again.
fn retry(line: &Line) -> Option<u32> {
    let attempt = line.retry_attempt.0.filter(|_| line.is("system") && line.subtype.as_deref() == Some("api_error"));
    u32::try_from(attempt?).ok()
}

fn ending(message: &Message, failure: Option<&Failure>) -> Ending {
    if let Some(failure) = failure {
        return Ending::Failed(failure.class.clone());
    }
    match message.stop_reason.as_deref() {
        Some("end_turn" | "stop_sequence" | "refusal") => Ending::Done,
        Some("max_tokens") => Ending::CutOff,
        Some("tool_use" | "pause_turn") => Ending::Open,
        _ if message.blocks("tool_use").next().is_some() => Ending::Open,
        _ => Ending::Unknown,
    }
}

fn stop(reason: &str) -> Stop {
    match reason {
        "max_tokens" => Stop::Truncated,
        "refusal" => Stop::Refusal,
        _ => Stop::Normal,
    }
}

fn version(line: &Line) -> Option<&str> {
    line.version.as_deref().filter(|version| version.len() <= MAX_VERSION_BYTES && !version.contains(char::is_control))
}
