//! `EngagementService`.

use std::collections::BTreeSet;

use tonic::Request;
use yiwang_kit::{Caller, Fault, Gate, Incoming, Reply, Resource, new_stream_id, receive, reply, wire};
use yiwang_ledger::{
    Aggregate as _, Audiences, Call, Committed, Context, Decision, Ledger, ListQuery, Personal, Read, Refusal,
    StreamId, SubjectId,
};
use yiwang_proto::intake::v1 as pb;
use yiwang_proto::intake::v1::engagement_service_server::EngagementService;

use super::{Target, asker, catalogue, known_organ, reader};
use crate::agent::choose::{Wanted, choose, fits};
use crate::agent::{self as agents, Agent, county};
use crate::application::{Actor, Application};
use crate::assigning::{self, helper};
use crate::catalogue::{self as items, Item};
use crate::convert::question::{View, sealed};
use crate::convert::{agent, ask, engagement as show, region};
use crate::engagement::{self as engagements, Asked, Engagement, Event, Stage, decide, meeting};
use crate::limit::legal_date;

/// What is the asker's to do, or a window's, where one entered it.
const ASKERS: [&str; 4] = ["AuthoriseAgent", "WithdrawAuthorisation", "LinkApplication", "ConfirmEngagement"];

/// Engagements over their ledger.
#[derive(Clone)]
pub struct Engagements {
    ledger: Ledger,
    gate: Gate,
}

fn resource<'a>(asked: &'a Asked, county: &'a str, organisation: &'a str, stage: Stage) -> Resource<'a> {
    Resource {
        kind: "Engagement",
        owner: if asked.is_known() { asked.subject.as_str() } else { "" },
        organisation,
        region: county,
        item: asked.wanted.items.first().map_or("", String::as_str),
        status: stage.name(),
    }
}

/// Full to the asker, to the agent (and the one it is offered to), and to the windows that entered it; masked to everybody else.
fn view(engagement: &Engagement, caller: &Caller) -> View {
    if !caller.is_staff() {
        return View::Full;
    }
    let offered = engagement.offered().map(|offer| &offer.to);
    let agent = engagement.helper().into_iter().chain(offered).any(|helper| helper.account == caller.id);
    let window = engagement.asked.for_another
        && caller.has_role("clerk")
        && caller.region == county(&engagement.asked.wanted.region);
    if agent || window { View::Full } else { View::Watching }
}

impl Engagements {
    /// Over a ledger and the policies.
    pub fn new(ledger: Ledger, gate: Gate) -> Self {
        Self { ledger, gate }
    }

    async fn ask(&self, incoming: Incoming<pb::AskForHelpRequest>) -> Result<pb::Engagement, Fault> {
        let (caller, message) = (incoming.caller.clone(), &incoming.message);
        let (stream, staff) = (new_stream_id(), caller.is_staff());
        let own = || self.ledger.vault().lookup("engagement", &stream.to_string());
        let fallback = caller.subject.clone().filter(|_| !staff).unwrap_or_else(own);
        let asker = asker(&self.ledger, &caller, message.asker.as_ref(), &message.phone, &fallback)?;
        let subject = asker.as_ref().map_or(&fallback, |asker| &asker.subject).clone();
        let wanted = self.wanted(&caller, message).await?;
        let matter = Some(sealed(&subject, "matter", &message.matter, 2000)?);
        let asked = Asked { wanted, matter, subject, asker, for_another: staff };
        let (by, now) = (ask::acting(&caller).actor, self.ledger.host().now());
        let given = message.authorisation.as_ref();
        let given = given.map(|given| show::authorisation(given, &asked.subject, &by, now)).transpose()?;
        ask::few("application_ids", &message.application_ids, 20)?;
        let mut applications = BTreeSet::new();
        for id in &message.application_ids {
            applications.insert(self.application(&asked, id).await?);
        }
        let call = incoming.call("AskForHelp", "", &message.request_id)?;
        let (gate, who) = (self.gate.clone(), caller.clone());
        let rule = move |engagement: &Engagement, cx: &Context| {
            let county = county(&asked.wanted.region);
            gate.allow(&who, "AskForHelp", &resource(&asked, &county, "", engagement.stage))?;
            decide::ask(engagement, &asked, given.as_ref(), &applications, &by, cx)
        };
        let done = self.ledger.create::<Engagement>(stream, call, rule).await?;
        // the relay completes what does not come about here
        if let Err(refusal) = assigning::complete(&self.ledger, done.stream, &incoming.trace).await {
            tracing::warn!(engagement = %done.stream, reason = refusal.reason, "an assignment is left to the relay");
        }
        self.now(&caller, done.stream).await
    }

