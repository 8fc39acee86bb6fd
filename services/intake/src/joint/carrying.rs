//! What a joint application brings about: its members' drafts, their handing in, their withdrawal. The same code runs in the
//! handlers and in the relay `joints`, which completes what a crash left; every step looks first whether it is done.

use std::sync::Arc;

use yiwang_ledger::{Audiences, Call, Context, Hash, Kind, Ledger, Personal, Read, Refusal, StreamId};

use super::decide::{self, Told};
use super::{HandedIn, Joint, Member, Phase, Standing, TakenBack, Whose, not_found, part};
use crate::application::decide::{self as application, Acting, Create, Handing, Update, Withdraw};
use crate::application::{Actor, Application, Attachment, Change, PartOf, Party, Phase as AppPhase};
use crate::catalogue::facts::{Fetch, ResultKind};
use crate::catalogue::{self, Item, ItemFacts};
use crate::convert::item as convert;
use crate::fetching::{Found, Wanted};
use crate::grpc::Intake;
use crate::limit::legal_date;
use crate::theme::{self, plan};

/// The members that are items, with the elements that their items had when it was begun.
type Chosen<'a> = Vec<(&'a theme::Member, &'a ItemFacts)>;

/// One run over one joint application.
pub struct Carrying<'a> {
    intake: &'a Intake,
    ledger: &'a Ledger,
    joint: StreamId,
    /// Hash of the entry that calls for it: what makes each step of this run one command.
    cause: Hash,
    trace: &'a str,
}

/// What its applicant can mend, or must know (a shared paper that was damaged is uploaded again); anything else is tried again.
fn is_business(refusal: &Refusal) -> bool {
    refusal.reason == "ATTACHMENT_DAMAGED"
        || matches!(
            refusal.kind,
            Kind::InvalidArgument
                | Kind::FailedPrecondition
                | Kind::PermissionDenied
                | Kind::NotFound
                | Kind::AlreadyExists
        )
}

/// Whether a file is one that `copy_file` made: its id is named (a UUID of version 8), not new.
fn is_copy(file: &Attachment) -> bool {
    file.id.as_bytes().get(14) == Some(&b'8')
}

/// A party of one stream, to be sealed in another.
fn copied(party: &Party, [name, number, phone, address]: [&'static str; 4]) -> Party {
    let again = |field: &'static str, value: &Option<Personal>| {
        value.as_ref().and_then(Personal::get).map(|text| Personal::new(&party.subject, field, text))
    };
    Party {
        subject: party.subject.clone(),
        kind: party.kind,
        name: again(name, &party.name),
        number: again(number, &party.number),
        phone: again(phone, &party.phone),
        address: again(address, &party.address),
    }
}

const APPLICANT: [&str; 4] = ["applicant.name", "applicant.number", "applicant.phone", "applicant.address"];
const AGENT: [&str; 4] = ["agent.name", "agent.number", "agent.phone", "agent.address"];

/// Does what is to be done for a joint application now.
///
/// # Errors
/// Those of the ledger and of the store: again later.
pub async fn carry_out(intake: &Intake, joint: StreamId, cause: Hash, trace: &str) -> Result<(), Refusal> {
    let run = Carrying { intake, ledger: intake.ledger(), joint, cause, trace };
    let read = run.ledger.get::<Joint>(joint, &Audiences::all()).await?.ok_or_else(not_found)?;
    let Some(whose) = &read.state.whose else { return Ok(()) };
    // whose data are gone has nothing that goes on
    if whose.applicant.name.as_ref().is_some_and(Personal::is_erased) {
        return Ok(());
    }
    // one that cannot be carried now holds up no other
    let mut failed = Ok(());
    for member in &read.state.members {
        let carried = run.member(&read.state, whose, member).await;
        failed = failed.and(carried);
    }
    failed
}

