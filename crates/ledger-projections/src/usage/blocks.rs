//! Blocks: billing windows of some hours that begin with a call, as those who pay by such windows count.

use std::collections::BTreeMap;

use ledger_core::Timestamp;

use super::answer::{Basis, Unpriced, UsageRow};
use super::block::{Block, BlockLength, TokenLimit, starts};
use super::dimension::models;
use super::figures::{forget_shape, is_of_sums};
use super::query::{Per, Sort, UsageQuery};
use super::reader::{rows, sort_rows};
use super::series::{SLOT, Slot, quarter, slots};
use super::source::{self, Groups};
use super::tables::{CALLS, CELLS};
use super::{Metrics, Usage, UsageFilter, UsageReader};
use crate::calendar::QUARTER;
use crate::store::{Row, Snapshot};
use crate::{Result, Window};

/// Microseconds for which a block is a recent one: three days.
const RECENT: i64 = 3 * crate::calendar::DAY;

/// Which blocks are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Shown {
    /// All that begin in the window.
    #[default]
    All,
    /// Of those, the ones that began in the last three days.
    Recent,
    /// Of those, the one that has not ended.
    Active,
}

/// A question about blocks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlocksQuery {
    /// Which calls, and whose tokens and money are summed. The window is that of the blocks' beginnings: it cuts none.
    pub query: UsageQuery,
    /// How long a block is.
    pub length: BlockLength,
    /// Which of them.
    pub shown: Shown,
    /// How many tokens one may have.
    pub limit: Option<TokenLimit>,
    /// Whether each has a breakdown by model.
    pub by_model: bool,
    /// What time it is.
    pub now: Timestamp,
}

/// Blocks, the earliest first.
#[derive(Clone, Debug, PartialEq)]
pub struct Blocks {
    /// What they rest on.
    pub basis: Basis,
    /// Blocks and the gaps between them.
    pub rows: Vec<Block>,
    /// The figures of those that are shown.
    pub total: Metrics,
    /// Calls without a price, of those that are shown.
    pub unpriced: Unpriced,
}

impl UsageReader {
    /// Blocks of some hours, which begin at the full hour (UTC) of the first call that is not in the one before.
    ///
    /// # Errors
    /// As [`stats`](Self::stats).
    pub async fn blocks(&self, blocks: &BlocksQuery) -> Result<Blocks> {
        let query = &UsageQuery { per: Per::Call, ..blocks.query.clone() };
        self.database
            .answer(&Usage::new(), |snapshot| async move {
                let mut basis = Basis::new(&snapshot, query);
                let from = match blocks.first_needed() {
                    Some(time) => Some(begun(&snapshot, query, time, blocks.length).await?),
                    None => None,
                };
                let all = &within(query, Window::starting(from));
                let mut rows = read(&snapshot, all, blocks, &mut basis).await?;
                let limit = blocks.limit.and_then(|limit| limit.tokens(&rows));
                rows.retain(|block| blocks.shows(block));
                // Gaps are between two blocks that are shown.
                rows.drain(..rows.iter().take_while(|block| block.is_gap).count());
                let mut by_model = Groups::new();
                for block in &mut rows {
                    if let Some(limit) = limit {
                        block.measure(limit);
                    }
                    let models = block.breakdown.iter().flatten().map(|row| (values(row), row.metrics.clone()));
                    source::add(&mut by_model, models.collect());
                    block.breakdown = block.breakdown.take().filter(|_| blocks.by_model);
                }
                let mut total = Metrics::default();
                by_model.values().for_each(|metrics| total.add(metrics));
                forget_shape(&mut total);
                Ok(Blocks { basis, rows, total, unpriced: Unpriced::new(&by_model) })
            })
            .await
    }
}

