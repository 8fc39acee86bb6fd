//! Every event of the ledger itself, of every release, is still read.

mod house;

use house::golden;
use tokio_util::sync::CancellationToken;
use yiwang_kit::{Config, Process, Shape};
use yiwang_ledger::{AccessEvent, AccessLog, Erasure, ErasureEvent, StreamId, SubjectId};

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
    assert_eq!(golden::read_all::<AccessLog>(&ledger, "Read").await.len(), 1);
    assert_eq!(golden::read_all::<Erasure>(&ledger, "Erased").await.len(), 1);
}
