//! The aggregates of the ledger itself: who read what, whose data was erased, and which delivery was sent on its way again.

use serde::{Deserialize, Serialize};

use crate::aggregate::{Aggregate, Call, Index, Meta, Tag};
use crate::engine::{self, Sql};
use crate::entry::{Entry, EntryRow};
use crate::ledger::{Ledger, store_refusal};
use crate::parked::Parked;
use crate::personal::SubjectId;
use crate::refusal::{Kind, Refusal};
use crate::{StreamId, Timestamp};

/// The readings of one record by staff: 个人信息保护法 asks who saw it. One stream a record, so that reading never touches
/// the version of what was read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessLog {
    /// The record that was read.
    pub record: Option<StreamId>,
    /// How often.
    pub readings: u64,
    since: Option<Timestamp>,
}

/// Events of an [`AccessLog`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr)]
pub enum AccessEvent {
    /// A member of staff read the record; who and when stand in the entry.
    Read {
        /// The record.
        record: StreamId,
        /// Which RPC showed it.
        what: String,
    },
}

impl Aggregate for AccessLog {
    const KIND: &'static str = "access";
    type Event = AccessEvent;

    fn evolve(&mut self, event: &AccessEvent, meta: &Meta) {
        let AccessEvent::Read { record, .. } = event;
        self.record = Some(*record);
        self.readings += 1;
        self.since.get_or_insert(meta.at);
    }

    fn index(&self) -> Index {
        Index { status: "log".to_owned(), ..Index::default() }
    }

    fn tags(&self) -> Vec<Tag> {
        vec![Tag::new(Tag::AUDIENCE, "audit", Tag::newest_first(self.since.unwrap_or_default()))]
    }
}

/// The erasures of one person's data.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Erasure {
    /// The person.
    pub subject: SubjectId,
    /// How often; a person who came back may ask again.
    pub times: u64,
    since: Option<Timestamp>,
}

/// Events of an [`Erasure`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr)]
pub enum ErasureEvent {
    /// The subject's key was deleted with this entry: what was sealed under it reads as erased from now on.
    Erased {
        /// The person.
        subject: SubjectId,
        /// On what grounds (个人信息保护法 art. 47).
        grounds: String,
        /// The service that told us; empty where the erasure began here and the others must be told.
        told_by: String,
    },
}

impl Aggregate for Erasure {
    const KIND: &'static str = "erasure";
    type Event = ErasureEvent;

    fn evolve(&mut self, event: &ErasureEvent, meta: &Meta) {
        let ErasureEvent::Erased { subject, .. } = event;
        self.subject = subject.clone();
        self.times += 1;
        self.since.get_or_insert(meta.at);
    }

    fn index(&self) -> Index {
        Index { owner: self.subject.to_string(), status: "erased".to_owned(), ..Index::default() }
    }

    fn tags(&self) -> Vec<Tag> {
        vec![Tag::new(Tag::AUDIENCE, "audit", Tag::newest_first(self.since.unwrap_or_default()))]
    }

    fn erases(event: &ErasureEvent) -> Option<SubjectId> {
        let ErasureEvent::Erased { subject, .. } = event;
        Some(subject.clone())
    }
}

/// The times that one stream's delivery by one relay was sent on its way again by hand.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retrial {
    /// What waited, as it stood when it was sent last.
    pub last: Option<Parked>,
    since: Option<Timestamp>,
}

/// Events of a [`Retrial`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr)]
pub enum RetrialEvent {
    /// An operator had a parked delivery tried again; who and when stand in the entry.
    Retried {
        /// What waited, due from now on.
        delivery: Parked,
    },
}

impl Aggregate for Retrial {
    const KIND: &'static str = "retrial";
    type Event = RetrialEvent;

    fn evolve(&mut self, event: &RetrialEvent, meta: &Meta) {
        let RetrialEvent::Retried { delivery } = event;
        self.last = Some(delivery.clone());
        self.since.get_or_insert(meta.at);
    }

    fn index(&self) -> Index {
        Index { status: "retried".to_owned(), ..Index::default() }
    }

