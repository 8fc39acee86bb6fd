//! The national cryptographic algorithms: SM3 hash, HMAC-SM3, SM4-GCM sealing and SM2 signatures.
//!
//! Invariant: no randomness is drawn here. Nonces and seeds come in as values; SM2 signing derives its secret number
//! from key and message (RFC 6979 style), so the same key and message always give the same signature.
//!
//! The arithmetic is RustCrypto's (`sm2`, `sm3`, `sm4`, `aes-gcm`'s generic GCM), which its authors call unaudited;
//! an HSM takes its place by implementing [`SealSigner`].

mod sm2;
mod sm3;
mod sm4;

pub use self::sm2::{DEFAULT_ID, PublicKey, SealSigner, Signature, SigningKey};
pub use self::sm3::{HmacKey, Sm3, hmac_sm3, sm3, sm3_parts};
pub use self::sm4::{KEY_LEN, NONCE_LEN, Sm4Gcm, TAG_LEN};

use crate::reasoned;

/// Why a key, signature or sealed text was not accepted. Says nothing about the secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SmError {
    /// The bytes or PEM text are not an SM2 key.
    Key,
    /// The signature is not two integers in range, in strict DER or 64 raw bytes.
    SignatureFormat,
    /// The signature does not belong to this message and key.
    SignatureMismatch,
    /// The sealed text was changed, or key, nonce or associated data are not those it was sealed with.
    Open,
    /// The signing device failed (an HSM that is away, a key that is not loaded).
    Device,
    /// The text is not hexadecimal.
    Hex,
}

reasoned!(SmError {
    Key => "SM2_KEY_INVALID", "密钥不是有效的SM2密钥", "the key is not a valid SM2 key";
    SignatureFormat => "SM2_SIGNATURE_FORMAT", "签名值格式不正确", "the signature is malformed";
    SignatureMismatch => "SM2_SIGNATURE_MISMATCH", "签名与内容或公钥不符", "the signature does not match the content and key";
    Open => "SM4_OPEN_FAILED", "密文无法解密或已被改动", "the sealed text cannot be opened or was changed";
    Device => "SEAL_DEVICE_FAILED", "签章设备未能完成签名", "the signing device failed";
    Hex => "HEX_INVALID", "内容不是十六进制", "the text is not hexadecimal";
});

/// Lower-case hexadecimal.
pub fn to_hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut out = String::with_capacity(bytes.len() * 2);
    for b in bytes {
        out.push(char::from(DIGITS[usize::from(b >> 4)]));
        out.push(char::from(DIGITS[usize::from(b & 15)]));
    }
    out
}

/// Bytes from hexadecimal of either case.
///
/// # Errors
/// [`SmError::Hex`] for an odd length or another character.
pub fn from_hex(text: &str) -> Result<Vec<u8>, SmError> {
    let nibble = |c: u8| char::from(c).to_digit(16).map(|d| d as u8).ok_or(SmError::Hex);
    let bytes = text.as_bytes();
    if !bytes.len().is_multiple_of(2) {
        return Err(SmError::Hex);
    }
    bytes.chunks_exact(2).map(|pair| Ok(nibble(pair[0])? << 4 | nibble(pair[1])?)).collect()
}
