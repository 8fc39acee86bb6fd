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
}

impl std::fmt::Display for ItemCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
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
