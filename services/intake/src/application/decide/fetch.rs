//! 免提交、免填: who may have something fetched, what is written of it, and what is said against it.

use serde_json::{Map, Value};
use yiwang_ledger::{Context, Decision, Personal, Refusal, SubjectId};

use super::{Acting, authority, check_not_deemed, check_size};
use crate::application::{Actor, Application, ApplicationEvent as Event, Change, Party, Phase, not_found, wrong_phase};
use crate::fetching::{Answer, Disputable, Fetched, Found, Missed, Wanted};
use crate::form;

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

/// Writes what a source has, as [`answered`] does, whoever the applicant is.
pub fn fetched(app: &Application, wanted: &Wanted, found: Found, by: &Acting, cx: &Context) -> Decision<Event> {
    answered(app, None, wanted, &Answer::Found(found), by, cx)
}

/// Writes what came of asking; that there is nothing is written too, so that everybody knows that it was asked. What is there already
/// stays. Before it is handed in, the form takes what it takes from there. What was asked of one applicant is not written into
/// another's application.
pub fn answered(
    app: &Application,
    asked: Option<&SubjectId>,
    wanted: &Wanted,
    answer: &Answer,
    by: &Acting,
    cx: &Context,
) -> Decision<Event> {
    let applicant = app.identified_applicant().filter(|party| asked.is_none_or(|asked| party.subject == *asked));
    let Some(applicant) = applicant.filter(|_| app.exists() && !app.phase.is_final()) else { return Ok(Vec::new()) };
    let (kept, by) = (app.fetched.get(&wanted.key), &by.actor);
    let found = match answer {
        Answer::Missed(why) => {
            // who gave up knows less than whoever was answered
            let known = app.unfetched.get(&wanted.key).map(|known| known.why);
            let settled = known == Some(*why) || (*why == Missed::GivenUp && kept.is_some());
            let event = Event::MaterialFetched {
                material: wanted.key.clone(),
                fetched: None,
                missed: Some(*why),
                by: by.clone(),
            };
            return Ok(if settled { Vec::new() } else { vec![event] });
        }
        Answer::Found(found) => found,
    };
    let values = wanted.values(found);
    let same = |kept: &Fetched| kept.reference.get() == Some(found.reference.as_str()) && kept.values() == values;
    if kept.is_some_and(|kept| kept.as_ref().is_some_and(same)) {
        return Ok(Vec::new());
    }
    let seal = |field: &'static str, text: &str| Personal::new(&applicant.subject, field, text);
    let text = (!values.is_empty()).then(|| Value::Object(values.clone()).to_string());
    let fetched = Box::new(Fetched {
        from: wanted.from.clone(),
        reference: seal("fetched.reference", &found.reference),
        title: seal("fetched.title", &found.title),
        issuer: found.issuer.clone(),
        valid_to: found.valid_to,
        at: cx.now,
        fields: text.map(|text| seal("fetched.fields", &text)),
    });
    let fetched =
        Event::MaterialFetched { material: wanted.key.clone(), fetched: Some(fetched), missed: None, by: by.clone() };
    Ok(std::iter::once(fetched).chain(fill(app, values, by)).collect())
}

/// 免填: the form with what it takes from there, where it is not handed in yet; what the applicant has disputed stays as she writes it.
fn fill(app: &Application, values: Map<String, Value>, by: &Actor) -> Option<Event> {
    if !matches!(app.phase, Phase::Draft | Phase::CorrectionRequested) || app.joint.is_some() {
        return None;
    }
    let text = app.form.as_ref().and_then(Personal::get);
    let before: Map<String, Value> = text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    let mut form = before.clone();
    form.extend(values.into_iter().filter(|(field, _)| !app.disputes_field(field)));
    if form == before {
        return None;
    }
    let form = Personal::new(app.data_subject(), "form", Value::Object(form).to_string());
    // what does not fit any more is filled in by hand
    check_size(Some(&form)).ok()?;
    let fields = form::changed(app.form.as_ref(), Some(&form));
    let (applicant, agent) = (Change::Keep, Change::Keep);
    Some(Event::Updated { owner: None, applicant, agent, form: Change::Set(form), fields, by: by.clone() })
}

/// 数据异议: the applicant, their agent or the window says that what was fetched is wrong. A field may then be filled in otherwise, and a
/// clerk looks at it before acceptance; a material is handed in.
///
/// # Errors
/// `NOT_FETCHED`; as handing in; `WRONG_PHASE`.
pub fn dispute(app: &Application, what: &Disputable, reason: &Personal, by: &Acting, cx: &Context) -> Decision<Event> {
    may_fetch(app, by, cx)?;
    check_not_deemed(app, cx)?;
    let there = match what {
        Disputable::Field(field) => app.fetched.values().flatten().any(|kept| kept.values().contains_key(field)),
        Disputable::Material(code) => app.fetched.get(code).is_some_and(Option::is_some),
    };
    if !there {
        let (zh, en) = ("这项内容不是系统获取的", "this was not fetched");
        return Err(Refusal::invalid("NOT_FETCHED", zh, en));
    }
    if app.disputed.iter().any(|known| known.what == *what && known.reason == *reason) {
        return Ok(Vec::new());
    }
    Ok(vec![Event::FetchedDisputed { what: what.clone(), reason: reason.clone(), by: by.actor.clone() }])
}
