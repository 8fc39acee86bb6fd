//! The files of applications: sealed chunk by chunk under their applicant's key, so that no plain byte lies on disk. A file
//! comes in under `incoming/`, is named by an entry, and then moves to its place. What no entry names there is taken away at
//! the next start at the latest; what an entry takes out, by the relay `files`, which tries until it is gone.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::{BufMut as _, Bytes, BytesMut};
use futures_util::{StreamExt as _, TryStreamExt as _};
use object_store::path::Path;
use object_store::{ObjectStoreExt as _, WriteMultipart};
use yiwang_kit::storage::Files;
use yiwang_ledger::{Audiences, Delivery, Entry, Kind, Ledger, Refusal, Route, StreamId, SubjectId, Vault};
use yiwang_standards::sm::{self, Sm3};

use crate::application::{Application, ApplicationEvent};

/// Bytes that are sealed at a time.
pub const CHUNK: usize = 256 * 1024;

/// Parts of one file on their way to the store at a time.
const PARTS: usize = 2;
/// An upload is over by then, in microseconds.
const UNDER_WAY: i64 = 3_600_000_000;

/// The store of a service.
pub struct Store {
    files: Files,
    /// Largest file in bytes.
    pub limit: u64,
}

fn away(error: &object_store::Error) -> Refusal {
    tracing::error!(%error, "store of attachments unavailable");
    Refusal::new(
        Kind::Unavailable,
        "STORE_UNAVAILABLE",
        "附件存储暂不可用，请稍后重试",
        "the store of attachments is away",
    )
    .with("retry_after_ms", "1000")
}

fn place(application: StreamId, attachment: &str) -> Path {
    Path::from(format!("{application}/{attachment}"))
}

fn incoming(application: StreamId, attachment: &str) -> Path {
    Path::from(format!("incoming/{application}.{attachment}"))
}

/// Binds a sealed chunk to its place.
fn aad(application: StreamId, attachment: &str, index: u64) -> Vec<u8> {
    format!("attachment/{application}/{attachment}/{index}").into_bytes()
}

/// Which chunks of which file.
#[derive(Clone, Debug)]
pub struct Place {
    /// The application.
    pub application: StreamId,
    /// The attachment.
    pub attachment: String,
    /// Whose key seals it.
    pub subject: SubjectId,
}

/// A file that is coming in. Dropped before it is finished, nothing stays.
pub struct Incoming<'a> {
    vault: &'a Vault,
    place: Place,
    upload: WriteMultipart,
    buffer: BytesMut,
    index: u64,
    hash: Sm3,
    size: u64,
    limit: u64,
}

impl Store {
    /// In a store of files.
    pub fn new(files: Files, limit: u64) -> Self {
        Self { files, limit }
    }

    /// Begins a file.
    ///
    /// # Errors
    /// `STORE_UNAVAILABLE`.
    pub async fn begin<'a>(&self, vault: &'a Vault, place: Place) -> Result<Incoming<'a>, Refusal> {
        let path = incoming(place.application, &place.attachment);
        let upload = self.files.store.put_multipart(&path).await.map_err(|error| away(&error))?;
        // gathered to parts of 5 MB, the least that object storage takes
        let upload = WriteMultipart::new(upload);
        let (buffer, hash) = (BytesMut::new(), Sm3::new());
        Ok(Incoming { vault, place, upload, buffer, index: 0, hash, size: 0, limit: self.limit })
    }

    /// Moves a file that an entry names to its place.
    pub async fn keep(&self, application: StreamId, attachment: &str) {
        let moved = self.files.store.rename(&incoming(application, attachment), &place(application, attachment)).await;
        if let Err(error) = moved {
            // it is found where it came in, and moved at the next start
            tracing::warn!(%application, attachment, %error, "an attachment was not moved to its place");
        }
    }

    /// Takes a file away that no entry names; what cannot be taken away now goes at the next start.
    pub async fn drop_incoming(&self, application: StreamId, attachment: &str) {
        let _ = self.delete(&incoming(application, attachment)).await;
    }

    /// Takes a file away that an entry took out; done where it is gone already.
    ///
    /// # Errors
    /// `STORE_UNAVAILABLE`: it is there still.
    pub async fn remove(&self, application: StreamId, attachment: &str) -> Result<(), Refusal> {
        // in the order in which it moves, so that it is met wherever it is
        self.delete(&incoming(application, attachment)).await?;
        self.delete(&place(application, attachment)).await
    }

    async fn delete(&self, path: &Path) -> Result<(), Refusal> {
        match self.files.store.delete(path).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => {
                tracing::error!(%path, %error, "a file was not taken away");
                Err(away(&error))
            }
        }
    }

    /// The chunks of a file in order, opened; `None` in place of the bytes once its subject was erased.
    ///
    /// # Errors
    /// `ATTACHMENT_DAMAGED`, `STORE_UNAVAILABLE`.
    pub async fn open_chunks<'a>(
        &self,
        vault: &'a Vault,
        place: Place,
    ) -> Result<impl futures_util::Stream<Item = Result<Option<Bytes>, Refusal>> + use<'a>, Refusal> {
        let mut found = self.files.store.get(&self::place(place.application, &place.attachment)).await;
        if matches!(found, Err(object_store::Error::NotFound { .. })) {
            found = self.files.store.get(&incoming(place.application, &place.attachment)).await;
        }
        let bytes = match found {
            Ok(found) => found.into_stream().map_err(|error| away(&error)).boxed(),
            Err(object_store::Error::NotFound { .. }) => return Err(damaged()),
            Err(error) => return Err(away(&error)),
        };
        let state = (bytes, BytesMut::new(), place, 0u64);
        Ok(futures_util::stream::try_unfold(state, move |(mut bytes, mut buffer, place, index)| async move {
            loop {
                if let Some(length) =
                    buffer.get(..4).map(|head| u32::from_be_bytes([head[0], head[1], head[2], head[3]]) as usize)
                {
                    if length > 2 * CHUNK {
                        return Err(damaged());
                    }
                    if buffer.len() >= 4 + length {
                        let sealed = buffer.split_to(4 + length).split_off(4);
                        let aad = aad(place.application, &place.attachment, index);
                        let plain = vault.open_bytes(&place.subject, &aad, &sealed).await.map_err(|_| damaged())?;
                        return Ok(Some((plain.map(Bytes::from), (bytes, buffer, place, index + 1))));
                    }
                }
                match bytes.try_next().await? {
                    Some(more) => buffer.extend_from_slice(&more),
                    None if buffer.is_empty() => return Ok(None),
                    None => return Err(damaged()),
                }
            }
        }))
    }

    /// Settles what a crash left under `incoming/`: what an entry names goes to its place, the rest away.
    ///
    /// # Errors
    /// `STORE_UNAVAILABLE`.
    pub async fn recover(&self, ledger: &Ledger) -> Result<(), Refusal> {
        let left: Vec<_> =
            self.files.store.list(Some(&Path::from("incoming"))).try_collect().await.map_err(|error| away(&error))?;
        for object in left {
            let name = object.location.filename().unwrap_or_default();
            let known =
                name.split_once('.').and_then(|(id, attachment)| Some((StreamId::parse("id", id).ok()?, attachment)));
            let Some((application, attachment)) = known else {
                let _ = self.delete(&object.location).await;
                continue;
            };
            let read = ledger.get::<Application>(application, &Audiences::all()).await?;
            match read.is_some_and(|read| read.state.attachment(attachment).is_some()) {
                true => self.keep(application, attachment).await,
                false if self.files.shared && is_fresh(ledger, object.last_modified) => {}
                false => self.drop_incoming(application, attachment).await,
            }
        }
        Ok(())
    }
}

