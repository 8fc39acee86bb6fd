//! 异地代收代办: what one place receives for the organ of another, and where the papers of it are, from hand to hand. The custody of an
//! application is a stream of its own, named by the application.
//!
//! Invariant: a parcel is in one hand, or on its way from one to one other; each hand-over is confirmed by who receives, and by nobody
//! else.

pub mod arriving;
pub mod decide;

use std::collections::BTreeSet;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use yiwang_ledger::{Aggregate, Index, Meta, Personal, Refusal, StreamId, SubjectId, Tag, Timestamp};

use crate::application::Actor;
use crate::delivery::Collector;
use crate::limit::{Due, Ends as _, Limit};

/// No custody has more parcels.
pub const MOST_PARCELS: usize = 20;
/// No parcel changes hands more often.
pub const MOST_HAND_OVERS: usize = 20;

/// From which day the limits of art. 32 run where papers go from hand to hand. No national statute says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReceiptDay {
    /// From the day on which the receiving place took them.
    #[default]
    Taken,
    /// From the day on which the window of the organ's region, or the organ, has them.
    Arrived,
}

/// What a rule set says of receiving elsewhere.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ElsewhereRules {
    /// From which day limits run.
    pub receipt: ReceiptDay,
    /// Until when a parcel is sent on.
    pub forward: Limit,
    /// Until when one that was sent on is confirmed.
    pub transit: Limit,
}

/// That an application was received elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Elsewhere {
    /// 行政区划 of the receiving place.
    pub region: String,
    /// Code of the organ whose clerk received it; empty where she works for none.
    pub organisation: String,
    /// What binds it.
    pub rules: ElsewhereRules,
    /// Its papers are on their way, and no limit runs before they are there (`ReceiptDay::Arrived`).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub waiting: bool,
    /// The day on which they were there, or were known to be lost; none where no limit waited for them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arrived: Option<NaiveDate>,
}

/// Who holds a parcel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Holder {
    /// The window of a region.
    Window(String),
    /// An organ, by its code.
    Organ(String),
}

/// One paper.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Paper {
    /// Code of the material; empty beyond the list.
    pub material: String,
    /// What it is.
    pub name: Personal,
    /// 原件份数.
    pub originals: u32,
    /// 复印件份数.
    pub copies: u32,
}

/// Which way a parcel goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// To the organ.
    Out,
    /// Back to the receiving place.
    Back,
}

/// 签收.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confirmed {
    /// The seal was broken.
    pub seal_broken: bool,
    /// What differed; none where nothing did.
    pub discrepancy: Option<Personal>,
    /// By whom.
    pub by: Actor,
    /// When.
    pub at: Timestamp,
}

/// 移交: one hand-over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HandOver {
    /// To whom.
    pub to: Holder,
    /// By what way, with its number.
    pub carrier: String,
    /// By whom.
    pub by: Actor,
    /// When.
    pub at: Timestamp,
    /// How it was confirmed; none until then.
    pub confirmed: Option<Confirmed>,
}

/// Where a parcel stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// 已封装.
    Sealed,
    /// 移交途中.
    InTransit,
    /// 已签收.
    Held,
    /// 已交付申请人.
    HandedOut,
    /// 遗失.
    Lost,
}

impl Stage {
    /// Its name, as tagged.
    pub fn name(self) -> &'static str {
        match self {
            Stage::Sealed => "SEALED",
            Stage::InTransit => "IN_TRANSIT",
            Stage::Held => "HELD",
            Stage::HandedOut => "HANDED_OUT",
            Stage::Lost => "LOST",
        }
    }
}

/// One parcel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parcel {
    /// Which way it goes.
    pub direction: Direction,
    /// 封签号.
    pub seal: String,
    /// What is in it.
    pub papers: Vec<Paper>,
    /// Where it stands.
    pub stage: Stage,
    /// Who holds it; on its way, who sent it.
    pub holder: Holder,
    /// From hand to hand.
    pub hand_overs: Vec<HandOver>,
    /// Until when it is sent on, or confirmed; none where nothing is due.
    pub due: Option<Due>,
    /// It was not, in time.
    pub overdue: bool,
    /// How it was lost.
    pub lost: Option<Personal>,
    /// Who sealed it.
    pub by: Actor,
    /// When.
    pub at: Timestamp,
    /// When it was handed out.
    pub handed_out: Option<Timestamp>,
    /// What came of the matter is not in it.
    #[serde(default)]
    pub originals_only: bool,
    /// To whom it was handed out.
    #[serde(default)]
    pub collector: Option<Box<Collector>>,
}

impl Parcel {
    /// Whether what came of the matter is in it.
    pub fn has_result(&self) -> bool {
        self.direction == Direction::Back && !self.originals_only
    }

    /// To whom it is on its way.
    pub fn on_its_way_to(&self) -> Option<&Holder> {
        let last = self.hand_overs.last().filter(|_| self.stage == Stage::InTransit)?;
        Some(&last.to)
    }
}

