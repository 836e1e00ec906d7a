//! What a ledger knows of itself.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{Error, Invalid, Offset};

/// Which ledger: set when it is created, kept by its snapshots, never shared by two ledgers that can both be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LedgerId(Uuid);

impl LedgerId {
    /// A fresh identity.
    #[must_use]
    pub fn random() -> Self {
        Self(Uuid::now_v7())
    }
}

impl fmt::Display for LedgerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::str::FromStr for LedgerId {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        text.parse().map(Self).map_err(|_| Invalid::new("ledger_id", format!("{text:?} is not a UUID")))
    }
}

/// How often a ledger was reset; 1 for a new one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Epoch(u32);

impl Epoch {
    /// The epoch of a new ledger.
    pub const FIRST: Self = Self(1);

    /// Epoch `value`.
    #[must_use]
    pub const fn new(value: u32) -> Self {
        Self(value)
    }

    /// As a number.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0
    }

    /// The epoch after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What a ledger holds at one moment: each offset from `first` to `last`. Empty when `last` is just before `first`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// How often the ledger was reset.
    pub epoch: Epoch,
    /// The first offset; of an empty ledger the one that its next event will have.
    pub first: Offset,
    /// The last offset; of an empty ledger the one before `first`.
    pub last: Offset,
}

impl Extent {
    /// The extent of a new ledger.
    pub const EMPTY: Self = Self { epoch: Epoch::FIRST, first: Offset::ZERO.after(), last: Offset::ZERO };

    /// How many events there are.
    #[must_use]
    pub const fn events(self) -> u64 {
        (self.last.get() + 1).saturating_sub(self.first.get())
    }

    /// Whether there are no events.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.last < self.first
    }

    /// Refuses to give out more offsets than there are; every backend asks before it stores `events` new events.
    ///
    /// # Errors
    /// [`Error::Refused`] when the last of them would reach [`Offset::MAX`].
    pub fn check_room(self, events: usize) -> Result<(), Error> {
        match self.last.checked_add(events) {
            Some(last) if last < Offset::MAX => Ok(()),
            _ => Err(Error::Refused("the ledger has no offsets left".into())),
        }
    }

    /// Whether there is an event at `offset`.
    #[must_use]
    pub fn holds(self, offset: Offset) -> bool {
        (self.first..=self.last).contains(&offset)
    }

    /// Whether events right after `offset` are gone, so that going on from there would skip them silently.
    /// [`Offset::ZERO`] means "whatever there is" and has lost nothing.
    #[must_use]
    pub fn has_lost(self, offset: Offset) -> bool {
        offset != Offset::ZERO && offset < self.first.before()
    }
}

/// What an acknowledged event survives. From the strongest level to the weakest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Durability {
    /// Everything that [`Self::Synced`] does, and the loss of the machine: a standby has it on its disk too.
    Replicated,
    /// Everything: kill -9, restart, power loss. The default of every backend that has a disk.
    Synced,
    /// kill -9 and restart of the process, but not always a power loss.
    Buffered,
    /// Nothing: it lives as long as the process that keeps it.
    Volatile,
}

impl Durability {
    /// Whether an event that is kept so may be lost where one that is kept as `other` is not.
    #[must_use]
    pub fn is_weaker_than(self, other: Self) -> bool {
        self > other
    }
}

impl fmt::Display for Durability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Replicated => "replicated",
            Self::Synced => "synced",
            Self::Buffered => "buffered",
            Self::Volatile => "volatile",
        })
    }
}

/// What a ledger knows of its own end, and of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// Which ledger.
    pub ledger_id: LedgerId,
    /// What it holds.
    pub extent: Extent,
    /// What an event survives that was acknowledged through this handle; other handles may be set otherwise.
    pub durability: Durability,
    /// What keeps it: `memory`, `sqlite`, `postgres`, `mysql`, ...
    pub engine: Cow<'static, str>,
}

impl Head {
    /// Refuses to destroy a ledger that the caller has not seen as it is; every backend asks, under the lock, before it
    /// resets a ledger with this identity and extent.
    ///
    /// # Errors
    /// [`Error::Refused`] when the caller saw another ledger, or another epoch of it.
    pub fn check_seen(&self, ledger_id: LedgerId, extent: Extent) -> Result<(), Error> {
        if self.ledger_id != ledger_id {
            return Err(Error::Refused(format!("this is ledger {ledger_id}, not {}", self.ledger_id)));
        }
        if self.extent.epoch != extent.epoch {
            let (now, then) = (extent.epoch, self.extent.epoch);
            return Err(Error::Refused(format!("the ledger is in epoch {now}, not {then}: it was reset already")));
        }
        Ok(())
    }
}

/// One flat object: `ledger_id`, `epoch`, `first`, `last`, `durability`, `engine`.
impl Serialize for Head {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Flat<'a> {
            ledger_id: LedgerId,
            epoch: Epoch,
            first: Offset,
            last: Offset,
            durability: Durability,
            engine: &'a str,
        }
        let Self { ledger_id, extent: Extent { epoch, first, last }, durability, engine } = self;
        Flat { ledger_id: *ledger_id, epoch: *epoch, first: *first, last: *last, durability: *durability, engine }
            .serialize(serializer)
    }
}
