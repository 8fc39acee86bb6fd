//! `FeeService`.

use std::sync::Arc;

use chrono::NaiveDate;
use tonic::Request;
use yiwang_kit::followed::Followed;
use yiwang_kit::{Fault, Incoming, Reply, Resource, receive, reply, wire};
use yiwang_ledger::{Audiences, Committed, Context, Decision, ListQuery, Refusal};
use yiwang_proto::intake::v1 as pb;
use yiwang_proto::intake::v1::fee_service_server::FeeService;

use super::application::sees_in_full;
use super::{Intake, reader, resource, unowned};
use crate::application::decide::{Acting, check_not_own};
use crate::application::{Application, Phase, wrong_phase};
use crate::catalogue::details::ChargeLine;
use crate::catalogue::{self as items, Item, ItemFacts};
use crate::convert::{ask, fee as show, region};
use crate::fee::books::Books;
use crate::fee::provider::{Provider, Receipt, RefundOrder, SaidOfRefund};
use crate::fee::pursuing::pursue;
use crate::fee::{self, BY_HAND, Event, Fees, Matter, PaymentState, RefundState, asks, bill, decide, payment, refund};
use crate::outside::Halt;

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
    facts: Arc<Item>,
    /// The charges of the list in force; read where something is assessed.
    now: Vec<ChargeLine>,
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
/// So many fees are read at once.
const PAGE: u32 = 100;

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
        let now = match rpc {
            "AssessFee" => this.ledger.get::<Item>(items::stream(&seen.state.item.code), &Audiences::all()).await?,
            _ => None,
        };
        let now = now.map(|read| read.state.facts.details.charges.clone()).unwrap_or_default();
        let case = Case { matter: Matter::of(&seen), facts, now, by };
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
        let (version, fees) = read.map(|read| (read.version, read.state)).unwrap_or_default();
        let whole = sees_in_full(caller, &seen.state);
        Ok(show::fees(seen.stream, version, &fees, (reader(caller), whole)))
    }

    /// The second step of what the provider is asked for; should it be away, the relay goes on, and the answer shows what is so far.
    async fn pursued(&self, done: &Committed<Fees>, number: &str, trace: &str) {
        let provider = self.provider.now();
        let cause = done.hash.to_string();
        match pursue(&self.intake.ledger, (*provider).as_ref(), done.stream, number, (&cause, trace)).await {
            Ok(()) => {}
            Err(Halt::Away(away)) => tracing::warn!(fees = %done.stream, %away, "a payment is left to the relay"),
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
            decide::assess(fees, &case.matter, (case.facts(), &case.now), &assess, &case.by.actor)
        };
        let about = About { application: &message.application_id, request_id: &message.request_id, etag: "" };
        let done = self.act(&incoming, "AssessFee", about, rule).await?;
        self.answer(&incoming, &message.application_id, &done)
    }

    async fn strike(&self, incoming: Incoming<pb::StrikeFeeRequest>) -> Result<pb::Fees, Fault> {
        let message = &incoming.message;
        let code = message.line_code.trim().to_owned();
        let reason = ask::text("reason", &message.reason, 1, 500, "FIELD_INVALID")?;
        let rule = move |fees: &Fees, case: &Case, _: &Context| {
            decide::strike(fees, &case.matter, case.facts(), (&code, &reason), &case.by.actor)
        };
        let about = About { application: &message.application_id, request_id: &message.request_id, etag: "" };
        let done = self.act(&incoming, "StrikeFee", about, rule).await?;
        self.answer(&incoming, &message.application_id, &done)
    }

    /// The fees right after a command, which only those may give who handle the application or are its parties.
    fn answer<T>(&self, incoming: &Incoming<T>, application: &str, done: &Committed<Fees>) -> Result<pb::Fees, Fault> {
        let id = yiwang_ledger::StreamId::parse("application_id", application)?;
        Ok(show::fees(id, done.version, &done.state, (reader(&incoming.caller), true)))
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
        let (wanted, provider) = (bill.clone(), self.provider_name());
        let rule = move |fees: &Fees, case: &Case, cx: &Context| {
            there.clone()?;
            payment::place(fees, &wanted, &provider, &case.by.actor, cx)
        };
        let done = self.act(&incoming, "PayBill", about!(message), rule).await?;
        let placed = done.state.payments.iter().rfind(|payment| payment.bill == bill);
        if let Some(placed) = placed.filter(|_| !done.replayed) {
            self.pursued(&done, &placed.number, &incoming.trace).await;
        }
        self.now(&incoming, &message.application_id).await
    }

    async fn record_payment(&self, incoming: Incoming<pb::RecordPaymentRequest>) -> Result<pb::Fees, Fault> {
        let message = &incoming.message;
        let record = payment::Record {
            bill: message.bill_number.trim().to_owned(),
            paid: message.amount_fen,
            receipt: Receipt {
                number: ask::text("receipt_number", &message.receipt_number, 1, 40, "FIELD_INVALID")?,
                code: ask::text("receipt_code", &message.receipt_code, 0, 40, "FIELD_INVALID")?,
                url: String::new(),
            },
        };
        let rule = move |fees: &Fees, case: &Case, _: &Context| payment::record(fees, &record, &case.by.actor);
        let done = self.act(&incoming, "RecordPayment", about!(message), rule).await?;
        self.answer(&incoming, &message.application_id, &done)
    }

    async fn record_refund(&self, incoming: Incoming<pb::RecordRefundRequest>) -> Result<pb::Fees, Fault> {
        let message = &incoming.message;
        let (number, provider) = (message.refund_number.trim().to_owned(), self.provider_name());
        let voucher = ask::text("voucher_number", &message.voucher_number, 1, 40, "FIELD_INVALID")?;
        let rule = move |fees: &Fees, case: &Case, _: &Context| {
            refund::record(fees, &number, &voucher, &provider, &case.by.actor)
        };
        let done = self.act(&incoming, "RecordRefund", about!(message), rule).await?;
        self.answer(&incoming, &message.application_id, &done)
    }

    /// The provider's name; empty where there is none.
    fn provider_name(&self) -> String {
        (*self.provider.now()).as_ref().map(|provider| provider.name().to_owned()).unwrap_or_default()
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
        // orders and refunds are numbered after a bill
        let bill = number.split_once('-').map(|(bill, _)| bill).unwrap_or_default();
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
        let number = message.refund_number.trim().to_owned();
        let order = self.refund_order(&incoming, &number).await?;
        let wanted = number.clone();
        let rule = move |fees: &Fees, case: &Case, _: &Context| refund::approve(fees, &wanted, &order, &case.by.actor);
        let done = self.act(&incoming, "ApproveRefund", about!(message), rule).await?;
        if !done.replayed {
            self.pursued(&done, &number, &incoming.trace).await;
        }
        self.now(&incoming, &message.application_id).await
    }

    /// Who would carry a refund out now; and what its provider says now of an order that failed before, lest it be placed twice.
    async fn refund_order(
        &self,
        incoming: &Incoming<pb::ApproveRefundRequest>,
        number: &str,
    ) -> Result<refund::Order, Fault> {
        let (this, caller, message) = (&self.intake, &incoming.caller, &incoming.message);
        let seen = this.seen(caller, &message.application_id).await?;
        this.gate.allow(caller, "ApproveRefund", &resource(&seen.state, caller))?;
        let read = this.ledger.get::<Fees>(fee::stream(seen.stream), &Audiences::all()).await?;
        let fees = read.map(|read| read.state).unwrap_or_default();
        let found = fees.refund(number);
        let paid_with = found.and_then(|refund| fees.payment(&refund.payment)).map(|payment| &payment.provider);
        // what was paid with somebody else, or to a cashier, no provider of ours can give back
        let current = self.provider.now();
        let current = (*current).as_ref();
        let provider = current.filter(|one| paid_with.is_none_or(|with| asks(with, one.name())));
        let by_hand = message.by_hand || provider.is_none();
        let failed = found.filter(|refund| refund.attempts > 0 && refund.state == RefundState::Requested);
        let earlier = match (failed, current) {
            (Some(refund), Some(provider)) if asks(&refund.provider, provider.name()) => {
                let placed =
                    RefundOrder { number: refund.order(), payment: refund.payment.clone(), fen: refund.amount };
                provider.refund(&placed).await.ok()
            }
            // nobody was asked to do it
            (Some(refund), _) if refund.provider == BY_HAND => Some(SaidOfRefund::Failed { reason: String::new() }),
            _ => None,
        };
        let name = self.provider_name();
        Ok(refund::Order { provider: if by_hand { BY_HAND.to_owned() } else { name }, earlier })
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
        let (mut books, mut told) = (Books::default(), pb::TrialBalance::default());
        let week_ago = this.ledger.host().now().0 - WEEK;
        let filters = vec![("month", format!("{place}/{month}"))];
        let mut query = ListQuery { filters, page_size: PAGE, page_token: String::new() };
        // page by page: a city's month is not held at once
        loop {
            let page = this.ledger.list::<Fees>(&query, &Audiences::all()).await?;
            for read in &page.items {
                books.add(&read.state.books);
                told.application_count += 1;
                name(&read.state, week_ago, &mut told);
            }
            if page.next_page_token.is_empty() {
                break;
            }
            query.page_token = page.next_page_token;
        }
        (told.region_code, told.month) = (place, month.to_owned());
        (told.balances, told.sum_fen) = (show::balances(&books), books.sum());
        Ok(told)
    }

    async fn get(&self, incoming: Incoming<pb::GetFeesRequest>) -> Result<pb::Fees, Fault> {
        let seen = self.intake.seen(&incoming.caller, &incoming.message.application_id).await?;
        self.intake.gate.allow(&incoming.caller, "GetFees", &resource(&seen.state, &incoming.caller))?;
        self.intake.leave_trace(&incoming, "GetFees", seen.stream).await?;
        self.now(&incoming, &incoming.message.application_id).await
    }
}

