//! The nouns of a case: what it was opened with, its phases, its limits, its decision.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use yiwang_ledger::{Personal, SubjectId, Timestamp};

/// 办件. See the folder's page.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Case {
    /// What it was opened with; none before the first entry.
    pub facts: Option<Opened>,
    /// When it was opened here.
    pub opened_at: Timestamp,
    /// Where it stands.
    pub phase: Phase,
    /// 审查: the reviewer's opinion.
    pub review: Option<Review>,
    /// 决定.
    pub decision: Option<Decision>,
    /// What came of a grant: a licence, a receipt.
    pub result: CaseResult,
    /// Limits that passed before the duty was done.
    pub overdue: Vec<Overdue>,
    /// 办理进度: what happened, oldest first. Bounded: a case has few events.
    pub steps: Vec<StepTaken>,
}

/// One step of the progress; its words are made where it is shown.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepTaken {
    /// Name of the event.
    pub kind: String,
    /// Who did it.
    pub by: Officer,
    /// When.
    pub at: Timestamp,
}

/// Who acts for the organ: decisions are signed, so an officer's name stands in the file. A citizen's name does not.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Officer {
    /// Account.
    pub id: String,
    /// Name; empty for citizens.
    pub name: String,
    /// Role in which it was done.
    pub role: String,
    /// Code of the officer's organ.
    pub organisation: String,
}

impl Officer {
    /// The law itself, and the suite on its behalf.
    pub const SYSTEM: &'static str = "system";

    /// The actor `system`.
    pub fn system() -> Self {
        Self {
            id: Self::SYSTEM.to_owned(),
            name: "系统".to_owned(),
            role: Self::SYSTEM.to_owned(),
            organisation: String::new(),
        }
    }

    /// True where no human acted.
    pub fn is_system(&self) -> bool {
        self.id == Self::SYSTEM
    }
}

/// Where a case stands.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub enum Phase {
    /// No such case.
    #[default]
    Absent,
    /// Accepted, waiting for the reviewer.
    UnderReview,
    /// Reviewed, waiting for the approver.
    Reviewed,
    /// Granted or refused; the end of the case, though not of what follows from it.
    Decided,
    /// Withdrawn by the applicant before the decision.
    Withdrawn {
        /// When.
        at: Timestamp,
        /// By whom.
        by: Officer,
        /// Why, in the applicant's words.
        reason: Option<Personal>,
    },
}

/// What the application brought with it, and the limits that follow.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Opened {
    /// 办件编号, issued at acceptance by the organ's register.
    pub number: String,
    /// The application's id in intake.
    pub application: String,
    /// The item, as it stood when the application was accepted.
    pub item: Item,
    /// Who applied.
    pub applicant: Applicant,
    /// Account that owns the application.
    pub owner: String,
    /// Keyed hash of that account's own document.
    pub owner_subject: Option<SubjectId>,
    /// Who accepted; `system` where the law itself did (行政许可法 art. 32 ④).
    pub accepted_by: Officer,
    /// 受理之日: the day from which the limits run. The day of receipt where nobody acted in five working days.
    pub accepted_on: NaiveDate,
    /// 视为受理.
    pub deemed: bool,
    /// 告知承诺 was signed.
    pub promise_signed: bool,
    /// The form as accepted, JSON text; the licence's data are taken from it.
    pub form: Option<Personal>,
    /// Place in lists: the legal due date as it was at first, so that the earliest come first. Never changes.
    pub sort: String,
    /// 承诺办结时限.
    pub promised: Due,
    /// 法定办结时限.
    pub legal: Due,
}

/// 事项: its terms at acceptance, which the case keeps however the item changes later.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Item {
    /// 实施编码, opaque.
    pub code: String,
    /// Version of the item.
    pub version: i64,
    /// 事项名称.
    pub name: String,
    /// 事项类型, GB/T 39046 A.1; 1 is 行政许可.
    pub item_type: i32,
    /// 办件类型, GB/T 39046 A.6; 1 is 即办件.
    pub case_kind: i32,
    /// The rule set that governs the case, as the catalogue names it.
    pub rules: String,
    /// 行政区划.
    pub region: String,
    /// 实施主体编码.
    pub organisation: String,
    /// 实施主体.
    pub organisation_name: String,
    /// What comes out of a grant.
    pub result: ResultKind,
    /// Name of what comes out.
    pub result_name: String,
    /// 证照类型代码 of the licence, 21 characters; empty where none comes out.
    pub license_type: String,
    /// How long a licence holds, in months; 0: without term.
    pub validity_months: u32,
    /// The rule that sets the validity.
    pub validity_basis: String,
    /// The form's fields that the licence repeats.
    pub license_fields: Vec<String>,
    /// 法定办结时限, as the catalogue has it.
    pub legal: Option<Limit>,
    /// 承诺办结时限.
    pub promised: Option<Limit>,
    /// 告知承诺 is possible.
    pub notify_promise: bool,
    /// 告知承诺: the limit of the later check.
    pub follow_up: Option<Limit>,
    /// 救济途径 in the item's own words.
    pub remedies: String,
}

