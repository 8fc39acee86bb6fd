//! What is said in a document, kind by kind: facts alone. The words around them are [`words`]'s.
//!
//! Invariant: whatever turns somebody down carries [`Grounds`], and grounds without reasons or without both remedies cannot be
//! made.

mod words;

use chrono::NaiveDate;

use crate::kind::Kind;
use crate::text::Text;

/// What every document says: whose matter it is, and before which organ.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Matter {
    /// 申请人, in full.
    pub applicant: String,
    /// A natural person.
    pub person: bool,
    /// 事项名称.
    pub item: String,
    /// 实施编码.
    pub item_code: String,
    /// 办件编号; empty while there is none.
    pub case_number: String,
    /// 实施主体, in whose name it is made.
    pub organ: String,
    /// 实施主体编码.
    pub organ_code: String,
    /// 行政许可, so that the licensing law binds it.
    pub licensing: bool,
}

/// 理由 and 救济途径 of what turns somebody down (行政许可法 art. 38 para. 2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grounds {
    reasons: String,
    remedies: String,
}

/// Why grounds are none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoGrounds {
    /// 理由 are missing.
    #[error("a decision that turns somebody down gives its reasons")]
    Reasons,
    /// 行政复议 or 行政诉讼 is missing.
    #[error("a decision that turns somebody down names reconsideration and litigation")]
    Remedies,
}

impl Grounds {
    /// Reasons in full sentences, and both ways against the decision with their periods (`yiwang_standards::remedies`: 行政复议法
    /// 2023 art. 20, 行政诉讼法 art. 46, or the item's own words).
    ///
    /// # Errors
    /// [`NoGrounds`].
    pub fn new(reasons: &str, remedies: &str) -> Result<Self, NoGrounds> {
        let (reasons, remedies) = (reasons.trim(), remedies.trim());
        if reasons.is_empty() {
            return Err(NoGrounds::Reasons);
        }
        if !["复议", "诉讼"].iter().all(|way| remedies.contains(way)) {
            return Err(NoGrounds::Remedies);
        }
        Ok(Grounds { reasons: reasons.to_owned(), remedies: remedies.to_owned() })
    }
}

/// 不受理 and 不予受理: the two grounds of 行政许可法 art. 32 para. 1 ① ②.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotTaken {
    /// ① nothing need be licensed.
    NotNeeded,
    /// ② another organ is competent, which is named.
    Elsewhere {
        /// 有权受理的机关.
        competent: String,
    },
    /// 逾期未补正, where the place's own rule says so (滨州市并联审批规定 art. 10).
    Late,
}

/// One thing to be mended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Point {
    /// The material or the field.
    pub about: String,
    /// What is missing and how to mend it.
    pub text: String,
}

/// A material on a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paper {
    /// Its name.
    pub name: String,
    /// How it came, or by when it is due.
    pub remark: String,
}

/// A last day that a document tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LastDay {
    /// The day.
    pub date: NaiveDate,
    /// It rests on a year whose rest days are not published, and will be counted again: the document says so.
    pub provisional: bool,
}

/// 撤销: the cases of 行政许可法 art. 69.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::EnumIter)]
pub enum Annulment {
    /// 滥用职权、玩忽职守.
    AbuseOfPower,
    /// 超越法定职权.
    BeyondPowers,
    /// 违反法定程序.
    AgainstProcedure,
    /// 申请人不具备申请资格或者不符合法定条件.
    NotEligible,
    /// 依法可以撤销的其他情形.
    Other,
    /// 被许可人以欺骗、贿赂等不正当手段取得.
    Fraud,
}

/// 注销: the cases of 行政许可法 art. 70.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::EnumIter)]
pub enum Ending {
    /// 有效期届满未延续.
    Expired,
    /// 公民死亡或者丧失行为能力.
    PersonGone,
    /// 法人或者其他组织依法终止.
    OrganisationEnded,
    /// 行政许可依法被撤销、撤回, 或者证件依法被吊销.
    Annulled,
    /// 因不可抗力无法实施.
    ForceMajeure,
    /// 法律、法规规定的其他情形.
    Other,
}

/// 送达方式 (民事诉讼法 ch. 7 s. 2, as administrative procedure follows it).
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::EnumIter)]
pub enum Service {
    /// 直接送达.
    InPerson,
    /// 邮寄送达.
    ByPost,
    /// 电子送达.
    Electronic,
    /// 留置送达.
    Left,
    /// 委托送达.
    ByAnother,
    /// 公告送达.
    ByNotice,
}

/// Who signs a 送达回证. What is empty is left blank, to be filled in by hand.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Signed {
    /// 送达人.
    pub server: String,
    /// 收到日期.
    pub on: Option<NaiveDate>,
    /// 受送达人, or how it was taken.
    pub addressee: String,
    /// 代收人, with the reason.
    pub substitute: String,
    /// 见证人.
    pub witnesses: String,
}

