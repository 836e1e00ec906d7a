//! Tokens as passwords: when a provider is asked, and what becomes of connections when tokens change.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod captured;

use std::error::Error as StdError;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::{Duration, SystemTime};

use ledger_conformance::events::{event, log};
use ledger_core::{Error, Ledger, LedgerExt, Result};
use ledger_servers::Postgres;
use ledger_sql::{PostgresLedger, Secret, ServerOptions, Token, TokenProvider};

const HOUR: Duration = Duration::from_secs(3_600);

/// What every token of these tests begins with.
const CANARY: &str = "canary-token";

/// Lets in members of `tokens` only with the password that is theirs now.
static SERVER: LazyLock<Postgres> = LazyLock::new(|| {
    let server = Postgres::start();
    server.sql("CREATE ROLE tokens");
    server.let_in("host all +tokens 127.0.0.1/32 scram-sha-256");
    server
});

/// Gives tokens that the server takes only until the next one is given.
#[derive(Debug)]
struct Fake {
    role: String,
    /// How long the next token is said to be good.
    good_for: Mutex<Duration>,
    asked: AtomicUsize,
    broken: AtomicBool,
}

impl Fake {
    /// For a new user of the server.
    fn new(role: &str, good_for: Duration) -> Arc<Self> {
        captured::start();
        SERVER.sql(&format!("CREATE ROLE {role} SUPERUSER LOGIN IN ROLE tokens"));
        let good_for = Mutex::new(good_for);
        Arc::new(Self { role: role.into(), good_for, asked: AtomicUsize::new(0), broken: AtomicBool::new(false) })
    }

    fn options(self: &Arc<Self>) -> ServerOptions {
        ServerOptions::from_url(&SERVER.fresh()).unwrap().user(&self.role).tokens(Arc::clone(self) as _)
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    fn token(&self, number: usize) -> String {
        format!("{CANARY}-{}-{number}", self.role)
    }
}

#[async_trait::async_trait]
impl TokenProvider for Fake {
    async fn token(&self) -> Result<Token, Box<dyn StdError + Send + Sync>> {
        // Others would come in between, if they were let.
        tokio::task::yield_now().await;
        if self.broken.load(Ordering::SeqCst) {
            return Err("the provider is broken".into());
        }
        let token = self.token(self.asked.fetch_add(1, Ordering::SeqCst) + 1);
        SERVER.sql(&format!("ALTER ROLE {} PASSWORD '{token}'", self.role));
        let expires_at = SystemTime::now() + *self.good_for.lock().unwrap();
        Ok(Token { secret: Secret::new(token), expires_at })
    }
}

async fn open(options: &ServerOptions) -> PostgresLedger {
    PostgresLedger::open(options.clone()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn many_connections_at_once_ask_once() {
    let fake = Fake::new("many", HOUR);
    let options = fake.options();
    let opening: Vec<_> = (0..8)
        .map(|n| {
            let options = options.clone();
            tokio::spawn(async move { open(&options).await.append_one(event(&format!("e{n}"))).await.unwrap() })
        })
        .collect();
    for opened in opening {
        opened.await.unwrap();
    }
    assert_eq!(fake.asked(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_replaced_within_the_margin_before_it_expires() {
    let fake = Fake::new("margin", HOUR);
    let options = fake.options();
    open(&options).await;
    open(&options.clone().refresh_margin(HOUR / 2)).await;
    assert_eq!(fake.asked(), 1);
    open(&options.clone().refresh_margin(HOUR * 2)).await;
    let asked = fake.asked();
    assert!(asked > 1);
    // The new one is for all.
    open(&options).await;
    assert_eq!(fake.asked(), asked);
}

#[tokio::test(flavor = "multi_thread")]
async fn after_expiry_new_connections_log_in_anew_and_old_ones_live_on() {
    let fake = Fake::new("expiry", Duration::ZERO);
    let options = fake.options();
    let ledger = open(&options).await;
    let first = fake.asked();
    *fake.good_for.lock().unwrap() = HOUR;
    // The one who writes has a connection of its own.
    ledger.append_one(event("first")).await.unwrap();
    assert_eq!(fake.asked(), first + 1);
    // The connection that reads logged in with a token that the server takes no more.
    assert_eq!(log(&ledger).await.len(), 1);
    assert_eq!(fake.asked(), first + 1);
    let old = PostgresLedger::open(options.password(fake.token(first))).await.err().unwrap();
    assert!(matches!(old, Error::AccessDenied { .. }), "{old:?}");
    assert!(!captured::printed(&old).contains(CANARY), "{old:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_fails_is_not_available_once_its_last_token_has_expired() {
    let fake = Fake::new("broken", HOUR);
    let options = fake.options().refresh_margin(HOUR * 2);
    let ledger = open(&options).await;
    fake.broken.store(true, Ordering::SeqCst);
    // It was to be replaced, and is still good.
    open(&options).await;
    ledger.append_one(event("first")).await.unwrap();

    let fake = Fake::new("expired", Duration::ZERO);
    let options = fake.options();
    let ledger = open(&options).await;
    fake.broken.store(true, Ordering::SeqCst);
    let error = PostgresLedger::open(options).await.err().unwrap();
    assert!(matches!(&error, Error::Unavailable { reason, .. } if reason.contains("provider")), "{error:?}");
    let printed = captured::printed(&error);
    assert!(printed.contains("the provider is broken") && !printed.contains(CANARY), "{printed}");
    assert_eq!(log(&ledger).await.len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_never_answers_is_not_waited_for() {
    #[derive(Debug)]
    struct Never;

    #[async_trait::async_trait]
    impl TokenProvider for Never {
        async fn token(&self) -> Result<Token, Box<dyn StdError + Send + Sync>> {
            std::future::pending().await
        }
    }

    let options = ServerOptions::from_url(&SERVER.fresh()).unwrap().tokens(Arc::new(Never));
    let error = PostgresLedger::open(options.connect_timeout(Duration::from_millis(50))).await.err().unwrap();
    assert!(matches!(&error, Error::Unavailable { reason, .. } if reason.contains("provider")), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_token_is_ever_printed() {
    let fake = Fake::new("printed", HOUR);
    let options = fake.options();
    let ledger = open(&options).await;
    let mut wakeup = ledger.wakeup();
    ledger.append_one(event("first")).await.unwrap();
    wakeup.wait().await.unwrap();
    SERVER.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'printed'");
    ledger.append_one(event("second")).await.unwrap();
    SERVER.sql("ALTER ROLE printed NOLOGIN");
    let error = PostgresLedger::open(options.clone()).await.err().unwrap();
    assert!(matches!(error, Error::AccessDenied { .. }), "{error:?}");
    let said = captured::printed(&error) + &format!("{options:?} {options:#?}") + &captured::logged();
    assert!(said.contains("connected"), "nothing was logged: {said}");
    let line = said.lines().find(|line| line.contains(CANARY));
    assert_eq!(line, None);
}
