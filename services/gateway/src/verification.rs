//! 核验页: what the QR code of a paper leads to. The public verification of a document or a licence as a page for an old phone: Chinese
//! first, big type, no script. It shows what the JSON says, and nothing else.
//!
//! Invariant: every text stands in the page by the template, which escapes it; what was typed into the address is not repeated.

use askama::Template;
use axum::response::{Html, IntoResponse as _, Response};
use chrono::{DateTime, FixedOffset};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use pbjson_types::Timestamp;
use serde::Deserialize;
use tonic::{Code, Status, metadata::MetadataMap};
use yiwang_kit::new_request_id;
use yiwang_proto::{
    approval::v1::{VerifyCaseDocumentRequest, case_document_service_client::CaseDocumentServiceClient},
    document::v1::{DigestVerdict, DocumentKind, DocumentVerification},
    forward::{Links, carried},
    intake::v1::{VerifyDocumentRequest, document_service_client::DocumentServiceClient},
    license::v1::{
        LicenseStatus, VerifyLicenseRequest, VerifyLicenseResponse, license_service_client::LicenseServiceClient,
    },
};

use crate::{Options, problem::Refused};

/// One thing in both languages.
#[derive(Clone, Debug)]
struct Words {
    zh: String,
    en: String,
}

fn words(zh: impl Into<String>, en: impl Into<String>) -> Words {
    Words { zh: zh.into(), en: en.into() }
}

/// One line of what is known.
struct Row {
    name: Words,
    value: String,
    en: String,
}

#[derive(Template)]
#[template(path = "verification.html")]
struct Page {
    subject: Words,
    verdict: Words,
    tone: &'static str,
    rows: Vec<Row>,
    notes: Vec<Words>,
    asks_code: bool,
    nonce: String,
}

/// What a code leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// 文书 of an application, by its number.
    Document(String),
    /// 文书 of a case, by its number.
    CaseDocument(String),
    /// 电子证照, by its 证照标识.
    License(String),
}

/// What a request asks to see as a page; none where it is no verification, or wants JSON. A licence's address by GET is this page alone:
/// machines POST.
pub fn asked(method: &Method, uri: &Uri, headers: &HeaderMap) -> Option<Asked> {
    if method != Method::GET {
        return None;
    }
    let (collection, id) = uri.path().strip_prefix("/v1/")?.split_once('/')?;
    let id = id.strip_suffix(":verify").filter(|id| !id.is_empty() && !id.contains('/'))?.to_owned();
    match collection {
        "documents" if wants_page(headers) => Some(Asked::Document(id)),
        "case-documents" if wants_page(headers) => Some(Asked::CaseDocument(id)),
        "licenses" => Some(Asked::License(id)),
        _ => None,
    }
}

/// Whether a page is named in `Accept`, and before JSON: as browsers do, and as no program does that says nothing.
fn wants_page(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let mut kinds = accepted.flat_map(|value| value.split(',')).map(|kind| kind.split(';').next().unwrap_or_default());
    let first = kinds.find(|kind| ["text/html", "application/json"].contains(&kind.trim()));
    first.is_some_and(|kind| kind.trim() == "text/html")
}

/// What stands behind the question mark; what cannot be read is as if it were not there, and verifies nothing.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Query {
    #[serde(alias = "checkCode")]
    check_code: String,
    digest: String,
}

/// The page.
pub async fn page(
    links: &Links,
    options: &Options,
    asked: Asked,
    uri: &Uri,
    headers: &HeaderMap,
    trace: &str,
) -> Response {
    let query = axum::extract::Query::<Query>::try_from_uri(uri).map(|query| query.0).unwrap_or_default();
    let (check_code, digest) = (query.check_code, query.digest);
    let answer = match asked {
        Asked::Document(number) => {
            let ask = request(VerifyDocumentRequest { number, check_code, digest }, options, headers);
            let answer = DocumentServiceClient::new(links.intake.clone()).verify_document(ask).await;
            answer.map(|answer| document(&answer.into_inner()))
        }
        Asked::CaseDocument(number) => {
            let ask = request(VerifyCaseDocumentRequest { number, check_code, digest }, options, headers);
            let answer = CaseDocumentServiceClient::new(links.approval.clone()).verify_case_document(ask).await;
            answer.map(|answer| document(&answer.into_inner()))
        }
        Asked::License(identifier) => {
            let ask = request(VerifyLicenseRequest { identifier, ..Default::default() }, options, headers);
            let answer = LicenseServiceClient::new(links.license.clone()).verify_license(ask).await;
            answer.map(|answer| license(&answer.into_inner()))
        }
    };
    match answer {
        Ok(page) => response(StatusCode::OK, &page),
        Err(status) => refused(&status, trace),
    }
}

