//! Work on many things, several at once.

use std::cmp::Reverse;
use std::sync::Mutex;
use std::thread;

use super::keep::BoxError;

/// More threads than this wait for the disk, and each holds a line or a family.
const MAX_THREADS: usize = 8;

/// Works on all of `items`, in any order, and gives what came of them in theirs.
pub(super) fn all<T: Send, R: Send>(
    items: Vec<T>,
    size: impl Fn(&T) -> u64,
    work: impl Fn(T) -> Result<R, BoxError> + Sync,
) -> Result<Vec<R>, BoxError> {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let threads = items.len().min(cores).min(MAX_THREADS);
    if threads <= 1 {
        return items.into_iter().map(work).collect();
    }
    let mut items: Vec<_> = items.into_iter().enumerate().collect();
    // The largest first, so that no thread begins with one when the others have nothing left.
    items.sort_by_key(|(_, item)| Reverse(size(item)));
    let pending = Mutex::new(items.into_iter());
    let next = || pending.lock().ok()?.next();
    let work = || {
        let mut done = Vec::new();
        while let Some((place, item)) = next() {
            done.push((place, work(item)));
        }
        done
    };
    let mut done = thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
        let mut done = work();
        for other in others {
            done.extend(other.join().map_err(|_| "reading or telling of a family panicked")?);
        }
        Ok::<_, BoxError>(done)
    })?;
    done.sort_by_key(|(place, _)| *place);
    done.into_iter().map(|(_, result)| result).collect()
}
