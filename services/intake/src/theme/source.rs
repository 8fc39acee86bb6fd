//! The themes that ship with the product: authored from real items, as examples that a region makes its own.

use anyhow::{Context as _, anyhow};
use yiwang_ledger::{Call, Ledger};
use yiwang_standards::sm;

use super::{Theme, ThemeFacts, decide, stream};
use crate::catalogue::source::{Row, rows};

const AUTHORED: [&str; 6] = [
    include_str!("../../data/themes/company.toml"),
    include_str!("../../data/themes/public_place.toml"),
    include_str!("../../data/themes/restaurant.toml"),
    include_str!("../../data/themes/real_estate.toml"),
    include_str!("../../data/themes/birth.toml"),
    include_str!("../../data/themes/investment.toml"),
];

/// The themes that ship. A member names its item by the beginning of its code, which only one row has.
///
/// # Errors
/// A file is not in order, or names no item, or several.
pub fn builtin() -> anyhow::Result<Vec<ThemeFacts>> {
    let rows = rows()?;
    AUTHORED.iter().map(|text| completed(toml::from_str(text).context("data/themes")?, &rows)).collect()
}

fn completed(mut facts: ThemeFacts, rows: &[Row]) -> anyhow::Result<ThemeFacts> {
    for member in facts.members.iter_mut().filter(|member| !member.item.is_empty()) {
        let mut found = rows.iter().filter(|row| row.item_code.as_str().starts_with(member.item.as_str()));
        match (found.next(), found.next()) {
            (Some(row), None) => member.item = row.item_code.to_string(),
            _ => {
                return Err(anyhow!(
                    "{}: {} is the beginning of no item's code, or of several",
                    facts.code,
                    member.item
                ));
            }
        }
    }
    Ok(facts)
}

/// Brings the shipped themes in. Idempotent; several replicas may do it at once.
///
/// # Errors
/// The first theme that the ledger refused, by its code.
pub async fn run(ledger: &Ledger, shipped: Vec<ThemeFacts>) -> anyhow::Result<()> {
    for facts in shipped {
        let digest = sm::to_hex(&sm::sm3(&serde_json::to_vec(&facts)?));
        let (stream, code) = (stream(&facts.code), facts.code.clone());
        let call = Call::system(format!("ship.{stream}.{}", &digest[..16]), "");
        let rule = move |theme: &Theme, _: &yiwang_ledger::Context| decide::ship(theme, &facts, &digest);
        ledger.execute::<Theme>(stream, call, rule).await.map_err(|refusal| anyhow!("theme {code}: {refusal}"))?;
    }
    Ok(())
}
