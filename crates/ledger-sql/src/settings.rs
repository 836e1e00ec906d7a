//! How settings are written in URLs, the same for every engine.

use std::time::Duration;

use crate::row::ReadVerification;

/// `10s`, `500ms`.
pub(crate) fn duration(text: &str) -> Option<Duration> {
    match text.strip_suffix("ms") {
        Some(millis) => millis.parse().ok().map(Duration::from_millis),
        None => text.strip_suffix('s')?.parse().ok().map(Duration::from_secs),
    }
}

/// `on`, `off`.
pub(crate) fn verification(text: &str) -> Option<ReadVerification> {
    match text {
        "on" => Some(ReadVerification::On),
        "off" => Some(ReadVerification::Off),
        _ => None,
    }
}

/// `rwc`, `rw`, `ro`.
pub(crate) fn mode(text: &str) -> Option<Mode> {
    match text {
        "rwc" => Some(Mode::Create),
        "rw" => Some(Mode::Existing),
        "ro" => Some(Mode::ReadOnly),
        _ => None,
    }
}

/// What may be done with a ledger.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Read and append; the ledger is created when it is missing. The default.
    #[default]
    Create,
    /// Read and append to an existing ledger.
    Existing,
    /// Read an existing ledger.
    ReadOnly,
}
