//! The rules of a joint application: pure. The shell has checked that the caller may see it and that the policies allow the act.

use std::sync::Arc;

use serde_json::{Map, Value, json};
use yiwang_ledger::{Aggregate as _, Context, Decision, FieldViolation, Kind, Meta, Personal, Refusal};

use super::{Event, HandedIn, Joint, Member, Mended, Phase, Standing, ThemePin, Whose, not_found};
use crate::application::decide::{self as application, Acting, Handing};
use crate::application::{Actor, Application, Channel, IssuedResult, Party};
use crate::catalogue::{self, Item, ItemFacts};
use crate::form;
use crate::limit::{Due, Ends as _, legal_date};
use crate::mandate::{Act, Mandate};
use crate::theme::decide::Items;
use crate::theme::plan::{self, Field};
use crate::theme::{self, Theme};

/// Begins a draft.
#[derive(Clone, Debug)]
pub struct Create {
    /// What it takes from its theme.
    pub pin: ThemePin,
    /// 回答.
    pub answers: Value,
    /// Whose it is.
    pub whose: Whose,
    /// The one form as JSON text.
    pub form: Option<Personal>,
    /// The theme's items as they stand, with what an application takes from each.
    pub items: Items,
    /// By the item's code.
    pub pins: std::collections::BTreeMap<String, Arc<crate::application::ItemPin>>,
}

/// What is said with the submission.
#[derive(Clone, Debug, Default)]
pub struct Submit {
    /// 单独同意 to the use of sensitive data.
    pub consents: bool,
    /// 告知承诺 is signed for these members.
    pub promises: Vec<String>,
    /// 容缺受理承诺 is signed for these members.
    pub deferrals: Vec<String>,
}

/// A member's application, as it will be handed in.
#[derive(Clone, Debug)]
pub struct Part {
    /// The member's code.
    pub member: String,
    /// Its draft.
    pub app: Application,
    /// The item as it stands today.
    pub now: Arc<Item>,
    /// The item as it stood when the draft was begun.
    pub pinned: Arc<Item>,
    /// What is said with it.
    pub handing: Handing,
}

/// How a member's application ended, or a partner's step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// 准予; what came of it, once it is there.
    Granted(Option<IssuedResult>),
    /// 不予受理, 不予许可.
    Refused,
    /// 撤回.
    Withdrawn,
}

fn wrong_phase(joint: &Joint, verb_zh: &str, verb_en: &str) -> Refusal {
    if !joint.exists() {
        return not_found();
    }
    let (zh, en) = (
        format!("联办申请处于“{}”状态，不能{verb_zh}", joint.phase.zh()),
        format!("the joint application is {}: it cannot be {verb_en}", joint.phase.name()),
    );
    Refusal::state("WRONG_PHASE", zh, en).with("phase", joint.phase.name())
}

fn member_not_found() -> Refusal {
    Refusal { reason: "MEMBER_NOT_FOUND", ..Refusal::not_found("联办成员") }
}

/// Who may begin one: the applicant, the agent who is named, or the window.
fn check_party(whose: &Whose, by: &Acting) -> Result<(), Refusal> {
    let is = |party: &Party| by.subject.as_ref() == Some(&party.subject);
    if by.staff || is(&whose.applicant) || whose.agent.as_ref().is_some_and(is) {
        return Ok(());
    }
    Err(application::not_the_applicant())
}

