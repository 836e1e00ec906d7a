//! Percentiles: exact from rows, and from three leading digits where rows are removed.

use std::collections::BTreeMap;

use super::digits;
use super::dimension::Part;
use super::query::UsageQuery;
use super::source::{Groups, VALUES, key, names, names_of, rows};
use super::tables::BINS;
use crate::distribution::PERCENTS;
use crate::store::{Snapshot, Sql};
use crate::{Distribution, Percentile, Result, Window};

/// Finds the exact percentiles of the rows in a window.
pub(super) async fn exact(
    snapshot: &Snapshot,
    query: &UsageQuery,
    window: Window,
    parts: &[Part],
    groups: &mut Groups,
) -> Result<()> {
    for (index, value) in VALUES.into_iter().enumerate() {
        let counts: Vec<i64> = groups.values_mut().map(|metrics| metrics.distributions()[index].1.n).collect();
        let found = ranked(snapshot, query.percentile, parts.len(), &counts, |sql| {
            sql.push("SELECT ").push(names(parts)).push(format!("{value} AS v FROM ("));
            rows(sql, query, window, parts);
            sql.push(format!(") AS source WHERE ok = 1 AND {value} IS NOT NULL"));
        });
        for (key, values) in found.await? {
            let Some(metrics) = groups.get_mut(&key) else { continue };
            let distribution = &mut metrics.distributions()[index].1;
            distribution.percentiles = query.percentile.of(distribution.n, |at| values.get(&at).copied());
        }
    }
    Ok(())
}

/// Values by their positions, for the positions that percentiles are made of.
type Ranked = BTreeMap<Vec<String>, BTreeMap<i64, i64>>;

