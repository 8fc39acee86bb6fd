//! 一元化受理标准 and 申请表: the clerk's screen and the online form, from one source.

use serde_json::json;
use yiwang_kit::new_request_id;
use yiwang_proto::catalogue::v1 as pb;
use yiwang_proto::intake::v1 as intake;

use crate::directory::{ITEM, claimed, elements, publish, ready, save, submit};
use crate::world::{World, citizen, create, fields, pdf, reason, struct_of};

const FORM: &str = r#"{
  "type": "object",
  "required": ["owner", "rooms"],
  "properties": {
    "owner": {"type": "string", "x-source": "identity.name"},
    "owner_number": {"type": "string", "x-source": "identity.number", "x-masked": true},
    "illness": {"type": "string", "x-sensitive": true},
    "rooms": {"type": "integer"},
    "air": {"type": "boolean"}
  },
  "additionalProperties": false
}"#;
const BASIS: &str = "《公共场所卫生管理条例实施细则》第二十三条";

fn check(code: &str, needed: &str, rule: &str) -> pb::AcceptanceCheck {
    pb::AcceptanceCheck {
        code: code.into(),
        text: format!("要点{code}"),
        basis: BASIS.into(),
        needed: needed.into(),
        rule: rule.into(),
        ..Default::default()
    }
}

fn example(form: &str, applies: bool, failing: &[&str]) -> pb::AcceptanceExample {
    pb::AcceptanceExample {
        name: "例".into(),
        form: form.into(),
        applies,
        failing: failing.iter().map(|code| (*code).to_owned()).collect(),
        ..Default::default()
    }
}

