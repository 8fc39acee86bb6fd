//! 邮寄: a parcel with the carrier, which is asked by our own number until it has ended.

use yiwang_ledger::{Context, Decision, Personal, Refusal, Timestamp};

use super::carrier::{Said, Seen};
use super::{Delivery, Event, Manner, Move, Stage, decide};
use crate::application::Actor;

/// No parcel has more moves.
const MOST_MOVES: usize = 100;
/// No delivery has more parcels.
const MOST: usize = 20;
const HALF_HOUR: i64 = 30 * 60_000_000;

/// The pause before the carrier is asked again: half an hour, doubled each time, at most twelve hours.
fn later(asked: u32, cx: &Context) -> Timestamp {
    Timestamp(cx.now.0.saturating_add((HALF_HOUR << asked.min(5)).min(24 * HALF_HOUR)))
}

/// 交寄: an order with the carrier.
///
/// # Errors
/// `DELIVERY_NOT_AT_STAGE`, `MANNER_DIFFERS`, `TOO_MANY_PARCELS`.
pub fn dispatch(delivery: &Delivery, by: &Actor, cx: &Context) -> Decision<Event> {
    decide::at(delivery, &[Stage::Ready])?;
    if !matches!(delivery.manner, Manner::Post(_)) {
        let (zh, en) = ("申请人没有选择邮寄", "the post was not chosen");
        return Err(Refusal::state("MANNER_DIFFERS", zh, en));
    }
    if delivery.parcels.len() >= MOST {
        return Err(Refusal::state("TOO_MANY_PARCELS", "邮寄次数过多", "too many parcels"));
    }
    let digits: String = cx.seed[..12].iter().map(|byte| char::from(b'0' + byte % 10)).collect();
    let day = crate::limit::legal_date(cx.now).format("%y%m%d");
    let number = format!("YJ{day}{digits}{:02}", delivery.parcels.len() + 1);
    Ok(vec![Event::DeliveryDispatched { number, by: by.clone() }])
}

/// `PARCEL_NOT_FOUND`.
pub fn not_found() -> Refusal {
    Refusal { reason: "PARCEL_NOT_FOUND", ..Refusal::not_found("邮件") }
}

/// What of the carrier's list is new.
fn new_moves(known: &[Move], seen: &[Seen], seal: impl Fn(&str) -> Personal) -> Vec<Move> {
    let is_known = |one: &&Seen| known.iter().any(|old| old.at == one.at && old.text.get() == Some(one.text.as_str()));
    let mut fresh: Vec<&Seen> = Vec::new();
    for one in seen.iter().filter(|one| !is_known(one)) {
        if !fresh.contains(&one) {
            fresh.push(one);
        }
    }
    let room = MOST_MOVES.saturating_sub(known.len());
    fresh.into_iter().take(room).map(|one| Move { at: one.at, text: seal(&one.text) }).collect()
}

/// The carrier says how a parcel stands. Of one that has ended it is no news.
///
/// # Errors
/// `PARCEL_NOT_FOUND`.
pub fn said(delivery: &Delivery, number: &str, said: &Said, cx: &Context) -> Decision<Event> {
    let parcel = delivery.parcel(number).ok_or_else(not_found)?;
    if parcel.ended.is_some() || delivery.stage != Stage::InPost {
        return Ok(Vec::new());
    }
    let seal = |text: &str| decide::about(delivery, "parcel", text);
    let (number, moves) = (number.to_owned(), new_moves(&parcel.moves, said.moves(), seal));
    Ok(vec![match said {
        Said::UnderWay { tracking, .. } => {
            Event::ParcelMoved { number, tracking: tracking.clone(), moves, ask_at: later(parcel.asked, cx) }
        }
        Said::Delivered { signed_by, .. } => Event::ParcelDelivered {
            number,
            moves,
            signed_by: (!signed_by.is_empty()).then(|| seal(signed_by)),
            late: decide::late(delivery, cx),
        },
        Said::Returned { reason, .. } => Event::ParcelReturned { number, moves, reason: seal(reason) },
        Said::Lost { reason, .. } => Event::ParcelLost { number, moves, reason: seal(reason) },
    }])
}

/// What the timer asks about.
pub(super) fn due(delivery: &Delivery, cx: &Context) -> Option<Event> {
    let parcel = delivery.parcels.last().filter(|parcel| parcel.ask_at.is_some_and(|at| at <= cx.now))?;
    Some(Event::CarrierAsked { number: parcel.number.clone() })
}

/// A callback: whatever it says, the carrier is asked. While it is being asked already, nothing happens.
///
/// # Errors
/// `PARCEL_NOT_FOUND`.
pub fn notified(delivery: &Delivery, number: &str) -> Decision<Event> {
    let parcel = delivery.parcel(number).ok_or_else(not_found)?;
    let asks = parcel.ended.is_none() && parcel.ask_at.is_some();
    Ok(if asks { vec![Event::CarrierAsked { number: number.to_owned() }] } else { Vec::new() })
}
