//! What an upload says about its file, in the query or as form fields, before the bytes.

use http::{HeaderMap, header};
use tonic::Code;
use yiwang_kit::status::ProblemField;
use yiwang_proto::intake::v1::AttachmentMetadata;

use crate::{problem::Refused, rest::declared_length};

/// Sets one value by its name, in either spelling.
pub fn set(metadata: &mut AttachmentMetadata, name: &str, value: String) -> Result<(), Refused> {
    match name {
        "request_id" | "requestId" => metadata.request_id = value,
        "material_code" | "materialCode" => metadata.material_code = value,
        "file_name" | "fileName" => metadata.file_name = value,
        "media_type" | "mediaType" => metadata.media_type = value,
        "sm3" => metadata.sm3 = value,
        "size" => metadata.size = value.parse().map_err(|_| fault("size", "FIELD_TYPE", "应为整数 (an integer)"))?,
        other => {
            let known = "request_id, material_code, file_name, media_type, size, sm3, file";
            return Err(fault(
                other,
                "UNKNOWN_FIELD",
                &format!("没有这个字段；可用 (no such field; there are): {known}"),
            ));
        }
    }
    Ok(())
}

/// A refusal about one field of an upload.
pub fn fault(field: &str, reason: &str, message: &str) -> Refused {
    let field = ProblemField { field: field.to_owned(), reason: reason.to_owned(), message: message.to_owned() };
    let zh = format!("上传内容有误：{}", field.field);
    let en = format!("the upload is wrong: {}", field.field);
    Refused::new(Code::InvalidArgument, "REQUEST_MALFORMED", zh, en).with_fields(vec![field])
}

/// Completes the metadata of a raw upload from its headers.
pub fn from_headers(metadata: &mut AttachmentMetadata, headers: &HeaderMap) {
    if metadata.media_type.is_empty() {
        let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        metadata.media_type = essence(kind).to_owned();
    }
    if metadata.size == 0 {
        metadata.size = declared_length(headers).and_then(|length| i64::try_from(length).ok()).unwrap_or_default();
    }
}

/// `text/plain; charset=utf-8` as `text/plain`. What says no more than "bytes" or "form" is nothing.
pub fn essence(kind: &str) -> &str {
    let essence = kind.split(';').next().unwrap_or_default().trim();
    if matches!(essence, "application/octet-stream" | "application/x-www-form-urlencoded") { "" } else { essence }
}

/// `Content-Disposition` of a download: the name in both forms, so that a Chinese one survives (RFC 6266).
pub fn disposition(name: &str) -> String {
    let plain: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() || ".-_ ".contains(c) { c } else { '_' }).collect();
    let mut encoded = String::new();
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b".-_".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{encoded}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_spellings_name_a_field_and_no_other_does() {
        let mut metadata = AttachmentMetadata::default();
        set(&mut metadata, "materialCode", "M01".into()).unwrap();
        set(&mut metadata, "request_id", "r1".into()).unwrap();
        assert_eq!((metadata.material_code.as_str(), metadata.request_id.as_str()), ("M01", "r1"));
        let refused = set(&mut metadata, "colour", "red".into()).unwrap_err();
        assert_eq!(refused.problem.fields[0].field, "colour");
    }

    #[test]
    fn a_chinese_name_survives_and_cannot_break_the_header() {
        let header = disposition("营业\r\n执照\".pdf");
        assert!(header.is_ascii() && !header.contains('\n'), "{header}");
        assert!(header.ends_with("filename*=UTF-8''%E8%90%A5%E4%B8%9A%0D%0A%E6%89%A7%E7%85%A7%22.pdf"), "{header}");
    }

    #[test]
    fn a_media_type_that_says_nothing_is_nothing() {
        assert_eq!(essence("application/pdf; x=1"), "application/pdf");
        assert_eq!(essence("application/octet-stream"), "");
    }
}
