//! tmp
pub mod key;
pub mod license;
pub mod register;
