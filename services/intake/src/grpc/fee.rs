//! `FeeService`.

use std::sync::Arc;

use chrono::NaiveDate;
use tonic::Request;
use yiwang_kit::followed::Followed;
use yiwang_kit::{Fault, Incoming, Reply, Resource, receive, reply, wire};
use yiwang_ledger::{Audiences, Committed, Context, Decision, Read, Refusal};
use yiwang_proto::intake::v1 as pb;
use yiwang_proto::intake::v1::fee_service_server::FeeService;

use super::{Intake, reader, resource, unowned};
use crate::application::decide::{Acting, check_not_own};
use crate::application::{Application, Phase, wrong_phase};
use crate::catalogue::ItemFacts;
use crate::catalogue::import::all_tagged;
use crate::convert::{ask, count, fee as show, region};
use crate::fee::books::Books;
use crate::fee::provider::Provider;
use crate::fee::pursuing::{Halt, pursue};
use crate::fee::{self, Event, Fees, Matter, PaymentState, bill, decide, payment, refund};

/// The fees of applications, which the intake service keeps.
#[derive(Clone)]
pub struct FeesOf {
    intake: Intake,
    provider: Followed<Option<Arc<dyn Provider>>>,
}

/// Which fees a write is about.
struct About<'a> {
    application: &'a str,
    request_id: &'a str,
    etag: &'a str,
}

macro_rules! about {
    ($message:expr) => {
        About { application: &$message.application_id, request_id: &$message.request_id, etag: &$message.etag }
    };
}

/// What a rule knows beside the fees.
struct Case {
    matter: Matter,
    facts: Arc<crate::catalogue::Item>,
    by: Acting,
}

impl Case {
    fn facts(&self) -> &ItemFacts {
        &self.facts.facts
    }
}

/// Unpaid for a week: told to supervision.
const WEEK: i64 = 7 * 24 * 3_600_000_000;
/// How many orders a balance names.
const NAMED: usize = 100;

impl FeesOf {
    /// Over the intake service and whoever takes the money; none: nothing is paid online.
    pub fn new(intake: Intake, provider: Followed<Option<Arc<dyn Provider>>>) -> Self {
        Self { intake, provider }
    }

    /// A command on the fees of an application that the caller sees and may act on.
    async fn act<T: serde::Serialize>(
        &self,
        incoming: &Incoming<T>,
        rpc: &'static str,
        about: About<'_>,
        rule: impl Fn(&Fees, &Case, &Context) -> Decision<Event> + Send + Sync + 'static,
    ) -> Result<Committed<Fees>, Fault> {
        let (this, caller) = (&self.intake, &incoming.caller);
        let seen = this.seen(caller, about.application).await?;
        let facts = this.pinned(&seen.state.item).await?;
        let by = ask::acting(caller);
        this.gate.allow(caller, rpc, &resource(&seen.state, caller))?;
        // told by the rule, so that a request that was accepted before is answered as then
        let stands = match rpc {
            "AssessFee" | "IssueBill" => check_open(&seen.state, &by),
            // whoever it is about pays and asks back
            "PayBill" | "RequestRefund" if !by.staff => Ok(()),
            _ => check_not_own(&seen.state, &by),
        };
        let stream = fee::stream(seen.stream);
        let mut call = incoming.call(rpc, &stream.to_string(), about.request_id)?;
        call.expected_version = wire::expected_version(about.etag)?;
        let case = Case { matter: matter(&seen), facts, by };
        let rule = move |fees: &Fees, cx: &Context| {
            stands.clone()?;
            rule(fees, &case, cx)
        };
        Ok(this.ledger.execute::<Fees>(stream, call, rule).await.map_err(wire::contract_word)?)
    }

    /// The fees as they stand now, which the provider may have changed since.
    async fn now<T>(&self, incoming: &Incoming<T>, application: &str) -> Result<pb::Fees, Fault> {
        let (this, caller) = (&self.intake, &incoming.caller);
        let seen = this.seen(caller, application).await?;
        let read = this.ledger.get::<Fees>(fee::stream(seen.stream), &Audiences::all()).await?;
        Ok(match read {
            Some(read) => show::fees(seen.stream, read.version, &read.state, reader(caller)),
            None => show::fees(seen.stream, 0, &Fees::default(), reader(caller)),
        })
    }

