//! 帮办代办: who has it in hand, in whose name they act, and what they did.

use yiwang_kit::{new_request_id, timestamp};
use yiwang_ledger::{Call, StreamId, Timestamp};
use yiwang_proto::intake::v1 as pb;
use yiwang_proto::intake::v1::agent_service_client::AgentServiceClient;
use yiwang_proto::intake::v1::engagement_service_client::EngagementServiceClient;
use yiwang_proto::intake::v1::mandate_service_client::MandateServiceClient;
use yiwang_proto::party::v1::Party;

use crate::questions::{BUREAU, FIRE_SERVICE, MARKET};
use crate::world::{CITIZEN2, FIRE, HYGIENE, World, citizen, create, noon, person, reason};

/// A town and a village of 广安区.
pub const TOWN: &str = "511602101000";
pub const VILLAGE: &str = "511602101201";
pub const AGENT: &str = "staff:agent";
pub const TOWN_AGENT: &str = "staff:town_agent";
pub const WINDOW_AGENT: &str = "staff:window_agent";

pub type Result<T> = std::result::Result<T, tonic::Status>;

fn agents(world: &World, account: &str) -> AgentServiceClient<yiwang_kit::Link> {
    AgentServiceClient::new(world.link(account))
}

pub fn engagements(world: &World, account: &str) -> EngagementServiceClient<yiwang_kit::Link> {
    EngagementServiceClient::new(world.link(account))
}

pub async fn register(world: &World, who: &str, account: &str, region: &str, capacity: i32) -> Result<pb::Agent> {
    let ask = pb::RegisterAgentRequest {
        request_id: new_request_id(),
        account: account.into(),
        name: "马超".into(),
        organisation: BUREAU.into(),
        region_code: region.into(),
        kinds: vec![pb::HelpKind::Assist.into(), pb::HelpKind::Errand.into()],
        capacity,
        ..Default::default()
    };
    agents(world, who).register_agent(ask).await.map(tonic::Response::into_inner)
}

/// Both agents, one of the county and one of a town.
pub async fn roster(world: &World) {
    register(world, "coordinator", AGENT, "511602", 2).await.unwrap();
    register(world, "coordinator", TOWN_AGENT, TOWN, 1).await.unwrap();
}

pub fn help(region: &str) -> pb::AskForHelpRequest {
    pb::AskForHelpRequest {
        request_id: new_request_id(),
        kind: pb::HelpKind::Assist.into(),
        region_code: region.into(),
        item_codes: vec![HYGIENE.into()],
        matter: "行动不便，请帮我办卫生许可".into(),
        ..Default::default()
    }
}

pub fn written(until: &str, substitution: bool) -> pb::Authorisation {
    pb::Authorisation {
        text: "委托代办员办理公共场所卫生许可".into(),
        acts: vec![pb::MandateAct::Apply.into()],
        until_date: until.into(),
        substitution,
        ..Default::default()
    }
}

pub async fn ask(world: &World, account: &str, ask: pb::AskForHelpRequest) -> Result<pb::Engagement> {
    engagements(world, account).ask_for_help(ask).await.map(tonic::Response::into_inner)
}

async fn assign(world: &World, account: &str, id: &str, to: &str) -> Result<pb::Engagement> {
    let (id, account_named, reason) = (id.into(), to.into(), "熟悉该事项".into());
    let ask = pb::AssignEngagementRequest {
        id,
        request_id: new_request_id(),
        account: account_named,
        reason,
        ..Default::default()
    };
    engagements(world, account).assign_engagement(ask).await.map(tonic::Response::into_inner)
}

pub async fn authorise(world: &World, id: &str, given: pb::Authorisation) -> Result<pb::Engagement> {
    authorise_as(world, "citizen", id, given).await
}

async fn authorise_as(world: &World, who: &str, id: &str, given: pb::Authorisation) -> Result<pb::Engagement> {
    let (id, authorisation) = (id.into(), Some(given));
    let ask = pb::AuthoriseAgentRequest { id, request_id: new_request_id(), authorisation, ..Default::default() };
    engagements(world, who).authorise_agent(ask).await.map(tonic::Response::into_inner)
}

