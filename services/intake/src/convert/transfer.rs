//! Transfers of powers, as the contracts bring and show them.

use chrono::NaiveDate;
use yiwang_kit::{timestamp, wire};
use yiwang_ledger::{Refusal, StreamId};
use yiwang_proto::catalogue::v1 as pb;
use yiwang_standards::identity::mask_name;
use yiwang_standards::item_code::ItemCode;

use super::{ask, region};
use crate::transfer::{FindingKind, Offer, Offered, Organ, Said, Stage, Transfer, Way};

const WRONG: &str = "FIELD_INVALID";

fn way_of(way: pb::TransferWay) -> Result<Way, Refusal> {
    match way {
        pb::TransferWay::Devolve => Ok(Way::Devolve),
        pb::TransferWay::Reassign => Ok(Way::Reassign),
        pb::TransferWay::Entrust => Ok(Way::Entrust),
        pb::TransferWay::Unspecified => {
            Err(Refusal::field("way", WRONG, "请指明下放、划转或者委托", "name the way: devolve, reassign or entrust"))
        }
    }
}

fn organ(field: &str, message: Option<&pb::Organ>) -> Result<Organ, Refusal> {
    let missing = || Refusal::field(field, WRONG, "缺少机关", "the organ is needed");
    let message = message.ok_or_else(missing)?;
    Ok(Organ {
        name: ask::text(&format!("{field}.name"), &message.name, 1, 100, WRONG)?,
        code: ask::text(&format!("{field}.code"), &message.code, 1, 36, WRONG)?,
        region: region(&format!("{field}.region_code"), &message.region_code)?,
    })
}

fn offered(way: Way, place: usize, message: &pb::TransferredItem) -> Result<Offered, Refusal> {
    let field = |name: &str| format!("items[{place}].{name}");
    let new_code = match (way, message.new_item_code.trim()) {
        (Way::Entrust, "") => String::new(),
        (Way::Entrust, _) => {
            let (zh, en) = ("委托的事项仍用原实施编码", "an entrusted item keeps its code");
            return Err(Refusal::field(field("new_item_code"), WRONG, zh, en));
        }
        (_, code) => ItemCode::parse(code)
            .map_err(|wrong| Refusal::field(field("new_item_code"), wrong.reason(), wrong.zh(), wrong.en()))?
            .to_string(),
    };
    let code = ask::text(&field("item_code"), &message.item_code, 1, 64, WRONG)?;
    Ok(Offered { code, name: String::new(), new_code, kept: message.kept })
}

/// What is offered; the items' names are not known yet.
///
/// # Errors
/// `FIELD_INVALID` and those of item codes, naming the field.
pub fn offer(message: &pb::OfferTransferRequest, until: Option<NaiveDate>) -> Result<Offer, Refusal> {
    let way = way_of(message.way())?;
    if message.items.is_empty() || message.items.len() > 50 {
        return Err(Refusal::field("items", WRONG, "应有1至50个事项", "1 to 50 items"));
    }
    if message.consulted.len() > 20 {
        return Err(Refusal::field("consulted", WRONG, "至多20个机关", "at most 20 organs"));
    }
    let consulted = message.consulted.iter().enumerate();
    Ok(Offer {
        way,
        giver: organ("giver", message.giver.as_ref())?,
        receiver: organ("receiver", message.receiver.as_ref())?,
        items: message
            .items
            .iter()
            .enumerate()
            .map(|(place, one)| offered(way, place, one))
            .collect::<Result<_, _>>()?,
        basis: ask::text("basis", &message.basis, 1, 500, WRONG)?,
        reason: ask::text("reason", &message.reason, 1, 1000, WRONG)?,
        consulted: consulted
            .map(|(place, one)| organ(&format!("consulted[{place}]"), Some(one)))
            .collect::<Result<_, _>>()?,
        until,
    })
}

