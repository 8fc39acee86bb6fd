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
    Timestamp,
};
use yiwang_standards::sm;

use super::carrier::{Away, Carrier, Order};
use super::{Collector, Delivery, Event, Facts, How, Manner, Outcome, Parcel, Part, Stage, decide, post};
use crate::application::{Actor, Application};
use crate::catalogue::details::PaidBefore;
use crate::catalogue::import::all_tagged;
use crate::catalogue::{self, Item};
use crate::documents;
use crate::fee::{self, Fees};
use crate::joint::{self, Joint, Phase as JointPhase};
use crate::limit::legal_date;
use crate::outside::Halt;
use crate::theme::HandOut;

/// Events after which the carrier is asked.
const CARRYING: [&str; 2] = ["DeliveryDispatched", "CarrierAsked"];
/// Events after which something electronic may arrive.
const ARRIVING: [&str; 3] = ["ResultReady", "MannerChosen", "DeliveryGathered"];
/// Events that end a delivery, so that its proof is due.
const ENDING: [&str; 5] =
    ["ResultCollected", "ParcelDelivered", "TakenFromLocker", "ArrivedElectronically", "DeliveryLeft"];
/// Events that may end a joint application, so that it is handed out.
const JOINING: [&str; 4] = ["MemberGranted", "MemberRefused", "MemberWithdrawn", "MemberCancelled"];
/// Events of fees after which nothing may be unpaid any more.
const PAYING: [&str; 5] = ["PaymentReceived", "PaymentRecorded", "FeeWaived", "FeeStruck", "BillCancelled"];

/// What is handed out to the applicant of an application; none where their data are gone, or nothing was decided.
pub fn facts(app: &Read<Application>) -> Option<Facts> {
    let addressee = app.state.identified_applicant()?;
    addressee.name.as_ref()?.get()?;
    let item = &app.state.item;
    let part = Part {
        application: app.stream,
        item: item.code.clone(),
        name: item.name.clone(),
        organisation: item.organisation.clone(),
        case_number: app.state.case_number.clone().unwrap_or_default(),
        due: None,
    };
    let audiences = app.state.tags().into_iter().filter(|tag| tag.name == Tag::AUDIENCE).map(|tag| tag.value);
    Some(Facts {
        parts: vec![part],
        addressee: addressee.clone(),
        audiences: audiences.collect(),
        region: item.region.clone(),
        decided: app.state.conclusion.as_ref()?.on,
    })
}

/// Tells a delivery what an application came to, or what has come of it since; whether that is handed out by this delivery.
///
/// # Errors
/// Those of the ledger.
async fn tell(
    ledger: &Ledger,
    stream: StreamId,
    app: &Read<Application>,
    gathers: bool,
    call: Call,
) -> Result<bool, Refusal> {
    let (Some(facts), Some(conclusion)) = (facts(app), app.state.conclusion.as_ref()) else { return Ok(true) };
    let limit = decide::limit(app.state.item.item_type, conclusion.granted);
    let result = decide::served(app.stream, &app.state, conclusion);
    let rule = move |delivery: &Delivery, cx: &Context| {
        decide::tell(delivery, &facts, limit.as_ref(), (result.as_ref(), gathers), cx)
    };
    let done = ledger.execute::<Delivery>(stream, call, rule).await?;
    Ok(done.state.has(app.stream))
}

/// The deliveries that hand out an application's result.
///
/// # Errors
/// Those of the ledger.
pub async fn of(ledger: &Ledger, application: StreamId) -> Result<Vec<Read<Delivery>>, Refusal> {
    all_tagged::<Delivery>(ledger, &[("application", application.to_string())]).await
}

