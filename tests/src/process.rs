//! The real binary, started and killed as an operator (or an accident) would.
//!
//! Invariant: a server that a test started does not outlive it.

use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{self, Command, Stdio};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, SystemTime};

use anyhow::{Context, bail, ensure};
use tokio::time::{Instant, sleep};

use crate::api::Api;

/// The binary under test: `YIWANG_BIN`, or the one that the same build left beside this program.
///
/// # Errors
/// Where there is none: `cargo build` makes it.
pub fn binary() -> anyhow::Result<PathBuf> {
    if let Some(named) = std::env::var_os("YIWANG_BIN") {
        return Ok(named.into());
    }
    let own = std::env::current_exe()?;
    let found = own.ancestors().skip(1).take(3).map(|folder| folder.join("yiwang")).find(|file| file.is_file());
    found.with_context(|| format!("no yiwang beside {}: run `cargo build` first, or set YIWANG_BIN", own.display()))
}

/// The first port for processes that a test starts: below those that the system hands out to whoever calls out (from 32,768 on).
const FIRST_PORT: u16 = 10_000;
/// Ports of one program of tests.
const STRETCH: u16 = 128;
/// Programs of tests that may run at a time.
const STRETCHES: u16 = 176;

/// A port of the loopback that is free now, and stays free until a process that is started with it binds it: it is from a stretch
/// that this program alone draws from, for as long as it lives.
///
/// # Errors
/// Where none can be bound.
pub fn free_address() -> anyhow::Result<SocketAddr> {
    static OWN: LazyLock<Option<(u16, TcpListener)>> = LazyLock::new(own_stretch);
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let (first, _) = OWN.as_ref().context("no stretch of ports is free")?;
    let ports = (1..STRETCH).map(|_| first + 1 + NEXT.fetch_add(1, Ordering::Relaxed) % (STRETCH - 1));
    let mut free = ports.filter_map(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).ok()?.local_addr().ok());
    free.next().with_context(|| format!("no port is free from {first} on"))
}

/// A stretch is whose its first port is.
fn own_stretch() -> Option<(u16, TcpListener)> {
    let somewhere = (process::id() % u32::from(STRETCHES)) as u16;
    (0..STRETCHES).find_map(|step| {
        let first = FIRST_PORT + (somewhere + step) % STRETCHES * STRETCH;
        Some((first, TcpListener::bind((Ipv4Addr::LOCALHOST, first)).ok()?))
    })
}

/// Nine in the morning in China on Monday 2026-03-02, in microseconds: when tests begin, whatever day the machine has.
const FIRST_DAY: i64 = 1_772_413_200_000_000;

/// Has legal time begin on the first day, in a data folder that no process has used yet. The clock's file holds how far legal
/// time is from the machine's; `yiwang demo` writes the same.
///
/// # Errors
/// Where the file cannot be written.
#[expect(clippy::disallowed_methods, reason = "the distance is one from the machine's time")]
pub fn begin_on_the_first_day(data: &Path) -> anyhow::Result<()> {
    let machine = i64::try_from(SystemTime::UNIX_EPOCH.elapsed()?.as_micros())?;
    std::fs::create_dir_all(data)?;
    std::fs::write(data.join("legal-clock"), format!("{}\n", FIRST_DAY - machine))?;
    Ok(())
}

/// A process that ends with the test that started it.
pub struct Child(process::Child);

impl Child {
    /// Starts it.
    ///
    /// # Errors
    /// Where the program cannot be started.
    pub fn spawn(mut command: Command) -> anyhow::Result<Self> {
        Ok(Self(command.stdin(Stdio::null()).spawn()?))
    }

    /// Whether it ended by itself, and how.
    ///
    /// # Errors
    /// Where the system does not tell.
    pub fn ended(&mut self) -> anyhow::Result<Option<process::ExitStatus>> {
        Ok(self.0.try_wait()?)
    }

    /// SIGKILL: no warning, no drain, no flush.
    ///
    /// # Errors
    /// Where it was gone before: then it was not this that ended it.
    pub fn kill(&mut self) -> anyhow::Result<()> {
        if let Some(status) = self.ended()? {
            bail!("the process had ended by itself: {status}");
        }
        self.0.kill()?;
        self.0.wait()?;
        Ok(())
    }

    /// SIGTERM.
    ///
    /// # Errors
    /// Where it is gone.
    pub fn terminate(&self) -> anyhow::Result<()> {
        ensure!(Command::new("kill").args(["-TERM", &self.id().to_string()]).status()?.success(), "it is gone");
        Ok(())
    }

