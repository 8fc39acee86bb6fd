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
use crate::world::{CITIZEN2, World, citizen, create, fields, person, reason};

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
    let id = ready(world, wanted).await;
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
            json!({"found": found, "reference": "川（2026）广安区不动产权第0000001号", "title": "不动产权证书", "valid_to": ""}),
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
