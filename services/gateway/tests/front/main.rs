//! The front door over services that are not there: what crosses, what comes back, what is refused.

mod affairs;
mod attachments;
mod errors;
mod grpc;
mod live;
mod system;
mod verification;
mod world;
