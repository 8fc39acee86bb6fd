//! What the law makes happen when nobody acts.

use yiwang_ledger::{Context, Decision, Personal};

use super::{deemed, document_number};
use crate::application::{Actor, Application, ApplicationEvent as Event, Ground, Phase, WithdrawalCause};
use crate::rules::LateCorrection;

/// The timer's rule: deemed acceptance, overdue acceptance, late correction; and, first of all, a due date that the calendar
/// in force computes otherwise.
pub fn timer(app: &Application, cx: &Context) -> Decision<Event> {
    let renewed = recompute(app, cx)?;
    if !renewed.is_empty() {
        return Ok(renewed);
    }
    Ok(match &app.phase {
        Phase::Submitted { due, missing, overdue: false, .. } if due.passed(cx.now) => match deemed(app, cx) {
            Some(date) => vec![Event::DeemedAccepted { date, due: due.clone(), outstanding: missing.clone() }],
            None => vec![Event::AcceptanceOverdue { due: due.clone() }],
        },
        Phase::CorrectionRequested => late(app, cx),
        _ => Vec::new(),
    })
}

/// The correction did not come in time: what follows is configuration, for no national statute says.
fn late(app: &Application, cx: &Context) -> Vec<Event> {
    if !app.corrections.last().is_some_and(|correction| correction.reply_by.passed(cx.now)) {
        return Vec::new();
    }
    vec![match app.item.rules.correction_late {
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
    }]
}

/// A year of the calendar was loaded: the watched due date is computed anew.
pub fn recompute(app: &Application, cx: &Context) -> Decision<Event> {
    let watched = match &app.phase {
        Phase::Submitted { due, overdue: false, .. } => Some(due),
        Phase::CorrectionRequested => app.corrections.last().map(|correction| &correction.reply_by),
        _ => None,
    };
    Ok(watched.and_then(|due| due.recomputed(&cx.calendar)).map(|due| Event::DueRecomputed { due }).into_iter().collect())
}
