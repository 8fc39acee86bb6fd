//! 三级四同: from the directory over claim, draft and reviews into the catalogue.

use yiwang_intake::application::Actor;
use yiwang_intake::drafting::{Draft, Event};
use yiwang_kit::{Problem, new_request_id};
use yiwang_ledger::{Call, Context, StreamId};
use yiwang_proto::catalogue::v1 as pb;
use yiwang_proto::clock::v1::{LimitSource, TimeLimit};

use crate::world::{HYGIENE, World, create, fields, pdf, reason, struct_of};

pub const BASIC: &str = "XK0010100Y";
pub const ITEM: &str = "511A9900100001-511602000000-000-115113016823646795-1-00";
pub const ORGAN: &str = "115113016823646795";

pub fn basic(name: &str) -> pb::PublishBasicItemRequest {
    pb::PublishBasicItemRequest {
        basic_code: BASIC.into(),
        request_id: new_request_id(),
        name: name.into(),
        item_type: pb::ItemType::Licensing.into(),
        bases: vec!["《公共场所卫生管理条例》第四条".into()],
        process: ["受理", "审查", "决定", "送达"].map(str::to_owned).to_vec(),
        levels: vec![pb::Level::City.into(), pb::Level::County.into()],
        ..Default::default()
    }
}

pub fn claim() -> pb::ClaimItemRequest {
    pb::ClaimItemRequest {
        basic_code: BASIC.into(),
        request_id: new_request_id(),
        item_code: ITEM.into(),
        department: "区行政审批局".into(),
        department_code: ORGAN.into(),
        region_code: "511602000000".into(),
        level: pb::Level::County.into(),
    }
}

fn days(days: i32, basis: &str) -> Option<TimeLimit> {
    Some(TimeLimit { days, basis: basis.into(), source: LimitSource::Statute.into(), ..Default::default() })
}

pub fn elements() -> pb::ItemElements {
    let floor_plan = pb::Material {
        code: "floor_plan".into(),
        name: "平面布局图".into(),
        basis: "《公共场所卫生管理条例实施细则》第二十三条".into(),
        originals: 1,
        ..Default::default()
    };
    pb::ItemElements {
        case_kind: pb::CaseKind::Promised.into(),
        legal_limit: days(20, "《行政许可法》第四十二条"),
        promised_limit: days(8, "本机关承诺"),
        conditions: vec![pb::Condition {
            text: "有固定场所".into(), basis: "《公共场所卫生管理条例》第四条".into()
        }],
        materials: vec![floor_plan],
        result: Some(pb::ItemResult {
            kind: pb::ResultKind::Document.into(),
            name: "批准文件".into(),
            ..Default::default()
        }),
        form_schema: r#"{"type":"object"}"#.into(),
        remedies: "可以自知道该决定之日起六十日内申请行政复议，或者六个月内提起行政诉讼。".into(),
        rules: "licensing".into(),
        details: Some(details()),
        ..Default::default()
    }
}

pub fn details() -> pb::ItemDetails {
    pb::ItemDetails {
        quantity: "无".into(),
        served: vec![pb::ServedGroup::Person.into(), pb::ServedGroup::Enterprise.into()],
        channels: vec![pb::Channel::Window.into(), pb::Channel::Web.into()],
        online_depth: pb::OnlineDepth::Iv.into(),
        places: vec![pb::Place {
            name: "区政务服务中心".into(),
            address: "广安区金安大道".into(),
            hours: "工作日9:00至17:00".into(),
            ..Default::default()
        }],
        enquiries: "0826-2222222".into(),
        complaints: "12345".into(),
        ..Default::default()
    }
}

async fn published_basic(world: &World, name: &str) -> pb::BasicItem {
    world.directory_as("directory").publish_basic_item(basic(name)).await.unwrap().into_inner()
}

pub async fn claimed(world: &World) -> pb::ItemDraft {
    published_basic(world, "公共场所卫生许可（目录）").await;
    world.directory_as("editor").claim_item(claim()).await.unwrap().into_inner()
}