fn request<T>(message: T, options: &Options, headers: &HeaderMap) -> tonic::Request<T> {
    let mut request = tonic::Request::new(message);
    let mut headers = carried(headers);
    // the same for everybody, and nobody who reads it
    headers.remove(header::AUTHORIZATION);
    *request.metadata_mut() = MetadataMap::from_headers(headers);
    request.set_timeout(options.deadline);
    request
}

fn document(found: &DocumentVerification) -> Page {
    let subject = words("文书核验", "Verification of a document");
    if !found.issued {
        return Page {
            verdict: words("查无此文书", "No such document was issued"),
            tone: "bad",
            notes: vec![words(
                "没有任何机关出具过该编号和校验码对应的文书。请核对是否输错；仍查不到的，该文书可能是伪造的，请勿据此办事，并向出具机关核实。",
                "No organ has issued a document of this number and check code. Check what was typed; if it is right, the paper may be forged: do not rely on it, and ask the organ that it names.",
            )],
            asks_code: true,
            ..page_of(subject, found.check_time.as_ref(), Vec::new())
        };
    }
    let rows = vec![
        row("文书", "Document", &found.title, kind(found.kind())),
        row("编号", "Number", &found.number, ""),
        row("出具机关", "Issued by", &found.department, ""),
        row("出具日期", "Date", &found.date, ""),
        row("事项", "Matter", &found.item_name, ""),
        row("当事人（已隐去部分）", "Addressee, masked", &found.addressee, ""),
    ];
    let (verdict, tone) = match found.digest_verdict() {
        DigestVerdict::Differs => (words("文书存在，但内容已被改动", "Issued, but this copy was changed"), "bad"),
        DigestVerdict::Agrees => (words("真实，内容未被改动", "Genuine and unchanged"), "good"),
        DigestVerdict::Unknown => (words("真实，内容无法比对", "Genuine; its text can no longer be compared"), "good"),
        DigestVerdict::Unspecified => (words("真实", "Genuine"), "good"),
    };
    let check = words(
        "请核对以上内容与您手中的文书是否一致；不一致的，您手中的文书已被改动。",
        "Compare this with the paper in your hand: where they differ, the paper was changed.",
    );
    let erased = words(
        "该文书的个人信息已依法删除，不再显示。",
        "The addressee's data were erased by law and are shown no more.",
    );
    let notes = std::iter::once(check).chain(found.addressee.is_empty().then_some(erased)).collect();
    Page { verdict, tone, notes, ..page_of(subject, found.check_time.as_ref(), rows) }
}

fn license(found: &VerifyLicenseResponse) -> Page {
    let subject = words("电子证照核验", "Verification of an electronic licence");
    let why = found.reasons.first().map(String::as_str).unwrap_or_default();
    if found.identifier.is_empty() {
        return Page {
            verdict: words("查无此证照", "No such licence was issued"),
            tone: "bad",
            notes: vec![words(
                "没有任何机关颁发过该标识的证照。请核对是否输错；仍查不到的，该证照可能是伪造的。",
                "No organ has issued a licence of this identifier. Check what was typed; if it is right, it may be forged.",
            )],
            ..page_of(subject, found.check_time.as_ref(), Vec::new())
        };
    }
    let (en, tone) = match why {
        "" => ("Genuine and in force", "good"),
        "CANCELLED" => ("Genuine, but cancelled: no longer in force", "bad"),
        "EXPIRED" => ("Genuine, but expired", "bad"),
        "NOT_YET_VALID" => ("Genuine, not yet in force", ""),
        "DATA_ERASED" => ("Its data were erased by law: only the file itself can be verified", ""),
        _ => ("It cannot be verified", "bad"),
    };
    let until = if found.valid_to.is_empty() { "长期" } else { &found.valid_to };
    let rows = vec![
        row("证照", "Licence", &found.name, ""),
        row("证照标识", "Identifier", &found.identifier, ""),
        row("颁发机关", "Issued by", &found.issuer, ""),
        row("有效期至", "Valid until", until, ""),
        row("状态", "Status", status(found.status()), ""),
    ];
    Page { verdict: words(&found.text, en), tone, ..page_of(subject, found.check_time.as_ref(), rows) }
}

