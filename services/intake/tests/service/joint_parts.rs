//! 联办: who may, what a member yields, and what becomes of its part.

use serde_json::json;
use yiwang_intake::application::{Application, ApplicationEvent, Attachment};
use yiwang_kit::new_request_id;
use yiwang_ledger::{Audiences, Call, Context, StreamId};
use yiwang_proto::catalogue::v1 as items;
use yiwang_proto::intake::v1 as pb;
use yiwang_proto::intake::v1::JointMemberState as State;
use yiwang_proto::intake::v1::double_entry_service_client::DoubleEntryServiceClient;
use yiwang_proto::intake::v1::mandate_service_client::MandateServiceClient;
use yiwang_proto::intake::v1::notification_service_client::NotificationServiceClient;

use crate::joints::{
    HYGIENE_PAPERS, begun, draft, get, grant, joints, member, one_form, planned, publish, publish_of, submit,
    take_back, told, until,
};
use crate::world::{CITIZEN2, FIRE, HYGIENE, PLAIN, World, citizen, fields, pdf, person, reason, struct_of};

async fn files(world: &World, id: &str, material: &str) -> Vec<pb::Attachment> {
    let part = world.read("citizen", id).await;
    part.attachments.into_iter().filter(|file| file.material_code == material).collect()
}

/// As a run that was cut off between two files of one paper leaves it.
async fn copied(world: &World, from: &str, to: &str, file: &str) {
    let (from, to) = (StreamId::parse("id", from).unwrap(), StreamId::parse("id", to).unwrap());
    let read = world.ledger().get::<Application>(from, &Audiences::all()).await.unwrap().unwrap();
    let id = StreamId::named("attachment", &format!("{to}/{file}")).to_string();
    let copy = Attachment { id, ..read.state.attachment(file).unwrap().clone() };
    let rule = move |_: &Application, _: &Context| {
        let by = yiwang_intake::application::Actor::system();
        Ok(vec![ApplicationEvent::AttachmentAdded { attachment: Box::new(copy.clone()), by }])
    };
    world.ledger().execute::<Application>(to, Call::system(new_request_id(), ""), rule).await.unwrap();
}

pub async fn a_paper_of_two_files_serves_whole(world: World) {
    let joint = draft(&world, true).await;
    let (first, second) = (&member(&joint, "hygiene").application_id, &member(&joint, "branch").application_id);
    let one = world.upload(first, "floor_plan", pdf(400)).await.unwrap();
    world.upload(first, "floor_plan", pdf(500)).await.unwrap();
    world.upload(second, "hygiene_system", pdf(600)).await.unwrap();
    copied(&world, first, second, &one.id).await;
    let running = submit(&world, &joint.id).await.unwrap();
    assert_eq!(member(&running, "branch").state(), State::Running);
    assert_eq!(files(&world, second, "floor_plan").await.len(), 2);
    // what was uploaded to a part itself is not added to
    assert_eq!(files(&world, first, "hygiene_system").await.len(), 1);
    let last = files(&world, second, "floor_plan").await.pop().unwrap();
    assert_eq!(world.download("citizen", second, &last.id).await.unwrap().1, pdf(500));
}

pub async fn one_that_cannot_be_handed_in_holds_up_no_other(world: World) {
    let papers = ["hygiene", "branch", "fire"];
    publish_of(
        &world,
        vec![planned("hygiene", HYGIENE, "", &[]), planned("branch", HYGIENE, "", &[]), planned("fire", FIRE, "", &[])],
        &papers,
    )
    .await;
    let create = pb::CreateJointApplicationRequest { form: Some(one_form()), ..begun(false) };
    let joint = joints(&world, "citizen").create_joint_application(create).await.unwrap().into_inner();
    let branch = &member(&joint, "branch").application_id;
    world.upload(branch, "floor_plan", pdf(300_000)).await.unwrap();
    let path = world.attachment_files().pop().unwrap();
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[1_000] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let running = submit(&world, &joint.id).await.unwrap();
    assert_eq!(
        (member(&running, "branch").state(), member(&running, "fire").state()),
        (State::Running, State::Running)
    );
    let stuck = member(&running, "hygiene");
    assert_eq!((stuck.state(), stuck.cause.as_str()), (State::Stuck, "ATTACHMENT_DAMAGED"));
    // mended by a paper of its own
    world.upload(&stuck.application_id, "floor_plan", pdf(400)).await.unwrap();
    let on = joints(&world, "citizen").resume_joint_member(resume(&joint.id, "hygiene")).await.unwrap().into_inner();
    assert_eq!(member(&on, "hygiene").state(), State::Running);
}

