//! The one typed configuration: defaults, then a TOML file, then the environment (`YIWANG__INTAKE__DATABASE_URL`).
//!
//! Invariant: a key that nobody reads is refused by its name, wherever it was written, and no secret is ever printed.

mod check;
mod load;
mod render;
mod secret;
mod shared;

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

pub use check::ConfigRefused;
pub use load::{ConfigError, Sources};
pub use secret::{DatabaseUrl, Secret};
pub use shared::{RedisConfig, RedisMode, RedisUrls, StorageConfig};

/// The names of the services that keep a ledger, in the order in which a case passes them.
pub const SERVICES: [&str; 5] = ["intake", "approval", "license", "evaluation", "trading"];

/// What one process, or several of the same installation, are told.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// `development` or `production`. Production refuses what is only good for trying out.
    pub mode: Mode,
    /// Where databases, attachments and, in development, keys are kept.
    pub data_dir: PathBuf,
    /// Folder of the files that name who is asked outside (`departments.toml`, `carriers.toml`, `payments.toml`,
    /// `notifications.toml`), watched; absent: `data_dir`.
    pub outside_dir: Option<PathBuf>,
    /// Where the gateway, or `yiwang up`, listens: `127.0.0.1:8080`.
    pub listen: String,
    /// 行政区划代码 (GB/T 2260, 12 digits) of the place this installation serves.
    pub region: String,
    /// PostgreSQL for every service that names none of its own; absent: SQLite below `data_dir`.
    pub database_url: Option<DatabaseUrl>,
    /// 综合受理.
    pub intake: ServiceConfig,
    /// 行政审批.
    pub approval: ServiceConfig,
    /// 电子证照.
    pub license: ServiceConfig,
    /// 好差评.
    pub evaluation: ServiceConfig,
    /// 公共资源交易.
    pub trading: ServiceConfig,
    /// Who signs tokens, and how they are checked.
    pub identity: IdentityConfig,
    /// Keys of the store and of the seals.
    pub security: SecurityConfig,
    /// What is too much or takes too long.
    pub limits: Limits,
    /// Logs, metrics, traces.
    pub telemetry: TelemetryConfig,
    /// What replicas share and may lose.
    pub redis: RedisConfig,
    /// Where attachments are kept.
    pub storage: StorageConfig,
    /// 工作日历.
    pub calendar: CalendarConfig,
    /// The catalogue that ships with the product.
    pub catalogue: CatalogueConfig,
    /// 文书.
    pub documents: DocumentsConfig,
}

/// What the process is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Trying out, tests, the demonstration.
    #[default]
    Development,
    /// Real people's cases.
    Production,
}

/// One service: where its ledger is kept and where the others reach it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ServiceConfig {
    /// Its PostgreSQL, instead of the common `database_url`.
    pub database_url: Option<DatabaseUrl>,
    /// Its schema in that database; absent: the service's name.
    pub schema: Option<String>,
    /// Where the other processes reach it: `http://intake:50051`.
    pub address: Option<String>,
    /// Where its own process listens: `0.0.0.0:50051`.
    pub listen: Option<String>,
}

/// Signature algorithm of tokens. One is pinned; a token signed with another is refused whatever its header says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum TokenAlgorithm {
    /// Ed25519.
    #[default]
    EdDSA,
    /// ECDSA on P-256 with SHA-256.
    ES256,
}

/// Who signs tokens, and how they are checked.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct IdentityConfig {
    /// `iss` of every token.
    pub issuer: String,
    /// `aud` of every token.
    pub audience: String,
    /// The pinned algorithm.
    pub algorithm: TokenAlgorithm,
    /// Public keys of the identity provider: a path or an `https` address of a JWKS.
    pub jwks: Option<String>,
    /// Public keys of the services themselves: a path or an `https` address of a JWKS.
    pub service_jwks: Option<String>,
    /// Private key (PKCS#8 PEM) with which this process signs its own short-lived service tokens.
    pub service_key_file: Option<PathBuf>,
    /// The issuer with demonstration accounts; absent: yes in development, no in production.
    pub development_issuer: Option<bool>,
}

