//! Where everything stands on its page: A4 after GB/T 9704 (公文格式), in points. Pure; [`crate::pdf`] only carries it out.
//!
//! Invariant: whatever a text holds, everything of it lies within the margins of some page.

use crate::font::Fonts;
use crate::lines::{self, Line, Missing};
use crate::qr::{self, Squares};
use crate::text::{Part, Text, day};

/// Width of A4.
pub(crate) const WIDTH: f32 = 595.28;
/// Height of A4.
pub(crate) const HEIGHT: f32 = 841.89;
/// 天头 37 mm.
pub(crate) const TOP: f32 = 104.88;
/// 订口 28 mm, left and, so that the text block is 156 mm wide, 26 mm right.
pub(crate) const LEFT: f32 = 79.37;
/// Right end of the text.
pub(crate) const RIGHT: f32 = WIDTH - 73.70;
/// Lower end of the text: 35 mm above the edge.
pub(crate) const BOTTOM: f32 = HEIGHT - 99.21;
/// Baseline of the page number.
const FOOT: f32 = BOTTOM + 34.0;
/// Width of the text.
const MEASURE: f32 = RIGHT - LEFT;
/// A round seal of an organ is 42 mm wide (国发〔1999〕25号).
pub(crate) const SEAL: f32 = 119.06;
/// Side of the QR code.
const QR: f32 = 82.0;

/// How large it is set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, strum::EnumIter)]
pub enum Size {
    /// 三号字, as official documents are.
    #[default]
    Ordinary,
    /// 大字版 for elderly readers.
    Large,
}

struct Measures {
    title: f32,
    body: f32,
    table: f32,
    small: f32,
    leading: f32,
}

impl Size {
    fn measures(self) -> Measures {
        match self {
            Size::Ordinary => Measures { title: 22.0, body: 16.0, table: 12.0, small: 9.0, leading: 1.75 },
            Size::Large => Measures { title: 30.0, body: 23.0, table: 19.0, small: 14.0, leading: 1.6 },
        }
    }

    /// How far apart lines may stand, the widest first: the first layout knows one distance; the second moves them closer.
    fn leadings(self, layout: u32) -> Vec<f32> {
        let widest = self.measures().leading;
        let narrower = [1.7, 1.65, 1.6, 1.55, CLOSEST].into_iter().filter(|leading| *leading < widest);
        std::iter::once(widest).chain(narrower.filter(|_| layout > 1)).collect()
    }
}

/// Lines stand no closer: what is easily read (WCAG 2.1, 1.4.12).
const CLOSEST: f32 = 1.5;

/// What a piece of a document is to whoever has it read aloud.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Role {
    Heading,
    Paragraph,
    Table,
    Row,
    Cell { head: bool },
    Figure(String),
}

/// A piece in the order of reading.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Node {
    pub role: Role,
    pub parent: Option<usize>,
}

/// Something to draw.
#[derive(Clone, Debug)]
pub(crate) enum Mark {
    /// A line of text, its baseline's beginning at the place.
    Line { line: Line, size: f32, bold: bool },
    /// A black line to there.
    Rule { to: (f32, f32) },
    /// The QR code, its upper left corner at the place.
    Qr { squares: Squares, side: f32 },
    /// The seal, its centre at the place.
    Seal { organ: Line, inscription: Line },
}

/// A mark at its place; of no node where it is no part of the text.
#[derive(Clone, Debug)]
pub(crate) struct Drawn {
    pub at: (f32, f32),
    pub mark: Mark,
    pub node: Option<usize>,
}

/// A laid-out document.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sheets {
    pub pages: Vec<Vec<Drawn>>,
    pub nodes: Vec<Node>,
}

struct Pen<'a> {
    fonts: &'a Fonts,
    sizes: Measures,
    sheets: Sheets,
    /// The upper end of what is still free on the page.
    y: f32,
}

