//! The replicas of one service behind its address: found by DNS, chosen anew for every call, passed over while they fail.
//!
//! Calls about one record go to one replica, as a hint: any replica may serve any stream, but on one the commands of a hot stream
//! are decided without losing to each other; one that has lost all the same is offered to its owner once more. Which record, the first field of the message says: by the custom of the
//! contracts it is the `id`, where a message has one.
//!
//! Invariant: a call is sent again only where that is harmless. Every write of the suite carries a request id and has one
//! effect, so whatever is not a stream of the client's may be sent to the next replica when one cannot be reached.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashSet};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use anyhow::{Context as _, bail};
use arc_swap::ArcSwap;
use bytes::Bytes;
use http::{Request, Response, Uri, request::Parts};
use http_body_util::{BodyExt as _, Full};
use prost::Message as _;
use prost_types::FileDescriptorSet;
use tokio::time::Instant;
use tonic::body::Body;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Status};
use tonic_health::pb::HealthCheckResponse;
use tonic_health::pb::health_check_response::ServingStatus;
use tower::ServiceExt as _;
use yiwang_standards::sm;

use crate::status;
use crate::tls::Authority;

/// How often names are looked up again.
const LOOK_UP: Duration = Duration::from_secs(5);
/// A replica that could not be reached is passed over for so long.
const REST: Duration = Duration::from_secs(1);
/// Replicas that one call is offered to.
const OFFERS: usize = 3;

/// See the module's page. Cheap to clone.
#[derive(Clone)]
pub struct Replicas(Arc<Inner>);

struct Inner {
    places: Vec<Uri>,
    authority: Authority,
    known: ArcSwap<Vec<Arc<Replica>>>,
    turn: AtomicUsize,
    began: Instant,
}

struct Replica {
    address: String,
    channel: Channel,
    /// Milliseconds since the start until which it is passed over.
    rests_until: AtomicU64,
}

impl Replicas {
    /// Of one address, `https://intake:50051`, whose name may stand for many, or of several, separated by commas. Nothing is
    /// connected before the first call.
    ///
    /// # Errors
    /// Where one is no address.
    pub fn open(addresses: &str, authority: Authority) -> anyhow::Result<Self> {
        let places: Vec<Uri> = addresses
            .split(',')
            .map(|one| one.trim().parse::<Uri>().with_context(|| format!("{one} is no address")))
            .collect::<anyhow::Result<_>>()?;
        if places.iter().any(|place| place.host().is_none() || place.scheme().is_none()) {
            bail!("{addresses}: an address is http://host:port or https://host:port");
        }
        let inner =
            Inner { places, authority, known: ArcSwap::default(), turn: AtomicUsize::new(0), began: Instant::now() };
        // until the names have been looked up, each is tried as it stands
        let first = inner.places.iter().map(|place| inner.replica(place, place.to_string().trim_end_matches('/')));
        inner.known.store(Arc::new(first.collect::<anyhow::Result<_>>()?));
        let replicas = Self(Arc::new(inner));
        let weak = Arc::downgrade(&replicas.0);
        let mut authority = replicas.0.authority.files();
        tokio::spawn(async move {
            while let Some(inner) = weak.upgrade() {
                inner.look_up(authority.changed()).await;
                drop(inner);
                tokio::time::sleep(LOOK_UP).await;
            }
        });
        Ok(replicas)
    }

    /// Offers the call to one replica after the other until one can be reached.
    ///
    /// # Errors
    /// That of the last one that could not be.
    pub async fn call(&self, request: Request<Body>) -> Result<Response<Body>, tonic::transport::Error> {
        let (parts, body) = request.into_parts();
        if self.0.known.load().len() < 2 || CLIENT_STREAMS.contains(parts.uri.path()) {
            let Some(replica) = self.0.order(None).into_iter().next() else { return Ok(nobody()) };
            return self.0.send(&replica, Request::from_parts(parts, body)).await;
        }
        // read whole, so that it can be sent again; its size was limited where it came from
        let Ok(body) = body.collect().await else {
            return Ok(Status::cancelled("the request was cut off").into_http());
        };
        let body = body.to_bytes();
        let answer = self.offer(&parts, &body).await?;
        if is_contended(&answer)
            && let Some(owner) = self.0.owner(record(&body))
            && let Ok(second) = self.0.send(&owner, again(&parts, &body)).await
            && !is_unavailable(&second)
        {
            return Ok(second);
        }
        Ok(answer)
    }

