//! 异地代收: what the arrival of papers does to the limits, where these waited for it.

use chrono::NaiveDate;
use yiwang_ledger::{Context, Decision};

use crate::application::{Application, ApplicationEvent as Event, Phase};

/// The papers are there, or are known to be lost: the limits run from that day. Where none waited, there is nothing to do.
pub fn papers_arrived(app: &Application, day: NaiveDate, cx: &Context) -> Decision<Event> {
    if !app.waits_for_papers() {
        return Ok(Vec::new());
    }
    let waits = matches!(app.phase, Phase::Submitted { .. });
    let due = waits.then(|| app.item.rules.tell_once.due(day, &cx.calendar));
    let sooner = app.item.rules.tell_sooner.as_ref().filter(|_| waits);
    let tell_sooner = sooner.map(|limit| limit.due(day, &cx.calendar));
    Ok(vec![Event::PapersArrived { received: day, due, tell_sooner }])
}
