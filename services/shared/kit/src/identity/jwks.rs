//! The public keys by which tokens are verified: from a file or an address, kept, and read again when a key is unknown.
//!
//! Invariant: strangers cannot make this process fetch: an unknown key id causes at most one reading in ten seconds.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use arc_swap::ArcSwap;
use jsonwebtoken::DecodingKey;
use jsonwebtoken::jwk::{Jwk, JwkSet};
use tokio::sync::Mutex;
use tokio::time::Instant;

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
    sources: Vec<(Source, Purpose)>,
    fixed: Ring,
    read: ArcSwap<Ring>,
    last: Mutex<Option<Instant>>,
    production: bool,
}

enum Source {
    File(std::path::PathBuf),
    Address(String),
}

/// An unknown key id makes the sources be read again, but not more often than this.
const NOT_MORE_OFTEN: Duration = Duration::from_secs(10);
/// Keys that were withdrawn are forgotten after this.
const STALE: Duration = Duration::from_secs(300);
const LARGEST: usize = 1024 * 1024;

impl Keys {
    /// The sources that the configuration names; nothing is read yet.
    pub fn new(config: &Config) -> anyhow::Result<Self> {
        let named = [(&config.identity.jwks, Purpose::People), (&config.identity.service_jwks, Purpose::Services)];
        let sources =
            named.into_iter().filter_map(|(text, purpose)| Some((source(text.as_deref()?), purpose))).collect();
        Ok(Self {
            sources,
            fixed: Ring::new(),
            read: ArcSwap::default(),
            last: Mutex::new(None),
            production: config.is_production(),
        })
    }

    /// Trusts a key besides: the development issuer's, for people and services alike.
    pub(super) fn trust(&mut self, jwk: Jwk) -> anyhow::Result<()> {
        let (kid, key) = usable(jwk, Purpose::Both)?;
        self.fixed.insert(kid, Arc::new(key));
        Ok(())
    }

    pub(super) async fn find(&self, kid: &str) -> Option<Arc<Key>> {
        if let Some(key) = self.fixed.get(kid) {
            return Some(key.clone());
        }
        if self.sources.is_empty() {
            return None;
        }
        let known = self.read.load().get(kid).cloned();
        self.refresh(known.is_none()).await;
        self.read.load().get(kid).cloned()
    }

    /// The keys in force, without anything private.
    pub(super) fn public(&self) -> serde_json::Value {
        let read = self.read.load();
        let keys: Vec<&Jwk> = self.fixed.values().chain(read.values()).map(|key| &key.public).collect();
        serde_json::json!({ "keys": keys })
    }

    /// Reads the sources again where that is due. One caller reads, the others wait for it.
    async fn refresh(&self, unknown: bool) {
        let mut last = self.last.lock().await;
        let due = last.is_none_or(|at| at.elapsed() > if unknown { NOT_MORE_OFTEN } else { STALE });
        if !due {
            return;
        }
        *last = Some(Instant::now());
        let mut ring = Ring::new();
        for (source, purpose) in &self.sources {
            match self.load(source).await {
                Ok(set) => ring.extend(
                    set.keys
                        .into_iter()
                        .filter_map(|jwk| usable(jwk, *purpose).ok())
                        .map(|(kid, key)| (kid, Arc::new(key))),
                ),
                Err(error) => {
                    tracing::warn!(
                        cause = format!("{error:#}"),
                        "public keys cannot be read; those known stay in force"
                    );
                    let kept = self.read.load();
                    ring.extend(
                        kept.iter().filter(|(_, key)| key.purpose == *purpose).map(|(k, v)| (k.clone(), v.clone())),
                    );
                }
            }
        }
        self.read.store(Arc::new(ring));
    }

    async fn load(&self, source: &Source) -> anyhow::Result<JwkSet> {
        let bytes = match source {
            Source::File(path) => tokio::fs::read(path).await.with_context(|| path.display().to_string())?,
            Source::Address(address) => fetch(address, self.production).await?,
        };
        serde_json::from_slice(&bytes).context("not a JWKS")
    }
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
    let answer = client.get(address).send().await?.error_for_status()?;
    if answer.content_length().is_some_and(|length| length > LARGEST as u64) {
        bail!("the key set is larger than {LARGEST} bytes");
    }
    let bytes = answer.bytes().await?;
    if bytes.len() > LARGEST {
        bail!("the key set is larger than {LARGEST} bytes");
    }
    Ok(bytes.to_vec())
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
