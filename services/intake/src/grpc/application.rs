//! `IntakeService`.

use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Status, Streaming};
use yiwang_kit::{Caller, Fault, Incoming, Reply, Resource, new_stream_id, receive, reply, wire};
use yiwang_ledger::{Context, ListQuery, Personal, Refusal};
use yiwang_proto::catalogue::v1::Checklist;
use yiwang_proto::intake::v1 as pb;
use yiwang_proto::intake::v1::intake_service_server::IntakeService;

use super::{Intake, Target, reader};
use crate::application::decide::{self, Acting};
use crate::application::{Application, ItemPin, Phase};
use crate::assigning;
use crate::catalogue::ItemFacts;
use crate::convert::application as show;
use crate::convert::ask::{self, Sealing};
use crate::convert::{item, standard as checklists};
use crate::elsewhere::Elsewhere;
use crate::form;
use crate::limit::legal_date;
use crate::numbering;
use crate::standard::Said;

impl Intake {
    async fn create(&self, incoming: Incoming<pb::CreateApplicationRequest>) -> Result<pb::Application, Fault> {
        let (caller, message) = (incoming.caller.clone(), &incoming.message);
        let found =
            self.item_now(&caller, &ask::text("item_code", &message.item_code, 1, 100, "FIELD_INVALID")?).await?;
        let (stream, staff) = (new_stream_id(), caller.is_staff());
        // at the window nobody's data are given before the applicant is named; the application is a subject of its own
        let own = || self.ledger.vault().lookup("application", &stream.to_string());
        let owner_subject = caller.subject.clone().filter(|_| !staff).unwrap_or_else(own);
        let sealing = Sealing { vault: self.ledger.vault(), fallback: &owner_subject, now: self.ledger.host().now() };
        let applicant = message.applicant.as_ref().map(|party| sealing.applicant(party)).transpose()?.flatten();
        let agent = message.agent.as_ref().map(|party| sealing.agent(party)).transpose()?.flatten();
        let form = message.form.as_ref().map(|form| ask::form(&owner_subject, form)).transpose()?;
        let elsewhere = received_elsewhere(&caller, &found.state.facts)?;
        let create = decide::Create {
            elsewhere,
            item: item::pin(&found, legal_date(self.ledger.host().now())),
            owner_subject: owner_subject.clone(),
            channel: ask::channel(message.channel(), staff),
            applicant,
            agent,
            form,
            joint: None,
        };
        let named = create.applicant.as_ref().filter(|party| party.is_identified()).map(|party| &party.subject);
        let acting = self.acting_for(&caller, "CreateApplication", Some((stream, &create.item)), named, None).await?;
        let call = incoming.call("CreateApplication", "", &message.request_id)?;
        let (gate, item, by) = (self.gate.clone(), found.state.clone(), caller.clone());
        let rule = move |app: &Application, cx: &Context| {
            let facts = &item.facts;
            let new = Resource {
                kind: "Application",
                owner: if staff { "" } else { owner_subject.as_str() },
                organisation: create.item.handler(),
                region: create.elsewhere.as_ref().map_or(&facts.region, |elsewhere| &elsewhere.region),
                item: &facts.code,
                status: "DRAFT",
            };
            gate.allow(&by, "CreateApplication", &new)?;
            decide::create(app, &item, &create, &acting, cx)
        };
        let done = self.ledger.create::<Application>(stream, call, rule).await.map_err(wire::contract_word)?;
        for engagement in done.state.helpers.keys() {
            // the relay `agents` completes what does not come about here
            if let Err(refusal) = assigning::link(&self.ledger, *engagement, done.stream, &incoming.trace).await {
                tracing::warn!(application = %done.stream, reason = refusal.reason, "linking is left to the relay");
            }
        }
        Ok(self.shown(&caller, &done))
    }

