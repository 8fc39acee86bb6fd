//! 下放、划转、委托: from the offer into the catalogue.

use yiwang_intake::transfer::{Event, Transfer};
use yiwang_kit::{Problem, new_request_id};
use yiwang_ledger::{Call, Context, StreamId};
use yiwang_proto::catalogue::v1 as pb;
use yiwang_proto::catalogue::v1::transfer_service_client::TransferServiceClient;

use crate::directory::{ITEM, ORGAN, apply, basic, item, published};
use crate::world::{World, fields, reason};

const MARKET: &str = "11511301MB051073XA";
const HEALTH: &str = "11511301008778490F";
const REGION: &str = "511602000000";
const THEIRS: &str = "511A9900100001-511602000000-000-11511301MB051073XA-1-00";

fn organ(name: &str, code: &str) -> Option<pb::Organ> {
    Some(pb::Organ { name: name.into(), code: code.into(), region_code: REGION.into() })
}

fn bureau() -> Option<pb::Organ> {
    organ("区行政审批局", ORGAN)
}

fn market() -> Option<pb::Organ> {
    organ("区市监局", MARKET)
}

fn reassign() -> pb::OfferTransferRequest {
    let moved = pb::TransferredItem { item_code: ITEM.into(), new_item_code: THEIRS.into(), ..Default::default() };
    pb::OfferTransferRequest {
        request_id: new_request_id(),
        way: pb::TransferWay::Reassign.into(),
        giver: bureau(),
        receiver: market(),
        items: vec![moved],
        basis: "《行政许可法》第二十五条".into(),
        reason: "相对集中行政许可权".into(),
        consulted: organ("区卫健局", HEALTH).into_iter().collect(),
        ..Default::default()
    }
}

fn entrust(code: &str, giver: Option<pb::Organ>, receiver: Option<pb::Organ>) -> pb::OfferTransferRequest {
    pb::OfferTransferRequest {
        request_id: new_request_id(),
        way: pb::TransferWay::Entrust.into(),
        items: vec![pb::TransferredItem { item_code: code.into(), ..Default::default() }],
        basis: "《行政许可法》第二十四条".into(),
        reason: "方便群众就近办理".into(),
        giver,
        receiver,
        ..Default::default()
    }
}

fn as_(world: &World, account: &str) -> TransferServiceClient<yiwang_kit::Link> {
    TransferServiceClient::new(world.link(account))
}

async fn offer(world: &World, who: &str, ask: pb::OfferTransferRequest) -> Result<pb::Transfer, tonic::Status> {
    as_(world, who).offer_transfer(ask).await.map(tonic::Response::into_inner)
}

async fn consult(world: &World, who: &str, id: &str) -> Result<pb::Transfer, tonic::Status> {
    let ask = pb::GiveOpinionRequest {
        id: id.into(),
        request_id: new_request_id(),
        organisation: HEALTH.into(),
        agrees: true,
        opinion: "同意划转".into(),
        ..Default::default()
    };
    as_(world, who).give_opinion(ask).await.map(tonic::Response::into_inner)
}

async fn accept(world: &World, who: &str, id: &str) -> Result<pb::Transfer, tonic::Status> {
    let ask = pb::AcceptTransferRequest { id: id.into(), request_id: new_request_id(), ..Default::default() };
    as_(world, who).accept_transfer(ask).await.map(tonic::Response::into_inner)
}

async fn date(world: &World, id: &str, effective: &str) -> Result<pb::Transfer, tonic::Status> {
    let ask = pb::DateTransferRequest {
        id: id.into(),
        request_id: new_request_id(),
        effective_date: effective.into(),
        document: "区政府令第3号".into(),
        ..Default::default()
    };
    as_(world, "admin").date_transfer(ask).await.map(tonic::Response::into_inner)
}

async fn revoke(world: &World, id: &str) -> Result<pb::Transfer, tonic::Status> {
    let ask = pb::RevokeEntrustmentRequest {
        id: id.into(),
        request_id: new_request_id(),
        reason: "区政府令第4号".into(),
        ..Default::default()
    };
    as_(world, "admin").revoke_entrustment(ask).await.map(tonic::Response::into_inner)
}

