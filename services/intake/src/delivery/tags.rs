//! What is derived from a delivery's state: who sees it, by what it is listed, when the timer looks.

use yiwang_ledger::{Index, Tag, Timestamp, UniqueKey};

use super::{COMPARTMENT, Delivery, Stage};
use crate::limit::{Due, Ends as _};

/// The date that still matters.
pub(super) fn watched(delivery: &Delivery) -> Option<&Due> {
    delivery.due.as_ref().filter(|_| delivery.stage != Stage::Delivered && !delivery.overdue)
}

fn due_at(delivery: &Delivery) -> Option<Timestamp> {
    let due = watched(delivery).map(Due::passed_at).filter(|at| *at < Timestamp::NEVER);
    let parcel = delivery.parcels.iter().filter_map(|parcel| parcel.ask_at).min();
    let gathers = delivery.gathers_until.as_ref().map(Due::passed_at).filter(|at| *at < Timestamp::NEVER);
    let locker = delivery.compartment.as_ref().filter(|_| delivery.stage == Stage::InLocker);
    [due, parcel, gathers, locker.map(|one| one.expires)].into_iter().flatten().min()
}

pub(super) fn index(delivery: &Delivery) -> Index {
    let facts = delivery.facts.as_deref();
    let part = facts.and_then(|facts| facts.parts.first());
    Index {
        region: facts.map(|facts| facts.region.clone()).unwrap_or_default(),
        organisation: part.map(|part| part.organisation.clone()).unwrap_or_default(),
        owner: delivery.subject().to_string(),
        item: part.map(|part| part.item.clone()).unwrap_or_default(),
        status: delivery.stage.name().to_owned(),
        due_at: due_at(delivery),
    }
}

pub(super) fn tags(delivery: &Delivery) -> Vec<Tag> {
    let Some(facts) = &delivery.facts else { return Vec::new() };
    let sort = Tag::newest_first(delivery.opened);
    let tag = |name, value: &str| Tag::new(name, value, sort.clone());
    let mut tags: Vec<Tag> = facts.audiences.iter().map(|value| tag(Tag::AUDIENCE, value)).collect();
    tags.push(tag("stage", delivery.stage.name()));
    tags.push(tag("manner", delivery.manner.name()));
    tags.extend(facts.parts.iter().map(|part| tag("application", &part.application.to_string())));
    tags.extend(delivery.parcels.iter().map(|parcel| tag("parcel", &parcel.number)));
    if delivery.overdue {
        tags.push(tag("overdue", "yes"));
    }
    if delivery.parcels.iter().any(|parcel| parcel.contradicted) {
        tags.push(tag("contradicted", "yes"));
    }
    let missing = watched(delivery).into_iter().flat_map(|due| &due.missing_years);
    tags.extend(missing.map(|year| tag("provisional", &year.to_string())));
    tags.sort();
    tags.dedup();
    tags
}

pub(super) fn keys(delivery: &Delivery) -> Vec<UniqueKey> {
    let lies = delivery.compartment.as_ref().filter(|_| matches!(delivery.stage, Stage::InLocker | Stage::Lapsed));
    lies.map(|one| UniqueKey { scope: COMPARTMENT, key: format!("{}/{}", one.site, one.number) }).into_iter().collect()
}
