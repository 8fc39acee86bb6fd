//! The rest of GB/T 39046 table 4, and the charge list.

use yiwang_kit::new_request_id;
use yiwang_proto::catalogue::v1 as pb;
use yiwang_proto::intake::v1 as intake;
use yiwang_proto::intake::v1::fee_service_client::FeeServiceClient;

use crate::directory::{ITEM, claimed, details, elements, item, publish, ready, save, submit};
use crate::world::{World, fields, pdf, reason, struct_of};

pub fn rich() -> pb::ItemDetails {
    let unit = pb::ChargeLine {
        code: "F01".into(),
        name: "证书工本费".into(),
        method: pb::ChargeMethod::PerUnit.into(),
        amount_fen: 1000,
        unit: "证".into(),
        most_units: 3,
        basis: "《公共场所卫生管理条例》第四条；川发改价格〔2020〕12号".into(),
        exemptions: vec![pb::ChargeExemption {
            code: "E1".into(),
            name: "小微企业".into(),
            percent: 100,
            basis: "财税〔2014〕101号".into(),
        }],
        ..Default::default()
    };
    let range = pb::ChargeLine {
        code: "F02".into(),
        name: "检测费".into(),
        method: pb::ChargeMethod::Range.into(),
        amount_fen: 5000,
        most_fen: 20000,
        basis: "《公共场所卫生管理条例》第四条；川发改价格〔2020〕13号".into(),
        ..Default::default()
    };
    pb::ItemDetails {
        level: pb::Level::Graded.into(),
        division: "县级负责本辖区".into(),
        content: "公共场所卫生许可".into(),
        organ_nature: pb::OrganNature::Entrusted.into(),
        entrusting_organ: "区卫健局".into(),
        joint_organs: vec!["区市监局".into()],
        legal_limit_note: "不含特别程序".into(),
        promised_limit_note: "自受理之日起".into(),
        intermediaries: vec![pb::Intermediary {
            name: "卫生检测".into(),
            basis: "《公共场所卫生管理条例实施细则》第二十六条".into(),
        }],
        result_samples: vec!["https://example.org/sample.pdf".into()],
        charges: vec![unit, range],
        scopes: vec![pb::ServiceScope::Cities.into(), pb::ServiceScope::Counties.into()],
        person_topics: vec!["就业创业".into()],
        legal_topics: vec!["准营准办".into()],
        special_procedures: vec![pb::SpecialProcedure {
            kind: pb::SpecialKind::Other.into(),
            name: "检测".into(),
            duration: "10个工作日".into(),
            basis: "《行政许可法》第四十五条".into(),
            days: 10,
        }],
        bookable: true,
        paid_online: true,
        delivered: true,
        system: "省一体化平台".into(),
        system_level: "省级".into(),
        questions: vec![pb::Question { question: "多久复核？".into(), answer: "四年".into() }],
        ..details()
    }
}

pub fn with(details: pb::ItemDetails) -> pb::ItemElements {
    pb::ItemElements { details: Some(details), ..elements() }
}

pub async fn every_element_comes_back_as_it_was_written(world: World) {
    let id = ready(&world, with(rich())).await;
    publish(&world, "admin", &id, "").await.unwrap();
    let item = item(&world, ITEM).await;
    assert_eq!((item.details.as_ref(), item.level()), (Some(&rich()), pb::Level::Graded));
    assert_eq!(item.channels().next(), Some(pb::Channel::Window));
    let charge = item.charge.unwrap();
    assert!(
        charge.charged && charge.standard.contains("10.00元/证") && charge.basis.contains("〔2020〕12号"),
        "{charge:?}"
    );
    assert!(!item.defaults.contains(&"details".to_owned()));
}

pub async fn an_imported_item_says_that_nobody_wrote_the_rest(world: World) {
    let item = item(&world, crate::world::PLAIN).await;
    assert!(item.defaults.contains(&"details".to_owned()) && !item.charge.as_ref().unwrap().charged);
    assert_eq!(item.level(), pb::Level::County);
}

pub async fn what_the_rest_lacks_is_said_all_at_once(world: World) {
    let id = claimed(&world).await.id;
    let mut wrong = rich();
    wrong.level = pb::Level::Nation.into();
    wrong.served.clear();
    wrong.places.clear();
    wrong.enquiries.clear();
    wrong.quantity.clear();
    wrong.entrusting_organ.clear();
    wrong.special_procedures[0].name = "现场勘验".into();
    wrong.charges[0].basis.clear();
    wrong.charges[1].most_fen = 100;
    wrong.charges[1].basis = "川发改价格〔2020〕13号".into();
    wrong.charges.push(wrong.charges[1].clone());
    wrong.online_depth = pb::OnlineDepth::I.into();
    save(&world, &id, with(wrong)).await;
    let refusal = submit(&world, &id).await.unwrap_err();
    let reasons: std::collections::BTreeSet<_> = fields(&refusal).into_iter().map(|(_, reason)| reason).collect();
    let expected = [
        "BASIS_MISSING",
        "CHARGE_AMOUNT",
        "CHARGE_CODE",
        "CHARGE_WITHOUT_LAW",
        "ENQUIRIES_MISSING",
        "ENTRUSTING_ORGAN_MISSING",
        "GROUND_NOT_LISTED",
        "LEVEL_UNFIT",
        "ONLINE_UNFIT",
        "PLACES_MISSING",
        "QUANTITY_MISSING",
        "SERVED_MISSING",
    ];
    assert_eq!(reasons.into_iter().collect::<Vec<_>>(), expected);
}

