//! Deliveries, as the contracts bring and show them.

use yiwang_kit::{timestamp, wire};
use yiwang_ledger::{Personal, Refusal, StreamId, SubjectId};
use yiwang_proto::intake::v1 as pb;

use super::application::{Reader, actor, mask_party, party, shown};
use super::{ask, due};
use crate::delivery::{Delivery, Ended, How, Left, Manner, Outcome, Parcel, Recipient, Served, Stage};

const WRONG: &str = "FIELD_INVALID";

/// How much is shown of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    /// Everything, the code of a locker with it.
    Receiving,
    /// Everything but the code.
    Full,
    /// Without what is personal.
    Masked,
}

/// How somebody wants to have it, sealed under the addressee's key.
///
/// # Errors
/// `MANNER_MISSING`, `RECIPIENT_MISSING`, `FIELD_INVALID`.
pub fn manner(message: &pb::ChooseMannerRequest, subject: &SubjectId) -> Result<Manner, Refusal> {
    Ok(match message.manner() {
        pb::DeliveryManner::Window => Manner::Window,
        pb::DeliveryManner::Post => Manner::Post(Box::new(recipient(message.recipient.as_ref(), subject)?)),
        pb::DeliveryManner::Locker => Manner::Locker { site: place("locker_site", &message.locker_site, 40)? },
        pb::DeliveryManner::Electronic => Manner::Electronic,
        pb::DeliveryManner::Unspecified => {
            return Err(Refusal::field("manner", "MANNER_MISSING", "请选择送达方式", "choose how it is delivered"));
        }
    })
}

fn recipient(message: Option<&pb::ParcelRecipient>, subject: &SubjectId) -> Result<Recipient, Refusal> {
    let missing = || {
        let (zh, en) = ("请填写收件人的姓名、电话和地址", "name, telephone and address are needed");
        Refusal::field("recipient", "RECIPIENT_MISSING", zh, en)
    };
    let message = message.ok_or_else(missing)?;
    let seal = |field: &'static str, value: &str, most| {
        let text = ask::text(field, value, 0, most, WRONG)?;
        if text.is_empty() { Err(missing()) } else { Ok(Personal::new(subject, field, text)) }
    };
    Ok(Recipient {
        name: seal("recipient.name", &message.name, 100)?,
        phone: seal("recipient.phone", &message.phone, 20)?,
        address: seal("recipient.address", &message.address, 300)?,
    })
}

/// The name of a site or compartment: letters, digits and hyphens.
///
/// # Errors
/// `FIELD_INVALID`, naming the field.
pub fn place(field: &str, value: &str, most: usize) -> Result<String, Refusal> {
    let text = ask::text(field, value, 1, most, WRONG)?;
    if text.chars().all(|c| c.is_alphanumeric() || c == '-') {
        return Ok(text);
    }
    Err(Refusal::field(field, WRONG, "只能含文字、数字和连字符", "letters, digits and hyphens"))
}

/// 留置送达, sealed under the addressee's key.
///
/// # Errors
/// `FIELD_INVALID`, naming the field.
pub fn left(message: &pb::LeaveDeliveryRequest, subject: &SubjectId) -> Result<Left, Refusal> {
    ask::few("witnesses", &message.witnesses, 5)?;
    let seal = |field: &'static str, text: String| Personal::new(subject, field, text);
    let witness = |(at, name): (usize, &String)| {
        Ok(seal("witness", ask::text(&format!("witnesses[{at}]"), name, 1, 100, WRONG)?))
    };
    Ok(Left {
        reason: seal("left.reason", ask::text("reason", &message.reason, 1, 500, WRONG)?),
        place: seal("left.place", ask::text("place", &message.place, 1, 300, WRONG)?),
        witnesses: message.witnesses.iter().enumerate().map(witness).collect::<Result<_, Refusal>>()?,
        evidence: ask::text("evidence", &message.evidence, 0, 200, WRONG)?,
    })
}