/// Who may hand it in, and act on what was handed in: the applicant; the agent who is named, with a mandate over each of these
/// members (民法典 arts. 162, 165); the window, with the agent's mandate where there is an agent. No window takes anything back.
///
/// # Errors
/// `NOT_THE_APPLICANT`, `MANDATE_MISSING`, `APPLICANT_NOT_PRESENT`.
fn check_authority<'a>(
    joint: &'a Joint,
    members: impl Iterator<Item = &'a Member>,
    act: Act,
    by: &Acting,
    cx: &Context,
) -> Result<(), Refusal> {
    let Some(whose) = &joint.whose else { return Err(not_found()) };
    let is = |party: &Party| by.subject.as_ref() == Some(&party.subject);
    if is(&whose.applicant) {
        return Ok(());
    }
    let agent = whose.agent.as_ref().filter(|agent| by.staff || is(agent));
    if (by.staff && act == Act::Withdraw) || (!by.staff && agent.is_none()) {
        return Err(application::not_the_applicant());
    }
    let Some(agent) = agent else {
        // whose parts are items says so itself, once each was taken up at the window
        let partners = joint.members.iter().all(|member| member.item.is_none());
        return match partners && whose.channel == Channel::Phone {
            true => Err(application::applicant_not_present()),
            false => Ok(()),
        };
    };
    let today = legal_date(cx.now);
    let covers = |matter: &str, one: &Mandate| one.covers(&whose.applicant.subject, &agent.subject, matter, act, today);
    let held = |matter: &str| by.mandates.iter().any(|(_, one)| covers(matter, one));
    let mut items = members.filter_map(|member| member.item.as_ref()).peekable();
    // partners' steps alone are a matter by the theme's name
    let all = match items.peek() {
        None => held(&joint.theme.code),
        Some(_) => items.all(|item| held(&item.code)),
    };
    if all { Ok(()) } else { Err(application::mandate_missing()) }
}

/// Begins a draft for answers that are complete; the members that they choose are kept at the versions that they have now.
///
/// # Errors
/// `THEME_CANCELLED`, `ANSWERS_INVALID`, `ANSWERS_OPEN`, `NO_MEMBER`, `MEMBERS_NOT_OPEN`, `NOT_THE_APPLICANT`, `FORM_TOO_LARGE`.
pub fn create(joint: &Joint, theme: &Theme, ask: &Create, by: &Acting, cx: &Context) -> Decision<Event> {
    if joint.exists() {
        return Err(wrong_phase(joint, "新建", "begun"));
    }
    theme.check_open()?;
    plan::check_answers(&theme.facts, &ask.answers)?;
    if let Some(open) = plan::next(&theme.facts, &ask.answers) {
        let (zh, en) = (format!("请先回答：{}", open.text), format!("a question is open: {}", open.code));
        return Err(Refusal::field(format!("answers.{}", open.code), "ANSWERS_OPEN", zh, en));
    }
    check_party(&ask.whose, by)?;
    application::check_size(ask.form.as_ref())?;
    let chosen = plan::members(&theme.facts, &ask.answers);
    if chosen.is_empty() {
        let (zh, en) = ("按您的回答，没有需要办理的事项", "by these answers there is nothing to apply for");
        return Err(Refusal::state("NO_MEMBER", zh, en));
    }
    let (zh, en) = ("有的事项现在不能申请", "some of the items cannot be applied for now");
    let mut closed = Refusal::state("MEMBERS_NOT_OPEN", zh, en);
    let there = |code: &String| chosen.iter().any(|other| other.code == *code);
    let mut members = Vec::new();
    for one in &chosen {
        // an item that the public does not see is nobody's to apply for, and no partner's step either
        let open = match (one.item.as_str(), ask.items.get(&one.item).filter(|_| ask.pins.contains_key(&one.item))) {
            ("", _) => Ok(()),
            (code, None) => Err(catalogue::not_found(code)),
            (_, Some(item)) => item.check_open(legal_date(cx.now)),
        };
        if let Err(refusal) = open {
            closed = closed.with_field(format!("members.{}", one.code), refusal.reason, refusal.zh, refusal.en);
        }
        let mut kept = (*one).clone();
        // who is no member is waited for by nobody
        kept.after.retain(there);
        kept.inputs.retain(|input| there(&input.from));
        let item = ask.pins.get(&one.item).cloned();
        members.push(Member { item, plan: kept, standing: Standing::Waiting, begun: None, mended: None });
    }
    if !closed.fields.is_empty() {
        return Err(closed);
    }
    let subject = &ask.whose.applicant.subject;
    Ok(vec![Event::JointDrafted {
        theme: Box::new(ask.pin.clone()),
        whose: Box::new(ask.whose.clone()),
        answers: Personal::new(subject, "answers", ask.answers.to_string()),
        form: ask.form.clone(),
        members,
    }])
}

