//! The demonstration, told to its end: what it prints, what it leaves behind, and what it keeps away from.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

/// `yiwang demo --json` in a folder, in an environment that says nothing.
fn demo(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_yiwang"));
    command.env_clear().current_dir(folder).args(["demo", "--json"]).args(arguments);
    command
}

/// What it printed, an object a line; it must have ended well.
fn told(mut command: Command) -> Vec<Value> {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}"))).collect()
}

/// Whether openssl finds the licence to be what its issuer signed.
fn openssl_verifies(folder: &Path) -> bool {
    let arguments =
        ["dgst", "-sm3", "-verify", "issuer.pem", "-sigopt", "distid:1234567812345678", "-signature", "licence.sig"];
    let run = Command::new("openssl").current_dir(folder).args(arguments).arg("licence.json").output();
    run.unwrap_or_else(|error| panic!("install openssl (apt install openssl): {error}")).stdout == b"Verified OK\n"
}

#[test]
fn the_story_ends_with_its_totals_and_a_licence_that_openssl_verifies() {
    let folder = tempfile::tempdir().unwrap();
    let lines = told(demo(folder.path(), &["--exit", "--out", "out"]));
    let (last, steps) = lines.split_last().unwrap();
    let totals = json!({
        "steps": steps.len(), "applications": 2, "cases": 2, "licenses": 2, "pendingEvaluations": 0, "complete": true,
    });
    assert_eq!(last, &json!({"totals": totals}));
    assert!((1..).zip(steps).all(|(number, step): (usize, _)| step["step"] == number), "{steps:?}");
    let out = folder.path().join("out");
    assert!(openssl_verifies(&out));
    let mut licence = std::fs::read(out.join("licence.json")).unwrap();
    licence[20] ^= 1;
    std::fs::write(out.join("licence.json"), licence).unwrap();
    assert!(!openssl_verifies(&out), "a changed byte");
}

#[test]
fn one_submission_opens_a_restaurant_in_several_departments() {
    let folder = tempfile::tempdir().unwrap();
    let lines = told(demo(folder.path(), &["--exit", "--story", "theme", "--out", "out"]));
    let totals = json!({
        "steps": lines.len() - 1, "submissions": 1, "members": 4, "granted": 3, "refused": 1, "handedOut": 3,
    });
    assert_eq!(lines.last().unwrap(), &json!({"totals": totals}));
    assert!(openssl_verifies(&folder.path().join("out")));
}

#[test]
fn what_was_told_between_the_services_has_no_orphans() {
    let folder = tempfile::tempdir().unwrap();
    told(demo(folder.path(), &["--exit", "--data", "kept"]));
    let mut orphans = Command::new(env!("CARGO_BIN_EXE_yiwang"));
    let output = orphans.env_clear().current_dir(folder.path()).args(["orphans", "--data", "kept"]).output().unwrap();
    assert!(output.status.success() && output.stdout.is_empty(), "{output:?}");
}

#[test]
fn the_totals_are_the_last_line_where_the_server_stays() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = demo(folder.path(), &[]).stdout(Stdio::piped()).spawn().unwrap();
    let (mut stdout, mut line) = (BufReader::new(child.stdout.take().unwrap()), String::new());
    while !line.starts_with("{\"totals\"") {
        line.clear();
        assert_ne!(stdout.read_line(&mut line).unwrap(), 0, "ended without its totals");
    }
    assert!(child.try_wait().unwrap().is_none(), "it stays");
    Command::new("sh").args(["-c", &format!("kill -TERM {}", child.id())]).status().unwrap();
    let mut rest = String::new();
    stdout.read_to_string(&mut rest).unwrap();
    assert_eq!((rest.as_str(), child.wait().unwrap().success()), ("", true));
}

/// Nobody answers at these addresses: whoever asked one would fail.
#[test]
fn no_database_of_another_installation_hears_the_story() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("yiwang-data")).unwrap();
    let file = "database_url = \"postgres://127.0.0.1:1/none\"\n[security]\nseal_key_file = \"none.pem\"\n";
    std::fs::write(folder.path().join("yiwang-data/yiwang.toml"), file).unwrap();
    let mut command = demo(folder.path(), &["--exit"]);
    command.env("YIWANG__TRADING__DATABASE_URL", "postgres://127.0.0.1:1/none");
    assert!(told(command).last().unwrap()["totals"].is_object());
    let kept: Vec<_> = std::fs::read_dir(folder.path().join("yiwang-data")).unwrap().collect();
    assert_eq!(kept.len(), 1, "nothing beside the file: {kept:?}");
}
