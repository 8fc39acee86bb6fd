//! The board by example.

use yiwang_intake::application::Channel;
use yiwang_intake::catalogue::{Item, Standing};
use yiwang_intake::hall::{Absence, Presence, Way, board, is_day};

fn item(code: &str, channels: Vec<Channel>) -> Item {
    let mut item = Item { standing: Standing::InForce, ..Item::default() };
    item.facts.code = code.into();
    item.facts.details.channels = channels;
    item
}

fn presence(item: &str, way: Way, authorised: bool) -> Presence {
    Presence { hall: "H1".into(), item: item.into(), region: "511602000000".into(), way, authorised }
}

#[test]
fn the_board_names_who_is_missing_and_who_has_no_authority() {
    let mut gone = item("gone", Vec::new());
    gone.standing = Standing::Unknown;
    let items = [
        item("absent", Vec::new()),
        item("bare", vec![Channel::Window]),
        item("in", vec![Channel::Window, Channel::Web]),
        item("online", vec![Channel::Web]),
        item("out", vec![Channel::Window]),
        gone,
    ];
    let presences = [
        presence("bare", Way::Entrusted { organ: "街道".into() }, false),
        presence("in", Way::In, true),
        presence("out", Way::Out { reason: "涉密".into() }, false),
    ];
    let line = |item: &str, hall: Option<&str>| Absence {
        item: item.into(),
        name: String::new(),
        department: String::new(),
        hall: hall.map(str::to_owned),
    };
    assert_eq!(board(&items, &presences), [line("absent", None), line("bare", Some("H1"))]);
}

#[test]
fn a_day_of_the_year_is_one() {
    assert!(is_day("02-29") && is_day("12-31"));
    assert!(!is_day("02-30") && !is_day("2-1") && !is_day("") && !is_day("13-01"));
}