async fn link(world: &World, who: &str, id: &str, application: &str) -> Result<pb::Engagement> {
    let (id, application_id) = (id.into(), application.into());
    let ask = pb::LinkApplicationRequest { id, request_id: new_request_id(), application_id, ..Default::default() };
    engagements(world, who).link_application(ask).await.map(tonic::Response::into_inner)
}

async fn invite(world: &World, who: &str, id: &str, organ: &str) -> Result<pb::Engagement> {
    let ask = pb::CallJointMeetingRequest {
        id: id.into(),
        request_id: new_request_id(),
        agenda: "并联办理".into(),
        organisations: vec![organ.into()],
        time: Some(timestamp(noon(2026, 3, 3))),
        place: "政务中心三楼".into(),
        ..Default::default()
    };
    engagements(world, who).call_joint_meeting(ask).await.map(tonic::Response::into_inner)
}

pub async fn withdraw(world: &World, account: &str, id: &str) -> Result<pb::Engagement> {
    let ask = pb::WithdrawAuthorisationRequest { id: id.into(), request_id: new_request_id(), ..Default::default() };
    engagements(world, account).withdraw_authorisation(ask).await.map(tonic::Response::into_inner)
}

pub async fn hand_over(world: &World, account: &str, id: &str, to: &str) -> Result<pb::Engagement> {
    let (id, named, open_matters) = (id.into(), to.into(), "尚缺平面图".into());
    let ask = pb::OfferHandOverRequest {
        id,
        request_id: new_request_id(),
        account: named,
        open_matters,
        ..Default::default()
    };
    engagements(world, account).offer_hand_over(ask).await.map(tonic::Response::into_inner)
}

pub async fn accept(world: &World, account: &str, id: &str) -> Result<pb::Engagement> {
    let ask = pb::AcceptHandOverRequest { id: id.into(), request_id: new_request_id(), ..Default::default() };
    engagements(world, account).accept_hand_over(ask).await.map(tonic::Response::into_inner)
}

fn step(id: &str) -> pb::RecordStepRequest {
    pb::RecordStepRequest {
        id: id.into(),
        request_id: new_request_id(),
        visit: true,
        what: "上门收取材料".into(),
        place: "枣山街道".into(),
        with_whom: "张建国".into(),
        next: "周三补平面图".into(),
        ..Default::default()
    }
}

async fn record(world: &World, account: &str, step: pb::RecordStepRequest) -> Result<pb::Engagement> {
    engagements(world, account).record_step(step).await.map(tonic::Response::into_inner)
}

async fn report(world: &World, account: &str, id: &str) -> Result<pb::Engagement> {
    let (id, report) = (id.into(), "已领证".into());
    let ask = pb::ReportEngagementRequest { id, request_id: new_request_id(), report, ..Default::default() };
    engagements(world, account).report_engagement(ask).await.map(tonic::Response::into_inner)
}

async fn confirm(world: &World, account: &str, id: &str, agrees: bool) -> Result<pb::Engagement> {
    let reason = if agrees { String::new() } else { "证上地址有误".into() };
    let (id, request_id) = (id.into(), new_request_id());
    let ask = pb::ConfirmEngagementRequest { id, request_id, agrees, reason, ..Default::default() };
    engagements(world, account).confirm_engagement(ask).await.map(tonic::Response::into_inner)
}

pub async fn read(world: &World, account: &str, id: &str) -> Result<pb::Engagement> {
    let ask = pb::GetEngagementRequest { id: id.into() };
    engagements(world, account).get_engagement(ask).await.map(tonic::Response::into_inner)
}

async fn load(world: &World, account: &str) -> i32 {
    let id = StreamId::named("agent", account).to_string();
    agents(world, "citizen").get_agent(pb::GetAgentRequest { id }).await.unwrap().into_inner().load
}

pub fn helper(one: &pb::Engagement) -> &str {
    one.assignments.last().map_or("", |assigned| &assigned.account)
}

