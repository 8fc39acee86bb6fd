//! The case number (办件编号) on the application, once.

use yiwang_ledger::Decision;

use crate::application::{Application, ApplicationEvent as Event, Phase};

/// Takes the number that the register issued. Once numbered there is nothing to do.
pub fn number(app: &Application, case_number: &str) -> Decision<Event> {
    Ok(match (&app.phase, &app.case_number) {
        (Phase::Accepted(_), None) => vec![Event::Numbered { case_number: case_number.to_owned() }],
        _ => Vec::new(),
    })
}
