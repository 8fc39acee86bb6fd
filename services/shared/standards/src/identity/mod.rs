//! Identity numbers of people and organisations, each checked by the rules of its own kind of document.
//!
//! Invariant: a [`Normalised`] number has passed its kind's check; its `Debug` is masked, so it can stand in a log.
//! A kind without a published check (a passport) is welcome with its format alone.

mod citizen;
mod contact;
mod kind;

pub use citizen::{Gender, check_character};
pub use contact::{mask_name, phone};
pub use kind::DocumentKind;

use chrono::NaiveDate;

use crate::reasoned;

/// Why a number was not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum IdentityError {
    /// Nothing was given.
    Empty,
    /// Not 18 characters, as GB 11643 wants.
    CitizenLength,
    /// Something else than 17 digits and a digit or X.
    CitizenCharacter,
    /// The first six digits are no area.
    CitizenArea,
    /// The number is of a residence permit for Hong Kong, Macau or Taiwan residents.
    CitizenIsPermit,
    /// Digits 7 to 14 are no real day.
    CitizenBirthDate,
    /// The day of birth is after the day of use.
    BornInFuture,
    /// The last character is not the computed one.
    CitizenCheckDigit,
    /// A passport number is 5 to 17 letters and digits.
    PassportFormat,
    /// 港澳居民来往内地通行证 is H or M with 8 or 10 digits.
    HongKongMacauPassFormat,
    /// 台湾居民来往大陆通行证 is 8 digits, older ones 10 digits with a letter.
    TaiwanPassFormat,
    /// The permit's area is not 810000/820000, or not 830000.
    PermitArea,
    /// 外国人永久居留身份证 is 18 digits from 9 on, older ones 3 letters and 12 digits.
    ForeignPermanentFormat,
    /// The last character of a foreign permanent residence card is not the computed one.
    ForeignPermanentCheckDigit,
    /// Not 18 characters, as GB 32100 wants.
    UsccLength,
    /// A character outside the 31 of GB 32100 (no I, O, S, V, Z).
    UsccCharacter,
    /// The last character is not the computed one.
    UsccCheckCharacter,
    /// Another document's number is 1 to 40 letters, digits, hyphens or brackets.
    OtherFormat,
    /// Neither a mobile number nor a fixed line with its area code.
    PhoneFormat,
}

reasoned!(IdentityError {
    Empty => "IDENTITY_NUMBER_EMPTY", "证件号码不能为空", "the number is empty";
    CitizenLength => "CITIZEN_NUMBER_LENGTH", "公民身份号码应为18位", "a citizen number has 18 characters";
    CitizenCharacter => "CITIZEN_NUMBER_CHARACTER", "公民身份号码前17位应为数字，末位为数字或X", "a citizen number is 17 digits and a last digit or X";
    CitizenArea => "CITIZEN_NUMBER_AREA", "公民身份号码前6位不是有效的行政区划代码", "the first six digits of the citizen number are no area code";
    CitizenIsPermit => "CITIZEN_NUMBER_RESIDENCE_PERMIT", "该号码属于港澳台居民居住证，请改选证件种类", "the number is that of a residence permit for Hong Kong, Macau or Taiwan residents; choose that kind of document";
    CitizenBirthDate => "CITIZEN_NUMBER_BIRTH_DATE", "公民身份号码中的出生日期不存在", "the birth date in the citizen number does not exist";
    BornInFuture => "BIRTH_DATE_IN_FUTURE", "证件号码中的出生日期晚于今天", "the birth date in the number is later than today";
    CitizenCheckDigit => "CITIZEN_NUMBER_CHECK_DIGIT", "公民身份号码校验码不正确，请核对号码", "the check digit of the citizen number is wrong";
    PassportFormat => "PASSPORT_NUMBER_FORMAT", "护照号码应为5至17位字母或数字", "a passport number is 5 to 17 letters and digits";
    HongKongMacauPassFormat => "HK_MACAU_PASS_FORMAT", "港澳居民来往内地通行证号码应为H或M加8位或10位数字", "this pass is H or M followed by 8 or 10 digits";
    TaiwanPassFormat => "TAIWAN_PASS_FORMAT", "台湾居民来往大陆通行证号码应为8位数字，旧证为10位数字加字母", "this pass is 8 digits, an older one 10 digits and a letter";
    PermitArea => "RESIDENCE_PERMIT_AREA", "居住证号码的地址码与证件种类不符（香港810000，澳门820000，台湾830000）", "the area code of the permit does not fit its kind (810000, 820000 or 830000)";
    ForeignPermanentFormat => "FOREIGN_PERMANENT_RESIDENCE_FORMAT", "外国人永久居留身份证号码应为9开头的18位数字，旧证为3位字母加12位数字", "this card is 18 digits from 9 on, an older one 3 letters and 12 digits";
    ForeignPermanentCheckDigit => "FOREIGN_PERMANENT_RESIDENCE_CHECK_DIGIT", "外国人永久居留身份证号码校验码不正确，请核对号码", "the check digit of the card number is wrong";
    UsccLength => "USCC_LENGTH", "统一社会信用代码应为18位", "a unified social credit code has 18 characters";
    UsccCharacter => "USCC_CHARACTER", "统一社会信用代码只用数字和大写字母，且不含I、O、S、V、Z", "a unified social credit code is digits and letters without I, O, S, V and Z";
    UsccCheckCharacter => "USCC_CHECK_CHARACTER", "统一社会信用代码校验码不正确，请核对代码", "the check character of the unified social credit code is wrong";
    OtherFormat => "DOCUMENT_NUMBER_FORMAT", "证件号码应为1至40位文字、数字、连字符或括号", "the number is 1 to 40 letters, digits, hyphens or brackets";
    PhoneFormat => "PHONE_FORMAT", "联系电话应为手机号码或带区号的固定电话", "the phone is neither a mobile number nor a fixed line with its area code";
});

