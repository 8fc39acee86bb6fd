use axum::body::Body;
use http::{Request, header};
use prost::Message as _;
use yiwang_gateway::Options;
use yiwang_proto::intake::v1::{
    Attachment, DownloadAttachmentResponse, UploadAttachmentRequest, download_attachment_response::Part as Down,
    upload_attachment_request::Part as Up,
};

use crate::world::{Asked, Fake, OK, broken, world, world_with};

const PATH: &str = "/v1/applications/a1/attachments";

/// The metadata and the bytes that a service was sent.
fn received(asked: &Asked) -> (yiwang_proto::intake::v1::AttachmentMetadata, Vec<u8>) {
    let (mut metadata, mut bytes) = (None, Vec::new());
    for message in asked.messages.iter().flatten() {
        match UploadAttachmentRequest::decode(message.clone()).unwrap().part {
            Some(Up::Metadata(first)) if bytes.is_empty() => metadata = Some(first),
            Some(Up::Chunk(chunk)) => bytes.extend(chunk),
            other => panic!("out of order: {other:?}"),
        }
    }
    (metadata.expect("metadata first"), bytes)
}

fn intake() -> Fake {
    Fake::saying(Attachment { id: "f1".into(), size: 5, ..Default::default() })
}

#[tokio::test]
async fn a_raw_file_is_uploaded_in_pieces() {
    let fake = intake();
    let world = world(&[("intake", &fake)]);
    let file = vec![7; 300_000];
    let read =
        world.post(&format!("{PATH}?request_id=r1&materialCode=M01&file_name=%E7%85%A7.pdf"), file.clone()).await;
    assert_eq!((read.status, read.json()["id"].as_str()), (OK, Some("f1")));
    let (metadata, bytes) = received(&fake.last());
    assert_eq!((metadata.application_id.as_str(), metadata.request_id.as_str()), ("a1", "r1"));
    assert_eq!((metadata.material_code.as_str(), metadata.file_name.as_str()), ("M01", "照.pdf"));
    assert!(bytes == file && fake.last().messages.len() >= 4);
}

#[tokio::test]
async fn a_form_is_uploaded_with_its_fields() {
    let fake = intake();
    let form = "--b\r\nContent-Disposition: form-data; name=\"request_id\"\r\n\r\nr2\r\n\
        --b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.pdf\"\r\nContent-Type: application/pdf\r\n\r\n\
        %PDF-\r\n--b--\r\n";
    let request = Request::post(PATH).header(header::CONTENT_TYPE, "multipart/form-data; boundary=b");
    let read = world(&[("intake", &fake)]).send(request.body(Body::from(form)).unwrap()).await;
    assert_eq!(read.status, OK, "{:?}", read.body);
    let (metadata, bytes) = received(&fake.last());
    assert_eq!((metadata.request_id.as_str(), metadata.file_name.as_str()), ("r2", "a.pdf"));
    assert_eq!((metadata.media_type.as_str(), bytes.as_slice()), ("application/pdf", &b"%PDF-"[..]));
}

/// A form whose file is so many bytes long.
fn form_of(bytes: usize) -> Vec<u8> {
    let head = "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.pdf\"\r\n\r\n";
    [head.as_bytes(), &vec![b'%'; bytes], b"\r\n--b--\r\n"].concat()
}

#[tokio::test]
async fn a_form_of_three_megabytes_is_uploaded_whole() {
    let fake = intake();
    let request = Request::post(PATH).header(header::CONTENT_TYPE, "multipart/form-data; boundary=b");
    let read = world(&[("intake", &fake)]).send(request.body(Body::from(form_of(3 << 20))).unwrap()).await;
    assert_eq!(read.status, OK, "{:?}", read.body);
    assert_eq!(received(&fake.last()).1.len(), 3 << 20);
}

#[tokio::test]
async fn a_form_too_large_is_refused_though_it_does_not_say_so() {
    let options = Options { attachment_bytes: 10, ..Options::default() };
    let pieces = form_of(100_000).chunks(1000).map(|piece| Ok::<_, std::io::Error>(piece.to_vec())).collect::<Vec<_>>();
    let body = Body::from_stream(futures_util::stream::iter(pieces));
    let request = Request::post(PATH).header(header::CONTENT_TYPE, "multipart/form-data; boundary=b");
    let read = world_with(&[("intake", &intake())], options, |_| {}).send(request.body(body).unwrap()).await;
    assert_eq!(read.refusal(), (413, "BODY_TOO_LARGE".into()));
}

