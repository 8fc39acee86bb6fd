//! A load generator that costs little: HTTP/1.1 over kept connections, requests made in advance, answers read and no more.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::Instant;

/// How hard and how long.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// Connections, each with one request at a time.
    pub connections: u64,
    /// How long, after a fifth of that to warm up.
    pub time: Duration,
}

/// Good answers a second to `make(connection, number)`, sent again and again; another one than 200 ends the run.
pub async fn run<F>(address: SocketAddr, load: Load, make: F) -> anyhow::Result<f64>
where
    F: Fn(u64, u64) -> Vec<u8> + Send + Sync + 'static,
{
    let (make, begin) = (Arc::new(make), Instant::now() + load.time / 5);
    let end = begin + load.time;
    let mut tasks = JoinSet::new();
    for connection in 0..load.connections {
        let make = make.clone();
        tasks.spawn(async move {
            let mut wire = Wire::connect(address).await?;
            let (mut answered, mut number) = (0_u64, 0);
            loop {
                let asked = Instant::now();
                if asked >= end {
                    return anyhow::Ok(answered);
                }
                let status = wire.ask(&make(connection, number)).await?;
                ensure!(status == 200, "{address} answered {status}: {}", wire.last());
                number += 1;
                answered += u64::from(asked >= begin);
            }
        });
    }
    let mut answered = 0;
    while let Some(done) = tasks.join_next().await {
        answered += done??;
    }
    Ok(answered as f64 / load.time.as_secs_f64())
}

/// One connection.
pub struct Wire {
    stream: TcpStream,
    buffer: Vec<u8>,
    filled: usize,
}

impl Wire {
    pub async fn connect(address: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: vec![0; 64 << 10], filled: 0 })
    }

    /// The status of the answer, when all of it has come.
    pub async fn ask(&mut self, request: &[u8]) -> anyhow::Result<u16> {
        self.stream.write_all(request).await?;
        self.filled = 0;
        loop {
            if self.filled == self.buffer.len() {
                self.buffer.resize(self.filled * 2, 0);
            }
            let read = self.stream.read(&mut self.buffer[self.filled..]).await?;
            ensure!(read > 0, "the connection was closed");
            self.filled += read;
            if let Some(status) = complete(&self.buffer[..self.filled])? {
                return Ok(status);
            }
        }
    }

    /// Whether the last answer has a header.
    pub fn says(&self, header: &str) -> bool {
        let text = self.last();
        let head = text.split("\r\n\r\n").next().unwrap_or_default();
        head.lines().any(|line| line.split(':').next().is_some_and(|name| name.eq_ignore_ascii_case(header)))
    }

    /// The body of the last answer.
    pub fn body(&self) -> &[u8] {
        let all = &self.buffer[..self.filled];
        all.windows(4).position(|four| four == b"\r\n\r\n").map_or(&[], |head| &all[head + 4..])
    }

    /// How the last answer begins.
    pub fn last(&self) -> String {
        String::from_utf8_lossy(&self.buffer[..self.filled.min(2000)]).into_owned()
    }
}

/// The status, once the whole answer is there.
fn complete(bytes: &[u8]) -> anyhow::Result<Option<u16>> {
    let Some(head) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else { return Ok(None) };
    let text = std::str::from_utf8(&bytes[..head])?;
    let status: u16 = text.get(9..12).context("a status")?.parse()?;
    let header = |name: &str| {
        text.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    };
    let body = &bytes[head + 4..];
    let whole = match (header("content-length"), header("transfer-encoding")) {
        (Some(length), _) => body.len() >= length.parse::<usize>()?,
        (None, Some("chunked")) => body.ends_with(b"0\r\n\r\n"),
        _ => bail!("an answer of unknown length: {text}"),
    };
    Ok(whole.then_some(status))
}

/// A request with JSON as it goes over the wire.
pub fn request(method: &str, path: &str, token: &str, body: &str) -> Vec<u8> {
    request_of("application/json", method, path, token, body)
}

/// A request with a body of another type.
pub fn request_of(kind: &str, method: &str, path: &str, token: &str, body: &str) -> Vec<u8> {
    let authorization = if token.is_empty() { String::new() } else { format!("authorization: Bearer {token}\r\n") };
    format!(
        "{method} {path} HTTP/1.1\r\nhost: bench\r\n{authorization}content-type: {kind}\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}
