//! Passwords that expire: tokens, asked for as connections are opened.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use ledger_core::{Error, Result};
use tokio::sync::Mutex;

use super::secret::Secret;

/// How long before its expiry a token is replaced, unless told otherwise: longer than any login takes.
pub const REFRESH_MARGIN: Duration = Duration::from_secs(120);

/// A password that is good for some time.
#[derive(Clone, Debug)]
pub struct Token {
    /// What is sent as the password.
    pub secret: Secret,
    /// Until when the server takes it.
    pub expires_at: SystemTime,
}

/// Where tokens come from.
#[async_trait]
pub trait TokenProvider: fmt::Debug + Send + Sync {
    /// A fresh token. Asked when a connection is to be opened and the last token has expired, or will within the margin;
    /// from any thread, and by several runtimes in turn. It has as long as a connection has to open.
    ///
    /// # Errors
    /// Whatever keeps the provider from giving one. It is logged, and the connection fails with
    /// [`Error::Unavailable`](ledger_core::Error::Unavailable) once the last token has expired; so it must not name secrets.
    async fn token(&self) -> Result<Token, Box<dyn StdError + Send + Sync>>;
}

/// A provider, and the last token that it gave.
#[derive(Clone, Debug)]
pub(super) struct Tokens {
    provider: Arc<dyn TokenProvider>,
    margin: Duration,
    last: Arc<Mutex<Option<Token>>>,
}

impl Tokens {
    pub(super) fn new(provider: Arc<dyn TokenProvider>, margin: Duration) -> Self {
        Self { provider, margin, last: Arc::default() }
    }

    pub(super) fn with_margin(self, margin: Duration) -> Self {
        Self { margin, ..self }
    }

    /// The password of a connection that is opened now.
    pub(super) async fn secret(&self) -> Result<Secret> {
        // Held while the provider works, so that many connections at once ask it once.
        let mut last = self.last.lock().await;
        let now = SystemTime::now();
        if let Some(token) = last.as_ref()
            && now + self.margin < token.expires_at
        {
            return Ok(token.secret.clone());
        }
        let error = match self.provider.token().await {
            Ok(token) => {
                let secret = token.secret.clone();
                *last = Some(token);
                return Ok(secret);
            }
            Err(error) => error,
        };
        match last.as_ref().filter(|token| now < token.expires_at) {
            Some(token) => {
                tracing::warn!(%error, "the token provider gave no token; the last one is still good");
                Ok(token.secret.clone())
            }
            None => Err(Error::unavailable("the token provider gave no token", error)),
        }
    }
}
