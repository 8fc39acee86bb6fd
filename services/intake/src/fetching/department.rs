//! A department's data over HTTP: one POST a question, JSON both ways. The contract stands in `docs/departments.md`; a department that
//! speaks otherwise puts an adapter in front.

use std::collections::HashMap;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use yiwang_kit::followed::Read;
use yiwang_kit::outward::Outward;
use yiwang_kit::{Config, config::Mode, wire};

use super::{Away, Found, Query, Source};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    department: Vec<Entry>,
}

/// One department's data.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    /// Name of the data, as items name it.
    data: String,
    /// Who answers.
    issuer: String,
    /// Where: `https://…`.
    address: String,
    /// Its bearer token, in a file.
    token_file: Option<std::path::PathBuf>,
}

/// The departments of `departments.toml` in the data folder, by the name of their data.
pub(super) type Departments = HashMap<String, Arc<dyn Source>>;

/// What stands there; none where there is no such file.
pub(super) fn configured(config: &Config) -> anyhow::Result<Read<Departments>> {
    let mut files = vec![config.outside("departments.toml")];
    let text = match std::fs::read_to_string(&files[0]) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(error).context("departments.toml"),
    };
    let file: File = toml::from_str(&text).context("departments.toml")?;
    let mut all = Departments::new();
    for entry in file.department {
        files.extend(entry.token_file.clone());
        let token = entry.token_file.map(std::fs::read_to_string).transpose().context("token_file")?;
        let source = Department::new(&entry.address, &entry.issuer, token, config.mode == Mode::Production)?;
        if all.insert(entry.data.clone(), Arc::new(source)).is_some() {
            bail!("departments.toml: {} stands twice", entry.data);
        }
    }
    Ok(Read { value: all, files })
}

#[derive(Serialize)]
struct Ask<'a> {
    request_id: &'a str,
    data: &'a str,
    document_kind: &'a str,
    document_number: &'a str,
    name: &'a str,
}

#[derive(Deserialize)]
struct Answer {
    found: bool,
    #[serde(default)]
    reference: String,
    #[serde(default)]
    title: String,
    #[serde(default)]
    valid_to: String,
    /// What forms take from it, by the department's own names.
    #[serde(default)]
    fields: Map<String, Value>,
}

/// A department that answers over HTTP.
pub struct Department {
    desk: Outward,
    issuer: String,
}

impl Department {
    /// At an address; in production over TLS alone.
    ///
    /// # Errors
    /// The client cannot be made.
    pub fn new(address: &str, issuer: &str, token: Option<String>, https_only: bool) -> anyhow::Result<Self> {
        Ok(Self { desk: Outward::new(address, token, https_only)?, issuer: issuer.to_owned() })
    }
}

#[async_trait]
impl Source for Department {
    async fn fetch(&self, query: &Query) -> Result<Option<Found>, Away> {
        let ask = Ask {
            request_id: &query.id,
            data: &query.what,
            document_kind: &query.document_kind,
            document_number: &query.document_number,
            name: &query.name,
        };
        let bytes = self.desk.ask(&ask).await?;
        let answer: Answer = serde_json::from_slice(&bytes).map_err(|_| Away("answer not understood".to_owned()))?;
        let whole = answer.found && !answer.reference.trim().is_empty() && !answer.title.trim().is_empty();
        Ok(whole.then(|| Found {
            reference: answer.reference.trim().chars().take(200).collect(),
            title: answer.title.trim().chars().take(200).collect(),
            issuer: self.issuer.clone(),
            valid_to: wire::day(answer.valid_to.trim()),
            fields: answer.fields,
        }))
    }
}
