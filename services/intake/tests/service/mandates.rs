//! 授权委托, saving field by field, and going on on another channel.

use serde_json::json;
use yiwang_kit::new_request_id;
use yiwang_proto::catalogue::v1::Channel;
use yiwang_proto::intake::v1 as pb;
use yiwang_proto::intake::v1::mandate_service_client::MandateServiceClient;
use yiwang_proto::party::v1::{DocumentKind, Party};

use crate::world::{CITIZEN2, HYGIENE, PLAIN, World, citizen, create, fields, person, reason, struct_of};

type Mandates = MandateServiceClient<yiwang_kit::Link>;

pub fn mandates(world: &World, account: &str) -> Mandates {
    MandateServiceClient::new(world.link(account))
}

/// 李秀英 lets 张建国 apply and withdraw for her, until the end of March.
pub fn entrusted() -> pb::GrantMandateRequest {
    pb::GrantMandateRequest {
        request_id: new_request_id(),
        principal: Some(person("李秀英", CITIZEN2)),
        agent: Some(citizen()),
        kind: pb::MandateKind::Entrusted.into(),
        items: vec![PLAIN.into()],
        acts: vec![pb::MandateAct::Apply.into(), pb::MandateAct::Withdraw.into()],
        until_date: "2026-03-31".into(),
        ..Default::default()
    }
}

/// A draft of 张建国's for 李秀英.
pub async fn for_her(world: &World) -> pb::Application {
    let mut request = create(PLAIN);
    (request.applicant, request.agent) = (Some(person("李秀英", CITIZEN2)), Some(citizen()));
    world.as_("citizen").create_application(request).await.unwrap().into_inner()
}

pub async fn an_agent_acts_by_a_mandate_in_its_days_and_acts(world: World) {
    let draft = for_her(&world).await;
    let refused = world.submit(&draft.id).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused)), (tonic::Code::PermissionDenied, "MANDATE_MISSING".into()));
    let granted = mandates(&world, "citizen2").grant_mandate(entrusted()).await.unwrap().into_inner();
    assert!(granted.in_force && granted.evidence.is_empty());
    // both see it, masked in lists, and nobody else
    for account in ["citizen", "citizen2"] {
        let listed =
            mandates(&world, account).list_mandates(pb::ListMandatesRequest::default()).await.unwrap().into_inner();
        let principal = listed.mandates[0].principal.clone().unwrap();
        assert!(principal.document_number.contains('*') && !principal.name.contains("秀英"), "{principal:?}");
    }
    let get = |id: &str| pb::GetMandateRequest { id: id.into() };
    assert_eq!(
        reason(&mandates(&world, "company").get_mandate(get(&granted.id)).await.unwrap_err()),
        "MANDATE_NOT_FOUND"
    );
    let submitted = world.submit(&draft.id).await.unwrap();
    assert_eq!(submitted.steps.last().unwrap().actor.as_ref().unwrap().id, "person:citizen");
    // the applicant sees what was done in her name
    assert_eq!(world.read("citizen2", &draft.id).await.agent.unwrap().name, "张建国");
    assert_eq!((submitted.authority(), submitted.mandate_id), (pb::HandingAuthority::Agent, granted.id.clone()));
    // what was done stays done; nothing more is done under it once it is revoked
    let revoke = |account: &'static str, reason: &str| {
        let request = pb::RevokeMandateRequest {
            id: granted.id.clone(),
            request_id: new_request_id(),
            reason: reason.into(),
            ..Default::default()
        };
        let mut client = mandates(&world, account);
        async move { client.revoke_mandate(request).await }
    };
    assert_eq!(reason(&revoke("company", "例").await.unwrap_err()), "MANDATE_NOT_FOUND");
    let ended = revoke("citizen2", "本人自己办").await.unwrap().into_inner();
    assert!(!ended.in_force && ended.ended_reason == "本人自己办");
    assert_eq!(reason(&revoke("citizen", "辞去").await.unwrap_err()), "MANDATE_ENDED");
    assert_eq!(reason(&world.withdraw(&draft.id).await.unwrap_err()), "MANDATE_MISSING");
    assert_eq!(world.read("citizen2", &draft.id).await.phase(), pb::ApplicationPhase::Submitted);
}

