//! The database of projections: which one, connections to it, and in what the engines differ.

mod connection;
mod database;
mod engine;
mod generations;
mod schema;
mod tables;

pub use database::{Answer, Database};
pub use schema::{Column, Table, Type};
pub use tables::{Cell, Tables};

pub(crate) use connection::Connection;
pub(crate) use generations::{Generation, Generations};
