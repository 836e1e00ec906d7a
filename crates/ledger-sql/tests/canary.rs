//! No password, payload or metadata is in any log, at `trace`, or in any error, whatever happens.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod captured;

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use futures_util::TryStreamExt;
use ledger_conformance::events::{event, kind, payload, run};
use ledger_core::{
    AppendCondition, CheckpointMove, ConsumerName, Event, Filter, Ledger, LedgerExt, Metadata, Offset, Read, Result,
};
use ledger_servers::{MariaDb, Postgres, Proxy};
use ledger_sql::{MySqlLedger, PostgresLedger, ReadVerification, ServerKind, ServerOptions};

const PASSWORD: &str = "canary-pass";
const PAYLOAD: &str = "canary-payload";
const METADATA: &str = "canary-metadata";

/// A server, with a user `canary` whose password is the canary.
#[derive(Clone, Copy)]
enum Server<'s> {
    Postgres(&'s Postgres),
    MariaDb(&'s MariaDb),
}

/// A place for a ledger on a server, and what was said about it.
struct Place<'s> {
    server: Server<'s>,
    url: String,
    said: Vec<String>,
    errors: usize,
}

impl<'s> Place<'s> {
    fn new(server: Server<'s>) -> Self {
        captured::start();
        let url = match server {
            Server::Postgres(server) => server.fresh().replace("postgres@", &format!("canary:{PASSWORD}@")),
            Server::MariaDb(server) => server.fresh().replace("ledger@", &format!("canary:{PASSWORD}@")),
        };
        Self { server, url, said: Vec::new(), errors: 0 }
    }

    fn port(&self) -> u16 {
        match self.server {
            Server::Postgres(server) => server.port(),
            Server::MariaDb(server) => server.port(),
        }
    }

    /// Runs one of these statements, by the server's software, in the ledger's place.
    fn sql(&self, postgres: &str, mariadb: &str) {
        match self.server {
            Server::Postgres(server) => {
                let schema = self.url.rsplit('=').next().unwrap();
                server.sql(&format!("SET search_path = \"{schema}\"; SET client_min_messages = error; {postgres}"));
            }
            Server::MariaDb(server) => {
                server.sql(self.url.rsplit('/').next(), mariadb);
            }
        }
    }

    fn options(&mut self, url: &str) -> ServerOptions {
        let options = ServerOptions::from_url(url).unwrap();
        self.note(&options);
        options
    }

    async fn open(&mut self, options: ServerOptions) -> Result<Arc<dyn Ledger>> {
        Ok(match options.kind() {
            ServerKind::Postgres => Arc::new(PostgresLedger::open(options).await?),
            ServerKind::MySql => Arc::new(MySqlLedger::open(options).await?),
        })
    }

    async fn opened(&mut self) -> Arc<dyn Ledger> {
        let options = self.options(&self.url.clone());
        self.open(options).await.unwrap()
    }

    fn note(&mut self, what: &impl Debug) {
        self.said.push(format!("{what:?} {what:#?}"));
    }

    /// Notes what must have failed.
    #[track_caller]
    fn failed<T: Debug>(&mut self, outcome: Result<T>) {
        let error = outcome.expect_err("an error");
        self.said.push(captured::printed(&error));
        self.errors += 1;
    }

    /// Where a canary is seen. At least so many errors must have been looked at.
    fn leaks(self, at_least: usize) -> Vec<String> {
        assert!(self.errors >= at_least, "{} errors", self.errors);
        self.said.into_iter().filter(|said| is_leak(said)).collect()
    }
}

fn is_leak(text: &str) -> bool {
    [PASSWORD, PAYLOAD, METADATA].iter().any(|canary| text.contains(canary))
}