    async fn wanted(&self, caller: &Caller, message: &pb::AskForHelpRequest) -> Result<Wanted, Refusal> {
        let given = message.region_code.trim();
        let wanted = Wanted {
            kind: agent::kind("kind", message.kind())?,
            region: region("region_code", if given.is_empty() { &caller.region } else { given })?,
            park: ask::text("park", &message.park, 0, 50, "FIELD_INVALID")?,
            items: agent::codes("item_codes", &message.item_codes, 20)?,
            theme: ask::text("theme_code", &message.theme_code, 0, 36, "FIELD_INVALID")?,
        };
        for code in &wanted.items {
            let read = self.ledger.get::<Item>(items::stream(code), &catalogue::seen_by(caller)).await?;
            read.filter(|read| read.state.exists()).ok_or_else(|| items::not_found(code))?;
        }
        Ok(wanted)
    }

    /// An application of the asker's; somebody else's is not there.
    async fn application(&self, asked: &Asked, id: &str) -> Result<StreamId, Refusal> {
        let id = StreamId::parse("application_id", id)?;
        let read = self.ledger.get::<Application>(id, &Audiences::all()).await?;
        let theirs = read.filter(|read| asked.is_known() && read.state.is_party(&asked.subject));
        theirs.map(|read| read.stream).ok_or_else(crate::application::not_found)
    }

    async fn seen(&self, caller: &Caller, id: &str) -> Result<Read<Engagement>, Refusal> {
        let id = StreamId::parse("id", id)?;
        self.ledger.get::<Engagement>(id, &caller.audiences()).await?.ok_or_else(engagements::not_found)
    }

    /// As it stands, for whoever asks: whether they may see it the rule says, so that a repeated request is answered as then.
    async fn stands(&self, id: &str) -> Result<(StreamId, std::sync::Arc<Engagement>), Refusal> {
        let id = StreamId::parse("id", id)?;
        let read = self.ledger.get::<Engagement>(id, &Audiences::all()).await?;
        Ok((id, read.map(|read| read.state).unwrap_or_default()))
    }

    /// Under whose key what is written about the asker is sealed.
    async fn subject(&self, id: &str) -> Result<SubjectId, Refusal> {
        Ok(self.stands(id).await?.1.asked.subject.clone())
    }

    /// As it stands after a second step.
    async fn now(&self, caller: &Caller, id: StreamId) -> Result<pb::Engagement, Fault> {
        let read = self.ledger.get::<Engagement>(id, &Audiences::all()).await?.ok_or_else(engagements::not_found)?;
        Ok(show::engagement(read.stream, read.version, &read.state, view(&read.state, caller), reader(caller)))
    }

    fn shown(&self, caller: &Caller, done: &Committed<Engagement>) -> pb::Engagement {
        show::engagement(done.stream, done.version, &done.state, view(&done.state, caller), reader(caller))
    }

