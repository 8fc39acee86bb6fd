//! What ships of the 证明取消清单: recalled, marked unverified, and to be confirmed before use.

use std::sync::LazyLock;

use serde::Deserialize;

use super::Abolished;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    proof: Vec<Row>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    name: String,
    source: String,
    words: Vec<String>,
    unverified: bool,
}

static LIST: LazyLock<Result<Vec<Abolished>, String>> = LazyLock::new(|| {
    let text = include_str!("../../data/abolished_proofs.toml");
    let file = toml::from_str::<File>(text).map_err(|error| error.to_string())?;
    let national = |row: Row| Abolished {
        name: row.name,
        source: row.source,
        words: row.words,
        region: String::new(),
        unverified: row.unverified,
    };
    Ok(file.proof.into_iter().map(national).collect())
});

/// The list that ships.
///
/// # Errors
/// The file is not in order.
pub fn all() -> Result<&'static [Abolished], String> {
    LIST.as_ref().map(Vec::as_slice).map_err(Clone::clone)
}
