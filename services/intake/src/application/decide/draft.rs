//! Contents: a draft is begun with an item alone and filled in piece by piece; once handed in, a slip is mended.

use std::sync::Arc;

use yiwang_ledger::{Context, Decision, Kind, Personal, Refusal, SubjectId};

use super::spot::{self, Way};
use super::submit::check_contents;
use super::{Acting, applicant_missing, check_helper};
use crate::application::{
    Actor, Application, ApplicationEvent as Event, Change, Channel, ItemPin, MAX_FORM_BYTES, PartOf, Party, Phase,
    check_not_part, not_found, wrong_phase,
};
use crate::catalogue::{Item, ItemFacts};
use crate::elsewhere::Elsewhere;
use crate::form;
use crate::limit::legal_date;
use crate::mandate::Act;

/// Begins a draft.
#[derive(Clone, Debug)]
pub struct Create {
    /// What the application takes from its item.
    pub item: Arc<ItemPin>,
    /// Whose it is while no applicant is named.
    pub owner_subject: SubjectId,
    /// 申报来源.
    pub channel: Channel,
    /// 申请人.
    pub applicant: Option<Party>,
    /// 代理人.
    pub agent: Option<Party>,
    /// The form as JSON text.
    pub form: Option<Personal>,
    /// 异地代收: where it is received, where that is another region than its item's.
    pub elsewhere: Option<Elsewhere>,
    /// 联办: the joint application that it is a part of.
    pub joint: Option<PartOf>,
}

/// The account that owns an application: who began it, or, begun at the window, its applicant once named.
fn owner(by_staff: bool, account: &Actor, applicant: Option<&Party>) -> String {
    match applicant.filter(|party| by_staff && party.is_identified()) {
        Some(party) => party.subject.audience(),
        None if by_staff => String::new(),
        None => account.id.clone(),
    }
}

/// The form under the key of the applicant it belongs to, so that it is erased with them; one that was erased stays so.
fn under(subject: &SubjectId, form: Personal) -> Personal {
    match form.get() {
        Some(text) if form.subject() != subject => Personal::new(subject, "form", text),
        _ => form,
    }
}

/// `FORM_TOO_LARGE`: what could not be kept in one entry.
pub fn check_size(form: Option<&Personal>) -> Result<(), Refusal> {
    let length = form.and_then(Personal::get).map_or(0, str::len);
    if length <= MAX_FORM_BYTES {
        return Ok(());
    }
    let (zh, en) = (
        format!("表单内容过大：{length}字节，至多{MAX_FORM_BYTES}字节"),
        format!("the form is {length} bytes, at most {MAX_FORM_BYTES}"),
    );
    Err(Refusal::field("form", "FORM_TOO_LARGE", zh, en))
}

/// 行政许可法 art. 30: who applies chooses an item in force; it is kept at the version it has now.
pub fn create(app: &Application, item: &Item, ask: &Create, by: &Acting, cx: &Context) -> Decision<Event> {
    if app.exists() {
        return Err(wrong_phase(&app.phase, "新建", "begun"));
    }
    item.check_open(legal_date(cx.now))?;
    check_size(ask.form.as_ref())?;
    let applicant = ask.applicant.as_ref().filter(|party| party.is_identified());
    let subject = applicant.map_or(&ask.owner_subject, |party| &party.subject);
    let new = Application { item: ask.item.clone(), applicant: ask.applicant.clone(), ..Application::default() };
    let under_mandate = check_helper(&new, Act::Apply, by, cx)?;
    let drafted = Event::Drafted {
        item: ask.item.clone(),
        owner: owner(by.staff, &by.actor, ask.applicant.as_ref()),
        owner_subject: ask.owner_subject.clone(),
        by_staff: by.staff,
        channel: ask.channel,
        applicant: ask.applicant.clone().map(Box::new),
        agent: ask.agent.clone().map(Box::new),
        form: ask.form.clone().map(|form| under(subject, form)),
        elsewhere: ask.elsewhere.clone().map(Box::new),
        joint: ask.joint.clone(),
        by: by.actor.clone(),
    };
    // whoever acts by a mandate sees what they have begun
    let held = under_mandate.and_then(|held| by.mandates.iter().find(|(id, _)| *id == held.id));
    let helping = held.and_then(|(_, mandate)| mandate.grant.as_ref()?.helping.clone());
    let named = helping.map(|of| Event::HelperNamed { engagement: of.engagement, account: of.account });
    Ok(std::iter::once(drafted).chain(named).collect())
}

/// Changes what an application contains.
#[derive(Clone, Debug, Default)]
pub struct Update {
    /// 申请人.
    pub applicant: Change<Party>,
    /// 代理人.
    pub agent: Change<Party>,
    /// The form as JSON text.
    pub form: Change<Personal>,
    /// By the joint application that it is a part of.
    pub joint: bool,
    /// Whoever writes has not said which version they have seen.
    pub unseen: bool,
}

