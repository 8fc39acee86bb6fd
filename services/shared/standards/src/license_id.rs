//! Electronic licence identifiers (电子证照标识), GB/T 36904:
//! `1.2.156.3005.2.<type>.<issuer>.<serial>.<version>.<check>`.
//!
//! Invariant: a [`LicenseId`] has passed its check; two that are equal are the same text.

use serde::{Deserialize, Serialize};

use crate::{identity::normalise, reasoned, uscc};

/// The root object identifier of electronic licences.
pub const ROOT: &str = "1.2.156.3005.2";

/// Why an identifier was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LicenseIdError {
    /// Not the root and five fields between dots.
    Layout,
    /// The type is not a USCC with a serial of three digits.
    Type,
    /// The issuer is not 1 to 18 of `0-9A-Z`.
    Issuer,
    /// The serial is not 1 to 32 of `0-9A-Z`.
    Serial,
    /// The version is not three digits from 001 on.
    Version,
    /// The last character is not the computed one.
    Check,
}

reasoned!(LicenseIdError {
    Layout => "LICENSE_ID_LAYOUT", "电子证照标识应为“1.2.156.3005.2.类型.颁发机构.流水号.版本.校验位”", "a licence identifier is 1.2.156.3005.2.type.issuer.serial.version.check";
    Type => "LICENSE_ID_TYPE", "证照类型代码应为统一社会信用代码加3位顺序号", "the licence type is a unified social credit code and three digits";
    Issuer => "LICENSE_ID_ISSUER", "颁发机构代码应为1至18位数字或大写字母", "the issuer is 1 to 18 digits and capitals";
    Serial => "LICENSE_ID_SERIAL", "流水号应为1至32位数字或大写字母", "the serial is 1 to 32 digits and capitals";
    Version => "LICENSE_ID_VERSION", "版本号应为001至999", "the version is 001 to 999";
    Check => "LICENSE_ID_CHECK_CHARACTER", "电子证照标识校验位不正确，请核对", "the check character of the licence identifier is wrong";
});

/// One licence in one version, everywhere in the country.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct LicenseId(String);

impl LicenseId {
    /// Builds an identifier and computes its check character.
    ///
    /// `license_type` is the USCC of the organ that defined the type with a serial of three digits; `issuer` its USCC or,
    /// as a real one has it, an area code; `serial` is the issuer's; `version` counts from 1 (a renewal raises it).
    ///
    /// # Errors
    /// [`LicenseIdError`] for the field at fault.
    pub fn new(license_type: &str, issuer: &str, serial: &str, version: u16) -> Result<Self, LicenseIdError> {
        let version = format!("{version:03}");
        check_fields(license_type, issuer, serial, &version)?;
        let check = check_over([license_type, issuer, serial, &version]).ok_or(LicenseIdError::Check)?;
        Ok(Self(format!("{ROOT}.{license_type}.{issuer}.{serial}.{version}.{check}")))
    }

    /// Reads an identifier: trimmed, half-width, upper-case.
    ///
    /// # Errors
    /// [`LicenseIdError`] for the first rule it breaks; the check character last.
    pub fn parse(text: &str) -> Result<Self, LicenseIdError> {
        let text = normalise(text);
        let rest = text.strip_prefix(ROOT).and_then(|rest| rest.strip_prefix('.')).ok_or(LicenseIdError::Layout)?;
        let fields: Vec<&str> = rest.split('.').collect();
        let [license_type, issuer, serial, version, check] = fields[..] else { return Err(LicenseIdError::Layout) };
        check_fields(license_type, issuer, serial, version)?;
        let computed = check_over([license_type, issuer, serial, version]).ok_or(LicenseIdError::Check)?;
        let mut given = check.chars();
        if given.next() != Some(computed) || given.next().is_some() {
            return Err(LicenseIdError::Check);
        }
        Ok(Self(text))
    }

    /// The whole identifier.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// 证照类型代码: USCC of the defining organ and three digits.
    pub fn license_type(&self) -> &str {
        self.field(0)
    }

    /// 证照颁发机构代码.
    pub fn issuer(&self) -> &str {
        self.field(1)
    }

    /// 流水号.
    pub fn serial(&self) -> &str {
        self.field(2)
    }

    /// 版本号, from 1.
    pub fn version(&self) -> u16 {
        self.field(3).parse().unwrap_or_default()
    }

    /// The same licence in its next version (变更, 延续).
    ///
    /// # Errors
    /// [`LicenseIdError::Version`] after 999.
    pub fn next_version(&self) -> Result<Self, LicenseIdError> {
        Self::new(self.license_type(), self.issuer(), self.serial(), self.version() + 1)
    }

    fn field(&self, index: usize) -> &str {
        self.0[ROOT.len() + 1..].split('.').nth(index).unwrap_or_default()
    }
}

fn check_fields(license_type: &str, issuer: &str, serial: &str, version: &str) -> Result<(), LicenseIdError> {
    let plain = |text: &str, longest| {
        (1..=longest).contains(&text.len()) && text.bytes().all(|c| c.is_ascii_digit() || c.is_ascii_uppercase())
    };
    let digits = |text: &str| text.len() == 3 && text.bytes().all(|c| c.is_ascii_digit());
    let typed = license_type.is_ascii() && license_type.len() == 21 && {
        let (organ, serial) = license_type.split_at(18);
        uscc::is_valid(organ) && digits(serial)
    };
    let rules = [
        (typed, LicenseIdError::Type),
        (plain(issuer, 18), LicenseIdError::Issuer),
        (plain(serial, 32), LicenseIdError::Serial),
        (digits(version) && version != "000", LicenseIdError::Version),
    ];
    rules.into_iter().find(|(kept, _)| !kept).map_or(Ok(()), |(_, error)| Err(error))
}

/// ISO/IEC 7064 MOD 37,36 over the joined parts; `None` for a character outside `0-9A-Z`.
pub fn check_character(text: &str) -> Option<char> {
    check_over([text])
}

fn check_over<const N: usize>(parts: [&str; N]) -> Option<char> {
    const ALPHABET: &[u8; 36] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    let mut p = 36;
    for c in parts.iter().flat_map(|part| part.bytes()) {
        let value = match c {
            b'0'..=b'9' => c - b'0',
            b'A'..=b'Z' => c - b'A' + 10,
            _ => return None,
        };
        let s = match (p + u32::from(value)) % 36 {
            0 => 36,
            s => s,
        };
        p = 2 * s % 37;
    }
    Some(char::from(ALPHABET[((37 - p) % 36) as usize]))
}

impl AsRef<str> for LicenseId {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for LicenseId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::str::FromStr for LicenseId {
    type Err = LicenseIdError;

    fn from_str(text: &str) -> Result<Self, LicenseIdError> {
        Self::parse(text)
    }
}

impl TryFrom<String> for LicenseId {
    type Error = LicenseIdError;

    fn try_from(text: String) -> Result<Self, LicenseIdError> {
        Self::parse(&text)
    }
}

impl From<LicenseId> for String {
    fn from(id: LicenseId) -> Self {
        id.0
    }
}
