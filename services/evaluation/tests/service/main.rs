//! Evaluations over gRPC, behind the real stack, on both engines.

mod golden;

#[path = "../../../shared/kit/tests/house/mod.rs"]
mod house;

use house::Engine::{Postgres, Sqlite};
use house::{Engine, House, reason, until};
use rstest::rstest;
use tonic::{Code, Response, Status};
use yiwang_evaluation::evaluation::Evaluation;
use yiwang_kit::Link;
use yiwang_kit::identity::Account;
use yiwang_ledger::{AccessLog, Aggregate as _, StreamId};
use yiwang_proto::evaluation::v1 as pb;
use yiwang_proto::evaluation::v1::evaluation_service_client::EvaluationServiceClient;
use yiwang_proto::ledger::v1::{self as admin, ledger_service_client::LedgerServiceClient};
use yiwang_proto::{clock::v1 as clocks, party::v1 as parties};

const NUMBER: &str = "511602198503120016";
const CASE: &str = "51160220260001";

struct World {
    house: House,
}

impl World {
    async fn on(engine: Engine) -> Option<Self> {
        let open = House::open(engine, yiwang_evaluation::NAME, "2026-03-16", yiwang_evaluation::start);
        Some(Self { house: open.await? })
    }

    fn by(&self, account: &str) -> EvaluationServiceClient<Link> {
        EvaluationServiceClient::new(self.house.by(account))
    }

    async fn open(&self) -> pb::EvaluationRight {
        let link = self.house.by_service("approval");
        EvaluationServiceClient::new(link).open_right(right()).await.unwrap().into_inner()
    }

    async fn rate(&self, account: &str, request: pb::CreateEvaluationRequest) -> Result<pb::Evaluation, Status> {
        self.by(account).create_evaluation(request).await.map(Response::into_inner)
    }

    /// A right, used by its owner for a bad grade.
    async fn bad(&self, anonymous: bool) -> pb::Evaluation {
        self.open().await;
        let grade = pb::Satisfaction::Dissatisfied;
        self.rate("citizen", pb::CreateEvaluationRequest { anonymous, ..rating(grade) }).await.unwrap()
    }

    async fn reply(&self, account: &str, id: &str) -> Result<pb::Evaluation, Status> {
        let request = pb::ReplyEvaluationRequest {
            id: id.into(),
            request_id: "reply-1".into(),
            etag: String::new(),
            finding: pb::Finding::Rectified.into(),
            text: "已当场改正并向您致歉".into(),
        };
        self.by(account).reply_evaluation(request).await.map(Response::into_inner)
    }

    async fn read(&self, account: &str, id: &str) -> Result<pb::Evaluation, Status> {
        self.by(account).get_evaluation(pb::GetEvaluationRequest { id: id.into() }).await.map(Response::into_inner)
    }

    async fn list(&self, account: &str, request: pb::ListEvaluationsRequest) -> Vec<pb::Evaluation> {
        self.by(account).list_evaluations(request).await.unwrap().into_inner().evaluations
    }

    async fn pending(&self, account: &str) -> usize {
        let request = pb::ListEvaluationRightsRequest::default();
        self.by(account).list_evaluation_rights(request).await.unwrap().into_inner().rights.len()
    }
}

fn right() -> pb::OpenRightRequest {
    let approver = Account::find("approver").unwrap();
    pb::OpenRightRequest {
        request_id: "relay.1".into(),
        actor: Some(parties::Actor { id: "staff:approver".into(), ..Default::default() }),
        case_number: CASE.into(),
        service_number: 1,
        item_code: "511A0015500009".into(),
        item_name: "公共场所卫生许可新办".into(),
        department: "区行政审批局".into(),
        department_code: approver.organisations[0].clone(),
        region_code: "511602000000".into(),
        service_name: "作出准予决定".into(),
        service_time: Some(pbjson_types::Timestamp { seconds: 1_773_622_800, nanos: 0 }),
        owner: "person:citizen".into(),
        applicant: Some(parties::Party {
            name: "张建国".into(),
            document_kind: parties::DocumentKind::ResidentId.into(),
            document_number: NUMBER.into(),
            ..Default::default()
        }),
        handlers: vec!["staff:reviewer".into(), "staff:approver".into()],
        owner_subject: String::new(),
    }
}

