//! 委托代理 (民法典 art. 165, 169, 173): what an agent may do in the asker's name, and until when.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use yiwang_ledger::{Audiences, Kind, Ledger, ListQuery, Personal, Read, Refusal, StreamId, SubjectId, Timestamp};

use super::{Engagement, Stage};
use crate::application::Actor;

/// What an agent may do in the asker's name (权限).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Power {
    /// 填报: begin and fill in applications, add files.
    FillIn,
    /// 提交.
    Submit,
    /// 补正.
    Correct,
    /// 撤回申请.
    Withdraw,
    /// 领取结果.
    Collect,
}

/// 授权委托书: the agent's name, the matter, the powers and the term (民法典 art. 165).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Authorisation {
    /// The text that was signed.
    pub text: Personal,
    /// What the agent may do.
    pub powers: BTreeSet<Power>,
    /// 实施编码 of the items it is for; empty for all that help was asked for.
    pub items: BTreeSet<String>,
    /// Last day.
    pub until: NaiveDate,
    /// 同意转委托: it passes on with a hand-over (民法典 art. 169).
    pub substitution: bool,
    /// The account that it names; none while nobody is assigned, or after a hand-over without consent.
    pub agent: Option<String>,
    /// Who entered it.
    pub by: Actor,
    /// When.
    pub at: Timestamp,
}

impl Authorisation {
    /// Whether its last day is past.
    pub fn is_over(&self, on: NaiveDate) -> bool {
        self.until < on
    }
}

/// An agent's right to act in the asker's name on an item.
#[derive(Clone, Copy, Debug)]
pub struct Authority<'a> {
    /// In whose name.
    pub principal: &'a SubjectId,
    /// What it rests on.
    pub authorisation: &'a Authorisation,
    /// The applications that the engagement names.
    pub applications: &'a BTreeSet<StreamId>,
}

impl Authority<'_> {
    /// Whether it covers an act.
    ///
    /// # Errors
    /// `POWER_NOT_GIVEN`.
    pub fn may(&self, power: Power) -> Result<(), Refusal> {
        if self.authorisation.powers.contains(&power) {
            return Ok(());
        }
        Err(Refusal::state("POWER_NOT_GIVEN", "委托书没有授予这项权限", "the authorisation does not give this power"))
    }
}

/// Whether the account may act in the asker's name on an item on a day, and how far. An item that is in no list of the engagement is
/// outside whatever was authorised.
///
/// # Errors
/// `ENGAGEMENT_OVER`, `NOT_THE_AGENT`, `NOT_AUTHORISED`, `AUTHORISATION_EXPIRED`, `ITEM_OUT_OF_SCOPE`.
pub fn authority<'a>(
    engagement: &'a Engagement,
    account: &str,
    item_code: &str,
    on: NaiveDate,
) -> Result<Authority<'a>, Refusal> {
    if !matches!(engagement.stage, Stage::InHand | Stage::Reported) {
        let (zh, en) = ("代办已经结束或者尚未指派", "the engagement is over, or nobody is assigned");
        return Err(Refusal::state("ENGAGEMENT_OVER", zh, en));
    }
    if engagement.helper().is_none_or(|helper| helper.account != account) {
        return Err(not_the_agent());
    }
    let given = engagement.authorisation.as_ref().filter(|given| given.agent.as_deref() == Some(account));
    let Some(given) = given.filter(|_| engagement.asked.is_known()) else {
        let (zh, en) = (
            "没有授权委托书，或者其未写明该代办员（民法典第一百六十五条、第一百六十九条）",
            "there is no authorisation that names this agent (民法典 art. 165, 169)",
        );
        return Err(Refusal::state("NOT_AUTHORISED", zh, en));
    };
    if given.is_over(on) {
        let (zh, en) = ("授权期限已经届满（民法典第一百七十三条）", "the authorisation is over (民法典 art. 173)");
        return Err(Refusal::state("AUTHORISATION_EXPIRED", zh, en).with("until_date", given.until.to_string()));
    }
    let items = if given.items.is_empty() { &engagement.asked.wanted.items } else { &given.items };
    if !items.contains(item_code) {
        let (zh, en) = ("该事项不在授权范围内", "the item is outside the authorisation");
        return Err(Refusal::state("ITEM_OUT_OF_SCOPE", zh, en));
    }
    Ok(Authority { principal: &engagement.asked.subject, authorisation: given, applications: &engagement.applications })
}

/// The engagements about an application: for whoever asks on what authority an agent acts on it.
///
/// # Errors
/// Those of the ledger.
pub async fn of_application(ledger: &Ledger, application: StreamId) -> Result<Vec<Read<Engagement>>, Refusal> {
    let filters = vec![("application", application.to_string())];
    let query = ListQuery { filters, page_size: 50, page_token: String::new() };
    Ok(ledger.list::<Engagement>(&query, &Audiences::all()).await?.items)
}

/// `NOT_THE_AGENT`.
pub fn not_the_agent() -> Refusal {
    let (zh, en) = ("该事项不由您代办", "this is not in your hands");
    Refusal::new(Kind::PermissionDenied, "NOT_THE_AGENT", zh, en)
}
