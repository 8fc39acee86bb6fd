//! Personal data inside states and events. A [`Personal`] value is clear in memory and sealed in storage: it can be
//! serialised only inside the ledger, which seals it on the way (forgetting is therefore impossible), and it reads as
//! erased once its subject's key is gone.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, OnceLock};

use base64::{Engine, prelude::BASE64_STANDARD};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser};
use yiwang_standards::sm;

use crate::vault::SubjectKey;
use crate::{Hash, Host, StreamId};

/// Whose data it is: the keyed hash of a person's or organisation's number. Says nothing without the look-up key.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SubjectId(Arc<str>);

impl SubjectId {
    pub(crate) fn from_hash(hash: Hash) -> Self {
        SubjectId(hash.to_string().into())
    }

    /// Takes a subject id from a message of another service or an operator: 64 hex digits.
    pub fn parse(text: &str) -> Option<Self> {
        (text.len() == 64 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)))
            .then(|| SubjectId(text.into()))
    }

    /// The audience of what belongs to the subject.
    pub fn audience(&self) -> String {
        format!("person:{}", self.0)
    }

    /// The hex text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SubjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for SubjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}…", self.0.get(..8).unwrap_or_default())
    }
}

/// One personal value. See the module's page.
#[derive(Clone, Default)]
pub struct Personal {
    subject: SubjectId,
    field: String,
    /// The key it was sealed under; set when it is sealed for the first time. Another key means: erased since.
    key: OnceLock<[u8; 8]>,
    value: Option<Arc<str>>,
    /// Shared by its clones: an event's value is in the state after it, and is sealed once for both.
    sealed: Arc<OnceLock<SealedAt>>,
}

/// How a value was sealed for its first place.
struct SealedAt {
    place: (StreamId, u64),
    key: [u8; 8],
    text: String,
}

impl Personal {
    /// A value of a subject; `field` names it within its body, so that two sealed values cannot be exchanged.
    pub fn new(subject: &SubjectId, field: &'static str, value: impl Into<String>) -> Self {
        Self {
            subject: subject.clone(),
            field: field.to_owned(),
            key: OnceLock::new(),
            value: Some(value.into().into()),
            sealed: Arc::default(),
        }
    }

    /// The value; `None` once it was erased.
    pub fn get(&self) -> Option<&str> {
        self.value.as_deref()
    }

    /// Whose it is.
    pub fn subject(&self) -> &SubjectId {
        &self.subject
    }

    /// Whether the data was erased.
    pub fn is_erased(&self) -> bool {
        self.value.is_none()
    }
}

impl PartialEq for Personal {
    fn eq(&self, other: &Self) -> bool {
        self.subject == other.subject && self.field == other.field && self.value == other.value
    }
}

impl Eq for Personal {}

impl fmt::Debug for Personal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_erased() { "<erased>" } else { "***" })
    }
}

/// What is stored of a [`Personal`].
#[derive(Serialize, Deserialize)]
struct Sealed {
    subject: SubjectId,
    field: String,
    key: String,
    sealed: String,
}

/// What the ledger is doing while a body passes serde on this thread.
struct Scope {
    keys: HashMap<SubjectId, Option<Arc<SubjectKey>>>,
    missing: Vec<(SubjectId, bool)>,
    stream: StreamId,
    version: u64,
    nonce: Nonce,
}

/// Under which nonce the values of a body are sealed.
#[derive(Clone)]
pub(crate) enum Nonce {
    /// A new one each; what is sealed may be stored.
    Fresh(Arc<dyn Host>),
    /// Always the same, so that equal bodies have equal bytes: what is sealed goes nowhere.
    Fixed,
}

thread_local! {
    static SCOPE: RefCell<Option<Scope>> = const { RefCell::new(None) };
}

/// Keys by subject; `None` where it is known that there is no key.
pub(crate) type KeyRing = HashMap<SubjectId, Option<Arc<SubjectKey>>>;

/// Runs serde with the keys at hand. Where keys were missing the result is void and they are named: fetch them, try again.
pub(crate) fn with_keys<T>(
    keys: KeyRing,
    stream: StreamId,
    version: u64,
    nonce: Nonce,
    work: impl FnOnce() -> T,
) -> (T, KeyRing, Vec<(SubjectId, bool)>) {
    SCOPE.with_borrow_mut(|scope| *scope = Some(Scope { keys, missing: Vec::new(), stream, version, nonce }));
    // the scope goes even if serde panics: the next body on this thread must not find it
    struct Leave;
    impl Drop for Leave {
        fn drop(&mut self) {
            SCOPE.with_borrow_mut(|scope| *scope = None);
        }
    }
    let leave = Leave;
    let result = work();
    let scope = SCOPE.with_borrow_mut(Option::take);
    drop(leave);
    scope.map_or_else(|| unreachable!("only Leave takes the scope away"), |scope| (result, scope.keys, scope.missing))
}

