//! A Redis of a test's own, gone when the test ends.

use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::Instant;

pub struct Redis {
    child: Child,
    port: u16,
    _dir: TempDir,
}

impl Redis {
    /// `None` where no Redis is installed: `tests/setup` installs it.
    pub fn start(settings: &[&str]) -> Option<Self> {
        Self::run(&[], settings)
    }

    fn run(first: &[&str], settings: &[&str]) -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        // not one of those that the system hands out to whoever calls out
        let mut ports = (0..1_000).map(|step| 3_000 + ((std::process::id() + step) % 1_000) as u16);
        let port = ports.find(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok()).unwrap();
        let mut command = Command::new("redis-server");
        command.args(first).args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--dir"]).arg(dir.path());
        if first.is_empty() {
            command.args(["--save", "", "--appendonly", "no"]);
        }
        let spawned = command.args(settings).stdin(Stdio::null()).stdout(Stdio::null()).spawn();
        let Ok(child) = spawned else {
            eprintln!("redis-server is not installed: not run (tests/setup installs it)");
            return None;
        };
        let redis = Self { child, port, _dir: dir };
        let until = Instant::now() + Duration::from_secs(10);
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            assert!(Instant::now() < until, "redis-server does not listen");
            std::thread::yield_now();
        }
        Some(redis)
    }

    /// A Sentinel that knows this one as its master.
    pub fn sentinel(&self) -> Option<Redis> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), format!("sentinel monitor mymaster 127.0.0.1 {} 1\n", self.port)).unwrap();
        let path = file.path().display().to_string();
        // it rewrites its file: kept for as long as the process
        std::mem::forget(file);
        Self::run(&[&path, "--sentinel"], &[])
    }

    /// A cluster of one node.
    pub fn own_all_slots(&self) {
        self.cli(&["CLUSTER", "ADDSLOTSRANGE", "0", "16383"]);
        let until = Instant::now() + Duration::from_secs(10);
        while !self.cli(&["CLUSTER", "INFO"]).contains("cluster_state:ok") {
            assert!(Instant::now() < until, "the cluster does not come up");
        }
    }

    pub fn config(&self) -> Value {
        self.config_as("single")
    }

    pub fn config_as(&self, mode: &str) -> Value {
        json!({"mode": mode, "urls": format!("redis://127.0.0.1:{}", self.port)})
    }

    pub fn cli(&self, words: &[&str]) -> String {
        let run = Command::new("redis-cli").args(["-p", &self.port.to_string()]).args(words).output().unwrap();
        String::from_utf8_lossy(&run.stdout).into_owned()
    }

    /// It listens and answers nobody.
    pub fn freeze(&self) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-STOP", &id]).status().unwrap().success());
    }

    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
