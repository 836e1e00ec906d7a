//! Which columns each answer has: for programs, all that its rows have, by their names; for people, some.

use ledger_projections::Width;
use ledger_projections::usage::Dimension;

use crate::cli::Dim;
use crate::print::{Column, Show, View};

/// The columns that tell rows apart, as answers name them.
pub(super) const fn columns(dim: Dim) -> &'static [&'static str] {
    match dim {
        Dim::Of(Dimension::Tenant) => &["tenant"],
        Dim::Of(Dimension::Operation) => &["operation"],
        Dim::Of(Dimension::Provider) => &["provider"],
        Dim::Of(Dimension::Model) => &["model"],
        Dim::Of(Dimension::Session) => &["session"],
        Dim::Of(Dimension::Turn) => &["session", "turn"],
        Dim::Of(Dimension::Workspace) => &["workspace", "workspace_label"],
        Dim::Of(Dimension::Status) => &["status"],
        Dim::Time(Width::Minutes(60)) => &["hour", "start"],
        Dim::Time(Width::Minutes(_)) => &["period", "start"],
        Dim::Time(Width::Day) => &["day", "start"],
        Dim::Time(Width::Week(_)) => &["week", "start"],
        Dim::Time(Width::Month) => &["month", "start"],
    }
}

/// What a dimension is called.
pub(super) const fn name(by: Dimension) -> &'static str {
    match by {
        Dimension::Tenant => "tenant",
        Dimension::Operation => "operation",
        Dimension::Provider => "provider",
        Dimension::Model => "model",
        Dimension::Session => "session",
        Dimension::Turn => "turn",
        Dimension::Workspace => "workspace",
        Dimension::Status => "status",
    }
}

const SUMS: [&str; 5] = ["calls", "failed", "invocations", "cost_usd", "cost_ok_usd"];

const TOKENS: [&str; 8] = [
    "tokens.input",
    "tokens.cache_read",
    "tokens.cache_write_5m",
    "tokens.cache_write_1h",
    "tokens.cache_write",
    "tokens.output",
    "tokens.reasoning",
    "tokens.total",
];

const CACHE_WRITES: Show = Show::Sum(&["tokens.cache_write_5m", "tokens.cache_write_1h", "tokens.cache_write"]);

