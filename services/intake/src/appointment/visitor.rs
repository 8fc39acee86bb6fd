//! 预约人: whether somebody may have another place. One stream a person, whatever the hall: nobody is in two places at a time.
//!
//! Invariant: the times that a visitor claims do not overlap; a bar is computed from the no-shows that count, by the rule that stood
//! on their day, so that one who is excused is barred no longer.

use chrono::{Days, NaiveDate};
use serde::{Deserialize, Serialize};
use yiwang_ledger::{Aggregate, Context, Decision, Index, Kind, Meta, Refusal, StreamId, SubjectId, Tag, Timestamp};

use super::not_open;
use crate::limit::legal_date;
use crate::queue::Booked;
use crate::reception::NoShowRule;

/// So many no-shows are kept.
const KEPT: usize = 50;

/// On what terms a place is had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// At most so many open bookings in the hall.
    pub open_bookings: u8,
    /// Whether the visitor books themself: who is barred books at the counter.
    pub online: bool,
}

/// A time that is taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// The appointment.
    pub appointment: StreamId,
    /// Which of its places.
    pub turn: u32,
    /// Code of the hall.
    pub hall: String,
    /// From.
    pub from: Timestamp,
    /// Until.
    pub until: Timestamp,
}

/// 爽约.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoShow {
    /// The appointment.
    pub appointment: StreamId,
    /// Code of the hall.
    pub hall: String,
    /// The day.
    pub date: NaiveDate,
    /// The rule, as it stood.
    pub rule: NoShowRule,
    /// Whether it counts no longer.
    pub excused: bool,
}

/// Why a visitor may not have a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Objection {
    /// Another appointment is at that time.
    SameTime,
    /// So many are open already.
    OpenLimit(u8),
    /// 爽约: barred until that day and with it.
    Barred(NaiveDate),
    /// It has another place since.
    MovedMeanwhile,
    /// It has ended since.
    NotOpen,
}

/// A visitor.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Visitor {
    /// Who; empty before anything was booked.
    pub subject: SubjectId,
    /// The times that are taken.
    pub claims: Vec<Claim>,
    /// 爽约, the latest last.
    pub no_shows: Vec<NoShow>,
    /// The latest place that was refused: what a repeated request is answered with.
    pub refused: Option<(Booked, Objection)>,
}

/// What happens to a visitor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr, strum::VariantNames)]
pub enum VisitorEvent {
    /// A time is taken; one that the appointment had before is free.
    TimeClaimed {
        /// Who.
        subject: SubjectId,
        /// The time.
        claim: Claim,
    },
    /// A time is not given. Written, so that whoever carries it out twice does the same.
    ClaimRefused {
        /// Who.
        subject: SubjectId,
        /// Which place.
        booked: Booked,
        /// Why.
        why: Objection,
    },
    /// The appointment has ended: its time is free.
    ClaimSettled {
        /// The appointment.
        appointment: StreamId,
    },
    /// 爽约.
    NoShowRecorded {
        /// What.
        no_show: NoShow,
    },
    /// It does not count.
    NoShowForgiven {
        /// The appointment.
        appointment: StreamId,
    },
}

/// The stream of a visitor.
pub fn stream(subject: &SubjectId) -> StreamId {
    StreamId::named(Visitor::KIND, subject.as_str())
}

/// `APPOINTMENT_MOVED_MEANWHILE`.
pub fn moved_meanwhile() -> Refusal {
    let (zh, en) = ("该预约刚刚改约，请刷新后重试", "it was moved meanwhile: read it again");
    Refusal::new(Kind::Aborted, "APPOINTMENT_MOVED_MEANWHILE", zh, en)
}

impl Objection {
    /// In words.
    pub fn refusal(self) -> Refusal {
        match self {
            Objection::SameTime => {
                let (zh, en) = ("您在该时间已有预约", "you have an appointment at that time");
                Refusal::state("SAME_TIME_TAKEN", zh, en)
            }
            Objection::OpenLimit(most) => {
                let zh = format!("在该大厅至多同时有{most}个未办的预约");
                Refusal::state("OPEN_LIMIT_REACHED", zh, format!("at most {most} open bookings in this hall"))
            }
            Objection::Barred(until) => {
                let zh =
                    format!("因多次爽约，{until}（含）前不能网上预约；窗口照常受理，可到现场取号或电话预约，也可申诉");
                let en = format!(
                    "barred from booking online until {until} for no-shows; the counter is open, a clerk books for you, and you may appeal"
                );
                Refusal::state("BARRED_FROM_BOOKING", zh, en).with("until_date", until.to_string())
            }
            Objection::MovedMeanwhile => moved_meanwhile(),
            Objection::NotOpen => not_open(),
        }
    }
}

impl Visitor {
    /// Until which day, and with it, the visitor is barred from booking online in a hall.
    pub fn barred_until(&self, hall: &str) -> Option<NaiveDate> {
        let counted: Vec<&NoShow> = self.no_shows.iter().filter(|one| one.hall == hall && !one.excused).collect();
        let ends = counted.iter().filter_map(|last| {
            let rule = last.rule;
            let first = last.date.checked_sub_days(Days::new(rule.days.into()))?;
            let within = counted.iter().filter(|one| one.date > first && one.date <= last.date).count();
            let bars = rule.count > 0 && within >= usize::from(rule.count);
            bars.then(|| last.date.checked_add_days(Days::new(rule.bar_days.into()))).flatten()
        });
        ends.max()
    }

