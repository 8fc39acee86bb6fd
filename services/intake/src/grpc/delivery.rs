//! `DeliveryService`.

use std::sync::Arc;

use tonic::Request;
use yiwang_documents::desk::Desk;
use yiwang_kit::followed::Followed;
use yiwang_kit::{Caller, Fault, Incoming, Reply, Resource, receive, reply, wire};
use yiwang_ledger::{
    Aggregate as _, Audiences, Committed, Context, Decision, ListQuery, Read, Refusal, StreamId, SubjectId,
};
use yiwang_proto::intake::v1 as pb;
use yiwang_proto::intake::v1::delivery_service_server::DeliveryService;

use super::{Intake, Target, reader, unowned};
use crate::application::Application;
use crate::application::Party;
use crate::application::decide::Acting;
use crate::catalogue::details::Details;
use crate::catalogue::handling::HandlingRules;
use crate::convert::ask::{self, Sealing};
use crate::convert::delivery::{self as show, View};
use crate::delivery::carrier::Carrier;
use crate::delivery::following;
use crate::delivery::{self as deliveries, Delivery, Event, decide, locker, post};
use crate::mandate::{Mandate, between};
use crate::outside::Halt;

/// Deliveries, which the intake service keeps.
#[derive(Clone)]
pub struct Deliveries {
    intake: Intake,
    desk: Desk,
    carrier: Followed<Option<Arc<dyn Carrier>>>,
}

macro_rules! target {
    ($message:expr) => {
        Target { id: &$message.id, request_id: &$message.request_id, etag: &$message.etag }
    };
}

/// Whoever sees it and is no officer acts on their own.
fn resource<'a>(delivery: &'a Delivery, caller: &'a Caller) -> Resource<'a> {
    let facts = delivery.facts.as_deref();
    let addressee = facts.map(|facts| facts.addressee.subject.as_str()).unwrap_or_default();
    let own = caller.subject.as_ref().filter(|_| !caller.is_staff()).map(SubjectId::as_str);
    let part = facts.and_then(|facts| facts.parts.first());
    Resource {
        kind: "Application",
        owner: own.unwrap_or(addressee),
        organisation: part.map(|part| part.organisation.as_str()).unwrap_or_default(),
        region: facts.map(|facts| facts.region.as_str()).unwrap_or_default(),
        item: part.map(|part| part.item.as_str()).unwrap_or_default(),
        status: delivery.stage.name(),
    }
}

/// Whether an officer handles it, or only watches.
fn handles(delivery: &Delivery, caller: &Caller) -> bool {
    let Some(facts) = &delivery.facts else { return false };
    let office = ["clerk", "reviewer", "approver"].iter().any(|role| caller.has_role(role));
    (caller.has_role("clerk") && caller.region == facts.region)
        || (office && facts.parts.iter().any(|part| caller.organisations.contains(&part.organisation)))
}

pub(super) fn party_of(subject: &SubjectId) -> Party {
    Party { subject: subject.clone(), kind: None, name: None, number: None, phone: None, address: None }
}

impl Deliveries {
    /// Over the intake service, the desk of documents and whoever carries parcels; none: nothing is posted through the platform.
    pub fn new(intake: Intake, desk: Desk, carrier: Followed<Option<Arc<dyn Carrier>>>) -> Self {
        Self { intake, desk, carrier }
    }

    /// The delivery as the caller sees it.
    async fn seen(&self, caller: &Caller, id: &str) -> Result<Read<Delivery>, Refusal> {
        let id = StreamId::parse("id", id)?;
        self.intake.ledger.get::<Delivery>(id, &caller.audiences()).await?.ok_or_else(deliveries::not_found)
    }

    /// The mandates that the addressee has given somebody.
    async fn given(&self, delivery: &Delivery, agent: Option<&SubjectId>) -> Result<Vec<(StreamId, Mandate)>, Refusal> {
        match (delivery.addressee(), agent) {
            (Some(addressee), Some(agent)) if addressee.subject != *agent => {
                between(&self.intake.ledger, &addressee.subject, agent).await
            }
            _ => Ok(Vec::new()),
        }
    }

