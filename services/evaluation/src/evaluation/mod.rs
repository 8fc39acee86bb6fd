//! 好差评: the right to judge one service, and its one use. One stream a service rendered (case number and service number);
//! the rules are in [`decide`].
//!
//! Who judged is hidden from the officers who are judged, and so is the number of the case, which leads there; an anonymous
//! evaluation shows them to nobody but its author. A stream is named by a keyed hash, so that nobody who knows the case can
//! look it up.

pub mod decide;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use yiwang_ledger::{Aggregate, Index, Kind, Meta, Personal, Refusal, StreamId, SubjectId, Tag, Timestamp, Vault};
use yiwang_standards::calendar::{Due, Limit, Source};
pub use yiwang_standards::codes::Satisfaction;

/// 一次一评: a right, and what was made of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// The right; none before the first entry.
    pub right: Option<Right>,
    /// When the right was opened.
    pub opened_at: Timestamp,
    /// The judgement; none until the right is used. Nobody is made to judge, and no grade is ever invented.
    pub rating: Option<Rating>,
    /// 差评: what the organ must do.
    pub duty: Option<Duty>,
    /// The organ's answer.
    pub reply: Option<Reply>,
}

/// The right to judge one service rendered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Right {
    /// 办件编号.
    pub case_number: String,
    /// 第几次服务, from 1.
    pub service_number: u32,
    /// 实施编码.
    pub item_code: String,
    /// 事项名称.
    pub item_name: String,
    /// 实施主体.
    pub department: String,
    /// 实施主体编码.
    pub department_code: String,
    /// 行政区划.
    pub region: String,
    /// What the service was.
    pub service_name: String,
    /// When it was rendered.
    pub service_time: Timestamp,
    /// Accounts of the officers who rendered it; they do not answer what is said about it (谁办理谁负责, and not their own judge).
    pub handlers: Vec<String>,
    /// Account that owns the application.
    pub owner: String,
    /// Keyed hash of that account's own document.
    pub owner_subject: Option<SubjectId>,
    /// Who may judge: keyed hash of the applicant's number.
    pub subject: SubjectId,
    /// 姓名或名称.
    pub name: Personal,
    /// 证件类型, the number of the contract's `DocumentKind`.
    pub document_kind: i32,
    /// 证件号码.
    pub document_number: Personal,
}

/// The judgement.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rating {
    /// 满意度.
    pub satisfaction: Satisfaction,
    /// 评价标签: chosen, but nothing keeps anybody from writing one.
    pub tags: Vec<Personal>,
    /// 文字评价: a citizen's own words, which may name anybody.
    pub text: Option<Personal>,
    /// 评价渠道, GB/T 39046 table 9, the number of the contract's enum.
    pub channel: i32,
    /// 匿名.
    pub anonymous: bool,
    /// When.
    pub at: Timestamp,
}

/// 差评核实: what the organ must do, and by when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "StoredDuty", into = "StoredDuty")]
pub struct Duty {
    /// By that day.
    pub due: Due,
    /// The day passed without an answer: a mark.
    pub overdue: bool,
}

/// A duty as entries have it.
#[derive(Clone, Serialize, Deserialize)]
struct StoredDuty {
    start: NaiveDate,
    day: NaiveDate,
    days: u32,
    basis: String,
    unverified: bool,
    missing_years: Vec<i32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    warn: Option<NaiveDate>,
    zh: String,
    en: String,
    overdue: bool,
}

impl From<StoredDuty> for Duty {
    fn from(stored: StoredDuty) -> Self {
        let StoredDuty { start, day: date, days, basis, unverified, missing_years, warn, zh, en, overdue } = stored;
        let source = if unverified { Source::Default } else { Source::Statute };
        let limit = Limit { days, basis, source, unverified, ..Limit::default() };
        Self { due: Due { date, start, limit, missing_years, warn, zh, en }, overdue }
    }
}

impl From<Duty> for StoredDuty {
    fn from(Duty { due, overdue }: Duty) -> Self {
        let Due { date: day, start, limit: Limit { days, basis, unverified, .. }, missing_years, warn, zh, en } = due;
        Self { start, day, days, basis, unverified, missing_years, warn, zh, en, overdue }
    }
}

impl Duty {
    /// The first instant after the day.
    pub fn passed_at(&self) -> Timestamp {
        Timestamp(self.due.passed_at_micros())
    }
}

/// Who answers for the organ.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Officer {
    /// Account.
    pub id: String,
    /// Name.
    pub name: String,
    /// Role.
    pub role: String,
    /// Code of the organ.
    pub organisation: String,
}

/// What the organ found (国办发〔2019〕51号).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Finding {
    /// 立行立改.
    Rectified,
    /// 限期整改.
    Rectifying,
    /// 解释说明.
    Explained,
}

/// The organ's answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reply {
    /// What it found.
    pub finding: Finding,
    /// The answer.
    pub text: Personal,
    /// By whom.
    pub by: Officer,
    /// When.
    pub at: Timestamp,
    /// After the day.
    pub late: bool,
}

