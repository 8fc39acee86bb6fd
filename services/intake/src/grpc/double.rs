//! `DoubleEntryService`.

use tonic::Request;
use yiwang_kit::{Fault, Incoming, Reply, Resource, new_stream_id, receive, reply, wire};
use yiwang_ledger::{Audiences, Context, ListQuery, Read, Refusal, StreamId};
use yiwang_proto::intake::v1 as pb;
use yiwang_proto::intake::v1::double_entry_service_server::DoubleEntryService;

use super::{Intake, Target, unowned};
use crate::application::decide::{self, Acting};
use crate::application::{self as app, Application, Phase, wrong_phase};
use crate::catalogue::ItemFacts;
use crate::convert::ask;
use crate::convert::double as show;
use crate::double::outside::{self, Found, Outcome, Outside};
use crate::double::{self, Other};
use crate::transfer::Organ;

/// Double entries, and acceptances beside the platform, which the intake service finds and keeps.
#[derive(Clone)]
pub struct DoubleEntries(pub Intake);

impl Intake {
    /// Others in progress for the same matter; none where the item may be applied for several times at one time.
    pub(crate) async fn others(&self, read: &Read<Application>, pinned: &ItemFacts) -> Result<Vec<Other>, Refusal> {
        if !pinned.details.handling.repeat.once(pinned.item_type) {
            return Ok(Vec::new());
        }
        double::others(&self.ledger, read.stream, &read.state).await
    }
}

impl DoubleEntries {
    async fn find(
        &self,
        incoming: Incoming<pb::FindOtherApplicationsRequest>,
    ) -> Result<pb::FindOtherApplicationsResponse, Fault> {
        let caller = &incoming.caller;
        self.0.gate.allow(caller, "FindOtherApplications", &unowned("Application"))?;
        let read = self.0.seen(caller, &incoming.message.id).await?;
        let applicant = read.state.identified_applicant().map(|party| &party.subject);
        if !caller.is_staff() && applicant != caller.subject.as_ref() {
            return Err(app::not_found().into());
        }
        if read.state.receipt.is_none() {
            // nobody learns what another has under way by writing their name into a draft
            return Err(wrong_phase(&Phase::Draft, "查询在办的同一事项", "looked for others of").into());
        }
        self.0.leave_trace(&incoming, "FindOtherApplications", read.stream).await?;
        let pinned = self.0.pinned(&read.state.item).await?;
        let mut others = Vec::new();
        for one in self.0.others(&read, &pinned.facts).await? {
            let readable = self.0.ledger.get::<Application>(one.application, &caller.audiences()).await?.is_some();
            others.push(show::other(&one, readable));
        }
        Ok(pb::FindOtherApplicationsResponse { others })
    }

    async fn join(&self, incoming: Incoming<pb::JoinApplicationRequest>) -> Result<pb::Application, Fault> {
        let message = &incoming.message;
        let seen = self.0.seen(&incoming.caller, &message.id).await?;
        let pinned = self.0.pinned(&seen.state.item).await?;
        let number = ask::text("other_number", &message.other_number, 1, 100, "FIELD_INVALID")?;
        let note = show::note(&seen.state, &message.note)?;
        let into = self.0.others(&seen, &pinned.facts).await?.into_iter().find(|other| other.number == number);
        let target = Target { id: &message.id, request_id: &message.request_id, etag: &message.etag };
        let rule = move |app: &Application, by: &Acting, cx: &Context| {
            decide::join(app, &pinned.facts, into.as_ref(), note.as_ref(), by, cx)
        };
        let done = self.0.act(&incoming, "JoinApplication", target, rule).await?;
        Ok(self.0.shown(&incoming.caller, &done))
    }

    async fn list(
        &self,
        incoming: Incoming<pb::ListDoubleEntriesRequest>,
    ) -> Result<pb::ListDoubleEntriesResponse, Fault> {
        let (caller, message) = (&incoming.caller, &incoming.message);
        let own = Resource { region: &caller.region, ..unowned("Application") };
        self.0.gate.allow(caller, "ListDoubleEntries", &own)?;
        let query = ListQuery {
            filters: vec![("double", show::cause_tag(message.cause()).to_owned())],
            page_size: wire::page_size(message.page_size)?,
            page_token: message.page_token.clone(),
        };
        let page = self.0.ledger.list::<Application>(&query, &caller.audiences()).await?;
        Ok(pb::ListDoubleEntriesResponse {
            entries: page.items.iter().map(show::entry).collect(),
            next_page_token: page.next_page_token,
        })
    }

    async fn record(
        &self,
        incoming: Incoming<pb::RecordOutsideAcceptanceRequest>,
    ) -> Result<pb::OutsideAcceptance, Fault> {
        let (caller, message) = (&incoming.caller, &incoming.message);
        let code = ask::text("item_code", &message.item_code, 1, 100, "FIELD_INVALID")?;
        let item = self.0.item_now(caller, &code).await?;
        let facts = &item.state.facts;
        let found = Found {
            item: facts.code.clone(),
            item_name: facts.name.clone(),
            organ: Organ {
                name: facts.department.clone(),
                code: facts.department_code.clone(),
                region: facts.region.clone(),
            },
            ..show::found(message)?
        };
        let about = Resource {
            organisation: &found.organ.code,
            region: &found.organ.region,
            item: &found.item,
            ..unowned("Application")
        };
        self.0.gate.allow(caller, "RecordOutsideAcceptance", &about)?;
        let call = incoming.call("RecordOutsideAcceptance", "", &message.request_id)?;
        let by = ask::acting(caller).actor;
        let rule = move |outside: &Outside, cx: &Context| outside::record(outside, &found, &by, cx);
        let done = self.0.ledger.create::<Outside>(new_stream_id(), call, rule).await.map_err(wire::contract_word)?;
        Ok(show::outside(done.stream, done.version, &done.state))
    }