pub async fn a_mandate_ends_with_its_last_day(world: World) {
    mandates(&world, "citizen2").grant_mandate(entrusted()).await.unwrap();
    let draft = for_her(&world).await;
    // another matter is another mandate
    world.day(2026, 3, 31);
    let mut other = create(HYGIENE);
    (other.applicant, other.agent) = (Some(person("李秀英", CITIZEN2)), Some(citizen()));
    other.form = Some(crate::world::hygiene_form());
    let other = world.as_("citizen").create_application(other).await.unwrap().into_inner();
    assert_eq!(reason(&world.submit(&other.id).await.unwrap_err()), "MANDATE_MISSING");
    let second = for_her(&world).await;
    assert_eq!(world.submit(&draft.id).await.unwrap().authority(), pb::HandingAuthority::Agent);
    world.day(2026, 4, 1);
    assert_eq!(reason(&world.submit(&second.id).await.unwrap_err()), "MANDATE_MISSING");
}

pub async fn who_grants_and_what_is_refused(world: World) {
    let grant = |account: &'static str, request: pb::GrantMandateRequest| {
        let mut client = mandates(&world, account);
        async move { client.grant_mandate(request).await.map(tonic::Response::into_inner) }
    };
    // nobody grants in another's name, but the window that was shown the paper
    assert_eq!(reason(&grant("citizen", entrusted()).await.unwrap_err()), "NOT_THE_PRINCIPAL");
    assert_eq!(reason(&grant("clerk", entrusted()).await.unwrap_err()), "EVIDENCE_MISSING");
    let paper = pb::GrantMandateRequest { evidence: "授权委托书原件".into(), ..entrusted() };
    let recorded = grant("clerk", paper.clone()).await.unwrap();
    assert_eq!(
        (recorded.evidence.as_str(), recorded.granted_by.unwrap().id.as_str()),
        ("授权委托书原件", "staff:clerk")
    );
    assert_eq!(reason(&grant("reviewer", paper).await.unwrap_err()), "ACTION_NOT_PERMITTED");
    let wrong = [
        (pb::GrantMandateRequest { acts: vec![], ..entrusted() }, "ACTS_MISSING"),
        (pb::GrantMandateRequest { until_date: String::new(), ..entrusted() }, "PERIOD_INVALID"),
        (pb::GrantMandateRequest { until_date: "2030-01-01".into(), ..entrusted() }, "PERIOD_INVALID"),
        (
            pb::GrantMandateRequest { until_date: "2026-03-01".into(), from_date: "2026-02-01".into(), ..entrusted() },
            "PERIOD_INVALID",
        ),
        (pb::GrantMandateRequest { kind: 0, ..entrusted() }, "KIND_MISSING"),
        (pb::GrantMandateRequest { kind: pb::MandateKind::Employee.into(), ..entrusted() }, "KIND_NOT_ALLOWED"),
        // a guardian's right comes from the law, and is shown at the window
        (pb::GrantMandateRequest { kind: pb::MandateKind::Guardian.into(), ..entrusted() }, "KIND_NOT_ALLOWED"),
        (pb::GrantMandateRequest { agent: Some(person("李秀英", CITIZEN2)), ..entrusted() }, "SELF_MANDATE"),
        (pb::GrantMandateRequest { agent: None, ..entrusted() }, "AGENT_MISSING"),
        (pb::GrantMandateRequest { principal: None, ..entrusted() }, "PRINCIPAL_MISSING"),
        (pb::GrantMandateRequest { items: vec!["x".into(); 21], ..entrusted() }, "FIELD_INVALID"),
    ];
    for (request, expected) in wrong {
        assert_eq!(reason(&grant("citizen2", request).await.unwrap_err()), expected);
    }
    let same = entrusted();
    let first = grant("citizen2", same.clone()).await.unwrap();
    assert_eq!(grant("citizen2", same).await.unwrap().id, first.id);
}

pub async fn an_employee_hands_in_for_their_company(world: World) {
    let company = Party {
        name: "广安惠民宾馆有限公司".into(),
        document_kind: DocumentKind::UnifiedSocialCreditCode.into(),
        document_number: "91511602MA6B1C2D5W".into(),
        ..Default::default()
    };
    let mut request = create(PLAIN);
    (request.applicant, request.agent) = (Some(company.clone()), Some(citizen()));
    let draft = world.as_("citizen").create_application(request).await.unwrap().into_inner();
    assert_eq!(reason(&world.submit(&draft.id).await.unwrap_err()), "MANDATE_MISSING");
    // at the window too: the clerk hands in for an agent who holds one
    let at_window =
        pb::SubmitApplicationRequest { id: draft.id.clone(), request_id: new_request_id(), ..Default::default() };
    let grant = pb::GrantMandateRequest {
        principal: Some(company),
        kind: pb::MandateKind::Employee.into(),
        items: vec![],
        ..entrusted()
    };
    mandates(&world, "company").grant_mandate(grant).await.unwrap();
    assert_eq!(reason(&world.as_("clerk").submit_application(at_window).await.unwrap_err()), "APPLICATION_NOT_FOUND");
    assert_eq!(world.submit(&draft.id).await.unwrap().authority(), pb::HandingAuthority::Agent);
}

