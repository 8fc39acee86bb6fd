//! An application (申请): from the draft to acceptance, refusal or withdrawal.
//!
//! Invariant: names, numbers, phones, addresses, forms, file names and free texts about a person stand in it only as
//! [`Personal`] values; everything else may be read without a key.

mod conclusion;
pub mod decide;
mod event;
mod evolve;
pub mod party;
mod phase;
pub(crate) mod tags;

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use yiwang_documents::Kind;
use yiwang_ledger::{Aggregate, Index, Meta, Personal, Refusal, StreamId, SubjectId, Tag, Timestamp, UniqueKey};
use yiwang_standards::codes::CaseKind;

pub use conclusion::{CaseNotice, Conclusion, IssuedResult};
pub use event::{ApplicationEvent, Change, Handling};
pub use party::Party;
pub use phase::{Acceptance, Deferred, Ground, Phase, Rejection, WithdrawalCause};

use crate::double::{Other, Override};
use crate::elsewhere::Elsewhere;
use crate::fetching::{Disputable, Disputed, Fetched, Unfetched};
use crate::limit::{Due, legal_date};
use crate::mandate::Held;
use crate::rules::RuleSet;
use crate::transfer::Organ;

/// No application has more files.
pub const MAX_ATTACHMENTS: usize = 50;
/// A form is at most this long as JSON: sealed, it must fit one entry of the ledger (64 kB).
pub const MAX_FORM_BYTES: usize = 40 * 1024;

/// Who did something, as it stands in the entry. Names only of staff, who act in office.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    /// The account (the token's subject); `system` for what the law itself effects.
    pub id: String,
    /// Name of an officer; empty for citizens.
    pub name: String,
    /// `citizen`, `company`, `clerk` …
    pub role: String,
    /// Code of the officer's organ.
    pub organisation: String,
    /// 经办人: the natural person's account that acted for a company; empty otherwise.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub person: String,
}

impl Actor {
    /// Who it was, told apart from everybody else: of a company each person who acts for it.
    pub fn doer(&self) -> &str {
        if self.person.is_empty() { &self.id } else { &self.person }
    }

    /// The law itself, by the timer.
    pub fn system() -> Self {
        Actor { id: "system".to_owned(), role: "system".to_owned(), ..Self::default() }
    }
}

/// What an application takes from its item when it begins, and keeps.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemPin {
    /// 实施编码.
    pub code: String,
    /// Version of the item's stream.
    pub version: u64,
    /// 事项名称.
    pub name: String,
    /// 实施主体.
    pub department: String,
    /// 实施主体编码.
    pub organisation: String,
    /// 行政区划.
    pub region: String,
    /// 事项类型, code of GB/T 39046 A.1.
    pub item_type: u16,
    /// 办件类型.
    pub case_kind: CaseKind,
    /// Version of the form's schema.
    pub form_version: u32,
    /// The rules that bind it.
    pub rules: RuleSet,
    /// The item's own 救济途径, added to the general ones where the law itself refuses.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub remedies: String,
    /// 受委托机关, which handles it in the name of the organ whose item it is (行政许可法 art. 24).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entrusted: Option<Organ>,
    /// 基本编码 of the basic item that it was claimed from; empty where it was imported, or begun before it was kept.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub basic: String,
}

impl ItemPin {
    /// Code of the organ whose officers handle it.
    pub fn handler(&self) -> &str {
        self.entrusted.as_ref().map_or(&self.organisation, |organ| &organ.code)
    }
}

/// 申报来源, GB/T 39046 A.5.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// 窗口.
    Window,
    /// 电脑端网上.
    #[default]
    Web,
    /// 移动端.
    Mobile,
    /// 快递申请.
    Post,
    /// 自助终端.
    Terminal,
    /// 电话.
    Phone,
    /// 村级代办点.
    VillageProxy,
    /// 其他.
    Other,
}

