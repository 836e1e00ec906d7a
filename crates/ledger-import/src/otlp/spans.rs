//! What a span says.

use super::attributes::Attributes;
use super::call::{Around, Call, Counts, Failure, Program, Span as Time, Stop, Tool, Turn, Used};
use super::facts::{At, Facts};
use super::keys::Field;
use super::line::{Code, FirstToken, Kind, Resource, Scope, Span};
use super::providers::{is_exclusive, provider};
use crate::format::Fate;
use crate::words::{name, word};

/// Nanoseconds of a second, and of a millisecond.
const SECOND: u32 = 1_000_000_000;
pub(super) const MILLISECOND: u32 = 1_000_000;

/// What programs say of themselves.
pub(super) fn program(resource: Option<&Resource>) -> Program {
    let Some(Resource { attributes }) = resource else {
        return Program::default();
    };
    Program {
        tenant: name(attributes.text(Field::Tenant)),
        name: name(attributes.text(Field::Service)),
        version: word(attributes.text(Field::Version)),
    }
}

impl Facts {
    /// Adds what a span says.
    ///
    /// # Errors
    /// The reason why it cannot be used.
    pub(super) fn add_span(&mut self, program: &Program, scope: Option<&Scope>, span: &Span) -> Result<Fate, String> {
        let attributes = &span.attributes;
        let trace = span.trace_id.0.map(|id| id.0);
        let id = span.span_id.0.and_then(|id| u64::try_from(id.0).ok());
        let parent = span.parent_span_id.0.and_then(|id| u64::try_from(id.0).ok());
        if let (Some(trace), Some(id), Some(parent)) = (trace, id, parent) {
            self.trace(trace).add_parent(id, parent);
        }
        let role = Role::of(span, attributes);
        let session = name(attributes.text(Field::Session));
        let time = span.start_time_unix_nano.0.map(|start| Time {
            start: start.0,
            length: span.end_time_unix_nano.0.and_then(|end| end.0.checked_sub(start.0)),
        });
        if let (Some(trace), Some(id)) = (trace, id) {
            let turn = time.filter(|_| role == Role::Agent);
            let turn = turn.map(|time| Turn { program: program.clone(), time, failure: failure(span, attributes) });
            if turn.is_some() || session.is_some() {
                self.trace(trace).add_around(id, Around { turn, session: session.clone() });
            }
        }
        let used = used(scope, attributes)?;
        let has_usage = used.tokens().total() > 0;
        let Some(time) = time else {
            return if has_usage { Err("has usage, but no time".to_owned()) } else { Ok(Fate::Other) };
        };
        if role == Role::Tool
            && let (Some(trace), Some(id)) = (trace, id)
        {
            self.add_tool(At::Span(trace, id), tool(program, span, attributes, time, session));
        }
        match role {
            Role::Call(operation) => self.call(program, span, time, used, Some(operation)),
            // What an agent used, or one that is called as a tool, is what its calls used, unless none of them says.
            _ if has_usage => self.call(program, span, time, used, None),
            _ => Ok(Fate::Other),
        }
    }

    /// Adds a call, of which `operation` says what was asked for when nobody names that; without one, the sum of calls.
    fn call(
        &mut self,
        program: &Program,
        span: &Span,
        time: Time,
        used: Used,
        operation: Option<&str>,
    ) -> Result<Fate, String> {
        let attributes = &span.attributes;
        // Whoever sums calls up may repeat the ids of one of them.
        let id_of = |field| name(attributes.text(field)).filter(|_| operation.is_some());
        let response = id_of(Field::Response).filter(|id| is_unique(id));
        let request = id_of(Field::Request);
        let id = span.span_id.0.and_then(|id| u64::try_from(id.0).ok());
        let at = match (span.trace_id.0, id, response.as_ref().or(request.as_ref())) {
            (Some(trace), Some(id), _) => At::Span(trace.0, id),
            (_, _, Some(id)) => At::Key(id.clone()),
            _ if used.tokens().total() > 0 => return Err("has usage, but no id".to_owned()),
            _ => return Ok(Fate::Other),
        };
        let call = Call {
            program: program.clone(),
            time,
            ttft: ttft(span, attributes, time.start),
            operation: word(attributes.text(Field::Operation))
                .unwrap_or_else(|| operation.unwrap_or("agent").to_owned()),
            provider: attributes.text(Field::Provider).and_then(provider),
            model: name(attributes.text(Field::Model)),
            response,
            request,
            session: name(attributes.text(Field::Session)),
            turn: None,
            used,
            cost: attributes.cost(Field::Cost),
            failure: failure(span, attributes),
            http_status: http_status(attributes),
            attempt: None,
            tier: word(attributes.text(Field::Tier)),
            speed: None,
            stop: stop(attributes.texts(Field::Finish)),
            is_client: span.kind.0 == Some(Kind::Client),
        };
        Ok(self.add_call(at, call))
    }
}

/// What a span is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    /// A call of a model, and what was asked for when nobody names that.
    Call(&'static str),
    Tool,
    /// An invocation of an agent.
    Agent,
    Other,
}

