//! The rules of a delivery. The shell has checked that the caller may see it and that the policies allow the action.

use yiwang_ledger::{Context, Decision, Kind, Personal, Refusal, StreamId};
use yiwang_standards::identity::DocumentKind;

use super::{Collector, Delivery, Event, Facts, Left, Manner, Served, Stage, post, tags};
use crate::application::{Actor, Application, Conclusion, Party};
use crate::limit::{Due, Ends as _, Limit, Source, Unit, legal_date};
use crate::mandate::{Act, Held, Mandate};

/// Type 01, 行政许可.
const LICENSING: u16 = 1;
/// 行政许可法 art. 44: within ten days of the decision, working days by art. 82.
const DAYS: u32 = 10;

/// By when a grant is handed out; no rule sets a date for anything else.
pub fn limit(item_type: u16, granted: bool) -> Option<Limit> {
    (item_type == LICENSING && granted).then(|| Limit {
        days: DAYS,
        unit: Unit::WorkingDay,
        basis: "《中华人民共和国行政许可法》第四十四条".to_owned(),
        source: Source::Statute,
        ..Limit::default()
    })
}

/// What of a conclusion is handed out: what came of a grant, or the decision that turns it down.
pub fn served(application: StreamId, app: &Application, conclusion: &Conclusion) -> Option<Served> {
    match (&conclusion.result, conclusion.granted) {
        (Some(result), true) => Some(Served {
            application,
            name: if result.name.is_empty() { "办理结果".to_owned() } else { result.name.clone() },
            number: result.number.clone(),
            license: result.license.clone(),
        }),
        (_, false) if !conclusion.document.is_empty() => Some(Served {
            application,
            name: if app.item.item_type == LICENSING { "不予行政许可决定书" } else { "不予决定书" }.to_owned(),
            number: conclusion.document.clone(),
            license: String::new(),
        }),
        _ => None,
    }
}

/// A case was decided, or something of it is there now. Told again, nothing happens.
pub fn tell(
    delivery: &Delivery,
    facts: &Facts,
    limit: Option<&Limit>,
    results: &[Served],
    cx: &Context,
) -> Decision<Event> {
    let mut events = Vec::new();
    if delivery.stage == Stage::Absent {
        let due = limit.map(|limit| limit.due(facts.decided, &cx.calendar));
        events.push(Event::DeliveryOpened { facts: Box::new(facts.clone()), due });
    }
    let known = |result: &&Served| delivery.results.iter().any(|one| one.application == result.application);
    events.extend(results.iter().filter(|result| !known(result)).map(|one| Event::ResultReady { result: one.clone() }));
    Ok(events)
}

/// `DELIVERY_NOT_AT_STAGE`.
pub(super) fn elsewhere(delivery: &Delivery) -> Refusal {
    if delivery.stage == Stage::Absent {
        return super::not_found();
    }
    let (zh, en) = ("送达不在这一环节", "the delivery stands at another stage");
    Refusal::state("DELIVERY_NOT_AT_STAGE", zh, en).with("stage", delivery.stage.name())
}

pub(super) fn at(delivery: &Delivery, stages: &[Stage]) -> Result<(), Refusal> {
    if stages.contains(&delivery.stage) { Ok(()) } else { Err(elsewhere(delivery)) }
}

/// Whether its date has passed.
pub(super) fn late(delivery: &Delivery, cx: &Context) -> bool {
    let due = delivery.due.as_ref().map(|due| due.recounted(&cx.calendar).unwrap_or_else(|| due.clone()));
    due.is_some_and(|due| due.passed(cx.now))
}

/// `MANDATE_MISSING`, unless who acts is the addressee or holds a mandate to receive for everything that is handed out.
///
/// # Errors
/// As it says.
pub fn may_receive(
    delivery: &Delivery,
    who: &Party,
    mandates: &[(StreamId, Mandate)],
    cx: &Context,
) -> Result<Option<Held>, Refusal> {
    let facts = delivery.facts.as_ref().ok_or_else(super::not_found)?;
    let principal = &facts.addressee.subject;
    if who.subject == *principal {
        return Ok(None);
    }
    let today = legal_date(cx.now);
    let covers = |mandate: &Mandate| {
        let mut parts = facts.parts.iter();
        parts.all(|part| mandate.covers(principal, &who.subject, &part.item, Act::Receive, today))
    };
    let held = mandates.iter().find(|(_, mandate)| covers(mandate));
    let kind = held.and_then(|(id, mandate)| Some(Held { id: *id, kind: mandate.grant.as_ref()?.kind }));
    kind.map(Some).ok_or_else(|| {
        let (zh, en) =
            ("代领应当有本人的授权委托，权限包括领取结果", "whoever receives for another holds a mandate to receive");
        Refusal::new(Kind::PermissionDenied, "MANDATE_MISSING", zh, en)
    })
}

/// How somebody wants to have it.
#[derive(Clone, Debug)]
pub struct Choose {
    /// 送达方式.
    pub manner: Manner,
    /// 同意电子送达.
    pub consent: bool,
    /// The item delivers by post or locker.
    pub offered: bool,
}

/// 选择送达方式, until it is on its way.
///
/// # Errors
/// `DELIVERY_NOT_AT_STAGE`, `CONSENT_MISSING`, `MANNER_NOT_OFFERED`.
pub fn choose(delivery: &Delivery, ask: &Choose, by: &Actor) -> Decision<Event> {
    at(delivery, &[Stage::Preparing, Stage::Ready])?;
    match ask.manner {
        Manner::Electronic if !ask.consent => {
            let (zh, en) = ("电子送达须经受送达人同意", "electronic service needs the addressee's consent");
            return Err(Refusal::field("electronic_consent", "CONSENT_MISSING", zh, en));
        }
        Manner::Post(_) | Manner::Locker { .. } if !ask.offered => {
            let (zh, en) = ("该事项不提供快递和自助柜送达", "the item offers neither post nor a locker");
            return Err(Refusal::field("manner", "MANNER_NOT_OFFERED", zh, en));
        }
        _ => {}
    }
    Ok(vec![Event::MannerChosen { manner: ask.manner.clone(), by: by.clone() }])
}

