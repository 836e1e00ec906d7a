//! What the lines of all rollouts say, kept file by file in their order. What follows from them, and what of it is but
//! replayed, is found out when it is said: a later file may know better.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use ledger_core::{ModelId, RunId, Timestamp};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::SOURCE;
use super::burst::Burst;
use super::line::{Line, Payload, RateLimits, Usage, Window};
use super::row::{Limit, Record, Row, Said, Session};
use super::usage::{Counters, Snapshot};
use crate::format::{Fate, Link};
use crate::loose::Loose;
use crate::words::name;

/// Longest working directory that is kept, in bytes: `PATH_MAX` of Linux.
const MAX_WORKSPACE_BYTES: usize = 4096;
/// Longest version, provider or tier that is kept, in bytes; all real ones are far shorter.
const MAX_WORD_BYTES: usize = 64;
/// Length of a UUID in text.
const UUID_CHARS: usize = 36;

/// All facts.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Facts {
    pub(super) files: BTreeMap<String, FileFacts>,
    /// The totals and records that some file had, for what becomes of a line: one that was seen is a repeat.
    seen: BTreeSet<u64>,
}

/// What one file says.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct FileFacts {
    /// The thread that the name of the file has, for rollouts that lost their first line.
    pub(super) named: Option<String>,
    pub(super) rows: Vec<Row>,
    /// All threads that it speaks of.
    threads: BTreeSet<String>,
    has_records: bool,
    snapshot: Option<Snapshot>,
    context: Option<Said>,
    limits: Option<Said>,
    pub(super) burst: Burst,
}

impl Facts {
    /// The threads, which other files may speak of too.
    pub(super) fn links(&self) -> Vec<Link> {
        self.files.values().flat_map(|file| &file.threads).map(|thread| Link::of(thread)).collect()
    }

    /// Forgets what `file` said.
    pub(super) fn restart(&mut self, file: &Path) {
        self.files.remove(&*file.to_string_lossy());
    }

    /// Adds the files of others.
    pub(super) fn absorb(&mut self, other: Self) {
        for (path, file) in other.files {
            // Of a file that both have read, this has read further.
            self.files.entry(path).or_insert(file);
        }
        self.seen.extend(other.seen);
    }

    /// Adds what `line` says.
    ///
    /// # Errors
    /// The reason why it cannot be used.
    pub(super) fn add(&mut self, path: &Path, line: &Line) -> Result<Fate, String> {
        let Some(payload) = line.payload.as_ref() else {
            return match line.usage.as_ref() {
                Some(_) => Err("has usage, but no time; import the rollout of the session instead".into()),
                None => Ok(Fate::Other),
            };
        };
        let is_session = line.r#type.as_deref() == Some("session_meta");
        check_names(payload, is_session)?;
        let file = self.files.entry(path.to_string_lossy().into_owned()).or_insert_with(|| FileFacts::named(path));
        if let Some(time) = line.timestamp.0 {
            file.burst.add(time, file.rows.len());
        }
        let has_usage = payload.info.as_ref().is_some_and(|info| info.total_token_usage.as_ref().is_some())
            || payload.usage.as_ref().is_some();
        let said = said(line, payload)?;
        let limits = payload.rate_limits.as_ref().and_then(limits);
        if said.is_none() && limits.is_none() {
            return Ok(Fate::Other);
        }
        let Some(time) = line.timestamp.0 else {
            return if has_usage { Err("has usage, but no time".into()) } else { Ok(Fate::Other) };
        };
        if let Some(limits) = limits {
            file.add_limits(time, limits);
        }
        said.map_or(Ok(Fate::Other), |said| file.add(time, said, &mut self.seen))
    }
}

impl FileFacts {
    fn named(path: &Path) -> Self {
        let name = path.file_stem().map(|stem| stem.to_string_lossy()).unwrap_or_default();
        let tail = name.len().checked_sub(UUID_CHARS).and_then(|start| name.get(start..));
        let named = tail.filter(|tail| Uuid::try_parse(tail).is_ok()).map(str::to_owned);
        Self { threads: named.iter().cloned().collect(), named, ..Self::default() }
    }

