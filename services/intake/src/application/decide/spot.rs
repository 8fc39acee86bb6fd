//! When contents may be changed, and 当场更正: a slip is mended on the spot, without the one notice of what is missing.

use yiwang_ledger::{Context, Refusal};

use super::accept::missing;
use super::{Acting, authority, check_not_deemed};
use crate::application::{Application, ApplicationEvent as Event, Phase, not_found, wrong_phase};
use crate::catalogue::ItemFacts;

/// How contents are changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// Before receipt, or while a correction is asked for: as the applicant likes; handing in checks it.
    Open,
    /// 当场更正 (行政许可法 art. 32 ③): while it waits for acceptance.
    OnTheSpot,
}

/// The way that the phase allows; on the spot only to the applicant, their agent and the window, and only while the law has
/// not accepted yet. `WRONG_PHASE` in every other phase.
pub(super) fn way(app: &Application, by: &Acting, cx: &Context, verb_zh: &str, verb_en: &str) -> Result<Way, Refusal> {
    match &app.phase {
        Phase::Absent => Err(not_found()),
        Phase::Draft => Ok(Way::Open),
        // what was received is nobody's to change who may not hand it in
        Phase::CorrectionRequested => {
            authority(app, by, cx)?;
            Ok(Way::Open)
        }
        Phase::Submitted { .. } => {
            check_not_deemed(app, cx)?;
            authority(app, by, cx)?;
            Ok(Way::OnTheSpot)
        }
        phase => Err(wrong_phase(phase, verb_zh, verb_en)),
    }
}

/// What a change comes to: the change, and, on the spot, the record that it was one. Neither the clock nor the notice is
/// touched.
pub(super) fn recorded(way: Way, change: Event, after: &Application, facts: &ItemFacts, by: &Acting) -> Vec<Event> {
    match way {
        Way::Open => vec![change],
        Way::OnTheSpot => {
            let record = Event::CorrectedOnTheSpot { missing: missing(after, facts), by: by.actor.clone() };
            vec![change, record]
        }
    }
}
