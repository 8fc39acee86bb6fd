//! Processes that are told wrong things, and a service that is away.

use std::process::Command;
use std::time::Duration;

use tokio::time::{Instant, sleep};
use yiwang_tests::api::Api;
use yiwang_tests::process::{self, binary};

use crate::table::Table;
use crate::world::World;

pub async fn ask(world: &World, table: &mut Table) -> anyhow::Result<()> {
    let folder = world.folder.path();
    let config = folder.join("yiwang.toml");
    std::fs::write(&config, "lissten = \"127.0.0.1:0\"\n")?;
    let (path, data) = (config.to_string_lossy().into_owned(), folder.join("data").to_string_lossy().into_owned());
    let fresh = folder.join("other").to_string_lossy().into_owned();
    ends(table, "unknown key in the configuration's file", &["config", "--config", &path], &[], "lissten")?;
    ends(table, "unknown key in the environment", &["config"], &[("YIWANG__LIMITS__FOO", "1")], "foo")?;
    ends(table, "deadline in words", &["config"], &[("YIWANG__LIMITS__DEADLINE_MS", "soon")], "deadline_ms")?;
    ends(
        table,
        "production without an identity provider of its own",
        &["up", "--data", &fresh],
        &[("YIWANG__MODE", "production")],
        "production",
    )?;
    ends(
        table,
        "two processes on one data folder",
        &["up", "--data", &data, "--listen", "127.0.0.1:0"],
        &[],
        "DATA_DIR_IN_USE",
    )?;
    ends(table, "token of an account that is none", &["token", "--data", &data, "--as", "emperor"], &[], "emperor")?;
    service_away(table, &fresh).await
}

/// Runs the program, which must end with an error that names what is wrong.
fn ends(
    table: &mut Table,
    case: &str,
    arguments: &[&str],
    environment: &[(&str, &str)],
    names: &str,
) -> anyhow::Result<()> {
    let mut command = Command::new("timeout");
    command.arg("20").arg(binary()?).args(arguments).envs(environment.iter().copied());
    let run = command.output()?;
    let said = String::from_utf8_lossy(&run.stderr).to_lowercase();
    let line = said.lines().find(|line| line.contains(&names.to_lowercase())).unwrap_or_default().trim().to_owned();
    let status = run.status.code().map_or("killed".to_owned(), |code| format!("exit {code}"));
    let right = !run.status.success() && status != "exit 124" && !line.is_empty() && !said.contains("panicked");
    let shown: String =
        if line.is_empty() { said.chars().take(120).collect() } else { line.chars().take(100).collect() };
    table.other(case, &status, &shown, right, &format!("an end that names {names}"));
    Ok(())
}

/// A gateway whose services are elsewhere, and not there.
async fn service_away(table: &mut Table, data: &str) -> anyhow::Result<()> {
    let address = process::free_address()?;
    let nowhere = format!("http://{}", process::free_address()?);
    let mut command = Command::new(binary()?);
    command.args(["serve", "gateway", "--data", data]).env("YIWANG__LISTEN", address.to_string());
    for service in ["INTAKE", "APPROVAL", "LICENSE", "EVALUATION", "TRADING"] {
        command.env(format!("YIWANG__{service}__ADDRESS"), &nowhere);
    }
    let mut gateway = process::Child::spawn(command)?;
    let api = Api::new(&format!("http://{address}"));
    let deadline = Instant::now() + Duration::from_secs(20);
    let mut answer = api.get("/v1/items").await;
    while answer.is_err() && Instant::now() < deadline {
        sleep(Duration::from_millis(50)).await;
        answer = api.get("/v1/items").await;
    }
    let answer = answer?;
    table.http("service away", &answer, 503, "SERVICE_UNAVAILABLE");
    gateway.kill()
}
