//! Identifiers and quantities of the ledger, each a type of its own so that none is taken for another.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;
use yiwang_standards::sm;

use crate::Refusal;

/// Microseconds since 1970-01-01T00:00:00Z of **legal time**.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// Later than every date of the law: "never due".
    pub const NEVER: Timestamp = Timestamp(i64::MAX);
}

/// An SM3 hash: of an entry, of a request, of a subject's number.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash(pub [u8; 32]);

impl Hash {
    /// What the first entry of a stream points back to.
    pub const ZERO: Hash = Hash([0; 32]);

    /// Reads 32 bytes from storage.
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Hash)
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// The identity of a stream, and so of the aggregate whose history it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StreamId(pub Uuid);

impl StreamId {
    /// The stream with a name of its own, such as a register of an organ and year: the same name gives the same
    /// stream on every machine. (A UUID of version 8 from SM3 over kind and name.)
    pub fn named(kind: &str, name: &str) -> Self {
        let mut text = Vec::with_capacity(kind.len() + name.len() + 1);
        text.extend_from_slice(kind.as_bytes());
        text.push(0);
        text.extend_from_slice(name.as_bytes());
        let digest = sm::sm3(&text);
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&digest[..16]);
        StreamId(uuid::Builder::from_custom_bytes(bytes).into_uuid())
    }

    /// Parses an id that came from outside; the refusal names the field.
    pub fn parse(field: &str, text: &str) -> Result<Self, Refusal> {
        Uuid::from_str(text)
            .map(StreamId)
            .map_err(|_| Refusal::field(field, "ID_MALFORMED", "编号格式不正确", "not an id of this suite (a UUID)"))
    }
}

impl fmt::Display for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
