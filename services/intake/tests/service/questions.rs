//! 网上咨询: who is responsible, by when, and whether it helped.

use yiwang_kit::new_request_id;
use yiwang_proto::intake::v1 as pb;
use yiwang_proto::intake::v1::question_service_client::QuestionServiceClient;
use yiwang_proto::party::v1::Party;

use crate::world::{HYGIENE, World, reason};

/// 区行政审批局, whose item the permit is.
pub const BUREAU: &str = "115113016823646795";
/// 区市监局.
pub const MARKET: &str = "11511301MB051073XA";
/// 区消防大队.
pub const FIRE_SERVICE: &str = "11511300MB1A21304N";
pub const BASIS: &str = "《公共场所卫生管理条例》第四条";

pub fn questions(world: &World, account: &str) -> QuestionServiceClient<yiwang_kit::Link> {
    QuestionServiceClient::new(world.link(account))
}

pub fn about(item: &str) -> pb::AskQuestionRequest {
    pb::AskQuestionRequest {
        request_id: new_request_id(),
        title: "民宿要办卫生许可吗".into(),
        text: "我是张建国，电话13812345678，想开民宿，要不要办卫生许可证？".into(),
        item_code: item.into(),
        publication_consent: true,
        ..Default::default()
    }
}

pub async fn ask(world: &World, account: &str, ask: pb::AskQuestionRequest) -> Result<pb::Question, tonic::Status> {
    questions(world, account).ask_question(ask).await.map(tonic::Response::into_inner)
}

pub async fn take(world: &World, account: &str, id: &str) -> Result<pb::Question, tonic::Status> {
    let ask = pb::TakeQuestionRequest { id: id.into(), request_id: new_request_id(), ..Default::default() };
    questions(world, account).take_question(ask).await.map(tonic::Response::into_inner)
}

pub fn reply(id: &str) -> pb::AnswerQuestionRequest {
    pb::AnswerQuestionRequest {
        id: id.into(),
        request_id: new_request_id(),
        text: "住宿场所应当办理公共场所卫生许可，电话0826-2345678。".into(),
        bases: vec![BASIS.into()],
        ..Default::default()
    }
}

pub async fn answer(
    world: &World,
    account: &str,
    ask: pb::AnswerQuestionRequest,
) -> Result<pb::Question, tonic::Status> {
    questions(world, account).answer_question(ask).await.map(tonic::Response::into_inner)
}

async fn hand_on(world: &World, account: &str, id: &str, organ: &str) -> Result<pb::Question, tonic::Status> {
    let ask = pb::HandOnQuestionRequest {
        id: id.into(),
        request_id: new_request_id(),
        organisation: organ.into(),
        reason: "属市监局职责".into(),
        ..Default::default()
    };
    questions(world, account).hand_on_question(ask).await.map(tonic::Response::into_inner)
}

async fn give_back(world: &World, account: &str, id: &str) -> Result<pb::Question, tonic::Status> {
    let (id, request_id, reason) = (id.into(), new_request_id(), "不属本局职责".into());
    let ask = pb::ReturnQuestionRequest { id, request_id, reason, ..Default::default() };
    questions(world, account).return_question(ask).await.map(tonic::Response::into_inner)
}

async fn assign(world: &World, account: &str, id: &str, organ: &str) -> Result<pb::Question, tonic::Status> {
    let ask = pb::AssignQuestionRequest {
        id: id.into(),
        request_id: new_request_id(),
        organisation: organ.into(),
        reason: "食品经营由市监局答复".into(),
        ..Default::default()
    };
    questions(world, account).assign_question(ask).await.map(tonic::Response::into_inner)
}

async fn extend(world: &World, account: &str, id: &str) -> Result<pb::Question, tonic::Status> {
    let (id, request_id, reason) = (id.into(), new_request_id(), "需会同消防核实".into());
    let ask = pb::ExtendQuestionRequest { id, request_id, reason, ..Default::default() };
    questions(world, account).extend_question(ask).await.map(tonic::Response::into_inner)
}

async fn say(world: &World, account: &str, id: &str) -> Result<pb::Question, tonic::Status> {
    let (id, request_id, text) = (id.into(), new_request_id(), "三间客房也要办吗？".into());
    let ask = pb::SupplementQuestionRequest { id, request_id, text, ..Default::default() };
    questions(world, account).supplement_question(ask).await.map(tonic::Response::into_inner)
}

