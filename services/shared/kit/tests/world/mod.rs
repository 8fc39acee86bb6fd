//! A small service behind the kit's stack, in one process or over TCP.
#![allow(dead_code, reason = "each test file uses its part")]

use std::sync::Arc;

use async_trait::async_trait;
use tempfile::TempDir;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
use tonic::transport::Channel;
use tonic::{Request, Status};
use tonic_health::pb::health_client::HealthClient;
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};
use yiwang_kit::identity::{Account, Claims};
use yiwang_kit::{Config, Front, Health, Link, Process, Reply, Server, Stack, receive};
use yiwang_ledger::Refusal;
use yiwang_proto::ledger::v1::ledger_service_client::LedgerServiceClient;
use yiwang_proto::ledger::v1::ledger_service_server::{LedgerService, LedgerServiceServer};
use yiwang_proto::ledger::v1::{self as pb, GetHeadRequest};

/// How the service is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    InProcess,
    OverTcp,
}

/// What a caller in the same process might try to slip in.
#[derive(Clone)]
pub struct Smuggled;

/// Tells when a call was entered, and when it was left.
pub struct Probe {
    pub entered: Semaphore,
    pub left: Semaphore,
    pub go: Semaphore,
}

pub struct World {
    pub process: Process,
    pub link: Link,
    pub probe: Arc<Probe>,
    shape: Shape,
    front: Front,
    address: String,
    serving: Option<(CancellationToken, JoinHandle<()>)>,
    health: Option<Health>,
    _dir: TempDir,
}

/// A caller: a link with headers of its own.
pub struct As(Link);

impl World {
    pub async fn new(shape: Shape) -> Self {
        Self::with(shape, |_| {}).await
    }

    pub async fn with(shape: Shape, change: impl FnOnce(&mut Config)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut config = Config { data_dir: dir.path().join("data"), ..Config::default() };
        change(&mut config);
        let process = Process::open(config, yiwang_kit::Shape::Together, CancellationToken::new()).unwrap();
        let probe = Arc::new(Probe { entered: Semaphore::new(0), left: Semaphore::new(0), go: Semaphore::new(0) });
        let routes = Routes::new(LedgerServiceServer::new(Echo(probe.clone())));
        let front = Stack::new("intake", process.identity.clone(), &process.config.limits).before(routes);
        process.links.plug("intake", front.clone());
        let link = process.links.get("intake");
        let mut world = Self {
            process,
            link,
            probe,
            shape,
            front,
            address: "127.0.0.1:0".into(),
            serving: None,
            health: None,
            _dir: dir,
        };
        if shape == Shape::OverTcp {
            world.serve().await;
            let tokens =
                yiwang_kit::identity::ServiceTokens::open(&world.process.config, world.process.development.as_ref());
            world.link = Link::remote("intake", &format!("http://{}", world.address), tokens.unwrap()).unwrap();
        }
        world
    }

    async fn serve(&mut self) {
        let server = Server::bind(&self.address).await.unwrap();
        self.address = server.address().to_string();
        let slot = yiwang_kit::Slot::new("intake");
        slot.fill(self.front.clone());
        let (health, probes) = Health::new().await.unwrap();
        health.serving("intake").await;
        self.health = Some(health);
        let app = slot.app(probes);
        let stop = CancellationToken::new();
        let serving = tokio::spawn(server.serve(app, stop.clone(), std::time::Duration::from_secs(1)));
        self.serving = Some((stop, serving));
    }

    /// Tells the server to stop.
    pub fn stop(&mut self) -> JoinHandle<()> {
        let (stop, serving) = self.serving.take().unwrap();
        stop.cancel();
        serving
    }

    /// What the server says of its health, from now on.
    pub async fn watch(&self) -> tonic::Streaming<HealthCheckResponse> {
        let channel = Channel::from_shared(format!("http://{}", self.address)).unwrap().connect().await.unwrap();
        let request = HealthCheckRequest { service: "intake".into() };
        HealthClient::new(channel).watch(request).await.unwrap().into_inner()
    }

    /// Ends as a process of the suite ends.
    pub async fn end(&mut self) -> JoinHandle<()> {
        let (stop, serving) = self.serving.take().unwrap();
        self.health.take().unwrap().end(&["intake"], std::time::Duration::ZERO, &stop).await;
        serving
    }

    /// Ends the server and starts it anew at the same address.
    pub async fn restart(&mut self) {
        if let Some((stop, serving)) = self.serving.take() {
            stop.cancel();
            serving.await.unwrap();
        }
        self.serve().await;
    }

    /// A link to a service that is not there.
    pub fn away(&self) -> Link {
        let tokens = yiwang_kit::identity::ServiceTokens::open(&self.process.config, self.process.development.as_ref());
        match self.shape {
            Shape::InProcess => self.process.links.get("approval").as_service("intake", ""),
            Shape::OverTcp => {
                Link::remote("approval", "http://127.0.0.1:9", tokens.unwrap()).unwrap().as_service("intake", "")
            }
        }
    }

