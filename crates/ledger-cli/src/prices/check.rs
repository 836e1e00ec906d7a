//! `prices check`: how old prices are, and which models of the ledger have none.

use std::path::Path;
use std::time::UNIX_EPOCH;

use agent_ledger::Timestamp;
use ledger_events::Tokens;
use ledger_prices::{BUNDLED_DATE, DataKind, PriceBook, Request};
use ledger_projections::usage::{UnpricedModel, UsageQuery, UsageReader};
use serde::Serialize;

use super::files;
use crate::cli::{CatchUpArgs, Format, PricesCheckArgs, Which};
use crate::failure::{Failure, Outcome};
use crate::place::Place;
use crate::print::grouped;
use crate::{output, project};

const DAY: i64 = 86_400_000_000;

/// What there is to know of the prices.
#[derive(Serialize)]
struct Checked {
    /// Their version.
    prices: String,
    /// When the data was published, or taken by `prices update`.
    data_from: Option<Timestamp>,
    age_days: Option<i64>,
    /// Files besides what comes with the program.
    own_file: Option<String>,
    data_files: Vec<String>,
    /// The version that the tables of usage were made with; `null` when there are none.
    tables: Option<String>,
    /// `null` when there is no ledger to look at.
    unpriced: Option<Vec<Unpriced>>,
    /// Why there is none.
    note: Option<String>,
}

/// A model of the ledger without a price.
#[derive(Serialize)]
struct Unpriced {
    provider: String,
    model: Option<String>,
    calls: i64,
    tokens: i64,
    why: String,
}

pub(super) async fn run(place: &Place, args: PricesCheckArgs) -> Outcome {
    let PricesCheckArgs { catch_up, format } = args;
    let book = files::book(place)?;
    let taken: Vec<_> = [DataKind::Genai, DataKind::LiteLlm].into_iter().filter_map(files::taken).collect();
    let data_from = match files::taken(DataKind::Genai) {
        Some(path) => changed(&path),
        None => Timestamp::parse(&format!("{BUNDLED_DATE}T00:00:00Z")).ok(),
    };
    let age = |from: Timestamp| (Timestamp::now().as_micros() - from.as_micros()) / DAY;
    let mut checked = Checked {
        prices: book.version(),
        data_from,
        age_days: data_from.map(age),
        own_file: files::own(place).map(|path| path.display().to_string()),
        data_files: taken.iter().map(|path| path.display().to_string()).collect(),
        tables: None,
        unpriced: None,
        note: None,
    };
    match in_the_ledger(place, &book, &catch_up).await {
        Ok((tables, unpriced)) => (checked.tables, checked.unpriced) = (tables, Some(unpriced)),
        Err(failure) => checked.note = Some(failure.sentence().to_owned()),
    }
    match Format::or_default(format.format) {
        Format::Json => output::json(&checked),
        Format::Text => text(&checked),
    }
}

fn changed(path: &Path) -> Option<Timestamp> {
    let since = std::fs::metadata(path).ok()?.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
    Timestamp::from_micros(i64::try_from(since.as_micros()).ok()?).ok()
}

async fn in_the_ledger(
    place: &Place,
    book: &PriceBook,
    catch_up: &CatchUpArgs,
) -> Result<(Option<String>, Vec<Unpriced>), Failure> {
    let reader = UsageReader::new(project::caught_up(place, &[Which::Usage], catch_up).await?);
    let answer = reader.stats(&UsageQuery::default()).await?;
    let models = answer.unpriced.models.into_iter().map(|model| why(book, model));
    Ok((answer.basis.prices, models.collect()))
}

fn why(book: &PriceBook, unpriced: UnpricedModel) -> Unpriced {
    let UnpricedModel { provider, model, calls, tokens } = unpriced;
    let usual = Tokens { input: 1, output: 1, ..Tokens::default() };
    let request = Request::new(&provider, model.as_deref().unwrap_or_default(), Timestamp::now(), &usual);
    let why = match book.price(&request) {
        Err(error) => error.to_string(),
        Ok(_) => {
            "usual calls of it have a price: these are of a tier, speed, place, time or kind of tokens without one, or \
                  agent-ledger reprice finds it"
                .into()
        }
    };
    Unpriced { provider, model, calls, tokens, why }
}

fn text(checked: &Checked) -> Outcome {
    let Checked { prices, data_from, age_days, own_file, data_files, tables, unpriced, note } = checked;
    let mut fields = vec![("prices", prices.clone())];
    if let (Some(from), Some(age)) = (data_from, age_days) {
        fields.push(("data", format!("from {from}, {age} days old")));
    }
    fields.extend(own_file.iter().map(|file| ("own file", file.clone())));
    fields.extend(data_files.iter().map(|file| ("data file", file.clone())));
    fields.extend(tables.iter().map(|tables| ("tables", tables.clone())));
    fields.extend(note.iter().map(|note| ("ledger", note.clone())));
    output::fields(&fields)?;
    match unpriced {
        None => Ok(()),
        Some(models) if models.is_empty() => output::line("every call has a cost"),
        Some(models) => models.iter().try_for_each(|model| {
            let Unpriced { provider, model, calls, tokens, why } = model;
            let model = model.as_deref().unwrap_or("not known");
            let (calls, tokens) = (grouped(*calls), grouped(*tokens));
            output::line(format_args!("unpriced: {model} ({provider}): {calls} calls, {tokens} tokens: {why}"))
        }),
    }
}
