//! Failures are always kept, successes as a sample that says what it stands for.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod scripted;

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use ledger_conformance::events::{actor, run};
use ledger_core::{Ledger, Timestamp};
use ledger_events::recorder::{Counts, SampleRate, Scope, StrategyOptions, StrategyRecorder};
use ledger_events::{Millis, StrategyExecution, StrategyStatus};
use scripted::{Answer, Scripted, broken, scripted};
use serde_json::json;

fn execution(status: StrategyStatus) -> StrategyExecution {
    StrategyExecution {
        strategy_id: "s1".into(),
        strategy_version: "1".into(),
        strategy_type: None,
        tenant_id: None,
        subject_ids: Default::default(),
        error_code: (status != StrategyStatus::Ok).then(|| "DIV_BY_ZERO".into()),
        status,
        case_name: None,
        duration_ms: Millis::from(Duration::from_millis(5)),
        nodes_executed: None,
        points: None,
        executed_at: Timestamp::now(),
        sample_weight: 1.0,
        trace: None,
        notes: None,
    }
}

fn ok() -> StrategyExecution {
    execution(StrategyStatus::Ok)
}

fn error() -> StrategyExecution {
    execution(StrategyStatus::Error)
}

fn traced(entries: usize) -> StrategyExecution {
    StrategyExecution { trace: Some((0..entries).map(|n| json!({"node": n})).collect()), ..error() }
}

fn options() -> StrategyOptions {
    StrategyOptions::new(run("run"), actor("engine"))
}

fn sampling(rate: f64) -> StrategyOptions {
    options().sample_rate(SampleRate::new(rate).unwrap()).seed(1)
}

fn start(ledger: &Arc<Scripted>, options: StrategyOptions) -> StrategyRecorder {
    StrategyRecorder::start(Arc::clone(ledger) as Arc<dyn Ledger>, options).unwrap()
}

/// What becomes of `execution`, if it is kept.
async fn recorded(options: StrategyOptions, execution: StrategyExecution) -> Option<StrategyExecution> {
    let ledger = scripted([]);
    let recorder = start(&ledger, options);
    recorder.record(execution);
    recorder.close().await;
    ledger.all().await.pop()
}

// The cases of the observer (contract, B2).

#[tokio::test(start_paused = true)]
async fn a_trace_is_kept_up_to_the_limit_and_then_cut_with_a_note() {
    let kept = async |entries, limit| {
        let kept = recorded(options().trace_limit(limit), traced(entries)).await.unwrap();
        (kept.trace.map(|trace| trace.len()), kept.notes)
    };
    assert_eq!(recorded(options(), error()).await.unwrap().trace, None);
    assert_eq!(kept(2, 3).await, (Some(2), None));
    assert_eq!(kept(3, 3).await, (Some(3), None));
    assert_eq!(kept(5, 3).await, (Some(3), Some("trace truncated: 5 -> 3 entries".into())));
    assert_eq!(kept(5, 0).await, (None, None));
}

#[tokio::test(start_paused = true)]
async fn a_trace_is_cut_to_its_first_200_entries_by_default_and_other_notes_stay() {
    let execution = StrategyExecution { notes: Some("by hand".into()), ..traced(250) };
    let kept = recorded(options(), execution.clone()).await.unwrap();
    assert_eq!(kept.trace.unwrap(), execution.trace.unwrap()[..200]);
    assert_eq!(kept.notes.unwrap(), "by hand; trace truncated: 250 -> 200 entries");
}

#[tokio::test(start_paused = true)]
async fn failures_are_kept_at_rate_0_and_stand_for_themselves() {
    let words = ["error", "timeout", "limit", "a_later_word"];
    for status in words.map(StrategyStatus::from) {
        let kept = recorded(sampling(0.0), execution(status.clone())).await.unwrap();
        assert_eq!((kept.status, kept.sample_weight), (status, 1.0));
    }
}

#[tokio::test(start_paused = true)]
async fn successes_are_kept_with_the_weight_of_their_rate() {
    assert_eq!(recorded(sampling(0.99), ok()).await.unwrap().sample_weight, 1.0 / 0.99);
    assert_eq!(recorded(sampling(1.0), ok()).await.unwrap().sample_weight, 1.0);
}

#[tokio::test(start_paused = true)]
async fn successes_are_not_kept_at_rate_0() {
    let ledger = scripted([]);
    let recorder = start(&ledger, sampling(0.0));
    (0..10).for_each(|_| recorder.record(ok()));
    recorder.close().await;
    assert_eq!(ledger.appends(), 0);
    assert_eq!(recorder.counts(), Counts { sampled_out: 10, ..Counts::default() });
}

#[tokio::test(start_paused = true)]
async fn a_recorder_that_is_off_ignores_failures_too_and_needs_no_ledger() {
    let recorder = StrategyRecorder::off();
    recorder.record(error());
    recorder.flush().await;
    recorder.close().await;
    assert_eq!(recorder.counts(), Counts::default());
}

