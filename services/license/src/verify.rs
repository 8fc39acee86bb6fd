//! 验真: whether a licence is genuine and in force. Only the bytes that were signed are verified, and the answer always has
//! the status of today. Public, and no personal data is answered.

use std::sync::Arc;

use moka::sync::Cache;
use yiwang_kit::{Fault, timestamp};
use yiwang_ledger::{Audiences, Ledger, Refusal, StreamId};
use yiwang_proto::license::v1 as pb;
use yiwang_standards::license_id::LicenseId;
use yiwang_standards::{calendar, sm};

use crate::convert;
use crate::key::{self, Key};
use crate::license::{BY_IDENTIFIER, Issued, License, StatusOn, payload};

/// Verifies by identifier, or by bytes and signature, or by all three, which must then agree.
///
/// # Errors
/// `IDENTIFIER_INVALID`, `PAYLOAD_INVALID`, `SIGNATURE_INVALID_FORM`, `NOTHING_TO_VERIFY`. What does not verify is an answer.
pub async fn verify(
    ledger: &Ledger,
    keys: &Keys,
    request: &pb::VerifyLicenseRequest,
) -> Result<pb::VerifyLicenseResponse, Fault> {
    let asked = asked(request)?;
    let found = ledger.find::<License>(BY_IDENTIFIER, &asked.identifier, &Audiences::all()).await?;
    let now = ledger.host().now();
    let mut answer = pb::VerifyLicenseResponse { check_time: Some(timestamp(now)), ..Default::default() };
    let Some((read, issued)) = found.as_ref().and_then(|read| Some((read, read.state.issued.as_ref()?))) else {
        answer.reasons.push("NOT_FOUND".to_owned());
        answer.text = "未查到该证照".to_owned();
        return Ok(answer);
    };
    let key = keys.get(ledger, &issued.key_id).await?;
    let mut reasons = signature(&asked, issued, key.as_deref());
    answer.signature_valid = reasons.is_empty();
    if asked.named.as_ref().is_some_and(|named| named != &asked.identifier) {
        reasons.push("PAYLOAD_DIFFERS");
    }
    let status = read.state.status_on(calendar::legal_date(now.0));
    reasons.extend(status_reason(status));
    answer.status = convert::status(status).into();
    answer.valid = reasons.is_empty();
    answer.text = text(&reasons, issued);
    answer.reasons = reasons.into_iter().map(str::to_owned).collect();
    answer.identifier.clone_from(&issued.identifier);
    answer.name.clone_from(&issued.name);
    answer.issuer.clone_from(&issued.issuer);
    answer.valid_to = issued.valid_to.map(|day| day.to_string()).unwrap_or_default();
    answer.key_id.clone_from(&issued.key_id);
    Ok(answer)
}

/// Public keys that were read before: what a key's id names never changes.
#[derive(Clone)]
pub struct Keys(Cache<String, Arc<sm::PublicKey>>);

impl Default for Keys {
    fn default() -> Self {
        Self(Cache::new(256))
    }
}

impl Keys {
    async fn get(&self, ledger: &Ledger, key_id: &str) -> Result<Option<Arc<sm::PublicKey>>, Refusal> {
        if let Some(key) = self.0.get(key_id) {
            return Ok(Some(key));
        }
        let read = ledger.get::<Key>(key::stream(key_id), &Audiences::all()).await?;
        let key = read.and_then(|read| sm::PublicKey::from_pem(&read.state.pem).ok()).map(Arc::new);
        if let Some(key) = &key {
            self.0.insert(key_id.to_owned(), key.clone());
        }
        Ok(key)
    }
}

struct Asked<'a> {
    /// The licence that is meant: by the payload where there is one, else as named.
    identifier: String,
    /// As named, where it was.
    named: Option<String>,
    /// What was presented.
    presented: Option<(&'a [u8], sm::Signature)>,
}

fn asked(request: &pb::VerifyLicenseRequest) -> Result<Asked<'_>, Refusal> {
    let named = match request.identifier.trim() {
        "" => None,
        text => Some(
            LicenseId::parse(text)
                .map_err(|error| Refusal::field("identifier", "IDENTIFIER_INVALID", error.zh(), error.en()))?,
        ),
    };
    let named = named.map(|id| id.as_str().to_owned());
    let (payload, signature): (&[u8], &[u8]) = (&request.payload, &request.signature);
    if payload.is_empty() && signature.is_empty() {
        let identifier = named.clone().ok_or_else(|| {
            let (zh, en) =
                ("请提供证照标识，或证照数据和签名值", "give an identifier, or the payload and its signature");
            Refusal::invalid("NOTHING_TO_VERIFY", zh, en)
        })?;
        return Ok(Asked { identifier, named, presented: None });
    }
    let identifier = payload::identifier(payload)?;
    let signature = sm::Signature::from_der(signature)
        .map_err(|error| Refusal::field("signature", "SIGNATURE_INVALID_FORM", error.zh(), error.en()))?;
    Ok(Asked { identifier, named, presented: Some((payload, signature)) })
}

/// Checks the presented bytes, or else those in the store, against the key that signed the licence.
fn signature(asked: &Asked<'_>, issued: &Issued, key: Option<&sm::PublicKey>) -> Vec<&'static str> {
    let Some(key) = key else { return vec!["KEY_UNKNOWN"] };
    match &asked.presented {
        Some((payload, signature)) if key.verify(payload, signature).is_err() => vec!["SIGNATURE_WRONG"],
        // Signed by us, but not what this licence says.
        Some((payload, _)) if issued.payload.get().is_some_and(|own| own.as_bytes() != *payload) => {
            vec!["PAYLOAD_DIFFERS"]
        }
        Some(_) => Vec::new(),
        None => match (issued.payload.get(), own_signature(issued)) {
            (Some(own), Some(signature)) if key.verify(own.as_bytes(), &signature).is_ok() => Vec::new(),
            (None, _) => vec!["DATA_ERASED"],
            _ => vec!["SIGNATURE_WRONG"],
        },
    }
}

fn own_signature(issued: &Issued) -> Option<sm::Signature> {
    sm::Signature::from_der(&sm::from_hex(&issued.signature).ok()?).ok()
}

fn status_reason(status: StatusOn) -> Option<&'static str> {
    match status {
        StatusOn::Valid => None,
        StatusOn::Absent => Some("NOT_FOUND"),
        StatusOn::NotYetValid => Some("NOT_YET_VALID"),
        StatusOn::Expired => Some("EXPIRED"),
        StatusOn::Cancelled => Some("CANCELLED"),
    }
}

fn text(reasons: &[&str], issued: &Issued) -> String {
    let Some(first) = reasons.first() else {
        return format!("{}真实有效，由{}颁发", issued.name, issued.issuer);
    };
    match *first {
        "SIGNATURE_WRONG" => "签名与证照数据不符，证照数据可能已被改动",
        "PAYLOAD_DIFFERS" => "所提供的数据与该证照不一致",
        "NOT_YET_VALID" => "证照真实，尚未到有效期起始日",
        "EXPIRED" => "证照真实，但已超过有效期",
        "CANCELLED" => "证照真实，但已被注销",
        "DATA_ERASED" => "证照数据已依法删除，只能核验所出示的证照文件",
        _ => "无法核验该证照",
    }
    .to_owned()
}

/// The licence's stream: one a case, named after it.
pub fn stream(case_number: &str) -> StreamId {
    StreamId::named(<License as yiwang_ledger::Aggregate>::KIND, case_number)
}
