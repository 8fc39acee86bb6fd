//! What intake tells the others, and itself: an acceptance gets its number (`numbering`), an act its document (`documents`), a numbered application becomes a
//! case of approval, a material that follows after acceptance is told to it, a withdrawal ends it (`approval`); a refusal gives the
//! right to evaluate it (`evaluation`), a file that was taken out goes away (`files`); a published draft comes into the
//! catalogue (`publishing`), what the directory says reaches the items that were claimed from it (`directory`), a dated transfer
//! reaches its items (`transfers`), a joint application brings its parts about and hears of their ends (`joints`), and what an item has become the published answers that speak about it (`answers`); a request
//! for help gets its agent (`agents`); what happens on a window group's day reaches its appointments and their visitors
//! (`appointments`); papers that were received elsewhere reach the limits that wait for them (`custody`).

mod agents;
mod catalogue;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tonic::{Code, Status};
use yiwang_documents::desk::Desk;
use yiwang_kit::{Links, Problem, delivery, timestamp};
use yiwang_ledger::{Audiences, Call, Context, Delivery, Entry, Kind, Ledger, Personal, Read, Refusal, Route};
use yiwang_proto::approval::v1 as approval;
use yiwang_proto::approval::v1::approval_service_client::ApprovalServiceClient;
use yiwang_proto::evaluation::v1 as evaluation;
use yiwang_proto::evaluation::v1::evaluation_service_client::EvaluationServiceClient;

use crate::NAME;
use crate::answer::{self, Answer};
use crate::application::decide::{self, Acting};
use crate::application::{Actor, Application, ApplicationEvent as Event, Phase};
use crate::appointment::{Appointment, following};
use crate::catalogue::handling::Consequence;
use crate::catalogue::{Item, stream as item_stream};
use crate::convert::application::{Reader, actor, applicant_in_full};
use crate::convert::ask::form_struct;
use crate::convert::{channel, item};
use crate::documents;
use crate::elsewhere::arriving::Custodian;
use crate::grpc::Intake;
use crate::joint::{Joint, carrying};
use crate::limit::legal_date;
use crate::numbering;
use crate::queue::Day;
use crate::reception::{BookingRules, WindowGroup};
use crate::standard::{self, Said};
use crate::store::{Removing, Store};

/// A refusal at intake is the one service of what never becomes a case.
const FIRST_SERVICE: i32 = 1;

/// Starts the relays.
pub fn spawn(ledger: &Ledger, links: &Links, store: Arc<Store>, desk: Desk, intake: Intake) {
    let shared = Arc::new(Shared { ledger: ledger.clone(), links: links.clone() });
    ledger.relay("numbering", Numbering(shared.clone()));
    ledger.relay("documents", Documents { shared: shared.clone(), desk });
    ledger.relay("fetching", Fetching(intake.clone()));
    ledger.relay("joints", Joining(intake));
    ledger.relay("files", Removing { ledger: ledger.clone(), store });
    ledger.relay("evaluation", ToEvaluation(shared.clone()));
    ledger.relay("publishing", catalogue::Publishing(ledger.clone()));
    ledger.relay("directory", catalogue::Following(ledger.clone()));
    ledger.relay("transfers", catalogue::Transferring(ledger.clone()));
    ledger.relay("appointments", Appointing(ledger.clone()));
    ledger.relay("agents", agents::Agents(ledger.clone()));
    ledger.relay("answers", Answering(ledger.clone()));
    ledger.relay("custody", Custodian(ledger.clone()));
    ledger.relay("approval", ToApproval(shared));
}

struct Shared {
    ledger: Ledger,
    links: Links,
}

impl Shared {
    /// The application right after the entry.
    async fn after(&self, entry: &Entry) -> Result<Read<Application>, Refusal> {
        let read = self.ledger.state_at::<Application>(entry.stream, entry.version).await?;
        read.ok_or_else(crate::application::not_found)
    }

