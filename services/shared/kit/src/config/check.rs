//! Values that do not go together, and what production refuses.

use super::{Config, Mode};

/// Why a configuration that can be read is not accepted.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ConfigRefused {
    /// The demonstration accounts are nobody.
    #[error(
        "生产模式不得启用开发签发者 / production refuses identity.development_issuer: tokens must come from the identity provider"
    )]
    DevelopmentIssuer,
    /// A key or address that production cannot do without.
    #[error("生产模式必须配置 {0} / production needs `{0}`; it is made up only in development")]
    Missing(&'static str),
    /// Public keys over a line on which anybody may change them.
    #[error("生产模式下 {0} 必须是文件或 https 地址 / production refuses `{0}` over plain http: use https or a file")]
    PlainHttp(&'static str),
    /// A database that may forget what it has answered.
    #[error(
        "数据库关闭了落盘（fsync 或 synchronous_commit），不得启用 / refused: the database address turns durability off"
    )]
    NotDurable,
    /// A number that makes no sense.
    #[error("配置项 {0} 的取值不合理 / `{0}` must be {1}")]
    OutOfRange(&'static str, &'static str),
}

impl Config {
    pub(super) fn check(&self) -> Result<(), ConfigRefused> {
        self.check_ranges()?;
        if self.database_urls().any(turns_durability_off) {
            return Err(ConfigRefused::NotDurable);
        }
        match self.mode {
            Mode::Development => Ok(()),
            Mode::Production => self.check_production(),
        }
    }

    fn check_ranges(&self) -> Result<(), ConfigRefused> {
        let limits = &self.limits;
        let fits = [
            (self.region.len() == 12 && self.region.bytes().all(|b| b.is_ascii_digit()), "region", "12 digits"),
            // Above, tonic's own limit would answer first, and otherwise.
            ((16 * 1024..=4 * 1024 * 1024).contains(&limits.message_bytes), "limits.message_bytes", "16 kB to 4 MB"),
            (
                (1..=limits.deadline_max_ms).contains(&limits.deadline_ms),
                "limits.deadline_ms",
                "1 to limits.deadline_max_ms",
            ),
            ((1..=100_000).contains(&limits.concurrency), "limits.concurrency", "1 to 100000"),
            (limits.attachment_bytes <= 1024 * 1024 * 1024, "limits.attachment_bytes", "at most 1 GB"),
            (limits.leave_ms <= 600_000, "limits.leave_ms", "at most ten minutes"),
            (limits.drain_ms <= 600_000, "limits.drain_ms", "at most ten minutes"),
            ((0.0..=1.0).contains(&self.telemetry.trace_share), "telemetry.trace_share", "0 to 1"),
            ((1..=60_000).contains(&self.redis.cache_ms), "redis.cache_ms", "1 to 60000"),
            (
                self.documents.public_url.as_deref().is_none_or(is_web_address),
                "documents.public_url",
                "an http or https address of at most 200 characters",
            ),
            (
                self.security.tls_cert_file.is_some() == self.security.tls_key_file.is_some(),
                "security.tls_cert_file",
                "set together with security.tls_key_file",
            ),
        ];
        match fits.into_iter().find(|(fits, _, _)| !fits) {
            Some((_, key, range)) => Err(ConfigRefused::OutOfRange(key, range)),
            None => Ok(()),
        }
    }

    fn check_production(&self) -> Result<(), ConfigRefused> {
        if self.development_issuer() {
            return Err(ConfigRefused::DevelopmentIssuer);
        }
        let (identity, security) = (&self.identity, &self.security);
        let needed = [
            (identity.jwks.is_some(), "identity.jwks"),
            (identity.service_jwks.is_some(), "identity.service_jwks"),
            (identity.service_key_file.is_some(), "identity.service_key_file"),
            (security.wrapping_key.is_some() || security.wrapping_key_file.is_some(), "security.wrapping_key_file"),
            (security.lookup_key.is_some() || security.lookup_key_file.is_some(), "security.lookup_key_file"),
            (security.seal_key_file.is_some(), "security.seal_key_file"),
            (self.documents.public_url.is_some(), "documents.public_url"),
        ];
        if let Some((_, key)) = needed.into_iter().find(|(there, _)| !there) {
            return Err(ConfigRefused::Missing(key));
        }
        let plain = |source: &Option<String>| source.as_deref().is_some_and(|s| s.starts_with("http://"));
        if plain(&identity.jwks) {
            return Err(ConfigRefused::PlainHttp("identity.jwks"));
        }
        if plain(&identity.service_jwks) {
            return Err(ConfigRefused::PlainHttp("identity.service_jwks"));
        }
        Ok(())
    }

    fn database_urls(&self) -> impl Iterator<Item = &str> {
        let own = super::SERVICES.iter().filter_map(|name| self.service(name)?.database_url.as_ref());
        self.database_url.iter().chain(own).map(|url| url.expose())
    }
}

/// Somewhere that a QR code can lead to.
fn is_web_address(url: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'?' | b'#');
    ["https://", "http://"].iter().any(|scheme| url.strip_prefix(scheme).is_some_and(|rest| !rest.is_empty()))
        && url.len() <= 200
        && url.bytes().all(plain)
}

/// A connection option that would make the database answer before it has written.
fn turns_durability_off(url: &str) -> bool {
    let url = url.to_ascii_lowercase();
    ["fsync=off", "fsync%3doff", "synchronous_commit=off", "synchronous_commit%3doff"].iter().any(|o| url.contains(o))
}
