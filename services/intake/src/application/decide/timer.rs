//! What the law makes happen when nobody acts.

use yiwang_ledger::{Context, Decision, Personal};
use yiwang_standards::remedies::remedies;

use super::deemed;
use crate::application::tags::watched;
use crate::application::{Acceptance, Actor, Application, ApplicationEvent as Event, Ground, Phase, WithdrawalCause};
use crate::catalogue::handling::Consequence;
use crate::limit::{Due, Ends as _};

/// The timer's rule: deemed acceptance, overdue acceptance, late correction, what was to follow and did not; and, first of all, a due date that the calendar
/// in force computes otherwise.
pub fn timer(app: &Application, cx: &Context) -> Decision<Event> {
    let mut events = recompute(app, cx)?;
    let renewed = events.first().and_then(|event| match event {
        Event::DueRecomputed { due } => Some(due.clone()),
        _ => None,
    });
    let Some(due) = renewed.as_ref().or_else(|| watched(app)).filter(|due| due.passed(cx.now)) else {
        return Ok(events);
    };
    match &app.phase {
        Phase::Submitted { missing, .. } => events.push(match deemed(app, cx) {
            Some(date) => Event::DeemedAccepted { date, due: due.clone(), outstanding: missing.clone() },
            None => Event::AcceptanceOverdue { due: due.clone() },
        }),
        // 视为撤回: what follows is in no national statute (see data/rules.toml); nobody loses an application by a date that
        // may still move
        Phase::CorrectionRequested if due.forfeited(cx.now) => {
            events.push(match app.item.rules.late {
                Consequence::Withdrawn => {
                    let cause = WithdrawalCause::CorrectionLate;
                    Event::Withdrawn { cause, reason: None, joined: None, by: Actor::system() }
                }
                Consequence::Refused => refused_late(app, due),
            });
        }
        Phase::Accepted(Acceptance { deferral: Some(deferral), .. }) if due.forfeited(cx.now) => {
            let materials = deferral.materials.iter().filter(|code| !app.has_material(code)).cloned().collect();
            events.push(Event::DeferralLate { materials, consequence: deferral.consequence });
        }
        _ => {}
    }
    Ok(events)
}

/// 不予审批 for want of correction, where the place's rule says so, with its reason and what can be done against it.
fn refused_late(app: &Application, due: &Due) -> Event {
    let reason = format!("申请人未在{}前按一次性补正告知书补正（{}）", due.date, due.limit.basis);
    Event::Refused {
        notice_number: String::new(),
        ground: Ground::CorrectionLate,
        reason: Personal::new(app.data_subject(), "refusal.reason", reason),
        competent_organ: String::new(),
        remedies: remedies(&app.item.department, &app.item.remedies).zh,
        by: Actor::system(),
    }
}

/// A year of the calendar was loaded: the watched due date is computed anew.
pub fn recompute(app: &Application, cx: &Context) -> Decision<Event> {
    Ok(watched(app)
        .and_then(|due| due.recounted(&cx.calendar))
        .map(|due| Event::DueRecomputed { due })
        .into_iter()
        .collect())
}
