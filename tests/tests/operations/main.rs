//! What operators meet, as `just upgrade` and `just faults` bring it about: those of it that are quick enough for every day.
#![allow(missing_docs, clippy::unwrap_used)]

use std::process::Command;

use rstest::rstest;
use yiwang_tests::town::POSTGRES;

/// Runs one of the programs; what it printed, where it ended well.
fn run(program: &str, arguments: &[&str]) {
    if std::env::var(POSTGRES).is_err() {
        eprintln!("{POSTGRES} is not set: not run (tests/run sets it)");
        return;
    }
    let run = Command::new(program).args(arguments).output().unwrap();
    let said = [run.stdout, run.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    assert!(run.status.success(), "{said}");
}

#[test]
fn replicas_are_replaced_across_a_migration_and_no_call_fails() {
    run(env!("CARGO_BIN_EXE_upgrade"), &["--side-by-side"]);
}

#[test]
fn a_process_binds_then_migrates_then_serves_and_leaves_in_that_order_backwards() {
    run(env!("CARGO_BIN_EXE_upgrade"), &["--one-life"]);
}

#[rstest]
#[case("postgres")]
#[case("failover-async")]
#[case("pool")]
#[case("network-cut")]
#[case("fsync-off")]
fn a_fault_ends_as_it_should(#[case] name: &str) {
    run(env!("CARGO_BIN_EXE_faults"), &[name]);
}
