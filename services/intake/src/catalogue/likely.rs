//! 猜您要办: the items that somebody's situation makes likely, each with the reason why. Reckoned from what they say in the call and from
//! what the platform holds about this very person or company: their licences, their applications, their chains. What a form, a paper
//! or an attachment says is not looked at, and nobody is sorted by what others like them did.
//!
//! Invariant: no item without a reason, and none that the holder has in hand already.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Days, NaiveDate};

use super::details::Served;
use super::{Item, ItemFacts};
use crate::directory::governs;
use crate::theme::ThemeFacts;

/// A licence that ends within so many days is soon to be renewed. DESIGN: twice and half as long as the thirty days of 行政许可法 art. 50,
/// so that there is time to prepare.
pub const SOON: u64 = 90;

/// Words of an item that renews what another gives.
const RENEWING: [&str; 7] = ["延续", "换发", "换证", "换领", "续期", "延期", "续展"];

/// A licence that somebody holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// 证照类型代码.
    pub type_code: String,
    /// Its name.
    pub name: String,
    /// Last day; none for no end.
    pub valid_to: Option<NaiveDate>,
}

/// A stage of a chain that waits for its applicant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenStage {
    /// Code of the chain.
    pub theme: String,
    /// Its name.
    pub theme_name: String,
    /// 实施编码 of the stage.
    pub item: String,
}

/// What is known of somebody.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Situation {
    /// What they are; empty where that is not known.
    pub served: BTreeSet<Served>,
    /// 行政区划, 12 digits; empty where nobody said.
    pub region: String,
    /// 生命周期: what is happening to them, as they say.
    pub life_event: String,
    /// Licences in force.
    pub held: Vec<Held>,
    /// What was granted to them: name by 实施编码.
    pub granted: BTreeMap<String, String>,
    /// What is being handled for them: name by 实施编码.
    pub running: BTreeMap<String, String>,
    /// Stages that wait for them.
    pub open: Vec<OpenStage>,
}

impl Situation {
    /// Whether a theme could make anything likely.
    pub fn asks_of_themes(&self) -> bool {
        !self.life_event.is_empty() || !self.granted.is_empty() || !self.running.is_empty()
    }
}

/// Why an item is likely; the strongest first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Why {
    /// 一链: the stage may be begun.
    StageOpen {
        /// Code of the chain.
        theme: String,
        /// Its name.
        name: String,
    },
    /// A licence ends soon.
    RenewalDue {
        /// Its last day.
        valid_to: NaiveDate,
        /// Its name.
        license: String,
        /// It is a 行政许可, for which art. 50 says when to apply.
        permit: bool,
    },
    /// What comes before it in a theme was granted.
    Follows {
        /// Code of the theme.
        theme: String,
        /// Its name.
        name: String,
        /// 实施编码 of what was granted.
        item: String,
        /// Its name.
        granted: String,
    },
    /// It asks for a licence that they hold.
    Uses {
        /// Its name.
        license: String,
    },
    /// It belongs to what is happening to them.
    LifeEvent {
        /// What.
        event: String,
        /// Code of the theme.
        theme: String,
        /// Its name.
        name: String,
    },
    /// What comes before it in a theme is being handled.
    WillFollow {
        /// Code of the theme.
        theme: String,
        /// Its name.
        name: String,
        /// 实施编码 of what is being handled.
        item: String,
        /// Its name.
        running: String,
    },
}

impl Why {
    /// The reason, to be read.
    pub fn text(&self) -> String {
        match self {
            Why::StageOpen { name, .. } => format!("您的“{name}”前一环节已经办成，可以开始这一环节"),
            Why::RenewalDue { valid_to, license, permit } => {
                let rule = if *permit {
                    "；需要延续的，应当在届满三十日前提出（行政许可法第五十条，法律、法规、规章另有规定的除外）"
                } else {
                    ""
                };
                format!("您的《{license}》有效期至{valid_to}{rule}")
            }
            Why::Follows { name, granted, .. } => format!("您已办成“{granted}”，在“{name}”中接下来可能需要办理"),
            Why::Uses { license } => format!("您持有办理它要用的《{license}》，无须提交"),
            Why::LifeEvent { event, name, .. } => format!("属于您说的“{event}”：“{name}”中的事项"),
            Why::WillFollow { name, running, .. } => format!("您的“{running}”正在办理，在“{name}”中办成后可能需要办理"),
        }
    }
}

/// An item that is likely.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Likely {
    /// 实施编码.
    pub item: String,
    /// Why, the strongest first.
    pub reasons: Vec<Why>,
}

