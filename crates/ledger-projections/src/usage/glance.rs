//! What a prompt shows: today, the active block, one session.

use ledger_core::Timestamp;
use serde::Serialize;

use super::answer::Basis;
use super::block::{Block, BlockLength};
use super::blocks::active;
use super::query::UsageQuery;
use super::spent::{Spent, spent};
use super::{Usage, UsageFilter, UsageReader, source};
use crate::{Buckets, Result, Width, Window, Zone};

/// What a prompt shows.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Glance {
    /// The calls of today.
    pub today: Spent,
    /// The block of five hours that has begun and not ended.
    pub block: Option<Block>,
    /// The calls of the session that was named.
    pub session: Option<Spent>,
}

impl UsageReader {
    /// What a prompt shows: little, from sums and a few rows, so that it is quick however much there is.
    ///
    /// # Errors
    /// As [`stats`](Self::stats).
    pub async fn glance(&self, zone: Zone, now: Timestamp, session: Option<&str>) -> Result<Glance> {
        self.database
            .answer(&Usage::new(), |snapshot| async move {
                let (since, until) = Buckets { zone, width: Width::Day }.around(now)?;
                let today = UsageFilter::within(Window::new(Some(since), Some(until))?).into();
                let mut basis = Basis::new(&snapshot, &today);
                let spent = spent(&snapshot, &today, &mut basis).await?;
                let all = UsageQuery::default();
                let block = active(&snapshot, &all, BlockLength::FIVE_HOURS, now, &mut basis).await?;
                let mut of_session = None;
                if let Some(session) = session {
                    let filter = UsageFilter { sessions: vec![session.to_owned()], ..UsageFilter::default() };
                    let found = source::of_rows(&snapshot, &filter.into(), Window::ALL, &[]).await?;
                    of_session = Some(found.values().next().map(Spent::new).unwrap_or_default());
                }
                Ok(Glance { today: spent, block, session: of_session })
            })
            .await
    }
}
