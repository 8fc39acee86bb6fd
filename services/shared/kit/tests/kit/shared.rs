//! What replicas share and may lose: Redis stopped, slow, wiped or full makes reads slower and lets nobody in.

use std::time::Duration;

use crate::redis_server::Redis;
use bytes::Bytes;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
use yiwang_kit::shared::{Away, Shared};
use yiwang_kit::{Config, Process, Shape};
use yiwang_ledger::{Call, Ledger, StreamId};

const LIFE: Duration = Duration::from_secs(60);

fn replica(config: serde_json::Value) -> Shared {
    Shared::open(&serde_json::from_value(config).unwrap()).unwrap()
}

async fn caches_and_counts_for_all(config: serde_json::Value) {
    let (one, other) = (replica(config.clone()), replica(config));
    one.keep("/v1/items", Bytes::from_static(b"{}")).await;
    assert_eq!(other.cached("gateway", "/v1/items").await.as_deref(), Some(&b"{}"[..]));
    assert_eq!((one.count("anna", LIFE).await, other.count("anna", LIFE).await), (1, 2));
    assert_eq!((one.first_time("n1", LIFE).await, other.first_time("n1", LIFE).await), (Ok(true), Ok(false)));
}

#[tokio::test]
async fn replicas_share_one_redis() {
    let Some(redis) = Redis::start(&[]) else { return };
    caches_and_counts_for_all(redis.config()).await;
}

#[tokio::test]
async fn replicas_share_a_master_that_sentinels_name() {
    let Some(redis) = Redis::start(&[]) else { return };
    let Some(sentinel) = redis.sentinel() else { return };
    caches_and_counts_for_all(sentinel.config_as("sentinel")).await;
}

#[tokio::test]
async fn replicas_share_a_cluster() {
    let Some(redis) = Redis::start(&["--cluster-enabled", "yes"]) else { return };
    redis.own_all_slots();
    caches_and_counts_for_all(redis.config_as("cluster")).await;
}

#[tokio::test]
async fn one_process_needs_none() {
    let alone = replica(serde_json::json!({}));
    alone.keep("/v1/items", Bytes::from_static(b"{}")).await;
    assert!(alone.cached("gateway", "/v1/items").await.is_some());
    assert_eq!((alone.first_time("n1", LIFE).await, alone.first_time("n1", LIFE).await), (Ok(true), Ok(false)));
    assert_eq!((alone.count("anna", LIFE).await, alone.count("anna", LIFE).await), (1, 2));
}

/// What a replica says while Redis is of no use: a miss, its own count, and nobody gets in.
async fn is_on_its_own(replica: &Shared) {
    assert_eq!(replica.cached("gateway", "/v1/notices").await, None);
    assert_eq!((replica.count("bert", LIFE).await, replica.count("bert", LIFE).await), (1, 2));
    assert_eq!(replica.first_time("n2", LIFE).await, Err(Away));
}

#[tokio::test]
async fn a_redis_that_is_stopped_lets_nobody_in() {
    let Some(mut redis) = Redis::start(&[]) else { return };
    let replica = replica(redis.config());
    assert_eq!(replica.first_time("n1", LIFE).await, Ok(true));
    redis.kill();
    is_on_its_own(&replica).await;
}

#[tokio::test]
async fn a_redis_that_does_not_answer_counts_as_stopped() {
    let Some(redis) = Redis::start(&[]) else { return };
    let replica = replica(redis.config());
    assert_eq!(replica.first_time("n1", LIFE).await, Ok(true));
    redis.freeze();
    is_on_its_own(&replica).await;
}

#[tokio::test]
async fn a_redis_that_was_wiped_has_only_forgotten() {
    let Some(redis) = Redis::start(&[]) else { return };
    let (one, other) = (replica(redis.config()), replica(redis.config()));
    one.keep("/v1/items", Bytes::from_static(b"{}")).await;
    redis.cli(&["FLUSHALL"]);
    assert_eq!(other.cached("gateway", "/v1/items").await, None);
    one.keep("/v1/items", Bytes::from_static(b"[]")).await;
    assert_eq!(other.cached("gateway", "/v1/items").await.as_deref(), Some(&b"[]"[..]));
}

#[tokio::test]
async fn a_count_that_lost_its_end_gets_one_again() {
    let Some(redis) = Redis::start(&[]) else { return };
    let replica = replica(redis.config());
    redis.cli(&["SET", "yiwang:count:carl", "7"]);
    assert_eq!(replica.count("carl", LIFE).await, 8);
    assert!(redis.cli(&["TTL", "yiwang:count:carl"]).trim().parse::<i64>().unwrap() > 0);
}

/// A replica's ledger with the tasks that wake it.
async fn ledger(redis: serde_json::Value) -> (Ledger, CancellationToken, tempfile::TempDir) {
    let (dir, stop) = (tempfile::tempdir().unwrap(), CancellationToken::new());
    let redis = serde_json::from_value(redis).unwrap();
    let config = Config { data_dir: dir.path().join("data"), redis, ..Config::default() };
    let process = Process::open(config, Shape::Together, stop.clone()).unwrap();
    let ledger = process.ledger("intake").await.unwrap();
    drop(process.front("intake", ledger.clone(), Routes::default()));
    (ledger, stop, dir)
}

/// The connections that wait to be woken.
fn listening(redis: &Redis) -> Vec<String> {
    let clients = redis.cli(&["CLIENT", "LIST"]);
    let waits = clients.lines().filter(|client| client.contains("cmd=xread"));
    waits.filter_map(|client| client.split(' ').next()).map(str::to_owned).collect()
}

/// Whether the reader is woken by what the writer writes; within the quarter of a second after which it would look by itself.
async fn wakes(writer: &Ledger, reader: &Ledger, tries: u32) -> bool {
    let seen = reader.feed_wake(u64::MAX).await;
    for number in 0..tries {
        let call = Call::system(format!("{number}.{seen}"), "");
        writer.record_read(call, StreamId::named("woken", &number.to_string()), "Test").await.unwrap();
        if reader.feed_wake(seen).await != seen {
            return true;
        }
    }
    false
}

#[tokio::test]
async fn a_replica_is_woken_by_what_another_wrote_while_there_is_a_redis() {
    let Some(mut redis) = Redis::start(&[]) else { return };
    let ((writer, stop, _writer), (reader, also, _reader)) =
        (ledger(redis.config()).await, ledger(redis.config()).await);
    let (alone, too, _alone) = ledger(serde_json::json!({})).await;
    assert!(wakes(&writer, &reader, 40).await);
    let before = listening(&redis);
    for _ in 0..4 {
        // a second passes in which nobody writes
        alone.feed_wake(alone.feed_wake(u64::MAX).await).await;
    }
    assert_eq!((before.len(), listening(&redis)), (2, before), "it listens without a pause");
    assert_eq!(alone.feed_wake(u64::MAX).await, alone.feed_wake(u64::MAX).await, "nobody woke it");
    redis.kill();
    assert!(!wakes(&writer, &reader, 4).await, "by whom?");
    [stop, also, too].iter().for_each(CancellationToken::cancel);
}

#[tokio::test]
async fn a_redis_that_is_full_lets_nobody_in() {
    let Some(redis) = Redis::start(&["--maxmemory-policy", "noeviction"]) else { return };
    let replica = replica(redis.config());
    redis.cli(&["CONFIG", "SET", "maxmemory", "1"]);
    replica.keep("/v1/items", Bytes::from_static(b"{}")).await;
    assert_eq!(replica.cached("gateway", "/v1/items").await.as_deref(), Some(&b"{}"[..]), "of its own");
    is_on_its_own(&replica).await;
}
