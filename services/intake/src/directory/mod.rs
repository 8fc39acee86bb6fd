//! 基本目录: what the province says of an item for every level alike (三级四同: name, code, legal basis and process are the same
//! at province, city and county). Departments claim its items (认领) and draft their implementation lists.

pub mod decide;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use yiwang_ledger::{Aggregate, Index, Meta, Refusal, StreamId, Tag, Timestamp};
use yiwang_standards::calendar;

use crate::catalogue::ItemFacts;

/// 行使层级 of GB/T 39046 table A.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// 1 国家.
    Nation,
    /// 2 省、直属.
    Province,
    /// 3 市、隶属.
    City,
    /// 4 县.
    County,
    /// 5 镇（乡、街道）.
    Town,
    /// 6 村（社区）.
    Village,
    /// 7 分级管理: each level has its part of it.
    Graded,
}

impl Level {
    /// The level of an organ, by its region's code of twelve digits.
    pub fn of_region(code: &str) -> Level {
        match code.trim_end_matches('0').len() {
            0 => Level::Nation,
            1..=2 => Level::Province,
            3..=4 => Level::City,
            5..=6 => Level::County,
            7..=9 => Level::Town,
            _ => Level::Village,
        }
    }

    /// How many digits of a code name the region at this level.
    fn digits(self) -> usize {
        match self {
            // of no region's code
            Level::Nation | Level::Graded => 0,
            Level::Province => 2,
            Level::City => 4,
            Level::County => 6,
            Level::Town => 9,
            Level::Village => 12,
        }
    }
}

/// Whether a region is another's, or lies in it. An empty code is everybody's.
pub fn governs(above: &str, region: &str) -> bool {
    let digits = Level::of_region(above).digits();
    above.get(..digits) == region.get(..digits)
}

/// A region and those that it lies in, from the nation's down.
pub fn above(region: &str) -> Vec<String> {
    let levels = [Level::Nation, Level::Province, Level::City, Level::County, Level::Town, Level::Village];
    let digits = levels.into_iter().map(Level::digits);
    let mut all: Vec<String> =
        digits.filter_map(|digits| region.get(..digits)).map(|head| format!("{head:0<12}")).collect();
    all.dedup();
    all
}

/// What is the same at every level.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BasicFacts {
    /// 基本编码.
    pub code: String,
    /// 事项名称.
    pub name: String,
    /// 事项类型, code of GB/T 39046 A.1.
    pub item_type: u16,
    /// 设定依据.
    pub bases: Vec<String>,
    /// 办理流程.
    pub process: Vec<String>,
    /// 行使层级 at which it may be claimed.
    pub levels: Vec<Level>,
}

impl BasicFacts {
    /// Whether a level may claim it: one that is named, or any where it is 分级管理.
    pub fn is_open_to(&self, level: Level) -> bool {
        self.levels.contains(&level) || self.levels.contains(&Level::Graded)
    }

    /// Writes what is the same everywhere into an implementation list; whether that changed anything.
    pub fn write_into(&self, facts: &mut ItemFacts) -> bool {
        let own = (&facts.basic, &facts.name, facts.item_type, &facts.bases, &facts.process);
        if own == (&self.code, &self.name, self.item_type, &self.bases, &self.process) {
            return false;
        }
        facts.basic.clone_from(&self.code);
        facts.name.clone_from(&self.name);
        facts.item_type = self.item_type;
        facts.bases.clone_from(&self.bases);
        facts.process.clone_from(&self.process);
        facts.defaults.retain(|mark| mark != "bases");
        true
    }
}

/// 取消: the end of a basic item, and of every item that was claimed from it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// First day without it.
    pub effective: NaiveDate,
    /// Why, citing the decision.
    pub reason: String,
    /// 基本编码 of what takes its place.
    pub successor: Option<String>,
    /// The day has come.
    pub in_effect: bool,
}

/// A basic item (基本目录事项).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BasicItem {
    /// Its elements; an empty code before it was published.
    pub facts: BasicFacts,
    /// How it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Ended>,
}

/// What happens to a basic item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr, strum::VariantNames)]
pub enum Event {
    /// It was published, or its next version.
    BasicItemPublished {
        /// Its elements.
        facts: BasicFacts,
    },
    /// It was cancelled, from a day on.
    BasicItemCancelled {
        /// How.
        ended: Ended,
    },
    /// The first day without it came.
    BasicItemEnded,
}

/// The stream of a basic item.
pub fn stream(basic_code: &str) -> StreamId {
    StreamId::named(BasicItem::KIND, basic_code)
}

/// `BASIC_ITEM_NOT_FOUND`.
pub fn not_found() -> Refusal {
    Refusal { reason: "BASIC_ITEM_NOT_FOUND", ..Refusal::not_found("基本目录事项") }
}

impl BasicItem {
    /// Whether it was published.
    pub fn exists(&self) -> bool {
        !self.facts.code.is_empty()
    }

    /// Its standing, as tagged.
    fn status(&self) -> &'static str {
        match &self.ended {
            Some(ended) if ended.in_effect => "CANCELLED",
            _ => "IN_FORCE",
        }
    }
}

impl Aggregate for BasicItem {
    const KIND: &'static str = "basic_item";
    // 2: it may end
    const SCHEMA: i32 = 2;
    type Event = Event;

    fn evolve(&mut self, event: &Event, _meta: &Meta) {
        match event {
            Event::BasicItemPublished { facts } => self.facts.clone_from(facts),
            Event::BasicItemCancelled { ended } => self.ended = Some(ended.clone()),
            Event::BasicItemEnded => {
                if let Some(ended) = &mut self.ended {
                    ended.in_effect = true;
                }
            }
        }
    }

    fn index(&self) -> Index {
        let waits = self.ended.as_ref().filter(|ended| !ended.in_effect);
        Index {
            item: self.facts.code.clone(),
            status: self.status().to_owned(),
            due_at: waits.map(|ended| Timestamp(calendar::start_of_day_micros(ended.effective))),
            ..Index::default()
        }
    }

    fn tags(&self) -> Vec<Tag> {
        // in the order of the codes, which are shorter than a sort text may be
        let sort = || self.facts.code.clone();
        let successor = self.ended.as_ref().and_then(|ended| ended.successor.clone());
        let mut tags = vec![Tag::new(Tag::AUDIENCE, "public", sort())];
        tags.extend(successor.map(|code| Tag::new("successor", code, sort())));
        tags
    }
}