    /// A command on a delivery: seen, allowed, then decided.
    async fn act<T: serde::Serialize>(
        &self,
        incoming: &Incoming<T>,
        rpc: &'static str,
        target: Target<'_>,
        rule: impl Fn(&Delivery, &Acting, &Context) -> Decision<Event> + Send + Sync + 'static,
    ) -> Result<Committed<Delivery>, Fault> {
        let id = StreamId::parse("id", target.id)?;
        let mut call = incoming.call(rpc, &id.to_string(), target.request_id)?;
        call.expected_version = wire::expected_version(target.etag)?;
        let (gate, caller) = (self.intake.gate.clone(), incoming.caller.clone());
        let (audiences, by) = (caller.audiences(), ask::acting(&caller));
        let rule = move |delivery: &Delivery, cx: &Context| {
            if delivery.facts.is_none() || !audiences.meets(&delivery.tags()) {
                return Err(deliveries::not_found());
            }
            gate.allow(&caller, rpc, &resource(delivery, &caller))?;
            rule(delivery, &by, cx)
        };
        Ok(self.intake.ledger.execute::<Delivery>(id, call, rule).await.map_err(wire::contract_word)?)
    }

    /// The delivery as it stands now, after what followed by itself.
    async fn now<T>(&self, incoming: &Incoming<T>, id: &str) -> Result<pb::Delivery, Fault> {
        let caller = &incoming.caller;
        let read = self.seen(caller, id).await?;
        let view = self.view(caller, &read.state).await?;
        Ok(show::delivery(read.stream, read.version, &read.state, view, reader(caller)))
    }

    /// Full to whoever handles it and to the parties; the code to whoever may receive it.
    async fn view(&self, caller: &Caller, delivery: &Delivery) -> Result<View, Refusal> {
        if caller.is_staff() {
            return Ok(if handles(delivery, caller) { View::Full } else { View::Masked });
        }
        let Some(own) = &caller.subject else { return Ok(View::Masked) };
        let mandates = self.given(delivery, Some(own)).await?;
        let host = self.intake.ledger.host();
        let cx =
            Context { now: host.now(), actor: String::new(), version: 0, calendar: host.calendar(), seed: [0; 32] };
        let may = decide::may_receive(delivery, &party_of(own), &mandates, &cx).is_ok();
        Ok(if may { View::Receiving } else { View::Full })
    }

    /// The proof of what has just ended; should it fail here, the relay issues it.
    async fn proved(&self, done: &Committed<Delivery>, trace: &str) {
        if done.state.outcome.is_none() {
            return;
        }
        let proved = following::prove(&self.intake.ledger, &self.desk, done.stream, done.hash, trace).await;
        if let Err(refusal) = proved {
            tracing::warn!(delivery = %done.stream, reason = refusal.reason, "a proof is left to the relay");
        }
    }

    async fn get(&self, incoming: Incoming<pb::GetDeliveryRequest>) -> Result<pb::Delivery, Fault> {
        let caller = &incoming.caller;
        self.intake.gate.allow(caller, "GetDelivery", &unowned("Application"))?;
        let read = self.seen(caller, &incoming.message.id).await?;
        if caller.is_staff() {
            let call = incoming.read_call("GetDelivery", &read.stream.to_string());
            self.intake.ledger.record_read(call, read.stream, "GetDelivery").await?;
        }
        self.now(&incoming, &incoming.message.id).await
    }

