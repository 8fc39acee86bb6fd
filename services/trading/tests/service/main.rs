//! Notices over gRPC, behind the real stack, on both engines.

mod golden;

#[path = "../../../shared/kit/tests/house/mod.rs"]
mod house;

use house::Engine::{Postgres, Sqlite};
use house::{Engine, House, nine, reason};
use rstest::rstest;
use tonic::{Code, Response, Status};
use yiwang_kit::Link;
use yiwang_kit::identity::Account;
use yiwang_proto::trading::v1 as pb;
use yiwang_proto::trading::v1::trading_service_client::TradingServiceClient;
use yiwang_trading::notice::Notice;

struct World {
    house: House,
}

impl World {
    /// On the second of February 2026, before the Spring Festival.
    async fn on(engine: Engine) -> Option<Self> {
        Some(Self { house: House::open(engine, yiwang_trading::NAME, "2026-02-02", yiwang_trading::start).await? })
    }

    async fn publish(&self, account: &str, request: pb::PublishNoticeRequest) -> Result<pb::Notice, Status> {
        let link = self.house.by(account);
        TradingServiceClient::new(link).publish_notice(request).await.map(Response::into_inner)
    }

    /// By a trading officer of another organ.
    async fn publish_elsewhere(&self, request: pb::PublishNoticeRequest) -> Result<pb::Notice, Status> {
        let trader = Account::find("trader").unwrap();
        let token = self.house.process.development.as_ref().unwrap().token(trader, Some("11511301008778490F")).unwrap();
        let link = self.house.process.links.get(self.house.name).with_token(&token);
        TradingServiceClient::new(link).publish_notice(request).await.map(Response::into_inner)
    }

    fn anybody(&self) -> TradingServiceClient<Link> {
        TradingServiceClient::new(self.house.by_nobody())
    }

    async fn list(&self, request: pb::ListNoticesRequest) -> pb::ListNoticesResponse {
        self.anybody().list_notices(request).await.unwrap().into_inner()
    }
}

fn deadline(day: &str) -> Option<pbjson_types::Timestamp> {
    Some(yiwang_kit::timestamp(nine(day)))
}

fn tender(id: &str, day: &str) -> pb::PublishNoticeRequest {
    pb::PublishNoticeRequest {
        request_id: id.into(),
        trade_class: pb::TradeClass::Construction.into(),
        kind: pb::NoticeKind::Tender.into(),
        title: "广安区滨江路改造工程施工招标公告".into(),
        content: "招标条件、项目概况与招标范围、投标人资格要求。".into(),
        project_code: "GC-2026-001".into(),
        tenderer: "广安区住房和城乡建设局".into(),
        region_code: "511602000000".into(),
        bid_deadline_time: deadline(day),
        refers_to_notice_id: String::new(),
    }
}

fn correction(id: &str, of: &str, day: Option<&str>) -> pb::PublishNoticeRequest {
    pb::PublishNoticeRequest {
        bid_deadline_time: day.and_then(deadline),
        ..following(id, of, pb::NoticeKind::Correction)
    }
}

fn following(id: &str, of: &str, kind: pb::NoticeKind) -> pb::PublishNoticeRequest {
    let (kind, refers_to_notice_id) = (kind.into(), of.into());
    pb::PublishNoticeRequest { kind, refers_to_notice_id, bid_deadline_time: None, ..tender(id, "2026-03-02") }
}

#[rstest]
#[tokio::test]
async fn a_notice_is_published_and_read_by_anybody(#[values(Sqlite, Postgres)] engine: Engine) {
    let Some(world) = World::on(engine).await else { return };
    let made = world.publish("trader", tender("n-1", "2026-02-24")).await.unwrap();
    assert!(made.notice_number.starts_with("511602-20260202-"), "{made:?}");
    let read = world.anybody().get_notice(pb::GetNoticeRequest { id: made.id.clone() }).await.unwrap().into_inner();
    assert_eq!((&read, world.list(pb::ListNoticesRequest::default()).await.notices), (&made, vec![made.clone()]));
    assert_eq!(world.publish("trader", tender("n-1", "2026-02-24")).await.unwrap(), made);
}

