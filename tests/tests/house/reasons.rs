//! Every reason that a service can answer stands in its contract, so that whoever reads the one knows the other.

use crate::rules::is_product;
use crate::tree::Tree;

/// What the kit and the ledger answer for every service: each contract's header says so.
const SHARED: [&str; 29] = [
    "TOKEN_MISSING",
    "TOKEN_MALFORMED",
    "TOKEN_SIGNATURE",
    "TOKEN_ALGORITHM",
    "TOKEN_ISSUER",
    "TOKEN_AUDIENCE",
    "TOKEN_EXPIRED",
    "ACTION_NOT_PERMITTED",
    "FIELD_INVALID",
    "MESSAGE_MALFORMED",
    "MESSAGE_TOO_LARGE",
    "OVERLOADED",
    "QUEUE_FULL",
    "SERVICE_UNAVAILABLE",
    "STORE_UNAVAILABLE",
    "KEYS_UNAVAILABLE",
    "STREAM_UNREADABLE",
    "SHUTTING_DOWN",
    "DEADLINE_EXCEEDED",
    "INTERNAL",
    "REQUEST_ID_MISSING",
    "REQUEST_ID_MALFORMED",
    "REQUEST_ID_REUSED",
    "TEXT_MALFORMED",
    "ENTRY_TOO_LARGE",
    "STATE_TOO_LARGE",
    "STORE_FULL",
    "CONTENDED",
    "PAGE_TOKEN_INVALID",
];

/// Words in capitals that no caller of a contract is answered with, and why.
const NO_REASON: [&str; 21] = [
    "SCREAMING_SNAKE_CASE", // a spelling
    // Names of gRPC's codes.
    "ALREADY_EXISTS",
    "DATA_LOSS",
    "FAILED_PRECONDITION",
    "INVALID_ARGUMENT",
    "NOT_FOUND",
    "OUT_OF_RANGE",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "NOT_SERVING",
    // Of the development clock, which is in no contract.
    "CLOCK_IN_USE",
    "CLOCK_NOT_MOVABLE",
    "CLOCK_ONLY_FORWARD",
    // Said in the contracts' word ETAG_MISMATCH, which is where an etag is taken.
    "STALE_VERSION",
    "ETAG_MISMATCH",
    // For the log and the operators: a relay halts, a page has a size by then, a store was damaged.
    "FEED_GAP",
    "FEED_REWOUND",
    "PAGE_SIZE_INVALID",
    "SEALED_DATA_DAMAGED",
    // What approval answers to intake.
    "CASE_DECIDED",
    // Numbers are drawn from a register, and none twice.
    "CASE_NUMBER_TAKEN",
];

/// The packages whose contracts may name a service's reasons.
const PACKAGES: [(&str, &[&str]); 8] = [
    ("intake", &["intake", "catalogue"]),
    ("approval", &["approval"]),
    ("license", &["license"]),
    ("evaluation", &["evaluation"]),
    ("trading", &["trading"]),
    ("shared/documents", &["intake", "approval"]),
    ("shared/kit", &["ledger"]),
    ("shared/ledger", &["ledger"]),
];

/// Reasons in a service's sources that its contract does not name, and shared ones that a header leaves out.
pub fn every_reason_is_in_the_contract(tree: &Tree) -> Vec<String> {
    let mut findings = Vec::new();
    for (folder, packages) in PACKAGES {
        let contract: String = packages.iter().flat_map(|name| contracts(tree, name)).collect();
        let sources = tree.ending(".rs").filter(|file| file.path.starts_with(&format!("services/{folder}/src/")));
        for file in sources.filter(|file| is_product(file)) {
            let untold =
                |reason: &&str| !NO_REASON.contains(reason) && !SHARED.contains(reason) && !contract.contains(reason);
            findings.extend(reasons(&file.text).filter(untold).map(|reason| format!("{}: {reason}", file.path)));
        }
    }
    for file in tree.ending(".proto").filter(|file| file.text.contains("every method may answer")) {
        let left_out = SHARED.iter().filter(|reason| !file.text.contains(*reason));
        findings.extend(left_out.map(|reason| format!("{}: {reason}", file.path)));
    }
    findings
}

fn contracts<'a>(tree: &'a Tree, package: &str) -> impl Iterator<Item = &'a str> + use<'a> {
    let folder = format!("proto/yiwang/{package}/v1/");
    tree.ending(".proto").filter(move |file| file.path.starts_with(&folder)).map(|file| file.text.as_str())
}

/// The literals in capitals, of two words at least, in code that is no test.
fn reasons(text: &str) -> impl Iterator<Item = &str> {
    let code = text.lines().take_while(|line| line.trim() != "#[cfg(test)]");
    let code = code.filter(|line| !line.trim_start().starts_with("//"));
    let literals = code.flat_map(|line| line.split('"').skip(1).step_by(2));
    literals.filter(|word| {
        let capitals = word.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_');
        capitals && word.split('_').filter(|part| !part.is_empty()).count() > 1
    })
}
