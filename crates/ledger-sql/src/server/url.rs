//! How a ledger on a server is named by a URL.

use std::time::Duration;

use ledger_core::{Durability, Invalid, Result};
use percent_encoding::percent_decode_str;
use url::Url;

use super::options::{Password, ServerKind, ServerOptions, Tls};
use crate::settings;

impl ServerOptions {
    /// What a URL names: `postgres://USER:PASSWORD@HOST:PORT/DATABASE` or `mysql://...` (`postgresql:` and `mariadb:` mean
    /// the same), with `?` and any of these, joined by `&`:
    ///
    /// | setting | values | default |
    /// |---|---|---|
    /// | `schema` | Postgres only: the schema that holds the ledger; created when it is missing | the server's search path |
    /// | `host` | the folder of a Unix socket (Postgres) | |
    /// | `socket` | a Unix socket (MySQL) | |
    /// | `user`, `password` | as before the `@` | |
    /// | `credentials` | `entra`: log in with tokens of Microsoft Entra (feature `entra`; see `EntraTokens`) | |
    /// | `scope` | with `credentials`: what the tokens are for | Azure's databases |
    /// | `refresh_margin` | with `credentials`: how long before its expiry a token is replaced | `120s` |
    /// | `sslmode` | `disable`, `prefer`, `require`, `verify-ca`, `verify-full` | `verify-full`; `prefer` on loopback and sockets |
    /// | `sslrootcert` | a file with an authority's certificate (PEM), beside those that this system knows; it makes `require` `verify-ca`, and the default `verify-full` everywhere | none |
    /// | `sslcert`, `sslkey` | files with this client's certificate and key (PEM), both or neither | none |
    /// | `mode` | `rwc` (create), `rw` (existing), `ro` (read only) | `rwc` |
    /// | `durability` | `replicated`, `synced`, `buffered`, `volatile`: a server that is set to keep less is refused | `synced` |
    /// | `busy_timeout` | how long to wait for other writers: `10s`, `500ms`; at most `timeout` | `10s` |
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
        let kind =
            kind_of_scheme(url.scheme()).ok_or_else(|| refuse("does not start with postgres: or mysql:".into()))?;
        if url.fragment().is_some() || url.path().contains('@') {
            // Most likely of a password, of which a part would be taken for a host, a port or a database.
            let reason =
                "holds a # or / where none can be; in a password write them as %23 and %2F, and @ in a name as %40";
            return Err(refuse(reason.into()).into());
        }
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
        let mut tokens = TokenSettings::default();
        for (name, value) in url.query_pairs() {
            if !tokens.takes(&name, &value)? {
                options = options.with_setting(&name, &value)?;
            }
        }
        options = tokens.used_by(options)?;
        if options.client_certificate.is_some() != options.client_key.is_some() {
            return Err(refuse("names a client's certificate without its key, or the other way round".into()).into());
        }
        Ok(options)
    }

    fn with_setting(self, name: &str, value: &str) -> Result<Self> {
        let wrong = |known: &str| wrong(name, known);
        let time = || time(name, value);
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
            // Without the value, which may be a password under a name of another program; and a name that looks like none
            // may be what follows a ? in a password.
            _ => {
                let is_name = name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'));
                let unknown = if is_name { name } else { "..." };
                return Err(refuse(format!(
                    "has the unknown setting {unknown:?}; known are schema (Postgres), host, socket, user, password, credentials, \
                     scope, refresh_margin, sslmode, sslrootcert, sslcert, sslkey, mode, durability, busy_timeout, \
                     connect_timeout, timeout, pool, verify"
                ))
                .into());
            }
        })
    }
}

/// The settings that make sense only together.
#[derive(Default)]
struct TokenSettings {
    from_entra: bool,
    scope: Option<String>,
    margin: Option<Duration>,
}

