//! A provider over HTTP: one POST a question, JSON both ways. The contract stands in `docs/payments.md`; a provider that speaks
//! otherwise puts an adapter in front.

use async_trait::async_trait;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use yiwang_kit::outward::Outward;

use super::{Away, Order, Provider, Receipt, RefundOrder, Said, SaidOfRefund};

/// Longest text of the provider's that is kept.
const LONGEST: usize = 300;

/// A provider that answers over HTTP.
pub struct PaymentDesk {
    name: String,
    desk: Outward,
}

impl PaymentDesk {
    /// By its name, at an address; in production over TLS alone.
    ///
    /// # Errors
    /// The client cannot be made.
    pub fn new(name: String, address: &str, token: Option<String>, https_only: bool) -> anyhow::Result<Self> {
        Ok(Self { name, desk: Outward::new(address, token, https_only)? })
    }

    async fn ask<T: DeserializeOwned>(&self, question: &Question<'_>) -> Result<T, Away> {
        let bytes = self.desk.ask(question).await?;
        serde_json::from_slice(&bytes).map_err(|_| Away("answer not understood".to_owned()))
    }
}

#[derive(Serialize)]
#[serde(tag = "act", rename_all = "snake_case")]
enum Question<'a> {
    Pay { number: &'a str, bill: &'a str, amount_fen: i64, title: &'a str, organisation: &'a str },
    Refund { number: &'a str, payment: &'a str, amount_fen: i64 },
    Receipt { number: &'a str, bill: &'a str, amount_fen: i64, title: &'a str, organisation: &'a str },
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum State {
    Waiting,
    Paid,
    Failed,
}

#[derive(Deserialize)]
struct Answer {
    state: State,
    #[serde(default)]
    amount_fen: i64,
    #[serde(default)]
    reference: String,
    #[serde(default)]
    remitted: bool,
    #[serde(default)]
    pay_url: String,
    #[serde(default)]
    reason: String,
}

#[derive(Deserialize)]
struct ReceiptAnswer {
    issued: bool,
    #[serde(default)]
    number: String,
    #[serde(default)]
    code: String,
    #[serde(default)]
    url: String,
}

fn kept(text: &str) -> String {
    text.trim().chars().filter(|c| !c.is_control()).take(LONGEST).collect()
}

/// An address at which somebody pays or reads is one of the web, over TLS.
fn address(text: &str) -> String {
    if text.starts_with("https://") { kept(text) } else { String::new() }
}

#[async_trait]
impl Provider for PaymentDesk {
    fn name(&self) -> &str {
        &self.name
    }

    async fn pay(&self, order: &Order) -> Result<Said, Away> {
        let Order { number, bill, fen, title, organisation } = order;
        let answer: Answer = self.ask(&Question::Pay { number, bill, amount_fen: *fen, title, organisation }).await?;
        let reference = kept(&answer.reference);
        Ok(match answer.state {
            State::Waiting => Said::Waiting { pay_url: address(&answer.pay_url), reference },
            State::Paid => Said::Paid { fen: answer.amount_fen, reference, remitted: answer.remitted },
            State::Failed => Said::Failed { reason: kept(&answer.reason) },
        })
    }

    async fn refund(&self, order: &RefundOrder) -> Result<SaidOfRefund, Away> {
        let RefundOrder { number, payment, fen } = order;
        let answer: Answer = self.ask(&Question::Refund { number, payment, amount_fen: *fen }).await?;
        Ok(match answer.state {
            State::Waiting => SaidOfRefund::Waiting,
            State::Paid => SaidOfRefund::Paid { fen: answer.amount_fen, reference: kept(&answer.reference) },
            State::Failed => SaidOfRefund::Failed { reason: kept(&answer.reason) },
        })
    }

    async fn receipt(&self, order: &Order) -> Result<Option<Receipt>, Away> {
        let Order { number, bill, fen, title, organisation } = order;
        let answer: ReceiptAnswer =
            self.ask(&Question::Receipt { number, bill, amount_fen: *fen, title, organisation }).await?;
        let receipt = Receipt { number: kept(&answer.number), code: kept(&answer.code), url: address(&answer.url) };
        Ok((answer.issued && !receipt.number.is_empty()).then_some(receipt))
    }
}
