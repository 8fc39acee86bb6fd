//! The words around the facts: each kind's title and body, in the form that the law asks for. Changing them changes only what
//! is issued from then on.

use super::{Annulment, Draft, Ending, Grounds, Issuance, LastDay, Matter, NotTaken, Paper, Service};
use crate::text::{LAYOUT, Part, Text, day};

pub(super) fn compose(draft: &Draft, matter: &Matter, issuance: &Issuance) -> Text {
    // a proof of service names its addressee in its table
    let addressed = !matches!(draft, Draft::ProofOfService { .. });
    let mut parts: Vec<Part> = addressed.then(|| Part::Lead(format!("{}：", matter.applicant))).into_iter().collect();
    parts.extend(body(draft, matter));
    Text {
        layout: LAYOUT,
        kind: draft.kind(),
        title: title(draft, matter),
        number: issuance.number.clone(),
        references: references(matter),
        date: issuance.date,
        addressee: matter.applicant.clone(),
        person: matter.person,
        item: matter.item.clone(),
        organ: matter.organ.clone(),
        // 行政许可法 art. 32 para. 2: 加盖本行政机关专用印章
        inscription: if matter.licensing { "行政许可专用章" } else { "政务服务专用章" }.to_owned(),
        parts,
        check_code: issuance.check_code.clone(),
        address: issuance.address.clone(),
    }
}

fn title(draft: &Draft, matter: &Matter) -> String {
    let license = if matter.licensing { "行政许可" } else { "" };
    let apply = if matter.licensing { "行政许可申请" } else { "" };
    match draft {
        Draft::Receipt { .. } => "申请材料收件凭证".to_owned(),
        Draft::Correction { .. } => format!("{apply}一次性补正告知书"),
        Draft::Acceptance { .. } => format!("{apply}受理通知书"),
        Draft::NonAcceptance { ground: NotTaken::NotNeeded, .. } => format!("{apply}不受理告知书"),
        Draft::NonAcceptance { ground: NotTaken::Elsewhere { .. }, .. } => format!("{apply}不予受理决定书"),
        Draft::NonAcceptance { ground: NotTaken::Late, .. } => format!("{apply}不予审批决定书"),
        Draft::Extension { .. } => format!("{license}延期告知书"),
        Draft::SpecialProcedure { .. } => format!("{license}特别程序告知书"),
        Draft::HearingRights { .. } => format!("{license}听证权利告知书"),
        Draft::HearingNotice { .. } => format!("{license}听证通知书"),
        Draft::Grant { recorded: true, .. } => "备案回执".to_owned(),
        Draft::Grant { recorded: false, .. } => format!("准予{license}决定书"),
        Draft::Refusal { .. } => format!("不予{license}决定书"),
        Draft::Revocation { .. } => format!("撤销{license}决定书"),
        Draft::Deregistration { .. } => format!("注销{license}决定书"),
        Draft::ProofOfService { .. } => "送达回证".to_owned(),
        Draft::Deferral { .. } => "容缺受理告知书".to_owned(),
        Draft::Promise { .. } => "告知承诺书".to_owned(),
    }
}

fn p(words: impl Into<String>) -> Part {
    Part::Paragraph(words.into())
}

/// 《…》第…条 where the licensing law binds; empty where it does not.
fn art(matter: &Matter, article: &str) -> String {
    if matter.licensing { format!("《中华人民共和国行政许可法》{article}") } else { String::new() }
}

/// 依据…，
fn by(matter: &Matter, article: &str) -> String {
    if matter.licensing { format!("根据{}的规定，", art(matter, article)) } else { String::new() }
}

/// A last day, and whether it will be counted again.
fn last_day(last: LastDay) -> String {
    let provisional = if last.provisional { "（暂定，放假安排公布后重新计算）" } else { "" };
    format!("{}{provisional}", day(last.date))
}

/// “事项名称”; its codes stand below the number.
fn about(matter: &Matter) -> String {
    format!("“{}”", matter.item)
}

fn references(matter: &Matter) -> Vec<String> {
    let named = [("办件编号", &matter.case_number), ("实施编码", &matter.item_code)];
    named.iter().filter(|(_, code)| !code.is_empty()).map(|(name, code)| format!("{name}：{code}")).collect()
}

