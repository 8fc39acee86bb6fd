//! `JointService`.

use std::sync::Arc;

use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Status};
use yiwang_kit::watching::Looked;
use yiwang_kit::{Caller, Fault, Incoming, Reply, Resource, new_stream_id, receive, reply, wire};
use yiwang_ledger::{Aggregate as _, Audiences, Committed, Context, Decision, ListQuery, Read, Refusal, StreamId};
use yiwang_proto::intake::v1 as pb;
use yiwang_proto::intake::v1::joint_service_server::JointService;

use super::{Intake, Target, unowned};
use crate::application::Application;
use crate::application::decide::{Acting, Handing};
use crate::catalogue::{self as items, Item};
use crate::convert::ask::{self, Sealing};
use crate::convert::joint::{self as show, Depth};
use crate::convert::{count, item};
use crate::joint::decide::{self, Create, Part, Submit};
use crate::joint::{self, Event, Joint, Member, Mended, Phase, Standing, ThemePin, Whose, carrying, part};
use crate::limit::legal_date;
use crate::mandate::Mandate;
use crate::theme::decide::Items;
use crate::theme::{self, Theme};

/// The joint applications, which the intake service keeps.
#[derive(Clone)]
pub struct Joints(pub Intake);

type LookedUp = (Arc<Vec<Part>>, Vec<(StreamId, Mandate)>, Result<(), Refusal>);

fn resource<'a>(joint: &'a Joint, caller: &'a Caller) -> Resource<'a> {
    let own = caller.subject.as_ref().filter(|subject| joint.is_party(subject));
    let owner = own.or(joint.whose.as_ref().map(|whose| &whose.applicant.subject));
    Resource {
        kind: "Application",
        owner: owner.map(|subject| subject.as_str()).unwrap_or_default(),
        organisation: &joint.theme.lead_code,
        region: &joint.theme.region,
        item: &joint.theme.code,
        status: joint.phase.name(),
    }
}

/// Parties, and the window of its region, see all of it.
fn depth(joint: &Joint, caller: &Caller) -> Depth {
    let window = caller.has_role("clerk") && caller.region == joint.theme.region;
    let party = caller.subject.as_ref().is_some_and(|subject| joint.is_party(subject));
    if window || (party && !caller.is_staff()) { Depth::Full } else { Depth::Masked }
}

impl Joints {
    async fn seen(&self, caller: &Caller, id: &str) -> Result<Read<Joint>, Refusal> {
        let id = StreamId::parse("id", id)?;
        self.0.ledger.get::<Joint>(id, &caller.audiences()).await?.ok_or_else(joint::not_found)
    }

    async fn act<T: serde::Serialize>(
        &self,
        incoming: &Incoming<T>,
        rpc: &'static str,
        target: Target<'_>,
        rule: impl Fn(&Joint, &Acting, &Context) -> Decision<Event> + Send + Sync + 'static,
    ) -> Result<Committed<Joint>, Refusal> {
        let id = StreamId::parse("id", target.id)?;
        let mut call = incoming.call(rpc, &id.to_string(), target.request_id)?;
        call.expected_version = wire::expected_version(target.etag)?;
        let (gate, caller) = (self.0.gate.clone(), incoming.caller.clone());
        let (audiences, acting) = (caller.audiences(), ask::acting(&caller));
        let rule = move |joint: &Joint, cx: &Context| {
            if !joint.exists() || !audiences.meets(&joint.tags()) {
                return Err(joint::not_found());
            }
            gate.allow(&caller, rpc, &resource(joint, &caller))?;
            rule(joint, &acting, cx)
        };
        self.0.ledger.execute::<Joint>(id, call, rule).await.map_err(wire::contract_word)
    }

