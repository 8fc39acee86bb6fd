//! Whole cases: from the draft to the licence and the right to evaluate, over the public HTTP API.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, ensure};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use crate::arena::{Arena, Up};
use crate::load::{self, Wire};

/// A hygiene permit: four papers, a review, a decision, a licence.
const PERMIT: &str = "511A0015500009-511602000000-000-115113016823646795-1-00";
const PAPERS: [&str; 4] = ["identity", "floor_plan", "test_report", "hygiene_system"];
/// Cases under way at once.
const DRIVERS: u64 = 128;
/// What is waited before somebody looks again for what a relay brings.
const LOOK: Duration = Duration::from_millis(200);
/// A connection that was quiet for longer may be closed by the server.
const QUIET: Duration = Duration::from_secs(5);
/// How long what must come may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// Cases a second. The clock stops when the last one's licence and right are there, so that no relay's work is left out.
pub async fn run(arena: &Arena) -> anyhow::Result<f64> {
    let up = arena.postgres().await?;
    let office = Arc::new(Office {
        address: up.server.address(),
        clerk: up.server.token("clerk")?,
        reviewer: up.server.token("reviewer")?,
        approver: up.server.token("approver")?,
        worklist: Mutex::default(),
        wanted: AtomicUsize::new(0),
    });
    let run = arena.run_number();
    let citizens =
        (0..DRIVERS).map(|number| Citizen::of(arena, up, run, number)).collect::<anyhow::Result<Vec<_>>>()?;
    let mut drivers = JoinSet::new();
    let watching = drivers.spawn(office.clone().watch());
    // a process that was killed before us may still hold the relays' leases
    let mut first = Desk::open(&office, &citizens[0]).await?;
    let earlier = first.ended().await?;
    first.case(&format!("{run}-first")).await?;
    first.until_ended(earlier + 1).await?;
    let begin = Instant::now();
    let end = begin + arena.time;
    for (driver, citizen) in citizens.into_iter().enumerate() {
        let office = office.clone();
        drivers.spawn(async move {
            let (mut desk, mut done) = (Desk::open(&office, &citizen).await?, 0_u64);
            let before = desk.ended().await?;
            while done == 0 || Instant::now() < end {
                desk.case(&format!("{run}-{driver}-{done}")).await?;
                done += 1;
            }
            desk.until_ended(before + done).await?;
            anyhow::Ok(done)
        });
    }
    let mut done = 0;
    for _ in 0..DRIVERS {
        done += drivers.join_next().await.context("a driver")???;
    }
    watching.abort();
    Ok(done as f64 / begin.elapsed().as_secs_f64())
}

/// Who applies: each a person of their own, as in life.
struct Citizen {
    token: String,
    applicant: Value,
}

impl Citizen {
    fn of(arena: &Arena, up: &Up, run: u64, number: u64) -> anyhow::Result<Self> {
        let body = format!("511602{:08}{:03}", 19_600_101 + 10_000 * (run % 40), number + 1);
        let document = format!("{body}{}", check_character(&body));
        let (name, token) = ("张建国", |claims: &mut Value| {
            claims["sub"] = json!(format!("person:bench-{run}-{number}"));
            claims["document"]["number"] = json!(document);
        });
        let token = arena.token_of(up, token)?;
        let applicant = json!({"name": name, "documentKind": "DOCUMENT_KIND_RESIDENT_ID", "documentNumber": document});
        Ok(Self { token, applicant })
    }
}

/// The last character of a citizen's number (GB 11643), over the seventeen digits before it.
fn check_character(body: &str) -> char {
    const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    let sum: u32 = body.bytes().zip(WEIGHTS).map(|(digit, weight)| u32::from(digit - b'0') * weight).sum();
    char::from(b"10X98765432"[sum as usize % 11])
}

/// Who acts for the authorities, and the list of what they have to do.
struct Office {
    address: SocketAddr,
    clerk: String,
    reviewer: String,
    approver: String,
    /// Cases by their numbers.
    worklist: Mutex<HashMap<String, String>>,
    /// How many drivers look for theirs.
    wanted: AtomicUsize,
}

impl Office {
    /// Looks through the worklist of open cases again and again, as an office does: once for all.
    async fn watch(self: Arc<Self>) -> anyhow::Result<u64> {
        loop {
            sleep(LOOK).await;
            let (mut wire, mut page) = (Wire::connect(self.address).await?, String::new());
            while self.wanted.load(Ordering::Relaxed) > 0 {
                let path = format!("/v1/cases?phase=CASE_PHASE_OPEN&page_size=100&page_token={page}");
                let answer = ask(&mut wire, "GET", &path, &self.reviewer, "").await?;
                let cases = answer["cases"].as_array().map_or(&[][..], Vec::as_slice);
                let found = cases.iter().map(|case| (text(case, "caseNumber"), text(case, "id")));
                self.worklist.lock().unwrap_or_else(PoisonError::into_inner).extend(found);
                page = text(&answer, "nextPageToken");
                if page.is_empty() {
                    break;
                }
            }
        }
    }

