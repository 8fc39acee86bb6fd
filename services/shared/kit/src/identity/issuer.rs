//! Signing tokens: the development issuer's for its accounts, and every service's own.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, bail};
use aws_lc_rs::signature::Ed25519KeyPair;
use jsonwebtoken::jwk::{Jwk, ThumbprintHash};
use jsonwebtoken::{Algorithm, EncodingKey, Header};

use super::accounts::Account;
use super::token::{Act, Audience, Claims};
use crate::caller::CallerKind;
use crate::config::{Config, TokenAlgorithm};
use crate::{entropy, keys};

/// A private key that signs tokens for one issuer and audience.
#[derive(Clone)]
pub struct Signer {
    key: EncodingKey,
    algorithm: Algorithm,
    kid: String,
    issuer: String,
    audience: String,
}

impl Signer {
    fn new(key: EncodingKey, algorithm: Algorithm, kid: Option<String>, config: &Config) -> anyhow::Result<Self> {
        let kid = match kid {
            Some(kid) => kid,
            None => Jwk::from_encoding_key(&key, algorithm)?.thumbprint(ThumbprintHash::SHA256)?,
        };
        let (issuer, audience) = (config.identity.issuer.clone(), config.identity.audience.clone());
        Ok(Self { key, algorithm, kid, issuer, audience })
    }

    /// Signs claims as they are.
    pub fn sign(&self, claims: &Claims) -> anyhow::Result<String> {
        let header = Header { kid: Some(self.kid.clone()), ..Header::new(self.algorithm) };
        Ok(jsonwebtoken::encode(&header, claims, &self.key)?)
    }

    /// The public half.
    pub fn jwk(&self) -> anyhow::Result<Jwk> {
        let mut jwk = Jwk::from_encoding_key(&self.key, self.algorithm)?;
        jwk.common.key_id = Some(self.kid.clone());
        Ok(jwk)
    }

    /// Claims for this issuer and audience, valid from now for so many seconds of the machine's time.
    pub fn claims(&self, sub: impl Into<String>, kind: CallerKind, seconds: u64) -> Claims {
        let now = entropy::machine_seconds();
        Claims {
            iss: self.issuer.clone(),
            sub: sub.into(),
            aud: Audience::One(self.audience.clone()),
            exp: now + seconds,
            nbf: now,
            iat: now,
            kind,
            name: String::new(),
            roles: Vec::new(),
            grade: 0,
            organisations: Vec::new(),
            region: String::new(),
            document: None,
            act: None,
        }
    }
}

/// The issuer of the embedded default, with accounts named by role. Production refuses it.
#[derive(Clone)]
pub struct DevelopmentIssuer {
    signer: Signer,
    region: String,
}

/// How long a token of a demonstration account is good.
const ACCOUNT_SECONDS: u64 = 12 * 3600;

impl DevelopmentIssuer {
    /// With the key of the data folder, made once for all processes.
    pub fn open(config: &Config) -> anyhow::Result<Self> {
        if !config.development_issuer() || config.is_production() {
            bail!(
                "生产模式不签发演示账号的凭证 / the development issuer is off: production takes tokens from its identity provider"
            );
        }
        if config.identity.algorithm != TokenAlgorithm::EdDSA {
            bail!("the development issuer signs with EdDSA; identity.algorithm names another");
        }
        let pkcs8 = keys::once(&config.data_dir.join("dev-issuer.pk8"), || {
            // `generate` first measures the jitter of the machine; unchecked, since there is no public key to check it against
            let key = Ed25519KeyPair::from_seed_unchecked(&entropy::random::<32>())
                .map_err(|_| anyhow::anyhow!("no Ed25519 key could be made"))?;
            let bytes = key.to_pkcs8v1().map_err(|_| anyhow::anyhow!("the Ed25519 key cannot be written"))?;
            Ok(bytes.as_ref().to_vec())
        })?;
        let signer = Signer::new(EncodingKey::from_ed_der(&pkcs8), Algorithm::EdDSA, None, config)?;
        Ok(Self { signer, region: config.region.clone() })
    }

    /// A token for an account, in another organisation than its own where one is named.
    pub fn token(&self, account: &Account, organisation: Option<&str>) -> anyhow::Result<String> {
        self.signer.sign(&self.claims(account, organisation))
    }

    /// The claims of an account's token: tests change them before they sign.
    pub fn claims(&self, account: &Account, organisation: Option<&str>) -> Claims {
        let organisations = organisation.map_or_else(|| account.organisations.clone(), |code| vec![code.to_owned()]);
        Claims {
            name: account.name.clone(),
            roles: account.roles.clone(),
            grade: account.grade,
            organisations,
            region: account.region.clone().unwrap_or_else(|| self.region.clone()),
            document: account.document.clone(),
            act: account.acting.clone().map(|sub| Act { sub }),
            ..self.signer.claims(account.subject(), account.kind, ACCOUNT_SECONDS)
        }
    }

    /// The signing half, for service tokens and tests.
    pub fn signer(&self) -> &Signer {
        &self.signer
    }

    /// The public key.
    pub fn jwk(&self) -> anyhow::Result<Jwk> {
        self.signer.jwk()
    }
}

/// Short-lived tokens by which services call each other.
#[derive(Clone)]
pub struct ServiceTokens {
    signer: Signer,
    kept: Arc<Mutex<HashMap<String, (String, u64)>>>,
}

/// How long a service's token is good, and how long before its end a new one is made.
const SERVICE_SECONDS: u64 = 300;
const RENEWED_BEFORE: u64 = 60;

impl ServiceTokens {
    /// Signed with the configured service key, or in development with the issuer's.
    pub fn open(config: &Config, development: Option<&DevelopmentIssuer>) -> anyhow::Result<Self> {
        let signer = match (&config.identity.service_key_file, development) {
            (Some(path), _) => from_file(path, config)?,
            (None, Some(issuer)) => issuer.signer().clone(),
            (None, None) => bail!("identity.service_key_file is needed: services sign their calls with it"),
        };
        Ok(Self { signer, kept: Arc::default() })
    }

    /// The token of a service, made anew before it ends.
    pub fn token(&self, service: &str) -> anyhow::Result<String> {
        let now = entropy::machine_seconds();
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((token, until)) = kept.get(service)
            && *until > now
        {
            return Ok(token.clone());
        }
        let claims = self.signer.claims(format!("service:{service}"), CallerKind::Service, SERVICE_SECONDS);
        let token = self.signer.sign(&claims)?;
        kept.insert(service.to_owned(), (token.clone(), now + SERVICE_SECONDS - RENEWED_BEFORE));
        Ok(token)
    }
}

/// A PKCS#8 PEM key. Its id is the thumbprint (RFC 7638), or the file's name where that says whose key it is:
/// `service:intake.pem` signs as `service:intake`, and verifiers let it sign for nobody else.
fn from_file(path: &Path, config: &Config) -> anyhow::Result<Signer> {
    let pem = std::fs::read(path).with_context(|| format!("identity.service_key_file {}", path.display()))?;
    let (key, algorithm) = match config.identity.algorithm {
        TokenAlgorithm::EdDSA => (EncodingKey::from_ed_pem(&pem)?, Algorithm::EdDSA),
        TokenAlgorithm::ES256 => (EncodingKey::from_ec_pem(&pem)?, Algorithm::ES256),
    };
    let stem = path.file_stem().and_then(|stem| stem.to_str()).filter(|stem| stem.starts_with("service:"));
    Signer::new(key, algorithm, stem.map(str::to_owned), config)
}