    /// What follows is done before the answer where that is possible; otherwise the relay does it.
    async fn carried(
        &self,
        done: Committed<Joint>,
        caller: &Caller,
        trace: &str,
    ) -> Result<pb::JointApplication, Fault> {
        if let Err(refusal) = carrying::carry_out(&self.0, done.stream, done.hash, trace).await {
            tracing::warn!(joint = %done.stream, reason = refusal.reason, "what follows is left to the relay");
        }
        let read = self.0.ledger.get::<Joint>(done.stream, &Audiences::all()).await?.ok_or_else(joint::not_found)?;
        Ok(show::shown(read.stream, read.version, &read.state, read.updated_at, depth(&read.state, caller)))
    }

    /// The items of a theme as they stand today.
    async fn items(&self, theme: &Theme) -> Result<(Items, Vec<Read<Item>>), Refusal> {
        let (mut found, mut reads) = (Items::new(), Vec::new());
        for member in theme.facts.members.iter().filter(|member| !member.item.is_empty()) {
            let read = self.0.ledger.get::<Item>(items::stream(&member.item), &super::public()).await?;
            if let Some(read) = read {
                found.insert(member.item.clone(), (*read.state).clone());
                reads.push(read);
            }
        }
        Ok((found, reads))
    }

    async fn create(
        &self,
        incoming: Incoming<pb::CreateJointApplicationRequest>,
    ) -> Result<pb::JointApplication, Fault> {
        let (caller, message) = (incoming.caller.clone(), &incoming.message);
        let ledger = &self.0.ledger;
        let read = ledger.get::<Theme>(theme::stream(message.theme_code.trim()), &Audiences::all()).await?;
        let read = read.filter(|read| read.state.exists()).ok_or_else(theme::not_found)?;
        let (stream, now) = (new_stream_id(), ledger.host().now());
        let fallback = ledger.vault().lookup("application", &stream.to_string());
        let (applicant, agent) = show::parties(message, &Sealing { vault: ledger.vault(), fallback: &fallback, now })?;
        let window = self.0.check_window(&caller, &applicant.subject).await;
        let (found, reads) = self.items(&read.state).await?;
        let facts = &read.state.facts;
        let acting = ask::acting(&caller);
        let create = Create {
            pin: ThemePin {
                code: facts.code.clone(),
                version: read.version,
                name: facts.name.clone(),
                region: facts.region.clone(),
                lead: facts.lead.clone(),
                lead_code: facts.lead_code.clone(),
                promised_limit: facts.promised_limit.clone(),
                one_survey: facts.one_survey,
                hand_out: facts.hand_out,
                chain: facts.kind == theme::Kind::Chain,
            },
            answers: show::answers(message.answers.as_ref())?,
            form: message.form.as_ref().map(|form| ask::form(&applicant.subject, form)).transpose()?,
            whose: Whose {
                by: acting.actor.clone(),
                subject: acting.subject.clone().filter(|_| !acting.staff),
                by_staff: acting.staff,
                channel: ask::channel(message.channel(), acting.staff),
                applicant,
                agent,
            },
            pins: reads.iter().map(|read| (read.state.facts.code.clone(), item::pin(read, legal_date(now)))).collect(),
            items: found,
        };
        let call = incoming.call("CreateJointApplication", "", &message.request_id)?;
        let (gate, theme, by) = (self.0.gate.clone(), read.state.clone(), caller.clone());
        let rule = move |joint: &Joint, cx: &Context| {
            let owner = by.subject.as_ref().map(|subject| subject.as_str()).filter(|_| !acting.staff);
            let new = Resource {
                kind: "Application",
                owner: owner.unwrap_or_default(),
                organisation: &create.pin.lead_code,
                region: &create.pin.region,
                item: &create.pin.code,
                status: "DRAFT",
            };
            gate.allow(&by, "CreateJointApplication", &new)?;
            window.clone()?;
            decide::create(joint, &theme, &create, &acting, cx)
        };
        let done = ledger.create::<Joint>(stream, call, rule).await.map_err(wire::contract_word)?;
        self.carried(done, &caller, &incoming.trace).await
    }

