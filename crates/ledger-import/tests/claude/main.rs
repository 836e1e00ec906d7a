//! What becomes of transcripts of Claude Code, real and made up.

// Helpers of tests are tests; clippy only knows functions with the attribute.
#![allow(clippy::unwrap_used)]

mod counting;
mod errors;
mod observations;
mod privacy;
mod real;
mod repeats;
mod resumed;
mod support;
mod tolerance;
mod tools;
mod turns;
