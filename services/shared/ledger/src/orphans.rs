//! 孤儿 · What a ledger did at another's word, and the other no longer knows: after a restore, the effects of entries that were lost.

use std::collections::HashMap;

use uuid::Uuid;

use crate::engine::{self, Sql};
use crate::ledger::{Ledger, store_refusal};
use crate::refusal::Refusal;
use crate::relay::request_id;
use crate::{StreamId, Timestamp};

/// One act at another service's word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// The stream that it was done to.
    pub stream: StreamId,
    /// The stream's version after it.
    pub version: u64,
    /// When.
    pub at: Timestamp,
}

const TOLD: Sql =
    Sql::both("SELECT id, stream, version, at FROM request WHERE principal = $1 AND at >= $2 ORDER BY at, id");

impl Ledger {
    /// What was done here at a service's word since a time, by the request id of each.
    ///
    /// # Errors
    /// `STORE_UNAVAILABLE`.
    pub async fn told_by(&self, service: &str, since: Timestamp) -> Result<HashMap<String, Told>, Refusal> {
        let rows: Vec<(String, Uuid, i64, i64)> = engine::read!(
            &*self.core.db,
            fetch_all,
            (String, Uuid, i64, i64),
            TOLD,
            format!("service:{service}"),
            since.0
        )
        .map_err(store_refusal)?;
        let told = |(id, stream, version, at)| {
            (id, Told { stream: StreamId(stream), version: version as u64, at: Timestamp(at) })
        };
        Ok(rows.into_iter().map(told).collect())
    }

    /// Takes out of what another did at this service's word whatever this ledger's entries told: what is left, no entry told.
    /// `kept_as` is what the other makes of a request id before it keeps it.
    ///
    /// # Errors
    /// `FEED_GAP`, `STORE_UNAVAILABLE`.
    pub async fn strike_told(
        &self,
        told: &mut HashMap<String, Told>,
        kept_as: impl Fn(String) -> String,
    ) -> Result<(), Refusal> {
        let readers: Vec<String> = self.relays().await?.into_iter().map(|relay| relay.reader).collect();
        let mut after = 0;
        while !told.is_empty() {
            let entries = self.feed(after, 1000).await?;
            let Some(last) = entries.last() else { break };
            after = last.position;
            for entry in &entries {
                for reader in &readers {
                    told.remove(&kept_as(request_id(reader, entry)));
                }
            }
        }
        Ok(())
    }
}
