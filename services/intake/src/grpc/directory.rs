//! `DirectoryService`.

use std::sync::Arc;

use tonic::Request;
use yiwang_kit::{Caller, Fault, Gate, Incoming, Reply, Resource, new_stream_id, receive, reply, wire};
use yiwang_ledger::{
    Aggregate as _, Audiences, Call, Committed, Context, Decision, Kind, Ledger, ListQuery, Read, Refusal, StreamId,
};
use yiwang_proto::catalogue::v1 as pb;
use yiwang_proto::catalogue::v1::directory_service_server::DirectoryService;
use yiwang_standards::item_code::ItemCode;

use super::Target;
use super::catalogue::day;
use crate::application::Actor;
use crate::catalogue::{self as items, Item, ItemFacts, Standing};
use crate::convert::{ask, draft as show, region};
use crate::directory::{self, BasicItem, Level, governs};
use crate::drafting::{self, Draft, Event, Stage, decide};
use crate::limit::legal_date;
use crate::proofs::{self, Proof};
use crate::publishing;

/// The directory and the drafts over their ledger.
#[derive(Clone)]
pub struct Directory {
    ledger: Ledger,
    gate: Gate,
}

fn resource(facts: &ItemFacts) -> Resource<'_> {
    Resource {
        kind: "Item",
        owner: "",
        organisation: &facts.department_code,
        region: &facts.region,
        item: &facts.code,
        status: "",
    }
}

impl Directory {
    /// Over a ledger and the policies.
    pub fn new(ledger: Ledger, gate: Gate) -> Self {
        Self { ledger, gate }
    }

    async fn publish_basic(&self, incoming: Incoming<pb::PublishBasicItemRequest>) -> Result<pb::BasicItem, Fault> {
        let message = &incoming.message;
        self.gate.allow(&incoming.caller, "PublishBasicItem", &Resource { kind: "Item", ..Resource::default() })?;
        let facts = show::basic(message)?;
        let stream = directory::stream(&facts.code);
        let mut call = incoming.call("PublishBasicItem", &stream.to_string(), &message.request_id)?;
        call.expected_version = wire::expected_version(&message.etag)?;
        let rule = move |basic: &BasicItem, _: &Context| directory::decide::publish(basic, &facts);
        let done = self.ledger.execute::<BasicItem>(stream, call, rule).await.map_err(wire::contract_word)?;
        Ok(show::basic_item(done.version, &done.state, done.at))
    }

    async fn cancel_basic(&self, incoming: Incoming<pb::CancelBasicItemRequest>) -> Result<pb::BasicItem, Fault> {
        let message = &incoming.message;
        self.gate.allow(&incoming.caller, "CancelBasicItem", &Resource { kind: "Item", ..Resource::default() })?;
        let code = show::basic_code(&message.basic_code)?;
        let successor = message.successor_basic_code.trim().to_owned();
        if !successor.is_empty() {
            let (zh, en) = ("没有这个后续事项", "no such item");
            let refusal = Refusal::field("successor_basic_code", "SUCCESSOR_NOT_FOUND", zh, en);
            let unknown = Refusal { kind: Kind::NotFound, ..refusal };
            match self.basic(&successor).await {
                Ok(_) if successor != code => {}
                Err(away) if away.kind != Kind::NotFound => return Err(away.into()),
                _ => return Err(unknown.into()),
            }
        }
        let cancel = directory::decide::Cancel {
            effective: day("effective_date", &message.effective_date)?,
            reason: ask::text("reason", &message.reason, 1, 500, "FIELD_INVALID")?,
            successor: Some(successor).filter(|code| !code.is_empty()),
        };
        let stream = directory::stream(&code);
        let mut call = incoming.call("CancelBasicItem", &stream.to_string(), &message.request_id)?;
        call.expected_version = wire::expected_version(&message.etag)?;
        let rule = move |basic: &BasicItem, cx: &Context| directory::decide::cancel(basic, &cancel, cx);
        let done = self.ledger.execute::<BasicItem>(stream, call, rule).await.map_err(wire::contract_word)?;
        Ok(show::basic_item(done.version, &done.state, done.at))
    }

