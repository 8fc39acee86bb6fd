//! Requests as commands. Every personal value is sealed here, under its subject, before anything else sees it.

use serde_json::Value;
use yiwang_kit::party as parties;
use yiwang_kit::{Caller, CallerKind};
use yiwang_ledger::{Personal, Refusal, SubjectId, Timestamp, Vault};
use yiwang_proto::catalogue::v1::Channel as PbChannel;
use yiwang_proto::intake::v1 as pb;
use yiwang_proto::party::v1 as party_pb;
use yiwang_standards::identity;

use crate::application::decide::Acting;
use crate::application::{Actor, Change, Channel, Ground, Party, Point};
use crate::limit::legal_date;
use crate::rules::RuleSet;

/// Who acts.
pub fn acting(caller: &Caller) -> Acting {
    let actor = parties::actor(caller);
    let actor = Actor {
        id: actor.id,
        name: actor.name,
        role: actor.role,
        organisation: actor.organisation,
        person: actor.person_id,
    };
    Acting {
        actor,
        subject: caller.subject.clone(),
        staff: caller.kind == CallerKind::Staff,
        grade: caller.grade,
        helper: None,
        mandates: Vec::new(),
    }
}

/// A text of `least` to `most` characters, blanks around it cut off.
///
/// # Errors
/// `reason`, naming the field.
pub fn text(field: &str, value: &str, least: usize, most: usize, reason: &'static str) -> Result<String, Refusal> {
    let value = value.trim();
    let length = value.chars().count();
    if (least..=most).contains(&length) && !value.chars().any(|c| c.is_control() && c != '\n' && c != '\t') {
        return Ok(value.to_owned());
    }
    let (zh, en) = match length {
        0 => ("必须填写".to_owned(), "is required".to_owned()),
        _ => (
            format!("长度应为{least}至{most}个字符，不含控制字符"),
            format!("{least} to {most} characters, no control characters"),
        ),
    };
    Err(Refusal::field(field, reason, zh, en))
}

/// A list that is not too long.
///
/// # Errors
/// `FIELD_INVALID`, naming the field.
pub fn few<T>(field: &str, all: &[T], most: usize) -> Result<(), Refusal> {
    if all.len() <= most {
        return Ok(());
    }
    Err(Refusal::field(field, "FIELD_INVALID", format!("至多{most}项"), format!("at most {most} of them")))
}

/// 申报来源; unspecified means web, for staff the window.
pub fn channel(asked: PbChannel, staff: bool) -> Channel {
    match asked {
        PbChannel::Unspecified if staff => Channel::Window,
        PbChannel::Unspecified | PbChannel::Web => Channel::Web,
        PbChannel::Window => Channel::Window,
        PbChannel::Mobile => Channel::Mobile,
        PbChannel::Post => Channel::Post,
        PbChannel::Other => Channel::Other,
        PbChannel::Terminal => Channel::Terminal,
        PbChannel::Phone => Channel::Phone,
        PbChannel::VillageProxy => Channel::VillageProxy,
    }
}

/// Names of a party's fields within a body, so that no sealed value can stand in another's place.
struct Names {
    path: &'static str,
    name: &'static str,
    number: &'static str,
    phone: &'static str,
    address: &'static str,
}

const APPLICANT: Names = Names {
    path: "applicant",
    name: "applicant.name",
    number: "applicant.number",
    phone: "applicant.phone",
    address: "applicant.address",
};
const AGENT: Names =
    Names { path: "agent", name: "agent.name", number: "agent.number", phone: "agent.phone", address: "agent.address" };
const ASKER: Names =
    Names { path: "asker", name: "asker.name", number: "asker.number", phone: "asker.phone", address: "asker.address" };

const PRINCIPAL: Names = Names {
    path: "principal",
    name: "principal.name",
    number: "principal.number",
    phone: "principal.phone",
    address: "principal.address",
};
const VISITOR: Names = Names {
    path: "visitor",
    name: "visitor.name",
    number: "visitor.number",
    phone: "visitor.phone",
    address: "visitor.address",
};

const COLLECTOR: Names = Names {
    path: "collector",
    name: "collector.name",
    number: "collector.number",
    phone: "collector.phone",
    address: "collector.address",
};

/// What the parts of a request are sealed with.
pub struct Sealing<'a> {
    /// The ledger's vault.
    pub vault: &'a Vault,
    /// Whose a party's data are while it has no number.
    pub fallback: &'a SubjectId,
    /// Legal time: nobody is born after it.
    pub now: Timestamp,
}