/// Why an account may not begin the citizen's application for the permit today; empty where it may.
async fn refused(world: &World, account: &str) -> String {
    let request = pb::CreateApplicationRequest { applicant: Some(citizen()), ..create(HYGIENE) };
    let who = account.strip_prefix("staff:").unwrap();
    world.as_(who).create_application(request).await.err().map(|status| reason(&status)).unwrap_or_default()
}

pub async fn the_nearest_agent_who_is_free_is_asked_first(world: World) {
    assert_eq!(reason(&register(&world, "coordinator", AGENT, "511603", 1).await.unwrap_err()), "ACTION_NOT_PERMITTED");
    roster(&world).await;
    let first = ask(&world, "citizen", help(VILLAGE)).await.unwrap();
    assert_eq!((first.stage(), helper(&first)), (pb::EngagementStage::InHand, TOWN_AGENT));
    let second = ask(&world, "citizen2", help(VILLAGE)).await.unwrap();
    let third = ask(&world, "company", help("511602")).await.unwrap();
    assert_eq!((helper(&second), helper(&third)), (AGENT, AGENT));
    let fourth = ask(&world, "citizen", help(VILLAGE)).await.unwrap();
    assert_eq!((fourth.stage(), helper(&fourth)), (pb::EngagementStage::Waiting, ""));
    assert_eq!((load(&world, AGENT).await, load(&world, TOWN_AGENT).await), (2, 1));
    // whoever becomes free takes what waits
    withdraw(&world, "citizen", &first.id).await.unwrap();
    let taken =
        async || Some(read(&world, "citizen", &fourth.id).await.unwrap()).filter(|one| helper(one) == TOWN_AGENT);
    world.until(taken).await;
    let investment = pb::AskForHelpRequest { kind: pb::HelpKind::Investment.into(), ..help(VILLAGE) };
    assert_eq!(ask(&world, "citizen", investment).await.unwrap().stage(), pb::EngagementStage::Waiting);
}

pub async fn a_coordinator_assigns_with_a_reason_and_nobody_past_what_they_take(world: World) {
    roster(&world).await;
    let first = ask(&world, "citizen", help(VILLAGE)).await.unwrap();
    assert_eq!(reason(&assign(&world, "clerk", &first.id, AGENT).await.unwrap_err()), "ENGAGEMENT_NOT_FOUND");
    let moved = assign(&world, "coordinator", &first.id, AGENT).await.unwrap();
    assert_eq!((helper(&moved), moved.assignments.last().unwrap().reason.as_str()), (AGENT, "熟悉该事项"));
    assert_eq!((load(&world, AGENT).await, load(&world, TOWN_AGENT).await), (1, 0));
    let here = ask(&world, "citizen2", help(VILLAGE)).await.unwrap();
    assert_eq!(helper(&here), TOWN_AGENT);
    let there = ask(&world, "company", help("511602")).await.unwrap();
    assert_eq!(reason(&assign(&world, "coordinator", &there.id, TOWN_AGENT).await.unwrap_err()), "AGENT_UNFIT");
    assert_eq!(reason(&assign(&world, "coordinator", &there.id, "staff:nobody").await.unwrap_err()), "AGENT_NOT_FOUND");
    // the town's takes one and has one; the county's is full too, so that nobody else is free
    assert_eq!(helper(&assign(&world, "coordinator", &first.id, TOWN_AGENT).await.unwrap()), TOWN_AGENT);
    assert_eq!(load(&world, TOWN_AGENT).await, 2);
    let full = assign(&world, "coordinator", &first.id, AGENT).await.unwrap();
    assert_eq!(helper(&full), AGENT);
    withdraw(&world, "company", &there.id).await.unwrap();
    world.until(async || (load(&world, AGENT).await == 1).then_some(())).await;
    assert_eq!(reason(&assign(&world, "coordinator", &first.id, TOWN_AGENT).await.unwrap_err()), "AGENT_FULL");
}