    /// The application in which a matter was brought in: handed in, for the item that the finding is about.
    async fn brought_in(&self, found: &Found, outcome: &Outcome) -> Result<(), Refusal> {
        let Outcome::BroughtIn { application } = outcome else { return Ok(()) };
        let read = self.0.ledger.get::<Application>(*application, &Audiences::all()).await?;
        let there = read.filter(|read| read.state.receipt.is_some()).ok_or_else(app::not_found)?;
        if there.state.item.code == found.item {
            return Ok(());
        }
        let (zh, en) = ("该申请不是同一事项", "the application is for another item");
        Err(Refusal::field("application_id", "NOT_THE_SAME_MATTER", zh, en))
    }

    async fn outside_seen(&self, caller: &yiwang_kit::Caller, id: &str) -> Result<Read<Outside>, Refusal> {
        let id = StreamId::parse("id", id)?;
        self.0.ledger.get::<Outside>(id, &caller.audiences()).await?.ok_or_else(outside::not_found)
    }

    async fn settle(
        &self,
        incoming: Incoming<pb::SettleOutsideAcceptanceRequest>,
    ) -> Result<pb::OutsideAcceptance, Fault> {
        let (caller, message) = (&incoming.caller, &incoming.message);
        let read = self.outside_seen(caller, &message.id).await?;
        let found = read.state.found.clone().unwrap_or_default();
        let about = Resource {
            organisation: &found.organ.code,
            region: &found.organ.region,
            item: &found.item,
            ..unowned("Application")
        };
        self.0.gate.allow(caller, "SettleOutsideAcceptance", &about)?;
        let (outcome, text) = (show::outcome(message)?, ask::text("text", &message.text, 1, 500, "FIELD_INVALID")?);
        self.brought_in(&found, &outcome).await?;
        let mut call = incoming.call("SettleOutsideAcceptance", &read.stream.to_string(), &message.request_id)?;
        call.expected_version = wire::expected_version(&message.etag)?;
        let by = ask::acting(caller).actor;
        let rule = move |outside: &Outside, _: &Context| outside::settle(outside, &outcome, &text, &by);
        let done = self.0.ledger.execute::<Outside>(read.stream, call, rule).await.map_err(wire::contract_word)?;
        Ok(show::outside(done.stream, done.version, &done.state))
    }

    async fn get(&self, incoming: Incoming<pb::GetOutsideAcceptanceRequest>) -> Result<pb::OutsideAcceptance, Fault> {
        let caller = &incoming.caller;
        self.0.gate.allow(caller, "GetOutsideAcceptance", &unowned("Application"))?;
        let read = self.outside_seen(caller, &incoming.message.id).await?;
        Ok(show::outside(read.stream, read.version, &read.state))
    }

    async fn list_outside(
        &self,
        incoming: Incoming<pb::ListOutsideAcceptancesRequest>,
    ) -> Result<pb::ListOutsideAcceptancesResponse, Fault> {
        let (caller, message) = (&incoming.caller, &incoming.message);
        self.0.gate.allow(caller, "ListOutsideAcceptances", &unowned("Application"))?;
        let stage = show::stage_tag(message.stage()).map(|stage| ("stage", stage.to_owned()));
        let query = ListQuery {
            filters: stage.into_iter().collect(),
            page_size: wire::page_size(message.page_size)?,
            page_token: message.page_token.clone(),
        };
        let page = self.0.ledger.list::<Outside>(&query, &caller.audiences()).await?;
        let one = |read: &Read<Outside>| show::outside(read.stream, read.version, &read.state);
        Ok(pb::ListOutsideAcceptancesResponse {
            acceptances: page.items.iter().map(one).collect(),
            next_page_token: page.next_page_token,
        })
    }
}

#[tonic::async_trait]
impl DoubleEntryService for DoubleEntries {
    async fn find_other_applications(
        &self,
        request: Request<pb::FindOtherApplicationsRequest>,
    ) -> Reply<pb::FindOtherApplicationsResponse> {
        reply(self.find(receive(request)?).await)
    }

    async fn join_application(&self, request: Request<pb::JoinApplicationRequest>) -> Reply<pb::Application> {
        reply(self.join(receive(request)?).await)
    }

    async fn list_double_entries(
        &self,
        request: Request<pb::ListDoubleEntriesRequest>,
    ) -> Reply<pb::ListDoubleEntriesResponse> {
        reply(self.list(receive(request)?).await)
    }

    async fn record_outside_acceptance(
        &self,
        request: Request<pb::RecordOutsideAcceptanceRequest>,
    ) -> Reply<pb::OutsideAcceptance> {
        reply(self.record(receive(request)?).await)
    }

    async fn settle_outside_acceptance(
        &self,
        request: Request<pb::SettleOutsideAcceptanceRequest>,
    ) -> Reply<pb::OutsideAcceptance> {
        reply(self.settle(receive(request)?).await)
    }

    async fn get_outside_acceptance(
        &self,
        request: Request<pb::GetOutsideAcceptanceRequest>,
    ) -> Reply<pb::OutsideAcceptance> {
        reply(self.get(receive(request)?).await)
    }

    async fn list_outside_acceptances(
        &self,
        request: Request<pb::ListOutsideAcceptancesRequest>,
    ) -> Reply<pb::ListOutsideAcceptancesResponse> {
        reply(self.list_outside(receive(request)?).await)
    }
}
