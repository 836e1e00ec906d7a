//! Questions about the strategy log.

use ledger_core::{Offset, Timestamp};
use serde::Serialize;

use super::compare::Comparison;
use super::filter::StrategyFilter;
use super::list::{Cursor, Executions, ListLimit};
use super::log::StrategyLog;
use super::questions::{About, Compare, List, Series, Stats, Values, Versions};
use super::series::SeriesBucket;
use super::stats::StrategyStats;
use super::top::{CaseCount, ErrorCount, Top};
use super::versions::VersionStats;
use crate::store::Question;
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

impl<T> AsOf<T> {
    fn map<U>(self, change: impl FnOnce(T) -> U) -> AsOf<U> {
        AsOf { offset: self.offset, kept_from: self.kept_from, answer: change(self.answer) }
    }
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
        self.ask(List { filter, limit, after }).await
    }

    /// All statistics, with so many of the most frequent errors and cases.
    ///
    /// # Errors
    /// [`Error::NotThere`](crate::Error::NotThere) when there is no log yet; those of the database.
    pub async fn stats(&self, filter: &StrategyFilter, top: Top) -> Result<AsOf<StrategyStats>> {
        self.ask(self.stats_of(filter, top)).await
    }

    /// The statistics of two groups of executions, such as those of two strategies or of two windows, and what `b` has
    /// more than `a`.
    ///
    /// # Errors
    /// As [`stats`](Self::stats).
    pub async fn compare(&self, a: &StrategyFilter, b: &StrategyFilter, top: Top) -> Result<AsOf<Comparison>> {
        self.ask(Compare { a: self.stats_of(a, top), b: self.stats_of(b, top) }).await
    }

    /// How it went over time: all buckets of the filter's window, which must have both bounds, empty ones too.
    ///
    /// # Errors
    /// [`Error::Invalid`](crate::Error::Invalid) without a bound or with too many buckets; as [`stats`](Self::stats).
    pub async fn series(&self, filter: &StrategyFilter, buckets: Buckets) -> Result<AsOf<Vec<SeriesBucket>>> {
        self.ask(Series { filter, buckets, percentile: self.percentile }).await
    }

    /// What each version of each strategy did, by strategy and version.
    ///
    /// # Errors
    /// As [`stats`](Self::stats).
    pub async fn versions(&self, filter: &StrategyFilter) -> Result<AsOf<Vec<VersionStats>>> {
        self.ask(Versions { filter, percentile: self.percentile }).await
    }

    /// The most frequent error codes.
    ///
    /// # Errors
    /// As [`stats`](Self::stats).
    pub async fn errors(&self, filter: &StrategyFilter, top: Top) -> Result<AsOf<Vec<ErrorCount>>> {
        Ok(self.ask(Values { filter, column: "error_code" }).await?.map(|values| values.errors(top)))
    }

    /// The most frequent rules, with none as a value of its own.
    ///
    /// # Errors
    /// As [`stats`](Self::stats).
    pub async fn cases(&self, filter: &StrategyFilter, top: Top) -> Result<AsOf<Vec<CaseCount>>> {
        Ok(self.ask(Values { filter, column: "case_name" }).await?.map(|values| values.cases(top)))
    }

    const fn stats_of<'q>(&self, filter: &'q StrategyFilter, top: Top) -> Stats<'q> {
        Stats { filter, top, percentile: self.percentile }
    }

    async fn ask<Q: Question>(&self, question: Q) -> Result<AsOf<Q::Answer>> {
        self.database.ask(&StrategyLog::default(), &About(question)).await
    }
}