pub async fn who_is_away_is_given_nothing_until_they_are_back(world: World) {
    register(&world, "coordinator", AGENT, "511602", 2).await.unwrap();
    let id = StreamId::named("agent", AGENT).to_string();
    let duty = |on_duty: bool| pb::SetAgentDutyRequest {
        id: id.clone(),
        request_id: new_request_id(),
        on_duty,
        away_until: "2026-03-04".into(),
        reason: "休假".into(),
        ..Default::default()
    };
    assert_eq!(reason(&agents(&world, "town_agent").set_agent_duty(duty(false)).await.unwrap_err()), "NOT_YOUR_DUTY");
    agents(&world, "agent").set_agent_duty(duty(false)).await.unwrap();
    let waiting = ask(&world, "citizen", help(VILLAGE)).await.unwrap();
    assert_eq!(waiting.stage(), pb::EngagementStage::Waiting);
    assert_eq!(reason(&assign(&world, "coordinator", &waiting.id, AGENT).await.unwrap_err()), "AGENT_AWAY");
    world.day(2026, 3, 5);
    let back = async || Some(read(&world, "citizen", &waiting.id).await.unwrap()).filter(|one| helper(one) == AGENT);
    world.until(back).await;
    let gone =
        pb::RetireAgentRequest { id, request_id: new_request_id(), reason: "调离".into(), ..Default::default() };
    assert_eq!(reason(&agents(&world, "coordinator").retire_agent(gone).await.unwrap_err()), "ENGAGEMENTS_OPEN");
}

pub async fn an_agent_acts_in_the_askers_name_as_far_as_it_is_written(world: World) {
    roster(&world).await;
    let one = ask(&world, "citizen", help(VILLAGE)).await.unwrap();
    assert_eq!(refused(&world, TOWN_AGENT).await, "MANDATE_MISSING");
    assert_eq!(
        reason(&authorise(&world, &one.id, written("2026-03-01", false)).await.unwrap_err()),
        "DATE_IN_THE_PAST"
    );
    let wide = pb::Authorisation { item_codes: vec![FIRE.into()], ..written("2026-03-10", false) };
    assert_eq!(reason(&authorise(&world, &one.id, wide).await.unwrap_err()), "ITEM_OUT_OF_SCOPE");
    let given = authorise(&world, &one.id, written("2026-03-10", false)).await.unwrap();
    assert_eq!(given.authorisation.unwrap().account, TOWN_AGENT);
    assert_eq!(refused(&world, TOWN_AGENT).await, "");
    assert_eq!(refused(&world, AGENT).await, "MANDATE_MISSING");
    // effective at once
    withdraw(&world, "citizen", &one.id).await.unwrap();
    assert_eq!(refused(&world, TOWN_AGENT).await, "MANDATE_MISSING");
    assert_eq!(reason(&record(&world, "town_agent", step(&one.id)).await.unwrap_err()), "ENGAGEMENT_NOT_AT_STAGE");
    let timed = pb::AskForHelpRequest { authorisation: Some(written("2026-03-10", false)), ..help(VILLAGE) };
    let timed = ask(&world, "citizen", timed).await.unwrap();
    assert_eq!(refused(&world, TOWN_AGENT).await, "");
    world.day(2026, 3, 11);
    assert_eq!(refused(&world, TOWN_AGENT).await, "MANDATE_MISSING");
    let over =
        async || read(&world, "citizen", &timed.id).await.ok().filter(|one| one.stage() == pb::EngagementStage::Ended);
    assert_eq!(world.until(over).await.end_reason, "授权期限届满");
    world.until(async || (load(&world, TOWN_AGENT).await == 0).then_some(())).await;
}

