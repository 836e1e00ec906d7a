//! The queue of a recorder: bounded, in nobody's way, and every record in it is stored once or counted as dropped.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod scripted;

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use ledger_conformance::events::{actor, run};
use ledger_core::{Ledger, Timestamp};
use ledger_events::LlmCall;
use ledger_events::recorder::{Counts, Request, Scope, UsageOptions, UsageRecorder};
use scripted::{Answer, Scripted, broken, scripted, unavailable, unknown};
use tokio::time::{Instant, sleep, timeout};

fn options() -> UsageOptions {
    UsageOptions::new(run("run"), actor("api"))
}

fn start(ledger: &Arc<Scripted>) -> UsageRecorder {
    UsageRecorder::start(Arc::clone(ledger) as Arc<dyn Ledger>, options()).unwrap()
}

/// Makes a call that takes 10 ms.
async fn track(recorder: &UsageRecorder, call_id: &str) {
    let call = async {
        sleep(Duration::from_millis(10)).await;
        "four"
    };
    let tracked = recorder.track(Request::to("anthropic"), call, |_, _| ());
    assert_eq!(Scope::new("t", "chat", call_id).run(tracked).await, "four");
}

fn call() -> LlmCall {
    LlmCall::new("chat", "openai", Timestamp::now())
}

async fn call_ids(ledger: &Scripted) -> Vec<String> {
    ledger.all::<LlmCall>().await.into_iter().map(|call| call.call_id.unwrap()).collect()
}

#[tokio::test(start_paused = true)]
async fn an_append_whose_outcome_is_unknown_ends_in_one_copy() {
    let ledger = scripted([Answer::StoreAndSay(unknown())]);
    let recorder = start(&ledger);
    track(&recorder, "c").await;
    recorder.close().await;
    assert_eq!(ledger.appends(), 2);
    assert_eq!(ledger.log().await.len(), 1);
    assert_eq!(recorder.counts(), Counts { recorded: 1, retried: 1, ..Counts::default() });
}

#[tokio::test(start_paused = true)]
async fn after_three_attempts_a_record_is_dropped_and_the_next_is_tried_again() {
    let ledger = scripted((0..3).map(|_| Answer::Refuse(unavailable())));
    let recorder = start(&ledger);
    track(&recorder, "lost").await;
    recorder.flush().await;
    assert_eq!(ledger.appends(), 3);
    track(&recorder, "kept").await;
    recorder.close().await;
    assert_eq!(call_ids(&ledger).await, ["kept"]);
    assert_eq!(recorder.counts(), Counts { recorded: 1, retried: 2, dropped: 1, ..Counts::default() });
}

