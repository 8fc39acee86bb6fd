//! 帮办代办员: the roster. Each agent is a stream of its own, named by the account, which holds what they have in hand, so that nobody is given
//! more than they take however many are assigned at once.
//!
//! Invariant: an engagement stands in the record of whoever has it in hand, and of nobody else once what an entry began is settled.

pub mod choose;

use std::collections::BTreeSet;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use yiwang_ledger::{
    Aggregate, Context, Decision, Index, Kind as RefusalKind, Meta, Refusal, StreamId, Tag, Timestamp,
};
use yiwang_standards::calendar;

use crate::application::Actor;
use crate::limit::legal_date;
use crate::transfer::Organ;

/// What kind of help.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, strum::IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum Kind {
    /// 帮办.
    #[default]
    Assist,
    /// 投资项目代办.
    Investment,
    /// 群众事务代理.
    Errand,
}

/// What is registered of an agent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registration {
    /// The account with which they sign in.
    pub account: String,
    /// Name: they act in office.
    pub name: String,
    /// The organ that they work for.
    pub organ: Organ,
    /// 行政区划 that they serve, 12 digits.
    pub region: String,
    /// 园区: serves this park alone; empty for the region.
    pub park: String,
    /// What they do.
    pub kinds: BTreeSet<Kind>,
    /// 实施编码 of the items that they know.
    pub items: BTreeSet<String>,
    /// Codes of the themes that they know.
    pub themes: BTreeSet<String>,
    /// How many engagements at a time.
    pub capacity: u32,
    /// Telephone of the office.
    pub phone: String,
}

/// 离岗.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Away {
    /// Last day; none: until they say that they are back.
    pub until: Option<NaiveDate>,
    /// Why.
    pub reason: String,
}

/// An agent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Agent {
    /// What is registered.
    pub registered: Registration,
    /// 离岗; none: on duty.
    pub away: Option<Away>,
    /// Off the roster.
    pub retired: bool,
    /// What they have in hand.
    pub open: BTreeSet<StreamId>,
    /// Since when nothing was given to them or ended.
    pub idle_since: Timestamp,
}

/// What happens to an agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr, strum::VariantNames)]
pub enum Event {
    /// Registered, or changed.
    AgentRegistered {
        /// As it is from now on.
        registered: Box<Registration>,
        /// By whom.
        by: Actor,
    },
    /// 离岗.
    AgentAway {
        /// Until when, and why.
        away: Away,
        /// By whom.
        by: Actor,
    },
    /// 在岗.
    AgentBack {
        /// By whom.
        by: Actor,
    },
    /// Off the roster.
    AgentRetired {
        /// Why.
        reason: String,
        /// By whom.
        by: Actor,
    },
    /// An engagement came into their hands.
    EngagementGiven {
        /// Which.
        engagement: StreamId,
    },
    /// It is no longer in their hands.
    EngagementLeft {
        /// Which.
        engagement: StreamId,
    },
}

/// The stream of an agent.
pub fn stream(account: &str) -> StreamId {
    StreamId::named(Agent::KIND, account)
}

/// The county (区县) of a region; a city's or a province's is itself.
pub fn county(region: &str) -> String {
    format!("{:0<12}", region.get(..6).unwrap_or(region))
}

/// `AGENT_NOT_FOUND`.
pub fn not_found() -> Refusal {
    Refusal { reason: "AGENT_NOT_FOUND", ..Refusal::not_found("代办员") }
}

impl Agent {
    /// Whether somebody was registered, and is not retired.
    pub fn stands(&self) -> bool {
        !self.registered.account.is_empty() && !self.retired
    }

    /// Whether they are there on a day.
    pub fn on_duty(&self, day: NaiveDate) -> bool {
        self.stands() && self.away.as_ref().is_none_or(|away| away.until.is_some_and(|last| last < day))
    }

    /// Whether they take one more.
    pub fn is_full(&self) -> bool {
        self.open.len() >= self.registered.capacity as usize
    }
}

/// Registers an agent, or what has changed of one; whoever was retired is back.
///
/// # Errors
/// `REGION_FIXED`.
pub fn register(agent: &Agent, next: &Registration, by: &Actor) -> Decision<Event> {
    let known = !agent.registered.account.is_empty();
    if known && agent.registered.region != next.region && !agent.open.is_empty() {
        let (zh, en) = ("代办员尚有在办事项，不能改换服务区域", "what they have in hand is in their region");
        return Err(Refusal::state("REGION_FIXED", zh, en));
    }
    if agent.stands() && agent.registered == *next {
        return Ok(Vec::new());
    }
    Ok(vec![Event::AgentRegistered { registered: Box::new(next.clone()), by: by.clone() }])
}

/// 在岗、离岗: none is back.
///
/// # Errors
/// `AGENT_NOT_FOUND`, `DATE_IN_THE_PAST`.
pub fn set_duty(agent: &Agent, away: Option<&Away>, by: &Actor, cx: &Context) -> Decision<Event> {
    if !agent.stands() {
        return Err(not_found());
    }
    if away == agent.away.as_ref() {
        return Ok(Vec::new());
    }
    let by = by.clone();
    let Some(away) = away else { return Ok(vec![Event::AgentBack { by }]) };
    if away.until.is_some_and(|last| last < legal_date(cx.now)) {
        let (zh, en) = ("离岗的最后一日不得早于今天", "the last day is not before today");
        return Err(Refusal::field("away_until", "DATE_IN_THE_PAST", zh, en));
    }
    Ok(vec![Event::AgentAway { away: away.clone(), by }])
}

