//! The rules, each a function from the tree to what breaks it, one line a finding.

use crate::tree::{File, Tree};

/// A rule answers with what breaks it.
pub type Rule = fn(&Tree) -> Vec<String>;

const SERVICES: [&str; 5] =
    ["yiwang-intake", "yiwang-approval", "yiwang-license", "yiwang-evaluation", "yiwang-trading"];

/// The crates that a crate of this workspace may import; `None` for a crate that the design does not know.
fn may_import(name: &str) -> Option<Vec<&'static str>> {
    Some(match name {
        "yiwang-standards" | "yiwang-proto" => vec![],
        "yiwang-ledger" => vec!["yiwang-standards"],
        "yiwang-kit" => vec!["yiwang-ledger", "yiwang-standards", "yiwang-proto"],
        "yiwang-documents" => vec!["yiwang-kit", "yiwang-ledger", "yiwang-standards", "yiwang-proto"],
        "yiwang-gateway" => vec!["yiwang-kit", "yiwang-ledger", "yiwang-standards", "yiwang-proto"],
        "yiwang" => {
            let mut all = vec![
                "yiwang-documents",
                "yiwang-gateway",
                "yiwang-kit",
                "yiwang-ledger",
                "yiwang-standards",
                "yiwang-proto",
            ];
            all.extend(SERVICES);
            all
        }
        "yiwang-tests" => vec!["yiwang-proto"],
        service if SERVICES.contains(&service) => {
            vec!["yiwang-documents", "yiwang-kit", "yiwang-ledger", "yiwang-standards", "yiwang-proto"]
        }
        _ => return None,
    })
}

/// `yiwang -> gateway, services -> kit -> ledger -> standards`; services speak to each other by contract alone.
pub fn imports_run_one_way(tree: &Tree) -> Vec<String> {
    let mut findings = Vec::new();
    for one in &tree.crates {
        let Some(allowed) = may_import(&one.name) else {
            findings.push(format!("{}: a crate that the design does not know", one.name));
            continue;
        };
        let ours = one.imports.iter().filter(|import| import.starts_with("yiwang"));
        let wrong = ours.filter(|import| !allowed.contains(&import.as_str()));
        findings.extend(wrong.map(|import| format!("{} imports {import}", one.name)));
    }
    findings.extend(ways_past_the_links(tree));
    findings
}

/// A service reaches the others by the kit's links, which bring its token, the trace and the deadline; it has no client of its
/// own.
fn ways_past_the_links(tree: &Tree) -> Vec<String> {
    const CLIENTS: [&str; 3] = ["reqwest", "hyper", "hyper-util"];
    let services = tree.crates.iter().filter(|one| SERVICES.contains(&one.name.as_str()));
    let client = |import: &&String| CLIENTS.contains(&import.as_str());
    let imports = services
        .flat_map(|one| one.imports.iter().filter(client).map(|import| format!("{} imports {import}", one.name)));
    let of_service = |file: &&File| {
        SERVICES
            .iter()
            .any(|name| file.path.starts_with(&format!("services/{}/src/", name.trim_start_matches("yiwang-"))))
    };
    let named = code_with(tree.ending(".rs").filter(of_service), &["tonic::transport", "reqwest::"]);
    imports.chain(named).collect()
}

/// Two engines, one place that knows them.
pub fn only_the_ledger_speaks_sql(tree: &Tree) -> Vec<String> {
    const SQL: [&str; 6] = ["\"SELECT ", "\"INSERT INTO ", "\"UPDATE ", "\"DELETE FROM ", "\"CREATE TABLE ", "sqlx::"];
    let drivers =
        |import: &&String| ["sqlx", "rusqlite", "tokio-postgres", "libsqlite3-sys"].contains(&import.as_str());
    let others = tree.crates.iter().filter(|one| one.name != "yiwang-ledger");
    let mut findings: Vec<String> = others
        .flat_map(|one| one.imports.iter().filter(drivers).map(|import| format!("{} imports {import}", one.name)))
        .collect();
    let outside =
        |file: &&File| file.path.starts_with("services/") && !file.path.starts_with("services/shared/ledger/");
    findings.extend(code_with(tree.ending(".rs").filter(outside), &SQL));
    findings
}

/// Time, identifiers and chance come in as values: only the kit draws them. (Keys and nonces are drawn where they are
/// sealed, in the ledger's vault; nothing is decided by them.)
pub fn clocks_ids_and_chance_live_in_the_kit(tree: &Tree) -> Vec<String> {
    const CALLS: [&str; 12] = [
        "SystemTime::now",
        "std::time::Instant",
        "Utc::now",
        "Local::now",
        "Uuid::now_v7",
        "Uuid::new_v4",
        "rand::rng",
        "thread_rng",
        "rand::random",
        "SystemRandom",
        "rand::fill",
        "OsRng",
    ];
    code_with(tree.ending(".rs").filter(|file| is_product(file) && !in_kit(file)), &CALLS)
}

/// One typed configuration, read once.
pub fn settings_are_read_in_the_kit(tree: &Tree) -> Vec<String> {
    code_with(tree.ending(".rs").filter(|file| is_product(file) && !in_kit(file)), &["env::var", "env::set_var"])
}

