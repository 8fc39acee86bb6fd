//! 验证公钥: the public half of each key that ever signed, so that old licences verify after the key was changed.

use serde::{Deserialize, Serialize};
use yiwang_ledger::{Aggregate, Context, Decision, Index, Meta, StreamId, Tag, Timestamp};

/// A public key; its stream is named by its id.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Key {
    /// The key's id; empty before the first entry.
    pub key_id: String,
    /// SubjectPublicKeyInfo, PEM.
    pub pem: String,
    /// Since when it signs.
    pub since: Timestamp,
}

/// What happens to a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr, strum::VariantNames)]
pub enum Event {
    /// The key began to sign.
    Introduced {
        /// Its id.
        key_id: String,
        /// Its public half, PEM.
        pem: String,
    },
}

impl Aggregate for Key {
    const KIND: &'static str = "signing_key";
    type Event = Event;

    fn evolve(&mut self, event: &Event, meta: &Meta) {
        let Event::Introduced { key_id, pem } = event;
        *self = Key { key_id: key_id.clone(), pem: pem.clone(), since: meta.at };
    }

    fn index(&self) -> Index {
        Index::default()
    }

    fn tags(&self) -> Vec<Tag> {
        Vec::new()
    }
}

/// The key's stream.
pub fn stream(key_id: &str) -> StreamId {
    StreamId::named(Key::KIND, key_id)
}

/// Introduces a key once.
pub fn introduce(key: &Key, key_id: &str, pem: &str, _cx: &Context) -> Decision<Event> {
    if key.key_id == key_id {
        return Ok(Vec::new());
    }
    Ok(vec![Event::Introduced { key_id: key_id.to_owned(), pem: pem.to_owned() }])
}
