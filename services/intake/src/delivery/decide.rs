//! The rules of a delivery. The shell has checked that the caller may see it and that the policies allow the action.

use yiwang_ledger::{Context, Decision, Kind, Personal, Refusal, StreamId, SubjectId, Timestamp};
use yiwang_standards::identity::DocumentKind;

use super::{Collector, Delivery, Event, Facts, Left, Manner, Part, Served, Stage, post, tags};
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

/// A case was decided, or something of it is there now. Told again, nothing happens. What `gathers` waits for the other members of its
/// joint application, and takes up what is told of them for as long as it waits.
pub fn tell(
    delivery: &Delivery,
    facts: &Facts,
    limit: Option<&Limit>,
    (result, gathers): (Option<&Served>, bool),
    cx: &Context,
) -> Decision<Event> {
    let mut facts = facts.clone();
    let due = limit.map(|limit| limit.due(facts.decided, &cx.calendar));
    let until = gathers.then(|| waiting().due(facts.decided, &cx.calendar));
    let new = facts.parts.iter().all(|part| !delivery.has(part.application));
    let mut events = Vec::new();
    if delivery.stage == Stage::Absent {
        facts.parts.iter_mut().for_each(|part| part.due.clone_from(&due));
        events.push(Event::DeliveryOpened { facts: Box::new(facts), due, gathers_until: until });
    } else if new {
        let Some(known) = delivery.gathers_until.as_ref().filter(|_| gathers) else { return Ok(events) };
        let earlier = until.filter(|until| until.date < known.date);
        let Facts { parts, audiences, decided, .. } = facts;
        events.extend(parts.into_iter().map(|part| Event::PartAdded {
            part: Box::new(Part { due: due.clone(), ..part }),
            audiences: audiences.clone(),
            decided,
            gathers_until: earlier.clone(),
        }));
    }
    let known = |result: &&Served| delivery.results.iter().any(|one| one.application == result.application);
    events.extend(result.filter(|result| !known(result)).map(|one| Event::ResultReady { result: one.clone() }));
    Ok(events)
}

/// How long a grant waits for the other members of its joint application: seven of the ten working days of art. 44, so that three are
/// left for handing it out. DESIGN, unverified.
fn waiting() -> Limit {
    Limit { days: 7, unit: Unit::WorkingDay, ..Limit::default() }
}

/// 一次出件: the last member has ended. What is all there is handed out; what is not waits on, as far as it may.
pub fn gathered(delivery: &Delivery) -> Decision<Event> {
    let done = delivery.gathers_until.is_some() && delivery.complete();
    Ok(if done { vec![Event::DeliveryGathered { without: Vec::new() }] } else { Vec::new() })
}

/// It has waited long enough: what is there goes out, and what is not goes by itself. Where nothing is there the first part stays.
fn released(delivery: &Delivery, cx: &Context) -> Option<Event> {
    let until = delivery.gathers_until.as_ref()?;
    let until = until.recounted(&cx.calendar).unwrap_or_else(|| until.clone());
    if !until.passed(cx.now) {
        return None;
    }
    let there = |part: &&Part| delivery.results.iter().any(|result| result.application == part.application);
    let parts = &delivery.facts.as_ref()?.parts;
    let nothing = !parts.iter().any(|part| there(&part));
    let missing = parts.iter().filter(|part| !there(part)).skip(usize::from(nothing));
    Some(Event::DeliveryGathered { without: missing.map(|part| part.application).collect() })
}

/// `DELIVERY_NOT_AT_STAGE`.
pub(super) fn elsewhere(delivery: &Delivery) -> Refusal {
    if delivery.stage == Stage::Absent {
        return super::not_found();
    }
    let (zh, en) = ("送达不在这一环节", "the delivery stands at another stage");
    Refusal::state("DELIVERY_NOT_AT_STAGE", zh, en).with("stage", delivery.stage.name())
}

pub(crate) fn at(delivery: &Delivery, stages: &[Stage]) -> Result<(), Refusal> {
    if stages.contains(&delivery.stage) { Ok(()) } else { Err(elsewhere(delivery)) }
}

