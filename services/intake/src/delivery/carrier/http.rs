//! A carrier over HTTP: one POST a question, JSON both ways. The contract stands in `docs/carriers.md`; a carrier that speaks
//! otherwise puts an adapter in front.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use yiwang_kit::outward::Outward;
use yiwang_ledger::Timestamp;

use super::{Away, Carrier, Order, Said, Seen};

/// Longest text of the carrier's that is kept.
const LONGEST: usize = 200;
/// No answer has more moves.
const MOST: usize = 100;
/// A moment of the years 1970 to 9999, in seconds.
const SECONDS: std::ops::RangeInclusive<i64> = 0..=253_402_300_799;

/// A carrier that answers over HTTP.
pub struct CarrierDesk {
    name: String,
    desk: Outward,
}

impl CarrierDesk {
    /// By its name, at an address; in production over TLS alone.
    ///
    /// # Errors
    /// The client cannot be made.
    pub fn new(name: String, address: &str, token: Option<String>, https_only: bool) -> anyhow::Result<Self> {
        Ok(Self { name, desk: Outward::new(address, token, https_only)? })
    }
}

#[derive(Serialize)]
struct Question<'a> {
    number: &'a str,
    name: &'a str,
    phone: &'a str,
    address: &'a str,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum State {
    UnderWay,
    Delivered,
    Returned,
    Lost,
}

#[derive(Deserialize)]
struct Moved {
    /// Seconds since 1970.
    time: i64,
    text: String,
}

#[derive(Deserialize)]
struct Answer {
    state: State,
    #[serde(default)]
    tracking: String,
    #[serde(default)]
    signed_by: String,
    #[serde(default)]
    reason: String,
    #[serde(default)]
    moves: Vec<Moved>,
}

fn kept(text: &str) -> String {
    text.trim().chars().filter(|c| !c.is_control()).take(LONGEST).collect()
}

#[async_trait]
impl Carrier for CarrierDesk {
    fn name(&self) -> &str {
        &self.name
    }

    async fn ship(&self, order: &Order) -> Result<Said, Away> {
        let Order { number, name, phone, address } = order;
        let bytes = self.desk.ask(&Question { number, name, phone, address }).await?;
        let answer: Answer = serde_json::from_slice(&bytes).map_err(|_| Away("answer not understood".to_owned()))?;
        let seen = answer.moves.iter().filter(|one| SECONDS.contains(&one.time)).take(MOST);
        let moves = seen.map(|one| Seen { at: Timestamp(one.time * 1_000_000), text: kept(&one.text) }).collect();
        Ok(match answer.state {
            State::UnderWay => Said::UnderWay { tracking: kept(&answer.tracking), moves },
            State::Delivered => Said::Delivered { signed_by: kept(&answer.signed_by), moves },
            State::Returned => Said::Returned { reason: kept(&answer.reason), moves },
            State::Lost => Said::Lost { reason: kept(&answer.reason), moves },
        })
    }
}
