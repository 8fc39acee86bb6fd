//! Keys: read from the configuration, or in development made once and kept in the data folder.
//!
//! Invariant: two processes that start together on an empty folder end with the same keys; a key file is readable by
//! its owner alone.

use std::fs;
use std::io::{ErrorKind, Write as _};
use std::path::Path;

use anyhow::{Context as _, bail};
use serde::{Deserialize, Serialize};
use yiwang_ledger::Secrets;
use zeroize::Zeroizing;

use crate::config::{Config, Secret};
use crate::entropy;

/// The keys of the store.
pub fn secrets(config: &Config) -> anyhow::Result<Secrets> {
    let security = &config.security;
    let wrapping = named(security.wrapping_key.as_ref(), security.wrapping_key_file.as_deref())?;
    let lookup = named(security.lookup_key.as_ref(), security.lookup_key_file.as_deref())?;
    let (wrapping, lookup) = match (wrapping, lookup) {
        (Some(wrapping), Some(lookup)) => (wrapping, lookup),
        _ if config.is_production() => bail!("security.wrapping_key and security.lookup_key are needed in production"),
        (wrapping, lookup) => {
            let made = made(&config.data_dir)?;
            (wrapping.unwrap_or(Zeroizing::new(made.wrapping_key)), lookup.unwrap_or(Zeroizing::new(made.lookup_key)))
        }
    };
    let previous = named(security.previous_wrapping_key.as_ref(), security.previous_wrapping_key_file.as_deref())?;
    let previous = previous.map(|key| {
        entropy::from_hex(&key).context("security.previous_wrapping_key must be 16 bytes in hex (32 digits)")
    });
    Ok(Secrets {
        previous_wrapping_key: previous.transpose()?,
        wrapping_key: entropy::from_hex(&wrapping)
            .context("security.wrapping_key must be 16 bytes in hex (32 digits)")?,
        lookup_key: entropy::from_hex(&lookup).context("security.lookup_key must be 32 bytes in hex (64 digits)")?,
    })
}

fn named(value: Option<&Secret>, file: Option<&Path>) -> anyhow::Result<Option<Zeroizing<String>>> {
    match (value, file) {
        (Some(value), _) => Ok(Some(Zeroizing::new(value.expose().to_owned()))),
        (None, Some(path)) => {
            let text = fs::read_to_string(path).with_context(|| format!("key file {}", path.display()))?;
            Ok(Some(Zeroizing::new(text.trim().to_owned())))
        }
        (None, None) => Ok(None),
    }
}

#[derive(Serialize, Deserialize)]
struct Made {
    wrapping_key: String,
    lookup_key: String,
}

fn made(data_dir: &Path) -> anyhow::Result<Made> {
    let bytes = once(&data_dir.join("keys.json"), || {
        let made = Made {
            wrapping_key: entropy::hex(&entropy::random::<16>()),
            lookup_key: entropy::hex(&entropy::random::<32>()),
        };
        Ok(serde_json::to_vec_pretty(&made)?)
    })?;
    serde_json::from_slice(&bytes).context("keys.json in the data folder is damaged")
}

/// The file's content; where there is no file, what `make` gives is written first. Whoever comes second reads the
/// first one's: the whole file appears at once, by a hard link that fails where there is one already.
pub fn once(path: &Path, make: impl FnOnce() -> anyhow::Result<Vec<u8>>) -> anyhow::Result<Zeroizing<Vec<u8>>> {
    match fs::read(path) {
        Ok(bytes) => return Ok(Zeroizing::new(bytes)),
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(error).with_context(|| path.display().to_string()),
    }
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder).with_context(|| format!("data folder {}", folder.display()))?;
    let draft = folder.join(format!(".{}", entropy::new_request_id()));
    write_private(&draft, &Zeroizing::new(make()?))?;
    let linked = fs::hard_link(&draft, path);
    fs::remove_file(&draft)?;
    match linked {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => {
            Err(error).with_context(|| path.display().to_string())
        }
        _ => Ok(Zeroizing::new(fs::read(path)?)),
    }
}

/// Writes a file that only its owner may read.
pub fn write_private(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path).with_context(|| path.display().to_string())?;
    file.write_all(bytes)?;
    file.sync_all()?;
    Ok(())
}
