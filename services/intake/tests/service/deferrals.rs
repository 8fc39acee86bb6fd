//! 容缺受理, 告知承诺 and the bars.

use serde_json::json;
use yiwang_kit::new_request_id;
use yiwang_proto::catalogue::v1 as items;
use yiwang_proto::intake::v1 as pb;
use yiwang_proto::intake::v1::bar_service_client::BarServiceClient;

use crate::directory::{ITEM, details, elements, publish, ready};
use crate::world::{FIRE, HYGIENE, World, citizen, create, fields, hygiene_form, pdf, reason, struct_of};

fn bars(world: &World, account: &str) -> BarServiceClient<yiwang_kit::Link> {
    BarServiceClient::new(world.link(account))
}

/// The hygiene permit without the report, which may follow.
pub async fn lacking(world: &World) -> pb::Application {
    let draft = world.draft(HYGIENE, hygiene_form()).await;
    for material in ["floor_plan", "hygiene_system"] {
        world.upload(&draft.id, material, pdf(200)).await.unwrap();
    }
    draft
}

fn submit(id: &str, sign_deferral: bool) -> pb::SubmitApplicationRequest {
    pb::SubmitApplicationRequest { id: id.into(), request_id: new_request_id(), sign_deferral, ..Default::default() }
}

pub async fn what_may_follow_is_promised_told_and_watched(world: World) {
    let draft = lacking(&world).await;
    world.as_("citizen").submit_application(submit(&draft.id, false)).await.unwrap();
    // without the promise nothing is accepted that lacks a paper
    let refused = world.accept(&draft.id).await.unwrap_err();
    assert_eq!(reason(&refused), "DEFERRAL_NOT_SIGNED");
    assert_eq!(fields(&refused), [("attachments[test_report]".to_owned(), "MATERIAL_MISSING".to_owned())]);
    // signed at the window, with the acceptance
    let accept = pb::AcceptApplicationRequest {
        id: draft.id.clone(),
        request_id: new_request_id(),
        deferral_signed: true,
        ..Default::default()
    };
    let accepted = world.as_("clerk").accept_application(accept).await.unwrap().into_inner();
    let told = accepted.deferral.unwrap();
    assert_eq!(
        (told.materials.as_slice(), told.consequence(), told.late),
        (["test_report".to_owned()].as_slice(), items::LateConsequence::Withdrawn, false)
    );
    // ten working days from the 2nd of March
    assert_eq!(told.due.clone().unwrap().date, "2026-03-16");
    assert!(accepted.deferral_promise.unwrap().text.contains("承诺"));
    let numbered = async || {
        let read = world.read("citizen", &draft.id).await;
        read.deferral.is_some_and(|deferral| !deferral.notice_number.is_empty()).then_some(())
    };
    world.until(numbered).await;
    world.until(async || world.approval.opened_for(&draft.id)).await;
    world.day(2026, 3, 16);
    assert_eq!(world.read("citizen", &draft.id).await.phase(), pb::ApplicationPhase::Accepted);
    world.day(2026, 3, 17);
    let gone = async || {
        let read = world.read("citizen", &draft.id).await;
        (read.phase() == pb::ApplicationPhase::Withdrawn).then_some(read)
    };
    let withdrawn = world.until(gone).await;
    assert_eq!(withdrawn.withdrawal.unwrap().cause(), pb::WithdrawalCause::DeferralLate);
}

pub async fn what_came_in_time_is_no_more_owed(world: World) {
    let draft = lacking(&world).await;
    world.as_("citizen").submit_application(submit(&draft.id, true)).await.unwrap();
    let accepted = world.accept(&draft.id).await.unwrap();
    assert_eq!(accepted.deferral_promise.unwrap().signed_by.unwrap().id, "person:citizen");
    world.upload(&draft.id, "test_report", pdf(300)).await.unwrap();
    world.day(2026, 3, 20);
    let read = world.read("citizen", &draft.id).await;
    assert_eq!((read.phase(), read.deferral.unwrap().late), (pb::ApplicationPhase::Accepted, false));
}

