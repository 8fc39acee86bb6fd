//! 联办申请 (一件事、一业一证、集成审批、一链): one submission that becomes an application for each member of a theme. Each runs on its own, in
//! its own department's hands, and its decision stays that department's; what depends on another waits for it, and is not pursued
//! when that other came to nothing. In a chain (一链) a later stage is opened by what came before it and begun by its applicant, when
//! they are ready for it.
//!
//! Invariant: a member's application is an ordinary one, made and handed in by `carrying`, never by hand.

pub mod carrying;
pub mod decide;
mod event;

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use yiwang_ledger::{Aggregate, Index, Meta, Personal, Refusal, StreamId, SubjectId, Tag, Timestamp};

use crate::application::{Actor, Application, Channel, IssuedResult, ItemPin, Party};
use crate::limit::{Due, Ends as _};
use crate::theme::{self, HandOut};

pub use self::event::Event;

/// What it takes from its theme when it begins, and keeps.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ThemePin {
    /// Code.
    pub code: String,
    /// Version of the theme's stream.
    pub version: u64,
    /// Name.
    pub name: String,
    /// 行政区划.
    pub region: String,
    /// 牵头部门.
    pub lead: String,
    /// Its code.
    pub lead_code: String,
    /// 承诺时限 of all of it.
    pub promised_limit: crate::limit::Limit,
    /// One survey for all.
    pub one_survey: bool,
    /// 出件规则.
    pub hand_out: HandOut,
    /// 一链: a later stage is begun by its applicant, at the item's version of that day.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub chain: bool,
}

/// Where a member stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Standing {
    /// Not begun: the submission has not been made, or what it depends on is not there yet.
    #[default]
    Waiting,
    /// 一链: what it depends on is there, and its applicant may begin it when they want.
    Open,
    /// What it depends on is there: it is being handed in, or is with the partner.
    Released,
    /// The rules refuse to take it in as it is: mended, it goes on.
    Stuck {
        /// Reason in capitals.
        reason: String,
        /// In Chinese.
        zh: String,
        /// In English.
        en: String,
    },
    /// Handed in: the department has it.
    Running,
    /// 准予, 办成.
    Granted {
        /// What came of it; none until it is there, or where nothing does.
        result: Option<IssuedResult>,
    },
    /// 不予受理, 不予许可, or the partner could not.
    Refused,
    /// 撤回.
    Withdrawn,
    /// Not pursued: what it depends on came to nothing.
    Cancelled {
        /// Code of that member.
        because: String,
    },
}

impl Standing {
    /// Nothing more happens to it.
    pub fn is_final(&self) -> bool {
        !matches!(
            self,
            Standing::Waiting | Standing::Open | Standing::Released | Standing::Stuck { .. } | Standing::Running
        )
    }

    /// It ended, and not well.
    pub fn came_to_nothing(&self) -> bool {
        matches!(self, Standing::Refused | Standing::Withdrawn | Standing::Cancelled { .. })
    }
}

/// 联办成员.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// As the theme has it, without what the answers left out.
    pub plan: theme::Member,
    /// What its application takes from its item; none for a partner's step.
    pub item: Option<Arc<ItemPin>>,
    /// Where it stands.
    #[serde(default)]
    pub standing: Standing,
    /// 一链: who began this stage, and what they said with it; none for what the submission of all of it began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub begun: Option<Box<HandedIn>>,
    /// What was mended of it since the submission, and by whom.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mended: Option<Box<Mended>>,
}

/// What somebody mends of a member that is stuck: it is handed in with it, and by them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mended {
    /// Who.
    pub by: Actor,
    /// The person, where the account is one.
    pub subject: Option<SubjectId>,
    /// Staff of an organ.
    pub staff: bool,
    /// Fields of the member's own form, as JSON text, that are filled in otherwise than the one form and other members' results say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub form: Option<Personal>,
    /// 单独同意 to the use of sensitive data.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub consents: bool,
    /// 告知承诺 is signed, or is not any more; none: as before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub promise: Option<bool>,
    /// 容缺受理承诺, likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deferral: Option<bool>,
}

