//! `project`: what is new in the ledger, folded into tables that answer questions.

use std::time::Duration;

use agent_ledger::{Ledger, Offset, Timestamp};
use futures_util::future::{BoxFuture, FutureExt as _, try_join_all};
use ledger_projections::{Database, Error, Lag, Projection, Projector, Standing, StrategyLog};
use serde::Serialize;

use crate::cli::{CatchUpArgs, Format, FormatArgs, ProjectArgs, Which};
use crate::failure::{Failure, Outcome};
use crate::labels::{self, Otherwise};
use crate::place::Place;
use crate::{output, progress};

/// Every projection, in the order in which they are caught up.
const ALL: [Which; 2] = [Which::Usage, Which::Strategy];

/// How often catching up is begun again because another process made the tables anew.
const ATTEMPTS: usize = 3;

/// How often old rows are looked for while nothing is appended.
const RETENTION_PAUSE: Duration = Duration::from_secs(3_600);

pub(crate) async fn run(place: &Place, args: ProjectArgs) -> Outcome {
    let database = place.database()?;
    let ledger = crate::existing(&place.ledger).await?;
    let ledger = ledger.as_ref();
    let mut all: Vec<BoxFuture<'_, Outcome>> = Vec::new();
    for which in args.which.map_or(ALL.to_vec(), |which| vec![which]) {
        let work = match which {
            Which::Usage => {
                let usage = labels::usage(place, &database, args.workspaces, Otherwise::MakeAnew).await?;
                Work::new(usage, &database, &args).run(ledger).boxed()
            }
            Which::Strategy => {
                let log = match args.traces {
                    true => StrategyLog::default().with_traces(),
                    false => strategy_log(&database).await?,
                };
                Work::new(log, &database, &args).run(ledger).boxed()
            }
        };
        all.push(work);
    }
    if args.follow {
        return try_join_all(all).await.map(drop);
    }
    for one in all {
        one.await?;
    }
    Ok(())
}

/// Makes the tables of usage anew with the prices of now.
pub(crate) async fn reprice(place: &Place, format: FormatArgs) -> Outcome {
    let args = ProjectArgs {
        which: Some(Which::Usage),
        follow: false,
        rebuild: true,
        retention_days: None,
        remove_before: None,
        workspaces: None,
        traces: false,
        format,
    };
    run(place, args).await
}

/// Catches up with the ledger before a question is answered, unless that is not wanted; the database to ask.
pub(crate) async fn caught_up(place: &Place, which: &[Which], args: &CatchUpArgs) -> Result<Database, Failure> {
    let database = place.database()?;
    if args.no_catch_up {
        return Ok(database);
    }
    let ledger = crate::existing(&place.ledger).await?;
    for which in which {
        match which {
            Which::Usage => {
                let usage = labels::usage(place, &database, args.workspaces, Otherwise::Refuse).await?;
                catch_up(&mut Projector::new(usage, database.clone()), ledger.as_ref()).await?;
            }
            Which::Strategy => {
                let log = strategy_log(&database).await?;
                catch_up(&mut Projector::new(log, database.clone()), ledger.as_ref()).await?;
            }
        }
    }
    Ok(database)
}

/// The strategy log as it is there: with traces, if it was made so.
pub(crate) async fn strategy_log(database: &Database) -> Result<StrategyLog, Failure> {
    let standing = Projector::new(StrategyLog::default(), database.clone()).standing().await?;
    let traced = StrategyLog::default().with_traces();
    let has_traces = standing.is_some_and(|standing| standing.settings == traced.settings());
    Ok(if has_traces { traced } else { StrategyLog::default() })
}

/// The same for whatever there is.
pub(crate) async fn all_caught_up(place: &Place, args: &CatchUpArgs) -> Result<Database, Failure> {
    caught_up(place, &ALL, args).await
}

/// Catches up, with a bar.
pub(crate) async fn catch_up<P: Projection>(
    projector: &mut Projector<P>,
    ledger: &dyn Ledger,
) -> Result<Lag, ledger_projections::Error> {
    for _ in 1..ATTEMPTS {
        match catch_up_once(projector, ledger).await {
            Err(Error::Replaced { .. }) => {}
            done => return done,
        }
    }
    catch_up_once(projector, ledger).await
}

