//! The rules of fees.

use yiwang_ledger::{Decision, Kind, Refusal};

use super::{End, Event, Fees, Line, Matter};
use crate::application::Actor;
use crate::catalogue::ItemFacts;
use crate::catalogue::details::{ChargeLine, ChargeMethod, Exemption, PaidBefore};

/// What is to be assessed.
#[derive(Clone, Debug, Default)]
pub struct Assess {
    /// Code of the line.
    pub code: String,
    /// How many units; 0: one.
    pub units: u32,
    /// For a range the amount; otherwise what the caller thinks it is, or 0.
    pub amount: i64,
    /// Code of an exemption; may be empty.
    pub exemption: String,
}

/// The charge list that binds: what stands both in the version that the application took and in the one in force today, each at what is
/// better for the applicant. What was abolished since (停征) is not charged, what became dearer is not dearer.
pub fn binding(pinned: &[ChargeLine], now: &[ChargeLine]) -> Vec<ChargeLine> {
    let both = pinned.iter().filter_map(|one| Some((one, now.iter().find(|other| other.code == one.code)?)));
    both.map(|(pinned, now)| lower(pinned, now)).collect()
}

fn lower(pinned: &ChargeLine, now: &ChargeLine) -> ChargeLine {
    let most = |line: &ChargeLine| if line.method == ChargeMethod::Range { line.most } else { line.amount };
    let top = most(pinned).min(most(now));
    let mut line = pinned.clone();
    match (pinned.method, now.method) {
        (ChargeMethod::PerUnit, _) => line.amount = top,
        (ChargeMethod::Range, ChargeMethod::Range) => (line.amount, line.most) = (pinned.amount.min(now.amount), top),
        (ChargeMethod::Range, ChargeMethod::PerUnit) => (line.amount, line.most) = (pinned.amount.min(top), top),
    }
    for other in &now.exemptions {
        match line.exemptions.iter_mut().find(|one| one.code == other.code) {
            Some(one) if one.percent < other.percent => *one = Exemption::clone(other),
            Some(_) => {}
            None => line.exemptions.push(other.clone()),
        }
    }
    line
}

/// 核定收费. The amount is the list's ([`binding`]); what the list does not have cannot be recorded.
///
/// # Errors
/// `CHARGE_NOT_LISTED`, `CHARGE_ABOLISHED`, `FEES_CLOSED`, `AMOUNT_NOT_LISTED`, `UNITS_NOT_LISTED`, `EXEMPTION_NOT_LISTED`,
/// `CHARGED_ALREADY`.
pub fn assess(
    fees: &Fees,
    matter: &Matter,
    (pinned, now): (&ItemFacts, &[ChargeLine]),
    ask: &Assess,
    by: &Actor,
) -> Decision<Event> {
    if pinned.details.charge(&ask.code).is_none() {
        let (zh, en) =
            ("收费清单以外不得收费（行政许可法第五十八条）", "nothing is charged outside the list (art. 58)");
        return Err(Refusal::field("line_code", "CHARGE_NOT_LISTED", zh, en));
    }
    let binding = binding(&pinned.details.charges, now);
    let Some(listed) = binding.iter().find(|line| line.code == ask.code) else {
        let (zh, en) =
            ("该收费项目已不在现行收费清单中，不得再收", "the charge is not on the list in force: it is not charged");
        return Err(Refusal::field("line_code", "CHARGE_ABOLISHED", zh, en));
    };
    if fees.closed.as_ref().is_some_and(|closed| match closed.end {
        End::Ended => true,
        End::NotGranted => listed.paid_before == PaidBefore::HandingOut,
    }) {
        let (zh, en) = ("该申请已经终止或者未获准予，不再收取这项费用", "the application has ended or was turned down");
        return Err(Refusal::state("FEES_CLOSED", zh, en));
    }
    if fees.all_lines().any(|(line, _)| line.code == ask.code) {
        let (zh, en) = ("该项目已经核定，更正请先撤销", "this line is assessed already: strike it out first");
        return Err(Refusal::state("CHARGED_ALREADY", zh, en));
    }
    let (units, amount) = amount(listed, ask)?;
    let mut line = Line {
        code: listed.code.clone(),
        name: listed.name.clone(),
        units,
        amount,
        exempt: 0,
        exemption: String::new(),
        bases: vec![listed.basis.clone()],
        before: listed.paid_before,
        ..Line::default()
    };
    if !ask.exemption.is_empty() {
        let found = listed.exemptions.iter().find(|one| one.code == ask.exemption);
        let unlisted = || {
            let (zh, en) = ("该项目没有这项减免", "the line has no such exemption");
            Refusal::field("exemption_code", "EXEMPTION_NOT_LISTED", zh, en)
        };
        let found = found.ok_or_else(unlisted)?;
        // a part of a 分 is let off too
        line.exempt = (amount * i64::from(found.percent)).div_euclid(100)
            + i64::from((amount * i64::from(found.percent)).rem_euclid(100) != 0);
        line.exemption.clone_from(&found.code);
        line.bases.push(found.basis.clone());
    }
    let matter = Some(Box::new(matter.clone()));
    Ok(vec![Event::FeeAssessed { line: Box::new(line), by: by.clone(), matter }])
}