impl Mended {
    /// This upon what was mended before: what it does not speak of stays.
    fn upon(self, before: Option<&Mended>) -> Self {
        Mended {
            form: self.form.or_else(|| before?.form.clone()),
            consents: self.consents || before.is_some_and(|before| before.consents),
            promise: self.promise.or_else(|| before?.promise),
            deferral: self.deferral.or_else(|| before?.deferral),
            ..self
        }
    }
}

impl Member {
    /// Its code.
    pub fn code(&self) -> &str {
        &self.plan.code
    }

    /// What is done.
    pub fn name(&self) -> &str {
        self.item.as_ref().map_or(&self.plan.name, |item| &item.name)
    }

    /// Who does it.
    pub fn department(&self) -> &str {
        self.item.as_ref().map_or(&self.plan.partner, |item| &item.department)
    }
}

/// 提交: who handed it in, and what they said with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HandedIn {
    /// When.
    pub at: Timestamp,
    /// By whom.
    pub by: Actor,
    /// The person, where the account is one.
    pub subject: Option<SubjectId>,
    /// Staff of an organ.
    pub staff: bool,
    /// 单独同意 to the use of sensitive data.
    pub consents: bool,
    /// 告知承诺 is signed for these members.
    pub promises: Vec<String>,
    /// 容缺受理承诺 is signed for these members.
    pub deferrals: Vec<String>,
    /// When all of it is promised to be done; in a chain, the stages that began then.
    pub promised: Due,
}

/// Where all of it stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Phase {
    /// Not begun.
    #[default]
    Absent,
    /// 草稿.
    Draft,
    /// 办理中.
    Running,
    /// 办结: every member has ended.
    Ended,
    /// The draft was given up.
    Withdrawn,
}

impl Phase {
    /// Its name, as tagged and shown.
    pub fn name(self) -> &'static str {
        match self {
            Phase::Absent => "ABSENT",
            Phase::Draft => "DRAFT",
            Phase::Running => "RUNNING",
            Phase::Ended => "ENDED",
            Phase::Withdrawn => "WITHDRAWN",
        }
    }

    /// Its name in Chinese.
    pub fn zh(self) -> &'static str {
        match self {
            Phase::Absent => "不存在",
            Phase::Draft => "草稿",
            Phase::Running => "办理中",
            Phase::Ended => "已办结",
            Phase::Withdrawn => "已撤回",
        }
    }
}

/// Whose it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Whose {
    /// Who began it.
    pub by: Actor,
    /// That person, where the account is one.
    pub subject: Option<SubjectId>,
    /// By staff at the window.
    pub by_staff: bool,
    /// 申报来源.
    pub channel: Channel,
    /// 申请人, with a checked number.
    pub applicant: Party,
    /// 代理人.
    pub agent: Option<Party>,
}

/// 撤回 of all of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TakenBack {
    /// Why.
    pub reason: Option<Personal>,
    /// By whom.
    pub by: Actor,
}

/// A joint application. See the module's page.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Joint {
    /// What it takes from its theme.
    pub theme: ThemePin,
    /// When it was begun.
    pub created: Timestamp,
    /// Whose it is; none before it was begun.
    pub whose: Option<Whose>,
    /// 回答, as JSON text.
    pub answers: Option<Personal>,
    /// The one form as JSON text.
    pub form: Option<Personal>,
    /// The members that the answers chose.
    pub members: Vec<Member>,
    /// Where all of it stands.
    pub phase: Phase,
    /// 提交.
    pub handed_in: Option<HandedIn>,
    /// It was asked to be taken back.
    pub taken_back: Option<TakenBack>,
    /// The promised limit of all of it has passed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub late: bool,
}

/// The application of a member.
pub fn part(joint: StreamId, member: &str) -> StreamId {
    StreamId::named(Application::KIND, &format!("joint/{joint}/{member}"))
}

/// `JOINT_APPLICATION_NOT_FOUND`, the same whether it is missing or hidden.
pub fn not_found() -> Refusal {
    Refusal { reason: "JOINT_APPLICATION_NOT_FOUND", ..Refusal::not_found("联办申请") }
}

