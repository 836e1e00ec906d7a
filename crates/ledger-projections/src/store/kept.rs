//! Things that are kept beside the projections: bytes under names, that their owner can do without.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Mutex;

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

/// A connection that was not used for longer is not trusted: servers and networks end them.
const TRUSTED: Duration = Duration::from_secs(5);

/// Bytes under names, that their owner can do without: how far an import got, for example. Owners and names have at most
/// 64 bytes each.
#[derive(Clone, Debug)]
pub struct Kept {
    database: Database,
    /// The last connection, and when it was used.
    idle: Arc<Mutex<Option<(Connection, Instant)>>>,
}

/// A change of what is kept under a name, by the numbers of its parts; without parts, nothing is.
pub type KeptChange = (String, Vec<(u8, Vec<u8>)>);

impl Kept {
    /// Makes the table, if it is not there.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn open(database: Database) -> Result<Self> {
        let mut connection = database.connect().await?;
        database.create_schema(&mut connection).await?;
        let engine = connection.engine();
        match connection.script(&create(engine)).await {
            // Of two that make it at once, one may fail in spite of these words.
            Err(Error::Database(_)) if engine == Engine::Postgres => connection.script(&create(engine)).await?,
            made => made?,
        }
        let idle = Arc::new(Mutex::new(Some((connection, Instant::now()))));
        Ok(Self { database, idle })
    }

    /// Closes the connection. What is asked later opens another one.
    pub async fn close(&self) {
        if let Some((connection, _)) = self.idle.lock().await.take() {
            connection.close().await;
        }
    }

    /// A connection on which nothing is under way.
    async fn connection(&self) -> Result<Connection> {
        match self.idle.lock().await.take() {
            Some((connection, used)) if used.elapsed() < TRUSTED => Ok(connection),
            Some((connection, _)) => {
                connection.close().await;
                self.database.connect().await
            }
            None => self.database.connect().await,
        }
    }

    /// Keeps a connection for what is asked next. One on which something failed, or that somebody dropped, does not come
    /// here.
    async fn put_back(&self, connection: Connection) {
        *self.idle.lock().await = Some((connection, Instant::now()));
    }

    /// One part of everything that `owner` keeps, by name.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn all(&self, owner: &str, part: u8) -> Result<Vec<(String, Vec<u8>)>> {
        self.read("", vec![owner.into(), Cell::Int(part.into())]).await
    }

    /// One part of what `owner` keeps under a name.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn one(&self, owner: &str, name: &str, part: u8) -> Result<Option<Vec<u8>>> {
        let mut found = self.read(" AND name = {}", vec![owner.into(), Cell::Int(part.into()), name.into()]).await?;
        Ok(found.pop().map(|(_, bytes)| bytes))
    }

    /// Makes all changes, or none.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn put(&self, owner: &str, changes: Vec<KeptChange>) -> Result<()> {
        let mut connection = self.connection().await?;
        connection.begin().await?;
        for (name, parts) in changes {
            delete(&mut connection, owner, Some(&name)).await?;
            for (part, bytes) in parts {
                insert(&mut connection, [owner, &name], part, &bytes).await?;
            }
        }
        connection.commit().await?;
        self.put_back(connection).await;
        Ok(())
    }

    /// Forgets everything that `owner` keeps.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn clear(&self, owner: &str) -> Result<()> {
        let mut connection = self.connection().await?;
        delete(&mut connection, owner, None).await?;
        self.put_back(connection).await;
        Ok(())
    }

    async fn read(&self, which: &str, values: Vec<Cell>) -> Result<Vec<(String, Vec<u8>)>> {
        let mut connection = self.connection().await?;
        let sql =
            format!("SELECT name, bytes FROM {TABLE} WHERE owner = {{}} AND part = {{}}{which} ORDER BY name, chunk");
        let rows = connection.rows(placed(connection.engine(), &sql), values).await?;
        self.put_back(connection).await;
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
}

fn create(engine: Engine) -> String {
    let (name, number) = (engine.column_type(Type::Name), engine.column_type(Type::Int));
    format!(
        "CREATE TABLE IF NOT EXISTS {TABLE} (owner {name} NOT NULL, name {name} NOT NULL, part {number} NOT NULL, \
         chunk {number} NOT NULL, bytes {} NOT NULL, PRIMARY KEY (owner, name, part, chunk)){}",
        engine.bytes(),
        // In SQLite a row of a table without row ids is read whole whenever its key is compared with.
        if engine == Engine::Sqlite { " STRICT" } else { engine.table_options() }
    )
}

async fn delete(connection: &mut Connection, owner: &str, name: Option<&str>) -> Result<()> {
    let which = if name.is_some() { " AND name = {}" } else { "" };
    let sql = placed(connection.engine(), &format!("DELETE FROM {TABLE} WHERE owner = {{}}{which}"));
    let values = std::iter::once(owner).chain(name).map(Cell::from).collect();
    connection.execute(sql, values).await.map(drop)
}

async fn insert(connection: &mut Connection, key: [&str; 2], part: u8, bytes: &[u8]) -> Result<()> {
    let sql = format!("INSERT INTO {TABLE} (owner, name, part, chunk, bytes) VALUES ({{}}, {{}}, {{}}, {{}}, {{}})");
    let sql = placed(connection.engine(), &sql);
    // What is empty has a row all the same.
    let chunks = bytes.chunks(CHUNK).chain(bytes.is_empty().then_some(bytes));
    for (number, chunk) in (0..).zip(chunks) {
        let place = [Cell::Int(part.into()), Cell::Int(number), Cell::Bytes(chunk.to_vec())];
        let values = key.into_iter().map(Cell::from).chain(place).collect();
        connection.execute(sql.as_str(), values).await?;
    }
    Ok(())
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
