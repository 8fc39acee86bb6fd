//! What stands in a document, word for word, as it was issued. The register pins it; the PDF is drawn from it alone.

use chrono::{Datelike, NaiveDate};
use serde::{Deserialize, Serialize};
use yiwang_standards::sm;

use crate::kind::Kind;

/// The layout by which documents are drawn today. A document keeps the one that it was issued with: what a layout draws never
/// changes, to the byte, which a test holds it to; another look is another layout.
pub const LAYOUT: u32 = 2;

/// A document's whole text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Text {
    /// By which layout it is drawn.
    pub layout: u32,
    /// 文书种类.
    pub kind: Kind,
    /// Its title.
    pub title: String,
    /// 文书编号.
    pub number: String,
    /// Codes that stand below it, each with its name.
    pub references: Vec<String>,
    /// The day of it.
    pub date: NaiveDate,
    /// 申请人, to whom it is addressed: in full.
    pub addressee: String,
    /// A natural person, whose name is masked where it is shown to anybody.
    pub person: bool,
    /// 事项名称.
    pub item: String,
    /// The organ in whose name it is made, which stands under it and in its seal.
    pub organ: String,
    /// What stands below the star of the seal.
    pub inscription: String,
    /// The body, from the top.
    pub parts: Vec<Part>,
    /// 校验码: who has the document has it.
    pub check_code: String,
    /// Where it is verified; the QR code leads there.
    pub address: String,
}

/// A piece of the body.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// Begins at the margin: 称谓, 小标题.
    Lead(String),
    /// A paragraph, its first line indented.
    Paragraph(String),
    /// A table with a head.
    Table {
        /// Heads and relative widths.
        columns: Vec<(String, u32)>,
        /// Rows, a text a column.
        rows: Vec<Vec<String>>,
    },
    /// Something to be filled in and signed by hand, at the right.
    Signature(String),
    /// The title of a second paper that belongs to the first; begins a page.
    Title(String),
}

impl Text {
    /// The text as the register keeps it and as its digest is made: JSON, the fields in their order.
    pub fn pinned(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// A pinned text; none where it is none that this release can read.
    pub fn read(pinned: &str) -> Option<Self> {
        serde_json::from_str(pinned).ok()
    }

    /// SM3 of a pinned text, 64 hex digits.
    pub fn digest(pinned: &str) -> String {
        sm::to_hex(&sm::sm3(pinned.as_bytes()))
    }
}

/// A date as documents write it, `2026年3月2日`.
pub fn day(date: NaiveDate) -> String {
    format!("{}年{}月{}日", date.year(), date.month(), date.day())
}