async fn rate(
    world: &World,
    account: &str,
    id: &str,
    said: pb::AnswerSatisfaction,
) -> Result<pb::Question, tonic::Status> {
    let mut ask = pb::RateQuestionRequest { id: id.into(), request_id: new_request_id(), ..Default::default() };
    ask.set_satisfaction(said);
    questions(world, account).rate_question(ask).await.map(tonic::Response::into_inner)
}

async fn read(world: &World, account: &str, id: &str) -> Result<pb::Question, tonic::Status> {
    questions(world, account)
        .get_question(pb::GetQuestionRequest { id: id.into() })
        .await
        .map(tonic::Response::into_inner)
}

async fn list(world: &World, account: &str, ask: pb::ListQuestionsRequest) -> Vec<pb::Question> {
    questions(world, account).list_questions(ask).await.unwrap().into_inner().questions
}

fn responsible(question: &pb::Question) -> &str {
    question.responsible.as_ref().map_or("", |organ| &organ.code)
}

fn due(question: &pb::Question) -> &str {
    question.due.as_ref().map_or("", |due| &due.date)
}

/// Asked about the permit, taken and answered.
pub async fn answered(world: &World) -> pb::Question {
    let asked = ask(world, "citizen", about(HYGIENE)).await.unwrap();
    take(world, "clerk", &asked.id).await.unwrap();
    answer(world, "reviewer", reply(&asked.id)).await.unwrap()
}

pub async fn a_question_is_answered_by_the_organ_of_its_item_and_rated(world: World) {
    let asked = ask(&world, "citizen", about(HYGIENE)).await.unwrap();
    assert_eq!((asked.stage(), due(&asked), responsible(&asked)), (pb::QuestionStage::Waiting, "2026-03-09", ""));
    assert!(asked.due.as_ref().unwrap().limit.as_ref().unwrap().unverified);
    assert_eq!(reason(&take(&world, "market_reviewer", &asked.id).await.unwrap_err()), "QUESTION_NOT_FOUND");
    let taken = take(&world, "clerk", &asked.id).await.unwrap();
    assert_eq!((taken.stage(), responsible(&taken)), (pb::QuestionStage::InHand, BUREAU));
    let bare = pb::AnswerQuestionRequest { bases: vec!["有关规定".into()], ..reply(&asked.id) };
    assert_eq!(reason(&answer(&world, "reviewer", bare).await.unwrap_err()), "BASIS_NOT_CITED");
    let mute = pb::AnswerQuestionRequest { text: String::new(), ..reply(&asked.id) };
    assert_eq!(reason(&answer(&world, "reviewer", mute).await.unwrap_err()), "ANSWER_MISSING");
    answer(&world, "reviewer", reply(&asked.id)).await.unwrap();
    assert_eq!(
        reason(&rate(&world, "citizen2", &asked.id, pb::AnswerSatisfaction::Satisfied).await.unwrap_err()),
        "QUESTION_NOT_FOUND"
    );
    let closed = rate(&world, "citizen", &asked.id, pb::AnswerSatisfaction::Satisfied).await.unwrap();
    assert_eq!((closed.stage(), closed.ratings.len()), (pb::QuestionStage::Closed, 1));
    let again = rate(&world, "citizen", &asked.id, pb::AnswerSatisfaction::Dissatisfied).await.unwrap_err();
    assert_eq!(reason(&again), "QUESTION_NOT_AT_STAGE");
}

pub async fn who_is_asked_first_stays_responsible_until_another_has_taken_it(world: World) {
    let asked = ask(&world, "citizen", about(HYGIENE)).await.unwrap();
    assert_eq!(reason(&hand_on(&world, "clerk", &asked.id, "nobody").await.unwrap_err()), "ORGAN_UNKNOWN");
    assert_eq!(reason(&hand_on(&world, "clerk", &asked.id, BUREAU).await.unwrap_err()), "ORGAN_ITSELF");
    let offered = hand_on(&world, "clerk", &asked.id, MARKET).await.unwrap();
    assert_eq!((offered.stage(), responsible(&offered)), (pb::QuestionStage::Offered, BUREAU));
    assert_eq!(reason(&give_back(&world, "clerk", &asked.id).await.unwrap_err()), "ACTION_NOT_PERMITTED");
    let back = give_back(&world, "market_reviewer", &asked.id).await.unwrap();
    assert_eq!((back.stage(), responsible(&back)), (pb::QuestionStage::InHand, BUREAU));
    assert_eq!(reason(&read(&world, "market_reviewer", &asked.id).await.unwrap_err()), "QUESTION_NOT_FOUND");
    hand_on(&world, "clerk", &asked.id, FIRE_SERVICE).await.unwrap();
    let moved = take(&world, "fire_reviewer", &asked.id).await.unwrap();
    // no hand-over moves the asker's date
    assert_eq!((responsible(&moved), due(&moved)), (FIRE_SERVICE, "2026-03-09"));
    assert_eq!(reason(&answer(&world, "reviewer", reply(&asked.id)).await.unwrap_err()), "QUESTION_NOT_FOUND");
    answer(&world, "fire_reviewer", reply(&asked.id)).await.unwrap();
}

