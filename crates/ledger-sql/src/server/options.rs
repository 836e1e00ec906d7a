//! Which server, which ledger on it, and how to treat both.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ledger_core::{Durability, Invalid, Result};
use percent_encoding::percent_decode_str;
use url::Url;

use super::secret::Secret;
use super::token::{REFRESH_MARGIN, TokenProvider, Tokens};
use crate::row::ReadVerification;
use crate::settings::{self, Mode};

/// How long a writer waits for other writers, unless told otherwise.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a connection may take to open, and how long an append goes on trying while the server is away.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long the server may take to answer a statement. A server that waits for a standby that is away never answers.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Connections that read, at most; the one that writes and the one that listens come on top.
const READERS: usize = 8;

/// The longest time that can be set: servers count milliseconds in 32 bits.
pub(super) const LONGEST: Duration = Duration::from_secs(24 * 3_600);

/// Which server software.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServerKind {
    /// PostgreSQL 15 or newer.
    Postgres,
    /// MySQL 8, or MariaDB 10.6 or newer.
    MySql,
}

/// How a connection is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tls {
    /// Not at all.
    Disable,
    /// Encrypted if the server can, and whoever it is. The default for this machine's own addresses and for sockets.
    Prefer,
    /// Encrypted, whoever the server is.
    Require,
    /// Encrypted, and the server's certificate comes from a known authority.
    VerifyCa,
    /// Encrypted, and the certificate comes from a known authority and names the host. The default elsewhere.
    VerifyFull,
}

/// Where the server listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Host { host: String, port: u16 },
    Socket(PathBuf),
}

/// What is sent as the password.
#[derive(Clone, Debug, Default)]
pub(super) enum Password {
    /// None, or what the driver finds in its own places (`PGPASSWORD`, `~/.pgpass`, `MYSQL_PWD`).
    #[default]
    Unset,
    Fixed(Secret),
    Tokens(Tokens),
}

/// How to reach a ledger on a server, and what differs from the defaults.
#[derive(Clone, Debug)]
pub struct ServerOptions {
    pub(crate) kind: ServerKind,
    pub(crate) place: Place,
    pub(crate) database: Option<String>,
    pub(crate) user: Option<String>,
    pub(super) password: Password,
    pub(crate) schema: Option<String>,
    tls: Option<Tls>,
    pub(crate) root_certificate: Option<PathBuf>,
    pub(crate) client_certificate: Option<PathBuf>,
    pub(crate) client_key: Option<PathBuf>,
    pub(crate) mode: Mode,
    pub(crate) durability: Durability,
    pub(crate) busy_timeout: Duration,
    pub(crate) connect_timeout: Duration,
    pub(crate) timeout: Duration,
    pub(crate) readers: usize,
    pub(crate) verification: ReadVerification,
}

impl ServerKind {
    const fn port(self) -> u16 {
        match self {
            Self::Postgres => 5432,
            Self::MySql => 3306,
        }
    }

    fn of_scheme(scheme: &str) -> Option<Self> {
        match scheme {
            "postgres" | "postgresql" => Some(Self::Postgres),
            "mysql" | "mariadb" => Some(Self::MySql),
            _ => None,
        }
    }
}

impl ServerOptions {
    /// A server on this machine's own address, with every default.
    #[must_use]
    pub fn new(kind: ServerKind) -> Self {
        Self {
            kind,
            place: Place::Host { host: "localhost".into(), port: kind.port() },
            database: None,
            user: None,
            password: Password::Unset,
            schema: None,
            tls: None,
            root_certificate: None,
            client_certificate: None,
            client_key: None,
            mode: Mode::Create,
            durability: Durability::Synced,
            busy_timeout: BUSY_TIMEOUT,
            connect_timeout: CONNECT_TIMEOUT,
            timeout: TIMEOUT,
            readers: READERS,
            verification: ReadVerification::On,
        }
    }

