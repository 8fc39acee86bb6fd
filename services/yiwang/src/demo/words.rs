//! What answers of the API say, in words.

use serde_json::Value;

pub fn text(value: &Value, field: &str) -> String {
    value[field].as_str().unwrap_or_default().to_owned()
}

pub fn list<'a>(value: &'a Value, field: &str) -> &'a [Value] {
    value[field].as_array().map(Vec::as_slice).unwrap_or_default()
}

pub fn last<'a>(value: &'a Value, field: &str) -> &'a Value {
    list(value, field).last().unwrap_or(&Value::Null)
}

pub fn names_of(materials: &Value) -> String {
    let named = materials.as_array().into_iter().flatten();
    named.map(|material| text(material, "name")).collect::<Vec<_>>().join("\n")
}

pub fn limit(limit: &Value) -> String {
    let unit = if limit["unit"] == "TIME_UNIT_WORKING_DAY" { "个工作日" } else { "日" };
    format!("{}{unit}（{}）", limit["days"], text(limit, "basis"))
}

pub fn due(due: &Value) -> String {
    format!("{}\n{}", text(due, "date"), text(due, "explanation"))
}

pub fn overdue(clock: &Value) -> String {
    let late = clock["promisedOverdue"] == true || clock["legalOverdue"] == true;
    if late { "是".to_owned() } else { "否，在承诺时限内".to_owned() }
}

pub fn validity(license: &Value) -> String {
    let until = text(license, "validTo");
    format!("{} 至 {}", text(license, "validFrom"), if until.is_empty() { "长期" } else { &until })
}

pub fn yes_no(value: &Value) -> String {
    if value == &Value::Bool(true) { "是".to_owned() } else { "否".to_owned() }
}

/// A page that stands for a scanned paper.
pub fn pdf(title: &str) -> Vec<u8> {
    let content = format!(
        "%PDF-1.4\n% {title}\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
    );
    content.into_bytes()
}
