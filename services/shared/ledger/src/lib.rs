//! The ledger: the shell around every service's rules. Persistence, idempotency, order, audit and delivery live here,
//! once, on two engines.

mod aggregate;
mod id;
mod refusal;

pub use aggregate::{Aggregate, Call, Committed, Context, Decision, EventName, Index, Meta, Tag, UniqueKey};
pub use id::{Hash, StreamId, Timestamp};
pub use refusal::{FieldViolation, Kind, Refusal};
