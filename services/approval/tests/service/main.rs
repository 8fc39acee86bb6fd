//! Approval over gRPC, behind the real stack, on both engines.

mod examination;
mod golden;
mod procedures;
mod tasks;

#[path = "../../../shared/kit/tests/house/mod.rs"]
mod house;
#[path = "../world/running.rs"]
mod running;
#[path = "../world/mod.rs"]
mod world;

use house::Engine::{Postgres, Sqlite};
use house::{Engine, reason, until};
use rstest::rstest;
use running::{NUMBER, World, filing, licensing, open_request};
use tonic::Code;
use yiwang_approval::case::Case;
use yiwang_ledger::{AccessLog, Aggregate as _, Audiences, Kind, Refusal, StreamId};
use yiwang_proto::approval::v1 as pb;
use yiwang_proto::catalogue::v1 as items;
use yiwang_proto::clock::v1::{LimitStart, TimeLimit};
use yiwang_proto::document::v1::DocumentKind;

#[rstest]
#[tokio::test]
async fn a_grant_brings_the_licence_back_to_the_case(#[values(Sqlite, Postgres)] engine: Engine) {
    let Some(world) = World::on(engine, "2026-03-02").await else { return };
    let case = world.granted().await;
    let case = world.until(&case.id, |case| case.result.is_some()).await;
    assert_eq!(case.result.unwrap().number, "511602202600001");
    let orders = world.license.orders.lock().unwrap().clone();
    assert_eq!((orders.len(), orders[0].issue_date.as_str()), (1, "2026-03-02"));
    assert_eq!(orders[0].holder.as_ref().unwrap().document_number, NUMBER);
}

#[tokio::test]
async fn a_licence_that_is_late_shows_red_to_its_applicant_and_names_the_limit() {
    let world = World::on(Sqlite, "2026-03-02").await.unwrap();
    world.house.process.links.unplug("license");
    let case = world.granted().await;
    let clock = case.clock.unwrap();
    assert_eq!((clock.warning(), clock.delivery_due.unwrap().date.as_str()), (pb::Warning::None, "2026-03-16"));
    world.house.on("2026-03-17");
    let late = world.until(&case.id, |case| case.clock.as_ref().unwrap().warning() == pb::Warning::Red).await;
    assert_eq!(late.steps.last().unwrap().text, "颁发、送达已超过时限，已作标记");
}

#[rstest]
#[tokio::test]
async fn a_licence_repeats_only_the_fields_that_its_item_names(#[values(Sqlite, Postgres)] engine: Engine) {
    let Some(world) = World::on(engine, "2026-03-02").await else { return };
    let case = world.granted().await;
    world.until(&case.id, |case| case.result.is_some()).await;
    let data = world.license.orders.lock().unwrap()[0].data.clone().unwrap();
    assert_eq!(data.fields.keys().collect::<Vec<_>>(), ["premises_address"]);
}

#[rstest]
#[tokio::test]
async fn a_decision_gives_the_right_to_evaluate_and_names_all_who_handled(#[values(Sqlite, Postgres)] engine: Engine) {
    let Some(world) = World::on(engine, "2026-03-02").await else { return };
    world.granted().await;
    let rights = &world.evaluation.rights;
    let right = until(|| async { rights.lock().unwrap().first().cloned() }).await;
    assert_eq!(right.handlers, ["staff:approver", "staff:clerk", "staff:reviewer"]);
    assert_eq!((right.service_number, right.case_number.len()), (1, 35));
}

