//! `just bad-input`: what bad input gets. One server, one table: each case is a request as a careless or hostile client would
//! send it, with the status and the reason that it must get; nothing may end in an error of ours (5xx).
//!
//! The table is printed as made.

#![expect(clippy::print_stdout, reason = "the table is what a person asks this test for")]

mod bodies;
mod identity;
mod parties;
mod phases;
mod places;
mod processes;
mod table;
mod uploads;
mod world;

use table::Table;
use world::World;

#[tokio::test(flavor = "multi_thread")]
async fn bad_input_gets_a_reason_and_never_an_error_of_ours() -> anyhow::Result<()> {
    let world = World::start().await?;
    let mut table = Table::default();
    let asked = parties::ask(&world, &mut table).await;
    table.whole("parties", asked);
    let asked = bodies::ask(&world, &mut table).await;
    table.whole("bodies", asked);
    let asked = identity::ask(&world, &mut table).await;
    table.whole("identity", asked);
    let asked = places::ask(&world, &mut table).await;
    table.whole("places", asked);
    let asked = phases::ask(&world, &mut table).await;
    table.whole("phases", asked);
    let asked = uploads::ask(&world, &mut table).await;
    table.whole("uploads", asked);
    let asked = processes::ask(&world, &mut table).await;
    table.whole("processes", asked);
    println!("{table}");
    assert!(table.len() >= 40, "{} cases", table.len());
    assert_eq!(table.unlike(), Vec::<String>::new());
    Ok(())
}
