//! SM2, SM3 and SM4 against the standards' own numbers, and what must not pass.

use proptest::prelude::*;
use serde_json::Value;
use yiwang_standards::sm::{
    HmacKey, PublicKey, SealSigner, Signature, SigningKey, Sm3, Sm4Gcm, SmError, from_hex, hmac_sm3, sm3, sm3_parts,
    to_hex,
};

fn vectors(name: &str) -> Vec<Value> {
    let all: Value = serde_json::from_str(include_str!("vectors/sm.json")).unwrap();
    all[name].as_array().unwrap().clone()
}

fn bytes(value: &Value) -> Vec<u8> {
    from_hex(value.as_str().unwrap()).unwrap()
}

fn array<const N: usize>(hex: &str) -> [u8; N] {
    from_hex(hex).unwrap().try_into().unwrap()
}

fn standard_key() -> (SigningKey, Value) {
    let vector = vectors("sm2_sign").remove(0);
    (SigningKey::from_scalar(&bytes(&vector["d"]).try_into().unwrap()).unwrap(), vector)
}

#[test]
fn every_sm3_vector_comes_out() {
    for vector in vectors("sm3") {
        let message = vector["msg_utf8"].as_str().unwrap().as_bytes();
        assert_eq!(to_hex(&sm3(message)), vector["digest"].as_str().unwrap());
    }
}

#[test]
fn the_public_key_of_the_vector_comes_from_its_private_number() {
    let (key, vector) = standard_key();
    let expected = [vec![4], bytes(&vector["px"]), bytes(&vector["py"])].concat();
    assert_eq!(key.public_key().to_sec1().to_vec(), expected);
}

#[test]
fn the_identity_hash_and_the_digest_of_the_vector_come_out() {
    let (key, vector) = standard_key();
    let message = vector["msg_utf8"].as_str().unwrap().as_bytes();
    assert_eq!(key.public_key().z().to_vec(), bytes(&vector["z"]));
    assert_eq!(key.public_key().digest(message).to_vec(), bytes(&vector["e"]));
    let mut pieces = key.public_key().hasher();
    message.chunks(3).for_each(|piece| _ = pieces.update(piece));
    assert_eq!(pieces.finalize().to_vec(), bytes(&vector["e"]));
}

#[test]
fn the_signature_of_the_standard_verifies() {
    let (key, vector) = standard_key();
    let raw: [u8; 64] = [bytes(&vector["r"]), bytes(&vector["s"])].concat().try_into().unwrap();
    let signature = Signature::from_bytes(&raw).unwrap();
    let public = key.public_key();
    assert_eq!(public.verify(b"message digest", &signature), Ok(()));
    assert_eq!(public.verify_digest(&public.digest(b"message digest"), &signature), Ok(()));
}

#[test]
fn our_signature_is_the_deterministic_one_of_the_vector() {
    let (key, vector) = standard_key();
    let signature = key.sign(b"message digest").unwrap();
    assert_eq!(to_hex(&signature.to_bytes()), vector["rfc6979_sig_sm2_crate_0_14"].as_str().unwrap());
}

#[test]
fn a_changed_message_key_or_signature_does_not_verify() {
    let (key, _) = standard_key();
    let signature = key.sign(b"message digest").unwrap();
    let other = SigningKey::from_seed(&[7; 32]);
    assert_eq!(key.public_key().verify(b"message digesT", &signature), Err(SmError::SignatureMismatch));
    assert_eq!(other.public_key().verify(b"message digest", &signature), Err(SmError::SignatureMismatch));
    let mut raw = signature.to_bytes();
    raw[40] ^= 1;
    let changed = Signature::from_bytes(&raw).unwrap();
    assert_eq!(key.public_key().verify(b"message digest", &changed), Err(SmError::SignatureMismatch));
}

#[test]
fn signatures_out_of_range_are_refused_before_any_arithmetic() {
    let order = "fffffffeffffffffffffffffffffffff7203df6b21c6052b53bbf40939d54123";
    let (zero, one) = ("0".repeat(64), format!("{}1", "0".repeat(63)));
    for (r, s) in [(&zero, &one), (&one, &zero), (&order.to_owned(), &one), (&one, &"f".repeat(64))] {
        assert_eq!(Signature::from_bytes(&array(&format!("{r}{s}"))), Err(SmError::SignatureFormat));
    }
    assert!(Signature::from_bytes(&array(&format!("{one}{one}"))).is_ok());
}

