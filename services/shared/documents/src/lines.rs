//! Lines: characters with their widths, broken where Chinese typesetting allows it (避头尾).
//!
//! Invariant: no line is wider than it may be, and all characters of the text stand in the lines, in their order.

use crate::font::{Fonts, Found};

/// A character that no font has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no font has the character {0} (U+{code:04X})", code = *.0 as u32)]
pub struct Missing(pub char);

/// A character ready to be drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Set {
    pub character: char,
    pub found: Found,
}

/// One line and its width in ems.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Line {
    pub set: Vec<Set>,
    pub ems: f32,
}

impl Line {
    fn push(&mut self, set: Set) {
        self.ems += set.found.advance;
        self.set.push(set);
    }
}

/// What may not begin a line.
fn closes(character: char) -> bool {
    "，。、；：？！）》〉”’」』】〕…—％·,.;:?!)]}%°℃".contains(character)
}

/// What may not end a line.
fn opens(character: char) -> bool {
    "（《〈“‘「『【〔([{".contains(character)
}

/// A word or number of a Latin script, which is not broken where it need not be.
fn is_word(character: char) -> bool {
    character.is_ascii_graphic() && !closes(character) && !opens(character)
}

/// The characters of one line that is not broken. Line feeds and other control characters are no characters.
pub(crate) fn set(fonts: &Fonts, text: &str) -> Result<Line, Missing> {
    let mut line = Line::default();
    for character in text.chars().map(|one| if one == '\t' { ' ' } else { one }).filter(|one| !one.is_control()) {
        let found = fonts.find(character).ok_or(Missing(character))?;
        line.push(Set { character, found });
    }
    Ok(line)
}

/// Breaks a text into lines of at most `width` ems, the first of them shorter by `indent`. Line feeds end a line. At least one
/// line.
pub(crate) fn broken(fonts: &Fonts, text: &str, width: f32, indent: f32) -> Result<Vec<Line>, Missing> {
    let mut lines = Vec::new();
    for piece in text.lines() {
        let first = if lines.is_empty() { indent } else { 0.0 };
        fill(&set(fonts, piece)?.set, width, first, &mut lines);
    }
    if lines.is_empty() {
        lines.push(Line::default());
    }
    Ok(lines)
}

fn fill(all: &[Set], width: f32, indent: f32, lines: &mut Vec<Line>) {
    let mut line = Line::default();
    let mut room = width - indent;
    for unit in units(all) {
        let ems: f32 = unit.iter().map(|set| set.found.advance).sum();
        if line.ems + ems > room && !line.set.is_empty() {
            lines.push(std::mem::take(&mut line));
            room = width;
        }
        for set in unit {
            // a unit that is wider than a line breaks where it must
            if line.ems + set.found.advance > room && !line.set.is_empty() {
                lines.push(std::mem::take(&mut line));
                room = width;
            }
            line.push(*set);
        }
    }
    lines.push(line);
}

/// What stays together: a word, or a character, with the signs that open before it and close after it.
fn units(all: &[Set]) -> Vec<&[Set]> {
    let mut units = Vec::new();
    let mut from = 0;
    for at in 1..=all.len() {
        let together = all.get(at).is_some_and(|next| {
            let before = all[at - 1].character;
            closes(next.character) || opens(before) || (is_word(before) && is_word(next.character))
        });
        if !together {
            units.push(&all[from..at]);
            from = at;
        }
    }
    units
}
