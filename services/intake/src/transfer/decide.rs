//! The rules of a transfer.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use yiwang_ledger::{Context, Decision, Kind, Refusal};
use yiwang_standards::uscc;

use super::{Event, Finding, FindingKind, Offer, Offered, Organ, Stage, Transfer, Way, not_found};
use crate::application::Actor;
use crate::catalogue::{Item, Standing};
use crate::directory::{self, BasicItem, Level, governs};
use crate::drafting::check::cites;
use crate::limit::legal_date;

/// What an item is at the moment at which it is offered.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// It.
    pub item: Item,
    /// The basic item that it was claimed from.
    pub basic: Option<BasicItem>,
    /// There is an item of the code that the receiver is to use.
    pub new_code_taken: bool,
}

/// Offers items. `known` has what is known of each, in the offer's order.
///
/// # Errors
/// `BASIS_NOT_CITED`, `CONSULTED_MISSING`, `RECEIVER_UNFIT`, `ITEM_NOT_IN_FORCE`, `ITEM_NOT_YOURS`, `SUBDELEGATION`,
/// `ALREADY_ENTRUSTED`, `LEVEL_NOT_COMPETENT`, `ITEM_CODE_TAKEN`, each naming the field.
pub fn offer(transfer: &Transfer, offer: &Offer, known: &[Known], by: &Actor, cx: &Context) -> Decision<Event> {
    if transfer.stage != Stage::Absent {
        return Ok(Vec::new());
    }
    check_offer(offer, legal_date(cx.now))?;
    let mut findings = Vec::new();
    let mut codes = BTreeSet::new();
    let mut new_codes = BTreeSet::new();
    for (place, (offered, known)) in offer.items.iter().zip(known).enumerate() {
        let at = |field: &str| format!("items[{place}].{field}");
        if !codes.insert(&offered.code) {
            return Err(field(at("item_code"), "FIELD_INVALID", "同一事项列了两次", "the item stands there twice"));
        }
        if offer.way != Way::Entrust && !new_codes.insert(&offered.new_code) {
            let (zh, en) = ("同一实施编码用了两次", "the code is used twice");
            return Err(field(at("new_item_code"), "ITEM_CODE_TAKEN", zh, en));
        }
        check_one(place, offer, offered, known, legal_date(cx.now))?;
        findings.extend(entrusted_back(offer, offered, &known.item));
    }
    Ok(vec![Event::TransferOffered { offer: Box::new(offer.clone()), findings, by: by.clone() }])
}

/// One item of an offer, as it stands: asked when it is offered, and again when it is dated.
fn check_one(place: usize, offer: &Offer, offered: &Offered, known: &Known, today: NaiveDate) -> Result<(), Refusal> {
    let at = |field: &str| format!("items[{place}].{field}");
    check_item(&at("item_code"), offer, &known.item, today)?;
    if let Some(basic) = &known.basic {
        directory::decide::check_open(basic, None)?;
    }
    match offer.way {
        Way::Entrust => check_trustee(offer, &known.item),
        _ => check_receiver(&at("new_item_code"), offer, offered, known),
    }
}

fn field(field: impl Into<String>, reason: &'static str, zh: &str, en: &str) -> Refusal {
    Refusal::field(field, reason, zh, en)
}

