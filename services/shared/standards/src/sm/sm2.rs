//! SM2 signatures (GB/T 32918.2) with the standard's default identity, keys in PEM, signatures in DER.

use sm2::{
    NonZeroScalar,
    dsa::{
        Signature as Inner, SigningKey as InnerKey, VerifyingKey,
        signature::{
            Verifier as _,
            hazmat::{PrehashSigner as _, PrehashVerifier as _},
        },
    },
    elliptic_curve::{rand_core::CryptoRng, sec1::ToSec1Point as _},
    pkcs8::{DecodePrivateKey as _, DecodePublicKey as _, EncodePrivateKey as _, EncodePublicKey as _, LineEnding},
};
use zeroize::Zeroizing;

use super::{Sm3, SmError, hmac_sm3, to_hex};

/// The signer's identity that GM/T 0009 prescribes where none is agreed. OpenSSL needs it said:
/// `-sigopt distid:1234567812345678`.
pub const DEFAULT_ID: &str = "1234567812345678";

/// `a ‖ b ‖ xG ‖ yG` of the recommended curve (GB/T 32918.5), the constant middle of Z.
const CURVE: [[u8; 32]; 4] = [
    hex32(b"FFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFC"),
    hex32(b"28E9FA9E9D9F5E344D5A9E4BCF6509A7F39789F515AB8F92DDBCBD414D940E93"),
    hex32(b"32C4AE2C1F1981195F9904466A39C9948FE30BBFF2660BE1715A4589334C74C7"),
    hex32(b"BC3736A2F4F6779C59BDCEE36B692153D0A9877CC62A474002DF32E52139F0A0"),
];

const fn hex32(text: &[u8; 64]) -> [u8; 32] {
    const fn nibble(c: u8) -> u8 {
        if c.is_ascii_digit() { c - b'0' } else { c - b'A' + 10 }
    }
    let mut out = [0; 32];
    let mut i = 0;
    while i < 32 {
        out[i] = nibble(text[2 * i]) << 4 | nibble(text[2 * i + 1]);
        i += 1;
    }
    out
}

/// What signs licences and checkpoints: a key in memory today, an HSM (GM/T 0018) behind the same trait later.
///
/// Signing blocks for the time of one curve multiplication; an implementation over a network belongs on a blocking
/// thread.
pub trait SealSigner: Send + Sync {
    /// The key that verifies what this signs.
    fn public_key(&self) -> &PublicKey;

    /// Signs `e = SM3(Z ‖ message)`, see [`PublicKey::digest`].
    ///
    /// # Errors
    /// [`SmError::Device`] when the device cannot sign now.
    fn sign_digest(&self, digest: &[u8; 32]) -> Result<Signature, SmError>;

    /// Signs a message with the identity of [`public_key`](Self::public_key).
    ///
    /// # Errors
    /// [`SmError::Device`] when the device cannot sign now.
    fn sign(&self, message: &[u8]) -> Result<Signature, SmError> {
        self.sign_digest(&self.public_key().digest(message))
    }
}

/// An SM2 signature: r and s, 32 bytes each, both in `1..n`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Signature(Inner);

impl Signature {
    /// From r ‖ s.
    ///
    /// # Errors
    /// [`SmError::SignatureFormat`] when r or s is zero or not below the order.
    pub fn from_bytes(bytes: &[u8; 64]) -> Result<Self, SmError> {
        Inner::from_slice(bytes).map(Self).map_err(|_| SmError::SignatureFormat)
    }

    /// r ‖ s.
    pub fn to_bytes(&self) -> [u8; 64] {
        self.0.to_bytes().into()
    }

    /// From `SEQUENCE { INTEGER r, INTEGER s }`, strict DER without trailing bytes.
    ///
    /// # Errors
    /// [`SmError::SignatureFormat`] for anything else.
    pub fn from_der(der: &[u8]) -> Result<Self, SmError> {
        Inner::from_der(der).map(Self).map_err(|_| SmError::SignatureFormat)
    }

