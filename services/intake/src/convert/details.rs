//! The rest of GB/T 39046 table 4, as the contracts bring and show it.

use yiwang_ledger::Refusal;
use yiwang_proto::catalogue::v1 as pb;

use super::{ask, channel, count, handling};
use crate::application::Channel;
use crate::catalogue::details::{
    ChargeLine, ChargeMethod, Details, Exemption, Intermediary, OnlineDepth, OrganNature, PaidBefore, Place, Question,
    Scope, Served, SpecialKind, SpecialProcedure,
};
use crate::catalogue::likely::Why;
use crate::directory::Level;

const WRONG: &str = "FIELD_INVALID";

/// Reads texts of one place of the message, each named by its path.
struct At {
    path: String,
}

impl At {
    fn of(list: &str, place: usize) -> Self {
        At { path: format!("details.{list}[{place}]") }
    }

    fn text(&self, name: &str, value: &str, least: usize, most: usize) -> Result<String, Refusal> {
        ask::text(&format!("{}.{name}", self.path), value, least, most, WRONG)
    }

    fn number(&self, name: &str, value: i32, most: i32) -> Result<u32, Refusal> {
        let fits = u32::try_from(value).ok().filter(|_| value <= most);
        let wrong = || {
            let (zh, en) = (format!("应为0至{most}的整数"), format!("a number from 0 to {most}"));
            Refusal::field(format!("{}.{name}", self.path), WRONG, zh, en)
        };
        fits.ok_or_else(wrong)
    }
}

/// Reads a list of at most `most`, each element by its place.
fn each<T, U>(
    list: &str,
    all: &[T],
    most: usize,
    mut one: impl FnMut(At, &T) -> Result<U, Refusal>,
) -> Result<Vec<U>, Refusal> {
    ask::few(&format!("details.{list}"), all, most)?;
    all.iter().enumerate().map(|(place, value)| one(At::of(list, place), value)).collect()
}

fn texts(list: &str, all: &[String], most: usize) -> Result<Vec<String>, Refusal> {
    each(list, all, most, |at, text| ask::text(&at.path, text, 1, 300, WRONG))
}

fn single(name: &str, value: &str, most: usize) -> Result<String, Refusal> {
    ask::text(&format!("details.{name}"), value, 0, most, WRONG)
}

/// What a code table has, in the order of the table, each once; an unknown number is refused.
fn codes<P: TryFrom<i32>, T: Ord>(list: &str, all: &[i32], of: impl Fn(P) -> Option<T>) -> Result<Vec<T>, Refusal> {
    let mut found = each(list, all, 10, |at, code| {
        let known = P::try_from(*code).ok().and_then(&of);
        known.ok_or_else(|| Refusal::field(at.path, WRONG, "代码表中没有这个代码", "the code table has no such code"))
    })?;
    found.sort();
    found.dedup();
    Ok(found)
}

fn charge(at: &At, line: &pb::ChargeLine) -> Result<ChargeLine, Refusal> {
    let list = at.path.trim_start_matches("details.").to_owned() + ".exemptions";
    Ok(ChargeLine {
        code: at.text("code", &line.code, 1, 40)?,
        name: at.text("name", &line.name, 1, 100)?,
        method: match line.method() {
            pb::ChargeMethod::Range => ChargeMethod::Range,
            pb::ChargeMethod::PerUnit | pb::ChargeMethod::Unspecified => ChargeMethod::PerUnit,
        },
        amount: line.amount_fen,
        most: line.most_fen,
        unit: at.text("unit", &line.unit, 0, 20)?,
        most_units: at.number("most_units", line.most_units, 1_000_000)?,
        basis: at.text("basis", &line.basis, 0, 500)?,
        exemptions: each(&list, &line.exemptions, 20, |at, one| {
            Ok(Exemption {
                code: at.text("code", &one.code, 1, 40)?,
                name: at.text("name", &one.name, 1, 200)?,
                percent: at.number("percent", one.percent, 100)?,
                basis: at.text("basis", &one.basis, 0, 500)?,
            })
        })?,
        paid_before: match line.paid_before() {
            pb::PaidBefore::HandingOut => PaidBefore::HandingOut,
            pb::PaidBefore::Unspecified => PaidBefore::Nothing,
        },
    })
}