fn resume(id: &str, code: &str) -> pb::ResumeJointMemberRequest {
    pb::ResumeJointMemberRequest {
        id: id.into(),
        member_code: code.into(),
        request_id: new_request_id(),
        ..Default::default()
    }
}

/// 李秀英 applies herself, and has named 张建国 as her agent.
fn with_agent() -> pb::CreateJointApplicationRequest {
    pb::CreateJointApplicationRequest {
        form: Some(one_form()),
        applicant: Some(person("李秀英", CITIZEN2)),
        agent: Some(citizen()),
        ..begun(false)
    }
}

async fn entrust(world: &World, acts: &[pb::MandateAct]) {
    let grant = pb::GrantMandateRequest {
        request_id: new_request_id(),
        principal: Some(person("李秀英", CITIZEN2)),
        agent: Some(citizen()),
        kind: pb::MandateKind::Entrusted.into(),
        acts: acts.iter().map(|act| (*act).into()).collect(),
        until_date: "2026-03-31".into(),
        ..Default::default()
    };
    MandateServiceClient::new(world.link("citizen2")).grant_mandate(grant).await.unwrap();
}

async fn submit_as(world: &World, account: &str, id: &str) -> Result<pb::JointApplication, tonic::Status> {
    let ask = pb::SubmitJointApplicationRequest { id: id.into(), request_id: new_request_id(), ..Default::default() };
    joints(world, account).submit_joint_application(ask).await.map(tonic::Response::into_inner)
}

pub async fn an_agent_takes_back_with_a_mandate_alone_and_stands_in_the_record(world: World) {
    publish(&world).await;
    let joint = joints(&world, "citizen2").create_joint_application(with_agent()).await.unwrap().into_inner();
    submit_as(&world, "citizen2", &joint.id).await.unwrap();
    for code in ["", "fire"] {
        let refused =
            joints(&world, "citizen").withdraw_joint_application(take_back(&joint.id, code)).await.unwrap_err();
        assert_eq!(reason(&refused), "MANDATE_MISSING", "{code}");
    }
    // to apply is not to take back
    entrust(&world, &[pb::MandateAct::Apply]).await;
    let refused = joints(&world, "citizen").withdraw_joint_application(take_back(&joint.id, "")).await.unwrap_err();
    assert_eq!(reason(&refused), "MANDATE_MISSING");
    entrust(&world, &[pb::MandateAct::Withdraw]).await;
    joints(&world, "citizen").withdraw_joint_application(take_back(&joint.id, "")).await.unwrap();
    let part = world.read("citizen2", &member(&joint, "hygiene").application_id).await;
    assert_eq!(part.phase(), pb::ApplicationPhase::Withdrawn);
    assert_eq!(part.steps.last().unwrap().actor.as_ref().unwrap().id, "person:citizen");
}

pub async fn partners_steps_alone_are_handed_in_by_whoever_may(world: World) {
    let step = |code: &str, after: &[&str]| items::ThemeMember {
        partner: "水电气网经营单位".into(),
        name: "过户".into(),
        ..planned(code, "", "", after)
    };
    publish_of(&world, vec![step("water", &[]), step("gas", &["water"])], &["water", "gas"]).await;
    let create = || pb::CreateJointApplicationRequest { form: None, ..with_agent() };
    let joint = joints(&world, "citizen").create_joint_application(create()).await.unwrap().into_inner();
    assert_eq!(reason(&submit_as(&world, "citizen", &joint.id).await.unwrap_err()), "MANDATE_MISSING");
    entrust(&world, &[pb::MandateAct::Apply]).await;
    let running = submit_as(&world, "citizen", &joint.id).await.unwrap();
    assert_eq!(member(&running, "water").state(), State::Released);
}

/// The bank yields the number that the fire check's form wants.
async fn yielding(world: &World) -> pb::JointApplication {
    let bank = items::ThemeMember { partner: "银行".into(), name: "开户".into(), ..planned("bank", "", "", &[]) };
    let input = items::ThemeInput { from_member: "bank".into(), field: "floors".into(), ..Default::default() };
    let fire = items::ThemeMember { inputs: vec![input], ..planned("fire", FIRE, "", &[]) };
    publish_of(world, vec![bank, fire], &["bank", "fire"]).await;
    let form = struct_of(json!({
        "premises_name": "春来客栈", "premises_address": "广安区滨江路88号", "premises_kind": "宾馆饭店",
        "area_square_metres": 320
    }));
    let create = pb::CreateJointApplicationRequest { form: Some(form), ..begun(false) };
    joints(world, "citizen").create_joint_application(create).await.unwrap().into_inner()
}

