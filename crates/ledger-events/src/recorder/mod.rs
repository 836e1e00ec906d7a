//! The write side inside a runtime: records calls and executions, and never breaks or delays them.
//!
//! Recording puts an event into a bounded queue and returns; one background task per recorder appends what waits there.
//! Where the ledger is slow, full, away or gone, records are lost, counted ([`Counts`]) and reported to the log, without
//! what they say; the caller notices nothing.
//!
//! | What happens | What becomes of the record |
//! |---|---|
//! | the queue is full | dropped |
//! | the ledger is not available, or did not say what became of the append | up to [`ATTEMPTS`] attempts with the same event ids, so that there is one copy; then dropped |
//! | any other error of the ledger | dropped at once |
//! | the record is not valid (more tokens than a bucket holds, a negative cost) | dropped |
//! | `flush` returns | everything that was recorded before is in the ledger, or dropped |
//! | the recorder was closed | what was recorded before is kept, what comes later is dropped |
//! | all handles are dropped without `close` | the background task goes on until the queue is empty; nobody waits for it |
//! | the tokio runtime ends before the queue is empty | the rest is dropped |
//!
//! ```
//! # use std::sync::Arc;
//! # use ledger_core::{Actor, Ledger, LedgerExt, RunId};
//! # use ledger_memory::MemoryLedger;
//! use ledger_events::recorder::{Request, Scope, UsageOptions, UsageRecorder};
//! use ledger_events::{CallStatus, Cost, CostSource, LlmCall, Tokens};
//!
//! # struct Answer { text: String, input: u64, output: u64 }
//! # enum ClientError { Overloaded(String) }
//! # async fn complete(_prompt: &str) -> Result<Answer, ClientError> {
//! #     Ok(Answer { text: "four".into(), input: 10, output: 20 })
//! # }
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let ledger: Arc<dyn Ledger> = Arc::new(MemoryLedger::new());
//! // How an outcome becomes numbers: said once, used for every call.
//! fn describe(outcome: &Result<Answer, ClientError>, call: &mut LlmCall) {
//!     match outcome {
//!         Ok(answer) => {
//!             call.tokens = Tokens { input: answer.input, output: answer.output, ..Tokens::default() };
//!             call.cost = Some(Cost { pico_usd: 100_000_000, source: CostSource::Provider, price_version: None });
//!         }
//!         Err(ClientError::Overloaded(_message)) => call.fail(CallStatus::Limit, "overloaded"),
//!     }
//! }
//!
//! let recorder = UsageRecorder::start(ledger, UsageOptions::new(RunId::new("run-1")?, Actor::new("api")?))?;
//! let answer = Scope::new("tenant-1", "summarize", "invocation-1")
//!     .run(async {
//!         let request = Request::to("anthropic").model("claude-opus-4");
//!         recorder.track(request, complete("2 + 2?"), describe).await
//!     })
//!     .await;
//! # assert!(answer.is_ok_and(|answer| answer.text == "four"));
//! recorder.close().await;
//! assert_eq!(recorder.counts().recorded, 1);
//! # Ok(())
//! # }
//! ```

mod class;
mod counts;
mod in_flight;
mod occasionally;
mod origin;
mod queue;
mod sample;
mod scope;
mod strategy;
mod usage;
mod writer;

pub use counts::Counts;
pub use in_flight::{InFlight, Request};
pub use queue::DEFAULT_QUEUE_LENGTH;
pub use sample::SampleRate;
pub use scope::Scope;
pub use strategy::{DEFAULT_TRACE_LIMIT, StrategyOptions, StrategyRecorder};
pub use usage::{UsageOptions, UsageRecorder};
pub use writer::{ATTEMPTS, FIRST_PAUSE, LONGEST_PAUSE};
