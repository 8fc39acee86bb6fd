//! The catalogue: every service item is a stream of its own, named by its code. Imported, or published from a day on; revised,
//! put on hold, cancelled for good; an application keeps the version it began with.

pub mod decide;
pub mod details;
pub mod exchange;
pub mod facts;
pub mod handling;
pub mod import;
pub mod likely;
pub mod search;
pub mod shelf;
pub mod source;
pub mod words;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use yiwang_ledger::{Aggregate, Index, Meta, Refusal, StreamId, Tag, Timestamp};
use yiwang_standards::calendar;

pub use facts::ItemFacts;

use self::facts::Fetch;
use crate::double;
use crate::limit::legal_date;
use crate::transfer::{Organ, Way};

/// The end of an item (取消).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cancellation {
    /// First day on which it cannot be applied for.
    pub effective: NaiveDate,
    /// Why.
    pub reason: String,
    /// Code of the item in its place.
    pub successor: Option<String>,
    /// The day has come.
    pub in_effect: bool,
}

/// 暂停办理: days on which an item cannot be applied for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// First day.
    pub from: NaiveDate,
    /// Last day; none: until it is resumed.
    pub until: Option<NaiveDate>,
    /// Why.
    pub reason: String,
}

impl Hold {
    /// Whether the item is on hold on a day.
    pub fn covers(&self, day: NaiveDate) -> bool {
        day >= self.from && !self.is_over(day)
    }

    /// Whether its last day is past.
    pub fn is_over(&self, day: NaiveDate) -> bool {
        self.until.is_some_and(|last| last < day)
    }
}

/// 受委托机关: another organ handles the item, in the name of the organ whose it is (行政许可法 art. 24).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entrusted {
    /// The organ.
    pub organ: Organ,
    /// First day.
    pub from: NaiveDate,
    /// Last day; none: until it is taken back.
    pub until: Option<NaiveDate>,
    /// The document that published it.
    pub document: String,
}

impl Entrusted {
    /// Whether it holds on a day.
    pub fn covers(&self, day: NaiveDate) -> bool {
        day >= self.from && self.until.is_none_or(|last| day <= last)
    }
}

/// Whose item it was before it was handed down (下放) or handed over (划转).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Received {
    /// How.
    pub way: Way,
    /// From whom.
    pub giver: Organ,
    /// Under which code it stood there.
    pub item_code: String,
    /// From which day on.
    pub from: NaiveDate,
    /// The document that published it.
    pub document: String,
}

/// A version that was published and whose first day has not come.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Upcoming {
    /// Its elements.
    pub facts: Box<ItemFacts>,
    /// Its first day.
    pub from: NaiveDate,
}

/// A version's days in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edition {
    /// The stream's version that holds its elements.
    pub version: u64,
    /// First day.
    pub from: NaiveDate,
    /// Last day; none for the newest.
    pub until: Option<NaiveDate>,
}

/// How many editions are remembered; older ones stand in the history.
const EDITIONS: usize = 50;

/// Where an item stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Standing {
    /// Never imported.
    #[default]
    Unknown,
    /// 尚未施行: published, and its first day has not come.
    Announced,
    /// 在用.
    InForce,
    /// 取消: for good.
    Cancelled(Cancellation),
}

/// A service item (政务服务事项).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Item {
    /// Its elements.
    pub facts: ItemFacts,
    /// Grows by one with every change of the form's schema.
    pub form_version: u32,
    /// Where it stands.
    pub standing: Standing,
    /// Digest of the elements that the product last shipped for it; none where it came by import alone.
    pub shipped: Option<String>,
    /// 暂停办理.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<Hold>,
    /// The next version, until its day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upcoming: Option<Upcoming>,
    /// 委托: who handles it in the organ's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entrusted: Option<Entrusted>,
    /// 下放、划转: whose it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub received: Option<Received>,
    /// Versions with their days in force, oldest first, since they are written down.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub editions: Vec<Edition>,
}