/// The bureau's item is the market office's from a day on.
async fn reassigned(world: &World, from: &str) -> pb::Transfer {
    published(world).await;
    let offered = offer(world, "editor", reassign()).await.unwrap();
    consult(world, "health_catalogue", &offered.id).await.unwrap();
    accept(world, "market_catalogue", &offered.id).await.unwrap();
    date(world, &offered.id, from).await.unwrap()
}

async fn entrusted(world: &World) -> pb::Transfer {
    published(world).await;
    let offered = offer(world, "editor", entrust(ITEM, bureau(), market())).await.unwrap();
    accept(world, "market_catalogue", &offered.id).await.unwrap();
    date(world, &offered.id, "2026-03-02").await.unwrap()
}

pub async fn what_is_handed_over_is_the_receivers_in_its_own_name_from_its_day(world: World) {
    reassigned(&world, "2026-03-16").await;
    let (old, new) = (item(&world, ITEM).await, item(&world, THEIRS).await);
    assert_eq!((new.department.as_str(), new.department_code.as_str()), ("区市监局", MARKET));
    assert_eq!((new.status(), old.status()), (pb::ItemStatus::Announced, pb::ItemStatus::InForce));
    assert_eq!(old.cancellation.unwrap().successor_item_code, THEIRS);
    apply(&world, ITEM).await.unwrap();
    world.day(2026, 3, 16);
    apply(&world, THEIRS).await.unwrap();
    let refusal = apply(&world, ITEM).await.unwrap_err();
    assert_eq!(reason(&refusal), "ITEM_CANCELLED");
    assert_eq!(Problem::of(&refusal).metadata["successor_item_code"], THEIRS);
    let provenance = item(&world, THEIRS).await.provenance.unwrap();
    assert_eq!((provenance.way.as_str(), provenance.item_code.as_str()), ("划转", ITEM));
}

pub async fn nobody_takes_what_was_not_talked_over(world: World) {
    published(&world).await;
    let alone = pb::OfferTransferRequest { consulted: Vec::new(), ..reassign() };
    assert_eq!(reason(&offer(&world, "editor", alone).await.unwrap_err()), "CONSULTED_MISSING");
    let offered = offer(&world, "editor", reassign()).await.unwrap();
    assert_eq!(reason(&accept(&world, "market_catalogue", &offered.id).await.unwrap_err()), "CONSULTATION_OPEN");
    assert_eq!(reason(&date(&world, &offered.id, "2026-03-16").await.unwrap_err()), "TRANSFER_NOT_AT_STAGE");
    // whoever is not asked has no word in it
    assert_eq!(reason(&consult(&world, "market_catalogue", &offered.id).await.unwrap_err()), "ACTION_NOT_PERMITTED");
    consult(&world, "health_catalogue", &offered.id).await.unwrap();
    assert_eq!(reason(&consult(&world, "health_catalogue", &offered.id).await.unwrap_err()), "ALREADY_SPOKEN");
    assert_eq!(reason(&accept(&world, "item_reviewer", &offered.id).await.unwrap_err()), "ACTION_NOT_PERMITTED");
    accept(&world, "market_catalogue", &offered.id).await.unwrap();
    assert_eq!(reason(&date(&world, &offered.id, "2026-03-01").await.unwrap_err()), "DATE_IN_THE_PAST");
}

