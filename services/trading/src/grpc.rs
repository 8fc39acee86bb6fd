//! The handlers: message -> command -> ledger -> message. Nothing is decided here.

use tonic::Request;
use yiwang_kit::{Fault, Gate, Incoming, Reply, Resource, new_stream_id, receive, reply, wire};
use yiwang_ledger::{Audiences, Context, Kind, Ledger, ListQuery, Refusal, StreamId};
use yiwang_proto::trading::v1 as pb;
use yiwang_proto::trading::v1::trading_service_server::TradingService;

use crate::convert;
use crate::notice::{Notice, Published, decide, not_found, worded};

/// The service over its ledger.
#[derive(Clone)]
pub struct Trading {
    ledger: Ledger,
    gate: Gate,
}

const NOTICE: Resource<'static> =
    Resource { kind: "Notice", owner: "", organisation: "", region: "", item: "", status: "" };

impl Trading {
    /// Over a ledger and the policies.
    pub fn new(ledger: Ledger, gate: Gate) -> Self {
        Self { ledger, gate }
    }

    async fn publish(&self, incoming: Incoming<pb::PublishNoticeRequest>) -> Result<pb::Notice, Fault> {
        let (caller, message) = (incoming.caller.clone(), &incoming.message);
        let organisation = caller.organisations.first().cloned().unwrap_or_default();
        self.gate.allow(&caller, "PublishNotice", &Resource { organisation: &organisation, ..NOTICE })?;
        let follows = self.referred(&message.refers_to_notice_id).await?;
        let publish = convert::publish(message, follows, organisation)?;
        let call = incoming.call("PublishNotice", "", &message.request_id)?;
        let gate = self.gate.clone();
        let rule = move |notice: &Notice, cx: &Context| {
            let resource = Resource { organisation: &publish.organisation, region: &publish.region, ..NOTICE };
            gate.allow(&caller, "PublishNotice", &resource)?;
            decide::publish(notice, &publish, cx)
        };
        let done = self.ledger.create::<Notice>(new_stream_id(), call, rule).await.map_err(worded)?;
        Ok(convert::notice(done.stream, &done.state))
    }

    /// The notice that another follows. It never changes, so reading it before the command is as good as within.
    async fn referred(&self, id: &str) -> Result<Option<(StreamId, Published)>, Refusal> {
        if id.is_empty() {
            return Ok(None);
        }
        let id = StreamId::parse("refers_to_notice_id", id)?;
        let read = self.ledger.get::<Notice>(id, &Audiences::all()).await?;
        let published = read.and_then(|read| read.state.published.clone()).ok_or_else(|| {
            Refusal::new(
                Kind::NotFound,
                "REFERRED_NOTICE_NOT_FOUND",
                "未找到所依据的原公告",
                "the notice it follows is not there",
            )
        })?;
        Ok(Some((id, published)))
    }

    async fn list(&self, incoming: Incoming<pb::ListNoticesRequest>) -> Result<pb::ListNoticesResponse, Fault> {
        let message = &incoming.message;
        self.gate.allow(&incoming.caller, "ListNotices", &NOTICE)?;
        let mut filters: Vec<(&'static str, String)> = Vec::new();
        filters.extend(convert::class(message.trade_class()).map(|class| ("class", class.name().to_owned())));
        filters.extend(convert::kind(message.kind()).map(|kind| ("kind", kind.name().to_owned())));
        if !message.project_code.is_empty() {
            filters.push(("project", message.project_code.clone()));
        }
        let query = ListQuery {
            filters,
            page_size: wire::page_size(message.page_size)?,
            page_token: message.page_token.clone(),
        };
        let page = self.ledger.list::<Notice>(&query, &public()).await?;
        let notices = page.items.iter().map(|read| convert::notice(read.stream, &read.state)).collect();
        Ok(pb::ListNoticesResponse { notices, next_page_token: page.next_page_token })
    }

    async fn get(&self, incoming: Incoming<pb::GetNoticeRequest>) -> Result<pb::Notice, Fault> {
        self.gate.allow(&incoming.caller, "GetNotice", &NOTICE)?;
        let id = StreamId::parse("id", &incoming.message.id)?;
        let read = self.ledger.get::<Notice>(id, &public()).await?.ok_or_else(not_found)?;
        Ok(convert::notice(id, &read.state))
    }
}

/// Whoever asks, a notice is shown as the public's: a page token is good for everybody.
fn public() -> Audiences {
    Audiences::of(["public".to_owned()])
}

#[tonic::async_trait]
impl TradingService for Trading {
    async fn publish_notice(&self, request: Request<pb::PublishNoticeRequest>) -> Reply<pb::Notice> {
        reply(self.publish(receive(request)?).await)
    }

    async fn list_notices(&self, request: Request<pb::ListNoticesRequest>) -> Reply<pb::ListNoticesResponse> {
        reply(self.list(receive(request)?).await)
    }

    async fn get_notice(&self, request: Request<pb::GetNoticeRequest>) -> Reply<pb::Notice> {
        reply(self.get(receive(request)?).await)
    }
}
