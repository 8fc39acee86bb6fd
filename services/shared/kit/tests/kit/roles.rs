//! 角色 × 行为 × 对象: what each account may do, against a table written by hand (`roles.csv`).
//! `cargo test -p yiwang-kit --test kit roles:: -- --nocapture` prints it.
#![expect(clippy::print_stdout, reason = "the table is meant to be read")]

use std::collections::BTreeSet;

use cedar_policy::{PolicySet, Schema, ValidationMode, Validator};
use prost::Message as _;

use yiwang_kit::gate::{POLICIES, SCHEMA};
use yiwang_kit::identity::{Account, DevelopmentIssuer};
use yiwang_kit::{Caller, Config, Gate, Keyring, Resource};
use yiwang_ledger::SubjectId;
use yiwang_standards::identity::DocumentKind;

const TABLE: &str = include_str!("../roles.csv");
const REGION: &str = "511602000000";

/// One line: who may do `action` to a thing of `kind`, whose owner and organ are named by account.
struct Line {
    action: String,
    kind: String,
    owner: String,
    organ: String,
    allowed: BTreeSet<String>,
}

fn lines() -> Vec<Line> {
    let mut reader = csv::ReaderBuilder::new().comment(Some(b'#')).trim(csv::Trim::All).from_reader(TABLE.as_bytes());
    let line = |record: csv::StringRecord| Line {
        action: record[0].to_owned(),
        kind: record[1].to_owned(),
        owner: record[2].to_owned(),
        organ: record[3].to_owned(),
        allowed: record[4].split_whitespace().map(str::to_owned).collect(),
    };
    reader.records().map(|record| line(record.unwrap())).collect()
}

fn keyring() -> Keyring {
    Keyring::new(&[3; 32])
}

/// Every account, every service, and nobody.
fn callers() -> Vec<(String, Caller)> {
    let dir = tempfile::tempdir().unwrap();
    let issuer = DevelopmentIssuer::open(&Config { data_dir: dir.path().to_owned(), ..Config::default() }).unwrap();
    let account = |account: &Account| {
        let caller = issuer.claims(account, None).caller(&keyring()).unwrap();
        (account.id.clone(), caller)
    };
    let mut callers: Vec<_> = yiwang_kit::identity::accounts().iter().map(account).collect();
    callers.extend(yiwang_kit::config::SERVICES.map(|name| (format!("service:{name}"), Caller::service(name))));
    callers.push(("nobody".to_owned(), Caller::anonymous()));
    callers.push(("own_reviewer".to_owned(), officer_in_own_matter()));
    callers
}

/// A reviewer of the permit office who is also the applicant.
fn officer_in_own_matter() -> Caller {
    Caller { subject: subject("citizen"), ..officer("reviewer") }
}

fn officer(account: &str) -> Caller {
    let account = Account::find(account).unwrap();
    Caller {
        id: format!("staff:own_{}", account.id),
        kind: account.kind,
        name: String::new(),
        roles: account.roles.clone(),
        organisations: account.organisations.clone(),
        region: REGION.into(),
        grade: account.grade,
        subject: None,
        acting: None,
    }
}

fn subject(account: &str) -> Option<SubjectId> {
    let document = Account::find(account)?.document.clone()?;
    keyring().subject(DocumentKind::parse(&document.kind).unwrap(), &document.number)
}

fn may(gate: &Gate, caller: &Caller, line: &Line) -> bool {
    let owner = subject(&line.owner).map_or_else(String::new, |subject| subject.as_str().to_owned());
    let organ =
        Account::find(&line.organ).and_then(|account| account.organisations.first().cloned()).unwrap_or_default();
    let region = if line.organ == "elsewhere" { "110101000000" } else { REGION };
    let (kind, status) = line.kind.split_once(':').unwrap_or((&line.kind, ""));
    let thing = Resource { kind, owner: &owner, organisation: &organ, region, item: "", status };
    gate.allow(caller, &line.action, &thing).is_ok()
}

