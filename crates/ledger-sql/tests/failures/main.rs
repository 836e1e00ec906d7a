//! What is special to servers: lost answers, crashes, many processes, other programs, other versions, copies between engines.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod answers;
mod copies;
mod crew;
mod damage;
mod guards;
mod late;
mod processes;
mod restarts;
mod roles;
mod schema;
mod standby;
mod support;
mod unavailable;
mod views;
mod worker;
