use serde_json::json;
use yiwang_kit::identity::Account;
use yiwang_kit::new_request_id;
use yiwang_ledger::StreamId;
use yiwang_proto::intake::v1 as pb;

use crate::world::{
    BENEFIT, CITIZEN, CITIZEN2, HYGIENE, Intake, PLAIN, SMALL_SHOP, World, benefit_form, citizen, create, fields,
    hygiene_form, noon, person, reason, struct_of, update,
};

pub fn correction(id: &str) -> pb::RequestCorrectionRequest {
    let point = pb::CorrectionPoint {
        material_code: "floor_plan".into(),
        text: "平面图缺少比例尺".into(),
        ..Default::default()
    };
    pb::RequestCorrectionRequest {
        id: id.into(),
        request_id: new_request_id(),
        points: vec![point],
        ..Default::default()
    }
}

fn resubmit(id: &str) -> pb::ResubmitApplicationRequest {
    pb::ResubmitApplicationRequest { id: id.into(), request_id: new_request_id(), ..Default::default() }
}

pub async fn a_draft_needs_only_an_item(world: World) {
    let draft = world.as_("citizen").create_application(create(HYGIENE)).await.unwrap().into_inner();
    assert_eq!((draft.phase(), draft.etag.as_str()), (pb::ApplicationPhase::Draft, "1"));
    assert_eq!((draft.owner.as_str(), draft.department.as_str()), ("person:citizen", "区行政审批局"));
    let refused = world.submit(&draft.id).await.unwrap_err();
    assert_eq!(reason(&refused), "APPLICANT_MISSING");
}

pub async fn an_application_goes_from_the_form_to_its_number(world: World) {
    let draft = world.as_("citizen").create_application(create(HYGIENE)).await.unwrap().into_inner();
    let filled =
        pb::UpdateApplicationRequest { applicant: Some(citizen()), form: Some(hygiene_form()), ..update(&draft.id) };
    world.as_("citizen").update_application(filled).await.unwrap();
    let submitted = world.submit(&draft.id).await.unwrap();
    let receipt = &submitted.receipt_number;
    assert!(receipt.starts_with("SJ") && receipt.ends_with("2026000001"), "{receipt}");
    assert_eq!(submitted.acceptance_due.unwrap().date, "2026-03-09");
    let refused = world.accept(&draft.id).await.unwrap_err();
    assert_eq!((reason(&refused), fields(&refused).len()), ("MATERIALS_MISSING".into(), 2));
    let accepted = world.accepted().await;
    assert_eq!((accepted.phase(), accepted.accepted_date.as_str()), (pb::ApplicationPhase::Accepted, "2026-03-02"));
    assert_eq!(accepted.case_number, "51160200000011511301682364679520260302000001");
    assert_eq!(
        accepted.steps.iter().map(|step| step.kind.as_str()).collect::<Vec<_>>(),
        ["Drafted", "Submitted", "Accepted", "Numbered"]
    );
}

pub async fn a_repeated_request_is_answered_as_the_first_time(world: World) {
    let request = create(HYGIENE);
    let first = world.as_("citizen").create_application(request.clone()).await.unwrap().into_inner();
    let again = world.as_("citizen").create_application(request).await.unwrap().into_inner();
    assert_eq!(first, again);
    let submitted = world.submitted().await;
    let accept = pb::AcceptApplicationRequest { id: submitted.id, request_id: new_request_id(), ..Default::default() };
    let first = world.as_("clerk").accept_application(accept.clone()).await.unwrap().into_inner();
    let again = world.as_("clerk").accept_application(accept).await.unwrap().into_inner();
    assert_eq!((&first.case_number, &first.etag), (&again.case_number, &again.etag));
}

pub async fn the_same_request_id_with_another_body_is_refused(world: World) {
    let request = create(HYGIENE);
    world.as_("citizen").create_application(request.clone()).await.unwrap();
    let other = pb::CreateApplicationRequest { item_code: PLAIN.into(), ..request };
    let refused = world.as_("citizen").create_application(other).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused)), (tonic::Code::AlreadyExists, "REQUEST_ID_REUSED".into()));
}