    /// The case of a number, once it is on the list.
    async fn case(&self, number: &str) -> anyhow::Result<String> {
        self.wanted.fetch_add(1, Ordering::Relaxed);
        let begin = Instant::now();
        loop {
            if let Some(id) = self.worklist.lock().unwrap_or_else(PoisonError::into_inner).remove(number) {
                self.wanted.fetch_sub(1, Ordering::Relaxed);
                return Ok(id);
            }
            ensure!(begin.elapsed() < PATIENCE, "the case {number} does not come");
            sleep(LOOK / 4).await;
        }
    }
}

/// One driver, with one connection.
struct Desk<'a> {
    office: &'a Office,
    citizen: &'a Citizen,
    wire: Wire,
}

impl<'a> Desk<'a> {
    async fn open(office: &'a Office, citizen: &'a Citizen) -> anyhow::Result<Self> {
        Ok(Self { office, citizen, wire: Wire::connect(office.address).await? })
    }

    /// How many of the citizen's cases have come to their end: there is the licence, and the right to judge the service.
    async fn ended(&mut self) -> anyhow::Result<u64> {
        let licences = self.count("/v1/licenses", "licenses").await?;
        Ok(self.count("/v1/evaluations:pending", "rights").await?.min(licences))
    }

    async fn count(&mut self, path: &str, member: &str) -> anyhow::Result<u64> {
        let (mut page, mut count) = (String::new(), 0);
        loop {
            let path = format!("{path}?page_size=100&page_token={page}");
            let answer = ask(&mut self.wire, "GET", &path, &self.citizen.token, "").await?;
            count += answer[member].as_array().map_or(0, |all| all.len() as u64);
            page = text(&answer, "nextPageToken");
            if page.is_empty() {
                return Ok(count);
            }
        }
    }

    /// Waits until so many have.
    async fn until_ended(&mut self, least: u64) -> anyhow::Result<()> {
        let begin = Instant::now();
        loop {
            let there = self.ended().await?;
            if there >= least {
                return Ok(());
            }
            ensure!(begin.elapsed() < PATIENCE, "licences or rights to evaluate are missing: {there} of {least}");
            sleep(LOOK).await;
        }
    }

    async fn case(&mut self, name: &str) -> anyhow::Result<()> {
        let form = json!({
            "premises_name": "云溪客栈", "premises_address": "广安区滨江路88号", "business_kind": "住宿",
            "area_square_metres": 860, "staff_count": 12
        });
        let draft = json!({"requestId": name, "itemCode": PERMIT, "applicant": self.citizen.applicant, "form": form});
        let id = text(&self.post(&self.citizen.token, "/v1/applications", &draft).await?, "id");
        for paper in PAPERS {
            let path = format!(
                "/v1/applications/{id}/attachments?request_id={name}.{paper}&material_code={paper}&file_name=paper.pdf"
            );
            let request = load::request_of("application/pdf", "POST", &path, &self.citizen.token, "%PDF-1.4\n%%EOF\n");
            good(&mut self.wire, &request).await?;
        }
        let of = |verb: &str| (format!("/v1/applications/{id}:{verb}"), json!({"requestId": format!("{name}.{verb}")}));
        let (path, body) = of("submit");
        self.post(&self.citizen.token, &path, &body).await?;
        let (path, body) = of("accept");
        let number = text(&self.post(&self.office.clerk, &path, &body).await?, "caseNumber");
        let asked = Instant::now();
        let case = self.office.case(&number).await?;
        if asked.elapsed() > QUIET {
            self.wire = Wire::connect(self.office.address).await?;
        }
        let review = json!({"requestId": format!("{name}.r"), "recommendation": "OUTCOME_GRANT", "opinion": "合格"});
        self.post(&self.office.reviewer, &format!("/v1/cases/{case}:review"), &review).await?;
        let decision = json!({"requestId": format!("{name}.d"), "outcome": "OUTCOME_GRANT", "reasons": "符合条件"});
        self.post(&self.office.approver, &format!("/v1/cases/{case}:decide"), &decision).await.map(drop)
    }

    async fn post(&mut self, token: &str, path: &str, body: &Value) -> anyhow::Result<Value> {
        ask(&mut self.wire, "POST", path, token, &body.to_string()).await
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
