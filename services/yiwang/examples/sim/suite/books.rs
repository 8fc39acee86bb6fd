//! What the ledgers say at the end: every entry of every service, and what follows from them.

use std::collections::BTreeMap;

use yiwang_approval::case::{Case, Event as CaseEvent};
use yiwang_documents::book::{Book, BookEvent};
use yiwang_evaluation::evaluation::{Evaluation, Event as EvaluationEvent};
use yiwang_intake::application::{Application, ApplicationEvent};
use yiwang_intake::register::{Register, RegisterEvent};
use yiwang_kit::config::SERVICES;
use yiwang_kit::ledger::{Aggregate, Cursor, Entry, Erasure, ErasureEvent, Ledger, Parked, Report, Standing, StreamId};
use yiwang_license::license::{Event as LicenseEvent, License};
use yiwang_license::register::{Event as SerialEvent, Register as Serials};
use yiwang_trading::notice::Notice;

use super::grid::Grid;

/// The events of each stream of a kind, in order.
pub type Streams<E> = BTreeMap<StreamId, Vec<E>>;

/// See the module's page.
pub struct Books {
    pub services: BTreeMap<&'static str, Service>,
    pub applications: Streams<ApplicationEvent>,
    pub registers: Streams<RegisterEvent>,
    pub cases: Streams<CaseEvent>,
    /// 文书登记簿 of both.
    pub documents: Streams<BookEvent>,
    pub licenses: Streams<LicenseEvent>,
    pub serials: Streams<SerialEvent>,
    pub evaluations: Streams<EvaluationEvent>,
}

/// What one service's ledger says of itself.
pub struct Service {
    pub entries: Vec<Entry>,
    pub erased: Vec<String>,
    pub report: Report,
    pub parked: Vec<Parked>,
    pub halted: Vec<Standing>,
    /// Kinds of records that fell due and were not looked at.
    pub overdue: Vec<String>,
    /// Rows that are not what the entries say: derived before, and derived anew.
    pub derived: Vec<String>,
}

impl Books {
    /// Reads all of it, and computes anew what is derived.
    pub async fn read(grid: &Grid) -> anyhow::Result<Self> {
        let mut services = BTreeMap::new();
        for service in SERVICES {
            services.insert(service, grid.on_ledger(service, |ledger| Box::pin(of_service(ledger))).await?);
        }
        let (intake, approval) = ("intake", "approval");
        let mut documents = events::<Book>(grid, intake, &services).await?;
        for (book, events) in events::<Book>(grid, approval, &services).await? {
            documents.entry(book).or_default().extend(events);
        }
        Ok(Self {
            documents,
            applications: events::<Application>(grid, intake, &services).await?,
            registers: events::<Register>(grid, intake, &services).await?,
            cases: events::<Case>(grid, approval, &services).await?,
            licenses: events::<License>(grid, "license", &services).await?,
            serials: events::<Serials>(grid, "license", &services).await?,
            evaluations: events::<Evaluation>(grid, "evaluation", &services).await?,
            services,
        })
    }

    /// How many events of all streams of a kind are so.
    pub fn count<E>(streams: &Streams<E>, is_so: impl Fn(&E) -> bool) -> u64 {
        streams.values().flatten().filter(|event| is_so(event)).count() as u64
    }
}

async fn events<A: Aggregate>(
    grid: &Grid,
    service: &'static str,
    services: &BTreeMap<&'static str, Service>,
) -> anyhow::Result<Streams<A::Event>> {
    let of_kind =
        services.get(service).into_iter().flat_map(|service| &service.entries).filter(|entry| entry.is::<A>());
    let entries: Vec<Entry> = of_kind.cloned().collect();
    grid.on_ledger(service, |ledger| async move {
        let mut streams = BTreeMap::new();
        for entry in entries {
            let event = ledger.decode::<A>(&entry).await?;
            streams.entry(entry.stream).or_insert_with(Vec::new).push(event);
        }
        Ok(streams)
    })
    .await
}

