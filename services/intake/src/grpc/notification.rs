//! `NotificationService`.

use tonic::Request;
use yiwang_kit::{Caller, Fault, Gate, Incoming, Reply, Resource, receive, reply, timestamp, wire};
use yiwang_ledger::{
    Aggregate as _, Audiences, Context, Kind, Ledger, ListQuery, Personal, Refusal, StreamId, SubjectId,
};
use yiwang_proto::intake::v1 as pb;
use yiwang_proto::intake::v1::notification_service_server::NotificationService;
use yiwang_standards::identity;

use crate::convert::ask;
use crate::notification::compose::is_mail;
use crate::notification::{self, Channel, Choice, Contact, Notification};

/// The notifications over their ledger.
#[derive(Clone)]
pub struct Notifications {
    ledger: Ledger,
    gate: Gate,
}

fn shown(id: StreamId, notification: &Notification) -> pb::Notification {
    let target = |target: &notification::Target| pb::NotificationTarget {
        channel: match target.channel {
            Channel::Sms => pb::NotificationChannel::Sms,
            Channel::Mail => pb::NotificationChannel::Mail,
            Channel::App => pb::NotificationChannel::App,
        }
        .into(),
        send_time: target.sent.map(timestamp),
        fail_time: target.failed.map(timestamp),
    };
    pb::Notification {
        id: id.to_string(),
        text: notification.text.as_ref().and_then(Personal::get).unwrap_or_default().to_owned(),
        application_id: notification.about.application.map(|id| id.to_string()).unwrap_or_default(),
        joint_id: notification.about.joint.map(|id| id.to_string()).unwrap_or_default(),
        item_name: notification.about.item.clone(),
        kind: notification.about.kind.clone(),
        create_time: Some(timestamp(notification.at)),
        read_time: notification.read.map(timestamp),
        targets: notification.targets.iter().map(target).collect(),
    }
}

fn contact(choice: &Choice) -> pb::Contact {
    let text = |value: &Option<Personal>| value.as_ref().and_then(Personal::get).unwrap_or_default().to_owned();
    pb::Contact { no_sms: choice.no_sms, no_push: choice.no_push, phone: text(&choice.phone), mail: text(&choice.mail) }
}

/// What somebody chose, checked.
///
/// # Errors
/// `FIELD_INVALID`, naming the field.
fn choice(message: &pb::Contact, subject: &SubjectId) -> Result<Choice, Refusal> {
    let phone = match message.phone.trim() {
        "" => None,
        text => Some(
            identity::phone(text)
                .map_err(|wrong| Refusal::field("contact.phone", "FIELD_INVALID", wrong.zh(), wrong.en()))?,
        ),
    };
    let mail = ask::text("contact.mail", &message.mail, 0, 100, "FIELD_INVALID")?;
    if !mail.is_empty() && !is_mail(&mail) {
        let (zh, en) = ("电子邮箱格式不正确", "is no address of mail");
        return Err(Refusal::field("contact.mail", "FIELD_INVALID", zh, en));
    }
    Ok(Choice {
        no_sms: message.no_sms,
        no_push: message.no_push,
        phone: phone.map(|phone| Personal::new(subject, "contact.phone", phone)),
        mail: (!mail.is_empty()).then(|| Personal::new(subject, "contact.mail", mail)),
    })
}

/// Whose notifications and contact the caller's are: a person's or a company's, never an officer's in office.
fn own(caller: &Caller) -> Result<SubjectId, Refusal> {
    caller.subject.clone().filter(|_| !caller.is_staff()).ok_or_else(|| {
        let (zh, en) = ("只有办事人本人可以设置", "only a person or company has these");
        Refusal::new(Kind::PermissionDenied, "ACTION_NOT_PERMITTED", zh, en)
    })
}

impl Notifications {
    /// Over a ledger and the policies.
    pub fn new(ledger: Ledger, gate: Gate) -> Self {
        Self { ledger, gate }
    }

