//! One process with intake and stand-ins for approval and evaluation, its clock in the hand of the test.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use chrono::NaiveDate;
use pbjson_types::Struct;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Status};
use yiwang_kit::config::DatabaseUrl;
use yiwang_kit::identity::Account;
use yiwang_kit::{CallerKind, Config, Env, Link, Problem, Process, Shape, Stack, new_request_id, new_stream_id};
use yiwang_ledger::{Call, Ledger, Timestamp};
use yiwang_proto::approval::v1::approval_service_server::ApprovalServiceServer;
use yiwang_proto::catalogue::v1::catalogue_service_client::CatalogueServiceClient;
use yiwang_proto::catalogue::v1::directory_service_client::DirectoryServiceClient;
use yiwang_proto::evaluation::v1::evaluation_service_server::EvaluationServiceServer;
use yiwang_proto::intake::v1 as pb;
use yiwang_proto::intake::v1::intake_service_client::IntakeServiceClient;
use yiwang_proto::license::v1::license_service_server::LicenseServiceServer;
use yiwang_proto::party::v1::{DocumentKind, Party};
use yiwang_standards::calendar;
use yiwang_standards::identity::DocumentKind as IdentityKind;

use crate::approval::Approval;
use crate::evaluation::Evaluation;
use crate::license::License;

/// 公共场所卫生许可新办.
pub const HYGIENE: &str = "511A0015500009-511602000000-000-115113016823646795-1-00";
/// 食品小经营店备案发放.
pub const SMALL_SHOP: &str = "513A0102900001-511602000000-000-11511301MB051073XA-1-00";
/// 公众聚集场所投入使用、营业前消防安全检查.
pub const FIRE: &str = "511A0021300001-511602000000-000-11511300MB1A21304N-1-00";
/// An item with nothing but defaults: 护照.
pub const PLAIN: &str = "511A0116400001-511602000000-000-11511300008778693M-1-00";
/// 失业保险金申领, a public service whose limit runs from receipt.
pub const BENEFIT: &str = "512B0070100003-511602000000-000-1151130108778239R-1-00";
/// 《出生医学证明》首次签发.
pub const BIRTH: &str = "512023377001-511602000000-000-11511301008778490F-1-00";
/// The citizen's number, as the development issuer has it.
pub const CITIZEN: &str = "511602198503120016";
/// And the second citizen's.
pub const CITIZEN2: &str = "511602199007250027";

pub type Intake = IntakeServiceClient<Link>;
pub type Catalogue = CatalogueServiceClient<Link>;
pub type Directory = DirectoryServiceClient<Link>;

pub struct World {
    pub process: Process,
    pub env: Env,
    pub approval: Approval,
    pub evaluation: Evaluation,
    pub license: License,
    pub folder: Arc<TempDir>,
    pub config: Config,
    _end: End,
}

/// What a module of cases needs of the shipped catalogue: to bring all of it in takes longer than most cases do.
pub fn shipped(module: &str) -> String {
    match module {
        "catalogue" | "exchange" | "halls" | "themes" => "*".into(),
        // with an item of 区卫健局, which is consulted
        "transfers" => [HYGIENE, SMALL_SHOP, FIRE, PLAIN, BENEFIT, BIRTH].join(","),
        _ => [HYGIENE, SMALL_SHOP, FIRE, PLAIN, BENEFIT].join(","),
    }
}

/// Ends the process's tasks with the test.
struct End(CancellationToken);

impl Drop for End {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

/// Accounts that the demonstration has not: who is two things at once, or of another county.
fn of_the_tests(id: &str) -> Option<Account> {
    let (roles, organ, region): (&[&str], _, _) = match id {
        "window_agent" => (&["clerk", "agent"], "115113016823646795", None),
        "approver2" => (&["approver"], "115113016823646795", None),
        "market_window" => (&["clerk"], "11511301MB051073XA", None),
        "elsewhere" => (&["agent", "coordinator"], "11511300MB1A21304N", Some("511603000000")),
        _ => return None,
    };
    Some(Account {
        id: id.to_owned(),
        kind: CallerKind::Staff,
        name: "向前".to_owned(),
        document: None,
        roles: roles.iter().map(|role| (*role).to_owned()).collect(),
        grade: 0,
        acting: None,
        organisations: vec![organ.to_owned()],
        region: region.map(str::to_owned),
    })
}

/// Noon of a day, China standard time.
pub fn noon(year: i32, month: u32, day: u32) -> Timestamp {
    let date = NaiveDate::from_ymd_opt(year, month, day).unwrap();
    Timestamp(calendar::start_of_day_micros(date) + 12 * 3_600_000_000)
}

impl World {
    pub async fn sqlite(shipped: String) -> Self {
        Self::open(None, shipped).await
    }

