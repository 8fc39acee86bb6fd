//! 失信限制: what somebody may not do for a time, or until 信用修复, because of what they did before.

use chrono::{Months, NaiveDate};
use serde::{Deserialize, Serialize};
use yiwang_ledger::{
    Aggregate, Context, Decision, Index, Kind as RefusalKind, Meta, Personal, Refusal, StreamId, SubjectId, Tag,
    Timestamp,
};

use crate::application::Actor;
use crate::catalogue::ItemFacts;
use crate::catalogue::handling::Excluded;
use crate::limit::legal_date;

/// No record has more bars.
const MOST: usize = 100;

/// Why somebody is barred.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// 隐瞒有关情况或者提供虚假材料: one year, for the same licence, where it concerns public safety, life or property
    /// (行政许可法 art. 78).
    FalseMaterial,
    /// 以欺骗、贿赂等不正当手段取得: three years, likewise (art. 79).
    Fraud,
    /// 虚假承诺: no promise takes the place of anything until 信用修复 (安阳市政务服务条例 art. 29; 滨州市并联审批规定 art. 12).
    FalsePromise,
}

impl Kind {
    /// How long it lasts; none: until it is lifted.
    fn months(self) -> Option<u32> {
        match self {
            Kind::FalseMaterial => Some(12),
            Kind::Fraud => Some(36),
            Kind::FalsePromise => None,
        }
    }
}

/// 信用修复, or that it was recorded by mistake.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lifted {
    /// Why.
    pub reason: Personal,
    /// When.
    pub at: Timestamp,
    /// By whom.
    pub by: Actor,
}

/// One bar.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bar {
    /// Its number within the record, from 1.
    pub number: u32,
    /// Why.
    pub kind: Kind,
    /// 实施编码 of what it was done for.
    pub item: String,
    /// Code of the organ that found it.
    pub organisation: String,
    /// 行政区划.
    pub region: String,
    /// The application in which it was found.
    pub application: StreamId,
    /// What was found.
    pub finding: Personal,
    /// First day.
    pub from: NaiveDate,
    /// Last day; none: until it is lifted.
    pub until: Option<NaiveDate>,
    /// By whom.
    pub by: Actor,
    /// How it was lifted; none while it was not.
    pub lifted: Option<Lifted>,
}

impl Bar {
    /// Whether it binds on a day.
    pub fn binds(&self, on: NaiveDate) -> bool {
        self.lifted.is_none() && self.from <= on && self.until.is_none_or(|last| on <= last)
    }
}

/// What a person or company is barred from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bars {
    /// Who; none before the first bar.
    pub subject: Option<SubjectId>,
    /// The bars, oldest first.
    pub bars: Vec<Bar>,
}

/// What happens to a record of bars.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr, strum::VariantNames)]
pub enum BarEvent {
    /// It was found.
    BarRecorded {
        /// Who.
        subject: SubjectId,
        /// The bar.
        bar: Box<Bar>,
    },
    /// 信用修复.
    BarLifted {
        /// Its number.
        number: u32,
        /// Why.
        reason: Personal,
        /// By whom.
        by: Actor,
    },
}

/// The stream of somebody's bars.
pub fn stream(subject: &SubjectId) -> StreamId {
    StreamId::named(Bars::KIND, subject.as_str())
}

/// What is recorded.
#[derive(Clone, Debug)]
pub struct Found {
    /// Why.
    pub kind: Kind,
    /// The application in which it was found.
    pub application: StreamId,
    /// What was found.
    pub finding: String,
}

/// Records a bar. Arts. 78 and 79 bar from a licence alone, and only where it concerns public safety, life or property; elsewhere
/// the law knows a warning. Told again of the same application and kind, there is nothing to do.
///
/// # Errors
/// `BAR_NOT_APPLICABLE`, `TOO_MANY_BARS`.
pub fn record(
    bars: &Bars,
    subject: &SubjectId,
    facts: &ItemFacts,
    found: &Found,
    by: &Actor,
    cx: &Context,
) -> Decision<BarEvent> {
    if bars.bars.iter().any(|bar| bar.application == found.application && bar.kind == found.kind) {
        return Ok(Vec::new());
    }
    let excluded = &facts.details.handling.excluded;
    let safety = [Excluded::PublicSafety, Excluded::LifeAndProperty].iter().any(|field| excluded.contains(field));
    if found.kind != Kind::FalsePromise && !(facts.item_type == 1 && safety) {
        let (zh, en) = (
            "行政许可法第七十八、七十九条的限制只适用于直接关系公共安全、人身健康、生命财产安全的行政许可，其他的给予警告",
            "arts. 78 and 79 bar from licences that concern public safety, life and property alone",
        );
        return Err(Refusal::state("BAR_NOT_APPLICABLE", zh, en));
    }
    if bars.bars.len() >= MOST {
        return Err(Refusal::state("TOO_MANY_BARS", "限制记录过多", "too many bars"));
    }
    let from = legal_date(cx.now);
    let until = found.kind.months().and_then(|months| from.checked_add_months(Months::new(months)));
    let bar = Bar {
        number: u32::try_from(bars.bars.len()).unwrap_or(u32::MAX).saturating_add(1),
        kind: found.kind,
        item: facts.code.clone(),
        organisation: facts.department_code.clone(),
        region: facts.region.clone(),
        application: found.application,
        finding: Personal::new(subject, "bar.finding", found.finding.as_str()),
        from,
        until,
        by: by.clone(),
        lifted: None,
    };
    Ok(vec![BarEvent::BarRecorded { subject: subject.clone(), bar: Box::new(bar) }])
}

