//! Why a command failed: one sentence and an exit code.

use std::fmt;
use std::io;
use std::process::ExitCode;

use agent_ledger::Error;

pub(crate) type Outcome = Result<(), Failure>;

#[derive(Debug)]
pub(crate) struct Failure {
    code: u8,
    sentence: String,
}

impl Failure {
    /// Wrong usage.
    pub(crate) fn usage(sentence: impl Into<String>) -> Self {
        Self { code: 2, sentence: sentence.into() }
    }

    /// Data refused or damaged.
    pub(crate) fn data(sentence: impl Into<String>) -> Self {
        Self { code: 3, sentence: sentence.into() }
    }

    /// A budget that is not kept, or may not be, with a code of its own.
    pub(crate) fn budget(code: u8, sentence: impl Into<String>) -> Self {
        Self { code, sentence: sentence.into() }
    }

    /// Anything else.
    pub(crate) fn other(sentence: impl Into<String>) -> Self {
        Self { code: 1, sentence: sentence.into() }
    }

    /// What the ledger said when it was opened: a URL that is none is wrong usage.
    pub(crate) fn opening(error: Error) -> Self {
        let code = if matches!(error, Error::Invalid(_)) { 2 } else { code(&error) };
        Self { code, sentence: sentence(&error) }
    }

    /// The same, with what was being done before it.
    pub(crate) fn within(self, what: impl fmt::Display) -> Self {
        Self { sentence: format!("{what}: {}", self.sentence), ..self }
    }

    /// Whether the same may succeed later.
    pub(crate) const fn is_retryable(&self) -> bool {
        self.code == 4
    }

    /// Why, in one sentence.
    pub(crate) fn sentence(&self) -> &str {
        &self.sentence
    }

    /// Says it on stderr.
    pub(crate) fn say(&self) {
        if !self.sentence.is_empty() {
            eprintln!("agent-ledger: {}", self.sentence);
        }
    }

    /// The same, and the exit code.
    pub(crate) fn report(self) -> ExitCode {
        self.say();
        ExitCode::from(self.code)
    }
}

fn code(error: &Error) -> u8 {
    match error {
        Error::Invalid(_)
        | Error::IdConflict { .. }
        | Error::Corrupt { .. }
        | Error::SchemaTooNew { .. }
        | Error::NotALedger { .. }
        | Error::Reset { .. }
        | Error::Beyond { .. }
        | Error::CheckpointLost { .. }
        | Error::Refused(_) => 3,
        error if error.is_retryable() => 4,
        _ => 1,
    }
}

/// The error and what caused it, in one line.
fn sentence(error: &dyn std::error::Error) -> String {
    let sentence = error.to_string();
    match error.source().map(ToString::to_string) {
        Some(cause) if !sentence.contains(&cause) => format!("{sentence} ({cause})"),
        _ => sentence,
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self { code: code(&error), sentence: sentence(&error) }
    }
}

impl From<ledger_projections::Error> for Failure {
    /// What is asked of a projection comes from the command line: what is invalid in it is wrong usage.
    fn from(error: ledger_projections::Error) -> Self {
        use ledger_projections::Error;
        let code = match &error {
            Error::Ledger(error) => code(error),
            Error::Invalid(_) => 2,
            Error::CheckpointLost { .. } => 3,
            // Others were faster; the same again reads what they made.
            Error::Replaced { .. } => 4,
            error if error.is_retryable() => 4,
            _ => 1,
        };
        Self { code, sentence: sentence(&error) }
    }
}

impl From<ledger_import::Error> for Failure {
    fn from(error: ledger_import::Error) -> Self {
        use ledger_import::Error;
        let code = match &error {
            Error::Ledger(error) => code(error),
            Error::Keep(error) => match error.downcast_ref::<ledger_projections::Error>() {
                Some(error) if error.is_retryable() => 4,
                _ => 1,
            },
            Error::Overtaken => 4,
            _ => 2,
        };
        Self { code, sentence: sentence(&error) }
    }
}

impl From<agent_ledger::Invalid> for Failure {
    fn from(error: agent_ledger::Invalid) -> Self {
        Self::data(error.to_string())
    }
}

impl From<io::Error> for Failure {
    /// Writing to standard output failed. A reader that has seen enough, such as `head`, is no failure.
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self { code: 0, sentence: String::new() };
        }
        Self::other(format!("the output could not be written: {error}"))
    }
}
