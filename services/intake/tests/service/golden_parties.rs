//! One of each event of mandates, bars, custody and what was accepted outside, for the golden bodies.

use yiwang_intake::application::{Actor, Party};
use yiwang_intake::bar;
use yiwang_intake::double::outside::{self, OutsideEvent};
use yiwang_intake::elsewhere::{self, CustodyEvent};
use yiwang_intake::mandate;
use yiwang_ledger::{Personal, StreamId, Vault};
use yiwang_standards::calendar::Calendar;

use crate::golden::market;
use crate::world::{HYGIENE, PLAIN};

pub fn mandates(vault: &Vault) -> Vec<mandate::MandateEvent> {
    let by = Actor { id: "person:citizen2".into(), ..Actor::system() };
    let party = |name: &str| {
        let subject = vault.lookup("golden", name);
        let name = Some(Personal::new(&subject, "principal.name", name));
        Party { subject, kind: None, name, number: None, phone: None, address: None }
    };
    let day = chrono::NaiveDate::from_ymd_opt(2026, 3, 16).unwrap();
    let principal = party("李秀英");
    let subject = principal.subject.clone();
    let reason = Personal::new(&subject, "mandate.reason", "例");
    let grant = mandate::Grant {
        principal,
        agent: party("张建国"),
        kind: mandate::Kind::Entrusted,
        items: vec![PLAIN.into()],
        acts: vec![mandate::Act::Apply],
        from: day,
        until: day,
        evidence: Some(Personal::new(&subject, "mandate.evidence", "授权委托书原件")),
        region: "511602000000".into(),
        helping: None,
    };
    vec![
        mandate::MandateEvent::MandateGranted { grant: Box::new(grant), by: by.clone() },
        mandate::MandateEvent::MandateRevoked { reason, by },
    ]
}

pub fn barred(vault: &Vault) -> Vec<bar::BarEvent> {
    let by = Actor { id: "staff:approver".into(), ..Actor::system() };
    let subject = vault.lookup("golden", "李秀英");
    let day = chrono::NaiveDate::from_ymd_opt(2026, 3, 16).unwrap();
    let bar = bar::Bar {
        number: 1,
        kind: bar::Kind::FalsePromise,
        item: HYGIENE.into(),
        organisation: market().code,
        region: "511602000000".into(),
        application: StreamId::named("application", "golden"),
        finding: Personal::new(&subject, "bar.finding", "例"),
        from: day,
        until: None,
        by: by.clone(),
        lifted: None,
    };
    vec![
        bar::BarEvent::BarRecorded { subject: subject.clone(), bar: Box::new(bar) },
        bar::BarEvent::BarLifted { number: 1, reason: Personal::new(&subject, "bar.lifted", "信用修复"), by },
    ]
}

pub fn outside() -> Vec<OutsideEvent> {
    let by = Actor { id: "staff:supervisor".into(), ..Actor::system() };
    let found = outside::Found {
        item: HYGIENE.into(),
        item_name: "公共场所卫生许可新办".into(),
        organ: market(),
        day: chrono::NaiveDate::from_ymd_opt(2026, 3, 2).unwrap(),
        number: "登字7号".into(),
        text: "在平台之外收件".into(),
    };
    let application = StreamId::named("application", "golden");
    vec![
        OutsideEvent::OutsideAcceptanceRecorded { found: Box::new(found), by: by.clone() },
        OutsideEvent::OutsideAcceptanceSettled {
            outcome: outside::Outcome::BroughtIn { application },
            text: "已补录".into(),
            by,
        },
    ]
}

pub fn kept(vault: &Vault) -> Vec<CustodyEvent> {
    let by = || Actor { id: "staff:clerk".into(), ..Actor::system() };
    let applicant = vault.lookup("golden", "张建国");
    let text = |field: &'static str, value: &str| Personal::new(&applicant, field, value);
    let rules = yiwang_intake::rules::elsewhere();
    let start = chrono::NaiveDate::from_ymd_opt(2026, 3, 2).unwrap();
    let due = rules.forward.due(start, Calendar::builtin());
    let matter = elsewhere::Matter {
        application: StreamId::named("application", "golden"),
        applicant: applicant.clone(),
        item: HYGIENE.into(),
        received_in: "511681000000".into(),
        region: "511602000000".into(),
        organ: market().code,
        rules,
    };
    let paper = elsewhere::Paper { material: "M01".into(), name: text("paper", "户口簿"), originals: 1, copies: 1 };
    let (parcel, here) = (1, elsewhere::Holder::Window("511681000000".into()));
    let to = elsewhere::Holder::Organ(market().code);
    vec![
        CustodyEvent::ParcelSealed {
            matter: Box::new(matter),
            direction: elsewhere::Direction::Out,
            seal: "S1".into(),
            papers: vec![paper],
            holder: here,
            due: due.clone(),
            by: by(),
            originals_only: false,
        },
        CustodyEvent::ParcelDueRecomputed { parcel, due: due.clone() },
        CustodyEvent::ParcelOverdue { parcel, due: due.clone() },
        CustodyEvent::ParcelHandedOver { parcel, to, carrier: "机要12号".into(), due: due.clone(), by: by() },
        CustodyEvent::ParcelConfirmed {
            parcel,
            seal_broken: true,
            discrepancy: Some(text("discrepancy", "少一份")),
            arrived: false,
            due: Some(due),
            by: by(),
        },
        CustodyEvent::ParcelLost { parcel, text: text("lost", "遗失"), by: by() },
        CustodyEvent::ParcelHandedOut { parcel, by: by(), collector: None },
    ]
}