impl Carrying<'_> {
    fn call(&self, step: &str, member: &str) -> Call {
        Call::system(format!("joint.{step}.{member}.{}", self.cause), self.trace)
    }

    async fn member(&self, joint: &Joint, whose: &Whose, member: &Member) -> Result<(), Refusal> {
        if member.item.is_none() {
            return Ok(());
        }
        if let Some(taken) = &joint.taken_back {
            return self.withdraw(whose, member, taken).await;
        }
        match (&joint.phase, &member.standing, &joint.handed_in) {
            // a later stage of a chain has its draft when its turn has come, at the item's version of that day
            (Phase::Draft, ..) if joint.is_later_stage(member) => Ok(()),
            (Phase::Draft, ..) | (_, Standing::Open, _) => self.begun(joint, whose, member).await,
            (_, Standing::Released, Some(handed)) => {
                let handed = member.begun.as_deref().unwrap_or(handed);
                self.released(joint, whose, member, handed).await
            }
            // what it depends on came to nothing, or it was given up: nothing of it stays
            (_, Standing::Cancelled { .. } | Standing::Withdrawn, _) => self.given_up(whose, member).await,
            _ => Ok(()),
        }
    }

    async fn begun(&self, joint: &Joint, whose: &Whose, member: &Member) -> Result<(), Refusal> {
        match self.drafted(joint, whose, member).await {
            // told when it is handed in
            Err(refusal) if is_business(&refusal) => return Ok(()),
            other => other.map(drop)?,
        }
        // all of it may have been taken back while its draft was made
        let read = self.ledger.get::<Joint>(self.joint, &Audiences::all()).await?.ok_or_else(not_found)?;
        match &read.state.taken_back {
            Some(taken) => self.withdraw(whose, member, taken).await,
            None => Ok(()),
        }
    }

    /// The draft of a member that is not pursued any more goes away; what was handed in ends by itself.
    async fn given_up(&self, whose: &Whose, member: &Member) -> Result<(), Refusal> {
        let stream = part(self.joint, member.code());
        let read = self.ledger.get::<Application>(stream, &Audiences::all()).await?;
        match read.is_some_and(|read| read.state.phase == AppPhase::Draft) {
            true => self.withdraw(whose, member, &TakenBack { reason: None, by: Actor::system() }).await,
            false => Ok(()),
        }
    }

    /// The draft of a member's application, made where it is not there.
    async fn drafted(&self, joint: &Joint, whose: &Whose, member: &Member) -> Result<Read<Application>, Refusal> {
        let (stream, mut pin) = (part(self.joint, member.code()), member.item.clone().unwrap_or_default());
        if let Some(read) = self.ledger.get::<Application>(stream, &Audiences::all()).await? {
            return Ok(read);
        }
        let item = self.item(&pin.code).await?;
        if joint.is_later_stage(member) {
            let read = self.ledger.get::<Item>(catalogue::stream(&pin.code), &Audiences::all()).await?;
            let read = read.ok_or_else(|| catalogue::not_found(&pin.code))?;
            pin = convert::pin(&read, legal_date(self.ledger.host().now()));
        }
        let create = Create {
            item: pin,
            owner_subject: whose.subject.clone().unwrap_or_else(|| whose.applicant.subject.clone()),
            channel: whose.channel,
            applicant: Some(copied(&whose.applicant, APPLICANT)),
            agent: whose.agent.as_ref().map(|agent| copied(agent, AGENT)),
            form: None,
            elsewhere: None,
            joint: Some(PartOf { joint: self.joint, member: member.code().to_owned() }),
        };
        let acting =
            Acting { subject: whose.subject.clone(), staff: whose.by_staff, ..Acting::before(whose.by.clone()) };
        let rule = move |app: &Application, cx: &Context| match app.exists() {
            true => Ok(Vec::new()),
            false => application::create(app, &item, &create, &acting, cx),
        };
        let call = self.call("draft", member.code()).with_actor(whose.by.id.clone());
        self.ledger.execute::<Application>(stream, call, rule).await?;
        let read = self.ledger.get::<Application>(stream, &Audiences::all()).await?;
        read.ok_or_else(crate::application::not_found)
    }

    async fn item(&self, code: &str) -> Result<Arc<Item>, Refusal> {
        let read = self.ledger.get::<Item>(catalogue::stream(code), &Audiences::all()).await?;
        read.map(|read| read.state).ok_or_else(|| catalogue::not_found(code))
    }

    /// A member whose turn has come: it is handed in, or it is told why not.
    async fn released(&self, joint: &Joint, whose: &Whose, member: &Member, handed: &HandedIn) -> Result<(), Refusal> {
        let code = member.code().to_owned();
        let handed_in = match self.hand_in(joint, whose, member, handed).await {
            // another run was faster
            Err(refusal) if is_business(&refusal) && self.is_handed_in(member).await? => Ok(()),
            other => other,
        };
        match handed_in {
            Ok(()) => {
                let rule = move |joint: &Joint, _: &Context| decide::handed_in(joint, &code);
                let call = self.call("handed", member.code()).with_actor(handed.by.id.clone());
                self.ledger.execute::<Joint>(self.joint, call, rule).await.map(drop)
            }
            Err(refusal) if is_business(&refusal) => {
                let call = self.call("stuck", member.code());
                let rule = move |joint: &Joint, _: &Context| decide::stuck(joint, &code, &refusal);
                self.ledger.execute::<Joint>(self.joint, call, rule).await.map(drop)
            }
            Err(refusal) => Err(refusal),
        }
    }

    async fn is_handed_in(&self, member: &Member) -> Result<bool, Refusal> {
        let read = self.ledger.get::<Application>(part(self.joint, member.code()), &Audiences::all()).await?;
        Ok(read.is_some_and(|read| read.state.phase != AppPhase::Draft && read.state.receipt.is_some()))
    }

    async fn hand_in(&self, joint: &Joint, whose: &Whose, member: &Member, handed: &HandedIn) -> Result<(), Refusal> {
        let draft = self.drafted(joint, whose, member).await?;
        if draft.state.phase != AppPhase::Draft {
            return Ok(());
        }
        let (stream, code) = (draft.stream, member.code());
        let pinned = self.intake.pinned(&draft.state.item).await?;
        // by whoever handed all of it in, or mended this one since
        let (by, subject, staff) = match &member.mended {
            Some(mended) => (&mended.by, &mended.subject, mended.staff),
            None => (&handed.by, &handed.subject, handed.staff),
        };
        let mandates = self.intake.mandates(stream).await?;
        let acting = Acting { subject: subject.clone(), staff, mandates, ..Acting::before(by.clone()) };
        let actor = by.id.clone();
        self.results(joint, member, stream, &acting).await?;
        let all = self.items(joint).await?;
        let facts = |code: &str| all.iter().find(|(of, _)| of == code).map(|(_, item)| &item.facts);
        let chosen: Chosen<'_> = joint.members.iter().filter_map(|one| Some((&one.plan, facts(one.code())?))).collect();
        self.files(&chosen, member, &draft).await?;

        let text = decide::own_form(joint, &plan::form(&chosen), member, &pinned.facts, &whose.applicant);
        let form = Personal::new(&whose.applicant.subject, "form", text);
        let update = Update { form: Change::Set(form), joint: true, ..Update::default() };
        let (facts, by) = (pinned.clone(), acting.clone());
        let rule = move |app: &Application, cx: &Context| match app.phase {
            AppPhase::Draft => application::update(app, &facts.facts, &update, &by, cx),
            _ => Ok(Vec::new()),
        };
        self.ledger.execute::<Application>(stream, self.call("form", code).with_actor(actor.clone()), rule).await?;

        let now = self.item(&draft.state.item.code).await?;
        let others = self.intake.others(&draft, &pinned.facts).await?;
        let handing = Handing { others, ..self.handing(whose, handed, member).await? };
        let rule = move |app: &Application, cx: &Context| match app.phase {
            AppPhase::Draft => application::submit(app, &now, &pinned.facts, &handing, &acting, cx),
            _ => Ok(Vec::new()),
        };
        self.ledger.execute::<Application>(stream, self.call("submit", code).with_actor(actor), rule).await.map(drop)
    }

    async fn handing(&self, whose: &Whose, handed: &HandedIn, member: &Member) -> Result<Handing, Refusal> {
        let (mended, signed) = (member.mended.as_deref(), |all: &[String]| all.iter().any(|one| one == member.code()));
        Ok(Handing {
            sign_promise: mended.and_then(|mended| mended.promise).unwrap_or_else(|| signed(&handed.promises)),
            sign_deferral: mended.and_then(|mended| mended.deferral).unwrap_or_else(|| signed(&handed.deferrals)),
            bars: self.intake.bars(&whose.applicant.subject).await?.bars,
            bars_of: Some(whose.applicant.subject.clone()),
            note: None,
            consents: handed.consents || mended.is_some_and(|mended| mended.consents),
            joint: true,
            ..Handing::default()
        })
    }

    /// The items of the members, as they stood when it was begun.
    async fn items(&self, joint: &Joint) -> Result<Vec<(String, Arc<Item>)>, Refusal> {
        let mut found = Vec::new();
        for member in &joint.members {
            if let Some(pin) = &member.item {
                found.push((member.code().to_owned(), self.intake.pinned(pin).await?));
            }
        }
        Ok(found)
    }

    /// The output of one is the input of another: recorded on the application like what was fetched.
    async fn results(&self, joint: &Joint, member: &Member, stream: StreamId, by: &Acting) -> Result<(), Refusal> {
        for input in member.plan.inputs.iter().filter(|input| !input.material.is_empty()) {
            let (Some(from), Some(result)) = (joint.member(&input.from), decide::result_of(joint, &input.from)) else {
                continue;
            };
            let found = Found {
                reference: result.number.clone(),
                title: format!("{} {}", result.name, result.number),
                issuer: from.department().to_owned(),
                valid_to: None,
                fields: serde_json::Map::new(),
            };
            let source = match result.kind {
                ResultKind::License => Fetch::License(result.license.clone()),
                _ => Fetch::Department(from.department().to_owned()),
            };
            let (wanted, acting) = (Wanted::material(&input.material, source), by.clone());
            let rule =
                move |app: &Application, cx: &Context| application::fetched(app, &wanted, found.clone(), &acting, cx);
            let call = self.call(&format!("result.{}", input.material), member.code()).with_actor(by.actor.id.clone());
            self.ledger.execute::<Application>(stream, call, rule).await?;
        }
        Ok(())
    }

    /// 一套材料: a paper that was handed in for one member serves every other that asks for the same, all of its files. What its applicant
    /// has uploaded to this member itself stays alone.
    async fn files(&self, chosen: &Chosen<'_>, member: &Member, draft: &Read<Application>) -> Result<(), Refusal> {
        for paper in plan::materials(chosen) {
            let own = paper.serves.iter().find(|(of, _)| of == member.code());
            let Some((_, wanted)) = own else { continue };
            if draft.state.attachments.iter().any(|file| file.material == *wanted && !is_copy(file)) {
                continue;
            }
            for (other, code) in paper.serves.iter().filter(|(of, _)| of != member.code()) {
                let source = part(self.joint, other);
                let Some(holder) = self.ledger.get::<Application>(source, &Audiences::all()).await? else { continue };
                // what it holds for a third one may be half there
                let original = |file: &&Attachment| file.material == *code && !is_copy(file);
                let files: Vec<_> = holder.state.attachments.iter().filter(original).collect();
                for file in &files {
                    let call = self.call(&format!("file.{}", file.id), member.code());
                    self.intake.copy_file(call, source, file, draft, wanted).await?;
                }
                if !files.is_empty() {
                    break;
                }
            }
        }
        Ok(())
    }

    /// 撤回: a member's application is taken back, by whoever took all of it back, which they were found to be allowed to do.
    async fn withdraw(&self, whose: &Whose, member: &Member, taken: &TakenBack) -> Result<(), Refusal> {
        let stream = part(self.joint, member.code());
        let Some(read) = self.ledger.get::<Application>(stream, &Audiences::all()).await? else { return Ok(()) };
        if read.state.phase.is_final() || read.state.conclusion.is_some() {
            return Ok(());
        }
        let acting = Acting::before(taken.by.clone());
        let text = taken.reason.as_ref().and_then(Personal::get);
        let reason = text.map(|text| Personal::new(&whose.applicant.subject, "reason", text));
        let ask = Withdraw { reason, joint: true };
        let actor = acting.actor.id.clone();
        let rule = move |app: &Application, cx: &Context| match &app.phase {
            AppPhase::Accepted(acceptance) if acceptance.withdrawal_pending => Ok(Vec::new()),
            phase if phase.is_final() => Ok(Vec::new()),
            _ => application::withdraw(app, &ask, &acting, cx),
        };
        let call = self.call("withdraw", member.code()).with_actor(actor);
        self.ledger.execute::<Application>(stream, call, rule).await.map(drop)
    }
}

/// What a member's application has become reaches the joint one.
///
/// # Errors
/// Those of the ledger: again later.
pub async fn tell(ledger: &Ledger, app: &Application, entry: Hash, trace: &str) -> Result<(), Refusal> {
    let Some(of) = &app.joint else { return Ok(()) };
    let told = match (&app.phase, &app.conclusion) {
        (AppPhase::Refused(_), _) => Told::Refused,
        (AppPhase::Withdrawn { .. }, _) => Told::Withdrawn,
        (_, Some(conclusion)) if conclusion.granted => Told::Granted(conclusion.result.clone()),
        (_, Some(_)) => Told::Refused,
        _ => return Ok(()),
    };
    let member = of.member.clone();
    let call = Call::system(format!("joint.told.{entry}"), trace);
    let rule = move |joint: &Joint, cx: &Context| decide::told(joint, &member, &told, cx);
    ledger.execute::<Joint>(of.joint, call, rule).await.map(drop)
}
