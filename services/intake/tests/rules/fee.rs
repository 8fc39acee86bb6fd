//! Whatever is asked for, what is recorded is what the list gives; and whatever happens, the books balance.

use std::sync::Arc;

use proptest::prelude::*;
use yiwang_intake::application::Actor;
use yiwang_intake::catalogue::ItemFacts;
use yiwang_intake::catalogue::details::{ChargeLine, ChargeMethod, Details, Exemption};
use yiwang_intake::fee::books::{Account, postings};
use yiwang_intake::fee::decide::{Assess, assess, strike};
use yiwang_intake::fee::provider::{Receipt, Said, SaidOfRefund};
use yiwang_intake::fee::{Cause, Closed, End, Event, Fees, Line, Matter, RefundState, bill, payment, refund};
use yiwang_ledger::{Aggregate as _, Context, Decision, Meta, StreamId, Timestamp};
use yiwang_standards::calendar::Calendar;

fn facts(price: i64, spread: i64, percent: u32) -> ItemFacts {
    let exemption = Exemption { code: "E".into(), percent, ..Exemption::default() };
    let unit = ChargeLine {
        code: "UNIT".into(),
        amount: price,
        unit: "证".into(),
        most_units: 20,
        exemptions: vec![exemption.clone()],
        ..ChargeLine::default()
    };
    let range = ChargeLine {
        code: "RANGE".into(),
        method: ChargeMethod::Range,
        amount: price,
        most: price + spread,
        exemptions: vec![exemption],
        ..ChargeLine::default()
    };
    ItemFacts { details: Details { charges: vec![unit, range], ..Details::default() }, ..ItemFacts::default() }
}

fn matter() -> Matter {
    Matter {
        application: StreamId::named("application", "fees"),
        item: "511A".into(),
        item_name: "例".into(),
        organisation: "115113016823646795".into(),
        region: "511602000000".into(),
    }
}

proptest! {
    #[test]
    fn no_amount_outside_the_list_is_recorded(
        (price, spread, percent) in (1i64..100_000, 1i64..100_000, 1u32..=100),
        code in prop_oneof![Just("UNIT"), Just("RANGE"), Just("OTHER")],
        (units, amount, exempt) in (prop_oneof![Just(0u32), 0u32..30], -10i64..300_000, any::<bool>()),
    ) {
        let facts = facts(price, spread, percent);
        let exemption = if exempt { "E" } else { "" };
        let ask = Assess { code: code.into(), units, amount, exemption: exemption.into() };
        let Ok(events) = assess(&Fees::default(), &matter(), (&facts, &facts.details.charges), &ask, &Actor::system()) else { return Ok(()) };
        let mut fees = Fees::default();
        for event in &events {
            fees.evolve(event, &Meta { at: Timestamp(0), actor: String::new(), version: 1 });
        }
        let line = &fees.lines[0];
        match code {
            "UNIT" => prop_assert!(line.units <= 20 && line.amount == price * i64::from(line.units)),
            "RANGE" => prop_assert!((price..=price + spread).contains(&line.amount)),
            other => prop_assert!(false, "{} is on no list", other),
        }
        let off = if exempt { line.amount as f64 * f64::from(percent) / 100.0 } else { 0.0 };
        prop_assert!(line.payable() >= 0 && (line.exempt as f64 - off).abs() < 1.0);
        let again = assess(&fees, &matter(), (&facts, &facts.details.charges), &ask, &Actor::system()).unwrap_err();
        prop_assert_eq!(again.reason, "CHARGED_ALREADY");
        let struck = strike(&fees, &matter(), &facts, (code, "误核"), &Actor::system()).unwrap();
        let is_struck = matches!(struck[0], Event::FeeStruck { .. });
        prop_assert!(is_struck);
    }
}

/// What somebody does, or the provider says; numbers choose among what is there.
#[derive(Clone, Debug)]
enum Act {
    Assess { code: u8, units: u32, exempt: bool },
    Strike { code: u8 },
    Waive { code: u8, amount: i64 },
    Issue,
    Cancel { bill: usize },
    Close { granted: bool },
    Record { bill: usize, paid: i64 },
    RecordRefund { refund: usize },
    Pay { bill: usize },
    Say { payment: usize, said: Said, again: bool },
    Ask { payment: usize, amount: i64 },
    Approve { refund: usize },
    Refuse { refund: usize },
    SayOfRefund { refund: usize, paid: bool, before: u32 },
    Wait { minutes: i64 },
}

