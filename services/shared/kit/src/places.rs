//! So many calls at a time and no more: what is over is told at once to come again, not queued. Nobody starves the others: once
//! half of the places are taken, one caller may have no more than an eighth of them.
//!
//! Invariant: a place is given back when its holder is dropped, whatever became of the call.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{self, Poll};

use http::{HeaderMap, header};
use http_body::{Body, Frame, SizeHint};
use yiwang_ledger::{Kind, Refusal};

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
}

/// A place, until it is dropped.
pub struct Place {
    places: Places,
    caller: u64,
}

impl Places {
    /// For so many calls.
    pub fn new(all: usize) -> Self {
        Self(Arc::new(Inner { all, hasher: RandomState::new(), taken: Mutex::default() }))
    }

    /// A place for whoever sends these headers: a caller is a token, those without one are one caller. Nothing is verified yet;
    /// a forged token takes a place only until it is refused.
    ///
    /// # Errors
    /// `OVERLOADED`.
    pub fn take(&self, headers: &HeaderMap) -> Result<Place, Refusal> {
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

impl Place {
    /// The body of the answer, which keeps the place until it has been sent.
    pub fn hold<B>(self, body: B) -> Held<B> {
        Held { body, _place: self }
    }
}

/// A body with its place. It is as long as it was: what is around it can still say so.
pub struct Held<B> {
    body: B,
    _place: Place,
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

    #[test]
    fn nothing_is_kept_of_whoever_has_gone() {
        let places = Places::new(4);
        drop((places.take(&caller("a")), places.take(&HeaderMap::new())));
        let taken = places.0.taken.lock().unwrap();
        assert_eq!((taken.all, taken.by.len()), (0, 0));
    }
}