/// Saves the one form.
///
/// # Errors
/// `WRONG_PHASE`, `FORM_TOO_LARGE`.
pub fn save(joint: &Joint, form: &Personal, by: &Acting) -> Decision<Event> {
    // a chain's later stages are filled in when their turn has come
    let open = joint.phase == Phase::Running && joint.members.iter().any(|member| member.standing == Standing::Open);
    if joint.phase != Phase::Draft && !open {
        return Err(wrong_phase(joint, "修改", "changed"));
    }
    application::check_size(Some(form))?;
    let same = joint.form.as_ref().and_then(Personal::get) == form.get();
    Ok(if same { Vec::new() } else { vec![Event::JointFormSaved { form: form.clone(), by: by.actor.clone() }] })
}

/// The one form as JSON; empty where it was not filled in.
pub fn union(joint: &Joint) -> Value {
    joint.form.as_ref().and_then(Personal::get).and_then(|text| serde_json::from_str(text).ok()).unwrap_or(json!({}))
}

/// A member's own form: its part of the one form, what the applicant's identity says, and what other members have yielded.
pub fn own_form(joint: &Joint, fields: &[Field], member: &Member, facts: &ItemFacts, applicant: &Party) -> String {
    let Value::Object(mut own) = plan::part(fields, &union(joint), member.code()) else { return String::new() };
    own.extend(yielded(joint, member));
    let mended = member.mended.as_ref().and_then(|mended| mended.form.as_ref()).and_then(Personal::get);
    own.extend(mended.and_then(|text| serde_json::from_str::<Map<String, Value>>(text).ok()).unwrap_or_default());
    form::filled(Some(&Value::Object(own).to_string()), &form::known(facts, applicant))
}

/// The fields that the results of other members fill in.
fn yielded(joint: &Joint, member: &Member) -> Map<String, Value> {
    let fields = member.plan.inputs.iter().filter(|input| !input.field.is_empty());
    fields
        .filter_map(|input| Some((input.field.clone(), Value::from(result_of(joint, &input.from)?.number.clone()))))
        .collect()
}

/// An item's elements for the look at the submission: what another member will yield is not asked for yet.
fn before_yield(facts: &ItemFacts, member: &Member) -> ItemFacts {
    let mut facts = facts.clone();
    let Ok(mut schema) = serde_json::from_str::<Value>(&facts.form_schema) else { return facts };
    let yields = |name: &Value| member.plan.inputs.iter().any(|input| name.as_str() == Some(&input.field));
    if let Some(required) = schema["required"].as_array_mut() {
        required.retain(|name| !yields(name));
        facts.form_schema = schema.to_string();
    }
    facts
}

/// What came of a member.
pub fn result_of<'a>(joint: &'a Joint, member: &str) -> Option<&'a IssuedResult> {
    match &joint.member(member)?.standing {
        Standing::Granted { result } => result.as_ref(),
        _ => None,
    }
}