/// `main` tells the life of the process on one screen.
pub fn main_is_short(tree: &Tree) -> Vec<String> {
    let long = |file: &&File| file.text.lines().count() >= 60;
    tree.ending("src/main.rs").filter(long).map(|file| format!("{}: 60 lines or more", file.path)).collect()
}

/// What a build can make again is not kept.
pub fn nothing_generated_is_kept(tree: &Tree) -> Vec<String> {
    const ENDS: [&str; 9] = [".db", ".db-wal", ".db-shm", ".pb.rs", ".rmeta", ".o", ".so", ".bin", ".log"];
    let mark = concat!("@", "generated");
    let generated = |file: &&File| {
        let by_name = ENDS.iter().any(|end| file.path.ends_with(end)) || file.path.ends_with("openapi.json");
        let by_text = file.path.ends_with(".rs") && file.text.contains(mark);
        by_name || by_text
    };
    tree.files.iter().filter(generated).map(|file| format!("{}: generated", file.path)).collect()
}

/// A newcomer knows where in a file to look.
pub fn no_file_is_too_long(tree: &Tree) -> Vec<String> {
    const SOURCES: [&str; 9] = [".rs", ".proto", ".sql", ".sh", ".md", ".html", ".css", ".js", ".toml"];
    let source = |file: &&File| SOURCES.iter().any(|end| file.path.ends_with(end));
    let counted = tree.files.iter().filter(source).map(|file| (file, file.text.lines().count()));
    counted.filter(|(_, lines)| *lines > 600).map(|(file, lines)| format!("{}: {lines} lines", file.path)).collect()
}

/// What an RPC changes and how it refuses stands above it.
pub fn every_rpc_has_a_comment(tree: &Tree) -> Vec<String> {
    let mut findings = Vec::new();
    for file in tree.ending(".proto") {
        let mut above = "";
        for line in file.text.lines().map(str::trim).filter(|line| !line.is_empty()) {
            if line.starts_with("rpc ") && !above.starts_with("//") {
                findings.push(format!("{}: {line}", file.path));
            }
            above = line;
        }
    }
    findings
}

/// `docs/decisions/0001-subject.md`, one after the other, each titled with its number.
pub fn decisions_are_numbered(tree: &Tree) -> Vec<String> {
    let folder = "docs/decisions/";
    let mut decisions: Vec<&File> = tree.files.iter().filter(|file| file.path.starts_with(folder)).collect();
    decisions.sort_by(|one, other| one.path.cmp(&other.path));
    let right = |(index, file): &(usize, &File)| {
        let number = index + 1;
        file.path.starts_with(&format!("{folder}{number:04}-")) && file.text.starts_with(&format!("# {number}. "))
    };
    let wrong = decisions.into_iter().enumerate().filter(|each| !right(each));
    wrong.map(|(index, file)| format!("{}: expected number {}", file.path, index + 1)).collect()
}

/// A newcomer who follows the walk-throughs finds the files.
pub fn the_architecture_names_real_files(tree: &Tree) -> Vec<String> {
    let pages = tree.files.iter().filter(|file| file.path == "docs/ARCHITECTURE.md");
    let named = pages.flat_map(|page| page.text.split('`').skip(1).step_by(2)).filter(|word| word.ends_with(".rs"));
    let there = |word: &str| tree.files.iter().any(|file| format!("/{}", file.path).ends_with(&format!("/{word}")));
    named.filter(|word| !there(word)).map(|word| format!("docs/ARCHITECTURE.md: there is no {word}")).collect()
}

/// What is here is finished, and every test runs.
pub fn nothing_is_left_unfinished(tree: &Tree) -> Vec<String> {
    let marks = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("#[ign", "ore"), concat!("todo", "!(")];
    lines_with(tree.files.iter().filter(|file| file.path.ends_with(".rs") || file.path.ends_with(".proto")), &marks)
}

fn in_kit(file: &File) -> bool {
    file.path.starts_with("services/shared/kit/src/")
}

/// Code that runs at a customer's: not tests, examples, benches or build scripts.
pub fn is_product(file: &File) -> bool {
    let inside = file.path.starts_with("services/") && file.path.contains("/src/");
    inside && !file.path.contains("/tests/") && !file.path.ends_with("tests.rs")
}

/// Lines that hold one of the words, comments included.
fn lines_with<'a>(files: impl Iterator<Item = &'a File>, words: &[&str]) -> Vec<String> {
    let mut findings = Vec::new();
    for file in files {
        let lines = file.text.lines().enumerate().filter(|(_, line)| words.iter().any(|word| line.contains(word)));
        findings.extend(lines.map(|(index, line)| format!("{}:{}: {}", file.path, index + 1, line.trim())));
    }
    findings
}

/// Lines of code that hold one of the words: a comment may speak of what code may not do.
fn code_with<'a>(files: impl Iterator<Item = &'a File>, words: &[&str]) -> Vec<String> {
    let comment = |finding: &String| finding.splitn(3, ':').nth(2).is_some_and(|text| text.trim().starts_with("//"));
    lines_with(files, words).into_iter().filter(|finding| !comment(finding)).collect()
}
