//! What the events of a page say, taken apart by what it is about.

use std::collections::BTreeMap;
use std::sync::Arc;

use ledger_core::{Event, Invalid, RecordedEvent, Timestamp};
use ledger_events::{
    EventPayload, LlmCall, SessionStarted, ToolCompleted, ToolStarted, TurnCompleted, TurnStarted, read,
};

use super::amount::TooMuch;
use super::call::Call;
use super::pricing::Pricing;
use super::session::Session;
use super::span::Span;
use super::workspace::WorkspaceLabels;

/// Everything that a page says: of each fact, what its best observation within the page says.
#[derive(Default)]
pub(super) struct Page {
    pub(super) calls: BTreeMap<String, Call>,
    /// Keys whose calls do not count.
    pub(super) replaced: BTreeMap<String, ()>,
    pub(super) tools: BTreeMap<String, Span>,
    pub(super) turns: BTreeMap<String, Span>,
    pub(super) sessions: BTreeMap<String, Session>,
    /// What workspaces are called.
    pub(super) labels: BTreeMap<String, String>,
    /// How many events were passed over, by reason and kind.
    pub(super) passed_over: BTreeMap<(&'static str, &'static str), i64>,
}

/// Why an event is passed over: its payload does not have the shape of its kind, or amounts that nothing has.
const NOT_UNDERSTOOD: &str = "not understood";

/// Why an event is passed over: rows of its time are removed.
const TOO_OLD: &str = "older than what is kept";

impl Page {
    pub(super) fn new(
        events: &[Arc<RecordedEvent>],
        labels: &WorkspaceLabels,
        pricing: &Pricing,
        kept_from: Timestamp,
    ) -> Self {
        let mut page = Self::default();
        for recorded in events {
            page.take(&recorded.event, labels, pricing, kept_from);
        }
        page
    }

    fn take(&mut self, event: &Event, labels: &WorkspaceLabels, pricing: &Pricing, kept_from: Timestamp) {
        match event.kind.as_str() {
            LlmCall::KIND => self.call(event, pricing, kept_from),
            ToolStarted::KIND => self.span(event, kept_from, |event, said| Ok(Span::of_tool_started(event, said))),
            ToolCompleted::KIND => self.span(event, kept_from, Span::of_tool_completed),
            TurnStarted::KIND => self.span(event, kept_from, |event, said| Ok(Span::of_turn_started(event, said))),
            TurnCompleted::KIND => self.span(event, kept_from, Span::of_turn_completed),
            SessionStarted::KIND => self.session(event, labels),
            _ => {}
        }
    }

    /// What the event says; noted when that is not to be understood.
    fn read<P: EventPayload>(&mut self, event: &Event) -> Option<P> {
        let said: Option<Result<P, Invalid>> = read(event);
        let said = said?.ok();
        if said.is_none() {
            self.pass_over::<P>(NOT_UNDERSTOOD);
        }
        said
    }

    fn pass_over<P: EventPayload>(&mut self, reason: &'static str) {
        *self.passed_over.entry((reason, P::KIND)).or_default() += 1;
    }

    fn call(&mut self, event: &Event, pricing: &Pricing, kept_from: Timestamp) {
        let Some(said) = self.read::<LlmCall>(event) else { return };
        let Ok(observed) = Call::observe(event, said, pricing) else {
            return self.pass_over::<LlmCall>(NOT_UNDERSTOOD);
        };
        self.replaced.extend(observed.replaces.into_iter().map(|replaced| (replaced, ())));
        let call = observed.call;
        if call.is_of_before(kept_from) {
            return self.pass_over::<LlmCall>(TOO_OLD);
        }
        if let Some(session) = &call.session_id {
            self.seen(session.clone(), call.started_at, call.started_at + call.duration_us.unwrap_or_default());
        }
        merge(&mut self.calls, call.key.clone(), call, |old, new| if new.is_better_than(&old) { new } else { old });
    }

    fn span<P: EventPayload>(
        &mut self,
        event: &Event,
        kept_from: Timestamp,
        observe: impl Fn(&Event, P) -> Result<Span, TooMuch>,
    ) {
        let Some(said) = self.read::<P>(event) else { return };
        let Ok(span) = observe(event, said) else {
            return self.pass_over::<P>(NOT_UNDERSTOOD);
        };
        if span.is_of_before(kept_from) {
            return self.pass_over::<P>(TOO_OLD);
        }
        self.seen(span.session_id.clone(), span.started_at, span.last_at());
        let spans = if span.tool_name.is_some() { &mut self.tools } else { &mut self.turns };
        merge(spans, span.key.clone(), span, Span::merge);
    }

    fn session(&mut self, event: &Event, labels: &WorkspaceLabels) {
        let Some(said) = self.read::<SessionStarted>(event) else { return };
        let (session, label) = Session::started(event, said, labels);
        if let Some(label) = label {
            self.labels.insert(session.workspace.clone(), label);
        }
        merge(&mut self.sessions, session.id.clone(), session, Session::merge);
    }

    /// Something happened in a session.
    fn seen(&mut self, session_id: String, first_at: i64, last_at: i64) {
        let seen = Session::seen(session_id.clone(), first_at, last_at);
        merge(&mut self.sessions, session_id, seen, Session::merge);
    }
}

/// Puts a value in its place, together with what is there.
pub(super) fn merge<V>(values: &mut BTreeMap<String, V>, key: String, value: V, merge: impl Fn(V, V) -> V) {
    let value = match values.remove(&key) {
        Some(old) => merge(old, value),
        None => value,
    };
    values.insert(key, value);
}
