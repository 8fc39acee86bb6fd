//! Catalogue and intake (综合受理): the service items of a region, and applications from the draft to acceptance.
//!
//! Invariant: nothing is decided outside `application::decide`, `catalogue::decide` and `register`; everything here that is
//! not one of these carries values to and from them.

pub mod application;
pub mod catalogue;
pub mod limit;
pub mod register;
pub mod rules;