/// What happens to an evaluation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, strum::IntoStaticStr, strum::VariantNames)]
pub enum Event {
    /// A service was rendered.
    RightOpened(Box<Right>),
    /// It was judged.
    Rated {
        /// 满意度.
        satisfaction: Satisfaction,
        /// 评价标签.
        tags: Vec<Personal>,
        /// 文字评价.
        text: Option<Personal>,
        /// 评价渠道.
        channel: i32,
        /// 匿名.
        anonymous: bool,
        /// 差评: what the organ must do now.
        duty: Option<Duty>,
    },
    /// The organ answered.
    Replied {
        /// What it found.
        finding: Finding,
        /// The answer.
        text: Personal,
        /// By whom.
        by: Officer,
        /// After the day.
        late: bool,
    },
    /// The day passed without an answer.
    VerificationOverdue {
        /// The day.
        due: NaiveDate,
    },
    /// A year of the calendar was loaded.
    DueDateRecomputed {
        /// The new date.
        duty: Duty,
    },
}

/// Tag of the records whose due date rests on a year that the calendar did not cover.
pub const PROVISIONAL: &str = "provisional";

impl Aggregate for Evaluation {
    const KIND: &'static str = "evaluation";
    type Event = Event;

    fn evolve(&mut self, event: &Event, meta: &Meta) {
        match event {
            Event::RightOpened(right) => {
                self.right = Some(right.as_ref().clone());
                self.opened_at = meta.at;
            }
            Event::Rated { satisfaction, tags, text, channel, anonymous, duty } => {
                self.rating = Some(Rating {
                    satisfaction: *satisfaction,
                    tags: tags.clone(),
                    text: text.clone(),
                    channel: *channel,
                    anonymous: *anonymous,
                    at: meta.at,
                });
                self.duty = duty.clone();
            }
            Event::Replied { finding, text, by, late } => {
                let (text, by) = (text.clone(), by.clone());
                self.reply = Some(Reply { finding: *finding, text, by, at: meta.at, late: *late });
            }
            Event::VerificationOverdue { .. } => self.duty.iter_mut().for_each(|duty| duty.overdue = true),
            Event::DueDateRecomputed { duty } => self.duty = Some(duty.clone()),
        }
    }

    fn index(&self) -> Index {
        let Some(right) = &self.right else { return Index::default() };
        let waiting = self.duty.as_ref().filter(|duty| self.reply.is_none() && !duty.overdue);
        Index {
            region: right.region.clone(),
            organisation: right.department_code.clone(),
            owner: right.subject.to_string(),
            item: right.item_code.clone(),
            status: self.status().to_owned(),
            due_at: waiting.map(Duty::passed_at),
        }
    }

    fn tags(&self) -> Vec<Tag> {
        let Some(right) = &self.right else { return Vec::new() };
        let sort = Tag::newest_first(self.opened_at);
        let mut tags = vec![
            Tag::new(Tag::AUDIENCE, right.subject.audience(), sort.clone()),
            Tag::new("status", self.status(), sort.clone()),
            // For the author alone: staff ask by the tag below.
            Tag::new("own_case", right.case_number.as_str(), sort.clone()),
        ];
        if let Some(owner) = &right.owner_subject {
            tags.push(Tag::new(Tag::AUDIENCE, owner.audience(), sort.clone()));
        }
        if let Some(rating) = &self.rating {
            tags.push(Tag::new(Tag::AUDIENCE, format!("org:{}", right.department_code), sort.clone()));
            tags.push(Tag::new(Tag::AUDIENCE, format!("region:{}", right.region), sort.clone()));
            tags.push(Tag::new("rated", "yes", sort.clone()));
            tags.push(Tag::new("bad", if rating.satisfaction.is_bad() { "yes" } else { "no" }, sort.clone()));
            if !rating.anonymous {
                tags.push(Tag::new("case", right.case_number.as_str(), sort.clone()));
            }
        }
        if let Some(duty) = self.duty.as_ref().filter(|_| self.reply.is_none()) {
            tags.extend(
                duty.due.missing_years.iter().map(|year| Tag::new(PROVISIONAL, year.to_string(), sort.clone())),
            );
        }
        tags.sort();
        tags.dedup();
        tags
    }
}

/// The stream of one service: named by a keyed hash, so that who knows the case cannot find the evaluation.
pub fn stream(vault: &Vault, case_number: &str, service_number: u32) -> StreamId {
    let name = vault.lookup("evaluation", &format!("{case_number}/{service_number}"));
    StreamId::named(Evaluation::KIND, name.as_str())
}

/// `EVALUATION_NOT_FOUND`, worded alike whether it is missing or hidden from the caller.
pub fn not_found() -> Refusal {
    Refusal::new(
        Kind::NotFound,
        "EVALUATION_NOT_FOUND",
        "未找到该评价，或您无权查看",
        "there is no such evaluation, or it is not visible to you",
    )
}

impl Evaluation {
    /// The status's name, as it stands in the tags by which lists are filtered.
    pub fn status(&self) -> &'static str {
        match (&self.right, &self.rating, &self.reply) {
            (None, ..) => "ABSENT",
            (Some(_), None, _) => "PENDING",
            (_, Some(_), Some(_)) => "REPLIED",
            (_, Some(rating), None) if rating.satisfaction.is_bad() => "VERIFYING",
            (_, Some(_), None) => "PUBLISHED",
        }
    }
}
