//! 文书: each act's document, numbered without gaps, handed out as PDF, and verified by anybody who has it.

use std::collections::BTreeSet;

use serde_json::json;
use yiwang_kit::new_request_id;
use yiwang_proto::document::v1::DocumentVerification;
use yiwang_proto::document::v1::{DigestVerdict, Document, DocumentFile, DocumentKind, DocumentSize};
use yiwang_proto::intake::v1 as pb;
use yiwang_proto::intake::v1::document_service_client::DocumentServiceClient;

use crate::world::{PLAIN, World, reason, struct_of};

fn documents(world: &World, account: &str) -> DocumentServiceClient<yiwang_kit::Link> {
    DocumentServiceClient::new(world.link(account))
}

async fn list(world: &World, account: &str, id: &str) -> Result<Vec<Document>, tonic::Status> {
    let ask = pb::ListDocumentsRequest { application_id: id.into(), ..Default::default() };
    documents(world, account).list_documents(ask).await.map(|answer| answer.into_inner().documents)
}

async fn get(world: &World, account: &str, id: &str, number: &str) -> Result<DocumentFile, tonic::Status> {
    get_in(world, account, id, number, DocumentSize::Ordinary).await
}

async fn get_in(
    world: &World,
    account: &str,
    id: &str,
    number: &str,
    size: DocumentSize,
) -> Result<DocumentFile, tonic::Status> {
    let ask = pb::GetDocumentRequest { application_id: id.into(), number: number.into(), size: size.into() };
    documents(world, account).get_document(ask).await.map(tonic::Response::into_inner)
}

/// As anybody asks, without a token.
async fn verify(world: &World, number: &str, code: &str, digest: &str) -> DocumentVerification {
    let ask = pb::VerifyDocumentRequest { number: number.into(), check_code: code.into(), digest: digest.into() };
    let mut public = DocumentServiceClient::new(world.process.links.get("intake"));
    public.verify_document(ask).await.unwrap().into_inner()
}

/// The check code, as the QR code has it.
fn code(document: &Document) -> String {
    document.verification_url.rsplit('=').next().unwrap().to_owned()
}

async fn plain(world: &World) -> pb::Application {
    world.draft(PLAIN, struct_of(json!({"subject": "一"}))).await
}

pub async fn each_act_issues_its_document_and_the_application_has_its_number(world: World) {
    let draft = plain(&world).await;
    assert!(list(&world, "citizen", &draft.id).await.unwrap().is_empty());
    let submitted = world.submit(&draft.id).await.unwrap();
    let issued = list(&world, "citizen", &draft.id).await.unwrap();
    assert_eq!(
        (issued.len(), issued[0].kind(), &issued[0].number),
        (1, DocumentKind::Receipt, &submitted.receipt_number)
    );
    let corrected = world.as_("clerk").request_correction(correction(&draft.id)).await.unwrap().into_inner();
    let issued = list(&world, "citizen", &draft.id).await.unwrap();
    assert_eq!(
        (issued[1].kind(), &issued[1].number),
        (DocumentKind::Correction, &corrected.corrections[0].notice_number)
    );
    let again =
        pb::ResubmitApplicationRequest { id: draft.id.clone(), request_id: new_request_id(), ..Default::default() };
    world.as_("citizen").resubmit_application(again).await.unwrap();
    let refused = world.as_("clerk").refuse_application(refusal(&draft.id)).await.unwrap().into_inner();
    let issued = list(&world, "citizen", &draft.id).await.unwrap();
    assert_eq!(refused.receipt_number, submitted.receipt_number);
    let kinds: Vec<_> = issued.iter().map(Document::kind).collect();
    assert_eq!(
        kinds,
        [DocumentKind::Receipt, DocumentKind::Correction, DocumentKind::Receipt, DocumentKind::NonAcceptance]
    );
    assert_eq!(issued[3].number, refused.refusal.unwrap().notice_number);
}

fn correction(id: &str) -> pb::RequestCorrectionRequest {
    let points =
        vec![pb::CorrectionPoint { field: "/subject".into(), text: "请写明事由".into(), ..Default::default() }];
    pb::RequestCorrectionRequest { id: id.into(), request_id: new_request_id(), points, ..Default::default() }
}

fn refusal(id: &str) -> pb::RefuseApplicationRequest {
    pb::RefuseApplicationRequest {
        id: id.into(),
        request_id: new_request_id(),
        ground: pb::RefusalGround::NoPermissionNeeded.into(),
        reason: "依法不需要取得行政许可".into(),
        ..Default::default()
    }
}

pub async fn an_acceptance_has_its_notice(world: World) {
    let accepted = world.accepted().await;
    let issued = list(&world, "citizen", &accepted.id).await.unwrap();
    assert_eq!((issued.last().unwrap().kind(), issued.len()), (DocumentKind::Acceptance, 2));
    let file = get(&world, "citizen", &accepted.id, &issued[1].number).await.unwrap();
    assert!(file.pdf.starts_with(b"%PDF-") && file.file_sm3.len() == 64);
}