pub async fn a_stale_etag_is_refused(world: World) {
    let draft = world.draft(PLAIN, struct_of(json!({"subject": "首次申领"}))).await;
    let change = |subject: &str| pb::UpdateApplicationRequest {
        etag: draft.etag.clone(),
        form: Some(struct_of(json!({"subject": subject}))),
        ..update(&draft.id)
    };
    world.as_("citizen").update_application(change("换发")).await.unwrap();
    let refused = world.as_("citizen").update_application(change("补发")).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused)), (tonic::Code::Aborted, "ETAG_MISMATCH".into()));
}

pub async fn a_wrong_check_digit_names_its_field(world: World) {
    let mut request = create(HYGIENE);
    request.applicant = Some(person("张建国", "511602198503120017"));
    let refused = world.as_("citizen").create_application(request).await.unwrap_err();
    assert_eq!(reason(&refused), "PARTY_INVALID");
    assert_eq!(fields(&refused)[0].0, "applicant.document_number");
    assert!(!refused.message().contains("511602198503120017"));
}

pub async fn all_that_is_wrong_with_the_form_comes_at_once(world: World) {
    let draft =
        world.draft(HYGIENE, struct_of(json!({"premises_name": "春", "staff_count": 0, "colour": "red"}))).await;
    let refused = world.submit(&draft.id).await.unwrap_err();
    let found: Vec<_> = fields(&refused).into_iter().map(|(field, _)| field).collect();
    assert_eq!(reason(&refused), "FORM_INVALID");
    for field in [
        "form",
        "form.area_square_metres",
        "form.business_kind",
        "form.premises_address",
        "form.premises_name",
        "form.staff_count",
    ] {
        assert!(found.contains(&field.to_owned()), "{field} in {found:?}");
    }
}

pub async fn a_form_too_large_is_refused(world: World) {
    let mut request = create(PLAIN);
    request.form = Some(struct_of(json!({"subject": "长".repeat(20_000)})));
    let refused = world.as_("citizen").create_application(request).await.unwrap_err();
    assert_eq!(reason(&refused), "FORM_TOO_LARGE");
}

pub async fn who_is_not_the_applicant_is_told_to_name_an_agent(world: World) {
    let mut request = create(PLAIN);
    request.applicant = Some(person("李秀英", CITIZEN2));
    let draft = world.as_("citizen").create_application(request).await.unwrap().into_inner();
    let refused = world.submit(&draft.id).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused)), (tonic::Code::PermissionDenied, "NOT_THE_APPLICANT".into()));
}

pub async fn the_window_hands_in_for_the_applicant(world: World) {
    let mut request = create(PLAIN);
    request.applicant = Some(citizen());
    let draft = world.as_("clerk").create_application(request).await.unwrap().into_inner();
    let submit =
        pb::SubmitApplicationRequest { id: draft.id.clone(), request_id: new_request_id(), ..Default::default() };
    let submitted = world.as_("clerk").submit_application(submit).await.unwrap().into_inner();
    assert_eq!(submitted.channel(), yiwang_proto::catalogue::v1::Channel::Window);
    let own = world.read("citizen", &draft.id).await;
    assert_eq!(own.steps.last().unwrap().actor.as_ref().unwrap().id, "staff:clerk");
    assert!(own.owner.starts_with("person:"));
}

pub async fn a_foreign_application_is_not_there(world: World) {
    let draft = world.draft(PLAIN, struct_of(json!({}))).await;
    let get = pb::GetApplicationRequest { id: draft.id.clone() };
    let hidden = world.as_("citizen2").get_application(get).await.unwrap_err();
    let missing = pb::GetApplicationRequest { id: StreamId::named("x", "y").to_string() };
    let missing = world.as_("citizen2").get_application(missing).await.unwrap_err();
    assert_eq!((hidden.code(), hidden.message()), (missing.code(), missing.message()));
    let refused = world.as_("citizen2").update_application(update(&draft.id)).await.unwrap_err();
    assert_eq!(reason(&refused), "APPLICATION_NOT_FOUND");
}

pub async fn staff_see_it_from_receipt_on_and_not_before(world: World) {
    let listed = async |account: &str| {
        let page = world.as_(account).list_applications(pb::ListApplicationsRequest::default()).await.unwrap();
        page.into_inner().applications.len()
    };
    let draft = world.draft(PLAIN, struct_of(json!({"subject": "首次申领"}))).await;
    assert_eq!((listed("citizen").await, listed("clerk").await, listed("supervisor").await), (1, 0, 0));
    world.submit(&draft.id).await.unwrap();
    assert_eq!((listed("clerk").await, listed("supervisor").await, listed("citizen2").await), (1, 1, 0));
}

