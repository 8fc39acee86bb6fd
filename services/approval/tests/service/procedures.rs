//! 特别程序 over gRPC: who asks, who allows, what the applicant is told, and what it does to the due dates.

use rstest::rstest;
use tonic::Code;
use yiwang_approval::case::Case;
use yiwang_ledger::{Audiences, StreamId};
use yiwang_proto::approval::v1 as pb;
use yiwang_proto::catalogue::v1 as items;
use yiwang_proto::document::v1::DocumentKind;

use crate::house::Engine::{self, Postgres, Sqlite};
use crate::house::{reason, until};
use crate::running::{World, extension, licensing, testing};

fn dues(case: &pb::Case) -> (String, String) {
    let clock = case.clock.clone().unwrap();
    (clock.promised_due.unwrap().date, clock.legal_due.unwrap().date)
}

fn stage(case: &pb::Case) -> pb::ProcedureStage {
    case.procedures.last().unwrap().stage()
}

#[rstest]
#[tokio::test]
async fn a_test_stops_the_clock_from_the_day_on_which_its_applicant_was_told(
    #[values(Sqlite, Postgres)] engine: Engine,
) {
    let Some(world) = World::on(engine, "2026-03-02").await else { return };
    let id = world.open(licensing()).await.id;
    let asked = world.ask(&id, testing()).await.unwrap();
    assert_eq!((stage(&asked), dues(&asked).1), (pb::ProcedureStage::Asked, "2026-03-30".into()));
    world.house.on("2026-03-09");
    let allowed = world.say("supervisor", &id, 1, "").await.unwrap();
    assert_eq!(stage(&allowed), pb::ProcedureStage::Running);
    assert_eq!(dues(&allowed), ("2026-03-26".into(), "2026-04-14".into()));
    let one = allowed.procedures[0].clone();
    assert_eq!((one.start_date.as_str(), one.until.unwrap().date.as_str()), ("2026-03-09", "2026-03-23"));
    assert!(one.document_number.starts_with("TB"), "{}", one.document_number);
}

#[tokio::test]
async fn the_applicant_reads_the_notice_and_no_officers_name_and_each_step_as_it_was_told() {
    let world = World::on(Sqlite, "2026-03-09").await.unwrap();
    let opened = crate::running::open_request(licensing(), "2026-03-02");
    let id = world.intake().open_case(opened).await.unwrap().into_inner().id;
    world.ask(&id, testing()).await.unwrap();
    world.say("supervisor", &id, 1, "").await.unwrap();
    let seen = world.read("citizen", &id).await.unwrap();
    assert!(seen.procedures[0].decided_by.as_ref().unwrap().name.contains('*'));
    assert_eq!(seen.steps.last().unwrap().text, "进行特别程序（检测），需要10个工作日，至2026-03-23止，不计入办理期限");
    // the clock of today ends later
    assert!(seen.steps[0].text.ends_with("承诺2026-03-12前办结（法定2026-03-30）"), "{}", seen.steps[0].text);
    let papers = world.documents("citizen", &id).await.unwrap();
    assert_eq!((papers.len(), papers[0].kind()), (1, DocumentKind::SpecialProcedure));
    assert!(world.document("citizen", &id, &papers[0].number).await.unwrap().pdf.starts_with(b"%PDF"));
}

