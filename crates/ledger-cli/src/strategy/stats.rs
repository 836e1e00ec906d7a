//! Statistics for people, in several small tables.

use ledger_projections::StrategyFilter;
use ledger_projections::strategy::{Comparison, Count, StrategyStats};
use serde::Serialize;

use super::views;
use crate::below;
use crate::cli::TableFormat;
use crate::failure::{Failure, Outcome};
use crate::output;
use crate::print::{Asked, during, field, plain};

/// Prints all statistics of some executions; as CSV, what fits a line.
pub(super) fn print(asked: &Asked, document: &impl Serialize, stats: &StrategyStats) -> Outcome {
    if asked.format == TableFormat::Json {
        return output::json(document);
    }
    let document = value(document)?;
    if asked.format == TableFormat::Csv {
        let row = line(&views::stats(""), field(&document, "stats"));
        return output::csv(views::stats(""), [row]);
    }
    output::line(format_args!("executions; {}; {}", during(asked.window, asked.zone), asked.zone))?;
    let total = stats.outcomes.total;
    let known = ["ok", "error", "timeout", "limit"];
    let others = stats.outcomes.statuses.keys().map(String::as_str).filter(|status| !known.contains(status));
    let statuses: Vec<&str> = known.into_iter().chain(others).collect();
    let rows = statuses.iter().filter_map(|status| Some((*status, *stats.outcomes.statuses.get(*status)?)));
    counts("STATUS", rows.map(|(status, count)| (status.to_owned(), count)).chain([("total".into(), total)]))?;
    output::fields(&[
        ("success rate", percent(stats.outcomes.success_rate)),
        ("error rate", percent(stats.outcomes.error_rate)),
        ("duration ms", durations(stats)),
        (
            "nodes",
            format!("avg {}, max {}", real(stats.nodes.avg), stats.nodes.max.map_or("-".into(), |n| n.to_string())),
        ),
        ("points", format!("sum {}, avg {}", real(Some(stats.points.sum)), real(stats.points.avg))),
    ])?;
    let errors = stats.errors.iter().map(|error| (error.error_code.clone(), error.count));
    counts("ERROR CODE", errors)?;
    let no_rule = || "(no rule matched)".to_owned();
    let cases = stats.cases.iter().map(|case| (case.case_name.clone().unwrap_or_else(no_rule), case.count));
    counts("CASE", cases)?;
    counts("DURATION", stats.duration_histogram.iter().map(|bucket| (bucket.label.clone(), bucket.count)))?;
    let points = stats.points.histogram.iter();
    counts("POINTS", points.map(|bin| (format!("{} to {}", real(Some(bin.from)), real(Some(bin.to))), bin.count)))?;
    below::lines(&document).iter().try_for_each(output::line)
}

/// Prints two of them side by side.
pub(super) fn print_comparison(
    asked: &Asked,
    document: &impl Serialize,
    (a, b): (&StrategyFilter, &StrategyFilter),
    comparison: &Comparison,
) -> Outcome {
    if asked.format == TableFormat::Json {
        return output::json(document);
    }
    let document = value(document)?;
    let name = |filter: &StrategyFilter| filter.strategies.join(", ");
    if asked.format == TableFormat::Csv {
        let columns = views::stats("strategy_id");
        let rows = [("comparison.a", a), ("comparison.b", b)].map(|(side, filter)| {
            let mut row = line(&columns, field(&document, side));
            if let Some(first) = row.first_mut() {
                *first = name(filter);
            }
            row
        });
        return output::csv(columns, rows);
    }
    let titled = |filter: &StrategyFilter| format!("{}, {}", name(filter), during(filter.window, asked.zone));
    output::line(format_args!("a: {}; b: {}; {}", titled(a), titled(b), asked.zone))?;
    let Comparison { a, b, delta } = comparison;
    let rates = |value: fn(&StrategyStats) -> Option<f64>| [percent(value(a)), percent(value(b))];
    let reals = |value: fn(&StrategyStats) -> Option<f64>| [real(value(a)), real(value(b))];
    let row = |name: &str, [a, b]: [String; 2], delta: String| [name.to_owned(), a, b, delta];
    output::table(
        ["", "A", "B", "B - A"],
        [
            row("executions", reals(|stats| Some(stats.outcomes.total.executions)), String::new()),
            row("success rate", rates(|stats| stats.outcomes.success_rate), percent(delta.success_rate)),
            row("error rate", rates(|stats| stats.outcomes.error_rate), percent(delta.error_rate)),
            row("p95 ms", reals(|stats| stats.duration_ms.p95), real(delta.p95_ms)),
            row("avg ms", reals(|stats| stats.duration_ms.avg), real(delta.avg_ms)),
            row("avg points", reals(|stats| stats.points.avg), real(delta.points_avg)),
        ],
    )?;
    below::lines(&document).iter().try_for_each(output::line)
}

fn value(document: &impl Serialize) -> Result<serde_json::Value, Failure> {
    serde_json::to_value(document).map_err(|error| Failure::other(format!("the answer could not be written: {error}")))
}

fn line(columns: &[String], value: Option<&serde_json::Value>) -> Vec<String> {
    columns.iter().map(|name| value.and_then(|value| field(value, name)).map(plain).unwrap_or_default()).collect()
}

/// A table of how often there is what; none where there is nothing.
fn counts(what: &'static str, rows: impl Iterator<Item = (String, Count)>) -> Outcome {
    let rows: Vec<[String; 3]> =
        rows.map(|(name, count)| [name, count.rows.to_string(), real(Some(count.executions))]).collect();
    if rows.is_empty() {
        return Ok(());
    }
    output::line("")?;
    output::table([what, "ROWS", "EXECUTIONS"], rows)
}

fn durations(stats: &StrategyStats) -> String {
    let of = &stats.duration_ms;
    let figures =
        [("avg", of.avg), ("min", of.min), ("p50", of.p50), ("p95", of.p95), ("p99", of.p99), ("max", of.max)];
    figures.map(|(name, value)| format!("{name} {}", real(value))).join(", ")
}

fn percent(share: Option<f64>) -> String {
    share.map_or("-".into(), |share| format!("{:.1} %", share * 100.0))
}

fn real(value: Option<f64>) -> String {
    value.map_or("-".into(), |value| format!("{value:.1}"))
}
