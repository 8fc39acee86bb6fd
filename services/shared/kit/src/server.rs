//! A listening process: bound before any work is done, drained before it ends.

use std::net::SocketAddr;
use std::sync::{Arc, Once};
use std::time::Duration;

use anyhow::Context as _;
use http::Request;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use hyper_util::service::TowerToHyperService;
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

/// A handshake takes no longer.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// Chooses the one cryptographic library of the process. A second call changes nothing.
pub fn install_crypto() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // Somebody else in the process may have chosen the same one before.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    });
}

/// A bound address.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    tls: Option<TlsAcceptor>,
}

impl Server {
    /// Binds; port 0 takes a free one.
    pub async fn bind(address: &str) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(address)
            .await
            .with_context(|| format!("无法监听 {address} / cannot listen on {address}"))?;
        let address = listener.local_addr()?;
        Ok(Self { listener, address, tls: None })
    }

    /// Over TLS, where there is a certificate.
    #[must_use]
    pub fn secured(self, tls: Option<Arc<ServerConfig>>) -> Self {
        Self { tls: tls.map(TlsAcceptor::from), ..self }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves HTTP/1 and HTTP/2 on one port until the token is cancelled; then takes no more connections, waits for the
    /// calls at work, and ends hard after `drain`.
    pub async fn serve(self, app: axum::Router, shutdown: CancellationToken, drain: Duration) {
        let (graceful, cut) = (GracefulShutdown::new(), CancellationToken::new());
        let mut builder = Builder::new(TokioExecutor::new());
        builder.http1().timer(TokioTimer::new()).header_read_timeout(Duration::from_secs(10));
        builder
            .http2()
            .timer(TokioTimer::new())
            .keep_alive_interval(Duration::from_secs(20))
            .keep_alive_timeout(Duration::from_secs(10))
            .max_concurrent_streams(1024)
            .max_header_list_size(32 * 1024);
        while let Some(accepted) = shutdown.run_until_cancelled(self.listener.accept()).await {
            match accepted {
                Ok((stream, _)) => {
                    let _ = stream.set_nodelay(true);
                    let (builder, app, cut) = (builder.clone(), app.clone(), cut.clone());
                    let (watcher, tls) = (graceful.watcher(), self.tls.clone());
                    tokio::spawn(cut.run_until_cancelled_owned(async move {
                        match tls {
                            None => connection(&builder, watcher, stream, app).await,
                            Some(tls) => match tokio::time::timeout(HANDSHAKE, tls.accept(stream)).await {
                                Ok(Ok(stream)) => connection(&builder, watcher, stream, app).await,
                                Ok(Err(error)) => tracing::debug!(cause = %error, "no TLS"),
                                Err(_) => tracing::debug!("a handshake took too long"),
                            },
                        }
                    }));
                }
                Err(error) => {
                    // Out of file handles: accepting again at once would only spin.
                    tracing::warn!(cause = %error, "a connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
        }
        drop(self.listener);
        if tokio::time::timeout(drain, graceful.shutdown()).await.is_err() {
            cut.cancel();
            tracing::warn!("calls still at work were cut off");
        }
    }
}

async fn connection(
    builder: &Builder<TokioExecutor>,
    watcher: Watcher,
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    app: axum::Router,
) {
    let app = app.map_request(|request: Request<Incoming>| request.map(axum::body::Body::new));
    let served = builder.serve_connection_with_upgrades(TokioIo::new(stream), TowerToHyperService::new(app));
    if let Err(error) = watcher.watch(served.into_owned()).await {
        tracing::debug!(cause = %error, "a connection ended early");
    }
}

/// Cancels the token on SIGTERM or ctrl-c.
pub fn stop_on_signal(shutdown: CancellationToken) -> anyhow::Result<()> {
    #[cfg(unix)]
    let mut term = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::spawn(async move {
        #[cfg(unix)]
        tokio::select! {
            _ = term.recv() => {}
            _ = tokio::signal::ctrl_c() => {}
        }
        #[cfg(not(unix))]
        let _ = tokio::signal::ctrl_c().await;
        tracing::info!("told to stop");
        shutdown.cancel();
    });
    Ok(())
}