    pub async fn postgres(shipped: String) -> Option<Self> {
        let url = std::env::var("YIWANG_TEST_POSTGRES_URL").ok().filter(|url| !url.is_empty())?;
        Some(Self::open(Some(url), shipped).await)
    }

    async fn open(postgres: Option<String>, shipped: String) -> Self {
        let folder = Arc::new(tempfile::tempdir().unwrap());
        let mut config = Config { data_dir: folder.path().to_owned(), ..Config::default() };
        config.limits.attachment_bytes = 2 * 1024 * 1024;
        config.intake.schema = Some(format!("intake_{}", new_stream_id().to_string().replace('-', "")));
        config.intake.database_url = postgres.map(DatabaseUrl::new);
        config.catalogue.shipped = shipped;
        Box::pin(Self::start(config, folder, true, Approval::default())).await
    }

    async fn start(config: Config, folder: Arc<TempDir>, first: bool, approval: Approval) -> Self {
        let process = Process::open(config.clone(), Shape::Together, CancellationToken::new()).unwrap();
        if first {
            // an ordinary Monday
            process.legal.start_at(noon(2026, 3, 2)).unwrap();
        }
        let env = process.env("intake").await.unwrap();
        let routes = yiwang_intake::start(env.clone()).await.unwrap();
        process.links.plug("intake", process.front("intake", env.ledger.clone(), routes));
        let stack = Stack::new("approval", process.identity.clone(), &process.config.limits);
        let stand_in = tonic::service::Routes::new(ApprovalServiceServer::new(approval.clone()));
        process.links.plug("approval", stack.before(stand_in.prepare()));
        let evaluation = Evaluation::default();
        let stack = Stack::new("evaluation", process.identity.clone(), &process.config.limits);
        let stand_in = tonic::service::Routes::new(EvaluationServiceServer::new(evaluation.clone()));
        process.links.plug("evaluation", stack.before(stand_in.prepare()));
        let license = License::default();
        let stack = Stack::new("license", process.identity.clone(), &process.config.limits);
        let stand_in = tonic::service::Routes::new(LicenseServiceServer::new(license.clone()));
        process.links.plug("license", stack.before(stand_in.prepare()));
        let _end = End(process.shutdown.clone());
        World { process, env, approval, evaluation, license, folder, config, _end }
    }

    /// Stops the process and starts it again on the same data.
    pub async fn restart(self) -> Self {
        let World { process, env, approval, folder, config, _end, .. } = self;
        process.shutdown.cancel();
        process.links.unplug("intake");
        let Env { ledger, .. } = env;
        drop(process);
        ledger.close(Duration::from_secs(5)).await;
        Box::pin(Self::start(config, folder, false, approval)).await
    }

    pub fn ledger(&self) -> &Ledger {
        &self.env.ledger
    }

    pub fn link(&self, account: &str) -> Link {
        let account = Account::find(account).cloned().or_else(|| of_the_tests(account)).unwrap();
        let token = self.process.development.as_ref().unwrap().token(&account, None).unwrap();
        self.process.links.get("intake").with_token(&token)
    }

    /// Another service, as its relay calls.
    pub fn by_service(&self, name: &'static str) -> Intake {
        IntakeServiceClient::new(self.process.links.get("intake").as_service(name, ""))
    }

    pub fn as_(&self, account: &str) -> Intake {
        IntakeServiceClient::new(self.link(account))
    }

    pub fn catalogue(&self) -> Catalogue {
        CatalogueServiceClient::new(self.link("citizen"))
    }

    pub fn catalogue_as(&self, account: &str) -> Catalogue {
        CatalogueServiceClient::new(self.link(account))
    }

