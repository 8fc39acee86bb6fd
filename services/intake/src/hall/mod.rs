//! 三集中三到位、应进必进: service halls, and how each item is present in them. A presence is a stream of its own, named by hall and
//! item.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use yiwang_ledger::{Aggregate, Decision, Index, Meta, Refusal, StreamId, Tag};

use crate::application::{Actor, Channel};
use crate::catalogue::{Item, Standing};

/// A service hall (政务服务大厅).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hall {
    /// Code; empty before it was published.
    pub code: String,
    /// Name.
    pub name: String,
    /// 行政区划, 12 digits.
    pub region: String,
    /// Address.
    pub address: String,
    /// When it is open.
    pub hours: String,
}

/// What happens to a hall.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr, strum::VariantNames)]
pub enum HallEvent {
    /// It was published, or changed.
    HallPublished {
        /// As it is from now on.
        hall: Box<Hall>,
        /// By whom.
        by: Actor,
    },
}

/// How an item is present.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Way {
    /// Nobody has said.
    #[default]
    Unknown,
    /// 进驻.
    In,
    /// 季节性进驻: days of the year, `MM-DD`.
    Seasonal {
        /// First.
        from: String,
        /// Last.
        until: String,
    },
    /// 委托收件.
    Entrusted {
        /// Whose window receives.
        organ: String,
    },
    /// 不进驻.
    Out {
        /// The published reason.
        reason: String,
    },
}

/// An item in a hall.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Presence {
    /// Code of the hall.
    pub hall: String,
    /// 实施编码.
    pub item: String,
    /// 行政区划 of the hall.
    pub region: String,
    /// How.
    pub way: Way,
    /// 授权到位.
    pub authorised: bool,
}

impl Presence {
    /// Whether the item is taken in the hall on a day; a season may run over the turn of the year.
    pub fn takes_on(&self, date: NaiveDate) -> bool {
        match &self.way {
            Way::In | Way::Entrusted { .. } => true,
            Way::Seasonal { from, until } => {
                let day = date.format("%m-%d").to_string();
                match from <= until {
                    true => *from <= day && day <= *until,
                    false => *from <= day || day <= *until,
                }
            }
            Way::Out { .. } | Way::Unknown => false,
        }
    }
}

/// What happens to a presence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr, strum::VariantNames)]
pub enum PresenceEvent {
    /// 进驻登记.
    PresenceRegistered {
        /// As it is from now on.
        presence: Box<Presence>,
        /// By whom.
        by: Actor,
    },
}

/// The stream of a hall.
pub fn stream(code: &str) -> StreamId {
    StreamId::named(Hall::KIND, code)
}

/// The stream of an item in a hall.
pub fn presence_stream(hall: &str, item: &str) -> StreamId {
    StreamId::named(Presence::KIND, &format!("{hall} {item}"))
}

/// `HALL_NOT_FOUND`.
pub fn not_found() -> Refusal {
    Refusal { reason: "HALL_NOT_FOUND", ..Refusal::not_found("政务服务大厅") }
}

/// Publishes a hall, or what has changed of it.
pub fn publish(hall: &Hall, next: &Hall, by: &Actor) -> Decision<HallEvent> {
    if hall == next {
        return Ok(Vec::new());
    }
    Ok(vec![HallEvent::HallPublished { hall: Box::new(next.clone()), by: by.clone() }])
}

/// 进驻登记. Said again, the later word holds.
///
/// # Errors
/// `REASON_MISSING`, `SEASON_INVALID`, `ORGAN_MISSING`.
pub fn register(presence: &Presence, next: &Presence, by: &Actor) -> Decision<PresenceEvent> {
    match &next.way {
        Way::Out { reason } if reason.is_empty() => {
            let (zh, en) = ("不进驻的应当公布理由", "who is not in publishes the reason");
            return Err(Refusal::field("reason", "REASON_MISSING", zh, en));
        }
        Way::Seasonal { from, until } if !is_day(from) || !is_day(until) => {
            let (zh, en) = ("季节性进驻应写明起止日期（MM-DD）", "a season has a first and a last day, MM-DD");
            return Err(Refusal::field("season_from", "SEASON_INVALID", zh, en));
        }
        Way::Entrusted { organ } if organ.is_empty() => {
            let (zh, en) = ("委托收件应写明受托收件的单位", "name whose window receives");
            return Err(Refusal::field("receiving_organ", "ORGAN_MISSING", zh, en));
        }
        _ => {}
    }
    if presence == next {
        return Ok(Vec::new());
    }
    Ok(vec![PresenceEvent::PresenceRegistered { presence: Box::new(next.clone()), by: by.clone() }])
}