/// `FEE_UNPAID`.
///
/// # Errors
/// As it says.
pub fn paid(unpaid: bool) -> Result<(), Refusal> {
    if !unpaid {
        return Ok(());
    }
    let (zh, en) =
        ("收费清单规定领取结果前缴费，请先缴清", "the charge list wants it paid before the result is handed out");
    Err(Refusal::state("FEE_UNPAID", zh, en))
}

/// 领取, at the window: by the addressee, or by somebody with their mandate, who shows their document.
///
/// # Errors
/// `DELIVERY_NOT_AT_STAGE`, `COLLECTOR_MISSING`, `SAME_PERSON`, `MANDATE_MISSING`.
pub fn collect(
    delivery: &Delivery,
    party: &Party,
    mandates: &[(StreamId, Mandate)],
    (by, own): (&Actor, Option<&yiwang_ledger::SubjectId>),
    cx: &Context,
) -> Decision<Event> {
    at(delivery, &[Stage::Ready])?;
    let person = party.is_identified() && !party.kind.is_some_and(DocumentKind::is_organisation);
    if !person || party.name.is_none() {
        let (zh, en) =
            ("请核对领取人的身份证件并登记姓名、证件类型和号码", "look at the collector's document and enter it");
        return Err(Refusal::field("collector", "COLLECTOR_MISSING", zh, en));
    }
    if own == Some(&party.subject) {
        let (zh, en) = ("工作人员不得将结果发给本人", "an officer hands nothing out to themselves");
        return Err(Refusal::new(Kind::PermissionDenied, "SAME_PERSON", zh, en));
    }
    let mandate = may_receive(delivery, party, mandates, cx)?;
    let collector = Box::new(Collector { party: party.clone(), mandate });
    Ok(vec![Event::ResultCollected { collector, late: late(delivery, cx), by: by.clone() }])
}

/// 电子送达: what is ready has reached the account that was agreed.
pub fn arrive(delivery: &Delivery, cx: &Context) -> Decision<Event> {
    if delivery.stage != Stage::Ready || delivery.manner != Manner::Electronic {
        return Ok(Vec::new());
    }
    Ok(vec![Event::ArrivedElectronically { late: late(delivery, cx) }])
}

/// 留置送达: the addressee would not take it.
///
/// # Errors
/// `DELIVERY_NOT_AT_STAGE`, `WITNESS_MISSING`.
pub fn leave(delivery: &Delivery, left: &Left, by: &Actor, cx: &Context) -> Decision<Event> {
    at(delivery, &[Stage::Ready])?;
    if left.witnesses.is_empty() && left.evidence.is_empty() {
        let (zh, en) = ("留置送达应当有见证人，或者拍照、录像", "there is a witness, or photographs or a film");
        return Err(Refusal::field("witnesses", "WITNESS_MISSING", zh, en));
    }
    Ok(vec![Event::DeliveryLeft { left: Box::new(left.clone()), late: late(delivery, cx), by: by.clone() }])
}

/// 补制: what was lost is made again.
///
/// # Errors
/// `DELIVERY_NOT_AT_STAGE`.
pub fn remade(delivery: &Delivery, number: &str, by: &Actor) -> Decision<Event> {
    at(delivery, &[Stage::Lost])?;
    Ok(vec![Event::ResultRemade { number: number.to_owned(), by: by.clone() }])
}

/// 送达回证 of a part is there. Told again, nothing happens.
pub fn proof(delivery: &Delivery, application: StreamId, number: &str) -> Decision<Event> {
    if delivery.proofs.iter().any(|(one, _)| *one == application) {
        return Ok(Vec::new());
    }
    Ok(vec![Event::ProofIssued { application, number: number.to_owned() }])
}

/// What happens when nobody acts: a date passes, the carrier is asked again, a code is good no more.
pub fn timer(delivery: &Delivery, cx: &Context) -> Decision<Event> {
    let mut events = recompute(delivery, cx)?;
    let renewed = events.first().and_then(|event| match event {
        Event::DeliveryDueRecomputed { due } => Some(due.clone()),
        _ => None,
    });
    let due: Option<&Due> = renewed.as_ref().or_else(|| tags::watched(delivery));
    events.extend(due.filter(|due| due.passed(cx.now)).map(|due| Event::DeliveryOverdue { due: due.clone() }));
    events.extend(post::due(delivery, cx));
    let locker = delivery.compartment.as_ref().filter(|_| delivery.stage == Stage::InLocker);
    events.extend(locker.filter(|one| one.expires <= cx.now).map(|_| Event::LockerLapsed));
    Ok(events)
}

/// A year of the calendar was loaded: the date is computed anew.
pub fn recompute(delivery: &Delivery, cx: &Context) -> Decision<Event> {
    let due = tags::watched(delivery).and_then(|due| due.recounted(&cx.calendar));
    Ok(due.map(|due| Event::DeliveryDueRecomputed { due }).into_iter().collect())
}

/// A text about the addressee, sealed.
pub fn about(delivery: &Delivery, field: &'static str, text: &str) -> Personal {
    Personal::new(&delivery.subject(), field, text)
}
