//! A ledger of anything that a projection of usage may meet, the same for the same seed.

use ledger_core::{Event, EventId, Timestamp};
use ledger_events::{
    CallStatus, Cost, CostSource, LlmCall, Millis, SessionStarted, Tokens, ToolCompleted, ToolStarted, ToolStatus,
    TurnCompleted, TurnStarted, TurnStatus,
};
use rand::rngs::StdRng;
use rand::seq::{IndexedRandom, SliceRandom};
use rand::{RngExt, SeedableRng};

use crate::setting::{at, micros, raw, said};

/// When the first and the last of it begin: both changes of Europe's clocks lie between.
pub(crate) const SINCE: &str = "2025-10-20T00:00:00Z";
pub(crate) const UNTIL: &str = "2026-04-05T00:00:00Z";

struct Generator {
    rng: StdRng,
    keys: Vec<String>,
    count: usize,
}

/// So many events, in no particular order.
pub(crate) fn events(seed: u64, count: usize) -> Vec<Event> {
    let mut generator = Generator { rng: StdRng::seed_from_u64(seed), keys: Vec::new(), count };
    (0..count).map(|n| generator.event(n)).collect()
}

/// The same events in another order.
pub(crate) fn shuffled(seed: u64, events: &[Event]) -> Vec<Event> {
    let mut events = events.to_vec();
    events.shuffle(&mut StdRng::seed_from_u64(seed));
    events
}

