//! The calendar file: reading, completeness of its years, and merging of a new notice.

use std::collections::BTreeSet;

use chrono::{Datelike, NaiveDate};

use super::{CalendarError, Entry, Inner, Name, is_weekend};

/// Names as packages spell them in English, with the names of 全国年节及纪念日放假办法.
const FESTIVALS: [(&str, &str); 7] = [
    ("元旦", "New Year's Day"),
    ("春节", "Spring Festival"),
    ("清明节", "Tomb-sweeping Day"),
    ("劳动节", "Labour Day"),
    ("端午节", "Dragon Boat Festival"),
    ("中秋节", "Mid-autumn Festival"),
    ("国庆节", "National Day"),
];

pub(super) fn parse(text: &str) -> Result<Inner, CalendarError> {
    let mut inner = Inner::default();
    for (index, raw) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        let line = index + 1;
        let row = raw.trim();
        if let Some(comment) = row.strip_prefix('#') {
            if let Some(years) = comment.trim().strip_prefix("covers:") {
                inner.years.extend(covered(years).ok_or(CalendarError::Coverage { line })?);
            }
            continue;
        }
        if row.is_empty() || row.starts_with("date,") {
            continue;
        }
        let (date, entry) = day(row).ok_or(CalendarError::Line { line })?;
        let rest = entry.rest;
        if inner.days.insert(date, entry).is_some_and(|known| known.rest != rest) {
            return Err(CalendarError::Contradiction { date });
        }
    }
    if inner.years.is_empty() { Err(CalendarError::NoCoverage) } else { Ok(inner) }
}

/// `2018-2026`, `2027`, `2027, 2029`.
fn covered(text: &str) -> Option<BTreeSet<i32>> {
    let year = |text: &str| text.trim().parse::<i32>().ok().filter(|y| (1949..=2999).contains(y));
    let mut years = BTreeSet::new();
    for part in text.split(',') {
        match part.split_once('-') {
            Some((first, last)) => {
                let (first, last) = (year(first)?, year(last)?);
                (first <= last).then_some(())?;
                years.extend(first..=last);
            }
            None => {
                years.insert(year(part)?);
            }
        }
    }
    Some(years)
}

fn day(row: &str) -> Option<(NaiveDate, Entry)> {
    let mut fields = row.split(',').map(|field| field.trim().trim_matches('"'));
    let date = NaiveDate::parse_from_str(fields.next()?, "%Y-%m-%d").ok()?;
    let rest = match fields.next()? {
        "holiday" => true,
        "makeup_workday" | "workday" => false,
        _ => return None,
    };
    let name = fields.next().filter(|name| !name.is_empty())?;
    let entry = Entry { rest, name: named(name, fields.next().filter(|name| !name.is_empty())) };
    fields.next().is_none().then_some((date, entry))
}

fn named(name: &str, english: Option<&str>) -> Name {
    let known = FESTIVALS.iter().find(|(zh, en)| *zh == name || *en == name);
    let (zh, en) = known.copied().unwrap_or((name, name));
    Name { zh: zh.to_owned(), en: english.unwrap_or(en).to_owned() }
}

/// Refuses a file that says less or more than the years it claims to cover.
pub(super) fn check(inner: &Inner) -> Result<(), CalendarError> {
    for (date, entry) in &inner.days {
        // A notice may settle the last days of the December before its year.
        let spill = date.month() == 12 && inner.years.contains(&(date.year() + 1));
        if !inner.years.contains(&date.year()) && !spill {
            return Err(CalendarError::OutsideCoverage { date: *date });
        }
        if !entry.rest && !is_weekend(*date) {
            return Err(CalendarError::MakeUpOnWeekday { date: *date });
        }
    }
    inner.years.iter().try_for_each(|year| complete(inner, *year))
}

/// 全国年节及纪念日放假办法 art. 2: a year without one of these rest days is only part of a year. Each row is a festival,
/// the window it falls in and how many of the window's days are rest days at least. 国庆节 takes seven days and 中秋节 an
/// eighth, whether it falls before, into or after them.
fn complete(inner: &Inner, year: i32) -> Result<(), CalendarError> {
    type Window = (&'static str, [u32; 2], [u32; 2], usize);
    const WINDOWS: [Window; 7] = [
        ("元旦", [1, 1], [1, 1], 1),
        ("春节", [1, 20], [2, 25], 3),
        ("清明节", [4, 4], [4, 6], 1),
        ("劳动节", [5, 1], [5, 1], 1),
        ("端午节", [5, 25], [6, 28], 1),
        ("国庆节", [10, 1], [10, 3], 3),
        ("中秋节", [9, 6], [10, 9], 8),
    ];
    for (festival, from, to, least) in WINDOWS {
        let day = |[month, day]: [u32; 2]| NaiveDate::from_ymd_opt(year, month, day);
        let (Some(from), Some(to)) = (day(from), day(to)) else { continue };
        let rests = inner.days.range(from..=to).filter(|(_, entry)| entry.rest).count();
        if rests < least {
            return Err(CalendarError::PartialYear { year, festival });
        }
    }
    Ok(())
}

/// Adds the years of `new`; what is already covered must come out the same, December's last days apart.
pub(super) fn merge(known: &Inner, new: Inner) -> Result<Inner, CalendarError> {
    let mut merged = known.clone();
    for year in new.years.intersection(&known.years) {
        let of_year = |inner: &Inner| -> BTreeSet<NaiveDate> {
            inner.days.keys().filter(|date| date.year() == *year && date.month() < 12).copied().collect()
        };
        if let Some(date) = of_year(known).symmetric_difference(&of_year(&new)).next() {
            return Err(CalendarError::Contradiction { date: *date });
        }
    }
    for (date, entry) in new.days {
        let rest = entry.rest;
        let before = merged.days.entry(date).or_insert(entry);
        if before.rest != rest {
            return Err(CalendarError::Contradiction { date });
        }
    }
    merged.years.extend(new.years);
    Ok(merged)
}
