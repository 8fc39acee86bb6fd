//! 边填边存: the form is saved field by field, and what two people write beside each other both stays.

use serde_json::{Map, Value};
use yiwang_ledger::{Context, Decision, Kind, Personal, Refusal};

use super::Acting;
use super::draft::{Update, update};
use crate::application::{Application, ApplicationEvent as Event, Change, Phase, not_found, wrong_phase};
use crate::catalogue::ItemFacts;

/// Fields that are saved.
#[derive(Clone, Debug, Default)]
pub struct Save {
    /// By name; null takes a field out.
    pub fields: Map<String, Value>,
    /// The version that whoever writes has seen; 0: none.
    pub seen: u64,
}

/// Saves fields of the form before it is handed in. A field that somebody else has saved since is not written over.
///
/// # Errors
/// `FIELDS_CHANGED`, each such field named; `FIELD_NOT_IN_FORM`; as [`update`].
pub fn save_fields(app: &Application, facts: &ItemFacts, ask: &Save, by: &Acting, cx: &Context) -> Decision<Event> {
    if !matches!(app.phase, Phase::Draft | Phase::CorrectionRequested) {
        return Err(if app.exists() { wrong_phase(&app.phase, "修改", "changed") } else { not_found() });
    }
    let schema: Value = serde_json::from_str(&facts.form_schema).unwrap_or_default();
    let text = app.form.as_ref().and_then(Personal::get);
    let mut form: Map<String, Value> = text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    let (zh, en) = ("该事项的表单没有这些栏目", "the item's form has no such fields");
    let mut unknown = Refusal::invalid("FIELD_NOT_IN_FORM", zh, en);
    let (zh, en) =
        ("这些栏目刚刚被他人修改，请核对后再保存", "somebody else has saved these fields since: look, and save again");
    let mut changed = Refusal::new(Kind::Aborted, "FIELDS_CHANGED", zh, en);
    for (name, value) in &ask.fields {
        let place = format!("fields.{name}");
        if schema["properties"].get(name).is_none() {
            unknown = unknown.with_field(place, "FIELD_NOT_IN_FORM", "表单没有这个栏目", "not a field of the form");
        } else if form.get(name).unwrap_or(&Value::Null) == value {
            // both have written the same
        } else if app.saved.get(name).is_some_and(|version| *version > ask.seen) {
            changed = changed.with_field(place, "FIELDS_CHANGED", "该栏目已被他人修改", "was saved since");
        } else if value.is_null() {
            form.remove(name);
        } else {
            form.insert(name.clone(), value.clone());
        }
    }
    for refusal in [unknown, changed] {
        if !refusal.fields.is_empty() {
            return Err(refusal);
        }
    }
    let form = Personal::new(app.data_subject(), "form", Value::Object(form).to_string());
    update(app, facts, &Update { form: Change::Set(form), ..Update::default() }, by, cx)
}
