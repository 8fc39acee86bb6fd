//! `GET /v1/applications/{id}/attachments/{attachment_id}`: `DownloadAttachment` as a file.

use axum::{body::Body, response::Response};
use futures_util::StreamExt as _;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use tonic::{Code, metadata::MetadataMap};
use yiwang_proto::{
    forward::{Links, carried},
    intake::v1::{
        Attachment, DownloadAttachmentRequest, download_attachment_response::Part,
        intake_service_client::IntakeServiceClient,
    },
};

use super::part;
use crate::{Options, problem::Refused};

/// Hands one file out.
pub async fn download(
    links: &Links,
    options: &Options,
    application: String,
    attachment: String,
    headers: &HeaderMap,
) -> Result<Response, Refused> {
    let message = DownloadAttachmentRequest { application_id: application, attachment_id: attachment };
    let mut request = tonic::Request::new(message);
    *request.metadata_mut() = MetadataMap::from_headers(carried(headers));
    request.set_timeout(options.transfer_deadline);
    let mut client = IntakeServiceClient::new(links.intake.clone());
    let answer = client.download_attachment(request).await.map_err(|status| Refused::by(&status))?;
    let mut parts = answer.into_inner();
    let first = parts.message().await.map_err(|status| Refused::by(&status))?;
    let Some(Part::Attachment(attachment)) = first.and_then(|first| first.part) else {
        tracing::error!("a download began without its metadata");
        return Err(Refused::new(
            Code::Internal,
            "INTERNAL",
            "系统内部错误，请凭追踪号联系管理员",
            "an error of ours; quote the trace id",
        ));
    };
    // An error on the way ends the body short of its `Content-Length`, which the client notices.
    let chunks = parts.map(|part| {
        part.map(|part| match part.part {
            Some(Part::Chunk(chunk)) => bytes::Bytes::from(chunk),
            _ => bytes::Bytes::new(),
        })
    });
    let mut response = Response::new(Body::from_stream(chunks));
    describe(&attachment, response.headers_mut());
    Ok(response)
}

fn describe(attachment: &Attachment, headers: &mut HeaderMap) {
    let fallback = HeaderValue::from_static("application/octet-stream");
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_str(&attachment.media_type).unwrap_or(fallback));
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(attachment.size));
    // What an applicant uploaded is shown by nobody's browser as a page of ours.
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; sandbox"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    if let Ok(name) = HeaderValue::from_str(&part::disposition(&attachment.file_name)) {
        headers.insert(header::CONTENT_DISPOSITION, name);
    }
    if let Ok(hash) = HeaderValue::from_str(&attachment.sm3) {
        headers.insert(HeaderName::from_static("x-content-sm3"), hash);
    }
}
