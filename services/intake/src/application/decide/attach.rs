//! Files. The bytes are in the object store before the event is decided, and leave it again when the event is refused.

use yiwang_ledger::{Context, Decision, Kind, Refusal};

use super::spot::{self, Way};
use super::{Acting, applicant_missing, authority};
use crate::application::{Application, ApplicationEvent as Event, Attachment, MAX_ATTACHMENTS, Phase};
use crate::catalogue::ItemFacts;
use crate::limit::Ends as _;

/// 行政许可法 art. 31: the list of materials is closed; a file beyond it names none.
pub fn check_material(facts: &ItemFacts, material: &str) -> Result<(), Refusal> {
    if material.is_empty() || facts.material(material).is_some() {
        return Ok(());
    }
    let (zh, en) = (format!("该事项没有编码为“{material}”的材料"), format!("the item has no material “{material}”"));
    Err(Refusal { kind: Kind::NotFound, ..Refusal::field("material_code", "MATERIAL_NOT_FOUND", zh, en) })
}

/// 个人信息保护法 art. 47: who is erased is erased with their files. So a file waits until the applicant is known, and lies
/// under their key.
fn check_sealed(app: &Application, file: &Attachment) -> Result<(), Refusal> {
    let applicant = app.identified_applicant().ok_or_else(applicant_missing)?;
    if applicant.subject == file.subject {
        return Ok(());
    }
    let (zh, en) = ("申请人刚刚变更，请重新上传", "the applicant was changed meanwhile: upload again");
    Err(Refusal::new(Kind::Aborted, "CONTENDED", zh, en))
}

/// Adds a file: to a draft, while a correction is asked for, on the spot (当场更正), and after acceptance for what may still
/// follow (容缺).
pub fn add_attachment(
    app: &Application,
    facts: &ItemFacts,
    file: &Attachment,
    by: &Acting,
    cx: &Context,
) -> Decision<Event> {
    let follows = matches!(&app.phase, Phase::Accepted(acceptance) if acceptance.outstanding.contains(&file.material));
    let way = if follows { following(app, by, cx)? } else { spot::way(app, by, cx, "上传附件", "added to")? };
    check_material(facts, &file.material)?;
    check_sealed(app, file)?;
    if app.attachments.len() >= MAX_ATTACHMENTS {
        return Err(Refusal::state(
            "TOO_MANY_ATTACHMENTS",
            format!("一件申请至多{MAX_ATTACHMENTS}个附件"),
            format!("at most {MAX_ATTACHMENTS} attachments an application"),
        ));
    }
    let mut after = app.clone();
    after.attachments.push(file.clone());
    let added = Event::AttachmentAdded { attachment: Box::new(file.clone()), by: by.actor.clone() };
    Ok(spot::recorded(way, added, &after, facts, by))
}

/// 容缺: what was to follow comes from whoever may hand it in, and in time.
fn following(app: &Application, by: &Acting, cx: &Context) -> Result<Way, Refusal> {
    authority(app, by, cx)?;
    let deferral = match &app.phase {
        Phase::Accepted(acceptance) => acceptance.deferral.as_ref(),
        _ => None,
    };
    match deferral.filter(|deferral| deferral.late || deferral.due.forfeited(cx.now)) {
        None => Ok(Way::Open),
        Some(deferral) => {
            let zh = format!("补齐期限已于{}届满", deferral.due.date);
            let en = format!("the time for what was to follow ended on {}", deferral.due.date);
            Err(Refusal::state("DEFERRAL_LATE", zh, en))
        }
    }
}

/// `ATTACHMENT_NOT_FOUND`.
pub fn attachment_not_found() -> Refusal {
    Refusal { reason: "ATTACHMENT_NOT_FOUND", ..Refusal::not_found("附件") }
}

/// Takes a file out.
pub fn remove_attachment(app: &Application, facts: &ItemFacts, id: &str, by: &Acting, cx: &Context) -> Decision<Event> {
    let way = spot::way(app, by, cx, "删除附件", "taken from")?;
    app.attachment(id).ok_or_else(attachment_not_found)?;
    let mut after = app.clone();
    after.attachments.retain(|file| file.id != id);
    let removed = Event::AttachmentRemoved { id: id.to_owned(), by: by.actor.clone() };
    Ok(spot::recorded(way, removed, &after, facts, by))
}
