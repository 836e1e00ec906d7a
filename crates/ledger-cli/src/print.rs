//! Answers in the three formats: the library's document, and tables that are made from it.

use agent_ledger::Timestamp;
use ledger_projections::{Window, Zone};
use serde::Serialize;
use serde_json::Value;

use crate::below;
use crate::cli::{CatchUpArgs, TableFormat};
use crate::failure::{Failure, Outcome};
use crate::output;

/// What all questions have in common.
pub(crate) struct Asked {
    pub(crate) zone: Zone,
    pub(crate) window: Window,
    pub(crate) catch_up: CatchUpArgs,
    pub(crate) format: TableFormat,
}

impl Asked {
    /// Everything, for people, from a projection that has caught up.
    pub(crate) fn everything() -> Self {
        Self {
            zone: Zone::UTC,
            window: Window::ALL,
            catch_up: CatchUpArgs { no_catch_up: true, workspaces: None },
            format: TableFormat::Text,
        }
    }
}

/// The columns of an answer.
pub(crate) struct View {
    /// All columns of a row, by the names of its fields; those within others after a dot.
    pub(crate) csv: Vec<String>,
    /// What tells rows apart, for people.
    pub(crate) keys: Vec<Column>,
    /// What tells the rows of a breakdown apart.
    pub(crate) inner: Vec<Column>,
    /// Figures, for people.
    pub(crate) figures: Vec<Column>,
}

/// A column for people.
pub(crate) struct Column {
    title: String,
    show: Show,
    is_right: bool,
}

