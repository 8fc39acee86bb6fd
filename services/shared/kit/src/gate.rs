//! 谁可以做什么: which caller may do what, by the policies in `policies/`, default deny.
//!
//! Invariant: an action, a kind of thing or a caller that no policy names is refused. Who *sees* what is not decided
//! here but by a record's audience.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, OnceLock};

use anyhow::Context as _;
use cedar_policy::{
    ActionConstraint, Authorizer, Context, Decision, Entities, Entity, EntityId, EntityTypeName, EntityUid, PolicySet,
    Request, RestrictedExpression, Schema,
};
use moka::sync::Cache;
use yiwang_ledger::{Kind, Refusal};

use crate::caller::{Caller, CallerKind};

/// What is acted on. All of it comes from the record, nothing from the caller.
#[derive(Clone, Copy, Debug, Default)]
pub struct Resource<'a> {
    /// `Application`, `Appointment`, `Case`, `License`, `EvaluationRight`, `Evaluation`, `Question`, `Answer`, `Agent`,
    /// `Engagement`, `Notice`, `Item`, `Ledger`.
    pub kind: &'a str,
    /// Whose it is: a `SubjectId` in hex, or empty.
    pub owner: &'a str,
    /// Code of the organ that answers for it, or empty.
    pub organisation: &'a str,
    /// 行政区划代码, or empty.
    pub region: &'a str,
    /// Item code, or empty.
    pub item: &'a str,
    /// The state's name, or empty.
    pub status: &'a str,
}

/// The policies, compiled once. Cheap to clone.
#[derive(Clone)]
pub struct Gate {
    inner: Arc<Inner>,
}

struct Inner {
    authorizer: Authorizer,
    /// By name: the action with the groups it belongs to, and the policies that can speak of it.
    actions: HashMap<String, (Entity, PolicySet)>,
    resources: HashMap<&'static str, EntityUid>,
    principals: HashMap<&'static str, EntityTypeName>,
    /// What was decided, by everything that it was decided on: policies do not change while the process lives.
    decided: Cache<Vec<u8>, Option<Decision>>,
}

/// Decisions that are remembered.
const REMEMBERED: u64 = 10_000;

/// What policies may speak of.
pub const SCHEMA: &str = include_str!("../policies/schema.cedarschema");

/// The policy files, by name.
pub const POLICIES: [(&str, &str); 4] = [
    ("1-reads.cedar", include_str!("../policies/1-reads.cedar")),
    ("2-applicants.cedar", include_str!("../policies/2-applicants.cedar")),
    ("3-staff.cedar", include_str!("../policies/3-staff.cedar")),
    ("4-services.cedar", include_str!("../policies/4-services.cedar")),
];

const RESOURCES: [&str; 14] = [
    "Item",
    "Application",
    "Appointment",
    "Case",
    "License",
    "EvaluationRight",
    "Evaluation",
    "Question",
    "Answer",
    "Agent",
    "Engagement",
    "Roster",
    "Notice",
    "Ledger",
];
const PRINCIPALS: [&str; 6] = ["Person", "Company", "Staff", "Partner", "Service", "Anonymous"];

impl Gate {
    /// The policies, compiled when they are first asked for. They are part of the program, and so a test checks them against the
    /// schema (`roles.rs`): to check them would take longer than all else that a starting process opens.
    ///
    /// # Errors
    /// A policy that does not parse.
    pub fn open() -> anyhow::Result<Self> {
        static GATE: OnceLock<Gate> = OnceLock::new();
        if let Some(gate) = GATE.get() {
            return Ok(gate.clone());
        }
        let gate = Self::compile()?;
        Ok(GATE.get_or_init(|| gate).clone())
    }

    fn compile() -> anyhow::Result<Self> {
        let (schema, warnings) = Schema::from_cedarschema_str(SCHEMA).context("policies/schema.cedarschema")?;
        drop(warnings);
        let text = POLICIES.map(|(_, text)| text).join("\n");
        let policies: PolicySet = text.parse().context("policies/*.cedar")?;
        let hierarchy = schema.action_entities()?;
        let named = |action: &Entity| {
            let uid = action.uid();
            let groups: HashSet<&EntityUid> = hierarchy.ancestors(&uid).into_iter().flatten().collect();
            let names = |named: &EntityUid| *named == uid || groups.contains(named);
            let speaks = policies.policies().filter(|policy| match policy.action_constraint() {
                ActionConstraint::Any => true,
                ActionConstraint::Eq(named) => names(&named),
                ActionConstraint::In(any) => any.iter().any(names),
            });
            let speaks = PolicySet::from_policies(speaks.cloned()).context("policies/*.cedar")?;
            Ok((AsRef::<str>::as_ref(uid.id()).to_owned(), (action.clone(), speaks)))
        };
        let actions = hierarchy.iter().map(named).collect::<anyhow::Result<_>>()?;
        let resource = |name| Ok((name, EntityUid::from_type_name_and_id(type_name(name)?, EntityId::new("it"))));
        let principal = |name| Ok((name, type_name(name)?));
        Ok(Self {
            inner: Arc::new(Inner {
                authorizer: Authorizer::new(),
                decided: Cache::new(REMEMBERED),
                actions,
                resources: RESOURCES.into_iter().map(resource).collect::<anyhow::Result<_>>()?,
                principals: PRINCIPALS.into_iter().map(principal).collect::<anyhow::Result<_>>()?,
            }),
        })
    }