    async fn get(&self, incoming: Incoming<pb::GetJointApplicationRequest>) -> Result<pb::JointApplication, Fault> {
        let caller = &incoming.caller;
        self.0.gate.allow(caller, "GetJointApplication", &unowned("Application"))?;
        let read = self.seen(caller, &incoming.message.id).await?;
        if caller.is_staff() {
            let call = incoming.read_call("GetJointApplication", &read.stream.to_string());
            self.0.ledger.record_read(call, read.stream, "GetJointApplication").await?;
        }
        Ok(show::shown(read.stream, read.version, &read.state, read.updated_at, depth(&read.state, caller)))
    }

    async fn watch(
        &self,
        incoming: Incoming<pb::WatchJointApplicationRequest>,
    ) -> Result<ReceiverStream<Result<pb::JointApplicationProgress, Status>>, Fault> {
        let (caller, message) = (incoming.caller.clone(), &incoming.message);
        self.0.gate.allow(&caller, "WatchJointApplication", &unowned("Application"))?;
        let (zh, en) = ("序号不能为负", "a number of changes is not negative");
        let after = usize::try_from(message.after).map_err(|_| Refusal::field("after", "FIELD_INVALID", zh, en))?;
        let read = self.seen(&caller, &message.id).await?;
        self.0.leave_trace(&incoming, "WatchJointApplication", read.stream).await?;
        let (ledger, stream) = (self.0.ledger.clone(), read.stream);
        let look = move |after: usize| {
            let (ledger, caller) = (ledger.clone(), caller.clone());
            async move {
                let read = ledger.get::<Joint>(stream, &caller.audiences()).await?.ok_or_else(joint::not_found)?;
                let (joint, number) = (&read.state, usize::try_from(read.version).unwrap_or(usize::MAX));
                let ended = joint.is_over();
                let now = show::shown(stream, read.version, joint, read.updated_at, depth(joint, &caller));
                let beat = pb::JointApplicationProgress {
                    number: count(number),
                    joint_application: None,
                    phase: now.phase,
                    ended,
                };
                let new = pb::JointApplicationProgress { joint_application: Some(now), ..beat.clone() };
                let new = if number > after { vec![new] } else { Vec::new() };
                Ok(Looked { new, after: after.max(number), ended, beat })
            }
        };
        Ok(self.0.watching.follow(stream, after, look))
    }

