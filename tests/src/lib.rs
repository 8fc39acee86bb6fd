//! Tests of the suite from outside: they start the real binary and speak its public API, nothing else.

pub mod api;
pub mod cluster;
pub mod doors;
pub mod fleet;
pub mod load;
pub mod process;
pub mod proxy;
pub mod town;
