use std::collections::BTreeSet;

use yiwang_kit::new_request_id;
use yiwang_proto::catalogue::v1 as pb;
use yiwang_proto::clock::v1::LimitSource;

use crate::world::{FIRE, HYGIENE, PLAIN, SMALL_SHOP, World, create, reason};

fn search(query: &str) -> pb::SearchItemsRequest {
    pb::SearchItemsRequest { query: query.into(), page_size: 3, ..Default::default() }
}

fn cancel(code: &str) -> pb::CancelItemRequest {
    pb::CancelItemRequest {
        item_code: code.into(),
        request_id: new_request_id(),
        reason: "国发〔2026〕1号".into(),
        successor_item_code: HYGIENE.into(),
        ..Default::default()
    }
}

pub fn row(item: &pb::Item) -> pb::ItemRow {
    pb::ItemRow {
        item_code: item.item_code.clone(),
        name: item.name.clone(),
        main_item: item.main_item.clone(),
        department: item.department.clone(),
        department_code: item.department_code.clone(),
        region_code: item.region_code.clone(),
        item_type: item.item_type,
    }
}

async fn get(world: &World, code: &str) -> pb::Item {
    let request = pb::GetItemRequest { item_code: code.into(), version: 0 };
    world.catalogue().get_item(request).await.unwrap().into_inner()
}

async fn all_pages(world: &World, mut request: pb::SearchItemsRequest) -> (Vec<String>, i32) {
    let (mut codes, mut total) = (Vec::new(), 0);
    loop {
        let page = world.catalogue().search_items(request.clone()).await.unwrap().into_inner();
        codes.extend(page.items.into_iter().map(|item| item.item_code));
        total = total.max(page.total_size);
        if page.next_page_token.is_empty() {
            return (codes, total);
        }
        request.page_token = page.next_page_token;
    }
}

pub async fn all_items_are_in_force_after_the_first_start(world: World) {
    let (codes, total) = all_pages(&world, pb::SearchItemsRequest { page_size: 100, ..Default::default() }).await;
    assert_eq!((codes.len(), total), (1135, 1135));
}

pub async fn a_second_start_changes_nothing(world: World) {
    let before = world.ledger().head().await.unwrap().position;
    let report =
        yiwang_intake::catalogue::import::run(world.ledger(), yiwang_intake::catalogue::source::builtin().unwrap());
    assert_eq!(report.await.unwrap().unchanged, 1135);
    assert_eq!(world.ledger().head().await.unwrap().position, before);
}

pub async fn an_item_is_read_with_its_guide(world: World) {
    let item = get(&world, HYGIENE).await;
    assert!(item.bases.iter().any(|basis| basis.contains("公共场所卫生管理条例")));
    assert_eq!(item.legal_limit.as_ref().unwrap().days, 20);
    assert!(item.promised_limit.as_ref().unwrap().days < 20 && item.deferrable && item.materials.len() == 6);
    assert!(get(&world, FIRE).await.notify_promise);
    assert_eq!(get(&world, SMALL_SHOP).await.result.unwrap().kind(), pb::ResultKind::Receipt);
    let plain = get(&world, PLAIN).await;
    assert!(plain.defaults.contains(&"materials".to_owned()));
    let from_form: Vec<_> = plain.materials.iter().filter(|material| material.online_form).collect();
    assert_eq!(from_form.iter().map(|material| material.code.as_str()).collect::<Vec<_>>(), ["application"]);
}

pub async fn the_twenty_days_of_the_general_law_are_a_default_that_cites_it(world: World) {
    let (plain, hygiene) = (get(&world, PLAIN).await, get(&world, HYGIENE).await);
    let limit = plain.legal_limit.unwrap();
    assert!(limit.source() == LimitSource::Default && !limit.unverified && limit.basis.contains("第四十二条"));
    assert!(plain.defaults.contains(&"legal_limit".to_owned()));
    assert_eq!(hygiene.legal_limit.unwrap().source(), LimitSource::Statute);
    assert_eq!(get(&world, SMALL_SHOP).await.legal_limit.unwrap().source(), LimitSource::Default);
}

pub async fn forty_five_of_fifty_queries_find_the_right_item_among_three(world: World) {
    let text = include_str!("../search_queries.csv");
    let mut missed = Vec::new();
    for line in text.lines().skip(1) {
        let (query, rest) = line.split_once(',').unwrap();
        let expected: Vec<_> = rest.split(',').next().unwrap().split('|').collect();
        let found = world.catalogue().search_items(search(query)).await.unwrap().into_inner();
        if !found.items.iter().any(|item| expected.contains(&item.item_code.as_str())) {
            missed.push(query);
        }
    }
    assert!(missed.len() <= 5, "missed: {missed:?}");
}

