//! How to open a ledger file.

use std::path::{Path, PathBuf};
use std::time::Duration;

use ledger_core::{Durability, Invalid, Result};

use crate::row::ReadVerification;
use crate::settings::{self, Mode};

/// How long a writer waits for another process that writes, unless told otherwise.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// The longest time to wait; SQLite counts milliseconds in 32 bits.
const LONGEST_BUSY_TIMEOUT: Duration = Duration::from_secs(24 * 3_600);

/// How to open a ledger file: a path, and what differs from the defaults.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SqliteOptions {
    pub(crate) path: PathBuf,
    pub(crate) mode: Mode,
    pub(crate) durability: Durability,
    pub(crate) busy_timeout: Duration,
    pub(crate) verification: ReadVerification,
}

impl SqliteOptions {
    /// The file at `path`, with every default.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            mode: Mode::Create,
            durability: Durability::Synced,
            busy_timeout: BUSY_TIMEOUT,
            verification: ReadVerification::On,
        }
    }

    /// The file that a URL names: `sqlite:PATH` or `sqlite://PATH`, with `?` and any of these, joined by `&`:
    ///
    /// | setting | values | default |
    /// |---|---|---|
    /// | `mode` | `rwc` (create), `rw` (existing), `ro` (read only) | `rwc` |
    /// | `durability` | `synced`, `buffered` (a power loss may lose the last appends) | `synced` |
    /// | `busy_timeout` | how long to wait for other writers: `10s`, `500ms` | `10s` |
    /// | `verify` | `on`, `off`: check digests on every read | `on` |
    ///
    /// # Errors
    /// [`Error::Invalid`](ledger_core::Error::Invalid) when it is not such a URL.
    pub fn from_url(url: &str) -> Result<Self> {
        let refuse = |reason: String| Invalid::new("url", reason);
        let (scheme, rest) = url.split_once(':').unwrap_or(("", url));
        if !scheme.eq_ignore_ascii_case("sqlite") {
            return Err(refuse("does not start with sqlite:".into()).into());
        }
        let rest = rest.strip_prefix("//").unwrap_or(rest);
        let (path, settings) = rest.split_once('?').unwrap_or((rest, ""));
        if path.is_empty() || path == ":memory:" {
            return Err(refuse("names no file; use sqlite:PATH, or memory: for a ledger in memory".into()).into());
        }
        let mut options = Self::new(path);
        for setting in settings.split('&').filter(|setting| !setting.is_empty()) {
            options = options.with_setting(setting).ok_or_else(|| {
                refuse(format!(
                    "has the setting {setting:?}; known are mode=rwc|rw|ro, durability=synced|buffered, \
                     busy_timeout=10s, verify=on|off"
                ))
            })?;
        }
        Ok(options)
    }

    fn with_setting(self, setting: &str) -> Option<Self> {
        Some(match setting.split_once('=')? {
            ("mode", text) => self.mode(settings::mode(text)?),
            ("durability", "synced") => self.durability(Durability::Synced),
            ("durability", "buffered") => self.durability(Durability::Buffered),
            ("verify", text) => self.verification(settings::verification(text)?),
            ("busy_timeout", text) => self.busy_timeout(settings::duration(text)?),
            _ => return None,
        })
    }

    /// What may be done with the file.
    #[must_use]
    pub fn mode(self, mode: Mode) -> Self {
        Self { mode, ..self }
    }

    /// What an acknowledged event survives: [`Durability::Synced`] for whatever is at least that,
    /// [`Durability::Buffered`] for the rest.
    #[must_use]
    pub fn durability(self, durability: Durability) -> Self {
        let weaker = durability.is_weaker_than(Durability::Synced);
        let durability = if weaker { Durability::Buffered } else { Durability::Synced };
        Self { durability, ..self }
    }

    /// How long to wait for other writers before an append fails with
    /// [`Error::Unavailable`](ledger_core::Error::Unavailable); at most a day.
    #[must_use]
    pub fn busy_timeout(self, busy_timeout: Duration) -> Self {
        Self { busy_timeout: busy_timeout.min(LONGEST_BUSY_TIMEOUT), ..self }
    }

    /// Whether events are checked against their digests on every read.
    #[must_use]
    pub fn verification(self, verification: ReadVerification) -> Self {
        Self { verification, ..self }
    }

    /// Whether this is what may be done with the file.
    #[must_use]
    pub fn is_mode(&self, mode: Mode) -> bool {
        self.mode == mode
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_name_a_path_and_settings() {
        assert_eq!(SqliteOptions::from_url("sqlite:a/b.db").unwrap(), SqliteOptions::new("a/b.db"));
        assert_eq!(SqliteOptions::from_url("sqlite:///tmp/a.db").unwrap().path(), Path::new("/tmp/a.db"));
        let options = SqliteOptions::from_url("sqlite:a.db?mode=ro&durability=buffered&busy_timeout=250ms&verify=off");
        let expected = SqliteOptions::new("a.db")
            .mode(Mode::ReadOnly)
            .durability(Durability::Buffered)
            .busy_timeout(Duration::from_millis(250))
            .verification(ReadVerification::Off);
        assert_eq!(options.unwrap(), expected);
        for bad in ["sqlite:", "sqlite::memory:", "sqlite:a?mode=x", "sqlite:a?x", "sqlite:a?busy_timeout=1", "a.db"] {
            assert!(SqliteOptions::from_url(bad).is_err(), "{bad}");
        }
    }
}
