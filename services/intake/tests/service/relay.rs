use chrono::NaiveDate;
use serde_json::json;
use yiwang_intake::application::{Actor, Application, ApplicationEvent, decide};
use yiwang_intake::catalogue::{self, Item};
use yiwang_intake::convert::ask::acting;
use yiwang_intake::numbering;
use yiwang_intake::register::Register;
use yiwang_kit::{Caller, CallerKind, new_request_id};
use yiwang_ledger::{Audiences, Call, Context, StreamId};
use yiwang_proto::clock::v1::LimitStart;
use yiwang_proto::intake::v1 as pb;

use crate::notifications::told;
use crate::world::{BENEFIT, FIRE, HYGIENE, PLAIN, World, benefit_form, hygiene_form, pdf, struct_of};

pub async fn approval_hears_of_a_case_once(world: World) {
    let accepted = world.accepted().await;
    let opened = world.until(async || world.approval.opened_for(&accepted.id)).await;
    assert_eq!((&opened.case_number, opened.accepted_date.as_str()), (&accepted.case_number, "2026-03-02"));
    assert_eq!(opened.applicant.unwrap().document_number, crate::world::CITIZEN);
    assert_eq!((opened.actor.unwrap().name.as_str(), opened.form.is_some()), ("王晓燕", true));
    assert_eq!(opened.item.unwrap().department_code, "115113016823646795");
    let world = world.restart().await;
    let second = world.accepted().await;
    world.until(async || world.approval.opened_for(&second.id)).await;
    assert_eq!(world.approval.opened().len(), 2);
}

pub async fn approval_away_is_told_later(world: World) {
    world.approval.set(|told| told.away = true);
    let accepted = world.accepted().await;
    let parked = async || world.ledger().parked().await.unwrap().pop();
    assert_eq!(world.until(parked).await.reader, "approval");
    world.approval.set(|told| told.away = false);
    world.until(async || world.approval.opened_for(&accepted.id)).await;
}

pub async fn a_withdrawal_ends_the_case(world: World) {
    let accepted = world.accepted().await;
    assert!(world.withdraw(&accepted.id).await.unwrap().withdrawal_pending);
    let probe = async || {
        let now = world.read("citizen", &accepted.id).await;
        (now.phase() == pb::ApplicationPhase::Withdrawn).then_some(now)
    };
    let ended = world.until(probe).await;
    assert_eq!(ended.steps.last().unwrap().kind, "Withdrawn");
}

pub async fn a_decided_case_is_not_withdrawn(world: World) {
    world.approval.set(|told| told.decided = true);
    let accepted = world.accepted().await;
    world.withdraw(&accepted.id).await.unwrap();
    let probe = async || {
        let now = world.read("citizen", &accepted.id).await;
        (!now.withdrawal_pending).then_some(now)
    };
    let denied = world.until(probe).await;
    assert_eq!(
        (denied.phase(), denied.steps.last().unwrap().kind.as_str()),
        (pb::ApplicationPhase::Accepted, "WithdrawalDenied")
    );
}

pub async fn a_crash_before_the_number_is_completed(world: World) {
    let submitted = world.submitted().await;
    let id = StreamId::parse("id", &submitted.id).unwrap();
    let read =
        world.ledger().get::<Item>(catalogue::stream(&submitted.item_code), &Audiences::all()).await.unwrap().unwrap();
    let clerk = Caller {
        id: "staff:clerk".into(),
        kind: CallerKind::Staff,
        roles: vec!["clerk".into()],
        ..Caller::anonymous()
    };
    // the first step alone, as if the handler had died after it
    let rule = move |app: &Application, cx: &Context| {
        decide::accept(app, &read.state, &read.state.facts, &decide::Accept::default(), &acting(&clerk), cx)
    };
    world.ledger().execute::<Application>(id, Call::system(new_request_id(), ""), rule).await.unwrap();
    let opened = world.until(async || world.approval.opened_for(&submitted.id)).await;
    assert!(opened.case_number.ends_with("000001"));
    assert_eq!(world.read("citizen", &submitted.id).await.case_number, opened.case_number);
}