/// Units and amount as the list gives them.
fn amount(listed: &ChargeLine, ask: &Assess) -> Result<(u32, i64), Refusal> {
    let unlisted =
        |zh: String| Refusal::field("amount_fen", "AMOUNT_NOT_LISTED", zh, "the list does not give this amount");
    match listed.method {
        ChargeMethod::Range if ask.units != 0 => {
            let (zh, en) = ("幅度收费不按数量计", "a range has no units");
            Err(Refusal::field("units", "UNITS_NOT_LISTED", zh, en))
        }
        ChargeMethod::Range if (listed.amount..=listed.most).contains(&ask.amount) => Ok((0, ask.amount)),
        ChargeMethod::Range => Err(unlisted(format!("清单规定的幅度为{}分至{}分", listed.amount, listed.most))),
        ChargeMethod::PerUnit => {
            let units = ask.units.max(1);
            let total = listed.amount.checked_mul(i64::from(units)).filter(|total| *total <= MOST);
            let fits = listed.most_units == 0 || units <= listed.most_units;
            let Some(total) = total.filter(|_| fits) else {
                let (zh, en) = ("数量超出清单规定", "more units than the list allows");
                return Err(Refusal::field("units", "UNITS_NOT_LISTED", zh, en));
            };
            if ask.amount != 0 && ask.amount != total {
                return Err(unlisted(format!("按清单应为{total}分")));
            }
            Ok((units, total))
        }
    }
}

/// No line comes to more than ten thousand million 元.
const MOST: i64 = 1_000_000_000_000;

/// Strikes out a line that is on no bill, or says of a charge of the list that it is not due.
///
/// # Errors
/// `FEE_NOT_FOUND`, `FEE_BILLED`.
pub fn strike(
    fees: &Fees,
    matter: &Matter,
    facts: &ItemFacts,
    (code, reason): (&str, &str),
    by: &Actor,
) -> Decision<Event> {
    if fees.all_lines().any(|(line, bill)| line.code == code && !bill.is_empty()) {
        let (zh, en) = ("该项目已经开具缴款通知，请先撤销缴款通知", "the line is on a bill: cancel the bill first");
        return Err(Refusal::state("FEE_BILLED", zh, en));
    }
    let listed = facts.details.charge(code).is_some() && !fees.not_due.contains(code);
    if !listed && !fees.lines.iter().any(|line| line.code == code) {
        let (zh, en) = ("没有核定过这个收费项目，收费清单中也没有", "no such line was assessed, nor is it listed");
        return Err(Refusal { kind: Kind::NotFound, ..Refusal::field("line_code", "FEE_NOT_FOUND", zh, en) });
    }
    let matter = Some(Box::new(matter.clone()));
    Ok(vec![Event::FeeStruck { code: code.to_owned(), reason: reason.to_owned(), by: by.clone(), matter }])
}