pub async fn after_the_offers_of_the_rule_a_coordinator_decides(world: World) {
    let asked = ask(&world, "citizen", about(HYGIENE)).await.unwrap();
    for _ in 0..2 {
        hand_on(&world, "clerk", &asked.id, MARKET).await.unwrap();
        give_back(&world, "market_reviewer", &asked.id).await.unwrap();
    }
    let referred = hand_on(&world, "clerk", &asked.id, MARKET).await.unwrap();
    assert_eq!((referred.stage(), responsible(&referred)), (pb::QuestionStage::Referred, BUREAU));
    let waiting = pb::ListQuestionsRequest { stage: pb::QuestionStage::Referred.into(), ..Default::default() };
    assert_eq!(list(&world, "coordinator", waiting).await.len(), 1);
    assert_eq!(reason(&assign(&world, "clerk", &asked.id, MARKET).await.unwrap_err()), "ACTION_NOT_PERMITTED");
    let assigned = assign(&world, "coordinator", &asked.id, MARKET).await.unwrap();
    assert_eq!((assigned.stage(), responsible(&assigned)), (pb::QuestionStage::InHand, MARKET));
    let on = hand_on(&world, "market_reviewer", &asked.id, BUREAU).await.unwrap_err();
    assert_eq!(reason(&on), "ASSIGNMENT_BINDS");
    answer(&world, "market_reviewer", reply(&asked.id)).await.unwrap();
}

pub async fn not_ours_is_said_within_a_day_of_being_reached(world: World) {
    let asked = ask(&world, "citizen", about(HYGIENE)).await.unwrap();
    world.day(2026, 3, 3);
    let late = async || {
        let overdue = pb::ListQuestionsRequest { overdue: true, ..Default::default() };
        list(&world, "supervisor", overdue).await.into_iter().next()
    };
    let seen = world.until(late).await;
    assert!(seen.reaction_overdue && !seen.overdue);
    assert_eq!(reason(&hand_on(&world, "clerk", &asked.id, MARKET).await.unwrap_err()), "NOT_OURS_TOO_LATE");
    take(&world, "clerk", &asked.id).await.unwrap();
    assert_eq!(reason(&hand_on(&world, "clerk", &asked.id, MARKET).await.unwrap_err()), "NOT_OURS_TOO_LATE");
    // only a coordinator moves it now
    let assigned = assign(&world, "coordinator", &asked.id, MARKET).await.unwrap();
    assert_eq!(responsible(&assigned), MARKET);
}

pub async fn a_date_is_extended_once_with_a_reason_and_who_is_late_is_seen(world: World) {
    let asked = ask(&world, "citizen", about(HYGIENE)).await.unwrap();
    take(&world, "clerk", &asked.id).await.unwrap();
    assert_eq!(reason(&extend(&world, "reviewer", &asked.id).await.unwrap_err()), "ACTION_NOT_PERMITTED");
    let extended = extend(&world, "approver", &asked.id).await.unwrap();
    assert_eq!(due(&extended), "2026-03-16");
    let told = read(&world, "citizen", &asked.id).await.unwrap().extension.unwrap();
    assert_eq!((told.reason.as_str(), told.previous_date.as_str()), ("需会同消防核实", "2026-03-09"));
    assert_eq!(reason(&extend(&world, "approver", &asked.id).await.unwrap_err()), "ALREADY_EXTENDED");
    world.day(2026, 3, 17);
    world.until(async || read(&world, "supervisor", &asked.id).await.unwrap().overdue.then_some(())).await;
    let late = answer(&world, "reviewer", reply(&asked.id)).await.unwrap();
    assert!(late.answers[0].late);
    let other = ask(&world, "citizen", about(HYGIENE)).await.unwrap();
    take(&world, "clerk", &other.id).await.unwrap();
    world.day(2026, 3, 25);
    assert_eq!(reason(&extend(&world, "approver", &other.id).await.unwrap_err()), "EXTENSION_TOO_LATE");
}

