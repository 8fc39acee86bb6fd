//! The public keys by which tokens are verified: from a file or an address, kept, and read again when a key is unknown.
//!
//! Invariant: strangers cannot make this process fetch: an unknown key id causes at most one reading in ten seconds. Whoever
//! signs with a known key waits for no reading.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use arc_swap::ArcSwap;
use futures_util::future::join_all;
use jsonwebtoken::DecodingKey;
use jsonwebtoken::jwk::{Jwk, JwkSet};
use tokio::sync::Mutex;
use tokio::time::Instant;
use yiwang_ledger::{Kind, Refusal};

use crate::config::Config;

/// Whose tokens a key may sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    People,
    Services,
    /// The development issuer's key.
    Both,
}

/// One key, ready to verify.
pub(super) struct Key {
    pub decoding: DecodingKey,
    pub purpose: Purpose,
    public: Jwk,
}

type Ring = HashMap<String, Arc<Key>>;

/// The keys and where they come from.
pub struct Keys {
    fixed: Ring,
    read: Arc<Reading>,
}

/// What is read from elsewhere.
struct Reading {
    sources: Vec<(Source, Purpose)>,
    /// One ring a source, in their order; none of a source that could never be read.
    rings: ArcSwap<Vec<Option<Arc<Ring>>>>,
    /// When the sources were last read. Whoever reads them holds it.
    last: Mutex<Option<Instant>>,
    production: bool,
}

enum Source {
    File(std::path::PathBuf),
    Address(String),
}

/// An unknown key id makes the sources be read again, but not more often than this.
const NOT_MORE_OFTEN: Duration = Duration::from_secs(10);
/// Keys that were withdrawn are forgotten after this, when the next token comes.
const STALE: Duration = Duration::from_secs(300);
const LARGEST: usize = 1024 * 1024;

impl Keys {
    /// The sources that the configuration names; nothing is read yet.
    pub fn new(config: &Config) -> anyhow::Result<Self> {
        let named = [(&config.identity.jwks, Purpose::People), (&config.identity.service_jwks, Purpose::Services)];
        let sources: Vec<_> =
            named.into_iter().filter_map(|(text, purpose)| Some((source(text.as_deref()?), purpose))).collect();
        let read = Reading {
            rings: ArcSwap::from_pointee(vec![None; sources.len()]),
            sources,
            last: Mutex::new(None),
            production: config.is_production(),
        };
        Ok(Self { fixed: Ring::new(), read: Arc::new(read) })
    }

    /// Trusts a key besides: the development issuer's, for people and services alike.
    pub(super) fn trust(&mut self, jwk: Jwk) -> anyhow::Result<()> {
        let (kid, key) = usable(jwk, Purpose::Both)?;
        self.fixed.insert(kid, Arc::new(key));
        Ok(())
    }

    /// The key of an id; `None` where there is none. A known one is answered at once, whatever the sources do meanwhile.
    ///
    /// # Errors
    /// `KEYS_UNAVAILABLE` for an unknown id while a source could not be read even once: it may be one of those.
    pub(super) async fn find(&self, kid: &str) -> Result<Option<Arc<Key>>, Refusal> {
        if let Some(key) = self.fixed.get(kid) {
            return Ok(Some(key.clone()));
        }
        let known = self.read.known(kid);
        if known.is_some() {
            self.read.look_again();
            return Ok(known);
        }
        // To its end, though the caller may give up: what was begun counts as a reading.
        let read = self.read.clone();
        let _ = tokio::spawn(async move { read.refresh(NOT_MORE_OFTEN).await }).await;
        match self.read.known(kid) {
            None if self.read.rings.load().iter().any(Option::is_none) => Err(unavailable()),
            found => Ok(found),
        }
    }

    /// The keys in force, without anything private.
    pub(super) fn public(&self) -> serde_json::Value {
        let rings = self.read.rings.load();
        let read = rings.iter().flatten().flat_map(|ring| ring.values());
        let keys: Vec<&Jwk> = self.fixed.values().chain(read).map(|key| &key.public).collect();
        serde_json::json!({ "keys": keys })
    }
}

