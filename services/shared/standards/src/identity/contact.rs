//! Phone numbers and names: how they are spelled once and how they are shown masked.

use super::{IdentityError, normalise};

/// A mainland mobile number in its one spelling: eleven digits, without +86, blanks and hyphens.
fn mobile(text: &str) -> Option<String> {
    let compact: String = normalise(text).chars().filter(|c| !matches!(c, '-' | '(' | ')')).collect();
    let number = ["+86", "0086"].iter().find_map(|p| compact.strip_prefix(p)).unwrap_or(&compact);
    let number = if number.len() == 13 { number.strip_prefix("86").unwrap_or(number) } else { number };
    let fits = number.len() == 11
        && number.bytes().all(|c| c.is_ascii_digit())
        && matches!(number.as_bytes(), [b'1', b'3'..=b'9', ..]);
    fits.then(|| number.to_owned())
}

/// A mobile number, or a fixed line with its area code and perhaps an extension (`0826-2222222-801`), in its one
/// spelling.
///
/// # Errors
/// [`IdentityError::PhoneFormat`].
pub fn phone(text: &str) -> Result<String, IdentityError> {
    if let Some(number) = mobile(text) {
        return Ok(number);
    }
    let compact = normalise(text).replace(['(', ')'], "-").replace("+86", "").replace("--", "-");
    let parts: Vec<&str> = compact.split('-').filter(|part| !part.is_empty()).collect();
    let all_digits = parts.iter().all(|part| part.bytes().all(|c| c.is_ascii_digit()));
    let fits = all_digits
        && match parts.as_slice() {
            [whole] => whole.starts_with('0') && (10..=12).contains(&whole.len()),
            [area, line] => fixed(area, line),
            [area, line, extension] => fixed(area, line) && (1..=6).contains(&extension.len()),
            _ => false,
        };
    fits.then(|| parts.join("-")).ok_or(IdentityError::PhoneFormat)
}

fn fixed(area: &str, line: &str) -> bool {
    area.starts_with('0') && (3..=4).contains(&area.len()) && (7..=8).contains(&line.len())
}

/// `张*`, `欧**`, `J***`: the first character and at most three stars, so that a long name does not show its length.
pub fn mask_name(name: &str) -> String {
    let mut chars = name.trim().chars();
    let Some(first) = chars.next() else { return String::new() };
    let stars = chars.count().clamp(1, 3);
    std::iter::once(first).chain(std::iter::repeat_n('*', stars)).collect()
}