/// A page of what is known, and when that was so.
fn page_of(subject: Words, check_time: Option<&Timestamp>, mut rows: Vec<Row>) -> Page {
    rows.retain(|row| !row.value.is_empty());
    rows.extend(check_time.and_then(time).map(|time| row("核验时间", "Verified at", &time, "")));
    Page {
        subject,
        verdict: words("", ""),
        tone: "",
        rows,
        notes: Vec::new(),
        asks_code: false,
        nonce: new_request_id(),
    }
}

/// A moment as China's clocks show it.
fn time(at: &Timestamp) -> Option<String> {
    let zone = FixedOffset::east_opt(8 * 3600)?;
    let at = DateTime::from_timestamp(at.seconds, 0)?.with_timezone(&zone);
    Some(at.format("%Y-%m-%d %H:%M").to_string())
}

fn row(zh: &str, en: &str, value: &str, value_en: &str) -> Row {
    Row { name: words(zh, en), value: value.to_owned(), en: value_en.to_owned() }
}

/// 文书种类 in English; the title says it in Chinese.
fn kind(kind: DocumentKind) -> &'static str {
    match kind {
        DocumentKind::Unspecified => "",
        DocumentKind::Receipt => "receipt",
        DocumentKind::Correction => "notice of what is missing",
        DocumentKind::Acceptance => "notice of acceptance",
        DocumentKind::NonAcceptance => "decision not to accept",
        DocumentKind::Extension => "notice of extension",
        DocumentKind::SpecialProcedure => "notice of a special procedure",
        DocumentKind::HearingRights => "notice of the right to a hearing",
        DocumentKind::HearingNotice => "notice of a hearing",
        DocumentKind::Grant => "decision to grant",
        DocumentKind::Refusal => "decision to refuse",
        DocumentKind::Revocation => "decision of revocation",
        DocumentKind::Deregistration => "decision of deregistration",
        DocumentKind::ProofOfService => "proof of service",
        DocumentKind::Deferral => "notice and promise of what may follow",
        DocumentKind::Promise => "signed promise",
    }
}

fn status(status: LicenseStatus) -> &'static str {
    match status {
        LicenseStatus::Unspecified => "",
        LicenseStatus::Valid => "有效",
        LicenseStatus::Cancelled => "已注销",
        LicenseStatus::Expired => "已过有效期",
        LicenseStatus::Suspended => "暂扣",
        LicenseStatus::Annulled => "已撤销",
        LicenseStatus::Revoked => "已吊销",
        LicenseStatus::Superseded => "已被新证替代",
    }
}

/// Nothing could be verified: what was asked is no number, or nobody answered.
fn refused(status: &Status, trace: &str) -> Response {
    let refused = Refused::by(status);
    let theirs = refused.problem.code == Code::InvalidArgument;
    let verdict = match theirs {
        true => words("编号有误，无法核验", "Not a number of ours: nothing was verified"),
        false => words("暂时无法核验，请稍后再试", "It cannot be verified now: try again later"),
    };
    let said = words(&refused.problem.zh, &refused.problem.en);
    let traced = words(format!("追踪号：{trace}"), "trace id, for whoever helps you");
    let notes = std::iter::once(said).chain((!theirs).then_some(traced)).collect();
    let tone = if theirs { "bad" } else { "" };
    response(refused.status, &Page { verdict, tone, notes, ..page_of(words("核验", "Verification"), None, Vec::new()) })
}

/// The page as a response that loads nothing, runs nothing, and tells nobody its address, in which the check code stands.
fn response(status: StatusCode, page: &Page) -> Response {
    let Ok(text) = page.render() else {
        tracing::error!("a page of verification could not be written");
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let policy = format!(
        "default-src 'none'; style-src 'nonce-{}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
        page.nonce
    );
    let mut response = (status, Html(text)).into_response();
    let headers = response.headers_mut();
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    for (name, value) in [
        (header::CACHE_CONTROL, "no-store"),
        (header::VARY, "accept"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (HeaderName::from_static("x-robots-tag"), "noindex"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}
