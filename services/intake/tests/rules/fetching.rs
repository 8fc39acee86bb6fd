//! Which papers can be fetched instead of being brought.

use yiwang_intake::fetching::{check, obtainable};

#[test]
fn what_can_be_had_is_told_by_its_name() {
    check().expect("data");
    assert_eq!(obtainable("营业执照（副本复印件）"), Some("营业执照"));
    assert_eq!(obtainable(" 居民身份证 "), Some("居民身份证"));
    assert_eq!((obtainable("身份证明"), obtainable("平面布局图"), obtainable("")), (None, None, None));
}
