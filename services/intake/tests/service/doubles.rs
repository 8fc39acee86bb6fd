//! 禁双头受理、体外循环.

use serde_json::json;
use yiwang_kit::{Problem, new_request_id};
use yiwang_proto::catalogue::v1 as items;
use yiwang_proto::intake::v1 as pb;
use yiwang_proto::intake::v1::double_entry_service_client::DoubleEntryServiceClient;
use yiwang_proto::intake::v1::intake_service_client::IntakeServiceClient;
use yiwang_proto::party::v1::{DocumentKind, Party};

use crate::directory::{ITEM, claim, details, elements, passed, publish};
use crate::world::{
    BENEFIT, CITIZEN, HYGIENE, PLAIN, World, benefit_form, citizen, create, hygiene_form, pdf, reason, struct_of,
};

type Doubles = DoubleEntryServiceClient<yiwang_kit::Link>;

fn doubles(world: &World, account: &str) -> Doubles {
    DoubleEntryServiceClient::new(world.link(account))
}

/// A passport applied for online and handed in.
async fn handed_in(world: &World) -> pb::Application {
    let draft = world.draft(PLAIN, struct_of(json!({"subject": "首次申领"}))).await;
    world.submit(&draft.id).await.unwrap()
}

fn with_reason(id: &str, why: &str) -> pb::AcceptApplicationRequest {
    pb::AcceptApplicationRequest {
        id: id.into(),
        request_id: new_request_id(),
        double_entry_reason: why.into(),
        ..Default::default()
    }
}

fn join(id: &str, number: &str) -> pb::JoinApplicationRequest {
    pb::JoinApplicationRequest {
        id: id.into(),
        request_id: new_request_id(),
        other_number: number.into(),
        ..Default::default()
    }
}

async fn overridden(world: &World) -> Vec<pb::DoubleEntry> {
    let all = pb::ListDoubleEntriesRequest::default();
    doubles(world, "supervisor").list_double_entries(all).await.unwrap().into_inner().entries
}

async fn found(world: &World, account: &str, id: &str) -> Vec<pb::OtherApplication> {
    let find = pb::FindOtherApplicationsRequest { id: id.into() };
    doubles(world, account).find_other_applications(find).await.unwrap().into_inner().others
}

/// Approval tells of a decision, as its relay does.
pub async fn concluded(world: &World, id: &str, granted: bool) {
    let conclusion =
        pb::Conclusion { granted, decided_date: "2026-03-02".into(), case_id: "case".into(), ..Default::default() };
    let told = pb::RecordConclusionRequest {
        request_id: new_request_id(),
        application_id: id.into(),
        conclusion: Some(conclusion),
        actor: None,
    };
    let link = world.process.links.get("intake").as_service("approval", "");
    IntakeServiceClient::new(link).record_conclusion(told).await.unwrap();
}

pub async fn the_second_is_received_told_of_the_first_and_not_accepted(world: World) {
    let first = handed_in(&world).await;
    assert!(first.other_applications.is_empty());
    let second = handed_in(&world).await;
    // arts. 32: receipt goes on, and so does the limit
    assert_eq!(second.phase(), pb::ApplicationPhase::Submitted);
    let told = &second.other_applications[0];
    assert_eq!((told.number.as_str(), told.stops, told.accepted), (first.receipt_number.as_str(), true, false));
    let refused = Problem::of(&world.accept(&second.id).await.unwrap_err());
    assert_eq!(
        (refused.reason.as_str(), refused.metadata["number"].as_str()),
        ("DOUBLE_ENTRY", first.receipt_number.as_str())
    );
    assert_eq!(
        (refused.metadata["receive_date"].as_str(), refused.metadata["region_code"].as_str()),
        ("2026-03-02", "511602000000")
    );
    // the one that was first goes its way, and its clerk sees the other
    let others = found(&world, "clerk", &first.id).await;
    assert_eq!((others.len(), others[0].stops, others[0].id.as_str()), (1, false, second.id.as_str()));
    let accepted = world.accept(&first.id).await.unwrap();
    let refused = Problem::of(&world.accept(&second.id).await.unwrap_err());
    assert_eq!(refused.metadata["number"], accepted.case_number);
}

