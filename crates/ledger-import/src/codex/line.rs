//! What is read of a line, and nothing else: fields that are not here are skipped by the parser.
//!
//! Messages, instructions, arguments and output of tools, environment, repositories and texts of errors are not here.

use ledger_core::Timestamp;
use serde::Deserialize;

use crate::loose::{Count, Expected, LoggedMillis, Loose, expect_objects};

expect_objects!(Line, Payload, Info, Usage, RateLimits, Window, Settings);

/// A line of a rollout.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Line {
    pub(super) timestamp: Loose<Timestamp>,
    pub(super) r#type: Loose<String>,
    pub(super) payload: Loose<Payload>,
    /// Only in what `codex exec --json` prints, which has no times.
    pub(super) usage: Loose<Usage>,
}

/// What a line carries, whatever it is.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Payload {
    pub(super) r#type: Loose<String>,
    // Of a session.
    pub(super) id: Loose<String>,
    pub(super) forked_from_id: Loose<String>,
    pub(super) parent_thread_id: Loose<String>,
    pub(super) thread_source: Loose<String>,
    pub(super) source: Loose<Origin>,
    pub(super) timestamp: Loose<Timestamp>,
    pub(super) cwd: Loose<String>,
    pub(super) cli_version: Loose<String>,
    pub(super) model_provider: Loose<String>,
    // Of a turn.
    pub(super) turn_id: Loose<String>,
    pub(super) model: Loose<String>,
    /// In seconds since 1970.
    pub(super) started_at: Loose<u64>,
    pub(super) duration_ms: Loose<LoggedMillis>,
    pub(super) time_to_first_token_ms: Loose<LoggedMillis>,
    pub(super) thread_settings: Loose<Settings>,
    // Of usage.
    pub(super) info: Loose<Info>,
    pub(super) rate_limits: Loose<RateLimits>,
    pub(super) thread_id: Loose<String>,
    pub(super) response_id: Loose<String>,
    pub(super) usage: Loose<Usage>,
    // Of tools.
    pub(super) call_id: Loose<String>,
    pub(super) name: Loose<String>,
    pub(super) status: Loose<String>,
    pub(super) exit_code: Loose<ExitCode>,
    pub(super) success: Loose<bool>,
    pub(super) duration: Loose<Elapsed>,
    pub(super) result: Loose<Outcome>,
    // Of failures.
    pub(super) codex_error_info: Loose<ErrorInfo>,
}

/// What a thread is set to.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Settings {
    pub(super) model: Loose<String>,
    pub(super) service_tier: Loose<String>,
}

/// Counters of a session.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Info {
    pub(super) total_token_usage: Loose<Usage>,
    pub(super) last_token_usage: Loose<Usage>,
}

/// An account of one call or many. `input_tokens` includes whatever has to do with caches.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Usage {
    pub(super) input_tokens: Loose<Count>,
    pub(super) cached_input_tokens: Loose<Count>,
    pub(super) cache_write_input_tokens: Loose<Count>,
    pub(super) output_tokens: Loose<Count>,
    pub(super) reasoning_output_tokens: Loose<Count>,
}

/// How much of the provider's allowances is used up.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct RateLimits {
    pub(super) primary: Loose<Window>,
    pub(super) secondary: Loose<Window>,
}

/// One allowance.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Window {
    pub(super) used_percent: Loose<Percent>,
    pub(super) window_minutes: Loose<u64>,
    /// In seconds since 1970.
    pub(super) resets_at: Loose<u64>,
}

/// Who started a session: `subagent` when another session did, maybe with the id of that.
#[derive(Debug, Default)]
pub(super) struct Origin {
    pub(super) is_subagent: bool,
    pub(super) parent: Option<String>,
}

/// A share in percent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Percent(pub(super) f64);

/// Whether a command went well.
#[derive(Clone, Copy, Debug)]
pub(super) struct ExitCode(pub(super) bool);

/// A span of time, as `{secs, nanos}`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Elapsed(pub(super) LoggedMillis);

/// Whether a call of an MCP server went well: `{"Ok": …}` or `{"Err": …}`, without either.
#[derive(Clone, Copy, Debug)]
pub(super) struct Outcome(pub(super) bool);

