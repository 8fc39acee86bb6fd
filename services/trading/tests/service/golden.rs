//! Every event of every release is still read.

use crate::house::{Engine, House, golden};
use strum::VariantNames as _;
use yiwang_ledger::{StreamId, Timestamp};
use yiwang_trading::notice::{Event, Notice, NoticeKind, Published, TradeClass};

#[tokio::test]
async fn golden_entries_decode_and_evolve_and_none_is_missing() {
    let house = House::open(Engine::Sqlite, yiwang_trading::NAME, "2026-02-02", yiwang_trading::start).await.unwrap();
    let published = Published {
        number: "511602-20260202-00000000".into(),
        trade_class: TradeClass::Construction,
        kind: NoticeKind::Correction,
        title: "变更公告".into(),
        content: "开标地点变更".into(),
        project_code: "GC-2026-001".into(),
        tenderer: "广安区住房和城乡建设局".into(),
        region: "511602000000".into(),
        organisation: "06032418-9".into(),
        bid_deadline: Some(Timestamp(1_772_413_200_000_000)),
        refers_to: Some(StreamId::named("notice", "first")),
    };
    golden::write_missing::<Notice>(&house.ledger, vec![Event::Published(Box::new(published))]).await;
    assert_eq!(golden::read_all::<Notice>(&house.ledger, "Published").await.len(), Event::VARIANTS.len());
}
