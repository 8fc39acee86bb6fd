//! The rules of questions by region (data/questions.toml). A question keeps those that it began with.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use crate::limit::{Limit, Source, Unit};

/// What binds a question.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rules {
    /// 答复时限, in working days.
    pub answer: Limit,
    /// The same with its one extension.
    pub extended: Limit,
    /// Within how many hours of being reached an organ says that it is not competent.
    pub not_ours_hours: u32,
    /// After how many offers a coordinator decides.
    pub hand_ons: u32,
    /// How often the asker may ask on after an answer.
    pub follow_ups: u32,
    /// How long after an answer a follow-up or a rating may come, in calendar days.
    pub closing: Limit,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    rule: Vec<Row>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    region: String,
    answer_days: u32,
    extension_days: u32,
    not_ours_hours: u32,
    basis: String,
    unverified: bool,
    hand_ons: u32,
    follow_ups: u32,
    close_days: u32,
    own_basis: String,
}

impl From<&Row> for Rules {
    fn from(row: &Row) -> Self {
        let source = if row.unverified { Source::Default } else { Source::Statute };
        let answer = Limit {
            days: row.answer_days,
            basis: row.basis.clone(),
            source,
            unverified: row.unverified,
            ..Limit::default()
        };
        let closing = Limit {
            days: row.close_days,
            unit: Unit::CalendarDay,
            basis: row.own_basis.clone(),
            unverified: true,
            ..Limit::default()
        };
        Rules {
            extended: Limit { days: row.answer_days + row.extension_days, ..answer.clone() },
            answer,
            not_ours_hours: row.not_ours_hours,
            hand_ons: row.hand_ons,
            follow_ups: row.follow_ups,
            closing,
        }
    }
}

static ALL: LazyLock<Result<Vec<Row>, String>> = LazyLock::new(|| {
    let file: File = toml::from_str(include_str!("../../data/questions.toml")).map_err(|error| error.to_string())?;
    match file.rule.iter().any(|row| row.region.is_empty()) {
        true => Ok(file.rule),
        false => Err("no rule for every region (region = \"\")".to_owned()),
    }
});

/// Whether the data file is in order.
///
/// # Errors
/// What is wrong with it.
pub fn check() -> Result<(), String> {
    ALL.as_ref().map(|_| ()).map_err(Clone::clone)
}

/// The rules of a region.
pub fn of(region: &str) -> Rules {
    let rows = ALL.as_ref().map(Vec::as_slice).unwrap_or_default();
    let fits = rows.iter().filter(|row| region.starts_with(&row.region));
    fits.max_by_key(|row| row.region.len()).map(Rules::from).unwrap_or_default()
}
