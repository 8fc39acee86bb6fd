//! Errors as `application/problem+json` (RFC 9457): {type, title, detail, status, code, reason, fields, traceId}.
//!
//! Invariant: made from a `google.rpc.Status` alone, by one mapping; the cause of an error of ours is never in it.

use std::time::Duration;

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use base64::Engine as _;
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use serde_json::{Value, json};
use tonic::{Code, Status};
use tonic_types::{ErrorDetail, ErrorInfo, LocalizedMessage, StatusExt as _};
use yiwang_kit::status::{self as kit, Problem, ProblemField, code_name};

/// Media type of every error.
pub const PROBLEM_JSON: &str = "application/problem+json";

/// Reasons that speak of the request's own size: 413, not 400.
const TOO_LARGE: [&str; 6] = [
    "BODY_TOO_LARGE",
    "MESSAGE_TOO_LARGE",
    "FORM_TOO_LARGE",
    "ENTRY_TOO_LARGE",
    "ATTACHMENT_TOO_LARGE",
    "CHUNK_TOO_LARGE",
];

/// What a caller of HTTP gets instead of an answer.
#[derive(Clone, Debug)]
pub struct Refused {
    /// The status taken apart.
    pub problem: Box<Problem>,
    /// HTTP status.
    pub status: StatusCode,
    /// `Allow`, for a wrong method.
    pub allow: Option<String>,
}

/// The body, in the order in which it is written.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Page<'a> {
    r#type: String,
    title: &'a str,
    detail: &'a str,
    status: u16,
    code: &'static str,
    reason: &'a str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    fields: &'a [ProblemField],
    #[serde(skip_serializing_if = "Value::is_null")]
    metadata: Value,
    trace_id: &'a str,
}

impl Refused {
    /// From what a service answered.
    pub fn by(status: &Status) -> Self {
        if status.details().is_empty() && status.code() == Code::Unknown {
            // the service was gone in the middle of its answer: nobody says UNKNOWN without saying more
            return Self::by(&Status::unavailable(status.message()));
        }
        let mut problem = Box::new(Problem::of(status));
        if status.details().is_empty() && status.code() != Code::Cancelled {
            // No service said this: the way to it did. Its words are for the log, not for the caller.
            tracing::warn!(code = code_name(status.code()), cause = status.message(), "no answer from the service");
        }
        let (reason, zh, en) = unanswered(status.code());
        if problem.reason == code_name(status.code()) {
            problem.reason = reason.to_owned();
        }
        if problem.zh == problem.en {
            // Nobody put it into words.
            problem.zh = zh.to_owned();
            problem.en = en.to_owned();
        }
        let status = if TOO_LARGE.contains(&problem.reason.as_str()) {
            StatusCode::PAYLOAD_TOO_LARGE
        } else {
            http_status(problem.code)
        };
        Self { status, problem, allow: None }
    }

    /// The gateway's own refusal.
    pub fn new(code: Code, reason: &str, zh: impl Into<String>, en: impl Into<String>) -> Self {
        let problem = Box::new(Problem {
            code,
            reason: reason.to_owned(),
            zh: zh.into(),
            en: en.into(),
            fields: Vec::new(),
            metadata: Default::default(),
            trace_id: String::new(),
            retry_after: None,
        });
        Self { status: http_status(code), problem, allow: None }
    }

    /// With the fields at fault.
    #[must_use]
    pub fn with_fields(mut self, fields: Vec<ProblemField>) -> Self {
        self.problem.fields = fields;
        self
    }

    /// With an HTTP status that no gRPC code has.
    #[must_use]
    pub fn with_status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    /// No such path.
    pub fn no_route() -> Self {
        Self::new(Code::NotFound, "ROUTE_NOT_FOUND", "没有这个地址", "there is nothing at this path; see /openapi.json")
    }

