//! 综合窗口: one call each for what a clerk's screen needs, and who comes to the counter.

use serde_json::json;
use yiwang_kit::new_request_id;
use yiwang_proto::catalogue::v1::Channel;
use yiwang_proto::document::v1::DocumentSize;
use yiwang_proto::intake::v1 as pb;
use yiwang_proto::intake::v1::counter_service_client::CounterServiceClient;
use yiwang_proto::intake::v1::document_service_client::DocumentServiceClient;
use yiwang_proto::intake::v1::mandate_service_client::MandateServiceClient;
use yiwang_proto::party::v1::{DocumentKind, Party};

use crate::world::{CITIZEN2, PLAIN, World, citizen, create, person, reason, struct_of};

fn counter(world: &World, account: &str) -> CounterServiceClient<yiwang_kit::Link> {
    CounterServiceClient::new(world.link(account))
}

fn print(id: &str, size: DocumentSize) -> pb::AcceptAndPrintRequest {
    pb::AcceptAndPrintRequest {
        id: id.into(),
        request_id: format!("print-{id}"),
        size: size.into(),
        ..Default::default()
    }
}

pub async fn one_call_shows_the_screen_and_one_accepts_and_prints(world: World) {
    let submitted = world.submitted().await;
    let ask = || pb::GetCounterScreenRequest { application_id: submitted.id.clone() };
    let screen = counter(&world, "clerk").get_counter_screen(ask()).await.unwrap().into_inner();
    assert_eq!(screen.application.unwrap().id, submitted.id);
    assert!(!screen.checklist.unwrap().materials.is_empty());
    assert_eq!(screen.documents.len(), 1, "the receipt");
    let stranger = counter(&world, "citizen2").get_counter_screen(ask()).await.unwrap_err();
    assert_eq!(reason(&stranger), "APPLICATION_NOT_FOUND");

    let refused = counter(&world, "citizen").accept_and_print(print(&submitted.id, DocumentSize::Ordinary)).await;
    assert_eq!(reason(&refused.unwrap_err()), "ACTION_NOT_PERMITTED");
    let done = counter(&world, "clerk").accept_and_print(print(&submitted.id, DocumentSize::Ordinary)).await;
    let done = done.unwrap().into_inner();
    let notice = done.notice.unwrap();
    assert!(notice.pdf.starts_with(b"%PDF") && notice.document.unwrap().title.contains("受理"));
    assert_eq!(done.application.unwrap().phase(), pb::ApplicationPhase::Accepted);
    // printed again, in large type: the same acceptance, another drawing of the same notice
    let before = world.ledger().head().await.unwrap().position;
    let again = counter(&world, "clerk").accept_and_print(print(&submitted.id, DocumentSize::Ordinary)).await;
    assert_eq!(again.unwrap().into_inner().notice.unwrap().file_sm3, notice.file_sm3);
    assert_eq!(world.readers(before).await, ["staff:clerk"], "what is printed is read");
    let large = pb::AcceptAndPrintRequest { request_id: new_request_id(), ..print(&submitted.id, DocumentSize::Large) };
    let refused = counter(&world, "clerk").accept_and_print(large).await.unwrap_err();
    assert_eq!(reason(&refused), "WRONG_PHASE", "it is accepted once");
}

pub async fn what_may_follow_is_told_on_the_spot(world: World) {
    let draft = crate::deferrals::lacking(&world).await;
    world.submit(&draft.id).await.unwrap();
    let ask = |size| pb::AcceptAndPrintRequest { deferral_signed: true, ..print(&draft.id, size) };
    let done = counter(&world, "clerk").accept_and_print(ask(DocumentSize::Large)).await.unwrap().into_inner();
    let (notice, follows) = (done.notice.unwrap(), done.deferral_notice.unwrap());
    assert!(follows.pdf.starts_with(b"%PDF") && follows.document.unwrap().title.contains("容缺"));
    // in large type it is another drawing of the same notice
    let number = notice.document.unwrap().number;
    let ordinary = pb::GetDocumentRequest { application_id: draft.id, number, ..Default::default() };
    let ordinary = DocumentServiceClient::new(world.link("clerk")).get_document(ordinary).await.unwrap().into_inner();
    assert_ne!(ordinary.file_sm3, notice.file_sm3);
}