    /// A command on an engagement: found, seen, allowed, then decided; then what stands in the agents' hands follows.
    async fn act<T: serde::Serialize>(
        &self,
        incoming: &Incoming<T>,
        rpc: &'static str,
        target: Target<'_>,
        rule: impl Fn(&Engagement, &Actor, &Context) -> Decision<Event> + Send + Sync + 'static,
    ) -> Result<pb::Engagement, Fault> {
        let id = StreamId::parse("id", target.id)?;
        let mut call = incoming.call(rpc, &id.to_string(), target.request_id)?;
        call.expected_version = wire::expected_version(target.etag)?;
        let done = self.run(incoming, rpc, id, call, rule).await;
        if done.is_ok() {
            // what was taken back has ended before anybody is told so
            assigning::empower(&self.ledger, id, &incoming.trace).await?;
        }
        if let Err(refusal) = assigning::settle(&self.ledger, id, &incoming.trace).await {
            tracing::warn!(engagement = %id, reason = refusal.reason, "what is in the agents' hands is left to the relay");
        }
        Ok(self.shown(&incoming.caller, &done?))
    }

    async fn run<T>(
        &self,
        incoming: &Incoming<T>,
        rpc: &'static str,
        id: StreamId,
        call: Call,
        rule: impl Fn(&Engagement, &Actor, &Context) -> Decision<Event> + Send + Sync + 'static,
    ) -> Result<Committed<Engagement>, Refusal> {
        let (gate, caller) = (self.gate.clone(), incoming.caller.clone());
        let (audiences, by) = (caller.audiences(), ask::acting(&caller).actor);
        let rule = move |engagement: &Engagement, cx: &Context| {
            if engagement.stage == Stage::Absent || !audiences.meets(&engagement.tags()) {
                return Err(engagements::not_found());
            }
            let county = county(&engagement.asked.wanted.region);
            // a task is its organ's: the rule says which
            let mut about = resource(&engagement.asked, &county, &by.organisation, engagement.stage);
            if ASKERS.contains(&rpc) && !engagement.asked.for_another {
                // what somebody asked themselves is no window's to go on with
                about.region = "";
            }
            gate.allow(&caller, rpc, &about)?;
            rule(engagement, &by, cx)
        };
        self.ledger.execute::<Engagement>(id, call, rule).await.map_err(wire::contract_word)
    }

    /// An agent who fits, and whether they may be given more than they take: nobody else who fits is free.
    async fn fitting(&self, wanted: &Wanted, account: &str) -> Result<(Read<Agent>, bool), Refusal> {
        let read = self.ledger.get::<Agent>(agents::stream(account.trim()), &Audiences::all()).await?;
        let read = read.filter(|read| read.state.stands()).ok_or_else(agents::not_found)?;
        if !fits(wanted, &read.state) {
            return Err(agents::unfit());
        }
        let today = legal_date(self.ledger.host().now());
        if !read.state.on_duty(today) {
            return Err(agents::away());
        }
        let others = assigning::serving(&self.ledger, wanted).await?;
        let other = choose(wanted, others.iter().map(|(_, agent)| agent), Some(account.trim()), today);
        Ok((read, other.is_none()))
    }

    async fn assign(&self, incoming: Incoming<pb::AssignEngagementRequest>) -> Result<pb::Engagement, Fault> {
        let message = &incoming.message;
        let seen = self.seen(&incoming.caller, &message.id).await?;
        let (wanted, subject) = (&seen.state.asked.wanted, &seen.state.asked.subject);
        let county = county(&wanted.region);
        let about = resource(&seen.state.asked, &county, "", seen.state.stage);
        self.gate.allow(&incoming.caller, "AssignEngagement", &about)?;
        let reason = sealed(subject, "reason", &message.reason, 500)?;
        let fitting = self.fitting(wanted, &message.account).await;
        let named = match &fitting {
            Ok((agent, beyond)) if matches!(seen.state.stage, Stage::Waiting | Stage::InHand) => {
                let account = &agent.state.registered.account;
                let key = format!("give.{}.{}.{}", seen.stream, agent.stream, agent.version);
                let call = Call::system(key, &incoming.trace);
                let given = assigning::give(&self.ledger, account, seen.stream, *beyond, call).await;
                given.map(|_| helper(&agent.state))
            }
            Ok((agent, _)) => Ok(helper(&agent.state)),
            Err(refusal) => Err(refusal.clone()),
        };
        let target = Target { id: &message.id, request_id: &message.request_id, etag: &message.etag };
        // who does not fit any more is said in the rule: a repeated request is answered as then
        let rule = move |engagement: &Engagement, by: &Actor, _: &Context| {
            decide::assign(engagement, &named.clone()?, Some(&reason), by)
        };
        self.act(&incoming, "AssignEngagement", target, rule).await
    }

