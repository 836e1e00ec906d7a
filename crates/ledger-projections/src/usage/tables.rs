//! The tables of the usage projection. Their names and columns are documented in `docs/usage.md`.
//!
//! Whatever comes from outside and may be a key is a name; a name that is not known is empty where it is a part of a key
//! of sums, and `NULL` where it is not. Times are microseconds since 1970, UTC; durations are microseconds.

use crate::store::{Column, Table, Type};

/// One row per call that counts.
pub(super) const CALLS: Table = Table {
    name: "usage_calls",
    columns: &[
        Column::new("call_key", Type::Name),
        Column::new("event_id", Type::Name),
        Column::new("revision", Type::Int),
        Column::new("tenant", Type::Name),
        Column::new("operation", Type::Name),
        Column::optional("call_id", Type::Name),
        Column::optional("session_id", Type::Name),
        Column::optional("turn_id", Type::Name),
        Column::new("provider", Type::Name),
        Column::new("model", Type::Name),
        Column::new("workspace", Type::Name),
        Column::new("started_at", Type::Int),
        // When the first call of its invocation started.
        Column::new("invoked_at", Type::Int),
        // Whether it is that first call, so that invocations are counted once, in one window.
        Column::new("leads", Type::Flag),
        Column::new("status", Type::Name),
        Column::optional("error_class", Type::Name),
        Column::optional("http_status", Type::Int),
        Column::optional("attempt", Type::Int),
        Column::optional("duration_us", Type::Int),
        Column::optional("ttft_us", Type::Int),
        Column::new("input", Type::Int),
        Column::new("cache_read", Type::Int),
        Column::new("cache_write_5m", Type::Int),
        Column::new("cache_write_1h", Type::Int),
        Column::new("cache_write", Type::Int),
        Column::new("output", Type::Int),
        Column::optional("reasoning", Type::Int),
        Column::new("input_total", Type::Int),
        Column::optional("pico_usd", Type::Int),
        Column::optional("cost_source", Type::Name),
        Column::optional("price_version", Type::Name),
        // What the price depends on besides.
        Column::optional("service_tier", Type::Name),
        Column::optional("speed", Type::Name),
        Column::optional("inference_geo", Type::Name),
        Column::optional("web_searches", Type::Int),
    ],
    key: 1,
    indexes: &[
        &["tenant", "started_at"],
        &["started_at"],
        &["session_id", "started_at"],
        &["tenant", "operation", "call_id"],
    ],
};

/// Keys whose calls do not count, because they are known under better keys.
pub(super) const REPLACED: Table =
    Table { name: "usage_replaced", columns: &[Column::new("call_key", Type::Name)], key: 1, indexes: &[] };

/// One row per call of a tool.
pub(super) const TOOLS: Table = Table {
    name: "usage_tools",
    columns: &[
        Column::new("tool_key", Type::Name),
        Column::new("session_id", Type::Name),
        Column::optional("turn_id", Type::Name),
        Column::new("tool_name", Type::Name),
        Column::new("workspace", Type::Name),
        Column::new("started_at", Type::Int),
        Column::optional("completed_at", Type::Int),
        Column::optional("duration_us", Type::Int),
        // What its own clock measured; else the duration is what lies between its ends.
        Column::optional("measured_us", Type::Int),
        Column::new("status", Type::Name),
        Column::optional("error_class", Type::Name),
        // The best event that told of the beginning, and of the end.
        Column::optional("start_revision", Type::Int),
        Column::optional("start_event_id", Type::Name),
        Column::optional("end_revision", Type::Int),
        Column::optional("end_event_id", Type::Name),
    ],
    key: 1,
    indexes: &[&["tool_name", "started_at"], &["started_at"], &["session_id", "started_at"]],
};

/// One row per turn; its columns are those of a call of a tool but for the tool's name.
pub(super) const TURNS: Table = Table {
    name: "usage_turns",
    columns: &[
        Column::new("turn_key", Type::Name),
        Column::new("session_id", Type::Name),
        Column::optional("turn_id", Type::Name),
        Column::new("workspace", Type::Name),
        Column::new("started_at", Type::Int),
        Column::optional("completed_at", Type::Int),
        Column::optional("duration_us", Type::Int),
        Column::optional("measured_us", Type::Int),
        Column::new("status", Type::Name),
        Column::optional("error_class", Type::Name),
        Column::optional("start_revision", Type::Int),
        Column::optional("start_event_id", Type::Name),
        Column::optional("end_revision", Type::Int),
        Column::optional("end_event_id", Type::Name),
    ],
    key: 1,
    indexes: &[&["started_at"], &["session_id", "started_at"]],
};

