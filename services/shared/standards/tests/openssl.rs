//! The same answers as the `openssl` command line, both ways. Without `openssl` these tests fail: a standard that is
//! checked only against itself is not checked.

use std::{fs, path::Path, process::Command};

use tempfile::TempDir;
use yiwang_standards::sm::{HmacKey, PublicKey, Signature, SigningKey, Sm4Gcm, TAG_LEN, sm3, to_hex};

const ID: &str = "distid:1234567812345678";

/// Runs openssl in `dir`; what it prints, and whether it was content.
fn openssl(dir: &Path, args: &[&str]) -> (bool, String) {
    let run = Command::new("openssl").args(args).current_dir(dir).output();
    let run = run.unwrap_or_else(|error| panic!("install openssl (apt install openssl): {error}"));
    let text = [run.stdout, run.stderr].concat();
    (run.status.success(), String::from_utf8_lossy(&text).trim().to_owned())
}

fn must(dir: &Path, args: &[&str]) -> String {
    let (content, text) = openssl(dir, args);
    assert!(content, "openssl {args:?}: {text}");
    text
}

fn folder(files: &[(&str, &[u8])]) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    files.iter().for_each(|(name, bytes)| fs::write(dir.path().join(name), bytes).unwrap());
    dir
}

fn messages() -> Vec<Vec<u8>> {
    [0, 1, 55, 56, 63, 64, 65, 119, 128, 1000, 65_537]
        .map(|n| (0..n).map(|i: u32| (i * 7 + 3) as u8).collect())
        .to_vec()
}

#[test]
fn openssl_computes_the_same_sm3() {
    for message in messages() {
        let dir = folder(&[("m", &message)]);
        let theirs = must(dir.path(), &["dgst", "-sm3", "-r", "m"]);
        assert_eq!(theirs.split(' ').next(), Some(to_hex(&sm3(&message)).as_str()));
    }
}

#[test]
fn openssl_computes_the_same_hmac() {
    for key in [vec![1], vec![7; 64], vec![9; 100]] {
        let dir = folder(&[("m", b"13812341234")]);
        let option = format!("hexkey:{}", to_hex(&key));
        let theirs = must(dir.path(), &["dgst", "-sm3", "-mac", "HMAC", "-macopt", &option, "-r", "m"]);
        assert_eq!(theirs.split(' ').next(), Some(to_hex(&HmacKey::new(&key).mac(b"13812341234")).as_str()));
    }
}

#[test]
fn openssl_encrypts_the_same_in_the_counter_mode_inside_gcm() {
    let (key, nonce, text) = ([0x5a; 16], [0xc3; 12], b"name, number and phone of one subject".repeat(9));
    let dir = folder(&[("m", &text)]);
    let counter = format!("{}00000002", to_hex(&nonce));
    must(dir.path(), &["enc", "-sm4-ctr", "-K", &to_hex(&key), "-iv", &counter, "-in", "m", "-out", "c"]);
    let sealed = Sm4Gcm::new(&key).seal(&nonce, b"", &text);
    assert_eq!(fs::read(dir.path().join("c")).unwrap(), sealed[..sealed.len() - TAG_LEN]);
}

#[test]
fn openssl_verifies_what_we_sign() {
    for (seed, message) in messages().into_iter().enumerate() {
        let key = SigningKey::from_seed(&[seed as u8; 32]);
        let (pem, der) = (key.public_key().to_pem().unwrap(), key.sign(&message).unwrap().to_der());
        let dir = folder(&[("m", &message), ("pub", pem.as_bytes()), ("sig", &der)]);
        let verify = ["dgst", "-sm3", "-verify", "pub", "-sigopt", ID, "-signature", "sig", "m"];
        assert_eq!(must(dir.path(), &verify), "Verified OK");
    }
}

#[test]
fn openssl_refuses_our_signature_over_a_changed_byte() {
    let key = SigningKey::from_seed(&[1; 32]);
    let (pem, der) = (key.public_key().to_pem().unwrap(), key.sign(b"licence").unwrap().to_der());
    let dir = folder(&[("m", b"licencE"), ("pub", pem.as_bytes()), ("sig", &der)]);
    let (content, _) =
        openssl(dir.path(), &["dgst", "-sm3", "-verify", "pub", "-sigopt", ID, "-signature", "sig", "m"]);
    assert!(!content);
}

#[test]
fn we_verify_what_openssl_signs() {
    for message in messages() {
        let dir = folder(&[("m", &message)]);
        must(dir.path(), &["genpkey", "-algorithm", "SM2", "-out", "key"]);
        must(dir.path(), &["pkey", "-in", "key", "-pubout", "-out", "pub"]);
        must(dir.path(), &["dgst", "-sm3", "-sign", "key", "-sigopt", ID, "-out", "sig", "m"]);
        let public = PublicKey::from_pem(&fs::read_to_string(dir.path().join("pub")).unwrap()).unwrap();
        let signature = Signature::from_der(&fs::read(dir.path().join("sig")).unwrap()).unwrap();
        assert_eq!(public.verify(&message, &signature), Ok(()));
        assert!(public.verify(b"another message", &signature).is_err());
    }
}

#[test]
fn a_private_key_of_openssl_is_ours_and_ours_is_theirs() {
    let dir = folder(&[]);
    must(dir.path(), &["genpkey", "-algorithm", "SM2", "-out", "key"]);
    let key = SigningKey::from_pem(&fs::read_to_string(dir.path().join("key")).unwrap()).unwrap();
    let theirs = must(dir.path(), &["pkey", "-in", "key", "-pubout"]);
    assert_eq!(key.public_key().to_pem().unwrap().trim(), theirs);
    fs::write(dir.path().join("ours"), key.to_pem().unwrap().as_bytes()).unwrap();
    assert_eq!(must(dir.path(), &["pkey", "-in", "ours", "-pubout"]), theirs);
}