/// What happens to an item.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, strum::IntoStaticStr)]
pub enum ItemEvent {
    /// It came into force.
    ItemImported {
        /// Its elements.
        facts: Box<ItemFacts>,
        /// Digest of the elements as shipped with the product; none for an import.
        shipped: Option<String>,
    },
    /// It was changed; running applications keep the version they began with.
    ItemRevised {
        /// Its elements from now on.
        facts: Box<ItemFacts>,
        /// Digest of the elements as shipped with the product; none for an import.
        shipped: Option<String>,
    },
    /// It ended.
    ItemCancelled {
        /// How.
        cancellation: Cancellation,
    },
    /// The first day without it came.
    CancellationTookEffect,
    /// A version was published, in force from a day on.
    VersionPublished {
        /// Its elements.
        facts: Box<ItemFacts>,
        /// First day.
        from: NaiveDate,
    },
    /// The first day of the version that was published came.
    VersionTookEffect,
    /// 暂停办理.
    ItemSuspended {
        /// How.
        hold: Hold,
    },
    /// 恢复办理.
    ItemResumed,
    /// The version that was published for later was taken back before its day.
    VersionWithdrawn {
        /// Why.
        reason: String,
    },
    /// 委托: another organ handles it in its organ's name.
    ItemEntrusted {
        /// Who, and from when on.
        entrusted: Entrusted,
    },
    /// 收回委托.
    EntrustmentEnded {
        /// Last day.
        last: NaiveDate,
    },
    /// 下放、划转: it came from another organ.
    ItemReceived {
        /// From whom.
        received: Received,
    },
}

/// The stream of an item.
pub fn stream(item_code: &str) -> StreamId {
    StreamId::named(Item::KIND, item_code)
}

/// A main item's name as a tag: at most 100 characters.
pub fn main_tag(name: &str) -> String {
    name.chars().take(100).collect()
}

/// `ITEM_NOT_FOUND`.
pub fn not_found(item_code: &str) -> Refusal {
    let shown: String = item_code.chars().take(100).collect();
    let mut refusal = Refusal::not_found("事项").with("item_code", shown.clone());
    refusal.reason = "ITEM_NOT_FOUND";
    refusal.zh = format!("没有编码为“{shown}”的事项");
    refusal.en = format!("there is no item with the code “{shown}”");
    refusal
}

impl Item {
    /// Whether the item is known at all.
    pub fn exists(&self) -> bool {
        self.standing != Standing::Unknown
    }

    /// Its newest elements: those that wait for their day, where there are any.
    pub fn newest(&self) -> &ItemFacts {
        self.upcoming.as_ref().map_or(&self.facts, |next| &next.facts)
    }

    /// 受委托机关 on a day.
    pub fn entrusted_on(&self, day: NaiveDate) -> Option<&Entrusted> {
        self.entrusted.as_ref().filter(|entrusted| entrusted.covers(day))
    }

    /// Whether it, or the version that waits, was claimed from the directory.
    pub fn is_claimed(&self) -> bool {
        let upcoming = self.upcoming.as_ref().map(|next| &next.facts.basic);
        [&self.facts.basic].into_iter().chain(upcoming).any(|code| !code.is_empty())
    }