pub async fn items_are_found_by_department_and_type(world: World) {
    let request = |department: &str, item_type: i32| pb::SearchItemsRequest {
        department: department.into(),
        item_type,
        page_size: 100,
        ..Default::default()
    };
    assert_eq!(all_pages(&world, request("区医疗保障局", 0)).await.0.len(), 33);
    assert_eq!(all_pages(&world, request("11511300MB1A21304N", 0)).await, (vec![FIRE.to_owned()], 1));
    assert_eq!(all_pages(&world, request("", 7)).await.0.len(), 50);
}

pub async fn pages_of_the_catalogue_neither_skip_nor_repeat(world: World) {
    let (codes, _) = all_pages(&world, pb::SearchItemsRequest { page_size: 37, ..Default::default() }).await;
    assert_eq!(codes.iter().collect::<BTreeSet<_>>().len(), 1135);
    assert!(codes.is_sorted());
}

pub async fn pages_of_a_search_neither_skip_nor_repeat(world: World) {
    let request = pb::SearchItemsRequest { query: "食品".into(), page_size: 7, ..Default::default() };
    let (codes, total) = all_pages(&world, request).await;
    assert_eq!((codes.len(), codes.iter().collect::<BTreeSet<_>>().len()), (total as usize, total as usize));
    assert!(codes.len() > 14);
}

pub async fn a_foreign_page_token_is_refused(world: World) {
    let page = world.catalogue().search_items(search("食品")).await.unwrap().into_inner();
    let other = pb::SearchItemsRequest { page_token: page.next_page_token, ..search("药品") };
    let refused = world.catalogue().search_items(other).await.unwrap_err();
    assert_eq!(reason(&refused), "PAGE_TOKEN_INVALID");
}

pub async fn an_unknown_item_is_not_found(world: World) {
    let request = pb::GetItemRequest { item_code: "no-such-item".into(), version: 0 };
    assert_eq!(reason(&world.catalogue().get_item(request).await.unwrap_err()), "ITEM_NOT_FOUND");
    let refused = world.as_("citizen").create_application(create("no-such-item")).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused)), (tonic::Code::NotFound, "ITEM_NOT_FOUND".into()));
}

pub async fn a_cancelled_item_is_named_with_reason_and_successor(world: World) {
    let item = world.catalogue_as("admin").cancel_item(cancel(PLAIN)).await.unwrap().into_inner();
    assert_eq!(item.status(), pb::ItemStatus::Cancelled);
    let refused = world.as_("citizen").create_application(create(PLAIN)).await.unwrap_err();
    assert_eq!(reason(&refused), "ITEM_CANCELLED");
    assert!(refused.message().contains("国发〔2026〕1号") && refused.message().contains(HYGIENE));
    let found = world.catalogue().search_items(search("办护照")).await.unwrap().into_inner();
    assert!(found.items.iter().all(|item| item.item_code != PLAIN));
    let again = world.catalogue_as("admin").cancel_item(cancel(PLAIN)).await.unwrap_err();
    assert_eq!(reason(&again), "ITEM_ALREADY_CANCELLED");
}

pub async fn a_cancellation_takes_effect_on_its_day(world: World) {
    let later = pb::CancelItemRequest { effective_date: "2026-03-10".into(), ..cancel(PLAIN) };
    let item = world.catalogue_as("admin").cancel_item(later).await.unwrap().into_inner();
    assert_eq!(item.status(), pb::ItemStatus::InForce);
    world.as_("citizen").create_application(create(PLAIN)).await.unwrap();
    world.day(2026, 3, 10);
    let gone = async || (get(&world, PLAIN).await.status() == pb::ItemStatus::Cancelled).then_some(());
    world.until(gone).await;
    let refused = world.as_("citizen").create_application(create(PLAIN)).await.unwrap_err();
    assert_eq!(reason(&refused), "ITEM_CANCELLED");
    // the total counts what the timer did
    let counted = async || (all_pages(&world, pb::SearchItemsRequest::default()).await.1 == 1134).then_some(());
    world.until(counted).await;
}