/// Seals a value for its place, or finds it sealed for that place.
fn seal(scope: &Scope, value: &str, key: &SubjectKey, personal: &Personal) -> String {
    let seal_under = |nonce: [u8; 12]| {
        let mut bytes = nonce.to_vec();
        bytes.extend(key.cipher.seal(&nonce, &aad(scope, &personal.subject, &personal.field), value.as_bytes()));
        BASE64_STANDARD.encode(bytes)
    };
    let Nonce::Fresh(host) = &scope.nonce else { return seal_under([0; 12]) };
    let place = (scope.stream, scope.version);
    if let Some(kept) = personal.sealed.get().filter(|kept| kept.place == place && kept.key == key.id) {
        return kept.text.clone();
    }
    let mut nonce = [0; 12];
    host.fill(&mut nonce);
    let text = seal_under(nonce);
    let _ = personal.sealed.set(SealedAt { place, key: key.id, text: text.clone() });
    text
}

fn aad(scope: &Scope, subject: &SubjectId, field: &str) -> Vec<u8> {
    let mut aad = Vec::with_capacity(96);
    aad.extend_from_slice(scope.stream.0.as_bytes());
    aad.extend_from_slice(&scope.version.to_be_bytes());
    aad.extend_from_slice(subject.as_str().as_bytes());
    aad.extend_from_slice(field.as_bytes());
    aad
}

impl Serialize for Personal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let sealed = SCOPE.with_borrow_mut(|scope| {
            let scope =
                scope.as_mut().ok_or_else(|| ser::Error::custom("personal data leaves the ledger only by name"))?;
            let erased = |key: &[u8; 8]| Sealed {
                subject: self.subject.clone(),
                field: self.field.clone(),
                key: sm::to_hex(key),
                sealed: String::new(),
            };
            let Some(value) = &self.value else { return Ok(erased(self.key.get().unwrap_or(&[0; 8]))) };
            let Some(key) = scope.keys.get(&self.subject) else {
                scope.missing.push((self.subject.clone(), self.key.get().is_none()));
                return Ok(erased(&[0; 8]));
            };
            let Some(key) = key.as_ref().filter(|key| self.key.get().is_none_or(|own| own == &key.id)) else {
                return Ok(erased(self.key.get().unwrap_or(&[0; 8])));
            };
            let _ = self.key.set(key.id);
            Ok(Sealed { sealed: seal(scope, value, key, self), ..erased(&key.id) })
        })?;
        sealed.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Personal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let sealed = Sealed::deserialize(deserializer)?;
        let id: [u8; 8] = sm::from_hex(&sealed.key)
            .ok()
            .and_then(|bytes| bytes.try_into().ok())
            .ok_or_else(|| de::Error::custom("a key id is 8 bytes"))?;
        let value = SCOPE.with_borrow_mut(|scope| {
            let scope =
                scope.as_mut().ok_or_else(|| de::Error::custom("personal data is read only inside the ledger"))?;
            if sealed.sealed.is_empty() {
                return Ok(None);
            }
            let Some(key) = scope.keys.get(&sealed.subject) else {
                scope.missing.push((sealed.subject.clone(), false));
                return Ok(None);
            };
            let Some(key) = key.as_ref().filter(|key| key.id == id) else { return Ok(None) };
            let bytes = BASE64_STANDARD.decode(&sealed.sealed).map_err(de::Error::custom)?;
            let (nonce, sealed_value) =
                bytes.split_first_chunk::<12>().ok_or_else(|| de::Error::custom("sealed value too short"))?;
            let plain =
                key.cipher.open(nonce, &aad(scope, &sealed.subject, &sealed.field), sealed_value).map_err(|_| {
                    de::Error::custom("a sealed value does not open: it was changed, or moved from elsewhere")
                })?;
            String::from_utf8(plain).map(|text| Some(text.into())).map_err(de::Error::custom)
        })?;
        let key = OnceLock::new();
        if id != [0; 8] {
            let _ = key.set(id);
        }
        Ok(Personal { subject: sealed.subject, field: sealed.field, key, value, sealed: Arc::default() })
    }
}