/// What comes out of a grant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum ResultKind {
    /// 批文或证明: the written decision itself.
    #[default]
    Document,
    /// 电子证照.
    License,
    /// 备案回执: a receipt with a number.
    Receipt,
}

/// 申请人.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Applicant {
    /// Keyed hash of the person's or organisation's number.
    pub subject: SubjectId,
    /// 姓名或名称.
    pub name: Personal,
    /// 证件类型, the number of the contract's `DocumentKind`.
    pub document_kind: i32,
    /// 证件号码.
    pub document_number: Personal,
    /// 联系电话.
    pub phone: Option<Personal>,
    /// 地址.
    pub address: Option<Personal>,
}

/// A time limit and where it comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limit {
    /// How many days.
    pub days: u32,
    /// Which days count.
    pub unit: Unit,
    /// The article that sets it.
    pub basis: String,
    /// Where it comes from.
    pub source: Source,
    /// True where no source has been checked: configuration, to be confirmed by the organ.
    pub unverified: bool,
}

/// Where a limit comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Source {
    /// A default of the item's type.
    #[default]
    Default,
    /// A statute names the days for this very matter.
    Statute,
    /// The organ's own implementation list (实施清单).
    Implementation,
}

/// Which days count. 行政许可法 art. 82: the agency's periods are working days.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum Unit {
    /// 工作日.
    #[default]
    WorkingDays,
    /// 自然日, the last of which rolls forward over rest days (民法典 art. 203).
    CalendarDays,
}

/// A due date that explains itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Due {
    /// The limit.
    pub limit: Limit,
    /// The day that starts it, itself not counted (民法典 art. 201).
    pub start: NaiveDate,
    /// The last day, to its end.
    pub day: NaiveDate,
    /// The years whose rest days were not known, ascending; the date is provisional then.
    pub missing_years: Vec<i32>,
    /// How it was counted.
    pub zh: String,
    /// The same in English.
    pub en: String,
}

/// Which limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum Which {
    /// 承诺办结时限.
    Promised,
    /// 法定办结时限.
    Legal,
    /// 颁发、送达, 行政许可法 art. 44.
    Delivery,
    /// 告知承诺 later check, or what it ordered.
    FollowUp,
}

/// A limit passed before the duty was done: a mark, the case goes on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Overdue {
    /// Which limit.
    pub which: Which,
    /// Its last day.
    pub due: NaiveDate,
    /// When it was marked.
    pub at: Timestamp,
}

/// Colour of the marks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Warning {
    /// In time.
    None,
    /// Over the promised limit.
    Yellow,
    /// Over a legal limit.
    Red,
}

impl Warning {
    /// `NONE`, `YELLOW`, `RED`.
    pub fn name(self) -> &'static str {
        match self {
            Warning::None => "NONE",
            Warning::Yellow => "YELLOW",
            Warning::Red => "RED",
        }
    }
}

/// 审查意见.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Review {
    /// The reviewer.
    pub by: Officer,
    /// When.
    pub at: Timestamp,
    /// What the reviewer proposes.
    pub recommendation: Recommendation,
    /// In words.
    pub opinion: Personal,
}

/// What a reviewer proposes; it binds nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Recommendation {
    /// 拟准予.
    Grant,
    /// 拟不予.
    Refuse,
}

/// 决定 (行政许可法 art. 38: in writing; a refusal gives reasons and remedies).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// 文书编号.
    pub document_number: String,
    /// The approver; who accepted, where it is done on the spot.
    pub by: Officer,
    /// When.
    pub at: Timestamp,
    /// The day of it.
    pub on: NaiveDate,
    /// Granted or refused.
    pub outcome: Outcome,
    /// 颁发、送达 by this day (art. 44), for type 01.
    pub delivery: Option<Due>,
    /// 告知承诺: the later check.
    pub follow_up: Option<FollowUp>,
}

