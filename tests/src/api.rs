//! The public HTTP API as a client sees it: JSON in, status and JSON out.

use std::time::Duration;

use reqwest::{Client, Method, RequestBuilder};
use serde_json::Value;

/// A client with an address and, perhaps, a token.
#[derive(Clone)]
pub struct Api {
    client: Client,
    base: String,
    token: Option<String>,
}

/// What came back.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The body; `null` where it was empty, a string where it was not JSON.
    pub body: Value,
    /// The `x-trace-id` of the answer; empty where there is none.
    pub trace_id: String,
}

impl Answer {
    /// The stable reason of a refusal; empty where there is none.
    pub fn reason(&self) -> &str {
        self.text("reason")
    }

    /// A member of the body as text; empty where there is none.
    pub fn text(&self, member: &str) -> &str {
        self.body[member].as_str().unwrap_or_default()
    }

    /// Whether the outcome is unknown or the server was too busy: the same request may be sent again.
    pub fn may_retry(&self) -> bool {
        matches!(self.status, 429 | 502..=504) || self.reason() == "CONTENDED"
    }
}

impl Api {
    /// A client that nobody signed in.
    ///
    /// # Panics
    /// Where the machine has no TLS roots to read, which no test needs.
    pub fn new(base: &str) -> Self {
        let client = Client::builder().timeout(Duration::from_secs(30)).no_proxy().build().expect("a plain client");
        Self { client, base: base.to_owned(), token: None }
    }

    /// The same with a token.
    pub fn with_token(&self, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..self.clone() }
    }

    /// The same over connections of its own: what the server breaks off here, nobody else meets.
    pub fn apart(&self) -> Self {
        Self { token: self.token.clone(), ..Self::new(&self.base) }
    }

    /// A request to be filled by hand.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.client.request(method, format!("{}{path}", self.base));
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    /// Sends it.
    ///
    /// # Errors
    /// Where no whole answer came back.
    pub async fn send(&self, request: RequestBuilder) -> reqwest::Result<Answer> {
        let response = request.send().await?;
        let status = response.status().as_u16();
        let trace_id =
            response.headers().get("x-trace-id").and_then(|id| id.to_str().ok()).unwrap_or_default().to_owned();
        let bytes = response.bytes().await?;
        let text = || Value::String(String::from_utf8_lossy(&bytes).into_owned());
        let body =
            if bytes.is_empty() { Value::Null } else { serde_json::from_slice(&bytes).unwrap_or_else(|_| text()) };
        Ok(Answer { status, body, trace_id })
    }

    /// `GET path`.
    ///
    /// # Errors
    /// Where no whole answer came back.
    pub async fn get(&self, path: &str) -> reqwest::Result<Answer> {
        self.send(self.request(Method::GET, path)).await
    }

    /// `POST path` with a JSON body.
    ///
    /// # Errors
    /// Where no whole answer came back.
    pub async fn post(&self, path: &str, body: &Value) -> reqwest::Result<Answer> {
        self.send(self.request(Method::POST, path).json(body)).await
    }

    /// Whether the server takes requests: the catalogue is public.
    pub async fn answers(&self) -> bool {
        self.get("/v1/items?page_size=1").await.is_ok_and(|answer| answer.status == 200)
    }
}
