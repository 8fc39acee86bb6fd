//! 决定书 of a case, and the notices of its special procedures, each in two steps that happen once: the register issues the document
//! with its number, the case takes the number. The same code runs in the handler and in the relay `documents`, which does it for what is
//! decided on the spot and completes what a crash between the steps left; both use the hash of the entry that calls for it as request id.

use yiwang_documents::Kind;
use yiwang_documents::desk::{Desk, Order};
use yiwang_documents::draft::{Draft, Grounds, LastDay, Matter};
use yiwang_ledger::{Call, Committed, Context, Decision as Decided, Hash, Ledger, Personal, Refusal, StreamId};
use yiwang_proto::party::v1::DocumentKind;

use crate::case::procedure::{extension, zh};
use crate::case::rules::{self, RuleSet};
use crate::case::{Allowance, Asked, Case, Decision, Event, Opened, Outcome, ResultKind, StepTaken};

/// Events that call for a document.
pub const CALLING: [&str; 2] = ["Decided", "ProcedureAllowed"];

/// A document that a case calls for, and the special procedure that it tells of, where it tells of one.
pub struct Wanted {
    order: Order,
    procedure: Option<u32>,
}

/// The document that a case calls for right after the entry that calls for it; none at any other time, or where the applicant's data are
/// gone.
pub fn order(stream: StreamId, case: &Case) -> Option<Wanted> {
    let (facts, last) = (case.facts.as_ref()?, case.steps.last()?);
    let (item, applicant) = (&facts.item, &facts.applicant);
    let (draft, date) = match last {
        StepTaken { kind, .. } if kind == "Decided" => {
            let decision = case.decision.as_ref().filter(|decision| decision.document_number.is_empty())?;
            (decided(facts, decision)?, decision.on)
        }
        StepTaken { procedure: Some(number), kind, .. } if kind == "ProcedureAllowed" => {
            let procedure = case.procedures.iter().find(|one| one.number == *number)?;
            let allowance = procedure.allowance().filter(|allowance| allowance.document.is_empty())?;
            (told(facts, &procedure.asked, allowance)?, allowance.on)
        }
        _ => return None,
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
    let order = Order { stream, matter, subject: applicant.subject.clone(), draft, date };
    Some(Wanted { order, procedure: last.procedure })
}

/// 决定书.
fn decided(facts: &Opened, decision: &Decision) -> Option<Draft> {
    let item = &facts.item;
    Some(match &decision.outcome {
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
    })
}

/// 延期告知书、特别程序告知书 (行政许可法 arts. 42, 45): why, how long, and from which day it is not counted.
fn told(facts: &Opened, asked: &Asked, allowance: &Allowance) -> Option<Draft> {
    Some(match (&allowance.until, &allowance.before) {
        (Some(until), _) => Draft::SpecialProcedure {
            procedure: asked.name.clone(),
            basis: asked.basis.clone(),
            // the day on which it is told still counts
            from: allowance.on.succ_opt().unwrap_or(allowance.on),
            takes: format!("{}个工作日", asked.days),
            until: LastDay { date: until.date, provisional: until.provisional() },
        },
        (None, before) => Draft::Extension {
            accepted: facts.accepted_on,
            basis: asked.basis.clone(),
            by: format!("{}{}", asked.days, zh(facts.legal.limit.unit)),
            until: LastDay { date: facts.legal.date, provisional: facts.legal.provisional() },
            approved_by: extension(&facts.item, before.as_ref()?)?.approver().to_owned(),
            reason: asked.reason.get()?.to_owned(),
        },
    })
}

/// The case takes the number of a document. Once taken there is nothing to do.
pub fn take(case: &Case, kind: Kind, number: &str, procedure: Option<u32>) -> Decided<Event> {
    if case.documents.iter().any(|known| known == number) {
        return Ok(Vec::new());
    }
    Ok(vec![Event::DocumentIssued { kind, number: number.to_owned(), procedure }])
}

/// The case takes the document once.
fn request_id(entry: Hash) -> String {
    format!("documented.{entry}")
}

/// Whether the case has the document that the entry with this hash calls for.
///
/// # Errors
/// Those of the ledger.
pub async fn is_complete(ledger: &Ledger, entry: Hash) -> Result<bool, Refusal> {
    ledger.was_accepted(&request_id(entry)).await
}

/// Issues the document that the entry with this hash calls for; the case afterwards.
///
/// # Errors
/// Those of the ledger; the relay tries again.
pub async fn complete(
    ledger: &Ledger,
    desk: &Desk,
    wanted: Wanted,
    entry: Hash,
    trace: &str,
) -> Result<Committed<Case>, Refusal> {
    let Wanted { order, procedure } = wanted;
    let stream = order.stream;
    let issued = desk.issue(order, entry, trace).await?;
    let call = Call::system(request_id(entry), trace);
    let rule = move |case: &Case, _: &Context| take(case, issued.kind, &issued.number, procedure);
    ledger.execute::<Case>(stream, call, rule).await
}