#[rstest]
#[tokio::test]
async fn a_decision_waits_for_a_test_and_whoever_had_a_part_answers_no_evaluation(
    #[values(Sqlite, Postgres)] engine: Engine,
) {
    let Some(world) = World::on(engine, "2026-03-02").await else { return };
    let id = world.open(licensing()).await.id;
    world.ask(&id, testing()).await.unwrap();
    world.house.on("2026-03-09");
    world.say("supervisor", &id, 1, "").await.unwrap();
    world.review(&id).await.unwrap();
    let status = world.decide(&id, pb::Outcome::Grant, "").await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::FailedPrecondition, "PROCEDURE_UNDERWAY"));
    world.house.on("2026-03-12");
    let ended = world.end(&id, 1, "").await.unwrap();
    assert_eq!((stage(&ended), dues(&ended).1), (pb::ProcedureStage::Ended, "2026-04-02".into()));
    let granted = world.decide(&id, pb::Outcome::Grant, "").await.unwrap();
    let decision = granted.decision.unwrap();
    assert!(decision.document_number.starts_with("ZY"), "{}", decision.document_number);
    assert_eq!(world.documents("citizen", &id).await.unwrap().len(), 2);
    let right = until(|| async { world.evaluation.rights.lock().unwrap().first().cloned() }).await;
    assert_eq!(right.handlers, ["staff:approver", "staff:clerk", "staff:reviewer", "staff:supervisor"]);
}

#[rstest]
#[tokio::test]
async fn the_head_of_the_organ_extends_and_nobody_else(#[values(Sqlite, Postgres)] engine: Engine) {
    let Some(world) = World::on(engine, "2026-03-02").await else { return };
    let id = world.open(licensing()).await.id;
    world.ask(&id, extension(10)).await.unwrap();
    for who in ["reviewer", "approver", "supervisor"] {
        let status = world.say(who, &id, 1, "").await.unwrap_err();
        assert_eq!(reason(&status), "ACTION_NOT_PERMITTED", "{who}");
    }
    // the government's head sees what several organs handle together, and nothing else
    assert_eq!(reason(&world.say("government_head", &id, 1, "").await.unwrap_err()), "CASE_NOT_FOUND");
    let extended = world.say("head", &id, 1, "").await.unwrap();
    assert_eq!(
        (stage(&extended), dues(&extended)),
        (pb::ProcedureStage::Extended, ("2026-03-12".into(), "2026-04-14".into()))
    );
    assert!(extended.procedures[0].document_number.starts_with("YQ"));
    assert_eq!(reason(&world.ask(&id, extension(1)).await.unwrap_err()), "ALREADY_EXTENDED");
    // the same request again is answered as then
    assert_eq!(world.say("head", &id, 1, "").await.unwrap().etag, extended.etag);
}

#[tokio::test]
async fn the_head_of_the_government_extends_what_several_organs_handle() {
    let world = World::on(Sqlite, "2026-03-02").await.unwrap();
    let joint =
        items::ItemTerms { rules: "licensing-joint".into(), legal_limit: None, promised_limit: None, ..licensing() };
    let id = world.open(joint).await.id;
    world.ask(&id, extension(15)).await.unwrap();
    assert_eq!(reason(&world.say("head", &id, 1, "").await.unwrap_err()), "ACTION_NOT_PERMITTED");
    assert_eq!(dues(&world.say("government_head", &id, 1, "").await.unwrap()).1, "2026-05-28");
    // and sees, like the supervision, that there is a notice, not what it says
    let papers = world.documents("government_head", &id).await.unwrap();
    assert_eq!(papers.len(), 1);
    let status = world.document("government_head", &id, &papers[0].number).await.unwrap_err();
    assert_eq!(reason(&status), "ACTION_NOT_PERMITTED");
}

#[tokio::test]
async fn whoever_handles_it_for_another_organ_does_not_extend_it() {
    let world = World::on(Sqlite, "2026-03-02").await.unwrap();
    let entrusted = items::ItemTerms {
        department_code: "11511301008778490F".into(),
        entrusted_department: "区行政审批局".into(),
        entrusted_department_code: crate::running::organ(),
        ..licensing()
    };
    let id = world.open(entrusted).await.id;
    world.ask(&id, extension(10)).await.unwrap();
    assert_eq!(reason(&world.say("head", &id, 1, "").await.unwrap_err()), "ACTION_NOT_PERMITTED");
}

