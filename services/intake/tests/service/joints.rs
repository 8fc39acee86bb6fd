//! 联办: one submission, several departments.

use serde_json::json;
use yiwang_kit::new_request_id;
use yiwang_ledger::{Audiences, Call, Context, StreamId};
use yiwang_proto::catalogue::v1 as items;
use yiwang_proto::catalogue::v1::theme_service_client::ThemeServiceClient;
use yiwang_proto::intake::v1 as pb;
use yiwang_proto::intake::v1::JointMemberState as State;
use yiwang_proto::intake::v1::delivery_service_client::DeliveryServiceClient;
use yiwang_proto::intake::v1::joint_service_client::JointServiceClient;

use crate::world::{CITIZEN2, FIRE, HYGIENE, World, citizen, fields, pdf, person, reason, struct_of};

pub fn joints(world: &World, account: &str) -> JointServiceClient<yiwang_kit::Link> {
    JointServiceClient::new(world.link(account))
}

pub fn planned(code: &str, item: &str, when: &str, after: &[&str]) -> items::ThemeMember {
    items::ThemeMember {
        code: code.into(),
        item_code: item.into(),
        when: when.into(),
        after: after.iter().map(|code| (*code).to_owned()).collect(),
        ..Default::default()
    }
}

/// An inn: the hygiene permit (for an annex of its own as well), then the fire check and a bank's step.
pub async fn publish(world: &World) {
    let member = planned;
    let bank = items::ThemeMember {
        partner: "工商银行广安分行".into(),
        name: "开立对公账户".into(),
        ..member("bank", "", "", &["hygiene"])
    };
    let members = vec![
        member("hygiene", HYGIENE, "", &[]),
        member("branch", HYGIENE, "answers.annex", &[]),
        member("fire", FIRE, "", &["hygiene"]),
        bank,
    ];
    publish_of(world, members, &["hygiene", "fire", "bank"]).await;
}

/// A theme of these members; `alone` are those of whoever has no annex.
pub async fn publish_of(world: &World, members: Vec<items::ThemeMember>, alone: &[&str]) {
    let question = items::ThemeQuestion {
        code: "annex".into(),
        text: "有分店吗？".into(),
        kind: items::AnswerKind::Boolean.into(),
        ..Default::default()
    };
    let limit = yiwang_proto::clock::v1::TimeLimit {
        days: 10,
        unit: yiwang_proto::clock::v1::TimeUnit::WorkingDay.into(),
        basis: "实施机关承诺（示例）".into(),
        ..Default::default()
    };
    let theme = items::Theme {
        theme_code: "inn".into(),
        name: "开旅馆一件事".into(),
        kind: items::ThemeKind::OneMatter.into(),
        region_code: "511602".into(),
        lead: "区行政审批局".into(),
        lead_code: "115113016823646795".into(),
        basis: "国发〔2024〕3号".into(),
        promised_limit: Some(limit),
        questions: vec![question],
        members,
        hand_out: items::HandOut::Together.into(),
        examples: vec![items::ThemeExample {
            answers: json!({"annex": false}).to_string(),
            members: alone.iter().map(|code| (*code).to_owned()).collect(),
        }],
        ..Default::default()
    };
    let ask = items::PublishThemeRequest { request_id: new_request_id(), theme: Some(theme), ..Default::default() };
    ThemeServiceClient::new(world.link("admin")).publish_theme(ask).await.unwrap();
}

pub fn begun(annex: bool) -> pb::CreateJointApplicationRequest {
    pb::CreateJointApplicationRequest {
        request_id: new_request_id(),
        theme_code: "inn".into(),
        answers: Some(struct_of(json!({"annex": annex}))),
        applicant: Some(citizen()),
        ..Default::default()
    }
}

pub fn one_form() -> pbjson_types::Struct {
    struct_of(json!({
        "premises_name": "春来客栈", "premises_address": "广安区滨江路88号", "business_kind": "住宿", "staff_count": 6,
        "area_square_metres": 320, "premises_kind": "宾馆饭店", "floors": "1至3层", "fire_area_square_metres": 320
    }))
}

/// Why somebody may not begin the citizen's joint application; empty where they may.
pub async fn refused(world: &World, account: &str) -> String {
    publish(world).await;
    let begun = joints(world, account).create_joint_application(begun(false)).await;
    begun.err().map(|status| reason(&status)).unwrap_or_default()
}

pub async fn draft(world: &World, annex: bool) -> pb::JointApplication {
    publish(world).await;
    let create = pb::CreateJointApplicationRequest { form: Some(one_form()), ..begun(annex) };
    joints(world, "citizen").create_joint_application(create).await.unwrap().into_inner()
}

