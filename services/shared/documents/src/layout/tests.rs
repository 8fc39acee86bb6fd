//! Nothing is cut off: whatever is written, everything of it lies within the margins of some page.

use proptest::prelude::*;
use strum::IntoEnumIterator as _;

use super::*;
use crate::samples;
use crate::seal;

fn sheets(text: &Text, size: Size) -> Sheets {
    layout(text, size, &Fonts::shipped().unwrap()).unwrap()
}

/// What of the text stands where no page's margins are.
fn outside(sheets: &Sheets) -> Vec<String> {
    let fits = |left: f32, right: f32, top: f32, bottom: f32| {
        left >= LEFT - 0.5 && right <= RIGHT + 0.5 && top >= TOP - 0.5 && bottom <= BOTTOM + 0.5
    };
    let body = sheets.pages.iter().flatten().filter(|drawn| drawn.node.is_some());
    body.filter(|drawn| {
        let (x, y) = drawn.at;
        !match &drawn.mark {
            Mark::Line { line, size, .. } => fits(x, x + line.ems * size, y - size * 0.9, y + size * 0.3),
            Mark::Qr { side, .. } => fits(x, x + side, y, y + side),
            Mark::Seal { .. } => fits(x - SEAL / 2.0, x + SEAL / 2.0, y - SEAL / 2.0, y + SEAL / 2.0),
            Mark::Rule { .. } => true,
        }
    })
    .map(|drawn| format!("{drawn:?}"))
    .collect()
}

/// All characters of the body, in their order.
fn written(sheets: &Sheets) -> String {
    let body = sheets.pages.iter().flatten().filter(|drawn| drawn.node.is_some());
    let lines = body.filter_map(|drawn| match &drawn.mark {
        Mark::Line { line, .. } => Some(line.set.iter().map(|set| set.character).collect::<String>()),
        _ => None,
    });
    lines.collect()
}

/// What is laid out as it is today, and as the first release did.
fn pages(text: &Text, layout: u32, size: Size) -> usize {
    sheets(&Text { layout, ..text.clone() }, size).pages.len()
}

#[test]
fn the_seal_stays_with_the_text_where_closer_lines_make_room() {
    let texts = samples::texts();
    let promise = texts.iter().find(|text| text.kind == crate::Kind::Promise).unwrap();
    assert_eq!((pages(promise, 1, Size::Ordinary), pages(promise, 2, Size::Ordinary)), (2, 1));
    for (text, size) in texts.iter().flat_map(|text| Size::iter().map(move |size| (text, size))) {
        assert!(pages(text, 2, size) <= pages(text, 1, size), "{:?}", text.kind);
    }
}

/// Texts of characters that typesetting treats differently.
fn words() -> impl Strategy<Value = String> {
    prop::collection::vec(
        prop::sample::select(vec![
            "经营",
            "场所",
            "（",
            "）",
            "，",
            "。",
            "《",
            "》",
            "ABCD-0123",
            " ",
            "1",
            "“",
            "”",
            "…",
            "\n",
        ]),
        0..400,
    )
    .prop_map(|all| all.concat())
}

#[test]
fn every_sample_lies_within_the_margins() {
    for (text, size) in samples::texts().iter().flat_map(|text| Size::iter().map(move |size| (text, size))) {
        assert_eq!(outside(&sheets(text, size)), Vec::<String>::new(), "{:?}", text.kind);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn nothing_is_cut_off_or_lost(paragraph in words(), cell in words(), organ in "[审批局]{1,80}", large in any::<bool>()) {
        let columns = vec![("材料".to_owned(), 1), ("内容".to_owned(), 2)];
        let rows = vec![vec![cell.clone(), cell.clone()], vec![paragraph.clone(), String::new()]];
        let text = Text {
            organ,
            parts: vec![Part::Paragraph(paragraph.clone()), Part::Table { columns, rows }, Part::Signature(cell)],
            ..samples::texts().swap_remove(0)
        };
        let sheets = sheets(&text, if large { Size::Large } else { Size::Ordinary });
        prop_assert_eq!(outside(&sheets), Vec::<String>::new());
        let said: String = paragraph.chars().filter(|character| !character.is_control()).collect();
        prop_assert!(written(&sheets).contains(&said));
    }

    #[test]
    fn a_seals_name_stays_within_its_circle_and_does_not_meet_itself(name in "[广安区行政审批局]{1,60}") {
        let (size, places) = seal::around(&lines::set(&Fonts::shipped().unwrap(), &name).unwrap());
        for place in &places {
            let (x, y) = place.at;
            prop_assert!(x.hypot(y) + size <= seal::RADIUS - seal::STROKE / 2.0);
            prop_assert!(place.turned.abs() < 140.0);
        }
    }
}

#[test]
fn no_line_begins_with_what_closes_or_ends_with_what_opens() {
    let fonts = Fonts::shipped().unwrap();
    let text = "根据《中华人民共和国行政许可法》（2019年修正）的规定，本机关决定：不予受理。".repeat(8);
    for width in 8..40_u8 {
        for line in lines::broken(&fonts, &text, f32::from(width), 2.0).unwrap() {
            let (first, last) = (line.set[0].character, line.set[line.set.len() - 1].character);
            assert!(!"，。、：）》".contains(first) && !"（《".contains(last), "{width}: {first} … {last}");
        }
    }
}
