//! The statements that every engine on a server understands, but for placeholders and quotes.
//!
//! MySQL's sessions take the quotes of standard SQL, so texts are the same; what has values is built for each.

use ledger_core::{AppendCondition, Checkpoint, Offset, RunQuery, Timestamp};
use sea_query::{Expr, ExprTrait, Func, OnConflict, Order, Query, QueryStatementWriter};

use super::engine::{Engine, Statement};
use crate::head::HeadRow;
use crate::schema::{Checkpoints, Events};
use crate::select;

pub(super) const HEAD: &str =
    r#"SELECT ledger_id, schema_version, epoch, "first", "next", recorded_at FROM ledger_head WHERE lane = 1"#;

/// The head, where the last event stands, and when it was recorded: in one statement.
pub(super) const HEAD_AND_LAST: &str = r#"SELECT ledger_id, schema_version, epoch, "first", "next", recorded_at,
    coalesce((SELECT max("offset") FROM events), 0),
    coalesce((SELECT recorded_at FROM events ORDER BY "offset" DESC LIMIT 1), recorded_at)
    FROM ledger_head WHERE lane = 1"#;

pub(super) const CHECKPOINTS: &str =
    r#"SELECT consumer, "offset", event_id, updated_at FROM ledger_checkpoints ORDER BY consumer"#;

/// A statement without values.
pub(super) fn plain(sql: impl Into<String>) -> Statement {
    Statement { sql: sql.into(), values: Vec::new() }
}

fn built<E: Engine>(statement: &impl QueryStatementWriter) -> Statement {
    let (sql, values) = statement.build_any(&E::Builder::default());
    Statement { sql, values: values.0 }
}

pub(super) fn page<E: Engine>(read: &ledger_core::Read, last: Option<Offset>) -> Statement {
    built::<E>(&select::head_and_page(read, last))
}

pub(super) fn range<E: Engine>(first: Offset, last: Offset) -> Statement {
    built::<E>(&select::range(first, last))
}

pub(super) fn violation<E: Engine>(condition: &AppendCondition) -> Statement {
    built::<E>(&select::violation(condition))
}

pub(super) fn id_at<E: Engine>(offset: Offset) -> Statement {
    built::<E>(&select::id_at(offset))
}

/// Runs in the order of their first events, as they are at `last`.
pub(super) fn runs<E: Engine>(query: RunQuery, last: Offset) -> Statement {
    let first = || Func::min(Expr::col(Events::Offset));
    let mut select = Query::select();
    select
        .column(Events::RunId)
        .expr(first())
        .expr(Func::max(Expr::col(Events::Offset)))
        .expr(Func::count(Expr::col(Events::Offset)))
        .from(Events::Table)
        .and_where(Expr::col(Events::Offset).lte(last.as_i64()))
        .group_by_col(Events::RunId)
        .and_having(Expr::expr(first()).gt(query.after().as_i64()))
        .order_by_expr(Expr::expr(first()), Order::Asc)
        .limit(query.limit() as u64);
    built::<E>(&select)
}

pub(super) fn save_checkpoint<E: Engine>(checkpoint: &Checkpoint) -> Statement {
    let Checkpoint { consumer, offset, event_id, updated_at } = checkpoint;
    let columns = [Checkpoints::Offset, Checkpoints::EventId, Checkpoints::UpdatedAt];
    let mut insert = Query::insert();
    insert
        .into_table(Checkpoints::Table)
        .columns([Checkpoints::Consumer, Checkpoints::Offset, Checkpoints::EventId, Checkpoints::UpdatedAt])
        .values_panic([
            consumer.as_str().into(),
            offset.as_i64().into(),
            event_id.as_ref().map(|id| id.as_str().to_owned()).into(),
            Expr::cust(E::time(*updated_at)),
        ])
        .on_conflict(OnConflict::column(Checkpoints::Consumer).update_columns(columns).to_owned());
    built::<E>(&insert)
}

/// Moves the head on to what was appended, and commits.
pub(super) fn save_and_commit<E: Engine>(head: &HeadRow) -> String {
    let (next, latest) = (head.extent.last.after(), E::time(head.latest));
    format!(
        r#"UPDATE ledger_head SET "next" = {next}, recorded_at = {latest}, commits = commits + 1 WHERE lane = 1; COMMIT"#
    )
}

/// The same where more than the end has moved: by a restore or a reset.
pub(super) fn save_all_and_commit<E: Engine>(head: &HeadRow) -> String {
    let (epoch, first, next, latest) =
        (head.extent.epoch, head.extent.first, head.extent.last.after(), E::time(head.latest));
    format!(
        r#"UPDATE ledger_head SET epoch = {epoch}, "first" = {first}, "next" = {next}, recorded_at = {latest},
           commits = commits + 1, resetting = false WHERE lane = 1; COMMIT"#
    )
}

/// Deletes every event, and leaves a trace. `detail` is of our own words and numbers.
pub(super) fn delete_all<E: Engine>(detail: &str) -> String {
    let now = E::time(Timestamp::now());
    format!(
        "UPDATE ledger_head SET resetting = true WHERE lane = 1; DELETE FROM events; \
         INSERT INTO ledger_operations (at, operation, detail) VALUES ({now}, 'reset', '{detail}')"
    )
}
