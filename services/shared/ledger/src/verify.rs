//! Evidence: the chains of all streams walked from the first entry to the last.

use std::cmp::Ordering;
use std::collections::{BTreeSet, HashMap};

use uuid::Uuid;

use crate::engine::{self, Sql};
use crate::ledger::{Ledger, store_refusal};
use crate::refusal::Refusal;
use crate::{Hash, Timestamp};

/// What [`Ledger::verify`] found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Entries walked; what is missing between them is among the problems.
    pub entries: u64,
    /// Of these, entries whose bodies are in an archive: as many as the archives hold.
    pub archived: u64,
    /// Streams met.
    pub streams: u64,
    /// What does not hold, a sentence each, at most 100.
    pub problems: Vec<String>,
}

const TIP: Sql = Sql::both("SELECT stream, version, tip FROM record WHERE stream > $1 ORDER BY stream LIMIT 1000");

impl Ledger {
    /// Walks the whole ledger: positions are dense, every hash is that of its entry, every entry follows the one before it in
    /// its stream, time never runs back within a stream, and every record stands at its stream's tip. That the records' states
    /// are what their entries make of them, [`Ledger::rebuild`] shows.
    ///
    /// # Errors
    /// `STORE_UNAVAILABLE`. What is wrong with the data is in the report.
    pub async fn verify(&self) -> Result<Report, Refusal> {
        let mut report = Report::default();
        let head = self.head().await?;
        let (mut tips, mut walked): (HashMap<Uuid, (u64, Hash, Timestamp)>, u64) = Default::default();
        loop {
            let entries = self.core.entries_after(walked, 1000).await.map_err(store_refusal)?;
            if entries.is_empty() {
                break;
            }
            report.entries += entries.len() as u64;
            for entry in entries {
                report.missing(walked + 1, entry.position - 1);
                walked = entry.position;
                report.archived += u64::from(entry.is_archived());
                let (version, tip, at) = tips.get(&entry.stream.0).copied().unwrap_or_default();
                if entry.version != version + 1 {
                    report.problem(format!("position {}: version {} after {version}", entry.position, entry.version));
                }
                if entry.prev != tip {
                    report
                        .problem(format!("position {}: does not follow its stream's entry before it", entry.position));
                }
                if entry.expected_hash() != entry.hash {
                    report.problem(format!("position {}: its hash is not that of its content", entry.position));
                }
                if entry.at < at {
                    report.problem(format!("position {}: its time runs back", entry.position));
                }
                tips.insert(entry.stream.0, (entry.version, entry.hash, entry.at));
            }
        }
        report.streams = tips.len() as u64;
        if walked < head.position {
            report.problem(format!("the head stands at {}, the last entry at {walked}", head.position));
        }
        self.verify_records(&mut report, tips).await?;
        Ok(report)
    }

    async fn verify_records(
        &self,
        report: &mut Report,
        mut tips: HashMap<Uuid, (u64, Hash, Timestamp)>,
    ) -> Result<(), Refusal> {
        let mut after = Uuid::nil();
        loop {
            let rows: Vec<(Uuid, i64, Vec<u8>)> =
                engine::read!(&*self.core.db, fetch_all, (Uuid, i64, Vec<u8>), TIP, after).map_err(store_refusal)?;
            let Some((last, ..)) = rows.last() else { break };
            after = *last;
            for (stream, version, tip) in rows {
                match tips.remove(&stream) {
                    Some((at, hash, _)) if at == version as u64 && tip == hash.0 => {}
                    // written after its entries were walked: then its last entry is there
                    walked
                        if version as u64 > walked.map_or(0, |(at, ..)| at)
                            && self.has_tip(stream, version, &tip).await? => {}
                    Some((at, ..)) => {
                        report.problem(format!("record {stream} at {version} does not match its entries at {at}"))
                    }
                    None => report.problem(format!("record {stream} has no entry")),
                }
            }
        }
        for stream in tips.keys().collect::<BTreeSet<_>>() {
            report.problem(format!("stream {stream} has no record"));
        }
        Ok(())
    }

    async fn has_tip(&self, stream: Uuid, version: i64, tip: &[u8]) -> Result<bool, Refusal> {
        const HASH: Sql = Sql::both("SELECT hash FROM entry WHERE stream = $1 AND version = $2");
        let found: Option<(Vec<u8>,)> =
            engine::read!(&*self.core.db, fetch_optional, (Vec<u8>,), HASH, stream, version).map_err(store_refusal)?;
        Ok(found.is_some_and(|(hash,)| hash == tip))
    }
}

impl Report {
    /// Positions of which there is no entry, first and last; none where the last is before the first.
    fn missing(&mut self, first: u64, last: u64) {
        match first.cmp(&last) {
            Ordering::Less => self.problem(format!("positions {first} to {last} are missing")),
            Ordering::Equal => self.problem(format!("position {first} is missing")),
            Ordering::Greater => {}
        }
    }

    fn problem(&mut self, text: String) {
        if self.problems.len() < 100 {
            self.problems.push(text);
        }
    }
}
