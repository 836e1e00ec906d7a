//! Generations: each is a whole set of a projection's tables with a checkpoint of its own. One is live, which is what
//! readers see; another one may be filled beside it, and takes over in one step.

use ledger_core::{EventId, LedgerId, Offset, Timestamp};

use super::connection::{Connection, Row};
use super::engine::Engine;
use super::schema::{Column, Table, Type};
use super::tables::{Cell, live_name};
use crate::{Error, Projection, Result};

/// What every generation of every projection says of itself.
pub(super) const GENERATIONS: Table = Table {
    name: "ledger_projections",
    columns: &[
        Column::new("projection", Type::Name),
        Column::new("generation", Type::Int),
        Column::new("version", Type::Int),
        Column::new("settings", Type::Name),
        Column::new("live", Type::Flag),
        Column::new("ledger_id", Type::Name),
        Column::new("epoch", Type::Int),
        Column::new("offset", Type::Int),
        Column::optional("event_id", Type::Name),
        Column::new("kept_from", Type::Int),
        Column::new("updated_at", Type::Int),
    ],
    key: 2,
    indexes: &[],
};

/// A generation, and the last event that is folded into it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Generation {
    pub(crate) number: i64,
    pub(crate) version: u32,
    pub(crate) settings: String,
    pub(crate) is_live: bool,
    pub(crate) ledger_id: LedgerId,
    pub(crate) epoch: u32,
    pub(crate) offset: Offset,
    pub(crate) event_id: Option<EventId>,
    /// Rows of before are removed.
    pub(crate) kept_from: Timestamp,
}

impl Generation {
    /// Whether `projection`, as it is, goes on with it.
    pub(crate) fn is_of(&self, projection: &dyn Projection) -> bool {
        self.version == projection.version() && self.settings == projection.settings()
    }
}

/// The generations of one projection, on a connection.
pub(crate) struct Generations<'c> {
    connection: &'c mut Connection,
    projection: &'c dyn Projection,
}

impl<'c> Generations<'c> {
    pub(crate) const fn new(connection: &'c mut Connection, projection: &'c dyn Projection) -> Self {
        Self { connection, projection }
    }

    /// All of them, oldest first. None where nothing was ever made.
    pub(crate) async fn all(&mut self) -> Result<Vec<Generation>> {
        if !self.exist().await? {
            return Ok(Vec::new());
        }
        self.select("", "").await
    }

    /// The one that readers see.
    pub(crate) async fn live(&mut self) -> Result<Option<Generation>> {
        Ok(self.all().await?.into_iter().find(|generation| generation.is_live))
    }

    /// The one with this number, locked until the transaction ends; `None` when it was dropped meanwhile.
    pub(crate) async fn lock(&mut self, number: i64) -> Result<Option<Generation>> {
        let lock = self.engine().for_update();
        Ok(self.select(&format!(" AND generation = {number}"), lock).await?.into_iter().next())
    }

    /// Makes the tables of a new generation, empty and not live; unless it need not be `anew` and there is one of this version.
    pub(crate) async fn create(&mut self, ledger_id: LedgerId, epoch: u32, anew: bool) -> Result<Generation> {
        let engine = self.engine();
        self.begin_to_make().await?;
        self.make_lasting().await?;
        let all = self.select("", "").await?;
        let own = all.iter().rev().find(|generation| generation.is_of(self.projection));
        if let Some(own) = own.filter(|_| !anew) {
            // Another process was faster.
            self.commit_made().await?;
            return Ok(own.clone());
        }
        let number = all.last().map_or(1, |last| last.number + 1);
        for table in self.projection.tables() {
            let name = live_name(table, number);
            // Left by a creation that ended half-way, where DDL commits by itself.
            self.connection.script(&format!("DROP TABLE IF EXISTS {}", engine.quoted(&name))).await?;
            for statement in table.create(engine, &name) {
                self.connection.script(&statement).await?;
            }
        }
        let generation = Generation {
            number,
            version: self.projection.version(),
            settings: self.projection.settings(),
            is_live: false,
            ledger_id,
            epoch,
            offset: Offset::ZERO,
            event_id: None,
            kept_from: Timestamp::MIN,
        };
        self.save(&generation).await?;
        self.commit_made().await?;
        Ok(generation)
    }

    /// Begins a transaction in which nothing of the projection is made, filled, replaced or dropped by others; its
    /// generations. Makes what lasts, if it is not there. Ends with [`commit_made`](Self::commit_made).
    pub(crate) async fn lock_all(&mut self) -> Result<Vec<Generation>> {
        let engine = self.engine();
        self.begin_to_make().await?;
        self.make_lasting().await?;
        self.connection.script(engine.begin_after_ddl()).await?;
        self.select("", engine.for_update()).await
    }

    /// Makes the tables that belong to no generation, if they are not there.
    async fn make_lasting(&mut self) -> Result<()> {
        let engine = self.engine();
        for table in [GENERATIONS].iter().chain(self.projection.lasting()) {
            for statement in table.create(engine, table.name) {
                self.connection.script(&statement).await?;
            }
        }
        Ok(())
    }

    /// Begins a transaction, and gets the lock under which tables and views are made.
    async fn begin_to_make(&mut self) -> Result<()> {
        let engine = self.engine();
        self.connection.begin().await?;
        let locked = self.connection.rows(engine.lock_tables(), Vec::new()).await?;
        if locked.first().map(|row| row.int(0)).transpose()? == Some(1) {
            return Ok(());
        }
        let reason = "other processes made tables for 30 seconds".into();
        Err(Error::Unavailable { reason, source: "locked".into() })
    }