pub async fn who_objects_says_why_and_nothing_moves(world: World) {
    published(&world).await;
    let offered = offer(&world, "editor", reassign()).await.unwrap();
    let mut ask =
        pb::ObjectToTransferRequest { id: offered.id.clone(), request_id: new_request_id(), ..Default::default() };
    let refusal = as_(&world, "market_catalogue").object_to_transfer(ask.clone()).await.unwrap_err();
    assert_eq!(reason(&refusal), "FIELD_INVALID");
    ask.reasons = "缺少现场核查人员".into();
    let objected = as_(&world, "market_catalogue").object_to_transfer(ask).await.unwrap().into_inner();
    assert_eq!((objected.stage(), objected.stage_reason.as_str()), (pb::TransferStage::Objected, "缺少现场核查人员"));
    assert_eq!(reason(&date(&world, &offered.id, "2026-03-16").await.unwrap_err()), "TRANSFER_NOT_AT_STAGE");
    // objected to, it is open no more: the item may be offered again
    offer(&world, "editor", reassign()).await.unwrap();
    assert_eq!(reason(&offer(&world, "editor", reassign()).await.unwrap_err()), "TRANSFER_OPEN");
}

pub async fn what_is_entrusted_stays_its_organs_and_is_not_entrusted_on(world: World) {
    let transfer = entrusted(&world).await;
    let shown = item(&world, ITEM).await;
    assert_eq!((shown.department_code.as_str(), shown.entrustment.unwrap().department_code.as_str()), (ORGAN, MARKET));
    let on = offer(&world, "market_catalogue", entrust(ITEM, market(), organ("区卫健局", HEALTH))).await.unwrap_err();
    assert_eq!(reason(&on), "SUBDELEGATION");
    let twice = offer(&world, "editor", entrust(ITEM, bureau(), organ("区卫健局", HEALTH))).await.unwrap_err();
    assert_eq!(reason(&twice), "ALREADY_ENTRUSTED");
    // published: whoever does not log in reads it
    let public = pb::ListTransfersRequest { item_code: ITEM.into(), ..Default::default() };
    let mut nobody = TransferServiceClient::new(world.process.links.get("intake"));
    let list = nobody.list_transfers(public).await.unwrap().into_inner();
    assert_eq!((list.transfers.len(), list.transfers[0].document.as_str()), (1, "区政府令第3号"));
    revoke(&world, &transfer.id).await.unwrap();
    assert_eq!(item(&world, ITEM).await.entrustment.unwrap().until_date, "2026-03-02");
    world.day(2026, 3, 3);
    assert_eq!(item(&world, ITEM).await.entrustment, None);
}

pub async fn a_power_is_entrusted_to_an_organ_and_to_no_company(world: World) {
    published(&world).await;
    for code in ["91511602MA6B1C2D5W", "125113010603241893"] {
        let ask = entrust(ITEM, bureau(), organ("某某公司", code));
        assert_eq!(
            fields(&offer(&world, "editor", ask).await.unwrap_err()),
            [("receiver.code".to_owned(), "RECEIVER_UNFIT".to_owned())]
        );
    }
}

pub async fn an_organ_of_a_transfer_is_called_what_the_catalogue_calls_it(world: World) {
    published(&world).await;
    let nobody = organ("区卫健局", "11511301008778488F").into_iter().collect();
    let unknown = pb::OfferTransferRequest { consulted: nobody, ..reassign() };
    assert_eq!(reason(&offer(&world, "editor", unknown).await.unwrap_err()), "ORGAN_UNKNOWN");
    let misnamed = pb::OfferTransferRequest { receiver: organ("区市监局（筹）", MARKET), ..reassign() };
    let offered = offer(&world, "editor", misnamed).await.unwrap();
    assert_eq!(offered.receiver.unwrap().name, "区市监局");
}

pub async fn a_case_is_handled_by_the_trustee_in_its_organs_name(world: World) {
    entrusted(&world).await;
    let draft = world.draft(ITEM, crate::world::struct_of(serde_json::json!({}))).await;
    let pdf = crate::world::pdf(100);
    world.upload(&draft.id, "floor_plan", pdf).await.unwrap();
    world.submit(&draft.id).await.unwrap();
    world.accept(&draft.id).await.unwrap();
    let opened = world.until(async || world.approval.opened_for(&draft.id)).await;
    let terms = opened.item.unwrap();
    assert_eq!((terms.department_code.as_str(), terms.entrusted_department_code.as_str()), (ORGAN, MARKET));
    // an officer of the trustee sees it as one of the organ does
    assert_eq!(world.read("market_reviewer", &draft.id).await.department_code, ORGAN);
}

