//! `prices`: what models cost, how old that is, and what it does not know.

mod check;
mod files;
mod list;
mod update;

pub(crate) use files::book;

use crate::cli::PricesCommand;
use crate::failure::Outcome;
use crate::place::Place;

pub(crate) async fn run(place: &Place, command: PricesCommand) -> Outcome {
    match command {
        PricesCommand::List(args) => list::run(place, args),
        PricesCommand::Check(args) => check::run(place, args).await,
        PricesCommand::Update(args) => update::run(place, args),
    }
}