pub async fn the_promise_decides_the_limit(world: World) {
    let form = json!({"premises_name": "春来客栈", "premises_address": "广安区滨江路88号", "premises_kind": "宾馆饭店",
        "area_square_metres": 320, "floors": "1-3层"});
    for sign_promise in [true, false] {
        let draft = world.draft(FIRE, struct_of(form.clone())).await;
        for material in ["fire_system", "layout"] {
            world.upload(&draft.id, material, pdf(200)).await.unwrap();
        }
        let submit = pb::SubmitApplicationRequest {
            id: draft.id.clone(),
            request_id: new_request_id(),
            sign_promise,
            ..Default::default()
        };
        let submitted = world.as_("citizen").submit_application(submit).await.unwrap().into_inner();
        assert_eq!(submitted.promise.is_some(), sign_promise);
        world.accept(&draft.id).await.unwrap();
        let opened = world.until(async || world.approval.opened_for(&draft.id)).await;
        let days = opened.item.unwrap().legal_limit.unwrap().days;
        assert_eq!((opened.promise_signed, days), (sign_promise, if sign_promise { 0 } else { 10 }));
    }
}

pub async fn a_deemed_acceptance_reaches_approval(world: World) {
    let draft = world.draft(PLAIN, struct_of(json!({"subject": "首次申领"}))).await;
    world.submit(&draft.id).await.unwrap();
    world.day(2026, 3, 16);
    let opened = world.until(async || world.approval.opened_for(&draft.id)).await;
    assert_eq!((opened.deemed_accepted, opened.accepted_date.as_str()), (true, "2026-03-02"));
    assert_eq!(opened.actor.unwrap().id, "system");
}

pub async fn approval_hears_from_which_day_the_limit_runs(world: World) {
    let draft = world.draft(BENEFIT, benefit_form()).await;
    world.submit(&draft.id).await.unwrap();
    world.day(2026, 3, 4);
    world.accept(&draft.id).await.unwrap();
    let opened = world.until(async || world.approval.opened_for(&draft.id)).await;
    assert_eq!((opened.received_date.as_str(), opened.accepted_date.as_str()), ("2026-03-02", "2026-03-04"));
    assert_eq!(opened.item.unwrap().legal_limit.unwrap().start(), LimitStart::Receipt);
    let licence = world.accepted().await;
    let opened = world.until(async || world.approval.opened_for(&licence.id)).await;
    assert_eq!(opened.item.unwrap().legal_limit.unwrap().start(), LimitStart::Acceptance);
}

pub async fn approval_hears_of_a_paper_that_follows(world: World) {
    let draft = world.draft(HYGIENE, hygiene_form()).await;
    for material in ["floor_plan", "hygiene_system"] {
        world.upload(&draft.id, material, pdf(200)).await.unwrap();
    }
    let submit = pb::SubmitApplicationRequest {
        id: draft.id.clone(),
        request_id: new_request_id(),
        sign_deferral: true,
        ..Default::default()
    };
    world.as_("citizen").submit_application(submit).await.unwrap();
    world.accept(&draft.id).await.unwrap();
    let opened = world.until(async || world.approval.opened_for(&draft.id)).await;
    assert_eq!(opened.outstanding_materials, ["test_report"]);
    world.upload(&draft.id, "test_report", pdf(300)).await.unwrap();
    let recorded = world.until(async || world.approval.recorded().pop()).await;
    assert_eq!((&recorded.application_id, recorded.material_code.as_str()), (&draft.id, "test_report"));
    assert_eq!((recorded.actor.unwrap().id.as_str(), world.approval.recorded().len()), ("person:citizen", 1));
}

