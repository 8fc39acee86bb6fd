//! 主题 (一件事、一业一证、集成审批、一链): one matter of the citizen's that is several items of several departments. Questions choose
//! the members; one form and one list of materials serve all of them; each decision stays its own department's (浦东“一业一证”
//! 规定 art. 14).

pub mod decide;
pub mod plan;
pub mod source;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use yiwang_ledger::{Aggregate, Index, Meta, Refusal, StreamId, Tag};

use crate::limit::Limit;

/// What a theme is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// 一件事.
    #[default]
    OneMatter,
    /// 一业一证.
    OneTrade,
    /// 集成审批.
    Integrated,
    /// 一链: matters that follow one another, each stage's output the next one's input; a later stage is begun when its applicant is
    /// ready (`joint`).
    Chain,
}

impl Kind {
    /// Its name in tags.
    pub fn name(self) -> &'static str {
        match self {
            Kind::OneMatter => "ONE_MATTER",
            Kind::OneTrade => "ONE_TRADE",
            Kind::Integrated => "INTEGRATED",
            Kind::Chain => "CHAIN",
        }
    }
}

/// How a question is answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnswerKind {
    /// The code of one choice.
    #[default]
    One,
    /// Codes of choices.
    Many,
    /// Yes or no.
    Boolean,
    /// A number.
    Number,
}

/// 出件规则.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HandOut {
    /// All together.
    #[default]
    Together,
    /// Each when it is there.
    Each,
}

/// One choice.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Choice {
    /// Code.
    pub code: String,
    /// What is read.
    pub text: String,
}

/// 引导问题.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// Code, by which conditions name the answer.
    pub code: String,
    /// The question.
    pub text: String,
    /// How it is answered.
    pub kind: AnswerKind,
    /// The choices.
    #[serde(default)]
    pub choices: Vec<Choice>,
    /// When it is asked (CEL); empty: always.
    #[serde(default)]
    pub when: String,
}

/// What a member gets from another.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// Whose result it is.
    pub from: String,
    /// The material that need not be handed in.
    #[serde(default)]
    pub material: String,
    /// The field that it fills in.
    #[serde(default)]
    pub field: String,
}

/// 联办成员.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Member {
    /// Code, unique within the theme.
    pub code: String,
    /// 实施编码; empty for a partner's step.
    #[serde(default)]
    pub item: String,
    /// The partner; empty for an item.
    #[serde(default)]
    pub partner: String,
    /// What a partner does.
    #[serde(default)]
    pub name: String,
    /// When it is a member (CEL); empty: always.
    #[serde(default)]
    pub when: String,
    /// 前置.
    #[serde(default)]
    pub after: Vec<String>,
    /// What it gets from others.
    #[serde(default)]
    pub inputs: Vec<Input>,
}

impl Member {
    /// Every member that comes before it: what it must wait for, and what it gets something from.
    pub fn before(&self) -> BTreeSet<&str> {
        self.after.iter().chain(self.inputs.iter().map(|input| &input.from)).map(String::as_str).collect()
    }
}

/// What is tried at publication.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Example {
    /// Answers, JSON.
    pub answers: String,
    /// Codes of the members that come out.
    pub members: Vec<String>,
}

/// A theme's elements.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ThemeFacts {
    /// Code.
    pub code: String,
    /// Name.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// 行政区划, 12 digits.
    pub region: String,
    /// 牵头部门.
    pub lead: String,
    /// Its code.
    pub lead_code: String,
    /// The rule that it rests on.
    pub basis: String,
    /// 指南.
    pub guide: String,
    /// 承诺时限 of all of it.
    pub promised_limit: Limit,
    /// 生命周期.
    pub life_event: String,
    /// 引导问题.
    pub questions: Vec<Question>,
    /// 联办成员.
    pub members: Vec<Member>,
    /// One survey for all.
    pub one_survey: bool,
    /// 出件规则.
    pub hand_out: HandOut,
    /// What is tried at publication.
    pub examples: Vec<Example>,
}

/// A theme.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Theme {
    /// Its elements; an empty code before it was published.
    pub facts: ThemeFacts,
    /// Why it was cancelled.
    pub cancelled: Option<String>,
    /// Digest of the elements that the product last shipped for it.
    pub shipped: Option<String>,
    /// An administrator has published it: the product's releases leave it alone from then on.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub own: bool,
}

/// What happens to a theme.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr, strum::VariantNames)]
pub enum Event {
    /// It was published, or its next version.
    ThemePublished {
        /// Its elements.
        facts: Box<ThemeFacts>,
        /// Digest of the elements as shipped with the product; none where an administrator published it.
        shipped: Option<String>,
    },
    /// It was cancelled.
    ThemeCancelled {
        /// Why.
        reason: String,
    },
}

/// The stream of a theme.
pub fn stream(code: &str) -> StreamId {
    StreamId::named(Theme::KIND, code)
}

/// `THEME_NOT_FOUND`.
pub fn not_found() -> Refusal {
    Refusal { reason: "THEME_NOT_FOUND", ..Refusal::not_found("主题") }
}

impl Theme {
    /// Whether it was published.
    pub fn exists(&self) -> bool {
        !self.facts.code.is_empty()
    }

    /// Refuses what was cancelled: `THEME_CANCELLED`.
    pub fn check_open(&self) -> Result<(), Refusal> {
        let Some(reason) = &self.cancelled else { return Ok(()) };
        let (zh, en) = (format!("该主题已取消：{reason}"), format!("the theme is cancelled: {reason}"));
        Err(Refusal::state("THEME_CANCELLED", zh, en))
    }
}

impl Aggregate for Theme {
    const KIND: &'static str = "theme";
    type Event = Event;

    fn evolve(&mut self, event: &Event, _meta: &Meta) {
        match event {
            Event::ThemePublished { facts, shipped } => {
                match shipped {
                    Some(_) => self.shipped.clone_from(shipped),
                    None => self.own = true,
                }
                self.facts = (**facts).clone();
            }
            Event::ThemeCancelled { reason } => self.cancelled = Some(reason.clone()),
        }
    }

    fn index(&self) -> Index {
        Index {
            region: self.facts.region.clone(),
            organisation: self.facts.lead_code.clone(),
            status: if self.cancelled.is_some() { "CANCELLED" } else { "IN_FORCE" }.to_owned(),
            ..Index::default()
        }
    }

    fn tags(&self) -> Vec<Tag> {
        if !self.exists() || self.cancelled.is_some() {
            return Vec::new();
        }
        let sort = self.facts.code.clone();
        let mut tags = vec![
            Tag::new(Tag::AUDIENCE, "public", sort.clone()),
            Tag::new("kind", self.facts.kind.name(), sort.clone()),
            Tag::new("region", self.facts.region.clone(), sort.clone()),
        ];
        if !self.facts.life_event.is_empty() {
            tags.push(Tag::new("life_event", self.facts.life_event.clone(), sort));
        }
        tags
    }
}
