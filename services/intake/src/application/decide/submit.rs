//! 收件: handing in, and handing in again. The form is checked against the schema of the item's pinned version, with all
//! that is wrong named at once; missing materials stop nobody (行政许可法 art. 32 ④: they are told, once).

use serde_json::Value;
use yiwang_ledger::{Context, Decision, Kind, Personal, Refusal, SubjectId};

use super::accept::missing;
use super::deferral;
use super::{Acting, applicant_missing};
use crate::application::{
    Application, ApplicationEvent as Event, Authority, Channel, Handling, Phase, check_not_part, not_found, wrong_phase,
};
use crate::bar::{self, Bar};
use crate::catalogue::{Item, ItemFacts};
use crate::double::Other;
use crate::elsewhere::{Elsewhere, ReceiptDay};
use crate::form;
use crate::limit::{Ends as _, legal_date};
use crate::mandate::{Act, Held, Mandate};

/// Hands an application in.
#[derive(Clone, Debug, Default)]
pub struct Handing {
    /// 告知承诺 is signed with it.
    pub sign_promise: bool,
    /// 容缺受理承诺 is signed with it.
    pub sign_deferral: bool,
    /// What the applicant is barred from.
    pub bars: Vec<Bar>,
    /// Whose bars these are; none in tests.
    pub bars_of: Option<SubjectId>,
    /// What was done, when it comes again.
    pub note: Option<Personal>,
    /// 单独同意 to the use of sensitive data is given with it.
    pub consents: bool,
    /// 双头受理: others for the same matter that are in progress. They stop no receipt.
    pub others: Vec<Other>,
    /// 异地代收: papers of it are on their way to the organ.
    pub on_the_way: bool,
    /// By the joint application that it is a part of.
    pub joint: bool,
}

/// Hands a draft in: receipt, and the five working days of art. 32 begin. `now` is the item as it stands today, `pinned` as
/// it stood when the draft was begun.
pub fn submit(
    app: &Application,
    now: &Item,
    pinned: &ItemFacts,
    ask: &Handing,
    by: &Acting,
    cx: &Context,
) -> Decision<Event> {
    match app.phase {
        Phase::Absent => return Err(not_found()),
        Phase::Draft => {}
        _ => return Err(wrong_phase(&app.phase, "提交", "handed in")),
    }
    check_not_part(app, ask.joint)?;
    let received = legal_date(cx.now);
    now.check_open(received)?;
    let (authority, mandate) = check_contents(app, pinned, by, cx)?;
    let promise = match (&pinned.promise, ask.sign_promise) {
        (Some(terms), true) => Some(terms.text.clone()),
        (None, true) => {
            return Err(Refusal::field(
                "sign_promise",
                "PROMISE_NOT_OFFERED",
                "该事项不适用告知承诺",
                "the item offers no promise to sign",
            ));
        }
        _ => None,
    };
    if ask.sign_deferral && !pinned.deferrable() {
        let (zh, en) = ("该事项没有可以容缺后补的材料", "no material of the item may follow");
        return Err(Refusal::field("sign_deferral", "DEFERRAL_NOT_OFFERED", zh, en));
    }
    check_bars_of(app, ask.bars_of.as_ref())?;
    bar::check(&ask.bars, &app.item.code, ask.sign_promise || ask.sign_deferral, received)?;
    let consented = form::consented(app, pinned, ask.consents)?;
    // who handles it is who does on the day of receipt, whoever it was when the draft was begun
    let handling =
        now.entrusted_on(received).map(|held| Handling::Trustee(held.organ.clone())).unwrap_or(Handling::Own);
    let moved = now.entrusted_on(received).map(|held| &held.organ) != app.item.entrusted.as_ref();
    let arrival = |elsewhere: &Elsewhere| elsewhere.rules.receipt == ReceiptDay::Arrived;
    let waits = ask.on_the_way && app.elsewhere.as_deref().is_some_and(arrival);
    Ok(vec![Event::Submitted {
        entrusted: moved.then_some(handling),
        receipt_number: String::new(),
        received,
        due: app.item.rules.tell_once.due(received, &cx.calendar),
        tell_sooner: app.item.rules.tell_sooner.as_ref().map(|limit| limit.due(received, &cx.calendar)),
        authority,
        mandate,
        promise,
        deferral: ask.sign_deferral.then(|| deferral::text(pinned)),
        missing: missing(app, pinned),
        consented,
        others: ask.others.as_slice().into(),
        waits_for_papers: waits,
        by: by.actor.clone(),
    }])
}

