//! Parties of an application: 申请人 and 代理人, checked by the kind of their document and sealed.

use serde::{Deserialize, Serialize};
use yiwang_ledger::{Personal, SubjectId};
use yiwang_standards::identity::DocumentKind;

/// A natural or legal person. While it is only half given, its subject is that of the application's owner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Party {
    /// Whose data it is.
    pub subject: SubjectId,
    /// Kind of the document; none while no number was given.
    pub kind: Option<DocumentKind>,
    /// 姓名或名称.
    pub name: Option<Personal>,
    /// 证件号码, in its one spelling.
    pub number: Option<Personal>,
    /// 联系电话.
    pub phone: Option<Personal>,
    /// 地址.
    pub address: Option<Personal>,
}

impl Party {
    /// Whether it carries a checked number, so that its subject is the person's own.
    pub fn is_identified(&self) -> bool {
        self.kind.is_some() && self.number.is_some()
    }
}
