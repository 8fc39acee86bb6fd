//! Where attachments are kept: a folder of this machine, or object storage that all replicas share.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use object_store::ObjectStore;
use object_store::local::LocalFileSystem;
use object_store::prefix::PrefixStore;
use url::Url;

use crate::config::StorageConfig;

/// A store of files.
#[derive(Clone)]
pub struct Files {
    /// The store itself.
    pub store: Arc<dyn ObjectStore>,
    /// Other replicas may have files under way in it.
    pub shared: bool,
}

/// The configured store, or a folder of this machine, which is made.
///
/// # Errors
/// Where the address is none that can be used, or the folder cannot be made.
pub fn open(config: &StorageConfig, folder: &Path) -> anyhow::Result<Files> {
    let Some(address) = &config.url else {
        return Ok(Files { store: Arc::new(local(folder)?), shared: false });
    };
    let url = Url::parse(address).with_context(|| format!("storage.url {address}"))?;
    match url.scheme() {
        "file" => {
            let folder = url.to_file_path().ok().with_context(|| format!("storage.url {address}: file:///folder"))?;
            Ok(Files { store: Arc::new(local(&folder)?), shared: true })
        }
        "s3" => {
            // credentials and region come as every S3 client takes them
            let settings = std::env::vars().filter(|(key, _)| key.starts_with("AWS_"));
            let (store, prefix) =
                object_store::parse_url_opts(&url, settings.map(|(key, value)| (key.to_lowercase(), value)))
                    .with_context(|| format!("storage.url {address}"))?;
            Ok(Files { store: Arc::new(PrefixStore::new(store, prefix)), shared: true })
        }
        other => bail!("storage.url {address}: {other} is not known, use file or s3"),
    }
}

fn local(folder: &Path) -> anyhow::Result<LocalFileSystem> {
    std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    Ok(LocalFileSystem::new_with_prefix(folder)?.with_automatic_cleanup(true))
}