pub fn member<'a>(joint: &'a pb::JointApplication, code: &str) -> &'a pb::JointMember {
    joint.members.iter().find(|member| member.member_code == code).unwrap()
}

pub fn states(joint: &pb::JointApplication) -> Vec<(&str, State)> {
    joint.members.iter().map(|member| (member.member_code.as_str(), member.state())).collect()
}

pub async fn submit(world: &World, id: &str) -> Result<pb::JointApplication, tonic::Status> {
    let ask = pb::SubmitJointApplicationRequest { id: id.into(), request_id: new_request_id(), ..Default::default() };
    joints(world, "citizen").submit_joint_application(ask).await.map(tonic::Response::into_inner)
}

pub async fn get(world: &World, account: &str, id: &str) -> Result<pb::JointApplication, tonic::Status> {
    let ask = pb::GetJointApplicationRequest { id: id.into() };
    joints(world, account).get_joint_application(ask).await.map(tonic::Response::into_inner)
}

pub async fn until(world: &World, id: &str, code: &str, state: State) -> pb::JointApplication {
    let probe = async || {
        let now = get(world, "citizen", id).await.unwrap();
        (member(&now, code).state() == state).then_some(now)
    };
    world.until(probe).await
}

/// Uploads what the hygiene permit needs, accepts it, and lets approval tell that it was granted.
pub async fn grant(world: &World, joint: &pb::JointApplication, code: &str, materials: &[&str], number: &str) {
    let id = &member(joint, code).application_id;
    for material in materials {
        world.upload(id, material, pdf(200)).await.unwrap();
    }
    let accept = pb::AcceptApplicationRequest { id: id.clone(), request_id: new_request_id(), ..Default::default() };
    world.as_("clerk").accept_application(accept).await.unwrap();
    told(world, id, true, number).await;
}

pub async fn told(world: &World, id: &str, granted: bool, number: &str) {
    let result = pb::IssuedResult { name: "许可证".into(), number: number.into(), ..Default::default() };
    let conclusion = pb::Conclusion {
        granted,
        decided_date: "2026-03-02".into(),
        case_id: id.into(),
        result: (granted && !number.is_empty()).then_some(result),
        ..Default::default()
    };
    let ask = pb::RecordConclusionRequest {
        request_id: new_request_id(),
        application_id: id.into(),
        conclusion: Some(conclusion),
        actor: None,
    };
    world.by_service("approval").record_conclusion(ask).await.unwrap();
}

pub const HYGIENE_PAPERS: [&str; 3] = ["floor_plan", "test_report", "hygiene_system"];

pub async fn one_submission_runs_in_every_department_by_its_order(world: World) {
    let joint = draft(&world, false).await;
    assert_eq!(states(&joint), [("hygiene", State::Waiting), ("fire", State::Waiting), ("bank", State::Waiting)]);
    let part = world.read("citizen", &member(&joint, "hygiene").application_id).await;
    assert_eq!((part.phase(), part.joint_id == joint.id), (pb::ApplicationPhase::Draft, true));
    assert_eq!(reason(&world.submit(&part.id).await.unwrap_err()), "PART_OF_JOINT");
    assert_eq!(reason(&world.withdraw(&part.id).await.unwrap_err()), "PART_OF_JOINT");

    let running = submit(&world, &joint.id).await.unwrap();
    assert_eq!(states(&running), [("hygiene", State::Running), ("fire", State::Waiting), ("bank", State::Waiting)]);
    assert_eq!((running.phase(), running.promised_due.unwrap().date.as_str()), (pb::JointPhase::Running, "2026-03-16"));
    let part = world.read("clerk", &part.id).await;
    assert_eq!(part.phase(), pb::ApplicationPhase::Submitted);
    assert_eq!(part.form.unwrap().fields.len(), 5, "its own part of the one form");

    grant(&world, &joint, "hygiene", &HYGIENE_PAPERS, "卫公证字2026第1号").await;
    let released = until(&world, &joint.id, "fire", State::Running).await;
    assert_eq!(member(&released, "bank").state(), State::Released);
    assert!(released.ready_members.is_empty(), "handed out together");
    let record = |done: bool, who: &'static str| {
        let ask = pb::RecordPartnerStepRequest {
            id: joint.id.clone(),
            member_code: "bank".into(),
            request_id: new_request_id(),
            done,
            number: "6222".into(),
            ..Default::default()
        };
        let world = &world;
        async move { joints(world, who).record_partner_step(ask).await }
    };
    assert_eq!(reason(&record(true, "citizen").await.unwrap_err()), "ACTION_NOT_PERMITTED");
    assert_eq!(reason(&record(false, "clerk").await.unwrap_err()), "REMARK_MISSING");
    record(true, "clerk").await.unwrap();
    assert_eq!(reason(&record(true, "clerk").await.unwrap_err()), "STEP_NOT_OPEN");

    grant(&world, &joint, "fire", &["fire_system", "layout"], "消字2026第1号").await;
    let ended = until(&world, &joint.id, "fire", State::Granted).await;
    assert_eq!((ended.phase(), ended.ready_members.len()), (pb::JointPhase::Ended, 3));
    // 一次出件: one delivery with what both departments decided
    let deliveries = async || {
        let ask = pb::ListDeliveriesRequest::default();
        let mut client = DeliveryServiceClient::new(world.link("citizen"));
        let all = client.list_deliveries(ask).await.unwrap().into_inner().deliveries;
        // the second is added once it is decided
        all.first().is_some_and(|delivery| delivery.results.len() > 1).then_some(all)
    };
    let all = world.until(deliveries).await;
    let names: Vec<_> = all[0].results.iter().map(|result| result.number.as_str()).collect();
    assert_eq!((all.len(), names), (1, vec!["卫公证字2026第1号", "消字2026第1号"]));
}

