//! Who calls, and what arrived with the call.
//!
//! Invariant: a [`Caller`] is made by the identity layer from a verified token, and nowhere else on the way of a request.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tokio::time::Instant;
use yiwang_ledger::{Audiences, Call, Hash, Refusal, SubjectId};
use yiwang_standards::identity::{self, DocumentKind};
use yiwang_standards::sm::HmacKey;

use crate::entropy;
use crate::status;
use crate::telemetry::Trace;

/// What kind of caller it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, strum::IntoStaticStr)]
#[serde(rename_all = "lowercase")]
pub enum CallerKind {
    /// 自然人: a natural person.
    Person,
    /// 法人: somebody who acts for a legal person.
    Company,
    /// 工作人员: staff of an organ.
    Staff,
    /// 接入部门: a partner department's application.
    Partner,
    /// Another service of the suite.
    Service,
    /// Nobody in particular; may read what is public.
    Anonymous,
}

/// Who calls, as the token says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The token's subject: `person:…`, `staff:clerk`, `service:intake`.
    pub id: String,
    /// What kind of caller it is.
    pub kind: CallerKind,
    /// Name to show. Personal data: not for logs.
    pub name: String,
    /// Roles: `clerk`, `reviewer`, `approver`, `supervisor` …
    pub roles: Vec<String>,
    /// Codes of the organs the caller works for.
    pub organisations: Vec<String>,
    /// 行政区划代码 of the caller's place.
    pub region: String,
    /// 岗位等级 of a member of staff, 0 to 9: what she may accept.
    pub grade: u8,
    /// The natural person, or the company acted for: keyed hash of kind and number.
    pub subject: Option<SubjectId>,
    /// 经办人: the natural person who acts for a company, as the identity provider knows them: `person:…`.
    pub acting: Option<String>,
}

impl Caller {
    /// Nobody in particular.
    pub fn anonymous() -> Self {
        Self {
            id: "anonymous".into(),
            kind: CallerKind::Anonymous,
            name: String::new(),
            roles: Vec::new(),
            organisations: Vec::new(),
            region: String::new(),
            grade: 0,
            subject: None,
            acting: None,
        }
    }

    /// Who does it, as entries have it: the natural person where one acts for a company, which stays the principal.
    pub fn doer(&self) -> &str {
        self.acting.as_deref().unwrap_or(&self.id)
    }

    /// A service of the suite.
    pub fn service(name: &str) -> Self {
        Self { id: format!("service:{name}"), kind: CallerKind::Service, name: name.into(), ..Self::anonymous() }
    }

    /// What the caller may see: a record is visible where one of its audience tags is among these.
    pub fn audiences(&self) -> Audiences {
        if self.kind == CallerKind::Service {
            return Audiences::all();
        }
        Audiences::of(self.audience_list())
    }

    /// The same, in words.
    pub fn audience_list(&self) -> Vec<String> {
        let mut list = vec!["public".to_owned()];
        match self.kind {
            CallerKind::Person | CallerKind::Company => list.extend(self.subject.iter().map(SubjectId::audience)),
            CallerKind::Staff => {
                list.extend(self.organisations.iter().map(|code| format!("org:{code}")));
                if self.has_role("clerk") {
                    list.push(format!("window:{}", self.region));
                }
                if self.has_role("hall_administrator") {
                    list.push(format!("halls:{}", self.region));
                }
                if self.has_role("agent") {
                    list.push(format!("agent:{}", self.id));
                }
                if self.has_role("coordinator") {
                    list.push(format!("coordination:{}", self.region));
                }
                if self.has_role("government_head") {
                    list.push(format!("government:{}", self.region));
                }
                if self.has_role("supervisor") {
                    list.push(format!("region:{}", self.region));
                }
                if ["legality_reviewer", "risk_reviewer", "catalogue_administrator"]
                    .iter()
                    .any(|role| self.has_role(role))
                {
                    list.push(format!("drafts:{}", self.region));
                }
            }
            CallerKind::Partner => list.push(self.id.clone()),
            CallerKind::Service | CallerKind::Anonymous => {}
        }
        list
    }

    /// Whether the caller has a role.
    pub fn has_role(&self, role: &str) -> bool {
        self.roles.iter().any(|own| own == role)
    }

