//! So many calls at a time and no more: what is over is told at once to come again, not queued. Nobody starves the others: once
//! half of the places are taken, one caller may have no more than an eighth of them.
//!
//! Who follows something live (`Watch…`, `…:watch`) waits for minutes and works for moments: they hold a place until the answer
//! begins, and then one of the watchers' own, of which there are more, and a few for each caller.
//!
//! Invariant: a place is given back when its holder is dropped, whatever became of the call; a watcher's, when nothing can be
//! followed for longer, too.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{self, Poll};
use std::time::Duration;

use http::{HeaderMap, header};
use http_body::{Body, Frame, SizeHint};
use tokio::time::Instant;
use yiwang_ledger::{Kind, Refusal};

use crate::watching::LONGEST;

/// What one caller follows at a time: an application and its case, and that on a few pages.
const FOLLOWED: usize = 8;
/// Watchers for each place of a call.
const WATCHERS: usize = 8;
/// A stream ends by itself before its place does.
const KEPT: Duration = LONGEST.saturating_add(Duration::from_secs(30));

/// The places of one process or service. Cheap to clone.
#[derive(Clone)]
pub struct Places(Arc<Inner>);

struct Inner {
    all: usize,
    hasher: RandomState,
    taken: Mutex<Taken>,
}

#[derive(Default)]
struct Taken {
    all: usize,
    /// By caller; whoever has none is not in it.
    by: HashMap<u64, usize>,
    /// Who follows: the caller, and when the place is free whoever still holds it.
    watchers: HashMap<u64, (u64, Instant)>,
    next: u64,
}

/// A place, until it is dropped.
pub struct Place {
    places: Places,
    caller: u64,
}

/// A watcher's place, until it is dropped.
pub struct Watcher {
    places: Places,
    ticket: u64,
}

/// Whoever was let in.
pub struct Admitted {
    place: Place,
    watcher: Option<Watcher>,
}

/// Whether a call of this path follows something live: `/package.Service/WatchSomething`, `/v1/things/1:watch`.
pub fn follows(path: &str) -> bool {
    path.ends_with(":watch") || path.rsplit('/').next().is_some_and(|method| method.starts_with("Watch"))
}

impl Places {
    /// For so many calls.
    pub fn new(all: usize) -> Self {
        Self(Arc::new(Inner { all, hasher: RandomState::new(), taken: Mutex::default() }))
    }

    /// Lets a call in, with a watcher's place where it follows something.
    ///
    /// # Errors
    /// `OVERLOADED`.
    pub fn admit(&self, path: &str, headers: &HeaderMap) -> Result<Admitted, Refusal> {
        let place = self.take(headers)?;
        let watcher = follows(path).then(|| self.watch(place.caller)).transpose()?;
        Ok(Admitted { place, watcher })
    }

    fn watch(&self, caller: u64) -> Result<Watcher, Refusal> {
        let now = Instant::now();
        let mut taken = self.0.taken.lock().unwrap_or_else(PoisonError::into_inner);
        // whoever reads no more is not waited for
        taken.watchers.retain(|_, (_, until)| *until > now);
        let full = if taken.watchers.len() >= self.0.all.saturating_mul(WATCHERS) {
            Some(overloaded("replica", "系统繁忙，请稍后重试", "too many follow at once: try again shortly"))
        } else if taken.watchers.values().filter(|(by, _)| *by == caller).count() >= FOLLOWED {
            let (zh, en) =
                ("您同时关注的进度过多，请先关闭一些页面", "you follow too much at once: close a page first");
            Some(overloaded("caller", zh, en))
        } else {
            None
        };
        if let Some(refusal) = full {
            return Err(refusal.with("retry_after_ms", "15000"));
        }
        taken.next += 1;
        let ticket = taken.next;
        taken.watchers.insert(ticket, (caller, now + KEPT));
        Ok(Watcher { places: self.clone(), ticket })
    }

    /// A place for whoever sends these headers: a caller is a token, those without one are one caller. Nothing is verified yet;
    /// a forged token takes a place only until it is refused.
    ///
    /// # Errors
    /// `OVERLOADED`.
    fn take(&self, headers: &HeaderMap) -> Result<Place, Refusal> {
        let caller = self.0.hasher.hash_one(headers.get(header::AUTHORIZATION).map(http::HeaderValue::as_bytes));
        let mut taken = self.0.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if taken.all >= self.0.all {
            return Err(overloaded("replica", "系统繁忙，请稍后重试", "too many calls at once: try again shortly"));
        }
        let own = taken.by.get(&caller).copied().unwrap_or_default();
        if taken.all >= self.0.all / 2 && own >= (self.0.all / 8).max(1) {
            let (zh, en) =
                ("系统繁忙，您同时发出的请求过多，请稍后重试", "too many of your calls at once: try again shortly");
            return Err(overloaded("caller", zh, en));
        }
        taken.all += 1;
        taken.by.insert(caller, own + 1);
        Ok(Place { places: self.clone(), caller })
    }
}

