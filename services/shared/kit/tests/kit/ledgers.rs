//! A service's ledger as its operators see it, and an erasure that goes round all services.

use rstest::rstest;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
use tonic::{Code, Request, Status};
use yiwang_kit::config::SERVICES;
use yiwang_kit::identity::Account;
use yiwang_kit::{Config, Link, Process, Shape, new_request_id, reason, subject};
use yiwang_ledger::{Delivery, Entry, Ledger, Resumption, Retrial, Route};
use yiwang_proto::ledger::v1::ledger_service_client::LedgerServiceClient;
use yiwang_proto::ledger::v1::*;
use yiwang_proto::party::v1::DocumentKind;
use yiwang_standards::identity::DocumentKind as Kind;

/// All five services, each with nothing but its ledger.
struct Suite {
    process: Process,
    ledgers: Vec<Ledger>,
    _dir: tempfile::TempDir,
}

const NUMBER: &str = "511602198503120016";

impl Suite {
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let config = Config { data_dir: dir.path().join("data"), ..Config::default() };
        let process = Process::open(config, Shape::Together, CancellationToken::new()).unwrap();
        let mut ledgers = Vec::new();
        for service in SERVICES {
            let ledger = process.ledger(service).await.unwrap();
            process.links.plug(service, process.front(service, ledger.clone(), Routes::default()));
            ledgers.push(ledger);
        }
        Self { process, ledgers, _dir: dir }
    }

    fn ledger(&self, account: &str, service: &str) -> LedgerServiceClient<Link> {
        let issuer = self.process.development.as_ref().unwrap();
        let token = issuer.token(Account::find(account).unwrap(), None).unwrap();
        LedgerServiceClient::new(self.process.links.get(service).with_token(&token))
    }

    async fn erase(&self, account: &str, change: impl FnOnce(&mut EraseSubjectRequest)) -> Result<(), Status> {
        let mut request = EraseSubjectRequest {
            service: "intake".into(),
            request_id: new_request_id(),
            document_number: NUMBER.into(),
            reason: "本人申请删除（个人信息保护法第四十七条）".into(),
            ..Default::default()
        };
        request.set_document_kind(DocumentKind::ResidentId);
        change(&mut request);
        self.ledger(account, "intake").erase_subject(request).await.map(drop)
    }

    /// The one delivery that waits in intake.
    async fn parked(&self) -> ParkedDelivery {
        let request = ListParkedDeliveriesRequest { service: "intake".into(), ..Default::default() };
        loop {
            let page = self.ledger("admin", "intake").list_parked_deliveries(request.clone()).await.unwrap();
            match page.into_inner().deliveries.pop() {
                Some(one) => return one,
                None => tokio::task::yield_now().await,
            }
        }
    }

    /// An erasure that another service tells of, by the same request id each time.
    async fn told(&self, grounds: &str) -> Result<(), Status> {
        let request = EraseSubjectRequest {
            service: "intake".into(),
            request_id: "told-1".into(),
            subject: "0".repeat(64),
            reason: grounds.into(),
            ..Default::default()
        };
        let link = self.process.links.get("intake").as_service("license", "");
        LedgerServiceClient::new(link).erase_subject(request).await.map(drop)
    }

    /// A read by staff is an entry: something to look at.
    async fn something(&self) -> String {
        let stream = yiwang_kit::new_stream_id();
        let call = yiwang_ledger::Call::system(new_request_id(), "0af7651916cd43dd8448eb211c80319c");
        self.ledgers[0].record_read(call, stream, "GetApplication").await.unwrap();
        let entries = self.ledgers[0].feed(0, 10).await.unwrap();
        entries.last().unwrap().stream.to_string()
    }
}

#[tokio::test]
async fn an_operator_sees_how_far_the_ledger_has_come() {
    let suite = Suite::new().await;
    suite.something().await;
    let head = suite.ledger("admin", "intake").get_head(GetHeadRequest { service: "intake".into() }).await.unwrap();
    assert_eq!((head.get_ref().service.as_str(), head.get_ref().position), ("intake", 1));
    assert!(head.get_ref().halted_relays.is_empty());
}