pub async fn what_was_not_asked_for_once_follows_by_promise_all_the_same(world: World) {
    let draft = world.draft(HYGIENE, hygiene_form()).await;
    world.upload(&draft.id, "hygiene_system", pdf(200)).await.unwrap();
    world.as_("citizen").submit_application(submit(&draft.id, false)).await.unwrap();
    // the plan is asked for; the report, which may follow, is not
    let point =
        pb::CorrectionPoint { material_code: "floor_plan".into(), text: "缺平面图".into(), ..Default::default() };
    let correct = pb::RequestCorrectionRequest {
        id: draft.id.clone(),
        request_id: new_request_id(),
        points: vec![point],
        ..Default::default()
    };
    world.as_("clerk").request_correction(correct).await.unwrap();
    world.upload(&draft.id, "floor_plan", pdf(200)).await.unwrap();
    let again =
        pb::ResubmitApplicationRequest { id: draft.id.clone(), request_id: new_request_id(), ..Default::default() };
    world.as_("citizen").resubmit_application(again).await.unwrap();
    assert_eq!(reason(&world.accept(&draft.id).await.unwrap_err()), "DEFERRAL_NOT_SIGNED");
    let accept = pb::AcceptApplicationRequest {
        id: draft.id.clone(),
        request_id: new_request_id(),
        deferral_signed: true,
        ..Default::default()
    };
    let accepted = world.as_("clerk").accept_application(accept).await.unwrap().into_inner();
    assert_eq!(accepted.deferral.unwrap().materials, ["test_report"]);
}

pub async fn what_follows_too_late_is_not_taken(world: World) {
    let draft = lacking(&world).await;
    world.as_("citizen").submit_application(submit(&draft.id, true)).await.unwrap();
    let accepted = world.accept(&draft.id).await.unwrap();
    let due = accepted.deferral.unwrap().due.unwrap().date;
    assert_eq!(due, "2026-03-16");
    world.day(2026, 3, 17);
    let refused = world.upload(&draft.id, "test_report", pdf(300)).await.unwrap_err();
    assert!(["DEFERRAL_LATE", "WRONG_PHASE"].contains(&reason(&refused).as_str()), "{}", reason(&refused));
}

pub async fn an_item_may_say_how_long_and_what_follows(world: World) {
    let mut wanted = elements();
    wanted.materials[0].necessity = items::Necessity::Deferrable.into();
    let deferral = |days: i32| items::DeferralTerms {
        working_days: days,
        text: "本人承诺五日内补齐".into(),
        consequence: items::LateConsequence::Refused.into(),
        basis: "《滨州市并联审批规定》第十一条".into(),
    };
    let handling = items::ItemHandling { deferral: Some(deferral(5)), ..Default::default() };
    wanted.details = Some(items::ItemDetails { handling: Some(handling), ..details() });
    let id = ready(&world, wanted).await;
    publish(&world, "admin", &id, "").await.unwrap();
    let mut request = create(ITEM);
    request.applicant = Some(citizen());
    let draft = world.as_("citizen").create_application(request).await.unwrap().into_inner();
    world.as_("citizen").submit_application(submit(&draft.id, true)).await.unwrap();
    let accepted = world.accept(&draft.id).await.unwrap();
    assert_eq!(accepted.deferral_promise.unwrap().text, "本人承诺五日内补齐");
    let told = accepted.deferral.unwrap();
    assert_eq!(
        (told.due.clone().unwrap().date.as_str(), told.consequence()),
        ("2026-03-09", items::LateConsequence::Refused)
    );
    world.until(async || world.approval.opened_for(&draft.id)).await;
    world.day(2026, 3, 10);
    // 不予审批: approval writes the refusal, with its reasons
    let lapsed = world.until(async || world.approval.lapsed().pop()).await;
    assert_eq!(lapsed.application_id, draft.id);
    assert!(!lapsed.reasons.contains("floor_plan"), "a decision names papers, not codes: {}", lapsed.reasons);
    assert!(
        lapsed.reasons.contains("2026-03-09届满") && lapsed.reasons.contains(&told.notice_number),
        "{}",
        lapsed.reasons
    );
}

pub async fn nobody_promises_what_the_item_does_not_offer(world: World) {
    let draft = world.draft(crate::world::PLAIN, struct_of(json!({"subject": "补办"}))).await;
    let refused = world.as_("citizen").submit_application(submit(&draft.id, true)).await.unwrap_err();
    assert_eq!(reason(&refused), "DEFERRAL_NOT_OFFERED");
}

fn record(id: &str, kind: pb::BarKind) -> pb::RecordBarRequest {
    pb::RecordBarRequest {
        request_id: new_request_id(),
        application_id: id.into(),
        kind: kind.into(),
        finding: "承诺的检测报告不属实".into(),
        ..Default::default()
    }
}