fn save(id: &str, etag: &str, values: serde_json::Value) -> pb::SaveFieldsRequest {
    pb::SaveFieldsRequest {
        id: id.into(),
        request_id: new_request_id(),
        etag: etag.into(),
        fields: struct_of(values).fields,
    }
}

pub async fn fields_are_saved_one_by_one_and_none_is_written_over(world: World) {
    let mut request = create(HYGIENE);
    request.applicant = Some(citizen());
    let draft = world.as_("clerk").create_application(request).await.unwrap().into_inner();
    // the applicant at home and the clerk at the window fill in beside each other
    let mine = world.as_("citizen").save_fields(save(&draft.id, &draft.etag, json!({"premises_name": "惠民"}))).await;
    let mine = mine.unwrap().into_inner();
    let theirs = world.as_("clerk").save_fields(save(&draft.id, &draft.etag, json!({"area_square_metres": 120}))).await;
    let form = serde_json::to_value(theirs.unwrap().into_inner().form).unwrap();
    assert_eq!((form["premises_name"].as_str(), form["area_square_metres"].as_f64()), (Some("惠民"), Some(120.0)));
    let late = save(&draft.id, &mine.etag, json!({"area_square_metres": 90, "staff_count": 3}));
    let refused = world.as_("citizen").save_fields(late).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused)), (tonic::Code::Aborted, "FIELDS_CHANGED".into()));
    assert_eq!(fields(&refused), [("fields.area_square_metres".to_owned(), "FIELDS_CHANGED".to_owned())]);
    let unknown = world.as_("citizen").save_fields(save(&draft.id, "", json!({"colour": "red"}))).await.unwrap_err();
    assert_eq!(reason(&unknown), "FIELD_NOT_IN_FORM");
    // whoever has seen nothing writes over nothing
    let blind =
        world.as_("citizen").save_fields(save(&draft.id, "", json!({"premises_name": "春来"}))).await.unwrap_err();
    assert_eq!(reason(&blind), "FIELDS_CHANGED");
    assert_eq!(
        reason(&world.as_("citizen2").save_fields(save(&draft.id, "", json!({"staff_count": 1}))).await.unwrap_err()),
        "APPLICATION_NOT_FOUND"
    );
}

pub async fn a_draft_is_taken_up_on_another_channel(world: World) {
    let draft = world.draft(PLAIN, struct_of(json!({"subject": "补办"}))).await;
    // the window does not see it until its owner says the word
    let offer = |account: &'static str| {
        let request = pb::OfferTakeUpRequest { id: draft.id.clone(), request_id: new_request_id() };
        let mut client = world.as_(account);
        async move { client.offer_take_up(request).await }
    };
    assert_eq!(reason(&offer("clerk").await.unwrap_err()), "APPLICATION_NOT_FOUND");
    let first = offer("citizen").await.unwrap().into_inner().code;
    let code = offer("citizen").await.unwrap().into_inner().code;
    let take = |account: &'static str, id: &str, code: &str, channel: Channel| {
        let request = pb::TakeUpDraftRequest {
            request_id: new_request_id(),
            id: id.into(),
            code: code.into(),
            channel: channel.into(),
        };
        let mut client = world.as_(account);
        async move { client.take_up_draft(request).await.map(tonic::Response::into_inner) }
    };
    for wrong in ["ABCD1234", first.as_str()] {
        assert_eq!(reason(&take("clerk", "", wrong, Channel::Window).await.unwrap_err()), "TAKE_UP_CODE_WRONG");
    }
    assert_eq!(reason(&take("citizen2", &draft.id, &code, Channel::Web).await.unwrap_err()), "APPLICATION_NOT_FOUND");
    let said = pb::TakeUpDraftRequest { request_id: new_request_id(), code: code.to_lowercase(), ..Default::default() };
    let taken = world.as_("clerk").take_up_draft(said.clone()).await.unwrap().into_inner();
    // an answer that was lost is given again
    assert_eq!(world.as_("clerk").take_up_draft(said).await.unwrap().into_inner(), taken);
    assert_eq!((taken.id.as_str(), taken.channel()), (draft.id.as_str(), Channel::Window));
    assert_eq!(taken.steps.last().unwrap().kind, "TakenUp");
    // the word is used up
    assert_eq!(reason(&take("clerk", "", &code, Channel::Window).await.unwrap_err()), "TAKE_UP_CODE_WRONG");
    let submit =
        pb::SubmitApplicationRequest { id: draft.id.clone(), request_id: new_request_id(), ..Default::default() };
    let submitted = world.as_("clerk").submit_application(submit).await.unwrap().into_inner();
    assert_eq!((submitted.authority(), submitted.channel()), (pb::HandingAuthority::Window, Channel::Window));
}

