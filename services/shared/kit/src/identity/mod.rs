//! Identity: every service verifies every token itself, and nobody's word is taken for who calls.
//!
//! Invariant: no caller without a token whose signature, algorithm, issuer, audience and times were checked here, at
//! most a minute ago; a token of a service is signed with a service's key, a person's with the identity provider's.

mod accounts;
mod issuer;
mod jwks;
mod token;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use aws_lc_rs::digest;
use http::{HeaderMap, header};
use moka::sync::Cache;
use yiwang_ledger::{Kind, Refusal};

use crate::caller::{Caller, Keyring};
use crate::config::Config;
use crate::entropy;

pub use accounts::{Account, accounts};
pub use issuer::{DevelopmentIssuer, ServiceTokens, Signer};
pub use jwks::Keys;
pub use token::{Audience, Claims, Document};

/// A verified token is believed without looking again for at most this long.
const BELIEVED: Duration = Duration::from_secs(60);

/// Verifies tokens. Cheap to clone.
#[derive(Clone)]
pub struct Identity {
    inner: Arc<Inner>,
}

struct Inner {
    rules: token::Rules,
    keys: Keys,
    keyring: Keyring,
    verified: Cache<[u8; 32], Verified>,
}

#[derive(Clone)]
struct Verified {
    caller: Arc<Caller>,
    expires: u64,
}

impl Identity {
    /// With the keys that the configuration names, and in development those of the development issuer.
    pub fn open(config: &Config, keyring: Keyring, development: Option<&DevelopmentIssuer>) -> anyhow::Result<Self> {
        let mut keys = Keys::new(config)?;
        if let Some(issuer) = development {
            keys.trust(issuer.jwk().context("public key of the development issuer")?)?;
        }
        Ok(Self {
            inner: Arc::new(Inner {
                rules: token::Rules::of(&config.identity),
                keys,
                keyring,
                verified: Cache::builder().max_capacity(100_000).time_to_live(BELIEVED).build(),
            }),
        })
    }

    /// The installation's keyed hashes.
    pub fn keyring(&self) -> &Keyring {
        &self.inner.keyring
    }

    /// The public keys in force, as a JWKS.
    pub fn jwks(&self) -> serde_json::Value {
        self.inner.keys.public()
    }

    /// Who sent these headers.
    ///
    /// # Errors
    /// `UNAUTHENTICATED` with `TOKEN_MISSING`, `TOKEN_MALFORMED`, `TOKEN_ALGORITHM`, `TOKEN_SIGNATURE`,
    /// `TOKEN_ISSUER`, `TOKEN_AUDIENCE`, `TOKEN_EXPIRED`; `UNAVAILABLE / KEYS_UNAVAILABLE` before the keys could be read.
    pub async fn caller(&self, headers: &HeaderMap) -> Result<Arc<Caller>, Refusal> {
        match bearer(headers)? {
            Some(token) => self.verify(token).await,
            None => Err(unauthenticated("TOKEN_MISSING", "请先登录", "no token: sign in first")),
        }
    }

    /// The caller of a public read: anonymous without a token; a token that is there must still be good.
    pub async fn caller_or_anonymous(&self, headers: &HeaderMap) -> Result<Arc<Caller>, Refusal> {
        match bearer(headers)? {
            Some(token) => self.verify(token).await,
            None => Ok(Arc::new(Caller::anonymous())),
        }
    }

    /// Verifies one token.
    pub async fn verify(&self, token: &str) -> Result<Arc<Caller>, Refusal> {
        let name = name(token);
        if let Some(known) = self.inner.verified.get(&name) {
            if known.expires > entropy::machine_seconds() {
                return Ok(known.caller);
            }
            self.inner.verified.invalidate(&name);
        }
        let (claims, expires) = self.inner.rules.verify(token, &self.inner.keys).await?;
        let caller = Arc::new(claims.caller(&self.inner.keyring)?);
        self.inner.verified.insert(name, Verified { caller: caller.clone(), expires });
        Ok(caller)
    }
}

/// What a token that was verified is remembered by. It leaves the process nowhere: the fastest digest will do.
fn name(token: &str) -> [u8; 32] {
    let mut name = [0; 32];
    name.copy_from_slice(digest::digest(&digest::SHA256, token.as_bytes()).as_ref());
    name
}

fn bearer(headers: &HeaderMap) -> Result<Option<&str>, Refusal> {
    let Some(value) = headers.get(header::AUTHORIZATION) else { return Ok(None) };
    value
        .to_str()
        .ok()
        .and_then(|text| text.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| Some(token.trim()))
        .ok_or_else(|| {
            unauthenticated("TOKEN_MALFORMED", "登录凭证格式不正确", "the authorization header is not `Bearer <token>`")
        })
}

pub(crate) fn unauthenticated(reason: &'static str, zh: &str, en: &str) -> Refusal {
    Refusal::new(Kind::Unauthenticated, reason, zh, en)
}
