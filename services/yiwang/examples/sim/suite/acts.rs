//! The single acts, each a call with a request id of its own.

use futures_util::stream;
use tonic::Status;
use yiwang_kit::{Link, reason};
use yiwang_proto::approval::v1 as approval;
use yiwang_proto::approval::v1::approval_service_client::ApprovalServiceClient;
use yiwang_proto::catalogue::v1 as catalogue;
use yiwang_proto::evaluation::v1 as evaluation;
use yiwang_proto::evaluation::v1::evaluation_service_client::EvaluationServiceClient;
use yiwang_proto::intake::v1 as intake;
use yiwang_proto::intake::v1::intake_service_client::IntakeServiceClient;
use yiwang_proto::license::v1 as license;
use yiwang_proto::license::v1::license_service_client::LicenseServiceClient;

use super::calls::{Ask, Desk};
use super::people::{Citizen, MARK, Matter, paper};

/// Who applies for what.
pub struct Who {
    pub citizen: Citizen,
    pub matter: Matter,
    /// What calls are about.
    pub about: String,
    token: String,
}

impl Who {
    /// With a token.
    pub fn new(desk: &Desk, citizen: Citizen, matter: Matter) -> anyhow::Result<Self> {
        let Some(issuer) = &desk.grid.process.development else { anyhow::bail!("no issuer") };
        let (about, token) = (format!("a{}", citizen.number), citizen.token(issuer)?);
        desk.grid.names.learn(&citizen.document, &about);
        Ok(Self { citizen, matter, about, token })
    }
}

/// A call of a generated client.
macro_rules! rpc {
    ($client:ident.$method:ident) => {
        async |link: Link, request| $client::new(link).$method(request).await
    };
}

/// What can be done with one application.
pub struct Acts<'a> {
    pub desk: &'a Desk,
    pub who: &'a Who,
}

/// What an answer must repeat: which record, at which version.
macro_rules! proof {
    () => {
        |answer| format!("{} at {}", answer.id, answer.etag)
    };
}

