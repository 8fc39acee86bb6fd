//! Compares what the reader saw with what the writers were told, and with what the ledger holds.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use yiwang_ledger::Ledger;

use crate::{Outcome, load};

/// An entry as the writer was told of it, and as the reader saw it: `request stream version hash`.
type Line = String;

/// Prints the comparison.
///
/// # Errors
/// Where they differ; the files are kept then.
pub async fn compare(ledger: &Ledger, folder: &Path, writers: u64, entries: u64) -> Outcome<()> {
    let mut told: BTreeSet<Line> = BTreeSet::new();
    for writer in 0..writers {
        told.extend(std::fs::read_to_string(load::acks(folder, writer))?.lines().map(str::to_owned));
    }
    let seen_text = std::fs::read_to_string(load::seen(folder))?;
    let seen: Vec<(u64, Line)> = seen_text.lines().map(parse).collect::<Outcome<_>>()?;
    let stored = stored(ledger).await?;

    let ordered = (1..).zip(&seen).all(|(position, (at, _))| position == *at);
    let distinct: BTreeSet<&Line> = seen.iter().map(|(_, line)| line).collect();
    let skipped = told.iter().filter(|line| !distinct.contains(line)).count();
    let unknown = distinct.iter().filter(|line| !told.contains(**line)).count();
    let doubled = seen.len() - distinct.len();
    let differs = seen.iter().filter(|(position, line)| stored.get(position) != Some(line)).count();
    println!(
        "    committed {}, told to writers {}, seen by the reader {}: skipped {skipped}, doubled {doubled}, \
         not told to anybody {unknown}, unlike the stored {differs}, positions 1 to {} in order: {ordered}",
        stored.len(),
        told.len(),
        seen.len(),
        seen.len()
    );
    let complete = told.len() as u64 == entries && seen.len() as u64 == entries && stored.len() as u64 == entries;
    if skipped + doubled + unknown + differs > 0 || !ordered || !complete {
        return Err(format!("they differ: see {}", folder.display()).into());
    }
    Ok(std::fs::remove_dir_all(folder)?)
}

fn parse(line: &str) -> Outcome<(u64, Line)> {
    let (position, rest) = line.split_once('\t').ok_or("a line of the reader")?;
    Ok((position.parse()?, rest.to_owned()))
}

/// The ledger as it stands when everything is over.
async fn stored(ledger: &Ledger) -> Outcome<BTreeMap<u64, Line>> {
    let mut all = BTreeMap::new();
    let head = ledger.head().await.map_err(|refusal| format!("{refusal:?}"))?;
    while (all.len() as u64) < head.position {
        let page = ledger.feed(all.len() as u64, 1000).await.map_err(|refusal| format!("{refusal:?}"))?;
        all.extend(page.into_iter().map(|entry| {
            let line = format!("{}\t{}\t{}\t{}", entry.request, entry.stream, entry.version, entry.hash);
            (entry.position, line)
        }));
    }
    Ok(all)
}
