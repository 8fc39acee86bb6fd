//! What happens to an application. Never changed once released, only added to; one body of each is kept in
//! `tests/golden/intake`.

use std::sync::Arc;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use yiwang_documents::Kind;
use yiwang_ledger::{Personal, StreamId, SubjectId, Timestamp};

use super::{
    Actor, Attachment, Authority, CaseNotice, Channel, Conclusion, Deferred, Ground, IssuedResult, ItemPin, Opinion,
    PartOf, Party, Point, WithdrawalCause,
};
use crate::catalogue::handling::Consequence;
use crate::double::Other;
use crate::elsewhere::Elsewhere;
use crate::fetching::{Disputable, Fetched, Missed};
use crate::limit::Due;
use crate::mandate::Held;
use crate::transfer::Organ;

/// What an update does to one part.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub enum Change<T> {
    /// Left as it is.
    #[default]
    Keep,
    /// Set.
    Set(T),
    /// Taken out.
    Clear,
}

impl<T: Clone> Change<T> {
    /// The part after the change.
    pub fn apply(&self, part: &mut Option<T>) {
        match self {
            Change::Keep => {}
            Change::Set(value) => *part = Some(value.clone()),
            Change::Clear => *part = None,
        }
    }
}

/// Whose officers handle an application from its receipt on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Handling {
    /// The organ's own.
    Own,
    /// 受委托机关's.
    Trustee(Organ),
}

