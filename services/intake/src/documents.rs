//! 文书 of an application: what each act calls for, and the two steps in which it comes about, each once: the register issues the
//! document with its number, the application takes the number. The same code runs in the handler of the act and in the relay
//! `documents`, which completes what a crash between the steps left; both use the hash of the act's entry as request id.

use yiwang_documents::Kind;
use yiwang_documents::desk::{Desk, Order};
use yiwang_documents::draft::{Draft, Grounds, Matter, NotTaken, Paper, Point};
use yiwang_ledger::{Call, Committed, Context, Decision, Hash, Ledger, Personal, Refusal, StreamId};
use yiwang_standards::identity::DocumentKind;

use crate::application::{self as app, Application, ApplicationEvent, Authority, Deferred, Ground, Phase};
use crate::catalogue::ItemFacts;
use crate::catalogue::handling::Consequence;
use crate::limit::legal_date;

/// Type 01, 行政许可.
const LICENSING: u16 = 1;

/// Names of the events that call for a document.
pub const CALLING: [&str; 6] = ["Submitted", "Resubmitted", "CorrectionRequested", "Accepted", "Refused", "Numbered"];

/// What stands in every document of an application; none where the applicant's data are gone.
pub(crate) fn matter(app: &Application) -> Option<Matter> {
    let applicant = app.identified_applicant()?;
    Some(Matter {
        applicant: applicant.name.as_ref()?.get()?.to_owned(),
        person: !applicant.kind.is_some_and(DocumentKind::is_organisation),
        item: app.item.name.clone(),
        item_code: app.item.code.clone(),
        case_number: app.case_number.clone().unwrap_or_default(),
        organ: app.item.department.clone(),
        organ_code: app.item.organisation.clone(),
        licensing: app.item.item_type == LICENSING,
    })
}

/// What the act that has just happened calls for, by the application right after it; none where it calls for nothing, or where
/// the applicant's data are gone.
pub fn order(stream: StreamId, app: &Application, facts: &ItemFacts) -> Option<Order> {
    let (draft, at) = match &app.phase {
        Phase::Submitted { .. } => receipt(app, facts)?,
        Phase::CorrectionRequested => correction(app, facts)?,
        // 容缺受理告知 goes with the acceptance, the notice of acceptance with its number
        Phase::Accepted(acceptance) if app.case_number.is_none() => {
            (deferral(acceptance.deferral.as_ref()?, facts), acceptance.at)
        }
        Phase::Accepted(acceptance) => {
            let named =
                |code: &String| facts.material(code).map_or_else(|| code.clone(), |material| material.name.clone());
            let outstanding = acceptance.outstanding.iter().map(named).collect();
            let draft = Draft::Acceptance { accepted: acceptance.date, deemed: acceptance.deemed, outstanding };
            (draft, acceptance.at)
        }
        Phase::Refused(rejection) => {
            let grounds = Grounds::new(rejection.reason.get()?, &rejection.remedies).ok()?;
            let ground = match rejection.ground {
                Ground::NoPermissionNeeded => NotTaken::NotNeeded,
                Ground::NotOurAuthority => NotTaken::Elsewhere { competent: rejection.competent_organ.clone() },
                Ground::CorrectionLate => NotTaken::Late,
            };
            (Draft::NonAcceptance { ground, grounds }, rejection.at)
        }
        Phase::Absent | Phase::Draft | Phase::Withdrawn { .. } => return None,
    };
    Some(Order { stream, matter: matter(app)?, subject: app.data_subject().clone(), draft, date: legal_date(at) })
}

/// All that the act calls for: its own document, and with the first receipt the 告知承诺书 of what was promised with it.
pub fn orders(stream: StreamId, app: &Application, facts: &ItemFacts) -> Vec<Order> {
    let own = order(stream, app, facts);
    let first = matches!(app.phase, Phase::Submitted { .. }) && app.corrections.is_empty();
    let promise = own.as_ref().filter(|_| first).and_then(|own| {
        let promise = app.promise.as_ref()?;
        // signed by an account that was identified; at the window on the paper itself
        let online = app.receipt.as_ref().is_some_and(|receipt| receipt.authority != Authority::Window);
        let signed = online.then(|| legal_date(promise.at));
        let draft = Draft::Promise { told: told(facts), promised: promise.text.clone(), signed };
        Some(Order { draft, ..own.clone() })
    });
    own.into_iter().chain(promise).collect()
}

/// 告知: the conditions, and what follows when they are not met.
fn told(facts: &ItemFacts) -> String {
    let conditions: Vec<String> = facts
        .conditions
        .iter()
        .enumerate()
        .map(|(place, one)| format!("（{}）{}", place + 1, one.text.trim_end_matches(['。', '；'])))
        .collect();
    format!(
        "办理本事项应当符合下列条件：{}。作出决定后，行政机关将对承诺内容是否属实进行核查；承诺不实的，依法撤销决定，并记入信用记录（行政许可法第六十九条）。",
        conditions.join("；")
    )
}