/// 明取消暗审批: what was cancelled while it was talked over does not come to life with the receiver.
pub async fn a_power_that_was_cancelled_meanwhile_is_not_dated(world: World) {
    published(&world).await;
    let offered = offer(&world, "editor", reassign()).await.unwrap();
    consult(&world, "health_catalogue", &offered.id).await.unwrap();
    accept(&world, "market_catalogue", &offered.id).await.unwrap();
    let cancel = pb::CancelBasicItemRequest {
        basic_code: "XK0010100Y".into(),
        request_id: new_request_id(),
        reason: "国发〔2026〕1号".into(),
        ..Default::default()
    };
    world.directory_as("directory").cancel_basic_item(cancel).await.unwrap();
    world.until(async || item(&world, ITEM).await.cancellation).await;
    let refusal = date(&world, &offered.id, "2026-03-16").await.unwrap_err();
    assert_eq!(fields(&refusal), [("items[0].item_code".to_owned(), "ITEM_NOT_IN_FORCE".to_owned())]);
}

/// Who handles an application is who does on the day of its receipt, whoever it was when the draft was begun.
pub async fn a_draft_is_handled_by_whoever_is_competent_when_it_is_handed_in(world: World) {
    published(&world).await;
    let draft = world.draft(ITEM, crate::world::struct_of(serde_json::json!({}))).await;
    world.upload(&draft.id, "floor_plan", crate::world::pdf(100)).await.unwrap();
    let offered = offer(&world, "editor", entrust(ITEM, bureau(), market())).await.unwrap();
    accept(&world, "market_catalogue", &offered.id).await.unwrap();
    date(&world, &offered.id, "2026-03-02").await.unwrap();
    world.submit(&draft.id).await.unwrap();
    assert_eq!(world.read("market_reviewer", &draft.id).await.id, draft.id);
}

pub async fn entrusting_back_is_recorded_as_a_finding(world: World) {
    reassigned(&world, "2026-03-02").await;
    let back = offer(&world, "market_catalogue", entrust(THEIRS, market(), bureau())).await.unwrap();
    assert_eq!(back.findings.len(), 1);
    assert_eq!(back.findings[0].kind(), pb::FindingKind::EntrustedBack);
    assert!(back.findings[0].text.contains("反委托"), "{}", back.findings[0].text);
    let found = pb::ListTransfersRequest { with_findings: true, ..Default::default() };
    let list = as_(&world, "supervisor").list_transfers(found).await.unwrap().into_inner();
    assert_eq!(list.transfers.iter().map(|one| &one.id).collect::<Vec<_>>(), [&back.id]);
}

pub async fn a_power_goes_down_only_to_a_level_that_the_directory_names(world: World) {
    published(&world).await;
    let town =
        Some(pb::Organ {
            name: "浓洄街道".into(), code: "115113010087900001".into(), region_code: "511602001".into()
        });
    let mut ask = pb::OfferTransferRequest { way: pb::TransferWay::Devolve.into(), receiver: town, ..reassign() };
    assert_eq!(reason(&offer(&world, "editor", ask.clone()).await.unwrap_err()), "LEVEL_NOT_COMPETENT");
    let mut wider = basic("公共场所卫生许可（目录）");
    wider.levels.push(pb::Level::Town.into());
    world.directory_as("directory").publish_basic_item(wider).await.unwrap();
    ask.request_id = new_request_id();
    ask.items[0].kept = true;
    let offered = offer(&world, "editor", ask).await.unwrap();
    consult(&world, "health_catalogue", &offered.id).await.unwrap();
    assert_eq!(offered.receiver.unwrap().region_code, "511602001000");
    let up = pb::OfferTransferRequest { way: pb::TransferWay::Devolve.into(), ..reassign() };
    assert_eq!(reason(&offer(&world, "editor", up).await.unwrap_err()), "RECEIVER_UNFIT");
}