    async fn list(
        &self,
        incoming: Incoming<pb::ListNotificationsRequest>,
    ) -> Result<pb::ListNotificationsResponse, Fault> {
        let (caller, message) = (&incoming.caller, &incoming.message);
        self.gate.allow(caller, "ListNotifications", &super::unowned("Application"))?;
        // what an officer may see in office is no notification of theirs
        let audiences = Audiences::of(caller.subject.iter().map(SubjectId::audience));
        let query = ListQuery {
            filters: if message.unread { vec![("state", "UNREAD".to_owned())] } else { Vec::new() },
            page_size: wire::page_size(message.page_size)?,
            page_token: message.page_token.clone(),
        };
        let page = self.ledger.list::<Notification>(&query, &audiences).await?;
        Ok(pb::ListNotificationsResponse {
            notifications: page.items.iter().map(|read| shown(read.stream, &read.state)).collect(),
            next_page_token: page.next_page_token,
        })
    }

    async fn read(&self, incoming: Incoming<pb::ReadNotificationRequest>) -> Result<pb::Notification, Fault> {
        let (caller, message) = (incoming.caller.clone(), &incoming.message);
        let id = StreamId::parse("id", &message.id)?;
        let call = incoming.call("ReadNotification", &id.to_string(), &message.request_id)?;
        let gate = self.gate.clone();
        let rule = move |one: &Notification, cx: &Context| {
            let audiences = Audiences::of(caller.subject.iter().map(SubjectId::audience));
            if !audiences.meets(&one.tags()) {
                return Err(notification::not_found());
            }
            let owner = caller.subject.as_ref().map(|subject| subject.as_str()).unwrap_or_default();
            gate.allow(&caller, "ReadNotification", &Resource { kind: "Application", owner, ..Resource::default() })?;
            notification::read(one, cx)
        };
        let done = self.ledger.execute::<Notification>(id, call, rule).await.map_err(wire::contract_word)?;
        Ok(shown(done.stream, &done.state))
    }

    async fn contact(&self, incoming: Incoming<pb::GetContactRequest>) -> Result<pb::Contact, Fault> {
        let caller = &incoming.caller;
        self.gate.allow(caller, "GetContact", &super::unowned("Application"))?;
        let stream = notification::contact_stream(&own(caller)?);
        let read = self.ledger.get::<Contact>(stream, &Audiences::all()).await?;
        Ok(read.map(|read| contact(&read.state.choice)).unwrap_or_default())
    }

    async fn save(&self, incoming: Incoming<pb::SaveContactRequest>) -> Result<pb::Contact, Fault> {
        let (caller, message) = (incoming.caller.clone(), &incoming.message);
        let subject = own(&caller)?;
        let owner = Resource { kind: "Application", owner: subject.as_str(), ..Resource::default() };
        self.gate.allow(&caller, "SaveContact", &owner)?;
        let choice = choice(&message.contact.clone().unwrap_or_default(), &subject)?;
        let stream = notification::contact_stream(&subject);
        let call = incoming.call("SaveContact", &stream.to_string(), &message.request_id)?;
        let rule = move |one: &Contact, _: &Context| notification::save(one, &subject, &choice);
        let done = self.ledger.execute::<Contact>(stream, call, rule).await.map_err(wire::contract_word)?;
        Ok(contact(&done.state.choice))
    }
}

#[tonic::async_trait]
impl NotificationService for Notifications {
    async fn list_notifications(
        &self,
        request: Request<pb::ListNotificationsRequest>,
    ) -> Reply<pb::ListNotificationsResponse> {
        reply(self.list(receive(request)?).await)
    }

    async fn read_notification(&self, request: Request<pb::ReadNotificationRequest>) -> Reply<pb::Notification> {
        reply(self.read(receive(request)?).await)
    }

    async fn get_contact(&self, request: Request<pb::GetContactRequest>) -> Reply<pb::Contact> {
        reply(self.contact(receive(request)?).await)
    }

    async fn save_contact(&self, request: Request<pb::SaveContactRequest>) -> Reply<pb::Contact> {
        reply(self.save(receive(request)?).await)
    }
}
