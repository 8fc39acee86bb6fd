//! Backup and restore, in small: `just restore` rehearses the same with more load and says each step.
#![allow(missing_docs, clippy::unwrap_used)]

use std::path::Path;
use std::process::{Command, Output};

use serde_json::json;
use tempfile::TempDir;
use yiwang_tests::process::{Server, Start, binary};
use yiwang_tests::town::POSTGRES;

fn rehearse(only: &str) {
    let run = Command::new(env!("CARGO_BIN_EXE_restore")).args(["--only", only, "--accepted", "4"]).output().unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&run.stdout), String::from_utf8_lossy(&run.stderr));
    assert!(run.status.success() && said.contains("sound, 0 not"), "{said}");
}

#[test]
fn a_copy_taken_under_load_comes_back_whole() {
    rehearse("sqlite");
}

#[test]
fn a_named_point_in_the_archived_log_comes_back_whole() {
    if std::env::var_os(POSTGRES).is_none() {
        eprintln!("{POSTGRES} is not set: not rehearsed on PostgreSQL (tests/run sets it)");
        return;
    }
    rehearse("stopped");
}

fn yiwang(data: &Path, arguments: &[&str]) -> Output {
    let run = Command::new(binary().unwrap()).args(arguments).arg("--data").arg(data).output().unwrap();
    assert!(run.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&run.stderr));
    run
}

/// A restore brings the key of an erased person back: the list that was kept elsewhere takes it away again, everywhere.
#[tokio::test]
async fn whoever_was_erased_after_the_backup_is_erased_again() {
    let folder = TempDir::new().unwrap();
    let (data, copy, list) = (folder.path().join("data"), folder.path().join("copy"), folder.path().join("list"));
    let mut server = Server::start(&Start::sqlite(&data).unwrap()).await.unwrap();
    let erased = || yiwang(&data, &["erasures", "list"]).stdout;
    yiwang(&data, &["backup", "--to", copy.to_str().unwrap()]);
    let person = json!({
        "requestId": "erase", "documentKind": "DOCUMENT_KIND_RESIDENT_ID", "documentNumber": "511602198503120016",
        "reason": "本人申请删除（个人信息保护法第四十七条）",
    });
    let answer = server.api_as("admin").unwrap().post("/v1/ledgers/intake/subjects:erase", &person).await.unwrap();
    assert_eq!(answer.status, 200, "{answer:?}");
    server.kill().unwrap();
    std::fs::write(&list, erased()).unwrap();
    std::fs::remove_dir_all(&data).unwrap();
    std::fs::rename(&copy, &data).unwrap();
    assert_eq!(erased(), b"");
    for _ in 0..2 {
        yiwang(&data, &["erasures", "repeat", list.to_str().unwrap()]);
        assert_eq!(erased().split(|byte| *byte == b'\n').count(), 6, "once in each of five ledgers");
    }
}
