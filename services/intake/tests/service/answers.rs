//! 常见问答: what is published of a question, and how long it holds.

use yiwang_kit::new_request_id;
use yiwang_proto::catalogue::v1::{ImportItemsRequest, ItemRow};
use yiwang_proto::intake::v1 as pb;
use yiwang_proto::intake::v1::answer_service_client::AnswerServiceClient;

use crate::questions::{about, answer, answered, ask, reply, take};
use crate::world::{HYGIENE, World, fields, reason};

fn answers(world: &World, account: &str) -> AnswerServiceClient<yiwang_kit::Link> {
    AnswerServiceClient::new(world.link(account))
}

fn publication(question: &str) -> pb::PublishAnswerRequest {
    pb::PublishAnswerRequest { question_id: question.into(), request_id: new_request_id(), ..Default::default() }
}

async fn publish(
    world: &World,
    account: &str,
    ask: pb::PublishAnswerRequest,
) -> Result<pb::PublishedAnswer, tonic::Status> {
    answers(world, account).publish_answer(ask).await.map(tonic::Response::into_inner)
}

async fn review(world: &World, account: &str, id: &str, text: &str) -> Result<pb::PublishedAnswer, tonic::Status> {
    let ask = pb::ReviewAnswerRequest {
        id: id.into(),
        request_id: new_request_id(),
        answer: text.into(),
        ..Default::default()
    };
    answers(world, account).review_answer(ask).await.map(tonic::Response::into_inner)
}

async fn found(world: &World, query: &str) -> Vec<pb::PublishedAnswer> {
    let ask = pb::SearchAnswersRequest { query: query.into(), ..Default::default() };
    let nobody = AnswerServiceClient::new(world.process.links.get("intake"));
    nobody.clone().search_answers(ask).await.unwrap().into_inner().answers
}

async fn revise(world: &World) {
    let row = ItemRow {
        item_code: HYGIENE.into(),
        name: "公共场所卫生许可新办（修订）".into(),
        department: "区行政审批局".into(),
        region_code: "511602000000".into(),
        item_type: 1,
        main_item: "公共场所卫生许可".into(),
        ..Default::default()
    };
    let import = ImportItemsRequest { request_id: new_request_id(), rows: vec![row] };
    let done = world.catalogue_as("admin").import_items(import).await.unwrap().into_inner();
    assert!(done.refused.is_empty(), "{done:?}");
}

pub async fn what_is_published_names_nobody_and_is_found_by_everybody(world: World) {
    let asked = answered(&world).await;
    assert_eq!(reason(&publish(&world, "reviewer", publication(&asked.id)).await.unwrap_err()), "ACTION_NOT_PERMITTED");
    let published = publish(&world, "approver", publication(&asked.id)).await.unwrap();
    assert_eq!(published.question, "我是张某，电话***，想开民宿，要不要办卫生许可证？");
    assert!(published.answer.contains("0826-2345678"), "{}", published.answer);
    for query in ["民宿", "msybwsxk", "卫生许可证"] {
        assert_eq!(found(&world, query).await.len(), 1, "{query}");
    }
    assert!(found(&world, "护照").await.is_empty());
    let twice = publish(&world, "approver", publication(&asked.id)).await.unwrap_err();
    assert_eq!(reason(&twice), "ALREADY_PUBLISHED");
}