pub async fn who_is_dissatisfied_is_answered_once_more_by_somebody_else(world: World) {
    let asked = answered(&world).await;
    world.day(2026, 3, 4);
    let reopened = rate(&world, "citizen", &asked.id, pb::AnswerSatisfaction::Dissatisfied).await.unwrap();
    assert_eq!((reopened.stage(), due(&reopened)), (pb::QuestionStage::InHand, "2026-03-11"));
    assert_eq!(reason(&answer(&world, "reviewer", reply(&asked.id)).await.unwrap_err()), "SAME_PERSON");
    answer(&world, "approver", reply(&asked.id)).await.unwrap();
    let closed = rate(&world, "citizen", &asked.id, pb::AnswerSatisfaction::VeryDissatisfied).await.unwrap();
    assert_eq!((closed.stage(), closed.ratings.len()), (pb::QuestionStage::Closed, 2));
    let bad = pb::ListQuestionsRequest { dissatisfied: true, ..Default::default() };
    assert_eq!(list(&world, "supervisor", bad).await.len(), 1);
}

pub async fn who_asks_on_is_answered_again_and_nobody_is_made_to_rate(world: World) {
    let asked = ask(&world, "citizen", about(HYGIENE)).await.unwrap();
    assert_eq!(say(&world, "citizen", &asked.id).await.unwrap().utterances[1].kind(), pb::UtteranceKind::Supplement);
    take(&world, "clerk", &asked.id).await.unwrap();
    for _ in 0..2 {
        answer(&world, "reviewer", reply(&asked.id)).await.unwrap();
        let on = say(&world, "citizen", &asked.id).await.unwrap();
        assert_eq!((on.stage(), responsible(&on)), (pb::QuestionStage::InHand, BUREAU));
        let passed_on = hand_on(&world, "clerk", &asked.id, MARKET).await.unwrap_err();
        assert_eq!(reason(&passed_on), "ASSIGNMENT_BINDS");
    }
    answer(&world, "reviewer", reply(&asked.id)).await.unwrap();
    assert_eq!(reason(&say(&world, "citizen", &asked.id).await.unwrap_err()), "FOLLOW_UPS_USED");
    world.day(2026, 3, 18);
    let ended =
        async || read(&world, "citizen", &asked.id).await.ok().filter(|one| one.stage() == pb::QuestionStage::Closed);
    assert!(world.until(ended).await.ratings.is_empty());
}

pub async fn a_clerk_enters_what_came_by_telephone(world: World) {
    let yours = pb::AskQuestionRequest { channel: pb::QuestionChannel::Phone.into(), ..about("") };
    assert_eq!(reason(&ask(&world, "citizen", yours.clone()).await.unwrap_err()), "CHANNEL_NOT_YOURS");
    assert_eq!(reason(&ask(&world, "clerk", yours.clone()).await.unwrap_err()), "PARTY_INVALID");
    let caller = Party { name: "李秀英".into(), phone: "13912345678".into(), ..Default::default() };
    let asked = ask(&world, "clerk", pb::AskQuestionRequest { asker: Some(caller), ..yours }).await.unwrap();
    assert_eq!(asked.entered_by.as_ref().unwrap().id, "staff:clerk");
    assert!(asked.addressed_to.is_none());
    // in general: the windows take it, for their organ
    assert_eq!(reason(&take(&world, "market_reviewer", &asked.id).await.unwrap_err()), "QUESTION_NOT_FOUND");
    assert_eq!(responsible(&take(&world, "clerk", &asked.id).await.unwrap()), BUREAU);
    let watched = read(&world, "supervisor", &asked.id).await.unwrap();
    let asker = watched.asker.unwrap();
    assert_eq!((asker.name.as_str(), asker.phone.contains("12345678")), ("李**", false));
    assert!(!watched.utterances[0].text.contains("13812345678"), "{}", watched.utterances[0].text);
    let full = read(&world, "reviewer", &asked.id).await.unwrap();
    assert_eq!(full.asker.unwrap().phone, "13912345678");
    answer(&world, "clerk", reply(&asked.id)).await.unwrap();
    let own = rate(&world, "clerk", &asked.id, pb::AnswerSatisfaction::Satisfied).await.unwrap_err();
    assert_eq!(reason(&own), "RATED_OFFICER");
    assert_eq!(
        rate(&world, "market_window", &asked.id, pb::AnswerSatisfaction::Satisfied).await.unwrap().ratings.len(),
        1
    );
}