pub async fn save(world: &World, id: &str, elements: pb::ItemElements) -> pb::ItemDraft {
    let save = pb::SaveItemDraftRequest {
        id: id.into(),
        request_id: new_request_id(),
        elements: Some(elements),
        ..Default::default()
    };
    world.directory_as("editor").save_item_draft(save).await.unwrap().into_inner()
}

pub async fn submit(world: &World, id: &str) -> Result<pb::ItemDraft, tonic::Status> {
    let submit = pb::SubmitItemDraftRequest { id: id.into(), request_id: new_request_id(), ..Default::default() };
    world.directory_as("editor").submit_item_draft(submit).await.map(tonic::Response::into_inner)
}

async fn review(world: &World, who: &str, id: &str, passed: bool) -> Result<pb::ItemDraft, tonic::Status> {
    let review = pb::ReviewItemDraftRequest {
        id: id.into(),
        request_id: new_request_id(),
        passed,
        opinion: "要素齐全".into(),
        ..Default::default()
    };
    world.directory_as(who).review_item_draft(review).await.map(tonic::Response::into_inner)
}

async fn legality(world: &World, who: &str, id: &str) -> Result<pb::ItemDraft, tonic::Status> {
    let check = pb::CheckItemLegalityRequest {
        id: id.into(),
        request_id: new_request_id(),
        passed: true,
        opinion: "依据充分".into(),
        ..Default::default()
    };
    world.directory_as(who).check_item_legality(check).await.map(tonic::Response::into_inner)
}

async fn risks(world: &World, who: &str, id: &str, risks: Vec<pb::RiskPoint>) -> Result<pb::ItemDraft, tonic::Status> {
    let check = pb::CheckItemRisksRequest {
        id: id.into(),
        request_id: new_request_id(),
        passed: true,
        opinion: "风险可控".into(),
        risks,
        ..Default::default()
    };
    world.directory_as(who).check_item_risks(check).await.map(tonic::Response::into_inner)
}

fn risk() -> Vec<pb::RiskPoint> {
    vec![pb::RiskPoint { text: "现场审核自由裁量".into(), measure: "两人以上审核并留存影像".into() }]
}

pub async fn publish(world: &World, who: &str, id: &str, from: &str) -> Result<pb::ItemDraft, tonic::Status> {
    let publish = pb::PublishItemRequest {
        id: id.into(),
        request_id: new_request_id(),
        from_date: from.into(),
        ..Default::default()
    };
    world.directory_as(who).publish_item(publish).await.map(tonic::Response::into_inner)
}

/// A draft that passed every review.
pub async fn ready(world: &World, elements: pb::ItemElements) -> String {
    let draft = claimed(world).await;
    passed(world, &draft.id, elements).await;
    draft.id
}

/// An item of the bureau's, in force.
pub async fn published(world: &World) {
    let id = ready(world, elements()).await;
    publish(world, "admin", &id, "").await.unwrap();
}

pub async fn passed(world: &World, id: &str, elements: pb::ItemElements) {
    save(world, id, elements).await;
    submit(world, id).await.unwrap();
    review(world, "item_reviewer", id, true).await.unwrap();
    legality(world, "legality", id).await.unwrap();
    risks(world, "risk", id, risk()).await.unwrap();
}

pub async fn item(world: &World, code: &str) -> pb::Item {
    let request = pb::GetItemRequest { item_code: code.into(), version: 0 };
    world.catalogue().get_item(request).await.unwrap().into_inner()
}

pub async fn apply(world: &World, code: &str) -> Result<i64, tonic::Status> {
    world.as_("citizen").create_application(create(code)).await.map(|made| made.into_inner().item_version)
}

pub async fn a_claimed_item_goes_through_every_review_into_the_catalogue(world: World) {
    let id = ready(&world, elements()).await;
    let draft = publish(&world, "admin", &id, "").await.unwrap();
    assert_eq!((draft.stage(), draft.from_date.as_str()), (pb::DraftStage::Published, "2026-03-02"));
    assert_eq!((draft.opinions.len(), draft.risks.len()), (4, 1));
    let item = item(&world, ITEM).await;
    assert_eq!((item.name.as_str(), item.basic_code.as_str()), ("公共场所卫生许可（目录）", BASIC));
    assert_eq!((item.process.len(), item.bases.len(), item.status()), (4, 1, pb::ItemStatus::InForce));
    assert!(item.conditions[0].contains("依据：《公共场所卫生管理条例》第四条"), "{:?}", item.conditions);
    apply(&world, ITEM).await.unwrap();
}

