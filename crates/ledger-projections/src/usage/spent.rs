//! What calls came to, and nothing else.

use ledger_core::Timestamp;
use serde::Serialize;

use super::answer::Basis;
use super::block::{Block, BlockLength};
use super::blocks::active;
use super::query::UsageQuery;
use super::series::by_quarters;
use super::{Metrics, TokenSums, Usage, UsageFilter, UsageReader};
use crate::store::Snapshot;
use crate::{PicoUsd, Result};

/// What some calls came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Spent {
    /// How many calls.
    pub calls: i64,
    /// What they cost.
    pub cost_usd: PicoUsd,
    /// Their tokens.
    pub tokens: TokenSums,
    /// Calls of which nobody knows what they cost; they are not in the cost.
    pub unpriced_calls: i64,
    /// Input and output tokens of those.
    pub unpriced_tokens: i64,
}

impl Spent {
    pub(super) const fn new(metrics: &Metrics) -> Self {
        let Metrics { calls, cost, tokens, unpriced_calls, unpriced_tokens, .. } = metrics;
        Self {
            calls: *calls,
            cost_usd: *cost,
            tokens: *tokens,
            unpriced_calls: *unpriced_calls,
            unpriced_tokens: *unpriced_tokens,
        }
    }
}

impl UsageReader {
    /// What the calls came to that a filter selects.
    ///
    /// # Errors
    /// As [`stats`](Self::stats).
    pub async fn spent(&self, filter: &UsageFilter) -> Result<Spent> {
        let query = &UsageQuery::from(filter.clone());
        self.database
            .answer(&Usage::new(), |snapshot| async move {
                spent(&snapshot, query, &mut Basis::new(&snapshot, query)).await
            })
            .await
    }

    /// The block that `now` is in, of the calls that a filter selects whatever its window is; `None` where there is none.
    ///
    /// # Errors
    /// As [`stats`](Self::stats).
    pub async fn active_block(
        &self,
        filter: &UsageFilter,
        length: BlockLength,
        now: Timestamp,
    ) -> Result<Option<Block>> {
        let query = &UsageQuery::from(filter.clone());
        self.database
            .answer(&Usage::new(), |snapshot| async move {
                active(&snapshot, query, length, now, &mut Basis::new(&snapshot, query)).await
            })
            .await
    }
}

pub(super) async fn spent(snapshot: &Snapshot, query: &UsageQuery, basis: &mut Basis) -> Result<Spent> {
    let found = by_quarters(snapshot, query, query.filter.window, &[], basis).await?;
    Ok(found.values().next().map(Spent::new).unwrap_or_default())
}
