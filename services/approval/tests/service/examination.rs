//! 审查环节 over gRPC: who does which step, what waits, what goes back, and what the applicant sees of it.

use rstest::rstest;
use tonic::{Code, Response, Status};
use yiwang_proto::approval::v1 as pb;
use yiwang_proto::catalogue::v1 as items;

use crate::house::Engine::{self, Postgres, Sqlite};
use crate::house::reason;
use crate::running::{World, licensing, open_request};

fn step(code: &str, name: &str, after: &[&str]) -> items::ReviewStep {
    let after = after.iter().map(|one| (*one).to_owned()).collect();
    let join = items::StepJoin::All.into();
    items::ReviewStep { code: code.into(), name: name.into(), after, join, ..Default::default() }
}

/// 资料审查 and 现场核查, then 专家评审 where the form asks for it, then 复审.
fn in_steps() -> items::ItemTerms {
    let experts = step("experts", "专家评审", &["site"]);
    let again = step("again", "复审", &["papers", "experts"]);
    let review_steps = vec![step("papers", "资料审查", &[]), step("site", "现场核查", &[]), experts, again];
    items::ItemTerms { review_steps, ..licensing() }
}

/// Opened by intake, whose form needs no experts.
async fn opened(world: &World) -> pb::Case {
    let skipped_steps = vec!["experts".into()];
    let request = pb::OpenCaseRequest { skipped_steps, ..open_request(in_steps(), "2026-03-02") };
    world.intake().open_case(request).await.unwrap().into_inner()
}

async fn review(world: &World, id: &str, step: &str, request: &str) -> Result<pb::Case, Status> {
    let ask = pb::ReviewCaseRequest {
        id: id.into(),
        request_id: format!("review-{step}-{request}"),
        recommendation: pb::Outcome::Grant.into(),
        opinion: format!("{step}符合要求"),
        step_code: step.into(),
        ..Default::default()
    };
    world.by("reviewer").review_case(ask).await.map(Response::into_inner)
}

async fn send_back(world: &World, account: &str, id: &str, (step, why): (&str, &str)) -> Result<pb::Case, Status> {
    let ask = pb::ReturnCaseRequest {
        id: id.into(),
        request_id: format!("return-{step}-{account}"),
        step_code: step.into(),
        reason: why.into(),
        ..Default::default()
    };
    world.by(account).return_case(ask).await.map(Response::into_inner)
}

async fn waiting(world: &World, step: &str) -> Vec<Vec<String>> {
    let ask = pb::ListCasesRequest { step_code: step.into(), ..Default::default() };
    let page = world.by("reviewer").list_cases(ask).await.unwrap().into_inner();
    page.cases.into_iter().map(|case| case.open_steps).collect()
}

fn standings(case: &pb::Case) -> Vec<pb::StepStanding> {
    case.review_steps.iter().map(pb::CaseReviewStep::standing).collect()
}

#[rstest]
#[tokio::test]
async fn an_examination_goes_through_its_steps_and_lists_find_what_waits(#[values(Sqlite, Postgres)] engine: Engine) {
    use pb::StepStanding::{Done, NotNeeded, Open, Waiting};
    let Some(world) = World::on(engine, "2026-03-02").await else { return };
    let case = opened(&world).await;
    assert_eq!(standings(&case), [Open, Open, NotNeeded, Waiting]);
    assert_eq!(case.item.as_ref().unwrap().review_steps, in_steps().review_steps);
    assert_eq!(waiting(&world, "site").await, [["资料审查", "现场核查"]]);
    assert!(waiting(&world, "again").await.is_empty());
    let several = world.review(&case.id).await.unwrap_err();
    assert_eq!((several.code(), reason(&several).as_str()), (Code::InvalidArgument, "STEP_MISSING"));
    assert_eq!(reason(&review(&world, &case.id, "again", "1").await.unwrap_err()), "STEP_NOT_OPEN");
    assert_eq!(reason(&review(&world, &case.id, "roof", "1").await.unwrap_err()), "STEP_UNKNOWN");
    review(&world, &case.id, "papers", "1").await.unwrap();
    let done = review(&world, &case.id, "site", "1").await.unwrap();
    assert_eq!(review(&world, &case.id, "site", "1").await.unwrap(), done, "said twice");
    assert_eq!((done.phase(), standings(&done)), (pb::CasePhase::Open, vec![Done, Done, NotNeeded, Open]));
    assert!(waiting(&world, "site").await.is_empty());
    assert_eq!(waiting(&world, "again").await, [["复审"]]);
    let early = world.decide(&case.id, pb::Outcome::Grant, "").await.unwrap_err();
    assert_eq!(reason(&early), "NOT_REVIEWED");
    let reviewed = review(&world, &case.id, "again", "1").await.unwrap();
    assert_eq!((reviewed.phase(), reviewed.review.unwrap().step_code), (pb::CasePhase::Reviewed, "again".into()));
    assert_eq!(reviewed.steps.last().unwrap().text, "“复审”环节完成");
    assert!(waiting(&world, "again").await.is_empty());
}

