//! Tokens from a configured identity provider: keys in files, the algorithm pinned, people's keys and services' keys apart.

use std::path::Path;

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use yiwang_kit::Config;
use yiwang_kit::identity::{Account, Claims, DevelopmentIssuer, Document, Identity, Keys, ServiceTokens};
use yiwang_kit::{CallerKind, Keyring};
use yiwang_standards::identity::DocumentKind;

/// Two issuers with keys of their own (`people` and `services`), and a verifier that knows them by files.
struct World {
    dir: tempfile::TempDir,
    people: DevelopmentIssuer,
    services: DevelopmentIssuer,
    identity: Identity,
}

fn issuer(dir: &Path, name: &str) -> DevelopmentIssuer {
    let config = Config { data_dir: dir.join(name), ..Config::default() };
    DevelopmentIssuer::open(&config).unwrap()
}

fn publish(dir: &Path, file: &str, issuers: &[&DevelopmentIssuer]) -> String {
    let keys: Vec<_> = issuers.iter().map(|issuer| issuer.jwk().unwrap()).collect();
    let path = dir.join(file);
    std::fs::write(&path, serde_json::json!({ "keys": keys }).to_string()).unwrap();
    path.to_string_lossy().into_owned()
}

fn world() -> World {
    let dir = tempfile::tempdir().unwrap();
    let (people, services) = (issuer(dir.path(), "people"), issuer(dir.path(), "services"));
    let mut config = Config { data_dir: dir.path().join("here"), ..Config::default() };
    config.identity.jwks = Some(publish(dir.path(), "people.json", &[&people]));
    config.identity.service_jwks = Some(publish(dir.path(), "services.json", &[&services]));
    let identity = Identity::open(&config, Keyring::new(&[7; 32]), None).unwrap();
    World { dir, people, services, identity }
}

impl World {
    async fn reason(&self, token: &str) -> &'static str {
        self.identity.verify(token).await.map_or_else(|refusal| refusal.reason, |_| "ACCEPTED")
    }

    fn clerk(&self) -> Claims {
        self.people.claims(Account::find("clerk").unwrap(), None)
    }

    fn service(&self) -> Claims {
        self.services.signer().claims("service:intake", CallerKind::Service, 60)
    }
}

#[tokio::test]
async fn a_key_published_in_a_file_verifies() {
    let world = world();
    let token = world.people.signer().sign(&world.clerk()).unwrap();
    let caller = world.identity.verify(&token).await.unwrap();
    assert_eq!((caller.id.as_str(), caller.kind, caller.has_role("clerk")), ("staff:clerk", CallerKind::Staff, true));
}

#[tokio::test]
async fn a_key_of_a_stranger_does_not_verify() {
    let world = world();
    let stranger = issuer(world.dir.path(), "stranger");
    assert_eq!(world.reason(&stranger.signer().sign(&world.clerk()).unwrap()).await, "TOKEN_SIGNATURE");
}

#[tokio::test]
async fn a_key_that_was_added_is_found() {
    tokio::time::pause();
    let world = world();
    let stranger = issuer(world.dir.path(), "stranger");
    let token = stranger.signer().sign(&world.clerk()).unwrap();
    assert_eq!(world.reason(&token).await, "TOKEN_SIGNATURE");
    publish(world.dir.path(), "people.json", &[&world.people, &stranger]);
    assert_eq!(world.reason(&token).await, "TOKEN_SIGNATURE", "not read again within ten seconds");
    tokio::time::advance(std::time::Duration::from_secs(11)).await;
    assert_eq!(world.reason(&token).await, "ACCEPTED");
}

#[tokio::test]
async fn the_identity_providers_key_makes_no_service() {
    let world = world();
    assert_eq!(world.reason(&world.people.signer().sign(&world.service()).unwrap()).await, "TOKEN_SIGNATURE");
    assert_eq!(world.reason(&world.services.signer().sign(&world.service()).unwrap()).await, "ACCEPTED");
}

#[tokio::test]
async fn a_services_key_makes_no_person() {
    let world = world();
    assert_eq!(world.reason(&world.services.signer().sign(&world.clerk()).unwrap()).await, "TOKEN_SIGNATURE");
}