    async fn basic(&self, code: &str) -> Result<Read<BasicItem>, Refusal> {
        let read = self.ledger.get::<BasicItem>(directory::stream(code.trim()), &Audiences::all()).await?;
        read.filter(|read| read.state.exists()).ok_or_else(directory::not_found)
    }

    async fn get_basic(&self, incoming: Incoming<pb::GetBasicItemRequest>) -> Result<pb::BasicItem, Fault> {
        self.gate.allow(&incoming.caller, "GetBasicItem", &Resource { kind: "Item", ..Resource::default() })?;
        let read = self.basic(&incoming.message.basic_code).await?;
        Ok(show::basic_item(read.version, &read.state, read.updated_at))
    }

    async fn list_basic(
        &self,
        incoming: Incoming<pb::ListBasicItemsRequest>,
    ) -> Result<pb::ListBasicItemsResponse, Fault> {
        self.gate.allow(&incoming.caller, "ListBasicItems", &Resource { kind: "Item", ..Resource::default() })?;
        let message = &incoming.message;
        let query = ListQuery {
            filters: Vec::new(),
            page_size: wire::page_size(message.page_size)?,
            page_token: message.page_token.clone(),
        };
        let page = self.ledger.list::<BasicItem>(&query, &Audiences::of(["public".to_owned()])).await?;
        let one = |read: &Read<BasicItem>| show::basic_item(read.version, &read.state, read.updated_at);
        Ok(pb::ListBasicItemsResponse {
            basic_items: page.items.iter().map(one).collect(),
            next_page_token: page.next_page_token,
        })
    }

    async fn claim(&self, incoming: Incoming<pb::ClaimItemRequest>) -> Result<pb::ItemDraft, Fault> {
        let message = &incoming.message;
        let code = ItemCode::parse(&message.item_code)
            .map_err(|wrong| Refusal::field("item_code", wrong.reason(), wrong.zh(), wrong.en()))?
            .to_string();
        let asked = ItemFacts {
            department: ask::text("department", &message.department, 1, 100, "FIELD_INVALID")?,
            department_code: ask::text("department_code", &message.department_code, 1, 36, "FIELD_INVALID")?,
            region: region("region_code", &message.region_code)?,
            code: code.clone(),
            ..ItemFacts::default()
        };
        self.gate.allow(&incoming.caller, "ClaimItem", &resource(&asked))?;
        if show::level(message.level())? != Level::of_region(&asked.region) {
            let (zh, en) = ("行使层级与行政区划不符", "the level is not that of the region");
            return Err(Refusal::field("level", "FIELD_INVALID", zh, en).into());
        }
        let basic = self.basic(&message.basic_code).await?.state;
        let item = self.ledger.get::<Item>(items::stream(&code), &Audiences::all()).await?;
        let facts = claimable(&basic, item.map(|read| read.state).as_deref(), asked);
        let call = incoming.call("ClaimItem", &code, &message.request_id)?;
        self.begin(call, facts, &incoming.caller).await
    }

    async fn revise(&self, incoming: Incoming<pb::ReviseItemRequest>) -> Result<pb::ItemDraft, Fault> {
        let message = &incoming.message;
        let code = message.item_code.trim();
        let read = self.ledger.get::<Item>(items::stream(code), &Audiences::all()).await?;
        let item = read.filter(|read| read.state.exists()).ok_or_else(|| items::not_found(code))?.state;
        self.gate.allow(&incoming.caller, "ReviseItem", &resource(&item.facts))?;
        let call = incoming.call("ReviseItem", code, &message.request_id)?;
        self.begin(call, revisable(&item), &incoming.caller).await
    }

    async fn begin(
        &self,
        call: Call,
        facts: Result<ItemFacts, Refusal>,
        caller: &Arc<Caller>,
    ) -> Result<pb::ItemDraft, Fault> {
        let by = ask::acting(caller).actor;
        // what stands in the way is said by the rule: a request that was accepted before is answered as then
        let rule = move |draft: &Draft, _: &Context| decide::begin(draft, facts.as_ref().map_err(Refusal::clone)?, &by);
        let done = self.ledger.create::<Draft>(new_stream_id(), call, rule).await?;
        Ok(show::committed(&done))
    }

