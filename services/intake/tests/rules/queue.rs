//! Places and the order of calling, by random hands in random order.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::NaiveDate;
use proptest::prelude::*;
use yiwang_intake::application::Actor;
use yiwang_intake::appointment::visitor::Terms;
use yiwang_intake::queue::seats::{self, Fresh, Take};
use yiwang_intake::queue::tickets::{self, WalkIn};
use yiwang_intake::queue::{
    Booked, Day, DayEvent, End, Green, Line, MOST_WAITING, Release, Seat, SeatPhase, Ticket, TicketPhase, order,
};
use yiwang_intake::reception::plan::{Basis, Plan, Slot};
use yiwang_intake::reception::{BookingRules, Clock, Ground, Quota, SlotKind, check};
use yiwang_ledger::{Aggregate as _, Context, Meta, StreamId, SubjectId, Timestamp};
use yiwang_standards::calendar::Calendar;

const SLOTS: u16 = 3;

fn date() -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 3, 3).unwrap()
}

fn at(minute: u16) -> Context {
    Context {
        now: Clock(minute).on(date()),
        actor: "staff:clerk".into(),
        version: 0,
        calendar: Arc::new(Calendar::builtin().clone()),
        seed: [0; 32],
    }
}

/// 09:00 to 10:30 in three slots, which tickets are taken for until 17:00.
fn plan(seats: u16, quota: u16, group: u64) -> Plan {
    let slot = |n: u16| Slot {
        kind: SlotKind::Ordinary,
        start: Clock(540 + 30 * n),
        end: Clock(570 + 30 * n),
        seats: seats + n,
    };
    Plan {
        basis: Basis { group, rules: 0 },
        slots: (0..SLOTS).map(slot).collect(),
        opens: Clock(540),
        closes: Clock(1020),
        ends: Clock(1050),
        prefix: "A".into(),
        windows: vec!["1".into(), "2".into()],
        quotas: vec![Quota { item: "limited".into(), a_slot: quota, a_day: quota + 1 }],
        tickets: 999,
        service_minutes: 10,
        ..Plan::default()
    }
}

fn fresh(plan: Plan) -> Fresh {
    Fresh { hall: "H".into(), group: "G".into(), date: date(), plan }
}

fn take(n: usize, slot: u16, limited: bool) -> Take {
    Take {
        appointment: StreamId::named("test", &n.to_string()),
        turn: 0,
        kind: SlotKind::Ordinary,
        start: Clock(540 + 30 * slot),
        item: if limited { "limited" } else { "free" }.into(),
        owner: SubjectId::default(),
        booking: None,
        from: None,
        terms: Terms { open_bookings: 20, online: false },
        by: Actor::system(),
    }
}

fn write(day: &mut Day, events: &[DayEvent], cx: &Context) {
    let meta = Meta { at: cx.now, actor: cx.actor.clone(), version: 1 };
    events.iter().for_each(|event| day.evolve(event, &meta));
}

#[derive(Clone, Debug)]
enum Act {
    Book(u16, bool),
    Release(usize),
    CheckIn(usize),
    WalkIn(bool),
    Call(bool),
    Recall(usize),
    Pass(usize),
    Rejoin(usize),
    Finish(usize),
    Transfer(usize),
    Grant(usize),
    Republish(u16),
    Wait(u16),
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        8 => (0..SLOTS, any::<bool>()).prop_map(|(slot, limited)| Act::Book(slot, limited)),
        2 => (0usize..40).prop_map(Act::Release),
        4 => (0usize..40).prop_map(Act::CheckIn),
        4 => any::<bool>().prop_map(Act::WalkIn),
        5 => any::<bool>().prop_map(Act::Call),
        2 => (1usize..20).prop_map(Act::Recall),
        2 => (1usize..20).prop_map(Act::Pass),
        2 => (1usize..20).prop_map(Act::Rejoin),
        4 => (1usize..20).prop_map(Act::Finish),
        1 => (1usize..20).prop_map(Act::Transfer),
        1 => (1usize..20).prop_map(Act::Grant),
        1 => (0u16..5).prop_map(Act::Republish),
        3 => (1u16..40).prop_map(Act::Wait),
    ]
}