pub async fn what_was_begun_by_telephone_is_handed_in_by_the_applicant(world: World) {
    let mut request = create(PLAIN);
    request.applicant = Some(citizen());
    request.channel = Channel::Phone.into();
    request.form = Some(struct_of(json!({"subject": "补办"})));
    let draft = world.as_("clerk").create_application(request).await.unwrap().into_inner();
    assert_eq!(draft.channel(), Channel::Phone);
    let submit =
        || pb::SubmitApplicationRequest { id: draft.id.clone(), request_id: new_request_id(), ..Default::default() };
    let refused = world.as_("clerk").submit_application(submit()).await.unwrap_err();
    assert_eq!(reason(&refused), "APPLICANT_NOT_PRESENT");
    let take = pb::TakeUpDraftRequest {
        request_id: new_request_id(),
        id: draft.id.clone(),
        channel: Channel::Mobile.into(),
        ..Default::default()
    };
    assert_eq!(world.as_("citizen").take_up_draft(take).await.unwrap().into_inner().channel(), Channel::Mobile);
    assert_eq!(world.submit(&draft.id).await.unwrap().authority(), pb::HandingAuthority::Applicant);
}

pub async fn who_merely_began_it_has_no_say_once_another_handed_it_in(world: World) {
    // 张建国 begins a draft in 李秀英's name, without being her agent
    let mut request = create(PLAIN);
    (request.applicant, request.form) = (Some(person("李秀英", CITIZEN2)), Some(struct_of(json!({"subject": "一"}))));
    let draft = world.as_("citizen").create_application(request).await.unwrap().into_inner();
    let submit =
        pb::SubmitApplicationRequest { id: draft.id.clone(), request_id: new_request_id(), ..Default::default() };
    world.as_("citizen2").submit_application(submit).await.unwrap();
    assert_eq!(reason(&world.withdraw(&draft.id).await.unwrap_err()), "APPLICATION_NOT_FOUND");
    let read = pb::GetApplicationRequest { id: draft.id.clone() };
    assert_eq!(reason(&world.as_("citizen").get_application(read).await.unwrap_err()), "APPLICATION_NOT_FOUND");
    assert_eq!(world.read("citizen2", &draft.id).await.phase(), pb::ApplicationPhase::Submitted);
}

pub async fn what_was_received_is_changed_by_whoever_may_hand_it_in_alone(world: World) {
    let draft = for_her(&world).await;
    let granted = mandates(&world, "citizen2").grant_mandate(entrusted()).await.unwrap().into_inner();
    let file = crate::world::metadata(&draft.id, "");
    let file = world.upload_as("citizen", file, vec![crate::world::pdf(300)]).await.unwrap();
    world.submit(&draft.id).await.unwrap();
    let point = pb::CorrectionPoint { field: "/subject".into(), text: "写明事由".into(), ..Default::default() };
    let correct = pb::RequestCorrectionRequest {
        id: draft.id.clone(),
        request_id: new_request_id(),
        points: vec![point],
        ..Default::default()
    };
    world.as_("clerk").request_correction(correct).await.unwrap();
    let revoke = pb::RevokeMandateRequest {
        id: granted.id,
        request_id: new_request_id(),
        reason: "本人自己办".into(),
        ..Default::default()
    };
    mandates(&world, "citizen2").revoke_mandate(revoke).await.unwrap();
    let remove = pb::RemoveAttachmentRequest {
        id: draft.id.clone(),
        request_id: new_request_id(),
        attachment_id: file.id,
        ..Default::default()
    };
    assert_eq!(reason(&world.as_("citizen").remove_attachment(remove).await.unwrap_err()), "MANDATE_MISSING");
    let clear = pb::UpdateApplicationRequest {
        id: draft.id.clone(),
        request_id: new_request_id(),
        form: Some(struct_of(json!({"subject": "二"}))),
        ..Default::default()
    };
    assert_eq!(reason(&world.as_("citizen").update_application(clear).await.unwrap_err()), "MANDATE_MISSING");
    assert_eq!(world.read("citizen2", &draft.id).await.attachments.len(), 1);
}
