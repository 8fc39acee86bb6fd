//! 免提交: from the licence service and from a department that answers over HTTP.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use axum::{Json, Router};
use serde_json::{Value, json};
use yiwang_intake::fetching::{Department, Query, Source as _};
use yiwang_kit::new_request_id;
use yiwang_proto::catalogue::v1 as items;
use yiwang_proto::intake::v1 as pb;

use crate::directory::{ITEM, claimed, elements, publish, ready, save, submit};
use crate::world::{CITIZEN2, World, citizen, create, fields, person, reason, struct_of};

const TYPE: &str = "11100000000013127D001";

/// A list whose second material is the licence that the platform itself issues.
async fn in_force(world: &World) {
    let mut wanted = elements();
    wanted.materials.push(items::Material {
        code: "hygiene_permit".into(),
        name: "公共场所卫生许可证".into(),
        source: items::MaterialSource::Government.into(),
        basis: "《公共场所卫生管理条例》第四条".into(),
        fetch_license_type: TYPE.into(),
        ..Default::default()
    });
    let id = Box::pin(ready(world, wanted)).await;
    publish(world, "admin", &id, "").await.unwrap();
}

async fn draft(world: &World) -> pb::Application {
    let mut request = create(ITEM);
    request.applicant = Some(citizen());
    world.as_("citizen").create_application(request).await.unwrap().into_inner()
}

fn fetch(id: &str) -> pb::FetchMaterialsRequest {
    pb::FetchMaterialsRequest { id: id.into(), request_id: new_request_id() }
}

pub async fn what_the_platform_issued_is_fetched_and_not_asked_for(world: World) {
    in_force(&world).await;
    world.license.hold("公共场所卫生许可证", TYPE);
    let begun = draft(&world).await;
    let shown = world.as_("citizen").fetch_materials(fetch(&begun.id)).await.unwrap().into_inner();
    let one = &shown.fetched_materials[0];
    assert_eq!((one.material_code.as_str(), one.found), ("hygiene_permit", true));
    assert!(one.title.contains("公共场所卫生许可证") && !one.reference.is_empty() && one.valid_to == "2030-03-01");
    // asked for once, by whose it is: the licence service is told the holder and the type
    let asked = world.license.asked();
    assert_eq!((asked.len(), asked[0].type_code.as_str()), (1, TYPE));
    assert_eq!(asked[0].holder_subject.len(), 64);
    // what is there may have ended since: it is asked for again, and written once
    let again = world.as_("citizen").fetch_materials(fetch(&begun.id)).await.unwrap().into_inner();
    assert_eq!((world.license.asked().len(), again.etag), (2, shown.etag));
}

pub async fn what_nobody_held_is_asked_for_again(world: World) {
    in_force(&world).await;
    let begun = draft(&world).await;
    let none = world.as_("citizen").fetch_materials(fetch(&begun.id)).await.unwrap().into_inner();
    assert!(!none.fetched_materials[0].found);
    world.license.hold("公共场所卫生许可证", TYPE);
    let some = world.as_("citizen").fetch_materials(fetch(&begun.id)).await.unwrap().into_inner();
    assert!(some.fetched_materials[0].found);
}

pub async fn one_request_id_of_two_callers_is_two_requests(world: World) {
    in_force(&world).await;
    world.license.hold("公共场所卫生许可证", TYPE);
    for (account, applicant) in [("citizen", citizen()), ("citizen2", person("李秀英", CITIZEN2))] {
        let mut request = create(ITEM);
        request.applicant = Some(applicant);
        let begun = world.as_(account).create_application(request).await.unwrap().into_inner();
        let ask = pb::FetchMaterialsRequest { id: begun.id, request_id: "1".into() };
        let shown = world.as_(account).fetch_materials(ask).await.unwrap().into_inner();
        assert_eq!(shown.fetched_materials.len(), 1, "{account}");
    }
}

