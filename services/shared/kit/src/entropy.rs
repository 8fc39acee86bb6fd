//! The only place where the machine's clock and its random numbers are read; everything else is handed values.
//!
//! Invariant: no rule of a service calls anything here; the shell does, and passes on what it got.
#![expect(clippy::disallowed_methods, reason = "this is the one place")]

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use uuid::Uuid;
use yiwang_ledger::StreamId;

/// The machine's time since 1970-01-01T00:00:00Z: security time (安全时钟).
pub fn machine_time() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// The machine's time in whole seconds, as tokens carry it.
pub fn machine_seconds() -> u64 {
    machine_time().as_secs()
}

/// The machine's time in microseconds.
pub fn machine_micros() -> i64 {
    i64::try_from(machine_time().as_micros()).unwrap_or(i64::MAX)
}

/// Bytes that nobody can predict.
pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    fill(&mut bytes);
    bytes
}

/// Fills with bytes that nobody can predict.
pub fn fill(bytes: &mut [u8]) {
    rand::Rng::fill_bytes(&mut rand::rng(), bytes);
}

/// A new stream: a UUID of version 7, so that ids made later sort later.
pub fn new_stream_id() -> StreamId {
    StreamId(Uuid::now_v7())
}

/// A new request id for a call that has none of its own.
pub fn new_request_id() -> String {
    Uuid::now_v7().to_string()
}

/// Lower-case hex.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        use std::fmt::Write as _;
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Reads exactly `N` bytes of hex; `None` where it is anything else.
pub fn from_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let text = text.trim();
    if text.len() != N * 2 || !text.is_ascii() {
        return None;
    }
    let mut bytes = [0; N];
    for (index, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(index * 2..index * 2 + 2)?, 16).ok()?;
    }
    Some(bytes)
}
