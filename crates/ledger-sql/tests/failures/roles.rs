//! The scripts for least privilege, as the documentation has them.

use ledger_conformance::events::{event, events, log};
use ledger_core::{ConsumerName, Error, LedgerExt};
use ledger_servers::{MariaDb, Postgres};
use ledger_sql::{Mode, ServerOptions};

use crate::support::{open, options, try_open};

const POSTGRES: &str = include_str!("../../../../docs/roles/postgres.sql");
const MYSQL: &str = include_str!("../../../../docs/roles/mysql.sql");

/// What is forbidden by privileges alone.
const FORBIDDEN: [&str; 6] = [
    "UPDATE events SET turn = 1",
    "DELETE FROM events",
    "TRUNCATE TABLE events",
    "UPDATE ledger_head SET epoch = 7",
    "DELETE FROM ledger_head",
    "DROP TABLE events",
];

#[tokio::test(flavor = "multi_thread")]
async fn roles_on_postgres_can_do_what_they_must_and_no_more() {
    let server = Postgres::shared();
    let url = server.fresh();
    let schema = url.rsplit('=').next().unwrap();
    open(&options(&url)).await.append_all(events("e", 3)).await.unwrap();
    server.sql(&format!("SET search_path = {schema}; {POSTGRES}"));
    let login = |role: &str| {
        let name = format!("{role}_{schema}");
        server.sql(&format!("CREATE ROLE {name} LOGIN; GRANT ledger_{role} TO {name}"));
        name
    };
    let (appender, reader) = (login("appender"), login("reader"));
    check(options(&url), &appender, &reader).await;
    for statement in FORBIDDEN {
        for role in [&appender, &reader] {
            let said =
                server.try_sql(&format!("SET ROLE {role}; SET search_path = {schema}; {statement}")).unwrap_err();
            assert!(said.contains("permission denied") || said.contains("must be owner"), "{role}: {said}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn roles_on_mariadb_can_do_what_they_must_and_no_more() {
    let server = MariaDb::shared();
    let url = server.fresh();
    let database = url.rsplit('/').next().unwrap();
    open(&options(&url)).await.append_all(events("e", 3)).await.unwrap();
    server.sql(Some(database), MYSQL);
    let login = |role: &str| {
        let name = format!("{role}_{database}");
        server.sql(
            None,
            &format!(
                "CREATE USER {name}@127.0.0.1; GRANT ledger_{role} TO {name}@127.0.0.1;
                 SET DEFAULT ROLE ledger_{role} FOR {name}@127.0.0.1"
            ),
        );
        name
    };
    let (appender, reader) = (login("appender"), login("reader"));
    check(options(&url), &appender, &reader).await;
    for statement in FORBIDDEN {
        for login in [&appender, &reader] {
            let said = server.try_sql_as(login, Some(database), statement).unwrap_err();
            assert!(said.contains("denied"), "{login}: {said}");
        }
    }
}

async fn check(url: ServerOptions, appender: &str, reader: &str) {
    let existing = |user: &str, mode: Mode| url.clone().user(user).mode(mode);
    let appending = open(&existing(appender, Mode::Existing)).await;
    appending.append_one(event("new")).await.unwrap();
    assert!(!appending.append_one(event("new")).await.unwrap().is_new());
    let last = appending.event_at(ledger_conformance::events::offset(4)).await.unwrap().unwrap();
    let consumer = ConsumerName::new("consumer").unwrap();
    appending.reached(consumer.clone(), &last).await.unwrap();
    appending.reached(consumer, &last).await.unwrap();
    assert_eq!(appending.verify(&|_, _| ()).await.unwrap().fault, None);
    let refused = appending.reset(&appending.head().await.unwrap()).await.unwrap_err();
    assert!(matches!(refused, Error::AccessDenied { .. }), "{refused:?}");

    let reading = open(&existing(reader, Mode::ReadOnly)).await;
    assert_eq!(log(reading.as_ref()).await.len(), 4);
    let wrong = open(&existing(reader, Mode::Existing)).await;
    let refused = wrong.append_one(event("other")).await.unwrap_err();
    assert!(matches!(refused, Error::AccessDenied { .. }), "{refused:?}");

    let stranger = try_open(&existing("nobody_at_all", Mode::Existing)).await.err().unwrap();
    assert!(matches!(stranger, Error::AccessDenied { .. }), "{stranger:?}");
}