#[tokio::test]
async fn a_ledger_answers_to_its_own_name_alone() {
    let suite = Suite::new().await;
    let status =
        suite.ledger("admin", "intake").get_head(GetHeadRequest { service: "license".into() }).await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::NotFound, "SERVICE_NOT_FOUND"));
}

#[rstest]
#[case("citizen")]
#[case("clerk")]
#[case("approver")]
#[tokio::test]
async fn nobody_else_looks_into_a_ledger(#[case] account: &str) {
    let suite = Suite::new().await;
    let status =
        suite.ledger(account, "intake").get_head(GetHeadRequest { service: "intake".into() }).await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::PermissionDenied, "ACTION_NOT_PERMITTED"));
}

#[tokio::test]
async fn entries_are_shown_with_their_chain_and_without_their_bodies() {
    let suite = Suite::new().await;
    let request =
        ListEntriesRequest { service: "intake".into(), stream: suite.something().await, ..Default::default() };
    let page = suite.ledger("supervisor", "intake").list_entries(request).await.unwrap().into_inner();
    let entry = &page.entries[0];
    assert_eq!((entry.kind.as_str(), entry.version, entry.hash.len()), ("Read", 1, 64));
    assert_eq!(entry.previous_hash, "0".repeat(64));
}

#[rstest]
#[case("", "", "STREAM_MISSING")]
#[case("application/nonsense", "", "ID_MALFORMED")]
#[case("01a20af4-2925-732f-b5e1-ee38805706d5", "", "STREAM_NOT_FOUND")]
#[case("01a20af4-2925-732f-b5e1-ee38805706d5", "x", "PAGE_TOKEN_INVALID")]
#[tokio::test]
async fn what_is_asked_for_wrongly_is_refused(#[case] stream: &str, #[case] page_token: &str, #[case] expected: &str) {
    let suite = Suite::new().await;
    let request = ListEntriesRequest {
        service: "intake".into(),
        stream: stream.into(),
        page_token: page_token.into(),
        page_size: 0,
    };
    let status = suite.ledger("admin", "intake").list_entries(request).await.unwrap_err();
    assert_eq!(reason(&status), expected);
}

/// A receiver that refuses whatever it is told.
struct Refuses;

#[async_trait::async_trait]
impl yiwang_ledger::Route for Refuses {
    fn wants(&self, _: &yiwang_ledger::Entry) -> bool {
        true
    }

    async fn deliver(&self, _: &yiwang_ledger::Entry, _: &str) -> yiwang_ledger::Delivery {
        yiwang_ledger::Delivery::Refused { reason: "NOT_FOUND / NOT_FOUND".into() }
    }
}

#[tokio::test]
async fn parked_deliveries_are_listed_page_by_page() {
    let suite = Suite::new().await;
    for _ in 0..3 {
        suite.something().await;
    }
    suite.ledgers[0].relay("refused", Refuses);
    while suite.ledgers[0].parked().await.unwrap().len() < 3 {
        tokio::task::yield_now().await;
    }
    let page = async |page_token: String| {
        let request = ListParkedDeliveriesRequest { service: "intake".into(), page_token, page_size: 2 };
        suite.ledger("admin", "intake").list_parked_deliveries(request).await.unwrap().into_inner()
    };
    let first = page(String::new()).await;
    let second = page(first.next_page_token.clone()).await;
    assert_eq!((first.deliveries.len(), second.deliveries.len(), second.next_page_token.as_str()), (2, 1, ""));
    assert!(first.deliveries[1].stream < second.deliveries[0].stream);
}

#[rstest]
#[case("x")]
#[case("5")]
#[case("nonsense.erasure")]
#[tokio::test]
async fn a_token_of_another_list_of_deliveries_is_refused(#[case] page_token: &str) {
    let suite = Suite::new().await;
    let request = ListParkedDeliveriesRequest { service: "intake".into(), page_token: page_token.into(), page_size: 0 };
    let status = suite.ledger("admin", "intake").list_parked_deliveries(request).await.unwrap_err();
    assert_eq!(reason(&status), "PAGE_TOKEN_INVALID");
}