pub async fn without_consent_the_publisher_tells_it_in_other_words(world: World) {
    let quiet = pb::AskQuestionRequest { publication_consent: false, ..about(HYGIENE) };
    let asked = ask(&world, "citizen", quiet).await.unwrap();
    assert_eq!(reason(&publish(&world, "approver", publication(&asked.id)).await.unwrap_err()), "ACTION_NOT_PERMITTED");
    take(&world, "clerk", &asked.id).await.unwrap();
    answer(&world, "approver", reply(&asked.id)).await.unwrap();
    let own =
        pb::PublishAnswerRequest {
            title: "民宿卫生许可".into(), question: "例".into(), ..publication(&asked.id)
        };
    assert_eq!(reason(&publish(&world, "approver", own).await.unwrap_err()), "OWN_ANSWER");
    let other =
        ask(&world, "citizen", pb::AskQuestionRequest { publication_consent: false, ..about(HYGIENE) }).await.unwrap();
    take(&world, "clerk", &other.id).await.unwrap();
    answer(&world, "clerk", reply(&other.id)).await.unwrap();
    let words = |question: &str| pb::PublishAnswerRequest {
        title: "民宿卫生许可".into(),
        question: question.into(),
        ..publication(&other.id)
    };
    let refused = async |ask| reason(&publish(&world, "approver", ask).await.unwrap_err());
    assert_eq!(refused(publication(&other.id)).await, "CONSENT_MISSING");
    assert_eq!(refused(words(&about(HYGIENE).text)).await, "CONSENT_MISSING");
    assert_eq!(refused(words("张建国开民宿要办卫生许可吗？")).await, "PERSONAL_DATA_LEFT");
    publish(&world, "approver", words("开民宿要办卫生许可吗？")).await.unwrap();
}

pub async fn not_even_a_part_of_the_askers_words_is_copied_without_consent(world: World) {
    let quiet = pb::AskQuestionRequest {
        publication_consent: false,
        title: "民宿要不要办公共场所卫生许可证".into(),
        ..about(HYGIENE)
    };
    let asked = ask(&world, "citizen", quiet.clone()).await.unwrap();
    let more = pb::SupplementQuestionRequest {
        id: asked.id.clone(),
        request_id: new_request_id(),
        text: "客房一共只有三间，都在自己家里".into(),
        ..Default::default()
    };
    crate::questions::questions(&world, "citizen").supplement_question(more.clone()).await.unwrap();
    take(&world, "clerk", &asked.id).await.unwrap();
    answer(&world, "clerk", reply(&asked.id)).await.unwrap();
    let words = |title: &str, question: &str, answer: &str| pb::PublishAnswerRequest {
        title: title.into(),
        question: question.into(),
        answer: answer.into(),
        ..publication(&asked.id)
    };
    let refused = async |ask| fields(&publish(&world, "approver", ask).await.unwrap_err());
    let consent = |field: &str| vec![(field.to_owned(), "CONSENT_MISSING".to_owned())];
    assert_eq!(refused(words("民宿", &more.text, "应当办理。")).await, consent("question"));
    assert_eq!(refused(words(&quiet.title, "民宿要办吗？", "应当办理。")).await, consent("title"));
    let spaced = more.text.replace('，', " ，\n");
    assert_eq!(refused(words("民宿", "民宿要办吗？", &format!("您说：{spaced}"))).await, consent("answer"));
    publish(&world, "approver", words("民宿", "民宿要办吗？", "应当办理。")).await.unwrap();
}

pub async fn who_answered_changes_nothing_of_what_was_published(world: World) {
    let asked = answered(&world).await;
    let reviewer = publish(&world, "approver", publication(&asked.id)).await.unwrap();
    // an approver answers, and another publishes
    let other = ask(&world, "citizen", about(HYGIENE)).await.unwrap();
    take(&world, "clerk", &other.id).await.unwrap();
    answer(&world, "approver", reply(&other.id)).await.unwrap();
    let published = publish(&world, "approver2", publication(&other.id)).await.unwrap();
    let own = review(&world, "approver", &published.id, "不用办理。").await.unwrap_err();
    assert_eq!(reason(&own), "OWN_ANSWER");
    // that it still holds they may say; and nobody writes the asker's name into it
    review(&world, "approver", &published.id, "").await.unwrap();
    let named = review(&world, "approver2", &published.id, "张建国的民宿应当办理。").await.unwrap_err();
    assert_eq!(reason(&named), "PERSONAL_DATA_LEFT");
    let in_basis = pb::ReviewAnswerRequest {
        id: reviewer.id.clone(),
        request_id: new_request_id(),
        bases: vec!["《公共场所卫生管理条例》（张建国，511602198503120016）".into()],
        ..Default::default()
    };
    let left = answers(&world, "approver").review_answer(in_basis).await.unwrap_err();
    assert_eq!(reason(&left), "PERSONAL_DATA_LEFT");
}

