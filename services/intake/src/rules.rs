//! Rule sets of intake (data/rules.toml): what binds an application besides its item. Articles 32, 42 and 45 of the
//! licensing law bind item type 01 alone; every other set is configuration that names its source.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

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
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    case_number_layout: String,
    rule_set: Vec<Row>,
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
        }
    }
}

static ALL: LazyLock<Result<(String, Vec<RuleSet>), String>> = LazyLock::new(|| {
    let file: File = toml::from_str(include_str!("../data/rules.toml")).map_err(|error| error.to_string())?;
    Ok((file.case_number_layout, file.rule_set.into_iter().map(RuleSet::from).collect()))
});

/// All rule sets; an error names what is wrong with the data file.
pub fn all() -> Result<&'static [RuleSet], String> {
    ALL.as_ref().map(|(_, sets)| sets.as_slice()).map_err(Clone::clone)
}

/// How a case number looks (see [`crate::register::number`]).
pub fn case_number_layout() -> &'static str {
    ALL.as_ref().map_or(crate::register::LAYOUT, |(layout, _)| layout)
}

/// The rule set of a name; an unknown name has the rules of `general`, which bind the least.
pub fn named(name: &str) -> RuleSet {
    let sets = all().unwrap_or_default();
    let found = sets.iter().find(|set| set.name == name).or_else(|| sets.iter().find(|set| set.name == "general"));
    found.cloned().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_licensing_is_deemed_accepted() {
        let deemed: Vec<_> =
            all().expect("data").iter().filter(|set| set.deemed_acceptance).map(|set| &*set.name).collect();
        assert_eq!(deemed, ["licensing", "licensing-promise"]);
    }

    #[test]
    fn what_no_statute_says_is_marked() {
        for set in all().expect("data") {
            assert_eq!(set.tell_once.unverified, !set.deemed_acceptance, "{}", set.name);
            assert!(set.correction.unverified && !set.correction.basis.is_empty(), "{}", set.name);
        }
    }
}
