//! 通知 (短信、邮件、应用消息): what the parties of an application, and of a joint one, are told as it moves. One notification an entry and a
//! party, composed by a relay and sent by another for each channel: never lost, since both read the feed; never twice as far as the
//! sender can tell, since each message has one id. The notification itself is what the party reads in the application (站内消息).
//!
//! Invariant: a notification says what happened to which matter, and nothing of the person.

pub mod compose;
pub mod relays;
pub mod sender;

use serde::{Deserialize, Serialize};
use yiwang_ledger::{
    Aggregate, Context, Decision, Hash, Index, Meta, Personal, Refusal, StreamId, SubjectId, Tag, Timestamp,
};

/// How a notification reaches its addressee.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// 短信.
    Sms,
    /// 电子邮件.
    Mail,
    /// 移动端推送; the message itself is listed whether it was pushed or not.
    App,
}

impl Channel {
    /// All of them.
    pub const ALL: [Channel; 3] = [Channel::Sms, Channel::Mail, Channel::App];

    /// Its name in files and settings.
    pub fn name(self) -> &'static str {
        match self {
            Channel::Sms => "sms",
            Channel::Mail => "mail",
            Channel::App => "app",
        }
    }
}

/// Where a message goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// How.
    pub channel: Channel,
    /// 手机号码, address of mail; for the app the person's key.
    pub to: Personal,
    /// When the sender took it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent: Option<Timestamp>,
    /// When the sender said that it will never take it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed: Option<Timestamp>,
}

impl Target {
    /// Nobody has taken or refused it.
    pub fn is_open(&self) -> bool {
        self.sent.is_none() && self.failed.is_none()
    }
}

/// What a notification is about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    /// The application; none where it is about a joint one.
    pub application: Option<StreamId>,
    /// The joint application.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub joint: Option<StreamId>,
    /// 事项名称, or the theme's.
    pub item: String,
    /// Name of the event.
    pub kind: String,
}

/// A notification.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notification {
    /// Whose it is; none before it was composed.
    pub subject: Option<SubjectId>,
    /// What it is about.
    pub about: About,
    /// What it says.
    pub text: Option<Personal>,
    /// Where it goes.
    pub targets: Vec<Target>,
    /// When it was composed.
    pub at: Timestamp,
    /// When its addressee has read it.
    pub read: Option<Timestamp>,
}

/// What happens to a notification.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, strum::IntoStaticStr, strum::VariantNames)]
pub enum NotificationEvent {
    /// It was composed.
    NotificationComposed {
        /// Whose it is.
        subject: SubjectId,
        /// What it is about.
        about: About,
        /// What it says.
        text: Personal,
        /// Where it goes.
        targets: Vec<Target>,
    },
    /// A sender has taken it.
    NotificationSent {
        /// How.
        channel: Channel,
    },
    /// A sender says that it will never take it: the number or the address is none.
    NotificationFailed {
        /// How.
        channel: Channel,
        /// What the sender answered, in a word.
        reason: String,
    },
    /// Its addressee has read it.
    NotificationRead,
}

/// The notification of an entry for a party.
pub fn stream(entry: Hash, subject: &SubjectId) -> StreamId {
    StreamId::named(Notification::KIND, &format!("{entry}/{subject}"))
}

/// `NOTIFICATION_NOT_FOUND`.
pub fn not_found() -> Refusal {
    Refusal { reason: "NOTIFICATION_NOT_FOUND", ..Refusal::not_found("通知") }
}

/// Composes it, once.
pub fn compose(
    notification: &Notification,
    subject: &SubjectId,
    about: &About,
    text: &str,
    targets: &[Target],
) -> Decision<NotificationEvent> {
    if notification.subject.is_some() {
        return Ok(Vec::new());
    }
    Ok(vec![NotificationEvent::NotificationComposed {
        subject: subject.clone(),
        about: about.clone(),
        text: Personal::new(subject, "notification.text", text),
        targets: targets.to_vec(),
    }])
}

/// A sender has taken it for a channel, once.
pub fn sent(notification: &Notification, channel: Channel) -> Decision<NotificationEvent> {
    Ok(if is_open(notification, channel) { vec![NotificationEvent::NotificationSent { channel }] } else { Vec::new() })
}

