//! Answers with the names of fields that `ccusage --json` has, for programs that were written for it.
//!
//! What it prints is described in its guide (`docs/guide/json-output.md`, `weekly-reports.md`, `session-reports.md`) and,
//! where that and the program differ, by the program, of version 20. Costs are real numbers there, and 0 where nobody knows
//! them.

use std::collections::{BTreeMap, BTreeSet};

use agent_ledger::Timestamp;
use ledger_projections::usage::{
    Block, Blocks, BurnRate, LimitStatus, Projected, SessionRow, TokenSums, UsageAnswer, UsageRow,
};
use ledger_projections::{PicoUsd, Width};
use serde::{Serialize, Serializer};
use serde_json::{Map, Value, json};

/// What a model is called whose name nobody knows.
const UNKNOWN: &str = "unknown";

/// Tokens and cost, as they are summed.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Sums {
    input: i64,
    output: i64,
    cache_creation: i64,
    cache_read: i64,
    cost: PicoUsd,
}

impl Sums {
    fn new(tokens: &TokenSums, cost: PicoUsd) -> Self {
        Self {
            input: tokens.input,
            output: tokens.output,
            cache_creation: created(tokens),
            cache_read: tokens.cache_read,
            cost,
        }
    }

    fn add(&mut self, other: &Self) {
        let Self { input, output, cache_creation, cache_read, cost } = other;
        self.input += input;
        self.output += output;
        self.cache_creation += cache_creation;
        self.cache_read += cache_read;
        self.cost += *cost;
    }

    const fn total(&self) -> i64 {
        self.input + self.output + self.cache_creation + self.cache_read
    }

    fn fields(&self) -> Map<String, Value> {
        let fields = [
            ("inputTokens", json!(self.input)),
            ("outputTokens", json!(self.output)),
            ("cacheCreationTokens", json!(self.cache_creation)),
            ("cacheReadTokens", json!(self.cache_read)),
            ("totalTokens", json!(self.total())),
            ("totalCost", json!(self.cost.to_f64())),
        ];
        fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }
}

const fn created(tokens: &TokenSums) -> i64 {
    tokens.cache_write_5m + tokens.cache_write_1h + tokens.cache_write
}

/// `daily`, `weekly` or `monthly`, or `projects` when each is apart; and `totals`.
pub(super) fn over_time(answer: &UsageAnswer, width: Width, by_project: bool) -> Value {
    let mut totals = Sums::default();
    let mut list = Vec::new();
    let mut projects: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    let (plural, singular) = match width {
        Width::Month => ("monthly", "month"),
        Width::Week(_) => ("weekly", "week"),
        Width::Day | Width::Minutes(_) => ("daily", "date"),
    };
    for row in &answer.rows {
        let metrics = &row.metrics;
        let sums = Sums::new(&metrics.tokens, metrics.cost);
        totals.add(&sums);
        let mut fields = sums.fields();
        fields.extend(models(row.breakdown.as_deref().unwrap_or_default()));
        if let Some((_, Some(label))) = row.key.first() {
            fields.insert(singular.to_owned(), json!(label));
        }
        let project = value(row, "workspace_label").or_else(|| value(row, "workspace"));
        let is_apart = row.key.iter().any(|(name, _)| *name == "workspace");
        let project = project.unwrap_or(UNKNOWN).to_owned();
        if is_apart {
            fields.insert("project".into(), json!(project));
        }
        if by_project {
            projects.entry(project).or_default().push(fields.into());
        } else {
            list.push(Value::Object(fields));
        }
    }
    if by_project {
        return json!({"projects": projects, "totals": totals.fields()});
    }
    json!({plural: list, "totals": totals.fields()})
}

fn value<'r>(row: &'r UsageRow, column: &str) -> Option<&'r str> {
    row.key.iter().find(|(name, _)| *name == column).and_then(|(_, value)| value.as_deref())
}