pub async fn a_hand_over_is_accepted_and_carries_the_authority_only_where_agreed(world: World) {
    roster(&world).await;
    let asked = pb::AskForHelpRequest { authorisation: Some(written("2026-04-10", false)), ..help(VILLAGE) };
    let one = ask(&world, "citizen", asked).await.unwrap();
    assert_eq!(reason(&hand_over(&world, "agent", &one.id, AGENT).await.unwrap_err()), "ENGAGEMENT_NOT_FOUND");
    let offered = hand_over(&world, "town_agent", &one.id, AGENT).await.unwrap();
    assert_eq!(
        (helper(&offered), offered.hand_over.as_ref().unwrap().open_matters.as_str()),
        (TOWN_AGENT, "尚缺平面图")
    );
    assert_eq!(reason(&report(&world, "town_agent", &one.id).await.unwrap_err()), "HAND_OVER_OPEN");
    assert_eq!(reason(&accept(&world, "town_agent", &one.id).await.unwrap_err()), "NO_HAND_OVER");
    let refuse = pb::RefuseHandOverRequest {
        id: one.id.clone(),
        request_id: new_request_id(),
        reason: "在外".into(),
        ..Default::default()
    };
    let refused_by = engagements(&world, "agent").refuse_hand_over(refuse).await.unwrap().into_inner();
    assert_eq!((helper(&refused_by), refused_by.hand_over.as_ref().unwrap().refusal.as_str()), (TOWN_AGENT, "在外"));
    hand_over(&world, "town_agent", &one.id, AGENT).await.unwrap();
    let taken = accept(&world, "agent", &one.id).await.unwrap();
    assert_eq!((helper(&taken), load(&world, AGENT).await, load(&world, TOWN_AGENT).await), (AGENT, 1, 0));
    assert_eq!(reason(&read(&world, "town_agent", &one.id).await.unwrap_err()), "ENGAGEMENT_NOT_FOUND");
    // 民法典 art. 169: the asker has not agreed to a substitute
    assert_eq!(refused(&world, AGENT).await, "MANDATE_MISSING");
    authorise(&world, &one.id, written("2026-04-10", true)).await.unwrap();
    hand_over(&world, "agent", &one.id, TOWN_AGENT).await.unwrap();
    accept(&world, "town_agent", &one.id).await.unwrap();
    assert_eq!(refused(&world, TOWN_AGENT).await, "");
}

pub async fn steps_are_written_down_and_the_asker_has_the_last_word(world: World) {
    roster(&world).await;
    let application = world.submitted().await;
    let named = pb::AskForHelpRequest { application_ids: vec![application.id.clone()], ..help(VILLAGE) };
    assert_eq!(reason(&ask(&world, "citizen2", named.clone()).await.unwrap_err()), "APPLICATION_NOT_FOUND");
    let one = ask(&world, "citizen", named).await.unwrap();
    let about = pb::ListEngagementsRequest { application_id: application.id.clone(), ..Default::default() };
    let about = engagements(&world, "citizen").list_engagements(about).await.unwrap().into_inner();
    assert_eq!(about.engagements.len(), 1);
    let nowhere = pb::RecordStepRequest { place: String::new(), ..step(&one.id) };
    assert_eq!(reason(&record(&world, "town_agent", nowhere).await.unwrap_err()), "FIELD_INVALID");
    let early = pb::RecordStepRequest { time: Some(timestamp(noon(2026, 3, 9))), ..step(&one.id) };
    assert_eq!(reason(&record(&world, "town_agent", early).await.unwrap_err()), "FIELD_INVALID");
    record(&world, "town_agent", step(&one.id)).await.unwrap();
    let seen = read(&world, "citizen", &one.id).await.unwrap();
    assert_eq!((seen.steps[0].what.as_str(), seen.steps[0].next.as_str()), ("上门收取材料", "周三补平面图"));
    report(&world, "town_agent", &one.id).await.unwrap();
    assert_eq!(load(&world, TOWN_AGENT).await, 0);
    let back = confirm(&world, "citizen", &one.id, false).await.unwrap();
    assert_eq!((back.stage(), load(&world, TOWN_AGENT).await), (pb::EngagementStage::InHand, 1));
    report(&world, "town_agent", &one.id).await.unwrap();
    assert_eq!(confirm(&world, "citizen", &one.id, true).await.unwrap().stage(), pb::EngagementStage::Closed);
    assert_eq!(reason(&withdraw(&world, "citizen", &one.id).await.unwrap_err()), "ENGAGEMENT_NOT_AT_STAGE");
}

