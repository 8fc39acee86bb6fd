//! Writes at the wrong moment, without their id, or on a version that has passed.

use serde_json::json;

use crate::table::Table;
use crate::world::{HYGIENE, PLAIN, World, applicant};

pub async fn ask(world: &World, table: &mut Table) -> anyhow::Result<()> {
    requests(world, table).await?;
    forms(world, table).await?;
    verbs(world, table).await?;
    calendar(world, table).await
}

async fn requests(world: &World, table: &mut Table) -> anyhow::Result<()> {
    let answer = world.citizen.post("/v1/applications", &json!({ "itemCode": PLAIN })).await?;
    table.http("write without a request id", &answer, 400, "REQUEST_ID_MISSING");
    let answer = world.create(json!({ "requestId": "two words" })).await?;
    table.http("request id with a blank", &answer, 400, "REQUEST_ID_MALFORMED");
    let answer = world.create(json!({ "requestId": "x".repeat(65) })).await?;
    table.http("request id of 65 characters", &answer, 400, "REQUEST_ID_MALFORMED");
    let used = world.id();
    world.create(json!({ "requestId": used })).await?;
    let answer = world.create(json!({ "requestId": used, "itemCode": HYGIENE })).await?;
    table.http("the same request id with another body", &answer, 409, "REQUEST_ID_REUSED");
    let id = world.draft().await?;
    let read = world.citizen.get(&format!("/v1/applications/{id}")).await?;
    let etag = read.text("etag").to_owned();
    world.patch(&world.citizen, &id, json!({ "form": { "subject": "一" } })).await?;
    let answer = world.patch(&world.citizen, &id, json!({ "etag": etag, "form": { "subject": "二" } })).await?;
    table.http("change of a version that has passed", &answer, 409, "ETAG_MISMATCH");
    let answer = world.patch(&world.citizen, &id, json!({ "etag": "not an etag" })).await?;
    table.http("etag that is none", &answer, 409, "ETAG_MISMATCH");
    let answer = world.patch(&world.citizen, &id, json!({ "updateMask": "phase" })).await?;
    table.http("mask that names what only the service sets", &answer, 400, "UPDATE_MASK_INVALID");
    Ok(())
}

async fn forms(world: &World, table: &mut Table) -> anyhow::Result<()> {
    let empty = world.create(json!({})).await?;
    let answer = world.verb(&world.citizen, empty.text("id"), "submit", json!({})).await?;
    table.http("handing in without an applicant", &answer, 400, "APPLICANT_MISSING");
    let form = json!({ "premises_name": "惠", "area_square_metres": "很大", "colour": "red" });
    let draft = world.create(json!({ "itemCode": HYGIENE, "applicant": applicant(), "form": form })).await?;
    let answer = world.verb(&world.citizen, draft.text("id"), "submit", json!({})).await?;
    table.http("form against its schema", &answer, 400, "FORM_INVALID");
    Ok(())
}

async fn verbs(world: &World, table: &mut Table) -> anyhow::Result<()> {
    let draft = world.draft().await?;
    let answer = world.verb(&world.citizen, &draft, "resubmit", json!({})).await?;
    table.http("resubmitting what was never handed in", &answer, 400, "WRONG_PHASE");
    let id = world.submitted().await?;
    let answer = world.verb(&world.citizen, &id, "submit", json!({})).await?;
    table.http("handing in twice", &answer, 400, "WRONG_PHASE");
    let answer = world.verb(&world.clerk, &id, "requestCorrection", json!({ "points": [] })).await?;
    table.http("correction without a point", &answer, 400, "POINTS_MISSING");
    let answer = world.verb(&world.clerk, &id, "refuse", json!({ "reason": "材料不齐" })).await?;
    table.http("refusal on no ground of 行政许可法 art. 32", &answer, 400, "GROUND_MISSING");
    let points = json!({ "points": [{ "field": "/subject", "text": "请写明项目名称" }] });
    world.verb(&world.clerk, &id, "requestCorrection", points.clone()).await?;
    world.verb(&world.citizen, &id, "resubmit", json!({})).await?;
    let answer = world.verb(&world.clerk, &id, "requestCorrection", points).await?;
    table.http("telling a second time what is missing", &answer, 400, "ALREADY_TOLD_ONCE");
    world.verb(&world.citizen, &id, "withdraw", json!({})).await?;
    let answer = world.verb(&world.clerk, &id, "accept", json!({})).await?;
    table.http("accepting what was withdrawn", &answer, 400, "WRONG_PHASE");
    Ok(())
}

/// A date that reaches a year whose holidays nobody knows yet is computed and marked, never refused.
async fn calendar(world: &World, table: &mut Table) -> anyhow::Result<()> {
    let answer = world.nobody.post("/v1/dev/clock:advance", &json!({ "days": -3 })).await?;
    table.http("clock moved back", &answer, 400, "REQUEST_MALFORMED");
    let answer = world.nobody.post("/v1/dev/clock:advance", &json!({ "toTime": "2035-12-27T02:00:00Z" })).await?;
    anyhow::ensure!(answer.status == 200, "{answer:?}");
    let id = world.submitted().await?;
    let answer = world.citizen.get(&format!("/v1/applications/{id}")).await?;
    let due = &answer.body["acceptanceDue"];
    let provisional = due["provisional"] == true;
    let shown = format!("taken; due {} provisional, missing {}", due["date"], due["missingYears"]);
    table.other(
        "handing in where the calendar ends",
        &answer.status.to_string(),
        &shown,
        provisional,
        "a provisional date",
    );
    Ok(())
}
