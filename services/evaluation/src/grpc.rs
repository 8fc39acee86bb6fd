//! The handlers: message -> command -> ledger -> message. Nothing is decided here.

use tonic::Request;
use yiwang_kit::{Caller, Fault, Gate, Incoming, Reply, Resource, party, receive, reply, wire};
use yiwang_ledger::{Aggregate as _, Audiences, Call, Context, Ledger, ListQuery, Read, Refusal, StreamId, SubjectId};
use yiwang_proto::evaluation::v1 as pb;
use yiwang_proto::evaluation::v1::evaluation_service_server::EvaluationService;

use crate::convert;
use crate::evaluation::{Evaluation, decide, not_found, stream};

/// The service over its ledger.
#[derive(Clone)]
pub struct Evaluations {
    ledger: Ledger,
    gate: Gate,
}

const RIGHT: Resource<'static> =
    Resource { kind: "EvaluationRight", owner: "", organisation: "", region: "", item: "", status: "" };
const EVALUATION: Resource<'static> = Resource { kind: "Evaluation", ..RIGHT };

/// The actor of an anonymous evaluation's entry.
const ANONYMOUS: &str = "person:anonymous";

fn resource<'a>(evaluation: &'a Evaluation, kind: &'a str, caller: &Caller) -> Resource<'a> {
    let Some(right) = &evaluation.right else { return Resource { kind, ..RIGHT } };
    // Who filed the application for another was served too, and may judge.
    let owner = right.owner_subject.as_ref().filter(|owner| Some(*owner) == caller.subject.as_ref());
    Resource {
        kind,
        owner: owner.unwrap_or(&right.subject).as_str(),
        organisation: &right.department_code,
        region: &right.region,
        item: &right.item_code,
        status: evaluation.status(),
    }
}

impl Evaluations {
    /// Over a ledger and the policies.
    pub fn new(ledger: Ledger, gate: Gate) -> Self {
        Self { ledger, gate }
    }

    async fn open(&self, incoming: Incoming<pb::OpenRightRequest>) -> Result<pb::EvaluationRight, Fault> {
        self.gate.allow(&incoming.caller, "OpenRight", &RIGHT)?;
        let right = convert::right(&incoming.message, self.ledger.vault())?;
        let id = stream(self.ledger.vault(), &right.case_number, right.service_number);
        let call = self.unlinked(incoming.call("OpenRight", &id.to_string(), &incoming.message.request_id)?);
        let rule = move |evaluation: &Evaluation, cx: &Context| decide::open(evaluation, &right, cx);
        let done = self.ledger.create::<Evaluation>(id, call, rule).await?;
        Ok(convert::right_out(done.stream, &done.state))
    }

    async fn rights(
        &self,
        incoming: Incoming<pb::ListEvaluationRightsRequest>,
    ) -> Result<pb::ListEvaluationRightsResponse, Fault> {
        let message = &incoming.message;
        self.gate.allow(&incoming.caller, "ListEvaluationRights", &RIGHT)?;
        let query = ListQuery {
            filters: vec![("status", "PENDING".to_owned())],
            page_size: wire::page_size(message.page_size)?,
            page_token: message.page_token.clone(),
        };
        let page = self.ledger.list::<Evaluation>(&query, &incoming.caller.audiences()).await?;
        let rights = page.items.iter().map(|read| convert::right_out(read.stream, &read.state)).collect();
        Ok(pb::ListEvaluationRightsResponse { rights, next_page_token: page.next_page_token })
    }

    /// Operators and supervisors see the request and the trace of an entry, here and in the ledgers of the case: neither
    /// leads from an evaluation to its case.
    fn unlinked(&self, call: Call) -> Call {
        let request_id = crate::kept_as(&self.ledger, &call.request_id);
        Call { trace: request_id.chars().take(32).collect(), request_id, ..call }
    }

    async fn create(&self, incoming: Incoming<pb::CreateEvaluationRequest>) -> Result<pb::Evaluation, Fault> {
        let message = &incoming.message;
        // Before anything is looked up: an officer would learn from the answer whether a case was evaluated.
        let owner = incoming.caller.subject.as_ref().map_or("", SubjectId::as_str);
        self.gate.allow(&incoming.caller, "CreateEvaluation", &Resource { owner, ..RIGHT })?;
        let rate = convert::rate(message)?;
        let number = convert::number(message.service_number)?;
        let id = stream(self.ledger.vault(), message.case_number.trim(), number);
        let mut call = self.unlinked(incoming.call("CreateEvaluation", &id.to_string(), &message.request_id)?);
        // Operators and supervisors see the actors of entries: an anonymous one names nobody.
        if rate.anonymous {
            call = call.with_actor(ANONYMOUS);
        }
        let (gate, caller) = (self.gate.clone(), incoming.caller.clone());
        let audiences = caller.audiences();
        let rule = move |evaluation: &Evaluation, cx: &Context| {
            if evaluation.right.is_none() || !audiences.meets(&evaluation.tags()) {
                return Err(decide::no_right());
            }
            gate.allow(&caller, "CreateEvaluation", &resource(evaluation, "EvaluationRight", &caller))?;
            decide::rate(evaluation, &rate, cx)
        };
        let done = self.ledger.execute::<Evaluation>(id, call, rule).await?;
        Ok(convert::evaluation(done.stream, done.version, &done.state, &incoming.caller))
    }

