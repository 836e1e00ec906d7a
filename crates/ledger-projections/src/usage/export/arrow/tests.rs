//! Files read back with the crates that write them; `cargo xtask test` has others read them too.

use arrow_array::Array;
use arrow_array::cast::AsArray;
use arrow_array::types::{Decimal128Type, Int64Type, TimestampMicrosecondType};
use ledger_core::Timestamp;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::file::reader::{FileReader as _, SerializedFileReader};

use super::*;
use crate::PicoUsd;

fn session(n: i64, workspace: &str) -> ExportedRow {
    let (text, time) = (|text: &str| ExportValue::Text(text.into()), Timestamp::from_micros(n).unwrap());
    let (id, null) = (text(&format!("s{n}")), ExportValue::Null);
    let times = [ExportValue::Time(time), ExportValue::Time(time)];
    let names = [id, null.clone(), text(workspace), text(""), null.clone(), null];
    ExportedRow::new(ExportTable::Sessions, names.into_iter().chain(times).collect())
}

fn written(file: TableFile, rows: impl IntoIterator<Item = ExportedRow>) -> Vec<u8> {
    let mut writer = TableWriter::new(file, ExportTable::Sessions, Vec::new()).unwrap();
    rows.into_iter().for_each(|row| writer.write(&row).unwrap());
    writer.finish().unwrap()
}

fn rows_of_groups(parquet: Vec<u8>) -> Vec<i64> {
    let reader = SerializedFileReader::new(bytes(parquet)).unwrap();
    reader.metadata().row_groups().iter().map(|group| group.num_rows()).collect()
}

/// All batches of a file, and the types that it says its columns have.
fn read(file: TableFile, written: Vec<u8>) -> (SchemaRef, Vec<RecordBatch>) {
    match file {
        TableFile::Parquet => {
            let reader = ParquetRecordBatchReaderBuilder::try_new(bytes(written)).unwrap();
            (reader.schema().clone(), reader.build().unwrap().map(Result::unwrap).collect())
        }
        TableFile::Arrow => {
            let reader = arrow_ipc::reader::FileReader::try_new(bytes(written), None).unwrap();
            (reader.schema(), reader.map(Result::unwrap).collect())
        }
    }
}

fn bytes(bytes: Vec<u8>) -> std::fs::File {
    use std::io::Seek;
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(&bytes).unwrap();
    file.rewind().unwrap();
    file
}

#[test]
fn a_file_of_many_rows_is_of_groups_that_fit_into_memory() {
    let rows = || (0..150_000).map(|n| session(n, "w"));
    assert_eq!(rows_of_groups(written(TableFile::Parquet, rows())), [65_536, 65_536, 18_928]);
    let file = written(TableFile::Arrow, rows());
    let batches: Vec<RecordBatch> =
        arrow_ipc::reader::FileReader::try_new(bytes(file), None).unwrap().map(Result::unwrap).collect();
    assert_eq!(batches.iter().map(RecordBatch::num_rows).collect::<Vec<_>>(), [65_536, 65_536, 18_928]);
    let times = batches.iter().map(|batch| batch.column(7).as_primitive::<TimestampMicrosecondType>().clone());
    assert_eq!(times.flat_map(|times| times.values().to_vec()).collect::<Vec<_>>(), (0..150_000).collect::<Vec<_>>());
    assert_eq!(batches[2].column(0).as_string::<i32>().value(18_927), "s149999");
    // 8 MiB of a text, twice: 16 MiB and the names.
    let long = "w".repeat(8 * 1024 * 1024);
    let rows = (0..5).map(|n| session(n, &long));
    assert_eq!(rows_of_groups(written(TableFile::Parquet, rows)), [2, 2, 1]);
}

#[test]
fn names_that_are_not_known_are_null_and_a_file_without_rows_has_its_columns() {
    for rows in [vec![session(1, ""), session(2, "w")], Vec::new()] {
        let file = written(TableFile::Arrow, rows.clone());
        let reader = arrow_ipc::reader::FileReader::try_new(bytes(file), None).unwrap();
        let names: Vec<&str> = ExportTable::Sessions.columns().iter().map(|column| column.name).collect();
        assert_eq!(reader.schema().fields().iter().map(|field| field.name().as_str()).collect::<Vec<_>>(), names);
        assert_eq!(reader.schema().metadata()["agent_ledger_schema"], "1");
        for batch in reader.map(Result::unwrap) {
            let nulls: Vec<usize> = batch.columns().iter().map(|column| column.null_count()).collect();
            assert_eq!(nulls, [0, 2, 1, 2, 2, 2, 0, 0]);
        }
        let (count, groups) = (i64::try_from(rows.len()).unwrap(), rows_of_groups(written(TableFile::Parquet, rows)));
        assert_eq!(groups.iter().sum::<i64>(), count);
    }
}