/// Guesthouses have three rooms at least, and a clerk compares the plan; others have nothing to look at.
fn standard() -> pb::AcceptanceScenario {
    pb::AcceptanceScenario {
        code: "S1".into(),
        name: "住宿".into(),
        when: "form.rooms > 0".into(),
        checks: vec![check("C1", "", "form.rooms >= 3"), check("C2", "form.rooms > 10", ""), check("C3", "", "")],
        examples: vec![
            example(r#"{"rooms": 0}"#, false, &[]),
            example(r#"{"rooms": 2}"#, true, &["C1"]),
            example(r#"{"rooms": 3}"#, true, &[]),
        ],
    }
}

fn with(scenario: pb::AcceptanceScenario) -> pb::ItemElements {
    let mut elements = pb::ItemElements { form_schema: FORM.into(), scenarios: vec![scenario], ..elements() };
    elements.materials.push(pb::Material {
        code: "air_report".into(),
        name: "集中空调检测报告".into(),
        necessity: pb::Necessity::Optional.into(),
        condition: "使用集中空调的".into(),
        needed_when: "has(form.air) && form.air".into(),
        basis: BASIS.into(),
        ..Default::default()
    });
    elements
}

async fn in_force(world: &World) {
    let id = ready(world, with(standard())).await;
    publish(world, "admin", &id, "").await.unwrap();
}

async fn draft(world: &World, form: serde_json::Value) -> String {
    let draft = world.draft(ITEM, struct_of(form)).await;
    world.upload(&draft.id, "floor_plan", pdf(100)).await.unwrap();
    draft.id
}

async fn checklist(world: &World, who: &str, id: &str) -> pb::Checklist {
    let ask = intake::GetChecklistRequest { id: id.into() };
    world.as_(who).get_checklist(ask).await.unwrap().into_inner()
}

async fn look(world: &World, who: &str, id: &str, code: &str, met: bool) -> Result<intake::Application, tonic::Status> {
    let ask = intake::RecordChecksRequest {
        id: id.into(),
        request_id: new_request_id(),
        checks: vec![intake::LookedAt { check_code: code.into(), met }],
        ..Default::default()
    };
    world.as_(who).record_checks(ask).await.map(tonic::Response::into_inner)
}

fn states(list: &pb::Checklist) -> Vec<(&str, pb::CheckState)> {
    list.entries.iter().map(|entry| (entry.check_code.as_str(), entry.state())).collect()
}

pub async fn the_clerks_screen_and_the_online_form_are_one_list(world: World) {
    in_force(&world).await;
    let form = json!({"owner": "张建国", "rooms": 12, "air": true});
    let preview = pb::PreviewChecklistRequest {
        item_code: ITEM.into(),
        form: Some(struct_of(form.clone())),
        material_codes: vec!["floor_plan".into()],
        ..Default::default()
    };
    let online = world.catalogue().preview_checklist(preview).await.unwrap().into_inner();
    let id = draft(&world, form).await;
    world.submit(&id).await.unwrap();
    let screen = checklist(&world, "clerk", &id).await;
    assert_eq!(online, screen);
    use pb::CheckState::{ByHand, Met};
    assert_eq!(states(&screen), [("C1", Met), ("C2", ByHand), ("C3", ByHand)]);
    let materials: Vec<_> = screen.materials.iter().map(|one| (one.material_code.as_str(), one.present)).collect();
    assert_eq!(materials, [("floor_plan", true), ("air_report", false)]);
    assert!(!screen.complete && screen.scenario_codes == ["S1"]);
}

pub async fn nothing_is_accepted_before_every_point_was_looked_at(world: World) {
    in_force(&world).await;
    let id = draft(&world, json!({"owner": "张建国", "rooms": 12})).await;
    assert_eq!(reason(&look(&world, "clerk", &id, "C3", true).await.unwrap_err()), "APPLICATION_NOT_FOUND");
    world.submit(&id).await.unwrap();
    let open = world.accept(&id).await.unwrap_err();
    assert_eq!(reason(&open), "CHECKS_OPEN");
    let expected = [("checks[C2]", "CHECK_NOT_LOOKED_AT"), ("checks[C3]", "CHECK_NOT_LOOKED_AT")];
    assert_eq!(fields(&open), expected.map(|(field, reason)| (field.to_owned(), reason.to_owned())));
    assert_eq!(reason(&look(&world, "citizen", &id, "C3", true).await.unwrap_err()), "ACTION_NOT_PERMITTED");
    assert_eq!(reason(&look(&world, "clerk", &id, "C1", true).await.unwrap_err()), "CHECK_NOT_ON_LIST");
    look(&world, "clerk", &id, "C2", true).await.unwrap();
    look(&world, "clerk", &id, "C3", false).await.unwrap();
    assert_eq!(fields(&world.accept(&id).await.unwrap_err())[0].1, "CHECK_FAILED");
    look(&world, "clerk", &id, "C3", true).await.unwrap();
    // a slip that is mended is looked at again
    let mend = intake::UpdateApplicationRequest {
        id: id.clone(),
        request_id: new_request_id(),
        form: Some(struct_of(json!({"owner": "张建国", "rooms": 13}))),
        ..Default::default()
    };
    world.as_("citizen").update_application(mend).await.unwrap();
    assert_eq!(reason(&world.accept(&id).await.unwrap_err()), "CHECKS_OPEN");
    look(&world, "clerk", &id, "C2", true).await.unwrap();
    look(&world, "clerk", &id, "C3", true).await.unwrap();
    let list = checklist(&world, "clerk", &id).await;
    assert!(list.complete && list.entries[1].checked_by == "王晓燕");
    world.accept(&id).await.unwrap();
}

/// What is not met is told once, all of it; told and not mended, it stops nobody (行政许可法 art. 32 ④).
pub async fn what_is_not_met_is_told_once_and_stops_nobody_after(world: World) {
    in_force(&world).await;
    let id = draft(&world, json!({"owner": "张建国", "rooms": 2, "air": true})).await;
    world.submit(&id).await.unwrap();
    let ask = |check: &str| intake::RequestCorrectionRequest {
        id: id.clone(),
        request_id: new_request_id(),
        points: vec![
            intake::CorrectionPoint {
                material_code: "air_report".into(),
                text: "请提交检测报告".into(),
                ..Default::default()
            },
            intake::CorrectionPoint { check_code: check.into(), text: "客房数不足".into(), ..Default::default() },
        ],
        ..Default::default()
    };
    assert_eq!(reason(&world.as_("clerk").request_correction(ask("C9")).await.unwrap_err()), "CHECK_NOT_ON_LIST");
    // the one notice waits for every eye
    let unlooked = world.as_("clerk").request_correction(ask("C1")).await.unwrap_err();
    assert_eq!(reason(&unlooked), "POINTS_INCOMPLETE");
    look(&world, "clerk", &id, "C3", true).await.unwrap();
    let untold = world.as_("clerk").request_correction(ask("")).await.unwrap_err();
    assert_eq!(fields(&untold), [("points".to_owned(), "CHECK_FAILED".to_owned())]);
    world.as_("clerk").request_correction(ask("C1")).await.unwrap();
    let again =
        intake::ResubmitApplicationRequest { id: id.clone(), request_id: new_request_id(), ..Default::default() };
    world.as_("citizen").resubmit_application(again).await.unwrap();
    look(&world, "clerk", &id, "C3", true).await.unwrap();
    world.accept(&id).await.unwrap();
}

pub async fn an_expression_that_does_not_hold_water_is_not_published(world: World) {
    let id = claimed(&world).await.id;
    let mut wrong = standard();
    wrong.when = "form.rooms >".into();
    wrong.checks[0].rule = format!("form.rooms == {}", "1+".repeat(300) + "1");
    wrong.checks[1].needed = "materials.all(x, materials.all(y, x == y))".into();
    wrong.checks[2].basis = String::new();
    wrong.checks.push(pb::AcceptanceCheck { material_code: "unknown".into(), ..check("C3", "", "") });
    save(&world, &id, with(wrong)).await;
    let refusal = submit(&world, &id).await.unwrap_err();
    let reasons: std::collections::BTreeSet<_> = fields(&refusal).into_iter().map(|(_, reason)| reason).collect();
    let expected = [
        "BASIS_MISSING",
        "CHECK_CODE",
        "EXAMPLE_FAILS",
        "EXPRESSION_INVALID",
        "EXPRESSION_TOO_DEEP",
        "EXPRESSION_TOO_LONG",
        "MATERIAL_UNKNOWN",
    ];
    assert_eq!(reasons.into_iter().collect::<Vec<_>>(), expected);
    let mut untried = standard();
    untried.examples.clear();
    save(&world, &id, with(untried)).await;
    assert_eq!(fields(&submit(&world, &id).await.unwrap_err())[0].1, "EXAMPLE_MISSING");
}

pub async fn a_form_says_where_its_fields_come_from(world: World) {
    in_force(&world).await;
    let mut ask = create(ITEM);
    ask.form = Some(struct_of(json!({"rooms": 3})));
    let id = world.as_("citizen").create_application(ask).await.unwrap().into_inner().id;
    let prefill = || intake::PrefillFormRequest { id: id.clone(), request_id: new_request_id(), ..Default::default() };
    assert_eq!(fields(&world.as_("citizen").prefill_form(prefill()).await.unwrap_err())[0].1, "APPLICANT_MISSING");
    let named = intake::UpdateApplicationRequest {
        id: id.clone(),
        request_id: new_request_id(),
        applicant: Some(citizen()),
        ..Default::default()
    };
    world.as_("citizen").update_application(named).await.unwrap();
    let filled = world.as_("citizen").prefill_form(prefill()).await.unwrap().into_inner();
    let form = serde_json::to_value(filled.form.unwrap()).unwrap();
    assert_eq!((form["owner"].as_str(), form["rooms"].as_f64()), (Some(citizen().name.as_str()), Some(3.0)));
    // and cannot be handed in otherwise
    let other = intake::UpdateApplicationRequest {
        id: id.clone(),
        request_id: new_request_id(),
        form: Some(struct_of(json!({"owner": "李四", "rooms": 3}))),
        ..Default::default()
    };
    world.as_("citizen").update_application(other).await.unwrap();
    assert_eq!(
        fields(&world.submit(&id).await.unwrap_err()),
        [("form.owner".to_owned(), "FIELD_NOT_AS_SOURCED".to_owned())]
    );
}

pub async fn sensitive_data_need_a_consent_of_their_own(world: World) {
    in_force(&world).await;
    let id = draft(&world, json!({"owner": "张建国", "rooms": 0, "illness": "无"})).await;
    let mut ask =
        intake::SubmitApplicationRequest { id: id.clone(), request_id: new_request_id(), ..Default::default() };
    let refusal = world.as_("citizen").submit_application(ask.clone()).await.unwrap_err();
    assert_eq!(fields(&refusal), [("form.illness".to_owned(), "CONSENT_MISSING".to_owned())]);
    ask.request_id = new_request_id();
    ask.consent_sensitive = true;
    let submitted = world.as_("citizen").submit_application(ask).await.unwrap().into_inner();
    assert_eq!(submitted.consented_fields, ["illness"]);
}

pub async fn who_watches_sees_the_form_masked_and_who_handles_it_in_full(world: World) {
    in_force(&world).await;
    let number = citizen().document_number;
    let id = draft(&world, json!({"owner": "张建国", "owner_number": number, "rooms": 0})).await;
    world.submit(&id).await.unwrap();
    let form = async |who: &str| serde_json::to_value(world.read(who, &id).await.form.unwrap()).unwrap();
    for who in ["citizen", "clerk", "reviewer"] {
        assert_eq!(form(who).await["owner_number"], number, "{who}");
    }
    let masked = form("supervisor").await;
    assert_eq!((masked["owner_number"].as_str(), masked["rooms"].as_f64()), (Some("511***********0016"), Some(0.0)));
    // nor does the same number stand elsewhere in the answer
    let seen = format!("{:?}", world.read("supervisor", &id).await);
    assert!(!seen.contains(&number) && seen.contains("511***********0016"));
}

pub async fn marks_of_a_form_that_there_are_none_of_are_refused(world: World) {
    let id = claimed(&world).await.id;
    let schema = r#"{"type":"object","properties":{"a":{"type":"string","x-source":"identity.age"},"b":{"type":"integer","x-masked":true},"c":{"x-sensitive":"yes"},"d":{"type":"object","properties":{"e":{"type":"string","x-sensitive":true}}}}}"#;
    save(&world, &id, pb::ItemElements { form_schema: schema.into(), ..elements() }).await;
    let found = fields(&submit(&world, &id).await.unwrap_err());
    let expected = [
        // a mark that stands deeper would be passed over
        ("form_schema", "FORM_MARK_UNFIT"),
        ("form_schema.a", "FORM_SOURCE_UNKNOWN"),
        ("form_schema.b", "FORM_MARK_UNFIT"),
        ("form_schema.c", "FORM_MARK_UNFIT"),
    ];
    assert_eq!(found, expected.map(|(field, reason)| (field.to_owned(), reason.to_owned())));
}