/// Another replica may be about to name it in an entry.
fn is_fresh(ledger: &Ledger, came: chrono::DateTime<chrono::Utc>) -> bool {
    ledger.host().machine_now().0.saturating_sub(came.timestamp_micros()) < UNDER_WAY
}

/// `ATTACHMENT_DAMAGED`.
pub fn damaged() -> Refusal {
    Refusal::new(Kind::Internal, "ATTACHMENT_DAMAGED", "附件内容已损坏", "the file was damaged in storage")
}

impl Incoming<'_> {
    /// How many bytes came so far.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Takes the next bytes.
    ///
    /// # Errors
    /// `ATTACHMENT_TOO_LARGE`, `STORE_UNAVAILABLE`.
    pub async fn write(&mut self, mut bytes: &[u8]) -> Result<(), Refusal> {
        self.size += bytes.len() as u64;
        if self.size > self.limit {
            let (zh, en) = (
                format!("文件过大，至多{}字节", self.limit),
                format!("the file is too large: at most {} bytes", self.limit),
            );
            return Err(Refusal::field("chunk", "ATTACHMENT_TOO_LARGE", zh, en));
        }
        self.hash.update(bytes);
        while !bytes.is_empty() {
            let room = CHUNK - self.buffer.len();
            let (now, rest) = bytes.split_at(room.min(bytes.len()));
            self.buffer.extend_from_slice(now);
            bytes = rest;
            if self.buffer.len() == CHUNK {
                self.flush().await?;
            }
        }
        Ok(())
    }

    async fn flush(&mut self) -> Result<(), Refusal> {
        let aad = aad(self.place.application, &self.place.attachment, self.index);
        let sealed = self.vault.seal_bytes(&self.place.subject, &aad, &self.buffer).await?;
        let mut frame = BytesMut::with_capacity(sealed.len() + 4);
        frame.put_u32(u32::try_from(sealed.len()).map_err(|_| damaged())?);
        frame.extend_from_slice(&sealed);
        self.index += 1;
        self.buffer.clear();
        self.upload.put(frame.freeze());
        self.upload.wait_for_capacity(PARTS).await.map_err(|error| away(&error))
    }

    /// All bytes have come: size and SM3 of the content.
    ///
    /// # Errors
    /// `STORE_UNAVAILABLE`.
    pub async fn finish(mut self) -> Result<(u64, String), Refusal> {
        if !self.buffer.is_empty() {
            self.flush().await?;
        }
        self.upload.finish().await.map_err(|error| away(&error))?;
        Ok((self.size, sm::to_hex(&self.hash.finalize())))
    }

    /// It is not wanted.
    pub async fn abort(self) {
        let _ = self.upload.abort().await;
    }
}

/// A file that an entry took out goes away; while the store does not let it go, it is tried again.
pub struct Removing {
    /// Whose entries.
    pub ledger: Ledger,
    /// Where the files are.
    pub store: Arc<Store>,
}

#[async_trait]
impl Route for Removing {
    fn wants(&self, entry: &Entry) -> bool {
        entry.is::<Application>() && entry.kind == "AttachmentRemoved"
    }

    async fn deliver(&self, entry: &Entry, _request_id: &str) -> Delivery {
        let removed = match self.ledger.decode::<Application>(entry).await {
            Ok(ApplicationEvent::AttachmentRemoved { id, .. }) => self.store.remove(entry.stream, &id).await,
            Ok(_) => return Delivery::NotMine,
            Err(refusal) => Err(refusal),
        };
        match removed {
            Ok(()) => Delivery::Done,
            Err(refusal) => Delivery::Later { reason: refusal.reason.to_owned() },
        }
    }
}
