//! The contracts of the suite: every service's messages, gRPC clients and servers, proto3 JSON, and the HTTP transcoder,
//! generated from `proto/yiwang/**/*.proto`.
//!
//! Invariant: nothing here is written twice. What HTTP shows is derived from the same files as what gRPC speaks, and this
//! crate holds no rule of the domain.

pub mod field_mask;
pub mod forward;

/// The packages, nested as they are named: `yiwang::intake::v1::Application`.
#[allow(missing_docs, rustdoc::all, clippy::all, reason = "generated; the contracts carry their own comments")]
pub mod yiwang {
    include!(concat!(env!("OUT_DIR"), "/modules.rs"));
}

/// The HTTP transcoder over all services: `rest::Transcoder`.
#[allow(missing_docs, unused_imports, clippy::all, clippy::large_futures, reason = "generated")]
pub mod rest {
    use super::yiwang;
    include!(concat!(env!("OUT_DIR"), "/transcoder.rest.rs"));
}

pub use yiwang::{approval, catalogue, clock, document, evaluation, gateway, intake, ledger, license, party, trading};

/// The encoded `FileDescriptorSet` of all contracts and their imports, with comments; for reflection and OpenAPI.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/yiwang.bin"));

/// One OpenAPI 3.1 document a package, as generated; the gateway joins and completes them.
pub const OPENAPI_PARTS: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/openapi.rs"));
