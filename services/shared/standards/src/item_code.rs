//! Codes of service items (事项编码): opaque unique keys.
//!
//! Invariant: what was read is what is stored, character by character. Codes of different generations live side by side
//! (`511A0015500009-511602000000-000-…`, `Z-000045-001-…`), GB/T 39046 says 24 characters, the national exchange 36 and the
//! live catalogue of 511602 has 55, so nothing but characters and length is checked and nothing is derived from a prefix:
//! `513A…` is public service, confirmation and other alike.

use serde::{Deserialize, Serialize};

use crate::reasoned;

/// Longest code that is taken.
pub const MAX_LEN: usize = 64;

/// Why a code was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ItemCodeError {
    /// Nothing was given.
    Empty,
    /// More than [`MAX_LEN`] characters.
    TooLong,
    /// Something else than ASCII letters, digits and inner hyphens.
    Character,
}

reasoned!(ItemCodeError {
    Empty => "ITEM_CODE_EMPTY", "事项编码不能为空", "the item code is empty";
    TooLong => "ITEM_CODE_TOO_LONG", "事项编码不能超过64位", "the item code has more than 64 characters";
    Character => "ITEM_CODE_CHARACTER", "事项编码只能由字母、数字和连字符组成", "an item code is letters, digits and hyphens";
});

/// A service item's code.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ItemCode(String);

/// What a code of the Sichuan layout seems to say. A hint for search and display, never a fact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hint<'a> {
    /// The item within the province's catalogue, e.g. `511A0015500009`.
    pub item: &'a str,
    /// Twelve digits of the area, e.g. `511602000000`.
    pub area: &'a str,
    /// The department's code, often its USCC with a digit more; not checked.
    pub department: &'a str,
}

impl ItemCode {
    /// Takes a code as it is, surrounding blanks apart. Case is kept: a live code holds a lower-case letter.
    ///
    /// # Errors
    /// [`ItemCodeError`].
    pub fn parse(text: &str) -> Result<Self, ItemCodeError> {
        let code = text.trim();
        if code.is_empty() {
            return Err(ItemCodeError::Empty);
        }
        if !code.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-') || code.starts_with('-') || code.ends_with('-')
        {
            return Err(ItemCodeError::Character);
        }
        if code.len() > MAX_LEN {
            return Err(ItemCodeError::TooLong);
        }
        Ok(Self(code.to_owned()))
    }

    /// The code.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Reads the layout `<item>-<12 digits area>-<3 digits>-<department>-<1>-<2>`, from the right so that older items
    /// with hyphens of their own (`Z-000045-001`) are read too; `None` for another layout.
    pub fn hint(&self) -> Option<Hint<'_>> {
        let parts: Vec<&str> = self.0.split('-').collect();
        let digits = |part: &str| part.bytes().all(|c| c.is_ascii_digit());
        let at = (1..parts.len()).find(|i| parts[*i].len() == 12 && digits(parts[*i]))?;
        let tail = parts.get(at + 1..)?;
        let [serial, department @ .., one, two] = tail else { return None };
        if serial.len() != 3 || one.len() != 1 || two.len() != 2 || department.is_empty() {
            return None;
        }
        let item: usize = parts[..at].iter().map(|part| part.len() + 1).sum();
        let start = item + 12 + 1 + 3 + 1;
        let end = self.0.len() - "-1-00".len();
        Some(Hint { item: &self.0[..item - 1], area: parts[at], department: &self.0[start..end] })
    }
}

impl AsRef<str> for ItemCode {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for ItemCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::str::FromStr for ItemCode {
    type Err = ItemCodeError;

    fn from_str(text: &str) -> Result<Self, ItemCodeError> {
        Self::parse(text)
    }
}

impl TryFrom<String> for ItemCode {
    type Error = ItemCodeError;

    fn try_from(text: String) -> Result<Self, ItemCodeError> {
        Self::parse(&text)
    }
}

impl From<ItemCode> for String {
    fn from(code: ItemCode) -> Self {
        code.0
    }
}