/// The bars that were read are this applicant's, who may have been changed meanwhile.
///
/// # Errors
/// `CONTENDED`.
pub(super) fn check_bars_of(app: &Application, whose: Option<&SubjectId>) -> Result<(), Refusal> {
    let applicant = app.identified_applicant().map(|party| &party.subject);
    if whose.is_none_or(|whose| applicant == Some(whose)) {
        return Ok(());
    }
    let (zh, en) = ("申请人刚刚变更，请重试", "the applicant was changed meanwhile: try again");
    Err(Refusal::new(Kind::Aborted, "CONTENDED", zh, en))
}

/// Hands a corrected application in: the clock starts again from the day on which all of it was received.
pub fn resubmit(app: &Application, pinned: &ItemFacts, ask: &Handing, by: &Acting, cx: &Context) -> Decision<Event> {
    match (&app.phase, app.corrections.last()) {
        (Phase::Absent, _) => return Err(not_found()),
        (Phase::CorrectionRequested, Some(correction)) => {
            let reply_by = correction.reply_by.recounted(&cx.calendar).unwrap_or_else(|| correction.reply_by.clone());
            if reply_by.forfeited(cx.now) {
                return Err(Refusal::state(
                    "CORRECTION_LATE",
                    format!("补正期限已于{}届满", reply_by.date),
                    format!("the time to correct ended on {}", reply_by.date),
                ));
            }
        }
        _ => return Err(wrong_phase(&app.phase, "补正提交", "handed in again")),
    }
    let (authority, mandate) = check_contents(app, pinned, by, cx)?;
    let received = legal_date(cx.now);
    let consented = form::consented(app, pinned, ask.consents)?;
    Ok(vec![Event::Resubmitted {
        received,
        due: app.item.rules.tell_once.due(received, &cx.calendar),
        tell_sooner: app.item.rules.tell_sooner.as_ref().map(|limit| limit.due(received, &cx.calendar)),
        authority,
        mandate,
        note: ask.note.clone(),
        missing: missing(app, pinned),
        consented,
        by: by.actor.clone(),
    }])
}

/// Who acts, and for whom: the applicant, the agent who is named, or of an organ, and holds a mandate, or the window for the applicant, or
/// their agent with the paper, who stands before it.
pub(super) fn authority(app: &Application, by: &Acting, cx: &Context) -> Result<(Authority, Option<Held>), Refusal> {
    let Some(applicant) = app.identified_applicant().filter(|party| party.name.is_some()) else {
        return Err(applicant_missing());
    };
    if by.is(Some(applicant)) {
        Ok((Authority::Applicant, None))
    } else if by.is_agent(app) {
        Ok((Authority::Agent, Some(held(app, Act::Apply, by, cx)?)))
    } else if by.staff && app.channel == Channel::Phone {
        Err(applicant_not_present())
    } else if by.staff {
        let mandate = app.agent.as_ref().map(|_| held(app, Act::Apply, by, cx)).transpose()?;
        Ok((Authority::Window, mandate))
    } else {
        Err(not_the_applicant())
    }
}

/// `APPLICANT_NOT_PRESENT`.
pub fn applicant_not_present() -> Refusal {
    let (zh, en) = (
        "电话申请须由申请人在网上确认提交，或者到窗口取件后提交",
        "what was begun by telephone is handed in by the applicant online, or once a window has taken it up",
    );
    Refusal::state("APPLICANT_NOT_PRESENT", zh, en)
}

/// `NOT_THE_APPLICANT`.
pub fn not_the_applicant() -> Refusal {
    let (zh, en) = (
        "申请人不是您本人；代为办理的，请填写您本人为代理人",
        "you are not the applicant: name yourself as the agent to act for somebody else",
    );
    Refusal { kind: Kind::PermissionDenied, ..Refusal::field("agent", "NOT_THE_APPLICANT", zh, en) }
}

/// The mandate by which the agent who is named, or of an organ, does this today (民法典 arts. 162, 165): the one check there is.
///
/// # Errors
/// `MANDATE_MISSING`.
pub(super) fn held(app: &Application, act: Act, by: &Acting, cx: &Context) -> Result<Held, Refusal> {
    let today = legal_date(cx.now);
    let agent = by.helper.as_ref().or(app.agent.as_ref().map(|agent| &agent.subject));
    let found = app.identified_applicant().zip(agent).and_then(|(applicant, agent)| {
        let covers = |one: &Mandate| one.covers(&applicant.subject, agent, &app.item.code, act, today);
        by.mandates.iter().find(|(_, one)| covers(one))
    });
    found.and_then(|(id, one)| Some(Held { id: *id, kind: one.grant.as_ref()?.kind })).ok_or_else(mandate_missing)
}

