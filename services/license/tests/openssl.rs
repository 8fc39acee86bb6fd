//! What we sign, a tool that is not ours verifies.

#[path = "../../shared/kit/tests/house/mod.rs"]
mod house;
mod world;

use std::path::Path;
use std::process::{Command, Output};

use house::Engine::Sqlite;
use world::World;
use yiwang_license::license::payload;

/// `None` where there is no openssl.
fn openssl(folder: &Path) -> Option<Output> {
    let arguments =
        ["dgst", "-sm3", "-verify", "issuer.pem", "-sigopt", "distid:1234567812345678", "-signature", "licence.sig"];
    Command::new("openssl").current_dir(folder).args(arguments).arg("licence.json").output().ok()
}

#[tokio::test]
async fn openssl_verifies_a_licence_and_notices_a_changed_byte() {
    let world = World::on(Sqlite).await.unwrap();
    let license = world.issued().await;
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(world.house.process.config.data_dir.join("license/issuer.pem"), folder.path().join("issuer.pem"))
        .unwrap();
    std::fs::write(folder.path().join("licence.json"), &license.payload).unwrap();
    std::fs::write(folder.path().join("licence.sig"), &license.signature).unwrap();
    let Some(output) = openssl(folder.path()) else { return };
    assert!(output.status.success() && output.stdout.starts_with(b"Verified OK"), "{output:?}");
    let mut changed = license.payload.to_vec();
    changed[20] ^= 1;
    std::fs::write(folder.path().join("licence.json"), changed).unwrap();
    assert!(!openssl(folder.path()).unwrap().status.success());
}

#[tokio::test]
async fn the_bytes_are_canonical_and_name_their_licence() {
    let world = World::on(Sqlite).await.unwrap();
    let license = world.issued().await;
    let value: serde_json::Value = serde_json::from_slice(&license.payload).unwrap();
    assert_eq!(serde_json_canonicalizer::to_vec(&value).unwrap(), license.payload);
    assert_eq!(payload::identifier(&license.payload).unwrap(), license.identifier);
}
