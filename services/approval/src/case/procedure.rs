//! 特别程序 (GB/T 39046 table A.7): 延长审批, and what the law does not count (行政许可法 arts. 42, 45). Whoever handles the case asks
//! for it, whoever answers for the limit allows it, and the applicant is told in writing how long it takes. From that day on it moves
//! the due dates; before it, and beyond what was told, the clock runs.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use yiwang_ledger::{Context, Decision as Decided, Personal, Refusal, Timestamp};
use yiwang_standards::calendar::Pause;
use yiwang_standards::licensing::SPECIAL_GROUNDS;

use super::{Case, Due, Event, Item, Limit, Officer, Source, Unit, clock, rules};

/// No case has more of them.
const MOST: usize = 20;
/// No procedure takes longer, in working days: two years. Unverified constant.
pub const LONGEST: u32 = 500;
/// Name of the first kind of table A.7.
pub const EXTENSION: &str = "延长审批";

/// 特别程序种类, table A.7.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SpecialKind {
    /// 1 延长审批: the limit itself becomes longer.
    #[default]
    Extension,
    /// 2 其他: its time is not counted in the limit.
    Other,
}

/// What the item's list says of one special procedure.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listed {
    /// Its kind.
    pub kind: SpecialKind,
    /// Its name.
    pub name: String,
    /// Working days that it takes at most; 0: the list does not say.
    pub days: u32,
    /// The rule that allows it.
    pub basis: String,
}

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Asked {
    /// Its kind.
    pub kind: SpecialKind,
    /// Its name: 延长审批, 检测 …
    pub name: String,
    /// Working days that the procedure takes; for an extension, days of the limit's own unit by which it becomes longer.
    pub days: u32,
    /// The rule that allows or demands it.
    pub basis: String,
    /// 理由.
    pub reason: Personal,
    /// Who asks.
    pub by: Officer,
}

/// One special procedure of a case.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Procedure {
    /// Its number in the case, from 1.
    pub number: u32,
    /// What was asked for.
    pub asked: Asked,
    /// When.
    pub at: Timestamp,
    /// Where it stands.
    pub stage: Stage,
}

/// Where a special procedure stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Stage {
    /// Waits for whoever answers for the limit.
    Asked,
    /// Not allowed.
    Denied {
        /// By whom.
        by: Officer,
        /// When.
        at: Timestamp,
        /// Why.
        reason: Personal,
    },
    /// Allowed, and the applicant told.
    Allowed(Box<Allowance>),
}

/// That a special procedure was allowed, and what came of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Allowance {
    /// By whom.
    pub by: Officer,
    /// When.
    pub at: Timestamp,
    /// The day of it, at whose end the clock stops.
    pub on: NaiveDate,
    /// The last day of what was told, to which the clock stands still at most; none for an extension.
    pub until: Option<Due>,
    /// The limit as it was before it was extended; none for any other procedure.
    pub before: Option<Limit>,
    /// 文书编号 of the notice; empty until the register has issued it.
    pub document: String,
    /// How it ended; none while it runs.
    pub ended: Option<Ended>,
}

/// How a special procedure ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ended {
    /// Who recorded it.
    pub by: Officer,
    /// When.
    pub at: Timestamp,
    /// The day of it, at whose end the clock goes on.
    pub on: NaiveDate,
    /// 结果.
    pub findings: Personal,
}

impl Procedure {
    /// What was allowed, if it was.
    pub fn allowance(&self) -> Option<&Allowance> {
        if let Stage::Allowed(allowance) = &self.stage { Some(allowance) } else { None }
    }

    /// Likewise, to be changed.
    pub fn allowance_mut(&mut self) -> Option<&mut Allowance> {
        if let Stage::Allowed(allowance) = &mut self.stage { Some(allowance) } else { None }
    }

    /// Everybody who had a part in it.
    pub fn officers(&self) -> impl Iterator<Item = &Officer> {
        let (denied, allowance) = match &self.stage {
            Stage::Asked => (None, None),
            Stage::Denied { by, .. } => (Some(by), None),
            Stage::Allowed(allowance) => (None, Some(allowance)),
        };
        let allowed = allowance.map(|allowance| &allowance.by);
        let ended = allowance.and_then(|allowance| allowance.ended.as_ref()).map(|ended| &ended.by);
        std::iter::once(&self.asked.by).chain(denied).chain(allowed).chain(ended)
    }

    /// Whether its time runs: allowed, and not ended. An extension never does.
    pub fn is_running(&self) -> bool {
        self.allowance().is_some_and(|allowance| allowance.until.is_some() && allowance.ended.is_none())
    }

