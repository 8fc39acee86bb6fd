//! What the rest of table 4 must say before a list is published: the eight things of 行政许可法 art. 30 among it, and a charge list
//! in which every amount has its rule (art. 58).

use std::collections::BTreeSet;

use super::check::Found;
use super::process;
use crate::application::Channel;
use crate::catalogue::ItemFacts;
use crate::catalogue::details::{ChargeLine, ChargeMethod, OnlineDepth, OrganNature, SpecialKind};
use crate::catalogue::facts::{Material, MaterialKind, MaterialSource};
use crate::catalogue::handling::{Mode, Separation};
use crate::directory::Level;
use crate::fetching;
use yiwang_standards::licensing::SPECIAL_GROUNDS;

/// 行政许可: arts. 30 to 57 bind this type alone.
const LICENSING: u16 = 1;

pub(super) fn check(found: &mut Found, facts: &ItemFacts) {
    let details = &facts.details;
    let licensing = facts.item_type == LICENSING;
    if licensing && facts.conditions.is_empty() {
        let (zh, en) = ("行政许可应当公示条件（行政许可法第三十条）", "a licence has its conditions (art. 30)");
        found.add("conditions", "CONDITIONS_MISSING", zh, en);
    }
    if licensing && facts.materials.is_empty() {
        let (zh, en) =
            ("行政许可应当公示材料目录（行政许可法第三十条）", "a licence has its list of materials (art. 30)");
        found.add("materials", "MATERIALS_UNLISTED", zh, en);
    }
    let mut need = |there: bool, field: &str, reason, zh: &str, en: &str| {
        if !there {
            found.add(format!("details.{field}"), reason, zh, en);
        }
    };
    need(!details.channels.is_empty(), "channels", "CHANNELS_MISSING", "没有写明办理形式", "no way to apply is named");
    need(!details.served.is_empty(), "served", "SERVED_MISSING", "没有写明服务对象", "nobody is named who is served");
    let counter = details.channels.contains(&Channel::Window);
    let known = !counter || !details.places.is_empty();
    need(known, "places", "PLACES_MISSING", "窗口办理的应当写明办理地点和时间", "where and when the counter is open");
    let reached = !details.enquiries.trim().is_empty() && !details.complaints.trim().is_empty();
    let (zh, en) = ("没有写明咨询电话和监督投诉方式", "how to enquire and how to complain is not said");
    need(reached, "enquiries", "ENQUIRIES_MISSING", zh, en);
    let counted = facts.item_type != LICENSING || !details.quantity.trim().is_empty();
    let (zh, en) = (
        "行政许可应当公示数量（没有限制的写“无”）（行政许可法第三十条）",
        "say how many are given, or that any number is",
    );
    need(counted, "quantity", "QUANTITY_MISSING", zh, en);
    let named = details.organ_nature != OrganNature::Entrusted || !details.entrusting_organ.trim().is_empty();
    let (zh, en) = ("受委托组织应当写明委托部门", "an entrusted organisation names who entrusted it");
    need(named, "entrusting_organ", "ENTRUSTING_ORGAN_MISSING", zh, en);
    let online = details.channels.iter().any(|channel| matches!(channel, Channel::Web | Channel::Mobile));
    let fits = online == (details.online_depth >= OnlineDepth::Iii)
        && (details.online_depth != OnlineDepth::Iv || facts.visits == 0);
    let (zh, en) = (
        "网办深度与办理形式、到现场次数不符（三级以上方可网上申请，四级为零跑动）",
        "the depth fits neither the ways to apply nor the visits",
    );
    need(fits, "online_depth", "ONLINE_UNFIT", zh, en);
    let handling = &details.handling;
    let ordered = !handling.promise_ordered_by.trim().is_empty();
    let offered = facts.promise.is_some() || handling.separation == Separation::Promise;
    let (zh, en) = (
        "涉及国家安全、公共安全、金融审慎监管、生态环境、人身健康和生命财产安全的，不适用告知承诺，国家法律另有规定的应当引用",
        "in an excluded field no promise takes the place of a condition, unless a national law that is cited orders it",
    );
    need(!offered || handling.excluded.is_empty() || ordered, "handling.excluded_fields", "PROMISE_EXCLUDED", zh, en);
    let lawful = names_law(&handling.promise_ordered_by) && handling.promise_ordered_by.contains('条');
    let (zh, en) = (
        "规定实行告知承诺的应当是国家法律、行政法规，请写明《…法》或者《…条例》第几条；地方性法规、规章和文件不能排除适用限制",
        "a national law or administrative regulation orders the promise: name it with its article, a place's own is none",
    );
    need(!ordered || lawful, "handling.promise_ordered_by", "PROMISE_LAW_UNFIT", zh, en);
    let own = details.level.is_none_or(|level| level == Level::Graded || level == Level::of_region(&facts.region));
    let (zh, en) = ("行使层级应为本级，或者分级管理", "the level is the organ's own, or each has its part of it");
    need(own, "level", "LEVEL_UNFIT", zh, en);
    let parted = details.level != Some(Level::Graded) || !details.division.trim().is_empty();
    let (zh, en) = ("分级管理的应当写明权限划分", "where each level has its part, the division says which");
    need(parted, "division", "LEVEL_UNFIT", zh, en);
    let whole = !handling.modes.contains(&Mode::Online) || details.online_depth == OnlineDepth::Iv;
    let (zh, en) = ("全程网办的，网办深度应当为四级", "what is open online from end to end is of depth IV");
    need(whole, "handling.modes", "ONLINE_UNFIT", zh, en);
    let elsewhere = handling.modes.contains(&Mode::ReceivedElsewhere);
    let reaches = !elsewhere || !handling.receiving.is_empty() || !details.scopes.is_empty();
    let (zh, en) = ("异地代收代办的，应当写明代收地区或者通办范围", "say where it is received, or how far it is open");
    need(reaches, "handling.receiving_region_codes", "RECEIVING_REGIONS_MISSING", zh, en);
    process::check(found, facts);
    if let Some(terms) = &handling.deferral {
        found.basis("details.handling.deferral.basis".to_owned(), &terms.basis, "容缺受理");
        let (zh, en) = ("没有可以容缺后补的材料", "no material of the list may follow");
        if !facts.deferrable() {
            found.add("details.handling.deferral", "NOTHING_DEFERRABLE", zh, en);
        }
    }
    for (place, material) in facts.materials.iter().enumerate() {
        obtainable(found, place, material);
        sample(found, facts.item_type, place, material);
    }
    for (place, special) in details.special_procedures.iter().enumerate() {
        let at = |field: &str| format!("details.special_procedures[{place}].{field}");
        found.basis(at("basis"), &special.basis, "该特别程序");
        let bound = facts.item_type == LICENSING && special.kind == SpecialKind::Other;
        if bound && !SPECIAL_GROUNDS.contains(&special.name.as_str()) {
            let zh = "行政许可不计入期限的只有听证、招标、拍卖、检验、检测、检疫、鉴定和专家评审（第四十五条）";
            found.add(at("name"), "GROUND_NOT_LISTED", zh, "is none of the eight of art. 45");
        }
    }
    for (place, intermediary) in details.intermediaries.iter().enumerate() {
        found.basis(format!("details.intermediaries[{place}].basis"), &intermediary.basis, "该中介服务");
    }
    let mut codes = BTreeSet::new();
    for (place, line) in details.charges.iter().enumerate() {
        let at = format!("details.charges[{place}]");
        if !codes.insert(&line.code) {
            found.add(format!("{at}.code"), "CHARGE_CODE", "收费项目代码重复", "the code stands twice");
        }
        charge(found, &at, line, licensing);
    }
}

