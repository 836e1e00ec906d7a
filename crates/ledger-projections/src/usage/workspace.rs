//! What is kept of the directory that a session works in.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};

use crate::name::{hex, name, short_hash};

/// How workspaces appear. They are always told apart by their key, never by their label.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum WorkspaceLabels {
    /// By their whole path.
    #[default]
    FullPath,
    /// By a hash that nobody can guess who does not have the key.
    Hashed(HashKey),
    /// By the last part of their path; two of the same name stay two.
    BaseName(HashKey),
}

/// Makes hashes of workspaces that cannot be guessed without it.
#[derive(Clone, PartialEq, Eq)]
pub struct HashKey(String);

impl HashKey {
    /// A key from a secret text, which should be long and random.
    pub fn new(secret: impl Into<String>) -> Self {
        Self(secret.into())
    }

    /// HMAC with SHA-256, cut to 64 bits.
    fn hash(&self, text: &str) -> String {
        // Hashed first, so that keys of any length fill less than a block.
        let mut block = [0; 64];
        block.iter_mut().zip(Sha256::digest(self.0.as_bytes())).for_each(|(byte, hashed)| *byte = hashed);
        let mut mac = Hmac::<Sha256>::new(&block.into());
        mac.update(text.as_bytes());
        hex(mac.finalize().into_bytes().get(..8).unwrap_or_default())
    }
}

impl std::fmt::Debug for HashKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("HashKey(..)")
    }
}

impl WorkspaceLabels {
    /// The key and the label of a path.
    pub(super) fn of(&self, path: &str) -> (String, String) {
        match self {
            Self::FullPath => (name(path), name(path)),
            Self::Hashed(key) => (key.hash(path), key.hash(path)),
            Self::BaseName(key) => (key.hash(path), name(base_name(path))),
        }
    }

    /// What distinguishes tables that were made in one way from those made in another; the key cannot be found from it.
    pub(super) fn fingerprint(&self) -> String {
        match self {
            Self::FullPath => "workspaces=full_path".into(),
            Self::Hashed(key) => format!("workspaces=hashed:{}", key.fingerprint()),
            Self::BaseName(key) => format!("workspaces=base_name:{}", key.fingerprint()),
        }
    }
}

impl HashKey {
    fn fingerprint(&self) -> String {
        short_hash(&self.hash("agent-ledger workspace labels"))
    }
}

/// The last part of a path of Unix or Windows that is not empty; of a root, all of it.
fn base_name(path: &str) -> &str {
    path.rsplit(['/', '\\']).find(|part| !part.is_empty()).unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base_names_are_of_unix_and_windows() {
        for (path, base) in [
            ("/home/me/demo", "demo"),
            ("/home/me/demo/", "demo"),
            (r"C:\work\demo", "demo"),
            ("/", "/"),
            ("demo", "demo"),
        ] {
            assert_eq!(base_name(path), base);
        }
    }

    #[test]
    fn workspaces_of_one_name_stay_two_and_hashes_need_their_key() {
        let base = WorkspaceLabels::BaseName(HashKey::new("secret"));
        let (a, b) = (base.of("/a/demo"), base.of("/b/demo"));
        assert_eq!((a.1.as_str(), b.1.as_str()), ("demo", "demo"));
        assert_ne!(a.0, b.0);
        let hashed = WorkspaceLabels::Hashed(HashKey::new("secret")).of("/a/demo");
        assert_eq!((hashed.0.len(), &hashed.0), (16, &hashed.1));
        assert_ne!(hashed, WorkspaceLabels::Hashed(HashKey::new("other")).of("/a/demo"));
    }

    #[test]
    fn the_hash_is_the_one_of_the_standard() {
        // HMAC-SHA256 with the key SHA-256("secret"), by Python's hmac.
        assert_eq!(HashKey::new("secret").hash("/a/demo"), EXPECTED);
    }

    const EXPECTED: &str = "31e7f2260cfa8575";
}
