//! TLS at our own listeners and towards other services: certificates are files, read again when they change, so that a
//! renewal needs no restart.
//!
//! Invariant: a file that cannot be read or does not fit leaves the certificate in force that was in force before.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use arc_swap::ArcSwap;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio_util::sync::CancellationToken;
use tonic::transport::{Certificate, ClientTlsConfig};

/// How often the files are looked at.
const LOOK: Duration = Duration::from_secs(5);

/// The certificate of a listener, followed for as long as the process runs.
#[derive(Debug)]
struct Current(ArcSwap<CertifiedKey>);

impl ResolvesServerCert for Current {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.load_full())
    }
}

/// TLS for a listener, with the certificate chain and the private key (PEM) of two files, followed until the token is
/// cancelled.
///
/// # Errors
/// Where the files cannot be read or do not fit each other.
pub fn listener(certificate: &Path, key: &Path, shutdown: CancellationToken) -> anyhow::Result<Arc<ServerConfig>> {
    crate::server::install_crypto();
    let current = Arc::new(Current(ArcSwap::new(Arc::new(certified(certificate, key)?))));
    let mut config = ServerConfig::builder().with_no_client_auth().with_cert_resolver(current.clone());
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let mut files = Files::of([certificate, key]);
    let (certificate, key) = (certificate.to_owned(), key.to_owned());
    tokio::spawn(async move {
        while shutdown.run_until_cancelled(tokio::time::sleep(LOOK)).await.is_some() {
            if !files.changed() {
                continue;
            }
            match certified(&certificate, &key) {
                Ok(fresh) => {
                    current.0.store(Arc::new(fresh));
                    tracing::info!(file = %certificate.display(), "the listener's certificate was read again");
                }
                // the other file may follow in a moment
                Err(error) => {
                    files.forget();
                    tracing::warn!(cause = format!("{error:#}"), "the changed certificate cannot be used yet");
                }
            }
        }
    });
    Ok(Arc::new(config))
}

fn certified(certificate: &Path, key: &Path) -> anyhow::Result<CertifiedKey> {
    let chain = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .with_context(|| format!("security.tls_cert_file {}", certificate.display()))?;
    let key_name = || format!("security.tls_key_file {}", key.display());
    let private = PrivateKeyDer::from_pem_file(key).with_context(key_name)?;
    let provider = rustls::crypto::CryptoProvider::get_default().context("no cryptographic library was chosen")?;
    CertifiedKey::from_der(chain, private, provider).with_context(key_name)
}

/// The authority by which the certificates of other services are checked, read again when its file changes.
#[derive(Clone, Debug)]
pub struct Authority {
    file: Option<PathBuf>,
}

impl Authority {
    /// That of a file; none: those that the machine trusts.
    pub fn new(file: Option<PathBuf>) -> Self {
        Self { file }
    }

    /// As it stands now.
    ///
    /// # Errors
    /// Where the file cannot be read.
    pub fn read(&self) -> anyhow::Result<ClientTlsConfig> {
        let tls = ClientTlsConfig::new();
        Ok(match &self.file {
            Some(file) => {
                let pem = std::fs::read(file).with_context(|| format!("security.ca_file {}", file.display()))?;
                tls.ca_certificate(Certificate::from_pem(pem))
            }
            None => tls,
        })
    }

    /// To ask whether it changed.
    pub fn files(&self) -> Files {
        Files::of(self.file.as_deref())
    }
}

/// Files whose contents are watched by their times.
#[derive(Debug)]
pub struct Files {
    seen: Vec<(PathBuf, Option<std::time::SystemTime>)>,
}

impl Files {
    /// Watches these.
    pub fn of<'a>(files: impl IntoIterator<Item = &'a Path>) -> Self {
        Self { seen: files.into_iter().map(|file| (file.to_owned(), modified(file))).collect() }
    }

    /// Whether one of them changed since it was asked last.
    pub fn changed(&mut self) -> bool {
        let mut changed = false;
        for (file, seen) in &mut self.seen {
            let now = modified(file);
            changed |= now.is_some() && now != *seen;
            *seen = now;
        }
        changed
    }

    /// Watches these from now on; those that were watched before keep the time at which they were seen.
    pub(crate) fn follow<'a>(&mut self, files: impl IntoIterator<Item = &'a Path>) {
        let known = |file: &Path| self.seen.iter().find(|(own, _)| own == file).cloned();
        self.seen =
            files.into_iter().map(|file| known(file).unwrap_or_else(|| (file.to_owned(), modified(file)))).collect();
    }

    /// Next time, they count as changed.
    pub(crate) fn forget(&mut self) {
        self.seen.iter_mut().for_each(|(_, seen)| *seen = None);
    }
}

fn modified(file: &Path) -> Option<std::time::SystemTime> {
    // through links: Kubernetes replaces a mounted secret by turning a link
    std::fs::metadata(file).and_then(|about| about.modified()).ok()
}
