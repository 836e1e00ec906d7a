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

pub use answer::{Basis, Method, Unpriced, UnpricedModel, UsageAnswer, UsageRow};
pub use block::{Block, BlockLength, BurnRate, LimitStatus, Projected, TokenLimit};
pub use blocks::{Blocks, BlocksQuery, Shown};
pub use digits::SKETCH_ERROR;
pub use dimension::Dimension;
pub use document::SCHEMA;
pub use errors::{Counts, ErrorRow, ErrorsAnswer};
pub use export::EXPORT_SCHEMA;
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

/// Calls, tools, turns and sessions, one row each, and sums over quarters of an hour.
///
/// Several events may tell of one fact, in any order; which of them counts is the rule of
/// [`ledger_events::observations`]. Content has no column here: names, codes, times and amounts do.
#[derive(Clone, Debug, Default)]
pub struct Usage {
    labels: WorkspaceLabels,
}

impl Usage {
    /// Keeps workspaces by their whole path.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Says how workspaces appear; tables that were made otherwise are made anew.
    #[must_use]
    pub const fn with_workspaces(labels: WorkspaceLabels) -> Self {
        Self { labels }
    }
}

#[async_trait]
impl Projection for Usage {
    fn name(&self) -> &'static str {
        "usage"
    }

    fn version(&self) -> u32 {
        1
    }

    fn settings(&self) -> String {
        self.labels.fingerprint()
    }

    fn tables(&self) -> &'static [Table] {
        &tables::ALL
    }

    async fn apply(&self, tables: &mut Tables<'_>, events: &[Arc<RecordedEvent>]) -> Result<()> {
        let page = page::Page::new(events, &self.labels, tables.kept_from());
        fold::fold(tables, page).await
    }

    async fn remove_before(&self, tables: &mut Tables<'_>, before: Timestamp) -> Result<u64> {
        retention::remove_before(tables, before).await
    }
}