fn distribution(name: &str) -> impl Iterator<Item = String> + use<'_> {
    ["n", "total", "avg", "min", "p5", "p50", "p95", "p99", "max"]
        .into_iter()
        .map(move |field| format!("{name}.{field}"))
}

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// The columns for people of what tells rows apart.
fn keys(names: &[&'static str]) -> Vec<Column> {
    match names {
        ["workspace", ..] => vec![Column::new("WORKSPACE", Show::Labelled("workspace", "workspace_label"))],
        [time, "start"] => vec![Column::new(time, Show::Text(time))],
        _ => names.iter().map(|name| Column::new(name, Show::Text(name))).collect(),
    }
}

/// Figures by something, and told apart by something else within that.
pub(crate) fn usage(by: &[&'static str], inner: &[&'static str]) -> View {
    let more: Vec<&'static str> = inner.iter().copied().filter(|name| !by.contains(name)).collect();
    let mut csv = owned(by);
    csv.extend(owned(&more));
    csv.extend(owned(&SUMS));
    csv.extend(distribution("duration_ms"));
    csv.extend(owned(&TOKENS));
    csv.extend(distribution("input_tokens"));
    csv.extend(distribution("output_tokens"));
    let figures = vec![
        Column::new("calls", Show::Count("calls")),
        Column::new("failed", Show::Count("failed")),
        Column::new("cost usd", Show::Text("cost_usd")).right(),
        Column::new("input", Show::Count("tokens.input")),
        Column::new("cache read", Show::Count("tokens.cache_read")),
        Column::new("cache write", CACHE_WRITES),
        Column::new("output", Show::Count("tokens.output")),
        Column::new("avg ms", Show::Rounded("duration_ms.avg")),
        Column::new("p50 ms", Show::Rounded("duration_ms.p50")),
        Column::new("p95 ms", Show::Rounded("duration_ms.p95")),
        Column::new("p99 ms", Show::Rounded("duration_ms.p99")),
    ];
    View { csv, keys: keys(by), inner: keys(&more), figures }
}

pub(super) fn series() -> View {
    let mut csv = owned(&["bucket", "start"]);
    csv.extend(owned(&SUMS));
    csv.extend(owned(&["duration_ms.n", "duration_ms.total", "duration_ms.avg"]));
    csv.extend(owned(&TOKENS));
    let figures = vec![
        Column::new("calls", Show::Count("calls")),
        Column::new("failed", Show::Count("failed")),
        Column::new("invocations", Show::Count("invocations")),
        Column::new("cost usd", Show::Text("cost_usd")).right(),
        Column::new("input", Show::Count("tokens.input")),
        Column::new("cache read", Show::Count("tokens.cache_read")),
        Column::new("cache write", CACHE_WRITES),
        Column::new("output", Show::Count("tokens.output")),
        Column::new("avg ms", Show::Rounded("duration_ms.avg")),
    ];
    View { csv, keys: keys(&["bucket"]), inner: Vec::new(), figures }
}

pub(crate) fn tools() -> View {
    let mut csv = owned(&["tool", "calls", "errors", "error_rate", "running"]);
    csv.extend(distribution("duration_ms"));
    let figures = vec![
        Column::new("calls", Show::Count("calls")),
        Column::new("errors", Show::Count("errors")),
        Column::new("rate", Show::Percent("error_rate")),
        Column::new("running", Show::Count("running")),
        Column::new("avg ms", Show::Rounded("duration_ms.avg")),
        Column::new("p50 ms", Show::Rounded("duration_ms.p50")),
        Column::new("p95 ms", Show::Rounded("duration_ms.p95")),
        Column::new("p99 ms", Show::Rounded("duration_ms.p99")),
    ];
    View { csv, keys: keys(&["tool"]), inner: Vec::new(), figures }
}

/// The columns of what a report is by: of times their names only, of workspaces their labels.
fn report_keys(names: &[&'static str]) -> Vec<Column> {
    let shown = names.iter().filter(|name| !["start", "workspace_label"].contains(name));
    let column = |name: &&'static str| match *name {
        "workspace" => Column::new(name, Show::Labelled("workspace", "workspace_label")),
        name => Column::new(name, Show::Text(name)),
    };
    shown.map(column).collect()
}

/// Counts and sums by something, and by model within that.
pub(super) fn report(by: &[&'static str], inner: &[&'static str]) -> View {
    let mut csv = owned(by);
    csv.extend(owned(inner));
    csv.extend(owned(&SUMS));
    csv.extend(owned(&["duration_ms.n", "duration_ms.total", "duration_ms.avg"]));
    csv.extend(owned(&TOKENS));
    let figures = vec![
        Column::new("calls", Show::Count("calls")),
        Column::new("input", Show::Count("tokens.input")),
        Column::new("output", Show::Count("tokens.output")),
        Column::new("cache write", CACHE_WRITES),
        Column::new("cache read", Show::Count("tokens.cache_read")),
        Column::new("tokens", Show::Count("tokens.total")),
        Column::new("cost usd", Show::Text("cost_usd")).right(),
    ];
    View { csv, keys: report_keys(by), inner: keys(inner), figures }
}

pub(super) fn blocks(inner: &[&'static str]) -> View {
    let mut csv = owned(&["start", "end", "first_at", "last_at", "is_active", "is_gap"]);
    csv.extend(owned(inner));
    csv.extend(owned(&["calls", "failed", "cost_usd"]));
    csv.extend(owned(&TOKENS));
    if inner.is_empty() {
        csv.extend(owned(&["unpriced_calls", "burn_rate.tokens_per_minute", "burn_rate.usd_per_hour"]));
        csv.extend(owned(&["projection.tokens", "projection.usd", "projection.remaining_minutes"]));
    }
    let figures = vec![
        Column::new("end", Show::Time("end")),
        Column::new("", Show::Word(&[("is_active", "active"), ("is_gap", "gap")])),
        Column::new("models", Show::List("models")),
        Column::new("calls", Show::Count("calls")),
        Column::new("tokens", Show::Count("tokens.total")),
        Column::new("cost usd", Show::Text("cost_usd")).right(),
    ];
    View { csv, keys: vec![Column::new("start", Show::Time("start"))], inner: keys(inner), figures }
}

pub(super) fn sessions(inner: &[&'static str]) -> View {
    let mut csv = owned(&[
        "session",
        "parent",
        "agent",
        "workspace",
        "workspace_label",
        "first_at",
        "last_at",
        "calls",
        "failed",
    ]);
    csv.extend(owned(&["cost_usd", "cost_ok_usd"]));
    csv.extend(owned(&TOKENS));
    csv.extend(owned(&["turns", "tools"]));
    csv.extend(owned(inner));
    let figures = vec![
        Column::new("began", Show::Time("first_at")),
        Column::new("last", Show::Time("last_at")),
        Column::new("agent", Show::Text("agent")),
        Column::new("workspace", Show::Labelled("workspace", "workspace_label")),
        Column::new("calls", Show::Count("calls")),
        Column::new("failed", Show::Count("failed")),
        Column::new("turns", Show::Count("turns")),
        Column::new("tools", Show::Count("tools")),
        Column::new("cost usd", Show::Text("cost_usd")).right(),
        Column::new("tokens", Show::Count("tokens.total")),
    ];
    View { csv, keys: keys(&["session"]), inner: keys(inner), figures }
}

pub(super) fn turns() -> View {
    let mut csv = owned(&["session", "turn", "workspace", "started_at", "completed_at", "status", "error_class"]);
    csv.extend(owned(&["duration_ms", "calls", "failed", "cost_usd", "cost_ok_usd"]));
    csv.extend(owned(&TOKENS));
    let figures = vec![
        Column::new("began", Show::Time("started_at")),
        Column::new("status", Show::Text("status")),
        Column::new("error", Show::Text("error_class")),
        Column::new("ms", Show::Rounded("duration_ms")),
        Column::new("calls", Show::Count("calls")),
        Column::new("failed", Show::Count("failed")),
        Column::new("cost usd", Show::Text("cost_usd")).right(),
        Column::new("tokens", Show::Count("tokens.total")),
    ];
    View { csv, keys: keys(&["session", "turn"]), inner: Vec::new(), figures }
}

pub(super) fn errors() -> View {
    let csv = owned(&["status", "error_class", "calls", "cost_usd", "first_at", "last_at"]);
    let figures = vec![
        // Of all, it is how many of the calls did not end well.
        Column::new("calls", Show::CountOr("failed", "calls")),
        Column::new("cost usd", Show::Text("cost_usd")).right(),
        Column::new("first", Show::Time("first_at")),
        Column::new("last", Show::Time("last_at")),
    ];
    View { csv, keys: keys(&["status", "error_class"]), inner: Vec::new(), figures }
}

pub(super) fn counts() -> View {
    let csv = owned(&["calls", "invocations", "tools", "turns", "sessions"]);
    let figures = ["calls", "invocations", "tools", "turns", "sessions"];
    let figures = figures.into_iter().map(|name| Column::new(name, Show::Count(name))).collect();
    View { csv, keys: Vec::new(), inner: Vec::new(), figures }
}
