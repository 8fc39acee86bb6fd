//! How a call goes through the house, and what is seen of it.

use serde_json::json;
use yiwang_tests::town::Town;

use crate::main_job::{accept, grant, hand_in, text};

/// The caller's trace id stands in every service's log, over HTTP, gRPC and relays.
pub async fn one_trace_id_goes_all_the_way(town: Town) -> anyhow::Result<()> {
    let case = accept(&town, &hand_in(&town).await?).await?;
    let review = json!({"recommendation": "OUTCOME_GRANT", "opinion": "合格"});
    town.post("reviewer", &format!("/v1/cases/{case}:review"), review).await?;
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let api = town.sign_in("approver")?;
    let body = json!({"requestId": "traced", "outcome": "OUTCOME_GRANT", "reasons": "符合条件"});
    let request = api.request(reqwest::Method::POST, &format!("/v1/cases/{case}:decide")).json(&body);
    let decided = api.send(request.header("traceparent", format!("00-{trace}-00f067aa0ba902b7-01"))).await?;
    assert_eq!(decided.status, 200, "{}", decided.body);
    town.until("citizen", &format!("/v1/cases/{case}"), |case| !text(&case["result"], "licenseId").is_empty()).await?;
    let request =
        api.request(reqwest::Method::POST, &format!("/v1/cases/{case}:decide")).json(&json!({"requestId": "again"}));
    let refused = api.send(request.header("traceparent", format!("00-{trace}-00f067aa0ba902b7-01"))).await?;
    assert_eq!(refused.text("traceId"), trace, "{}", refused.body);
    let logs = town.logs()?;
    let traced: Vec<&str> = logs.lines().filter(|line| line.contains(trace)).collect();
    for service in ["approval", "license", "evaluation"] {
        assert!(traced.iter().any(|line| line.contains(service)), "{service} did not log it:\n{}", traced.join("\n"));
    }
    Ok(())
}

pub async fn the_ledgers_verify(town: Town) -> anyhow::Result<()> {
    let case = accept(&town, &hand_in(&town).await?).await?;
    grant(&town, &case).await?;
    let head = town.get("admin", "/v1/ledgers/approval/head").await?;
    assert!(text(&head, "position").parse::<u64>()? >= 3, "{head}");
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
