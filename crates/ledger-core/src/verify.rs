//! Whether a ledger is what was appended to it.

use serde::Serialize;

use crate::{Error, Ledger, Offset, Read, Result, Timestamp};

/// Called now and then with how many of how many events are done.
pub type Progress<'a> = &'a (dyn Fn(u64, u64) + Send + Sync);

/// What a verification found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Verification {
    /// How many events were found to be what was appended, from the first on.
    pub events: u64,
    /// The first offset that the ledger holds.
    pub first: Offset,
    /// The last offset that the ledger holds.
    pub last: Offset,
    /// The first thing that is wrong, in one sentence; `None` when nothing is.
    pub fault: Option<String>,
}

impl Verification {
    /// With the damage that `error` is about as the fault, in words that follow "the ledger is damaged: ".
    #[must_use]
    pub fn with_fault(self, error: &Error) -> Self {
        let fault = match error {
            Error::Corrupt { offset: Some(offset), what } => format!("at offset {offset}: {what}"),
            Error::Corrupt { offset: None, what } => what.clone(),
            other => other.to_string(),
        };
        Self { fault: Some(fault), ..self }
    }

    /// Turns damage into an error.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when there is a fault.
    pub fn into_result(self) -> Result<Self> {
        match self.fault {
            None => Ok(self),
            Some(what) => Err(Error::corrupt(None, what)),
        }
    }
}

/// Reads all of `ledger` as it is now and checks each event: digests, dense offsets, times that do not decrease.
///
/// # Errors
/// Those of reading, but for [`Error::Corrupt`], which becomes the fault.
pub async fn verify_by_reading<L: Ledger + ?Sized>(ledger: &L, progress: Progress<'_>) -> Result<Verification> {
    let extent = ledger.head().await?.extent;
    let mut report = Verification { events: 0, first: extent.first, last: extent.last, fault: None };
    let mut read = Read::after(Offset::ZERO).in_epoch(extent.epoch);
    let mut latest = None;
    while report.events < extent.events() {
        let page = match ledger.read(&read).await {
            Ok(page) => page,
            Err(fault @ Error::Corrupt { .. }) => return Ok(report.with_fault(&fault)),
            Err(error) => return Err(error),
        };
        for recorded in page.events.iter().take_while(|recorded| recorded.offset <= extent.last) {
            if let Err(fault) = recorded.verify().and_then(|()| check_time(recorded, &mut latest)) {
                return Ok(report.with_fault(&fault));
            }
            report.events += 1;
        }
        progress(report.events, extent.events());
        read = read.resume(&page);
    }
    Ok(report)
}

fn check_time(recorded: &crate::RecordedEvent, latest: &mut Option<Timestamp>) -> Result<()> {
    if latest.is_some_and(|latest| recorded.recorded_at < latest) {
        return Err(Error::corrupt(recorded.offset, "the event was recorded before the one before it"));
    }
    *latest = Some(recorded.recorded_at);
    Ok(())
}