fn acts() -> impl Strategy<Value = Vec<(Act, u8)>> {
    let fen = || prop_oneof![1i64..3_000, Just(1_000i64), Just(2_000i64)];
    let code = || 0u8..3;
    let one = prop_oneof![
        4 => (code(), 1u32..4, any::<bool>()).prop_map(|(code, units, exempt)| Act::Assess { code, units, exempt }),
        1 => code().prop_map(|code| Act::Strike { code }),
        2 => (code(), fen()).prop_map(|(code, amount)| Act::Waive { code, amount }),
        4 => Just(Act::Issue),
        1 => any::<usize>().prop_map(|bill| Act::Cancel { bill }),
        1 => any::<bool>().prop_map(|granted| Act::Close { granted }),
        2 => (any::<usize>(), fen()).prop_map(|(bill, paid)| Act::Record { bill, paid }),
        1 => any::<usize>().prop_map(|refund| Act::RecordRefund { refund }),
        5 => any::<usize>().prop_map(|bill| Act::Pay { bill }),
        5 => (any::<usize>(), fen(), any::<bool>(), any::<bool>()).prop_map(|(payment, fen, remitted, again)| Act::Say {
            payment,
            said: Said::Paid { fen, reference: "r".into(), remitted },
            again,
        }),
        2 => any::<usize>().prop_map(|payment| Act::Say {
            payment,
            said: Said::Failed { reason: "余额不足".into() },
            again: false,
        }),
        2 => any::<usize>().prop_map(|payment| Act::Say {
            payment,
            said: Said::Waiting { pay_url: String::new(), reference: String::new() },
            again: false,
        }),
        4 => (any::<usize>(), fen()).prop_map(|(payment, amount)| Act::Ask { payment, amount }),
        5 => any::<usize>().prop_map(|refund| Act::Approve { refund }),
        1 => any::<usize>().prop_map(|refund| Act::Refuse { refund }),
        4 => (any::<usize>(), any::<bool>(), 0u32..3)
            .prop_map(|(refund, paid, before)| Act::SayOfRefund { refund, paid, before }),
        2 => (1i64..200).prop_map(|minutes| Act::Wait { minutes }),
    ];
    proptest::collection::vec((one, 0u8..3), 1..60)
}

fn pick<T>(all: &[T], at: usize) -> Option<&T> {
    all.get(at.checked_rem(all.len())?)
}

fn run(fees: &Fees, act: &Act, who: u8, cx: &Context) -> Option<Decision<Event>> {
    let by = Actor { id: format!("staff:{who}"), ..Actor::system() };
    let code = |code: u8| ["UNIT", "RANGE", "OTHER"][usize::from(code)].to_owned();
    Some(match act {
        Act::Assess { code: which, units, exempt } => {
            let units = if *which == 1 { 0 } else { *units };
            let exemption = if *exempt { "E".to_owned() } else { String::new() };
            let ask = Assess { code: code(*which), units, amount: if *which == 1 { 1_500 } else { 0 }, exemption };
            let facts = facts(1_000, 1_000, 33);
            assess(fees, &matter(), (&facts, &facts.details.charges), &ask, &by)
        }
        Act::Strike { code: which } => strike(fees, &matter(), &facts(1_000, 1_000, 33), (&code(*which), "误核"), &by),
        Act::Waive { code: which, amount } => {
            let (basis, reason) = ("财税〔2014〕101号".to_owned(), "例".to_owned());
            bill::waive(fees, &bill::Waive { code: code(*which), amount: *amount, basis, reason }, &by)
        }
        Act::Issue => bill::issue(fees, &matter(), &by, cx),
        Act::Cancel { bill: at } => bill::cancel(fees, &pick(&fees.bills, *at)?.number, "例", &by, cx),
        Act::Close { granted } => {
            let end = if *granted { End::Ended } else { End::NotGranted };
            bill::close(fees, &matter(), &Closed { end, reason: "申请已撤回".into() })
        }
        Act::Record { bill, paid } => {
            let receipt = Receipt { number: format!("51{}", cx.now.0), ..Receipt::default() };
            let bill = pick(&fees.bills, *bill)?.number.clone();
            payment::record(fees, &payment::Record { bill, paid: *paid, receipt }, &by)
        }
        Act::RecordRefund { refund } => refund::record(fees, &pick(&fees.refunds, *refund)?.number, "P1", "", &by),
        Act::Pay { bill } => payment::place(fees, &pick(&fees.bills, *bill)?.number, "", &by, cx),
        Act::Say { payment: at, said, again } => {
            let known = pick(&fees.payments, *at)?;
            // the same twice, or another thing
            let same = Said::Paid { fen: known.paid, reference: "r".into(), remitted: true };
            let said = if *again && known.paid > 0 { &same } else { said };
            payment::said(fees, &known.number, said, cx)
        }
        Act::Ask { payment, amount } => {
            let payment = pick(&fees.payments, *payment)?.number.clone();
            refund::request(
                fees,
                &refund::Ask { payment, amount: *amount, cause: Cause::WrongCharge, reason: None },
                &by,
            )
        }
        Act::Approve { refund: at } => {
            let failed = SaidOfRefund::Failed { reason: "账户已销".into() };
            let order = refund::Order { provider: String::new(), earlier: Some(failed) };
            refund::approve(fees, &pick(&fees.refunds, *at)?.number, &order, &by)
        }
        Act::Refuse { refund: at } => refund::refuse(fees, &pick(&fees.refunds, *at)?.number, "例", &by),
        Act::SayOfRefund { refund, paid, before } => {
            let known = pick(&fees.refunds, *refund)?;
            let said = match paid {
                true => SaidOfRefund::Paid { fen: known.amount, reference: "r".into() },
                false => SaidOfRefund::Failed { reason: "账户已销".into() },
            };
            // the present order, or one of those that failed
            let order = known.earlier().nth(*before as usize).unwrap_or_else(|| known.order());
            payment::said_of_refund(fees, &known.number, &order, &said, cx)
        }
        Act::Wait { .. } => return None,
    })
}

