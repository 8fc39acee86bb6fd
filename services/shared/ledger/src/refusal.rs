//! A refusal is a value of the domain: what was not done, why, in words that a citizen understands, and which
//! fields are at fault. It is not an error of the system; nothing is logged as one.

use std::collections::BTreeMap;

/// What kind of refusal it is. The names and meanings are those of `google.rpc.Code`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, strum::IntoStaticStr)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum Kind {
    /// The request itself is wrong, whatever the state.
    InvalidArgument,
    /// There is no such thing, or the caller may not know of it.
    NotFound,
    /// It exists already, or a key that must be unique is taken.
    AlreadyExists,
    /// The request is fine, the state does not allow it.
    FailedPrecondition,
    /// Somebody else was faster: read again, then decide again.
    Aborted,
    /// The caller is known and may not do this.
    PermissionDenied,
    /// The caller is not known.
    Unauthenticated,
    /// A quota or a queue is full: try again later.
    ResourceExhausted,
    /// A service or its store is away: the same request may be sent again.
    Unavailable,
    /// The deadline passed; the outcome is unknown: send the same `request_id` again.
    DeadlineExceeded,
    /// A bug. The cause is in the log under the trace id; the caller gets only the id.
    Internal,
}

/// One field at fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldViolation {
    /// Path of the field as in the contract, `applicant.document_number`.
    pub field: String,
    /// Stable reason in capitals, `CITIZEN_NUMBER_CHECK_DIGIT`.
    pub reason: String,
    /// What is wrong, in Chinese.
    pub zh: String,
    /// What is wrong, in English.
    pub en: String,
}

/// Why something was not done. See the module's page.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}: {en}")]
pub struct Refusal {
    /// Which kind; decides the status code over gRPC and HTTP.
    pub kind: Kind,
    /// Stable reason in capitals, unique within the suite.
    pub reason: &'static str,
    /// One sentence in Chinese, for the person who asked.
    pub zh: String,
    /// The same in English.
    pub en: String,
    /// The fields at fault, none where the state is.
    pub fields: Vec<FieldViolation>,
    /// Machine-readable particulars (`scope`, `retry_after_ms` …). Never personal data.
    pub metadata: BTreeMap<&'static str, String>,
}

impl Refusal {
    /// A refusal of a kind with its reason and its sentence in both languages.
    pub fn new(kind: Kind, reason: &'static str, zh: impl Into<String>, en: impl Into<String>) -> Self {
        Self { kind, reason, zh: zh.into(), en: en.into(), fields: Vec::new(), metadata: BTreeMap::new() }
    }

    /// `INVALID_ARGUMENT`.
    pub fn invalid(reason: &'static str, zh: impl Into<String>, en: impl Into<String>) -> Self {
        Self::new(Kind::InvalidArgument, reason, zh, en)
    }

    /// `FAILED_PRECONDITION`.
    pub fn state(reason: &'static str, zh: impl Into<String>, en: impl Into<String>) -> Self {
        Self::new(Kind::FailedPrecondition, reason, zh, en)
    }

    /// `NOT_FOUND`, worded alike whether the thing is missing or hidden from the caller.
    pub fn not_found(what: &str) -> Self {
        Self::new(
            Kind::NotFound,
            "NOT_FOUND",
            format!("未找到该{what}，或您无权查看"),
            "not found, or not visible to you",
        )
    }

    /// `INVALID_ARGUMENT` with one field at fault; the field's reason is the refusal's.
    pub fn field(field: impl Into<String>, reason: &'static str, zh: impl Into<String>, en: impl Into<String>) -> Self {
        let (zh, en) = (zh.into(), en.into());
        Self::invalid(reason, zh.clone(), en.clone()).with_field(field, reason, zh, en)
    }

    /// Adds a field at fault.
    #[must_use]
    pub fn with_field(
        mut self,
        field: impl Into<String>,
        reason: impl Into<String>,
        zh: impl Into<String>,
        en: impl Into<String>,
    ) -> Self {
        self.fields.push(FieldViolation { field: field.into(), reason: reason.into(), zh: zh.into(), en: en.into() });
        self
    }

    /// Adds a particular for machines.
    #[must_use]
    pub fn with(mut self, key: &'static str, value: impl Into<String>) -> Self {
        self.metadata.insert(key, value.into());
        self
    }
}