/// 一次提交: every member's application is looked at as when it is handed in, and all that is wrong is said at once, by the fields
/// of the one form. What depends on nothing is released. In a chain only what is handed in now is looked at.
///
/// # Errors
/// `WRONG_PHASE`; `JOINT_NOT_READY`, each member and field at fault with its own reason; those of handing in that are about who acts.
pub fn submit(joint: &Joint, parts: &[Part], ask: &Submit, by: &Acting, cx: &Context) -> Decision<Event> {
    let whose = joint.whose.as_ref().filter(|_| joint.phase == Phase::Draft);
    let Some(whose) = whose else { return Err(wrong_phase(joint, "提交", "handed in")) };
    check_authority(joint, joint.members.iter(), Act::Apply, by, cx)?;
    let (zh, en) = ("联办申请尚不能提交，请按提示修改", "the joint application cannot be handed in as it is");
    let mut refusal = Refusal::invalid("JOINT_NOT_READY", zh, en);
    let known = |code: &&String| {
        joint.member(code).is_some_and(|member| member.item.is_some() && !joint.is_later_stage(member))
    };
    for (list, codes) in [("promises", &ask.promises), ("deferrals", &ask.deferrals)] {
        for code in codes.iter().filter(|code| !known(code)) {
            refusal =
                refusal.with_field(format!("{list}.{code}"), "MEMBER_NOT_FOUND", "没有这个成员", "no such member");
        }
    }
    let fields = one_form(joint, parts);
    for name in union(joint).as_object().into_iter().flatten().map(|(name, _)| name) {
        if !fields.iter().any(|field| field.name == *name) {
            refusal = refusal.with_field(
                format!("form.{name}"),
                "FIELD_UNKNOWN",
                "表单没有这个栏目",
                "not a field of the form",
            );
        }
    }
    for part in parts {
        let Some(member) = joint.member(&part.member) else { return Err(member_not_found()) };
        if !joint.is_later_stage(member) {
            try_in(joint, whose, member, part, &fields, (by, cx), &mut refusal)?;
        }
    }
    if !refusal.fields.is_empty() {
        return Err(refusal);
    }
    let handed_in = Box::new(handing(joint, ask, by, cx));
    Ok(then(joint, vec![Event::JointSubmitted { handed_in }], cx))
}

/// 一链: its applicant begins a stage whose turn has come; it is looked at as when it is handed in.
///
/// # Errors
/// `WRONG_PHASE`, `MEMBER_NOT_FOUND`, `STAGE_NOT_OPEN`; `JOINT_NOT_READY`, each field at fault with its own reason; those of handing
/// in that are about who acts.
pub fn begin(joint: &Joint, member: &str, parts: &[Part], ask: &Submit, by: &Acting, cx: &Context) -> Decision<Event> {
    let whose = joint.whose.as_ref().filter(|_| joint.phase == Phase::Running && joint.taken_back.is_none());
    let Some(whose) = whose else { return Err(wrong_phase(joint, "办理下一环节", "gone on with")) };
    let stage = joint.member(member).ok_or_else(member_not_found)?;
    let part = parts.iter().find(|part| part.member == member);
    let Some(part) = part.filter(|_| stage.standing == Standing::Open) else {
        let (zh, en) = (
            "该环节现在不能开始：前一环节尚未办成，或者本环节已经开始",
            "the stage's turn has not come, or it has begun",
        );
        return Err(Refusal::state("STAGE_NOT_OPEN", zh, en));
    };
    let (zh, en) = ("该环节尚不能提交，请按提示修改", "the stage cannot be handed in as it is");
    let mut refusal = Refusal::invalid("JOINT_NOT_READY", zh, en);
    try_in(joint, whose, stage, part, &one_form(joint, parts), (by, cx), &mut refusal)?;
    if !refusal.fields.is_empty() {
        return Err(refusal);
    }
    let (handed_in, item) = (Box::new(handing(joint, ask, by, cx)), part.app.item.clone());
    Ok(vec![Event::MemberBegun { member: member.to_owned(), item, handed_in }])
}

/// The one form, of all members that are items.
fn one_form(joint: &Joint, parts: &[Part]) -> Vec<Field> {
    let chosen: Vec<(&theme::Member, &ItemFacts)> =
        parts.iter().filter_map(|part| Some((&joint.member(&part.member)?.plan, &part.pinned.facts))).collect();
    plan::form(&chosen)
}

/// Looks at a member's application as when it is handed in.
fn try_in(
    joint: &Joint,
    whose: &Whose,
    member: &Member,
    part: &Part,
    fields: &[Field],
    (by, cx): (&Acting, &Context),
    refusal: &mut Refusal,
) -> Result<(), Refusal> {
    let text = own_form(joint, fields, member, &part.pinned.facts, &whose.applicant);
    let form = Personal::new(&whose.applicant.subject, "form", text);
    let app = Application { form: Some(form), ..part.app.clone() };
    let facts = before_yield(&part.pinned.facts, member);
    match application::submit(&app, &part.now, &facts, &part.handing, by, cx) {
        Ok(_) => {}
        Err(wrong) if wrong.kind == Kind::PermissionDenied => return Err(wrong),
        Err(wrong) => blame(refusal, fields, member, wrong),
    }
    Ok(())
}