    /// Refuses what may not be applied for on a day: `ITEM_CANCELLED`, naming reason and successor, `ITEM_ON_HOLD`, naming the
    /// reason, `ITEM_NOT_YET_IN_FORCE`, naming the first day.
    pub fn check_open(&self, on: NaiveDate) -> Result<(), Refusal> {
        match &self.standing {
            Standing::Cancelled(end) if on >= end.effective => {
                let next = end.successor.as_deref().unwrap_or_default();
                let (zh, en) = match next {
                    "" => (String::new(), String::new()),
                    next => (format!("；请改办事项 {next}"), format!("; apply for {next} instead")),
                };
                Err(Refusal::state(
                    "ITEM_CANCELLED",
                    format!("该事项自{}起取消：{}{zh}", end.effective, end.reason),
                    format!("the item is cancelled from {} on: {}{en}", end.effective, end.reason),
                )
                .with("successor_item_code", next)
                .with("reason", end.reason.clone()))
            }
            Standing::Unknown => Err(not_found("")),
            // the timer may be late
            Standing::Announced if self.upcoming.as_ref().is_none_or(|next| on >= next.from) => Ok(()),
            Standing::Announced => {
                let from = self.upcoming.as_ref().map(|next| next.from.to_string()).unwrap_or_default();
                Err(Refusal::state(
                    "ITEM_NOT_YET_IN_FORCE",
                    format!("该事项自{from}起施行，现在还不能办理"),
                    format!("the item is in force from {from} on"),
                )
                .with("from_date", from))
            }
            Standing::InForce | Standing::Cancelled(_) => match &self.hold {
                Some(hold) if hold.covers(on) => {
                    let until = hold.until.map(|day| day.to_string()).unwrap_or_default();
                    let (zh, en) = match &until[..] {
                        "" => (String::new(), String::new()),
                        day => (format!("至{day}"), format!(" until {day}")),
                    };
                    Err(Refusal::state(
                        "ITEM_ON_HOLD",
                        format!("该事项自{}起{zh}暂停办理：{}", hold.from, hold.reason),
                        format!("the item is on hold from {} on{en}: {}", hold.from, hold.reason),
                    )
                    .with("until_date", until)
                    .with("reason", hold.reason.clone()))
                }
                _ => Ok(()),
            },
        }
    }

    /// The name of its standing, as tagged.
    pub fn status(&self) -> &'static str {
        match &self.standing {
            Standing::Unknown => "UNKNOWN",
            Standing::Announced => "ANNOUNCED",
            Standing::InForce => "IN_FORCE",
            // until the day comes it may still be applied for
            Standing::Cancelled(end) if !end.in_effect => "IN_FORCE",
            Standing::Cancelled(_) => "CANCELLED",
        }
    }

    /// When the timer must look: on the first day without a cancelled item, or of the next version.
    fn due_at(&self) -> Option<Timestamp> {
        let end = match &self.standing {
            Standing::Cancelled(end) if !end.in_effect => Some(end.effective),
            _ => None,
        };
        let day = end.into_iter().chain(self.upcoming.as_ref().map(|next| next.from)).min()?;
        Some(Timestamp(calendar::start_of_day_micros(day)))
    }

    /// Takes over a version's elements, from the day of the entry on.
    fn take_over(&mut self, facts: ItemFacts, meta: &Meta) {
        let from = legal_date(meta.at);
        if let Some(last) = self.editions.last_mut() {
            last.until = Some(from.pred_opt().unwrap_or(from).max(last.from));
        }
        self.editions.push(Edition { version: meta.version, from, until: None });
        self.editions.drain(..self.editions.len().saturating_sub(EDITIONS));
        // what was announced was shown, and is new all the same
        if self.facts.form_schema != facts.form_schema || self.standing == Standing::Announced {
            self.form_version += 1;
        }
        self.facts = facts;
        self.standing = match std::mem::take(&mut self.standing) {
            cancelled @ Standing::Cancelled(_) => cancelled,
            _ => Standing::InForce,
        };
    }

    /// Lists are in the order of the codes.
    fn sort(&self) -> String {
        let mut sort = self.facts.code.clone();
        while sort.len() > 64 {
            sort.pop();
        }
        sort
    }
}

impl Aggregate for Item {
    const KIND: &'static str = "item";
    // 2: holds, days in force, and the version that waits; 3: entrusted and received
    const SCHEMA: i32 = 3;
    type Event = ItemEvent;