pub async fn a_clerk_joins_the_second_to_the_first(world: World) {
    let (first, second) = (handed_in(&world).await, handed_in(&world).await);
    let clerk = || doubles(&world, "clerk");
    let refused = clerk().join_application(join(&second.id, "没有这个编号")).await.unwrap_err();
    assert_eq!(reason(&refused), "NOT_THE_SAME_MATTER");
    let refused =
        doubles(&world, "citizen").join_application(join(&second.id, &first.receipt_number)).await.unwrap_err();
    assert_eq!(reason(&refused), "ACTION_NOT_PERMITTED");
    // of two that wait the later one ends, whoever asks: no two end for each other's sake
    let refused = clerk().join_application(join(&first.id, &second.receipt_number)).await.unwrap_err();
    assert_eq!(reason(&refused), "OTHER_CAME_LATER");
    clerk().join_application(join(&second.id, &first.receipt_number)).await.unwrap();
    let read = world.read("citizen", &second.id).await;
    let ended = read.withdrawal.clone().unwrap();
    assert_eq!((read.phase(), ended.cause()), (pb::ApplicationPhase::Withdrawn, pb::WithdrawalCause::Joined));
    assert_eq!(ended.joined_to.unwrap().number, first.receipt_number);
    assert!(read.steps.last().unwrap().text.contains(&first.receipt_number));
    // what ended counts no more
    assert!(found(&world, "clerk", &first.id).await.is_empty());
    world.accept(&first.id).await.unwrap();
    let refused = clerk().join_application(join(&first.id, "1")).await.unwrap_err();
    assert_eq!(reason(&refused), "WRONG_PHASE");
    assert!(overridden(&world).await.is_empty());
}

pub async fn the_oldest_of_many_stops_whoever_came_later(world: World) {
    let (first, second) = (handed_in(&world).await, handed_in(&world).await);
    for _ in 0..21 {
        handed_in(&world).await;
    }
    let refused = Problem::of(&world.accept(&second.id).await.unwrap_err());
    assert_eq!(
        (refused.reason.as_str(), refused.metadata["number"].as_str()),
        ("DOUBLE_ENTRY", first.receipt_number.as_str())
    );
}

pub async fn whoever_accepts_all_the_same_says_why_and_supervision_sees_it(world: World) {
    let first = handed_in(&world).await;
    let second = handed_in(&world).await;
    world.as_("clerk").accept_application(with_reason(&second.id, "首件申请人已书面放弃")).await.unwrap();
    let seen = overridden(&world).await;
    assert_eq!(
        (seen.len(), seen[0].cause(), seen[0].reason.as_str()),
        (1, pb::DoubleEntryCause::Overridden, "首件申请人已书面放弃")
    );
    assert_eq!(
        (seen[0].others[0].number.as_str(), seen[0].overridden_by.as_ref().unwrap().id.as_str()),
        (first.receipt_number.as_str(), "staff:clerk")
    );
    assert_eq!(seen[0].application.as_ref().unwrap().applicant.as_ref().unwrap().name, "张**");
    for account in ["clerk", "reviewer", "citizen"] {
        let refused =
            doubles(&world, account).list_double_entries(pb::ListDoubleEntriesRequest::default()).await.unwrap_err();
        assert_eq!(reason(&refused), "ACTION_NOT_PERMITTED", "{account}");
    }
    // the second is accepted: now it stops the first
    assert_eq!(reason(&world.accept(&first.id).await.unwrap_err()), "DOUBLE_ENTRY");
    world.as_("clerk").accept_application(with_reason(&first.id, "两本护照")).await.unwrap();
    let page = |page_token: String| pb::ListDoubleEntriesRequest { page_size: 1, page_token, ..Default::default() };
    let one = doubles(&world, "supervisor").list_double_entries(page(String::new())).await.unwrap().into_inner();
    let two = doubles(&world, "supervisor").list_double_entries(page(one.next_page_token)).await.unwrap().into_inner();
    assert_eq!((one.entries.len(), two.entries.len(), two.next_page_token.as_str()), (1, 1, ""));
}

/// A reason where there is no other one counts for nothing.
pub async fn a_reason_without_need_is_no_override(world: World) {
    let first = handed_in(&world).await;
    world.as_("clerk").accept_application(with_reason(&first.id, "以防万一")).await.unwrap();
    assert!(overridden(&world).await.is_empty());
}

