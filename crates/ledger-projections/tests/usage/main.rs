//! What is said about usage, the same on every engine.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "the numbers of tests are small"
)]

mod answers;
mod days;
mod defects;
mod facts;
mod filters;
mod generate;
mod generated;
mod invocations;
mod observations;
mod setting;
mod stats;
mod tools;
