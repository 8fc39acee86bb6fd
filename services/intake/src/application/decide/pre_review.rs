//! 预审, 联合预审: before anything is handed in, the window and the departments that it asks say whether it is ready. It is a service:
//! no clock runs, nothing is accepted by it, and what it names does not use up the one notice of art. 32 ④.

use std::collections::BTreeSet;

use yiwang_ledger::{Context, Decision, Personal, Refusal, Timestamp};

use super::{Acting, check_not_own};
use crate::application::{Application, ApplicationEvent as Event, Opinion, Phase, PreReview, not_found, wrong_phase};
use crate::transfer::Organ;

/// Departments asked for one pre-review.
pub const MOST_ORGANS: usize = 20;

fn open(app: &Application) -> Result<&PreReview, Refusal> {
    match (&app.phase, &app.pre_review) {
        (Phase::Absent, _) => Err(not_found()),
        (Phase::Draft, Some(review)) if review.concluded.is_none() => Ok(review),
        (Phase::Draft, _) => {
            let (zh, en) = ("该申请没有正在进行的预审", "nobody has asked for a pre-review, or it is concluded");
            Err(Refusal::state("NO_PRE_REVIEW", zh, en))
        }
        (phase, _) => Err(wrong_phase(phase, "预审", "pre-reviewed")),
    }
}

/// Its party asks for it; asked again after a conclusion, it begins anew.
pub fn request(app: &Application, by: &Acting) -> Decision<Event> {
    match (&app.phase, &app.pre_review) {
        (Phase::Absent, _) => Err(not_found()),
        (Phase::Draft, Some(review)) if review.concluded.is_none() => Ok(Vec::new()),
        (Phase::Draft, _) => Ok(vec![Event::PreReviewRequested { by: by.actor.clone() }]),
        (phase, _) => Err(wrong_phase(phase, "申请预审", "pre-reviewed")),
    }
}

/// 联合预审: the window asks departments, until a moment.
///
/// # Errors
/// `NO_PRE_REVIEW`, `FIELD_INVALID`.
pub fn invite(app: &Application, organs: &[Organ], until: Timestamp, by: &Acting, cx: &Context) -> Decision<Event> {
    let review = open(app)?;
    check_not_own(app, by)?;
    let mut known: BTreeSet<&str> = review.asked.iter().map(|asked| asked.code.as_str()).collect();
    let new: Vec<Organ> = organs.iter().filter(|organ| known.insert(&organ.code)).cloned().collect();
    if review.asked.len() + new.len() > MOST_ORGANS || until <= cx.now {
        let (zh, en) = ("至多邀请二十个部门，期限应在此刻之后", "at most twenty departments, until a moment to come");
        return Err(Refusal::field("until_time", "FIELD_INVALID", zh, en));
    }
    let moved = review.until != Some(until) || !new.is_empty();
    Ok(if moved { vec![Event::PreReviewInvited { organs: new, until, by: by.actor.clone() }] } else { Vec::new() })
}

/// A department that was asked says whether it is ready, and what is not. Said again, the later word holds.
///
/// # Errors
/// `NO_PRE_REVIEW`, `NOT_ASKED`, `OPINION_MISSING`.
pub fn give(app: &Application, organ: &str, ready: bool, text: Option<Personal>, by: &Acting) -> Decision<Event> {
    let review = open(app)?;
    check_not_own(app, by)?;
    if !review.asked.iter().any(|asked| asked.code == organ) {
        let (zh, en) = ("本机关未受邀参加该申请的预审", "your organ was not asked");
        return Err(Refusal::state("NOT_ASKED", zh, en));
    }
    said(ready, text.as_ref())?;
    let opinion = Opinion { organ: organ.to_owned(), ready, text, by: by.actor.clone() };
    Ok(vec![Event::PreReviewGiven { opinion: Box::new(opinion) }])
}

/// The window concludes: once every department has spoken, or their time is over.
///
/// # Errors
/// `NO_PRE_REVIEW`, `OPINIONS_OPEN`, `OPINION_MISSING`, `NOT_ALL_READY`.
pub fn conclude(app: &Application, ready: bool, text: Option<Personal>, by: &Acting, cx: &Context) -> Decision<Event> {
    let review = open(app)?;
    check_not_own(app, by)?;
    let spoken = |organ: &Organ| review.opinions.iter().any(|opinion| opinion.organ == organ.code);
    let open: Vec<&str> = review.asked.iter().filter(|organ| !spoken(organ)).map(|organ| organ.name.as_str()).collect();
    if !open.is_empty() && review.until.is_none_or(|until| cx.now < until) {
        let zh = format!("以下部门尚未提出预审意见：{}", open.join("、"));
        return Err(Refusal::state("OPINIONS_OPEN", zh, format!("these have not spoken yet: {}", open.join(", "))));
    }
    if ready && review.opinions.iter().any(|opinion| !opinion.ready) {
        let (zh, en) = ("有部门认为尚不具备条件，不能作出预审通过的结论", "a department says that it is not ready");
        return Err(Refusal::state("NOT_ALL_READY", zh, en));
    }
    said(ready, text.as_ref())?;
    let opinion = Opinion { organ: by.actor.organisation.clone(), ready, text, by: by.actor.clone() };
    Ok(vec![Event::PreReviewConcluded { opinion: Box::new(opinion) }])
}

/// Whoever says that it is not ready says all that is not.
fn said(ready: bool, text: Option<&Personal>) -> Result<(), Refusal> {
    if ready || text.is_some() {
        return Ok(());
    }
    let (zh, en) = ("认为尚不具备条件的，请一次写明全部需要完善的内容", "say all that is not ready");
    Err(Refusal::field("opinion", "OPINION_MISSING", zh, en))
}
