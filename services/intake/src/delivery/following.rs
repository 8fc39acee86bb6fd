//! From a decision to the 送达回证: a delivery is opened when a case is decided, what is electronic arrives, the carrier is asked, and the
//! proof is issued. The same code runs in the handlers and in the relay `deliveries`, which completes what they left.

use std::sync::Arc;

use async_trait::async_trait;
use yiwang_documents::Kind;
use yiwang_documents::desk::{Desk, Order as PaperOrder};
use yiwang_documents::draft::{Draft, Service, Signed};
use yiwang_kit::followed::Followed;
use yiwang_ledger::{Aggregate as _, Kind as RefusalKind};
use yiwang_ledger::{
    Audiences, Call, Context, Delivery as Told, Entry, Hash, Ledger, Personal, Read, Refusal, Route, StreamId, Tag,
};
use yiwang_standards::sm;

use super::carrier::{Away, Carrier, Order};
use super::{Delivery, Event, Facts, How, Manner, Outcome, Part, Stage, decide, post};
use crate::application::Application;
use crate::catalogue::details::PaidBefore;
use crate::catalogue::import::all_tagged;
use crate::documents;
use crate::fee::{self, Fees};
use crate::joint::{self, Joint, Phase as JointPhase};
use crate::limit::legal_date;
use crate::theme::HandOut;

/// Events after which the carrier is asked.
const CARRYING: [&str; 2] = ["DeliveryDispatched", "CarrierAsked"];
/// Events after which something electronic may arrive.
const ARRIVING: [&str; 2] = ["ResultReady", "MannerChosen"];
/// Events that end a delivery, so that its proof is due.
const ENDING: [&str; 5] =
    ["ResultCollected", "ParcelDelivered", "TakenFromLocker", "ArrivedElectronically", "DeliveryLeft"];
/// Events that may end a joint application, so that it is handed out.
const JOINING: [&str; 4] = ["MemberGranted", "MemberRefused", "MemberWithdrawn", "MemberCancelled"];
/// Events of fees after which nothing may be unpaid any more.
const PAYING: [&str; 4] = ["PaymentReceived", "FeeWaived", "FeeStruck", "BillCancelled"];

/// Why it goes no further now.
#[derive(Debug)]
pub enum Halt {
    /// The carrier is away.
    Carrier(Away),
    /// The ledger refuses.
    Ledger(Refusal),
}

impl From<Refusal> for Halt {
    fn from(refusal: Refusal) -> Self {
        Halt::Ledger(refusal)
    }
}

impl From<Away> for Halt {
    fn from(away: Away) -> Self {
        Halt::Carrier(away)
    }
}

/// What is handed out to the applicant of these applications in one hand-out; none where their data are gone, or nothing was decided.
pub fn facts(apps: &[&Read<Application>]) -> Option<Facts> {
    let first = apps.first()?;
    let addressee = first.state.identified_applicant()?;
    addressee.name.as_ref()?.get()?;
    let part = |app: &&Read<Application>| Part {
        application: app.stream,
        item: app.state.item.code.clone(),
        name: app.state.item.name.clone(),
        organisation: app.state.item.organisation.clone(),
        case_number: app.state.case_number.clone().unwrap_or_default(),
    };
    let mut audiences: Vec<String> = apps
        .iter()
        .flat_map(|app| app.state.tags())
        .filter(|tag| tag.name == Tag::AUDIENCE)
        .map(|tag| tag.value)
        .collect();
    audiences.sort();
    audiences.dedup();
    let decided = apps.iter().filter_map(|app| app.state.conclusion.as_ref()).map(|conclusion| conclusion.on).min()?;
    Some(Facts {
        parts: apps.iter().map(part).collect(),
        addressee: addressee.clone(),
        audiences,
        region: first.state.item.region.clone(),
        decided,
    })
}

