//! What replicas share and may lose: Redis stopped, slow, wiped or full makes reads slower and lets nobody in.
#![allow(missing_docs, clippy::unwrap_used)]

mod redis_server;

use std::time::Duration;

use bytes::Bytes;
use redis_server::Redis;
use yiwang_kit::shared::{Away, Shared};

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

#[tokio::test]
async fn a_redis_that_is_full_lets_nobody_in() {
    let Some(redis) = Redis::start(&["--maxmemory-policy", "noeviction"]) else { return };
    let replica = replica(redis.config());
    redis.cli(&["CONFIG", "SET", "maxmemory", "1"]);
    replica.keep("/v1/items", Bytes::from_static(b"{}")).await;
    assert_eq!(replica.cached("gateway", "/v1/items").await.as_deref(), Some(&b"{}"[..]), "of its own");
    is_on_its_own(&replica).await;
}