pub async fn no_case_is_opened_of_an_erased_person_and_nothing_waits_for_it(world: World) {
    world.approval.set(|told| told.away = true);
    world.accepted().await;
    world.until(async || world.ledger().parked().await.unwrap().pop()).await;
    world.erase_citizen().await;
    world.approval.set(|told| told.away = false);
    let waits = |parked: Vec<yiwang_ledger::Parked>| parked.iter().any(|one| one.reader == "approval");
    world.until(async || (!waits(world.ledger().parked().await.unwrap())).then_some(())).await;
    assert!(world.approval.opened().is_empty());
}

pub async fn what_has_its_number_asks_the_register_for_none(world: World) {
    let submitted = world.submitted().await;
    let id = StreamId::parse("id", &submitted.id).unwrap();
    let accepted = |_: &Application, _: &Context| {
        let (date, by) = (NaiveDate::from_ymd_opt(2026, 3, 2).unwrap(), Actor::system());
        let number = ApplicationEvent::Numbered { case_number: "N1".into() };
        Ok(vec![
            ApplicationEvent::Accepted { date, outstanding: Vec::new(), deferral: None, signed: None, note: None, by },
            number,
        ])
    };
    world.ledger().execute::<Application>(id, Call::system(new_request_id(), ""), accepted).await.unwrap();
    // once approval has heard of a later one, the relays are past the first
    let second = world.accepted().await;
    world.until(async || world.approval.opened_for(&second.id)).await;
    assert!(second.case_number.ends_with("000001"), "{}", second.case_number);
}

/// The register stands further on by then: what it gave is read from that entry alone.
pub async fn who_asks_again_is_given_its_number_again(world: World) {
    let (first, second) = (world.accepted().await, world.accepted().await);
    assert!(second.case_number.ends_with("000002"), "{}", second.case_number);
    let id = StreamId::parse("id", &first.id).unwrap();
    let history = world.ledger().history(id, 0, 100).await.unwrap();
    let accepted = history.iter().find(|entry| entry.kind == "Accepted").unwrap();
    let app = world.ledger().get::<Application>(id, &Audiences::all()).await.unwrap().unwrap().state;
    let ask = numbering::ask(id, &app).unwrap();
    let call = Call::system(format!("number.{}", accepted.hash), "");
    let none = |_: &Register, _: &Context| Ok(Vec::new());
    let again = world.ledger().execute::<Register>(ask.register(), call, none).await.unwrap();
    assert!(again.replayed);
    assert_eq!(again.state.last.as_ref().map(|last| last.number.as_str()), Some(&first.case_number[..]));
    let kept = numbering::complete(world.ledger(), ask, accepted.hash, "").await.unwrap();
    assert_eq!(kept.state.case_number.as_deref(), Some(&first.case_number[..]));
}

pub async fn a_refusal_gives_the_right_to_evaluate_it(world: World) {
    let submitted = world.submitted().await;
    let refuse = pb::RefuseApplicationRequest {
        id: submitted.id.clone(),
        request_id: new_request_id(),
        ground: pb::RefusalGround::NoPermissionNeeded.into(),
        reason: "依法不需要取得行政许可".into(),
        ..Default::default()
    };
    world.as_("clerk").refuse_application(refuse).await.unwrap();
    let right = world.until(async || world.evaluation.rights().pop()).await;
    assert_eq!((right.case_number, right.service_number), (submitted.receipt_number, 1));
    assert_eq!((right.owner.as_str(), right.handlers), ("person:citizen", vec!["staff:clerk".to_owned()]));
    assert_eq!(right.applicant.unwrap().document_number, crate::world::CITIZEN);
}

pub fn concluded(id: &str, request: &str, number: &str) -> pb::RecordConclusionRequest {
    let mut result =
        pb::IssuedResult { name: "公共场所卫生许可证".into(), number: number.into(), ..Default::default() };
    result.set_kind(yiwang_proto::catalogue::v1::ResultKind::License);
    pb::RecordConclusionRequest {
        request_id: request.into(),
        application_id: id.into(),
        conclusion: Some(pb::Conclusion {
            granted: true,
            decided_date: "2026-03-02".into(),
            case_id: id.into(),
            document_number: String::new(),
            result: (!number.is_empty()).then_some(result),
        }),
        actor: None,
    }
}

