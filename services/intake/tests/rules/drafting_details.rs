//! Whether a basis names a law.

use yiwang_intake::drafting::details::names_law;

#[test]
fn a_law_is_told_from_a_places_rule_and_from_a_price_list() {
    for basis in [
        "《中华人民共和国道路交通安全法》第十九条",
        "《护照法》；川价费〔2008〕1号",
        "《城市供水条例》",
        "《市场主体登记管理条例》",
    ] {
        assert!(names_law(basis), "{basis}");
    }
    for basis in [
        "川发改价格〔2020〕12号",
        "《四川省行政事业性收费条例》",
        "《安阳市政务服务条例》",
        "《收费管理办法》",
        "《法》",
        "",
    ] {
        assert!(!names_law(basis), "{basis}");
    }
}