pub async fn codes_of_organs_and_items_and_days_name_nobody(world: World) {
    let asked = answered(&world).await;
    let text = format!("请办理事项{HYGIENE}，由{}受理，自2026-01-01 2026-12-31有效。", crate::questions::BUREAU);
    let plain = pb::PublishAnswerRequest { answer: text.clone(), ..publication(&asked.id) };
    assert_eq!(publish(&world, "approver", plain).await.unwrap().answer, text);
}

pub async fn an_answer_by_pointing_sent_again_is_answered_as_then(world: World) {
    let asked = answered(&world).await;
    let published = publish(&world, "approver", publication(&asked.id)).await.unwrap();
    let other = ask(&world, "company", about(HYGIENE)).await.unwrap();
    take(&world, "clerk", &other.id).await.unwrap();
    let pointing = pb::AnswerQuestionRequest {
        text: String::new(),
        bases: Vec::new(),
        published_answer_id: published.id.clone(),
        ..reply(&other.id)
    };
    let first = answer(&world, "clerk", pointing.clone()).await.unwrap();
    let down = pb::WithdrawAnswerRequest {
        id: published.id,
        request_id: new_request_id(),
        reason: "合并".into(),
        ..Default::default()
    };
    answers(&world, "approver").withdraw_answer(down).await.unwrap();
    assert_eq!(answer(&world, "clerk", pointing).await.unwrap().etag, first.etag);
}

pub async fn an_answer_holds_until_its_item_changes_and_is_looked_at_again(world: World) {
    let asked = answered(&world).await;
    let published = publish(&world, "approver", publication(&asked.id)).await.unwrap();
    // a repeated question is answered by pointing to it
    let again = ask(&world, "company", about(HYGIENE)).await.unwrap();
    take(&world, "clerk", &again.id).await.unwrap();
    let pointing = |id: &str| pb::AnswerQuestionRequest {
        text: String::new(),
        bases: Vec::new(),
        published_answer_id: published.id.clone(),
        ..reply(id)
    };
    let pointed = answer(&world, "clerk", pointing(&again.id)).await.unwrap();
    assert_eq!((&pointed.answers[0].text, &pointed.answers[0].published_answer_id), (&published.answer, &published.id));
    revise(&world).await;
    world.until(async || found(&world, "民宿").await.is_empty().then_some(())).await;
    let read = pb::GetAnswerRequest { id: published.id.clone() };
    let hidden = answers(&world, "citizen").get_answer(read.clone()).await.unwrap_err();
    assert_eq!(reason(&hidden), "ANSWER_NOT_FOUND");
    let stale = answers(&world, "approver").get_answer(read).await.unwrap().into_inner();
    assert_eq!(stale.standing(), pb::AnswerStanding::Stale);
    let third = ask(&world, "citizen2", about(HYGIENE)).await.unwrap();
    take(&world, "clerk", &third.id).await.unwrap();
    assert_eq!(reason(&answer(&world, "clerk", pointing(&third.id)).await.unwrap_err()), "ANSWER_NOT_CURRENT");
    assert_eq!(reason(&review(&world, "market_approver", &published.id, "").await.unwrap_err()), "ANSWER_NOT_FOUND");
    let fresh = review(&world, "approver", &published.id, "民宿按住宿场所办理。").await.unwrap();
    assert_eq!((fresh.standing(), fresh.item_version > published.item_version), (pb::AnswerStanding::Current, true));
    assert_eq!(found(&world, "民宿").await[0].answer, "民宿按住宿场所办理。");
    let down = pb::WithdrawAnswerRequest {
        id: published.id.clone(),
        request_id: new_request_id(),
        reason: "合并".into(),
        ..Default::default()
    };
    answers(&world, "approver").withdraw_answer(down).await.unwrap();
    assert!(found(&world, "民宿").await.is_empty());
    assert_eq!(reason(&review(&world, "approver", &published.id, "").await.unwrap_err()), "ANSWER_WITHDRAWN");
}
