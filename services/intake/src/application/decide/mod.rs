//! The rules of every command on an application: pure, one file a subject. The shell has checked that the caller may see
//! the application and that the policies allow the action.

mod accept;
mod attach;
mod conclude;
mod correct;
mod deferral;
mod draft;
mod fetch;
mod help;
mod join;
mod look;
mod number;
mod papers;
mod pre_review;
mod save;
mod spot;
mod submit;
mod take_up;
mod timer;
mod withdraw;

pub use accept::{Accept, Refuse, accept, refuse};
pub use attach::{add_attachment, attachment_not_found, check_material, remove_attachment};
pub use conclude::{record_conclusion, record_notice};
pub use correct::{RequestCorrection, request_correction};
pub use draft::{Create, Update, check_size, create, prefill, update};
pub use fetch::{answered, dispute, fetched, may_fetch};
pub use help::{check_helper, help};
pub use join::join;
pub use look::record_checks;
pub use number::number;
pub use papers::papers_arrived;
pub use pre_review::{MOST_ORGANS, conclude, give, invite, request};
pub use save::{Save, save_fields};
use submit::authority;
pub use submit::{Handing, applicant_not_present, mandate_missing, not_the_applicant, resubmit, submit};
pub use take_up::{offer, take_up, wrong_code};
pub use timer::{recompute, timer};
pub use withdraw::{Withdraw, answer_withdrawal, withdraw};

use chrono::NaiveDate;
use yiwang_ledger::{Context, Kind, Refusal, StreamId, SubjectId};

use super::{Actor, Application, Authority, Party, Phase};
use crate::catalogue::ItemFacts;
use crate::limit::Ends as _;
use crate::mandate::Mandate;

/// Who acts, as the command knows it.
#[derive(Clone, Debug)]
pub struct Acting {
    /// As it will stand in the entry.
    pub actor: Actor,
    /// The person, where the account is one.
    pub subject: Option<SubjectId>,
    /// Staff of an organ.
    pub staff: bool,
    /// 岗位等级.
    pub grade: u8,
    /// 帮办代办: the subject of the account that acts as the applicant's agent, and in no other way.
    pub helper: Option<SubjectId>,
    /// 授权委托 between the application's parties.
    pub mandates: Vec<(StreamId, Mandate)>,
}

impl Acting {
    /// Who did something before, in whose name a relay completes it.
    pub fn before(actor: Actor) -> Self {
        Acting { actor, subject: None, staff: false, grade: 0, helper: None, mandates: Vec::new() }
    }

    /// Whether the account is the agent's: who is named, or who acts for the applicant in office.
    fn is_agent(&self, app: &Application) -> bool {
        self.helper.is_some() || self.is(app.agent.as_ref())
    }

    /// Whether the account is this party's.
    fn is(&self, party: Option<&Party>) -> bool {
        party.is_some_and(|party| party.is_identified() && Some(&party.subject) == self.subject.as_ref())
    }
}

/// 行政许可法 art. 32 ④: told too late is accepted as of the day of receipt. The day, where that has come to pass.
fn deemed(app: &Application, cx: &Context) -> Option<NaiveDate> {
    match &app.phase {
        Phase::Submitted { received, due, .. } if app.item.rules.deemed_acceptance && !app.waits_for_papers() => {
            let due = due.recounted(&cx.calendar).unwrap_or_else(|| due.clone());
            due.passed(cx.now).then_some(*received)
        }
        _ => None,
    }
}

/// `DEEMED_ACCEPTED`: too late to ask or to refuse.
fn check_not_deemed(app: &Application, cx: &Context) -> Result<(), Refusal> {
    let Some(since) = deemed(app, cx) else { return Ok(()) };
    let days = app.item.rules.tell_once.days;
    Err(Refusal::state(
        "DEEMED_ACCEPTED",
        format!("自{since}收到材料起{days}个工作日内未一次告知，依法视为自该日起受理（行政许可法第三十二条）"),
        format!("not told within {days} working days: by law accepted as of {since} (Licensing Law art. 32)"),
    )
    .with("accepted_date", since.to_string()))
}

/// `APPLICANT_MISSING`.
fn applicant_missing() -> Refusal {
    Refusal::field(
        "applicant",
        "APPLICANT_MISSING",
        "请填写申请人的姓名或名称、证件类型和证件号码",
        "the applicant's name, document kind and number are needed",
    )
}

/// A clerk accepts and refuses what her grade allows.
///
/// # Errors
/// `CLERK_GRADE_TOO_LOW`.
fn check_grade(facts: &ItemFacts, by: &Acting) -> Result<(), Refusal> {
    let needed = facts.details.handling.clerk_grade;
    if by.grade >= needed {
        return Ok(());
    }
    let (zh, en) = (
        format!("受理该事项须{needed}级以上岗位，请转交有权限的人员"),
        format!("a clerk of grade {needed} is needed: hand it on"),
    );
    Err(Refusal::new(Kind::PermissionDenied, "CLERK_GRADE_TOO_LOW", zh, en).with("grade", needed.to_string()))
}

/// An officer keeps out of their own matter (回避), and out of one that they act in as the applicant's agent.
///
/// # Errors
/// `OWN_APPLICATION`.
pub fn check_not_own(app: &Application, by: &Acting) -> Result<(), Refusal> {
    let party = by.subject.as_ref().is_some_and(|subject| app.is_party(subject));
    let filed_for_self = !by.staff || app.owner == by.actor.id;
    let receipt = app.receipt.as_ref().filter(|receipt| receipt.authority == Authority::Agent);
    let agent = app.helpers.values().any(|account| *account == by.actor.id)
        || receipt.is_some_and(|receipt| receipt.by.id == by.actor.id);
    if !party && !filed_for_self && !agent {
        return Ok(());
    }
    Err(Refusal::new(
        Kind::PermissionDenied,
        "OWN_APPLICATION",
        "工作人员不得经办本人的事项",
        "an officer does not handle their own matter",
    ))
}