/// Whose papers they are, and between whom they go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Matter {
    /// The application.
    pub application: StreamId,
    /// The applicant.
    pub applicant: SubjectId,
    /// 实施编码.
    pub item: String,
    /// 行政区划 of the receiving place.
    pub received_in: String,
    /// 行政区划 of the item.
    pub region: String,
    /// Code of the organ that handles it.
    pub organ: String,
    /// What binds it.
    pub rules: ElsewhereRules,
}

impl Matter {
    /// Where what goes to the organ has arrived.
    pub fn competent(&self, holder: &Holder) -> bool {
        match holder {
            Holder::Window(region) => *region == self.region,
            Holder::Organ(code) => *code == self.organ,
        }
    }

    /// The receiving place.
    pub fn receiving(&self) -> Holder {
        Holder::Window(self.received_in.clone())
    }
}

/// The custody of an application's papers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Custody {
    /// Whose; none before the first parcel.
    pub matter: Option<Matter>,
    /// The parcels, oldest first.
    pub parcels: Vec<Parcel>,
    /// When the first was sealed.
    pub since: Timestamp,
}

/// What happens to a custody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr, strum::VariantNames)]
pub enum CustodyEvent {
    /// 封装.
    ParcelSealed {
        /// Whose.
        matter: Box<Matter>,
        /// Which way it goes.
        direction: Direction,
        /// 封签号.
        seal: String,
        /// What is in it.
        papers: Vec<Paper>,
        /// Who holds it.
        holder: Holder,
        /// Until when it is sent on.
        due: Due,
        /// By whom.
        by: Actor,
        /// What came of the matter is not in it.
        #[serde(default)]
        originals_only: bool,
    },
    /// 移交.
    ParcelHandedOver {
        /// Number of the parcel.
        parcel: u32,
        /// To whom.
        to: Holder,
        /// By what way.
        carrier: String,
        /// Until when it is confirmed.
        due: Due,
        /// By whom.
        by: Actor,
    },
    /// 签收.
    ParcelConfirmed {
        /// Number of the parcel.
        parcel: u32,
        /// The seal was broken.
        seal_broken: bool,
        /// What differed.
        discrepancy: Option<Personal>,
        /// It has arrived where it was to go.
        arrived: bool,
        /// Until when it is sent on; none where it has arrived.
        due: Option<Due>,
        /// By whom.
        by: Actor,
    },
    /// 遗失.
    ParcelLost {
        /// Number of the parcel.
        parcel: u32,
        /// How.
        text: Personal,
        /// By whom.
        by: Actor,
    },
    /// 交付申请人.
    ParcelHandedOut {
        /// Number of the parcel.
        parcel: u32,
        /// By whom.
        by: Actor,
        /// To whom; none in entries that are older than the field.
        #[serde(default)]
        collector: Option<Box<Collector>>,
    },
    /// It was not sent on, or not confirmed, in time.
    ParcelOverdue {
        /// Number of the parcel.
        parcel: u32,
        /// The limit that passed.
        due: Due,
    },
    /// A calendar year was loaded: the limit ends on another day, or is no longer provisional.
    ParcelDueRecomputed {
        /// Number of the parcel.
        parcel: u32,
        /// The limit from now on.
        due: Due,
    },
}

/// The stream of an application's custody.
pub fn stream(application: StreamId) -> StreamId {
    StreamId::named(Custody::KIND, &application.to_string())
}

/// `PARCEL_NOT_FOUND`.
pub fn not_found() -> Refusal {
    Refusal { reason: "PARCEL_NOT_FOUND", ..Refusal::not_found("材料包") }
}

impl Custody {
    /// The parcel of a number.
    pub fn parcel(&self, number: u32) -> Option<&Parcel> {
        let place = usize::try_from(number).ok()?.checked_sub(1)?;
        self.parcels.get(place)
    }

    /// Parcels with their numbers.
    pub fn numbered(&self) -> impl Iterator<Item = (u32, &Parcel)> {
        (1..).zip(&self.parcels)
    }

    /// One is overdue now.
    pub fn overdue(&self) -> bool {
        self.parcels.iter().any(|parcel| parcel.overdue)
    }

    /// Something goes to the organ and has not arrived.
    pub fn on_the_way_out(&self) -> bool {
        let Some(matter) = &self.matter else { return false };
        self.parcels.iter().any(|parcel| {
            let arrived = parcel.stage == Stage::Held && matter.competent(&parcel.holder);
            parcel.direction == Direction::Out && !arrived && parcel.stage != Stage::Lost
        })
    }

    /// The limits that run, with their parcels' numbers.
    pub(crate) fn watched(&self) -> impl Iterator<Item = (u32, &Due)> {
        let watched = self.numbered().filter(|(_, parcel)| !parcel.overdue);
        watched.filter_map(|(number, parcel)| Some((number, parcel.due.as_ref()?)))
    }