/// What a document says, by its kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Draft {
    /// 收件凭证.
    Receipt {
        /// 收到之日.
        received: NaiveDate,
        /// What was handed in.
        papers: Vec<Paper>,
        /// By when it is accepted, or told what is missing.
        told_by: NaiveDate,
        /// The rule that says so.
        basis: String,
    },
    /// 一次性补正告知书.
    Correction {
        /// All of it at once.
        points: Vec<Point>,
        /// By when the answer is due.
        reply_by: NaiveDate,
        /// What follows when none comes.
        consequence: String,
    },
    /// 受理通知书.
    Acceptance {
        /// 受理之日.
        accepted: NaiveDate,
        /// 视为受理 (行政许可法 art. 32 para. 1 ④).
        deemed: bool,
        /// Names of the materials that are still to come.
        outstanding: Vec<String>,
    },
    /// 不予受理决定书、不受理告知书.
    NonAcceptance {
        /// On which of the two grounds.
        ground: NotTaken,
        /// Reasons and remedies.
        grounds: Grounds,
    },
    /// 延期告知书.
    Extension {
        /// 受理之日.
        accepted: NaiveDate,
        /// The rule that allows it.
        basis: String,
        /// By how much, in words: 10个工作日.
        by: String,
        /// The new last day.
        until: LastDay,
        /// Who allowed it: 本行政机关负责人, 本级人民政府负责人.
        approved_by: String,
        /// 延长期限的理由.
        reason: String,
    },
    /// 特别程序告知书.
    SpecialProcedure {
        /// Which, such as 检测.
        procedure: String,
        /// The rule that demands it.
        basis: String,
        /// From which day.
        from: NaiveDate,
        /// 所需时间, in words.
        takes: String,
        /// The last day that is not counted.
        until: LastDay,
    },
    /// 听证权利告知书.
    HearingRights {
        /// The decision that is intended.
        intended: String,
        /// Its facts, reasons and rules.
        why: String,
        /// By when a hearing is asked for: five (working) days after it is told (行政许可法 arts. 47, 82).
        ask_by: NaiveDate,
    },
    /// 听证通知书.
    HearingNotice {
        /// The day.
        on: NaiveDate,
        /// The hour, in words.
        hour: String,
        /// The place.
        place: String,
        /// 主持人.
        presider: String,
        /// Held in public.
        public: bool,
    },
    /// 准予决定书, 备案回执.
    Grant {
        /// 备案: what was handed in is recorded, nothing is licensed.
        recorded: bool,
        /// What comes out: the licence's or paper's name; empty where there is none.
        result: String,
        /// The organ's remark; empty for none.
        remark: String,
        /// By when the licence is handed out (行政许可法 art. 44), where one is.
        deliver_by: Option<NaiveDate>,
    },
    /// 不予决定书.
    Refusal {
        /// Reasons and remedies.
        grounds: Grounds,
    },
    /// 撤销决定书.
    Revocation {
        /// What is annulled: its name and number.
        license: String,
        /// On which case of art. 69.
        case: Annulment,
        /// Reasons and remedies.
        grounds: Grounds,
    },
    /// 注销决定书.
    Deregistration {
        /// What ends: its name and number.
        license: String,
        /// On which case of art. 70.
        case: Ending,
        /// Reasons and remedies.
        grounds: Grounds,
    },
    /// 送达回证.
    ProofOfService {
        /// Titles and numbers of what is served.
        served: Vec<(String, String)>,
        /// How.
        way: Service,
        /// Where.
        address: String,
        /// Who signs.
        signed: Signed,
    },
    /// 容缺受理告知书 with the promise.
    Deferral {
        /// What is still to come, each with its day.
        papers: Vec<Paper>,
        /// What follows when it does not come.
        consequence: String,
    },
    /// 告知承诺书.
    Promise {
        /// 告知: the conditions and what follows when they are not met.
        told: String,
        /// 承诺: what the applicant promises.
        promised: String,
        /// When it was signed, by an account that was identified; none where it is signed on paper.
        signed: Option<NaiveDate>,
    },
}

impl Draft {
    /// Its kind.
    pub fn kind(&self) -> Kind {
        match self {
            Draft::Receipt { .. } => Kind::Receipt,
            Draft::Correction { .. } => Kind::Correction,
            Draft::Acceptance { .. } => Kind::Acceptance,
            Draft::NonAcceptance { .. } => Kind::NonAcceptance,
            Draft::Extension { .. } => Kind::Extension,
            Draft::SpecialProcedure { .. } => Kind::SpecialProcedure,
            Draft::HearingRights { .. } => Kind::HearingRights,
            Draft::HearingNotice { .. } => Kind::HearingNotice,
            Draft::Grant { .. } => Kind::Grant,
            Draft::Refusal { .. } => Kind::Refusal,
            Draft::Revocation { .. } => Kind::Revocation,
            Draft::Deregistration { .. } => Kind::Deregistration,
            Draft::ProofOfService { .. } => Kind::ProofOfService,
            Draft::Deferral { .. } => Kind::Deferral,
            Draft::Promise { .. } => Kind::Promise,
        }
    }
}

/// What the register gives a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issuance {
    /// 文书编号.
    pub number: String,
    /// The day of it.
    pub date: NaiveDate,
    /// 校验码.
    pub check_code: String,
    /// Where it is verified.
    pub address: String,
}

/// The whole text of a document.
pub fn compose(draft: &Draft, matter: &Matter, issuance: &Issuance) -> Text {
    words::compose(draft, matter, issuance)
}
