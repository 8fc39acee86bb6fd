//! SM3 (GB/T 32905) and HMAC-SM3 for keyed lookups.

use hmac::{Hmac, KeyInit, Mac};
use sm3::{Digest, Sm3 as Core};

/// SM3 of one byte string.
#[inline]
pub fn sm3(data: &[u8]) -> [u8; 32] {
    Core::digest(data).into()
}

/// SM3 of the concatenation of `parts`, without concatenating them. No separator is added: prefix lengths where
/// the parts' borders matter.
pub fn sm3_parts(parts: &[&[u8]]) -> [u8; 32] {
    let mut hasher = Core::new();
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize().into()
}

/// Incremental SM3. Cloning keeps the state, so a common prefix is hashed once.
#[derive(Clone, Default)]
pub struct Sm3(Core);

impl Sm3 {
    /// A hasher that has seen nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds bytes.
    #[inline]
    pub fn update(&mut self, data: &[u8]) -> &mut Self {
        self.0.update(data);
        self
    }

    /// Adds bytes with their length before them (`u64`, big endian), so that borders are part of the hash.
    #[inline]
    pub fn update_prefixed(&mut self, data: &[u8]) -> &mut Self {
        self.0.update((data.len() as u64).to_be_bytes());
        self.0.update(data);
        self
    }

    /// The digest of everything added.
    #[inline]
    pub fn finalize(self) -> [u8; 32] {
        self.0.finalize().into()
    }
}

impl std::fmt::Debug for Sm3 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sm3(..)")
    }
}

/// An HMAC-SM3 key with both pads hashed in advance, so that a MAC of a short text costs two compressions, not four.
#[derive(Clone)]
pub struct HmacKey(Hmac<Core>);

impl HmacKey {
    /// Any length is a key (RFC 2104); use at least 16 random bytes.
    pub fn new(key: &[u8]) -> Self {
        // HMAC takes keys of every length: longer ones are hashed first, so there is no error to hand on.
        match Hmac::<Core>::new_from_slice(key) {
            Ok(mac) => Self(mac),
            Err(_) => Self(Hmac::<Core>::new(&Default::default())),
        }
    }

    /// The MAC of one byte string.
    pub fn mac(&self, data: &[u8]) -> [u8; 32] {
        self.mac_parts(&[data])
    }

    /// The MAC of the concatenation of `parts`; no separator is added.
    pub fn mac_parts(&self, parts: &[&[u8]]) -> [u8; 32] {
        let mut mac = self.0.clone();
        for part in parts {
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }

    /// Compares in constant time.
    pub fn verify(&self, data: &[u8], tag: &[u8]) -> bool {
        let mut mac = self.0.clone();
        mac.update(data);
        mac.verify_slice(tag).is_ok()
    }
}

impl std::fmt::Debug for HmacKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("HmacKey(..)")
    }
}

/// HMAC-SM3 in one call; keep an [`HmacKey`] where the key is used more than once.
pub fn hmac_sm3(key: &[u8], data: &[u8]) -> [u8; 32] {
    HmacKey::new(key).mac(data)
}