pub async fn a_citizen_does_not_accept(world: World) {
    let submitted = world.submitted().await;
    let accept = pb::AcceptApplicationRequest { id: submitted.id, request_id: new_request_id(), ..Default::default() };
    let refused = world.as_("citizen").accept_application(accept).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused)), (tonic::Code::PermissionDenied, "ACTION_NOT_PERMITTED".into()));
}

pub async fn lists_are_masked_and_reads_are_full(world: World) {
    let submitted = world.submitted().await;
    let page = world.as_("clerk").list_applications(pb::ListApplicationsRequest::default()).await.unwrap().into_inner();
    let shown = page.applications[0].applicant.clone().unwrap();
    assert_eq!(shown.name, "张**");
    assert!(shown.document_number.starts_with("511") && shown.document_number.contains("****"));
    assert_eq!(world.read("clerk", &submitted.id).await.applicant.unwrap().document_number, CITIZEN);
}

pub async fn a_staff_read_leaves_an_entry(world: World) {
    let submitted = world.submitted().await;
    let before = world.ledger().head().await.unwrap().position;
    world.read("citizen", &submitted.id).await;
    assert!(world.readers(before).await.is_empty());
    world.read("clerk", &submitted.id).await;
    assert_eq!(world.readers(before).await, ["staff:clerk"]);
}

pub async fn nobody_acts_for_five_working_days(world: World) {
    let submitted = world.submitted().await;
    world.day(2026, 3, 10);
    let probe = async || {
        let now = world.read("citizen", &submitted.id).await;
        (!now.case_number.is_empty()).then_some(now)
    };
    let accepted = world.until(probe).await;
    assert_eq!((accepted.deemed_accepted, accepted.accepted_date.as_str()), (true, "2026-03-02"));
    assert_eq!(accepted.steps[2].actor.as_ref().unwrap().id, "system");
}

pub async fn what_is_missing_is_told_once_and_in_time(world: World) {
    let submitted = world.submitted().await;
    let told = world.as_("clerk").request_correction(correction(&submitted.id)).await.unwrap().into_inner();
    assert_eq!((told.phase(), told.corrections.len()), (pb::ApplicationPhase::CorrectionRequested, 1));
    world.day(2026, 3, 4);
    let again = world.as_("citizen").resubmit_application(resubmit(&submitted.id)).await.unwrap().into_inner();
    assert_eq!(again.acceptance_due.unwrap().start_date, "2026-03-04");
    let refused = world.as_("clerk").request_correction(correction(&submitted.id)).await.unwrap_err();
    assert_eq!(reason(&refused), "ALREADY_TOLD_ONCE");
}

pub async fn what_is_told_names_all_that_is_missing(world: World) {
    let draft = world.draft(HYGIENE, hygiene_form()).await;
    world.submit(&draft.id).await.unwrap();
    let refused = world.as_("clerk").request_correction(correction(&draft.id)).await.unwrap_err();
    let untold = ("points".to_owned(), "MATERIAL_MISSING".to_owned());
    assert_eq!((reason(&refused), fields(&refused)), ("POINTS_INCOMPLETE".into(), vec![untold]));
    let mut all = correction(&draft.id);
    let more =
        pb::CorrectionPoint { material_code: "hygiene_system".into(), text: "缺少".into(), ..Default::default() };
    all.points.push(more);
    world.as_("clerk").request_correction(all).await.unwrap();
}

pub async fn no_licensing_law_is_cited_to_a_public_service(world: World) {
    let draft = world.draft(BENEFIT, benefit_form()).await;
    world.submit(&draft.id).await.unwrap();
    let refuse = pb::RefuseApplicationRequest {
        id: draft.id.clone(),
        request_id: new_request_id(),
        reason: "不予办理".into(),
        ..Default::default()
    };
    let refused = world.as_("clerk").refuse_application(refuse).await.unwrap_err();
    assert_eq!((reason(&refused), refused.message().contains("许可法")), ("GROUND_MISSING".into(), false));
    let point =
        pb::CorrectionPoint { field: "/last_employer".into(), text: "请写全称".into(), ..Default::default() };
    let correct = pb::RequestCorrectionRequest { points: vec![point], ..correction(&draft.id) };
    world.as_("clerk").request_correction(correct.clone()).await.unwrap();
    let again = pb::RequestCorrectionRequest { request_id: new_request_id(), ..correct };
    let refused = world.as_("clerk").request_correction(again).await.unwrap_err();
    let basis = yiwang_intake::rules::named("public-service").tell_once.basis;
    assert!(reason(&refused) == "ALREADY_TOLD_ONCE" && refused.message().contains(&basis), "{refused:?}");
}

