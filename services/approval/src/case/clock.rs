//! 时限: the limits of a case, each counted from its own day. What counts the days is `standards::calendar`.

use chrono::NaiveDate;
use yiwang_ledger::Timestamp;
use yiwang_standards::calendar::{self, Calendar, Pause};

use super::rules::RuleSet;
use super::{Due, Item, Limit, Opened, Procedure, Start, Which, procedure};

/// The day of an instant, in China standard time.
pub fn day_of(at: Timestamp) -> NaiveDate {
    calendar::legal_date(at.0)
}

/// The first instant of a day.
pub fn beginning(day: NaiveDate) -> Timestamp {
    Timestamp(calendar::start_of_day_micros(day))
}

/// The first instant after a due date.
pub fn after(due: &Due) -> Timestamp {
    Timestamp(due.passed_at_micros())
}

/// Place among the open cases: the earliest legal due date comes first.
pub fn place(legal: &Due) -> String {
    format!("{:016x}", after(legal).0.max(0))
}

/// The days from which the limits of a case run.
#[derive(Clone, Copy, Debug)]
pub struct Days {
    /// 收到申请之日.
    pub received: NaiveDate,
    /// 受理之日.
    pub accepted: NaiveDate,
}

impl Days {
    fn of(self, limit: &Limit) -> NaiveDate {
        match limit.start {
            Start::Acceptance => self.accepted,
            Start::Receipt => self.received,
        }
    }
}

/// Both clocks of a case, each from its own day: the legal one, and the promised one, which can never be later than it.
pub fn clocks(calendar: &Calendar, item: &Item, days: Days) -> (Due, Due) {
    let due = |limit: &Limit| limit.due(days.of(limit), calendar);
    let legal = due(&RuleSet::of(item).legal_limit(item));
    let promised = item.promised.as_ref().map_or_else(|| legal.clone(), due);
    (capped(promised, &legal), legal)
}

/// Both clocks counted again, from the days on which they began: without the time of special procedures (行政许可法 art. 45), and with the
/// legal limit as it was extended (art. 42). A promise is not extended; where nothing shorter was promised the law's limit is the promise.
pub fn counted(facts: &Opened, procedures: &[Procedure], calendar: &Calendar) -> (Due, Due) {
    let (own, extended) = legal_limits(facts, procedures);
    let days = |limit: &Limit| (limit.days, limit.unit, limit.start);
    let promised = facts.item.promised.as_ref().filter(|promised| days(promised) != days(&own)).unwrap_or(&extended);
    let pauses = pauses(procedures);
    let stops: Vec<_> = pauses.iter().map(|(pause, _)| *pause).collect();
    let run = Days { received: facts.received_on.unwrap_or(facts.accepted_on), accepted: facts.accepted_on };
    let due = |limit: &Limit, start| {
        let mut due = limit.due_around(start, &stops, calendar);
        // one that began after this limit had ended, or ended on the day on which it began, moved nothing
        for (pause, one) in pauses.iter().filter(|(pause, _)| pause.from < due.date && pause.resumed > Some(pause.from))
        {
            let (name, basis, until) = (&one.asked.name, &one.asked.basis, pause.resumed.unwrap_or(pause.from));
            due.zh += &format!("；{}终了至{until}为{name}的时间（{basis}）", pause.from);
            due.en += &format!("; from the end of {} to {until}: {name} ({basis})", pause.from);
        }
        due
    };
    let legal = due(&extended, facts.legal.start);
    (capped(due(promised, run.of(promised)), &legal), legal)
}

/// The legal limit of a case as it was at first, and as it was extended.
fn legal_limits(facts: &Opened, procedures: &[Procedure]) -> (Limit, Limit) {
    let found = procedures.iter().find_map(|one| Some((one.extension()?, one.asked.basis.as_str())));
    match found {
        Some(((before, days), basis)) => (before.clone(), extended(before, days, basis)),
        None => (facts.legal.limit.clone(), facts.legal.limit.clone()),
    }
}

/// The times that are not counted, in the order in which they began.
fn pauses(procedures: &[Procedure]) -> Vec<(Pause, &Procedure)> {
    let mut pauses: Vec<_> = procedures.iter().filter_map(|one| Some((one.pause()?, one))).collect();
    pauses.sort_by_key(|(pause, one)| (pause.from, one.number));
    pauses
}

/// Whether a procedure that is allowed today stops the legal limit: a day of it is left, or it stands still already.
pub fn can_stop(facts: &Opened, procedures: &[Procedure], today: NaiveDate, calendar: &Calendar) -> bool {
    let (_, limit) = legal_limits(facts, procedures);
    let before = pauses(procedures).into_iter().map(|(pause, _)| pause);
    let stops: Vec<_> = before.chain([Pause { from: today, resumed: None }]).collect();
    calendar.paused_term(facts.legal.start, (limit.days, limit.unit), &stops).is_paused()
}

/// A limit with what it was extended by.
fn extended(limit: &Limit, days: u32, basis: &str) -> Limit {
    let basis = format!("{}，经批准延长{days}{}（{basis}）", limit.basis, procedure::zh(limit.unit));
    Limit { days: limit.days.saturating_add(days), basis, ..limit.clone() }
}

/// What the special procedures make of a case's two limits: those that come out otherwise than they stand.
pub fn moved(facts: &Opened, procedures: &[Procedure], calendar: &Calendar) -> Vec<(Which, Due)> {
    let (promised, legal) = counted(facts, procedures, calendar);
    let both = [(Which::Promised, promised, &facts.promised), (Which::Legal, legal, &facts.legal)];
    both.into_iter().filter(|(_, new, old)| new != *old).map(|(which, new, _)| (which, new)).collect()
}

/// Nobody can promise more time than the law gives.
pub fn capped(promised: Due, legal: &Due) -> Due {
    if promised.date <= legal.date { promised } else { legal.clone() }
}
