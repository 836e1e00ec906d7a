//! `strategy`: what strategies did.

mod stats;
mod views;

use agent_ledger::{Offset, Timestamp};
use ledger_projections::strategy::AsOf;
use ledger_projections::{Buckets, Database, StrategyFilter, StrategyReader, Window};
use serde::Serialize;
use serde::ser::{SerializeMap as _, Serializer};

use crate::cli::{
    CatchUpArgs, StrategyCommand, StrategyCompareArgs, StrategyEraseArgs, StrategyFiguresArgs, StrategyListArgs,
    StrategyOthersArgs, StrategySelectArgs, StrategySeriesArgs, StrategyStatsArgs, StrategyTopArgs, TableFormat,
    TableFormatArgs, WhenArgs, Which,
};
use crate::failure::{Failure, Outcome};
use crate::place::Place;
use crate::print::{Asked, print};
use crate::project;
use crate::usage::window;

pub(crate) async fn run(place: &Place, command: StrategyCommand) -> Outcome {
    match command {
        StrategyCommand::List(args) => list(place, args).await,
        StrategyCommand::Stats(args) => stats(place, args).await,
        StrategyCommand::Series(args) => series(place, args).await,
        StrategyCommand::Versions(args) => versions(place, args).await,
        StrategyCommand::Cases(args) => cases(place, args).await,
        StrategyCommand::Errors(args) => errors(place, args).await,
        StrategyCommand::Compare(args) => compare(place, args).await,
        StrategyCommand::Erase(args) => erase(place, args).await,
    }
}

/// What was asked, and about which executions; checked before anything is opened.
fn asked(select: StrategySelectArgs) -> Result<(Asked, StrategyFilter), Failure> {
    let StrategySelectArgs { strategies, others, format } = select;
    about(strategies, others, format)
}

fn about(
    strategies: Vec<String>,
    others: StrategyOthersArgs,
    format: TableFormatArgs,
) -> Result<(Asked, StrategyFilter), Failure> {
    let StrategyOthersArgs { versions, tenants, statuses, when, no_catch_up } = others;
    let (window, zone) = (window(&when)?, when.tz);
    let catch_up = CatchUpArgs { no_catch_up, workspaces: None };
    let format = TableFormat::or_default(format.format);
    let asked = Asked { zone, window, catch_up, format };
    Ok((asked, StrategyFilter { strategies, tenants, versions, statuses, window }))
}

async fn reader(place: &Place, asked: &Asked) -> Result<StrategyReader, Failure> {
    Ok(StrategyReader::new(project::caught_up(place, &[Which::Strategy], &asked.catch_up).await?))
}

/// An answer as programs get it; its fields are documented in `docs/json.md`.
struct Document<'a, T> {
    asked: &'a Asked,
    offset: Offset,
    kept_from: Option<Timestamp>,
    notes: Vec<String>,
    /// What the answer is called, if it is not an object of its own.
    name: &'static str,
    answer: &'a T,
    next: Option<&'a str>,
}

impl<'a, T> Document<'a, T> {
    fn new<O>(asked: &'a Asked, of: &AsOf<O>, name: &'static str, answer: &'a T) -> Self {
        Self { asked, offset: of.offset, kept_from: of.kept_from, notes: Vec::new(), name, answer, next: None }
    }

    /// Says why there is nothing to see.
    fn explained(mut self, is_empty: bool) -> Self {
        if is_empty {
            let why = match self.asked.window {
                Window::ALL => "no execution of a strategy in this ledger is selected",
                _ => "no execution that is selected ran in this time",
            };
            self.notes.push(why.into());
        }
        self
    }
}

impl<T: Serialize> Serialize for Document<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut document = serializer.serialize_map(None)?;
        document.serialize_entry("schema", &1)?;
        document.serialize_entry("timezone", &self.asked.zone.to_string())?;
        document.serialize_entry("offset", &self.offset)?;
        document.serialize_entry("window", &self.asked.window)?;
        if let Some(kept_from) = self.kept_from {
            document.serialize_entry("rows_removed_before", &kept_from)?;
        }
        if !self.notes.is_empty() {
            document.serialize_entry("notes", &self.notes)?;
        }
        document.serialize_entry(self.name, self.answer)?;
        if let Some(next) = self.next {
            document.serialize_entry("next", next)?;
        }
        document.end()
    }
}

