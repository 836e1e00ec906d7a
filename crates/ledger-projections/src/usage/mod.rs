//! Who spent how much, on what, how slow, how often failing.

mod amount;
mod answer;
mod block;
mod blocks;
mod call;
mod digits;
mod dimension;
mod document;
mod errors;
mod export;
mod figures;
mod filter;
mod fold;
mod glance;
mod lists;
mod metrics;
mod page;
mod percentiles;
mod pricing;
mod query;
mod reader;
mod report;
mod retention;
mod series;
mod session;
mod source;
mod span;
mod spans;
mod spent;
mod sums;
mod tables;
mod tools;
mod workspace;

use std::sync::Arc;

use async_trait::async_trait;
use ledger_core::{RecordedEvent, Timestamp};
use ledger_prices::PriceBook;

pub use answer::{Basis, Method, Unpriced, UnpricedModel, UsageAnswer, UsageRow};
pub use block::{Block, BlockLength, BurnRate, LimitStatus, Projected, TokenLimit};
pub use blocks::{Blocks, BlocksQuery, Shown};
pub use digits::SKETCH_ERROR;
pub use dimension::Dimension;
pub use document::SCHEMA;
pub use errors::{Counts, ErrorRow, ErrorsAnswer};
pub use export::{EXPORT_SCHEMA, ExportColumn, ExportTable, ExportType, ExportValue, ExportedRow};
#[cfg(feature = "arrow")]
pub use export::{ROW_GROUP_BYTES, ROW_GROUP_ROWS, TableFile, TableWriter};
pub use filter::UsageFilter;
pub use glance::Glance;
pub use lists::{Cursor, Page, SessionRow, TurnRow};
pub use metrics::{Metrics, TokenSums};
pub use query::{Counting, Limit, Per, Sort, UsageQuery};
pub use reader::UsageReader;
pub use report::{ReportBy, ReportQuery};
pub use series::{Series, SeriesRow};
pub use spent::Spent;
pub use tools::{ToolRow, ToolSort, ToolsAnswer, ToolsQuery};
pub use workspace::{HashKey, WorkspaceLabels};

use crate::store::{Table, Tables};
use crate::{Projection, Result};
use pricing::Pricing;

/// Calls, tools, turns and sessions, one row each, and sums over quarters of an hour.
///
/// Several events may tell of one fact, in any order; which of them counts is the rule of
/// [`ledger_events::observations`]. Content has no column here: names, codes, times and amounts do.
#[derive(Clone, Debug, Default)]
pub struct Usage {
    labels: WorkspaceLabels,
    prices: Pricing,
}

impl Usage {
    /// Keeps workspaces by their whole path.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Says how workspaces appear; tables that were made otherwise are made anew.
    #[must_use]
    pub fn with_workspaces(labels: WorkspaceLabels) -> Self {
        Self { labels, ..Self::default() }
    }

    /// Prices the calls of which no event says what they cost, at the time at which they started; tables that were made
    /// with other prices, or without, are made anew. What the prices do not know stays without a cost.
    #[must_use]
    pub fn with_prices(self, prices: Arc<PriceBook>) -> Self {
        Self { prices: Pricing::by(prices), ..self }
    }

    /// Goes on with tables that were made with prices of another version, as [`prices_of`](Self::prices_of) gives it, and
    /// does not make them anew: only calls that are folded in from now on get the prices at hand, and name their version.
    #[must_use]
    pub fn going_on_with_prices_of(self, version: &str) -> Self {
        Self { prices: self.prices.going_on_with(version), ..self }
    }

    /// How workspaces appear in tables, from their settings.
    #[must_use]
    pub fn workspaces_of(settings: &str) -> &str {
        pricing::without_version(settings)
    }

    /// The version of the prices that tables were made with, from their settings; `None` when they were made without.
    #[must_use]
    pub fn prices_of(settings: &str) -> Option<&str> {
        pricing::version_in(settings)
    }
}

#[async_trait]
impl Projection for Usage {
    fn name(&self) -> &'static str {
        "usage"
    }

    fn version(&self) -> u32 {
        2
    }

    fn settings(&self) -> String {
        self.labels.fingerprint() + &self.prices.settings()
    }

    fn tables(&self) -> &'static [Table] {
        &tables::ALL
    }

    async fn apply(&self, tables: &mut Tables<'_>, events: &[Arc<RecordedEvent>]) -> Result<()> {
        let page = page::Page::new(events, &self.labels, &self.prices, tables.kept_from());
        fold::fold(tables, page).await
    }

    async fn remove_before(&self, tables: &mut Tables<'_>, before: Timestamp) -> Result<u64> {
        retention::remove_before(tables, before).await
    }
}
