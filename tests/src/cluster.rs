//! A PostgreSQL of the test's own, to be stopped without warning, killed, copied to a standby and promoted.
//!
//! Invariant: durable, as in production (`fsync` on), unless a setting says otherwise; gone when the test ends.

use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, ensure};
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

use crate::process::free_address;

/// A server with its data.
pub struct Cluster {
    programs: PathBuf,
    home: TempDir,
    address: SocketAddr,
}

impl Cluster {
    /// Makes one and starts it, with these settings (`synchronous_commit = on`) on top.
    ///
    /// # Errors
    /// Where PostgreSQL's server programs are missing (tests/setup installs them) or will not start.
    pub async fn start(settings: &[&str]) -> anyhow::Result<Self> {
        Self::start_in(TempDir::new()?, settings).await
    }

    /// The same in a folder that is there.
    ///
    /// # Errors
    /// As [`Cluster::start`].
    pub async fn start_in(home: TempDir, settings: &[&str]) -> anyhow::Result<Self> {
        let cluster = Self { programs: programs()?, home, address: free_address()? };
        cluster.give_away()?;
        let pgdata = format!("--pgdata={}", cluster.data().display());
        let locale = ["--encoding=UTF8", "--locale=C", "--locale-provider=icu", "--icu-locale=zh-CN"];
        run(cluster.program("initdb").args([&pgdata, "--username=yiwang", "--auth=trust", "--no-sync"]).args(locale))?;
        cluster.configure(&[
            "listen_addresses = '127.0.0.1'",
            &format!("port = {}", cluster.address.port()),
            "unix_socket_directories = ''",
            "max_connections = 300",
            "shared_buffers = 64MB",
            "wal_keep_size = 512MB",
        ])?;
        cluster.configure(settings)?;
        cluster.up().await?;
        Ok(cluster)
    }

    /// Starts the server, again where it was stopped or killed; waits until it takes connections.
    ///
    /// # Errors
    /// Where it does not within a minute.
    pub async fn up(&self) -> anyhow::Result<()> {
        let deadline = Instant::now() + Duration::from_secs(60);
        // the children of a server that was killed hold its memory for a moment
        while let Err(error) = run(self.control("start").arg(format!("--log={}", self.log().display()))) {
            ensure!(Instant::now() < deadline, "{error:#}: {}", std::fs::read_to_string(self.log())?);
            sleep(Duration::from_millis(100)).await;
        }
        Ok(())
    }

    /// Stops it at once, without a checkpoint: what was committed is in the log alone, as after a failure of power.
    ///
    /// # Errors
    /// Where it was not running.
    pub fn stop_at_once(&self) -> anyhow::Result<()> {
        run(self.control("stop").arg("--mode=immediate"))
    }

    /// Whether it takes no connections.
    pub fn is_down(&self) -> bool {
        sql(&self.url(), "SELECT 1").is_err()
    }

    /// SIGKILL of the server's first process.
    ///
    /// # Errors
    /// Where it was not running.
    pub fn kill(&self) -> anyhow::Result<()> {
        let file = std::fs::read_to_string(self.data().join("postmaster.pid"))?;
        run(Command::new("kill").arg("-KILL").arg(file.lines().next().unwrap_or_default()))
    }

    /// A standby that follows this one, under a name that `synchronous_standby_names` may hold. It is told where to reach this
    /// one, which may be a proxy.
    ///
    /// # Errors
    /// Where the copy cannot be made or does not start.
    pub async fn standby(&self, name: &str, at: SocketAddr) -> anyhow::Result<Self> {
        let standby = Self { programs: self.programs.clone(), home: TempDir::new()?, address: free_address()? };
        standby.give_away()?;
        let primary = format!("host={} port={} user=yiwang application_name={name}", at.ip(), at.port());
        let target = format!("--pgdata={}", standby.data().display());
        let how = ["--write-recovery-conf", "--checkpoint=fast", "--wal-method=stream", "--no-sync"];
        run(standby.program("pg_basebackup").arg(format!("--dbname={primary}")).arg(target).args(how))?;
        standby.configure(&[&format!("port = {}", standby.address.port()), "synchronous_standby_names = ''"])?;
        standby.up().await?;
        Ok(standby)
    }

    /// The standby becomes the primary.
    ///
    /// # Errors
    /// Where it is none.
    pub fn promote(&self) -> anyhow::Result<()> {
        run(&mut self.control("promote"))
    }

    /// Settings, for the next start or [`Cluster::reload`].
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn configure(&self, settings: &[&str]) -> anyhow::Result<()> {
        let file = self.data().join("postgresql.conf");
        let conf = std::fs::read_to_string(&file)?;
        Ok(std::fs::write(file, format!("{conf}\n{}\n", settings.join("\n")))?)
    }