async fn list(place: &Place, args: StrategyListArgs) -> Outcome {
    let StrategyListArgs { after, limit, select } = args;
    let (asked, filter) = asked(select)?;
    let of = reader(place, &asked).await?.list(&filter, limit, after.as_deref()).await?;
    let document = Document { next: of.answer.next.as_deref(), ..Document::new(&asked, &of, "rows", &of.answer.rows) };
    let document = document.explained(of.answer.rows.is_empty() && after.is_none());
    print(&asked, "executions, the newest first", &views::executions(), &document)
}

async fn stats(place: &Place, args: StrategyStatsArgs) -> Outcome {
    let StrategyStatsArgs { limit, figures } = args;
    let StrategyFiguresArgs { percentile, select } = figures;
    let (asked, filter) = asked(select)?;
    let reader = reader(place, &asked).await?.with_percentile(percentile.percentile);
    let of = reader.stats(&filter, limit).await?;
    let document = Document::new(&asked, &of, "stats", &of.answer).explained(of.answer.outcomes.total.rows == 0);
    stats::print(&asked, &document, &of.answer)
}

async fn series(place: &Place, args: StrategySeriesArgs) -> Outcome {
    let StrategySeriesArgs { width, figures } = args;
    let StrategyFiguresArgs { percentile, select } = figures;
    let (asked, filter) = asked(select)?;
    let reader = reader(place, &asked).await?.with_percentile(percentile.percentile);
    let of = reader.series(&filter, Buckets { zone: asked.zone, width }).await?;
    let is_empty = of.answer.iter().all(|bucket| bucket.outcomes.total.rows == 0);
    let document = Document::new(&asked, &of, "rows", &of.answer).explained(is_empty);
    print(&asked, "executions over time", &views::series(), &document)
}

async fn versions(place: &Place, args: StrategyFiguresArgs) -> Outcome {
    let StrategyFiguresArgs { percentile, select } = args;
    let (asked, filter) = asked(select)?;
    let of = reader(place, &asked).await?.with_percentile(percentile.percentile).versions(&filter).await?;
    let document = Document::new(&asked, &of, "rows", &of.answer).explained(of.answer.is_empty());
    print(&asked, "executions by strategy and version", &views::versions(), &document)
}

async fn cases(place: &Place, args: StrategyTopArgs) -> Outcome {
    let StrategyTopArgs { limit, select } = args;
    let (asked, filter) = asked(select)?;
    let of = reader(place, &asked).await?.cases(&filter, limit).await?;
    let document = Document::new(&asked, &of, "rows", &of.answer).explained(of.answer.is_empty());
    print(&asked, "the most frequent rules; - is none", &views::top("case_name"), &document)
}

async fn errors(place: &Place, args: StrategyTopArgs) -> Outcome {
    let StrategyTopArgs { limit, select } = args;
    let (asked, filter) = asked(select)?;
    let of = reader(place, &asked).await?.errors(&filter, limit).await?;
    let mut document = Document::new(&asked, &of, "rows", &of.answer);
    if of.answer.is_empty() {
        document.notes.push("no execution that is selected has an error code".into());
    }
    print(&asked, "the most frequent error codes", &views::top("error_code"), &document)
}

async fn compare(place: &Place, args: StrategyCompareArgs) -> Outcome {
    let StrategyCompareArgs { a, b, b_since, b_until, percentile, others, format } = args;
    let same_window = b_since.is_none() && b_until.is_none();
    if same_window && b.as_ref().is_none_or(|b| *b == a) {
        return Err(Failure::usage("there is nothing to compare with: name a second strategy, --b-since or --b-until"));
    }
    let (asked, a) = about(vec![a], others, format)?;
    let other =
        if same_window { a.window } else { window(&WhenArgs { since: b_since, until: b_until, tz: asked.zone })? };
    let b =
        StrategyFilter { strategies: b.map_or_else(|| a.strategies.clone(), |b| vec![b]), window: other, ..a.clone() };
    let reader = reader(place, &asked).await?.with_percentile(percentile.percentile);
    let of = reader.compare(&a, &b, ledger_projections::strategy::Top::default()).await?;
    let is_empty = of.answer.a.outcomes.total.rows + of.answer.b.outcomes.total.rows == 0;
    let document = Document::new(&asked, &of, "comparison", &of.answer).explained(is_empty);
    stats::print_comparison(&asked, &document, (&a, &b), &of.answer)
}

async fn erase(place: &Place, args: StrategyEraseArgs) -> Outcome {
    let StrategyEraseArgs { role, subject, .. } = args;
    let database: Database = place.database()?;
    let erased = project::strategy_log(&database).await?.erase(&database, &role, &subject).await?;
    eprintln!("erased {erased} executions; none that is about them is folded in again");
    crate::output::json(&serde_json::json!({ "erased": erased }))
}
