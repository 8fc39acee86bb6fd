//! Every event of every release is still read.

use crate::house::{Engine, House, golden};
use strum::VariantNames as _;
use yiwang_evaluation::evaluation::{Duty, Evaluation, Event, Finding, Officer, Right, Satisfaction};
use yiwang_ledger::{Personal, SubjectId, Timestamp};
use yiwang_standards::calendar::{Due, Limit};

fn one_of_each() -> Vec<Event> {
    let subject = SubjectId::parse(&"ab".repeat(32)).unwrap();
    let personal = |field| Personal::new(&subject, field, "golden");
    let right = Right {
        case_number: "51160220260001".into(),
        service_number: 1,
        item_code: "511A0015500009".into(),
        item_name: "公共场所卫生许可新办".into(),
        department: "区卫健局".into(),
        department_code: "11511301008778490F".into(),
        region: "511602000000".into(),
        service_name: "作出准予决定".into(),
        service_time: Timestamp(1_773_622_800_000_000),
        handlers: vec!["staff:approver".into()],
        owner: "person:citizen".into(),
        owner_subject: Some(subject.clone()),
        name: personal("name"),
        document_kind: 1,
        document_number: personal("document_number"),
        subject: subject.clone(),
    };
    let limit = Limit { days: 1, basis: "《安阳市政务服务条例》第五十二条".into(), ..Limit::default() };
    let due = Due {
        date: "2027-01-01".parse().unwrap(),
        start: "2026-12-31".parse().unwrap(),
        limit,
        missing_years: vec![2027],
        warn: None,
        zh: "一个工作日内核实".into(),
        en: "within one working day".into(),
    };
    let duty = Duty { due, overdue: false };
    let rated = Event::Rated {
        satisfaction: Satisfaction::Dissatisfied,
        tags: vec![personal("tag")],
        text: Some(personal("text")),
        channel: 1,
        anonymous: false,
        duty: Some(duty.clone()),
    };
    let by =
        Officer { id: "staff:clerk".into(), name: "王晓燕".into(), role: "clerk".into(), organisation: "O".into() };
    vec![
        Event::RightOpened(Box::new(right)),
        rated,
        Event::Replied { finding: Finding::Rectified, text: personal("reply"), by, late: false },
        Event::VerificationOverdue { due: duty.due.date },
        Event::DueDateRecomputed { duty },
    ]
}

#[tokio::test]
async fn golden_entries_decode_and_evolve_and_none_is_missing() {
    let open = House::open(Engine::Sqlite, yiwang_evaluation::NAME, "2026-03-16", yiwang_evaluation::start);
    let house = open.await.unwrap();
    golden::write_missing::<Evaluation>(&house.ledger, one_of_each()).await;
    let read = golden::read_all::<Evaluation>(&house.ledger, "RightOpened").await;
    assert_eq!(read.len(), Event::VARIANTS.len(), "{read:?}");
}