    async fn update(&self, incoming: Incoming<pb::UpdateApplicationRequest>) -> Result<pb::Application, Fault> {
        let message = &incoming.message;
        let seen = self.seen(&incoming.caller, &message.id).await?;
        let [applicant, agent, form] = ask::mask(message)?;
        let fallback = &seen.state.owner_subject;
        let sealing = Sealing { vault: self.ledger.vault(), fallback, now: self.ledger.host().now() };
        let party = message.applicant.as_ref().map(|party| sealing.applicant(party)).transpose()?.flatten();
        let applicant = ask::change(applicant, party);
        let party = message.agent.as_ref().map(|party| sealing.agent(party)).transpose()?.flatten();
        let agent = ask::change(agent, party);
        let form = ask::change(form, message.form.as_ref().map(|form| ask::form(fallback, form)).transpose()?);
        let update = decide::Update { applicant, agent, form, joint: false, unseen: message.etag.is_empty() };
        let pinned = self.pinned(&seen.state.item).await?;
        let target = Target { id: &message.id, request_id: &message.request_id, etag: &message.etag };
        let rule =
            move |app: &Application, by: &Acting, cx: &Context| decide::update(app, &pinned.facts, &update, by, cx);
        let done = self.act(&incoming, "UpdateApplication", target, rule).await?;
        Ok(self.shown(&incoming.caller, &done))
    }

    pub(super) async fn get(&self, incoming: Incoming<pb::GetApplicationRequest>) -> Result<pb::Application, Fault> {
        let caller = &incoming.caller;
        self.gate.allow(caller, "GetApplication", &Resource { kind: "Application", ..Resource::default() })?;
        let read = self.seen(caller, &incoming.message.id).await?;
        self.leave_trace(&incoming, "GetApplication", read.stream).await?;
        let mut shown = show::application(read.stream, read.version, &read.state, read.updated_at, reader(caller));
        let receives = receives(caller, &read.state);
        if receives && !handles(caller, &read.state.item) {
            // 异地代收: what was received there, and not what the platform holds elsewhere
            shown.fetched_materials.clear();
            let sourced = std::mem::take(&mut shown.sourced_fields);
            if let Some(form) = &mut shown.form {
                sourced.iter().filter(|one| one.agrees).for_each(|one| drop(form.fields.remove(&one.field)));
            }
        }
        if !sees_in_full(caller, &read.state) {
            // 最小必要: who watches and does not handle it sees the form's personal fields masked
            let pinned = self.pinned(&read.state.item).await?;
            let text = read.state.form.as_ref().and_then(Personal::get);
            shown.form = text.and_then(|text| serde_json::from_str(&form::masked(text, &pinned.facts)).ok());
            shown.sourced_fields.clear();
            for party in [&mut shown.applicant, &mut shown.agent].into_iter().flatten() {
                show::mask_party(party);
            }
        }
        Ok(shown)
    }

