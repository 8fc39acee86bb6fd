//! Redis and the store of files: where replicas meet, apart from the database.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::DatabaseUrl;

/// How Redis is run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RedisMode {
    /// One server.
    #[default]
    Single,
    /// A master that Sentinels name.
    Sentinel,
    /// Redis Cluster.
    Cluster,
}

/// What replicas share and may lose. Without addresses each process keeps it for itself, as one process may.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RedisConfig {
    /// `single`, `sentinel` or `cluster`.
    pub mode: RedisMode,
    /// `redis://…` or `rediss://…`; of Sentinels or of some nodes of a cluster several, separated by commas.
    pub urls: RedisUrls,
    /// Name of the master, where Sentinels are asked.
    pub sentinel_master: String,
    /// How long an answer to a public read may be shown again, in milliseconds.
    pub cache_ms: u64,
}

impl Default for RedisConfig {
    fn default() -> Self {
        Self {
            mode: RedisMode::Single,
            urls: RedisUrls::default(),
            sentinel_master: "mymaster".into(),
            cache_ms: 2_000,
        }
    }
}

/// Addresses, their passwords secret.
#[derive(Clone, Debug, Default)]
pub struct RedisUrls(Vec<DatabaseUrl>);

impl RedisUrls {
    /// Each address with its password. Not for logs.
    pub fn expose(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(DatabaseUrl::expose)
    }
}

impl Serialize for RedisUrls {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let masked: Vec<String> = self.0.iter().map(DatabaseUrl::masked).collect();
        serializer.serialize_str(&masked.join(","))
    }
}

impl<'de> Deserialize<'de> for RedisUrls {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let urls = text.split(',').map(str::trim).filter(|one| !one.is_empty());
        Ok(Self(urls.map(DatabaseUrl::new).collect()))
    }
}

/// Where attachments are kept.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StorageConfig {
    /// `file:///srv/yiwang` or `s3://bucket/prefix` (credentials in `AWS_ACCESS_KEY_ID` and the like, as usual there); absent: below
    /// `data_dir`. Replicas share one.
    pub url: Option<String>,
}
