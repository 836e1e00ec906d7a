//! Logs of any shape: JSON Lines, and a small file that says where in a line what is.
//!
//! | event | from |
//! |---|---|
//! | `llm.called` | a line that `[call]` is about |
//! | `tool.completed` | a line that `[tool]` is about |
//!
//! Only what the mapping points at is read. Whatever has the same key is one call; the largest observation of it counts,
//! then the one that knows most; but first that of the greater `edition` of the mapping.

mod emit;
mod facts;
mod field;
mod file;
mod line;
mod observe;
mod pointer;

use std::path::Path;
use std::sync::Arc;

use ledger_core::Invalid;
use uuid::Uuid;

use crate::format::{Emitted, Fate, Format, Link};
use crate::{NAMESPACE, Options};
use facts::Facts;
use file::File;
use line::Line;

/// Where in the lines of some log what is: made of TOML, as docs/import.md describes it.
///
/// ```
/// use ledger_import::{Importer, Mapping, Options, Source};
///
/// let mapping = r#"
///     name = "gateway"
///     [call]
///     key = "/id"
///     provider = "openai"
///     model = "/model"
///     started_at = { at = "/created", unit = "s" }
///     [call.tokens]
///     input = "/usage/prompt_tokens"
///     output = "/usage/completion_tokens"
/// "#;
/// let log = r#"{"id":"1","model":"gpt-5.5","created":1767225600,"usage":{"prompt_tokens":9,"completion_tokens":2}}"#;
/// let mut importer = Importer::new(&Source::Mapped(Mapping::parse(mapping)?), Options::default())?;
/// importer.read("gateway.jsonl".as_ref(), log.as_bytes())?;
/// assert_eq!(importer.finish().report.calls, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapping {
    file: Arc<File>,
    /// Of its text: what was read by another mapping is read again.
    version: Uuid,
}

impl Mapping {
    /// Reads one.
    ///
    /// # Errors
    /// [`Invalid`], with the line, when it is not TOML, has a name that is not known, lacks what it needs, or points
    /// nowhere.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        Ok(Self { file: Arc::new(File::parse(text)?), version: Uuid::new_v5(&NAMESPACE, text.as_bytes()) })
    }

    /// What the source is called.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.file.name
    }
}

impl Format for Mapping {
    type Line = Line;
    type Facts = Facts;

    fn source(&self) -> &str {
        self.name()
    }

    fn version(&self) -> String {
        format!("4/{}", self.version)
    }

    fn add(&self, facts: &mut Facts, _file: &Path, line: &Line) -> Result<Fate, String> {
        let (name, edition) = (self.name(), self.file.edition);
        let call = self.file.call.as_ref().filter(|rule| rule.select.takes(line));
        let call = call.map(|rule| observe::call(name, rule, line)).transpose();
        let tool = self.file.tool.as_ref().filter(|rule| rule.select.takes(line));
        let tool = tool.map(|rule| observe::tool(name, rule, line)).transpose();
        // Where a line tells of both, one that cannot be used does not cost the other.
        let told = tool.map(|tool| tool.map(|tool| facts.tools.add(edition, tool)));
        let fate = call.map(|call| call.map_or(Fate::Other, |call| facts.calls.add(edition, call)));
        fate.and_then(|fate| told.map(|_| fate))
    }

    fn links(&self, facts: &Facts) -> Vec<Link> {
        facts.links()
    }

    fn absorb(&self, facts: &mut Facts, other: Facts) {
        facts.absorb(other);
    }

    fn emit(&self, facts: Facts, options: &Options) -> Emitted {
        emit::emit(self.name(), &facts, options)
    }
}