    fn evolve(&mut self, event: &ItemEvent, meta: &Meta) {
        match event {
            ItemEvent::ItemImported { facts, shipped } | ItemEvent::ItemRevised { facts, shipped } => {
                if shipped.is_some() {
                    self.shipped.clone_from(shipped);
                }
                self.take_over((**facts).clone(), meta);
            }
            ItemEvent::VersionPublished { facts, from } if *from <= legal_date(meta.at) => {
                self.upcoming = None;
                self.take_over((**facts).clone(), meta);
            }
            ItemEvent::VersionPublished { facts, from } => {
                if matches!(self.standing, Standing::Unknown | Standing::Announced) {
                    // shown, so that everybody can read what will be in force
                    self.facts = (**facts).clone();
                    self.standing = Standing::Announced;
                }
                self.upcoming = Some(Upcoming { facts: facts.clone(), from: *from });
            }
            ItemEvent::VersionTookEffect => {
                if let Some(next) = self.upcoming.take() {
                    self.take_over(*next.facts, meta);
                }
            }
            ItemEvent::ItemSuspended { hold } => self.hold = Some(hold.clone()),
            ItemEvent::ItemResumed => self.hold = None,
            ItemEvent::VersionWithdrawn { .. } => self.upcoming = None,
            ItemEvent::ItemEntrusted { entrusted } => self.entrusted = Some(entrusted.clone()),
            ItemEvent::EntrustmentEnded { last } => {
                if let Some(entrusted) = &mut self.entrusted {
                    entrusted.until = Some(*last);
                }
            }
            ItemEvent::ItemReceived { received } => self.received = Some(received.clone()),
            ItemEvent::ItemCancelled { cancellation } => {
                self.upcoming.take_if(|next| next.from >= cancellation.effective);
                self.standing = Standing::Cancelled(cancellation.clone());
            }
            ItemEvent::CancellationTookEffect => {
                if let Standing::Cancelled(end) = &mut self.standing {
                    end.in_effect = true;
                }
            }
        }
    }

    fn index(&self) -> Index {
        Index {
            region: self.facts.region.clone(),
            organisation: self.facts.department_code.clone(),
            owner: self.facts.department_code.clone(),
            item: self.facts.code.clone(),
            status: self.status().to_owned(),
            due_at: self.due_at(),
        }
    }

    fn tags(&self) -> Vec<Tag> {
        if !self.exists() {
            return Vec::new();
        }
        let sort = self.sort();
        // 部门间政务服务: an item that serves organs alone is not the public's
        let audience = if self.facts.details.serves_organs_alone() { "organs" } else { "public" };
        let mut tags = vec![
            Tag::new(Tag::AUDIENCE, audience, sort.clone()),
            Tag::new("department", self.facts.department.clone(), sort.clone()),
            Tag::new("department", self.facts.department_code.clone(), sort.clone()),
            Tag::new("type", self.facts.item_type.to_string(), sort.clone()),
            Tag::new("status", self.status(), sort.clone()),
            Tag::new("region", self.facts.region.clone(), sort.clone()),
        ];
        let upcoming = self.upcoming.as_ref().map(|next| &next.facts.basic);
        let basics = [&self.facts.basic].into_iter().chain(upcoming).filter(|code| !code.is_empty());
        tags.extend(basics.map(|code| Tag::new("basic", code.clone(), sort.clone())));
        let details = &self.facts.details;
        tags.extend(details.served.iter().map(|group| Tag::new("served", group.name(), sort.clone())));
        let topics = details.person_topics.iter().chain(&details.legal_topics);
        tags.extend(topics.map(|topic| Tag::new("topic", topic.clone(), sort.clone())));
        tags.extend(double::succession(self).into_iter().map(|code| Tag::new("succession", code, sort.clone())));
        // what the licence of somebody makes likely (`likely`)
        let named = |code: &String| !code.is_empty();
        let yields = [&self.facts.result.license_type_code].into_iter().filter(|code| named(code)).cloned();
        tags.extend(yields.map(|code| Tag::new("yields", code, sort.clone())));
        let takes = self.facts.materials.iter().filter_map(|material| match &material.fetch {
            Some(Fetch::License(code)) => Some(code.clone()),
            _ => None,
        });
        tags.extend(takes.map(|code| Tag::new("takes", code, sort.clone())));
        if !self.facts.main_item.is_empty() {
            tags.push(Tag::new("main", main_tag(&self.facts.main_item), sort.clone()));
        }
        if let Some(entrusted) = &self.entrusted {
            tags.push(Tag::new("entrusted", entrusted.organ.code.clone(), sort.clone()));
        }
        tags.sort();
        tags.dedup();
        tags
    }
}