    pub fn directory_as(&self, account: &str) -> Directory {
        DirectoryServiceClient::new(self.link(account))
    }

    pub fn day(&self, year: i32, month: u32, day: u32) {
        self.process.legal.set_to(noon(year, month, day)).unwrap();
    }

    /// A draft of the citizen's, complete.
    pub async fn draft(&self, item: &str, form: Struct) -> pb::Application {
        let mut create = create(item);
        create.applicant = Some(citizen());
        create.form = Some(form);
        self.as_("citizen").create_application(create).await.unwrap().into_inner()
    }

    /// The hygiene permit, with its files.
    pub async fn ready(&self) -> pb::Application {
        let draft = self.draft(HYGIENE, hygiene_form()).await;
        for material in ["floor_plan", "test_report", "hygiene_system"] {
            self.upload(&draft.id, material, pdf(material.len() * 100)).await.unwrap();
        }
        self.read("citizen", &draft.id).await
    }

    pub async fn submitted(&self) -> pb::Application {
        let ready = self.ready().await;
        self.submit(&ready.id).await.unwrap()
    }

    pub async fn accepted(&self) -> pb::Application {
        let submitted = self.submitted().await;
        self.accept(&submitted.id).await.unwrap()
    }

    /// Erases the citizen's data in this service.
    pub async fn erase_citizen(&self) {
        let subject = yiwang_kit::subject(self.ledger().vault(), IdentityKind::ResidentId, CITIZEN);
        let call = Call::system(new_request_id(), "");
        self.ledger().erase_subject(call, &subject, "个人信息保护法第四十七条", "").await.unwrap();
    }

    pub async fn submit(&self, id: &str) -> Result<pb::Application, Status> {
        let request =
            pb::SubmitApplicationRequest { id: id.into(), request_id: new_request_id(), ..Default::default() };
        self.as_("citizen").submit_application(request).await.map(tonic::Response::into_inner)
    }

    pub async fn accept(&self, id: &str) -> Result<pb::Application, Status> {
        let request =
            pb::AcceptApplicationRequest { id: id.into(), request_id: new_request_id(), ..Default::default() };
        self.as_("clerk").accept_application(request).await.map(tonic::Response::into_inner)
    }

    pub async fn withdraw(&self, id: &str) -> Result<pb::Application, Status> {
        let request =
            pb::WithdrawApplicationRequest { id: id.into(), request_id: new_request_id(), ..Default::default() };
        self.as_("citizen").withdraw_application(request).await.map(tonic::Response::into_inner)
    }

    pub async fn read(&self, account: &str, id: &str) -> pb::Application {
        let request = pb::GetApplicationRequest { id: id.into() };
        self.as_(account).get_application(request).await.unwrap().into_inner()
    }

    /// Who wrote entries after a position; what relays write is nobody's.
    pub async fn readers(&self, after: u64) -> Vec<String> {
        let entries = self.ledger().feed(after, 50).await.unwrap();
        entries.into_iter().map(|entry| entry.actor).filter(|actor| actor != "system").collect()
    }

    pub async fn upload(&self, id: &str, material: &str, bytes: Vec<u8>) -> Result<pb::Attachment, Status> {
        let metadata = metadata(id, material);
        self.upload_parts(metadata, bytes.chunks(100_000).map(<[u8]>::to_vec).collect()).await
    }

    pub async fn upload_parts(
        &self,
        metadata: pb::AttachmentMetadata,
        parts: Vec<Vec<u8>>,
    ) -> Result<pb::Attachment, Status> {
        self.upload_as("citizen", metadata, parts).await
    }

    pub async fn upload_as(
        &self,
        account: &str,
        metadata: pb::AttachmentMetadata,
        parts: Vec<Vec<u8>>,
    ) -> Result<pb::Attachment, Status> {
        use pb::upload_attachment_request::Part;
        let first = std::iter::once(Part::Metadata(metadata));
        let parts: Vec<_> = first
            .chain(parts.into_iter().map(Part::Chunk))
            .map(|part| pb::UploadAttachmentRequest { part: Some(part) })
            .collect();
        let request = Request::new(tokio_stream::iter(parts));
        self.as_(account).upload_attachment(request).await.map(tonic::Response::into_inner)
    }

