//! Reads everything back: each acknowledged draft by its id, and the owner's whole list, in which nothing may stand that
//! nobody was told of; and for each accepted application the case that came of it.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::time::Duration;

use anyhow::ensure;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::acks::{Answered, Files, Kind};
use crate::api::Api;

/// What came out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Requests that were acknowledged.
    pub acknowledged: usize,
    /// Of those, found again by the id that was answered.
    pub found: usize,
    /// Requests with two effects: answered with two ids, or with an effect that no answer named.
    pub doubled: usize,
    /// Acknowledged, and not found by its id or not in the list.
    pub lost: usize,
}

impl Tally {
    /// Whether something was acknowledged, nothing of it is lost, and nothing doubled.
    pub fn is_whole(&self) -> bool {
        self.acknowledged > 0 && self.lost == 0 && self.doubled == 0
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { acknowledged, found, doubled, lost } = self;
        write!(f, "acknowledged {acknowledged}, found {found}, doubled {doubled}, lost {lost}")
    }
}

/// Drafts, as their owner sees them.
///
/// # Errors
/// Where they cannot be read.
pub async fn drafts(citizen: &Api, files: &Files) -> anyhow::Result<Tally> {
    let answered = files.read(Kind::Draft)?;
    let listed = list(citizen, "/v1/applications", "applications", "id").await?;
    let first: Vec<String> = answered.values().filter_map(|ids| ids.first().cloned()).collect();
    let there = read_each(citizen, &first).await?;
    let found = there.iter().filter(|id| listed.contains_key(*id)).count();
    Ok(tally(&answered, &listed, found))
}

/// Cases of accepted applications, as the supervisor sees them. Relays may still be at work: so long is given them.
///
/// # Errors
/// Where they cannot be read.
pub async fn cases(supervisor: &Api, files: &Files, patience: Duration) -> anyhow::Result<Tally> {
    let answered = files.read(Kind::Accepted)?;
    let deadline = Instant::now() + patience;
    loop {
        let listed = list(supervisor, "/v1/cases", "cases", "applicationId").await?;
        let found = answered.values().flatten().filter(|id| listed.contains_key(*id)).count();
        if found == answered.len() || Instant::now() > deadline {
            return Ok(tally(&answered, &listed, found));
        }
        sleep(Duration::from_millis(250)).await;
    }
}

fn tally(answered: &Answered, listed: &HashMap<String, usize>, found: usize) -> Tally {
    let told: BTreeSet<&String> = answered.values().flatten().collect();
    let twice = answered.values().filter(|ids| ids.len() > 1).count();
    let untold = listed.iter().map(|(id, times)| if told.contains(id) { times - 1 } else { *times }).sum::<usize>();
    Tally { acknowledged: answered.len(), found, doubled: twice + untold, lost: answered.len() - found }
}

/// Those of the ids that can be read, sixteen readers at once.
async fn read_each(api: &Api, ids: &[String]) -> anyhow::Result<Vec<String>> {
    let mut readers = JoinSet::new();
    for share in ids.chunks(ids.len().div_ceil(16).max(1)) {
        let (api, share) = (api.clone(), share.to_vec());
        readers.spawn(async move {
            let mut there = Vec::new();
            for id in share {
                let answer = api.get(&format!("/v1/applications/{id}")).await?;
                ensure!(matches!(answer.status, 200 | 404), "{id}: {answer:?}");
                if answer.status == 200 {
                    there.push(id);
                }
            }
            Ok(there)
        });
    }
    let mut there = Vec::new();
    while let Some(share) = readers.join_next().await {
        there.extend(share??);
    }
    Ok(there)
}

/// How often each value of a member stands in a list.
async fn list(api: &Api, path: &str, items: &str, member: &str) -> anyhow::Result<HashMap<String, usize>> {
    let mut listed = HashMap::new();
    let mut token = String::new();
    loop {
        let answer = api.get(&format!("{path}?page_size=100&page_token={token}")).await?;
        ensure!(answer.status == 200, "{answer:?}");
        for item in answer.body[items].as_array().into_iter().flatten() {
            *listed.entry(item[member].as_str().unwrap_or_default().to_owned()).or_default() += 1;
        }
        token = answer.text("nextPageToken").to_owned();
        if token.is_empty() {
            return Ok(listed);
        }
    }
}
