//! The shipped catalogue into the ledger: at the first start all of it in one breath (concurrent commands, which the writer
//! gathers), at the next ones only what the product changed.

use std::collections::HashMap;

use anyhow::anyhow;
use futures_util::{StreamExt as _, stream};
use yiwang_ledger::{Aggregate, Audiences, Call, Ledger, ListQuery, Read, Refusal};
use yiwang_standards::sm;

use super::{Item, ItemFacts, decide};

/// How many commands are on their way at once. Where two replicas start side by side on an empty store, the one that is later
/// reads what the other has written, and not so much at once that it finds no connection.
const AT_ONCE: usize = 64;

/// What an import did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Items that came into force.
    pub created: usize,
    /// Items that got a new version.
    pub revised: usize,
    /// Items that were as shipped.
    pub unchanged: usize,
}

/// A digest of an item's elements.
pub fn digest(facts: &ItemFacts) -> String {
    let text = serde_json::to_vec(facts).unwrap_or_default();
    sm::to_hex(&sm::sm3(&text))
}

/// Every item that the ledger has, by code.
///
/// # Errors
/// Those of the ledger.
pub async fn all(ledger: &Ledger) -> Result<Vec<Read<Item>>, Refusal> {
    all_tagged(ledger, &[]).await
}

/// Every record that bears the tags, page by page, for the service itself.
///
/// # Errors
/// Those of the ledger.
pub async fn all_tagged<A: Aggregate>(
    ledger: &Ledger,
    filters: &[(&'static str, String)],
) -> Result<Vec<Read<A>>, Refusal> {
    let (mut found, mut page_token) = (Vec::new(), String::new());
    loop {
        let query = ListQuery { filters: filters.to_vec(), page_size: 200, page_token };
        let page = ledger.list::<A>(&query, &Audiences::all()).await?;
        found.extend(page.items);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return Ok(found);
        }
    }
}

/// Brings the shipped items in. Idempotent; several replicas may do it at once.
///
/// # Errors
/// The first item that the ledger refused, by its code.
pub async fn run(ledger: &Ledger, shipped: Vec<ItemFacts>) -> anyhow::Result<Report> {
    let known: HashMap<String, (u64, Option<String>)> = all(ledger)
        .await?
        .into_iter()
        .map(|read| (read.state.facts.code.clone(), (read.version, read.state.shipped.clone())))
        .collect();
    let mut report = Report::default();
    let mut todo = Vec::new();
    for facts in shipped {
        let digest = digest(&facts);
        match known.get(&facts.code) {
            Some((_, Some(last))) if *last == digest => report.unchanged += 1,
            Some((version, _)) => todo.push((facts, digest, *version)),
            None => todo.push((facts, digest, 0)),
        }
    }
    let mut done = stream::iter(todo.into_iter().map(|todo| one(ledger, todo))).buffer_unordered(AT_ONCE);
    while let Some(result) = done.next().await {
        match result? {
            true => report.created += 1,
            false => report.revised += 1,
        }
    }
    Ok(report)
}

/// One item; whether it is new.
async fn one(ledger: &Ledger, (facts, digest, version): (ItemFacts, String, u64)) -> anyhow::Result<bool> {
    let stream = super::stream(&facts.code);
    let call = Call::system(format!("ship.{stream}.{version}.{}", &digest[..16]), "");
    let code = facts.code.clone();
    let rule = move |item: &Item, _: &yiwang_ledger::Context| decide::ship(item, &facts, &digest);
    let done = match version {
        0 => ledger.create::<Item>(stream, call, rule).await,
        _ => ledger.execute::<Item>(stream, call, rule).await,
    };
    done.map(|_| version == 0).map_err(|refusal| anyhow!("item {code}: {refusal}"))
}
