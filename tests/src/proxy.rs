//! A wire that can be slowed, held and cut: TCP passed on to wherever it is told, until it is told otherwise.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// What the wire does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wire {
    /// Passes everything on.
    Whole,
    /// Passes everything on, each piece so much later.
    Slow(Duration),
    /// Takes everything and passes nothing on, in either direction: a network that swallows. What was taken arrives once the
    /// wire is whole again, as TCP would send it again.
    Held,
    /// Nobody gets through, and who was through is cut off.
    Cut,
}

#[derive(Clone, Copy)]
struct State {
    wire: Wire,
    to: SocketAddr,
    /// Connections of an earlier line are cut off, or held for ever.
    line: u64,
}

/// A listener whose connections lead to another address. Ends with the process.
#[derive(Clone)]
pub struct Proxy {
    address: SocketAddr,
    state: Arc<watch::Sender<State>>,
}

impl Proxy {
    /// To this address, whole.
    ///
    /// # Errors
    /// Where no port is free.
    pub async fn to(address: SocketAddr) -> anyhow::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let (state, follow) = watch::channel(State { wire: Wire::Whole, to: address, line: 0 });
        let own = Self { address: listener.local_addr()?, state: Arc::new(state) };
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(carry(client, follow.clone()));
            }
        });
        Ok(own)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// From now on the wire does this.
    pub fn set(&self, wire: Wire) {
        self.state.send_modify(|state| state.wire = wire);
    }

    /// From now on it leads elsewhere; who was through is cut off.
    pub fn lead_to(&self, address: SocketAddr) {
        self.state.send_modify(|state| {
            state.to = address;
            state.line += 1;
        });
    }

    /// The machine behind it is gone without a word: who was through waits for ever, who comes now gets through (to the machine
    /// that has its address now).
    pub fn vanish(&self) {
        self.state.send_modify(|state| state.line += VANISHED);
    }
}

/// More lines than anybody leads elsewhere: connections of a line so far back are held, not cut off.
const VANISHED: u64 = 1 << 32;

async fn carry(client: TcpStream, mut state: watch::Receiver<State>) {
    let State { wire, to, line } = *state.borrow_and_update();
    if wire == Wire::Cut {
        return;
    }
    let Ok(server) = TcpStream::connect(to).await else { return };
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let ((hears, tells), (answers, asks)) = (client.into_split(), server.into_split());
    let cut = state.clone();
    tokio::select! {
        () = pass(hears, asks, state.clone(), line) => {}
        () = pass(answers, tells, state, line) => {}
        () = broken(cut, line) => {}
    }
}

/// Until the connection is cut off.
async fn broken(mut state: watch::Receiver<State>, line: u64) {
    let cut = |state: &State| state.wire == Wire::Cut || (state.line != line && state.line < line + VANISHED);
    let _ = state.wait_for(cut).await;
}

async fn pass(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut state: watch::Receiver<State>,
    line: u64,
) {
    let mut bytes = vec![0; 1 << 14];
    while let Ok(read @ 1..) = from.read(&mut bytes).await {
        let Ok(now) = state.wait_for(|now| now.wire != Wire::Held && now.line < line + VANISHED).await.map(|now| *now)
        else {
            return;
        };
        if let Wire::Slow(time) = now.wire {
            tokio::time::sleep(time).await;
        }
        if to.write_all(&bytes[..read]).await.is_err() {
            return;
        }
    }
}
