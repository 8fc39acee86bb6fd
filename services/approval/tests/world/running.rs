//! The running service, its neighbours played: what they were told is kept, what they answer is set.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use tonic::service::Routes;
use tonic::{Request, Response, Status};
use yiwang_kit::{Front, Link, Reply};
use yiwang_ledger::{Call, Refusal};
use yiwang_proto::approval::v1 as pb;
use yiwang_proto::approval::v1::approval_service_client::ApprovalServiceClient;
use yiwang_proto::approval::v1::case_document_service_client::CaseDocumentServiceClient;
use yiwang_proto::catalogue::v1 as items;
use yiwang_proto::clock::v1 as clocks;
use yiwang_proto::document::v1::{Document, DocumentFile};
use yiwang_proto::evaluation::v1 as evaluation;
use yiwang_proto::evaluation::v1::evaluation_service_server::{EvaluationService, EvaluationServiceServer};
use yiwang_proto::license::v1 as license;
use yiwang_proto::license::v1::license_service_server::{LicenseService, LicenseServiceServer};
use yiwang_proto::party::v1 as parties;
use yiwang_standards::identity::DocumentKind;

use crate::house::{Engine, House, until};

/// The organ that the demonstration's reviewer and approver work for.
pub fn organ() -> String {
    yiwang_kit::identity::Account::find("reviewer").unwrap().organisations[0].clone()
}

pub const NUMBER: &str = "511602198503120016";

/// What the licence service was told, and what it answers.
#[derive(Clone, Default)]
pub struct PlayedLicense {
    pub orders: Arc<Mutex<Vec<license::IssueLicenseRequest>>>,
    pub refuses: Arc<Mutex<Option<Refusal>>>,
    pub lost: Lost,
}

/// Answers that got lost on their way: done, but nobody heard so. The caller has to ask again.
#[derive(Clone, Default)]
pub struct Lost(Arc<AtomicU32>);

impl Lost {
    /// The next answers get lost.
    pub fn next(&self, answers: u32) {
        self.0.store(answers, Ordering::SeqCst);
    }

    fn or<T>(&self, answer: T) -> Reply<T> {
        let lost = self.0.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        if lost.is_ok() { Err(Status::unavailable("the answer got lost")) } else { Ok(Response::new(answer)) }
    }
}

/// What the evaluation service was told.
#[derive(Clone, Default)]
pub struct PlayedEvaluation {
    pub rights: Arc<Mutex<Vec<evaluation::OpenRightRequest>>>,
    pub lost: Lost,
}

pub struct World {
    pub house: House,
    pub license: PlayedLicense,
    pub evaluation: PlayedEvaluation,
    license_front: Front,
}

impl World {
    pub async fn on(engine: Engine, day: &str) -> Option<Self> {
        let house = House::open(engine, yiwang_approval::NAME, day, yiwang_approval::start).await?;
        let (license, evaluation) = (PlayedLicense::default(), PlayedEvaluation::default());
        let played = LicenseServiceServer::new(license.clone());
        let license_front = house.play("license", Routes::new(played)).await;
        let played = EvaluationServiceServer::new(evaluation.clone());
        house.play("evaluation", Routes::new(played)).await;
        Some(Self { house, license, evaluation, license_front })
    }

    /// The licence service is there again.
    pub fn plug_license(&self) {
        self.house.process.links.plug("license", self.license_front.clone());
    }

    pub fn by(&self, account: &str) -> ApprovalServiceClient<Link> {
        ApprovalServiceClient::new(self.house.by(account))
    }

    pub fn intake(&self) -> ApprovalServiceClient<Link> {
        ApprovalServiceClient::new(self.house.by_service("intake"))
    }

    /// A case of an item, opened by intake's relay.
    pub async fn open(&self, item: items::ItemTerms) -> pb::Case {
        let request = open_request(item, "2026-03-02");
        self.intake().open_case(request).await.unwrap().into_inner()
    }

    /// A hygiene permit, opened, reviewed and granted.
    pub async fn granted(&self) -> pb::Case {
        let case = self.open(licensing()).await;
        self.review(&case.id).await.unwrap();
        self.decide(&case.id, pb::Outcome::Grant, "").await.unwrap()
    }