/// One file. Its bytes lie sealed in the object store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attachment {
    /// Id.
    pub id: String,
    /// Code of the material; empty beyond the list.
    pub material: String,
    /// Name of the file.
    pub file_name: Personal,
    /// Media type, found from the content.
    pub media_type: String,
    /// Size in bytes.
    pub size: u64,
    /// SM3 of the content, hex.
    pub sm3: String,
    /// Whose key its bytes are sealed under.
    pub subject: SubjectId,
    /// When it came.
    pub at: Timestamp,
}

/// One thing that is missing or wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Point {
    /// Code of the material; empty for the form.
    pub material: String,
    /// JSON Pointer into the form; empty for a material.
    pub field: String,
    /// What is missing and how to mend it.
    pub text: Personal,
    /// Code of the check that is not met; empty for none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub check: String,
}

/// 核对: what a clerk found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Looked {
    /// Whether the check is met.
    pub met: bool,
    /// Who looked.
    pub by: Actor,
    /// When.
    pub at: Timestamp,
}

/// 一次性补正告知书.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Correction {
    /// 文书编号.
    pub notice_number: String,
    /// All points at once.
    pub points: Vec<Point>,
    /// When it was told.
    pub at: Timestamp,
    /// Who told it.
    pub by: Actor,
    /// When the applicant's answer is due.
    pub reply_by: Due,
    /// When it came back.
    pub resubmitted: Option<Timestamp>,
}

/// On whose authority it was handed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Authority {
    /// The applicant.
    Applicant,
    /// 代理人, named in the application.
    Agent,
    /// A clerk at the window, for the applicant who stands before them.
    Window,
}

/// 收件: what was handed in, and by whom.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// 收件凭证编号.
    pub number: String,
    /// When.
    pub at: Timestamp,
    /// By whom.
    pub by: Actor,
    /// On whose authority.
    pub authority: Authority,
    /// 授权委托 under which an agent handed it in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mandate: Option<Held>,
    /// When the place's own rule wants what is missing told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tell_sooner: Option<Due>,
}

/// 换渠道接着办: the word by which a window takes up a draft.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TakeUp {
    /// The word.
    pub code: String,
    /// It is good until then.
    pub until: Timestamp,
    /// It was said: good no more, and kept so that the same request, sent again, finds its draft.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub used: bool,
}

/// What an organ says in a pre-review.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opinion {
    /// Code of the organ.
    pub organ: String,
    /// It is ready to be handed in.
    pub ready: bool,
    /// What is not, or what else should be known.
    pub text: Option<Personal>,
    /// Who said it.
    pub by: Actor,
}

/// 预审 of a draft.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PreReview {
    /// When it was asked for.
    pub requested: Timestamp,
    /// 联合预审: the departments asked.
    pub asked: Vec<Organ>,
    /// Until when they speak.
    pub until: Option<Timestamp>,
    /// What they said.
    pub opinions: Vec<Opinion>,
    /// What the window concluded.
    pub concluded: Option<Opinion>,
    /// Something was changed since it was concluded.
    pub outdated: bool,
}

/// 告知承诺书, signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Promise {
    /// The text that was promised.
    pub text: String,
    /// When.
    pub at: Timestamp,
    /// By whom.
    pub by: Actor,
}

/// 文书 that was issued on it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IssuedDocument {
    /// 文书种类.
    pub kind: Kind,
    /// 文书编号.
    pub number: String,
}

/// 联办: the joint application that it is a part of, which hands it in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartOf {
    /// The joint application.
    pub joint: StreamId,
    /// Code of the member that it is.
    pub member: String,
}

/// One step of the progress (办理进度).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// When.
    pub at: Timestamp,
    /// Name of the event.
    pub kind: String,
    /// Who.
    pub by: Actor,
    /// 办理中的告知: which of the application's notices it is, from 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notice: Option<usize>,
}

