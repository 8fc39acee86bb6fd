//! 送达: what came of a decided application on its way to its addressee: at the window, by post, by locker or electronically, until
//! the 送达回证 is there. One hand-out may hold the results of several applications.
//!
//! Invariant: it ends once, as delivered, with who received it and how; names, addresses, telephones and codes stand in it only as
//! [`Personal`] values.

pub mod carrier;
pub mod decide;
mod evolve;
pub mod following;
pub mod locker;
pub mod post;
mod tags;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use yiwang_ledger::{Aggregate, Index, Meta, Personal, Refusal, StreamId, SubjectId, Tag, Timestamp, UniqueKey};

use crate::application::{Actor, Party};
use crate::limit::Due;
use crate::mandate::Held;

/// The scope of compartments that are in use.
pub const COMPARTMENT: &str = "COMPARTMENT_TAKEN";

/// An application whose result is handed out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// The application.
    pub application: StreamId,
    /// 实施编码.
    pub item: String,
    /// 事项名称.
    pub name: String,
    /// 实施主体编码.
    pub organisation: String,
    /// 办件编号.
    pub case_number: String,
    /// By when its result is handed out; none where no rule sets a date, and in records that are older than the field.
    #[serde(default)]
    pub due: Option<Due>,
}

/// What is handed out to whom.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// The applications, at least one.
    pub parts: Vec<Part>,
    /// 受送达人.
    pub addressee: Party,
    /// Who sees it: whoever saw the applications.
    pub audiences: Vec<String>,
    /// 行政区划 of the window.
    pub region: String,
    /// 决定之日, of the earliest decision.
    pub decided: NaiveDate,
}

/// One paper or licence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Served {
    /// Of which application.
    pub application: StreamId,
    /// Its name.
    pub name: String,
    /// Its number.
    pub number: String,
    /// Id of the licence; empty for anything else.
    pub license: String,
}

/// Whom a parcel goes to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recipient {
    /// Name.
    pub name: Personal,
    /// Telephone.
    pub phone: Personal,
    /// Address.
    pub address: Personal,
}

/// 送达方式.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Manner {
    /// 窗口领取: where nobody has chosen anything else.
    #[default]
    Window,
    /// 邮寄.
    Post(Box<Recipient>),
    /// 自助取件柜, at a site.
    Locker {
        /// The site.
        site: String,
    },
    /// 电子送达, to the addressee's account here, which they have agreed to.
    Electronic,
}

impl Manner {
    /// Its name in tags.
    pub fn name(&self) -> &'static str {
        match self {
            Manner::Window => "WINDOW",
            Manner::Post(_) => "POST",
            Manner::Locker { .. } => "LOCKER",
            Manner::Electronic => "ELECTRONIC",
        }
    }
}

/// Where it stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Not begun.
    #[default]
    Absent,
    /// 制证: not everything that is handed out is there.
    Preparing,
    /// 待送达.
    Ready,
    /// 邮寄中.
    InPost,
    /// 已入柜.
    InLocker,
    /// Nobody took it out of the locker in time: it waits to be put back.
    Lapsed,
    /// 邮件丢失: it is made again.
    Lost,
    /// 已送达.
    Delivered,
}

impl Stage {
    /// Its name in tags.
    pub fn name(self) -> &'static str {
        match self {
            Stage::Absent => "ABSENT",
            Stage::Preparing => "PREPARING",
            Stage::Ready => "READY",
            Stage::InPost => "IN_POST",
            Stage::InLocker => "IN_LOCKER",
            Stage::Lapsed => "LAPSED",
            Stage::Lost => "LOST",
            Stage::Delivered => "DELIVERED",
        }
    }
}

/// 物流轨迹: one thing that happened to a parcel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Move {
    /// When.
    pub at: Timestamp,
    /// What.
    pub text: Personal,
}

/// How a parcel ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    /// 妥投.
    Delivered,
    /// 退回.
    Returned,
    /// 丢失.
    Lost,
}

/// A parcel with the carrier.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parcel {
    /// Our number: the carrier acts once for it.
    pub number: String,
    /// 运单号; empty while the carrier has not said.
    pub tracking: String,
    /// What happened to it.
    pub moves: Vec<Move>,
    /// How often the carrier said that it is under way.
    pub asked: u32,
    /// When the carrier is asked again; none while it is being asked, or it has ended.
    pub ask_at: Option<Timestamp>,
    /// How it ended.
    pub ended: Option<Ended>,
    /// Why it came back or was lost.
    pub reason: Option<Personal>,
    /// With which carrier; empty in records that are older than the field.
    #[serde(default)]
    pub carrier: String,
    /// A person said that it came back or was lost.
    #[serde(default)]
    pub by_hand: bool,
    /// The carrier says all the same that it was delivered: somebody must look.
    #[serde(default)]
    pub contradicted: bool,
}