    /// Lets the caller do it, or refuses.
    ///
    /// # Errors
    /// `PERMISSION_DENIED / ACTION_NOT_PERMITTED`.
    pub fn allow(&self, caller: &Caller, action: &str, resource: &Resource<'_>) -> Result<(), Refusal> {
        let known = everything(caller, action, resource);
        match self.inner.decided.get_with_by_ref(&known, || self.inner.decide(caller, action, resource)) {
            Some(Decision::Allow) => Ok(()),
            Some(Decision::Deny) => Err(not_permitted(caller, action)),
            None => {
                tracing::error!(action, kind = resource.kind, "no policy can speak of this: refused");
                Err(not_permitted(caller, action))
            }
        }
    }

    /// The names of all actions that the schema knows.
    pub fn actions(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.inner.actions.keys().map(String::as_str).collect();
        names.sort_unstable();
        names
    }
}

impl Inner {
    /// `None` where the schema knows no such action or kind of thing.
    fn decide(&self, caller: &Caller, action: &str, resource: &Resource<'_>) -> Option<Decision> {
        let (action, policies) = self.actions.get(action)?;
        let thing = self.resources.get(resource.kind)?.clone();
        let who = self.principals.get(kind_name(caller.kind))?.clone();
        let who = EntityUid::from_type_name_and_id(who, EntityId::new(&caller.id));
        let subject = caller.subject.as_ref().map_or("", |subject| subject.as_str());
        let principal = entity(
            who.clone(),
            [
                ("subject", text(subject)),
                ("roles", set(&caller.roles)),
                ("organisations", set(&caller.organisations)),
                ("region", text(&caller.region)),
            ],
        )?;
        let acted_on = entity(
            thing.clone(),
            [
                ("owner", text(resource.owner)),
                ("organisation", text(resource.organisation)),
                ("region", text(resource.region)),
                ("item", text(resource.item)),
                ("status", text(resource.status)),
            ],
        )?;
        let request = Request::new(who, action.uid(), thing, Context::empty(), None).ok()?;
        let entities = Entities::from_entities([principal, acted_on, action.clone()], None).ok()?;
        Some(self.authorizer.is_authorized(&request, policies, &entities).decision())
    }
}

/// All that a decision stands on, each part with its length before it.
fn everything(caller: &Caller, action: &str, resource: &Resource<'_>) -> Vec<u8> {
    let subject = caller.subject.as_ref().map_or("", |subject| subject.as_str());
    let Resource { kind, owner, organisation, region, item, status } = *resource;
    let of_caller = [kind_name(caller.kind), &caller.id, subject, &caller.region, action];
    let of_resource = [kind, owner, organisation, region, item, status];
    let mut all = Vec::with_capacity(512);
    let mut count = |number: usize| all.extend((number as u64).to_le_bytes());
    count(caller.roles.len());
    count(caller.organisations.len());
    let sets = caller.roles.iter().chain(&caller.organisations).map(String::as_str);
    for part in of_caller.into_iter().chain(of_resource).chain(sets) {
        all.extend((part.len() as u64).to_le_bytes());
        all.extend(part.as_bytes());
    }
    all
}

fn kind_name(kind: CallerKind) -> &'static str {
    kind.into()
}

fn entity<const N: usize>(uid: EntityUid, attributes: [(&str, RestrictedExpression); N]) -> Option<Entity> {
    let attributes = attributes.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    Entity::new(uid, attributes, HashSet::new()).ok()
}

fn text(value: &str) -> RestrictedExpression {
    RestrictedExpression::new_string(value.to_owned())
}

fn set(values: &[String]) -> RestrictedExpression {
    RestrictedExpression::new_set(values.iter().map(|value| text(value)))
}

fn type_name(name: &str) -> anyhow::Result<EntityTypeName> {
    Ok(format!("Yiwang::{name}").parse()?)
}

/// `ACTION_NOT_PERMITTED`, with the `action` and, where there are any, the caller's `roles`.
pub fn not_permitted(caller: &Caller, action: &str) -> Refusal {
    let refusal =
        Refusal::new(Kind::PermissionDenied, "ACTION_NOT_PERMITTED", "您无权进行此项操作", "you may not do this")
            .with("action", action);
    if caller.roles.is_empty() { refusal } else { refusal.with("roles", caller.roles.join(" ")) }
}