    async fn authorise(&self, incoming: Incoming<pb::AuthoriseAgentRequest>) -> Result<pb::Engagement, Fault> {
        let message = &incoming.message;
        let subject = self.subject(&message.id).await?;
        let missing = || Refusal::field("authorisation", "FIELD_INVALID", "缺少授权", "the authorisation is needed");
        let given = message.authorisation.as_ref().ok_or_else(missing)?;
        let by = ask::acting(&incoming.caller).actor;
        let given = show::authorisation(given, &subject, &by, self.ledger.host().now())?;
        let target = Target { id: &message.id, request_id: &message.request_id, etag: &message.etag };
        let rule = move |engagement: &Engagement, _: &Actor, cx: &Context| decide::authorise(engagement, &given, cx);
        self.act(&incoming, "AuthoriseAgent", target, rule).await
    }

    async fn withdraw(&self, incoming: Incoming<pb::WithdrawAuthorisationRequest>) -> Result<pb::Engagement, Fault> {
        let message = &incoming.message;
        let subject = self.subject(&message.id).await?;
        let reason = ask::remark(&subject, "reason", &message.reason)?;
        let target = Target { id: &message.id, request_id: &message.request_id, etag: &message.etag };
        let rule =
            move |engagement: &Engagement, by: &Actor, _: &Context| decide::withdraw(engagement, reason.as_ref(), by);
        self.act(&incoming, "WithdrawAuthorisation", target, rule).await
    }

    async fn link(&self, incoming: Incoming<pb::LinkApplicationRequest>) -> Result<pb::Engagement, Fault> {
        let message = &incoming.message;
        let (_, stands) = self.stands(&message.id).await?;
        let application = self.application(&stands.asked, &message.application_id).await;
        let target = Target { id: &message.id, request_id: &message.request_id, etag: &message.etag };
        let caller = incoming.caller.clone();
        let rule = move |engagement: &Engagement, by: &Actor, _: &Context| {
            let asked = &engagement.asked;
            let agent = engagement.helper().is_some_and(|helper| helper.account == by.id);
            let window = asked.for_another && caller.has_role("clerk") && caller.region == county(&asked.wanted.region);
            if caller.is_staff() && !agent && !window {
                return Err(engagements::authority::not_the_agent());
            }
            decide::link(engagement, application.clone()?, by)
        };
        self.act(&incoming, "LinkApplication", target, rule).await
    }

    async fn record(&self, incoming: Incoming<pb::RecordStepRequest>) -> Result<pb::Engagement, Fault> {
        let message = &incoming.message;
        let subject = self.subject(&message.id).await?;
        let log = show::log(message, &subject, self.ledger.host().now())?;
        let target = Target { id: &message.id, request_id: &message.request_id, etag: &message.etag };
        let rule = move |engagement: &Engagement, by: &Actor, cx: &Context| decide::record(engagement, &log, by, cx);
        self.act(&incoming, "RecordStep", target, rule).await
    }

