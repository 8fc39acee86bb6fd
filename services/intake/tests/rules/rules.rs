//! The rules of a region, as configured.

use yiwang_intake::catalogue::handling::Consequence;
use yiwang_intake::rules::{all, in_region};

#[test]
fn only_licensing_is_deemed_accepted() {
    let deemed: Vec<_> =
        all().expect("data").iter().filter(|set| set.deemed_acceptance).map(|set| &*set.name).collect();
    assert_eq!(deemed, ["licensing", "licensing-promise"]);
}

#[test]
fn a_place_may_be_stricter_and_no_place_makes_the_law() {
    let (here, there) = (in_region("licensing", "511602000000"), in_region("licensing", "371602000000"));
    assert_eq!((here.late, here.tell_sooner.is_some()), (Consequence::Withdrawn, false));
    assert_eq!((there.late, there.deferral_late), (Consequence::Refused, Consequence::Refused));
    // 滨州 tells within two days; the law accepts after five all the same
    assert_eq!((there.tell_sooner.map(|limit| limit.days), there.tell_once.days), (Some(2), 5));
    assert_eq!(in_region("licensing", "410502000000").late, Consequence::Withdrawn);
}

#[test]
fn what_no_statute_says_is_marked() {
    for set in all().expect("data") {
        assert_eq!(set.tell_once.unverified, !set.deemed_acceptance, "{}", set.name);
        assert!(set.correction.unverified && !set.correction.basis.is_empty(), "{}", set.name);
    }
}
