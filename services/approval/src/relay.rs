//! What approval tells the others, one relay each, so that one service that is away holds nothing back from another: a
//! grant whose result is a licence goes to the licence service and its answer comes back here; every decision gives the
//! applicant the right to evaluate; intake is told what its applicant is told on the way, how each case ended and what came of it.

use std::sync::Arc;

use async_trait::async_trait;
use pbjson_types::{Struct, Value};
use tonic::{Code, Status};
use yiwang_documents::desk::Desk;
use yiwang_kit::{Links, Problem, delivery, party::ERASED, reason, timestamp};
use yiwang_ledger::{Call, Delivery, Entry, Ledger, Personal, Refusal, Route};
use yiwang_proto::evaluation::v1 as evaluation;
use yiwang_proto::evaluation::v1::evaluation_service_client::EvaluationServiceClient;
use yiwang_proto::intake::v1 as intake;
use yiwang_proto::intake::v1::bar_service_client::BarServiceClient;
use yiwang_proto::intake::v1::intake_service_client::IntakeServiceClient;
use yiwang_proto::license::v1 as license;
use yiwang_proto::license::v1::license_service_client::LicenseServiceClient;
use yiwang_proto::party::v1::Party;

use crate::NAME;
use crate::case::{Case, CheckOutcome, Decision, Event, Opened, Outcome, Procedure, ResultKind, decide};
use crate::convert::show;
use crate::{documents, steps};

/// 一次一评: the decision is the first service of a case.
pub const FIRST_SERVICE: i32 = 1;

/// The relays over one ledger.
///
/// # Errors
/// `STORE_UNAVAILABLE`.
pub async fn spawn(ledger: &Ledger, links: &Links, desk: Desk) -> Result<(), Refusal> {
    let shared = Arc::new(Shared { ledger: ledger.clone(), links: links.clone() });
    ledger.relay("documents", Documents { ledger: ledger.clone(), desk });
    ledger.relay("license", ToLicense(shared.clone()));
    ledger.relay("evaluation", ToEvaluation(shared.clone()));
    ledger.relay("bars", Bars(shared.clone()));
    ledger.relay_from_now("notices", Notices(shared.clone())).await?;
    ledger.relay("conclusions", Conclusions(shared));
    Ok(())
}

struct Shared {
    ledger: Ledger,
    links: Links,
}

impl Shared {
    /// The case right after an entry of one of these kinds, with its decision and what it was opened with; `None` for every
    /// other entry.
    async fn decided(&self, entry: &Entry) -> Result<Option<(Decision, Opened)>, Refusal> {
        let read = self.ledger.state_at::<Case>(entry.stream, entry.version).await?;
        Ok(read.and_then(|read| Some((read.state.decision.clone()?, read.state.facts.clone()?))))
    }
}

/// Our own store may be away: tried again.
fn later(refusal: &Refusal) -> Delivery {
    Delivery::Later { reason: refusal.reason.to_owned() }
}

fn full(value: &Personal) -> String {
    value.get().unwrap_or(ERASED).to_owned()
}

fn applicant(facts: &Opened) -> Party {
    let optional = |value: &Option<Personal>| value.as_ref().and_then(Personal::get).unwrap_or_default().to_owned();
    Party {
        name: full(&facts.applicant.name),
        document_kind: facts.applicant.document_kind,
        document_number: full(&facts.applicant.document_number),
        phone: optional(&facts.applicant.phone),
        address: optional(&facts.applicant.address),
    }
}

fn owner_subject(facts: &Opened) -> String {
    facts.owner_subject.as_ref().map(|subject| subject.as_str().to_owned()).unwrap_or_default()
}

/// 决定书、告知书: what calls for a document gets it, where its handler has not done so.
struct Documents {
    ledger: Ledger,
    desk: Desk,
}

#[async_trait]
impl Route for Documents {
    fn wants(&self, entry: &Entry) -> bool {
        entry.is::<Case>() && documents::CALLING.contains(&entry.kind.as_str())
    }