/// Keys of the store and of the seals. In development the absent ones are made once and kept in `data_dir`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SecurityConfig {
    /// Wraps the subjects' keys: 16 bytes in hex.
    pub wrapping_key: Option<Secret>,
    /// The same in a file.
    pub wrapping_key_file: Option<PathBuf>,
    /// To change the wrapping key: the other one, old or new, which opens and wraps nothing. Start every replica with the new key
    /// here, then with the two exchanged: each wraps what it finds anew as it starts. Once a start has found none (the log
    /// says how many), leave it out.
    pub previous_wrapping_key: Option<Secret>,
    /// The same in a file.
    pub previous_wrapping_key_file: Option<PathBuf>,
    /// Makes keyed hashes of numbers: 32 bytes in hex. Never rotated.
    pub lookup_key: Option<Secret>,
    /// The same in a file.
    pub lookup_key_file: Option<PathBuf>,
    /// SM2 private key (PKCS#8 PEM) that seals licences; read by the licence service.
    pub seal_key_file: Option<PathBuf>,
    /// Certificate authority (PEM) by which `https` addresses of other services are checked.
    pub ca_file: Option<PathBuf>,
    /// Certificate chain (PEM) of our own listeners, read again when it changes; absent: they speak in clear.
    pub tls_cert_file: Option<PathBuf>,
    /// Its private key (PEM).
    pub tls_key_file: Option<PathBuf>,
}

/// What is too much or takes too long.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Largest message in bytes, request or part of a stream: at most 4 MB.
    pub message_bytes: usize,
    /// Deadline of a call that names none, in milliseconds.
    pub deadline_ms: u64,
    /// Longest deadline that a caller may ask for, in milliseconds.
    pub deadline_max_ms: u64,
    /// Calls at work in one service, and at the gateway, at a time; more are refused, not queued. Once half are at work, one
    /// caller may have an eighth.
    pub concurrency: usize,
    /// Requests of one caller through the gateway a minute, over all replicas; 0: as many as come.
    pub calls_per_minute: u64,
    /// Largest attachment in bytes.
    pub attachment_bytes: u64,
    /// How long the process, once told to stop, says so at its health and `/readyz` and answers all the same, in milliseconds:
    /// longer than whoever stands in front takes to notice. 0 where it is taken out before it is told.
    pub leave_ms: u64,
    /// How long the process then waits for calls at work, in milliseconds.
    pub drain_ms: u64,
}

/// Shape of the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// For machines, one object a line.
    Json,
}

/// Logs, to stderr; metrics, to whoever asks; traces, to a collector.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TelemetryConfig {
    /// `text` or `json`.
    pub format: LogFormat,
    /// `info,sqlx=warn`, or other directives.
    pub level: String,
    /// Where `/metrics` and, in clear, `grpc.health.v1` are answered: `0.0.0.0:9464`; absent: nowhere.
    pub metrics_listen: Option<String>,
    /// Collector of traces (OTLP over gRPC): `http://collector:4317`; absent: traces are told to nobody.
    pub otlp_endpoint: Option<String>,
    /// Share of traces that are told, 0 to 1; whoever calls with a sampled trace is told whole.
    pub trace_share: f64,
}

/// 工作日历: the years beyond those built in.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CalendarConfig {
    /// Folder of year files, watched; absent: `calendar` below `data_dir`.
    pub dir: Option<PathBuf>,
}

/// The catalogue that ships with the product: real items of one place, and the themes made of them.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CatalogueConfig {
    /// The items that come into force at a start, and the themes that can be made of them alone: `*` for all, or the beginnings
    /// of codes, separated by commas; empty for none, where a place keeps its own. What is in force already stays.
    pub shipped: String,
}

/// 文书 and guides: where their QR codes lead, and what documents are set in.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DocumentsConfig {
    /// The gateway's address as the public reaches it, `https://zwfw.example.gov.cn`: QR codes lead there, and what was issued keeps
    /// it. Absent: `http://` and `listen`, good for trying out.
    pub public_url: Option<String>,
    /// A font (TTF or OTF) instead of the one that ships with the product.
    pub font: Option<PathBuf>,
    /// A font for the characters that the first one lacks.
    pub fallback_font: Option<PathBuf>,
}

impl Default for CatalogueConfig {
    fn default() -> Self {
        Self { shipped: "*".into() }
    }
}