    /// The session that wrote the file: the first one; later ones are of replayed history.
    pub(super) fn session(&self) -> Option<&Session> {
        self.sessions().next()
    }

    pub(super) fn sessions(&self) -> impl Iterator<Item = &Session> {
        self.rows.iter().filter_map(|row| match &row.said {
            Said::Session(session) => Some(&**session),
            _ => None,
        })
    }

    /// The thread that wrote the file.
    pub(super) fn thread(&self) -> Option<&str> {
        self.session().map(|session| session.thread.as_str()).or(self.named.as_deref())
    }

    fn add_limits(&mut self, time: Timestamp, limits: Said) {
        if self.limits.as_ref() != Some(&limits) {
            self.rows.push(Row { time, said: limits.clone() });
            self.limits = Some(limits);
        }
    }

    fn add(&mut self, time: Timestamp, said: Said, seen: &mut BTreeSet<u64>) -> Result<Fate, String> {
        let mut fate = Fate::Other;
        match &said {
            Said::Session(session) => {
                let Session { thread, forked_from, parent, .. } = &**session;
                self.threads
                    .extend([Some(thread), forked_from.as_ref(), parent.as_ref()].into_iter().flatten().cloned());
            }
            Said::Context { .. } if self.context.as_ref() == Some(&said) => return Ok(Fate::Other),
            Said::Context { .. } => self.context = Some(said.clone()),
            Said::Count(snapshot) => {
                if self.thread().is_none() {
                    return Err("has usage, but no session".into());
                }
                let is_new = self.snapshot.is_none_or(|before| before.total != snapshot.total);
                fate = fate_of(format!("{:?}", snapshot.total), seen);
                if snapshot.total.is_zero() {
                    fate = Fate::Other;
                } else if !is_new || self.has_records {
                    fate = Fate::Repeat;
                }
                if !is_new {
                    return Ok(fate);
                }
                self.snapshot = Some(*snapshot);
            }
            Said::Record(record) => {
                if record.thread.is_none() && self.thread().is_none() {
                    return Err("has usage, but no session".into());
                }
                self.has_records = true;
                self.threads.extend(record.thread.clone());
                fate = fate_of(format!("record {}", record.response), seen);
            }
            _ => {}
        }
        self.rows.push(Row { time, said });
        Ok(fate)
    }
}

fn fate_of(name: String, seen: &mut BTreeSet<u64>) -> Fate {
    if seen.insert(Link::of(&name).0) { Fate::Call } else { Fate::Repeat }
}

