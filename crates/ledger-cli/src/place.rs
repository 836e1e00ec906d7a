//! Which ledger, and which database its projections are in.

use std::path::PathBuf;

use agent_ledger::SqliteOptions;
use ledger_projections::Database;

use crate::failure::Failure;

/// Where projections are when nobody says so and the ledger is no file.
const ELSEWHERE: &str = "agent-ledger.projections.db";

/// Ledgers that are no files.
const SERVERS: [&str; 5] = ["memory:", "postgres:", "postgresql:", "mysql:", "mariadb:"];

/// What the command line names.
#[derive(Debug)]
pub(crate) struct Place {
    /// The URL of the ledger.
    pub(crate) ledger: String,
    /// The URL of the database of projections, if there is one.
    pub(crate) projections: Option<String>,
    /// The file of one's own prices, if one is named.
    pub(crate) prices: Option<PathBuf>,
}

impl Place {
    /// The database of projections; nothing is opened or made yet.
    pub(crate) fn database(&self) -> Result<Database, Failure> {
        match &self.projections {
            Some(url) => Database::from_url(url).map_err(|error| Failure::usage(format!("the --projections {error}"))),
            None => Ok(Database::sqlite(&beside(&self.ledger)?)?),
        }
    }
}

/// Beside a ledger file `X.db`: `X.projections.db`. Else in this folder.
fn beside(ledger: &str) -> Result<PathBuf, Failure> {
    let scheme = ledger.split_inclusive(':').next().unwrap_or_default().to_ascii_lowercase();
    if SERVERS.contains(&scheme.as_str()) {
        return Ok(ELSEWHERE.into());
    }
    let path = match scheme.as_str() {
        "sqlite:" => SqliteOptions::from_url(ledger).map_err(Failure::opening)?.path().to_owned(),
        _ => PathBuf::from(ledger),
    };
    if path.extension().is_some_and(|extension| extension == "db") {
        return Ok(path.with_extension("projections.db"));
    }
    let mut name = path.into_os_string();
    name.push(".projections.db");
    Ok(name.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    fn projections_are_beside_a_file_and_else_in_this_folder() {
        for (ledger, projections) in [
            ("agent.db", "agent.projections.db"),
            ("sqlite:/tmp/a.b.db?mode=ro", "/tmp/a.b.projections.db"),
            ("SQLITE://agent.db", "agent.projections.db"),
            ("ledger", "ledger.projections.db"),
            ("./a:b.sqlite", "./a:b.sqlite.projections.db"),
            ("postgres://me:secret@host/db", "agent-ledger.projections.db"),
            ("mysql://host/db", "agent-ledger.projections.db"),
            ("memory:", "agent-ledger.projections.db"),
        ] {
            assert_eq!(beside(ledger).unwrap(), PathBuf::from(projections), "{ledger}");
        }
    }
}