pub async fn what_is_wrong_is_said_at_once_by_the_names_of_the_one_form(world: World) {
    publish(&world).await;
    let mut client = joints(&world, "citizen");
    let open = pb::CreateJointApplicationRequest { answers: None, ..begun(false) };
    assert_eq!(reason(&client.create_joint_application(open).await.unwrap_err()), "ANSWERS_OPEN");
    let stranger = pb::CreateJointApplicationRequest { applicant: Some(person("赵六", CITIZEN2)), ..begun(false) };
    assert_eq!(reason(&client.create_joint_application(stranger).await.unwrap_err()), "NOT_THE_APPLICANT");
    let nobody = pb::CreateJointApplicationRequest { applicant: None, ..begun(false) };
    assert_eq!(reason(&client.create_joint_application(nobody).await.unwrap_err()), "APPLICANT_MISSING");

    let joint = client.create_joint_application(begun(false)).await.unwrap().into_inner();
    let save = pb::SaveJointFormRequest {
        id: joint.id.clone(),
        request_id: new_request_id(),
        etag: joint.etag.clone(),
        form: Some(struct_of(json!({"premises_name": "春", "colour": "红", "fire_area_square_metres": -1}))),
    };
    client.save_joint_form(save.clone()).await.unwrap();
    let stale = pb::SaveJointFormRequest { request_id: new_request_id(), ..save };
    assert_eq!(reason(&client.save_joint_form(stale).await.unwrap_err()), "ETAG_MISMATCH");
    let refused = submit(&world, &joint.id).await.unwrap_err();
    assert_eq!(reason(&refused), "JOINT_NOT_READY");
    let found = fields(&refused);
    let has = |field: &str, reason: &str| found.iter().any(|(f, r)| f == field && r == reason);
    assert!(has("form.colour", "FIELD_UNKNOWN") && has("form.premises_name", "FIELD_TOO_SHORT"), "{found:?}");
    assert!(
        has("form.fire_area_square_metres", "FIELD_TOO_SMALL") && has("form.floors", "FIELD_REQUIRED"),
        "{found:?}"
    );
    assert_eq!(found.iter().filter(|(field, _)| field == "form.premises_name").count(), 1, "said once: {found:?}");
}

pub async fn what_depends_on_a_refusal_is_not_pursued_and_the_others_go_on(world: World) {
    let joint = draft(&world, true).await;
    submit(&world, &joint.id).await.unwrap();
    let refuse = pb::RefuseApplicationRequest {
        id: member(&joint, "hygiene").application_id.clone(),
        request_id: new_request_id(),
        ground: pb::RefusalGround::NoPermissionNeeded.into(),
        reason: "该场所不属于应当取得许可的公共场所".into(),
        ..Default::default()
    };
    world.as_("clerk").refuse_application(refuse).await.unwrap();
    let ended = until(&world, &joint.id, "hygiene", State::Refused).await;
    assert_eq!(member(&ended, "branch").state(), State::Running);
    for code in ["fire", "bank"] {
        let lost = member(&ended, code);
        assert_eq!((lost.state(), lost.cause.as_str()), (State::Cancelled, "hygiene"));
        assert!(lost.cause_text.contains("公共场所卫生许可"), "{}", lost.cause_text);
    }
    // nothing of what is not pursued stays
    let gone = async || {
        let part = world.read("citizen", &member(&ended, "fire").application_id).await;
        (part.phase() == pb::ApplicationPhase::Withdrawn).then_some(())
    };
    world.until(gone).await;
    grant(&world, &joint, "branch", &HYGIENE_PAPERS, "卫公证字2026第2号").await;
    let ended = until(&world, &joint.id, "branch", State::Granted).await;
    assert_eq!((ended.phase(), ended.ready_members), (pb::JointPhase::Ended, vec!["branch".to_owned()]));
}