    /// The time that is not counted: to the day on which it ended, and no further than was told.
    pub fn pause(&self) -> Option<Pause> {
        let allowance = self.allowance()?;
        let told = allowance.until.as_ref()?.date;
        let ended = allowance.ended.as_ref().map_or(told, |ended| ended.on.min(told));
        Some(Pause { from: allowance.on, resumed: Some(ended) })
    }

    /// What it adds to the limit, and the limit before it; none unless it is an extension that was allowed.
    pub fn extension(&self) -> Option<(&Limit, u32)> {
        let before = self.allowance()?.before.as_ref()?;
        Some((before, self.asked.days))
    }
}

/// How the limit of an item may be extended: by so many days, by whose leave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extension {
    /// Days at most, of the limit's own unit.
    pub days: u32,
    /// The rule.
    pub basis: String,
    /// By leave of the government of the same level, not of the organ's own head.
    pub by_government: bool,
}

impl Extension {
    /// Who allows it, as the notice says.
    pub fn approver(&self) -> &'static str {
        if self.by_government { "本级人民政府负责人" } else { "本行政机关负责人" }
    }
}

/// How the limit of an item may be extended. Art. 42 speaks of its own limits: where another rule sets the limit, or another law governs
/// the item, only its list can say that it may be extended.
pub fn extension(item: &Item, limit: &Limit) -> Option<Extension> {
    let listed = item.special.iter().find(|one| one.kind == SpecialKind::Extension && one.days > 0);
    let by_government = rules::is_joint(item);
    let own = rules::extension(item).filter(|_| limit.days > 0 && is_of_article_42(&limit.basis));
    match (listed, own) {
        // the list can give less than the law, never more
        (Some(listed), Some((days, _))) => {
            Some(Extension { days: listed.days.min(days), basis: listed.basis.clone(), by_government })
        }
        (Some(listed), None) if limit.days > 0 => {
            Some(Extension { days: listed.days, basis: listed.basis.clone(), by_government })
        }
        (None, Some((days, basis))) => Some(Extension { days, basis: basis.to_owned(), by_government }),
        _ => None,
    }
}

/// Whether a limit is that of 行政许可法 art. 42, as lists write it: with brackets or blanks, or without.
fn is_of_article_42(basis: &str) -> bool {
    let words: String = basis.chars().filter(|one| !one.is_whitespace() && !"《》".contains(*one)).collect();
    words.contains("行政许可法第四十二条")
}

/// What an officer asks for.
#[derive(Clone, Debug)]
pub struct Ask {
    /// Its kind.
    pub kind: SpecialKind,
    /// Its name; of no account for an extension.
    pub name: String,
    /// Working days.
    pub days: u32,
    /// The rule that demands it; may be empty where the item's list names it.
    pub basis: String,
    /// 理由.
    pub reason: String,
}

/// Asks for a special procedure. The clock goes on until it is allowed.
///
/// # Errors
/// `WRONG_PHASE`, `LIMIT_PASSED`, `PROCEDURE_UNDERWAY`, `TOO_MANY_PROCEDURES`; for an extension `EXTENSION_NOT_PROVIDED`,
/// `ALREADY_EXTENDED`, `EXTENSION_TOO_LONG`; for another `GROUND_NOT_LISTED`, `PROCEDURE_TOO_LONG`, `BASIS_MISSING`.
pub fn ask(case: &Case, by: &Officer, ask: &Ask, cx: &Context) -> Decided<Event> {
    let facts = case.facts()?;
    if !case.is_open() {
        return super::decide::wrong_phase(case);
    }
    in_time(case, ask.kind, cx)?;
    if case.procedures.len() >= MOST {
        let (zh, en) = ("该办件的特别程序过多", "the case has too many special procedures");
        return Err(Refusal::state("TOO_MANY_PROCEDURES", zh, en));
    }
    let (name, basis) = match ask.kind {
        SpecialKind::Extension => (EXTENSION.to_owned(), extended_by(case, ask.days)?),
        SpecialKind::Other => (ask.name.clone(), ground(&facts.item, ask)?),
    };
    let open = |one: &&Procedure| one.asked.name == name && (matches!(one.stage, Stage::Asked) || one.is_running());
    if case.procedures.iter().any(|one| open(&one)) {
        let (zh, en) =
            (format!("{name}已经提出或者正在进行"), format!("{name} was asked for already, or is under way"));
        return Err(Refusal::state("PROCEDURE_UNDERWAY", zh, en).with("procedures", name));
    }
    let reason = Personal::new(&facts.applicant.subject, "procedure", ask.reason.as_str());
    let asked = Asked { kind: ask.kind, name, days: ask.days, basis, reason, by: by.clone() };
    Ok(vec![Event::ProcedureAsked(Box::new(asked))])
}