    async fn list(
        &self,
        incoming: Incoming<pb::ListApplicationsRequest>,
    ) -> Result<pb::ListApplicationsResponse, Fault> {
        let (caller, message) = (&incoming.caller, &incoming.message);
        self.gate.allow(caller, "ListApplications", &Resource { kind: "Application", ..Resource::default() })?;
        let mut filters: Vec<(&'static str, String)> = Vec::new();
        filters.extend(ask::phase_tag(message.phase()).map(|phase| ("phase", phase.to_owned())));
        if !message.item_code.is_empty() {
            filters.push(("item", message.item_code.clone()));
        }
        let query = ListQuery {
            filters,
            page_size: wire::page_size(message.page_size)?,
            page_token: message.page_token.clone(),
        };
        // what an applicant may see is theirs already; an account of staff owns none, whoever they are begun for
        if message.mine && caller.is_staff() {
            return Ok(pb::ListApplicationsResponse::default());
        }
        let page = self.ledger.list::<Application>(&query, &caller.audiences()).await?;
        let applications =
            page.items.iter().map(|read| show::summary(read.stream, &read.state, read.updated_at)).collect();
        Ok(pb::ListApplicationsResponse { applications, next_page_token: page.next_page_token })
    }

    async fn remove(&self, incoming: Incoming<pb::RemoveAttachmentRequest>) -> Result<pb::Application, Fault> {
        let message = &incoming.message;
        let seen = self.seen(&incoming.caller, &message.id).await?;
        let pinned = self.pinned(&seen.state.item).await?;
        let target = Target { id: &message.id, request_id: &message.request_id, etag: &message.etag };
        let id = message.attachment_id.clone();
        let rule = move |app: &Application, by: &Acting, cx: &Context| {
            decide::remove_attachment(app, &pinned.facts, &id, by, cx)
        };
        // the entry is the truth; the relay `files` takes the bytes away
        let done = self.act(&incoming, "RemoveAttachment", target, rule).await?;
        Ok(self.shown(&incoming.caller, &done))
    }

    async fn submit(&self, incoming: Incoming<pb::SubmitApplicationRequest>) -> Result<pb::Application, Fault> {
        let message = &incoming.message;
        let seen = self.seen(&incoming.caller, &message.id).await?;
        let (now, pinned) =
            (self.item_now(&incoming.caller, &seen.state.item.code).await?.state, self.pinned(&seen.state.item).await?);
        let (bars, bars_of) = self.bars_of(&seen.state).await?;
        let handing = decide::Handing {
            sign_promise: message.sign_promise,
            sign_deferral: message.sign_deferral,
            bars,
            bars_of: Some(bars_of),
            note: None,
            consents: message.consent_sensitive,
            others: self.others(&seen, &pinned.facts).await?,
            on_the_way: seen.state.elsewhere.is_some() && self.on_the_way_out(seen.stream).await?,
            joint: false,
        };
        let facts = pinned.clone();
        let target = Target { id: &message.id, request_id: &message.request_id, etag: &message.etag };
        let rule = move |app: &Application, by: &Acting, cx: &Context| {
            decide::submit(app, &now, &facts.facts, &handing, by, cx)
        };
        let done = self.act(&incoming, "SubmitApplication", target, rule).await?;
        let done = self.documented(done, &pinned.facts, &incoming.trace).await;
        Ok(self.shown(&incoming.caller, &done))
    }

    pub(super) async fn checklist(&self, incoming: Incoming<pb::GetChecklistRequest>) -> Result<Checklist, Fault> {
        let caller = &incoming.caller;
        self.gate.allow(caller, "GetChecklist", &Resource { kind: "Application", ..Resource::default() })?;
        let seen = self.seen(caller, &incoming.message.id).await?;
        let pinned = self.pinned(&seen.state.item).await?;
        Ok(checklists::checklist(&pinned.facts, &Said::by(&seen.state), Some(&seen.state), caller.is_staff()))
    }

    async fn look(&self, incoming: Incoming<pb::RecordChecksRequest>) -> Result<pb::Application, Fault> {
        let message = &incoming.message;
        if message.checks.is_empty() || message.checks.len() > 50 {
            return Err(Refusal::field("checks", "FIELD_INVALID", "应有1至50个要点", "1 to 50 checks").into());
        }
        let checks: Vec<_> = message.checks.iter().map(|one| (one.check_code.trim().to_owned(), one.met)).collect();
        let seen = self.seen(&incoming.caller, &message.id).await?;
        let pinned = self.pinned(&seen.state.item).await?;
        let target = Target { id: &message.id, request_id: &message.request_id, etag: &message.etag };
        let rule = move |app: &Application, by: &Acting, cx: &Context| {
            decide::record_checks(app, &pinned.facts, &checks, by, cx)
        };
        let done = self.act(&incoming, "RecordChecks", target, rule).await?;
        Ok(self.shown(&incoming.caller, &done))
    }

    async fn prefill(&self, incoming: Incoming<pb::PrefillFormRequest>) -> Result<pb::Application, Fault> {
        let message = &incoming.message;
        let seen = self.seen(&incoming.caller, &message.id).await?;
        let pinned = self.pinned(&seen.state.item).await?;
        let target = Target { id: &message.id, request_id: &message.request_id, etag: &message.etag };
        let rule = move |app: &Application, by: &Acting, cx: &Context| decide::prefill(app, &pinned.facts, by, cx);
        let done = self.act(&incoming, "PrefillForm", target, rule).await?;
        Ok(self.shown(&incoming.caller, &done))
    }

    async fn correct(&self, incoming: Incoming<pb::RequestCorrectionRequest>) -> Result<pb::Application, Fault> {
        let message = &incoming.message;
        let seen = self.seen(&incoming.caller, &message.id).await?;
        let pinned = self.pinned(&seen.state.item).await?;
        let points = ask::points(seen.state.data_subject(), &message.points)?;
        let request = decide::RequestCorrection { points };
        let facts = pinned.clone();
        let target = Target { id: &message.id, request_id: &message.request_id, etag: &message.etag };
        let rule = move |app: &Application, by: &Acting, cx: &Context| {
            decide::request_correction(app, &facts.facts, &request, by, cx)
        };
        let done = self.act(&incoming, "RequestCorrection", target, rule).await?;
        let done = self.documented(done, &pinned.facts, &incoming.trace).await;
        Ok(self.shown(&incoming.caller, &done))
    }

    async fn resubmit(&self, incoming: Incoming<pb::ResubmitApplicationRequest>) -> Result<pb::Application, Fault> {
        let message = &incoming.message;
        let seen = self.seen(&incoming.caller, &message.id).await?;
        let pinned = self.pinned(&seen.state.item).await?;
        let note = ask::remark(seen.state.data_subject(), "note", &message.note)?;
        let handing = decide::Handing { note, consents: message.consent_sensitive, ..Default::default() };
        let facts = pinned.clone();
        let target = Target { id: &message.id, request_id: &message.request_id, etag: &message.etag };
        let rule =
            move |app: &Application, by: &Acting, cx: &Context| decide::resubmit(app, &facts.facts, &handing, by, cx);
        let done = self.act(&incoming, "ResubmitApplication", target, rule).await?;
        let done = self.documented(done, &pinned.facts, &incoming.trace).await;
        Ok(self.shown(&incoming.caller, &done))
    }

    pub(super) async fn accept(
        &self,
        incoming: Incoming<pb::AcceptApplicationRequest>,
    ) -> Result<pb::Application, Fault> {
        let message = &incoming.message;
        let seen = self.seen(&incoming.caller, &message.id).await?;
        let (now, pinned) =
            (self.item_now(&incoming.caller, &seen.state.item.code).await?.state, self.pinned(&seen.state.item).await?);
        let note = ask::remark(seen.state.data_subject(), "note", &message.note)?;
        let (bars, bars_of) = self.bars_of(&seen.state).await?;
        let accept = decide::Accept {
            note,
            deferral_signed: message.deferral_signed,
            bars,
            bars_of: Some(bars_of),
            others: self.others(&seen, &pinned.facts).await?,
            double_reason: ask::remark(seen.state.data_subject(), "double_entry_reason", &message.double_entry_reason)?,
        };
        let facts = pinned.clone();
        let target = Target { id: &message.id, request_id: &message.request_id, etag: &message.etag };
        let rule = move |app: &Application, by: &Acting, cx: &Context| {
            decide::accept(app, &now, &facts.facts, &accept, by, cx)
        };
        let mut done = self.act(&incoming, "AcceptApplication", target, rule).await?;
        let (accepted, _hand) = (done.hash, self.ledger.in_hand(done.stream));
        if done.state.case_number.is_none() {
            // 容缺受理告知书 is handed out with the acceptance
            done = self.documented(done, &pinned.facts, &incoming.trace).await;
        }
        // The second step; should it fail here, the relay completes it, and the answer shows what is so far.
        let Some(ask) = numbering::ask(done.stream, &done.state) else {
            return Ok(self.shown(&incoming.caller, &done));
        };
        match numbering::complete(&self.ledger, ask, accepted, &incoming.trace).await {
            Ok(numbered) => {
                let documented = self.documented(numbered, &pinned.facts, &incoming.trace).await;
                Ok(self.shown(&incoming.caller, &documented))
            }
            Err(refusal) => {
                tracing::warn!(application = %done.stream, reason = refusal.reason, "numbering is left to the relay");
                Ok(self.shown(&incoming.caller, &done))
            }
        }
    }

    async fn refuse(&self, incoming: Incoming<pb::RefuseApplicationRequest>) -> Result<pb::Application, Fault> {
        let message = &incoming.message;
        let seen = self.seen(&incoming.caller, &message.id).await?;
        let reason = ask::text("reason", &message.reason, 1, 1000, "REASON_MISSING")?;
        let refuse = decide::Refuse {
            ground: ask::ground(message.ground(), &seen.state.item.rules)?,
            reason: Personal::new(seen.state.data_subject(), "refusal.reason", reason),
            competent_organ: ask::text("competent_organ", &message.competent_organ, 0, 100, "FIELD_INVALID")?,
        };
        let target = Target { id: &message.id, request_id: &message.request_id, etag: &message.etag };
        let pinned = self.pinned(&seen.state.item).await?;
        let facts = pinned.clone();
        let rule =
            move |app: &Application, by: &Acting, cx: &Context| decide::refuse(app, &facts.facts, &refuse, by, cx);
        let done = self.act(&incoming, "RefuseApplication", target, rule).await?;
        let done = self.documented(done, &pinned.facts, &incoming.trace).await;
        Ok(self.shown(&incoming.caller, &done))
    }

    async fn withdraw(&self, incoming: Incoming<pb::WithdrawApplicationRequest>) -> Result<pb::Application, Fault> {
        let message = &incoming.message;
        let seen = self.seen(&incoming.caller, &message.id).await?;
        let reason = ask::remark(seen.state.data_subject(), "reason", &message.reason)?;
        let withdraw = decide::Withdraw { reason, joint: false };
        let target = Target { id: &message.id, request_id: &message.request_id, etag: &message.etag };
        let rule = move |app: &Application, by: &Acting, cx: &Context| decide::withdraw(app, &withdraw, by, cx);
        let done = self.act(&incoming, "WithdrawApplication", target, rule).await?;
        Ok(self.shown(&incoming.caller, &done))
    }
}

/// Whether a member of staff handles applications for an item: at the window of its region, or in its organ.
pub(super) fn handles(caller: &Caller, pin: &ItemPin) -> bool {
    let own = |code: &str| caller.organisations.iter().any(|organ| organ == code);
    let office = ["clerk", "reviewer", "approver"].iter().any(|role| caller.has_role(role));
    (caller.has_role("clerk") && caller.region == pin.region)
        || (office && (own(&pin.organisation) || own(pin.handler())))
}

/// 最小必要: parties, whoever handles or receives it, and the agent who helps with it; who merely watches sees it masked.
pub(super) fn sees_in_full(caller: &Caller, app: &Application) -> bool {
    let helps = app.helpers.values().any(|account| *account == caller.id);
    !caller.is_staff() || helps || receives(caller, app) || handles(caller, &app.item)
}

/// 异地代收: whether a clerk's region received it and it is not accepted yet.
fn receives(caller: &Caller, app: &Application) -> bool {
    let before = matches!(app.phase, Phase::Draft | Phase::Submitted { .. } | Phase::CorrectionRequested);
    before && caller.has_role("clerk") && app.elsewhere.as_ref().is_some_and(|there| there.region == caller.region)
}

/// 异地代收: a clerk of another region receives what is open there; none where she serves the item's own.
///
/// # Errors
/// `NOT_RECEIVED_HERE`.
fn received_elsewhere(caller: &Caller, facts: &ItemFacts) -> Result<Option<Elsewhere>, Refusal> {
    if !caller.is_staff() || !caller.has_role("clerk") || caller.region == facts.region {
        return Ok(None);
    }
    if !facts.details.handling.received_in(&caller.region, &facts.region, &facts.details.scopes) {
        let (zh, en) = (
            format!("该事项未在本地区开通异地代收，请引导申请人网上办理或者到{}办理", facts.department),
            "the item is not received here for its organ: it is applied for online, or where it belongs".to_owned(),
        );
        return Err(Refusal::state("NOT_RECEIVED_HERE", zh, en).with("region_code", facts.region.clone()));
    }
    Ok(Some(Elsewhere {
        region: caller.region.clone(),
        organisation: caller.organisations.first().cloned().unwrap_or_default(),
        rules: crate::rules::elsewhere(),
        waiting: false,
        arrived: None,
    }))
}

#[tonic::async_trait]
impl IntakeService for Intake {
    async fn get_checklist(&self, request: Request<pb::GetChecklistRequest>) -> Reply<Checklist> {
        reply(self.checklist(receive(request)?).await)
    }

