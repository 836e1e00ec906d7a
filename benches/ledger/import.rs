//! Importing transcripts, beside merely parsing their lines.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use ledger_import::incremental::{BoxError, Change, IncrementalImport, Keep, Part};
use ledger_import::{Options, Source};
use ledger_projections::{Database, Kept};

use crate::common::{Parts, Result, heading, millis, print};

/// Bytes of the home, about.
const HOME: usize = 500 << 20;
/// Sizes of transcripts: many small ones, a few large ones.
const SIZES: [usize; 8] = [60 << 10, 200 << 10, 500 << 10, 1 << 20, 2 << 20, 5 << 20, 12 << 20, 30 << 20];
/// What is appended before the second import.
const APPENDED: usize = 1 << 20;

pub(crate) async fn all(parts: &Parts) -> Result<()> {
    if !parts.want("import") {
        return Ok(());
    }
    let folder =
        tempfile::Builder::new().prefix("ledger-bench-").tempdir_in(std::env::current_dir()?.join("target"))?;
    let home = folder.path().join("projects");
    let (files, bytes) = write_home(&home)?;
    heading(&format!("Import of {} files, {} MB", files.len(), bytes >> 20));
    let ledger = folder.path().join("ledger.db");
    let peer = parse(&files)?;
    let first = child(&home, &ledger)?;
    let rate = |time: Duration| megabytes(bytes) / time.as_secs_f64();
    print("import, MB/s; peer: serde_json::Value", &[(rate(first.time), rate(peer))], ">= 0.50");
    append(&files)?;
    let second = child(&home, &ledger)?;
    let share = second.time.as_secs_f64() / first.time.as_secs_f64();
    println!(
        "{:44} {:>14} {:>14} {share:>7.3} {:>8}",
        "again, 1 MB appended, ms; peer: the first",
        millis(second.time),
        millis(first.time),
        "<= 0.02"
    );
    println!("{:44} {:>14} {:>14} {:>7} {:>8}", "peak memory, MB", first.peak_mb, second.peak_mb, "", "<= 200");
    println!("{:44} {:>14} {:>14}", "events appended: first, again", first.appended, second.appended);
    Ok(())
}

/// What an import in a process of its own took.
struct Taken {
    time: Duration,
    appended: u64,
    peak_mb: u64,
}

fn child(home: &Path, ledger: &Path) -> Result<Taken> {
    let start = Instant::now();
    let output = Command::new(std::env::current_exe()?).arg("child-import").arg(home).arg(ledger).output()?;
    let time = start.elapsed();
    let text = String::from_utf8(output.stdout)?;
    let [appended, peak_mb] = text.split_whitespace().collect::<Vec<_>>()[..] else {
        return Err(format!("the import failed: {}", String::from_utf8_lossy(&output.stderr)).into());
    };
    Ok(Taken { time, appended: appended.parse()?, peak_mb: peak_mb.parse()? })
}

/// Imports as the command line does; prints how many events were new, and the peak of its memory in megabytes.
pub(crate) async fn child_import(home: &str, ledger: &str) -> Result<()> {
    let opened = agent_ledger::open(ledger).await?;
    let database = Database::sqlite(&PathBuf::from(ledger).with_extension("projections.db"))?;
    let kept = Kept::open(database).await?;
    let keep = Box::new(InDatabase(kept.clone()));
    let mut import = IncrementalImport::new(&Source::Claude, Options::default(), opened.as_ref(), keep)?;
    let pass = import.pass(&Source::Claude.find(&[home.into()])?, &|_| ()).await?;
    kept.close().await;
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.split_whitespace().next()?.parse().ok());
    let peak: u64 = peak.unwrap_or(0);
    println!("{} {}", pass.stored.appended, peak / 1_024);
    Ok(())
}

/// As the command line keeps it.
struct InDatabase(Kept);

#[async_trait]
impl Keep for InDatabase {
    async fn all(&mut self, owner: &str, part: Part) -> std::result::Result<Vec<(String, Vec<u8>)>, BoxError> {
        Ok(self.0.all(owner, part.number()).await?)
    }

    async fn one(&mut self, owner: &str, name: &str, part: Part) -> std::result::Result<Option<Vec<u8>>, BoxError> {
        Ok(self.0.one(owner, name, part.number()).await?)
    }

    async fn put(&mut self, owner: &str, changes: Vec<Change>) -> std::result::Result<(), BoxError> {
        let parts = |parts: [Vec<u8>; 3]| Part::ALL.map(Part::number).into_iter().zip(parts).collect();
        let changes =
            changes.into_iter().map(|Change { name, parts: bytes }| (name, bytes.map_or_else(Vec::new, parts)));
        Ok(self.0.put(owner, changes.collect()).await?)
    }

