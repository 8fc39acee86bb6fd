//! 预审, 核验原件, 岗位等级, 独任审批.

use serde_json::json;
use yiwang_kit::identity::Account;
use yiwang_kit::new_request_id;
use yiwang_proto::catalogue::v1 as items;
use yiwang_proto::intake::v1 as pb;
use yiwang_proto::intake::v1::intake_service_client::IntakeServiceClient;
use yiwang_proto::intake::v1::pre_review_service_client::PreReviewServiceClient;

use crate::directory::{ITEM, details, elements, publish, ready, submit};
use crate::world::{PLAIN, World, citizen, create, pdf, reason, struct_of};

type PreReviews = PreReviewServiceClient<yiwang_kit::Link>;

fn reviews(world: &World, account: &str) -> PreReviews {
    PreReviewServiceClient::new(world.link(account))
}

fn fire() -> pb::AskedOrgan {
    pb::AskedOrgan { organ_code: "11511300MB1A21304N".into(), name: "区消防大队".into() }
}

pub async fn departments_say_before_it_is_handed_in_whether_it_is_ready(world: World) {
    let draft = world.ready().await;
    let request =
        || pb::RequestPreReviewRequest { id: draft.id.clone(), request_id: new_request_id(), ..Default::default() };
    let gone = |account: &'static str| {
        let mut client = world.as_(account);
        let request = pb::GetApplicationRequest { id: draft.id.clone() };
        async move { client.get_application(request).await.is_err() }
    };
    assert!(gone("clerk").await && gone("fire_reviewer").await);
    reviews(&world, "citizen").request_pre_review(request()).await.unwrap();
    assert!(!gone("clerk").await && gone("fire_reviewer").await);
    let invite = |until: i64| pb::InvitePreReviewRequest {
        id: draft.id.clone(),
        request_id: new_request_id(),
        organs: vec![fire()],
        until_time: Some(pbjson_types::Timestamp { seconds: until, nanos: 0 }),
        ..Default::default()
    };
    // 2026-03-04 12:00 in China
    let until = 1_772_596_800;
    assert_eq!(reason(&reviews(&world, "clerk").invite_pre_review(invite(0)).await.unwrap_err()), "FIELD_INVALID");
    // an organ is one of the catalogue's, and called what it is called there
    let mut made_up = invite(until);
    made_up.organs[0] = pb::AskedOrgan { organ_code: "12345".into(), name: "某局".into() };
    assert_eq!(reason(&reviews(&world, "clerk").invite_pre_review(made_up).await.unwrap_err()), "ORGAN_UNKNOWN");
    reviews(&world, "clerk").invite_pre_review(invite(until)).await.unwrap();
    let conclude = |ready: bool, opinion: &str| pb::ConcludePreReviewRequest {
        id: draft.id.clone(),
        request_id: new_request_id(),
        ready,
        opinion: opinion.into(),
        ..Default::default()
    };
    let early = reviews(&world, "clerk").conclude_pre_review(conclude(true, "")).await.unwrap_err();
    assert_eq!(reason(&early), "OPINIONS_OPEN");
    let give = |ready: bool, opinion: &str| pb::GivePreReviewRequest {
        id: draft.id.clone(),
        request_id: new_request_id(),
        ready,
        opinion: opinion.into(),
        ..Default::default()
    };
    // an organ that was not asked does not see it; one that says no says all that is not ready
    assert_eq!(
        reason(&reviews(&world, "market_reviewer").give_pre_review(give(true, "")).await.unwrap_err()),
        "APPLICATION_NOT_FOUND"
    );
    assert_eq!(reason(&reviews(&world, "reviewer").give_pre_review(give(true, "")).await.unwrap_err()), "NOT_ASKED");
    assert_eq!(
        reason(&reviews(&world, "fire_reviewer").give_pre_review(give(false, "")).await.unwrap_err()),
        "OPINION_MISSING"
    );
    reviews(&world, "fire_reviewer").give_pre_review(give(false, "疏散通道图未标注宽度")).await.unwrap();
    let refused = reviews(&world, "clerk").conclude_pre_review(conclude(true, "")).await.unwrap_err();
    assert_eq!(reason(&refused), "NOT_ALL_READY");
    let done = reviews(&world, "clerk").conclude_pre_review(conclude(false, "请在图上标注疏散宽度")).await.unwrap();
    let shown = done.into_inner().pre_review.unwrap();
    assert_eq!((shown.opinions.len(), shown.conclusion.unwrap().opinion.as_str()), (1, "请在图上标注疏散宽度"));
    // the applicant reads it; the departments do not see the draft any more; what was concluded speaks of what was there
    assert!(gone("clerk").await && gone("fire_reviewer").await);
    let save = pb::SaveFieldsRequest {
        id: draft.id.clone(),
        request_id: new_request_id(),
        etag: draft.etag.clone(),
        fields: struct_of(json!({"staff_count": 9})).fields,
    };
    let changed = world.as_("citizen").save_fields(save).await.unwrap().into_inner();
    assert!(changed.pre_review.unwrap().outdated);
    // it does not use up the one notice, and handing in needs none of it
    let submitted = world.submit(&draft.id).await.unwrap();
    assert!(submitted.corrections.is_empty());
    assert_eq!(reason(&reviews(&world, "citizen").request_pre_review(request()).await.unwrap_err()), "WRONG_PHASE");
}

