//! yiwang-kit: what every service process needs, so that a service is its rules and nothing else.
//!
//! | file | what is in it |
//! |---|---|
//! | [`config`] | the typed configuration: defaults, file, environment |
//! | [`telemetry`], [`spans`], [`metrics`] | logs and the trace id; the same told to a collector; what is counted |
//! | [`identity`] | tokens: verified everywhere; the development issuer; services' own tokens |
//! | [`caller`] | who calls; a message with its circumstances; the shell of a command |
//! | [`gate`] | which caller may do what (`policies/*.cedar`) |
//! | [`clock`], [`calendar`] | legal time and the working days |
//! | [`status`] | refusals as gRPC statuses and back |
//! | [`stack`] | the one tower stack in front of every service |
//! | [`link`], `replicas`, [`tls`] | from one service to another, in one process or over TCP to one of its replicas |
//! | [`storage`], [`followed`] | where files are kept; files that an operator changes while the process runs |
//! | [`shared`] | what replicas share and may lose: Redis, or the process |
//! | [`party`] | whose data a message carries, and how much of it a list shows |
//! | [`limit`] | time limits and due dates, in and out |
//! | [`server`], [`health`] | a listening process |
//! | [`admin`], `erasure` | a service's ledger shown to its operators; an erased person erased everywhere |
//! | [`process`] | what a process shares among its services, and what each gets |
//! | [`keys`], [`entropy`] | keys, the machine's clock and randomness: the only place of them |

pub mod admin;
pub mod calendar;
pub mod caller;
pub mod clock;
pub mod config;
pub mod entropy;
mod erasure;
pub mod followed;
pub mod following;
pub mod gate;
pub mod health;
pub mod identity;
pub mod keys;
pub mod limit;
mod lines;
pub mod link;
pub mod metrics;
pub mod outward;
pub mod party;
pub mod places;
pub mod process;
mod replicas;
pub mod server;
pub mod shared;
pub mod spans;
pub mod stack;
pub mod status;
pub mod storage;
pub mod telemetry;
pub mod tls;
pub mod watching;
pub mod wire;

pub use yiwang_ledger as ledger;

pub use admin::{actor, timestamp};
pub use caller::{Caller, CallerKind, Incoming, Keyring, Reply, receive, reply, subject};
pub use clock::LegalClock;
pub use config::Config;
pub use entropy::{new_request_id, new_stream_id};
pub use gate::{Gate, Resource};
pub use health::Health;
pub use identity::Identity;
pub use link::{Link, Links, Slot};
pub use process::{Env, Process, Shape};
pub use server::Server;
pub use stack::{Front, Stack};
pub use status::{Fault, Problem, delivery, reason, status};
pub use telemetry::Trace;