#[tokio::test]
async fn a_grant_waits_for_a_licence_service_that_is_away() {
    let world = World::on(Sqlite, "2026-03-02").await.unwrap();
    world.house.process.links.unplug("license");
    let case = world.granted().await;
    assert_eq!((case.phase(), case.result), (pb::CasePhase::Granted, None));
    until(|| async { (!world.house.ledger.parked().await.unwrap().is_empty()).then_some(()) }).await;
    world.plug_license();
    world.until(&case.id, |case| case.result.is_some()).await;
    assert_eq!(world.license.orders.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_licence_that_is_refused_shows_on_the_case() {
    let world = World::on(Sqlite, "2026-03-02").await.unwrap();
    let refusal = Refusal::field("type_code", "LICENSE_TYPE_INVALID", "证照类型代码不正确", "wrong");
    *world.license.refuses.lock().unwrap() = Some(refusal);
    let case = world.granted().await;
    let result = world.until(&case.id, |case| case.result.is_some()).await.result.unwrap();
    assert_eq!(
        (result.failure_reason.as_str(), result.failure_text.as_str()),
        ("LICENSE_TYPE_INVALID", "证照类型代码不正确")
    );
}

#[rstest]
#[tokio::test]
async fn a_refused_licence_is_ordered_again_with_the_mended_code(#[values(Sqlite, Postgres)] engine: Engine) {
    let Some(world) = World::on(engine, "2026-03-02").await else { return };
    let refusal = Refusal::field("type_code", "LICENSE_TYPE_INVALID", "证照类型代码不正确", "wrong");
    *world.license.refuses.lock().unwrap() = Some(refusal);
    let case = world.granted().await;
    world.until(&case.id, |case| case.result.is_some()).await;
    *world.license.refuses.lock().unwrap() = None;
    assert_eq!(world.retry_license(&case.id, "115113016823646795009").await.unwrap().result, None);
    let case = world.until(&case.id, |case| case.result.is_some()).await;
    assert_eq!(case.result.unwrap().number, "511602202600001");
    let orders = world.license.orders.lock().unwrap().clone();
    assert_eq!((orders.len(), orders[0].type_code.as_str()), (1, "115113016823646795009"));
    assert_eq!(reason(&world.retry_license(&case.id, "").await.unwrap_err()), "NO_LICENSE_REFUSED");
}

#[tokio::test]
async fn an_id_used_for_something_else_is_no_refusal_of_the_licence() {
    let world = World::on(Sqlite, "2026-03-02").await.unwrap();
    let reused = Refusal::new(Kind::AlreadyExists, "REQUEST_ID_REUSED", "请求编号已用于其他内容", "used before");
    *world.license.refuses.lock().unwrap() = Some(reused);
    let case = world.granted().await;
    let parked = until(|| async { world.house.ledger.parked().await.unwrap().pop() }).await;
    assert!(parked.error.contains("REQUEST_ID_REUSED"), "{}", parked.error);
    assert_eq!(world.read("citizen", &case.id).await.unwrap().result, None);
}

#[tokio::test]
async fn nobody_waits_for_the_licence_of_an_erased_person() {
    let world = World::on(Sqlite, "2026-03-02").await.unwrap();
    world.house.process.links.unplug("license");
    world.granted().await;
    let parked = async || world.house.ledger.parked().await.unwrap().iter().any(|parked| parked.reader == "license");
    until(|| async { parked().await.then_some(()) }).await;
    world.erase_citizen().await;
    world.plug_license();
    until(|| async { (!parked().await).then_some(()) }).await;
    assert!(world.license.orders.lock().unwrap().is_empty());
}

#[rstest]
#[tokio::test]
async fn a_case_goes_its_way_once_though_everything_is_told_twice(#[values(Sqlite, Postgres)] engine: Engine) {
    let Some(world) = World::on(engine, "2026-03-02").await else { return };
    world.license.lost.next(1);
    world.evaluation.lost.next(1);
    let owed =
        pb::OpenCaseRequest { outstanding_materials: vec!["layout".into()], ..open_request(licensing(), "2026-03-02") };
    let mut case = pb::Case::default();
    for _ in 0..2 {
        case = world.intake().open_case(owed.clone()).await.unwrap().into_inner();
    }
    for _ in 0..2 {
        world.material(&case, "layout").await.unwrap();
    }
    world.review(&case.id).await.unwrap();
    world.decide(&case.id, pb::Outcome::Grant, "").await.unwrap();
    let rights = &world.evaluation.rights;
    until(|| async { (rights.lock().unwrap().len() == 2).then_some(()) }).await;
    let case = world.until(&case.id, |case| case.result.is_some()).await;
    let steps: Vec<_> = case.steps.iter().map(|step| step.kind.as_str()).collect();
    assert_eq!(steps, ["Opened", "MaterialRecorded", "Reviewed", "Decided", "LicenseIssued"]);
    let orders = world.license.orders.lock().unwrap().clone();
    assert_eq!((orders.len(), &orders[0]), (2, &orders[1]));
    let rights = rights.lock().unwrap().clone();
    assert_eq!(rights[0], rights[1]);
}

#[rstest]
#[tokio::test]
async fn a_refusals_document_says_why_and_what_can_be_done(#[values(Sqlite, Postgres)] engine: Engine) {
    let Some(world) = World::on(engine, "2026-03-02").await else { return };
    let case = world.refused().await;
    let number = case.decision.unwrap().document_number;
    assert!(number.starts_with("BY") && number.ends_with("2026000001"), "{number}");
    let listed = world.documents("citizen", &case.id).await.unwrap();
    assert_eq!((listed.len(), &listed[0].number, listed[0].kind()), (1, &number, DocumentKind::Refusal));
    let pdf = world.document("citizen", &case.id, &number).await.unwrap().pdf;
    let text: String = pdf_extract::extract_text_from_mem(&pdf).unwrap().split_whitespace().collect();
    for words in [number.as_str(), "理由：", "救济途径：", "行政复议", "行政诉讼"] {
        assert!(text.contains(words), "{words} is not in {text}");
    }
    assert_eq!(reason(&world.document("citizen2", &case.id, &number).await.unwrap_err()), "CASE_NOT_FOUND");
    // who merely watches knows that there is a paper, and does not read what it says of the person
    assert!(!world.documents("supervisor", &case.id).await.unwrap().is_empty());
    assert_eq!(reason(&world.document("supervisor", &case.id, &number).await.unwrap_err()), "ACTION_NOT_PERMITTED");
    assert!(world.document("reviewer", &case.id, &number).await.is_ok());
    let code = listed[0].verification_url.rsplit('=').next().unwrap();
    let ask = pb::VerifyCaseDocumentRequest { number, check_code: code.into(), ..Default::default() };
    let verified = world.public_documents().verify_case_document(ask).await.unwrap().into_inner();
    assert_eq!((verified.issued, verified.kind()), (true, DocumentKind::Refusal));
}

#[rstest]
#[tokio::test]
async fn a_filing_is_recorded_at_once_with_a_receipt_and_no_licence(#[values(Sqlite, Postgres)] engine: Engine) {
    let Some(world) = World::on(engine, "2026-03-02").await else { return };
    let case = world.open(filing()).await;
    let result = case.result.clone().unwrap();
    assert_eq!((case.phase(), result.kind()), (pb::CasePhase::Granted, items::ResultKind::Receipt));
    assert!(result.number.starts_with("ZY") && case.decision.unwrap().decided_by.unwrap().id == "staff:clerk");
    until(|| async { world.evaluation.rights.lock().unwrap().first().cloned() }).await;
    assert!(world.license.orders.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_promise_is_granted_at_once_and_its_check_recorded_later() {
    let world = World::on(Sqlite, "2026-03-02").await.unwrap();
    let item = items::ItemTerms {
        rules: "licensing-promise".into(),
        notify_promise: true,
        follow_up_limit: running::limit(20),
        ..licensing()
    };
    let case = world.open(item).await;
    assert_eq!(case.follow_up.as_ref().unwrap().due.as_ref().unwrap().date, "2026-03-30");
    let request = pb::RecordFollowUpCheckRequest {
        id: case.id,
        request_id: "check-1".into(),
        outcome: pb::CheckOutcome::Passed.into(),
        findings: "与承诺一致".into(),
        ..Default::default()
    };
    let case = world.by("reviewer").record_follow_up_check(request).await.unwrap().into_inner();
    assert_eq!(case.follow_up.unwrap().outcome(), pb::CheckOutcome::Passed);
}

#[tokio::test]
async fn only_intake_opens_a_case() {
    let world = World::on(Sqlite, "2026-03-02").await.unwrap();
    for account in ["citizen", "clerk", "approver", "supervisor", "partner"] {
        let status = world.by(account).open_case(open_request(licensing(), "2026-03-02")).await.unwrap_err();
        assert_eq!(
            (status.code(), reason(&status).as_str()),
            (Code::PermissionDenied, "ACTION_NOT_PERMITTED"),
            "{account}"
        );
    }
}

#[rstest]
#[tokio::test]
async fn a_case_told_twice_is_one_case(#[values(Sqlite, Postgres)] engine: Engine) {
    let Some(world) = World::on(engine, "2026-03-02").await else { return };
    let (one, two) = (world.open(licensing()).await, world.open(licensing()).await);
    assert_eq!((&one.id, &one.etag), (&two.id, &two.etag));
    let again = pb::OpenCaseRequest { request_id: "intake-2".into(), ..open_request(licensing(), "2026-03-02") };
    let three = world.intake().open_case(again).await.unwrap().into_inner();
    assert_eq!(three.steps.len(), 1);
}

#[tokio::test]
async fn an_applicant_reads_officers_names_masked() {
    let world = World::on(Sqlite, "2026-03-02").await.unwrap();
    let case = world.open(licensing()).await;
    let written = world.review(&case.id).await.unwrap().review.unwrap().reviewed_by.unwrap().name;
    let request = pb::GetCaseRequest { id: case.id };
    let read = world.by("citizen").get_case(request).await.unwrap().into_inner();
    let masked = yiwang_standards::identity::mask_name(&written);
    assert_eq!(read.review.unwrap().reviewed_by.unwrap().name, masked);
    assert!(read.steps.iter().all(|step| step.actor.as_ref().unwrap().name != written) && masked != written);
}

#[tokio::test]
async fn one_request_id_is_one_command() {
    let world = World::on(Sqlite, "2026-03-02").await.unwrap();
    let case = world.open(licensing()).await;
    let first = world.review(&case.id).await.unwrap();
    assert_eq!(world.review(&case.id).await.unwrap(), first);
    let other = pb::ReviewCaseRequest {
        id: case.id,
        request_id: "review-1".into(),
        recommendation: pb::Outcome::Refuse.into(),
        opinion: "不符合".into(),
        ..Default::default()
    };
    let status = world.by("reviewer").review_case(other).await.unwrap_err();
    assert_eq!(reason(&status), "REQUEST_ID_REUSED");
}

#[rstest]
#[case::owner("citizen", true)]
#[case::clerk("clerk", true)]
#[case::reviewer("reviewer", true)]
#[case::supervisor("supervisor", true)]
#[case::stranger("citizen2", false)]
#[case::company("company", false)]
#[case::another_organ("health_reviewer", false)]
#[case::partner("partner", false)]
#[tokio::test]
async fn who_may_read_a_case_may_list_it_and_nobody_else(#[case] account: &str, #[case] seen: bool) {
    let world = World::on(Sqlite, "2026-03-02").await.unwrap();
    let case = world.open(licensing()).await;
    let list = world.by(account).list_cases(pb::ListCasesRequest::default()).await.unwrap().into_inner();
    assert_eq!(list.cases.len(), usize::from(seen));
    match world.read(account, &case.id).await {
        Ok(read) => assert!(seen && read.id == case.id),
        Err(status) => assert!(!seen && status.code() == Code::NotFound && reason(&status) == "CASE_NOT_FOUND"),
    }
}

#[rstest]
#[case::citizen("citizen", "ACTION_NOT_PERMITTED")]
#[case::clerk("clerk", "ACTION_NOT_PERMITTED")]
#[case::approver("approver", "ACTION_NOT_PERMITTED")]
#[case::another_organ("health_reviewer", "CASE_NOT_FOUND")]
#[tokio::test]
async fn only_the_organs_reviewer_reviews(#[case] account: &str, #[case] expected: &str) {
    let world = World::on(Sqlite, "2026-03-02").await.unwrap();
    let case = world.open(licensing()).await;
    let request = pb::ReviewCaseRequest {
        id: case.id,
        request_id: "r".into(),
        recommendation: pb::Outcome::Grant.into(),
        opinion: "同意".into(),
        ..Default::default()
    };
    let status = world.by(account).review_case(request).await.unwrap_err();
    assert_eq!(reason(&status), expected);
}

#[tokio::test]
async fn who_filed_for_another_sees_the_case_too() {
    let world = World::on(Sqlite, "2026-03-02").await.unwrap();
    let owner_subject = world.house.subject("citizen2");
    let request = pb::OpenCaseRequest { owner_subject, ..open_request(licensing(), "2026-03-02") };
    let case = world.intake().open_case(request).await.unwrap().into_inner();
    assert_eq!(world.read("citizen2", &case.id).await.unwrap().id, case.id);
}

#[rstest]
#[tokio::test]
async fn a_reading_by_staff_leaves_an_entry(#[values(Sqlite, Postgres)] engine: Engine) {
    let Some(world) = World::on(engine, "2026-03-02").await else { return };
    let case = world.open(licensing()).await;
    world.read("citizen", &case.id).await.unwrap();
    world.read("supervisor", &case.id).await.unwrap();
    let log = StreamId::named(AccessLog::KIND, &case.id);
    let entries = world.house.ledger.history(log, 0, 10).await.unwrap();
    assert_eq!(entries.iter().map(|entry| entry.actor.as_str()).collect::<Vec<_>>(), ["staff:supervisor"]);
}

#[tokio::test]
async fn a_case_that_changed_meanwhile_is_not_decided_blindly() {
    let world = World::on(Sqlite, "2026-03-02").await.unwrap();
    let case = world.open(licensing()).await;
    world.review(&case.id).await.unwrap();
    let request = pb::DecideCaseRequest {
        id: case.id,
        request_id: "d".into(),
        etag: case.etag,
        outcome: pb::Outcome::Grant.into(),
        reasons: String::new(),
    };
    let status = world.by("approver").decide_case(request).await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::Aborted, "ETAG_MISMATCH"));
}

#[rstest]
#[tokio::test]
async fn a_late_case_is_marked_by_the_timer_and_goes_on(#[values(Sqlite, Postgres)] engine: Engine) {
    let Some(world) = World::on(engine, "2026-03-02").await else { return };
    let case = world.open(licensing()).await;
    world.house.on("2026-03-31");
    let marked = |case: &pb::Case| case.steps.iter().filter(|step| step.kind == "MarkedOverdue").count() == 2;
    let case = world.until(&case.id, marked).await;
    let clock = case.clock.clone().unwrap();
    assert_eq!((case.phase(), clock.promised_overdue, clock.legal_overdue), (pb::CasePhase::Open, true, true));
    assert_eq!(clock.warning(), pb::Warning::Red);
    let said: Vec<_> = case.steps[1..].iter().map(|step| step.text.as_str()).collect();
    assert_eq!(said, ["办理已超过承诺时限，已作标记", "办理已超过法定时限，已作标记"]);
    world.review(&case.id).await.unwrap();
}

#[tokio::test]
async fn a_published_year_counts_the_due_dates_again() {
    let world = World::on(Sqlite, "2026-12-18").await.unwrap();
    let request = open_request(licensing(), "2026-12-18");
    let case = world.intake().open_case(request).await.unwrap().into_inner();
    let due = |case: &pb::Case| case.clock.clone().unwrap().legal_due.unwrap();
    assert_eq!((due(&case).provisional, due(&case).missing_years), (true, vec![2027]));
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/world/2027.csv");
    yiwang_kit::calendar::import(&world.house.process.config.calendar_dir(), &file).unwrap();
    world.house.process.legal.follow(world.house.process.shutdown.clone());
    let after = world.until(&case.id, |case| !due(case).provisional).await;
    assert!(due(&after).date > due(&case).date && after.steps[1].kind == "DueDatesRecomputed");
}

#[rstest]
#[case::recommendation(pb::ReviewCaseRequest { opinion: "同意".into(), ..Default::default() }, "RECOMMENDATION_MISSING")]
#[case::opinion(pb::ReviewCaseRequest { recommendation: 1, opinion: " ".into(), ..Default::default() }, "OPINION_MISSING")]
#[case::too_long(pb::ReviewCaseRequest { recommendation: 1, opinion: "长".repeat(1001), ..Default::default() }, "FIELD_INVALID")]
#[case::request_id(pb::ReviewCaseRequest { recommendation: 1, opinion: "同意".into(), request_id: String::new(), ..Default::default() }, "REQUEST_ID_MISSING")]
#[case::etag(pb::ReviewCaseRequest { recommendation: 1, opinion: "同意".into(), etag: "x".into(), ..Default::default() }, "ETAG_MISMATCH")]
#[tokio::test]
async fn a_review_that_says_nothing_is_refused(#[case] request: pb::ReviewCaseRequest, #[case] expected: &str) {
    let world = World::on(Sqlite, "2026-03-02").await.unwrap();
    let id = world.open(licensing()).await.id;
    let request_id = if expected == "REQUEST_ID_MISSING" { String::new() } else { "r".into() };
    let status =
        world.by("reviewer").review_case(pb::ReviewCaseRequest { id, request_id, ..request }).await.unwrap_err();
    assert_eq!(reason(&status), expected);
}

#[tokio::test]
async fn a_refusal_without_reasons_is_refused_and_one_with_them_names_the_remedies() {
    let world = World::on(Sqlite, "2026-03-02").await.unwrap();
    let case = world.open(licensing()).await;
    world.review(&case.id).await.unwrap();
    let status = world.decide(&case.id, pb::Outcome::Refuse, " ").await.unwrap_err();
    assert_eq!(reason(&status), "REASONS_MISSING");
    let decision = world.decide(&case.id, pb::Outcome::Refuse, "空气检测不合格").await.unwrap().decision.unwrap();
    assert!(decision.remedies.contains("六十日") && decision.remedies.contains("六个月"), "{}", decision.remedies);
}

#[rstest]
#[tokio::test]
async fn a_limit_from_receipt_is_counted_from_receipt_and_says_so(#[values(Sqlite, Postgres)] engine: Engine) {
    let Some(world) = World::on(engine, "2026-03-06").await else { return };
    let legal = running::limit(20).map(|limit| TimeLimit { start: LimitStart::Receipt.into(), ..limit });
    let item = items::ItemTerms { legal_limit: legal, ..licensing() };
    let request = pb::OpenCaseRequest { received_date: "2026-03-02".into(), ..open_request(item, "2026-03-06") };
    let clock = world.intake().open_case(request).await.unwrap().into_inner().clock.unwrap();
    let (legal, promised) = (clock.legal_due.unwrap(), clock.promised_due.unwrap());
    assert_eq!((legal.start_date.as_str(), legal.date.as_str()), ("2026-03-02", "2026-03-30"));
    assert_eq!((promised.start_date.as_str(), clock.received_date.as_str()), ("2026-03-06", "2026-03-02"));
    let starts = (legal.limit.unwrap().start(), promised.limit.unwrap().start());
    assert_eq!(starts, (LimitStart::Receipt, LimitStart::Acceptance));
}

#[rstest]
#[tokio::test]
async fn a_grant_waits_for_the_papers_that_were_to_follow(#[values(Sqlite, Postgres)] engine: Engine) {
    let Some(world) = World::on(engine, "2026-03-02").await else { return };
    let owed = vec!["layout".to_owned()];
    let request =
        pb::OpenCaseRequest { outstanding_materials: owed.clone(), ..open_request(licensing(), "2026-03-02") };
    let case = world.intake().open_case(request).await.unwrap().into_inner();
    assert_eq!(world.read("citizen", &case.id).await.unwrap().outstanding_materials, owed);
    world.review(&case.id).await.unwrap();
    let status = world.decide(&case.id, pb::Outcome::Grant, "").await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::FailedPrecondition, "MATERIALS_OUTSTANDING"));
    let told = world.material(&case, "layout").await.unwrap();
    let again = world.material(&case, "layout").await.unwrap();
    assert_eq!((told.outstanding_materials.len(), &told.etag), (0, &again.etag));
    assert_eq!(world.decide(&case.id, pb::Outcome::Grant, "").await.unwrap().phase(), pb::CasePhase::Granted);
}

