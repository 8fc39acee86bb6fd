//! The handlers: message -> command -> ledger -> message. Nothing is decided here.

use chrono::Datelike as _;
use tonic::Request;
use yiwang_kit::{CallerKind, Fault, Gate, Incoming, Reply, Resource, party, receive, reply, timestamp, wire};
use yiwang_ledger::{
    Aggregate as _, Audiences, Call, Context, Kind, Ledger, ListQuery, Read, Refusal, StreamId, SubjectId,
};
use yiwang_proto::license::v1 as pb;
use yiwang_proto::license::v1::license_service_server::LicenseService;
use yiwang_standards::sm;

use crate::convert;
use crate::key::{self, Key};
use crate::license::{License, decide, not_found};
use crate::register::{self, Register};
use crate::seal::Seal;
use crate::verify::{self, stream};

/// The service over its ledger and its seal.
#[derive(Clone)]
pub struct Licenses {
    ledger: Ledger,
    gate: Gate,
    seal: Seal,
    keys: verify::Keys,
}

fn resource(license: &License) -> Resource<'_> {
    let Some(issued) = &license.issued else { return NOTHING };
    Resource {
        kind: "License",
        owner: issued.holder.subject.as_str(),
        organisation: &issued.issuer_code,
        region: &issued.region,
        item: &issued.item_code,
        status: license.status_name(),
    }
}

const NOTHING: Resource<'static> =
    Resource { kind: "License", owner: "", organisation: "", region: "", item: "", status: "" };

impl Licenses {
    /// Over a ledger, the policies and a seal.
    pub fn new(ledger: Ledger, gate: Gate, seal: Seal) -> Self {
        Self { ledger, gate, seal, keys: verify::Keys::default() }
    }

    /// Writes down the key that signs from now on, once.
    ///
    /// # Errors
    /// The ledger's.
    pub async fn introduce_key(&self) -> Result<(), Refusal> {
        let (key_id, pem) = (self.seal.key_id.clone(), self.seal.pem.clone());
        let call = Call::system(format!("key.{key_id}"), "");
        let rule = move |key: &Key, cx: &Context| key::introduce(key, &key_id, &pem, cx);
        self.ledger.execute::<Key>(key::stream(&self.seal.key_id), call, rule).await.map(drop)
    }

    /// Number, bytes, signature, then the entry. A crash between any two of them is mended by the relay's next try: the
    /// register gives the case its number again, and the same bytes have the same signature.
    async fn issue(&self, incoming: Incoming<pb::IssueLicenseRequest>) -> Result<pb::License, Fault> {
        self.gate.allow(&incoming.caller, "IssueLicense", &NOTHING)?;
        let order = convert::order(&incoming.message, self.ledger.vault(), &self.seal.key_id)?;
        let call = incoming.call("IssueLicense", &order.case_number, &incoming.message.request_id)?;
        let call = call.with_actor(order.by.id.clone());
        let serial = self.serial(&order, &incoming.trace).await?;
        let issued = convert::sealed(&order, serial, &self.seal)?;
        let rule = move |license: &License, cx: &Context| decide::issue(license, &issued, cx);
        let done = self.ledger.create::<License>(stream(&order.case_number), call, rule).await?;
        Ok(convert::license(done.stream, done.version, &done.state, self.ledger.host().now()))
    }

    async fn serial(&self, order: &convert::Order, trace: &str) -> Result<u32, Refusal> {
        let register = register::stream(&order.issuer_segment, order.issued_on.year());
        let case = order.case_number.clone();
        let call = Call::system(format!("serial.{}", sm::to_hex(&sm::sm3(case.as_bytes()))), trace);
        let taken = self
            .ledger
            .execute::<Register>(register, call, move |register, cx| register::take(register, &case, cx))
            .await?;
        Ok(taken.state.last)
    }

    async fn get(&self, incoming: Incoming<pb::GetLicenseRequest>) -> Result<pb::License, Fault> {
        self.gate.allow(&incoming.caller, "GetLicense", &NOTHING)?;
        let id = StreamId::parse("id", &incoming.message.id)?;
        let read: Option<Read<License>> = self.ledger.get(id, &incoming.caller.audiences()).await?;
        let read = read.ok_or_else(not_found)?;
        // A staff read of a record with personal data is an entry itself.
        if incoming.caller.is_staff() {
            self.ledger.record_read(incoming.read_call("GetLicense", &id.to_string()), id, "GetLicense").await?;
        }
        let license = convert::license(id, read.version, &read.state, self.ledger.host().now());
        Ok(convert::to(&incoming.caller, license))
    }

