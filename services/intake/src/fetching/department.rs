//! A department's data over HTTP: one POST a question, JSON both ways. The contract stands in `docs/departments.md`; a department that
//! speaks otherwise puts an adapter in front.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use yiwang_kit::{Config, config::Mode, wire};

use super::{Away, Found, Query, Source};

/// No answer is longer.
const LARGEST: usize = 64 * 1024;
/// No answer is waited for longer.
const PATIENCE: Duration = Duration::from_secs(5);

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

/// The departments of `departments.toml` in the data folder; none where there is no such file.
pub(super) fn configured(config: &Config) -> anyhow::Result<HashMap<String, Arc<dyn Source>>> {
    let path = config.data_dir.join("departments.toml");
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(HashMap::new()),
        Err(error) => return Err(error).context("departments.toml"),
    };
    let file: File = toml::from_str(&text).context("departments.toml")?;
    let mut all: HashMap<String, Arc<dyn Source>> = HashMap::new();
    for entry in file.department {
        let token = entry.token_file.map(std::fs::read_to_string).transpose().context("token_file")?;
        let source = Department::new(&entry.address, &entry.issuer, token, config.mode == Mode::Production)?;
        if all.insert(entry.data.clone(), Arc::new(source)).is_some() {
            bail!("departments.toml: {} stands twice", entry.data);
        }
    }
    Ok(all)
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
}

/// A department that answers over HTTP.
pub struct Department {
    client: reqwest::Client,
    address: String,
    issuer: String,
    token: Option<String>,
}

impl Department {
    /// At an address; in production over TLS alone.
    ///
    /// # Errors
    /// The client cannot be made.
    pub fn new(address: &str, issuer: &str, token: Option<String>, https_only: bool) -> anyhow::Result<Self> {
        yiwang_kit::server::install_crypto();
        let client = reqwest::Client::builder()
            .https_only(https_only)
            .timeout(PATIENCE)
            .redirect(reqwest::redirect::Policy::none())
            .build()?;
        let token = token.map(|token| token.trim().to_owned()).filter(|token| !token.is_empty());
        Ok(Self { client, address: address.to_owned(), issuer: issuer.to_owned(), token })
    }

    async fn asked(&self, query: &Query) -> anyhow::Result<Answer> {
        let ask = Ask {
            request_id: &query.id,
            data: &query.what,
            document_kind: &query.document_kind,
            document_number: &query.document_number,
            name: &query.name,
        };
        let mut request = self.client.post(&self.address).json(&ask);
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        let mut answer = request.send().await?.error_for_status()?;
        let mut bytes = Vec::new();
        while let Some(chunk) = answer.chunk().await? {
            if bytes.len() + chunk.len() > LARGEST {
                bail!("the answer is larger than {LARGEST} bytes");
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(serde_json::from_slice(&bytes)?)
    }
}

#[async_trait]
impl Source for Department {
    async fn fetch(&self, query: &Query) -> Result<Option<Found>, Away> {
        // neither address nor number goes into what is logged
        let answer = self.asked(query).await.map_err(|error| Away(kind_of(&error)))?;
        let whole = answer.found && !answer.reference.trim().is_empty() && !answer.title.trim().is_empty();
        Ok(whole.then(|| Found {
            reference: answer.reference.trim().chars().take(200).collect(),
            title: answer.title.trim().chars().take(200).collect(),
            issuer: self.issuer.clone(),
            valid_to: wire::day(answer.valid_to.trim()),
        }))
    }
}

/// What went wrong, in a word.
fn kind_of(error: &anyhow::Error) -> String {
    match error.downcast_ref::<reqwest::Error>() {
        Some(error) if error.is_timeout() => "timeout".to_owned(),
        Some(error) if error.is_connect() => "no connection".to_owned(),
        Some(error) => error.status().map_or("no answer".to_owned(), |status| format!("status {}", status.as_u16())),
        None => "answer not understood".to_owned(),
    }
}
