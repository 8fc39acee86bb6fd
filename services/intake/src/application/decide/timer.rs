//! What the law makes happen when nobody acts.

use yiwang_ledger::{Context, Decision};

use super::deemed;
use crate::application::tags::watched;
use crate::application::{Actor, Application, ApplicationEvent as Event, Phase, WithdrawalCause};
use crate::limit::Ends as _;

/// The timer's rule: deemed acceptance, overdue acceptance, late correction; and, first of all, a due date that the calendar
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
            let cause = WithdrawalCause::CorrectionLate;
            events.push(Event::Withdrawn { cause, reason: None, by: Actor::system() });
        }
        _ => {}
    }
    Ok(events)
}

/// A year of the calendar was loaded: the watched due date is computed anew.
pub fn recompute(app: &Application, cx: &Context) -> Decision<Event> {
    Ok(watched(app)
        .and_then(|due| due.recounted(&cx.calendar))
        .map(|due| Event::DueRecomputed { due })
        .into_iter()
        .collect())
}