pub async fn whoever_is_silent_does_not_hold_a_pre_review_up(world: World) {
    let draft = world.draft(PLAIN, struct_of(json!({"subject": "补办"}))).await;
    let request =
        pb::RequestPreReviewRequest { id: draft.id.clone(), request_id: new_request_id(), ..Default::default() };
    reviews(&world, "citizen").request_pre_review(request).await.unwrap();
    let invite = pb::InvitePreReviewRequest {
        id: draft.id.clone(),
        request_id: new_request_id(),
        organs: vec![fire()],
        until_time: Some(pbjson_types::Timestamp { seconds: 1_772_596_800, nanos: 0 }),
        ..Default::default()
    };
    reviews(&world, "clerk").invite_pre_review(invite).await.unwrap();
    world.day(2026, 3, 5);
    let conclude = pb::ConcludePreReviewRequest {
        id: draft.id.clone(),
        request_id: new_request_id(),
        ready: true,
        ..Default::default()
    };
    let done = reviews(&world, "clerk").conclude_pre_review(conclude).await.unwrap().into_inner();
    assert!(done.pre_review.unwrap().conclusion.unwrap().ready);
}

/// A reviewed list with a plan whose original is looked at, for clerks of the second grade.
async fn strict(world: &World) {
    let mut wanted = elements();
    wanted.materials[0].verify_original = true;
    let handling = items::ItemHandling { clerk_grade: 2, sole_officer: true, ..Default::default() };
    wanted.details = Some(items::ItemDetails { handling: Some(handling), ..details() });
    let id = Box::pin(ready(world, wanted)).await;
    publish(world, "admin", &id, "").await.unwrap();
}

