//! Kinds of documents (证件种类) with their GA/T 2000.156 codes, and the check of each.

use serde::{Deserialize, Serialize};

use super::{IdentityError, citizen};
use crate::uscc;

/// Kind of document. Codes are those of GA/T 2000.156 (n3), the organisations' that of the national exchange.
///
/// 111 and 414 are sure; 511, 516, 553, 001 and 990 are unverified constants. The residence permits of 2018 are younger
/// than the table of 2016 and have no code known to us: they go out as 990.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum DocumentKind {
    /// 居民身份证, GB 11643.
    ResidentId,
    /// 护照, of any country: no check digit.
    Passport,
    /// 港澳居民来往内地通行证.
    HongKongMacauPass,
    /// 台湾居民来往大陆通行证.
    TaiwanPass,
    /// 港澳居民居住证, GB 11643 form with area 810000 or 820000.
    HongKongMacauPermit,
    /// 台湾居民居住证, GB 11643 form with area 830000.
    TaiwanPermit,
    /// 外国人永久居留身份证: 2023 version 18 digits from 9 on, older ones 15 characters.
    ForeignPermanentResidence,
    /// 统一社会信用代码, GB 32100: organisations.
    Uscc,
    /// 其他证件.
    Other,
}

impl DocumentKind {
    /// Every kind, in the order in which a form offers them.
    pub const ALL: [Self; 9] = [
        Self::ResidentId,
        Self::Passport,
        Self::HongKongMacauPass,
        Self::TaiwanPass,
        Self::HongKongMacauPermit,
        Self::TaiwanPermit,
        Self::ForeignPermanentResidence,
        Self::Uscc,
        Self::Other,
    ];

    /// The n3 code.
    pub const fn code(self) -> &'static str {
        self.row().0
    }

    /// The stable name in capitals, as JSON spells it.
    pub const fn name(self) -> &'static str {
        self.row().1
    }

    /// The Chinese name.
    pub const fn zh(self) -> &'static str {
        self.row().2
    }

    /// The English name.
    pub const fn en(self) -> &'static str {
        self.row().3
    }

    /// By name or by code, `None` when neither is known. `990` is [`DocumentKind::Other`].
    pub fn parse(text: &str) -> Option<Self> {
        let by_name = Self::ALL.into_iter().find(|kind| kind.name() == text);
        by_name.or_else(|| Self::ALL.into_iter().rev().find(|kind| kind.code() == text))
    }

    /// Whether the holder is an organisation.
    pub const fn is_organisation(self) -> bool {
        matches!(self, Self::Uscc)
    }

    /// Whether digits 7 to 14 of the number are a day of birth.
    pub(super) const fn carries_birth_date(self) -> bool {
        matches!(self, Self::ResidentId | Self::HongKongMacauPermit | Self::TaiwanPermit)
    }

    const fn row(self) -> (&'static str, &'static str, &'static str, &'static str) {
        match self {
            Self::ResidentId => ("111", "RESIDENT_ID", "居民身份证", "resident identity card"),
            Self::Passport => ("414", "PASSPORT", "护照", "passport"),
            // unverified code
            Self::HongKongMacauPass => (
                "516",
                "HONG_KONG_MACAU_PASS",
                "港澳居民来往内地通行证",
                "mainland travel permit for Hong Kong and Macau residents",
            ),
            // unverified code
            Self::TaiwanPass => {
                ("511", "TAIWAN_PASS", "台湾居民来往大陆通行证", "mainland travel permit for Taiwan residents")
            }
            Self::HongKongMacauPermit => (
                "990",
                "HONG_KONG_MACAU_PERMIT",
                "港澳居民居住证",
                "residence permit for Hong Kong and Macau residents",
            ),
            Self::TaiwanPermit => ("990", "TAIWAN_PERMIT", "台湾居民居住证", "residence permit for Taiwan residents"),
            // unverified code
            Self::ForeignPermanentResidence => (
                "553",
                "FOREIGN_PERMANENT_RESIDENCE",
                "外国人永久居留身份证",
                "foreign permanent resident identity card",
            ),
            // unverified code
            Self::Uscc => ("001", "USCC", "统一社会信用代码", "unified social credit code"),
            // unverified code
            Self::Other => ("990", "OTHER", "其他证件", "other document"),
        }
    }
}

pub(super) fn check(kind: DocumentKind, number: &str) -> Result<(), IdentityError> {
    let bytes = number.as_bytes();
    match kind {
        DocumentKind::ResidentId => {
            citizen::shape(bytes)?;
            citizen::area(bytes)?;
            citizen::date_and_check(bytes)
        }
        DocumentKind::HongKongMacauPermit => permit(bytes, &[b"810000", b"820000"]),
        DocumentKind::TaiwanPermit => permit(bytes, &[b"830000"]),
        DocumentKind::Passport => {
            let fits = (5..=17).contains(&bytes.len()) && bytes.iter().all(u8::is_ascii_alphanumeric);
            fits.then_some(()).ok_or(IdentityError::PassportFormat)
        }
        DocumentKind::HongKongMacauPass => match bytes {
            [b'H' | b'M', rest @ ..] if matches!(rest.len(), 8 | 10) && digits(rest) => Ok(()),
            _ => Err(IdentityError::HongKongMacauPassFormat),
        },
        DocumentKind::TaiwanPass => taiwan_pass(bytes),
        DocumentKind::ForeignPermanentResidence => foreign_permanent(bytes),
        DocumentKind::Uscc => uscc::check(bytes),
        DocumentKind::Other => {
            let known = |c: &u8| c.is_ascii_alphanumeric() || b"-()/.".contains(c);
            let fits = number.chars().count() <= 40 && number.chars().all(|c| !c.is_ascii() || known(&(c as u8)));
            (fits && !number.chars().any(char::is_control)).then_some(()).ok_or(IdentityError::OtherFormat)
        }
    }
}

fn digits(bytes: &[u8]) -> bool {
    bytes.iter().all(u8::is_ascii_digit)
}

fn permit(number: &[u8], areas: &[&[u8; 6]]) -> Result<(), IdentityError> {
    citizen::shape(number)?;
    if !areas.iter().any(|area| number.starts_with(*area)) {
        return Err(IdentityError::PermitArea);
    }
    citizen::date_and_check(number)
}

fn taiwan_pass(number: &[u8]) -> Result<(), IdentityError> {
    let fits = match number {
        n if n.len() == 8 || n.len() == 10 => digits(n),
        [head @ .., b'A'..=b'Z'] if head.len() == 10 => digits(head),
        [head @ .., b'(', b'A'..=b'Z', b')'] if head.len() == 10 => digits(head),
        _ => false,
    };
    fits.then_some(()).ok_or(IdentityError::TaiwanPassFormat)
}

/// 2023 version: 18 digits from 9 on with the GB 11643 check. Nobody is refused for what else the digits say: the
/// layout between them was not read in the standard itself.
fn foreign_permanent(number: &[u8]) -> Result<(), IdentityError> {
    match number.len() {
        15 if number[..3].iter().all(u8::is_ascii_uppercase) && digits(&number[3..]) => Ok(()),
        18 if number[0] == b'9' && citizen::shape(number).is_ok() => {
            citizen::check(number).then_some(()).ok_or(IdentityError::ForeignPermanentCheckDigit)
        }
        _ => Err(IdentityError::ForeignPermanentFormat),
    }
}
