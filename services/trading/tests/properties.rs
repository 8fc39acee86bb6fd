//! What holds for every tender, without a ledger.

use std::sync::Arc;

use proptest::prelude::*;
use yiwang_ledger::{Context, Timestamp};
use yiwang_standards::calendar::{Calendar, start_of_day_micros};
use yiwang_trading::notice::decide::{BID_DAYS, Publish, publish};
use yiwang_trading::notice::{Notice, NoticeKind, TradeClass};

fn tender(deadline: chrono::NaiveDate) -> Publish {
    Publish {
        trade_class: TradeClass::Construction,
        kind: NoticeKind::Tender,
        title: "招标公告".into(),
        content: "内容".into(),
        project_code: "P".into(),
        tenderer: "T".into(),
        region: "511602000000".into(),
        organisation: "O".into(),
        bid_deadline: Some(Timestamp(start_of_day_micros(deadline) + 32_400_000_000)),
        follows: None,
    }
}

proptest! {
    #[test]
    fn a_tender_is_published_exactly_when_twenty_days_lie_before_its_deadline(offset in 0_u64..700, period in 0_u64..40) {
        let day = chrono::NaiveDate::from_ymd_opt(2025, 1, 1).unwrap() + chrono::Days::new(offset);
        let calendar = Arc::new(Calendar::builtin().clone());
        let earliest = calendar.add_calendar_days(day, BID_DAYS).date;
        let now = Timestamp(start_of_day_micros(day) + 36_000_000_000);
        let cx = Context { now, actor: "staff:trader".into(), version: 0, calendar, seed: [7; 32] };
        let deadline = day + chrono::Days::new(period);
        let decided = publish(&Notice::default(), &tender(deadline), &cx);
        prop_assert_eq!(decided.is_ok(), deadline >= earliest);
        prop_assert!(deadline < earliest || period >= 20);
        if let Err(refusal) = decided {
            prop_assert_eq!(refusal.reason, "BID_PERIOD_TOO_SHORT");
        }
    }
}
