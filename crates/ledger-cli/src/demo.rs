//! `demo`: the main job in one go. Every figure that it prints is read from the ledger, or from its projection.

use std::path::Path;
use std::sync::Arc;

use agent_ledger::{
    Actor, ConsumerName, Event, EventKind, Ledger, LedgerExt, Mode, Offset, PageSize, Payload, Read, RecordedEvent,
    RunId, SqliteLedger, SqliteOptions,
};
use futures_util::{StreamExt, TryStreamExt};
use ledger_import::samples::SPOTTER;
use ledger_import::{Importer, Options, Source, store};
use ledger_prices::PriceBook;
use ledger_projections::usage::{Dimension, Limit, Sort, ToolsQuery, Usage, UsageQuery, UsageReader};
use ledger_projections::{Database, Error, Projector, Zone};

use crate::cli::Format;
use crate::failure::{Failure, Outcome};
use crate::print::{Asked, print as print_answer};
use crate::usage::{tools_view, usage_view};
use crate::{output, project};

/// Whose checkpoint the demo saves.
const CONSUMER: &str = "demo";

/// Tools that the demo shows.
const BUSIEST: usize = 5;

/// Events that the demo appends while it follows.
const LIVE_EVENTS: u32 = 3;

pub(crate) async fn run(dir: &Path) -> Outcome {
    std::fs::create_dir_all(dir)
        .map_err(|error| Failure::other(format!("{} cannot be created: {error}", dir.display())))?;
    let path = dir.join("ledger.db");
    let snapshot = dir.join("snapshot.db");
    output::line(format_args!("1. A ledger in one file: {}", path.display()))?;
    let ledger = &SqliteLedger::open(SqliteOptions::new(&path)).await?;
    check_own(ledger, &path).await?;

    output::line(format_args!("\n2. Import a real Claude Code session with its subagents:"))?;
    import(ledger).await?;

    output::line(format_args!("\n3. Who used how much, from tables that are the fold of the ledger:\n"))?;
    usage(ledger, &dir.join("ledger.projections.db")).await?;

    output::line(format_args!("\n4. The last events:"))?;
    last(ledger).await?;

    output::line(format_args!(
        "\n5. A consumer reads 100 events, saves its checkpoint and goes away; another handle resumes it:"
    ))?;
    resume(ledger, &path).await?;

    output::line(format_args!("\n6. Follow, while somebody appends:"))?;
    follow(ledger).await?;

    output::line(format_args!("\n7. Snapshot to one portable file, and verify both:"))?;
    let taken = agent_ledger::snapshot(ledger, &snapshot, &|_, _| ()).await?;
    output::line(format_args!(
        "   {} holds offsets {} to {}, {} of them added now",
        snapshot.display(),
        taken.first,
        taken.last,
        taken.added
    ))?;
    verify(ledger, &path).await?;
    let copy = SqliteLedger::open(SqliteOptions::new(&snapshot).mode(Mode::ReadOnly)).await?;
    verify(&copy, &snapshot).await?;

    output::line(format_args!(
        "\nTry next:\n  \
         {program} --ledger {ledger} runs\n  \
         {program} --ledger {ledger} tail --kind llm.called --limit 3\n  \
         {program} --ledger {ledger} tail --follow\n  \
         {program} --ledger {ledger} usage series --width 15m\n  \
         {program} --ledger {ledger} usage tools --sort p95\n  \
         sqlite3 {snapshot} 'select kind, count(*) from events group by kind'\n  \
         {program} --ledger mine.db import claude    # your own sessions, without their content",
        program = program(),
        ledger = path.display(),
        snapshot = snapshot.display(),
    ))?;
    Ok(())
}

/// The demo does not write into a ledger that somebody uses for something else.
async fn check_own(ledger: &dyn Ledger, path: &Path) -> Outcome {
    let own = ledger.checkpoint(&ConsumerName::new(CONSUMER)?).await?.is_some();
    if own || ledger.head().await?.extent.is_empty() {
        return Ok(());
    }
    Err(Failure::data(format!("{} is not a ledger of the demo; name another folder", path.display())))
}

async fn import(ledger: &dyn Ledger) -> Outcome {
    let mut importer = Importer::new(&Source::Claude, Options::default())?;
    for (path, content) in SPOTTER {
        importer.read(Path::new(path), *content)?;
    }
    let import = importer.finish();
    let lines = import.report.lines;
    let stored = store(ledger, import.events, |_| ()).await?;
    output::line(format_args!(
        "   {lines} lines gave {} events, {} of them known already",
        stored.appended + stored.duplicates,
        stored.duplicates
    ))?;
    Ok(())
}