    async fn get(&self, incoming: Incoming<pb::GetItemDraftRequest>) -> Result<pb::ItemDraft, Fault> {
        self.gate.allow(&incoming.caller, "GetItemDraft", &Resource { kind: "Item", ..Resource::default() })?;
        let id = StreamId::parse("id", &incoming.message.id)?;
        let read = self.ledger.get::<Draft>(id, &incoming.caller.audiences()).await?;
        Ok(show::read(&read.ok_or_else(drafting::not_found)?))
    }

    async fn list(&self, incoming: Incoming<pb::ListItemDraftsRequest>) -> Result<pb::ListItemDraftsResponse, Fault> {
        let message = &incoming.message;
        self.gate.allow(&incoming.caller, "ListItemDrafts", &Resource { kind: "Item", ..Resource::default() })?;
        let mut filters: Vec<(&'static str, String)> = Vec::new();
        filters.extend(show::stage_tag(message.stage()).map(|stage| ("stage", stage.to_owned())));
        if !message.item_code.is_empty() {
            filters.push(("item", message.item_code.trim().to_owned()));
        }
        let query = ListQuery {
            filters,
            page_size: wire::page_size(message.page_size)?,
            page_token: message.page_token.clone(),
        };
        let page = self.ledger.list::<Draft>(&query, &incoming.caller.audiences()).await?;
        Ok(pb::ListItemDraftsResponse {
            drafts: page.items.iter().map(show::read).collect(),
            next_page_token: page.next_page_token,
        })
    }

    /// A command on a draft: found, seen, allowed, then decided.
    async fn act<T: serde::Serialize>(
        &self,
        incoming: &Incoming<T>,
        rpc: &'static str,
        target: Target<'_>,
        rule: impl Fn(&Draft, &Actor, &Context) -> Decision<Event> + Send + Sync + 'static,
    ) -> Result<Committed<Draft>, Refusal> {
        let id = StreamId::parse("id", target.id)?;
        let mut call = incoming.call(rpc, &id.to_string(), target.request_id)?;
        call.expected_version = wire::expected_version(target.etag)?;
        let (gate, caller) = (self.gate.clone(), incoming.caller.clone());
        let (audiences, by) = (caller.audiences(), ask::acting(&caller).actor);
        let rule = move |draft: &Draft, cx: &Context| {
            if draft.stage == Stage::Absent || !audiences.meets(&draft.tags()) {
                return Err(drafting::not_found());
            }
            gate.allow(&caller, rpc, &resource(&draft.facts))?;
            rule(draft, &by, cx)
        };
        self.ledger.execute::<Draft>(id, call, rule).await.map_err(wire::contract_word)
    }

    async fn save(&self, incoming: Incoming<pb::SaveItemDraftRequest>) -> Result<pb::ItemDraft, Fault> {
        let message = &incoming.message;
        let missing = || Refusal::field("elements", "FIELD_INVALID", "缺少要素", "the elements are needed");
        let elements = show::elements(message.elements.as_ref().ok_or_else(missing)?)?;
        let target = Target { id: &message.id, request_id: &message.request_id, etag: &message.etag };
        let rule = move |draft: &Draft, by: &Actor, _: &Context| decide::save(draft, &elements, by);
        Ok(show::committed(&self.act(&incoming, "SaveItemDraft", target, rule).await?))
    }

    async fn submit(&self, incoming: Incoming<pb::SubmitItemDraftRequest>) -> Result<pb::ItemDraft, Fault> {
        let message = &incoming.message;
        let target = Target { id: &message.id, request_id: &message.request_id, etag: &message.etag };
        let abolished = self.abolished(&incoming.caller, &message.id).await?;
        let rule = move |draft: &Draft, by: &Actor, _: &Context| decide::submit(draft, &abolished, by);
        Ok(show::committed(&self.act(&incoming, "SubmitItemDraft", target, rule).await?))
    }

    async fn examine<T: serde::Serialize>(
        &self,
        incoming: &Incoming<T>,
        rpc: &'static str,
        target: Target<'_>,
        mut say: decide::Say,
    ) -> Result<pb::ItemDraft, Fault> {
        say.opinion = ask::text("opinion", &say.opinion, 1, 1000, "FIELD_INVALID")?;
        let rule = move |draft: &Draft, by: &Actor, _: &Context| decide::examine(draft, &say, by);
        Ok(show::committed(&self.act(incoming, rpc, target, rule).await?))
    }

    async fn review(&self, incoming: Incoming<pb::ReviewItemDraftRequest>) -> Result<pb::ItemDraft, Fault> {
        let message = &incoming.message;
        let target = Target { id: &message.id, request_id: &message.request_id, etag: &message.etag };
        let (passed, opinion) = (message.passed, message.opinion.clone());
        let say = decide::Say { stage: Stage::Review, passed, opinion, risks: Vec::new() };
        self.examine(&incoming, "ReviewItemDraft", target, say).await
    }

    async fn check_legality(&self, incoming: Incoming<pb::CheckItemLegalityRequest>) -> Result<pb::ItemDraft, Fault> {
        let message = &incoming.message;
        let target = Target { id: &message.id, request_id: &message.request_id, etag: &message.etag };
        let (passed, opinion) = (message.passed, message.opinion.clone());
        let say = decide::Say { stage: Stage::Legality, passed, opinion, risks: Vec::new() };
        self.examine(&incoming, "CheckItemLegality", target, say).await
    }

    async fn check_risks(&self, incoming: Incoming<pb::CheckItemRisksRequest>) -> Result<pb::ItemDraft, Fault> {
        let message = &incoming.message;
        let target = Target { id: &message.id, request_id: &message.request_id, etag: &message.etag };
        let (passed, opinion, risks) = (message.passed, message.opinion.clone(), show::risks(&message.risks)?);
        let say = decide::Say { stage: Stage::Risks, passed, opinion, risks };
        self.examine(&incoming, "CheckItemRisks", target, say).await
    }

    async fn publish(&self, incoming: Incoming<pb::PublishItemRequest>) -> Result<pb::ItemDraft, Fault> {
        let message = &incoming.message;
        let id = StreamId::parse("id", &message.id)?;
        let seen = self.ledger.get::<Draft>(id, &incoming.caller.audiences()).await?;
        let seen = seen.ok_or_else(drafting::not_found)?.state;
        let basic = match &seen.facts.basic[..] {
            "" => None,
            code => Some(self.basic(code).await?.state),
        };
        let abolished = proofs::binding(&self.ledger, &seen.facts.region).await?;
        let item = self.ledger.get::<Item>(items::stream(&seen.facts.code), &Audiences::all()).await?;
        let item = item.map(|read| read.state).unwrap_or_default();
        let from = day("from_date", &message.from_date)?;
        let target = Target { id: &message.id, request_id: &message.request_id, etag: &message.etag };
        let rule = move |draft: &Draft, by: &Actor, cx: &Context| {
            items::decide::check_publish(&item, &draft.facts, legal_date(cx.now))?;
            decide::publish(draft, basic.as_deref(), &abolished, from, by, cx)
        };
        let done = self.act(&incoming, "PublishItem", target, rule).await?;
        // The second step; should it fail here, the relay completes it.
        if let Err(refusal) = publishing::complete(&self.ledger, &done.state, done.hash, &incoming.trace).await {
            tracing::warn!(draft = %done.stream, reason = refusal.reason, "publishing is left to the relay");
        }
        Ok(show::committed(&done))
    }

    async fn send_back(&self, incoming: Incoming<pb::ReturnItemDraftRequest>) -> Result<pb::ItemDraft, Fault> {
        let message = &incoming.message;
        let target = Target { id: &message.id, request_id: &message.request_id, etag: &message.etag };
        let say =
            decide::Say { stage: Stage::Ready, passed: false, opinion: message.opinion.clone(), risks: Vec::new() };
        self.examine(&incoming, "ReturnItemDraft", target, say).await
    }

    /// What a draft that the caller sees may not ask for.
    async fn abolished(&self, caller: &Caller, id: &str) -> Result<Vec<proofs::Abolished>, Refusal> {
        let seen = self.ledger.get::<Draft>(StreamId::parse("id", id)?, &caller.audiences()).await?;
        proofs::binding(&self.ledger, &seen.ok_or_else(drafting::not_found)?.state.facts.region).await
    }

    async fn abolish(&self, incoming: Incoming<pb::AbolishProofRequest>) -> Result<pb::AbolishProofResponse, Fault> {
        let message = &incoming.message;
        let abolished = show::proof(message)?;
        let resource = Resource { kind: "Item", region: &abolished.region, ..Resource::default() };
        self.gate.allow(&incoming.caller, "AbolishProof", &resource)?;
        let stream = proofs::stream(&abolished.region, &abolished.name);
        let call = incoming.call("AbolishProof", &stream.to_string(), &message.request_id)?;
        let by = ask::acting(&incoming.caller).actor;
        let rule = move |proof: &Proof, _: &Context| proofs::abolish(proof, &abolished, &by);
        let done = self.ledger.execute::<Proof>(stream, call, rule).await?;
        let listed = &done.state.abolished;
        let asks = |item: &Item| {
            let open = matches!(item.standing, Standing::InForce | Standing::Announced);
            open && governs(&listed.region, &item.facts.region)
                && item.newest().materials.iter().any(|material| listed.is(material))
        };
        let all = items::import::all(&self.ledger).await?;
        let asked_by = all.iter().filter(|read| asks(&read.state)).map(|read| read.state.facts.code.clone());
        Ok(pb::AbolishProofResponse { proof: Some(show::proof_shown(listed)), asked_by: asked_by.take(1000).collect() })
    }

    async fn restore(&self, incoming: Incoming<pb::RestoreProofRequest>) -> Result<pb::AbolishedProof, Fault> {
        let message = &incoming.message;
        let (region, name) = (region("region_code", &message.region_code)?, message.name.trim());
        let resource = Resource { kind: "Item", region: &region, ..Resource::default() };
        self.gate.allow(&incoming.caller, "RestoreProof", &resource)?;
        let reason = ask::text("reason", &message.reason, 1, 500, "FIELD_INVALID")?;
        let stream = proofs::stream(&region, name);
        let call = incoming.call("RestoreProof", &stream.to_string(), &message.request_id)?;
        let by = ask::acting(&incoming.caller).actor;
        let rule = move |proof: &Proof, _: &Context| proofs::restore(proof, &reason, &by);
        let done = self.ledger.execute::<Proof>(stream, call, rule).await?;
        Ok(show::proof_shown(&done.state.abolished))
    }

    async fn list_proofs(
        &self,
        incoming: Incoming<pb::GetAbolishedProofsRequest>,
    ) -> Result<pb::GetAbolishedProofsResponse, Fault> {
        self.gate.allow(&incoming.caller, "GetAbolishedProofs", &Resource { kind: "Item", ..Resource::default() })?;
        let proofs = match incoming.message.region_code.trim() {
            "" => proofs::builtin::all().unwrap_or_default().to_vec(),
            code => proofs::binding(&self.ledger, &region("region_code", code)?).await?,
        };
        Ok(pb::GetAbolishedProofsResponse { proofs: proofs.iter().map(show::proof_shown).collect() })
    }

    async fn abandon(&self, incoming: Incoming<pb::AbandonItemDraftRequest>) -> Result<pb::ItemDraft, Fault> {
        let message = &incoming.message;
        let reason = ask::text("reason", &message.reason, 1, 500, "FIELD_INVALID")?;
        let target = Target { id: &message.id, request_id: &message.request_id, etag: &message.etag };
        let rule = move |draft: &Draft, by: &Actor, _: &Context| decide::abandon(draft, &reason, by);
        Ok(show::committed(&self.act(&incoming, "AbandonItemDraft", target, rule).await?))
    }
}

/// What a draft of a claimed item begins with. An item that was imported before there was a directory is claimed as it stands.
fn claimable(basic: &BasicItem, item: Option<&Item>, asked: ItemFacts) -> Result<ItemFacts, Refusal> {
    directory::decide::check_claim(basic, Level::of_region(&asked.region))?;
    let mut facts = match item.filter(|item| item.exists()) {
        None => asked,
        Some(item) => {
            let another = (&item.facts.department_code, &item.facts.region) != (&asked.department_code, &asked.region);
            if another || item.is_claimed() || matches!(item.standing, Standing::Cancelled(_)) {
                let (zh, en) = ("该实施编码已有事项，不能再认领", "an item of this code was claimed already");
                return Err(Refusal::state("ITEM_ALREADY_CLAIMED", zh, en));
            }
            ItemFacts { department: asked.department, ..item.facts.clone() }
        }
    };
    basic.facts.write_into(&mut facts);
    Ok(facts)
}

/// What a draft of an item's next version begins with.
fn revisable(item: &Item) -> Result<ItemFacts, Refusal> {
    if let Standing::Cancelled(_) = item.standing {
        return Err(Refusal::state("ITEM_NOT_IN_FORCE", "该事项不在用", "the item is not in force"));
    }
    if !item.is_claimed() {
        let (zh, en) = ("该事项尚未认领，请先认领", "the item was not claimed yet: claim it first");
        return Err(Refusal::state("ITEM_NOT_CLAIMED", zh, en));
    }
    Ok(item.newest().clone())
}

#[tonic::async_trait]
impl DirectoryService for Directory {
    async fn publish_basic_item(&self, request: Request<pb::PublishBasicItemRequest>) -> Reply<pb::BasicItem> {
        reply(self.publish_basic(receive(request)?).await)
    }

