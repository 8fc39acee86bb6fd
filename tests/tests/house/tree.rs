//! The tree that the rules look at: the workspace's crates with their dependencies, and the text of every file that git
//! knows or would take.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// A crate of the workspace.
pub struct Crate {
    pub name: String,
    /// Names of what it depends on, for whatever purpose: normal, build and development.
    pub imports: Vec<String>,
}

/// A file, its path from the top with forward slashes. Files that are not text read as empty.
pub struct File {
    pub path: String,
    pub text: String,
}

/// What a rule may look at.
#[derive(Default)]
pub struct Tree {
    pub crates: Vec<Crate>,
    pub files: Vec<File>,
}

impl Tree {
    /// This project, as it lies on disk.
    pub fn read() -> Self {
        let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        Tree { crates: read_crates(&top), files: read_files(&top) }
    }

    /// A tree of one crate with one import.
    pub fn with_import(name: &str, import: &str) -> Self {
        let one = Crate { name: name.to_owned(), imports: vec![import.to_owned()] };
        Tree { crates: vec![one], files: Vec::new() }
    }

    /// A tree of one file.
    pub fn with_file(path: &str, text: &str) -> Self {
        Tree { crates: Vec::new(), files: vec![File { path: path.to_owned(), text: text.to_owned() }] }
    }

    /// The files whose path ends so.
    pub fn ending(&self, suffix: &'static str) -> impl Iterator<Item = &File> {
        self.files.iter().filter(move |file| file.path.ends_with(suffix))
    }
}

fn output(top: &Path, program: &str, arguments: &[&str]) -> Vec<u8> {
    let run = Command::new(program).args(arguments).current_dir(top).output().expect("the program starts");
    assert!(run.status.success(), "{program}: {}", String::from_utf8_lossy(&run.stderr));
    run.stdout
}

fn read_crates(top: &Path) -> Vec<Crate> {
    let text = output(top, env!("CARGO"), &["metadata", "--no-deps", "--offline", "--format-version", "1"]);
    let metadata: Value = serde_json::from_slice(&text).expect("cargo metadata is JSON");
    let packages = metadata["packages"].as_array().expect("packages");
    let name = |value: &Value| value["name"].as_str().expect("a name").to_owned();
    let imports =
        |package: &Value| package["dependencies"].as_array().expect("dependencies").iter().map(name).collect();
    packages.iter().map(|package| Crate { name: name(package), imports: imports(package) }).collect()
}

fn read_files(top: &Path) -> Vec<File> {
    let list = output(top, "git", &["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
    let paths = String::from_utf8(list).expect("paths are UTF-8");
    let read = |path: &str| File {
        path: path.to_owned(),
        text: std::fs::read_to_string::<PathBuf>(top.join(path)).unwrap_or_default(),
    };
    paths.split('\0').filter(|path| !path.is_empty() && top.join(path).is_file()).map(read).collect()
}