    async fn deliver(&self, entry: &Entry, _request_id: &str) -> Delivery {
        self.ledger.out_of_hand(entry.stream).await;
        match documents::is_complete(&self.ledger, entry.hash).await {
            Ok(true) => return Delivery::Done,
            Ok(false) => {}
            Err(refusal) => return later(&refusal),
        }
        let read = match self.ledger.state_at::<Case>(entry.stream, entry.version).await {
            Ok(read) => read,
            Err(refusal) => return later(&refusal),
        };
        // whose data are gone gets no document
        let Some(order) = read.and_then(|read| documents::order(entry.stream, &read.state)) else {
            return Delivery::Done;
        };
        match documents::complete(&self.ledger, &self.desk, order, entry.hash, &entry.trace).await {
            Ok(_) => Delivery::Done,
            Err(refusal) => later(&refusal),
        }
    }
}

struct ToLicense(Arc<Shared>);

#[async_trait]
impl Route for ToLicense {
    fn wants(&self, entry: &Entry) -> bool {
        entry.is::<Case>() && matches!(entry.kind.as_str(), "Decided" | "LicenseRetried")
    }

    async fn deliver(&self, entry: &Entry, request_id: &str) -> Delivery {
        let (decision, facts) = match self.0.decided(entry).await {
            Ok(Some((decision, facts))) if decision.outcome.is_grant() && facts.item.result == ResultKind::License => {
                (decision, facts)
            }
            Ok(_) => return Delivery::NotMine,
            Err(refusal) => return later(&refusal),
        };
        // No licence names nobody; one that was issued meanwhile came back here by itself.
        if facts.applicant.name.is_erased() {
            tracing::warn!(case = %entry.stream, "no licence: the applicant's data were erased");
            return Delivery::Done;
        }
        let link = self.0.links.get("license").as_service(NAME, &entry.trace).on_behalf_of(&entry.actor);
        let answer = LicenseServiceClient::new(link).issue_license(issue(entry, request_id, &decision, &facts)).await;
        match answer.map(tonic::Response::into_inner) {
            Ok(license) => self.issued(entry, request_id, &license).await,
            Err(status) if is_business(&status) => self.refused(entry, request_id, &status).await,
            Err(status) => delivery::<()>(Err(status)),
        }
    }
}

/// A refusal of the trade, which a person must see on the case; anything else is the relay's own affair. That the id of this
/// very delivery was used for something else says nothing about the licence: it is parked for an operator.
fn is_business(status: &Status) -> bool {
    let trade = matches!(
        status.code(),
        Code::InvalidArgument | Code::FailedPrecondition | Code::AlreadyExists | Code::NotFound
    );
    trade && reason(status) != "REQUEST_ID_REUSED"
}

fn issue(entry: &Entry, request_id: &str, decision: &Decision, facts: &Opened) -> license::IssueLicenseRequest {
    license::IssueLicenseRequest {
        request_id: request_id.to_owned(),
        actor: Some(show::actor(&decision.by)),
        case_id: entry.stream.to_string(),
        case_number: facts.number.clone(),
        item_code: facts.item.code.clone(),
        type_code: facts.item.license_type.clone(),
        name: facts.item.result_name.clone(),
        issuer: facts.item.organisation_name.clone(),
        issuer_code: facts.item.organisation.clone(),
        region_code: facts.item.region.clone(),
        holder: Some(applicant(facts)),
        owner: facts.owner.clone(),
        issue_date: decision.on.to_string(),
        validity_months: i32::try_from(facts.item.validity_months).unwrap_or(0),
        data: data(facts),
        owner_subject: owner_subject(facts),
    }
}

/// The form's fields that the item's licence repeats, and no others: a licence is shown to many.
fn data(facts: &Opened) -> Option<Struct> {
    let form: serde_json::Value = serde_json::from_str(facts.form.as_ref()?.get()?).ok()?;
    let fields = &facts.item.license_fields;
    let chosen = fields.iter().filter_map(|name| Some((name.clone(), form.get(name)?.clone())));
    let fields: std::collections::HashMap<String, Value> =
        chosen.filter_map(|(name, value)| Some((name, serde_json::from_value(value).ok()?))).collect();
    (!fields.is_empty()).then_some(Struct { fields })
}

