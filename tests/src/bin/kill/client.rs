//! The load: drafts of applications, each with a request id of its own, sent again until there is an answer. One draft in
//! ten is sent once more after its answer, which must change nothing, is handed in, and is accepted by a clerk, so that
//! relays are at work when the server dies.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{bail, ensure};
use serde_json::{Value, json};
use tokio::sync::mpsc::{Sender, channel};
use tokio::task::JoinSet;
use tokio::time::sleep;
use yiwang_tests::api::{Answer, Api};

use crate::acks::{Ack, Files, Kind};

/// The item that every draft is for: one without materials that a person must bring.
const ITEM: &str = "511Z07001006-511602000000-000-11511301008778183N-1-00";

/// The load.
#[derive(clap::Args)]
pub struct Client {
    /// Where the server listens, over all its lives.
    #[arg(long)]
    base: String,
    /// Where acknowledgements go.
    #[arg(long)]
    folder: PathBuf,
    /// Writers at once.
    #[arg(long)]
    writers: usize,
    /// Whose drafts they are.
    #[arg(long, env = "YIWANG_CITIZEN")]
    citizen: String,
    /// Who accepts.
    #[arg(long, env = "YIWANG_CLERK")]
    clerk: String,
}

impl Client {
    pub async fn run(self) -> anyhow::Result<()> {
        let files = Arc::new(Files::in_folder(&self.folder)?);
        let api = Api::new(&self.base);
        let people = People { citizen: api.with_token(&self.citizen), clerk: api.with_token(&self.clerk) };
        let (sender, receiver) = channel(1024);
        let disk = files.clone();
        let writer = tokio::task::spawn_blocking(move || disk.write(receiver));
        let mut writers = JoinSet::new();
        for number in 0..self.writers {
            writers.spawn(work(people.clone(), files.clone(), sender.clone(), number));
        }
        drop(sender);
        while let Some(ended) = writers.join_next().await {
            ended??;
        }
        writer.await?
    }
}

/// Who acts.
#[derive(Clone)]
struct People {
    citizen: Api,
    clerk: Api,
}

async fn work(people: People, files: Arc<Files>, acks: Sender<Ack>, writer: usize) -> anyhow::Result<()> {
    let mut count = 0_u64;
    while !files.stop.exists() {
        count += 1;
        let request = format!("kill-{writer}-{count}");
        let id = draft(&people.citizen, &request).await?;
        acks.send(Ack { kind: Kind::Draft, request: request.clone(), id: id.clone() }).await?;
        if count.is_multiple_of(10) {
            let again = draft(&people.citizen, &request).await?;
            acks.send(Ack { kind: Kind::Draft, request: request.clone(), id: again }).await?;
            verb(&people.citizen, &id, "submit", &request).await?;
            verb(&people.clerk, &id, "accept", &request).await?;
            acks.send(Ack { kind: Kind::Accepted, request, id }).await?;
        }
    }
    Ok(())
}

/// Opens a draft; its id.
async fn draft(api: &Api, request: &str) -> anyhow::Result<String> {
    let applicant = json!({
        "name": "张建国", "documentKind": "DOCUMENT_KIND_RESIDENT_ID", "documentNumber": "511602198503120016",
    });
    let form = json!({ "subject": request });
    let body = json!({ "requestId": request, "itemCode": ITEM, "applicant": applicant, "form": form });
    let answer = until_answered(api, "/v1/applications", &body).await?;
    ensure!(!answer.text("id").is_empty(), "an answer without id: {answer:?}");
    Ok(answer.text("id").to_owned())
}

async fn verb(api: &Api, id: &str, verb: &str, request: &str) -> anyhow::Result<Answer> {
    let body = json!({ "requestId": format!("{request}-{verb}") });
    until_answered(api, &format!("/v1/applications/{id}:{verb}"), &body).await
}

/// Sends the same request until there is an answer: without one it may have happened, and the same request id makes asking
/// again harmless.
async fn until_answered(api: &Api, path: &str, body: &Value) -> anyhow::Result<Answer> {
    loop {
        match api.post(path, body).await {
            Ok(answer) if answer.status == 200 => return Ok(answer),
            Ok(answer) if !answer.may_retry() => bail!("{path} {body}: {answer:?}"),
            Ok(_) | Err(_) => sleep(Duration::from_millis(25)).await,
        }
    }
}
