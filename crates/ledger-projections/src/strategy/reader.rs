//! Questions about the strategy log.

use ledger_core::{Offset, Timestamp};
use serde::Serialize;

use super::compare::Comparison;
use super::filter::StrategyFilter;
use super::list::{Cursor, Executions, ListLimit, list};
use super::log::StrategyLog;
use super::series::{SeriesBucket, series};
use super::stats::{StrategyStats, stats, tally};
use super::top::{CaseCount, ErrorCount, Top};
use super::versions::{VersionStats, versions};
use crate::store::Snapshot;
use crate::{Buckets, Database, Percentile, Result};

/// An answer, and what it was made from.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AsOf<T> {
    /// The last event of the ledger that it knows of.
    pub offset: Offset,
    /// Executions of before this time are removed, so that it says nothing of them; `None` when none were.
    pub kept_from: Option<Timestamp>,
    /// The answer.
    pub answer: T,
}

/// Answers questions about the [`StrategyLog`] of a database, each from one snapshot, so that its parts agree.
#[derive(Clone, Debug)]
pub struct StrategyReader {
    database: Database,
    percentile: Percentile,
}

impl StrategyReader {
    /// Asks this database.
    #[must_use]
    pub const fn new(database: Database) -> Self {
        Self { database, percentile: Percentile::Cont }
    }

    /// Finds percentiles between two values in this way. They are always of all executions that are asked about.
    #[must_use]
    pub fn with_percentile(self, percentile: Percentile) -> Self {
        Self { percentile, ..self }
    }

    /// Executions, newest first; after those of another page, if its cursor is given.
    ///
    /// # Errors
    /// [`Error::Invalid`](crate::Error::Invalid) for a cursor that no page ended with;
    /// [`Error::NotThere`](crate::Error::NotThere) when there is no log yet; those of the database.
    pub async fn list(
        &self,
        filter: &StrategyFilter,
        limit: ListLimit,
        cursor: Option<&str>,
    ) -> Result<AsOf<Executions>> {
        let after = cursor.map(Cursor::parse).transpose()?;
        let after = after.as_ref();
        self.ask(|snapshot| async move { list(&snapshot, filter, limit, after).await }).await
    }

    /// All statistics, with so many of the most frequent errors and cases.
    ///
    /// # Errors
    /// [`Error::NotThere`](crate::Error::NotThere) when there is no log yet; those of the database.
    pub async fn stats(&self, filter: &StrategyFilter, top: Top) -> Result<AsOf<StrategyStats>> {
        let percentile = self.percentile;
        self.ask(|snapshot| async move { stats(&snapshot, filter, top, percentile).await }).await
    }

    /// The statistics of two groups of executions, such as those of two strategies or of two windows, and what `b` has
    /// more than `a`.
    ///
    /// # Errors
    /// As [`stats`](Self::stats).
    pub async fn compare(&self, a: &StrategyFilter, b: &StrategyFilter, top: Top) -> Result<AsOf<Comparison>> {
        let percentile = self.percentile;
        self.ask(|snapshot| async move {
            let a = stats(&snapshot, a, top, percentile).await?;
            Ok(Comparison::of(a, stats(&snapshot, b, top, percentile).await?))
        })
        .await
    }

    /// How it went over time: all buckets of the filter's window, which must have both bounds, empty ones too.
    ///
    /// # Errors
    /// [`Error::Invalid`](crate::Error::Invalid) without a bound or with too many buckets; as [`stats`](Self::stats).
    pub async fn series(&self, filter: &StrategyFilter, buckets: Buckets) -> Result<AsOf<Vec<SeriesBucket>>> {
        let percentile = self.percentile;
        self.ask(|snapshot| async move { series(&snapshot, filter, buckets, percentile).await }).await
    }

    /// What each version of each strategy did, by strategy and version.
    ///
    /// # Errors
    /// As [`stats`](Self::stats).
    pub async fn versions(&self, filter: &StrategyFilter) -> Result<AsOf<Vec<VersionStats>>> {
        let percentile = self.percentile;
        self.ask(|snapshot| async move { versions(&snapshot, filter, percentile).await }).await
    }

    /// The most frequent error codes.
    ///
    /// # Errors
    /// As [`stats`](Self::stats).
    pub async fn errors(&self, filter: &StrategyFilter, top: Top) -> Result<AsOf<Vec<ErrorCount>>> {
        self.ask(|snapshot| async move { Ok(tally(&snapshot, filter, "error_code").await?.errors(top)) }).await
    }

    /// The most frequent rules, with none as a value of its own.
    ///
    /// # Errors
    /// As [`stats`](Self::stats).
    pub async fn cases(&self, filter: &StrategyFilter, top: Top) -> Result<AsOf<Vec<CaseCount>>> {
        self.ask(|snapshot| async move { Ok(tally(&snapshot, filter, "case_name").await?.cases(top)) }).await
    }

    async fn ask<T, A: Future<Output = Result<T>>>(&self, question: impl Fn(Snapshot) -> A) -> Result<AsOf<T>> {
        let question = &question;
        self.database
            .answer(&StrategyLog::default(), |snapshot| async move {
                let (offset, kept_from) = (snapshot.offset(), snapshot.kept_from());
                let kept_from = Some(kept_from).filter(|time| *time > Timestamp::MIN);
                Ok(AsOf { offset, kept_from, answer: question(snapshot).await? })
            })
            .await
    }
}
