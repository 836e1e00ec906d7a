//! What commands print: JSON for programs, text for people.

use std::fmt::Display;
use std::io::{self, IsTerminal, Write};

use agent_ledger::RecordedEvent;
use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use serde::Serialize;

use crate::cli::{Format, TableFormat};
use crate::failure::Outcome;

/// Longest payload in a line for people, in characters.
const PAYLOAD_CHARS: usize = 100;

impl Format {
    /// What was asked for, else text on a terminal and JSON elsewhere.
    pub(crate) fn or_default(format: Option<Self>) -> Self {
        format.unwrap_or(if io::stdout().is_terminal() { Self::Text } else { Self::Json })
    }
}

impl TableFormat {
    /// What was asked for, else text on a terminal and JSON elsewhere.
    pub(crate) fn or_default(format: Option<Self>) -> Self {
        format.unwrap_or(if io::stdout().is_terminal() { Self::Text } else { Self::Json })
    }
}

/// What was made elsewhere.
pub(crate) fn raw(bytes: &[u8]) -> Outcome {
    Ok(io::stdout().lock().write_all(bytes)?)
}

/// A line for people.
pub(crate) fn line(text: impl Display) -> Outcome {
    Ok(writeln!(io::stdout().lock(), "{text}")?)
}

/// One JSON object on one line.
pub(crate) fn json(value: &impl Serialize) -> Outcome {
    let mut out = io::stdout().lock();
    serde_json::to_writer(&mut out, value).map_err(io::Error::from)?;
    writeln!(out)?;
    Ok(())
}

/// A name and a value per line.
pub(crate) fn fields(fields: &[(&str, String)]) -> Outcome {
    let width = fields.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
    let mut out = io::stdout().lock();
    for (name, value) in fields {
        writeln!(out, "{name:width$}  {value}")?;
    }
    Ok(())
}

/// A table with a header.
pub(crate) fn table<const COLUMNS: usize>(
    header: [&str; COLUMNS],
    rows: impl IntoIterator<Item = [String; COLUMNS]>,
) -> Outcome {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(header);
    for row in rows {
        table.add_row(row);
    }
    write(&table)
}

/// A table with a header, of any number of columns, some of which are `right`-aligned.
pub(crate) fn aligned(header: Vec<String>, rows: impl IntoIterator<Item = Vec<String>>, right: Vec<bool>) -> Outcome {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(header);
    for row in rows {
        table.add_row(row);
    }
    for (column, right) in table.column_iter_mut().zip(right) {
        column.set_cell_alignment(if right { CellAlignment::Right } else { CellAlignment::Left });
    }
    write(&table)
}

fn write(table: &Table) -> Outcome {
    let mut out = io::stdout().lock();
    for line in table.to_string().lines() {
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

/// Comma-separated values: one header row, then the rows.
pub(crate) fn csv(header: Vec<String>, rows: impl IntoIterator<Item = Vec<String>>) -> Outcome {
    let mut writer = csv::Writer::from_writer(io::stdout().lock());
    // A header without columns would be an empty field.
    if !header.is_empty() {
        writer.write_record(header).map_err(written)?;
    }
    for row in rows {
        writer.write_record(row).map_err(written)?;
    }
    Ok(writer.flush()?)
}

/// What went wrong with the output itself, of which a reader that went away is no failure.
pub(crate) fn written(error: csv::Error) -> io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        kind => io::Error::other(format!("{kind:?}")),
    }
}

/// Events, one a line.
pub(crate) fn event(out: &mut impl Write, recorded: &RecordedEvent, format: Format) -> io::Result<()> {
    match format {
        Format::Json => {
            serde_json::to_writer(&mut *out, recorded)?;
            writeln!(out)
        }
        Format::Text => {
            let RecordedEvent { offset, recorded_at, event, .. } = recorded;
            let payload = event.payload.as_str();
            let shown: String = payload.chars().take(PAYLOAD_CHARS).collect();
            let more = if shown.len() < payload.len() { "..." } else { "" };
            writeln!(
                out,
                "{offset:>8}  {recorded_at}  {}  {}  {}  {}  {shown}{more}",
                event.run_id, event.turn, event.kind, event.actor
            )
        }
    }
}
