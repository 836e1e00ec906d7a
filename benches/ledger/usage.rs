//! The usage projection on SQLite, beside rusqlite: the same rows stored, the same questions asked by hand.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use agent_ledger::{Event, LedgerExt, MemoryLedger, Timestamp};
use ledger_events::{Cost, CostSource, LlmCall, Millis, Tokens, event};
use ledger_projections::usage::{Usage, UsageFilter, UsageQuery, UsageReader};
use ledger_projections::{Buckets, Database, Projector, Width, Window, Zone};
use rusqlite::Connection;

use crate::common::{Parts, Result, heading, millis, print, rate};

/// Those of project, stats and series that are wanted.
pub(crate) async fn all(parts: &Parts) -> Result<()> {
    let wanted = |part: &str| parts.want(&format!("usage {part}"));
    if !["project", "stats", "series"].into_iter().any(wanted) {
        return Ok(());
    }
    let folder =
        tempfile::Builder::new().prefix("ledger-bench-").tempdir_in(std::env::current_dir()?.join("target"))?;
    let dir = folder.path();
    heading(&format!("Usage on SQLite {}", rusqlite::version()));
    if wanted("project") {
        project(dir).await?;
    }
    if wanted("stats") || wanted("series") {
        let path = million(dir).await?;
        if wanted("stats") {
            stats(&path).await?;
        }
        if wanted("series") {
            series(&path).await?;
        }
    }
    Ok(())
}

/// Calls as an application makes them: ten tenants, a few operations and models, invocations of three calls, all through
/// March 2026.
fn calls(first: usize, count: usize, all: usize) -> Result<Vec<Event>> {
    let march = Timestamp::parse("2026-03-01T00:00:00Z")?.as_micros();
    let (run, actor) = (agent_ledger::RunId::new("bench")?, agent_ledger::Actor::new("bench")?);
    let mut events = Vec::with_capacity(count);
    for n in first..first + count {
        let spread = i64::try_from(n)? * (31 * 86_400_000_000 / i64::try_from(all)?);
        let mut call = LlmCall::new(
            ["analyze", "summarize", "assign", "chat"][n / 3 % 4],
            "openai",
            Timestamp::from_micros(march + spread)?,
        );
        call.tenant_id = format!("tenant-{}", n / 3 % 10);
        call.call_id = Some(format!("invocation-{}", n / 3));
        call.session_id = Some(format!("session-{}", n / 300));
        call.model = Some(["gpt-5", "gpt-5-mini", "o5"][n % 3].into());
        let scattered = n.wrapping_mul(2_654_435_761) >> 7;
        call.duration_ms = Some(Millis::new((200 + scattered % 20_000_000) as f64 / 1_000.0)?);
        call.tokens =
            Tokens { input: (scattered % 8_000) as u64, output: (scattered % 900) as u64, ..Tokens::default() };
        let pico_usd = i64::try_from(scattered % 50_000)? * 1_000_000;
        call.cost = Some(Cost { pico_usd, source: CostSource::Provider, price_version: None });
        if n % 50 == 0 {
            call.fail(ledger_events::CallStatus::Error, "overloaded");
        }
        events.push(event(run.clone(), actor.clone(), &call)?);
    }
    Ok(events)
}

fn projector(path: &Path) -> Result<Projector<Usage>> {
    Ok(Projector::new(Usage::new(), Database::sqlite(path)?))
}

async fn project(dir: &Path) -> Result<()> {
    const CALLS: usize = 50_000;
    let mut pairs = Vec::new();
    for round in 0..5 {
        let ledger = MemoryLedger::new();
        ledger.extend(calls(0, CALLS, MILLION)?).await?;
        let ours = dir.join(format!("ours-{round}.db"));
        let start = Instant::now();
        projector(&ours)?.catch_up(&ledger, &|_, _| ()).await?;
        let our_time = start.elapsed();
        // The same tables, empty, and the same rows, ready to be stored.
        let raw = dir.join(format!("raw-{round}.db"));
        projector(&raw)?.catch_up(&MemoryLedger::new(), &|_, _| ()).await?;
        let rows = stored(&ours)?;
        let start = Instant::now();
        upsert(&raw, &rows)?;
        pairs.push((rate(CALLS, our_time), rate(CALLS, start.elapsed())));
    }
    print("project llm.called (events/s)", &pairs, ">= 0.50");
    Ok(())
}

