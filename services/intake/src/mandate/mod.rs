//! 授权委托: who may act for whom, for what and until when (民法典 arts. 161 to 175). The authority of an agent is looked up here when
//! they act, and what they do names the mandate that it was done under.

use chrono::{Months, NaiveDate};
use serde::{Deserialize, Serialize};
use yiwang_ledger::{
    Aggregate, Audiences, Context, Decision, Index, Kind as RefusalKind, Ledger, Meta, Personal, Refusal, StreamId,
    SubjectId, Tag, Timestamp, Vault,
};
use yiwang_standards::identity::DocumentKind;

use crate::application::{Actor, Party};
use crate::catalogue::import::all_tagged;
use crate::limit::legal_date;

/// No mandate is longer: three years. DESIGN, unverified: no statute limits it.
pub const MONTHS: u32 = 36;

/// By what right somebody acts for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// 委托代理 (民法典 art. 165).
    Entrusted,
    /// 法定代表人 (民法典 art. 61).
    LegalRepresentative,
    /// 经办人, 职务代理 (民法典 art. 170).
    Employee,
    /// 监护人 (民法典 art. 23).
    Guardian,
    /// 近亲属代办.
    Family,
    /// 帮办代办员、村级代办员.
    Helper,
}

impl Kind {
    /// Whether somebody with this document can be acted for so: a company has no guardian, a person no employees.
    pub fn fits(self, principal: Option<DocumentKind>) -> bool {
        let company = principal == Some(DocumentKind::Uscc);
        match self {
            Kind::Entrusted | Kind::Helper => true,
            Kind::LegalRepresentative | Kind::Employee => company,
            Kind::Guardian | Kind::Family => !company,
        }
    }

    /// Whether it is granted by the principal's own account; a guardian's right comes from the law, and is shown at the window.
    fn is_granted(self) -> bool {
        self != Kind::Guardian
    }
}

/// 代理权限.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Act {
    /// 填报、提交、补正、更正.
    #[serde(alias = "fill_in", alias = "submit", alias = "correct")]
    Apply,
    /// 撤回.
    Withdraw,
    /// 领取结果.
    #[serde(alias = "collect")]
    Receive,
}

/// 帮办代办: whose mandate it is, and what brought it about. An agent of an organ is known by their account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Helping {
    /// The engagement, with which it ends.
    pub engagement: StreamId,
    /// The agent's account.
    pub account: String,
}

/// What is granted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// 被代理人.
    pub principal: Party,
    /// 代理人.
    pub agent: Party,
    /// By what right.
    pub kind: Kind,
    /// 代理事项: beginnings of item codes; empty for every item.
    pub items: Vec<String>,
    /// 代理权限.
    pub acts: Vec<Act>,
    /// First day.
    pub from: NaiveDate,
    /// Last day.
    pub until: NaiveDate,
    /// What was shown at the window; none where the principal granted it with their own account.
    pub evidence: Option<Personal>,
    /// The window's region; empty where it was granted online.
    pub region: String,
    /// 帮办代办; none where a person or company acts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub helping: Option<Helping>,
}

impl Grant {
    /// Whether an item is among its matters.
    pub fn covers_item(&self, item: &str) -> bool {
        self.items.is_empty() || self.items.iter().any(|begins| item.starts_with(begins.as_str()))
    }
}

/// How it was ended before its last day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// Why.
    pub reason: Personal,
    /// When.
    pub at: Timestamp,
    /// By whom.
    pub by: Actor,
}

/// A mandate.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mandate {
    /// What was granted; none before it began.
    pub grant: Option<Box<Grant>>,
    /// Who recorded it.
    pub by: Actor,
    /// When.
    pub at: Timestamp,
    /// How it was ended before its last day.
    pub ended: Option<Ended>,
}

/// What happens to a mandate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr, strum::VariantNames)]
pub enum MandateEvent {
    /// 授权.
    MandateGranted {
        /// What is granted.
        grant: Box<Grant>,
        /// By whom.
        by: Actor,
    },
    /// 撤销或者辞去委托.
    MandateRevoked {
        /// Why.
        reason: Personal,
        /// By whom.
        by: Actor,
    },
}

/// The mandate that something was done under.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// Its stream.
    pub id: StreamId,
    /// By what right.
    pub kind: Kind,
}

