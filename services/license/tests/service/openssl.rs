//! What we sign, a tool that is not ours verifies.

use std::path::Path;
use std::process::{Command, Output};

use crate::house::Engine::Sqlite;
use crate::world::World;
use yiwang_license::license::payload;
use yiwang_proto::license::v1 as pb;

fn openssl(folder: &Path) -> Output {
    let arguments =
        ["dgst", "-sm3", "-verify", "issuer.pem", "-sigopt", "distid:1234567812345678", "-signature", "licence.sig"];
    let run = Command::new("openssl").current_dir(folder).args(arguments).arg("licence.json").output();
    run.unwrap_or_else(|error| panic!("install openssl (apt install openssl): {error}"))
}

#[tokio::test]
async fn openssl_verifies_a_licence_and_notices_a_changed_byte() {
    let world = World::on(Sqlite).await.unwrap();
    let license = world.issued().await;
    let folder = tempfile::tempdir().unwrap();
    let ask = pb::GetSigningKeyRequest { key_id: license.key_id.clone() };
    let key = world.anybody().get_signing_key(ask).await.unwrap().into_inner();
    std::fs::write(folder.path().join("issuer.pem"), key.public_key_pem).unwrap();
    std::fs::write(folder.path().join("licence.json"), &license.payload).unwrap();
    std::fs::write(folder.path().join("licence.sig"), &license.signature).unwrap();
    let output = openssl(folder.path());
    assert!(output.status.success() && output.stdout.starts_with(b"Verified OK"), "{output:?}");
    let mut changed = license.payload.to_vec();
    changed[20] ^= 1;
    std::fs::write(folder.path().join("licence.json"), changed).unwrap();
    assert!(!openssl(folder.path()).status.success());
}

#[tokio::test]
async fn the_bytes_are_canonical_and_name_their_licence() {
    let world = World::on(Sqlite).await.unwrap();
    let license = world.issued().await;
    let value: serde_json::Value = serde_json::from_slice(&license.payload).unwrap();
    assert_eq!(serde_json_canonicalizer::to_vec(&value).unwrap(), license.payload);
    assert_eq!(payload::identifier(&license.payload).unwrap(), license.identifier);
}
