//! Figures over a window, from rows as far as there are any, and from what is kept of removed rows.

use super::answer::Basis;
use super::dimension::Part;
use super::query::{Per, UsageQuery};
use super::source::{self, Groups};
use super::{Metrics, percentiles};
use crate::calendar::{DAY, QUARTER};
use crate::store::Snapshot;
use crate::{Result, Window};

/// Figures by the values of some columns; `basis` gets what is to be said about them.
pub(super) async fn figures(
    snapshot: &Snapshot,
    query: &UsageQuery,
    window: Window,
    parts: &[Part],
    basis: &mut Basis,
) -> Result<Groups> {
    let (mut groups, shape) = sums(snapshot, query, window, parts, basis).await?;
    let (kept, _) = snapshot.split(window);
    match shape {
        Shape::Exact => {
            if let Some(kept) = kept {
                percentiles::exact(snapshot, query, kept, parts, &mut groups).await?;
            }
        }
        Shape::Sketched(removed) => {
            percentiles::sketched(snapshot, query, removed, kept, parts, &mut groups).await?;
        }
        Shape::NotKept => groups.values_mut().for_each(forget_shape),
    }
    Ok(groups)
}

/// The figures of all; `None` where there are no calls.
pub(super) async fn of_all(
    snapshot: &Snapshot,
    query: &UsageQuery,
    window: Window,
    basis: &mut Basis,
) -> Result<Option<Metrics>> {
    Ok(figures(snapshot, query, window, &[], basis).await?.remove(&Vec::new()))
}

/// How percentiles of a window are to be found.
pub(super) enum Shape {
    Exact,
    /// Of the rows that are there and of this removed part together.
    Sketched(Window),
    NotKept,
}

/// Counts and sums by the values of some columns, without percentiles, and how those are to be found.
pub(super) async fn sums(
    snapshot: &Snapshot,
    query: &UsageQuery,
    window: Window,
    parts: &[Part],
    basis: &mut Basis,
) -> Result<(Groups, Shape)> {
    let (kept, removed) = snapshot.split(window);
    let mut groups = match kept {
        Some(kept) => source::of_rows(snapshot, query, kept, parts).await?,
        None => Groups::new(),
    };
    let Some(removed) = removed else { return Ok((groups, Shape::Exact)) };
    let sums = of_removed(snapshot, query, removed, parts, basis).await?;
    if sums.is_empty() {
        return Ok((groups, Shape::Exact));
    }
    source::add(&mut groups, sums);
    if removed.is_of_whole(DAY) {
        basis.sketched();
        return Ok((groups, Shape::Sketched(removed)));
    }
    basis.note(
        "the window has a part of a day whose rows are removed; percentiles and extremes of parts of days are not kept",
    );
    Ok((groups, Shape::NotKept))
}

/// What is kept of removed rows; nothing where that cannot answer the query, which is noted.
pub(super) async fn of_removed(
    snapshot: &Snapshot,
    query: &UsageQuery,
    removed: Window,
    parts: &[Part],
    basis: &mut Basis,
) -> Result<Groups> {
    if !is_of_sums(query, parts) {
        let all = UsageQuery { per: Per::Call, ..UsageQuery::from(super::UsageFilter::within(removed)) };
        if !source::of_sums(snapshot, &all, removed, &[]).await?.is_empty() {
            basis.note(
                "removed rows are not in this answer: of them, sums by tenant, operation, provider, model, workspace and status are kept, of calls only",
            );
        }
        return Ok(Groups::new());
    }
    if !removed.is_of_whole(QUARTER) {
        basis.note("of removed rows, a quarter of an hour counts where it begins");
    }
    source::of_sums(snapshot, query, removed, parts).await
}

/// Whether sums of quarters of an hour are enough to answer it.
pub(super) fn is_of_sums(query: &UsageQuery, parts: &[Part]) -> bool {
    query.per == Per::Call && query.filter.is_of_sums() && parts.iter().all(|part| part.of_sums.is_some())
}

/// Drops extremes and percentiles.
pub(super) fn forget_shape(metrics: &mut Metrics) {
    for (_, distribution) in metrics.distributions() {
        (distribution.min, distribution.max, distribution.percentiles) = (None, None, [None; 4]);
    }
}

impl Window {
    /// Whether its bounds are multiples of a unit.
    pub(super) fn is_of_whole(self, micros: i64) -> bool {
        [self.since(), self.until()].into_iter().flatten().all(|bound| bound.as_micros().rem_euclid(micros) == 0)
    }
}