    /// Whether the caller is the named service.
    pub fn is_service(&self, name: &str) -> bool {
        self.kind == CallerKind::Service && self.id.strip_prefix("service:") == Some(name)
    }

    /// Whether the caller is staff of an organ, whose reads of personal data leave an entry.
    pub fn is_staff(&self) -> bool {
        self.kind == CallerKind::Staff
    }

    /// The role to show beside the name: the first one, or what kind of caller it is.
    pub fn role(&self) -> &str {
        match self.kind {
            CallerKind::Person => "citizen",
            CallerKind::Company => "company",
            CallerKind::Service => "service",
            CallerKind::Anonymous => "anonymous",
            CallerKind::Staff | CallerKind::Partner => self.roles.first().map_or("staff", String::as_str),
        }
    }
}

/// The keyed hashes of one installation: how subjects are found, and how commands are told apart.
#[derive(Clone)]
pub struct Keyring(Arc<HmacKey>);

impl Keyring {
    /// Over the installation's look-up key.
    pub fn new(lookup_key: &[u8; 32]) -> Self {
        Self(Arc::new(HmacKey::new(lookup_key)))
    }

    /// The subject of a document: the same in every service, and the same as [`subject`].
    pub fn subject(&self, kind: DocumentKind, number: &str) -> Option<SubjectId> {
        let value = subject_text(kind, number);
        let mac = self.0.mac_parts(&[SUBJECT_SCOPE.as_bytes(), &[0], value.as_bytes()]);
        SubjectId::parse(&entropy::hex(&mac))
    }

    /// Keyed hash of a command.
    pub fn fingerprint(&self, rpc: &str, target: &str, command: &[u8]) -> Hash {
        let length = |text: &str| (text.len() as u64).to_be_bytes();
        Hash(self.0.mac_parts(&[
            b"fingerprint\0",
            &length(rpc),
            rpc.as_bytes(),
            &length(target),
            target.as_bytes(),
            command,
        ]))
    }
}

const SUBJECT_SCOPE: &str = "subject";

/// One person, one text, however the number was written.
fn subject_text(kind: DocumentKind, number: &str) -> String {
    format!("{}:{}", kind.name(), identity::bearer(kind, number))
}

/// The subject of a document, by a ledger's vault: whose data it is, for audiences and [`yiwang_ledger::Personal`].
pub fn subject(vault: &yiwang_ledger::Vault, kind: DocumentKind, number: &str) -> SubjectId {
    vault.lookup(SUBJECT_SCOPE, &subject_text(kind, number))
}

/// What the stack knows of a call, beside the message.
#[derive(Clone)]
pub(crate) struct Circumstances {
    pub caller: Arc<Caller>,
    pub trace: Trace,
    pub deadline: Option<Instant>,
    pub keyring: Keyring,
    /// Who acted, where a service says it carries out what somebody did (relays).
    pub actor: Option<String>,
}

/// A message with the circumstances of its call.
pub struct Incoming<T> {
    /// Who calls.
    pub caller: Arc<Caller>,
    /// The message.
    pub message: T,
    /// Trace id, 32 hex digits.
    pub trace: String,
    /// Nobody waits after this moment.
    pub deadline: Option<Instant>,
    circumstances: Circumstances,
}

/// Takes a call over from the stack.
///
/// # Errors
/// `INTERNAL` where no identity layer stands in front of the service: nothing is done without one.
pub fn receive<T>(request: tonic::Request<T>) -> Result<Incoming<T>, tonic::Status> {
    let (_, mut extensions, message) = request.into_parts();
    match extensions.remove::<Circumstances>() {
        Some(known) => Ok(Incoming {
            caller: known.caller.clone(),
            message,
            trace: known.trace.id.clone(),
            deadline: known.deadline,
            circumstances: known,
        }),
        None => Err(tonic::Status::internal("no identity layer in front of this service")),
    }
}

impl<T> Incoming<T> {
    /// The same call with another message: what a stream's first message said, or a part of what was asked.
    pub fn with<U>(&self, message: U) -> Incoming<U> {
        Incoming {
            caller: self.caller.clone(),
            message,
            trace: self.trace.clone(),
            deadline: self.deadline,
            circumstances: self.circumstances.clone(),
        }
    }