    async fn cancel_basic_item(&self, request: Request<pb::CancelBasicItemRequest>) -> Reply<pb::BasicItem> {
        reply(self.cancel_basic(receive(request)?).await)
    }

    async fn get_basic_item(&self, request: Request<pb::GetBasicItemRequest>) -> Reply<pb::BasicItem> {
        reply(self.get_basic(receive(request)?).await)
    }

    async fn list_basic_items(&self, request: Request<pb::ListBasicItemsRequest>) -> Reply<pb::ListBasicItemsResponse> {
        reply(self.list_basic(receive(request)?).await)
    }

    async fn claim_item(&self, request: Request<pb::ClaimItemRequest>) -> Reply<pb::ItemDraft> {
        reply(self.claim(receive(request)?).await)
    }

    async fn revise_item(&self, request: Request<pb::ReviseItemRequest>) -> Reply<pb::ItemDraft> {
        reply(self.revise(receive(request)?).await)
    }

    async fn get_item_draft(&self, request: Request<pb::GetItemDraftRequest>) -> Reply<pb::ItemDraft> {
        reply(self.get(receive(request)?).await)
    }

    async fn list_item_drafts(&self, request: Request<pb::ListItemDraftsRequest>) -> Reply<pb::ListItemDraftsResponse> {
        reply(self.list(receive(request)?).await)
    }

