//! 申请表: what the item's form says of its fields beside their shape: where each comes from (免填), which are shown masked, and
//! which are sensitive and need a separate consent (个人信息保护法 arts. 28, 29).

use serde_json::{Map, Value};
use yiwang_ledger::{Personal, Refusal};
use yiwang_standards::identity::mask_number;

use crate::application::{Application, Party};
use crate::catalogue::ItemFacts;
use crate::catalogue::facts::Fetch;
use crate::drafting::check::Found;
use crate::fetching::{Fetched, Taken};

/// Where a field comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source<'a> {
    /// The applicant types it.
    Typed,
    /// From the applicant's identity: `name`, `number`, `phone` or `address`.
    Identity(&'a str),
    /// From an electronic licence: type code and field.
    License(&'a str, &'a str),
    /// From another department's data: source and field.
    Department(&'a str, &'a str),
}

impl<'a> Source<'a> {
    /// Reads `x-source`; none for what it cannot be.
    pub fn parse(text: &'a str) -> Option<Self> {
        let parts: Vec<&str> = text.split('.').collect();
        let named = parts.iter().all(|part| !part.is_empty());
        Some(match parts.as_slice() {
            ["typed"] => Source::Typed,
            ["identity", field @ ("name" | "number" | "phone" | "address")] => Source::Identity(field),
            ["licence", kind, field] if named => Source::License(kind, field),
            ["department", source, field] if named => Source::Department(source, field),
            _ => return None,
        })
    }
}

/// The properties of a form's schema.
fn properties(schema: &str) -> Map<String, Value> {
    let schema: Value = serde_json::from_str(schema).unwrap_or_default();
    match schema.get("properties") {
        Some(Value::Object(properties)) => properties.clone(),
        _ => Map::new(),
    }
}

fn marked(property: &Value, mark: &str) -> bool {
    property.get(mark) == Some(&Value::Bool(true))
}

const MARKS: [&str; 3] = ["x-source", "x-masked", "x-sensitive"];

fn own_marks(property: &Value) -> usize {
    MARKS.iter().filter(|mark| property.get(**mark).is_some()).count()
}

/// How many marks there are in a schema, however deep.
fn marks(schema: &Value) -> usize {
    match schema {
        Value::Object(fields) => own_marks(schema) + fields.values().map(marks).sum::<usize>(),
        Value::Array(all) => all.iter().map(marks).sum(),
        _ => 0,
    }
}

/// What a form must be before it is published: its marks are ones that there are.
pub fn check(found: &mut Found, facts: &ItemFacts) {
    let schema: Value = serde_json::from_str(&facts.form_schema).unwrap_or_default();
    if marks(&schema) != properties(&facts.form_schema).values().map(own_marks).sum::<usize>() {
        let (zh, en) = (
            "x-source、x-masked、x-sensitive 只能标在表单的顶层栏目上",
            "marks stand directly in a top-level property, and nowhere else",
        );
        found.add("form_schema", "FORM_MARK_UNFIT", zh, en);
    }
    for name in &facts.result.license_fields {
        let property = properties(&facts.form_schema).get(name).cloned().unwrap_or_default();
        if own_marks(&property) > usize::from(property.get("x-source").is_some()) {
            let (zh, en) =
                ("脱敏或者敏感的栏目不得载入证照", "a masked or sensitive field is not repeated on a licence");
            found.add("result.license_fields", "FORM_MARK_UNFIT", zh, en);
        }
    }
    for (name, property) in properties(&facts.form_schema) {
        let at = format!("form_schema.{name}");
        let known = match property.get("x-source") {
            None => true,
            Some(Value::String(source)) => Source::parse(source).is_some(),
            Some(_) => false,
        };
        if !known {
            let (zh, en) = (
                "x-source 应为 typed、identity.*、licence.*.* 或者 department.*.*",
                "x-source is typed, identity.*, licence.*.* or department.*.*",
            );
            found.add(at.clone(), "FORM_SOURCE_UNKNOWN", zh, en);
        }
        let flags = ["x-masked", "x-sensitive"].map(|mark| property.get(mark));
        let boolean = flags.iter().flatten().all(|flag| flag.is_boolean());
        // what is masked is a text
        let fits = !marked(&property, "x-masked") || property.get("type") == Some(&Value::from("string"));
        if !boolean || !fits {
            let (zh, en) = (
                "x-masked、x-sensitive 应为布尔值，脱敏的栏目应为文本",
                "marks are true or false; a masked field is a text",
            );
            found.add(at, "FORM_MARK_UNFIT", zh, en);
        }
    }
}

