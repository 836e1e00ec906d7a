//! What is said about usage, the same on every engine.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod answers;
mod facts;
mod generate;
mod generated;
mod invocations;
mod setting;
mod stats;
