//! A private PostgreSQL with its write-ahead log kept, base backups of it, and the way back to a named point: the commands that
//! docs/operations.md gives an administrator.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, ensure};
use tempfile::TempDir;
use tokio::time::sleep;
use yiwang_tests::process::free_address;

/// It ends, and its files go, with the value.
pub struct Cluster {
    programs: PathBuf,
    home: TempDir,
    port: u16,
    /// PostgreSQL refuses to run as root, who lends it this account.
    account: Option<&'static str>,
}

impl Cluster {
    /// Makes and starts one; `None` where PostgreSQL's server programs are not installed.
    pub fn new() -> anyhow::Result<Option<Self>> {
        let mut found: Vec<PathBuf> = fs::read_dir("/usr/lib/postgresql")
            .map(|versions| versions.flatten().map(|version| version.path().join("bin")).collect())
            .unwrap_or_default();
        found.retain(|programs| programs.join("initdb").is_file());
        found.sort();
        let Some(programs) = found.pop() else { return Ok(None) };
        let root = output(Command::new("id").arg("-u"))? == "0";
        let has_account = root && output(Command::new("id").arg("postgres")).is_ok();
        let account = root.then_some(if has_account { "postgres" } else { "nobody" });
        let cluster = Self { programs, home: TempDir::new()?, port: free_address()?.port(), account };
        if let Some(account) = account {
            output(Command::new("chown").arg(account).arg(cluster.home.path()))?;
        }
        output(cluster.program("mkdir").arg(cluster.archive()))?;
        let data = cluster.data();
        output(cluster.program("initdb").arg("--pgdata").arg(&data).args(["--username=yiwang", "--auth=trust"]))?;
        let archive = cluster.archive().display().to_string();
        cluster.configure(&format!(
            "listen_addresses = '127.0.0.1'\nport = {}\nunix_socket_directories = ''\nmax_connections = 200\n\
             wal_level = replica\narchive_mode = on\narchive_command = 'test ! -f {archive}/%f && cp %p {archive}/%f'\n",
            cluster.port
        ))?;
        cluster.start()?;
        Ok(Some(cluster))
    }

    fn data(&self) -> PathBuf {
        self.home.path().join("data")
    }

    fn archive(&self) -> PathBuf {
        self.home.path().join("archive")
    }

    fn base(&self) -> PathBuf {
        self.home.path().join("base")
    }

    /// Where services reach it.
    pub fn url(&self) -> String {
        format!("postgres://yiwang@127.0.0.1:{}/postgres", self.port)
    }

    /// One of PostgreSQL's programs, or of the system's, under its account.
    fn program(&self, name: &str) -> Command {
        let own = self.programs.join(name);
        let path = if own.is_file() { own } else { PathBuf::from(name) };
        let mut command = match self.account {
            Some(account) => {
                let mut command = Command::new("setpriv");
                command.arg(format!("--reuid={account}")).arg("--clear-groups").arg(path);
                command
            }
            None => Command::new(path),
        };
        command.current_dir(self.home.path());
        command
    }

    fn configure(&self, lines: &str) -> anyhow::Result<()> {
        let file = self.data().join("postgresql.conf");
        let text = fs::read_to_string(&file)? + lines;
        fs::write(file, text).context("postgresql.conf")
    }

    fn control(&self, action: &[&str]) -> anyhow::Result<()> {
        let log = self.home.path().join("server.log");
        let mut command = self.program("pg_ctl");
        command.arg("--pgdata").arg(self.data()).arg("--log").arg(&log).args(["--wait", "--timeout=60"]).args(action);
        let status = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status()?;
        ensure!(status.success(), "pg_ctl {action:?}:\n{}", fs::read_to_string(log).unwrap_or_default());
        Ok(())
    }

    /// Starts it.
    pub fn start(&self) -> anyhow::Result<()> {
        self.control(&["start"])
    }

    /// Stops it, whoever is connected.
    pub fn stop(&self) -> anyhow::Result<()> {
        self.control(&["--mode=fast", "stop"])
    }

    /// Runs a statement; its answer as text.
    pub fn sql(&self, text: &str) -> anyhow::Result<String> {
        output(self.program("psql").args(["--no-psqlrc", "-At", "-v", "ON_ERROR_STOP=1", "-c", text]).arg(self.url()))
    }

    /// A base backup, the log left to the archive.
    pub fn base_backup(&self) -> anyhow::Result<()> {
        let _ = fs::remove_dir_all(self.base());
        let mut command = self.program("pg_basebackup");
        command.arg("--pgdata").arg(self.base()).args(["--wal-method=none", "--checkpoint=fast", "--no-password"]);
        output(command.arg("--dbname").arg(self.url())).map(drop)
    }

    /// Puts the base backup in the place of the data, and starts on the way to a named point. The one that ran is stopped first.
    pub async fn restore(&self, point: &str) -> anyhow::Result<()> {
        self.stop()?;
        fs::remove_dir_all(self.data())?;
        output(self.program("cp").arg("-a").arg(self.base()).arg(self.data()))?;
        self.configure(&format!(
            "restore_command = 'cp {}/%f %p'\nrecovery_target_name = '{point}'\nrecovery_target_action = 'promote'\n",
            self.archive().display()
        ))?;
        output(self.program("touch").arg(self.data().join("recovery.signal")))?;
        self.start()?;
        while self.sql("SELECT pg_is_in_recovery()")? != "f" {
            sleep(Duration::from_millis(100)).await;
        }
        Ok(())
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let _ = self.control(&["--mode=immediate", "stop"]);
        let _ = remove(self.home.path());
    }
}

fn remove(folder: &Path) -> anyhow::Result<()> {
    output(Command::new("rm").arg("-rf").arg(folder)).map(drop)
}

fn output(command: &mut Command) -> anyhow::Result<String> {
    let run = command.stdin(Stdio::null()).output().with_context(|| format!("{command:?}"))?;
    ensure!(run.status.success(), "{command:?}: {}", String::from_utf8_lossy(&run.stderr));
    Ok(String::from_utf8_lossy(&run.stdout).trim().to_owned())
}