pub async fn a_joint_meeting_has_minutes_and_tasks_and_who_is_late_is_seen(world: World) {
    roster(&world).await;
    let one = ask(&world, "citizen", help(VILLAGE)).await.unwrap();
    let call = |at: Timestamp, organ: &str| pb::CallJointMeetingRequest {
        id: one.id.clone(),
        request_id: new_request_id(),
        agenda: "张建国民宿的卫生与食品许可并联办理".into(),
        organisations: vec![organ.into()],
        time: Some(timestamp(at)),
        place: "政务中心三楼".into(),
        ..Default::default()
    };
    let refused = engagements(&world, "agent").call_joint_meeting(call(noon(2026, 3, 3), MARKET)).await.unwrap_err();
    assert_eq!(reason(&refused), "ENGAGEMENT_NOT_FOUND");
    let unknown = engagements(&world, "town_agent").call_joint_meeting(call(noon(2026, 3, 3), "X")).await.unwrap_err();
    assert_eq!(reason(&unknown), "ORGAN_UNKNOWN");
    engagements(&world, "town_agent").call_joint_meeting(call(noon(2026, 3, 3), MARKET)).await.unwrap();
    // who is invited reads it, without the asker's name
    let invited = read(&world, "market_reviewer", &one.id).await.unwrap();
    assert_eq!(invited.asker.unwrap().name, "张**");
    assert!(!invited.meetings[0].agenda.contains("张建国"), "{}", invited.meetings[0].agenda);
    let minutes = |organ: &str| pb::RecordMeetingRequest {
        id: one.id.clone(),
        request_id: new_request_id(),
        meeting_id: "1".into(),
        minutes: "一致同意并联办理".into(),
        attended: vec![MARKET.into()],
        decisions: vec!["同日现场核查".into()],
        tasks: vec![pb::MeetingTask {
            organisation: organ.into(),
            what: "出具食品经营意见".into(),
            until_date: "2026-03-06".into(),
            ..Default::default()
        }],
        ..Default::default()
    };
    let write = async |ask| engagements(&world, "town_agent").record_meeting(ask).await;
    assert_eq!(reason(&write(minutes(MARKET)).await.unwrap_err()), "MEETING_AHEAD");
    world.day(2026, 3, 4);
    assert_eq!(reason(&write(minutes(BUREAU)).await.unwrap_err()), "NOT_INVITED");
    write(minutes(MARKET)).await.unwrap();
    assert_eq!(reason(&write(minutes(MARKET)).await.unwrap_err()), "MINUTES_THERE");
    world.day(2026, 3, 7);
    let late = async || {
        let overdue = pb::ListEngagementsRequest { task_overdue: true, ..Default::default() };
        let all = engagements(&world, "coordinator").list_engagements(overdue).await.unwrap().into_inner().engagements;
        all.into_iter().next()
    };
    assert!(world.until(late).await.task_overdue);
    let done = |task: &str| pb::CompleteTaskRequest {
        id: one.id.clone(),
        request_id: new_request_id(),
        meeting_id: "1".into(),
        task_id: task.into(),
        result: "同意".into(),
        ..Default::default()
    };
    let complete = async |who: &str, task: &str| engagements(&world, who).complete_task(done(task)).await;
    assert_eq!(reason(&complete("market_reviewer", "2").await.unwrap_err()), "TASK_NOT_FOUND");
    let task = complete("market_reviewer", "1").await.unwrap().into_inner().meetings.remove(0).tasks.remove(0);
    assert_eq!((task.result.as_str(), task.overdue), ("同意", false));
    assert_eq!(reason(&complete("market_approver", "1").await.unwrap_err()), "TASK_DONE");
}