    /// The second step of what the provider is asked for; should it be away, the relay goes on, and the answer shows what is so far.
    async fn pursued(&self, done: &Committed<Fees>, number: &str, trace: &str) {
        let provider = self.provider.now();
        let Some(provider) = &*provider else { return };
        let cause = done.hash.to_string();
        match pursue(&self.intake.ledger, provider, done.stream, number, (&cause, trace)).await {
            Ok(()) => {}
            Err(Halt::Provider(away)) => tracing::warn!(fees = %done.stream, %away, "a payment is left to the relay"),
            Err(Halt::Ledger(refusal)) => {
                tracing::warn!(fees = %done.stream, reason = refusal.reason, "a payment is left to the relay");
            }
        }
    }

    async fn assess(&self, incoming: Incoming<pb::AssessFeeRequest>) -> Result<pb::Fees, Fault> {
        let message = &incoming.message;
        let negative = |_| Refusal::field("units", "FIELD_INVALID", "数量不能为负", "units are not negative");
        let assess = decide::Assess {
            code: ask::text("line_code", &message.line_code, 1, 40, "FIELD_INVALID")?,
            units: u32::try_from(message.units).map_err(negative)?,
            amount: message.amount_fen,
            exemption: ask::text("exemption_code", &message.exemption_code, 0, 40, "FIELD_INVALID")?,
        };
        let rule = move |fees: &Fees, case: &Case, _: &Context| {
            decide::assess(fees, &case.matter, case.facts(), &assess, &case.by.actor)
        };
        let about = About { application: &message.application_id, request_id: &message.request_id, etag: "" };
        let done = self.act(&incoming, "AssessFee", about, rule).await?;
        self.answer(&incoming, &message.application_id, &done)
    }

    async fn strike(&self, incoming: Incoming<pb::StrikeFeeRequest>) -> Result<pb::Fees, Fault> {
        let message = &incoming.message;
        let code = message.line_code.trim().to_owned();
        let reason = ask::text("reason", &message.reason, 1, 500, "FIELD_INVALID")?;
        let rule = move |fees: &Fees, case: &Case, _: &Context| decide::strike(fees, &code, &reason, &case.by.actor);
        let about = About { application: &message.application_id, request_id: &message.request_id, etag: "" };
        let done = self.act(&incoming, "StrikeFee", about, rule).await?;
        self.answer(&incoming, &message.application_id, &done)
    }

    /// The fees right after a command.
    fn answer<T>(&self, incoming: &Incoming<T>, application: &str, done: &Committed<Fees>) -> Result<pb::Fees, Fault> {
        let id = yiwang_ledger::StreamId::parse("application_id", application)?;
        Ok(show::fees(id, done.version, &done.state, reader(&incoming.caller)))
    }

    async fn waive(&self, incoming: Incoming<pb::WaiveFeeRequest>) -> Result<pb::Fees, Fault> {
        let message = &incoming.message;
        let waive = bill::Waive {
            code: message.line_code.trim().to_owned(),
            amount: message.amount_fen,
            basis: ask::text("basis", &message.basis, 1, 500, "FIELD_INVALID")?,
            reason: ask::text("reason", &message.reason, 1, 500, "FIELD_INVALID")?,
        };
        let rule = move |fees: &Fees, case: &Case, _: &Context| bill::waive(fees, &waive, &case.by.actor);
        let done = self.act(&incoming, "WaiveFee", about!(message), rule).await?;
        self.answer(&incoming, &message.application_id, &done)
    }

    async fn issue(&self, incoming: Incoming<pb::IssueBillRequest>) -> Result<pb::Fees, Fault> {
        let message = &incoming.message;
        let rule = move |fees: &Fees, case: &Case, cx: &Context| bill::issue(fees, &case.matter, &case.by.actor, cx);
        let done = self.act(&incoming, "IssueBill", about!(message), rule).await?;
        self.answer(&incoming, &message.application_id, &done)
    }

    async fn cancel(&self, incoming: Incoming<pb::CancelBillRequest>) -> Result<pb::Fees, Fault> {
        let message = &incoming.message;
        let number = message.bill_number.trim().to_owned();
        let reason = ask::text("reason", &message.reason, 1, 500, "FIELD_INVALID")?;
        let rule =
            move |fees: &Fees, case: &Case, cx: &Context| bill::cancel(fees, &number, &reason, &case.by.actor, cx);
        let done = self.act(&incoming, "CancelBill", about!(message), rule).await?;
        self.answer(&incoming, &message.application_id, &done)
    }

