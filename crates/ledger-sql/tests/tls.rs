//! Encrypted connections: which servers are believed, which are refused, and in which words.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

use std::os::unix::fs::PermissionsExt;
use std::sync::{Arc, LazyLock};

use ledger_conformance::events::event;
use ledger_core::{Error, Ledger, LedgerExt, Result};
use ledger_servers::{MariaDb, Postgres};
use ledger_sql::{MySqlLedger, PostgresLedger, ServerKind, ServerOptions};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};

/// Whoever signs certificates.
struct Authority(Issuer<'static, KeyPair>);

struct Signed {
    certificate: String,
    key: String,
}

impl Authority {
    /// A new one, and its certificate.
    fn new(name: &str) -> (Self, String) {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        let certificate = params.self_signed(&key).unwrap().pem();
        (Self(Issuer::new(params, key)), certificate)
    }

    fn sign(&self, name: &str) -> Signed {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        let certificate = params.signed_by(&key, &self.0).unwrap().pem();
        Signed { certificate, key: key.serialize_pem() }
    }
}

/// One server of each engine that encrypts, with a certificate for `localhost`; they listen on 127.0.0.1, which is by that
/// certificate another host. And one that does not encrypt.
struct World {
    postgres: Postgres,
    mariadb: MariaDb,
    plain_mariadb: MariaDb,
}

static WORLD: LazyLock<World> = LazyLock::new(|| {
    let (ours, root) = Authority::new("ours");
    let (client, server) = (ours.sign("client"), ours.sign("localhost"));

    let postgres = Postgres::start();
    let put = |name: &str, text: &str| postgres.put(name, text).display().to_string();
    postgres.configure(&[
        ("ssl_cert_file", &put("server.pem", &server.certificate)),
        ("ssl_key_file", &put("server.key", &server.key)),
        ("ssl_ca_file", &put("ours.pem", &root)),
        ("ssl", "on"),
    ]);
    postgres.sql("CREATE ROLE client SUPERUSER LOGIN");
    postgres.let_in("hostssl all client 127.0.0.1/32 cert");
    put("another.pem", &Authority::new("another").1);
    put("client.pem", &client.certificate);
    put("client.key", &client.key);

    // MariaDB reads its files once, when it starts, as another user.
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let write = |name: &str, text: &str| {
        std::fs::write(folder.path().join(name), text).unwrap();
        folder.path().join(name).display().to_string()
    };
    let mariadb = MariaDb::start_with(&[
        ("ssl-cert", &write("server.pem", &server.certificate)),
        ("ssl-key", &write("server.key", &server.key)),
        ("ssl-ca", &write("ours.pem", &root)),
    ]);
    for (name, shows) in [("secure", "SSL"), ("client", "X509")] {
        let create = format!("CREATE USER {name}@127.0.0.1 REQUIRE {shows}; GRANT ALL ON *.* TO {name}@127.0.0.1");
        mariadb.sql(None, &create);
    }
    World { postgres, mariadb, plain_mariadb: MariaDb::start_with(&[("ssl", "0")]) }
});

impl World {
    fn file(&self, name: &str) -> String {
        self.postgres.folder().join(name).display().to_string()
    }

    /// New places for ledgers on both servers that encrypt, under this name of their host.
    fn fresh(&self, host: &str) -> [String; 2] {
        [self.postgres.fresh(), self.mariadb.fresh()].map(|url| url.replace("127.0.0.1", host))
    }
}

/// `url` with these settings more.
fn with(url: &str, settings: &str) -> String {
    format!("{url}{}{settings}", if url.contains('?') { '&' } else { '?' })
}

async fn open(url: &str) -> Result<Arc<dyn Ledger>> {
    let options = ServerOptions::from_url(url)?;
    Ok(match options.kind() {
        ServerKind::Postgres => Arc::new(PostgresLedger::open(options).await?),
        ServerKind::MySql => Arc::new(MySqlLedger::open(options).await?),
    })
}

/// Opens `url`, which must be refused for good, in one sentence that says `what` and `advice`.
async fn refused(url: &str, what: &str, advice: &str) {
    let error = open(url).await.err().unwrap_or_else(|| panic!("{url} was not refused"));
    assert!(matches!(error, Error::AccessDenied { .. }), "{url}: {error:?}");
    let sentence = error.to_string();
    assert!(sentence.contains(what) && sentence.contains(advice), "{url}: {sentence}");
    assert!(!sentence.contains(['\n', '{']) && !sentence.contains(". "), "{url}: {sentence}");
}

#[tokio::test(flavor = "multi_thread")]
async fn with_the_right_authority_and_host_everything_is_encrypted() {
    let root = WORLD.file("ours.pem");
    for url in WORLD.fresh("localhost") {
        // Once an authority is named it counts, also on this machine.
        for settings in [format!("sslmode=verify-full&sslrootcert={root}"), format!("sslrootcert={root}")] {
            // MariaDB lets in this user only over an encrypted connection.
            let ledger = open(&with(&url.replace("ledger@", "secure@"), &settings)).await.unwrap();
            ledger.append_one(event("first")).await.unwrap();
            if url.starts_with("postgres") {
                let ours = "pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE application_name = 'agent-ledger'";
                assert_eq!(WORLD.postgres.sql(&format!("SELECT bool_and(ssl) FROM {ours}")), "t");
            }
        }
    }
    let [_, url] = WORLD.fresh("localhost");
    refused(
        &with(&url.replace("ledger@", "secure@"), "sslmode=disable"),
        "Access denied",
        "have the server let them in",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_whose_authority_is_not_known_is_refused() {
    let another = WORLD.file("another.pem");
    for url in WORLD.fresh("localhost") {
        for mode in ["verify-ca", "verify-full"] {
            let known = with(&url, &format!("sslmode={mode}&sslrootcert={another}"));
            refused(&known, &another, "name the right one with sslrootcert=FILE").await;
            refused(&with(&url, &format!("sslmode={mode}")), "no authority that this system knows", "sslrootcert")
                .await;
        }
        // As psql has it.
        refused(&with(&url, &format!("sslmode=require&sslrootcert={another}")), &another, "sslrootcert=FILE").await;
        for mode in ["prefer", "require"] {
            open(&with(&url, &format!("sslmode={mode}"))).await.unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_with_another_name_is_refused_unless_only_its_authority_counts() {
    let root = WORLD.file("ours.pem");
    for url in WORLD.fresh("127.0.0.1") {
        let full = with(&url, &format!("sslmode=verify-full&sslrootcert={root}"));
        refused(&full, "localhost", "connect to a host that it names").await;
        open(&with(&url, &format!("sslmode=verify-ca&sslrootcert={root}"))).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_cannot_encrypt_is_refused() {
    let root = WORLD.file("ours.pem");
    for url in [Postgres::shared().fresh(), WORLD.plain_mariadb.fresh()] {
        for mode in ["require", "verify-ca", "verify-full"] {
            let url = with(&url, &format!("sslmode={mode}&sslrootcert={root}"));
            refused(&url, "cannot encrypt", "sslmode=disable").await;
        }
        open(&with(&url, "sslmode=prefer")).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_shows_its_certificate_where_it_is_wanted() {
    let [root, certificate, key] = ["ours.pem", "client.pem", "client.key"].map(|name| WORLD.file(name));
    for url in WORLD.fresh("localhost") {
        let url =
            with(&url.replace("ledger@", "client@").replace("postgres@", "client@"), &format!("sslrootcert={root}"));
        refused(&url, "client", "certificate that is named").await;
        open(&with(&url, &format!("sslcert={certificate}&sslkey={key}"))).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_cannot_be_read_is_named() {
    for url in WORLD.fresh("localhost") {
        let missing = WORLD.file("missing.pem");
        let url = with(&url, &format!("sslrootcert={missing}"));
        refused(&url, &missing, "name a PEM file that this user may read").await;
        // What is no certificate vouches for nobody.
        let key = WORLD.file("client.key");
        refused(&url.replace(&missing, &key), &key, "name the right one with sslrootcert=FILE").await;
    }
}