pub async fn what_the_law_accepts_has_its_notice_too(world: World) {
    let draft = plain(&world).await;
    world.submit(&draft.id).await.unwrap();
    world.day(2026, 3, 20);
    let noticed = async || {
        let issued = list(&world, "citizen", &draft.id).await.unwrap();
        issued.iter().any(|one| one.kind() == DocumentKind::Acceptance).then_some(())
    };
    world.until(noticed).await;
}

/// Numbers of an organ, a year and a kind: one after the other, however many come at once.
pub async fn numbers_have_no_gap_and_no_repeat_under_concurrency(world: World) {
    let mut drafts = Vec::new();
    for _ in 0..12 {
        drafts.push(plain(&world).await);
    }
    let beginning = format!("SJ{}2026", drafts[0].department_code);
    let handed = drafts.iter().map(|draft| async { world.submit(&draft.id).await.unwrap().receipt_number });
    let numbers: BTreeSet<String> = futures_util::future::join_all(handed).await.into_iter().collect();
    let expected: BTreeSet<String> = (1..=12).map(|serial| format!("{beginning}{serial:06}")).collect();
    assert_eq!(numbers, expected);
    assert!(numbers.first().unwrap().len() <= 30);
}

pub async fn a_repeated_request_issues_nothing_more(world: World) {
    let draft = plain(&world).await;
    let ask = pb::SubmitApplicationRequest { id: draft.id.clone(), request_id: new_request_id(), ..Default::default() };
    let first = world.as_("citizen").submit_application(ask.clone()).await.unwrap().into_inner();
    let second = world.as_("citizen").submit_application(ask).await.unwrap().into_inner();
    assert_eq!((first.receipt_number, first.etag), (second.receipt_number, second.etag));
    assert_eq!(list(&world, "citizen", &draft.id).await.unwrap().len(), 1);
}

pub async fn a_new_year_begins_with_one(world: World) {
    let first = plain(&world).await;
    world.submit(&first.id).await.unwrap();
    world.day(2027, 1, 4);
    let second = plain(&world).await;
    let number = world.submit(&second.id).await.unwrap().receipt_number;
    assert!(number.ends_with("2027000001"), "{number}");
}

pub async fn whoever_may_not_read_the_application_gets_no_document(world: World) {
    let draft = plain(&world).await;
    let number = world.submit(&draft.id).await.unwrap().receipt_number;
    let refused = get(&world, "citizen2", &draft.id, &number).await.unwrap_err();
    assert_eq!(reason(&refused), "APPLICATION_NOT_FOUND");
    assert_eq!(reason(&list(&world, "citizen2", &draft.id).await.unwrap_err()), "APPLICATION_NOT_FOUND");
    // nor by way of an application of one's own
    let own = plain(&world).await;
    assert_eq!(reason(&get(&world, "citizen", &own.id, &number).await.unwrap_err()), "DOCUMENT_NOT_FOUND");
    for wrong in ["", "SJ", "XX1", &number[..29]] {
        assert_eq!(reason(&get(&world, "citizen", &draft.id, wrong).await.unwrap_err()), "DOCUMENT_NOT_FOUND");
    }
}

/// 最小必要: who merely watches knows that there is a paper, and does not read what it says of the person.
pub async fn who_merely_watches_gets_no_paper(world: World) {
    let submitted = world.submitted().await;
    let document = list(&world, "supervisor", &submitted.id).await.unwrap().remove(0);
    let refused = get(&world, "supervisor", &submitted.id, &document.number).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused)), (tonic::Code::PermissionDenied, "ACTION_NOT_PERMITTED".into()));
    assert!(get(&world, "reviewer", &submitted.id, &document.number).await.is_ok());
}

pub async fn anybody_who_has_it_verifies_it_and_sees_no_name(world: World) {
    let draft = plain(&world).await;
    world.submit(&draft.id).await.unwrap();
    let document = list(&world, "citizen", &draft.id).await.unwrap().remove(0);
    let answer = verify(&world, &document.number, &code(&document), "").await;
    assert_eq!((answer.issued, answer.kind(), answer.date.as_str()), (true, DocumentKind::Receipt, "2026-03-02"));
    assert_eq!(answer.addressee.chars().nth(1), Some('*'));
    // typed by hand
    assert!(verify(&world, &document.number, &code(&document).to_lowercase(), "").await.issued);
    for (number, code) in [(&*document.number, "0000000000000000"), (&*document.number, ""), ("SJ1", &*code(&document))]
    {
        let answer = verify(&world, number, code, "").await;
        assert_eq!((answer.issued, answer.department.as_str(), answer.digest.as_str()), (false, "", ""));
    }
}

