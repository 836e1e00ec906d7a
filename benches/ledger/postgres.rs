//! Postgres, beside sqlx: a server of its own that syncs every commit, over TCP on this machine.

use std::sync::Arc;
use std::time::{Duration, Instant};

use agent_ledger::{Event, LedgerExt, PageSize, PostgresLedger, ReadVerification, ServerOptions};
use ledger_servers::Postgres;

use crate::common::{
    Parts, Result, events, heading, interleaved, median, micros, percentile, print, rate, read_all, read_in_pages,
    writers,
};
use crate::postgres_raw::Raw;

const ROUNDS: usize = 7;

/// Those of append, single, concurrent, replay and growth that are wanted.
pub(crate) async fn all(parts: &Parts) -> Result<()> {
    let wanted = |part: &str| parts.want(&format!("postgres {part}"));
    if !["append", "single", "concurrent", "replay", "growth"].into_iter().any(wanted) {
        return Ok(());
    }
    let server = Postgres::start();
    heading(&format!("PostgreSQL {}", server.sql("SHOW server_version")));
    if wanted("append") {
        bulk_append(&server).await?;
    }
    if wanted("single") {
        single_append(&server).await?;
    }
    if wanted("concurrent") {
        concurrent_append(&server, 64, 500, ">= 0.85").await?;
        concurrent_append(&server, 256, 200, "").await?;
    }
    if wanted("replay") {
        replay(&server).await?;
    }
    if wanted("growth") {
        growth(&server).await?;
    }
    Ok(())
}

/// Beside one `INSERT ... SELECT FROM UNNEST` per 1,000 rows, which numbers and seals nothing and keeps no head.
async fn bulk_append(server: &Postgres) -> Result<()> {
    const EVENTS: usize = 50_000;
    let mut pairs = Vec::new();
    for round in 0..ROUNDS {
        let events = events(round, EVENTS);
        let ours = Place::new(server).await?;
        let our_time = append(&ours, &events).await?;
        ours.clear(server).await?;

        let (place, mut raw) = Place::raw(server).await?;
        raw.insert(&warm_up(1)).await?;
        let start = Instant::now();
        for batch in events.chunks(1_000) {
            raw.insert(batch).await?;
        }
        pairs.push((rate(EVENTS, our_time), rate(EVENTS, start.elapsed())));
        drop(raw);
        place.clear(server).await?;
    }
    print("append, 1,000 per call (events/s)", &pairs, ">= 0.85");
    Ok(())
}

/// Beside a prepared `INSERT ... VALUES` of one row, which keeps no head.
async fn single_append(server: &Postgres) -> Result<()> {
    const EVENTS: usize = 1_000;
    let mut pairs = Vec::new();
    for round in 0..ROUNDS {
        let ours = Place::new(server).await?;
        let (place, mut raw) = Place::raw(server).await?;
        let (mut our_times, mut raw_times) = (Vec::new(), Vec::new());
        for event in events(round, EVENTS) {
            let again = event.clone();
            let start = Instant::now();
            ours.ledger.append_one(again).await?;
            our_times.push(start.elapsed());
            let start = Instant::now();
            raw.insert_one(&event).await?;
            raw_times.push(start.elapsed());
        }
        pairs.push((micros(percentile(&mut our_times, 50)), micros(percentile(&mut raw_times, 50))));
        drop(raw);
        ours.clear(server).await?;
        place.clear(server).await?;
    }
    print("append, 1 per call, p50 (µs)", &pairs, "<= 1.30");
    Ok(())
}

/// Beside one connection that appends the same events, in batches as large as the committer's groups are on average, by
/// the one statement that moves the head and stores the rows.
async fn concurrent_append(server: &Postgres, tasks: usize, each: usize, wanted: &str) -> Result<()> {
    let (mut pairs, mut groups) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let ours = Place::new(server).await?;
        let before = ours.commits(server)?;
        let our_rate = writers(Arc::new(ours.ledger.clone()), round, tasks, each).await?;
        let group = (tasks * each).div_ceil(ours.commits(server)? - before);
        ours.clear(server).await?;

        let (place, mut raw) = Place::raw(server).await?;
        let events = interleaved(round, tasks, each);
        raw.append(&warm_up(1)).await?;
        let start = Instant::now();
        for batch in events.chunks(group) {
            raw.append(batch).await?;
        }
        pairs.push((our_rate, rate(events.len(), start.elapsed())));
        groups.push((rate(group, Duration::from_secs(1)), 1.0));
        drop(raw);
        place.clear(server).await?;
    }
    print(&format!("append, {tasks} writers (events/s)"), &pairs, wanted);
    println!("{:44} {:>14.1}", "... events per commit, of both", median(groups.iter().map(|group| group.0)));
    Ok(())
}

