//! 电子证照: one licence, from its issue to its end. One stream a licence; the rules are in [`decide`], the bytes that are
//! signed in [`payload`].

pub mod decide;
pub mod payload;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use yiwang_kit::party;
use yiwang_ledger::{Aggregate, Index, Kind, Meta, Personal, Refusal, SubjectId, Tag, Timestamp, UniqueKey};
use yiwang_standards::calendar;
use yiwang_standards::identity::DocumentKind;

/// 电子证照. See the folder's page.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct License {
    /// What was issued; none before the first entry.
    pub issued: Option<Issued>,
    /// Status as acts made it; what time makes of it is computed at each read ([`License::status_on`]).
    pub status: Status,
    /// 证照变动信息, oldest first.
    pub changes: Vec<Change>,
}

/// What was issued: the metadata of GB/T 36903, the bytes that were signed and the signature.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Issued {
    /// 证照标识, GB/T 36904, with its check character.
    pub identifier: String,
    /// 证照类型代码, 21 characters.
    pub type_code: String,
    /// 证照名称.
    pub name: String,
    /// 证照编号.
    pub number: String,
    /// 颁发机构.
    pub issuer: String,
    /// 颁发机构代码.
    pub issuer_code: String,
    /// 行政区划.
    pub region: String,
    /// 实施编码.
    pub item_code: String,
    /// 办件编号.
    pub case_number: String,
    /// Account that owns the application.
    pub owner: String,
    /// Keyed hash of that account's own document.
    pub owner_subject: Option<SubjectId>,
    /// 持证主体.
    pub holder: Holder,
    /// 签发日期.
    pub issued_on: NaiveDate,
    /// 有效期止, that day included; none: without end.
    pub valid_to: Option<NaiveDate>,
    /// Version of the licence, from 1.
    pub version: u32,
    /// The exact bytes that were signed: canonical JSON (RFC 8785), UTF-8. They hold personal data.
    pub payload: Personal,
    /// SM2 signature over exactly those bytes, DER, in hexadecimal.
    pub signature: String,
    /// The key that signed.
    pub key_id: String,
    /// Who granted the case, and so had it issued.
    pub by: Officer,
}

/// 持证主体.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Holder {
    /// Keyed hash of the number.
    pub subject: SubjectId,
    /// 姓名或名称.
    pub name: Personal,
    /// 证件类型, the number of the contract's `DocumentKind`.
    pub document_kind: i32,
    /// 证件号码.
    pub document_number: Personal,
}

impl Holder {
    /// Whether a cause of art. 70 can befall it: ② only 公民, ③ only 法人或者其他组织, told apart by the kind of document. Of
    /// one who shows some other document neither is known, and both are believed.
    pub fn can_meet(&self, cause: CancelCause) -> bool {
        let kind = party::document_kind(self.document_kind, "");
        match cause {
            CancelCause::DeathOrIncapacity => kind != Some(DocumentKind::Uscc),
            CancelCause::OrganisationEnded => matches!(kind, None | Some(DocumentKind::Uscc | DocumentKind::Other)),
            _ => true,
        }
    }
}

/// Who acted for the organ.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Officer {
    /// Account.
    pub id: String,
    /// Name.
    pub name: String,
    /// Role.
    pub role: String,
    /// Code of the organ.
    pub organisation: String,
}

impl Officer {
    /// The suite itself.
    pub fn system() -> Self {
        Self { id: "system".into(), name: "系统".into(), role: "system".into(), organisation: String::new() }
    }
}

/// 证照状态 as acts make it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Status {
    /// No such licence.
    #[default]
    Absent,
    /// 有效, as far as acts go.
    Valid,
    /// 失效: the last day passed. Read before the timer has written it, it is computed ([`License::status_on`]).
    Expired,
    /// 注销.
    Cancelled {
        /// The number of art. 70.
        cause: CancelCause,
    },
}

/// 证照状态 on a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatusOn {
    /// No such licence.
    Absent,
    /// Before its first day.
    NotYetValid,
    /// 有效.
    Valid,
    /// 失效: past its last day.
    Expired,
    /// 注销.
    Cancelled,
}

/// 行政许可法 art. 70, by its numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum CancelCause {
    /// ① 有效期届满未延续.
    NotRenewed,
    /// ② 赋予公民特定资格的行政许可，该公民死亡或者丧失行为能力.
    DeathOrIncapacity,
    /// ③ 法人或者其他组织依法终止.
    OrganisationEnded,
    /// ④ 行政许可依法被撤销、撤回，或者行政许可证件依法被吊销.
    PermitAnnulled,
    /// ⑤ 因不可抗力导致行政许可事项无法实施.
    ForceMajeure,
    /// ⑥ 法律、法规规定的应当注销行政许可的其他情形.
    OtherByLaw,
}

impl CancelCause {
    /// The article and number, for texts.
    pub fn article(self) -> &'static str {
        match self {
            Self::NotRenewed => "《中华人民共和国行政许可法》第七十条第一项",
            Self::DeathOrIncapacity => "《中华人民共和国行政许可法》第七十条第二项",
            Self::OrganisationEnded => "《中华人民共和国行政许可法》第七十条第三项",
            Self::PermitAnnulled => "《中华人民共和国行政许可法》第七十条第四项",
            Self::ForceMajeure => "《中华人民共和国行政许可法》第七十条第五项",
            Self::OtherByLaw => "《中华人民共和国行政许可法》第七十条第六项",
        }
    }
}