#[tokio::test(start_paused = true)]
async fn a_slow_ledger_does_not_delay_calls() {
    let ledger = scripted((0..4).map(|_| Answer::Late(Duration::from_secs(3_600))));
    let recorder = start(&ledger);
    let began = Instant::now();
    for _ in 0..3 {
        track(&recorder, "c").await;
    }
    assert_eq!(began.elapsed(), Duration::from_millis(30));
    assert_eq!(ledger.log().await.len(), 0);
    recorder.flush().await;
    assert!(began.elapsed() >= Duration::from_secs(2 * 3_600));
    assert_eq!(ledger.log().await.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn what_waits_is_stored_in_one_append() {
    let ledger = scripted([]);
    let recorder = start(&ledger);
    (0..400).for_each(|_| recorder.record(call()));
    recorder.flush().await;
    assert_eq!((ledger.appends(), recorder.counts().recorded), (1, 400));
    (0..1_000).for_each(|_| recorder.record(call()));
    recorder.flush().await;
    assert_eq!((ledger.appends(), recorder.counts().recorded), (3, 1_400));
}

#[tokio::test(start_paused = true)]
async fn a_full_queue_drops_what_comes_and_keeps_what_waits() {
    let ledger = scripted([Answer::Late(Duration::from_secs(1))]);
    let options = options().queue_length(NonZeroUsize::MIN);
    let recorder = UsageRecorder::start(Arc::clone(&ledger) as Arc<dyn Ledger>, options).unwrap();
    track(&recorder, "first").await;
    // The first is being stored, and still takes its place.
    track(&recorder, "second").await;
    assert_eq!(recorder.counts().dropped, 1);
    recorder.flush().await;
    track(&recorder, "third").await;
    recorder.close().await;
    assert_eq!(call_ids(&ledger).await, ["first", "third"]);
    assert_eq!(recorder.counts(), Counts { recorded: 2, dropped: 1, ..Counts::default() });
}

#[tokio::test(start_paused = true)]
async fn close_stores_what_waits_and_ignores_what_comes_later() {
    let ledger = scripted([Answer::Late(Duration::from_secs(1))]);
    let recorder = start(&ledger);
    track(&recorder, "before").await;
    let other = recorder.clone();
    tokio::join!(recorder.close(), other.close(), other.flush());
    assert_eq!(recorder.counts(), Counts { recorded: 1, ..Counts::default() });
    track(&recorder, "after").await;
    recorder.close().await;
    recorder.flush().await;
    assert_eq!(call_ids(&ledger).await, ["before"]);
    assert_eq!(recorder.counts(), Counts { recorded: 1, dropped: 1, ..Counts::default() });
}

#[tokio::test(start_paused = true)]
async fn a_flush_while_the_recorder_closes_waits_for_what_waits() {
    let ledger = scripted([Answer::Late(Duration::from_secs(1))]);
    let recorder = start(&ledger);
    recorder.record(call());
    let flushed = async {
        sleep(Duration::from_millis(1)).await;
        recorder.flush().await;
        recorder.counts()
    };
    let ((), counts) = tokio::join!(recorder.close(), flushed);
    assert_eq!(counts, Counts { recorded: 1, ..Counts::default() });
}

#[tokio::test(start_paused = true)]
async fn a_recorder_that_is_dropped_stores_what_waits() {
    let ledger = scripted([Answer::Late(Duration::from_secs(1))]);
    let mut wakeup = ledger.wakeup();
    let recorder = start(&ledger);
    track(&recorder, "waiting").await;
    drop(recorder);
    timeout(Duration::from_secs(10), wakeup.wait()).await.unwrap().unwrap();
    assert_eq!(call_ids(&ledger).await, ["waiting"]);
}

#[test]
fn what_waits_when_the_runtime_ends_is_counted_as_dropped() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let ledger = scripted([Answer::Late(Duration::from_secs(3_600))]);
    let recorder = runtime.block_on(async {
        let recorder = start(&ledger);
        recorder.record(call());
        tokio::task::yield_now().await;
        recorder.record(call());
        recorder
    });
    assert_eq!(ledger.appends(), 1);
    drop(runtime);
    recorder.record(call());
    assert_eq!(recorder.counts(), Counts { dropped: 3, ..Counts::default() });
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        recorder.flush().await;
        recorder.close().await;
    });
}

#[tokio::test(start_paused = true)]
async fn a_ledger_that_panics_takes_its_records_along_and_no_call() {
    let ledger = scripted([Answer::Panic]);
    let recorder = start(&ledger);
    track(&recorder, "first").await;
    recorder.flush().await;
    track(&recorder, "second").await;
    recorder.close().await;
    assert_eq!(recorder.counts(), Counts { dropped: 2, ..Counts::default() });
}

#[test]
fn a_recorder_needs_a_runtime_to_start() {
    assert!(UsageRecorder::start(scripted([]) as Arc<dyn Ledger>, options()).is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_record_is_counted_once_whoever_makes_it() {
    let ledger = scripted((0..20).map(|n| match n % 4 {
        0 => Answer::StoreAndSay(unknown()),
        1 => Answer::Refuse(broken()),
        2 => Answer::Refuse(unavailable()),
        _ => Answer::Late(Duration::from_millis(1)),
    }));
    let options = options().queue_length(NonZeroUsize::new(50).unwrap());
    let recorder = UsageRecorder::start(Arc::clone(&ledger) as Arc<dyn Ledger>, options).unwrap();
    let recording = (0..8).map(|_| {
        let recorder = recorder.clone();
        tokio::spawn(async move {
            for n in 0..500 {
                recorder.record(call());
                if n % 20 == 0 {
                    recorder.flush().await;
                }
            }
        })
    });
    for task in recording.collect::<Vec<_>>() {
        task.await.unwrap();
    }
    recorder.close().await;
    let counts = recorder.counts();
    assert_eq!(counts.recorded + counts.dropped, 8 * 500);
    assert!(counts.recorded > 0);
}
