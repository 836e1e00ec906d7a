//! Where prices are kept, and the book that they make.

use std::path::{Path, PathBuf};

use ledger_prices::{DataKind, PriceBook};

use crate::failure::Failure;
use crate::place::Place;

/// The folder of settings, when the environment names one.
const FOLDER: &str = "AGENT_LEDGER_CONFIG";

/// One's own prices, in the folder of settings.
const OWN: &str = "prices.toml";

/// The prices that commands use: one's own over what `prices update` has taken over what comes with the program.
pub(crate) fn book(place: &Place) -> Result<PriceBook, Failure> {
    let book = match taken(DataKind::Genai) {
        Some(path) => PriceBook::from_genai_json(&read(&path)?).map_err(|error| damaged(&path, &error))?,
        None => PriceBook::bundled(),
    };
    let book = match taken(DataKind::LiteLlm) {
        Some(path) => book.with_litellm_json(&read(&path)?).map_err(|error| damaged(&path, &error))?,
        None => book,
    };
    let Some(path) = own(place) else { return Ok(book) };
    let text = read(&path)?;
    let text = String::from_utf8(text).map_err(|_| Failure::data(format!("{}: it is no UTF-8", path.display())))?;
    book.with_own(&text).map_err(|error| damaged(&path, &error))
}

/// The file of one's own prices: the one that is named, else the one in the folder of settings, if it is there.
pub(super) fn own(place: &Place) -> Option<PathBuf> {
    place.prices.clone().or_else(|| folder().map(|folder| folder.join(OWN)).filter(|path| path.exists()))
}

/// The file that `prices update` has taken, if it is there.
pub(super) fn taken(kind: DataKind) -> Option<PathBuf> {
    kept_at(kind).filter(|path| path.exists())
}

/// Where `prices update` keeps what it takes.
pub(super) fn kept_at(kind: DataKind) -> Option<PathBuf> {
    let name = match kind {
        DataKind::Genai => "genai-prices.json",
        DataKind::LiteLlm => "litellm-prices.json",
    };
    folder().map(|folder| folder.join(name))
}

/// `AGENT_LEDGER_CONFIG`, else `agent-ledger` where the settings of a user are on this system.
pub(super) fn folder() -> Option<PathBuf> {
    let named = |name: &str| std::env::var_os(name).filter(|path| !path.is_empty()).map(PathBuf::from);
    let settings = || named("XDG_CONFIG_HOME").or_else(|| named("APPDATA"));
    let settings = || settings().or_else(|| named("HOME").map(|home| home.join(".config")));
    named(FOLDER).or_else(|| settings().map(|settings| settings.join("agent-ledger")))
}

pub(super) fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(path)
        .map_err(|error| Failure::other(format!("the prices {} cannot be read: {error}", path.display())))
}

pub(super) fn damaged(path: &Path, error: &ledger_prices::PriceError) -> Failure {
    Failure::data(format!("{}: {error}", path.display()))
}
