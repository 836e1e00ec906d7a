//! Which server, which ledger on it, and how to treat both.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ledger_core::Durability;

use super::secret::Secret;
use super::token::{REFRESH_MARGIN, TokenProvider, Tokens};
use crate::row::ReadVerification;
use crate::settings::Mode;

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
    /// Encrypted if the server can, and whoever it is. The default for this machine's own addresses and for sockets, unless
    /// the authority is named.
    Prefer,
    /// Encrypted, whoever the server is; as `psql` has it, the same as `VerifyCa` once the authority is named.
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
    pub(super) tls: Option<Tls>,
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
    pub(super) const fn needs(self) -> &'static str {
        match self {
            Self::Postgres => "PostgreSQL 15 or newer",
            Self::MySql => "MySQL 8.0.16, MariaDB 10.6, or newer",
        }
    }

    const fn port(self) -> u16 {
        match self {
            Self::Postgres => 5432,
            Self::MySql => 3306,
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
            Password::Tokens(tokens) => {
                Self { password: Password::Tokens(tokens.with_margin(margin.min(LONGEST))), ..self }
            }
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

    /// The certificate of an authority that the server's certificate may come from, beside those that this system knows, as
    /// a PEM file.
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
    /// [`Error::Unavailable`](ledger_core::Error::Unavailable); at most as long as a statement may take ([`timeout`]).
    ///
    /// [`timeout`]: Self::timeout
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

    /// How connections are protected: as it was said, else by where the server is. Whoever names an authority wants it to
    /// count.
    pub(crate) fn protection(&self) -> Tls {
        let near = match &self.place {
            Place::Socket(_) => true,
            Place::Host { host, .. } => is_loopback(host),
        };
        match (self.tls, &self.root_certificate) {
            (Some(Tls::Require), Some(_)) => Tls::VerifyCa,
            (Some(tls), _) => tls,
            (None, None) if near => Tls::Prefer,
            (None, _) => Tls::VerifyFull,
        }
    }

    /// Where the server is, for people: without user and password.
    pub(crate) fn place_name(&self) -> String {
        match &self.place {
            Place::Host { host, port } if host.contains(':') => format!("[{host}]:{port}"),
            Place::Host { host, port } => format!("{host}:{port}"),
            Place::Socket(path) => path.display().to_string(),
        }
    }

    /// How long a statement waits for other writers: never longer than it may take at all.
    pub(crate) fn lock_timeout(&self) -> Duration {
        self.busy_timeout.min(self.timeout)
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