    async fn offer(&self, incoming: Incoming<pb::OfferHandOverRequest>) -> Result<pb::Engagement, Fault> {
        let message = &incoming.message;
        let (_, stands) = self.stands(&message.id).await?;
        let open = sealed(&stands.asked.subject, "open_matters", &message.open_matters, 2000)?;
        let fitting = self.fitting(&stands.asked.wanted, &message.account).await;
        let to = fitting.map(|(agent, _)| helper(&agent.state));
        let target = Target { id: &message.id, request_id: &message.request_id, etag: &message.etag };
        let rule =
            move |engagement: &Engagement, by: &Actor, _: &Context| decide::offer(engagement, &to.clone()?, &open, by);
        self.act(&incoming, "OfferHandOver", target, rule).await
    }

    async fn accept(&self, incoming: Incoming<pb::AcceptHandOverRequest>) -> Result<pb::Engagement, Fault> {
        let (message, account) = (&incoming.message, &incoming.caller.id);
        let (id, stands) = self.stands(&message.id).await?;
        if decide::offered_to(&stands, account).is_ok() {
            let agent = self.ledger.get::<Agent>(agents::stream(account), &Audiences::all()).await?;
            let agent = agent.ok_or_else(agents::not_found)?;
            let call = Call::system(format!("give.{id}.{}.{}", agent.stream, agent.version), &incoming.trace);
            assigning::give(&self.ledger, account, id, false, call).await?;
        }
        let target = Target { id: &message.id, request_id: &message.request_id, etag: &message.etag };
        let rule = move |engagement: &Engagement, by: &Actor, _: &Context| decide::accept(engagement, by);
        self.act(&incoming, "AcceptHandOver", target, rule).await
    }

    async fn refuse(&self, incoming: Incoming<pb::RefuseHandOverRequest>) -> Result<pb::Engagement, Fault> {
        let message = &incoming.message;
        let subject = self.subject(&message.id).await?;
        let reason = sealed(&subject, "reason", &message.reason, 500)?;
        let target = Target { id: &message.id, request_id: &message.request_id, etag: &message.etag };
        let rule = move |engagement: &Engagement, by: &Actor, _: &Context| decide::refuse(engagement, &reason, by);
        self.act(&incoming, "RefuseHandOver", target, rule).await
    }

    async fn call_meeting(&self, incoming: Incoming<pb::CallJointMeetingRequest>) -> Result<pb::Engagement, Fault> {
        let message = &incoming.message;
        let subject = self.subject(&message.id).await?;
        let mut called = show::meeting(message, &subject, &ask::acting(&incoming.caller).actor)?;
        for (place, code) in message.organisations.iter().enumerate() {
            called.invited.push(known_organ(&self.ledger, &format!("organisations[{place}]"), code).await?);
        }
        let target = Target { id: &message.id, request_id: &message.request_id, etag: &message.etag };
        let caller = incoming.caller.clone();
        let rule = move |engagement: &Engagement, by: &Actor, _: &Context| {
            convenes(engagement, by, &caller)?;
            meeting::call(engagement, &called)
        };
        self.act(&incoming, "CallJointMeeting", target, rule).await
    }

    async fn record_meeting(&self, incoming: Incoming<pb::RecordMeetingRequest>) -> Result<pb::Engagement, Fault> {
        let message = &incoming.message;
        let subject = self.subject(&message.id).await?;
        let minutes = show::minutes(message, &subject, &ask::acting(&incoming.caller).actor)?;
        let (orders, place) = (show::orders(&message.tasks, &subject)?, show::place(&message.meeting_id));
        let target = Target { id: &message.id, request_id: &message.request_id, etag: &message.etag };
        let caller = incoming.caller.clone();
        let rule = move |engagement: &Engagement, by: &Actor, cx: &Context| {
            convenes(engagement, by, &caller)?;
            meeting::record(engagement, place, &minutes, &orders, cx)
        };
        self.act(&incoming, "RecordMeeting", target, rule).await
    }