pub async fn a_clerk_of_the_grade_accepts_once_the_original_was_looked_at(world: World) {
    strict(&world).await;
    let mut request = create(ITEM);
    request.applicant = Some(citizen());
    let draft = world.as_("citizen").create_application(request).await.unwrap().into_inner();
    world.upload(&draft.id, "floor_plan", pdf(100)).await.unwrap();
    let submitted = world.submit(&draft.id).await.unwrap();
    let grade = |grade: u8| {
        let issuer = world.process.development.as_ref().unwrap();
        let mut claims = issuer.claims(Account::find("clerk").unwrap(), None);
        claims.grade = grade;
        let token = issuer.signer().sign(&claims).unwrap();
        IntakeServiceClient::new(world.process.links.get("intake").with_token(&token))
    };
    let accept = || pb::AcceptApplicationRequest {
        id: submitted.id.clone(),
        request_id: new_request_id(),
        ..Default::default()
    };
    let low = grade(1).accept_application(accept()).await.unwrap_err();
    assert_eq!((low.code(), reason(&low)), (tonic::Code::PermissionDenied, "CLERK_GRADE_TOO_LOW".into()));
    assert_eq!(reason(&grade(2).accept_application(accept()).await.unwrap_err()), "CHECKS_OPEN");
    let list = grade(0).get_checklist(pb::GetChecklistRequest { id: submitted.id.clone() }).await.unwrap().into_inner();
    let originals: Vec<_> = list.entries.iter().filter(|entry| entry.check_code == "original.floor_plan").collect();
    assert_eq!((originals.len(), originals[0].state()), (1, items::CheckState::ByHand));
    let look = pb::RecordChecksRequest {
        id: submitted.id.clone(),
        request_id: new_request_id(),
        checks: vec![pb::LookedAt { check_code: "original.floor_plan".into(), met: true }],
        ..Default::default()
    };
    grade(0).record_checks(look).await.unwrap();
    grade(3).accept_application(accept()).await.unwrap();
    // 独任审批 goes with the case
    let opened = world.until(async || world.approval.opened_for(&submitted.id)).await;
    assert!(opened.item.unwrap().sole_officer);
}

pub async fn no_promise_in_an_excluded_field_unless_a_law_orders_it(world: World) {
    let mut wanted = elements();
    let handling = |ordered: &str| items::ItemHandling {
        separation: items::SeparationMode::Promise.into(),
        excluded_fields: vec![items::ExcludedField::PublicSafety.into()],
        promise_ordered_by: ordered.into(),
        merged: vec!["公章刻制备案".into()],
        ..Default::default()
    };
    wanted.details = Some(items::ItemDetails { handling: Some(handling("")), ..details() });
    let id = crate::directory::claimed(&world).await.id;
    crate::directory::save(&world, &id, wanted.clone()).await;
    let refused = submit(&world, &id).await.unwrap_err();
    let found = crate::world::fields(&refused);
    assert!(found.contains(&("details.handling.excluded_fields".into(), "PROMISE_EXCLUDED".into())), "{found:?}");
    // a place's own rule lifts nothing, nor does a document, nor a law without its article
    for place in ["《四川省消防条例》第二十条", "国办发〔2020〕42号", "《消防法》"] {
        wanted.details = Some(items::ItemDetails { handling: Some(handling(place)), ..details() });
        crate::directory::save(&world, &id, wanted.clone()).await;
        let found = crate::world::fields(&submit(&world, &id).await.unwrap_err());
        let unfit = ("details.handling.promise_ordered_by".to_owned(), "PROMISE_LAW_UNFIT".to_owned());
        assert!(found.contains(&unfit), "{place}: {found:?}");
    }
    wanted.details = Some(items::ItemDetails { handling: Some(handling("《消防法》第十五条")), ..details() });
    crate::directory::passed(&world, &id, wanted).await;
    publish(&world, "admin", &id, "").await.unwrap();
    let handling = crate::directory::item(&world, ITEM).await.details.unwrap().handling.unwrap();
    assert_eq!(
        (handling.separation(), handling.merged),
        (items::SeparationMode::Promise, vec!["公章刻制备案".to_owned()])
    );
}

fn examined(code: &str, after: &[&str]) -> items::ReviewStep {
    let after = after.iter().map(|one| (*one).to_owned()).collect();
    let join = items::StepJoin::All.into();
    items::ReviewStep { code: code.into(), name: code.to_uppercase(), after, join, ..Default::default() }
}

fn in_steps(review_steps: Vec<items::ReviewStep>) -> items::ItemElements {
    let handling = items::ItemHandling { review_steps, ..Default::default() };
    items::ItemElements { details: Some(items::ItemDetails { handling: Some(handling), ..details() }), ..elements() }
}

