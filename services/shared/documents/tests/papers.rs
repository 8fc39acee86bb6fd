//! Every kind of document, as a file: its text can be taken out again, it is the same bytes every time, and its code can be read.

use rstest::rstest;
use strum::IntoEnumIterator as _;
use yiwang_documents::draft::{Draft, Grounds, Issuance, LastDay, NoGrounds, compose};
use yiwang_documents::font::Fonts;
use yiwang_documents::{Kind, LAYOUT, PdfError, Size, Text, qr, render, samples};
use yiwang_standards::{remedies::remedies, sm};

fn fonts() -> Fonts {
    Fonts::shipped().unwrap()
}

/// Its text without spaces and line breaks: lines break where they must.
fn read(pdf: &[u8]) -> String {
    let pages = pdf_extract::extract_text_from_mem_by_pages(pdf).unwrap();
    // a paragraph goes on behind a page's number
    let foot = |index: usize| format!("—{}/{}—", index + 1, pages.len());
    let bodies = pages.iter().enumerate().map(|(index, page)| squeezed(page).replace(&foot(index), ""));
    bodies.collect::<String>().chars().filter(|character| !character.is_whitespace()).collect()
}

fn squeezed(text: &str) -> String {
    text.chars().filter(|character| !character.is_whitespace()).collect()
}

fn sample(kind: Kind) -> Text {
    samples::texts().into_iter().find(|text| text.kind == kind).unwrap()
}

#[test]
fn there_is_a_sample_of_every_kind() {
    let kinds: Vec<Kind> = samples::texts().iter().map(|text| text.kind).collect();
    assert_eq!(kinds, Kind::iter().collect::<Vec<_>>());
}

#[rstest]
fn every_word_is_found_in_the_file(#[values(Size::Ordinary, Size::Large)] size: Size) {
    for text in samples::texts() {
        let found = read(&render(&text, size, &fonts()).unwrap());
        for words in words_of(&text) {
            assert!(found.contains(&squeezed(&words)), "{:?}: {words} is not in {found}", text.kind);
        }
    }
}

/// Title, number, every paragraph and cell, organ, date and check code.
fn words_of(text: &Text) -> Vec<String> {
    use yiwang_documents::Part;
    let mut words = vec![text.title.clone(), text.number.clone(), text.organ.clone(), text.check_code.clone()];
    words.push(yiwang_documents::day(text.date));
    words.extend(text.references.clone());
    for part in &text.parts {
        match part {
            Part::Lead(own) | Part::Paragraph(own) | Part::Signature(own) | Part::Title(own) => {
                words.extend(own.split_inclusive(['，', '。', '；', '：']).map(str::to_owned));
            }
            Part::Table { columns, rows } => {
                words.extend(columns.iter().map(|(head, _)| head.clone()));
                words.extend(rows.iter().flatten().filter(|cell| cell.chars().count() <= 8).cloned());
            }
        }
    }
    words.retain(|words| squeezed(words).chars().count() <= 24);
    words
}

#[rstest]
#[case(Kind::NonAcceptance)]
#[case(Kind::Refusal)]
#[case(Kind::Revocation)]
#[case(Kind::Deregistration)]
fn whoever_is_turned_down_reads_why_and_what_can_be_done(#[case] kind: Kind) {
    let found = read(&render(&sample(kind), Size::Ordinary, &fonts()).unwrap());
    for part in ["理由：", "救济途径：", "六十日", "行政复议", "六个月", "行政诉讼"] {
        assert!(found.contains(part), "{part} is not in {found}");
    }
}

#[rstest]
#[case("", "可以申请行政复议，也可以提起行政诉讼。", NoGrounds::Reasons)]
#[case(" \n", "可以申请行政复议，也可以提起行政诉讼。", NoGrounds::Reasons)]
#[case("不符合条件。", "", NoGrounds::Remedies)]
#[case("不符合条件。", "可以申请行政复议。", NoGrounds::Remedies)]
#[case("不符合条件。", "可以提起行政诉讼。", NoGrounds::Remedies)]
fn grounds_have_reasons_and_both_remedies(#[case] reasons: &str, #[case] remedies: &str, #[case] missing: NoGrounds) {
    assert_eq!(Grounds::new(reasons, remedies), Err(missing));
}

#[test]
fn the_remedies_that_refusals_are_told_are_such() {
    for organ in ["广安市广安区行政审批局", "国家税务总局广安市广安区税务局"] {
        assert!(Grounds::new("不符合条件。", &remedies(organ, "").zh).is_ok());
    }
}

