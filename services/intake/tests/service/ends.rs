//! Holds, ends, and versions that are taken back.

use yiwang_kit::{Problem, new_request_id};
use yiwang_proto::catalogue::v1 as pb;

use crate::directory::{BASIC, ITEM, apply, basic, claim, details, elements, item, passed, publish, published, ready};
use crate::world::{HYGIENE, World, reason};

pub async fn an_item_on_hold_says_why_until_it_is_resumed(world: World) {
    let mut suspend = pb::SuspendItemRequest {
        item_code: HYGIENE.into(),
        request_id: new_request_id(),
        until_date: "2026-03-10".into(),
        reason: "系统升级，区政府公告〔2026〕3号".into(),
        ..Default::default()
    };
    let held = world.catalogue_as("admin").suspend_item(suspend.clone()).await.unwrap().into_inner();
    assert_eq!((held.status(), held.hold.unwrap().from_date.as_str()), (pb::ItemStatus::OnHold, "2026-03-02"));
    let refusal = apply(&world, HYGIENE).await.unwrap_err();
    assert_eq!(
        (reason(&refusal), Problem::of(&refusal).metadata["until_date"].as_str()),
        ("ITEM_ON_HOLD".into(), "2026-03-10")
    );
    world.day(2026, 3, 11);
    assert_eq!(item(&world, HYGIENE).await.hold, None);
    apply(&world, HYGIENE).await.unwrap();
    (suspend.request_id, suspend.until_date) = (new_request_id(), String::new());
    world.catalogue_as("admin").suspend_item(suspend).await.unwrap();
    assert_eq!(reason(&apply(&world, HYGIENE).await.unwrap_err()), "ITEM_ON_HOLD");
    let resume =
        || pb::ResumeItemRequest { item_code: HYGIENE.into(), request_id: new_request_id(), ..Default::default() };
    world.catalogue_as("admin").resume_item(resume()).await.unwrap();
    apply(&world, HYGIENE).await.unwrap();
    assert_eq!(reason(&world.catalogue_as("admin").resume_item(resume()).await.unwrap_err()), "ITEM_NOT_ON_HOLD");
}

pub async fn what_the_province_cancels_nobody_accepts_any_more(world: World) {
    published(&world).await;
    let cancel = |effective: &str| pb::CancelBasicItemRequest {
        basic_code: BASIC.into(),
        request_id: new_request_id(),
        effective_date: effective.into(),
        reason: "国发〔2026〕1号".into(),
        ..Default::default()
    };
    let refusal = world.directory_as("directory").cancel_basic_item(cancel("2026-03-01")).await.unwrap_err();
    assert_eq!(reason(&refusal), "DATE_IN_THE_PAST");
    let ended = world.directory_as("directory").cancel_basic_item(cancel("2026-03-16")).await.unwrap().into_inner();
    assert_eq!(ended.cancellation.unwrap().effective_date, "2026-03-16");
    world.until(async || item(&world, ITEM).await.cancellation).await;
    apply(&world, ITEM).await.unwrap();
    world.day(2026, 3, 16);
    let refusal = apply(&world, ITEM).await.unwrap_err();
    assert_eq!(
        (reason(&refusal), Problem::of(&refusal).metadata["reason"].as_str()),
        ("ITEM_CANCELLED".into(), "国发〔2026〕1号")
    );
    let claim = pb::ClaimItemRequest { item_code: HYGIENE.into(), ..claim() };
    assert_eq!(reason(&world.directory_as("editor").claim_item(claim).await.unwrap_err()), "BASIC_ITEM_CANCELLED");
    let again = world.directory_as("directory").publish_basic_item(basic("再来")).await.unwrap_err();
    assert_eq!(reason(&again), "BASIC_ITEM_CANCELLED");
}

/// An end of its own, far off, does not outlive the directory's.
pub async fn an_item_ends_no_later_than_its_basic_item(world: World) {
    published(&world).await;
    let own = pb::CancelItemRequest {
        item_code: ITEM.into(),
        request_id: new_request_id(),
        effective_date: "2099-12-31".into(),
        reason: "区政府令".into(),
        ..Default::default()
    };
    world.catalogue_as("admin").cancel_item(own).await.unwrap();
    let cancel = pb::CancelBasicItemRequest {
        basic_code: BASIC.into(),
        request_id: new_request_id(),
        reason: "国发〔2026〕1号".into(),
        ..Default::default()
    };
    world.directory_as("directory").cancel_basic_item(cancel).await.unwrap();
    world.until(async || (item(&world, ITEM).await.status() == pb::ItemStatus::Cancelled).then_some(())).await;
}

/// Announced for a day before the end, it is cancelled when the end has come.
pub async fn a_list_that_was_published_meanwhile_ends_with_its_basic_item(world: World) {
    let id = ready(&world, elements()).await;
    publish(&world, "admin", &id, "2026-03-10").await.unwrap();
    let cancel = pb::CancelBasicItemRequest {
        basic_code: BASIC.into(),
        request_id: new_request_id(),
        effective_date: "2026-03-16".into(),
        reason: "国发〔2026〕1号".into(),
        ..Default::default()
    };
    world.directory_as("directory").cancel_basic_item(cancel).await.unwrap();
    world.day(2026, 3, 10);
    apply(&world, ITEM).await.unwrap();
    world.day(2026, 3, 16);
    world.until(async || (item(&world, ITEM).await.status() == pb::ItemStatus::Cancelled).then_some(())).await;
}

pub async fn a_version_that_waits_is_taken_back(world: World) {
    published(&world).await;
    let revise = pb::ReviseItemRequest { item_code: ITEM.into(), request_id: new_request_id() };
    let next = world.directory_as("editor").revise_item(revise).await.unwrap().into_inner();
    passed(
        &world,
        &next.id,
        pb::ItemElements {
            visits: 1,
            details: Some(pb::ItemDetails { online_depth: pb::OnlineDepth::Iii.into(), ..details() }),
            ..elements()
        },
    )
    .await;
    publish(&world, "admin", &next.id, "2026-03-16").await.unwrap();
    let withdraw = || pb::WithdrawVersionRequest {
        item_code: ITEM.into(),
        request_id: new_request_id(),
        reason: "区政府办通知".into(),
        ..Default::default()
    };
    let item_now = world.catalogue_as("admin").withdraw_version(withdraw()).await.unwrap().into_inner();
    assert_eq!(item_now.editions.len(), 1);
    world.day(2026, 3, 20);
    assert_eq!(item(&world, ITEM).await.visits, 0);
    let none = world.catalogue_as("admin").withdraw_version(withdraw()).await.unwrap_err();
    assert_eq!(reason(&none), "VERSION_NOT_WAITING");
}

pub async fn what_is_announced_is_cancelled_at_once_or_not(world: World) {
    let id = ready(&world, elements()).await;
    publish(&world, "admin", &id, "2026-03-16").await.unwrap();
    let cancel = |effective: &str| pb::CancelItemRequest {
        item_code: ITEM.into(),
        request_id: new_request_id(),
        effective_date: effective.into(),
        reason: "国发〔2026〕1号".into(),
        ..Default::default()
    };
    let refusal = world.catalogue_as("admin").cancel_item(cancel("2026-04-01")).await.unwrap_err();
    assert_eq!(reason(&refusal), "FIELD_INVALID");
    world.catalogue_as("admin").cancel_item(cancel("")).await.unwrap();
    assert_eq!(reason(&apply(&world, ITEM).await.unwrap_err()), "ITEM_CANCELLED");
    world.day(2026, 3, 20);
    assert!(item(&world, ITEM).await.editions.is_empty());
}
