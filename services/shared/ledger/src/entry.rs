//! An entry: one event as written, and the hash that ties it to the one before it.

use yiwang_standards::sm::{Sm3, sm3};

use crate::archive::left_behind;
use crate::{Aggregate, Hash, StreamId, Timestamp};

/// One entry of the ledger. Never changed, never removed; its body may move to an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Place in the ledger's one order, from 1, without gaps.
    pub position: u64,
    /// The stream it belongs to.
    pub stream: StreamId,
    /// The stream's version after it, from 1.
    pub version: u64,
    /// The aggregate's [`Aggregate::KIND`].
    pub aggregate: String,
    /// The event's name.
    pub kind: String,
    /// The event as written; personal values in it are sealed. Empty where it was archived.
    pub body: Vec<u8>,
    /// The hash of the body, where that has left for an archive.
    pub archived: Option<Hash>,
    /// Who acted.
    pub actor: String,
    /// Legal time of the act.
    pub at: Timestamp,
    /// Whose request it was.
    pub principal: String,
    /// The request's id.
    pub request: String,
    /// Trace id of the request.
    pub trace: String,
    /// Hash of the stream's entry before it; zero for the first.
    pub prev: Hash,
    /// Hash of this entry.
    pub hash: Hash,
}

impl Entry {
    /// Whether it belongs to an aggregate of this kind.
    pub fn is<A: Aggregate>(&self) -> bool {
        self.aggregate == A::KIND
    }

    /// Whether its body has left.
    pub fn is_archived(&self) -> bool {
        self.archived.is_some()
    }

    /// The hash that the entry must have; see [`hash_of`].
    pub fn expected_hash(&self) -> Hash {
        let kind = stored_kind(&self.aggregate, &self.kind);
        hash_of(
            self.prev,
            self.stream,
            self.version,
            &kind,
            self.at,
            (&self.actor, &self.principal, &self.request),
            self.archived.unwrap_or_else(|| Hash(sm3(&self.body))),
        )
    }
}

/// `<aggregate>.<Event>`, as it stands in the table and in the hash.
pub(crate) fn stored_kind(aggregate: &str, event: &str) -> String {
    format!("{aggregate}.{event}")
}

/// SM3 over the previous hash and every fact of the entry, each with its length before it, without the position (which
/// the store gives) and without the trace id (which proves nothing). The body enters as its own hash, so that a reader
/// who may not see the body can check the chain.
pub(crate) fn hash_of(
    prev: Hash,
    stream: StreamId,
    version: u64,
    kind: &str,
    at: Timestamp,
    (actor, principal, request): (&str, &str, &str),
    body: Hash,
) -> Hash {
    let mut hasher = Sm3::new();
    hasher.update_prefixed(&prev.0);
    hasher.update_prefixed(stream.0.as_bytes());
    hasher.update_prefixed(&version.to_be_bytes());
    hasher.update_prefixed(kind.as_bytes());
    hasher.update_prefixed(&at.0.to_be_bytes());
    hasher.update_prefixed(actor.as_bytes());
    hasher.update_prefixed(principal.as_bytes());
    hasher.update_prefixed(request.as_bytes());
    hasher.update_prefixed(&body.0);
    Hash(hasher.finalize())
}

/// A row of the table, the same on both engines.
#[derive(sqlx::FromRow)]
pub(crate) struct EntryRow {
    position: i64,
    stream: uuid::Uuid,
    version: i64,
    kind: String,
    body: Vec<u8>,
    actor: String,
    at: i64,
    principal: String,
    request: String,
    trace: String,
    prev: Vec<u8>,
    hash: Vec<u8>,
}

impl From<EntryRow> for Entry {
    fn from(row: EntryRow) -> Self {
        let archived = left_behind(&row.body);
        let (aggregate, kind) = row.kind.split_once('.').unwrap_or(("", &row.kind));
        Entry {
            position: row.position as u64,
            stream: StreamId(row.stream),
            version: row.version as u64,
            aggregate: aggregate.to_owned(),
            kind: kind.to_owned(),
            body: if archived.is_some() { Vec::new() } else { row.body },
            archived,
            actor: row.actor,
            at: Timestamp(row.at),
            principal: row.principal,
            request: row.request,
            trace: row.trace,
            // a hash of another length was never written by us: it fails every check as zero
            prev: Hash::from_slice(&row.prev).unwrap_or_default(),
            hash: Hash::from_slice(&row.hash).unwrap_or_default(),
        }
    }
}