/// The rule by which the case may be extended by so many days: once (行政许可法 art. 42).
fn extended_by(case: &Case, days: u32) -> Result<String, Refusal> {
    let facts = case.facts()?;
    if case.procedures.iter().any(|one| one.extension().is_some()) {
        let (zh, en) = ("办理期限已经延长过一次，不得再次延长", "the limit was extended already, and is extended once");
        return Err(Refusal::state("ALREADY_EXTENDED", zh, en));
    }
    let Some(extension) = extension(&facts.item, &facts.legal.limit) else {
        let (zh, en) = ("该事项的法定办结时限没有可以延长的规定", "no rule lets the limit of this item be extended");
        return Err(Refusal::state("EXTENSION_NOT_PROVIDED", zh, en));
    };
    if days > extension.days {
        let zh = format!("最多可以延长{}{}（{}）", extension.days, zh(facts.legal.limit.unit), extension.basis);
        let en = format!("the limit is extended by at most {} days", extension.days);
        return Err(Refusal::field("days", "EXTENSION_TOO_LONG", zh, en));
    }
    Ok(extension.basis)
}

/// The rule that demands a procedure. For a licence it is one of the eight of art. 45, and of the item's list where that names any; for
/// another item it is one of its list.
fn ground(item: &Item, ask: &Ask) -> Result<String, Refusal> {
    let mut listed = item.special.iter().filter(|one| one.kind == SpecialKind::Other).peekable();
    let licensing = item.item_type == rules::LICENSING;
    let any = licensing && listed.peek().is_none();
    let found = listed.find(|one| one.name == ask.name);
    let of_law = !licensing || SPECIAL_GROUNDS.contains(&ask.name.as_str());
    if !of_law || (found.is_none() && !any) {
        let (zh, en) = match licensing {
            true => (
                "行政许可不计入期限的只有听证、招标、拍卖、检验、检测、检疫、鉴定和专家评审中依法需要的（第四十五条）",
                "is none of the eight of art. 45, or not on the item's list",
            ),
            false => ("实施清单没有列出该特别程序", "the item's list does not name it"),
        };
        return Err(Refusal::field("name", "GROUND_NOT_LISTED", zh, en));
    }
    if let Some(most) = found.map(|one| one.days).filter(|most| *most > 0 && ask.days > *most) {
        let (zh, en) = (
            format!("实施清单规定{}最多{most}个工作日", ask.name),
            format!("the item's list gives it at most {most} working days"),
        );
        return Err(Refusal::field("days", "PROCEDURE_TOO_LONG", zh, en));
    }
    match (ask.basis.trim(), found.map(|one| one.basis.trim()).unwrap_or_default()) {
        ("", "") => {
            let (zh, en) = ("请写明要求进行该程序的法律依据", "say which rule demands the procedure");
            Err(Refusal::field("basis", "BASIS_MISSING", zh, en))
        }
        ("", listed) => Ok(listed.to_owned()),
        (own, _) => Ok(own.to_owned()),
    }
}

/// The unit of so many days, after the number.
pub fn zh(unit: Unit) -> &'static str {
    match unit {
        Unit::WorkingDay => "个工作日",
        Unit::CalendarDay => "日",
    }
}

/// Nothing stops or lengthens a limit that has passed; and it can be extended to its end, but stopped only while a day of it is left.
fn in_time(case: &Case, kind: SpecialKind, cx: &Context) -> Result<(), Refusal> {
    let (facts, today) = (case.facts()?, clock::day_of(cx.now));
    let in_time = match kind {
        SpecialKind::Extension => today <= facts.legal.date,
        SpecialKind::Other => clock::can_stop(facts, &case.procedures, today, &cx.calendar),
    };
    if in_time {
        return Ok(());
    }
    let (zh, en) =
        ("法定办结时限已过，不能再延长或者暂停计时", "the legal limit has passed: nothing stops or extends it now");
    Err(Refusal::state("LIMIT_PASSED", zh, en))
}

/// What is said to a procedure that was asked for.
#[derive(Clone, Debug)]
pub enum Verdict {
    /// 同意.
    Allow,
    /// 不同意, with reasons.
    Deny(String),
}

/// The procedure of that number.
///
/// # Errors
/// `PROCEDURE_NOT_FOUND`.
pub fn find(case: &Case, number: u32) -> Result<&Procedure, Refusal> {
    case.procedures.iter().find(|one| one.number == number).ok_or_else(|| {
        let (zh, en) = ("该办件没有这一特别程序", "the case has no such special procedure");
        Refusal::new(yiwang_ledger::Kind::NotFound, "PROCEDURE_NOT_FOUND", zh, en)
    })
}

