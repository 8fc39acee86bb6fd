//! Point reads that arrive together go as one query. Nobody waits on purpose: whoever comes while a query is under way is in
//! the next one, with those who are about to come. A query is the cost, not the row, so that reads, like writes, get cheaper as
//! they get more.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, mpsc, oneshot};
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

use crate::engine::{Db, Failure, Reader, classify, connected};

/// What one query can look up, by many keys at once.
pub(crate) trait Lookup: 'static {
    /// What is looked for.
    type Key: Clone + Eq + Hash + Send + Sync + 'static;
    /// What is found.
    type Row: Clone + Send + 'static;
    /// Queries at a time, each on a connection of its own.
    const LANES: usize;

    /// The rows that there are.
    fn ask(
        reader: &mut Reader,
        keys: &[Self::Key],
    ) -> impl Future<Output = Result<HashMap<Self::Key, Self::Row>, sqlx::Error>> + Send;
}

/// Keys a query.
const MOST: usize = 256;
const QUEUE: usize = 4096;

struct Waiting<L: Lookup> {
    key: L::Key,
    reply: oneshot::Sender<Result<Option<L::Row>, Arc<sqlx::Error>>>,
}

/// See the module's page.
pub(crate) struct Gather<L: Lookup> {
    queue: mpsc::Sender<Waiting<L>>,
}

impl<L: Lookup> Gather<L> {
    /// Starts the lanes; they end with this. Nothing is connected before the first read.
    pub fn new(db: &Arc<Db>, tasks: &TaskTracker) -> Self {
        let (queue, waiting) = mpsc::channel(QUEUE);
        let waiting = Arc::new(Mutex::new(waiting));
        for _ in 0..L::LANES {
            tasks.spawn(lane::<L>(db.clone(), waiting.clone()));
        }
        Self { queue }
    }

    /// What stands under a key, as committed when this was called or later.
    pub async fn get(&self, key: L::Key) -> Result<Option<L::Row>, sqlx::Error> {
        let (reply, answer) = oneshot::channel();
        self.queue.send(Waiting { key, reply }).await.map_err(|_| sqlx::Error::PoolClosed)?;
        let answer = answer.await.map_err(|_| sqlx::Error::WorkerCrashed)?;
        answer.map_err(|shared| sqlx::Error::Io(std::io::Error::other(shared)))
    }
}

async fn lane<L: Lookup>(db: Arc<Db>, queue: Arc<Mutex<mpsc::Receiver<Waiting<L>>>>) {
    let mut reader = None;
    loop {
        let mut waiting = Vec::new();
        {
            let mut queue = queue.lock().await;
            if queue.recv_many(&mut waiting, MOST).await == 0 {
                return;
            }
            // tasks that can go on mostly do so first, and many of them are on their way here
            tokio::task::yield_now().await;
            while waiting.len() < MOST
                && let Ok(one) = queue.try_recv()
            {
                waiting.push(one);
            }
        }
        let keys: HashSet<L::Key> = waiting.iter().map(|one| one.key.clone()).collect();
        let found = ask::<L>(&db, &mut reader, &Vec::from_iter(keys)).await.map_err(Arc::new);
        for Waiting { key, reply } in waiting {
            let answer = found.as_ref().map(|rows| rows.get(&key).cloned()).map_err(Arc::clone);
            let _ = reply.send(answer);
        }
    }
}

/// A store that is away for a moment (a restart, a failover) is waited for, as long as whoever asks has patience.
async fn connect(db: &Db) -> Result<Reader, sqlx::Error> {
    let mut pause = Duration::from_millis(10);
    loop {
        match db.reader().await {
            Err(error) if classify(&error) == Failure::InDoubt => {
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(Duration::from_millis(500));
            }
            answer => return answer,
        }
    }
}

/// On a connection that went bad while nobody used it the question is asked once more, on a new one. With the connection is kept
/// when it last gave an answer.
async fn ask<L: Lookup>(
    db: &Db,
    reader: &mut Option<(Reader, Instant)>,
    keys: &[L::Key],
) -> Result<HashMap<L::Key, L::Row>, sqlx::Error> {
    loop {
        let used = reader.take();
        let heard = used.as_ref().map(|(_, heard)| *heard);
        let mut open = match used {
            Some((open, _)) => open,
            None => connected(connect(db)).await?,
        };
        let asked = async { L::ask(&mut open, keys).await.map(|found| (open, found)) };
        let error = match db.in_time(heard.unwrap_or_else(Instant::now), asked).await {
            Ok((open, found)) => {
                *reader = Some((open, Instant::now()));
                return Ok(found);
            }
            Err(error) => error,
        };
        if heard.is_none() || classify(&error) != Failure::InDoubt {
            return Err(error);
        }
    }
}
