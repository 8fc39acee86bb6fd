//! What is wrong with a JSON body or a query, field by field, in the contract's own terms.
//!
//! The transcoder refuses at the first fault and does not always say where it was; this walks the whole input against the
//! message's descriptor and names every field at fault. It runs only on what was refused already.

use std::collections::BTreeSet;

use base64::Engine as _;
use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};
use serde_json::Value;
use yiwang_kit::status::ProblemField;

/// What is wrong with a JSON value as a message; empty where nothing could be found.
pub fn body(message: &MessageDescriptor, value: &Value) -> Vec<ProblemField> {
    let mut faults = Vec::new();
    walk(message, value, "", &mut faults);
    faults
}

/// What is wrong with the pairs of a query as the fields of a message.
pub fn query<'a>(message: &MessageDescriptor, pairs: impl Iterator<Item = (String, &'a str)>) -> Vec<ProblemField> {
    let (mut faults, mut seen) = (Vec::new(), BTreeSet::new());
    for (key, text) in pairs {
        match field_of(message, &key) {
            None => faults.push(unknown(&key, message)),
            Some(field) if !seen.insert(field.number()) && !field.is_list() => {
                faults.push(fault(field.name(), "DUPLICATE_FIELD", "只能给出一次", "may be given once"));
            }
            Some(field) if !is_encoded(text) => {
                faults.push(fault(
                    field.name(),
                    "ENCODING_INVALID",
                    "不是合法的百分号编码 UTF-8",
                    "not percent-encoded UTF-8",
                ));
            }
            Some(field) if !takes_text(&field, text) => faults.push(mistyped(field.name(), &field)),
            Some(_) => {}
        }
    }
    faults
}

fn walk(message: &MessageDescriptor, value: &Value, prefix: &str, faults: &mut Vec<ProblemField>) {
    let Value::Object(members) = value else {
        let path = if prefix.is_empty() { "body" } else { prefix.trim_end_matches('.') };
        faults.push(fault(path, "FIELD_TYPE", "应为对象", "an object is expected"));
        return;
    };
    for (key, member) in members {
        let Some(field) = field_of(message, key) else {
            faults.push(unknown(&format!("{prefix}{key}"), message));
            continue;
        };
        let path = format!("{prefix}{}", field.name());
        match member {
            Value::Null if matches!(field.kind(), Kind::Message(_)) => {}
            Value::Array(items) if field.is_list() => {
                for (index, item) in items.iter().enumerate() {
                    one(&field, item, &format!("{path}[{index}]"), faults);
                }
            }
            _ if field.is_list() => faults.push(fault(&path, "FIELD_TYPE", "应为数组", "an array is expected")),
            _ => one(&field, member, &path, faults),
        }
    }
}

fn one(field: &FieldDescriptor, value: &Value, path: &str, faults: &mut Vec<ProblemField>) {
    if let Kind::Message(message) = field.kind()
        && !message.full_name().starts_with("google.protobuf.")
    {
        walk(&message, value, &format!("{path}."), faults);
    } else if !takes(field, value) {
        faults.push(mistyped(path, field));
    }
}

/// Both spellings name a field.
fn field_of(message: &MessageDescriptor, key: &str) -> Option<FieldDescriptor> {
    message.get_field_by_name(key).or_else(|| message.get_field_by_json_name(key))
}

/// Whether a JSON value has the proto3 JSON form of a field that is no message of ours.
fn takes(field: &FieldDescriptor, value: &Value) -> bool {
    match (field.kind(), value) {
        (Kind::String, Value::String(_)) | (Kind::Bool, Value::Bool(_)) => true,
        (Kind::Bytes, Value::String(text)) => is_base64(text),
        (Kind::Enum(kind), Value::String(name)) => kind.get_value_by_name(name).is_some(),
        (Kind::Enum(_), Value::Number(number)) => number.as_i64().is_some_and(|n| i32::try_from(n).is_ok()),
        (Kind::Message(message), value) => well_known(message.full_name(), value),
        (Kind::Double | Kind::Float, value) => value.is_number(),
        (kind, Value::Number(number)) => number.as_i64().is_some_and(|n| in_range(&kind, n)),
        (kind, Value::String(text)) => text.parse().is_ok_and(|n| in_range(&kind, n)),
        _ => false,
    }
}

/// Whether the text of a query parameter can be a field.
fn takes_text(field: &FieldDescriptor, text: &str) -> bool {
    match field.kind() {
        Kind::String => true,
        Kind::Bool => matches!(text, "true" | "false"),
        Kind::Enum(kind) => kind.get_value_by_name(text).is_some() || text.parse::<i32>().is_ok(),
        _ => takes(field, &Value::from(text)),
    }
}

/// Whether a text is UTF-8 in percent encoding.
pub fn is_encoded(text: &str) -> bool {
    let (mut bytes, mut rest) = (Vec::new(), text.bytes());
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digits = [rest.next(), rest.next()].map(|digit| digit.and_then(|digit| char::from(digit).to_digit(16)));
        let [Some(high), Some(low)] = digits else { return false };
        bytes.extend(u8::try_from(high * 16 + low));
    }
    String::from_utf8(bytes).is_ok()
}

fn in_range(kind: &Kind, number: i64) -> bool {
    match kind {
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => i32::try_from(number).is_ok(),
        Kind::Uint32 | Kind::Fixed32 => u32::try_from(number).is_ok(),
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => true,
        Kind::Uint64 | Kind::Fixed64 => number >= 0,
        _ => false,
    }
}