/// Lays a text out. Where closer lines save a page, they stand as close as that needs and no closer: so the seal stays with the text
/// (GB/T 9704—2012: 采取调整行距、字距的措施解决).
pub(crate) fn layout(text: &Text, size: Size, fonts: &Fonts) -> Result<Sheets, Missing> {
    let leadings = size.leadings(text.layout);
    let widest = spaced(text, size, fonts, leadings[0])?;
    let Some(closest) = leadings[1..].last().filter(|_| widest.pages.len() > 1) else { return Ok(widest) };
    let fewest = spaced(text, size, fonts, *closest)?.pages.len();
    if fewest == widest.pages.len() {
        return Ok(widest);
    }
    for leading in &leadings[1..] {
        let sheets = spaced(text, size, fonts, *leading)?;
        if sheets.pages.len() == fewest {
            return Ok(sheets);
        }
    }
    Ok(widest)
}

/// The same with lines at one distance, in their own height.
fn spaced(text: &Text, size: Size, fonts: &Fonts, leading: f32) -> Result<Sheets, Missing> {
    let sheets = Sheets { pages: vec![Vec::new()], ..Sheets::default() };
    let mut pen = Pen { fonts, sizes: Measures { leading, ..size.measures() }, sheets, y: TOP };
    pen.title(&text.title)?;
    pen.number(text)?;
    let mut signed = false;
    for part in &text.parts {
        match part {
            Part::Lead(words) => pen.paragraph(words, 0.0)?,
            Part::Paragraph(words) => pen.paragraph(words, 2.0)?,
            Part::Signature(words) => pen.signature(words)?,
            Part::Table { columns, rows } => pen.table(columns, rows)?,
            Part::Title(words) => {
                // the organ signs its own paper, not the one that goes with it
                if !std::mem::replace(&mut signed, true) {
                    pen.end(text)?;
                }
                pen.page();
                pen.title(words)?;
            }
        }
    }
    if !signed {
        pen.end(text)?;
    }
    pen.feet()?;
    Ok(pen.sheets)
}

