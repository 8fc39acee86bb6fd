//! The people: citizens made up for a seed, whose words are found again wherever they stand in clear, and the officers of the
//! demonstration.

use anyhow::Context as _;
use serde_json::{Value, json};
use yiwang_kit::identity::{Account, DevelopmentIssuer, Document};
use yiwang_proto::party::v1::{DocumentKind, Party};

/// Stands in every text that is personal; the catalogue and the law have no such word.
pub const MARK: &str = "密探";

/// What somebody applies for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Matter {
    /// 公共场所卫生许可, which ends in a licence.
    Hygiene,
    /// 营业前消防安全检查, by promise or without.
    Fire,
    /// 食品小经营店备案, recorded as it is accepted.
    Shop,
}

impl Matter {
    /// 实施编码.
    pub fn code(self) -> &'static str {
        match self {
            Matter::Hygiene => "511A0015500009-511602000000-000-115113016823646795-1-00",
            Matter::Fire => "511A0021300001-511602000000-000-11511300MB1A21304N-1-00",
            Matter::Shop => "513A0102900001-511602000000-000-11511301MB051073XA-1-00",
        }
    }

    /// The materials to upload, the one that may follow last.
    pub fn materials(self) -> &'static [&'static str] {
        match self {
            Matter::Hygiene => &["floor_plan", "hygiene_system", "test_report"],
            Matter::Fire => &["fire_system", "layout"],
            Matter::Shop => &["health_certificate"],
        }
    }

    /// Who reviews and who decides.
    pub fn officers(self) -> (&'static str, &'static str) {
        match self {
            Matter::Hygiene => ("reviewer", "approver"),
            Matter::Fire => ("fire_reviewer", "fire_approver"),
            Matter::Shop => ("market_reviewer", "market_approver"),
        }
    }

    /// The form, filled in by a citizen.
    pub fn form(self, citizen: &Citizen) -> Value {
        let (name, address) = (format!("{MARK}客栈{}", citizen.number), format!("滨江路{MARK}巷{}号", citizen.number));
        match self {
            Matter::Hygiene => json!({
                "premises_name": name, "premises_address": address, "business_kind": "住宿",
                "area_square_metres": 320, "staff_count": 6, "rooms": 12
            }),
            Matter::Fire => json!({
                "premises_name": name, "premises_address": address, "premises_kind": "宾馆饭店",
                "area_square_metres": 860, "floors": "地上1至4层"
            }),
            Matter::Shop => json!({"shop_name": name, "shop_address": address, "business_items": ["预包装食品销售"]}),
        }
    }
}

/// A citizen.
#[derive(Clone, Debug)]
pub struct Citizen {
    /// Which of the seed's.
    pub number: u64,
    /// 居民身份证, with its check digit.
    pub document: String,
    phone: String,
}

impl Citizen {
    /// One of a seed's citizens.
    pub fn of(seed: u64, number: u64) -> Self {
        let (year, month, day) = (1960 + (seed * 7 + number) % 40, 1 + number % 12, 1 + (seed + number) % 28);
        let mut document = format!("511602{year:04}{month:02}{day:02}{:03}", 100 + number % 900);
        document.push(check_digit(&document));
        Self { number, document, phone: format!("139{:04}{:04}", seed % 10_000, number % 10_000) }
    }

    fn name(&self) -> String {
        format!("{MARK}{}", char::from_u32(0x4e00 + self.number as u32).unwrap_or('甲'))
    }

    /// As the applicant.
    pub fn party(&self) -> Party {
        Party {
            name: self.name(),
            document_kind: DocumentKind::ResidentId.into(),
            document_number: self.document.clone(),
            phone: self.phone.clone(),
            address: format!("{MARK}路{}号", self.number),
        }
    }

    /// What must stand nowhere in clear, beside [`MARK`].
    pub fn planted(&self) -> [&str; 2] {
        [&self.document, &self.phone]
    }

    /// A token of the citizen's own.
    pub fn token(&self, issuer: &DevelopmentIssuer) -> anyhow::Result<String> {
        let mut claims = issuer.claims(Account::find("citizen").context("citizen")?, None);
        claims.sub = format!("person:sim-{}", self.number);
        claims.name = self.name();
        claims.document = Some(Document { kind: "RESIDENT_ID".into(), number: self.document.clone() });
        issuer.signer().sign(&claims)
    }
}

/// GB 11643: the last digit.
fn check_digit(digits: &str) -> char {
    const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    let sum: u32 = digits.chars().filter_map(|digit| digit.to_digit(10)).zip(WEIGHTS).map(|(d, w)| d * w).sum();
    ['1', '0', 'X', '9', '8', '7', '6', '5', '4', '3', '2'][(sum % 11) as usize]
}

/// A paper that a citizen uploads.
pub fn paper(citizen: &Citizen, material: &str) -> Vec<u8> {
    format!("%PDF-1.7\n{MARK} {material} of {}\n{}", citizen.document, "paper ".repeat(40)).into_bytes()
}
