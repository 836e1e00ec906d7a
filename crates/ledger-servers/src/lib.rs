//! Database servers for tests: started on first use, real in what they promise to keep, and gone when the
//! test process is gone, however it ended.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod address;
mod home;
mod mariadb;
mod ports;
mod postgres;
mod programs;
mod proxy;

pub use mariadb::MariaDb;
pub use postgres::Postgres;
pub use programs::{mariadb_is_there, postgres_is_there};
pub use proxy::Proxy;
