//! Tasks and rosters over gRPC.

use rstest::rstest;
use tonic::{Code, Response, Status};
use yiwang_proto::approval::v1 as pb;
use yiwang_proto::approval::v1::roster_service_client::RosterServiceClient;
use yiwang_proto::approval::v1::task_service_client::TaskServiceClient;

use crate::house::Engine::{self, Postgres, Sqlite};
use crate::house::reason;
use crate::running::{World, licensing, numbered, organ};

fn roster(world: &World, account: &str) -> RosterServiceClient<yiwang_kit::Link> {
    RosterServiceClient::new(world.house.by(account))
}

fn tasks(world: &World, account: &str) -> TaskServiceClient<yiwang_kit::Link> {
    TaskServiceClient::new(world.house.by(account))
}

async fn put(world: &World, by: &str, account: &str, stand_in: &str) -> Result<pb::Roster, Status> {
    let duty = if account.contains("approver") { pb::PostDuty::Decide } else { pb::PostDuty::Review };
    let post = pb::SetPostRequest {
        organisation_code: organ(),
        request_id: format!("post-{account}-{stand_in}"),
        account: account.into(),
        name: "陈志强".into(),
        duties: vec![duty.into()],
        stand_in: stand_in.into(),
        ..Default::default()
    };
    roster(world, by).set_post(post).await.map(Response::into_inner)
}

async fn away(world: &World, by: &str, account: &str, until: &str) -> Result<pb::Roster, Status> {
    let duty = pb::SetPostDutyRequest {
        organisation_code: organ(),
        request_id: format!("away-{by}-{until}"),
        account: account.into(),
        away: true,
        until: until.into(),
        ..Default::default()
    };
    roster(world, by).set_post_duty(duty).await.map(Response::into_inner)
}

async fn assign(world: &World, by: &str, id: &str, account: &str) -> Result<pb::Case, Status> {
    let ask = pb::AssignTaskRequest {
        id: id.into(),
        request_id: format!("give-{account}-{by}-{}", &id[24..]),
        account: account.into(),
        reason: "请尽快办理".into(),
        ..Default::default()
    };
    tasks(world, by).assign_task(ask).await.map(Response::into_inner)
}

async fn claim(world: &World, by: &str, id: &str) -> Result<pb::Case, Status> {
    let ask =
        pb::ClaimTaskRequest { id: id.into(), request_id: format!("claim-{by}-{}", &id[24..]), ..Default::default() };
    tasks(world, by).claim_task(ask).await.map(Response::into_inner)
}

async fn found(world: &World, by: &str, ask: pb::ListCasesRequest) -> Vec<String> {
    let page = world.by(by).list_cases(ask).await.unwrap().into_inner();
    page.cases.into_iter().map(|case| case.case_number).collect()
}

fn holder(holder: &str) -> pb::ListCasesRequest {
    pb::ListCasesRequest { holder: holder.into(), ..Default::default() }
}

fn free() -> pb::ListCasesRequest {
    pb::ListCasesRequest { free: true, ..Default::default() }
}

#[rstest]
#[tokio::test]
async fn the_head_gives_a_task_and_its_officer_alone_does_it(#[values(Sqlite, Postgres)] engine: Engine) {
    let Some(world) = World::on(engine, "2026-03-02").await else { return };
    assert_eq!(put(&world, "reviewer", "staff:reviewer", "").await.unwrap_err().code(), Code::PermissionDenied);
    let kept = put(&world, "head", "staff:reviewer", "").await.unwrap();
    assert_eq!(put(&world, "head", "staff:reviewer", "").await.unwrap(), kept, "said twice");
    put(&world, "head", "staff:another", "").await.unwrap();
    let ids = [1, 2].map(|number| numbered(number, licensing()));
    let mut opened = Vec::new();
    for request in ids {
        opened.push(world.intake().open_case(request).await.unwrap().into_inner().id);
    }
    assert_eq!(found(&world, "reviewer", free()).await.len(), 2);
    assert_eq!(reason(&assign(&world, "head", &opened[0], "staff:nobody").await.unwrap_err()), "POST_UNKNOWN");
    assert_eq!(reason(&assign(&world, "reviewer", &opened[0], "staff:another").await.unwrap_err()), "NOT_YOUR_TASK");
    let given = assign(&world, "head", &opened[0], "staff:another").await.unwrap();
    let task = given.tasks[0].clone();
    assert_eq!((task.step_code.as_str(), task.holder.unwrap().id.as_str()), ("review", "staff:another"));
    assert_eq!((task.given_by.unwrap().id.as_str(), task.reason.as_str()), ("staff:head", "请尽快办理"));
    let held = world.review(&opened[0]).await.unwrap_err();
    assert_eq!((held.code(), reason(&held).as_str()), (Code::FailedPrecondition, "TASK_HELD"));
    assert_eq!(found(&world, "reviewer", holder("staff:another")).await, ["N1"]);
    assert_eq!(found(&world, "reviewer", free()).await, ["N2"]);
    claim(&world, "reviewer", &opened[1]).await.unwrap();
    assert_eq!(found(&world, "reviewer", holder("me")).await, ["N2"]);
    let both = pb::ListCasesRequest { free: true, ..holder("me") };
    assert_eq!(reason(&world.by("reviewer").list_cases(both).await.unwrap_err()), "FIELD_INVALID");
    // the applicant hears that it is to be done, not by whom
    let seen = world.read("citizen", &opened[0]).await.unwrap();
    assert_eq!((seen.tasks.len(), seen.tasks[0].holder.clone(), seen.tasks[0].reason.as_str()), (1, None, ""));
    for ask in [holder("staff:another"), free()] {
        assert_eq!(reason(&world.by("citizen").list_cases(ask).await.unwrap_err()), "FIELD_INVALID");
    }
    let lines = world.by("citizen").list_cases(pb::ListCasesRequest::default()).await.unwrap().into_inner().cases;
    let tasks_of: Vec<_> = lines.iter().flat_map(|line| &line.tasks).collect();
    assert!(tasks_of.len() == 2 && tasks_of.iter().all(|task| task.holder.is_none()));
    assert!(seen.steps.iter().all(|step| step.kind != "TaskGiven"));
    let back = pb::ReleaseTaskRequest {
        id: opened[1].clone(),
        request_id: "back".into(),
        reason: "不熟悉该行业".into(),
        ..Default::default()
    };
    let back = tasks(&world, "reviewer").release_task(back).await.unwrap().into_inner();
    assert_eq!(back.tasks[0].holder, None);
    assert!(found(&world, "reviewer", holder("me")).await.is_empty());
}

