//! What people are told below a table.

use serde_json::Value;

use crate::print::{field, grouped, plain};

/// Lines below a table: what is left out, what has no price, and what is not as one might think.
pub(crate) fn lines(document: &Value) -> Vec<String> {
    let told = [more(document), next(document), failed(document), unpriced(document), never_used(document)];
    let told = told.into_iter().flatten().chain(active(document)).chain(passed_over(document));
    told.chain(removed(document)).chain(notes(document).map(|note| format!("note: {note}"))).collect()
}

/// The notes of an answer.
pub(crate) fn notes(document: &Value) -> impl Iterator<Item = String> + '_ {
    field(document, "notes").and_then(Value::as_array).into_iter().flatten().map(plain)
}

fn int(value: &Value, name: &str) -> Option<i64> {
    field(value, name).and_then(Value::as_i64)
}

fn more(document: &Value) -> Option<String> {
    let shown = i64::try_from(field(document, "rows")?.as_array()?.len()).ok()?;
    let more = int(document, "of_rows")? - shown;
    (more > 0).then(|| format!("{} more; --limit shows up to 1,000, and the total is of all", grouped(more)))
}

fn next(document: &Value) -> Option<String> {
    field(document, "next").and_then(Value::as_str).map(|next| format!("there are more: --after '{next}'"))
}

fn failed(document: &Value) -> Option<String> {
    let (failed, calls) = (int(document, "total.failed")?, int(document, "total.calls")?);
    let share = field(document, "total.error_rate")?.as_f64()?;
    Some(format!("{} of {} calls did not end well: {:.1} %", grouped(failed), grouped(calls), share * 100.0))
}

/// What has no price.
pub(crate) fn unpriced(document: &Value) -> Option<String> {
    let unpriced = field(document, "unpriced")?;
    let calls = int(unpriced, "calls").filter(|calls| *calls > 0)?;
    let tokens = grouped(int(unpriced, "tokens").unwrap_or_default());
    let models = field(unpriced, "models")?.as_array()?.iter().map(|model| {
        let name = |name| field(model, name).and_then(Value::as_str).unwrap_or("not known");
        let (calls, tokens) = (int(model, "calls").unwrap_or_default(), int(model, "tokens").unwrap_or_default());
        format!("{} ({}): {} calls, {} tokens", name("model"), name("provider"), grouped(calls), grouped(tokens))
    });
    let models = models.collect::<Vec<_>>().join("; ");
    Some(format!("{tokens} tokens of {} calls are unpriced, in no sum of money: {models}", grouped(calls)))
}

/// How fast the active block is used up, and where that leads.
fn active(document: &Value) -> Vec<String> {
    let real = |block: &Value, name: &str| field(block, name).and_then(Value::as_f64).unwrap_or_default();
    let blocks = field(document, "rows").and_then(Value::as_array).into_iter().flatten();
    let line = |block: &Value| {
        let (minutes, tokens) = (int(block, "projection.remaining_minutes")?, int(block, "projection.tokens")?);
        let rate = format!(
            "{:.0} tokens a minute, {:.2} usd an hour",
            real(block, "burn_rate.tokens_per_minute"),
            real(block, "burn_rate.usd_per_hour")
        );
        let then = format!("{} tokens, {:.2} usd", grouped(tokens), real(block, "projection.usd"));
        let limit = int(block, "limit.tokens").map(|limit| {
            let status = field(block, "limit.status").map(plain).unwrap_or_default();
            format!("; {:.1} % of {}: {status}", real(block, "limit.projected_percent"), grouped(limit))
        });
        let (hours, minutes) = (minutes / 60, minutes % 60);
        Some(format!("active: {rate}; at its end, in {hours} h {minutes} min: {then}{}", limit.unwrap_or_default()))
    };
    blocks.filter_map(line).collect()
}

fn never_used(document: &Value) -> Option<String> {
    let names = field(document, "never_used")?.as_array()?;
    (!names.is_empty()).then(|| format!("never used: {}", names.iter().map(plain).collect::<Vec<_>>().join(", ")))
}

fn passed_over(document: &Value) -> Vec<String> {
    let reasons = field(document, "total.passed_over").and_then(Value::as_object).into_iter().flatten();
    let line = |(reason, kinds): (&String, &Value)| {
        let kinds = kinds.as_object()?.iter().map(|(kind, events)| format!("{} {kind}", plain(events)));
        Some(format!("passed over, {reason}: {}", kinds.collect::<Vec<_>>().join(", ")))
    };
    reasons.filter_map(line).collect()
}

fn removed(document: &Value) -> Option<String> {
    let before = field(document, "rows_removed_before")?.as_str()?;
    let error = field(document, "percentiles.relative_error").and_then(Value::as_f64).unwrap_or_default();
    let percentiles = match error > 0.0 {
        true => format!("percentiles are of three leading digits, at most {} % from the exact ones", error * 100.0),
        false => "percentiles are of the rows that are there".into(),
    };
    Some(format!("rows of before {before} are removed: sums over them are exact, {percentiles}"))
}