pub async fn what_was_decided_withdrawn_or_refused_is_no_more_in_progress(world: World) {
    let first = handed_in(&world).await;
    world.accept(&first.id).await.unwrap();
    let second = handed_in(&world).await;
    assert_eq!(reason(&world.accept(&second.id).await.unwrap_err()), "DOUBLE_ENTRY");
    concluded(&world, &first.id, true).await;
    world.accept(&second.id).await.unwrap();
    concluded(&world, &second.id, false).await;
    // taken back
    let third = handed_in(&world).await;
    assert!(third.other_applications.is_empty());
    let fourth = handed_in(&world).await;
    world.withdraw(&third.id).await.unwrap();
    // refused
    let refuse = pb::RefuseApplicationRequest {
        id: fourth.id,
        request_id: new_request_id(),
        ground: pb::RefusalGround::NoPermissionNeeded.into(),
        reason: "依法不需要取得行政许可".into(),
        ..Default::default()
    };
    world.as_("clerk").refuse_application(refuse).await.unwrap();
    let fifth = handed_in(&world).await;
    assert!(fifth.other_applications.is_empty());
    world.accept(&fifth.id).await.unwrap();
}

pub async fn a_draft_is_nobodys_rival_and_tells_nobody_anything(world: World) {
    let draft = world.draft(PLAIN, struct_of(json!({"subject": "首次申领"}))).await;
    let first = handed_in(&world).await;
    assert!(first.other_applications.is_empty());
    // of a draft nobody learns what its applicant has under way
    let find = || pb::FindOtherApplicationsRequest { id: draft.id.clone() };
    let refused = doubles(&world, "citizen").find_other_applications(find()).await.unwrap_err();
    assert_eq!(reason(&refused), "WRONG_PHASE");
    let refused = doubles(&world, "citizen2").find_other_applications(find()).await.unwrap_err();
    assert_eq!(reason(&refused), "APPLICATION_NOT_FOUND");
    let find = pb::FindOtherApplicationsRequest { id: first.id };
    let refused = doubles(&world, "citizen2").find_other_applications(find).await.unwrap_err();
    assert_eq!(reason(&refused), "APPLICATION_NOT_FOUND");
}

/// Silence accepts by law, whatever else is under way; supervision sees it.
pub async fn the_law_accepts_a_second_one_and_supervision_sees_it(world: World) {
    let first = handed_in(&world).await;
    let second = handed_in(&world).await;
    world.accept(&first.id).await.unwrap();
    world.day(2026, 3, 10);
    world.until(async || world.read("citizen", &second.id).await.deemed_accepted.then_some(())).await;
    let seen = overridden(&world).await;
    assert_eq!((seen.len(), seen[0].cause()), (1, pb::DoubleEntryCause::Deemed));
    assert!(seen[0].overridden_by.is_none() && seen[0].others[0].number == first.receipt_number);
    let request = pb::ListDoubleEntriesRequest { cause: pb::DoubleEntryCause::Overridden.into(), ..Default::default() };
    let none = doubles(&world, "supervisor").list_double_entries(request).await.unwrap().into_inner();
    assert!(none.entries.is_empty());
}

/// Whatever the channel, and however the number's document is given.
pub async fn the_window_finds_what_was_applied_for_online(world: World) {
    let first = handed_in(&world).await;
    let party = Party { document_kind: DocumentKind::Other.into(), document_number: CITIZEN.into(), ..citizen() };
    let mut request = create(PLAIN);
    (request.applicant, request.form) = (Some(party), Some(struct_of(json!({"subject": "首次申领"}))));
    let draft = world.as_("clerk").create_application(request).await.unwrap().into_inner();
    let submit =
        pb::SubmitApplicationRequest { id: draft.id.clone(), request_id: new_request_id(), ..Default::default() };
    let second = world.as_("clerk").submit_application(submit).await.unwrap().into_inner();
    assert_eq!(second.channel(), items::Channel::Window);
    assert_eq!(second.other_applications[0].number, first.receipt_number);
    assert_eq!(reason(&world.accept(&draft.id).await.unwrap_err()), "DOUBLE_ENTRY");
}