/// Off the roster, once nothing is in their hands.
///
/// # Errors
/// `AGENT_NOT_FOUND`, `ENGAGEMENTS_OPEN`.
pub fn retire(agent: &Agent, reason: &str, by: &Actor) -> Decision<Event> {
    if !agent.stands() {
        return Err(not_found());
    }
    if !agent.open.is_empty() {
        let (zh, en) = ("尚有在办事项，请先交接", "there are engagements in hand: hand them over first");
        return Err(Refusal::state("ENGAGEMENTS_OPEN", zh, en));
    }
    Ok(vec![Event::AgentRetired { reason: reason.to_owned(), by: by.clone() }])
}

/// Gives an engagement into an agent's hands; `beyond` what they take, where a coordinator says so.
///
/// # Errors
/// `AGENT_NOT_FOUND`, `AGENT_AWAY`, `AGENT_FULL`.
pub fn give(agent: &Agent, engagement: StreamId, beyond: bool, cx: &Context) -> Decision<Event> {
    if agent.open.contains(&engagement) {
        return Ok(Vec::new());
    }
    if !agent.stands() {
        return Err(not_found());
    }
    if !agent.on_duty(legal_date(cx.now)) {
        return Err(away());
    }
    if agent.is_full() && !beyond {
        return Err(full());
    }
    Ok(vec![Event::EngagementGiven { engagement }])
}

/// Takes an engagement out of an agent's hands.
pub fn leave(agent: &Agent, engagement: StreamId) -> Decision<Event> {
    match agent.open.contains(&engagement) {
        true => Ok(vec![Event::EngagementLeft { engagement }]),
        false => Ok(Vec::new()),
    }
}

/// Who was away until a day is back.
pub fn timer(agent: &Agent, cx: &Context) -> Decision<Event> {
    match &agent.away {
        Some(away) if agent.stands() && away.until.is_some_and(|last| last < legal_date(cx.now)) => {
            Ok(vec![Event::AgentBack { by: Actor::system() }])
        }
        _ => Ok(Vec::new()),
    }
}

/// `AGENT_AWAY`.
pub fn away() -> Refusal {
    Refusal::state("AGENT_AWAY", "该代办员离岗", "the agent is away")
}

/// `AGENT_FULL`.
pub fn full() -> Refusal {
    Refusal::state("AGENT_FULL", "该代办员在办事项已满，且另有合适的代办员", "the agent has as many as they take")
}

/// `AGENT_UNFIT`.
pub fn unfit() -> Refusal {
    let (zh, en) = ("该代办员不在本区域，或者不办这类事", "the agent is of another region, or does not do this");
    Refusal::new(RefusalKind::FailedPrecondition, "AGENT_UNFIT", zh, en)
}

impl Aggregate for Agent {
    const KIND: &'static str = "agent";
    type Event = Event;

    fn evolve(&mut self, event: &Event, meta: &Meta) {
        match event {
            Event::AgentRegistered { registered, .. } => {
                if !self.stands() {
                    self.idle_since = meta.at;
                }
                (self.registered, self.retired) = ((**registered).clone(), false);
            }
            Event::AgentAway { away, .. } => self.away = Some(away.clone()),
            Event::AgentBack { .. } => self.away = None,
            Event::AgentRetired { .. } => self.retired = true,
            Event::EngagementGiven { engagement } => {
                self.open.insert(*engagement);
                self.idle_since = meta.at;
            }
            Event::EngagementLeft { engagement } => {
                self.open.remove(engagement);
                self.idle_since = meta.at;
            }
        }
    }

    fn index(&self) -> Index {
        let back = self.away.as_ref().filter(|_| self.stands()).and_then(|away| away.until?.succ_opt());
        Index {
            region: self.registered.region.clone(),
            organisation: self.registered.organ.code.clone(),
            owner: self.registered.account.clone(),
            item: String::new(),
            status: if self.stands() { "STANDS" } else { "RETIRED" }.to_owned(),
            due_at: back.map(|day| Timestamp(calendar::start_of_day_micros(day))),
        }
    }

    fn tags(&self) -> Vec<Tag> {
        if self.registered.account.is_empty() {
            return Vec::new();
        }
        let mut sort = self.registered.account.clone();
        while sort.len() > 64 {
            sort.pop();
        }
        let tag = |name, value: &str| Tag::new(name, value, sort.clone());
        let mut tags = vec![tag(Tag::AUDIENCE, "public")];
        if self.stands() {
            tags.push(tag("serves", &self.registered.region));
            tags.extend(self.registered.kinds.iter().map(|kind| tag("kind", (*kind).into())));
        }
        tags.extend(self.open.iter().map(|engagement| tag("has", &engagement.to_string())));
        tags
    }
}