    async fn list(
        &self,
        incoming: Incoming<pb::ListJointApplicationsRequest>,
    ) -> Result<pb::ListJointApplicationsResponse, Fault> {
        let (caller, message) = (&incoming.caller, &incoming.message);
        self.0.gate.allow(caller, "ListJointApplications", &unowned("Application"))?;
        let mut filters: Vec<(&'static str, String)> = Vec::new();
        filters.extend(show::phase_tag(message.phase()).map(|phase| ("phase", phase.to_owned())));
        if !message.theme_code.trim().is_empty() {
            filters.push(("theme", message.theme_code.trim().to_owned()));
        }
        let query = ListQuery {
            filters,
            page_size: wire::page_size(message.page_size)?,
            page_token: message.page_token.clone(),
        };
        let page = self.0.ledger.list::<Joint>(&query, &caller.audiences()).await?;
        let shown =
            |read: &Read<Joint>| show::shown(read.stream, read.version, &read.state, read.updated_at, Depth::Masked);
        Ok(pb::ListJointApplicationsResponse {
            joint_applications: page.items.iter().map(shown).collect(),
            next_page_token: page.next_page_token,
        })
    }

    async fn save(&self, incoming: Incoming<pb::SaveJointFormRequest>) -> Result<pb::JointApplication, Fault> {
        let message = &incoming.message;
        let seen = self.seen(&incoming.caller, &message.id).await?;
        let subject = seen.state.whose.as_ref().map(|whose| whose.applicant.subject.clone()).unwrap_or_default();
        let form = ask::form(&subject, &message.form.clone().unwrap_or_default())?;
        let target = Target { id: &message.id, request_id: &message.request_id, etag: &message.etag };
        let rule = move |joint: &Joint, by: &Acting, _: &Context| decide::save(joint, &form, by);
        let done = self.act(&incoming, "SaveJointForm", target, rule).await?;
        Ok(show::shown(done.stream, done.version, &done.state, done.at, depth(&done.state, &incoming.caller)))
    }

    /// 授权委托 between its parties.
    async fn mandates(&self, joint: &Joint) -> Result<Vec<(StreamId, Mandate)>, Refusal> {
        match joint.whose.as_ref().and_then(|whose| Some((&whose.applicant, whose.agent.as_ref()?))) {
            Some((applicant, agent)) => {
                crate::mandate::between(&self.0.ledger, &applicant.subject, &agent.subject).await
            }
            None => Ok(Vec::new()),
        }
    }

    /// The members' applications, as they will be handed in.
    async fn parts(&self, read: &Read<Joint>, ask: &Submit) -> Result<Vec<Part>, Refusal> {
        let Some(whose) = &read.state.whose else { return Ok(Vec::new()) };
        let bars = self.0.bars(&whose.applicant.subject).await?.bars;
        let signed = |all: &[String], code: &str| all.iter().any(|one| one == code);
        let mut parts = Vec::new();
        for member in &read.state.members {
            let (Some(pin), code) = (&member.item, member.code()) else { continue };
            let app = self.0.ledger.get::<Application>(part(read.stream, code), &Audiences::all()).await?;
            // a stage of a chain has the version of the day on which its turn came
            let pin = app.as_ref().map_or(pin, |app| &app.state.item).clone();
            let now = self.0.ledger.get::<Item>(items::stream(&pin.code), &Audiences::all()).await?;
            let now = now.ok_or_else(|| items::not_found(&pin.code))?.state;
            parts.push(Part {
                member: code.to_owned(),
                app: app.map(|app| Application::clone(&app.state)).unwrap_or_default(),
                now,
                pinned: self.0.pinned(&pin).await?,
                handing: Handing {
                    sign_promise: signed(&ask.promises, code),
                    sign_deferral: signed(&ask.deferrals, code),
                    bars: bars.clone(),
                    bars_of: Some(whose.applicant.subject.clone()),
                    note: None,
                    consents: ask.consents,
                    joint: true,
                    ..Handing::default()
                },
            });
        }
        Ok(parts)
    }

    async fn submit(
        &self,
        incoming: Incoming<pb::SubmitJointApplicationRequest>,
    ) -> Result<pb::JointApplication, Fault> {
        let (caller, message) = (incoming.caller.clone(), &incoming.message);
        let mut read = self.seen(&caller, &message.id).await?;
        let missing = async |read: &Read<Joint>| -> Result<bool, Refusal> {
            let now = |member: &&Member| member.item.is_some() && !read.state.is_later_stage(member);
            for member in read.state.members.iter().filter(now) {
                let there =
                    self.0.ledger.get::<Application>(part(read.stream, member.code()), &Audiences::all()).await?;
                if there.is_none() {
                    return Ok(true);
                }
            }
            Ok(false)
        };
        if read.state.phase == Phase::Draft && missing(&read).await? {
            // a crash left a draft to be made
            let cause = incoming.call("SubmitJointApplication", &message.id, &message.request_id)?.fingerprint;
            carrying::carry_out(&self.0, read.stream, cause, &incoming.trace).await?;
            read = self.seen(&caller, &message.id).await?;
        }
        let ask = Submit {
            consents: message.consent_sensitive,
            promises: message.promise_members.clone(),
            deferrals: message.deferral_members.clone(),
        };
        let (parts, mandates, window) = self.looked_up(&read, &ask, &caller).await?;
        let target = Target { id: &message.id, request_id: &message.request_id, etag: &message.etag };
        let rule = move |joint: &Joint, by: &Acting, cx: &Context| {
            window.clone()?;
            let by = Acting { mandates: mandates.clone(), ..by.clone() };
            decide::submit(joint, &parts, &ask, &by, cx)
        };
        let done = self.act(&incoming, "SubmitJointApplication", target, rule).await?;
        self.carried(done, &caller, &incoming.trace).await
    }

    /// What a submission is decided by: the members' applications, the mandates between the parties, and whether this window may
    /// serve them.
    async fn looked_up(&self, read: &Read<Joint>, ask: &Submit, caller: &Arc<Caller>) -> Result<LookedUp, Refusal> {
        let parts: Arc<Vec<Part>> = Arc::new(self.parts(read, ask).await?);
        let mandates = self.mandates(&read.state).await?;
        let window = match &read.state.whose {
            Some(whose) => self.0.check_window(caller, &whose.applicant.subject).await,
            None => Ok(()),
        };
        Ok((parts, mandates, window))
    }

    async fn begin(&self, incoming: Incoming<pb::BeginJointMemberRequest>) -> Result<pb::JointApplication, Fault> {
        let (caller, message) = (incoming.caller.clone(), &incoming.message);
        let mut read = self.seen(&caller, &message.id).await?;
        let code = message.member_code.trim().to_owned();
        let open = read.state.member(&code).is_some_and(|member| member.standing == Standing::Open);
        let there = self.0.ledger.get::<Application>(part(read.stream, &code), &Audiences::all()).await?.is_some();
        if open && !there {
            // a crash left a draft to be made
            let cause = incoming.call("BeginJointMember", &message.id, &message.request_id)?.fingerprint;
            carrying::carry_out(&self.0, read.stream, cause, &incoming.trace).await?;
            read = self.seen(&caller, &message.id).await?;
        }
        let only = |signed: bool| if signed { vec![code.clone()] } else { Vec::new() };
        let ask = Submit {
            consents: message.consent_sensitive,
            promises: only(message.sign_promise),
            deferrals: only(message.sign_deferral),
        };
        let (parts, mandates, window) = self.looked_up(&read, &ask, &caller).await?;
        let target = Target { id: &message.id, request_id: &message.request_id, etag: &message.etag };
        let rule = move |joint: &Joint, by: &Acting, cx: &Context| {
            window.clone()?;
            let by = Acting { mandates: mandates.clone(), ..by.clone() };
            decide::begin(joint, &code, &parts, &ask, &by, cx)
        };
        let done = self.act(&incoming, "BeginJointMember", target, rule).await?;
        self.carried(done, &caller, &incoming.trace).await
    }

    async fn resume(&self, incoming: Incoming<pb::ResumeJointMemberRequest>) -> Result<pb::JointApplication, Fault> {
        let (caller, message) = (incoming.caller.clone(), &incoming.message);
        let seen = self.seen(&caller, &message.id).await?;
        let (code, mandates) = (message.member_code.trim().to_owned(), self.mandates(&seen.state).await?);
        let (window, form) = match &seen.state.whose {
            Some(whose) => {
                let applicant = &whose.applicant.subject;
                let form = message.form.as_ref().map(|form| ask::form(applicant, form)).transpose()?;
                (self.0.check_window(&caller, applicant).await, form)
            }
            None => (Ok(()), None),
        };
        let (consents, promise, deferral) = (message.consent_sensitive, message.sign_promise, message.sign_deferral);
        let target = Target { id: &message.id, request_id: &message.request_id, etag: &message.etag };
        let rule = move |joint: &Joint, by: &Acting, cx: &Context| {
            window.clone()?;
            let mended = Mended {
                by: by.actor.clone(),
                subject: by.subject.clone(),
                staff: by.staff,
                form: form.clone(),
                consents,
                promise,
                deferral,
            };
            let by = Acting { mandates: mandates.clone(), ..by.clone() };
            decide::resume(joint, &code, &mended, &by, cx)
        };
        let done = self.act(&incoming, "ResumeJointMember", target, rule).await?;
        self.carried(done, &caller, &incoming.trace).await
    }

    async fn withdraw(
        &self,
        incoming: Incoming<pb::WithdrawJointApplicationRequest>,
    ) -> Result<pb::JointApplication, Fault> {
        let (caller, message) = (incoming.caller.clone(), &incoming.message);
        let seen = self.seen(&caller, &message.id).await?;
        let reason = match &seen.state.whose {
            Some(whose) => ask::remark(&whose.applicant.subject, "reason", &message.reason)?,
            None => None,
        };
        let (code, mandates) = (message.member_code.trim().to_owned(), self.mandates(&seen.state).await?);
        let target = Target { id: &message.id, request_id: &message.request_id, etag: &message.etag };
        let rule = move |joint: &Joint, by: &Acting, cx: &Context| {
            let by = Acting { mandates: mandates.clone(), ..by.clone() };
            match code.as_str() {
                "" => decide::take_back(joint, reason.as_ref(), &by, cx),
                code => decide::drop_member(joint, code, reason.as_ref(), &by, cx),
            }
        };
        let done = self.act(&incoming, "WithdrawJointApplication", target, rule).await?;
        self.carried(done, &caller, &incoming.trace).await
    }

    async fn record(&self, incoming: Incoming<pb::RecordPartnerStepRequest>) -> Result<pb::JointApplication, Fault> {
        let (caller, message) = (incoming.caller.clone(), &incoming.message);
        let seen = self.seen(&caller, &message.id).await?;
        let (code, step) = (message.member_code.trim().to_owned(), show::step(message, &seen.state)?);
        let target = Target { id: &message.id, request_id: &message.request_id, etag: &message.etag };
        let rule =
            move |joint: &Joint, by: &Acting, cx: &Context| decide::record_step(joint, &code, &step, &by.actor, cx);
        let done = self.act(&incoming, "RecordPartnerStep", target, rule).await?;
        self.carried(done, &caller, &incoming.trace).await
    }
}

#[tonic::async_trait]
impl JointService for Joints {
    async fn create_joint_application(
        &self,
        request: Request<pb::CreateJointApplicationRequest>,
    ) -> Reply<pb::JointApplication> {
        reply(self.create(receive(request)?).await)
    }

