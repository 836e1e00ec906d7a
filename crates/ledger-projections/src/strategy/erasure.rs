//! Erasure of what was about somebody, which stays erased.

use std::collections::{BTreeMap, BTreeSet};

use ledger_core::Timestamp;

use super::log::{EXECUTIONS, SUBJECTS, StrategyLog};
use crate::name::{hash, name};
use crate::store::{Cell, Column, Database, Generations, Table, Tables, Type};
use crate::{Projection as _, Result};

/// Who was erased. It belongs to no generation, so that a rebuild does not bring them back.
pub(super) const ERASED: Table = Table {
    name: "strategy_erased",
    columns: &[
        // Of role and id together.
        Column::new("subject_hash", Type::Name),
        Column::new("role", Type::Name),
        Column::new("erased_at", Type::Int),
    ],
    key: 1,
    indexes: &[],
};

/// Those of some subjects who are erased, as hashes.
pub(super) struct Erased(BTreeSet<String>);

impl Erased {
    /// Those among these, which are roles and ids.
    pub(super) async fn among(tables: &mut Tables<'_>, subjects: Vec<(&String, &String)>) -> Result<Self> {
        let mut lasting = tables.lasting();
        let mut any = lasting.sql();
        any.push("SELECT erased_at FROM ").table(&ERASED).push(" LIMIT 1");
        if lasting.rows(any).await?.is_empty() {
            return Ok(Self(BTreeSet::new()));
        }
        let hashes: BTreeSet<String> = subjects.into_iter().map(|(role, id)| subject_hash(role, id)).collect();
        let keys: Vec<Vec<Cell>> = hashes.into_iter().map(|hash| vec![hash.into()]).collect();
        let rows = lasting.get(&ERASED, &keys).await?;
        Ok(Self(rows.iter().filter_map(|row| row.first()).map(Cell::text).collect()))
    }

    /// Whether one of these is.
    pub(super) fn has_any_of(&self, subject_ids: &BTreeMap<String, String>) -> bool {
        !self.0.is_empty() && subject_ids.iter().any(|(role, id)| self.0.contains(&subject_hash(role, id)))
    }
}

fn subject_hash(role: &str, id: &str) -> String {
    hash(&format!("{role}\0{id}"))
}

impl StrategyLog {
    /// Erases every execution that is about this subject, and says how many readers saw. What the ledger tells of them
    /// later, or again in a rebuild, is passed over: of the subject a hash is remembered, not the id.
    ///
    /// The ledger itself is not changed; nor are backups, nor what a database leaves in free pages until it reuses them.
    ///
    /// # Errors
    /// Those of the database; then nothing was erased.
    pub async fn erase(&self, database: &Database, role: &str, subject_id: &str) -> Result<u64> {
        let mut connection = database.connect().await?;
        database.create_schema(&mut connection).await?;
        // All are locked: what one of them folds in meanwhile, and a new one at all, comes after and knows of the erasure.
        let generations = Generations::new(&mut connection, self).lock_all().await?;
        let row = vec![subject_hash(role, subject_id).into(), name(role).into(), Timestamp::now().as_micros().into()];
        Tables::new(&mut connection, 0, Timestamp::MIN).lasting().put(&ERASED, vec![row]).await?;
        let mut seen = 0;
        for generation in generations {
            let mut tables = Tables::new(&mut connection, generation.number, generation.kept_from);
            let erased = delete(&mut tables, &name(role), &name(subject_id)).await?;
            seen += if generation.is_live { erased } else { 0 };
            // Whoever reads sees by its row that it was changed.
            Generations::new(&mut connection, self).save(&generation).await?;
        }
        Generations::new(&mut connection, self).commit_made().await?;
        connection.close().await;
        tracing::info!(projection = self.name(), executions = seen, "a subject is erased");
        Ok(seen)
    }
}

/// Deletes the executions of a subject, also from where others are named as their subjects.
async fn delete(tables: &mut Tables<'_>, role: &str, subject_id: &str) -> Result<u64> {
    let mut executions = tables.sql();
    executions.push("DELETE FROM ").table(&EXECUTIONS).push(" WHERE event_id IN (SELECT event_id FROM ");
    executions.table(&SUBJECTS).push(" WHERE role = ").bind(role).push(" AND subject_id = ").bind(subject_id).push(")");
    let deleted = tables.execute(executions).await?;
    let mut subjects = tables.sql();
    // What is distinct is looked up before anything is deleted: MySQL refuses to read what it deletes from.
    subjects.push("DELETE FROM ").table(&SUBJECTS).push(" WHERE event_id IN (SELECT event_id FROM (SELECT DISTINCT ");
    subjects.push("event_id FROM ").table(&SUBJECTS).push(" WHERE role = ").bind(role);
    subjects.push(" AND subject_id = ").bind(subject_id).push(") AS erased)");
    tables.execute(subjects).await?;
    Ok(deleted)
}
