//! Sums over quarters of an hour, which change by what their rows change.

use std::collections::BTreeMap;

use super::call::Call;
use super::span::Span;
use super::tables::{CELLS, SPAN_CELLS};
use crate::Result;
use crate::calendar::{QUARTER, floor};
use crate::store::{Cell, Table, Tables};

/// Changes of the sums in a table: by quarter of an hour and names, what to add to each.
#[derive(Debug)]
pub(super) struct Sums {
    table: &'static Table,
    changes: BTreeMap<(i64, Vec<String>), Vec<i64>>,
}

/// What a row adds to its sums: when, under which names, and how much.
type Share<'r, const NAMES: usize, const VALUES: usize> = (i64, [&'r str; NAMES], [i64; VALUES]);

impl Sums {
    /// Of calls, each with 1 when it is added and -1 when it is taken out.
    pub(super) fn of_calls<'r>(calls: impl Iterator<Item = (i64, &'r Call)>) -> Self {
        Self::new(&CELLS, calls.map(|(sign, call)| signed(sign, of_call(call))).collect())
    }

    /// Of calls of tools and of turns, likewise.
    pub(super) fn of_spans<'r>(spans: impl Iterator<Item = (i64, &'r Span)>) -> Self {
        Self::new(&SPAN_CELLS, spans.map(|(sign, span)| signed(sign, of_span(span))).collect())
    }

    fn new<const N: usize, const V: usize>(table: &'static Table, mut shares: Vec<Share<'_, N, V>>) -> Self {
        // Put in order first, so that names are copied once for all rows that have them.
        shares.sort_unstable();
        let mut changes = BTreeMap::new();
        for same in shares.chunk_by(|one, other| (one.0, one.1) == (other.0, other.1)) {
            let Some((slot, names, _)) = same.first() else { continue };
            let mut sums = vec![0; V];
            for (_, _, values) in same {
                sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
            }
            if sums.iter().any(|sum| *sum != 0) {
                changes.insert((*slot, names.map(str::to_owned).to_vec()), sums);
            }
        }
        Self { table, changes }
    }

    /// Makes the changes; sums over nothing are deleted.
    pub(super) async fn save(mut self, tables: &mut Tables<'_>) -> Result<()> {
        let key = |(slot, names): &(i64, Vec<String>)| -> Vec<Cell> {
            [Cell::Int(*slot)].into_iter().chain(names.iter().map(|name| name.as_str().into())).collect()
        };
        let keys: Vec<Vec<Cell>> = self.changes.keys().map(key).collect();
        for row in tables.get(self.table, &keys).await? {
            let (key, values) = row.split_at(self.table.key);
            let names = key.iter().skip(1).map(Cell::text).collect();
            let slot = key.first().map(Cell::int).unwrap_or_default();
            let Some(changes) = self.changes.get_mut(&(slot, names)) else { continue };
            for (change, value) in changes.iter_mut().zip(values) {
                *change += value.int();
            }
        }
        let (empty, full): (Vec<_>, Vec<_>) =
            self.changes.iter().partition(|(_, values)| values.first().is_none_or(|count| *count == 0));
        let rows = full.into_iter().map(|(name, values)| {
            let values = values.iter().copied().map(Cell::from);
            key(name).into_iter().chain(values).collect()
        });
        let rows = rows.collect();
        let empty: Vec<Vec<Cell>> = empty.into_iter().map(|(name, _)| key(name)).collect();
        tables.put(self.table, rows).await?;
        tables.delete(self.table, &empty).await
    }
}

fn signed<const N: usize, const V: usize>(sign: i64, (at, names, values): Share<'_, N, V>) -> Share<'_, N, V> {
    (floor(at, QUARTER), names, values.map(|value| sign * value))
}

fn of_call(call: &Call) -> Share<'_, 6, 16> {
    let [input, cache_read, cache_write_5m, cache_write_1h, cache_write, output] = call.tokens;
    let names = [&call.tenant, &call.operation, &call.provider, &call.model, &call.workspace, &call.status];
    let pico_usd = call.pico_usd.unwrap_or_default();
    let unpriced = call.pico_usd.is_none();
    let values = [
        1,
        i64::from(call.leads),
        i64::from(unpriced),
        if unpriced { call.input_total + output } else { 0 },
        pico_usd / 1_000_000,
        pico_usd % 1_000_000,
        input,
        cache_read,
        cache_write_5m,
        cache_write_1h,
        cache_write,
        output,
        call.reasoning.unwrap_or_default(),
        call.input_total,
        i64::from(call.duration_us.is_some()),
        call.duration_us.unwrap_or_default(),
    ];
    (call.started_at, names.map(String::as_str), values)
}

fn of_span(span: &Span) -> Share<'_, 4, 3> {
    let what = if span.tool_name.is_some() { "tool" } else { "turn" };
    let names = [what, span.tool_name.as_deref().unwrap_or_default(), &span.workspace, &span.status];
    let duration_us = span.duration_us();
    let values = [1, i64::from(duration_us.is_some()), duration_us.unwrap_or_default()];
    (span.started_at, names, values)
}
