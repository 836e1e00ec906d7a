//! The front door: which URL gives which ledger.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;

use agent_ledger::{
    Actor, Durability, Error, Event, EventKind, LedgerExt, Payload, RunId, open, open_existing, open_to_read,
};
use ledger_servers::{MariaDb, Postgres};

fn event() -> Event {
    let (run, kind) = (RunId::new("run").unwrap(), EventKind::new("agent.spoke").unwrap());
    Event::new(run, kind, Actor::new("ann").unwrap(), Payload::empty())
}

async fn refused(url: &str) -> Error {
    match open(url).await {
        Ok(_) => panic!("{url} opened"),
        Err(error) => error,
    }
}

fn url(path: &Path) -> String {
    format!("sqlite:{}", path.display())
}

#[tokio::test]
async fn memory_is_a_ledger_of_its_own_each_time() {
    let (one, other) = (open("memory:").await.unwrap(), open("memory:").await.unwrap());
    one.append_one(event()).await.unwrap();
    assert!(other.head().await.unwrap().extent.is_empty());
    assert_eq!(one.head().await.unwrap().durability, Durability::Volatile);
}

#[tokio::test]
async fn a_url_and_a_bare_path_name_the_same_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("led ger?.db");
    let plain = folder.path().join("ledger.db");
    let by_path = open(&path.to_string_lossy()).await.unwrap();
    by_path.append_one(event()).await.unwrap();
    assert!(path.exists(), "a bare path is taken as it is");
    let ledger = open(&url(&plain)).await.unwrap();
    ledger.append_one(event()).await.unwrap();
    let same = open(&plain.to_string_lossy()).await.unwrap();
    assert_eq!(same.head().await.unwrap(), ledger.head().await.unwrap());
    let same = open(&url(&plain).replace("sqlite:", "SQLite:")).await.unwrap();
    assert_eq!(same.head().await.unwrap(), ledger.head().await.unwrap());
}

#[tokio::test]
async fn what_must_exist_is_not_created() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    assert!(matches!(open_existing(&url(&path)).await, Err(Error::NotFound { .. })));
    assert!(!path.exists());
    open(&url(&path)).await.unwrap();
    open_existing(&url(&path)).await.unwrap();
    let read_only = open_existing(&format!("{}?mode=ro", url(&path))).await.unwrap();
    assert!(matches!(read_only.append_one(event()).await, Err(Error::ReadOnly { .. })));
}

#[tokio::test]
async fn what_is_opened_to_be_read_is_never_made_nor_written_whatever_the_url_says() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let url = format!("{}?mode=rwc", url(&path));
    assert!(matches!(open_to_read(&url).await, Err(Error::NotFound { .. })));
    assert!(!path.exists());
    open(&url).await.unwrap().append_one(event()).await.unwrap();
    for url in [url, path.to_str().unwrap().into(), Postgres::shared().fresh(), MariaDb::shared().fresh()] {
        // On servers it exists from here on.
        let head = open(&url).await.unwrap().head().await.unwrap();
        let read_only = open_to_read(&url).await.unwrap();
        assert!(matches!(read_only.append_one(event()).await, Err(Error::ReadOnly { .. })), "{url}");
        assert_eq!(read_only.head().await.unwrap().extent, head.extent, "{url}");
    }
}

#[tokio::test]
async fn what_is_no_ledger_url_is_refused_without_its_password() {
    for url in [
        "",
        "redis://me:hunter2@host/0",
        "postgres://me:hunter2@host/db?colour=hunter2",
        "mysql://me:hunter2@h/d?schema=x",
        "memory:x",
        "sqlite:",
        "sqllite:x.db",
        "redis:x",
    ] {
        let error = refused(url).await;
        assert!(matches!(error, Error::Invalid(_)), "{error:?}");
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }
}
