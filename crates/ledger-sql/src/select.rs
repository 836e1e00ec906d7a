//! Reads as SQL.
//!
//! Every read goes forward or backward from an offset and stops at a limit, so every read can walk an index in the order
//! of its answer. Where one dimension of the filter has several values, each value is a walk of its own, cut at the
//! limit, and the walks are merged: one walk over several values would have to sort everything that they match.

use ledger_core::{AppendCondition, Direction, Filter, Offset, Read};
use sea_query::{Asterisk, ColumnRef, Cond, Expr, ExprTrait, Order, Query, SelectStatement, UnionType};

use crate::schema::Events;

/// The page that `read` asks for, and one event more if there is one.
pub(crate) fn page(read: &Read) -> SelectStatement {
    let limit = u64::try_from(read.page_size().get()).unwrap_or(u64::MAX).saturating_add(1);
    let range = match read.direction() {
        Direction::Forward => Expr::col(Events::Offset).gt(read.cursor().as_i64()),
        Direction::Backward => Expr::col(Events::Offset).lt(read.cursor().as_i64()),
    };
    let order = match read.direction() {
        Direction::Forward => Order::Asc,
        Direction::Backward => Order::Desc,
    };
    walks(&Events::COLUMNS, &range, read.filter(), &order, limit)
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
    let one = |value: &String| {
        let mut condition = Cond::all().add(Expr::col(*column).eq(value)).add(range.clone());
        for (other, values) in others {
            condition = condition.add(Expr::col(*other).is_in(values));
        }
        walk(columns, condition, order, limit)
    };
    let mut values = values.iter();
    match (values.next(), values.len()) {
        (Some(value), 0) => one(value),
        (first, _) => {
            let mut merged = Query::select();
            merged.column(Asterisk).from_subquery(first.map_or_else(SelectStatement::new, one), "walk");
            for value in values {
                let mut next = Query::select();
                next.column(Asterisk).from_subquery(one(value), "walk");
                merged.union(UnionType::All, next);
            }
            merged.order_by(Events::Offset, order.clone()).limit(limit);
            merged
        }
    }
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
