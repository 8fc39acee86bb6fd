//! `/openapi.json`: OpenAPI 3.1, derived from the contracts and their comments.
//!
//! Invariant: paths, parameters, schemas, reasons and descriptions come from the `.proto` files; by hand stand only the few
//! paths that no RPC has, and what the generator does not know (security, tags, problem+json).

mod by_hand;

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context as _;
use prost_reflect::MessageDescriptor;
use serde_json::{Map, Value, json};
use tonic::Code;
use yiwang_kit::{stack::PUBLIC, status::code_name};
use yiwang_proto::OPENAPI_PARTS;

use crate::{
    contract::{Contract, Route, comment},
    problem::{PROBLEM_JSON, http_status},
};

/// The document; `dev` adds what only development has.
pub fn document(contract: &Contract, dev: bool) -> anyhow::Result<Value> {
    let (mut paths, mut schemas) = joined()?;
    schemas.remove("google.rpc.Status");
    schemas.insert("Problem".to_owned(), by_hand::problem());
    for (name, schema) in &mut schemas {
        describe(contract, name, schema);
    }
    let mut tags = BTreeMap::new();
    for route in &contract.routes {
        let service = route.rpc.parent_service();
        let about = comment(service.parent_file_descriptor_proto(), service.path());
        tags.insert(tag(route), json!({"name": tag(route), "description": about}));
        let operation = paths
            .get_mut(&route.pattern)
            .and_then(|path| path.get_mut(route.method.as_str().to_ascii_lowercase()))
            .with_context(|| format!("{} is not in the generated document", route.pattern))?;
        complete(route, operation);
        if route.has_body {
            narrow(route, &mut schemas);
        }
    }
    tags.insert("system".to_owned(), json!({"name": "system", "description": "The installation itself."}));
    for (path, item) in by_hand::paths(contract, dev)? {
        paths.entry(path).or_insert(item);
    }
    Ok(json!({
        "openapi": "3.1.0",
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "info": {
            "title": "一网 Yiwang",
            "summary": "政务服务一网通办: 受理、审批、证照、好差评、公共资源交易",
            "description": by_hand::ABOUT,
            "version": env!("CARGO_PKG_VERSION"),
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{"bearer": []}],
        "tags": tags.into_values().collect::<Vec<_>>(),
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {"bearer": {
                "type": "http", "scheme": "bearer", "bearerFormat": "JWT",
                "description": "身份凭证: 由本省统一身份认证平台签发; 试用时用 `yiwang token --as clerk` 取得。",
            }},
        },
    }))
}

type Object = Map<String, Value>;

/// Paths and schemas of all packages.
fn joined() -> anyhow::Result<(Object, Object)> {
    let (mut paths, mut schemas) = (Map::new(), Map::new());
    for (package, text) in OPENAPI_PARTS {
        let mut part: Value = serde_json::from_str(text).with_context(|| format!("OpenAPI part of {package}"))?;
        for (into, from) in [(&mut paths, part["paths"].take()), (&mut schemas, part["components"]["schemas"].take())] {
            if let Value::Object(members) = from {
                into.extend(members);
            }
        }
    }
    Ok((paths, schemas))
}

/// The gRPC service: `JointService`.
fn tag(route: &Route) -> String {
    route.rpc.parent_service().name().to_owned()
}

/// What the generator does not know of an operation.
fn complete(route: &Route, operation: &mut Value) {
    let text = route.comment();
    operation["tags"] = json!([tag(route)]);
    operation["summary"] = json!(first_sentence(&text));
    operation["description"] = json!(text);
    operation["security"] = if is_public(route) { json!([]) } else { json!([{"bearer": []}]) };
    operation["responses"] = responses(&text, operation["responses"]["200"].take());
    for parameter in operation.get_mut("parameters").and_then(Value::as_array_mut).into_iter().flatten() {
        let name = parameter["name"].as_str().unwrap_or_default();
        let field = route.input().get_field_by_name(name).or_else(|| route.input().get_field_by_json_name(name));
        if let Some(field) = field {
            // Queries are spelled as the contracts spell them; camelCase is taken too.
            parameter["name"] = json!(field.name());
            parameter["description"] = json!(comment(&file_of(&route.input()), field.path()));
        }
    }
}

/// Whether the stack in front of the service takes the call without a token.
fn is_public(route: &Route) -> bool {
    PUBLIC.contains(&route.grpc_path().as_str())
}

/// One response a status that the comment's `CODE / REASON`s come to, and problem+json for every other.
fn responses(text: &str, success: Value) -> Value {
    let mut by_status: BTreeMap<u16, BTreeSet<String>> = BTreeMap::new();
    for (code, reason) in reasons(text) {
        by_status.entry(status_of(&code)).or_default().insert(reason);
    }
    let mut responses = Map::from_iter([("200".to_owned(), success)]);
    for (status, reasons) in by_status {
        let reasons = reasons.into_iter().collect::<Vec<_>>().join(", ");
        responses.insert(status.to_string(), problem_response(&format!("reason: {reasons}")));
    }
    responses.insert("default".to_owned(), problem_response("未能办理: what was not done, and why."));
    Value::Object(responses)
}

fn problem_response(description: &str) -> Value {
    json!({"description": description, "content": {PROBLEM_JSON: {"schema": {"$ref": "#/components/schemas/Problem"}}}})
}

