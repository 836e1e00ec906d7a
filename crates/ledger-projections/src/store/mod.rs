//! The database of projections: which one, connections to it, and in what the engines differ.

mod connection;
mod database;
mod engine;
mod generations;
mod kept;
mod schema;
mod snapshot;
mod sql;
mod statement;
mod tables;
mod whole;

pub use database::{Answer, Database};
pub use kept::{Kept, KeptChange};
pub use schema::{Column, Table, Type};
pub use tables::{Cell, Tables};

pub(crate) use connection::{Connection, Row};
pub(crate) use generations::{Generation, Generations};
pub(crate) use snapshot::Snapshot;
pub(crate) use sql::Sql;
