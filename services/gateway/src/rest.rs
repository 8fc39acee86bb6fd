//! HTTP/JSON: the transcoder generated from the contracts, with its errors as problem+json.
//!
//! Invariant: no method is named here; what HTTP shows is what the contracts annotate.

use std::sync::Arc;

use axum::{
    body::{Body, Bytes},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, Request, Uri, header, request::Parts};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use rest_over_grpc::transcoding::{HttpResponse, Transcode as _, TranscodeResponse};
use serde_json::Value;
use tonic::Code;
use yiwang_kit::status::ProblemField;
use yiwang_proto::forward::{Forwarded, Links, forwarded};

use crate::{
    Options,
    affairs::Affairs,
    contract::{Contract, Route},
    explain,
    ledgers::Ledgers,
    live,
    problem::{Refused, Transcoded, transcoded},
};

type Services = Forwarded<Affairs, Ledgers>;

/// The transcoder and what it needs to explain itself.
pub struct Rest {
    services: Services,
    contract: Arc<Contract>,
    options: Options,
}

impl Rest {
    /// Over the links.
    pub fn new(links: &Links, affairs: Affairs, contract: Arc<Contract>, options: Options) -> Self {
        let services = forwarded(links, affairs, Ledgers::new(links.clone()));
        Self { services, contract, options }
    }

    /// Answers a request that is no gRPC.
    pub async fn answer(&self, request: Request<Body>, trace: &str) -> Response {
        let (parts, body) = request.into_parts();
        let result = match self.read(&parts, body).await {
            Ok(body) => self.transcode(parts, &body, trace).await,
            Err(refused) => Err(refused),
        };
        result.unwrap_or_else(|refused| refused.response(trace))
    }

    async fn read(&self, parts: &Parts, body: Body) -> Result<Bytes, Refused> {
        let limit = self.options.body_bytes;
        if declared_length(&parts.headers).is_some_and(|length| length > limit as u64) {
            return Err(Refused::too_large(limit));
        }
        match Limited::new(body, limit).collect().await {
            Ok(body) => Ok(body.to_bytes()),
            Err(error) if error.is::<LengthLimitError>() => Err(Refused::too_large(limit)),
            Err(_) => Err(Refused::cut_off()),
        }
    }

    async fn transcode(&self, parts: Parts, body: &Bytes, trace: &str) -> Result<Response, Refused> {
        let target = live::target(&parts);
        let call = Box::pin(self.services.try_transcode(parts.method.as_str(), &target, parts.headers, body));
        match tokio::time::timeout(self.options.deadline, call).await {
            Err(_) => Err(Refused::late()),
            Ok(None) => Err(self.no_route(parts.uri.path())),
            Ok(Some(TranscodeResponse::Unary(response))) if response.status().is_success() => Ok(answered(response)),
            Ok(Some(TranscodeResponse::Unary(response))) => Err(match transcoded(response.body()) {
                Transcoded::Status(status) => Refused::by(&status),
                Transcoded::Unreadable(words) => {
                    self.unreadable(self.contract.find(&parts.method, parts.uri.path()), &parts.uri, body, &words)
                }
            }),
            Ok(Some(TranscodeResponse::Streaming(streaming))) => Ok(live::answered(streaming, trace).await),
        }
    }

    fn no_route(&self, path: &str) -> Refused {
        let mut allowed: Vec<_> = self.contract.allowed(path).iter().map(|method| method.as_str()).collect();
        allowed.dedup();
        if allowed.is_empty() { Refused::no_route() } else { Refused::wrong_method(&allowed.join(", ")) }
    }

    /// Says which fields the transcoder could not read.
    fn unreadable(&self, route: Option<&Route>, uri: &Uri, body: &[u8], words: &str) -> Refused {
        let mut fields = Vec::new();
        if let Some(route) = route {
            if route.has_body && !body.is_empty() {
                match serde_json::from_slice::<Value>(body) {
                    Ok(value) => fields = explain::body(&route.input(), &value),
                    Err(error) => return malformed(&error),
                }
            }
            if !route.has_body {
                fields = explain::query(&route.input(), pairs(uri.query().unwrap_or_default()));
            }
            if !explain::is_encoded(uri.path()) {
                let message = "地址不是合法的百分号编码 UTF-8 (not percent-encoded UTF-8)".to_owned();
                let field = route.path_fields().next().unwrap_or("path").to_owned();
                fields.push(ProblemField { field, reason: "ENCODING_INVALID".to_owned(), message });
            }
        }
        if fields.is_empty() {
            fields.extend(named_in(words));
        }
        let (zh, en) = match fields.first() {
            Some(first) => {
                let (zh, en) = halves(&first.message);
                (format!("请求内容有误：{} {zh}", first.field), format!("{}: {en}", first.field))
            }
            None => ("请求内容有误".to_owned(), words.split(" at line").next().unwrap_or(words).to_owned()),
        };
        Refused::new(Code::InvalidArgument, "REQUEST_MALFORMED", zh, en).with_fields(fields)
    }
}

/// The body is no JSON at all.
fn malformed(error: &serde_json::Error) -> Refused {
    let place = format!("line {} column {}", error.line(), error.column());
    let field = ProblemField {
        field: "body".to_owned(),
        reason: "JSON_MALFORMED".to_owned(),
        message: format!("不是合法的 JSON，第 {} 行第 {} 列 (not JSON at {place})", error.line(), error.column()),
    };
    let zh = format!("请求内容不是合法的 JSON（第 {} 行第 {} 列）", error.line(), error.column());
    Refused::new(Code::InvalidArgument, "JSON_MALFORMED", zh, format!("the body is not JSON at {place}"))
        .with_fields(vec![field])
}

/// The field that the transcoder's own words name, such as a field given twice.
fn named_in(words: &str) -> Option<ProblemField> {
    let field = words.split('`').nth(1)?.to_owned();
    let reason = if words.contains("duplicate field") { "DUPLICATE_FIELD" } else { "FIELD_INVALID" };
    let message = format!("字段有误 ({})", words.split(" at line").next().unwrap_or(words));
    Some(ProblemField { field, reason: reason.to_owned(), message })
}

/// The Chinese and the English half of a field's message, `应为整数 (an integer is expected)`.
fn halves(message: &str) -> (&str, &str) {
    match message.split_once(" (") {
        Some((zh, en)) => (zh, en.strip_suffix(')').unwrap_or(en)),
        None => (message, message),
    }
}

fn answered(response: HttpResponse) -> Response {
    let mut response = response.into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// `Content-Length` as said.
pub fn declared_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.trim().parse().ok()
}

/// Pairs of a query, the key decoded as far as plain ASCII names need it.
fn pairs(query: &str) -> impl Iterator<Item = (String, &str)> {
    query.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        (key.replace("%5F", "_").replace("%5f", "_"), value)
    })
}