pub async fn who_promised_falsely_promises_no_more_until_amends_are_made(world: World) {
    let plain = world.accepted().await;
    let unfounded = bars(&world, "approver").record_bar(record(&plain.id, pb::BarKind::FalsePromise)).await;
    assert_eq!(reason(&unfounded.unwrap_err()), "PROMISE_NOT_SIGNED");
    let promised = lacking(&world).await;
    world.as_("citizen").submit_application(submit(&promised.id, true)).await.unwrap();
    let accepted = world.accept(&promised.id).await.unwrap();
    let refused =
        bars(&world, "citizen2").record_bar(record(&accepted.id, pb::BarKind::FalsePromise)).await.unwrap_err();
    assert_eq!(reason(&refused), "APPLICATION_NOT_FOUND");
    assert_eq!(
        reason(&bars(&world, "clerk").record_bar(record(&accepted.id, pb::BarKind::FalsePromise)).await.unwrap_err()),
        "ACTION_NOT_PERMITTED"
    );
    assert_eq!(
        reason(&bars(&world, "approver").record_bar(record(&accepted.id, pb::BarKind::Unspecified)).await.unwrap_err()),
        "KIND_MISSING"
    );
    // the law bars from licences that concern safety alone
    let refused =
        bars(&world, "approver").record_bar(record(&accepted.id, pb::BarKind::FalseMaterial)).await.unwrap_err();
    assert_eq!(reason(&refused), "BAR_NOT_APPLICABLE");
    bars(&world, "approver").record_bar(record(&accepted.id, pb::BarKind::FalsePromise)).await.unwrap();
    let own = bars(&world, "citizen").get_bars(pb::GetBarsRequest::default()).await.unwrap().into_inner();
    assert_eq!((own.bars.len(), own.bars[0].in_force), (1, true));
    let none = bars(&world, "citizen2").get_bars(pb::GetBarsRequest::default()).await.unwrap().into_inner();
    assert!(none.bars.is_empty());
    let draft = lacking(&world).await;
    assert_eq!(
        reason(&world.as_("citizen").submit_application(submit(&draft.id, true)).await.unwrap_err()),
        "PROMISE_BARRED"
    );
    // without a promise one applies as everybody does, and the window signs none for them either
    world.as_("citizen").submit_application(submit(&draft.id, false)).await.unwrap();
    let signed = pb::AcceptApplicationRequest {
        id: draft.id.clone(),
        request_id: new_request_id(),
        deferral_signed: true,
        ..Default::default()
    };
    assert_eq!(reason(&world.as_("clerk").accept_application(signed).await.unwrap_err()), "PROMISE_BARRED");
    let lift = |number: i32| pb::LiftBarRequest {
        request_id: new_request_id(),
        application_id: accepted.id.clone(),
        number,
        reason: "已完成信用修复".into(),
        ..Default::default()
    };
    assert_eq!(reason(&bars(&world, "approver").lift_bar(lift(2)).await.unwrap_err()), "ACTION_NOT_PERMITTED");
    let lifted = bars(&world, "approver").lift_bar(lift(1)).await.unwrap().into_inner();
    assert!(!lifted.bars[0].in_force && lifted.bars[0].lifted_reason.contains("修复"));
    assert_eq!(reason(&bars(&world, "approver").lift_bar(lift(1)).await.unwrap_err()), "BAR_NOT_FOUND");
    let again = lacking(&world).await;
    world.as_("citizen").submit_application(submit(&again.id, true)).await.unwrap();
}

pub async fn approval_tells_of_a_false_promise_by_itself(world: World) {
    let form = json!({"premises_name": "春来客栈", "premises_address": "广安区滨江路88号", "premises_kind": "宾馆饭店",
        "area_square_metres": 320, "floors": "1-3层"});
    let draft = world.draft(FIRE, struct_of(form)).await;
    let promised = pb::SubmitApplicationRequest { sign_promise: true, ..submit(&draft.id, false) };
    world.as_("citizen").submit_application(promised).await.unwrap();
    let link = world.process.links.get("intake").as_service("approval", "");
    let told = || pb::RecordBarRequest {
        actor: Some(yiwang_proto::party::v1::Actor { id: "staff:fire_reviewer".into(), ..Default::default() }),
        ..record(&draft.id, pb::BarKind::FalsePromise)
    };
    let first = BarServiceClient::new(link.clone()).record_bar(told()).await.unwrap().into_inner();
    // told twice, it is one bar
    let again = BarServiceClient::new(link).record_bar(told()).await.unwrap().into_inner();
    assert_eq!((first.bars.len(), again.bars.len()), (1, 1));
    assert_eq!(first.bars[0].recorded_by.as_ref().unwrap().id, "staff:fire_reviewer");
}
