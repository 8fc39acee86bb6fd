//! What no RPC has: files, probes, the clock of development, and the shape of an error.

use anyhow::Context as _;
use prost_reflect::Kind;
use serde_json::{Map, Value, json};

use crate::{
    contract::{Contract, comment},
    problem::PROBLEM_JSON,
};

/// What the page says of the whole.
pub const ABOUT: &str = "由同一份契约 (`proto/yiwang`) 生成; 字段说明即契约注释。\n\n\
    JSON is proto3 JSON: camelCase out, camelCase and snake_case in, 64-bit integers as strings, bytes as base64, times in \
    RFC 3339, enums by name; in resources default values are left out, lists and answers are written whole. Every write takes a `requestId` (1 to 64 visible ASCII characters): \
    the same id with the same content answers as the first time, so that a write whose answer was lost is simply sent again. \
    Errors are `application/problem+json` with a stable `reason`. The same services speak gRPC on the same port, with \
    reflection.";

/// Paths written by hand.
pub fn paths(contract: &Contract, dev: bool) -> anyhow::Result<Vec<(String, Value)>> {
    let mut paths = vec![
        ("/v1/applications/{id}/attachments".to_owned(), json!({"post": upload(&particulars(contract)?)})),
        ("/v1/applications/{id}/attachments/{attachment_id}".to_owned(), json!({"get": download()})),
        (
            "/openapi.json".to_owned(),
            json!({"get": plain("GetOpenApi", "这份文档 (this document)", "application/json")}),
        ),
        (
            "/healthz".to_owned(),
            json!({"get": plain("GetHealth", "进程在运行 (the process is alive)", "application/json")}),
        ),
        ("/readyz".to_owned(), json!({"get": ready()})),
        ("/v1/licenses/{identifier}:verify".to_owned(), json!({"get": verification()})),
        ("/".to_owned(), json!({"get": plain("GetFrontPage", "首页 (the front page)", "text/html")})),
    ];
    if dev {
        paths.push((
            "/v1/dev/clock".to_owned(),
            json!({"get": clock("GetClock", "读取法定时钟 (reads the legal clock)", None)}),
        ));
        paths.push((
            "/v1/dev/clock:advance".to_owned(),
            json!({"post": clock("AdvanceClock", "拨动法定时钟 (moves the legal clock on)", Some(advance()))}),
        ));
    }
    Ok(paths)
}

/// RFC 9457, with what this suite adds.
pub fn problem() -> Value {
    let text = |about: &str| json!({"type": "string", "description": about});
    json!({
        "type": "object",
        "description": "未能办理的原因 (RFC 9457): why something was not done.",
        "required": ["type", "title", "detail", "status", "code", "reason", "traceId"],
        "properties": {
            "type": {"type": "string", "format": "uri", "description": "`urn:yiwang:problem:<reason>`"},
            "title": text("一句中文说明."),
            "detail": text("The same in English."),
            "status": {"type": "integer", "description": "HTTP status."},
            "code": text("google.rpc.Code by name, such as `FAILED_PRECONDITION`."),
            "reason": text("Stable reason in capitals, such as `ALREADY_TOLD_ONCE`."),
            "fields": {"type": "array", "description": "Fields at fault.", "items": {
                "type": "object",
                "required": ["field", "reason", "message"],
                "properties": {
                    "field": text("Path in the contract's spelling, such as `applicant.document_number`."),
                    "reason": text("Stable reason in capitals."),
                    "message": text("What is wrong, Chinese first."),
                },
            }},
            "metadata": {"type": "object", "additionalProperties": {"type": "string"}, "description": "Particulars for machines."},
            "traceId": text("Quote it when you ask for help; it is in every service's log."),
        },
    })
}

fn failed() -> Value {
    json!({"description": "未能办理.", "content": {PROBLEM_JSON: {"schema": {"$ref": "#/components/schemas/Problem"}}}})
}

/// What an upload may say of its file: the fields of the contract's message, each with its schema, but for the id in the path.
fn particulars(contract: &Contract) -> anyhow::Result<Vec<(String, Value)>> {
    let message = contract.pool.get_message_by_name("yiwang.intake.v1.AttachmentMetadata");
    let message = message.context("the contract of an upload")?;
    let file = message.parent_file_descriptor_proto();
    let schema = |field: prost_reflect::FieldDescriptor| {
        let kind = if field.kind() == Kind::Int64 { "integer" } else { "string" };
        (field.name().to_owned(), json!({"type": kind, "description": comment(file, field.path())}))
    };
    Ok(message.fields().filter(|field| field.name() != "application_id").map(schema).collect())
}