#[test]
fn only_strict_der_is_a_signature() {
    let (key, _) = standard_key();
    let der = key.sign(b"x").unwrap().to_der();
    assert_eq!(Signature::from_der(&der).unwrap().to_der(), der);
    let trailing = [der.as_slice(), &[0]].concat();
    let padded = [&[0x30, der[1] + 1, 2, der[3] + 1, 0], &der[4..]].concat();
    let negative = [0x30, 6, 2, 1, 0x80, 2, 1, 1];
    for bad in [&der[..der.len() - 1], &trailing, &padded, &negative, &[], b"not der"] {
        assert_eq!(Signature::from_der(bad), Err(SmError::SignatureFormat), "{bad:02x?}");
    }
}

#[test]
fn private_numbers_out_of_range_are_no_keys() {
    let last = "fffffffeffffffffffffffffffffffff7203df6b21c6052b53bbf40939d5412";
    for d in [&"0".repeat(64), &format!("{last}2"), &format!("{last}3"), &"f".repeat(64)] {
        assert!(SigningKey::from_scalar(&array(d)).is_err(), "{d}");
    }
    assert!(SigningKey::from_scalar(&array(&format!("{last}1"))).is_ok());
}

#[test]
fn keys_go_through_pem_and_back() {
    let key = SigningKey::from_seed(&[1; 32]);
    let again = SigningKey::from_pem(&key.to_pem().unwrap()).unwrap();
    assert_eq!(again.public_key(), key.public_key());
    let public = PublicKey::from_pem(&key.public_key().to_pem().unwrap()).unwrap();
    assert_eq!(public, *key.public_key());
    assert_eq!(PublicKey::from_sec1(&public.to_sec1()).unwrap(), public);
}

#[test]
fn what_is_no_key_is_refused() {
    let key = SigningKey::from_seed(&[1; 32]);
    let (private, public) = (key.to_pem().unwrap(), key.public_key().to_pem().unwrap());
    assert!(SigningKey::from_pem(&public).is_err() && PublicKey::from_pem(&private).is_err());
    assert!(PublicKey::from_pem("").is_err() && PublicKey::from_sec1(&[4; 65]).is_err());
    let p256 = "-----BEGIN PUBLIC KEY-----\n\
        MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEEVs/o5+uQbTjL3chynL4wXgUg2R9\n\
        q9UU8I5mEovUf86QZ7kOBIjJwqnzD1omageEHWwHdBO6B+dFabmdT9POxg==\n-----END PUBLIC KEY-----\n";
    assert!(PublicKey::from_pem(p256).is_err());
}

#[test]
fn a_seed_gives_one_key_for_ever() {
    let key = SigningKey::from_seed(&[42; 32]);
    assert_eq!(key.public_key().key_id(), "8a17bacd27e93ea8");
    assert_ne!(key.public_key(), SigningKey::from_seed(&[43; 32]).public_key());
}

#[test]
fn a_key_comes_from_the_callers_random_numbers() {
    use rand::SeedableRng as _;
    let mut rng = rand::rngs::StdRng::seed_from_u64(7);
    let (one, two) = (SigningKey::generate(&mut rng), SigningKey::generate(&mut rng));
    assert_ne!(one.public_key(), two.public_key());
    assert_eq!(one.public_key().verify(b"m", &one.sign(b"m").unwrap()), Ok(()));
}

#[test]
fn secrets_do_not_show_in_debug() {
    let key = SigningKey::from_seed(&[42; 32]);
    assert_eq!(format!("{key:?}"), format!("SigningKey({})", key.public_key().key_id()));
    assert_eq!(format!("{:?} {:?}", HmacKey::new(b"k"), Sm4Gcm::new(&[0; 16])), "HmacKey(..) Sm4Gcm(..)");
}

#[test]
fn a_signer_behind_the_trait_signs_the_same() {
    let key = SigningKey::from_seed(&[42; 32]);
    let signer: &dyn SealSigner = &key;
    assert_eq!(signer.sign(b"licence").unwrap(), key.sign(b"licence").unwrap());
}

#[test]
fn the_block_cipher_vector_comes_out_through_gcm() {
    // RFC 8998 A.1; the block cipher's own vector (GB/T 32907 A.1) follows from it, see the next test.
    let key = Sm4Gcm::new(&array("0123456789ABCDEFFEDCBA9876543210"));
    let nonce = array("00001234567800000000ABCD");
    let aad = from_hex("FEEDFACEDEADBEEFFEEDFACEDEADBEEFABADDAD2").unwrap();
    let text = ["AA", "BB", "CC", "DD", "EE", "FF", "EE", "AA"].map(|byte| byte.repeat(8)).concat();
    let sealed = key.seal(&nonce, &aad, &from_hex(&text).unwrap());
    let expected = "17f399f08c67d5ee19d0dc9969c4bb7d5fd46fd3756489069157b282bb200735\
                    d82710ca5c22f0ccfa7cbf93d496ac15a56834cbcf98c397b4024a2691233b8d\
                    83de3541e4c2b58177e065a9bf7b62ec";
    assert_eq!(to_hex(&sealed), expected);
    assert_eq!(to_hex(&key.open(&nonce, &aad, &sealed).unwrap()), text.to_lowercase());
}

