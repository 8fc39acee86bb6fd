//! What a service says of one of its aggregates; everything else is the ledger's.

use std::sync::Arc;

use serde::{Serialize, de::DeserializeOwned};
use yiwang_standards::calendar::Calendar;

use crate::{Hash, Refusal, StreamId, SubjectId, Timestamp};

/// The circumstances of an event, as written in its entry.
#[derive(Clone, Debug)]
pub struct Meta {
    /// Legal time of the event. Never runs back within a stream.
    pub at: Timestamp,
    /// Who acted: `person:…`, `staff:…`, `service:…`, `system`.
    pub actor: String,
    /// The stream's version after the event, from 1.
    pub version: u64,
}

/// What a rule may know besides the state and the command: no rule reads a clock, draws a number or asks a database.
#[derive(Clone)]
pub struct Context {
    /// Legal time.
    pub now: Timestamp,
    /// Who acts, as it will stand in the entry.
    pub actor: String,
    /// Version of the stream that is decided on; 0 before its first entry.
    pub version: u64,
    /// The working-day calendar in force.
    pub calendar: Arc<Calendar>,
    /// Unpredictable bytes for this command, the same whenever it is decided again.
    pub seed: [u8; 32],
}

/// What a rule answers: events (none: there is nothing to do, and that is fine), or a refusal.
pub type Decision<E> = Result<Vec<E>, Refusal>;

/// The columns by which records are counted and found by machines; never personal data.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Index {
    /// GB/T 2260 region code.
    pub region: String,
    /// Code of the organ that answers for it.
    pub organisation: String,
    /// Keyed hash of the holder (a `SubjectId`), or the organ's own code.
    pub owner: String,
    /// Item code.
    pub item: String,
    /// The state's name.
    pub status: String,
    /// When the ledger's timer must look at this stream again.
    pub due_at: Option<Timestamp>,
}

impl Index {
    /// When it is due, as stored: the largest number where it never is.
    pub(crate) fn due_or_never(&self) -> i64 {
        self.due_at.map_or(i64::MAX, |due| due.0)
    }
}

/// A word by which a record is listed. The tag named [`Tag::AUDIENCE`] says who sees it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag {
    /// Name of the tag, `audience`, `status`, `gram`.
    pub name: &'static str,
    /// Its value.
    pub value: String,
    /// Lists are in ascending order of this text, then of the stream. At most 64 bytes.
    pub sort: String,
}

impl Tag {
    /// Who sees the record: `org:<code>`, `window:<region>`, `region:<code>`, `person:<subject>`, `partner:<id>`, `public`.
    pub const AUDIENCE: &'static str = "audience";
    /// Set by the ledger itself on every record that has an audience.
    pub(crate) const EVERY: &'static str = "every";

    /// A tag.
    pub fn new(name: &'static str, value: impl Into<String>, sort: impl Into<String>) -> Self {
        Self { name, value: value.into(), sort: sort.into() }
    }

    /// A sort text that lists the newest first.
    pub fn newest_first(at: Timestamp) -> String {
        format!("{:016x}", u64::MAX - at.0.unsigned_abs())
    }
}

/// A key that only one stream of the service may hold at a time. Released when the state no longer names it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UniqueKey {
    /// What is unique, in capitals as in the refusal: `CASE_NUMBER`.
    pub scope: &'static str,
    /// Its value; a keyed hash where it would be personal data.
    pub key: String,
}

/// An aggregate: its state, its events, and what is derived from the state. All of it pure.
pub trait Aggregate: Default + Clone + Serialize + DeserializeOwned + Send + Sync + 'static {
    /// Name of the aggregate in the ledger, `application`. Never changed once released.
    const KIND: &'static str;
    /// Shape of the stored state; another number makes the ledger fold the stream anew.
    const SCHEMA: i32 = 1;
    /// Whether an entry makes the whole state, whatever came before: then how a long stream stood at a version, as a repeated
    /// request is answered, is read from that one entry.
    const STANDALONE: bool = false;
    /// An enum with one variant an event, `derive(Serialize, Deserialize, strum::IntoStaticStr)`, externally tagged
    /// (serde's default). Variants are never changed, only added to with `#[serde(default)]` fields.
    type Event: Serialize + DeserializeOwned + Clone + Send + Sync + 'static + EventName;

    /// The state after the event. Total: an event that was written is true.
    fn evolve(&mut self, event: &Self::Event, meta: &Meta);
    /// The columns.
    fn index(&self) -> Index;
    /// The tags, audiences among them.
    fn tags(&self) -> Vec<Tag>;
    /// The unique keys.
    fn keys(&self) -> Vec<UniqueKey> {
        Vec::new()
    }
    /// The person whose data this event erases, if it does.
    fn erases(_event: &Self::Event) -> Option<SubjectId> {
        None
    }
    /// Brings the body of an older release into today's shape before it is decoded; gets the entry's kind and every body of
    /// it, today's among them. None where no event has changed otherwise than by `#[serde(default)]` fields.
    const UPCAST: Option<fn(&str, serde_json::Value) -> serde_json::Value> = None;
}

/// The name of an event's variant; comes with `derive(strum::IntoStaticStr)`.
pub trait EventName {
    /// `Submitted`.
    fn name(&self) -> &'static str;
}

impl<E> EventName for E
where
    for<'a> &'a E: Into<&'static str>,
{
    fn name(&self) -> &'static str {
        self.into()
    }
}

/// Who calls, with what right to be heard once: the shell of a command, made by the kit from the request.
#[derive(Clone, Debug)]
pub struct Call {
    /// Whose request ids these are: the token's subject.
    pub principal: String,
    /// Who acts, written in the entry. The principal, or for a relay the actor of the source's entry.
    pub actor: String,
    /// The caller's id for this request, 1 to 128 visible ASCII characters.
    pub request_id: String,
    /// Keyed hash over RPC, target and command: the same id with another one is refused.
    pub fingerprint: Hash,
    /// The version the caller has seen, where it said so.
    pub expected_version: Option<u64>,
    /// Nobody waits any more after this moment: not decided then.
    pub deadline: Option<tokio::time::Instant>,
    /// Trace id, 32 hex digits.
    pub trace: String,
    /// Unpredictable bytes for the rule.
    pub seed: [u8; 32],
}

/// What became of a command that was accepted.
#[derive(Clone, Debug)]
pub struct Committed<A> {
    /// The stream.
    pub stream: StreamId,
    /// The state right after the command.
    pub state: Arc<A>,
    /// The stream's version right after the command.
    pub version: u64,
    /// Hash of the last entry of the command (of the stream's tip where it wrote none).
    pub hash: Hash,
    /// When the last entry was made.
    pub at: Timestamp,
    /// True where this is the answer of an earlier, identical request.
    pub replayed: bool,
}
