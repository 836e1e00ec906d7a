//! The strategy log: each execution of a strategy, as a row, and what statistics say of them.
//!
//! [`StrategyLog`] is the projection, [`StrategyReader`] answers questions about it, each from one snapshot. Rows are a
//! sample: an execution that was kept by chance stands for `sample_weight` executions. So every count is there twice,
//! in `rows` and in the `executions` that they stand for, and rates, means and percentiles are those of executions.

mod compare;
mod durations;
mod erasure;
mod filter;
mod list;
mod log;
mod outcomes;
mod percentiles;
mod points;
mod reader;
mod series;
mod stats;
mod top;
mod versions;
mod weighed;

pub use compare::{Comparison, Delta};
pub use durations::{DurationBucket, DurationStats};
pub use filter::StrategyFilter;
pub use list::{Executions, ListLimit, StrategyRow};
pub use log::StrategyLog;
pub use outcomes::Outcomes;
pub use points::{PointsBucket, PointsStats};
pub use reader::{AsOf, StrategyReader};
pub use series::SeriesBucket;
pub use stats::{NodesStats, StrategyStats};
pub use top::{CaseCount, ErrorCount, Top};
pub use versions::VersionStats;
pub use weighed::Count;
