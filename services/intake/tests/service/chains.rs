//! 一链: stages that follow one another, each begun when its applicant is ready.

use serde_json::json;
use yiwang_kit::new_request_id;
use yiwang_proto::catalogue::v1 as items;
use yiwang_proto::catalogue::v1::theme_service_client::ThemeServiceClient;
use yiwang_proto::intake::v1 as pb;
use yiwang_proto::intake::v1::JointMemberState as State;
use yiwang_proto::intake::v1::joint_service_client::JointServiceClient;
use yiwang_proto::intake::v1::notification_service_client::NotificationServiceClient;

use crate::joints::{HYGIENE_PAPERS, get, grant, joints, member, submit, until};
use crate::world::{FIRE, HYGIENE, World, citizen, fields, reason, struct_of};

fn stage(code: &str, item: &str, after: &[&str]) -> items::ThemeMember {
    items::ThemeMember {
        code: code.into(),
        item_code: item.into(),
        after: after.iter().map(|code| (*code).to_owned()).collect(),
        ..Default::default()
    }
}

/// A public place step by step: its hygiene permit, then the fire check, then the bank.
fn chain() -> items::Theme {
    let limit = yiwang_proto::clock::v1::TimeLimit {
        days: 10,
        unit: yiwang_proto::clock::v1::TimeUnit::WorkingDay.into(),
        basis: "实施机关承诺（示例）".into(),
        ..Default::default()
    };
    let bank = items::ThemeMember {
        partner: "工商银行广安分行".into(),
        name: "开立对公账户".into(),
        ..stage("bank", "", &["fire"])
    };
    items::Theme {
        theme_code: "place-chain".into(),
        name: "公共场所一链办理".into(),
        kind: items::ThemeKind::Chain.into(),
        region_code: "511602".into(),
        lead: "区行政审批局".into(),
        lead_code: "115113016823646795".into(),
        basis: "国发〔2024〕3号".into(),
        promised_limit: Some(limit),
        members: vec![stage("hygiene", HYGIENE, &[]), stage("fire", FIRE, &["hygiene"]), bank],
        hand_out: items::HandOut::Each.into(),
        examples: vec![items::ThemeExample {
            answers: "{}".into(),
            members: vec!["hygiene".into(), "fire".into(), "bank".into()],
        }],
        ..Default::default()
    }
}

async fn publish(world: &World, theme: items::Theme) -> Result<items::Theme, tonic::Status> {
    let ask = items::PublishThemeRequest { request_id: new_request_id(), theme: Some(theme), ..Default::default() };
    ThemeServiceClient::new(world.link("admin")).publish_theme(ask).await.map(tonic::Response::into_inner)
}

fn hygiene_form() -> serde_json::Value {
    json!({"premises_name": "春来客栈", "premises_address": "广安区滨江路88号", "business_kind": "住宿", "staff_count": 6,
        "area_square_metres": 320})
}

/// Handed in with what its first stage asks for alone.
pub async fn running(world: &World) -> pb::JointApplication {
    publish(world, chain()).await.unwrap();
    let create = pb::CreateJointApplicationRequest {
        request_id: new_request_id(),
        theme_code: "place-chain".into(),
        applicant: Some(citizen()),
        form: Some(struct_of(hygiene_form())),
        ..Default::default()
    };
    let draft = joints(world, "citizen").create_joint_application(create).await.unwrap().into_inner();
    submit(world, &draft.id).await.unwrap()
}

async fn begin(world: &World, id: &str, code: &str) -> Result<pb::JointApplication, tonic::Status> {
    let ask = pb::BeginJointMemberRequest {
        id: id.into(),
        member_code: code.into(),
        request_id: new_request_id(),
        ..Default::default()
    };
    JointServiceClient::new(world.link("citizen")).begin_joint_member(ask).await.map(tonic::Response::into_inner)
}

async fn save(world: &World, id: &str) -> Result<pb::JointApplication, tonic::Status> {
    let mut form = hygiene_form();
    for (field, value) in
        [("premises_kind", json!("宾馆饭店")), ("floors", json!("1至3层")), ("fire_area_square_metres", json!(320))]
    {
        form[field] = value;
    }
    let ask = pb::SaveJointFormRequest {
        id: id.into(),
        request_id: new_request_id(),
        form: Some(struct_of(form)),
        ..Default::default()
    };
    joints(world, "citizen").save_joint_form(ask).await.map(tonic::Response::into_inner)
}

fn promised(joint: &pb::JointApplication) -> Option<&str> {
    joint.promised_due.as_ref().map(|due| due.date.as_str())
}

