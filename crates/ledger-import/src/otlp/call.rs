//! Calls, tools and what is around them, as one span or one record tells of them.

use ledger_events::{CallStatus, Tokens};
use serde::{Deserialize, Serialize};

use super::facts::Known;
use crate::ending::{class_of_failure, status_of_failure};
use crate::input::Input;
use crate::revision::revision;

/// Whose program tells of something.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Program {
    /// Who pays, if the program says that.
    pub(super) tenant: Option<String>,
    pub(super) name: Option<String>,
    pub(super) version: Option<String>,
}

/// When something was, in nanoseconds since 1970 and of length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Span {
    pub(super) start: u64,
    pub(super) length: Option<u64>,
}

/// A call of a model.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Call {
    pub(super) program: Program,
    pub(super) time: Span,
    pub(super) ttft: Option<u64>,
    pub(super) operation: String,
    pub(super) provider: Option<String>,
    pub(super) model: Option<String>,
    /// The provider's id of the answer, where it is one.
    pub(super) response: Option<String>,
    /// The provider's id of the request.
    pub(super) request: Option<String>,
    pub(super) session: Option<String>,
    pub(super) turn: Option<String>,
    pub(super) used: Used,
    pub(super) cost: Option<i64>,
    pub(super) failure: Option<Failure>,
    pub(super) http_status: Option<u16>,
    pub(super) attempt: Option<u32>,
    pub(super) tier: Option<String>,
    pub(super) speed: Option<String>,
    pub(super) stop: Option<Stop>,
    /// Whether the one who asked tells of it: that sees the answer as the application does.
    pub(super) is_client: bool,
}

/// A call of a tool.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Tool {
    pub(super) program: Program,
    pub(super) time: Span,
    pub(super) name: Option<String>,
    pub(super) id: Option<String>,
    pub(super) session: Option<String>,
    pub(super) turn: Option<String>,
    pub(super) is_ok: bool,
    pub(super) error_class: Option<String>,
}

/// A span that is around calls: an agent's, or one that says of which session they are.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Around {
    pub(super) turn: Option<Turn>,
    pub(super) session: Option<String>,
}

/// An invocation of an agent.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Turn {
    pub(super) program: Program,
    pub(super) time: Span,
    pub(super) failure: Option<Failure>,
}

/// How a call failed: a class or code, never the message.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Failure {
    pub(super) class: Option<String>,
}

/// Why an answer ended, where that matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) enum Stop {
    Truncated,
    Refusal,
}

/// Tokens in buckets that do not overlap, and whether the emitter had those of caches beside the input.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Used {
    input: u64,
    cache_read: u64,
    cache_write_5m: u64,
    cache_write_1h: u64,
    cache_write: u64,
    output: u64,
    reasoning: Option<u64>,
    pub(super) exclusive: bool,
}

/// What an emitter says was used, before it is sorted out.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    pub(super) input: u64,
    pub(super) cache_read: u64,
    pub(super) cache_write: Option<u64>,
    /// For five minutes, and for an hour.
    pub(super) split: Option<(u64, u64)>,
    pub(super) output: u64,
    pub(super) reasoning: Option<u64>,
    /// Whether it is known that the input is without what was read from caches or written to them.
    pub(super) is_exclusive: bool,
}

impl Used {
    /// Sorts counts out.
    ///
    /// # Errors
    /// When they are no counts of tokens.
    pub(super) fn of(counts: Counts) -> Result<Self, String> {
        let Counts { input, cache_read, cache_write, split, output, reasoning, is_exclusive } = counts;
        let of_split = split.map(|(minutes, hour)| minutes.saturating_add(hour));
        let written = cache_write.or(of_split).unwrap_or(0);
        // A part of what was written is not all of it: both kinds, or neither.
        let split = split.filter(|_| of_split == Some(written));
        let (cache_write_5m, cache_write_1h) = split.unwrap_or((0, 0));
        let cached = cache_read.saturating_add(written);
        let told = if is_exclusive { Input { fresh: input, exclusive: true } } else { Input::of(input, cached) };
        // A part is not more than the whole: then it is told beside it.
        let output = match reasoning {
            Some(reasoning) if reasoning > output => output.saturating_add(reasoning),
            _ => output,
        };
        let used = Self {
            input: told.fresh,
            cache_read,
            cache_write_5m,
            cache_write_1h,
            cache_write: if split.is_some() { 0 } else { written },
            output,
            reasoning,
            exclusive: told.exclusive,
        };
        used.tokens().check().map_err(|invalid| invalid.to_string())?;
        Ok(used)
    }

    pub(super) fn tokens(&self) -> Tokens {
        let Self { input, cache_read, cache_write_5m, cache_write_1h, cache_write, output, reasoning, exclusive: _ } =
            *self;
        Tokens { input, cache_read, cache_write_5m, cache_write_1h, cache_write, output, reasoning }
    }
}

impl Call {
    pub(super) fn has_usage(&self) -> bool {
        self.used.tokens().total() > 0
    }

    /// How it ended, and the class of that.
    pub(super) fn status(&self) -> (CallStatus, Option<String>) {
        let Some(Failure { class }) = &self.failure else { return (CallStatus::Ok, None) };
        let class = class_of_failure(class.clone(), self.http_status);
        (status_of_failure(&class, self.http_status), Some(class))
    }
}

/// The larger observation counts, then the one that knows more.
impl Known for Call {
    fn revision(&self) -> u64 {
        let known = [
            self.time.length.is_some(),
            self.ttft.is_some(),
            self.provider.is_some(),
            self.model.is_some(),
            self.response.is_some(),
            self.request.is_some(),
            self.session.is_some(),
            self.turn.is_some(),
            self.cost.is_some(),
            self.failure.is_some(),
            self.http_status.is_some(),
            self.attempt.is_some(),
            self.tier.is_some(),
            self.speed.is_some(),
            self.stop.is_some(),
            self.used.cache_write_5m + self.used.cache_write_1h > 0,
            self.used.reasoning.is_some(),
        ];
        let detail = 32 * u64::from(self.is_client) + known.into_iter().map(u64::from).sum::<u64>();
        // Left of the detail there is room for what the spans around the call add.
        revision(self.used.tokens().total(), detail << 12)
    }
}

impl Known for Tool {
    fn revision(&self) -> u64 {
        let known = [self.time.length.is_some(), self.name.is_some(), self.id.is_some(), self.session.is_some()];
        known.into_iter().map(u64::from).sum::<u64>() << 4
    }
}

impl Known for Around {
    fn revision(&self) -> u64 {
        let is_over = self.turn.as_ref().is_some_and(|turn| turn.time.length.is_some());
        let known = [is_over, self.turn.is_some(), self.session.is_some()];
        known.into_iter().map(u64::from).sum()
    }
}
