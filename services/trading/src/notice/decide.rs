//! The rules of a notice, without I/O. Days of tendering are calendar days, whose last rolls forward over rest days (民法典
//! art. 203); they are not the working days of 政府采购's challenges.

use yiwang_ledger::{Context, Decision, Kind, Refusal, StreamId, Timestamp};
use yiwang_standards::calendar;

use super::{Event, Notice, NoticeKind, Published, TradeClass};

/// From the notice, taken as the issue of the documents, to the deadline, at least, by `Statutes::period`.
pub const BID_DAYS: u32 = 20;
/// A correction comes at least that long before the deadline, by `Statutes::correction`.
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
        (Some((_, follows)), _) if !same_matter(follows, publish) => return Err(reference_mismatch()),
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

/// What follows a notice is its organ's own, of its project and its class: nobody ends another's tender, and none slips out
/// of its period by a change of class.
fn same_matter(follows: &Published, publish: &Publish) -> bool {
    follows.project_code == publish.project_code
        && follows.organisation == publish.organisation
        && follows.trade_class == publish.trade_class
}

/// What sets the time to bid and binds corrections.
struct Statutes {
    /// At least [`BID_DAYS`].
    period: &'static str,
    /// At least [`CORRECTION_DAYS`]; else the deadline is put off (顺延).
    correction: &'static str,
}

/// The statutes of a class; none where we know of none. The contract does not tell what must be tendered from what need not,
/// nor the methods of 政府采购 apart, so the suite's own rule (DESIGN) holds every tender of these two classes to its period:
/// 政府采购法 art. 35 itself binds 招标 of goods and services, not 谈判, 磋商 or 询价.
fn statutes(class: TradeClass) -> Option<Statutes> {
    match class {
        TradeClass::Construction => Some(Statutes {
            period: "《中华人民共和国招标投标法》第二十四条",
            correction: "《中华人民共和国招标投标法》第二十三条、《中华人民共和国招标投标法实施条例》第二十一条",
        }),
        TradeClass::Procurement => Some(Statutes {
            period: "《中华人民共和国政府采购法》第三十五条",
            correction: "《中华人民共和国政府采购法实施条例》第三十一条",
        }),
        TradeClass::Land | TradeClass::Mining | TradeClass::StateProperty | TradeClass::Other => None,
    }
}

fn tender(publish: &Publish, cx: &Context) -> Result<Option<Timestamp>, Refusal> {
    let Some(statutes) = statutes(publish.trade_class) else { return Ok(publish.bid_deadline) };
    let deadline = publish.bid_deadline.ok_or_else(deadline_missing)?;
    let earliest = cx.calendar.add_calendar_days(calendar::legal_date(cx.now.0), BID_DAYS);
    if calendar::legal_date(deadline.0) < earliest.date {
        return Err(too_short("BID_PERIOD_TOO_SHORT", BID_DAYS, statutes.period, &earliest));
    }
    Ok(Some(deadline))
}

/// A correction follows a tender, or the tender's latest correction ([`super::CORRECTED_ALREADY`]), so that what it follows
/// names the deadline in force. It comes at least fifteen days before that deadline, or puts it off; brought forward, the
/// period of the tender would be evaded.
fn correction(publish: &Publish, cx: &Context) -> Result<Option<Timestamp>, Refusal> {
    let (_, follows) = publish.follows.as_ref().ok_or_else(reference_missing)?;
    if !matches!(follows.kind, NoticeKind::Tender | NoticeKind::Correction) {
        return Err(not_a_tender());
    }
    let statutes = statutes(publish.trade_class);
    let deadline = publish.bid_deadline.or(follows.bid_deadline);
    if deadline < follows.bid_deadline {
        return Err(brought_forward(statutes.as_ref()));
    }
    let (Some(statutes), Some(deadline)) = (statutes, deadline) else { return Ok(deadline) };
    let earliest = cx.calendar.add_calendar_days(calendar::legal_date(cx.now.0), CORRECTION_DAYS);
    if calendar::legal_date(deadline.0) < earliest.date {
        return Err(too_short("CORRECTION_TOO_LATE", CORRECTION_DAYS, statutes.correction, &earliest));
    }
    Ok(Some(deadline))
}

fn brought_forward(statutes: Option<&Statutes>) -> Refusal {
    let basis = statutes.map(|statutes| format!("（{}）", statutes.correction)).unwrap_or_default();
    Refusal::state(
        "DEADLINE_BROUGHT_FORWARD",
        format!("变更公告只能顺延投标截止时间，不得提前{basis}"),
        "a correction may put the deadline off, not bring it forward",
    )
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
        "所依据的原公告应当由本单位发布，并与本公告属于同一项目、同一交易类别",
        "the notice it follows is of another project, class or organ",
    )
}

fn not_a_tender() -> Refusal {
    Refusal::field(
        "refers_to_notice_id",
        "REFERENCE_NOT_A_TENDER",
        "变更公告应当以招标（采购、出让）公告或者其变更公告为依据",
        "a correction follows a tender or a correction of it",
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