    async fn clear(&mut self, owner: &str) -> std::result::Result<(), BoxError> {
        Ok(self.0.clear(owner).await?)
    }
}

/// How long it takes to make values of all lines.
fn parse(files: &[PathBuf]) -> Result<Duration> {
    let start = Instant::now();
    for path in files {
        let mut reader = BufReader::with_capacity(1 << 20, File::open(path)?);
        let mut line = Vec::new();
        while reader.read_until(b'\n', &mut line)? > 0 {
            std::hint::black_box(serde_json::from_slice::<serde_json::Value>(&line)?);
            line.clear();
        }
    }
    Ok(start.elapsed())
}

fn write_home(home: &Path) -> Result<(Vec<PathBuf>, usize)> {
    let (mut files, mut bytes) = (Vec::new(), 0);
    while bytes < HOME {
        let session = format!("{:08}-0000-4000-8000-000000000000", files.len());
        let path = home.join(format!("-home-user-project-{}", files.len() % 12)).join(format!("{session}.jsonl"));
        fs::create_dir_all(path.parent().ok_or("no folder")?)?;
        // Few of the large ones.
        let size = SIZES[(files.len() * files.len() + files.len() / 5) % SIZES.len()];
        let mut file = std::io::BufWriter::new(File::create(&path)?);
        bytes += write_turns(&mut file, &session, 0, size)?;
        file.flush()?;
        files.push(path);
    }
    Ok((files, bytes))
}

fn append(files: &[PathBuf]) -> Result<()> {
    let path = &files[files.len() / 2];
    let session = path.file_stem().and_then(|stem| stem.to_str()).ok_or("no session")?;
    let mut file = fs::OpenOptions::new().append(true).open(path)?;
    write_turns(&mut file, session, 1_000_000, APPENDED)?;
    Ok(())
}

/// Turns as an agent writes them, until there are `size` bytes: a prompt, answers in two lines each, tools and what they gave.
fn write_turns(file: &mut impl std::io::Write, session: &str, first: usize, size: usize) -> Result<usize> {
    let (mut written, mut line, mut parent) = (0, first, "null".to_owned());
    let text = |bytes: usize| "fn main() {\\n    println!(\\\"grüße\\\");\\n}\\n".repeat(bytes / 46 + 1);
    while written < size {
        for step in 0..24 {
            let uuid = format!("\"{}-{line:012x}\"", &session[..23]);
            let at = format!(
                "2026-01-{:02}T{:02}:{:02}:{:02}.000Z",
                1 + line / 86_400 % 28,
                line / 3_600 % 24,
                line / 60 % 60,
                line % 60
            );
            let head = format!(
                r#"{{"parentUuid":{parent},"isSidechain":false,"userType":"external","cwd":"/home/user/project","sessionId":"{session}","version":"2.1.39","gitBranch":"main","uuid":{uuid},"timestamp":"{at}","#
            );
            let call = line - step % 3;
            let rest = match step % 3 {
                0 if step == 0 => format!(r#""type":"user","message":{{"role":"user","content":"{}"}}}}"#, text(1_200)),
                0 => format!(
                    r#""type":"user","message":{{"role":"user","content":[{{"tool_use_id":"toolu_{session}{}","type":"tool_result","content":"{}"}}]}},"toolUseResult":{{"stdout":"{}","durationMs":12}}}}"#,
                    line - 1,
                    text(6_000),
                    text(6_000)
                ),
                part => format!(
                    r#""type":"assistant","requestId":"req_{session}{call}","message":{{"id":"msg_{session}{call}","type":"message","role":"assistant","model":"claude-opus-4-6","content":[{}],"stop_reason":null,"usage":{{"input_tokens":12,"cache_creation_input_tokens":900,"cache_read_input_tokens":45000,"cache_creation":{{"ephemeral_5m_input_tokens":0,"ephemeral_1h_input_tokens":900}},"output_tokens":{},"service_tier":"standard"}}}}}}"#,
                    if part == 1 {
                        format!(r#"{{"type":"text","text":"{}"}}"#, text(1_800))
                    } else {
                        format!(
                            r#"{{"type":"tool_use","id":"toolu_{session}{line}","name":"Edit","input":{{"new":"{}"}}}}"#,
                            text(3_600)
                        )
                    },
                    part * 200
                ),
            };
            let whole = format!("{head}{rest}\n");
            file.write_all(whole.as_bytes())?;
            written += whole.len();
            parent = uuid;
            line += 1;
        }
    }
    Ok(written)
}

#[allow(clippy::cast_precision_loss)]
fn megabytes(bytes: usize) -> f64 {
    bytes as f64 / 1e6
}