pub async fn a_family_member_acts_with_consent(world: World) {
    let grant = pb::GrantMandateRequest {
        request_id: new_request_id(),
        principal: Some(person("李秀英", CITIZEN2)),
        agent: Some(citizen()),
        kind: pb::MandateKind::Family.into(),
        items: vec![PLAIN.into()],
        acts: vec![pb::MandateAct::Apply.into()],
        until_date: "2026-03-31".into(),
        evidence: "本人同意书、户口簿".into(),
        ..Default::default()
    };
    let mut request = create(PLAIN);
    (request.applicant, request.agent) = (Some(person("李秀英", CITIZEN2)), Some(citizen()));
    request.form = Some(struct_of(json!({"subject": "补办"})));
    let draft = world.as_("clerk").create_application(request).await.unwrap().into_inner();
    let submit =
        || pb::SubmitApplicationRequest { id: draft.id.clone(), request_id: new_request_id(), ..Default::default() };
    assert_eq!(reason(&world.as_("clerk").submit_application(submit()).await.unwrap_err()), "MANDATE_MISSING");
    let granted = MandateServiceClient::new(world.link("clerk")).grant_mandate(grant).await.unwrap().into_inner();
    let handed = world.as_("clerk").submit_application(submit()).await.unwrap().into_inner();
    assert_eq!((handed.authority(), handed.mandate_id), (pb::HandingAuthority::Window, granted.id));
}

pub async fn who_has_another_lawful_document_applies_like_everybody(world: World) {
    for (kind, number) in [
        (DocumentKind::Passport, "E12345678"),
        (DocumentKind::HkMacaoTravelPermit, "H12345678"),
        (DocumentKind::TaiwanTravelPermit, "12345678"),
    ] {
        let mut request = create(PLAIN);
        request.applicant = Some(Party {
            name: "JOHN SMITH".into(),
            document_kind: kind.into(),
            document_number: number.into(),
            phone: "13900139000".into(),
            ..Default::default()
        });
        request.form = Some(struct_of(json!({"subject": "补办"})));
        let draft = world.as_("clerk").create_application(request).await.unwrap().into_inner();
        let submit =
            pb::SubmitApplicationRequest { id: draft.id.clone(), request_id: new_request_id(), ..Default::default() };
        let handed = world.as_("clerk").submit_application(submit).await.unwrap().into_inner();
        assert_eq!(handed.phase(), pb::ApplicationPhase::Submitted, "{kind:?}");
    }
}

pub async fn by_telephone_and_then_at_the_window(world: World) {
    let mut request = create(PLAIN);
    request.channel = Channel::Phone.into();
    request.applicant = Some(person("李秀英", CITIZEN2));
    request.form = Some(struct_of(json!({"subject": "补办"})));
    let draft = world.as_("clerk").create_application(request).await.unwrap().into_inner();
    let submit =
        || pb::SubmitApplicationRequest { id: draft.id.clone(), request_id: new_request_id(), ..Default::default() };
    // nobody hands in for a voice
    assert_eq!(reason(&world.as_("clerk").submit_application(submit()).await.unwrap_err()), "APPLICANT_NOT_PRESENT");
    let take = pb::TakeUpDraftRequest {
        id: draft.id.clone(),
        request_id: new_request_id(),
        channel: Channel::Window.into(),
        ..Default::default()
    };
    world.as_("clerk").take_up_draft(take).await.unwrap();
    let handed = world.as_("clerk").submit_application(submit()).await.unwrap().into_inner();
    assert_eq!((handed.channel(), handed.authority()), (Channel::Window, pb::HandingAuthority::Window));
    let steps: Vec<_> = handed.steps.iter().map(|step| step.kind.as_str()).collect();
    assert_eq!(steps, ["Drafted", "TakenUp", "Submitted"]);
}

pub async fn a_draft_outlives_whatever_is_cut_off(world: World) {
    let mut request = create(PLAIN);
    (request.applicant, request.request_id) = (Some(citizen()), "begun".into());
    let draft = world.as_("citizen").create_application(request.clone()).await.unwrap().into_inner();
    let save = pb::SaveFieldsRequest {
        id: draft.id.clone(),
        request_id: "saved".into(),
        fields: struct_of(json!({"subject": "补办护照"})).fields,
        ..Default::default()
    };
    // the answer is lost: the caller waits no longer
    let mut late = tonic::Request::new(save.clone());
    late.set_timeout(std::time::Duration::from_micros(1));
    let _ = world.as_("citizen").save_fields(late).await;
    // said again, whatever became of the first time, it is there once; so is the draft
    world.as_("citizen").save_fields(save).await.unwrap();
    assert_eq!(world.as_("citizen").create_application(request).await.unwrap().into_inner().id, draft.id);
    let world = world.restart().await;
    world.day(2026, 9, 1);
    let read = world.read("citizen", &draft.id).await;
    assert_eq!(read.phase(), pb::ApplicationPhase::Draft);
    assert!(serde_json::to_string(&read.form.unwrap()).unwrap().contains("补办护照"));
}