/// An application. See the module's page.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Application {
    /// What it is for.
    pub item: Arc<ItemPin>,
    /// When it was begun.
    pub created: Timestamp,
    /// The account that owns it; for one begun at the window, its applicant.
    pub owner: String,
    /// Whose it is while no applicant is named: the caller's subject, or a subject of its own.
    pub owner_subject: SubjectId,
    /// It was begun by staff at the window.
    pub begun_by_staff: bool,
    /// 申报来源.
    pub channel: Channel,
    /// 申请人.
    pub applicant: Option<Party>,
    /// 代理人.
    pub agent: Option<Party>,
    /// The form as JSON text.
    pub form: Option<Personal>,
    /// The files.
    pub attachments: Vec<Attachment>,
    /// 补正告知, at most one by law.
    pub corrections: Vec<Correction>,
    /// 收件.
    pub receipt: Option<Receipt>,
    /// 告知承诺.
    pub promise: Option<Promise>,
    /// 容缺受理承诺: that what may follow will.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deferral: Option<Promise>,
    /// 办件编号.
    pub case_number: Option<String>,
    /// Where it stands.
    pub phase: Phase,
    /// 办理进度.
    pub steps: Vec<Step>,
    /// 核对: what clerks have looked at, by the check's code.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub looked: BTreeMap<String, Looked>,
    /// 单独同意: the sensitive fields to whose use the applicant has consented.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub consented: Vec<String>,
    /// The version at which each field of the form was last saved.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub saved: BTreeMap<String, u64>,
    /// Who changed its contents last; none in records that are older than the field.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub written_by: Option<String>,
    /// The word by which a window takes it up; none while none was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub take_up: Option<TakeUp>,
    /// 免提交: what was fetched, by the material's code; none where its source has nothing in force.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub fetched: BTreeMap<String, Option<Fetched>>,
    /// Why nothing was fetched, by the same codes; none in records that are older than the field.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub unfetched: BTreeMap<String, Unfetched>,
    /// 数据异议: what of it is said to be wrong.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub disputed: Vec<Disputed>,
    /// 预审; none while nobody has asked for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pre_review: Option<PreReview>,
    /// A window has taken it up: it is seen there from then on.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub at_window: bool,
    /// 帮办代办: the accounts of the agents who act on it by a mandate, by the engagement that brought it about. They see it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub helpers: BTreeMap<StreamId, String>,
    /// 文书, in the order in which they were issued.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub documents: Vec<IssuedDocument>,
    /// 办结: how its case ended; none while it goes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conclusion: Option<Conclusion>,
    /// 办理中的告知, in the order in which they came.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notices: Vec<CaseNotice>,
    /// 双头受理: others for the same matter that were in progress when it was handed in.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub others: Vec<Other>,
    /// 双头受理: why it was accepted all the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub double: Option<Box<Override>>,
    /// 异地代收: where it was received; none where it was received where it belongs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub elsewhere: Option<Box<Elsewhere>>,
    /// 并案: the one in which the matter goes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub joined: Option<Box<Other>>,
    /// 联办: the joint application that it is a part of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub joint: Option<PartOf>,
}

impl Application {
    /// Whether the stream has begun.
    pub fn exists(&self) -> bool {
        self.phase != Phase::Absent
    }

    /// The applicant with a checked number.
    pub fn identified_applicant(&self) -> Option<&Party> {
        self.applicant.as_ref().filter(|party| party.is_identified())
    }

    /// Under whose key new personal data of this application is sealed.
    pub fn data_subject(&self) -> &SubjectId {
        self.identified_applicant().map_or(&self.owner_subject, |party| &party.subject)
    }

    /// 免填: what the form takes from what was fetched, by its fields, but for what is disputed.
    pub fn sourced(&self) -> serde_json::Map<String, serde_json::Value> {
        let all = self.fetched.values().flatten().flat_map(Fetched::values);
        all.filter(|(field, _)| !self.disputes_field(field)).collect()
    }

    /// Whether a fetched field is said to be wrong.
    pub fn disputes_field(&self, field: &str) -> bool {
        self.disputed.iter().any(|one| matches!(&one.what, Disputable::Field(own) if own == field))
    }

    /// 免提交 that came to nothing: there is no such record, or it is wrong. The applicant hands the material in.
    pub fn brings(&self, material: &str) -> bool {
        let wrong = |one: &Disputed| matches!(&one.what, Disputable::Material(own) if own == material);
        self.fetched.get(material).is_some_and(Option::is_none) || self.disputed.iter().any(wrong)
    }

