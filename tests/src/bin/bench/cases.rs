//! Whole cases: from the draft to the licence and the right to evaluate, over the public HTTP API.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use crate::arena::{APPLICANT, Arena};
use crate::load::{self, Wire};

/// A hygiene permit: four papers, a review, a decision, a licence.
const PERMIT: &str = "511A0015500009-511602000000-000-115113016823646795-1-00";
const PAPERS: [&str; 4] = ["identity", "floor_plan", "test_report", "hygiene_system"];
/// Cases under way at once.
const DRIVERS: u64 = 128;
/// What a driver waits before it looks again for what a relay brings.
const LOOK: Duration = Duration::from_millis(200);
/// How long what must come may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// Cases a second. The clock stops when the last one's right is there, so that no relay's work is left out.
pub async fn run(arena: &Arena) -> anyhow::Result<f64> {
    let up = arena.postgres().await?;
    let people = Arc::new(People {
        address: up.server.address(),
        citizen: up.token.clone(),
        clerk: up.server.token("clerk")?,
        reviewer: up.server.token("reviewer")?,
        approver: up.server.token("approver")?,
    });
    let run = arena.run_number();
    // a process that was killed before us may still hold the relays' leases
    let before = rights(&people).await? + 1;
    Desk::open(&people).await?.case(&format!("{run}-first")).await?;
    until_rights(&people, before).await?;
    let begin = Instant::now();
    let end = begin + arena.time;
    let mut drivers = JoinSet::new();
    for driver in 0..DRIVERS {
        let people = people.clone();
        drivers.spawn(async move {
            let (mut desk, mut done) = (Desk::open(&people).await?, 0_u64);
            while done == 0 || Instant::now() < end {
                desk.case(&format!("{run}-{driver}-{done}")).await?;
                done += 1;
            }
            anyhow::Ok(done)
        });
    }
    let mut done = 0;
    while let Some(ended) = drivers.join_next().await {
        done += ended??;
    }
    until_rights(&people, before + done).await?;
    Ok(done as f64 / begin.elapsed().as_secs_f64())
}

/// Who acts, by token.
struct People {
    address: SocketAddr,
    citizen: String,
    clerk: String,
    reviewer: String,
    approver: String,
}

/// Waits until so many services wait for the citizen's judgement.
async fn until_rights(people: &People, least: u64) -> anyhow::Result<()> {
    let begin = Instant::now();
    loop {
        let there = rights(people).await?;
        if there >= least {
            return Ok(());
        }
        ensure!(begin.elapsed() < PATIENCE, "rights to evaluate are missing: {there} of {least}");
        sleep(LOOK).await;
    }
}

/// How many services wait for the citizen's judgement.
async fn rights(people: &People) -> anyhow::Result<u64> {
    let (mut wire, mut page, mut count) = (Wire::connect(people.address).await?, String::new(), 0);
    loop {
        let path = format!("/v1/evaluations:pending?page_size=100&page_token={page}");
        let answer = ask(&mut wire, "GET", &path, &people.citizen, "").await?;
        count += answer["rights"].as_array().map_or(0, |rights| rights.len() as u64);
        page = text(&answer, "nextPageToken");
        if page.is_empty() {
            return Ok(count);
        }
    }
}

/// One driver, with one connection.
struct Desk {
    people: Arc<People>,
    wire: Wire,
}

impl Desk {
    async fn open(people: &Arc<People>) -> anyhow::Result<Self> {
        Ok(Self { people: people.clone(), wire: Wire::connect(people.address).await? })
    }

    async fn case(&mut self, name: &str) -> anyhow::Result<()> {
        let people = self.people.clone();
        let form = json!({
            "premises_name": "云溪客栈", "premises_address": "广安区滨江路88号", "business_kind": "住宿",
            "area_square_metres": 860, "staff_count": 12
        });
        let applicant: Value = serde_json::from_str(APPLICANT)?;
        let draft = json!({"requestId": name, "itemCode": PERMIT, "applicant": applicant, "form": form});
        let id = text(&self.post(&people.citizen, "/v1/applications", &draft).await?, "id");
        for paper in PAPERS {
            let path = format!(
                "/v1/applications/{id}/attachments?request_id={name}.{paper}&material_code={paper}&file_name=paper.pdf"
            );
            let request = load::request_of("application/pdf", "POST", &path, &people.citizen, "%PDF-1.4\n%%EOF\n");
            good(&mut self.wire, &request).await?;
        }
        let of = |verb: &str| (format!("/v1/applications/{id}:{verb}"), json!({"requestId": format!("{name}.{verb}")}));
        let (path, body) = of("submit");
        self.post(&people.citizen, &path, &body).await?;
        let (path, body) = of("accept");
        let number = text(&self.post(&people.clerk, &path, &body).await?, "caseNumber");
        let path = format!("/v1/cases?case_number={number}");
        let found = self.until(&people.reviewer, &path, |answer| answer["cases"][0].is_object()).await?;
        let case = text(&found["cases"][0], "id");
        let review = json!({"requestId": format!("{name}.r"), "recommendation": "OUTCOME_GRANT", "opinion": "合格"});
        self.post(&people.reviewer, &format!("/v1/cases/{case}:review"), &review).await?;
        let decision = json!({"requestId": format!("{name}.d"), "outcome": "OUTCOME_GRANT", "reasons": "符合条件"});
        self.post(&people.approver, &format!("/v1/cases/{case}:decide"), &decision).await?;
        let path = format!("/v1/cases/{case}");
        self.until(&people.citizen, &path, |case| !text(&case["result"], "licenseId").is_empty()).await.map(drop)
    }

    async fn post(&mut self, token: &str, path: &str, body: &Value) -> anyhow::Result<Value> {
        ask(&mut self.wire, "POST", path, token, &body.to_string()).await
    }

    /// Asks until a relay has brought it.
    async fn until(&mut self, token: &str, path: &str, so: impl Fn(&Value) -> bool) -> anyhow::Result<Value> {
        let begin = Instant::now();
        while begin.elapsed() < PATIENCE {
            let answer = ask(&mut self.wire, "GET", path, token, "").await?;
            if so(&answer) {
                return Ok(answer);
            }
            sleep(LOOK).await;
        }
        bail!("{path} does not become so")
    }
}

async fn ask(wire: &mut Wire, method: &str, path: &str, token: &str, body: &str) -> anyhow::Result<Value> {
    good(wire, &load::request(method, path, token, body)).await
}

async fn good(wire: &mut Wire, request: &[u8]) -> anyhow::Result<Value> {
    let status = wire.ask(request).await?;
    ensure!(status == 200, "{status}: {}", wire.last());
    serde_json::from_slice(wire.body()).with_context(|| wire.last())
}

fn text(value: &Value, member: &str) -> String {
    value[member].as_str().unwrap_or_default().to_owned()
}
