//! From a dated transfer to the items, each step once. The same code runs in the handler that dated it and in the relay
//! `transfers`, which completes what a crash left; both use the hash of the transfer's entry as request id.

use chrono::NaiveDate;
use yiwang_ledger::{Audiences, Call, Context, Hash, Ledger, Refusal};

use crate::catalogue::{self, Entrusted, Item, ItemFacts, Received, decide};
use crate::transfer::{Offered, Organ, Stage, Transfer, Way};

/// Brings what a transfer says into its items.
///
/// # Errors
/// Those of the ledger; `ITEM_ALREADY_CANCELLED`, `ITEM_CODE_TAKEN` where an item moved meanwhile: a person must see it.
pub async fn complete(ledger: &Ledger, transfer: &Transfer, entry: Hash, trace: &str) -> Result<(), Refusal> {
    match &transfer.stage {
        Stage::Dated { effective, document } => {
            for (place, offered) in transfer.offer.items.iter().enumerate() {
                let step = Step { ledger, transfer, offered, id: format!("transfer.{entry}.{place}"), trace };
                match transfer.offer.way {
                    Way::Entrust => step.entrust(*effective, document).await?,
                    Way::Devolve | Way::Reassign => step.hand_over(*effective, document).await?,
                }
            }
        }
        Stage::Ended { last, .. } => {
            for (place, offered) in transfer.offer.items.iter().enumerate() {
                let (call, last) = (Call::system(format!("transfer.{entry}.{place}"), trace), *last);
                let rule = move |item: &Item, _: &Context| decide::end_entrustment(item, last);
                ledger.execute::<Item>(catalogue::stream(&offered.code), call, rule).await?;
            }
        }
        _ => {}
    }
    Ok(())
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
        let rule = move |item: &Item, _: &Context| decide::entrust(item, &code, &entrusted);
        self.ledger.execute::<Item>(catalogue::stream(&self.offered.code), call, rule).await.map(drop)
    }

    /// The receiver's item first, so that there is never a day without one.
    async fn hand_over(&self, from: NaiveDate, document: &str) -> Result<(), Refusal> {
        let offer = &self.transfer.offer;
        let old = self.ledger.get::<Item>(catalogue::stream(&self.offered.code), &Audiences::all()).await?;
        let old = old.ok_or_else(|| catalogue::not_found(&self.offered.code))?.state;
        let facts = under(old.newest(), &self.offered.new_code, &offer.receiver);
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

/// An item's elements as another organ's: its own name, its own code; what it promises and how it is reached it writes anew.
fn under(facts: &ItemFacts, code: &str, organ: &Organ) -> ItemFacts {
    ItemFacts {
        code: code.to_owned(),
        department: organ.name.clone(),
        department_code: organ.code.clone(),
        region: organ.region.clone(),
        ..facts.clone()
    }
}
