//! Identity numbers, organisations' codes and phones: the given vectors, each refusal by name, and properties.

use chrono::{Days, NaiveDate};
use proptest::prelude::*;
use yiwang_standards::{
    identity::{
        DocumentKind::{self, *},
        Gender, IdentityError, bearer, check_character, mask_name, mask_number, normalise, phone, validate,
    },
    uscc,
};

const VECTORS: &str = include_str!("vectors/identifiers.csv");
const STANDARD: &str = "11010519491231002X";

fn reason(kind: DocumentKind, number: &str) -> &'static str {
    validate(kind, number).unwrap_err().reason()
}

fn vectors(kind: &str) -> Vec<(&'static str, bool)> {
    let rows = VECTORS.lines().skip(1).map(|line| line.splitn(4, ',').collect::<Vec<_>>());
    rows.filter(|row| row[0] == kind).map(|row| (row[1], row[2] == "1")).collect()
}

#[test]
fn every_citizen_number_vector_is_judged_right() {
    let vectors = vectors("gb11643");
    assert_eq!(vectors.len(), 3);
    for (number, valid) in vectors {
        assert_eq!(validate(ResidentId, number).is_ok(), valid, "{number}");
    }
}

#[test]
fn every_organisation_code_vector_is_judged_right() {
    let vectors = vectors("gb32100");
    assert_eq!(vectors.len(), 11);
    for (code, valid) in vectors {
        assert_eq!(uscc::is_valid(code), valid, "{code}");
        assert_eq!(validate(Uscc, code).is_ok(), valid, "{code}");
    }
}

#[test]
fn a_citizen_number_tells_birth_date_gender_and_area() {
    let id = validate(ResidentId, STANDARD).unwrap();
    assert_eq!(id.birth_date(), NaiveDate::from_ymd_opt(1949, 12, 31));
    assert_eq!((id.gender(), id.area()), (Some(Gender::Female), Some("110105")));
    assert_eq!(validate(ResidentId, "440524188001010014").unwrap().gender(), Some(Gender::Male));
}

#[test]
fn each_fault_of_a_citizen_number_has_its_reason() {
    assert_eq!(reason(ResidentId, " "), "IDENTITY_NUMBER_EMPTY");
    assert_eq!(reason(ResidentId, "110105491231002"), "CITIZEN_NUMBER_LENGTH");
    assert_eq!(reason(ResidentId, "1101051949123100Z2"), "CITIZEN_NUMBER_CHARACTER");
    assert_eq!(reason(ResidentId, "11010519491231002Y"), "CITIZEN_NUMBER_CHARACTER");
    assert_eq!(reason(ResidentId, "99010519491231002X"), "CITIZEN_NUMBER_AREA");
    assert_eq!(reason(ResidentId, "110105194902300020"), "CITIZEN_NUMBER_BIRTH_DATE");
    assert_eq!(reason(ResidentId, "110105194912310021"), "CITIZEN_NUMBER_CHECK_DIGIT");
    assert_eq!(reason(ResidentId, "一一010519491231002X"), "CITIZEN_NUMBER_LENGTH");
}

#[test]
fn full_width_lower_case_and_blanks_are_no_fault() {
    let id = validate(ResidentId, "　１１０１０５ 19491231\u{200b}002ｘ ").unwrap();
    assert_eq!(id.number(), STANDARD);
    assert_eq!(validate(Uscc, " 91350100m000100y43").unwrap().number(), "91350100M000100Y43");
}

#[test]
fn a_number_shows_itself_masked_in_logs() {
    let id = validate(ResidentId, STANDARD).unwrap();
    assert_eq!(format!("{id:?}"), "Normalised(ResidentId, 110***********002X)");
    assert_eq!(id.masked(), "110***********002X");
}

#[test]
fn no_error_repeats_the_number() {
    for error in IdentityError::ALL {
        let text = format!("{error} {}", error.reason());
        assert!(error.reason().bytes().all(|c| c.is_ascii_uppercase() || c == b'_'), "{text}");
        assert!(!error.zh().is_empty() && error.en().is_ascii());
    }
}

#[test]
fn a_bearer_born_tomorrow_is_refused() {
    let today = NaiveDate::from_ymd_opt(1949, 12, 30).unwrap();
    let id = validate(ResidentId, STANDARD).unwrap();
    assert_eq!(id.clone().born_by(today).unwrap_err().reason(), "BIRTH_DATE_IN_FUTURE");
    assert!(id.born_by(today + Days::new(1)).is_ok());
}

