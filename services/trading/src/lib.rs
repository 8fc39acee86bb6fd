//! tmp
pub mod notice;