    pub async fn refused(&self) -> pb::Case {
        let case = self.open(licensing()).await;
        self.review(&case.id).await.unwrap();
        self.decide(&case.id, pb::Outcome::Refuse, "空气检测不合格").await.unwrap()
    }

    pub fn documents_by(&self, account: &str) -> CaseDocumentServiceClient<Link> {
        CaseDocumentServiceClient::new(self.house.by(account))
    }

    /// Without a token.
    pub fn public_documents(&self) -> CaseDocumentServiceClient<Link> {
        CaseDocumentServiceClient::new(self.house.process.links.get("approval"))
    }

    pub async fn documents(&self, account: &str, id: &str) -> Result<Vec<Document>, Status> {
        let ask = pb::ListCaseDocumentsRequest { case_id: id.into(), ..Default::default() };
        self.documents_by(account).list_case_documents(ask).await.map(|answer| answer.into_inner().documents)
    }

    pub async fn document(&self, account: &str, id: &str, number: &str) -> Result<DocumentFile, Status> {
        let ask = pb::GetCaseDocumentRequest { case_id: id.into(), number: number.into(), ..Default::default() };
        self.documents_by(account).get_case_document(ask).await.map(Response::into_inner)
    }

    /// Intake's relay tells of a paper that came.
    pub async fn material(&self, case: &pb::Case, code: &str) -> Result<pb::Case, Status> {
        let request = pb::RecordMaterialRequest {
            request_id: format!("material-{code}"),
            actor: None,
            application_id: case.application_id.clone(),
            material_code: code.into(),
        };
        self.intake().record_material(request).await.map(Response::into_inner)
    }

    /// Intake's relay tells that the applicant of a [`numbered`] case took it back.
    pub async fn withdraw(&self, number: u8) {
        let request = pb::WithdrawCaseRequest {
            request_id: format!("withdraw-{number}"),
            application_id: application(number),
            ..Default::default()
        };
        self.intake().withdraw_case(request).await.unwrap();
    }

    pub async fn review(&self, id: &str) -> Result<pb::Case, Status> {
        let request = pb::ReviewCaseRequest {
            id: id.into(),
            request_id: "review-1".into(),
            recommendation: pb::Outcome::Grant.into(),
            opinion: "材料齐全，现场符合".into(),
            ..Default::default()
        };
        self.by("reviewer").review_case(request).await.map(Response::into_inner)
    }

    pub async fn decide(&self, id: &str, outcome: pb::Outcome, reasons: &str) -> Result<pb::Case, Status> {
        let request = pb::DecideCaseRequest {
            id: id.into(),
            request_id: "decide-1".into(),
            outcome: outcome.into(),
            reasons: reasons.into(),
            ..Default::default()
        };
        self.by("approver").decide_case(request).await.map(Response::into_inner)
    }

    /// The reviewer asks for a special procedure.
    pub async fn ask(&self, id: &str, asked: pb::RequestProcedureRequest) -> Result<pb::Case, Status> {
        let request_id = format!("ask-{}-{}", asked.kind, asked.days);
        let request = pb::RequestProcedureRequest { id: id.into(), request_id, ..asked };
        self.by("reviewer").request_procedure(request).await.map(Response::into_inner)
    }

    /// Somebody says whether a special procedure is allowed.
    pub async fn say(&self, who: &str, id: &str, number: i32, reason: &str) -> Result<pb::Case, Status> {
        let verdict = if reason.is_empty() { pb::ProcedureVerdict::Allow } else { pb::ProcedureVerdict::Deny };
        let request = pb::DecideProcedureRequest {
            id: id.into(),
            request_id: format!("say-{number}"),
            number,
            verdict: verdict.into(),
            reason: reason.into(),
            ..Default::default()
        };
        self.by(who).decide_procedure(request).await.map(Response::into_inner)
    }