fn well_known(name: &str, value: &Value) -> bool {
    match name {
        "google.protobuf.Struct" => value.is_object(),
        "google.protobuf.Timestamp" => value.as_str().is_some_and(is_timestamp),
        "google.protobuf.FieldMask" => value.is_string(),
        _ => true,
    }
}

fn is_base64(text: &str) -> bool {
    use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
    [STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD].iter().any(|engine| engine.decode(text).is_ok())
}

fn is_timestamp(text: &str) -> bool {
    serde_json::from_value::<pbjson_types::Timestamp>(Value::from(text)).is_ok()
}

fn unknown(path: &str, message: &MessageDescriptor) -> ProblemField {
    let known: Vec<_> = message.fields().map(|field| field.json_name().to_owned()).collect();
    let known = known.join(", ");
    fault(path, "UNKNOWN_FIELD", &format!("没有这个字段；可用：{known}"), &format!("no such field; there are: {known}"))
}

fn mistyped(path: &str, field: &FieldDescriptor) -> ProblemField {
    let (zh, en) = match field.kind() {
        Kind::String => ("应为字符串".to_owned(), "a string is expected".to_owned()),
        Kind::Bool => ("应为 true 或 false".to_owned(), "true or false is expected".to_owned()),
        Kind::Bytes => ("应为 base64 字符串".to_owned(), "a base64 string is expected".to_owned()),
        Kind::Double | Kind::Float => ("应为数字".to_owned(), "a number is expected".to_owned()),
        Kind::Enum(kind) => {
            let names: Vec<_> = kind.values().skip(1).map(|value| value.name().to_owned()).collect();
            (format!("应为以下之一：{}", names.join(", ")), format!("one of these is expected: {}", names.join(", ")))
        }
        Kind::Message(message) => match message.full_name() {
            "google.protobuf.Timestamp" => (
                "应为 RFC 3339 时间".to_owned(),
                "an RFC 3339 time is expected, such as 2026-03-02T01:00:00Z".to_owned(),
            ),
            "google.protobuf.FieldMask" => {
                ("应为字段名字符串".to_owned(), "a string of field names is expected".to_owned())
            }
            _ => ("应为对象".to_owned(), "an object is expected".to_owned()),
        },
        _ => ("应为整数".to_owned(), "an integer in range is expected".to_owned()),
    };
    fault(path, "FIELD_TYPE", &zh, &en)
}

fn fault(field: &str, reason: &str, zh: &str, en: &str) -> ProblemField {
    ProblemField { field: field.to_owned(), reason: reason.to_owned(), message: format!("{zh} ({en})") }
}

#[cfg(test)]
mod tests {
    use prost_reflect::DescriptorPool;
    use serde_json::json;

    use super::*;

    fn message(name: &str) -> MessageDescriptor {
        DescriptorPool::decode(yiwang_proto::FILE_DESCRIPTOR_SET).unwrap().get_message_by_name(name).unwrap()
    }

    fn faults(value: Value) -> Vec<(String, String)> {
        let faults = body(&message("yiwang.intake.v1.CreateApplicationRequest"), &value);
        faults.into_iter().map(|fault| (fault.field, fault.reason)).collect()
    }

    fn named(field: &str, reason: &str) -> Vec<(String, String)> {
        vec![(field.to_owned(), reason.to_owned())]
    }

    #[test]
    fn nothing_is_wrong_with_a_right_body() {
        let value = json!({"requestId": "r", "item_code": "511A", "form": {"a": 1},
            "applicant": {"name": "张三", "documentKind": "DOCUMENT_KIND_PASSPORT"}});
        assert_eq!(faults(value), []);
    }

    #[test]
    fn a_fault_deep_inside_is_named_with_its_path() {
        assert_eq!(faults(json!({"applicant": {"name": 7}})), named("applicant.name", "FIELD_TYPE"));
        assert_eq!(faults(json!({"applicant": {"nmae": "x"}})), named("applicant.nmae", "UNKNOWN_FIELD"));
        assert_eq!(
            faults(json!({"applicant": {"documentKind": "PASSPORT"}})),
            named("applicant.document_kind", "FIELD_TYPE")
        );
        assert_eq!(faults(json!({"form": [1]})), named("form", "FIELD_TYPE"));
        assert_eq!(faults(json!([])), named("body", "FIELD_TYPE"));
    }

    #[test]
    fn lists_and_times_are_looked_into() {
        let correction = message("yiwang.intake.v1.RequestCorrectionRequest");
        let faults = body(&correction, &json!({"points": [{"text": "x"}, {"text": 1}]}));
        assert_eq!(faults[0].field, "points[1].text");
        let notice = message("yiwang.trading.v1.PublishNoticeRequest");
        assert_eq!(body(&notice, &json!({"bidDeadlineTime": "tomorrow"}))[0].field, "bid_deadline_time");
    }

    #[test]
    fn a_query_is_looked_into() {
        let search = message("yiwang.catalogue.v1.SearchItemsRequest");
        let pairs = [
            ("page_size", "ten"),
            ("colour", "red"),
            ("itemType", "ITEM_TYPE_LICENSING"),
            ("query", "%FF"),
            ("query", "a"),
        ];
        let faults = query(&search, pairs.iter().map(|(key, text)| ((*key).to_owned(), *text)));
        let fields: Vec<_> = faults.iter().map(|fault| fault.field.as_str()).collect();
        assert_eq!(fields, ["page_size", "colour", "query", "query"]);
    }
}
