//! 进度: what happens is seen live over HTTP, application and case.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use reqwest::{Method, Response};
use serde_json::json;
use tokio::time::timeout;
use yiwang_tests::town::Town;

use crate::main_job::{accept, hand_in};

/// Server-sent events, as a browser reads them.
async fn follow(town: &Town, path: &str) -> anyhow::Result<Response> {
    let request = town.sign_in("citizen")?.request(Method::GET, path).header("accept", "text/event-stream");
    let response = request.send().await?.error_for_status()?;
    let kind = response.headers().get("content-type").and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    ensure!(kind.starts_with("text/event-stream"), "{kind}");
    Ok(response)
}

/// Reads on until the stream has said something.
async fn until(response: &mut Response, word: &str) -> anyhow::Result<String> {
    let mut said = String::new();
    while !said.contains(word) {
        let chunk = timeout(Duration::from_secs(20), response.chunk()).await.context("nothing came")??;
        said += std::str::from_utf8(&chunk.with_context(|| format!("ended without {word}: {said}"))?)?;
    }
    Ok(said)
}

pub async fn progress_is_followed_as_it_happens(town: Town) -> anyhow::Result<()> {
    let id = hand_in(&town).await?;
    let mut live = follow(&town, &format!("/v1/applications/{id}:watch?after=2")).await?;
    let case = accept(&town, &id).await?;
    let said = until(&mut live, "Numbered").await?;
    ensure!(said.contains("\"Accepted\"") && !said.contains("Drafted"), "{said}");

    let mut of_case = follow(&town, &format!("/v1/cases/{case}:watch")).await?;
    let review = json!({"recommendation": "OUTCOME_GRANT", "opinion": "合格"});
    town.post("reviewer", &format!("/v1/cases/{case}:review"), review).await?;
    let said = until(&mut of_case, "Reviewed").await?;
    ensure!(!said.contains("陈志强"), "a citizen sees officers' names masked: {said}");
    let decision = json!({"outcome": "OUTCOME_GRANT", "reasons": "符合条件"});
    town.post("approver", &format!("/v1/cases/{case}:decide"), decision).await?;
    until(&mut of_case, "Decided").await?;
    // the counter's own stream tells how it ended, and ends
    until(&mut live, "ResultIssued").await?;
    while timeout(Duration::from_secs(20), live.chunk()).await.context("it did not end")??.is_some() {}
    Ok(())
}
