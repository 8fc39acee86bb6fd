//! Files: of the wrong kind, too large, broken off.

use reqwest::Method;
use yiwang_tests::api::Answer;

use crate::table::Table;
use crate::world::World;

pub async fn ask(world: &World, table: &mut Table) -> anyhow::Result<()> {
    let id = world.draft().await?;
    let pdf = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\n%%EOF\n".to_vec();
    let program = b"MZ\x90\x00\x03\x00\x00\x00\x04\x00\x00\x00\xff\xff\x00\x00".to_vec();
    let cases = [
        ("empty file", "a.pdf", "application/pdf", Vec::new(), 400, "ATTACHMENT_EMPTY"),
        ("program", "a.exe", "application/octet-stream", program.clone(), 400, "ATTACHMENT_TYPE_NOT_ALLOWED"),
        ("program named as a document", "a.pdf", "application/pdf", program, 400, "ATTACHMENT_TYPE_NOT_ALLOWED"),
        ("document named as a picture", "a.png", "image/png", pdf.clone(), 400, "ATTACHMENT_TYPE_MISMATCH"),
    ];
    for (case, name, kind, content, status, reason) in cases {
        table.http(case, &upload(world, &id, name, kind, "", content).await?, status, reason);
    }
    let hash = "0".repeat(64);
    let answer = upload(world, &id, "a.pdf", "application/pdf", &format!("&sm3={hash}"), pdf.clone()).await?;
    table.http("file with another hash than was said", &answer, 400, "ATTACHMENT_HASH_MISMATCH");
    let answer = upload(world, &id, "a.pdf", "application/pdf", "&material_code=none-such", pdf).await?;
    table.http("file for a material that the item does not ask for", &answer, 404, "MATERIAL_NOT_FOUND");
    let path = |request: String| format!("/v1/applications/{id}/attachments?request_id={request}&file_name=a.pdf");
    let answer = world.announce(&path(world.id()), "application/pdf", 21 << 20)?;
    table.http("file announced with 21 MB", &answer, 413, "ATTACHMENT_TOO_LARGE");
    cut_off(world, table, &id, &path(world.id())).await
}

/// An upload whose connection breaks: whoever is still there to hear it is told, and nothing is kept.
async fn cut_off(world: &World, table: &mut Table, id: &str, path: &str) -> anyhow::Result<()> {
    let answer = world.cut_off(path, "application/pdf", 1_000_000)?;
    let read = world.citizen.get(&format!("/v1/applications/{id}")).await?;
    anyhow::ensure!(read.status == 200, "{read:?}");
    let kept = read.body["attachments"].as_array().map_or(0, Vec::len);
    let told = answer.as_ref().is_none_or(|answer| answer.reason() == "BODY_CUT_OFF");
    let (status, reason) = answer
        .map_or(("closed".to_owned(), String::new()), |answer| (answer.status.to_string(), answer.reason().to_owned()));
    let shown = format!("{reason}; {kept} files kept");
    table.other("upload cut off after 100 of 1,000,000 bytes", &status, &shown, told && kept == 0, "nothing kept");
    Ok(())
}

async fn upload(
    world: &World,
    id: &str,
    name: &str,
    kind: &str,
    more: &str,
    content: Vec<u8>,
) -> anyhow::Result<Answer> {
    let path = format!("/v1/applications/{id}/attachments?request_id={}&file_name={name}{more}", world.id());
    let request = world.citizen.request(Method::POST, &path).header("content-type", kind).body(content);
    Ok(world.citizen.send(request).await?)
}