    /// How many of the hall's places the visitor has.
    pub fn open_in(&self, hall: &str) -> usize {
        self.claims.iter().filter(|claim| claim.hall == hall).count()
    }

    /// Whether the visitor may have a place.
    pub fn objection(&self, claim: &Claim, terms: Terms, now: Timestamp) -> Option<Objection> {
        let (own, others): (Vec<_>, Vec<_>) =
            self.claims.iter().partition(|other| other.appointment == claim.appointment);
        match own.first() {
            Some(own) if own.turn >= claim.turn => return Some(Objection::MovedMeanwhile),
            None if claim.turn > 0 => return Some(Objection::NotOpen),
            _ => {}
        }
        // who has a place already may move it
        let bars = |until: &NaiveDate| terms.online && claim.turn == 0 && legal_date(now) <= *until;
        let barred = self.barred_until(&claim.hall).filter(bars);
        if let Some(until) = barred {
            return Some(Objection::Barred(until));
        }
        if others.iter().any(|other| other.from < claim.until && claim.from < other.until) {
            return Some(Objection::SameTime);
        }
        let open = others.iter().filter(|other| other.hall == claim.hall).count();
        (open >= usize::from(terms.open_bookings)).then_some(Objection::OpenLimit(terms.open_bookings))
    }

    /// What became of a claim.
    pub fn verdict(&self, booked: Booked) -> Result<(), Refusal> {
        match &self.refused {
            Some((refused, why)) if *refused == booked => Err(why.refusal()),
            _ => Ok(()),
        }
    }
}

/// Takes a time, or writes down why not.
pub fn claim(
    visitor: &Visitor,
    subject: &SubjectId,
    claim: &Claim,
    terms: Terms,
    cx: &Context,
) -> Decision<VisitorEvent> {
    if visitor.claims.contains(claim) {
        return Ok(Vec::new());
    }
    let subject = subject.clone();
    let booked = Booked { appointment: claim.appointment, turn: claim.turn };
    Ok(vec![match visitor.objection(claim, terms, cx.now) {
        None => VisitorEvent::TimeClaimed { subject, claim: claim.clone() },
        Some(why) => VisitorEvent::ClaimRefused { subject, booked, why },
    }])
}

/// The appointment has ended.
pub fn settle(visitor: &Visitor, appointment: StreamId) -> Decision<VisitorEvent> {
    let held = visitor.claims.iter().any(|claim| claim.appointment == appointment);
    Ok(held.then_some(VisitorEvent::ClaimSettled { appointment }).into_iter().collect())
}

/// 爽约.
pub fn no_show(visitor: &Visitor, no_show: &NoShow) -> Decision<VisitorEvent> {
    let known = visitor.no_shows.iter().any(|one| one.appointment == no_show.appointment);
    Ok((!known).then(|| VisitorEvent::NoShowRecorded { no_show: no_show.clone() }).into_iter().collect())
}

/// It does not count.
pub fn forgive(visitor: &Visitor, appointment: StreamId) -> Decision<VisitorEvent> {
    let counts = visitor.no_shows.iter().any(|one| one.appointment == appointment && !one.excused);
    Ok(counts.then_some(VisitorEvent::NoShowForgiven { appointment }).into_iter().collect())
}

impl Aggregate for Visitor {
    const KIND: &'static str = "visitor";
    type Event = VisitorEvent;

    fn evolve(&mut self, event: &VisitorEvent, _meta: &Meta) {
        match event {
            VisitorEvent::TimeClaimed { subject, claim } => {
                (self.subject, self.refused) = (subject.clone(), None);
                self.claims.retain(|own| own.appointment != claim.appointment);
                self.claims.push(claim.clone());
            }
            VisitorEvent::ClaimRefused { subject, booked, why } => {
                (self.subject, self.refused) = (subject.clone(), Some((*booked, *why)));
            }
            VisitorEvent::ClaimSettled { appointment } => self.claims.retain(|own| own.appointment != *appointment),
            VisitorEvent::NoShowRecorded { no_show } => {
                self.claims.retain(|own| own.appointment != no_show.appointment);
                self.no_shows.push(no_show.clone());
                let over = self.no_shows.len().saturating_sub(KEPT);
                self.no_shows.drain(..over);
            }
            VisitorEvent::NoShowForgiven { appointment } => {
                for one in self.no_shows.iter_mut().filter(|one| one.appointment == *appointment) {
                    one.excused = true;
                }
            }
        }
    }

    fn index(&self) -> Index {
        Index { owner: self.subject.to_string(), ..Index::default() }
    }

    fn tags(&self) -> Vec<Tag> {
        if self.subject.as_str().is_empty() {
            return Vec::new();
        }
        vec![Tag::new(Tag::AUDIENCE, self.subject.audience(), "")]
    }
}
