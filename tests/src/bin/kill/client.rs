//! The load: drafts of applications, each with a request id of its own, sent again until there is an answer. Now and then
//! an answered request is sent once more, which must change nothing.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{bail, ensure};
use serde_json::json;
use tokio::sync::mpsc::{Sender, channel};
use tokio::task::JoinSet;
use tokio::time::sleep;
use yiwang_tests::api::{Answer, Api};

use crate::acks::{Ack, Files};

/// The item that every draft is for.
const ITEM: &str = "511A0015500009-511602000000-000-115113016823646795-1-00";

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
    #[arg(long, env = "YIWANG_TOKEN")]
    token: String,
}

impl Client {
    pub async fn run(self) -> anyhow::Result<()> {
        let files = Arc::new(Files::in_folder(&self.folder)?);
        let api = Api::new(&self.base).with_token(&self.token);
        let (sender, receiver) = channel(1024);
        let disk = files.clone();
        let writer = tokio::task::spawn_blocking(move || disk.write(receiver));
        let mut writers = JoinSet::new();
        for number in 0..self.writers {
            writers.spawn(write_drafts(api.clone(), files.clone(), sender.clone(), number));
        }
        drop(sender);
        while let Some(ended) = writers.join_next().await {
            ended??;
        }
        writer.await?
    }
}

async fn write_drafts(api: Api, files: Arc<Files>, acks: Sender<Ack>, writer: usize) -> anyhow::Result<()> {
    let mut count = 0_u64;
    while !files.stop.exists() {
        count += 1;
        let request = format!("kill-{writer}-{count}");
        let id = draft(&api, &request).await?;
        acks.send(Ack { request: request.clone(), id }).await?;
        if count.is_multiple_of(10) {
            let id = draft(&api, &request).await?;
            acks.send(Ack { request, id }).await?;
        }
    }
    Ok(())
}

/// Opens a draft, sending the same request until there is an answer; its id.
async fn draft(api: &Api, request: &str) -> anyhow::Result<String> {
    let body = json!({ "requestId": request, "itemCode": ITEM });
    loop {
        match api.post("/v1/applications", &body).await {
            Ok(answer) if answer.status == 200 => {
                ensure!(!answer.text("id").is_empty(), "an answer without id: {answer:?}");
                return Ok(answer.text("id").to_owned());
            }
            Ok(answer) if !Answer::may_retry(&answer) => bail!("{request}: {answer:?}"),
            // No answer: it may have happened. The same request id makes asking again harmless.
            Ok(_) | Err(_) => sleep(Duration::from_millis(25)).await,
        }
    }
}