/// 服务对象 of a code; none where none is named.
pub fn served_of(group: pb::ServedGroup) -> Option<Served> {
    Some(match group {
        pb::ServedGroup::Unspecified => return None,
        pb::ServedGroup::Person => Served::Person,
        pb::ServedGroup::Enterprise => Served::Enterprise,
        pb::ServedGroup::Institution => Served::Institution,
        pb::ServedGroup::Association => Served::Association,
        pb::ServedGroup::Organ => Served::Organ,
        pb::ServedGroup::Other => Served::Other,
    })
}

fn scope_of(scope: pb::ServiceScope) -> Option<Scope> {
    Some(match scope {
        pb::ServiceScope::Unspecified => return None,
        pb::ServiceScope::Nation => Scope::Nation,
        pb::ServiceScope::Provinces => Scope::Provinces,
        pb::ServiceScope::Cities => Scope::Cities,
        pb::ServiceScope::Counties => Scope::Counties,
    })
}

fn channel_of(channel: pb::Channel) -> Option<Channel> {
    Some(match channel {
        pb::Channel::Unspecified => return None,
        pb::Channel::Window => Channel::Window,
        pb::Channel::Web => Channel::Web,
        pb::Channel::Mobile => Channel::Mobile,
        pb::Channel::Post => Channel::Post,
        pb::Channel::Other => Channel::Other,
        pb::Channel::Terminal => Channel::Terminal,
        pb::Channel::Phone => Channel::Phone,
        pb::Channel::VillageProxy => Channel::VillageProxy,
    })
}

/// The elements.
///
/// # Errors
/// `FIELD_INVALID`, naming the field.
pub fn details(message: &pb::ItemDetails) -> Result<Details, Refusal> {
    Ok(Details {
        level: level_of(message.level()),
        division: single("division", &message.division, 1000)?,
        content: single("content", &message.content, 1000)?,
        organ_nature: match message.organ_nature() {
            pb::OrganNature::Unspecified | pb::OrganNature::Statutory => OrganNature::Statutory,
            pb::OrganNature::Authorised => OrganNature::Authorised,
            pb::OrganNature::Entrusted => OrganNature::Entrusted,
            pb::OrganNature::Other => OrganNature::Other,
        },
        entrusting_organ: single("entrusting_organ", &message.entrusting_organ, 100)?,
        joint_organs: texts("joint_organs", &message.joint_organs, 20)?,
        legal_limit_note: single("legal_limit_note", &message.legal_limit_note, 500)?,
        promised_limit_note: single("promised_limit_note", &message.promised_limit_note, 500)?,
        intermediaries: each("intermediaries", &message.intermediaries, 20, |at, one| {
            Ok(Intermediary { name: at.text("name", &one.name, 1, 200)?, basis: at.text("basis", &one.basis, 0, 500)? })
        })?,
        quantity: single("quantity", &message.quantity, 300)?,
        result_samples: texts("result_samples", &message.result_samples, 20)?,
        charges: each("charges", &message.charges, 50, |at, line| charge(&at, line))?,
        scopes: codes("scopes", &message.scopes, scope_of)?,
        served: codes("served", &message.served, served_of)?,
        person_topics: texts("person_topics", &message.person_topics, 30)?,
        legal_topics: texts("legal_topics", &message.legal_topics, 30)?,
        channels: codes("channels", &message.channels, channel_of)?,
        special_procedures: each("special_procedures", &message.special_procedures, 20, |at, one| {
            Ok(SpecialProcedure {
                kind: match one.kind() {
                    pb::SpecialKind::Extension | pb::SpecialKind::Unspecified => SpecialKind::Extension,
                    pb::SpecialKind::Other => SpecialKind::Other,
                },
                name: at.text("name", &one.name, 1, 50)?,
                duration: at.text("duration", &one.duration, 0, 200)?,
                days: at.number("days", one.days, 500)?,
                basis: at.text("basis", &one.basis, 0, 500)?,
            })
        })?,
        bookable: message.bookable,
        paid_online: message.paid_online,
        delivered: message.delivered,
        online_depth: match message.online_depth() {
            pb::OnlineDepth::Unspecified => OnlineDepth::None,
            pb::OnlineDepth::I => OnlineDepth::I,
            pb::OnlineDepth::Ii => OnlineDepth::Ii,
            pb::OnlineDepth::Iii => OnlineDepth::Iii,
            pb::OnlineDepth::Iv => OnlineDepth::Iv,
        },
        system: single("system", &message.system, 100)?,
        system_level: single("system_level", &message.system_level, 20)?,
        places: each("places", &message.places, 50, |at, one| {
            Ok(Place {
                name: at.text("name", &one.name, 1, 100)?,
                address: at.text("address", &one.address, 1, 200)?,
                hours: at.text("hours", &one.hours, 1, 200)?,
                phone: at.text("phone", &one.phone, 0, 40)?,
            })
        })?,
        enquiries: single("enquiries", &message.enquiries, 200)?,
        complaints: single("complaints", &message.complaints, 300)?,
        questions: each("questions", &message.questions, 50, |at, one| {
            Ok(Question {
                question: at.text("question", &one.question, 1, 300)?,
                answer: at.text("answer", &one.answer, 1, 2000)?,
            })
        })?,
        handling: message.handling.as_ref().map(handling::rules).transpose()?.unwrap_or_default(),
    })
}

