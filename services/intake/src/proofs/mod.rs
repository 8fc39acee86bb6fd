//! 证明取消清单: proofs that nobody may be asked for any more. A region's legal office keeps its own list, which binds the regions
//! below it; what ships binds everybody. An implementation list that asks for one cannot be published.

pub mod builtin;

use serde::{Deserialize, Serialize};
use yiwang_ledger::{Aggregate, Decision, Index, Ledger, Meta, Refusal, StreamId, Tag};

use crate::application::Actor;
use crate::catalogue::facts::Material;
use crate::catalogue::import::all_tagged;
use crate::directory::above;

/// A proof that was abolished.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Abolished {
    /// Its name.
    pub name: String,
    /// By which list or decision.
    pub source: String,
    /// Words that all stand in what a material which is this proof says of its issuer and its name.
    pub words: Vec<String>,
    /// The region whose list it is, 12 digits; empty for everybody's.
    pub region: String,
    /// Not checked against the source's text.
    pub unverified: bool,
}

impl Abolished {
    /// Whether a material is this proof, by its issuer and its name.
    pub fn is(&self, material: &Material) -> bool {
        self.is_asked_in(&format!("{} {}", material.issuer, material.name))
    }

    /// Whether a text speaks of this proof.
    pub fn is_asked_in(&self, text: &str) -> bool {
        !self.words.is_empty() && self.words.iter().all(|word| text.contains(word.as_str()))
    }
}

/// A proof on a region's list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    /// What is on the list; an empty name before it was.
    pub abolished: Abolished,
    /// It was taken off again.
    pub restored: bool,
}

/// What happens to a proof on the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr, strum::VariantNames)]
pub enum Event {
    /// 取消: it came on the list, or its words were changed.
    ProofAbolished {
        /// What.
        abolished: Abolished,
        /// By whom.
        by: Actor,
    },
    /// It was taken off the list.
    ProofRestored {
        /// Why.
        reason: String,
        /// By whom.
        by: Actor,
    },
}

/// The stream of a proof on a region's list.
pub fn stream(region: &str, name: &str) -> StreamId {
    StreamId::named(Proof::KIND, &format!("{region} {name}"))
}

/// Puts a proof on its region's list.
pub fn abolish(proof: &Proof, abolished: &Abolished, by: &Actor) -> Decision<Event> {
    if !proof.restored && proof.abolished == *abolished {
        return Ok(Vec::new());
    }
    Ok(vec![Event::ProofAbolished { abolished: abolished.clone(), by: by.clone() }])
}

/// Takes it off again.
///
/// # Errors
/// `PROOF_NOT_LISTED`.
pub fn restore(proof: &Proof, reason: &str, by: &Actor) -> Decision<Event> {
    if proof.abolished.name.is_empty() || proof.restored {
        return Err(Refusal {
            reason: "PROOF_NOT_LISTED", ..Refusal::not_found("证明取消清单中的这项证明")
        });
    }
    Ok(vec![Event::ProofRestored { reason: reason.to_owned(), by: by.clone() }])
}

/// Every proof that a region's lists may not ask for: what ships, its own, and those of the regions above it.
///
/// # Errors
/// Those of the ledger.
pub async fn binding(ledger: &Ledger, region: &str) -> Result<Vec<Abolished>, Refusal> {
    let mut found = builtin::all().unwrap_or_default().to_vec();
    for above in above(region) {
        let listed = all_tagged::<Proof>(ledger, &[("region", above)]).await?;
        found.extend(listed.iter().map(|read| read.state.abolished.clone()));
    }
    Ok(found)
}

impl Aggregate for Proof {
    const KIND: &'static str = "abolished_proof";
    type Event = Event;

    fn evolve(&mut self, event: &Event, _meta: &Meta) {
        match event {
            Event::ProofAbolished { abolished, .. } => {
                self.abolished = abolished.clone();
                self.restored = false;
            }
            Event::ProofRestored { .. } => self.restored = true,
        }
    }

    fn index(&self) -> Index {
        let status = if self.restored { "RESTORED" } else { "ABOLISHED" };
        Index { region: self.abolished.region.clone(), status: status.to_owned(), ..Index::default() }
    }

    fn tags(&self) -> Vec<Tag> {
        if self.restored || self.abolished.name.is_empty() {
            return Vec::new();
        }
        vec![Tag::new(Tag::AUDIENCE, "public", ""), Tag::new("region", self.abolished.region.clone(), "")]
    }
}
