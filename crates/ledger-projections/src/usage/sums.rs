//! Sums over quarters of an hour, which change by what their rows change.

use std::collections::BTreeMap;

use super::call::Call;
use super::span::Span;
use super::tables::{CELLS, SPAN_CELLS};
use crate::Result;
use crate::calendar::QUARTER;
use crate::store::{Cell, Table, Tables};

/// Changes of the sums in a table: by key, what to add to each.
#[derive(Debug)]
pub(super) struct Sums {
    table: &'static Table,
    changes: BTreeMap<(i64, Vec<String>), Vec<i64>>,
}

impl Sums {
    /// Of calls.
    pub(super) fn of_calls() -> Self {
        Self { table: &CELLS, changes: BTreeMap::new() }
    }

    /// Of calls of tools, and of turns.
    pub(super) fn of_spans() -> Self {
        Self { table: &SPAN_CELLS, changes: BTreeMap::new() }
    }

    /// Adds a call; or with a sign of -1 takes it out again.
    pub(super) fn call(&mut self, call: &Call, sign: i64) {
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
        self.add(call.started_at, names.map(Clone::clone).to_vec(), &values, sign);
    }

    /// Adds a call of a tool or a turn; or with a sign of -1 takes it out again.
    pub(super) fn span(&mut self, span: &Span, sign: i64) {
        let what = if span.tool_name.is_some() { "tool" } else { "turn" };
        let tool_name = span.tool_name.clone().unwrap_or_default();
        let names = vec![what.to_owned(), tool_name, span.workspace.clone(), span.status.clone()];
        let duration_us = span.duration_us();
        let values = [1, i64::from(duration_us.is_some()), duration_us.unwrap_or_default()];
        self.add(span.started_at, names, &values, sign);
    }

    fn add(&mut self, at: i64, names: Vec<String>, values: &[i64], sign: i64) {
        let slot = at - at.rem_euclid(QUARTER);
        let sums = self.changes.entry((slot, names)).or_insert_with(|| vec![0; values.len()]);
        for (sum, value) in sums.iter_mut().zip(values) {
            *sum += sign * value;
        }
    }

    /// Makes the changes; sums over nothing are deleted.
    pub(super) async fn save(mut self, tables: &mut Tables<'_>) -> Result<()> {
        self.changes.retain(|_, values| values.iter().any(|value| *value != 0));
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