pub async fn what_may_be_asked_for_often_is_not_looked_for(world: World) {
    // 公共服务: by default
    for _ in 0..2 {
        let draft = world.draft(BENEFIT, benefit_form()).await;
        assert!(world.submit(&draft.id).await.unwrap().other_applications.is_empty());
    }
    // a licence that is each place's own: its list says so
    for _ in 0..2 {
        world.accepted().await;
    }
    let handling = crate::directory::item(&world, HYGIENE).await.details.unwrap().handling.unwrap();
    assert_eq!(handling.repeat(), items::RepeatRule::Repeatable);
    assert!(handling.repeat_reason.contains("场所"));
}

pub async fn published_basic(world: &World) {
    let basic = crate::directory::basic("公共场所卫生许可（目录）");
    world.directory_as("directory").publish_basic_item(basic).await.unwrap();
}

/// Publishes a list that was claimed from the directory, in one organ's hand.
pub async fn listed(world: &World, code: &str, handling: Option<items::ItemHandling>) {
    let claim = items::ClaimItemRequest { item_code: code.into(), ..claim() };
    let draft = world.directory_as("editor").claim_item(claim).await.unwrap().into_inner();
    passed(
        world,
        &draft.id,
        items::ItemElements { details: Some(items::ItemDetails { handling, ..details() }), ..elements() },
    )
    .await;
    publish(world, "admin", &draft.id, "").await.unwrap();
    let read = async || {
        world.catalogue().get_item(items::GetItemRequest { item_code: code.into(), ..Default::default() }).await.ok()
    };
    world.until(read).await;
}

const ITEM2: &str = "511A9900200001-511602000000-000-115113016823646795-1-00";

async fn listed_in(world: &World, code: &str) -> pb::Application {
    let draft = world.draft(code, struct_of(json!({}))).await;
    world.upload(&draft.id, "floor_plan", pdf(100)).await.unwrap();
    world.submit(&draft.id).await.unwrap()
}

/// Two lists that were claimed from one basic item are one matter.
pub async fn two_lists_of_one_basic_item_are_one_matter(world: World) {
    published_basic(&world).await;
    listed(&world, ITEM, None).await;
    listed(&world, ITEM2, None).await;
    let first = listed_in(&world, ITEM).await;
    let second = listed_in(&world, ITEM2).await;
    assert_eq!(second.other_applications[0].number, first.receipt_number);
    assert_eq!(reason(&world.accept(&second.id).await.unwrap_err()), "DOUBLE_ENTRY");
    // another matter is another matter
    assert!(handed_in(&world).await.other_applications.is_empty());
}

/// What succeeds an item is the same matter.
pub async fn what_succeeds_an_item_is_the_same_matter(world: World) {
    published_basic(&world).await;
    listed(&world, ITEM, None).await;
    let first = handed_in(&world).await;
    let cancel = items::CancelItemRequest {
        item_code: PLAIN.into(),
        request_id: new_request_id(),
        effective_date: "2026-03-02".into(),
        reason: "并入".into(),
        successor_item_code: ITEM.into(),
        ..Default::default()
    };
    world.catalogue_as("admin").cancel_item(cancel).await.unwrap();
    let second = listed_in(&world, ITEM).await;
    assert_eq!(second.other_applications[0].number, first.receipt_number);
    assert_eq!(reason(&world.accept(&second.id).await.unwrap_err()), "DOUBLE_ENTRY");
}

pub async fn a_repeatable_list_says_why(world: World) {
    published_basic(&world).await;
    let unsaid = items::ItemHandling { repeat: items::RepeatRule::Repeatable.into(), ..Default::default() };
    let claimed = world.directory_as("editor").claim_item(claim()).await.unwrap().into_inner();
    let save = items::SaveItemDraftRequest {
        id: claimed.id,
        request_id: new_request_id(),
        elements: Some(items::ItemElements {
            details: Some(items::ItemDetails { handling: Some(unsaid), ..details() }),
            ..elements()
        }),
        ..Default::default()
    };
    let refused = world.directory_as("editor").save_item_draft(save).await.unwrap_err();
    assert_eq!(crate::world::fields(&refused)[0].0, "details.handling.repeat_reason");
}

fn outside(day: &str) -> pb::RecordOutsideAcceptanceRequest {
    pb::RecordOutsideAcceptanceRequest {
        request_id: new_request_id(),
        item_code: HYGIENE.into(),
        accept_date: day.into(),
        outside_number: "审批登字〔2026〕7号".into(),
        finding: "业务处在平台之外自行收件登记".into(),
    }
}