fn handing(joint: &Joint, ask: &Submit, by: &Acting, cx: &Context) -> HandedIn {
    HandedIn {
        at: cx.now,
        by: by.actor.clone(),
        subject: by.subject.clone(),
        staff: by.staff,
        consents: ask.consents,
        promises: ask.promises.clone(),
        deferrals: ask.deferrals.clone(),
        promised: joint.theme.promised_limit.due(legal_date(cx.now), &cx.calendar),
    }
}

/// What is wrong with a member's application, by the names of the one form. A field that another member will fill in is not
/// missing yet.
fn blame(refusal: &mut Refusal, fields: &[Field], member: &Member, wrong: Refusal) {
    let code = member.code();
    if wrong.fields.is_empty() {
        let (field, reason) = (format!("members.{code}"), wrong.reason.to_owned());
        refusal.fields.push(FieldViolation { field, reason, zh: wrong.zh, en: wrong.en });
        return;
    }
    for one in wrong.fields {
        let field = match one.field.strip_prefix("form.") {
            None => format!("members.{code}.{}", one.field),
            Some(path) => {
                let (name, rest) =
                    path.split_once('.').map_or((path, String::new()), |(name, rest)| (name, format!(".{rest}")));
                if member.plan.inputs.iter().any(|input| input.field == name) {
                    continue;
                }
                let own = |field: &&Field| field.fills.iter().any(|(of, its)| of == code && its == name);
                let asked = fields.iter().find(own).map_or(name, |field| field.name.as_str());
                format!("form.{asked}{rest}")
            }
        };
        let violation = FieldViolation { field, ..one };
        if !refusal.fields.contains(&violation) {
            refusal.fields.push(violation);
        }
    }
}

/// What follows from events: who waited for a member that is granted is released, who waited for one that came to nothing is not
/// pursued.
fn then(joint: &Joint, mut events: Vec<Event>, cx: &Context) -> Vec<Event> {
    let meta = Meta { at: cx.now, actor: cx.actor.clone(), version: cx.version };
    let mut after = joint.clone();
    events.iter().for_each(|event| after.evolve(event, &meta));
    while let Some(next) = after.handed_in.as_ref().and_then(|_| following(&after)) {
        after.evolve(&next, &meta);
        events.push(next);
    }
    events
}

/// The next thing that follows.
fn following(joint: &Joint) -> Option<Event> {
    joint.members.iter().filter(|member| member.standing == Standing::Waiting).find_map(|member| {
        let before: Vec<&Member> = member.plan.before().into_iter().filter_map(|code| joint.member(code)).collect();
        if let Some(lost) = before.iter().find(|other| other.standing.came_to_nothing()) {
            return Some(Event::MemberCancelled { member: member.plan.code.clone(), because: lost.plan.code.clone() });
        }
        let there = |other: &&Member| match &other.standing {
            Standing::Granted { result } => {
                result.is_some() || !member.plan.inputs.iter().any(|input| input.from == other.code())
            }
            _ => false,
        };
        let code = || member.plan.code.clone();
        let next = || match joint.is_later_stage(member) {
            true => Event::MemberOpened { member: code() },
            false => Event::MemberReleased { member: code() },
        };
        before.iter().all(there).then(next)
    })
}

/// A member's application was handed in.
pub fn handed_in(joint: &Joint, member: &str) -> Decision<Event> {
    let released = joint.member(member).is_some_and(|member| member.standing == Standing::Released);
    Ok(if released { vec![Event::MemberHandedIn { member: member.to_owned() }] } else { Vec::new() })
}

/// The rules refuse a member's application as it is: it waits until it is mended.
pub fn stuck(joint: &Joint, member: &str, refusal: &Refusal) -> Decision<Event> {
    let released = joint.member(member).is_some_and(|member| member.standing == Standing::Released);
    let event = || Event::MemberStuck {
        member: member.to_owned(),
        reason: refusal.reason.to_owned(),
        zh: refusal.zh.clone(),
        en: refusal.en.clone(),
    };
    Ok(if released { vec![event()] } else { Vec::new() })
}