/// One change of status.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// When.
    pub at: Timestamp,
    /// By whom.
    pub by: Officer,
    /// What it is from then on.
    pub to: Status,
    /// Why.
    pub reason: Option<Personal>,
}

/// What happens to a licence.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, strum::IntoStaticStr, strum::VariantNames)]
pub enum Event {
    /// 签发.
    Issued(Box<Issued>),
    /// 失效: the last day passed.
    Expired {},
    /// 注销.
    Cancelled {
        /// By whom.
        by: Officer,
        /// The number of art. 70.
        cause: CancelCause,
        /// Why.
        reason: Personal,
    },
}

impl Aggregate for License {
    const KIND: &'static str = "license";
    type Event = Event;

    fn evolve(&mut self, event: &Event, meta: &Meta) {
        match event {
            Event::Issued(issued) => {
                self.issued = Some(issued.as_ref().clone());
                self.status = Status::Valid;
                self.changed(meta, issued.by.clone(), None);
            }
            Event::Expired {} => {
                self.status = Status::Expired;
                self.changed(meta, Officer::system(), None);
            }
            Event::Cancelled { by, cause, reason } => {
                self.status = Status::Cancelled { cause: *cause };
                self.changed(meta, by.clone(), Some(reason.clone()));
            }
        }
    }

    fn index(&self) -> Index {
        let Some(issued) = &self.issued else { return Index::default() };
        Index {
            region: issued.region.clone(),
            organisation: issued.issuer_code.clone(),
            owner: issued.holder.subject.to_string(),
            item: issued.item_code.clone(),
            status: self.status_name().to_owned(),
            // The day after the last one: the timer writes down what has come to pass.
            due_at: issued.valid_to.filter(|_| self.status == Status::Valid).map(after),
        }
    }

    fn tags(&self) -> Vec<Tag> {
        let (Some(issued), Some(first)) = (&self.issued, self.changes.first()) else { return Vec::new() };
        let sort = Tag::newest_first(first.at);
        let mut tags = vec![
            Tag::new(Tag::AUDIENCE, issued.holder.subject.audience(), sort.clone()),
            Tag::new(Tag::AUDIENCE, format!("org:{}", issued.issuer_code), sort.clone()),
            Tag::new(Tag::AUDIENCE, format!("region:{}", issued.region), sort.clone()),
            Tag::new("status", self.status_name(), sort.clone()),
            Tag::new("type", issued.type_code.as_str(), sort.clone()),
            Tag::new("case", issued.case_number.as_str(), sort.clone()),
        ];
        if let Some(owner) = &issued.owner_subject {
            tags.push(Tag::new(Tag::AUDIENCE, owner.audience(), sort.clone()));
        }
        if !issued.owner.is_empty() {
            tags.push(Tag::new("owner", issued.owner.as_str(), sort));
        }
        tags.sort();
        tags.dedup();
        tags
    }

    fn keys(&self) -> Vec<UniqueKey> {
        let Some(issued) = &self.issued else { return Vec::new() };
        vec![
            UniqueKey { scope: BY_CASE, key: issued.case_number.clone() },
            UniqueKey { scope: BY_IDENTIFIER, key: issued.identifier.clone() },
            UniqueKey { scope: BY_NUMBER, key: issued.number.clone() },
        ]
    }
}

/// The first instant after a day.
fn after(day: NaiveDate) -> Timestamp {
    Timestamp(calendar::end_of_day_micros(day).saturating_add(1))
}

/// One licence a case.
pub const BY_CASE: &str = "LICENSE_EXISTS_FOR_CASE";
/// One licence an identifier.
pub const BY_IDENTIFIER: &str = "LICENSE_IDENTIFIER_TAKEN";
/// One licence a number.
pub const BY_NUMBER: &str = "LICENSE_NUMBER_TAKEN";

/// `LICENSE_NOT_FOUND`, worded alike whether it is missing or hidden from the caller.
pub fn not_found() -> Refusal {
    Refusal::new(
        Kind::NotFound,
        "LICENSE_NOT_FOUND",
        "未找到该证照，或您无权查看",
        "there is no such licence, or it is not visible to you",
    )
}

impl License {
    /// What was issued; `LICENSE_NOT_FOUND` before the first entry.
    pub fn issued(&self) -> Result<&Issued, Refusal> {
        self.issued.as_ref().ok_or_else(not_found)
    }

    /// The status on a day: an act first, then the calendar. Nobody has to run a job for a licence to expire.
    pub fn status_on(&self, day: NaiveDate) -> StatusOn {
        match (&self.status, &self.issued) {
            (Status::Absent, _) | (_, None) => StatusOn::Absent,
            (Status::Cancelled { .. }, _) => StatusOn::Cancelled,
            (Status::Expired, _) => StatusOn::Expired,
            (Status::Valid, Some(issued)) if day < issued.issued_on => StatusOn::NotYetValid,
            (Status::Valid, Some(issued)) if issued.valid_to.is_some_and(|last| day > last) => StatusOn::Expired,
            (Status::Valid, Some(_)) => StatusOn::Valid,
        }
    }

    fn changed(&mut self, meta: &Meta, by: Officer, reason: Option<Personal>) {
        self.changes.push(Change { at: meta.at, by, to: self.status.clone(), reason });
    }

    /// The status's name, as it stands in the tags by which lists are filtered.
    pub fn status_name(&self) -> &'static str {
        match self.status {
            Status::Absent => "ABSENT",
            Status::Valid => "VALID",
            Status::Expired => "EXPIRED",
            Status::Cancelled { .. } => "CANCELLED",
        }
    }
}
