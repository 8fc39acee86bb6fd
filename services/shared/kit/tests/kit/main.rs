//! The kit's own tests, a module each for what it lends the services.
#![allow(missing_docs, clippy::unwrap_used)]

mod clock;
mod config;
mod following;
mod golden;
mod identity;
mod jwks;
mod ledgers;
mod replicas;
mod roles;
mod server;
mod shapes;
mod shared;
mod status;
mod visibility;

#[path = "../house/mod.rs"]
mod house;
#[path = "../redis_server/mod.rs"]
mod redis_server;
#[path = "../world/mod.rs"]
mod world;
