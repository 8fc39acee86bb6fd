//! The load: drafts of applications, each with a request id of its own, sent again until there is an answer, and read back. One
//! draft in ten is sent once more after its answer, which must change nothing, is handed in, and is accepted by a clerk, so
//! that relays are at work whatever happens.

pub mod acks;
pub mod verify;

use std::sync::Arc;
use std::time::Duration;

use anyhow::ensure;
use serde_json::json;
use tokio::sync::mpsc::{Sender, channel};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::sleep;

use crate::doors::Caller;
use acks::{Ack, Files, Kind};

/// The item that every draft is for: one without materials that a person must bring.
const ITEM: &str = "511Z07001006-511602000000-000-11511301008778183N-1-00";

/// Who acts.
#[derive(Clone)]
pub struct People {
    /// Drafts, and hands in.
    pub citizen: Caller,
    /// Accepts.
    pub clerk: Caller,
}

/// How much.
#[derive(Clone, Copy, Debug)]
pub struct Amount {
    /// Writers at once.
    pub writers: usize,
    /// What each rests between two drafts.
    pub rest: Duration,
    /// Of how many drafts one is handed in and accepted.
    pub accepted: u64,
}

impl Default for Amount {
    fn default() -> Self {
        Self { writers: 8, rest: Duration::ZERO, accepted: 10 }
    }
}

/// A load that goes on until it is told to stop.
pub struct Load {
    files: Arc<Files>,
    writers: JoinSet<anyhow::Result<()>>,
    ended: Vec<anyhow::Result<()>>,
    disk: JoinHandle<anyhow::Result<()>>,
}

impl Load {
    /// Begins; what is acknowledged goes to the files.
    pub fn begin(people: &People, files: &Arc<Files>, amount: Amount) -> Self {
        let (sender, receiver) = channel(1024);
        let file = files.clone();
        let disk = tokio::task::spawn_blocking(move || file.write(receiver));
        let mut writers = JoinSet::new();
        for number in 0..amount.writers {
            writers.spawn(work(people.clone(), files.clone(), sender.clone(), number, amount));
        }
        Self { files: files.clone(), writers, ended: Vec::new(), disk }
    }

    /// Whether a writer has ended before it was told to.
    pub fn has_failed(&mut self) -> bool {
        while let Some(ended) = self.writers.try_join_next() {
            self.ended.push(ended.unwrap_or_else(|error| Err(error.into())));
        }
        !self.ended.is_empty()
    }

    /// Has every writer stop after the command at work.
    ///
    /// # Errors
    /// Where one got an answer that it must not get.
    pub async fn end(self) -> anyhow::Result<()> {
        std::fs::write(&self.files.stop, b"")?;
        self.until_told().await
    }

    /// Waits until the stop file is there and all have stopped.
    ///
    /// # Errors
    /// As [`Load::end`].
    pub async fn until_told(mut self) -> anyhow::Result<()> {
        while let Some(ended) = self.writers.join_next().await {
            ended??;
        }
        self.ended.into_iter().collect::<anyhow::Result<()>>()?;
        self.disk.await?
    }
}

async fn work(
    people: People,
    files: Arc<Files>,
    acks: Sender<Ack>,
    writer: usize,
    amount: Amount,
) -> anyhow::Result<()> {
    let mut count = 0_u64;
    while !files.stop.exists() {
        count += 1;
        let request = format!("load-{writer}-{count}");
        let id = draft(&people.citizen, &request).await?;
        acks.send(Ack { kind: Kind::Draft, request: request.clone(), id: id.clone() }).await?;
        if count.is_multiple_of(5) {
            people.citizen.get(&format!("/v1/applications/{id}")).await?;
        }
        if count.is_multiple_of(amount.accepted) {
            let again = draft(&people.citizen, &request).await?;
            acks.send(Ack { kind: Kind::Draft, request: request.clone(), id: again }).await?;
            verb(&people.citizen, &id, "submit", &request).await?;
            verb(&people.clerk, &id, "accept", &request).await?;
            acks.send(Ack { kind: Kind::Accepted, request, id }).await?;
        }
        sleep(amount.rest).await;
    }
    Ok(())
}

/// Opens a draft; its id.
async fn draft(caller: &Caller, request: &str) -> anyhow::Result<String> {
    let applicant = json!({
        "name": "张建国", "documentKind": "DOCUMENT_KIND_RESIDENT_ID", "documentNumber": "511602198503120016",
    });
    let form = json!({ "subject": request });
    let body = json!({ "requestId": request, "itemCode": ITEM, "applicant": applicant, "form": form });
    let answer = caller.post("/v1/applications", &body).await?;
    ensure!(!answer.text("id").is_empty(), "an answer without id: {answer:?}");
    Ok(answer.text("id").to_owned())
}

async fn verb(caller: &Caller, id: &str, verb: &str, request: &str) -> anyhow::Result<()> {
    let body = json!({ "requestId": format!("{request}-{verb}") });
    caller.post(&format!("/v1/applications/{id}:{verb}"), &body).await.map(|_| ())
}
