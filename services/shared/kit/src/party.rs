//! Parties between the contracts and the domain: whose data a message carries, and how much of it a list shows.
//!
//! Invariant: [`masked`] is the only way from personal data to a list.

use yiwang_ledger::{Personal, Refusal, SubjectId, Vault};
use yiwang_proto::party::v1 as pb;
use yiwang_standards::identity::{self, DocumentKind};

use crate::caller::{Caller, CallerKind, subject};

/// What is shown of a value whose subject was erased (个人信息保护法 art. 47).
pub const ERASED: &str = "（已删除）";

/// The kind of document that a contract's number means. A residence permit's kind is told apart by its area.
pub fn document_kind(kind: i32, number: &str) -> Option<DocumentKind> {
    Some(match pb::DocumentKind::try_from(kind).ok()? {
        pb::DocumentKind::Unspecified => return None,
        pb::DocumentKind::ResidentId => DocumentKind::ResidentId,
        pb::DocumentKind::UnifiedSocialCreditCode => DocumentKind::Uscc,
        pb::DocumentKind::Passport => DocumentKind::Passport,
        pb::DocumentKind::HkMacaoTravelPermit => DocumentKind::HongKongMacauPass,
        pb::DocumentKind::TaiwanTravelPermit => DocumentKind::TaiwanPass,
        pb::DocumentKind::HmtResidencePermit if identity::normalise(number).starts_with("83") => {
            DocumentKind::TaiwanPermit
        }
        pb::DocumentKind::HmtResidencePermit => DocumentKind::HongKongMacauPermit,
        pb::DocumentKind::ForeignPermanentResidentId => DocumentKind::ForeignPermanentResidence,
        pb::DocumentKind::Other => DocumentKind::Other,
    })
}

/// Whose data the party's are. `None` where its kind or number is missing.
pub fn subject_of(vault: &Vault, party: &pb::Party) -> Option<SubjectId> {
    let kind = document_kind(party.document_kind, &party.document_number)?;
    (!identity::normalise(&party.document_number).is_empty()).then(|| subject(vault, kind, &party.document_number))
}

/// The `owner_subject` that a relay brings: the keyed hash of the account's own document, or nothing.
///
/// # Errors
/// `FIELD_INVALID` for what is neither.
pub fn owner_subject(text: &str) -> Result<Option<SubjectId>, Refusal> {
    if text.is_empty() {
        return Ok(None);
    }
    let (zh, en) = ("应为64位十六进制数或空", "this is 64 hex digits, or empty");
    SubjectId::parse(text).map(Some).ok_or_else(|| Refusal::field("owner_subject", "FIELD_INVALID", zh, en))
}

/// Name and number as lists show them: 张*, 511***********1234. An organisation's name is public and stays.
pub fn masked(name: &Personal, kind: i32, number: &Personal) -> pb::MaskedParty {
    let organisation = kind == pb::DocumentKind::UnifiedSocialCreditCode as i32;
    pb::MaskedParty {
        name: match name.get() {
            None => ERASED.to_owned(),
            Some(name) if organisation => name.to_owned(),
            Some(name) => identity::mask_name(name),
        },
        document_kind: kind,
        document_number: number.get().map_or_else(|| ERASED.to_owned(), identity::mask_number),
    }
}

/// Who acts, as the contracts show it. The name is an officer's only: a citizen's name is personal data.
pub fn actor(caller: &Caller) -> pb::Actor {
    let officer = caller.is_staff();
    pb::Actor {
        id: caller.id.clone(),
        name: if officer { caller.name.clone() } else { String::new() },
        role: caller.role().to_owned(),
        organisation: caller.organisations.first().filter(|_| officer).cloned().unwrap_or_default(),
        person_id: caller.acting.clone().unwrap_or_default(),
    }
}

/// Somebody who acted, as the caller reads it: an officer's name goes out in full to the offices alone.
pub fn shown_actor(actor: pb::Actor, caller: &Caller) -> pb::Actor {
    match caller.kind {
        CallerKind::Staff | CallerKind::Service => actor,
        _ if actor.name.is_empty() => actor,
        _ => pb::Actor { name: identity::mask_name(&actor.name), ..actor },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_officers_name_is_masked_for_whoever_is_no_office() {
        let officer = pb::Actor { id: "staff:approver".into(), name: "陈建国".into(), ..pb::Actor::default() };
        let read_by = |kind| shown_actor(officer.clone(), &Caller { kind, ..Caller::anonymous() }).name;
        assert_eq!((read_by(CallerKind::Staff), read_by(CallerKind::Service)), ("陈建国".into(), "陈建国".into()));
        for kind in [CallerKind::Person, CallerKind::Company, CallerKind::Partner, CallerKind::Anonymous] {
            assert_eq!(read_by(kind), "陈**");
        }
    }

    #[test]
    fn a_residence_permit_is_told_apart_by_its_area_however_it_was_typed() {
        let kind = |number| document_kind(pb::DocumentKind::HmtResidencePermit.into(), number);
        assert_eq!(kind(" ８３0000199001010012"), Some(DocumentKind::TaiwanPermit));
        assert_eq!(kind("810000199001010019"), Some(DocumentKind::HongKongMacauPermit));
    }
}
