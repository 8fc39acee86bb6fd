//! Log lines on their way to stderr: gathered in memory and written by a thread of their own ten times a second, so that no request
//! waits for whoever reads them.
//!
//! Invariant: lines are whole and in order. When the reader is so slow that too many wait, the newest are dropped and counted.

use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tracing_subscriber::fmt::MakeWriter;

/// How long a line waits at most.
const PATIENCE: Duration = Duration::from_millis(100);
/// Bytes that may wait.
const ROOM: usize = 4 << 20;

/// See the module's page. Cheap to clone; what still waits is written when the last clone outside the log is dropped.
#[derive(Clone)]
#[must_use = "lines that wait are written when this is dropped"]
pub struct Lines(Arc<Waiting>);

#[derive(Default)]
struct Waiting {
    lines: Mutex<Buffer>,
    /// Held over taking and writing, so that lines come out in order and whoever flushes last finds all written.
    out: Mutex<()>,
    full: Condvar,
}

#[derive(Default)]
struct Buffer {
    bytes: Vec<u8>,
    dropped: u64,
}

impl Lines {
    /// None yet.
    pub(crate) fn new() -> Self {
        Self(Arc::default())
    }

    /// Has a thread write them.
    ///
    /// # Errors
    /// Where there is no thread to be had.
    pub(crate) fn write_to_stderr(&self) -> io::Result<()> {
        let own = self.0.clone();
        let begun = std::thread::Builder::new().name("log".to_owned()).spawn(move || {
            loop {
                let lines = own.lock();
                drop(own.full.wait_timeout(lines, PATIENCE));
                own.flush(&mut io::stderr());
            }
        });
        begun.map(drop)
    }
}

impl Waiting {
    fn lock(&self) -> MutexGuard<'_, Buffer> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes what waits; more may come meanwhile.
    fn flush(&self, into: &mut impl Write) {
        let _one_at_a_time = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        let Buffer { bytes, dropped } = std::mem::take(&mut *self.lock());
        // nobody can be told where the log itself cannot be written
        let _ = into.write_all(&bytes);
        if dropped > 0 {
            let _ = writeln!(into, "{dropped} log lines were dropped: stderr is read too slowly");
        }
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        self.0.flush(&mut io::stderr());
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Line<'a>;

    fn make_writer(&'a self) -> Line<'a> {
        Line(&self.0)
    }
}

/// One line.
pub struct Line<'a>(&'a Waiting);

impl Write for Line<'_> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let mut waiting = self.0.lock();
        if waiting.bytes.len() + line.len() > ROOM {
            waiting.dropped += 1;
        } else {
            waiting.bytes.extend_from_slice(line);
        }
        if waiting.bytes.len() > ROOM / 2 {
            self.0.full.notify_one();
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn lines_stay_whole_and_in_order_and_what_has_no_room_is_counted() {
        let waiting = Waiting::default();
        let line = |text: &str| Line(&waiting).write_all(text.as_bytes()).unwrap();
        line("one\n");
        line("two\n");
        line(&"x".repeat(ROOM));
        let mut written = Vec::new();
        waiting.flush(&mut written);
        let text = String::from_utf8(written).unwrap();
        assert!(text.starts_with("one\ntwo\n1 log lines were dropped"), "{text}");
        line("three\n");
        let mut written = Vec::new();
        waiting.flush(&mut written);
        assert_eq!(written, b"three\n");
    }
}