impl Reading {
    /// A key that was read; where two sources have the id, the later one's.
    fn known(&self, kid: &str) -> Option<Arc<Key>> {
        self.rings.load().iter().rev().flatten().find_map(|ring| ring.get(kid).cloned())
    }

    /// Has the sources read again in the background where that is due and nobody is at it.
    fn look_again(self: &Arc<Self>) {
        if self.last.try_lock().is_ok_and(|last| is_due(*last, STALE)) {
            let read = self.clone();
            tokio::spawn(async move { read.refresh(STALE).await });
        }
    }

    /// Reads the sources again where that is due. One reads, the others wait for it.
    async fn refresh(&self, after: Duration) {
        let mut last = self.last.lock().await;
        if !is_due(*last, after) {
            return;
        }
        *last = Some(Instant::now());
        let loaded = join_all(self.sources.iter().map(|(source, _)| self.load(source))).await;
        let mut rings = self.rings.load().as_ref().clone();
        for ((ring, (_, purpose)), loaded) in rings.iter_mut().zip(&self.sources).zip(loaded) {
            match loaded {
                Ok(set) => {
                    let keys = set.keys.into_iter().filter_map(|jwk| usable(jwk, *purpose).ok());
                    *ring = Some(Arc::new(keys.map(|(kid, key)| (kid, Arc::new(key))).collect()));
                }
                Err(error) => tracing::warn!(
                    cause = format!("{error:#}"),
                    "public keys cannot be read; those known stay in force"
                ),
            }
        }
        self.rings.store(Arc::new(rings));
    }

    async fn load(&self, source: &Source) -> anyhow::Result<JwkSet> {
        let bytes = match source {
            Source::File(path) => tokio::fs::read(path).await.with_context(|| path.display().to_string())?,
            Source::Address(address) => fetch(address, self.production).await?,
        };
        serde_json::from_slice(&bytes).context("not a JWKS")
    }
}

fn is_due(last: Option<Instant>, after: Duration) -> bool {
    last.is_none_or(|at| at.elapsed() > after)
}

fn unavailable() -> Refusal {
    Refusal::new(
        Kind::Unavailable,
        "KEYS_UNAVAILABLE",
        "身份认证服务暂不可用，请稍后重试",
        "the identity provider's keys cannot be read: try again shortly",
    )
    .with("retry_after_ms", NOT_MORE_OFTEN.as_millis().to_string())
}

fn source(text: &str) -> Source {
    if text.starts_with("https://") || text.starts_with("http://") {
        Source::Address(text.to_owned())
    } else {
        Source::File(text.into())
    }
}

async fn fetch(address: &str, https_only: bool) -> anyhow::Result<Vec<u8>> {
    crate::server::install_crypto();
    let client = reqwest::Client::builder()
        .https_only(https_only)
        .timeout(Duration::from_secs(5))
        .redirect(reqwest::redirect::Policy::none())
        .build()?;
    let mut answer = client.get(address).send().await?.error_for_status()?;
    let mut bytes = Vec::new();
    while let Some(chunk) = answer.chunk().await? {
        if bytes.len() + chunk.len() > LARGEST {
            bail!("the key set is larger than {LARGEST} bytes");
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// A key with an id that verifies signatures; symmetric keys are none.
fn usable(jwk: Jwk, purpose: Purpose) -> anyhow::Result<(String, Key)> {
    use jsonwebtoken::jwk::AlgorithmParameters::{EllipticCurve, OctetKeyPair};
    if !matches!(jwk.algorithm, EllipticCurve(_) | OctetKeyPair(_)) {
        bail!("neither an elliptic curve key nor an Ed25519 key");
    }
    let kid = jwk.common.key_id.clone().context("a key without `kid`")?;
    let decoding = DecodingKey::from_jwk(&jwk)?;
    Ok((kid, Key { decoding, purpose, public: jwk }))
}