pub async fn a_telephone_is_kept_in_one_spelling(world: World) {
    let mut request = create(PLAIN);
    request.applicant = Some(yiwang_proto::party::v1::Party { phone: "+86 138-1234-5678".into(), ..citizen() });
    let draft = world.as_("citizen").create_application(request.clone()).await.unwrap().into_inner();
    assert_eq!(draft.applicant.unwrap().phone, "13812345678");
    request.request_id = new_request_id();
    request.applicant.as_mut().unwrap().phone = "12345".into();
    let refused = world.as_("citizen").create_application(request).await.unwrap_err();
    assert_eq!(fields(&refused), [("applicant.phone".to_owned(), "PHONE_FORMAT".to_owned())]);
}

pub async fn case_numbers_have_no_gaps(world: World) {
    let mut ids = Vec::new();
    for _ in 0..6 {
        let draft = world.draft(PLAIN, struct_of(json!({"subject": "首次申领"}))).await;
        ids.push(world.submit(&draft.id).await.unwrap().id);
    }
    // one person's six at a time, each with its reason (双头受理)
    let accept = async |id: &String| {
        let request = pb::AcceptApplicationRequest {
            id: id.clone(),
            request_id: new_request_id(),
            double_entry_reason: "分别申领".into(),
            ..Default::default()
        };
        world.as_("clerk").accept_application(request).await
    };
    let numbers = futures_util::future::join_all(ids.iter().map(accept)).await;
    let number = |app: Result<tonic::Response<pb::Application>, _>| app.unwrap().into_inner().case_number;
    let mut serials: Vec<_> = numbers.into_iter().map(|app| number(app)[38..].to_owned()).collect();
    serials.sort();
    assert_eq!(serials, ["000001", "000002", "000003", "000004", "000005", "000006"]);
}

pub async fn a_filing_is_accepted_and_numbered(world: World) {
    let form =
        struct_of(json!({"shop_name": "老街米粉", "shop_address": "广安区老街12号", "business_items": ["热食类制售"]}));
    let draft = world.draft(SMALL_SHOP, form).await;
    world.upload(&draft.id, "health_certificate", crate::world::pdf(300)).await.unwrap();
    world.submit(&draft.id).await.unwrap();
    let accepted = world.accept(&draft.id).await.unwrap();
    let opened = world.until(async || world.approval.opened_for(&draft.id)).await;
    let terms = opened.item.unwrap();
    assert_eq!(
        (terms.rules.as_str(), terms.result.unwrap().kind()),
        ("filing", yiwang_proto::catalogue::v1::ResultKind::Receipt)
    );
    assert_eq!((terms.legal_limit.unwrap().days, opened.case_number), (0, accepted.case_number));
}

pub async fn an_unanswered_correction_counts_as_withdrawn(world: World) {
    let submitted = world.submitted().await;
    let told = world.as_("clerk").request_correction(correction(&submitted.id)).await.unwrap().into_inner();
    assert_eq!(told.corrections[0].reply_due.as_ref().unwrap().date, "2026-04-01");
    world.process.legal.set_to(noon(2026, 4, 2)).unwrap();
    let probe = async || {
        let now = world.read("citizen", &submitted.id).await;
        (now.phase() == pb::ApplicationPhase::Withdrawn).then_some(now)
    };
    let withdrawn = world.until(probe).await;
    let why = withdrawn.withdrawal.unwrap();
    assert_eq!(why.cause(), pb::WithdrawalCause::CorrectionLate);
    let due = why.reply_due.unwrap();
    let basis = due.limit.unwrap().basis;
    let text = &withdrawn.steps.last().unwrap().text;
    assert!(due.date == "2026-04-01" && !basis.is_empty());
    assert!(text.contains("视为撤回") && text.contains(&due.date) && text.contains(&basis), "{text}");
}

