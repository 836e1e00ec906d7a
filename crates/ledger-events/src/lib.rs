//! Kinds and payloads that recorders, importers and projections share.
//!
//! Each payload is a type with a public field per fact, and knows its kind ([`EventPayload::KIND`]). [`event`] makes an
//! [`Event`](ledger_core::Event) of one, [`read`] gets it back.
//!
//! What holds for all of them: a missing optional field means "not known", which is not zero, and is not written;
//! fields that this version does not know are ignored when reading; a status that it does not know is kept as
//! `Other`. Fields are added, never renamed or re-used.
//!
//! Several events may observe one fact; which of them counts is one rule for all kinds: [`observations`].
//!
//! Nothing here carries prompts, answers, tool arguments or tool output, except [`LlmMessage`], which nobody writes
//! unless asked to.
//!
//! With the feature `recorder`, `recorder` writes them from inside a running program, without ever being in its way.

mod budget;
mod call;
mod code;
mod cost;
mod event_payload;
mod limits;
mod message;
mod millis;
pub mod observations;
mod open_enum;
#[cfg(feature = "recorder")]
pub mod recorder;
mod run;
mod session;
mod strategy;
mod tokens;
mod tool;
mod turn;

pub use budget::{BudgetPeriod, BudgetRemoved, BudgetSet};
pub use call::{CallStatus, LlmCall};
pub use code::is_code;
pub use cost::{Cost, CostSource};
pub use event_payload::{EventPayload, event, read};
pub use limits::LimitsObserved;
pub use message::{LlmMessage, Role};
pub use millis::Millis;
pub use observations::{Latest, Observation};
pub use run::{RunFinished, RunStarted};
pub use session::SessionStarted;
pub use strategy::{StrategyExecution, StrategyStatus};
pub use tokens::{MAX_TOKENS, Tokens};
pub use tool::{ToolCompleted, ToolStarted, ToolStatus};
pub use turn::{TurnCompleted, TurnStarted, TurnStatus};