/// 容缺受理告知书: each paper that may follow, with its day, and what comes of it otherwise.
fn deferral(deferred: &Deferred, facts: &ItemFacts) -> Draft {
    let name = |code: &String| facts.material(code).map_or_else(|| code.clone(), |material| material.name.clone());
    let paper = |code: &String| Paper { name: name(code), remark: format!("{}前补齐", deferred.due.date) };
    Draft::Deferral {
        papers: deferred.materials.iter().map(paper).collect(),
        consequence: late(deferred.consequence, "逾期未补交的"),
    }
}

/// What follows when something comes late.
fn late(consequence: Consequence, when: &str) -> String {
    match consequence {
        Consequence::Withdrawn => format!("{when}，视为撤回申请。"),
        Consequence::Refused => format!("{when}，作出不予审批的决定。"),
    }
}

/// 收件凭证: what was handed in, each material once.
fn receipt(app: &Application, facts: &ItemFacts) -> Option<(Draft, yiwang_ledger::Timestamp)> {
    let Phase::Submitted { received, due, .. } = &app.phase else { return None };
    let mut papers: Vec<(String, u32)> = Vec::new();
    for attachment in &app.attachments {
        let name = facts.material(&attachment.material).map_or("其他材料", |material| material.name.as_str());
        match papers.iter_mut().find(|(known, _)| known == name) {
            Some((_, files)) => *files += 1,
            None => papers.push((name.to_owned(), 1)),
        }
    }
    let papers = papers.into_iter().map(|(name, files)| Paper { name, remark: format!("电子文件{files}份") }).collect();
    let basis = due.limit.basis.clone();
    let at = app.corrections.last().and_then(|told| told.resubmitted).or(Some(app.receipt.as_ref()?.at))?;
    Some((Draft::Receipt { received: *received, papers, told_by: due.date, basis }, at))
}

/// 一次性补正告知书: every point, with what it is about in the applicant's words.
fn correction(app: &Application, facts: &ItemFacts) -> Option<(Draft, yiwang_ledger::Timestamp)> {
    let told = app.corrections.last()?;
    let schema: serde_json::Value = serde_json::from_str(&facts.form_schema).unwrap_or_default();
    let about = |point: &app::Point| {
        let field = point.field.trim_start_matches('/');
        match (facts.material(&point.material), field) {
            (Some(material), _) => material.name.clone(),
            (None, "") => "申请".to_owned(),
            (None, field) => {
                let name = field.split('/').next().unwrap_or_default().replace("~1", "/").replace("~0", "~");
                let title = schema["properties"][&name]["title"].as_str().unwrap_or(&name);
                format!("申请表“{title}”")
            }
        }
    };
    let points: Option<Vec<Point>> = told
        .points
        .iter()
        .map(|point| Some(Point { about: about(point), text: Personal::get(&point.text)?.to_owned() }))
        .collect();
    // what follows is the rule set's, see `decide::timer`
    let consequence = late(app.item.rules.late, "逾期未补正的");
    Some((Draft::Correction { points: points?, reply_by: told.reply_by.date, consequence }, told.at))
}

/// The application takes the number of a document. Once taken there is nothing to do.
pub fn take(app: &Application, kind: Kind, number: &str) -> Decision<ApplicationEvent> {
    if app.documents.iter().any(|known| known.number == number) {
        return Ok(Vec::new());
    }
    Ok(vec![ApplicationEvent::DocumentIssued { kind, number: number.to_owned() }])
}

/// The application takes the document once.
fn request_id(order: &Order, entry: Hash) -> String {
    format!("documented.{entry}.{}", order.draft.kind().prefix())
}

/// Whether the application has the document that an entry of this hash calls for.
///
/// # Errors
/// Those of the ledger.
pub async fn is_complete(ledger: &Ledger, order: &Order, entry: Hash) -> Result<bool, Refusal> {
    ledger.was_accepted(&request_id(order, entry)).await
}

/// Issues the document that an entry of this hash calls for; the application afterwards.
///
/// # Errors
/// Those of the ledger; the relay tries again.
pub async fn complete(
    ledger: &Ledger,
    desk: &Desk,
    order: Order,
    entry: Hash,
    trace: &str,
) -> Result<Committed<Application>, Refusal> {
    let stream = order.stream;
    let call = Call::system(request_id(&order, entry), trace);
    let issued = desk.issue(order, entry, trace).await?;
    let rule = move |app: &Application, _: &Context| take(app, issued.kind, &issued.number);
    ledger.execute::<Application>(stream, call, rule).await
}