pub async fn a_source_that_is_away_is_asked_again_once_it_is_handed_in(world: World) {
    in_force(&world).await;
    world.license.away(true);
    let begun = draft(&world).await;
    let refused = world.as_("citizen").fetch_materials(fetch(&begun.id)).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused)), (tonic::Code::Unavailable, "SOURCE_AWAY".into()));
    world.submit(&begun.id).await.unwrap();
    world.license.away(false);
    // that nothing is held is an answer too
    let read = async || {
        let read = world.read("citizen", &begun.id).await;
        (!read.fetched_materials.is_empty()).then_some(read)
    };
    let read = world.until(read).await;
    assert!(!read.fetched_materials[0].found);
}

pub async fn nobody_learns_what_another_holds_by_writing_their_name(world: World) {
    in_force(&world).await;
    world.license.hold("公共场所卫生许可证", TYPE);
    let mut request = create(ITEM);
    (request.applicant, request.agent) = (Some(person("李秀英", CITIZEN2)), Some(citizen()));
    let begun = world.as_("citizen").create_application(request).await.unwrap().into_inner();
    assert_eq!(reason(&world.as_("citizen").fetch_materials(fetch(&begun.id)).await.unwrap_err()), "MANDATE_MISSING");
    assert!(world.license.asked().is_empty());
}

pub async fn a_list_that_asks_for_what_can_be_had_is_not_published(world: World) {
    let mut wanted = elements();
    for (code, name) in [("M02", "营业执照（副本）"), ("M03", "检测报告")] {
        wanted.materials.push(items::Material {
            code: code.into(),
            name: name.into(),
            basis: "《公共场所卫生管理条例》第四条".into(),
            fetch_department_data: if code == "M03" { "检测数据".into() } else { String::new() },
            ..Default::default()
        });
    }
    let id = claimed(&world).await.id;
    save(&world, &id, wanted).await;
    let found = fields(&submit(&world, &id).await.unwrap_err());
    for place in [1, 2] {
        assert!(found.contains(&(format!("materials[{place}].source"), "OBTAINABLE_ASKED".to_owned())), "{found:?}");
    }
}
const SOURCED_FORM: &str = r#"{
  "type": "object",
  "required": ["premises"],
  "properties": {
    "premises": {"type": "string", "title": "经营场所"},
    "address": {"type": "string", "title": "地址", "x-source": "licence.11100000000013127D001.premises_address"},
    "permit": {"type": "string", "title": "许可证号", "x-source": "licence.11100000000013127D001.number"},
    "staff": {"type": "integer", "title": "人数", "x-source": "licence.11100000000013127D001.staff"},
    "parcel": {"type": "string", "title": "不动产单元号", "x-source": "department.不动产登记.unit"}
  },
  "additionalProperties": false
}"#;

/// The same list, with a form that takes fields from the licence and from a department that is none of its materials.
async fn sourced(world: &World) -> String {
    let mut wanted = elements();
    wanted.materials.push(items::Material {
        code: "hygiene_permit".into(),
        name: "公共场所卫生许可证".into(),
        source: items::MaterialSource::Government.into(),
        basis: "《公共场所卫生管理条例》第四条".into(),
        fetch_license_type: TYPE.into(),
        ..Default::default()
    });
    wanted.form_schema = SOURCED_FORM.into();
    let id = Box::pin(ready(world, wanted)).await;
    publish(world, "admin", &id, "").await.unwrap();
    let mut request = create(ITEM);
    request.applicant = Some(citizen());
    request.form = Some(struct_of(json!({"premises": "春来客栈", "address": "随便写的地址"})));
    world.as_("citizen").create_application(request).await.unwrap().into_inner().id
}

fn licence(address: &str) -> Option<pbjson_types::Struct> {
    Some(struct_of(json!({"premises_address": address, "staff": "six", "owner_secret": "不该取的"})))
}

async fn save_address(world: &World, id: &str, address: &str) -> Result<pb::Application, tonic::Status> {
    let seen = world.read("citizen", id).await;
    let ask = pb::SaveFieldsRequest {
        id: id.into(),
        request_id: new_request_id(),
        etag: seen.etag,
        fields: struct_of(json!({"address": address})).fields,
    };
    world.as_("citizen").save_fields(ask).await.map(tonic::Response::into_inner)
}

