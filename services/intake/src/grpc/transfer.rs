//! `TransferService`.

use std::sync::Arc;

use tonic::Request;
use yiwang_kit::{Caller, Fault, Gate, Incoming, Reply, Resource, new_stream_id, receive, reply, wire};
use yiwang_ledger::{
    Aggregate as _, Audiences, Committed, Context, Decision, Ledger, ListQuery, Read, Refusal, StreamId,
};
use yiwang_proto::catalogue::v1 as pb;
use yiwang_proto::catalogue::v1::transfer_service_server::TransferService;

use super::catalogue::day;
use super::{Target, known_organ};
use crate::application::Actor;
use crate::catalogue::{self as items, Item};
use crate::convert::{ask, transfer as show};
use crate::directory::{self, BasicItem};
use crate::transfer::decide::{self, Known};
use crate::transfer::{self as transfers, Event, Offer, Organ, Stage, Transfer};
use crate::transferring;

/// The transfers over their ledger.
#[derive(Clone)]
pub struct Transfers {
    ledger: Ledger,
    gate: Gate,
}

/// In whose name somebody speaks: the giver, the receiver, or one who is consulted.
fn resource(organ: &Organ) -> Resource<'_> {
    Resource { kind: "Item", organisation: &organ.code, region: &organ.region, ..Resource::default() }
}

/// Whose part an act is.
#[derive(Clone)]
enum Part {
    Giver,
    Receiver,
    Consulted(String),
}

impl Part {
    fn organ(&self, transfer: &Transfer) -> Organ {
        match self {
            Part::Giver => transfer.offer.giver.clone(),
            Part::Receiver => transfer.offer.receiver.clone(),
            Part::Consulted(code) => {
                let found = transfer.offer.consulted.iter().find(|organ| organ.code == *code);
                found.cloned().unwrap_or_else(|| Organ { code: code.clone(), ..Organ::default() })
            }
        }
    }
}

impl Transfers {
    /// Over a ledger and the policies.
    pub fn new(ledger: Ledger, gate: Gate) -> Self {
        Self { ledger, gate }
    }

    async fn known(&self, offer: &Offer) -> Result<Vec<Known>, Refusal> {
        let mut all = Vec::with_capacity(offer.items.len());
        for offered in &offer.items {
            let mut known = Known::default();
            let read = self.ledger.get::<Item>(items::stream(&offered.code), &Audiences::all()).await?;
            known.item = read.map(|read| (*read.state).clone()).unwrap_or_default();
            if !offered.new_code.is_empty() {
                let there = self.ledger.get::<Item>(items::stream(&offered.new_code), &Audiences::all()).await?;
                known.new_code_taken = there.is_some_and(|read| read.state.exists());
            }
            if !known.item.facts.basic.is_empty() {
                let stream = directory::stream(&known.item.facts.basic);
                let basic = self.ledger.get::<BasicItem>(stream, &Audiences::all()).await?;
                known.basic = basic.map(|read| (*read.state).clone());
            }
            all.push(known);
        }
        Ok(all)
    }

    /// An organ is called what the catalogue calls it, not what whoever offers writes: the item and its papers bear that name. Who is consulted
    /// must be known, or nobody could speak; a receiver may have nothing yet.
    async fn name(&self, offer: &mut Offer) -> Result<(), Refusal> {
        for (field, organ) in [("giver.code", &mut offer.giver), ("receiver.code", &mut offer.receiver)] {
            if let Ok(known) = known_organ(&self.ledger, field, &organ.code).await {
                *organ = known;
            }
        }
        for (place, organ) in offer.consulted.iter_mut().enumerate() {
            *organ = known_organ(&self.ledger, &format!("consulted[{place}].code"), &organ.code).await?;
        }
        Ok(())
    }

    async fn offer(&self, incoming: Incoming<pb::OfferTransferRequest>) -> Result<pb::Transfer, Fault> {
        let message = &incoming.message;
        let mut offer = show::offer(message, day("until_date", &message.until_date)?)?;
        self.name(&mut offer).await?;
        self.gate.allow(&incoming.caller, "OfferTransfer", &resource(&offer.giver))?;
        let known = self.known(&offer).await?;
        for (offered, known) in offer.items.iter_mut().zip(&known) {
            offered.name.clone_from(&known.item.facts.name);
        }
        let call = incoming.call("OfferTransfer", "", &message.request_id)?;
        let by = ask::acting(&incoming.caller).actor;
        let rule = move |transfer: &Transfer, cx: &Context| decide::offer(transfer, &offer, &known, &by, cx);
        let done = self.ledger.create::<Transfer>(new_stream_id(), call, rule).await?;
        Ok(shown(&done))
    }

