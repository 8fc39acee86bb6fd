//! 一件事: guided questions, members by their answers, one form, one list of materials.

use serde_json::json;
use yiwang_kit::new_request_id;
use yiwang_proto::catalogue::v1 as pb;
use yiwang_proto::catalogue::v1::theme_service_client::ThemeServiceClient;

use crate::world::{HYGIENE, World, fields, reason, struct_of};

fn themes(world: &World, account: &str) -> ThemeServiceClient<yiwang_kit::Link> {
    ThemeServiceClient::new(world.link(account))
}

async fn plan(world: &World, code: &str, answers: serde_json::Value) -> Result<pb::ThemePlan, tonic::Status> {
    let ask = pb::PlanThemeRequest { theme_code: code.into(), answers: Some(struct_of(answers)) };
    themes(world, "citizen").plan_theme(ask).await.map(tonic::Response::into_inner)
}

async fn get(world: &World, code: &str) -> Result<pb::Theme, tonic::Status> {
    let ask = pb::GetThemeRequest { theme_code: code.into() };
    themes(world, "citizen").get_theme(ask).await.map(tonic::Response::into_inner)
}

async fn publish(world: &World, who: &str, theme: pb::Theme) -> Result<pb::Theme, tonic::Status> {
    let ask = pb::PublishThemeRequest { request_id: new_request_id(), theme: Some(theme), ..Default::default() };
    themes(world, who).publish_theme(ask).await.map(tonic::Response::into_inner)
}

pub async fn six_themes_are_there_and_found_by_their_event(world: World) {
    let list = async |ask: pb::ListThemesRequest| {
        let found = themes(&world, "citizen").list_themes(ask).await.unwrap().into_inner().themes;
        found.into_iter().map(|theme| theme.theme_code).collect::<Vec<_>>()
    };
    assert_eq!(list(Default::default()).await, ["bdc", "cs", "cyd", "ggcs", "qykb", "tzxm"]);
    assert_eq!(list(pb::ListThemesRequest { life_event: "出生".into(), ..Default::default() }).await, ["cs"]);
    let trade = pb::ListThemesRequest { kind: pb::ThemeKind::OneTrade.into(), ..Default::default() };
    assert_eq!(list(trade).await, ["ggcs"]);
}

pub async fn questions_lead_to_members_one_form_and_one_list(world: World) {
    let first = plan(&world, "ggcs", json!({})).await.unwrap();
    assert_eq!((first.next_question.unwrap().code.as_str(), first.form_schema.as_str()), ("registered", ""));
    let answers = json!({"registered": false, "crowd": true, "lodging": false, "sign": true});
    let all = plan(&world, "ggcs", answers).await.unwrap();
    assert_eq!(all.next_question, None);
    let members: Vec<_> = all.members.iter().map(|member| (member.member_code.as_str(), member.step)).collect();
    assert_eq!(members, [("registration", 1), ("hygiene", 2), ("fire", 2), ("sign", 2)]);
    assert_eq!((all.members[1].item_code.as_str(), all.members[1].department.as_str()), (HYGIENE, "区行政审批局"));
    // the premises are named once for the hygiene permit and the fire check
    let premises = all.fields.iter().find(|field| field.name == "premises_name").unwrap();
    assert_eq!(premises.fills, ["hygiene.premises_name", "fire.premises_name"]);
    assert!(all.form_schema.contains("premises_name") && !all.materials.is_empty());
}

pub async fn an_answer_that_fits_no_question_is_refused(world: World) {
    let refusal = plan(&world, "cyd", json!({"form": "both", "area": "large", "colour": 1})).await.unwrap_err();
    let expected = ["answers.area", "answers.colour", "answers.form"];
    assert_eq!(reason(&refusal), "ANSWERS_INVALID");
    assert_eq!(fields(&refusal).iter().map(|(field, _)| field.as_str()).collect::<Vec<_>>(), expected);
    assert_eq!(reason(&plan(&world, "none", json!({})).await.unwrap_err()), "THEME_NOT_FOUND");
}

pub async fn a_member_that_cannot_be_applied_for_says_why(world: World) {
    let suspend = pb::SuspendItemRequest {
        item_code: HYGIENE.into(),
        request_id: new_request_id(),
        reason: "系统升级".into(),
        ..Default::default()
    };
    world.catalogue_as("admin").suspend_item(suspend).await.unwrap();
    let answers = json!({"registered": true, "crowd": false, "lodging": false, "sign": false});
    let plan = plan(&world, "ggcs", answers).await.unwrap();
    assert!(plan.members[0].obstacle.contains("暂停办理"), "{:?}", plan.members);
}

