//! `usage statusline`: one short line for a prompt, which never fails and never waits.

use std::io::{IsTerminal as _, Read as _};
use std::sync::mpsc;
use std::time::Duration;

use agent_ledger::Timestamp;
use ledger_projections::PicoUsd;
use ledger_projections::usage::{Glance, UsageReader};
use serde_json::Value;

use crate::cli::{CatchUpArgs, Format, StatuslineArgs, Which};
use crate::failure::{Failure, Outcome};
use crate::place::Place;
use crate::print::{field, printable};
use crate::{output, project};

/// How long a program that shows prompts may take to say what it is about.
const PATIENCE: Duration = Duration::from_millis(100);

/// Most of it that is read, in bytes.
const MOST: u64 = 1 << 20;

/// Printed where there is nothing to show: a prompt goes on whatever is wrong.
const NOTHING: &str = "-";

pub(super) async fn run(place: &Place, args: StatuslineArgs) -> Outcome {
    let StatuslineArgs { session, tz, catch_up, format } = args;
    let said = standard_input();
    let named = |name: &str| said.as_ref().and_then(|said| field(said, name)).and_then(Value::as_str);
    let session = session.as_deref().or_else(|| named("session_id")).filter(|session| !session.is_empty());
    let model = named("model.display_name").map(printable).filter(|model| !model.is_empty());
    let now = Timestamp::now();
    let glance = async {
        let catch_up = CatchUpArgs { no_catch_up: !catch_up, workspaces: None };
        let reader = UsageReader::new(project::caught_up(place, &[Which::Usage], &catch_up).await?);
        Ok::<Glance, Failure>(reader.glance(tz, now, session).await?)
    };
    match (glance.await, format) {
        (Ok(glance), Some(Format::Json)) => output::json(&glance),
        (Ok(glance), _) => output::line(line(&glance, model, now)),
        (Err(_), Some(Format::Json)) => output::json(&Value::Null),
        (Err(_), _) => output::line(model.unwrap_or_else(|| NOTHING.into())),
    }
}

/// What the program that shows the prompt says, if it says anything that can be read.
fn standard_input() -> Option<Value> {
    let stdin = std::io::stdin();
    if stdin.is_terminal() {
        return None;
    }
    // Whoever leaves it open does not keep the prompt waiting; the thread ends with the program.
    let (said, hears) = mpsc::channel();
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = stdin.take(MOST).read_to_end(&mut bytes);
        let _ = said.send(bytes);
    });
    serde_json::from_slice(&hears.recv_timeout(PATIENCE).ok()?).ok()
}

fn line(glance: &Glance, model: Option<String>, now: Timestamp) -> String {
    let session = glance.session.as_ref();
    let session = session.map(|spent| format!("{} session", dollars(spent.cost_usd, spent.unpriced_calls)));
    let today = &glance.today;
    let cost = dollars(today.cost_usd, today.unpriced_calls);
    let today = format!("{cost} today, {} tokens", short(today.tokens.total()));
    let block = glance.block.as_ref().map(|block| {
        let minutes = block.end.micros_since(now) / 60_000_000;
        let cost = dollars(block.cost_usd, block.unpriced_calls);
        format!("{cost} block, {}h {:02}m left", minutes / 60, minutes % 60)
    });
    let parts = [model, session, Some(today), block];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" | ")
}

/// To the cent; `+?` says that there are calls of which nobody knows what they cost.
fn dollars(cost: PicoUsd, unpriced: i64) -> String {
    format!("${:.2}{}", cost.to_f64(), if unpriced > 0 { "+?" } else { "" })
}

/// `950`, `12.3k`, `15.4M`, `2.0B`.
fn short(number: i64) -> String {
    let units = [(1_000_000_000, "B"), (1_000_000, "M"), (1_000, "k")];
    match units.into_iter().find(|(unit, _)| number >= *unit) {
        Some((unit, name)) => format!("{}.{}{name}", number / unit, number % unit * 10 / unit),
        None => number.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        for (number, text) in
            [(0, "0"), (999, "999"), (1_000, "1.0k"), (12_399, "12.3k"), (15_405_777, "15.4M"), (2_000_000_000, "2.0B")]
        {
            assert_eq!(short(number), text);
        }
        assert_eq!(dollars(PicoUsd(1_234_000_000_000), 0), "$1.23");
        assert_eq!(dollars(PicoUsd(0), 3), "$0.00+?");
    }
}