pub async fn nobody_of_the_organ_that_answered_enters_the_rating(world: World) {
    let caller = Party { name: "李秀英".into(), phone: "13912345678".into(), ..Default::default() };
    let by_phone =
        pb::AskQuestionRequest { channel: pb::QuestionChannel::Phone.into(), asker: Some(caller), ..about(HYGIENE) };
    let asked = ask(&world, "clerk", by_phone).await.unwrap();
    take(&world, "reviewer", &asked.id).await.unwrap();
    answer(&world, "reviewer", reply(&asked.id)).await.unwrap();
    let own = rate(&world, "clerk", &asked.id, pb::AnswerSatisfaction::VerySatisfied).await.unwrap_err();
    assert_eq!(reason(&own), "RATED_OFFICER");
}

pub async fn what_somebody_asked_themselves_no_clerk_adds_to_withdraws_or_rates(world: World) {
    let asked = ask(&world, "citizen", about(HYGIENE)).await.unwrap();
    assert_eq!(reason(&say(&world, "clerk", &asked.id).await.unwrap_err()), "ACTION_NOT_PERMITTED");
    let gone = pb::WithdrawQuestionRequest { id: asked.id.clone(), request_id: new_request_id(), ..Default::default() };
    let refused = questions(&world, "clerk").withdraw_question(gone).await.unwrap_err();
    assert_eq!(reason(&refused), "ACTION_NOT_PERMITTED");
    // addressed to nobody, the windows see it, and still it is the asker's
    let general = ask(&world, "citizen", about("")).await.unwrap();
    assert_eq!(reason(&say(&world, "market_window", &general.id).await.unwrap_err()), "ACTION_NOT_PERMITTED");
    take(&world, "clerk", &asked.id).await.unwrap();
    answer(&world, "reviewer", reply(&asked.id)).await.unwrap();
    let rated = rate(&world, "clerk", &asked.id, pb::AnswerSatisfaction::VerySatisfied).await.unwrap_err();
    assert_eq!(reason(&rated), "ACTION_NOT_PERMITTED");
    rate(&world, "citizen", &asked.id, pb::AnswerSatisfaction::Dissatisfied).await.unwrap();
}

pub async fn a_hand_on_sent_again_is_answered_as_then(world: World) {
    let asked = ask(&world, "citizen", about(HYGIENE)).await.unwrap();
    let on = pb::HandOnQuestionRequest {
        id: asked.id.clone(),
        request_id: new_request_id(),
        organisation: MARKET.into(),
        reason: "属市监局职责".into(),
        ..Default::default()
    };
    let first = questions(&world, "clerk").hand_on_question(on.clone()).await.unwrap().into_inner();
    take(&world, "market_reviewer", &asked.id).await.unwrap();
    let again = questions(&world, "clerk").hand_on_question(on.clone()).await.unwrap().into_inner();
    assert_eq!((again.stage(), &again.etag), (pb::QuestionStage::Offered, &first.etag));
    let anew = pb::HandOnQuestionRequest { request_id: new_request_id(), ..on };
    assert_eq!(reason(&questions(&world, "clerk").hand_on_question(anew).await.unwrap_err()), "QUESTION_NOT_FOUND");
}

pub async fn a_question_is_its_askers_and_its_organs_alone(world: World) {
    let asked = ask(&world, "citizen", about(HYGIENE)).await.unwrap();
    for stranger in ["citizen2", "company", "market_reviewer", "partner"] {
        assert_eq!(reason(&read(&world, stranger, &asked.id).await.unwrap_err()), "QUESTION_NOT_FOUND", "{stranger}");
        assert!(list(&world, stranger, Default::default()).await.is_empty(), "{stranger}");
    }
    let listed = list(&world, "reviewer", Default::default()).await.remove(0);
    assert_eq!((listed.asker.unwrap().name.as_str(), listed.utterances.len()), ("张**", 0));
    let gone = pb::WithdrawQuestionRequest { id: asked.id.clone(), request_id: new_request_id(), ..Default::default() };
    let gone = questions(&world, "citizen").withdraw_question(gone).await.unwrap().into_inner();
    assert_eq!(gone.stage(), pb::QuestionStage::Withdrawn);
    for (path, bytes) in world.folder_bytes() {
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains("想开民宿") && !text.contains("13812345678"), "{}", path.display());
    }
}
