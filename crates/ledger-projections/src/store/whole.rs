//! A snapshot that has no commit without those before it.
//!
//! MariaDB makes a snapshot by asking the running transactions one after the other whether they have committed; while it asks,
//! one that it has asked already may commit and pass its locks on to one that it has not asked yet. That snapshot has the later
//! commit and not the earlier one: a page is missing.
//!
//! But a transaction leaves the list of those that are asked before it passes its locks on, and every transaction that changes
//! a generation's tables writes the generation's row. So when a statement has shown that row, all that was done up to it has
//! left the list, and a snapshot that begins later has all of it. When that snapshot shows the same row, it has nothing
//! beyond it either: the row would say so. Any other snapshot is given up.

use std::time::{Duration, Instant};

use super::connection::Connection;
use super::engine::Engine;
use super::generations::GENERATIONS;
use crate::{Error, Result};

/// How long it is tried while others go on folding pages in; as long as one waits for a lock.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Begins a transaction that reads what there is at one moment.
///
/// # Errors
/// [`Error::Unavailable`] where the generations never stood still for [`TIMEOUT`].
pub(super) async fn begin(connection: &mut Connection) -> Result<()> {
    let engine = connection.engine();
    if engine != Engine::MySql {
        return connection.script(engine.begin_snapshot()).await;
    }
    let deadline = Instant::now() + TIMEOUT;
    while !begun_and_same(connection).await? {
        if Instant::now() > deadline {
            let reason = format!("its tables were changed again and again for {TIMEOUT:?}");
            return Err(Error::Unavailable { reason, source: "no snapshot of them is whole".into() });
        }
        connection.roll_back().await?;
    }
    Ok(())
}

/// Begins a snapshot; whether the generations in it are as they were before. All of it is one message, so that the less
/// happens in between.
async fn begun_and_same(connection: &mut Connection) -> Result<bool> {
    let begin = connection.engine().begin_snapshot();
    let generations = format!("SELECT * FROM {} ORDER BY projection, generation", GENERATIONS.name);
    match connection.answers(format!("{generations}; {begin}; {generations}")).await {
        Ok(answers) => Ok(matches!(answers.as_slice(), [before, _, within] if before == within)),
        // Where none were made yet.
        Err(error) if error.is_of_replaced_tables() => {
            connection.script(begin).await?;
            let within = connection.answers(generations).await;
            Ok(within.is_err_and(|error| error.is_of_replaced_tables()))
        }
        Err(error) => Err(error),
    }
}
