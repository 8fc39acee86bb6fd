//! What a token says, and the rules by which it is believed.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, Validation};
use serde::{Deserialize, Serialize};
use yiwang_ledger::Refusal;
use yiwang_standards::identity::DocumentKind;

use super::jwks::{Keys, Purpose};
use super::unauthenticated;
use crate::caller::{Caller, CallerKind, Keyring};
use crate::config::{IdentityConfig, TokenAlgorithm};

/// The document by which the identity provider knows the holder.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Document {
    /// `RESIDENT_ID`, `USCC` … (`yiwang_standards::identity::DocumentKind`).
    pub kind: String,
    /// Its number. Personal data: not for logs.
    pub number: String,
}

/// `act` of RFC 8693: who acts for the holder.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Act {
    /// The natural person's account: `person:…`.
    pub sub: String,
}

/// The claims of a token.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// Issuer.
    pub iss: String,
    /// `person:…`, `staff:…`, `company:…`, `partner:…`, `service:…`
    pub sub: String,
    /// Audience: one or several.
    pub aud: Audience,
    /// Not after, seconds of the machine's time.
    pub exp: u64,
    /// Not before.
    pub nbf: u64,
    /// Made at.
    #[serde(default)]
    pub iat: u64,
    /// What kind of caller.
    pub kind: CallerKind,
    /// Name to show.
    #[serde(default)]
    pub name: String,
    /// Roles.
    #[serde(default)]
    pub roles: Vec<String>,
    /// Codes of organs.
    #[serde(default)]
    pub organisations: Vec<String>,
    /// 行政区划代码.
    #[serde(default)]
    pub region: String,
    /// 岗位等级 of a member of staff, 0 to 9: what she may accept.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub grade: u8,
    /// 证件: of the person, or of the company acted for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document: Option<Document>,
    /// 经办人: the natural person who acts for a company. Of nobody else it is looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub act: Option<Act>,
}

fn is_zero(grade: &u8) -> bool {
    *grade == 0
}

/// `aud` as JWT allows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Audience {
    /// One audience.
    One(String),
    /// Several.
    Many(Vec<String>),
}

impl Claims {
    /// The caller that the claims describe.
    ///
    /// # Errors
    /// `TOKEN_MALFORMED` where the subject does not fit the kind, who acts is no person, or the document is of no known kind.
    pub fn caller(self, keyring: &Keyring) -> Result<Caller, Refusal> {
        let prefix = match self.kind {
            CallerKind::Person => "person:",
            CallerKind::Company => "company:",
            CallerKind::Staff => "staff:",
            CallerKind::Partner => "partner:",
            CallerKind::Service => "service:",
            CallerKind::Anonymous => return Err(malformed()),
        };
        let account = |sub: &str, prefix: &str| {
            sub.len() <= 128 && sub.strip_prefix(prefix).is_some_and(|account| !account.is_empty())
        };
        if !account(&self.sub, prefix) {
            return Err(malformed());
        }
        let acting = self.act.filter(|_| self.kind == CallerKind::Company).map(|act| act.sub);
        if acting.as_ref().is_some_and(|sub| !account(sub, "person:")) {
            return Err(malformed());
        }
        let subject = match &self.document {
            Some(document) => {
                let kind = DocumentKind::parse(&document.kind).ok_or_else(malformed)?;
                keyring.subject(kind, &document.number)
            }
            None => None,
        };
        Ok(Caller {
            id: self.sub,
            kind: self.kind,
            name: self.name,
            roles: self.roles,
            organisations: self.organisations,
            region: self.region,
            grade: self.grade,
            subject,
            acting,
        })
    }
}

/// The rules by which this installation believes a token.
pub(super) struct Rules {
    validation: Validation,
    algorithm: &'static str,
}

/// Longest token that is looked at.
const LONGEST: usize = 8 * 1024;

impl Rules {
    pub fn of(config: &IdentityConfig) -> Self {
        let (algorithm, name) = match config.algorithm {
            TokenAlgorithm::EdDSA => (Algorithm::EdDSA, "EdDSA"),
            TokenAlgorithm::ES256 => (Algorithm::ES256, "ES256"),
        };
        let mut validation = Validation::new(algorithm);
        validation.set_issuer(&[&config.issuer]);
        validation.set_audience(&[&config.audience]);
        validation.set_required_spec_claims(&["exp", "nbf", "iss", "aud", "sub"]);
        validation.validate_nbf = true;
        validation.leeway = 5;
        Self { validation, algorithm: name }
    }

    /// The claims and when they end. The algorithm is pinned before anything else is read.
    pub async fn verify(&self, token: &str, keys: &Keys) -> Result<(Claims, u64), Refusal> {
        let header = header(token).ok_or_else(malformed)?;
        if header.get("alg").and_then(|alg| alg.as_str()) != Some(self.algorithm) {
            return Err(unauthenticated(
                "TOKEN_ALGORITHM",
                "登录凭证的签名算法不被接受",
                "the token is signed with another algorithm",
            ));
        }
        let kid = header.get("kid").and_then(|kid| kid.as_str()).unwrap_or_default();
        let key = keys.find(kid).await?.ok_or_else(signature)?;
        let data = jsonwebtoken::decode::<Claims>(token, &key.decoding, &self.validation)
            .map_err(|error| refusal(error.kind()))?;
        let claims = data.claims;
        let fits = match key.purpose {
            Purpose::People => claims.kind != CallerKind::Service,
            Purpose::Services => claims.kind == CallerKind::Service,
            Purpose::Both => true,
        };
        // A key whose id names one service signs for that service alone.
        let own = !kid.starts_with("service:") || kid == claims.sub;
        if !fits || !own {
            return Err(signature());
        }
        let expires = claims.exp;
        Ok((claims, expires))
    }
}

fn header(token: &str) -> Option<serde_json::Value> {
    if token.len() > LONGEST {
        return None;
    }
    let (header, rest) = token.split_once('.')?;
    (rest.matches('.').count() == 1).then_some(())?;
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(header).ok()?).ok()
}

fn malformed() -> Refusal {
    unauthenticated("TOKEN_MALFORMED", "登录凭证格式不正确", "the token is malformed")
}

fn signature() -> Refusal {
    unauthenticated("TOKEN_SIGNATURE", "登录凭证的签名无效", "the token's signature is not valid")
}

fn refusal(kind: &ErrorKind) -> Refusal {
    match kind {
        ErrorKind::ExpiredSignature => {
            unauthenticated("TOKEN_EXPIRED", "登录已过期，请重新登录", "the token has expired: sign in again")
        }
        ErrorKind::ImmatureSignature => {
            unauthenticated("TOKEN_EXPIRED", "登录凭证尚未生效", "the token is not valid yet")
        }
        ErrorKind::InvalidAudience => {
            unauthenticated("TOKEN_AUDIENCE", "登录凭证不是签发给本系统的", "the token is for another audience")
        }
        ErrorKind::InvalidIssuer => {
            unauthenticated("TOKEN_ISSUER", "登录凭证的签发者不被接受", "the token is from another issuer")
        }
        ErrorKind::InvalidAlgorithm | ErrorKind::InvalidAlgorithmName | ErrorKind::UnsupportedAlgorithm => {
            unauthenticated(
                "TOKEN_ALGORITHM",
                "登录凭证的签名算法不被接受",
                "the token is signed with another algorithm",
            )
        }
        ErrorKind::InvalidSignature => signature(),
        _ => malformed(),
    }
}