#[rstest]
#[tokio::test]
async fn whoever_comes_next_sends_a_case_back_and_its_applicant_hears_no_more_than_that(
    #[values(Sqlite, Postgres)] engine: Engine,
) {
    let Some(world) = World::on(engine, "2026-03-02").await else { return };
    let id = opened(&world).await.id;
    for step in ["papers", "site", "again"] {
        review(&world, &id, step, "1").await.unwrap();
    }
    let why = ("site", "现场照片不清");
    let empty = send_back(&world, "approver", &id, ("site", " ")).await.unwrap_err();
    assert_eq!((empty.code(), reason(&empty).as_str()), (Code::InvalidArgument, "REASONS_MISSING"));
    // before the decision it is the approver's turn
    let refused = send_back(&world, "reviewer", &id, why).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::PermissionDenied, "ACTION_NOT_PERMITTED"));
    let stranger = send_back(&world, "fire_approver", &id, why).await.unwrap_err();
    assert_eq!(reason(&stranger), "CASE_NOT_FOUND");
    let back = send_back(&world, "approver", &id, why).await.unwrap();
    assert_eq!(send_back(&world, "approver", &id, why).await.unwrap(), back, "said twice");
    assert_eq!((back.phase(), back.review.unwrap().step_code), (pb::CasePhase::Open, "papers".into()));
    assert_eq!((back.returns.len(), back.returns[0].reason.as_str()), (1, "现场照片不清"));
    assert_eq!(waiting(&world, "site").await, [["现场核查"]]);
    assert_eq!(
        reason(&send_back(&world, "approver", &id, ("papers", "再看")).await.unwrap_err()),
        "ACTION_NOT_PERMITTED"
    );
    review(&world, &id, "site", "2").await.unwrap();
    // now it is a reviewer's
    send_back(&world, "reviewer", &id, ("papers", "材料与现场不符")).await.unwrap();
    review(&world, &id, "papers", "2").await.unwrap();
    review(&world, &id, "again", "2").await.unwrap();
    let staff = world.read("reviewer", &id).await.unwrap();
    let stand: Vec<bool> = staff.reviews.iter().map(|review| !review.returned).collect();
    assert_eq!((stand, staff.returns.len()), (vec![false, false, false, true, true, true], 2));
    let seen = world.read("citizen", &id).await.unwrap();
    assert_eq!((seen.reviews.len(), seen.returns.len()), (3, 0));
    assert!(seen.reviews.iter().all(|review| review.reviewed_by.as_ref().unwrap().name.contains('*')));
    let told: Vec<&str> =
        seen.steps.iter().map(|step| step.text.as_str()).filter(|text| text.contains("退回")).collect();
    assert_eq!(told, ["退回“现场核查”环节，重新审查", "退回“资料审查”环节，重新审查"]);
    world.decide(&id, pb::Outcome::Grant, "").await.unwrap();
    let rights = crate::house::until(async || world.evaluation.rights.lock().unwrap().first().cloned()).await;
    assert_eq!(rights.handlers, ["staff:approver", "staff:clerk", "staff:reviewer"]);
}