/// Whether something must be paid first before what was granted is handed out: a charge of the list that is unpaid, or of which nobody has
/// said whether it is due. What turns somebody down waits for no payment.
///
/// # Errors
/// Those of the ledger.
pub async fn unpaid(ledger: &Ledger, delivery: &Delivery) -> Result<bool, Refusal> {
    for part in delivery.facts.iter().flat_map(|facts| &facts.parts) {
        let Some(app) = ledger.get::<Application>(part.application, &Audiences::all()).await? else { continue };
        if !app.state.conclusion.as_ref().is_some_and(|conclusion| conclusion.granted) {
            continue;
        }
        let pin = &app.state.item;
        let pinned = ledger.state_at::<Item>(catalogue::stream(&pin.code), pin.version).await?;
        let now = ledger.get::<Item>(catalogue::stream(&pin.code), &Audiences::all()).await?;
        let charges =
            |read: Option<Read<Item>>| read.map(|read| read.state.facts.details.charges.clone()).unwrap_or_default();
        let listed = fee::decide::binding(&charges(pinned), &charges(now));
        let fees = ledger.get::<Fees>(fee::stream(part.application), &Audiences::all()).await?;
        if fees.map(|read| read.state).unwrap_or_default().holds_up(PaidBefore::HandingOut, &listed) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// 异地代收: what was handed out where it was received is delivered.
///
/// # Errors
/// Those of the ledger.
pub async fn collected(
    ledger: &Ledger,
    application: StreamId,
    collector: &Collector,
    (by, at): (&Actor, Timestamp),
    (cause, trace): (&str, &str),
) -> Result<(), Refusal> {
    for found in of(ledger, application).await? {
        let (collector, by) = (collector.clone(), by.clone());
        let call = Call::system(format!("collected.{cause}.{}", found.stream), trace);
        let rule = move |delivery: &Delivery, cx: &Context| decide::collected(delivery, &collector, (&by, at), cx);
        ledger.execute::<Delivery>(found.stream, call, rule).await?;
    }
    Ok(())
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
    carrier: Option<&Arc<dyn Carrier>>,
    stream: StreamId,
    number: &str,
    (cause, trace): (&str, &str),
) -> Result<(), Halt> {
    let Some(read) = ledger.get::<Delivery>(stream, &Audiences::all()).await? else { return Ok(()) };
    // one that has ended, or was answered and is asked again at its time
    let asked = |parcel: &&Parcel| (parcel.ended.is_none() || parcel.by_hand) && parcel.ask_at.is_none();
    let Some(parcel) = read.state.parcel(number).filter(asked) else { return Ok(()) };
    let Manner::Post(recipient) = &read.state.manner else { return Ok(()) };
    // nobody else has heard its number, or has any business with the address
    let carrier = match carrier {
        Some(carrier) if fee::asks(&parcel.carrier, carrier.name()) => carrier,
        Some(_) => return Err(Away(format!("it was handed to {}", parcel.carrier)).into()),
        None => return Err(Away("no carrier is configured".to_owned()).into()),
    };
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
            _ if entry.is::<Application>() => self.open(entry).await,
            _ if entry.is::<Joint>() => self.gather(entry, entry.stream).await,
            _ if entry.is::<Fees>() => self.paid(entry).await,
            kind if CARRYING.contains(&kind) => self.track(entry).await,
            "DeliveryGathered" => self.gathered(entry).await,
            kind if ARRIVING.contains(&kind) => {
                arrive(&self.ledger, entry.stream, &entry.hash.to_string(), &entry.trace).await
            }
            _ => prove(&self.ledger, &self.desk, entry.stream, entry.hash, &entry.trace).await,
        };
        match done {
            Ok(()) => Told::Done,
            // what cannot be written however often it is tried is a person's matter
            Err(refusal) if refusal.kind == RefusalKind::InvalidArgument => {
                Told::Refused { reason: refusal.reason.to_owned() }
            }
            Err(refusal) => Told::Later { reason: refusal.reason.to_owned() },
        }
    }
}

impl Deliveries {
    fn call(entry: &Entry, what: &str) -> Call {
        Call::system(format!("delivery.{}{what}", entry.hash), &entry.trace)
    }

    async fn open(&self, entry: &Entry) -> Result<(), Refusal> {
        let Some(read) = self.ledger.state_at::<Application>(entry.stream, entry.version).await? else {
            return Ok(());
        };
        let granted = read.state.conclusion.as_ref().is_some_and(|conclusion| conclusion.granted);
        // what turns somebody down waits for nobody
        if let Some(of) = read.state.joint.as_ref().filter(|_| granted)
            && self.together(of.joint).await?.is_some()
        {
            return self.gather(entry, of.joint).await;
        }
        self.tell_own(entry, &read).await
    }