/// How a member's application ended; told again, nothing.
pub fn told(joint: &Joint, member: &str, told: &Told, cx: &Context) -> Decision<Event> {
    let Some(known) = joint.member(member) else { return Ok(Vec::new()) };
    let more = matches!((&known.standing, told), (Standing::Granted { result: None }, Told::Granted(Some(_))));
    if known.standing.is_final() && !more {
        return Ok(Vec::new());
    }
    let member = member.to_owned();
    let event = match told {
        Told::Granted(result) => Event::MemberGranted { member, result: result.clone(), by: None },
        Told::Refused => Event::MemberRefused { member, remark: None, by: None },
        Told::Withdrawn => Event::MemberWithdrawn { member, reason: None, by: None },
    };
    Ok(then(joint, vec![event], cx))
}

/// What a partner reports of its step.
#[derive(Clone, Debug)]
pub struct Step {
    /// It was done.
    pub done: bool,
    /// Number of what came of it; empty for none.
    pub number: String,
    /// Why it could not be done, or what else should be known.
    pub remark: Option<Personal>,
}

/// 合作单位 (bank, seal maker, tax) has done its step, or could not.
///
/// # Errors
/// `MEMBER_NOT_FOUND`, `NOT_A_PARTNERS_STEP`, `STEP_NOT_OPEN`, `REMARK_MISSING`, `NUMBER_MISSING`.
pub fn record_step(joint: &Joint, member: &str, step: &Step, by: &Actor, cx: &Context) -> Decision<Event> {
    let known = joint.member(member).ok_or_else(member_not_found)?;
    if known.item.is_some() || !known.plan.item.is_empty() {
        let (zh, en) = ("该成员是政务服务事项，由其实施机关办理", "this member is an item: its department handles it");
        return Err(Refusal::state("NOT_A_PARTNERS_STEP", zh, en));
    }
    if known.standing != Standing::Released {
        let (zh, en) = ("该环节现在不能登记结果", "the step is not open");
        return Err(Refusal::state("STEP_NOT_OPEN", zh, en));
    }
    if !step.done && step.remark.is_none() {
        let (zh, en) = ("请写明未能办成的原因", "say why it could not be done");
        return Err(Refusal::field("remark", "REMARK_MISSING", zh, en));
    }
    let waits = |other: &Member| other.plan.inputs.iter().any(|input| input.from == member);
    if step.done && step.number.is_empty() && joint.members.iter().any(waits) {
        let (zh, en) = ("后续事项要用到该环节的编号，请填写", "another member needs the number of what came of it");
        return Err(Refusal::field("number", "NUMBER_MISSING", zh, en));
    }
    let (code, by) = (member.to_owned(), Some(by.clone()));
    let result = (!step.number.is_empty()).then(|| IssuedResult {
        kind: crate::catalogue::facts::ResultKind::Document,
        name: known.plan.name.clone(),
        number: step.number.clone(),
        license: String::new(),
    });
    let event = match step.done {
        true => Event::MemberGranted { member: code, result, by },
        false => Event::MemberRefused { member: code, remark: step.remark.clone(), by },
    };
    Ok(then(joint, vec![event], cx))
}

/// What was stuck is mended: it is handed in again, by whoever mended it and with what they say.
///
/// # Errors
/// `MEMBER_NOT_FOUND`, `MEMBER_NOT_STUCK`, `FORM_TOO_LARGE`; `NOT_THE_APPLICANT`, `MANDATE_MISSING`.
pub fn resume(joint: &Joint, member: &str, mended: &Mended, by: &Acting, cx: &Context) -> Decision<Event> {
    let known = joint.member(member).ok_or_else(member_not_found)?;
    check_authority(joint, std::iter::once(known), Act::Apply, by, cx)?;
    if !matches!(known.standing, Standing::Stuck { .. }) {
        let (zh, en) = ("该事项没有停在提交环节", "this member did not get stuck when it was handed in");
        return Err(Refusal::state("MEMBER_NOT_STUCK", zh, en));
    }
    application::check_size(mended.form.as_ref())?;
    let member = member.to_owned();
    let mended = Event::MemberMended { member: member.clone(), mended: Box::new(mended.clone()) };
    Ok(vec![mended, Event::MemberReleased { member }])
}