#[tokio::test]
async fn a_page_of_less_than_nothing_is_refused() {
    let suite = Suite::new().await;
    let request = ListParkedDeliveriesRequest { service: "intake".into(), page_size: -1, ..Default::default() };
    let status = suite.ledger("admin", "intake").list_parked_deliveries(request).await.unwrap_err();
    assert_eq!(reason(&status), "FIELD_INVALID");
}

fn retry(stream: &str) -> RetryDeliveryRequest {
    RetryDeliveryRequest {
        service: "intake".into(),
        request_id: new_request_id(),
        reader: "deaf".into(),
        stream: stream.into(),
    }
}

#[tokio::test]
async fn a_delivery_that_does_not_wait_cannot_be_retried() {
    let suite = Suite::new().await;
    let request = retry(&yiwang_kit::new_stream_id().to_string());
    let status = suite.ledger("admin", "intake").retry_delivery(request).await.unwrap_err();
    assert_eq!(reason(&status), "DELIVERY_NOT_FOUND");
}

/// A receiver that takes nothing.
struct Deaf;

#[async_trait::async_trait]
impl Route for Deaf {
    fn wants(&self, _: &Entry) -> bool {
        true
    }

    async fn deliver(&self, entry: &Entry, _: &str) -> Delivery {
        if entry.is::<Retrial>() { Delivery::NotMine } else { Delivery::Refused { reason: "no".into() } }
    }
}

#[tokio::test]
async fn a_delivery_that_waits_for_a_person_names_no_time_and_is_retried_once() {
    let suite = Suite::new().await;
    suite.ledgers[0].relay("deaf", Deaf);
    let stream = suite.something().await;
    let waiting = suite.parked().await;
    let shown = serde_json::to_value(&waiting).unwrap();
    assert_eq!((&shown["stream"], shown.get("nextTime")), (&stream.clone().into(), None));
    let request = retry(&stream);
    let first = suite.ledger("admin", "intake").retry_delivery(request.clone()).await.unwrap().into_inner();
    assert_eq!((first.tries, first.next_time.is_some()), (1, true));
    assert_eq!(suite.ledger("admin", "intake").retry_delivery(request).await.unwrap().into_inner(), first);
    let entries = suite.ledgers[0].feed(0, 10).await.unwrap();
    let retrials: Vec<_> = entries.iter().filter(|entry| entry.is::<Retrial>()).collect();
    assert_eq!((retrials.len(), retrials[0].actor.as_str()), (1, "staff:admin"));
}

/// A receiver that takes everything.
struct Takes;

#[async_trait::async_trait]
impl Route for Takes {
    fn wants(&self, _: &Entry) -> bool {
        true
    }

    async fn deliver(&self, _: &Entry, _: &str) -> Delivery {
        Delivery::Done
    }
}

/// An ask of an operator who looked at a relay that stands before the first entry.
fn resume(reader: &str) -> ResumeRelayRequest {
    ResumeRelayRequest {
        service: "intake".into(),
        request_id: new_request_id(),
        reader: reader.into(),
        epoch: 1,
        reason: "恢复了备份".into(),
        ..Default::default()
    }
}

#[rstest]
#[case::clerk("clerk", |_: &mut ResumeRelayRequest| {}, "ACTION_NOT_PERMITTED")]
#[case::supervisor("supervisor", |_: &mut ResumeRelayRequest| {}, "ACTION_NOT_PERMITTED")]
#[case::unknown("admin", |request: &mut ResumeRelayRequest| request.reader = "nobody".into(), "RELAY_NOT_FOUND")]
#[case::well("admin", |_: &mut ResumeRelayRequest| {}, "RELAY_NOT_HALTED")]
#[case::no_reason("admin", |request: &mut ResumeRelayRequest| request.reason = " ".into(), "REASON_MISSING")]
#[case::no_hash("admin", |request: &mut ResumeRelayRequest| request.hash = "0".into(), "FIELD_INVALID")]
#[tokio::test]
async fn a_relay_is_resumed_by_an_operator_who_says_why(
    #[case] account: &str,
    #[case] change: fn(&mut ResumeRelayRequest),
    #[case] expected: &str,
) {
    let suite = Suite::new().await;
    let mut request = resume("erasure");
    change(&mut request);
    while suite.ledgers[0].relays().await.unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
    let status = suite.ledger(account, "intake").resume_relay(request).await.unwrap_err();
    assert_eq!(reason(&status), expected);
}

