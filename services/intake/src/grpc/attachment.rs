//! Files in and out, in pieces: never a whole file in memory, never a plain byte on disk.

use std::sync::Arc;

use futures_util::StreamExt as _;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Status, Streaming};
use yiwang_kit::{Fault, Incoming as Received, Resource, new_stream_id};
use yiwang_ledger::{Call, Context, Personal, Read, Refusal};
use yiwang_proto::intake::v1 as pb;
use yiwang_proto::intake::v1::download_attachment_response::Part as DownloadPart;
use yiwang_proto::intake::v1::upload_attachment_request::Part;
use yiwang_standards::sm::Sm3;

use super::{Intake, resource_of};
use crate::application::decide::{self, Acting};
use crate::application::{Application, Attachment, Phase};
use crate::catalogue::ItemFacts;
use crate::convert::application as show;
use crate::convert::ask;
use crate::media;
use crate::store::{self, Place};

/// Bytes of one message of a download.
const PIECE: usize = 128 * 1024;
/// Most bytes of one message of an upload.
const CHUNK: usize = 256 * 1024;

type Pieces = Streaming<pb::UploadAttachmentRequest>;
type Answer = mpsc::Sender<Result<pb::DownloadAttachmentResponse, Status>>;

fn wrong(field: &'static str, reason: &'static str, zh: &str, en: &str) -> Refusal {
    Refusal::field(field, reason, zh, en)
}

/// A file's name without the path that a browser may send.
fn file_name(name: &str) -> Result<String, Refusal> {
    let name = name.rsplit(['/', '\\']).next().unwrap_or_default();
    ask::text("file_name", name, 1, 200, "FIELD_INVALID")
}

impl Intake {
    pub(super) async fn upload(&self, mut received: Received<Option<Pieces>>) -> Result<pb::Attachment, Fault> {
        let caller = received.caller.clone();
        let missing = || wrong("metadata", "METADATA_MISSING", "第一条消息应为文件说明", "the metadata come first");
        let mut pieces = received.message.take().ok_or_else(missing)?;
        let metadata = match pieces.next().await.transpose()? {
            Some(pb::UploadAttachmentRequest { part: Some(Part::Metadata(metadata)) }) => metadata,
            _ => return Err(missing().into()),
        };
        let seen = self.seen(&caller, &metadata.application_id).await?;
        let pinned = self.pinned(&seen.state.item).await?;
        let name = file_name(&metadata.file_name)?;
        // before a byte is taken, what no later state answers otherwise: a repeated upload is replayed whatever came after it
        received.call_of("UploadAttachment", "", &metadata.request_id, &())?;
        self.gate.allow(&caller, "UploadAttachment", &resource_of("UploadAttachment", &seen.state, &caller))?;
        decide::check_material(&pinned.facts, metadata.material_code.trim())?;
        if metadata.size > 0 && u64::try_from(metadata.size).is_ok_and(|size| size > self.store.limit) {
            return Err(too_large(self.store.limit).into());
        }
        let id = new_stream_id().to_string();
        let subject = seen.state.data_subject().clone();
        let place = Place { application: seen.stream, attachment: id, subject };
        let (size, sm3, media_type) = self.take(&mut pieces, &metadata, place.clone()).await?;
        let fingerprint = Fingerprint {
            application: seen.stream.to_string(),
            material: metadata.material_code.trim(),
            file_name: &name,
            sm3: &sm3,
        };
        let call = received.call_of("UploadAttachment", &seen.stream.to_string(), &metadata.request_id, &fingerprint);
        let call = match call {
            Ok(call) => call,
            Err(refusal) => {
                self.store.drop_incoming(place.application, &place.attachment).await;
                return Err(refusal.into());
            }
        };
        let file = Attachment {
            id: place.attachment.clone(),
            material: metadata.material_code.trim().to_owned(),
            file_name: Personal::new(&place.subject, "attachment.name", name),
            media_type: media_type.to_owned(),
            size,
            sm3,
            subject: place.subject.clone(),
            at: self.ledger.host().now(),
        };
        // in a task of its own: a caller who goes away now leaves either the entry with its file, or nothing
        let (intake, application) = (self.clone(), place.application);
        let facts = pinned.facts.clone();
        let file = tokio::spawn(async move { intake.add(&caller, call, seen, facts, file).await })
            .await
            .map_err(|error| Fault::Internal(error.into()))??;
        Ok(show::attachment(application, &file))
    }