fn check_offer(offer: &Offer, today: NaiveDate) -> Result<(), Refusal> {
    let (giver, receiver) = (&offer.giver, &offer.receiver);
    if !cites(&offer.basis) {
        let (zh, en) = ("依据应写明《文件名》或者文号", "cites neither a law by its name nor a document by its number");
        return Err(field("basis", "BASIS_NOT_CITED", zh, en));
    }
    if giver.code == receiver.code {
        return Err(field("receiver.code", "RECEIVER_UNFIT", "承接机关就是移交机关", "the receiver is the giver"));
    }
    let below = giver.region != receiver.region && governs(&giver.region, &receiver.region);
    let fits = match offer.way {
        Way::Devolve => below,
        Way::Reassign => giver.region == receiver.region,
        Way::Entrust => below || giver.region == receiver.region,
    };
    if !fits {
        let (zh, en) = match offer.way {
            Way::Devolve => ("下放应当是给下级区域的机关", "is handed down to an organ of a region below"),
            Way::Reassign => ("划转应当是给同一区域的机关", "is handed over within the region"),
            Way::Entrust => ("委托应当是给本级或者下级区域的机关", "is entrusted within the region or below it"),
        };
        return Err(field("receiver.region_code", "RECEIVER_UNFIT", zh, en));
    }
    if offer.way != Way::Entrust && offer.consulted.is_empty() {
        let (zh, en) = ("下放、划转应当征求意见，请列明征求意见的机关", "name the organs that are consulted");
        return Err(field("consulted", "CONSULTED_MISSING", zh, en));
    }
    let unfit = |organ: &Organ| organ.code == giver.code || organ.code == receiver.code;
    if offer.consulted.iter().any(unfit) {
        let (zh, en) =
            ("征求意见的机关应当是移交、承接双方以外的机关", "who is consulted is neither giver nor receiver");
        return Err(field("consulted", "FIELD_INVALID", zh, en));
    }
    if offer.until.is_some_and(|last| offer.way != Way::Entrust || last < today) {
        let (zh, en) = ("只有委托有期限，且不得早于今天", "only what is entrusted has a last day, not before today");
        return Err(field("until_date", "FIELD_INVALID", zh, en));
    }
    Ok(())
}

/// The item is in force, the giver's own, and entrusted to nobody: who handles it in another's name has nothing to give.
fn check_item(at: &str, offer: &Offer, item: &Item, today: NaiveDate) -> Result<(), Refusal> {
    if item.standing != Standing::InForce {
        return Err(field(at, "ITEM_NOT_IN_FORCE", "该事项不在用", "the item is not in force"));
    }
    // one that is still to begin counts too: the later word would end it silently
    let held = item.entrusted.as_ref().filter(|held| held.until.is_none_or(|last| last >= today));
    let trustee = held.map(|entrusted| &entrusted.organ.code);
    if (&item.facts.department_code, &item.facts.region) != (&offer.giver.code, &offer.giver.region) {
        if trustee == Some(&offer.giver.code) {
            let (zh, en) = (
                "受委托机关不得再委托、移交（行政许可法第二十四条）",
                "what was entrusted is not entrusted on (Licensing Law art. 24)",
            );
            return Err(Refusal { kind: Kind::FailedPrecondition, ..field(at, "SUBDELEGATION", zh, en) });
        }
        return Err(field(at, "ITEM_NOT_YOURS", "该事项不是移交机关的", "the item is not the giver's"));
    }
    if item.hold.as_ref().is_some_and(|hold| !hold.is_over(today)) && offer.way != Way::Entrust {
        let (zh, en) = ("该事项正在暂停办理，请恢复后再移交", "it is on hold: resume it first");
        return Err(Refusal { kind: Kind::FailedPrecondition, ..field(at, "ITEM_ON_HOLD", zh, en) });
    }
    if trustee.is_some() {
        let (zh, en) = ("该事项正在委托中，请先收回委托", "it is entrusted already: take that back first");
        return Err(Refusal { kind: Kind::FailedPrecondition, ..field(at, "ALREADY_ENTRUSTED", zh, en) });
    }
    Ok(())
}

/// 行政许可法 art. 24: a licence is entrusted to an administrative organ (its code begins with 11, GB 32100), to no institution and no company.
/// A placeholder says nothing of what it stands for.
fn check_trustee(offer: &Offer, item: &Item) -> Result<(), Refusal> {
    const LICENCE: u16 = 1;
    let code = &offer.receiver.code;
    if item.facts.item_type == LICENCE && uscc::is_valid(code) && !code.starts_with("11") {
        let (zh, en) = (
            "行政许可只能委托行政机关实施（行政许可法第二十四条）",
            "a licence is entrusted to an administrative organ alone (Licensing Law art. 24)",
        );
        return Err(field("receiver.code", "RECEIVER_UNFIT", zh, en));
    }
    Ok(())
}

