//! 免提交: who may have a material fetched, and what is written of it.

use yiwang_ledger::{Context, Decision, Personal, Refusal, SubjectId};

use super::{Acting, authority};
use crate::application::{Application, ApplicationEvent as Event, Party, Phase, not_found, wrong_phase};
use crate::catalogue::facts::Fetch;
use crate::fetching::{Fetched, Found};

/// Whose data are fetched, and that whoever asks may: the applicant, their agent with a mandate, the window. Anybody can write
/// anybody's name into a draft; nobody learns by it what that person holds.
///
/// # Errors
/// As handing in; `WRONG_PHASE`.
pub fn may_fetch<'a>(app: &'a Application, by: &Acting, cx: &Context) -> Result<&'a Party, Refusal> {
    match &app.phase {
        Phase::Absent => Err(not_found()),
        Phase::Draft | Phase::CorrectionRequested | Phase::Submitted { .. } => {
            authority(app, by, cx)?;
            app.identified_applicant().ok_or_else(super::applicant_missing)
        }
        phase => Err(wrong_phase(phase, "获取材料", "fetched for")),
    }
}

/// Writes what a source has; that it has nothing is written too, so that everybody knows that it was asked. What is there already
/// stays.
pub fn fetched(
    app: &Application,
    material: &str,
    from: &Fetch,
    found: Option<&Found>,
    by: &Acting,
    cx: &Context,
) -> Decision<Event> {
    fetched_of(app, None, material, from, found, by, cx)
}

/// The same, where the source was asked about this person: what was asked of one applicant is not written into another's
/// application.
pub fn fetched_of(
    app: &Application,
    asked: Option<&SubjectId>,
    material: &str,
    from: &Fetch,
    found: Option<&Found>,
    by: &Acting,
    cx: &Context,
) -> Decision<Event> {
    let same = |kept: &Option<Fetched>| {
        kept.as_ref().and_then(|kept| kept.reference.get()) == found.map(|found| found.reference.as_str())
    };
    let applicant = app.identified_applicant().filter(|party| asked.is_none_or(|asked| party.subject == *asked));
    let Some(applicant) = applicant else { return Ok(Vec::new()) };
    if !app.exists() || app.phase.is_final() || app.fetched.get(material).is_some_and(same) {
        return Ok(Vec::new());
    }
    let seal = |field: &'static str, text: &str| Personal::new(&applicant.subject, field, text);
    let fetched = found.map(|found| {
        Box::new(Fetched {
            from: from.clone(),
            reference: seal("fetched.reference", &found.reference),
            title: seal("fetched.title", &found.title),
            issuer: found.issuer.clone(),
            valid_to: found.valid_to,
            at: cx.now,
        })
    });
    Ok(vec![Event::MaterialFetched { material: material.to_owned(), fetched, by: by.actor.clone() }])
}