/// Names what somebody must look into.
fn name(fees: &Fees, week_ago: i64, told: &mut pb::TrialBalance) {
    fn add<'a>(list: &mut Vec<String>, numbers: impl Iterator<Item = &'a String>) {
        let room = NAMED.saturating_sub(list.len());
        list.extend(numbers.take(room).cloned());
    }
    let payments = || fees.payments.iter();
    let old = |one: &&fee::Payment| one.state == PaymentState::Paid && one.paid_at.is_some_and(|at| at.0 <= week_ago);
    add(&mut told.contradicted_payments, payments().filter(|one| one.contradicted).map(|one| &one.number));
    add(&mut told.unremitted_payments, payments().filter(old).filter(|one| !one.remitted).map(|one| &one.number));
    let bare = payments().filter(old).filter(|one| one.receipt.is_none());
    add(&mut told.unreceipted_payments, bare.map(|one| &one.number));
    add(&mut told.contradicted_refunds, fees.refunds.iter().flat_map(|refund| &refund.contradicted));
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

    async fn record_payment(&self, request: Request<pb::RecordPaymentRequest>) -> Reply<pb::Fees> {
        reply(self.record_payment(receive(request)?).await)
    }

    async fn record_refund(&self, request: Request<pb::RecordRefundRequest>) -> Reply<pb::Fees> {
        reply(self.record_refund(receive(request)?).await)
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
