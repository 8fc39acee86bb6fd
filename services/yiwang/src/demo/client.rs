//! The demonstration's eyes and hands: the public HTTP API, in the name of one account at a time.

use std::cell::Cell;
use std::time::Duration;

use anyhow::{Context as _, bail};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

/// Where a token of an account comes from.
pub type Tokens = Box<dyn Fn(&str) -> anyhow::Result<String>>;

/// A client of the running suite.
pub struct Client {
    http: reqwest::Client,
    base: String,
    tokens: Tokens,
    requests: Cell<u32>,
}

impl Client {
    pub fn new(base: String, tokens: Tokens) -> anyhow::Result<Self> {
        let http = reqwest::Client::builder().timeout(Duration::from_secs(30)).no_proxy().build()?;
        Ok(Self { http, base, tokens, requests: Cell::new(0) })
    }

    pub async fn get(&self, account: &str, path: &str) -> anyhow::Result<Value> {
        self.send(account, self.http.request(Method::GET, self.url(path))).await.with_context(|| format!("GET {path}"))
    }

    /// A read that needs nobody's name.
    pub async fn get_public(&self, path: &str) -> anyhow::Result<Value> {
        answer(self.http.get(self.url(path)).send().await?).await.with_context(|| format!("GET {path}"))
    }

    /// A write; the request id is added here.
    pub async fn post(&self, account: &str, path: &str, body: Value) -> anyhow::Result<Value> {
        self.write(Method::POST, account, path, body).await
    }

    pub async fn patch(&self, account: &str, path: &str, body: Value) -> anyhow::Result<Value> {
        self.write(Method::PATCH, account, path, body).await
    }

    /// A call that changes nothing in any ledger and so has no request id.
    pub async fn ask(&self, path: &str, body: Value) -> anyhow::Result<Value> {
        answer(self.http.post(self.url(path)).json(&body).send().await?).await.with_context(|| format!("POST {path}"))
    }

    pub async fn upload(
        &self,
        account: &str,
        application: &str,
        material: &str,
        name: &str,
        bytes: Vec<u8>,
    ) -> anyhow::Result<Value> {
        let path = format!("/v1/applications/{application}/attachments");
        let query =
            [("request_id", self.request_id()), ("material_code", material.to_owned()), ("file_name", name.to_owned())];
        let request =
            self.http.post(self.url(&path)).query(&query).header("content-type", "application/pdf").body(bytes);
        self.send(account, request).await.with_context(|| format!("POST {path}"))
    }

    /// Reads again and again until it is so: between the services there are only relays, which take a moment.
    pub async fn until(&self, account: &str, path: &str, is_so: impl Fn(&Value) -> bool) -> anyhow::Result<Value> {
        let mut last = Value::Null;
        for _ in 0..600 {
            last = self.get(account, path).await?;
            if is_so(&last) {
                return Ok(last);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        bail!("GET {path}: waited half a minute, still {last}")
    }

    /// Moves legal time on to an hour (+08:00) of a day.
    pub async fn go_to(&self, day: &str, hour: u32) -> anyhow::Result<()> {
        self.ask("/v1/dev/clock:advance", json!({"toTime": format!("{day}T{hour:02}:00:00+08:00")})).await?;
        Ok(())
    }

    async fn write(&self, method: Method, account: &str, path: &str, mut body: Value) -> anyhow::Result<Value> {
        body["requestId"] = json!(self.request_id());
        let request = self.http.request(method, self.url(path)).json(&body);
        self.send(account, request).await.with_context(|| format!("{account}: {path}"))
    }

    async fn send(&self, account: &str, request: RequestBuilder) -> anyhow::Result<Value> {
        let token = (self.tokens)(account)?;
        answer(request.bearer_auth(token).send().await?).await
    }

    fn request_id(&self) -> String {
        self.requests.set(self.requests.get() + 1);
        format!("demo-{:03}", self.requests.get())
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }
}

/// The answer's body; a refusal with its reason and sentence.
async fn answer(response: reqwest::Response) -> anyhow::Result<Value> {
    let status = response.status();
    let body: Value = response.json().await.context("the answer is not JSON")?;
    if status.is_success() {
        return Ok(body);
    }
    bail!("{status} {}: {} {}", body["reason"], body["title"], body["fields"])
}
