//! Between the contract and the domain. What a field must be is checked here, once, on receipt, and the refusal names it.

use yiwang_kit::{timestamp, wire};
use yiwang_ledger::{Refusal, StreamId};
use yiwang_proto::trading::v1 as pb;

use crate::notice::decide::Publish;
use crate::notice::{Notice, NoticeKind, Published, TradeClass};

/// What an officer of an organ publishes; `follows` was read from the ledger.
///
/// # Errors
/// `TITLE_MISSING`, `CONTENT_MISSING`, `PROJECT_MISSING`, `TENDERER_MISSING`, `REGION_INVALID`, `FIELD_INVALID`, each naming
/// the field.
pub fn publish(
    request: &pb::PublishNoticeRequest,
    follows: Option<(StreamId, Published)>,
    organisation: String,
) -> Result<Publish, Refusal> {
    Ok(Publish {
        trade_class: class(request.trade_class()).ok_or_else(|| unspecified("trade_class"))?,
        kind: kind(request.kind()).ok_or_else(|| unspecified("kind"))?,
        title: text("title", "TITLE_MISSING", &request.title, 200)?,
        content: text("content", "CONTENT_MISSING", &request.content, 10_000)?,
        project_code: text("project_code", "PROJECT_MISSING", &request.project_code, 60)?,
        tenderer: text("tenderer", "TENDERER_MISSING", &request.tenderer, 100)?,
        region: region(&request.region_code)?,
        organisation,
        bid_deadline: request.bid_deadline_time.as_ref().map(|at| wire::moment("bid_deadline_time", at)).transpose()?,
        follows,
    })
}

fn region(text: &str) -> Result<String, Refusal> {
    let fine = (6..=12).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    if fine {
        return Ok(text.to_owned());
    }
    Err(Refusal::field("region_code", "REGION_INVALID", "行政区划应为6至12位数字", "a region is 6 to 12 digits"))
}

fn text(field: &str, reason: &'static str, value: &str, most: usize) -> Result<String, Refusal> {
    match value.trim() {
        "" => Err(Refusal::field(field, reason, "该项不能为空", "this must not be empty")),
        value if value.chars().count() > most => {
            let (zh, en) = (format!("该项不得超过{most}字"), format!("at most {most} characters"));
            Err(Refusal::field(field, "FIELD_INVALID", zh, en))
        }
        value => Ok(value.to_owned()),
    }
}

fn unspecified(field: &str) -> Refusal {
    Refusal::field(field, "FIELD_INVALID", "请选择该项", "choose one")
}

/// 交易类别; `None`: not given.
pub fn class(class: pb::TradeClass) -> Option<TradeClass> {
    Some(match class {
        pb::TradeClass::Unspecified => return None,
        pb::TradeClass::Construction => TradeClass::Construction,
        pb::TradeClass::Procurement => TradeClass::Procurement,
        pb::TradeClass::Land => TradeClass::Land,
        pb::TradeClass::Mining => TradeClass::Mining,
        pb::TradeClass::StateProperty => TradeClass::StateProperty,
        pb::TradeClass::Other => TradeClass::Other,
    })
}

/// 公告类型; `None`: not given.
pub fn kind(kind: pb::NoticeKind) -> Option<NoticeKind> {
    Some(match kind {
        pb::NoticeKind::Unspecified => return None,
        pb::NoticeKind::Tender => NoticeKind::Tender,
        pb::NoticeKind::Correction => NoticeKind::Correction,
        pb::NoticeKind::Candidates => NoticeKind::Candidates,
        pb::NoticeKind::Result => NoticeKind::Result,
        pb::NoticeKind::Termination => NoticeKind::Termination,
    })
}

fn class_out(class: TradeClass) -> pb::TradeClass {
    match class {
        TradeClass::Construction => pb::TradeClass::Construction,
        TradeClass::Procurement => pb::TradeClass::Procurement,
        TradeClass::Land => pb::TradeClass::Land,
        TradeClass::Mining => pb::TradeClass::Mining,
        TradeClass::StateProperty => pb::TradeClass::StateProperty,
        TradeClass::Other => pb::TradeClass::Other,
    }
}

fn kind_out(kind: NoticeKind) -> pb::NoticeKind {
    match kind {
        NoticeKind::Tender => pb::NoticeKind::Tender,
        NoticeKind::Correction => pb::NoticeKind::Correction,
        NoticeKind::Candidates => pb::NoticeKind::Candidates,
        NoticeKind::Result => pb::NoticeKind::Result,
        NoticeKind::Termination => pb::NoticeKind::Termination,
    }
}

/// A notice as everybody sees it.
pub fn notice(id: StreamId, notice: &Notice) -> pb::Notice {
    let Some(published) = &notice.published else { return pb::Notice::default() };
    pb::Notice {
        id: id.to_string(),
        notice_number: published.number.clone(),
        trade_class: class_out(published.trade_class).into(),
        kind: kind_out(published.kind).into(),
        title: published.title.clone(),
        content: published.content.clone(),
        project_code: published.project_code.clone(),
        tenderer: published.tenderer.clone(),
        region_code: published.region.clone(),
        bid_deadline_time: published.bid_deadline.map(timestamp),
        refers_to_notice_id: published.refers_to.map(|id| id.to_string()).unwrap_or_default(),
        publish_time: Some(timestamp(notice.at)),
        publisher: published.organisation.clone(),
    }
}