    /// What a URL names: `postgres://USER:PASSWORD@HOST:PORT/DATABASE` or `mysql://...` (`postgresql:` and `mariadb:` mean
    /// the same), with `?` and any of these, joined by `&`:
    ///
    /// | setting | values | default |
    /// |---|---|---|
    /// | `schema` | Postgres only: the schema that holds the ledger; created when it is missing | the server's search path |
    /// | `host` | the folder of a Unix socket (Postgres) | |
    /// | `socket` | a Unix socket (MySQL) | |
    /// | `user`, `password` | as before the `@` | |
    /// | `sslmode` | `disable`, `prefer`, `require`, `verify-ca`, `verify-full` | `verify-full`; `prefer` on loopback and sockets |
    /// | `sslrootcert` | a file with the authority's certificate (PEM) | the system's authorities |
    /// | `sslcert`, `sslkey` | files with this client's certificate and key (PEM) | none |
    /// | `mode` | `rwc` (create), `rw` (existing), `ro` (read only) | `rwc` |
    /// | `durability` | `replicated`, `synced`, `buffered`, `volatile`: a server that is set to keep less is refused | `synced` |
    /// | `busy_timeout` | how long to wait for other writers: `10s`, `500ms` | `10s` |
    /// | `connect_timeout` | how long to wait for a connection | `10s` |
    /// | `timeout` | how long to wait for the answer to a statement | `30s` |
    /// | `pool` | most connections that read | `8` |
    /// | `verify` | `on`, `off`: check digests on every read | `on` |
    ///
    /// # Errors
    /// [`Error::Invalid`](ledger_core::Error::Invalid) when it is not such a URL.
    pub fn from_url(text: &str) -> Result<Self> {
        // Without the text, which may hold a password.
        let url = Url::parse(text).map_err(|error| refuse(format!("cannot be read: {error}")))?;
        let kind = ServerKind::of_scheme(url.scheme())
            .ok_or_else(|| refuse("does not start with postgres: or mysql:".into()))?;
        let mut options = Self::new(kind);
        if let Some(host) = url.host_str().filter(|host| !host.is_empty()) {
            options = options.host(&decoded(host)?);
        }
        if let Some(port) = url.port() {
            options = options.port(port);
        }
        if !url.username().is_empty() {
            options = options.user(decoded(url.username())?);
        }
        if let Some(password) = url.password() {
            options = options.password(decoded(password)?);
        }
        let database = decoded(url.path().trim_start_matches('/'))?;
        if !database.is_empty() {
            options = options.database(database);
        }
        for (name, value) in url.query_pairs() {
            options = options.with_setting(&name, &value)?;
        }
        Ok(options)
    }

    fn with_setting(self, name: &str, value: &str) -> Result<Self> {
        let wrong = |known: &str| refuse(format!("has a wrong value for the setting {name}; use {known}"));
        let time = || settings::duration(value).ok_or_else(|| wrong("a time such as 10s or 500ms"));
        Ok(match name {
            "schema" if self.kind == ServerKind::Postgres => self.schema(value),
            "host" => self.host(value),
            "socket" => self.socket(value),
            "user" => self.user(value),
            "password" => self.password(value),
            "sslmode" | "ssl-mode" => {
                self.tls(tls(value).ok_or_else(|| wrong("disable, prefer, require, verify-ca or verify-full"))?)
            }
            "sslrootcert" | "ssl-ca" => self.root_certificate(value),
            "sslcert" | "ssl-cert" => Self { client_certificate: Some(value.into()), ..self },
            "sslkey" | "ssl-key" => Self { client_key: Some(value.into()), ..self },
            "mode" => self.mode(settings::mode(value).ok_or_else(|| wrong("rwc, rw or ro"))?),
            "durability" => {
                self.durability(durability(value).ok_or_else(|| wrong("replicated, synced, buffered or volatile"))?)
            }
            "verify" => self.verification(settings::verification(value).ok_or_else(|| wrong("on or off"))?),
            "busy_timeout" => self.busy_timeout(time()?),
            "connect_timeout" => self.connect_timeout(time()?),
            "timeout" => self.timeout(time()?),
            "pool" => self.readers(value.parse().ok().filter(|n| *n > 0).ok_or_else(|| wrong("a number from 1 up"))?),
            // Without the value, which may be a password under a name of another program.
            _ => {
                return Err(refuse(format!(
                    "has the unknown setting {name:?}; known are schema (Postgres), host, socket, user, password, sslmode, \
                     sslrootcert, sslcert, sslkey, mode, durability, busy_timeout, connect_timeout, timeout, pool, verify"
                ))
                .into());
            }
        })
    }

    /// The host's name or address; what begins with `/` is the folder of a Unix socket.
    #[must_use]
    pub fn host(self, host: &str) -> Self {
        if host.starts_with('/') {
            return self.socket(host);
        }
        let port = match self.place {
            Place::Host { port, .. } => port,
            Place::Socket(_) => self.kind.port(),
        };
        // An IPv6 address stands in brackets in a URL only.
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        Self { place: Place::Host { host, port }, ..self }
    }