/// Why something failed: `"class"`, or `{"class": {"http_status_code": …}}`.
#[derive(Debug)]
pub(super) struct ErrorInfo {
    pub(super) class: String,
    pub(super) http_status: Option<u16>,
}

impl Expected for Origin {
    fn from_json(json: &str) -> Result<Option<Self>, serde_json::Error> {
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Object {
            subagent: Loose<Spawn>,
        }
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Spawn {
            thread_spawn: Loose<Thread>,
        }
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Thread {
            parent_thread_id: Loose<String>,
        }
        expect_objects!(Object, Thread);
        /// A word (`review`) or an object.
        impl Expected for Spawn {
            fn from_json(json: &str) -> Result<Option<Self>, serde_json::Error> {
                Ok((json != "null").then(|| serde_json::from_str(json).unwrap_or_default()))
            }
        }
        let spawn = Object::from_json(json)?.and_then(|object| object.subagent.0);
        Ok(Some(Self {
            is_subagent: spawn.is_some(),
            parent: spawn.and_then(|spawn| spawn.thread_spawn.0?.parent_thread_id.0),
        }))
    }
}

impl Expected for Percent {
    fn from_json(json: &str) -> Result<Option<Self>, serde_json::Error> {
        let number = json.parse().ok().filter(|number: &f64| number.is_finite() && *number >= 0.0);
        Ok(number.filter(|_| json.starts_with(|c: char| c.is_ascii_digit())).map(Self))
    }
}

impl Expected for ExitCode {
    fn from_json(json: &str) -> Result<Option<Self>, serde_json::Error> {
        Ok(json.parse().ok().map(|code: i64| Self(code == 0)))
    }
}

impl Expected for Elapsed {
    fn from_json(json: &str) -> Result<Option<Self>, serde_json::Error> {
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Object {
            secs: Loose<u64>,
            nanos: Loose<u64>,
        }
        expect_objects!(Object);
        let micros = |object: Object| {
            let seconds = object.secs.0?.checked_mul(1_000_000)?;
            seconds.checked_add(object.nanos.0.unwrap_or(0) / 1_000)
        };
        Ok(Object::from_json(json)?.and_then(micros).map(|micros| Self(LoggedMillis(micros))))
    }
}

impl Expected for Outcome {
    fn from_json(json: &str) -> Result<Option<Self>, serde_json::Error> {
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Object {
            #[serde(rename = "Ok")]
            ok: Loose<Answer>,
            #[serde(rename = "Err")]
            err: Loose<Anything>,
        }
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Answer {
            #[serde(rename = "isError", alias = "is_error")]
            is_error: Loose<bool>,
        }
        struct Anything;
        impl Expected for Anything {
            fn from_json(_: &str) -> Result<Option<Self>, serde_json::Error> {
                Ok(Some(Self))
            }
        }
        expect_objects!(Answer);
        if !json.starts_with('{') {
            return Ok(None);
        }
        // What a server gives is of any shape; one that is none of these must not cost its line.
        let object: Object = serde_json::from_str(json).unwrap_or_default();
        let failed = object.err.0.map(|Anything| Self(false));
        Ok(failed.or(object.ok.0.map(|answer| Self(!answer.is_error.is_true()))))
    }
}

impl Expected for ErrorInfo {
    fn from_json(json: &str) -> Result<Option<Self>, serde_json::Error> {
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Detail {
            http_status_code: Loose<u64>,
        }
        expect_objects!(Detail);
        if let Some(word) = json.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
            return Ok(is_class(word).then(|| Self { class: word.to_owned(), http_status: None }));
        }
        if !json.starts_with('{') {
            return Ok(None);
        }
        let object: std::collections::BTreeMap<String, Loose<Detail>> = serde_json::from_str(json).unwrap_or_default();
        let class = object.into_iter().find(|(class, _)| is_class(class));
        Ok(class.map(|(class, detail)| Self {
            class,
            http_status: detail.0.and_then(|detail| u16::try_from(detail.http_status_code.0?).ok()),
        }))
    }
}

/// Whether a text is a class such as `usage_limit_exceeded`, and cannot be a message.
fn is_class(text: &str) -> bool {
    text.len() <= 64
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}