pub async fn what_somebody_asked_themselves_no_organ_that_was_invited_ends_or_confirms(world: World) {
    roster(&world).await;
    let application = world.submitted().await;
    let one = ask(&world, "citizen", help(VILLAGE)).await.unwrap();
    invite(&world, "town_agent", &one.id, BUREAU).await.unwrap();
    read(&world, "clerk", &one.id).await.unwrap();
    assert_eq!(reason(&withdraw(&world, "clerk", &one.id).await.unwrap_err()), "ACTION_NOT_PERMITTED");
    let given = authorise_as(&world, "clerk", &one.id, written("2026-03-10", false)).await.unwrap_err();
    assert_eq!(reason(&given), "ACTION_NOT_PERMITTED");
    assert_eq!(reason(&link(&world, "clerk", &one.id, &application.id).await.unwrap_err()), "ACTION_NOT_PERMITTED");
    assert_eq!(reason(&link(&world, "window_agent", &one.id, &application.id).await.unwrap_err()), "NOT_THE_AGENT");
    report(&world, "town_agent", &one.id).await.unwrap();
    assert_eq!(reason(&confirm(&world, "clerk", &one.id, true).await.unwrap_err()), "ACTION_NOT_PERMITTED");
    confirm(&world, "citizen", &one.id, true).await.unwrap();
}

pub async fn no_agent_authorises_themself(world: World) {
    register(&world, "coordinator", WINDOW_AGENT, "511602", 2).await.unwrap();
    let for_her = || pb::AskForHelpRequest {
        request_id: new_request_id(),
        asker: Some(person("李秀英", CITIZEN2)),
        ..help(VILLAGE)
    };
    let one = ask(&world, "clerk", for_her()).await.unwrap();
    assert_eq!(helper(&one), WINDOW_AGENT);
    let own = authorise_as(&world, "window_agent", &one.id, written("2026-03-10", false)).await.unwrap_err();
    assert_eq!(reason(&own), "AGENT_AUTHORISES_NOT");
    authorise_as(&world, "clerk", &one.id, written("2026-03-10", false)).await.unwrap();
    // nor by entering the request
    let entered = pb::AskForHelpRequest { authorisation: Some(written("2026-03-10", false)), ..for_her() };
    let entered = ask(&world, "window_agent", entered).await.unwrap();
    assert_eq!(helper(&entered), WINDOW_AGENT);
    assert_eq!(entered.authorisation.unwrap().account, "");
}

pub async fn a_coordinator_of_one_county_has_no_say_in_another(world: World) {
    roster(&world).await;
    let id = StreamId::named("agent", AGENT).to_string();
    let away = pb::SetAgentDutyRequest { id, request_id: new_request_id(), on_duty: false, ..Default::default() };
    let refused = agents(&world, "elsewhere").set_agent_duty(away).await.unwrap_err();
    assert_eq!(reason(&refused), "NOT_YOUR_DUTY");
    let one = ask(&world, "citizen", help(VILLAGE)).await.unwrap();
    invite(&world, "town_agent", &one.id, FIRE_SERVICE).await.unwrap();
    read(&world, "elsewhere", &one.id).await.unwrap();
    let called = invite(&world, "elsewhere", &one.id, MARKET).await.unwrap_err();
    assert_eq!(reason(&called), "NOT_THE_AGENT");
    let minutes = pb::RecordMeetingRequest {
        id: one.id.clone(),
        request_id: new_request_id(),
        meeting_id: "1".into(),
        minutes: "例".into(),
        ..Default::default()
    };
    world.day(2026, 3, 4);
    let written = engagements(&world, "elsewhere").record_meeting(minutes).await.unwrap_err();
    assert_eq!(reason(&written), "NOT_THE_AGENT");
}

/// It is in the agent's hands, and nobody has said whose it is.
async fn crash_after_giving(world: &World, engagement: &str, account: &str) {
    let id = StreamId::parse("id", engagement).unwrap();
    let call = Call::system(new_request_id(), "");
    yiwang_intake::assigning::give(world.ledger(), account, id, true, call).await.unwrap();
}

