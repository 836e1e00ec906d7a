//! A line of which nobody knows yet what is of interest.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;

/// The fields of a line, as they are written. Nothing within them is decoded before a pointer leads there.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub(crate) struct Line(pub(super) BTreeMap<String, Box<RawValue>>);
