//! The delivery after an event.

use yiwang_ledger::{Meta, Timestamp};

use super::post::HALF_DAY;
use super::{Delivery, Ended, Event, How, Move, Outcome, Parcel, Served, Stage};
use crate::application::Actor;

pub(super) fn evolve(delivery: &mut Delivery, event: &Event, meta: &Meta) {
    match event {
        Event::DeliveryOpened { facts, due, gathers_until } => {
            (delivery.facts, delivery.due) = (Some(facts.clone()), due.clone());
            (delivery.opened, delivery.stage) = (meta.at, Stage::Preparing);
            delivery.gathers_until.clone_from(gathers_until);
        }
        Event::PartAdded { part, audiences, decided, gathers_until } => {
            if let Some(facts) = &mut delivery.facts {
                facts.parts.push((**part).clone());
                facts.audiences.extend(audiences.iter().cloned());
                facts.audiences.sort();
                facts.audiences.dedup();
                facts.decided = facts.decided.min(*decided);
            }
            if gathers_until.is_some() {
                delivery.gathers_until.clone_from(gathers_until);
            }
            due_of_parts(delivery);
        }
        Event::DeliveryGathered { without } => {
            delivery.gathers_until = None;
            if let Some(facts) = &mut delivery.facts {
                facts.parts.retain(|part| !without.contains(&part.application));
            }
            if !without.is_empty() {
                due_of_parts(delivery);
            }
            ready(delivery);
        }
        Event::ResultReady { result } => {
            delivery.results.push(result.clone());
            ready(delivery);
        }
        Event::MannerChosen { manner, by } => {
            (delivery.manner, delivery.chosen_by) = (manner.clone(), Some(by.clone()));
        }
        Event::ResultCollected { collector, late, by } => {
            delivered(delivery, How::Collected(collector.clone()), *late, by, meta);
        }
        Event::ArrivedElectronically { late } => delivered(delivery, How::Arrived, *late, &Actor::system(), meta),
        Event::DeliveryLeft { left, late, by } => delivered(delivery, How::Left(left.clone()), *late, by, meta),
        Event::DeliveryOverdue { .. } => delivery.overdue = true,
        Event::DeliveryDueRecomputed { due } => delivery.due = Some(due.clone()),
        Event::ProofIssued { application, number } => delivery.proofs.push((*application, number.clone())),
        Event::ResultRemade { number, numbers, .. } => {
            delivery.stage = Stage::Ready;
            delivery.put_back += 1;
            for (application, number) in numbers {
                let of = |result: &&mut Served| result.application == *application;
                if let Some(result) = delivery.results.iter_mut().find(of) {
                    result.number.clone_from(number);
                }
            }
            if let Some(result) = delivery.results.last_mut().filter(|_| !number.is_empty()) {
                result.number.clone_from(number);
            }
        }
        Event::PutInLocker { compartment, .. } => {
            (delivery.compartment, delivery.stage) = (Some((**compartment).clone()), Stage::InLocker);
        }
        Event::LockerCodeWrong => {
            if let Some(compartment) = &mut delivery.compartment {
                compartment.wrong += 1;
            }
        }
        Event::TakenFromLocker { late, by } => {
            let site = delivery.compartment.as_ref().map(|one| one.site.clone()).unwrap_or_default();
            delivered(delivery, How::FromLocker { site }, *late, by, meta);
        }
        Event::LockerLapsed => delivery.stage = Stage::Lapsed,
        Event::PutBack { .. } => {
            (delivery.compartment, delivery.stage) = (None, Stage::Ready);
            delivery.put_back += 1;
        }
        _ => post(delivery, event, meta),
    }
}

fn ready(delivery: &mut Delivery) {
    if delivery.stage == Stage::Preparing && delivery.gathers_until.is_none() && delivery.complete() {
        delivery.stage = Stage::Ready;
    }
}

/// The earliest date of any part is that of all.
fn due_of_parts(delivery: &mut Delivery) {
    let parts = delivery.facts.iter().flat_map(|facts| &facts.parts);
    let earliest = parts.filter_map(|part| part.due.clone()).min_by_key(|due| due.date);
    delivery.due = earliest;
}

fn post(delivery: &mut Delivery, event: &Event, meta: &Meta) {
    match event {
        Event::DeliveryDispatched { number, carrier, .. } => {
            delivery.stage = Stage::InPost;
            delivery.parcels.push(Parcel {
                number: number.clone(),
                tracking: String::new(),
                moves: Vec::new(),
                asked: 0,
                ask_at: None,
                ended: None,
                reason: None,
                carrier: carrier.clone(),
                by_hand: false,
                contradicted: false,
            });
        }
        Event::CarrierAsked { number } => parcel(delivery, number, &[], |parcel| parcel.ask_at = None),
        Event::ParcelMoved { number, tracking, moves, ask_at } => parcel(delivery, number, moves, |parcel| {
            parcel.asked += 1;
            parcel.ask_at = Some(*ask_at);
            if !tracking.is_empty() {
                parcel.tracking.clone_from(tracking);
            }
        }),
        Event::ParcelDelivered { number, moves, signed_by, late } => {
            parcel(delivery, number, moves, |parcel| parcel.ended = Some(Ended::Delivered));
            delivered(delivery, How::Posted { signed_by: signed_by.clone() }, *late, &Actor::system(), meta);
        }
        Event::ParcelReturned { number, moves, reason, by } => {
            parcel(delivery, number, moves, |parcel| {
                (parcel.ended, parcel.reason) = (Some(Ended::Returned), Some(reason.clone()));
                watched(parcel, by.as_ref(), meta);
            });
            delivery.stage = Stage::Ready;
        }
        Event::ParcelLost { number, moves, reason, by } => {
            parcel(delivery, number, moves, |parcel| {
                (parcel.ended, parcel.reason) = (Some(Ended::Lost), Some(reason.clone()));
                watched(parcel, by.as_ref(), meta);
            });
            delivery.stage = Stage::Lost;
        }
        Event::ParcelContradicted { number, moves } => {
            parcel(delivery, number, moves, |parcel| parcel.contradicted = true);
        }
        _ => {}
    }
}

/// Whose end a person said, the carrier is asked about all the same.
fn watched(parcel: &mut Parcel, by: Option<&Actor>, meta: &Meta) {
    parcel.by_hand = by.is_some();
    (parcel.asked, parcel.ask_at) = (0, by.map(|_| Timestamp(meta.at.0.saturating_add(HALF_DAY))));
}

fn parcel(delivery: &mut Delivery, number: &str, moves: &[Move], change: impl FnOnce(&mut Parcel)) {
    if let Some(found) = delivery.parcels.iter_mut().find(|parcel| parcel.number == number) {
        found.moves.extend(moves.iter().cloned());
        found.ask_at = None;
        change(found);
    }
}

fn delivered(delivery: &mut Delivery, how: How, late: bool, by: &Actor, meta: &Meta) {
    delivery.stage = Stage::Delivered;
    delivery.compartment = None;
    delivery.outcome = Some(Outcome { how, at: meta.at, by: by.clone(), late });
}