fn charge_shown(line: &ChargeLine) -> pb::ChargeLine {
    let exemption = |one: &Exemption| pb::ChargeExemption {
        code: one.code.clone(),
        name: one.name.clone(),
        percent: count(one.percent),
        basis: one.basis.clone(),
    };
    pb::ChargeLine {
        code: line.code.clone(),
        name: line.name.clone(),
        method: match line.method {
            ChargeMethod::PerUnit => pb::ChargeMethod::PerUnit.into(),
            ChargeMethod::Range => pb::ChargeMethod::Range.into(),
        },
        amount_fen: line.amount,
        most_fen: line.most,
        unit: line.unit.clone(),
        most_units: count(line.most_units),
        basis: line.basis.clone(),
        exemptions: line.exemptions.iter().map(exemption).collect(),
        paid_before: match line.paid_before {
            PaidBefore::HandingOut => pb::PaidBefore::HandingOut,
            PaidBefore::Nothing => pb::PaidBefore::Unspecified,
        }
        .into(),
    }
}

fn served_shown(group: Served) -> pb::ServedGroup {
    match group {
        Served::Person => pb::ServedGroup::Person,
        Served::Enterprise => pb::ServedGroup::Enterprise,
        Served::Institution => pb::ServedGroup::Institution,
        Served::Association => pb::ServedGroup::Association,
        Served::Organ => pb::ServedGroup::Organ,
        Served::Other => pb::ServedGroup::Other,
    }
}

fn scope_shown(scope: Scope) -> pb::ServiceScope {
    match scope {
        Scope::Nation => pb::ServiceScope::Nation,
        Scope::Provinces => pb::ServiceScope::Provinces,
        Scope::Cities => pb::ServiceScope::Cities,
        Scope::Counties => pb::ServiceScope::Counties,
    }
}

/// 特别程序, shown.
pub fn special(one: &SpecialProcedure) -> pb::SpecialProcedure {
    pb::SpecialProcedure {
        kind: match one.kind {
            SpecialKind::Extension => pb::SpecialKind::Extension.into(),
            SpecialKind::Other => pb::SpecialKind::Other.into(),
        },
        name: one.name.clone(),
        duration: one.duration.clone(),
        basis: one.basis.clone(),
        days: super::count(one.days),
    }
}

