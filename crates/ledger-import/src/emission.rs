//! Events of what an importer found.

use std::time::Duration;

use ledger_core::{Actor, Event, EventKind, Invalid, Metadata, ModelId, Payload, RunId, SessionId, Timestamp};
use ledger_events::{EventPayload, Millis};

use crate::Options;
use crate::format::Emitted;
use crate::identity::identified;
use crate::told::{Mark, Told};

/// A flag of an event, for its metadata.
pub(crate) type Flag = (&'static str, &'static str);

/// Says that a duration is a difference of log times, not a measurement.
pub(crate) const LATENCY_ESTIMATED: Flag = ("latency_estimated", "true");
/// Says that the agent reported input without what was read from or written to caches.
pub(crate) const EXCLUSIVE: Flag = ("token_convention", "exclusive");
/// Says that a limit cut the answer off.
pub(crate) const TRUNCATED: Flag = ("truncated", "true");
/// Says that the model refused to answer.
pub(crate) const REFUSAL: Flag = ("refusal", "true");

/// The envelope of an event, but for what all events of an import have in common.
#[derive(Clone, Debug)]
pub(crate) struct Envelope<'a> {
    /// What the event is about: the same for all observations of one fact.
    pub(crate) key: String,
    pub(crate) run: &'a RunId,
    pub(crate) actor: &'a Actor,
    pub(crate) session: Option<&'a SessionId>,
    /// The ordinal of the turn in its session, 0 when it is not known.
    pub(crate) turn: u32,
    pub(crate) time: Timestamp,
    /// Of the program that wrote the log.
    pub(crate) version: Option<&'a str>,
    pub(crate) model: Option<&'a str>,
    pub(crate) flags: Vec<Flag>,
}

/// The event that says `payload`.
pub(crate) fn said<P: EventPayload>(
    source: &str,
    options: &Options,
    payload: &P,
    envelope: Envelope<'_>,
) -> Result<Event, Invalid> {
    payload.check()?;
    made(source, options, P::KIND, Payload::of(payload)?, envelope)
}

/// Adds the event that says `payload`, unless it was told before; making it takes far longer than finding that out.
pub(crate) fn say_new<P: EventPayload>(
    (source, options): (&str, &Options),
    payload: &P,
    envelope: Result<Envelope<'_>, Invalid>,
    told: &mut Told,
    emitted: &mut Emitted,
) {
    let event = || {
        payload.check()?;
        let text = serde_json::to_string(payload)
            .map_err(|error| Invalid::new("payload", format!("does not serialise: {error}")))?;
        let envelope = envelope?;
        let mark = Mark::of(P::KIND, &text, &envelope);
        if told.has(mark) {
            return Ok(None);
        }
        let event = made(source, options, P::KIND, Payload::from_json(text)?, envelope)?;
        told.add(mark);
        Ok(Some(event))
    };
    event().transpose().into_iter().for_each(|event| emitted.add(event));
}

fn made(
    source: &str,
    options: &Options,
    kind: &str,
    payload: Payload,
    envelope: Envelope<'_>,
) -> Result<Event, Invalid> {
    #[cfg(test)]
    tests::MADE.set(tests::MADE.get() + 1);
    let Envelope { key, run, actor, session, turn, time, version, model, flags } = envelope;
    let described = [("source", Some(source)), ("source_version", version), ("origin", options.origin.as_deref())];
    let described = described.into_iter().filter_map(|(name, value)| Some((name, value?)));
    let metadata =
        described.chain(flags).try_fold(Metadata::new(), |metadata, (name, value)| metadata.with(name, value))?;
    let mut event = Event::new(run.clone(), EventKind::new(kind)?, actor.clone(), payload)
        .with_turn(turn)
        .with_created_at(time)
        .with_metadata(metadata);
    if let Some(session) = session {
        event = event.with_session(session.clone());
    }
    if let Some(model) = model {
        event = event.with_model(ModelId::new(model)?);
    }
    identified(event, &key)
}

/// The run that `name` is of a source: of a session, mostly.
///
/// # Errors
/// When neither makes a run. Names have up to 128 bytes, as have runs; one for which the source is too much is alone.
pub(crate) fn run_of(source: &str, name: &str) -> Result<RunId, Invalid> {
    RunId::new(format!("{source}:{name}")).or_else(|_| RunId::new(name))
}

/// A duration as it was measured, or else as the difference of two times of the log, flagged as such.
pub(crate) fn duration(
    measured: Option<Duration>,
    start: Option<Timestamp>,
    end: Timestamp,
) -> (Option<Millis>, Vec<Flag>) {
    let estimated = || u64::try_from(end.micros_since(start?)).ok().map(Duration::from_micros);
    match measured {
        Some(measured) => (Some(measured.into()), Vec::new()),
        None => estimated().map_or((None, Vec::new()), |span| (Some(span.into()), vec![LATENCY_ESTIMATED])),
    }
}

#[cfg(test)]
pub(crate) use tests::count_made;

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    thread_local! {
        /// How many events this thread made.
        pub(super) static MADE: Cell<usize> = const { Cell::new(0) };
    }

    /// How many events are made meanwhile, and what `work` gives.
    pub(crate) fn count_made<R>(work: impl FnOnce() -> R) -> (usize, R) {
        MADE.set(0);
        let result = work();
        (MADE.get(), result)
    }

    #[test]
    fn time_never_runs_backwards() {
        let at = |micros| Timestamp::from_micros(micros).unwrap();
        assert_eq!(duration(None, Some(at(2_000)), at(1_000)).0, None);
        assert_eq!(duration(None, Some(at(1_000)), at(2_500)).0, Millis::new(1.5).ok());
        assert_eq!(duration(Some(Duration::ZERO), Some(at(1_000)), at(2_500)), (Millis::new(0.0).ok(), Vec::new()));
    }
}
