//! How workspaces appear and what prices there are, which the tables of usage are made with.

use std::sync::Arc;

use clap::ValueEnum;
use ledger_projections::usage::{HashKey, Usage, WorkspaceLabels};
use ledger_projections::{Database, Projection, Projector, Standing};

use crate::cli::Labels;
use crate::failure::Failure;
use crate::place::Place;
use crate::prices;

/// Says how workspaces appear, when the option does not.
const HOW: &str = "AGENT_LEDGER_WORKSPACES";

/// The key of hashed workspaces; never on the command line, where others can see it.
const KEY: &str = "AGENT_LEDGER_WORKSPACE_KEY";

/// What may be done to tables whose workspaces appear otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Otherwise {
    /// They are made anew.
    MakeAnew,
    /// That is refused: who asks a question does not mean to change what is kept.
    Refuse,
}

/// The projection of usage as it is named, else as it is there, else with whole paths; priced.
///
/// Tables that were made with other prices are made anew, too, where that is meant. Who asks a question goes on with them
/// as they are, is told so, and prices what is new with the prices at hand: questions do not take as long as a rebuild,
/// and several people who share tables do not take turns in making them anew.
pub(crate) async fn usage(
    place: &Place,
    database: &Database,
    named: Option<Labels>,
    otherwise: Otherwise,
) -> Result<Usage, Failure> {
    let standing = Projector::new(Usage::new(), database.clone()).standing().await?;
    let usage = labelled(database, standing.as_ref(), named, otherwise)?;
    let book = Arc::new(prices::book(place)?);
    let (version, priced) = (book.version(), usage.clone().with_prices(book));
    // Tables of an older version of the program are made anew in any case.
    let kept = standing.filter(|standing| otherwise == Otherwise::Refuse && standing.version == usage.version());
    let Some(Standing { settings, .. }) = kept else { return Ok(priced) };
    let (made_with, usage) = match Usage::prices_of(&settings) {
        Some(made_with) if made_with == version => return Ok(priced),
        Some(made_with) => (made_with, priced.going_on_with_prices_of(made_with)),
        None => ("none", usage),
    };
    eprintln!(
        "agent-ledger: costs are by the prices {made_with:?} that the tables were made with, those of now are \
         {version:?}; to use them: agent-ledger reprice"
    );
    Ok(usage)
}

/// The same without prices.
fn labelled(
    database: &Database,
    standing: Option<&Standing>,
    named: Option<Labels>,
    otherwise: Otherwise,
) -> Result<Usage, Failure> {
    let key = environment(KEY).map(HashKey::new);
    let named = match named {
        Some(labels) => Some(labels),
        None => environment(HOW).map(|text| parse(&text)).transpose()?,
    };
    let Some(settings) = standing.map(|standing| Usage::workspaces_of(&standing.settings)) else {
        return made(named.unwrap_or(Labels::FullPath), key);
    };
    if let Some(labels) = named {
        let usage = made(labels, key)?;
        if otherwise == Otherwise::MakeAnew || usage.settings() == settings {
            return Ok(usage);
        }
        return Err(Failure::usage(format!(
            "the usage projection in {} has its workspaces otherwise, or by another key; ask without --workspaces, or \
             make it anew with: agent-ledger project usage --workspaces {}",
            database.place(),
            name(labels)
        )));
    }
    let has_key = key.is_some();
    let possible = Labels::value_variants().iter().filter_map(|labels| made(*labels, key.clone()).ok());
    possible.into_iter().find(|usage| usage.settings() == settings).ok_or_else(|| {
        let what = if has_key { "another key than" } else { "a key, which is missing:" };
        Failure::usage(format!(
            "the workspaces in {} are hashed with {what} {KEY}; set that one, or ask with --no-catch-up",
            database.place()
        ))
    })
}

fn made(labels: Labels, key: Option<HashKey>) -> Result<Usage, Failure> {
    let needed = || {
        let name = name(labels);
        key.ok_or_else(|| {
            Failure::usage(format!("--workspaces {name} needs a key: set {KEY} to a long random text, and keep it"))
        })
    };
    Ok(Usage::with_workspaces(match labels {
        Labels::FullPath => WorkspaceLabels::FullPath,
        Labels::Hashed => WorkspaceLabels::Hashed(needed()?),
        Labels::BaseName => WorkspaceLabels::BaseName(needed()?),
    }))
}

fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|text| !text.is_empty())
}

fn parse(text: &str) -> Result<Labels, Failure> {
    Labels::from_str(text, false)
        .map_err(|_| Failure::usage(format!("{HOW} is {text:?}, which is not full-path, hashed or base-name")))
}

fn name(labels: Labels) -> String {
    labels.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}