/// The tag of a stage that is asked for.
pub fn stage_tag(stage: pb::TransferStage) -> Option<&'static str> {
    Some(match stage {
        pb::TransferStage::Unspecified => return None,
        pb::TransferStage::Offered => "OFFERED",
        pb::TransferStage::Accepted => "ACCEPTED",
        pb::TransferStage::Objected => "OBJECTED",
        pb::TransferStage::Dated => "DATED",
        pb::TransferStage::Withdrawn => "WITHDRAWN",
        pb::TransferStage::Ended => "ENDED",
    })
}

fn stage(stage: &Stage) -> pb::TransferStage {
    match stage {
        Stage::Absent => pb::TransferStage::Unspecified,
        Stage::Offered => pb::TransferStage::Offered,
        Stage::Accepted => pb::TransferStage::Accepted,
        Stage::Objected { .. } => pb::TransferStage::Objected,
        Stage::Dated { .. } => pb::TransferStage::Dated,
        Stage::Withdrawn { .. } => pb::TransferStage::Withdrawn,
        Stage::Ended { .. } => pb::TransferStage::Ended,
    }
}

/// An organ.
pub fn organ_shown(organ: &Organ) -> pb::Organ {
    pb::Organ { name: organ.name.clone(), code: organ.code.clone(), region_code: organ.region.clone() }
}

fn opinion(said: &Said, office: bool) -> pb::ConsultedOpinion {
    pb::ConsultedOpinion {
        organisation: said.organ.clone(),
        agrees: said.agrees,
        opinion: said.text.clone(),
        // officers' names are for offices
        actor_name: if office { said.by.name.clone() } else { mask_name(&said.by.name) },
        time: Some(timestamp(said.at)),
    }
}

/// A transfer; officers' names in full only to an office.
pub fn transfer(id: StreamId, version: u64, transfer: &Transfer, office: bool) -> pb::Transfer {
    let offer = &transfer.offer;
    let item = |item: &Offered| pb::TransferredItem {
        item_code: item.code.clone(),
        name: item.name.clone(),
        new_item_code: item.new_code.clone(),
        kept: item.kept,
    };
    let (effective, document) = match &transfer.stage {
        Stage::Dated { effective, document } => (effective.to_string(), document.clone()),
        _ => Default::default(),
    };
    pb::Transfer {
        id: id.to_string(),
        etag: wire::etag(version),
        way: match offer.way {
            Way::Devolve => pb::TransferWay::Devolve.into(),
            Way::Reassign => pb::TransferWay::Reassign.into(),
            Way::Entrust => pb::TransferWay::Entrust.into(),
        },
        stage: stage(&transfer.stage).into(),
        giver: Some(organ_shown(&offer.giver)),
        receiver: Some(organ_shown(&offer.receiver)),
        items: offer.items.iter().map(item).collect(),
        basis: offer.basis.clone(),
        reason: offer.reason.clone(),
        consulted: offer.consulted.iter().map(organ_shown).collect(),
        opinions: transfer.said.iter().map(|said| opinion(said, office)).collect(),
        findings: transfer
            .findings
            .iter()
            .map(|finding| pb::TransferFinding {
                kind: match finding.kind {
                    FindingKind::EntrustedBack => pb::FindingKind::EntrustedBack.into(),
                },
                item_code: finding.item_code.clone(),
                text: finding.text.clone(),
            })
            .collect(),
        stage_reason: match &transfer.stage {
            Stage::Objected { reasons } => reasons.clone(),
            Stage::Withdrawn { reason } | Stage::Ended { reason, .. } => reason.clone(),
            _ => transfer.taken_with.clone(),
        },
        effective_date: effective,
        document,
        until_date: match &transfer.stage {
            Stage::Ended { last, .. } => last.to_string(),
            _ => offer.until.map(|day| day.to_string()).unwrap_or_default(),
        },
        create_time: Some(timestamp(transfer.offered_at)),
    }
}
