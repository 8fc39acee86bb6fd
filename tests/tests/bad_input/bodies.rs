//! Bodies and queries that do not fit the contract.

use reqwest::Method;
use serde_json::json;

use crate::table::Table;
use crate::world::{PLAIN, World};

const MALFORMED: &str = "REQUEST_MALFORMED";

pub async fn ask(world: &World, table: &mut Table) -> anyhow::Result<()> {
    texts(world, table).await?;
    sizes(world, table).await?;
    queries(world, table).await
}

async fn texts(world: &World, table: &mut Table) -> anyhow::Result<()> {
    let id = world.id();
    let bodies = [
        ("body that is not JSON", "{\"requestId\": ".to_owned(), "JSON_MALFORMED"),
        ("body that is an array", "[]".to_owned(), MALFORMED),
        ("unknown field", format!(r#"{{"requestId":"{id}","itemCode":"{PLAIN}","itemcode2":1}}"#), MALFORMED),
        ("number where a text belongs", format!(r#"{{"requestId":"{id}","itemCode":5}}"#), MALFORMED),
        (
            "text where an object belongs",
            format!(r#"{{"requestId":"{id}","itemCode":"{PLAIN}","form":"x"}}"#),
            MALFORMED,
        ),
        (
            "unknown value of an enumeration",
            format!(r#"{{"requestId":"{id}","itemCode":"{PLAIN}","channel":"CHANNEL_X"}}"#),
            MALFORMED,
        ),
        ("field given twice", format!(r#"{{"requestId":"{id}","requestId":"{id}","itemCode":"{PLAIN}"}}"#), MALFORMED),
    ];
    for (case, body, reason) in bodies {
        table.http(case, &world.raw(body).await?, 400, reason);
    }
    let answer = world.raw(vec![b'{', b'"', 0xff, 0xfe, b'"', b':', b'1', b'}']).await?;
    table.http("body that is not UTF-8", &answer, 400, "JSON_MALFORMED");
    let deep = format!("{}{}", "[".repeat(5_000), "]".repeat(5_000));
    let answer = world.raw(format!(r#"{{"requestId":"{id}","itemCode":"{PLAIN}","form":{{"a":{deep}}}}}"#)).await?;
    table.http("form nested five thousand deep", &answer, 400, "JSON_MALFORMED");
    Ok(())
}

async fn sizes(world: &World, table: &mut Table) -> anyhow::Result<()> {
    let answer = world.create(json!({ "form": { "subject": "长".repeat(30_000) } })).await?;
    table.http("form of 90 kB", &answer, 413, "FORM_TOO_LARGE");
    let answer = world.announce("/v1/applications", "application/json", 3 << 20)?;
    table.http("body announced with 3 MB", &answer, 413, "BODY_TOO_LARGE");
    Ok(())
}

async fn queries(world: &World, table: &mut Table) -> anyhow::Result<()> {
    let citizen = &world.citizen;
    let asked = [
        ("page size in words", "/v1/applications?page_size=many", MALFORMED),
        ("negative page size", "/v1/applications?page_size=-1", "FIELD_INVALID"),
        ("unknown parameter of a query", "/v1/applications?sort=name", MALFORMED),
        ("malformed page token", "/v1/applications?page_token=%25%25%25", "PAGE_TOKEN_INVALID"),
        (
            "page token that was never given",
            "/v1/applications?page_token=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
            "PAGE_TOKEN_INVALID",
        ),
    ];
    for (case, path, reason) in asked {
        table.http(case, &citizen.get(path).await?, 400, reason);
    }
    table.http("path that is none", &citizen.get("/v1/nothing/here").await?, 404, "ROUTE_NOT_FOUND");
    let answer = citizen.send(citizen.request(Method::DELETE, "/v1/applications")).await?;
    table.http("method that the path does not take", &answer, 405, "METHOD_NOT_ALLOWED");
    Ok(())
}