    fn tags(&self) -> Vec<Tag> {
        vec![Tag::new(Tag::AUDIENCE, "audit", Tag::newest_first(self.since.unwrap_or_default()))]
    }
}

const ERASURES: Sql = Sql::both(
    "SELECT e.position, e.stream, e.version, e.kind, e.body, e.actor, e.at, e.principal, e.request, e.trace, e.prev, e.hash
     FROM record r JOIN entry e ON e.stream = r.stream WHERE r.kind = $1 AND e.at >= $2 ORDER BY e.position",
);

impl Ledger {
    /// Has a parked delivery tried again at once, and leaves an entry of it; answers the delivery as it then stood. The same
    /// call again answers the same.
    ///
    /// # Errors
    /// `DELIVERY_NOT_FOUND` where nothing waits, and as [`Ledger::execute`].
    pub async fn retry_parked(&self, call: Call, reader: &str, stream: StreamId) -> Result<Parked, Refusal> {
        let now = self.host().machine_now();
        let waiting = self.one_parked(reader, stream).await?.map(|parked| Parked { next_at: now, ..parked });
        let retrial = StreamId::named(Retrial::KIND, &format!("{reader}.{stream}"));
        let rule = move |_: &Retrial, _: &crate::Context| match waiting.clone() {
            Some(delivery) => Ok(vec![RetrialEvent::Retried { delivery }]),
            None => Err(delivery_not_found()),
        };
        let done = self.execute::<Retrial>(retrial, call, rule).await?;
        let delivery = done.state.last.clone().ok_or_else(delivery_not_found)?;
        // Also where this is a repetition: the process may have ended between the entry and this.
        self.set_due(&delivery).await?;
        Ok(delivery)
    }

    /// Leaves an entry that the caller read a record with personal data. The reading is answered after the entry is durable.
    ///
    /// # Errors
    /// As [`Ledger::execute`].
    pub async fn record_read(&self, call: Call, record: StreamId, what: &str) -> Result<(), Refusal> {
        let what = what.to_owned();
        let log = StreamId::named(AccessLog::KIND, &record.to_string());
        self.execute::<AccessLog>(log, call, move |_, _| Ok(vec![AccessEvent::Read { record, what: what.clone() }]))
            .await?;
        Ok(())
    }

    /// The erasures here since a time, oldest first, each with its entry.
    ///
    /// # Errors
    /// `STORE_UNAVAILABLE`, `STREAM_UNREADABLE`.
    pub async fn erasures(&self, since: Timestamp) -> Result<Vec<(Entry, ErasureEvent)>, Refusal> {
        let rows: Vec<EntryRow> = engine::read!(&*self.core.db, fetch_all, EntryRow, ERASURES, Erasure::KIND, since.0)
            .map_err(store_refusal)?;
        let mut all = Vec::with_capacity(rows.len());
        for entry in rows.into_iter().map(Entry::from) {
            let event = self.decode::<Erasure>(&entry).await?;
            all.push((entry, event));
        }
        Ok(all)
    }

    /// Erases a person's data in this service: deletes the key, in one commit with the entry that says so; answers when. `told_by`
    /// names the service whose relay brought it, empty where it begins here.
    ///
    /// # Errors
    /// As [`Ledger::execute`].
    pub async fn erase_subject(
        &self,
        call: Call,
        subject: &SubjectId,
        grounds: &str,
        told_by: &str,
    ) -> Result<Timestamp, Refusal> {
        let event =
            ErasureEvent::Erased { subject: subject.clone(), grounds: grounds.to_owned(), told_by: told_by.to_owned() };
        let stream = StreamId::named(Erasure::KIND, subject.as_str());
        let erased = self.execute::<Erasure>(stream, call, move |_, _| Ok(vec![event.clone()])).await?;
        Ok(erased.at)
    }
}

fn delivery_not_found() -> Refusal {
    Refusal::new(Kind::NotFound, "DELIVERY_NOT_FOUND", "没有该待投递记录", "no such delivery waits")
}