#[tokio::test]
async fn a_relay_is_seen_to_have_halted_and_goes_on_from_where_it_was_seen() {
    let suite = Suite::new().await;
    suite.ledgers[0].relay("taken", Takes);
    suite.something().await;
    while suite.ledgers[0].relays().await.unwrap().iter().all(|relay| relay.position == 0) {
        tokio::task::yield_now().await;
    }
    suite.ledgers[0].restored(yiwang_ledger::Call::system("restored", ""), "rehearsal").await.unwrap();
    let head = loop {
        let request = GetHeadRequest { service: "intake".into() };
        let head = suite.ledger("supervisor", "intake").get_head(request).await.unwrap().into_inner();
        if head.halted_relays.iter().any(|relay| relay.reader == "taken") {
            break head;
        }
        tokio::task::yield_now().await;
    };
    let seen = head.halted_relays.iter().find(|relay| relay.reader == "taken").unwrap();
    assert!(seen.reason.starts_with("FEED_REWOUND") && seen.position > 0, "{seen:?}");
    let (epoch, position, hash) = (head.epoch, seen.position, seen.hash.clone());
    let request = ResumeRelayRequest { epoch, position, hash, ..resume("taken") };
    let resumed = suite.ledger("admin", "intake").resume_relay(request.clone()).await.unwrap().into_inner();
    assert_eq!((resumed.epoch, resumed.position, resumed.hash == seen.hash), (2, seen.position, true));
    assert_eq!(suite.ledger("admin", "intake").resume_relay(request).await.unwrap().into_inner(), resumed);
    let acts = suite.ledgers[0].feed(0, 100).await.unwrap();
    let acts: Vec<_> = acts.iter().filter(|entry| entry.is::<Resumption>()).collect();
    assert_eq!((acts.len(), acts[0].actor.as_str()), (1, "staff:admin"));
}

#[tokio::test]
async fn whoever_is_erased_in_one_service_is_erased_in_all() {
    let suite = Suite::new().await;
    let mut sealed = Vec::new();
    for ledger in &suite.ledgers {
        let person = subject(ledger.vault(), Kind::ResidentId, NUMBER);
        sealed.push(ledger.vault().seal_bytes(&person, b"here", b"secret").await.unwrap());
    }
    suite.erase("admin", |_| {}).await.unwrap();
    for (ledger, sealed) in suite.ledgers.iter().zip(&sealed) {
        let person = subject(ledger.vault(), Kind::ResidentId, NUMBER);
        while ledger.vault().open_bytes(&person, b"here", sealed).await.unwrap().is_some() {
            tokio::task::yield_now().await;
        }
        assert_eq!(ledger.head().await.unwrap().position, 1, "{}: told once, and not told on", ledger.service());
    }
}

#[tokio::test]
async fn what_no_entry_of_the_sender_told_is_an_orphan() {
    let suite = Suite::new().await;
    let told = |at: usize, by: &'static str| suite.ledgers[at].told_by(by, yiwang_ledger::Timestamp(0));
    suite.erase("admin", |_| {}).await.unwrap();
    while told(2, "intake").await.unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
    let mut passed_on = told(2, "intake").await.unwrap();
    suite.ledgers[0].strike_told(&mut passed_on, |id| id).await.unwrap();
    suite.told("删除").await.unwrap();
    let mut lost = told(0, "license").await.unwrap();
    suite.ledgers[2].strike_told(&mut lost, |id| id).await.unwrap();
    assert_eq!((passed_on.len(), lost.into_keys().collect::<Vec<_>>()), (0, vec!["told-1".to_owned()]));
}