/// A sender will never take it for a channel, once.
pub fn failed(notification: &Notification, channel: Channel, reason: &str) -> Decision<NotificationEvent> {
    let failed = || NotificationEvent::NotificationFailed { channel, reason: reason.to_owned() };
    Ok(if is_open(notification, channel) { vec![failed()] } else { Vec::new() })
}

fn is_open(notification: &Notification, channel: Channel) -> bool {
    notification.targets.iter().any(|target| target.channel == channel && target.is_open())
}

/// Its addressee has read it.
pub fn read(notification: &Notification, _: &Context) -> Decision<NotificationEvent> {
    if notification.subject.is_none() {
        return Err(not_found());
    }
    Ok(if notification.read.is_none() { vec![NotificationEvent::NotificationRead] } else { Vec::new() })
}

impl Aggregate for Notification {
    const KIND: &'static str = "notification";
    type Event = NotificationEvent;

    fn evolve(&mut self, event: &NotificationEvent, meta: &Meta) {
        match event {
            NotificationEvent::NotificationComposed { subject, about, text, targets } => {
                self.subject = Some(subject.clone());
                self.about = about.clone();
                self.text = Some(text.clone());
                self.targets.clone_from(targets);
                self.at = meta.at;
            }
            NotificationEvent::NotificationSent { channel } => {
                for target in self.targets.iter_mut().filter(|target| target.channel == *channel) {
                    target.sent = Some(meta.at);
                }
            }
            NotificationEvent::NotificationFailed { channel, .. } => {
                for target in self.targets.iter_mut().filter(|target| target.channel == *channel) {
                    target.failed = Some(meta.at);
                }
            }
            NotificationEvent::NotificationRead => self.read = Some(meta.at),
        }
    }

    fn index(&self) -> Index {
        Index {
            owner: self.subject.as_ref().map(SubjectId::to_string).unwrap_or_default(),
            status: if self.read.is_some() { "READ" } else { "UNREAD" }.to_owned(),
            ..Index::default()
        }
    }

    fn tags(&self) -> Vec<Tag> {
        let Some(subject) = &self.subject else { return Vec::new() };
        let sort = Tag::newest_first(self.at);
        let state = if self.read.is_some() { "READ" } else { "UNREAD" };
        vec![Tag::new(Tag::AUDIENCE, subject.audience(), sort.clone()), Tag::new("state", state, sort)]
    }
}

/// 通知偏好: where somebody wants to be told.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contact {
    /// Whose it is; none before it was saved.
    pub subject: Option<SubjectId>,
    /// What they chose.
    pub choice: Choice,
}

/// What somebody chose.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// No messages to the telephone.
    pub no_sms: bool,
    /// No push to the app; what is listed there stays.
    pub no_push: bool,
    /// 手机号码 instead of the one in the application.
    pub phone: Option<Personal>,
    /// 电子邮箱; none: no mail.
    pub mail: Option<Personal>,
}

/// What happens to a contact.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, strum::IntoStaticStr, strum::VariantNames)]
pub enum ContactEvent {
    /// It was saved.
    ContactSaved {
        /// Whose it is.
        subject: SubjectId,
        /// What they chose.
        choice: Choice,
    },
}

/// The contact of a person.
pub fn contact_stream(subject: &SubjectId) -> StreamId {
    StreamId::named(Contact::KIND, &subject.to_string())
}

/// Saves a contact.
pub fn save(contact: &Contact, subject: &SubjectId, choice: &Choice) -> Decision<ContactEvent> {
    if contact.subject.is_some() && contact.choice == *choice {
        return Ok(Vec::new());
    }
    Ok(vec![ContactEvent::ContactSaved { subject: subject.clone(), choice: choice.clone() }])
}

impl Aggregate for Contact {
    const KIND: &'static str = "contact";
    type Event = ContactEvent;

    fn evolve(&mut self, event: &ContactEvent, _: &Meta) {
        let ContactEvent::ContactSaved { subject, choice } = event;
        self.subject = Some(subject.clone());
        self.choice = choice.clone();
    }

    fn index(&self) -> Index {
        Index {
            owner: self.subject.as_ref().map(SubjectId::to_string).unwrap_or_default(),
            status: "OPEN".to_owned(),
            ..Index::default()
        }
    }

    fn tags(&self) -> Vec<Tag> {
        let subject = self.subject.iter();
        subject.map(|subject| Tag::new(Tag::AUDIENCE, subject.audience(), String::new())).collect()
    }
}
