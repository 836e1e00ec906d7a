//! Which columns each answer has.

use crate::print::{Column, Show, View};

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn with(fields: &[&str], of: &str) -> Vec<String> {
    fields.iter().map(|field| format!("{of}.{field}")).collect()
}

const COUNT: [&str; 2] = ["rows", "executions"];

const DURATION: [&str; 9] = ["n", "executions", "avg", "min", "p5", "p50", "p95", "p99", "max"];

fn outcomes() -> Vec<String> {
    let mut csv = owned(&["success_rate", "error_rate", "other_rate"]);
    csv.extend(with(&COUNT, "total"));
    for status in ["ok", "error", "timeout", "limit"] {
        csv.extend(with(&COUNT, &format!("statuses.{status}")));
    }
    csv.extend(with(&COUNT, "other"));
    csv.extend(with(&DURATION, "duration_ms"));
    csv
}

fn figures() -> Vec<Column> {
    vec![
        Column::new("rows", Show::Count("total.rows")),
        Column::new("executions", Show::Rounded("total.executions")),
        Column::new("success", Show::Percent("success_rate")),
        Column::new("error", Show::Percent("error_rate")),
        Column::new("avg ms", Show::Rounded("duration_ms.avg")),
        Column::new("p50 ms", Show::Rounded("duration_ms.p50")),
        Column::new("p95 ms", Show::Rounded("duration_ms.p95")),
        Column::new("p99 ms", Show::Rounded("duration_ms.p99")),
    ]
}

pub(super) fn executions() -> View {
    let csv = owned(&[
        "event_id",
        "strategy_id",
        "strategy_version",
        "strategy_type",
        "tenant_id",
        "status",
        "error_code",
        "case_name",
        "duration_ms",
        "nodes_executed",
        "points",
        "executed_at",
        "sample_weight",
    ]);
    let figures = vec![
        Column::new("strategy", Show::Text("strategy_id")),
        Column::new("version", Show::Text("strategy_version")),
        Column::new("tenant", Show::Text("tenant_id")),
        Column::new("status", Show::Text("status")),
        Column::new("error", Show::Text("error_code")),
        Column::new("case", Show::Text("case_name")),
        Column::new("ms", Show::Rounded("duration_ms")),
        Column::new("nodes", Show::Count("nodes_executed")),
        Column::new("points", Show::Rounded("points")),
        Column::new("stands for", Show::Rounded("sample_weight")),
    ];
    View { csv, keys: vec![Column::new("ran", Show::Time("executed_at"))], inner: Vec::new(), figures }
}

pub(super) fn series() -> View {
    let mut csv = owned(&["label", "start"]);
    csv.extend(outcomes());
    View { csv, keys: vec![Column::new("bucket", Show::Text("label"))], inner: Vec::new(), figures: figures() }
}

pub(super) fn versions() -> View {
    let mut csv = owned(&["strategy_id", "strategy_version"]);
    csv.extend(outcomes());
    let mut figures = figures();
    figures.push(Column::new("avg points", Show::Rounded("points.avg")));
    csv.extend(with(&["n", "executions", "sum", "avg", "min", "max"], "points"));
    let keys = vec![
        Column::new("strategy", Show::Text("strategy_id")),
        Column::new("version", Show::Text("strategy_version")),
    ];
    View { csv, keys, inner: Vec::new(), figures }
}

pub(super) fn top(value: &'static str) -> View {
    let mut csv = owned(&[value]);
    csv.extend(owned(&COUNT));
    let figures =
        vec![Column::new("rows", Show::Count("rows")), Column::new("executions", Show::Rounded("executions"))];
    View { csv, keys: vec![Column::new(value, Show::Text(value))], inner: Vec::new(), figures }
}

/// The main figures, which are all that fits a line.
pub(super) fn stats(first: &str) -> Vec<String> {
    let mut csv = owned(&[first]);
    csv.retain(|name| !name.is_empty());
    csv.extend(outcomes());
    csv.extend(owned(&["nodes.n", "nodes.avg", "nodes.max"]));
    csv.extend(with(&["n", "executions", "sum", "avg", "min", "max"], "points"));
    csv
}