    /// By a delivery of its own, or the one that it is in.
    async fn tell_own(&self, entry: &Entry, app: &Read<Application>) -> Result<(), Refusal> {
        let known = of(&self.ledger, app.stream).await?;
        let stream = known.first().map_or_else(|| super::stream(app.stream), |found| found.stream);
        let call = Self::call(entry, &format!(".{}", app.stream));
        tell(&self.ledger, stream, app, false, call).await.map(drop)
    }

    /// A joint application whose rule is one hand-out.
    async fn together(&self, joint: StreamId) -> Result<Option<Arc<Joint>>, Refusal> {
        let read = self.ledger.get::<Joint>(joint, &Audiences::all()).await?;
        Ok(read.map(|read| read.state).filter(|joint| joint.theme.hand_out == HandOut::Together))
    }

    /// 一次出件: what was granted is handed out together, once every member has ended, but waits no longer than its own date allows. What
    /// is granted after that goes by itself.
    async fn gather(&self, entry: &Entry, id: StreamId) -> Result<(), Refusal> {
        let Some(joint) = self.together(id).await? else { return Ok(()) };
        let stream = super::stream(id);
        for member in joint.members.iter().filter(|member| member.item.is_some()) {
            let app = self.ledger.get::<Application>(joint::part(id, member.code()), &Audiences::all()).await?;
            let Some(app) = app else { continue };
            if !app.state.conclusion.as_ref().is_some_and(|conclusion| conclusion.granted) {
                continue;
            }
            let elsewhere = of(&self.ledger, app.stream).await?.iter().any(|found| found.stream != stream);
            let call = Self::call(entry, &format!(".joint.{}", app.stream));
            if elsewhere || !tell(&self.ledger, stream, &app, true, call).await? {
                self.tell_own(entry, &app).await?;
            }
        }
        let begun = self.ledger.get::<Delivery>(stream, &Audiences::all()).await?.is_some();
        if joint.phase != JointPhase::Ended || !begun {
            return Ok(());
        }
        let rule = |delivery: &Delivery, _: &Context| decide::gathered(delivery);
        self.ledger.execute::<Delivery>(stream, Self::call(entry, ".gathered"), rule).await.map(drop)
    }

    /// What was left out goes by itself; what is there may arrive.
    async fn gathered(&self, entry: &Entry) -> Result<(), Refusal> {
        if let Event::DeliveryGathered { without } = self.ledger.decode::<Delivery>(entry).await? {
            for application in without {
                let app = self.ledger.get::<Application>(application, &Audiences::all()).await?;
                if let Some(app) = app {
                    self.tell_own(entry, &app).await?;
                }
            }
        }
        arrive(&self.ledger, entry.stream, &entry.hash.to_string(), &entry.trace).await
    }

    async fn paid(&self, entry: &Entry) -> Result<(), Refusal> {
        let read = self.ledger.get::<Fees>(entry.stream, &Audiences::all()).await?;
        let Some(matter) = read.and_then(|read| read.state.matter.clone()) else { return Ok(()) };
        for found in of(&self.ledger, matter.application).await? {
            let cause = format!("{}.{}", entry.hash, found.stream);
            arrive(&self.ledger, found.stream, &cause, &entry.trace).await?;
        }
        Ok(())
    }

    async fn track(&self, entry: &Entry) -> Result<(), Refusal> {
        let number = match self.ledger.decode::<Delivery>(entry).await? {
            Event::DeliveryDispatched { number, .. } | Event::CarrierAsked { number } => number,
            _ => return Ok(()),
        };
        let carrier = self.carrier.now();
        let cause = entry.hash.to_string();
        match track(&self.ledger, (*carrier).as_ref(), entry.stream, &number, (&cause, &entry.trace)).await {
            Ok(()) => Ok(()),
            Err(Halt::Ledger(refusal)) => Err(refusal),
            // asked at its time, by the timer
            Err(Halt::Away(away)) => {
                tracing::warn!(delivery = %entry.stream, %number, %away, "asked again later");
                let rule = move |delivery: &Delivery, cx: &Context| post::away(delivery, &number, cx);
                let call = Call::system(format!("away.{cause}"), &entry.trace);
                self.ledger.execute::<Delivery>(entry.stream, call, rule).await.map(drop)
            }
        }
    }
}
