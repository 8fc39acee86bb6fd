//! What a command is told that was not carried out for a reason of the ledger's own.

use crate::batch::Command;
use crate::refusal::{Kind, Refusal};

pub(crate) fn queue_full() -> Refusal {
    Refusal::new(Kind::ResourceExhausted, "QUEUE_FULL", "系统繁忙，请稍后重试", "too many commands wait on this record")
        .with("retry_after_ms", "500")
}

pub(crate) fn deadline_exceeded() -> Refusal {
    Refusal::new(
        Kind::DeadlineExceeded,
        "DEADLINE_EXCEEDED",
        "处理超时，结果未知，请用同一请求号重试",
        "the outcome is unknown: send the same request_id again",
    )
}

pub(crate) fn request_id_reused() -> Refusal {
    Refusal::new(
        Kind::AlreadyExists,
        "REQUEST_ID_REUSED",
        "该请求号已用于另一个请求",
        "this request_id was used for another request",
    )
    .with_field("request_id", "REQUEST_ID_REUSED", "该请求号已用于另一个请求", "used for another request")
}

pub(crate) fn stale_version(current: u64) -> Refusal {
    Refusal::new(
        Kind::Aborted,
        "STALE_VERSION",
        "内容已被他人修改，请刷新后重试",
        "changed since it was read: read it again",
    )
    .with("current_version", current.to_string())
}

pub(crate) fn contended() -> Refusal {
    Refusal::new(
        Kind::Aborted,
        "CONTENDED",
        "该记录正被频繁修改，请重试",
        "others kept changing this record: try again",
    )
}

pub(crate) fn taken(scope: &str, command: &Command) -> Refusal {
    let scope = command.keys.iter().map(|(_, key)| key.scope).find(|known| *known == scope).unwrap_or("UNIQUE");
    Refusal::new(Kind::AlreadyExists, scope, "已存在相同的记录", "there is one already").with("scope", scope)
}

pub(crate) fn too_large(reason: &'static str, size: usize, limit: usize) -> Refusal {
    Refusal::invalid(reason, "内容超出长度限制", "the content is larger than one record may be")
        .with("size", size.to_string())
        .with("limit", limit.to_string())
}

pub(crate) fn store_full() -> Refusal {
    Refusal::new(Kind::Unavailable, "STORE_FULL", "存储空间不足，请稍后重试", "the store is full: nothing was written")
}

pub(crate) fn shutting_down() -> Refusal {
    Refusal::new(Kind::Unavailable, "SHUTTING_DOWN", "服务正在停止，请重试", "this replica is stopping: try another")
}

pub(crate) fn internal(trace: &str, cause: &str) -> Refusal {
    tracing::error!(trace_id = trace, cause, "internal error in a command");
    Refusal::new(Kind::Internal, "INTERNAL", "系统内部错误", "an error of ours; it was logged").with("trace_id", trace)
}