/// 不互相覆盖: what somebody else wrote last is not written over by whoever has not seen it.
///
/// # Errors
/// `ETAG_MISSING`.
fn check_seen(app: &Application, ask: &Update, by: &Acting) -> Result<(), Refusal> {
    let own = app.written_by.as_ref().is_none_or(|who| who == by.actor.doer());
    if own || !ask.unseen {
        return Ok(());
    }
    let (zh, en) = (
        "该申请最近由他人修改，请先读取最新内容，再带上 etag 保存",
        "somebody else changed it last: read it, and give back its etag",
    );
    Err(Refusal { kind: Kind::FailedPrecondition, ..Refusal::field("etag", "ETAG_MISSING", zh, en) })
}

fn boxed(change: &Change<Party>) -> Change<Box<Party>> {
    match change {
        Change::Keep => Change::Keep,
        Change::Set(party) => Change::Set(Box::new(party.clone())),
        Change::Clear => Change::Clear,
    }
}

/// 免填: fills in what the applicant's identity says, and what was fetched, where the item's form takes it from there.
pub fn prefill(app: &Application, facts: &ItemFacts, by: &Acting, cx: &Context) -> Decision<Event> {
    if !matches!(app.phase, Phase::Draft | Phase::CorrectionRequested) {
        return Err(if app.exists() { wrong_phase(&app.phase, "免填", "filled in") } else { not_found() });
    }
    let applicant = app.identified_applicant().ok_or_else(applicant_missing)?;
    let known = form::known(facts, applicant);
    let filled = form::filled(app.form.as_ref().and_then(Personal::get), &known);
    let mut filled: serde_json::Map<_, _> = serde_json::from_str(&filled).unwrap_or_default();
    filled.extend(app.sourced());
    let filled = serde_json::Value::Object(filled).to_string();
    let form = Change::Set(Personal::new(app.data_subject(), "form", filled));
    update(app, facts, &Update { form, ..Update::default() }, by, cx)
}

/// Contents may be changed before receipt, while a correction is asked for, and on the spot (当场更正, 行政许可法 art. 32 ③), where
/// what comes of it must be as good as when it was handed in, since nobody hands it in again.
pub fn update(app: &Application, facts: &ItemFacts, ask: &Update, by: &Acting, cx: &Context) -> Decision<Event> {
    let way = spot::way(app, by, cx, "修改", "changed")?;
    check_not_part(app, ask.joint)?;
    if let Change::Set(form) = &ask.form {
        check_size(Some(form))?;
    }
    let mut after = app.clone();
    ask.applicant.apply(&mut after.applicant);
    ask.agent.apply(&mut after.agent);
    ask.form.apply(&mut after.form);
    let applicant = |app: &Application| app.applicant.as_ref().map(|party| party.subject.clone());
    match &ask.form {
        // another's data are not this applicant's
        _ if applicant(&after) != applicant(app) && !app.fetched.is_empty() => {
            after.form = form::without_fetched(&after);
            after.fetched.clear();
        }
        Change::Set(_) => form::check_fetched(&after)?,
        _ => {}
    }
    let subject = after.data_subject().clone();
    after.form = after.form.map(|form| under(&subject, form));
    if after == *app {
        return Ok(Vec::new());
    }
    check_seen(app, ask, by)?;
    // Once handed in, another person's application is another application.
    if app.receipt.is_some()
        && after.identified_applicant().map(|p| &p.subject) != app.identified_applicant().map(|p| &p.subject)
    {
        return Err(Refusal::field(
            "applicant",
            "APPLICANT_FIXED",
            "已提交的申请不能更换申请人，请撤回后重新申请",
            "the applicant of an application that was handed in stays: withdraw it and apply anew",
        ));
    }
    if !app.attachments.is_empty() && after.data_subject() != app.data_subject() {
        let (zh, en) = ("更换申请人前，请先删除已上传的附件", "take the files out before you name another applicant");
        return Err(Refusal {
            kind: Kind::FailedPrecondition,
            ..Refusal::field("applicant", "APPLICANT_HAS_FILES", zh, en)
        });
    }
    if way == Way::OnTheSpot {
        check_contents(&after, facts, by, cx)?;
        form::consented(&after, facts, false)?;
    }
    let form = match &after.form {
        form if *form == app.form => Change::Keep,
        Some(form) => Change::Set(form.clone()),
        None => Change::Clear,
    };
    let fields = match &form {
        Change::Keep => Vec::new(),
        _ => form::changed(app.form.as_ref(), after.form.as_ref()),
    };
    let owner = owner(app.begun_by_staff, &by.actor, after.applicant.as_ref());
    let updated = Event::Updated {
        owner: (app.begun_by_staff && owner != app.owner).then_some(owner),
        applicant: boxed(&ask.applicant),
        agent: boxed(&ask.agent),
        form,
        fields,
        by: by.actor.clone(),
    };
    Ok(spot::recorded(way, updated, &after, facts, by))
}