/// A compartment of a locker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Compartment {
    /// The site.
    pub site: String,
    /// Which.
    pub number: String,
    /// 取件码.
    pub code: Personal,
    /// It is good until then.
    pub expires: Timestamp,
    /// How often a wrong code was given.
    pub wrong: u32,
}

/// 领取人, at the window.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Collector {
    /// Who came, with their document.
    pub party: Party,
    /// 授权委托, where it was not the addressee.
    pub mandate: Option<Held>,
}

/// 留置送达.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Left {
    /// Why it was not taken (拒收事由).
    pub reason: Personal,
    /// Where it was left.
    pub place: Personal,
    /// 见证人.
    pub witnesses: Vec<Personal>,
    /// Reference of the photographs or the film.
    pub evidence: String,
}

/// How it was delivered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum How {
    /// 直接送达, at the window.
    Collected(Box<Collector>),
    /// 邮寄送达.
    Posted {
        /// Who signed.
        signed_by: Option<Personal>,
    },
    /// Taken out of the locker.
    FromLocker {
        /// The site.
        site: String,
    },
    /// 电子送达.
    Arrived,
    /// 留置送达.
    Left(Box<Left>),
}

/// That it was delivered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// How.
    pub how: How,
    /// When.
    pub at: Timestamp,
    /// By whom.
    pub by: Actor,
    /// After its due date.
    pub late: bool,
}

/// A delivery.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// What to whom; none before it began.
    pub facts: Option<Box<Facts>>,
    /// When it began.
    pub opened: Timestamp,
    /// By when; none where no rule sets a date.
    pub due: Option<Due>,
    /// The date has passed.
    pub overdue: bool,
    /// What is there.
    pub results: Vec<Served>,
    /// How it is to be delivered.
    pub manner: Manner,
    /// Who chose that; none while nobody has.
    pub chosen_by: Option<Actor>,
    /// Where it stands.
    pub stage: Stage,
    /// The parcels, the last one last.
    pub parcels: Vec<Parcel>,
    /// The compartment that it lies in.
    pub compartment: Option<Compartment>,
    /// How often it came back from a locker or was made again.
    pub put_back: u32,
    /// That it was delivered.
    pub outcome: Option<Outcome>,
    /// 送达回证编号, by application.
    pub proofs: Vec<(StreamId, String)>,
    /// 一次出件: it waits for the results of the other members, no longer than until this; none where it waits for nothing more.
    #[serde(default)]
    pub gathers_until: Option<Due>,
}

