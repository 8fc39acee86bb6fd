//! 免提交: a material that the licence service or a department has is fetched, shown to the applicant, and recorded with its
//! reference (优化营商环境条例 art. 37; 国务院令第716号 art. 10).

mod department;
mod licenses;

use std::sync::{Arc, LazyLock};

use async_trait::async_trait;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use yiwang_kit::Env;
use yiwang_kit::followed::Followed;
use yiwang_ledger::{Personal, Timestamp};
use yiwang_standards::calendar::Calendar;

pub use self::department::Department;
use self::department::Departments;
use self::licenses::Licenses;
use crate::application::{Actor, Application};
use crate::catalogue::ItemFacts;
use crate::catalogue::facts::Fetch;
use crate::form;

/// What is asked of a source.
#[derive(Clone, Debug)]
pub struct Query {
    /// Whose it is: keyed hash of kind and number.
    pub subject: String,
    /// Kind of the document, as GA/T 2000.156 names it.
    pub document_kind: String,
    /// Its number.
    pub document_number: String,
    /// Name of the person or company.
    pub name: String,
    /// What is fetched: 证照类型代码, or the name of the data.
    pub what: String,
    /// Unique id of the question: the same is asked again with the same.
    pub id: String,
    /// Trace of the call.
    pub trace: String,
}

/// What a source has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The source's own reference: 证照标识, or the department's number.
    pub reference: String,
    /// What it is, in words: 公共场所卫生许可证 川卫公证字〔2026〕第1号.
    pub title: String,
    /// Who has it.
    pub issuer: String,
    /// Last day; none for no end.
    pub valid_to: Option<NaiveDate>,
    /// What it says, by the source's own names.
    pub fields: Map<String, Value>,
}

/// Why there is nothing: an end, after which the applicant hands it in herself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Missed {
    /// The source has nothing in force.
    #[default]
    NoRecord,
    /// Nobody is connected who has such data.
    NoSource,
    /// The source was away until the last day on which it is waited for.
    GivenUp,
}

/// What came of asking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The source has it.
    Found(Found),
    /// There is nothing.
    Missed(Missed),
}

pub use yiwang_kit::outward::Away;

/// Where materials are fetched from: the licence service, or a department's adapter.
#[async_trait]
pub trait Source: Send + Sync {
    /// What it has of somebody; none where it has nothing in force.
    ///
    /// # Errors
    /// The source is away.
    async fn fetch(&self, query: &Query) -> Result<Option<Found>, Away>;
}

/// A material that was fetched, as an application keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fetched {
    /// Where from.
    pub from: Fetch,
    /// The source's reference.
    pub reference: Personal,
    /// What it is, in words.
    pub title: Personal,
    /// Who has it.
    pub issuer: String,
    /// Last day; none for no end.
    pub valid_to: Option<NaiveDate>,
    /// When it was fetched.
    pub at: Timestamp,
    /// What the form takes from it: JSON, by the names of the form's fields; none where it takes nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fields: Option<Personal>,
}

impl Fetched {
    /// What the form takes from it; nothing once erased.
    pub fn values(&self) -> Map<String, Value> {
        let text = self.fields.as_ref().and_then(Personal::get);
        text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
    }
}

/// That nothing was fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unfetched {
    /// Why.
    pub why: Missed,
    /// When that was known.
    pub at: Timestamp,
}

/// 数据异议: the applicant says that what was fetched is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disputed {
    /// What: a field of the form, or a material.
    pub what: Disputable,
    /// What is wrong.
    pub reason: Personal,
    /// Who says so.
    pub by: Actor,
    /// When.
    pub at: Timestamp,
}

/// What may be wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Disputable {
    /// A field of the form, which may then be filled in otherwise.
    Field(String),
    /// A material, which is then handed in.
    Material(String),
}

/// What is asked for, and what of it goes into the form.
#[derive(Clone, Debug, PartialEq)]
pub struct Wanted {
    /// Code of the material; of what is no material, the source as forms write it: `department.不动产登记`.
    pub key: String,
    /// What people call it.
    pub name: String,
    /// Where from.
    pub from: Fetch,
    /// Fields of the form that come from it.
    pub fields: Vec<Taken>,
}

/// A field of the form that comes from a source.
#[derive(Clone, Debug, PartialEq)]
pub struct Taken {
    /// Its name in the form.
    pub field: String,
    /// Its name at the source.
    pub of: String,
    /// What its values are, JSON Schema.
    pub schema: Value,
}