#[tokio::test(start_paused = true)]
async fn a_ledger_that_fails_is_not_the_engines_concern() {
    let ledger = scripted([Answer::Refuse(broken())]);
    let recorder = start(&ledger, options());
    recorder.record(error());
    recorder.flush().await;
    recorder.record(error());
    recorder.close().await;
    assert_eq!(recorder.counts(), Counts { recorded: 1, dropped: 1, ..Counts::default() });
}

#[tokio::test(start_paused = true)]
async fn record_returns_before_anything_is_written() {
    let ledger = scripted([]);
    let recorder = start(&ledger, options());
    recorder.record(error());
    assert_eq!(ledger.appends(), 0);
    recorder.flush().await;
    assert_eq!(ledger.appends(), 1);
}

#[tokio::test(start_paused = true)]
async fn with_a_queue_of_one_the_second_is_dropped_and_the_first_survives() {
    let ledger = scripted([]);
    let recorder = start(&ledger, options().queue_length(NonZeroUsize::MIN));
    recorder.record(StrategyExecution { strategy_id: "first".into(), ..error() });
    recorder.record(StrategyExecution { strategy_id: "second".into(), ..error() });
    assert_eq!(recorder.counts().dropped, 1);
    recorder.close().await;
    let kept: Vec<_> = ledger.all::<StrategyExecution>().await.into_iter().map(|kept| kept.strategy_id).collect();
    assert_eq!(kept, ["first"]);
}

#[tokio::test(start_paused = true)]
async fn close_flushes_and_may_be_repeated_and_later_records_are_ignored() {
    let ledger = scripted([]);
    let recorder = start(&ledger, options());
    (0..5).for_each(|_| recorder.record(error()));
    recorder.close().await;
    recorder.close().await;
    recorder.record(error());
    assert_eq!(ledger.log().await.len(), 5);
    assert_eq!(recorder.counts(), Counts { recorded: 5, dropped: 1, ..Counts::default() });
}

// The defects of the observer that ours must not have (contract, B3).

#[tokio::test(start_paused = true)]
async fn weighted_the_success_rate_is_that_of_all_executions() {
    let ledger = scripted([]);
    let recorder = start(&ledger, sampling(0.05).queue_length(NonZeroUsize::new(10_000).unwrap()));
    for n in 0..20_000 {
        recorder.record(if n % 100 == 0 { error() } else { ok() });
    }
    recorder.close().await;
    let kept = ledger.all::<StrategyExecution>().await;
    let weigh = |kept: &mut dyn Iterator<Item = &StrategyExecution>| kept.map(|kept| kept.sample_weight).sum::<f64>();
    let good = weigh(&mut kept.iter().filter(|kept| kept.status == StrategyStatus::Ok));
    let rate = good / weigh(&mut kept.iter());
    assert!((rate - 0.99).abs() < 0.002, "{rate}");
    assert_eq!(recorder.counts().recorded + recorder.counts().sampled_out, 20_000);
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_successes_does_not_displace_failures() {
    let ledger = scripted([]);
    let recorder = start(&ledger, sampling(1.0).queue_length(NonZeroUsize::new(20).unwrap()));
    (0..30).for_each(|_| recorder.record(ok()));
    (0..3).for_each(|_| recorder.record(error()));
    recorder.close().await;
    let kept = ledger.all::<StrategyExecution>().await;
    let failures = kept.iter().filter(|kept| kept.status == StrategyStatus::Error).count();
    assert_eq!((kept.len(), failures), (20, 2));
    assert_eq!(recorder.counts().dropped, 33 - 20);
}

#[tokio::test(start_paused = true)]
async fn an_execution_that_was_sampled_before_keeps_standing_for_those() {
    let execution = StrategyExecution { sample_weight: 4.0, ..ok() };
    assert_eq!(recorded(sampling(0.5).seed(3), execution).await.unwrap().sample_weight, 8.0);
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_not_lost_for_what_it_cannot_have() {
    let code = "division by zero in \"user 7\"";
    let odd = StrategyExecution { points: Some(3.0), error_code: Some(code.into()), ..error() };
    let kept = recorded(options(), odd).await.unwrap();
    assert_eq!((kept.points, kept.error_code.as_deref()), (None, Some("unclassified")));
    let odd = StrategyExecution { points: Some(f64::NAN), ..ok() };
    assert_eq!(recorded(sampling(1.0), odd).await.unwrap().points, None);
}

#[tokio::test(start_paused = true)]
async fn executions_belong_to_the_run_and_actor_of_their_scope() {
    let ledger = scripted([]);
    let recorder = start(&ledger, options());
    recorder.record(error());
    Scope::new("t", "o", "c").in_run(run("other")).by(actor("game")).run_blocking(|| recorder.record(error()));
    recorder.close().await;
    let log = ledger.log().await;
    let origins: Vec<_> =
        log.iter().map(|recorded| (recorded.event.run_id.as_str(), recorded.event.actor.as_str())).collect();
    assert_eq!(origins, [("run", "engine"), ("other", "game")]);
}