/// A number that passed its kind's check, in its one spelling: trimmed, half-width, upper-case.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Normalised {
    kind: DocumentKind,
    number: String,
}

impl Normalised {
    /// The kind of document.
    pub fn kind(&self) -> DocumentKind {
        self.kind
    }

    /// The plain number. Personal data: seal it before it is stored.
    pub fn number(&self) -> &str {
        &self.number
    }

    /// The plain number, without a copy.
    pub fn into_number(self) -> String {
        self.number
    }

    /// The number as lists and logs may show it.
    pub fn masked(&self) -> String {
        mask_number(&self.number)
    }

    /// The day of birth, where the kind of number carries it.
    pub fn birth_date(&self) -> Option<NaiveDate> {
        (self.kind.carries_birth_date() && self.number.len() == 18)
            .then(|| citizen::birth_date(self.number.as_bytes()))
            .flatten()
    }

    /// Digit 17: odd male, even female, where the kind of number carries it.
    pub fn gender(&self) -> Option<Gender> {
        (self.kind.carries_birth_date() && self.number.len() == 18).then(|| citizen::gender(self.number.as_bytes()))
    }

    /// The six digits of the area of first registration, where the kind of number carries them.
    pub fn area(&self) -> Option<&str> {
        match self.kind {
            DocumentKind::ResidentId | DocumentKind::HongKongMacauPermit | DocumentKind::TaiwanPermit => {
                self.number.get(..6)
            }
            DocumentKind::Uscc => self.number.get(2..8),
            _ => None,
        }
    }

    /// Refuses a number whose bearer is born after `today`; kinds without a birth date pass.
    ///
    /// # Errors
    /// [`IdentityError::BornInFuture`].
    pub fn born_by(self, today: NaiveDate) -> Result<Self, IdentityError> {
        match self.birth_date() {
            Some(born) if born > today => Err(IdentityError::BornInFuture),
            _ => Ok(self),
        }
    }
}

impl std::fmt::Debug for Normalised {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Normalised({:?}, {})", self.kind, self.masked())
    }
}

/// Checks a number by the rules of its kind and gives it in its one spelling.
///
/// # Errors
/// The first rule that the number breaks.
pub fn validate(kind: DocumentKind, number: &str) -> Result<Normalised, IdentityError> {
    let number = normalise(number);
    if number.is_empty() {
        return Err(IdentityError::Empty);
    }
    kind::check(kind, &number)?;
    Ok(Normalised { kind, number })
}

/// What tells one bearer from another: the number in its one spelling, without the letter that an older 台湾居民来往大陆通行证
/// prints behind its ten digits and people write with brackets, without them, or not at all.
///
/// ```
/// use yiwang_standards::identity::{DocumentKind::TaiwanPass, bearer};
/// assert_eq!(bearer(TaiwanPass, "1234567890(B)"), bearer(TaiwanPass, "1234567890"));
/// ```
pub fn bearer(kind: DocumentKind, number: &str) -> String {
    let mut number = normalise(number);
    if kind == DocumentKind::TaiwanPass && kind::check(kind, &number).is_ok() {
        number.truncate(number.find(|c: char| !c.is_ascii_digit()).unwrap_or(number.len()));
    }
    number
}

/// Trims, turns full-width characters into half-width ones, drops blanks and invisible characters, upper-cases.
pub fn normalise(text: &str) -> String {
    text.chars()
        .filter_map(|c| match c {
            '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0),
            '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}' => None,
            c if c.is_whitespace() => None,
            c => Some(c),
        })
        .map(|c| c.to_ascii_uppercase())
        .collect()
}

/// Shows the first three and last four characters of a long number, less of a short one; never a birth date.
///
/// ```
/// assert_eq!(yiwang_standards::identity::mask_number("11010519491231002X"), "110***********002X");
/// ```
pub fn mask_number(number: &str) -> String {
    let length = number.chars().count();
    let (head, tail) = match length {
        0..=2 => (0, 0),
        3..=5 => (1, 0),
        6..=8 => (1, 2),
        9..=14 => (2, 3),
        _ => (3, 4),
    };
    number.chars().enumerate().map(|(i, c)| if i < head || i >= length - tail { c } else { '*' }).collect()
}