#[tokio::test]
async fn a_notice_names_the_organ_and_not_the_officer() {
    let world = World::on(Sqlite).await.unwrap();
    let made = world.publish("trader", tender("n-1", "2026-02-24")).await.unwrap();
    assert_eq!(made.publisher, Account::find("trader").unwrap().organisations[0]);
    assert!(!format!("{made:?}").contains("唐伟"));
}

#[tokio::test]
async fn a_bid_period_of_less_than_twenty_days_is_refused_with_the_earliest_day() {
    let world = World::on(Sqlite).await.unwrap();
    let status = world.publish("trader", tender("n-1", "2026-02-23")).await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::FailedPrecondition, "BID_PERIOD_TOO_SHORT"));
    let problem = yiwang_kit::Problem::of(&status);
    assert_eq!(problem.metadata.get("earliest_date").map(String::as_str), Some("2026-02-24"));
    assert!(problem.zh.contains("第二十四条") && problem.zh.contains("第二百零三条"), "{}", problem.zh);
}

#[rstest]
#[case::after_all_calendars(i64::MAX, 0)]
#[case::before_all_calendars(i64::MIN, 0)]
#[case::nanoseconds(1_772_000_000, -1)]
#[tokio::test]
async fn a_deadline_that_is_no_time_is_refused_and_the_list_stays(#[case] seconds: i64, #[case] nanos: i32) {
    let world = World::on(Sqlite).await.unwrap();
    let bid_deadline_time = Some(pbjson_types::Timestamp { seconds, nanos });
    let request = pb::PublishNoticeRequest { bid_deadline_time, ..tender("n-1", "2026-03-02") };
    let problem = yiwang_kit::Problem::of(&world.publish("trader", request).await.unwrap_err());
    assert_eq!((problem.reason.as_str(), problem.fields[0].field.as_str()), ("FIELD_INVALID", "bid_deadline_time"));
    assert_eq!(world.list(pb::ListNoticesRequest::default()).await.notices, []);
}

#[rstest]
#[case::procurement(pb::TradeClass::Procurement, Some("BID_PERIOD_TOO_SHORT"))]
#[case::land(pb::TradeClass::Land, None)]
#[tokio::test]
async fn the_twenty_days_bind_construction_and_procurement(
    #[case] class: pb::TradeClass,
    #[case] expected: Option<&str>,
) {
    let world = World::on(Sqlite).await.unwrap();
    let request = pb::PublishNoticeRequest { trade_class: class.into(), ..tender("n-1", "2026-02-10") };
    let refused = world.publish("trader", request).await.err();
    assert_eq!(refused.map(|status| reason(&status)).as_deref(), expected);
}

#[rstest]
#[case::in_time("2026-02-03", None, None)]
#[case::late("2026-02-25", None, Some("CORRECTION_TOO_LATE"))]
#[case::late_but_put_off("2026-02-25", Some("2026-03-20"), None)]
#[case::brought_forward("2026-02-03", Some("2026-02-25"), Some("DEADLINE_BROUGHT_FORWARD"))]
#[tokio::test]
async fn a_correction_leaves_fifteen_days_or_puts_the_deadline_off(
    #[case] on: &str,
    #[case] new: Option<&str>,
    #[case] expected: Option<&str>,
) {
    let world = World::on(Sqlite).await.unwrap();
    let first = world.publish("trader", tender("n-1", "2026-03-02")).await.unwrap();
    world.house.on(on);
    let refused = world.publish("trader", correction("n-2", &first.id, new)).await.err();
    assert_eq!(refused.map(|status| reason(&status)).as_deref(), expected);
}

