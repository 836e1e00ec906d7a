//! What can be asked, each with what it is asked about.

use async_trait::async_trait;
use ledger_core::Timestamp;

use super::compare::Comparison;
use super::filter::StrategyFilter;
use super::list::{Cursor, Executions, ListLimit, list};
use super::reader::AsOf;
use super::series::{SeriesBucket, series};
use super::stats::{StrategyStats, stats, tally};
use super::top::{Tally, Top};
use super::versions::{VersionStats, versions};
use crate::store::{Question, Snapshot};
use crate::{Buckets, Percentile, Result};

/// A question, whose answer says what it was made from.
pub(super) struct About<Q>(pub(super) Q);

#[async_trait]
impl<Q: Question> Question for About<Q> {
    type Answer = AsOf<Q::Answer>;

    async fn ask(&self, snapshot: &mut Snapshot) -> Result<Self::Answer> {
        let (offset, kept_from) = (snapshot.offset(), snapshot.kept_from());
        let kept_from = Some(kept_from).filter(|time| *time > Timestamp::MIN);
        Ok(AsOf { offset, kept_from, answer: self.0.ask(snapshot).await? })
    }
}

pub(super) struct List<'q> {
    pub(super) filter: &'q StrategyFilter,
    pub(super) limit: ListLimit,
    pub(super) after: Option<Cursor>,
}

#[async_trait]
impl Question for List<'_> {
    type Answer = Executions;

    async fn ask(&self, snapshot: &mut Snapshot) -> Result<Executions> {
        list(snapshot, self.filter, self.limit, self.after.as_ref()).await
    }
}

pub(super) struct Stats<'q> {
    pub(super) filter: &'q StrategyFilter,
    pub(super) top: Top,
    pub(super) percentile: Percentile,
}

#[async_trait]
impl Question for Stats<'_> {
    type Answer = StrategyStats;

    async fn ask(&self, snapshot: &mut Snapshot) -> Result<StrategyStats> {
        stats(snapshot, self.filter, self.top, self.percentile).await
    }
}

pub(super) struct Compare<'q> {
    pub(super) a: Stats<'q>,
    pub(super) b: Stats<'q>,
}

#[async_trait]
impl Question for Compare<'_> {
    type Answer = Comparison;

    async fn ask(&self, snapshot: &mut Snapshot) -> Result<Comparison> {
        let a = self.a.ask(snapshot).await?;
        Ok(Comparison::of(a, self.b.ask(snapshot).await?))
    }
}

pub(super) struct Series<'q> {
    pub(super) filter: &'q StrategyFilter,
    pub(super) buckets: Buckets,
    pub(super) percentile: Percentile,
}

#[async_trait]
impl Question for Series<'_> {
    type Answer = Vec<SeriesBucket>;

    async fn ask(&self, snapshot: &mut Snapshot) -> Result<Vec<SeriesBucket>> {
        series(snapshot, self.filter, self.buckets, self.percentile).await
    }
}

pub(super) struct Versions<'q> {
    pub(super) filter: &'q StrategyFilter,
    pub(super) percentile: Percentile,
}

#[async_trait]
impl Question for Versions<'_> {
    type Answer = Vec<VersionStats>;

    async fn ask(&self, snapshot: &mut Snapshot) -> Result<Vec<VersionStats>> {
        versions(snapshot, self.filter, self.percentile).await
    }
}

/// How often there is each value of a column.
pub(super) struct Values<'q> {
    pub(super) filter: &'q StrategyFilter,
    pub(super) column: &'static str,
}

#[async_trait]
impl Question for Values<'_> {
    type Answer = Tally;

    async fn ask(&self, snapshot: &mut Snapshot) -> Result<Tally> {
        tally(snapshot, self.filter, self.column).await
    }
}
