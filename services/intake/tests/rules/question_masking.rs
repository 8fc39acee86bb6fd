//! What a published question must not show.

use yiwang_intake::question::masking::{masked, names_anybody};

#[test]
fn what_names_a_person_goes() {
    let text = "我是张建国，身份证511602198503120016，电话138 1234 5678，护照E12345678，邮箱zjg@example.cn，卡号6222021234567890128";
    assert_eq!(masked(text, &["张建国"]), "我是张某，身份证***，电话***，护照***，邮箱***，卡号***");
    assert_eq!(masked("51160219850312001X、１３８１２３４５６７８", &[]), "***、***");
}

#[test]
fn an_offices_telephone_and_a_documents_number_stay() {
    let text = "请拨打0826-2345678或12345，依据川府发〔2024〕12号、2024年3月1日公告，面积120平方米，2026-01-01 2026-12-31有效，\
        事项511A0015500009-511602000000-000-115113016823646795-1-00，机关11511301MB051073XA，流水号202603020000000002";
    assert!(!names_anybody(text, &["张建国", "张"]));
    assert!(names_anybody("张建国问", &["张建国"]));
}