pub async fn nobody_passes_their_own_draft(world: World) {
    let draft = claimed(&world).await;
    save(&world, &draft.id, elements()).await;
    // the reviewer's hand in it
    let by = Actor { id: "staff:item_reviewer".into(), ..Actor::system() };
    let wrote = move |draft: &Draft, _: &Context| {
        Ok(vec![Event::DraftSaved { facts: Box::new(draft.facts.clone()), by: by.clone() }])
    };
    let id = StreamId::parse("id", &draft.id).unwrap();
    world.ledger().execute::<Draft>(id, Call::system(new_request_id(), ""), wrote).await.unwrap();
    submit(&world, &draft.id).await.unwrap();
    let refusal = review(&world, "item_reviewer", &draft.id, true).await.unwrap_err();
    assert_eq!(reason(&refusal), "DRAFT_IS_YOURS");
}

pub async fn every_step_has_its_role(world: World) {
    let mut stranger = basic("x");
    stranger.request_id = new_request_id();
    let refused = world.directory_as("admin").publish_basic_item(stranger).await.unwrap_err();
    assert_eq!(reason(&refused), "ACTION_NOT_PERMITTED");
    let id = claimed(&world).await.id;
    save(&world, &id, elements()).await;
    submit(&world, &id).await.unwrap();
    for who in ["editor", "reviewer", "admin"] {
        assert_eq!(reason(&review(&world, who, &id, true).await.unwrap_err()), "ACTION_NOT_PERMITTED", "{who}");
    }
    review(&world, "item_reviewer", &id, true).await.unwrap();
    assert_eq!(reason(&legality(&world, "risk", &id).await.unwrap_err()), "ACTION_NOT_PERMITTED");
    legality(&world, "legality", &id).await.unwrap();
    assert_eq!(reason(&risks(&world, "legality", &id, risk()).await.unwrap_err()), "ACTION_NOT_PERMITTED");
    assert_eq!(reason(&risks(&world, "risk", &id, Vec::new()).await.unwrap_err()), "RISKS_MISSING");
    assert_eq!(reason(&publish(&world, "admin", &id, "").await.unwrap_err()), "DRAFT_NOT_AT_STAGE");
    risks(&world, "risk", &id, risk()).await.unwrap();
    assert_eq!(reason(&publish(&world, "item_reviewer", &id, "").await.unwrap_err()), "ACTION_NOT_PERMITTED");
    assert_eq!(reason(&publish(&world, "admin", &id, "2026-03-01").await.unwrap_err()), "DATE_IN_THE_PAST");
    publish(&world, "admin", &id, "").await.unwrap();
}

pub async fn what_cannot_be_published_is_said_all_at_once(world: World) {
    let id = claimed(&world).await.id;
    let mut wrong = elements();
    wrong.conditions[0].basis = String::new();
    wrong.materials[0].basis = String::new();
    let proof =
        pb::Material {
            code: "proof".into(), name: "健在证明".into(), basis: "惯例".into(), ..Default::default()
        };
    wrong.materials.push(proof);
    wrong.promised_limit = days(21, "本机关承诺");
    wrong.form_schema = "{\"type\": 7}".into();
    wrong.rules = "public-service".into();
    save(&world, &id, wrong).await;
    let refusal = submit(&world, &id).await.unwrap_err();
    assert_eq!(reason(&refusal), "ELEMENTS_INVALID");
    let expected = [
        ("conditions[0].basis", "BASIS_MISSING"),
        ("materials[0].basis", "BASIS_MISSING"),
        ("materials[1].basis", "BASIS_NOT_CITED"),
        ("materials[1].name", "PROOF_ABOLISHED"),
        ("promised_limit.days", "LIMIT_TOO_LONG"),
        ("form_schema", "FORM_SCHEMA_INVALID"),
        ("rules", "RULES_UNFIT"),
    ];
    let mut found = fields(&refusal);
    found.sort();
    let mut expected = expected.map(|(field, reason)| (field.to_owned(), reason.to_owned())).to_vec();
    expected.sort();
    assert_eq!(found, expected);
}

