//! SQLite, beside rusqlite.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use agent_ledger::{
    Actor, Cached, Digest, Event, EventId, EventKind, Ledger, LedgerExt, Metadata, Mode, ModelId, Offset, Payload,
    Read, ReadVerification, RecordedEvent, RunId, SchemaVersion, SessionId, SqliteLedger, SqliteOptions, Timestamp,
};
use futures_util::StreamExt;
use rusqlite::{Connection, params};

use crate::common::{Parts, Result, events, heading, micros, millis, percentile, print, rate, read_all, writers};

const INSERT: &str = r#"INSERT INTO events ("offset", id, run_id, turn, kind, actor, created_at, recorded_at,
    schema_version, session_id, model_profile, model_id, digest, seal, metadata, payload)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)"#;

/// Those of append, concurrent, replay, snapshot, wakeup and memory that are wanted.
pub(crate) async fn all(parts: &Parts) -> Result<()> {
    let wanted = |part: &str| parts.want(&format!("sqlite {part}"));
    if !["append", "concurrent", "replay", "snapshot", "wakeup", "memory"].into_iter().any(wanted) {
        return Ok(());
    }
    let folder =
        tempfile::Builder::new().prefix("ledger-bench-").tempdir_in(std::env::current_dir()?.join("target"))?;
    let dir = folder.path();
    heading(&format!("SQLite {}", rusqlite::version()));
    if wanted("append") {
        bulk_append(dir).await?;
        single_append(dir).await?;
    }
    if wanted("concurrent") {
        concurrent_append(dir).await?;
    }
    if wanted("replay") || wanted("snapshot") {
        let path = large(dir).await?;
        if wanted("replay") {
            replay(&path).await?;
        }
        if wanted("snapshot") {
            snapshot(dir, &path).await?;
        }
    }
    if wanted("wakeup") {
        wakeup(dir).await?;
    }
    if wanted("memory") {
        memory(dir).await?;
    }
    Ok(())
}

async fn bulk_append(dir: &Path) -> Result<()> {
    const EVENTS: usize = 50_000;
    let mut pairs = Vec::new();
    for round in 0..5 {
        let events = events(round, EVENTS);
        let ours = fresh(dir, "bulk-ours").await?;
        let batches: Vec<_> = events.chunks(1_000).map(<[Event]>::to_vec).collect();
        let start = Instant::now();
        for batch in batches {
            ours.append_all(batch).await?;
        }
        let our_time = start.elapsed();
        drop(ours);
        let mut raw = Raw::open(dir, "bulk-raw").await?;
        let start = Instant::now();
        for batch in events.chunks(1_000) {
            raw.append(batch)?;
        }
        pairs.push((rate(EVENTS, our_time), rate(EVENTS, start.elapsed())));
    }
    print("append, 1,000 per call (events/s)", &pairs, ">= 0.80");
    Ok(())
}

async fn single_append(dir: &Path) -> Result<()> {
    const EVENTS: usize = 500;
    let mut pairs = Vec::new();
    for round in 0..5 {
        let events = events(round, EVENTS);
        let ours = fresh(dir, "single-ours").await?;
        let mut raw = Raw::open(dir, "single-raw").await?;
        let (mut our_times, mut raw_times) = (Vec::new(), Vec::new());
        for event in &events {
            let start = Instant::now();
            ours.append_one(event.clone()).await?;
            our_times.push(start.elapsed());
            let start = Instant::now();
            raw.append(std::slice::from_ref(event))?;
            raw_times.push(start.elapsed());
        }
        pairs.push((micros(percentile(&mut our_times, 50)), micros(percentile(&mut raw_times, 50))));
    }
    print("append, 1 per call, p50 (µs)", &pairs, "<= 1.50");
    Ok(())
}

async fn concurrent_append(dir: &Path) -> Result<()> {
    let mut pairs = Vec::new();
    for round in 0..5 {
        let one = writers(Arc::new(fresh(dir, "writers").await?), round, 1, 1_000).await?;
        let many = writers(Arc::new(fresh(dir, "writers").await?), round, 64, 500).await?;
        pairs.push((many, one));
    }
    print("append, 64 writers against 1 (events/s)", &pairs, ">= 8.00");
    Ok(())
}

/// Events of the ledger that is replayed and copied.
const EVENTS: usize = 300_000;

async fn large(dir: &Path) -> Result<PathBuf> {
    let ledger = fresh(dir, "large").await?;
    ledger.extend(events(0, EVENTS)).await?;
    Ok(ledger.path().to_owned())
}