impl Sealing<'_> {
    /// 申请人; none where nothing was given.
    ///
    /// # Errors
    /// `PARTY_INVALID`, every field at fault named with its own reason.
    pub fn applicant(&self, party: &party_pb::Party) -> Result<Option<Party>, Refusal> {
        self.party(&APPLICANT, party)
    }

    /// 代理人; none where nothing was given.
    ///
    /// # Errors
    /// As [`Sealing::applicant`].
    pub fn agent(&self, party: &party_pb::Party) -> Result<Option<Party>, Refusal> {
        self.party(&AGENT, party)
    }

    /// 被代理人; none where nothing was given.
    ///
    /// # Errors
    /// As [`Sealing::applicant`].
    pub fn principal(&self, party: &party_pb::Party) -> Result<Option<Party>, Refusal> {
        self.party(&PRINCIPAL, party)
    }

    /// 预约人; none where nothing was given.
    ///
    /// # Errors
    /// As [`Sealing::applicant`].
    pub fn visitor(&self, party: &party_pb::Party) -> Result<Option<Party>, Refusal> {
        self.party(&VISITOR, party)
    }

    /// 领取人; none where nothing was given.
    ///
    /// # Errors
    /// As [`Sealing::applicant`].
    pub fn collector(&self, party: &party_pb::Party) -> Result<Option<Party>, Refusal> {
        self.party(&COLLECTOR, party)
    }

    /// 提问人、求助人; none where nothing was given.
    ///
    /// # Errors
    /// As [`Sealing::applicant`].
    pub fn asker(&self, party: &party_pb::Party) -> Result<Option<Party>, Refusal> {
        self.party(&ASKER, party)
    }

    fn party(&self, names: &Names, party: &party_pb::Party) -> Result<Option<Party>, Refusal> {
        if *party == party_pb::Party::default() {
            return Ok(None);
        }
        let mut refusal =
            Refusal::invalid("PARTY_INVALID", "当事人信息有误，请按提示修改", "a party's particulars are not in order");
        let mut checked = |field: &str, value: &str, most: usize| match text(field, value, 0, most, "FIELD_INVALID") {
            Ok(value) => Some(value).filter(|value| !value.is_empty()),
            Err(wrong) => {
                refusal.fields.extend(wrong.fields);
                None
            }
        };
        let name = checked(&format!("{}.name", names.path), &party.name, 200);
        let address = checked(&format!("{}.address", names.path), &party.address, 300);
        let phone = match checked(&format!("{}.phone", names.path), &party.phone, 20).map(|text| identity::phone(&text))
        {
            None => None,
            Some(Ok(phone)) => Some(phone),
            Some(Err(wrong)) => {
                let field = format!("{}.phone", names.path);
                refusal = refusal.with_field(field, wrong.reason(), wrong.zh(), wrong.en());
                None
            }
        };
        let kind = parties::document_kind(party.document_kind, &party.document_number);
        let number = party.document_number.trim();
        let document = match kind {
            Some(kind) if !number.is_empty() => {
                match identity::validate(kind, number).and_then(|good| good.born_by(legal_date(self.now))) {
                    Ok(good) => Some((kind, good.into_number())),
                    Err(wrong) => {
                        let field = format!("{}.document_number", names.path);
                        refusal = refusal.with_field(field, wrong.reason(), wrong.zh(), wrong.en());
                        None
                    }
                }
            }
            None if !number.is_empty() => {
                let field = format!("{}.document_kind", names.path);
                refusal = refusal.with_field(
                    field,
                    "DOCUMENT_KIND_MISSING",
                    "请选择证件类型",
                    "name the kind of the document",
                );
                None
            }
            _ => None,
        };
        if !refusal.fields.is_empty() {
            return Err(refusal);
        }
        let subject = match &document {
            Some((kind, number)) => yiwang_kit::subject(self.vault, *kind, number),
            None => self.fallback.clone(),
        };
        let seal =
            |field: &'static str, value: Option<String>| value.map(|value| Personal::new(&subject, field, value));
        Ok(Some(Party {
            kind: document.as_ref().map(|(kind, _)| *kind),
            name: seal(names.name, name),
            number: seal(names.number, document.map(|(_, number)| number)),
            phone: seal(names.phone, phone),
            address: seal(names.address, address),
            subject: subject.clone(),
        }))
    }
}

/// The form as JSON text, whole numbers without a point.
///
/// # Errors
/// `FORM_INVALID`.
pub fn form(subject: &SubjectId, form: &pbjson_types::Struct) -> Result<Personal, Refusal> {
    Ok(Personal::new(subject, "form", form_value(form)?.to_string()))
}

/// The form as JSON, whole numbers without a point.
///
/// # Errors
/// `FORM_INVALID`.
pub fn form_value(form: &pbjson_types::Struct) -> Result<Value, Refusal> {
    let unreadable =
        |_| Refusal::field("form", "FORM_INVALID", "表单内容无法读取", "the form cannot be written as JSON");
    serde_json::to_value(form).map(whole).map_err(unreadable)
}

/// A protobuf number is a double; a whole one is shown and checked as the integer that was typed.
fn whole(value: Value) -> Value {
    match value {
        Value::Number(number) => match number.as_f64() {
            Some(float) if float.fract() == 0.0 && float.abs() < 9e15 => Value::from(float as i64),
            _ => Value::Number(number),
        },
        Value::Array(items) => items.into_iter().map(whole).collect(),
        Value::Object(fields) => fields.into_iter().map(|(name, value)| (name, whole(value))).collect(),
        other => other,
    }
}

