//! From acceptance to the case number, in two steps that each happen once: the register issues a number, the application
//! takes it. The same code runs in the handler that accepted and in the relay `numbering`, which completes what a crash
//! between the steps left; both use the hash of the acceptance's entry as request id.

use yiwang_ledger::{Call, Committed, Context, Hash, Ledger, Refusal, StreamId};

use crate::application::{Application, Phase, decide};
use crate::register::{self, Ask, Register};
use crate::rules;

/// What the register is asked for an accepted application; none while it is not accepted.
pub fn ask(stream: StreamId, app: &Application) -> Option<Ask> {
    let Phase::Accepted(acceptance) = &app.phase else { return None };
    Some(Ask {
        application: stream,
        region: app.item.region.clone(),
        organisation: app.item.organisation.clone(),
        date: acceptance.date,
    })
}

/// Numbers an application that was accepted by the entry of this hash; the application afterwards.
///
/// # Errors
/// Those of the ledger; the relay tries again.
pub async fn complete(
    ledger: &Ledger,
    ask: Ask,
    accepted: Hash,
    trace: &str,
) -> Result<Committed<Application>, Refusal> {
    let call = Call::system(format!("number.{accepted}"), trace);
    let asked = ask.clone();
    let rule =
        move |register: &Register, cx: &Context| register::issue(register, rules::case_number_layout(), &asked, cx);
    let issued = ledger.execute::<Register>(ask.register(), call, rule).await?;
    // the state right after this command, however often it is replayed: the last number is the application's
    let number = issued.state.last.as_ref().map(|last| last.number.clone()).unwrap_or_default();
    let call = Call::system(format!("numbered.{accepted}"), trace);
    let rule = move |app: &Application, _: &Context| decide::number(app, &number);
    ledger.execute::<Application>(ask.application, call, rule).await
}