/// An identity's value for a field; none where it has none, or was erased.
fn of_identity<'a>(party: &'a Party, field: &str) -> Option<&'a str> {
    let value = match field {
        "name" => &party.name,
        "number" => &party.number,
        "phone" => &party.phone,
        "address" => &party.address,
        _ => &None,
    };
    value.as_ref().and_then(Personal::get)
}

/// 免填: the fields that come from the applicant's identity, with what it says.
pub fn known(facts: &ItemFacts, applicant: &Party) -> Vec<(String, String)> {
    let known = |(name, property): (String, Value)| {
        let source = property.get("x-source")?.as_str()?;
        match Source::parse(source)? {
            Source::Identity(field) => Some((name, of_identity(applicant, field)?.to_owned())),
            _ => None,
        }
    };
    properties(&facts.form_schema).into_iter().filter_map(known).collect()
}

/// 免填: the fields that come from a licence or a department, each with where it comes from.
pub fn taken(facts: &ItemFacts) -> Vec<(Fetch, Taken)> {
    let taken = |(name, property): (String, Value)| {
        let (from, of) = match Source::parse(property.get("x-source")?.as_str()?)? {
            Source::License(kind, field) => (Fetch::License(kind.to_owned()), field.to_owned()),
            Source::Department(data, field) => (Fetch::Department(data.to_owned()), field.to_owned()),
            Source::Typed | Source::Identity(_) => return None,
        };
        Some((from, Taken { field: name, of, schema: property }))
    };
    properties(&facts.form_schema).into_iter().filter_map(taken).collect()
}

/// The form with what is known filled in.
pub fn filled(form: Option<&str>, known: &[(String, String)]) -> String {
    let mut form: Map<String, Value> = form.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    for (name, value) in known {
        form.insert(name.clone(), Value::from(value.as_str()));
    }
    Value::Object(form).to_string()
}