    pub fn token_with(&self, account: &str, change: impl FnOnce(&mut Claims)) -> String {
        let issuer = self.process.development.as_ref().unwrap();
        let mut claims = issuer.claims(Account::find(account).unwrap(), None);
        change(&mut claims);
        issuer.signer().sign(&claims).unwrap()
    }

    pub fn as_account(&self, account: &str) -> As {
        As(self.link.with_token(&self.token_with(account, |_| {})))
    }

    pub fn with_authorization(&self, value: &str) -> Asking {
        Asking { link: self.link.clone(), authorization: value.to_owned() }
    }

    pub fn head(what: &str) -> Request<GetHeadRequest> {
        Request::new(GetHeadRequest { service: what.to_owned() })
    }

    pub async fn send_over(link: Link, request: Request<GetHeadRequest>) -> Result<String, Status> {
        LedgerServiceClient::new(link).get_head(request).await.map(|answer| answer.into_inner().service)
    }
}

impl As {
    pub async fn ask(&self, what: &str) -> Result<String, Status> {
        self.send(World::head(what)).await
    }

    pub fn ask_owned(&self, what: &'static str) -> impl Future<Output = Result<String, Status>> + Send + 'static {
        World::send_over(self.0.clone(), World::head(what))
    }

    pub async fn send(&self, request: Request<GetHeadRequest>) -> Result<String, Status> {
        World::send_over(self.0.clone(), request).await
    }
}

/// A caller with an authorization header of its own making.
pub struct Asking {
    link: Link,
    authorization: String,
}

impl Asking {
    pub async fn ask(&self, what: &str) -> Result<String, Status> {
        let mut request = World::head(what);
        if !self.authorization.is_empty() {
            request.metadata_mut().insert("authorization", self.authorization.parse().unwrap());
        }
        World::send_over(self.link.clone(), request).await
    }
}

/// `aud` of one.
pub fn audience(name: &str) -> yiwang_kit::identity::Audience {
    yiwang_kit::identity::Audience::One(name.to_owned())
}

/// Answers a head whose service is what was asked for.
struct Echo(Arc<Probe>);

struct Leaving(Arc<Probe>);

impl Drop for Leaving {
    fn drop(&mut self) {
        self.0.left.add_permits(1);
    }
}

impl Echo {
    async fn answer(&self, request: Request<GetHeadRequest>) -> Result<String, Status> {
        let smuggled = request.extensions().get::<Smuggled>().is_some();
        let authorization = request.metadata().contains_key("authorization");
        let incoming = receive(request)?;
        let yes = |is: bool| Ok(if is { "yes" } else { "no" }.to_owned());
        match incoming.message.service.as_str() {
            "who" => Ok(incoming.caller.id.clone()),
            "trace" => Ok(incoming.trace),
            "smuggled?" => yes(smuggled),
            "authorization?" => yes(authorization),
            "actor" => Ok(incoming.call("GetHead", "", "r-1").map_err(yiwang_kit::status)?.actor),
            "panic" => panic!("planted panic"),
            "error" => Err(Status::internal("planted cause")),
            "unimplemented" => Err(Status::unimplemented("not here")),
            "refuse" => {
                let refusal =
                    Refusal::state("TEST_REFUSED", "不行", "no").with_field("service", "TEST_FIELD", "错", "wrong");
                Err(yiwang_kit::status(refusal))
            }
            "forever" => {
                let _leaving = Leaving(self.0.clone());
                self.0.entered.add_permits(1);
                std::future::pending().await
            }
            "wait" => {
                self.0.entered.add_permits(1);
                self.0.go.acquire().await.unwrap().forget();
                Ok("waited".to_owned())
            }
            other => Ok(other.to_owned()),
        }
    }
}

#[async_trait]
impl LedgerService for Echo {
    async fn get_head(&self, request: Request<GetHeadRequest>) -> Reply<pb::Head> {
        let service = self.answer(request).await?;
        Ok(tonic::Response::new(pb::Head { service, ..Default::default() }))
    }
    async fn list_entries(&self, _: Request<pb::ListEntriesRequest>) -> Reply<pb::ListEntriesResponse> {
        Err(Status::unimplemented(""))
    }
    async fn list_parked_deliveries(
        &self,
        _: Request<pb::ListParkedDeliveriesRequest>,
    ) -> Reply<pb::ListParkedDeliveriesResponse> {
        Err(Status::unimplemented(""))
    }
    async fn retry_delivery(&self, _: Request<pb::RetryDeliveryRequest>) -> Reply<pb::ParkedDelivery> {
        Err(Status::unimplemented(""))
    }
    async fn resume_relay(&self, _: Request<pb::ResumeRelayRequest>) -> Reply<pb::ResumedRelay> {
        Err(Status::unimplemented(""))
    }
    async fn erase_subject(&self, _: Request<pb::EraseSubjectRequest>) -> Reply<pb::EraseSubjectResponse> {
        Err(Status::unimplemented(""))
    }
}