pub async fn a_revised_item_is_another_version_and_drafts_keep_theirs(world: World) {
    let draft = world.as_("citizen").create_application(create(PLAIN)).await.unwrap().into_inner();
    let old = get(&world, PLAIN).await;
    let rows = vec![pb::ItemRow { name: "普通护照签发（试点）".into(), ..row(&old) }];
    let request = pb::ImportItemsRequest { request_id: new_request_id(), rows };
    let done = world.catalogue_as("admin").import_items(request).await.unwrap().into_inner();
    assert_eq!((done.created, done.updated, done.unchanged), (0, 1, 0));
    let new = get(&world, PLAIN).await;
    assert_eq!((new.version, new.name.as_str()), (old.version + 1, "普通护照签发（试点）"));
    let kept = world.read("citizen", &draft.id).await;
    assert_eq!((kept.item_version, kept.item_name), (old.version, old.name));
}

pub async fn a_row_at_fault_does_not_stop_the_others(world: World) {
    let known = get(&world, HYGIENE).await;
    let fresh = pb::ItemRow { item_code: "NEW-1".into(), ..row(&known) };
    let wrong = pb::ItemRow { item_code: "NEW-2".into(), region_code: "abc".into(), ..row(&known) };
    let request = pb::ImportItemsRequest { request_id: new_request_id(), rows: vec![wrong, fresh, row(&known)] };
    let done = world.catalogue_as("admin").import_items(request).await.unwrap().into_inner();
    assert_eq!((done.created, done.updated, done.unchanged, done.refused.len()), (1, 0, 1, 1));
    assert_eq!((done.refused[0].row, done.refused[0].reason.as_str()), (1, "FIELD_INVALID"));
    assert_eq!(get(&world, HYGIENE).await.materials.len(), 6);
}

pub async fn an_import_sent_again_counts_as_the_first_time(world: World) {
    let known = get(&world, PLAIN).await;
    let revised = pb::ItemRow { name: "普通护照签发（试点）".into(), ..row(&known) };
    let fresh = pb::ItemRow { item_code: "NEW-1".into(), ..row(&known) };
    let request = pb::ImportItemsRequest { request_id: new_request_id(), rows: vec![fresh.clone(), revised] };
    let first = world.catalogue_as("admin").import_items(request.clone()).await.unwrap().into_inner();
    assert_eq!((first.created, first.updated), (1, 1));
    // somebody else's import comes between
    let between = vec![pb::ItemRow { name: "新".into(), ..fresh }, row(&known)];
    let between = pb::ImportItemsRequest { request_id: new_request_id(), rows: between };
    world.catalogue_as("admin").import_items(between).await.unwrap();
    assert_eq!(world.catalogue_as("admin").import_items(request).await.unwrap().into_inner(), first);
    assert_eq!((get(&world, "NEW-1").await.name.as_str(), get(&world, PLAIN).await.name), ("新", known.name));
}

pub async fn an_item_code_is_checked_by_its_standard(world: World) {
    let known = get(&world, PLAIN).await;
    let codes = ["511A/0001".to_owned(), "5".repeat(65)];
    let rows = codes.map(|item_code| pb::ItemRow { item_code, ..row(&known) }).to_vec();
    let request = pb::ImportItemsRequest { request_id: new_request_id(), rows };
    let done = world.catalogue_as("admin").import_items(request).await.unwrap().into_inner();
    let reasons: Vec<_> = done.refused.iter().map(|row| row.reason.as_str()).collect();
    assert_eq!(reasons, ["ITEM_CODE_CHARACTER", "ITEM_CODE_TOO_LONG"]);
}

pub async fn an_import_without_a_request_id_is_refused(world: World) {
    let rows = vec![row(&get(&world, PLAIN).await)];
    let refused = world.catalogue_as("admin").import_items(pb::ImportItemsRequest { rows, ..Default::default() }).await;
    assert_eq!(reason(&refused.unwrap_err()), "REQUEST_ID_MISSING");
}

pub async fn a_citizen_does_not_cancel_items(world: World) {
    let refused = world.catalogue_as("citizen").cancel_item(cancel(PLAIN)).await.unwrap_err();
    assert_eq!(refused.code(), tonic::Code::PermissionDenied);
}

pub async fn another_regions_items_are_not_an_administrators(world: World) {
    let row = pb::ItemRow {
        item_code: "511A-ELSEWHERE".into(),
        name: "外区事项".into(),
        department: "外区部门".into(),
        region_code: "511603".into(),
        item_type: 1,
        ..Default::default()
    };
    let import = pb::ImportItemsRequest { request_id: new_request_id(), rows: vec![row] };
    let report = world.catalogue_as("admin").import_items(import).await.unwrap().into_inner();
    assert_eq!((report.created, report.refused[0].reason.as_str()), (0, "ACTION_NOT_PERMITTED"));
}