type Row = Vec<rusqlite::types::Value>;

fn stored(path: &Path) -> Result<Vec<Row>> {
    let connection = Connection::open(path)?;
    let mut statement = connection.prepare("SELECT * FROM usage_calls_1 ORDER BY started_at")?;
    let columns = statement.column_count();
    let rows = statement.query_map([], |row| (0..columns).map(|n| row.get(n)).collect())?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Stores rows as one would by hand: many in a statement, a thousand in a transaction.
fn upsert(path: &Path, rows: &[Row]) -> Result<()> {
    const ROWS: usize = 100;
    let mut connection = Connection::open(path)?;
    connection.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL")?;
    let names: Vec<String> = {
        let statement = connection.prepare("SELECT * FROM usage_calls_1")?;
        statement.column_names().into_iter().map(str::to_owned).collect()
    };
    let set: Vec<String> = names.iter().skip(1).map(|name| format!("{name} = excluded.{name}")).collect();
    let places = format!("({})", vec!["?"; names.len()].join(", "));
    let sql = format!(
        "INSERT INTO usage_calls_1 ({}) VALUES {} ON CONFLICT (call_key) DO UPDATE SET {}",
        names.join(", "),
        vec![places.as_str(); ROWS].join(", "),
        set.join(", ")
    );
    for transaction_rows in rows.chunks(1_000) {
        let transaction = connection.transaction()?;
        {
            let mut statement = transaction.prepare_cached(&sql)?;
            for rows in transaction_rows.chunks_exact(ROWS) {
                statement.execute(rusqlite::params_from_iter(rows.iter().flatten()))?;
            }
        }
        transaction.commit()?;
    }
    Ok(())
}

const MILLION: usize = 1_000_000;

async fn million(dir: &Path) -> Result<PathBuf> {
    let path = dir.join("million.db");
    let ledger = Arc::new(MemoryLedger::new());
    for first in (0..MILLION).step_by(100_000) {
        ledger.extend(calls(first, 100_000, MILLION)?).await?;
    }
    let start = Instant::now();
    projector(&path)?.catch_up(ledger.as_ref(), &|_, _| ()).await?;
    println!("{:44} {:>14.1}", "project 1,000,000 (events/s)", rate(MILLION, start.elapsed()));
    Ok(path)
}

/// The same answer by hand: sums in one statement, and percentiles of each measure in one.
const BY_HAND: [&str; 4] = [
    "SELECT count(*), sum(status <> 'ok'), sum(leads), sum(pico_usd IS NULL), sum(pico_usd / 1000000),
            sum(pico_usd % 1000000), sum(iif(status = 'ok', pico_usd, 0)), sum(input), sum(cache_read), sum(cache_write_5m),
            sum(cache_write_1h), sum(cache_write), sum(output), sum(reasoning), sum(iif(status = 'ok', duration_us, 0)),
            min(iif(status = 'ok', duration_us, NULL)), max(iif(status = 'ok', duration_us, NULL)),
            sum(iif(status = 'ok', input_total, 0)), min(iif(status = 'ok', input_total, NULL)),
            max(iif(status = 'ok', input_total, NULL)), sum(iif(status = 'ok', output, 0)),
            min(iif(status = 'ok', output, NULL)), max(iif(status = 'ok', output, NULL))
     FROM usage_calls WHERE tenant = ?1",
    "WITH v AS (SELECT duration_us AS x, row_number() OVER (ORDER BY duration_us) AS r, count(*) OVER () AS n
     FROM usage_calls WHERE tenant = ?1 AND status = 'ok' AND duration_us IS NOT NULL) SELECT r, x FROM v WHERE r IN
     (1 + (n - 1) * 5 / 100, 2 + (n - 1) * 5 / 100, 1 + (n - 1) / 2, 2 + (n - 1) / 2, 1 + (n - 1) * 95 / 100,
      2 + (n - 1) * 95 / 100, 1 + (n - 1) * 99 / 100, 2 + (n - 1) * 99 / 100)",
    "WITH v AS (SELECT input_total AS x, row_number() OVER (ORDER BY input_total) AS r, count(*) OVER () AS n
     FROM usage_calls WHERE tenant = ?1 AND status = 'ok') SELECT r, x FROM v WHERE r IN
     (1 + (n - 1) * 5 / 100, 2 + (n - 1) * 5 / 100, 1 + (n - 1) / 2, 2 + (n - 1) / 2, 1 + (n - 1) * 95 / 100,
      2 + (n - 1) * 95 / 100, 1 + (n - 1) * 99 / 100, 2 + (n - 1) * 99 / 100)",
    "WITH v AS (SELECT output AS x, row_number() OVER (ORDER BY output) AS r, count(*) OVER () AS n
     FROM usage_calls WHERE tenant = ?1 AND status = 'ok') SELECT r, x FROM v WHERE r IN
     (1 + (n - 1) * 5 / 100, 2 + (n - 1) * 5 / 100, 1 + (n - 1) / 2, 2 + (n - 1) / 2, 1 + (n - 1) * 95 / 100,
      2 + (n - 1) * 95 / 100, 1 + (n - 1) * 99 / 100, 2 + (n - 1) * 99 / 100)",
];

