//! Licence identifiers, item codes and kinds of cases against real ones.

use std::collections::HashSet;

use iso_7064::MOD37_36;
use proptest::prelude::*;
use yiwang_standards::{
    codes::CaseKind,
    item_code::{ItemCode, MAX_LEN},
    license_id::{LicenseId, LicenseIdError, check_character},
    uscc,
};

const IDENTIFIERS: &str = include_str!("vectors/identifiers.csv");
const ITEMS: &str = include_str!("vectors/item_codes.csv");
const SAMPLE: &str = "1.2.156.3005.2.11100000000013338W011.11430000006122244L.20230000403.001.U";

fn items() -> Vec<&'static str> {
    ITEMS.lines().skip(1).map(|line| line.split_once(',').unwrap().0).collect()
}

#[test]
fn every_licence_identifier_vector_is_judged_right() {
    let rows: Vec<Vec<&str>> = IDENTIFIERS.lines().map(|line| line.splitn(4, ',').collect()).collect();
    let rows: Vec<_> = rows.into_iter().filter(|row| row[0] == "elic").collect();
    assert_eq!(rows.len(), 4);
    for row in rows {
        let read = LicenseId::parse(row[1]);
        assert_eq!(read.is_ok(), row[2] == "1", "{row:?}");
        assert!(read.is_ok() || read == Err(LicenseIdError::Check));
    }
}

#[test]
fn the_sample_of_the_check_characters_standard_comes_out() {
    assert_eq!(check_character("A12425GABC1234002"), Some('M'));
    assert_eq!(
        check_character("11100000000013661B006113700000045046442209FA4E88F9E4C878F3E9BED2CE7EA49001"),
        Some('D')
    );
}

#[test]
fn a_licence_identifier_is_built_and_taken_apart() {
    let id = LicenseId::new("11100000000013338W011", "11430000006122244L", "20230000403", 1).unwrap();
    assert_eq!(id.as_str(), SAMPLE);
    assert_eq!((id.license_type(), id.issuer()), ("11100000000013338W011", "11430000006122244L"));
    assert_eq!((id.serial(), id.version()), ("20230000403", 1));
}

#[test]
fn the_next_version_keeps_all_but_version_and_check() {
    let id = LicenseId::parse(SAMPLE).unwrap();
    let next = id.next_version().unwrap();
    assert_eq!((next.serial(), next.version()), (id.serial(), 2));
    let last = LicenseId::new(id.license_type(), id.issuer(), id.serial(), 999).unwrap();
    assert_eq!(last.next_version(), Err(LicenseIdError::Version));
}

#[test]
fn each_field_of_a_licence_identifier_is_checked() {
    let kind = "11100000000013338W011";
    let built = |kind: &str, issuer: &str, serial: &str, version| {
        LicenseId::new(kind, issuer, serial, version).unwrap_err().reason()
    };
    assert_eq!(built("11100000000013338X011", "340100", "1", 1), "LICENSE_ID_TYPE");
    assert_eq!(built(kind, "3401-00", "1", 1), "LICENSE_ID_ISSUER");
    assert_eq!(built(kind, "340100", &"1".repeat(33), 1), "LICENSE_ID_SERIAL");
    assert_eq!(built(kind, "340100", "1", 0), "LICENSE_ID_VERSION");
    assert_eq!(built(kind, "340100", "1", 1000), "LICENSE_ID_VERSION");
    for text in
        ["", "1.2.156.3005.2", "1.2.156.3005.3.a.b.c.d.e", "1.2.156.3005.2.a.b.c.d.e.f", "1.2.156.3005.2a.b.c.d.e"]
    {
        assert_eq!(LicenseId::parse(text).unwrap_err().reason(), "LICENSE_ID_LAYOUT", "{text}");
    }
}

#[test]
fn a_licence_identifier_is_checked_when_it_is_read_from_storage() {
    let stored = serde_json::to_string(&LicenseId::parse(SAMPLE).unwrap()).unwrap();
    assert_eq!(serde_json::from_str::<LicenseId>(&stored).unwrap().as_str(), SAMPLE);
    assert!(serde_json::from_str::<LicenseId>(&stored.replace(".U", ".V")).is_err());
}

#[test]
fn every_real_item_code_is_taken_as_it_is() {
    let codes: HashSet<ItemCode> = items().iter().map(|code| ItemCode::parse(code).unwrap()).collect();
    assert_eq!(codes.len(), 1135);
    assert!(items().iter().all(|code| ItemCode::parse(code).unwrap().as_str() == *code));
    assert!(items().iter().map(|code| code.len()).max().unwrap() <= MAX_LEN);
}

#[test]
fn malformed_item_codes_are_refused_by_reason() {
    let refused = |text: &str| ItemCode::parse(text).unwrap_err().reason();
    assert_eq!(refused(" "), "ITEM_CODE_EMPTY");
    assert_eq!(refused(&"5".repeat(65)), "ITEM_CODE_TOO_LONG");
    for text in ["511A/0001", "-511A", "511A-", "事项", "511A 0001", "511A'--1"] {
        assert_eq!(refused(text), "ITEM_CODE_CHARACTER", "{text}");
    }
}

#[test]
fn a_case_kind_is_stored_by_its_name_in_small_letters() {
    let names =
        [CaseKind::Immediate, CaseKind::Promised, CaseKind::Other].map(|kind| serde_json::to_value(kind).unwrap());
    assert_eq!(names, ["immediate", "promised", "other"]);
}

proptest! {
    #[test]
    fn our_check_character_is_the_one_of_another_implementation(text in "[0-9A-Z]{1,80}") {
        prop_assert_eq!(check_character(&text), Some(MOD37_36.compute(&text).unwrap()[0]));
    }

    #[test]
    fn a_built_licence_identifier_reads_back_the_same(
        organ in "[0-9A-HJ-NPQRTUWXY]{17}", kind in "[0-9]{3}", issuer in "[0-9A-Z]{1,18}", serial in "[0-9A-Z]{1,32}",
        version in 1_u16..1000,
    ) {
        let kind = format!("{organ}{}{kind}", uscc::check_character(&organ).unwrap());
        let id = LicenseId::new(&kind, &issuer, &serial, version).unwrap();
        prop_assert_eq!(&LicenseId::parse(&format!(" {} ", id.as_str().to_lowercase())).unwrap(), &id);
        prop_assert_eq!((id.issuer(), id.serial(), id.version()), (&*issuer, &*serial, version));
    }

    #[test]
    fn a_changed_serial_is_refused(at in 0_usize..11, to in "[0-9A-Z]") {
        let start = SAMPLE.find("20230000403").unwrap();
        let mut text = SAMPLE.to_owned();
        text.replace_range(start + at..start + at + 1, &to);
        prop_assert!(text == SAMPLE || LicenseId::parse(&text) == Err(LicenseIdError::Check));
    }

    #[test]
    fn any_text_is_read_or_refused(text in "(1\\.2\\.156\\.3005\\.2)?\\PC{0,60}") {
        let _ = LicenseId::parse(&text);
        let _ = ItemCode::parse(&text);
    }
}