    /// A part of the path is no text.
    pub fn unreadable_path(field: &str) -> Self {
        let (zh, en) = ("地址不是合法的百分号编码 UTF-8", "not percent-encoded UTF-8");
        let message = format!("{zh} ({en})");
        let at_fault = ProblemField { field: field.to_owned(), reason: "ENCODING_INVALID".to_owned(), message };
        Self::new(
            Code::InvalidArgument,
            "REQUEST_MALFORMED",
            format!("请求内容有误：{field} {zh}"),
            format!("{field}: {en}"),
        )
        .with_fields(vec![at_fault])
    }

    /// The path is there, the method is not.
    pub fn wrong_method(allow: &str) -> Self {
        let zh = format!("该地址不支持此方法，可用：{allow}");
        let mut refused = Self::new(Code::Unimplemented, "METHOD_NOT_ALLOWED", zh, format!("this path takes {allow}"))
            .with_status(StatusCode::METHOD_NOT_ALLOWED);
        refused.allow = Some(allow.to_owned());
        refused
    }

    /// More than a request may have.
    pub fn too_large(limit: usize) -> Self {
        let (zh, en) = (format!("请求内容超过上限 {limit} 字节"), format!("the body is larger than {limit} bytes"));
        Self::new(Code::InvalidArgument, "BODY_TOO_LARGE", zh, en).with_status(StatusCode::PAYLOAD_TOO_LARGE)
    }

    /// To be sent again after a while.
    #[must_use]
    pub fn after(mut self, wait: Duration) -> Self {
        self.problem.retry_after = Some(wait);
        self
    }

    /// The body broke off.
    pub fn cut_off() -> Self {
        Self::new(Code::InvalidArgument, "BODY_CUT_OFF", "请求内容传输中断", "the body broke off before its end")
    }

    /// The gateway's own deadline passed.
    pub fn late() -> Self {
        let (reason, zh, en) = unanswered(Code::DeadlineExceeded);
        Self::new(Code::DeadlineExceeded, reason, zh, en)
    }

    /// The document, with the trace id of this request where the status has none.
    pub fn document(&self, trace: &str) -> Value {
        let problem = &self.problem;
        let metadata = if problem.metadata.is_empty() { Value::Null } else { json!(problem.metadata) };
        let page = Page {
            r#type: format!("urn:yiwang:problem:{}", problem.reason),
            title: &problem.zh,
            detail: &problem.en,
            status: self.status.as_u16(),
            code: code_name(problem.code),
            reason: &problem.reason,
            fields: &problem.fields,
            metadata,
            trace_id: if problem.trace_id.is_empty() { trace } else { &problem.trace_id },
        };
        serde_json::to_value(page).unwrap_or_default()
    }

    /// The response, naming the trace.
    pub fn response(&self, trace: &str) -> Response {
        let body = Body::from(self.document(trace).to_string());
        let mut response = (self.status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(wait) = self.problem.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(wait.as_secs().max(1)));
        }
        if let Some(allow) = self.allow.as_deref().and_then(|allow| HeaderValue::from_str(allow).ok()) {
            headers.insert(header::ALLOW, allow);
        }
        response
    }
}