pub async fn a_theme_is_its_regions_and_what_is_wrong_is_said_at_once(world: World) {
    let mut theme = get(&world, "cyd").await.unwrap();
    theme.guide = "新指南".into();
    assert_eq!(reason(&publish(&world, "editor", theme.clone()).await.unwrap_err()), "ACTION_NOT_PERMITTED");
    let next = publish(&world, "admin", theme.clone()).await.unwrap();
    assert_eq!((next.version, next.guide.as_str()), (2, "新指南"));
    let elsewhere = pb::Theme { region_code: "511603".into(), ..theme.clone() };
    assert_eq!(reason(&publish(&world, "admin", elsewhere).await.unwrap_err()), "ACTION_NOT_PERMITTED");
    // `answers.my-code` would be a subtraction
    let mut hyphen = theme.clone();
    hyphen.questions[0].code = "my-code".into();
    let refusal = publish(&world, "admin", hyphen).await.unwrap_err();
    assert_eq!(fields(&refusal)[0].0, "theme.questions[0].code");
    theme.members[2].item_code = "no-such-item".into();
    theme.members[4].when = "answers.".into();
    theme.members[5].after = vec!["nobody".into()];
    theme.questions[0].choices.clear();
    theme.basis = "惯例".into();
    theme.examples.truncate(1);
    theme.examples[0].members = vec!["filing".into()];
    let refusal = publish(&world, "admin", theme).await.unwrap_err();
    let reasons: std::collections::BTreeSet<_> = fields(&refusal).into_iter().map(|(_, reason)| reason).collect();
    let expected =
        ["BASIS_NOT_CITED", "CHOICES_MISSING", "CODE_UNKNOWN", "EXAMPLE_FAILS", "EXPRESSION_INVALID", "MEMBER_UNFIT"];
    assert_eq!(reasons.into_iter().collect::<Vec<_>>(), expected);
}

pub async fn what_an_administrator_published_no_release_overwrites(world: World) {
    let theme = pb::Theme { guide: "本区指南".into(), ..get(&world, "cyd").await.unwrap() };
    publish(&world, "admin", theme).await.unwrap();
    let next = || {
        let mut shipped = yiwang_intake::theme::source::builtin().unwrap();
        shipped.iter_mut().for_each(|facts| facts.guide = "下一版".into());
        shipped
    };
    yiwang_intake::theme::source::run(world.ledger(), next()).await.unwrap();
    assert_eq!(get(&world, "cyd").await.unwrap().guide, "本区指南");
    // what nobody touched is the release's
    assert_eq!(get(&world, "ggcs").await.unwrap().guide, "下一版");
}

pub async fn a_cancelled_theme_is_planned_no_more(world: World) {
    let cancel = || pb::CancelThemeRequest {
        theme_code: "bdc".into(),
        request_id: new_request_id(),
        reason: "并入省级主题".into(),
        ..Default::default()
    };
    themes(&world, "admin").cancel_theme(cancel()).await.unwrap();
    assert_eq!(reason(&plan(&world, "bdc", json!({})).await.unwrap_err()), "THEME_CANCELLED");
    assert_eq!(get(&world, "bdc").await.unwrap().cancelled_reason, "并入省级主题");
    assert_eq!(reason(&themes(&world, "admin").cancel_theme(cancel()).await.unwrap_err()), "THEME_CANCELLED");
    // and what the product ships does not bring it back
    let shipped = yiwang_intake::theme::source::builtin().unwrap();
    yiwang_intake::theme::source::run(world.ledger(), shipped).await.unwrap();
    assert_eq!(reason(&plan(&world, "bdc", json!({})).await.unwrap_err()), "THEME_CANCELLED");
}

/// 多地联办: a theme's members may be items of several regions, each its own organ's.
pub async fn a_theme_joins_items_of_several_regions(world: World) {
    let row = pb::ItemRow {
        item_code: "511A9900300001-511681000000-000-115113016823646795-1-00".into(),
        name: "公共场所卫生许可（华蓥）".into(),
        department: "华蓥市行政审批局".into(),
        region_code: crate::elsewhere::HERE.into(),
        item_type: 1,
        main_item: "公共场所卫生许可".into(),
        ..Default::default()
    };
    let import = pb::ImportItemsRequest { request_id: new_request_id(), rows: vec![row.clone()] };
    let link = crate::elsewhere::staff(&world, "admin", crate::elsewhere::HERE);
    pb::catalogue_service_client::CatalogueServiceClient::new(link).import_items(import).await.unwrap();
    let mut theme = get(&world, "ggcs").await.unwrap();
    let here = pb::ThemeMember { code: "branch".into(), item_code: row.item_code.clone(), ..Default::default() };
    theme.members.push(here);
    theme.examples.iter_mut().for_each(|example| example.members.push("branch".into()));
    publish(&world, "admin", theme).await.unwrap();
    let answers = json!({"registered": true, "crowd": false, "lodging": false, "sign": false});
    let planned = plan(&world, "ggcs", answers).await.unwrap();
    let organs: Vec<_> =
        planned.members.iter().map(|one| (one.member_code.as_str(), one.department.as_str())).collect();
    assert_eq!(organs, [("hygiene", "区行政审批局"), ("branch", "华蓥市行政审批局")]);
}
