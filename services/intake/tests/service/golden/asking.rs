//! One of each event of questions, of published answers, of agents and of engagements.

use std::collections::BTreeSet;

use strum::VariantNames as _;
use yiwang_intake::agent::choose::Wanted;
use yiwang_intake::agent::{self, Agent, Registration};
use yiwang_intake::answer::{self, Answer, Published, Subject};
use yiwang_intake::application::{Actor, Party};
use yiwang_intake::engagement::{self, Authorisation, Engagement, Helper, Log, Meeting, Minutes, Task};
use yiwang_intake::mandate::Act;
use yiwang_intake::question::{self, About, Asked, Channel, Question, Satisfaction};
use yiwang_intake::transfer::Organ;
use yiwang_kit::new_stream_id;
use yiwang_ledger::{Personal, StreamId, SubjectId, Timestamp};
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
        answer::Event::AnswerPublished {
            text: Box::new(text),
            question: Some(StreamId::named("question", "golden")),
            by: by(),
        },
        answer::Event::AnswerWentStale { reason: "事项已经修订".into() },
        answer::Event::AnswerReviewed { answer: "应当办理。".into(), bases, item, by: by() },
        answer::Event::AnswerWithdrawn { reason: "例".into(), by: by() },
    ]
}

fn agents() -> Vec<agent::Event> {
    let registered = Registration {
        account: "staff:agent".into(),
        name: "马超".into(),
        organ: bureau(),
        region: "511602101000".into(),
        park: "新桥园区".into(),
        kinds: BTreeSet::from([agent::Kind::Assist, agent::Kind::Investment, agent::Kind::Errand]),
        items: BTreeSet::from([HYGIENE.to_owned()]),
        themes: BTreeSet::from(["restaurant".to_owned()]),
        capacity: 3,
        phone: "0826-2345678".into(),
    };
    let engagement = StreamId::named("engagement", "golden");
    let until = chrono::NaiveDate::from_ymd_opt(2026, 3, 10);
    vec![
        agent::Event::AgentRegistered { registered: Box::new(registered), by: by() },
        agent::Event::AgentAway { away: agent::Away { until, reason: "例".into() }, by: by() },
        agent::Event::AgentBack { by: by() },
        agent::Event::AgentRetired { reason: "例".into(), by: by() },
        agent::Event::EngagementGiven { engagement },
        agent::Event::EngagementLeft { engagement },
    ]
}

fn engagements(subject: &SubjectId) -> Vec<engagement::Event> {
    let text = |field, value: &str| Personal::new(subject, field, value);
    let until = chrono::NaiveDate::from_ymd_opt(2026, 3, 10).unwrap();
    let at = Timestamp(1_772_413_200_000_000);
    let items = BTreeSet::from([HYGIENE.to_owned()]);
    let asked = Box::new(engagement::Asked {
        wanted: Wanted {
            kind: agent::Kind::Errand,
            region: "511602101201".into(),
            park: "新桥园区".into(),
            items: items.clone(),
            theme: "restaurant".into(),
        },
        matter: Some(text("matter", "例")),
        subject: subject.clone(),
        asker: None,
        for_another: true,
    });
    let authorisation = Authorisation {
        text: text("authorisation", "例"),
        acts: BTreeSet::from([Act::Apply, Act::Withdraw, Act::Receive]),
        items,
        until,
        substitution: true,
        agent: None,
        by: by(),
        at,
        version: 0,
    };
    let helper = Helper { account: "staff:agent".into(), name: "马超".into(), organ: bureau() };
    let log = Log {
        visit: true,
        what: text("what", "例"),
        place: Some(text("place", "例")),
        with_whom: Some(text("with_whom", "例")),
        next: Some(text("next", "例")),
        at,
    };
    let meeting = Box::new(Meeting {
        agenda: text("agenda", "例"),
        invited: vec![market()],
        at,
        place: "例".into(),
        by: by(),
        minutes: None,
        tasks: Vec::new(),
    });
    let minutes = Box::new(Minutes {
        text: text("minutes", "例"),
        attended: vec![market().code],
        decisions: vec![text("decision", "例")],
        by: by(),
    });
    let task = Task {
        organ: market(),
        who: "例".into(),
        what: text("task", "例"),
        until,
        result: None,
        done_at: None,
        overdue: false,
    };
    let application = StreamId::named("application", "golden");
    vec![
        engagement::Event::HelpAsked {
            asked,
            authorisation: Some(authorisation.clone()),
            applications: BTreeSet::from([application]),
            by: by(),
        },
        engagement::Event::AgentAssigned { helper: helper.clone(), reason: Some(text("reason", "例")), by: by() },
        engagement::Event::AgentAuthorised { authorisation },
        engagement::Event::AuthorisationWithdrawn { reason: Some(text("reason", "例")), by: by() },
        engagement::Event::AuthorisationExpired { until },
        engagement::Event::ApplicationLinked { application, by: by() },
        engagement::Event::StepRecorded { log, by: by() },
        engagement::Event::HandOverOffered { to: helper, open: text("open_matters", "例"), by: by() },
        engagement::Event::HandOverRefused { reason: text("reason", "例"), by: by() },
        engagement::Event::HandOverAccepted { by: by() },
        engagement::Event::MeetingCalled { meeting },
        engagement::Event::MeetingRecorded { meeting: 0, minutes, tasks: vec![task] },
        engagement::Event::TaskCompleted { meeting: 0, task: 0, result: text("result", "例"), by: by() },
        engagement::Event::TaskOverdue { meeting: 0, task: 0 },
        engagement::Event::EngagementReported { report: text("report", "例"), by: by() },
        engagement::Event::EngagementConfirmed { by: by() },
        engagement::Event::EngagementDisputed { reason: text("reason", "例"), by: by() },
    ]
}

pub async fn write(world: &World) {
    let subject = world.ledger().vault().lookup("question", &new_stream_id().to_string());
    shared::write_missing::<Question>(world.ledger(), questions(&subject)).await;
    shared::write_missing::<Answer>(world.ledger(), answers()).await;
    shared::write_missing::<Agent>(world.ledger(), agents()).await;
    shared::write_missing::<Engagement>(world.ledger(), engagements(&subject)).await;
}

pub async fn read(world: &World) {
    let asked = shared::read_all::<Question>(world.ledger(), "QuestionAsked").await.len();
    assert_eq!(asked, question::Event::VARIANTS.len());
    let published = shared::read_all::<Answer>(world.ledger(), "AnswerPublished").await.len();
    assert_eq!(published, answer::Event::VARIANTS.len());
    let kept = shared::read_all::<Agent>(world.ledger(), "AgentRegistered").await.len();
    assert_eq!(kept, agent::Event::VARIANTS.len());
    let helped = shared::read_all::<Engagement>(world.ledger(), "HelpAsked").await.len();
    assert_eq!(helped, engagement::Event::VARIANTS.len());
}
