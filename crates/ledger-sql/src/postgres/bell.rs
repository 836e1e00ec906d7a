//! `LISTEN` and `NOTIFY`.

use ledger_core::LedgerId;
use sqlx::postgres::{PgListener, PgPoolOptions};
use sqlx::{AssertSqlSafe, Executor, Row};

use super::settings::driver_options;
use crate::server::{Bell, Secret, ServerOptions};

/// A connection of its own: a notification is sent at a commit under a lock that is the whole server's, which appends
/// must not wait for.
pub struct PgBell {
    listener: PgListener,
    channel: String,
    listens: bool,
    /// Rings as a statement.
    ring: String,
    /// The server's process of this connection, whose own rings are no news.
    process: u32,
}

impl PgBell {
    pub(super) async fn open(
        options: &ServerOptions,
        secret: Option<&Secret>,
        ledger_id: LedgerId,
    ) -> Result<Self, sqlx::Error> {
        let pool = PgPoolOptions::new()
            .max_connections(1)
            .acquire_timeout(options.connect_timeout)
            .connect_lazy_with(driver_options(options, secret));
        let mut listener = PgListener::connect_with(&pool).await?;
        // A lost connection is an error here: then the whole bell is made anew, with a fresh token.
        listener.eager_reconnect(false);
        let process: i32 = listener.fetch_one(AssertSqlSafe("SELECT pg_backend_pid()")).await?.try_get(0)?;
        let channel = format!("agent_ledger_{ledger_id}");
        // A ring is worth no sync, and no wait for a standby. Only for its own transaction: behind a pooler the session may
        // be that of an append next.
        let ring = format!("BEGIN; SET LOCAL synchronous_commit = off; NOTIFY \"{channel}\"; COMMIT");
        Ok(Self { listener, channel, listens: false, ring, process: process.unsigned_abs() })
    }
}

impl Bell for PgBell {
    async fn ring(&mut self) -> Result<(), sqlx::Error> {
        self.listener.execute(sqlx::raw_sql(AssertSqlSafe(self.ring.clone()))).await?;
        Ok(())
    }

    async fn listen(&mut self) -> Result<(), sqlx::Error> {
        if !self.listens {
            self.listener.listen(&self.channel).await?;
            self.listens = true;
        }
        Ok(())
    }

    async fn heard(&mut self) -> Result<(), sqlx::Error> {
        loop {
            match self.listener.try_recv().await? {
                Some(rung) if rung.process_id() == self.process => {}
                Some(_) => return Ok(()),
                None => return Err(sqlx::Error::Protocol("the connection that listens was lost".into())),
            }
        }
    }
}
