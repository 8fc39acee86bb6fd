//! The handlers: message -> command -> ledger -> message. Nothing is decided here.

mod document;
mod procedure;
mod roster;
mod task;
mod watch;

use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Status};
use yiwang_documents::desk::Desk;
use yiwang_kit::watching::Watching;
use yiwang_kit::{Caller, Fault, Gate, Incoming, Reply, Resource, party, receive, reply, wire};
use yiwang_ledger::{Aggregate as _, Call, Committed, Context, Decision, Ledger, ListQuery, Read, Refusal, StreamId};
use yiwang_proto::approval::v1 as pb;
use yiwang_proto::approval::v1::approval_service_server::ApprovalService;

use crate::case::{Case, Event, Hands, Officer, decide, not_found, review};
use crate::convert::{ask, show};
use crate::documents;

pub use document::DocumentsOf;
pub use roster::Rosters;
pub use task::Tasks;

/// The service over its ledger.
#[derive(Clone)]
pub struct Approval {
    ledger: Ledger,
    gate: Gate,
    desk: Desk,
    watching: Watching,
}

/// The stream of an application's case.
pub fn stream(application: &str) -> StreamId {
    StreamId::named(Case::KIND, application)
}

/// What the policies are asked about. Whoever is a party, be they applicant, agent or who filed it, is its owner: an officer keeps out
/// of their own matter.
fn resource<'a>(case: &'a Case, caller: &'a Caller) -> Resource<'a> {
    let Some(facts) = &case.facts else { return Resource { kind: "Case", ..Resource::default() } };
    let parties = facts.owner_subject.iter().chain(&facts.agent_subject);
    let own = caller.subject.as_ref().filter(|subject| parties.clone().any(|party| party == *subject));
    Resource {
        kind: "Case",
        owner: own.unwrap_or(&facts.applicant.subject).as_str(),
        organisation: facts.item.handler(),
        region: &facts.item.region,
        item: &facts.item.code,
        status: case.status(),
    }
}

/// Whether a caller reads a case as one of those who work on it or watch over them: never as a party, nor as a counter that hands it out.
fn inside(caller: &Caller, case: &Case) -> bool {
    let Some(facts) = &case.facts else { return false };
    let parties = facts.owner_subject.iter().chain(&facts.agent_subject).chain([&facts.applicant.subject]);
    let party = caller.subject.as_ref().is_some_and(|own| parties.into_iter().any(|party| party == own));
    let organs = [facts.item.handler(), facts.item.organisation.as_str()];
    let works = organs.iter().any(|organ| caller.organisations.iter().any(|own| own == organ));
    caller.is_staff() && !party && (works || caller.has_role("supervisor"))
}

fn officer(caller: &Caller) -> Officer {
    ask::officer(&party::actor(caller))
}

impl Approval {
    /// Over a ledger, the policies, the desk of documents, and who follows.
    pub fn new(ledger: Ledger, gate: Gate, desk: Desk, watching: Watching) -> Self {
        Self { ledger, gate, desk, watching }
    }

    fn shown(&self, done: &Committed<Case>) -> pb::Case {
        show::case(done.stream, done.version, &done.state, self.ledger.host().now())
    }

    /// The second step of a decision, its document; should it fail here, the relay completes it, and the answer shows what is so far.
    async fn documented(&self, done: Committed<Case>, trace: &str) -> Committed<Case> {
        let Some(order) = documents::order(done.stream, &done.state) else { return done };
        let _hand = self.ledger.in_hand(done.stream);
        match documents::complete(&self.ledger, &self.desk, order, done.hash, trace).await {
            Ok(documented) => documented,
            Err(refusal) => {
                tracing::warn!(case = %done.stream, reason = refusal.reason, "the document is left to the relay");
                done
            }
        }
    }

    /// A command by an officer on one case: found, seen, allowed, then decided.
    async fn act<T: serde::Serialize>(
        &self,
        incoming: &Incoming<T>,
        rpc: &'static str,
        (id, request_id, etag): (&str, &str, &str),
        rule: impl Fn(&Case, &Officer, &Context) -> Decision<Event> + Send + Sync + 'static,
    ) -> Result<pb::Case, Fault> {
        Ok(self.shown(&self.acted(incoming, rpc, (id, request_id, etag), rule).await?))
    }

