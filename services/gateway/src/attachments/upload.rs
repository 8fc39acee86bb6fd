//! `POST /v1/applications/{id}/attachments`: the raw file, or multipart/form-data, to `UploadAttachment`.

use axum::{
    Json,
    body::{Body, Bytes},
    extract::{FromRequest as _, Multipart, Query, multipart::MultipartError},
    response::{IntoResponse as _, Response},
};
use futures_util::{StreamExt as _, stream};
use http::{HeaderMap, Request, header};
use tokio::sync::mpsc;
use tonic::{Code, metadata::MetadataMap};
use yiwang_proto::{
    forward::{Links, carried},
    intake::v1::{
        Attachment, AttachmentMetadata, UploadAttachmentRequest, intake_service_client::IntakeServiceClient,
        upload_attachment_request::Part,
    },
};

use super::{
    cut::{Cut, CutLink},
    part,
};
use crate::{Options, problem::Refused, rest::declared_length};

/// Bytes of one message.
const PIECE: usize = 128 * 1024;
/// What the parts of a form may add to the file.
const FORM: u64 = 64 * 1024;

type Pieces = mpsc::Sender<UploadAttachmentRequest>;

/// Bytes of a whole request at most: the file, and what a form adds to it.
pub fn body_limit(options: &Options) -> u64 {
    options.attachment_bytes.saturating_add(FORM)
}

/// Takes one file in.
pub async fn upload(
    links: &Links,
    options: &Options,
    application: &str,
    request: Request<Body>,
) -> Result<Response, Refused> {
    if declared_length(request.headers()).is_some_and(|length| length > body_limit(options)) {
        return Err(too_large(options.attachment_bytes));
    }
    let mut metadata = AttachmentMetadata { application_id: application.to_owned(), ..Default::default() };
    let named = Query::<Vec<(String, String)>>::try_from_uri(request.uri())
        .map_err(|_| part::fault("query", "QUERY_MALFORMED", "查询参数有误 (the query is malformed)"))?;
    for (name, value) in named.0 {
        part::set(&mut metadata, &name, value)?;
    }
    let headers = carried(request.headers());
    let is_form =
        request.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"multipart/"));
    let attachment = if is_form {
        form(links, options, headers, metadata, request).await?
    } else {
        part::from_headers(&mut metadata, request.headers());
        let mut body = request.into_body().into_data_stream();
        let feed = async |pieces: Pieces| {
            while let Some(chunk) = body.next().await {
                let chunk = chunk.map_err(|_| Refused::cut_off())?;
                if !send(&pieces, chunk).await {
                    break;
                }
            }
            Ok(())
        };
        call(links, options, headers, metadata, feed).await?
    };
    Ok(Json(attachment).into_response())
}

/// A form: text fields first, then the file.
async fn form(
    links: &Links,
    options: &Options,
    headers: HeaderMap,
    mut metadata: AttachmentMetadata,
    request: Request<Body>,
) -> Result<Attachment, Refused> {
    let mut form = Multipart::from_request(request, &())
        .await
        .map_err(|_| part::fault("body", "FORM_MALFORMED", "表单缺少边界 (the form has no boundary)"))?;
    while let Some(mut field) = form.next_field().await.map_err(broken)? {
        let name = field.name().unwrap_or_default().to_owned();
        if name != "file" {
            let value = field.text().await.map_err(broken)?;
            part::set(&mut metadata, &name, value)?;
            continue;
        }
        if metadata.file_name.is_empty() {
            metadata.file_name = field.file_name().unwrap_or_default().to_owned();
        }
        if metadata.media_type.is_empty() {
            metadata.media_type = part::essence(field.content_type().unwrap_or_default()).to_owned();
        }
        let feed = async |pieces: Pieces| {
            while let Some(chunk) = field.chunk().await.map_err(broken)? {
                if !send(&pieces, chunk).await {
                    break;
                }
            }
            Ok(())
        };
        return call(links, options, headers, metadata, feed).await;
    }
    Err(part::fault("file", "FIELD_MISSING", "表单中没有 file (the form has no part named file)"))
}

/// Calls the service while the pieces are fed; what went wrong with the input goes before what the service says of it.
async fn call(
    links: &Links,
    options: &Options,
    headers: HeaderMap,
    metadata: AttachmentMetadata,
    feed: impl AsyncFnOnce(Pieces) -> Result<(), Refused>,
) -> Result<Attachment, Refused> {
    let (pieces, mut fed) = mpsc::channel(4);
    let cut = Cut::default();
    let mut client = IntakeServiceClient::new(CutLink::new(links.intake.clone(), cut.clone()));
    let first = UploadAttachmentRequest { part: Some(Part::Metadata(metadata)) };
    let rest = stream::poll_fn(move |cx| fed.poll_recv(cx));
    let mut request = tonic::Request::new(stream::iter([first]).chain(rest));
    *request.metadata_mut() = MetadataMap::from_headers(headers);
    request.set_timeout(options.transfer_deadline);
    let feeding = async {
        let own = pieces.clone();
        let result = feed(own).await;
        if result.is_err() {
            cut.set();
        }
        drop(pieces);
        result
    };
    let both = async { tokio::join!(feeding, client.upload_attachment(request)) };
    let (input, answer) =
        tokio::time::timeout(options.transfer_deadline, Box::pin(both)).await.map_err(|_| Refused::late())?;
    input?;
    answer.map(tonic::Response::into_inner).map_err(|status| Refused::by(&status))
}

/// Sends a chunk in pieces; false where the service wants no more.
async fn send(pieces: &Pieces, mut chunk: Bytes) -> bool {
    while !chunk.is_empty() {
        let piece = chunk.split_to(chunk.len().min(PIECE)).to_vec();
        if pieces.send(UploadAttachmentRequest { part: Some(Part::Chunk(piece)) }).await.is_err() {
            return false;
        }
    }
    true
}

fn broken(error: MultipartError) -> Refused {
    if error.status() == http::StatusCode::PAYLOAD_TOO_LARGE {
        return Refused::new(Code::InvalidArgument, "BODY_TOO_LARGE", "请求内容过大", "the body is too large")
            .with_status(http::StatusCode::PAYLOAD_TOO_LARGE);
    }
    Refused::cut_off()
}

fn too_large(limit: u64) -> Refused {
    let (zh, en) = (format!("文件超过上限 {limit} 字节"), format!("the file is larger than {limit} bytes"));
    Refused::new(Code::InvalidArgument, "ATTACHMENT_TOO_LARGE", zh, en).with_status(http::StatusCode::PAYLOAD_TOO_LARGE)
}
