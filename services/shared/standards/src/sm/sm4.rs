//! SM4-GCM (GB/T 32907 with RFC 8998): sealing of personal data.
//!
//! The nonce comes in: twelve bytes that never repeat under one key. A repeated nonce reveals both texts.

use aes_gcm::{
    AesGcm, KeyInit,
    aead::{Aead, Payload, consts::U12},
};

use super::SmError;

/// Bytes of an SM4 key.
pub const KEY_LEN: usize = 16;
/// Bytes of a nonce.
pub const NONCE_LEN: usize = 12;
/// Bytes that sealing adds at the end.
pub const TAG_LEN: usize = 16;

/// An SM4-GCM key with its round keys and its GHASH key computed once.
#[derive(Clone)]
pub struct Sm4Gcm(AesGcm<sm4::Sm4, U12>);

impl Sm4Gcm {
    /// Prepares a key.
    pub fn new(key: &[u8; KEY_LEN]) -> Self {
        Self(AesGcm::new(key.into()))
    }

    /// Encrypts and authenticates; the answer is the ciphertext with the tag of 16 bytes behind it.
    ///
    /// # Panics
    /// Above GCM's own limit of 64 GiB for one text, which no caller can hold in memory here.
    pub fn seal(&self, nonce: &[u8; NONCE_LEN], aad: &[u8], plaintext: &[u8]) -> Vec<u8> {
        match self.0.encrypt(nonce.into(), Payload { msg: plaintext, aad }) {
            Ok(sealed) => sealed,
            Err(_) => panic!("SM4-GCM text above 64 GiB"),
        }
    }

    /// Checks and decrypts what [`seal`](Self::seal) made.
    ///
    /// # Errors
    /// [`SmError::Open`] when anything differs: text, tag, nonce, associated data or key.
    pub fn open(&self, nonce: &[u8; NONCE_LEN], aad: &[u8], sealed: &[u8]) -> Result<Vec<u8>, SmError> {
        self.0.decrypt(nonce.into(), Payload { msg: sealed, aad }).map_err(|_| SmError::Open)
    }
}

impl std::fmt::Debug for Sm4Gcm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sm4Gcm(..)")
    }
}
