//! Double entries and acceptances beside the platform, as the contracts bring and show them.

use yiwang_kit::{timestamp, wire};
use yiwang_ledger::{Personal, Read, Refusal, StreamId};
use yiwang_proto::intake::v1 as pb;

use super::application::{Reader, actor, shown, summary};
use super::ask;
use crate::application::{Application, Phase};
use crate::double::Other;
use crate::double::outside::{Found, Outcome, Outside};

/// Another application; its id for whoever may read it.
pub fn other(other: &Other, readable: bool) -> pb::OtherApplication {
    pb::OtherApplication {
        number: other.number.clone(),
        region_code: other.region.clone(),
        department: other.department.clone(),
        department_code: other.organisation.clone(),
        receive_date: other.received.to_string(),
        accepted: other.accepted,
        id: if readable { other.application.to_string() } else { String::new() },
        stops: other.stops,
    }
}

/// The tag of a cause that is asked for.
pub fn cause_tag(cause: pb::DoubleEntryCause) -> &'static str {
    match cause {
        pb::DoubleEntryCause::Unspecified => "ANY",
        pb::DoubleEntryCause::Overridden => "OVERRIDDEN",
        pb::DoubleEntryCause::Deemed => "DEEMED",
    }
}

/// What was accepted although another was in progress, as supervision lists it.
pub fn entry(read: &Read<Application>) -> pb::DoubleEntry {
    let app = &read.state;
    let others = app.double.as_ref().map_or(&app.others, |double| &double.others);
    pb::DoubleEntry {
        application: Some(summary(read.stream, app, read.updated_at)),
        region_code: app.item.region.clone(),
        cause: match app.double {
            Some(_) => pb::DoubleEntryCause::Overridden,
            None => pb::DoubleEntryCause::Deemed,
        }
        .into(),
        others: others.iter().map(|one| other(one, false)).collect(),
        reason: app.double.as_ref().map(|double| shown(&double.reason).to_owned()).unwrap_or_default(),
        overridden_by: app.double.as_ref().map(|double| actor(&double.by, Reader::Office)),
        accept_time: match &app.phase {
            Phase::Accepted(acceptance) => Some(timestamp(acceptance.at)),
            _ => None,
        },
    }
}

/// The tag of a stage that is asked for.
pub fn stage_tag(stage: pb::OutsideStage) -> Option<&'static str> {
    match stage {
        pb::OutsideStage::Unspecified => None,
        pb::OutsideStage::Recorded => Some("RECORDED"),
        pb::OutsideStage::Settled => Some("SETTLED"),
    }
}

/// What a request records, without what the item says.
///
/// # Errors
/// `FIELD_INVALID`, naming the field.
pub fn found(message: &pb::RecordOutsideAcceptanceRequest) -> Result<Found, Refusal> {
    let wrong = || Refusal::field("accept_date", "FIELD_INVALID", "日期应为YYYY-MM-DD", "a day is YYYY-MM-DD");
    Ok(Found {
        day: wire::day(message.accept_date.trim()).ok_or_else(wrong)?,
        number: ask::text("outside_number", &message.outside_number, 0, 100, "FIELD_INVALID")?,
        text: ask::text("finding", &message.finding, 1, 500, "FIELD_INVALID")?,
        ..Found::default()
    })
}

/// What came of a finding.
///
/// # Errors
/// `OUTCOME_MISSING`, `APPLICATION_MISSING`.
pub fn outcome(message: &pb::SettleOutsideAcceptanceRequest) -> Result<Outcome, Refusal> {
    match message.outcome() {
        pb::OutsideOutcome::Unspecified => {
            Err(Refusal::field("outcome", "OUTCOME_MISSING", "请指明处理结果", "say what came of it"))
        }
        pb::OutsideOutcome::BroughtIn if message.application_id.trim().is_empty() => {
            let (zh, en) = ("请指明补录的申请", "name the application in which it goes on");
            Err(Refusal::field("application_id", "APPLICATION_MISSING", zh, en))
        }
        pb::OutsideOutcome::BroughtIn => {
            Ok(Outcome::BroughtIn { application: StreamId::parse("application_id", &message.application_id)? })
        }
        pb::OutsideOutcome::Rectified => Ok(Outcome::Rectified),
        pb::OutsideOutcome::Unfounded => Ok(Outcome::Unfounded),
    }
}

/// A finding.
pub fn outside(id: StreamId, version: u64, outside: &Outside) -> pb::OutsideAcceptance {
    let found = outside.found.clone().unwrap_or_default();
    let settled = outside.settled.as_ref();
    pb::OutsideAcceptance {
        id: id.to_string(),
        etag: wire::etag(version),
        stage: match settled {
            None => pb::OutsideStage::Recorded,
            Some(_) => pb::OutsideStage::Settled,
        }
        .into(),
        item_code: found.item,
        item_name: found.item_name,
        department: found.organ.name,
        department_code: found.organ.code,
        region_code: found.organ.region,
        accept_date: found.day.to_string(),
        outside_number: found.number,
        finding: found.text,
        recorded_by: Some(actor(&outside.by, Reader::Office)),
        record_time: Some(timestamp(outside.at)),
        outcome: match settled.map(|settled| &settled.outcome) {
            None => pb::OutsideOutcome::Unspecified,
            Some(Outcome::BroughtIn { .. }) => pb::OutsideOutcome::BroughtIn,
            Some(Outcome::Rectified) => pb::OutsideOutcome::Rectified,
            Some(Outcome::Unfounded) => pb::OutsideOutcome::Unfounded,
        }
        .into(),
        outcome_text: settled.map(|settled| settled.text.clone()).unwrap_or_default(),
        application_id: match settled.map(|settled| &settled.outcome) {
            Some(Outcome::BroughtIn { application }) => application.to_string(),
            _ => String::new(),
        },
        settled_by: settled.map(|settled| actor(&settled.by, Reader::Office)),
        settle_time: settled.map(|settled| timestamp(settled.at)),
    }
}

/// A remark, sealed under whose it is.
///
/// # Errors
/// `FIELD_INVALID`.
pub fn note(app: &Application, text: &str) -> Result<Option<Personal>, Refusal> {
    ask::remark(app.data_subject(), "reason", text)
}