pub async fn who_withdraws_is_not_told_that_it_was_for_being_late(world: World) {
    let submitted = world.submitted().await;
    let withdrawn = world.withdraw(&submitted.id).await.unwrap();
    let why = withdrawn.withdrawal.unwrap();
    assert_eq!((why.cause(), why.reply_due), (pb::WithdrawalCause::Applicant, None));
    assert_eq!(withdrawn.steps.last().unwrap().text, "申请已撤回");
}

pub async fn a_provisional_date_says_that_nothing_is_lost_by_it(world: World) {
    world.day(2026, 12, 10);
    let submitted = world.submitted().await;
    let told = world.as_("clerk").request_correction(correction(&submitted.id)).await.unwrap().into_inner();
    let due = told.corrections[0].reply_due.clone().unwrap();
    assert!(due.provisional && due.explanation.contains("不因逾期视为撤回"), "{}", due.explanation);
    world.day(2027, 2, 1);
    let again = world.as_("citizen").resubmit_application(resubmit(&submitted.id)).await.unwrap().into_inner();
    assert_eq!(again.phase(), pb::ApplicationPhase::Submitted);
}

pub async fn a_due_date_names_the_article_it_rests_on(world: World) {
    let due = world.submitted().await.acceptance_due.unwrap();
    let basis = due.limit.unwrap().basis;
    assert!(
        basis.contains("行政许可法") && due.explanation.ends_with(&format!("依据：{basis}")),
        "{}",
        due.explanation
    );
    assert!(due.explanation_en.ends_with(&format!("Basis: {basis}")), "{}", due.explanation_en);
}

pub async fn a_refusal_names_the_review_organ_and_the_court(world: World) {
    let submitted = world.submitted().await;
    let refuse = pb::RefuseApplicationRequest {
        id: submitted.id,
        request_id: new_request_id(),
        ground: pb::RefusalGround::NoPermissionNeeded.into(),
        reason: "依法不需要取得行政许可".into(),
        ..Default::default()
    };
    let refused = world.as_("clerk").refuse_application(refuse).await.unwrap().into_inner();
    let remedies = refused.refusal.unwrap().remedies;
    assert!(remedies.contains("区行政审批局的本级人民政府") && remedies.contains("人民法院"), "{remedies}");
}

pub async fn a_slip_is_mended_on_the_spot_by_the_applicant_and_by_the_window(world: World) {
    let submitted = world.submitted().await;
    let form = || {
        Some(struct_of(json!({"premises_name": "春来客栈", "premises_address": "广安区滨江路89号",
        "business_kind": "住宿", "area_square_metres": 320, "staff_count": 6})))
    };
    let mend = pb::UpdateApplicationRequest { form: form(), etag: submitted.etag.clone(), ..update(&submitted.id) };
    world.as_("clerk").update_application(mend).await.unwrap();
    world.upload(&submitted.id, "floor_plan", crate::world::pdf(300)).await.unwrap();
    let now = world.read("citizen", &submitted.id).await;
    assert_eq!((now.acceptance_due, now.corrections.len()), (submitted.acceptance_due, 0));
    let last: Vec<_> = now.steps.iter().rev().take(2).map(|step| step.actor.as_ref().unwrap().role.as_str()).collect();
    assert_eq!((last, now.steps.last().unwrap().kind.as_str()), (vec!["citizen", "clerk"], "CorrectedOnTheSpot"));
    let stranger = pb::UpdateApplicationRequest { form: form(), ..update(&submitted.id) };
    let refused = world.as_("reviewer").update_application(stranger).await.unwrap_err();
    assert_eq!(refused.code(), tonic::Code::PermissionDenied);
}

pub async fn plain_personal_data_lie_nowhere_in_the_folder(world: World) {
    let accepted = world.accepted().await;
    world.read("clerk", &accepted.id).await;
    for (path, bytes) in world.folder_bytes() {
        for planted in [CITIZEN, "张建国", "13812345678", "春来客栈", "平面图.pdf"] {
            let found = bytes.windows(planted.len()).any(|window| window == planted.as_bytes());
            assert!(!found, "{planted} in {}", path.display());
        }
    }
}

pub async fn a_year_that_is_loaded_settles_a_provisional_date(world: World) {
    world.day(2026, 12, 30);
    let submitted = world.submitted().await;
    let due = submitted.acceptance_due.unwrap();
    assert_eq!((due.date.as_str(), due.provisional, due.missing_years), ("2027-01-06", true, vec![2027]));
    world.process.legal.follow(world.process.shutdown.clone());
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/2027.csv");
    yiwang_kit::calendar::import(&world.process.config.calendar_dir(), &file).unwrap();
    let settled = async || {
        let due = world.read("citizen", &submitted.id).await.acceptance_due.unwrap();
        (!due.provisional).then_some(due.date)
    };
    assert_eq!(world.until(settled).await, "2027-01-07");
}

