//! What the feed's readers in this process have read last, so that a score of relays which follow the same feed do not read it a
//! score of times. One of them asks the store, the others take it from here.
//!
//! Invariant: the entries stand here as one reader found them in one epoch, without gaps. A reader is served only where the entry
//! that it has seen stands here as well; at the end of what is here it asks the store, which tells whether the ledger is still
//! the one that was read.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use crate::entry::Entry;
use crate::feed::{Cursor, FeedError};
use crate::ledger::Core;

/// Entries that are kept, and how many bytes their bodies may have.
const ENTRIES: usize = 2048;
const BYTES: usize = 4 << 20;

/// See the module's page.
#[derive(Default)]
pub(crate) struct Tail {
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    /// Where a reader stands who has read none of what is here.
    begin: Option<Cursor>,
    entries: VecDeque<Arc<Entry>>,
    bytes: usize,
    /// Counts up when all was forgotten: what was asked before is not taken in any more.
    generation: u64,
}

/// What a follower gets.
pub(crate) struct Followed {
    pub entries: Vec<Arc<Entry>>,
    /// The store said so, and nobody's memory: where there are fewer than were asked for, these were all.
    pub is_of_store: bool,
}

impl Kept {
    /// Where a reader stands who has read all of it.
    fn end(&self) -> Option<Cursor> {
        let begin = self.begin?;
        Some(self.entries.back().map_or(begin, |last| begin.at(last)))
    }

    /// What comes after the entry that the reader has seen, where that is the one which stands here.
    fn after(&self, cursor: Cursor, limit: u32) -> Vec<Arc<Entry>> {
        let Some(begin) = self.begin else { return Vec::new() };
        let Some(read) = cursor.position.checked_sub(begin.position) else { return Vec::new() };
        let read = usize::try_from(read).unwrap_or(usize::MAX);
        let stands = match read.checked_sub(1) {
            None => Some(begin),
            Some(last) => self.entries.get(last).map(|last| begin.at(last)),
        };
        if stands != Some(cursor) {
            return Vec::new();
        }
        self.entries.iter().skip(read).take(limit as usize).cloned().collect()
    }

    /// Takes what was found after the cursor: behind what is here where it follows, in its place where it is further on.
    fn add(&mut self, generation: u64, cursor: Cursor, found: &[Arc<Entry>]) {
        let Some(last) = found.last().filter(|_| generation == self.generation) else { return };
        let end = self.end();
        if end != Some(cursor) {
            if end.is_some_and(|end| end.epoch == cursor.epoch && last.position <= end.position) {
                return;
            }
            *self = Self { begin: Some(cursor), generation, ..Self::default() };
        }
        for entry in found {
            self.bytes += entry.body.len();
            self.entries.push_back(entry.clone());
        }
        while self.entries.len() > ENTRIES || self.bytes > BYTES {
            let Some(first) = self.entries.pop_front() else { return };
            self.bytes -= first.body.len();
            self.begin = self.begin.map(|begin| begin.at(&first));
        }
    }
}

impl Tail {
    fn kept(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whoever begins to read begins with the store; and a ledger that was restored is another one.
    pub fn forget(&self) {
        let mut kept = self.kept();
        *kept = Kept { generation: kept.generation + 1, ..Kept::default() };
    }
}

impl Core {
    /// The entries after the cursor, as another reader of this process found them or as the store has them. Who has read all that
    /// is here asks the store, together with whoever stands at the same place.
    pub(crate) async fn follow_from(&self, cursor: Cursor, limit: u32) -> Result<Followed, FeedError> {
        let (here, generation) = {
            let kept = self.tail.kept();
            (kept.after(cursor, limit), kept.generation)
        };
        if !here.is_empty() {
            return Ok(Followed { entries: here, is_of_store: false });
        }
        let found = self.feed_from(cursor, limit).await?;
        self.tail.kept().add(generation, cursor, &found);
        Ok(Followed { entries: found, is_of_store: true })
    }
}