pub async fn a_later_stage_is_begun_when_its_applicant_is_ready(world: World) {
    let joint = running(&world).await;
    assert_eq!((member(&joint, "hygiene").state(), member(&joint, "fire").state()), (State::Running, State::Waiting));
    assert_eq!(promised(&joint), Some("2026-03-16"));
    assert_eq!(reason(&begin(&world, &joint.id, "fire").await.unwrap_err()), "STAGE_NOT_OPEN");
    assert_eq!(reason(&save(&world, &joint.id).await.unwrap_err()), "WRONG_PHASE");
    grant(&world, &joint, "hygiene", &HYGIENE_PAPERS, "卫公证字2026第1号").await;
    let open = until(&world, &joint.id, "fire", State::Open).await;
    assert_eq!((promised(&open), open.ready_members.as_slice()), (None, ["hygiene".to_owned()].as_slice()));
    let told = async || {
        let ask = pb::ListNotificationsRequest::default();
        let mut client = NotificationServiceClient::new(world.link("citizen"));
        let all = client.list_notifications(ask).await.unwrap().into_inner().notifications;
        all.into_iter().find(|one| one.text.contains("可以开始办理"))
    };
    assert!(world.until(told).await.text.contains("公共场所一链办理"));
    // weeks later, which nobody is late for; what the stage asks for is said at once
    world.day(2026, 4, 20);
    let refused = begin(&world, &joint.id, "fire").await.unwrap_err();
    assert_eq!(reason(&refused), "JOINT_NOT_READY");
    assert!(
        fields(&refused).contains(&("form.floors".to_owned(), "FIELD_REQUIRED".to_owned())),
        "{:?}",
        fields(&refused)
    );
    save(&world, &joint.id).await.unwrap();
    let begun = begin(&world, &joint.id, "fire").await.unwrap();
    assert_eq!(
        (member(&begun, "fire").state(), promised(&begun), begun.late),
        (State::Running, Some("2026-05-07"), false)
    );
    let part = world.read("citizen", &member(&begun, "fire").application_id).await;
    assert_eq!(part.phase(), pb::ApplicationPhase::Submitted);
    assert_eq!(reason(&begin(&world, &joint.id, "fire").await.unwrap_err()), "STAGE_NOT_OPEN");
    assert_eq!(reason(&begin(&world, &joint.id, "none").await.unwrap_err()), "MEMBER_NOT_FOUND");
}

pub async fn a_stage_that_nobody_begins_is_given_up_and_what_follows_it(world: World) {
    let joint = running(&world).await;
    grant(&world, &joint, "hygiene", &HYGIENE_PAPERS, "卫公证字2026第1号").await;
    let open = until(&world, &joint.id, "fire", State::Open).await;
    let drop = pb::WithdrawJointApplicationRequest {
        id: open.id.clone(),
        request_id: new_request_id(),
        member_code: "fire".into(),
        ..Default::default()
    };
    let ended = joints(&world, "citizen").withdraw_joint_application(drop).await.unwrap().into_inner();
    assert_eq!((member(&ended, "fire").state(), member(&ended, "bank").state()), (State::Withdrawn, State::Cancelled));
    assert_eq!((member(&ended, "hygiene").state(), ended.phase()), (State::Granted, pb::JointPhase::Ended));
    assert_eq!(reason(&begin(&world, &joint.id, "fire").await.unwrap_err()), "WRONG_PHASE");
}

pub async fn a_stage_has_the_version_of_the_day_on_which_its_turn_comes(world: World) {
    let joint = running(&world).await;
    let fire = pb::GetApplicationRequest { id: member(&joint, "fire").application_id.clone() };
    assert!(world.as_("citizen").get_application(fire.clone()).await.is_err(), "no draft before its turn");
    // the item changes before the turn of the stage comes: the stage has the version of that day
    let ask = items::GetItemRequest { item_code: FIRE.into(), version: 0 };
    let old = world.catalogue().get_item(ask).await.unwrap().into_inner();
    let rows = vec![items::ItemRow {
        name: "公众聚集场所消防安全检查（新）".into(), ..crate::catalogue::row(&old)
    }];
    let ask = items::ImportItemsRequest { request_id: new_request_id(), rows };
    world.catalogue_as("admin").import_items(ask).await.unwrap();
    grant(&world, &joint, "hygiene", &HYGIENE_PAPERS, "卫公证字2026第1号").await;
    let probe = async || world.as_("citizen").get_application(fire.clone()).await.ok();
    let draft = world.until(probe).await.into_inner();
    assert_eq!(
        (draft.phase(), draft.item_name.as_str()),
        (pb::ApplicationPhase::Draft, "公众聚集场所消防安全检查（新）")
    );
    // it is handed in with the chain, not by itself
    let alone = pb::SubmitApplicationRequest { id: draft.id, request_id: new_request_id(), ..Default::default() };
    assert_eq!(reason(&world.as_("citizen").submit_application(alone).await.unwrap_err()), "PART_OF_JOINT");
    save(&world, &joint.id).await.unwrap();
    let begun = begin(&world, &joint.id, "fire").await.unwrap();
    assert_eq!(member(&begun, "fire").name, "公众聚集场所消防安全检查（新）");
    assert_eq!(get(&world, "citizen", &joint.id).await.unwrap().members, begun.members);
}

pub async fn a_chain_that_is_none_is_not_published(world: World) {
    let mut theme = chain();
    theme.hand_out = items::HandOut::Together.into();
    theme.members[2].after.clear();
    let refused = fields(&publish(&world, theme).await.unwrap_err());
    let has = |field: &str, reason: &str| refused.contains(&(field.to_owned(), reason.to_owned()));
    assert!(has("hand_out", "HAND_OUT_UNFIT") && has("examples[0]", "CHAIN_BROKEN"), "{refused:?}");
}