/// Finds the values at the positions that percentiles are made of, among those `v` that `values` selects, for each set of
/// values of the first columns, `d0`, ...; `counts` tells how many values each set has.
pub(super) async fn ranked(
    snapshot: &Snapshot,
    percentile: Percentile,
    columns: usize,
    counts: &[i64],
    values: impl FnOnce(&mut Sql),
) -> Result<Ranked> {
    let mut sql = snapshot.sql();
    let names = names_of(columns);
    let partition = names.strip_suffix(", ").map(|names| format!("PARTITION BY {names} ")).unwrap_or_default();
    let counts: Vec<i64> = counts.iter().copied().filter(|n| *n > 0).collect();
    let (positions, count) = match counts.as_slice() {
        [] => return Ok(Ranked::new()),
        // Known already, so that the database need not count.
        [n] => {
            let positions = percentile.positions(*n);
            (positions.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "), String::new())
        }
        _ => {
            let ends = PERCENTS.map(|percent| match percentile {
                Percentile::Cont => {
                    let low = sql.quotient(&format!("(n - 1) * {percent}"), "100");
                    format!("1 + {low}, 2 + {low}")
                }
                Percentile::Disc => sql.quotient(&format!("n * {percent} + 99"), "100"),
            });
            (ends.join(", "), format!(", COUNT(*) OVER ({}) AS n", partition.trim_end()))
        }
    };
    sql.push(format!(
        "SELECT {names}r, v FROM (SELECT {names}v, ROW_NUMBER() OVER ({partition}ORDER BY v) AS r{count}"
    ));
    sql.push(" FROM (");
    values(&mut sql);
    sql.push(format!(") AS valued) AS ranked WHERE r IN ({positions})"));
    let mut ranked = Ranked::new();
    for row in snapshot.rows(sql).await? {
        ranked.entry(key(&row, columns)?).or_default().insert(row.int(columns)?, row.int(columns + 1)?);
    }
    Ok(ranked)
}

/// How many values have the same leading digits; and the least and the greatest of all.
#[derive(Default)]
pub(super) struct Sketch {
    bins: BTreeMap<i64, i64>,
    least: Option<i64>,
    greatest: Option<i64>,
}

/// Sketches by the values of some columns.
pub(super) type Sketches = BTreeMap<Vec<String>, Sketch>;

/// Finds percentiles of removed rows, `removed`, and of those that are there, `kept`, together.
pub(super) async fn sketched(
    snapshot: &Snapshot,
    query: &UsageQuery,
    removed: Window,
    kept: Option<Window>,
    parts: &[Part],
    groups: &mut Groups,
) -> Result<()> {
    let columns: Vec<&str> = parts.iter().map(|part| part.of_days.unwrap_or("''")).collect();
    for (index, (measure, value)) in ["duration", "input", "output"].into_iter().zip(VALUES).enumerate() {
        let mut sketches = Sketches::new();
        of_days(snapshot, measure, removed, &columns, &mut sketches, |sql| query.filter.sums(sql, Some("'ok'")))
            .await?;
        if let Some(kept) = kept {
            let of_rows = of_values(snapshot, parts.len(), &mut sketches, |sql| {
                sql.push("SELECT ").push(names(parts)).push(format!("{value} AS v FROM ("));
                rows(sql, query, kept, parts);
                sql.push(format!(") AS source WHERE ok = 1 AND {value} IS NOT NULL"));
            });
            of_rows.await?;
        }
        for (key, metrics) in groups.iter_mut() {
            if let Some(sketch) = sketches.get(key) {
                sketch.describe(metrics.distributions()[index].1, query.percentile);
            }
        }
    }
    Ok(())
}

/// Adds what is kept of removed rows, by some of its columns.
pub(super) async fn of_days(
    snapshot: &Snapshot,
    measure: &str,
    removed: Window,
    columns: &[&str],
    sketches: &mut Sketches,
    filter: impl FnOnce(&mut Sql),
) -> Result<()> {
    let mut sql = snapshot.sql();
    let n = sql.sum("n");
    let named: String = columns.iter().enumerate().map(|(n, column)| format!("{column} AS d{n}, ")).collect();
    sql.push(format!("SELECT {named}bin, {n}, MIN(least), MAX(greatest) FROM ")).table(&BINS);
    sql.push(" WHERE measure = ").bind(measure);
    sql.within("day", removed);
    filter(&mut sql);
    sql.push(format!(" GROUP BY {}bin", names_of(columns.len())));
    let at = columns.len();
    for row in snapshot.rows(sql).await? {
        let sketch = sketches.entry(key(&row, at)?).or_default();
        *sketch.bins.entry(row.int(at)?).or_default() += row.int(at + 1)?;
        sketch.least = sketch.least.into_iter().chain(row.maybe_int(at + 2)?).min();
        sketch.greatest = sketch.greatest.into_iter().chain(row.maybe_int(at + 3)?).max();
    }
    Ok(())
}

/// Adds the values `v` that `values` selects, by the first columns, `d0`, ....
pub(super) async fn of_values(
    snapshot: &Snapshot,
    columns: usize,
    sketches: &mut Sketches,
    values: impl FnOnce(&mut Sql),
) -> Result<()> {
    let mut sql = snapshot.sql();
    let (names, bin) = (names_of(columns), digits::bin_in_sql(&sql, "v"));
    sql.push(format!("SELECT {names}bin, COUNT(*) FROM (SELECT {names}{bin} AS bin FROM ("));
    values(&mut sql);
    sql.push(format!(") AS valued) AS binned GROUP BY {names}bin"));
    for row in snapshot.rows(sql).await? {
        let sketch = sketches.entry(key(&row, columns)?).or_default();
        *sketch.bins.entry(row.int(columns)?).or_default() += row.int(columns + 1)?;
    }
    Ok(())
}

impl Sketch {
    /// Finds percentiles and extremes of what it was made of.
    pub(super) fn describe(&self, distribution: &mut Distribution, percentile: Percentile) {
        distribution.min = distribution.min.into_iter().chain(self.least).min();
        distribution.max = distribution.max.into_iter().chain(self.greatest).max();
        let mut ends = Vec::with_capacity(self.bins.len());
        let mut n = 0;
        for (bin, count) in &self.bins {
            n += count;
            ends.push((n, *bin));
        }
        let (min, max) = (distribution.min.unwrap_or(0), distribution.max.unwrap_or(i64::MAX));
        distribution.percentiles = percentile.of(n, |at| {
            let found = ends.get(ends.partition_point(|(end, _)| *end < at));
            found.map(|(_, bin)| digits::middle(*bin).clamp(min, max.max(min)))
        });
    }
}