/// What happens to a delivery.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr, strum::VariantNames)]
pub enum Event {
    /// Something was decided, and will be handed out.
    DeliveryOpened {
        /// What to whom.
        facts: Box<Facts>,
        /// By when.
        due: Option<Due>,
        /// 一次出件: until when it waits for the other members.
        #[serde(default)]
        gathers_until: Option<Due>,
    },
    /// 一次出件: another member was granted.
    PartAdded {
        /// Which.
        part: Box<Part>,
        /// Who sees it.
        audiences: Vec<String>,
        /// 决定之日.
        decided: NaiveDate,
        /// Until when what was granted first may wait; none where that stays as it was.
        gathers_until: Option<Due>,
    },
    /// 一次出件: it waits for nothing more.
    DeliveryGathered {
        /// What is not there and would hold up the rest is handed out by itself.
        without: Vec<StreamId>,
    },
    /// A paper or licence is there.
    ResultReady {
        /// Which.
        result: Served,
    },
    /// 选择送达方式.
    MannerChosen {
        /// Which.
        manner: Manner,
        /// By whom.
        by: Actor,
    },
    /// 领取.
    ResultCollected {
        /// By whom it was taken.
        collector: Box<Collector>,
        /// After its date.
        late: bool,
        /// By whom it was handed out.
        by: Actor,
    },
    /// 交寄.
    DeliveryDispatched {
        /// Our number of the parcel.
        number: String,
        /// By whom.
        by: Actor,
        /// With which carrier; empty in entries that are older than the field.
        #[serde(default)]
        carrier: String,
    },
    /// The carrier is asked again.
    CarrierAsked {
        /// Our number of the parcel.
        number: String,
    },
    /// It is under way.
    ParcelMoved {
        /// Our number.
        number: String,
        /// 运单号.
        tracking: String,
        /// What happened since it was last said.
        moves: Vec<Move>,
        /// When the carrier is asked again.
        ask_at: Timestamp,
    },
    /// 妥投.
    ParcelDelivered {
        /// Our number.
        number: String,
        /// What happened since it was last said.
        moves: Vec<Move>,
        /// Who signed.
        signed_by: Option<Personal>,
        /// After its date.
        late: bool,
    },
    /// 退回.
    ParcelReturned {
        /// Our number.
        number: String,
        /// What happened since it was last said.
        moves: Vec<Move>,
        /// Why.
        reason: Personal,
        /// Who says so; nobody where the carrier does.
        #[serde(default)]
        by: Option<Actor>,
    },
    /// 丢失.
    ParcelLost {
        /// Our number.
        number: String,
        /// What happened since it was last said.
        moves: Vec<Move>,
        /// What is said of it.
        reason: Personal,
        /// Who says so; nobody where the carrier does.
        #[serde(default)]
        by: Option<Actor>,
    },
    /// The carrier says that it delivered what a person said came back or was lost.
    ParcelContradicted {
        /// Our number.
        number: String,
        /// What happened since it was last said.
        moves: Vec<Move>,
    },
    /// 补制.
    ResultRemade {
        /// The last one's new number, in entries that are older than `numbers`.
        number: String,
        /// By whom.
        by: Actor,
        /// New numbers, by application; the rest stay as they are.
        #[serde(default)]
        numbers: Vec<(StreamId, String)>,
    },
    /// 入柜.
    PutInLocker {
        /// Where, with its code.
        compartment: Box<Compartment>,
        /// By whom.
        by: Actor,
    },
    /// A wrong code was given.
    LockerCodeWrong,
    /// Taken out with the code.
    TakenFromLocker {
        /// After its date.
        late: bool,
        /// The locker's account.
        by: Actor,
    },
    /// The code is good no more.
    LockerLapsed,
    /// 取回.
    PutBack {
        /// By whom.
        by: Actor,
    },
    /// 电子送达: it has reached the account that was agreed.
    ArrivedElectronically {
        /// After its date.
        late: bool,
    },
    /// 留置送达.
    DeliveryLeft {
        /// How.
        left: Box<Left>,
        /// After its date.
        late: bool,
        /// By whom.
        by: Actor,
    },
    /// The date has passed.
    DeliveryOverdue {
        /// Which.
        due: Due,
    },
    /// A calendar year was loaded.
    DeliveryDueRecomputed {
        /// The date from now on.
        due: Due,
    },
    /// 送达回证.
    ProofIssued {
        /// Of which application.
        application: StreamId,
        /// 文书编号.
        number: String,
    },
}

/// The stream of the delivery of an application's result; of several, of the first of them.
pub fn stream(application: StreamId) -> StreamId {
    StreamId::named(Delivery::KIND, &application.to_string())
}

/// `DELIVERY_NOT_FOUND`, the same whether it is missing or hidden.
pub fn not_found() -> Refusal {
    Refusal { reason: "DELIVERY_NOT_FOUND", ..Refusal::not_found("送达") }
}

impl Delivery {
    /// Whose it is.
    pub fn addressee(&self) -> Option<&Party> {
        self.facts.as_ref().map(|facts| &facts.addressee)
    }

    /// Under whose key its personal data are sealed.
    pub fn subject(&self) -> SubjectId {
        self.addressee().map(|party| party.subject.clone()).unwrap_or_default()
    }

    /// Whether something of every application is there.
    fn complete(&self) -> bool {
        let has = |part: &Part| self.results.iter().any(|result| result.application == part.application);
        self.facts.as_ref().is_some_and(|facts| facts.parts.iter().all(has))
    }

    /// Whether an application's result is handed out by it.
    pub fn has(&self, application: StreamId) -> bool {
        self.facts.iter().flat_map(|facts| &facts.parts).any(|part| part.application == application)
    }

    /// The parcel of a number.
    pub fn parcel(&self, number: &str) -> Option<&Parcel> {
        self.parcels.iter().find(|parcel| parcel.number == number)
    }
}

impl Aggregate for Delivery {
    const KIND: &'static str = "delivery";
    const SCHEMA: i32 = 2;
    type Event = Event;

    fn evolve(&mut self, event: &Event, meta: &Meta) {
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
