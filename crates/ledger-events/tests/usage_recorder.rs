//! Calls are recorded however they end, and recording never shows in them.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod scripted;

use std::sync::Arc;
use std::time::Duration;

use ledger_conformance::events::{actor, run, session};
use ledger_core::{Ledger, Timestamp};
use ledger_events::recorder::{Counts, Request, Scope, UsageOptions, UsageRecorder};
use ledger_events::{CallStatus, Cost, CostSource, LlmCall, MAX_TOKENS, Millis, Tokens};
use scripted::{Answer, Scripted, broken, scripted, unavailable};
use tokio::time::{Instant, sleep, timeout};

/// What a client of a provider gives.
#[derive(Debug, PartialEq, Eq)]
struct Reply(&'static str);

type Outcome = Result<Reply, String>;

/// The model took 10 tokens and gave 20, for 0.0001 USD; or it was overloaded.
fn describe(outcome: &Outcome, call: &mut LlmCall) {
    match outcome {
        Ok(_) => {
            call.model = Some("model-1".into());
            call.tokens = Tokens { input: 10, output: 20, ..Tokens::default() };
            call.cost = Some(Cost { pico_usd: 100_000_000, source: CostSource::Provider, price_version: None });
        }
        Err(_) => call.fail(CallStatus::Error, "Overloaded"),
    }
}

async fn good() -> Outcome {
    sleep(Duration::from_millis(10)).await;
    Ok(Reply("four"))
}

async fn bad() -> Outcome {
    sleep(Duration::from_millis(10)).await;
    Err("upstream".into())
}

fn scope(call_id: &str) -> Scope {
    Scope::new("tenant-1", "analyze", call_id)
}

fn request() -> Request {
    Request::to("anthropic")
}

fn options() -> UsageOptions {
    UsageOptions::new(run("run"), actor("api"))
}

fn start(ledger: &Arc<Scripted>) -> UsageRecorder {
    UsageRecorder::start(Arc::clone(ledger) as Arc<dyn Ledger>, options()).unwrap()
}

async fn track(recorder: &UsageRecorder, call_id: &str) {
    scope(call_id).run(recorder.track(request(), good(), describe)).await.unwrap();
}

fn call_ids(calls: &[LlmCall]) -> Vec<&str> {
    calls.iter().map(|call| call.call_id.as_deref().unwrap()).collect()
}

// The eleven cases of the tracking adapter (contract, A2).

#[tokio::test(start_paused = true)]
async fn a_success_is_recorded_with_tokens_cost_and_times() {
    let ledger = scripted([]);
    let recorder = start(&ledger);
    let before = Timestamp::now();
    let outcome = scope("c").run(recorder.track(request(), good(), describe)).await;
    assert_eq!(outcome, Ok(Reply("four")));
    recorder.close().await;

    let [call] = ledger.all::<LlmCall>().await.try_into().unwrap();
    assert_eq!((call.tenant_id.as_str(), call.operation.as_str()), ("tenant-1", "analyze"));
    assert_eq!((call.tokens.input, call.tokens.output), (10, 20));
    assert_eq!(call.cost.unwrap().pico_usd, 100_000_000);
    assert_eq!((call.status, call.error_class), (CallStatus::Ok, None));
    assert_eq!(call.duration_ms.map(Millis::get), Some(10.0));
    assert!((before..=Timestamp::now()).contains(&call.started_at));
    assert_eq!(recorder.counts(), Counts { recorded: 1, ..Counts::default() });

    let event = &ledger.log().await[0].event;
    assert_eq!((event.run_id.as_str(), event.actor.as_str()), ("run", "api"));
    assert_eq!(event.model_id.as_ref().unwrap().as_str(), "model-1");
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_recorded_with_its_class_and_without_tokens() {
    let ledger = scripted([]);
    let recorder = start(&ledger);
    let outcome = scope("c").run(recorder.track(request(), bad(), describe)).await;
    assert_eq!(outcome, Err("upstream".into()));
    recorder.close().await;

    let [call] = ledger.all::<LlmCall>().await.try_into().unwrap();
    assert_eq!((call.status, call.error_class.as_deref()), (CallStatus::Error, Some("Overloaded")));
    assert_eq!((call.tokens, call.cost, call.model), (Tokens::default(), None, None));
    assert_eq!(call.duration_ms.map(Millis::get), Some(10.0));
}

#[tokio::test(start_paused = true)]
async fn without_a_scope_the_call_goes_through_and_is_counted() {
    let ledger = scripted([]);
    let recorder = start(&ledger);
    assert_eq!(recorder.track(request(), good(), describe).await, Ok(Reply("four")));
    recorder.begin(request()).finish(|_| panic!("nothing is to be described"));
    recorder.close().await;
    assert_eq!(ledger.appends(), 0);
    assert_eq!(recorder.counts(), Counts { without_scope: 2, ..Counts::default() });
}

#[tokio::test(start_paused = true)]
async fn a_ledger_that_fails_does_not_break_a_success() {
    let ledger = scripted([Answer::Refuse(broken())]);
    let recorder = start(&ledger);
    assert_eq!(scope("c").run(recorder.track(request(), good(), describe)).await, Ok(Reply("four")));
    recorder.close().await;
    assert_eq!(recorder.counts(), Counts { dropped: 1, ..Counts::default() });
}

#[tokio::test(start_paused = true)]
async fn a_ledger_that_fails_does_not_hide_the_error_of_the_call() {
    let ledger = scripted([Answer::Refuse(broken())]);
    let recorder = start(&ledger);
    assert_eq!(scope("c").run(recorder.track(request(), bad(), describe)).await, Err("upstream".into()));
    recorder.close().await;
    assert_eq!(recorder.counts().dropped, 1);
}

#[tokio::test(start_paused = true)]
async fn two_passing_failures_take_three_attempts_for_one_record() {
    let ledger = scripted([Answer::Refuse(unavailable()), Answer::Refuse(unavailable())]);
    let recorder = start(&ledger);
    track(&recorder, "c").await;
    let offered = Instant::now();
    recorder.flush().await;
    assert_eq!(offered.elapsed(), Duration::from_millis(50 + 100));
    assert_eq!(ledger.appends(), 3);
    assert_eq!(ledger.log().await.len(), 1);
    assert_eq!(recorder.counts(), Counts { recorded: 1, retried: 2, ..Counts::default() });
}

#[tokio::test(start_paused = true)]
async fn an_error_that_does_not_pass_takes_one_attempt_and_no_record() {
    let ledger = scripted([Answer::Refuse(broken())]);
    let recorder = start(&ledger);
    track(&recorder, "c").await;
    recorder.flush().await;
    assert_eq!(ledger.appends(), 1);
    assert_eq!(ledger.log().await.len(), 0);
    assert_eq!(recorder.counts(), Counts { dropped: 1, ..Counts::default() });
}

#[tokio::test(start_paused = true)]
async fn the_call_id_is_on_successes_and_on_failures() {
    let ledger = scripted([]);
    let recorder = start(&ledger);
    track(&recorder, "good").await;
    let _ = scope("bad").run(recorder.track(request(), bad(), describe)).await;
    recorder.close().await;
    assert_eq!(call_ids(&ledger.all().await), ["good", "bad"]);
}

#[tokio::test(start_paused = true)]
async fn calls_one_after_the_other_share_the_call_id() {
    let ledger = scripted([]);
    let recorder = start(&ledger);
    scope("c")
        .run(async {
            for _ in 0..3 {
                let _ = recorder.track(request(), good(), describe).await;
            }
        })
        .await;
    recorder.close().await;
    assert_eq!(call_ids(&ledger.all().await), ["c"; 3]);
}

#[tokio::test(start_paused = true)]
async fn three_parallel_calls_share_the_call_id() {
    let ledger = scripted([]);
    let recorder = start(&ledger);
    let began = Instant::now();
    let call = || recorder.track(request(), good(), describe);
    let _ = scope("c").run(async { tokio::join!(call(), call(), call()) }).await;
    assert_eq!(began.elapsed(), Duration::from_millis(10));
    recorder.close().await;
    assert_eq!(call_ids(&ledger.all().await), ["c"; 3]);
}

// How else calls end.

#[tokio::test(start_paused = true)]
async fn a_call_that_is_dropped_is_recorded_as_cancelled() {
    let ledger = scripted([]);
    let recorder = start(&ledger);
    let tracked = scope("c").run(recorder.track(request().model("asked").attempt(2), good(), describe));
    assert!(timeout(Duration::from_millis(4), tracked).await.is_err());
    let never_polled = scope("d").run(recorder.track(request(), good(), describe));
    drop(never_polled);
    recorder.close().await;

    let [call] = ledger.all::<LlmCall>().await.try_into().unwrap();
    assert_eq!((call.status, call.error_class), (CallStatus::Cancelled, None));
    assert_eq!((call.model.as_deref(), call.attempt), (Some("asked"), Some(2)));
    assert_eq!(call.duration_ms.map(Millis::get), Some(4.0));
}

#[tokio::test(start_paused = true)]
async fn a_task_that_is_aborted_leaves_a_cancelled_call() {
    let ledger = scripted([]);
    let recorder = start(&ledger);
    let task = tokio::spawn(scope("c").run(recorder.track(request(), good(), describe)));
    sleep(Duration::from_millis(3)).await;
    task.abort();
    assert!(task.await.unwrap_err().is_cancelled());
    recorder.close().await;
    assert_eq!(ledger.all::<LlmCall>().await[0].status, CallStatus::Cancelled);
}

#[tokio::test(start_paused = true)]
async fn a_call_beyond_its_limit_is_a_timeout() {
    let ledger = scripted([]);
    let recorder = start(&ledger);
    let within = |millis| recorder.track_within(Duration::from_millis(millis), request(), good(), describe);
    assert!(scope("slow").run(within(9)).await.is_err());
    assert_eq!(scope("quick").run(within(11)).await.unwrap(), Ok(Reply("four")));
    recorder.close().await;

    let [slow, quick] = ledger.all::<LlmCall>().await.try_into().unwrap();
    assert_eq!((slow.status, slow.error_class.as_deref()), (CallStatus::Timeout, Some("deadline_exceeded")));
    assert_eq!(slow.duration_ms.map(Millis::get), Some(9.0));
    assert_eq!((quick.status, quick.tokens.output), (CallStatus::Ok, 20));
}

#[tokio::test(start_paused = true)]
async fn the_limit_of_a_call_runs_from_when_it_does() {
    let ledger = scripted([]);
    let recorder = start(&ledger);
    let tracked = recorder.track_within(Duration::from_millis(11), request(), good(), describe);
    sleep(Duration::from_secs(1)).await;
    assert_eq!(scope("c").run(tracked).await.unwrap(), Ok(Reply("four")));
    recorder.close().await;
    assert_eq!(ledger.all::<LlmCall>().await[0].duration_ms.map(Millis::get), Some(10.0));
}

#[tokio::test(start_paused = true)]
async fn a_call_that_panics_is_an_error_of_that_class() {
    let ledger = scripted([]);
    let recorder = start(&ledger);
    let call = async { panic!("a client's bug") };
    let tracked = recorder.track(request(), call, |_: &(), _| unreachable!());
    assert!(tokio::spawn(scope("c").run(tracked)).await.unwrap_err().is_panic());
    recorder.close().await;
    let [call] = ledger.all::<LlmCall>().await.try_into().unwrap();
    assert_eq!((call.status, call.error_class.as_deref()), (CallStatus::Error, Some("panic")));
}

#[tokio::test(start_paused = true)]
async fn a_stream_is_finished_by_hand() {
    let ledger = scripted([]);
    let recorder = start(&ledger);
    let stream = async {
        let mut call = recorder.begin(request());
        for _ in 0..3 {
            sleep(Duration::from_millis(5)).await;
            call.first_token();
        }
        call.finish(|call| call.tokens.output = 3);
    };
    scope("c").run(stream).await;
    recorder.close().await;
    let [call] = ledger.all::<LlmCall>().await.try_into().unwrap();
    assert_eq!((call.status, call.tokens.output), (CallStatus::Ok, 3));
    assert_eq!((call.ttft_ms.map(Millis::get), call.duration_ms.map(Millis::get)), (Some(5.0), Some(15.0)));
}

#[tokio::test(start_paused = true)]
async fn a_call_that_was_measured_elsewhere_is_recorded_as_it_stands() {
    let ledger = scripted([]);
    let recorder = start(&ledger);
    let call = LlmCall { tenant_id: "t".into(), ..LlmCall::new("chat", "openai", Timestamp::now()) };
    recorder.record(call.clone());
    recorder.close().await;
    assert_eq!(ledger.all::<LlmCall>().await, [call]);
}

// What describes a call does not break it either.

#[tokio::test(start_paused = true)]
async fn status_and_class_are_made_to_agree_rather_than_losing_the_cost() {
    let ledger = scripted([]);
    let recorder = start(&ledger);
    let ended = |call: fn(&mut LlmCall)| scope("c").run(recorder.track(request(), good(), move |_, it| call(it)));
    let _ = ended(|call| call.status = CallStatus::Limit).await;
    let _ = ended(|call| call.error_class = Some("quota".into())).await;
    let _ = ended(|call| call.fail(CallStatus::Error, "model said \"no\"")).await;
    recorder.close().await;

    let calls = ledger.all::<LlmCall>().await;
    let ends: Vec<_> = calls.iter().map(|call| (call.status.as_str(), call.error_class.as_deref().unwrap())).collect();
    assert_eq!(ends, [("limit", "unclassified"), ("error", "quota"), ("error", "unclassified")]);
}

#[tokio::test(start_paused = true)]
async fn a_description_that_panics_or_cannot_be_costs_the_record_and_not_the_call() {
    let ledger = scripted([]);
    let recorder = start(&ledger);
    let tracked = recorder.track(request(), good(), |_, _| panic!("a describer's bug"));
    assert_eq!(scope("c").run(tracked).await, Ok(Reply("four")));
    let tracked = recorder.track(request(), good(), |_, call| call.tokens.input = MAX_TOKENS + 1);
    assert_eq!(scope("c").run(tracked).await, Ok(Reply("four")));
    recorder.close().await;
    assert_eq!(ledger.appends(), 0);
    assert_eq!(recorder.counts(), Counts { dropped: 2, ..Counts::default() });
}

// Scopes.

#[tokio::test(start_paused = true)]
async fn a_nested_scope_wins_and_the_outer_one_comes_back() {
    let ledger = scripted([]);
    let recorder = start(&ledger);
    let call = || async {
        let _ = recorder.track(request(), good(), describe).await;
    };
    scope("outer")
        .run(async {
            call().await;
            scope("inner").run(call()).await;
            call().await;
        })
        .await;
    assert_eq!(Scope::current(), None);
    recorder.close().await;
    assert_eq!(call_ids(&ledger.all().await), ["outer", "inner", "outer"]);
}

#[tokio::test]
async fn a_scope_is_taken_into_spawned_tasks_and_threads() {
    let ledger = scripted([]);
    let recorder = start(&ledger);
    let call = |recorder: UsageRecorder| async move {
        let _ = recorder.track(request(), std::future::ready(Ok(Reply("four"))), describe).await;
    };
    let (one, two, three, four) = (recorder.clone(), recorder.clone(), recorder.clone(), recorder.clone());
    scope("c")
        .run(async move {
            assert_eq!(tokio::spawn(async { Scope::current() }).await.unwrap(), None);
            tokio::spawn(Scope::inherited(call(one))).await.unwrap();
            let mine = Scope::current().unwrap();
            tokio::spawn(mine.clone().run(call(two))).await.unwrap();
            tokio::task::spawn_blocking(move || mine.run_blocking(|| three.begin(request()).finish(|_| ())))
                .await
                .unwrap();
            // A call belongs to where it is made, even if it runs elsewhere.
            tokio::spawn(four.track(request(), std::future::ready(Ok(Reply("four"))), describe))
                .await
                .unwrap()
                .unwrap();
        })
        .await;
    recorder.close().await;
    assert_eq!(call_ids(&ledger.all().await), ["c"; 4]);
    assert_eq!(recorder.counts().without_scope, 0);
}

#[tokio::test(start_paused = true)]
async fn a_scope_names_session_turn_run_and_actor() {
    let ledger = scripted([]);
    let recorder = start(&ledger);
    let scope = scope("c").with_session(session("s")).with_turn("t").in_run(run("other")).by(actor("planner"));
    scope.run(recorder.track(request(), good(), describe)).await.unwrap();
    recorder.close().await;
    let [call] = ledger.all::<LlmCall>().await.try_into().unwrap();
    assert_eq!((call.session_id.as_deref(), call.turn_id.as_deref()), (Some("s"), Some("t")));
    let event = &ledger.log().await[0].event;
    assert_eq!((event.run_id.as_str(), event.actor.as_str()), ("other", "planner"));
    assert_eq!(event.session_id, Some(session("s")));
}