impl ToLicense {
    async fn issued(&self, entry: &Entry, request_id: &str, license: &license::License) -> Delivery {
        let (id, identifier, number) = (license.id.clone(), license.identifier.clone(), license.number.clone());
        let call = Call::system(format!("{request_id}.issued"), entry.trace.as_str());
        let rule =
            move |case: &Case, _: &yiwang_ledger::Context| decide::license_issued(case, &id, &identifier, &number);
        match self.0.ledger.execute::<Case>(entry.stream, call, rule).await {
            Ok(_) => Delivery::Done,
            Err(refusal) => later(&refusal),
        }
    }

    async fn refused(&self, entry: &Entry, request_id: &str, status: &Status) -> Delivery {
        let Problem { reason, zh, en, .. } = Problem::of(status);
        let call = Call::system(format!("{request_id}.refused"), entry.trace.as_str());
        let rule = move |case: &Case, _: &yiwang_ledger::Context| decide::license_refused(case, &reason, &zh, &en);
        match self.0.ledger.execute::<Case>(entry.stream, call, rule).await {
            Ok(_) => Delivery::Done,
            Err(refusal) => later(&refusal),
        }
    }
}

struct ToEvaluation(Arc<Shared>);

#[async_trait]
impl Route for ToEvaluation {
    fn wants(&self, entry: &Entry) -> bool {
        entry.is::<Case>() && entry.kind == "Decided"
    }

    async fn deliver(&self, entry: &Entry, request_id: &str) -> Delivery {
        let (decision, facts) = match self.0.decided(entry).await {
            Ok(Some(found)) => found,
            Ok(None) => return Delivery::NotMine,
            Err(refusal) => return later(&refusal),
        };
        // Nobody is left who could judge.
        if facts.applicant.name.is_erased() {
            return Delivery::Done;
        }
        let handlers = match self.0.ledger.state_at::<Case>(entry.stream, entry.version).await {
            Ok(read) => read.map(|read| handlers(&read.state)).unwrap_or_default(),
            Err(refusal) => return later(&refusal),
        };
        let request = evaluation::OpenRightRequest {
            request_id: request_id.to_owned(),
            actor: Some(show::actor(&decision.by)),
            case_number: facts.number.clone(),
            service_number: FIRST_SERVICE,
            item_code: facts.item.code.clone(),
            item_name: facts.item.name.clone(),
            department: facts.item.organisation_name.clone(),
            department_code: facts.item.organisation.clone(),
            region_code: facts.item.region.clone(),
            service_name: service_name(&decision.outcome).to_owned(),
            service_time: Some(timestamp(decision.at)),
            owner: facts.owner.clone(),
            applicant: Some(applicant(&facts)),
            handlers,
            owner_subject: owner_subject(&facts),
        };
        let link = self.0.links.get("evaluation").as_service(NAME, &entry.trace).on_behalf_of(&entry.actor);
        delivery(EvaluationServiceClient::new(link).open_right(request).await)
    }
}

fn service_name(outcome: &Outcome) -> &'static str {
    if outcome.is_grant() { "作出准予决定" } else { "作出不予决定" }
}

/// Everybody who handled the case: none of them answers what is said about it.
fn handlers(case: &Case) -> Vec<String> {
    let accepted = case.facts.iter().map(|facts| &facts.accepted_by);
    let reviewed = case.reviews.iter().map(|review| &review.by).chain(case.returns.iter().map(|back| &back.by));
    let decided = case.decision.iter().map(|decision| &decision.by);
    let procedures = case.procedures.iter().flat_map(Procedure::officers);
    let all = accepted.chain(reviewed).chain(decided).chain(procedures).filter(|officer| !officer.is_system());
    let ids: std::collections::BTreeSet<String> = all.map(|officer| officer.id.clone()).collect();
    ids.into_iter().collect()
}

/// 虚假承诺: what the later check found bars its applicant from promises until amends are made.
struct Bars(Arc<Shared>);

#[async_trait]
impl Route for Bars {
    fn wants(&self, entry: &Entry) -> bool {
        entry.is::<Case>() && entry.kind == "FollowUpChecked"
    }