    /// As `SEQUENCE { INTEGER r, INTEGER s }`, 70 to 72 bytes as a rule: what `openssl dgst -signature` reads.
    pub fn to_der(&self) -> Vec<u8> {
        self.0.to_der().as_bytes().to_vec()
    }
}

impl std::fmt::Debug for Signature {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Signature({})", to_hex(&self.to_bytes()))
    }
}

/// A verifying key with its identity hash Z computed once.
#[derive(Clone)]
pub struct PublicKey {
    key: VerifyingKey,
    z: [u8; 32],
}

impl PublicKey {
    fn new(key: VerifyingKey) -> Self {
        let mut z = Sm3::new();
        let id = key.distid();
        z.update(&((id.len() * 8) as u16).to_be_bytes()).update(id.as_bytes());
        CURVE.iter().for_each(|part| {
            z.update(part);
        });
        let point = key.to_sec1_point(false);
        z.update(&point.as_bytes()[1..]);
        Self { z: z.finalize(), key }
    }

    /// From a SEC1 point (`04 ‖ x ‖ y`, or compressed), with the default identity.
    ///
    /// # Errors
    /// [`SmError::Key`] when the bytes are not a point of the curve.
    pub fn from_sec1(bytes: &[u8]) -> Result<Self, SmError> {
        VerifyingKey::from_sec1_bytes(DEFAULT_ID, bytes).map(Self::new).map_err(|_| SmError::Key)
    }

    /// From `-----BEGIN PUBLIC KEY-----` (SubjectPublicKeyInfo).
    ///
    /// # Errors
    /// [`SmError::Key`] when the text is not an SM2 public key.
    pub fn from_pem(pem: &str) -> Result<Self, SmError> {
        let key = sm2::PublicKey::from_public_key_pem(pem).map_err(|_| SmError::Key)?;
        VerifyingKey::new(DEFAULT_ID, key).map(Self::new).map_err(|_| SmError::Key)
    }

    /// As `-----BEGIN PUBLIC KEY-----`.
    ///
    /// # Errors
    /// [`SmError::Key`], which a key that was accepted never gives.
    pub fn to_pem(&self) -> Result<String, SmError> {
        self.key.to_public_key_pem(LineEnding::LF).map_err(|_| SmError::Key)
    }

    /// `04 ‖ x ‖ y`.
    pub fn to_sec1(&self) -> [u8; 65] {
        let mut out = [0; 65];
        out.copy_from_slice(self.key.to_sec1_point(false).as_bytes());
        out
    }

    /// A short name of the key: the first 16 hex digits of SM3 over its SEC1 point.
    pub fn key_id(&self) -> String {
        to_hex(&super::sm3(&self.to_sec1())[..8])
    }

    /// Z: the hash of identity, curve and key that goes before every message.
    pub fn z(&self) -> &[u8; 32] {
        &self.z
    }

    /// `e = SM3(Z ‖ message)`, what is really signed.
    pub fn digest(&self, message: &[u8]) -> [u8; 32] {
        super::sm3_parts(&[&self.z, message])
    }

    /// A hasher that has seen Z, for a message that comes in pieces; its result goes to
    /// [`verify_digest`](Self::verify_digest) or [`SealSigner::sign_digest`].
    pub fn hasher(&self) -> Sm3 {
        let mut hasher = Sm3::new();
        hasher.update(&self.z);
        hasher
    }

    /// Whether the signature is this key's over `message`.
    ///
    /// # Errors
    /// [`SmError::SignatureMismatch`] when it is not.
    pub fn verify(&self, message: &[u8], signature: &Signature) -> Result<(), SmError> {
        self.key.verify(message, &signature.0).map_err(|_| SmError::SignatureMismatch)
    }

    /// The same over `e`, see [`digest`](Self::digest).
    ///
    /// # Errors
    /// [`SmError::SignatureMismatch`] when it is not.
    pub fn verify_digest(&self, digest: &[u8; 32], signature: &Signature) -> Result<(), SmError> {
        self.key.verify_prehash(digest, &signature.0).map_err(|_| SmError::SignatureMismatch)
    }
}

