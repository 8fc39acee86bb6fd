//! Words as they are searched: normal forms, pairs and initials.

use std::collections::BTreeSet;

use yiwang_intake::catalogue::words::{Gram, grams, initial_grams, initials, normal, terms};

#[test]
fn no_two_grams_have_the_same_number() {
    let texts = ["", "水", "食品", "品食", "~ab", "ab", "a", "b", "~a", "\u{10ffff}\u{10ffff}", "~\u{10ffff}"];
    let numbers: BTreeSet<Gram> = texts.into_iter().map(Gram::of).collect();
    assert_eq!(numbers.len(), texts.len());
}

#[test]
fn a_text_is_cut_into_pairs_of_characters() {
    assert_eq!(grams("食品(含)"), BTreeSet::from(["食品".to_owned(), "品含".to_owned()]));
    assert_eq!(grams("水"), BTreeSet::from(["水".to_owned()]));
    assert!(grams("（）").is_empty());
}

#[test]
fn what_people_say_is_joined_with_what_the_catalogue_calls_it() {
    let terms = terms("怎么开饭店");
    assert_eq!(terms.len(), 1);
    assert_eq!(terms[0].alternatives, [vec!["饭店"], vec!["食品经营许可", "核发"]]);
}

#[test]
fn initials_are_those_of_the_readings() {
    assert_eq!(initials("公司设立登记（甲）"), "gssldjj");
    assert_eq!(terms("gssl")[0].alternatives, [["GSSL"], ["~gssl"]]);
    assert!(initial_grams("gss").contains("~ss"));
}

#[test]
fn a_query_of_fillers_alone_is_searched_as_it_stands() {
    assert_eq!(terms("申请")[0].alternatives, [["申请"]]);
    assert!(terms("，。").is_empty());
}

#[test]
fn full_width_letters_are_ordinary_ones() {
    assert_eq!(normal("ＫＴＶ歌厅 "), "KTV歌厅");
}
