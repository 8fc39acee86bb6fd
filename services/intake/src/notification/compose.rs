//! What a notification says, and to whom it goes.

use yiwang_ledger::{Personal, SubjectId};

use super::{Channel, Choice, Target};
use crate::application::{Application, ApplicationEvent as Event, Party, Phase, WithdrawalCause};
use crate::double::Other;
use crate::joint::{Event as JointEvent, Joint, Member};
use crate::limit::Due;

/// Names of an application's events that are told.
pub const TOLD: [&str; 14] = [
    "Submitted",
    "Resubmitted",
    "PapersArrived",
    "CorrectionRequested",
    "Accepted",
    "DeemedAccepted",
    "AcceptanceOverdue",
    "DeferralLate",
    "Refused",
    "Withdrawn",
    "WithdrawalDenied",
    "CaseNoticed",
    "Concluded",
    "ResultIssued",
];

/// Names of a joint application's events that are told; its parts tell the rest.
pub const TOLD_OF_JOINT: [&str; 6] =
    ["JointSubmitted", "MemberOpened", "MemberStuck", "MemberCancelled", "JointLate", "JointDueRecomputed"];

/// What is said of an event, by the application right after it; none where there is nothing to say. A draft tells nobody anything:
/// anybody can write anybody's name and number into one.
pub fn text(app: &Application, event: &Event) -> Option<String> {
    app.receipt.as_ref()?;
    let item = &app.item.name;
    let said = match (event, &app.phase) {
        (Event::Submitted { waits_for_papers: true, .. }, _) => {
            format!("您的申请“{item}”已提交。受理期限自材料送达办理地之日起算。")
        }
        (Event::Submitted { .. } | Event::Resubmitted { .. }, Phase::Submitted { due, .. }) => {
            format!("您的申请“{item}”已提交。需要补正的，将在{}前一次性告知。", day(due))
        }
        (Event::PapersArrived { .. }, Phase::Submitted { due, .. }) => {
            format!("您的申请“{item}”的材料已送达办理地。需要补正的，将在{}前一次性告知。", day(due))
        }
        (Event::CorrectionRequested { .. }, _) => {
            let told = app.corrections.last()?;
            let (points, until) = (told.points.len(), day(&told.reply_by));
            format!("您的申请“{item}”需要补正{points}处，请在{until}前补齐，详见补正告知书。")
        }
        (Event::Accepted { .. }, Phase::Accepted(acceptance)) => {
            format!("您的申请“{item}”已于{}受理。", acceptance.date)
        }
        (Event::DeemedAccepted { .. }, Phase::Accepted(acceptance)) => {
            format!("您的申请“{item}”逾期未被告知补正，依法自{}起视为受理。", acceptance.date)
        }
        (Event::AcceptanceOverdue { .. }, _) => {
            format!("您的申请“{item}”逾期未作出是否受理的决定。")
        }
        (Event::DeferralLate { .. }, _) => format!("您的申请“{item}”容缺的材料逾期未补齐，后果见容缺受理告知书。"),
        (Event::Refused { .. }, _) => format!("您的申请“{item}”不予受理，理由和救济途径见决定书。"),
        (Event::Withdrawn { cause, joined, .. }, _) => withdrawn(item, *cause, joined.as_deref()),
        (Event::WithdrawalDenied, _) => format!("您的申请“{item}”在您申请撤回前已作出决定，不能撤回。"),
        (Event::CaseNoticed { notice, .. }, _) => {
            format!("您的申请“{item}”：{}，详见告知书{}。", notice.zh, notice.document)
        }
        (Event::Concluded { conclusion, .. }, _) => {
            let how = if conclusion.granted {
                "已办结，准予"
            } else {
                "已办结，不予；理由和救济途径见决定书"
            };
            format!("您的申请“{item}”{how}（{}）。", conclusion.on)
        }
        // by what it says itself: its decision's document comes by the same event
        (Event::ResultIssued { result: Some(result), .. }, _) => {
            format!("您的申请“{item}”的结果已出具：{}。", result.name)
        }
        _ => return None,
    };
    Some(said)
}

/// Why it goes on no more. Only who wished it has withdrawn it.
fn withdrawn(item: &str, cause: WithdrawalCause, joined: Option<&Other>) -> String {
    match cause {
        WithdrawalCause::Applicant => format!("您的申请“{item}”已撤回。"),
        WithdrawalCause::CorrectionLate => format!("您的申请“{item}”未在期限内补正，视为撤回；可以重新申请。"),
        WithdrawalCause::DeferralLate => {
            format!("您的申请“{item}”容缺的材料未在期限内补齐，按容缺受理承诺视为撤回；可以重新申请。")
        }
        WithdrawalCause::Joined => {
            let number = joined.map(|other| other.number.as_str()).unwrap_or_default();
            format!("您的申请“{item}”已并入您的同一事项申请（{number}）继续办理。")
        }
    }
}

/// A last day; one that may still move says so (RULES 0.4).
fn day(due: &Due) -> String {
    if due.provisional() { format!("{}（暂定）", due.date) } else { due.date.to_string() }
}

/// What is said of an event of a joint application.
pub fn text_of_joint(joint: &Joint, event: &JointEvent) -> Option<String> {
    let theme = &joint.theme.name;
    let name = |member: &str| joint.member(member).map(Member::name).unwrap_or_default().to_owned();
    let said = match event {
        JointEvent::JointSubmitted { handed_in } => {
            format!("您的联办申请“{theme}”已提交，承诺在{}前办结。", day(&handed_in.promised))
        }
        JointEvent::MemberOpened { member } => {
            format!("您的“{theme}”前一环节已经办成，可以开始办理“{}”。", name(member))
        }
        JointEvent::MemberStuck { member, zh, .. } => {
            format!("您的联办申请“{theme}”中的“{}”未能提交：{zh}。请处理后继续办理。", name(member))
        }
        JointEvent::MemberCancelled { member, because } => {
            format!("您的联办申请“{theme}”中的“{}”不再办理：前置的“{}”未办成。", name(member), name(because))
        }
        JointEvent::JointLate { due } => format!("您的联办申请“{theme}”未能在承诺的{}前办结。", due.date),
        JointEvent::JointDueRecomputed { due } if !joint.late => {
            format!("您的联办申请“{theme}”的承诺办结日期调整为{}。", day(due))
        }
        _ => return None,
    };
    Some(said)
}

/// Who is told: applicant and agent, each once.
pub fn addressees<'a>(applicant: Option<&'a Party>, agent: Option<&'a Party>) -> Vec<&'a Party> {
    let named = [applicant, agent].into_iter().flatten().filter(|party| party.is_identified());
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
    all.map(|(channel, to)| Target { channel, to, sent: None, failed: None }).collect()
}

/// Whether an address of mail can be one: something, an @, and a place with a dot.
pub fn is_mail(text: &str) -> bool {
    let plain =
        |part: &str| !part.is_empty() && part.chars().all(|c| !c.is_whitespace() && !c.is_control() && c != '@');
    text.split_once('@').is_some_and(|(name, place)| plain(name) && plain(place) && place.contains('.'))
}