async fn of_service(ledger: Ledger) -> anyhow::Result<Service> {
    let mut entries: Vec<Entry> = Vec::new();
    loop {
        let page = ledger.feed(entries.last().map_or(0, |last| last.position), 500).await?;
        if page.is_empty() {
            break;
        }
        entries.extend(page);
    }
    let mut erased = Vec::new();
    for entry in entries.iter().filter(|entry| entry.is::<Erasure>()) {
        let ErasureEvent::Erased { subject, .. } = ledger.decode::<Erasure>(entry).await?;
        erased.push(subject.to_string());
    }
    let mut derived = Vec::new();
    match ledger.service() {
        "intake" => {
            derived.extend(anew::<Application>(&ledger).await?);
            derived.extend(anew::<Register>(&ledger).await?);
            derived.extend(anew::<Book>(&ledger).await?);
        }
        "approval" => {
            derived.extend(anew::<Case>(&ledger).await?);
            derived.extend(anew::<Book>(&ledger).await?);
        }
        "license" => {
            derived.extend(anew::<License>(&ledger).await?);
            derived.extend(anew::<Serials>(&ledger).await?);
        }
        "evaluation" => derived = anew::<Evaluation>(&ledger).await?,
        _ => derived = anew::<Notice>(&ledger).await?,
    }
    let due = ledger.vitals().await?.due.into_iter().filter(|due| due.overdue > 0);
    let overdue = due.map(|due| format!("{} of {}", due.overdue, due.kind)).collect();
    let (report, parked, halted) = (ledger.verify().await?, ledger.parked().await?, ledger.halted().await?);
    Ok(Service { entries, erased, report, parked, halted, overdue, derived })
}

/// What differs between what is derived and what the entries make of it.
async fn anew<A: Aggregate>(ledger: &Ledger) -> anyhow::Result<Vec<String>> {
    let before = rows::<A>(ledger).await?;
    ledger.rebuild::<A>().await?;
    let after = rows::<A>(ledger).await?;
    let lost = before.iter().filter(|row| !after.contains(row)).map(|row| format!("stood there: {row}"));
    let found = after.iter().filter(|row| !before.contains(row)).map(|row| format!("should stand there: {row}"));
    Ok(lost.chain(found).collect())
}

/// The derived rows, without the version at which a record's state was last written: a large one is not written each time.
async fn rows<A: Aggregate>(ledger: &Ledger) -> anyhow::Result<Vec<String>> {
    let without = |row: String| {
        let mut words: Vec<&str> = row.split('|').collect();
        if words.get(1) == Some(&"record") && words.len() > 5 {
            words.remove(5);
        }
        words.join("|")
    };
    Ok(ledger.derived::<A>().await?.into_iter().map(without).collect())
}

/// A reader of a feed who follows it through all that happens; what it saw, each entry's position and hash.
pub async fn follow(grid: &Grid, service: &'static str) -> Vec<(u64, String)> {
    let (mut seen, mut cursor) = (Vec::new(), Cursor::START);
    loop {
        let read = grid
            .on_ledger(service, move |ledger| async move {
                let epoch = ledger.head().await?.epoch;
                Ok((epoch, ledger.feed_from(Cursor { epoch, ..cursor }, 7).await))
            })
            .await;
        match read {
            Ok((epoch, Ok(page))) => {
                if page.is_empty() && grid.is_read() {
                    return seen;
                }
                if let Some(last) = page.last() {
                    cursor = Cursor { epoch, position: last.position, hash: last.hash };
                }
                seen.extend(page.iter().map(|entry| (entry.position, entry.hash.to_string())));
                if page.is_empty() {
                    grid.clocks.pass(4000).await;
                }
            }
            Ok((_, Err(refusal))) if refusal.reason.starts_with("FEED_") => {
                grid.trouble(format!("the reader of {service} was halted: {}", refusal.reason));
                return seen;
            }
            _ if grid.is_read() => return seen,
            // the process died under the reader: another one, or the same one later
            Ok((_, Err(_))) | Err(_) => grid.clocks.pass(4000).await,
        }
    }
}
