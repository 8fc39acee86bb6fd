//! 公告: a notice of public-resource trading. Published once and never changed: a correction, a result or a termination is a
//! notice of its own that names the one it follows. The rules are in [`decide`].

pub mod decide;

use serde::{Deserialize, Serialize};
use yiwang_ledger::{Aggregate, Index, Kind, Meta, Refusal, StreamId, Tag, Timestamp, UniqueKey};

/// 公告. See the folder's page.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// What was published; none before the first entry.
    pub published: Option<Published>,
    /// When.
    pub at: Timestamp,
}

/// What was published. Public: it names the organ, and the officer stands only in the entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Published {
    /// 公告编号.
    pub number: String,
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
    /// Code of the organ that published it.
    pub organisation: String,
    /// 投标截止时间.
    pub bid_deadline: Option<Timestamp>,
    /// The notice it follows.
    pub refers_to: Option<StreamId>,
}

/// 交易类别.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum TradeClass {
    /// 工程建设项目招标投标.
    Construction,
    /// 政府采购.
    Procurement,
    /// 土地使用权出让.
    Land,
    /// 矿业权出让.
    Mining,
    /// 国有产权交易.
    StateProperty,
    /// 其他.
    Other,
}

/// 公告类型.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum NoticeKind {
    /// 招标公告, 采购公告 or 出让公告.
    Tender,
    /// 变更、澄清公告.
    Correction,
    /// 中标候选人公示.
    Candidates,
    /// 中标、成交结果公告.
    Result,
    /// 终止公告.
    Termination,
}

impl TradeClass {
    /// The name in tags and filters.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

impl NoticeKind {
    /// The name in tags and filters.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// What happens to a notice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr, strum::VariantNames)]
pub enum Event {
    /// It was published.
    Published(Box<Published>),
}

impl Aggregate for Notice {
    const KIND: &'static str = "notice";
    type Event = Event;

    fn evolve(&mut self, event: &Event, meta: &Meta) {
        let Event::Published(published) = event;
        *self = Notice { published: Some(published.as_ref().clone()), at: meta.at };
    }

    fn index(&self) -> Index {
        let Some(published) = &self.published else { return Index::default() };
        Index {
            region: published.region.clone(),
            organisation: published.organisation.clone(),
            owner: published.organisation.clone(),
            item: published.project_code.clone(),
            status: "PUBLISHED".to_owned(),
            due_at: None,
        }
    }

    fn tags(&self) -> Vec<Tag> {
        let Some(published) = &self.published else { return Vec::new() };
        let sort = Tag::newest_first(self.at);
        vec![
            Tag::new(Tag::AUDIENCE, "public", sort.clone()),
            Tag::new("class", published.trade_class.name(), sort.clone()),
            Tag::new("kind", published.kind.name(), sort.clone()),
            Tag::new("project", published.project_code.as_str(), sort),
        ]
    }

    fn keys(&self) -> Vec<UniqueKey> {
        let Some(published) = &self.published else { return Vec::new() };
        let corrected = published.refers_to.filter(|_| published.kind == NoticeKind::Correction);
        let corrected = corrected.map(|notice| UniqueKey { scope: CORRECTED_ALREADY, key: notice.to_string() });
        let number = UniqueKey { scope: "NOTICE_NUMBER_TAKEN", key: published.number.clone() };
        [number].into_iter().chain(corrected).collect()
    }
}

/// One correction a notice: the next one follows that correction. So corrections stand in a line, each names the deadline in
/// force, and none can go back behind another by following an earlier notice.
pub const CORRECTED_ALREADY: &str = "NOTICE_CORRECTED_ALREADY";

/// The ledger's refusal of a key that is taken, in the words of the trade.
pub fn worded(refusal: Refusal) -> Refusal {
    if refusal.reason != CORRECTED_ALREADY {
        return refusal;
    }
    let zh = "该公告已有变更公告，再次变更应当以最近一次的变更公告为依据";
    let en = "the notice was corrected already: another correction follows the latest one";
    Refusal::new(Kind::AlreadyExists, CORRECTED_ALREADY, zh, en).with_field(
        "refers_to_notice_id",
        CORRECTED_ALREADY,
        zh,
        en,
    )
}

/// `NOTICE_NOT_FOUND`.
pub fn not_found() -> Refusal {
    Refusal::new(Kind::NotFound, "NOTICE_NOT_FOUND", "未找到该公告", "there is no such notice")
}