/// What the accounts must be, counted from the state without them.
fn expected(fees: &Fees) -> [(Account, i64); 4] {
    let lines: i64 = fees.lines.iter().map(Line::payable).sum();
    let bills: i64 = fees.bills.iter().map(|bill| fees.open(bill)).sum();
    let paid: i64 = fees.payments.iter().map(|payment| payment.paid).sum();
    let back = fees.refunds.iter().filter(|refund| refund.state == RefundState::Paid);
    let back: i64 = back.map(|refund| refund.amount).sum();
    let owed = fees.refunds.iter().filter(|refund| refund.owed && refund.state != RefundState::Paid);
    let standing = fees.all_lines().map(|(line, _)| line.exempt + line.waived()).sum::<i64>();
    let partly = fees.bills.iter().filter(|bill| bill.cancelled.is_some() && bill.written_off > 0);
    let partly = partly.filter(|bill| bill.written_off < bill.payable());
    let kept: i64 = partly.flat_map(|bill| &bill.lines).map(|line| line.exempt + line.waived()).sum();
    [
        (Account::Receivable, lines + bills),
        (Account::Clearing, paid - back),
        (Account::RefundPayable, -owed.map(|refund| refund.amount).sum::<i64>()),
        (Account::Exempted, standing + kept),
    ]
}

proptest! {
    #[test]
    fn whatever_happens_the_books_sum_to_zero_and_nothing_is_refunded_beyond_what_was_paid(acts in acts()) {
        let (mut fees, mut now) = (Fees::default(), 1_772_413_200_000_000i64);
        for (at, (act, who)) in acts.into_iter().enumerate() {
            let mut seed = [0; 32];
            seed[0] = u8::try_from(at).unwrap();
            if let Act::Wait { minutes } = act {
                now += minutes * 60_000_000;
            }
            let cx = Context {
                now: Timestamp(now),
                actor: String::new(),
                version: 0,
                calendar: Arc::new(Calendar::builtin().clone()),
                seed,
            };
            let Some(Ok(events)) = run(&fees, &act, who, &cx) else { continue };
            for event in events {
                prop_assert_eq!(postings(&fees, &event).iter().map(|(_, amount)| amount).sum::<i64>(), 0, "{:?}", event);
                fees.evolve(&event, &Meta { at: Timestamp(now), actor: String::new(), version: 1 });
                prop_assert_eq!(fees.books.sum(), 0);
            }
            for (account, balance) in expected(&fees) {
                let found = match account {
                    Account::Clearing => fees.books.of(Account::Clearing) + fees.books.of(Account::Treasury),
                    other => fees.books.of(other),
                };
                prop_assert_eq!(found, balance, "{:?} after {:?}: {:?}", account, act, fees);
            }
            prop_assert!(fees.books.of(Account::Clearing) >= 0 && fees.books.of(Account::Treasury) >= 0);
            for one in &fees.payments {
                let bound = fees.refunds.iter().filter(|refund| refund.payment == one.number);
                let bound = bound.filter(|refund| !matches!(refund.state, RefundState::Refused { .. }));
                prop_assert!(bound.map(|refund| refund.amount).sum::<i64>() <= one.paid);
                prop_assert!(fees.paid_back(&one.number) <= one.paid);
            }
        }
    }
}