/// `MANDATE_NOT_FOUND`.
pub fn not_found() -> Refusal {
    Refusal { reason: "MANDATE_NOT_FOUND", ..Refusal::not_found("授权委托") }
}

/// Grants: by the principal's own account, or by a clerk who was shown the paper, and who is not the agent.
///
/// # Errors
/// `NOT_THE_PRINCIPAL`, `OWN_APPLICATION`, `SELF_MANDATE`, `KIND_NOT_ALLOWED`, `ACTS_MISSING`, `EVIDENCE_MISSING`,
/// `PERIOD_INVALID`.
pub fn grant(
    grant: Grant,
    by: &Actor,
    caller: Option<&SubjectId>,
    staff: bool,
    cx: &Context,
) -> Decision<MandateEvent> {
    if grant.principal.subject == grant.agent.subject {
        return Err(Refusal::field("agent", "SELF_MANDATE", "代理人不能是被代理人本人", "nobody is their own agent"));
    }
    if staff {
        if caller.is_some_and(|own| *own == grant.agent.subject || *own == grant.principal.subject) {
            let (zh, en) = ("工作人员不得登记本人的授权", "an officer does not record a mandate of their own");
            return Err(Refusal::new(RefusalKind::PermissionDenied, "OWN_APPLICATION", zh, en));
        }
        if grant.evidence.is_none() {
            let (zh, en) = ("请写明窗口核验的授权材料", "say what was shown at the window");
            return Err(Refusal::field("evidence", "EVIDENCE_MISSING", zh, en));
        }
    } else if caller != Some(&grant.principal.subject) {
        let (zh, en) = (
            "只能以本人名义授权；已有书面授权的，请到窗口登记",
            "grant in your own name; a paper is shown at the window",
        );
        let refusal = Refusal::field("principal", "NOT_THE_PRINCIPAL", zh, en);
        return Err(Refusal { kind: RefusalKind::PermissionDenied, ..refusal });
    }
    if !grant.kind.fits(grant.principal.kind) || !(staff || grant.kind.is_granted()) {
        let (zh, en) =
            ("该代理类型不适用于被代理人，或者须到窗口核验", "not for this principal, or only at the window");
        return Err(Refusal::field("kind", "KIND_NOT_ALLOWED", zh, en));
    }
    if grant.acts.is_empty() {
        let (zh, en) = ("授权应当载明代理权限（民法典第一百六十五条）", "name what may be done (Civil Code art. 165)");
        return Err(Refusal::field("acts", "ACTS_MISSING", zh, en));
    }
    check_period("until_date", grant.from, grant.until, legal_date(cx.now))?;
    Ok(vec![MandateEvent::MandateGranted { grant: Box::new(grant), by: by.clone() }])
}

/// `PERIOD_INVALID`.
///
/// # Errors
/// As it says, naming the field.
pub fn check_period(field: &str, from: NaiveDate, until: NaiveDate, today: NaiveDate) -> Result<(), Refusal> {
    let latest = from.checked_add_months(Months::new(MONTHS));
    if until >= from && until >= today && latest.is_some_and(|latest| until <= latest) {
        return Ok(());
    }
    let (zh, en) = ("授权期限应在三年以内，且尚未届满", "a period of at most three years that is not over");
    Err(Refusal::field(field, "PERIOD_INVALID", zh, en))
}

/// 帮办代办: what an asker has authorised is granted, once; what was revoked since stays so.
pub fn begin(mandate: &Mandate, grant: &Grant, by: &Actor) -> Decision<MandateEvent> {
    let known = mandate.grant.is_some();
    let granted = || MandateEvent::MandateGranted { grant: Box::new(grant.clone()), by: by.clone() };
    Ok((!known).then(granted).into_iter().collect())
}

/// 帮办代办: it ends with what brought it about.
pub fn end(mandate: &Mandate, reason: &Personal, by: &Actor) -> Decision<MandateEvent> {
    let stands = mandate.grant.is_some() && mandate.ended.is_none();
    let revoked = || MandateEvent::MandateRevoked { reason: reason.clone(), by: by.clone() };
    Ok(stands.then(revoked).into_iter().collect())
}