impl Acts<'_> {
    /// Chooses by the dice of the seed.
    pub fn pick(&self, round: u64, what: &str, options: &[(u64, char)]) -> char {
        self.desk.grid.dice.pick(options, &format!("{} {round} {what}", self.who.about))
    }

    /// Whether it happens.
    pub fn percent(&self, round: u64, chance: u64, what: &str) -> bool {
        self.desk.grid.dice.percent(chance, &format!("{} {round} {what}", self.who.about))
    }

    /// The request id of an act: one an act, so that the same act done again is the same request.
    fn id(&self, act: &str) -> String {
        format!("s{}-{}-{act}", self.desk.grid.dice.0, self.who.about)
    }

    /// A call of the citizen's own; a read has no request id.
    pub fn own<'a>(&'a self, service: &'static str, request_id: &'a str) -> Ask<'a> {
        Ask { service, token: &self.who.token, about: &self.who.about, request_id }
    }

    fn by<'a>(&'a self, account: &str, service: &'static str, request_id: &'a str) -> Ask<'a> {
        Ask { service, token: self.desk.officer(account), about: &self.who.about, request_id }
    }

    /// A draft with its form; its id.
    pub async fn draft(&self, round: u64) -> Result<String, Status> {
        let request_id = self.id(&format!("draft-{round}"));
        let message = intake::CreateApplicationRequest {
            request_id: request_id.clone(),
            item_code: self.who.matter.code().into(),
            applicant: Some(self.who.citizen.party()),
            form: serde_json::from_value(self.who.matter.form(&self.who.citizen)).ok(),
            ..Default::default()
        };
        let call = rpc!(IntakeServiceClient.create_application);
        let made = self.desk.write(self.own("intake", &request_id), message, call, proof!()).await?;
        let case = yiwang_approval::grpc::stream(&made.id).to_string();
        self.desk.grid.names.learn(&made.id, &self.who.about);
        self.desk.grid.names.learn(&case, &self.who.about);
        Ok(made.id)
    }

    /// The application, as its citizen sees it.
    pub async fn application(&self, id: &str) -> Result<intake::Application, Status> {
        let message = intake::GetApplicationRequest { id: id.into() };
        let call = rpc!(IntakeServiceClient.get_application);
        self.desk.read(self.own("intake", ""), message, call).await
    }

    /// A paper.
    pub async fn upload(&self, id: &str, material: &str) -> Result<(), Status> {
        use intake::upload_attachment_request::Part;
        let request_id = self.id(&format!("upload-{material}"));
        let metadata = intake::AttachmentMetadata {
            request_id: request_id.clone(),
            application_id: id.into(),
            material_code: material.into(),
            file_name: format!("{MARK}-{material}.pdf"),
            ..Default::default()
        };
        let parts = [Part::Metadata(metadata), Part::Chunk(paper(&self.who.citizen, material))];
        let parts = parts.map(|part| intake::UploadAttachmentRequest { part: Some(part) });
        let call = async |link: Link, request: tonic::Request<[intake::UploadAttachmentRequest; 2]>| {
            IntakeServiceClient::new(link).upload_attachment(request.map(stream::iter)).await
        };
        let same = |file: &intake::Attachment| file.id.clone();
        self.desk.write(self.own("intake", &request_id), parts, call, same).await.map(drop)
    }

    /// 提交.
    pub async fn submit(&self, id: &str) -> Result<(), Status> {
        let request_id = self.id("submit");
        let message = intake::SubmitApplicationRequest {
            id: id.into(),
            request_id: request_id.clone(),
            sign_promise: self.who.matter == Matter::Fire && self.percent(0, 70, "promises"),
            ..Default::default()
        };
        let call = rpc!(IntakeServiceClient.submit_application);
        self.desk.write(self.own("intake", &request_id), message, call, proof!()).await.map(drop)
    }

    /// 补正提交.
    pub async fn resubmit(&self, id: &str) -> Result<(), Status> {
        let request_id = self.id("resubmit");
        let message = intake::ResubmitApplicationRequest {
            id: id.into(),
            request_id: request_id.clone(),
            note: format!("{MARK}已补齐"),
            ..Default::default()
        };
        let call = rpc!(IntakeServiceClient.resubmit_application);
        self.desk.write(self.own("intake", &request_id), message, call, proof!()).await.map(drop)
    }

    /// 撤回.
    pub async fn withdraw(&self, id: &str, round: u64) -> Result<(), Status> {
        let request_id = self.id(&format!("withdraw-{round}"));
        let message = intake::WithdrawApplicationRequest {
            id: id.into(),
            request_id: request_id.clone(),
            reason: format!("{MARK}不办了"),
            ..Default::default()
        };
        let call = rpc!(IntakeServiceClient.withdraw_application);
        self.desk.write(self.own("intake", &request_id), message, call, proof!()).await.map(drop)
    }

    /// 受理. Its number may come with the answer, or by the relay: so the answer's version may differ.
    pub async fn accept(&self, id: &str, round: u64) -> Result<(), Status> {
        let request_id = self.id(&format!("accept-{round}"));
        let message = intake::AcceptApplicationRequest {
            id: id.into(),
            request_id: request_id.clone(),
            note: format!("{MARK}材料齐全"),
            ..Default::default()
        };
        let call = rpc!(IntakeServiceClient.accept_application);
        let same = |app: &intake::Application| format!("{} on {}", app.id, app.accepted_date);
        self.desk.write(self.by("clerk", "intake", &request_id), message, call, same).await.map(drop)
    }

    /// 一次性补正告知: every paper that is not there, and a word on the first.
    pub async fn tell_once(&self, app: &intake::Application) -> Result<(), Status> {
        // told again, it may be of other papers: another request
        let request_id = self.id(&format!("tell-once-{}", app.attachments.len()));
        let missing = self.who.matter.materials().iter().enumerate().filter(|(index, material)| {
            *index == 0 || app.attachments.iter().all(|file| file.material_code != **material)
        });
        let point = |material: &&str| intake::CorrectionPoint {
            material_code: (*material).into(),
            text: format!("{MARK}：请补充{material}"),
            ..Default::default()
        };
        let message = intake::RequestCorrectionRequest {
            id: app.id.clone(),
            request_id: request_id.clone(),
            points: missing.map(|(_, material)| point(material)).collect(),
            ..Default::default()
        };
        let call = rpc!(IntakeServiceClient.request_correction);
        self.desk.write(self.by("clerk", "intake", &request_id), message, call, proof!()).await.map(drop)
    }

    /// 不予受理.
    pub async fn refuse(&self, id: &str) -> Result<(), Status> {
        let request_id = self.id("refuse");
        let message = intake::RefuseApplicationRequest {
            id: id.into(),
            request_id: request_id.clone(),
            ground: intake::RefusalGround::NotOurAuthority.into(),
            reason: format!("{MARK}不属于本机关职权范围"),
            competent_organ: "岳池县行政审批局".into(),
            ..Default::default()
        };
        let call = rpc!(IntakeServiceClient.refuse_application);
        self.desk.write(self.by("clerk", "intake", &request_id), message, call, proof!()).await.map(drop)
    }

    /// The case of an accepted application, once it is there.
    pub async fn case(&self, application: &str) -> Result<approval::Case, Status> {
        let id = yiwang_approval::grpc::stream(application).to_string();
        let what = format!("the case of {} ({application})", self.who.about);
        self.desk.until(&what, async || self.seen(self.read_case(&id).await)).await
    }

    async fn read_case(&self, id: &str) -> Result<approval::Case, Status> {
        let message = approval::GetCaseRequest { id: id.into() };
        let call = rpc!(ApprovalServiceClient.get_case);
        self.desk.read(self.own("approval", ""), message, call).await
    }

    /// What is not there yet may come.
    fn seen<T>(&self, answer: Result<T, Status>) -> Result<Option<T>, Status> {
        match answer {
            Ok(found) => Ok(Some(found)),
            Err(status) if status.code() == tonic::Code::NotFound => Ok(None),
            Err(status) => Err(status),
        }
    }

    /// The next step of an open case: decided at once, reviewed, or decided.
    pub async fn advance(&self, case: &approval::Case, round: u64) -> Result<(), Status> {
        let reviewed = case.phase() == approval::CasePhase::Reviewed;
        if reviewed || self.percent(round, 20, "decides at once") {
            match self.decide(case, round).await {
                Err(status) if reason(&status) == "NOT_REVIEWED" => {}
                other => return other,
            }
        }
        let request_id = self.id("review");
        let message = approval::ReviewCaseRequest {
            id: case.id.clone(),
            request_id: request_id.clone(),
            recommendation: approval::Outcome::Grant.into(),
            opinion: format!("{MARK}现场审核合格"),
            ..Default::default()
        };
        let (reviewer, _) = self.who.matter.officers();
        let call = rpc!(ApprovalServiceClient.review_case);
        self.desk.write(self.by(reviewer, "approval", &request_id), message, call, proof!()).await.map(drop)
    }

    async fn decide(&self, case: &approval::Case, round: u64) -> Result<(), Status> {
        let request_id = self.id(&format!("decide-{round}"));
        let grants = case.outstanding_materials.is_empty() && self.percent(0, 78, "is granted");
        let message = approval::DecideCaseRequest {
            id: case.id.clone(),
            request_id: request_id.clone(),
            outcome: if grants { approval::Outcome::Grant } else { approval::Outcome::Refuse }.into(),
            reasons: format!("{MARK}依法决定"),
            ..Default::default()
        };
        let (_, approver) = self.who.matter.officers();
        let call = rpc!(ApprovalServiceClient.decide_case);
        self.desk.write(self.by(approver, "approval", &request_id), message, call, proof!()).await.map(drop)
    }

    /// Asks for a special procedure: more time, or a test.
    pub async fn ask_procedure(&self, case: &str, extends: bool) -> Result<(), Status> {
        let request_id = self.id("procedure");
        let message = approval::RequestProcedureRequest {
            id: case.into(),
            request_id: request_id.clone(),
            kind: if extends { catalogue::SpecialKind::Extension } else { catalogue::SpecialKind::Other }.into(),
            name: "检测".into(),
            days: 5,
            basis: "《公共场所卫生管理条例实施细则》第二十六条".into(),
            reason: format!("{MARK}的经营场所需要检测"),
            ..Default::default()
        };
        let (reviewer, _) = self.who.matter.officers();
        let call = rpc!(ApprovalServiceClient.request_procedure);
        self.desk.write(self.by(reviewer, "approval", &request_id), message, call, proof!()).await.map(drop)
    }

    /// Whoever answers for the limit allows it.
    pub async fn allow(&self, case: &approval::Case, number: i32) -> Result<(), Status> {
        let request_id = self.id(&format!("allow-{number}"));
        let message = approval::DecideProcedureRequest {
            id: case.id.clone(),
            request_id: request_id.clone(),
            number,
            verdict: approval::ProcedureVerdict::Allow.into(),
            ..Default::default()
        };
        let extends = case.procedures.iter().any(|one| one.number == number && one.name == "延长审批");
        let who = if extends { "head" } else { "supervisor" };
        let same = |case: &approval::Case| format!("{} {:?}", case.id, case.procedures.first().map(|one| one.stage()));
        let call = rpc!(ApprovalServiceClient.decide_procedure);
        self.desk.write(self.by(who, "approval", &request_id), message, call, same).await.map(drop)
    }

    /// What came of it.
    pub async fn end_procedure(&self, case: &str, number: i32) -> Result<(), Status> {
        let request_id = self.id(&format!("end-{number}"));
        let message = approval::EndProcedureRequest {
            id: case.into(),
            request_id: request_id.clone(),
            number,
            findings: format!("{MARK}检测合格"),
            ..Default::default()
        };
        let (reviewer, _) = self.who.matter.officers();
        let call = rpc!(ApprovalServiceClient.end_procedure);
        self.desk.write(self.by(reviewer, "approval", &request_id), message, call, proof!()).await.map(drop)
    }

    /// 事后核查.
    pub async fn check(&self, case: &str, round: u64) -> Result<(), Status> {
        let request_id = self.id(&format!("check-{round}"));
        let passed = self.percent(round, 70, "keeps the promise");
        let message = approval::RecordFollowUpCheckRequest {
            id: case.into(),
            request_id: request_id.clone(),
            outcome: if passed { approval::CheckOutcome::Passed } else { approval::CheckOutcome::Rectify }.into(),
            findings: format!("{MARK}现场核查"),
            ..Default::default()
        };
        let (reviewer, _) = self.who.matter.officers();
        let call = rpc!(ApprovalServiceClient.record_follow_up_check);
        self.desk.write(self.by(reviewer, "approval", &request_id), message, call, proof!()).await.map(drop)
    }

    /// The licence of a granted case, once it is there; its id.
    pub async fn license(&self, case: &str) -> Result<String, Status> {
        let what = format!("the licence of {} (case {case})", self.who.about);
        let result = async || {
            let result = self.read_case(case).await?.result.unwrap_or_default();
            if !result.failure_reason.is_empty() {
                self.desk.grid.trouble(format!("{what}: refused: {}", result.failure_reason));
            }
            Ok(Some(result.license_id).filter(|id| !id.is_empty()))
        };
        self.desk.until(&what, result).await
    }

    /// 注销.
    pub async fn cancel(&self, id: &str) -> Result<(), Status> {
        let request_id = self.id("cancel");
        let message = license::CancelLicenseRequest {
            id: id.into(),
            request_id: request_id.clone(),
            cause: license::CancelCause::ForceMajeure.into(),
            reason: format!("{MARK}不可抗力"),
            ..Default::default()
        };
        let (_, approver) = self.who.matter.officers();
        let call = rpc!(LicenseServiceClient.cancel_license);
        self.desk.write(self.by(approver, "license", &request_id), message, call, proof!()).await.map(drop)
    }

    /// The right to judge a service, once it is there.
    pub async fn right(&self, number: &str) -> Result<evaluation::EvaluationRight, Status> {
        let what = format!("the right of {} ({number})", self.who.about);
        let rights = async || {
            let message = evaluation::ListEvaluationRightsRequest::default();
            let call = rpc!(EvaluationServiceClient.list_evaluation_rights);
            let listed: evaluation::ListEvaluationRightsResponse =
                self.desk.read(self.own("evaluation", ""), message, call).await?;
            Ok(listed.rights.into_iter().find(|right| right.case_number == number))
        };
        self.desk.until(&what, rights).await
    }

    /// 评价, and the answer to a bad one.
    pub async fn rate(&self, right: &evaluation::EvaluationRight) -> Result<(), Status> {
        let request_id = self.id("rate");
        let bad = self.percent(0, 30, "is not content");
        let message = evaluation::CreateEvaluationRequest {
            request_id: request_id.clone(),
            case_number: right.case_number.clone(),
            service_number: right.service_number,
            satisfaction: if bad {
                evaluation::Satisfaction::Dissatisfied
            } else {
                evaluation::Satisfaction::Satisfied
            }
            .into(),
            text: format!("{MARK}的窗口"),
            anonymous: self.percent(0, 30, "names nobody"),
            ..Default::default()
        };
        let call = rpc!(EvaluationServiceClient.create_evaluation);
        let given: evaluation::Evaluation =
            self.desk.write(self.own("evaluation", &request_id), message, call, proof!()).await?;
        if !bad {
            return Ok(());
        }
        let request_id = self.id("reply");
        let message = evaluation::ReplyEvaluationRequest {
            id: given.id,
            request_id: request_id.clone(),
            finding: evaluation::Finding::Explained.into(),
            text: format!("{MARK}情况属实"),
            ..Default::default()
        };
        let call = rpc!(EvaluationServiceClient.reply_evaluation);
        match self.desk.write(self.by("supervisor", "evaluation", &request_id), message, call, proof!()).await {
            // whoever allowed the test had a part in the case, and this place has no second supervisor
            Err(status) if reason(&status) == "RATED_OFFICER" => Ok(()),
            other => other.map(drop),
        }
    }
}