fn rating(grade: pb::Satisfaction) -> pb::CreateEvaluationRequest {
    pb::CreateEvaluationRequest {
        request_id: "rate-1".into(),
        case_number: CASE.into(),
        satisfaction: grade.into(),
        tags: vec!["办事效率".into(), "电话13900002222".into()],
        text: "等了很久，窗口陈先生态度不好".into(),
        ..Default::default()
    }
}

#[rstest]
#[tokio::test]
async fn a_service_is_evaluated_once_by_who_was_served(#[values(Sqlite, Postgres)] engine: Engine) {
    let Some(world) = World::on(engine).await else { return };
    world.open().await;
    assert_eq!((world.pending("citizen").await, world.pending("citizen2").await), (1, 0));
    let made = world.rate("citizen", rating(pb::Satisfaction::VerySatisfied)).await.unwrap();
    assert_eq!((made.status(), made.bad, made.verification_due), (pb::EvaluationStatus::Published, false, None));
    assert_eq!(world.pending("citizen").await, 0);
    let again = pb::CreateEvaluationRequest { request_id: "rate-2".into(), ..rating(pb::Satisfaction::Satisfied) };
    let status = world.rate("citizen", again).await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::FailedPrecondition, "RIGHT_USED"));
}

#[tokio::test]
async fn nobody_evaluates_what_was_not_rendered_to_them() {
    let world = World::on(Sqlite).await.unwrap();
    let none = world.rate("citizen", rating(pb::Satisfaction::Satisfied)).await.unwrap_err();
    assert_eq!(reason(&none), "RIGHT_NOT_FOUND");
    world.open().await;
    for account in ["citizen2", "company"] {
        let status = world.rate(account, rating(pb::Satisfaction::Satisfied)).await.unwrap_err();
        assert_eq!((status.code(), reason(&status).as_str()), (Code::NotFound, "RIGHT_NOT_FOUND"), "{account}");
    }
}

#[rstest]
#[case::rated("approver")]
#[case::colleague("clerk")]
#[case::supervisor("supervisor")]
#[case::partner("partner")]
#[tokio::test]
async fn nobody_learns_by_asking_to_evaluate_whether_a_case_was_evaluated(#[case] account: &str) {
    let world = World::on(Sqlite).await.unwrap();
    let ask = || async {
        let status = world.rate(account, rating(pb::Satisfaction::Satisfied)).await.unwrap_err();
        (status.code(), reason(&status), status.message().to_owned())
    };
    let before = ask().await;
    assert_eq!((before.0, before.1.as_str()), (Code::PermissionDenied, "ACTION_NOT_PERMITTED"));
    world.open().await;
    assert_eq!(ask().await, before);
    world.bad(true).await;
    assert_eq!(ask().await, before);
}

#[tokio::test]
async fn a_right_whose_owner_cannot_be_read_is_refused() {
    let world = World::on(Sqlite).await.unwrap();
    let link = world.house.by_service("approval");
    let request = pb::OpenRightRequest { owner_subject: "某人".into(), ..right() };
    let status = EvaluationServiceClient::new(link).open_right(request).await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::InvalidArgument, "FIELD_INVALID"));
}

#[tokio::test]
async fn a_right_told_twice_is_one_right_and_only_services_tell_it() {
    let world = World::on(Sqlite).await.unwrap();
    assert_eq!(world.open().await, world.open().await);
    let status = world.by("approver").open_right(right()).await.unwrap_err();
    assert_eq!(reason(&status), "ACTION_NOT_PERMITTED");
}

