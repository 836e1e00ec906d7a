//! What is said about usage, the same on every engine.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "tests count to a few thousand"
)]

mod answers;
mod canary;
mod crash;
mod days;
mod defects;
mod facts;
mod figures;
mod filters;
mod generate;
mod generated;
mod invocations;
mod large;
mod merged;
mod observations;
mod prices;
mod refusals;
mod removed;
mod reports;
mod retention;
mod setting;
mod stats;
mod tools;
mod views;
