//! `usage`: who spent how much, on what, how slow, how often failing.

mod ccusage;
mod empty;
mod export;
mod question;
mod report;
mod statusline;
mod views;

use std::path::Path;

use ledger_projections::usage::{
    Basis, Counting, Dimension, Limit, Sort, ToolsQuery, UsageFilter, UsageQuery, UsageReader,
};
use ledger_projections::{Buckets, Width};

use crate::cli::{
    AskArgs, ByArgs, Dim, ErrorsArgs, ListArgs, PercentileArg, SeriesArgs, StatsArgs, StatsBy, ToolsArgs, UsageCommand,
    Which,
};
use crate::failure::{Failure, Outcome};
use crate::place::Place;
use crate::print::{Asked, print};
use crate::project;
use empty::Thing;
use question::asked;
pub(crate) use question::window;
pub(crate) use views::{tools as tools_view, usage as usage_view};

pub(crate) async fn run(place: &Place, command: UsageCommand) -> Outcome {
    match command {
        UsageCommand::Stats(args) => stats(place, args).await,
        UsageCommand::By(args) => by(place, args).await,
        UsageCommand::Series(args) => series(place, args).await,
        UsageCommand::Tools(args) => tools(place, args).await,
        UsageCommand::Daily(args) => report::over_time(place, args, Width::Day).await,
        UsageCommand::Weekly(args) => report::over_time(place, args.report, Width::Week(args.start_of_week)).await,
        UsageCommand::Monthly(args) => report::over_time(place, args, Width::Month).await,
        UsageCommand::Models(args) => report::models(place, args).await,
        UsageCommand::Sessions(args) => report::sessions(place, args).await,
        UsageCommand::Blocks(args) => report::blocks(place, args).await,
        UsageCommand::Statusline(args) => statusline::run(place, args).await,
        UsageCommand::Turns(args) => turns(place, args).await,
        UsageCommand::Errors(args) => errors(place, args).await,
        UsageCommand::Counts(args) => counts(place, args).await,
        UsageCommand::Export(args) => export::run(place, args).await,
    }
}

/// Who answers: from the projection as the ledger is now, unless it is to be answered from what is there.
async fn reader(place: &Place, asked: &Asked) -> Result<UsageReader, Failure> {
    Ok(UsageReader::new(project::caught_up(place, &[Which::Usage], &asked.catch_up).await?))
}

/// Says why there is nothing to see.
async fn explain(
    reader: &UsageReader,
    filter: &UsageFilter,
    is_empty: bool,
    thing: Thing,
    basis: &mut Basis,
) -> Outcome {
    if is_empty {
        basis.notes.push(empty::why(reader, filter, thing).await?);
    }
    Ok(())
}

async fn stats(place: &Place, args: StatsArgs) -> Outcome {
    let StatsArgs { by, breakdown, sort, limit, figures, ask } = args;
    let (asked, filter) = asked(ask)?;
    let query = figures.query(&filter);
    let by = by.map(|by| match by {
        StatsBy::Tenant => Dimension::Tenant,
        StatsBy::Operation => Dimension::Operation,
    });
    let is_of_all = filter.tenants.is_empty() || breakdown.is_some();
    if let Some(by) = by.or(is_of_all.then_some(Dimension::Tenant)) {
        return grouped(place, &asked, &query, by, breakdown, sort, limit).await;
    }
    let reader = reader(place, &asked).await?;
    let mut answer = reader.stats(&query).await?;
    explain(&reader, &filter, answer.total.metrics.calls == 0, Thing::Call, &mut answer.basis).await?;
    print(&asked, "usage", &views::usage(&[], &[]), &answer.document(asked.zone))
}

async fn by(place: &Place, args: ByArgs) -> Outcome {
    let ByArgs { dim, breakdown, sort, limit, figures, ask } = args;
    let (asked, filter) = asked(ask)?;
    let query = figures.query(&filter);
    let width = match dim {
        Dim::Of(dimension) => {
            let (sort, limit) = (sort.unwrap_or(Sort::Tokens), limit.unwrap_or_default());
            return grouped(place, &asked, &query, dimension, breakdown, sort, limit).await;
        }
        Dim::Time(width) => width,
    };
    if breakdown.is_some() || sort.is_some() || limit.is_some() {
        return Err(Failure::usage(
            "rows of time are all there are, in the order of time: leave --breakdown, --sort and --limit out",
        ));
    }
    let reader = reader(place, &asked).await?;
    let mut answer = reader.by_time(&query, Buckets { zone: asked.zone, width }).await?;
    explain(&reader, &filter, answer.total.metrics.calls == 0, Thing::Call, &mut answer.basis).await?;
    let columns = views::columns(dim);
    let what = format!("usage by {}", columns.first().map_or("time", |column| *column));
    print(&asked, &what, &views::usage(columns, &[]), &answer.document(asked.zone))
}

