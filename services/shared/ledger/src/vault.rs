//! The keys under which personal data is sealed: one a subject, wrapped by the configured key, kept in `secret`. A key
//! is committed before anything is sealed under it. Deleting it erases the data and breaks no chain.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use moka::sync::Cache;
use tokio_util::task::TaskTracker;
use yiwang_standards::sm;

use crate::actor::FRESH;
use crate::engine::{self, Db, OpenError, Reader, Schema, Sql};
use crate::gather::{Gather, Lookup};
use crate::personal::{KeyRing, Nonce, SubjectId, with_keys};
use crate::{Hash, Host, Refusal, StreamId, store_refusal};

/// The keys that a deployment brings.
#[derive(Clone)]
pub struct Secrets {
    /// Wraps the subjects' keys.
    pub wrapping_key: [u8; 16],
    /// Wrapped them before, or will: opens, and wraps nothing. What stands under it is wrapped anew when a ledger is opened.
    pub previous_wrapping_key: Option<[u8; 16]>,
    /// Makes look-up values from numbers; never rotates, and is the same in every service of a deployment.
    pub lookup_key: [u8; 32],
}

/// A subject's key, ready to use.
pub(crate) struct SubjectKey {
    pub id: [u8; 8],
    pub cipher: sm::Sm4Gcm,
}

/// See the module's page.
pub struct Vault {
    db: Arc<Db>,
    host: Arc<dyn Host>,
    lookup: sm::HmacKey,
    wrapping: sm::Sm4Gcm,
    previous: Option<sm::Sm4Gcm>,
    /// Keys as they stand in the store.
    stored: Gather<StoredKeys>,
    /// A key that another process erased is forgotten within half a minute.
    keys: Cache<SubjectId, Arc<SubjectKey>>,
    /// Counts erasures: what was read before one is not kept after it.
    erasures: AtomicU64,
}

/// Scope of the subject that is nobody: its key is the first in every store, and shows that the deployment's keys fit.
const CHECK: &str = "key-check";
const ANY: Sql = Sql::both("SELECT count(*) FROM (SELECT subject FROM secret LIMIT 1) AS first");
const FIND: Sql = Sql {
    pg: "SELECT s.subject, s.key_id, s.wrapped FROM unnest($1::text[]) AS k (subject) JOIN secret s ON s.subject = k.subject COLLATE \"C\"",
    lite: "SELECT s.subject, s.key_id, s.wrapped FROM json_each($1) AS k JOIN secret s ON s.subject = k.value",
};
const SOME: Sql = Sql::both("SELECT subject, wrapped FROM secret WHERE subject > $1 ORDER BY subject LIMIT 500");
/// What was erased, or wrapped by another process, meanwhile is left as it is.
const REWRAP: Sql = Sql::both("UPDATE secret SET wrapped = $1 WHERE subject = $2 AND wrapped = $3");
const INSERT: Sql =
    Sql::both("INSERT INTO secret (subject, key_id, wrapped) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING");

/// Keys by their subject: id and wrapped key.
struct StoredKeys;

impl Lookup for StoredKeys {
    type Key = SubjectId;
    type Row = (Vec<u8>, Vec<u8>);
    const LANES: usize = 1;

    async fn ask(reader: &mut Reader, keys: &[SubjectId]) -> Result<HashMap<SubjectId, Self::Row>, sqlx::Error> {
        let subjects: Vec<&str> = keys.iter().map(SubjectId::as_str).collect();
        let rows: Vec<(String, Vec<u8>, Vec<u8>)> = match reader {
            Reader::Pg(connection) => sqlx::query_as(FIND.pg).bind(subjects).fetch_all(connection).await?,
            Reader::Lite(connection) => {
                let subjects = serde_json::json!(subjects).to_string();
                sqlx::query_as(FIND.lite).bind(subjects).fetch_all(connection).await?
            }
        };
        let found = |(subject, id, wrapped): (String, _, _)| Some((SubjectId::parse(&subject)?, (id, wrapped)));
        Ok(rows.into_iter().filter_map(found).collect())
    }
}

