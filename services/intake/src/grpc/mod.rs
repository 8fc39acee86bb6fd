//! The handlers: message -> command -> ledger -> message. Nothing is decided here.

mod agent;
mod answer;
mod application;
mod appointment;
mod attachment;
mod bar;
mod catalogue;
mod conclusion;
mod counter;
mod custody;
mod delivery;
mod directory;
mod document;
mod double;
mod engagement;
mod fee;
mod fetching;
mod filling;
mod hall;
mod joint;
mod likely;
mod mandate;
mod notification;
mod pre_review;
mod question;
mod queue;
mod reception;
mod theme;
mod transfer;
mod watch;

use std::sync::Arc;

use yiwang_documents::desk::Desk;
use yiwang_kit::watching::Watching;
use yiwang_kit::{Caller, Fault, Gate, Incoming, Resource, wire};
use yiwang_ledger::{
    Aggregate as _, Audiences, Call, Committed, Context, Decision, Ledger, ListQuery, Read, Refusal, StreamId,
    SubjectId,
};
use yiwang_proto::intake::v1 as pb;
use yiwang_proto::party::v1 as party_pb;

pub use agent::Agents;
pub use answer::Answers;
pub use appointment::Appointments;
pub use bar::BarsOf;
pub use catalogue::Catalogue;
pub(crate) use catalogue::day;
pub use counter::Counters;
pub use custody::Custodies;
pub use delivery::Deliveries;
pub use directory::Directory;
pub use document::DocumentsOf;
pub use double::DoubleEntries;
pub use engagement::Engagements;
pub use fee::FeesOf;
pub use hall::Halls;
pub use joint::Joints;
pub use mandate::Mandates;
pub use notification::Notifications;
pub use pre_review::PreReviews;
pub use question::Questions;
pub use queue::Queues;
pub use reception::Receptions;
pub use theme::Themes;
pub use transfer::Transfers;

use crate::application::decide::{self, Acting};
use crate::application::{self as app, Application, ApplicationEvent, ItemPin, Party};
use crate::catalogue::import::all_tagged;
use crate::catalogue::{self as items, Item};
use crate::convert::application::{self as show, Reader};
use crate::convert::ask;
use crate::engagement::Engagement;
use crate::fetching::Sources;
use crate::mandate::{Act, Mandate, between, of_account};
use crate::store::Store;
use crate::transfer::Organ;

/// The intake service over its ledger and its store of files.
#[derive(Clone)]
pub struct Intake {
    ledger: Ledger,
    gate: Gate,
    store: Arc<Store>,
    desk: Desk,
    sources: Sources,
    watching: Watching,
}

/// What the policies are asked about. A party acts on what is theirs, be they applicant or agent.
fn resource<'a>(app: &'a Application, caller: &'a Caller) -> Resource<'a> {
    let own = caller.subject.as_ref().filter(|subject| app.is_party(subject));
    Resource {
        kind: "Application",
        owner: own.unwrap_or_else(|| app.data_subject()).as_str(),
        organisation: app.item.handler(),
        region: &app.item.region,
        item: &app.item.code,
        status: app.phase.name(),
    }
}

/// What a window does in the applicant's stead, at whichever window they stand.
const ASSISTING: [&str; 8] = [
    "UpdateApplication",
    "UploadAttachment",
    "RemoveAttachment",
    "SubmitApplication",
    "ResubmitApplication",
    "PrefillForm",
    "SaveFields",
    "DisputeFetched",
];

/// The same for an action: 异地代收, where the receiving place assists, its region counts; for all else the item's.
fn resource_of<'a>(rpc: &str, app: &'a Application, caller: &'a Caller) -> Resource<'a> {
    let region = if ASSISTING.contains(&rpc) { app.serving_region() } else { &app.item.region };
    Resource { region, ..resource(app, caller) }
}

/// Something of a kind, nobody's in particular.
fn unowned(kind: &'static str) -> Resource<'static> {
    Resource { kind, ..Resource::default() }
}

/// What everybody sees.
fn public() -> Audiences {
    Audiences::of(["public".to_owned()])
}

/// Something of the catalogue that is a region's.
fn of_region(region: &str) -> Resource<'_> {
    Resource { kind: "Item", region, ..Resource::default() }
}

/// An organ by its code, as the catalogue names it: whoever has an item.
///
/// # Errors
/// `ORGAN_UNKNOWN`, naming the field.
async fn known_organ(ledger: &Ledger, field: &str, code: &str) -> Result<Organ, Refusal> {
    let code = code.trim();
    let query = ListQuery { filters: vec![("department", code.to_owned())], page_size: 1, page_token: String::new() };
    let found = ledger.list::<Item>(&query, &Audiences::all()).await?.items;
    // the tag holds names as well
    let facts = found.first().map(|read| &read.state.facts).filter(|facts| facts.department_code == code);
    let organ = facts.map(|facts| Organ {
        name: facts.department.clone(),
        code: facts.department_code.clone(),
        region: facts.region.clone(),
    });
    organ.ok_or_else(|| {
        let (zh, en) = ("没有这个机关，请填写其统一社会信用代码", "no such organ: name it by its code");
        Refusal::field(field, "ORGAN_UNKNOWN", zh, en)
    })
}