pub async fn a_version_for_later_is_in_force_on_its_day(world: World) {
    let id = ready(&world, elements()).await;
    publish(&world, "admin", &id, "2026-03-16").await.unwrap();
    let announced = item(&world, ITEM).await;
    assert_eq!(
        (announced.status(), announced.editions[0].from_date.as_str()),
        (pb::ItemStatus::Announced, "2026-03-16")
    );
    let refusal = apply(&world, ITEM).await.unwrap_err();
    assert_eq!(reason(&refusal), "ITEM_NOT_YET_IN_FORCE");
    assert_eq!(Problem::of(&refusal).metadata["from_date"], "2026-03-16");
    world.day(2026, 3, 16);
    apply(&world, ITEM).await.unwrap();
    let in_force = async || (item(&world, ITEM).await.status() == pb::ItemStatus::InForce).then_some(());
    world.until(in_force).await;
    assert_eq!(item(&world, ITEM).await.editions.len(), 1);
}

/// Table A.2, code 7: where each level has its part of an item, each may claim it.
pub async fn what_is_managed_by_grades_any_level_claims(world: World) {
    let mut graded = basic("公共场所卫生许可（目录）");
    graded.levels = vec![pb::Level::Graded.into()];
    let shown = world.directory_as("directory").publish_basic_item(graded).await.unwrap().into_inner();
    assert_eq!(shown.levels().collect::<Vec<_>>(), [pb::Level::Graded]);
    world.directory_as("editor").claim_item(claim()).await.unwrap();
}

pub async fn a_level_that_is_not_named_does_not_claim(world: World) {
    published_basic(&world, "公共场所卫生许可").await;
    let mut city = basic("公共场所卫生许可");
    city.levels = vec![pb::Level::City.into()];
    world.directory_as("directory").publish_basic_item(city).await.unwrap();
    assert_eq!(reason(&world.directory_as("editor").claim_item(claim()).await.unwrap_err()), "LEVEL_NOT_COMPETENT");
    let town = pb::ClaimItemRequest { level: pb::Level::City.into(), ..claim() };
    assert_eq!(reason(&world.directory_as("editor").claim_item(town).await.unwrap_err()), "FIELD_INVALID");
    let unknown = pb::ClaimItemRequest { basic_code: "XK0".into(), ..claim() };
    assert_eq!(reason(&world.directory_as("editor").claim_item(unknown).await.unwrap_err()), "BASIC_ITEM_NOT_FOUND");
    let foreign = pb::ClaimItemRequest { department_code: "11511300MB1A21304N".into(), ..claim() };
    assert_eq!(reason(&world.directory_as("editor").claim_item(foreign).await.unwrap_err()), "ACTION_NOT_PERMITTED");
}

pub async fn a_new_version_of_the_directory_reaches_claimed_items(world: World) {
    let id = ready(&world, elements()).await;
    publish(&world, "admin", &id, "").await.unwrap();
    published_basic(&world, "公共场所卫生许可（新名）").await;
    world.until(async || (item(&world, ITEM).await.name == "公共场所卫生许可（新名）").then_some(())).await;
    assert_eq!(item(&world, ITEM).await.editions.len(), 2);
    let listed = world.directory_as("citizen").list_basic_items(pb::ListBasicItemsRequest::default()).await.unwrap();
    assert_eq!(listed.into_inner().basic_items.len(), 1);
}

