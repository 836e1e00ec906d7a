//! `query`: a question in SQL, on a connection that cannot write.

use ledger_projections::Error;
use ledger_projections::store::{Answer, Cell};
use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::cli::{QueryArgs, TableFormat};
use crate::failure::{Failure, Outcome};
use crate::place::Place;
use crate::{output, project};

pub(crate) async fn run(place: &Place, args: QueryArgs) -> Outcome {
    let database = project::all_caught_up(place, &args.catch_up).await?;
    let Answer { columns, rows } = database.query(&args.sql).await.map_err(refused)?;
    match TableFormat::or_default(args.format) {
        TableFormat::Json => rows.iter().try_for_each(|row| output::json(&Object { columns: &columns, row })),
        TableFormat::Csv => output::csv(columns, rows.iter().map(|row| row.iter().map(shown).collect())),
        TableFormat::Text => {
            let right = (0..columns.len()).map(|n| rows.iter().all(|row| is_number(row.get(n)))).collect();
            output::aligned(columns, rows.iter().map(|row| row.iter().map(shown).collect()), right)
        }
    }
}

/// What the database does not answer is wrong in the question.
fn refused(error: Error) -> Failure {
    match error {
        Error::Database(said) => {
            let said = said.to_string();
            let said = said.strip_prefix("error returned from database: ").unwrap_or(&said);
            let hint = if said.contains("Any driver does not support") {
                "; cast numbers to bigint or double precision, and what else there is to text"
            } else {
                ""
            };
            Failure::usage(format!("the question is not answered: {}{hint}", said.replace('\n', " ")))
        }
        error => error.into(),
    }
}

/// A row as an object, its columns in their order.
struct Object<'a> {
    columns: &'a [String],
    row: &'a [Cell],
}

impl Serialize for Object<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_map(Some(self.columns.len()))?;
        for (name, cell) in self.columns.iter().zip(self.row) {
            match cell {
                Cell::Int(number) => object.serialize_entry(name, number)?,
                Cell::Real(number) => object.serialize_entry(name, number)?,
                Cell::Text(text) => object.serialize_entry(name, text)?,
                Cell::Bytes(bytes) => object.serialize_entry(name, &String::from_utf8_lossy(bytes))?,
                Cell::NoInt | Cell::NoReal | Cell::NoText => object.serialize_entry(name, &())?,
            }
        }
        object.end()
    }
}

fn shown(cell: &Cell) -> String {
    match cell {
        Cell::Int(number) => number.to_string(),
        Cell::Real(number) => number.to_string(),
        Cell::Text(text) => text.clone(),
        Cell::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        Cell::NoInt | Cell::NoReal | Cell::NoText => String::new(),
    }
}

const fn is_number(cell: Option<&Cell>) -> bool {
    !matches!(cell, Some(Cell::Text(_)))
}
