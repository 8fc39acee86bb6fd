//! What a handler of this process has in hand: an act has been written and the handler is taking the steps that follow it. The
//! relay that completes what a crash left undone waits for it, instead of taking the same steps beside it.
//!
//! Invariant: nothing depends on it. Two who take a step take it once, for both use one request id; this only spares the store
//! the second try.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use crate::engine::{self, Sql};
use crate::ledger::{Ledger, store_refusal};
use crate::{Refusal, StreamId};

/// A handler takes no longer, or the relay does what is left.
const PATIENCE: Duration = Duration::from_secs(3);

const ACCEPTED: Sql = Sql::both("SELECT count(*) FROM request WHERE principal = 'system' AND id = $1");

/// Streams in hand: how often, and whoever waits.
#[derive(Default)]
pub(crate) struct Hands(Mutex<HashMap<StreamId, (usize, watch::Sender<()>)>>);

impl Hands {
    fn all(&self) -> MutexGuard<'_, HashMap<StreamId, (usize, watch::Sender<()>)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A stream in hand, until it is dropped.
pub struct Hand {
    ledger: Ledger,
    stream: StreamId,
}

impl Drop for Hand {
    fn drop(&mut self) {
        if let Entry::Occupied(mut held) = self.ledger.core.hands.all().entry(self.stream) {
            held.get_mut().0 -= 1;
            if held.get().0 == 0 {
                held.remove();
            }
        }
    }
}

impl Ledger {
    /// Takes a stream in hand, for the steps that follow an act.
    #[must_use]
    pub fn in_hand(&self, stream: StreamId) -> Hand {
        self.core.hands.all().entry(stream).or_insert_with(|| (0, watch::channel(()).0)).0 += 1;
        Hand { ledger: self.clone(), stream }
    }

    /// Waits until no handler of this process has the stream in hand, three seconds at most.
    pub async fn out_of_hand(&self, stream: StreamId) {
        let held = self.core.hands.all().get(&stream).map(|(_, let_go)| let_go.subscribe());
        if let Some(mut held) = held {
            let _ = tokio::time::timeout(PATIENCE, held.changed()).await;
        }
    }

    /// Whether a command of the system itself ([`crate::Call::system`]) was accepted under this request id.
    ///
    /// # Errors
    /// `STORE_UNAVAILABLE`.
    pub async fn was_accepted(&self, request_id: &str) -> Result<bool, Refusal> {
        let (count,): (i64,) =
            engine::read!(&*self.core.db, fetch_one, (i64,), ACCEPTED, request_id).map_err(store_refusal)?;
        Ok(count > 0)
    }
}