    fn approval(&self, entry: &Entry, actor: &str) -> ApprovalServiceClient<yiwang_kit::Link> {
        let link = self.links.get("approval").as_service(NAME, &entry.trace).on_behalf_of(actor);
        ApprovalServiceClient::new(link)
    }
}

/// Our own store may be away: tried again.
fn later(refusal: &Refusal) -> Delivery {
    Delivery::Later { reason: refusal.reason.to_owned() }
}

struct Numbering(Arc<Shared>);

#[async_trait]
impl Route for Numbering {
    fn wants(&self, entry: &Entry) -> bool {
        entry.is::<Application>() && matches!(entry.kind.as_str(), "Accepted" | "DeemedAccepted")
    }

    async fn deliver(&self, entry: &Entry, _request_id: &str) -> Delivery {
        self.0.ledger.out_of_hand(entry.stream).await;
        // as it is now: mostly the handler has numbered it, and then the register need not be read back to that number
        let ask = match self.0.ledger.get::<Application>(entry.stream, &Audiences::all()).await {
            Ok(Some(read)) if read.state.case_number.is_some() => return Delivery::Done,
            Ok(read) => read.and_then(|read| numbering::ask(entry.stream, &read.state)),
            Err(refusal) => return later(&refusal),
        };
        let Some(ask) = ask else { return Delivery::NotMine };
        match numbering::complete(&self.0.ledger, ask, entry.hash, &entry.trace).await {
            Ok(_) => Delivery::Done,
            Err(refusal) => later(&refusal),
        }
    }
}

/// 文书: what an act calls for is issued, where its handler has not done so.
struct Documents {
    shared: Arc<Shared>,
    desk: Desk,
}

#[async_trait]
impl Route for Documents {
    fn wants(&self, entry: &Entry) -> bool {
        entry.is::<Application>() && documents::CALLING.contains(&entry.kind.as_str())
    }

    async fn deliver(&self, entry: &Entry, _request_id: &str) -> Delivery {
        let ledger = &self.shared.ledger;
        let read = match self.shared.after(entry).await {
            Ok(read) => read,
            Err(refusal) => return later(&refusal),
        };
        let pin = &read.state.item;
        let facts = match ledger.state_at::<Item>(item_stream(&pin.code), pin.version).await {
            Ok(Some(item)) => item.state,
            Ok(None) => return Delivery::Refused { reason: "the pinned item is not there".to_owned() },
            Err(refusal) => return later(&refusal),
        };
        ledger.out_of_hand(entry.stream).await;
        // whose data are gone gets no document
        for order in documents::orders(entry.stream, &read.state, &facts.facts) {
            match documents::is_complete(ledger, &order, entry.hash).await {
                Ok(true) => continue,
                Ok(false) => {}
                Err(refusal) => return later(&refusal),
            }
            match documents::complete(ledger, &self.desk, order, entry.hash, &entry.trace).await {
                Ok(_) => {}
                // what cannot be written however often it is tried is a person's matter
                Err(refusal) if refusal.kind == Kind::InvalidArgument => {
                    return Delivery::Refused { reason: refusal.reason.to_owned() };
                }
                Err(refusal) => return later(&refusal),
            }
        }
        Delivery::Done
    }
}

/// 预约、叫号: what a handler did not finish, and all that the timer did.
struct Appointing(Ledger);

#[async_trait]
impl Route for Appointing {
    fn wants(&self, entry: &Entry) -> bool {
        entry.is::<Day>() || entry.is::<Appointment>() || entry.is::<WindowGroup>() || entry.is::<BookingRules>()
    }

    async fn deliver(&self, entry: &Entry, _request_id: &str) -> Delivery {
        match following::carry_out(&self.0, entry).await {
            // the place went back, and whoever asked was told
            Err(refusal) if refusal.kind == Kind::FailedPrecondition => Delivery::Done,
            Err(refusal) if refusal.reason == "APPOINTMENT_MOVED_MEANWHILE" => Delivery::Done,
            Err(refusal) => later(&refusal),
            Ok(()) => Delivery::Done,
        }
    }
}

