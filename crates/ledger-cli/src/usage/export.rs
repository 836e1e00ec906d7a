//! `usage export`: every row that is selected, for other programs.

use std::io::{self, Write};

use ledger_projections::usage::{ExportTable, ExportedRow};
#[cfg(feature = "arrow")]
use ledger_projections::usage::{TableFile, TableWriter};

use super::question::selected;
use super::reader;
use crate::cli::{ExportArgs, ExportFormat, ExportWhat, TableFormat};
use crate::destination::Destination;
use crate::failure::{Failure, Outcome};
use crate::output;
use crate::place::Place;

pub(super) async fn run(place: &Place, args: ExportArgs) -> Outcome {
    let ExportArgs { format, what, output, force, select } = args;
    let (asked, filter) = selected(select, TableFormat::Json)?;
    // Before the projection catches up for nothing.
    let destination = Destination::new(output.as_deref(), force)?;
    if format.is_binary() && destination.is_terminal() {
        return Err(Failure::usage(
            "such a file is not for a terminal; name it with --output, or send it to a program or a file",
        ));
    }
    let failure = |error| Destination::failure(output.as_deref(), error);
    let reader = reader(place, &asked).await?;
    let mut rows = Rows::new(format, table(what.unwrap_or(ExportWhat::Calls)), destination).map_err(failure)?;
    let mut failed = None;
    let take = &mut |row| {
        failed = rows.write(row).err();
        failed.is_none()
    };
    reader.export_rows(&filter, &tables(format, what), take).await?;
    match failed {
        Some(error) => Err(failure(error)),
        None => rows.finish().map_err(failure)?.finish(),
    }
}

/// A table is of one kind of rows; lines are of all kinds, unless one is asked for.
fn tables(format: ExportFormat, what: Option<ExportWhat>) -> Vec<ExportTable> {
    match what {
        None if format == ExportFormat::Jsonl => ExportTable::ALL.into(),
        what => vec![table(what.unwrap_or(ExportWhat::Calls))],
    }
}

const fn table(what: ExportWhat) -> ExportTable {
    match what {
        ExportWhat::Calls => ExportTable::Calls,
        ExportWhat::Tools => ExportTable::Tools,
        ExportWhat::Turns => ExportTable::Turns,
        ExportWhat::Sessions => ExportTable::Sessions,
    }
}

/// Rows on their way.
enum Rows {
    Lines(Destination),
    Csv(Box<csv::Writer<Destination>>),
    #[cfg(feature = "arrow")]
    Table(Box<TableWriter<Destination>>),
}

impl Rows {
    fn new(format: ExportFormat, table: ExportTable, out: Destination) -> io::Result<Self> {
        Ok(match format {
            ExportFormat::Jsonl => Self::Lines(out),
            ExportFormat::Csv => {
                let mut writer = csv::Writer::from_writer(out);
                writer.write_record(table.columns().iter().map(|column| column.name)).map_err(output::written)?;
                Self::Csv(Box::new(writer))
            }
            #[cfg(feature = "arrow")]
            ExportFormat::Parquet => Self::Table(Box::new(TableWriter::new(TableFile::Parquet, table, out)?)),
            #[cfg(feature = "arrow")]
            ExportFormat::Arrow => Self::Table(Box::new(TableWriter::new(TableFile::Arrow, table, out)?)),
        })
    }

    fn write(&mut self, row: ExportedRow) -> io::Result<()> {
        match self {
            Self::Lines(out) => {
                serde_json::to_writer(&mut *out, &row.object())?;
                writeln!(out)
            }
            Self::Csv(writer) => writer.write_record(row.texts()).map_err(output::written),
            #[cfg(feature = "arrow")]
            Self::Table(writer) => writer.write(&row),
        }
    }

    fn finish(self) -> io::Result<Destination> {
        match self {
            Self::Lines(out) => Ok(out),
            Self::Csv(writer) => writer.into_inner().map_err(csv::IntoInnerError::into_error),
            #[cfg(feature = "arrow")]
            Self::Table(writer) => writer.finish(),
        }
    }
}