/// How a value is shown; fields within others are named after a dot.
#[derive(Clone, Copy)]
pub(crate) enum Show {
    Text(&'static str),
    /// A label, and the key where that is something else.
    Labelled(&'static str, &'static str),
    Time(&'static str),
    Count(&'static str),
    /// Of the first field that is there.
    CountOr(&'static str, &'static str),
    Sum(&'static [&'static str]),
    Rounded(&'static str),
    Percent(&'static str),
    /// Names, one after the other.
    List(&'static str),
    /// The word of the first field that is true.
    Word(&'static [(&'static str, &'static str)]),
}

impl Column {
    pub(crate) fn new(title: &str, show: Show) -> Self {
        let is_right =
            !matches!(show, Show::Text(_) | Show::Labelled(..) | Show::Time(_) | Show::List(_) | Show::Word(_));
        Self { title: title.to_uppercase().replace('_', " "), show, is_right }
    }

    pub(crate) fn right(self) -> Self {
        Self { is_right: true, ..self }
    }
}

/// Prints an answer.
pub(crate) fn print(asked: &Asked, what: &str, view: &View, document: &impl Serialize) -> Outcome {
    if asked.format == TableFormat::Json {
        return output::json(document);
    }
    let document = serde_json::to_value(document)
        .map_err(|error| Failure::other(format!("the answer could not be written: {error}")))?;
    if asked.format == TableFormat::Csv {
        below::notes(&document).for_each(|note| eprintln!("agent-ledger: {note}"));
        return csv(view, &document);
    }
    output::line(heading(asked, what, &document))?;
    let header = view.keys.iter().chain(&view.figures);
    let right = header.clone().map(|column| column.is_right).collect();
    let header = header.map(|column| column.title.clone()).collect();
    output::aligned(header, text(view, &document, asked.zone), right)?;
    below::lines(&document).iter().try_for_each(output::line)
}

/// What it is about: the time, in which zone, and up to where the ledger is folded in.
fn heading(asked: &Asked, what: &str, document: &Value) -> String {
    let mut heading = what.to_owned();
    if field(document, "per") == Some(&Value::from("invocation")) {
        heading.push_str(" per invocation");
    }
    if field(document, "counting") == Some(&Value::from("successful")) {
        heading.push_str(", tokens and money of successful calls");
    }
    let offset = field(document, "offset").map(plain).unwrap_or_default();
    let prices = field(document, "prices").map(|prices| format!("; prices {}", plain(prices))).unwrap_or_default();
    format!("{heading}; {}; {}; up to offset {offset}{prices}", during(asked.window, asked.zone), asked.zone)
}

pub(crate) fn during(window: Window, zone: Zone) -> String {
    let show = |time: Timestamp| zone.show(time);
    match (window.since().map(show), window.until().map(show)) {
        (None, None) => "all time".into(),
        (Some(since), None) => format!("since {since}"),
        (None, Some(until)) => format!("before {until}"),
        (Some(since), Some(until)) => format!("from {since} to before {until}"),
    }
}

/// One line per row, those of breakdowns each; what is not told apart is the line of all.
fn csv(view: &View, document: &Value) -> Outcome {
    let rows = rows(document);
    let all: Vec<&Value> =
        if view.keys.is_empty() { field(document, "total").into_iter().collect() } else { Vec::new() };
    let outer = rows.iter().chain(all).flat_map(|row| {
        let inner = field(row, "breakdown").and_then(Value::as_array);
        inner.map_or_else(|| vec![(row, row)], |inner| inner.iter().map(|inner| (row, inner)).collect())
    });
    let lines = outer.map(|(row, inner)| {
        // What an inner row does not say, such as its own tenant, the outer one does.
        let value = |name: &String| field(inner, name).or_else(|| field(row, name)).map(plain).unwrap_or_default();
        view.csv.iter().map(value).collect::<Vec<_>>()
    });
    output::csv(view.csv.clone(), lines)
}

/// Rows for people, those of breakdowns below theirs, and the one of all last.
fn text(view: &View, document: &Value, zone: Zone) -> Vec<Vec<String>> {
    let mut lines = Vec::new();
    for row in rows(document) {
        let keys = view.keys.iter().map(|column| column.show.of(row, zone)).collect();
        line(view, keys, row, zone, &mut lines);
    }
    if let Some(total) = field(document, "total").filter(|total| !total.is_null()) {
        let keys = ["total"].into_iter().chain(std::iter::repeat("")).take(view.keys.len());
        line(view, keys.map(str::to_owned).collect(), total, zone, &mut lines);
    }
    lines
}

fn line(view: &View, keys: Vec<String>, row: &Value, zone: Zone, lines: &mut Vec<Vec<String>>) {
    let figures = |row: &Value| view.figures.iter().map(|column| column.show.of(row, zone)).collect::<Vec<_>>();
    let others = keys.len().saturating_sub(1);
    lines.push(keys.into_iter().chain(figures(row)).collect());
    for inner in field(row, "breakdown").and_then(Value::as_array).into_iter().flatten() {
        let name: Vec<String> = view.inner.iter().map(|column| column.show.of(inner, zone)).collect();
        let first = format!("  {}", name.join(" "));
        let rest = std::iter::repeat_n(String::new(), others);
        lines.push([first].into_iter().chain(rest).chain(figures(inner)).collect());
    }
}

impl Show {
    fn of(self, row: &Value, zone: Zone) -> String {
        let int = |name: &str| field(row, name).and_then(Value::as_i64);
        let real = |name: &str| field(row, name).and_then(Value::as_f64);
        let shown = match self {
            Self::Text(name) => text_of(row, name),
            Self::Labelled(key, label) => match (text_of(row, key), text_of(row, label)) {
                (Some(key), Some(label)) if key != label => Some(format!("{label} ({key})")),
                (key, label) => label.or(key),
            },
            Self::Time(name) => text_of(row, name).and_then(|time| Some(zone.show(Timestamp::parse(&time).ok()?))),
            Self::Count(name) => int(name).map(grouped),
            Self::CountOr(one, other) => int(one).or_else(|| int(other)).map(grouped),
            Self::Sum(names) => Some(grouped(names.iter().filter_map(|name| int(name)).sum())),
            Self::Rounded(name) => real(name).map(|value| format!("{value:.1}")),
            Self::List(name) => field(row, name)
                .and_then(Value::as_array)
                .map(|names| names.iter().map(plain).map(|name| printable(&name)).collect::<Vec<_>>().join(", "))
                .filter(|names| !names.is_empty()),
            Self::Word(words) => {
                let is_true = |name: &str| field(row, name).and_then(Value::as_bool) == Some(true);
                words.iter().find(|(name, _)| is_true(name)).map(|(_, word)| (*word).to_owned())
            }
            Self::Percent(name) => real(name).map(|share| format!("{:.1} %", share * 100.0)),
        };
        shown.unwrap_or_else(|| "-".into())
    }
}

/// The rows of an answer.
fn rows(document: &Value) -> &[Value] {
    field(document, "rows").and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// A field, also of an object within the object.
pub(crate) fn field<'v>(value: &'v Value, name: &str) -> Option<&'v Value> {
    name.split('.').try_fold(value, |value, part| value.get(part))
}

/// A value without quotes; nothing where there is none.
pub(crate) fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        value => value.to_string(),
    }
}

/// A text that cannot do anything to a terminal.
fn text_of(row: &Value, name: &str) -> Option<String> {
    field(row, name)?.as_str().map(printable)
}

/// The same of any text.
pub(crate) fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

/// A number with a comma between thousands.
pub(crate) fn grouped(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut grouped = String::from(if number < 0 { "-" } else { "" });
    for (n, digit) in digits.chars().enumerate() {
        if n > 0 && (digits.len() - n).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_told_apart() {
        for (number, text) in [(0, "0"), (999, "999"), (1_000, "1,000"), (14_972_534, "14,972,534"), (-1_234, "-1,234")]
        {
            assert_eq!(grouped(number), text);
        }
    }
}