#[test]
fn the_sm4_block_vector_comes_out() {
    use sm4::cipher::{BlockCipherEncrypt as _, KeyInit as _};
    for vector in vectors("sm4_ecb") {
        let cipher = sm4::Sm4::new_from_slice(&bytes(&vector["key"])).unwrap();
        let mut block: [u8; 16] = bytes(&vector["pt"]).try_into().unwrap();
        cipher.encrypt_block((&mut block).into());
        assert_eq!(block.to_vec(), bytes(&vector["ct"]));
    }
}

#[test]
fn whatever_is_changed_in_a_sealed_text_it_does_not_open() {
    let key = Sm4Gcm::new(&[1; 16]);
    let sealed = key.seal(&[2; 12], b"subject 7", "张三".as_bytes());
    assert_eq!(key.open(&[2; 12], b"subject 7", &sealed).unwrap(), "张三".as_bytes());
    assert_eq!(key.open(&[2; 12], b"subject 8", &sealed), Err(SmError::Open));
    assert_eq!(key.open(&[3; 12], b"subject 7", &sealed), Err(SmError::Open));
    assert_eq!(Sm4Gcm::new(&[9; 16]).open(&[2; 12], b"subject 7", &sealed), Err(SmError::Open));
    assert_eq!(key.open(&[2; 12], b"subject 7", &sealed[..15]), Err(SmError::Open));
}

#[test]
fn hashes_in_pieces_are_the_hash_of_the_whole() {
    let mut pieces = Sm3::new();
    pieces.update(b"a").update(b"bc");
    assert_eq!(pieces.finalize(), sm3(b"abc"));
    assert_eq!(sm3_parts(&[b"ab", b"", b"c"]), sm3(b"abc"));
    let (mut one, mut two) = (Sm3::new(), Sm3::new());
    one.update_prefixed(b"ab").update_prefixed(b"c");
    two.update_prefixed(b"a").update_prefixed(b"bc");
    assert_ne!(one.finalize(), two.finalize());
}

#[test]
fn a_mac_is_checked_whole() {
    let key = HmacKey::new(b"key");
    let tag = key.mac(b"13812341234");
    assert_eq!((tag, key.mac_parts(&[b"138", b"12341234"])), (hmac_sm3(b"key", b"13812341234"), tag));
    assert!(key.verify(b"13812341234", &tag));
    assert!(!key.verify(b"13812341235", &tag) && !key.verify(b"13812341234", &tag[..31]));
}

#[test]
fn hexadecimal_is_read_in_either_case_and_nothing_else_is() {
    assert_eq!(from_hex("00fFA5").unwrap(), [0, 255, 165]);
    for text in ["0", "0g", "é", " 00"] {
        assert_eq!(from_hex(text), Err(SmError::Hex), "{text}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn every_seed_signs_what_its_public_key_verifies(seed: [u8; 32], message: Vec<u8>, flip: prop::sample::Index) {
        let key = SigningKey::from_seed(&seed);
        let signature = Signature::from_der(&key.sign(&message).unwrap().to_der()).unwrap();
        prop_assert!(key.public_key().verify(&message, &signature).is_ok());
        let mut raw = signature.to_bytes();
        raw[flip.index(64)] ^= 1 << (flip.index(8));
        let passes = Signature::from_bytes(&raw).is_ok_and(|s| key.public_key().verify(&message, &s).is_ok());
        prop_assert!(!passes);
    }

    #[test]
    fn every_text_opens_as_sealed_and_no_flipped_bit_does(
        key: [u8; 16], nonce: [u8; 12], aad: Vec<u8>, text: Vec<u8>, flip: prop::sample::Index, bit in 0_u8..8,
    ) {
        let key = Sm4Gcm::new(&key);
        let mut sealed = key.seal(&nonce, &aad, &text);
        prop_assert_eq!(key.open(&nonce, &aad, &sealed).unwrap(), text);
        let at = flip.index(sealed.len());
        sealed[at] ^= 1 << bit;
        prop_assert_eq!(key.open(&nonce, &aad, &sealed), Err(SmError::Open));
    }

    #[test]
    fn hexadecimal_goes_there_and_back(data: Vec<u8>) {
        prop_assert_eq!(from_hex(&to_hex(&data)).unwrap(), data);
    }

    #[test]
    fn any_bytes_are_read_as_a_signature_or_refused(data: Vec<u8>) {
        if let Ok(signature) = Signature::from_der(&data) {
            prop_assert_eq!(signature.to_der(), data);
        }
    }
}