pub async fn a_crash_between_given_and_named_is_completed(world: World) {
    roster(&world).await;
    let one = ask(&world, "citizen", help(VILLAGE)).await.unwrap();
    assert_eq!((helper(&one), load(&world, AGENT).await), (TOWN_AGENT, 0));
    crash_after_giving(&world, &one.id, AGENT).await;
    world.day(2026, 3, 3);
    world.until(async || (load(&world, AGENT).await == 0).then_some(())).await;
    assert_eq!(load(&world, TOWN_AGENT).await, 1);
    // what nobody has yet is theirs into whose hands it was given
    let investment = pb::AskForHelpRequest { kind: pb::HelpKind::Investment.into(), ..help(VILLAGE) };
    let waiting = ask(&world, "citizen", investment).await.unwrap();
    assert_eq!(waiting.stage(), pb::EngagementStage::Waiting);
    crash_after_giving(&world, &waiting.id, AGENT).await;
    world.day(2026, 3, 4);
    let named = async || Some(read(&world, "citizen", &waiting.id).await.unwrap()).filter(|one| helper(one) == AGENT);
    world.until(named).await;
}

pub async fn what_was_done_is_answered_as_then_whatever_came_after(world: World) {
    roster(&world).await;
    let one = ask(&world, "citizen", help(VILLAGE)).await.unwrap();
    let offer = pb::OfferHandOverRequest {
        id: one.id.clone(),
        request_id: new_request_id(),
        account: AGENT.into(),
        open_matters: "尚缺平面图".into(),
        ..Default::default()
    };
    let offered = engagements(&world, "town_agent").offer_hand_over(offer.clone()).await.unwrap().into_inner();
    accept(&world, "agent", &one.id).await.unwrap();
    let again = engagements(&world, "town_agent").offer_hand_over(offer).await.unwrap().into_inner();
    assert_eq!(again.etag, offered.etag);
    let assign = pb::AssignEngagementRequest {
        id: one.id.clone(),
        request_id: new_request_id(),
        account: TOWN_AGENT.into(),
        reason: "就近".into(),
        ..Default::default()
    };
    let assigned = engagements(&world, "coordinator").assign_engagement(assign.clone()).await.unwrap().into_inner();
    let away = pb::SetAgentDutyRequest {
        id: StreamId::named("agent", TOWN_AGENT).to_string(),
        request_id: new_request_id(),
        on_duty: false,
        ..Default::default()
    };
    agents(&world, "town_agent").set_agent_duty(away).await.unwrap();
    let again = engagements(&world, "coordinator").assign_engagement(assign).await.unwrap().into_inner();
    assert_eq!(again.etag, assigned.etag);
}

pub async fn a_clerk_asks_for_somebody_and_strangers_see_nothing(world: World) {
    roster(&world).await;
    let for_her = pb::AskForHelpRequest {
        asker: Some(Party { name: "李秀英".into(), phone: "13912345678".into(), ..Default::default() }),
        authorisation: Some(written("2026-04-10", true)),
        ..help(VILLAGE)
    };
    let one = ask(&world, "clerk", for_her).await.unwrap();
    assert_eq!(one.entered_by.as_ref().unwrap().id, "staff:clerk");
    // nobody was identified in whose name one could act
    let mandates = MandateServiceClient::new(world.link("town_agent"));
    let held = mandates.clone().list_mandates(pb::ListMandatesRequest::default()).await.unwrap().into_inner();
    assert!(held.mandates.is_empty());
    for stranger in ["citizen", "agent", "market_reviewer", "partner"] {
        assert_eq!(reason(&read(&world, stranger, &one.id).await.unwrap_err()), "ENGAGEMENT_NOT_FOUND", "{stranger}");
        let all = engagements(&world, stranger).list_engagements(pb::ListEngagementsRequest::default()).await.unwrap();
        assert!(all.into_inner().engagements.is_empty(), "{stranger}");
    }
    let watched = read(&world, "supervisor", &one.id).await.unwrap();
    assert_eq!((watched.asker.unwrap().name.as_str(), watched.authorisation.unwrap().text.as_str()), ("李**", ""));
    assert_eq!(read(&world, "town_agent", &one.id).await.unwrap().asker.unwrap().phone, "13912345678");
    report(&world, "town_agent", &one.id).await.unwrap();
    assert_eq!(confirm(&world, "clerk", &one.id, true).await.unwrap().stage(), pb::EngagementStage::Closed);
    for (path, bytes) in world.folder_bytes() {
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains("行动不便") && !text.contains("13912345678"), "{}", path.display());
    }
}