    async fn record_checks(&self, request: Request<pb::RecordChecksRequest>) -> Reply<pb::Application> {
        reply(self.look(receive(request)?).await)
    }

    async fn fetch_materials(&self, request: Request<pb::FetchMaterialsRequest>) -> Reply<pb::Application> {
        reply(self.fetch(receive(request)?).await)
    }

    async fn dispute_fetched(&self, request: Request<pb::DisputeFetchedRequest>) -> Reply<pb::Application> {
        reply(self.dispute(receive(request)?).await)
    }

    async fn save_fields(&self, request: Request<pb::SaveFieldsRequest>) -> Reply<pb::Application> {
        reply(self.save(receive(request)?).await)
    }

    async fn offer_take_up(&self, request: Request<pb::OfferTakeUpRequest>) -> Reply<pb::TakeUpOffer> {
        reply(self.offer(receive(request)?).await)
    }

    async fn take_up_draft(&self, request: Request<pb::TakeUpDraftRequest>) -> Reply<pb::Application> {
        reply(self.take_up(receive(request)?).await)
    }

    async fn prefill_form(&self, request: Request<pb::PrefillFormRequest>) -> Reply<pb::Application> {
        reply(self.prefill(receive(request)?).await)
    }

    async fn create_application(&self, request: Request<pb::CreateApplicationRequest>) -> Reply<pb::Application> {
        reply(self.create(receive(request)?).await)
    }