/// Whoever answers for the limit allows a procedure, or does not; never who asked for it. What is allowed stops or lengthens the clock
/// from that day, on which the applicant is told.
///
/// # Errors
/// `PROCEDURE_NOT_FOUND`, `WRONG_PHASE`, `PROCEDURE_DECIDED`, `SAME_OFFICER`, `LIMIT_PASSED`; for an extension those of [`ask`].
pub fn decide(case: &Case, by: &Officer, number: u32, verdict: &Verdict, cx: &Context) -> Decided<Event> {
    let facts = case.facts()?;
    let procedure = find(case, number)?;
    if !matches!(procedure.stage, Stage::Asked) {
        let (zh, en) = ("该特别程序已经审核", "whether it is allowed was said already");
        return Err(Refusal::state("PROCEDURE_DECIDED", zh, en));
    }
    if !case.is_open() {
        return super::decide::wrong_phase(case);
    }
    if procedure.asked.by.id == by.id {
        let (zh, en) = ("提出特别程序的人员不得自行审核", "who asked for a special procedure does not allow it");
        return Err(Refusal::state("SAME_OFFICER", zh, en));
    }
    if let Verdict::Deny(reason) = verdict {
        let reason = Personal::new(&facts.applicant.subject, "procedure", reason.as_str());
        return Ok(vec![Event::ProcedureDenied { number, by: by.clone(), reason }]);
    }
    in_time(case, procedure.asked.kind, cx)?;
    let on = clock::day_of(cx.now);
    let asked = &procedure.asked;
    let (until, before) = match asked.kind {
        SpecialKind::Extension => {
            extended_by(case, asked.days)?;
            (None, Some(facts.legal.limit.clone()))
        }
        SpecialKind::Other => (Some(told(asked).due(on, &cx.calendar)), None),
    };
    let allowance = Allowance { by: by.clone(), at: cx.now, on, until, before, document: String::new(), ended: None };
    let mut after = case.procedures.clone();
    if let Some(one) = after.iter_mut().find(|one| one.number == number) {
        one.stage = Stage::Allowed(Box::new(allowance.clone()));
    }
    let dates = clock::moved(facts, &after, &cx.calendar);
    Ok(vec![Event::ProcedureAllowed { number, allowance: Box::new(allowance), dates }])
}

/// 所需时间, as it is told.
fn told(asked: &Asked) -> Limit {
    let (unit, basis, source) = (Unit::WorkingDay, asked.basis.clone(), Source::Implementation);
    Limit { days: asked.days, unit, basis, source, ..Limit::default() }
}

/// What came of a procedure, and on which day it ended: the clock goes on from the end of that day, which is none before it was allowed
/// and none that is still to come.
///
/// # Errors
/// `PROCEDURE_NOT_FOUND`, `WRONG_PHASE`, `PROCEDURE_NOT_RUNNING`, `END_DATE_INVALID`.
pub fn end(case: &Case, by: &Officer, number: u32, end: (NaiveDate, &str), cx: &Context) -> Decided<Event> {
    let facts = case.facts()?;
    let procedure = find(case, number)?;
    if !case.is_open() {
        return super::decide::wrong_phase(case);
    }
    let Some(allowance) = procedure.allowance().filter(|_| procedure.is_running()) else {
        let (zh, en) = ("该特别程序没有在进行", "the special procedure is not under way");
        return Err(Refusal::state("PROCEDURE_NOT_RUNNING", zh, en));
    };
    let (on, findings) = end;
    let today = clock::day_of(cx.now);
    if on < allowance.on || on > today {
        let (zh, en) = (
            format!("结束日期应在{}至{today}之间", allowance.on),
            format!("a procedure ends between {} and {today}", allowance.on),
        );
        return Err(Refusal::field("end_date", "END_DATE_INVALID", zh, en));
    }
    let findings = Personal::new(&facts.applicant.subject, "procedure", findings);
    let ended = Ended { by: by.clone(), at: cx.now, on, findings };
    let mut after = case.procedures.clone();
    let mine = after.iter_mut().find(|one| one.number == number).and_then(Procedure::allowance_mut);
    if let Some(allowance) = mine {
        allowance.ended = Some(ended.clone());
    }
    let dates = clock::moved(facts, &after, &cx.calendar);
    Ok(vec![Event::ProcedureEnded { number, ended: Box::new(ended), dates }])
}

impl Case {
    /// The special procedures whose time runs.
    pub fn running(&self) -> impl Iterator<Item = &Procedure> {
        self.procedures.iter().filter(|one| one.is_running())
    }

    /// `ASKED` while something waits to be allowed, else `RUNNING` while a procedure's time runs; none of a case that has ended.
    pub fn procedure_stage(&self) -> Option<&'static str> {
        let asked = self.procedures.iter().any(|one| matches!(one.stage, Stage::Asked));
        match (self.is_open(), asked) {
            (false, _) => None,
            (true, true) => Some("ASKED"),
            (true, false) => self.running().next().map(|_| "RUNNING"),
        }
    }
}
