//! 导入、导出: the catalogue's rows as CSV and JSON files.

use serde::{Deserialize, Serialize};
use yiwang_ledger::{Kind, Refusal};

use super::ItemFacts;

/// A row of a file, every value as it is written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileRow {
    /// 实施主体.
    pub department: String,
    /// 主项名称.
    #[serde(default)]
    pub main_item: String,
    /// 事项名称.
    pub name: String,
    /// 实施编码.
    pub item_code: String,
    /// 行政区划.
    pub region_code: String,
    /// 实施主体编码.
    #[serde(default)]
    pub department_code: String,
    /// 事项类型, code of GB/T 39046 A.1.
    pub item_type: u16,
}

impl From<&ItemFacts> for FileRow {
    fn from(facts: &ItemFacts) -> Self {
        FileRow {
            department: facts.department.clone(),
            main_item: facts.main_item.clone(),
            name: facts.name.clone(),
            item_code: facts.code.clone(),
            region_code: facts.region.clone(),
            department_code: facts.department_code.clone(),
            item_type: facts.item_type,
        }
    }
}

fn unreadable(why: &str) -> Refusal {
    Refusal::field("text", "FILE_UNREADABLE", format!("文件无法读取：{why}"), format!("the file cannot be read: {why}"))
}

fn row_unreadable(why: &str) -> Refusal {
    Refusal::field("row", "ROW_UNREADABLE", format!("该行无法读取：{why}"), format!("the line cannot be read: {why}"))
}

fn unwritable() -> Refusal {
    Refusal::new(Kind::Internal, "INTERNAL", "文件无法生成", "the file cannot be written")
}

/// The rows of a CSV file, each by itself.
///
/// # Errors
/// `FILE_UNREADABLE` where its head is none; a line at fault is the row's own affair.
pub fn from_csv(text: &str) -> Result<Vec<Result<FileRow, Refusal>>, Refusal> {
    let mut reader =
        csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.trim_start_matches('\u{feff}').as_bytes());
    let known = ["department", "main_item", "name", "item_code", "region_code", "department_code", "item_type"];
    let head = reader.headers().map_err(|error| unreadable(&error.to_string()))?;
    if let Some(other) = head.iter().find(|column| !known.contains(column)) {
        return Err(unreadable(&format!("没有“{other}”这一列")));
    }
    if let Some(missing) = ["department", "name", "item_code", "region_code", "item_type"]
        .iter()
        .find(|column| !head.iter().any(|own| own == **column))
    {
        return Err(unreadable(&format!("缺少“{missing}”一列")));
    }
    Ok(reader.deserialize().map(|row| row.map_err(|error| row_unreadable(&error.to_string()))).collect())
}

/// The rows of a JSON file, each by itself.
///
/// # Errors
/// `FILE_UNREADABLE` where it is no array.
pub fn from_json(text: &str) -> Result<Vec<Result<FileRow, Refusal>>, Refusal> {
    let rows: Vec<serde_json::Value> = serde_json::from_str(text).map_err(|error| unreadable(&error.to_string()))?;
    let one = |row| serde_json::from_value(row).map_err(|error| row_unreadable(&error.to_string()));
    Ok(rows.into_iter().map(one).collect())
}

/// Rows as a CSV file.
///
/// # Errors
/// `INTERNAL`.
pub fn to_csv(rows: &[FileRow]) -> Result<String, Refusal> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let broken = |_| unwritable();
    rows.iter().try_for_each(|row| writer.serialize(row).map_err(broken))?;
    let bytes = writer.into_inner().map_err(|_| unwritable())?;
    String::from_utf8(bytes).map_err(|_| unwritable())
}

/// Rows as a JSON file.
///
/// # Errors
/// `INTERNAL`.
pub fn to_json(rows: &[FileRow]) -> Result<String, Refusal> {
    serde_json::to_string_pretty(rows).map_err(|_| unwritable())
}