async fn dispute(
    world: &World,
    account: &str,
    id: &str,
    field: &str,
    material: &str,
) -> Result<pb::Application, tonic::Status> {
    let ask = pb::DisputeFetchedRequest {
        id: id.into(),
        request_id: new_request_id(),
        field: field.into(),
        material_code: material.into(),
        reason: "去年已经迁址".into(),
        ..Default::default()
    };
    world.as_(account).dispute_fetched(ask).await.map(tonic::Response::into_inner)
}

fn value(app: &pb::Application, field: &str) -> Option<Value> {
    let form = serde_json::to_value(app.form.clone()?).unwrap();
    form.get(field).cloned()
}

pub async fn what_a_licence_says_is_filled_in_and_not_typed_over(world: World) {
    world.license.hold_saying("公共场所卫生许可证", TYPE, licence("滨江路88号"));
    let id = sourced(&world).await;
    let shown = world.as_("citizen").fetch_materials(fetch(&id)).await.unwrap().into_inner();
    // what was typed before gives way to the source; what does not fit the field is not taken, and nothing that no field takes
    assert_eq!(value(&shown, "address"), Some(json!("滨江路88号")));
    assert_eq!(value(&shown, "permit"), Some(json!("川卫公证字〔2026〕第1号")));
    assert_eq!((value(&shown, "staff"), value(&shown, "premises")), (None, Some(json!("春来客栈"))));
    assert!(!format!("{shown:?}").contains("不该取的"));
    let address = shown.sourced_fields.iter().find(|one| one.field == "address").unwrap();
    assert_eq!(
        (address.source.as_str(), address.material_code.as_str()),
        (&*format!("licence.{TYPE}"), "hygiene_permit")
    );
    assert!(
        address.agrees && !address.disputed && address.reference.starts_with("1.2.156") && !address.title.is_empty()
    );
    let over = save_address(&world, &id, "别处").await.unwrap_err();
    assert_eq!(fields(&over), [("form.address".to_owned(), "FIELD_NOT_AS_SOURCED".to_owned())]);
    let mut whole = crate::world::update(&id);
    (whole.etag, whole.form) = (shown.etag, Some(struct_of(json!({"premises": "春来客栈", "address": "别处"}))));
    let over = world.as_("citizen").update_application(whole).await.unwrap_err();
    assert_eq!(fields(&over), [("form.address".to_owned(), "FIELD_NOT_AS_SOURCED".to_owned())]);
    // who merely watches sees none of it; in the lists and in the store it stands sealed
    world.submit(&id).await.unwrap();
    assert!(world.read("supervisor", &id).await.sourced_fields.is_empty());
}

pub async fn what_is_wrong_at_the_source_is_said_looked_at_and_accepted(world: World) {
    world.license.hold_saying("公共场所卫生许可证", TYPE, licence("滨江路88号"));
    let id = sourced(&world).await;
    assert_eq!(reason(&dispute(&world, "citizen", &id, "address", "").await.unwrap_err()), "NOT_FETCHED");
    world.as_("citizen").fetch_materials(fetch(&id)).await.unwrap();
    for (field, material, why) in [
        ("premises", "", "NOT_FETCHED"),
        ("", "floor_plan", "NOT_FETCHED"),
        ("", "", "FIELD_INVALID"),
        ("a", "b", "FIELD_INVALID"),
    ] {
        assert_eq!(reason(&dispute(&world, "citizen", &id, field, material).await.unwrap_err()), why);
    }
    assert_eq!(reason(&dispute(&world, "citizen2", &id, "address", "").await.unwrap_err()), "APPLICATION_NOT_FOUND");
    dispute(&world, "citizen", &id, "address", "").await.unwrap();
    let saved = save_address(&world, &id, "金安大道1号").await.unwrap();
    let address = saved.sourced_fields.iter().find(|one| one.field == "address").unwrap();
    assert!(address.disputed && !address.agrees && address.dispute_reason == "去年已经迁址");
    // fetched again, what she wrote stays
    let again = world.as_("citizen").fetch_materials(fetch(&id)).await.unwrap().into_inner();
    assert_eq!(value(&again, "address"), Some(json!("金安大道1号")));
    world.upload(&id, "floor_plan", crate::world::pdf(100)).await.unwrap();
    world.submit(&id).await.unwrap();
    // a clerk looks at it before it is accepted
    let open = world.accept(&id).await.unwrap_err();
    assert_eq!(fields(&open), [("checks[sourced.address]".to_owned(), "CHECK_NOT_LOOKED_AT".to_owned())]);
    let look = pb::RecordChecksRequest {
        id: id.clone(),
        request_id: new_request_id(),
        checks: vec![pb::LookedAt { check_code: "sourced.address".into(), met: true }],
        ..Default::default()
    };
    world.as_("clerk").record_checks(look).await.unwrap();
    assert_eq!(world.accept(&id).await.unwrap().phase(), pb::ApplicationPhase::Accepted);
}