/// Granted or refused.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Outcome {
    /// 准予, 予以备案, 予以确认 …
    Granted {
        /// Remark of the approver.
        reasons: Option<Personal>,
    },
    /// 不予.
    Refused {
        /// 理由.
        reasons: Personal,
        /// 救济途径, both, in full sentences.
        remedies: Remedies,
    },
}

/// 救济途径 (行政许可法 art. 38; 行政复议法 2023 art. 20; 行政诉讼法 art. 46).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remedies {
    /// In Chinese, as it stands in the decision.
    pub zh: String,
    /// In English.
    pub en: String,
}

/// 告知承诺 later check: one task with its own due date.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FollowUp {
    /// Where it stands.
    pub phase: FollowUpPhase,
    /// What was found so far.
    pub checks: Vec<Check>,
}

/// Where the later check stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum FollowUpPhase {
    /// To be done by then.
    Pending {
        /// By then.
        due: Due,
    },
    /// 符合承诺.
    Passed,
    /// 限期整改: to be put right, and checked again, by then.
    Rectifying {
        /// By then.
        due: Due,
    },
    /// 虚假承诺, or not put right: the grant is to be annulled (撤销, 行政许可法 art. 69), which is an act of its own.
    ToBeAnnulled,
}

/// One check.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Check {
    /// The officer.
    pub by: Officer,
    /// When.
    pub at: Timestamp,
    /// What came of it.
    pub finding: Finding,
    /// The findings in words.
    pub findings: Personal,
}

/// What a later check found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Finding {
    /// 符合承诺.
    Passed,
    /// 不符合承诺, 限期整改.
    Rectify,
    /// 虚假承诺.
    FalsePromise,
}

impl FollowUp {
    /// The day that runs, if one does.
    pub fn due(&self) -> Option<&Due> {
        match &self.phase {
            FollowUpPhase::Pending { due } | FollowUpPhase::Rectifying { due } => Some(due),
            FollowUpPhase::Passed | FollowUpPhase::ToBeAnnulled => None,
        }
    }

    /// Puts a recomputed date in its place.
    pub fn set_due(&mut self, new: Due) {
        if let FollowUpPhase::Pending { due } | FollowUpPhase::Rectifying { due } = &mut self.phase {
            *due = new;
        }
    }
}

/// What came of a grant.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub enum CaseResult {
    /// Nothing yet, or nothing to come.
    #[default]
    None,
    /// 电子证照.
    License {
        /// Its id in the licence service.
        id: String,
        /// Its identifier, GB/T 36904.
        identifier: String,
        /// 证照编号.
        number: String,
        /// When it came.
        at: Timestamp,
    },
    /// The licence service would not issue one; somebody must look.
    LicenseRefused {
        /// Its reason, in capitals.
        reason: String,
        /// In Chinese.
        zh: String,
        /// In English.
        en: String,
        /// When it came.
        at: Timestamp,
    },
}

/// What happens to a case.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, strum::IntoStaticStr, strum::VariantNames)]
pub enum Event {
    /// 受理 arrived from intake.
    Opened(Box<Opened>),
    /// 审查 done.
    Reviewed {
        /// The reviewer.
        by: Officer,
        /// What the reviewer proposes.
        recommendation: Recommendation,
        /// In words.
        opinion: Personal,
    },
    /// 决定 made.
    Decided(Box<Decision>),
    /// Withdrawn before the decision.
    Withdrawn {
        /// Who did it.
        by: Officer,
        /// Why.
        reason: Option<Personal>,
    },
    /// The later check of a promise.
    FollowUpChecked {
        /// The officer.
        by: Officer,
        /// What came of it.
        finding: Finding,
        /// In words.
        findings: Personal,
        /// What follows.
        next: FollowUpPhase,
    },
    /// A limit passed.
    MarkedOverdue {
        /// Which.
        which: Which,
        /// Its last day.
        due: NaiveDate,
    },
    /// A year of the calendar was loaded.
    DueDatesRecomputed {
        /// The new dates.
        dates: Vec<(Which, Due)>,
    },
    /// The licence is there.
    LicenseIssued {
        /// Its id.
        id: String,
        /// Its identifier.
        identifier: String,
        /// 证照编号.
        number: String,
    },
    /// The licence service refused.
    LicenseRefused {
        /// Reason in capitals.
        reason: String,
        /// In Chinese.
        zh: String,
        /// In English.
        en: String,
    },
}