/// Whether its date has passed.
pub(super) fn late(delivery: &Delivery, cx: &Context) -> bool {
    late_at(delivery, cx.now, cx)
}

fn late_at(delivery: &Delivery, at: Timestamp, cx: &Context) -> bool {
    let due = delivery.due.as_ref().map(|due| due.recounted(&cx.calendar).unwrap_or_else(|| due.clone()));
    due.is_some_and(|due| due.passed(at))
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
    let items: Vec<&str> = facts.parts.iter().map(|part| part.item.as_str()).collect();
    receives((&facts.addressee.subject, &items), who, mandates, cx)
}

fn receives(
    (principal, items): (&SubjectId, &[&str]),
    who: &Party,
    mandates: &[(StreamId, Mandate)],
    cx: &Context,
) -> Result<Option<Held>, Refusal> {
    if who.subject == *principal {
        return Ok(None);
    }
    let today = legal_date(cx.now);
    let covers =
        |mandate: &Mandate| items.iter().all(|item| mandate.covers(principal, &who.subject, item, Act::Receive, today));
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
    (by, own): (&Actor, Option<&SubjectId>),
    cx: &Context,
) -> Decision<Event> {
    at(delivery, &[Stage::Ready])?;
    let facts = delivery.facts.as_ref().ok_or_else(super::not_found)?;
    let items: Vec<&str> = facts.parts.iter().map(|part| part.item.as_str()).collect();
    let collector = Box::new(collector((&facts.addressee.subject, &items), party, mandates, own, cx)?);
    Ok(vec![Event::ResultCollected { collector, late: late(delivery, cx), by: by.clone() }])
}

/// Who has come for what is somebody's: a person whose document was looked at, and who is them or holds their mandate to receive.
///
/// # Errors
/// `COLLECTOR_MISSING`, `SAME_PERSON`, `MANDATE_MISSING`.
pub fn collector(
    whose: (&SubjectId, &[&str]),
    party: &Party,
    mandates: &[(StreamId, Mandate)],
    own: Option<&SubjectId>,
    cx: &Context,
) -> Result<Collector, Refusal> {
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
    Ok(Collector { party: party.clone(), mandate: receives(whose, party, mandates, cx)? })
}

/// 异地代收: it was handed out where it was received, at a moment. That is so, whatever else was to become of it.
pub fn collected(
    delivery: &Delivery,
    collector: &Collector,
    (by, at): (&Actor, Timestamp),
    cx: &Context,
) -> Decision<Event> {
    if matches!(delivery.stage, Stage::Absent | Stage::Delivered) {
        return Ok(Vec::new());
    }
    let (collector, late) = (Box::new(collector.clone()), late_at(delivery, at, cx));
    Ok(vec![Event::ResultCollected { collector, late, by: by.clone() }])
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

/// 补制: what was lost is made again, with new numbers by application. Where one alone was lost its number needs no application.
///
/// # Errors
/// `DELIVERY_NOT_AT_STAGE`, `RESULT_UNKNOWN`.
pub fn remade(delivery: &Delivery, number: &str, numbers: &[(StreamId, String)], by: &Actor) -> Decision<Event> {
    at(delivery, &[Stage::Lost])?;
    let mut numbers = numbers.to_vec();
    let has = |application: StreamId| delivery.results.iter().any(|result| result.application == application);
    let only = delivery.results.first().filter(|_| delivery.results.len() == 1);
    numbers.extend(only.filter(|_| !number.is_empty()).map(|one| (one.application, number.to_owned())));
    if !numbers.iter().all(|(application, _)| has(*application)) || (!number.is_empty() && only.is_none()) {
        let (zh, en) = ("请按申请逐件写明补制后的编号", "several were lost: give each new number with its application");
        return Err(Refusal::field("remade", "RESULT_UNKNOWN", zh, en));
    }
    Ok(vec![Event::ResultRemade { number: String::new(), by: by.clone(), numbers }])
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
    events.extend(released(delivery, cx));
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
