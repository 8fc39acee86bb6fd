//! 代收代办 papers, as the contracts bring and show them.

use yiwang_kit::{timestamp, wire};
use yiwang_ledger::{Personal, Refusal, StreamId, SubjectId};
use yiwang_proto::intake::v1 as pb;

use super::application::{Reader, actor, mask_party, party, shown};
use super::{ask, count, due, region};
use crate::elsewhere::{Custody, Direction, HandOver, Holder, Paper, Parcel, Stage};

const WRONG: &str = "FIELD_INVALID";

/// Which way a parcel goes.
///
/// # Errors
/// `FIELD_INVALID`.
pub fn direction(asked: pb::ParcelDirection) -> Result<Direction, Refusal> {
    match asked {
        pb::ParcelDirection::Out => Ok(Direction::Out),
        pb::ParcelDirection::Back => Ok(Direction::Back),
        pb::ParcelDirection::Unspecified => {
            Err(Refusal::field("direction", WRONG, "请指明移交办理机关或者送回", "say whether it goes out or back"))
        }
    }
}

/// Who receives: a window or an organ.
///
/// # Errors
/// `FIELD_INVALID`.
pub fn holder(message: Option<&pb::ParcelHolder>) -> Result<Holder, Refusal> {
    let message = message.cloned().unwrap_or_default();
    match (message.region_code.trim(), message.organ_code.trim()) {
        (code, "") if !code.is_empty() => Ok(Holder::Window(region("to.region_code", code)?)),
        ("", code) if !code.is_empty() => Ok(Holder::Organ(ask::text("to.organ_code", code, 1, 36, WRONG)?)),
        _ => {
            let (zh, en) = ("请指明一个窗口所在地或者一个机关", "name the region of a window, or an organ");
            Err(Refusal::field("to", WRONG, zh, en))
        }
    }
}

fn copies(field: String, number: i32) -> Result<u32, Refusal> {
    let number = u32::try_from(number).ok().filter(|number| *number <= 99);
    number.ok_or_else(|| Refusal::field(field, WRONG, "份数应为0至99", "0 to 99"))
}

/// What is in a parcel.
///
/// # Errors
/// `FIELD_INVALID`, naming the field.
pub fn papers(subject: &SubjectId, papers: &[pb::Paper]) -> Result<Vec<Paper>, Refusal> {
    ask::few("papers", papers, 50)?;
    let one = |(place, paper): (usize, &pb::Paper)| {
        let at = |field: &str| format!("papers[{place}].{field}");
        Ok(Paper {
            material: ask::text(&at("material_code"), &paper.material_code, 0, 64, WRONG)?,
            name: Personal::new(subject, "paper", ask::text(&at("name"), &paper.name, 1, 100, WRONG)?),
            originals: copies(at("originals"), paper.originals)?,
            copies: copies(at("copies"), paper.copies)?,
        })
    };
    papers.iter().enumerate().map(one).collect()
}

/// Number of a parcel; one that cannot be is none that is there.
pub fn number(number: i32) -> u32 {
    u32::try_from(number).unwrap_or_default()
}

/// The tag of a stage that is asked for.
pub fn stage_tag(stage: pb::ParcelStage) -> Option<&'static str> {
    Some(match stage {
        pb::ParcelStage::Unspecified => return None,
        pb::ParcelStage::Sealed => Stage::Sealed.name(),
        pb::ParcelStage::InTransit => Stage::InTransit.name(),
        pb::ParcelStage::Held => Stage::Held.name(),
        pb::ParcelStage::HandedOut => Stage::HandedOut.name(),
        pb::ParcelStage::Lost => Stage::Lost.name(),
    })
}

fn holder_shown(holder: &Holder) -> pb::ParcelHolder {
    match holder {
        Holder::Window(region) => pb::ParcelHolder { region_code: region.clone(), organ_code: String::new() },
        Holder::Organ(code) => pb::ParcelHolder { region_code: String::new(), organ_code: code.clone() },
    }
}

fn text(value: Option<&Personal>) -> String {
    value.map(|value| shown(value).to_owned()).unwrap_or_default()
}

fn hand_over(one: &HandOver, list: bool, reader: Reader) -> pb::ParcelHandOver {
    let confirmed = one.confirmed.as_ref();
    pb::ParcelHandOver {
        to: Some(holder_shown(&one.to)),
        carrier: one.carrier.clone(),
        handed_over_by: Some(actor(&one.by, reader)),
        hand_over_time: Some(timestamp(one.at)),
        confirmed_by: confirmed.map(|confirmed| actor(&confirmed.by, reader)),
        confirm_time: confirmed.map(|confirmed| timestamp(confirmed.at)),
        seal_broken: confirmed.is_some_and(|confirmed| confirmed.seal_broken),
        discrepancy: match confirmed {
            Some(confirmed) if !list => text(confirmed.discrepancy.as_ref()),
            _ => String::new(),
        },
    }
}

fn paper(paper: &Paper) -> pb::Paper {
    pb::Paper {
        material_code: paper.material.clone(),
        name: shown(&paper.name).to_owned(),
        originals: count(paper.originals),
        copies: count(paper.copies),
    }
}

fn parcel(number: u32, parcel: &Parcel, list: bool, reader: Reader) -> pb::Parcel {
    let papers = parcel.papers.iter().filter(|_| !list).map(paper).collect();
    let mut collector = parcel.collector.as_ref().filter(|_| !list).map(|collector| party(&collector.party));
    collector.iter_mut().for_each(mask_party);
    pb::Parcel {
        number: count(number),
        direction: match parcel.direction {
            Direction::Out => pb::ParcelDirection::Out,
            Direction::Back => pb::ParcelDirection::Back,
        }
        .into(),
        seal_number: parcel.seal.clone(),
        papers,
        stage: match parcel.stage {
            Stage::Sealed => pb::ParcelStage::Sealed,
            Stage::InTransit => pb::ParcelStage::InTransit,
            Stage::Held => pb::ParcelStage::Held,
            Stage::HandedOut => pb::ParcelStage::HandedOut,
            Stage::Lost => pb::ParcelStage::Lost,
        }
        .into(),
        holder: Some(holder_shown(&parcel.holder)),
        hand_overs: parcel.hand_overs.iter().map(|one| hand_over(one, list, reader)).collect(),
        due: parcel.due.as_ref().map(due),
        overdue: parcel.overdue,
        lost: if list { String::new() } else { text(parcel.lost.as_ref()) },
        sealed_by: Some(actor(&parcel.by, reader)),
        seal_time: Some(timestamp(parcel.at)),
        hand_out_time: parcel.handed_out.map(timestamp),
        originals_only: parcel.originals_only,
        collector,
    }
}

/// A custody; in lists without what is in the parcels, or what was said of it.
pub fn custody(application: StreamId, version: u64, custody: &Custody, list: bool, reader: Reader) -> pb::Custody {
    let matter = custody.matter.as_ref();
    pb::Custody {
        application_id: matter.map_or(application, |matter| matter.application).to_string(),
        etag: wire::etag(version),
        received_in: matter.map(|matter| matter.received_in.clone()).unwrap_or_default(),
        region_code: matter.map(|matter| matter.region.clone()).unwrap_or_default(),
        organ_code: matter.map(|matter| matter.organ.clone()).unwrap_or_default(),
        parcels: custody.numbered().map(|(number, one)| parcel(number, one, list, reader)).collect(),
        overdue: custody.overdue(),
    }
}