impl BlocksQuery {
    /// Blocks that ended before then need not be known.
    fn first_needed(&self) -> Option<Timestamp> {
        let since = self.query.filter.window.since();
        let recent = Timestamp::from_micros(self.now.as_micros() - RECENT).ok();
        match self.shown {
            // Those that are over say what the greatest one is.
            _ if self.limit == Some(TokenLimit::Max) => None,
            Shown::All => since,
            Shown::Recent => since.max(recent),
            Shown::Active => since.max(Some(self.now)),
        }
    }

    fn shows(&self, block: &Block) -> bool {
        let window = self.query.filter.window;
        let is_in = window.since().is_none_or(|since| block.start >= since)
            && window.until().is_none_or(|until| block.start < until);
        let is_meant = match self.shown {
            Shown::All => true,
            Shown::Recent => block.is_active || self.now.micros_since(block.start) <= RECENT,
            Shown::Active => block.is_active,
        };
        is_in && is_meant
    }
}

impl TokenLimit {
    fn tokens(self, blocks: &[Block]) -> Option<i64> {
        let over = blocks.iter().filter(|block| !block.is_gap && !block.is_active);
        match self {
            Self::Tokens(tokens) => Some(tokens),
            Self::Max => over.map(|block| block.tokens.total()).max().filter(|tokens| *tokens > 0),
        }
    }
}

fn within(query: &UsageQuery, window: Window) -> UsageQuery {
    UsageQuery { filter: UsageFilter { window, ..query.filter.clone() }, ..query.clone() }
}

/// The values that tell a row apart, as groups have them.
fn values(row: &UsageRow) -> Vec<String> {
    row.key.iter().map(|(_, value)| value.clone().unwrap_or_default()).collect()
}

/// A time at which a block begins, or nothing is, such that no block that ends after `time` begins earlier.
async fn begun(snapshot: &Snapshot, query: &UsageQuery, time: Timestamp, length: BlockLength) -> Result<Timestamp> {
    let first = chain(snapshot, query, time, length).await?.first().copied();
    Ok(Timestamp::from_micros(first.unwrap_or_else(|| quarter(Some(time))))?)
}

/// The quarters of an hour with calls that decide where the block is that `time` is in, in the order of time.
///
/// Goes back from there to a time without calls that is as long as a block: what follows it begins a block, whatever was
/// before.
async fn chain(snapshot: &Snapshot, query: &UsageQuery, time: Timestamp, length: BlockLength) -> Result<Vec<i64>> {
    let mut first = quarter(Some(time));
    let until = Timestamp::from_micros(first.saturating_add(1))?;
    let before = Window::ALL.before(until).unwrap_or(Window::ALL);
    let mut sql = snapshot.sql();
    if is_of_sums(query, &[SLOT]) {
        sql.push("SELECT DISTINCT slot FROM ").table(&CELLS).push(" WHERE 1 = 1").within("slot", before);
        query.filter.sums(&mut sql, Some("status"));
        sql.push(" ORDER BY slot DESC");
    } else {
        let before = Window::ALL.before(Timestamp::from_micros(first.saturating_add(QUARTER))?).unwrap_or(Window::ALL);
        sql.push("SELECT DISTINCT ").push(SLOT.of_calls).push(" AS d0 FROM ").table(&CALLS).push(" c WHERE 1 = 1");
        query.filter.calls(&mut sql, "c.started_at", before);
        sql.push(" ORDER BY d0 DESC");
    }
    let mut slots = Vec::new();
    let step = |row: Row| {
        let slot = row.int(0)?;
        let goes_on = first - slot < length.micros();
        if goes_on {
            first = slot;
            slots.push(slot);
        }
        Ok(goes_on)
    };
    snapshot.each_while(sql, step).await?;
    slots.reverse();
    Ok(slots)
}

