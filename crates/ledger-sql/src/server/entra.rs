//! Tokens of Microsoft Entra, for the databases of Azure. What is here was tested with a fake of its credentials and was
//! never run against the service.

use std::error::Error as StdError;
use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use azure_core::credentials::TokenCredential;
use azure_core::error::ErrorKind;
use azure_core::http::{ClientOptions, Transport};
use azure_identity::{
    ClientAssertionCredentialOptions, ClientSecretCredential, ClientSecretCredentialOptions, DeveloperToolsCredential,
    ManagedIdentityCredential, ManagedIdentityCredentialOptions, UserAssignedId, WorkloadIdentityCredential,
    WorkloadIdentityCredentialOptions,
};
use ledger_core::{Error, Result};
use rustls::{ClientConfig, RootCertStore};

use super::secret::Secret;
use super::token::{Token, TokenProvider};

/// What the databases of Azure, Postgres and MySQL, want tokens for.
const SCOPE: &str = "https://ossrdbms-aad.database.windows.net/.default";

/// How long to wait for one kind of credentials before the next one is tried: the address of managed identities does not
/// answer at all outside of Azure.
const PATIENCE: Duration = Duration::from_secs(3);

/// How long Entra may take to accept a connection, or to go on with an answer.
const HTTP_TIMEOUT: Duration = Duration::from_secs(8);

/// The longest word of an error that is repeated; tokens are longer.
const LONGEST_WORD: usize = 100;

/// Tokens of Microsoft Entra.
///
/// Entra's library keeps each token until five minutes before it expires, so a margin beyond that has no effect.
pub struct EntraTokens {
    scope: String,
    sources: Vec<Source>,
    /// The one that gave a token; from then on it alone is asked.
    found: OnceLock<Source>,
}

/// One kind of credentials.
#[derive(Clone)]
struct Source {
    name: &'static str,
    credential: Arc<dyn TokenCredential>,
}

impl EntraTokens {
    /// With the credentials that this process has, as its environment says:
    ///
    /// 1. a workload identity (Kubernetes), if `AZURE_FEDERATED_TOKEN_FILE` is set, with `AZURE_TENANT_ID` and
    ///    `AZURE_CLIENT_ID`;
    /// 2. else a service principal, if `AZURE_CLIENT_SECRET` is set, with the same two;
    /// 3. else the managed identity of this machine, the one that `AZURE_CLIENT_ID` names, if it is set; and if there is
    ///    none, whoever is logged in with `az login` or `azd auth login`.
    ///
    /// # Errors
    /// [`Error::AccessDenied`] when what the environment names cannot be used.
    pub fn from_environment() -> Result<Self> {
        let sources = sources(|name| std::env::var(name).ok().filter(|value| !value.is_empty()));
        Ok(Self::of(sources.map_err(|reason| Error::AccessDenied { reason })?))
    }

    /// With these credentials.
    #[must_use]
    pub fn new(credential: Arc<dyn TokenCredential>) -> Self {
        Self::of(vec![Source { name: "the credentials", credential }])
    }

    fn of(sources: Vec<Source>) -> Self {
        Self { scope: SCOPE.into(), sources, found: OnceLock::new() }
    }

    /// What the tokens are for, instead of Azure's databases: `https://ossrdbms-aad.database.windows.net/.default`.
    #[must_use]
    pub fn scope(self, scope: impl Into<String>) -> Self {
        Self { scope: scope.into(), ..self }
    }
}

impl fmt::Debug for EntraTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Without the credentials, which say of themselves what they like.
        f.debug_struct("EntraTokens").field("scope", &self.scope).finish_non_exhaustive()
    }
}

#[async_trait]
impl TokenProvider for EntraTokens {
    async fn token(&self) -> Result<Token, Box<dyn StdError + Send + Sync>> {
        if let Some(source) = self.found.get() {
            return Ok(source.token(&self.scope).await?);
        }
        let mut reasons = Vec::new();
        for (n, source) in self.sources.iter().enumerate() {
            let asked = source.token(&self.scope);
            let answer = if n + 1 == self.sources.len() {
                asked.await
            } else {
                let silent = |_| Err(format!("{} did not answer", source.name));
                tokio::time::timeout(PATIENCE, asked).await.unwrap_or_else(silent)
            };
            match answer {
                Ok(token) => {
                    // Whoever was faster found one too.
                    let _ = self.found.set(source.clone());
                    return Ok(token);
                }
                Err(reason) => reasons.push(reason),
            }
        }
        Err(reasons.join("; ").into())
    }
}

