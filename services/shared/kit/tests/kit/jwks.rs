//! Key sets that are read from an address: fetched, refused where they are too large, and away for a while.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use axum::http::StatusCode;
use base64::{Engine as _, prelude::BASE64_STANDARD};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::json;
use tokio::time::timeout;
use yiwang_kit::config::TokenAlgorithm;
use yiwang_kit::identity::{Account, DevelopmentIssuer, Identity, ServiceTokens};
use yiwang_kit::{Config, Keyring};

/// What the identity provider answers.
#[derive(Clone, Default)]
enum Mood {
    #[default]
    Away,
    Says(String),
    /// Takes the request and never answers.
    Silent,
}

/// An identity provider at an address, and a verifier that knows it by that.
struct World {
    people: DevelopmentIssuer,
    stranger: DevelopmentIssuer,
    mood: Arc<Mutex<Mood>>,
    identity: Identity,
    _dir: tempfile::TempDir,
}

impl World {
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let issuer = |name: &str| {
            let config = Config { data_dir: dir.path().join(name), ..Config::default() };
            DevelopmentIssuer::open(&config).unwrap()
        };
        let mood = Arc::new(Mutex::new(Mood::Away));
        let mut config = Config::default();
        config.identity.jwks = Some(serve(mood.clone()).await);
        let identity = Identity::open(&config, Keyring::new(&[7; 32]), None).unwrap();
        Self { people: issuer("people"), stranger: issuer("stranger"), mood, identity, _dir: dir }
    }

    fn publish(&self, padding: usize) {
        let set = json!({ "keys": [self.people.jwk().unwrap()], "padding": " ".repeat(padding) });
        *self.mood.lock().unwrap() = Mood::Says(set.to_string());
    }

    async fn reason(&self, issuer: &DevelopmentIssuer, account: &str) -> &'static str {
        let token = issuer.token(Account::find(account).unwrap(), None).unwrap();
        self.identity.verify(&token).await.map_or_else(|refusal| refusal.reason, |_| "ACCEPTED")
    }
}

async fn serve(mood: Arc<Mutex<Mood>>) -> String {
    let answer = async move || {
        let mood = mood.lock().unwrap().clone();
        match mood {
            Mood::Away => (StatusCode::SERVICE_UNAVAILABLE, String::new()),
            Mood::Says(text) => (StatusCode::OK, text),
            Mood::Silent => std::future::pending().await,
        }
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = axum::Router::new().route("/jwks", axum::routing::get(answer));
    tokio::spawn(async move { axum::serve(listener, app).await });
    format!("http://{address}/jwks")
}

/// Lets ten seconds pass, after which an unknown key may be asked for again.
async fn ten_seconds_later() {
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(11)).await;
    tokio::time::resume();
}

#[tokio::test]
async fn keys_at_an_address_verify() {
    let world = World::new().await;
    world.publish(0);
    assert_eq!(world.reason(&world.people, "clerk").await, "ACCEPTED");
    assert_eq!(world.reason(&world.stranger, "clerk").await, "TOKEN_SIGNATURE");
}

#[tokio::test]
async fn nobody_is_turned_away_for_keys_that_were_never_read() {
    let world = World::new().await;
    assert_eq!(world.reason(&world.people, "clerk").await, "KEYS_UNAVAILABLE");
    world.publish(0);
    ten_seconds_later().await;
    assert_eq!(world.reason(&world.people, "clerk").await, "ACCEPTED");
}

#[tokio::test]
async fn a_key_set_too_large_is_not_read() {
    let world = World::new().await;
    world.publish(1024 * 1024);
    assert_eq!(world.reason(&world.people, "clerk").await, "KEYS_UNAVAILABLE");
}

#[tokio::test]
async fn known_keys_stay_in_force_while_the_provider_is_away() {
    let world = World::new().await;
    world.publish(0);
    assert_eq!(world.reason(&world.people, "clerk").await, "ACCEPTED");
    *world.mood.lock().unwrap() = Mood::Away;
    ten_seconds_later().await;
    assert_eq!(world.reason(&world.stranger, "clerk").await, "TOKEN_SIGNATURE");
    assert_eq!(world.reason(&world.people, "reviewer").await, "ACCEPTED");
}

#[tokio::test]
async fn a_known_key_waits_for_no_reading() {
    let world = Arc::new(World::new().await);
    world.publish(0);
    assert_eq!(world.reason(&world.people, "clerk").await, "ACCEPTED");
    *world.mood.lock().unwrap() = Mood::Silent;
    ten_seconds_later().await;
    let stalled = world.clone();
    let unknown = tokio::spawn(async move { stalled.reason(&stalled.stranger, "clerk").await });
    tokio::task::yield_now().await;
    let known = timeout(Duration::from_secs(2), world.reason(&world.people, "reviewer")).await;
    assert_eq!((known, unknown.is_finished()), (Ok("ACCEPTED"), false));
}

#[tokio::test]
async fn a_service_signs_with_es256_where_that_is_pinned() {
    let dir = tempfile::tempdir().unwrap();
    let pkcs8 = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap().to_pkcs8v1().unwrap();
    let lines = BASE64_STANDARD.encode(pkcs8.as_ref());
    let file = dir.path().join("services.pem");
    std::fs::write(&file, format!("-----BEGIN PRIVATE KEY-----\n{lines}\n-----END PRIVATE KEY-----\n")).unwrap();
    let mut jwk = Jwk::from_encoding_key(&EncodingKey::from_ec_der(pkcs8.as_ref()), Algorithm::ES256).unwrap();
    jwk.common.key_id = Some(jwk.thumbprint(jsonwebtoken::jwk::ThumbprintHash::SHA256).unwrap());
    let set = dir.path().join("services.json");
    std::fs::write(&set, json!({ "keys": [jwk] }).to_string()).unwrap();
    let mut config = Config { data_dir: dir.path().join("here"), ..Config::default() };
    config.identity.algorithm = TokenAlgorithm::ES256;
    config.identity.service_jwks = Some(set.to_string_lossy().into_owned());
    config.identity.service_key_file = Some(file);
    let token = ServiceTokens::open(&config, None).unwrap().token("intake").unwrap();
    let identity = Identity::open(&config, Keyring::new(&[7; 32]), None).unwrap();
    assert!(identity.verify(&token).await.unwrap().is_service("intake"));
}
