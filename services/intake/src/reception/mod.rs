//! 窗口组与号源: what a hall has published of its windows: groups of them, their hours, and the rules of booking and calling. A
//! group is a stream of its own, named by hall and code; the rules are the hall's.
//!
//! Invariant: what a day offers ([`plan::plan`]) is computed from these and the working-day calendar, and kept nowhere else but in
//! the day that was opened with it.

pub mod check;
pub mod plan;

use std::fmt;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use yiwang_ledger::{Aggregate, Decision, Index, Meta, Refusal, StreamId, Tag, Timestamp, UniqueKey};
use yiwang_standards::calendar;

use crate::application::Actor;

/// Minutes of an hour.
const HOUR: u16 = 60;
/// Microseconds of a minute.
pub const MINUTE_MICROS: i64 = 60_000_000;

/// A time of day in China standard time, in minutes; 24:00 is one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Clock(pub u16);

impl Clock {
    /// The end of a day.
    pub const MIDNIGHT: Clock = Clock(24 * HOUR);

    /// Reads `HH:MM`.
    pub fn parse(text: &str) -> Option<Self> {
        let (hours, minutes) = text.trim().split_once(':')?;
        let digits = |part: &str| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
        let two = |part: &str| digits(part).then(|| part.parse::<u16>().ok()).flatten();
        let clock = Clock(two(hours)? * HOUR + two(minutes).filter(|minutes| *minutes < HOUR)?);
        (clock <= Self::MIDNIGHT).then_some(clock)
    }

    /// So many minutes later.
    pub fn plus(self, minutes: u16) -> Self {
        Clock(self.0.saturating_add(minutes))
    }

    /// The moment on a day.
    pub fn on(self, date: NaiveDate) -> Timestamp {
        Timestamp(calendar::start_of_day_micros(date) + i64::from(self.0) * MINUTE_MICROS)
    }
}

impl fmt::Display for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.0 / HOUR, self.0 % HOUR)
    }
}

/// What kind of service hours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SlotKind {
    /// 正常办公时间.
    #[default]
    Ordinary,
    /// 延时服务.
    AfterHours,
    /// 错时服务.
    OffPeak,
    /// 上门服务.
    HomeVisit,
}

/// What a day is by the working-day calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DayClass {
    /// Worked, in exchange too (调休上班).
    Working,
    /// A Saturday or Sunday that is not worked.
    Weekend,
    /// 法定节假日.
    Holiday,
}

/// Why somebody is served first (绿色通道), or at home (上门服务).
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, strum::IntoStaticStr, strum::EnumString,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Ground {
    /// 老年人: from [`ELDERLY_AGE`] on.
    Elderly,
    /// 残疾人.
    Disabled,
    /// 孕妇.
    Pregnant,
    /// 携带婴幼儿者.
    WithInfant,
    /// 军人、退役军人.
    Military,
    /// 重病患者.
    Ill,
    /// Another one, in words.
    Other,
}

/// 老年人权益保障法 art. 2: citizens of 60 years or more.
pub const ELDERLY_AGE: u32 = 60;

/// Hours of one kind on one class of days.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// Which kind.
    pub kind: SlotKind,
    /// On which days.
    pub class: DayClass,
    /// Only on these weekdays, 1 Monday to 7 Sunday; none for all.
    pub weekdays: Vec<u8>,
    /// From.
    pub from: Clock,
    /// Until.
    pub until: Clock,
    /// Length of a slot in minutes.
    pub slot_minutes: u16,
    /// Places of a slot.
    pub seats: u16,
}

/// How many may book for an item; 0 for no limit of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quota {
    /// 实施编码.
    pub item: String,
    /// In a slot.
    pub a_slot: u16,
    /// On a day.
    pub a_day: u16,
}

/// A day that is not as its class would have it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exception {
    /// The day.
    pub date: NaiveDate,
    /// Its sessions, whatever their class; none where the group is closed.
    pub sessions: Vec<Session>,
    /// The published reason.
    pub reason: String,
}

/// A group of windows that one queue feeds (窗口组).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WindowGroup {
    /// Code of the hall.
    pub hall: String,
    /// Code; empty before it was published.
    pub code: String,
    /// 行政区划 of the hall.
    pub region: String,
    /// Name.
    pub name: String,
    /// What its tickets begin with.
    pub prefix: String,
    /// Its windows.
    pub windows: Vec<String>,
    /// What it serves; none for whatever is in the hall.
    pub items: Vec<String>,
    /// Its hours.
    pub sessions: Vec<Session>,
    /// Items that are limited.
    pub quotas: Vec<Quota>,
    /// Who may ask for 上门服务; none for whoever has a ground.
    pub home_visits_for: Vec<Ground>,
    /// Days that are otherwise.
    pub exceptions: Vec<Exception>,
    /// How many tickets are given out on a day.
    pub tickets_a_day: u16,
    /// How long one takes, in minutes, as long as the day has not shown it.
    pub service_minutes: u16,
}

impl WindowGroup {
    /// Whether it serves an item.
    pub fn serves(&self, item: &str) -> bool {
        self.items.is_empty() || self.items.iter().any(|own| own == item)
    }
}

/// 爽约规则: so many within a window bar for a while; 0 bars nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoShowRule {
    /// So many.
    pub count: u8,
    /// Within so many days.
    pub days: u16,
    /// Bar for so many days.
    pub bar_days: u16,
}

