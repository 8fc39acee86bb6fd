//! The rules of answers, as configured.

use yiwang_intake::question::rules::{check, of};

#[test]
fn only_a_region_with_a_source_is_bound_by_one() {
    check().expect("data");
    let (anyang, guangan) = (of("410502000000"), of("511602000000"));
    assert_eq!((anyang.answer.days, anyang.extended.days, anyang.not_ours_hours), (5, 10, 24));
    assert!(!anyang.answer.unverified && guangan.answer.unverified && anyang.closing.unverified);
}