    /// Takes the bytes in, sealed; size, hash and kind of what came.
    async fn take(
        &self,
        pieces: &mut Pieces,
        metadata: &pb::AttachmentMetadata,
        place: Place,
    ) -> Result<(u64, String, &'static str), Fault> {
        let mut incoming = self.store.begin(self.ledger.vault(), place.clone()).await?;
        let mut head = Vec::new();
        let mut media_type = None;
        loop {
            let chunk = match pieces.next().await {
                None => break,
                Some(Ok(pb::UploadAttachmentRequest { part: Some(Part::Chunk(chunk)) })) => chunk,
                Some(Ok(_)) => {
                    incoming.abort().await;
                    return Err(wrong(
                        "metadata",
                        "METADATA_REPEATED",
                        "文件说明只能出现一次",
                        "the metadata come once",
                    )
                    .into());
                }
                Some(Err(status)) => {
                    incoming.abort().await;
                    return Err(cut_off(&status).into());
                }
            };
            if chunk.len() > CHUNK {
                incoming.abort().await;
                return Err(chunk_too_large().into());
            }
            if media_type.is_none() {
                head.extend_from_slice(&chunk[..chunk.len().min(media::HEAD - head.len())]);
                if head.len() >= media::HEAD {
                    match check_kind(&head, metadata) {
                        Ok(found) => media_type = Some(found),
                        Err(refusal) => {
                            incoming.abort().await;
                            return Err(refusal.into());
                        }
                    }
                }
            }
            if let Err(refusal) = incoming.write(&chunk).await {
                incoming.abort().await;
                return Err(refusal.into());
            }
        }
        let size = incoming.size();
        let whole =
            check_size(size, metadata).and_then(|()| media_type.map_or_else(|| check_kind(&head, metadata), Ok));
        let found = match whole {
            Ok(found) => found,
            Err(refusal) => {
                incoming.abort().await;
                return Err(refusal.into());
            }
        };
        let (size, sm3) = incoming.finish().await?;
        let said = metadata.sm3.trim();
        if !said.is_empty() && !said.eq_ignore_ascii_case(&sm3) {
            self.store.drop_incoming(place.application, &place.attachment).await;
            let refusal = wrong(
                "sm3",
                "ATTACHMENT_HASH_MISMATCH",
                "文件内容与所报摘要不符",
                "the content has another SM3 than was said",
            );
            return Err(refusal.into());
        }
        Ok((size, sm3, found))
    }

    /// 一套材料: a file of one part of a joint application serves another part. Done again, it is there already; a part that was handed
    /// in meanwhile had it before.
    pub(crate) async fn copy_file(
        &self,
        call: Call,
        source: yiwang_ledger::StreamId,
        file: &Attachment,
        to: &Read<Application>,
        material: &str,
    ) -> Result<(), Refusal> {
        let id = yiwang_ledger::StreamId::named("attachment", &format!("{}/{}", to.stream, file.id)).to_string();
        if to.state.attachment(&id).is_some() {
            return Ok(());
        }
        let pinned = self.pinned(&to.state.item).await?;
        let place = Place { application: to.stream, attachment: id.clone(), subject: file.subject.clone() };
        let from = Place { application: source, attachment: file.id.clone(), subject: file.subject.clone() };
        let mut incoming = self.store.begin(self.ledger.vault(), place).await?;
        let chunks = self.store.open_chunks(self.ledger.vault(), from).await?;
        let mut chunks = std::pin::pin!(chunks);
        while let Some(chunk) = chunks.next().await {
            let Some(chunk) = chunk? else {
                // who is erased hands nothing in any more
                incoming.abort().await;
                return Ok(());
            };
            incoming.write(&chunk).await?;
        }
        incoming.finish().await?;
        let name = file.file_name.get().unwrap_or_default();
        let copied = Attachment {
            id: id.clone(),
            material: material.to_owned(),
            file_name: Personal::new(&file.subject, "attachment.name", name),
            at: self.ledger.host().now(),
            ..file.clone()
        };
        let acting = Acting::before(crate::application::Actor::system());
        let rule = move |app: &Application, cx: &Context| match app.attachment(&copied.id) {
            None if app.phase == Phase::Draft => decide::add_attachment(app, &pinned.facts, &copied, &acting, cx),
            _ => Ok(Vec::new()),
        };
        let done = self.ledger.execute::<Application>(to.stream, call, rule).await;
        match done {
            Ok(done) if done.state.attachment(&id).is_some() => self.store.keep(to.stream, &id).await,
            Ok(_) => self.store.drop_incoming(to.stream, &id).await,
            Err(refusal) => return Err(refusal),
        }
        Ok(())
    }