/// 自己的名义: the receiver gets an item of its own, which the directory gives to its level.
fn check_receiver(at: &str, offer: &Offer, offered: &Offered, known: &Known) -> Result<(), Refusal> {
    if offered.kept && offer.way != Way::Devolve {
        let (zh, en) = ("只有下放可以分级保留", "only what is handed down may be kept beside it");
        return Err(field(at.replace("new_item_code", "kept"), "FIELD_INVALID", zh, en));
    }
    if known.new_code_taken || offered.new_code == offered.code {
        return Err(field(at, "ITEM_CODE_TAKEN", "该实施编码已有事项", "there is an item of this code already"));
    }
    let level = Level::of_region(&offer.receiver.region);
    if known.basic.as_ref().is_some_and(|basic| !basic.facts.is_open_to(level)) {
        let (zh, en) = (
            "基本目录没有把该事项交给承接机关这一级，请先修订基本目录",
            "the directory does not give this item to the receiver's level: amend it first",
        );
        return Err(Refusal { kind: Kind::FailedPrecondition, ..field(at, "LEVEL_NOT_COMPETENT", zh, en) });
    }
    Ok(())
}

/// 反委托: what one was given goes back, by entrustment, to who gave it. It is not stopped here; supervision finds it recorded.
fn entrusted_back(offer: &Offer, offered: &Offered, item: &Item) -> Option<Finding> {
    let received = item.received.as_ref().filter(|received| received.giver.code == offer.receiver.code)?;
    (offer.way == Way::Entrust).then(|| Finding {
        kind: FindingKind::EntrustedBack,
        item_code: offered.code.clone(),
        text: format!(
            "该事项由{}于{}{}而来（{}），又委托其办理，属反委托",
            received.giver.name,
            received.from,
            received.way.zh(),
            received.document
        ),
    })
}

/// 征求意见: an organ that is consulted speaks, once.
///
/// # Errors
/// `TRANSFER_NOT_AT_STAGE`, `NOT_CONSULTED`, `ALREADY_SPOKEN`.
pub fn consult(transfer: &Transfer, organ: &str, agrees: bool, text: &str, by: &Actor) -> Decision<Event> {
    at(transfer, &Stage::Offered)?;
    if !transfer.offer.consulted.iter().any(|asked| asked.code == organ) {
        let (zh, en) = ("没有征求该机关的意见", "this organ is not consulted");
        return Err(field("organisation", "NOT_CONSULTED", zh, en));
    }
    if transfer.said.iter().any(|said| said.organ == organ) {
        let (zh, en) = ("该机关已经反馈意见", "this organ has spoken already");
        return Err(Refusal::state("ALREADY_SPOKEN", zh, en));
    }
    let (organ, text, by) = (organ.to_owned(), text.to_owned(), by.clone());
    Ok(vec![Event::OpinionGiven { organ, agrees, text, by }])
}

/// 承接: by the receiver, once all who are consulted have spoken.
///
/// # Errors
/// `TRANSFER_NOT_AT_STAGE`, `CONSULTATION_OPEN`.
pub fn accept(transfer: &Transfer, text: &str, by: &Actor) -> Decision<Event> {
    at(transfer, &Stage::Offered)?;
    let silent: Vec<_> = transfer.silent().map(|organ| organ.name.as_str()).collect();
    if !silent.is_empty() {
        let zh = format!("尚有机关没有反馈意见：{}", silent.join("、"));
        return Err(Refusal::state("CONSULTATION_OPEN", zh, "not everybody who is consulted has spoken"));
    }
    Ok(vec![Event::TransferAccepted { text: text.to_owned(), by: by.clone() }])
}