    /// 收到申请之日: the day on which all of it was received, that of the last handing in.
    pub fn received(&self) -> Option<NaiveDate> {
        let corrected = self.corrections.last().and_then(|correction| correction.resubmitted);
        let handed_in = corrected.or(self.receipt.as_ref().map(|receipt| receipt.at)).map(legal_date)?;
        let arrived = self.elsewhere.as_ref().and_then(|elsewhere| elsewhere.arrived);
        Some(arrived.map_or(handed_in, |day| day.max(handed_in)))
    }

    /// 异地代收: no limit runs before its papers are there.
    pub fn waits_for_papers(&self) -> bool {
        self.elsewhere.as_ref().is_some_and(|elsewhere| elsewhere.waiting)
    }

    /// The region whose windows serve its applicant.
    pub fn serving_region(&self) -> &str {
        self.elsewhere.as_ref().map_or(&self.item.region, |elsewhere| &elsewhere.region)
    }

    /// Whether a person is a party: applicant, agent, or who began it for themselves.
    pub fn is_party(&self, subject: &SubjectId) -> bool {
        let named = [&self.applicant, &self.agent].into_iter().flatten().filter(|party| party.is_identified());
        named.map(|party| &party.subject).any(|own| own == subject)
            || (self.is_beginners() && self.owner_subject == *subject)
    }

    /// Whether it is still a matter of whoever began it: until somebody else has handed it in.
    pub fn is_beginners(&self) -> bool {
        let own = self.receipt.as_ref().is_none_or(|receipt| receipt.by.id == self.owner);
        !self.begun_by_staff && own
    }

    /// 双头受理: how it came to be accepted although another was in progress; none where it was not so.
    pub fn doubled(&self) -> Option<&'static str> {
        match &self.phase {
            _ if self.double.is_some() => Some("OVERRIDDEN"),
            Phase::Accepted(acceptance) if acceptance.deemed && self.others.iter().any(|other| other.stops) => {
                Some("DEEMED")
            }
            _ => None,
        }
    }

    /// The file of an id.
    pub fn attachment(&self, id: &str) -> Option<&Attachment> {
        self.attachments.iter().find(|attachment| attachment.id == id)
    }

    /// Whether a file for a material was handed in.
    pub fn has_material(&self, code: &str) -> bool {
        self.attachments.iter().any(|attachment| attachment.material == code)
    }
}

/// `APPLICATION_NOT_FOUND`, the same whether it is missing or hidden.
pub fn not_found() -> Refusal {
    Refusal { reason: "APPLICATION_NOT_FOUND", ..Refusal::not_found("申请") }
}

/// A draft that is a part of a joint application is filled in, handed in and given up with it.
///
/// # Errors
/// `PART_OF_JOINT`.
pub fn check_not_part(app: &Application, by_joint: bool) -> Result<(), Refusal> {
    let Some(of) = app.joint.as_ref().filter(|_| !by_joint && app.phase == Phase::Draft) else { return Ok(()) };
    let (zh, en) = ("该申请是联办申请的一部分，请在联办申请中办理", "it is a part of a joint application: do it there");
    Err(Refusal::state("PART_OF_JOINT", zh, en).with("joint_id", of.joint.to_string()))
}

/// `WRONG_PHASE`, naming the phase.
pub fn wrong_phase(phase: &Phase, verb_zh: &str, verb_en: &str) -> Refusal {
    Refusal::state(
        "WRONG_PHASE",
        format!("申请处于“{}”状态，不能{verb_zh}", phase.zh()),
        format!("the application is {}: it cannot be {verb_en}", phase.name()),
    )
    .with("phase", phase.name())
}

impl Aggregate for Application {
    const KIND: &'static str = "application";
    type Event = ApplicationEvent;

    fn evolve(&mut self, event: &ApplicationEvent, meta: &Meta) {
        evolve::evolve(self, event, meta);
    }

    fn index(&self) -> Index {
        tags::index(self)
    }

    fn tags(&self) -> Vec<Tag> {
        tags::tags(self)
    }

    fn keys(&self) -> Vec<UniqueKey> {
        tags::keys(self)
    }
}