#[rstest]
#[case::after_acceptance(pb::OpenCaseRequest { received_date: "2026-03-03".into(), ..told() }, "TERMS_INVALID")]
#[case::no_day(pb::OpenCaseRequest { received_date: "3月2日".into(), ..told() }, "TERMS_INVALID")]
#[case::owner_subject(pb::OpenCaseRequest { owner_subject: "ab".repeat(31), ..told() }, "FIELD_INVALID")]
#[tokio::test]
async fn what_a_relay_tells_wrongly_is_refused(#[case] request: pb::OpenCaseRequest, #[case] expected: &str) {
    let world = World::on(Sqlite, "2026-03-02").await.unwrap();
    let status = world.intake().open_case(request).await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::InvalidArgument, expected));
}

fn told() -> pb::OpenCaseRequest {
    open_request(licensing(), "2026-03-02")
}

#[tokio::test]
async fn terms_that_name_no_organ_are_refused() {
    let world = World::on(Sqlite, "2026-03-02").await.unwrap();
    let item = items::ItemTerms { department_code: String::new(), ..licensing() };
    let status = world.intake().open_case(open_request(item, "2026-03-02")).await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::InvalidArgument, "TERMS_INVALID"));
}

#[tokio::test]
async fn a_withdrawal_by_intake_ends_the_case_and_a_decided_one_stays() {
    let world = World::on(Sqlite, "2026-03-02").await.unwrap();
    let case = world.open(licensing()).await;
    let request = pb::WithdrawCaseRequest {
        request_id: "w-1".into(),
        application_id: case.application_id.clone(),
        reason: "不办了".into(),
        actor: None,
    };
    let ended = world.intake().withdraw_case(request.clone()).await.unwrap().into_inner();
    assert_eq!(ended.phase(), pb::CasePhase::Withdrawn);
    assert_eq!(reason(&world.review(&case.id).await.unwrap_err()), "WRONG_PHASE");
    let again = pb::WithdrawCaseRequest { request_id: "w-2".into(), ..request };
    assert_eq!(world.intake().withdraw_case(again).await.unwrap().into_inner().etag, ended.etag);
}