pub async fn a_paper_that_two_ask_for_is_handed_in_once(world: World) {
    let joint = draft(&world, true).await;
    let (first, second) = (&member(&joint, "hygiene").application_id, &member(&joint, "branch").application_id);
    world.upload(first, "floor_plan", pdf(300_000)).await.unwrap();
    world.upload(second, "hygiene_system", pdf(500)).await.unwrap();
    submit(&world, &joint.id).await.unwrap();
    for id in [first, second] {
        let part = world.read("clerk", id).await;
        let mut materials: Vec<_> = part.attachments.iter().map(|file| file.material_code.as_str()).collect();
        materials.sort_unstable();
        assert_eq!(materials, ["floor_plan", "hygiene_system"]);
        let plan = part.attachments.iter().find(|file| file.material_code == "floor_plan").unwrap();
        assert_eq!(world.download("clerk", id, &plan.id).await.unwrap().1, pdf(300_000));
    }
}

pub async fn a_member_that_cannot_be_handed_in_goes_on_when_mended(world: World) {
    let joint = draft(&world, false).await;
    submit(&world, &joint.id).await.unwrap();
    let suspend = items::SuspendItemRequest {
        item_code: FIRE.into(),
        request_id: new_request_id(),
        reason: "系统升级".into(),
        ..Default::default()
    };
    let admin = || world.catalogue_as("admin");
    admin().suspend_item(suspend).await.unwrap();
    grant(&world, &joint, "hygiene", &HYGIENE_PAPERS, "卫公证字2026第1号").await;
    let stuck = until(&world, &joint.id, "fire", State::Stuck).await;
    assert_eq!(member(&stuck, "fire").cause, "ITEM_ON_HOLD");
    let resume = |code: &str| pb::ResumeJointMemberRequest {
        id: joint.id.clone(),
        member_code: code.into(),
        request_id: new_request_id(),
        ..Default::default()
    };
    let mut client = joints(&world, "citizen");
    let still = client.resume_joint_member(resume("fire")).await.unwrap().into_inner();
    assert_eq!(member(&still, "fire").state(), State::Stuck);
    let again = items::ResumeItemRequest { item_code: FIRE.into(), request_id: new_request_id(), ..Default::default() };
    admin().resume_item(again).await.unwrap();
    let on = client.resume_joint_member(resume("fire")).await.unwrap().into_inner();
    assert_eq!(member(&on, "fire").state(), State::Running);
    assert_eq!(reason(&client.resume_joint_member(resume("fire")).await.unwrap_err()), "MEMBER_NOT_STUCK");
    assert_eq!(reason(&client.resume_joint_member(resume("none")).await.unwrap_err()), "MEMBER_NOT_FOUND");
}

pub fn take_back(id: &str, code: &str) -> pb::WithdrawJointApplicationRequest {
    pb::WithdrawJointApplicationRequest {
        id: id.into(),
        request_id: new_request_id(),
        member_code: code.into(),
        reason: "不办了".into(),
        ..Default::default()
    }
}

pub async fn all_of_it_is_taken_back_and_one_of_it(world: World) {
    let mut client = joints(&world, "citizen");
    let given_up = draft(&world, false).await;
    client.withdraw_joint_application(take_back(&given_up.id, "")).await.unwrap();
    let part = world.read("citizen", &member(&given_up, "fire").application_id).await;
    assert_eq!(part.phase(), pb::ApplicationPhase::Withdrawn);

    let joint =
        client.create_joint_application(pb::CreateJointApplicationRequest { form: Some(one_form()), ..begun(true) });
    let joint = joint.await.unwrap().into_inner();
    submit(&world, &joint.id).await.unwrap();
    let running = client.withdraw_joint_application(take_back(&joint.id, "hygiene")).await.unwrap_err();
    assert_eq!(reason(&running), "MEMBER_RUNNING");
    let one = client.withdraw_joint_application(take_back(&joint.id, "bank")).await.unwrap().into_inner();
    assert_eq!((member(&one, "bank").state(), member(&one, "fire").state()), (State::Withdrawn, State::Waiting));
    client.withdraw_joint_application(take_back(&joint.id, "")).await.unwrap();
    let ended = until(&world, &joint.id, "branch", State::Withdrawn).await;
    assert!(states(&ended).iter().all(|(_, state)| *state == State::Withdrawn), "{:?}", states(&ended));
    assert_eq!(reason(&client.withdraw_joint_application(take_back(&joint.id, "")).await.unwrap_err()), "WRONG_PHASE");
}

