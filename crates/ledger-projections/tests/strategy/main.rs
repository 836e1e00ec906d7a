//! The strategy log and the messages, on every engine.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod content;
mod erasure;
mod generated;
mod merged;
mod messages;
mod oracle;
mod reference;
mod sampling;
mod support;
