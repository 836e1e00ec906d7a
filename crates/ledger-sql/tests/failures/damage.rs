//! What somebody did to the tables in spite of their guards is found, and never served.

use std::sync::Arc;

use futures_util::TryStreamExt;
use ledger_conformance::events::{event, events, offset};
use ledger_core::{Error, Ledger, LedgerExt, Offset, Read};
use ledger_servers::{MariaDb, Postgres};

use crate::support::{open, options};

/// Each leaves one of ten events wrong, or away: what was done, and the first offset that is not served any more.
const DAMAGE: [(&str, u64); 8] = [
    ("UPDATE events SET payload = '{\"n\":2}' WHERE id = 'e-4'", 5),
    ("UPDATE events SET id = 'other' WHERE id = 'e-4'", 5),
    ("UPDATE events SET run_id = 'other' WHERE id = 'e-4'", 5),
    (
        "UPDATE events SET recorded_at = (SELECT max(created_at) FROM (SELECT created_at FROM events) AS e) WHERE id = 'e-4'",
        5,
    ),
    ("UPDATE events SET metadata = '{\"a\":\"b\"}' WHERE id = 'e-9'", 10),
    ("DELETE FROM events WHERE id = 'e-4'", 5),
    ("DELETE FROM events WHERE id = 'e-9'", 10),
    // Two rows change places.
    (
        "UPDATE events SET \"offset\" = 100 WHERE id = 'e-4'; UPDATE events SET \"offset\" = 5 WHERE id = 'e-5'; \
         UPDATE events SET \"offset\" = 6 WHERE id = 'e-4'",
        5,
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn damage_is_found_and_never_served_on_postgres() {
    for (damage, first) in DAMAGE {
        let url = Postgres::shared().fresh();
        let schema = url.rsplit('=').next().unwrap();
        let ledger = open(&options(&url)).await;
        ledger.append_all(events("e", 10)).await.unwrap();
        let guards = "ALTER TABLE events DISABLE TRIGGER ALL";
        Postgres::shared().sql(&format!("SET search_path = {schema}; {guards}; {damage}"));
        check(ledger, damage, first).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn damage_is_found_and_never_served_on_mariadb() {
    for (damage, first) in DAMAGE {
        let url = MariaDb::shared().fresh();
        let ledger = open(&options(&url)).await;
        ledger.append_all(events("e", 10)).await.unwrap();
        let guards = "SET sql_mode = 'ANSI_QUOTES'; DROP TRIGGER events_are_never_changed; DROP TRIGGER events_are_never_deleted";
        MariaDb::shared().sql(url.rsplit('/').next(), &format!("{guards}; {damage}"));
        check(ledger, damage, first).await;
    }
}

async fn check(ledger: Arc<dyn Ledger>, damage: &str, first: u64) {
    let verified = ledger.verify(&|_, _| ()).await.unwrap();
    let fault = verified.fault.unwrap_or_else(|| panic!("not found: {damage}"));
    assert!(fault.contains(&first.to_string()), "{damage}: {fault}");
    let mut served = ledger.tail(Read::after(Offset::ZERO));
    let mut next = 1;
    let fault = loop {
        match served.try_next().await {
            Ok(recorded) => assert_eq!(recorded.unwrap().offset, offset(next), "{damage}"),
            Err(fault) => break fault,
        }
        next += 1;
    };
    assert!(next <= first, "{damage}: offset {first} was served");
    assert!(matches!(fault, Error::Corrupt { .. }), "{damage}: {fault:?}");
}

/// Whoever goes on from a head that counts more than there is would leave a gap for ever.
#[tokio::test(flavor = "multi_thread")]
async fn an_append_onto_a_damaged_head_stores_nothing() {
    let damage = "UPDATE ledger_head SET next = 9";
    let url = Postgres::shared().fresh();
    open(&options(&url)).await.append_all(events("e", 3)).await.unwrap();
    Postgres::shared().sql(&format!("SET search_path = {}; {damage}", url.rsplit('=').next().unwrap()));
    check_refused(&url).await;

    let url = MariaDb::shared().fresh();
    open(&options(&url)).await.append_all(events("e", 3)).await.unwrap();
    MariaDb::shared().sql(url.rsplit('/').next(), damage);
    check_refused(&url).await;
}

async fn check_refused(url: &str) {
    let ledger = open(&options(url)).await;
    for _ in 0..2 {
        let refused = ledger.append_one(event("new")).await.unwrap_err();
        assert!(matches!(refused, Error::Corrupt { .. }), "{refused:?}");
    }
}
