//! GB 32100 unified social credit codes (统一社会信用代码): 18 characters of an alphabet of 31, the last a check.
//!
//! Strict on what applicants write. Departments of imported catalogues carry placeholders that fail; importers keep
//! those as they are (RULES 0.12) and do not call this.

use crate::identity::{IdentityError, normalise};

const ALPHABET: &[u8; 31] = b"0123456789ABCDEFGHJKLMNPQRTUWXY";
const WEIGHTS: [u32; 17] = [1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28];

/// Checks a code and gives it in its one spelling.
///
/// # Errors
/// [`IdentityError::UsccLength`], [`IdentityError::UsccCharacter`] or [`IdentityError::UsccCheckCharacter`].
pub fn validate(code: &str) -> Result<String, IdentityError> {
    let code = normalise(code);
    check(code.as_bytes())?;
    Ok(code)
}

/// Whether the code, as it stands, is a valid one.
pub fn is_valid(code: &str) -> bool {
    check(code.as_bytes()).is_ok()
}

/// The check character over the first 17, or `None` when they are not 17 characters of the alphabet.
pub fn check_character(body: &str) -> Option<char> {
    (body.len() == 17).then(|| check_of(body.as_bytes())).flatten().map(char::from)
}

pub(crate) fn check(code: &[u8]) -> Result<(), IdentityError> {
    if code.len() != 18 {
        return Err(IdentityError::UsccLength);
    }
    let computed = check_of(&code[..17]).ok_or(IdentityError::UsccCharacter)?;
    if !ALPHABET.contains(&code[17]) {
        return Err(IdentityError::UsccCharacter);
    }
    (computed == code[17]).then_some(()).ok_or(IdentityError::UsccCheckCharacter)
}

fn check_of(body: &[u8]) -> Option<u8> {
    let mut sum = 0;
    for (c, weight) in body.iter().zip(WEIGHTS) {
        sum += ALPHABET.iter().position(|a| a == c)? as u32 * weight;
    }
    Some(ALPHABET[((31 - sum % 31) % 31) as usize])
}