impl Vault {
    pub(crate) fn new(db: Arc<Db>, host: Arc<dyn Host>, secrets: &Secrets, tasks: &TaskTracker) -> Self {
        Self {
            stored: Gather::new(&db, tasks),
            db,
            host,
            lookup: sm::HmacKey::new(&secrets.lookup_key),
            wrapping: sm::Sm4Gcm::new(&secrets.wrapping_key),
            previous: secrets.previous_wrapping_key.as_ref().map(sm::Sm4Gcm::new),
            erasures: AtomicU64::new(0),
            keys: Cache::builder().max_capacity(100_000).time_to_live(FRESH).build(),
        }
    }

    /// Whether these are the keys under which the store was written; a new store is written under them from now on, unless
    /// it is only looked at.
    pub(crate) async fn check(&self, how: Schema) -> Result<(), OpenError> {
        let nobody = self.lookup(CHECK, "");
        let (used,): (i64,) = engine::read!(&*self.db, fetch_one, (i64,), ANY)?;
        let found = match used {
            0 if how == Schema::AsItIs => return Ok(()),
            0 => self.key_or_new(&nobody).await.map(Some),
            _ => self.key_in_store(&nobody).await,
        };
        match found {
            Ok(Some(_)) => Ok(()),
            Ok(None) => Err(OpenError::WrongKey("the look-up key")),
            Err(sqlx::Error::Decode(_)) => Err(OpenError::WrongKey("the wrapping key")),
            Err(error) => Err(error.into()),
        }
    }

    /// Wraps anew what stands under the previous wrapping key, if there is one. Harmless where another process does the same.
    pub(crate) async fn rewrap(&self) -> Result<(), sqlx::Error> {
        let Some(previous) = &self.previous else { return Ok(()) };
        let (mut after, mut rewrapped) = (String::new(), 0);
        loop {
            let rows: Vec<(String, Vec<u8>)> =
                engine::read!(&*self.db, fetch_all, (String, Vec<u8>), SOME, after.clone())?;
            let Some((last, _)) = rows.last() else { break };
            after = last.clone();
            for (subject, wrapped) in rows {
                // under neither: its readers say so
                if open(&self.wrapping, &subject, &wrapped).is_none()
                    && let Some(key) = open(previous, &subject, &wrapped)
                {
                    let anew = self.wrap(&subject, &key);
                    rewrapped += engine::write!(&*self.db, REWRAP, anew.clone(), subject.clone(), wrapped.clone())?;
                }
            }
        }
        tracing::info!(rewrapped, "subjects' keys that stood under the previous wrapping key");
        Ok(())
    }

    /// The keyed hash by which a number is looked up: the same in every service of a deployment. `scope` says what kind
    /// of number it is, so that equal digits of two kinds differ.
    pub fn lookup(&self, scope: &str, value: &str) -> SubjectId {
        SubjectId::from_hash(Hash(self.lookup.mac_parts(&[scope.as_bytes(), &[0], value.as_bytes()])))
    }

    /// A keyed hash over anything, for fingerprints.
    pub fn keyed_hash(&self, parts: &[&[u8]]) -> Hash {
        let mut lengths = Vec::with_capacity(parts.len());
        lengths.extend(parts.iter().map(|part| (part.len() as u64).to_be_bytes()));
        let all: Vec<&[u8]> = lengths.iter().zip(parts).flat_map(|(length, part)| [length.as_slice(), part]).collect();
        Hash(self.lookup.mac_parts(&all))
    }

    /// Seals bytes outside an entry (an attachment's chunk) under the subject's key.
    pub async fn seal_bytes(&self, subject: &SubjectId, aad: &[u8], plain: &[u8]) -> Result<Vec<u8>, Refusal> {
        let key = self.key_or_new(subject).await.map_err(store_refusal)?;
        let nonce = self.nonce();
        let mut sealed = key.id.to_vec();
        sealed.extend(nonce);
        sealed.extend(key.cipher.seal(&nonce, aad, plain));
        Ok(sealed)
    }

