//! From what was said on the command line to a question.

use agent_ledger::Timestamp;
use ledger_projections::usage::{Per, UsageFilter, UsageQuery};
use ledger_projections::{Window, moment};

use super::counting;
use crate::cli::{AskArgs, FiguresArgs, PerArg, PercentileArg, SelectArgs, TableFormat, WhenArgs, WhoseArgs};
use crate::failure::Failure;
use crate::print::Asked;

/// What was asked, and about what; checked before anything is opened.
pub(super) fn asked(ask: AskArgs) -> Result<(Asked, UsageFilter), Failure> {
    let AskArgs { select, format } = ask;
    selected(select, TableFormat::or_default(format.format))
}

/// The same, in a format that is known.
pub(super) fn selected(select: SelectArgs, format: TableFormat) -> Result<(Asked, UsageFilter), Failure> {
    let SelectArgs { whose, sessions, turns, tools, statuses, when, catch_up } = select;
    let WhoseArgs { tenants, operations, providers, models, workspaces } = whose;
    let (window, zone) = (window(&when)?, when.tz);
    let filter =
        UsageFilter { window, tenants, operations, providers, models, sessions, turns, tools, workspaces, statuses };
    Ok((Asked { zone, window, catch_up, format }, filter))
}

impl FiguresArgs {
    pub(super) fn query(self, filter: &UsageFilter) -> UsageQuery {
        let Self { per, successful_only, percentile: PercentileArg { percentile } } = self;
        let per = match per {
            PerArg::Call => Per::Call,
            PerArg::Invocation => Per::Invocation,
        };
        UsageQuery { filter: filter.clone(), per, counting: counting(successful_only), percentile }
    }
}

/// The window that was said.
pub(crate) fn window(when: &WhenArgs) -> Result<Window, Failure> {
    let WhenArgs { since, until, tz } = when;
    let now = Timestamp::now();
    let time = |option: &str, text: Option<&String>| {
        let parsed = text.map(|text| moment(text, *tz, now)).transpose();
        parsed.map_err(|error| Failure::usage(format!("{option}: the {error}")))
    };
    Window::new(time("--since", since.as_ref())?, time("--until", until.as_ref())?)
        .map_err(|error| Failure::usage(format!("the window's {error}")))
}