#[test]
fn a_row_of_another_table_is_refused() {
    let mut writer = TableWriter::new(TableFile::Arrow, ExportTable::Calls, Vec::new()).unwrap();
    assert_eq!(writer.write(&session(1, "w")).unwrap_err().kind(), io::ErrorKind::InvalidInput);
}

/// As a pipe whose reader went away, or a full disk.
struct Failing(io::ErrorKind);

impl Write for Failing {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(self.0.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn what_the_output_said_is_told() {
    for file in [TableFile::Parquet, TableFile::Arrow] {
        for kind in [io::ErrorKind::BrokenPipe, io::ErrorKind::StorageFull] {
            let failed = TableWriter::new(file, ExportTable::Sessions, Failing(kind)).and_then(|mut writer| {
                writer.write(&session(1, "w"))?;
                writer.finish().map(|_| ())
            });
            assert_eq!(failed.unwrap_err().kind(), kind, "{file:?}");
        }
    }
}

/// The least and the greatest values that rows can have, and a text with everything that needs care elsewhere.
const INTS: [i64; 2] = [0, i64::MAX];
/// Before 1970, and the last microsecond of the year 9999.
const TIMES: [i64; 2] = [-1, 253_402_300_799_999_999];
const TEXT: &str = "Zürich, \"a\"\n\u{1F980}";

/// A call whose columns all have a value: the least, or the greatest.
fn call(n: usize) -> ExportedRow {
    let time = Timestamp::from_micros(TIMES[n]).unwrap();
    let value = |column: &ExportColumn| match column.kind {
        ExportType::Text | ExportType::Name => ExportValue::Text(format!("{}: {TEXT}", column.name)),
        ExportType::Int | ExportType::Micros | ExportType::PicoUsd => ExportValue::Int(INTS[n]),
        ExportType::Flag => ExportValue::Flag(n == 1),
        ExportType::Time => ExportValue::Time(time),
        ExportType::Usd => ExportValue::Usd(PicoUsd(i128::from(INTS[n]))),
    };
    ExportedRow::new(ExportTable::Calls, ExportTable::Calls.columns().iter().map(value).collect())
}

/// The same without what need not be known.
fn bare_call() -> ExportedRow {
    let schema = schema(ExportTable::Calls);
    let call = call(0);
    let values = call
        .values()
        .iter()
        .zip(schema.fields())
        .map(|(value, field)| if field.is_nullable() { ExportValue::Null } else { value.clone() });
    ExportedRow::new(ExportTable::Calls, values.collect())
}

#[test]
fn every_value_of_a_call_comes_back_with_its_type() {
    for file in [TableFile::Parquet, TableFile::Arrow] {
        let mut writer = TableWriter::new(file, ExportTable::Calls, Vec::new()).unwrap();
        [call(0), call(1), bare_call()].iter().for_each(|row| writer.write(row).unwrap());
        let (schema, batches) = read(file, writer.finish().unwrap());
        let [batch] = batches.as_slice() else { unreachable!("one group") };
        assert_eq!((batch.num_rows(), batch.num_columns()), (3, ExportTable::Calls.columns().len()));
        for (n, column) in ExportTable::Calls.columns().iter().enumerate() {
            let (values, field) = (batch.column(n), schema.field(n));
            assert_eq!(field.name(), column.name);
            assert_eq!(values.is_null(2), field.is_nullable(), "{file:?}: {column:?}");
            match field.data_type() {
                DataType::Utf8 => {
                    let expected = format!("{}: {TEXT}", column.name);
                    assert_eq!([0, 1].map(|row| values.as_string::<i32>().value(row)), [&expected, &expected]);
                }
                DataType::Int64 => assert_eq!(values.as_primitive::<Int64Type>().values()[..2], INTS),
                DataType::Boolean => assert_eq!([0, 1].map(|row| values.as_boolean().value(row)), [false, true]),
                DataType::Timestamp(TimeUnit::Microsecond, Some(zone)) => {
                    assert_eq!(values.as_primitive::<TimestampMicrosecondType>().values()[..2], TIMES);
                    assert_eq!(zone.as_ref(), "UTC");
                }
                DataType::Decimal128(38, 12) => {
                    let amounts = values.as_primitive::<Decimal128Type>();
                    assert_eq!(amounts.values()[..2], INTS.map(i128::from));
                    assert_eq!(amounts.value_as_string(1), "9223372.036854775807");
                }
                other => unreachable!("{other}"),
            }
        }
        let known: Vec<&str> =
            schema.fields().iter().filter(|field| !field.is_nullable()).map(|field| field.name().as_str()).collect();
        let expected = "call_key started_at invoked_at leads input cache_read cache_write_5m cache_write_1h cache_write output input_total";
        assert_eq!(known, expected.split(' ').collect::<Vec<_>>(), "what is always known");
    }
}