#[test]
fn each_role_may_do_what_the_table_says_and_nothing_else() {
    let (gate, callers) = (Gate::open().unwrap(), callers());
    println!("{:<22} {:<16} {:<9} {:<16} who may", "action", "kind", "owner", "organ");
    let mut wrong = Vec::new();
    for line in lines() {
        let found: BTreeSet<String> =
            callers.iter().filter(|(_, caller)| may(&gate, caller, &line)).map(|(name, _)| name.clone()).collect();
        let shown = found.iter().map(String::as_str).collect::<Vec<_>>().join(" ");
        println!("{:<22} {:<16} {:<9} {:<16} {}", line.action, line.kind, line.owner, line.organ, shown);
        if found != expanded(&line.allowed, &callers) {
            wrong.push(format!("{} on {}'s {} of {}: {shown}", line.action, line.owner, line.kind, line.organ));
        }
    }
    assert!(wrong.is_empty(), "not as the table says:\n{}", wrong.join("\n"));
}

/// `everybody` is everybody; `signed-in` is everybody but nobody.
fn expanded(allowed: &BTreeSet<String>, callers: &[(String, Caller)]) -> BTreeSet<String> {
    let all = callers.iter().map(|(name, _)| name.clone());
    if allowed.contains("everybody") {
        all.collect()
    } else if allowed.contains("signed-in") {
        all.filter(|name| name != "nobody").collect()
    } else {
        allowed.clone()
    }
}

#[test]
fn the_policies_speak_of_what_the_schema_knows() {
    let (schema, warnings) = Schema::from_cedarschema_str(SCHEMA).unwrap();
    assert_eq!(warnings.count(), 0);
    let policies: PolicySet = POLICIES.map(|(_, text)| text).join("\n").parse().unwrap();
    let verdict = Validator::new(schema).validate(&policies, ValidationMode::Strict);
    assert!(verdict.validation_passed(), "{verdict}");
}

#[test]
fn the_table_speaks_of_every_action() {
    let lines = lines();
    let named: BTreeSet<&str> = lines.iter().map(|line| line.action.as_str()).collect();
    let gate = Gate::open().unwrap();
    let missing: Vec<_> =
        gate.actions().into_iter().filter(|a| !["Read", "PublicRead"].contains(a) && !named.contains(a)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn what_no_policy_names_is_refused() {
    let gate = Gate::open().unwrap();
    let admin = officer("admin");
    for (action, kind) in [("DropEverything", "Case"), ("GetCase", "Everything"), ("ReviewCase", "Application")] {
        assert_eq!(
            gate.allow(&admin, action, &Resource { kind, ..Resource::default() }).unwrap_err().reason,
            "ACTION_NOT_PERMITTED"
        );
    }
}

#[test]
fn who_is_refused_is_told_the_action_and_their_roles() {
    let clerk = officer("clerk");
    let refusal = Gate::open().unwrap().allow(&clerk, "DecideCase", &Resource { kind: "Case", ..Resource::default() });
    let told = refusal.unwrap_err().metadata;
    assert_eq!((told["action"].as_str(), told["roles"].as_str()), ("DecideCase", "clerk"));
}

#[test]
fn every_rpc_of_the_contracts_is_an_action_or_not_for_callers() {
    let gate = Gate::open().unwrap();
    let known: BTreeSet<&str> = gate.actions().into_iter().collect();
    let set = prost_types::FileDescriptorSet::decode(yiwang_proto::FILE_DESCRIPTOR_SET).unwrap();
    let services = set.file.iter().filter(|file| file.package().starts_with("yiwang.")).flat_map(|file| &file.service);
    let missing: Vec<&str> =
        services.flat_map(|s| &s.method).map(|m| m.name()).filter(|name| !known.contains(name)).collect();
    // Composed by the gateway from reads that are each checked.
    assert_eq!(missing, ["GetMyAffairs"]);
}
