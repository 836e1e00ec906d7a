//! What becomes of logs of any shape.

// Helpers of tests are tests; clippy only knows functions with the attribute.
#![allow(clippy::unwrap_used)]

mod calls;
mod documented;
mod privacy;
mod random;
mod support;
mod tolerance;
mod tools;