async fn catch_up_once<P: Projection>(
    projector: &mut Projector<P>,
    ledger: &dyn Ledger,
) -> Result<Lag, ledger_projections::Error> {
    let bar = progress::events(projector.projection().name());
    let lag = projector.catch_up(ledger, &progress::reporter(&bar)).await;
    bar.finish_and_clear();
    lag
}

/// What is to be done with one projection.
struct Work<P> {
    projector: Projector<P>,
    place: String,
    follow: bool,
    rebuild: bool,
    retention: Option<Retention>,
    format: Format,
}

/// Which rows are removed.
#[derive(Clone, Copy)]
enum Retention {
    Days(u32),
    Before(Timestamp),
}

impl Retention {
    /// Rows of before then are removed; `None` when none are.
    fn before(self) -> Option<Timestamp> {
        match self {
            Self::Days(0) => None,
            Self::Days(days) => {
                let micros = i64::from(days).saturating_mul(86_400_000_000);
                Timestamp::from_micros(Timestamp::now().as_micros().saturating_sub(micros)).ok()
            }
            Self::Before(time) => Some(time),
        }
    }
}

/// How far a projection is.
#[derive(Serialize)]
struct Status<'a> {
    projection: &'a str,
    place: &'a str,
    offset: Offset,
    last: Offset,
    lag: u64,
    /// Rows that were removed just now; `None` when nothing was to be.
    removed: Option<u64>,
    rows_removed_before: Option<Timestamp>,
}

impl<P: Projection> Work<P> {
    fn new(projection: P, database: &Database, args: &ProjectArgs) -> Self {
        let retention = args.retention_days.map(Retention::Days).or(args.remove_before.map(Retention::Before));
        Self {
            projector: Projector::new(projection, database.clone()),
            place: database.place().to_owned(),
            follow: args.follow,
            rebuild: args.rebuild,
            retention,
            format: Format::or_default(args.format.format),
        }
    }

    async fn run(mut self, ledger: &dyn Ledger) -> Outcome {
        let mut news = ledger.wakeup();
        let mut lag = if self.rebuild {
            let bar = progress::events("rebuild");
            let lag = self.projector.rebuild(ledger, &progress::reporter(&bar)).await;
            bar.finish_and_clear();
            lag?
        } else {
            catch_up(&mut self.projector, ledger).await?
        };
        self.tidy_and_say(lag, true).await?;
        while self.follow {
            if lag.events == 0
                && let Ok(woken) = tokio::time::timeout(RETENTION_PAUSE, news.wait()).await
            {
                woken?;
            }
            news = ledger.wakeup();
            let reached = lag.offset;
            lag = catch_up(&mut self.projector, ledger).await?;
            self.tidy_and_say(lag, lag.offset > reached).await?;
        }
        Ok(())
    }

    /// Removes what is too old, and says where the projection stands, if that is news.
    async fn tidy_and_say(&mut self, lag: Lag, is_news: bool) -> Outcome {
        let mut removed = None;
        if let Some(retention) = self.retention {
            removed = Some(match retention.before() {
                Some(before) => self.projector.remove_before(before).await?,
                None => 0,
            });
        }
        if !is_news && removed.unwrap_or_default() == 0 {
            return Ok(());
        }
        let standing = self.projector.standing().await?;
        let rows_removed_before = standing.and_then(|Standing { rows_removed_before, .. }| rows_removed_before);
        let Lag { offset, last, events } = lag;
        let projection = self.projector.projection().name();
        let status = Status { projection, place: &self.place, offset, last, lag: events, removed, rows_removed_before };
        match self.format {
            Format::Json => output::json(&status),
            Format::Text => text(&status, self.rebuild),
        }
    }
}

fn text(status: &Status<'_>, rebuilt: bool) -> Outcome {
    let Status { projection, place, offset, last, lag, removed, rows_removed_before } = status;
    output::line(format_args!("{projection} in {place}: up to offset {offset} of {last}, {lag} events behind"))?;
    if let Some(removed) = removed {
        output::line(format_args!("{removed} rows removed"))?;
    }
    if let Some(before) = rows_removed_before {
        let stay = if rebuilt { "stay removed, though the ledger has them" } else { "are removed" };
        output::line(format_args!("rows of before {before} {stay}; sums over them are kept"))?;
    }
    Ok(())
}