    async fn get(&self, incoming: Incoming<pb::GetEvaluationRequest>) -> Result<pb::Evaluation, Fault> {
        self.gate.allow(&incoming.caller, "GetEvaluation", &EVALUATION)?;
        let id = StreamId::parse("id", &incoming.message.id)?;
        let read: Option<Read<Evaluation>> = self.ledger.get(id, &incoming.caller.audiences()).await?;
        // A right that nobody has used yet is no evaluation.
        let read = read.filter(|read| read.state.rating.is_some()).ok_or_else(not_found)?;
        // The citizen's own words may name anybody: a staff read of them is an entry itself.
        if incoming.caller.is_staff() {
            self.ledger.record_read(incoming.read_call("GetEvaluation", &id.to_string()), id, "GetEvaluation").await?;
        }
        Ok(convert::evaluation(id, read.version, &read.state, &incoming.caller))
    }

    async fn list(&self, incoming: Incoming<pb::ListEvaluationsRequest>) -> Result<pb::ListEvaluationsResponse, Fault> {
        let (caller, message) = (&incoming.caller, &incoming.message);
        self.gate.allow(caller, "ListEvaluations", &EVALUATION)?;
        let mut filters: Vec<(&'static str, String)> = vec![("rated", "yes".to_owned())];
        filters.extend(convert::status_filter(message.status()).map(|status| ("status", status.to_owned())));
        if message.bad_only {
            filters.push(("bad", "yes".to_owned()));
        }
        if !message.case_number.is_empty() {
            filters.push(self.by_case(caller, &message.case_number).await?);
        }
        let query = ListQuery {
            filters,
            page_size: wire::page_size(message.page_size)?,
            page_token: message.page_token.clone(),
        };
        let page = self.ledger.list::<Evaluation>(&query, &caller.audiences()).await?;
        let shown = page.items.iter().map(|read| convert::listed(read.stream, read.version, &read.state, caller));
        Ok(pb::ListEvaluationsResponse { evaluations: shown.collect(), next_page_token: page.next_page_token })
    }

    /// The filter by which a caller finds the evaluations of a case. Staff find no anonymous one, and who handled the case
    /// finds none: asked by a number that no case has, the list answers as if there were none.
    async fn by_case(&self, caller: &Caller, case_number: &str) -> Result<(&'static str, String), Refusal> {
        if !caller.is_staff() {
            return Ok(("own_case", case_number.to_owned()));
        }
        let filters = vec![("case", case_number.to_owned())];
        // A case has at most 99 services.
        let all = ListQuery { filters, page_size: 100, page_token: String::new() };
        let page = self.ledger.list::<Evaluation>(&all, &Audiences::all()).await?;
        let mut rights = page.items.iter().filter_map(|read| read.state.right.as_ref());
        let handled = rights.any(|right| right.handlers.contains(&caller.id));
        Ok(("case", if handled { String::new() } else { case_number.to_owned() }))
    }

    async fn answer(&self, incoming: Incoming<pb::ReplyEvaluationRequest>) -> Result<pb::Evaluation, Fault> {
        let message = &incoming.message;
        let id = StreamId::parse("id", &message.id)?;
        let (finding, text) = convert::reply(message)?;
        let mut call = incoming.call("ReplyEvaluation", &id.to_string(), &message.request_id)?;
        call.expected_version = wire::expected_version(&message.etag)?;
        let (gate, caller) = (self.gate.clone(), incoming.caller.clone());
        let (audiences, by) = (caller.audiences(), convert::officer(&party::actor(&caller)));
        let rule = move |evaluation: &Evaluation, cx: &Context| {
            if evaluation.rating.is_none() || !audiences.meets(&evaluation.tags()) {
                return Err(not_found());
            }
            gate.allow(&caller, "ReplyEvaluation", &resource(evaluation, "Evaluation", &caller))?;
            decide::reply(evaluation, &by, finding, &text, cx)
        };
        let done = self.ledger.execute::<Evaluation>(id, call, rule).await.map_err(wire::contract_word)?;
        Ok(convert::evaluation(done.stream, done.version, &done.state, &incoming.caller))
    }
}

#[tonic::async_trait]
impl EvaluationService for Evaluations {
    async fn open_right(&self, request: Request<pb::OpenRightRequest>) -> Reply<pb::EvaluationRight> {
        reply(self.open(receive(request)?).await)
    }

    async fn list_evaluation_rights(
        &self,
        request: Request<pb::ListEvaluationRightsRequest>,
    ) -> Reply<pb::ListEvaluationRightsResponse> {
        reply(self.rights(receive(request)?).await)
    }

    async fn create_evaluation(&self, request: Request<pb::CreateEvaluationRequest>) -> Reply<pb::Evaluation> {
        reply(self.create(receive(request)?).await)
    }

    async fn get_evaluation(&self, request: Request<pb::GetEvaluationRequest>) -> Reply<pb::Evaluation> {
        reply(self.get(receive(request)?).await)
    }

    async fn list_evaluations(
        &self,
        request: Request<pb::ListEvaluationsRequest>,
    ) -> Reply<pb::ListEvaluationsResponse> {
        reply(self.list(receive(request)?).await)
    }

    async fn reply_evaluation(&self, request: Request<pb::ReplyEvaluationRequest>) -> Reply<pb::Evaluation> {
        reply(self.answer(receive(request)?).await)
    }
}