fn said(line: &Line, payload: &Payload) -> Result<Option<Said>, String> {
    let turn = || payload.turn_id.0.clone();
    Ok(match (line.r#type.as_deref(), payload.r#type.as_deref()) {
        (Some("session_meta"), _) => session(payload).map(|session| Said::Session(Box::new(session))),
        (Some("turn_context"), _) => Some(Said::Context { turn: turn(), model: payload.model.0.clone() }),
        (Some("token_usage_record"), _) => record(payload)?,
        (Some("event_msg"), Some(r#type)) => event(r#type, payload)?,
        (Some("response_item"), Some(r#type)) => item(r#type, payload),
        _ => None,
    })
}

fn event(r#type: &str, payload: &Payload) -> Result<Option<Said>, String> {
    let turn = payload.turn_id.0.clone();
    let duration = payload.duration_ms.0.or(payload.duration.0.map(|elapsed| elapsed.0));
    let ended = |is_aborted| Said::TurnEnded {
        turn: turn.clone(),
        is_aborted,
        duration,
        ttft: payload.time_to_first_token_ms.0,
    };
    Ok(match r#type {
        "token_count" => snapshot(payload)?.map(Said::Count),
        "user_message" => Some(Said::Prompt),
        "task_started" | "turn_started" => {
            let at = payload.started_at.0.and_then(at_seconds);
            Some(Said::TurnStarted { turn, at })
        }
        "task_complete" | "turn_complete" => Some(ended(false)),
        "turn_aborted" => Some(ended(true)),
        "thread_settings_applied" => {
            payload.thread_settings.as_ref().map(|settings| Said::Tier(word(&settings.service_tier)))
        }
        "error" => {
            let info = payload.codex_error_info.as_ref();
            Some(Said::Failed {
                class: info.map(|info| info.class.clone()),
                http_status: info.and_then(|info| info.http_status),
            })
        }
        "stream_error" => Some(Said::Retried),
        "exec_command_end" | "mcp_tool_call_end" | "patch_apply_end" => name(payload.call_id.as_deref()).map(|id| {
            let measured = payload.exit_code.0.map(|code| code.0).or(payload.success.0);
            let is_ok = measured.or(payload.result.0.map(|outcome| outcome.0)).or(is_ok(payload));
            Said::ToolReturned { id, duration, is_ok }
        }),
        _ => None,
    })
}

fn item(r#type: &str, payload: &Payload) -> Option<Said> {
    let id = name(payload.call_id.as_deref()).or_else(|| name(payload.id.as_deref()));
    match r#type {
        "function_call" | "custom_tool_call" => Some(Said::ToolAsked { id: id?, tool: name(payload.name.as_deref())? }),
        "local_shell_call" => Some(Said::ToolAsked { id: id?, tool: "local_shell".to_owned() }),
        "function_call_output" | "custom_tool_call_output" => {
            Some(Said::ToolReturned { id: id?, duration: None, is_ok: payload.success.0 })
        }
        "web_search_call" => Some(Said::ToolRan { id: id?, tool: "web_search".to_owned(), is_ok: is_ok(payload) }),
        _ => None,
    }
}

fn is_ok(payload: &Payload) -> Option<bool> {
    match payload.status.as_deref()? {
        "completed" => Some(true),
        "failed" | "declined" => Some(false),
        _ => None,
    }
}

fn session(payload: &Payload) -> Option<Session> {
    let origin = payload.source.as_ref();
    let parent = payload.parent_thread_id.0.clone().or_else(|| name(origin?.parent.as_deref()));
    let is_subagent = parent.is_some()
        || payload.thread_source.as_deref() == Some("subagent")
        || origin.is_some_and(|origin| origin.is_subagent);
    Some(Session {
        thread: payload.id.0.clone()?,
        forked_from: payload.forked_from_id.0.clone(),
        parent,
        is_subagent,
        created: payload.timestamp.0,
        workspace: payload.cwd.0.clone().filter(|cwd| cwd.len() <= MAX_WORKSPACE_BYTES),
        version: word(&payload.cli_version),
        provider: word(&payload.model_provider),
    })
}

fn record(payload: &Payload) -> Result<Option<Said>, String> {
    let Some(usage) = payload.usage.as_ref() else { return Ok(None) };
    let Some(response) = payload.response_id.0.clone() else {
        return Err("has usage, but no response_id".into());
    };
    let (thread, turn) = (payload.thread_id.0.clone(), payload.turn_id.0.clone());
    Ok(Some(Said::Record(Box::new(Record { thread, turn, response, used: counters(usage)? }))))
}

fn snapshot(payload: &Payload) -> Result<Option<Snapshot>, String> {
    let Some(info) = payload.info.as_ref() else { return Ok(None) };
    let Some(total) = info.total_token_usage.as_ref() else { return Ok(None) };
    let last = info.last_token_usage.as_ref().map(counters).transpose()?;
    Ok(Some(Snapshot { total: counters(total)?, last }))
}

fn counters(usage: &Usage) -> Result<Counters, String> {
    let counters = Counters::of(usage);
    counters.tokens().check().map_err(|invalid| invalid.to_string())?;
    Ok(counters)
}

fn limits(limits: &RateLimits) -> Option<Said> {
    let limit = |window: &Loose<Window>| {
        let window = window.as_ref()?;
        Some(Limit {
            minutes: window.window_minutes.0?,
            used_percent: window.used_percent.0?.0,
            resets: at_seconds(window.resets_at.0?)?,
        })
    };
    let found: Vec<_> = [&limits.primary, &limits.secondary].into_iter().filter_map(limit).collect();
    (!found.is_empty()).then_some(Said::Limits(found))
}

fn at_seconds(seconds: u64) -> Option<Timestamp> {
    Timestamp::from_micros(i64::try_from(seconds.checked_mul(1_000_000)?).ok()?).ok()
}

/// Checks that every id of a thread, turn or answer is a name as the ledger understands it.
fn check_names(payload: &Payload, is_session: bool) -> Result<(), String> {
    let Payload { forked_from_id, parent_thread_id, turn_id, thread_id, response_id, .. } = payload;
    for (field, id) in [
        ("forked_from_id", forked_from_id),
        ("parent_thread_id", parent_thread_id),
        ("turn_id", turn_id),
        ("thread_id", thread_id),
        ("response_id", response_id),
        ("id", if is_session { &payload.id } else { &Loose(None) }),
    ] {
        let Some(id) = id.as_deref() else { continue };
        // With the prefix that it has in a run.
        RunId::new(run(id)).map_err(|invalid| {
            let invalid = invalid.to_string();
            format!("{field} {}", invalid.strip_prefix("run_id ").unwrap_or(&invalid))
        })?;
    }
    if let Some(model) = payload.model.as_deref() {
        ModelId::new(model).map_err(|invalid| invalid.to_string())?;
    }
    Ok(())
}

/// The run of a thread.
pub(super) fn run(thread: &str) -> String {
    format!("{SOURCE}:{thread}")
}

fn word(text: &Loose<String>) -> Option<String> {
    text.0.clone().filter(|word| word.len() <= MAX_WORD_BYTES && !word.contains(char::is_control))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "canary-7f3a";

    fn facts() -> Facts {
        let mut facts = Facts::default();
        let session = r#"{"timestamp":"2026-01-01T00:00:00Z","type":"session_meta","payload":{"id":"s","git":"SECRET",
            "instructions":"SECRET","forked_from_id":"p"}}"#;
        let tool = r#"{"timestamp":"2026-01-01T00:00:01Z","type":"response_item","payload":{"type":"function_call",
            "call_id":"c","name":"shell","arguments":"SECRET"}}"#;
        let count = r#"{"timestamp":"2026-01-01T00:00:02Z","type":"event_msg","payload":{"type":"token_count","info":
            {"total_token_usage":{"input_tokens":5},"SECRET":"SECRET"}}}"#;
        let failed = r#"{"timestamp":"2026-01-01T00:00:02Z","type":"event_msg","payload":{"type":"error",
            "message":"SECRET","codex_error_info":"SECRET"}}"#;
        for text in [session, tool, count, failed] {
            let line: Line = serde_json::from_str(&text.replace("SECRET", SECRET)).unwrap();
            facts.add(Path::new("f"), &line).unwrap();
        }
        facts
    }

    #[test]
    fn facts_are_kept_as_they_are_and_without_what_was_said() {
        let facts = facts();
        let bytes = postcard::to_stdvec(&facts).unwrap();
        let kept: Facts = postcard::from_bytes(&bytes).unwrap();
        assert_eq!(format!("{kept:?}"), format!("{facts:?}"));
        assert_eq!(kept.files["f"].rows.len(), 4);
        assert!(!bytes.windows(SECRET.len()).any(|window| window == SECRET.as_bytes()));
        assert!(!format!("{facts:?}").contains(SECRET));
    }

    #[test]
    fn files_are_linked_by_all_threads_that_they_speak_of_and_forgotten_when_they_begin_anew() {
        let mut facts = facts();
        assert_eq!(facts.links(), [Link::of("p"), Link::of("s")]);
        facts.restart(Path::new("f"));
        assert!(facts.files.is_empty());
    }
}