fn papers(remark: &str, papers: &[Paper]) -> Part {
    let columns = vec![("序号".to_owned(), 3), ("材料名称".to_owned(), 11), (remark.to_owned(), 7)];
    let row = |(index, paper): (usize, &Paper)| vec![(index + 1).to_string(), paper.name.clone(), paper.remark.clone()];
    Part::Table { columns, rows: papers.iter().enumerate().map(row).collect() }
}

/// 理由, and what can be done against it: in every decision that turns somebody down.
fn grounds(grounds: &Grounds) -> Vec<Part> {
    vec![p(format!("理由：{}", grounds.reasons)), p(format!("救济途径：{}", grounds.remedies))]
}

fn with(first: Vec<Part>, then: Vec<Part>) -> Vec<Part> {
    first.into_iter().chain(then).collect()
}

fn body(draft: &Draft, matter: &Matter) -> Vec<Part> {
    let about = about(matter);
    match draft {
        Draft::Receipt { received, papers: list, told_by, basis } => {
            let received = day(*received);
            let list = if list.is_empty() {
                vec![p("申请时未提交附件材料。")]
            } else {
                vec![papers("形式", list)]
            };
            let next = format!(
                "本机关将于{}前（含当日）决定是否受理，或者一次告知需要补正的全部内容（依据：{basis}）。本凭证不代表申请已被受理。",
                day(*told_by)
            );
            let first = p(format!("你（单位）于{received}提出的{about}申请，本机关已收到申请及下列材料："));
            with(with(vec![first], list), vec![p(next)])
        }
        Draft::Correction { points, reply_by, consequence } => {
            let columns =
                vec![("序号".to_owned(), 3), ("材料或者栏目".to_owned(), 7), ("需要补正的内容".to_owned(), 11)];
            let row = |(index, point): (usize, &super::Point)| {
                vec![(index + 1).to_string(), point.about.clone(), point.text.clone()]
            };
            vec![
                p(format!(
                    "你（单位）提出的{about}申请，申请材料不齐全或者不符合法定形式。{}现将需要补正的全部内容一次告知如下：",
                    by(matter, "第三十二条第一款第（四）项")
                )),
                Part::Table { columns, rows: points.iter().enumerate().map(row).collect() },
                p(format!("请于{}前（含当日）补正。{consequence}", day(*reply_by))),
            ]
        }
        Draft::Acceptance { accepted, deemed, outstanding } => {
            let how = if *deemed {
                format!(
                    "你（单位）提出的{about}申请，自收到申请材料之日起未在法定期限内一次告知补正，{}视为自{}起受理。",
                    by(matter, "第三十二条第一款第（四）项"),
                    day(*accepted)
                )
            } else {
                let rule = by(matter, "第三十二条第一款第（五）项");
                format!("你（单位）提出的{about}申请，经审查，{rule}决定自{}起予以受理。", day(*accepted))
            };
            let mut parts = vec![p(how)];
            if !outstanding.is_empty() {
                parts.push(p(format!("下列材料请在作出决定前补交：{}。", outstanding.join("、"))));
            }
            parts.push(p("办理进度可凭办件编号查询。"));
            parts
        }
        Draft::NonAcceptance { ground, grounds: why } => {
            let (article, what) = match ground {
                NotTaken::NotNeeded if matter.licensing => (
                    "第三十二条第一款第（一）项",
                    "申请事项依法不需要取得行政许可，本机关不受理你（单位）的申请。".to_owned(),
                ),
                NotTaken::NotNeeded => ("", "申请事项依法不需要办理，本机关不受理你（单位）的申请。".to_owned()),
                NotTaken::Elsewhere { competent } => (
                    "第三十二条第一款第（二）项",
                    format!("申请事项依法不属于本机关职权范围，本机关决定不予受理。请向{competent}提出申请。"),
                ),
                NotTaken::Late => ("", "你（单位）逾期未按要求补正，本机关决定不予审批。".to_owned()),
            };
            let first = p(format!("你（单位）提出的{about}申请，经审查，{}{what}", by(matter, article)));
            with(vec![first], grounds(why))
        }
        Draft::Extension { accepted, basis, by, until, approved_by, reason } => vec![p(format!(
            "你（单位）提出的{about}申请，本机关已于{}受理，因{reason}，不能在规定的期限内作出决定。根据{basis}的规定，\
             经{approved_by}批准，办理期限延长{by}，至{}止。",
            day(*accepted),
            last_day(*until)
        ))],
        Draft::SpecialProcedure { procedure, basis, from, takes, until } => vec![
            p(format!(
                "你（单位）提出的{about}申请，依法需要进行{procedure}（{basis}）。{}自{}起，所需时间不计算在办理期限内。",
                by(matter, "第四十五条"),
                day(*from)
            )),
            p(format!(
                "所需时间为{takes}，至{}止。提前结束的，自结束的次日起继续计算办理期限；逾期未结束的，自该日的次日起继续计算。",
                last_day(*until)
            )),
        ],
        Draft::HearingRights { intended, why, ask_by } => vec![
            p(format!("关于{about}，本机关拟作出如下决定：{intended}")),
            p(format!("事实、理由和依据：{why}")),
            p(format!(
                "{}你（单位）享有要求听证的权利。要求听证的，请于{}前（含当日）向本机关提出书面申请；逾期未提出的，视为放弃听证权利。\
                 申请人、利害关系人不承担本机关组织听证的费用。",
                by(matter, "第四十七条"),
                day(*ask_by)
            )),
        ],
        Draft::HearingNotice { on, hour, place, presider, public } => vec![
            p(format!("关于{about}，{}本机关决定举行听证，现将有关事项通知如下：", by(matter, "第四十八条"))),
            p(format!("一、时间：{}{hour}", day(*on))),
            p(format!("二、地点：{place}")),
            p(format!("三、听证主持人：{presider}")),
            p(format!("四、听证{}举行。", if *public { "公开" } else { "不公开" })),
            p(
                "认为主持人与该事项有直接利害关系的，有权申请回避。参加听证时，可以提出证据，并进行申辩和质证；可以委托代理人参加。",
            ),
        ],
        Draft::Grant { recorded, result, remark, deliver_by } => {
            let mut parts = vec![p(if *recorded {
                format!("你（单位）提交的{about}材料，本机关已收到并予以备案。")
            } else if matter.licensing {
                let rule = by(matter, "第三十四条、第三十八条第一款");
                format!("你（单位）提出的{about}申请，经审查，符合法定条件、标准，{rule}决定准予行政许可。")
            } else {
                format!("你（单位）提出的{about}申请，经审查，符合规定的条件、标准，决定予以办理。")
            })];
            if !remark.is_empty() {
                parts.push(p(remark.clone()));
            }
            match (result.is_empty(), deliver_by) {
                (true, _) => {}
                (false, Some(by)) => parts.push(p(format!("《{result}》将于{}前（含当日）颁发、送达。", day(*by)))),
                (false, None) => parts.push(p(format!("办理结果：{result}。"))),
            }
            parts
        }
        Draft::Refusal { grounds: why } => {
            let what = if matter.licensing { "不予行政许可" } else { "不予办理" };
            let rule = by(matter, "第三十八条第二款");
            let first = p(format!("你（单位）提出的{about}申请，经审查，{rule}本机关决定{what}。"));
            with(vec![first], grounds(why))
        }
        Draft::Revocation { license, case, grounds: why } => {
            let rule =
                if matter.licensing { format!("根据{}，", art(matter, case.article())) } else { String::new() };
            let first = p(format!("{about}（{license}），因{}，{rule}本机关决定予以撤销。", case.zh()));
            with(vec![first], grounds(why))
        }
        Draft::Deregistration { license, case, grounds: why } => {
            let rule =
                if matter.licensing { format!("根据{}，", art(matter, case.article())) } else { String::new() };
            let first = p(format!("{about}（{license}），因{}，{rule}本机关决定予以注销。", case.zh()));
            with(vec![first], grounds(why))
        }
        Draft::ProofOfService { served, way, address, signed } => {
            let columns = vec![("栏目".to_owned(), 5), ("内容".to_owned(), 15)];
            let mut rows = vec![vec!["受送达人".to_owned(), matter.applicant.clone()]];
            rows.push(vec!["事项".to_owned(), about]);
            rows.extend(served.iter().map(|(title, number)| {
                vec![
                    "送达文书".to_owned(),
                    if number.is_empty() { title.clone() } else { format!("{title}（{number}）") },
                ]
            }));
            rows.push(vec!["送达方式".to_owned(), way.zh().to_owned()]);
            rows.push(vec!["送达地址".to_owned(), address.clone()]);
            let on = signed.on.map(day).unwrap_or_default();
            rows.extend(
                [("送达人", signed.server.clone()), ("收到日期", on)].map(|(name, text)| vec![name.to_owned(), text]),
            );
            let names = [
                ("受送达人签名或者盖章", &signed.addressee),
                ("代收人签名及代收理由", &signed.substitute),
                ("见证人签名", &signed.witnesses),
            ];
            rows.extend(names.map(|(name, text)| {
                vec![name.to_owned(), if text.is_empty() { "\n ".to_owned() } else { text.clone() }]
            }));
            vec![Part::Table { columns, rows }]
        }
        Draft::Deferral { papers: list, consequence } => vec![
            p(format!(
                "你（单位）提出的{about}申请，主要申请材料齐全且符合法定形式，次要材料暂缺。根据你（单位）的书面承诺，本机关予以容缺受理，\
                 并进入办理程序。现将需要补交的材料和期限一次告知如下："
            )),
            papers("补交期限", list),
            p(consequence.clone()),
            Part::Title("容缺受理承诺书".to_owned()),
            Part::Lead(format!("{}：", matter.organ)),
            p(format!("本人（单位）申请办理“{}”，已知悉上述容缺受理告知的全部内容，自愿作出如下承诺：", matter.item)),
            p("一、在告知的期限内补齐全部所缺材料；"),
            p("二、补交的材料真实、合法、有效，并符合法定形式；"),
            p("三、逾期未补交的，愿意承担告知中所列的后果。"),
            Part::Signature("承诺人（签名或者盖章）：\n\n　　　　年　　月　　日".to_owned()),
        ],
        Draft::Promise { told, promised, signed } => {
            let sign = match signed {
                Some(on) => format!("承诺人：{}（经身份核验，于{}电子签署）", matter.applicant, day(*on)),
                None => "承诺人（签名或者盖章）：\n\n　　　　年　　月　　日".to_owned(),
            };
            vec![
                p(format!("你（单位）申请以告知承诺方式办理{about}。")),
                Part::Lead("一、行政机关告知".to_owned()),
                p(told.clone()),
                Part::Lead("二、申请人承诺".to_owned()),
                p(promised.clone()),
                Part::Signature(sign),
            ]
        }
    }
}