impl Wanted {
    /// A material from which the form takes nothing.
    pub fn material(code: &str, from: Fetch) -> Self {
        Wanted { key: code.to_owned(), name: code.to_owned(), from, fields: Vec::new() }
    }

    /// What the form takes of what was found: what is there and fits the field. Nothing else is kept.
    pub fn values(&self, found: &Found) -> Map<String, Value> {
        let fit = |taken: &Taken| {
            let value = found.fields.get(&taken.of).filter(|value| !value.is_null())?;
            let fits = jsonschema::draft202012::options().build(&taken.schema).is_ok_and(|is| is.is_valid(value));
            fits.then(|| (taken.field.clone(), value.clone()))
        };
        self.fields.iter().filter_map(fit).collect()
    }
}

/// All sources of this installation.
#[derive(Clone)]
pub struct Sources {
    licenses: Arc<dyn Source>,
    departments: Followed<Departments>,
}

impl Sources {
    /// The licence service, and the departments of `departments.toml` in the data folder.
    ///
    /// # Errors
    /// The file is not in order.
    pub fn open(env: &Env) -> anyhow::Result<Self> {
        let config = env.config.clone();
        let read = move || department::configured(&config);
        let departments = Followed::open("departments.toml", read, env.shutdown.clone())?;
        Ok(Self { licenses: Arc::new(Licenses::new(env.links.clone())), departments })
    }

    /// Asks the source.
    ///
    /// # Errors
    /// The source is away.
    pub async fn fetch(&self, from: &Fetch, query: &Query) -> Result<Answer, Away> {
        let found = match from {
            Fetch::License(_) => self.licenses.fetch(query).await?,
            Fetch::Department(data) => match self.departments.now().get(data) {
                Some(source) => source.fetch(query).await?,
                None => return Ok(Answer::Missed(Missed::NoSource)),
            },
        };
        Ok(found.map_or(Answer::Missed(Missed::NoRecord), Answer::Found))
    }
}

/// What is fetched for an item: its materials, and what its form takes from elsewhere. It is asked for each time: what nobody had
/// yesterday may be in force today, and what was in force may have ended.
pub fn wanted(facts: &ItemFacts) -> Vec<Wanted> {
    let materials = facts.materials.iter().filter_map(|material| {
        let (key, name) = (material.code.clone(), material.name.clone());
        Some(Wanted { key, name, from: material.fetch.clone()?, fields: Vec::new() })
    });
    let mut all: Vec<Wanted> = materials.collect();
    for (from, taken) in form::taken(facts) {
        if let Some(known) = all.iter_mut().find(|known| known.from == from) {
            known.fields.push(taken);
            continue;
        }
        let (Fetch::License(what) | Fetch::Department(what)) = &from;
        let kind = if matches!(from, Fetch::License(_)) { "licence" } else { "department" };
        let (key, name) = (format!("{kind}.{what}"), taken.schema["title"].as_str().unwrap_or(&taken.field).to_owned());
        all.push(Wanted { key, name, from, fields: vec![taken] });
    }
    all
}

/// How many working days before everything missing must be told (行政许可法 art. 32 ④) a source that is away is given up, so that the
/// window can still ask for what it did not give. No rule's number: the window's time to write.
const BEFORE_TELLING: u32 = 2;

/// The last day on which a source that is away is waited for, once an application was handed in.
pub fn last_day(app: &Application, calendar: &Calendar) -> Option<NaiveDate> {
    let received = app.received()?;
    let due = app.item.rules.tell_once.due(received, calendar);
    Some(calendar.working_days_before(due.date, BEFORE_TELLING).max(received))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    obtainable: Vec<Obtainable>,
}

/// What the platform itself can have.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Obtainable {
    name: String,
    words: Vec<String>,
}

static OBTAINABLE: LazyLock<Result<Vec<Obtainable>, String>> = LazyLock::new(|| {
    let file: Result<File, _> = toml::from_str(include_str!("../../data/obtainable.toml"));
    file.map(|file| file.obtainable).map_err(|error| error.to_string())
});

/// Whether the data file is in order.
///
/// # Errors
/// What is wrong with it.
pub fn check() -> Result<(), String> {
    OBTAINABLE.as_ref().map(|_| ()).map_err(Clone::clone)
}

/// The name under which a material of this name can be had by sharing; none where it cannot.
pub fn obtainable(material: &str) -> Option<&'static str> {
    let name = material.trim().trim_end_matches(['）', ')']);
    let name = name.split(['（', '(']).next().unwrap_or(name).trim();
    let known = OBTAINABLE.as_ref().ok()?;
    known.iter().find(|one| one.words.iter().any(|word| word == name)).map(|one| one.name.as_str())
}