/// A layout draws the same bytes in every release: a document's file is verified by its digest. Whoever changes what it draws,
/// a library or the font makes another layout (`LAYOUT`) and keeps these.
#[rstest]
fn a_layout_draws_the_same_bytes_for_ever(#[values(1, 2)] layout: u32) {
    assert!(layout <= LAYOUT);
    let digests = samples::texts().into_iter().flat_map(|text| {
        let text = Text { layout, ..text };
        [Size::Ordinary, Size::Large].map(|size| {
            let pdf = render(&text, size, &fonts()).unwrap();
            assert_eq!(pdf, render(&text, size, &fonts()).unwrap());
            format!("{} {size:?} {}\n", text.kind.prefix(), sm::to_hex(&sm::sm3(&pdf)))
        })
    });
    let digests: String = digests.collect();
    let path = format!("{}/tests/layout-{layout}.sm3", env!("CARGO_MANIFEST_DIR"));
    let write = std::env::var_os("YIWANG_WRITE_GOLDEN").is_some_and(|set| !set.is_empty());
    if write && !std::path::Path::new(&path).exists() {
        std::fs::write(&path, &digests).unwrap();
    }
    assert_eq!(digests, std::fs::read_to_string(&path).unwrap());
}

#[test]
fn the_code_leads_to_the_verification() {
    let text = sample(Kind::Grant);
    let squares = qr::squares(&text.address).unwrap();
    let quiet = 4;
    let side = (squares.side + 2 * quiet) * 4;
    let dark = |x: usize, y: usize| {
        let (x, y) = (x / 4, y / 4);
        let inside = |at: usize| (quiet..quiet + squares.side).contains(&at);
        inside(x) && inside(y) && squares.dark[(y - quiet) * squares.side + x - quiet]
    };
    let mut image = rqrr::PreparedImage::prepare_from_greyscale(side, side, |x, y| if dark(x, y) { 0 } else { 255 });
    let (_, content) = image.detect_grids()[0].decode().unwrap();
    assert_eq!(content, text.address);
    assert!(content.ends_with(&format!("{}:verify?check_code={}", text.number, text.check_code)));
}

#[test]
fn a_character_that_no_font_has_is_named_and_not_left_blank() {
    let rare = '\u{1F600}';
    let text = Text {
        addressee: format!("张{rare}"),
        parts: vec![yiwang_documents::Part::Lead(format!("张{rare}："))],
        ..sample(Kind::Receipt)
    };
    let PdfError::Missing(missing) = render(&text, Size::Ordinary, &fonts()).unwrap_err() else {
        panic!("another error")
    };
    assert_eq!(missing.0, rare);
}

#[test]
fn a_rare_name_is_drawn_with_the_font_that_has_it() {
    // 龘 and 𬱖: outside GB 2312, and outside the basic plane
    let text = Text { parts: vec![yiwang_documents::Part::Lead("龘𬱖：".to_owned())], ..sample(Kind::Receipt) };
    assert!(read(&render(&text, Size::Ordinary, &fonts()).unwrap()).contains("龘𬱖："));
}

#[test]
fn a_text_is_read_back_as_it_was_pinned() {
    for text in samples::texts() {
        let pinned = text.pinned();
        assert_eq!(Text::read(&pinned).unwrap(), text);
        assert_eq!(Text::digest(&pinned).len(), 64);
    }
}

#[test]
fn a_last_day_that_will_be_counted_again_says_so() {
    let told = |provisional| {
        let until = LastDay { date: "2027-01-01".parse().unwrap(), provisional };
        let (basis, by) = ("某法第八条".to_owned(), "10日".to_owned());
        let (approved_by, reason) = ("本行政机关负责人".to_owned(), "案情复杂".to_owned());
        let draft = Draft::Extension { accepted: until.date, basis, by, until, approved_by, reason };
        let sample = sample(Kind::Extension);
        let (number, check_code, address) = (sample.number, sample.check_code, sample.address);
        compose(&draft, &samples::matter(), &Issuance { number, date: until.date, check_code, address }).pinned()
    };
    let (firm, provisional) = (told(false), told(true));
    assert!(
        firm.contains("根据某法第八条的规定，经本行政机关负责人批准，办理期限延长10日，至2027年1月1日止"),
        "{firm}"
    );
    assert!(provisional.contains("2027年1月1日（暂定，放假安排公布后重新计算）止"), "{provisional}");
}

#[test]
fn what_no_licence_is_does_not_cite_the_licensing_law() {
    let matter = yiwang_documents::draft::Matter { licensing: false, ..samples::matter() };
    let sample = sample(Kind::Receipt);
    for draft in samples::drafts() {
        if matches!(draft, Draft::Receipt { .. } | Draft::Extension { .. }) {
            continue; // its rule is the application's, or the case's
        }
        let issuance = Issuance {
            number: sample.number.clone(),
            date: sample.date,
            check_code: sample.check_code.clone(),
            address: sample.address.clone(),
        };
        let text = compose(&draft, &matter, &issuance).pinned();
        assert!(!text.contains("行政许可法") && !text.contains("不予行政许可"), "{text}");
    }
}
