//! The ledger of a service as its operators see it: `yiwang.ledger.v1.LedgerService`, the same for every service.

use async_trait::async_trait;
use tonic::{Request, Response, Status};
use yiwang_ledger::{Entry, Hash, Ledger, Parked, Refusal, Resume, Standing, StreamId, SubjectId, Timestamp};
use yiwang_proto::ledger::v1::{self as pb, ledger_service_server::LedgerService};
use yiwang_proto::party::v1::Actor;
use yiwang_standards::identity;

use crate::caller::{CallerKind, Incoming, Reply, receive, reply};
use crate::gate::{Gate, Resource};
use crate::status::Fault;
use crate::{party, wire};

/// Entries and deliveries are short: more of them to a page than of what citizens read.
const PAGE: wire::PageSize = wire::PageSize { usual: 50, most: 200 };

/// One service's ledger, shown.
pub struct LedgerAdmin {
    ledger: Ledger,
    gate: Gate,
}

impl LedgerAdmin {
    /// Over a service's ledger.
    pub fn new(ledger: Ledger, gate: Gate) -> Self {
        Self { ledger, gate }
    }

    /// Whether the request means this ledger, and the caller may do this with it.
    fn admit<T>(&self, incoming: &Incoming<T>, service: &str, action: &str) -> Result<(), Refusal> {
        if service != self.ledger.service() {
            return Err(Refusal::new(
                yiwang_ledger::Kind::NotFound,
                "SERVICE_NOT_FOUND",
                "本进程没有该服务的账本",
                "this process does not keep that service's ledger",
            ));
        }
        self.gate.allow(&incoming.caller, action, &Resource { kind: "Ledger", ..Resource::default() })
    }

    async fn head(&self, incoming: Incoming<pb::GetHeadRequest>) -> Result<pb::Head, Fault> {
        self.admit(&incoming, &incoming.message.service, "GetHead")?;
        let (head, halted) = (self.ledger.head().await?, self.ledger.halted().await?);
        Ok(pb::Head {
            service: self.ledger.service().to_owned(),
            position: signed(head.position),
            epoch: signed(head.epoch),
            halted_relays: halted.into_iter().map(halted_relay).collect(),
        })
    }

    async fn entries(&self, incoming: Incoming<pb::ListEntriesRequest>) -> Result<pb::ListEntriesResponse, Fault> {
        let message = &incoming.message;
        self.admit(&incoming, &message.service, "ListEntries")?;
        let stream = stream(&message.stream)?;
        let size = wire::page_size_of(message.page_size, PAGE)?;
        let after = page_token(&message.page_token)?;
        let found = self.ledger.history(stream, after, size + 1).await?;
        if found.is_empty() && after == 0 {
            return Err(not_found("STREAM_NOT_FOUND", "账本中没有该记录", "the ledger has no such stream").into());
        }
        let shown = &found[..found.len().min(size as usize)];
        let more = found.len() > shown.len();
        let next = shown.last().filter(|_| more).map_or_else(String::new, |last| last.version.to_string());
        Ok(pb::ListEntriesResponse { entries: shown.iter().map(entry).collect(), next_page_token: next })
    }

    async fn parked(
        &self,
        incoming: Incoming<pb::ListParkedDeliveriesRequest>,
    ) -> Result<pb::ListParkedDeliveriesResponse, Fault> {
        let message = &incoming.message;
        self.admit(&incoming, &message.service, "ListParkedDeliveries")?;
        let (size, after) = (wire::page_size_of(message.page_size, PAGE)?, delivery_token(&message.page_token)?);
        let found = self.ledger.parked_after(after, size + 1).await?;
        let shown = &found[..found.len().min(size as usize)];
        let more = found.len() > shown.len();
        let next =
            shown.last().filter(|_| more).map_or_else(String::new, |last| format!("{}.{}", last.stream, last.reader));
        Ok(pb::ListParkedDeliveriesResponse { deliveries: shown.iter().map(parked).collect(), next_page_token: next })
    }

    async fn retry(&self, incoming: Incoming<pb::RetryDeliveryRequest>) -> Result<pb::ParkedDelivery, Fault> {
        let message = &incoming.message;
        self.admit(&incoming, &message.service, "RetryDelivery")?;
        let call = incoming.call("RetryDelivery", &message.stream, &message.request_id)?;
        let retried = self.ledger.retry_parked(call, &message.reader, stream(&message.stream)?).await?;
        Ok(parked(&retried))
    }

