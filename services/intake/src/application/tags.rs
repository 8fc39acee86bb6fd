//! What is derived from an application's state: who sees it, by what it is listed, when the timer looks.

use yiwang_ledger::{Index, Tag, Timestamp, UniqueKey};

use super::{Application, Phase};
use crate::double;
use crate::limit::{Due, Ends as _};

/// The scope of the words by which drafts are taken up.
pub(crate) const TAKE_UP: &str = "TAKE_UP_CODE_TAKEN";

/// The due date that the timer watches.
pub(crate) fn watched(app: &Application) -> Option<&Due> {
    match &app.phase {
        Phase::Submitted { .. } if app.waits_for_papers() => None,
        Phase::Submitted { due, overdue: false, .. } => Some(due),
        Phase::CorrectionRequested => app.corrections.last().map(|correction| &correction.reply_by),
        Phase::Accepted(acceptance) if app.conclusion.is_none() => acceptance
            .deferral
            .as_ref()
            .filter(|deferral| !deferral.late && deferral.materials.iter().any(|code| !app.has_material(code)))
            .map(|deferral| &deferral.due),
        _ => None,
    }
}

/// When the timer looks: when the watched limit is over. What a citizen loses by waits until its date is settled, which `recompute` does when
/// the missing year is loaded.
fn due_at(app: &Application) -> Option<Timestamp> {
    let waits = |due: &Due| due.provisional() && !matches!(app.phase, Phase::Submitted { .. });
    watched(app).filter(|due| !waits(due)).map(Due::passed_at).filter(|at| *at < Timestamp::NEVER)
}

pub(super) fn index(app: &Application) -> Index {
    Index {
        region: app.item.region.clone(),
        organisation: app.item.organisation.clone(),
        owner: app.data_subject().to_string(),
        item: app.item.code.clone(),
        status: app.phase.name().to_owned(),
        due_at: due_at(app),
    }
}

/// A draft is its parties' alone (the window's, where one began it, and the agent's who acts by a mandate); from receipt on the organ, the window and
/// supervision see it too.
fn audiences(app: &Application) -> Vec<String> {
    let mut all = Vec::new();
    let named = [&app.applicant, &app.agent].into_iter().flatten().filter(|party| party.is_identified());
    all.extend(named.map(|party| party.subject.audience()));
    if app.is_beginners() {
        all.push(app.owner_subject.audience());
    }
    all.extend(app.helpers.values().map(|account| format!("agent:{account}")));
    let received = !matches!(app.phase, Phase::Absent | Phase::Draft) && app.receipt.is_some();
    // a pre-review shows the draft to whoever is asked, while it goes on
    let draft = matches!(app.phase, Phase::Draft);
    let reviewed = app.pre_review.as_ref().filter(|review| draft && review.concluded.is_none());
    if let Some(review) = reviewed {
        all.push(format!("org:{}", app.item.organisation));
        all.extend(review.asked.iter().map(|organ| format!("org:{}", organ.code)));
    }
    if app.begun_by_staff {
        // 异地代收: whoever received it, and before receipt nobody else
        all.push(format!("window:{}", app.serving_region()));
    }
    if app.at_window || received || reviewed.is_some() {
        all.push(format!("window:{}", app.item.region));
    }
    if received {
        all.push(format!("org:{}", app.item.organisation));
        all.extend(app.item.entrusted.iter().map(|organ| format!("org:{}", organ.code)));
        all.push(format!("region:{}", app.item.region));
    }
    all
}

pub(super) fn tags(app: &Application) -> Vec<Tag> {
    if !app.exists() {
        return Vec::new();
    }
    let sort = Tag::newest_first(app.created);
    let mut tags: Vec<Tag> =
        audiences(app).into_iter().map(|value| Tag::new(Tag::AUDIENCE, value, sort.clone())).collect();
    tags.push(Tag::new("phase", app.phase.name(), sort.clone()));
    tags.push(Tag::new("item", app.item.code.clone(), sort.clone()));
    tags.extend(double::tags(app).into_iter().map(|matter| Tag::new(double::MATTER, matter, sort.clone())));
    if let Some(cause) = app.doubled() {
        tags.push(Tag::new("double", cause, sort.clone()));
        tags.push(Tag::new("double", "ANY", sort.clone()));
    }
    if let Some(due) = watched(app) {
        tags.extend(due.missing_years.iter().map(|year| Tag::new("provisional", year.to_string(), sort.clone())));
    }
    tags.sort();
    tags.dedup();
    tags
}

pub(super) fn keys(app: &Application) -> Vec<UniqueKey> {
    let case = app.case_number.iter().map(|number| UniqueKey { scope: "CASE_NUMBER_TAKEN", key: number.clone() });
    let receipt = app
        .receipt
        .iter()
        .filter(|receipt| !receipt.number.is_empty())
        .map(|receipt| UniqueKey { scope: "RECEIPT_NUMBER_TAKEN", key: receipt.number.clone() });
    let word = app.take_up.iter().map(|word| UniqueKey { scope: TAKE_UP, key: word.code.clone() });
    case.chain(receipt).chain(word).collect()
}