pub async fn an_acceptance_beside_the_platform_is_recorded_and_settled(world: World) {
    let supervisor = || doubles(&world, "supervisor");
    let refused = supervisor().record_outside_acceptance(outside("2026-03-03")).await.unwrap_err();
    assert_eq!(reason(&refused), "DATE_IN_THE_FUTURE");
    for account in ["clerk", "citizen", "market_reviewer"] {
        let refused = doubles(&world, account).record_outside_acceptance(outside("2026-03-02")).await.unwrap_err();
        assert_eq!(reason(&refused), "ACTION_NOT_PERMITTED", "{account}");
    }
    let one = supervisor().record_outside_acceptance(outside("2026-02-27")).await.unwrap().into_inner();
    // the organ reports itself
    let two = doubles(&world, "reviewer").record_outside_acceptance(outside("2026-02-28")).await.unwrap().into_inner();
    assert_eq!((one.stage(), one.department_code.as_str()), (pb::OutsideStage::Recorded, "115113016823646795"));
    let list =
        |stage: pb::OutsideStage| pb::ListOutsideAcceptancesRequest { stage: stage.into(), ..Default::default() };
    let all = supervisor().list_outside_acceptances(list(pb::OutsideStage::Unspecified)).await.unwrap().into_inner();
    assert_eq!(all.acceptances.len(), 2);
    let none = doubles(&world, "fire_reviewer").list_outside_acceptances(list(pb::OutsideStage::Unspecified)).await;
    assert!(none.unwrap().into_inner().acceptances.is_empty());
    let get = pb::GetOutsideAcceptanceRequest { id: two.id.clone() };
    let refused = doubles(&world, "citizen").get_outside_acceptance(get).await.unwrap_err();
    assert_eq!(reason(&refused), "OUTSIDE_ACCEPTANCE_NOT_FOUND");
    let settle = |outcome: pb::OutsideOutcome, application: &str| pb::SettleOutsideAcceptanceRequest {
        id: one.id.clone(),
        request_id: new_request_id(),
        outcome: outcome.into(),
        text: "已责令补录".into(),
        application_id: application.into(),
        ..Default::default()
    };
    let refused =
        supervisor().settle_outside_acceptance(settle(pb::OutsideOutcome::Unspecified, "")).await.unwrap_err();
    assert_eq!(reason(&refused), "OUTCOME_MISSING");
    let refused = supervisor().settle_outside_acceptance(settle(pb::OutsideOutcome::BroughtIn, "")).await.unwrap_err();
    assert_eq!(reason(&refused), "APPLICATION_MISSING");
    let other = handed_in(&world).await;
    let refused =
        supervisor().settle_outside_acceptance(settle(pb::OutsideOutcome::BroughtIn, &other.id)).await.unwrap_err();
    assert_eq!(reason(&refused), "NOT_THE_SAME_MATTER");
    let draft = world.draft(HYGIENE, hygiene_form()).await;
    let refused =
        supervisor().settle_outside_acceptance(settle(pb::OutsideOutcome::BroughtIn, &draft.id)).await.unwrap_err();
    assert_eq!(reason(&refused), "APPLICATION_NOT_FOUND");
    let brought = world.submitted().await;
    let settle_it = || settle(pb::OutsideOutcome::BroughtIn, &brought.id);
    let refused = doubles(&world, "reviewer").settle_outside_acceptance(settle_it()).await.unwrap_err();
    assert_eq!(reason(&refused), "ACTION_NOT_PERMITTED");
    let settled = supervisor().settle_outside_acceptance(settle_it()).await.unwrap().into_inner();
    assert_eq!((settled.stage(), settled.application_id), (pb::OutsideStage::Settled, brought.id.clone()));
    assert_eq!(reason(&supervisor().settle_outside_acceptance(settle_it()).await.unwrap_err()), "ALREADY_SETTLED");
    let open = supervisor().list_outside_acceptances(list(pb::OutsideStage::Recorded)).await.unwrap().into_inner();
    assert_eq!((open.acceptances.len(), open.acceptances[0].id.as_str()), (1, two.id.as_str()));
}
