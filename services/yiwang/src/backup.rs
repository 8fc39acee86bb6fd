//! `yiwang backup`: the data folder copied while `yiwang up` works on it. What comes back from the copy is whole.
//!
//! Invariant: files before the ledgers and again after them, so that no entry of a copied ledger names a file that is not there; the
//! copy has its name only when all of it is on the disk.
#![expect(clippy::print_stdout, reason = "this is the command's answer")]

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use yiwang_kit::Config;
use yiwang_kit::config::SERVICES;
use yiwang_kit::ledger::Backup;

/// Copies the data folder to a folder that is not there yet.
pub async fn run(config: &Config, to: &Path) -> anyhow::Result<()> {
    let data = &config.data_dir;
    let kept: Vec<&str> = SERVICES.into_iter().filter(|name| data.join(name).is_dir()).collect();
    if let Some(name) = SERVICES.into_iter().find(|name| on_postgres(config, name)) {
        bail!("{name} 用 PostgreSQL，请按 docs/operations.md 备份 / {name} is on PostgreSQL: see docs/operations.md");
    }
    if kept.is_empty() {
        bail!("{} 中没有账本 / there is no ledger in {0}", data.display());
    }
    let partial = partial(to)?;
    if to.exists() || partial.exists() {
        bail!("{} 或 {} 已存在，请另选 / one of them is there already: name another", to.display(), partial.display());
    }
    fs::create_dir_all(&partial).with_context(|| partial.display().to_string())?;
    private(&partial)?;
    if fs::canonicalize(&partial)?.starts_with(fs::canonicalize(data)?) {
        fs::remove_dir(&partial)?;
        bail!("备份不能放在数据目录之内 / a backup cannot be kept inside the data folder {}", data.display());
    }
    if let Err(error) = copy_all(config, &kept, &partial).await {
        fs::remove_dir_all(&partial)?;
        return Err(error);
    }
    fs::rename(&partial, to)?;
    sync(to.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new(".")))?;
    println!("备份完成 · the backup is whole: {}", to.display());
    if let Some(url) = &config.storage.url {
        println!("附件在 {url}，须另行备份 · attachments are kept there: back them up apart");
    }
    println!("配置中另行指定的密钥不在其中 · keys that the configuration names elsewhere are not in it");
    Ok(())
}

async fn copy_all(config: &Config, kept: &[&str], to: &Path) -> anyhow::Result<()> {
    let data = &config.data_dir;
    let mut ledgers = Vec::new();
    for name in kept {
        fs::create_dir(to.join(name))?;
        let begun = Backup::begin(&data.join(name), name).await;
        ledgers.push((name, begun.with_context(|| format!("账本 {name} / the ledger of {name}"))?));
    }
    // a file that is taken out meanwhile is in the copy all the same
    for name in kept {
        copy_folders(&data.join(name), &to.join(name))?;
    }
    // receivers before senders: what a sender in the copy has not told yet, no receiver in the copy has heard
    for (name, ledger) in ledgers.into_iter().rev() {
        let head = ledger.copy(&to.join(name)).await?;
        println!("{name:<11} {:>9} 条记录 · entries", head.position);
    }
    copy_missing(data, to)?;
    sync(to)
}

fn on_postgres(config: &Config, name: &str) -> bool {
    matches!(config.database(name), yiwang_kit::ledger::Database::Postgres { .. })
}

fn partial(to: &Path) -> anyhow::Result<PathBuf> {
    let name = to.file_name().context("请指明备份目录 / name the folder of the backup")?;
    let mut name = name.to_owned();
    name.push(".partial");
    Ok(to.with_file_name(name))
}

/// The folders of a service, where it keeps files.
fn copy_folders(from: &Path, to: &Path) -> anyhow::Result<()> {
    for (path, is_folder) in listed(from)? {
        if is_folder {
            copy_missing(&path, &to.join(path.file_name().unwrap_or_default()))?;
        }
    }
    Ok(())
}

/// Every file but the ledgers' own and those that are being written, where the copy has none of the name. A file moves out of
/// `incoming` and never into it: that folder is gone through first, so that it is met in one place or the other.
fn copy_missing(from: &Path, to: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(to)?;
    for (path, is_folder) in listed(from)? {
        let target = to.join(path.file_name().unwrap_or_default());
        if is_folder {
            copy_missing(&path, &target)?;
        } else if !target.exists() && !is_passed_over(&path) {
            match fs::copy(&path, &target) {
                Ok(_) => File::open(&target)?.sync_all()?,
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(error).with_context(|| path.display().to_string()),
            }
        }
    }
    sync(to)
}

fn listed(folder: &Path) -> anyhow::Result<Vec<(PathBuf, bool)>> {
    let mut all = Vec::new();
    for one in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let one = one?;
        all.push((one.path(), one.file_type()?.is_dir()));
    }
    all.sort_by_key(|(path, _)| path.file_name() != Some(OsStr::new("incoming")));
    Ok(all)
}

fn is_passed_over(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let ending = [".db", ".db-wal", ".db-shm", ".lock"].iter().any(|end| name.ends_with(end));
    // the last: a file that the object store has not finished, or a key that is being made
    ending || name.contains('#') || name.starts_with('.')
}

fn sync(folder: &Path) -> anyhow::Result<()> {
    File::open(folder)?.sync_all().with_context(|| folder.display().to_string())
}

/// Keys and personal data are in it.
fn private(folder: &Path) -> anyhow::Result<()> {
    #[cfg(unix)]
    fs::set_permissions(folder, std::os::unix::fs::PermissionsExt::from_mode(0o700))?;
    let _ = folder;
    Ok(())
}
