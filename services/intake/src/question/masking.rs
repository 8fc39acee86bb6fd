//! What names a person in a text that somebody else is to read: numbers of documents and cards, mobile telephones, mail addresses, and names that
//! are known. An office's telephone and a statute's number stay.

use std::sync::LazyLock;

use chrono::{Datelike as _, NaiveDate};
use regex::{Captures, Regex};
use yiwang_standards::uscc;

/// In this order: a mail address; what is known to be nobody's: an item's code, an organ's, a day; digits with the blanks and hyphens that
/// people put between them, a letter before (a passport), an X after (a resident's number).
static NUMBERS: LazyLock<Result<Regex, regex::Error>> = LazyLock::new(|| {
    Regex::new(concat!(
        r"[A-Za-z0-9._%+\-]+@[A-Za-z0-9.\-]+\.[A-Za-z]{2,}",
        r"|(?-u:\b)[0-9A-Za-z]{8,20}-[0-9]{12}-[0-9A-Za-z]{3}-(?<organ>[0-9A-Z]{18})-[0-9]-[0-9]{2}(?-u:\b)",
        r"|(?-u:\b)(?<code>[0-9A-HJ-NPQRTUWXY]{18})(?-u:\b)",
        r"|(?-u:\b)(?<day>[0-9]{4}-[0-9]{1,2}-[0-9]{1,2})(?-u:\b)",
        r"|[A-Za-z]?[0-9０-９](?:[ \-]?[0-9０-９])*[Xxｘ]?"
    ))
});

const HIDDEN: &str = "***";

/// The text without what names a person; `names` become 张某.
pub fn masked(text: &str, names: &[&str]) -> String {
    let mut text = text.to_owned();
    for name in names.iter().filter(|name| name.chars().count() > 1) {
        let first: String = name.chars().take(1).collect();
        text = text.replace(name, &format!("{first}某"));
    }
    match NUMBERS.as_ref() {
        Ok(numbers) => numbers
            .replace_all(&text, |found: &Captures<'_>| match !is_nobodys(found) && names_somebody(&found[0]) {
                true => HIDDEN.to_owned(),
                false => found[0].to_owned(),
            })
            .into_owned(),
        // a pattern of ours that does not compile hides everything
        Err(_) => HIDDEN.to_owned(),
    }
}

/// Whether the text still names somebody.
pub fn names_anybody(text: &str, names: &[&str]) -> bool {
    masked(text, names) != text
}

/// The code of an item or of an organ (GB 32100), or a day.
fn is_nobodys(found: &Captures<'_>) -> bool {
    let part = |name: &str| found.name(name).map(|part| part.as_str());
    match (part("organ"), part("code"), part("day")) {
        (Some(organ), ..) => !is_born(organ),
        (_, Some(code), _) => uscc::is_valid(code) && !is_born(code),
        (.., Some(day)) => {
            NaiveDate::parse_from_str(day, "%Y-%m-%d").is_ok_and(|day| (1900..2100).contains(&day.year()))
        }
        _ => false,
    }
}

/// Whether a day of birth stands where a resident's number has it, its check digit right or mistyped.
fn is_born(number: &str) -> bool {
    let digits =
        |from: usize, until: usize| number.get(from..until).filter(|part| part.bytes().all(|c| c.is_ascii_digit()));
    let day =
        |text: &str| NaiveDate::parse_from_str(text, "%Y%m%d").is_ok_and(|day| (1900..2100).contains(&day.year()));
    match number.len() {
        18 => digits(0, 17).is_some() && digits(6, 14).is_some_and(day),
        15 => digits(0, 15).is_some() && digits(6, 12).is_some_and(|short| day(&format!("19{short}"))),
        _ => false,
    }
}

/// Cards: the last digit checks the others (ISO/IEC 7812, Luhn).
fn is_card(digits: &str) -> bool {
    let doubled = |(place, digit): (usize, u8)| {
        let digit = u32::from(digit - b'0') * if place % 2 == 1 { 2 } else { 1 };
        digit / 10 + digit % 10
    };
    digits.bytes().rev().enumerate().map(doubled).sum::<u32>() % 10 == 0
}

fn names_somebody(found: &str) -> bool {
    if found.contains('@') {
        return true;
    }
    let letter = found.starts_with(|c: char| c.is_ascii_alphabetic());
    let digits: String = found
        .chars()
        .map(|c| match c {
            '０'..='９' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
            c => c,
        })
        .filter(char::is_ascii_digit)
        .collect();
    let number = if found.ends_with(['x', 'X', 'ｘ']) { format!("{digits}X") } else { digits.clone() };
    // documents and bank cards; mobile telephones, with or without the country; passports and permits
    is_born(&number)
        || ((15..=19).contains(&digits.len()) && is_card(&digits))
        || (digits.len() == 11 && digits.starts_with('1'))
        || (digits.len() == 13 && digits.starts_with("861"))
        || (letter && (8..=10).contains(&digits.len()))
}
