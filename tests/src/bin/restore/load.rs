//! A little load, and what was acknowledged when: drafts, every fourth of them accepted, and files.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{bail, ensure};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use yiwang_tests::api::{Answer, Api};
use yiwang_tests::process::Server;

/// One without materials that a person must bring.
const ITEM: &str = "511Z07001006-511602000000-000-11511301008778183N-1-00";
/// One with a floor plan.
const WITH_PLAN: &str = "511A0015500009-511602000000-000-115113016823646795-1-00";
const WRITERS: u32 = 4;

/// What an acknowledged command did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Opened a draft.
    Drafted,
    /// Accepted the application: a case of approval must come of it.
    Accepted,
    /// Gave the draft a file.
    Filed,
}

/// One acknowledged command.
#[derive(Clone, Debug)]
pub struct Ack {
    /// What it did.
    pub act: Act,
    /// To which application.
    pub id: String,
    /// When it was sent first.
    pub sent: Instant,
    /// When its answer had come.
    pub acknowledged: Instant,
}

/// Writers at work.
pub struct Load {
    acks: Arc<Mutex<Vec<Ack>>>,
    stop: Arc<AtomicBool>,
    writers: JoinSet<anyhow::Result<()>>,
}

/// Request ids are never used twice, whoever writes.
static RUNS: AtomicU32 = AtomicU32::new(0);

impl Load {
    /// Starts writing.
    pub fn start(server: &Server) -> anyhow::Result<Self> {
        let (acks, stop, mut writers) = (Arc::default(), Arc::<AtomicBool>::default(), JoinSet::new());
        let run = RUNS.fetch_add(1, Ordering::SeqCst);
        for number in 0..WRITERS {
            let (citizen, clerk) = (server.api_as("citizen")?, server.api_as("clerk")?);
            let writer = Writer { citizen, clerk, acks: Arc::clone(&acks), name: format!("{run}-{number}") };
            let stop = stop.clone();
            writers.spawn(async move {
                let mut count = 0;
                while !stop.load(Ordering::SeqCst) {
                    count += 1;
                    writer.write(count).await?;
                }
                Ok(())
            });
        }
        Ok(Self { acks, stop, writers })
    }

    /// Waits until so many more applications were accepted.
    pub async fn accepts(&mut self, more: usize) -> anyhow::Result<()> {
        let acks = Arc::clone(&self.acks);
        let accepted = || locked(&acks).iter().filter(|ack| ack.act == Act::Accepted).count();
        let wanted = accepted() + more;
        while accepted() < wanted {
            sleep(Duration::from_millis(20)).await;
            if let Some(ended) = self.writers.try_join_next() {
                ended??;
                bail!("a writer ended early");
            }
        }
        Ok(())
    }

    /// Ends when every command that was sent has its answer; what was acknowledged.
    pub async fn end(mut self) -> anyhow::Result<Vec<Ack>> {
        self.stop.store(true, Ordering::SeqCst);
        while let Some(ended) = self.writers.join_next().await {
            ended??;
        }
        Ok(locked(&self.acks).clone())
    }
}

struct Writer {
    citizen: Api,
    clerk: Api,
    acks: Arc<Mutex<Vec<Ack>>>,
    name: String,
}

impl Writer {
    async fn write(&self, count: u32) -> anyhow::Result<()> {
        let request = format!("restore-{}-{count}", self.name);
        let with_plan = count % 4 == 2;
        let sent = Instant::now();
        let applicant = json!({
            "name": "张建国", "documentKind": "DOCUMENT_KIND_RESIDENT_ID", "documentNumber": "511602198503120016",
        });
        let item = if with_plan { WITH_PLAN } else { ITEM };
        let body =
            json!({"requestId": request, "itemCode": item, "applicant": applicant, "form": {"subject": request}});
        let id = answered(&self.citizen, "/v1/applications", &body).await?.text("id").to_owned();
        ensure!(!id.is_empty(), "an answer without id");
        self.acknowledge(Act::Drafted, &id, sent);
        if with_plan {
            let sent = Instant::now();
            let path = format!(
                "/v1/applications/{id}/attachments?request_id={request}-file&material_code=floor_plan&file_name=plan.pdf"
            );
            let upload = self.citizen.request(Method::POST, &path).header("content-type", "application/pdf");
            let answer = self.citizen.send(upload.body(format!("%PDF-1.4\n% {request}\n%%EOF\n"))).await?;
            ensure!(answer.status == 200, "{path}: {answer:?}");
            self.acknowledge(Act::Filed, &id, sent);
        }
        if count.is_multiple_of(4) {
            self.verb(&self.citizen, &id, "submit", &request).await?;
            let sent = Instant::now();
            self.verb(&self.clerk, &id, "accept", &request).await?;
            self.acknowledge(Act::Accepted, &id, sent);
        }
        Ok(())
    }

    async fn verb(&self, api: &Api, id: &str, verb: &str, request: &str) -> anyhow::Result<Answer> {
        let body = json!({"requestId": format!("{request}-{verb}")});
        answered(api, &format!("/v1/applications/{id}:{verb}"), &body).await
    }

    fn acknowledge(&self, act: Act, id: &str, sent: Instant) {
        let ack = Ack { act, id: id.to_owned(), sent, acknowledged: Instant::now() };
        locked(&self.acks).push(ack);
    }
}

fn locked(acks: &Mutex<Vec<Ack>>) -> MutexGuard<'_, Vec<Ack>> {
    acks.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Sends the same request until there is an answer.
async fn answered(api: &Api, path: &str, body: &Value) -> anyhow::Result<Answer> {
    loop {
        match api.post(path, body).await {
            Ok(answer) if answer.status == 200 => return Ok(answer),
            Ok(answer) if !answer.may_retry() => bail!("{path} {body}: {answer:?}"),
            Ok(_) | Err(_) => sleep(Duration::from_millis(25)).await,
        }
    }
}
