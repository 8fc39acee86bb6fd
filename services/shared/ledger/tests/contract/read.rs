//! Reads and lists: what one may list is what one may read.

use std::collections::BTreeSet;

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use yiwang_ledger::{Audiences, ListQuery, Personal, StreamId};

use crate::world::{Jar, JarEvent, World, add, event, label, stream};

fn owner(world: &World, n: u64) -> JarEvent {
    let subject = world.ledger.vault().lookup("111", &n.to_string());
    JarEvent::Opened { name: Some(Personal::new(&subject, "name", "x")), owner: Some(subject) }
}

fn query(page_size: u32, page_token: &str) -> ListQuery {
    ListQuery { page_size, page_token: page_token.to_owned(), ..ListQuery::default() }
}

async fn list_all(world: &World, mut query: ListQuery, audiences: &Audiences) -> Vec<StreamId> {
    let mut streams = Vec::new();
    loop {
        let page = world.ledger.list::<Jar>(&query, audiences).await.unwrap();
        streams.extend(page.items.iter().map(|read| read.stream));
        query.page_token = page.next_page_token;
        if query.page_token.is_empty() {
            return streams;
        }
    }
}

async fn jars(world: &World, count: u64) -> Vec<StreamId> {
    let streams: Vec<_> = (0..count).map(|_| stream()).collect();
    let opening = streams.iter().zip(0..).map(|(jar, n)| world.run(*jar, event(owner(world, n % 7))));
    futures_util::future::join_all(opening).await;
    streams
}

pub async fn a_list_shows_what_single_reads_would(world: World) {
    let jars = jars(&world, 60).await;
    for n in 0..7 {
        let who = Audiences::of([world.ledger.vault().lookup("111", &n.to_string()).audience()]);
        let mut readable = BTreeSet::new();
        for jar in &jars {
            if world.ledger.get::<Jar>(*jar, &who).await.unwrap().is_some() {
                readable.insert(*jar);
            }
        }
        assert_eq!(list_all(&world, query(4, ""), &who).await.into_iter().collect::<BTreeSet<_>>(), readable);
        assert!(!readable.is_empty() && readable.len() < 60);
    }
}

pub async fn what_is_read_is_never_older_than_the_store(world: World) {
    let jar = stream();
    for total in 1..5 {
        world.run(jar, add(1)).await.unwrap();
        // read twice: what was kept of the first reading is shown only if it is still so
        assert_eq!((world.jar(jar).await.total, world.jar(jar).await.total), (total, total));
    }
}

/// What a list shows was read with it, or is kept; neither way it shows what has changed since.
pub async fn a_list_shows_what_is_kept_only_as_it_stands(world: World) {
    let jar = stream();
    world.run(jar, add(1)).await.unwrap();
    let even = ListQuery { filters: vec![("parity", "even".to_owned())], ..query(10, "") };
    let totals = |query: ListQuery| {
        let ledger = world.ledger.clone();
        async move {
            let everybody = Audiences::of(["org:1".to_owned()]);
            let page = ledger.list::<Jar>(&query, &everybody).await.unwrap();
            page.items.iter().map(|read| read.state.total).collect::<Vec<_>>()
        }
    };
    for total in 1..5 {
        let fits = if total % 2 == 0 { vec![total] } else { Vec::new() };
        assert_eq!((totals(query(10, "")).await, totals(query(10, "")).await), (vec![total], vec![total]));
        assert_eq!((totals(even.clone()).await, totals(even.clone()).await), (fits.clone(), fits));
        world.run(jar, add(1)).await.unwrap();
    }
}

/// Whoever read gives up while the store is asked; the connection is not used again, and the others go on.
pub async fn who_gives_up_a_reading_holds_up_nobody(world: World) {
    jars(&world, 30).await;
    for turn in 0..40 {
        let (query, everybody) = (query(10, ""), Audiences::all());
        let reading = world.ledger.list::<Jar>(&query, &everybody);
        let _ = tokio::time::timeout(std::time::Duration::from_micros(50 * turn), reading).await;
    }
    let everybody = Audiences::all();
    let lists = (0..20).map(|_| list_all(&world, query(10, ""), &everybody));
    let listed = futures_util::future::join_all(lists).await;
    assert!(listed.iter().all(|streams| streams.len() == 30 && *streams == listed[0]));
}

pub async fn pages_neither_skip_nor_repeat(world: World) {
    let jars: BTreeSet<_> = jars(&world, 55).await.into_iter().collect();
    for audiences in
        [Audiences::all(), Audiences::of(["org:1".to_owned(), world.ledger.vault().lookup("111", "1").audience()])]
    {
        let listed = list_all(&world, query(10, ""), &audiences).await;
        assert_eq!((listed.len(), listed.into_iter().collect::<BTreeSet<_>>()), (55, jars.clone()));
    }
    assert!(list_all(&world, query(10, ""), &Audiences::of([])).await.is_empty());
}