/// `MANDATE_MISSING`.
pub fn mandate_missing() -> Refusal {
    Refusal {
        kind: Kind::PermissionDenied,
        ..Refusal::field(
            "agent",
            "MANDATE_MISSING",
            "代理人没有办理此事的有效授权：请被代理人在网上授权，或者持授权材料到窗口登记",
            "the agent holds no mandate for this: the principal grants one online, or the paper is shown at a window",
        )
    }
}

/// Applicant, authority and form, all that is wrong at once.
pub(super) fn check_contents(
    app: &Application,
    pinned: &ItemFacts,
    by: &Acting,
    cx: &Context,
) -> Result<(Authority, Option<Held>), Refusal> {
    let authority = authority(app, by, cx)?;
    if app.agent.as_ref().is_some_and(|agent| !agent.is_identified() || agent.name.is_none()) {
        return Err(Refusal::field(
            "agent",
            "PARTY_INVALID",
            "请填写代理人的姓名、证件类型和证件号码",
            "the agent's name, document kind and number are needed",
        ));
    }
    check_form(app.form.as_ref(), pinned)?;
    form::check_sourced(app, pinned)?;
    Ok(authority)
}

/// The form against its JSON Schema, every violation a field.
fn check_form(form: Option<&Personal>, pinned: &ItemFacts) -> Result<(), Refusal> {
    let unreadable =
        || Refusal::state("FORM_UNREADABLE", "该事项的表单定义无法使用", "the item's form schema cannot be used");
    let schema: Value = serde_json::from_str(&pinned.form_schema).map_err(|_| unreadable())?;
    let validator =
        jsonschema::draft202012::options().should_validate_formats(true).build(&schema).map_err(|_| unreadable())?;
    let form: Value = match form.map(Personal::get) {
        None => Value::Object(serde_json::Map::new()),
        Some(None) => Value::Null,
        Some(Some(text)) => serde_json::from_str(text).unwrap_or_default(),
    };
    let mut refusal =
        Refusal::invalid("FORM_INVALID", "申请表填写有误，请按提示修改", "the form does not fit its schema");
    for error in validator.iter_errors(&form).take(100) {
        let (path, reason, zh, en) = explain(&error);
        refusal = refusal.with_field(path, reason, zh, en);
    }
    if refusal.fields.is_empty() { Ok(()) } else { Err(refusal) }
}

/// One violation in both languages, without the value: it may be personal.
fn explain(error: &jsonschema::ValidationError<'_>) -> (String, &'static str, String, String) {
    use jsonschema::error::ValidationErrorKind as K;
    let mut path = format!("form{}", error.instance_path().as_str().replace('/', "."));
    let (reason, zh, en) = match error.kind() {
        K::Required { property } => {
            let name = property.as_str().unwrap_or_default();
            path = format!("{path}.{name}");
            ("FIELD_REQUIRED", "必填项未填写".to_owned(), "is required".to_owned())
        }
        K::Type { .. } => ("FIELD_TYPE", "填写的类型不正确".to_owned(), "has the wrong type".to_owned()),
        K::Enum { .. } => ("FIELD_NOT_A_CHOICE", "不在可选范围内".to_owned(), "is none of the choices".to_owned()),
        K::MinLength { limit } => {
            ("FIELD_TOO_SHORT", format!("至少{limit}个字"), format!("at least {limit} characters"))
        }
        K::MaxLength { limit } => ("FIELD_TOO_LONG", format!("至多{limit}个字"), format!("at most {limit} characters")),
        K::Minimum { limit } | K::ExclusiveMinimum { limit } => {
            ("FIELD_TOO_SMALL", format!("数值过小（下限{limit}）"), format!("is too small (from {limit})"))
        }
        K::Maximum { limit } | K::ExclusiveMaximum { limit } => {
            ("FIELD_TOO_LARGE", format!("数值过大（上限{limit}）"), format!("is too large (up to {limit})"))
        }
        K::AdditionalProperties { unexpected } => {
            let names = unexpected.join("、");
            ("FIELD_UNKNOWN", format!("表单没有这些栏目：{names}"), format!("the form has no such fields: {names}"))
        }
        K::Format { format } => ("FIELD_FORMAT", format!("格式不正确（{format}）"), format!("is not a {format}")),
        _ => ("FIELD_INVALID", "填写不符合要求".to_owned(), "does not fit the schema".to_owned()),
    };
    (path, reason, zh, en)
}