    /// The reviewer records how it ended, today.
    pub async fn end(&self, id: &str, number: i32, end_date: &str) -> Result<pb::Case, Status> {
        let request = pb::EndProcedureRequest {
            id: id.into(),
            request_id: format!("end-{number}"),
            number,
            end_date: end_date.into(),
            findings: "空气质量合格".into(),
            ..Default::default()
        };
        self.by("reviewer").end_procedure(request).await.map(Response::into_inner)
    }

    pub async fn retry_license(&self, id: &str, license_type_code: &str) -> Result<pb::Case, Status> {
        let request = pb::RetryLicenseRequest {
            id: id.into(),
            request_id: format!("retry-{license_type_code}"),
            license_type_code: license_type_code.into(),
            ..Default::default()
        };
        self.by("approver").retry_license(request).await.map(Response::into_inner)
    }

    /// Erases the applicant's data in this service.
    pub async fn erase_citizen(&self) {
        let ledger = &self.house.ledger;
        let subject = yiwang_kit::subject(ledger.vault(), DocumentKind::ResidentId, NUMBER);
        let call = Call::system("erase-1", "");
        ledger.erase_subject(call, &subject, "个人信息保护法第四十七条", "").await.unwrap();
    }

    pub async fn read(&self, account: &str, id: &str) -> Result<pb::Case, Status> {
        self.by(account).get_case(pb::GetCaseRequest { id: id.into() }).await.map(Response::into_inner)
    }

    /// Waits until the case looks as wanted.
    pub async fn until(&self, id: &str, wanted: impl Fn(&pb::Case) -> bool) -> pb::Case {
        until(|| async { self.read("citizen", id).await.ok().filter(&wanted) }).await
    }
}

pub fn limit(days: i32) -> Option<clocks::TimeLimit> {
    Some(clocks::TimeLimit {
        days,
        unit: clocks::TimeUnit::WorkingDay.into(),
        basis: "《中华人民共和国行政许可法》第四十二条".into(),
        source: clocks::LimitSource::Statute.into(),
        unverified: false,
        ..Default::default()
    })
}

pub fn licensing() -> items::ItemTerms {
    items::ItemTerms {
        item_code: "511A0015500009-511602000000-000-115113016823646795-1-00".into(),
        item_version: 1,
        name: "公共场所卫生许可新办".into(),
        department: "区行政审批局".into(),
        department_code: organ(),
        region_code: "511602000000".into(),
        item_type: items::ItemType::Licensing.into(),
        case_kind: items::CaseKind::Promised.into(),
        legal_limit: limit(20),
        promised_limit: limit(8),
        result: Some(items::ItemResult {
            kind: items::ResultKind::License.into(),
            name: "公共场所卫生许可证".into(),
            license_type_code: "115113016823646795001".into(),
            validity_months: 48,
            validity_basis: String::new(),
            license_fields: vec!["premises_address".into()],
        }),
        rules: "licensing".into(),
        ..Default::default()
    }
}

pub fn filing() -> items::ItemTerms {
    let receipt = items::ItemResult {
        kind: items::ResultKind::Receipt.into(),
        name: "食品小经营店备案回执".into(),
        ..Default::default()
    };
    items::ItemTerms {
        item_type: items::ItemType::Other.into(),
        case_kind: items::CaseKind::Immediate.into(),
        legal_limit: limit(0),
        promised_limit: limit(0),
        result: Some(receipt),
        rules: "filing".into(),
        ..licensing()
    }
}

/// 检测 for ten working days.
pub fn testing() -> pb::RequestProcedureRequest {
    pb::RequestProcedureRequest {
        kind: items::SpecialKind::Other.into(),
        name: "检测".into(),
        days: 10,
        basis: "《公共场所卫生管理条例实施细则》第二十六条".into(),
        reason: "张建国的经营场所需要检测空气质量".into(),
        ..Default::default()
    }
}

/// 延长审批 by so many working days.
pub fn extension(days: i32) -> pb::RequestProcedureRequest {
    let reason = "需要核实卫生设施".into();
    pb::RequestProcedureRequest { kind: items::SpecialKind::Extension.into(), days, reason, ..Default::default() }
}