pub async fn a_foreign_page_token_is_refused(world: World) {
    jars(&world, 5).await;
    let everybody = Audiences::of(["org:1".to_owned()]);
    let token = world.ledger.list::<Jar>(&query(2, ""), &everybody).await.unwrap().next_page_token;
    for (token, audiences) in
        [(token.as_str(), Audiences::all()), ("nonsense!", everybody.clone()), ("AAAA", everybody)]
    {
        let refusal = world.ledger.list::<Jar>(&query(2, token), &audiences).await.unwrap_err();
        assert_eq!(refusal.reason, "PAGE_TOKEN_INVALID");
    }
}

pub async fn a_page_token_changed_by_hand_is_refused(world: World) {
    jars(&world, 5).await;
    let everybody = Audiences::of(["org:1".to_owned()]);
    let token = world.ledger.list::<Jar>(&query(2, ""), &everybody).await.unwrap().next_page_token;
    let mut bytes = BASE64_URL_SAFE_NO_PAD.decode(token).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    let token = BASE64_URL_SAFE_NO_PAD.encode(bytes);
    let refusal = world.ledger.list::<Jar>(&query(2, &token), &everybody).await.unwrap_err();
    assert_eq!(refusal.reason, "PAGE_TOKEN_INVALID");
}

/// PostgreSQL cannot even be asked for U+0000: on both engines there is simply nothing.
pub async fn what_cannot_be_stored_is_not_found(world: World) {
    jars(&world, 2).await;
    let zero = "\0".to_owned();
    let filtered = ListQuery { filters: vec![("parity", zero.clone())], ..query(2, "") };
    assert!(world.ledger.list::<Jar>(&filtered, &Audiences::all()).await.unwrap().items.is_empty());
    assert!(world.ledger.find::<Jar>("LABEL_TAKEN", &zero, &Audiences::all()).await.unwrap().is_none());
    let hits = world.ledger.search::<Jar>("word", std::slice::from_ref(&zero), &[], &Audiences::all(), 5).await;
    assert!(hits.unwrap().is_empty());
    let filters = [("parity", zero)];
    let hits = world.ledger.search::<Jar>("word", &["tea".to_owned()], &filters, &Audiences::all(), 5).await;
    assert!(hits.unwrap().is_empty());
}

pub async fn a_page_size_out_of_range_is_refused(world: World) {
    assert_eq!(
        world.ledger.list::<Jar>(&query(201, ""), &Audiences::all()).await.unwrap_err().reason,
        "PAGE_SIZE_INVALID"
    );
    assert!(world.ledger.list::<Jar>(&query(200, ""), &Audiences::all()).await.is_ok());
}

pub async fn filters_narrow_a_list(world: World) {
    let jars = jars(&world, 9).await;
    world.run(jars[3], add(1)).await.unwrap();
    let odd = ListQuery { filters: vec![("parity", "odd".to_owned())], ..query(2, "") };
    assert_eq!(list_all(&world, odd.clone(), &Audiences::all()).await, vec![jars[3]]);
    world.run(jars[3], add(1)).await.unwrap();
    assert!(list_all(&world, odd, &Audiences::all()).await.is_empty());
}

/// The shorter of an audience's list and a filter's is walked: the answer is what both hold, whichever that was.
pub async fn which_list_is_walked_does_not_show(world: World) {
    let jars = jars(&world, 40).await;
    for jar in jars.iter().step_by(3) {
        world.run(*jar, add(1)).await.unwrap();
    }
    let owned = |n: u64| Audiences::of([world.ledger.vault().lookup("111", &n.to_string()).audience()]);
    for parity in ["odd", "even"] {
        for audiences in [owned(0), owned(3), Audiences::of(["org:1".to_owned()]), Audiences::all()] {
            let mut both = BTreeSet::new();
            for jar in &jars {
                let read = world.ledger.get::<Jar>(*jar, &audiences).await.unwrap();
                both.extend(read.filter(|read| (read.state.total % 2 == 1) == (parity == "odd")).map(|_| *jar));
            }
            for filters in [vec![("parity", parity.to_owned())], vec![("parity", parity.to_owned()); 2]] {
                let query = ListQuery { filters, ..query(2, "") };
                assert_eq!(list_all(&world, query, &audiences).await.into_iter().collect::<BTreeSet<_>>(), both);
            }
            assert!(!both.is_empty());
        }
    }
}

