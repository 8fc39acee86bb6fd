//! Parties of an application: 申请人 and 代理人, checked by the kind of their document and sealed.

use serde::{Deserialize, Serialize};
use yiwang_ledger::{Personal, SubjectId};
use yiwang_standards::identity::{self, DocumentKind};

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

    /// Whether it is an organisation, whose name is public.
    pub fn is_organisation(&self) -> bool {
        self.kind.is_some_and(DocumentKind::is_organisation)
    }

    /// The name as lists show it: 张*; an organisation's stays.
    pub fn masked_name(&self) -> String {
        match (&self.name, self.is_organisation()) {
            (Some(name), true) => name.get().unwrap_or(ERASED).to_owned(),
            (Some(name), false) => name.get().map_or_else(|| ERASED.to_owned(), identity::mask_name),
            (None, _) => String::new(),
        }
    }

    /// The number as lists show it: 511***********1234.
    pub fn masked_number(&self) -> String {
        match &self.number {
            Some(number) => number.get().map_or_else(|| ERASED.to_owned(), identity::mask_number),
            None => String::new(),
        }
    }
}

/// What is shown of a value whose subject was erased.
pub const ERASED: &str = "（已删除）";

/// The text of a personal value, or what is shown when it is gone.
pub fn shown(value: &Personal) -> &str {
    value.get().unwrap_or(ERASED)
}
