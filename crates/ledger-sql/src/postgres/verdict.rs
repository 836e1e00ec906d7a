//! What the codes of Postgres mean: <https://www.postgresql.org/docs/current/errcodes-appendix.html>.

use sqlx::error::DatabaseError;
use sqlx::postgres::{PgDatabaseError, PgSeverity};

use crate::server::Verdict;

pub(super) fn verdict(said: &dyn DatabaseError) -> (Verdict, String) {
    let code = said.code().unwrap_or_default();
    let said = said.try_downcast_ref::<PgDatabaseError>();
    let message = said.map(|said| message(&code, said)).unwrap_or_default();
    let fatal = said.is_some_and(|said| matches!(said.severity(), PgSeverity::Fatal | PgSeverity::Panic));
    let verdict = match code.as_ref() {
        "23505" => Verdict::KnownId,
        // Lock timeout.
        "55P03" => Verdict::Busy,
        // Statement timeout, or an administrator.
        "57014" => Verdict::Slow,
        "40001" | "40P01" => Verdict::Again,
        "53100" => Verdict::Full,
        "53300" | "53400" | "53200" | "53000" => Verdict::Gone,
        "25006" => Verdict::ReadOnly,
        "42P01" | "3D000" | "3F000" => Verdict::Missing,
        "AL001" | "AL002" | "XX001" | "XX002" => Verdict::Damaged,
        // A pooler gave the session to another client, or this client another session: its statements are not there.
        "26000" | "42P05" => Verdict::Gone,
        // The shape of a table changed under a prepared statement.
        "0A000" if message.contains("cached plan") => Verdict::Gone,
        code if code.starts_with("28") || code == "42501" => Verdict::Denied,
        code if code.starts_with("57P") || code.starts_with("08") => Verdict::Gone,
        _ if fatal => Verdict::Gone,
        _ => Verdict::Other,
    };
    (verdict, message)
}

/// What most refusals quote stands in their detail, which is left out; these quote values in their first words.
fn message(code: &str, said: &PgDatabaseError) -> String {
    match code {
        "AL001" | "AL002" => "a guard of the ledger's tables refused a change".into(),
        _ if said.routine() == Some("exec_stmt_raise") => "a rule of this database refused it".into(),
        "42601" => "a statement was not understood".into(),
        code if code.starts_with("22") => "a value was refused".into(),
        _ => said.message().to_owned(),
    }
}