/// 异议: by the receiver, with reasons; at any time before it took it.
///
/// # Errors
/// `TRANSFER_NOT_AT_STAGE`.
pub fn object(transfer: &Transfer, reasons: &str, by: &Actor) -> Decision<Event> {
    at(transfer, &Stage::Offered)?;
    Ok(vec![Event::TransferObjectedTo { reasons: reasons.to_owned(), by: by.clone() }])
}

/// 公布: the region dates what was accepted. What was asked of each item at the offer is asked again: it may have moved, been
/// cancelled, or been entrusted meanwhile.
///
/// # Errors
/// `TRANSFER_NOT_AT_STAGE`, `DATE_IN_THE_PAST`, `FIELD_INVALID`, and those of an offered item.
pub fn date(
    transfer: &Transfer,
    known: &[Known],
    effective: NaiveDate,
    document: &str,
    by: &Actor,
    cx: &Context,
) -> Decision<Event> {
    at(transfer, &Stage::Accepted)?;
    if effective < legal_date(cx.now) {
        let (zh, en) = ("生效日期不得早于今天", "the first day is not before today");
        return Err(field("effective_date", "DATE_IN_THE_PAST", zh, en));
    }
    if transfer.offer.until.is_some_and(|last| last < effective) {
        let (zh, en) = ("生效日期晚于委托期限", "the first day is after the last");
        return Err(field("effective_date", "FIELD_INVALID", zh, en));
    }
    for (place, (offered, known)) in transfer.offer.items.iter().zip(known).enumerate() {
        check_one(place, &transfer.offer, offered, known, legal_date(cx.now))?;
    }
    Ok(vec![Event::TransferDated { effective, document: document.to_owned(), by: by.clone() }])
}

/// The giver takes its offer back, before it is dated.
///
/// # Errors
/// `TRANSFER_NOT_AT_STAGE`.
pub fn withdraw(transfer: &Transfer, reason: &str, by: &Actor) -> Decision<Event> {
    if !transfer.stage.is_open() {
        return Err(elsewhere(transfer));
    }
    Ok(vec![Event::TransferWithdrawn { reason: reason.to_owned(), by: by.clone() }])
}

/// 收回委托: the giver takes back what it entrusted; the last day of it.
///
/// # Errors
/// `TRANSFER_NOT_AT_STAGE`, `NOT_ENTRUSTED`, `DATE_IN_THE_PAST`.
pub fn revoke(transfer: &Transfer, last: Option<NaiveDate>, reason: &str, by: &Actor, cx: &Context) -> Decision<Event> {
    let Stage::Dated { .. } = transfer.stage else { return Err(elsewhere(transfer)) };
    if transfer.offer.way != Way::Entrust {
        let (zh, en) = ("只有委托可以收回", "only what was entrusted is taken back");
        return Err(Refusal::state("NOT_ENTRUSTED", zh, en));
    }
    let today = legal_date(cx.now);
    let last = last.unwrap_or(today);
    if transfer.offer.until.is_some_and(|until| until < last) {
        let (zh, en) = ("委托在此之前已经届满", "the entrustment ends before that day");
        return Err(field("last_date", "FIELD_INVALID", zh, en));
    }
    if last < today {
        let (zh, en) = ("委托的最后一日不得早于今天", "the last day is not before today");
        return Err(field("last_date", "DATE_IN_THE_PAST", zh, en));
    }
    Ok(vec![Event::EntrustmentRevoked { last, reason: reason.to_owned(), by: by.clone() }])
}

fn at(transfer: &Transfer, stage: &Stage) -> Result<(), Refusal> {
    if transfer.stage == Stage::Absent {
        return Err(not_found());
    }
    if transfer.stage == *stage { Ok(()) } else { Err(elsewhere(transfer)) }
}

fn elsewhere(transfer: &Transfer) -> Refusal {
    if transfer.stage == Stage::Absent {
        return not_found();
    }
    let (zh, en) = ("移交不在这一环节", "the transfer stands at another stage");
    Refusal::state("TRANSFER_NOT_AT_STAGE", zh, en).with("stage", transfer.stage.name())
}