pub async fn an_item_has_one_open_draft(world: World) {
    let first = claimed(&world).await;
    let refusal = world.directory_as("editor").claim_item(claim()).await.unwrap_err();
    assert_eq!(reason(&refusal), "DRAFT_OPEN");
    let abandon = pb::AbandonItemDraftRequest {
        id: first.id.clone(),
        request_id: new_request_id(),
        reason: "重新认领".into(),
        ..Default::default()
    };
    let abandoned = world.directory_as("editor").abandon_item_draft(abandon).await.unwrap().into_inner();
    assert_eq!(abandoned.stage(), pb::DraftStage::Abandoned);
    world.directory_as("editor").claim_item(claim()).await.unwrap();
}

pub async fn a_draft_is_seen_by_its_office_alone(world: World) {
    let id = claimed(&world).await.id;
    let get = || pb::GetItemDraftRequest { id: id.clone() };
    for who in ["editor", "item_reviewer", "legality", "risk", "admin"] {
        world.directory_as(who).get_item_draft(get()).await.unwrap();
        let list = world.directory_as(who).list_item_drafts(pb::ListItemDraftsRequest::default()).await.unwrap();
        assert_eq!(list.into_inner().drafts.len(), 1, "{who}");
    }
    for who in ["citizen", "fire_reviewer", "supervisor"] {
        let refusal = world.directory_as(who).get_item_draft(get()).await.unwrap_err();
        assert_eq!(reason(&refusal), "DRAFT_NOT_FOUND", "{who}");
        let list = world.directory_as(who).list_item_drafts(pb::ListItemDraftsRequest::default()).await.unwrap();
        assert!(list.into_inner().drafts.is_empty(), "{who}");
    }
}

pub async fn what_was_returned_is_reviewed_anew(world: World) {
    let id = claimed(&world).await.id;
    save(&world, &id, elements()).await;
    submit(&world, &id).await.unwrap();
    let returned = review(&world, "item_reviewer", &id, false).await.unwrap();
    assert_eq!(returned.stage(), pb::DraftStage::Drafting);
    submit(&world, &id).await.unwrap();
    let passed = review(&world, "item_reviewer", &id, true).await.unwrap();
    assert_eq!((passed.stage(), passed.opinions.len()), (pb::DraftStage::Legality, 2));
}

/// The entry is there, and nothing after it: the relay brings it into the catalogue.
pub async fn a_crash_before_the_catalogue_is_completed(world: World) {
    let id = ready(&world, elements()).await;
    let from = chrono::NaiveDate::from_ymd_opt(2026, 3, 2).unwrap();
    let published = move |draft: &Draft, _: &Context| {
        Ok(vec![Event::DraftPublished { facts: Box::new(draft.facts.clone()), from, by: Actor::system() }])
    };
    let id = StreamId::parse("id", &id).unwrap();
    world.ledger().execute::<Draft>(id, Call::system(new_request_id(), ""), published).await.unwrap();
    world.until(async || apply(&world, ITEM).await.ok()).await;
}

pub async fn a_case_keeps_the_version_that_it_began_with(world: World) {
    let id = ready(&world, elements()).await;
    publish(&world, "admin", &id, "").await.unwrap();
    let first = apply(&world, ITEM).await.unwrap();
    let running = world.draft(ITEM, struct_of(serde_json::json!({}))).await;
    world.upload(&running.id, "floor_plan", pdf(100)).await.unwrap();
    world.submit(&running.id).await.unwrap();
    let revise = pb::ReviseItemRequest { item_code: ITEM.into(), request_id: new_request_id() };
    let next = world.directory_as("editor").revise_item(revise).await.unwrap().into_inner();
    assert_eq!(next.elements.as_ref().unwrap().materials.len(), 1);
    let mut fewer = elements();
    fewer.materials[0].code = "site_plan".into();
    passed(&world, &next.id, fewer).await;
    publish(&world, "admin", &next.id, "").await.unwrap();
    assert_eq!(item(&world, ITEM).await.materials[0].code, "site_plan");
    let old = pb::GetItemRequest { item_code: ITEM.into(), version: first };
    assert_eq!(world.catalogue().get_item(old).await.unwrap().into_inner().materials[0].code, "floor_plan");
    assert!(apply(&world, ITEM).await.unwrap() > first);
    // and a case that runs is handled under the version that it began with
    world.accept(&running.id).await.unwrap();
    let opened = world.until(async || world.approval.opened_for(&running.id)).await;
    assert_eq!(opened.item.unwrap().item_version, first);
}

