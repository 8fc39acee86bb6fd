//! 证明取消清单: proofs that nobody may be asked for any more. A list of the region's own is configuration to come; what ships is
//! recalled, marked unverified, and to be confirmed before use.

use std::sync::LazyLock;

use serde::Deserialize;

/// A proof that was abolished.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proof {
    /// Its name.
    pub name: String,
    /// By which list.
    pub source: String,
    /// Words that all stand in what a material which is this proof says of its issuer and its name.
    words: Vec<String>,
    /// Not checked against the source's text.
    pub unverified: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    proof: Vec<Proof>,
}

static LIST: LazyLock<Result<Vec<Proof>, String>> = LazyLock::new(|| {
    let text = include_str!("../../data/abolished_proofs.toml");
    toml::from_str::<File>(text).map(|file| file.proof).map_err(|error| error.to_string())
});

/// The list that ships.
///
/// # Errors
/// The file is not in order.
pub fn all() -> Result<&'static [Proof], String> {
    LIST.as_ref().map(Vec::as_slice).map_err(Clone::clone)
}

/// The abolished proof that a material is, by its issuer and its name.
pub fn abolished(material: &str) -> Option<&'static Proof> {
    all().unwrap_or_default().iter().find(|proof| proof.words.iter().all(|word| material.contains(word.as_str())))
}
