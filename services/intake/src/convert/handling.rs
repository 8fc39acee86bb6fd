//! How an item is handled, as the contracts bring and show it.

use yiwang_ledger::Refusal;
use yiwang_proto::catalogue::v1 as pb;

use super::{ask, count, region};
use crate::catalogue::handling::{
    Consequence, Deferral, Excluded, HandlingRules, Mode, Repeat, ReviewStep, Separation,
};

const WRONG: &str = "FIELD_INVALID";

fn excluded(field: pb::ExcludedField) -> Option<Excluded> {
    Some(match field {
        pb::ExcludedField::Unspecified => return None,
        pb::ExcludedField::NationalSecurity => Excluded::NationalSecurity,
        pb::ExcludedField::PublicSafety => Excluded::PublicSafety,
        pb::ExcludedField::Finance => Excluded::Finance,
        pb::ExcludedField::Environment => Excluded::Environment,
        pb::ExcludedField::LifeAndProperty => Excluded::LifeAndProperty,
    })
}

fn deferral(message: &pb::DeferralTerms) -> Result<Deferral, Refusal> {
    let at = |name: &str| format!("details.handling.deferral.{name}");
    let days = u32::try_from(message.working_days).ok().filter(|days| (1..=60).contains(days));
    Ok(Deferral {
        working_days: days
            .ok_or_else(|| Refusal::field(at("working_days"), WRONG, "应为1至60个工作日", "1 to 60 working days"))?,
        text: ask::text(&at("text"), &message.text, 1, 500, WRONG)?,
        consequence: match message.consequence() {
            pb::LateConsequence::Unspecified => None,
            pb::LateConsequence::Withdrawn => Some(Consequence::Withdrawn),
            pb::LateConsequence::Refused => Some(Consequence::Refused),
        },
        basis: ask::text(&at("basis"), &message.basis, 0, 500, WRONG)?,
    })
}

fn modes(message: &pb::ItemHandling) -> Vec<Mode> {
    let mut modes: Vec<Mode> = message
        .modes()
        .filter_map(|mode| match mode {
            pb::ServiceMode::Unspecified => None,
            pb::ServiceMode::Online => Some(Mode::Online),
            pb::ServiceMode::ReceivedElsewhere => Some(Mode::ReceivedElsewhere),
            pb::ServiceMode::Joint => Some(Mode::Joint),
        })
        .collect();
    modes.sort_unstable();
    modes.dedup();
    modes
}

fn mode_shown(mode: Mode) -> pb::ServiceMode {
    match mode {
        Mode::Online => pb::ServiceMode::Online,
        Mode::ReceivedElsewhere => pb::ServiceMode::ReceivedElsewhere,
        Mode::Joint => pb::ServiceMode::Joint,
    }
}

fn receiving(message: &pb::ItemHandling) -> Result<Vec<String>, Refusal> {
    const FIELD: &str = "details.handling.receiving_region_codes";
    ask::few(FIELD, &message.receiving_region_codes, 50)?;
    let regions = message.receiving_region_codes.iter().enumerate();
    regions.map(|(place, code)| region(&format!("{FIELD}[{place}]"), code)).collect()
}

fn step_code(field: &str, text: &str) -> Result<String, Refusal> {
    let code = ask::text(field, text, 1, 30, WRONG)?;
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte);
    if !code.starts_with(|first: char| first.is_ascii_lowercase()) || !code.bytes().all(plain) {
        let (zh, en) = ("环节代码由小写字母、数字、“-”和“_”组成，首位为字母", "a-z, 0-9, - and _, a letter first");
        return Err(Refusal::field(field, WRONG, zh, en));
    }
    Ok(code)
}

fn review_steps(message: &pb::ItemHandling) -> Result<Vec<ReviewStep>, Refusal> {
    const FIELD: &str = "details.handling.review_steps";
    ask::few(FIELD, &message.review_steps, 12)?;
    let steps = message.review_steps.iter().enumerate().map(|(place, step)| {
        let at = |name: &str| format!("{FIELD}[{place}].{name}");
        ask::few(&at("after"), &step.after, 12)?;
        let before = step.after.iter().enumerate();
        Ok(ReviewStep {
            code: step_code(&at("code"), &step.code)?,
            name: ask::text(&at("name"), &step.name, 1, 50, WRONG)?,
            after: before
                .map(|(other, code)| step_code(&format!("{}[{other}]", at("after")), code))
                .collect::<Result<_, _>>()?,
            any: step.join() == pb::StepJoin::Any,
            when: ask::text(&at("when"), &step.when, 0, 5000, WRONG)?,
            other_officer: step.other_officer,
        })
    });
    steps.collect()
}

/// 审查环节, shown.
pub fn review_step(step: &ReviewStep) -> pb::ReviewStep {
    pb::ReviewStep {
        code: step.code.clone(),
        name: step.name.clone(),
        after: step.after.clone(),
        join: if step.any { pb::StepJoin::Any } else { pb::StepJoin::All }.into(),
        when: step.when.clone(),
        other_officer: step.other_officer,
    }
}