    pub async fn download(
        &self,
        account: &str,
        application: &str,
        attachment: &str,
    ) -> Result<(pb::Attachment, Vec<u8>), Status> {
        use pb::download_attachment_response::Part;
        let request =
            pb::DownloadAttachmentRequest { application_id: application.into(), attachment_id: attachment.into() };
        let mut stream = self.as_(account).download_attachment(request).await?.into_inner();
        let (mut file, mut bytes) = (None, Vec::new());
        while let Some(message) = stream.message().await? {
            match message.part {
                Some(Part::Attachment(attachment)) => file = Some(attachment),
                Some(Part::Chunk(chunk)) => bytes.extend_from_slice(&chunk),
                None => {}
            }
        }
        Ok((file.unwrap(), bytes))
    }

    /// Waits until something has come to pass, at most ten seconds of the machine's.
    pub async fn until<T, F: Future<Output = Option<T>>>(&self, mut probe: impl FnMut() -> F) -> T {
        for _ in 0..500 {
            if let Some(found) = probe().await {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("it did not come to pass")
    }

    /// Every file below the data folder, read whole.
    pub fn folder_bytes(&self) -> Vec<(std::path::PathBuf, Vec<u8>)> {
        fn walk(dir: &std::path::Path, into: &mut Vec<(std::path::PathBuf, Vec<u8>)>) {
            for entry in std::fs::read_dir(dir).unwrap().flatten() {
                match entry.path() {
                    path if path.is_dir() => walk(&path, into),
                    path => into.push((path.clone(), std::fs::read(&path).unwrap_or_default())),
                }
            }
        }
        let mut files = Vec::new();
        walk(self.folder.path(), &mut files);
        files
    }

    pub fn attachment_files(&self) -> Vec<std::path::PathBuf> {
        let folder = self.env.data_dir.join("attachments");
        self.folder_bytes().into_iter().map(|(path, _)| path).filter(|path| path.starts_with(&folder)).collect()
    }
}

pub fn reason(status: &Status) -> String {
    Problem::of(status).reason
}

pub fn fields(status: &Status) -> Vec<(String, String)> {
    let mut fields: Vec<_> = Problem::of(status).fields.into_iter().map(|field| (field.field, field.reason)).collect();
    fields.sort();
    fields
}

pub fn update(id: &str) -> pb::UpdateApplicationRequest {
    pb::UpdateApplicationRequest { id: id.into(), request_id: new_request_id(), ..Default::default() }
}

pub fn create(item: &str) -> pb::CreateApplicationRequest {
    pb::CreateApplicationRequest { request_id: new_request_id(), item_code: item.into(), ..Default::default() }
}

pub fn person(name: &str, number: &str) -> Party {
    Party {
        name: name.into(),
        document_kind: DocumentKind::ResidentId.into(),
        document_number: number.into(),
        phone: "13812345678".into(),
        address: String::new(),
    }
}

pub fn citizen() -> Party {
    person("张建国", CITIZEN)
}

pub fn struct_of(value: serde_json::Value) -> Struct {
    serde_json::from_value(value).unwrap()
}

pub fn hygiene_form() -> Struct {
    struct_of(serde_json::json!({
        "premises_name": "春来客栈", "premises_address": "广安区滨江路88号", "business_kind": "住宿",
        "area_square_metres": 320, "staff_count": 6, "rooms": 12
    }))
}

pub fn metadata(id: &str, material: &str) -> pb::AttachmentMetadata {
    pb::AttachmentMetadata {
        request_id: new_request_id(),
        application_id: id.into(),
        material_code: material.into(),
        file_name: "C:\\资料\\平面图.pdf".into(),
        ..Default::default()
    }
}

pub fn benefit_form() -> Struct {
    struct_of(serde_json::json!({
        "last_employer": "云溪客栈", "unemployed_since": "2026-02-01", "bank_account_kind": "社会保障卡"
    }))
}

/// A PDF by its first bytes, with contents that are found again.
pub fn pdf(length: usize) -> Vec<u8> {
    let mut bytes = b"%PDF-1.7\nPLANTED-PLAIN-BYTES\n".to_vec();
    bytes.extend((0..length).map(|index| (index % 251) as u8));
    bytes
}