impl Joint {
    /// Whether the stream has begun.
    pub fn exists(&self) -> bool {
        self.phase != Phase::Absent
    }

    /// A member by its code.
    pub fn member(&self, code: &str) -> Option<&Member> {
        self.members.iter().find(|member| member.code() == code)
    }

    fn member_mut(&mut self, code: &str) -> Option<&mut Member> {
        self.members.iter_mut().find(|member| member.plan.code == code)
    }

    /// The members that are to be handed out now: all together when the last has ended, or each when it is there.
    pub fn results(&self) -> Vec<(&Member, &IssuedResult)> {
        if self.theme.hand_out == HandOut::Together && self.members.iter().any(|member| !member.standing.is_final()) {
            return Vec::new();
        }
        let there = self.members.iter().filter_map(|member| match &member.standing {
            Standing::Granted { result: Some(result) } => Some((member, result)),
            _ => None,
        });
        there.collect()
    }

    /// Whether a member waits until its applicant begins it: in a chain, every stage that comes after another.
    pub fn is_later_stage(&self, member: &Member) -> bool {
        self.theme.chain && member.item.is_some() && !member.plan.before().is_empty()
    }

    /// What was said with a member: with its stage, or with all of it.
    pub fn handing_of<'a>(&'a self, member: &'a Member) -> Option<&'a HandedIn> {
        member.begun.as_deref().or(self.handed_in.as_ref())
    }

    /// The promise that runs now: of all of it; in a chain, the first to end of the stages that are in hand, since nobody promises
    /// how long its applicant takes between them.
    pub fn promised(&self) -> Option<&Due> {
        if !self.theme.chain {
            return self.handed_in.as_ref().map(|handed| &handed.promised);
        }
        let in_hand = self.members.iter().filter(|member| {
            matches!(member.standing, Standing::Released | Standing::Stuck { .. } | Standing::Running)
        });
        in_hand
            .filter_map(|member| self.handing_of(member))
            .map(|handed| &handed.promised)
            .min_by_key(|due| due.passed_at())
    }

    /// Whether somebody is a party of it.
    pub fn is_party(&self, subject: &SubjectId) -> bool {
        let whose = self.whose.iter();
        whose
            .flat_map(|whose| std::iter::once(&whose.applicant).chain(&whose.agent))
            .any(|party| party.subject == *subject)
    }

    /// Nothing more comes of it: all has ended, with what came of it.
    pub fn is_over(&self) -> bool {
        let awaited =
            |member: &Member| member.item.is_some() && matches!(member.standing, Standing::Granted { result: None });
        match self.phase {
            Phase::Withdrawn => true,
            Phase::Ended => !self.members.iter().any(awaited),
            Phase::Absent | Phase::Draft | Phase::Running => false,
        }
    }

    /// The promised limit, while it can still pass.
    fn watched(&self) -> Option<&Due> {
        let running = self.phase == Phase::Running && !self.late;
        self.promised().filter(|_| running)
    }

    fn stand(&mut self, code: &str, standing: Standing) {
        if let Some(member) = self.member_mut(code) {
            member.standing = standing;
        }
        if self.phase == Phase::Running && self.members.iter().all(|member| member.standing.is_final()) {
            self.phase = Phase::Ended;
        }
    }
}

impl Aggregate for Joint {
    const KIND: &'static str = "joint";
    const SCHEMA: i32 = 2;
    type Event = Event;