pub async fn each_sees_of_it_what_is_theirs(world: World) {
    let joint = draft(&world, false).await;
    for stranger in ["citizen2", "clerk", "reviewer"] {
        let refusal = get(&world, stranger, &joint.id).await.unwrap_err();
        assert_eq!(reason(&refusal), "JOINT_APPLICATION_NOT_FOUND", "{stranger}");
    }
    submit(&world, &joint.id).await.unwrap();
    let full = get(&world, "clerk", &joint.id).await.unwrap();
    assert!(full.form.is_some() && full.answers.is_some());
    let masked = get(&world, "fire_reviewer", &joint.id).await.unwrap();
    assert!(masked.form.is_none() && masked.answers.is_none());
    assert!(masked.applicant.unwrap().document_number.contains('*'));
    let list = joints(&world, "citizen").list_joint_applications(pb::ListJointApplicationsRequest::default()).await;
    let list = list.unwrap().into_inner().joint_applications;
    assert_eq!(
        (list.len(), list[0].form.is_none(), list[0].applicant.as_ref().unwrap().document_number.contains('*')),
        (1, true, true)
    );
    let none = joints(&world, "citizen2").list_joint_applications(pb::ListJointApplicationsRequest::default()).await;
    assert!(none.unwrap().into_inner().joint_applications.is_empty());
}

pub async fn a_repeated_request_and_a_crash_make_nothing_twice(world: World) {
    use yiwang_intake::joint::{Event, Joint};
    publish(&world).await;
    let create = pb::CreateJointApplicationRequest { form: Some(one_form()), ..begun(false) };
    let mut client = joints(&world, "citizen");
    let first = client.create_joint_application(create.clone()).await.unwrap().into_inner();
    let again = client.create_joint_application(create).await.unwrap().into_inner();
    assert_eq!(first.id, again.id);
    // the first step alone, as if the handler had died after it
    let id = StreamId::parse("id", &first.id).unwrap();
    let read = world.ledger().get::<Joint>(id, &Audiences::all()).await.unwrap().unwrap();
    let state = read.state.clone();
    let rule = move |_: &Joint, _: &Context| {
        Ok(vec![Event::JointDrafted {
            theme: Box::new(state.theme.clone()),
            whose: Box::new(state.whose.clone().unwrap()),
            answers: state.answers.clone().unwrap(),
            form: state.form.clone(),
            members: state.members.clone(),
        }])
    };
    let second = yiwang_kit::new_stream_id();
    world.ledger().execute::<Joint>(second, Call::system(new_request_id(), ""), rule).await.unwrap();
    let left = get(&world, "citizen", &second.to_string()).await.unwrap();
    let probe = async || {
        let ask = pb::GetApplicationRequest { id: member(&left, "fire").application_id.clone() };
        world.as_("citizen").get_application(ask).await.ok()
    };
    world.until(probe).await;
    let submitted = submit(&world, &second.to_string()).await.unwrap();
    assert_eq!(member(&submitted, "hygiene").state(), State::Running);
    let all = world.as_("citizen").list_applications(pb::ListApplicationsRequest::default()).await.unwrap();
    assert_eq!(all.into_inner().applications.len(), 4, "two parts of each");
}

pub async fn an_agent_hands_in_with_a_mandate_alone(world: World) {
    publish(&world).await;
    let create = pb::CreateJointApplicationRequest {
        form: Some(one_form()),
        applicant: Some(person("赵六", CITIZEN2)),
        agent: Some(citizen()),
        ..begun(false)
    };
    let joint = joints(&world, "citizen").create_joint_application(create).await.unwrap().into_inner();
    assert_eq!(reason(&submit(&world, &joint.id).await.unwrap_err()), "MANDATE_MISSING");
}

pub async fn what_takes_too_long_is_marked(world: World) {
    let joint = draft(&world, false).await;
    submit(&world, &joint.id).await.unwrap();
    world.day(2026, 3, 18);
    let probe = async || {
        let now = get(&world, "citizen", &joint.id).await.unwrap();
        now.late.then_some(now)
    };
    world.until(probe).await;
}
