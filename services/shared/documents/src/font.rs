//! The fonts that documents are drawn with: one that ships with the product, and those that an operator adds for rarer
//! characters.
//!
//! Invariant: every character is drawn from the first font that has it; one that none has is an error and never a blank.

use std::sync::{Arc, LazyLock};

use anyhow::Context as _;
use krilla::text::Font as Face;
use skrifa::instance::{LocationRef, Size};
use skrifa::{FontRef, MetadataProvider as _};
use yiwang_kit::config::DocumentsConfig;

/// Noto Serif SC (SIL OFL 1.1, `fonts/OFL.txt`): GBK, 通用规范汉字表 and the usual signs. See `fonts/README.md`.
static SHIPPED: &[u8] = include_bytes!("../fonts/NotoSerifSC-Regular-subset.otf");

static DEFAULT: LazyLock<Option<Fonts>> =
    LazyLock::new(|| One::of(Arc::new(SHIPPED)).map(|one| Fonts(Arc::new(vec![one]))));

/// Fonts in the order in which they are asked for a character.
#[derive(Clone)]
pub struct Fonts(Arc<Vec<One>>);

type Bytes = Arc<dyn AsRef<[u8]> + Send + Sync>;

struct One {
    bytes: Bytes,
    face: Face,
    units: f32,
}

/// A glyph of one of the fonts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Found {
    /// Which font.
    pub font: usize,
    /// The glyph.
    pub glyph: u32,
    /// How far it advances, in ems.
    pub advance: f32,
}

impl One {
    fn of(bytes: Bytes) -> Option<Self> {
        let units = f32::from(
            FontRef::from_index((*bytes).as_ref(), 0)
                .ok()?
                .metrics(Size::unscaled(), LocationRef::default())
                .units_per_em,
        );
        let face = Face::new(bytes.clone().into(), 0)?;
        Some(One { bytes, face, units })
    }
}

impl Fonts {
    /// What ships with the product, and behind it an operator's own fonts (TTF or OTF), first come first asked; `None` where one
    /// of them is no font.
    pub fn with_fallbacks(fallbacks: Vec<Vec<u8>>) -> Option<Self> {
        Self::assemble(Arc::new(SHIPPED), fallbacks)
    }

    /// Those that an installation draws with.
    ///
    /// # Errors
    /// A font that the configuration names is not there or is none.
    pub fn configured(config: &DocumentsConfig) -> anyhow::Result<Self> {
        let read = |file: &std::path::PathBuf| {
            std::fs::read(file).with_context(|| format!("字体无法读取 / cannot read the font {}", file.display()))
        };
        let fallbacks = config.fallback_font.iter().map(read).collect::<anyhow::Result<Vec<_>>>()?;
        let fonts = match &config.font {
            Some(own) => Self::own(read(own)?, fallbacks),
            None => Self::with_fallbacks(fallbacks),
        };
        fonts.context("documents.font：不是 TrueType 或 OpenType 字体 / not a TrueType or OpenType font")
    }

    /// An operator's own font instead of the product's.
    pub fn own(first: Vec<u8>, fallbacks: Vec<Vec<u8>>) -> Option<Self> {
        Self::assemble(Arc::new(first), fallbacks)
    }

    /// What ships with the product.
    pub fn shipped() -> Option<Self> {
        DEFAULT.clone()
    }

    fn assemble(first: Bytes, fallbacks: Vec<Vec<u8>>) -> Option<Self> {
        let rest = fallbacks.into_iter().map(|bytes| -> Bytes { Arc::new(bytes) });
        let all: Option<Vec<One>> = std::iter::once(first).chain(rest).map(One::of).collect();
        all.map(|all| Fonts(Arc::new(all)))
    }

    pub(crate) fn face(&self, font: usize) -> Option<Face> {
        self.0.get(font).map(|one| one.face.clone())
    }

    /// The glyph of a character, of the first font that has it.
    pub(crate) fn find(&self, character: char) -> Option<Found> {
        self.0.iter().enumerate().find_map(|(font, one)| {
            let read = FontRef::from_index((*one.bytes).as_ref(), 0).ok()?;
            let glyph = read.charmap().map(character).filter(|glyph| glyph.to_u32() != 0)?;
            let metrics = read.glyph_metrics(Size::unscaled(), LocationRef::default());
            Some(Found { font, glyph: glyph.to_u32(), advance: metrics.advance_width(glyph)? / one.units })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_font_has_all_characters_of_gb_2312_and_gbk() {
        let fonts = Fonts::shipped().unwrap();
        let (mut missing, mut known) = (Vec::new(), 0);
        for (first, second) in (0x81..=0xFE_u8).flat_map(|first| (0x40..=0xFE_u8).map(move |second| (first, second))) {
            let bytes = [first, second];
            let (text, malformed) = encoding_rs::GBK.decode_without_bom_handling(&bytes);
            let character = text.chars().next().filter(|one| !malformed && ('\u{4E00}'..='\u{9FA5}').contains(one));
            known += usize::from(character.is_some());
            missing.extend(character.filter(|character| fonts.find(*character).is_none()));
        }
        assert_eq!((known, missing), (20_902, Vec::new()));
    }
}
