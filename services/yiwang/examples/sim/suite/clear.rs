//! Personal data in clear: every byte that the installation keeps is searched for what was planted.

use std::path::Path;
use std::process::Command;

use anyhow::ensure;
use yiwang_kit::Config;
use yiwang_kit::config::SERVICES;

use super::people::{Citizen, MARK};

/// Places in which something that was planted stands in clear.
///
/// # Errors
/// Where a place cannot be read, or where nothing is sealed: then it is the wrong place.
pub fn found(config: &Config, citizens: &[Citizen]) -> anyhow::Result<Vec<String>> {
    let mut places = Vec::new();
    walk(&config.data_dir, &mut places)?;
    if let Some(url) = &config.database_url {
        places.push(("the database".into(), dump(url.expose(), config)?));
    }
    let mut findings = Vec::new();
    let mut sealed = false;
    for (place, bytes) in &places {
        // as text, what is none replaced: what was planted is text
        let text = String::from_utf8_lossy(bytes);
        sealed |= text.contains("sealed");
        if text.contains(MARK) {
            findings.push(format!("{place}: a name, an address or somebody's words"));
        }
        // the seed's numbers of a kind begin alike: most places hold none of them
        let beginnings = citizens.iter().take(1).flat_map(Citizen::planted).map(|number| &number[..7]);
        for beginning in beginnings.filter(|beginning| text.contains(beginning)) {
            let planted = citizens.iter().flat_map(Citizen::planted).filter(|number| number.starts_with(beginning));
            let there = planted.filter(|number| text.contains(number));
            findings.extend(there.map(|number| format!("{place}: the number {number}")));
        }
    }
    ensure!(sealed, "nothing is sealed in {}: looked in the wrong places", config.data_dir.display());
    Ok(findings)
}

fn walk(folder: &Path, places: &mut Vec<(String, Vec<u8>)>) -> anyhow::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            walk(&path, places)?;
        } else {
            places.push((path.display().to_string(), std::fs::read(&path)?));
        }
    }
    Ok(())
}

fn schemas(config: &Config) -> impl Iterator<Item = String> {
    SERVICES.into_iter().filter_map(|service| config.service(service)?.schema.clone())
}

fn dump(url: &str, config: &Config) -> anyhow::Result<Vec<u8>> {
    let only = schemas(config).map(|schema| format!("--schema={schema}"));
    let dump = Command::new("pg_dump")
        .args(["--data-only", "--inserts", "--rows-per-insert=100"])
        .args(only)
        .arg(url)
        .output()?;
    ensure!(dump.status.success(), "pg_dump: {}", String::from_utf8_lossy(&dump.stderr));
    Ok(readable(dump.stdout))
}

/// A dump with its `\x…` byte strings decoded behind it, so that a number inside one is found.
fn readable(mut dump: Vec<u8>) -> Vec<u8> {
    let text = String::from_utf8_lossy(&dump).into_owned();
    for part in text.split("'\\x").skip(1) {
        let hex = part.split('\'').next().unwrap_or_default();
        let digit = |byte: u8| char::from(byte).to_digit(16).unwrap_or(0) as u8;
        dump.extend(hex.as_bytes().chunks_exact(2).map(|two| (digit(two[0]) << 4) | digit(two[1])));
    }
    dump
}

/// Takes the schemas of a world away.
pub fn drop_schemas(config: &Config) -> anyhow::Result<()> {
    let Some(url) = &config.database_url else { return Ok(()) };
    let all = schemas(config).collect::<Vec<_>>().join(", ");
    let sql = format!("DROP SCHEMA IF EXISTS {all} CASCADE");
    let run = Command::new("psql").args(["--quiet", "--no-psqlrc", "--command", &sql, url.expose()]).output()?;
    ensure!(run.status.success(), "psql: {}", String::from_utf8_lossy(&run.stderr));
    Ok(())
}
