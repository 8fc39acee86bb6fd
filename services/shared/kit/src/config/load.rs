//! Reading the configuration from its three sources.

use std::collections::HashMap;
use std::path::PathBuf;

use config::{Environment, File, FileFormat, Value, ValueKind};

use super::{Config, check::ConfigRefused};

/// Where the configuration is read from, besides the defaults.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// The file; absent: `yiwang.toml` in the data folder, if there is one.
    pub file: Option<PathBuf>,
    /// What the command line says, dotted keys; stronger than everything else.
    pub overrides: Vec<(&'static str, String)>,
    /// Instead of the process's environment (tests).
    pub environment: Option<HashMap<String, String>>,
}

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A key that nobody reads.
    #[error("配置项 {key} 不存在（来源：{origin}）/ unknown configuration key `{key}` (from {origin}){hint}")]
    UnknownKey {
        /// The whole dotted key.
        key: String,
        /// The file or the environment.
        origin: String,
        /// A key like it, if there is one.
        hint: String,
    },
    /// A value of the wrong kind, or a file that is not TOML.
    #[error("配置无法读取 / the configuration cannot be read: {0}")]
    Unreadable(#[from] config::ConfigError),
    /// Values that do not go together.
    #[error(transparent)]
    Refused(#[from] ConfigRefused),
}

const PREFIX: &str = "YIWANG";

impl Config {
    /// Reads and checks the configuration.
    pub fn load(sources: Sources) -> Result<Self, ConfigError> {
        let environment = Environment::with_prefix(PREFIX)
            .prefix_separator("__")
            .separator("__")
            .source(sources.environment.clone().map(|map| map.into_iter().collect()));
        let file = match &sources.file {
            Some(path) => File::from(path.clone()).format(FileFormat::Toml).required(true),
            None => File::from(data_dir(&sources, &environment)?.join("yiwang.toml"))
                .format(FileFormat::Toml)
                .required(false),
        };
        let mut builder = config::Config::builder().add_source(file).add_source(environment);
        for (key, value) in &sources.overrides {
            builder = builder.set_override(*key, value.as_str())?;
        }
        let read = builder.build()?;
        refuse_unknown(&read)?;
        let config: Config = read.try_deserialize()?;
        config.check()?;
        Ok(config)
    }
}

/// The data folder as the command line or the environment name it: the file may lie in it.
fn data_dir(sources: &Sources, environment: &Environment) -> Result<PathBuf, ConfigError> {
    if let Some((_, dir)) = sources.overrides.iter().find(|(key, _)| *key == "data_dir") {
        return Ok(PathBuf::from(dir));
    }
    let named = config::Config::builder().add_source(environment.clone()).build()?;
    Ok(named.get_string("data_dir").map_or_else(|_| Config::default().data_dir, PathBuf::from))
}

/// Every key must be one of the defaults' keys; the refusal names the whole key and where it was written.
fn refuse_unknown(read: &config::Config) -> Result<(), ConfigError> {
    let known = serde_json::to_value(Config::default()).unwrap_or_default();
    let mut path = Vec::new();
    walk(&read.cache, &known, &mut path)
}

fn walk(value: &Value, known: &serde_json::Value, path: &mut Vec<String>) -> Result<(), ConfigError> {
    let (ValueKind::Table(table), serde_json::Value::Object(fields)) = (&value.kind, known) else { return Ok(()) };
    let mut keys: Vec<_> = table.keys().collect();
    keys.sort();
    for key in keys {
        path.push(key.clone());
        let Some(known) = fields.get(key) else {
            return Err(ConfigError::UnknownKey {
                key: path.join("."),
                origin: table[key].origin().unwrap_or("the command line").to_owned(),
                hint: nearest(key, fields.keys()).map_or_else(String::new, |near| format!("; did you mean `{near}`?")),
            });
        };
        walk(&table[key], known, path)?;
        path.pop();
    }
    Ok(())
}

/// The known key that shares most letters, if it is near enough to be what was meant.
fn nearest<'a>(key: &str, known: impl Iterator<Item = &'a String>) -> Option<&'a String> {
    known
        .map(|candidate| (distance(key, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= candidate.len() / 3)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Levenshtein distance.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.chars().enumerate() {
        let mut previous = row[0];
        row[0] = i + 1;
        for (j, cb) in b.iter().enumerate() {
            let replaced = previous + usize::from(ca != *cb);
            previous = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(row[j + 1] + 1);
        }
    }
    row[b.len()]
}
