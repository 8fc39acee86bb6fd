//! What must be there after a restore, once, and what must not.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::time::Duration;

use anyhow::ensure;
use tokio::time::{Instant, sleep};
use yiwang_tests::api::{Answer, Api};
use yiwang_tests::process::Server;

use crate::load::{Ack, Act};

/// A point in time between two moments of ours.
#[derive(Clone, Copy)]
pub struct Point {
    /// What was acknowledged before this is before the point.
    pub asked: Instant,
    /// What was sent after this is after it.
    pub answered: Instant,
}

/// What was found.
#[derive(Default)]
pub struct Found {
    before: usize,
    after: usize,
    lost: usize,
    doubled: usize,
    risen: usize,
}

impl Found {
    /// Whether all is as it must be, and there was something to lose.
    pub fn is_sound(&self) -> bool {
        self.before > 0 && self.after > 0 && self.lost + self.doubled + self.risen == 0
    }

    /// The same where nothing was after the point.
    pub fn is_whole(&self) -> bool {
        self.before > 0 && self.lost + self.doubled == 0
    }

    fn count(&mut self, is_before: bool, times: usize) {
        match is_before {
            true => (self.before, self.lost) = (self.before + 1, self.lost + usize::from(times == 0)),
            false => (self.after, self.risen) = (self.after + 1, self.risen + times),
        }
        self.doubled += usize::from(is_before) * times.saturating_sub(1);
    }
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { before, after, lost, doubled, risen } = self;
        write!(
            f,
            "acknowledged before the point {before}, lost {lost}, doubled {doubled}; after it {after}, there {risen}"
        )
    }
}

/// Reads everything back; what stands there beside it was acknowledged earlier, or it is one too many. Relays may be at work: cases
/// that must be there are given a minute.
pub async fn all(server: &Server, acks: &[Ack], earlier: &[Ack], point: Point) -> anyhow::Result<Found> {
    let (citizen, supervisor) = (server.api_as("citizen")?, server.api_as("supervisor")?);
    let listed = each(&citizen, "/v1/applications", "applications", "id").await?;
    let cases = cases(&supervisor, acks, point).await?;
    let mut found = Found::default();
    for ack in acks {
        let Some(is_before) = side(ack, point) else { continue };
        let times = match ack.act {
            Act::Drafted => listed.get(&ack.id).copied().unwrap_or(0),
            Act::Accepted => cases.get(&ack.id).copied().unwrap_or(0),
            Act::Filed => usize::from(has_file(&citizen, &ack.id).await?),
        };
        found.count(is_before, times);
    }
    let told: HashSet<&String> = acks.iter().chain(earlier).map(|ack| &ack.id).collect();
    found.doubled += listed.keys().chain(cases.keys()).filter(|id| !told.contains(id)).count();
    Ok(found)
}

/// On which side of the point it was; `None` where it may have been on either.
fn side(ack: &Ack, point: Point) -> Option<bool> {
    let (before, after) = (ack.acknowledged < point.asked, ack.sent > point.answered);
    (before || after).then_some(before)
}

/// Waits until every accepted application has its case: then the relays have read past the point.
pub async fn cases_of(server: &Server, acks: &[Ack]) -> anyhow::Result<()> {
    let now = Instant::now();
    cases(&server.api_as("supervisor")?, acks, Point { asked: now, answered: now }).await.map(drop)
}

async fn cases(supervisor: &Api, acks: &[Ack], point: Point) -> anyhow::Result<HashMap<String, usize>> {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let cases = each(supervisor, "/v1/cases", "cases", "applicationId").await?;
        let wanted = acks.iter().filter(|ack| ack.act == Act::Accepted && side(ack, point) == Some(true));
        if wanted.into_iter().all(|ack| cases.contains_key(&ack.id)) || Instant::now() > deadline {
            return Ok(cases);
        }
        sleep(Duration::from_millis(250)).await;
    }
}

/// Whether the draft's file can be read to its end.
async fn has_file(citizen: &Api, id: &str) -> anyhow::Result<bool> {
    let application = read(citizen, &format!("/v1/applications/{id}")).await?;
    let Some(file) = application.body["attachments"][0]["id"].as_str() else { return Ok(false) };
    let file = read(citizen, &format!("/v1/applications/{id}/attachments/{file}")).await?;
    ensure!(file.status == 200, "an entry names a file that is not there: {file:?}");
    Ok(true)
}

/// Reads; while a service is still starting, again.
async fn read(api: &Api, path: &str) -> anyhow::Result<Answer> {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let answer = api.get(path).await?;
        if !answer.may_retry() || Instant::now() > deadline {
            return Ok(answer);
        }
        sleep(Duration::from_millis(100)).await;
    }
}

/// How often each value of a member stands in a list.
async fn each(api: &Api, path: &str, items: &str, member: &str) -> anyhow::Result<HashMap<String, usize>> {
    let (mut listed, mut token) = (HashMap::new(), String::new());
    loop {
        let answer = read(api, &format!("{path}?page_size=100&page_token={token}")).await?;
        ensure!(answer.status == 200, "{path}: {answer:?}");
        for item in answer.body[items].as_array().into_iter().flatten() {
            *listed.entry(item[member].as_str().unwrap_or_default().to_owned()).or_default() += 1;
        }
        token = answer.text("nextPageToken").to_owned();
        if token.is_empty() {
            return Ok(listed);
        }
    }
}
