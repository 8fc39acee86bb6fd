//! Every event of every release is still read.

use crate::house::{Engine, House, golden};
use strum::VariantNames as _;
use yiwang_ledger::{Personal, SubjectId};
use yiwang_license::key::{self, Key};
use yiwang_license::license::{CancelCause, Event, Holder, Issued, License, Officer};
use yiwang_license::register::{self, Register};

fn one_of_each() -> Vec<Event> {
    let subject = SubjectId::parse(&"ab".repeat(32)).unwrap();
    let personal = |field| Personal::new(&subject, field, "golden");
    let holder = Holder {
        name: personal("name"),
        document_kind: 1,
        document_number: personal("document_number"),
        subject: subject.clone(),
    };
    let issued = Issued {
        identifier: "1.2.156.3005.2.11100000000013338W011.11430000006122244L.20230000403.001.U".into(),
        type_code: "11100000000013338W011".into(),
        name: "公共场所卫生许可证".into(),
        number: "11430000006122244L-2026-000001".into(),
        issuer: "区行政审批局".into(),
        issuer_code: "11430000006122244L".into(),
        region: "511602000000".into(),
        item_code: "511A0015500009".into(),
        case_number: "51160220260001".into(),
        owner: "person:citizen".into(),
        owner_subject: Some(subject.clone()),
        holder,
        issued_on: "2026-03-16".parse().unwrap(),
        valid_to: "2030-03-15".parse().ok(),
        version: 1,
        payload: personal("payload"),
        signature: "3045".into(),
        key_id: "0123456789abcdef".into(),
        by: Officer {
            id: "staff:approver".into(),
            name: "刘明".into(),
            role: "approver".into(),
            organisation: "O".into(),
        },
    };
    let cancelled =
        Event::Cancelled { by: Officer::system(), cause: CancelCause::OtherByLaw, reason: personal("reason") };
    vec![Event::Issued(Box::new(issued)), Event::Expired {}, cancelled]
}

#[tokio::test]
async fn golden_entries_decode_and_evolve_and_none_is_missing() {
    let house = House::open(Engine::Sqlite, yiwang_license::NAME, "2026-03-16", yiwang_license::start).await.unwrap();
    let ledger = &house.ledger;
    golden::write_missing::<License>(ledger, one_of_each()).await;
    let taken = register::Event::NumberTaken { serial: 1, case_number: "51160220260001".into() };
    golden::write_missing::<Register>(ledger, vec![taken]).await;
    let key = key::Event::Introduced { key_id: "0123456789abcdef".into(), pem: "-----BEGIN PUBLIC KEY-----".into() };
    golden::write_missing::<Key>(ledger, vec![key]).await;
    let read = golden::read_all::<License>(ledger, "Issued").await;
    assert_eq!(read.len(), Event::VARIANTS.len(), "{read:?}");
    assert_eq!(golden::read_all::<Register>(ledger, "NumberTaken").await.len(), register::Event::VARIANTS.len());
    assert_eq!(golden::read_all::<Key>(ledger, "Introduced").await.len(), key::Event::VARIANTS.len());
}
