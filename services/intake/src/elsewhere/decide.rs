//! The rules of a custody: who holds a parcel sends it on, who receives it confirms, and what is late is seen.

use std::sync::Arc;

use yiwang_ledger::{Context, Decision, Personal, Refusal, StreamId, SubjectId};

use super::{
    Custody, CustodyEvent as Event, Direction, Holder, MOST_HAND_OVERS, MOST_PARCELS, Matter, Paper, Parcel, Stage,
    not_found,
};
use crate::application::{Actor, Party};
use crate::delivery::{self, Delivery, decide as delivering};
use crate::limit::{Due, Ends as _, Limit, legal_date};
use crate::mandate::Mandate;

/// Seals a parcel.
#[derive(Clone, Debug)]
pub struct Seal {
    /// Which way it goes.
    pub direction: Direction,
    /// 封签号.
    pub seal: String,
    /// What is in it.
    pub papers: Vec<Paper>,
    /// Who holds it.
    pub holder: Holder,
    /// The matter has ended: decided, refused or withdrawn.
    pub ended: bool,
    /// What came of the matter is not in it.
    pub originals_only: bool,
}

fn due(limit: &Limit, cx: &Context) -> Due {
    limit.due(legal_date(cx.now), &cx.calendar)
}

/// 封装. What goes to the organ is sealed while the matter goes on; originals go back at any time, what came of it once it has ended.
///
/// # Errors
/// `MATTER_ENDED`, `MATTER_NOT_ENDED`, `TOO_MANY_PARCELS`, `PAPERS_MISSING`, `SEAL_REPEATED`.
pub fn seal(custody: &Custody, matter: &Matter, ask: &Seal, by: &Actor, cx: &Context) -> Decision<Event> {
    match (ask.direction, ask.ended) {
        (Direction::Out, true) => {
            let (zh, en) = ("该申请已经办结或者终止，不再移交材料", "the matter has ended: nothing goes to the organ");
            return Err(Refusal::state("MATTER_ENDED", zh, en));
        }
        (Direction::Back, false) if !ask.originals_only => {
            let (zh, en) =
                ("该申请尚未办结，还没有可以送回的结果", "the matter goes on: there is nothing to send back");
            return Err(Refusal::state("MATTER_NOT_ENDED", zh, en));
        }
        _ => {}
    }
    if custody.parcels.len() >= MOST_PARCELS {
        return Err(Refusal::state("TOO_MANY_PARCELS", "材料包过多", "too many parcels"));
    }
    if ask.papers.is_empty() {
        return Err(Refusal::field("papers", "PAPERS_MISSING", "请列明包内材料", "list what is in it"));
    }
    if custody.parcels.iter().any(|parcel| parcel.seal == ask.seal) {
        return Err(Refusal::field("seal_number", "SEAL_REPEATED", "封签号重复", "the seal's number was used before"));
    }
    Ok(vec![Event::ParcelSealed {
        matter: Box::new(matter.clone()),
        direction: ask.direction,
        seal: ask.seal.clone(),
        papers: ask.papers.clone(),
        holder: ask.holder.clone(),
        due: due(&matter.rules.forward, cx),
        by: by.clone(),
        originals_only: ask.originals_only,
    }])
}

fn found(custody: &Custody, number: u32) -> Result<(&Matter, &Parcel), Refusal> {
    custody.matter.as_ref().zip(custody.parcel(number)).ok_or_else(not_found)
}

/// 移交: to the window of either region, or to the organ.
///
/// # Errors
/// `PARCEL_NOT_FOUND`, `PARCEL_NOT_HELD`, `RECEIVER_UNFIT`, `TOO_MANY_HAND_OVERS`.
pub fn hand_over(
    custody: &Custody,
    number: u32,
    to: &Holder,
    carrier: &str,
    by: &Actor,
    cx: &Context,
) -> Decision<Event> {
    let (matter, parcel) = found(custody, number)?;
    check_held(parcel)?;
    if parcel.hand_overs.len() >= MOST_HAND_OVERS {
        return Err(Refusal::state("TOO_MANY_HAND_OVERS", "移交次数过多", "it changed hands too often"));
    }
    if *to == parcel.holder || !(matter.competent(to) || *to == matter.receiving()) {
        let (zh, en) = (
            "只能移交代收地窗口、事项所在地窗口或者办理机关，且不能移交给持有人自己",
            "to the window of the receiving or of the item's region, or to the organ, and not to who holds it",
        );
        return Err(Refusal::field("to", "RECEIVER_UNFIT", zh, en));
    }
    Ok(vec![Event::ParcelHandedOver {
        parcel: number,
        to: to.clone(),
        carrier: carrier.to_owned(),
        due: due(&matter.rules.transit, cx),
        by: by.clone(),
    }])
}

fn check_held(parcel: &Parcel) -> Result<(), Refusal> {
    if matches!(parcel.stage, Stage::Sealed | Stage::Held) {
        return Ok(());
    }
    let (zh, en) = ("该材料包不在持有人手中", "the parcel is in nobody's hands");
    Err(Refusal::state("PARCEL_NOT_HELD", zh, en).with("stage", parcel.stage.name()))
}

