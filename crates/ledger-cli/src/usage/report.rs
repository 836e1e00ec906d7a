//! Reports: days, weeks, months, models, sessions and blocks, as users of such tools know them.

use agent_ledger::Timestamp;
use ledger_projections::usage::{BlocksQuery, Limit, ReportBy, ReportQuery, Shown, UsageFilter, UsageQuery};
use ledger_projections::{Buckets, Width};
use serde::Serialize;

use super::ccusage;
use super::empty::Thing;
use super::question::{asked, selected};
use super::{counting, explain, reader, views};
use crate::below;
use crate::cli::{BlocksArgs, Dim, ModelsArgs, ReportArgs, ReportOnArgs, SessionsArgs};
use crate::failure::{Failure, Outcome};
use crate::output;
use crate::place::Place;
use crate::print::print;

/// By day, week or month.
pub(super) async fn over_time(place: &Place, args: ReportArgs, width: Width) -> Outcome {
    let ReportArgs { by_project, on: ReportOnArgs { breakdown, successful_only, select, format } } = args;
    let (format, is_ccusage) = format.or_default();
    let (asked, filter) = selected(select, format)?;
    // As there, rows of named projects are told apart.
    let by_workspace = by_project || (is_ccusage && !filter.workspaces.is_empty());
    let report = ReportQuery {
        query: query(&filter, successful_only),
        by: ReportBy::Time(Buckets { zone: asked.zone, width }),
        by_workspace,
        by_model: breakdown || is_ccusage,
    };
    let reader = reader(place, &asked).await?;
    let mut answer = reader.report(&report).await?;
    explain(&reader, &filter, answer.rows.is_empty(), Thing::Call, &mut answer.basis).await?;
    if is_ccusage {
        return as_ccusage(&ccusage::over_time(&answer, width, by_project), &answer.document(asked.zone));
    }
    let mut by = views::columns(Dim::Time(width)).to_vec();
    let what = format!("usage by {}", by.first().copied().unwrap_or("time"));
    if by_workspace {
        by.extend(["workspace", "workspace_label"]);
    }
    print(
        &asked,
        &named(what, by_workspace, breakdown),
        &views::report(&by, inner(breakdown)),
        &answer.document(asked.zone),
    )
}

/// By model.
pub(super) async fn models(place: &Place, args: ModelsArgs) -> Outcome {
    let ModelsArgs { by_project, successful_only, ask } = args;
    let (asked, filter) = asked(ask)?;
    let query = query(&filter, successful_only);
    let report = ReportQuery { query, by: ReportBy::Models, by_workspace: by_project, by_model: false };
    let reader = reader(place, &asked).await?;
    let mut answer = reader.report(&report).await?;
    explain(&reader, &filter, answer.rows.is_empty(), Thing::Call, &mut answer.basis).await?;
    let by: &[&str] =
        if by_project { &["workspace", "workspace_label", "provider", "model"] } else { &["provider", "model"] };
    let what = named("usage by model".into(), by_project, false);
    print(&asked, &what, &views::report(by, &[]), &answer.document(asked.zone))
}

/// Per session, the newest first.
pub(super) async fn sessions(place: &Place, args: SessionsArgs) -> Outcome {
    let SessionsArgs { after, limit, on: ReportOnArgs { breakdown, successful_only, select, format } } = args;
    let (format, is_ccusage) = format.or_default();
    let (asked, filter) = selected(select, format)?;
    let reader = reader(place, &asked).await?;
    let query = query(&filter, successful_only);
    let first = limit.unwrap_or(if is_ccusage { Limit::most() } else { Limit::default() });
    let mut page = reader.sessions(&query, breakdown || is_ccusage, first, after.as_ref()).await?;
    let is_empty = page.rows.is_empty() && after.is_none();
    explain(&reader, &filter, is_empty, Thing::Session, &mut page.basis).await?;
    if !is_ccusage {
        let what = named("sessions, the newest first".into(), false, breakdown);
        return print(&asked, &what, &views::sessions(inner(breakdown)), &page.document(asked.zone));
    }
    let mut sessions = ccusage::Sessions::default();
    loop {
        below::unpriced(&document(&page.document(asked.zone))?)
            .iter()
            .for_each(|line| eprintln!("agent-ledger: {line}"));
        sessions.add(&page.rows);
        match page.next.take().filter(|_| limit.is_none()) {
            Some(next) => page = reader.sessions(&query, true, Limit::most(), Some(&next)).await?,
            None => break,
        }
    }
    output::json(&sessions.document())
}

/// By billing windows of some hours.
pub(super) async fn blocks(place: &Place, args: BlocksArgs) -> Outcome {
    let BlocksArgs { active, recent, session_length, token_limit, on } = args;
    let ReportOnArgs { breakdown, successful_only, select, format } = on;
    let (format, is_ccusage) = format.or_default();
    let (asked, filter) = selected(select, format)?;
    let shown = match (active, recent) {
        (true, _) => Shown::Active,
        (_, true) => Shown::Recent,
        _ => Shown::All,
    };
    let blocks = BlocksQuery {
        query: query(&filter, successful_only),
        length: session_length,
        shown,
        limit: token_limit,
        by_model: breakdown,
        now: Timestamp::now(),
    };
    let reader = reader(place, &asked).await?;
    let mut answer = reader.blocks(&blocks).await?;
    match shown {
        Shown::Active if answer.rows.is_empty() => answer.basis.notes.push("no block is active".into()),
        Shown::Recent if answer.rows.is_empty() => {
            answer.basis.notes.push("no block began in the last three days".into());
        }
        _ => explain(&reader, &filter, answer.rows.is_empty(), Thing::Call, &mut answer.basis).await?,
    }
    if is_ccusage {
        return as_ccusage(&ccusage::blocks(&answer), &answer.document(asked.zone));
    }
    let what = named("blocks, which begin at full hours of UTC".into(), false, breakdown);
    print(&asked, &what, &views::blocks(inner(breakdown)), &answer.document(asked.zone))
}

fn query(filter: &UsageFilter, successful_only: bool) -> UsageQuery {
    UsageQuery { counting: counting(successful_only), ..filter.clone().into() }
}

/// What rows are told apart by within what they are by.
const fn inner(breakdown: bool) -> &'static [&'static str] {
    if breakdown { &["provider", "model"] } else { &[] }
}

fn named(what: String, by_project: bool, breakdown: bool) -> String {
    let by_project = if by_project { " and workspace" } else { "" };
    let breakdown = if breakdown { ", and each by model" } else { "" };
    format!("{what}{by_project}{breakdown}")
}

/// Prints what ccusage would, and on standard error what it has no place for.
fn as_ccusage(printed: &impl Serialize, answer: &impl Serialize) -> Outcome {
    let answer = document(answer)?;
    let told = below::notes(&answer).chain(below::unpriced(&answer));
    told.for_each(|line| eprintln!("agent-ledger: {line}"));
    output::json(printed)
}

fn document(answer: &impl Serialize) -> Result<serde_json::Value, Failure> {
    serde_json::to_value(answer).map_err(|error| Failure::other(format!("the answer could not be written: {error}")))
}
