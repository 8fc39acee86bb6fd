//! tmp
pub mod case;