/// 签收, with what differs from the list. A broken seal is said in words.
///
/// # Errors
/// `PARCEL_NOT_FOUND`, `PARCEL_NOT_IN_TRANSIT`, `DISCREPANCY_MISSING`.
pub fn confirm(
    custody: &Custody,
    number: u32,
    seal_broken: bool,
    discrepancy: Option<&Personal>,
    by: &Actor,
    cx: &Context,
) -> Decision<Event> {
    let (matter, parcel) = found(custody, number)?;
    let Some(to) = parcel.on_its_way_to() else {
        let (zh, en) = ("该材料包不在移交途中", "the parcel is not on its way");
        return Err(Refusal::state("PARCEL_NOT_IN_TRANSIT", zh, en).with("stage", parcel.stage.name()));
    };
    if seal_broken && discrepancy.is_none() {
        let (zh, en) = ("封签破损的，请写明情况", "say what is to be said of the broken seal");
        return Err(Refusal::field("discrepancy", "DISCREPANCY_MISSING", zh, en));
    }
    let arrived = match parcel.direction {
        Direction::Out => matter.competent(to),
        Direction::Back => *to == matter.receiving(),
    };
    Ok(vec![Event::ParcelConfirmed {
        parcel: number,
        seal_broken,
        discrepancy: discrepancy.cloned(),
        arrived,
        due: (!arrived).then(|| due(&matter.rules.forward, cx)),
        by: by.clone(),
    }])
}

/// 遗失.
///
/// # Errors
/// `PARCEL_NOT_FOUND`, `PARCEL_ENDED`.
pub fn lose(custody: &Custody, number: u32, text: &Personal, by: &Actor) -> Decision<Event> {
    let (_, parcel) = found(custody, number)?;
    if matches!(parcel.stage, Stage::Lost | Stage::HandedOut) {
        let (zh, en) = ("该材料包已交付或者已报失", "the parcel was handed out, or reported lost");
        return Err(Refusal::state("PARCEL_ENDED", zh, en));
    }
    Ok(vec![Event::ParcelLost { parcel: number, text: text.clone(), by: by.clone() }])
}

/// Who has come for a parcel, and what is known of the matter.
#[derive(Clone, Debug)]
pub struct HandOut {
    /// Who came.
    pub party: Party,
    /// The mandates that the applicant has given them.
    pub mandates: Vec<(StreamId, Mandate)>,
    /// Who hands it out, as a person.
    pub own: Option<SubjectId>,
    /// The matter has ended: decided, refused or withdrawn.
    pub ended: bool,
    /// Something came of it, which is delivered; none where nothing did.
    pub result: Option<Outcome>,
}

/// What came of the matter, and whether it may be handed out.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Its delivery.
    pub delivery: Arc<Delivery>,
    /// Something must be paid first.
    pub unpaid: bool,
}

/// 交付, by the receiving place: what came back, and once the matter has ended what never went out or was sent back, to the applicant or
/// who holds their mandate to receive. What came of the matter is handed out as by the organ's own window (decisions 48, 49).
///
/// # Errors
/// `PARCEL_NOT_FOUND`, `PARCEL_NOT_HELD`, `PARCEL_NOT_BACK`, `COLLECTOR_MISSING`, `SAME_PERSON`, `MANDATE_MISSING`, `FEE_UNPAID`,
/// `DELIVERY_NOT_FOUND`, `DELIVERY_NOT_AT_STAGE`.
pub fn hand_out(custody: &Custody, number: u32, ask: &HandOut, by: &Actor, cx: &Context) -> Decision<Event> {
    let (matter, parcel) = found(custody, number)?;
    check_held(parcel)?;
    let there = parcel.direction == Direction::Back || ask.ended;
    if !there || parcel.holder != matter.receiving() {
        let (zh, en) =
            ("只有送回代收地窗口的材料包才能交付申请人", "only what came back to the receiving place is handed out");
        return Err(Refusal::state("PARCEL_NOT_BACK", zh, en));
    }
    let whose = (&matter.applicant, [matter.item.as_str()]);
    let collector = delivering::collector((whose.0, &whose.1), &ask.party, &ask.mandates, ask.own.as_ref(), cx)?;
    // what was delivered otherwise is a copy
    let delivered = |result: &&Outcome| result.delivery.stage == delivery::Stage::Delivered;
    if let Some(result) = ask.result.as_ref().filter(|result| parcel.has_result() && !delivered(result)) {
        delivering::paid(result.unpaid)?;
        delivering::at(&result.delivery, &[delivery::Stage::Ready])?;
    }
    Ok(vec![Event::ParcelHandedOut { parcel: number, by: by.clone(), collector: Some(Box::new(collector)) }])
}

/// The timer's rule: what was not sent on, or not confirmed, in time. Nobody loses anything by it; supervision sees it.
pub fn timer(custody: &Custody, cx: &Context) -> Decision<Event> {
    let late = custody.watched().filter(|(_, due)| due.passed(cx.now));
    Ok(late.map(|(parcel, due)| Event::ParcelOverdue { parcel, due: due.clone() }).collect())
}

/// A year of the calendar was loaded: the limits that run are computed anew.
pub fn recompute(custody: &Custody, cx: &Context) -> Decision<Event> {
    let anew = custody.watched().filter_map(|(parcel, due)| Some((parcel, due.recounted(&cx.calendar)?)));
    Ok(anew.map(|(parcel, due)| Event::ParcelDueRecomputed { parcel, due }).collect())
}