/// Who asks: the caller themselves, or whom a clerk names.
///
/// # Errors
/// `PARTY_INVALID`, every field at fault named with its own reason.
fn asker(
    ledger: &Ledger,
    caller: &Caller,
    named: Option<&party_pb::Party>,
    phone: &str,
    fallback: &SubjectId,
) -> Result<Option<Party>, Refusal> {
    let sealing = ask::Sealing { vault: ledger.vault(), fallback, now: ledger.host().now() };
    if !caller.is_staff() {
        let (name, phone) = (caller.name.clone(), phone.to_owned());
        return sealing.asker(&party_pb::Party { name, phone, ..Default::default() });
    }
    let named = named.map(|party| sealing.asker(party)).transpose()?.flatten();
    match named.filter(|party| party.name.is_some() || party.phone.is_some()) {
        Some(party) => Ok(Some(party)),
        None => {
            let (zh, en) = ("请登记本人的姓名或者电话", "enter their name or telephone");
            Err(Refusal::field("asker", "PARTY_INVALID", zh, en))
        }
    }
}

/// Officers' names are shown to officers.
fn reader(caller: &Caller) -> Reader {
    match caller.kind {
        yiwang_kit::CallerKind::Staff | yiwang_kit::CallerKind::Service => Reader::Office,
        _ => Reader::Public,
    }
}

/// What an agent does in the applicant's name, and which act of a mandate it is.
fn in_their_name(rpc: &str) -> Option<Act> {
    const APPLY: [&str; 10] = [
        "CreateApplication",
        "UpdateApplication",
        "SaveFields",
        "PrefillForm",
        "FetchMaterials",
        "DisputeFetched",
        "UploadAttachment",
        "RemoveAttachment",
        "SubmitApplication",
        "ResubmitApplication",
    ];
    match rpc {
        "WithdrawApplication" => Some(Act::Withdraw),
        rpc => APPLY.contains(&rpc).then_some(Act::Apply),
    }
}

/// Id, request id and etag of a write.
struct Target<'a> {
    id: &'a str,
    request_id: &'a str,
    etag: &'a str,
}

impl Intake {
    /// Over a ledger, the policies, a store, the desk of documents, the sources that materials are fetched from, and who follows.
    pub fn new(
        ledger: Ledger,
        gate: Gate,
        store: Arc<Store>,
        desk: Desk,
        sources: Sources,
        watching: Watching,
    ) -> Self {
        Self { ledger, gate, store, desk, sources, watching }
    }

    /// The ledger of all that it keeps.
    pub(crate) fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// The application as the caller sees it; what they may not see is not there.
    async fn seen(&self, caller: &Caller, id: &str) -> Result<Read<Application>, Refusal> {
        let id = StreamId::parse("id", id)?;
        self.ledger.get::<Application>(id, &caller.audiences()).await?.ok_or_else(app::not_found)
    }

    /// The item at the version that the application pinned.
    pub(crate) async fn pinned(&self, pin: &ItemPin) -> Result<Arc<Item>, Refusal> {
        let read = self.ledger.state_at::<Item>(items::stream(&pin.code), pin.version).await?;
        read.map(|read| read.state).ok_or_else(|| items::not_found(&pin.code))
    }

    /// The item as it stands today, for whoever may see it.
    async fn item_now(&self, caller: &Caller, code: &str) -> Result<Read<Item>, Refusal> {
        let read = self.ledger.get::<Item>(items::stream(code), &catalogue::seen_by(caller)).await?;
        read.filter(|read| read.state.exists()).ok_or_else(|| items::not_found(code))
    }

    /// A command on an application: seen, allowed by the policies, then decided, all on the state that it is decided on.
    async fn act<T: serde::Serialize>(
        &self,
        incoming: &Incoming<T>,
        rpc: &'static str,
        target: Target<'_>,
        rule: impl Fn(&Application, &Acting, &Context) -> Decision<ApplicationEvent> + Send + Sync + 'static,
    ) -> Result<Committed<Application>, Refusal> {
        let id = StreamId::parse("id", target.id)?;
        let mut call = incoming.call(rpc, &id.to_string(), target.request_id)?;
        call.expected_version = wire::expected_version(target.etag)?;
        self.run(&incoming.caller, rpc, id, call, rule).await
    }

    async fn run(
        &self,
        caller: &Arc<Caller>,
        rpc: &'static str,
        id: StreamId,
        call: Call,
        rule: impl Fn(&Application, &Acting, &Context) -> Decision<ApplicationEvent> + Send + Sync + 'static,
    ) -> Result<Committed<Application>, Refusal> {
        let (gate, caller) = (self.gate.clone(), caller.clone());
        let audiences = caller.audiences();
        let acting = self.acting(&caller, rpc, id).await?;
        let rule = move |app: &Application, cx: &Context| {
            if !app.exists() || !audiences.meets(&app.tags()) {
                return Err(app::not_found());
            }
            gate.allow(&caller, rpc, &resource_of(rpc, app, &caller))?;
            if let Some(act) = in_their_name(rpc) {
                decide::check_helper(app, act, &acting, cx)?;
            }
            rule(app, &acting, cx)
        };
        self.ledger.execute::<Application>(id, call, rule).await.map_err(wire::contract_word)
    }

