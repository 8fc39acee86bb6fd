//! A feed that cannot skip.

use std::time::Duration;

use yiwang_ledger::Cursor;

use crate::world::{World, add, stream};

async fn read_all(world: &World) -> Vec<u64> {
    let mut positions = Vec::new();
    loop {
        let after = positions.last().copied().unwrap_or(0);
        let entries = world.ledger.feed(after, 97).await.unwrap();
        if entries.is_empty() {
            return positions;
        }
        positions.extend(entries.iter().map(|entry| entry.position));
    }
}

pub async fn it_is_dense_complete_and_in_order(world: World) {
    let adds = (0..300).map(|_| world.run(stream(), add(1)));
    futures_util::future::join_all(adds).await;
    assert_eq!(read_all(&world).await, (1..=300).collect::<Vec<u64>>());
}

pub async fn a_gap_halts(world: World) {
    for _ in 0..5 {
        world.run(stream(), add(1)).await.unwrap();
    }
    world.raw().await.execute("DELETE FROM entry WHERE position = 3").await;
    assert_eq!(world.ledger.feed(0, 10).await.unwrap_err().reason, "FEED_GAP");
    assert_eq!(world.ledger.feed(3, 10).await.unwrap().len(), 2);
}

pub async fn a_rewound_ledger_halts(world: World) {
    for _ in 0..3 {
        world.run(stream(), add(1)).await.unwrap();
    }
    let last = world.ledger.feed(0, 10).await.unwrap().pop().unwrap();
    let cursor = Cursor { position: last.position, hash: last.hash, ..Cursor::START };
    assert!(world.ledger.feed_from(cursor, 10).await.unwrap().is_empty());
    let forged = Cursor { hash: yiwang_ledger::Hash([1; 32]), ..cursor };
    assert_eq!(world.ledger.feed_from(forged, 10).await.unwrap_err().reason, "FEED_REWOUND");
    world.raw().await.execute("UPDATE head SET epoch = 2").await;
    assert_eq!(world.ledger.feed_from(cursor, 10).await.unwrap_err().reason, "FEED_REWOUND");
}

/// Many follow: one of them asks the store, the others take what it found. Each finds all of it, in order.
pub async fn who_follows_finds_what_the_store_has(world: World) {
    let follow = |step: u32, until: u64| {
        let ledger = world.ledger.clone();
        async move {
            let (mut cursor, mut seen) = (Cursor::START, Vec::new());
            while cursor.position < until {
                let page = ledger.follow_from(cursor, step).await.unwrap();
                assert!(page.len() <= step as usize);
                seen.extend(page.iter().map(|entry| entry.position));
                match page.last() {
                    Some(last) => cursor = cursor.at(last),
                    None => tokio::task::yield_now().await,
                }
            }
            (cursor, seen)
        }
    };
    let writes = async {
        for _ in 0..300 {
            world.run(stream(), add(1)).await.unwrap();
        }
    };
    let followers = futures_util::future::join_all([1, 7, 64, 256].map(|step| follow(step, 300)));
    let ((), found) = tokio::join!(writes, followers);
    assert!(found.iter().all(|(_, seen)| *seen == (1..=300).collect::<Vec<u64>>()));
    // whoever comes late finds all of it, whatever is kept
    let (end, seen) = follow(50, 300).await;
    assert_eq!(seen.len(), 300);
    // what is kept is no answer for whoever has read another ledger, in its middle or at its end
    for position in [150, end.position] {
        follow(50, 300).await;
        let forged = Cursor { position, hash: yiwang_ledger::Hash([1; 32]), ..end };
        assert_eq!(world.ledger.follow_from(forged, 10).await.unwrap_err().reason, "FEED_REWOUND");
    }
    world.raw().await.execute("UPDATE head SET epoch = 2").await;
    assert_eq!(world.ledger.follow_from(end, 10).await.unwrap_err().reason, "FEED_REWOUND");
    let early = world.ledger.feed(0, 1).await.unwrap().pop().unwrap();
    assert_eq!(world.ledger.follow_from(Cursor::START.at(&early), 10).await.unwrap_err().reason, "FEED_REWOUND");
}

pub async fn a_reader_is_woken(world: World) {
    let seen = world.ledger.feed_wake(u64::MAX).await;
    let (woken, _) = tokio::join!(world.ledger.feed_wake(seen), world.run(stream(), add(1)));
    assert_ne!(woken, seen);
}

/// Other sessions hold transactions open, write into them and take them back, while two processes write.
pub async fn open_and_aborted_transactions_are_never_skipped_over(world: World) {
    let other = world.replica().await;
    let disturb = async {
        for round in 0..10 {
            let mut raw = world.raw().await;
            raw.execute("BEGIN; SELECT position FROM head FOR UPDATE; SELECT txid_current()").await;
            raw.execute(&format!("INSERT INTO entry SELECT position + 1, gen_random_uuid(), 1, 'x', '', '', {round}, '', '', '', '', '' FROM head")).await;
            tokio::time::sleep(Duration::from_millis(20)).await;
            raw.release().await;
        }
    };
    let writes = async {
        for _ in 0..30 {
            let adds =
                (0..10).map(|n| if n % 2 == 0 { world.run(stream(), add(1)) } else { other.run(stream(), add(1)) });
            assert!(futures_util::future::join_all(adds).await.iter().all(Result::is_ok));
        }
    };
    let reader = async {
        let mut seen = Vec::new();
        while seen.len() < 300 {
            let after = seen.last().copied().unwrap_or(0);
            seen.extend(world.ledger.feed(after, 50).await.unwrap().iter().map(|entry| entry.position));
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        seen
    };
    let ((), (), seen) = tokio::join!(disturb, writes, reader);
    assert_eq!(seen, (1..=300).collect::<Vec<u64>>());
}
