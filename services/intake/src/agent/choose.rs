//! 指派规则: who is asked first. Pure: the same request and the same agents give the same answer, in whatever order they come.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::{Agent, Kind};
use crate::directory::governs;

/// What help is wanted, where and with what.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wanted {
    /// What kind of help.
    pub kind: Kind,
    /// 行政区划 of the asker's place, 12 digits.
    pub region: String,
    /// 园区; empty for none.
    pub park: String,
    /// 实施编码 of the items it is about.
    pub items: BTreeSet<String>,
    /// Code of the theme it is about; empty for none.
    pub theme: String,
}

/// Whether an agent serves the place, does this kind, and knows one of the items or the theme.
pub fn fits(wanted: &Wanted, agent: &Agent) -> bool {
    let own = &agent.registered;
    let place = governs(&own.region, &wanted.region) && (own.park.is_empty() || own.park == wanted.park);
    let open_to_all = own.items.is_empty() && own.themes.is_empty();
    let about_nothing = wanted.items.is_empty() && wanted.theme.is_empty();
    place && own.kinds.contains(&wanted.kind) && (open_to_all || about_nothing || knows(wanted, agent))
}

/// Whether an agent is registered for one of the items or the theme by name.
fn knows(wanted: &Wanted, agent: &Agent) -> bool {
    let own = &agent.registered;
    own.themes.contains(&wanted.theme) || !own.items.is_disjoint(&wanted.items)
}

/// The agent who is asked: of those on duty and not full who fit, the nearest (their park, else the longest code that the place
/// begins with); among them who knows the item by name, then who has the least in hand, then who has been idle longest, then by account.
pub fn choose<'a>(
    wanted: &Wanted,
    agents: impl IntoIterator<Item = &'a Agent>,
    but: Option<&str>,
    on: NaiveDate,
) -> Option<&'a Agent> {
    let free = |agent: &&Agent| {
        agent.on_duty(on) && !agent.is_full() && but != Some(agent.registered.account.as_str()) && fits(wanted, agent)
    };
    agents.into_iter().filter(free).min_by_key(|agent| {
        let own = &agent.registered;
        let place = own.region.trim_end_matches('0').len();
        (
            Reverse((!own.park.is_empty(), place)),
            Reverse(knows(wanted, agent)),
            agent.open.len(),
            agent.idle_since,
            own.account.clone(),
        )
    })
}
