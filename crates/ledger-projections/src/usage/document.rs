//! Answers as programs get them: one JSON object each, whose fields are documented in `docs/usage.md` and tested.

use serde::{Serialize, Serializer};

use super::answer::{Basis, Unpriced, UsageAnswer};
use super::blocks::Blocks;
use super::errors::{Counts, ErrorsAnswer};
use super::lists::{Cursor, Page};
use super::metrics::Metrics;
use super::series::Series;
use super::tools::ToolsAnswer;
use crate::Zone;

/// The version of these objects: raised when a field is renamed or means something else; fields may be added.
pub const SCHEMA: u32 = 1;

/// What all answers have in common, and what each has besides.
#[derive(Serialize)]
struct Document<'a, R, T> {
    schema: u32,
    timezone: String,
    #[serde(flatten)]
    basis: &'a Basis,
    rows: &'a [R],
    #[serde(skip_serializing_if = "Option::is_none")]
    of_rows: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<&'a Cursor>,
    #[serde(skip_serializing_if = "Option::is_none")]
    total: Option<T>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unpriced: Option<&'a Unpriced>,
    #[serde(skip_serializing_if = "Option::is_none")]
    never_used: Option<&'a [String]>,
}

impl<'a, R> Document<'a, R, ()> {
    fn new(basis: &'a Basis, zone: Zone, rows: &'a [R]) -> Self {
        Self {
            schema: SCHEMA,
            timezone: zone.to_string(),
            basis,
            rows,
            of_rows: None,
            next: None,
            total: None,
            unpriced: None,
            never_used: None,
        }
    }

    fn with_total<T>(self, total: T) -> Document<'a, R, T> {
        let Self { schema, timezone, basis, rows, of_rows, next, total: _, unpriced, never_used } = self;
        Document { schema, timezone, basis, rows, of_rows, next, total: Some(total), unpriced, never_used }
    }
}

/// The figures of all rows.
struct Total<'a>(&'a Metrics);

impl Serialize for Total<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeMap as _;
        let mut row = serializer.serialize_map(None)?;
        self.0.fields(&mut row)?;
        row.end()
    }
}

impl UsageAnswer {
    /// As programs get it.
    pub fn document(&self, zone: Zone) -> impl Serialize + '_ {
        let document = Document::new(&self.basis, zone, &self.rows).with_total(&self.total);
        Document { of_rows: Some(self.of_rows), unpriced: Some(&self.unpriced), ..document }
    }
}

impl Series {
    /// As programs get it.
    pub fn document(&self, zone: Zone) -> impl Serialize + '_ {
        Document::new(&self.basis, zone, &self.rows).with_total(Total(&self.total))
    }
}

impl ToolsAnswer {
    /// As programs get it.
    pub fn document(&self, zone: Zone) -> impl Serialize + '_ {
        let document = Document::new(&self.basis, zone, &self.rows).with_total(&self.total);
        Document { of_rows: Some(self.of_rows), never_used: Some(&self.never_used), ..document }
    }
}

impl<R: Serialize> Page<R> {
    /// As programs get it.
    pub fn document(&self, zone: Zone) -> impl Serialize + '_ {
        let (next, unpriced) = (self.next.as_ref(), self.unpriced.as_ref());
        Document { next, unpriced, ..Document::new(&self.basis, zone, &self.rows) }
    }
}

impl Blocks {
    /// As programs get it.
    pub fn document(&self, zone: Zone) -> impl Serialize + '_ {
        let document = Document::new(&self.basis, zone, &self.rows).with_total(Total(&self.total));
        Document { unpriced: Some(&self.unpriced), ..document }
    }
}

impl ErrorsAnswer {
    /// As programs get it.
    pub fn document(&self, zone: Zone) -> impl Serialize + '_ {
        #[derive(Serialize)]
        struct Total {
            calls: i64,
            failed: i64,
            error_rate: Option<f64>,
        }
        let (calls, failed) = (self.calls, self.failed);
        let error_rate = super::reader::share(failed, calls);
        let document = Document::new(&self.basis, zone, &self.rows).with_total(Total { calls, failed, error_rate });
        Document { of_rows: Some(self.of_rows), ..document }
    }
}

impl Counts {
    /// As programs get it.
    pub fn document(&self, zone: Zone) -> impl Serialize + '_ {
        Document::new(&self.basis, zone, &[] as &[()]).with_total(self)
    }
}