fn label(n: usize) -> String {
    format!("A{n:03}")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn whatever_is_done_in_whatever_order_a_day_keeps_its_promises(
        (seats, quota) in (1u16..4, 1u16..3),
        acts in proptest::collection::vec(act(), 1..120),
    ) {
        let (mut day, mut minute, mut booked, mut version) = (Day::default(), 480u16, 0usize, 1u64);
        let (mut current, rules) = (plan(seats, quota, version), BookingRules::default());
        let (mut numbers, by) = (BTreeSet::new(), Actor::system());
        let green = Green { ground: Some(Ground::Disabled) };
        for act in acts {
            let cx = at(minute);
            let seat = |n: usize| Booked { appointment: StreamId::named("test", &n.to_string()), turn: 0 };
            let before = day.clone();
            let decided = match act {
                Act::Book(slot, limited) => {
                    booked += 1;
                    seats::book(&day, &fresh(current.clone()), &rules, &take(booked, slot, limited), &cx)
                }
                Act::Release(n) => seats::release(&day, seat(n), &Release::Cancelled),
                Act::CheckIn(n) => seats::check_in(&day, seat(n), None, &by, &cx),
                Act::WalkIn(first) => {
                    let ask = WalkIn { green: first.then(|| green.clone()), ..WalkIn::default() };
                    tickets::take(&day, &fresh(current.clone()), &ask, &by, &cx)
                }
                Act::Call(one) => tickets::call_next(&day, if one { "1" } else { "2" }, &by, &cx),
                Act::Recall(n) => tickets::recall(&day, &label(n), &by),
                Act::Pass(n) => tickets::pass(&day, &label(n), &by),
                Act::Rejoin(n) => tickets::rejoin(&day, &label(n), &by),
                Act::Finish(n) => tickets::finish(&day, &label(n), &by),
                Act::Transfer(n) => tickets::transfer(&day, &label(n), "other", "例", &by),
                Act::Grant(n) => tickets::grant(&day, &label(n), &green, &by),
                Act::Republish(seats) => {
                    version += 1;
                    current = plan(seats, quota, version);
                    seats::replan(&day, &fresh(current.clone()), &cx)
                }
                Act::Wait(minutes) => {
                    minute = (minute + minutes).min(1100);
                    seats::timer(&day, &at(minute))
                }
            };
            let Ok(events) = decided else { continue };
            write(&mut day, &events, &cx);
            // no slot, and no quota, is filled beyond what was published when the place was given
            if let Some(DayEvent::SeatTaken { seat, .. }) = events.last() {
                let slot = day.plan.slot(seat.kind, seat.start).unwrap();
                prop_assert!(day.taken(slot) <= usize::from(slot.seats));
                let of_item = day.seats.iter().filter(|one| one.item == "limited");
                prop_assert!(seat.item != "limited" || of_item.count() <= usize::from(quota) + 1);
            }
            // no number twice
            if let Some(DayEvent::TicketIssued { ticket, .. }) = events.last() {
                prop_assert!(numbers.insert(ticket.label.clone()), "{} twice", ticket.label);
            }
            // a window has one at a time, and nobody is in two places
            let called: Vec<_> = day.tickets.iter().filter_map(|ticket| match &ticket.phase {
                TicketPhase::Called { window, .. } => Some(window.clone()),
                _ => None,
            }).collect();
            prop_assert_eq!(called.iter().collect::<BTreeSet<_>>().len(), called.len());
            let live: BTreeSet<_> = day.tickets.iter().map(|ticket| &ticket.label).collect();
            prop_assert!(live.len() == day.tickets.len() && live.iter().all(|label| !day.ended.contains_key(*label)));
            prop_assert_eq!(day.tickets.len() + day.ended.len(), numbers.len());
            // what has ended stays as it ended
            for (label, end) in &before.ended {
                prop_assert_eq!(day.ended.get(label), Some(end));
            }
            // when the day is over nobody waits, and no place is held
            if day.over {
                prop_assert!(day.tickets.is_empty() && day.seats.iter().all(|seat| seat.phase != SeatPhase::Held));
            }
            // the timer always moves on
            let looked = seats::timer(&day, &at(minute)).unwrap();
            write(&mut day, &looked, &at(minute));
            prop_assert!(day.index().due_at.is_none_or(|due| due > at(minute).now));
        }
    }

    #[test]
    fn the_kth_walk_in_is_called_in_its_bound_however_many_others_come(
        (in_a_row, greens) in (1u8..4, 1u8..4),
        arrivals in proptest::collection::vec((any::<bool>(), 0u16..SLOTS), 60),
        before in 0usize..6,
    ) {
        let mut day = Day { date: Some(date()), plan: plan(50, 9, 1), ..Day::default() };
        day.plan.queue.bookings_in_a_row = in_a_row;
        day.plan.queue.greens_in_a_row = greens;
        let cx = at(620);
        let mut number = 0;
        let mut come = |day: &mut Day, line: Line, green: bool| {
            number += 1;
            let green = green.then_some(Green { ground: Some(Ground::Ill) });
            let ticket = Ticket { green, ..ticket(number, line) };
            write(day, &[DayEvent::TicketIssued { ticket, by: Actor::system() }], &cx);
        };
        for _ in 0..=before {
            come(&mut day, Line::WalkIn, false);
        }
        let watched = label(before + 1);
        let bound = (before + 1) * (usize::from(in_a_row) + 1) * (usize::from(greens) + 1);
        let mut calls = 0;
        // at every call somebody comes who goes first: of the green channel, or with a booking
        for (green, slot) in arrivals.into_iter().cycle() {
            come(&mut day, Line::WalkIn, true);
            let appointment = StreamId::named("test", &calls.to_string());
            let start = Clock(540 + 30 * slot);
            come(&mut day, Line::Booked { appointment, turn: 0, start }, green);
            let next = order::next(&day, cx.now).unwrap().label.clone();
            calls += 1;
            write(&mut day, &[
                DayEvent::TicketCalled { label: next.clone(), window: "1".into(), by: Actor::system() },
                DayEvent::TicketFinished { label: next.clone(), booked: None, by: Actor::system() },
            ], &cx);
            prop_assert!(calls <= bound, "{watched} still waits after {calls} calls, of {bound}");
            if next == watched {
                break;
            }
        }
    }

    #[test]
    fn the_same_queue_has_the_same_order_whatever_order_it_is_kept_in(
        lines in proptest::collection::vec((any::<bool>(), any::<bool>(), 0u16..SLOTS, 0i64..5), 1..30),
        turn in any::<prop::sample::Index>(),
    ) {
        let mut day = Day { date: Some(date()), plan: plan(50, 9, 1), ..Day::default() };
        for (n, (booked, green, slot, since)) in lines.iter().enumerate() {
            let appointment = StreamId::named("test", &n.to_string());
            let start = Clock(540 + 30 * slot);
            let line = if *booked { Line::Booked { appointment, turn: 0, start } } else { Line::WalkIn };
            let green = green.then_some(Green { ground: Some(Ground::Ill) });
            day.tickets.push(Ticket { green, since: Timestamp(*since), ..ticket(n + 1, line) });
        }
        let labels = |day: &Day| order::queue(day, at(580).now).iter().map(|t| t.label.clone()).collect::<Vec<_>>();
        let first = labels(&day);
        prop_assert_eq!(first.len(), day.tickets.len());
        let turn = turn.index(day.tickets.len());
        day.tickets.rotate_left(turn);
        prop_assert_eq!(&labels(&day), &first);
        // what is shown as the order is the order of calling
        for expected in first {
            let next = order::next(&day, at(580).now).unwrap().label.clone();
            prop_assert_eq!(&next, &expected);
            let by = Actor::system();
            write(&mut day, &[DayEvent::TicketCalled { label: next, window: "1".into(), by }], &at(580));
        }
    }
}