/// What happens to an application.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, strum::IntoStaticStr)]
pub enum ApplicationEvent {
    /// A draft was begun.
    Drafted {
        /// What for.
        item: Arc<ItemPin>,
        /// The account that owns it.
        owner: String,
        /// Whose it is while no applicant is named.
        owner_subject: SubjectId,
        /// By staff at the window.
        by_staff: bool,
        /// 申报来源.
        channel: Channel,
        /// 申请人.
        applicant: Option<Box<Party>>,
        /// 代理人.
        agent: Option<Box<Party>>,
        /// The form as JSON text.
        form: Option<Personal>,
        /// 异地代收: where it is received, where that is another region than its item's.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        elsewhere: Option<Box<Elsewhere>>,
        /// 联办: the joint application that it is a part of.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        joint: Option<PartOf>,
        /// Who.
        by: Actor,
    },
    /// Its contents were changed.
    Updated {
        /// The owner from now on, where the change of the applicant changes it.
        owner: Option<String>,
        /// 申请人.
        applicant: Change<Box<Party>>,
        /// 代理人.
        agent: Change<Box<Party>>,
        /// The form as JSON text.
        form: Change<Personal>,
        /// Names of the form's fields that were saved by it; none in entries that are older than the field.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        fields: Vec<String>,
        /// Who.
        by: Actor,
    },
    /// Its party made a word by which a window takes the draft up.
    TakeUpOffered {
        /// The word.
        code: String,
        /// It is good until then.
        until: Timestamp,
        /// Who.
        by: Actor,
    },
    /// 换渠道: somebody else, or the same person elsewhere, goes on with the draft.
    TakenUp {
        /// Where.
        channel: Channel,
        /// At a window, which sees it from then on.
        at_window: bool,
        /// Who.
        by: Actor,
    },
    /// A file came.
    AttachmentAdded {
        /// The file.
        attachment: Box<Attachment>,
        /// Who.
        by: Actor,
    },
    /// A file was taken out.
    AttachmentRemoved {
        /// Its id.
        id: String,
        /// Who.
        by: Actor,
    },
    /// 免提交: a source was asked for a material.
    MaterialFetched {
        /// Code of the material.
        material: String,
        /// What it has; none where it has nothing in force.
        fetched: Option<Box<Fetched>>,
        /// Why it has nothing; none where it has something, and in entries that are older than the field.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        missed: Option<Missed>,
        /// Who.
        by: Actor,
    },
    /// 数据异议: what was fetched is said to be wrong.
    FetchedDisputed {
        /// What.
        what: Disputable,
        /// What is wrong.
        reason: Personal,
        /// Who.
        by: Actor,
    },
    /// 预审 was asked for.
    PreReviewRequested {
        /// Who.
        by: Actor,
    },
    /// 联合预审: departments were asked.
    PreReviewInvited {
        /// Those that were not asked before.
        organs: Vec<Organ>,
        /// Until when they speak.
        until: Timestamp,
        /// Who.
        by: Actor,
    },
    /// A department spoke.
    PreReviewGiven {
        /// What it said.
        opinion: Box<Opinion>,
    },
    /// The window concluded.
    PreReviewConcluded {
        /// What it said.
        opinion: Box<Opinion>,
    },
    /// 收件: it was handed in.
    Submitted {
        /// 受委托机关 on that day; none where the organ handles it itself, or in an entry that is older than the field.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        entrusted: Option<Handling>,
        /// 收件凭证编号 in entries that are older than `DocumentIssued`.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        receipt_number: String,
        /// The day of receipt.
        received: NaiveDate,
        /// When everything missing must have been told.
        due: Due,
        /// When the place's own rule wants it told.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        tell_sooner: Option<Due>,
        /// On whose authority.
        authority: Authority,
        /// 授权委托 under which an agent hands it in.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        mandate: Option<Held>,
        /// The promise that was signed with it.
        promise: Option<String>,
        /// 容缺受理承诺 that was signed with it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        deferral: Option<String>,
        /// Codes of the materials that are not there yet.
        missing: Vec<String>,
        /// 单独同意: the sensitive fields to whose use the applicant consents.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        consented: Vec<String>,
        /// 双头受理: others for the same matter that are in progress, of which the applicant is told.
        #[serde(default, skip_serializing_if = "<[Other]>::is_empty")]
        others: Box<[Other]>,
        /// 异地代收: its papers are on their way, and no limit runs before they are there.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        waits_for_papers: bool,
        /// Who.
        by: Actor,
    },
    /// 异地代收: the papers that limits waited for are there, or are known to be lost.
    PapersArrived {
        /// The day.
        received: NaiveDate,
        /// When everything missing must have been told; none where that is no question any more.
        due: Option<Due>,
        /// The stricter local day of it; none where there is none.
        #[serde(default)]
        tell_sooner: Option<Due>,
    },
    /// 当场更正 (行政许可法 art. 32 ③): what was changed by the same command was a slip that is mended while the application waits
    /// for acceptance. The clock goes on.
    CorrectedOnTheSpot {
        /// Codes of the materials that are not there now.
        missing: Vec<String>,
        /// Who.
        by: Actor,
    },
    /// 核对: a clerk has looked.
    ChecksRecorded {
        /// Codes of the checks, and whether they are met.
        checks: Vec<(String, bool)>,
        /// Who.
        by: Actor,
    },
    /// 一次性补正告知.
    CorrectionRequested {
        /// 文书编号 in entries that are older than `DocumentIssued`.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        notice_number: String,
        /// All points at once.
        points: Vec<Point>,
        /// When the answer is due.
        reply_by: Due,
        /// Who.
        by: Actor,
    },
    /// It came back corrected; the clock starts again.
    Resubmitted {
        /// The day on which all of it was received.
        received: NaiveDate,
        /// When it must have been accepted.
        due: Due,
        /// When the place's own rule wants it told.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        tell_sooner: Option<Due>,
        /// On whose authority.
        authority: Authority,
        /// 授权委托 under which an agent hands it in.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        mandate: Option<Held>,
        /// What was done.
        note: Option<Personal>,
        /// Codes of the materials that are still not there.
        missing: Vec<String>,
        /// 单独同意: the sensitive fields to whose use the applicant consents.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        consented: Vec<String>,
        /// Who.
        by: Actor,
    },
    /// 双头受理: another one is in progress, and it is accepted all the same; supervision sees it.
    DoubleEntryOverridden {
        /// The others.
        others: Vec<Other>,
        /// Why.
        reason: Personal,
        /// Who.
        by: Actor,
    },
    /// 受理.
    Accepted {
        /// 受理之日.
        date: NaiveDate,
        /// Materials that may still follow (容缺).
        outstanding: Vec<String>,
        /// 容缺受理告知.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        deferral: Option<Box<Deferred>>,
        /// 容缺受理承诺, where it was signed at the window with the acceptance.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        signed: Option<String>,
        /// Remark for the file.
        note: Option<Personal>,
        /// Who.
        by: Actor,
    },
    /// 容缺: what was to follow did not come in time; what the notice says follows.
    DeferralLate {
        /// Codes of the materials that have not come.
        materials: Vec<String>,
        /// What follows.
        consequence: Consequence,
    },
    /// 视为受理, by the law itself (行政许可法 art. 32 ④).
    DeemedAccepted {
        /// 受理之日: the day of receipt.
        date: NaiveDate,
        /// The limit that passed.
        due: Due,
        /// Materials that were missing and not asked for in time.
        outstanding: Vec<String>,
    },
    /// The limit passed and the rule set knows no deemed acceptance.
    AcceptanceOverdue {
        /// The limit that passed.
        due: Due,
    },
    /// 不受理、不予受理.
    Refused {
        /// 文书编号 in entries that are older than `DocumentIssued`.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        notice_number: String,
        /// Ground.
        ground: Ground,
        /// Why.
        reason: Personal,
        /// 有权受理的机关.
        competent_organ: String,
        /// 救济途径, as they were told; empty in entries that are older than the field.
        #[serde(default)]
        remedies: String,
        /// Who.
        by: Actor,
    },
    /// 办件编号: the organ's register issued it.
    Numbered {
        /// The number.
        case_number: String,
    },
    /// 文书: the organ's register issued one, and it has this number.
    DocumentIssued {
        /// 文书种类.
        kind: Kind,
        /// 文书编号.
        number: String,
    },
    /// Its applicant asks to have it back after acceptance; approval answers.
    WithdrawalRequested {
        /// Why.
        reason: Option<Personal>,
        /// Who.
        by: Actor,
    },
    /// Approval has decided already: it cannot be taken back.
    WithdrawalDenied,
    /// 撤回.
    Withdrawn {
        /// Why it counts as taken back.
        cause: WithdrawalCause,
        /// The applicant's words; the clerk's, where it was joined to another.
        reason: Option<Personal>,
        /// 并案: the one in which the matter goes on.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        joined: Option<Box<Other>>,
        /// Who.
        by: Actor,
    },
    /// 帮办代办: an agent acts on it by the mandate that an engagement brought about.
    HelperNamed {
        /// The engagement.
        engagement: StreamId,
        /// The agent's account.
        account: String,
    },
    /// That agent acts on it no longer.
    HelperGone {
        /// The engagement.
        engagement: StreamId,
    },
    /// 办结: approval has decided the case.
    Concluded {
        /// How.
        conclusion: Box<Conclusion>,
        /// Who decided.
        by: Actor,
    },
    /// 办理中的告知: approval tells the applicant something in writing while the case goes on.
    CaseNoticed {
        /// What.
        notice: Box<CaseNotice>,
        /// Who decided it.
        by: Actor,
    },
    /// 出件: what came of the decision is there.
    ResultIssued {
        /// 决定书编号; empty where it was told before.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        document: String,
        /// What is handed out; none where only the number of the decision came.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        result: Option<IssuedResult>,
    },
    /// A calendar year was loaded: the due date is another, or no longer provisional.
    DueRecomputed {
        /// The due date from now on.
        due: Due,
    },
}