async fn grouped(
    place: &Place,
    asked: &Asked,
    query: &UsageQuery,
    by: Dimension,
    breakdown: Option<Dimension>,
    sort: Sort,
    limit: Limit,
) -> Outcome {
    if breakdown == Some(by) {
        return Err(Failure::usage("--breakdown is by what the rows are by already; name something else"));
    }
    let reader = reader(place, asked).await?;
    let mut answer = reader.by(query, by, breakdown, sort, limit).await?;
    explain(&reader, &query.filter, answer.total.metrics.calls == 0, Thing::Call, &mut answer.basis).await?;
    let inner = breakdown.map(|inner| views::columns(Dim::Of(inner))).unwrap_or_default();
    let what = match breakdown {
        Some(inner) => format!("usage by {}, and each by {}", views::name(by), views::name(inner)),
        None => format!("usage by {}", views::name(by)),
    };
    print(asked, &what, &views::usage(views::columns(Dim::Of(by)), inner), &answer.document(asked.zone))
}

async fn series(place: &Place, args: SeriesArgs) -> Outcome {
    let SeriesArgs { width, successful_only, ask } = args;
    let (asked, filter) = asked(ask)?;
    let reader = reader(place, &asked).await?;
    let query = UsageQuery { counting: counting(successful_only), ..filter.clone().into() };
    let mut answer = reader.series(&query, Buckets { zone: asked.zone, width }).await?;
    explain(&reader, &filter, answer.total.calls == 0, Thing::Call, &mut answer.basis).await?;
    print(&asked, "usage over time", &views::series(), &answer.document(asked.zone))
}

async fn tools(place: &Place, args: ToolsArgs) -> Outcome {
    let ToolsArgs { mut registered, registered_file, min_calls, sort, limit, percentile, ask } = args;
    if let Some(path) = registered_file {
        registered.extend(names(&path)?);
    }
    let (asked, filter) = asked(ask)?;
    let PercentileArg { percentile } = percentile;
    let query = UsageQuery { percentile, ..filter.clone().into() };
    let query = ToolsQuery { query, min_calls: min_calls.into(), registered, sort, limit };
    let reader = reader(place, &asked).await?;
    let mut answer = reader.tools(&query).await?;
    if answer.rows.is_empty() && answer.total.calls > 0 {
        answer.basis.notes.push(format!("no tool was called {min_calls} times or more"));
    } else {
        explain(&reader, &filter, answer.rows.is_empty(), Thing::Tool, &mut answer.basis).await?;
    }
    print(&asked, "tools", &views::tools(), &answer.document(asked.zone))
}

/// Names, one a line.
fn names(path: &Path) -> Result<Vec<String>, Failure> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| Failure::other(format!("{} cannot be read: {error}", path.display())))?;
    Ok(text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect())
}

async fn turns(place: &Place, args: ListArgs) -> Outcome {
    let ListArgs { after, limit, successful_only, ask } = args;
    let (asked, filter) = asked(ask)?;
    let reader = reader(place, &asked).await?;
    let query = UsageQuery { counting: counting(successful_only), ..filter.clone().into() };
    let mut page = reader.turns(&query, limit, after.as_ref()).await?;
    let is_empty = page.rows.is_empty() && after.is_none();
    explain(&reader, &filter, is_empty, Thing::Turn, &mut page.basis).await?;
    print(&asked, "turns, the newest first", &views::turns(), &page.document(asked.zone))
}

async fn errors(place: &Place, args: ErrorsArgs) -> Outcome {
    let ErrorsArgs { limit, ask } = args;
    let (asked, filter) = asked(ask)?;
    let reader = reader(place, &asked).await?;
    let mut answer = reader.errors(&filter.clone().into(), limit).await?;
    if answer.failed == 0 && answer.calls > 0 {
        answer.basis.notes.push(format!("all of {} calls ended well", answer.calls));
    } else {
        explain(&reader, &filter, answer.calls == 0, Thing::Call, &mut answer.basis).await?;
    }
    print(&asked, "calls that did not end well", &views::errors(), &answer.document(asked.zone))
}

async fn counts(place: &Place, ask: AskArgs) -> Outcome {
    let (asked, filter) = asked(ask)?;
    let reader = reader(place, &asked).await?;
    let mut answer = reader.counts(&filter.clone().into()).await?;
    let is_empty = answer.calls + answer.tools + answer.turns == 0;
    explain(&reader, &filter, is_empty, Thing::Session, &mut answer.basis).await?;
    print(&asked, "how much there is", &views::counts(), &answer.document(asked.zone))
}

const fn counting(successful_only: bool) -> Counting {
    if successful_only { Counting::Successful } else { Counting::All }
}
