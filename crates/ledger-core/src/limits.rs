//! The limits that every backend keeps, with their units and reasons.

/// Longest identifier or name, in bytes of UTF-8: fits an index key of every engine.
pub const MAX_NAME_BYTES: usize = 128;

/// Largest payload, in bytes: one event fits a network packet of every engine with room to spare.
pub const MAX_PAYLOAD_BYTES: usize = 8 * 1024 * 1024;

/// Deepest nesting of a payload, in levels of arrays and objects: below what common JSON parsers accept (128).
pub const MAX_PAYLOAD_DEPTH: usize = 64;

/// Most metadata entries of one event.
pub const MAX_METADATA_ENTRIES: usize = 32;

/// Longest metadata value, in bytes of UTF-8.
pub const MAX_METADATA_VALUE_BYTES: usize = 1024;

/// Most events of one append: bounds how long one caller holds the lane.
pub const MAX_BATCH_EVENTS: usize = 10_000;

/// Most bytes of one append, as [`Event::size`](crate::Event::size) counts: bounds the memory of a transaction.
pub const MAX_BATCH_BYTES: usize = 64 * 1024 * 1024;

/// Most events of one page.
pub const MAX_PAGE_EVENTS: usize = 10_000;

/// Events of a page unless the reader says otherwise.
pub const DEFAULT_PAGE_EVENTS: usize = 1_000;

/// A page ends with the event that brings it to this many bytes, as [`Event::size`](crate::Event::size) counts, so that a
/// page of large events stays small.
pub const MAX_PAGE_BYTES: usize = 16 * 1024 * 1024;

/// Most values of a filter, over all its dimensions: a statement binds at most the square of half of them, which is far
/// from every engine's limit (SQLite: 32,766).
pub const MAX_FILTER_VALUES: usize = 200;

/// Most runs of one answer to [`Ledger::runs`](crate::Ledger::runs).
pub const MAX_RUNS: usize = 10_000;
