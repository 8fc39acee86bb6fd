//! One of each event of questions and of published answers.

use strum::VariantNames as _;
use yiwang_intake::answer::{self, Answer, Published, Subject};
use yiwang_intake::application::{Actor, Party};
use yiwang_intake::question::{self, About, Asked, Channel, Question, Satisfaction};
use yiwang_intake::transfer::Organ;
use yiwang_kit::new_stream_id;
use yiwang_ledger::{Personal, StreamId, SubjectId};
use yiwang_standards::calendar::Calendar;
use yiwang_standards::identity::DocumentKind;

use super::{market, shared};
use crate::world::{CITIZEN, HYGIENE, World};

fn bureau() -> Organ {
    Organ { name: "区行政审批局".into(), code: "115113016823646795".into(), ..market() }
}

fn by() -> Actor {
    Actor { id: "staff:reviewer".into(), role: "reviewer".into(), ..Actor::system() }
}

fn questions(subject: &SubjectId) -> Vec<question::Event> {
    let text = |field, value: &str| Personal::new(subject, field, value);
    let rules = question::rules::of("511602000000");
    let start = chrono::NaiveDate::from_ymd_opt(2026, 3, 2).unwrap();
    let due = rules.answer.due(start, Calendar::builtin());
    let closes = rules.closing.due(start, Calendar::builtin());
    let asker = Party {
        subject: subject.clone(),
        kind: Some(DocumentKind::ResidentId),
        name: Some(text("asker.name", "张建国")),
        number: Some(text("asker.number", CITIZEN)),
        phone: None,
        address: None,
    };
    let asked = Box::new(Asked {
        title: Some(text("title", "例")),
        region: "511602000000".into(),
        item: Some(About { code: HYGIENE.into(), name: "公共场所卫生许可新办".into() }),
        addressed: Some(bureau()),
        channel: Channel::DirectLine,
        subject: subject.clone(),
        asker: Some(asker),
        owner: "staff:clerk".into(),
        for_another: true,
        consents: true,
    });
    let (said, reason) = (text("text", "例"), text("reason", "例"));
    vec![
        question::Event::QuestionAsked {
            asked,
            text: said.clone(),
            rules: Box::new(rules),
            due: due.clone(),
            by: by(),
        },
        question::Event::QuestionSupplemented { text: said.clone(), by: by() },
        question::Event::FollowUpAsked { text: said, due: due.clone(), by: by() },
        question::Event::QuestionWithdrawn { by: by() },
        question::Event::QuestionTaken { organ: bureau(), by: by() },
        question::Event::QuestionHandedOn { from: bureau(), to: market(), reason: reason.clone(), by: by() },
        question::Event::QuestionReferred { to: market(), reason: reason.clone(), by: by() },
        question::Event::QuestionReturned { reason: reason.clone(), by: by() },
        question::Event::QuestionAssigned { organ: market(), reason: reason.clone(), by: by() },
        question::Event::QuestionExtended { reason, due: due.clone(), by: by() },
        question::Event::QuestionAnswered {
            text: text("answer", "例"),
            bases: vec!["《公共场所卫生管理条例》第四条".into()],
            published: Some(StreamId::named("answer", "golden")),
            late: false,
            closes: closes.clone(),
            by: by(),
        },
        question::Event::QuestionRated {
            satisfaction: Satisfaction::Dissatisfied,
            comment: Some(text("comment", "例")),
            reopened: Some(due.clone()),
            by: by(),
        },
        question::Event::ReactionOverdue,
        question::Event::AnswerOverdue { due: due.date },
        question::Event::QuestionClosed,
        question::Event::DatesRecomputed { due: Some(due), closes: Some(closes) },
    ]
}

fn answers() -> Vec<answer::Event> {
    let item = Some(Subject { code: HYGIENE.into(), name: "公共场所卫生许可新办".into(), edition: 1 });
    let bases = vec!["《公共场所卫生管理条例》第四条".to_owned()];
    let text = Published {
        title: "民宿要办卫生许可吗".into(),
        question: "开民宿要办卫生许可吗？".into(),
        answer: "应当办理。".into(),
        bases: bases.clone(),
        organ: bureau(),
        region: "511602000000".into(),
        item: item.clone(),
    };
    vec![
        answer::Event::AnswerPublished { text: Box::new(text), by: by() },
        answer::Event::AnswerWentStale { reason: "事项已经修订".into() },
        answer::Event::AnswerReviewed { answer: "应当办理。".into(), bases, item, by: by() },
        answer::Event::AnswerWithdrawn { reason: "例".into(), by: by() },
    ]
}

pub async fn write(world: &World) {
    let subject = world.ledger().vault().lookup("question", &new_stream_id().to_string());
    shared::write_missing::<Question>(world.ledger(), questions(&subject)).await;
    shared::write_missing::<Answer>(world.ledger(), answers()).await;
}

pub async fn read(world: &World) {
    let asked = shared::read_all::<Question>(world.ledger(), "QuestionAsked").await.len();
    assert_eq!(asked, question::Event::VARIANTS.len());
    let published = shared::read_all::<Answer>(world.ledger(), "AnswerPublished").await.len();
    assert_eq!(published, answer::Event::VARIANTS.len());
}
