//! The ledger: the shell around every service's rules. Persistence, idempotency, order, audit and delivery live here,
//! once, on two engines.
//!
//! A service describes its aggregates ([`Aggregate`]: state, events, what is derived) and runs commands through
//! [`Ledger::execute`]; everything it accepted is in `entry`, hash-chained a stream, and everything else can be computed
//! from there. What the ledger promises, and the test that would catch its breach, is in `tests/contract/`.

mod actor;
mod aggregate;
mod archive;
mod backup;
mod batch;
mod builtin;
mod engine;
mod entry;
mod feed;
mod gather;
mod hand;
mod holder;
mod id;
mod ledger;
mod meters;
mod orphans;
mod parked;
mod personal;
mod read;
mod rebuild;
mod refusal;
mod relay;
mod resume;
mod snapshot;
mod tail;
mod timer;
mod turned_away;
mod vault;
mod verify;
mod vitals;
mod writer;

pub use aggregate::{Aggregate, Call, Committed, Context, Decision, EventName, Index, Meta, Tag, UniqueKey};
pub use archive::{ArchiveError, Ending};
pub use backup::Backup;
pub use builtin::{AccessEvent, AccessLog, Erasure, ErasureEvent, Retrial, RetrialEvent};
pub use engine::{Database, OpenError};
pub use entry::Entry;
pub use feed::Cursor;
pub use hand::Hand;
pub use id::{Hash, StreamId, Timestamp};
pub use ledger::{Head, Host, Ledger, Options};
pub use orphans::Told;
pub use parked::Parked;
pub use personal::{Personal, SubjectId};
pub use read::{Audiences, Hit, ListQuery, Page, Read};
pub use refusal::{FieldViolation, Kind, Refusal};
pub use relay::{Delivery, Route};
pub use resume::{Restoration, RestorationEvent, Resume, Resumed, Resumption, ResumptionEvent, Standing};
pub use vault::{Secrets, Vault};
pub use verify::Report;
pub use vitals::{DueVitals, RelayVitals, Vitals};

pub(crate) use ledger::store_refusal;
