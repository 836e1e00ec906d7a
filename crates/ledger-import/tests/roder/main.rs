//! What becomes of threads of roder.

// Helpers of tests are tests; clippy only knows functions with the attribute.
#![allow(clippy::unwrap_used)]

mod complaints;
mod forks;
mod observations;
mod privacy;
mod support;
mod tolerance;