    /// 授权委托 between the parties of an application as it stands, for who acted before and is carried out.
    pub(crate) async fn mandates(&self, id: StreamId) -> Result<Vec<(StreamId, Mandate)>, Refusal> {
        let read = self.ledger.get::<Application>(id, &Audiences::all()).await?;
        let parties = read.as_ref().and_then(|read| read.state.identified_applicant().zip(read.state.agent.as_ref()));
        match parties.filter(|(_, agent)| agent.is_identified()) {
            Some((applicant, agent)) => between(&self.ledger, &applicant.subject, &agent.subject).await,
            None => Ok(Vec::new()),
        }
    }

    /// Who acts on an application as it stands, and the mandates that they may act by.
    async fn acting(&self, caller: &Caller, rpc: &'static str, id: StreamId) -> Result<Acting, Refusal> {
        let read = self.ledger.get::<Application>(id, &Audiences::all()).await?;
        let (app, named) = match &read {
            Some(read) => (Some((id, read.state.item.as_ref())), read.state.identified_applicant()),
            None => (None, None),
        };
        let agent = read.as_ref().and_then(|read| read.state.agent.as_ref()).filter(|agent| agent.is_identified());
        self.acting_for(caller, rpc, app, named.map(|party| &party.subject), agent.map(|party| &party.subject)).await
    }

    async fn acting_for(
        &self,
        caller: &Caller,
        rpc: &'static str,
        app: Option<(StreamId, &ItemPin)>,
        applicant: Option<&SubjectId>,
        agent: Option<&SubjectId>,
    ) -> Result<Acting, Refusal> {
        let mut acting = ask::acting(caller);
        if self.is_helper(caller, rpc, app, applicant).await? {
            acting.helper = Some(of_account(self.ledger.vault(), &caller.id));
        }
        for agent in agent.into_iter().chain(acting.helper.clone().as_ref()) {
            if let Some(applicant) = applicant {
                acting.mandates.extend(between(&self.ledger, applicant, agent).await?);
            }
        }
        Ok(acting)
    }

    /// 帮办代办: whether staff act as the applicant's agent. Who is a clerk at the item's window beside it does so for whom they help, or helped,
    /// with this application or this item; everybody else who is an agent always.
    async fn is_helper(
        &self,
        caller: &Caller,
        rpc: &'static str,
        app: Option<(StreamId, &ItemPin)>,
        applicant: Option<&SubjectId>,
    ) -> Result<bool, Refusal> {
        if !caller.is_staff() || !caller.has_role("agent") || in_their_name(rpc).is_none() {
            return Ok(false);
        }
        // no window takes an application back
        let window = rpc != "WithdrawApplication"
            && app.is_some_and(|(_, pin)| caller.has_role("clerk") && caller.region == pin.region);
        if !window {
            return Ok(true);
        }
        let Some(((id, pin), applicant)) = app.zip(applicant) else { return Ok(false) };
        let with = |one: &Engagement| one.applications.contains(&id) || one.asked.wanted.items.contains(&pin.code);
        Ok(self.helped(caller, applicant).await?.iter().any(|read| with(&read.state)))
    }

    /// The engagements that somebody has, or had, in hand for an asker.
    async fn helped(&self, caller: &Caller, asker: &SubjectId) -> Result<Vec<Read<Engagement>>, Refusal> {
        let filters = [("asker", asker.to_string()), ("helped_by", caller.id.clone())];
        all_tagged::<Engagement>(&self.ledger, &filters).await
    }

    /// A joint application is its applicant's, their agent's or a window's: who helps this applicant as an agent of an organ, or did, is no
    /// window to them, and no mandate of theirs covers a theme.
    ///
    /// # Errors
    /// `MANDATE_MISSING`.
    async fn check_window(&self, caller: &Caller, applicant: &SubjectId) -> Result<(), Refusal> {
        let agent = caller.is_staff() && caller.has_role("agent");
        if agent && !self.helped(caller, applicant).await?.is_empty() {
            return Err(decide::mandate_missing());
        }
        Ok(())
    }

    fn shown(&self, caller: &Caller, done: &Committed<Application>) -> pb::Application {
        let mut shown = show::application(done.stream, done.version, &done.state, done.at, reader(caller));
        // 最小必要: who does not handle it has no use for what the person wrote
        if !application::sees_in_full(caller, &done.state) {
            shown.form = None;
            shown.sourced_fields.clear();
            for party in [&mut shown.applicant, &mut shown.agent].into_iter().flatten() {
                show::mask_party(party);
            }
        }
        shown
    }

    /// A read by staff is an entry itself.
    async fn leave_trace<T>(&self, incoming: &Incoming<T>, rpc: &'static str, id: StreamId) -> Result<(), Fault> {
        if incoming.caller.is_staff() {
            self.ledger.record_read(incoming.read_call(rpc, &id.to_string()), id, rpc).await?;
        }
        Ok(())
    }
}
