//! Ratios beside the raw driver, from one run: `cargo xtask bench`.
//!
//! Each line measures ours and a peer in turn, several times, and prints the median of the pairwise ratios: the speed of
//! the machine drifts, the ratio does not. The peer has the same rows, indexes, settings and durability.

mod common;
mod import;
mod postgres;
mod postgres_raw;
mod sqlite;
mod usage;

use common::{Parts, Result};

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [_, "child-replay", path] => runtime()?.block_on(sqlite::child_replay(path)),
        [_, "child-append", path, events] => runtime()?.block_on(sqlite::child_append(path, events.parse()?)),
        [_, "child-import", home, ledger] => runtime()?.block_on(import::child_import(home, ledger)),
        [_, words @ ..] => {
            let parts = Parts::named(words);
            // As runtimes do: a task that waits is woken on the thread that heard of its answer.
            runtime()?.block_on(async { tokio::spawn(async move { all(&parts).await }).await? })
        }
        [] => Err("no program name".into()),
    }
}

fn runtime() -> Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?)
}

async fn all(parts: &Parts) -> Result<()> {
    println!("{} cores; ratios are medians of pairs", std::thread::available_parallelism()?);
    sqlite::all(parts).await?;
    postgres::all(parts).await?;
    usage::all(parts).await?;
    import::all(parts).await
}
