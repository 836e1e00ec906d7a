//! Reads as SQL.
//!
//! Every read goes forward or backward from an offset and stops at a limit, so every read can walk an index in the order
//! of its answer. Where the leading dimension of the filter has several values, each value is a walk of its own, cut at
//! the limit, and the walks are merged: one walk over several values would have to sort everything that they match.

use ledger_core::{AppendCondition, Direction, Filter, Offset, Read};
use sea_query::{ColumnRef, Cond, Expr, ExprTrait, Order, Query, SelectStatement, UnionType};

use crate::schema::Events;
#[cfg(feature = "_server")]
use crate::schema::Head;

/// The page that `read` asks for, and one event more if there is one; of the events up to `last`, if there is a last.
pub(crate) fn page(read: &Read, last: Option<Offset>) -> SelectStatement {
    let limit = u64::try_from(read.page_size().get()).unwrap_or(u64::MAX).saturating_add(1);
    let range = match read.direction() {
        Direction::Forward => Expr::col(Events::Offset).gt(read.cursor().as_i64()),
        Direction::Backward => Expr::col(Events::Offset).lt(read.cursor().as_i64()),
    };
    let range = match last {
        Some(last) => range.and(Expr::col(Events::Offset).lte(last.as_i64())),
        None => range,
    };
    let order = match read.direction() {
        Direction::Forward => Order::Asc,
        Direction::Backward => Order::Desc,
    };
    walks(&Events::COLUMNS, &range, read.filter(), &order, limit)
}

/// The head row and the page that `read` asks for, in one statement: the columns of the events,
/// then those of the head. The head comes first, and has no event; events have no head. The page ends at `last`, if there
/// is a last.
#[cfg(feature = "_server")]
pub(crate) fn head_and_page(read: &Read, last: Option<Offset>) -> SelectStatement {
    let nulls = |count| std::iter::repeat_n(Expr::cust("NULL"), count);
    let mut events = page(read, last);
    events.exprs(nulls(Head::COLUMNS.len()));
    let mut both = Query::select();
    both.exprs(nulls(Events::COLUMNS.len()))
        .columns(Head::COLUMNS.map(ColumnRef::from))
        .from(Head::Table)
        .and_where(Expr::col(Head::Lane).eq(1_i64))
        .union(UnionType::All, events);
    both
}

/// The offset of the first event that `condition` forbids.
pub(crate) fn violation(condition: &AppendCondition) -> SelectStatement {
    let range = Expr::col(Events::Offset).gt(condition.after.as_i64());
    walks(&[Events::Offset], &range, &condition.fail_if, &Order::Asc, 1)
}

/// Every event from `first` to `last`, in order.
pub(crate) fn range(first: Offset, last: Offset) -> SelectStatement {
    let mut select = Query::select();
    select
        .columns(Events::COLUMNS.map(ColumnRef::from))
        .from(Events::Table)
        .and_where(Expr::col(Events::Offset).between(first.as_i64(), last.as_i64()))
        .order_by(Events::Offset, Order::Asc);
    select
}

/// The id of the event at an offset.
pub(crate) fn id_at(offset: Offset) -> SelectStatement {
    let mut select = Query::select();
    select.column(Events::Id).from(Events::Table).and_where(Expr::col(Events::Offset).eq(offset.as_i64()));
    select
}

fn walks(columns: &[Events], range: &Expr, filter: &Filter, order: &Order, limit: u64) -> SelectStatement {
    let dimensions = dimensions(filter);
    let Some(((column, values), others)) = dimensions.split_first() else {
        return walk(columns, Cond::all().add(range.clone()), order, limit);
    };
    let one = |columns: &[Events], value: &String| {
        let mut condition = Cond::all().add(Expr::col(*column).eq(value)).add(range.clone());
        for (other, values) in others {
            condition = condition.add(Expr::col(*other).is_in(values));
        }
        walk(columns, condition, order, limit)
    };
    if let [value] = values.as_slice() {
        return one(columns, value);
    }
    // Only offsets are merged and sorted; whole rows would carry their payloads through the sort.
    let mut merged = SelectStatement::new();
    for (n, value) in values.iter().enumerate() {
        let offsets = one(&[Events::Offset], value);
        if n == 0 {
            merged.column(Events::Offset).from_subquery(offsets, "walk");
        } else {
            let mut next = Query::select();
            next.column(Events::Offset).from_subquery(offsets, "walk");
            merged.union(UnionType::All, next);
        }
    }
    merged.order_by(Events::Offset, order.clone()).limit(limit);
    // Once more around it, since MySQL takes no limit directly within IN.
    let mut offsets = Query::select();
    offsets.column(Events::Offset).from_subquery(merged, "merged");
    walk(columns, Cond::all().add(Expr::col(Events::Offset).in_subquery(offsets)), order, limit)
}

fn walk(columns: &[Events], condition: Cond, order: &Order, limit: u64) -> SelectStatement {
    let mut select = Query::select();
    select
        .columns(columns.iter().copied().map(ColumnRef::from))
        .from(Events::Table)
        .cond_where(condition)
        .order_by(Events::Offset, order.clone())
        .limit(limit);
    select
}

/// The dimensions that have values, those first that are likely to select least.
fn dimensions(filter: &Filter) -> Vec<(Events, Vec<String>)> {
    fn texts<T: AsRef<str>>(values: &[T]) -> Vec<String> {
        values.iter().map(|value| value.as_ref().to_owned()).collect()
    }
    [
        (Events::Id, texts(filter.ids())),
        (Events::RunId, texts(filter.runs())),
        (Events::SessionId, texts(filter.sessions())),
        (Events::ModelId, texts(filter.models())),
        (Events::Actor, texts(filter.actors())),
        (Events::Kind, texts(filter.kinds())),
    ]
    .into_iter()
    .filter(|(_, values)| !values.is_empty())
    .collect()
}

#[cfg(all(test, feature = "sqlite", feature = "postgres", feature = "mysql"))]
mod tests;
