//! The relays: from an entry to its notifications, and from a notification to the sender of each channel.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::Instant;
use yiwang_kit::followed::Followed;
use yiwang_ledger::{Audiences, Call, Context, Delivery, Entry, Ledger, Personal, Refusal, Route};

use super::compose::{self, TOLD, TOLD_OF_JOINT};
use super::sender::{Message, Senders, Unsent};
use super::{About, Channel, Choice, Contact, Notification, Target, contact_stream, stream};
use crate::application::{Application, Party};
use crate::joint::Joint;

/// So many messages in a row that a sender has not taken, and it is left alone for a while.
const AWAY: u32 = 3;
/// For so long.
const PAUSE: Duration = Duration::from_secs(2);

/// Starts the relays. What has happened before this installation could tell of it is told to nobody.
///
/// # Errors
/// `STORE_UNAVAILABLE`.
pub async fn spawn(ledger: &Ledger, senders: &Followed<Senders>) -> Result<(), Refusal> {
    let composing = Composing { ledger: ledger.clone(), senders: senders.clone() };
    ledger.relay_from_now("notifications", composing).await?;
    for channel in Channel::ALL {
        let name = match channel {
            Channel::Sms => "sending.sms",
            Channel::Mail => "sending.mail",
            Channel::App => "sending.app",
        };
        ledger.relay(name, Sending::new(ledger.clone(), channel, senders.clone()));
    }
    Ok(())
}

/// Composes what a step means to its parties.
struct Composing {
    ledger: Ledger,
    senders: Followed<Senders>,
}

impl Composing {
    async fn compose(&self, entry: &Entry) -> Result<(), Refusal> {
        if entry.is::<Joint>() { self.of_joint(entry).await } else { self.of_application(entry).await }
    }

    async fn of_application(&self, entry: &Entry) -> Result<(), Refusal> {
        let Some(read) = self.ledger.state_at::<Application>(entry.stream, entry.version).await? else { return Ok(()) };
        let (app, event) = (read.state, self.ledger.decode::<Application>(entry).await?);
        let Some(text) = compose::text(&app, &event) else { return Ok(()) };
        let about = About {
            application: Some(entry.stream),
            joint: None,
            item: app.item.name.clone(),
            kind: entry.kind.clone(),
        };
        self.tell(entry, &compose::addressees(app.applicant.as_ref(), app.agent.as_ref()), &about, &text).await
    }

    async fn of_joint(&self, entry: &Entry) -> Result<(), Refusal> {
        let Some(read) = self.ledger.state_at::<Joint>(entry.stream, entry.version).await? else { return Ok(()) };
        let (joint, event) = (read.state, self.ledger.decode::<Joint>(entry).await?);
        let (Some(text), Some(whose)) = (compose::text_of_joint(&joint, &event), &joint.whose) else { return Ok(()) };
        let about = About {
            application: None,
            joint: Some(entry.stream),
            item: joint.theme.name.clone(),
            kind: entry.kind.clone(),
        };
        self.tell(entry, &compose::addressees(Some(&whose.applicant), whose.agent.as_ref()), &about, &text).await
    }

    async fn tell(&self, entry: &Entry, parties: &[&Party], about: &About, text: &str) -> Result<(), Refusal> {
        for party in parties {
            // whose data are gone is told nothing any more
            if party.number.as_ref().is_none_or(Personal::is_erased) {
                continue;
            }
            let contact = self.ledger.get::<Contact>(contact_stream(&party.subject), &Audiences::all()).await?;
            let choice = contact.map(|read| read.state.choice.clone()).unwrap_or_else(Choice::default);
            let targets = compose::targets(party, &choice);
            // a channel that is not used here is no way that it goes
            let senders = self.senders.now();
            let used = targets.into_iter().filter(|target| senders.of(target.channel).is_some());
            let targets: Vec<Target> = used.collect();
            let (notification, subject) = (stream(entry.hash, &party.subject), party.subject.clone());
            let (about, text) = (about.clone(), text.to_owned());
            let rule = move |notification: &Notification, _: &Context| {
                super::compose(notification, &subject, &about, &text, &targets)
            };
            let call = Call::system(format!("notification.{notification}"), &entry.trace);
            self.ledger.execute::<Notification>(notification, call, rule).await?;
        }
        Ok(())
    }
}