#[rstest]
#[tokio::test]
async fn the_supervision_finds_what_waits_for_it(#[values(Sqlite, Postgres)] engine: Engine) {
    let Some(world) = World::on(engine, "2026-03-02").await else { return };
    let id = world.open(licensing()).await.id;
    world.intake().open_case(crate::running::numbered(7, licensing())).await.unwrap();
    let with = async |stage: pb::ProcedureStage| {
        let ask = pb::ListCasesRequest { procedure: stage.into(), ..Default::default() };
        let listed = world.by("supervisor").list_cases(ask).await;
        listed.map(|listed| listed.into_inner().cases.into_iter().map(|case| case.id).collect::<Vec<_>>())
    };
    let (waiting, running) = (pb::ProcedureStage::Asked, pb::ProcedureStage::Running);
    assert!(with(waiting).await.unwrap().is_empty());
    world.ask(&id, testing()).await.unwrap();
    assert_eq!((with(waiting).await.unwrap(), with(running).await.unwrap()), (vec![id.clone()], vec![]));
    world.say("supervisor", &id, 1, "").await.unwrap();
    assert_eq!((with(waiting).await.unwrap(), with(running).await.unwrap()), (vec![], vec![id.clone()]));
    world.end(&id, 1, "2026-03-02").await.unwrap();
    assert_eq!((with(waiting).await.unwrap(), with(running).await.unwrap()), (vec![], vec![]));
    assert_eq!(reason(&with(pb::ProcedureStage::Lapsed).await.unwrap_err()), "FIELD_INVALID");
}

#[rstest]
#[tokio::test]
async fn who_looks_for_what_is_near_finds_it_by_its_colour(#[values(Sqlite, Postgres)] engine: Engine) {
    let Some(world) = World::on(engine, "2026-03-02").await else { return };
    let case = world.open(licensing()).await;
    let clock = case.clock.unwrap();
    let warns = (clock.promised_due.unwrap().warn_date, clock.legal_due.unwrap().warn_date);
    assert_eq!(warns, ("2026-03-12".into(), "2026-03-25".into()));
    world.house.on("2026-03-12");
    let seen = world.until(&case.id, |case| case.clock.as_ref().unwrap().warning() == pb::Warning::Amber).await;
    // a matter between the organ and its supervision: no step of the applicant's progress
    assert_eq!(seen.steps.len(), 1);
    for (colour, found) in [(pb::Warning::Amber, 1), (pb::Warning::Red, 0), (pb::Warning::None, 0)] {
        let ask = pb::ListCasesRequest { warning: colour.into(), ..Default::default() };
        let listed = world.by("supervisor").list_cases(ask).await.unwrap().into_inner().cases;
        assert_eq!((listed.len(), listed.iter().all(|case| case.warning() == colour)), (found, true), "{colour:?}");
    }
}

#[tokio::test]
async fn an_open_case_takes_its_place_by_the_date_to_which_it_was_moved() {
    let world = World::on(Sqlite, "2026-03-02").await.unwrap();
    for number in [1, 2] {
        let days = 18 + i32::from(number);
        let item = items::ItemTerms { legal_limit: crate::running::limit(days), ..licensing() };
        world.intake().open_case(crate::running::numbered(number, item)).await.unwrap();
    }
    let listed = async || {
        let list = world.by("reviewer").list_cases(pb::ListCasesRequest::default()).await.unwrap().into_inner().cases;
        list.into_iter().map(|case| (case.case_number, case.id)).collect::<Vec<_>>()
    };
    let before = listed().await;
    assert_eq!(before[0].0, "N1");
    world.ask(&before[0].1, extension(5)).await.unwrap();
    world.say("head", &before[0].1, 1, "").await.unwrap();
    assert_eq!(listed().await[0].0, "N2");
}