/// Upper case before lower case before Chinese, whatever the locale of the database.
pub async fn lists_sort_by_bytes(world: World) {
    for name in ["b", "Z", "张", "a", "_"] {
        world.run(stream(), label(name)).await.unwrap();
    }
    let mut names = Vec::new();
    // page by page: within a page the ledger sorts for itself
    for jar in list_all(&world, query(1, ""), &Audiences::all()).await {
        names.push(world.jar(jar).await.label.unwrap());
    }
    assert_eq!(names, ["Z", "_", "a", "b", "张"]);
}

pub async fn a_search_prefers_rare_words(world: World) {
    let words = |list: &[&str]| event(JarEvent::Worded { words: list.iter().map(|word| (*word).to_owned()).collect() });
    let (common, rare) = (stream(), stream());
    for _ in 0..5 {
        world.run(stream(), words(&["许可"])).await.unwrap();
    }
    world.run(common, words(&["许可", "变更"])).await.unwrap();
    world.run(rare, words(&["许可", "招牌"])).await.unwrap();
    let wanted = ["许可".to_owned(), "招牌".to_owned()];
    let hits = world.ledger.search::<Jar>("word", &wanted, &[], &Audiences::all(), 3).await.unwrap();
    assert_eq!((hits.len(), hits[0].read.stream), (3, rare));
    assert!(hits[0].score > hits[1].score);
}

pub async fn a_record_is_found_by_its_key(world: World) {
    let jar = stream();
    world.run(jar, label("honey")).await.unwrap();
    let found = |audiences: Audiences| {
        let ledger = world.ledger.clone();
        async move { ledger.find::<Jar>("LABEL_TAKEN", "honey", &audiences).await.unwrap().map(|read| read.stream) }
    };
    assert_eq!(found(Audiences::all()).await, Some(jar));
    assert_eq!(found(Audiences::of(["person:nobody".to_owned()])).await, None);
}

/// What was found once is a guess from then on, and no answer.
pub async fn a_key_that_has_moved_is_found_where_it_is(world: World) {
    let (first, second) = (stream(), stream());
    let found = || async {
        let read = world.ledger.find::<Jar>("LABEL_TAKEN", "honey", &Audiences::all()).await.unwrap();
        read.map(|read| read.stream)
    };
    assert_eq!(found().await, None);
    for (holder, other) in [(first, second), (second, first), (first, second)] {
        world.run(holder, label("honey")).await.unwrap();
        assert_eq!((found().await, found().await), (Some(holder), Some(holder)));
        world.run(holder, event(JarEvent::Labelled { label: None })).await.unwrap();
        assert_eq!(found().await, None);
        world.run(other, label("honey")).await.unwrap();
        assert_eq!(found().await, Some(other));
        world.run(other, label("jam")).await.unwrap();
    }
}

/// Relays ask for one entry's state one after another; each gets that of the entry, whatever was kept of another.
pub async fn what_is_kept_of_then_is_that_of_its_version(world: World) {
    let jar = stream();
    for _ in 0..6 {
        world.run(jar, add(1)).await.unwrap();
    }
    for version in [3, 6, 1, 3, 5, 1, 6] {
        let then = world.ledger.state_at::<Jar>(jar, version).await.unwrap().unwrap();
        assert_eq!((then.version, then.state.total), (version, version as i64));
    }
    assert!(world.ledger.state_at::<Jar>(jar, 7).await.unwrap().is_none());
}

/// A long history is not folded from its beginning where a stored state stands nearer.
pub async fn a_state_of_then_is_read_from_the_stored_one_where_that_is_no_younger(world: World) {
    let jar = stream();
    world.run(jar, event(JarEvent::Loaded { ballast: "x".repeat(20_000) })).await.unwrap();
    for _ in 0..5 {
        world.run(jar, add(1)).await.unwrap();
    }
    world.raw().await.set_bytes("UPDATE entry SET body = $1 WHERE stream = $2 AND version = 1", b"{}", jar).await;
    let at = async |version| world.ledger.state_at::<Jar>(jar, version).await.unwrap();
    let total = async |version| at(version).await.unwrap().state.total;
    assert_eq!((total(3).await, total(5).await, at(2).await.unwrap().state.ballast.len()), (2, 4, 20_000));
    assert!(at(0).await.is_none() && at(7).await.is_none());
}

pub async fn a_stream_of_another_kind_is_not_found(world: World) {
    let jar = stream();
    world.run(jar, add(1)).await.unwrap();
    let other = world.ledger.get::<yiwang_ledger::AccessLog>(jar, &Audiences::all()).await.unwrap();
    assert!(other.is_none());
}