    /// The TCP port.
    #[must_use]
    pub fn port(self, port: u16) -> Self {
        match self.place {
            Place::Host { host, .. } => Self { place: Place::Host { host, port }, ..self },
            Place::Socket(_) => self,
        }
    }

    /// A Unix socket: its folder for Postgres, the socket itself for MySQL.
    #[must_use]
    pub fn socket(self, path: impl Into<PathBuf>) -> Self {
        Self { place: Place::Socket(path.into()), ..self }
    }

    /// The database.
    #[must_use]
    pub fn database(self, name: impl Into<String>) -> Self {
        Self { database: Some(name.into()), ..self }
    }

    /// Who logs in.
    #[must_use]
    pub fn user(self, name: impl Into<String>) -> Self {
        Self { user: Some(name.into()), ..self }
    }

    /// A password that does not change.
    #[must_use]
    pub fn password(self, password: impl Into<String>) -> Self {
        Self { password: Password::Fixed(Secret::new(password)), ..self }
    }

    /// Tokens instead of a password; each is replaced [`REFRESH_MARGIN`] before it expires.
    #[must_use]
    pub fn tokens(self, provider: Arc<dyn TokenProvider>) -> Self {
        Self { password: Password::Tokens(Tokens::new(provider, REFRESH_MARGIN)), ..self }
    }

    /// How long before its expiry a token is replaced.
    #[must_use]
    pub fn refresh_margin(self, margin: Duration) -> Self {
        match self.password {
            Password::Tokens(tokens) => Self { password: Password::Tokens(tokens.with_margin(margin)), ..self },
            _ => self,
        }
    }

    /// The Postgres schema that holds the ledger.
    #[must_use]
    pub fn schema(self, name: impl Into<String>) -> Self {
        Self { schema: Some(name.into()), ..self }
    }

    /// How connections are protected.
    #[must_use]
    pub fn tls(self, tls: Tls) -> Self {
        Self { tls: Some(tls), ..self }
    }

    /// The certificate of the authority that the server's certificate must come from, as a PEM file.
    #[must_use]
    pub fn root_certificate(self, path: impl Into<PathBuf>) -> Self {
        Self { root_certificate: Some(path.into()), ..self }
    }

    /// This client's certificate and key, as PEM files.
    #[must_use]
    pub fn client_certificate(self, certificate: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Self {
        Self { client_certificate: Some(certificate.into()), client_key: Some(key.into()), ..self }
    }

    /// What may be done with the ledger.
    #[must_use]
    pub fn mode(self, mode: Mode) -> Self {
        Self { mode, ..self }
    }

    /// The least that an acknowledged event must survive; a server that is set to keep less is refused.
    #[must_use]
    pub fn durability(self, durability: Durability) -> Self {
        Self { durability, ..self }
    }

    /// How long to wait for other writers before an append fails with
    /// [`Error::Unavailable`](ledger_core::Error::Unavailable); at most a day.
    #[must_use]
    pub fn busy_timeout(self, time: Duration) -> Self {
        Self { busy_timeout: time.min(LONGEST), ..self }
    }

    /// How long to wait for a connection, and to go on with an append while the server is away; at most a day.
    #[must_use]
    pub fn connect_timeout(self, time: Duration) -> Self {
        Self { connect_timeout: time.min(LONGEST), ..self }
    }

    /// How long to wait for the answer to a statement; at most a day.
    #[must_use]
    pub fn timeout(self, time: Duration) -> Self {
        Self { timeout: time.min(LONGEST), ..self }
    }

    /// Most connections that read.
    #[must_use]
    pub fn readers(self, connections: usize) -> Self {
        Self { readers: connections.max(1), ..self }
    }

    /// Whether events are checked against their digests on every read.
    #[must_use]
    pub fn verification(self, verification: ReadVerification) -> Self {
        Self { verification, ..self }
    }

    /// Which server software.
    #[must_use]
    pub const fn kind(&self) -> ServerKind {
        self.kind
    }

    /// Whether this is what may be done with the ledger.
    #[must_use]
    pub fn is_mode(&self, mode: Mode) -> bool {
        self.mode == mode
    }

    /// How connections are protected: as it was said, else by where the server is.
    pub(crate) fn protection(&self) -> Tls {
        let near = match &self.place {
            Place::Socket(_) => true,
            Place::Host { host, .. } => is_loopback(host),
        };
        self.tls.unwrap_or(if near { Tls::Prefer } else { Tls::VerifyFull })
    }

    /// Where the server is, for people: without user and password.
    pub(crate) fn place_name(&self) -> String {
        match &self.place {
            Place::Host { host, port } if host.contains(':') => format!("[{host}]:{port}"),
            Place::Host { host, port } => format!("{host}:{port}"),
            Place::Socket(path) => path.display().to_string(),
        }
    }

    /// Whether the password is a token.
    #[cfg(feature = "mysql")]
    pub(crate) fn has_tokens(&self) -> bool {
        matches!(self.password, Password::Tokens(_))
    }
}

pub(super) fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse().is_ok_and(|address: std::net::IpAddr| address.is_loopback())
}