/// 常见问答: what an item has become reaches the answers that speak about it. One that was looked at meanwhile is held against the
/// item again, so that none slips in between.
struct Answering(Ledger);

impl Answering {
    async fn hold_against(&self, code: &str) -> Result<(), Refusal> {
        let Some(item) = self.0.get::<Item>(item_stream(code), &Audiences::all()).await? else { return Ok(()) };
        let rule = move |answer: &Answer, cx: &Context| answer::decide::follow(answer, &item.state, legal_date(cx.now));
        self.0.sweep::<Answer>("item", code, rule).await.map(drop)
    }

    /// The item whose answers are to be looked at.
    async fn item_of(&self, entry: &Entry) -> Result<Option<String>, Refusal> {
        if entry.is::<Item>() {
            let item = self.0.get::<Item>(entry.stream, &Audiences::all()).await?;
            return Ok(item.map(|read| read.state.facts.code.clone()));
        }
        let answer = self.0.get::<Answer>(entry.stream, &Audiences::all()).await?;
        Ok(answer.and_then(|read| read.state.text.item.as_ref().map(|item| item.code.clone())))
    }
}

#[async_trait]
impl Route for Answering {
    fn wants(&self, entry: &Entry) -> bool {
        let moved = ["ItemRevised", "VersionPublished", "VersionTookEffect", "ItemCancelled", "CancellationTookEffect"];
        (entry.is::<Item>() && moved.contains(&entry.kind.as_str()))
            || (entry.is::<Answer>() && matches!(entry.kind.as_str(), "AnswerPublished" | "AnswerReviewed"))
    }

    async fn deliver(&self, entry: &Entry, _request_id: &str) -> Delivery {
        let held = match self.item_of(entry).await {
            Ok(Some(code)) => self.hold_against(&code).await,
            Ok(None) => return Delivery::NotMine,
            Err(refusal) => Err(refusal),
        };
        held.map_or_else(|refusal| later(&refusal), |()| Delivery::Done)
    }
}

/// 免提交: what an application that was handed in needs and nobody has fetched yet. A source that is away is asked again until the last
/// day on which it is waited for.
struct Fetching(Intake);

#[async_trait]
impl Route for Fetching {
    fn wants(&self, entry: &Entry) -> bool {
        entry.is::<Application>() && entry.kind == "Submitted"
    }

    async fn deliver(&self, entry: &Entry, request_id: &str) -> Delivery {
        match self.0.fetch_for(entry, request_id).await {
            Ok(()) => Delivery::Done,
            Err(refusal) => later(&refusal),
        }
    }

    /// A source that is away for days is not asked twice a minute.
    fn longest_pause(&self) -> Duration {
        Duration::from_secs(15 * 60)
    }
}

/// 联办: what a joint application brings about, where its handler has not done so, and what its parts have become.
struct Joining(Intake);

impl Joining {
    async fn told(&self, entry: &Entry) -> Result<(), Refusal> {
        let read = self.0.ledger().state_at::<Application>(entry.stream, entry.version).await?;
        match read {
            Some(read) => carrying::tell(self.0.ledger(), &read.state, entry.hash, &entry.trace).await,
            None => Ok(()),
        }
    }
}

#[async_trait]
impl Route for Joining {
    fn wants(&self, entry: &Entry) -> bool {
        let ended = ["Refused", "Withdrawn", "Concluded", "ResultIssued"];
        let begun = [
            "JointDrafted",
            "MemberReleased",
            "MemberOpened",
            "MemberBegun",
            "MemberCancelled",
            "MemberWithdrawn",
            "JointTakenBack",
        ];
        (entry.is::<Application>() && ended.contains(&entry.kind.as_str()))
            || (entry.is::<Joint>() && begun.contains(&entry.kind.as_str()))
    }

