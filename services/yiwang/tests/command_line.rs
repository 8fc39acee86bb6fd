//! What an operator types, and what the binary answers.

use std::path::Path;
use std::process::{Command, Output};

use rstest::rstest;

/// Runs the binary on a data folder, in no other environment than the one given.
fn yiwang(data: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_yiwang"));
    for (key, _) in std::env::vars().filter(|(key, _)| key.starts_with("YIWANG__")) {
        command.env_remove(key);
    }
    command.args(arguments).arg("--data").arg(data).envs(environment.iter().copied()).output().unwrap()
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[test]
fn the_configuration_in_force_is_printed_without_secrets() {
    let dir = tempfile::tempdir().unwrap();
    let url = ("YIWANG__INTAKE__DATABASE_URL", "postgres://yi:planted@db/yiwang");
    let output = yiwang(dir.path(), &["config"], &[url]);
    assert!(output.status.success() && !said(&output).contains("planted"), "{}", said(&output));
    assert!(said(&output).contains(r#"intake.database_url = "postgres://yi:***@db/yiwang""#), "{}", said(&output));
}

#[rstest]
#[case::unknown_key(&["config"], &[("YIWANG__INTAKE__DATABSE_URL", "x")], "`intake.databse_url`")]
#[case::unknown_service(&["serve", "nothing"], &[], "no service is called nothing")]
#[case::unknown_account(&["token", "--as", "nobody"], &[], "王晓燕 clerk")]
#[case::nothing_to_verify(&["verify"], &[], "there is no ledger")]
#[case::address(&["up", "--listen", "nowhere"], &[], "cannot listen on nowhere")]
#[case::production(&["up"], &[("YIWANG__MODE", "production")], "production needs `identity.jwks`")]
#[case::demo_elsewhere(&["demo", "--exit", "--database-url", "postgres://db/yiwang"], &[], "keeps to SQLite")]
#[case::nothing_to_copy(&["backup", "--to", "/tmp/yiwang-none"], &[], "there is no ledger")]
#[case::postgres(&["backup", "--to", "/tmp/yiwang-none"], &[("YIWANG__DATABASE_URL", "postgres://db/x")], "is on PostgreSQL")]
#[case::no_time(&["orphans", "--since", "yesterday"], &[], "RFC 3339")]
#[case::nothing_restored(&["restored", "--reason", "x"], &[], "there is no ledger")]
#[case::no_year(&["calendar", "import", "/dev/null"], &[], "/dev/null")]
fn what_cannot_be_done_is_said_with_its_reason(
    #[case] arguments: &[&str],
    #[case] environment: &[(&str, &str)],
    #[case] expected: &str,
) {
    let dir = tempfile::tempdir().unwrap();
    let output = yiwang(dir.path(), arguments, environment);
    assert!(!output.status.success() && said(&output).contains(expected), "{}", said(&output));
}

#[rstest]
#[case(&["token", "--as", "clerk"])]
#[case(&["demo", "--exit"])]
fn production_has_no_demonstration_accounts(#[case] arguments: &[&str]) {
    let dir = tempfile::tempdir().unwrap();
    let key = dir.path().join("key");
    std::fs::write(&key, "00").unwrap();
    let key = key.to_str().unwrap();
    let production = [
        ("YIWANG__MODE", "production"),
        ("YIWANG__IDENTITY__JWKS", "people.json"),
        ("YIWANG__IDENTITY__SERVICE_JWKS", "services.json"),
        ("YIWANG__IDENTITY__SERVICE_KEY_FILE", key),
        ("YIWANG__SECURITY__WRAPPING_KEY_FILE", key),
        ("YIWANG__SECURITY__LOOKUP_KEY_FILE", key),
        ("YIWANG__SECURITY__SEAL_KEY_FILE", key),
        ("YIWANG__DOCUMENTS__PUBLIC_URL", "https://zwfw.yiwang.example"),
    ];
    let output = yiwang(dir.path(), arguments, &production);
    assert!(!output.status.success() && said(&output).contains("生产模式不签发演示账号的凭证"), "{}", said(&output));
}

#[test]
fn a_token_is_printed_alone() {
    let dir = tempfile::tempdir().unwrap();
    let first = yiwang(dir.path(), &["token", "--as", "clerk"], &[]);
    assert!(String::from_utf8(first.stderr).unwrap().contains("--data"), "the folder is new");
    let output = yiwang(dir.path(), &["token", "--as", "clerk"], &[]);
    let token = String::from_utf8(output.stdout).unwrap();
    assert_eq!((token.trim().matches('.').count(), token.lines().count(), output.stderr.len()), (2, 1, 0));
}

#[test]
fn who_verifies_makes_no_ledger() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("trading")).unwrap();
    let output = yiwang(dir.path(), &["verify"], &[]);
    assert!(!output.status.success() && said(&output).contains("NOT_MIGRATED"), "{}", said(&output));
    assert_eq!(std::fs::read_dir(dir.path().join("trading")).unwrap().count(), 0);
}

#[test]
fn ledgers_are_made_and_verified() {
    let dir = tempfile::tempdir().unwrap();
    assert!(yiwang(dir.path(), &["migrate", "trading"], &[]).status.success());
    let output = yiwang(dir.path(), &["verify", "--json"], &[]);
    let line: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let sound = serde_json::json!({"service": "trading", "entries": 0, "archived": 0, "streams": 0, "problems": []});
    assert_eq!(line, sound);
    let archive = |before: &str| {
        let to = dir.path().join("archive");
        yiwang(dir.path(), &["archive", "out", "--before", before, "--to", to.to_str().unwrap()], &[])
    };
    assert!(archive("2020-01-01").status.success());
    assert!(said(&archive("2999-01-01")).contains("ARCHIVE_TOO_RECENT"));
}

#[test]
fn a_backup_is_a_folder_that_was_not_there_and_is_whole() {
    let (dir, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    assert!(yiwang(dir.path(), &["migrate"], &[]).status.success());
    let to = elsewhere.path().join("copy");
    let backup = |to: &Path| yiwang(dir.path(), &["backup", "--to", to.to_str().unwrap()], &[]);
    assert!(backup(&to).status.success());
    assert!(yiwang(&to, &["verify"], &[]).status.success());
    for (to, expected) in [(to, "there already"), (dir.path().join("copy"), "inside the data folder")] {
        let output = backup(&to);
        assert!(!output.status.success() && said(&output).contains(expected), "{}", said(&output));
    }
    assert!(!dir.path().join("copy.partial").exists());
}

#[test]
fn a_restored_ledger_begins_an_epoch_and_is_rebuilt_from_its_entries() {
    let dir = tempfile::tempdir().unwrap();
    assert!(yiwang(dir.path(), &["migrate", "trading"], &[]).status.success());
    let restored = yiwang(dir.path(), &["restored", "--reason", "a disk was lost"], &[]);
    assert!(said(&restored).contains("trading: 新纪元 · epoch 2, 位置 · position 1"), "{}", said(&restored));
    let rebuilt = yiwang(dir.path(), &["rebuild"], &[]);
    assert!(said(&rebuilt).contains("1 个对象已重建"), "{}", said(&rebuilt));
    assert!(yiwang(dir.path(), &["verify"], &[]).status.success());
}

#[test]
fn anybody_can_look_at_a_document_of_every_kind() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("samples");
    let output = yiwang(&dir.path().join("data"), &["documents", "samples", "--out", out.to_str().unwrap()], &[]);
    assert!(output.status.success() && said(&output).contains("30 samples"), "{}", said(&output));
    let files: Vec<_> = std::fs::read_dir(&out).unwrap().map(|file| file.unwrap().path()).collect();
    assert!(files.len() == 30 && files.iter().all(|file| std::fs::read(file).unwrap().starts_with(b"%PDF-")));
    assert!(out.join("CN-告知承诺书-大字版.pdf").exists());
}
