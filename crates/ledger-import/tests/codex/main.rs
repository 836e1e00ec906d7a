//! What becomes of rollouts of Codex, real and made up.

// Helpers of tests are tests; clippy only knows functions with the attribute.
#![allow(clippy::unwrap_used)]

mod complaints;
mod copies;
mod observations;
mod privacy;
mod real;
mod support;
