//! What the parts share: which are wanted, what is appended and read, and how figures are printed.

use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

use agent_ledger::{
    Actor, Event, EventId, EventKind, Ledger, LedgerExt, ModelId, Offset, PageSize, Payload, Read, RunId, SessionId,
};
use futures_util::TryStreamExt;

pub(crate) type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

// ---- what is measured -------------------------------------------------------------------------------------------------

/// The parts that the command line names.
pub(crate) struct Parts(Vec<String>);

impl Parts {
    /// Those whose names contain each of `words`; all, if there is none.
    pub(crate) fn named(words: &[&str]) -> Self {
        // Cargo adds `--bench`.
        Self(words.iter().filter(|word| !word.starts_with('-')).map(|word| (*word).to_owned()).collect())
    }

    pub(crate) fn want(&self, name: &str) -> bool {
        self.0.iter().all(|word| name.contains(word.as_str()))
    }
}

/// Events as a runtime has them: payloads of about 300 bytes, a few runs, kinds and models.
pub(crate) fn events(seed: usize, count: usize) -> Vec<Event> {
    let kinds = ["llm.called", "tool.completed", "agent.spoke", "turn.completed"].map(EventKind::new);
    (0..count)
        .filter_map(|n| {
            let payload = format!(
                r#"{{"call_key":"msg_{seed}_{n}","tenant_id":"local","operation":"chat","provider":"anthropic","model":"claude-sonnet-4-5","started_at":"2026-01-01T00:00:00Z","duration_ms":{},"tokens":{{"input":{},"cache_read":{},"cache_write_5m":0,"cache_write_1h":0,"output":{}}},"status":"ok"}}"#,
                n % 9_000,
                n % 700,
                n * 13,
                n % 500
            );
            let mut event = Event::new(
                RunId::new(format!("run-{seed}-{}", n / 500)).ok()?,
                kinds[n % 4].clone().ok()?,
                Actor::new("agent").ok()?,
                Payload::from_json(payload).ok()?,
            );
            event.turn = u32::try_from(n % 50).ok()?;
            event.session_id = SessionId::new(format!("session-{seed}-{}", n / 2_000)).ok();
            event.model_id = ModelId::new("claude-sonnet-4-5").ok();
            Some(event)
        })
        .collect()
}

/// What each of `writers` tasks appends.
fn plans(round: usize, writers: usize, each: usize) -> Vec<Vec<Event>> {
    (0..writers).map(|writer| events(round * 1_000 + writer, each)).collect()
}

/// The same events in about the order in which they come when the tasks are equally fast.
pub(crate) fn interleaved(round: usize, writers: usize, each: usize) -> Vec<Event> {
    let mut plans: Vec<_> = plans(round, writers, each).into_iter().map(Vec::into_iter).collect();
    let turns = (0..each).flat_map(|_| plans.iter_mut().filter_map(Iterator::next).collect::<Vec<_>>());
    turns.map(|event| event.with_id(EventId::random())).collect()
}

/// How fast `writers` tasks append `each` events, one per call, through one handle.
pub(crate) async fn writers(ledger: Arc<dyn Ledger>, round: usize, writers: usize, each: usize) -> Result<f64> {
    let plans = plans(round, writers, each);
    let start = Instant::now();
    let mut tasks = Vec::new();
    for events in plans {
        let ledger = Arc::clone(&ledger);
        tasks.push(tokio::spawn(async move {
            for event in events {
                // As runtimes do: the id is made when the event is.
                ledger.append_one(event.with_id(EventId::random())).await?;
            }
            Ok::<_, agent_ledger::Error>(())
        }));
    }
    for task in tasks {
        task.await??;
    }
    Ok(rate(writers * each, start.elapsed()))
}

/// How long it takes to read everything.
pub(crate) async fn read_all(ledger: &dyn Ledger) -> Result<Duration> {
    read_in_pages(ledger, PageSize::default()).await
}

pub(crate) async fn read_in_pages(ledger: &dyn Ledger, page: PageSize) -> Result<Duration> {
    let start = Instant::now();
    let mut pages = ledger.tail_pages(Read::after(Offset::ZERO).limit(page));
    while let Some(page) = pages.try_next().await? {
        std::hint::black_box(&page.events);
    }
    Ok(start.elapsed())
}

// ---- figures -----------------------------------------------------------------------------------------------------------

/// The heading of an engine's figures.
pub(crate) fn heading(engine: &str) {
    println!("\n{engine:44} {:>14} {:>14} {:>7} {:>8}", "ours", "peer", "ratio", "wanted");
}

pub(crate) fn rate(events: usize, time: Duration) -> f64 {
    #[allow(clippy::cast_precision_loss)]
    let events = events as f64;
    events / time.as_secs_f64()
}

pub(crate) fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

pub(crate) fn millis(time: Duration) -> String {
    format!("{:.1}", time.as_secs_f64() * 1e3)
}

/// Nearest rank.
pub(crate) fn percentile(times: &mut [Duration], percent: usize) -> Duration {
    times.sort_unstable();
    times[(times.len() * percent).div_ceil(100).saturating_sub(1)]
}

pub(crate) fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

pub(crate) fn print(what: &str, pairs: &[(f64, f64)], wanted: &str) {
    let ours = median(pairs.iter().map(|pair| pair.0));
    let peer = median(pairs.iter().map(|pair| pair.1));
    let ratio = median(pairs.iter().map(|pair| pair.0 / pair.1));
    println!("{what:44} {ours:>14.1} {peer:>14.1} {ratio:>7.2} {wanted:>8}");
}
