//! Every question that can be asked, and its answer as programs get it.

use std::sync::Mutex;

use ledger_projections::usage::{
    Counting, Cursor, Dimension, Limit, Per, Sort, ToolSort, ToolsQuery, UsageFilter, UsageQuery, UsageReader,
};
use ledger_projections::{Percentile, Window, Zone};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::setting::{at, local, window};

pub(crate) const DIMENSIONS: [Dimension; 8] = [
    Dimension::Tenant,
    Dimension::Operation,
    Dimension::Provider,
    Dimension::Model,
    Dimension::Session,
    Dimension::Turn,
    Dimension::Workspace,
    Dimension::Status,
];

/// As programs get it; without where the projection stands, which is not what is asked.
pub(crate) fn text(document: impl Serialize) -> String {
    let text = serde_json::to_string(&document).unwrap();
    match text.split_once("\"offset\":") {
        Some((before, after)) => {
            format!(
                "{before}{}",
                after.trim_start_matches(|digit: char| digit.is_ascii_digit()).trim_start_matches(',')
            )
        }
        None => text,
    }
}

/// Answers by their questions.
#[derive(Default, PartialEq)]
pub(crate) struct Answers(pub(crate) Vec<(String, String)>);

impl Answers {
    fn add(&mut self, question: String, document: impl Serialize) {
        self.0.push((question, text(document)));
    }

    /// That these are the same, byte by byte.
    #[track_caller]
    pub(crate) fn assert_are(&self, others: &Self, what: &str) {
        assert_eq!(self.0.len(), others.0.len(), "{what}");
        for ((question, one), (_, other)) in self.0.iter().zip(&others.0) {
            assert!(one == other, "{what}: {question}\n{}", difference(one, other));
        }
    }
}

/// The place at which two texts begin to differ.
fn difference(one: &str, other: &str) -> String {
    let at = one.bytes().zip(other.bytes()).take_while(|(one, other)| one == other).count();
    let around = |text: &str| {
        let bytes = text.as_bytes();
        String::from_utf8_lossy(&bytes[at.saturating_sub(300)..bytes.len().min(at + 200)]).into_owned()
    };
    format!("{}\nand not\n{}", around(one), around(other))
}

/// All questions about a filter that take no time worth mentioning.
pub(crate) async fn answers(reader: &UsageReader, filter: &UsageFilter) -> Answers {
    let mut answers = Answers::default();
    let one = UsageQuery::from(filter.clone());
    let mut queries = vec![("calls", one.clone())];
    queries.push(("invocations", UsageQuery { per: Per::Invocation, ..one.clone() }));
    queries.push(("successful", UsageQuery { counting: Counting::Successful, ..one.clone() }));
    queries.push(("disc", UsageQuery { percentile: Percentile::Disc, ..one.clone() }));
    for (name, query) in &queries {
        answers.add(format!("stats {name}"), reader.stats(query).await.unwrap().document(Zone::UTC));
    }
    for (n, dimension) in DIMENSIONS.into_iter().enumerate() {
        let sorts = [Sort::Cost, Sort::Name, Sort::P95, Sort::FailureRate, Sort::Tokens, Sort::Duration];
        for (name, query) in &queries[..2] {
            // Another one for each, so that all are asked for with each.
            let breakdown = DIMENSIONS[(n + 3) % DIMENSIONS.len()];
            let sort = sorts[n % sorts.len()];
            let by = reader.by(query, dimension, Some(breakdown), sort, Limit::new(40).unwrap()).await.unwrap();
            let question = format!("by {dimension:?} and {breakdown:?} {sort:?} {name}");
            answers.add(question, by.document(Zone::UTC));
        }
    }
    over_time(reader, &one, &mut answers).await;
    tools(reader, &one, &mut answers).await;
    answers.add("errors".into(), reader.errors(&one, Limit::default()).await.unwrap().document(Zone::UTC));
    answers.add("counts".into(), reader.counts(&one).await.unwrap().document(Zone::UTC));
    lists(reader, &one, &mut answers).await;
    for object in export(reader, filter).await {
        answers.add("export".into(), object);
    }
    answers
}

async fn over_time(reader: &UsageReader, query: &UsageQuery, answers: &mut Answers) {
    for (zone, width) in [
        ("UTC", "hour"),
        ("Asia/Kathmandu", "day"),
        ("America/St_Johns", "6h"),
        ("Europe/Berlin", "week"),
        ("Europe/Berlin", "month"),
    ] {
        let buckets = local(zone, width);
        let series = reader.series(query, buckets).await.unwrap();
        answers.add(format!("series {width} in {zone}"), series.document(buckets.zone));
    }
    let buckets = local("Europe/Berlin", "week");
    let by_time = reader.by_time(query, buckets).await.unwrap();
    answers.add("by week".into(), by_time.document(buckets.zone));
    // Both changes of the clocks.
    for (since, until) in
        [("2025-10-24T12:07:00Z", "2025-10-28T00:00:00Z"), ("2026-03-28T00:00:00Z", "2026-03-31T12:07:00Z")]
    {
        let query = UsageQuery { filter: within(&query.filter, since, until), ..query.clone() };
        for width in ["6h", "day"] {
            let buckets = local("Europe/Berlin", width);
            let by_time = reader.by_time(&query, buckets).await.unwrap();
            answers.add(format!("by {width} from {since}"), by_time.document(buckets.zone));
        }
    }
}

pub(crate) fn within(filter: &UsageFilter, since: &str, until: &str) -> UsageFilter {
    UsageFilter { window: window(at(since), at(until)), ..filter.clone() }
}

async fn tools(reader: &UsageReader, query: &UsageQuery, answers: &mut Answers) {
    for sort in [
        ToolSort::Calls,
        ToolSort::Name,
        ToolSort::Errors,
        ToolSort::ErrorRate,
        ToolSort::Duration,
        ToolSort::P95,
        ToolSort::Underused,
    ] {
        let registered = vec!["read".into(), "never".into()];
        let question = ToolsQuery { query: query.clone(), min_calls: 1, registered, sort, limit: Limit::default() };
        let tools = reader.tools(&question).await.unwrap();
        answers.add(format!("tools {sort:?}"), tools.document(Zone::UTC));
    }
}

async fn lists(reader: &UsageReader, query: &UsageQuery, answers: &mut Answers) {
    // So few that there are several pages.
    let limit = Limit::new(9).unwrap();
    let mut after: Option<Cursor> = None;
    loop {
        let page = reader.sessions(query, false, limit, after.as_ref()).await.unwrap();
        answers.add(format!("sessions after {after:?}"), page.document(Zone::UTC));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    loop {
        let page = reader.turns(query, Limit::new(40).unwrap(), after.as_ref()).await.unwrap();
        answers.add(format!("turns after {after:?}"), page.document(Zone::UTC));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
}

pub(crate) async fn export(reader: &UsageReader, filter: &UsageFilter) -> Vec<Map<String, Value>> {
    let objects = Mutex::new(Vec::new());
    let take = |object| {
        objects.lock().unwrap().push(object);
        true
    };
    reader.export(filter, &take).await.unwrap();
    objects.into_inner().unwrap()
}

pub(crate) fn everything() -> UsageFilter {
    UsageFilter::within(Window::ALL)
}