impl Source {
    async fn token(&self, scope: &str) -> Result<Token, String> {
        let given = self.credential.get_token(&[scope], None).await;
        let given = given.map_err(|error| format!("{}: {}", self.name, words(&error)))?;
        let expires_at = SystemTime::from(given.expires_on);
        Ok(Token { secret: Secret::new(given.token.secret()), expires_at })
    }
}

/// The credentials that the environment names. Each begins a connection for each token: it is asked by several runtimes in
/// turn, and a connection lives only while the runtime runs that opened it.
fn sources(variable: impl Fn(&str) -> Option<String>) -> Result<Vec<Source>, String> {
    let http = ClientOptions { transport: Some(Transport::new(Arc::new(http_client()?))), ..ClientOptions::default() };
    let (tenant, client) = (variable("AZURE_TENANT_ID"), variable("AZURE_CLIENT_ID"));
    if let Some(file) = variable("AZURE_FEDERATED_TOKEN_FILE") {
        let options = WorkloadIdentityCredentialOptions {
            credential_options: ClientAssertionCredentialOptions { client_options: http },
            client_id: client,
            tenant_id: tenant,
            token_file_path: Some(file.into()),
        };
        return Ok(vec![source("the workload identity", WorkloadIdentityCredential::new(Some(options)))?]);
    }
    if let Some(secret) = variable("AZURE_CLIENT_SECRET") {
        let (Some(tenant), Some(client)) = (tenant, client) else {
            return Err("AZURE_CLIENT_SECRET is set; set AZURE_TENANT_ID and AZURE_CLIENT_ID too".into());
        };
        let options = Some(ClientSecretCredentialOptions { client_options: http });
        let credential = ClientSecretCredential::new(&tenant, client, secret.into(), options);
        return Ok(vec![source("the service principal", credential)?]);
    }
    let options = ManagedIdentityCredentialOptions {
        user_assigned_id: client.map(UserAssignedId::ClientId),
        client_options: http,
    };
    Ok(vec![
        source("the managed identity", ManagedIdentityCredential::new(Some(options)))?,
        source("the developer's tools", DeveloperToolsCredential::new(None))?,
    ])
}

fn source<C: TokenCredential + 'static>(
    name: &'static str,
    credential: azure_core::Result<Arc<C>>,
) -> Result<Source, String> {
    let credential = credential.map_err(|error| format!("{name} cannot be used ({})", words(&error)))?;
    Ok(Source { name, credential })
}

/// With the cryptography and the authorities that the database's connections have.
fn http_client() -> Result<reqwest::Client, String> {
    let mut authorities = RootCertStore::empty();
    authorities.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let tls = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| format!("TLS cannot be set up ({error})"))?
        .with_root_certificates(authorities)
        .with_no_client_auth();
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .connect_timeout(HTTP_TIMEOUT)
        .read_timeout(HTTP_TIMEOUT)
        .pool_max_idle_per_host(0)
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .map_err(|error| format!("the client for HTTP cannot be set up ({error})"))
}