fn recorded(id: &str, number: &str) -> pb::RecordPartnerStepRequest {
    pb::RecordPartnerStepRequest {
        id: id.into(),
        member_code: "bank".into(),
        request_id: new_request_id(),
        done: true,
        number: number.into(),
        ..Default::default()
    }
}

pub async fn what_another_yields_hides_nothing_that_is_wrong(world: World) {
    let joint = yielding(&world).await;
    let ask = pb::SubmitJointApplicationRequest {
        id: joint.id.clone(),
        request_id: new_request_id(),
        deferral_members: vec!["fire".into()],
        ..Default::default()
    };
    let refused = joints(&world, "citizen").submit_joint_application(ask).await.unwrap_err();
    assert_eq!(fields(&refused), [("members.fire.sign_deferral".to_owned(), "DEFERRAL_NOT_OFFERED".to_owned())]);
}

pub async fn what_is_yielded_is_needed_and_may_be_mended(world: World) {
    let joint = yielding(&world).await;
    submit(&world, &joint.id).await.unwrap();
    let mut clerk = joints(&world, "clerk");
    let empty = clerk.record_partner_step(recorded(&joint.id, "")).await.unwrap_err();
    assert_eq!(reason(&empty), "NUMBER_MISSING");
    // longer than the field may be
    clerk.record_partner_step(recorded(&joint.id, &"6".repeat(60))).await.unwrap();
    let stuck = until(&world, &joint.id, "fire", State::Stuck).await;
    assert_eq!(member(&stuck, "fire").cause, "FORM_INVALID");
    // nobody mends it for the applicant
    let stranger = joints(&world, "citizen2").resume_joint_member(resume(&joint.id, "fire")).await.unwrap_err();
    assert_eq!(reason(&stranger), "JOINT_APPLICATION_NOT_FOUND");
    let mended = pb::ResumeJointMemberRequest {
        form: Some(struct_of(json!({"floors": "1至3层"}))),
        sign_promise: Some(true),
        ..resume(&joint.id, "fire")
    };
    let on = joints(&world, "citizen").resume_joint_member(mended).await.unwrap().into_inner();
    assert_eq!(member(&on, "fire").state(), State::Running);
    let part = world.read("citizen", &member(&on, "fire").application_id).await;
    assert!(serde_json::to_string(&part.form.unwrap()).unwrap().contains("1至3层"));
    assert!(part.promise.is_some());
    // what could not go on was told, and where
    let told = async || {
        let mut client = NotificationServiceClient::new(world.link("citizen"));
        let all = client.list_notifications(pb::ListNotificationsRequest::default()).await.unwrap().into_inner();
        all.notifications.into_iter().find(|one| one.kind == "MemberStuck" && one.joint_id == joint.id)
    };
    assert!(world.until(told).await.text.contains("消防安全检查"));
}

pub async fn a_part_that_others_wait_for_is_joined_to_no_other(world: World) {
    let subject = || struct_of(json!({"subject": "补办"}));
    let earlier = world.draft(PLAIN, subject()).await;
    let earlier = world.submit(&earlier.id).await.unwrap();
    let bank =
        items::ThemeMember {
            partner: "银行".into(), name: "开户".into(), ..planned("bank", "", "", &["passport"])
        };
    publish_of(&world, vec![planned("passport", PLAIN, "", &[]), bank], &["passport", "bank"]).await;
    let create = pb::CreateJointApplicationRequest { form: Some(subject()), ..begun(false) };
    let joint = joints(&world, "citizen").create_joint_application(create).await.unwrap().into_inner();
    submit(&world, &joint.id).await.unwrap();
    let part = &member(&joint, "passport").application_id;
    let join = |id: &str, number: &str| pb::JoinApplicationRequest {
        id: id.into(),
        request_id: new_request_id(),
        other_number: number.into(),
        ..Default::default()
    };
    let mut clerk = DoubleEntryServiceClient::new(world.link("clerk"));
    let refused = clerk.join_application(join(part, &earlier.receipt_number)).await.unwrap_err();
    assert_eq!(reason(&refused), "PART_OF_JOINT");
    let numbered = async || {
        let number = world.read("clerk", part).await.receipt_number;
        (!number.is_empty()).then_some(number)
    };
    let number = world.until(numbered).await;
    let joined = clerk.join_application(join(&earlier.id, &number)).await.unwrap().into_inner();
    assert_eq!(joined.phase(), pb::ApplicationPhase::Withdrawn);
    assert_eq!(member(&get(&world, "citizen", &joint.id).await.unwrap(), "bank").state(), State::Waiting);
}