async fn replay(path: &Path) -> Result<()> {
    let verified = SqliteLedger::open(SqliteOptions::new(path)).await?;
    let unverified = SqliteLedger::open(SqliteOptions::new(path).verification(ReadVerification::Off)).await?;
    let cached = Cached::new(Arc::new(SqliteLedger::open(SqliteOptions::new(path)).await?), 1 << 30);
    read_all(&cached).await?;
    let (mut with, mut without, mut again) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..5 {
        let raw = rate(EVENTS, raw_scan(path, EVENTS)?);
        let replayed = rate(EVENTS, read_all(&verified).await?);
        with.push((replayed, raw));
        without.push((rate(EVENTS, read_all(&unverified).await?), rate(EVENTS, raw_scan(path, EVENTS)?)));
        again.push((rate(EVENTS, read_all(&cached).await?), rate(EVENTS, read_all(&verified).await?)));
    }
    print("replay, digests verified (events/s)", &with, ">= 0.50");
    print("replay, not verified (events/s)", &without, ">= 0.80");
    print("re-read through Cached against replay", &again, ">= 5.00");
    Ok(())
}

async fn snapshot(dir: &Path, path: &Path) -> Result<()> {
    let ledger = SqliteLedger::open(SqliteOptions::new(path)).await?;
    let source = Connection::open(path)?;
    let (mut pairs, mut same_job) = (Vec::new(), Vec::new());
    for round in 0..5 {
        let target = |name: &str| dir.join(format!("{name}-{round}.db"));
        let start = Instant::now();
        agent_ledger::snapshot(&ledger, &target("snapshot"), &|_, _| ()).await?;
        let ours = start.elapsed();
        let start = Instant::now();
        let mut copy = Connection::open(target("backup"))?;
        rusqlite::backup::Backup::new(&source, &mut copy)?.run_to_completion(4_096, Duration::ZERO, None)?;
        drop(copy);
        std::fs::File::open(target("backup"))?.sync_all()?;
        let backup = start.elapsed();
        let start = Instant::now();
        source.execute("VACUUM INTO ?1", [target("vacuum").to_string_lossy()])?;
        std::fs::File::open(target("vacuum"))?.sync_all()?;
        let vacuum = start.elapsed();
        let raw = backup.min(vacuum);
        pairs.push((1.0 / ours.as_secs_f64(), 1.0 / raw.as_secs_f64()));
        let read_back = raw + raw_scan(&target("backup"), EVENTS)?;
        same_job.push((1.0 / ours.as_secs_f64(), 1.0 / read_back.as_secs_f64()));
        for name in ["snapshot", "backup", "vacuum"] {
            std::fs::remove_file(target(name))?;
        }
    }
    print("snapshot, verified, against raw copy (1/s)", &pairs, ">= 0.80");
    print("... against raw copy that is read back (1/s)", &same_job, "");
    Ok(())
}

