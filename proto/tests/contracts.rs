//! What the contracts promise as a whole: the JSON mapping, and the habits every method keeps.

use prost_reflect::{DescriptorPool, MethodDescriptor};
use serde_json::json;
use yiwang_proto::{
    FILE_DESCRIPTOR_SET, OPENAPI_PARTS,
    intake::v1::{
        Application, ApplicationPhase, CreateApplicationRequest, ListApplicationsResponse, UpdateApplicationRequest,
    },
    license::v1::VerifyLicenseResponse,
    party::v1::DocumentKind,
};

fn methods() -> Vec<MethodDescriptor> {
    let pool = DescriptorPool::decode(FILE_DESCRIPTOR_SET).expect("our own descriptors");
    let services: Vec<_> = pool.services().filter(|service| service.full_name().starts_with("yiwang.")).collect();
    services.iter().flat_map(|service| service.methods().collect::<Vec<_>>()).collect()
}

fn comment(method: &MethodDescriptor) -> String {
    let file = method.parent_service().parent_file_descriptor_proto().clone();
    let info = file.source_code_info.expect("comments are kept");
    let location = info.location.into_iter().find(|location| location.path == method.path());
    location.and_then(|location| location.leading_comments).unwrap_or_default()
}

fn reads(method: &MethodDescriptor) -> bool {
    comment(method).contains("Changes nothing")
}

#[test]
fn json_goes_out_in_camel_case() {
    let application =
        Application { item_code: "511A".into(), phase: ApplicationPhase::Draft.into(), ..Application::default() };
    let json = serde_json::to_value(application).expect("serialises");
    assert_eq!(json, json!({"phase": "APPLICATION_PHASE_DRAFT", "itemCode": "511A"}));
}

#[test]
fn an_answer_is_written_whole() {
    let empty = serde_json::to_value(ListApplicationsResponse::default()).expect("serialises");
    assert_eq!(empty, json!({"applications": [], "nextPageToken": ""}));
    let verified = serde_json::to_value(VerifyLicenseResponse::default()).expect("serialises");
    assert_eq!((&verified["valid"], &verified["signatureValid"]), (&json!(false), &json!(false)));
}

#[test]
fn json_comes_in_in_both_spellings() {
    for key in ["document_kind", "documentKind"] {
        let body = json!({"item_code": "511A", "applicant": {"name": "张三丰", key: "DOCUMENT_KIND_PASSPORT"}, "form": {"area": 120}});
        let request: CreateApplicationRequest = serde_json::from_value(body).expect("parses");
        assert_eq!(request.applicant.expect("given").document_kind(), DocumentKind::Passport);
    }
}

#[test]
fn an_unknown_field_is_refused_by_name() {
    let error = serde_json::from_value::<CreateApplicationRequest>(json!({"itemcode": "511A"})).unwrap_err();
    assert!(error.to_string().contains("`itemcode`"), "{error}");
}

#[test]
fn an_update_mask_is_one_string() {
    let body = json!({"updateMask": "applicant,documentNumber"});
    let request: UpdateApplicationRequest = serde_json::from_value(body.clone()).expect("parses");
    assert_eq!(request.update_mask.as_ref().expect("given").paths, ["applicant", "document_number"]);
    assert_eq!(serde_json::to_value(request).expect("serialises"), body);
}

#[test]
fn every_write_takes_a_request_id() {
    for method in methods().iter().filter(|method| !reads(method) && method.name() != "UploadAttachment") {
        assert!(method.input().get_field_by_name("request_id").is_some(), "{}", method.full_name());
    }
}

#[test]
fn every_method_says_what_it_changes_and_what_it_may_refuse() {
    for method in methods() {
        let comment = comment(&method);
        assert!(comment.contains("Changes"), "{}", method.full_name());
        assert!(comment.contains("Errors: "), "{}", method.full_name());
    }
}

#[test]
fn every_list_is_paged() {
    for method in
        methods().iter().filter(|method| method.name().starts_with("List") || method.name().starts_with("Search"))
    {
        for (message, field) in
            [(method.input(), "page_size"), (method.input(), "page_token"), (method.output(), "next_page_token")]
        {
            assert!(message.get_field_by_name(field).is_some(), "{} lacks {field}", message.full_name());
        }
    }
}

#[test]
fn every_package_with_a_service_has_an_openapi_part() {
    assert_eq!(OPENAPI_PARTS.len(), 8);
}