#[rstest]
#[case::third(pb::Satisfaction::BasicallySatisfied, false)]
#[case::fourth(pb::Satisfaction::Dissatisfied, true)]
#[case::fifth(pb::Satisfaction::VeryDissatisfied, true)]
#[tokio::test]
async fn the_last_two_grades_alone_are_bad(#[case] grade: pb::Satisfaction, #[case] bad: bool) {
    let world = World::on(Sqlite).await.unwrap();
    world.open().await;
    let made = world.rate("citizen", rating(grade)).await.unwrap();
    assert_eq!((made.bad, made.verification_due.is_some()), (bad, bad));
}

#[rstest]
#[tokio::test]
async fn a_bad_evaluation_is_verified_within_one_working_day(#[values(Sqlite, Postgres)] engine: Engine) {
    let Some(world) = World::on(engine).await else { return };
    let made = world.bad(false).await;
    let due = made.verification_due.unwrap();
    let limit = due.limit.as_ref().unwrap();
    let shown = (due.date.as_str(), limit.unverified, limit.source());
    assert_eq!(shown, ("2026-03-17", true, clocks::LimitSource::Default));
    assert!(due.explanation.contains("第三十条") && due.explanation.contains("1个工作日"), "{}", due.explanation);
    let replied = world.reply("supervisor", &made.id).await.unwrap();
    assert_eq!((replied.status(), replied.reply.unwrap().late), (pb::EvaluationStatus::Replied, false));
    let again = pb::ReplyEvaluationRequest {
        id: made.id,
        request_id: "r2".into(),
        finding: 1,
        text: "再答".into(),
        ..Default::default()
    };
    let status = world.by("supervisor").reply_evaluation(again).await.unwrap_err();
    assert_eq!(reason(&status), "ALREADY_REPLIED");
}

#[rstest]
#[tokio::test]
async fn a_late_verification_is_marked_and_the_answer_says_so(#[values(Sqlite, Postgres)] engine: Engine) {
    let Some(world) = World::on(engine).await else { return };
    let made = world.bad(false).await;
    world.house.on("2026-03-18");
    let id = StreamId::parse("id", &made.id).unwrap();
    let marked = || async {
        let entries = world.house.ledger.history(id, 0, 10).await.unwrap();
        entries.into_iter().find(|entry| entry.kind == "VerificationOverdue")
    };
    until(marked).await;
    assert!(world.reply("supervisor", &made.id).await.unwrap().reply.unwrap().late);
}

#[rstest]
#[case::who_decided("approver", Code::PermissionDenied, "RATED_OFFICER")]
#[case::not_their_role("reviewer", Code::PermissionDenied, "ACTION_NOT_PERMITTED")]
#[case::the_citizen("citizen", Code::PermissionDenied, "ACTION_NOT_PERMITTED")]
#[case::another_organ("health_approver", Code::NotFound, "EVALUATION_NOT_FOUND")]
#[tokio::test]
async fn the_officers_who_were_rated_do_not_answer(#[case] account: &str, #[case] code: Code, #[case] expected: &str) {
    let world = World::on(Sqlite).await.unwrap();
    let made = world.bad(false).await;
    let status = world.reply(account, &made.id).await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (code, expected));
}

#[tokio::test]
async fn a_colleague_of_the_organ_answers() {
    let world = World::on(Sqlite).await.unwrap();
    let made = world.bad(false).await;
    assert_eq!(world.reply("clerk", &made.id).await.unwrap().reply.unwrap().replied_by.unwrap().id, "staff:clerk");
}

#[tokio::test]
async fn a_good_evaluation_needs_no_answer() {
    let world = World::on(Sqlite).await.unwrap();
    world.open().await;
    let made = world.rate("citizen", rating(pb::Satisfaction::Satisfied)).await.unwrap();
    assert_eq!(reason(&world.reply("supervisor", &made.id).await.unwrap_err()), "NOT_A_BAD_EVALUATION");
}