/// 叫号规则.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueueRule {
    /// One checks in at most so many minutes before the slot.
    pub early_minutes: u16,
    /// Who has not checked in so many minutes after the slot began has missed it.
    pub late_minutes: u16,
    /// While walk-ins wait, at most so many bookings one after another.
    pub bookings_in_a_row: u8,
    /// While other walk-ins wait, at most so many of the green channel one after another.
    pub greens_in_a_row: u8,
    /// Who was called so often may be passed over.
    pub calls_before_pass: u8,
    /// Who comes back after that waits for so many calls.
    pub rejoin_after: u8,
    /// How often one may come back.
    pub rejoins: u8,
}

/// A day on which the hall is closed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Closure {
    /// The day.
    pub date: NaiveDate,
    /// The published reason.
    pub reason: String,
}

/// By which rules a hall takes bookings and calls. None of the numbers is of national law: a hall sets and publishes its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BookingRules {
    /// Code of the hall; empty before it published any.
    pub hall: String,
    /// 行政区划 of the hall.
    pub region: String,
    /// Bookings are taken for today and so many days on.
    pub horizon_days: u16,
    /// A slot is booked at least so many minutes before it begins.
    pub lead_minutes: u16,
    /// One person holds at most so many bookings in the hall at a time.
    pub open_bookings: u8,
    /// 爽约规则.
    pub no_show: NoShowRule,
    /// 叫号规则.
    pub queue: QueueRule,
    /// Who waits at the end of the hours is served for so many minutes more.
    pub overrun_minutes: u16,
    /// Days on which the hall is closed.
    pub closures: Vec<Closure>,
}

impl Default for BookingRules {
    /// The product's, until a hall publishes its own: configuration, not law (unverified).
    fn default() -> Self {
        Self {
            hall: String::new(),
            region: String::new(),
            horizon_days: 14,
            lead_minutes: 0,
            open_bookings: 3,
            no_show: NoShowRule { count: 3, days: 90, bar_days: 30 },
            queue: QueueRule {
                early_minutes: 30,
                late_minutes: 15,
                bookings_in_a_row: 2,
                greens_in_a_row: 2,
                calls_before_pass: 3,
                rejoin_after: 3,
                rejoins: 1,
            },
            overrun_minutes: 60,
            closures: Vec::new(),
        }
    }
}

/// What happens to a window group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr, strum::VariantNames)]
pub enum GroupEvent {
    /// It was published, or changed.
    WindowGroupPublished {
        /// As it is from now on.
        group: Box<WindowGroup>,
        /// By whom.
        by: Actor,
    },
}

/// What happens to the rules of a hall.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr, strum::VariantNames)]
pub enum RulesEvent {
    /// They were published, or changed.
    BookingRulesPublished {
        /// As they are from now on.
        rules: Box<BookingRules>,
        /// By whom.
        by: Actor,
    },
}

/// The stream of a window group.
pub fn stream(hall: &str, group: &str) -> StreamId {
    StreamId::named(WindowGroup::KIND, &format!("{hall} {group}"))
}

/// The stream of a hall's rules.
pub fn rules_stream(hall: &str) -> StreamId {
    StreamId::named(BookingRules::KIND, hall)
}

/// `WINDOW_GROUP_NOT_FOUND`.
pub fn not_found() -> Refusal {
    Refusal { reason: "WINDOW_GROUP_NOT_FOUND", ..Refusal::not_found("窗口组") }
}

/// Publishes a group, or what has changed of it. Said again, the later word holds.
///
/// # Errors
/// As [`check::group`].
pub fn publish_group(group: &WindowGroup, next: &WindowGroup, by: &Actor) -> Decision<GroupEvent> {
    check::group(next)?;
    if group == next {
        return Ok(Vec::new());
    }
    Ok(vec![GroupEvent::WindowGroupPublished { group: Box::new(next.clone()), by: by.clone() }])
}

/// Publishes the rules of a hall. Said again, the later word holds.
pub fn publish_rules(rules: &BookingRules, next: &BookingRules, by: &Actor) -> Decision<RulesEvent> {
    if rules == next {
        return Ok(Vec::new());
    }
    Ok(vec![RulesEvent::BookingRulesPublished { rules: Box::new(next.clone()), by: by.clone() }])
}

impl Aggregate for WindowGroup {
    const KIND: &'static str = "window_group";
    const STANDALONE: bool = true;
    type Event = GroupEvent;

    fn evolve(&mut self, event: &GroupEvent, _meta: &Meta) {
        let GroupEvent::WindowGroupPublished { group, .. } = event;
        *self = (**group).clone();
    }

    fn index(&self) -> Index {
        Index { region: self.region.clone(), ..Index::default() }
    }

    fn tags(&self) -> Vec<Tag> {
        if self.code.is_empty() {
            return Vec::new();
        }
        // both are short enough to stand in a sort text together
        let sort = format!("{} {}", self.hall, self.code);
        vec![Tag::new(Tag::AUDIENCE, "public", sort.clone()), Tag::new("hall", self.hall.clone(), sort)]
    }

    fn keys(&self) -> Vec<UniqueKey> {
        let key = || UniqueKey { scope: "PREFIX_TAKEN", key: format!("{} {}", self.hall, self.prefix) };
        (!self.code.is_empty()).then(key).into_iter().collect()
    }
}

impl Aggregate for BookingRules {
    const KIND: &'static str = "booking_rules";
    const STANDALONE: bool = true;
    type Event = RulesEvent;

    fn evolve(&mut self, event: &RulesEvent, _meta: &Meta) {
        let RulesEvent::BookingRulesPublished { rules, .. } = event;
        *self = (**rules).clone();
    }

    fn index(&self) -> Index {
        Index { region: self.region.clone(), ..Index::default() }
    }

    fn tags(&self) -> Vec<Tag> {
        if self.hall.is_empty() {
            return Vec::new();
        }
        vec![Tag::new(Tag::AUDIENCE, "public", self.hall.clone())]
    }
}