pub async fn an_examination_that_would_not_come_to_its_end_is_not_published(world: World) {
    use items::{ReviewStep, StepJoin};
    let any = StepJoin::Any.into();
    let sometimes = |code: &str, when: &str| ReviewStep { when: when.into(), ..examined(code, &[]) };
    let wrong = [
        (vec![examined("a", &[]), examined("a", &[])], "[1].code", "STEP_CODE"),
        (vec![examined("decision", &[])], "[0].code", "STEP_CODE"),
        (vec![examined("a", &["b"])], "[0].after", "STEP_BEFORE_UNKNOWN"),
        (vec![examined("a", &[]), examined("b", &["a", "a"])], "[1].after", "STEP_BEFORE_UNKNOWN"),
        (vec![examined("a", &[]), ReviewStep { join: any, ..examined("b", &["a"]) }], "[1].join", "STEP_JOIN_UNFIT"),
        (vec![examined("a", &["b"]), examined("b", &["a"])], "", "STEPS_GO_ROUND"),
        (vec![examined("a", &["a"])], "", "STEPS_GO_ROUND"),
        (vec![ReviewStep { other_officer: true, ..examined("a", &[]) }], "[0].other_officer", "OTHER_OFFICER_UNFIT"),
        (vec![examined("a", &[]), sometimes("b", "rooms > 3")], "[1].when", "EXPRESSION_INVALID"),
        (vec![sometimes("a", "form.rooms > 3")], "", "EXAMINATION_MISSING"),
    ];
    let id = crate::directory::claimed(&world).await.id;
    for (steps, field, reason) in wrong {
        crate::directory::save(&world, &id, in_steps(steps)).await;
        let found = crate::world::fields(&submit(&world, &id).await.unwrap_err());
        assert_eq!(found, [(format!("details.handling.review_steps{field}"), reason.to_owned())]);
    }
    let at_once =
        items::ItemElements { case_kind: items::CaseKind::Immediate.into(), ..in_steps(vec![examined("a", &[])]) };
    crate::directory::save(&world, &id, at_once).await;
    let found = crate::world::fields(&submit(&world, &id).await.unwrap_err());
    assert!(found.contains(&("details.handling.review_steps".into(), "STEPS_ON_THE_SPOT".into())), "{found:?}");
    let capital = in_steps(vec![examined("Site", &[])]);
    let save = items::SaveItemDraftRequest {
        id: id.clone(),
        request_id: new_request_id(),
        elements: Some(capital),
        ..Default::default()
    };
    let refused = world.directory_as("editor").save_item_draft(save).await.unwrap_err();
    assert_eq!(crate::world::fields(&refused)[0].0, "details.handling.review_steps[0].code");
}

pub async fn a_case_gets_the_steps_of_its_list_and_which_of_them_its_form_leaves_out(world: World) {
    let when = |code: &str, when: &str| items::ReviewStep { when: when.into(), ..examined(code, &["papers"]) };
    let steps = vec![
        examined("papers", &[]),
        when("experts", "form.rooms > 50"),
        when("site", "form.rooms > 3"),
        // what cannot be found out is examined
        when("noise", "form.machines > 3"),
    ];
    let id = Box::pin(ready(&world, in_steps(steps.clone()))).await;
    publish(&world, "admin", &id, "").await.unwrap();
    let mut request = create(ITEM);
    request.applicant = Some(citizen());
    request.form = Some(struct_of(json!({"premises": "春来客栈", "rooms": 20})));
    let draft = world.as_("citizen").create_application(request).await.unwrap().into_inner();
    world.upload(&draft.id, "floor_plan", pdf(100)).await.unwrap();
    world.submit(&draft.id).await.unwrap();
    world.accept(&draft.id).await.unwrap();
    let opened = world.until(async || world.approval.opened_for(&draft.id)).await;
    let taken: Vec<_> = steps.into_iter().map(|step| items::ReviewStep { when: String::new(), ..step }).collect();
    assert_eq!((opened.item.unwrap().review_steps, opened.skipped_steps), (taken, vec!["experts".to_owned()]));
}