    async fn resume(&self, incoming: Incoming<pb::ResumeRelayRequest>) -> Result<pb::ResumedRelay, Fault> {
        let message = &incoming.message;
        self.admit(&incoming, &message.service, "ResumeRelay")?;
        let call = incoming.call("ResumeRelay", &message.reader, &message.request_id)?;
        let ask = Resume {
            reader: message.reader.clone(),
            epoch: u64::try_from(message.epoch).unwrap_or_default(),
            at: (u64::try_from(message.position).unwrap_or(u64::MAX), hash(&message.hash)?),
            since: message.since_time.as_ref().map(moment).transpose()?,
            reason: reason_in_words(&message.reason)?,
        };
        let resumed = self.ledger.resume_relay(call, ask).await?;
        Ok(pb::ResumedRelay {
            reader: resumed.reader,
            epoch: signed(resumed.epoch),
            position: signed(resumed.position),
            hash: resumed.hash,
            entries_again: signed(resumed.again),
        })
    }

    async fn erase(&self, incoming: Incoming<pb::EraseSubjectRequest>) -> Result<pb::EraseSubjectResponse, Fault> {
        let message = &incoming.message;
        self.admit(&incoming, &message.service, "EraseSubject")?;
        let call = incoming.call("EraseSubject", "", &message.request_id)?;
        let subject = self.subject(&incoming)?;
        let reason = reason_in_words(&message.reason)?;
        // What another service tells is not told on: whoever began it tells all.
        let told_by = incoming.caller.id.strip_prefix("service:").unwrap_or_default();
        let erased_at = self.ledger.erase_subject(call, &subject, &reason, told_by).await?;
        Ok(pb::EraseSubjectResponse { erase_time: Some(timestamp(erased_at)) })
    }

    /// Whose data: by document from people, by keyed hash from services.
    fn subject(&self, incoming: &Incoming<pb::EraseSubjectRequest>) -> Result<SubjectId, Refusal> {
        let message = &incoming.message;
        let invalid = |field: &str| Refusal::field(field, "SUBJECT_INVALID", "当事人标识不正确", "not a subject");
        if incoming.caller.kind == CallerKind::Service {
            return SubjectId::parse(&message.subject).ok_or_else(|| invalid("subject"));
        }
        if !message.subject.is_empty() {
            return Err(invalid("subject"));
        }
        let kind = party::document_kind(message.document_kind, &message.document_number).ok_or_else(|| {
            Refusal::field("document_kind", "DOCUMENT_KIND_MISSING", "请选择证件类型", "name the kind of document")
        })?;
        // A number that is nobody's would erase nobody and answer that it did.
        let number = identity::validate(kind, &message.document_number).map_err(|error| {
            Refusal::field("document_number", "SUBJECT_INVALID", error.zh(), error.en()).with("rule", error.reason())
        })?;
        Ok(crate::caller::subject(self.ledger.vault(), kind, number.number()))
    }
}

#[async_trait]
impl LedgerService for LedgerAdmin {
    async fn get_head(&self, request: Request<pb::GetHeadRequest>) -> Reply<pb::Head> {
        reply(self.head(receive(request)?).await)
    }

    async fn list_entries(&self, request: Request<pb::ListEntriesRequest>) -> Reply<pb::ListEntriesResponse> {
        reply(self.entries(receive(request)?).await)
    }

    async fn list_parked_deliveries(
        &self,
        request: Request<pb::ListParkedDeliveriesRequest>,
    ) -> Result<Response<pb::ListParkedDeliveriesResponse>, Status> {
        reply(self.parked(receive(request)?).await)
    }

    async fn retry_delivery(&self, request: Request<pb::RetryDeliveryRequest>) -> Reply<pb::ParkedDelivery> {
        reply(self.retry(receive(request)?).await)
    }

    async fn resume_relay(&self, request: Request<pb::ResumeRelayRequest>) -> Reply<pb::ResumedRelay> {
        reply(self.resume(receive(request)?).await)
    }

    async fn erase_subject(&self, request: Request<pb::EraseSubjectRequest>) -> Reply<pb::EraseSubjectResponse> {
        reply(self.erase(receive(request)?).await)
    }
}