    /// The call of a write, over a command of the handler's choice. A service's request id stands for the entry that it
    /// relays: what a newer release makes of that entry is the same call, whatever its words.
    ///
    /// # Errors
    /// `REQUEST_ID_MISSING`, `REQUEST_ID_MALFORMED`.
    pub fn call_of(
        &self,
        rpc: &'static str,
        target: &str,
        request_id: &str,
        command: &impl Serialize,
    ) -> Result<Call, Refusal> {
        // A relay's id is its name and an entry's hash, which is longer than what people are asked to write.
        let relayed = self.caller.kind == CallerKind::Service;
        check_request_id(request_id, if relayed { 128 } else { 64 })?;
        let keyring = &self.circumstances.keyring;
        let fingerprint = match relayed {
            true => keyring.fingerprint(rpc, &self.caller.id, request_id.as_bytes()),
            false => keyring.fingerprint(rpc, target, canonical(command)?.as_bytes()),
        };
        Ok(Call { fingerprint, ..self.shell(request_id.to_owned()) })
    }

    /// The call of a read that leaves an entry.
    pub fn read_call(&self, rpc: &'static str, target: &str) -> Call {
        let id = entropy::new_request_id();
        let fingerprint = self.circumstances.keyring.fingerprint(rpc, target, id.as_bytes());
        Call { fingerprint, ..self.shell(id) }
    }

    fn shell(&self, request_id: String) -> Call {
        Call {
            principal: self.caller.id.clone(),
            actor: self.circumstances.actor.clone().unwrap_or_else(|| self.caller.doer().to_owned()),
            request_id,
            fingerprint: Hash::ZERO,
            expected_version: None,
            deadline: self.deadline,
            trace: self.trace.clone(),
            seed: entropy::random(),
        }
    }
}

impl<T: Serialize> Incoming<T> {
    /// The call of a write: checks the request id, and makes the fingerprint over the whole message without it, of a service
    /// over the request id alone.
    ///
    /// # Errors
    /// `REQUEST_ID_MISSING`, `REQUEST_ID_MALFORMED`.
    pub fn call(&self, rpc: &'static str, target: &str, request_id: &str) -> Result<Call, Refusal> {
        self.call_of(rpc, target, request_id, &self.message)
    }
}

fn check_request_id(id: &str, longest: usize) -> Result<(), Refusal> {
    if id.is_empty() {
        return Err(Refusal::field(
            "request_id",
            "REQUEST_ID_MISSING",
            "缺少请求编号",
            "every write needs a request_id",
        ));
    }
    if id.len() > longest || !id.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(Refusal::field(
            "request_id",
            "REQUEST_ID_MALFORMED",
            "请求编号须为1至64个可见ASCII字符",
            "a request_id is 1 to 64 visible ASCII characters",
        ));
    }
    Ok(())
}

/// JSON with sorted keys and without the request id: equal for equal commands.
fn canonical(command: &impl Serialize) -> Result<String, Refusal> {
    let unwritable =
        || Refusal::invalid("MESSAGE_MALFORMED", "请求内容无法读取", "the message cannot be written as JSON");
    let mut value = serde_json::to_value(command).map_err(|_| unwritable())?;
    if let Some(fields) = value.as_object_mut() {
        fields.remove("requestId");
        fields.remove("request_id");
    }
    let mut text = String::new();
    sorted(&value, &mut text).map_err(|_| unwritable())?;
    Ok(text)
}

fn sorted(value: &serde_json::Value, text: &mut String) -> std::fmt::Result {
    use std::fmt::Write as _;

    use serde_json::Value;
    match value {
        Value::Object(fields) => {
            let mut keys: Vec<_> = fields.keys().collect();
            keys.sort();
            text.push('{');
            for key in keys {
                write!(text, "{}:", Value::from(key.as_str()))?;
                sorted(&fields[key], text)?;
                text.push(',');
            }
            text.push('}');
        }
        Value::Array(items) => {
            text.push('[');
            for item in items {
                sorted(item, text)?;
                text.push(',');
            }
            text.push(']');
        }
        scalar => write!(text, "{scalar}")?,
    }
    Ok(())
}

/// A kit's answer as tonic wants it.
pub type Reply<T> = Result<tonic::Response<T>, tonic::Status>;

/// Wraps an answer.
pub fn reply<T>(result: Result<T, status::Fault>) -> Reply<T> {
    result.map(tonic::Response::new).map_err(tonic::Status::from)
}