impl Generator {
    fn event(&mut self, n: usize) -> Event {
        let event = match self.rng.random_range(0..100) {
            0..65 => said(&self.call(n)),
            65..73 => said(&self.tool_started()),
            73..82 => said(&self.tool_completed()),
            82..86 => said(&self.turn_started()),
            86..90 => said(&self.turn_completed()),
            90..94 => said(&self.session()),
            94..96 => raw("llm.invented", r#"{"tenant_id":"t0","tokens":{"input":5},"cost":{"pico_usd":7}}"#),
            _ => self.unreadable(),
        };
        let id = EventId::new(format!("{:016x}", self.rng.random::<u64>())).unwrap();
        event.with_id(id).with_created_at(self.time())
    }

    /// Any time; sometimes an odd one: the first or last moment of a quarter of an hour.
    fn time(&mut self) -> Timestamp {
        let (since, until) = (at(SINCE).as_micros(), at(UNTIL).as_micros());
        let time = self.rng.random_range(since..until);
        micros(match self.rng.random_range(0..20) {
            0 => time - time.rem_euclid(900_000_000),
            1 => time - time.rem_euclid(900_000_000) + 899_999_999,
            _ => time,
        })
    }

    fn one<T: Clone>(&mut self, of: &[T]) -> T {
        of.choose(&mut self.rng).unwrap().clone()
    }

    fn maybe(&mut self, probability: f64) -> bool {
        self.rng.random_bool(probability)
    }

    fn session_id(&mut self) -> String {
        format!("s{}", self.rng.random_range(0..=self.count / 60))
    }

    fn turn_id(&mut self) -> String {
        format!("t{}", self.rng.random_range(0..4))
    }

    fn revision(&mut self) -> Option<u64> {
        self.maybe(0.6).then(|| self.rng.random_range(0..4))
    }

    fn millis(&mut self) -> Option<Millis> {
        let millis = match self.rng.random_range(0..10) {
            0 => return None,
            1 => self.rng.random_range(0.0..5.0),
            2 => 1_000.0,
            _ => self.rng.random_range(0.0..60_000.0),
        };
        Some(Millis::new(millis).unwrap())
    }

    fn call(&mut self, n: usize) -> LlmCall {
        let operation = self.one(&["analyze", "summarize", "assign_codes", "new_in_a_later_version", "\u{e9}t\u{e9}"]);
        let mut call = LlmCall::new(operation, self.one(&["openai", "anthropic", "mistral"]), self.time());
        call.tenant_id = self.one(&["t0", "t1", "t2", "T2", "t2 ", "\u{6771}\u{4eac}"]).into();
        call.model = self.one(&[None, Some("small"), Some("large"), Some("large-2")]).map(Into::into);
        match self.rng.random_range(0..20) {
            0 | 1 => {}
            2..5 if !self.keys.is_empty() => call.call_key = Some(self.one(&self.keys.clone()[..])),
            5 if !self.keys.is_empty() => {
                let less_exact = self.one(&self.keys.clone()[..]);
                call.call_key = Some(format!("{less_exact}:{n}"));
                call.replaces_keys = vec![less_exact];
            }
            _ => call.call_key = Some(format!("k{n}")),
        }
        self.keys.extend(call.call_key.clone().filter(|_| self.keys.len() < 2_000));
        call.call_id = self.maybe(0.5).then(|| format!("i{}", self.rng.random_range(0..=self.count / 8)));
        call.session_id = self.maybe(0.8).then(|| self.session_id());
        call.turn_id = call.session_id.is_some().then(|| self.turn_id()).filter(|_| self.maybe(0.8));
        call.duration_ms = self.millis();
        call.tokens = self.tokens();
        call.cost = self.cost();
        call.revision = self.revision();
        match self.rng.random_range(0..20) {
            0 => call.fail(CallStatus::Error, self.one(&["Overloaded", "Network"])),
            1 => call.fail(CallStatus::Timeout, "Slow"),
            2 => call.fail(CallStatus::Limit, "RateLimited"),
            3 => call.status = CallStatus::Cancelled,
            4 => call.status = CallStatus::Other("paused".into()),
            _ => {}
        }
        call
    }

    fn tokens(&mut self) -> Tokens {
        let mut some = |probability: f64| match self.rng.random_bool(probability) {
            true => self.rng.random_range(0..50_000),
            false => 0,
        };
        let mut tokens = Tokens {
            input: some(0.9),
            cache_read: some(0.3),
            cache_write_5m: some(0.1),
            cache_write_1h: some(0.1),
            cache_write: some(0.1),
            output: some(0.9),
            reasoning: None,
        };
        tokens.reasoning = self.maybe(0.3).then(|| self.rng.random_range(0..=tokens.output));
        if self.maybe(0.01) {
            tokens.input = 1 << 33;
        }
        tokens
    }

    fn cost(&mut self) -> Option<Cost> {
        let pico_usd = match self.rng.random_range(0..20) {
            0 | 1 => return None,
            2 => 0,
            3 => i64::MAX - self.rng.random_range(0..1_000_000),
            4 => self.rng.random_range(0..1_000),
            _ => self.rng.random_range(0..1_000_000_000_000),
        };
        Some(Cost { pico_usd, source: CostSource::Priced, price_version: self.maybe(0.5).then(|| "v1".into()) })
    }

    /// A tool is always called in the same place, with the same name.
    fn tool(&mut self) -> (Option<String>, String, Option<String>, String, String) {
        let n = self.rng.random_range(0..=self.count / 8);
        let key = (n % 3 == 0).then(|| format!("tool-{n}"));
        let session = format!("s{}", n % (self.count / 60 + 1));
        let turn = (n % 5 != 0).then(|| format!("t{}", n % 4));
        (key, session, turn, format!("c{n}"), ["read", "write", "search", "never ends"][n % 4].to_owned())
    }

    fn tool_started(&mut self) -> ToolStarted {
        let (tool_key, session_id, turn_id, tool_call_id, tool_name) = self.tool();
        let (started_at, revision) = (self.time(), self.revision());
        ToolStarted { tool_key, session_id, turn_id, tool_call_id, tool_name, started_at, revision }
    }

    fn tool_completed(&mut self) -> ToolCompleted {
        let (tool_key, session_id, turn_id, tool_call_id, tool_name) = self.tool();
        let status = self.one(&[ToolStatus::Success, ToolStatus::Error, ToolStatus::Other("skipped".into())]);
        let (started_at, completed_at) = self.ends();
        ToolCompleted {
            tool_key,
            session_id,
            turn_id,
            tool_call_id,
            tool_name,
            started_at,
            completed_at,
            duration_ms: self.millis().filter(|_| self.maybe(0.5)),
            error_class: (status == ToolStatus::Error).then(|| "ToolFailed".into()),
            status,
            revision: self.revision(),
        }
    }

    /// A beginning, and an end that clocks may say is before it.
    fn ends(&mut self) -> (Timestamp, Timestamp) {
        let started_at = self.time();
        (started_at, micros(started_at.as_micros() + self.rng.random_range(-1_000_000..90_000_000)))
    }

    fn turn_started(&mut self) -> TurnStarted {
        let (session_id, turn_id, started_at) = (self.session_id(), self.turn_id(), self.time());
        TurnStarted { turn_key: None, session_id, turn_id, started_at, revision: self.revision() }
    }

    fn turn_completed(&mut self) -> TurnCompleted {
        let ways = [TurnStatus::Completed, TurnStatus::Failed, TurnStatus::Interrupted, TurnStatus::Partial];
        let (session_id, turn_id, status) = (self.session_id(), self.turn_id(), self.one(&ways));
        let (started_at, completed_at) = self.ends();
        TurnCompleted {
            turn_key: None,
            session_id,
            turn_id,
            started_at,
            completed_at,
            error_class: (status == TurnStatus::Failed).then(|| "provider".into()),
            status,
            duration_ms: self.millis().filter(|_| self.maybe(0.5)),
            revision: self.revision(),
        }
    }

    fn session(&mut self) -> SessionStarted {
        let places = [None, Some("/home/a/demo"), Some("/home/b/demo"), Some(r"C:\work\demo"), Some("/")];
        SessionStarted {
            workspace: self.one(&places).map(Into::into),
            agent: self.one(&[None, Some("claude-code")]).map(Into::into),
            parent_session_id: self.maybe(0.1).then(|| self.session_id()),
            ..SessionStarted::new(self.session_id())
        }
    }

    fn unreadable(&mut self) -> Event {
        let time = self.time();
        let payloads = [
            ("llm.called", "{}".to_owned()),
            ("llm.called", format!(r#"{{"tenant_id":7,"operation":"o","provider":"p","started_at":"{time}"}}"#)),
            (
                "llm.called",
                r#"{"tenant_id":"t","operation":"o","provider":"p","started_at":"2026-01-01T00:00:00","status":"ok"}"#
                    .into(),
            ),
            (
                "llm.called",
                format!(
                    r#"{{"tenant_id":"t","operation":"o","provider":"p","started_at":"{time}","status":"ok","tokens":{{"input":9007199254740992}}}}"#
                ),
            ),
            (
                "llm.called",
                format!(
                    r#"{{"tenant_id":"t","operation":"o","provider":"p","started_at":"{time}","status":"ok","cost":{{"pico_usd":-1,"source":"priced"}}}}"#
                ),
            ),
            ("tool.started", r#"{"tool_name":"read"}"#.into()),
            ("tool.completed", "{}".into()),
            ("turn.started", "{}".into()),
            ("turn.completed", "{}".into()),
            ("session.started", r#"{"session":"s"}"#.into()),
        ];
        let (kind, payload) = self.one(&payloads);
        raw(kind, &payload)
    }
}
