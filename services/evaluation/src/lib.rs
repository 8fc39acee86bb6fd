//! tmp
pub mod evaluation;