pub async fn a_case_takes_the_special_procedures_of_its_list_with_it(world: World) {
    let id = Box::pin(crate::fees::handed_in(&world)).await;
    world.accept(&id).await.unwrap();
    let opened = world.until(async || world.approval.opened_for(&id)).await;
    assert_eq!(opened.item.unwrap().special_procedures, rich().special_procedures);
}

pub async fn an_unknown_code_of_a_table_is_refused(world: World) {
    let id = claimed(&world).await.id;
    let ask = pb::SaveItemDraftRequest {
        id,
        request_id: new_request_id(),
        elements: Some(with(pb::ItemDetails { served: vec![7], ..rich() })),
        ..Default::default()
    };
    let refusal = world.directory_as("editor").save_item_draft(ask).await.unwrap_err();
    assert_eq!(fields(&refusal), [("details.served[0]".to_owned(), "FIELD_INVALID".to_owned())]);
}

fn fees(world: &World, account: &str) -> FeeServiceClient<yiwang_kit::Link> {
    FeeServiceClient::new(world.link(account))
}

async fn assess(
    world: &World,
    who: &str,
    id: &str,
    code: &str,
    units: i32,
    amount: i64,
) -> Result<intake::Fees, tonic::Status> {
    let ask = intake::AssessFeeRequest {
        application_id: id.into(),
        request_id: new_request_id(),
        line_code: code.into(),
        units,
        amount_fen: amount,
        ..Default::default()
    };
    fees(world, who).assess_fee(ask).await.map(tonic::Response::into_inner)
}

async fn handed_in(world: &World) -> String {
    let id = ready(world, with(rich())).await;
    publish(world, "admin", &id, "").await.unwrap();
    let draft = world.draft(ITEM, struct_of(serde_json::json!({}))).await;
    world.upload(&draft.id, "floor_plan", pdf(100)).await.unwrap();
    assert_eq!(reason(&assess(world, "clerk", &draft.id, "F01", 1, 0).await.unwrap_err()), "APPLICATION_NOT_FOUND");
    world.submit(&draft.id).await.unwrap();
    draft.id
}

pub async fn an_amount_outside_the_charge_list_cannot_be_recorded(world: World) {
    let id = Box::pin(handed_in(&world)).await;
    let refused =
        async |code: &str, units, amount| reason(&assess(&world, "clerk", &id, code, units, amount).await.unwrap_err());
    assert_eq!(refused("F09", 1, 0).await, "CHARGE_NOT_LISTED");
    assert_eq!(refused("F01", 2, 2500).await, "AMOUNT_NOT_LISTED");
    assert_eq!(refused("F01", 4, 0).await, "UNITS_NOT_LISTED");
    assert_eq!(refused("F02", 0, 4999).await, "AMOUNT_NOT_LISTED");
    assert_eq!(refused("F02", 0, 20001).await, "AMOUNT_NOT_LISTED");
    let done = assess(&world, "clerk", &id, "F01", 2, 0).await.unwrap();
    assert_eq!((done.payable_fen, done.lines[0].bases.len()), (2000, 1));
    assert_eq!(refused("F01", 1, 0).await, "CHARGED_ALREADY");
    assert_eq!(assess(&world, "reviewer", &id, "F02", 0, 20000).await.unwrap().payable_fen, 22000);
    assert_eq!(reason(&assess(&world, "citizen", &id, "F01", 1, 0).await.unwrap_err()), "ACTION_NOT_PERMITTED");
}

pub async fn what_is_let_off_is_on_the_list_too_and_a_mistake_is_struck_out(world: World) {
    let id = Box::pin(handed_in(&world)).await;
    let ask = |exemption: &str| intake::AssessFeeRequest {
        application_id: id.clone(),
        request_id: new_request_id(),
        line_code: "F01".into(),
        exemption_code: exemption.into(),
        ..Default::default()
    };
    let refusal = fees(&world, "clerk").assess_fee(ask("E9")).await.unwrap_err();
    assert_eq!(reason(&refusal), "EXEMPTION_NOT_LISTED");
    let done = fees(&world, "clerk").assess_fee(ask("E1")).await.unwrap().into_inner();
    assert_eq!((done.payable_fen, done.lines[0].exempt_fen, done.lines[0].bases.len()), (0, 1000, 2));
    let seen = intake::GetFeesRequest { application_id: id.clone() };
    assert_eq!(fees(&world, "citizen").get_fees(seen.clone()).await.unwrap().into_inner(), done);
    assert_eq!(reason(&fees(&world, "citizen2").get_fees(seen).await.unwrap_err()), "APPLICATION_NOT_FOUND");
    let strike = || intake::StrikeFeeRequest {
        application_id: id.clone(),
        request_id: new_request_id(),
        line_code: "F01".into(),
        reason: "误核".into(),
    };
    assert!(fees(&world, "clerk").strike_fee(strike()).await.unwrap().into_inner().lines.is_empty());
    assert_eq!(reason(&fees(&world, "clerk").strike_fee(strike()).await.unwrap_err()), "FEE_NOT_FOUND");
}