    async fn list(&self, incoming: Incoming<pb::ListDeliveriesRequest>) -> Result<pb::ListDeliveriesResponse, Fault> {
        let (caller, message) = (&incoming.caller, &incoming.message);
        self.intake.gate.allow(caller, "ListDeliveries", &unowned("Application"))?;
        let mut filters: Vec<(&'static str, String)> = Vec::new();
        if !message.application_id.trim().is_empty() {
            let id = StreamId::parse("application_id", &message.application_id)?;
            filters.push(("application", id.to_string()));
        }
        filters.extend(show::stage_tag(message.stage()).map(|stage| ("stage", stage.to_owned())));
        filters.extend(show::manner_tag(message.manner()).map(|manner| ("manner", manner.to_owned())));
        filters.extend(message.overdue.then(|| ("overdue", "yes".to_owned())));
        filters.extend(message.contradicted.then(|| ("contradicted", "yes".to_owned())));
        let query = ListQuery {
            filters,
            page_size: wire::page_size(message.page_size)?,
            page_token: message.page_token.clone(),
        };
        let page = self.intake.ledger.list::<Delivery>(&query, &caller.audiences()).await?;
        let one = |read: &Read<Delivery>| {
            show::delivery(read.stream, read.version, &read.state, View::Masked, reader(caller))
        };
        Ok(pb::ListDeliveriesResponse {
            deliveries: page.items.iter().map(one).collect(),
            next_page_token: page.next_page_token,
        })
    }

    /// Whether every item of it is delivered by post or locker; an item of which nobody wrote it is.
    async fn offered(&self, delivery: &Delivery) -> Result<bool, Refusal> {
        for part in delivery.facts.iter().flat_map(|facts| &facts.parts) {
            let app = self.intake.ledger.get::<Application>(part.application, &Audiences::all()).await?;
            let Some(app) = app else { continue };
            let pinned = self.intake.pinned(&app.state.item).await?;
            // how it is handled says nothing about how it is delivered
            let written = Details { handling: HandlingRules::default(), ..pinned.facts.details.clone() };
            if !written.is_empty() && !written.delivered {
                return Ok(false);
            }
        }
        Ok(true)
    }

    async fn choose(&self, incoming: Incoming<pb::ChooseMannerRequest>) -> Result<pb::Delivery, Fault> {
        let (caller, message) = (&incoming.caller, &incoming.message);
        let seen = self.seen(caller, &message.id).await?;
        let choose = decide::Choose {
            manner: show::manner(message, &seen.state.subject())?,
            consent: message.electronic_consent,
            offered: self.offered(&seen.state).await?,
        };
        let own = caller.subject.clone().filter(|_| !caller.is_staff());
        let mandates = self.given(&seen.state, own.as_ref()).await?;
        let rule = move |delivery: &Delivery, by: &Acting, cx: &Context| {
            if let Some(own) = &own {
                decide::may_receive(delivery, &party_of(own), &mandates, cx)?;
            }
            decide::choose(delivery, &choose, &by.actor)
        };
        let done = self.act(&incoming, "ChooseManner", target!(message), rule).await?;
        let cause = done.hash.to_string();
        let arrived = following::arrive(&self.intake.ledger, done.stream, &cause, &incoming.trace).await;
        if let Err(refusal) = arrived {
            tracing::warn!(delivery = %done.stream, reason = refusal.reason, "an arrival is left to the relay");
        }
        self.now(&incoming, &message.id).await
    }

    async fn hand_out(&self, incoming: Incoming<pb::HandOutResultRequest>) -> Result<pb::Delivery, Fault> {
        let (caller, message) = (&incoming.caller, &incoming.message);
        let seen = self.seen(caller, &message.id).await?;
        let ledger = &self.intake.ledger;
        let fallback = seen.state.subject();
        let sealing = Sealing { vault: ledger.vault(), fallback: &fallback, now: ledger.host().now() };
        let named = message.collector.as_ref().map(|party| sealing.collector(party)).transpose()?.flatten();
        let collector = named.unwrap_or_else(|| party_of(&fallback));
        let mandates = self.given(&seen.state, Some(&collector.subject)).await?;
        let (unpaid, own) = (following::unpaid(ledger, &seen.state).await?, caller.subject.clone());
        let rule = move |delivery: &Delivery, by: &Acting, cx: &Context| {
            decide::paid(unpaid)?;
            decide::collect(delivery, &collector, &mandates, (&by.actor, own.as_ref()), cx)
        };
        let done = self.act(&incoming, "HandOutResult", target!(message), rule).await?;
        self.proved(&done, &incoming.trace).await;
        self.now(&incoming, &message.id).await
    }

    /// `CARRIER_NOT_AVAILABLE` where nobody carries parcels.
    fn available(&self) -> Result<(), Refusal> {
        match *self.carrier.now() {
            Some(_) => Ok(()),
            None => {
                let (zh, en) = ("尚未接入寄递企业", "no carrier is connected");
                Err(Refusal::state("CARRIER_NOT_AVAILABLE", zh, en))
            }
        }
    }

    async fn dispatch(&self, incoming: Incoming<pb::DispatchDeliveryRequest>) -> Result<pb::Delivery, Fault> {
        let message = &incoming.message;
        let seen = self.seen(&incoming.caller, &message.id).await?;
        let (unpaid, there) = (following::unpaid(&self.intake.ledger, &seen.state).await?, self.available());
        let name = (*self.carrier.now()).as_ref().map(|carrier| carrier.name().to_owned()).unwrap_or_default();
        let rule = move |delivery: &Delivery, by: &Acting, cx: &Context| {
            there.clone()?;
            decide::paid(unpaid)?;
            post::dispatch(delivery, &name, &by.actor, cx)
        };
        let done = self.act(&incoming, "DispatchDelivery", target!(message), rule).await?;
        let placed = done.state.parcels.last().filter(|_| !done.replayed).map(|parcel| parcel.number.clone());
        if let Some(number) = placed {
            let (ledger, cause, carrier) = (&self.intake.ledger, done.hash.to_string(), self.carrier.now());
            let (carrier, about) = ((*carrier).as_ref(), (cause.as_str(), incoming.trace.as_str()));
            let tracked = following::track(ledger, carrier, done.stream, &number, about).await;
            match tracked {
                Ok(()) => {}
                Err(Halt::Away(away)) => tracing::warn!(%away, "a parcel is left to the relay"),
                Err(Halt::Ledger(refusal)) => {
                    tracing::warn!(reason = refusal.reason, "a parcel is left to the relay");
                }
            }
        }
        self.now(&incoming, &message.id).await
    }

    async fn notify(&self, incoming: Incoming<pb::NotifyParcelRequest>) -> Result<pb::NotifyParcelResponse, Fault> {
        let (ledger, message) = (&self.intake.ledger, &incoming.message);
        self.intake.gate.allow(&incoming.caller, "NotifyParcel", &unowned("Application"))?;
        let number = message.parcel_number.trim().to_owned();
        let query = ListQuery { filters: vec![("parcel", number.clone())], page_size: 1, page_token: String::new() };
        let found = ledger.list::<Delivery>(&query, &Audiences::all()).await?.items;
        let stream = found.first().map(|read| read.stream).ok_or_else(post::not_found)?;
        let call = incoming.call("NotifyParcel", &stream.to_string(), &message.request_id)?;
        let rule = move |delivery: &Delivery, _: &Context| post::notified(delivery, &number);
        ledger.execute::<Delivery>(stream, call, rule).await?;
        Ok(pb::NotifyParcelResponse {})
    }

    async fn remake(&self, incoming: Incoming<pb::RecordRemadeRequest>) -> Result<pb::Delivery, Fault> {
        let message = &incoming.message;
        let number = ask::text("number", &message.number, 0, 100, "FIELD_INVALID")?;
        let numbers = show::remade(&message.remade)?;
        let rule =
            move |delivery: &Delivery, by: &Acting, _: &Context| decide::remade(delivery, &number, &numbers, &by.actor);
        self.act(&incoming, "RecordRemade", target!(message), rule).await?;
        self.now(&incoming, &message.id).await
    }

    async fn end_parcel(&self, incoming: Incoming<pb::EndParcelRequest>) -> Result<pb::Delivery, Fault> {
        let message = &incoming.message;
        let (ended, reason) =
            (show::ended(message.end())?, ask::text("reason", &message.reason, 1, 200, "FIELD_INVALID")?);
        let rule = move |delivery: &Delivery, by: &Acting, _: &Context| post::end(delivery, ended, &reason, &by.actor);
        self.act(&incoming, "EndParcel", target!(message), rule).await?;
        self.now(&incoming, &message.id).await
    }

    async fn put(&self, incoming: Incoming<pb::PutInLockerRequest>) -> Result<pb::Delivery, Fault> {
        let message = &incoming.message;
        let compartment = show::place("compartment", &message.compartment, 20)?;
        let seen = self.seen(&incoming.caller, &message.id).await?;
        let unpaid = following::unpaid(&self.intake.ledger, &seen.state).await?;
        let rule = move |delivery: &Delivery, by: &Acting, cx: &Context| {
            decide::paid(unpaid)?;
            locker::put(delivery, &compartment, &by.actor, cx)
        };
        self.act(&incoming, "PutInLocker", target!(message), rule).await?;
        self.now(&incoming, &message.id).await
    }

    async fn open(&self, incoming: Incoming<pb::OpenLockerRequest>) -> Result<pb::OpenLockerResponse, Fault> {
        let (ledger, message) = (&self.intake.ledger, &incoming.message);
        self.intake.gate.allow(&incoming.caller, "OpenLocker", &unowned("Application"))?;
        let key = format!("{}/{}", message.site.trim(), message.compartment.trim());
        let found = ledger.find::<Delivery>(deliveries::COMPARTMENT, &key, &Audiences::all()).await?;
        let stream = found.ok_or_else(locker::empty)?.stream;
        let (code, by) = (message.code.trim().to_owned(), ask::acting(&incoming.caller).actor);
        let call = incoming.call("OpenLocker", &stream.to_string(), &message.request_id)?;
        let rule = move |delivery: &Delivery, cx: &Context| locker::open(delivery, &code, &by, cx);
        let done = ledger.execute::<Delivery>(stream, call, rule).await?;
        self.proved(&done, &incoming.trace).await;
        let wrong = done.state.compartment.as_ref().map_or(locker::TRIES, |one| one.wrong);
        let lies = done.state.stage == deliveries::Stage::InLocker;
        Ok(pb::OpenLockerResponse {
            opened: done.state.outcome.is_some(),
            tries_left: if lies { crate::convert::count(locker::TRIES.saturating_sub(wrong)) } else { 0 },
        })
    }

    async fn put_back(&self, incoming: Incoming<pb::PutBackRequest>) -> Result<pb::Delivery, Fault> {
        let message = &incoming.message;
        let rule = move |delivery: &Delivery, by: &Acting, _: &Context| locker::put_back(delivery, &by.actor);
        self.act(&incoming, "PutBack", target!(message), rule).await?;
        self.now(&incoming, &message.id).await
    }

    async fn leave(&self, incoming: Incoming<pb::LeaveDeliveryRequest>) -> Result<pb::Delivery, Fault> {
        let message = &incoming.message;
        let seen = self.seen(&incoming.caller, &message.id).await?;
        let left = show::left(message, &seen.state.subject())?;
        let unpaid = following::unpaid(&self.intake.ledger, &seen.state).await?;
        let rule = move |delivery: &Delivery, by: &Acting, cx: &Context| {
            decide::paid(unpaid)?;
            decide::leave(delivery, &left, &by.actor, cx)
        };
        let done = self.act(&incoming, "LeaveDelivery", target!(message), rule).await?;
        self.proved(&done, &incoming.trace).await;
        self.now(&incoming, &message.id).await
    }
}

#[tonic::async_trait]
impl DeliveryService for Deliveries {
    async fn get_delivery(&self, request: Request<pb::GetDeliveryRequest>) -> Reply<pb::Delivery> {
        reply(self.get(receive(request)?).await)
    }