    /// Opens what [`Vault::seal_bytes`] sealed; `None` once the subject was erased.
    ///
    /// # Errors
    /// `SEALED_DATA_DAMAGED` where the bytes were changed or stand in another's place.
    pub async fn open_bytes(&self, subject: &SubjectId, aad: &[u8], sealed: &[u8]) -> Result<Option<Vec<u8>>, Refusal> {
        let damaged =
            || Refusal::state("SEALED_DATA_DAMAGED", "存储的加密数据已损坏", "the sealed data was damaged in storage");
        let (id, rest) = sealed.split_first_chunk::<8>().ok_or_else(damaged)?;
        let (nonce, sealed) = rest.split_first_chunk::<12>().ok_or_else(damaged)?;
        match self.key(subject).await.map_err(store_refusal)? {
            Some(key) if &key.id == id => key.cipher.open(nonce, aad, sealed).map(Some).map_err(|_| damaged()),
            _ => Ok(None),
        }
    }

    /// Encodes a body whose personal values are sealed for their place. The ring is kept from body to body of one command.
    pub(crate) async fn encode<T: serde::Serialize>(
        &self,
        ring: &mut KeyRing,
        stream: StreamId,
        version: u64,
        body: &T,
    ) -> Result<Vec<u8>, EncodeError> {
        self.encode_with(ring, stream, version, body, true, &Nonce::Fresh(self.host.clone())).await
    }

    /// The same for a body that is derived from what was written before: it makes nobody a key.
    pub(crate) async fn encode_again<T: serde::Serialize>(
        &self,
        stream: StreamId,
        version: u64,
        body: &T,
    ) -> Result<Vec<u8>, EncodeError> {
        self.encode_with(&mut KeyRing::new(), stream, version, body, false, &Nonce::Fresh(self.host.clone())).await
    }

    /// A keyed hash of what a body says, the same however often it was sealed.
    pub(crate) async fn digest<T: serde::Serialize>(
        &self,
        stream: StreamId,
        version: u64,
        body: &T,
    ) -> Result<Hash, EncodeError> {
        let bytes = self.encode_with(&mut KeyRing::new(), stream, version, body, false, &Nonce::Fixed).await?;
        Ok(self.keyed_hash(&[b"state", &bytes]))
    }

    async fn encode_with<T: serde::Serialize>(
        &self,
        ring: &mut KeyRing,
        stream: StreamId,
        version: u64,
        body: &T,
        new_keys: bool,
        nonce: &Nonce,
    ) -> Result<Vec<u8>, EncodeError> {
        loop {
            let (bytes, keys, missing) =
                with_keys(std::mem::take(ring), stream, version, nonce.clone(), || to_json(body));
            *ring = keys;
            if missing.is_empty() {
                // nobody's key is missing for good: a fresh value in the next body makes one
                ring.retain(|_, key| key.is_some());
                return Ok(bytes?);
            }
            for (subject, fresh) in missing {
                // a value that was sealed before never gets a new key: its subject was erased since
                let key =
                    if fresh && new_keys { Some(self.key_or_new(&subject).await?) } else { self.key(&subject).await? };
                if key.is_some() || !ring.contains_key(&subject) {
                    ring.insert(subject, key);
                }
            }
        }
    }

    /// Decodes a body and opens its personal values.
    pub(crate) async fn decode<T>(
        &self,
        stream: StreamId,
        version: u64,
        decode: impl Fn() -> Result<T, serde_json::Error>,
    ) -> Result<T, EncodeError> {
        let mut ring = KeyRing::new();
        loop {
            let (body, keys, missing) = with_keys(ring, stream, version, Nonce::Fixed, &decode);
            if missing.is_empty() {
                return Ok(body?);
            }
            ring = keys;
            for (subject, _) in missing {
                let key = self.key(&subject).await?;
                ring.insert(subject, key);
            }
        }
    }

    pub(crate) fn forget(&self, subject: &SubjectId) {
        self.erasures.fetch_add(1, Ordering::AcqRel);
        self.keys.invalidate(subject);
    }