/// The block that `now` is in, if there is one, and nothing else.
pub(super) async fn active(
    snapshot: &Snapshot,
    query: &UsageQuery,
    length: BlockLength,
    now: Timestamp,
    basis: &mut Basis,
) -> Result<Option<Block>> {
    let start = starts(chain(snapshot, query, now, length).await?, length).pop();
    let Some(start) = start.filter(|start| now.as_micros() < start + length.micros()) else { return Ok(None) };
    let window =
        Window::new(Some(Timestamp::from_micros(start)?), Some(Timestamp::from_micros(start + length.micros())?))?;
    let blocks =
        BlocksQuery { query: within(query, window), length, shown: Shown::Active, limit: None, by_model: false, now };
    let found = read(snapshot, &blocks.query, &blocks, basis).await?;
    let block = found.into_iter().find(|block| block.is_active);
    Ok(block.map(|block| Block { breakdown: None, ..block }))
}

/// Blocks of the calls in the query's window, which begins where a block does, and the gaps between them.
async fn read(snapshot: &Snapshot, query: &UsageQuery, blocks: &BlocksQuery, basis: &mut Basis) -> Result<Vec<Block>> {
    let parts = models();
    let slots = slots(snapshot, query, query.filter.window, &parts, basis).await?;
    let ends = ends(snapshot, query).await?;
    let length = blocks.length.micros();
    let mut found: Vec<Block> = Vec::new();
    for start in starts(slots.iter().map(|slot| slot.start), blocks.length) {
        let is_in = |slot: &&Slot| (start..start + length).contains(&slot.start);
        let within = slots.partition_point(|slot| slot.start < start);
        let of_block: Vec<&Slot> = slots.iter().skip(within).take_while(is_in).collect();
        let mut groups = Groups::new();
        for Slot { key, metrics, .. } in &of_block {
            groups.entry(key.clone()).or_default().add(metrics);
        }
        let mut by_model = rows(&parts, groups);
        sort_rows(&mut by_model, Sort::Cost, Per::Call);
        by_model.iter_mut().for_each(|row| forget_shape(&mut row.metrics));
        let calls = bounds(&of_block, &ends, basis);
        let time = |micros: i64| Timestamp::from_micros(micros);
        let block =
            Block::new((time(start)?, time(start + length)?), (time(calls.0)?, time(calls.1)?), by_model, blocks.now);
        let last = found.last().and_then(|block| block.last_at);
        if let Some(last) = last.filter(|last| calls.0 - last.as_micros() > length) {
            found.push(Block::gap(time(last.as_micros() + length)?, time(calls.0)?));
        }
        found.push(block);
    }
    Ok(found)
}

/// When the first and the last call of a block started: to the microsecond, or where its rows are removed to the quarter
/// of an hour.
fn bounds(slots: &[&Slot], ends: &BTreeMap<i64, (i64, i64)>, basis: &mut Basis) -> (i64, i64) {
    let bounds = slots.iter().map(|slot| {
        ends.get(&slot.start).copied().unwrap_or_else(|| {
            basis.note("of removed rows, first and last calls are known to the quarter of an hour");
            (slot.start, slot.start)
        })
    });
    let bounds: Vec<(i64, i64)> = bounds.collect();
    let first = bounds.iter().map(|(first, _)| *first).min();
    (first.unwrap_or_default(), bounds.iter().map(|(_, last)| *last).max().unwrap_or_default())
}

/// When the first and the last call of each quarter of an hour started, of those whose rows are there.
async fn ends(snapshot: &Snapshot, query: &UsageQuery) -> Result<BTreeMap<i64, (i64, i64)>> {
    let mut sql = snapshot.sql();
    sql.push("SELECT ").push(SLOT.of_calls).push(" AS d0, MIN(c.started_at), MAX(c.started_at) FROM ");
    sql.table(&CALLS).push(" c WHERE 1 = 1");
    query.filter.calls(&mut sql, "c.started_at", query.filter.window);
    sql.push(" GROUP BY d0");
    let rows = snapshot.rows(sql).await?;
    rows.iter().map(|row| Ok((row.int(0)?, (row.int(1)?, row.int(2)?)))).collect()
}