impl TokenSettings {
    /// Whether the setting is one of these.
    fn takes(&mut self, name: &str, value: &str) -> Result<bool> {
        match name {
            "credentials" if value == "entra" => self.from_entra = true,
            "credentials" => return Err(wrong(name, "entra").into()),
            "scope" => self.scope = Some(value.into()),
            "refresh_margin" => self.margin = Some(time(name, value)?),
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn used_by(self, options: ServerOptions) -> Result<ServerOptions> {
        let Self { from_entra, scope, margin } = self;
        if !from_entra {
            return match (scope, margin) {
                (None, None) => Ok(options),
                _ => Err(refuse("has scope or refresh_margin, which need credentials=entra".into()).into()),
            };
        }
        if !matches!(options.password, Password::Unset) {
            return Err(refuse("has both a password and credentials=; leave out one of them".into()).into());
        }
        let options = with_entra(options, scope)?;
        Ok(margin.into_iter().fold(options, ServerOptions::refresh_margin))
    }
}

#[cfg(feature = "entra")]
fn with_entra(options: ServerOptions, scope: Option<String>) -> Result<ServerOptions> {
    let tokens = super::entra::EntraTokens::from_environment()?;
    let tokens = scope.into_iter().fold(tokens, super::entra::EntraTokens::scope);
    Ok(options.tokens(std::sync::Arc::new(tokens)))
}

#[cfg(not(feature = "entra"))]
fn with_entra(_: ServerOptions, _: Option<String>) -> Result<ServerOptions> {
    Err(refuse("has credentials=entra, and this build has no Microsoft Entra; build it with --features entra".into())
        .into())
}

fn kind_of_scheme(scheme: &str) -> Option<ServerKind> {
    match scheme {
        "postgres" | "postgresql" => Some(ServerKind::Postgres),
        "mysql" | "mariadb" => Some(ServerKind::MySql),
        _ => None,
    }
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

fn time(name: &str, value: &str) -> Result<Duration, Invalid> {
    settings::duration(value).ok_or_else(|| wrong(name, "a time such as 10s or 500ms"))
}

fn wrong(name: &str, known: &str) -> Invalid {
    refuse(format!("has a wrong value for the setting {name}; use {known}"))
}

fn refuse(reason: String) -> Invalid {
    Invalid::new("url", reason)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::Place;
    use crate::settings::Mode;

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
        assert_eq!(tls("postgres://127.0.0.1/x?sslrootcert=ca.pem"), Tls::VerifyFull);
        assert_eq!(tls("postgres://db.example/x?sslrootcert=ca.pem&sslmode=require"), Tls::VerifyCa);
        assert_eq!(tls("mysql://db.example/x?sslrootcert=ca.pem&sslmode=disable"), Tls::Disable);
    }

    #[test]
    fn tokens_are_asked_for_by_name() {
        let refused = |settings: &str| {
            let url = format!("postgres://ann@db.example/x?{settings}");
            ServerOptions::from_url(&url).err().map(|error| error.to_string()).unwrap_or_default()
        };
        assert!(refused("credentials=aws").contains("use entra"));
        assert!(refused("refresh_margin=60s").contains("credentials=entra"));
        assert!(refused("scope=x").contains("credentials=entra"));
        assert!(refused("password=x&credentials=entra").contains("both"));
        if cfg!(feature = "entra") {
            let options = options("mysql://db.example/x?refresh_margin=60s&scope=s&credentials=entra");
            let shown = format!("{:?}", options.password);
            assert!(shown.contains(r#"scope: "s""#) && shown.contains("margin: 60s"), "{shown}");
        } else {
            assert!(refused("credentials=entra").contains("--features entra"));
        }
    }

    #[test]
    fn what_is_wrong_is_said_without_the_password() {
        for bad in [
            "postgres://ann:hunter2@host/x?pool=0",
            "postgres://ann:hunter2@host/x?colour=hunter2",
            "postgres://ann:hunter2@host/x?sslmode=maybe",
            "postgres://ann:hunter2@host:99999/x",
            "postgres://ann:hunter2@host/x?timeout=1",
            "postgres://ann:hunter2@host/x?sslcert=me.pem",
            "mysql://ann:hunter2@host/x?schema=y",
            "mysql://ann:hunter2@host/x?durability=eternal",
            "redis://ann:hunter2@host/x",
            "postgres://ann:1#hunter2@host/x",
            "postgres://ann:1?hunter2@host/x",
            "postgres://ann:1/hunter2@host/x",
        ] {
            let error = ServerOptions::from_url(bad).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
        }
        assert!(!format!("{:?}", options("postgres://ann:hunter2@host/x")).contains("hunter2"));
    }
}