pub async fn a_digest_says_whether_a_text_or_a_file_is_genuine(world: World) {
    let draft = plain(&world).await;
    world.submit(&draft.id).await.unwrap();
    let document = list(&world, "citizen", &draft.id).await.unwrap().remove(0);
    let (number, code) = (&document.number, code(&document));
    let large = get_in(&world, "citizen", &draft.id, number, DocumentSize::Large).await.unwrap();
    let file = get(&world, "citizen", &draft.id, number).await.unwrap();
    assert_ne!(file.file_sm3, large.file_sm3);
    for digest in [&document.digest, &file.file_sm3, &large.file_sm3, &file.file_sm3.to_uppercase()] {
        assert_eq!(verify(&world, number, &code, digest).await.digest_verdict(), DigestVerdict::Agrees);
    }
    let other = "0".repeat(64);
    assert_eq!(verify(&world, number, &code, &other).await.digest_verdict(), DigestVerdict::Differs);
    let ask = pb::VerifyDocumentRequest { digest: "12".into(), ..Default::default() };
    let refused = documents(&world, "citizen").verify_document(ask).await.unwrap_err();
    assert_eq!(reason(&refused), "FIELD_INVALID");
}

pub async fn an_officers_download_leaves_an_entry(world: World) {
    let draft = plain(&world).await;
    let number = world.submit(&draft.id).await.unwrap().receipt_number;
    let before = world.ledger().head().await.unwrap().position;
    get(&world, "citizen", &draft.id, &number).await.unwrap();
    assert!(world.readers(before).await.is_empty());
    get(&world, "clerk", &draft.id, &number).await.unwrap();
    assert_eq!(world.readers(before).await, ["staff:clerk"]);
}

/// 告知承诺书: what the grant rests on has a number of its own, and can be verified.
pub async fn what_is_promised_has_its_document(world: World) {
    let form = serde_json::json!({"premises_name": "春来客栈", "premises_address": "广安区滨江路88号",
        "premises_kind": "宾馆饭店", "area_square_metres": 320, "floors": "1-3层"});
    let draft = world.draft(crate::world::FIRE, crate::world::struct_of(form)).await;
    let submit = pb::SubmitApplicationRequest {
        id: draft.id.clone(),
        request_id: yiwang_kit::new_request_id(),
        sign_promise: true,
        ..Default::default()
    };
    world.as_("citizen").submit_application(submit).await.unwrap();
    let all = list(&world, "citizen", &draft.id).await.unwrap();
    let kinds: Vec<_> = all.iter().map(|document| document.kind()).collect();
    assert_eq!(kinds, [DocumentKind::Receipt, DocumentKind::Promise]);
    let file = get(&world, "citizen", &draft.id, &all[1].number).await.unwrap();
    assert!(file.pdf.starts_with(b"%PDF"));
}

/// What was issued stands, though the item is another now.
pub async fn a_document_does_not_follow_its_item(world: World) {
    let draft = plain(&world).await;
    let number = world.submit(&draft.id).await.unwrap().receipt_number;
    let before = get(&world, "citizen", &draft.id, &number).await.unwrap();
    let row = yiwang_proto::catalogue::v1::ItemRow {
        item_code: PLAIN.into(),
        name: "另一个名称".into(),
        department: "区公安分局".into(),
        region_code: "511602000000".into(),
        item_type: 1,
        main_item: "出入境".into(),
        ..Default::default()
    };
    let import = yiwang_proto::catalogue::v1::ImportItemsRequest { request_id: new_request_id(), rows: vec![row] };
    world.catalogue_as("admin").import_items(import).await.unwrap();
    assert_eq!(get(&world, "citizen", &draft.id, &number).await.unwrap(), before);
}

pub async fn what_an_erased_person_was_issued_is_known_and_not_read(world: World) {
    let submitted = world.submitted().await;
    let document = list(&world, "citizen", &submitted.id).await.unwrap().remove(0);
    world.erase_citizen().await;
    let refused = get(&world, "clerk", &submitted.id, &document.number).await.unwrap_err();
    assert_eq!(reason(&refused), "DOCUMENT_ERASED");
    let answer = verify(&world, &document.number, &code(&document), &"0".repeat(64)).await;
    assert_eq!((answer.issued, answer.addressee.as_str(), answer.digest_verdict()), (true, "", DigestVerdict::Unknown));
}

pub async fn a_guides_code_leads_to_the_guide(world: World) {
    let ask = yiwang_proto::catalogue::v1::GetGuideCodeRequest { item_code: PLAIN.into() };
    let code = world.catalogue_as("citizen").get_guide_code(ask).await.unwrap().into_inner();
    assert_eq!(code.url, format!("{}/v1/items/{PLAIN}", world.config.public_url()));
    assert!(code.qr_svg.starts_with("<svg") && code.item_name.contains("护照"), "{code:?}");
}

pub async fn lists_of_documents_are_paged(world: World) {
    let accepted = world.accepted().await;
    let page = async |token: &str| {
        let ask =
            pb::ListDocumentsRequest { application_id: accepted.id.clone(), page_size: 1, page_token: token.into() };
        documents(&world, "citizen").list_documents(ask).await.map(tonic::Response::into_inner)
    };
    let first = page("").await.unwrap();
    let second = page(&first.next_page_token).await.unwrap();
    assert_eq!((first.documents.len(), second.documents.len(), second.next_page_token.as_str()), (1, 1, ""));
    assert_ne!(first.documents[0].number, second.documents[0].number);
    for wrong in ["x", "0", "2", "-1"] {
        assert_eq!(reason(&page(wrong).await.unwrap_err()), "PAGE_TOKEN_INVALID");
    }
}