/// The subject of an account of staff, who act in office and show no document.
pub fn of_account(vault: &Vault, account: &str) -> SubjectId {
    vault.lookup("account", account)
}

/// Ends it at once.
///
/// # Errors
/// `MANDATE_ENDED`.
pub fn revoke(mandate: &Mandate, reason: &Personal, by: &Actor, cx: &Context) -> Decision<MandateEvent> {
    if !mandate.in_force(legal_date(cx.now)) && !mandate.waits(legal_date(cx.now)) {
        return Err(Refusal::state("MANDATE_ENDED", "该授权已终止", "the mandate has ended"));
    }
    Ok(vec![MandateEvent::MandateRevoked { reason: reason.clone(), by: by.clone() }])
}

impl Mandate {
    /// Whether it is in force on a day.
    pub fn in_force(&self, on: NaiveDate) -> bool {
        self.ended.is_none() && self.grant.as_ref().is_some_and(|grant| grant.from <= on && on <= grant.until)
    }

    fn waits(&self, on: NaiveDate) -> bool {
        self.ended.is_none() && self.grant.as_ref().is_some_and(|grant| on < grant.from)
    }

    /// Whether it lets this agent do this for this principal on a day.
    pub fn covers(&self, principal: &SubjectId, agent: &SubjectId, item: &str, act: Act, on: NaiveDate) -> bool {
        self.in_force(on)
            && self.grant.as_ref().is_some_and(|grant| {
                grant.principal.subject == *principal
                    && grant.agent.subject == *agent
                    && grant.acts.contains(&act)
                    && grant.covers_item(item)
            })
    }
}

/// The mandates by which an agent may act for a principal in a matter, today.
///
/// # Errors
/// Those of the ledger.
pub async fn between(
    ledger: &Ledger,
    principal: &SubjectId,
    agent: &SubjectId,
) -> Result<Vec<(StreamId, Mandate)>, Refusal> {
    let filters = [("principal", principal.to_string()), ("agent", agent.to_string())];
    let all = all_tagged::<Mandate>(ledger, &filters).await?;
    Ok(all.into_iter().map(|read| (read.stream, (*read.state).clone())).collect())
}

/// Whether one may see it: principal, agent, and the region's window where it was recorded there.
pub fn seen(mandate: &Mandate, audiences: &Audiences) -> bool {
    audiences.meets(&mandate.tags())
}

impl Aggregate for Mandate {
    const KIND: &'static str = "mandate";
    type Event = MandateEvent;

    fn evolve(&mut self, event: &MandateEvent, meta: &Meta) {
        match event {
            MandateEvent::MandateGranted { grant, by } => {
                *self = Mandate { grant: Some(grant.clone()), by: by.clone(), at: meta.at, ended: None };
            }
            MandateEvent::MandateRevoked { reason, by } => {
                self.ended = Some(Ended { reason: reason.clone(), at: meta.at, by: by.clone() });
            }
        }
    }

    fn index(&self) -> Index {
        let grant = self.grant.as_ref();
        Index {
            region: grant.map(|grant| grant.region.clone()).unwrap_or_default(),
            owner: grant.map(|grant| grant.principal.subject.to_string()).unwrap_or_default(),
            status: if self.ended.is_some() { "ENDED" } else { "GRANTED" }.to_owned(),
            ..Index::default()
        }
    }

    fn tags(&self) -> Vec<Tag> {
        let Some(grant) = &self.grant else { return Vec::new() };
        let sort = Tag::newest_first(self.at);
        let mut tags = vec![
            Tag::new(Tag::AUDIENCE, grant.principal.subject.audience(), sort.clone()),
            Tag::new(Tag::AUDIENCE, grant.agent.subject.audience(), sort.clone()),
            Tag::new("principal", grant.principal.subject.to_string(), sort.clone()),
            Tag::new("agent", grant.agent.subject.to_string(), sort.clone()),
        ];
        if let Some(helping) = &grant.helping {
            tags.push(Tag::new(Tag::AUDIENCE, format!("agent:{}", helping.account), sort.clone()));
            tags.push(Tag::new("engagement", helping.engagement.to_string(), sort.clone()));
        }
        if !grant.region.is_empty() {
            tags.push(Tag::new(Tag::AUDIENCE, format!("window:{}", grant.region), sort));
        }
        tags
    }
}