    async fn acted<T: serde::Serialize>(
        &self,
        incoming: &Incoming<T>,
        rpc: &'static str,
        (id, request_id, etag): (&str, &str, &str),
        rule: impl Fn(&Case, &Officer, &Context) -> Decision<Event> + Send + Sync + 'static,
    ) -> Result<Committed<Case>, Fault> {
        let id = StreamId::parse("id", id)?;
        let mut call = incoming.call(rpc, &id.to_string(), request_id)?;
        call.expected_version = wire::expected_version(etag)?;
        self.acted_as(incoming, (id, call), move |_, _| Ok(rpc), rule).await
    }

    /// The same where what the policies are asked is read from the case.
    async fn acted_as<T>(
        &self,
        incoming: &Incoming<T>,
        (id, call): (StreamId, Call),
        action: impl for<'a> Fn(&'a Case, &mut Resource<'a>) -> Result<&'static str, Refusal> + Send + Sync + 'static,
        rule: impl Fn(&Case, &Officer, &Context) -> Decision<Event> + Send + Sync + 'static,
    ) -> Result<Committed<Case>, Fault> {
        let (gate, caller) = (self.gate.clone(), incoming.caller.clone());
        let (audiences, officer) = (caller.audiences(), officer(&caller));
        let rule = move |case: &Case, cx: &Context| {
            if case.facts.is_none() || !audiences.meets(&case.tags()) {
                return Err(not_found());
            }
            let mut about = resource(case, &caller);
            let action = action(case, &mut about)?;
            gate.allow(&caller, action, &about)?;
            rule(case, &officer, cx)
        };
        Ok(self.ledger.execute::<Case>(id, call, rule).await.map_err(wire::contract_word)?)
    }

    async fn run(
        &self,
        id: StreamId,
        call: Call,
        rule: impl Fn(&Case, &Context) -> Decision<Event> + Send + Sync + 'static,
    ) -> Result<pb::Case, Fault> {
        let done = self.ledger.execute::<Case>(id, call, rule).await.map_err(wire::contract_word)?;
        Ok(self.shown(&done))
    }

    async fn open(&self, incoming: Incoming<pb::OpenCaseRequest>) -> Result<pb::Case, Fault> {
        // Before anything is looked up: a stranger learns nothing from what is said about the message.
        self.gate.allow(&incoming.caller, "OpenCase", &Resource { kind: "Case", ..Resource::default() })?;
        let open = ask::open(&incoming.message, self.ledger.vault())?;
        let call = incoming.call("OpenCase", &open.application, &incoming.message.request_id)?;
        let call = call.with_actor(open.accepted_by.id.clone());
        let id = stream(&open.application);
        let rule = move |case: &Case, cx: &Context| decide::open(case, &open, cx);
        let done = self.ledger.execute::<Case>(id, call, rule).await.map_err(wire::contract_word)?;
        // what is decided on the spot has its document at once
        Ok(self.shown(&self.documented(done, &incoming.trace).await))
    }

    async fn record(&self, incoming: Incoming<pb::RecordMaterialRequest>) -> Result<pb::Case, Fault> {
        self.gate.allow(&incoming.caller, "RecordMaterial", &Resource { kind: "Case", ..Resource::default() })?;
        let message = &incoming.message;
        let (application, code) = ask::material(message)?;
        let by = message.actor.as_ref().map_or_else(Officer::system, ask::officer);
        let call = incoming.call("RecordMaterial", &application, &message.request_id)?.with_actor(by.id.clone());
        self.run(stream(&application), call, move |case, _| decide::record_material(case, &code, &by)).await
    }

    async fn withdraw(&self, incoming: Incoming<pb::WithdrawCaseRequest>) -> Result<pb::Case, Fault> {
        self.gate.allow(&incoming.caller, "WithdrawCase", &Resource { kind: "Case", ..Resource::default() })?;
        let message = &incoming.message;
        let application = message.application_id.clone();
        let by = message.actor.as_ref().map_or_else(Officer::system, ask::officer);
        let reason = message.reason.clone();
        let call = incoming.call("WithdrawCase", &application, &message.request_id)?.with_actor(by.id.clone());
        self.run(stream(&application), call, move |case, _| decide::withdraw(case, &by, &reason)).await
    }

