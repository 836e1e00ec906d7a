//! What readers see: the live tables of a projection at one moment.

use futures_util::TryStreamExt as _;
use ledger_core::{Offset, Timestamp};

use super::connection::{Connection, Row};
use super::database::Database;
use super::generations::{Generation, Generations};
use super::sql::Sql;
use crate::{Error, Projection, Result};

/// How often an answer is begun again because the tables that it reads were replaced meanwhile.
const ATTEMPTS: usize = 5;

/// The live tables of a projection at one moment: however many statements an answer takes, they all see the same.
pub(crate) struct Snapshot {
    connection: Connection,
    live: Generation,
}

impl Snapshot {
    async fn new(database: &Database, projection: &dyn Projection) -> Result<Self> {
        let not_there = || Error::NotThere { projection: projection.name().into(), place: database.place().into() };
        if database.is_missing() {
            return Err(not_there());
        }
        let mut connection = database.connect().await?;
        connection.begin_snapshot().await?;
        let live = Generations::new(&mut connection, projection).live().await?;
        Ok(Self { connection, live: live.ok_or_else(not_there)? })
    }

    /// SQL that is to be run on these tables.
    pub(crate) const fn sql(&self) -> Sql {
        Sql::new(self.connection.engine(), self.live.number)
    }

    /// The last event that is folded in.
    pub(crate) const fn offset(&self) -> Offset {
        self.live.offset
    }

    /// Rows of before this time are removed.
    pub(crate) const fn kept_from(&self) -> Timestamp {
        self.live.kept_from
    }

    pub(crate) async fn rows(&mut self, sql: Sql) -> Result<Vec<Row>> {
        self.connection.rows(sql.text, sql.values).await
    }

    /// Takes the rows of an answer one after the other, of which there may be many, while `take` says to go on.
    pub(crate) async fn each(&mut self, sql: Sql, mut take: impl FnMut(Row) -> Result<bool>) -> Result<()> {
        let mut rows = self.connection.stream(sql.text, sql.values)?;
        while let Some(row) = rows.try_next().await? {
            if !take(row)? {
                break;
            }
        }
        Ok(())
    }
}

impl Database {
    /// Answers from one snapshot of a projection's live tables.
    ///
    /// # Errors
    /// [`Error::NotThere`] when it was never caught up.
    pub(crate) async fn answer<T>(
        &self,
        projection: &dyn Projection,
        question: impl AsyncFn(&mut Snapshot) -> Result<T>,
    ) -> Result<T> {
        for _ in 1..ATTEMPTS {
            let mut snapshot = Snapshot::new(self, projection).await?;
            match question(&mut snapshot).await {
                Err(error) if error.is_of_replaced_tables() => {}
                done => {
                    snapshot.connection.close().await;
                    return done;
                }
            }
        }
        question(&mut Snapshot::new(self, projection).await?).await
    }
}