    async fn update_application(&self, request: Request<pb::UpdateApplicationRequest>) -> Reply<pb::Application> {
        reply(self.update(receive(request)?).await)
    }

    async fn get_application(&self, request: Request<pb::GetApplicationRequest>) -> Reply<pb::Application> {
        reply(self.get(receive(request)?).await)
    }

    async fn list_applications(
        &self,
        request: Request<pb::ListApplicationsRequest>,
    ) -> Reply<pb::ListApplicationsResponse> {
        reply(self.list(receive(request)?).await)
    }

    async fn upload_attachment(
        &self,
        request: Request<Streaming<pb::UploadAttachmentRequest>>,
    ) -> Reply<pb::Attachment> {
        reply(self.upload(receive(request.map(Some))?).await)
    }

    type DownloadAttachmentStream = ReceiverStream<Result<pb::DownloadAttachmentResponse, Status>>;

    async fn download_attachment(
        &self,
        request: Request<pb::DownloadAttachmentRequest>,
    ) -> Reply<Self::DownloadAttachmentStream> {
        reply(self.download(receive(request)?).await)
    }

    type WatchApplicationStream = ReceiverStream<Result<pb::ApplicationProgress, Status>>;

    async fn watch_application(
        &self,
        request: Request<pb::WatchApplicationRequest>,
    ) -> Reply<Self::WatchApplicationStream> {
        reply(self.watch(receive(request)?).await)
    }