/// What the giver's list becomes between the dating and the day is what the receiver begins with; after the day it is the receiver's.
pub async fn a_list_is_handed_over_as_it_stands_on_its_day(world: World) {
    published(&world).await;
    let mut later = crate::directory::elements();
    later.guide = "三月十日起的新指南".into();
    let revise = pb::ReviseItemRequest { item_code: ITEM.into(), request_id: new_request_id() };
    let draft = world.directory_as("editor").revise_item(revise).await.unwrap().into_inner().id;
    crate::directory::passed(&world, &draft, later).await;
    crate::directory::publish(&world, "admin", &draft, "2026-03-10").await.unwrap();
    let offered = offer(&world, "editor", reassign()).await.unwrap();
    consult(&world, "health_catalogue", &offered.id).await.unwrap();
    accept(&world, "market_catalogue", &offered.id).await.unwrap();
    date(&world, &offered.id, "2026-03-16").await.unwrap();
    let guide = async || item(&world, THEIRS).await.conditions[0].clone();
    assert_eq!(guide().await, "三月十日起的新指南");
    // taken back before its day: it is not what stands on the sixteenth
    let ask = pb::WithdrawVersionRequest {
        item_code: ITEM.into(),
        request_id: new_request_id(),
        reason: "方案调整".into(),
        ..Default::default()
    };
    world.catalogue_as("admin").withdraw_version(ask).await.unwrap();
    world.until(async || (guide().await != "三月十日起的新指南").then_some(())).await;
    let theirs = item(&world, THEIRS).await;
    assert_eq!((theirs.department_code.as_str(), theirs.status()), (MARKET, pb::ItemStatus::Announced));
    world.day(2026, 3, 16);
    apply(&world, THEIRS).await.unwrap();
}

/// The entry is there, and nothing after it: the relay brings it into the catalogue.
pub async fn a_crash_before_the_items_moved_is_completed(world: World) {
    published(&world).await;
    let offered = offer(&world, "editor", entrust(ITEM, bureau(), market())).await.unwrap();
    accept(&world, "market_catalogue", &offered.id).await.unwrap();
    let effective = chrono::NaiveDate::from_ymd_opt(2026, 3, 2).unwrap();
    let dated = move |_: &Transfer, _: &Context| {
        let by = yiwang_intake::application::Actor::system();
        Ok(vec![Event::TransferDated { effective, document: "区政府令第3号".into(), by }])
    };
    let id = StreamId::parse("id", &offered.id).unwrap();
    world.ledger().execute::<Transfer>(id, Call::system(new_request_id(), ""), dated).await.unwrap();
    world.until(async || item(&world, ITEM).await.entrustment).await;
}

pub async fn an_offer_is_taken_back_and_is_nobodys_business_before_it_is_dated(world: World) {
    published(&world).await;
    let offered = offer(&world, "editor", reassign()).await.unwrap();
    let get = || pb::GetTransferRequest { id: offered.id.clone() };
    for who in ["editor", "market_catalogue", "health_catalogue", "admin", "supervisor"] {
        as_(&world, who).get_transfer(get()).await.unwrap();
    }
    for who in ["citizen", "fire_reviewer", "directory"] {
        assert_eq!(reason(&as_(&world, who).get_transfer(get()).await.unwrap_err()), "TRANSFER_NOT_FOUND", "{who}");
    }
    let ask = || pb::WithdrawTransferRequest {
        id: offered.id.clone(),
        request_id: new_request_id(),
        reason: "方案调整".into(),
        ..Default::default()
    };
    let refusal = as_(&world, "market_catalogue").withdraw_transfer(ask()).await.unwrap_err();
    assert_eq!(reason(&refusal), "ACTION_NOT_PERMITTED");
    let back = as_(&world, "editor").withdraw_transfer(ask()).await.unwrap().into_inner();
    assert_eq!(back.stage(), pb::TransferStage::Withdrawn);
    let again = as_(&world, "editor").withdraw_transfer(ask()).await.unwrap_err();
    assert_eq!(reason(&again), "TRANSFER_NOT_AT_STAGE");
}
