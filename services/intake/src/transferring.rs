//! From a dated transfer to the items, each step once. The same code runs in the handler that dated it and in the relay
//! `transfers`, which completes what a crash left; both use the hash of the transfer's entry as request id.

use chrono::NaiveDate;
use yiwang_ledger::{Audiences, Call, Context, Entry, Hash, Ledger, Refusal, StreamId};

use crate::catalogue::import::all_tagged;
use crate::catalogue::{self, Entrusted, Item, ItemFacts, Received, Standing, decide};
use crate::publishing;
use crate::transfer::{Offered, Organ, Stage, Transfer, Way};

/// Brings what a transfer says into its items: all of them, whatever stands in the way of one.
///
/// # Errors
/// The first that there was. Those of the ledger; `ITEM_ALREADY_CANCELLED`, `ITEM_CODE_TAKEN` where an item moved meanwhile: a
/// person must see it.
pub async fn complete(ledger: &Ledger, transfer: &Transfer, entry: Hash, trace: &str) -> Result<(), Refusal> {
    let mut first = Ok(());
    for (place, offered) in transfer.offer.items.iter().enumerate() {
        let step = Step { ledger, transfer, offered, id: format!("transfer.{entry}.{place}"), trace };
        let done = match (&transfer.stage, transfer.offer.way) {
            (Stage::Dated { effective, document }, Way::Entrust) => step.entrust(*effective, document).await,
            (Stage::Dated { effective, document }, _) => step.hand_over(*effective, document).await,
            (Stage::Ended { last, .. }, _) => step.end(*last).await,
            _ => Ok(()),
        };
        first = first.and(done);
    }
    first
}

struct Step<'a> {
    ledger: &'a Ledger,
    transfer: &'a Transfer,
    offered: &'a Offered,
    id: String,
    trace: &'a str,
}

impl Step<'_> {
    async fn entrust(&self, from: NaiveDate, document: &str) -> Result<(), Refusal> {
        let offer = &self.transfer.offer;
        let document = document.to_owned();
        let entrusted = Entrusted { organ: offer.receiver.clone(), from, until: offer.until, document };
        let (code, call) = (self.offered.code.clone(), Call::system(self.id.clone(), self.trace));
        let rule = move |item: &Item, cx: &Context| decide::entrust(item, &code, &entrusted, cx);
        self.ledger.execute::<Item>(catalogue::stream(&self.offered.code), call, rule).await.map(drop)
    }

    async fn end(&self, last: NaiveDate) -> Result<(), Refusal> {
        let (call, organ) = (Call::system(self.id.clone(), self.trace), self.transfer.offer.receiver.code.clone());
        let rule = move |item: &Item, _: &Context| decide::end_entrustment(item, &organ, last);
        self.ledger.execute::<Item>(catalogue::stream(&self.offered.code), call, rule).await.map(drop)
    }

    /// The receiver's item first, so that there is never a day without one.
    async fn hand_over(&self, from: NaiveDate, document: &str) -> Result<(), Refusal> {
        let offer = &self.transfer.offer;
        let old = self.ledger.get::<Item>(catalogue::stream(&self.offered.code), &Audiences::all()).await?;
        let old = old.ok_or_else(|| catalogue::not_found(&self.offered.code))?.state;
        let new = self.ledger.get::<Item>(catalogue::stream(&self.offered.new_code), &Audiences::all()).await?;
        if let (Standing::Cancelled(_), false) = (&old.standing, new.is_some_and(|new| new.state.exists())) {
            // cancelled since it was dated: nothing comes to life again
            return Err(decide::cancelled_already());
        }
        let facts = under(on_day(&old, from), &self.offered.new_code, &offer.receiver);
        let basic = facts.basic.clone();
        let received = Received {
            way: offer.way,
            giver: offer.giver.clone(),
            item_code: self.offered.code.clone(),
            from,
            document: document.to_owned(),
        };
        let call = Call::system(self.id.clone(), self.trace);
        let rule = move |item: &Item, cx: &Context| decide::receive(item, &facts, &received, cx);
        self.ledger.execute::<Item>(catalogue::stream(&self.offered.new_code), call, rule).await?;
        publishing::catch_up(self.ledger, &self.offered.new_code, &basic, &self.id, self.trace).await?;
        if self.offered.kept {
            return Ok(());
        }
        let cancel = decide::Cancel {
            item_code: self.offered.code.clone(),
            effective: Some(from),
            reason: format!("{}给{}（{document}）", offer.way.zh(), offer.receiver.name),
            successor: Some(self.offered.new_code.clone()),
        };
        let call = Call::system(format!("{}.end", self.id), self.trace);
        let rule = move |item: &Item, cx: &Context| decide::cancel(item, &cancel, cx);
        self.ledger.execute::<Item>(catalogue::stream(&self.offered.code), call, rule).await.map(drop)
    }
}

/// The elements that will be in force on a day, as far as is known now.
fn on_day(item: &Item, day: NaiveDate) -> &ItemFacts {
    item.upcoming.as_ref().filter(|next| next.from <= day).map_or(&item.facts, |next| &next.facts)
}

/// What has changed in a list that was handed over and whose day has not come reaches the receiver's, which begins as the giver's
/// stands on that day. Until then nobody else writes into it (`VERSION_WAITS`).
///
/// # Errors
/// Those of the ledger.
pub async fn refresh(ledger: &Ledger, entry: &Entry) -> Result<(), Refusal> {
    let Some(given) = ledger.get::<Item>(entry.stream, &Audiences::all()).await? else { return Ok(()) };
    let code = given.state.facts.code.clone();
    for read in all_tagged::<Item>(ledger, &[("succession", code.clone())]).await? {
        let Some(received) = read.state.received.clone().filter(|received| received.item_code == code) else {
            continue;
        };
        let (organ, own) = (read.state.newest(), read.state.newest().code.clone());
        let organ =
            Organ { name: organ.department.clone(), code: organ.department_code.clone(), region: organ.region.clone() };
        let facts = under(on_day(&given.state, received.from), &own, &organ);
        let basic = facts.basic.clone();
        let id = format!("transfer.{}.{own}", entry.hash);
        let id = format!("refresh.{}", StreamId::named("refresh", &id));
        let rule = move |item: &Item, cx: &Context| Ok(decide::refresh(item, &facts, cx));
        ledger.execute::<Item>(read.stream, Call::system(id.clone(), &entry.trace), rule).await?;
        publishing::catch_up(ledger, &own, &basic, &id, &entry.trace).await?;
    }
    Ok(())
}

/// An item's elements as another organ's: its own name, its own code. What it promises and how it is reached is the giver's until it
/// revises its list.
fn under(facts: &ItemFacts, code: &str, organ: &Organ) -> ItemFacts {
    ItemFacts {
        code: code.to_owned(),
        department: organ.name.clone(),
        department_code: organ.code.clone(),
        region: organ.region.clone(),
        ..facts.clone()
    }
}