fn tls(text: &str) -> Option<Tls> {
    Some(match text {
        "disable" => Tls::Disable,
        "prefer" => Tls::Prefer,
        "require" => Tls::Require,
        "verify-ca" => Tls::VerifyCa,
        "verify-full" => Tls::VerifyFull,
        _ => return None,
    })
}

fn durability(text: &str) -> Option<Durability> {
    Some(match text {
        "replicated" => Durability::Replicated,
        "synced" => Durability::Synced,
        "buffered" => Durability::Buffered,
        "volatile" => Durability::Volatile,
        _ => return None,
    })
}

fn decoded(text: &str) -> Result<String> {
    let text = percent_decode_str(text).decode_utf8();
    Ok(text.map_err(|_| refuse("holds percent signs that are not UTF-8".into()))?.into_owned())
}

fn refuse(reason: String) -> Invalid {
    Invalid::new("url", reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(url: &str) -> ServerOptions {
        ServerOptions::from_url(url).unwrap()
    }

    #[test]
    fn a_url_names_a_server_and_a_ledger() {
        let options = options("postgres://ann:p%40ss@db.example:5433/team?schema=agents&pool=3&timeout=250ms&mode=ro");
        assert_eq!(options.place, Place::Host { host: "db.example".into(), port: 5433 });
        assert_eq!((options.user.as_deref(), options.database.as_deref()), (Some("ann"), Some("team")));
        assert!(matches!(&options.password, Password::Fixed(secret) if secret.reveal() == "p@ss"));
        assert_eq!((options.schema.as_deref(), options.readers), (Some("agents"), 3));
        assert_eq!((options.timeout, options.mode), (Duration::from_millis(250), Mode::ReadOnly));
    }

    #[test]
    fn tls_is_verified_unless_the_server_is_this_machine() {
        let tls = |url: &str| options(url).protection();
        assert_eq!(tls("postgres://db.example/x"), Tls::VerifyFull);
        assert_eq!(tls("mysql://10.0.0.1/x"), Tls::VerifyFull);
        for near in [
            "postgres://127.0.0.1/x",
            "postgres://[::1]:5433/x",
            "mysql://localhost/x",
            "postgres:///x?host=/run/postgresql",
            "postgres://ann@%2Frun%2Fpostgresql/x",
            "mysql:///x?socket=/run/mysqld.sock",
        ] {
            assert_eq!(tls(near), Tls::Prefer, "{near}");
        }
        assert_eq!(tls("postgres://db.example/x?sslmode=require"), Tls::Require);
        assert_eq!(tls("postgres://127.0.0.1/x?sslmode=verify-full"), Tls::VerifyFull);
    }

    #[test]
    fn what_is_wrong_is_said_without_the_password() {
        for bad in [
            "postgres://ann:hunter2@host/x?pool=0",
            "postgres://ann:hunter2@host/x?colour=hunter2",
            "postgres://ann:hunter2@host/x?sslmode=maybe",
            "postgres://ann:hunter2@host:99999/x",
            "postgres://ann:hunter2@host/x?timeout=1",
            "mysql://ann:hunter2@host/x?schema=y",
            "mysql://ann:hunter2@host/x?durability=eternal",
            "redis://ann:hunter2@host/x",
        ] {
            let error = ServerOptions::from_url(bad).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
        }
        assert!(!format!("{:?}", options("postgres://ann:hunter2@host/x")).contains("hunter2"));
    }
}
