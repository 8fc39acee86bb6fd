//! One document of every kind, made up: for people to look at, and for the tests that hold a layout to its bytes.

use chrono::NaiveDate;

use crate::draft::{
    Annulment, Draft, Ending, Grounds, Issuance, LastDay, Matter, NotTaken, Paper, Point, Service, Signed, compose,
};
use crate::text::Text;

fn on(month: u32, day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, month, day).unwrap_or_default()
}

fn paper(name: &str, remark: &str) -> Paper {
    Paper { name: name.to_owned(), remark: remark.to_owned() }
}

fn point(about: &str, text: &str) -> Point {
    Point { about: about.to_owned(), text: text.to_owned() }
}

/// A draft of every kind.
pub fn drafts() -> Vec<Draft> {
    let remedies = yiwang_standards::remedies::remedies("广安市广安区行政审批局", "").zh;
    let grounds = |reasons: &str| Grounds::new(reasons, &remedies).ok();
    let mut drafts = vec![
        Draft::Receipt {
            received: on(3, 2),
            papers: vec![
                paper("公共场所卫生许可证申请表", "电子"),
                paper("法定代表人或者负责人身份证明", "电子"),
                paper("公共场所地址方位示意图、平面图和卫生设施平面布局图", "电子"),
            ],
            told_by: on(3, 9),
            basis: "《中华人民共和国行政许可法》第三十二条第一款第（四）项、第八十二条".to_owned(),
        },
        Draft::Correction {
            points: vec![
                point("公共场所卫生检测报告", "未提交。请提交检测机构一年内出具的卫生检测或者评价报告。"),
                point("平面布局图", "图上未标注卫生设施位置，请补充标注后重新提交。"),
            ],
            reply_by: on(4, 3),
            consequence: "逾期未补正的，视为撤回申请。".to_owned(),
        },
        Draft::Acceptance { accepted: on(3, 5), deemed: false, outstanding: vec!["公共场所卫生检测报告".to_owned()] },
        Draft::Extension {
            accepted: on(3, 5),
            basis: "《中华人民共和国行政许可法》第四十二条第一款".to_owned(),
            by: "10个工作日".to_owned(),
            until: LastDay { date: on(4, 17), provisional: false },
            approved_by: "本行政机关负责人".to_owned(),
            reason: "需要进一步核实经营场所的卫生设施".to_owned(),
        },
        Draft::SpecialProcedure {
            procedure: "专家评审".to_owned(),
            basis: "《公共场所卫生管理条例实施细则》第二十六条".to_owned(),
            from: on(3, 10),
            takes: "十个工作日".to_owned(),
            until: LastDay { date: on(3, 23), provisional: false },
        },
        Draft::HearingRights {
            intended: "不予批准。".to_owned(),
            why: "经现场核查，经营场所未设置独立的卫生间，不符合《公共场所卫生管理条例实施细则》的要求。".to_owned(),
            ask_by: on(3, 17),
        },
        Draft::HearingNotice {
            on: on(4, 2),
            hour: "上午9时30分".to_owned(),
            place: "广安区政务服务中心三楼会议室".to_owned(),
            presider: "李四".to_owned(),
            public: true,
        },
        Draft::Grant {
            recorded: false,
            result: "卫生许可证".to_owned(),
            remark: String::new(),
            deliver_by: Some(on(4, 10)),
        },
        Draft::ProofOfService {
            served: vec![("准予行政许可决定书".to_owned(), "ZY11511602MB1234567X2026000001".to_owned())],
            way: Service::InPerson,
            address: "四川省广安市广安区金安大道一段1号".to_owned(),
            signed: Signed::default(),
        },
        Draft::Deferral {
            papers: vec![paper("公共场所卫生检测报告", "2026年3月20日前")],
            consequence: "逾期未补交的，视为撤回申请。".to_owned(),
        },
        Draft::Promise {
            told: "取得该许可应当具备的条件：一、经营场所选址和设施符合卫生要求；二、从业人员取得健康证明。\
                   本机关将在作出决定后二个月内核查；发现不符合承诺条件的，责令限期整改，逾期不整改或者整改后仍不符合条件的，撤销决定。"
                .to_owned(),
            promised: "本人（单位）所填写的信息真实、准确，已知悉并满足上述全部条件，愿意承担不实承诺、违反承诺的法律责任。".to_owned(),
            signed: Some(on(3, 2)),
        },
    ];
    let adverse: Vec<Option<Draft>> = vec![
        grounds("申请事项属于市级卫生健康主管部门的职权范围。").map(|grounds| Draft::NonAcceptance {
            ground: NotTaken::Elsewhere { competent: "广安市卫生健康委员会".to_owned() },
            grounds,
        }),
        grounds("经营场所未设置独立的卫生间，不符合《公共场所卫生管理条例实施细则》规定的条件。")
            .map(|grounds| Draft::Refusal { grounds }),
        grounds("经查，申请时提交的卫生检测报告系伪造。").map(|grounds| Draft::Revocation {
            license: "卫生许可证，编号：川卫公证字〔2026〕第000001号".to_owned(),
            case: Annulment::Fraud,
            grounds,
        }),
        grounds("许可有效期于2026年2月28日届满，未申请延续。").map(|grounds| Draft::Deregistration {
            license: "卫生许可证，编号：川卫公证字〔2022〕第000001号".to_owned(),
            case: Ending::Expired,
            grounds,
        }),
    ];
    drafts.extend(adverse.into_iter().flatten());
    drafts.sort_by_key(Draft::kind);
    drafts
}

/// The matter that they are about.
pub fn matter() -> Matter {
    Matter {
        applicant: "广安市广安区渠江水韵酒店管理有限公司".to_owned(),
        person: false,
        item: "公共场所卫生许可（新办）".to_owned(),
        item_code: "511A0015500009-511602000000-000-115113016823646795-1-00".to_owned(),
        case_number: "51160200000011511602MB1234567X20260305000001".to_owned(),
        organ: "广安市广安区行政审批局".to_owned(),
        organ_code: "11511602MB1234567X".to_owned(),
        licensing: true,
    }
}

/// One text of every kind.
pub fn texts() -> Vec<Text> {
    let matter = matter();
    let text = |draft: &Draft| {
        let number = crate::book::number(draft.kind(), &matter.organ_code, 2026, 1);
        let check_code = "7K2M9QXA4CD5EFGH".to_owned();
        let address = format!("https://zwfw.yiwang.example/v1/documents/{number}:verify?check_code={check_code}");
        compose(draft, &matter, &Issuance { number, date: on(3, 6), check_code, address })
    };
    drafts().iter().map(text).collect()
}