fn repeat(message: &pb::ItemHandling) -> Result<Repeat, Refusal> {
    let most = if message.repeat() == pb::RepeatRule::Repeatable { (1, 200) } else { (0, 0) };
    let reason = ask::text("details.handling.repeat_reason", &message.repeat_reason, most.0, most.1, WRONG)?;
    Ok(match message.repeat() {
        pb::RepeatRule::Unspecified => Repeat::Unsaid,
        pb::RepeatRule::Once => Repeat::Once,
        pb::RepeatRule::Repeatable => Repeat::Repeatable(reason),
    })
}

/// How an item is handled.
///
/// # Errors
/// `FIELD_INVALID`, naming the field.
pub fn rules(message: &pb::ItemHandling) -> Result<HandlingRules, Refusal> {
    let at = |name: &str| format!("details.handling.{name}");
    ask::few(&at("merged"), &message.merged, 50)?;
    let merged = message.merged.iter().enumerate();
    let grade = u8::try_from(message.clerk_grade).ok().filter(|grade| *grade <= 9);
    let mut fields: Vec<Excluded> = message.excluded_fields().filter_map(excluded).collect();
    fields.sort_unstable();
    fields.dedup();
    Ok(HandlingRules {
        sole_officer: message.sole_officer,
        clerk_grade: grade.ok_or_else(|| Refusal::field(at("clerk_grade"), WRONG, "应为0至9", "0 to 9"))?,
        separation: match message.separation() {
            pb::SeparationMode::Unspecified => Separation::None,
            pb::SeparationMode::Abolished => Separation::Abolished,
            pb::SeparationMode::Filing => Separation::Filing,
            pb::SeparationMode::Promise => Separation::Promise,
            pb::SeparationMode::Optimised => Separation::Optimised,
        },
        merged: merged
            .map(|(place, name)| ask::text(&format!("{}[{place}]", at("merged")), name, 1, 200, WRONG))
            .collect::<Result<_, _>>()?,
        excluded: fields,
        promise_ordered_by: ask::text(&at("promise_ordered_by"), &message.promise_ordered_by, 0, 200, WRONG)?,
        deferral: message.deferral.as_ref().map(deferral).transpose()?,
        repeat: repeat(message)?,
        modes: modes(message),
        receiving: receiving(message)?,
        review_steps: review_steps(message)?,
    })
}

/// The same, shown.
pub fn shown(rules: &HandlingRules) -> pb::ItemHandling {
    let field = |field: &Excluded| match field {
        Excluded::NationalSecurity => pb::ExcludedField::NationalSecurity,
        Excluded::PublicSafety => pb::ExcludedField::PublicSafety,
        Excluded::Finance => pb::ExcludedField::Finance,
        Excluded::Environment => pb::ExcludedField::Environment,
        Excluded::LifeAndProperty => pb::ExcludedField::LifeAndProperty,
    };
    pb::ItemHandling {
        sole_officer: rules.sole_officer,
        clerk_grade: rules.clerk_grade.into(),
        separation: match rules.separation {
            Separation::None => pb::SeparationMode::Unspecified,
            Separation::Abolished => pb::SeparationMode::Abolished,
            Separation::Filing => pb::SeparationMode::Filing,
            Separation::Promise => pb::SeparationMode::Promise,
            Separation::Optimised => pb::SeparationMode::Optimised,
        }
        .into(),
        merged: rules.merged.clone(),
        excluded_fields: rules.excluded.iter().map(|one| field(one).into()).collect(),
        promise_ordered_by: rules.promise_ordered_by.clone(),
        deferral: rules.deferral.as_ref().map(|one| pb::DeferralTerms {
            working_days: count(one.working_days),
            text: one.text.clone(),
            consequence: consequence(one.consequence).into(),
            basis: one.basis.clone(),
        }),
        repeat: match rules.repeat {
            Repeat::Unsaid => pb::RepeatRule::Unspecified,
            Repeat::Once => pb::RepeatRule::Once,
            Repeat::Repeatable(_) => pb::RepeatRule::Repeatable,
        }
        .into(),
        modes: rules.modes.iter().map(|one| mode_shown(*one).into()).collect(),
        receiving_region_codes: rules.receiving.clone(),
        review_steps: rules.review_steps.iter().map(review_step).collect(),
        repeat_reason: match &rules.repeat {
            Repeat::Repeatable(reason) => reason.clone(),
            Repeat::Unsaid | Repeat::Once => String::new(),
        },
    }
}

/// What follows, as the contract names it.
pub fn consequence(consequence: Option<Consequence>) -> pb::LateConsequence {
    match consequence {
        None => pb::LateConsequence::Unspecified,
        Some(Consequence::Withdrawn) => pb::LateConsequence::Withdrawn,
        Some(Consequence::Refused) => pb::LateConsequence::Refused,
    }
}