impl Pen<'_> {
    fn page(&mut self) {
        self.sheets.pages.push(Vec::new());
        self.y = TOP;
    }

    fn node(&mut self, role: Role, parent: Option<usize>) -> usize {
        self.sheets.nodes.push(Node { role, parent });
        self.sheets.nodes.len() - 1
    }

    fn draw(&mut self, at: (f32, f32), mark: Mark, node: Option<usize>) {
        if let Some(page) = self.sheets.pages.last_mut() {
            page.push(Drawn { at, mark, node });
        }
    }

    /// Makes room for a height, on the next page if need be.
    fn room(&mut self, height: f32) {
        if self.y + height > BOTTOM && self.y > TOP {
            self.page();
        }
    }

    /// One line at a horizontal place; goes on below it.
    fn line(&mut self, line: Line, x: f32, size: f32, bold: bool, node: usize) {
        let height = size * self.sizes.leading;
        self.room(height);
        // the baseline lies so that the character stands in the middle of its line
        let baseline = self.y + height / 2.0 + size * 0.38;
        self.draw((x, baseline), Mark::Line { line, size, bold }, Some(node));
        self.y += height;
    }

    fn title(&mut self, words: &str) -> Result<(), Missing> {
        let size = self.sizes.title;
        let node = self.node(Role::Heading, None);
        for line in lines::broken(self.fonts, words, MEASURE / size, 0.0)? {
            let x = LEFT + (MEASURE - line.ems * size) / 2.0;
            self.line(line, x, size, true, node);
        }
        self.y += size * 0.4;
        Ok(())
    }

    fn number(&mut self, text: &Text) -> Result<(), Missing> {
        let number = format!("编号：{}", text.number);
        let sizes = [self.sizes.table, self.sizes.small];
        for (index, words) in std::iter::once(&number).chain(&text.references).enumerate() {
            let size = sizes[index.min(1)];
            let node = self.node(Role::Paragraph, None);
            for line in lines::broken(self.fonts, words, MEASURE / size, 0.0)? {
                let x = RIGHT - line.ems * size;
                self.line(line, x, size, false, node);
            }
        }
        self.y += self.sizes.table * 0.6;
        Ok(())
    }

    fn paragraph(&mut self, words: &str, indent: f32) -> Result<(), Missing> {
        let size = self.sizes.body;
        let node = self.node(Role::Paragraph, None);
        for (index, line) in lines::broken(self.fonts, words, MEASURE / size, indent)?.into_iter().enumerate() {
            let x = LEFT + if index == 0 { indent * size } else { 0.0 };
            self.line(line, x, size, false, node);
        }
        Ok(())
    }

    /// In the right half, with room to write by hand.
    fn signature(&mut self, words: &str) -> Result<(), Missing> {
        let size = self.sizes.body;
        let node = self.node(Role::Paragraph, None);
        let x = LEFT + MEASURE * 0.4;
        self.y += size * 0.5;
        for line in lines::broken(self.fonts, words, (RIGHT - x) / size, 0.0)? {
            self.line(line, x, size, false, node);
        }
        Ok(())
    }

    fn table(&mut self, columns: &[(String, u32)], rows: &[Vec<String>]) -> Result<(), Missing> {
        let all: u32 = columns.iter().map(|(_, width)| *width).sum::<u32>().max(1);
        let widths: Vec<f32> = columns.iter().map(|(_, width)| MEASURE * *width as f32 / all as f32).collect();
        let heads: Vec<String> = columns.iter().map(|(head, _)| head.clone()).collect();
        let table = self.node(Role::Table, None);
        self.y += self.sizes.table * 0.4;
        self.row(&heads, &widths, table, true)?;
        for row in rows {
            self.row(row, &widths, table, false)?;
        }
        self.y += self.sizes.table * 0.8;
        Ok(())
    }

    /// A row; one that is longer than what is left of the page goes on on the next.
    fn row(&mut self, cells: &[String], widths: &[f32], table: usize, head: bool) -> Result<(), Missing> {
        const PAD: f32 = 4.0;
        let size = self.sizes.table;
        let height = size * 1.5;
        let row = self.node(Role::Row, Some(table));
        let mut columns = Vec::new();
        for (index, width) in widths.iter().enumerate() {
            let words = cells.get(index).map_or("", String::as_str);
            let node = self.node(Role::Cell { head }, Some(row));
            columns.push((node, lines::broken(self.fonts, words, (width - 2.0 * PAD) / size, 0.0)?));
        }
        let mut left = columns.iter().map(|(_, lines)| lines.len()).max().unwrap_or(1);
        let mut from = 0;
        // what fits on a page is not torn
        let whole = left as f32 * height + 2.0 * PAD;
        if whole <= BOTTOM - TOP {
            self.room(whole);
        }
        while left > 0 {
            self.room(height + 2.0 * PAD);
            let here = (((BOTTOM - self.y - 2.0 * PAD) / height).floor().max(1.0) as usize).min(left);
            let (top, bottom) = (self.y, self.y + here as f32 * height + 2.0 * PAD);
            let mut x = LEFT;
            for ((node, lines), width) in columns.iter().zip(widths) {
                for (index, line) in lines.iter().skip(from).take(here).enumerate() {
                    let baseline = top + PAD + index as f32 * height + height / 2.0 + size * 0.38;
                    let mark = Mark::Line { line: line.clone(), size, bold: head };
                    self.draw((x + PAD, baseline), mark, Some(*node));
                }
                self.draw((x, top), Mark::Rule { to: (x, bottom) }, None);
                x += width;
            }
            self.draw((x, top), Mark::Rule { to: (x, bottom) }, None);
            self.draw((LEFT, top), Mark::Rule { to: (x, top) }, None);
            self.draw((LEFT, bottom), Mark::Rule { to: (x, bottom) }, None);
            self.y = bottom;
            from += here;
            left -= here;
        }
        Ok(())
    }

    /// 落款: organ and date at the right with the seal over them (骑年盖月), the QR code and what it is good for at the left. All of it on
    /// one page.
    fn end(&mut self, text: &Text) -> Result<(), Missing> {
        let (body, small) = (self.sizes.body, self.sizes.small);
        let half = MEASURE * 0.52;
        let right = RIGHT - body;
        let names = lines::broken(self.fonts, &text.organ, half / body, 0.0)?;
        let date = lines::set(self.fonts, &day(text.date))?;
        let leading = body * self.sizes.leading;
        let signed = (names.len() + 1) as f32 * leading;
        let squares = qr::squares(&text.address);
        let notes = ["扫描二维码核验本文书".to_owned(), format!("校验码：{}", text.check_code)];
        let mut captions = Vec::new();
        for note in &notes {
            captions.extend(lines::broken(self.fonts, note, (MEASURE - half - body) / small, 0.0)?);
        }
        let left_height = QR + 6.0 + captions.len() as f32 * small * 1.5;
        let height = left_height.max(signed + (SEAL - signed).max(0.0)) + body;
        self.take_along(height);
        let top = self.y + body * 0.6;

        if let Some(squares) = squares {
            let node = self.node(Role::Figure(format!("核验二维码：{}", text.address)), None);
            self.draw((LEFT, top), Mark::Qr { squares, side: QR }, Some(node));
        }
        let node = self.node(Role::Paragraph, None);
        for (index, line) in captions.into_iter().enumerate() {
            let baseline = top + QR + 6.0 + index as f32 * small * 1.5 + small;
            self.draw((LEFT, baseline), Mark::Line { line, size: small, bold: false }, Some(node));
        }

        // the block is as high as the seal at least, and stands in its middle
        let first = top + ((SEAL - signed) / 2.0).max(0.0);
        let widest = names.iter().map(|line| line.ems).fold(date.ems, f32::max) * body;
        // the seal must not pass the margin, and covers the date's year and month
        let centre = (right - widest / 2.0).min(RIGHT - SEAL / 2.0);
        let node = self.node(Role::Paragraph, None);
        for (index, line) in names.into_iter().chain([date]).enumerate() {
            let x = centre - line.ems * body / 2.0;
            let baseline = first + index as f32 * leading + leading / 2.0 + body * 0.38;
            self.draw((x, baseline), Mark::Line { line, size: body, bold: false }, Some(node));
        }
        let node = self.node(Role::Figure(format!("印章：{}{}", text.organ, text.inscription)), None);
        let organ = lines::set(self.fonts, &text.organ)?;
        let inscription = lines::set(self.fonts, &text.inscription)?;
        let middle = first + signed / 2.0;
        self.draw((centre, middle), Mark::Seal { organ, inscription }, Some(node));
        self.y += height;
        Ok(())
    }

    /// Makes room for a height; where that begins a page, the last lines of the text come with it, so that no signature stands alone.
    fn take_along(&mut self, height: f32) {
        if self.y + height <= BOTTOM || self.y <= TOP {
            return;
        }
        let last =
            self.sheets.nodes.len().checked_sub(1).filter(|node| self.sheets.nodes[*node].role == Role::Paragraph);
        let page = self.sheets.pages.last().map_or(&[][..], Vec::as_slice);
        let lines = page.iter().rev().take_while(|drawn| last.is_some() && drawn.node == last).count();
        // two lines at least stay together on either page
        let taken = match lines {
            0..=3 => lines,
            _ => 2,
        };
        // a page's only paragraph stays where it is
        let taken = if taken == page.len() { 0 } else { taken };
        let from = page.len() - taken;
        let along = self.sheets.pages.last_mut().map(|page| page.split_off(from)).unwrap_or_default();
        self.page();
        for drawn in along {
            if let Mark::Line { line, size, bold } = drawn.mark {
                self.line(line, drawn.at.0, size, bold, drawn.node.unwrap_or_default());
            }
        }
    }

    /// Page numbers, `— 1 / 2 —`.
    fn feet(&mut self) -> Result<(), Missing> {
        let size = 12.0;
        let pages = self.sheets.pages.len();
        for (index, page) in self.sheets.pages.iter_mut().enumerate() {
            let line = lines::set(self.fonts, &format!("— {} / {pages} —", index + 1))?;
            let x = LEFT + (MEASURE - line.ems * size) / 2.0;
            page.push(Drawn { at: (x, FOOT), mark: Mark::Line { line, size, bold: false }, node: None });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