/// The pairs of `Errors: NOT_FOUND / ITEM_NOT_FOUND; FAILED_PRECONDITION / ITEM_CANCELLED, ITEM_SUSPENDED.`
fn reasons(text: &str) -> Vec<(String, String)> {
    let Some((_, list)) = text.split_once("Errors: ") else { return Vec::new() };
    let list = list.replace('\n', " ");
    let list = list.split(". ").next().unwrap_or(&list);
    let mut pairs = Vec::new();
    for group in list.split(';') {
        let Some((code, reasons)) = group.split_once(" / ") else { continue };
        for reason in reasons.split(',') {
            let name: String = reason.trim().chars().take_while(|c| c.is_ascii_uppercase() || *c == '_').collect();
            if !name.is_empty() {
                pairs.push((code.trim().to_owned(), name));
            }
        }
    }
    pairs
}

fn status_of(name: &str) -> u16 {
    let code = (0..17).map(Code::from_i32).find(|code| code_name(*code) == name).unwrap_or(Code::Internal);
    http_status(code).as_u16()
}

/// The request message without what the path says; every write needs its id.
fn narrow(route: &Route, schemas: &mut Object) {
    let Some(schema) = schemas.get_mut(route.input().full_name()) else { return };
    let in_path: Vec<_> = route
        .path_fields()
        .filter_map(|name| route.input().get_field_by_name(name))
        .map(|field| field.json_name().to_owned())
        .collect();
    if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
        properties.retain(|name, _| !in_path.contains(name));
        if properties.contains_key("requestId") {
            schema["required"] = json!(["requestId"]);
        }
    }
}

/// Comments of a message or enum as descriptions.
fn describe(contract: &Contract, name: &str, schema: &mut Value) {
    if let Some(kind) = contract.pool.get_enum_by_name(name) {
        let file = kind.parent_file_descriptor_proto();
        let values: Vec<_> =
            kind.values().map(|value| format!("- `{}`: {}", value.name(), comment(file, value.path()))).collect();
        schema["description"] = json!(format!("{}\n\n{}", comment(file, kind.path()), values.join("\n")));
    }
    let Some(message) = contract.pool.get_message_by_name(name) else { return };
    let file = file_of(&message);
    schema["description"] = json!(comment(&file, message.path()));
    for field in message.fields() {
        if let Some(property) = schema.get_mut("properties").and_then(|all| all.get_mut(field.json_name())) {
            property["description"] = json!(comment(&file, field.path()));
        }
    }
}

fn file_of(message: &MessageDescriptor) -> prost_reflect::prost_types::FileDescriptorProto {
    message.parent_file_descriptor_proto().clone()
}

fn first_sentence(text: &str) -> String {
    let line = text.replace('\n', " ");
    // `art. 32` ends no sentence
    let end = line
        .match_indices(". ")
        .map(|(at, _)| at)
        .find(|at| !line[..*at].ends_with("art") && !line[..*at].ends_with("arts"));
    line[..end.unwrap_or(line.len())].trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn built() -> Value {
        document(&Contract::load().unwrap(), true).unwrap()
    }

    #[test]
    fn reasons_are_read_out_of_a_comment() {
        let text = "Does.\nErrors: NOT_FOUND / A_B, C; ABORTED /\nD_E. A word more / X.";
        let pairs = reasons(text);
        let expected = [("NOT_FOUND", "A_B"), ("NOT_FOUND", "C"), ("ABORTED", "D_E")];
        assert_eq!(pairs, expected.map(|(code, reason)| (code.to_owned(), reason.to_owned())));
    }

    #[test]
    fn every_reference_leads_somewhere() {
        let document = built();
        let text = document.to_string();
        for reference in text.split("\"$ref\":\"#/components/schemas/").skip(1) {
            let name = reference.split('"').next().unwrap();
            assert!(document["components"]["schemas"].get(name).is_some(), "{name}");
        }
    }

    #[test]
    fn every_operation_is_named_once_and_says_how_it_fails() {
        let document = built();
        let mut seen = BTreeSet::new();
        for (path, item) in document["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                assert!(seen.insert(operation["operationId"].as_str().unwrap().to_owned()), "{method} {path}");
                assert!(operation["tags"].is_array() && operation["summary"].is_string(), "{method} {path}");
                assert!(path == "/" || operation["responses"].get("default").is_some(), "{method} {path}");
            }
        }
        assert!(seen.len() > 40, "{}", seen.len());
    }

    #[test]
    fn public_reads_need_no_token_and_the_rest_does() {
        let document = built();
        assert_eq!(document["paths"]["/v1/items"]["get"]["security"], json!([]));
        assert_eq!(document["paths"]["/v1/applications"]["post"]["security"], json!([{"bearer": []}]));
    }

    #[test]
    fn a_comment_says_public_of_what_needs_no_token_and_of_nothing_else() {
        for route in Contract::load().unwrap().routes {
            assert_eq!(route.comment().contains("Public"), is_public(&route), "{}", route.grpc_path());
        }
    }

    #[test]
    fn a_field_says_what_it_must_be() {
        let document = built();
        let party = &document["components"]["schemas"]["yiwang.party.v1.Party"]["properties"];
        assert!(party["name"]["description"].as_str().unwrap().contains("1 to 200 characters"));
        let page_size = &document["paths"]["/v1/items"]["get"]["parameters"][3];
        assert_eq!(page_size["name"], "page_size");
    }
}