    /// A command on a transfer: found, seen, allowed, then decided.
    async fn act<T: serde::Serialize>(
        &self,
        incoming: &Incoming<T>,
        rpc: &'static str,
        target: Target<'_>,
        part: Part,
        rule: impl Fn(&Transfer, &Actor, &Context) -> Decision<Event> + Send + Sync + 'static,
    ) -> Result<Committed<Transfer>, Refusal> {
        let id = StreamId::parse("id", target.id)?;
        let mut call = incoming.call(rpc, &id.to_string(), target.request_id)?;
        call.expected_version = wire::expected_version(target.etag)?;
        let (gate, caller): (Gate, Arc<Caller>) = (self.gate.clone(), incoming.caller.clone());
        let (audiences, by) = (caller.audiences(), ask::acting(&caller).actor);
        let rule = move |transfer: &Transfer, cx: &Context| {
            if transfer.stage == Stage::Absent || !audiences.meets(&transfer.tags()) {
                return Err(transfers::not_found());
            }
            gate.allow(&caller, rpc, &resource(&part.organ(transfer)))?;
            rule(transfer, &by, cx)
        };
        self.ledger.execute::<Transfer>(id, call, rule).await.map_err(wire::contract_word)
    }

    async fn consult(&self, incoming: Incoming<pb::GiveOpinionRequest>) -> Result<pb::Transfer, Fault> {
        let message = &incoming.message;
        let opinion = ask::text("opinion", &message.opinion, 1, 1000, "FIELD_INVALID")?;
        let (organ, agrees) = (message.organisation.trim().to_owned(), message.agrees);
        let target = Target { id: &message.id, request_id: &message.request_id, etag: &message.etag };
        let part = Part::Consulted(organ.clone());
        let rule =
            move |transfer: &Transfer, by: &Actor, _: &Context| decide::consult(transfer, &organ, agrees, &opinion, by);
        Ok(shown(&self.act(&incoming, "GiveOpinion", target, part, rule).await?))
    }

    async fn accept(&self, incoming: Incoming<pb::AcceptTransferRequest>) -> Result<pb::Transfer, Fault> {
        let message = &incoming.message;
        let remark = ask::text("remark", &message.remark, 0, 1000, "FIELD_INVALID")?;
        let target = Target { id: &message.id, request_id: &message.request_id, etag: &message.etag };
        let rule = move |transfer: &Transfer, by: &Actor, _: &Context| decide::accept(transfer, &remark, by);
        Ok(shown(&self.act(&incoming, "AcceptTransfer", target, Part::Receiver, rule).await?))
    }

    async fn object(&self, incoming: Incoming<pb::ObjectToTransferRequest>) -> Result<pb::Transfer, Fault> {
        let message = &incoming.message;
        let reasons = ask::text("reasons", &message.reasons, 1, 1000, "FIELD_INVALID")?;
        let target = Target { id: &message.id, request_id: &message.request_id, etag: &message.etag };
        let rule = move |transfer: &Transfer, by: &Actor, _: &Context| decide::object(transfer, &reasons, by);
        Ok(shown(&self.act(&incoming, "ObjectToTransfer", target, Part::Receiver, rule).await?))
    }

    async fn date(&self, incoming: Incoming<pb::DateTransferRequest>) -> Result<pb::Transfer, Fault> {
        let message = &incoming.message;
        let missing = || Refusal::field("effective_date", "FIELD_INVALID", "缺少生效日期", "the first day is needed");
        let effective = day("effective_date", &message.effective_date)?.ok_or_else(missing)?;
        let document = ask::text("document", &message.document, 1, 200, "FIELD_INVALID")?;
        let target = Target { id: &message.id, request_id: &message.request_id, etag: &message.etag };
        let id = StreamId::parse("id", &message.id)?;
        let seen = self.ledger.get::<Transfer>(id, &incoming.caller.audiences()).await?;
        let known = self.known(&seen.ok_or_else(transfers::not_found)?.state.offer).await?;
        let rule = move |transfer: &Transfer, by: &Actor, cx: &Context| {
            decide::date(transfer, &known, effective, &document, by, cx)
        };
        let done = self.act(&incoming, "DateTransfer", target, Part::Giver, rule).await?;
        self.carry_out(&done, &incoming.trace).await;
        Ok(shown(&done))
    }

    async fn withdraw(&self, incoming: Incoming<pb::WithdrawTransferRequest>) -> Result<pb::Transfer, Fault> {
        let message = &incoming.message;
        let reason = ask::text("reason", &message.reason, 1, 500, "FIELD_INVALID")?;
        let target = Target { id: &message.id, request_id: &message.request_id, etag: &message.etag };
        let rule = move |transfer: &Transfer, by: &Actor, _: &Context| decide::withdraw(transfer, &reason, by);
        Ok(shown(&self.act(&incoming, "WithdrawTransfer", target, Part::Giver, rule).await?))
    }