    async fn lapse(&self, incoming: Incoming<pb::LapseCaseRequest>) -> Result<pb::Case, Fault> {
        self.gate.allow(&incoming.caller, "LapseCase", &Resource { kind: "Case", ..Resource::default() })?;
        let (application, reasons) = (incoming.message.application_id.clone(), incoming.message.reasons.clone());
        let call =
            incoming.call("LapseCase", &application, &incoming.message.request_id)?.with_actor("system".to_owned());
        self.run(stream(&application), call, move |case, cx| decide::lapse(case, &reasons, cx)).await
    }

    async fn get(&self, incoming: Incoming<pb::GetCaseRequest>) -> Result<pb::Case, Fault> {
        let read = self.find(&incoming, "GetCase", &incoming.message.id).await?;
        // A staff read of a record with personal data is an entry itself.
        if incoming.caller.is_staff() {
            self.ledger
                .record_read(incoming.read_call("GetCase", &read.stream.to_string()), read.stream, "GetCase")
                .await?;
        }
        let case = show::case(read.stream, read.version, &read.state, self.ledger.host().now());
        Ok(show::to(&incoming.caller, inside(&incoming.caller, &read.state), case))
    }

    async fn find<T>(&self, incoming: &Incoming<T>, rpc: &'static str, id: &str) -> Result<Read<Case>, Refusal> {
        self.gate.allow(&incoming.caller, rpc, &Resource { kind: "Case", ..Resource::default() })?;
        let id = StreamId::parse("id", id)?;
        self.ledger.get::<Case>(id, &incoming.caller.audiences()).await?.ok_or_else(not_found)
    }

    async fn list(&self, incoming: Incoming<pb::ListCasesRequest>) -> Result<pb::ListCasesResponse, Fault> {
        let (caller, message) = (&incoming.caller, &incoming.message);
        self.gate.allow(caller, "ListCases", &Resource { kind: "Case", ..Resource::default() })?;
        let mut filters: Vec<(&'static str, String)> = Vec::new();
        filters.extend(show::phase_filter(message.phase()).map(|phase| ("status", phase.to_owned())));
        filters.extend(show::warning_filter(message.warning()).map(|colour| ("warning", colour.to_owned())));
        filters.extend(ask::procedure_filter(message.procedure())?.map(|stage| ("procedure", stage.to_owned())));
        let exact = [
            ("item", &message.item_code),
            ("application", &message.application_id),
            ("number", &message.case_number),
            ("step", &message.step_code),
        ];
        filters.extend(
            exact.into_iter().filter(|(_, value)| !value.is_empty()).map(|(name, value)| (name, value.clone())),
        );
        filters.extend(Self::holder_filter(message, caller)?.map(|account| ("holder", account)));
        // What applicants see is theirs already; an officer who also applied asks for it by name.
        if message.mine && caller.is_staff() {
            filters.push(("owner", caller.id.clone()));
        }
        let query = ListQuery {
            filters,
            page_size: wire::page_size(message.page_size)?,
            page_token: message.page_token.clone(),
        };
        let page = self.ledger.list::<Case>(&query, &caller.audiences()).await?;
        let line =
            |read: &Read<Case>| show::line_to(inside(caller, &read.state), show::summary(read.stream, &read.state));
        let cases = page.items.iter().map(line).collect();
        Ok(pb::ListCasesResponse { cases, next_page_token: page.next_page_token })
    }

    async fn review(&self, incoming: Incoming<pb::ReviewCaseRequest>) -> Result<pb::Case, Fault> {
        let message = &incoming.message;
        let (recommendation, opinion) = ask::review(message)?;
        let step = message.step_code.clone();
        let target = (message.id.as_str(), message.request_id.as_str(), message.etag.as_str());
        let rule =
            move |case: &Case, by: &Hands, _: &Context| review::review(case, by, (&step, recommendation, &opinion));
        Ok(self.shown(&self.handled(&incoming, "ReviewCase", target, rule).await?))
    }

    async fn return_case(&self, incoming: Incoming<pb::ReturnCaseRequest>) -> Result<pb::Case, Fault> {
        let message = &incoming.message;
        let (step, reason) = ask::case_return(message)?;
        let target = (message.id.as_str(), message.request_id.as_str(), message.etag.as_str());
        let rule = move |case: &Case, by: &Hands, _: &Context| review::return_to(case, by, &step, &reason);
        Ok(self.shown(&self.handled(&incoming, "ReturnCase", target, rule).await?))
    }

    async fn decide(&self, incoming: Incoming<pb::DecideCaseRequest>) -> Result<pb::Case, Fault> {
        let message = &incoming.message;
        let ruling = ask::ruling(message)?;
        let target = (message.id.as_str(), message.request_id.as_str(), message.etag.as_str());
        let rule = move |case: &Case, by: &Hands, cx: &Context| decide::decide(case, by, &ruling, cx);
        let done = self.handled(&incoming, "DecideCase", target, rule).await?;
        Ok(self.shown(&self.documented(done, &incoming.trace).await))
    }

    async fn check(&self, incoming: Incoming<pb::RecordFollowUpCheckRequest>) -> Result<pb::Case, Fault> {
        let message = &incoming.message;
        let (outcome, findings) = ask::check(message)?;
        let target = (message.id.as_str(), message.request_id.as_str(), message.etag.as_str());
        let rule =
            move |case: &Case, by: &Officer, cx: &Context| decide::record_follow_up(case, by, outcome, &findings, cx);
        self.act(&incoming, "RecordFollowUpCheck", target, rule).await
    }

    async fn retry(&self, incoming: Incoming<pb::RetryLicenseRequest>) -> Result<pb::Case, Fault> {
        let message = &incoming.message;
        let type_code = ask::license_type(message)?;
        let target = (message.id.as_str(), message.request_id.as_str(), message.etag.as_str());
        let rule = move |case: &Case, by: &Officer, _: &Context| decide::retry_license(case, &type_code, by);
        self.act(&incoming, "RetryLicense", target, rule).await
    }
}

#[tonic::async_trait]
impl ApprovalService for Approval {
    async fn open_case(&self, request: Request<pb::OpenCaseRequest>) -> Reply<pb::Case> {
        reply(self.open(receive(request)?).await)
    }