/// 信用修复.
///
/// # Errors
/// `BAR_NOT_FOUND`, `BAR_NOT_LIFTED`: what the law itself lets last, arts. 78 and 79, is lifted only where it was a mistake.
pub fn lift(bars: &Bars, number: u32, reason: &str, mistake: bool, by: &Actor) -> Decision<BarEvent> {
    let bar = bars.bars.iter().find(|bar| bar.number == number && bar.lifted.is_none());
    let bar = bar.ok_or_else(|| Refusal { reason: "BAR_NOT_FOUND", ..Refusal::not_found("限制记录") })?;
    if bar.kind != Kind::FalsePromise && !mistake {
        let (zh, en) = ("法定期限内的限制不因信用修复解除", "what the law lets last is not lifted by amends");
        return Err(Refusal::state("BAR_NOT_LIFTED", zh, en));
    }
    let subject = bars.subject.clone().unwrap_or_default();
    Ok(vec![BarEvent::BarLifted { number, reason: Personal::new(&subject, "bar.lifted", reason), by: by.clone() }])
}

/// Whether an application may be handed in on a day, and something be promised with it.
///
/// # Errors
/// `APPLICATION_BARRED`, `PROMISE_BARRED`.
pub fn check(bars: &[Bar], item: &str, promises: bool, on: NaiveDate) -> Result<(), Refusal> {
    for bar in bars.iter().filter(|bar| bar.binds(on)) {
        let until = bar.until.map(|last| last.to_string()).unwrap_or_default();
        let (reason, zh, en) = match bar.kind {
            Kind::FalsePromise if promises => (
                "PROMISE_BARRED",
                "有虚假承诺记录，信用修复前不适用告知承诺和容缺受理，请按一般程序办理".to_owned(),
                "promised falsely before: no promise until amends are made; apply without it".to_owned(),
            ),
            Kind::FalseMaterial | Kind::Fraud if bar.item == item => (
                "APPLICATION_BARRED",
                format!("依照行政许可法第七十八条、第七十九条，{until}前不得再次申请该行政许可"),
                format!("barred from this licence until {until} (Licensing Law arts. 78, 79)"),
            ),
            _ => continue,
        };
        return Err(Refusal::new(RefusalKind::FailedPrecondition, reason, zh, en).with("until_date", until));
    }
    Ok(())
}

impl Aggregate for Bars {
    const KIND: &'static str = "bars";
    type Event = BarEvent;

    fn evolve(&mut self, event: &BarEvent, meta: &Meta) {
        match event {
            BarEvent::BarRecorded { subject, bar } => {
                self.subject = Some(subject.clone());
                self.bars.push((**bar).clone());
            }
            BarEvent::BarLifted { number, reason, by } => {
                if let Some(bar) = self.bars.iter_mut().find(|bar| bar.number == *number) {
                    bar.lifted = Some(Lifted { reason: reason.clone(), at: meta.at, by: by.clone() });
                }
            }
        }
    }

    fn index(&self) -> Index {
        Index { owner: self.subject.as_ref().map(ToString::to_string).unwrap_or_default(), ..Index::default() }
    }

    fn tags(&self) -> Vec<Tag> {
        let Some(subject) = &self.subject else { return Vec::new() };
        let mut tags = vec![Tag::new(Tag::AUDIENCE, subject.audience(), "")];
        tags.extend(self.bars.iter().map(|bar| Tag::new(Tag::AUDIENCE, format!("org:{}", bar.organisation), "")));
        tags.sort();
        tags.dedup();
        tags
    }
}