/// 免提交: what can be had by sharing is not asked for (优化营商环境条例 art. 37; 上海市“一网通办”决定 arts. 4, 7).
fn obtainable(found: &mut Found, place: usize, material: &Material) {
    if material.source == MaterialSource::Government || material.online_form {
        return;
    }
    let listed = fetching::obtainable(&material.name);
    if material.fetch.is_some() || listed.is_some() {
        let zh = format!("“{}”可以通过共享获取，不得要求申请人提交，请改为部门核发并注明获取方式", material.name);
        let en = "can be had by sharing: not asked for, but fetched";
        found.add(format!("materials[{place}].source"), "OBTAINABLE_ASKED", zh, en);
    }
}

/// 示范文本 (art. 30): a form that is handed in on paper has an example.
fn sample(found: &mut Found, item_type: u16, place: usize, material: &Material) {
    let paper = material.kind == MaterialKind::Form && !material.online_form;
    if item_type == LICENSING && paper && material.sample.trim().is_empty() {
        let (zh, en) =
            ("行政许可的申请文书应当有示范文本（行政许可法第三十条）", "a form of a licence has a model text");
        found.add(format!("materials[{place}].sample"), "SAMPLE_MISSING", zh, en);
    }
}

/// Whether a text names a law or an administrative regulation: 《…法》 or 《…条例》, and not a place's own. Who reviews the list's legality
/// looks at the rest.
pub fn names_law(basis: &str) -> bool {
    let place = |name: &str| {
        let chars: Vec<char> = name.chars().take(6).collect();
        (2..chars.len()).any(|at| match chars[at] {
            '省' | '州' => true,
            '市' => chars[at - 1] != '城' && chars.get(at + 1) != Some(&'场'),
            _ => false,
        }) || name.contains("自治")
            || ["北京", "天津", "上海", "重庆", "广西", "内蒙古", "宁夏", "新疆", "西藏"]
                .iter()
                .any(|one| name.starts_with(one))
    };
    let names = basis.split('《').skip(1).filter_map(|rest| rest.split_once('》')).map(|(name, _)| name.trim());
    let mut laws = names.map(|name| name.trim_start_matches("中华人民共和国"));
    laws.any(|name| {
        let law = name.ends_with('法') && !name.ends_with("办法");
        (law || name.ends_with("条例")) && name.chars().count() > 1 && !place(name)
    })
}