    async fn record_material(&self, request: Request<pb::RecordMaterialRequest>) -> Reply<pb::Case> {
        reply(self.record(receive(request)?).await)
    }

    async fn list_cases(&self, request: Request<pb::ListCasesRequest>) -> Reply<pb::ListCasesResponse> {
        reply(self.list(receive(request)?).await)
    }

    async fn get_case(&self, request: Request<pb::GetCaseRequest>) -> Reply<pb::Case> {
        reply(self.get(receive(request)?).await)
    }

    type WatchCaseStream = ReceiverStream<Result<pb::CaseProgress, Status>>;

    async fn watch_case(&self, request: Request<pb::WatchCaseRequest>) -> Reply<Self::WatchCaseStream> {
        reply(self.watch(receive(request)?).await)
    }

    async fn review_case(&self, request: Request<pb::ReviewCaseRequest>) -> Reply<pb::Case> {
        reply(self.review(receive(request)?).await)
    }

    async fn return_case(&self, request: Request<pb::ReturnCaseRequest>) -> Reply<pb::Case> {
        reply(self.return_case(receive(request)?).await)
    }

    async fn decide_case(&self, request: Request<pb::DecideCaseRequest>) -> Reply<pb::Case> {
        reply(self.decide(receive(request)?).await)
    }

    async fn request_procedure(&self, request: Request<pb::RequestProcedureRequest>) -> Reply<pb::Case> {
        reply(self.request_procedure(receive(request)?).await)
    }

    async fn decide_procedure(&self, request: Request<pb::DecideProcedureRequest>) -> Reply<pb::Case> {
        reply(self.decide_procedure(receive(request)?).await)
    }

    async fn end_procedure(&self, request: Request<pb::EndProcedureRequest>) -> Reply<pb::Case> {
        reply(self.end_procedure(receive(request)?).await)
    }

    async fn record_follow_up_check(&self, request: Request<pb::RecordFollowUpCheckRequest>) -> Reply<pb::Case> {
        reply(self.check(receive(request)?).await)
    }

    async fn retry_license(&self, request: Request<pb::RetryLicenseRequest>) -> Reply<pb::Case> {
        reply(self.retry(receive(request)?).await)
    }

    async fn lapse_case(&self, request: Request<pb::LapseCaseRequest>) -> Reply<pb::Case> {
        reply(self.lapse(receive(request)?).await)
    }

    async fn withdraw_case(&self, request: Request<pb::WithdrawCaseRequest>) -> Reply<pb::Case> {
        reply(self.withdraw(receive(request)?).await)
    }
}
