//! 决定书 of a case, in two steps that each happen once: the register issues the document with its number, the case takes the
//! number. The same code runs in the handler that decided and in the relay `documents`, which does it for what is decided on the
//! spot and completes what a crash between the steps left; both use the hash of the decision's entry as request id.

use yiwang_documents::Kind;
use yiwang_documents::desk::{Desk, Order};
use yiwang_documents::draft::{Draft, Grounds, Matter};
use yiwang_ledger::{Call, Committed, Context, Decision as Decided, Hash, Ledger, Personal, Refusal, StreamId};
use yiwang_proto::party::v1::DocumentKind;

use crate::case::rules::{self, RuleSet};
use crate::case::{Case, Event, Outcome, ResultKind};

/// The document that a case calls for right after its decision, so that the decision's entry is the one that calls for it; none
/// at any other time, or where the applicant's data are gone.
pub fn order(stream: StreamId, case: &Case) -> Option<Order> {
    if !case.documents.is_empty() || case.steps.last().is_none_or(|last| last.kind != "Decided") {
        return None;
    }
    let (facts, decision) = (case.facts.as_ref()?, case.decision.as_ref()?);
    let (item, applicant) = (&facts.item, &facts.applicant);
    let draft = match &decision.outcome {
        Outcome::Granted { reasons } => {
            let recorded = RuleSet::of(item).recorded;
            let remark = reasons.as_ref().and_then(Personal::get).unwrap_or_default().to_owned();
            // the decision itself is what comes out, or the receipt is
            let result = if item.result == ResultKind::License { item.result_name.clone() } else { String::new() };
            let deliver_by = decision.delivery.as_ref().map(|due| due.date);
            Draft::Grant { recorded, result, remark, deliver_by }
        }
        Outcome::Refused { reasons, remedies } => {
            Draft::Refusal { grounds: Grounds::new(reasons.get()?, &remedies.zh).ok()? }
        }
    };
    let matter = Matter {
        applicant: applicant.name.get()?.to_owned(),
        person: applicant.document_kind != DocumentKind::UnifiedSocialCreditCode as i32,
        item: item.name.clone(),
        item_code: item.code.clone(),
        case_number: facts.number.clone(),
        organ: item.organisation_name.clone(),
        organ_code: item.organisation.clone(),
        licensing: item.item_type == rules::LICENSING,
    };
    Some(Order { stream, matter, subject: applicant.subject.clone(), draft, date: decision.on })
}

/// The case takes the number of a document. Once taken there is nothing to do.
pub fn take(case: &Case, kind: Kind, number: &str) -> Decided<Event> {
    if case.documents.iter().any(|known| known == number) {
        return Ok(Vec::new());
    }
    Ok(vec![Event::DocumentIssued { kind, number: number.to_owned() }])
}

/// The case takes the document once.
fn request_id(entry: Hash) -> String {
    format!("documented.{entry}")
}

/// Whether the case has the document of the decision whose entry has this hash.
///
/// # Errors
/// Those of the ledger.
pub async fn is_complete(ledger: &Ledger, entry: Hash) -> Result<bool, Refusal> {
    ledger.was_accepted(&request_id(entry)).await
}

/// Issues the document of the decision whose entry has this hash; the case afterwards.
///
/// # Errors
/// Those of the ledger; the relay tries again.
pub async fn complete(
    ledger: &Ledger,
    desk: &Desk,
    order: Order,
    entry: Hash,
    trace: &str,
) -> Result<Committed<Case>, Refusal> {
    let stream = order.stream;
    let issued = desk.issue(order, entry, trace).await?;
    let call = Call::system(request_id(entry), trace);
    let rule = move |case: &Case, _: &Context| take(case, issued.kind, &issued.number);
    ledger.execute::<Case>(stream, call, rule).await
}