impl Role {
    fn of(span: &Span, attributes: &Attributes) -> Self {
        let text = |field| attributes.text(field);
        match text(Field::Operation) {
            Some("chat" | "generate_content" | "text_completion" | "embeddings") => return Self::Call("chat"),
            Some("execute_tool") => return Self::Tool,
            Some("invoke_agent") => return Self::Agent,
            _ => {}
        }
        match text(Field::OpenInferenceKind) {
            Some("LLM") => return Self::Call("chat"),
            Some("EMBEDDING") => return Self::Call("embeddings"),
            Some("TOOL") => return Self::Tool,
            Some("AGENT") => return Self::Agent,
            _ => {}
        }
        if !attributes.has(Field::TraceloopKind)
            && let Some(r#type) = text(Field::RequestType)
        {
            return Self::Call(match r#type {
                "completion" => "text_completion",
                "embedding" => "embeddings",
                _ => "chat",
            });
        }
        // `ai.generateText.doGenerate` is a call, `ai.generateText` what is around all of them.
        match text(Field::AiOperation).and_then(|operation| operation.rsplit('.').next()) {
            Some("doEmbed") => return Self::Call("embeddings"),
            Some("doGenerate" | "doStream") => return Self::Call("chat"),
            Some("toolCall") => return Self::Tool,
            _ => {}
        }
        let has_usage = [Field::Input, Field::Output].into_iter().any(|field| attributes.has(field));
        if span.kind.0 == Some(Kind::Client) && has_usage { Self::Call("chat") } else { Self::Other }
    }
}

/// What was used; nothing when nobody says.
fn used(scope: Option<&Scope>, attributes: &Attributes) -> Result<Used, String> {
    let count = |field| attributes.count(field);
    let scope = scope.and_then(|scope| scope.name.as_deref());
    let has_details = attributes.has(Field::InputDetails);
    Used::of(Counts {
        input: count(Field::Input)?.unwrap_or(0),
        cache_read: count(Field::CacheRead)?.unwrap_or(0),
        cache_write: count(Field::CacheWrite)?,
        split: attributes.split(),
        output: count(Field::Output)?.unwrap_or(0),
        reasoning: count(Field::Reasoning)?,
        is_exclusive: is_exclusive(scope, attributes.text(Field::Provider).and_then(provider).as_deref(), has_details),
    })
}

fn ttft(span: &Span, attributes: &Attributes, start: u64) -> Option<u64> {
    let is_first = |name: &Option<FirstToken>| name.is_some();
    let events = || span.events.0.iter().filter(|event| is_first(&event.name.0));
    let of_events = || events().filter_map(|event| event.time_unix_nano.0?.0.checked_sub(start)).min();
    attributes
        .nanos(Field::FirstChunkSeconds, SECOND)
        .or_else(|| attributes.nanos(Field::FirstChunkMillis, MILLISECOND))
        .or_else(of_events)
}

fn http_status(attributes: &Attributes) -> Option<u16> {
    attributes.whole(Field::HttpStatus).and_then(|status| u16::try_from(status).ok())
}

fn failure(span: &Span, attributes: &Attributes) -> Option<Failure> {
    let code = span.status.0.as_ref().and_then(|status| status.code.0);
    let has_failed = match code {
        Some(Code::Error) => true,
        Some(Code::Ok) => false,
        None => attributes.has(Field::ErrorType) || http_status(attributes).is_some_and(|status| status >= 400),
    };
    has_failed.then(|| Failure { class: word(attributes.text(Field::ErrorType)) })
}

pub(super) fn stop(reasons: &[String]) -> Option<Stop> {
    let of_reason = |reason: &String| match reason.to_ascii_lowercase().as_str() {
        "length" | "max_tokens" | "max_output_tokens" => Some(Stop::Truncated),
        "content_filter" | "content-filter" | "refusal" | "safety" => Some(Stop::Refusal),
        _ => None,
    };
    reasons.iter().find_map(of_reason)
}

fn tool(program: &Program, span: &Span, attributes: &Attributes, time: Time, session: Option<String>) -> Tool {
    let failure = failure(span, attributes);
    Tool {
        program: program.clone(),
        time,
        name: name(attributes.text(Field::Tool)),
        id: name(attributes.text(Field::ToolCall)),
        session,
        turn: None,
        is_ok: failure.is_none(),
        error_class: failure.and_then(|failure| failure.class),
    }
}

/// Most digits of a number that is no id: Ollama and others number their answers by chance.
const NUMBER_DIGITS: usize = 11;

/// Whether an id of an answer is of one answer only, in place of a short number such as `chatcmpl-417` or `resp_417123`.
fn is_unique(id: &str) -> bool {
    let number = match id.rsplit_once(['-', '_']) {
        Some((prefix, number)) if prefix.bytes().all(|byte| byte.is_ascii_alphabetic()) => number,
        _ => id,
    };
    number.is_empty() || number.len() > NUMBER_DIGITS || !number.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_numbers_are_of_many_answers() {
        for id in ["417", "chatcmpl-417", "cmpl-417", "resp_417123", "12345678901", "msg_0"] {
            assert!(!is_unique(id), "{id}");
        }
        for id in [
            "chatcmpl-BqkAdYh2LVZ1uSkVnS5gCRRk",
            "msg_01XFDUDYJgAACzvnptvVoYEL",
            "resp_68a3f1",
            "123456789012",
            "0b7f6a5e-1c7d-4a3e-9f21-000000000417",
            "mRmvZ9_17",
        ] {
            assert!(is_unique(id), "{id}");
        }
    }
}