/// 政府采购 has a statute of its own for late corrections; where none is known, none is cited.
#[rstest]
#[case::procurement(pb::TradeClass::Procurement, "2026-02-25", None, "《中华人民共和国政府采购法实施条例》第三十一条")]
#[case::construction(pb::TradeClass::Construction, "2026-02-25", None, "《中华人民共和国招标投标法》第二十三条")]
#[case::land(pb::TradeClass::Land, "2026-02-03", Some("2026-02-25"), "不得提前")]
#[tokio::test]
async fn a_refused_correction_cites_the_statute_of_its_class(
    #[case] class: pb::TradeClass,
    #[case] on: &str,
    #[case] new: Option<&str>,
    #[case] end: &str,
) {
    let world = World::on(Sqlite).await.unwrap();
    let of_class = |request| pb::PublishNoticeRequest { trade_class: class.into(), ..request };
    let first = world.publish("trader", of_class(tender("n-1", "2026-03-02"))).await.unwrap();
    world.house.on(on);
    let status = world.publish("trader", of_class(correction("n-2", &first.id, new))).await.unwrap_err();
    let zh = yiwang_kit::Problem::of(&status).zh;
    assert!(zh.contains(end) && zh.contains("招标投标法") == (class == pb::TradeClass::Construction), "{zh}");
}

#[rstest]
#[tokio::test]
async fn a_notice_is_corrected_once_and_its_correction_after_that(#[values(Sqlite, Postgres)] engine: Engine) {
    let Some(world) = World::on(engine).await else { return };
    let first = world.publish("trader", tender("n-1", "2026-03-02")).await.unwrap();
    let later = world.publish("trader", correction("n-2", &first.id, Some("2026-03-20"))).await.unwrap();
    let behind = world.publish("trader", correction("n-3", &first.id, None)).await.unwrap_err();
    assert_eq!((behind.code(), reason(&behind).as_str()), (Code::AlreadyExists, "NOTICE_CORRECTED_ALREADY"));
    let back = world.publish("trader", correction("n-4", &later.id, Some("2026-03-02"))).await.unwrap_err();
    assert_eq!(reason(&back), "DEADLINE_BROUGHT_FORWARD");
    let kept = world.publish("trader", correction("n-5", &later.id, None)).await.unwrap();
    assert_eq!(kept.bid_deadline_time, deadline("2026-03-20"));
}

#[rstest]
#[case::result(pb::NoticeKind::Result)]
#[case::candidates(pb::NoticeKind::Candidates)]
#[case::termination(pb::NoticeKind::Termination)]
#[tokio::test]
async fn nothing_but_a_tender_and_its_corrections_is_corrected(#[case] kind: pb::NoticeKind) {
    let world = World::on(Sqlite).await.unwrap();
    let first = world.publish("trader", tender("n-1", "2026-03-02")).await.unwrap();
    let second = world.publish("trader", following("n-2", &first.id, kind)).await.unwrap();
    let status = world.publish("trader", correction("n-3", &second.id, Some("2026-02-10"))).await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::InvalidArgument, "REFERENCE_NOT_A_TENDER"));
}

#[rstest]
#[case::title(pb::PublishNoticeRequest { title: " ".into(), ..tender("n", "2026-03-02") }, "TITLE_MISSING")]
#[case::content(pb::PublishNoticeRequest { content: String::new(), ..tender("n", "2026-03-02") }, "CONTENT_MISSING")]
#[case::project(pb::PublishNoticeRequest { project_code: String::new(), ..tender("n", "2026-03-02") }, "PROJECT_MISSING")]
#[case::tenderer(pb::PublishNoticeRequest { tenderer: String::new(), ..tender("n", "2026-03-02") }, "TENDERER_MISSING")]
#[case::region(pb::PublishNoticeRequest { region_code: "广安".into(), ..tender("n", "2026-03-02") }, "REGION_INVALID")]
#[case::class(pb::PublishNoticeRequest { trade_class: 0, ..tender("n", "2026-03-02") }, "FIELD_INVALID")]
#[case::deadline(pb::PublishNoticeRequest { bid_deadline_time: None, ..tender("n", "2026-03-02") }, "DEADLINE_MISSING")]
#[case::reference(correction("n", "", None), "REFERENCE_MISSING")]
#[case::no_id(correction("n", "abc", None), "ID_MALFORMED")]
#[tokio::test]
async fn a_notice_at_fault_is_refused(#[case] request: pb::PublishNoticeRequest, #[case] expected: &str) {
    let world = World::on(Sqlite).await.unwrap();
    let status = world.publish("trader", request).await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::InvalidArgument, expected));
}