/// One row per session that any event names.
pub(super) const SESSIONS: Table = Table {
    name: "usage_sessions",
    columns: &[
        Column::new("session_id", Type::Name),
        Column::optional("event_id", Type::Name),
        Column::optional("parent_session_id", Type::Name),
        Column::new("workspace", Type::Name),
        Column::optional("agent", Type::Name),
        Column::optional("provider", Type::Name),
        Column::optional("model", Type::Name),
        Column::new("first_at", Type::Int),
        Column::new("last_at", Type::Int),
    ],
    key: 1,
    indexes: &[&["first_at", "session_id"], &["workspace"]],
};

/// What workspaces are called.
pub(super) const WORKSPACES: Table = Table {
    name: "usage_workspaces",
    columns: &[Column::new("workspace", Type::Name), Column::new("label", Type::Name)],
    key: 1,
    indexes: &[],
};

/// Sums over the calls of a quarter of an hour. They stay when the calls are removed.
pub(super) const CELLS: Table = Table {
    name: "usage_cells",
    columns: &[
        Column::new("slot", Type::Int),
        Column::new("tenant", Type::Name),
        Column::new("operation", Type::Name),
        Column::new("provider", Type::Name),
        Column::new("model", Type::Name),
        Column::new("workspace", Type::Name),
        Column::new("status", Type::Name),
        Column::new("calls", Type::Int),
        Column::new("invocations", Type::Int),
        Column::new("unpriced", Type::Int),
        Column::new("unpriced_tokens", Type::Int),
        // Cost is the sum of both: in one number 64 bits would end at nine million dollars.
        Column::new("micro_usd", Type::Int),
        Column::new("rest_pico_usd", Type::Int),
        Column::new("input", Type::Int),
        Column::new("cache_read", Type::Int),
        Column::new("cache_write_5m", Type::Int),
        Column::new("cache_write_1h", Type::Int),
        Column::new("cache_write", Type::Int),
        Column::new("output", Type::Int),
        Column::new("reasoning", Type::Int),
        Column::new("input_total", Type::Int),
        Column::new("timed", Type::Int),
        Column::new("duration_us", Type::Int),
    ],
    key: 7,
    indexes: &[],
};

/// The same of tools; of turns, which have no name.
pub(super) const SPAN_CELLS: Table = Table {
    name: "usage_span_cells",
    columns: &[
        Column::new("slot", Type::Int),
        // `tool` or `turn`.
        Column::new("what", Type::Name),
        Column::new("tool_name", Type::Name),
        Column::new("workspace", Type::Name),
        Column::new("status", Type::Name),
        Column::new("spans", Type::Int),
        Column::new("timed", Type::Int),
        Column::new("duration_us", Type::Int),
    ],
    key: 5,
    indexes: &[],
};

/// How the values of removed rows are distributed, per UTC day: how many have the same three leading digits.
pub(super) const BINS: Table = Table {
    name: "usage_days",
    columns: &[
        Column::new("day", Type::Int),
        // `duration`, `input` or `output` of calls that went well; `tool` or `turn`: the duration of those.
        Column::new("measure", Type::Name),
        Column::new("tenant", Type::Name),
        Column::new("operation", Type::Name),
        Column::new("provider", Type::Name),
        Column::new("model", Type::Name),
        Column::new("workspace", Type::Name),
        Column::new("tool_name", Type::Name),
        // The least value with these digits.
        Column::new("bin", Type::Int),
        Column::new("n", Type::Int),
        Column::new("least", Type::Int),
        Column::new("greatest", Type::Int),
    ],
    key: 9,
    indexes: &[],
};

/// How many events were passed over, and why.
pub(super) const PASSED_OVER: Table = Table {
    name: "usage_passed_over",
    columns: &[Column::new("reason", Type::Name), Column::new("kind", Type::Name), Column::new("events", Type::Int)],
    key: 2,
    indexes: &[],
};

/// All of them.
pub(super) const ALL: [Table; 10] =
    [CALLS, REPLACED, TOOLS, TURNS, SESSIONS, WORKSPACES, CELLS, SPAN_CELLS, BINS, PASSED_OVER];