#[rstest]
#[tokio::test]
async fn b_does_the_work_of_a_while_a_is_away(#[values(Sqlite, Postgres)] engine: Engine) {
    let Some(world) = World::on(engine, "2026-03-02").await else { return };
    put(&world, "head", "staff:reviewer", "").await.unwrap();
    put(&world, "head", "staff:zhou", "staff:reviewer").await.unwrap();
    let id = world.open(licensing()).await.id;
    assign(&world, "head", &id, "staff:zhou").await.unwrap();
    assert_eq!(reason(&world.review(&id).await.unwrap_err()), "TASK_HELD");
    assert_eq!(reason(&away(&world, "approver", "staff:zhou", "").await.unwrap_err()), "NOT_YOUR_DUTY");
    let now = away(&world, "head", "staff:zhou", "2026-03-03").await.unwrap();
    let zhou = now.posts.iter().find(|post| post.account == "staff:zhou").unwrap();
    assert_eq!((zhou.away, zhou.away_until.as_str()), (true, "2026-03-03"));
    let third = world.intake().open_case(numbered(3, licensing())).await.unwrap().into_inner().id;
    assert_eq!(reason(&assign(&world, "head", &third, "staff:zhou").await.unwrap_err()), "OFFICER_AWAY");
    let done = world.review(&id).await.unwrap();
    assert_eq!(done.review.unwrap().reviewed_by.unwrap().id, "staff:reviewer", "under their own name");
    // back again, what is Zhou's is Zhou's
    world.house.on("2026-03-04");
    let next = world.intake().open_case(numbered(2, licensing())).await.unwrap().into_inner().id;
    assign(&world, "head", &next, "staff:zhou").await.unwrap();
    assert_eq!(reason(&claim(&world, "reviewer", &next).await.unwrap_err()), "TASK_HELD");
}

#[tokio::test]
async fn a_roster_is_its_organs_and_its_supervisions() {
    let world = World::on(Sqlite, "2026-03-02").await.unwrap();
    let read = async |account: &str| {
        let ask = pb::GetRosterRequest { organisation_code: organ() };
        roster(&world, account).get_roster(ask).await.map(|answer| answer.into_inner().posts.len())
    };
    assert_eq!(read("reviewer").await.unwrap(), 0, "nobody has kept it yet");
    assert_eq!(reason(&read("fire_reviewer").await.unwrap_err()), "ROSTER_NOT_FOUND");
    put(&world, "head", "staff:reviewer", "").await.unwrap();
    assert_eq!(read("reviewer").await.unwrap(), 1);
    assert_eq!(read("supervisor").await.unwrap(), 1);
    assert_eq!(reason(&read("fire_reviewer").await.unwrap_err()), "ROSTER_NOT_FOUND");
    assert_eq!(reason(&read("citizen").await.unwrap_err()), "ROSTER_NOT_FOUND");
    let unfit = put(&world, "head", "person:citizen", "").await.unwrap_err();
    assert_eq!((unfit.code(), reason(&unfit).as_str()), (Code::InvalidArgument, "ACCOUNT_UNFIT"));
}
