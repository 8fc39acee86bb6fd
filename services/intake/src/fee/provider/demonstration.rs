//! The provider of the demonstration: whatever is asked for counts as paid at once, and no money moves. Development alone.

use async_trait::async_trait;

use super::{Away, Order, Provider, Receipt, RefundOrder, Said, SaidOfRefund};

/// See the module's page.
pub struct Demonstration;

#[async_trait]
impl Provider for Demonstration {
    fn name(&self) -> &str {
        "demonstration"
    }

    async fn pay(&self, order: &Order) -> Result<Said, Away> {
        Ok(Said::Paid { fen: order.fen, reference: format!("演示-{}", order.number), remitted: true })
    }

    async fn refund(&self, order: &RefundOrder) -> Result<SaidOfRefund, Away> {
        Ok(SaidOfRefund::Paid { fen: order.fen, reference: format!("演示-{}", order.number) })
    }

    async fn receipt(&self, order: &Order) -> Result<Option<Receipt>, Away> {
        Ok(Some(Receipt {
            number: format!("演示{}", order.number), code: "演示票据".to_owned(), url: String::new()
        }))
    }
}
