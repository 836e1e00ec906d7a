//! What recorders log: that something was lost and why, never what it said.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod scripted;

use std::io;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex};

use ledger_conformance::events::{actor, run};
use ledger_core::{Ledger, Timestamp};
use ledger_events::recorder::{Request, Scope, StrategyOptions, StrategyRecorder, UsageOptions, UsageRecorder};
use ledger_events::{CallStatus, LlmCall, Millis, StrategyExecution};
use scripted::{Answer, Scripted, broken, scripted, unavailable};
use tracing_subscriber::filter::LevelFilter;

/// What this thread logs, at `trace`; tests run on a runtime of one thread.
#[derive(Clone, Default)]
struct Logged(Arc<Mutex<Vec<u8>>>);

impl io::Write for Logged {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Logged {
    fn start(&self) -> tracing::subscriber::DefaultGuard {
        let writer = self.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(LevelFilter::TRACE)
            .with_ansi(false)
            .with_writer(move || writer.clone())
            .finish();
        tracing::subscriber::set_default(subscriber)
    }

    /// The lines at this level that contain this text.
    fn lines(&self, level: &str, text: &str) -> usize {
        let logged = self.text();
        logged.lines().filter(|line| line.contains(level) && line.contains(text)).count()
    }

    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

fn usage(ledger: &Arc<Scripted>) -> UsageRecorder {
    let options = UsageOptions::new(run("run"), actor("api")).queue_length(NonZeroUsize::new(2).unwrap());
    UsageRecorder::start(Arc::clone(ledger) as Arc<dyn Ledger>, options).unwrap()
}

fn call() -> LlmCall {
    LlmCall::new("chat", "anthropic", Timestamp::now())
}

#[tokio::test(start_paused = true)]
async fn a_call_without_a_scope_is_an_error_in_the_log_once_for_many() {
    let logged = Logged::default();
    let _guard = logged.start();
    let recorder = usage(&scripted([]));
    for _ in 0..10 {
        recorder.track(Request::to("anthropic"), async {}, |(), _| ()).await;
    }
    assert_eq!(logged.lines("ERROR", "outside of every scope"), 1, "{}", logged.text());
    assert_eq!(recorder.counts().without_scope, 10);
}

#[tokio::test(start_paused = true)]
async fn every_way_to_lose_a_record_is_logged_once_for_many() {
    let logged = Logged::default();
    let _guard = logged.start();
    let ledger = scripted([Answer::Refuse(broken())]);
    let recorder = usage(&ledger);
    (0..9).for_each(|_| recorder.record(call()));
    recorder.flush().await;
    let negative = ledger_events::Cost { pico_usd: -1, source: "provider".into(), price_version: None };
    (0..9).for_each(|_| recorder.record(LlmCall { cost: Some(negative.clone()), ..call() }));
    recorder.close().await;
    (0..9).for_each(|_| recorder.record(call()));

    assert_eq!(logged.lines("WARN", "queue is full"), 1, "{}", logged.text());
    assert_eq!(logged.lines("ERROR", "the ledger did not take them records=2 error=the backend failed: broken"), 1);
    assert_eq!(logged.lines("ERROR", "not valid records=1 field=\"cost.pico_usd\""), 1);
    assert_eq!(logged.lines("WARN", "recorder is closed"), 1);
    assert_eq!(recorder.counts().dropped, 27);
}

const CANARY: &str = "canary 4711 of the user's prompt";

#[tokio::test(start_paused = true)]
async fn the_text_of_an_error_is_in_no_event_and_in_no_log() {
    let logged = Logged::default();
    let _guard = logged.start();
    let ledger = scripted([Answer::Refuse(unavailable())]);
    let recorder = usage(&ledger);
    let failing = || std::future::ready(Err::<(), _>(io::Error::other(CANARY)));
    let scope = || Scope::new("t", "chat", "c");

    // Described well, described with the message in place of the class, and not valid at all.
    let well = recorder.track(Request::to("p"), failing(), |outcome, call| {
        call.fail(CallStatus::Error, format!("{:?}", outcome.as_ref().unwrap_err().kind()));
    });
    scope().run(well).await.unwrap_err();
    let badly = recorder.track(Request::to("p"), failing(), |outcome, call| {
        call.fail(CallStatus::Error, outcome.as_ref().unwrap_err().to_string());
    });
    scope().run(badly).await.unwrap_err();
    recorder.flush().await;
    let wrongly = recorder.track(Request::to("p"), failing(), |outcome, call| {
        call.error_class = Some(outcome.as_ref().unwrap_err().to_string());
        call.tokens.input = u64::MAX;
    });
    scope().run(wrongly).await.unwrap_err();
    recorder.close().await;
    let late = recorder.track(Request::to("p"), failing(), |_, call| call.fail(CallStatus::Error, "Other"));
    scope().run(late).await.unwrap_err();

    let strategies = StrategyRecorder::start(
        Arc::clone(&ledger) as Arc<dyn Ledger>,
        StrategyOptions::new(run("run"), actor("engine")),
    )
    .unwrap();
    strategies.record(failed_execution());
    strategies.close().await;

    let log = ledger.log().await;
    assert_eq!(log.len(), 3);
    let stored: String = log.iter().map(|recorded| serde_json::to_string(recorded.as_ref()).unwrap()).collect();
    assert!(stored.contains(r#""error_class":"Other""#) && stored.contains(r#""error_class":"unclassified""#));
    assert!(!stored.contains("canary"), "{stored}");
    assert!(logged.text().contains("not stored yet"), "the log is captured");
    assert!(!logged.text().contains("canary"), "{}", logged.text());
}

fn failed_execution() -> StrategyExecution {
    let text = r#"{"strategy_id":"s","strategy_version":"1","status":"error","duration_ms":1,
                   "executed_at":"2026-01-01T00:00:00Z"}"#;
    let execution: StrategyExecution = serde_json::from_str(text).unwrap();
    StrategyExecution { error_code: Some(CANARY.into()), duration_ms: Millis::default(), ..execution }
}
