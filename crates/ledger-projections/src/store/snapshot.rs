//! What readers see: the live tables of a projection at one moment.

use std::sync::Arc;

use futures_util::TryStreamExt as _;
use ledger_core::{Offset, Timestamp};
use tokio::sync::Mutex;

use super::connection::{Connection, Row};
use super::database::Database;
use super::engine::Engine;
use super::generations::{Generation, Generations};
use super::sql::Sql;
use crate::{Error, Projection, Result, Window};

/// How often an answer is begun again because the tables that it reads were replaced meanwhile.
const ATTEMPTS: usize = 5;

/// The live tables of a projection at one moment: however many statements an answer takes, they all see the same.
#[derive(Clone)]
pub(crate) struct Snapshot {
    connection: Arc<Mutex<Connection>>,
    engine: Engine,
    live: Arc<Generation>,
}

impl Snapshot {
    async fn new(database: &Database, projection: &dyn Projection) -> Result<Self> {
        let not_there = || Error::NotThere { projection: projection.name().into(), place: database.place().into() };
        if database.is_missing() {
            return Err(not_there());
        }
        let mut connection = database.connect().await?;
        connection.begin_snapshot().await?;
        let live = Generations::new(&mut connection, projection).live().await?.ok_or_else(not_there)?;
        let engine = connection.engine();
        Ok(Self { connection: Arc::new(Mutex::new(connection)), engine, live: Arc::new(live) })
    }

    /// SQL that is to be run on these tables.
    pub(crate) fn sql(&self) -> Sql {
        Sql::new(self.engine, self.live.number)
    }

    /// The last event that is folded in.
    pub(crate) fn offset(&self) -> Offset {
        self.live.offset
    }

    /// What the tables were made with.
    pub(crate) fn settings(&self) -> &str {
        &self.live.settings
    }

    /// Rows of before this time are removed.
    pub(crate) fn kept_from(&self) -> Timestamp {
        self.live.kept_from
    }

    /// The parts of a window whose rows are there, and whose rows are removed; `None` where there is no such part.
    pub(crate) fn split(&self, window: Window) -> (Option<Window>, Option<Window>) {
        let kept_from = self.kept_from();
        (window.from(kept_from), window.before(kept_from).filter(|_| kept_from > Timestamp::MIN))
    }

    pub(crate) async fn rows(&self, sql: Sql) -> Result<Vec<Row>> {
        self.connection.lock().await.rows(sql.text, sql.values).await
    }

    /// Takes the rows of an answer one after the other, of which there may be many.
    pub(crate) async fn each(&self, sql: Sql, mut take: impl FnMut(Row) -> Result<()>) -> Result<()> {
        self.each_while(sql, |row| take(row).map(|()| true)).await
    }

    /// The same, while `take` says to go on.
    pub(crate) async fn each_while(&self, sql: Sql, mut take: impl FnMut(Row) -> Result<bool>) -> Result<()> {
        let mut connection = self.connection.lock().await;
        let mut rows = connection.stream(sql.text, sql.values)?;
        while let Some(row) = rows.try_next().await? {
            if !take(row)? {
                break;
            }
        }
        Ok(())
    }

    /// Tells the database that this is the end, unless somebody else still reads.
    async fn close(self) {
        if let Some(connection) = Arc::into_inner(self.connection) {
            connection.into_inner().close().await;
        }
    }
}

impl Database {
    /// Answers from one snapshot of a projection's live tables.
    ///
    /// # Errors
    /// [`Error::NotThere`] when it was never caught up.
    pub(crate) async fn answer<T, A: Future<Output = Result<T>>>(
        &self,
        projection: &dyn Projection,
        question: impl Fn(Snapshot) -> A,
    ) -> Result<T> {
        let mut attempt = 1;
        loop {
            let snapshot = Snapshot::new(self, projection).await?;
            match question(snapshot.clone()).await {
                Err(error) if error.is_of_replaced_tables() && attempt < ATTEMPTS => attempt += 1,
                done => {
                    snapshot.close().await;
                    return done;
                }
            }
        }
    }
}
