//! `prices update`: newer data from a file, for all later commands.

use std::path::Path;

use ledger_prices::{DataKind, recognize};
use serde::Serialize;

use super::files;
use crate::cli::{Format, PricesUpdateArgs};
use crate::failure::{Failure, Outcome};
use crate::output;
use crate::place::Place;

/// What was taken.
#[derive(Serialize)]
struct Taken {
    /// `genai` or `litellm`.
    kind: &'static str,
    /// Where it is kept from now on.
    kept_at: String,
    /// The version of all prices together, from now on.
    prices: String,
}

pub(super) fn run(place: &Place, args: PricesUpdateArgs) -> Outcome {
    let PricesUpdateArgs { from, format } = args;
    let data = files::read(&from)?;
    let kind = recognize(&data).map_err(|error| files::damaged(&from, &error))?;
    let nowhere = || Failure::usage("there is no folder for settings: set AGENT_LEDGER_CONFIG to one");
    let path = files::kept_at(kind).ok_or_else(nowhere)?;
    keep(&path, &data)
        .map_err(|error| Failure::other(format!("the prices could not be written to {}: {error}", path.display())))?;
    let name = match kind {
        DataKind::Genai => "genai",
        DataKind::LiteLlm => "litellm",
    };
    let taken = Taken { kind: name, kept_at: path.display().to_string(), prices: files::book(place)?.version() };
    match Format::or_default(format.format) {
        Format::Json => output::json(&taken),
        Format::Text => {
            output::line(format_args!("the prices are in {} and count from now on: {}", taken.kept_at, taken.prices))?;
            output::line("what is priced already stays as it is until: agent-ledger reprice")
        }
    }
}

/// Whole or not at all, whoever reads it meanwhile.
fn keep(path: &Path, data: &[u8]) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let new = path.with_extension(format!("new-{}", std::process::id()));
    std::fs::write(&new, data)?;
    std::fs::rename(&new, path)
}
