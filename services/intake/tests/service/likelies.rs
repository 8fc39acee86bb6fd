//! 猜您要办: what somebody's situation makes likely, and why.

use yiwang_kit::new_request_id;
use yiwang_proto::catalogue::v1 as pb;
use yiwang_proto::catalogue::v1::catalogue_service_client::CatalogueServiceClient;
use yiwang_proto::catalogue::v1::theme_service_client::ThemeServiceClient;
use yiwang_proto::intake::v1 as intake;

use crate::mandates::{entrusted, for_her, mandates};
use crate::world::{FIRE, HYGIENE, PLAIN, World, reason};

/// 公共场所卫生许可证, as `authored/hygiene.toml` has its type.
async fn hygiene_type(world: &World) -> String {
    let ask = pb::GetItemRequest { item_code: HYGIENE.into(), version: 0 };
    world.catalogue().get_item(ask).await.unwrap().into_inner().result.unwrap().license_type_code
}

async fn suggest(
    world: &World,
    account: &str,
    ask: pb::SuggestItemsRequest,
) -> Result<pb::SuggestItemsResponse, tonic::Status> {
    world.catalogue_as(account).suggest_items(ask).await.map(tonic::Response::into_inner)
}

/// The code of each item with the kinds of its reasons.
fn kinds(answer: &pb::SuggestItemsResponse) -> Vec<(String, Vec<pb::LikelyKind>)> {
    let one = |one: &pb::SuggestedItem| {
        (one.item.as_ref().unwrap().item_code.clone(), one.reasons.iter().map(pb::LikelyReason::kind).collect())
    };
    answer.items.iter().map(one).collect()
}

fn of(answer: &pb::SuggestItemsResponse, code: &str) -> Vec<pb::LikelyKind> {
    kinds(answer).into_iter().find(|(item, _)| item == code).map(|(_, kinds)| kinds).unwrap_or_default()
}

/// The citizen's hygiene permit was granted.
async fn granted(world: &World) {
    let application = world.accepted().await;
    let conclusion = intake::Conclusion {
        granted: true,
        decided_date: "2026-03-02".into(),
        case_id: application.id.clone(),
        ..Default::default()
    };
    let ask = intake::RecordConclusionRequest {
        request_id: new_request_id(),
        application_id: application.id,
        conclusion: Some(conclusion),
        actor: None,
    };
    world.by_service("approval").record_conclusion(ask).await.unwrap();
}

/// A public place: the hygiene permit, then the fire check.
async fn place(world: &World) {
    joined(world, "place", HYGIENE).await;
}

/// A theme of one item, and the fire check after it.
async fn joined(world: &World, code: &str, first: &str) {
    let member = |code: &str, item: &str, after: &[&str]| pb::ThemeMember {
        code: code.into(),
        item_code: item.into(),
        after: after.iter().map(|code| (*code).to_owned()).collect(),
        ..Default::default()
    };
    let limit = yiwang_proto::clock::v1::TimeLimit {
        days: 10,
        unit: yiwang_proto::clock::v1::TimeUnit::WorkingDay.into(),
        basis: "实施机关承诺（示例）".into(),
        ..Default::default()
    };
    let theme = pb::Theme {
        theme_code: code.into(),
        name: "开公共场所".into(),
        kind: pb::ThemeKind::OneTrade.into(),
        region_code: "511602".into(),
        lead: "区行政审批局".into(),
        lead_code: "115113016823646795".into(),
        basis: "国发〔2024〕3号".into(),
        promised_limit: Some(limit),
        life_event: "企业准营".into(),
        members: vec![member("first", first, &[]), member("fire", FIRE, &["first"])],
        hand_out: pb::HandOut::Each.into(),
        examples: vec![pb::ThemeExample { answers: "{}".into(), members: vec!["first".into(), "fire".into()] }],
        ..Default::default()
    };
    let ask = pb::PublishThemeRequest { request_id: new_request_id(), theme: Some(theme), ..Default::default() };
    let link = world.link("admin");
    let mut client = ThemeServiceClient::new(link);
    client.publish_theme(ask).await.unwrap();
}

pub async fn what_was_granted_brings_what_follows_it_with_the_reason(world: World) {
    place(&world).await;
    assert!(suggest(&world, "citizen", Default::default()).await.unwrap().items.is_empty(), "nothing is known yet");
    let draft = world.ready().await;
    world.submit(&draft.id).await.unwrap();
    let running = suggest(&world, "citizen", Default::default()).await.unwrap();
    assert_eq!(kinds(&running), [(FIRE.to_owned(), vec![pb::LikelyKind::FollowsRunning])]);
    world.withdraw(&draft.id).await.unwrap();
    Box::pin(granted(&world)).await;
    let said = pb::SuggestItemsRequest { life_event: "企业准营".into(), ..Default::default() };
    let all = suggest(&world, "citizen", said).await.unwrap();
    assert_eq!(kinds(&all), [(FIRE.to_owned(), vec![pb::LikelyKind::FollowsGranted, pb::LikelyKind::LifeEvent])]);
    let why = &all.items[0].reasons[0];
    assert_eq!((why.theme_code.as_str(), why.item_code.as_str()), ("place", HYGIENE));
    assert!(why.text.contains("已办成“公共场所卫生许可"), "{}", why.text);
    // in another region nothing of it is to be had
    let elsewhere = pb::SuggestItemsRequest { region_code: "511603".into(), ..Default::default() };
    assert!(suggest(&world, "citizen", elsewhere).await.unwrap().items.is_empty());
}

