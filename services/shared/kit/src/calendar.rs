//! 工作日历: the years that operators add to those built in, one file a notice.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use yiwang_standards::calendar::Calendar;

/// The calendar with every file of the folder, in the order of their names.
pub fn load(dir: &Path) -> anyhow::Result<Calendar> {
    let mut calendar = Calendar::builtin().clone();
    for file in files(dir)? {
        let text = fs::read_to_string(&file).with_context(|| file.display().to_string())?;
        calendar = calendar.with_year(&text).with_context(|| file.display().to_string())?;
    }
    Ok(calendar)
}

/// The year files of a folder; a folder that is not there has none.
pub fn files(dir: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error).with_context(|| dir.display().to_string()),
    };
    let mut files: Vec<PathBuf> = entries
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "csv"))
        .collect();
    files.sort();
    Ok(files)
}

/// Checks a year file against the calendar in force and puts it into the folder, where every process finds it. The
/// same file twice is no error; other days for years that are there already are one, for what was computed on them stands.
/// Answers the years that the file added.
pub fn import(dir: &Path, file: &Path) -> anyhow::Result<Vec<i32>> {
    let text = fs::read_to_string(file).with_context(|| file.display().to_string())?;
    let before = load(dir)?;
    let after = before.with_year(&text).with_context(|| file.display().to_string())?;
    let added: Vec<i32> = after.covered_years().filter(|year| !before.covers(*year)).collect();
    if after == before {
        return Ok(added);
    }
    if added.is_empty() {
        bail!("{}: 年度已在日历中，但日期不同 / its years are there already, with other days", file.display());
    }
    let name = added.iter().map(i32::to_string).collect::<Vec<_>>().join("-");
    let target = dir.join(format!("{name}.csv"));
    if target.exists() {
        bail!("{} is there already", target.display());
    }
    fs::create_dir_all(dir)?;
    let draft = dir.join(format!(".{name}.draft"));
    fs::write(&draft, &text)?;
    fs::rename(&draft, &target)?;
    Ok(added)
}
