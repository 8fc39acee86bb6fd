//! The two relays: from an entry to its notifications, from a notification to its senders.

use async_trait::async_trait;
use yiwang_kit::followed::Followed;
use yiwang_ledger::{Audiences, Call, Context, Delivery, Entry, Ledger, Personal, Refusal, Route};

use super::compose::{self, TOLD};
use super::sender::{Message, Senders};
use super::{About, Choice, Contact, Notification, contact_stream, stream};
use crate::application::{Application, Party};
use crate::joint::{Event, Joint, part};

/// Composes what a step of an application, or a stage that opens, means to its parties.
pub struct Composing(pub Ledger);

impl Composing {
    async fn compose(&self, entry: &Entry) -> Result<(), Refusal> {
        if entry.is::<Joint>() {
            return self.opened(entry).await;
        }
        let Some(read) = self.0.state_at::<Application>(entry.stream, entry.version).await? else { return Ok(()) };
        let app = read.state;
        let Some(text) = compose::text(&app, &entry.kind) else { return Ok(()) };
        let about = About { application: Some(entry.stream), item: app.item.name.clone(), kind: entry.kind.clone() };
        self.tell(entry, compose::addressees([&app.applicant, &app.agent]), &about, &text).await
    }

    /// 一链: a stage may be begun.
    async fn opened(&self, entry: &Entry) -> Result<(), Refusal> {
        let Event::MemberOpened { member } = self.0.decode::<Joint>(entry).await? else { return Ok(()) };
        let Some(read) = self.0.state_at::<Joint>(entry.stream, entry.version).await? else { return Ok(()) };
        let joint = read.state;
        let (Some(whose), Some(stage)) = (&joint.whose, joint.member(&member)) else { return Ok(()) };
        let application = Some(part(entry.stream, &member));
        let about = About { application, item: stage.name().to_owned(), kind: entry.kind.clone() };
        let text = compose::opened(&joint.theme.name, stage.name());
        self.tell(entry, compose::addressees([&Some(whose.applicant.clone()), &whose.agent]), &about, &text).await
    }

    async fn tell(&self, entry: &Entry, parties: Vec<&Party>, about: &About, text: &str) -> Result<(), Refusal> {
        for party in parties {
            // whose data are gone is told nothing any more
            if party.number.as_ref().is_none_or(Personal::is_erased) {
                continue;
            }
            let contact = self.0.get::<Contact>(contact_stream(&party.subject), &Audiences::all()).await?;
            let choice = contact.map(|read| read.state.choice.clone()).unwrap_or_else(Choice::default);
            let targets = compose::targets(party, &choice);
            let (notification, subject) = (stream(entry.hash, &party.subject), party.subject.clone());
            let (about, text) = (about.clone(), text.to_owned());
            let rule = move |notification: &Notification, _: &Context| {
                super::compose(notification, &subject, &about, &text, &targets)
            };
            self.0
                .execute::<Notification>(
                    notification,
                    Call::system(format!("notification.{notification}"), &entry.trace),
                    rule,
                )
                .await?;
        }
        Ok(())
    }
}

#[async_trait]
impl Route for Composing {
    fn wants(&self, entry: &Entry) -> bool {
        (entry.is::<Application>() && TOLD.contains(&entry.kind.as_str()))
            || (entry.is::<Joint>() && entry.kind == "MemberOpened")
    }

    async fn deliver(&self, entry: &Entry, _request_id: &str) -> Delivery {
        self.compose(entry).await.map_or_else(|refusal| later(&refusal), |()| Delivery::Done)
    }
}

fn later(refusal: &Refusal) -> Delivery {
    Delivery::Later { reason: refusal.reason.to_owned() }
}

/// Gives a notification to the senders of its channels; one that is away is asked again, and holds up no other.
pub struct Sending {
    /// Where notifications are kept.
    pub ledger: Ledger,
    /// Who takes them.
    pub senders: Followed<Senders>,
}

impl Sending {
    async fn send(&self, entry: &Entry) -> Result<Option<String>, Refusal> {
        let Some(read) = self.ledger.get::<Notification>(entry.stream, &Audiences::all()).await? else {
            return Ok(None);
        };
        let (mut away, senders) = (None, self.senders.now());
        let Some(text) = read.state.text.as_ref().and_then(Personal::get) else { return Ok(None) };
        for target in read.state.targets.iter().filter(|target| target.sent.is_none()) {
            let channel = target.channel;
            let (Some(to), Some(sender)) = (target.to.get(), senders.of(channel)) else { continue };
            let id = format!("{}.{}", entry.stream, channel.name());
            let message = Message { id: id.clone(), channel, to: to.to_owned(), text: text.to_owned() };
            if let Err(reason) = sender.send(&message).await {
                away = Some(reason.to_string());
                continue;
            }
            let rule = move |notification: &Notification, _: &Context| super::sent(notification, channel);
            let call = Call::system(format!("notification.sent.{id}"), &entry.trace);
            self.ledger.execute::<Notification>(entry.stream, call, rule).await?;
        }
        Ok(away)
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
