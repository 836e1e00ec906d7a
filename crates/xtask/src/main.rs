//! The task runner: `cargo xtask test`, `cargo xtask analysts`, `cargo xtask bench`, `cargo xtask check`.

mod analysts;

use std::process::{Command, ExitCode};

/// Programs that the tests run, and the Debian packages that have them; servers are looked for by who starts them.
const TOOLS: [(&str, &str); 2] = [("sqlite3", "sqlite3"), ("strace", "strace")];

/// All tests, with what is off by default, so that nothing is built twice.
const ALL: [&str; 4] = ["test", "--workspace", "--features", "ledger-sql/entra"];

const USAGE: &str = "usage: cargo xtask <task>

  test [ARGS]   installs what the tests need, then runs them all (ARGS go to cargo test; without them, also `analysts`)
  analysts      opens exported files with Polars and DuckDB, which it installs under target/, where there is python3
  bench [PART]  prints ratios beside the raw driver; of SQLite: append, concurrent, replay, snapshot, wakeup, memory;
                of Postgres: append, single, concurrent, replay, growth; of usage: project, stats, series; import; or all. Several words name the parts that have
                them all: postgres append
  check         format, clippy and docs, with warnings denied";

type Outcome = Result<(), String>;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let outcome = match args.split_first() {
        Some((task, rest)) if task == "test" => test(rest),
        Some((task, [])) if task == "analysts" => analysts::provision().and_then(analysts::test),
        Some((task, rest)) if task == "bench" => bench(rest),
        Some((task, [])) if task == "check" => check(),
        _ => Err(USAGE.into()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("{reason}");
            ExitCode::FAILURE
        }
    }
}

fn test(args: &[String]) -> Outcome {
    provision()?;
    if !args.is_empty() {
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        return cargo(&[&ALL, args.as_slice()].concat());
    }
    // Before the tests, so that what is missing is known soon.
    let python = analysts::provision()?;
    cargo(&ALL)?;
    analysts::test(python)
}

fn bench(args: &[String]) -> Outcome {
    let mut all = vec!["bench", "--package", "agent-ledger", "--bench", "ledger", "--"];
    all.extend(args.iter().map(String::as_str));
    cargo(&all)
}

fn check() -> Outcome {
    cargo(&["fmt", "--all", "--check"])?;
    cargo(&["clippy", "--workspace", "--all-targets", "--quiet", "--", "--deny", "warnings"])?;
    // The core builds without any SQL engine, and with each of them alone; what only servers need is only built with one.
    for engine in [
        "",
        "sqlite",
        "postgres",
        "mysql",
        "postgres,entra",
        "mysql,entra",
        "sqlite,projections",
        "postgres,projections",
        "mysql,projections",
    ] {
        let package = ["clippy", "--package", "agent-ledger", "--no-default-features", "--features", engine, "--quiet"];
        cargo(&[package.as_slice(), &["--", "--deny", "warnings"]].concat())?;
    }
    // Importers and projections take the payloads without the recorders.
    cargo(&["clippy", "--package", "ledger-events", "--quiet", "--", "--deny", "warnings"])?;
    let docs = Command::new(env!("CARGO"))
        .args(["doc", "--workspace", "--no-deps", "--quiet"])
        .env("RUSTDOCFLAGS", "--deny warnings")
        .status();
    succeeded("cargo doc", docs)
}

/// Installs the programs that are missing, where this may be done without asking; else says how.
fn provision() -> Outcome {
    let mut missing: Vec<&str> =
        TOOLS.iter().filter(|(tool, _)| !is_there(tool)).map(|(_, package)| *package).collect();
    if !ledger_servers::postgres_is_there() {
        missing.push("postgresql");
    }
    if !ledger_servers::mariadb_is_there() {
        missing.push("mariadb-server");
    }
    if analysts::python_is_not_whole() {
        missing.push("python3-venv");
    }
    if missing.is_empty() {
        return Ok(());
    }
    let by_hand = format!("apt-get install {}", missing.join(" "));
    if !is_root() || !is_there("apt-get") {
        return Err(format!("the tests need {}; install with: {by_hand}", missing.join(" and ")));
    }
    println!("installing: {by_hand}");
    // The list of packages may be missing or old; an update that fails shows itself in the install.
    let _ = Command::new("apt-get").args(["update", "-qq"]).status();
    let mut install = Command::new("apt-get");
    install.env("DEBIAN_FRONTEND", "noninteractive").args(["install", "-y", "-qq", "--no-install-recommends"]);
    succeeded(&by_hand, install.args(missing).status())
}

fn is_there(tool: &str) -> bool {
    std::env::var_os("PATH").is_some_and(|path| std::env::split_paths(&path).any(|folder| folder.join(tool).is_file()))
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

fn cargo(args: &[&str]) -> Outcome {
    succeeded(&format!("cargo {}", args.join(" ")), Command::new(env!("CARGO")).args(args).status())
}

fn succeeded(what: &str, status: std::io::Result<std::process::ExitStatus>) -> Outcome {
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{what}: {status}")),
        Err(error) => Err(format!("{what} could not be started: {error}")),
    }
}