impl PartialEq for PublicKey {
    fn eq(&self, other: &Self) -> bool {
        self.z == other.z
    }
}

impl Eq for PublicKey {}

impl std::fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PublicKey({})", self.key_id())
    }
}

/// A signing key held in memory.
#[derive(Clone)]
pub struct SigningKey {
    key: InnerKey,
    public: PublicKey,
}

impl SigningKey {
    fn new(secret: NonZeroScalar) -> Result<Self, SmError> {
        let key = InnerKey::from_nonzero_scalar(DEFAULT_ID, secret).map_err(|_| SmError::Key)?;
        Ok(Self { public: PublicKey::new(key.verifying_key().clone()), key })
    }

    /// From the private number d, big endian, `1 ≤ d ≤ n − 2`.
    ///
    /// # Errors
    /// [`SmError::Key`] when d is out of range (n − 1 has no inverse of 1 + d).
    pub fn from_scalar(d: &[u8; 32]) -> Result<Self, SmError> {
        let secret = NonZeroScalar::try_from(d.as_slice()).map_err(|_| SmError::Key)?;
        if bool::from((*secret + sm2::Scalar::ONE).is_zero()) {
            return Err(SmError::Key);
        }
        Self::new(secret)
    }

    /// From 32 seed bytes of full entropy: d is the first HMAC-SM3 output of the seed that is in range.
    /// The same seed gives the same key for ever.
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        let mut counter = 0_u32;
        loop {
            let label = [b"yiwang sm2 key ".as_slice(), &counter.to_be_bytes()].concat();
            let d = Zeroizing::new(hmac_sm3(seed, &label));
            if let Ok(key) = Self::from_scalar(&d) {
                return key;
            }
            counter += 1;
        }
    }

    /// A new key from the caller's random numbers.
    pub fn generate(rng: &mut impl CryptoRng) -> Self {
        let mut seed = Zeroizing::new([0; 32]);
        rng.fill_bytes(seed.as_mut_slice());
        Self::from_seed(&seed)
    }

    /// From `-----BEGIN PRIVATE KEY-----` (PKCS#8), as `openssl genpkey -algorithm SM2` writes it.
    ///
    /// # Errors
    /// [`SmError::Key`] when the text is not an SM2 private key.
    pub fn from_pem(pem: &str) -> Result<Self, SmError> {
        let secret = sm2::SecretKey::from_pkcs8_pem(pem).map_err(|_| SmError::Key)?;
        let d: Zeroizing<[u8; 32]> = Zeroizing::new(secret.to_bytes().into());
        Self::from_scalar(&d)
    }

    /// As `-----BEGIN PRIVATE KEY-----`; wiped from memory when dropped.
    ///
    /// # Errors
    /// [`SmError::Key`], which a key that was accepted never gives.
    pub fn to_pem(&self) -> Result<Zeroizing<String>, SmError> {
        sm2::SecretKey::from(self.key.as_nonzero_scalar()).to_pkcs8_pem(LineEnding::LF).map_err(|_| SmError::Key)
    }

    /// The key that verifies.
    pub fn public_key(&self) -> &PublicKey {
        &self.public
    }

    /// Signs a message.
    ///
    /// # Errors
    /// [`SmError::Device`] when r or s comes out zero, which happens once in 2²⁵⁶ messages.
    pub fn sign(&self, message: &[u8]) -> Result<Signature, SmError> {
        SealSigner::sign(self, message)
    }
}

impl SealSigner for SigningKey {
    fn public_key(&self) -> &PublicKey {
        &self.public
    }

    fn sign_digest(&self, digest: &[u8; 32]) -> Result<Signature, SmError> {
        self.key.sign_prehash(digest).map(Signature).map_err(|_| SmError::Device)
    }
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SigningKey({})", self.public.key_id())
    }
}
