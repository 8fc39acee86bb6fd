//! One of each event of notifications and contacts, for the golden bodies.

use yiwang_intake::notification::{About, Channel, Choice, ContactEvent, NotificationEvent, Target};
use yiwang_ledger::{Personal, Vault};

pub fn notifications(vault: &Vault) -> Vec<NotificationEvent> {
    let subject = vault.lookup("golden", "张建国");
    let to = Personal::new(&subject, "notification.phone", "13800138000");
    vec![
        NotificationEvent::NotificationComposed {
            subject: subject.clone(),
            about: About {
                application: None,
                joint: None,
                item: "公共场所卫生许可新办".into(),
                kind: "Accepted".into(),
            },
            text: Personal::new(&subject, "notification.text", "例"),
            targets: vec![Target { channel: Channel::Sms, to, sent: None, failed: None }],
        },
        NotificationEvent::NotificationSent { channel: Channel::Sms },
        NotificationEvent::NotificationFailed { channel: Channel::Sms, reason: "status 422".into() },
        NotificationEvent::NotificationRead,
    ]
}

pub fn contacts(vault: &Vault) -> Vec<ContactEvent> {
    let subject = vault.lookup("golden", "张建国");
    let mail = Some(Personal::new(&subject, "contact.mail", "zhang@example.cn"));
    let choice = Choice { no_sms: true, no_push: false, phone: None, mail };
    vec![ContactEvent::ContactSaved { subject, choice }]
}
