//! Things that are kept beside the projections: bytes under names, that their owner can do without.

use super::connection::Connection;
use super::database::Database;
use super::engine::Engine;
use super::schema::Type;
use super::tables::Cell;
use crate::{Error, Result};

/// The table.
const TABLE: &str = "agent_ledger_kept";

/// Bytes of one row: servers take 16 MiB at once.
const CHUNK: usize = 4 << 20;

/// Bytes under names, that their owner can do without: how far an import got, for example.
#[derive(Clone, Debug)]
pub struct Kept {
    database: Database,
    owner: String,
}

/// A change of what is kept under a name, of at most 64 bytes, by the numbers of its parts; without parts, nothing is.
pub type KeptChange = (String, Vec<(u8, Vec<u8>)>);

impl Kept {
    /// What `owner`, a name of at most 64 bytes, keeps in a database.
    #[must_use]
    pub fn new(database: Database, owner: impl Into<String>) -> Self {
        Self { database, owner: owner.into() }
    }

    /// One part of everything that is kept, by name.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn all(&self, part: u8) -> Result<Vec<(String, Vec<u8>)>> {
        self.read("", part, Vec::new()).await
    }

    /// One part of what is kept under a name.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn one(&self, name: &str, part: u8) -> Result<Option<Vec<u8>>> {
        let mut found = self.read("name = {} AND ", part, vec![name.into()]).await?;
        Ok(found.pop().map(|(_, bytes)| bytes))
    }

    /// Makes all changes, or none.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn put(&self, changes: Vec<KeptChange>) -> Result<()> {
        let mut connection = self.connect().await?;
        connection.begin().await?;
        for (name, parts) in changes {
            self.delete(&mut connection, Some(&name)).await?;
            for (part, bytes) in parts {
                self.insert(&mut connection, &name, part, &bytes).await?;
            }
        }
        connection.commit().await?;
        connection.close().await;
        Ok(())
    }

    /// Forgets everything.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn clear(&self) -> Result<()> {
        if self.database.is_missing() {
            return Ok(());
        }
        let mut connection = self.connect().await?;
        self.delete(&mut connection, None).await?;
        connection.close().await;
        Ok(())
    }

    async fn read(&self, which: &str, part: u8, mut values: Vec<Cell>) -> Result<Vec<(String, Vec<u8>)>> {
        if self.database.is_missing() {
            return Ok(Vec::new());
        }
        let mut connection = self.connect().await?;
        values.extend([self.owner.as_str().into(), Cell::Int(part.into())]);
        let sql =
            format!("SELECT name, bytes FROM {TABLE} WHERE {which}owner = {{}} AND part = {{}} ORDER BY name, chunk");
        let rows = connection.rows(placed(connection.engine(), &sql), values).await?;
        connection.close().await;
        let mut all: Vec<(String, Vec<u8>)> = Vec::new();
        for row in rows {
            let (name, mut bytes) = (row.text(0)?, row.bytes(1)?);
            match all.last_mut() {
                Some((last, whole)) if *last == name => whole.append(&mut bytes),
                _ => all.push((name, bytes)),
            }
        }
        Ok(all)
    }

    async fn delete(&self, connection: &mut Connection, name: Option<&str>) -> Result<()> {
        let which = if name.is_some() { " AND name = {}" } else { "" };
        let sql = placed(connection.engine(), &format!("DELETE FROM {TABLE} WHERE owner = {{}}{which}"));
        let values = std::iter::once(self.owner.as_str()).chain(name).map(Cell::from).collect();
        connection.execute(sql, values).await.map(drop)
    }

    async fn insert(&self, connection: &mut Connection, name: &str, part: u8, bytes: &[u8]) -> Result<()> {
        let sql =
            format!("INSERT INTO {TABLE} (owner, name, part, chunk, bytes) VALUES ({{}}, {{}}, {{}}, {{}}, {{}})");
        let sql = placed(connection.engine(), &sql);
        // What is empty has a row all the same.
        let chunks = bytes.chunks(CHUNK).chain(bytes.is_empty().then_some(bytes));
        for (number, chunk) in (0..).zip(chunks) {
            let key = [self.owner.as_str().into(), name.into(), Cell::Int(part.into()), Cell::Int(number)];
            let values = key.into_iter().chain([Cell::Bytes(chunk.to_vec())]).collect();
            connection.execute(sql.as_str(), values).await?;
        }
        Ok(())
    }

    async fn connect(&self) -> Result<Connection> {
        let mut connection = self.database.connect().await?;
        self.database.create_schema(&mut connection).await?;
        let engine = connection.engine();
        let (name, number) = (engine.column_type(Type::Name), engine.column_type(Type::Int));
        let create = format!(
            "CREATE TABLE IF NOT EXISTS {TABLE} (owner {name} NOT NULL, name {name} NOT NULL, part {number} NOT NULL, \
             chunk {number} NOT NULL, bytes {} NOT NULL, PRIMARY KEY (owner, name, part, chunk)){}",
            engine.bytes(),
            engine.table_options()
        );
        match connection.script(&create).await {
            // Of two that make it at once, one may fail in spite of these words.
            Err(Error::Database(_)) if engine == Engine::Postgres => connection.script(&create).await?,
            made => made?,
        }
        Ok(connection)
    }
}

/// The statement with the places of its values.
fn placed(engine: Engine, sql: &str) -> String {
    let mut placed = String::new();
    for (n, part) in sql.split("{}").enumerate() {
        if n > 0 {
            placed.push_str(&engine.place(n));
        }
        placed.push_str(part);
    }
    placed
}