pub async fn what_cannot_be_had_is_handed_in(world: World) {
    let id = sourced(&world).await;
    let shown = world.as_("citizen").fetch_materials(fetch(&id)).await.unwrap().into_inner();
    let states: Vec<_> = shown.fetched_materials.iter().map(|one| (one.state(), one.hand_in)).collect();
    // nobody is connected who has the department's data, which is an end too and keeps nobody waiting
    assert_eq!(states, [(pb::FetchState::NoSource, false), (pb::FetchState::NoRecord, true)]);
    let ask = pb::GetChecklistRequest { id: id.clone() };
    let list = world.as_("citizen").get_checklist(ask).await.unwrap().into_inner();
    let asked: Vec<_> = list.materials.iter().map(|one| one.material_code.as_str()).collect();
    assert_eq!(asked, ["floor_plan", "hygiene_permit"]);
    world.upload(&id, "floor_plan", crate::world::pdf(100)).await.unwrap();
    world.submit(&id).await.unwrap();
    let missing = world.accept(&id).await.unwrap_err();
    assert!(fields(&missing).iter().any(|(_, reason)| reason == "MATERIAL_MISSING"), "{missing:?}");
    world.upload(&id, "hygiene_permit", crate::world::pdf(120)).await.unwrap();
    assert_eq!(world.accept(&id).await.unwrap().phase(), pb::ApplicationPhase::Accepted);
}

pub async fn a_material_that_is_wrong_at_its_source_is_handed_in(world: World) {
    world.license.hold_saying("公共场所卫生许可证", TYPE, licence("滨江路88号"));
    let id = sourced(&world).await;
    world.as_("citizen").fetch_materials(fetch(&id)).await.unwrap();
    let shown = dispute(&world, "citizen", &id, "", "hygiene_permit").await.unwrap();
    let permit = shown.fetched_materials.iter().find(|one| one.material_code == "hygiene_permit").unwrap();
    assert!(permit.found && permit.disputed && permit.hand_in);
    world.upload(&id, "floor_plan", crate::world::pdf(100)).await.unwrap();
    world.submit(&id).await.unwrap();
    assert!(fields(&world.accept(&id).await.unwrap_err()).iter().any(|(_, reason)| reason == "MATERIAL_MISSING"));
}

pub async fn who_is_away_too_long_is_given_up(world: World) {
    let id = sourced(&world).await;
    world.license.away(true);
    world.submit(&id).await.unwrap();
    let state = async |wanted: pb::FetchState| {
        let read = world.read("citizen", &id).await;
        let permit = read.fetched_materials.iter().find(|one| one.material_code == "hygiene_permit")?.clone();
        (permit.state() == wanted).then_some(permit)
    };
    // everything missing must be told by Monday the 9th: until Thursday the 5th it is waited for
    world.day(2026, 3, 5);
    assert!(state(pb::FetchState::GivenUp).await.is_none());
    world.day(2026, 3, 6);
    let permit = world.until(|| state(pb::FetchState::GivenUp)).await;
    assert!(permit.hand_in && !permit.found);
    // back again, whoever asks is answered
    world.license.away(false);
    world.license.hold("公共场所卫生许可证", TYPE);
    world.as_("citizen").fetch_materials(fetch(&id)).await.unwrap();
    assert!(!state(pb::FetchState::Found).await.unwrap().hand_in);
}

