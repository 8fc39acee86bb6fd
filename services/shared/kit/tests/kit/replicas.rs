//! Several replicas behind one name: calls go on while they come and go, over TLS too, whose certificate is exchanged.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
use tonic::{Request, Response, Status};
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_server::{Health, HealthServer};
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse, health_client::HealthClient};
use yiwang_kit::identity::{DevelopmentIssuer, ServiceTokens};
use yiwang_kit::status::{reason, status};
use yiwang_kit::{Config, Link, Server, tls};
use yiwang_ledger::{Kind, Refusal};

/// A replica whose answer bears its number; its health is said to be this. Its first calls lose to others.
struct Numbered {
    number: i32,
    health: ServingStatus,
    losses: AtomicU32,
    asked: Arc<AtomicU32>,
}

const NUMBER: &str = "number";

#[async_trait]
impl Health for Numbered {
    async fn check(&self, _: Request<HealthCheckRequest>) -> Result<Response<HealthCheckResponse>, Status> {
        let mut answer = Response::new(HealthCheckResponse { status: self.health.into() });
        answer.metadata_mut().insert(NUMBER, self.number.into());
        Ok(answer)
    }

    type WatchStream = tokio_stream::Empty<Result<HealthCheckResponse, Status>>;

    async fn watch(&self, _: Request<HealthCheckRequest>) -> Result<Response<Self::WatchStream>, Status> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        if self.losses.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok() {
            return Err(status(Refusal::new(Kind::Aborted, "CONTENDED", "请重试", "try again")));
        }
        Ok(Response::new(tokio_stream::empty()))
    }
}

struct Replica {
    address: String,
    asked: Arc<AtomicU32>,
    stop: CancellationToken,
    serving: JoinHandle<()>,
}

impl Replica {
    async fn start(number: i32, tls: Option<Arc<rustls::ServerConfig>>) -> Self {
        Self::saying(ServingStatus::Serving, number, tls, 0).await
    }

    async fn losing(losses: u32) -> Self {
        Self::saying(ServingStatus::Serving, 0, None, losses).await
    }

    async fn saying(health: ServingStatus, number: i32, tls: Option<Arc<rustls::ServerConfig>>, losses: u32) -> Self {
        let server = Server::bind("127.0.0.1:0").await.unwrap().secured(tls.clone());
        let place = if tls.is_some() { "https://localhost" } else { "http://127.0.0.1" };
        let (address, stop) = (format!("{place}:{}", server.address().port()), CancellationToken::new());
        let asked = Arc::<AtomicU32>::default();
        let numbered = Numbered { number, health, losses: AtomicU32::new(losses), asked: asked.clone() };
        let app = Routes::new(HealthServer::new(numbered)).into_axum_router();
        let serving = tokio::spawn(server.serve(app, stop.clone(), Duration::from_secs(1)));
        Self { address, asked, stop, serving }
    }

    async fn end(self) {
        self.stop.cancel();
        self.serving.await.unwrap();
    }
}

fn tokens() -> ServiceTokens {
    let dir = tempfile::tempdir().unwrap();
    let config = Config { data_dir: dir.path().to_owned(), ..Config::default() };
    ServiceTokens::open(&config, Some(&DevelopmentIssuer::open(&config).unwrap())).unwrap()
}

fn link(replicas: &[&Replica]) -> Link {
    let addresses: Vec<&str> = replicas.iter().map(|replica| replica.address.as_str()).collect();
    Link::remote("intake", &addresses.join(","), tokens()).unwrap()
}

async fn ask(link: &Link, about: &str) -> i32 {
    let request = HealthCheckRequest { service: about.to_owned() };
    let answer = HealthClient::new(link.clone()).check(request).await.unwrap();
    answer.metadata().get(NUMBER).unwrap().to_str().unwrap().parse().unwrap()
}

#[tokio::test]
async fn calls_are_spread_over_the_replicas() {
    let (one, two) = (Replica::start(1, None).await, Replica::start(2, None).await);
    let link = link(&[&one, &two]);
    let mut answered = BTreeSet::new();
    for call in 0..64 {
        answered.insert(ask(&link, &format!("record-{call}")).await);
    }
    assert_eq!(answered, BTreeSet::from([1, 2]));
}

#[tokio::test]
async fn calls_about_one_record_go_to_one_replica() {
    let (one, two, three) =
        (Replica::start(1, None).await, Replica::start(2, None).await, Replica::start(3, None).await);
    let link = link(&[&one, &two, &three]);
    for record in 0..16 {
        let record = format!("record-{record}");
        assert_eq!(ask(&link, &record).await, ask(&link, &record).await);
    }
}