    async fn list_deliveries(&self, request: Request<pb::ListDeliveriesRequest>) -> Reply<pb::ListDeliveriesResponse> {
        reply(self.list(receive(request)?).await)
    }

    async fn choose_manner(&self, request: Request<pb::ChooseMannerRequest>) -> Reply<pb::Delivery> {
        reply(self.choose(receive(request)?).await)
    }

    async fn hand_out_result(&self, request: Request<pb::HandOutResultRequest>) -> Reply<pb::Delivery> {
        reply(self.hand_out(receive(request)?).await)
    }

    async fn dispatch_delivery(&self, request: Request<pb::DispatchDeliveryRequest>) -> Reply<pb::Delivery> {
        reply(self.dispatch(receive(request)?).await)
    }

    async fn notify_parcel(&self, request: Request<pb::NotifyParcelRequest>) -> Reply<pb::NotifyParcelResponse> {
        reply(self.notify(receive(request)?).await)
    }

    async fn end_parcel(&self, request: Request<pb::EndParcelRequest>) -> Reply<pb::Delivery> {
        reply(self.end_parcel(receive(request)?).await)
    }

    async fn record_remade(&self, request: Request<pb::RecordRemadeRequest>) -> Reply<pb::Delivery> {
        reply(self.remake(receive(request)?).await)
    }

    async fn put_in_locker(&self, request: Request<pb::PutInLockerRequest>) -> Reply<pb::Delivery> {
        reply(self.put(receive(request)?).await)
    }

    async fn open_locker(&self, request: Request<pb::OpenLockerRequest>) -> Reply<pb::OpenLockerResponse> {
        reply(self.open(receive(request)?).await)
    }

    async fn put_back(&self, request: Request<pb::PutBackRequest>) -> Reply<pb::Delivery> {
        reply(self.put_back(receive(request)?).await)
    }

    async fn leave_delivery(&self, request: Request<pb::LeaveDeliveryRequest>) -> Reply<pb::Delivery> {
        reply(self.leave(receive(request)?).await)
    }
}
