//! Copies from engine to engine.

use std::path::PathBuf;
use std::sync::Arc;

use ledger_conformance::events::{events, log};
use ledger_core::{LedgerExt, RecordedEvent};
use ledger_sql::{SqliteLedger, SqliteOptions, restore, snapshot};

use crate::support::{on_mariadb, on_postgres, open};

async fn of_file(path: PathBuf) -> Vec<Arc<RecordedEvent>> {
    log(&SqliteLedger::open(SqliteOptions::new(path)).await.unwrap()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_goes_from_engine_to_engine_and_stays_the_same() {
    let folder = tempfile::tempdir().unwrap();
    for (from, to) in [(on_postgres(), on_mariadb()), (on_mariadb(), on_postgres())] {
        let (source, target) = (open(&from).await, open(&to).await);
        source.append_all(events("e", 500)).await.unwrap();
        let file = |name: &str| folder.path().join(format!("{:?}-{name}.db", from.kind()));
        snapshot(source.as_ref(), &file("one"), &|_, _| ()).await.unwrap();
        restore(&file("one"), target.as_ref(), &|_, _| ()).await.unwrap();
        snapshot(target.as_ref(), &file("other"), &|_, _| ()).await.unwrap();
        // Event for event with offset, time and digest.
        let expected = log(source.as_ref()).await;
        assert_eq!(expected.len(), 500);
        assert_eq!(of_file(file("one")).await, expected);
        assert_eq!(log(target.as_ref()).await, expected);
        assert_eq!(of_file(file("other")).await, expected);
        // Offsets go on.
        let appended = target.append_all(events("later", 1)).await.unwrap();
        assert_eq!(appended[0].offset().get(), 501);
    }
}