async fn usage(ledger: &dyn Ledger, path: &Path) -> Outcome {
    let database = Database::sqlite(path)?;
    let usage = Usage::new().with_prices(Arc::new(PriceBook::bundled()));
    let mut projector = Projector::new(usage, database.clone());
    match project::catch_up(&mut projector, ledger).await {
        // Of a ledger that was in this folder before.
        Err(Error::CheckpointLost { .. }) => projector.rebuild(ledger, &|_, _| ()).await?,
        done => done?,
    };
    let (reader, asked, all) = (UsageReader::new(database), Asked::everything(), UsageQuery::default());
    let by_model = reader.by(&all, Dimension::Model, None, Sort::Tokens, Limit::default()).await?;
    print_answer(&asked, "usage by model", &usage_view(&["model"], &[]), &by_model.document(Zone::UTC))?;
    let busiest = ToolsQuery { query: all, limit: Limit::new(BUSIEST)?, ..ToolsQuery::default() };
    let tools = reader.tools(&busiest).await?;
    output::line("")?;
    print_answer(&asked, "the busiest tools", &tools_view(), &tools.document(Zone::UTC))
}

async fn last(ledger: &dyn Ledger) -> Outcome {
    let mut page = ledger.read(&Read::before(Offset::MAX).limit(PageSize::new(5)?)).await?;
    page.events.reverse();
    page.events.iter().try_for_each(|event| print(event))
}

async fn resume(ledger: &dyn Ledger, path: &Path) -> Outcome {
    let name = ConsumerName::new(CONSUMER)?;
    let from = match ledger.resume(&name).await? {
        // Of an earlier demo.
        reached if reached > Offset::ZERO => reached,
        _ => {
            let page = ledger.read(&Read::after(Offset::ZERO).limit(PageSize::new(100)?)).await?;
            match page.events.last() {
                Some(event) => ledger.reached(name.clone(), event).await?.offset,
                None => Offset::ZERO,
            }
        }
    };
    output::line(format_args!("   checkpoint {name} stands at offset {from}"))?;
    let other = SqliteLedger::open(SqliteOptions::new(path).mode(Mode::Existing)).await?;
    let rest: Vec<_> = other.tail(Read::after(other.resume(&name).await?)).try_collect().await?;
    output::line(format_args!("   resumed: {} events were left", rest.len()))?;
    if let Some(event) = rest.last() {
        let saved = other.reached(name, event).await?;
        output::line(format_args!("   checkpoint now at offset {}, event {}", saved.offset, event.event.id))?;
    }
    Ok(())
}

async fn follow(ledger: &dyn Ledger) -> Outcome {
    let end = ledger.head().await?.extent.last;
    let mut follower = ledger.follow(Read::after(end)).take(LIVE_EVENTS as usize);
    let run = RunId::new(format!("demo-{}", agent_ledger::EventId::random()))?;
    let append = async {
        for turn in 0..LIVE_EVENTS {
            let payload = Payload::from_json(format!(r#"{{"text":"live event {turn}"}}"#))?;
            let event = Event::new(run.clone(), EventKind::new("agent.spoke")?, Actor::new("demo")?, payload);
            ledger.append_one(event.with_turn(turn)).await?;
        }
        Ok::<_, Failure>(())
    };
    let print = async {
        while let Some(event) = follower.try_next().await? {
            print(&event)?;
        }
        Ok::<_, Failure>(())
    };
    futures_util::try_join!(append, print).map(drop)
}

async fn verify(ledger: &dyn Ledger, path: &Path) -> Outcome {
    let report = ledger.verify(&|_, _| ()).await?.into_result()?;
    output::line(format_args!("   {}: {} events, each is what was appended", path.display(), report.events))?;
    Ok(())
}

/// This program, as somebody would type it here.
fn program() -> String {
    let Ok(program) = std::env::current_exe() else { return "agent-ledger".into() };
    let here = std::env::current_dir().unwrap_or_default();
    program.strip_prefix(here).unwrap_or(&program).display().to_string()
}

fn print(event: &RecordedEvent) -> Outcome {
    Ok(output::event(&mut std::io::stdout().lock(), event, Format::Text)?)
}