/// `modelsUsed`, in the order of the alphabet, and `modelBreakdowns`, the most expensive first.
fn models(rows: &[UsageRow]) -> [(String, Value); 2] {
    let mut by_name: BTreeMap<&str, Sums> = BTreeMap::new();
    for row in rows {
        let name = value(row, "model").unwrap_or(UNKNOWN);
        by_name.entry(name).or_default().add(&Sums::new(&row.metrics.tokens, row.metrics.cost));
    }
    let names: BTreeSet<&str> = by_name.keys().copied().collect();
    let mut breakdowns: Vec<(&str, Sums)> = by_name.into_iter().collect();
    breakdowns.sort_by_key(|(_, sums)| std::cmp::Reverse(sums.cost));
    let breakdowns: Vec<Value> = breakdowns
        .into_iter()
        .map(|(name, sums)| {
            json!({
                "modelName": name,
                "inputTokens": sums.input,
                "outputTokens": sums.output,
                "cacheCreationTokens": sums.cache_creation,
                "cacheReadTokens": sums.cache_read,
                "cost": sums.cost.to_f64(),
            })
        })
        .collect();
    [("modelsUsed".into(), json!(names)), ("modelBreakdowns".into(), json!(breakdowns))]
}

/// Sessions that have tokens, and their totals.
#[derive(Default)]
pub(super) struct Sessions {
    rows: Vec<(PicoUsd, Value)>,
    totals: Sums,
}

impl Sessions {
    /// A page of them.
    pub(super) fn add(&mut self, rows: &[SessionRow]) {
        for row in rows.iter().filter(|row| row.tokens.total() > 0) {
            let sums = Sums::new(&row.tokens, row.cost_usd);
            self.totals.add(&sums);
            let mut fields = sums.fields();
            fields.extend(models(row.breakdown.as_deref().unwrap_or_default()));
            let project = row.workspace_label.as_deref().or(row.workspace.as_deref()).unwrap_or(UNKNOWN);
            let more = [
                ("sessionId", json!(row.session)),
                ("firstActivity", json!(time(row.first_at))),
                ("lastActivity", json!(time(row.last_at))),
                ("projectPath", json!(project)),
            ];
            fields.extend(more.map(|(name, value)| (name.to_owned(), value)));
            self.rows.push((row.cost_usd, fields.into()));
        }
    }

    /// `sessions`, the most expensive first, and `totals`.
    pub(super) fn document(mut self) -> Value {
        self.rows.sort_by_key(|(cost, _)| std::cmp::Reverse(*cost));
        let rows: Vec<Value> = self.rows.into_iter().map(|(_, row)| row).collect();
        json!({"sessions": rows, "totals": self.totals.fields()})
    }
}

/// `blocks`.
pub(super) fn blocks(answer: &Blocks) -> impl Serialize + '_ {
    struct Rows<'b>(&'b [Block]);
    impl Serialize for Rows<'_> {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_seq(self.0.iter().map(block))
        }
    }
    BTreeMap::from([("blocks", Rows(&answer.rows))])
}

fn block(block: &Block) -> Value {
    let tokens = &block.tokens;
    let gap = if block.is_gap { "gap-" } else { "" };
    let mut row = json!({
        "id": format!("{gap}{}", time(block.start)),
        "startTime": time(block.start),
        "endTime": time(block.end),
        "actualEndTime": block.last_at.map(time),
        "isActive": block.is_active,
        "isGap": block.is_gap,
        "entries": block.calls,
        "tokenCounts": {
            "inputTokens": tokens.input,
            "outputTokens": tokens.output,
            "cacheCreationInputTokens": created(tokens),
            "cacheReadInputTokens": tokens.cache_read,
        },
        "totalTokens": tokens.total(),
        "costUSD": block.cost_usd.to_f64(),
        "models": block.models,
        "burnRate": block.burn_rate.map(|rate| {
            let BurnRate { tokens_per_minute, uncached_tokens_per_minute, usd_per_hour } = rate;
            json!({
                "tokensPerMinute": tokens_per_minute,
                "tokensPerMinuteForIndicator": uncached_tokens_per_minute,
                "costPerHour": usd_per_hour,
            })
        }),
        "projection": block.projection.map(|projected| {
            let Projected { tokens, usd, remaining_minutes } = projected;
            json!({"totalTokens": tokens, "totalCost": usd, "remainingMinutes": remaining_minutes})
        }),
    });
    if let (Some(limit), Some(projected), Some(row)) = (block.limit, block.projection, row.as_object_mut()) {
        let LimitStatus { tokens, projected_percent, status } = limit;
        let status = json!({
            "limit": tokens,
            "projectedUsage": projected.tokens,
            "percentUsed": projected_percent,
            "status": status,
        });
        row.insert("tokenLimitStatus".into(), status);
    }
    row
}

/// With three digits of fraction, as programs in JavaScript write times.
fn time(time: Timestamp) -> String {
    time.to_chrono().format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}