    /// Commits, and lets others make tables again.
    pub(crate) async fn commit_made(&mut self) -> Result<()> {
        let engine = self.engine();
        self.connection.commit().await?;
        self.connection.script(engine.unlock_tables()).await
    }

    /// Writes where a generation stands, in the caller's transaction.
    pub(crate) async fn save(&mut self, generation: &Generation) -> Result<()> {
        let Generation { number, version, settings, is_live, ledger_id, epoch, offset, event_id, kept_from } =
            generation.clone();
        let row: Vec<Cell> = vec![
            self.projection.name().into(),
            number.into(),
            i64::from(version).into(),
            settings.into(),
            is_live.into(),
            ledger_id.to_string().into(),
            i64::from(epoch).into(),
            offset.as_i64().into(),
            event_id.map(|id| id.to_string()).into(),
            kept_from.as_micros().into(),
            Timestamp::now().as_micros().into(),
        ];
        let engine = self.engine();
        self.connection.execute(super::tables::upsert(engine, &GENERATIONS, GENERATIONS.name, 1), row).await?;
        Ok(())
    }

    /// Makes a generation the one that readers see, and drops all others; it as it stands now, perhaps further on.
    pub(crate) async fn make_live(&mut self, number: i64) -> Result<Generation> {
        let engine = self.engine();
        self.begin_to_make().await?;
        // First, so that who dies in between leaves views of tables that have caught up, and does the rest again.
        self.make_views(number).await?;
        self.connection.script(engine.begin_after_ddl()).await?;
        let (own, others): (Vec<_>, Vec<_>) =
            self.select("", engine.for_update()).await?.into_iter().partition(|generation| generation.number == number);
        let Some(locked) = own.into_iter().next() else {
            return Err(Error::Replaced { projection: self.projection.name().into() });
        };
        for other in &others {
            self.save(&Generation { is_live: false, ..other.clone() }).await?;
        }
        let live = Generation { is_live: true, ..locked };
        self.save(&live).await?;
        self.commit_made().await?;
        for other in others {
            self.drop(&other).await?;
        }
        tracing::info!(projection = self.projection.name(), generation = number, "is live");
        Ok(live)
    }

    /// The documented names of the tables: views of the live generation.
    async fn make_views(&mut self, number: i64) -> Result<()> {
        let engine = self.engine();
        for table in self.projection.tables() {
            let (view, name) = (engine.quoted(table.name), engine.quoted(&live_name(table, number)));
            let create = format!("VIEW {view} AS SELECT * FROM {name}");
            let replace = match engine {
                // A new version may have other columns, which a replaced view may not.
                Engine::Sqlite | Engine::Postgres => format!("DROP VIEW IF EXISTS {view}; CREATE {create}"),
                Engine::MySql => format!("CREATE OR REPLACE {create}"),
            };
            self.connection.script(&replace).await?;
        }
        Ok(())
    }

    /// Drops a generation that is not live; where it stands goes first, so that nobody goes on with it.
    async fn drop(&mut self, generation: &Generation) -> Result<()> {
        let engine = self.engine();
        let (projection, number) = (self.projection.name(), generation.number);
        self.connection
            .script(&format!(
                "DELETE FROM {} WHERE projection = '{projection}' AND generation = {number}",
                engine.quoted(GENERATIONS.name)
            ))
            .await?;
        for table in self.projection.tables() {
            let name = engine.quoted(&live_name(table, number));
            self.connection.script(&format!("DROP TABLE IF EXISTS {name}")).await?;
        }
        Ok(())
    }

    fn engine(&self) -> Engine {
        self.connection.engine()
    }

    /// Whether the table of generations is there.
    async fn exist(&mut self) -> Result<bool> {
        let name = GENERATIONS.name;
        let sql = match self.engine() {
            Engine::Sqlite => format!("SELECT count(*) FROM sqlite_schema WHERE name = '{name}'"),
            Engine::Postgres => format!(
                "SELECT count(*) FROM information_schema.tables WHERE table_schema = current_schema() AND table_name = '{name}'"
            ),
            Engine::MySql => format!(
                "SELECT count(*) FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = '{name}'"
            ),
        };
        let rows = self.connection.rows(sql, Vec::new()).await?;
        Ok(rows.first().map(|row| row.int(0)).transpose()?.unwrap_or_default() > 0)
    }

    /// Those that a condition selects, oldest first.
    async fn select(&mut self, condition: &str, lock: &str) -> Result<Vec<Generation>> {
        let engine = self.engine();
        let (offset, table) = (engine.quoted("offset"), engine.quoted(GENERATIONS.name));
        let sql = format!(
            "SELECT generation, version, live, ledger_id, epoch, {offset}, event_id, settings, kept_from FROM {table}
             WHERE projection = '{}'{condition} ORDER BY generation{lock}",
            self.projection.name()
        );
        self.connection.rows(sql, Vec::new()).await?.iter().map(generation).collect()
    }
}

fn generation(row: &Row) -> Result<Generation> {
    let damaged = |what: &str| Error::Database(format!("{what} of a generation is damaged").into());
    Ok(Generation {
        number: row.int(0)?,
        version: u32::try_from(row.int(1)?).map_err(|_| damaged("the version"))?,
        is_live: row.int(2)? != 0,
        ledger_id: row.text(3)?.parse().map_err(|_| damaged("the ledger"))?,
        epoch: u32::try_from(row.int(4)?).map_err(|_| damaged("the epoch"))?,
        offset: Offset::from_i64(row.int(5)?).map_err(|_| damaged("the offset"))?,
        event_id: row.maybe_text(6)?.map(EventId::from_stored),
        settings: row.text(7)?,
        kept_from: Timestamp::from_micros(row.int(8)?).map_err(|_| damaged("the time of retention"))?,
    })
}