    async fn deliver(&self, entry: &Entry, request_id: &str) -> Delivery {
        let by = match self.0.ledger.decode::<Case>(entry).await {
            Ok(Event::FollowUpChecked { by, outcome: CheckOutcome::FalsePromise, .. }) => by,
            Ok(_) => return Delivery::NotMine,
            Err(refusal) => return later(&refusal),
        };
        let facts = match self.0.ledger.state_at::<Case>(entry.stream, entry.version).await {
            Ok(read) => read.and_then(|read| read.state.facts.clone()),
            Err(refusal) => return later(&refusal),
        };
        let Some(facts) = facts else { return Delivery::NotMine };
        let mut request = intake::RecordBarRequest {
            request_id: request_id.to_owned(),
            application_id: facts.application.clone(),
            finding: format!("办件{}事后核查认定虚假承诺", facts.number),
            actor: Some(show::actor(&by)),
            ..Default::default()
        };
        request.set_kind(intake::BarKind::FalsePromise);
        let link = self.0.links.get("intake").as_service(NAME, &entry.trace).on_behalf_of(&entry.actor);
        delivery(BarServiceClient::new(link).record_bar(request).await)
    }
}

/// 办理中的告知: what the applicant is told in writing while the case goes on is a step of the application.
struct Notices(Arc<Shared>);

#[async_trait]
impl Route for Notices {
    fn wants(&self, entry: &Entry) -> bool {
        entry.is::<Case>() && entry.kind == "DocumentIssued"
    }

    async fn deliver(&self, entry: &Entry, request_id: &str) -> Delivery {
        // most documents are decisions, of which the conclusion tells
        let about = match self.0.ledger.decode::<Case>(entry).await {
            Ok(Event::DocumentIssued { procedure: Some(about), number, .. }) => (about, number),
            Ok(_) => return Delivery::NotMine,
            Err(refusal) => return later(&refusal),
        };
        let case = match self.0.ledger.state_at::<Case>(entry.stream, entry.version).await {
            Ok(Some(read)) => read.state,
            Ok(None) => return Delivery::NotMine,
            Err(refusal) => return later(&refusal),
        };
        let told = case.steps.iter().find(|step| step.kind == "ProcedureAllowed" && step.procedure == Some(about.0));
        let (Some(told), Some(facts)) = (told, &case.facts) else { return Delivery::NotMine };
        let step = steps::step(told, &case);
        let notice = intake::CaseNotice {
            document_number: about.1,
            text: step.text,
            text_en: step.text_en,
            ..Default::default()
        };
        let request = intake::RecordNoticeRequest {
            request_id: request_id.to_owned(),
            application_id: facts.application.clone(),
            notice: Some(notice),
            actor: step.actor,
        };
        let link = self.0.links.get("intake").as_service(NAME, &entry.trace).on_behalf_of(&entry.actor);
        delivery(IntakeServiceClient::new(link).record_notice(request).await)
    }
}

/// 办结: how a case ended goes back to the counter that took it in, and then what came of it.
struct Conclusions(Arc<Shared>);

#[async_trait]
impl Route for Conclusions {
    fn wants(&self, entry: &Entry) -> bool {
        entry.is::<Case>() && matches!(entry.kind.as_str(), "Decided" | "DocumentIssued" | "LicenseIssued")
    }

    async fn deliver(&self, entry: &Entry, request_id: &str) -> Delivery {
        let case = match self.0.ledger.state_at::<Case>(entry.stream, entry.version).await {
            Ok(Some(read)) => read.state,
            Ok(None) => return Delivery::NotMine,
            Err(refusal) => return later(&refusal),
        };
        let (Some(decision), Some(facts)) = (&case.decision, &case.facts) else { return Delivery::NotMine };
        let result = show::result(&case, facts).filter(|result| !result.number.is_empty());
        let conclusion = intake::Conclusion {
            granted: decision.outcome.is_grant(),
            decided_date: decision.on.to_string(),
            case_id: entry.stream.to_string(),
            document_number: decision.document_number.clone(),
            result: result.map(|result| intake::IssuedResult {
                kind: result.kind,
                name: result.name,
                number: result.number,
                license_id: result.license_id,
            }),
        };
        let request = intake::RecordConclusionRequest {
            request_id: request_id.to_owned(),
            application_id: facts.application.clone(),
            conclusion: Some(conclusion),
            actor: Some(show::actor(&decision.by)),
        };
        let link = self.0.links.get("intake").as_service(NAME, &entry.trace).on_behalf_of(&entry.actor);
        delivery(IntakeServiceClient::new(link).record_conclusion(request).await)
    }
}
