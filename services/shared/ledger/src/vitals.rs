//! How a ledger is doing, read off the store when somebody asks: for metrics and for operators.

use crate::Timestamp;
use crate::engine::{self, Db, Sql};
use crate::ledger::{Ledger, store_refusal};
use crate::refusal::Refusal;
use crate::resume::Standing;

/// See [`Ledger::vitals`].
#[derive(Clone, Debug, Default)]
pub struct Vitals {
    /// Position of the last entry.
    pub position: u64,
    /// Commands that wait for the writer of this process.
    pub queue: u64,
    /// Each relay of the service.
    pub relays: Vec<RelayVitals>,
    /// Each kind of record that has a due date.
    pub due: Vec<DueVitals>,
    /// Connections to PostgreSQL at work, in this process.
    pub pool_used: u64,
    /// Those that wait for work.
    pub pool_idle: u64,
}

/// How a relay is doing.
#[derive(Clone, Debug)]
pub struct RelayVitals {
    /// Its name.
    pub name: String,
    /// Entries after its cursor.
    pub lag_entries: u64,
    /// Age of the first of them, in seconds of legal time; 0 where there is none.
    pub lag_seconds: f64,
    /// Streams that wait beside the cursor.
    pub parked: u64,
    /// It goes no further, on whichever replica: its feed has a gap or was rewound.
    pub halted: bool,
}

/// What falls due of a kind of record.
#[derive(Clone, Debug)]
pub struct DueVitals {
    /// The aggregate.
    pub kind: String,
    /// Due within a day.
    pub within_a_day: u64,
    /// Due before now.
    pub overdue: u64,
}

const RELAYS: Sql = Sql::both(
    "SELECT m.reader, m.position, (SELECT count(*) FROM cursor p WHERE p.reader = m.reader AND p.stream <> $1),
            coalesce((SELECT e.at FROM entry e WHERE e.position = m.position + 1), 0)
     FROM cursor m WHERE m.stream = $1 ORDER BY m.reader",
);
const DUE: Sql = Sql::both(
    "SELECT kind, count(*) FILTER (WHERE due_at >= $1), count(*) FILTER (WHERE due_at < $1)
     FROM record WHERE due_at < $2 GROUP BY kind ORDER BY kind",
);
const DAY: i64 = 86_400_000_000;

impl Ledger {
    /// How this ledger is doing.
    ///
    /// # Errors
    /// `STORE_UNAVAILABLE`.
    pub async fn vitals(&self) -> Result<Vitals, Refusal> {
        let halted = self.halted().await?;
        self.read_vitals(&halted).await.map_err(store_refusal)
    }

    async fn read_vitals(&self, halted: &[Standing]) -> Result<Vitals, sqlx::Error> {
        let (core, db) = (&self.core, &*self.core.db);
        let (head, now) = (core.head().await?, core.host.now());
        let relays: Vec<(String, i64, i64, i64)> =
            engine::read!(db, fetch_all, (String, i64, i64, i64), RELAYS, uuid::Uuid::nil())?;
        let due: Vec<(String, i64, i64)> =
            engine::read!(db, fetch_all, (String, i64, i64), DUE, now.0, now.0.saturating_add(DAY))?;
        let (pool_used, pool_idle) = match db {
            Db::Pg(lanes) => lanes.used_and_idle(),
            Db::Lite { .. } => (0, 0),
        };
        let relay = |(name, position, parked, first): (String, i64, i64, i64)| RelayVitals {
            lag_entries: head.position.saturating_sub(position as u64),
            lag_seconds: if first == 0 { 0.0 } else { seconds_between(Timestamp(first), now) },
            parked: parked as u64,
            halted: halted.iter().any(|one| one.reader == name),
            name,
        };
        let kind = |(kind, soon, over): (String, i64, i64)| DueVitals {
            kind,
            within_a_day: soon as u64,
            overdue: over as u64,
        };
        Ok(Vitals {
            position: head.position,
            queue: (core.writer.max_capacity() - core.writer.capacity()) as u64,
            relays: relays.into_iter().map(relay).collect(),
            due: due.into_iter().map(kind).collect(),
            pool_used,
            pool_idle,
        })
    }
}

fn seconds_between(earlier: Timestamp, later: Timestamp) -> f64 {
    later.0.saturating_sub(earlier.0).max(0) as f64 / 1e6
}