#[tokio::test]
async fn what_a_newer_release_says_of_the_same_entry_is_the_same_call() {
    let suite = Suite::new().await;
    suite.told("删除").await.unwrap();
    suite.told("删除，换了说法").await.unwrap();
    assert_eq!(suite.ledgers[0].head().await.unwrap().position, 1);
}

#[tokio::test]
async fn a_persons_request_id_stands_for_all_that_was_said() {
    let suite = Suite::new().await;
    let erase = |grounds: &'static str| {
        suite.erase("admin", move |request| (request.request_id, request.reason) = ("e-1".into(), grounds.into()))
    };
    erase("删除").await.unwrap();
    assert_eq!(reason(&erase("另一理由").await.unwrap_err()), "REQUEST_ID_REUSED");
}

#[tokio::test]
async fn a_resident_of_taiwan_is_erased_however_the_number_was_typed() {
    let suite = Suite::new().await;
    let ledger = &suite.ledgers[0];
    let person = subject(ledger.vault(), Kind::TaiwanPermit, "830000199001010012");
    let sealed = ledger.vault().seal_bytes(&person, b"here", b"secret").await.unwrap();
    let typed = |request: &mut EraseSubjectRequest| {
        request.document_number = " ８３００００ 19900101 0012".into();
        request.set_document_kind(DocumentKind::HmtResidencePermit);
    };
    suite.erase("admin", typed).await.unwrap();
    assert_eq!(ledger.vault().open_bytes(&person, b"here", &sealed).await.unwrap(), None);
}

#[tokio::test]
async fn a_number_that_is_nobodys_erases_nobody() {
    let suite = Suite::new().await;
    let status =
        suite.erase("admin", |request| request.document_number = "511602198503120017".into()).await.unwrap_err();
    let problem = yiwang_kit::Problem::of(&status);
    assert_eq!((problem.reason.as_str(), problem.fields[0].field.as_str()), ("SUBJECT_INVALID", "document_number"));
    assert_eq!(suite.ledgers[0].head().await.unwrap().position, 0);
}

#[rstest]
#[case::clerk("clerk", |_: &mut EraseSubjectRequest| {}, "ACTION_NOT_PERMITTED")]
#[case::no_reason("admin", |request: &mut EraseSubjectRequest| request.reason.clear(), "REASON_MISSING")]
#[case::no_kind("admin", |request: &mut EraseSubjectRequest| request.document_kind = 0, "DOCUMENT_KIND_MISSING")]
#[case::no_number("admin", |request: &mut EraseSubjectRequest| request.document_number.clear(), "SUBJECT_INVALID")]
#[case::subject("admin", |request: &mut EraseSubjectRequest| request.subject = "0".repeat(64), "SUBJECT_INVALID")]
#[case::no_request_id("admin", |request: &mut EraseSubjectRequest| request.request_id.clear(), "REQUEST_ID_MISSING")]
#[tokio::test]
async fn an_erasure_needs_an_officer_a_person_and_a_ground(
    #[case] account: &str,
    #[case] change: fn(&mut EraseSubjectRequest),
    #[case] expected: &str,
) {
    let status = Suite::new().await.erase(account, change).await.unwrap_err();
    assert_eq!(reason(&status), expected);
}

#[tokio::test]
async fn an_unknown_method_has_a_reason_and_a_trace() {
    let suite = Suite::new().await;
    let mut client = yiwang_proto::trading::v1::trading_service_client::TradingServiceClient::new(
        suite.process.links.get("intake").as_service("intake", ""),
    );
    let status = client.list_notices(Request::new(Default::default())).await.unwrap_err();
    let problem = yiwang_kit::Problem::of(&status);
    assert_eq!((problem.code, problem.trace_id.len()), (Code::Unimplemented, 32));
}
