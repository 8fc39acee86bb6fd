//! 导入、导出, finding by topic, and 部门间政务服务.

use yiwang_kit::new_request_id;
use yiwang_proto::catalogue::v1 as pb;

use crate::directory::{ITEM, apply, details, elements, publish, ready};
use crate::world::{World, reason};

const ROWS: &str = include_str!("../../data/items-511602.csv");

async fn import(world: &World, format: pb::FileFormat, text: String) -> Result<pb::ImportItemsResponse, tonic::Status> {
    let ask = pb::ImportCatalogueRequest { request_id: new_request_id(), format: format.into(), text };
    world.catalogue_as("admin").import_catalogue(ask).await.map(tonic::Response::into_inner)
}

async fn export(world: &World, format: pb::FileFormat) -> Vec<String> {
    let (mut files, mut page_token) = (Vec::new(), String::new());
    loop {
        let ask = pb::ExportCatalogueRequest { format: format.into(), page_token, ..Default::default() };
        let page = world.catalogue().export_catalogue(ask).await.unwrap().into_inner();
        files.push(page.text);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return files;
        }
    }
}

fn rows(files: &[String]) -> Vec<Vec<String>> {
    let mut all = Vec::new();
    for file in files {
        let mut reader = csv::Reader::from_reader(file.as_bytes());
        all.extend(reader.records().map(|row| row.unwrap().iter().map(str::to_owned).collect::<Vec<_>>()));
    }
    all.sort_by(|a, b| a[3].cmp(&b[3]));
    all
}

pub async fn the_real_rows_go_in_and_come_out_the_same(world: World) {
    let report = import(&world, pb::FileFormat::Csv, ROWS.into()).await.unwrap();
    assert_eq!((report.created, report.refused.len(), report.updated + report.unchanged), (0, 0, 1135));
    let mut expected = rows(&[ROWS.to_owned()]);
    // a department's code is kept upper-cased
    expected.iter_mut().for_each(|row| row[5] = row[5].trim().to_uppercase());
    let csv = export(&world, pb::FileFormat::Csv).await;
    assert_eq!(rows(&csv), expected);
    for file in csv {
        let again = import(&world, pb::FileFormat::Csv, file).await.unwrap();
        assert_eq!((again.created, again.updated, again.refused.len()), (0, 0, 0));
    }
    for file in export(&world, pb::FileFormat::Json).await {
        let again = import(&world, pb::FileFormat::Json, file).await.unwrap();
        assert_eq!((again.created, again.updated, again.refused.len()), (0, 0, 0));
    }
}

pub async fn ten_planted_rows_are_refused_each_with_its_reason(world: World) {
    let mut lines: Vec<&str> = ROWS.trim_end().lines().collect();
    let planted = [
        (5, "区甲局,,缺代码事项,,511602000000,11511301008778183N,10", "ITEM_CODE_EMPTY"),
        (17, "区甲局,,怪代码事项,511A/0001,511602000000,11511301008778183N,10", "ITEM_CODE_CHARACTER"),
        (99, "区甲局,,怪类型事项,BAD-3,511602000000,11511301008778183N,77", "FIELD_INVALID"),
        (200, "区甲局,,类型不是数,BAD-4,511602000000,11511301008778183N,许可", "ROW_UNREADABLE"),
        (301, "区甲局,,少一列,BAD-5,511602000000,11511301008778183N", "ROW_UNREADABLE"),
        (402, "区甲局,,区划不是数,BAD-6,广安区,11511301008778183N,10", "FIELD_INVALID"),
        (503, "区甲局,,外区事项,BAD-7,511603000000,11511301008778183N,10", "ACTION_NOT_PERMITTED"),
        (604, ",,无部门事项,BAD-8,511602000000,11511301008778183N,10", "FIELD_INVALID"),
        (705, "区甲局,,,BAD-9,511602000000,11511301008778183N,10", "FIELD_INVALID"),
        (1100, "区甲局,,处罚没有默认要素,BAD-10,511602000000,11511301008778183N,2", "NO_DEFAULTS"),
    ];
    for (at, line, _) in planted {
        lines.insert(at, line);
    }
    let report = import(&world, pb::FileFormat::Csv, lines.join("\n")).await.unwrap();
    let found: Vec<_> = report.refused.iter().map(|row| (row.row as usize, row.reason.as_str())).collect();
    assert_eq!(found, planted.map(|(at, _, reason)| (at, reason)));
    assert!(report.refused.iter().all(|row| !row.text.is_empty()));
    assert_eq!(report.updated + report.unchanged, 1135);
}

pub async fn a_file_that_is_none_is_refused_whole(world: World) {
    for (format, text) in [
        (pb::FileFormat::Json, "{}"),
        (pb::FileFormat::Csv, "department,colour\n甲,红"),
        (pb::FileFormat::Csv, "department,name\n甲,乙"),
    ] {
        assert_eq!(reason(&import(&world, format, text.into()).await.unwrap_err()), "FILE_UNREADABLE", "{text}");
    }
}

pub async fn items_are_found_by_topic_and_by_whom_they_serve(world: World) {
    let topical = pb::ItemDetails { legal_topics: vec!["准营准办".into()], ..details() };
    let id = ready(&world, pb::ItemElements { details: Some(topical), ..elements() }).await;
    publish(&world, "admin", &id, "").await.unwrap();
    let found = async |ask: pb::SearchItemsRequest| {
        let page = world.catalogue().search_items(ask).await.unwrap().into_inner();
        page.items.into_iter().map(|item| item.item_code).collect::<Vec<_>>()
    };
    let topic = |topic: &str| pb::SearchItemsRequest { topic: topic.into(), ..Default::default() };
    assert_eq!((found(topic("准营准办")).await, found(topic("出生")).await), (vec![ITEM.to_owned()], Vec::new()));
    let served = pb::SearchItemsRequest { served: pb::ServedGroup::Enterprise.into(), ..Default::default() };
    assert_eq!(found(served).await, [ITEM]);
}

/// 部门间政务服务: the same engine, its own section, and not the public's.
pub async fn what_serves_organs_alone_is_not_shown_to_the_public(world: World) {
    let organs = pb::ItemDetails { served: vec![pb::ServedGroup::Organ.into()], ..details() };
    let id = ready(&world, pb::ItemElements { details: Some(organs), ..elements() }).await;
    publish(&world, "admin", &id, "").await.unwrap();
    let get = |version| pb::GetItemRequest { item_code: ITEM.into(), version };
    for version in [0, 1] {
        let refusal = world.catalogue().get_item(get(version)).await.unwrap_err();
        assert_eq!(reason(&refusal), "ITEM_NOT_FOUND");
    }
    assert_eq!(reason(&apply(&world, ITEM).await.unwrap_err()), "ITEM_NOT_FOUND");
    let section = || pb::SearchItemsRequest { served: pb::ServedGroup::Organ.into(), ..Default::default() };
    assert!(world.catalogue().search_items(section()).await.unwrap().into_inner().items.is_empty());
    let office = world.catalogue_as("clerk").search_items(section()).await.unwrap().into_inner();
    assert_eq!(office.items.len(), 1);
    world.catalogue_as("partner").get_item(get(0)).await.unwrap();
}