#[tokio::test]
async fn a_token_without_signature_is_refused() {
    let world = world();
    let part = |value: serde_json::Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let claims = serde_json::to_value(world.clerk()).unwrap();
    let token = format!("{}.{}.", part(serde_json::json!({"alg": "none", "typ": "JWT"})), part(claims));
    assert_eq!(world.reason(&token).await, "TOKEN_ALGORITHM");
}

#[tokio::test]
async fn a_public_key_used_as_a_secret_is_refused() {
    let world = world();
    let jwk = serde_json::to_value(world.people.jwk().unwrap()).unwrap();
    let secret = EncodingKey::from_secret(jwk["x"].as_str().unwrap().as_bytes());
    let header = Header { kid: jwk["kid"].as_str().map(str::to_owned), ..Header::new(Algorithm::HS256) };
    let token = jsonwebtoken::encode(&header, &world.clerk(), &secret).unwrap();
    assert_eq!(world.reason(&token).await, "TOKEN_ALGORITHM");
}

#[tokio::test]
async fn a_changed_claim_breaks_the_signature() {
    let world = world();
    let token = world.people.signer().sign(&world.clerk()).unwrap();
    let mut parts: Vec<String> = token.split('.').map(str::to_owned).collect();
    let mut claims = world.clerk();
    claims.roles = vec!["approver".into()];
    parts[1] = BASE64_URL_SAFE_NO_PAD.encode(serde_json::to_vec(&claims).unwrap());
    assert_eq!(world.reason(&parts.join(".")).await, "TOKEN_SIGNATURE");
}

#[tokio::test]
async fn a_believed_token_ends_when_it_says() {
    let world = world();
    let mut claims = world.clerk();
    claims.exp = yiwang_kit::entropy::machine_seconds() + 1;
    let token = world.people.signer().sign(&claims).unwrap();
    assert_eq!(world.reason(&token).await, "ACCEPTED");
    while yiwang_kit::entropy::machine_seconds() < claims.exp {
        tokio::task::yield_now().await;
    }
    // Believed without looking only until then; the leeway of five seconds is the verification's.
    claims.exp -= 10;
    assert_eq!(world.reason(&world.people.signer().sign(&claims).unwrap()).await, "TOKEN_EXPIRED");
}

#[tokio::test]
async fn a_service_signs_its_own_calls_in_development() {
    let dir = tempfile::tempdir().unwrap();
    let config = Config { data_dir: dir.path().to_owned(), ..Config::default() };
    let issuer = DevelopmentIssuer::open(&config).unwrap();
    let identity = Identity::open(&config, Keyring::new(&[7; 32]), Some(&issuer)).unwrap();
    let token = ServiceTokens::open(&config, Some(&issuer)).unwrap().token("approval").unwrap();
    assert!(identity.verify(&token).await.unwrap().is_service("approval"));
}

#[test]
fn production_has_no_development_issuer_and_no_service_without_a_key() {
    let config = Config { mode: yiwang_kit::config::Mode::Production, ..Config::default() };
    assert!(DevelopmentIssuer::open(&config).is_err());
    assert!(ServiceTokens::open(&config, None).is_err());
    assert!(Keys::new(&config).is_ok());
}

#[test]
fn every_demonstration_number_is_valid() {
    for account in yiwang_kit::identity::accounts() {
        if let Some(document) = &account.document {
            let kind = DocumentKind::parse(&document.kind).unwrap();
            assert!(yiwang_standards::identity::validate(kind, &document.number).is_ok(), "{}", account.id);
        }
    }
}

#[test]
fn a_demonstration_account_may_work_for_another_organ() {
    let dir = tempfile::tempdir().unwrap();
    let reviewer = issuer(dir.path(), "x").claims(Account::find("reviewer").unwrap(), Some("11511300MB1A21304N"));
    assert_eq!(reviewer.organisations, ["11511300MB1A21304N"]);
}

#[tokio::test]
async fn a_person_is_the_same_however_the_provider_writes_the_number() {
    let world = world();
    let mut subjects = std::collections::BTreeSet::new();
    for number in ["1234567890", "1234567890B", "１２３４５６７８９０（Ｂ）"] {
        let mut claims = world.people.claims(Account::find("citizen").unwrap(), None);
        claims.document = Some(Document { kind: "TAIWAN_PASS".into(), number: number.into() });
        let caller = world.identity.verify(&world.people.signer().sign(&claims).unwrap()).await.unwrap();
        subjects.insert(caller.subject.clone().unwrap());
    }
    assert_eq!(subjects.len(), 1);
}
