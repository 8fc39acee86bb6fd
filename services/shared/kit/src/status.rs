//! Refusals as gRPC statuses, and statuses as what a caller, a relay or a page makes of them. The one mapping: the
//! gateway derives HTTP from the same.
//!
//! Invariant: a refusal keeps its reason, both sentences and its fields on every hop; the cause of an error never leaves.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use tonic::{Code, Status};
use tonic_types::{BadRequest, ErrorDetail, ErrorInfo, FieldViolation, LocalizedMessage, RetryInfo, StatusExt as _};
use yiwang_ledger::{Delivery, Kind, Refusal};

/// `ErrorInfo.domain` of every refusal of the suite.
pub const DOMAIN: &str = "yiwang";

/// Key of the trace id in `ErrorInfo.metadata`.
pub const TRACE_ID: &str = "trace_id";

/// What a handler can end with: a refusal, a status that another service gave, or an error of our own.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// Not done, and why.
    #[error(transparent)]
    Refusal(#[from] Refusal),
    /// What another service answered.
    #[error("{0}")]
    Status(Box<Status>),
    /// A bug or an outage: logged once by the stack, the caller gets the trace id alone.
    #[error(transparent)]
    Internal(#[from] anyhow::Error),
}

impl From<Status> for Fault {
    fn from(status: Status) -> Self {
        Fault::Status(Box::new(status))
    }
}

impl From<Fault> for Status {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Refusal(refusal) => status(refusal),
            Fault::Status(status) => *status,
            Fault::Internal(error) => Status::internal(format!("{error:#}")),
        }
    }
}

/// The gRPC code of a kind of refusal.
pub fn code(kind: Kind) -> Code {
    match kind {
        Kind::InvalidArgument => Code::InvalidArgument,
        Kind::NotFound => Code::NotFound,
        Kind::AlreadyExists => Code::AlreadyExists,
        Kind::FailedPrecondition => Code::FailedPrecondition,
        Kind::Aborted => Code::Aborted,
        Kind::PermissionDenied => Code::PermissionDenied,
        Kind::Unauthenticated => Code::Unauthenticated,
        Kind::ResourceExhausted => Code::ResourceExhausted,
        Kind::Unavailable => Code::Unavailable,
        Kind::DeadlineExceeded => Code::DeadlineExceeded,
        Kind::Internal => Code::Internal,
    }
}

/// A refusal as `google.rpc.Status` with `ErrorInfo`, `BadRequest`, `RetryInfo` where it may be tried again, and
/// `LocalizedMessage` in Chinese and English.
pub fn status(refusal: Refusal) -> Status {
    let metadata: HashMap<_, _> =
        refusal.metadata.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect();
    let mut details = vec![ErrorDetail::from(ErrorInfo::new(refusal.reason, DOMAIN, metadata))];
    if !refusal.fields.is_empty() {
        details.push(BadRequest::new(refusal.fields.iter().map(violation).collect::<Vec<_>>()).into());
    }
    if let Some(wait) = refusal.metadata.get("retry_after_ms").and_then(|ms| ms.parse().ok()) {
        details.push(RetryInfo::new(Some(Duration::from_millis(wait))).into());
    }
    details.push(LocalizedMessage::new("zh-CN", &refusal.zh).into());
    details.push(LocalizedMessage::new("en", &refusal.en).into());
    let message = format!("{} ({})", refusal.zh, refusal.en);
    Status::with_error_details_vec(code(refusal.kind), message, details)
}

/// A field's reason stands in front of its sentences, for `google.rpc.BadRequest` has no place of its own for it here.
fn violation(field: &yiwang_ledger::FieldViolation) -> FieldViolation {
    FieldViolation::new(&field.field, format!("{}: {} ({})", field.reason, field.zh, field.en))
}

/// One field at fault, as a page shows it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct ProblemField {
    /// Path of the field in the contract's spelling.
    pub field: String,
    /// Stable reason in capitals.
    pub reason: String,
    /// What is wrong, Chinese first.
    pub message: String,
}

/// A status taken apart: what `application/problem+json` is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The gRPC code.
    pub code: Code,
    /// Stable reason in capitals; the code's own name where the status gave none.
    pub reason: String,
    /// The sentence in Chinese.
    pub zh: String,
    /// The sentence in English.
    pub en: String,
    /// Fields at fault.
    pub fields: Vec<ProblemField>,
    /// Particulars for machines, the trace id not among them.
    pub metadata: BTreeMap<String, String>,
    /// Trace id; empty where the status has none.
    pub trace_id: String,
    /// When it may be tried again.
    pub retry_after: Option<Duration>,
}