impl Annulment {
    /// The case in the law's words.
    pub fn zh(self) -> &'static str {
        match self {
            Annulment::AbuseOfPower => "行政机关工作人员滥用职权、玩忽职守作出准予决定",
            Annulment::BeyondPowers => "超越法定职权作出准予决定",
            Annulment::AgainstProcedure => "违反法定程序作出准予决定",
            Annulment::NotEligible => "对不具备申请资格或者不符合法定条件的申请人作出准予决定",
            Annulment::Other => "存在依法可以撤销的其他情形",
            Annulment::Fraud => "被许可人以欺骗、贿赂等不正当手段取得",
        }
    }

    fn article(self) -> &'static str {
        match self {
            Annulment::AbuseOfPower => "第六十九条第一款第（一）项",
            Annulment::BeyondPowers => "第六十九条第一款第（二）项",
            Annulment::AgainstProcedure => "第六十九条第一款第（三）项",
            Annulment::NotEligible => "第六十九条第一款第（四）项",
            Annulment::Other => "第六十九条第一款第（五）项",
            Annulment::Fraud => "第六十九条第二款",
        }
    }
}

impl Ending {
    /// The case in the law's words.
    pub fn zh(self) -> &'static str {
        match self {
            Ending::Expired => "有效期届满未延续",
            Ending::PersonGone => "被许可人死亡或者丧失行为能力",
            Ending::OrganisationEnded => "法人或者其他组织依法终止",
            Ending::Annulled => "依法被撤销、撤回，或者证件依法被吊销",
            Ending::ForceMajeure => "因不可抗力导致许可事项无法实施",
            Ending::Other => "存在法律、法规规定的应当注销的其他情形",
        }
    }

    fn article(self) -> &'static str {
        match self {
            Ending::Expired => "第七十条第（一）项",
            Ending::PersonGone => "第七十条第（二）项",
            Ending::OrganisationEnded => "第七十条第（三）项",
            Ending::Annulled => "第七十条第（四）项",
            Ending::ForceMajeure => "第七十条第（五）项",
            Ending::Other => "第七十条第（六）项",
        }
    }
}

impl Service {
    /// Its name.
    pub fn zh(self) -> &'static str {
        match self {
            Service::InPerson => "直接送达",
            Service::ByPost => "邮寄送达",
            Service::Electronic => "电子送达",
            Service::Left => "留置送达",
            Service::ByAnother => "委托送达",
            Service::ByNotice => "公告送达",
        }
    }
}
