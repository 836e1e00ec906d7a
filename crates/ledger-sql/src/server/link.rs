//! A connection with a deadline for every answer.

use std::collections::HashMap;
use std::future::Future;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use ledger_core::{Batch, Error, EventId, LedgerId, Read, Result};
use sqlx::Connection;

use super::engine::{DbRow, Each, EachPageRow, Engine, NewRow, Raw, Statement, Trouble};
use super::failure::{Failure, judge, silent};
use super::options::{Password, ServerOptions};
use super::secret::Secret;
use super::tls::judge_opening;
use crate::known::Known;

/// Added to the server's own deadlines, so that its clear answer comes first.
const GRACE: Duration = Duration::from_secs(2);

/// Opens connections.
pub(super) struct Connector {
    pub(super) options: ServerOptions,
}

impl Connector {
    /// Opens a connection.
    pub(super) async fn connect<E: Engine>(self: &Arc<Self>) -> Result<Link<E>, Failure> {
        let secret = self.secret().await?;
        let wait = self.options.connect_timeout;
        match tokio::time::timeout(wait, E::connect(&self.options, secret.as_ref())).await {
            Ok(Ok(raw)) => Ok(Link { raw, deadline: self.deadline(), clean: true }),
            Ok(Err(error)) => Err(judge_opening(error, &self.options, E::verdict)),
            Err(_) => Err(silent("the server did not take the connection", wait)),
        }
    }

    /// How long to wait for an answer.
    pub(super) fn deadline(&self) -> Duration {
        self.options.timeout + GRACE
    }

    /// The bell of a ledger.
    pub(super) async fn bell<E: Engine>(&self, ledger_id: LedgerId) -> Result<Option<E::Bell>, Failure> {
        let secret = self.secret().await?;
        let wait = self.options.connect_timeout;
        match tokio::time::timeout(wait, E::bell(&self.options, secret.as_ref(), ledger_id)).await {
            Ok(opened) => opened.map_err(|error| judge_opening(error, &self.options, E::verdict)),
            Err(_) => Err(silent("the server did not take the connection", wait)),
        }
    }

    async fn secret(&self) -> Result<Option<Secret>, Failure> {
        match &self.options.password {
            Password::Unset => Ok(None),
            Password::Fixed(secret) => Ok(Some(secret.clone())),
            Password::Tokens(tokens) => {
                let wait = self.options.connect_timeout;
                match tokio::time::timeout(wait, tokens.secret()).await {
                    Ok(secret) => Ok(Some(secret?)),
                    Err(_) => Err(silent("the token provider did not answer", wait)),
                }
            }
        }
    }
}

/// A connection. One that failed, or whose user went away in the middle, is dropped and never used again.
pub(super) struct Link<E: Engine> {
    raw: Raw<E>,
    /// How long to wait for an answer.
    deadline: Duration,
    /// Whether the last answer was read to its end.
    clean: bool,
}

impl<E: Engine> Link<E> {
    /// Whether it can be used again: the last answer was read to its end.
    pub(super) fn is_clean(&self) -> bool {
        self.clean
    }

    /// Closes the connection, and tells the server.
    pub(super) async fn close(self) {
        // The server notices a connection that just ends too.
        let _ = tokio::time::timeout(GRACE, self.raw.close()).await;
    }

    /// Sets how long to wait for an answer.
    pub(super) fn wait_up_to(&mut self, deadline: Duration) {
        self.deadline = deadline;
    }

    /// Gives each row to `each`.
    pub(super) async fn scan(&mut self, statement: Statement, each: Each<'_, E>) -> Result<(), Failure> {
        let flow = within::<E, _>(self.deadline, E::scan(&mut self.raw, statement, each)).await?;
        self.clean = flow.is_continue();
        Ok(())
    }

    /// All rows.
    pub(super) async fn rows<T: Send>(
        &mut self,
        statement: Statement,
        row: impl Fn(&DbRow<E>) -> Result<T> + Send + Sync,
    ) -> Result<Vec<T>, Failure> {
        let mut rows = Vec::new();
        let mut each = |found: &DbRow<E>| {
            rows.push(row(found)?);
            Ok(ControlFlow::Continue(()))
        };
        self.scan(statement, &mut each).await?;
        Ok(rows)
    }

    /// Runs statements without values in one round trip.
    pub(super) async fn script(&mut self, sql: String) -> Result<Vec<DbRow<E>>, Failure> {
        let run = async { Ok(E::script(&mut self.raw, sql).await?) };
        within::<E, _>(self.deadline, run).await
    }

    /// Gives the head and the events that `read` asks for to `each`.
    pub(super) async fn page(&mut self, read: &Read, each: EachPageRow<'_>) -> Result<(), Failure> {
        let flow = within::<E, _>(self.deadline, E::page(&mut self.raw, read, each)).await?;
        self.clean = flow.is_continue();
        Ok(())
    }

    pub(super) async fn known(&mut self, ids: &[&str]) -> Result<HashMap<EventId, Known>, Failure> {
        within::<E, _>(self.deadline, E::known(&mut self.raw, ids)).await
    }

    pub(super) async fn insert(&mut self, rows: &[NewRow<'_>]) -> Result<(), Failure> {
        if rows.is_empty() {
            return Ok(());
        }
        within::<E, _>(self.deadline, E::insert(&mut self.raw, rows)).await
    }

    pub(super) async fn append_new(&mut self, ledger_id: LedgerId, batches: &[Batch]) -> Result<Option<i64>, Failure> {
        within::<E, _>(self.deadline, E::append_new(&mut self.raw, ledger_id, batches)).await
    }
}

async fn within<E: Engine, T>(
    deadline: Duration,
    work: impl Future<Output = Result<T, Trouble>> + Send,
) -> Result<T, Failure> {
    match tokio::time::timeout(deadline, work).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(Trouble::Driver(error))) => Err(judge(error, E::verdict)),
        Ok(Err(Trouble::Ledger(error))) => Err(Failure::Said(error)),
        Err(_) => Err(silent("the server did not answer", deadline)),
    }
}

/// A column that is text, or damage.
pub(super) fn text<E: Engine>(row: &DbRow<E>, column: usize) -> Result<String> {
    E::text(row, column).map_err(column_error)?.ok_or_else(|| Error::corrupt(None, "a column has no value"))
}

pub(super) fn int<E: Engine>(row: &DbRow<E>, column: usize) -> Result<i64> {
    E::int(row, column).map_err(column_error)
}

pub(crate) fn column_error(error: sqlx::Error) -> Error {
    // Without the driver's words, which may quote the value.
    match error {
        sqlx::Error::ColumnDecode { index, .. } => {
            Error::corrupt(None, format!("column {index} has another type, or is not UTF-8"))
        }
        _ => Error::corrupt(None, "a column is missing"),
    }
}