    fn evolve(&mut self, event: &Event, meta: &Meta) {
        match event {
            Event::JointDrafted { theme, whose, answers, form, members } => {
                self.theme = (**theme).clone();
                self.created = meta.at;
                self.whose = Some((**whose).clone());
                self.answers = Some(answers.clone());
                self.form.clone_from(form);
                self.members.clone_from(members);
                self.phase = Phase::Draft;
            }
            Event::JointFormSaved { form, .. } => self.form = Some(form.clone()),
            Event::JointSubmitted { handed_in } => {
                self.handed_in = Some(HandedIn { at: meta.at, ..(**handed_in).clone() });
                self.phase = Phase::Running;
            }
            Event::MemberReleased { member } => self.stand(member, Standing::Released),
            Event::MemberOpened { member } => self.stand(member, Standing::Open),
            Event::MemberBegun { member, item, handed_in } => {
                if let Some(stage) = self.member_mut(member) {
                    stage.item = Some(item.clone());
                    stage.begun = Some(Box::new(HandedIn { at: meta.at, ..(**handed_in).clone() }));
                }
                self.late = false;
                self.stand(member, Standing::Released);
            }
            Event::MemberHandedIn { member } => self.stand(member, Standing::Running),
            Event::MemberStuck { member, reason, zh, en } => {
                let (reason, zh, en) = (reason.clone(), zh.clone(), en.clone());
                self.stand(member, Standing::Stuck { reason, zh, en });
            }
            Event::MemberGranted { member, result, .. } => {
                self.stand(member, Standing::Granted { result: result.clone() });
            }
            Event::MemberRefused { member, .. } => self.stand(member, Standing::Refused),
            Event::MemberMended { member, mended } => {
                if let Some(member) = self.member_mut(member) {
                    member.mended = Some(Box::new((**mended).clone().upon(member.mended.as_deref())));
                }
            }
            Event::MemberWithdrawn { member, .. } => self.stand(member, Standing::Withdrawn),
            Event::MemberCancelled { member, because } => {
                self.stand(member, Standing::Cancelled { because: because.clone() });
            }
            Event::JointTakenBack { reason, by } => {
                self.taken_back = Some(TakenBack { reason: reason.clone(), by: by.clone() });
                if self.phase == Phase::Draft {
                    self.phase = Phase::Withdrawn;
                }
            }
            Event::JointLate { .. } => self.late = true,
            Event::JointDueRecomputed { due } => {
                let before = self.promised().cloned();
                let begun = self.members.iter_mut().filter_map(|member| member.begun.as_deref_mut());
                let mut handed = begun.chain(self.handed_in.as_mut());
                if let Some(handed) = handed.find(|handed| Some(&handed.promised) == before.as_ref()) {
                    handed.promised = due.clone();
                }
            }
        }
    }

    fn index(&self) -> Index {
        Index {
            region: self.theme.region.clone(),
            organisation: self.theme.lead_code.clone(),
            owner: self.whose.as_ref().map(|whose| whose.applicant.subject.to_string()).unwrap_or_default(),
            item: self.theme.code.clone(),
            status: self.phase.name().to_owned(),
            // a date that may still move makes nobody late (RULES 0.4)
            due_at: self
                .watched()
                .filter(|due| !due.provisional())
                .map(|due| due.passed_at())
                .filter(|at| *at < Timestamp::NEVER),
        }
    }

    /// A draft is its parties' alone (and the window's, where staff began it); from the submission on its departments, the window
    /// and supervision see it too.
    fn tags(&self) -> Vec<Tag> {
        let Some(whose) = &self.whose else { return Vec::new() };
        let sort = Tag::newest_first(self.created);
        let mut seen_by = vec![whose.applicant.subject.audience()];
        seen_by.extend(whose.agent.iter().map(|agent| agent.subject.audience()));
        let received = self.handed_in.is_some();
        if whose.by_staff || received {
            seen_by.push(format!("window:{}", self.theme.region));
        }
        if received {
            seen_by.push(format!("region:{}", self.theme.region));
            seen_by.push(format!("org:{}", self.theme.lead_code));
            let organs = self.members.iter().filter_map(|member| member.item.as_ref());
            seen_by.extend(organs.map(|item| format!("org:{}", item.handler())));
        }
        let mut tags: Vec<Tag> =
            seen_by.into_iter().map(|value| Tag::new(Tag::AUDIENCE, value, sort.clone())).collect();
        tags.push(Tag::new("phase", self.phase.name(), sort.clone()));
        tags.push(Tag::new("theme", self.theme.code.clone(), sort.clone()));
        let missing = self.watched().into_iter().flat_map(|due| &due.missing_years);
        tags.extend(missing.map(|year| Tag::new("provisional", year.to_string(), sort.clone())));
        tags.sort();
        tags.dedup();
        tags
    }
}