/// The elements, shown.
pub fn shown(details: &Details) -> pb::ItemDetails {
    let place = |one: &Place| pb::Place {
        name: one.name.clone(),
        address: one.address.clone(),
        hours: one.hours.clone(),
        phone: one.phone.clone(),
    };
    let question = |one: &Question| pb::Question { question: one.question.clone(), answer: one.answer.clone() };
    let intermediary = |one: &Intermediary| pb::Intermediary { name: one.name.clone(), basis: one.basis.clone() };
    pb::ItemDetails {
        level: details.level.map(level_shown).unwrap_or_default(),
        division: details.division.clone(),
        content: details.content.clone(),
        organ_nature: match details.organ_nature {
            OrganNature::Statutory => pb::OrganNature::Statutory.into(),
            OrganNature::Authorised => pb::OrganNature::Authorised.into(),
            OrganNature::Entrusted => pb::OrganNature::Entrusted.into(),
            OrganNature::Other => pb::OrganNature::Other.into(),
        },
        entrusting_organ: details.entrusting_organ.clone(),
        joint_organs: details.joint_organs.clone(),
        legal_limit_note: details.legal_limit_note.clone(),
        promised_limit_note: details.promised_limit_note.clone(),
        intermediaries: details.intermediaries.iter().map(intermediary).collect(),
        quantity: details.quantity.clone(),
        result_samples: details.result_samples.clone(),
        charges: details.charges.iter().map(charge_shown).collect(),
        scopes: details.scopes.iter().map(|one| scope_shown(*one).into()).collect(),
        served: details.served.iter().map(|one| served_shown(*one).into()).collect(),
        person_topics: details.person_topics.clone(),
        legal_topics: details.legal_topics.clone(),
        channels: details.channels.iter().map(|one| channel(*one).into()).collect(),
        special_procedures: details.special_procedures.iter().map(special).collect(),
        bookable: details.bookable,
        paid_online: details.paid_online,
        delivered: details.delivered,
        online_depth: match details.online_depth {
            OnlineDepth::None => pb::OnlineDepth::Unspecified.into(),
            OnlineDepth::I => pb::OnlineDepth::I.into(),
            OnlineDepth::Ii => pb::OnlineDepth::Ii.into(),
            OnlineDepth::Iii => pb::OnlineDepth::Iii.into(),
            OnlineDepth::Iv => pb::OnlineDepth::Iv.into(),
        },
        system: details.system.clone(),
        system_level: details.system_level.clone(),
        places: details.places.iter().map(place).collect(),
        enquiries: details.enquiries.clone(),
        complaints: details.complaints.clone(),
        handling: (!details.handling.is_empty()).then(|| handling::shown(&details.handling)),
        questions: details.questions.iter().map(question).collect(),
    }
}

/// 行使层级 of the contract.
pub fn level_of(level: pb::Level) -> Option<Level> {
    Some(match level {
        pb::Level::Unspecified => return None,
        pb::Level::Nation => Level::Nation,
        pb::Level::Province => Level::Province,
        pb::Level::City => Level::City,
        pb::Level::County => Level::County,
        pb::Level::Town => Level::Town,
        pb::Level::Village => Level::Village,
        pb::Level::Graded => Level::Graded,
    })
}

/// 行使层级, shown.
pub fn level_shown(level: Level) -> i32 {
    match level {
        Level::Nation => pb::Level::Nation.into(),
        Level::Province => pb::Level::Province.into(),
        Level::City => pb::Level::City.into(),
        Level::County => pb::Level::County.into(),
        Level::Town => pb::Level::Town.into(),
        Level::Village => pb::Level::Village.into(),
        Level::Graded => pb::Level::Graded.into(),
    }
}

/// Why an item is likely.
pub fn likely_reason(why: &Why) -> pb::LikelyReason {
    use pb::LikelyKind as Kind;
    let shown = |kind: Kind| pb::LikelyReason { kind: kind.into(), text: why.text(), ..pb::LikelyReason::default() };
    match why {
        Why::StageOpen { theme, .. } => pb::LikelyReason { theme_code: theme.clone(), ..shown(Kind::StageOpen) },
        Why::RenewalDue { valid_to, .. } => {
            pb::LikelyReason { valid_to: valid_to.to_string(), ..shown(Kind::RenewalDue) }
        }
        Why::Follows { theme, item, .. } => {
            pb::LikelyReason { theme_code: theme.clone(), item_code: item.clone(), ..shown(Kind::FollowsGranted) }
        }
        Why::Uses { .. } => shown(Kind::UsesLicense),
        Why::LifeEvent { theme, .. } => pb::LikelyReason { theme_code: theme.clone(), ..shown(Kind::LifeEvent) },
        Why::WillFollow { theme, item, .. } => {
            pb::LikelyReason { theme_code: theme.clone(), item_code: item.clone(), ..shown(Kind::FollowsRunning) }
        }
    }
}
