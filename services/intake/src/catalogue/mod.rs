//! The catalogue: every service item is a stream of its own, named by its code. Imported, revised, cancelled for good;
//! an application keeps the version it began with.

pub mod decide;
pub mod facts;
pub mod import;
pub mod search;
pub mod source;
pub mod words;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use yiwang_ledger::{Aggregate, Index, Meta, Refusal, StreamId, Tag, Timestamp};
use yiwang_standards::calendar;

pub use facts::ItemFacts;

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

/// Where an item stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Standing {
    /// Never imported.
    #[default]
    Unknown,
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
}

/// The stream of an item.
pub fn stream(item_code: &str) -> StreamId {
    StreamId::named(Item::KIND, item_code)
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

    /// Refuses what may not be applied for on a day: `ITEM_CANCELLED`, naming reason and successor.
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
            _ => Ok(()),
        }
    }

    /// The name of its standing, as tagged.
    pub fn status(&self) -> &'static str {
        match &self.standing {
            Standing::Unknown => "UNKNOWN",
            Standing::InForce => "IN_FORCE",
            // until the day comes it may still be applied for
            Standing::Cancelled(end) if !end.in_effect => "IN_FORCE",
            Standing::Cancelled(_) => "CANCELLED",
        }
    }

    /// When the timer must look: on the first day without a cancelled item.
    fn due_at(&self) -> Option<Timestamp> {
        match &self.standing {
            Standing::Cancelled(end) if !end.in_effect => Some(Timestamp(calendar::start_of_day_micros(end.effective))),
            _ => None,
        }
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
    type Event = ItemEvent;

    fn evolve(&mut self, event: &ItemEvent, _meta: &Meta) {
        match event {
            ItemEvent::ItemImported { facts, shipped } | ItemEvent::ItemRevised { facts, shipped } => {
                if shipped.is_some() {
                    self.shipped.clone_from(shipped);
                }
                if self.facts.form_schema != facts.form_schema {
                    self.form_version += 1;
                }
                self.facts = (**facts).clone();
                self.standing = match std::mem::take(&mut self.standing) {
                    cancelled @ Standing::Cancelled(_) => cancelled,
                    _ => Standing::InForce,
                };
            }
            ItemEvent::ItemCancelled { cancellation } => self.standing = Standing::Cancelled(cancellation.clone()),
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
        let mut tags = vec![
            Tag::new(Tag::AUDIENCE, "public", sort.clone()),
            Tag::new("department", self.facts.department.clone(), sort.clone()),
            Tag::new("department", self.facts.department_code.clone(), sort.clone()),
            Tag::new("type", self.facts.item_type.to_string(), sort.clone()),
            Tag::new("status", self.status(), sort.clone()),
        ];
        let grams = words::item_grams(&self.facts);
        tags.extend(grams.into_iter().map(|gram| Tag::new("gram", gram, "")));
        tags.sort();
        tags.dedup();
        tags
    }
}