    async fn remove_attachment(&self, request: Request<pb::RemoveAttachmentRequest>) -> Reply<pb::Application> {
        reply(self.remove(receive(request)?).await)
    }

    async fn submit_application(&self, request: Request<pb::SubmitApplicationRequest>) -> Reply<pb::Application> {
        reply(self.submit(receive(request)?).await)
    }

    async fn request_correction(&self, request: Request<pb::RequestCorrectionRequest>) -> Reply<pb::Application> {
        reply(self.correct(receive(request)?).await)
    }

    async fn resubmit_application(&self, request: Request<pb::ResubmitApplicationRequest>) -> Reply<pb::Application> {
        reply(self.resubmit(receive(request)?).await)
    }

    async fn accept_application(&self, request: Request<pb::AcceptApplicationRequest>) -> Reply<pb::Application> {
        reply(self.accept(receive(request)?).await)
    }

    async fn refuse_application(&self, request: Request<pb::RefuseApplicationRequest>) -> Reply<pb::Application> {
        reply(self.refuse(receive(request)?).await)
    }

    async fn record_conclusion(&self, request: Request<pb::RecordConclusionRequest>) -> Reply<pb::Conclusion> {
        reply(self.conclude(receive(request)?).await)
    }

    async fn record_notice(&self, request: Request<pb::RecordNoticeRequest>) -> Reply<pb::CaseNotice> {
        reply(self.notice(receive(request)?).await)
    }

    async fn withdraw_application(&self, request: Request<pb::WithdrawApplicationRequest>) -> Reply<pb::Application> {
        reply(self.withdraw(receive(request)?).await)
    }
}