/// How long after its acknowledgement in one process an event is seen by a follower in another.
async fn wakeup(dir: &Path) -> Result<()> {
    const EVENTS: usize = 400;
    let ledger = fresh(dir, "wakeup").await?;
    let mut child = Command::new(std::env::current_exe()?)
        .args(["child-append", &ledger.path().to_string_lossy(), &EVENTS.to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut stdin = child.stdin.take().ok_or("no stdin")?;
    let mut lines = BufReader::new(child.stdout.take().ok_or("no stdout")?).lines();
    let mut follower = ledger.follow(Read::after(Offset::ZERO));
    let mut delays = Vec::new();
    for _ in 0..EVENTS {
        writeln!(stdin, "go")?;
        let seen = follower.next().await.ok_or("the follower ended")??;
        let now = Timestamp::now();
        // The child says when its append returned.
        let acknowledged: i64 = lines.next().ok_or("no answer")??.parse()?;
        std::hint::black_box(&seen);
        delays.push(Duration::from_micros(now.as_micros().saturating_sub(acknowledged).max(0).unsigned_abs()));
    }
    drop(stdin);
    child.wait()?;
    let p50 = percentile(&mut delays, 50);
    let p99 = percentile(&mut delays, 99);
    println!(
        "{:44} {:>11} p50 {:>10} p99 {:>16}",
        "seen by another process after (ms)",
        millis(p50),
        millis(p99),
        "<= 50 p99"
    );
    Ok(())
}

pub(crate) async fn child_append(path: &str, count: usize) -> Result<()> {
    let ledger = SqliteLedger::open(SqliteOptions::new(path)).await?;
    let mut input = std::io::stdin().lines();
    for event in events(7, count) {
        input.next().ok_or("the parent is gone")??;
        ledger.append_one(event).await?;
        println!("{}", Timestamp::now().as_micros());
        std::io::stdout().flush()?;
    }
    Ok(())
}

/// Peak memory of a process that replays ten times more than it did before.
async fn memory(dir: &Path) -> Result<()> {
    let ledger = fresh(dir, "memory").await?;
    let mut peaks = Vec::new();
    for (round, until) in [(0_usize, 200_000_u64), (1, 2_000_000)] {
        let mut part = 0;
        while ledger.head().await?.extent.last.get() < until {
            ledger.extend(events(10_000 + round * 1_000 + part, 50_000)).await?;
            part += 1;
        }
        let output =
            Command::new(std::env::current_exe()?).args(["child-replay", &ledger.path().to_string_lossy()]).output()?;
        peaks.push(String::from_utf8(output.stdout)?.trim().parse::<f64>()? / 1024.0);
    }
    println!(
        "{:44} {:>11.1} 2 M {:>10.1} 0.2M {:>6.2} {:>8}",
        "peak memory of a replay (MiB)",
        peaks[1],
        peaks[0],
        peaks[1] / peaks[0],
        "~ 1.00"
    );
    Ok(())
}

pub(crate) async fn child_replay(path: &str) -> Result<()> {
    let ledger = SqliteLedger::open(SqliteOptions::new(path).mode(Mode::ReadOnly)).await?;
    read_all(&ledger).await?;
    let status = std::fs::read_to_string("/proc/self/status")?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("no VmHWM")?;
    println!("{}", peak.trim().trim_end_matches(" kB"));
    Ok(())
}

// ---- ours and the raw peer ---------------------------------------------------------------------------------------------

/// A new ledger in `dir`; one of the same name is replaced.
async fn fresh(dir: &Path, name: &str) -> Result<SqliteLedger> {
    for ending in ["db", "db-wal", "db-shm"] {
        let _ = std::fs::remove_file(dir.join(format!("{name}.{ending}")));
    }
    Ok(SqliteLedger::open(SqliteOptions::new(dir.join(format!("{name}.db")))).await?)
}

/// The raw driver on the same tables: what somebody would write who needs no ledger.
struct Raw {
    connection: Connection,
    next: i64,
}

impl Raw {
    async fn open(dir: &Path, name: &str) -> Result<Self> {
        let path = fresh(dir, name).await?.path().to_owned();
        let connection = Connection::open(path)?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "cache_size", -16 * 1024)?;
        Ok(Self { connection, next: 1 })
    }

    fn append(&mut self, events: &[Event]) -> Result<()> {
        self.connection.execute_batch("BEGIN IMMEDIATE")?;
        let now = Timestamp::now().as_micros();
        {
            let mut insert = self.connection.prepare_cached(INSERT)?;
            for event in events {
                insert.execute(params![
                    self.next,
                    event.id.as_str(),
                    event.run_id.as_str(),
                    event.turn,
                    event.kind.as_str(),
                    event.actor.as_str(),
                    event.created_at.as_micros(),
                    now,
                    event.schema_version.get(),
                    event.session_id.as_ref().map(SessionId::as_str),
                    Option::<&str>::None,
                    event.model_id.as_ref().map(ModelId::as_str),
                    [7_u8; 32].as_slice(),
                    self.next,
                    "{}",
                    event.payload.as_str(),
                ])?;
                self.next += 1;
            }
        }
        self.connection.execute_batch("COMMIT")?;
        Ok(())
    }
}

/// A plain scan that builds the same structs.
fn raw_scan(path: &Path, expected: usize) -> Result<Duration> {
    let connection = Connection::open(path)?;
    connection.pragma_update(None, "cache_size", -16 * 1024)?;
    let start = Instant::now();
    let mut statement = connection.prepare(
        r#"SELECT "offset", id, run_id, turn, kind, actor, created_at, recorded_at, schema_version, session_id,
                  model_profile, model_id, digest, metadata, payload FROM events ORDER BY "offset""#,
    )?;
    let mut rows = statement.query([])?;
    let mut page: Vec<Arc<RecordedEvent>> = Vec::with_capacity(1_000);
    let mut count = 0;
    while let Some(row) = rows.next()? {
        let text = |column: usize| row.get_ref(column).and_then(|value| Ok(value.as_str()?));
        let event = Event {
            id: EventId::from_stored(text(1)?),
            run_id: RunId::from_stored(text(2)?),
            turn: row.get(3)?,
            kind: EventKind::from_stored(text(4)?),
            actor: Actor::from_stored(text(5)?),
            created_at: Timestamp::from_micros(row.get(6)?)?,
            schema_version: SchemaVersion::new(row.get(8)?)?,
            session_id: row.get_ref(9)?.as_str_or_null()?.map(SessionId::from_stored),
            model_profile: row.get_ref(10)?.as_str_or_null()?.map(agent_ledger::ModelProfile::from_stored),
            model_id: row.get_ref(11)?.as_str_or_null()?.map(ModelId::from_stored),
            metadata: Metadata::new(),
            payload: Payload::from_stored(text(14)?),
        };
        let recorded = RecordedEvent {
            offset: Offset::from_i64(row.get(0)?)?,
            recorded_at: Timestamp::from_micros(row.get(7)?)?,
            digest: Digest::from_bytes(row.get(12)?),
            event,
        };
        std::hint::black_box(text(13)?);
        page.push(Arc::new(recorded));
        count += 1;
        if page.len() == 1_000 {
            std::hint::black_box(&page);
            page.clear();
        }
    }
    if count != expected {
        return Err(format!("the scan found {count} rows").into());
    }
    Ok(start.elapsed())
}