    async fn pay(&self, incoming: Incoming<pb::PayBillRequest>) -> Result<pb::Fees, Fault> {
        let message = &incoming.message;
        let (bill, there) = (message.bill_number.trim().to_owned(), self.available());
        let wanted = bill.clone();
        let rule = move |fees: &Fees, case: &Case, cx: &Context| {
            there.clone()?;
            payment::place(fees, &wanted, &case.by.actor, cx)
        };
        let done = self.act(&incoming, "PayBill", about!(message), rule).await?;
        let placed = done.state.payments.iter().rfind(|payment| payment.bill == bill);
        if let Some(placed) = placed.filter(|_| !done.replayed) {
            self.pursued(&done, &placed.number, &incoming.trace).await;
        }
        self.now(&incoming, &message.application_id).await
    }

    /// `PAYMENT_NOT_AVAILABLE` where nobody takes money.
    fn available(&self) -> Result<(), Refusal> {
        match *self.provider.now() {
            Some(_) => Ok(()),
            None => {
                let (zh, en) =
                    ("尚未接入支付机构，请按缴款通知到窗口或者银行缴款", "no provider: pay at the window or a bank");
                Err(Refusal::state("PAYMENT_NOT_AVAILABLE", zh, en))
            }
        }
    }

    async fn notify(&self, incoming: Incoming<pb::NotifyPaymentRequest>) -> Result<pb::NotifyPaymentResponse, Fault> {
        let (this, message) = (&self.intake, &incoming.message);
        this.gate.allow(&incoming.caller, "NotifyPayment", &unowned("Application"))?;
        let number = message.order_number.trim().to_owned();
        let bill = number.rsplit_once('-').map(|(bill, _)| bill).unwrap_or_default();
        let found = this.ledger.find::<Fees>(fee::BILL, bill, &Audiences::all()).await?;
        let found = found.ok_or_else(fee::payment_not_found)?;
        let call = incoming.call("NotifyPayment", &found.stream.to_string(), &message.request_id)?;
        let rule = move |fees: &Fees, _: &Context| payment::notified(fees, &number);
        this.ledger.execute::<Fees>(found.stream, call, rule).await?;
        Ok(pb::NotifyPaymentResponse {})
    }

    async fn request_refund(&self, incoming: Incoming<pb::RequestRefundRequest>) -> Result<pb::Fees, Fault> {
        let message = &incoming.message;
        let seen = self.intake.seen(&incoming.caller, &message.application_id).await?;
        let wanted = refund::Ask {
            payment: message.payment_number.trim().to_owned(),
            amount: message.amount_fen,
            cause: show::cause(message.cause())?,
            reason: ask::remark(seen.state.data_subject(), "refund.reason", &message.reason)?,
        };
        let rule = move |fees: &Fees, case: &Case, _: &Context| refund::request(fees, &wanted, &case.by.actor);
        let done = self.act(&incoming, "RequestRefund", about!(message), rule).await?;
        self.answer(&incoming, &message.application_id, &done)
    }

    async fn approve_refund(&self, incoming: Incoming<pb::ApproveRefundRequest>) -> Result<pb::Fees, Fault> {
        let message = &incoming.message;
        let (number, there) = (message.refund_number.trim().to_owned(), self.available());
        let wanted = number.clone();
        let rule = move |fees: &Fees, case: &Case, _: &Context| {
            there.clone()?;
            refund::approve(fees, &wanted, &case.by.actor)
        };
        let done = self.act(&incoming, "ApproveRefund", about!(message), rule).await?;
        if !done.replayed {
            self.pursued(&done, &number, &incoming.trace).await;
        }
        self.now(&incoming, &message.application_id).await
    }

    async fn refuse_refund(&self, incoming: Incoming<pb::RefuseRefundRequest>) -> Result<pb::Fees, Fault> {
        let message = &incoming.message;
        let number = message.refund_number.trim().to_owned();
        let reason = ask::text("reason", &message.reason, 1, 500, "FIELD_INVALID")?;
        let rule = move |fees: &Fees, case: &Case, _: &Context| refund::refuse(fees, &number, &reason, &case.by.actor);
        let done = self.act(&incoming, "RefuseRefund", about!(message), rule).await?;
        self.answer(&incoming, &message.application_id, &done)
    }

