//! What a group offers on a day: pure, from what was published and the working-day calendar.

use chrono::{Datelike, NaiveDate};
use serde::{Deserialize, Serialize};
use yiwang_standards::calendar::{Calendar, Day};

use super::{BookingRules, Clock, DayClass, NoShowRule, QueueRule, Quota, Session, SlotKind, WindowGroup};

/// A slot of a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slot {
    /// Which kind.
    pub kind: SlotKind,
    /// When it begins.
    pub start: Clock,
    /// When it ends.
    pub end: Clock,
    /// Published places.
    pub seats: u16,
}

impl Slot {
    /// Whether a place of a kind and hour is one of its.
    pub fn covers(&self, kind: SlotKind, start: Clock) -> bool {
        self.kind == kind && self.start <= start && start < self.end
    }
}

/// From which versions of what was published a plan is made: the group's, the rules'.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Basis {
    /// Version of the group's stream.
    pub group: u64,
    /// Version of the rules' stream; 0 for the product's.
    pub rules: u64,
}

impl Basis {
    /// Whether nothing of it is older.
    pub fn is_at_least(&self, other: &Basis) -> bool {
        self.group >= other.group && self.rules >= other.rules
    }
}

/// What a group offers on a day, and by which rules.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// From which versions it is made.
    pub basis: Basis,
    /// 行政区划 of the hall.
    pub region: String,
    /// Why the group is closed; none where it is open.
    pub closed: Option<String>,
    /// Its slots, by kind and hour.
    pub slots: Vec<Slot>,
    /// When the first hours at a window begin.
    pub opens: Clock,
    /// When the last hours at a window end.
    pub closes: Clock,
    /// When the day ends: whoever waits then was not served.
    pub ends: Clock,
    /// What its tickets begin with.
    pub prefix: String,
    /// Its windows.
    pub windows: Vec<String>,
    /// Items that are limited.
    pub quotas: Vec<Quota>,
    /// How many tickets are given out.
    pub tickets: u16,
    /// How long one takes, in minutes, as long as the day has not shown it.
    pub service_minutes: u16,
    /// 叫号规则.
    pub queue: QueueRule,
    /// 爽约规则, as it stands for this day.
    pub no_show: NoShowRule,
}

impl Default for Plan {
    fn default() -> Self {
        let rules = BookingRules::default();
        Self {
            basis: Basis::default(),
            region: String::new(),
            closed: None,
            slots: Vec::new(),
            opens: Clock::default(),
            closes: Clock::default(),
            ends: Clock::MIDNIGHT,
            prefix: String::new(),
            windows: Vec::new(),
            quotas: Vec::new(),
            tickets: 0,
            service_minutes: 0,
            queue: rules.queue,
            no_show: rules.no_show,
        }
    }
}

impl Plan {
    /// The slot of a kind that begins then.
    pub fn slot(&self, kind: SlotKind, start: Clock) -> Option<&Slot> {
        self.slots.iter().find(|slot| slot.kind == kind && slot.start == start)
    }

    /// Whether a place of a kind and hour is still kept.
    pub fn keeps(&self, kind: SlotKind, start: Clock) -> bool {
        self.slots.iter().any(|slot| slot.covers(kind, start))
    }

    /// The quota of an item.
    pub fn quota(&self, item: &str) -> Option<&Quota> {
        self.quotas.iter().find(|quota| quota.item == item)
    }
}

/// The class of a day, the weekday that its hours go by (a day worked in exchange is a Monday), and why it is no working day.
fn class(date: NaiveDate, calendar: &Calendar) -> (DayClass, u8, String) {
    let weekday = date.weekday().number_from_monday() as u8;
    match calendar.day(date) {
        Day::Working => (DayClass::Working, weekday, String::new()),
        Day::MakeUp(_) => (DayClass::Working, 1, String::new()),
        Day::Weekend => (DayClass::Weekend, weekday, "周末".to_owned()),
        Day::Holiday(name) => (DayClass::Holiday, weekday, name.zh),
    }
}

/// The slots of a session.
fn cut(session: &Session) -> impl Iterator<Item = Slot> + use<> {
    let Session { kind, from, until, slot_minutes, seats, .. } = *session;
    let step = usize::from(slot_minutes.max(1));
    (from.0..until.0).step_by(step).map(move |start| {
        let start = Clock(start);
        Slot { kind, start, end: start.plus(slot_minutes).min(until), seats }
    })
}

/// What a group offers on a day.
pub fn plan(
    (group, group_version): (&WindowGroup, u64),
    (rules, rules_version): (&BookingRules, u64),
    date: NaiveDate,
    calendar: &Calendar,
) -> Plan {
    let (class, weekday, why) = class(date, calendar);
    let closure = rules.closures.iter().find(|closure| closure.date == date).map(|closure| closure.reason.clone());
    let exception = group.exceptions.iter().find(|exception| exception.date == date);
    let sessions: Vec<&Session> = match (&closure, exception) {
        (Some(_), _) => Vec::new(),
        (None, Some(exception)) => exception.sessions.iter().collect(),
        (None, None) => {
            let today = |session: &&Session| {
                session.class == class && (session.weekdays.is_empty() || session.weekdays.contains(&weekday))
            };
            group.sessions.iter().filter(today).collect()
        }
    };
    let closed = sessions.is_empty().then(|| {
        let exceptional = exception.map(|exception| exception.reason.clone());
        closure.or(exceptional).unwrap_or_else(|| if why.is_empty() { "当日不办公".to_owned() } else { why })
    });
    let mut slots: Vec<Slot> = sessions.iter().flat_map(|session| cut(session)).collect();
    slots.sort_by_key(|slot| (slot.kind, slot.start));
    let windows = || sessions.iter().filter(|session| session.kind != SlotKind::HomeVisit);
    let closes = windows().map(|session| session.until).max().unwrap_or_default();
    // visits at home are reported on the same day
    let visits = sessions.iter().any(|session| session.kind == SlotKind::HomeVisit);
    let ends = if visits || closes == Clock::default() {
        Clock::MIDNIGHT
    } else {
        closes.plus(rules.overrun_minutes).min(Clock::MIDNIGHT)
    };
    Plan {
        basis: Basis { group: group_version, rules: rules_version },
        region: group.region.clone(),
        closed,
        slots,
        opens: windows().map(|session| session.from).min().unwrap_or_default(),
        closes,
        ends,
        prefix: group.prefix.clone(),
        windows: group.windows.clone(),
        quotas: group.quotas.clone(),
        tickets: group.tickets_a_day,
        service_minutes: group.service_minutes,
        queue: rules.queue,
        no_show: rules.no_show,
    }
}