#[rstest]
#[tokio::test]
async fn open_cases_are_listed_by_their_due_date_and_ended_ones_after_them(#[values(Sqlite, Postgres)] engine: Engine) {
    let Some(world) = World::on(engine, "2026-03-02").await else { return };
    for (number, days) in [(1, 30), (2, 10), (3, 20), (4, 5)] {
        let item = items::ItemTerms { legal_limit: running::limit(days), ..licensing() };
        world.intake().open_case(running::numbered(number, item)).await.unwrap();
    }
    for (ended, day) in [(3, "2026-03-03"), (1, "2026-03-04")] {
        world.house.on(day);
        world.withdraw(ended).await;
    }
    for account in ["citizen", "reviewer"] {
        let list = world.by(account).list_cases(pb::ListCasesRequest::default()).await.unwrap().into_inner().cases;
        let listed: Vec<_> = list.iter().map(|case| case.case_number.as_str()).collect();
        assert_eq!(listed, ["N4", "N2", "N1", "N3"], "{account}");
    }
}

#[tokio::test]
async fn lists_show_masked_names_and_filter_by_phase() {
    let world = World::on(Sqlite, "2026-03-02").await.unwrap();
    world.open(licensing()).await;
    let ask = |phase: pb::CasePhase| pb::ListCasesRequest { phase: phase.into(), ..Default::default() };
    let open = world.by("reviewer").list_cases(ask(pb::CasePhase::Open)).await.unwrap().into_inner().cases;
    let party = open[0].applicant.clone().unwrap();
    assert!(party.name.contains('*') && party.document_number.contains('*') && !party.document_number.contains("1985"));
    let granted = world.by("reviewer").list_cases(ask(pb::CasePhase::Granted)).await.unwrap().into_inner().cases;
    assert!(granted.is_empty());
}

#[tokio::test]
async fn no_number_name_or_phone_lies_open_in_the_data_folder() {
    let world = World::on(Sqlite, "2026-03-02").await.unwrap();
    let case = world.granted().await;
    world.until(&case.id, |case| case.result.is_some()).await;
    world.house.assert_nowhere_in_clear(&[NUMBER, "张建国", "13900002222", "滨江路", "材料齐全"]);
}

#[rstest]
#[tokio::test]
async fn the_chain_verifies_and_the_record_can_be_made_anew(#[values(Sqlite, Postgres)] engine: Engine) {
    let Some(world) = World::on(engine, "2026-03-02").await else { return };
    let case = world.granted().await;
    let case = world.until(&case.id, |case| case.result.is_some()).await;
    assert!(world.house.ledger.verify().await.unwrap().problems.is_empty());
    world.house.ledger.rebuild::<Case>().await.unwrap();
    let id = StreamId::parse("id", &case.id).unwrap();
    let read = world.house.ledger.get::<Case>(id, &Audiences::all()).await.unwrap().unwrap();
    assert_eq!((read.state.status(), read.version.to_string()), ("GRANTED", case.etag));
}