/// What an error of Entra says, in one line and without anything that may be a token.
fn words(error: &azure_core::Error) -> String {
    if matches!(error.kind(), ErrorKind::DataConversion) {
        // It quotes the answer, which may be the token.
        return "an answer could not be understood".into();
    }
    let text = error.to_string();
    let words = text.split_whitespace().map(|word| if word.len() > LONGEST_WORD { "..." } else { word });
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use azure_core::credentials::{AccessToken, TokenRequestOptions};
    use azure_core::time::OffsetDateTime;

    use super::*;

    /// Gives a token for each scope, or fails in these words.
    #[derive(Debug, Default)]
    struct Fake {
        failure: Option<String>,
        asked: Mutex<Vec<String>>,
    }

    #[async_trait]
    impl TokenCredential for Fake {
        async fn get_token(
            &self,
            scopes: &[&str],
            _: Option<TokenRequestOptions<'_>>,
        ) -> azure_core::Result<AccessToken> {
            self.asked.lock().unwrap().push(scopes.join(" "));
            match &self.failure {
                Some(failure) => Err(azure_core::Error::with_message(ErrorKind::Credential, failure.clone())),
                None => Ok(AccessToken::new("the-token", expiry())),
            }
        }
    }

    fn expiry() -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp(1_900_000_000).unwrap()
    }

    fn environment(set: &'static [(&str, &str)]) -> impl Fn(&str) -> Option<String> {
        |name| set.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
    }

    fn names(set: &'static [(&str, &str)]) -> Vec<&'static str> {
        sources(environment(set)).unwrap().iter().map(|source| source.name).collect()
    }

    #[tokio::test]
    async fn a_token_is_asked_for_the_scope_and_expires_when_it_says() {
        let fake = Arc::new(Fake::default());
        let token = EntraTokens::new(Arc::clone(&fake) as _).token().await.unwrap();
        assert_eq!(token.secret.reveal(), "the-token");
        assert_eq!(token.expires_at, SystemTime::UNIX_EPOCH + Duration::from_secs(1_900_000_000));
        EntraTokens::new(Arc::clone(&fake) as _).scope("https://other/.default").token().await.unwrap();
        assert_eq!(*fake.asked.lock().unwrap(), [SCOPE, "https://other/.default"]);
    }

    #[tokio::test]
    async fn a_failure_is_said_in_one_line_without_what_may_be_a_token() {
        let token = "eyJ".repeat(100);
        let failure = format!("no luck\nwith {token} today");
        let fake = EntraTokens::new(Arc::new(Fake { failure: Some(failure), ..Fake::default() }));
        let error = fake.token().await.unwrap_err();
        assert_eq!(error.to_string(), "the credentials: no luck with ... today");
        assert!(!format!("{error:?} {fake:?}").contains(&token));
        let quoting = azure_core::Error::with_message(ErrorKind::DataConversion, "expected a map, not the-token");
        assert_eq!(words(&quoting), "an answer could not be understood");
    }

    #[tokio::test]
    async fn the_first_credentials_that_give_a_token_are_kept() {
        let broken = Arc::new(Fake { failure: Some("not here".into()), ..Fake::default() });
        let (works, last) = (Arc::new(Fake::default()), Arc::new(Fake::default()));
        let all = [&broken, &works, &last];
        let entra = EntraTokens::of(all.map(|fake| Source { name: "one", credential: Arc::clone(fake) as _ }).into());
        entra.token().await.unwrap();
        entra.token().await.unwrap();
        assert_eq!(all.map(|fake| fake.asked.lock().unwrap().len()), [1, 2, 0]);
    }

    #[test]
    fn the_environment_says_which_credentials_are_used() {
        const LOGIN: [(&str, &str); 2] = [("AZURE_TENANT_ID", "tenant"), ("AZURE_CLIENT_ID", "client")];
        assert_eq!(names(&[]), ["the managed identity", "the developer's tools"]);
        assert_eq!(names(&[LOGIN[0], LOGIN[1], ("AZURE_CLIENT_SECRET", "canary")]), ["the service principal"]);
        let half = sources(environment(&[("AZURE_CLIENT_SECRET", "canary")])).err().unwrap();
        assert!(half.contains("AZURE_TENANT_ID") && !half.contains("canary"), "{half}");
        // Its file is read at once.
        let file = ("AZURE_FEDERATED_TOKEN_FILE", concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"));
        assert_eq!(names(Box::leak(Box::new([LOGIN[0], LOGIN[1], file]))), ["the workload identity"]);
        let missing = sources(environment(&[LOGIN[0], LOGIN[1], ("AZURE_FEDERATED_TOKEN_FILE", "/no/such/file")]));
        assert!(missing.err().unwrap().contains("/no/such/file"));
    }
}
