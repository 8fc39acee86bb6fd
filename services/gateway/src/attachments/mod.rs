//! Attachments over HTTP: the two RPCs that stream, which the transcoder leaves out.
//!
//! Invariant: a file passes through in pieces and is never held whole; one that broke off never looks like one that ended.

mod cut;
mod download;
mod part;
mod upload;

pub use download::download;
pub use upload::{body_limit, upload};