fn noticed(id: &str, request: &str, text: &str) -> pb::RecordNoticeRequest {
    pb::RecordNoticeRequest {
        request_id: request.into(),
        application_id: id.into(),
        notice: Some(pb::CaseNotice {
            document_number: "TB11511602MB1234567X2026000001".into(),
            text: text.into(),
            text_en: "a test takes ten working days".into(),
            notice_time: None,
        }),
        actor: None,
    }
}

pub async fn what_the_applicant_is_told_on_the_way_is_a_step_and_is_sent_once(world: World) {
    let accepted = world.accepted().await;
    let text = "进行特别程序（检测），需要10个工作日，至2026-03-23止，不计入办理期限";
    let wrong = world.as_("approver").record_notice(noticed(&accepted.id, "told", text)).await.unwrap_err();
    assert_eq!(crate::world::reason(&wrong), "ACTION_NOT_PERMITTED");
    let approval = || world.by_service("approval");
    let wrong = approval().record_notice(noticed(&accepted.id, "nothing", "")).await.unwrap_err();
    assert_eq!(crate::world::reason(&wrong), "FIELD_INVALID");
    let early = world.ready().await;
    let wrong = approval().record_notice(noticed(&early.id, "early", text)).await.unwrap_err();
    assert_eq!(crate::world::reason(&wrong), "WRONG_PHASE");
    for request in ["told", "told", "again"] {
        let known = approval().record_notice(noticed(&accepted.id, request, text)).await.unwrap().into_inner();
        assert_eq!(known.text, text);
    }
    let now = world.read("citizen", &accepted.id).await;
    assert_eq!((now.notices.len(), now.steps.last().unwrap().text.as_str()), (1, text));
    let told = told(&world, &["Submitted", "Accepted", "CaseNoticed"]).await.pop().unwrap();
    assert!(told.text.ends_with("不计入办理期限，详见告知书TB11511602MB1234567X2026000001。"), "{}", told.text);
    // the conclusion comes by another relay, and may overtake it
    approval().record_conclusion(concluded(&accepted.id, "decided", "")).await.unwrap();
    let mut late = noticed(&accepted.id, "late", text);
    late.notice.as_mut().unwrap().document_number = "TB2".into();
    approval().record_notice(late).await.unwrap();
    assert_eq!(world.read("citizen", &accepted.id).await.notices.len(), 2);
}

pub async fn how_the_case_ended_comes_back_once(world: World) {
    let accepted = world.accepted().await;
    let told = concluded(&accepted.id, "decided", "");
    let wrong = world.as_("approver").record_conclusion(told.clone()).await.unwrap_err();
    assert_eq!(crate::world::reason(&wrong), "ACTION_NOT_PERMITTED");
    let early = world.ready().await;
    let wrong = world.by_service("approval").record_conclusion(concluded(&early.id, "early", "")).await.unwrap_err();
    assert_eq!(crate::world::reason(&wrong), "WRONG_PHASE");
    let issued = concluded(&accepted.id, "issued", "2026-000001");
    for told in [told.clone(), issued.clone(), told, issued] {
        world.by_service("approval").record_conclusion(told).await.unwrap();
    }
    let read = world.read("citizen", &accepted.id).await;
    let conclusion = read.conclusion.unwrap();
    assert_eq!((conclusion.granted, conclusion.result.unwrap().number.as_str()), (true, "2026-000001"));
    let steps: Vec<&str> = read.steps.iter().map(|step| step.kind.as_str()).collect();
    assert_eq!(steps[steps.len() - 2..], ["Concluded", "ResultIssued"]);
}
