//! `agent-ledger`: append, tail, snapshot, verify, doctor, import, and questions about usage on the command line.

mod append;
mod below;
mod budget;
mod checkpoint;
mod cli;
mod copy;
mod demo;
mod destination;
mod doctor;
mod failure;
mod import;
mod inspect;
mod labels;
mod merge;
mod output;
mod place;
mod prices;
mod print;
mod progress;
mod project;
mod query;
mod strategy;
mod tail;
mod usage;

use std::process::ExitCode;
use std::sync::Arc;

use agent_ledger::Ledger;
use clap::{CommandFactory, Parser};
use tracing_subscriber::EnvFilter;

use cli::{Cli, Command};
use failure::{Failure, Outcome};

fn main() -> ExitCode {
    let cli = Cli::parse();
    let result = start_log(cli.log.as_deref()).and_then(|()| run(cli));
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

fn run(cli: Cli) -> Outcome {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| Failure::other(format!("no runtime could be started: {error}")))?;
    runtime.block_on(execute(cli))
}

async fn execute(cli: Cli) -> Outcome {
    let url = &cli.ledger();
    let place = &cli.place();
    match cli.command {
        Command::Append(args) => append::run(url, args).await,
        Command::Tail(args) => tail::run(existing(url).await?.as_ref(), args).await,
        Command::Head(args) => inspect::head(existing(url).await?.as_ref(), args.format).await,
        Command::Runs(args) => inspect::runs(existing(url).await?.as_ref(), args.format).await,
        Command::Show(args) => inspect::show(existing(url).await?.as_ref(), args).await,
        Command::Find(args) => inspect::find(existing(url).await?.as_ref(), args).await,
        Command::Checkpoint(command) => checkpoint::run(existing(url).await?.as_ref(), command).await,
        Command::Snapshot(args) => copy::snapshot(existing(url).await?.as_ref(), args).await,
        Command::Restore(args) => copy::restore(url, args).await,
        Command::Merge(args) => merge::run(url, args).await,
        Command::Verify(args) => copy::verify(existing(url).await?.as_ref(), args.format).await,
        Command::Doctor(args) => doctor::run(url, args.format).await,
        Command::Project(args) => project::run(place, args).await,
        Command::Reprice(format) => project::reprice(place, format).await,
        Command::Prices(command) => prices::run(place, command).await,
        Command::Usage(command) => usage::run(place, *command).await,
        Command::Budget(command) => budget::run(place, *command).await,
        Command::Strategy(command) => strategy::run(place, *command).await,
        Command::Query(args) => query::run(place, args).await,
        Command::Import(command) => import::run(place, command).await,
        Command::Demo(args) => demo::run(&args.dir).await,
        Command::Reset(_) => inspect::reset(existing(url).await?.as_ref()).await,
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "agent-ledger", &mut script);
            output::raw(&script)
        }
    }
}

async fn open(url: &str) -> Result<Arc<dyn Ledger>, Failure> {
    agent_ledger::open(url).await.map_err(Failure::opening)
}

async fn existing(url: &str) -> Result<Arc<dyn Ledger>, Failure> {
    agent_ledger::open_existing(url).await.map_err(Failure::opening)
}

/// `--log`, else `RUST_LOG`, else warnings.
fn start_log(filter: Option<&str>) -> Outcome {
    let filter = match filter {
        Some(filter) => EnvFilter::try_new(filter)
            .map_err(|error| Failure::usage(format!("--log {filter:?} is not a filter such as debug: {error}")))?,
        None => EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn")),
    };
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    Ok(())
}
