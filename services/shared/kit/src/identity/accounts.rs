//! The demonstration accounts, named by role: `accounts.toml`.

use std::sync::LazyLock;

use config::{File, FileFormat};
use serde::Deserialize;

use super::token::Document;
use crate::caller::CallerKind;

/// A demonstration account.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Account {
    /// `citizen`, `clerk` …: what follows `--as`.
    pub id: String,
    /// What kind of caller.
    pub kind: CallerKind,
    /// Name to show.
    pub name: String,
    /// 证件, of persons and companies.
    #[serde(default)]
    pub document: Option<Document>,
    /// Roles.
    #[serde(default)]
    pub roles: Vec<String>,
    /// 岗位等级, 0 to 9.
    #[serde(default)]
    pub grade: u8,
    /// Codes of the organs worked for.
    #[serde(default)]
    pub organisations: Vec<String>,
    /// 经办人 of a company: the natural person who acts for it, `person:…`.
    #[serde(default)]
    pub acting: Option<String>,
    /// Another region than the installation's.
    #[serde(default)]
    pub region: Option<String>,
}

impl Account {
    /// The token's subject: `staff:clerk`.
    pub fn subject(&self) -> String {
        let kind: &'static str = match self.kind {
            CallerKind::Person => "person",
            CallerKind::Company => "company",
            CallerKind::Staff => "staff",
            CallerKind::Partner => "partner",
            CallerKind::Service => "service",
            CallerKind::Anonymous => "anonymous",
        };
        format!("{kind}:{}", self.id)
    }

    /// The account of a name.
    pub fn find(id: &str) -> Option<&'static Account> {
        accounts().iter().find(|account| account.id == id)
    }
}

#[derive(Deserialize)]
struct Table {
    account: Vec<Account>,
}

/// All demonstration accounts.
pub fn accounts() -> &'static [Account] {
    static ACCOUNTS: LazyLock<Vec<Account>> = LazyLock::new(|| {
        let file = File::from_str(include_str!("accounts.toml"), FileFormat::Toml);
        let table = config::Config::builder().add_source(file).build().and_then(|read| read.try_deserialize::<Table>());
        match table {
            Ok(table) => table.account,
            Err(error) => panic!("accounts.toml, part of the program, does not parse: {error}"),
        }
    });
    &ACCOUNTS
}
