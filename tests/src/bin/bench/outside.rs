//! Programs that are not ours: `pgbench`, the peer, `psql`; and the ledger's own bench, which is an example of its crate.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, ensure};
use tokio::time::{Instant, sleep};
use yiwang_tests::process::Child;

/// The folder with pgbench.sql, schema.sql and peer.py.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("lib/bench")
}

/// A program of PostgreSQL; Debian keeps pgbench beside the server.
fn postgres_program(name: &str) -> PathBuf {
    let mut found: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(|version| Some(version.ok()?.path().join("bin").join(name)))
        .filter(|program| program.is_file())
        .collect();
    found.sort();
    found.pop().unwrap_or_else(|| PathBuf::from(name))
}

/// Runs a program to its end; its standard output.
fn output(command: &mut Command) -> anyhow::Result<String> {
    let run = command.stdin(Stdio::null()).output().with_context(|| format!("{command:?}"))?;
    ensure!(run.status.success(), "{command:?}: {}", String::from_utf8_lossy(&run.stderr));
    Ok(String::from_utf8(run.stdout)?)
}

/// Runs a file of SQL.
pub fn sql_file(url: &str, file: &str) -> anyhow::Result<()> {
    let file = folder().join(file);
    output(
        Command::new(postgres_program("psql"))
            .args(["--quiet", "--set", "ON_ERROR_STOP=1", "--file"])
            .arg(file)
            .arg(url),
    )
    .map(drop)
}

/// Runs a statement.
pub fn sql(url: &str, statement: &str) -> anyhow::Result<()> {
    output(
        Command::new(postgres_program("psql"))
            .args(["--quiet", "--set", "ON_ERROR_STOP=1", "--command", statement])
            .arg(url),
    )
    .map(drop)
}

/// A new database beside this one; its address.
pub fn database(url: &str, name: &str) -> anyhow::Result<String> {
    sql(url, &format!("CREATE DATABASE {name}"))?;
    let (whole, query) = url.split_once('?').unwrap_or((url, ""));
    let (server, _) = whole.rsplit_once('/').context("a database in the address")?;
    Ok(if query.is_empty() { format!("{server}/{name}") } else { format!("{server}/{name}?{query}") })
}

/// Transactions a second of one of our scripts, by 8 clients.
pub async fn pgbench_file(url: &str, time: Duration, file: &'static str, cases: u64) -> anyhow::Result<f64> {
    let (url, seconds) = (url.to_owned(), time.as_secs().max(1).to_string());
    let define = format!("--define=cases={cases}");
    tokio::task::spawn_blocking(move || transactions(&url, "8", &seconds, &[define], file)).await?
}

fn transactions(url: &str, clients: &str, seconds: &str, defines: &[String], file: &str) -> anyhow::Result<f64> {
    let run = output(
        Command::new(postgres_program("pgbench"))
            .args(["--no-vacuum", "--protocol=prepared", "--jobs=2", "--client", clients, "--time", seconds])
            .args(defines)
            .arg("--file")
            .arg(folder().join(file))
            .arg(url),
    )?;
    let line = run.lines().find_map(|line| line.strip_prefix("tps = ")).context("pgbench says no tps")?;
    Ok(line.split(' ').next().unwrap_or_default().parse()?)
}

/// Submits a second of the best one-statement `pgbench`, with 8 or 32 clients.
pub async fn pgbench(url: &str, time: Duration) -> anyhow::Result<f64> {
    let (url, seconds) = (url.to_owned(), time.as_secs().max(1).to_string());
    tokio::task::spawn_blocking(move || {
        let form = format!(r#"{{"premises_name":"云溪客栈","note":"{}"}}"#, "f".repeat(960));
        let defines = [format!("--define=form={form}"), format!("--define=event={}", "e".repeat(300))];
        let mut best = 0.0_f64;
        for clients in ["8", "32"] {
            best = best.max(transactions(&url, clients, &seconds, &defines, "pgbench.sql")?);
        }
        Ok(best)
    })
    .await?
}

/// A rate that the ledger's own bench prints: `rates execute postgres URL CALLERS SECONDS` and the like.
pub async fn ledger(arguments: &[&str]) -> anyhow::Result<f64> {
    let arguments: Vec<String> = arguments.iter().map(|&argument| argument.to_owned()).collect();
    let program = std::env::current_exe()?.parent().context("a folder")?.join("examples/rates");
    tokio::task::spawn_blocking(move || Ok(output(Command::new(program).args(&arguments))?.trim().parse()?)).await?
}

/// The FastAPI server, on a port; `YIWANG_BENCH_PYTHON` has its packages.
pub async fn peer(url: &str, listen: SocketAddr) -> anyhow::Result<Child> {
    let python = std::env::var("YIWANG_BENCH_PYTHON").context("YIWANG_BENCH_PYTHON: just bench sets it")?;
    let mut command = Command::new(python);
    command
        .args([
            "-m",
            "uvicorn",
            "peer:app",
            "--log-level",
            "warning",
            "--no-access-log",
            "--host",
            "127.0.0.1",
            "--port",
        ])
        .arg(listen.port().to_string())
        .current_dir(folder())
        .env("DATABASE_URL", url)
        .env("PYTHONDONTWRITEBYTECODE", "1");
    let child = Child::spawn(command)?;
    listens(listen).await?;
    Ok(child)
}

/// A baseline of this program's own, as a process.
pub async fn bare(what: &str, listen: SocketAddr, file: &Path) -> anyhow::Result<Child> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("--database-url=none").args([what, &listen.to_string()]).arg(file);
    let child = Child::spawn(command)?;
    listens(listen).await?;
    Ok(child)
}

/// Waits until somebody listens there.
async fn listens(address: SocketAddr) -> anyhow::Result<()> {
    let deadline = Instant::now() + Duration::from_secs(20);
    while tokio::net::TcpStream::connect(address).await.is_err() {
        ensure!(Instant::now() < deadline, "nobody listens at {address}");
        sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}