impl Problem {
    /// Takes a status apart.
    pub fn of(status: &Status) -> Self {
        let mut problem = Self {
            code: status.code(),
            reason: code_name(status.code()).to_owned(),
            zh: status.message().to_owned(),
            en: status.message().to_owned(),
            fields: Vec::new(),
            metadata: BTreeMap::new(),
            trace_id: String::new(),
            retry_after: None,
        };
        for detail in status.get_error_details_vec() {
            problem.add(detail);
        }
        problem
    }

    fn add(&mut self, detail: ErrorDetail) {
        match detail {
            ErrorDetail::ErrorInfo(info) => {
                self.reason = info.reason;
                self.metadata = info.metadata.into_iter().collect();
                self.trace_id = self.metadata.remove(TRACE_ID).unwrap_or_default();
            }
            ErrorDetail::BadRequest(bad) => self.fields = bad.field_violations.into_iter().map(problem_field).collect(),
            ErrorDetail::LocalizedMessage(text) if text.locale == "zh-CN" => self.zh = text.message,
            ErrorDetail::LocalizedMessage(text) if text.locale == "en" => self.en = text.message,
            ErrorDetail::RetryInfo(retry) => self.retry_after = retry.retry_delay,
            _ => {}
        }
    }
}

fn problem_field(violation: FieldViolation) -> ProblemField {
    let (reason, message) = match violation.description.split_once(": ") {
        Some((reason, message)) if is_reason(reason) => (reason.to_owned(), message.to_owned()),
        _ => (String::from("FIELD_INVALID"), violation.description),
    };
    ProblemField { field: violation.field, reason, message }
}

fn is_reason(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
}

/// The reason of a status: that of its `ErrorInfo`, or the code's name.
pub fn reason(status: &Status) -> String {
    status.get_details_error_info().map_or_else(|| code_name(status.code()).to_owned(), |info| info.reason)
}

/// The name of a code as `google.rpc.Code` spells it.
pub fn code_name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}

/// Whether the same call may be sent again and may then succeed: the outcome is unknown, or somebody was busy.
pub fn is_retryable(code: Code) -> bool {
    matches!(
        code,
        Code::Unavailable
            | Code::DeadlineExceeded
            | Code::ResourceExhausted
            | Code::Aborted
            | Code::Cancelled
            | Code::Unknown
            | Code::Internal
            // A token that ran out between two tries, or a key that is being rotated, is no refusal of the command.
            | Code::Unauthenticated
    )
}

/// What a relay makes of an answer: what may pass is tried later, a refusal of the command is final.
pub fn delivery<T>(result: Result<T, Status>) -> Delivery {
    match result {
        Ok(_) => Delivery::Done,
        Err(status) => {
            let reason = format!("{} / {}", code_name(status.code()), reason(&status));
            if is_retryable(status.code()) { Delivery::Later { reason } } else { Delivery::Refused { reason } }
        }
    }
}

/// The status with the trace id in it, and without the cause where it is an error of ours: that is logged here, once.
pub(crate) fn at_the_edge(status: &Status, trace: &str) -> Status {
    let mut details = status.get_error_details_vec();
    let known = details.iter_mut().find_map(|detail| match detail {
        ErrorDetail::ErrorInfo(info) => Some(info),
        _ => None,
    });
    if let Some(info) = known {
        if info.metadata.contains_key(TRACE_ID) {
            return status.clone();
        }
        info.metadata.insert(TRACE_ID.to_owned(), trace.to_owned());
        return rebuilt(status, status.message(), details);
    }
    let refusal = match status.code() {
        Code::Internal if status.message().starts_with(UNREADABLE) => {
            Refusal::invalid("MESSAGE_MALFORMED", "请求内容无法解析", "the message cannot be read")
        }
        Code::Internal | Code::Unknown | Code::DataLoss => {
            tracing::error!(code = code_name(status.code()), cause = status.message(), "call failed");
            internal()
        }
        _ => {
            let info = ErrorInfo::new(code_name(status.code()), DOMAIN, [(TRACE_ID.to_owned(), trace.to_owned())]);
            details.push(info.into());
            return rebuilt(status, status.message(), details);
        }
    };
    self::status(refusal.with(TRACE_ID, trace))
}

/// What tonic says of a message that is no protobuf.
const UNREADABLE: &str = "failed to decode Protobuf message";

/// An error of ours, without its cause.
pub(crate) fn internal() -> Refusal {
    Refusal::new(
        Kind::Internal,
        "INTERNAL",
        "系统内部错误，请凭追踪号联系管理员",
        "an error of ours; quote the trace id",
    )
}

fn rebuilt(status: &Status, message: &str, details: Vec<ErrorDetail>) -> Status {
    Status::with_error_details_vec_and_metadata(status.code(), message, details, status.metadata().clone())
}
