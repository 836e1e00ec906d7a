//! Tokens of Microsoft Entra, from a local endpoint as App Service has it for its managed identities, on the way to a server.

#![cfg(feature = "entra")]
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::sync::Mutex;
use std::time::SystemTime;

use ledger_conformance::events::{event, log};
use ledger_core::{Ledger, LedgerExt};
use ledger_servers::Postgres;
use ledger_sql::{PostgresLedger, ServerOptions};

const TOKEN: &str = "canary-token-of-entra";

/// What the process that uses the endpoint finds in its environment.
const URL: &str = "LEDGER_TEST_ENTRA_URL";

/// Runs the next test in a process that has the environment of a managed identity.
#[test]
fn a_ledger_is_used_with_tokens_of_a_managed_identity() {
    let server = Postgres::start();
    server.sql(&format!("CREATE ROLE entra SUPERUSER LOGIN PASSWORD '{TOKEN}'"));
    server.let_in("host all entra 127.0.0.1/32 scram-sha-256");
    let url = format!("{}&credentials=entra&scope=api://ledgers", server.fresh().replace("postgres@", "entra@"));
    let endpoint = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = endpoint.local_addr().unwrap();
    let asked = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while let Some(request) = answer(&endpoint) {
                asked.lock().unwrap().push(request);
            }
        });
        let user = Command::new(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", "in_the_environment_of_a_managed_identity", "--nocapture"])
            .env(URL, url)
            .env("IDENTITY_ENDPOINT", format!("http://{address}/token"))
            .env("IDENTITY_HEADER", "the-header")
            .env_remove("AZURE_CLIENT_ID")
            .env_remove("AZURE_CLIENT_SECRET")
            .env_remove("AZURE_FEDERATED_TOKEN_FILE")
            .output();
        // An empty request ends the endpoint.
        drop(TcpStream::connect(address).unwrap());
        let user = user.unwrap();
        let said = format!("{}{}", String::from_utf8_lossy(&user.stdout), String::from_utf8_lossy(&user.stderr));
        assert!(user.status.success() && said.contains("1 passed"), "{said}");
        assert!(!said.contains(TOKEN), "{said}");
    });
    let asked = asked.into_inner().unwrap();
    // For the connection that reads and for the one that writes, by runtimes of their own; perhaps for the bell.
    assert!(asked.len() >= 2, "{asked:?}");
    assert!(asked.iter().all(|request| request.contains("resource=api%3A%2F%2Fledgers")), "{asked:?}");
}

/// Answers one request with a token that is to be replaced at once, and gives the request's first line.
fn answer(endpoint: &TcpListener) -> Option<String> {
    let (mut client, _) = endpoint.accept().unwrap();
    let lines = BufReader::new(client.try_clone().unwrap()).lines().map_while(Result::ok);
    let first = lines.take_while(|line| !line.is_empty()).reduce(|first, _| first)?;
    let soon = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs() + 100;
    let body = format!(r#"{{"access_token":"{TOKEN}","expires_on":"{soon}","resource":"r","token_type":"Bearer"}}"#);
    let head = format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n", body.len());
    client.write_all((head + &body).as_bytes()).unwrap();
    Some(first)
}

#[tokio::test]
#[ignore = "needs the environment that the test before it makes"]
async fn in_the_environment_of_a_managed_identity() {
    let options = ServerOptions::from_url(&std::env::var(URL).unwrap()).unwrap();
    let ledger = PostgresLedger::open(options).await.unwrap();
    let mut wakeup = ledger.wakeup();
    ledger.append_one(event("first")).await.unwrap();
    wakeup.wait().await.unwrap();
    assert_eq!(log(&ledger).await.len(), 1);
}
