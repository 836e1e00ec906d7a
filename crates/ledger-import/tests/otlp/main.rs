//! Spans and logs of OpenTelemetry.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs, reason = "tests fail by panicking")]

mod complaints;
mod emitters;
mod failures;
mod logs;
mod privacy;
mod spans;
mod support;
mod tolerance;
