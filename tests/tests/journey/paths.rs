//! How a call goes through the house, and what is seen of it.

use std::collections::BTreeMap;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, ensure};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};
use yiwang_tests::api::Answer;
use yiwang_tests::town::{POSTGRES, SERVICES, Town};

use crate::main_job::{accept, case_of, grant, hand_in, has_a_right, text};

/// A write, and the trace id that its answer names. The caller may bring one.
async fn traced(town: &Town, account: &str, path: &str, mut body: Value, own: Option<&str>) -> anyhow::Result<Answer> {
    body["requestId"] = json!(format!("traced-by-{account}"));
    let api = town.sign_in(account)?;
    let mut request = api.request(Method::POST, path);
    if let Some(own) = own {
        request = request.header("traceparent", format!("00-{own}-00f067aa0ba902b7-01"));
    }
    let answer = api.send(request.json(&body)).await?;
    ensure!(own.is_none_or(|own| own == answer.trace_id), "{answer:?}");
    Ok(answer)
}

/// Waits until a service has logged a call of the trace: it does so when it has answered.
async fn logs_the_trace(town: &Town, service: &str, trace: &str) -> anyhow::Result<()> {
    let (name, deadline) = (format!("service=\"{service}\""), Instant::now() + Duration::from_secs(10));
    while !town.log(service)?.lines().any(|line| line.contains(trace) && line.contains(&name)) {
        ensure!(Instant::now() < deadline, "{service} has not logged {trace}");
        sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}

/// The trace id of the answer stands in the log of every service that takes part, over HTTP, gRPC and relays.
pub async fn one_trace_id_goes_all_the_way(town: Town) -> anyhow::Result<()> {
    let application = hand_in(&town).await?;
    let accepted = traced(&town, "clerk", &format!("/v1/applications/{application}:accept"), json!({}), None).await?;
    let case = case_of(&town, "reviewer", accepted.text("caseNumber")).await?;
    for service in ["gateway", "intake", "approval"] {
        logs_the_trace(&town, service, &accepted.trace_id).await?;
    }
    let review = json!({"recommendation": "OUTCOME_GRANT", "opinion": "合格"});
    town.post("reviewer", &format!("/v1/cases/{case}:review"), review).await?;
    let decision = json!({"outcome": "OUTCOME_GRANT", "reasons": "符合条件"});
    let (path, own) = (format!("/v1/cases/{case}:decide"), Some("4bf92f3577b34da6a3ce929d0e0e4736"));
    let decided = traced(&town, "approver", &path, decision, own).await?;
    for service in ["license", "evaluation"] {
        logs_the_trace(&town, service, &decided.trace_id).await?;
    }
    let refused = traced(&town, "reviewer", &path, json!({}), own).await?;
    assert_eq!((refused.text("traceId"), refused.status >= 400), (own.unwrap_or_default(), true), "{}", refused.body);
    Ok(())
}

/// What `yiwang verify --json` says of each ledger, and whether it ended well.
fn verified(town: &Town) -> anyhow::Result<(bool, BTreeMap<String, Value>)> {
    let run = town.output(&["verify", "--json"])?;
    let said = String::from_utf8(run.stdout)?;
    let report = |line: &str| {
        let report: Value = serde_json::from_str(line)?;
        Ok((text(&report, "service").to_owned(), report))
    };
    Ok((run.status.success(), said.lines().map(report).collect::<anyhow::Result<_>>()?))
}

pub async fn the_ledgers_verify(mut town: Town) -> anyhow::Result<()> {
    let case = accept(&town, &hand_in(&town).await?).await?;
    grant(&town, &case).await?;
    has_a_right(&town).await?;
    if town.is_together() {
        // SQLite's folder belongs to one process at a time.
        town.kill("up")?;
    }
    let (sound, reports) = verified(&town)?;
    for service in SERVICES {
        assert_eq!(reports[service]["problems"], json!([]), "{service}");
        assert!(service == "trading" || reports[service]["entries"].as_u64() > Some(0), "{service}: {reports:?}");
    }
    assert!(sound);
    Ok(())
}

/// Somebody who may write the tables puts an act under another name.
pub async fn a_ledger_changed_by_hand_does_not_verify(town: Town) -> anyhow::Result<()> {
    hand_in(&town).await?;
    let schema = town.schema("intake").context("on PostgreSQL")?;
    let change = format!("UPDATE {schema}.entry SET actor = 'staff:nobody' WHERE position = 1");
    let run = Command::new("psql")
        .args(["--set", "ON_ERROR_STOP=1", "--command", &change, &std::env::var(POSTGRES)?])
        .output()?;
    assert_eq!(String::from_utf8_lossy(&run.stdout).trim(), "UPDATE 1", "{}", String::from_utf8_lossy(&run.stderr));
    let (sound, reports) = verified(&town)?;
    assert!(!sound, "it ended well: {reports:?}");
    assert_eq!(reports["intake"]["problems"], json!(["position 1: its hash is not that of its content"]));
    assert_eq!(reports["approval"]["problems"], json!([]));
    Ok(())
}

/// One service away: what can be shown is shown, and the rest says why not.
pub async fn my_affairs_are_partial_while_a_service_is_away(mut town: Town) -> anyhow::Result<()> {
    let case = accept(&town, &hand_in(&town).await?).await?;
    grant(&town, &case).await?;
    town.kill("license")?;
    let affairs = town.get("citizen", "/v1/me/affairs").await?;
    assert_eq!(affairs["applications"]["applications"].as_array().map(Vec::len), Some(1));
    let away = &affairs["licenses"]["unavailable"];
    assert_eq!((text(away, "service"), &affairs["complete"]), ("license", &json!(false)), "{affairs}");
    assert!(!text(away, "reason").is_empty() && text(away, "code") == "UNAVAILABLE", "{away}");
    town.serve("license")?;
    let whole = town.until("citizen", "/v1/me/affairs", |affairs| affairs["complete"] == json!(true)).await?;
    assert_eq!(whole["licenses"]["licenses"].as_array().map(Vec::len), Some(1));
    Ok(())
}