/// Opens the delivery of what these applications came to, or adds what has come of them since.
///
/// # Errors
/// Those of the ledger.
pub async fn open(ledger: &Ledger, apps: &[&Read<Application>], call: Call) -> Result<(), Refusal> {
    let (Some(facts), Some(first)) = (facts(apps), apps.first()) else { return Ok(()) };
    let concluded = |app: &&&Read<Application>| Some((app.stream, app.state.conclusion.clone()?));
    let all: Vec<_> =
        apps.iter().filter_map(|app| concluded(&app).map(|(id, one)| (id, app.state.clone(), one))).collect();
    let limit = all.iter().find_map(|(_, app, one)| decide::limit(app.item.item_type, one.granted));
    let results: Vec<_> = all.iter().filter_map(|(id, app, one)| decide::served(*id, app, one)).collect();
    let rule = move |delivery: &Delivery, cx: &Context| decide::tell(delivery, &facts, limit.as_ref(), &results, cx);
    ledger.execute::<Delivery>(super::stream(first.stream), call, rule).await.map(drop)
}

/// Whether the charge list of one of the applications wants something paid before its result is handed out, and it is not.
///
/// # Errors
/// Those of the ledger.
pub async fn unpaid(ledger: &Ledger, delivery: &Delivery) -> Result<bool, Refusal> {
    for part in delivery.facts.iter().flat_map(|facts| &facts.parts) {
        let read = ledger.get::<Fees>(fee::stream(part.application), &Audiences::all()).await?;
        if read.is_some_and(|read| read.state.holds_up(PaidBefore::HandingOut)) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// What is ready and electronic arrives, once it is paid.
///
/// # Errors
/// Those of the ledger.
pub async fn arrive(ledger: &Ledger, stream: StreamId, cause: &str, trace: &str) -> Result<(), Refusal> {
    let Some(read) = ledger.get::<Delivery>(stream, &Audiences::all()).await? else { return Ok(()) };
    let waits = read.state.stage == Stage::Ready && read.state.manner == Manner::Electronic;
    if !waits || unpaid(ledger, &read.state).await? {
        return Ok(());
    }
    let rule = |delivery: &Delivery, cx: &Context| decide::arrive(delivery, cx);
    ledger.execute::<Delivery>(stream, Call::system(format!("arrived.{cause}"), trace), rule).await.map(drop)
}

/// Asks the carrier where a parcel is, and writes what it says.
///
/// # Errors
/// The carrier is away; those of the ledger.
pub async fn track(
    ledger: &Ledger,
    carrier: &Arc<dyn Carrier>,
    stream: StreamId,
    number: &str,
    (cause, trace): (&str, &str),
) -> Result<(), Halt> {
    let Some(read) = ledger.get::<Delivery>(stream, &Audiences::all()).await? else { return Ok(()) };
    // one that has ended, or was answered and is asked again at its time
    let open = read.state.parcel(number).is_some_and(|parcel| parcel.ended.is_none() && parcel.ask_at.is_none());
    let (true, Manner::Post(recipient)) = (open, &read.state.manner) else { return Ok(()) };
    let text = |value: &Personal| value.get().map(str::to_owned);
    let known = (text(&recipient.name), text(&recipient.phone), text(&recipient.address));
    // whose data are gone is not asked about any more
    let (Some(name), Some(phone), Some(address)) = known else { return Ok(()) };
    let order = Order { number: number.to_owned(), name, phone, address };
    let said = carrier.ship(&order).await?;
    let rule = move |delivery: &Delivery, cx: &Context| post::said(delivery, &order.number, &said, cx);
    ledger.execute::<Delivery>(stream, Call::system(format!("parcel.{cause}"), trace), rule).await?;
    Ok(())
}

/// The hash that stands for the proof of the n-th application of a delivery: the entry's own for the first.
fn cause_of(entry: Hash, place: usize) -> Hash {
    match place {
        0 => entry,
        place => Hash(sm::sm3(format!("{entry}.{place}").as_bytes())),
    }
}

fn way(outcome: &Outcome) -> (Service, String, Signed) {
    let text = |value: &Personal| value.get().unwrap_or_default().to_owned();
    let name = |party: &crate::application::Party| party.name.as_ref().map(text).unwrap_or_default();
    let base = Signed { server: outcome.by.name.clone(), on: Some(legal_date(outcome.at)), ..Signed::default() };
    match &outcome.how {
        How::Collected(collector) => {
            let own = collector.mandate.is_none();
            let (addressee, substitute) = match own {
                true => (name(&collector.party), String::new()),
                false => (String::new(), format!("{}（持授权委托代领）", name(&collector.party))),
            };
            (Service::InPerson, "政务服务窗口".to_owned(), Signed { addressee, substitute, ..base })
        }
        How::FromLocker { site } => {
            let signed = Signed { addressee: "凭取件码领取".to_owned(), ..base };
            (Service::InPerson, format!("自助取件柜（{site}）"), signed)
        }
        How::Posted { signed_by } => {
            let signed = signed_by.as_ref().map(text).unwrap_or_default();
            (Service::ByPost, String::new(), Signed { addressee: signed, server: "邮寄".to_owned(), ..base })
        }
        How::Arrived => {
            let signed =
                Signed {
                    server: "系统".to_owned(), addressee: "到达受送达人同意接收的平台账号".to_owned(), ..base
                };
            (Service::Electronic, "本平台账号".to_owned(), signed)
        }
        How::Left(left) => {
            let witnesses: Vec<String> = left.witnesses.iter().map(text).collect();
            let signed =
                Signed {
                    addressee: format!("拒收：{}", text(&left.reason)), witnesses: witnesses.join("、"), ..base
                };
            (Service::Left, text(&left.place), signed)
        }
    }
}

/// Issues the 送达回证 of every application of a delivery that has ended by the entry of this hash.
///
/// # Errors
/// Those of the ledger; the relay tries again.
pub async fn prove(ledger: &Ledger, desk: &Desk, stream: StreamId, entry: Hash, trace: &str) -> Result<(), Refusal> {
    let Some(read) = ledger.get::<Delivery>(stream, &Audiences::all()).await? else { return Ok(()) };
    let delivery = read.state;
    let (Some(facts), Some(outcome)) = (&delivery.facts, &delivery.outcome) else { return Ok(()) };
    for (place, part) in facts.parts.iter().enumerate() {
        if delivery.proofs.iter().any(|(application, _)| *application == part.application) {
            continue;
        }
        let app = ledger.get::<Application>(part.application, &Audiences::all()).await?;
        // whose data are gone gets no document
        let Some(matter) = app.as_ref().and_then(|read| documents::matter(&read.state)) else { continue };
        let (way, mut address, signed) = way(outcome);
        if let (Manner::Post(recipient), true) = (&delivery.manner, address.is_empty()) {
            address = recipient.address.get().unwrap_or_default().to_owned();
        }
        let own = delivery.results.iter().filter(|result| result.application == part.application);
        let served = own.map(|result| (result.name.clone(), result.number.clone())).collect();
        let draft = Draft::ProofOfService { served, way, address, signed };
        let date = legal_date(outcome.at);
        let order = PaperOrder { stream: part.application, matter, subject: delivery.subject(), draft, date };
        let cause = cause_of(entry, place);
        let issued = desk.issue(order, cause, trace).await?;
        let number = issued.number.clone();
        let call = Call::system(format!("documented.{cause}"), trace);
        let rule = move |app: &Application, _: &Context| documents::take(app, Kind::ProofOfService, &number);
        ledger.execute::<Application>(part.application, call, rule).await?;
        let (application, number) = (part.application, issued.number);
        let rule = move |delivery: &Delivery, _: &Context| decide::proof(delivery, application, &number);
        ledger.execute::<Delivery>(stream, Call::system(format!("proved.{cause}"), trace), rule).await?;
    }
    Ok(())
}

/// The relay `deliveries`.
pub struct Deliveries {
    /// The ledger.
    pub ledger: Ledger,
    /// The desk of documents.
    pub desk: Desk,
    /// Who carries parcels; none where nothing is posted through the platform.
    pub carrier: Followed<Option<Arc<dyn Carrier>>>,
}

#[async_trait]
impl Route for Deliveries {
    fn wants(&self, entry: &Entry) -> bool {
        let kind = entry.kind.as_str();
        (entry.is::<Application>() && matches!(kind, "Concluded" | "ResultIssued"))
            || (entry.is::<Joint>() && JOINING.contains(&kind))
            || (entry.is::<Fees>() && PAYING.contains(&kind))
            || (entry.is::<Delivery>()
                && (CARRYING.contains(&kind) || ARRIVING.contains(&kind) || ENDING.contains(&kind)))
    }

    async fn deliver(&self, entry: &Entry, _request_id: &str) -> Told {
        let done = match entry.kind.as_str() {
            _ if entry.is::<Application>() => self.open(entry).await.map_err(Halt::Ledger),
            _ if entry.is::<Joint>() => self.open_joint(entry, entry.stream).await.map_err(Halt::Ledger),
            _ if entry.is::<Fees>() => self.paid(entry).await.map_err(Halt::Ledger),
            kind if CARRYING.contains(&kind) => self.track(entry).await,
            kind if ARRIVING.contains(&kind) => {
                arrive(&self.ledger, entry.stream, &entry.hash.to_string(), &entry.trace).await.map_err(Halt::Ledger)
            }
            _ => prove(&self.ledger, &self.desk, entry.stream, entry.hash, &entry.trace).await.map_err(Halt::Ledger),
        };
        match done {
            Ok(()) => Told::Done,
            Err(Halt::Carrier(away)) => Told::Later { reason: away.to_string() },
            // what cannot be written however often it is tried is a person's matter
            Err(Halt::Ledger(refusal)) if refusal.kind == RefusalKind::InvalidArgument => {
                Told::Refused { reason: refusal.reason.to_owned() }
            }
            Err(Halt::Ledger(refusal)) => Told::Later { reason: refusal.reason.to_owned() },
        }
    }
}

impl Deliveries {
    async fn open(&self, entry: &Entry) -> Result<(), Refusal> {
        let Some(read) = self.ledger.state_at::<Application>(entry.stream, entry.version).await? else {
            return Ok(());
        };
        if let Some(of) = &read.state.joint
            && self.together(of.joint).await?.is_some()
        {
            return self.open_joint(entry, of.joint).await;
        }
        open(&self.ledger, &[&read], Call::system(format!("delivery.{}", entry.hash), &entry.trace)).await
    }

    /// A joint application whose rule is one hand-out.
    async fn together(&self, joint: StreamId) -> Result<Option<Arc<Joint>>, Refusal> {
        let read = self.ledger.get::<Joint>(joint, &Audiences::all()).await?;
        Ok(read.map(|read| read.state).filter(|joint| joint.theme.hand_out == HandOut::Together))
    }

    /// 一次出件: once every member has ended, all that was decided is handed out together. The date is that of the first decision.
    async fn open_joint(&self, entry: &Entry, id: StreamId) -> Result<(), Refusal> {
        let ended = self.together(id).await?.filter(|joint| joint.phase == JointPhase::Ended);
        let Some(joint) = ended else { return Ok(()) };
        let mut parts = Vec::new();
        for member in joint.members.iter().filter(|member| member.item.is_some()) {
            let app = self.ledger.get::<Application>(joint::part(id, member.code()), &Audiences::all()).await?;
            parts.extend(app.filter(|app| app.state.conclusion.is_some()));
        }
        let all: Vec<&Read<Application>> = parts.iter().collect();
        open(&self.ledger, &all, Call::system(format!("delivery.{}", entry.hash), &entry.trace)).await
    }

    async fn paid(&self, entry: &Entry) -> Result<(), Refusal> {
        let read = self.ledger.get::<Fees>(entry.stream, &Audiences::all()).await?;
        let Some(matter) = read.and_then(|read| read.state.matter.clone()) else { return Ok(()) };
        let filter = [("application", matter.application.to_string())];
        for found in all_tagged::<Delivery>(&self.ledger, &filter).await? {
            let cause = format!("{}.{}", entry.hash, found.stream);
            arrive(&self.ledger, found.stream, &cause, &entry.trace).await?;
        }
        Ok(())
    }

    async fn track(&self, entry: &Entry) -> Result<(), Halt> {
        let number = match self.ledger.decode::<Delivery>(entry).await? {
            Event::DeliveryDispatched { number, .. } | Event::CarrierAsked { number } => number,
            _ => return Ok(()),
        };
        let carrier = self.carrier.now();
        let Some(carrier) = &*carrier else {
            return Err(Halt::Carrier(Away("no carrier is configured".to_owned())));
        };
        let cause = entry.hash.to_string();
        track(&self.ledger, carrier, entry.stream, &number, (&cause, &entry.trace)).await
    }
}
