//! What the law makes happen when nobody acts.

use yiwang_ledger::{Context, Decision, Personal};

use super::{deemed, document_number};
use crate::application::tags::watched;
use crate::application::{Actor, Application, ApplicationEvent as Event, Ground, Phase, WithdrawalCause};
use crate::rules::LateCorrection;

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
        Phase::CorrectionRequested => events.push(late(app, cx)),
        _ => {}
    }
    Ok(events)
}

/// The correction did not come in time: what follows is configuration, for no national statute says.
fn late(app: &Application, cx: &Context) -> Event {
    match app.item.rules.correction_late {
        LateCorrection::Withdrawn => {
            Event::Withdrawn { cause: WithdrawalCause::CorrectionLate, reason: None, by: Actor::system() }
        }
        LateCorrection::Refused => Event::Refused {
            notice_number: document_number("BS", app, cx),
            ground: Ground::CorrectionLate,
            reason: Personal::new(app.data_subject(), "refusal.reason", "逾期未补正"),
            competent_organ: String::new(),
            by: Actor::system(),
        },
    }
}

/// A year of the calendar was loaded: the watched due date is computed anew.
pub fn recompute(app: &Application, cx: &Context) -> Decision<Event> {
    Ok(watched(app)
        .and_then(|due| due.recomputed(&cx.calendar))
        .map(|due| Event::DueRecomputed { due })
        .into_iter()
        .collect())
}