/// Legal time as the contracts write it.
pub fn timestamp(at: Timestamp) -> pbjson_types::Timestamp {
    pbjson_types::Timestamp {
        seconds: at.0.div_euclid(1_000_000),
        nanos: i32::try_from(at.0.rem_euclid(1_000_000) * 1000).unwrap_or(0),
    }
}

fn entry(entry: &Entry) -> pb::Entry {
    pb::Entry {
        position: signed(entry.position),
        stream: format!("{}/{}", entry.aggregate, entry.stream),
        version: signed(entry.version),
        kind: entry.kind.clone(),
        entry_time: Some(timestamp(entry.at)),
        actor: Some(actor(&entry.actor)),
        request_id: entry.request.clone(),
        trace_id: entry.trace.clone(),
        previous_hash: entry.prev.to_string(),
        hash: entry.hash.to_string(),
    }
}

/// The actor of an entry by its id alone: `staff:clerk`, `service:intake`, `system`.
pub fn actor(id: &str) -> Actor {
    let role = id.split_once(':').map_or(id, |(kind, _)| kind);
    Actor { id: id.to_owned(), role: role.to_owned(), ..Actor::default() }
}

fn parked(one: &Parked) -> pb::ParkedDelivery {
    pb::ParkedDelivery {
        reader: one.reader.clone(),
        stream: one.stream.to_string(),
        position: signed(one.position),
        tries: i32::try_from(one.tries).unwrap_or(i32::MAX),
        next_time: (one.next_at != Timestamp::NEVER).then(|| timestamp(one.next_at)),
        error: one.error.clone(),
    }
}

fn halted_relay(one: Standing) -> pb::HaltedRelay {
    pb::HaltedRelay {
        reader: one.reader,
        reason: one.halted,
        position: signed(one.position),
        hash: one.hash.to_string(),
    }
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// 64 hex digits; zero where there are none.
fn hash(text: &str) -> Result<Hash, Refusal> {
    if text.is_empty() {
        return Ok(Hash::ZERO);
    }
    crate::entropy::from_hex(text)
        .map(Hash)
        .ok_or_else(|| Refusal::field("hash", "FIELD_INVALID", "散列值应为64位十六进制", "a hash is 64 hex digits"))
}

fn moment(at: &pbjson_types::Timestamp) -> Result<Timestamp, Refusal> {
    let micros = at.seconds.checked_mul(1_000_000).and_then(|whole| whole.checked_add(i64::from(at.nanos) / 1000));
    micros
        .map(Timestamp)
        .ok_or_else(|| Refusal::field("since_time", "FIELD_INVALID", "时间不正确", "not a time that can be meant"))
}

fn reason_in_words(text: &str) -> Result<String, Refusal> {
    if (1..=500).contains(&text.trim().chars().count()) {
        return Ok(text.trim().to_owned());
    }
    let (zh, en) = ("请写明理由或依据（1至500字）", "say why, in 1 to 500 characters");
    Err(Refusal::field("reason", "REASON_MISSING", zh, en))
}

/// `application/0190…` or the id alone.
fn stream(text: &str) -> Result<StreamId, Refusal> {
    if text.is_empty() {
        return Err(Refusal::field("stream", "STREAM_MISSING", "请指明记录", "name the stream"));
    }
    StreamId::parse("stream", text.rsplit('/').next().unwrap_or(text))
}

fn page_token(text: &str) -> Result<u64, Refusal> {
    match text {
        "" => Ok(0),
        text => text.parse().ok().filter(|after| *after < u64::MAX / 2).ok_or_else(page_token_invalid),
    }
}

/// The last delivery of the page before, `<stream>.<reader>`: those that come or go meanwhile move no page.
fn delivery_token(text: &str) -> Result<Option<(&str, StreamId)>, Refusal> {
    if text.is_empty() {
        return Ok(None);
    }
    let (stream, reader) = text.split_once('.').filter(|_| !text.contains('\0')).ok_or_else(page_token_invalid)?;
    let stream = StreamId::parse("page_token", stream).map_err(|_| page_token_invalid())?;
    Ok(Some((reader, stream)))
}

fn page_token_invalid() -> Refusal {
    Refusal::field("page_token", "PAGE_TOKEN_INVALID", "分页标记无效", "not a page token of this list")
}

fn not_found(reason: &'static str, zh: &str, en: &str) -> Refusal {
    Refusal::new(yiwang_ledger::Kind::NotFound, reason, zh, en)
}