#[test]
fn a_passport_has_no_check_digit_and_is_welcome() {
    for number in ["E12345678", "EA1234567", "ab 123456", "12345", "X1234567890123456"] {
        assert!(validate(Passport, number).is_ok(), "{number}");
    }
    assert_eq!(reason(Passport, "E123"), "PASSPORT_NUMBER_FORMAT");
    assert_eq!(reason(Passport, "E12345678/1"), "PASSPORT_NUMBER_FORMAT");
    assert_eq!(validate(Passport, "E12345678").unwrap().birth_date(), None);
}

#[test]
fn travel_passes_are_judged_by_their_own_form() {
    assert!(validate(HongKongMacauPass, "H12345678").is_ok() && validate(HongKongMacauPass, "m1234567890").is_ok());
    assert_eq!(reason(HongKongMacauPass, "A12345678"), "HK_MACAU_PASS_FORMAT");
    assert!(validate(TaiwanPass, "12345678").is_ok() && validate(TaiwanPass, "1234567890(B)").is_ok());
    assert_eq!(reason(TaiwanPass, "1234567"), "TAIWAN_PASS_FORMAT");
}

#[test]
fn a_bearer_is_the_same_however_the_number_is_written() {
    let pass = |number: &str| bearer(TaiwanPass, number);
    for written in ["1234567890", "1234567890B", "1234567890(B)", "１２３４５６７８９０（b）"] {
        assert_eq!(pass(written), "1234567890", "{written}");
    }
    assert_ne!(pass("1234567890"), pass("1234567891"));
    assert_eq!((bearer(Passport, "e1234567a"), bearer(ResidentId, STANDARD)), ("E1234567A".into(), STANDARD.into()));
}

fn numbered(body: &str) -> String {
    format!("{body}{}", check_character(body).unwrap())
}

#[test]
fn residence_permits_are_checked_like_citizen_numbers_in_their_own_areas() {
    let (hong_kong, taiwan) = (numbered("81000019900101001"), numbered("83000019900101001"));
    assert!(validate(HongKongMacauPermit, &hong_kong).is_ok() && validate(TaiwanPermit, &taiwan).is_ok());
    assert_eq!(reason(TaiwanPermit, &hong_kong), "RESIDENCE_PERMIT_AREA");
    assert_eq!(reason(HongKongMacauPermit, STANDARD), "RESIDENCE_PERMIT_AREA");
    assert_eq!(reason(ResidentId, &hong_kong), "CITIZEN_NUMBER_RESIDENCE_PERMIT");
}

#[test]
fn a_foreign_permanent_residence_card_of_either_version_is_taken() {
    let card = numbered("91184019900101001");
    assert!(validate(ForeignPermanentResidence, &card).is_ok());
    assert!(validate(ForeignPermanentResidence, "usa110078101410").is_ok());
    assert_eq!(reason(ForeignPermanentResidence, STANDARD), "FOREIGN_PERMANENT_RESIDENCE_FORMAT");
    let wrong = format!("{}{}", &card[..17], if card.ends_with('1') { '2' } else { '1' });
    assert_eq!(reason(ForeignPermanentResidence, &wrong), "FOREIGN_PERMANENT_RESIDENCE_CHECK_DIGIT");
}

#[test]
fn organisations_codes_are_refused_by_reason() {
    assert_eq!(reason(Uscc, "9135010"), "USCC_LENGTH");
    assert_eq!(reason(Uscc, "TE5116020105116050"), "USCC_CHECK_CHARACTER");
    assert_eq!(reason(Uscc, "SE5116020105116050"), "USCC_CHARACTER");
    assert_eq!(uscc::check_character("91350100M000100Y4"), Some('3'));
}

#[test]
fn other_documents_take_letters_digits_and_chinese() {
    assert!(validate(Other, "军字第1234567号").is_ok());
    assert_eq!(reason(Other, "<script>"), "DOCUMENT_NUMBER_FORMAT");
    assert_eq!(reason(Other, &"1".repeat(41)), "DOCUMENT_NUMBER_FORMAT");
}

#[test]
fn kinds_are_found_by_name_and_code() {
    for kind in DocumentKind::ALL {
        assert_eq!(DocumentKind::parse(kind.name()), Some(kind));
        assert_eq!(serde_json::to_value(kind).unwrap(), kind.name());
    }
    assert_eq!((DocumentKind::parse("111"), DocumentKind::parse("414")), (Some(ResidentId), Some(Passport)));
    assert_eq!((DocumentKind::parse("990"), DocumentKind::parse("42")), (Some(Other), None));
}