impl CatalogueConfig {
    /// Whether an item of this code comes in.
    pub fn ships(&self, item_code: &str) -> bool {
        let mut named = self.shipped.split(',').map(str::trim).filter(|beginning| !beginning.is_empty());
        named.any(|beginning| beginning == "*" || item_code.starts_with(beginning))
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            mode: Mode::Development,
            data_dir: PathBuf::from("yiwang-data"),
            listen: "127.0.0.1:8080".into(),
            outside_dir: None,
            region: "511602000000".into(),
            database_url: None,
            intake: ServiceConfig::default(),
            approval: ServiceConfig::default(),
            license: ServiceConfig::default(),
            evaluation: ServiceConfig::default(),
            trading: ServiceConfig::default(),
            identity: IdentityConfig::default(),
            security: SecurityConfig::default(),
            limits: Limits::default(),
            telemetry: TelemetryConfig::default(),
            redis: RedisConfig::default(),
            storage: StorageConfig::default(),
            calendar: CalendarConfig::default(),
            catalogue: CatalogueConfig::default(),
            documents: DocumentsConfig::default(),
        }
    }
}

impl Default for IdentityConfig {
    fn default() -> Self {
        Self {
            issuer: "https://identity.yiwang.example".into(),
            audience: "yiwang".into(),
            algorithm: TokenAlgorithm::EdDSA,
            jwks: None,
            service_jwks: None,
            service_key_file: None,
            development_issuer: None,
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            message_bytes: 1024 * 1024,
            deadline_ms: 15_000,
            deadline_max_ms: 120_000,
            concurrency: 512,
            calls_per_minute: 0,
            attachment_bytes: 20 * 1024 * 1024,
            leave_ms: 1_000,
            drain_ms: 20_000,
        }
    }
}

impl Default for TelemetryConfig {
    fn default() -> Self {
        Self {
            format: LogFormat::Text,
            level: "info,sqlx=warn".into(),
            metrics_listen: None,
            otlp_endpoint: None,
            trace_share: 1.0,
        }
    }
}

impl Config {
    /// Whether real people's cases are at stake.
    pub fn is_production(&self) -> bool {
        self.mode == Mode::Production
    }

    /// Whether the issuer with demonstration accounts is on.
    pub fn development_issuer(&self) -> bool {
        self.identity.development_issuer.unwrap_or(!self.is_production())
    }

    /// The section of a service; `None` for a name that is none.
    pub fn service(&self, name: &str) -> Option<&ServiceConfig> {
        match name {
            "intake" => Some(&self.intake),
            "approval" => Some(&self.approval),
            "license" => Some(&self.license),
            "evaluation" => Some(&self.evaluation),
            "trading" => Some(&self.trading),
            _ => None,
        }
    }

    /// Where a service keeps its ledger.
    pub fn database(&self, name: &str) -> yiwang_ledger::Database {
        let section = self.service(name);
        match section.and_then(|s| s.database_url.as_ref()).or(self.database_url.as_ref()) {
            Some(url) => yiwang_ledger::Database::Postgres {
                url: url.expose().to_owned(),
                schema: section.and_then(|s| s.schema.clone()).unwrap_or_else(|| name.to_owned()),
            },
            None => yiwang_ledger::Database::Sqlite { dir: self.data_dir.join(name) },
        }
    }

    /// Where a service's own process listens.
    pub fn service_listen(&self, name: &str) -> String {
        let port = 50_051 + SERVICES.iter().position(|service| *service == name).unwrap_or(SERVICES.len());
        self.service(name).and_then(|s| s.listen.clone()).unwrap_or_else(|| format!("127.0.0.1:{port}"))
    }

    /// Where the others reach a service.
    pub fn service_address(&self, name: &str) -> String {
        self.service(name)
            .and_then(|s| s.address.clone())
            .unwrap_or_else(|| format!("http://{}", self.service_listen(name)))
    }

    /// The gateway's address as the public reaches it, without a slash at its end.
    pub fn public_url(&self) -> String {
        let url = self.documents.public_url.clone().unwrap_or_else(|| format!("http://{}", self.listen));
        url.trim_end_matches('/').to_owned()
    }

    /// A file that names who is asked outside.
    pub fn outside(&self, file: &str) -> PathBuf {
        self.outside_dir.as_ref().unwrap_or(&self.data_dir).join(file)
    }

    /// Folder of calendar year files.
    pub fn calendar_dir(&self) -> PathBuf {
        self.calendar.dir.clone().unwrap_or_else(|| self.data_dir.join("calendar"))
    }
}