/// Names of the fields that differ between two forms.
pub fn changed(before: Option<&Personal>, after: Option<&Personal>) -> Vec<String> {
    let fields = |form: Option<&Personal>| -> Map<String, Value> {
        form.and_then(Personal::get).and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
    };
    let (before, after) = (fields(before), fields(after));
    let mut names: Vec<String> =
        before.keys().chain(after.keys()).filter(|name| before.get(*name) != after.get(*name)).cloned().collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// The refusal of a form that says otherwise than the sources of these fields; a field that is left empty says nothing.
fn otherwise(form: &Value, sourced: impl Iterator<Item = (String, Value)>, zh: &str, en: &str) -> Result<(), Refusal> {
    let (about_zh, about_en) = ("申请表填写有误，请按提示修改", "the form does not fit its schema");
    let mut refusal = Refusal::invalid("FORM_INVALID", about_zh, about_en);
    for (name, value) in sourced {
        if form.get(&name).is_some_and(|said| *said != value) {
            refusal = refusal.with_field(format!("form.{name}"), "FIELD_NOT_AS_SOURCED", zh, en);
        }
    }
    if refusal.fields.is_empty() { Ok(()) } else { Err(refusal) }
}

fn read(form: Option<&Personal>) -> Value {
    form.and_then(Personal::get).and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
}

/// Where the form says otherwise than what was fetched for a field, which nobody has disputed.
///
/// # Errors
/// `FORM_INVALID`, each field with FIELD_NOT_AS_SOURCED.
pub fn check_fetched(app: &Application) -> Result<(), Refusal> {
    let (zh, en) = (
        "该栏取自证照或者部门数据，不能另填；数据有误的，请提出异议",
        "comes from a licence or a department: where that is wrong, dispute it",
    );
    otherwise(&read(app.form.as_ref()), app.sourced().into_iter(), zh, en)
}

/// The form without what was fetched for it, for another applicant.
pub fn without_fetched(app: &Application) -> Option<Personal> {
    let form = app.form.as_ref()?;
    let Value::Object(mut fields) = read(Some(form)) else { return Some(form.clone()) };
    for (name, value) in app.fetched.values().flatten().flat_map(Fetched::values) {
        if fields.get(&name) == Some(&value) {
            fields.remove(&name);
        }
    }
    Some(Personal::new(form.subject(), "form", Value::Object(fields).to_string()))
}

/// Fields of which the form says otherwise than their source, or whose source is said to be wrong: a clerk looks at them.
pub fn doubtful(app: &Application) -> Vec<String> {
    let form = read(app.form.as_ref());
    let fetched = app.fetched.values().flatten().flat_map(Fetched::values);
    let differs = |name: &str, value: &Value| form.get(name).is_some_and(|said| said != value);
    let mut all: Vec<String> = fetched
        .filter(|(name, value)| differs(name, value) || app.disputes_field(name))
        .map(|(name, _)| name)
        .collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// What a field is called in an item's form.
pub fn title(facts: &ItemFacts, field: &str) -> String {
    let schema: Value = serde_json::from_str(&facts.form_schema).unwrap_or_default();
    schema["properties"][field]["title"].as_str().unwrap_or(field).to_owned()
}

/// Where the form says otherwise than the identity or what was fetched.
///
/// # Errors
/// `FORM_INVALID`, each field with FIELD_NOT_AS_SOURCED.
pub fn check_sourced(app: &Application, facts: &ItemFacts) -> Result<(), Refusal> {
    let Some(applicant) = app.identified_applicant() else { return Ok(()) };
    check_fetched(app)?;
    let known = known(facts, applicant).into_iter().map(|(name, value)| (name, Value::from(value)));
    let (zh, en) = ("该栏取自身份信息，不能另填", "comes from the identity and cannot be filled in otherwise");
    otherwise(&read(app.form.as_ref()), known, zh, en)
}

/// 敏感个人信息: names of the sensitive fields that are filled in.
pub fn sensitive(app: &Application, facts: &ItemFacts) -> Vec<String> {
    let form = read(app.form.as_ref());
    let there = |name: &String| form.get(name).is_some_and(|value| !value.is_null() && value != "");
    let names = properties(&facts.form_schema).into_iter().filter(|(_, property)| marked(property, "x-sensitive"));
    names.map(|(name, _)| name).filter(there).collect()
}

/// The names of the fields to whose use the applicant consents: those consented to before, and, with a consent, all others.
///
/// # Errors
/// `CONSENT_MISSING`, naming the fields.
pub fn consented(app: &Application, facts: &ItemFacts, consents: bool) -> Result<Vec<String>, Refusal> {
    let sensitive = sensitive(app, facts);
    let open: Vec<&String> = sensitive.iter().filter(|name| !app.consented.contains(name)).collect();
    if consents || open.is_empty() {
        return Ok(sensitive);
    }
    let (zh, en) = (
        "处理敏感个人信息应当取得申请人的单独同意（个人信息保护法第二十九条）",
        "the use of sensitive data needs a separate consent (PIPL art. 29)",
    );
    let refusal = Refusal::invalid("CONSENT_MISSING", zh, en);
    Err(open
        .into_iter()
        .fold(refusal, |refusal, name| refusal.with_field(format!("form.{name}"), "CONSENT_MISSING", zh, en)))
}

/// The form as whoever does not handle it sees it.
pub fn masked(form: &str, facts: &ItemFacts) -> String {
    let mut form: Map<String, Value> = serde_json::from_str(form).unwrap_or_default();
    for (name, property) in properties(&facts.form_schema) {
        let (hidden, gone) = (marked(&property, "x-masked"), marked(&property, "x-sensitive"));
        if let Some(value) = form.get_mut(&name).filter(|_| hidden || gone) {
            *value = match value.as_str() {
                Some(text) if !gone => Value::from(mask_number(text)),
                _ => Value::from("***"),
            };
        }
    }
    Value::Object(form).to_string()
}