pub async fn another_applicant_keeps_nothing_of_the_first(world: World) {
    world.license.hold_saying("公共场所卫生许可证", TYPE, licence("滨江路88号"));
    let id = sourced(&world).await;
    let shown = world.as_("citizen").fetch_materials(fetch(&id)).await.unwrap().into_inner();
    let mut other = crate::world::update(&id);
    (other.etag, other.applicant) = (shown.etag, Some(person("李秀英", CITIZEN2)));
    world.as_("citizen").update_application(other).await.unwrap();
    let read = world.read("citizen", &id).await;
    assert_eq!((value(&read, "address"), value(&read, "premises")), (None, Some(json!("春来客栈"))));
    assert!(read.sourced_fields.is_empty() && read.fetched_materials.is_empty());
}

/// 部门数据: what stands in `departments.toml` is asked over HTTP, and fills the form.
pub async fn what_a_department_says_is_filled_in(world: World) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/data", listener.local_addr().unwrap());
    let router = Router::new().route("/data", post(answer)).with_state(Desk::default());
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    let token = world.folder.path().join("dept.token");
    std::fs::write(&token, "s3cret").unwrap();
    let file = format!(
        "[[department]]\ndata = \"不动产登记\"\nissuer = \"区自然资源局\"\naddress = \"{address}\"\ntoken_file = \"{}\"\n",
        token.display()
    );
    std::fs::write(world.folder.path().join("departments.toml"), file).unwrap();
    let world = world.restart().await;
    let id = sourced(&world).await;
    let shown = world.as_("citizen").fetch_materials(fetch(&id)).await.unwrap().into_inner();
    assert_eq!(value(&shown, "parcel"), Some(json!("511602001001GB00001F00010001")));
    let parcel = shown.sourced_fields.iter().find(|one| one.field == "parcel").unwrap();
    assert_eq!((parcel.source.as_str(), parcel.material_code.as_str()), ("department.不动产登记", ""));
    assert_eq!((parcel.issuer.as_str(), parcel.title.as_str()), ("区自然资源局", "不动产权证书"));
}

#[derive(Clone, Default)]
struct Desk {
    away: Arc<AtomicBool>,
    asked: Arc<AtomicUsize>,
}

async fn answer(State(desk): State<Desk>, headers: HeaderMap, Json(ask): Json<Value>) -> (StatusCode, Json<Value>) {
    desk.asked.fetch_add(1, Ordering::SeqCst);
    if desk.away.load(Ordering::SeqCst) {
        return (StatusCode::SERVICE_UNAVAILABLE, Json(json!({})));
    }
    assert_eq!(headers["authorization"], "Bearer s3cret");
    assert_eq!((ask["data"].as_str(), ask["document_kind"].as_str()), (Some("不动产登记"), Some("111")));
    let found = ask["document_number"] == "511602198503120016";
    (
        StatusCode::OK,
        Json(
            json!({"found": found, "reference": "川（2026）广安区不动产权第0000001号", "title": "不动产权证书", "valid_to": "",
                "fields": {"unit": "511602001001GB00001F00010001", "area": 88}}),
        ),
    )
}

#[tokio::test]
async fn a_department_answers_over_http() {
    let desk = Desk::default();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/data", listener.local_addr().unwrap());
    let router = Router::new().route("/data", post(answer)).with_state(desk.clone());
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    let source = Department::new(&address, "区自然资源局", Some("s3cret\n".into()), false).unwrap();
    let query = |number: &str| Query {
        subject: "s".into(),
        document_kind: "111".into(),
        document_number: number.into(),
        name: "张建国".into(),
        what: "不动产登记".into(),
        id: new_request_id(),
        trace: String::new(),
    };
    let found = source.fetch(&query("511602198503120016")).await.unwrap().unwrap();
    assert_eq!((found.title.as_str(), found.issuer.as_str(), found.valid_to), ("不动产权证书", "区自然资源局", None));
    assert_eq!(source.fetch(&query("511602199007250027")).await.unwrap(), None);
    desk.away.store(true, Ordering::SeqCst);
    let away = source.fetch(&query("511602198503120016")).await.unwrap_err();
    assert_eq!(away.0, "status 503");
    // production speaks over TLS alone, and does not even knock
    let before = desk.asked.load(Ordering::SeqCst);
    let strict = Department::new(&address, "区自然资源局", None, true).unwrap();
    assert!(strict.fetch(&query("511602198503120016")).await.is_err());
    assert_eq!(desk.asked.load(Ordering::SeqCst), before);
}