    async fn deliver(&self, entry: &Entry, _request_id: &str) -> Delivery {
        let done = match entry.is::<Joint>() {
            true => carrying::carry_out(&self.0, entry.stream, entry.hash, &entry.trace).await,
            false => self.told(entry).await,
        };
        done.map_or_else(|refusal| later(&refusal), |()| Delivery::Done)
    }
}

struct ToApproval(Arc<Shared>);

#[async_trait]
impl Route for ToApproval {
    fn wants(&self, entry: &Entry) -> bool {
        entry.is::<Application>()
            && matches!(entry.kind.as_str(), "Numbered" | "AttachmentAdded" | "WithdrawalRequested" | "DeferralLate")
    }

    async fn deliver(&self, entry: &Entry, request_id: &str) -> Delivery {
        match entry.kind.as_str() {
            "Numbered" => self.open(entry, request_id).await,
            "AttachmentAdded" => self.material(entry, request_id).await,
            "WithdrawalRequested" => self.withdraw(entry, request_id).await,
            "DeferralLate" => self.lapse(entry, request_id).await,
            _ => Delivery::NotMine,
        }
    }
}

impl ToApproval {
    /// 转审批: the accepted and numbered application becomes a case.
    async fn open(&self, entry: &Entry, request_id: &str) -> Delivery {
        let read = match self.0.after(entry).await {
            Ok(read) => read,
            Err(refusal) => return later(&refusal),
        };
        let pin = &read.state.item;
        let pinned = match self.0.ledger.state_at::<Item>(item_stream(&pin.code), pin.version).await {
            Ok(Some(item)) => item,
            Ok(None) => return Delivery::Refused { reason: "the pinned item is not there".to_owned() },
            Err(refusal) => return later(&refusal),
        };
        // who is erased has no case to be handled: either approval has the call already, or there is nobody left to tell it of
        let Some(request) = open_case(entry, request_id, &read.state, &pinned.state) else {
            tracing::info!(application = %entry.stream, "no case is opened: the applicant's data were erased");
            return Delivery::Done;
        };
        let by = request.actor.as_ref().map(|actor| actor.id.clone()).unwrap_or_default();
        delivery(self.0.approval(entry, &by).open_case(request).await)
    }

    /// 补交 (容缺): a material that was owed at acceptance has come. One that comes before the case has its number is told
    /// when the case is opened.
    async fn material(&self, entry: &Entry, request_id: &str) -> Delivery {
        // as it is now: what has no case number yet had none then, and need not be read back to that paper
        match self.0.ledger.get::<Application>(entry.stream, &Audiences::all()).await {
            Ok(Some(read)) if read.state.case_number.is_none() => return Delivery::NotMine,
            Ok(_) => {}
            Err(refusal) => return later(&refusal),
        }
        let (attachment, by) = match self.0.ledger.decode::<Application>(entry).await {
            Ok(Event::AttachmentAdded { attachment, by }) => (attachment, by),
            Ok(_) => return Delivery::NotMine,
            Err(refusal) => return later(&refusal),
        };
        let app = match self.0.after(entry).await {
            Ok(read) => read.state,
            Err(refusal) => return later(&refusal),
        };
        let Phase::Accepted(acceptance) = &app.phase else { return Delivery::NotMine };
        if app.case_number.is_none() || !acceptance.outstanding.contains(&attachment.material) {
            return Delivery::NotMine;
        }
        let request = approval::RecordMaterialRequest {
            request_id: request_id.to_owned(),
            actor: Some(actor(&by, Reader::Office)),
            application_id: entry.stream.to_string(),
            material_code: attachment.material.clone(),
        };
        delivery(self.0.approval(entry, &by.id).record_material(request).await)
    }

