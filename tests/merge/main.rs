//! Merging: of any two ledgers, on every engine.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod conflicts;
mod faults;
mod same_set;
mod scripted;
mod setting;