    /// How many erasures this process has seen.
    pub(crate) fn erasures(&self) -> u64 {
        self.erasures.load(Ordering::Acquire)
    }

    async fn key(&self, subject: &SubjectId) -> Result<Option<Arc<SubjectKey>>, sqlx::Error> {
        match self.keys.get(subject) {
            Some(key) => Ok(Some(key)),
            None => self.key_in_store(subject).await,
        }
    }

    /// The key as it stands, whatever is remembered: another process may have erased it.
    async fn key_in_store(&self, subject: &SubjectId) -> Result<Option<Arc<SubjectKey>>, sqlx::Error> {
        let erasures = self.erasures();
        let Some((id, wrapped)) = self.stored.get(subject.clone()).await? else { return Ok(None) };
        // keys are as unlike as their ids: what stands in the store is what was opened before
        if let Some(known) = self.keys.get(subject).filter(|key| key.id == *id) {
            return Ok(Some(known));
        }
        let key = Arc::new(self.unwrap(subject, &id, &wrapped)?);
        self.keys.insert(subject.clone(), key.clone());
        if self.erasures() != erasures {
            self.keys.invalidate(subject);
        }
        Ok(Some(key))
    }

    async fn key_or_new(&self, subject: &SubjectId) -> Result<Arc<SubjectKey>, sqlx::Error> {
        if let Some(key) = self.key_in_store(subject).await? {
            return Ok(key);
        }
        let mut fresh = [0; 16];
        self.host.fill(&mut fresh);
        let digest = sm::sm3(&fresh);
        let id = &digest[..8];
        let wrapped = self.wrap(subject.as_str(), &fresh);
        engine::write!(&*self.db, INSERT, subject.as_str(), id, wrapped.clone())?;
        // whoever was first, the key that stands in the store is the key
        self.key_in_store(subject).await?.ok_or(sqlx::Error::RowNotFound)
    }

    fn unwrap(&self, subject: &SubjectId, id: &[u8], wrapped: &[u8]) -> Result<SubjectKey, sqlx::Error> {
        let broken =
            || sqlx::Error::Decode("a subject's key does not open: another wrapping key, or a damaged store".into());
        let mut wrappings = [Some(&self.wrapping), self.previous.as_ref()].into_iter().flatten();
        let key = wrappings.find_map(|wrapping| open(wrapping, subject.as_str(), wrapped)).ok_or_else(broken)?;
        Ok(SubjectKey { id: id.try_into().map_err(|_| broken())?, cipher: sm::Sm4Gcm::new(&key) })
    }

    fn wrap(&self, subject: &str, key: &[u8; 16]) -> Vec<u8> {
        let nonce = self.nonce();
        let mut wrapped = nonce.to_vec();
        wrapped.extend(self.wrapping.seal(&nonce, subject.as_bytes(), key));
        wrapped
    }

    fn nonce(&self) -> [u8; 12] {
        nonce(self.host.as_ref())
    }
}

/// A subject's key, where it is wrapped by this one.
fn open(wrapping: &sm::Sm4Gcm, subject: &str, wrapped: &[u8]) -> Option<[u8; 16]> {
    let (nonce, sealed) = wrapped.split_first_chunk::<12>()?;
    wrapping.open(nonce, subject.as_bytes(), sealed).ok()?.try_into().ok()
}

/// As bytes, with room for what most bodies are, so that they need not grow step by step.
fn to_json<T: serde::Serialize>(body: &T) -> Result<Vec<u8>, serde_json::Error> {
    let mut bytes = Vec::with_capacity(2048);
    serde_json::to_writer(&mut bytes, body)?;
    Ok(bytes)
}

fn nonce(host: &dyn Host) -> [u8; 12] {
    let mut nonce = [0; 12];
    host.fill(&mut nonce);
    nonce
}

/// Why a body could not be written or read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EncodeError {
    #[error(transparent)]
    Store(#[from] sqlx::Error),
    #[error(transparent)]
    Body(#[from] serde_json::Error),
}