    /// The entry for a file that lies in the store, and then its place; refused or replayed, the file goes away again.
    async fn add(
        &self,
        caller: &Arc<yiwang_kit::Caller>,
        call: Call,
        seen: Read<Application>,
        facts: ItemFacts,
        file: Attachment,
    ) -> Result<Attachment, Fault> {
        let (stream, id) = (seen.stream, file.id.clone());
        let rule =
            move |app: &Application, by: &Acting, cx: &Context| decide::add_attachment(app, &facts, &file, by, cx);
        let done = self.run(caller, "UploadAttachment", stream, call, rule).await;
        match done {
            Ok(done) if !done.replayed => {
                self.store.keep(stream, &id).await;
                done.state.attachment(&id).cloned().ok_or_else(|| decide::attachment_not_found().into())
            }
            Ok(done) => {
                self.store.drop_incoming(stream, &id).await;
                // right after the first command the newest file is the one it added
                done.state.attachments.last().cloned().ok_or_else(|| decide::attachment_not_found().into())
            }
            Err(refusal) => {
                // in doubt whether the entry was made: the file stays where it is until the next start settles it
                if !matches!(refusal.reason, "DEADLINE_EXCEEDED" | "SHUTTING_DOWN" | "STORE_UNAVAILABLE") {
                    self.store.drop_incoming(stream, &id).await;
                }
                Err(refusal.into())
            }
        }
    }

    pub(super) async fn download(
        &self,
        received: Received<pb::DownloadAttachmentRequest>,
    ) -> Result<ReceiverStream<Result<pb::DownloadAttachmentResponse, Status>>, Fault> {
        let (caller, message) = (&received.caller, &received.message);
        self.gate.allow(caller, "DownloadAttachment", &Resource { kind: "Application", ..Resource::default() })?;
        let read = self.seen(caller, &message.application_id).await?;
        // 最小必要: a paper is for whoever handles it, and for whom it is shown to in a pre-review
        let review = read.state.pre_review.as_ref().filter(|review| review.concluded.is_none());
        let asked =
            review.is_some_and(|review| review.asked.iter().any(|organ| caller.organisations.contains(&organ.code)));
        if !asked && !super::application::sees_in_full(caller, &read.state) {
            return Err(decide::attachment_not_found().into());
        }
        let file =
            read.state.attachment(message.attachment_id.trim()).cloned().ok_or_else(decide::attachment_not_found)?;
        self.leave_trace(&received, "DownloadAttachment", read.stream).await?;
        let (answer, stream) = mpsc::channel(4);
        let (intake, application) = (self.clone(), read.stream);
        tokio::spawn(async move { intake.send(application, file, answer).await });
        Ok(ReceiverStream::new(stream))
    }

    async fn send(&self, application: yiwang_ledger::StreamId, file: Attachment, answer: Answer) {
        let first = DownloadPart::Attachment(show::attachment(application, &file));
        if answer.send(Ok(pb::DownloadAttachmentResponse { part: Some(first) })).await.is_err() {
            return;
        }
        if let Err(refusal) = self.send_bytes(application, &file, &answer).await {
            let status = match refusal.reason {
                "ATTACHMENT_DAMAGED" => data_loss(refusal),
                _ => yiwang_kit::status(refusal),
            };
            let _ = answer.send(Err(status)).await;
        }
    }