fn charge(found: &mut Found, at: &str, line: &ChargeLine, licensing: bool) {
    found.basis(format!("{at}.basis"), &line.basis, "该收费项目");
    if licensing && !line.basis.trim().is_empty() && !names_law(&line.basis) {
        let zh = "实施行政许可不得收费，法律、行政法规另有规定的除外：请写明规定该项收费的《…法》或者《…条例》（行政许可法第五十八条）";
        let en = "a licence is free unless a law or an administrative regulation says otherwise (art. 58): name it";
        found.add(format!("{at}.basis"), "CHARGE_WITHOUT_LAW", zh, en);
    }
    let fits = match line.method {
        ChargeMethod::PerUnit => line.amount > 0 && line.most == 0 && !line.unit.is_empty(),
        ChargeMethod::Range => line.amount >= 0 && line.most > line.amount && line.most_units == 0,
    };
    if !fits || line.amount.max(line.most) > MOST_FEN {
        let (zh, en) =
            ("定额收费应有单价和单位，幅度收费应有上下限", "a fixed amount has a unit, a range has two bounds");
        found.add(format!("{at}.amount_fen"), "CHARGE_AMOUNT", zh, en);
    }
    let mut codes = BTreeSet::new();
    for (place, exemption) in line.exemptions.iter().enumerate() {
        let at = format!("{at}.exemptions[{place}]");
        found.basis(format!("{at}.basis"), &exemption.basis, "该减免");
        if !codes.insert(&exemption.code) || exemption.percent == 0 {
            let (zh, en) = ("减免代码重复，或者减免比例为零", "the code stands twice, or nothing is let off");
            found.add(format!("{at}.code"), "CHARGE_CODE", zh, en);
        }
    }
}

/// No line is of more than a hundred million 元: sums of cases stay far from the end of a number.
const MOST_FEN: i64 = 10_000_000_000;
