//! Who is erased stays erased.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use async_trait::async_trait;
use ledger_core::{LedgerExt as _, RecordedEvent, Timestamp};
use ledger_events::StrategyExecution;
use ledger_projections::store::{Cell, Table, Tables};
use ledger_projections::{Database, Projection, Projector, Result, StrategyLog};
use tokio::sync::Notify;

use crate::support::{about, catch_up, databases, event, events, execution, ids, ledger, page, rows};

/// Executions of three users, each with one of two games.
fn runs(count: usize) -> Vec<StrategyExecution> {
    let run = |n: usize| StrategyExecution {
        subject_ids: [("user".into(), format!("u{}", n % 3)), ("game".into(), format!("g{}", n % 2))].into(),
        ..execution()
    };
    (0..count).map(run).collect()
}

/// The events of what is not about `u1`.
fn others(count: usize) -> Vec<String> {
    (0..count).filter(|n| n % 3 != 1).map(|n| format!("e-{n:06}")).collect()
}

async fn subjects(database: &Database, subject: &str) -> i64 {
    let sql = format!("SELECT count(*) FROM strategy_subjects WHERE subject_id = '{subject}'");
    database.query(&sql).await.unwrap().rows[0][0].int()
}

async fn rebuild(projection: StrategyLog, database: &Database, ledger: &dyn ledger_core::Ledger) {
    let mut projector = Projector::new(projection, database.clone()).with_page_size(page(7));
    projector.rebuild(ledger, &|_, _| ()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn erasing_somebody_removes_their_executions_and_those_of_nobody_else() {
    let (_folder, databases) = databases();
    let ledger = ledger(events(&runs(30))).await;
    for database in &databases {
        catch_up(StrategyLog::default(), database, &ledger).await;
        assert_eq!(StrategyLog::default().erase(database, "game", "u1").await.unwrap(), 0, "another role");
        assert_eq!(StrategyLog::default().erase(database, "user", "U1").await.unwrap(), 0, "another id");
        assert_eq!(StrategyLog::default().erase(database, "user", "u1").await.unwrap(), 10);
        assert_eq!(StrategyLog::default().erase(database, "user", "u1").await.unwrap(), 0);
        assert_eq!(ids(database).await, others(30));
        assert_eq!((subjects(database, "u1").await, subjects(database, "u2").await), (0, 10));
        assert_eq!(rows(database).await.len(), 20 + 40, "nothing is left of the games that u1 played");
    }
}

/// By which readers see that the tables are not what they were: no checkpoint moves.
#[tokio::test(flavor = "multi_thread")]
async fn an_erasure_shows_in_the_row_of_the_generation() {
    let (_folder, databases) = databases();
    let ledger = ledger(events(&runs(3))).await;
    for database in &databases {
        catch_up(StrategyLog::default(), database, &ledger).await;
        let row = || async { database.query("SELECT * FROM ledger_projections").await.unwrap() };
        let (before, again) = (row().await, row().await);
        StrategyLog::default().erase(database, "user", "u1").await.unwrap();
        let after = row().await;
        assert!(before == again && after != before, "{after:?}");
        assert_eq!(after.columns, before.columns);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_told_later_and_rebuilds_do_not_bring_back_who_was_erased() {
    let (_folder, databases) = databases();
    let ledger = ledger(events(&runs(30))).await;
    for database in &databases {
        catch_up(StrategyLog::default(), database, &ledger).await;
        StrategyLog::default().erase(database, "user", "u1").await.unwrap();
    }
    let late = StrategyExecution { subject_ids: about("user", "u1"), ..execution() };
    let late = event("late", "strategy.executed", &serde_json::to_string(&late).unwrap());
    ledger.append_all(vec![late]).await.unwrap();
    for database in &databases {
        catch_up(StrategyLog::default(), database, &ledger).await;
        assert_eq!(ids(database).await, others(30));
        // The same tables anew, tables of other settings, and all from nothing once more.
        for projection in [StrategyLog::default(), StrategyLog::default().with_traces(), StrategyLog::default()] {
            rebuild(projection, database, &ledger).await;
            assert_eq!(ids(database).await, others(30));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_erased_before_there_is_a_log_is_never_in_it() {
    let (_folder, databases) = databases();
    let ledger = ledger(events(&runs(30))).await;
    for database in &databases {
        assert_eq!(StrategyLog::default().erase(database, "user", "u1").await.unwrap(), 0);
        catch_up(StrategyLog::default(), database, &ledger).await;
        assert_eq!(ids(database).await, others(30));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_who_was_erased_only_a_hash_is_remembered() {
    let (_folder, databases) = databases();
    let long = "erased-".repeat(100);
    let run = StrategyExecution { subject_ids: about("user", &long), ..execution() };
    let ledger = ledger(events(&[run])).await;
    for database in &databases {
        catch_up(StrategyLog::default(), database, &ledger).await;
        assert_eq!(StrategyLog::default().erase(database, "user", &long).await.unwrap(), 1);
        let erased = database.query("SELECT * FROM strategy_erased").await.unwrap().rows;
        assert_eq!(erased.len(), 1);
        let text: String = erased[0].iter().map(Cell::text).collect();
        assert!(!text.contains("erased-"), "{text}");
        rebuild(StrategyLog::default(), database, &ledger).await;
        assert!(rows(database).await.is_empty());
    }
}

/// Whether the erasure comes before, between or after the pages of a rebuild, nobody is brought back.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_is_erased_while_tables_are_filled_and_replaced_is_not_in_them() {
    let (_folder, databases) = databases();
    let ledger = Arc::new(ledger(events(&runs(150))).await);
    for database in &databases {
        catch_up(StrategyLog::default(), database, ledger.as_ref()).await;
        let rebuilding = tokio::spawn({
            let (ledger, database) = (Arc::clone(&ledger), database.clone());
            async move {
                for _ in 0..4 {
                    rebuild(StrategyLog::default(), &database, ledger.as_ref()).await;
                }
            }
        });
        let mut erased = 0;
        for subject in ["u1", "u0"] {
            tokio::time::sleep(std::time::Duration::from_millis(30)).await;
            erased += StrategyLog::default().erase(database, "user", subject).await.unwrap();
            assert_eq!(subjects(database, subject).await, 0);
        }
        rebuilding.await.unwrap();
        assert_eq!(erased, 100);
        let kept: Vec<_> = (0..150).filter(|n| n % 3 == 2).map(|n| format!("e-{n:06}")).collect();
        assert_eq!(ids(database).await, kept);
    }
}

/// A log that dwells on a page when it has written it.
struct Dwelling(Arc<Notify>);

#[async_trait]
impl Projection for Dwelling {
    fn name(&self) -> &'static str {
        StrategyLog::default().name()
    }

    fn version(&self) -> u32 {
        StrategyLog::default().version()
    }

    fn tables(&self) -> &'static [Table] {
        StrategyLog::default().tables()
    }

    fn lasting(&self) -> &'static [Table] {
        StrategyLog::default().lasting()
    }

    async fn apply(&self, tables: &mut Tables<'_>, events: &[Arc<RecordedEvent>]) -> Result<()> {
        StrategyLog::default().apply(tables, events).await?;
        self.0.notify_one();
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        Ok(())
    }

    async fn remove_before(&self, tables: &mut Tables<'_>, before: Timestamp) -> Result<u64> {
        StrategyLog::default().remove_before(tables, before).await
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_erasure_waits_for_a_page_that_is_written_and_not_committed() {
    let (_folder, databases) = databases();
    let ledger = Arc::new(ledger(events(&runs(30))).await);
    for database in &databases {
        catch_up(StrategyLog::default(), database, ledger.as_ref()).await;
        let written = Arc::new(Notify::new());
        let rebuilding = tokio::spawn({
            let mut projector = Projector::new(Dwelling(Arc::clone(&written)), database.clone());
            let ledger = Arc::clone(&ledger);
            async move { projector.rebuild(ledger.as_ref(), &|_, _| ()).await.unwrap() }
        });
        written.notified().await;
        assert_eq!(StrategyLog::default().erase(database, "user", "u1").await.unwrap(), 10);
        rebuilding.await.unwrap();
        assert_eq!(ids(database).await, others(30));
    }
}

/// Wherever an erasure is given up, it is done as a whole or not at all, and the next one does it.
#[tokio::test(flavor = "multi_thread")]
async fn an_erasure_that_is_given_up_at_any_point_leaves_nothing_half() {
    let (_folder, databases) = databases();
    let ledger = ledger(events(&runs(30))).await;
    for database in &databases {
        catch_up(StrategyLog::default(), database, &ledger).await;
        for polls in 1..=40 {
            let user = format!("v{polls}");
            let run = StrategyExecution { subject_ids: about("user", &user), ..execution() };
            let payload = serde_json::to_string(&run).unwrap();
            let _ = ledger.append_all(vec![event(&user, "strategy.executed", &payload)]).await;
            catch_up(StrategyLog::default(), database, &ledger).await;
            {
                let log = StrategyLog::default();
                let mut call = pin!(log.erase(database, "user", &user));
                let mut polled = 0;
                poll_fn(|context| {
                    polled += 1;
                    match call.as_mut().poll(context) {
                        Poll::Pending if polled < polls => Poll::Pending,
                        _ => Poll::Ready(()),
                    }
                })
                .await;
            }
            // What is in the middle of it when its caller is gone ends by itself; then it is asked for again.
            let erased = StrategyLog::default().erase(database, "user", &user).await.unwrap();
            assert!(erased <= 1);
            assert_eq!(subjects(database, &user).await, 0, "after {polls} polls");
            assert!(!ids(database).await.contains(&user));
        }
        rebuild(StrategyLog::default(), database, &ledger).await;
        assert_eq!(ids(database).await.len(), 30);
    }
}