    async fn save_item_draft(&self, request: Request<pb::SaveItemDraftRequest>) -> Reply<pb::ItemDraft> {
        reply(self.save(receive(request)?).await)
    }

    async fn submit_item_draft(&self, request: Request<pb::SubmitItemDraftRequest>) -> Reply<pb::ItemDraft> {
        reply(self.submit(receive(request)?).await)
    }

    async fn review_item_draft(&self, request: Request<pb::ReviewItemDraftRequest>) -> Reply<pb::ItemDraft> {
        reply(self.review(receive(request)?).await)
    }

    async fn check_item_legality(&self, request: Request<pb::CheckItemLegalityRequest>) -> Reply<pb::ItemDraft> {
        reply(self.check_legality(receive(request)?).await)
    }

    async fn check_item_risks(&self, request: Request<pb::CheckItemRisksRequest>) -> Reply<pb::ItemDraft> {
        reply(self.check_risks(receive(request)?).await)
    }

    async fn publish_item(&self, request: Request<pb::PublishItemRequest>) -> Reply<pb::ItemDraft> {
        reply(self.publish(receive(request)?).await)
    }

    async fn return_item_draft(&self, request: Request<pb::ReturnItemDraftRequest>) -> Reply<pb::ItemDraft> {
        reply(self.send_back(receive(request)?).await)
    }

    async fn abolish_proof(&self, request: Request<pb::AbolishProofRequest>) -> Reply<pb::AbolishProofResponse> {
        reply(self.abolish(receive(request)?).await)
    }

    async fn restore_proof(&self, request: Request<pb::RestoreProofRequest>) -> Reply<pb::AbolishedProof> {
        reply(self.restore(receive(request)?).await)
    }

    async fn get_abolished_proofs(
        &self,
        request: Request<pb::GetAbolishedProofsRequest>,
    ) -> Reply<pb::GetAbolishedProofsResponse> {
        reply(self.list_proofs(receive(request)?).await)
    }

    async fn abandon_item_draft(&self, request: Request<pb::AbandonItemDraftRequest>) -> Reply<pb::ItemDraft> {
        reply(self.abandon(receive(request)?).await)
    }
}
