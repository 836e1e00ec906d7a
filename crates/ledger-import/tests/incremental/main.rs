//! Imports that go on where they were left.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs, reason = "tests fail by panicking")]

mod changes;
mod codex;
mod crashes;
mod growing;
mod home;
mod mapping;
mod otlp;
mod passes;
mod roder;
