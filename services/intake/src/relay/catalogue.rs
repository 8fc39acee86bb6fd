//! 事项目录: the relays `publishing`, `directory` and `transfers`, by which what was decided of items reaches them.

use async_trait::async_trait;
use yiwang_ledger::{Audiences, Context, Delivery, Entry, Kind, Ledger, Refusal, Route};

use super::later;
use crate::catalogue::{self, Item};
use crate::directory::BasicItem;
use crate::drafting::Draft;
use crate::publishing;
use crate::transfer::Transfer;
use crate::transferring;

/// 编制: a published draft comes into the catalogue.
pub(super) struct Publishing(pub(super) Ledger);

#[async_trait]
impl Route for Publishing {
    fn wants(&self, entry: &Entry) -> bool {
        entry.is::<Draft>() && entry.kind == "DraftPublished"
    }

    async fn deliver(&self, entry: &Entry, _request_id: &str) -> Delivery {
        let draft = match self.0.state_at::<Draft>(entry.stream, entry.version).await {
            Ok(Some(read)) => read.state,
            Ok(None) => return Delivery::NotMine,
            Err(refusal) => return later(&refusal),
        };
        second_step(publishing::complete(&self.0, &draft, entry.hash, &entry.trace).await.map(drop))
    }
}

/// How the step after an entry went; what moved between the two a person must see.
fn second_step(done: Result<(), Refusal>) -> Delivery {
    match done {
        Ok(()) => Delivery::Done,
        Err(refusal) if refusal.kind == Kind::FailedPrecondition => {
            Delivery::Refused { reason: refusal.reason.to_owned() }
        }
        Err(refusal) => later(&refusal),
    }
}

/// 下放、划转、委托: what was dated, or taken back, reaches the items.
pub(super) struct Transferring(pub(super) Ledger);

#[async_trait]
impl Route for Transferring {
    fn wants(&self, entry: &Entry) -> bool {
        let changed = ["ItemRevised", "VersionPublished", "VersionWithdrawn"];
        (entry.is::<Transfer>() && matches!(entry.kind.as_str(), "TransferDated" | "EntrustmentRevoked"))
            || (entry.is::<Item>() && changed.contains(&entry.kind.as_str()))
    }

    async fn deliver(&self, entry: &Entry, _request_id: &str) -> Delivery {
        if entry.is::<Item>() {
            return second_step(transferring::refresh(&self.0, entry).await);
        }
        match self.0.state_at::<Transfer>(entry.stream, entry.version).await {
            Ok(Some(read)) => second_step(transferring::complete(&self.0, &read.state, entry.hash, &entry.trace).await),
            Ok(None) => Delivery::NotMine,
            Err(refusal) => later(&refusal),
        }
    }
}

/// 三级四同: a new version of a basic item reaches every item that was claimed from it; its end ends them.
pub(super) struct Following(pub(super) Ledger);

#[async_trait]
impl Route for Following {
    fn wants(&self, entry: &Entry) -> bool {
        entry.is::<BasicItem>()
    }

    async fn deliver(&self, entry: &Entry, _request_id: &str) -> Delivery {
        // as it is now: an older version is nobody's any more
        let basic = match self.0.get::<BasicItem>(entry.stream, &Audiences::all()).await {
            Ok(Some(read)) => read.state,
            Ok(None) => return Delivery::NotMine,
            Err(refusal) => return later(&refusal),
        };
        let successors = match publishing::successors(&self.0, &basic).await {
            Ok(successors) => successors,
            Err(refusal) => return later(&refusal),
        };
        let code = basic.facts.code.clone();
        let rule = move |item: &Item, cx: &Context| catalogue::decide::follow_or_end(item, &basic, &successors, cx);
        match self.0.sweep::<Item>("basic", &code, rule).await {
            Ok(_) => Delivery::Done,
            Err(refusal) => later(&refusal),
        }
    }
}