/// 撤回 of all of it: what waits is not pursued, what runs is taken back by `carrying`, which each department answers for itself. Once it
/// was handed in, that is the applicant, or an agent with a mandate for it.
///
/// # Errors
/// `WRONG_PHASE`, `WITHDRAWAL_PENDING`; `NOT_THE_APPLICANT`, `MANDATE_MISSING`.
pub fn take_back(joint: &Joint, reason: Option<&Personal>, by: &Acting, cx: &Context) -> Decision<Event> {
    match joint.phase {
        Phase::Draft => {}
        Phase::Running => check_authority(joint, joint.members.iter(), Act::Withdraw, by, cx)?,
        _ => return Err(wrong_phase(joint, "撤回", "taken back")),
    }
    if joint.taken_back.is_some() {
        return Err(Refusal::state("WITHDRAWAL_PENDING", "撤回申请正在处理", "a withdrawal is being dealt with"));
    }
    let mut events = vec![Event::JointTakenBack { reason: reason.cloned(), by: by.actor.clone() }];
    if joint.phase == Phase::Running {
        let idle = |member: &&Member| {
            matches!(member.standing, Standing::Waiting | Standing::Open | Standing::Stuck { .. } | Standing::Released)
        };
        events.extend(joint.members.iter().filter(idle).map(|member| withdrawn(member.code(), None, by)));
    }
    Ok(events)
}

fn withdrawn(member: &str, reason: Option<&Personal>, by: &Acting) -> Event {
    Event::MemberWithdrawn { member: member.to_owned(), reason: reason.cloned(), by: Some(by.actor.clone()) }
}

/// 撤回 of a member that is not with its department yet; one that is, by its own application.
///
/// # Errors
/// `WRONG_PHASE`, `MEMBER_NOT_FOUND`, `MEMBER_RUNNING`; `NOT_THE_APPLICANT`, `MANDATE_MISSING`.
pub fn drop_member(
    joint: &Joint,
    member: &str,
    reason: Option<&Personal>,
    by: &Acting,
    cx: &Context,
) -> Decision<Event> {
    if joint.phase != Phase::Running {
        return Err(wrong_phase(joint, "撤回", "taken back"));
    }
    let known = joint.member(member).ok_or_else(member_not_found)?;
    check_authority(joint, std::iter::once(known), Act::Withdraw, by, cx)?;
    match known.standing {
        Standing::Waiting | Standing::Open | Standing::Stuck { .. } => {
            Ok(then(joint, vec![withdrawn(member, reason, by)], cx))
        }
        _ => {
            let (zh, en) = (
                "该事项已提交部门或已办结，请在该件申请中撤回",
                "it is with its department, or has ended: withdraw its own application",
            );
            Err(Refusal::state("MEMBER_RUNNING", zh, en))
        }
    }
}

/// The timer: the promised limit of all of it has passed. A date that may still move makes nobody late.
pub fn timer(joint: &Joint, cx: &Context) -> Decision<Event> {
    let mut events = recompute(joint, cx)?;
    let renewed = joint.watched().and_then(|due| due.recounted(&cx.calendar));
    let due: Option<&Due> = renewed.as_ref().or_else(|| joint.watched());
    events.extend(due.filter(|due| due.forfeited(cx.now)).map(|due| Event::JointLate { due: due.clone() }));
    Ok(events)
}

/// A year of the calendar was loaded: the promised limit is counted anew.
pub fn recompute(joint: &Joint, cx: &Context) -> Decision<Event> {
    let due = joint.watched().and_then(|due| due.recounted(&cx.calendar));
    Ok(due.map(|due| Event::JointDueRecomputed { due }).into_iter().collect())
}
