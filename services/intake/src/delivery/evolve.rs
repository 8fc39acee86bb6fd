//! The delivery after an event.

use yiwang_ledger::Meta;

use super::{Delivery, Ended, Event, How, Move, Outcome, Parcel, Stage};
use crate::application::Actor;

pub(super) fn evolve(delivery: &mut Delivery, event: &Event, meta: &Meta) {
    match event {
        Event::DeliveryOpened { facts, due } => {
            (delivery.facts, delivery.due) = (Some(facts.clone()), due.clone());
            (delivery.opened, delivery.stage) = (meta.at, Stage::Preparing);
        }
        Event::ResultReady { result } => {
            delivery.results.push(result.clone());
            if delivery.stage == Stage::Preparing && delivery.complete() {
                delivery.stage = Stage::Ready;
            }
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
        Event::ResultRemade { number, .. } => {
            delivery.stage = Stage::Ready;
            delivery.put_back += 1;
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

fn post(delivery: &mut Delivery, event: &Event, meta: &Meta) {
    match event {
        Event::DeliveryDispatched { number, .. } => {
            delivery.stage = Stage::InPost;
            delivery.parcels.push(Parcel {
                number: number.clone(),
                tracking: String::new(),
                moves: Vec::new(),
                asked: 0,
                ask_at: None,
                ended: None,
                reason: None,
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
        Event::ParcelReturned { number, moves, reason } => {
            parcel(delivery, number, moves, |parcel| {
                (parcel.ended, parcel.reason) = (Some(Ended::Returned), Some(reason.clone()));
            });
            delivery.stage = Stage::Ready;
        }
        Event::ParcelLost { number, moves, reason } => {
            parcel(delivery, number, moves, |parcel| {
                (parcel.ended, parcel.reason) = (Some(Ended::Lost), Some(reason.clone()));
            });
            delivery.stage = Stage::Lost;
        }
        _ => {}
    }
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