    async fn revoke(&self, incoming: Incoming<pb::RevokeEntrustmentRequest>) -> Result<pb::Transfer, Fault> {
        let message = &incoming.message;
        let last = day("last_date", &message.last_date)?;
        let reason = ask::text("reason", &message.reason, 1, 500, "FIELD_INVALID")?;
        let target = Target { id: &message.id, request_id: &message.request_id, etag: &message.etag };
        let rule = move |transfer: &Transfer, by: &Actor, cx: &Context| decide::revoke(transfer, last, &reason, by, cx);
        let done = self.act(&incoming, "RevokeEntrustment", target, Part::Giver, rule).await?;
        self.carry_out(&done, &incoming.trace).await;
        Ok(shown(&done))
    }

    /// The second step; should it fail here, the relay completes it.
    async fn carry_out(&self, done: &Committed<Transfer>, trace: &str) {
        if let Err(refusal) = transferring::complete(&self.ledger, &done.state, done.hash, trace).await {
            tracing::warn!(transfer = %done.stream, reason = refusal.reason, "a transfer is left to the relay");
        }
    }

    async fn get(&self, incoming: Incoming<pb::GetTransferRequest>) -> Result<pb::Transfer, Fault> {
        self.gate.allow(&incoming.caller, "GetTransfer", &Resource { kind: "Item", ..Resource::default() })?;
        let id = StreamId::parse("id", &incoming.message.id)?;
        let read = self.ledger.get::<Transfer>(id, &incoming.caller.audiences()).await?;
        let read = read.ok_or_else(transfers::not_found)?;
        Ok(show::transfer(read.stream, read.version, &read.state, incoming.caller.is_staff()))
    }

    async fn list(&self, incoming: Incoming<pb::ListTransfersRequest>) -> Result<pb::ListTransfersResponse, Fault> {
        let message = &incoming.message;
        self.gate.allow(&incoming.caller, "ListTransfers", &Resource { kind: "Item", ..Resource::default() })?;
        let mut filters: Vec<(&'static str, String)> = Vec::new();
        filters.extend(show::stage_tag(message.stage()).map(|stage| ("stage", stage.to_owned())));
        if !message.item_code.is_empty() {
            filters.push(("item", message.item_code.trim().to_owned()));
        }
        if message.with_findings {
            filters.push(("finding", "ANY".to_owned()));
        }
        let query = ListQuery {
            filters,
            page_size: wire::page_size(message.page_size)?,
            page_token: message.page_token.clone(),
        };
        let page = self.ledger.list::<Transfer>(&query, &incoming.caller.audiences()).await?;
        let office = incoming.caller.is_staff();
        let one = |read: &Read<Transfer>| show::transfer(read.stream, read.version, &read.state, office);
        Ok(pb::ListTransfersResponse {
            transfers: page.items.iter().map(one).collect(),
            next_page_token: page.next_page_token,
        })
    }
}

fn shown(done: &Committed<Transfer>) -> pb::Transfer {
    show::transfer(done.stream, done.version, &done.state, true)
}

#[tonic::async_trait]
impl TransferService for Transfers {
    async fn offer_transfer(&self, request: Request<pb::OfferTransferRequest>) -> Reply<pb::Transfer> {
        reply(self.offer(receive(request)?).await)
    }

    async fn give_opinion(&self, request: Request<pb::GiveOpinionRequest>) -> Reply<pb::Transfer> {
        reply(self.consult(receive(request)?).await)
    }

    async fn accept_transfer(&self, request: Request<pb::AcceptTransferRequest>) -> Reply<pb::Transfer> {
        reply(self.accept(receive(request)?).await)
    }

    async fn object_to_transfer(&self, request: Request<pb::ObjectToTransferRequest>) -> Reply<pb::Transfer> {
        reply(self.object(receive(request)?).await)
    }

    async fn date_transfer(&self, request: Request<pb::DateTransferRequest>) -> Reply<pb::Transfer> {
        reply(self.date(receive(request)?).await)
    }

    async fn withdraw_transfer(&self, request: Request<pb::WithdrawTransferRequest>) -> Reply<pb::Transfer> {
        reply(self.withdraw(receive(request)?).await)
    }

    async fn revoke_entrustment(&self, request: Request<pb::RevokeEntrustmentRequest>) -> Reply<pb::Transfer> {
        reply(self.revoke(receive(request)?).await)
    }

    async fn get_transfer(&self, request: Request<pb::GetTransferRequest>) -> Reply<pb::Transfer> {
        reply(self.get(receive(request)?).await)
    }

    async fn list_transfers(&self, request: Request<pb::ListTransfersRequest>) -> Reply<pb::ListTransfersResponse> {
        reply(self.list(receive(request)?).await)
    }
}