    fn change(&mut self, number: u32, change: impl FnOnce(&mut Parcel)) {
        let place = usize::try_from(number).ok().and_then(|number| number.checked_sub(1));
        if let Some(parcel) = place.and_then(|place| self.parcels.get_mut(place)) {
            change(parcel);
        }
    }

    /// The receiving place, the organ and the window of its region, the applicant, and supervision of both regions.
    fn audiences(&self) -> Vec<String> {
        let Some(matter) = &self.matter else { return Vec::new() };
        vec![
            matter.applicant.audience(),
            format!("window:{}", matter.received_in),
            format!("window:{}", matter.region),
            format!("org:{}", matter.organ),
            format!("region:{}", matter.received_in),
            format!("region:{}", matter.region),
        ]
    }
}

impl Aggregate for Custody {
    const KIND: &'static str = "custody";
    type Event = CustodyEvent;

    fn evolve(&mut self, event: &CustodyEvent, meta: &Meta) {
        match event {
            CustodyEvent::ParcelSealed { matter, direction, seal, papers, holder, due, by, originals_only } => {
                if self.matter.is_none() {
                    self.since = meta.at;
                }
                self.matter = Some((**matter).clone());
                self.parcels.push(Parcel {
                    direction: *direction,
                    seal: seal.clone(),
                    papers: papers.clone(),
                    stage: Stage::Sealed,
                    holder: holder.clone(),
                    hand_overs: Vec::new(),
                    due: Some(due.clone()),
                    overdue: false,
                    lost: None,
                    by: by.clone(),
                    at: meta.at,
                    handed_out: None,
                    originals_only: *originals_only,
                    collector: None,
                });
            }
            CustodyEvent::ParcelHandedOver { parcel, to, carrier, due, by } => self.change(*parcel, |parcel| {
                parcel.stage = Stage::InTransit;
                (parcel.due, parcel.overdue) = (Some(due.clone()), false);
                parcel.hand_overs.push(HandOver {
                    to: to.clone(),
                    carrier: carrier.clone(),
                    by: by.clone(),
                    at: meta.at,
                    confirmed: None,
                });
            }),
            CustodyEvent::ParcelConfirmed { parcel, seal_broken, discrepancy, due, by, .. } => {
                self.change(*parcel, |parcel| {
                    parcel.stage = Stage::Held;
                    (parcel.due, parcel.overdue) = (due.clone(), false);
                    if let Some(last) = parcel.hand_overs.last_mut() {
                        parcel.holder = last.to.clone();
                        last.confirmed = Some(Confirmed {
                            seal_broken: *seal_broken,
                            discrepancy: discrepancy.clone(),
                            by: by.clone(),
                            at: meta.at,
                        });
                    }
                });
            }
            CustodyEvent::ParcelLost { parcel, text, .. } => self.change(*parcel, |parcel| {
                parcel.stage = Stage::Lost;
                (parcel.due, parcel.overdue) = (None, false);
                parcel.lost = Some(text.clone());
            }),
            CustodyEvent::ParcelHandedOut { parcel, collector, .. } => self.change(*parcel, |parcel| {
                parcel.collector.clone_from(collector);
                parcel.stage = Stage::HandedOut;
                (parcel.due, parcel.overdue) = (None, false);
                parcel.handed_out = Some(meta.at);
            }),
            CustodyEvent::ParcelOverdue { parcel, due } => self.change(*parcel, |parcel| {
                (parcel.due, parcel.overdue) = (Some(due.clone()), true);
            }),
            CustodyEvent::ParcelDueRecomputed { parcel, due } => {
                self.change(*parcel, |parcel| parcel.due = Some(due.clone()));
            }
        }
    }

    fn index(&self) -> Index {
        let Some(matter) = &self.matter else { return Index::default() };
        Index {
            region: matter.region.clone(),
            organisation: matter.organ.clone(),
            owner: matter.applicant.to_string(),
            item: matter.item.clone(),
            status: if self.overdue() { "OVERDUE" } else { "KEPT" }.to_owned(),
            due_at: self.watched().map(|(_, due)| due.passed_at()).min().filter(|at| *at < Timestamp::NEVER),
        }
    }

    fn tags(&self) -> Vec<Tag> {
        let sort = Tag::newest_first(self.since);
        let mut tags: Vec<Tag> =
            self.audiences().into_iter().map(|value| Tag::new(Tag::AUDIENCE, value, sort.clone())).collect();
        let stages: BTreeSet<&str> = self.parcels.iter().map(|parcel| parcel.stage.name()).collect();
        tags.extend(stages.into_iter().map(|stage| Tag::new("stage", stage, sort.clone())));
        let years: BTreeSet<i32> = self.watched().flat_map(|(_, due)| due.missing_years.iter().copied()).collect();
        tags.extend(years.into_iter().map(|year| Tag::new("provisional", year.to_string(), sort.clone())));
        if self.overdue() {
            tags.push(Tag::new("overdue", "yes", sort));
        }
        tags.sort();
        tags.dedup();
        tags
    }
}