pub async fn a_licence_that_ends_soon_is_to_be_renewed(world: World) {
    Box::pin(granted(&world)).await;
    let kind = hygiene_type(&world).await;
    // the stand-in's licence ends on 2030-03-01
    world.license.hold("公共场所卫生许可证", &kind);
    assert!(suggest(&world, "citizen", Default::default()).await.unwrap().items.is_empty());
    world.day(2030, 1, 15);
    let due = suggest(&world, "citizen", Default::default()).await.unwrap();
    assert_eq!(kinds(&due), [(HYGIENE.to_owned(), vec![pb::LikelyKind::RenewalDue])]);
    let why = &due.items[0].reasons[0];
    assert!(why.valid_to == "2030-03-01" && why.text.contains("第五十条"), "{why:?}");
    world.license.away(true);
    let without = suggest(&world, "citizen", Default::default()).await.unwrap();
    assert!(without.licenses_unknown && without.items.is_empty());
}

pub async fn whoever_does_not_sign_in_is_told_by_what_they_say(world: World) {
    place(&world).await;
    let mut nobody = CatalogueServiceClient::new(world.process.links.get("intake"));
    assert!(nobody.suggest_items(pb::SuggestItemsRequest::default()).await.unwrap().into_inner().items.is_empty());
    let held = pb::HeldLicense {
        type_code: hygiene_type(&world).await,
        name: "公共场所卫生许可证".into(),
        valid_to: "2026-04-01".into(),
    };
    let ask = pb::SuggestItemsRequest {
        served: pb::ServedGroup::Enterprise.into(),
        region_code: "511602".into(),
        life_event: "企业准营".into(),
        licenses: vec![held],
        page_size: 1,
        ..Default::default()
    };
    let first = nobody.suggest_items(ask.clone()).await.unwrap().into_inner();
    assert_eq!((first.items.len(), first.total_size), (1, 2));
    assert_eq!(of(&first, HYGIENE), [pb::LikelyKind::RenewalDue, pb::LikelyKind::LifeEvent]);
    let next = pb::SuggestItemsRequest { page_token: first.next_page_token.clone(), ..ask.clone() };
    let second = nobody.suggest_items(next).await.unwrap().into_inner();
    assert_eq!((of(&second, FIRE), second.next_page_token.as_str()), (vec![pb::LikelyKind::LifeEvent], ""));
    let other = pb::SuggestItemsRequest { page_token: first.next_page_token, life_event: String::new(), ..ask.clone() };
    assert_eq!(reason(&nobody.suggest_items(other).await.unwrap_err()), "PAGE_TOKEN_INVALID");
    let mut wrong = ask;
    wrong.licenses[0].valid_to = "明年".into();
    assert_eq!(reason(&nobody.suggest_items(wrong).await.unwrap_err()), "FIELD_INVALID");
}

pub async fn nobody_is_told_by_what_belongs_to_others(world: World) {
    place(&world).await;
    Box::pin(granted(&world)).await;
    assert_eq!(suggest(&world, "citizen", Default::default()).await.unwrap().items.len(), 1);
    for other in ["citizen2", "clerk", "reviewer", "supervisor", "admin"] {
        let answer = suggest(&world, other, Default::default()).await.unwrap();
        assert!(answer.items.is_empty(), "{other}: {:?}", kinds(&answer));
    }
    // who acts for somebody is not told by that one's application, whose it is is
    joined(&world, "other", PLAIN).await;
    mandates(&world, "citizen2").grant_mandate(entrusted()).await.unwrap();
    let hers = for_her(&world).await;
    world.submit(&hers.id).await.unwrap();
    let kinds = async |account: &str| of(&suggest(&world, account, Default::default()).await.unwrap(), FIRE);
    assert_eq!(kinds("citizen2").await, [pb::LikelyKind::FollowsRunning]);
    assert_eq!(kinds("citizen").await, [pb::LikelyKind::FollowsGranted]);
    assert!(world.license.asked().iter().all(|asked| asked.holder_subject.len() == 64));
}

pub async fn an_open_stage_comes_first(world: World) {
    let joint = crate::chains::running(&world).await;
    let papers = &crate::joints::HYGIENE_PAPERS;
    crate::joints::grant(&world, &joint, "hygiene", papers, "卫公证字2026第1号").await;
    crate::joints::until(&world, &joint.id, "fire", intake::JointMemberState::Open).await;
    let open = suggest(&world, "citizen", Default::default()).await.unwrap();
    assert_eq!(kinds(&open), [(FIRE.to_owned(), vec![pb::LikelyKind::StageOpen, pb::LikelyKind::FollowsGranted])]);
    assert_eq!(open.items[0].reasons[0].theme_code, "place-chain");
}