    async fn complete(&self, incoming: Incoming<pb::CompleteTaskRequest>) -> Result<pb::Engagement, Fault> {
        let message = &incoming.message;
        let subject = self.subject(&message.id).await?;
        let result = sealed(&subject, "result", &message.result, 500)?;
        let at = show::place(&message.meeting_id).zip(show::place(&message.task_id));
        let target = Target { id: &message.id, request_id: &message.request_id, etag: &message.etag };
        let organs = incoming.caller.organisations.clone();
        let rule = move |engagement: &Engagement, by: &Actor, _: &Context| {
            let task = at.and_then(|(meeting, task)| engagement.meetings.get(meeting)?.tasks.get(task));
            // another organ's task is not there
            if task.is_some_and(|task| !organs.contains(&task.organ.code)) {
                return Err(meeting::task_not_found());
            }
            meeting::complete(engagement, at, &result, by)
        };
        self.act(&incoming, "CompleteTask", target, rule).await
    }

    async fn report(&self, incoming: Incoming<pb::ReportEngagementRequest>) -> Result<pb::Engagement, Fault> {
        let message = &incoming.message;
        let subject = self.subject(&message.id).await?;
        let text = sealed(&subject, "report", &message.report, 2000)?;
        let target = Target { id: &message.id, request_id: &message.request_id, etag: &message.etag };
        let rule = move |engagement: &Engagement, by: &Actor, _: &Context| decide::report(engagement, &text, by);
        self.act(&incoming, "ReportEngagement", target, rule).await
    }

    async fn confirm(&self, incoming: Incoming<pb::ConfirmEngagementRequest>) -> Result<pb::Engagement, Fault> {
        let message = &incoming.message;
        let subject = self.subject(&message.id).await?;
        let missing: Option<Personal> = match (message.agrees, ask::remark(&subject, "reason", &message.reason)?) {
            (true, _) => None,
            (false, Some(reason)) => Some(reason),
            (false, None) => {
                let (zh, en) = ("请说明尚未办好的事项", "say what is not done");
                return Err(Refusal::field("reason", "REASON_MISSING", zh, en).into());
            }
        };
        let target = Target { id: &message.id, request_id: &message.request_id, etag: &message.etag };
        let rule =
            move |engagement: &Engagement, by: &Actor, _: &Context| decide::confirm(engagement, missing.as_ref(), by);
        self.act(&incoming, "ConfirmEngagement", target, rule).await
    }

    async fn get(&self, incoming: Incoming<pb::GetEngagementRequest>) -> Result<pb::Engagement, Fault> {
        let caller = &incoming.caller;
        self.gate.allow(caller, "GetEngagement", &Resource { kind: "Engagement", ..Resource::default() })?;
        let read = self.seen(caller, &incoming.message.id).await?;
        if caller.is_staff() {
            let call = incoming.read_call("GetEngagement", &read.stream.to_string());
            self.ledger.record_read(call, read.stream, "GetEngagement").await?;
        }
        Ok(show::engagement(read.stream, read.version, &read.state, view(&read.state, caller), reader(caller)))
    }

