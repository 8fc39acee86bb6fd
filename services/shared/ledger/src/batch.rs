//! What travels between a stream's actor and the writer: one decided command, and what became of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::mpsc::UnboundedSender;
use tokio::time::Instant;

use crate::{Hash, Index, StreamId, SubjectId, Tag, Timestamp, UniqueKey};

/// An entry that is decided but not yet written. Everything that its command says of it is in [`Item`].
#[derive(Clone, Debug)]
pub(crate) struct NewEntry {
    pub version: u64,
    pub kind: String,
    pub body: Vec<u8>,
    pub prev: Hash,
    pub hash: Hash,
}

/// The record after the command.
#[derive(Clone, Debug)]
pub(crate) struct NewRecord {
    pub kind: &'static str,
    pub schema: i32,
    /// `None`: the stored state stays behind, the tail of entries makes up for it.
    pub state: Option<Vec<u8>>,
    pub index: Index,
}

/// A decided command. Without a record it is a **check**: a refusal, or nothing to do, that holds only if the stream
/// is still at `expect`.
#[derive(Debug)]
pub(crate) struct Command {
    pub stream: StreamId,
    pub expect: u64,
    pub tip: Hash,
    pub principal: String,
    pub request: String,
    pub fingerprint: Hash,
    pub actor: String,
    pub trace: String,
    pub at: Timestamp,
    pub entries: Vec<NewEntry>,
    pub record: Option<NewRecord>,
    pub keys: Vec<(bool, UniqueKey)>,
    pub tags: Vec<(bool, Tag)>,
    pub erased: Vec<SubjectId>,
}

impl Command {
    /// Version of the stream after the command.
    pub fn new_version(&self) -> u64 {
        self.expect + self.entries.len() as u64
    }

    /// Hash of the stream's tip after the command.
    pub fn new_tip(&self) -> Hash {
        self.entries.last().map_or(self.tip, |entry| entry.hash)
    }

    /// The same as a check: nothing of it is written.
    pub fn into_check(self) -> Self {
        let (entries, keys, tags, erased) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        Self { entries, record: None, keys, tags, erased, ..self }
    }

    pub fn writes(&self) -> bool {
        self.record.is_some()
    }

    /// Bytes on the wire, roughly: what bounds a batch.
    pub fn size(&self) -> usize {
        let state = self.record.as_ref().and_then(|record| record.state.as_ref()).map_or(0, Vec::len);
        256 + state + self.entries.iter().map(|entry| entry.body.len() + 128).sum::<usize>() + self.tags.len() * 96
    }
}

/// What the store says of one command of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Written, or (a check) still true.
    Ok,
    /// This request was accepted before.
    Replay { stream: StreamId, version: u64, fingerprint: Hash, hash: Hash },
    /// A unique key is held by another stream.
    Unique { scope: String },
    /// The stream is not where the command was decided.
    Version,
    /// An earlier command of the same stream in this batch did not go through.
    Skipped,
    /// The store refuses this command, and only this one; logged with its cause.
    Failed,
    /// The store has no room: nothing was written, the same request may be sent again.
    Full,
    /// The actor had moved on before the writer took it.
    Stale,
    /// The process stops while the store is away: nobody knows.
    Unknown,
}

/// A verdict on its way to its actor. Boxed there, as commands are: a channel keeps room for thirty-two of what it carries.
pub(crate) struct Answer {
    pub generation: u64,
    pub sequence: u64,
    pub verdict: Verdict,
}

/// A command on its way, with the way back to its actor.
pub(crate) struct Item {
    pub command: Arc<Command>,
    pub sequence: u64,
    pub generation: u64,
    pub current_generation: Arc<AtomicU64>,
    pub verdicts: UnboundedSender<Box<Answer>>,
    /// When it was decided.
    pub since: Instant,
}

impl Item {
    pub fn is_stale(&self) -> bool {
        self.current_generation.load(Ordering::Acquire) != self.generation
    }

    /// Sends the verdict back. The actor may be gone (it panicked): then nobody waits for it.
    pub fn answer(self, verdict: Verdict) {
        let Self { generation, sequence, verdicts, .. } = self;
        let _ = verdicts.send(Box::new(Answer { generation, sequence, verdict }));
    }
}
