//! What stands in files that an operator changes while the process runs: read at the start, and again when they change.
//!
//! Invariant: files that cannot be read or are not in order leave in force what was in force before.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio_util::sync::CancellationToken;

use crate::tls::Files;

/// How often the files are looked at.
const LOOK: Duration = Duration::from_secs(5);

/// What was read, and the files that it depends on: those that are not there yet too, and those that the first one names.
#[derive(Debug)]
pub struct Read<T> {
    /// What they say.
    pub value: T,
    /// The files.
    pub files: Vec<PathBuf>,
}

/// What files say, as it stands now.
#[derive(Debug)]
pub struct Followed<T>(Arc<ArcSwap<T>>);

impl<T> Clone for Followed<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T: Send + Sync + 'static> Followed<T> {
    /// What never changes.
    pub fn fixed(value: T) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(value)))
    }

    /// Reads it now, and again whenever one of its files has changed, until the token is cancelled. A file that is taken away
    /// changes nothing. `name` is for the log.
    ///
    /// # Errors
    /// Where the first reading fails.
    pub fn open(
        name: &'static str,
        read: impl Fn() -> anyhow::Result<Read<T>> + Send + 'static,
        shutdown: CancellationToken,
    ) -> anyhow::Result<Self> {
        let first = read()?;
        let mut files = Files::of(first.files.iter().map(PathBuf::as_path));
        let followed = Self::fixed(first.value);
        let current = followed.0.clone();
        tokio::spawn(async move {
            while shutdown.run_until_cancelled(tokio::time::sleep(LOOK)).await.is_some() {
                if !files.changed() {
                    continue;
                }
                match read() {
                    Ok(fresh) => {
                        files.follow(fresh.files.iter().map(PathBuf::as_path));
                        current.store(Arc::new(fresh.value));
                        tracing::info!(file = name, "read again");
                    }
                    // what it names may follow in a moment
                    Err(error) => {
                        files.forget();
                        let cause = format!("{error:#}");
                        tracing::warn!(file = name, cause, "what was changed is not in order and not in force");
                    }
                }
            }
        });
        Ok(followed)
    }

    /// As it stands now.
    pub fn now(&self) -> Arc<T> {
        self.0.load_full()
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn number(path: &Path) -> anyhow::Result<Read<u32>> {
        let text = std::fs::read_to_string(path).unwrap_or_else(|_| "0".to_owned());
        Ok(Read { value: text.trim().parse()?, files: vec![path.to_owned()] })
    }

    /// Another text with another time, however coarse the folder's clock is.
    fn write(path: &Path, text: &str, seconds: u64) {
        std::fs::write(path, text).unwrap();
        let at = std::time::UNIX_EPOCH + Duration::from_secs(seconds);
        std::fs::File::options().write(true).open(path).unwrap().set_modified(at).unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn what_changes_is_read_again_and_what_is_not_in_order_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("number");
        let own = path.clone();
        let followed = Followed::open("number", move || number(&own), CancellationToken::new()).unwrap();
        let look = async || tokio::time::sleep(LOOK * 2).await;
        assert_eq!(*followed.now(), 0);
        write(&path, "1", 1000);
        look().await;
        assert_eq!(*followed.now(), 1);
        write(&path, "two", 2000);
        look().await;
        assert_eq!(*followed.now(), 1);
        write(&path, "3", 3000);
        look().await;
        assert_eq!(*followed.now(), 3);
        std::fs::remove_file(&path).unwrap();
        look().await;
        assert_eq!(*followed.now(), 3);
        write(&path, "x", 4000);
        assert!(Followed::open("number", move || number(&path), CancellationToken::new()).is_err());
    }
}