/// What intake's relay tells of an accepted application.
pub fn open_request(item: items::ItemTerms, accepted: &str) -> pb::OpenCaseRequest {
    let clerk = parties::Actor {
        id: "staff:clerk".into(),
        name: "王晓燕".into(),
        role: "clerk".into(),
        organisation: organ(),
        ..Default::default()
    };
    let form = serde_json::json!({"premises_address": "广安区滨江路1号", "rooms": 20, "phone": "13800001111"});
    pb::OpenCaseRequest {
        request_id: "intake-1".into(),
        actor: Some(clerk),
        application_id: "0190d5a0-0000-7000-8000-000000000001".into(),
        case_number: "51160200000068236467920260302000001".into(),
        promise_signed: item.notify_promise,
        item: Some(item),
        applicant: Some(parties::Party {
            name: "张建国".into(),
            document_kind: parties::DocumentKind::ResidentId.into(),
            document_number: NUMBER.into(),
            phone: "13900002222".into(),
            address: String::new(),
        }),
        owner: "person:citizen".into(),
        accepted_date: accepted.into(),
        form: serde_json::from_value(form).ok(),
        ..Default::default()
    }
}

/// The same for one application of several.
pub fn numbered(number: u8, item: items::ItemTerms) -> pb::OpenCaseRequest {
    pb::OpenCaseRequest {
        request_id: format!("open-{number}"),
        application_id: application(number),
        case_number: format!("N{number}"),
        ..open_request(item, "2026-03-02")
    }
}

fn application(number: u8) -> String {
    format!("0190d5a0-0000-7000-8000-0000000000{number:02}")
}

fn away() -> Status {
    Status::unimplemented("not played")
}

#[tonic::async_trait]
impl LicenseService for PlayedLicense {
    async fn issue_license(&self, request: Request<license::IssueLicenseRequest>) -> Reply<license::License> {
        if let Some(refusal) = self.refuses.lock().unwrap().clone() {
            return Err(yiwang_kit::status(refusal));
        }
        self.orders.lock().unwrap().push(request.into_inner());
        let (id, identifier) = ("licence-1".to_owned(), "1.2.156.3005.2.X.Y.1.001.Z".to_owned());
        self.lost.or(license::License { id, identifier, number: "511602202600001".into(), ..Default::default() })
    }
    async fn get_license(&self, _: Request<license::GetLicenseRequest>) -> Reply<license::License> {
        Err(away())
    }
    async fn list_licenses(&self, _: Request<license::ListLicensesRequest>) -> Reply<license::ListLicensesResponse> {
        Err(away())
    }
    async fn verify_license(&self, _: Request<license::VerifyLicenseRequest>) -> Reply<license::VerifyLicenseResponse> {
        Err(away())
    }
    async fn cancel_license(&self, _: Request<license::CancelLicenseRequest>) -> Reply<license::License> {
        Err(away())
    }
    async fn get_signing_key(&self, _: Request<license::GetSigningKeyRequest>) -> Reply<license::SigningKey> {
        Err(away())
    }
}

#[tonic::async_trait]
impl EvaluationService for PlayedEvaluation {
    async fn open_right(&self, request: Request<evaluation::OpenRightRequest>) -> Reply<evaluation::EvaluationRight> {
        self.rights.lock().unwrap().push(request.into_inner());
        self.lost.or(evaluation::EvaluationRight::default())
    }
    async fn list_evaluation_rights(
        &self,
        _: Request<evaluation::ListEvaluationRightsRequest>,
    ) -> Reply<evaluation::ListEvaluationRightsResponse> {
        Err(away())
    }
    async fn create_evaluation(
        &self,
        _: Request<evaluation::CreateEvaluationRequest>,
    ) -> Reply<evaluation::Evaluation> {
        Err(away())
    }
    async fn get_evaluation(&self, _: Request<evaluation::GetEvaluationRequest>) -> Reply<evaluation::Evaluation> {
        Err(away())
    }
    async fn list_evaluations(
        &self,
        _: Request<evaluation::ListEvaluationsRequest>,
    ) -> Reply<evaluation::ListEvaluationsResponse> {
        Err(away())
    }
    async fn reply_evaluation(&self, _: Request<evaluation::ReplyEvaluationRequest>) -> Reply<evaluation::Evaluation> {
        Err(away())
    }
}