#[rstest]
#[case::author("citizen", true, CASE)]
#[case::supervisor("supervisor", true, CASE)]
#[case::rated("approver", false, "")]
#[case::colleague("clerk", false, CASE)]
#[tokio::test]
async fn the_name_is_hidden_from_the_organ_and_the_case_from_who_was_judged(
    #[case] account: &str,
    #[case] named: bool,
    #[case] case: &str,
) {
    let world = World::on(Sqlite).await.unwrap();
    let made = world.bad(false).await;
    let read = world.read(account, &made.id).await.unwrap();
    assert_eq!((read.evaluator.is_some(), read.case_number.as_str()), (named, case));
    let listed = world.list(account, pb::ListEvaluationsRequest::default()).await;
    assert_eq!((listed[0].evaluator.is_some(), listed[0].case_number.as_str()), (named, case));
    let by_case = pb::ListEvaluationsRequest { case_number: CASE.into(), ..Default::default() };
    assert_eq!(world.list(account, by_case).await.len(), usize::from(!case.is_empty()));
}

#[rstest]
#[case::author("citizen", true)]
#[case::supervisor("supervisor", false)]
#[case::rated("approver", false)]
#[case::colleague("clerk", false)]
#[tokio::test]
async fn lists_show_what_was_written_to_its_author_alone(#[case] account: &str, #[case] shown: bool) {
    let world = World::on(Sqlite).await.unwrap();
    let made = world.bad(false).await;
    world.reply("supervisor", &made.id).await.unwrap();
    let listed = world.list(account, pb::ListEvaluationsRequest::default()).await.remove(0);
    let written = [listed.text, listed.tags.concat(), listed.reply.unwrap().text];
    assert_eq!(written.map(|words| !words.is_empty()), [shown; 3]);
    let read = world.read(account, &made.id).await.unwrap();
    assert!(!read.text.is_empty() && !read.tags.is_empty());
}

#[tokio::test]
async fn a_reading_by_staff_leaves_an_entry() {
    let world = World::on(Sqlite).await.unwrap();
    let made = world.bad(false).await;
    world.read("citizen", &made.id).await.unwrap();
    world.read("supervisor", &made.id).await.unwrap();
    let log = StreamId::named(AccessLog::KIND, &made.id);
    let entries = world.house.ledger.history(log, 0, 10).await.unwrap();
    assert_eq!(entries.iter().map(|entry| entry.actor.as_str()).collect::<Vec<_>>(), ["staff:supervisor"]);
}

#[rstest]
#[case::supervisor("supervisor")]
#[case::rated("approver")]
#[tokio::test]
async fn an_anonymous_evaluation_leads_nobody_to_its_author(#[case] account: &str) {
    let world = World::on(Sqlite).await.unwrap();
    let made = world.bad(true).await;
    assert_eq!(made.case_number, CASE);
    let read = world.read(account, &made.id).await.unwrap();
    assert_eq!((read.evaluator, read.case_number.as_str()), (None, ""));
    let by_case = || pb::ListEvaluationsRequest { case_number: CASE.into(), ..Default::default() };
    assert!(world.list(account, by_case()).await.is_empty());
    assert_eq!(world.list("citizen", by_case()).await.len(), 1);
}

#[tokio::test]
async fn the_entry_of_an_anonymous_evaluation_names_nobody() {
    let world = World::on(Sqlite).await.unwrap();
    let id = StreamId::parse("id", &world.bad(true).await.id).unwrap();
    let entries = world.house.ledger.history(id, 0, 10).await.unwrap();
    assert_eq!((entries[1].kind.as_str(), entries[1].actor.as_str()), ("Rated", "person:anonymous"));
}

