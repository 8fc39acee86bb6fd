//! Draws what [`crate::layout`] has placed: PDF/A-2a, tagged, the fonts' used characters embedded.
//!
//! Invariant: the same text gives the same bytes.

use std::collections::HashMap;
use std::num::NonZeroU16;

use chrono::Datelike;
use krilla::color::rgb;
use krilla::configure::{Archival, ConfigurationBuilder};
use krilla::geom::{PathBuilder, Point, Rect, Transform};
use krilla::metadata::{DateTime, Metadata};
use krilla::num::NormalizedF32;
use krilla::page::PageSettings;
use krilla::paint::{Fill, Stroke};
use krilla::surface::Surface;
use krilla::tagging::{
    Artifact, ArtifactType, ContentTag, Identifier, SpanTag, TableHeaderScope, Tag, TagGroup, TagKind, TagTree,
};
use krilla::text::{GlyphId, KrillaGlyph};
use krilla::{Document, SerializeSettings};

use crate::font::Fonts;
use crate::layout::{self, Drawn, HEIGHT, Mark, Node, Role, Sheets, Size, WIDTH};
use crate::lines::{Line, Missing};
use crate::qr::Squares;
use crate::seal;
use crate::text::{LAYOUT, Text};

/// Why there is no PDF.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PdfError {
    /// A character that no font has.
    #[error(transparent)]
    Missing(#[from] Missing),
    /// It was issued by a release with a layout that this one does not know.
    #[error("layout {0} is not known to this release")]
    Layout(u32),
    /// The library would not write it.
    #[error("the PDF cannot be written: {0}")]
    Writing(String),
}

const RED: (u8, u8, u8) = (0xd2, 0x1a, 0x1a);

/// The PDF of a text.
///
/// # Errors
/// [`PdfError`].
pub fn render(text: &Text, size: Size, fonts: &Fonts) -> Result<Vec<u8>, PdfError> {
    if !(1..=LAYOUT).contains(&text.layout) {
        return Err(PdfError::Layout(text.layout));
    }
    let sheets = layout::layout(text, size, fonts)?;
    let configuration = ConfigurationBuilder::new().with_archival_validator(Archival::A2_A).finish();
    let configuration = configuration.map_err(|error| PdfError::Writing(format!("{error:?}")))?;
    let settings = SerializeSettings { configuration, enable_tagging: true, ..SerializeSettings::default() };
    let mut document = Document::new_with(settings);
    document.set_metadata(metadata(text));
    let mut pens: HashMap<usize, Vec<Identifier>> = HashMap::new();
    for page in &sheets.pages {
        let settings = PageSettings::from_wh(WIDTH, HEIGHT).ok_or_else(|| PdfError::Writing("A4".to_owned()))?;
        let mut sheet = document.start_page_with(settings);
        let mut surface = sheet.surface();
        for drawn in page {
            if let Some(id) = draw(&mut surface, drawn, fonts)
                && let Some(node) = drawn.node
            {
                pens.entry(node).or_default().push(id);
            }
        }
        surface.finish();
        sheet.finish();
    }
    document.set_tag_tree(tree(&sheets, &mut pens));
    document.finish().map_err(|error| PdfError::Writing(format!("{error:?}")))
}

fn metadata(text: &Text) -> Metadata {
    let date = text.date;
    let year = u16::try_from(date.year()).unwrap_or_default();
    let (month, day) = (u8::try_from(date.month()).unwrap_or(1), u8::try_from(date.day()).unwrap_or(1));
    Metadata::new()
        .title(format!("{} {}", text.title, text.number))
        .language("zh-CN".to_owned())
        .authors(vec![text.organ.clone()])
        .keywords(vec![text.number.clone()])
        .creation_date(DateTime::new(year).month(month).day(day).hour(0).minute(0).second(0).utc_offset_hour(8))
        .document_id(text.number.clone())
}

/// Draws one mark; its identifier where it is part of the text.
fn draw(surface: &mut Surface<'_>, drawn: &Drawn, fonts: &Fonts) -> Option<Identifier> {
    let tag = match drawn.node {
        Some(_) => ContentTag::Span(SpanTag::empty()),
        None => ContentTag::Artifact(Artifact::with_kind(ArtifactType::Layout)),
    };
    let id = surface.start_tagged(tag);
    match &drawn.mark {
        Mark::Line { line, size, bold } => {
            let black = rgb::Color::new(0, 0, 0);
            surface.set_fill(Some(Fill { paint: black.into(), ..Fill::default() }));
            let stroke = bold.then(|| Stroke { paint: black.into(), width: size * 0.025, ..Stroke::default() });
            surface.set_stroke(stroke);
            text(surface, line, drawn.at, *size, false, fonts);
        }
        Mark::Rule { to } => rule(surface, drawn.at, *to),
        Mark::Qr { squares, side } => qr(surface, squares, drawn.at, *side),
        Mark::Seal { organ, inscription } => stamp(surface, organ, inscription, drawn.at, fonts),
    }
    surface.set_stroke(None);
    surface.end_tagged();
    drawn.node.map(|_| id)
}

/// A line of text, a run for each font.
fn text(surface: &mut Surface<'_>, line: &Line, (mut x, y): (f32, f32), size: f32, outlined: bool, fonts: &Fonts) {
    let mut rest = &line.set[..];
    while let Some(first) = rest.first() {
        let run = rest.iter().take_while(|set| set.found.font == first.found.font).count();
        let mut words = String::new();
        let mut glyphs = Vec::with_capacity(run);
        let mut width = 0.0;
        for set in &rest[..run] {
            let from = words.len();
            words.push(set.character);
            let advance = set.found.advance;
            width += advance * size;
            let glyph = GlyphId::new(set.found.glyph);
            glyphs.push(KrillaGlyph::new(glyph, advance, 0.0, 0.0, 0.0, from..words.len(), None));
        }
        if let Some(face) = fonts.face(first.found.font) {
            surface.draw_glyphs(Point::from_xy(x, y), &glyphs, face, &words, size, outlined);
        }
        x += width;
        rest = &rest[run..];
    }
}