#[tokio::test]
async fn what_follows_must_be_there_and_of_the_same_project() {
    let world = World::on(Sqlite).await.unwrap();
    let nowhere = correction("n-1", "0190d5a0-0000-7000-8000-000000000001", None);
    assert_eq!(reason(&world.publish("trader", nowhere).await.unwrap_err()), "REFERRED_NOTICE_NOT_FOUND");
    let first = world.publish("trader", tender("n-2", "2026-03-02")).await.unwrap();
    let other = pb::PublishNoticeRequest { project_code: "GC-2026-002".into(), ..correction("n-3", &first.id, None) };
    assert_eq!(reason(&world.publish("trader", other).await.unwrap_err()), "REFERENCE_MISMATCH");
}

#[rstest]
#[case::correction(pb::NoticeKind::Correction)]
#[case::result(pb::NoticeKind::Result)]
#[case::termination(pb::NoticeKind::Termination)]
#[tokio::test]
async fn what_follows_a_tender_is_published_by_its_own_organ(#[case] kind: pb::NoticeKind) {
    let world = World::on(Sqlite).await.unwrap();
    let first = world.publish("trader", tender("n-1", "2026-03-02")).await.unwrap();
    let status = world.publish_elsewhere(following("n-2", &first.id, kind)).await.unwrap_err();
    assert_eq!(reason(&status), "REFERENCE_MISMATCH");
    world.publish("trader", following("n-3", &first.id, kind)).await.unwrap();
}

#[tokio::test]
async fn a_correction_does_not_leave_the_class_whose_period_binds_it() {
    let world = World::on(Sqlite).await.unwrap();
    let first = world.publish("trader", tender("n-1", "2026-03-02")).await.unwrap();
    world.house.on("2026-02-25");
    let other = pb::TradeClass::Other.into();
    let slipped = pb::PublishNoticeRequest { trade_class: other, ..correction("n-2", &first.id, None) };
    assert_eq!(reason(&world.publish("trader", slipped).await.unwrap_err()), "REFERENCE_MISMATCH");
}

#[tokio::test]
async fn only_trading_officers_publish() {
    let world = World::on(Sqlite).await.unwrap();
    for account in ["citizen", "company", "clerk", "approver", "supervisor", "partner"] {
        let status = world.publish(account, tender("n-1", "2026-03-02")).await.unwrap_err();
        assert_eq!(reason(&status), "ACTION_NOT_PERMITTED", "{account}");
    }
    let status = TradingServiceClient::new(world.house.by_nobody()).publish_notice(tender("n", "2026-03-02")).await;
    assert_eq!(reason(&status.unwrap_err()), "TOKEN_MISSING");
}

#[rstest]
#[tokio::test]
async fn lists_come_newest_first_page_by_page_and_filtered(#[values(Sqlite, Postgres)] engine: Engine) {
    let Some(world) = World::on(engine).await else { return };
    let first = world.publish("trader", tender("n-1", "2026-03-02")).await.unwrap();
    let second = world.publish("trader", correction("n-2", &first.id, None)).await.unwrap();
    let page = world.list(pb::ListNoticesRequest { page_size: 1, ..Default::default() }).await;
    assert_eq!(page.notices[0].id, second.id);
    let next = pb::ListNoticesRequest { page_size: 1, page_token: page.next_page_token, ..Default::default() };
    assert_eq!(world.list(next).await.notices[0].id, first.id);
    let corrections = pb::ListNoticesRequest { kind: pb::NoticeKind::Correction.into(), ..Default::default() };
    assert_eq!(world.list(corrections).await.notices.len(), 1);
    let elsewhere = pb::ListNoticesRequest { project_code: "X".into(), ..Default::default() };
    assert!(world.list(elsewhere).await.notices.is_empty());
}

#[rstest]
#[tokio::test]
async fn the_chain_verifies_and_the_record_can_be_made_anew(#[values(Sqlite, Postgres)] engine: Engine) {
    let Some(world) = World::on(engine).await else { return };
    let made = world.publish("trader", tender("n-1", "2026-03-02")).await.unwrap();
    assert!(world.house.ledger.verify().await.unwrap().problems.is_empty());
    assert_eq!(world.house.ledger.rebuild::<Notice>().await.unwrap(), 1);
    assert_eq!(world.list(pb::ListNoticesRequest::default()).await.notices, [made]);
}