    async fn list(&self, incoming: Incoming<pb::ListLicensesRequest>) -> Result<pb::ListLicensesResponse, Fault> {
        let (caller, message) = (&incoming.caller, &incoming.message);
        self.gate.allow(caller, "ListLicenses", &NOTHING)?;
        let mut filters: Vec<(&'static str, String)> = Vec::new();
        filters.extend(convert::status_filter(message.status()).map(|status| ("status", status.to_owned())));
        let exact = [("type", &message.type_code), ("case", &message.case_number)];
        filters.extend(
            exact.into_iter().filter(|(_, value)| !value.is_empty()).map(|(name, value)| (name, value.clone())),
        );
        // What holders see is theirs already; an officer who also holds one asks for it by name.
        if message.mine && caller.is_staff() {
            filters.push(("owner", caller.id.clone()));
        }
        let query = ListQuery {
            filters,
            page_size: wire::page_size(message.page_size)?,
            page_token: message.page_token.clone(),
        };
        let (holder, audiences) = match message.holder_subject.as_str() {
            "" => (None, caller.audiences()),
            _ if caller.kind != CallerKind::Service => {
                let (zh, en) = ("只供本系统的服务使用", "for the suite's services alone");
                return Err(Refusal::field("holder_subject", "FIELD_INVALID", zh, en).into());
            }
            text => {
                let wrong = || Refusal::field("holder_subject", "FIELD_INVALID", "应为64位十六进制", "64 hex digits");
                let holder = SubjectId::parse(text).ok_or_else(wrong)?;
                let own = Audiences::of([holder.audience()]);
                (Some(holder), own)
            }
        };
        let mut page = self.ledger.list::<License>(&query, &audiences).await?;
        // who applied for another sees the licence too, and does not hold it
        page.items.retain(|read| {
            holder.is_none() || read.state.issued.as_ref().map(|issued| &issued.holder.subject) == holder.as_ref()
        });
        let now = self.ledger.host().now();
        let shown = if holder.is_some() { convert::summary_with_data } else { convert::summary };
        let licenses = page.items.iter().map(|read| shown(read.stream, &read.state, now)).collect();
        Ok(pb::ListLicensesResponse { licenses, next_page_token: page.next_page_token })
    }

    async fn verify(&self, incoming: Incoming<pb::VerifyLicenseRequest>) -> Result<pb::VerifyLicenseResponse, Fault> {
        self.gate.allow(&incoming.caller, "VerifyLicense", &NOTHING)?;
        verify::verify(&self.ledger, &self.keys, &incoming.message).await
    }

    async fn cancel(&self, incoming: Incoming<pb::CancelLicenseRequest>) -> Result<pb::License, Fault> {
        let message = &incoming.message;
        let id = StreamId::parse("id", &message.id)?;
        let (cause, reason) = convert::cancellation(message)?;
        let mut call = incoming.call("CancelLicense", &id.to_string(), &message.request_id)?;
        call.expected_version = wire::expected_version(&message.etag)?;
        let (gate, caller) = (self.gate.clone(), incoming.caller.clone());
        let (audiences, by) = (caller.audiences(), convert::officer(&party::actor(&caller)));
        let rule = move |license: &License, cx: &Context| {
            if license.issued.is_none() || !audiences.meets(&license.tags()) {
                return Err(not_found());
            }
            gate.allow(&caller, "CancelLicense", &resource(license))?;
            decide::cancel(license, &by, cause, &reason, cx)
        };
        let done = self.ledger.execute::<License>(id, call, rule).await.map_err(wire::contract_word)?;
        Ok(convert::license(id, done.version, &done.state, self.ledger.host().now()))
    }

    async fn signing_key(&self, incoming: Incoming<pb::GetSigningKeyRequest>) -> Result<pb::SigningKey, Fault> {
        self.gate.allow(&incoming.caller, "GetSigningKey", &NOTHING)?;
        let asked = incoming.message.key_id.trim();
        let key_id = if asked == "current" { self.seal.key_id.as_str() } else { asked };
        let key =
            self.ledger.get::<Key>(key::stream(key_id), &Audiences::all()).await?.ok_or_else(|| {
                Refusal::new(Kind::NotFound, "KEY_NOT_FOUND", "未找到该验证公钥", "there is no such key")
            })?;
        Ok(pb::SigningKey {
            key_id: key.state.key_id.clone(),
            algorithm: "SM2-SM3".to_owned(),
            public_key_pem: key.state.pem.clone(),
            signer_identity: sm::DEFAULT_ID.to_owned(),
            create_time: Some(timestamp(key.state.since)),
        })
    }
}

#[tonic::async_trait]
impl LicenseService for Licenses {
    async fn issue_license(&self, request: Request<pb::IssueLicenseRequest>) -> Reply<pb::License> {
        reply(self.issue(receive(request)?).await)
    }

    async fn get_license(&self, request: Request<pb::GetLicenseRequest>) -> Reply<pb::License> {
        reply(self.get(receive(request)?).await)
    }

    async fn list_licenses(&self, request: Request<pb::ListLicensesRequest>) -> Reply<pb::ListLicensesResponse> {
        reply(self.list(receive(request)?).await)
    }

    async fn verify_license(&self, request: Request<pb::VerifyLicenseRequest>) -> Reply<pb::VerifyLicenseResponse> {
        reply(self.verify(receive(request)?).await)
    }

    async fn cancel_license(&self, request: Request<pb::CancelLicenseRequest>) -> Reply<pb::License> {
        reply(self.cancel(receive(request)?).await)
    }

    async fn get_signing_key(&self, request: Request<pb::GetSigningKeyRequest>) -> Reply<pb::SigningKey> {
        reply(self.signing_key(receive(request)?).await)
    }
}
