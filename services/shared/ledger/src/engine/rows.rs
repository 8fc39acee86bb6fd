//! A batch as the rows that it writes, and what each of its commands is told. Both engines write all of a batch or, where
//! something stands in the way of one command, nothing; then they say what stands where, [`judge`] sorts out whom it hits, and
//! the rest is written.
//!
//! Invariant: a verdict other than OK is given only on what was seen under the lock of the head row.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use uuid::Uuid;

use crate::batch::{Command, NewRecord, Verdict};
use crate::{Hash, StreamId, SubjectId, Tag};

/// A stream that the batch touches: where it must stand, and what becomes of it.
pub(super) struct StreamRow<'a> {
    pub stream: Uuid,
    pub expect: i64,
    pub tip: Hash,
    pub after: Option<After<'a>>,
}

/// The record after the batch.
pub(super) struct After<'a> {
    pub version: i64,
    pub tip: Hash,
    pub record: &'a NewRecord,
    /// The last state that is to be stored, and its version; none: what is stored stays, with its schema, if anything is.
    pub state: Option<(&'a [u8], i64)>,
    pub created_at: i64,
    pub updated_at: i64,
}

impl After<'_> {
    /// Of the state that is stored. Where none is, 0, which is no release's: an older one folds the stream from its entry.
    pub fn schema(&self) -> i64 {
        self.state.map_or(0, |_| i64::from(self.record.schema))
    }
}

/// A unique key and the stream that wants it, has it, or gives it up.
pub(super) type KeyRow<'a> = (&'static str, &'a str, Uuid);

/// A tag of a stream of this kind.
pub(super) type TagRow<'a> = (&'static str, &'a Tag, Uuid);

/// All rows of a batch. Of what its commands do one after another, what is so in the end.
#[derive(Default)]
pub(super) struct Rows<'a> {
    /// The commands, each with a request. One that writes nothing (a check) is only looked for.
    pub commands: Vec<&'a Command>,
    pub streams: Vec<StreamRow<'a>>,
    /// Each claim, with its command's place in the batch.
    pub claims: Vec<(usize, KeyRow<'a>)>,
    pub keys_taken: Vec<KeyRow<'a>>,
    pub keys_freed: Vec<KeyRow<'a>>,
    pub tags_set: Vec<TagRow<'a>>,
    pub tags_gone: Vec<TagRow<'a>>,
    pub erased: Vec<&'a SubjectId>,
    /// Streams that begin with this batch.
    new: HashSet<Uuid>,
}

impl<'a> Rows<'a> {
    pub fn of(batch: &'a [Arc<Command>]) -> Self {
        let mut rows = Rows::default();
        let mut places: HashMap<StreamId, usize> = HashMap::new();
        let mut keys: HashMap<(&str, &str), (bool, KeyRow<'a>)> = HashMap::new();
        let mut tags: HashMap<(StreamId, &Tag), (bool, TagRow<'a>)> = HashMap::new();
        for (place, command) in batch.iter().enumerate() {
            rows.commands.push(command);
            let at = *places.entry(command.stream).or_insert_with(|| {
                let (stream, expect, tip) = (command.stream.0, command.expect as i64, command.tip);
                rows.streams.push(StreamRow { stream, expect, tip, after: None });
                rows.streams.len() - 1
            });
            if let Some(record) = &command.record {
                rows.streams[at].add(command, record);
                for (set, tag) in &command.tags {
                    tags.insert((command.stream, tag), (*set, (record.kind, tag, command.stream.0)));
                }
            }
            for (claim, key) in &command.keys {
                let row = (key.scope, key.key.as_str(), command.stream.0);
                rows.claims.extend(claim.then_some((place, row)));
                keys.insert((key.scope, &key.key), (*claim, row));
            }
            rows.erased.extend(&command.erased);
        }
        for (claim, row) in keys.into_values() {
            if claim { rows.keys_taken.push(row) } else { rows.keys_freed.push(row) }
        }
        for (set, row) in tags.into_values() {
            if set { rows.tags_set.push(row) } else { rows.tags_gone.push(row) }
        }
        rows.new = rows.streams.iter().filter(|row| row.expect == 0).map(|row| row.stream).collect();
        rows
    }

    /// Whether the stream begins with this batch, so that nothing of it is there yet.
    pub fn is_new(&self, stream: Uuid) -> bool {
        self.new.contains(&stream)
    }

    /// The entries, in the order of their positions, each with its command.
    pub fn entries(&self) -> impl Iterator<Item = (&'a Command, &'a crate::batch::NewEntry)> {
        self.commands.iter().flat_map(|command| command.entries.iter().map(|entry| (*command, entry)))
    }
}

impl<'a> StreamRow<'a> {
    fn add(&mut self, command: &'a Command, record: &'a NewRecord) {
        let version = command.new_version() as i64;
        let before = self.after.take();
        let state = record.state.as_deref().map(|state| (state, version));
        self.after = Some(After {
            version,
            tip: command.new_tip(),
            record,
            state: state.or(before.as_ref().and_then(|before| before.state)),
            created_at: before.map_or(command.at.0, |before| before.created_at),
            updated_at: command.at.0,
        });
    }
}

/// What stands in the way of a batch.
#[derive(Default)]
pub(super) struct Obstacles {
    /// Requests that were accepted before, by the command's place in the batch.
    pub requests: HashMap<usize, Verdict>,
    /// Streams that are not where the batch takes them from.
    pub streams: HashSet<Uuid>,
    /// Claims on keys that another stream holds, by their place among the claims.
    pub claims: HashSet<usize>,
}

impl Obstacles {
    pub fn is_empty(&self) -> bool {
        self.requests.is_empty() && self.streams.is_empty() && self.claims.is_empty()
    }
}

/// Replayed, skipped behind one that failed, outrun, in another's way, or fine: in this order.
pub(super) fn judge(batch: &[Arc<Command>], rows: &Rows<'_>, obstacles: &Obstacles) -> Vec<Verdict> {
    let mut clashes: HashMap<usize, &str> = HashMap::new();
    for claim in &obstacles.claims {
        let (place, (scope, ..)) = rows.claims[*claim];
        clashes.entry(place).and_modify(|first| *first = scope.min(first)).or_insert(scope);
    }
    let (mut seen, mut broken) = (HashSet::new(), HashSet::new());
    let verdict = |(place, command): (usize, &Arc<Command>)| {
        let first = seen.insert(command.stream);
        let verdict = if let Some(replay) = obstacles.requests.get(&place) {
            replay.clone()
        } else if broken.contains(&command.stream) {
            Verdict::Skipped
        } else if first && obstacles.streams.contains(&command.stream.0) {
            Verdict::Version
        } else if let Some(scope) = clashes.get(&place) {
            Verdict::Unique { scope: (*scope).to_owned() }
        } else {
            Verdict::Ok
        };
        if verdict != Verdict::Ok {
            broken.insert(command.stream);
        }
        verdict
    };
    batch.iter().enumerate().map(verdict).collect()
}

/// A request that was accepted before, as the store has it.
pub(super) fn replay(stream: Uuid, version: i64, fingerprint: &[u8], hash: &[u8]) -> Result<Verdict, sqlx::Error> {
    let hash_of =
        |bytes| Hash::from_slice(bytes).ok_or_else(|| sqlx::Error::Decode("a hash that is not 32 bytes".into()));
    let (fingerprint, hash) = (hash_of(fingerprint)?, hash_of(hash)?);
    Ok(Verdict::Replay { stream: StreamId(stream), version: version as u64, fingerprint, hash })
}