#[async_trait]
impl Route for Composing {
    fn wants(&self, entry: &Entry) -> bool {
        (entry.is::<Application>() && TOLD.contains(&entry.kind.as_str()))
            || (entry.is::<Joint>() && TOLD_OF_JOINT.contains(&entry.kind.as_str()))
    }

    async fn deliver(&self, entry: &Entry, _request_id: &str) -> Delivery {
        match self.compose(entry).await {
            Ok(()) => Delivery::Done,
            // it ended long ago
            Err(refusal) if refusal.reason == "STREAM_ARCHIVED" => Delivery::Done,
            Err(refusal) => later(&refusal),
        }
    }
}

fn later(refusal: &Refusal) -> Delivery {
    Delivery::Later { reason: refusal.reason.to_owned() }
}

/// Gives notifications to the sender of one channel. One that is away is asked again, and holds up no other; what it will never take
/// is written down and asked of nobody again.
struct Sending {
    ledger: Ledger,
    channel: Channel,
    senders: Followed<Senders>,
    /// Messages in a row that it has not taken.
    missed: AtomicU32,
    /// Until then it is left alone.
    rests: Mutex<Option<Instant>>,
}

impl Sending {
    fn new(ledger: Ledger, channel: Channel, senders: Followed<Senders>) -> Self {
        Self { ledger, channel, senders, missed: AtomicU32::new(0), rests: Mutex::default() }
    }

    fn is_resting(&self) -> bool {
        let rests = *self.rests.lock().unwrap_or_else(PoisonError::into_inner);
        rests.is_some_and(|until| Instant::now() < until)
    }

    /// Asks the sender, unless it is known to be away.
    async fn ask(&self, message: &Message) -> Result<(), Unsent> {
        if self.is_resting() {
            return Err(Unsent::Away("resting".to_owned()));
        }
        let senders = self.senders.now();
        let Some(sender) = senders.of(self.channel) else {
            return Err(Unsent::Away("none is configured any more".to_owned()));
        };
        let sent = sender.send(message).await;
        if !matches!(sent, Err(Unsent::Away(_))) {
            self.missed.store(0, Ordering::Relaxed);
        } else if self.missed.fetch_add(1, Ordering::Relaxed) + 1 >= AWAY {
            *self.rests.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now() + PAUSE);
        }
        sent
    }

    async fn send(&self, entry: &Entry) -> Result<Option<String>, Refusal> {
        let Some(read) = self.ledger.get::<Notification>(entry.stream, &Audiences::all()).await? else {
            return Ok(None);
        };
        let channel = self.channel;
        let target = read.state.targets.iter().find(|target| target.channel == channel && target.is_open());
        let to = target.and_then(|target| target.to.get());
        let (Some(text), Some(to)) = (read.state.text.as_ref().and_then(Personal::get), to) else { return Ok(None) };
        let id = format!("{}.{}", entry.stream, channel.name());
        let message = Message { id: id.clone(), channel, to: to.to_owned(), text: text.to_owned() };
        let refused = match self.ask(&message).await {
            Ok(()) => None,
            Err(away @ Unsent::Away(_)) => return Ok(Some(away.to_string())),
            Err(Unsent::Rejected(reason)) => Some(reason),
        };
        let rule = move |notification: &Notification, _: &Context| match &refused {
            None => super::sent(notification, channel),
            Some(reason) => super::failed(notification, channel, reason),
        };
        let call = Call::system(format!("notification.sent.{id}"), &entry.trace);
        self.ledger.execute::<Notification>(entry.stream, call, rule).await?;
        Ok(None)
    }
}

#[async_trait]
impl Route for Sending {
    fn wants(&self, entry: &Entry) -> bool {
        entry.is::<Notification>() && entry.kind == "NotificationComposed"
    }

    async fn deliver(&self, entry: &Entry, _request_id: &str) -> Delivery {
        match self.send(entry).await {
            Ok(None) => Delivery::Done,
            Ok(Some(reason)) => Delivery::Later { reason },
            Err(refusal) => later(&refusal),
        }
    }
}
