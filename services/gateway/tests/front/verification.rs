//! 核验页: what the QR code of a paper leads to.

use axum::body::Body;
use http::{Request, header};
use prost::Message as _;
use tonic::Status;
use yiwang_proto::approval::v1::VerifyCaseDocumentRequest;
use yiwang_proto::document::v1::{DigestVerdict, DocumentKind, DocumentVerification};
use yiwang_proto::intake::v1::VerifyDocumentRequest;
use yiwang_proto::license::v1::{LicenseStatus, VerifyLicenseRequest, VerifyLicenseResponse};

use crate::world::{Fake, OK, Read, World, world};

/// As the browser of a telephone asks.
const BROWSER: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

async fn asked(world: &World, path: &str, accept: &str) -> Read {
    let request = Request::get(path).header(header::ACCEPT, accept).header(header::AUTHORIZATION, "Bearer t");
    world.send(request.body(Body::empty()).unwrap()).await
}

fn text(read: &Read) -> String {
    String::from_utf8(read.body.to_vec()).unwrap()
}

fn issued() -> DocumentVerification {
    DocumentVerification {
        issued: true,
        number: "SL11511602MB1234567X2026000001".into(),
        kind: DocumentKind::Acceptance.into(),
        title: "受理通知书".into(),
        date: "2026-03-02".into(),
        department: "区卫生健康局".into(),
        item_name: "公共场所卫生许可".into(),
        addressee: "张*国".into(),
        check_time: Some(pbjson_types::Timestamp { seconds: 1_772_424_000, nanos: 0 }),
        ..Default::default()
    }
}

#[tokio::test]
async fn a_papers_code_leads_a_browser_to_a_page_and_a_program_to_json() {
    let (intake, approval) = (Fake::saying(issued()), Fake::saying(issued()));
    let world = world(&[("intake", &intake), ("approval", &approval)]);
    for (collection, service) in [("documents", &intake), ("case-documents", &approval)] {
        let path = format!("/v1/{collection}/SL11511602MB1234567X2026000001:verify?check_code=0123456789ABCDEF");
        let read = asked(&world, &path, BROWSER).await;
        let page = text(&read);
        assert_eq!(
            (read.status, read.headers[header::CONTENT_TYPE].to_str().unwrap()),
            (OK, "text/html; charset=utf-8")
        );
        for said in
            ["真实", "受理通知书", "notice of acceptance", "区卫生健康局", "2026-03-02 12:00", "张*国", "SL11511602"]
        {
            assert!(page.contains(said), "{said}: {page}");
        }
        // the same for everybody: no token goes on
        let asked_for = service.last();
        assert!(!asked_for.headers.contains_key(header::AUTHORIZATION));
        let message = asked_for.messages[0].clone().unwrap();
        let (number, code) = match collection {
            "documents" => VerifyDocumentRequest::decode(message).map(|ask| (ask.number, ask.check_code)).unwrap(),
            _ => VerifyCaseDocumentRequest::decode(message).map(|ask| (ask.number, ask.check_code)).unwrap(),
        };
        assert_eq!((number.as_str(), code.as_str()), ("SL11511602MB1234567X2026000001", "0123456789ABCDEF"));
        for accept in ["application/json", "*/*", "application/json, text/html;q=0.1"] {
            assert_eq!(asked(&world, &path, accept).await.json()["issued"], true, "{accept}");
        }
    }
}

#[tokio::test]
async fn a_page_runs_nothing_and_repeats_nothing_that_it_was_sent() {
    let mut forged = issued();
    forged.item_name = "<script>alert(1)</script>\"'&".into();
    let intake = Fake::saying(forged);
    let path = "/v1/documents/%3Cscript%3Eboo:verify?check_code=%3Cimg%20src%3Dx%3E&digest=";
    let read = asked(&world(&[("intake", &intake)]), path, BROWSER).await;
    let page = text(&read);
    assert!(!page.contains("<script") && !page.contains("<img") && !page.contains("boo"), "{page}");
    assert!(page.contains("&#60;script&#62;"), "{page}");
    let policy = read.headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
    let nonce = policy.split("'nonce-").nth(1).unwrap().split('\'').next().unwrap();
    assert!(policy.starts_with("default-src 'none';") && page.contains(&format!("<style nonce=\"{nonce}\">")));
    assert!(!policy.contains("unsafe") && !policy.contains("script-src"));
    // the check code in the address is told to nobody, and kept by nobody
    assert_eq!(
        (&read.headers[header::REFERRER_POLICY], &read.headers[header::CACHE_CONTROL]),
        (&"no-referrer".parse().unwrap(), &"no-store".parse().unwrap())
    );
}

#[tokio::test]
async fn what_was_forged_or_changed_is_said_plainly() {
    let unknown = Fake::saying(DocumentVerification::default());
    let page = text(&asked(&world(&[("intake", &unknown)]), "/v1/documents/SL1:verify", BROWSER).await);
    assert!(page.contains("查无此文书") && page.contains("伪造") && !page.contains("真实"), "{page}");
    assert!(page.contains("name=\"check_code\"") && page.contains("No such document was issued"));

    let changed = DocumentVerification { digest_verdict: DigestVerdict::Differs.into(), ..issued() };
    let page = text(&asked(&world(&[("intake", &Fake::saying(changed))]), "/v1/documents/SL1:verify", BROWSER).await);
    assert!(page.contains("内容已被改动") && page.contains("class=\"verdict bad\""), "{page}");
}

#[tokio::test]
async fn what_cannot_be_verified_now_is_not_called_forged() {
    let read = asked(&world(&[]), "/v1/case-documents/SL1:verify", BROWSER).await;
    let page = text(&read);
    assert!(read.status == 503 && page.contains("暂时无法核验") && page.contains("追踪号"), "{page}");
    assert!(!page.contains("伪造") && !page.contains("connection refused"));
    let wrong = Fake::refusing(Status::invalid_argument("no digest"));
    let read = asked(&world(&[("intake", &wrong)]), "/v1/documents/SL1:verify?digest=1", BROWSER).await;
    assert!(read.status == 400 && text(&read).contains("编号有误"));
}

#[tokio::test]
async fn a_licence_has_its_page_too() {
    let mut found = VerifyLicenseResponse {
        valid: true,
        status: LicenseStatus::Valid.into(),
        text: "公共场所卫生许可证真实有效，由区卫生健康局颁发".into(),
        identifier: "1.2.156.3005.2.1".into(),
        name: "公共场所卫生许可证".into(),
        issuer: "区卫生健康局".into(),
        ..Default::default()
    };
    let license = Fake::saying(found.clone());
    let path = "/v1/licenses/1.2.156.3005.2.1:verify";
    let page = text(&asked(&world(&[("license", &license)]), path, "*/*").await);
    assert!(page.contains("真实有效") && page.contains("长期") && page.contains("class=\"verdict good\""), "{page}");
    let ask = VerifyLicenseRequest::decode(license.last().messages[0].clone().unwrap()).unwrap();
    assert_eq!(ask.identifier, "1.2.156.3005.2.1");

    (found.valid, found.reasons) = (false, vec!["CANCELLED".into()]);
    (found.status, found.text) = (LicenseStatus::Cancelled.into(), "证照真实，但已被注销".into());
    let page = text(&asked(&world(&[("license", &Fake::saying(found))]), path, BROWSER).await);
    assert!(page.contains("已注销") && page.contains("no longer in force") && page.contains("class=\"verdict bad\""));
    let none = Fake::saying(VerifyLicenseResponse::default());
    assert!(text(&asked(&world(&[("license", &none)]), path, BROWSER).await).contains("查无此证照"));
}