    async fn get_joint_application(
        &self,
        request: Request<pb::GetJointApplicationRequest>,
    ) -> Reply<pb::JointApplication> {
        reply(self.get(receive(request)?).await)
    }

    type WatchJointApplicationStream = ReceiverStream<Result<pb::JointApplicationProgress, Status>>;

    async fn watch_joint_application(
        &self,
        request: Request<pb::WatchJointApplicationRequest>,
    ) -> Reply<Self::WatchJointApplicationStream> {
        reply(self.watch(receive(request)?).await)
    }

    async fn list_joint_applications(
        &self,
        request: Request<pb::ListJointApplicationsRequest>,
    ) -> Reply<pb::ListJointApplicationsResponse> {
        reply(self.list(receive(request)?).await)
    }

    async fn save_joint_form(&self, request: Request<pb::SaveJointFormRequest>) -> Reply<pb::JointApplication> {
        reply(self.save(receive(request)?).await)
    }

    async fn submit_joint_application(
        &self,
        request: Request<pb::SubmitJointApplicationRequest>,
    ) -> Reply<pb::JointApplication> {
        reply(self.submit(receive(request)?).await)
    }

    async fn begin_joint_member(&self, request: Request<pb::BeginJointMemberRequest>) -> Reply<pb::JointApplication> {
        reply(self.begin(receive(request)?).await)
    }

    async fn resume_joint_member(&self, request: Request<pb::ResumeJointMemberRequest>) -> Reply<pb::JointApplication> {
        reply(self.resume(receive(request)?).await)
    }

    async fn withdraw_joint_application(
        &self,
        request: Request<pb::WithdrawJointApplicationRequest>,
    ) -> Reply<pb::JointApplication> {
        reply(self.withdraw(receive(request)?).await)
    }

    async fn record_partner_step(&self, request: Request<pb::RecordPartnerStepRequest>) -> Reply<pb::JointApplication> {
        reply(self.record(receive(request)?).await)
    }
}