    /// Waits until it has ended, a minute at most.
    ///
    /// # Errors
    /// Where it does not.
    pub async fn end(&mut self) -> anyhow::Result<process::ExitStatus> {
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            if let Some(status) = self.ended()? {
                return Ok(status);
            }
            ensure!(Instant::now() < deadline, "it does not end");
            sleep(Duration::from_millis(10)).await;
        }
    }

    /// The process id.
    pub fn id(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// How to start `yiwang up`.
#[derive(Clone, Debug)]
pub struct Start {
    /// Where it keeps its data and keys.
    pub data: PathBuf,
    /// Where it listens.
    pub listen: SocketAddr,
    /// A PostgreSQL to use instead of SQLite.
    pub database_url: Option<String>,
}

impl Start {
    /// SQLite under `data`, on a free port.
    ///
    /// # Errors
    /// Where no port is free.
    pub fn sqlite(data: &Path) -> anyhow::Result<Self> {
        Ok(Self { data: data.to_owned(), listen: free_address()?, database_url: None })
    }

    /// PostgreSQL, on a free port; keys and attachments under `data`.
    ///
    /// # Errors
    /// Where no port is free.
    pub fn postgres(data: &Path, url: &str) -> anyhow::Result<Self> {
        Ok(Self { database_url: Some(url.to_owned()), ..Self::sqlite(data)? })
    }

    fn command(&self) -> anyhow::Result<Command> {
        let mut command = Command::new(binary()?);
        command.arg("up").arg("--data").arg(&self.data).arg("--listen").arg(self.listen.to_string());
        if let Some(url) = &self.database_url {
            command.arg("--database-url").arg(url);
        }
        std::fs::create_dir_all(&self.data)?;
        let log = File::options().create(true).append(true).open(self.log())?;
        command.stdout(log.try_clone()?).stderr(log);
        Ok(command)
    }

    /// What the server wrote, over all its lives.
    pub fn log(&self) -> PathBuf {
        self.data.join("server.log")
    }
}

/// A running `yiwang up`.
pub struct Server {
    child: Child,
    start: Start,
}

impl Server {
    /// Starts it and waits until it answers, a minute at most.
    ///
    /// # Errors
    /// Where it ends by itself or does not answer; the end of its log is in the error.
    pub async fn start(start: &Start) -> anyhow::Result<Self> {
        let child = Child::spawn(start.command()?)?;
        let mut server = Self { child, start: start.clone() };
        let deadline = Instant::now() + Duration::from_secs(60);
        let api = server.api();
        while !api.answers().await {
            let ended = server.child.ended()?;
            if ended.is_some() || Instant::now() > deadline {
                let log = std::fs::read_to_string(start.log()).unwrap_or_default();
                let tail: Vec<&str> = log.lines().rev().take(20).collect();
                bail!(
                    "yiwang up does not answer ({ended:?}):\n{}",
                    tail.into_iter().rev().collect::<Vec<_>>().join("\n")
                );
            }
            sleep(Duration::from_millis(20)).await;
        }
        Ok(server)
    }

    /// SIGKILL: no warning, no drain, no flush.
    ///
    /// # Errors
    /// Where it was gone before: then it was not this that ended it.
    pub fn kill(&mut self) -> anyhow::Result<()> {
        self.child.kill().with_context(|| format!("see {}", self.start.log().display()))
    }

    /// SIGTERM, and waits until it has ended.
    ///
    /// # Errors
    /// Where it does not.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        self.child.terminate()?;
        let status = self.child.end().await?;
        ensure!(status.success(), "{status}: see {}", self.start.log().display());
        Ok(())
    }

    /// The process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.start.listen
    }

    /// A client of it that nobody signed in.
    pub fn api(&self) -> Api {
        Api::new(&format!("http://{}", self.start.listen))
    }

    /// A client of it in the name of a demonstration account.
    ///
    /// # Errors
    /// Where the account is unknown.
    pub fn api_as(&self, account: &str) -> anyhow::Result<Api> {
        Ok(self.api().with_token(&self.token(account)?))
    }

    /// A token of a demonstration account, as `yiwang token` prints it.
    ///
    /// # Errors
    /// Where the account is unknown.
    pub fn token(&self, account: &str) -> anyhow::Result<String> {
        let mut command = Command::new(binary()?);
        command.arg("token").arg("--data").arg(&self.start.data).arg("--as").arg(account);
        let run = command.stdin(Stdio::null()).output()?;
        ensure!(run.status.success(), "yiwang token --as {account}: {}", String::from_utf8_lossy(&run.stderr));
        Ok(String::from_utf8(run.stdout)?.trim().to_owned())
    }
}