fn rule(surface: &mut Surface<'_>, from: (f32, f32), to: (f32, f32)) {
    let mut path = PathBuilder::new();
    path.move_to(from.0, from.1);
    path.line_to(to.0, to.1);
    if let Some(path) = path.finish() {
        surface.set_fill(None);
        surface.set_stroke(Some(Stroke { paint: rgb::Color::new(0, 0, 0).into(), width: 0.6, ..Stroke::default() }));
        surface.draw_path(&path);
    }
}

/// The dark squares as one path.
fn qr(surface: &mut Surface<'_>, squares: &Squares, (x, y): (f32, f32), side: f32) {
    let one = side / squares.side as f32;
    let mut path = PathBuilder::new();
    for at in (0..squares.dark.len()).filter(|at| squares.dark[*at]) {
        let (column, row) = ((at % squares.side) as f32, (at / squares.side) as f32);
        if let Some(square) = Rect::from_xywh(x + column * one, y + row * one, one, one) {
            path.push_rect(square);
        }
    }
    if let Some(path) = path.finish() {
        surface.set_stroke(None);
        surface.set_fill(Some(Fill { paint: rgb::Color::new(0, 0, 0).into(), ..Fill::default() }));
        surface.draw_path(&path);
    }
}

/// The seal. Its characters are drawn as outlines: they are no text to be found or read aloud, its figure's words are.
fn stamp(surface: &mut Surface<'_>, organ: &Line, inscription: &Line, centre: (f32, f32), fonts: &Fonts) {
    let red = rgb::Color::new(RED.0, RED.1, RED.2);
    let opacity = NormalizedF32::new(0.78).unwrap_or(NormalizedF32::ONE);
    let fill = Fill { paint: red.into(), opacity, ..Fill::default() };
    surface.push_transform(&Transform::from_translate(centre.0, centre.1));
    if let Some(circle) = circle(seal::RADIUS) {
        surface.set_fill(None);
        surface.set_stroke(Some(Stroke { paint: red.into(), width: seal::STROKE, opacity, ..Stroke::default() }));
        surface.draw_path(&circle);
    }
    surface.set_stroke(None);
    surface.set_fill(Some(fill));
    let mut path = PathBuilder::new();
    for (corner, (x, y)) in seal::star(18.0).into_iter().enumerate() {
        if corner == 0 { path.move_to(x, y) } else { path.line_to(x, y) }
    }
    path.close();
    if let Some(star) = path.finish() {
        surface.draw_path(&star);
    }
    let (size, places) = seal::around(organ);
    for (set, place) in organ.set.iter().zip(places) {
        surface.push_transform(&Transform::from_translate(place.at.0, place.at.1));
        surface.push_transform(&Transform::from_rotate(place.turned));
        let one = Line { set: vec![*set], ems: set.found.advance };
        text(surface, &one, (-set.found.advance * size / 2.0, 0.0), size, true, fonts);
        surface.pop();
        surface.pop();
    }
    let size = (66.0 / inscription.ems.max(1.0)).min(10.0);
    text(surface, inscription, (-inscription.ems * size / 2.0, 36.0), size, true, fonts);
    surface.pop();
}

/// A circle of four curves around the origin.
fn circle(radius: f32) -> Option<krilla::geom::Path> {
    let (r, c) = (radius, radius * 0.552_284_8);
    let mut path = PathBuilder::new();
    path.move_to(0.0, -r);
    path.cubic_to(c, -r, r, -c, r, 0.0);
    path.cubic_to(r, c, c, r, 0.0, r);
    path.cubic_to(-c, r, -r, c, -r, 0.0);
    path.cubic_to(-r, -c, -c, -r, 0.0, -r);
    path.close();
    path.finish()
}

/// The order of reading.
fn tree(sheets: &Sheets, pens: &mut HashMap<usize, Vec<Identifier>>) -> TagTree {
    let mut tree = TagTree::new().with_lang(Some("zh-CN".to_owned()));
    for index in (0..sheets.nodes.len()).filter(|index| sheets.nodes[*index].parent.is_none()) {
        tree.push(group(&sheets.nodes, index, pens));
    }
    tree
}

fn group(nodes: &[Node], index: usize, pens: &mut HashMap<usize, Vec<Identifier>>) -> TagGroup {
    let tag: TagKind = match &nodes[index].role {
        Role::Heading => Tag::Hn(NonZeroU16::MIN, None).into(),
        Role::Paragraph => Tag::P.into(),
        Role::Table => Tag::Table.into(),
        Role::Row => Tag::TR.into(),
        Role::Cell { head: true } => Tag::TH(TableHeaderScope::Column).into(),
        Role::Cell { head: false } => Tag::TD.into(),
        Role::Figure(words) => Tag::Figure(Some(words.clone())).into(),
    };
    let mut group = TagGroup::new(tag);
    for id in pens.remove(&index).unwrap_or_default() {
        group.push(id);
    }
    for child in (index + 1..nodes.len()).filter(|child| nodes[*child].parent == Some(index)) {
        let child = self::group(nodes, child, pens);
        group.push(child);
    }
    group
}
