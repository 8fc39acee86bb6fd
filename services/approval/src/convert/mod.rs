//! Between the contract and the domain: messages in ([`ask`]) and messages out ([`show`]).

pub mod ask;
pub mod roster;
pub mod show;