    async fn offer(&self, parts: &Parts, body: &Bytes) -> Result<Response<Body>, tonic::transport::Error> {
        let mut order = self.0.order(record(body));
        let Some(last) = order.pop() else { return Ok(nobody()) };
        for replica in order {
            match self.0.send(&replica, again(parts, body)).await {
                Ok(answer) if is_unavailable(&answer) => {}
                Ok(answer) if parts.uri.path() == PROBE => {
                    let (answer, serves) = of_one(answer).await;
                    if serves {
                        return Ok(answer);
                    }
                }
                Ok(answer) => return Ok(answer),
                Err(_) => {}
            }
        }
        self.0.send(&last, again(parts, body)).await
    }
}

impl Inner {
    fn replica(&self, place: &Uri, address: &str) -> anyhow::Result<Arc<Replica>> {
        let mut endpoint = Endpoint::from_shared(address.to_owned())
            .with_context(|| format!("{address} is no address"))?
            // the name stays what it was, whichever machine is behind it
            .origin(place.clone())
            .connect_timeout(Duration::from_secs(3))
            .tcp_nodelay(true)
            // a machine that is gone without a word is given up after the two together, and twenty seconds are promised
            .http2_keep_alive_interval(Duration::from_secs(10))
            .keep_alive_timeout(Duration::from_secs(5))
            .keep_alive_while_idle(true);
        if let (Some("https"), Some(host)) = (place.scheme_str(), place.host()) {
            endpoint = endpoint.tls_config(self.authority.read()?.domain_name(host))?;
        }
        Ok(Arc::new(Replica {
            address: address.to_owned(),
            channel: endpoint.connect_lazy(),
            rests_until: AtomicU64::new(0),
        }))
    }

    /// Looks the names up. A name that is not found keeps the machines it had: they may still be there. `anew`: all are
    /// connected anew, since the authority changed.
    async fn look_up(&self, anew: bool) {
        let mut found = BTreeMap::new();
        for place in &self.places {
            let (host, scheme) = (place.host().unwrap_or_default(), place.scheme_str().unwrap_or("http"));
            let port = place.port_u16().unwrap_or(if scheme == "https" { 443 } else { 80 });
            let Ok(addresses) = tokio::net::lookup_host((host.trim_matches(['[', ']']), port)).await else { return };
            found.extend(addresses.map(|address| (format!("{scheme}://{address}"), place)));
        }
        let known = self.known.load_full();
        if found.is_empty() || (!anew && found.keys().eq(known.iter().map(|replica| &replica.address))) {
            return;
        }
        let kept = |address: &String| known.iter().find(|replica| !anew && replica.address == *address).cloned();
        let replicas =
            found.iter().map(|(address, place)| kept(address).map_or_else(|| self.replica(place, address), Ok));
        match replicas.collect::<anyhow::Result<Vec<_>>>() {
            Ok(replicas) => self.known.store(Arc::new(replicas)),
            Err(error) => tracing::error!(cause = format!("{error:#}"), "a replica cannot be used"),
        }
    }

    /// The replicas that a call is offered to: about a record in the order of its rendezvous hash, of others in turn; those that
    /// failed a moment ago come last.
    fn order(&self, record: Option<&[u8]>) -> Vec<Arc<Replica>> {
        let mut order: Vec<Arc<Replica>> = self.known.load().as_ref().clone();
        match record {
            Some(record) => order.sort_by_cached_key(|replica| Reverse(weight(&replica.address, record))),
            None if !order.is_empty() => {
                let turn = self.turn.fetch_add(1, Ordering::Relaxed) % order.len();
                order.rotate_left(turn);
            }
            None => {}
        }
        let now = self.now();
        order.sort_by_key(|replica| replica.rests_until.load(Ordering::Relaxed) > now);
        order.truncate(OFFERS);
        order
    }

    /// The replica of a record, whether or not it could be reached a moment ago.
    fn owner(&self, record: Option<&[u8]>) -> Option<Arc<Replica>> {
        let record = record?;
        self.known.load().iter().max_by_key(|replica| weight(&replica.address, record)).cloned()
    }

    async fn send(&self, replica: &Replica, request: Request<Body>) -> Result<Response<Body>, tonic::transport::Error> {
        let answer = replica.channel.clone().oneshot(request).await;
        if answer.is_err() {
            let until = self.now() + u64::try_from(REST.as_millis()).unwrap_or_default();
            replica.rests_until.store(until, Ordering::Relaxed);
        }
        answer
    }

    fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

/// Rendezvous hashing: the highest weight owns the record; when a replica comes or goes, only its own records move.
fn weight(address: &str, record: &[u8]) -> [u8; 8] {
    let mut bytes = address.as_bytes().to_vec();
    bytes.push(0);
    bytes.extend_from_slice(record);
    let digest = sm::sm3(&bytes);
    let mut weight = [0; 8];
    weight.copy_from_slice(&digest[..8]);
    weight
}

/// What the message's first field says, where that is text: one frame of gRPC, not compressed, then field 1 with a length.
fn record(body: &[u8]) -> Option<&[u8]> {
    let message = body.strip_prefix(&[0])?.get(4..)?;
    let length = usize::from(*message.strip_prefix(&[0x0a])?.first()?);
    // an id has fewer than 128 bytes: its length is one byte
    (length < 128).then(|| message.get(2..2 + length)).flatten()
}

fn nobody() -> Response<Body> {
    Status::unavailable("no replica is known").into_http()
}

fn again(parts: &Parts, body: &Bytes) -> Request<Body> {
    let mut request = Request::new(Body::new(Full::new(body.clone())));
    *request.method_mut() = parts.method.clone();
    *request.uri_mut() = parts.uri.clone();
    *request.headers_mut() = parts.headers.clone();
    request
}

/// The replica answers that it is stopping, or that its store is away: another one may do better.
fn is_unavailable(answer: &Response<Body>) -> bool {
    answer.headers().get("grpc-status").is_some_and(|status| status == "14")
}

/// The replica's command lost to those of others too often.
fn is_contended(answer: &Response<Body>) -> bool {
    let status = Status::from_header_map(answer.headers());
    status.is_some_and(|status| status.code() == Code::Aborted && status::reason(&status) == "CONTENDED")
}

/// The path of a question for health. A replica answers for itself alone, but the service serves where one of them does.
const PROBE: &str = "/grpc.health.v1.Health/Check";

/// The answer to a question for health, and whether it says that this replica serves.
async fn of_one(answer: Response<Body>) -> (Response<Body>, bool) {
    let (parts, body) = answer.into_parts();
    let Ok(body) = body.collect().await else { return (nobody(), false) };
    let (trailers, bytes) = (body.trailers().cloned(), body.to_bytes());
    let said = bytes.get(5..).and_then(|message| HealthCheckResponse::decode(message).ok());
    let serves = said.is_some_and(|said| said.status() == ServingStatus::Serving);
    let trailers = async move { trailers.map(Ok) };
    (Response::from_parts(parts, Body::new(Full::new(bytes).with_trailers(trailers))), serves)
}

/// Paths of the calls whose client streams: what was sent is gone.
static CLIENT_STREAMS: LazyLock<HashSet<String>> = LazyLock::new(|| {
    let set = FileDescriptorSet::decode(yiwang_proto::FILE_DESCRIPTOR_SET).unwrap_or_default();
    let mut paths = HashSet::new();
    for file in &set.file {
        for service in &file.service {
            let streams = service.method.iter().filter(|method| method.client_streaming());
            paths.extend(streams.map(|method| format!("/{}.{}/{}", file.package(), service.name(), method.name())));
        }
    }
    paths
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_upload_is_never_sent_again() {
        assert!(CLIENT_STREAMS.contains("/yiwang.intake.v1.IntakeService/UploadAttachment"));
        assert!(!CLIENT_STREAMS.contains("/yiwang.intake.v1.IntakeService/AcceptApplication"));
    }

    #[test]
    fn a_call_is_about_the_record_that_its_first_field_names() {
        let message = yiwang_proto::intake::v1::GetApplicationRequest { id: "0190".to_owned() }.encode_to_vec();
        let mut frame = vec![0, 0, 0, 0, u8::try_from(message.len()).unwrap()];
        frame.extend(message);
        assert_eq!(record(&frame), Some("0190".as_bytes()));
        assert_eq!(record(&[0, 0, 0, 0, 0]), None);
        assert_eq!(record(&[]), None);
    }

    #[test]
    fn a_replica_that_goes_moves_no_others_streams() {
        let owner = |replicas: &[&str], stream: &[u8]| {
            replicas.iter().max_by_key(|address| weight(address, stream)).map(|address| (*address).to_owned())
        };
        let all = ["http://10.0.0.1:1", "http://10.0.0.2:1", "http://10.0.0.3:1"];
        for stream in 0_u32..300 {
            let stream = stream.to_be_bytes();
            let before = owner(&all, &stream);
            let after = owner(&all[..2], &stream);
            assert!(before == after || before.as_deref() == Some(all[2]));
        }
    }
}
