//! `import`: what agents logged about themselves.

mod keep;
mod summary;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use agent_ledger::Ledger;
use ledger_import::incremental::{IncrementalImport, Pass, Step};
use ledger_import::{Found, Mapping, Options, Source};
use ledger_projections::Kept;

use crate::cli::{Format, ImportArgs, ImportCommand, ImportHow, MappedArgs, NamedArgs};
use crate::failure::{Failure, Outcome};
use crate::place::Place;
use crate::progress;
use keep::InDatabase;

/// What is imported of one source.
struct Wanted {
    source: Source,
    /// Where it is; in the usual places when there are none.
    paths: Vec<PathBuf>,
}

pub(crate) async fn run(place: &Place, command: ImportCommand) -> Outcome {
    let (wanted, how) = match command {
        ImportCommand::Auto(args) => (present()?, args.how),
        ImportCommand::Claude(args) => named(Source::Claude, args),
        ImportCommand::Codex(args) => named(Source::Codex, args),
        ImportCommand::Roder(args) => named(Source::Roder, args),
        ImportCommand::Otlp(NamedArgs { paths, how }) => named(Source::Otlp, ImportArgs { paths, how }),
        ImportCommand::Jsonl(MappedArgs { map, named: NamedArgs { paths, how } }) => {
            named(Source::Mapped(mapping(&map)?), ImportArgs { paths, how })
        }
    };
    for wanted in &wanted {
        let found = wanted.find()?;
        if found.files.is_empty() && found.unreadable.is_empty() && !how.watch {
            return Err(Failure::other(format!(
                "no logs of {} were found; name a file or a folder that holds some",
                wanted.source
            )));
        }
    }
    let ledger = crate::open(&place.ledger).await?;
    import(place, ledger.as_ref(), &wanted, how).await
}

fn named(source: Source, args: ImportArgs) -> (Vec<Wanted>, ImportHow) {
    (vec![Wanted { source, paths: args.paths }], args.how)
}

fn mapping(path: &Path) -> Result<Mapping, Failure> {
    let text = fs::read_to_string(path);
    let text = text.map_err(|error| Failure::other(format!("{}: {error}", path.display())))?;
    Mapping::parse(&text).map_err(|invalid| Failure::data(format!("{}: {invalid}", path.display())))
}

/// The sources that have logs on this machine; says where.
fn present() -> Result<Vec<Wanted>, Failure> {
    let mut present = Vec::new();
    let mut places = Vec::new();
    for source in Source::USUAL {
        let wanted = Wanted { source, paths: Vec::new() };
        let found = wanted.find()?;
        let (looked, there): (Vec<_>, Vec<_>) =
            wanted.source.usual_places().into_iter().partition(|place| !place.is_dir());
        let shown = |places: &[PathBuf]| places.iter().map(|place| place.display().to_string()).collect::<Vec<_>>();
        if found.files.is_empty() && found.unreadable.is_empty() {
            places.extend(shown(&looked).into_iter().chain(shown(&there)));
        } else {
            let there = shown(&there).join(", ");
            eprintln!("agent-ledger: {}: {} files in {there}", wanted.source, found.files.len());
            present.push(wanted);
        }
    }
    if present.is_empty() {
        return Err(Failure::other(format!(
            "no logs were found in {}; name the agent and a folder",
            places.join(", ")
        )));
    }
    Ok(present)
}

impl Wanted {
    fn find(&self) -> Result<Found, Failure> {
        let found = self.source.find(&self.paths);
        found.map_err(|error| Failure::other(format!("the logs of {} cannot be listed: {error}", self.source)))
    }
}

async fn import(place: &Place, ledger: &dyn Ledger, wanted: &[Wanted], how: ImportHow) -> Outcome {
    let ImportHow { tenant, origin, watch, every, again, format } = how;
    let keep = InDatabase(Kept::open(place.database()?).await?);
    let format = Format::or_default(format.format);
    let options = Options { tenant, origin };
    let mut imports = Vec::new();
    for wanted in wanted {
        let mut import = IncrementalImport::new(&wanted.source, options.clone(), ledger, Box::new(keep.clone()))
            .map_err(|error| Failure::usage(error.to_string()))?;
        if again {
            import.forget().await?;
        }
        imports.push((wanted, import));
    }
    let mut is_first = true;
    let unreadable = loop {
        let mut unreadable = 0;
        let mut failures = Vec::new();
        for (wanted, import) in &mut imports {
            match look(wanted, import, Look { is_first, watch, format }).await {
                Ok(count) => unreadable += count,
                // The others are imported all the same.
                Err(failure) => failures.push(failure),
            }
        }
        // With `--watch` it may be there again when the next look is taken.
        let (later, mut failures): (Vec<_>, Vec<_>) =
            failures.into_iter().partition(|failure| watch && failure.is_retryable());
        let last = failures.pop();
        later.iter().chain(&failures).for_each(Failure::say);
        if let Some(last) = last {
            return Err(last);
        }
        if !watch {
            break unreadable;
        }
        is_first = false;
        tokio::time::sleep(Duration::from_secs(every)).await;
    };
    keep.0.close().await;
    if unreadable > 0 {
        return Err(Failure::other(format!(
            "{unreadable} files or folders could not be read; the others are imported"
        )));
    }
    Ok(())
}

/// How to look at the logs of one source.
#[derive(Clone, Copy)]
struct Look {
    is_first: bool,
    watch: bool,
    format: Format,
}

/// Imports what is new and says so; gives how much could not be read.
async fn look(wanted: &Wanted, import: &mut IncrementalImport<'_>, look: Look) -> Result<u64, Failure> {
    let Look { is_first, watch, format } = look;
    let pass = pass(wanted, import).await?;
    if is_first || pass.report.files > 0 {
        summary::show_bad(&pass.report);
        match check(wanted, &pass) {
            // There may be some later; and nobody can have named the wrong ones who named none.
            Err(failure) if watch || wanted.paths.is_empty() => failure.say(),
            checked => checked?,
        }
        summary::show(&wanted.source, &pass, format)?;
    }
    Ok(pass.report.unreadable)
}

async fn pass(wanted: &Wanted, import: &mut IncrementalImport<'_>) -> Result<Pass, Failure> {
    let found = wanted.find()?;
    let bar = progress::bytes("read", 0);
    let pass = import
        .pass(&found, &|step| match step {
            Step::ToRead(bytes) => bar.set_length(bytes),
            Step::Read(bytes) => bar.inc(bytes),
            Step::Appended(_) => {}
        })
        .await;
    bar.finish_and_clear();
    Ok(pass?)
}

/// Whether any of it was what it should be.
fn check(wanted: &Wanted, pass: &Pass) -> Outcome {
    let Pass { report, stored, from_start, .. } = pass;
    let is_nothing = stored.appended + stored.duplicates == 0 && *from_start == report.files && pass.unchanged == 0;
    let lines = report.lines.saturating_sub(report.pending);
    if is_nothing && lines > 0 && report.unreadable == 0 && pass.rewritten == 0 {
        let source = &wanted.source;
        return Err(Failure::data(format!("none of {lines} lines is of {source}; name its logs")));
    }
    Ok(())
}
