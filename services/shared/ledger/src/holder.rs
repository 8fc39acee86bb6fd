//! Who holds a unique key: asked of the store together with others, and remembered.
//!
//! Invariant: what is remembered is a guess. A record that was found by it is the answer only where, as it stands in the store,
//! it holds the key; and no two records hold one.

use std::collections::HashMap;

use moka::sync::Cache;
use uuid::Uuid;

use crate::engine::{Reader, Sql};
use crate::gather::{Gather, Lookup};
use crate::ledger::Core;
use crate::snapshot::{Snapshot, is_of_one_stream};
use crate::{Aggregate, Refusal, StreamId};

/// Scope and key.
type Key = (String, String);

/// Keys whose holders are remembered.
const REMEMBERED: u64 = 20_000;

const HOLDERS: Sql = Sql {
    pg: "SELECT u.scope, u.key, u.stream FROM unnest($1::text[], $2::text[]) AS k (scope, key)
         JOIN unique_key u ON u.scope = k.scope AND u.key = k.key",
    lite: "SELECT u.scope, u.key, u.stream FROM json_each($1) AS k
         JOIN unique_key u ON u.scope = k.value ->> 0 AND u.key = k.value ->> 1",
};

/// Streams by the keys that they hold.
pub(crate) struct ByKey;

impl Lookup for ByKey {
    type Key = Key;
    type Row = Uuid;
    const LANES: usize = 1;

    async fn ask(reader: &mut Reader, keys: &[Key]) -> Result<HashMap<Key, Uuid>, sqlx::Error> {
        let rows: Vec<(String, String, Uuid)> = match reader {
            Reader::Pg(connection) => {
                let (scopes, keys): (Vec<&str>, Vec<&str>) =
                    keys.iter().map(|(scope, key)| (scope.as_str(), key.as_str())).unzip();
                sqlx::query_as(HOLDERS.pg).bind(scopes).bind(keys).fetch_all(connection).await?
            }
            Reader::Lite(connection) => {
                sqlx::query_as(HOLDERS.lite).bind(serde_json::json!(keys).to_string()).fetch_all(connection).await?
            }
        };
        Ok(rows.into_iter().map(|(scope, key, stream)| ((scope, key), stream)).collect())
    }
}

/// See the module's page.
pub(crate) struct Holders {
    asked: Gather<ByKey>,
    remembered: Cache<Key, StreamId>,
}

impl Holders {
    pub fn new(asked: Gather<ByKey>) -> Self {
        Self { asked, remembered: Cache::new(REMEMBERED) }
    }
}

impl Core {
    /// The record that holds a key, as committed.
    pub(crate) async fn holder<A: Aggregate>(&self, scope: &str, key: &str) -> Result<Option<Snapshot<A>>, Refusal> {
        let asked = (scope.to_owned(), key.to_owned());
        if let Some(stream) = self.holders.remembered.get(&asked) {
            match self.load::<A>(stream).await {
                Ok(Some(found)) if found.keys.iter().any(|held| held.scope == scope && held.key == key) => {
                    return Ok(Some(found));
                }
                Ok(_) => {}
                // it may have given the key up before
                Err(refusal) if is_of_one_stream(&refusal) => {}
                Err(refusal) => return Err(refusal),
            }
        }
        let Some(stream) = self.holders.asked.get(asked.clone()).await.map_err(crate::store_refusal)? else {
            return Ok(None);
        };
        self.holders.remembered.insert(asked, StreamId(stream));
        self.load(StreamId(stream)).await
    }
}
