//! 办结: what approval tells of the case, each thing once.

use yiwang_ledger::Decision;

use crate::application::{
    Actor, Application, ApplicationEvent as Event, CaseNotice, Conclusion, Phase, not_found, wrong_phase,
};

/// Takes what the applicant is told while the case goes on; it may come after the conclusion, which another relay brings. Told again, or
/// after a withdrawal, there is nothing to do.
///
/// # Errors
/// `APPLICATION_NOT_FOUND`, `WRONG_PHASE`.
pub fn record_notice(app: &Application, told: &CaseNotice, by: &Actor) -> Decision<Event> {
    match &app.phase {
        Phase::Absent => return Err(not_found()),
        Phase::Accepted(_) => {}
        Phase::Withdrawn { .. } => return Ok(Vec::new()),
        phase => return Err(wrong_phase(phase, "告知", "told of its case")),
    }
    if app.notices.iter().any(|known| known.document == told.document) {
        return Ok(Vec::new());
    }
    Ok(vec![Event::CaseNoticed { notice: Box::new(told.clone()), by: by.clone() }])
}

/// Takes how the case ended, and what has come of it since.
///
/// # Errors
/// `APPLICATION_NOT_FOUND`, `WRONG_PHASE`.
pub fn record_conclusion(app: &Application, told: &Conclusion, by: &Actor) -> Decision<Event> {
    match &app.phase {
        Phase::Absent => return Err(not_found()),
        Phase::Accepted(_) => {}
        phase => return Err(wrong_phase(phase, "办结", "concluded")),
    }
    let Some(known) = &app.conclusion else {
        return Ok(vec![Event::Concluded { conclusion: Box::new(told.clone()), by: by.clone() }]);
    };
    let document = if known.document.is_empty() { told.document.clone() } else { String::new() };
    let result = told.result.clone().filter(|_| known.result.is_none());
    if document.is_empty() && result.is_none() {
        return Ok(Vec::new());
    }
    Ok(vec![Event::ResultIssued { document, result }])
}