pub async fn who_took_it_back_stands_in_the_record(world: World) {
    publish(&world).await;
    let create = pb::CreateJointApplicationRequest { form: Some(one_form()), ..begun(false) };
    let joint = joints(&world, "clerk").create_joint_application(create).await.unwrap().into_inner();
    submit_as(&world, "clerk", &joint.id).await.unwrap();
    // given up by itself, its draft goes away
    joints(&world, "citizen").withdraw_joint_application(take_back(&joint.id, "fire")).await.unwrap();
    let fire = world.read("citizen", &member(&joint, "fire").application_id).await;
    assert_eq!(fire.phase(), pb::ApplicationPhase::Withdrawn);
    joints(&world, "citizen").withdraw_joint_application(take_back(&joint.id, "")).await.unwrap();
    let part = world.read("clerk", &member(&joint, "hygiene").application_id).await;
    let by = |kind: &str| part.steps.iter().find(|step| step.kind == kind).unwrap().actor.clone().unwrap().id;
    assert_eq!((by("Submitted").as_str(), by("Withdrawn").as_str()), ("staff:clerk", "person:citizen"));
}

pub async fn a_result_that_comes_later_is_waited_for(world: World) {
    let input =
        items::ThemeInput { from_member: "hygiene".into(), material_code: "fire_system".into(), field: String::new() };
    let fire = items::ThemeMember { inputs: vec![input], ..planned("fire", FIRE, "", &[]) };
    publish_of(&world, vec![planned("hygiene", HYGIENE, "", &[]), fire], &["hygiene", "fire"]).await;
    let create = pb::CreateJointApplicationRequest { form: Some(one_form()), ..begun(false) };
    let joint = joints(&world, "citizen").create_joint_application(create).await.unwrap().into_inner();
    submit(&world, &joint.id).await.unwrap();
    grant(&world, &joint, "hygiene", &HYGIENE_PAPERS, "").await;
    let granted = until(&world, &joint.id, "hygiene", State::Granted).await;
    assert_eq!(member(&granted, "fire").state(), State::Waiting);
    told(&world, &member(&joint, "hygiene").application_id, true, "卫公证字2026第1号").await;
    let on = until(&world, &joint.id, "fire", State::Running).await;
    assert_eq!(member(&on, "hygiene").result.as_ref().unwrap().number, "卫公证字2026第1号");
}

pub async fn all_of_it_is_followed_as_it_happens(world: World) {
    let joint = draft(&world, false).await;
    let ask = |after| pb::WatchJointApplicationRequest { id: joint.id.clone(), after };
    let stranger = joints(&world, "citizen2").watch_joint_application(ask(0)).await.unwrap_err();
    assert_eq!(reason(&stranger), "JOINT_APPLICATION_NOT_FOUND");
    let mut live = joints(&world, "citizen").watch_joint_application(ask(0)).await.unwrap().into_inner();
    let mut next = async || {
        let next = tokio::time::timeout(std::time::Duration::from_secs(10), live.message());
        next.await.expect("nothing came").unwrap()
    };
    assert_eq!(next().await.unwrap().joint_application.unwrap().phase(), pb::JointPhase::Draft);
    submit(&world, &joint.id).await.unwrap();
    let running = next().await.unwrap();
    assert_eq!(running.phase(), pb::JointPhase::Running);
    joints(&world, "citizen").withdraw_joint_application(take_back(&joint.id, "")).await.unwrap();
    let last = loop {
        let message = next().await.unwrap();
        if message.ended {
            break message;
        }
    };
    assert_eq!(next().await, None);
    // asked for again, it says at once that nothing more will come
    let mut over = joints(&world, "citizen").watch_joint_application(ask(last.number)).await.unwrap().into_inner();
    let life = over.message().await.unwrap().unwrap();
    assert_eq!((life.joint_application, life.number, life.ended), (None, last.number, true));
}

pub async fn a_promised_day_that_may_move_makes_nobody_late(world: World) {
    world.day(2026, 12, 28);
    let joint = draft(&world, false).await;
    let due = submit(&world, &joint.id).await.unwrap().promised_due.unwrap();
    assert!(due.provisional, "{due:?}");
    world.process.legal.follow(world.process.shutdown.clone());
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/2027.csv");
    yiwang_kit::calendar::import(&world.process.config.calendar_dir(), &file).unwrap();
    let settled = async || {
        let now = get(&world, "citizen", &joint.id).await.unwrap();
        now.promised_due.filter(|due| !due.provisional)
    };
    let settled = world.until(settled).await;
    assert!(settled.date > due.date, "{} after {}", settled.date, due.date);
}
