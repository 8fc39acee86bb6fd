//! A PostgreSQL that answers before the disk has what it was given.

use std::path::Path;
use std::process::Command;

use anyhow::ensure;
use tempfile::TempDir;
use yiwang_tests::cluster::Cluster;
use yiwang_tests::process::binary;

/// `yiwang migrate` opens the ledgers as every start does.
pub async fn fsync_off() -> anyhow::Result<String> {
    let cluster = Cluster::start(&["fsync = off"]).await?;
    let folder = TempDir::new()?;
    keys(folder.path())?;
    let run = |mode: &str| -> anyhow::Result<(bool, String)> {
        let mut command = Command::new(binary()?);
        command.args(["migrate", "trading"]).env("YIWANG__MODE", mode).env("YIWANG__DATABASE_URL", cluster.url());
        command.env("YIWANG__DATA_DIR", folder.path().join("data"));
        command.env("YIWANG__DOCUMENTS__PUBLIC_URL", "https://zwfw.yiwang.example");
        for (key, file) in [
            ("IDENTITY__JWKS", "jwks.json"),
            ("IDENTITY__SERVICE_JWKS", "jwks.json"),
            ("IDENTITY__SERVICE_KEY_FILE", "service.pem"),
            ("SECURITY__WRAPPING_KEY_FILE", "wrapping"),
            ("SECURITY__LOOKUP_KEY_FILE", "lookup"),
            ("SECURITY__SEAL_KEY_FILE", "service.pem"),
        ] {
            command.env(format!("YIWANG__{key}"), folder.path().join(file));
        }
        let run = command.output()?;
        Ok((run.status.success(), String::from_utf8_lossy(&run.stderr).into_owned()))
    };
    let (started, said) = run("production")?;
    ensure!(!started && said.contains("UNSAFE_SETTING: fsync = off"), "production: {said}");
    let (started, warned) = run("development")?;
    ensure!(started && warned.contains("acknowledged commands can be lost"), "development: {warned}");
    Ok("production: UNSAFE_SETTING: fsync = off, and it ends; development: a warning in the log".to_owned())
}

/// Keys as production wants them.
fn keys(folder: &Path) -> anyhow::Result<()> {
    std::fs::write(folder.join("wrapping"), "01".repeat(16))?;
    std::fs::write(folder.join("lookup"), "02".repeat(32))?;
    let x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
    let key = format!(
        r#"{{"keys": [{{"kty": "OKP", "crv": "Ed25519", "kid": "1", "alg": "EdDSA", "use": "sig", "x": "{x}"}}]}}"#
    );
    std::fs::write(folder.join("jwks.json"), key)?;
    let mut make = Command::new("openssl");
    make.args(["genpkey", "-algorithm", "ed25519", "-out"]).arg(folder.join("service.pem"));
    ensure!(make.status()?.success());
    Ok(())
}
