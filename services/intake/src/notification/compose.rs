//! What a notification says, and to whom it goes.

use yiwang_ledger::{Personal, SubjectId};

use super::{Channel, Choice, Target};
use crate::application::{Application, Party, Phase};

/// Names of the events that are told.
pub const TOLD: [&str; 10] = [
    "Submitted",
    "Resubmitted",
    "CorrectionRequested",
    "Accepted",
    "DeemedAccepted",
    "DeferralLate",
    "Refused",
    "Withdrawn",
    "Concluded",
    "ResultIssued",
];

/// What is said of an event, by the application right after it; none where there is nothing to say.
pub fn text(app: &Application, kind: &str) -> Option<String> {
    let item = &app.item.name;
    let said = match (kind, &app.phase) {
        ("Submitted" | "Resubmitted", Phase::Submitted { due, .. }) => {
            format!("您的申请“{item}”已提交。需要补正的，将在{}前一次性告知。", due.date)
        }
        ("CorrectionRequested", _) => {
            let told = app.corrections.last()?;
            format!(
                "您的申请“{item}”需要补正{}处，请在{}前补齐，详见补正告知书。",
                told.points.len(),
                told.reply_by.date
            )
        }
        ("Accepted", Phase::Accepted(acceptance)) => format!("您的申请“{item}”已于{}受理。", acceptance.date),
        ("DeemedAccepted", Phase::Accepted(acceptance)) => {
            format!("您的申请“{item}”逾期未被告知补正，依法自{}起视为受理。", acceptance.date)
        }
        ("DeferralLate", _) => format!("您的申请“{item}”容缺的材料逾期未补齐，后果见容缺受理告知书。"),
        ("Refused", _) => format!("您的申请“{item}”不予受理，理由和救济途径见决定书。"),
        ("Withdrawn", _) => format!("您的申请“{item}”已撤回。"),
        ("Concluded", _) => {
            let conclusion = app.conclusion.as_ref()?;
            let how = if conclusion.granted {
                "已办结，准予"
            } else {
                "已办结，不予；理由和救济途径见决定书"
            };
            format!("您的申请“{item}”{how}（{}）。", conclusion.on)
        }
        ("ResultIssued", _) => {
            let result = app.conclusion.as_ref()?.result.as_ref()?;
            format!("您的申请“{item}”的结果已出具：{}。", result.name)
        }
        _ => return None,
    };
    Some(said)
}

/// 一链: what is said of a stage that may be begun.
pub fn opened(theme: &str, stage: &str) -> String {
    format!("您的“{theme}”前一环节已经办成，可以开始办理“{stage}”。")
}

/// Who is told: applicant and agent, each once.
pub fn addressees(parties: [&Option<Party>; 2]) -> Vec<&Party> {
    let named = parties.into_iter().flatten().filter(|party| party.is_identified());
    let mut all: Vec<&Party> = Vec::new();
    for party in named {
        if !all.iter().any(|known| known.subject == party.subject) {
            all.push(party);
        }
    }
    all
}

/// Where somebody is told: as they chose, else by the telephone that stands in the application, and in the app.
pub fn targets(party: &Party, choice: &Choice) -> Vec<Target> {
    let subject: &SubjectId = &party.subject;
    let seal = |field: &'static str, text: &str| Personal::new(subject, field, text);
    let chosen = choice.phone.as_ref().or(party.phone.as_ref()).and_then(Personal::get);
    let phone = chosen.filter(|_| !choice.no_sms).map(|phone| (Channel::Sms, seal("notification.phone", phone)));
    let mail =
        choice.mail.as_ref().and_then(Personal::get).map(|mail| (Channel::Mail, seal("notification.mail", mail)));
    let app = (!choice.no_push).then(|| (Channel::App, seal("notification.app", subject.as_str())));
    let all = [phone, mail, app].into_iter().flatten();
    all.map(|(channel, to)| Target { channel, to, sent: None }).collect()
}

/// Whether an address of mail can be one: something, an @, and a place with a dot.
pub fn is_mail(text: &str) -> bool {
    let plain =
        |part: &str| !part.is_empty() && part.chars().all(|c| !c.is_whitespace() && !c.is_control() && c != '@');
    text.split_once('@').is_some_and(|(name, place)| plain(name) && plain(place) && place.contains('.'))
}