impl Admitted {
    /// The body of the answer, which keeps the place until it has been sent; a watcher's, for the call's is free again.
    pub fn hold<B>(self, body: B) -> Held<B> {
        let place = self.watcher.is_none().then_some(self.place);
        Held { body, _place: place, _watcher: self.watcher }
    }
}

/// A body with its place. It is as long as it was: what is around it can still say so.
pub struct Held<B> {
    body: B,
    _place: Option<Place>,
    _watcher: Option<Watcher>,
}

impl<B: Body + Unpin> Body for Held<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut task::Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.0.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.all -= 1;
        match taken.by.get_mut(&self.caller) {
            Some(own) if *own > 1 => *own -= 1,
            _ => drop(taken.by.remove(&self.caller)),
        }
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        let mut taken = self.places.0.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.watchers.remove(&self.ticket);
    }
}

/// `scope` says who has too much at once: this replica, or this caller.
fn overloaded(scope: &'static str, zh: &'static str, en: &'static str) -> Refusal {
    Refusal::new(Kind::ResourceExhausted, "OVERLOADED", zh, en).with("scope", scope).with("retry_after_ms", "500")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use http::HeaderValue;

    use super::*;

    fn caller(name: &str) -> HeaderMap {
        HeaderMap::from_iter([(header::AUTHORIZATION, HeaderValue::from_str(name).unwrap())])
    }

    fn scope(refused: Result<Place, Refusal>) -> String {
        let refusal = refused.err().unwrap();
        assert_eq!(refusal.reason, "OVERLOADED");
        refusal.metadata["scope"].clone()
    }

    #[test]
    fn what_is_over_is_refused_until_a_place_is_given_back() {
        let places = Places::new(2);
        let (one, _two) = (places.take(&caller("a")).unwrap(), places.take(&caller("b")).unwrap());
        assert_eq!(scope(places.take(&caller("c"))), "replica");
        drop(one);
        assert!(places.take(&caller("c")).is_ok());
    }

    #[test]
    fn a_caller_alone_may_have_half_and_under_pressure_an_eighth() {
        let places = Places::new(64);
        let greedy: Vec<_> = std::iter::from_fn(|| places.take(&caller("greedy")).ok()).collect();
        assert_eq!(greedy.len(), 32);
        let polite: Vec<_> = std::iter::from_fn(|| places.take(&caller("polite")).ok()).collect();
        assert_eq!((polite.len(), scope(places.take(&caller("greedy")))), (8, "caller".to_owned()));
    }

    const WATCH: &str = "/yiwang.intake.v1.IntakeService/WatchApplication";

    #[tokio::test(start_paused = true)]
    async fn who_follows_holds_no_place_of_a_call_and_not_for_ever() {
        let places = Places::new(2);
        let watch = |name: &str, path: &str| places.admit(path, &caller(name)).map(|admitted| admitted.hold(()));
        let mut followed: Vec<_> = (0..8).map(|_| watch("a", WATCH).ok().unwrap()).collect();
        let refused = watch("a", "/v1/cases/1:watch").err().unwrap();
        assert_eq!((refused.reason, refused.metadata["scope"].as_str()), ("OVERLOADED", "caller"));
        followed.extend((0..8).map(|_| watch("b", WATCH).ok().unwrap()));
        assert_eq!(watch("c", WATCH).err().unwrap().metadata["scope"], "replica");
        // calls are let in as if nobody followed
        let calls = (watch("c", "/v1/cases/1").ok().unwrap(), watch("d", "/v1/cases/1").ok().unwrap());
        assert_eq!(scope(places.take(&caller("e"))), "replica");
        drop(calls);
        // nobody reads them: others follow instead
        tokio::time::advance(KEPT).await;
        let _later = watch("a", WATCH).ok().unwrap();
        drop(followed);
        assert_eq!(places.0.taken.lock().unwrap().watchers.len(), 1);
    }

    #[test]
    fn what_follows_is_known_by_its_name() {
        assert!(follows(WATCH) && follows("/v1/applications/1:watch"));
        assert!(!follows("/v1/watches/1") && !follows("/yiwang.intake.v1.IntakeService/GetApplication"));
    }

    #[test]
    fn nothing_is_kept_of_whoever_has_gone() {
        let places = Places::new(4);
        drop((places.take(&caller("a")), places.take(&HeaderMap::new())));
        let taken = places.0.taken.lock().unwrap();
        assert_eq!((taken.all, taken.by.len()), (0, 0));
    }
}
