//! Tests of the suite from outside: they start the real binary and speak its public API, nothing else.

pub mod api;
pub mod process;
pub mod town;