fn secret(id: &str) -> Event {
    let metadata = Metadata::new().with("note", METADATA).unwrap();
    Event { payload: payload(&format!(r#"{{"text":"{PAYLOAD}"}}"#)), metadata, ..event(id) }
}

/// Everyday life: nothing fails but what must.
async fn everyday(place: &mut Place<'_>) {
    let ledger = place.opened().await;
    let mut wakeup = ledger.wakeup();
    ledger.append_one(secret("first")).await.unwrap();
    wakeup.wait().await.unwrap();
    ledger.append_all((0..40).map(|n| secret(&format!("many-{n}"))).collect()).await.unwrap();
    let again = ledger.append_one(secret("first")).await.unwrap();
    place.note(&again);
    place.failed(
        ledger.append_one(Event { payload: payload(r#"{"other":"canary-payload"}"#), ..secret("first") }).await,
    );
    let unless = AppendCondition { fail_if: Filter::any().kind(kind("agent.spoke")), after: Offset::ZERO };
    let refused = ledger.append_if(vec![secret("refused")], unless).await.unwrap();
    place.note(&refused);
    let events: Vec<_> = ledger.tail(Read::after(Offset::ZERO)).try_collect().await.unwrap();
    assert_eq!(events.len(), 41);
    let filtered: Vec<_> = ledger.events_for_run(run("run")).try_collect().await.unwrap();
    assert_eq!(filtered.len(), 41);
    let consumer = ConsumerName::new("consumer").unwrap();
    let checkpoint = ledger.reached(consumer, &events[3]).await.unwrap();
    let away = ledger_core::Checkpoint { offset: Offset::new(900).unwrap(), ..checkpoint };
    place.failed(ledger.save_checkpoint(away, CheckpointMove::Forward).await);
    let verified = ledger.verify(&|_, _| ()).await.unwrap();
    let head = ledger.head().await.unwrap();
    place.note(&(verified, &head, ledger.all_runs().await.unwrap()));
    place.failed(ledger.read(&Read::after(Offset::new(900).unwrap())).await);
}

/// Connections that end, answers that never come, servers that are not there or do not let in.
async fn failures(place: &mut Place<'_>) {
    let ledger = place.opened().await;
    ledger.append_one(secret("first")).await.unwrap();
    place.sql(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'canary'",
        "KILL USER canary@127.0.0.1",
    );
    ledger.append_one(secret("second")).await.unwrap();
    assert_eq!(ledger.read(&Read::after(Offset::ZERO)).await.unwrap().events.len(), 2);

    let proxy = Proxy::to(place.port());
    let through = place.options(&proxy.through(&place.url)).connect_timeout(Duration::from_millis(300));
    let cut = place.open(through).await.unwrap();
    cut.append_one(secret("third")).await.unwrap();
    proxy.cut_answers_after(Some(0));
    proxy.refuse(true);
    place.failed(cut.append_one(secret("fourth")).await);
    place.failed(cut.read(&Read::after(Offset::ZERO)).await);
    place.failed(cut.head().await);
    proxy.refuse(false);
    for bytes in (0..120).step_by(40) {
        proxy.cut_answers_after(Some(bytes));
        cut.append_one(secret(&format!("cut-{bytes}"))).await.unwrap();
    }
    proxy.cut_answers_after(None);

    let url = place.url.clone();
    let wrong = place.options(&url.replace(PASSWORD, &format!("{PASSWORD}-wrong")));
    let outcome = place.open(wrong).await.map(drop);
    place.failed(outcome);
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let elsewhere = place.options(&url.replace(&format!(":{}/", place.port()), &format!(":{nobody}/")));
    let outcome = place.open(elsewhere).await.map(drop);
    place.failed(outcome);
    let protected = place.options(&format!("{url}{}sslmode=require", if url.contains('?') { '&' } else { '?' }));
    let outcome = place.open(protected).await.map(drop);
    place.failed(outcome);
    for wrong in [url.replace("canary:", "canary:%FF"), format!("{url}?password={PASSWORD}&colour={PASSWORD}")] {
        place.failed(ServerOptions::from_url(&wrong));
    }
}

/// Rules of others on the tables, which quote what they refuse.
async fn refusals(place: &mut Place<'_>) {
    let ledger = place.opened().await;
    ledger.append_one(secret("first")).await.unwrap();
    let trigger = |postgres: &str, mariadb: &str| {
        let on = "BEFORE INSERT ON events FOR EACH ROW";
        place.sql(
            &format!(
                "CREATE OR REPLACE FUNCTION quote() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {postgres}; RETURN NEW; END $$; \
                 CREATE OR REPLACE TRIGGER quoting {on} EXECUTE FUNCTION quote()"
            ),
            &format!("DELIMITER //\nCREATE OR REPLACE TRIGGER quoting {on} BEGIN DECLARE said VARCHAR(128) DEFAULT NEW.payload; {mariadb}; END"),
        );
    };
    let rules = [
        (
            "RAISE WARNING 'what is %', NEW.payload; RAISE EXCEPTION 'not %', NEW.payload",
            "SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = said",
        ),
        ("NEW.turn := NEW.payload", "SET NEW.turn = NEW.payload"),
        ("NEW.created_at := NEW.metadata", "SET NEW.turn = CAST(CONCAT(NEW.payload, '9') AS DATE)"),
        (
            "RAISE EXCEPTION USING MESSAGE = NEW.payload, ERRCODE = 'AL001', DETAIL = NEW.metadata, HINT = NEW.metadata",
            "SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = said, MYSQL_ERRNO = 30001",
        ),
    ];
    let mut outcomes = Vec::new();
    for (n, (postgres, mariadb)) in rules.into_iter().enumerate() {
        trigger(postgres, mariadb);
        outcomes.push(ledger.append_one(secret(&format!("refused-{n}"))).await);
    }
    place.sql(
        "DROP TRIGGER quoting ON events; ALTER TABLE events ADD CHECK (id <> 'checked')",
        "DROP TRIGGER quoting; ALTER TABLE events ADD CHECK (id <> 'checked')",
    );
    outcomes.push(ledger.append_one(secret("checked")).await);
    for outcome in outcomes {
        place.failed(outcome);
    }
}

/// Rows that were changed behind the ledger's back.
async fn damage(place: &mut Place<'_>) {
    let ledger = place.opened().await;
    ledger.append_all((0..4).map(|n| secret(&format!("e-{n}"))).collect()).await.unwrap();
    let options = place.options(&place.url.clone()).verification(ReadVerification::Off);
    let trusting = place.open(options).await.unwrap();
    place.sql("ALTER TABLE events DISABLE TRIGGER ALL", "DROP TRIGGER events_are_never_changed");
    let changes = [
        r#"metadata = '"canary-metadata"'"#,
        r#"metadata = '{"canary-metadata": 5}'"#,
        r#"metadata = '{"a": {"b": "canary-metadata"}}'"#,
        "metadata = '{\"a\": \"canary-metadata'",
        "turn = -1",
    ];
    for change in changes {
        let update = format!(r#"UPDATE events SET {change} WHERE "offset" = 1"#);
        place.sql(&update, &update.replace("\"offset\"", "`offset`"));
        place.failed(ledger.read(&Read::after(Offset::ZERO)).await);
        place.failed(ledger.events_for_run(run("run")).try_collect::<Vec<_>>().await);
        let trusted = trusting.read(&Read::after(Offset::ZERO)).await;
        place.failed(trusted);
        let verified = ledger.verify(&|_, _| ()).await.unwrap();
        assert!(verified.fault.is_some());
        place.note(&verified);
    }
    place.sql(
        "DROP VIEW events_readable; ALTER TABLE events ALTER payload TYPE bytea USING '\\xff'",
        "ALTER TABLE events DROP COLUMN metadata",
    );
    place.failed(ledger.read(&Read::after(Offset::ZERO)).await);
    place.failed(ledger.append_one(secret("late")).await);
}

async fn everything(server: Server<'_>) {
    let mut leaks = Vec::new();
    let mut place = Place::new(server);
    everyday(&mut place).await;
    leaks.extend(place.leaks(3));
    let mut place = Place::new(server);
    failures(&mut place).await;
    leaks.extend(place.leaks(8));
    let mut place = Place::new(server);
    refusals(&mut place).await;
    leaks.extend(place.leaks(5));
    let mut place = Place::new(server);
    damage(&mut place).await;
    leaks.extend(place.leaks(17));
    let logged = captured::logged();
    assert!(logged.contains("TRACE") || logged.contains("DEBUG"), "nothing was logged: {logged}");
    leaks.extend(logged.lines().filter(|line| is_leak(line)).map(str::to_owned));
    assert!(leaks.is_empty(), "{leaks:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_secret_is_said_about_postgres() {
    let server = Postgres::start();
    server.sql(&format!("CREATE ROLE canary SUPERUSER LOGIN PASSWORD '{PASSWORD}'"));
    server.let_in("host all canary 127.0.0.1/32 scram-sha-256");
    everything(Server::Postgres(&server)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_secret_is_said_about_mariadb() {
    let server = MariaDb::shared();
    server.sql(
        None,
        &format!(
            "CREATE OR REPLACE USER canary@127.0.0.1 IDENTIFIED BY '{PASSWORD}'; GRANT ALL ON *.* TO canary@127.0.0.1"
        ),
    );
    everything(Server::MariaDb(server)).await;
}
