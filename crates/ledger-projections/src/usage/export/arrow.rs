//! Exported rows as Parquet and Arrow files, a group of rows at a time.

use std::collections::HashMap;
use std::error::Error;
use std::io::{self, Write};
use std::iter;
use std::sync::Arc;

use arrow_array::builder::{
    BooleanBuilder, Decimal128Builder, Int64Builder, StringBuilder, TimestampMicrosecondBuilder,
};
use arrow_array::{ArrayRef, RecordBatch};
use arrow_ipc::writer::FileWriter;
use arrow_schema::{DataType, Field, Schema, SchemaRef, TimeUnit};
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;

use super::{EXPORT_SCHEMA, ExportColumn, ExportTable, ExportType, ExportValue, ExportedRow};

/// Rows of a group: as many as are in memory at once.
pub const ROW_GROUP_ROWS: usize = 65_536;

/// A group also ends when its texts reach this many bytes.
pub const ROW_GROUP_BYTES: usize = 16 * 1024 * 1024;

/// Digits of an amount of money, and how many of them are a fraction: those of pico-USD.
const MONEY: (u8, i8) = (38, 12);

/// A kind of file for a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TableFile {
    /// Parquet, its pages compressed with Snappy.
    Parquet,
    /// Arrow's file format (Feather version 2), not compressed.
    Arrow,
}

/// Writes the rows of one table to a file that says itself which types its columns have.
///
/// Times are timestamps in microseconds, UTC; numbers, and durations in microseconds, 64-bit integers; money a decimal of 38
/// digits with 12 of fraction; texts UTF-8. What is not known is null, also a name that is empty in the table.
pub struct TableWriter<W: Write + Send> {
    table: ExportTable,
    schema: SchemaRef,
    columns: Vec<Values>,
    rows: usize,
    bytes: usize,
    out: Out<W>,
}

enum Out<W: Write + Send> {
    Parquet(Box<ArrowWriter<Lent<W>>>),
    Arrow(Box<FileWriter<W>>),
}

impl<W: Write + Send> TableWriter<W> {
    /// Begins a file of `table`.
    ///
    /// # Errors
    /// When `out` cannot be written.
    pub fn new(file: TableFile, table: ExportTable, out: W) -> io::Result<Self> {
        let schema = Arc::new(schema(table));
        let out = match file {
            TableFile::Parquet => {
                let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
                let writer = ArrowWriter::try_new(Lent(Some(out)), schema.clone(), Some(properties)).map_err(said)?;
                Out::Parquet(Box::new(writer))
            }
            TableFile::Arrow => Out::Arrow(Box::new(FileWriter::try_new(out, &schema).map_err(said)?)),
        };
        let columns = table.columns().iter().map(Values::of).collect();
        Ok(Self { table, schema, columns, rows: 0, bytes: 0, out })
    }

    /// Adds a row of the table.
    ///
    /// # Errors
    /// When the output cannot be written; [`io::ErrorKind::InvalidInput`] for a row of another table.
    pub fn write(&mut self, row: &ExportedRow) -> io::Result<()> {
        if row.table() != self.table {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "the row is of another table"));
        }
        for (column, value) in self.columns.iter_mut().zip(row.values()) {
            self.bytes += column.add(value)?;
        }
        self.rows += 1;
        if self.rows == ROW_GROUP_ROWS || self.bytes >= ROW_GROUP_BYTES { self.end_group() } else { Ok(()) }
    }

    /// Ends the file, and gives back the output.
    ///
    /// # Errors
    /// When the output cannot be written.
    pub fn finish(mut self) -> io::Result<W> {
        self.end_group()?;
        match self.out {
            Out::Parquet(mut writer) => {
                writer.finish().map_err(said)?;
                writer.inner_mut().0.take().ok_or_else(gone)
            }
            Out::Arrow(writer) => writer.into_inner().map_err(said),
        }
    }

    fn end_group(&mut self) -> io::Result<()> {
        if self.rows == 0 {
            return Ok(());
        }
        let columns = self.columns.iter_mut().map(Values::take).collect();
        let batch = RecordBatch::try_new(self.schema.clone(), columns).map_err(said)?;
        (self.rows, self.bytes) = (0, 0);
        match &mut self.out {
            Out::Parquet(writer) => writer.write(&batch).and_then(|()| writer.flush()).map_err(said),
            Out::Arrow(writer) => writer.write(&batch).map_err(said),
        }
    }
}