#[test]
fn mobile_numbers_are_spelled_once() {
    for text in ["13812341234", "+86 138-1234-1234", "86 13812341234", "１３８12341234", "008613812341234"] {
        assert_eq!(phone(text).unwrap(), "13812341234", "{text}");
    }
    for text in ["12812341234", "1381234123", "23812341234", "1381234123a", ""] {
        assert_eq!(phone(text).unwrap_err().reason(), "PHONE_FORMAT", "{text}");
    }
}

#[test]
fn fixed_lines_need_their_area_code() {
    assert_eq!(phone("(0826) 2222222").unwrap(), "0826-2222222");
    assert_eq!(phone("010-12345678-801").unwrap(), "010-12345678-801");
    assert_eq!(phone("13812341234").unwrap(), "13812341234");
    assert_eq!(phone("2222222").unwrap_err().reason(), "PHONE_FORMAT");
}

#[test]
fn masks_hide_what_they_should() {
    assert_eq!(
        (mask_name("张三"), mask_name("欧阳娜娜"), mask_name("李")),
        ("张*".into(), "欧***".into(), "李*".into())
    );
    assert_eq!((mask_name("Jonathan Smith"), mask_name("")), ("J***".into(), String::new()));
    assert_eq!(
        (mask_number("E12345678"), mask_number("12345"), mask_number("12")),
        ("E1****678".into(), "1****".into(), "**".into())
    );
}

fn citizen() -> impl Strategy<Value = String> {
    (prop::sample::select(vec!["110105", "440524", "511602", "650102"]), 0_u64..60_000, 0_u32..1000).prop_map(
        |(area, day, sequence)| {
            let born = NaiveDate::from_ymd_opt(1880, 1, 1).unwrap() + Days::new(day);
            numbered(&format!("{area}{}{sequence:03}", born.format("%Y%m%d")))
        },
    )
}

fn changed(text: &str, at: usize, to: char) -> Option<String> {
    let mut chars: Vec<char> = text.chars().collect();
    (chars[at] != to).then(|| {
        chars[at] = to;
        chars.into_iter().collect()
    })
}

proptest! {
    #[test]
    fn a_computed_citizen_number_is_valid_and_any_changed_character_is_not(
        number in citizen(), at in 0_usize..18, to in prop::sample::select("0123456789X".chars().collect::<Vec<_>>()),
    ) {
        prop_assert!(validate(ResidentId, &number).is_ok());
        if let Some(other) = changed(&number, at, to) {
            prop_assert!(validate(ResidentId, &other).is_err());
        }
    }

    #[test]
    fn swapped_neighbours_of_a_citizen_number_are_refused(number in citizen(), at in 0_usize..16) {
        let mut bytes = number.clone().into_bytes();
        bytes.swap(at, at + 1);
        let swapped = String::from_utf8(bytes).unwrap();
        prop_assert!(swapped == number || validate(ResidentId, &swapped).is_err());
    }

    #[test]
    fn any_changed_character_of_an_organisation_code_is_refused(
        body in "[0-9A-HJ-NPQRTUWXY]{17}", at in 0_usize..18,
        to in prop::sample::select("0123456789ABCDEFGHJKLMNPQRTUWXY".chars().collect::<Vec<_>>()),
    ) {
        let code = format!("{body}{}", uscc::check_character(&body).unwrap());
        prop_assert!(uscc::is_valid(&code));
        if let Some(other) = changed(&code, at, to) {
            prop_assert!(!uscc::is_valid(&other));
        }
    }

    #[test]
    fn normalising_twice_is_normalising_once(text in "\\PC{0,40}") {
        let once = normalise(&text);
        prop_assert_eq!(normalise(&once), once);
    }

    #[test]
    fn any_text_is_judged_under_every_kind_and_masked_without_its_middle(text in "\\PC{0,40}") {
        for kind in DocumentKind::ALL {
            if let Ok(number) = validate(kind, &text) {
                prop_assert_eq!(validate(kind, number.number()).unwrap(), number);
            }
        }
        let _ = (phone(&text), mask_name(&text));
        prop_assert_eq!(mask_number(&text).chars().count(), text.chars().count());
    }
}