    /// The bytes, and at their end the proof that they are what was uploaded.
    async fn send_bytes(
        &self,
        application: yiwang_ledger::StreamId,
        file: &Attachment,
        answer: &Answer,
    ) -> Result<(), Refusal> {
        let place = Place { application, attachment: file.id.clone(), subject: file.subject.clone() };
        let chunks = self.store.open_chunks(self.ledger.vault(), place).await?;
        let mut chunks = std::pin::pin!(chunks);
        let mut hash = Sm3::new();
        while let Some(chunk) = chunks.next().await {
            let erased =
                || Refusal::state("ATTACHMENT_ERASED", "附件所涉个人信息已删除", "the subject's data were erased");
            let chunk = chunk?.ok_or_else(erased)?;
            hash.update(&chunk);
            for start in (0..chunk.len()).step_by(PIECE) {
                let piece = chunk.slice(start..(start + PIECE).min(chunk.len()));
                let part = Some(DownloadPart::Chunk(piece.into()));
                if answer.send(Ok(pb::DownloadAttachmentResponse { part })).await.is_err() {
                    return Ok(());
                }
            }
        }
        match yiwang_standards::sm::to_hex(&hash.finalize()) == file.sm3 {
            true => Ok(()),
            false => Err(store::damaged()),
        }
    }
}

/// What makes two uploads the same.
#[derive(serde::Serialize)]
struct Fingerprint<'a> {
    application: String,
    material: &'a str,
    file_name: &'a str,
    sm3: &'a str,
}

fn data_loss(refusal: Refusal) -> Status {
    let status = yiwang_kit::status(refusal);
    Status::with_details_and_metadata(
        tonic::Code::DataLoss,
        status.message(),
        bytes::Bytes::copy_from_slice(status.details()),
        status.metadata().clone(),
    )
}

fn too_large(limit: u64) -> Refusal {
    let (zh, en) = (format!("文件过大，至多{limit}字节"), format!("the file is too large: at most {limit} bytes"));
    Refusal::field("size", "ATTACHMENT_TOO_LARGE", zh, en)
}

fn chunk_too_large() -> Refusal {
    let (zh, en) = (format!("每段至多{CHUNK}字节"), format!("at most {CHUNK} bytes at a time"));
    Refusal::field("chunk", "CHUNK_TOO_LARGE", zh, en)
}

fn cut_off(_: &Status) -> Refusal {
    wrong("chunk", "ATTACHMENT_INCOMPLETE", "上传中断，未保存任何内容", "the upload was cut off: nothing was kept")
}

fn check_size(size: u64, metadata: &pb::AttachmentMetadata) -> Result<(), Refusal> {
    if size == 0 {
        return Err(wrong("chunk", "ATTACHMENT_EMPTY", "文件是空的", "the file is empty"));
    }
    match u64::try_from(metadata.size) {
        Ok(0) => Ok(()),
        Ok(said) if said == size => Ok(()),
        _ => Err(wrong(
            "size",
            "ATTACHMENT_INCOMPLETE",
            "收到的字节数与所报不符",
            "another number of bytes came than was said",
        )),
    }
}

fn check_kind(head: &[u8], metadata: &pb::AttachmentMetadata) -> Result<&'static str, Refusal> {
    let found = media::detect(head).ok_or_else(|| {
        let zh = "只接受PDF、OFD、图片和Word、Excel文件";
        wrong("chunk", "ATTACHMENT_TYPE_NOT_ALLOWED", zh, "only PDF, OFD, images, Word and Excel files are taken")
    })?;
    if media::agrees(&metadata.media_type, found) {
        return Ok(found);
    }
    let refusal =
        wrong("media_type", "ATTACHMENT_TYPE_MISMATCH", "文件内容与所报类型不符", "the content is of another type");
    Err(refusal.with("found", found))
}