    async fn list(&self, incoming: Incoming<pb::ListEngagementsRequest>) -> Result<pb::ListEngagementsResponse, Fault> {
        let (caller, message) = (&incoming.caller, &incoming.message);
        self.gate.allow(caller, "ListEngagements", &Resource { kind: "Engagement", ..Resource::default() })?;
        let mut filters: Vec<(&'static str, String)> = Vec::new();
        filters.extend(show::stage_tag(message.stage()).map(|stage| ("stage", stage.to_owned())));
        filters.extend(agent::kind_tag(message.kind()).map(|kind| ("kind", kind.to_owned())));
        for (name, value) in [("agent", &message.account), ("application", &message.application_id)] {
            if !value.trim().is_empty() {
                filters.push((name, value.trim().to_owned()));
            }
        }
        filters.extend(message.task_overdue.then(|| ("task_overdue", "yes".to_owned())));
        let query = ListQuery {
            filters,
            page_size: wire::page_size(message.page_size)?,
            page_token: message.page_token.clone(),
        };
        let page = self.ledger.list::<Engagement>(&query, &caller.audiences()).await?;
        let one = |read: &Read<Engagement>| {
            show::engagement(read.stream, read.version, &read.state, View::List, reader(caller))
        };
        Ok(pb::ListEngagementsResponse {
            engagements: page.items.iter().map(one).collect(),
            next_page_token: page.next_page_token,
        })
    }
}

/// A meeting is the agent's or a coordinator's of the county to call and to write down.
fn convenes(engagement: &Engagement, by: &Actor, caller: &Caller) -> Result<(), Refusal> {
    let coordinates = caller.has_role("coordinator") && caller.region == county(&engagement.asked.wanted.region);
    match engagement.helper() {
        Some(helper) if helper.account == by.id => Ok(()),
        _ if coordinates => Ok(()),
        _ => Err(engagements::authority::not_the_agent()),
    }
}

#[tonic::async_trait]
impl EngagementService for Engagements {
    async fn ask_for_help(&self, request: Request<pb::AskForHelpRequest>) -> Reply<pb::Engagement> {
        reply(self.ask(receive(request)?).await)
    }

    async fn assign_engagement(&self, request: Request<pb::AssignEngagementRequest>) -> Reply<pb::Engagement> {
        reply(self.assign(receive(request)?).await)
    }

    async fn authorise_agent(&self, request: Request<pb::AuthoriseAgentRequest>) -> Reply<pb::Engagement> {
        reply(self.authorise(receive(request)?).await)
    }

    async fn withdraw_authorisation(
        &self,
        request: Request<pb::WithdrawAuthorisationRequest>,
    ) -> Reply<pb::Engagement> {
        reply(self.withdraw(receive(request)?).await)
    }

    async fn link_application(&self, request: Request<pb::LinkApplicationRequest>) -> Reply<pb::Engagement> {
        reply(self.link(receive(request)?).await)
    }

    async fn record_step(&self, request: Request<pb::RecordStepRequest>) -> Reply<pb::Engagement> {
        reply(self.record(receive(request)?).await)
    }

    async fn offer_hand_over(&self, request: Request<pb::OfferHandOverRequest>) -> Reply<pb::Engagement> {
        reply(self.offer(receive(request)?).await)
    }

    async fn accept_hand_over(&self, request: Request<pb::AcceptHandOverRequest>) -> Reply<pb::Engagement> {
        reply(self.accept(receive(request)?).await)
    }

    async fn refuse_hand_over(&self, request: Request<pb::RefuseHandOverRequest>) -> Reply<pb::Engagement> {
        reply(self.refuse(receive(request)?).await)
    }

    async fn call_joint_meeting(&self, request: Request<pb::CallJointMeetingRequest>) -> Reply<pb::Engagement> {
        reply(self.call_meeting(receive(request)?).await)
    }

    async fn record_meeting(&self, request: Request<pb::RecordMeetingRequest>) -> Reply<pb::Engagement> {
        reply(self.record_meeting(receive(request)?).await)
    }

    async fn complete_task(&self, request: Request<pb::CompleteTaskRequest>) -> Reply<pb::Engagement> {
        reply(self.complete(receive(request)?).await)
    }

    async fn report_engagement(&self, request: Request<pb::ReportEngagementRequest>) -> Reply<pb::Engagement> {
        reply(self.report(receive(request)?).await)
    }

    async fn confirm_engagement(&self, request: Request<pb::ConfirmEngagementRequest>) -> Reply<pb::Engagement> {
        reply(self.confirm(receive(request)?).await)
    }

    async fn get_engagement(&self, request: Request<pb::GetEngagementRequest>) -> Reply<pb::Engagement> {
        reply(self.get(receive(request)?).await)
    }

    async fn list_engagements(
        &self,
        request: Request<pb::ListEngagementsRequest>,
    ) -> Reply<pb::ListEngagementsResponse> {
        reply(self.list(receive(request)?).await)
    }
}
