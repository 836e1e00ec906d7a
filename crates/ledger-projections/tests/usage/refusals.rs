//! What cannot be asked is refused, in words that say what to do.

use std::fmt::Debug;
use std::str::FromStr;

use ledger_core::{Invalid, Timestamp};
use ledger_memory::MemoryLedger;
use ledger_projections::usage::{
    Cursor, Dimension, Limit, Sort, ToolSort, ToolsQuery, Usage, UsageFilter, UsageReader,
};
use ledger_projections::{Buckets, Database, Error, Percentile, Projector, Width, Window, Zone, moment};

use crate::answers::everything;
use crate::setting::{all, at, call, catch_up, ledger, local, noon, said, window};

#[track_caller]
fn assert_refused<T: Debug, E: ToString + Debug>(answer: Result<T, E>, words: &str) {
    let error = answer.unwrap_err().to_string();
    assert!(error.contains(words), "{error}");
}

#[track_caller]
fn assert_unreadable<T: FromStr<Err = Invalid> + Debug>(texts: &[&str], words: &str) {
    for text in texts {
        assert_refused(text.parse::<T>(), words);
    }
}

#[test]
fn a_window_that_ends_before_it_has_begun_is_refused() {
    let (one, other) = (noon(0), noon(1));
    for (since, until) in [(one, one), (other, one), (other, Timestamp::MIN)] {
        assert_refused(Window::new(Some(since), Some(until)), "which is not after since");
    }
}

#[test]
fn names_that_are_not_known_are_refused_with_those_that_are() {
    assert_unreadable::<Zone>(
        &["", "Mars/Olympus", "+02:00", "CET DST"],
        "is not a zone of the IANA database, such as",
    );
    assert_unreadable::<Width>(&["", "7m", "0h", "Day", "year"], "is not one of 15m, 30m, hour");
    assert_unreadable::<Sort>(&["", "Cost", "price"], "is not one of name, calls, failed");
    assert_unreadable::<ToolSort>(&["", "cost", "P95"], "is not one of calls, name, errors");
    assert_unreadable::<Dimension>(&["", "tool", "tenant_id", "Tenant"], "is not one of tenant, operation");
    assert_unreadable::<Percentile>(&["", "p95", "CONT"], "is neither cont nor disc");
    assert_unreadable::<Cursor>(&["", "7", "x/s", "1.5/s", "99999999999999999999/s"], "begin without one");
}

#[test]
fn as_many_rows_as_nobody_reads_are_refused() {
    for rows in [0, Limit::MAX + 1, usize::MAX] {
        assert_refused(Limit::new(rows), "1 to 1000 rows can be asked for");
    }
    assert_unreadable::<Limit>(&["0", "1001"], "1 to 1000 rows can be asked for");
    assert_unreadable::<Limit>(&["", "-1", "ten"], "is not a number of rows");
    assert!(Limit::new(1).is_ok() && Limit::new(Limit::MAX).is_ok());
}

#[test]
fn a_time_that_names_no_point_in_time_is_refused() {
    for text in ["2026-03-01T12:00:00", "2026-03-01 12:00", "12:00", "soon", ""] {
        assert_refused(
            moment(text, Zone::UTC, noon(0)),
            "is not a time with its offset (2026-01-31T12:00:00Z), a date",
        );
    }
}

async fn reader() -> (tempfile::TempDir, Database, UsageReader) {
    let folder = tempfile::tempdir().unwrap();
    let database = Database::sqlite(&folder.path().join("projections.db")).unwrap();
    let reader = UsageReader::new(database.clone());
    (folder, database, reader)
}

#[tokio::test]
async fn more_buckets_than_anybody_looks_at_are_refused() {
    let (_folder, database, reader) = reader().await;
    catch_up(&database, &ledger(vec![said(&call("a", "analyze", 0, 1.0, (1, 1), 1.0))]).await, 1).await;
    let long = UsageFilter::within(window(at("2025-01-01T00:00:00Z"), at("2026-06-01T00:00:00Z"))).into();
    let words = "has more than 10000 buckets of this width; take a shorter window or wider ones";
    let hours = local("UTC", "hour");
    assert!(matches!(reader.series(&long, hours).await, Err(Error::Invalid(_))));
    assert_refused(reader.series(&long, hours).await, words);
    assert_refused(reader.by_time(&long, hours).await, words);
    assert!(reader.series(&long, local("UTC", "day")).await.is_ok());
    // A call that a clock at the end of time told of.
    let calls = ["0001-01-01T00:00:00Z", "9999-12-30T00:00:00Z"].map(|time| {
        let mut call = call("a", "analyze", 0, 1.0, (1, 1), 1.0);
        call.started_at = at(time);
        said(&call)
    });
    let (_folder, database, reader) = self::reader().await;
    catch_up(&database, &ledger(calls.to_vec()).await, 1).await;
    assert_refused(reader.series(&all(), hours).await, words);
}

#[tokio::test]
async fn before_it_is_caught_up_every_question_is_answered_with_how_to_do_that() {
    let (_folder, database, reader) = reader().await;
    for is_made in [false, true] {
        if is_made {
            // Another projection's tables are there.
            let strategies = ledger_projections::StrategyLog::default();
            Projector::new(strategies, database.clone()).catch_up(&MemoryLedger::new(), &|_, _| ()).await.unwrap();
        }
        let (query, limit, buckets) = (all(), Limit::default(), Buckets { zone: Zone::UTC, width: Width::Day });
        let words = "there is no usage projection in ";
        assert!(matches!(reader.stats(&query).await, Err(Error::NotThere { .. })));
        assert_refused(reader.stats(&query).await, words);
        assert_refused(reader.stats(&query).await, "catch it up first");
        assert_refused(reader.by(&query, Dimension::Tenant, None, Sort::Name, limit).await, words);
        assert_refused(reader.series(&query, buckets).await, words);
        assert_refused(reader.by_time(&query, buckets).await, words);
        assert_refused(reader.tools(&ToolsQuery::default()).await, words);
        assert_refused(reader.sessions(&query, false, limit, None).await, words);
        assert_refused(reader.turns(&query, limit, None).await, words);
        assert_refused(reader.errors(&query, limit).await, words);
        assert_refused(reader.counts(&query).await, words);
        assert_refused(reader.export(&everything(), &|_| true).await, words);
        assert_eq!(std::path::Path::new(database.place()).exists(), is_made, "asking makes no file");
        let mut projector = Projector::new(Usage::new(), database.clone());
        assert_eq!(projector.standing().await.unwrap(), None);
    }
}