/// Beside a binary copy of the same columns in the same order, whose bytes nobody looks at.
async fn replay(server: &Postgres) -> Result<()> {
    const EVENTS: usize = 300_000;
    let place = Place::new(server).await?;
    place.ledger.extend(events(0, EVENTS)).await?;
    let options = ServerOptions::from_url(&place.url)?.verification(ReadVerification::Off);
    let unverified = PostgresLedger::open(options).await?;
    let mut raw = Raw::connect(server, &place.schema).await?;
    // The first to read a row notes in it that it was committed.
    read_all(&place.ledger).await?;
    let (mut with, mut large, mut without) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        with.push((rate(EVENTS, read_all(&place.ledger).await?), rate(EVENTS, raw.copy_out(EVENTS).await?)));
        let in_large = read_in_pages(&place.ledger, PageSize::new(10_000)?).await?;
        large.push((rate(EVENTS, in_large), rate(EVENTS, raw.copy_out(EVENTS).await?)));
        without.push((rate(EVENTS, read_all(&unverified).await?), rate(EVENTS, raw.copy_out(EVENTS).await?)));
    }
    print("replay, digests verified (events/s)", &with, ">= 0.60");
    print("... in pages of 10,000 (events/s)", &large, ">= 0.60");
    print("... in default pages, not verified (events/s)", &without, "");
    drop((raw, unverified));
    place.clear(server).await
}

/// The same appends to a ledger of a million events and to one of ten thousand, which is made anew for each pair.
async fn growth(server: &Postgres) -> Result<()> {
    const EVENTS: usize = 20_000;
    let large = Place::new(server).await?;
    for part in 0..20 {
        large.ledger.extend(events(1_000 + part, 50_000)).await?;
    }
    let mut pairs = Vec::new();
    for round in 0..ROUNDS {
        let small = Place::new(server).await?;
        small.ledger.extend(events(2_000 + round, 10_000)).await?;
        let events = events(round, EVENTS);
        server.sql("CHECKPOINT");
        let at_small = append(&small, &events).await?;
        small.clear(server).await?;
        server.sql("CHECKPOINT");
        let at_large = append(&large, &events).await?;
        pairs.push((rate(EVENTS, at_large), rate(EVENTS, at_small)));
    }
    print("append at 1 M events against 10 k (events/s)", &pairs, ">= 0.85");
    large.clear(server).await
}

/// How long it takes to append all of `events`, 1,000 per call.
async fn append(place: &Place, events: &[Event]) -> Result<Duration> {
    let batches: Vec<_> = events.chunks(1_000).map(<[Event]>::to_vec).collect();
    let start = Instant::now();
    for batch in batches {
        place.ledger.append_all(batch).await?;
    }
    Ok(start.elapsed())
}

/// Events that only have connections opened and statements prepared.
fn warm_up(count: usize) -> Vec<Event> {
    events(999_999, count)
}

/// A new ledger in a schema of its own, connected: it has two events.
struct Place {
    ledger: PostgresLedger,
    url: String,
    schema: String,
}

impl Place {
    async fn new(server: &Postgres) -> Result<Self> {
        let url = server.fresh();
        let schema = url.rsplit_once("schema=").ok_or("no schema")?.1.to_owned();
        let ledger = PostgresLedger::open(ServerOptions::from_url(&url)?).await?;
        // The second one finds the connection that the first one opened.
        for event in warm_up(2) {
            ledger.append_one(event).await?;
        }
        // Both of a pair begin with a checkpoint that is done.
        server.sql("CHECKPOINT");
        Ok(Self { ledger, url, schema })
    }

    /// The same, and a raw connection to the same tables.
    async fn raw(server: &Postgres) -> Result<(Self, Raw)> {
        let place = Self::new(server).await?;
        let raw = Raw::connect(server, &place.schema).await?;
        Ok((place, raw))
    }

    fn commits(&self, server: &Postgres) -> Result<usize> {
        Ok(server.sql(&format!("SELECT commits FROM {}.ledger_head", self.schema)).trim().parse()?)
    }

    async fn clear(self, server: &Postgres) -> Result<()> {
        self.ledger.close().await?;
        server.sql(&format!("DROP SCHEMA {} CASCADE", self.schema));
        Ok(())
    }
}