fn upload(particulars: &[(String, Value)]) -> Value {
    let id = json!({"name": "id", "in": "path", "required": true, "description": "Id of the application.", "schema": {"type": "string"}});
    let in_query = particulars.iter().map(|(name, schema)| {
        json!({"name": name, "in": "query", "required": false, "description": schema["description"], "schema": {"type": schema["type"]}})
    });
    let parameters: Vec<Value> = std::iter::once(id).chain(in_query).collect();
    let file = ("file".to_owned(), json!({"type": "string", "format": "binary"}));
    let parts: Map<String, Value> = particulars.iter().cloned().chain([file]).collect();
    json!({
        "operationId": "UploadAttachment",
        "tags": ["IntakeService"],
        "summary": "上传一份材料 (uploads one file)",
        "description": "The raw file with its particulars in the query, or multipart/form-data with them there or in text fields before the part \
            `file`. At most 20 MiB unless configured otherwise; the content decides the type, and must agree with what is said of it.",
        "security": [{"bearer": []}],
        "parameters": parameters,
        "requestBody": {"required": true, "content": {
            "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
            "multipart/form-data": {"schema": {"type": "object", "required": ["file"], "properties": parts}},
        }},
        "responses": {
            "200": {"description": "The attachment.", "content": {"application/json": {
                "schema": {"$ref": "#/components/schemas/yiwang.intake.v1.Attachment"}}}},
            "413": failed(),
            "default": failed(),
        },
    })
}

fn download() -> Value {
    let path = |name: &str, about: &str| json!({"name": name, "in": "path", "required": true, "description": about, "schema": {"type": "string"}});
    json!({
        "operationId": "DownloadAttachment",
        "tags": ["IntakeService"],
        "summary": "下载一份材料 (downloads one file)",
        "security": [{"bearer": []}],
        "parameters": [path("id", "Id of the application."), path("attachment_id", "Id of the attachment.")],
        "responses": {
            "200": {"description": "The file.", "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}},
            "default": failed(),
        },
    })
}

fn plain(operation: &str, summary: &str, media: &str) -> Value {
    json!({
        "operationId": operation,
        "tags": ["system"],
        "summary": summary,
        "security": [],
        "responses": {"200": {"description": "OK", "content": {media: {"schema": {}}}}, "default": failed()},
    })
}

fn verification() -> Value {
    let mut operation =
        plain("ShowLicenseVerification", "证照核验页 (whether a licence is genuine, as a page)", "text/html");
    operation["tags"] = json!(["LicenseService"]);
    operation["description"] = json!(
        "What a licence's code leads to. The verifications of documents answer with such a page where \
        `Accept` names text/html before application/json."
    );
    operation["parameters"] = json!([{"name": "identifier", "in": "path", "required": true, "description": "证照标识.",
        "schema": {"type": "string"}}]);
    operation
}

fn ready() -> Value {
    let mut operation = plain("GetReadiness", "各服务是否就绪 (which services are ready)", "application/json");
    operation["description"] =
        json!("`status` is `SERVING`, or `DEGRADED` where some service is away; `services` names each.");
    operation["responses"]["503"] = json!({
        "description": "No service is there, or this gateway is about to end: send the caller to another.",
        "content": {"application/json": {"schema": {}}},
    });
    operation
}

fn clock(operation: &str, summary: &str, body: Option<Value>) -> Value {
    let mut value = plain(operation, summary, "application/json");
    value["description"] = json!("Only in development; legal time decides due dates, never tokens.");
    if let Some(body) = body {
        value["requestBody"] = json!({"required": true, "content": {"application/json": {"schema": body}}});
    }
    value
}

fn advance() -> Value {
    let number = |about: &str| json!({"type": "integer", "minimum": 0, "description": about});
    json!({"type": "object", "properties": {
        "days": number("Days to go on."),
        "hours": number("Hours to go on."),
        "minutes": number("Minutes to go on."),
        "seconds": number("Seconds to go on."),
        "to_time": {"type": "string", "format": "date-time", "description": "The moment to go on to."},
    }})
}