    /// 容缺: what was to follow did not come in time. The case ends as withdrawn, or is refused, as the notice said.
    async fn lapse(&self, entry: &Entry, request_id: &str) -> Delivery {
        let (materials, consequence) = match self.0.ledger.decode::<Application>(entry).await {
            Ok(Event::DeferralLate { materials, consequence }) => (materials, consequence),
            Ok(_) => return Delivery::NotMine,
            Err(refusal) => return later(&refusal),
        };
        let app = match self.0.after(entry).await {
            Ok(read) => read.state,
            Err(refusal) => return later(&refusal),
        };
        let pinned = match self.0.ledger.state_at::<Item>(item_stream(&app.item.code), app.item.version).await {
            Ok(Some(item)) => item.state,
            Ok(None) => return Delivery::Refused { reason: "the pinned item is not there".to_owned() },
            Err(refusal) => return later(&refusal),
        };
        let reasons = late_papers(&app, &pinned, &materials);
        if consequence == Consequence::Withdrawn {
            let reason = Some(Personal::new(app.data_subject(), "reason", reasons));
            return self.end(entry, request_id, reason, Actor::system()).await;
        }
        let application_id = entry.stream.to_string();
        let request = approval::LapseCaseRequest { request_id: request_id.to_owned(), application_id, reasons };
        delivery(self.0.approval(entry, "system").lapse_case(request).await)
    }

    /// 撤回 after acceptance: approval ends the case, or has decided it already.
    async fn withdraw(&self, entry: &Entry, request_id: &str) -> Delivery {
        let (reason, by) = match self.0.ledger.decode::<Application>(entry).await {
            Ok(Event::WithdrawalRequested { reason, by }) => (reason, by),
            Ok(_) => return Delivery::NotMine,
            Err(refusal) => return later(&refusal),
        };
        self.end(entry, request_id, reason, by).await
    }

    /// Ends the case; approval's answer, that it did or has decided already, comes back here.
    async fn end(&self, entry: &Entry, request_id: &str, reason: Option<Personal>, by: Actor) -> Delivery {
        let request = approval::WithdrawCaseRequest {
            request_id: request_id.to_owned(),
            actor: Some(actor(&by, Reader::Office)),
            application_id: entry.stream.to_string(),
            reason: reason.as_ref().and_then(Personal::get).unwrap_or_default().to_owned(),
        };
        let ended = match self.0.approval(entry, &by.id).withdraw_case(request).await {
            Ok(_) => true,
            Err(status) if has_decided(&status) => false,
            Err(status) => return delivery::<()>(Err(status)),
        };
        let call = Call::system(format!("withdrawal.{}", entry.hash), &entry.trace).with_actor(by.id.clone());
        let acting = Acting::before(by);
        let rule = move |app: &Application, _: &Context| decide::answer_withdrawal(app, ended, reason.clone(), &acting);
        match self.0.ledger.execute::<Application>(entry.stream, call, rule).await {
            Ok(_) => Delivery::Done,
            Err(refusal) => later(&refusal),
        }
    }
}

/// 好差评: 不予受理 is a service rendered and gives one right, like the decision of a case.
struct ToEvaluation(Arc<Shared>);

#[async_trait]
impl Route for ToEvaluation {
    fn wants(&self, entry: &Entry) -> bool {
        entry.is::<Application>() && entry.kind == "Refused"
    }

    async fn deliver(&self, entry: &Entry, request_id: &str) -> Delivery {
        let read = match self.0.after(entry).await {
            Ok(read) => read,
            Err(refusal) => return later(&refusal),
        };
        // its receipt may have been issued since
        let now = match self.0.ledger.get::<Application>(entry.stream, &Audiences::all()).await {
            Ok(now) => now.and_then(|now| now.state.receipt.clone()).map(|receipt| receipt.number).unwrap_or_default(),
            Err(refusal) => return later(&refusal),
        };
        if now.is_empty() {
            return Delivery::Later { reason: "the receipt is not numbered yet".to_owned() };
        }
        let Some(request) = open_right(request_id, &read.state, now) else {
            tracing::info!(application = %entry.stream, "no right is opened: the applicant's data were erased");
            return Delivery::Done;
        };
        let link = self.0.links.get("evaluation").as_service(NAME, &entry.trace).on_behalf_of(&entry.actor);
        delivery(EvaluationServiceClient::new(link).open_right(request).await)
    }
}