/// The HTTP status of a gRPC code, as google.rpc.Code documents it.
pub fn http_status(code: Code) -> StatusCode {
    match code {
        Code::Ok => StatusCode::OK,
        Code::Cancelled => StatusCode::from_u16(499).unwrap_or(StatusCode::REQUEST_TIMEOUT),
        Code::InvalidArgument | Code::FailedPrecondition | Code::OutOfRange => StatusCode::BAD_REQUEST,
        Code::DeadlineExceeded => StatusCode::GATEWAY_TIMEOUT,
        Code::NotFound => StatusCode::NOT_FOUND,
        Code::AlreadyExists | Code::Aborted => StatusCode::CONFLICT,
        Code::PermissionDenied => StatusCode::FORBIDDEN,
        Code::Unauthenticated => StatusCode::UNAUTHORIZED,
        Code::ResourceExhausted => StatusCode::TOO_MANY_REQUESTS,
        Code::Unimplemented => StatusCode::NOT_IMPLEMENTED,
        Code::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        Code::Unknown | Code::Internal | Code::DataLoss => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// What to say where no service said anything: reason, Chinese, English.
pub fn unanswered(code: Code) -> (&'static str, &'static str, &'static str) {
    match code {
        Code::Unavailable | Code::Cancelled | Code::Unknown => (
            "SERVICE_UNAVAILABLE",
            "服务暂时不可用，请稍后用同一请求编号重试",
            "the service is away; send the same request_id again",
        ),
        Code::DeadlineExceeded => (
            "DEADLINE_EXCEEDED",
            "处理超时，结果未知，请用同一请求编号重试",
            "the deadline passed and the outcome is unknown; send the same request_id again",
        ),
        Code::ResourceExhausted => ("OVERLOADED", "系统繁忙，请稍后重试", "too busy; try again later"),
        Code::Unauthenticated => ("TOKEN_MALFORMED", "身份凭证无效", "the token is not valid"),
        Code::PermissionDenied => ("ACTION_NOT_PERMITTED", "您无权进行此操作", "you may not do this"),
        Code::NotFound => ("NOT_FOUND", "未找到，或您无权查看", "not found, or not visible to you"),
        Code::Unimplemented => ("NOT_IMPLEMENTED", "该功能尚未提供", "this is not offered here"),
        Code::InvalidArgument | Code::OutOfRange => ("INVALID_ARGUMENT", "请求内容有误", "the request is wrong"),
        Code::FailedPrecondition => ("FAILED_PRECONDITION", "当前状态不允许此操作", "the state does not allow this"),
        Code::AlreadyExists => ("ALREADY_EXISTS", "已经存在", "it exists already"),
        Code::Aborted => ("CONTENDED", "同时有人在修改，请重试", "somebody else was faster; try again"),
        Code::Ok | Code::Internal | Code::DataLoss => {
            ("INTERNAL", "系统内部错误，请凭追踪号联系管理员", "an error of ours; quote the trace id")
        }
    }
}

/// What the transcoder answered instead of a message: a service's status, or its own words about the input.
pub enum Transcoded {
    /// A service's status.
    Status(Status),
    /// The transcoder could not read the request; what it says.
    Unreadable(String),
}

/// Reads the transcoder's error body, {code, message, details: base64 of grpc-status-details-bin}.
pub fn transcoded(body: &[u8]) -> Transcoded {
    let value: Value = serde_json::from_slice(body).unwrap_or_default();
    let code = value["code"].as_i64().and_then(|code| i32::try_from(code).ok()).unwrap_or(Code::Internal as i32);
    let message = value["message"].as_str().unwrap_or_default();
    let details = value["details"][0]["value"].as_str();
    let details = details.and_then(|text| base64::engine::general_purpose::STANDARD.decode(text).ok());
    match details {
        Some(details) => Transcoded::Status(Status::with_details(Code::from_i32(code), message, details.into())),
        None if code == Code::InvalidArgument as i32 && is_transcoders_own(message) => {
            Transcoded::Unreadable(message.to_owned())
        }
        None => Transcoded::Status(Status::new(Code::from_i32(code), message)),
    }
}

fn is_transcoders_own(message: &str) -> bool {
    let own = ["invalid request body JSON", "invalid request structure", "request did not match the expected message"];
    own.iter().any(|start| message.starts_with(start))
}

/// A refusal of the gateway as a status, for those who came by gRPC.
pub fn status_of(refused: &Refused) -> Status {
    let problem = &refused.problem;
    let info = ErrorInfo::new(problem.reason.clone(), kit::DOMAIN, [] as [(String, String); 0]);
    let details: Vec<ErrorDetail> = vec![
        info.into(),
        LocalizedMessage::new("zh-CN", problem.zh.clone()).into(),
        LocalizedMessage::new("en", problem.en.clone()).into(),
    ];
    Status::with_error_details_vec(problem.code, format!("{} ({})", problem.zh, problem.en), details)
}

#[cfg(test)]
mod tests {
    use tonic_types::BadRequest;

    use super::*;

    fn refusal() -> Status {
        let details: Vec<ErrorDetail> = vec![
            ErrorInfo::new("CITIZEN_NUMBER_CHECK_DIGIT", "yiwang", [("trace_id".to_owned(), "4bf9".to_owned())]).into(),
            BadRequest::with_violation("applicant.document_number", "CHECK_DIGIT: 校验码不符 (check digit)").into(),
            LocalizedMessage::new("zh-CN", "证件号码校验码不符").into(),
            LocalizedMessage::new("en", "the number fails its check").into(),
        ];
        Status::with_error_details_vec(Code::InvalidArgument, "wrong", details)
    }

    fn through_the_transcoder(status: &Status) -> Vec<u8> {
        let status = yiwang_proto::forward::answer::<()>(Err(status.clone())).unwrap_err();
        rest_over_grpc::transcoding::HttpResponse::from_status(&status).into_body()
    }

    #[test]
    fn a_refusal_keeps_its_words_its_reason_and_its_fields() {
        let Transcoded::Status(status) = transcoded(&through_the_transcoder(&refusal())) else { panic!("a status") };
        let document = Refused::by(&status).document("none");
        let expected = json!({
            "type": "urn:yiwang:problem:CITIZEN_NUMBER_CHECK_DIGIT", "title": "证件号码校验码不符",
            "detail": "the number fails its check", "status": 400, "code": "INVALID_ARGUMENT",
            "reason": "CITIZEN_NUMBER_CHECK_DIGIT", "traceId": "4bf9",
            "fields": [{"field": "applicant.document_number", "reason": "CHECK_DIGIT", "message": "校验码不符 (check digit)"}],
        });
        assert_eq!(document, expected);
    }

    #[test]
    fn what_no_service_said_does_not_leak() {
        let document = Refused::by(&Status::unavailable("tcp connect error: 10.0.0.7:5432")).document("ab");
        assert_eq!(document["reason"], "SERVICE_UNAVAILABLE");
        assert_eq!(document["traceId"], "ab");
        assert!(!document.to_string().contains("10.0.0.7"), "{document}");
    }

    #[test]
    fn whoever_was_cut_off_in_the_middle_of_an_answer_may_ask_again() {
        let document = Refused::by(&Status::unknown("error reading a body from connection")).document("ab");
        assert_eq!((&document["status"], &document["reason"]), (&json!(503), &json!("SERVICE_UNAVAILABLE")));
    }

    #[test]
    fn the_transcoders_own_words_are_told_from_a_services() {
        let body = br#"{"code":3,"message":"invalid request body JSON: EOF while parsing"}"#;
        assert!(matches!(transcoded(body), Transcoded::Unreadable(_)));
        let body = br#"{"code":3,"message":"the request is wrong"}"#;
        assert!(matches!(transcoded(body), Transcoded::Status(_)));
    }

    #[test]
    fn every_code_has_the_http_status_of_its_documentation() {
        let codes =
            [(3, 400), (4, 504), (5, 404), (6, 409), (7, 403), (8, 429), (9, 400), (10, 409), (14, 503), (16, 401)];
        for (code, status) in codes {
            assert_eq!(http_status(Code::from_i32(code)).as_u16(), status, "{code}");
        }
    }

    #[test]
    fn a_wrong_method_says_which_are_right() {
        let response = Refused::wrong_method("GET, POST").response("t");
        assert_eq!(response.status(), 405);
        assert_eq!(response.headers()[header::ALLOW], "GET, POST");
        assert_eq!(response.headers()[header::CONTENT_TYPE], PROBLEM_JSON);
    }

    #[test]
    fn a_refusal_of_ours_reads_the_same_over_grpc() {
        let refused = Refused::by(&status_of(&Refused::no_route()));
        assert_eq!(refused.problem.reason, "ROUTE_NOT_FOUND");
        assert_eq!(refused.problem.zh, "没有这个地址");
    }
}
