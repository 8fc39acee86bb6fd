//! What is published follows its item.

use yiwang_intake::answer::{Answer, Event, Published, Standing, Subject, decide};
use yiwang_intake::application::Actor;
use yiwang_intake::catalogue::{Cancellation, Edition, Item, Standing as ItemStanding};
use yiwang_ledger::{Aggregate as _, Meta, StreamId, Timestamp};

fn day(day: u32) -> chrono::NaiveDate {
    chrono::NaiveDate::from_ymd_opt(2026, 3, day).expect("a day")
}

fn item(edition: u64) -> Item {
    let mut item = Item { standing: ItemStanding::InForce, ..Item::default() };
    item.facts.code = "511A".into();
    item.editions.push(Edition { version: edition, from: day(1), until: None });
    item
}

fn published(edition: u64) -> Answer {
    let text = Published { item: Some(Subject::of(&item(edition))), ..Published::default() };
    let question = StreamId::named("question", "例");
    let event = decide::publish(&Answer::default(), question, &text, &Actor::system()).expect("published").remove(0);
    let mut answer = Answer::default();
    answer.evolve(&event, &Meta { at: Timestamp(0), actor: String::new(), version: 1 });
    answer
}

#[test]
fn an_item_that_stayed_leaves_its_answers_alone() {
    assert_eq!(decide::follow(&published(3), &item(3), day(2)).expect("decided"), []);
    let mut other = item(4);
    other.facts.code = "511B".into();
    assert_eq!(decide::follow(&published(3), &other, day(2)).expect("decided"), []);
}

#[test]
fn a_new_version_and_an_end_make_an_answer_stale_once() {
    let stale = |answer: &Answer, item: &Item, on| decide::follow(answer, item, on).expect("decided");
    let mut answer = published(3);
    assert!(matches!(stale(&answer, &item(4), day(2)).as_slice(), [Event::AnswerWentStale { .. }]));
    let mut ended = item(3);
    let effective = day(10);
    ended.standing =
        ItemStanding::Cancelled(Cancellation { effective, reason: "例".into(), successor: None, in_effect: false });
    assert!(stale(&answer, &ended, day(9)).is_empty());
    assert_eq!(stale(&answer, &ended, day(10)).len(), 1);
    answer.standing = Standing::Stale { reason: "例".into() };
    assert!(stale(&answer, &item(5), day(2)).is_empty());
}
