//! Projections: the log folded into tables of their own, in a database of their own, exactly once.
//!
//! A [`Projection`] says which tables it has and how a page of events changes them. A [`Projector`] reads a ledger and
//! writes state and checkpoint in one transaction, so that whatever crashes, the tables are the fold of the events up to
//! the checkpoint. `rebuild`, and a new version of a projection, fill new tables beside those that are read, and take over
//! when they have caught up. The same code runs on SQLite, Postgres, and MySQL or MariaDB; only `store` knows in what they differ.

mod calendar;
mod distribution;
mod error;
mod messages;
mod money;
mod name;
mod projection;
mod projector;
pub mod store;
pub mod strategy;
pub mod usage;
mod window;

pub use chrono::Weekday;
/// What calls cost of which no event says it: a `PriceBook` for [`usage::Usage::with_prices`].
pub use ledger_prices as prices;

pub use calendar::{Bucket, Buckets, MAX_BUCKETS, Width, Zone};
pub use distribution::{Distribution, Percentile};
pub use error::{Error, Result};
pub use messages::Messages;
pub use money::PicoUsd;
pub use projection::Projection;
pub use projector::{Lag, Progress, Projector, Standing};
pub use store::{Database, Kept};
pub use strategy::{StrategyFilter, StrategyLog, StrategyReader};
pub use window::{Window, moment};
