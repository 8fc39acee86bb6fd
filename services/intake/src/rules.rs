//! Rule sets of intake (data/rules.toml): what binds an application besides its item. Articles 32, 42 and 45 of the
//! licensing law bind item type 01 alone; every other set is configuration that names its source.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use crate::catalogue::handling::Consequence;
use crate::elsewhere::{ElsewhereRules, ReceiptDay};
use crate::limit::{Limit, Source, Start, Unit};

/// One rule set, as an application takes it from its item and keeps it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleSet {
    /// Its name, `licensing`.
    pub name: String,
    /// Everything missing is told at once within this limit (行政许可法 art. 32 ④ for type 01).
    pub tell_once: Limit,
    /// Told too late is accepted as of the day of receipt (行政许可法 art. 32 ④, type 01 alone).
    pub deemed_acceptance: bool,
    /// How long the applicant has to correct; afterwards the application counts as withdrawn. No national statute says
    /// either.
    pub correction: Limit,
    /// The rule that limits refusal to its two grounds.
    pub refusal_source: String,
    /// What follows when the correction comes late.
    #[serde(default)]
    pub late: Consequence,
    /// A shorter limit that the place sets itself for telling what is missing. It is supervised; the law accepts by
    /// `tell_once` alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tell_sooner: Option<Limit>,
    /// 容缺: working days within which what may follow comes, where the item does not say.
    #[serde(default)]
    pub deferral_days: u32,
    /// 容缺: what follows when it does not.
    #[serde(default)]
    pub deferral_late: Consequence,
    /// 容缺: the rule of the place.
    #[serde(default)]
    pub deferral_source: String,
}

/// 异地代收: what binds whoever receives for another place. No national statute says.
pub fn elsewhere() -> ElsewhereRules {
    ALL.as_ref().map(|all| all.elsewhere.clone()).unwrap_or_default()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    case_number_layout: String,
    deferral_working_days: u32,
    deferral_source: String,
    elsewhere_receipt: ReceiptDay,
    elsewhere_forward_working_days: u32,
    elsewhere_transit_working_days: u32,
    elsewhere_source: String,
    rule_set: Vec<Row>,
    place: Vec<Place>,
}

/// 地方规定: what a place rules beside, or more strictly than, the statutes.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Place {
    /// Beginning of the region codes.
    region: String,
    correction_late: Consequence,
    correction_source: String,
    tell_working_days: Option<u32>,
    tell_source: Option<String>,
    deferral_late: Consequence,
    deferral_source: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    name: String,
    #[expect(dead_code, reason = "for the reader of the file")]
    title: String,
    tell_once_working_days: u32,
    deemed_acceptance: bool,
    source: String,
    unverified: bool,
    correction_calendar_days: u32,
    correction_source: String,
    correction_unverified: bool,
    refusal_source: String,
}

impl From<Row> for RuleSet {
    fn from(row: Row) -> Self {
        let source = if row.unverified { Source::Default } else { Source::Statute };
        RuleSet {
            name: row.name,
            tell_once: Limit {
                days: row.tell_once_working_days,
                unit: Unit::WorkingDay,
                basis: row.source,
                source,
                unverified: row.unverified,
                start: Start::default(),
            },
            deemed_acceptance: row.deemed_acceptance,
            correction: Limit {
                days: row.correction_calendar_days,
                unit: Unit::CalendarDay,
                basis: row.correction_source,
                source: Source::Default,
                unverified: row.correction_unverified,
                start: Start::default(),
            },
            refusal_source: row.refusal_source,
            ..RuleSet::default()
        }
    }
}

struct All {
    layout: String,
    sets: Vec<RuleSet>,
    places: Vec<Place>,
    elsewhere: ElsewhereRules,
}

static ALL: LazyLock<Result<All, String>> = LazyLock::new(|| {
    let file: File = toml::from_str(include_str!("../data/rules.toml")).map_err(|error| error.to_string())?;
    let (days, source) = (file.deferral_working_days, file.deferral_source);
    let of = |row| RuleSet { deferral_days: days, deferral_source: source.clone(), ..RuleSet::from(row) };
    let sets = file.rule_set.into_iter().map(of).collect();
    let limit = |days| Limit {
        days,
        unit: Unit::WorkingDay,
        basis: file.elsewhere_source.clone(),
        source: Source::Default,
        unverified: true,
        start: Start::default(),
    };
    let elsewhere = ElsewhereRules {
        receipt: file.elsewhere_receipt,
        forward: limit(file.elsewhere_forward_working_days),
        transit: limit(file.elsewhere_transit_working_days),
    };
    Ok(All { layout: file.case_number_layout, sets, places: file.place, elsewhere })
});

/// All rule sets; an error names what is wrong with the data file.
pub fn all() -> Result<&'static [RuleSet], String> {
    ALL.as_ref().map(|all| all.sets.as_slice()).map_err(Clone::clone)
}

/// The rule set of a name as it binds in a region: what the place rules itself comes in.
pub fn in_region(name: &str, region: &str) -> RuleSet {
    let mut rules = named(name);
    let places = ALL.as_ref().map(|all| all.places.as_slice()).unwrap_or_default();
    if let Some(place) = places.iter().find(|place| region.starts_with(&place.region)) {
        rules.late = place.correction_late;
        rules.correction.basis.clone_from(&place.correction_source);
        rules.deferral_late = place.deferral_late;
        rules.deferral_source.clone_from(&place.deferral_source);
        rules.tell_sooner = place.tell_working_days.map(|days| Limit {
            days,
            unit: Unit::WorkingDay,
            basis: place.tell_source.clone().unwrap_or_default(),
            source: Source::Statute,
            unverified: false,
            start: Start::default(),
        });
    }
    rules
}

/// How a case number looks (see [`crate::register::number`]).
pub fn case_number_layout() -> &'static str {
    ALL.as_ref().map_or(crate::register::LAYOUT, |all| &all.layout)
}

/// The rule set of a name; an unknown name has the rules of `general`, which bind the least.
pub fn named(name: &str) -> RuleSet {
    let sets = all().unwrap_or_default();
    let found = sets.iter().find(|set| set.name == name).or_else(|| sets.iter().find(|set| set.name == "general"));
    found.cloned().unwrap_or_default()
}