fn ticket(n: usize, line: Line) -> Ticket {
    Ticket {
        label: label(n),
        since: Timestamp(n as i64),
        item: String::new(),
        line,
        green: None,
        owner: None,
        phase: TicketPhase::Waiting { not_before: 0 },
        calls: 0,
        rejoins: 0,
    }
}

/// The state of the fullest day that the rules let there be fits the ledger.
#[test]
fn the_fullest_day_fits_its_record() {
    let mut day = Day { date: Some(date()), plan: plan(50, 9, 1), ..Day::default() };
    let item = "511A0015500009-511602000000-000-115113016823646795-1-00";
    let owner = SubjectId::parse(&"a".repeat(64));
    for n in 0..check::MOST_SEATS as usize {
        day.seats.push(Seat {
            appointment: StreamId::named("test", &n.to_string()),
            turn: 0,
            kind: SlotKind::AfterHours,
            start: Clock(540),
            item: item.into(),
            owner: owner.clone(),
            phase: SeatPhase::Missed,
        });
    }
    for n in 0..MOST_WAITING {
        let appointment = StreamId::named("test", &n.to_string());
        let line = Line::Booked { appointment, turn: 1, start: Clock(540) };
        let green = Some(Green { ground: Some(Ground::WithInfant) });
        day.tickets.push(Ticket { item: item.into(), green, owner: owner.clone(), ..ticket(n, line) });
    }
    for n in 1000..3000 {
        day.ended.insert(label(n), End::Served);
    }
    let size = serde_json::to_vec(&day).unwrap().len();
    assert!(size < 250_000, "{size}");
}
