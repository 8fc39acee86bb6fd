//! Asking somebody outside the suite over HTTP: one POST of JSON, bounded in time and size, over TLS alone in production.

use std::time::Duration;

use serde::Serialize;

/// No answer is longer.
const LARGEST: usize = 64 * 1024;
/// No answer is waited for longer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Nobody outside answers: asked again later. In a word; neither address nor question stands in it, so that it may be logged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("away: {0}")]
pub struct Away(pub String);

impl Away {
    /// Whether it says that this very question will never be answered otherwise. What speaks of us (a token or an address that is
    /// wrong) or of the moment is no rejection: an operator mends it, or time does.
    pub fn is_rejection(&self) -> bool {
        matches!(self.0.as_str(), "status 400" | "status 410" | "status 413" | "status 414" | "status 422")
    }
}

/// An address outside, with the token that it wants.
pub struct Outward {
    client: reqwest::Client,
    address: String,
    token: Option<String>,
}

impl Outward {
    /// At an address; `https_only` in production.
    ///
    /// # Errors
    /// The client cannot be made.
    pub fn new(address: &str, token: Option<String>, https_only: bool) -> anyhow::Result<Self> {
        crate::server::install_crypto();
        let client = reqwest::Client::builder()
            .https_only(https_only)
            .timeout(PATIENCE)
            .redirect(reqwest::redirect::Policy::none())
            .build()?;
        let token = token.map(|token| token.trim().to_owned()).filter(|token| !token.is_empty());
        Ok(Self { client, address: address.to_owned(), token })
    }

    /// Posts a question, and gives back the answer's bytes.
    ///
    /// # Errors
    /// Nobody answers, or not in order.
    pub async fn ask(&self, question: &(impl Serialize + Sync)) -> Result<Vec<u8>, Away> {
        let mut request = self.client.post(&self.address).json(question);
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        let mut answer = request.send().await.map_err(|e| word(&e))?;
        // a redirection is no success: nobody has taken anything
        if !answer.status().is_success() {
            return Err(Away(format!("status {}", answer.status().as_u16())));
        }
        let mut bytes = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(|e| word(&e))? {
            if bytes.len() + chunk.len() > LARGEST {
                return Err(Away(format!("the answer is larger than {LARGEST} bytes")));
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes)
    }
}

fn word(error: &reqwest::Error) -> Away {
    let word = match error {
        _ if error.is_timeout() => "timeout",
        _ if error.is_connect() => "no connection",
        _ => "no answer",
    };
    Away(word.to_owned())
}