/// What evaluation is told of a refusal; none where the applicant's data are gone. What never became a case goes by its
/// receipt number.
fn open_right(request_id: &str, app: &Application, receipt: String) -> Option<evaluation::OpenRightRequest> {
    let Phase::Refused(rejection) = &app.phase else { return None };
    let officers = app.steps.iter().map(|step| &step.by).filter(|by| !by.organisation.is_empty());
    let handlers: BTreeSet<String> = officers.map(|by| by.id.clone()).collect();
    Some(evaluation::OpenRightRequest {
        request_id: request_id.to_owned(),
        actor: Some(actor(&rejection.by, Reader::Office)),
        case_number: receipt,
        service_number: FIRST_SERVICE,
        item_code: app.item.code.clone(),
        item_name: app.item.name.clone(),
        department: app.item.department.clone(),
        department_code: app.item.organisation.clone(),
        region_code: app.item.region.clone(),
        service_name: "作出不予受理决定".to_owned(),
        service_time: Some(timestamp(rejection.at)),
        owner: app.owner.clone(),
        applicant: Some(applicant_in_full(app)?),
        handlers: handlers.into_iter().collect(),
        owner_subject: owner_subject(app),
    })
}

/// 理由 of what follows where papers did not come: which they were, by when, and by which notice they were promised.
fn late_papers(app: &Application, item: &Item, materials: &[String]) -> String {
    let name = |code: &String| item.facts.material(code).map_or_else(|| code.clone(), |material| material.name.clone());
    let names: Vec<String> = materials.iter().map(name).collect();
    let deferral = match &app.phase {
        Phase::Accepted(acceptance) => acceptance.deferral.as_ref(),
        _ => None,
    };
    let told = deferral
        .map(|deferral| format!("容缺受理告知书（{}）告知的期限{}届满，", deferral.notice_number, deferral.due.date));
    format!("{}以下材料未补齐：{}", told.unwrap_or_default(), names.join("、"))
}

/// Whose own matter it is; empty where staff filed.
fn owner_subject(app: &Application) -> String {
    if app.is_beginners() { app.owner_subject.to_string() } else { String::new() }
}

/// The agent; empty where the applicant acts alone.
fn agent_subject(app: &Application) -> String {
    let agent = app.agent.as_ref().filter(|agent| agent.is_identified());
    agent.map(|agent| agent.subject.to_string()).unwrap_or_default()
}

fn has_decided(status: &Status) -> bool {
    status.code() == Code::FailedPrecondition && Problem::of(status).reason == "CASE_DECIDED"
}

/// What approval is told; none where the applicant's data are gone.
fn open_case(entry: &Entry, request_id: &str, app: &Application, item: &Item) -> Option<approval::OpenCaseRequest> {
    let Phase::Accepted(acceptance) = &app.phase else { return None };
    let by = if acceptance.deemed { Actor::system() } else { acceptance.by.clone() };
    Some(approval::OpenCaseRequest {
        request_id: request_id.to_owned(),
        actor: Some(actor(&by, Reader::Office)),
        application_id: entry.stream.to_string(),
        case_number: app.case_number.clone().unwrap_or_default(),
        item: Some(item::terms(app, &item.facts)),
        applicant: Some(applicant_in_full(app)?),
        owner: app.owner.clone(),
        accepted_date: acceptance.date.to_string(),
        received_date: app.received().unwrap_or(acceptance.date).to_string(),
        deemed_accepted: acceptance.deemed,
        promise_signed: app.promise.is_some(),
        outstanding_materials: acceptance.outstanding.iter().filter(|code| !app.has_material(code)).cloned().collect(),
        form: app.form.as_ref().and_then(form_struct),
        channel: channel(app.channel).into(),
        owner_subject: owner_subject(app),
        agent_subject: agent_subject(app),
        skipped_steps: standard::skipped_steps(&item.facts, &Said::by(app)),
    })
}
