//! The bytes that are signed: canonical JSON (RFC 8785), so that the same data give the same bytes on every machine. Only
//! bytes that were signed are ever verified; nothing is parsed and written anew for it.

use serde_json::{Map, Value, json};
use yiwang_ledger::Refusal;
use yiwang_standards::sm;

/// What goes into the payload; the names are those of the payload's members.
#[derive(Clone, Debug)]
pub struct Content<'a> {
    /// 证照标识.
    pub identifier: &'a str,
    /// 证照类型代码.
    pub type_code: &'a str,
    /// 证照名称.
    pub name: &'a str,
    /// 证照编号.
    pub number: &'a str,
    /// 颁发机构.
    pub issuer: &'a str,
    /// 颁发机构代码.
    pub issuer_code: &'a str,
    /// 行政区划.
    pub region: &'a str,
    /// 持证主体: 姓名或名称.
    pub holder_name: &'a str,
    /// 证件类型 as the contract names it.
    pub holder_document_kind: &'a str,
    /// 证件号码.
    pub holder_document_number: &'a str,
    /// 签发日期.
    pub issue_date: String,
    /// 有效期止.
    pub valid_to: Option<String>,
    /// 办件编号.
    pub case_number: &'a str,
    /// 实施编码.
    pub item_code: &'a str,
    /// Version of the licence.
    pub version: u32,
    /// The key that signs.
    pub key_id: &'a str,
    /// What the licence says beyond that.
    pub data: Map<String, Value>,
}

/// The largest payload that is looked at.
pub const MAX_PAYLOAD: usize = 64 * 1024;
/// The largest that is made: sealed and in base64 it goes into an entry (64 kB) with the rest of the licence.
pub const MAX_ISSUED: usize = 32 * 1024;

impl Content<'_> {
    /// The canonical bytes, as text.
    ///
    /// # Errors
    /// `PAYLOAD_INVALID` where the data hold a number that JSON cannot carry, or make more than [`MAX_ISSUED`].
    pub fn canonical(&self) -> Result<String, Refusal> {
        let mut value = json!({
            "schema": "yiwang.license/1",
            "identifier": self.identifier,
            "typeCode": self.type_code,
            "name": self.name,
            "number": self.number,
            "issuer": {"name": self.issuer, "code": self.issuer_code},
            "regionCode": self.region,
            "holder": {
                "name": self.holder_name,
                "documentKind": self.holder_document_kind,
                "documentNumber": self.holder_document_number,
            },
            "issueDate": self.issue_date,
            "validFrom": self.issue_date,
            "caseNumber": self.case_number,
            "itemCode": self.item_code,
            "version": self.version,
            "data": self.data,
            "signature": {"algorithm": "SM2-SM3", "keyId": self.key_id, "signerIdentity": sm::DEFAULT_ID},
        });
        if let (Some(valid_to), Some(object)) = (&self.valid_to, value.as_object_mut()) {
            object.insert("validTo".to_owned(), Value::from(valid_to.as_str()));
        }
        let text = serde_json_canonicalizer::to_string(&value).map_err(|_| invalid())?;
        if text.len() > MAX_ISSUED { Err(too_large()) } else { Ok(text) }
    }
}

/// The identifier that a payload names.
///
/// # Errors
/// `PAYLOAD_INVALID` where the bytes are not a licence's JSON.
pub fn identifier(payload: &[u8]) -> Result<String, Refusal> {
    if payload.len() > MAX_PAYLOAD {
        return Err(invalid());
    }
    let value: Value = serde_json::from_slice(payload).map_err(|_| invalid())?;
    value.get("identifier").and_then(Value::as_str).map(str::to_owned).ok_or_else(invalid)
}

fn too_large() -> Refusal {
    Refusal::field("data", "PAYLOAD_INVALID", "证照数据不得超过32KB", "a licence's payload is at most 32 kB")
}

fn invalid() -> Refusal {
    Refusal::field(
        "payload",
        "PAYLOAD_INVALID",
        "证照数据不是有效的证照报文（JSON，不超过64KB）",
        "the payload is not a licence's JSON of at most 64 kB",
    )
}
