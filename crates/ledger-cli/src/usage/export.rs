//! `usage export`: every row that is selected, as JSON Lines.

use std::io::{self, BufWriter, Stdout, Write};
use std::sync::{Mutex, PoisonError};

use serde_json::{Map, Value};

use super::question::asked;
use super::reader;
use crate::cli::{AskArgs, ExportArgs, TableFormat, TableFormatArgs};
use crate::failure::Outcome;
use crate::place::Place;

pub(super) async fn run(place: &Place, args: ExportArgs) -> Outcome {
    let format = TableFormatArgs { format: Some(TableFormat::Json) };
    let (asked, filter) = asked(AskArgs { select: args.select, format })?;
    let reader = reader(place, &asked).await?;
    let lines = Mutex::new(Lines { out: BufWriter::new(io::stdout()), failed: None });
    reader.export(&filter, &|row| lines.lock().unwrap_or_else(PoisonError::into_inner).take(&row)).await?;
    let Lines { mut out, failed } = lines.into_inner().unwrap_or_else(PoisonError::into_inner);
    match failed {
        Some(error) => Err(error.into()),
        None => Ok(out.flush()?),
    }
}

/// Where lines go, until one could not be written.
struct Lines {
    out: BufWriter<Stdout>,
    failed: Option<io::Error>,
}

impl Lines {
    /// Whether to go on.
    fn take(&mut self, row: &Map<String, Value>) -> bool {
        let written = serde_json::to_writer(&mut self.out, row).map_err(io::Error::from);
        self.failed = written.and_then(|()| writeln!(self.out)).err();
        self.failed.is_none()
    }
}
