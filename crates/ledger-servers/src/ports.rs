//! Ports for servers, and names that nobody else has.

use std::hash::{BuildHasher, RandomState};
use std::net::{Ipv4Addr, TcpListener};
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// Below the ports that Linux gives to outgoing connections. Among those, a client that looks for a stopped
/// server can take its port, or even connect to itself.
const RANGE: Range<u16> = 20_000..32_000;

/// A listener on 127.0.0.1, on a port that was free.
pub(crate) fn listener() -> TcpListener {
    let start = RandomState::new().hash_one(std::process::id());
    (0..u64::from(RANGE.end - RANGE.start))
        .map(|n| start.wrapping_add(n) % u64::from(RANGE.end - RANGE.start))
        .filter_map(|n| u16::try_from(n).ok())
        .find_map(|n| TcpListener::bind((Ipv4Addr::LOCALHOST, RANGE.start + n)).ok())
        .expect("a port of 127.0.0.1 is free")
}

/// A port that was free a moment ago.
pub(crate) fn free() -> u16 {
    listener().local_addr().expect("a listener has an address").port()
}

/// A name for a schema or database that no other test, process or run uses.
pub(crate) fn unique_name() -> String {
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    let time = SystemTime::now().duration_since(UNIX_EPOCH).expect("the clock is past 1970").as_micros();
    format!("t{time:x}_{:x}_{:x}", std::process::id(), COUNTER.fetch_add(1, Ordering::Relaxed))
}