fn schema(table: ExportTable) -> Schema {
    let nullable = |column: &ExportColumn| column.is_nullable(table.table().columns);
    let fields = table.columns().iter().map(|column| Field::new(column.name, data_type(column.kind), nullable(column)));
    let version = HashMap::from([("agent_ledger_schema".into(), EXPORT_SCHEMA.to_string())]);
    Schema::new_with_metadata(fields.collect::<Vec<_>>(), version)
}

fn data_type(kind: ExportType) -> DataType {
    match kind {
        // Not dictionaries: Parquet makes its own, and a file that is written group by group cannot know all names at its start.
        ExportType::Text | ExportType::Name => DataType::Utf8,
        ExportType::Int | ExportType::Micros | ExportType::PicoUsd => DataType::Int64,
        ExportType::Flag => DataType::Boolean,
        ExportType::Time => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        ExportType::Usd => DataType::Decimal128(MONEY.0, MONEY.1),
    }
}

/// The values of a column in the group that is being made.
enum Values {
    Text(StringBuilder),
    Name(StringBuilder),
    Int(Int64Builder),
    Flag(BooleanBuilder),
    Time(TimestampMicrosecondBuilder),
    Usd(Decimal128Builder),
}

impl Values {
    fn of(column: &ExportColumn) -> Self {
        let data_type = data_type(column.kind);
        match column.kind {
            ExportType::Text => Self::Text(StringBuilder::new()),
            ExportType::Name => Self::Name(StringBuilder::new()),
            ExportType::Int | ExportType::Micros | ExportType::PicoUsd => Self::Int(Int64Builder::new()),
            ExportType::Flag => Self::Flag(BooleanBuilder::new()),
            ExportType::Time => Self::Time(TimestampMicrosecondBuilder::new().with_data_type(data_type)),
            ExportType::Usd => Self::Usd(Decimal128Builder::new().with_data_type(data_type)),
        }
    }

    /// Returns how many bytes of text it added.
    fn add(&mut self, value: &ExportValue) -> io::Result<usize> {
        match (self, value) {
            (Self::Name(names), ExportValue::Text(name)) if name.is_empty() => names.append_null(),
            (Self::Text(texts) | Self::Name(texts), ExportValue::Text(text)) => {
                texts.append_value(text);
                return Ok(text.len());
            }
            (Self::Int(ints), ExportValue::Int(int)) => ints.append_value(*int),
            (Self::Flag(flags), ExportValue::Flag(flag)) => flags.append_value(*flag),
            (Self::Time(times), ExportValue::Time(time)) => times.append_value(time.as_micros()),
            (Self::Usd(amounts), ExportValue::Usd(usd)) => amounts.append_value(usd.0),
            (Self::Text(texts) | Self::Name(texts), ExportValue::Null) => texts.append_null(),
            (Self::Int(ints), ExportValue::Null) => ints.append_null(),
            (Self::Flag(flags), ExportValue::Null) => flags.append_null(),
            (Self::Time(times), ExportValue::Null) => times.append_null(),
            (Self::Usd(amounts), ExportValue::Null) => amounts.append_null(),
            _ => return Err(io::Error::new(io::ErrorKind::InvalidInput, "the row is of another table")),
        }
        Ok(0)
    }

    fn take(&mut self) -> ArrayRef {
        match self {
            Self::Text(texts) | Self::Name(texts) => Arc::new(texts.finish()),
            Self::Int(ints) => Arc::new(ints.finish()),
            Self::Flag(flags) => Arc::new(flags.finish()),
            Self::Time(times) => Arc::new(times.finish()),
            Self::Usd(amounts) => Arc::new(amounts.finish()),
        }
    }
}

/// An output that can be taken back: the writer's own way to give it back has a text in place of what the output said.
struct Lent<W>(Option<W>);

impl<W: Write> Write for Lent<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.as_mut().ok_or_else(gone)?.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.as_mut().ok_or_else(gone)?.flush()
    }
}

fn gone() -> io::Error {
    io::Error::other("the file is finished")
}

/// What the output said, where it was the output; these errors wrap it, Parquet's several times.
fn said(error: impl Error + Send + Sync + 'static) -> io::Error {
    let causes = iter::successors(Some(&error as &(dyn Error + 'static)), |&error| error.source());
    match causes.filter_map(|cause| cause.downcast_ref::<io::Error>()).last() {
        Some(of_output) => io::Error::new(of_output.kind(), of_output.to_string()),
        None => io::Error::other(error),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests;
