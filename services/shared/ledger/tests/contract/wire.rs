//! A wire to PostgreSQL that loses an answer at the worst moment: after the commit, before anybody heard of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A verdict of `commit_batch` in a row of the answer: its length, then the word.
const VERDICT: &[u8] = b"\0\0\0\x02OK";
/// PostgreSQL is ready for the next query, outside a transaction: what was asked is committed.
const READY: &[u8] = b"Z\0\0\0\x05I";

/// Passes everything on, but for the one answer that it is told to lose.
pub struct Wire {
    /// Where it listens: `127.0.0.1:40123`.
    pub address: String,
    lose: Arc<AtomicBool>,
    swallow: Arc<AtomicBool>,
}

impl Wire {
    /// To the server at an address.
    pub async fn to(server: String) -> Wire {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let wire =
            Wire { address: listener.local_addr().unwrap().to_string(), lose: Arc::default(), swallow: Arc::default() };
        let (lose, swallow) = (wire.lose.clone(), wire.swallow.clone());
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(server.clone()).await.unwrap();
                tokio::spawn(carry(client, server, lose.clone(), swallow.clone()));
            }
        });
        wire
    }

    /// The next verdict is lost, and the connection with it.
    pub fn lose_next_verdict(&self) {
        self.lose.store(true, Ordering::SeqCst);
    }

    /// The next verdict is lost, and nobody hears that the connection is.
    pub fn swallow_next_verdict(&self) {
        self.swallow.store(true, Ordering::SeqCst);
        self.lose_next_verdict();
    }

    /// Whether that has happened.
    pub fn has_lost(&self) -> bool {
        !self.lose.load(Ordering::SeqCst)
    }
}

async fn carry(client: TcpStream, server: TcpStream, lose: Arc<AtomicBool>, swallow: Arc<AtomicBool>) {
    let ((mut hears, mut tells), (mut answers, mut asks)) = (client.into_split(), server.into_split());
    let asking = async { tokio::io::copy(&mut hears, &mut asks).await };
    let answering = async {
        let mut bytes = vec![0; 1 << 16];
        loop {
            let mut read = answers.read(&mut bytes).await?;
            if read == 0 {
                return Ok::<_, std::io::Error>(());
            }
            if lose.load(Ordering::SeqCst) && bytes[..read].windows(VERDICT.len()).any(|part| part == VERDICT) {
                while !bytes[..read].ends_with(READY) {
                    read += answers.read(&mut bytes[read..]).await?;
                }
                lose.store(false, Ordering::SeqCst);
                if swallow.load(Ordering::SeqCst) {
                    std::future::pending::<()>().await;
                }
                return Ok(());
            }
            tells.write_all(&bytes[..read]).await?;
        }
    };
    // whichever ends first takes the connection with it
    tokio::select! { _ = asking => {}, _ = answering => {} }
}