/// The relay's request id is made of the case's entry, and its trace is the decision's.
#[tokio::test]
async fn neither_request_nor_trace_of_an_entry_leads_to_the_case() {
    let (world, trace) = (World::on(Sqlite).await.unwrap(), "4bf92f3577b34da6a3ce929d0e0e4736");
    let relay = world.house.process.links.get(yiwang_evaluation::NAME).as_service("approval", trace);
    EvaluationServiceClient::new(relay).open_right(right()).await.unwrap();
    let stream = world.rate("citizen", rating(pb::Satisfaction::Satisfied)).await.unwrap().id;
    let request = admin::ListEntriesRequest { service: "evaluation".into(), stream, ..Default::default() };
    let mut ledger = LedgerServiceClient::new(world.house.by("supervisor"));
    let entries = ledger.list_entries(request).await.unwrap().into_inner().entries;
    assert_eq!(entries.iter().map(|entry| entry.kind.as_str()).collect::<Vec<_>>(), ["RightOpened", "Rated"]);
    assert!(entries.iter().all(|entry| !["relay.1", "rate-1"].contains(&entry.request_id.as_str())), "{entries:?}");
    assert_ne!(entries[0].trace_id, trace);
}

#[tokio::test]
async fn a_right_that_nobody_used_is_no_evaluation_and_no_ones_business() {
    let world = World::on(Sqlite).await.unwrap();
    let right = world.open().await;
    assert_eq!(reason(&world.read("citizen", &right.id).await.unwrap_err()), "EVALUATION_NOT_FOUND");
    assert_eq!(world.pending("approver").await, 0);
    assert!(world.list("supervisor", pb::ListEvaluationsRequest::default()).await.is_empty());
}

#[tokio::test]
async fn lists_filter_the_bad_and_the_waiting() {
    let world = World::on(Sqlite).await.unwrap();
    world.bad(false).await;
    let bad = pb::ListEvaluationsRequest { bad_only: true, ..Default::default() };
    let replied = pb::ListEvaluationsRequest { status: pb::EvaluationStatus::Replied.into(), ..Default::default() };
    assert_eq!(world.list("clerk", bad).await.len(), 1);
    assert!(world.list("clerk", replied).await.is_empty());
}

#[rstest]
#[case::grade(pb::CreateEvaluationRequest { satisfaction: 0, ..rating(pb::Satisfaction::Satisfied) }, "SATISFACTION_MISSING")]
#[case::unknown_grade(pb::CreateEvaluationRequest { satisfaction: 9, ..rating(pb::Satisfaction::Satisfied) }, "SATISFACTION_MISSING")]
#[case::text(pb::CreateEvaluationRequest { text: "长".repeat(501), ..rating(pb::Satisfaction::Satisfied) }, "TEXT_TOO_LONG")]
#[case::tags(pb::CreateEvaluationRequest { tags: vec!["a".into(); 11], ..rating(pb::Satisfaction::Satisfied) }, "TAGS_INVALID")]
#[case::number(pb::CreateEvaluationRequest { service_number: 100, ..rating(pb::Satisfaction::Satisfied) }, "FIELD_INVALID")]
#[case::request_id(pb::CreateEvaluationRequest { request_id: String::new(), ..rating(pb::Satisfaction::Satisfied) }, "REQUEST_ID_MISSING")]
#[tokio::test]
async fn an_evaluation_at_fault_is_refused(#[case] request: pb::CreateEvaluationRequest, #[case] expected: &str) {
    let world = World::on(Sqlite).await.unwrap();
    world.open().await;
    let status = world.rate("citizen", request).await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::InvalidArgument, expected));
}

#[tokio::test]
async fn the_citizens_words_do_not_lie_open_in_the_data_folder() {
    let world = World::on(Sqlite).await.unwrap();
    world.bad(false).await;
    world.house.assert_nowhere_in_clear(&[NUMBER, "张建国", "陈先生", "13900002222"]);
}

#[rstest]
#[tokio::test]
async fn the_chain_verifies_and_the_record_can_be_made_anew(#[values(Sqlite, Postgres)] engine: Engine) {
    let Some(world) = World::on(engine).await else { return };
    let made = world.bad(false).await;
    assert!(world.house.ledger.verify().await.unwrap().problems.is_empty());
    assert_eq!(world.house.ledger.rebuild::<Evaluation>().await.unwrap(), 1);
    assert_eq!(world.read("citizen", &made.id).await.unwrap(), made);
}
