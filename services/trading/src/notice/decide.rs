//! The rules of a notice, without I/O. Days of tendering are calendar days, whose last rolls forward over rest days (民法典
//! art. 203); they are not the working days of 政府采购's challenges.

use yiwang_ledger::{Context, Decision, Kind, Refusal, StreamId, Timestamp};
use yiwang_standards::calendar;

use super::{Event, Notice, NoticeKind, Published, TradeClass};

/// 招标投标法 art. 24: from the day the documents are issued to the deadline, at least.
pub const BID_DAYS: u32 = 20;
/// 招标投标法 art. 23: a correction comes at least that long before the deadline.
pub const CORRECTION_DAYS: u32 = 15;

/// What an officer publishes.
#[derive(Clone, Debug)]
pub struct Publish {
    /// 交易类别.
    pub trade_class: TradeClass,
    /// 公告类型.
    pub kind: NoticeKind,
    /// 标题.
    pub title: String,
    /// 正文.
    pub content: String,
    /// 项目编号.
    pub project_code: String,
    /// 招标人, 采购人 or 出让人.
    pub tenderer: String,
    /// 行政区划.
    pub region: String,
    /// Code of the officer's organ.
    pub organisation: String,
    /// 投标截止时间.
    pub bid_deadline: Option<Timestamp>,
    /// The notice it follows, as it was read: a notice never changes.
    pub follows: Option<(StreamId, Published)>,
}

/// Publishes a notice, once.
pub fn publish(notice: &Notice, publish: &Publish, cx: &Context) -> Decision<Event> {
    if notice.published.is_some() {
        return Err(Refusal::new(
            Kind::AlreadyExists,
            "NOTICE_EXISTS",
            "该公告已经发布",
            "the notice was published already",
        ));
    }
    match (&publish.follows, publish.kind) {
        (None, kind) if kind != NoticeKind::Tender => return Err(reference_missing()),
        (Some((_, follows)), _) if follows.project_code != publish.project_code => return Err(reference_mismatch()),
        _ => {}
    }
    let bid_deadline = match publish.kind {
        NoticeKind::Tender => tender(publish, cx)?,
        NoticeKind::Correction => correction(publish, cx)?,
        NoticeKind::Candidates | NoticeKind::Result | NoticeKind::Termination => None,
    };
    let day = calendar::legal_date(cx.now.0).format("%Y%m%d");
    let tail: String = cx.seed.iter().take(4).map(|byte| format!("{byte:02X}")).collect();
    Ok(vec![Event::Published(Box::new(Published {
        number: format!("{}-{day}-{tail}", publish.region.get(..6).unwrap_or(&publish.region)),
        trade_class: publish.trade_class,
        kind: publish.kind,
        title: publish.title.clone(),
        content: publish.content.clone(),
        project_code: publish.project_code.clone(),
        tenderer: publish.tenderer.clone(),
        region: publish.region.clone(),
        organisation: publish.organisation.clone(),
        bid_deadline,
        refers_to: publish.follows.as_ref().map(|(id, _)| *id),
    }))])
}

/// Whether a statute sets the time to bid: 工程建设 (招标投标法 art. 24) and 政府采购 by open tender (政府采购法 art. 35).
fn bound_by_period(class: TradeClass) -> Option<&'static str> {
    match class {
        TradeClass::Construction => Some("《中华人民共和国招标投标法》第二十四条"),
        TradeClass::Procurement => Some("《中华人民共和国政府采购法》第三十五条"),
        _ => None,
    }
}

fn tender(publish: &Publish, cx: &Context) -> Result<Option<Timestamp>, Refusal> {
    let Some(basis) = bound_by_period(publish.trade_class) else { return Ok(publish.bid_deadline) };
    let deadline = publish.bid_deadline.ok_or_else(deadline_missing)?;
    let earliest = cx.calendar.add_calendar_days(calendar::legal_date(cx.now.0), BID_DAYS);
    if calendar::legal_date(deadline.0) < earliest.date {
        return Err(too_short("BID_PERIOD_TOO_SHORT", BID_DAYS, basis, &earliest));
    }
    Ok(Some(deadline))
}

/// A correction comes at least fifteen days before the deadline in force, or moves the deadline.
fn correction(publish: &Publish, cx: &Context) -> Result<Option<Timestamp>, Refusal> {
    let (_, follows) = publish.follows.as_ref().ok_or_else(reference_missing)?;
    let deadline = publish.bid_deadline.or(follows.bid_deadline);
    // 顺延 only (招标投标法实施条例 art. 21): moved earlier, the twenty days of art. 24 would be evaded.
    if deadline < follows.bid_deadline {
        return Err(Refusal::state(
            "DEADLINE_BROUGHT_FORWARD",
            "变更公告只能顺延投标截止时间，不得提前（招标投标法实施条例第二十一条）",
            "a correction may put the deadline off, not bring it forward",
        ));
    }
    let (Some(_), Some(deadline)) = (bound_by_period(publish.trade_class), deadline) else { return Ok(deadline) };
    let earliest = cx.calendar.add_calendar_days(calendar::legal_date(cx.now.0), CORRECTION_DAYS);
    if calendar::legal_date(deadline.0) < earliest.date {
        return Err(too_short(
            "CORRECTION_TOO_LATE",
            CORRECTION_DAYS,
            "《中华人民共和国招标投标法》第二十三条",
            &earliest,
        ));
    }
    Ok(Some(deadline))
}

fn too_short(reason: &'static str, days: u32, basis: &str, earliest: &calendar::DueDate) -> Refusal {
    Refusal::state(
        reason,
        format!(
            "自公告发布之日起至投标截止之日不得少于{days}日，最早为{}。{} 依据：{basis}",
            earliest.date,
            earliest.explain_zh()
        ),
        format!(
            "at least {days} calendar days lie between this notice and the deadline; the earliest is {}. {}",
            earliest.date,
            earliest.explain_en()
        ),
    )
    .with("earliest_date", earliest.date.to_string())
    .with_field(
        "bid_deadline_time",
        reason,
        format!("最早为{}", earliest.date),
        format!("{} at the earliest", earliest.date),
    )
}

fn deadline_missing() -> Refusal {
    Refusal::field(
        "bid_deadline_time",
        "DEADLINE_MISSING",
        "招标公告应当载明投标截止时间",
        "a tender names its deadline",
    )
}

fn reference_mismatch() -> Refusal {
    Refusal::field(
        "refers_to_notice_id",
        "REFERENCE_MISMATCH",
        "所依据的原公告不属于同一项目",
        "the notice it follows is of another project",
    )
}

/// Every kind but a tender follows another notice.
fn reference_missing() -> Refusal {
    Refusal::field(
        "refers_to_notice_id",
        "REFERENCE_MISSING",
        "变更、公示、结果和终止公告应当指明所依据的原公告",
        "a notice of this kind names the one it follows",
    )
}