#[tokio::test]
async fn the_document_names_all_that_an_upload_may_say() {
    let world = world(&[("intake", &intake())]);
    let document = world.get("/openapi.json").await.json();
    let upload = &document["paths"]["/v1/applications/{id}/attachments"]["post"];
    let form = &upload["requestBody"]["content"]["multipart/form-data"]["schema"]["properties"];
    let named: Vec<_> = upload["parameters"].as_array().unwrap().iter().filter(|one| one["in"] == "query").collect();
    let names: Vec<_> = named.iter().map(|one| one["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["request_id", "material_code", "file_name", "media_type", "size", "sm3"]);
    for name in names {
        assert!(form.get(name).is_some(), "{name}");
        assert_eq!(world.post(&format!("{PATH}?{name}=1"), "x").await.status, OK, "{name}");
    }
}

#[tokio::test]
async fn a_form_without_a_file_is_refused() {
    let form = "--b\r\nContent-Disposition: form-data; name=\"request_id\"\r\n\r\nr2\r\n--b--\r\n";
    let request = Request::post(PATH).header(header::CONTENT_TYPE, "multipart/form-data; boundary=b");
    let read = world(&[("intake", &intake())]).send(request.body(Body::from(form)).unwrap()).await;
    assert_eq!((read.refusal(), read.field()), ((400, "REQUEST_MALFORMED".into()), "file".into()));
}

#[tokio::test]
async fn an_upload_that_breaks_off_never_looks_finished() {
    let fake = intake();
    let request = Request::post(format!("{PATH}?request_id=r1")).body(broken("half")).unwrap();
    let read = world(&[("intake", &fake)]).send(request).await;
    assert_eq!(read.refusal(), (400, "BODY_CUT_OFF".into()));
    assert_eq!(fake.last().messages.last(), Some(&None), "the service is told");
}

#[tokio::test]
async fn a_file_that_says_it_is_too_large_is_refused_at_once() {
    let options = Options { attachment_bytes: 10, ..Options::default() };
    let fake = intake();
    let request = Request::post(PATH).header(header::CONTENT_LENGTH, 70_000).body(Body::empty()).unwrap();
    let read = world_with(&[("intake", &fake)], options, |_| {}).send(request).await;
    assert_eq!(read.refusal(), (413, "ATTACHMENT_TOO_LARGE".into()));
    assert!(fake.asked.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_file_is_downloaded_as_a_file() {
    let file =
        Attachment { file_name: "照.pdf".into(), media_type: "application/pdf".into(), size: 6, ..Default::default() };
    let parts = [Down::Attachment(file), Down::Chunk(b"abc".to_vec()), Down::Chunk(b"def".to_vec())];
    let parts = parts.map(|part| DownloadAttachmentResponse { part: Some(part) }.encode_to_vec()).to_vec();
    let read = world(&[("intake", &Fake::new(move |_| Ok(parts.clone())))]).get(&format!("{PATH}/f1")).await;
    assert_eq!((read.status, &read.body[..]), (OK, &b"abcdef"[..]));
    assert_eq!(read.headers[header::CONTENT_TYPE], "application/pdf");
    assert_eq!(read.headers[header::CONTENT_LENGTH], "6");
    let name = read.headers[header::CONTENT_DISPOSITION].to_str().unwrap();
    assert!(name.contains("filename*=UTF-8''%E7%85%A7.pdf"), "{name}");
}

#[tokio::test]
async fn a_file_that_is_not_there_is_a_problem() {
    let fake = Fake::refusing(tonic::Status::not_found("none"));
    let read = world(&[("intake", &fake)]).get(&format!("{PATH}/f1")).await;
    assert_eq!(read.refusal(), (404, "NOT_FOUND".into()));
}

#[tokio::test]
async fn a_path_that_is_no_text_is_a_problem() {
    let world = world(&[]);
    let (up, down) = ("/v1/applications/%FF/attachments", "/v1/applications/a1/attachments/%FF");
    assert_eq!(world.post(up, "x").await.refusal(), (400, "REQUEST_MALFORMED".into()));
    assert_eq!(world.get(down).await.refusal(), (400, "REQUEST_MALFORMED".into()));
}