/// One tenant has a tenth of the calls; then one has all of them.
async fn stats(path: &Path) -> Result<()> {
    let reader = UsageReader::new(Database::sqlite(path)?);
    let raw = Connection::open(path)?;
    for (what, tenant) in
        [("stats of 1 of 10 tenants (ms)", "tenant-3"), ("stats of 1 tenant with 1,000,000 calls (ms)", "all")]
    {
        if tenant == "all" {
            raw.execute_batch("UPDATE usage_calls_1 SET tenant = 'all'; UPDATE usage_cells_1 SET tenant = 'all' WHERE tenant = 'tenant-3'")?;
        }
        let query = UsageQuery::from(UsageFilter { tenants: vec![tenant.into()], ..UsageFilter::default() });
        let mut pairs = Vec::new();
        for _ in 0..5 {
            let start = Instant::now();
            let ours = reader.stats(&query).await?;
            let our_time = start.elapsed();
            let start = Instant::now();
            let mut calls: i64 = 0;
            for (n, sql) in BY_HAND.iter().enumerate() {
                let mut statement = raw.prepare(sql)?;
                let mut rows = statement.query([tenant])?;
                while let Some(row) = rows.next()? {
                    if n == 0 {
                        calls = row.get(0)?;
                    }
                }
            }
            let raw_time = start.elapsed();
            assert_eq!(ours.total.metrics.calls, calls);
            pairs.push((our_time.as_secs_f64() * 1e3, raw_time.as_secs_f64() * 1e3));
        }
        print(what, &pairs, "<= 1.50");
    }
    Ok(())
}

/// Ten million calls: each of the million ten times, and the sums ten times as much.
async fn series(path: &Path) -> Result<()> {
    let raw = Connection::open(path)?;
    let columns = {
        let statement = raw.prepare("SELECT * FROM usage_calls_1")?;
        statement.column_names().into_iter().skip(1).collect::<Vec<_>>().join(", ")
    };
    raw.execute_batch("PRAGMA synchronous = OFF; BEGIN")?;
    for copy in 1..10 {
        raw.execute_batch(&format!(
            "INSERT INTO usage_calls_1 SELECT call_key || '-{copy}', {columns} FROM usage_calls_1 WHERE call_key NOT LIKE '%-_'"
        ))?;
    }
    raw.execute_batch("UPDATE usage_cells_1 SET calls = calls * 10; COMMIT")?;
    let march =
        Window::new(Some(Timestamp::parse("2026-03-01T00:00:00Z")?), Some(Timestamp::parse("2026-04-01T00:00:00Z")?))?;
    let reader = UsageReader::new(Database::sqlite(path)?);
    let zone: Zone = "Asia/Kathmandu".parse()?;
    let start = Instant::now();
    let series = reader.series(&UsageFilter::within(march).into(), Buckets { zone, width: Width::Day }).await?;
    println!(
        "{:44} {:>14}   ({} days, {} calls)",
        "daily series of a month, 10,000,000 (ms)",
        millis(start.elapsed()),
        series.rows.len(),
        series.total.calls
    );
    Ok(())
}
