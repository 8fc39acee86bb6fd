//! What the cases stand on: a running server with its demonstration accounts, and applications in the phases they need.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, ensure};
use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;
use yiwang_tests::api::{Answer, Api};
use yiwang_tests::process::{Server, Start, begin_on_the_first_day};

/// An item by default rules: no material that a person must bring.
pub const PLAIN: &str = "511Z07001006-511602000000-000-11511301008778183N-1-00";
/// 公共场所卫生许可新办: a form of its own, materials that must be brought.
pub const HYGIENE: &str = "511A0015500009-511602000000-000-115113016823646795-1-00";

pub struct World {
    pub server: Server,
    pub folder: TempDir,
    pub nobody: Api,
    pub citizen: Api,
    pub citizen2: Api,
    pub clerk: Api,
    pub admin: Api,
    pub trader: Api,
    next: AtomicU64,
}

impl World {
    pub async fn start() -> anyhow::Result<Self> {
        let folder = TempDir::new()?;
        let data = folder.path().join("data");
        begin_on_the_first_day(&data)?;
        let server = Server::start(&Start::sqlite(&data)?).await?;
        Ok(Self {
            nobody: server.api(),
            citizen: server.api_as("citizen")?,
            citizen2: server.api_as("citizen2")?,
            clerk: server.api_as("clerk")?,
            admin: server.api_as("admin")?,
            trader: server.api_as("trader")?,
            next: AtomicU64::new(1),
            server,
            folder,
        })
    }

    /// A request id that was never used.
    pub fn id(&self) -> String {
        format!("bad-input-{}", self.next.fetch_add(1, Ordering::Relaxed))
    }

    /// Opens a draft with these members beside what it needs.
    pub async fn create(&self, more: Value) -> anyhow::Result<Answer> {
        let mut body = json!({ "requestId": self.id(), "itemCode": PLAIN });
        merge(&mut body, more);
        Ok(self.citizen.post("/v1/applications", &body).await?)
    }

    /// A draft of the citizen, ready to be handed in.
    pub async fn draft(&self) -> anyhow::Result<String> {
        let answer = self.create(json!({ "applicant": applicant(), "form": { "subject": "申请" } })).await?;
        ensure!(answer.status == 200, "{answer:?}");
        Ok(answer.text("id").to_owned())
    }

    /// An application of the citizen, handed in.
    pub async fn submitted(&self) -> anyhow::Result<String> {
        let id = self.draft().await?;
        let answer = self.verb(&self.citizen, &id, "submit", json!({})).await?;
        ensure!(answer.status == 200, "{answer:?}");
        Ok(id)
    }

    /// `POST /v1/applications/{id}:verb`.
    pub async fn verb(&self, who: &Api, id: &str, verb: &str, more: Value) -> anyhow::Result<Answer> {
        let mut body = json!({ "requestId": self.id() });
        merge(&mut body, more);
        Ok(who.post(&format!("/v1/applications/{id}:{verb}"), &body).await?)
    }

    /// `PATCH /v1/applications/{id}`.
    pub async fn patch(&self, who: &Api, id: &str, more: Value) -> anyhow::Result<Answer> {
        let mut body = json!({ "requestId": self.id() });
        merge(&mut body, more);
        let request = who.request(Method::PATCH, &format!("/v1/applications/{id}")).json(&body);
        Ok(who.send(request).await?)
    }

    /// `POST /v1/applications` with a body as it is.
    pub async fn raw(&self, body: impl Into<reqwest::Body>) -> anyhow::Result<Answer> {
        let request = self.citizen.request(Method::POST, "/v1/applications").header("content-type", "application/json");
        Ok(self.citizen.send(request.body(body)).await?)
    }

    /// Posts as the citizen: says a length and sends the first hundred bytes.
    pub fn begin(&self, path: &str, kind: &str, length: usize) -> anyhow::Result<TcpStream> {
        let (token, start) = (self.server.token("citizen")?, " ".repeat(91));
        let mut stream = TcpStream::connect(self.server.address())?;
        write!(
            stream,
            "POST {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\ncontent-type: {kind}\r\n\
             content-length: {length}\r\nconnection: close\r\n\r\n%PDF-1.7 {start}"
        )?;
        Ok(stream)
    }

    /// Says a length and waits for the answer before sending what was announced: who sends on may find the connection
    /// closed before the answer is read.
    pub fn announce(&self, path: &str, kind: &str, length: usize) -> anyhow::Result<Answer> {
        answer(self.begin(path, kind, length)?)?.context("a status line")
    }

    /// Says a length, sends the first hundred bytes and no more; the answer, if the server gives one before it closes.
    pub fn cut_off(&self, path: &str, kind: &str, length: usize) -> anyhow::Result<Option<Answer>> {
        let stream = self.begin(path, kind, length)?;
        stream.shutdown(Shutdown::Write)?;
        answer(stream)
    }
}

/// Reads until the server closes the connection.
fn answer(mut stream: TcpStream) -> anyhow::Result<Option<Answer>> {
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    let (mut bytes, mut piece) = (Vec::new(), [0; 4096]);
    loop {
        match stream.read(&mut piece) {
            Ok(0) => break,
            Ok(length) => bytes.extend_from_slice(&piece[..length]),
            // what was not read of the request may reset the connection after the answer
            Err(error) if error.kind() == ErrorKind::ConnectionReset => break,
            Err(error) => return Err(error).context("the server neither answers nor closes"),
        }
    }
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let Some(status) = text.split(' ').nth(1).and_then(|code| code.parse().ok()) else { return Ok(None) };
    let (from, until) = (text.find('{').unwrap_or(text.len()), text.rfind('}').map_or(text.len(), |at| at + 1));
    let body = serde_json::from_str(text.get(from..until).unwrap_or_default()).unwrap_or_default();
    Ok(Some(Answer { status, body, trace_id: String::new() }))
}

/// The citizen, as a party.
pub fn applicant() -> Value {
    party("DOCUMENT_KIND_RESIDENT_ID", "511602198503120016")
}

/// A party with a document.
pub fn party(kind: &str, number: &str) -> Value {
    json!({ "name": "张建国", "documentKind": kind, "documentNumber": number, "phone": "13800000000" })
}

/// Sets the members of an object that another one has.
pub fn merge(body: &mut Value, more: Value) {
    if let (Some(body), Value::Object(more)) = (body.as_object_mut(), more) {
        body.extend(more);
    }
}
