//! GB 11643 citizen numbers (公民身份号码): area 6, birth date 8, sequence 3, check 1.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::IdentityError;

/// Digit 17 of a citizen number: odd male, even female.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Gender {
    /// 男
    Male,
    /// 女
    Female,
}

const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
const CHECKS: &[u8; 11] = b"10X98765432";

/// Province prefixes of GB/T 2260 from which citizen numbers are given out.
const PROVINCES: [u8; 34] = [
    11, 12, 13, 14, 15, 21, 22, 23, 31, 32, 33, 34, 35, 36, 37, 41, 42, 43, 44, 45, 46, 50, 51, 52, 53, 54, 61, 62, 63,
    64, 65, 71, 81, 82,
];

/// The check character over the first 17 digits (ISO 7064 MOD 11-2), or `None` when they are not 17 digits.
pub fn check_character(body: &str) -> Option<char> {
    let body = body.as_bytes();
    (body.len() == 17 && body.iter().all(u8::is_ascii_digit)).then(|| char::from(check_of(body)))
}

fn check_of(body: &[u8]) -> u8 {
    let sum: u32 = body.iter().zip(WEIGHTS).map(|(c, w)| u32::from(c - b'0') * w).sum();
    CHECKS[(sum % 11) as usize]
}

/// Format of 17 digits and a digit or X.
pub(super) fn shape(number: &[u8]) -> Result<(), IdentityError> {
    if number.len() != 18 {
        return Err(IdentityError::CitizenLength);
    }
    let (last, body) = number.split_last().ok_or(IdentityError::CitizenLength)?;
    if !body.iter().all(u8::is_ascii_digit) || !(last.is_ascii_digit() || *last == b'X') {
        return Err(IdentityError::CitizenCharacter);
    }
    Ok(())
}

/// Everything but the area, which differs between kinds. The check digit goes last, so that a mistyped date is named
/// as such.
pub(super) fn date_and_check(number: &[u8]) -> Result<(), IdentityError> {
    birth_date(number).ok_or(IdentityError::CitizenBirthDate)?;
    check(number).then_some(()).ok_or(IdentityError::CitizenCheckDigit)
}

/// Whether character 18 is the computed one.
pub(super) fn check(number: &[u8]) -> bool {
    check_of(&number[..17]) == number[17]
}

/// A resident's area: a known province. Counties come and go every year while numbers stay, so they are not compared
/// with today's table.
pub(super) fn area(number: &[u8]) -> Result<(), IdentityError> {
    let prefix = two(number, 0) as u8;
    match prefix {
        81..=83 if &number[2..6] == b"0000" => Err(IdentityError::CitizenIsPermit),
        p if PROVINCES.contains(&p) => Ok(()),
        _ => Err(IdentityError::CitizenArea),
    }
}

fn two(number: &[u8], at: usize) -> u32 {
    u32::from(number[at] - b'0') * 10 + u32::from(number[at + 1] - b'0')
}

/// Digits 7 to 14 as a real day from 1850 on; no one older holds a document.
pub(super) fn birth_date(number: &[u8]) -> Option<NaiveDate> {
    let year = (two(number, 6) * 100 + two(number, 8)) as i32;
    NaiveDate::from_ymd_opt(year, two(number, 10), two(number, 12)).filter(|_| (1850..=2199).contains(&year))
}

pub(super) fn gender(number: &[u8]) -> Gender {
    if number[16] % 2 == 1 { Gender::Male } else { Gender::Female }
}
