//! 免提交: a material that the licence service or a department has is fetched, shown to the applicant, and recorded with its
//! reference (优化营商环境条例 art. 37; 国务院令第716号 art. 10).

mod department;
mod licenses;

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use async_trait::async_trait;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use yiwang_kit::Env;
use yiwang_ledger::{Personal, Timestamp};

pub use self::department::Department;
use self::licenses::Licenses;
use crate::catalogue::ItemFacts;
use crate::catalogue::facts::{Fetch, Material};

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
}

/// All sources of this installation.
#[derive(Clone)]
pub struct Sources {
    licenses: Arc<dyn Source>,
    departments: Arc<HashMap<String, Arc<dyn Source>>>,
}

impl Sources {
    /// The licence service, and the departments of `departments.toml` in the data folder.
    ///
    /// # Errors
    /// The file is not in order.
    pub fn open(env: &Env) -> anyhow::Result<Self> {
        let departments = department::configured(&env.config)?;
        Ok(Self { licenses: Arc::new(Licenses::new(env.links.clone())), departments: Arc::new(departments) })
    }

    /// Asks the source; none where it has nothing in force.
    ///
    /// # Errors
    /// The source is away, or is none of this installation's.
    pub async fn fetch(&self, from: &Fetch, query: &Query) -> Result<Option<Found>, Away> {
        match from {
            Fetch::License(_) => self.licenses.fetch(query).await,
            Fetch::Department(data) => match self.departments.get(data) {
                Some(source) => source.fetch(query).await,
                None => Err(Away(format!("no source of {data}"))),
            },
        }
    }
}

/// The materials of an item that are fetched. They are asked for each time: what nobody had yesterday may be in force today, and what
/// was in force may have ended.
pub fn fetchable(facts: &ItemFacts) -> Vec<(&Material, &Fetch)> {
    facts.materials.iter().filter_map(|material| Some((material, material.fetch.as_ref()?))).collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_had_is_told_by_its_name() {
        check().expect("data");
        assert_eq!(obtainable("营业执照（副本复印件）"), Some("营业执照"));
        assert_eq!(obtainable(" 居民身份证 "), Some("居民身份证"));
        assert_eq!((obtainable("身份证明"), obtainable("平面布局图"), obtainable("")), (None, None, None));
    }
}
