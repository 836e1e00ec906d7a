//! Which part of the input is fresh.

/// What the log says of input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Input {
    /// Neither read from a cache nor written to one.
    pub(crate) fresh: u64,
    /// Whether the log's number was without what was read and written.
    pub(crate) exclusive: bool,
}

impl Input {
    /// Of a log that says `input`, and `cached` tokens that were read from caches or written to them. The cached ones
    /// are a part of the input, unless they are more: then the log tells of them beside it.
    pub(crate) const fn of(input: u64, cached: u64) -> Self {
        match input.checked_sub(cached) {
            Some(fresh) => Self { fresh, exclusive: false },
            None => Self { fresh: input, exclusive: true },
        }
    }
}
