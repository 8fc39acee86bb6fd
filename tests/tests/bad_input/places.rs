//! Things that are not there, or not the caller's: both look alike.

use serde_json::json;

use crate::table::Table;
use crate::world::{HYGIENE, PLAIN, World};

pub async fn ask(world: &World, table: &mut Table) -> anyhow::Result<()> {
    items(world, table).await?;
    strangers(world, table).await?;
    others(world, table).await
}

async fn items(world: &World, table: &mut Table) -> anyhow::Result<()> {
    let answer = world.create(json!({ "itemCode": "511X9999999999" })).await?;
    table.http("application for an unknown item", &answer, 404, "ITEM_NOT_FOUND");
    table.http("guide of an unknown item", &world.nobody.get("/v1/items/511X9999999999").await?, 404, "ITEM_NOT_FOUND");
    let page = world.nobody.get("/v1/items?query=%E5%9F%B9%E8%AE%AD&page_size=20").await?;
    let items = page.body["items"].as_array().cloned().unwrap_or_default();
    let codes: Vec<&str> = items.iter().filter_map(|item| item["itemCode"].as_str()).collect();
    let code = codes.into_iter().find(|code| *code != PLAIN && *code != HYGIENE).unwrap_or_default().to_owned();
    let cancel = json!({ "requestId": world.id(), "reason": "依据国发〔2020〕13号取消" });
    let answer = world.admin.post(&format!("/v1/items/{code}:cancel"), &cancel).await?;
    anyhow::ensure!(answer.status == 200, "cancel {code}: {answer:?}");
    table.http(
        "application for a cancelled item (明取消暗审批)",
        &world.create(json!({ "itemCode": code })).await?,
        400,
        "ITEM_CANCELLED",
    );
    Ok(())
}

async fn strangers(world: &World, table: &mut Table) -> anyhow::Result<()> {
    let id = world.draft().await?;
    let stranger = &world.citizen2;
    let answer = stranger.get(&format!("/v1/applications/{id}")).await?;
    table.http("reading another person's application", &answer, 404, "APPLICATION_NOT_FOUND");
    let answer = world.patch(stranger, &id, json!({ "form": { "subject": "改" } })).await?;
    table.http("changing another person's application", &answer, 404, "APPLICATION_NOT_FOUND");
    let answer = world.verb(stranger, &id, "submit", json!({})).await?;
    table.http("handing in another person's application", &answer, 404, "APPLICATION_NOT_FOUND");
    let answer = stranger.get("/v1/applications/019ac000-0000-7000-8000-000000000000").await?;
    table.http("an application that is not there: the same answer", &answer, 404, "APPLICATION_NOT_FOUND");
    let answer = stranger.get("/v1/applications/1%20OR%201=1").await?;
    table.http("id that is no id", &answer, 400, "ID_MALFORMED");
    Ok(())
}

async fn others(world: &World, table: &mut Table) -> anyhow::Result<()> {
    let answer = world.clerk.get("/v1/cases/019ac000-0000-7000-8000-000000000000").await?;
    table.http("unknown case", &answer, 404, "CASE_NOT_FOUND");
    let answer = world.citizen.get("/v1/licenses/019ac000-0000-7000-8000-000000000000").await?;
    table.http("unknown licence", &answer, 404, "LICENSE_NOT_FOUND");
    let wrong = json!({ "identifier": "1.2.156.3005.2.11100000000013127D001.11511602.20260001.001.A" });
    table.http(
        "licence identifier with a wrong check character",
        &world.nobody.post("/v1/licenses:verify", &wrong).await?,
        400,
        "IDENTIFIER_INVALID",
    );
    let answer = world.nobody.post("/v1/licenses:verify", &json!({})).await?;
    table.http("nothing to verify", &answer, 400, "NOTHING_TO_VERIFY");
    let evaluation = json!({ "requestId": world.id(), "caseNumber": "没有这个号", "serviceNumber": 1, "satisfaction": "SATISFACTION_SATISFIED" });
    table.http(
        "evaluation of a service that was not rendered",
        &world.citizen.post("/v1/evaluations", &evaluation).await?,
        404,
        "RIGHT_NOT_FOUND",
    );
    let notice = json!({
        "requestId": world.id(), "tradeClass": "TRADE_CLASS_CONSTRUCTION", "kind": "NOTICE_KIND_TENDER", "content": "内容",
    });
    table.http("notice without a title", &world.trader.post("/v1/notices", &notice).await?, 400, "TITLE_MISSING");
    Ok(())
}