#[tokio::test]
async fn a_call_that_lost_goes_to_its_owner_once_more_and_no_further() {
    let (one, two) = (Replica::losing(1).await, Replica::losing(1).await);
    let asked = |one: &Replica, two: &Replica| [one, two].map(|replica| replica.asked.load(Ordering::SeqCst));
    let about = || HealthCheckRequest { service: "record".to_owned() };
    HealthClient::new(link(&[&one, &two])).watch(about()).await.unwrap();
    let by = asked(&one, &two);
    assert!(by == [2, 0] || by == [0, 2], "{by:?}");
    let (one, two) = (Replica::losing(9).await, Replica::losing(9).await);
    let lost = HealthClient::new(link(&[&one, &two])).watch(about()).await.unwrap_err();
    assert_eq!(reason(&lost), "CONTENDED");
    assert_eq!(asked(&one, &two).iter().sum::<u32>(), 2);
}

#[tokio::test]
async fn a_replica_that_goes_takes_no_call_with_it() {
    let (one, two) = (Replica::start(1, None).await, Replica::start(2, None).await);
    let link = link(&[&one, &two]);
    for call in 0..32 {
        ask(&link, &format!("record-{call}")).await;
    }
    one.end().await;
    for call in 0..32 {
        assert_eq!(ask(&link, &format!("record-{call}")).await, 2);
    }
}

#[tokio::test]
async fn a_service_serves_where_one_replica_does() {
    let one = Replica::saying(ServingStatus::NotServing, 1, None, 0).await;
    let (two, link) = (Replica::start(2, None).await, |replicas: &[&Replica]| link(replicas));
    let both = link(&[&one, &two]);
    for name in 0..16 {
        assert_eq!(ask(&both, &format!("service-{name}")).await, 2);
    }
    let leaving = HealthClient::new(link(&[&one, &one])).check(HealthCheckRequest::default()).await.unwrap();
    assert_eq!(leaving.into_inner().status(), ServingStatus::NotServing);
}

fn openssl(folder: &Path, words: &str) {
    let run = Command::new("openssl").args(words.split(' ')).current_dir(folder).output().unwrap();
    assert!(run.status.success(), "{words}: {}", String::from_utf8_lossy(&run.stderr));
}

/// An authority, and a certificate for localhost by it.
fn certificate(folder: &Path) {
    let fresh = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30";
    openssl(folder, &format!("{fresh} -subj /CN=authority -keyout ca-key.pem -out ca.pem"));
    openssl(
        folder,
        &format!(
            "{fresh} -subj /CN=localhost -addext subjectAltName=DNS:localhost -addext basicConstraints=critical,CA:FALSE \
             -CA ca.pem -CAkey ca-key.pem -keyout key.pem -out cert.pem"
        ),
    );
}

#[tokio::test]
async fn a_certificate_is_exchanged_without_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name);
    let (cert, key, ca) = (file("cert.pem"), file("key.pem"), file("ca.pem"));
    certificate(folder.path());
    let config = tls::listener(&cert, &key, CancellationToken::new()).unwrap();
    let replica = Replica::start(7, Some(config)).await;
    let link =
        || Link::remote_trusting("intake", &replica.address, tls::Authority::new(Some(ca.clone())), tokens()).unwrap();
    assert_eq!(ask(&link(), "").await, 7);
    certificate(folder.path());
    let until = tokio::time::Instant::now() + Duration::from_secs(30);
    let request = || HealthCheckRequest { service: String::new() };
    while HealthClient::new(link()).check(request()).await.is_err() {
        assert!(tokio::time::Instant::now() < until, "the new certificate is not shown");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn a_certificate_of_somebody_else_is_not_believed() {
    let (ours, theirs) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    certificate(ours.path());
    certificate(theirs.path());
    let config = tls::listener(&ours.path().join("cert.pem"), &ours.path().join("key.pem"), CancellationToken::new());
    let replica = Replica::start(7, Some(config.unwrap())).await;
    let authority = tls::Authority::new(Some(theirs.path().join("ca.pem")));
    let link = Link::remote_trusting("intake", &replica.address, authority, tokens()).unwrap();
    let refused = HealthClient::new(link).check(HealthCheckRequest::default()).await.unwrap_err();
    assert_eq!(refused.code(), tonic::Code::Unavailable);
}