pub async fn an_imported_item_is_claimed_as_it_stands(world: World) {
    published_basic(&world, "公共场所卫生许可").await;
    let claim = || pb::ClaimItemRequest { item_code: HYGIENE.into(), ..claim() };
    let draft = world.directory_as("editor").claim_item(claim()).await.unwrap().into_inner();
    assert_eq!((draft.name.as_str(), draft.elements.unwrap().materials.len()), ("公共场所卫生许可", 6));
    passed(&world, &draft.id, elements()).await;
    publish(&world, "admin", &draft.id, "").await.unwrap();
    assert_eq!(item(&world, HYGIENE).await.basic_code, BASIC);
    assert_eq!(reason(&world.directory_as("editor").claim_item(claim()).await.unwrap_err()), "ITEM_ALREADY_CLAIMED");
}

pub async fn an_import_leaves_a_reviewed_list(world: World) {
    let id = ready(&world, elements()).await;
    publish(&world, "admin", &id, "").await.unwrap();
    let row = pb::ItemRow {
        item_code: ITEM.into(),
        name: "另一名称".into(),
        department: "区行政审批局".into(),
        region_code: "511602000000".into(),
        item_type: 1,
        ..Default::default()
    };
    let import = pb::ImportItemsRequest { request_id: new_request_id(), rows: vec![row] };
    let report = world.catalogue_as("admin").import_items(import).await.unwrap().into_inner();
    assert_eq!((report.refused.len(), report.refused[0].reason.as_str()), (1, "ITEM_CLAIMED"));
    assert_eq!(item(&world, ITEM).await.name, "公共场所卫生许可（目录）");
}

pub async fn a_claim_and_a_publication_sent_again_are_answered_as_then(world: World) {
    published_basic(&world, "公共场所卫生许可").await;
    let claim = claim();
    let first = world.directory_as("editor").claim_item(claim.clone()).await.unwrap().into_inner();
    passed(&world, &first.id, elements()).await;
    let publish = pb::PublishItemRequest { id: first.id.clone(), request_id: new_request_id(), ..Default::default() };
    let published = world.directory_as("admin").publish_item(publish.clone()).await.unwrap().into_inner();
    let cancel = pb::CancelItemRequest {
        item_code: ITEM.into(),
        request_id: new_request_id(),
        reason: "国发〔2026〕1号".into(),
        ..Default::default()
    };
    world.catalogue_as("admin").cancel_item(cancel).await.unwrap();
    assert_eq!(world.directory_as("editor").claim_item(claim).await.unwrap().into_inner().id, first.id);
    assert_eq!(world.directory_as("admin").publish_item(publish).await.unwrap().into_inner(), published);
}

pub async fn a_version_that_waits_is_not_written_over(world: World) {
    let id = ready(&world, elements()).await;
    publish(&world, "admin", &id, "2026-03-16").await.unwrap();
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
    assert_eq!(reason(&publish(&world, "admin", &next.id, "").await.unwrap_err()), "VERSION_WAITS");
    // what the directory says meanwhile reaches the version that waits
    published_basic(&world, "公共场所卫生许可（新名）").await;
    world.day(2026, 3, 16);
    world.until(async || (item(&world, ITEM).await.name == "公共场所卫生许可（新名）").then_some(())).await;
    publish(&world, "admin", &next.id, "").await.unwrap();
    assert_eq!(item(&world, ITEM).await.visits, 1);
}

pub async fn a_basic_items_type_stays(world: World) {
    published_basic(&world, "公共场所卫生许可").await;
    let other = pb::PublishBasicItemRequest { item_type: pb::ItemType::PublicService.into(), ..basic("x") };
    let refusal = world.directory_as("directory").publish_basic_item(other).await.unwrap_err();
    assert_eq!(fields(&refusal), [("item_type".to_owned(), "TYPE_FIXED".to_owned())]);
}