/// The form of an application in the contracts' shape; none once it was erased.
pub fn form_struct(form: &Personal) -> Option<pbjson_types::Struct> {
    form.get().and_then(|text| serde_json::from_str(text).ok())
}

/// Which parts an update sets or clears.
///
/// # Errors
/// `UPDATE_MASK_INVALID` for a path that is none of `applicant`, `agent`, `form`.
pub fn mask(request: &pb::UpdateApplicationRequest) -> Result<[bool; 3], Refusal> {
    let paths = request.update_mask.as_ref().map(|mask| mask.paths.as_slice()).unwrap_or_default();
    if paths.is_empty() {
        return Ok([request.applicant.is_some(), request.agent.is_some(), request.form.is_some()]);
    }
    let mut named = [false; 3];
    for path in paths {
        match path.as_str() {
            "applicant" => named[0] = true,
            "agent" => named[1] = true,
            "form" => named[2] = true,
            _ => {
                return Err(Refusal::field(
                    "update_mask",
                    "UPDATE_MASK_INVALID",
                    "只能修改 applicant、agent、form",
                    "applicant, agent and form can be changed",
                ));
            }
        }
    }
    Ok(named)
}

/// A named part: set where it is there, cleared where it is not.
pub fn change<T>(named: bool, part: Option<T>) -> Change<T> {
    match (named, part) {
        (false, _) => Change::Keep,
        (true, Some(part)) => Change::Set(part),
        (true, None) => Change::Clear,
    }
}

/// The points of a correction.
///
/// # Errors
/// `POINTS_MISSING`, `FIELD_INVALID`.
pub fn points(subject: &SubjectId, points: &[pb::CorrectionPoint]) -> Result<Vec<Point>, Refusal> {
    if points.is_empty() || points.len() > 50 {
        return Err(Refusal::field("points", "POINTS_MISSING", "请列明1至50项需要补正的内容", "name 1 to 50 points"));
    }
    let one = |(index, point): (usize, &pb::CorrectionPoint)| {
        let text = text(&format!("points[{index}].text"), &point.text, 1, 500, "FIELD_INVALID")?;
        let field = self::text(&format!("points[{index}].field"), &point.field, 0, 200, "FIELD_INVALID")?;
        let material = point.material_code.trim().to_owned();
        let check = point.check_code.trim().to_owned();
        Ok(Point { material, field, text: Personal::new(subject, "correction", text), check })
    };
    points.iter().enumerate().map(one).collect()
}

/// The ground of a refusal, which the rule set limits.
///
/// # Errors
/// `GROUND_MISSING`.
pub fn ground(ground: pb::RefusalGround, rules: &RuleSet) -> Result<Ground, Refusal> {
    match ground {
        pb::RefusalGround::NoPermissionNeeded => Ok(Ground::NoPermissionNeeded),
        pb::RefusalGround::NotOurAuthority => Ok(Ground::NotOurAuthority),
        // what the place's rule effects is no ground that a clerk chooses
        pb::RefusalGround::CorrectionLate | pb::RefusalGround::Unspecified => Err(Refusal::field(
            "ground",
            "GROUND_MISSING",
            format!("不予受理只限依法不需要办理或者不属于本机关职权范围两种情形，请指明（{}）", rules.refusal_source),
            format!("name one of the two grounds ({})", rules.refusal_source),
        )),
    }
}

/// An optional remark, sealed.
///
/// # Errors
/// `FIELD_INVALID`.
pub fn remark(app: &SubjectId, field: &'static str, value: &str) -> Result<Option<Personal>, Refusal> {
    let value = text(field, value, 0, 500, "FIELD_INVALID")?;
    Ok((!value.is_empty()).then(|| Personal::new(app, field, value)))
}

/// An opinion, sealed; none where nothing was said.
///
/// # Errors
/// `FIELD_INVALID`.
pub fn opinion(app: &SubjectId, field: &'static str, value: &str) -> Result<Option<Personal>, Refusal> {
    let value = text(field, value, 0, 1000, "FIELD_INVALID")?;
    Ok((!value.is_empty()).then(|| Personal::new(app, field, value)))
}

/// The phase as tagged.
pub fn phase_tag(phase: pb::ApplicationPhase) -> Option<&'static str> {
    Some(match phase {
        pb::ApplicationPhase::Unspecified => return None,
        pb::ApplicationPhase::Draft => "DRAFT",
        pb::ApplicationPhase::Submitted => "SUBMITTED",
        pb::ApplicationPhase::CorrectionRequested => "CORRECTION_REQUESTED",
        pb::ApplicationPhase::Accepted => "ACCEPTED",
        pb::ApplicationPhase::Refused => "REFUSED",
        pb::ApplicationPhase::Withdrawn => "WITHDRAWN",
    })
}