/// What the themes make likely: what follows what was granted or is being handled, and what belongs to the event.
pub fn of_themes(situation: &Situation, themes: &[ThemeFacts]) -> Vec<(String, Why)> {
    let mut all = Vec::new();
    for facts in themes {
        let (theme, name) = (|| facts.code.clone(), || facts.name.clone());
        let item_of = |code: &str| facts.members.iter().find(|member| member.code == code).map(|member| &member.item);
        for member in facts.members.iter().filter(|member| !member.item.is_empty()) {
            for before in member.before().into_iter().filter_map(item_of) {
                if let Some(granted) = situation.granted.get(before) {
                    let (item, granted) = (before.clone(), granted.clone());
                    all.push((member.item.clone(), Why::Follows { theme: theme(), name: name(), item, granted }));
                } else if let Some(running) = situation.running.get(before) {
                    let (item, running) = (before.clone(), running.clone());
                    all.push((member.item.clone(), Why::WillFollow { theme: theme(), name: name(), item, running }));
                }
            }
            if !situation.life_event.is_empty() && facts.life_event == situation.life_event {
                let event = situation.life_event.clone();
                all.push((member.item.clone(), Why::LifeEvent { event, theme: theme(), name: name() }));
            }
        }
    }
    let stages = situation.open.iter().map(|stage| {
        (stage.item.clone(), Why::StageOpen { theme: stage.theme.clone(), name: stage.theme_name.clone() })
    });
    all.into_iter().chain(stages).collect()
}

/// Whether a licence ends so soon that its renewal is likely.
pub fn ends_soon(held: &Held, today: NaiveDate) -> bool {
    let last = today.checked_add_days(Days::new(SOON));
    held.valid_to.zip(last).is_some_and(|(valid_to, last)| today <= valid_to && valid_to <= last)
}

/// What a licence makes likely: `yields` are the items that give such a licence, with those of the same main item; `takes` the items
/// that ask for one.
pub fn of_license(held: &Held, yields: &[ItemFacts], takes: &[ItemFacts], today: NaiveDate) -> Vec<(String, Why)> {
    let uses = |facts: &ItemFacts| (facts.code.clone(), Why::Uses { license: held.name.clone() });
    let mut all: Vec<(String, Why)> = takes.iter().map(uses).collect();
    if let Some(valid_to) = held.valid_to.filter(|_| ends_soon(held, today)) {
        let renews = |facts: &&ItemFacts| RENEWING.iter().any(|word| facts.name.contains(word));
        let mut renewing: Vec<&ItemFacts> = yields.iter().filter(renews).collect();
        if renewing.is_empty() {
            // no item of its own: it is applied for where the licence came from
            renewing = yields.iter().filter(|facts| facts.result.license_type_code == held.type_code).collect();
        }
        all.extend(renewing.into_iter().map(|facts| {
            let (license, permit) = (held.name.clone(), facts.item_type == 1);
            (facts.code.clone(), Why::RenewalDue { valid_to, license, permit })
        }));
    }
    all
}

/// The items that can be applied for, fit the holder, and are not in hand; the strongest reason first, equals by code. What was granted
/// is likely again only where it is to be renewed.
pub fn chosen(
    situation: &Situation,
    wishes: Vec<(String, Why)>,
    items: &BTreeMap<String, Item>,
    today: NaiveDate,
) -> Vec<Likely> {
    let mut found: BTreeMap<String, BTreeSet<Why>> = BTreeMap::new();
    for (code, why) in wishes {
        let Some(item) = items.get(&code) else { continue };
        let again = matches!(why, Why::RenewalDue { .. } | Why::StageOpen { .. });
        let facts = &item.facts;
        let served = &facts.details.served;
        let fits = item.check_open(today).is_ok()
            && !situation.running.contains_key(&code)
            && (again || !situation.granted.contains_key(&code))
            && (situation.region.is_empty() || governs(&facts.region, &situation.region))
            && (situation.served.is_empty()
                || served.is_empty()
                || served.iter().any(|one| situation.served.contains(one)));
        if fits {
            found.entry(code).or_default().insert(why);
        }
    }
    let mut all: Vec<Likely> =
        found.into_iter().map(|(item, reasons)| Likely { item, reasons: reasons.into_iter().collect() }).collect();
    all.sort_by(|a, b| a.reasons.first().cmp(&b.reasons.first()).then_with(|| a.item.cmp(&b.item)));
    all
}
