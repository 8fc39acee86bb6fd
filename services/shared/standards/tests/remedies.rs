//! 救济途径 on a refusal.

use yiwang_standards::remedies::remedies;

#[test]
fn both_ways_are_named_with_who_hears_them_and_by_when() {
    let told = remedies("区行政审批局", "可以申请行政复议或者提起行政诉讼");
    for part in ["区行政审批局的本级人民政府申请行政复议", "六十日", "人民法院提起行政诉讼", "六个月"]
    {
        assert!(told.zh.contains(part), "{part} is not in {}", told.zh);
    }
    assert!(told.en.contains("60 days") && told.en.contains("six months"), "{}", told.en);
}

#[test]
fn an_organ_under_vertical_lead_is_reviewed_by_the_one_above_it() {
    assert!(remedies("区税务局", "").zh.contains("区税务局的上一级主管部门申请行政复议"));
}

#[test]
fn the_items_own_words_stand_where_they_say_who_hears_both_ways() {
    let own = "可向广安市人民政府申请行政复议，或者向广安区人民法院提起行政诉讼。";
    assert_eq!(remedies("区行政审批局", own).zh, own);
}