/// New numbers, by application.
///
/// # Errors
/// `ID_MALFORMED`, `FIELD_INVALID`, naming the field.
pub fn remade(messages: &[pb::RemadeResult]) -> Result<Vec<(StreamId, String)>, Refusal> {
    ask::few("remade", messages, 20)?;
    let one = |(at, one): (usize, &pb::RemadeResult)| {
        let id = StreamId::parse(&format!("remade[{at}].application_id"), &one.application_id)?;
        Ok((id, ask::text(&format!("remade[{at}].number"), &one.number, 1, 100, WRONG)?))
    };
    messages.iter().enumerate().map(one).collect()
}

/// How a person says that a parcel ended.
///
/// # Errors
/// `FIELD_INVALID`.
pub fn ended(end: pb::ParcelEnd) -> Result<Ended, Refusal> {
    match end {
        pb::ParcelEnd::Returned => Ok(Ended::Returned),
        pb::ParcelEnd::Lost => Ok(Ended::Lost),
        pb::ParcelEnd::Delivered | pb::ParcelEnd::Unspecified => {
            Err(Refusal::field("end", WRONG, "请选择退回或者丢失", "say whether it came back or is lost"))
        }
    }
}

/// The tag of a stage that is asked for.
pub fn stage_tag(stage: pb::DeliveryStage) -> Option<&'static str> {
    let stage = match stage {
        pb::DeliveryStage::Unspecified => return None,
        pb::DeliveryStage::Preparing => Stage::Preparing,
        pb::DeliveryStage::Ready => Stage::Ready,
        pb::DeliveryStage::InPost => Stage::InPost,
        pb::DeliveryStage::InLocker => Stage::InLocker,
        pb::DeliveryStage::Lapsed => Stage::Lapsed,
        pb::DeliveryStage::Lost => Stage::Lost,
        pb::DeliveryStage::Delivered => Stage::Delivered,
    };
    Some(stage.name())
}

/// The tag of a manner that is asked for.
pub fn manner_tag(manner: pb::DeliveryManner) -> Option<&'static str> {
    Some(match manner {
        pb::DeliveryManner::Unspecified => return None,
        pb::DeliveryManner::Window => "WINDOW",
        pb::DeliveryManner::Post => "POST",
        pb::DeliveryManner::Locker => "LOCKER",
        pb::DeliveryManner::Electronic => "ELECTRONIC",
    })
}

fn stage_shown(stage: Stage) -> pb::DeliveryStage {
    match stage {
        Stage::Absent => pb::DeliveryStage::Unspecified,
        Stage::Preparing => pb::DeliveryStage::Preparing,
        Stage::Ready => pb::DeliveryStage::Ready,
        Stage::InPost => pb::DeliveryStage::InPost,
        Stage::InLocker => pb::DeliveryStage::InLocker,
        Stage::Lapsed => pb::DeliveryStage::Lapsed,
        Stage::Lost => pb::DeliveryStage::Lost,
        Stage::Delivered => pb::DeliveryStage::Delivered,
    }
}

fn manner_shown(manner: &Manner) -> pb::DeliveryManner {
    match manner {
        Manner::Window => pb::DeliveryManner::Window,
        Manner::Post(_) => pb::DeliveryManner::Post,
        Manner::Locker { .. } => pb::DeliveryManner::Locker,
        Manner::Electronic => pb::DeliveryManner::Electronic,
    }
}

fn served(result: &Served) -> pb::ServedResult {
    pb::ServedResult {
        application_id: result.application.to_string(),
        name: result.name.clone(),
        number: result.number.clone(),
        license_id: result.license.clone(),
    }
}

fn text(value: &Personal, whole: bool) -> String {
    if whole { shown(value).to_owned() } else { String::new() }
}