pub async fn an_erased_person_reads_as_erased_everywhere(world: World) {
    let submitted = world.submitted().await;
    world.erase_citizen().await;
    let read = world.read("clerk", &submitted.id).await;
    assert_eq!((read.applicant.unwrap().document_number.as_str(), read.form.is_none()), ("（已删除）", true));
    let page = world.as_("clerk").list_applications(pb::ListApplicationsRequest::default()).await.unwrap().into_inner();
    assert_eq!(page.applications[0].applicant.as_ref().unwrap().name, "（已删除）");
    let gone = world.download("clerk", &submitted.id, &submitted.attachments[0].id).await.unwrap_err();
    assert_eq!(reason(&gone), "ATTACHMENT_ERASED");
    // the law goes on: its time still runs out
    world.day(2026, 3, 10);
    world.until(async || world.read("clerk", &submitted.id).await.deemed_accepted.then_some(())).await;
}

/// 不互相覆盖: what somebody else wrote last is changed by whoever has seen it.
pub async fn who_has_not_seen_a_change_does_not_write_over_it(world: World) {
    let mut request = create(PLAIN);
    (request.applicant, request.agent) = (Some(citizen()), Some(person("李秀英", CITIZEN2)));
    let draft = world.as_("citizen").create_application(request).await.unwrap().into_inner();
    let write = async |account: &str, subject: &str, etag: &str| {
        let mut change = update(&draft.id);
        (change.form, change.etag) = (Some(struct_of(json!({ "subject": subject }))), etag.into());
        world.as_(account).update_application(change).await.map(tonic::Response::into_inner)
    };
    write("citizen", "一", "").await.unwrap();
    write("citizen", "二", "").await.unwrap();
    let unseen = write("citizen2", "三", "").await.unwrap_err();
    assert_eq!((unseen.code(), reason(&unseen)), (tonic::Code::FailedPrecondition, "ETAG_MISSING".into()));
    let seen = world.read("citizen2", &draft.id).await;
    write("citizen2", "三", &seen.etag).await.unwrap();
    assert_eq!(reason(&write("citizen", "四", "").await.unwrap_err()), "ETAG_MISSING");
    assert_eq!(reason(&write("citizen", "四", &seen.etag).await.unwrap_err()), "ETAG_MISMATCH");
    // what changes nothing overwrites nothing
    write("citizen", "三", "").await.unwrap();
}

/// 经办人: who acts for a company stands beside it, in the application and in the entry.
pub async fn the_person_of_a_company_is_recorded(world: World) {
    let before = world.ledger().head().await.unwrap().position;
    let draft = world.as_("company").create_application(create(PLAIN)).await.unwrap().into_inner();
    let by = draft.steps[0].actor.clone().unwrap();
    assert_eq!(
        (by.id.as_str(), by.role.as_str(), by.person_id.as_str()),
        ("company:company", "company", "person:citizen2")
    );
    let entry = world.ledger().feed(before, 1).await.unwrap().remove(0);
    assert_eq!((entry.actor.as_str(), entry.principal.as_str()), ("person:citizen2", "company:company"));
    // of another colleague what was written is another's
    let mut change = update(&draft.id);
    change.form = Some(struct_of(json!({"subject": "一"})));
    let colleague = Account { acting: Some("person:other".into()), ..Account::find("company").unwrap().clone() };
    let token = world.process.development.as_ref().unwrap().token(&colleague, None).unwrap();
    let mut other = Intake::new(world.process.links.get("intake").with_token(&token));
    assert_eq!(reason(&other.update_application(change.clone()).await.unwrap_err()), "ETAG_MISSING");
    world.as_("company").update_application(change).await.unwrap();
    // who is no person acts for nobody
    let nobody = Account { acting: Some("staff:clerk".into()), ..colleague };
    let token = world.process.development.as_ref().unwrap().token(&nobody, None).unwrap();
    let mut other = Intake::new(world.process.links.get("intake").with_token(&token));
    assert_eq!(reason(&other.create_application(create(PLAIN)).await.unwrap_err()), "TOKEN_MALFORMED");
}
