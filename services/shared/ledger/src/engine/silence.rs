//! A store that has fallen silent. A network that swallows what it is given tells neither side: who waits on one connection finds out
//! by waiting, and all others need not wait as long again, one after another.
//!
//! Invariant: where a question stayed without an answer, no connection is believed from which nothing was heard since it was asked.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

/// An answer of PostgreSQL that did not come in this time does not come any more. Longer than a lock is waited for.
const PATIENCE: Duration = Duration::from_secs(15);

/// Since when a store is known to have been silent on a connection.
pub(crate) struct Silence(watch::Sender<Option<Instant>>);

impl Silence {
    /// Not known to be silent.
    pub fn none() -> Self {
        Self(watch::Sender::new(None))
    }

    /// Whether a connection of which this was the last word is not to be believed any more.
    pub fn holds(&self, heard: Instant) -> bool {
        self.0.borrow().is_some_and(|since| since >= heard)
    }

    /// Gives up what takes longer than [`PATIENCE`], or goes over a connection that is not to be believed: whether it was done is
    /// unknown. `heard` is when the connection last gave an answer, or was made.
    pub async fn in_time<T>(
        &self,
        heard: Instant,
        work: impl Future<Output = Result<T, sqlx::Error>>,
    ) -> Result<T, sqlx::Error> {
        self.within(PATIENCE, heard, work).await
    }

    /// The same with a patience of one's own.
    pub async fn within<T>(
        &self,
        patience: Duration,
        heard: Instant,
        work: impl Future<Output = Result<T, sqlx::Error>>,
    ) -> Result<T, sqlx::Error> {
        if self.holds(heard) {
            return Err(late());
        }
        let asked = Instant::now();
        let mut others = self.0.subscribe();
        tokio::select! {
            biased;
            answer = work => return answer,
            _ = others.wait_for(|since| since.is_some_and(|since| since >= heard)) => {}
            () = tokio::time::sleep(patience) => {
                self.0.send_modify(|since| *since = (*since).max(Some(asked)));
            }
        }
        Err(late())
    }
}

/// Connects, with the same patience: that nobody takes one in says nothing of the connections that there are.
pub(crate) async fn connected<T>(work: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, sqlx::Error> {
    tokio::time::timeout(PATIENCE, work).await.map_err(|_| late())?
}

fn late() -> sqlx::Error {
    sqlx::Error::Io(std::io::Error::from(std::io::ErrorKind::TimedOut))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::future::pending;
    use std::pin::pin;

    use futures_util::FutureExt as _;

    use super::*;

    fn given_up(answer: Option<Result<(), sqlx::Error>>) -> bool {
        matches!(answer, Some(Err(sqlx::Error::Io(error))) if error.kind() == std::io::ErrorKind::TimedOut)
    }

    #[tokio::test]
    async fn who_was_heard_of_before_a_silence_is_given_up_with_the_first() {
        let (silence, began) = (Silence::none(), Instant::now());
        let mut second = pin!(silence.in_time(began, pending()));
        assert!(second.as_mut().now_or_never().is_none(), "it is waited for");
        assert!(given_up(Some(silence.within(Duration::ZERO, began, pending()).await)));
        assert!(given_up(second.now_or_never()), "no longer than the first");
        let asked = async { panic!("nor is it asked again") };
        assert!(given_up(silence.in_time(began, asked).now_or_never()));
        assert!(silence.holds(began));
    }

    #[tokio::test]
    async fn who_was_heard_of_since_is_waited_for() {
        let (silence, began) = (Silence::none(), Instant::now());
        assert!(!silence.holds(began));
        assert!(given_up(Some(silence.within(Duration::ZERO, began, pending()).await)));
        let heard = Instant::now();
        assert!(!silence.holds(heard));
        assert!(silence.in_time(heard, pending::<Result<(), _>>()).now_or_never().is_none());
        assert!(silence.in_time(heard, async { Ok(()) }).await.is_ok());
    }
}