#[tokio::test]
async fn what_was_denied_and_what_lapsed_say_so() {
    let world = World::on(Sqlite, "2026-03-02").await.unwrap();
    let id = world.open(licensing()).await.id;
    world.ask(&id, testing()).await.unwrap();
    let denied = world.say("supervisor", &id, 1, "材料足以判断").await.unwrap();
    let one = denied.procedures[0].clone();
    assert_eq!((one.stage(), one.denial_reason.as_str()), (pb::ProcedureStage::Denied, "材料足以判断"));
    assert_eq!(one.document_number, "");
    world.ask(&id, extension(3)).await.unwrap();
    world.review(&id).await.unwrap();
    let granted = world.decide(&id, pb::Outcome::Grant, "").await.unwrap();
    assert_eq!(stage(&granted), pb::ProcedureStage::Lapsed);
}

#[rstest]
#[case::kind(pb::RequestProcedureRequest { kind: 0, ..testing() }, "PROCEDURE_MISSING")]
#[case::name(pb::RequestProcedureRequest { name: " ".into(), ..testing() }, "PROCEDURE_MISSING")]
#[case::no_days(pb::RequestProcedureRequest { days: 0, ..testing() }, "FIELD_INVALID")]
#[case::days(pb::RequestProcedureRequest { days: 501, ..testing() }, "FIELD_INVALID")]
#[case::less_than_none(pb::RequestProcedureRequest { days: -1, ..testing() }, "FIELD_INVALID")]
#[case::why(pb::RequestProcedureRequest { reason: String::new(), ..testing() }, "REASONS_MISSING")]
#[case::too_long(pb::RequestProcedureRequest { reason: "长".repeat(1001), ..testing() }, "FIELD_INVALID")]
#[case::rule(pb::RequestProcedureRequest { basis: String::new(), ..testing() }, "BASIS_MISSING")]
#[case::ground(pb::RequestProcedureRequest { name: "现场勘验".into(), ..testing() }, "GROUND_NOT_LISTED")]
#[tokio::test]
async fn what_is_asked_for_wrongly_is_refused(#[case] asked: pb::RequestProcedureRequest, #[case] expected: &str) {
    let world = World::on(Sqlite, "2026-03-02").await.unwrap();
    let id = world.open(licensing()).await.id;
    let status = world.ask(&id, asked).await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::InvalidArgument, expected));
}

#[tokio::test]
async fn a_procedure_that_is_not_there_is_neither_allowed_nor_ended() {
    let world = World::on(Sqlite, "2026-03-02").await.unwrap();
    let id = world.open(licensing()).await.id;
    for number in [0, -1, 2] {
        let said = world.say("supervisor", &id, number, "").await.unwrap_err();
        let ended = world.end(&id, number, "").await.unwrap_err();
        assert_eq!((reason(&said).as_str(), reason(&ended).as_str()), ("PROCEDURE_NOT_FOUND", "PROCEDURE_NOT_FOUND"));
    }
    world.ask(&id, testing()).await.unwrap();
    let no_verdict =
        pb::DecideProcedureRequest { id: id.clone(), request_id: "v".into(), number: 1, ..Default::default() };
    let status = world.by("supervisor").decide_procedure(no_verdict).await.unwrap_err();
    assert_eq!(reason(&status), "VERDICT_MISSING");
    // whoever may not see the case learns nothing of its procedures
    assert_eq!(reason(&world.say("fire_approver", &id, 1, "").await.unwrap_err()), "CASE_NOT_FOUND");
}

#[rstest]
#[tokio::test]
async fn the_record_of_a_stopped_clock_can_be_made_anew_and_says_nobodys_name(
    #[values(Sqlite, Postgres)] engine: Engine,
) {
    let Some(world) = World::on(engine, "2026-03-02").await else { return };
    let id = world.open(licensing()).await.id;
    world.ask(&id, testing()).await.unwrap();
    let before = world.say("supervisor", &id, 1, "").await.unwrap();
    world.house.ledger.rebuild::<Case>().await.unwrap();
    let stream = StreamId::parse("id", &id).unwrap();
    let read = world.house.ledger.get::<Case>(stream, &Audiences::all()).await.unwrap().unwrap();
    assert_eq!((read.version.to_string(), read.state.running().count()), (before.etag, 1));
    world.house.assert_nowhere_in_clear(&["张建国", "需要检测空气质量"]);
}
