//! Every event of the ledger itself, of every release, is still read.

use crate::house::golden;
use tokio_util::sync::CancellationToken;
use yiwang_kit::{Config, Process, Shape};
use yiwang_ledger::{
    AccessEvent, AccessLog, Erasure, ErasureEvent, Parked, Restoration, RestorationEvent, Resumed, Resumption,
    ResumptionEvent, Retrial, RetrialEvent, StreamId, SubjectId, Timestamp,
};

#[tokio::test]
async fn golden_entries_decode_and_evolve_and_none_is_missing() {
    let dir = tempfile::tempdir().unwrap();
    let config = Config { data_dir: dir.path().join("data"), ..Config::default() };
    let process = Process::open(config, Shape::Together, CancellationToken::new()).unwrap();
    let ledger = process.ledger("ledger").await.unwrap();
    let read = AccessEvent::Read { record: StreamId::named("golden", "record"), what: "GetApplication".into() };
    golden::write_missing::<AccessLog>(&ledger, vec![read]).await;
    let subject = SubjectId::parse(&"ab".repeat(32)).unwrap();
    let erased = ErasureEvent::Erased {
        subject, grounds: "个人信息保护法第四十七条".into(), told_by: "intake".into()
    };
    golden::write_missing::<Erasure>(&ledger, vec![erased]).await;
    let parked = Parked {
        reader: "approval".into(),
        stream: StreamId::named("golden", "record"),
        position: 7,
        tries: 1,
        next_at: Timestamp(1_772_413_200_000_000),
        error: "NOT_FOUND / NOT_FOUND".into(),
    };
    golden::write_missing::<Retrial>(&ledger, vec![RetrialEvent::Retried { delivery: parked }]).await;
    let relay = Resumed {
        reader: "approval".into(),
        halted: "FEED_REWOUND: the ledger was restored or failed over behind position 9".into(),
        epoch: 2,
        position: 7,
        hash: "ab".repeat(32),
        again: 3,
        reason: "主库损坏，已恢复到前一刻".into(),
    };
    golden::write_missing::<Resumption>(&ledger, vec![ResumptionEvent::Resumed { relay }]).await;
    let restored =
        RestorationEvent::Restored { epoch: 2, position: 7, reason: "主库损坏，已恢复到前一刻".into() };
    golden::write_missing::<Restoration>(&ledger, vec![restored]).await;
    assert_eq!(golden::read_all::<AccessLog>(&ledger, "Read").await.len(), 1);
    assert_eq!(golden::read_all::<Erasure>(&ledger, "Erased").await.len(), 1);
    assert_eq!(golden::read_all::<Retrial>(&ledger, "Retried").await.len(), 1);
    assert_eq!(golden::read_all::<Resumption>(&ledger, "Resumed").await.len(), 1);
    assert_eq!(golden::read_all::<Restoration>(&ledger, "Restored").await.len(), 1);
}