/// A day of any year, the 29th of February among them.
pub fn is_day(text: &str) -> bool {
    NaiveDate::parse_from_str(&format!("2024-{text}"), "%Y-%m-%d").is_ok() && text.len() == 5
}

/// One line of the board.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Absence {
    /// 实施编码.
    pub item: String,
    /// 事项名称.
    pub name: String,
    /// 实施主体.
    pub department: String,
    /// The hall that takes it without authority; none where no hall takes it.
    pub hall: Option<String>,
}

/// 应进未进、授权不到位: of the items in force that are done at a counter, those that no hall takes without saying why, and those
/// that one takes without authority.
pub fn board<'a>(
    items: impl IntoIterator<Item = &'a Item>,
    presences: impl IntoIterator<Item = &'a Presence>,
) -> Vec<Absence> {
    let mut known: BTreeMap<&str, Vec<&Presence>> = BTreeMap::new();
    for presence in presences {
        known.entry(&presence.item).or_default().push(presence);
    }
    let mut lines = Vec::new();
    for item in items {
        let facts = &item.facts;
        // a list that names no way to apply is done at the counter
        let counter = facts.details.channels.is_empty() || facts.details.channels.contains(&Channel::Window);
        if item.standing != Standing::InForce || !counter || facts.details.serves_organs_alone() {
            continue;
        }
        let line = |hall| Absence {
            item: facts.code.clone(),
            name: facts.name.clone(),
            department: facts.department.clone(),
            hall,
        };
        let there = known.get(facts.code.as_str()).map(Vec::as_slice).unwrap_or_default();
        if there.is_empty() {
            lines.push(line(None));
        }
        let taken = there.iter().filter(|presence| !matches!(presence.way, Way::Out { .. } | Way::Unknown));
        let bare: BTreeSet<&str> =
            taken.filter(|presence| !presence.authorised).map(|presence| presence.hall.as_str()).collect();
        lines.extend(bare.into_iter().map(|hall| line(Some(hall.to_owned()))));
    }
    lines
}

impl Aggregate for Hall {
    const KIND: &'static str = "hall";
    type Event = HallEvent;

    fn evolve(&mut self, event: &HallEvent, _meta: &Meta) {
        let HallEvent::HallPublished { hall, .. } = event;
        *self = (**hall).clone();
    }

    fn index(&self) -> Index {
        Index { region: self.region.clone(), ..Index::default() }
    }

    fn tags(&self) -> Vec<Tag> {
        if self.code.is_empty() {
            return Vec::new();
        }
        vec![Tag::new(Tag::AUDIENCE, "public", self.code.clone())]
    }
}

impl Aggregate for Presence {
    const KIND: &'static str = "presence";
    type Event = PresenceEvent;

    fn evolve(&mut self, event: &PresenceEvent, _meta: &Meta) {
        let PresenceEvent::PresenceRegistered { presence, .. } = event;
        *self = (**presence).clone();
    }

    fn index(&self) -> Index {
        Index { region: self.region.clone(), item: self.item.clone(), ..Index::default() }
    }

    fn tags(&self) -> Vec<Tag> {
        if self.item.is_empty() {
            return Vec::new();
        }
        // a code is as long as a sort text may be
        let sort = self.item.clone();
        vec![
            Tag::new(Tag::AUDIENCE, "public", sort.clone()),
            Tag::new("hall", self.hall.clone(), sort.clone()),
            Tag::new("item", self.item.clone(), sort.clone()),
            Tag::new("region", self.region.clone(), sort),
        ]
    }
}