fn parcel(parcel: &Parcel, whole: bool) -> pb::Consignment {
    let moves = parcel.moves.iter().filter(|_| whole);
    let end = match parcel.ended {
        None => pb::ParcelEnd::Unspecified,
        Some(Ended::Delivered) => pb::ParcelEnd::Delivered,
        Some(Ended::Returned) => pb::ParcelEnd::Returned,
        Some(Ended::Lost) => pb::ParcelEnd::Lost,
    };
    pb::Consignment {
        number: parcel.number.clone(),
        tracking_number: parcel.tracking.clone(),
        moves: moves
            .map(|one| pb::ParcelMove { time: Some(timestamp(one.at)), text: shown(&one.text).to_owned() })
            .collect(),
        end: end.into(),
        reason: parcel.reason.as_ref().map(|reason| text(reason, whole)).unwrap_or_default(),
        by_hand: parcel.by_hand,
        contradicted: parcel.contradicted,
    }
}

fn outcome(outcome: &Outcome, whole: bool, reader: Reader) -> pb::DeliveryOutcome {
    let mut told = pb::DeliveryOutcome {
        time: Some(timestamp(outcome.at)),
        actor: Some(actor(&outcome.by, reader)),
        late: outcome.late,
        ..Default::default()
    };
    let way = match &outcome.how {
        How::Collected(collector) => {
            told.collector = whole.then(|| party(&collector.party));
            told.mandate_id = collector.mandate.as_ref().map(|held| held.id.to_string()).unwrap_or_default();
            pb::ServiceWay::Collected
        }
        How::Posted { signed_by } => {
            told.note = signed_by.as_ref().map(|name| text(name, whole)).unwrap_or_default();
            pb::ServiceWay::Posted
        }
        How::FromLocker { .. } => pb::ServiceWay::FromLocker,
        How::Arrived => pb::ServiceWay::Arrived,
        How::Left(left) => {
            told.note = text(&left.reason, whole);
            told.witnesses = left.witnesses.iter().filter(|_| whole).map(|name| text(name, whole)).collect();
            told.evidence.clone_from(&left.evidence);
            pb::ServiceWay::Left
        }
    };
    told.way = way.into();
    told
}

/// A delivery.
pub fn delivery(id: StreamId, version: u64, delivery: &Delivery, view: View, reader: Reader) -> pb::Delivery {
    let whole = view != View::Masked;
    let mut addressee = delivery.addressee().map(party);
    addressee.iter_mut().filter(|_| !whole).for_each(mask_party);
    let (recipient, site) = match &delivery.manner {
        Manner::Post(to) => {
            let shown = pb::ParcelRecipient {
                name: text(&to.name, whole),
                phone: text(&to.phone, whole),
                address: text(&to.address, whole),
            };
            (whole.then_some(shown), String::new())
        }
        Manner::Locker { site } => (None, site.clone()),
        Manner::Window | Manner::Electronic => (None, String::new()),
    };
    let compartment = delivery.compartment.as_ref();
    let parts = delivery.facts.iter().flat_map(|facts| &facts.parts);
    pb::Delivery {
        id: id.to_string(),
        etag: wire::etag(version),
        application_ids: parts.map(|part| part.application.to_string()).collect(),
        addressee,
        stage: stage_shown(delivery.stage).into(),
        results: delivery.results.iter().map(served).collect(),
        manner: manner_shown(&delivery.manner).into(),
        recipient,
        locker_site: site,
        compartment: compartment.map(|one| one.number.clone()).unwrap_or_default(),
        locker_code: compartment.map(|one| text(&one.code, view == View::Receiving)).unwrap_or_default(),
        locker_expire_time: compartment.map(|one| timestamp(one.expires)),
        parcels: delivery.parcels.iter().map(|one| parcel(one, whole)).collect(),
        due: delivery.due.as_ref().map(due),
        gathers_until: delivery.gathers_until.as_ref().map(due),
        overdue: delivery.overdue,
        outcome: delivery.outcome.as_ref().map(|one| outcome(one, whole, reader)),
        proof_numbers: delivery.proofs.iter().map(|(_, number)| number.clone()).collect(),
        create_time: Some(timestamp(delivery.opened)),
    }
}
