//! 授权 (民法典 arts. 165, 169, 173): what the asker gives an agent in writing. It has its effect as a mandate ([`crate::mandate`]), which the
//! engagement brings about and which ends with it; nothing else lets an agent act in the asker's name.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use yiwang_ledger::{Aggregate as _, Kind as RefusalKind, Personal, Refusal, StreamId, Timestamp, Vault};

use super::{Engagement, Stage};
use crate::agent::county;
use crate::application::{Actor, Party};
use crate::limit::legal_date;
use crate::mandate::{self, Act, Grant, Helping, Kind, Mandate};

/// 授权委托书: the agent's name, the matter, the powers and the term (民法典 art. 165).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Authorisation {
    /// The text that was signed.
    pub text: Personal,
    /// 代理权限.
    #[serde(alias = "powers")]
    pub acts: BTreeSet<Act>,
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
    /// The engagement's version that it was given in; 0 before it is.
    #[serde(default)]
    pub version: u64,
}

impl Authorisation {
    /// Whether its last day is past.
    pub fn is_over(&self, on: NaiveDate) -> bool {
        self.until < on
    }

    /// For whom it is, of those who come: nobody authorises themself (民法典 art. 165), whoever's words they enter.
    pub(super) fn named(&self, account: &str) -> Option<String> {
        (self.by.id != account).then(|| account.to_owned())
    }
}

impl Engagement {
    /// The mandate that stands by what was authorised, with its stream, which is another one for each authorisation and each agent; none while
    /// nobody is named, where nobody is known in whose name it could be, and once the engagement is over.
    pub fn mandate(&self, id: StreamId, vault: &Vault) -> Option<(StreamId, Grant)> {
        let given = self.authorisation.as_ref().filter(|_| matches!(self.stage, Stage::InHand | Stage::Reported))?;
        let helper = self.helper().filter(|helper| given.agent.as_deref() == Some(&helper.account))?;
        let items = if given.items.is_empty() { &self.asked.wanted.items } else { &given.items };
        let subject = &self.asked.subject;
        if !self.asked.is_known() || items.is_empty() {
            return None;
        }
        let bare = |subject| Party { kind: None, name: None, number: None, phone: None, address: None, subject };
        let agent = Party {
            name: Some(Personal::new(subject, "agent.name", helper.name.clone())),
            ..bare(mandate::of_account(vault, &helper.account))
        };
        let name = format!("{id} {} {}", given.version, self.assignments.len());
        let grant = Grant {
            principal: self.asked.asker.clone().unwrap_or_else(|| bare(subject.clone())),
            agent,
            kind: Kind::Helper,
            items: items.iter().cloned().collect(),
            acts: given.acts.iter().copied().collect(),
            from: legal_date(given.at),
            until: given.until,
            evidence: None,
            region: if self.asked.for_another { county(&self.asked.wanted.region) } else { String::new() },
            helping: Some(Helping { engagement: id, account: helper.account.clone() }),
        };
        Some((StreamId::named(Mandate::KIND, &name), grant))
    }
}

/// `NOT_THE_AGENT`.
pub fn not_the_agent() -> Refusal {
    let (zh, en) = ("该事项不由您代办", "this is not in your hands");
    Refusal::new(RefusalKind::PermissionDenied, "NOT_THE_AGENT", zh, en)
}
