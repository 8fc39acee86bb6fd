//! One of each event of deliveries.

use chrono::NaiveDate;
use yiwang_intake::application::{Actor, Party};
use yiwang_intake::delivery::{Collector, Compartment, Event, Facts, Left, Manner, Move, Part, Recipient, Served};
use yiwang_intake::limit::{Limit, Source, Unit};
use yiwang_ledger::{Personal, StreamId, Timestamp, Vault};
use yiwang_standards::calendar::Calendar;
use yiwang_standards::identity::DocumentKind;

use crate::world::HYGIENE;

pub fn deliveries(vault: &Vault) -> Vec<Event> {
    let by = || Actor { id: "staff:clerk".into(), ..Actor::system() };
    let subject = vault.lookup("golden", "张建国");
    let personal = |field, text: &str| Personal::new(&subject, field, text);
    let application = StreamId::named("application", "golden");
    let date = NaiveDate::from_ymd_opt(2026, 3, 2).unwrap();
    let addressee = Party {
        subject: subject.clone(),
        kind: Some(DocumentKind::ResidentId),
        name: Some(personal("applicant.name", "张建国")),
        number: None,
        phone: None,
        address: None,
    };
    let part = Part {
        application,
        item: HYGIENE.into(),
        name: "公共场所卫生许可新办".into(),
        organisation: "115113016823646795".into(),
        case_number: "1".into(),
        due: None,
    };
    let facts = Facts {
        parts: vec![part.clone()],
        addressee: addressee.clone(),
        audiences: vec![subject.audience()],
        region: "511602000000".into(),
        decided: date,
    };
    let limit =
        Limit { days: 10, unit: Unit::WorkingDay, basis: "例".into(), source: Source::Statute, ..Limit::default() };
    let due = || limit.due(date, Calendar::builtin());
    let recipient = Recipient {
        name: personal("recipient.name", "张建国"),
        phone: personal("recipient.phone", "13812345678"),
        address: personal("recipient.address", "滨江路88号"),
    };
    let number = || "YJ1".to_owned();
    let moves = || vec![Move { at: Timestamp(1), text: personal("parcel", "已揽收") }];
    let compartment = Compartment {
        site: "GA-01".into(),
        number: "A1".into(),
        code: personal("locker.code", "12345678"),
        expires: Timestamp(2),
        wrong: 0,
    };
    let left = Left {
        reason: personal("left.reason", "拒收"),
        place: personal("left.place", "住所"),
        witnesses: vec![personal("witness", "李四")],
        evidence: "影像1".into(),
    };
    let served = Served { application, name: "许可证".into(), number: "1".into(), license: "L".into() };
    vec![
        Event::DeliveryOpened { facts: Box::new(facts), due: Some(due()), gathers_until: Some(due()) },
        Event::PartAdded {
            part: Box::new(Part { application: StreamId::named("application", "golden two"), ..part }),
            audiences: vec![subject.audience()],
            decided: date,
            gathers_until: None,
        },
        Event::DeliveryGathered { without: vec![StreamId::named("application", "golden two")] },
        Event::ResultReady { result: served },
        Event::DeliveryDueRecomputed { due: due() },
        Event::DeliveryOverdue { due: due() },
        Event::MannerChosen { manner: Manner::Post(Box::new(recipient)), by: by() },
        Event::DeliveryDispatched { number: number(), by: by(), carrier: "示例".into() },
        Event::CarrierAsked { number: number() },
        Event::ParcelMoved { number: number(), tracking: "E1".into(), moves: moves(), ask_at: Timestamp(2) },
        Event::ParcelReturned {
            number: number(),
            moves: moves(),
            reason: personal("parcel", "查无此人"),
            by: Some(by()),
        },
        Event::ParcelContradicted { number: number(), moves: moves() },
        Event::ParcelLost { number: number(), moves: moves(), reason: personal("parcel", "丢失"), by: None },
        Event::ResultRemade { number: String::new(), by: by(), numbers: vec![(application, "2".into())] },
        Event::PutInLocker { compartment: Box::new(compartment), by: by() },
        Event::LockerCodeWrong,
        Event::LockerLapsed,
        Event::PutBack { by: by() },
        Event::ParcelDelivered {
            number: number(),
            moves: moves(),
            signed_by: Some(personal("parcel", "张建国")),
            late: false,
        },
        Event::ResultCollected {
            collector: Box::new(Collector { party: addressee, mandate: None }),
            late: false,
            by: by(),
        },
        Event::TakenFromLocker { late: false, by: by() },
        Event::ArrivedElectronically { late: true },
        Event::DeliveryLeft { left: Box::new(left), late: false, by: by() },
        Event::ProofIssued { application, number: "SD1".into() },
    ]
}