    async fn balance(&self, incoming: Incoming<pb::GetTrialBalanceRequest>) -> Result<pb::TrialBalance, Fault> {
        let (this, caller, message) = (&self.intake, &incoming.caller, &incoming.message);
        let asked = message.region_code.trim();
        let place = region("region_code", if asked.is_empty() { &caller.region } else { asked })?;
        this.gate.allow(caller, "GetTrialBalance", &Resource { region: &place, ..unowned("Application") })?;
        let month = message.month.trim();
        if month.len() != 7 || NaiveDate::parse_from_str(&format!("{month}-01"), "%Y-%m-%d").is_err() {
            let (zh, en) = ("月份应写作 YYYY-MM", "a month is written YYYY-MM");
            return Err(Refusal::field("month", "MONTH_INVALID", zh, en).into());
        }
        let all = all_tagged::<Fees>(&this.ledger, &[("month", format!("{place}/{month}"))]).await?;
        let mut books = Books::default();
        all.iter().for_each(|read| books.add(&read.state.books));
        let payments = || all.iter().flat_map(|read| read.state.payments.iter());
        let week_ago = this.ledger.host().now().0 - WEEK;
        let late = |payment: &&fee::Payment| {
            payment.state == PaymentState::Paid
                && !payment.remitted
                && payment.paid_at.is_some_and(|at| at.0 <= week_ago)
        };
        let named = |payment: &fee::Payment| payment.number.clone();
        Ok(pb::TrialBalance {
            region_code: place,
            month: month.to_owned(),
            balances: show::balances(&books),
            sum_fen: books.sum(),
            application_count: count(all.len()),
            contradicted_payments: payments().filter(|one| one.contradicted).map(named).take(NAMED).collect(),
            unremitted_payments: payments().filter(late).map(named).take(NAMED).collect(),
        })
    }

    async fn get(&self, incoming: Incoming<pb::GetFeesRequest>) -> Result<pb::Fees, Fault> {
        let seen = self.intake.seen(&incoming.caller, &incoming.message.application_id).await?;
        self.intake.gate.allow(&incoming.caller, "GetFees", &resource(&seen.state, &incoming.caller))?;
        self.now(&incoming, &incoming.message.application_id).await
    }
}

fn matter(app: &Read<Application>) -> Matter {
    let item = &app.state.item;
    Matter {
        application: app.stream,
        item: item.code.clone(),
        item_name: item.name.clone(),
        organisation: item.organisation.clone(),
        region: item.region.clone(),
    }
}

/// Fees are assessed of what was handed in and is not over, and not by who has a part in it.
fn check_open(app: &Application, by: &Acting) -> Result<(), Refusal> {
    if matches!(app.phase, Phase::Draft) || app.phase.is_final() {
        return Err(wrong_phase(&app.phase, "核定收费", "charged"));
    }
    check_not_own(app, by)
}

#[tonic::async_trait]
impl FeeService for FeesOf {
    async fn assess_fee(&self, request: Request<pb::AssessFeeRequest>) -> Reply<pb::Fees> {
        reply(self.assess(receive(request)?).await)
    }

    async fn strike_fee(&self, request: Request<pb::StrikeFeeRequest>) -> Reply<pb::Fees> {
        reply(self.strike(receive(request)?).await)
    }

    async fn waive_fee(&self, request: Request<pb::WaiveFeeRequest>) -> Reply<pb::Fees> {
        reply(self.waive(receive(request)?).await)
    }

    async fn issue_bill(&self, request: Request<pb::IssueBillRequest>) -> Reply<pb::Fees> {
        reply(self.issue(receive(request)?).await)
    }

    async fn cancel_bill(&self, request: Request<pb::CancelBillRequest>) -> Reply<pb::Fees> {
        reply(self.cancel(receive(request)?).await)
    }

    async fn pay_bill(&self, request: Request<pb::PayBillRequest>) -> Reply<pb::Fees> {
        reply(self.pay(receive(request)?).await)
    }

    async fn notify_payment(&self, request: Request<pb::NotifyPaymentRequest>) -> Reply<pb::NotifyPaymentResponse> {
        reply(self.notify(receive(request)?).await)
    }

    async fn request_refund(&self, request: Request<pb::RequestRefundRequest>) -> Reply<pb::Fees> {
        reply(self.request_refund(receive(request)?).await)
    }

    async fn approve_refund(&self, request: Request<pb::ApproveRefundRequest>) -> Reply<pb::Fees> {
        reply(self.approve_refund(receive(request)?).await)
    }

    async fn refuse_refund(&self, request: Request<pb::RefuseRefundRequest>) -> Reply<pb::Fees> {
        reply(self.refuse_refund(receive(request)?).await)
    }

    async fn get_trial_balance(&self, request: Request<pb::GetTrialBalanceRequest>) -> Reply<pb::TrialBalance> {
        reply(self.balance(receive(request)?).await)
    }

    async fn get_fees(&self, request: Request<pb::GetFeesRequest>) -> Reply<pb::Fees> {
        reply(self.get(receive(request)?).await)
    }
}