    /// Has settings read again.
    ///
    /// # Errors
    /// Where the server is not running.
    pub fn reload(&self) -> anyhow::Result<()> {
        run(&mut self.control("reload"))
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How it is reached, directly or through what listens at an address.
    pub fn url_at(&self, address: SocketAddr) -> String {
        format!("postgres://yiwang@{address}/postgres")
    }

    /// How it is reached.
    pub fn url(&self) -> String {
        self.url_at(self.address)
    }

    fn data(&self) -> PathBuf {
        self.home.path().join("data")
    }

    fn log(&self) -> PathBuf {
        self.home.path().join("server.log")
    }

    /// PostgreSQL refuses to run as root, and its folder must be its own.
    fn give_away(&self) -> anyhow::Result<()> {
        if !is_root()? {
            return Ok(());
        }
        // the way to it must be open to the account that it runs as
        std::fs::set_permissions(self.home.path(), std::fs::Permissions::from_mode(0o755))?;
        run(Command::new("chown").arg(account()).arg(self.home.path()))
    }

    fn program(&self, name: &str) -> Command {
        let mut command = Command::new("setpriv");
        if is_root().unwrap_or_default() {
            let account = account();
            let group = if account == "nobody" { "nogroup" } else { account };
            command.arg(format!("--reuid={account}")).arg(format!("--regid={group}")).arg("--clear-groups");
            command.arg(self.programs.join(name));
        } else {
            command = Command::new(self.programs.join(name));
        }
        command.current_dir(self.home.path());
        command
    }

    fn control(&self, what: &str) -> Command {
        let mut command = self.program("pg_ctl");
        command.arg(what).arg(format!("--pgdata={}", self.data().display())).args([
            "--wait",
            "--timeout=60",
            "--silent",
        ]);
        command
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let _ = self.stop_at_once();
    }
}

/// What a statement answers, a line a row, columns by `|`.
///
/// # Errors
/// Where the server refuses it.
pub fn sql(url: &str, statement: &str) -> anyhow::Result<String> {
    let run = psql(url)?.args(["-c", statement]).output()?;
    ensure!(run.status.success(), "{statement}: {}", String::from_utf8_lossy(&run.stderr));
    Ok(String::from_utf8(run.stdout)?.trim_end().to_owned())
}

/// A transaction that has done this and stays open until this is dropped.
pub struct Open(Child);

/// Begins a transaction that does this and stays open.
///
/// # Errors
/// Where the server refuses the statement.
pub fn open(url: &str, statement: &str) -> anyhow::Result<Open> {
    use std::io::{BufRead as _, BufReader, Write as _};
    let mut child = psql(url)?.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let mut said = BufReader::new(child.stdout.take().context("its output")?);
    let input = child.stdin.as_mut().context("its input")?;
    writeln!(input, "BEGIN; {statement}; \\echo open")?;
    let mut line = String::new();
    while line.trim_end() != "open" {
        line.clear();
        ensure!(said.read_line(&mut line)? > 0, "{statement}: refused");
    }
    Ok(Open(child))
}

impl Drop for Open {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn psql(url: &str) -> anyhow::Result<Command> {
    let mut command = Command::new(programs()?.join("psql"));
    command.args([url, "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1"]);
    Ok(command)
}

/// The folder of initdb, pg_ctl and postgres; the newest version wins.
fn programs() -> anyhow::Result<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let newest = versions.max_by_key(|version| version.file_name().to_string_lossy().parse::<u32>().unwrap_or(0));
    let found = newest.map(|version| version.path().join("bin")).filter(|bin| bin.join("initdb").is_file());
    let on_path = || {
        let path = std::env::var_os("PATH")?;
        let real = |folder: PathBuf| std::fs::canonicalize(folder.join("pg_ctl")).ok();
        std::env::split_paths(&path).find_map(real)?.parent().map(Path::to_owned)
    };
    found.or_else(on_path).context("PostgreSQL's server programs are missing: run tests/setup")
}

fn is_root() -> anyhow::Result<bool> {
    Ok(Command::new("id").arg("-u").output()?.stdout == b"0\n")
}

fn account() -> &'static str {
    let there = Command::new("id").arg("postgres").stdout(Stdio::null()).stderr(Stdio::null()).status();
    if there.is_ok_and(|status| status.success()) { "postgres" } else { "nobody" }
}

/// Runs it to its end. Its output goes to files: a server that it starts would hold a pipe open for as long as it lives.
fn run(command: &mut Command) -> anyhow::Result<()> {
    let said = tempfile::tempfile()?;
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(said.try_clone()?).status()?;
    if status.success() {
        return Ok(());
    }
    use std::io::{Read as _, Seek as _, SeekFrom};
    let (mut said, mut text) = (said, String::new());
    said.seek(SeekFrom::Start(0))?;
    said.read_to_string(&mut text)?;
    anyhow::bail!("{command:?}: {status}: {text}")
}
