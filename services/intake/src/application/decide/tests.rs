//! The rules by example, and by random commands in random order.

use std::sync::Arc;

use chrono::NaiveDate;
use proptest::prelude::*;
use yiwang_ledger::{Aggregate, Context, Decision, EventName as _, Meta, Personal, SubjectId, Timestamp};
use yiwang_standards::calendar::{self, Calendar};
use yiwang_standards::identity::DocumentKind;

use super::*;
use crate::application::{ApplicationEvent as Event, Attachment, Authority, Ground, ItemPin, Point, WithdrawalCause};
use crate::catalogue::facts::{ItemFacts, Material, Necessity, PromiseTerms};
use crate::catalogue::{Cancellation, Item, Standing};
use crate::rules::{self, LateCorrection, RuleSet};

/// Noon of a day, China standard time.
pub fn noon(year: i32, month: u32, day: u32) -> Timestamp {
    let date = NaiveDate::from_ymd_opt(year, month, day).expect("a day");
    Timestamp(calendar::start_of_day_micros(date) + 12 * 3_600_000_000)
}

pub fn subject(digit: char) -> SubjectId {
    SubjectId::parse(&digit.to_string().repeat(64)).expect("a subject")
}

pub fn party(digit: char) -> Party {
    let subject = subject(digit);
    let value = |field, text: &str| Some(Personal::new(&subject, field, text));
    Party {
        kind: Some(DocumentKind::ResidentId),
        name: value("applicant.name", "张三丰"),
        number: value("applicant.number", "11010519491231002X"),
        phone: value("applicant.phone", "13800000000"),
        address: None,
        subject,
    }
}

pub fn citizen() -> Acting {
    let actor = Actor { id: "person:citizen".into(), role: "citizen".into(), ..Actor::default() };
    Acting { actor, subject: Some(subject('a')), staff: false }
}

pub fn clerk() -> Acting {
    let actor = Actor { id: "staff:clerk".into(), name: "李四".into(), role: "clerk".into(), organisation: "O".into() };
    Acting { actor, subject: Some(subject('c')), staff: true }
}

pub fn facts() -> ItemFacts {
    let material = |code: &str, necessity| Material { code: code.into(), necessity, ..Material::default() };
    ItemFacts {
        code: "item-1".into(),
        materials: vec![material("plan", Necessity::Required), material("report", Necessity::Deferrable)],
        form_schema: r#"{"type":"object","required":["name","area"],"properties":{"name":{"type":"string"},"area":{"type":"number","minimum":1}},"additionalProperties":false}"#.into(),
        promise: Some(PromiseTerms { text: "本人承诺".into(), ..PromiseTerms::default() }),
        ..ItemFacts::default()
    }
}

pub fn item() -> Item {
    Item { facts: facts(), standing: Standing::InForce, form_version: 1, shipped: None }
}

/// An application, its item and a clock, that commands are tried on.
#[derive(Clone)]
pub struct World {
    pub app: Application,
    pub item: Item,
    pub now: Timestamp,
    pub version: u64,
}

impl World {
    pub fn new() -> Self {
        // 2026-03-02 is an ordinary Monday
        World { app: Application::default(), item: item(), now: noon(2026, 3, 2), version: 0 }
    }

    pub fn cx(&self) -> Context {
        let calendar = Arc::new(Calendar::builtin().clone());
        Context { now: self.now, actor: "a".into(), version: self.version, calendar, seed: [7; 32] }
    }

    /// Takes what was decided, and names its events.
    pub fn take(&mut self, decision: Decision<Event>) -> Result<Vec<&'static str>, yiwang_ledger::Refusal> {
        let events = decision?;
        for event in &events {
            self.version += 1;
            let meta = Meta { at: self.now, actor: "a".into(), version: self.version };
            self.app.evolve(event, &meta);
        }
        Ok(events.iter().map(|event| event.name()).collect())
    }

    pub fn draft(mut self) -> Self {
        let rules = rules::named("licensing");
        let item = ItemPin { code: "item-1".into(), region: "511602000000".into(), organisation: "O".into(), rules, ..ItemPin::default() };
        let form = Some(Personal::new(&subject('a'), "form", r#"{"name":"春来客栈","area":120}"#));
        let ask = Create {
            item,
            owner_subject: subject('a'),
            channel: crate::application::Channel::Web,
            applicant: Some(party('a')),
            agent: None,
            form,
        };
        self.take(create(&self.app, &self.item, &ask, &citizen(), &self.cx())).expect("a draft");
        self
    }

    pub fn with_files(mut self) -> Self {
        for material in ["plan", "report"] {
            let file = file(material);
            self.take(add_attachment(&self.app, &facts(), &file, &citizen())).expect("a file");
        }
        self
    }

    pub fn submitted(mut self) -> Self {
        self.take(submit(&self.app, &self.item, &facts(), &Handing::default(), &citizen(), &self.cx())).expect("handed in");
        self
    }

    pub fn asked_to_correct(mut self) -> Self {
        self.take(request_correction(&self.app, &facts(), &points(), &clerk(), &self.cx())).expect("told");
        self
    }

    pub fn at(mut self, year: i32, month: u32, day: u32) -> Self {
        self.now = noon(year, month, day);
        self
    }

    fn accept(&mut self) -> Result<Vec<&'static str>, yiwang_ledger::Refusal> {
        self.take(accept(&self.app, &self.item, &facts(), &Accept::default(), &clerk(), &self.cx()))
    }

    fn refuse(&mut self, ground: Ground, organ: &str) -> Result<Vec<&'static str>, yiwang_ledger::Refusal> {
        let reason = Personal::new(&subject('a'), "refusal.reason", "依法不需要取得行政许可");
        let ask = Refuse { ground, reason, competent_organ: organ.into() };
        self.take(refuse(&self.app, &ask, &clerk(), &self.cx()))
    }

    fn tick(&mut self) -> Vec<&'static str> {
        self.take(timer(&self.app, &self.cx())).expect("the timer never refuses")
    }

    fn accepted_on(&self) -> Option<(String, bool)> {
        match &self.app.phase {
            Phase::Accepted(acceptance) => Some((acceptance.date.to_string(), acceptance.deemed)),
            _ => None,
        }
    }
}

pub fn file(material: &str) -> Attachment {
    Attachment {
        id: format!("file-{material}"),
        material: material.into(),
        file_name: Personal::new(&subject('a'), "attachment.name", "图.pdf"),
        media_type: "application/pdf".into(),
        size: 10,
        sm3: "00".repeat(32),
        subject: subject('a'),
        at: Timestamp(1),
    }
}

pub fn points() -> RequestCorrection {
    let text = Personal::new(&subject('a'), "correction", "请补充平面图");
    RequestCorrection { points: vec![Point { material: "plan".into(), field: String::new(), text }] }
}

#[test]
fn an_application_goes_from_draft_to_acceptance_and_gets_one_number() {
    let mut world = World::new().draft().with_files().submitted();
    assert_eq!(world.accept().expect("accepted"), ["Accepted"]);
    assert_eq!(world.take(number(&world.app, "N1")).expect("numbered"), ["Numbered"]);
    assert!(world.take(number(&world.app, "N2")).expect("nothing").is_empty());
    assert_eq!(world.app.case_number.as_deref(), Some("N1"));
}

#[test]
fn handing_in_issues_a_receipt_and_starts_five_working_days() {
    let world = World::new().draft().submitted();
    let Phase::Submitted { due, received, .. } = &world.app.phase else { panic!("{:?}", world.app.phase) };
    assert_eq!((received.to_string(), due.date.to_string()), ("2026-03-02".into(), "2026-03-09".into()));
    assert!(world.app.receipt.as_ref().is_some_and(|receipt| receipt.number.starts_with("SJ51160220260302")));
}

#[test]
fn all_that_is_wrong_in_the_form_is_named_at_once() {
    let mut world = World::new().draft();
    world.app.form = Some(Personal::new(&subject('a'), "form", r#"{"area":0,"colour":"red"}"#));
    let refusal = submit(&world.app, &world.item, &facts(), &Handing::default(), &citizen(), &world.cx()).expect_err("refused");
    let mut fields: Vec<_> = refusal.fields.iter().map(|field| (field.field.as_str(), field.reason.as_str())).collect();
    fields.sort_unstable();
    assert_eq!(refusal.reason, "FORM_INVALID");
    assert_eq!(fields, [("form", "FIELD_UNKNOWN"), ("form.area", "FIELD_TOO_SMALL"), ("form.name", "FIELD_REQUIRED")]);
}

#[test]
fn who_is_not_the_applicant_must_be_named_as_the_agent() {
    let mut world = World::new().draft();
    let other = Acting { subject: Some(subject('b')), ..citizen() };
    let hand = |world: &World| submit(&world.app, &world.item, &facts(), &Handing::default(), &other, &world.cx());
    assert_eq!(hand(&world).expect_err("refused").reason, "NOT_THE_APPLICANT");
    world.app.agent = Some(party('b'));
    let decided = hand(&world);
    world.take(decided).expect("handed in by the agent");
    assert_eq!(world.app.receipt.map(|receipt| receipt.authority), Some(Authority::Agent));
}

#[test]
fn a_clerk_hands_in_for_the_applicant_who_stands_before_them() {
    let mut world = World::new().draft();
    world.take(submit(&world.app, &world.item, &facts(), &Handing::default(), &clerk(), &world.cx())).expect("handed in");
    let receipt = world.app.receipt.expect("receipt");
    assert_eq!((receipt.authority, receipt.by.id.as_str()), (Authority::Window, "staff:clerk"));
}

#[test]
fn a_cancelled_item_is_neither_applied_for_nor_handed_in_nor_accepted() {
    let mut world = World::new().draft().with_files().submitted();
    let effective = NaiveDate::from_ymd_opt(2026, 3, 2).expect("a day");
    let end = Cancellation { effective, reason: "国发〔2026〕1号".into(), successor: Some("item-2".into()), in_effect: true };
    world.item.standing = Standing::Cancelled(end);
    let refusal = world.accept().expect_err("refused");
    assert_eq!((refusal.reason, refusal.metadata["successor_item_code"].as_str()), ("ITEM_CANCELLED", "item-2"));
    assert!(refusal.zh.contains("国发〔2026〕1号") && refusal.zh.contains("item-2"));
}

#[test]
fn missing_materials_stop_acceptance_and_deferrable_ones_do_not() {
    let mut world = World::new().draft().submitted();
    let refusal = world.accept().expect_err("refused");
    assert_eq!((refusal.reason, refusal.fields.len()), ("MATERIALS_MISSING", 1));
    let mut world = World::new().draft();
    world.take(add_attachment(&world.app, &facts(), &file("plan"), &citizen())).expect("a file");
    let mut world = world.submitted();
    world.accept().expect("accepted with what may follow");
    let Phase::Accepted(acceptance) = &world.app.phase else { panic!("accepted") };
    assert_eq!(acceptance.outstanding, ["report"]);
    world.take(add_attachment(&world.app, &facts(), &file("report"), &citizen())).expect("it follows");
}

#[test]
fn what_is_missing_is_told_once() {
    let mut world = World::new().draft().submitted().asked_to_correct();
    let again = request_correction(&world.app, &facts(), &points(), &clerk(), &world.cx());
    assert_eq!(again.expect_err("refused").reason, "ALREADY_TOLD_ONCE");
    world = world.at(2026, 3, 5);
    world.take(resubmit(&world.app, &facts(), &Handing::default(), &citizen(), &world.cx())).expect("handed in again");
    let again = request_correction(&world.app, &facts(), &points(), &clerk(), &world.cx());
    assert_eq!(again.expect_err("refused").reason, "ALREADY_TOLD_ONCE");
}

#[test]
fn nothing_beyond_the_list_may_be_asked_for() {
    let world = World::new().draft().submitted();
    let mut ask = points();
    ask.points[0].material = "tea".into();
    let refusal = request_correction(&world.app, &facts(), &ask, &clerk(), &world.cx()).expect_err("refused");
    assert_eq!((refusal.reason, refusal.fields[0].field.as_str()), ("MATERIAL_NOT_IN_LIST", "points[0].material_code"));
}

#[test]
fn nobody_acts_for_five_working_days_so_the_law_accepts_as_of_the_day_of_receipt() {
    let mut world = World::new().draft().submitted().at(2026, 3, 9);
    assert!(world.tick().is_empty(), "the last day is still in time");
    let mut world = world.at(2026, 3, 10);
    assert_eq!(world.tick(), ["DeemedAccepted"]);
    assert_eq!(world.accepted_on(), Some(("2026-03-02".into(), true)));
    assert!(world.tick().is_empty());
}

#[test]
fn on_the_sixth_day_it_is_too_late_to_ask_or_to_refuse_and_acceptance_is_the_laws() {
    let mut world = World::new().draft().with_files().submitted().at(2026, 3, 10);
    let asked = request_correction(&world.app, &facts(), &points(), &clerk(), &world.cx());
    assert_eq!(asked.expect_err("refused").reason, "DEEMED_ACCEPTED");
    assert_eq!(world.refuse(Ground::NoPermissionNeeded, "").expect_err("refused").reason, "DEEMED_ACCEPTED");
    assert_eq!(world.accept().expect("recorded"), ["DeemedAccepted"]);
    assert_eq!(world.accepted_on(), Some(("2026-03-02".into(), true)));
}

#[test]
fn after_a_correction_the_count_starts_again_from_the_day_all_was_received() {
    let mut world = World::new().draft().submitted().at(2026, 3, 4).asked_to_correct().at(2026, 3, 18);
    world.take(resubmit(&world.app, &facts(), &Handing::default(), &citizen(), &world.cx())).expect("handed in again");
    let mut world = world.at(2026, 3, 26);
    assert_eq!(world.tick(), ["DeemedAccepted"]);
    assert_eq!(world.accepted_on(), Some(("2026-03-18".into(), true)));
}

#[test]
fn article_32_does_not_accept_what_is_no_licence() {
    let mut world = World::new().draft();
    world.app.item.rules = rules::named("confirmation");
    let mut world = world.submitted().at(2026, 3, 20);
    assert_eq!(world.tick(), ["AcceptanceOverdue"]);
    assert!(world.tick().is_empty());
    assert_eq!(world.app.phase.name(), "SUBMITTED");
}

#[test]
fn an_answer_that_comes_too_late_counts_as_withdrawal_or_refusal_as_configured() {
    let told = World::new().draft().submitted().asked_to_correct();
    let mut world = told.clone().at(2026, 4, 3);
    let late = resubmit(&world.app, &facts(), &Handing::default(), &citizen(), &world.cx());
    assert_eq!(late.expect_err("refused").reason, "CORRECTION_LATE");
    assert_eq!(world.tick(), ["Withdrawn"]);
    let mut world = told.at(2026, 4, 3);
    world.app.item.rules = RuleSet { correction_late: LateCorrection::Refused, ..world.app.item.rules };
    assert_eq!(world.tick(), ["Refused"]);
}

#[test]
fn refusal_for_want_of_competence_names_the_competent_organ() {
    let mut world = World::new().draft().submitted();
    assert_eq!(world.refuse(Ground::NotOurAuthority, " ").expect_err("refused").reason, "COMPETENT_ORGAN_MISSING");
    assert_eq!(world.refuse(Ground::NotOurAuthority, "区市监局").expect("refused to accept"), ["Refused"]);
}

#[test]
fn an_officer_does_not_handle_their_own_matter() {
    let mut world = World::new().draft().with_files();
    world.app.applicant = Some(party('c'));
    world.app.agent = Some(party('a'));
    let mut world = world.submitted();
    assert_eq!(world.accept().expect_err("refused").reason, "OWN_APPLICATION");
}

#[test]
fn withdrawal_after_acceptance_waits_for_approval() {
    let mut world = World::new().draft().with_files().submitted();
    world.accept().expect("accepted");
    world.take(number(&world.app, "N1")).expect("numbered");
    let back = |world: &World| withdraw(&world.app, &Withdraw::default(), &citizen());
    let asked = back(&world);
    assert_eq!(world.take(asked).expect("asked"), ["WithdrawalRequested"]);
    assert_eq!(back(&world).expect_err("refused").reason, "WITHDRAWAL_PENDING");
    let mut denied = world.clone();
    assert_eq!(denied.take(answer_withdrawal(&denied.app, false, None, &citizen())).expect("denied"), ["WithdrawalDenied"]);
    assert_eq!(denied.app.phase.name(), "ACCEPTED");
    assert_eq!(world.take(answer_withdrawal(&world.app, true, None, &citizen())).expect("ended"), ["Withdrawn"]);
}

#[test]
fn a_promise_is_signed_only_where_one_is_offered() {
    let world = World::new().draft();
    let sign = Handing { sign_promise: true, note: None };
    let plain = ItemFacts { promise: None, ..facts() };
    let refused = submit(&world.app, &world.item, &plain, &sign, &citizen(), &world.cx());
    assert_eq!(refused.expect_err("refused").reason, "PROMISE_NOT_OFFERED");
    let mut signed = world.clone();
    signed.take(submit(&world.app, &world.item, &facts(), &sign, &citizen(), &world.cx())).expect("signed");
    assert_eq!(signed.app.promise.map(|promise| promise.text).as_deref(), Some("本人承诺"));
}

#[test]
fn a_due_date_in_an_unpublished_year_is_provisional_and_recomputed_when_the_year_is_loaded() {
    let world = World::new().at(2026, 12, 30).draft().submitted();
    let Phase::Submitted { due, .. } = &world.app.phase else { panic!("submitted") };
    assert_eq!((due.provisional, due.missing_years.as_slice()), (true, [2027].as_slice()));
    assert!(world.app.tags().iter().any(|tag| (tag.name, tag.value.as_str()) == ("provisional", "2027")));
    let holidays = "# covers: 2027\ndate,kind,name,name_en\n2027-01-01,holiday,元旦,New Year's Day\n2027-01-04,holiday,元旦,New Year's Day\n";
    let mut cx = world.cx();
    // a calendar that only this test publishes, and so incomplete: then the recomputation has nothing to do
    if let Ok(calendar) = Calendar::builtin().with_year(holidays) {
        cx.calendar = Arc::new(calendar);
        assert_eq!(recompute(&world.app, &cx).expect("decided").len(), 1);
    } else {
        assert!(recompute(&world.app, &cx).expect("decided").is_empty());
    }
}

#[test]
fn only_parties_see_a_draft_and_the_organ_sees_it_from_receipt_on() {
    let audiences = |app: &Application| {
        let tags = app.tags().into_iter().filter(|tag| tag.name == yiwang_ledger::Tag::AUDIENCE);
        tags.map(|tag| tag.value).collect::<Vec<_>>()
    };
    let draft = World::new().draft();
    assert_eq!(audiences(&draft.app), [subject('a').audience()]);
    let seen = audiences(&draft.submitted().app);
    assert_eq!(seen, ["org:O".to_owned(), subject('a').audience(), "region:511602000000".into(), "window:511602000000".into()]);
}

#[test]
fn tags_and_columns_carry_no_personal_data() {
    let app = World::new().draft().with_files().submitted().app;
    let text = format!("{:?}{:?}{:?}", app.tags(), app.index(), app.keys());
    for planted in ["11010519491231002X", "张三丰", "13800000000", "春来客栈", "图.pdf"] {
        assert!(!text.contains(planted), "{planted}");
    }
    assert!(!format!("{app:?}").contains("11010519491231002X"));
}

/// A command, or time that passes.
#[derive(Clone, Debug)]
enum Step {
    Update,
    Attach(bool),
    Remove,
    Submit(bool),
    Correct,
    Resubmit,
    Accept,
    Refuse,
    Withdraw,
    Answer(bool),
    Number,
    Tick,
    Days(u8),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        Just(Step::Update),
        any::<bool>().prop_map(Step::Attach),
        Just(Step::Remove),
        any::<bool>().prop_map(Step::Submit),
        Just(Step::Correct),
        Just(Step::Resubmit),
        Just(Step::Accept),
        Just(Step::Refuse),
        Just(Step::Withdraw),
        any::<bool>().prop_map(Step::Answer),
        Just(Step::Number),
        Just(Step::Tick),
        (0u8..12).prop_map(Step::Days),
    ]
}

impl World {
    fn decide(&self, step: &Step) -> Decision<Event> {
        let cx = self.cx();
        match step {
            Step::Update => update(&self.app, &Update { agent: crate::application::Change::Set(party('a')), ..Update::default() }, &citizen()),
            Step::Attach(plan) => add_attachment(&self.app, &facts(), &file(if *plan { "plan" } else { "report" }), &citizen()),
            Step::Remove => remove_attachment(&self.app, "file-plan", &citizen()),
            Step::Submit(sign) => submit(&self.app, &self.item, &facts(), &Handing { sign_promise: *sign, note: None }, &citizen(), &cx),
            Step::Correct => request_correction(&self.app, &facts(), &points(), &clerk(), &cx),
            Step::Resubmit => resubmit(&self.app, &facts(), &Handing::default(), &citizen(), &cx),
            Step::Accept => accept(&self.app, &self.item, &facts(), &Accept::default(), &clerk(), &cx),
            Step::Refuse => {
                let reason = Personal::new(&subject('a'), "refusal.reason", "不需要许可");
                refuse(&self.app, &Refuse { ground: Ground::NoPermissionNeeded, reason, competent_organ: String::new() }, &clerk(), &cx)
            }
            Step::Withdraw => withdraw(&self.app, &Withdraw::default(), &citizen()),
            Step::Answer(ended) => answer_withdrawal(&self.app, *ended, None, &citizen()),
            Step::Number => number(&self.app, "N1"),
            Step::Tick => timer(&self.app, &cx),
            Step::Days(_) => Ok(Vec::new()),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn whatever_comes_in_whatever_order_the_law_holds(steps in proptest::collection::vec(step(), 1..40)) {
        let mut world = World::new().draft();
        for step in steps {
            if let Step::Days(days) = step {
                world.now = Timestamp(world.now.0 + i64::from(days) * 86_400_000_000);
            }
            let before = world.app.clone();
            let decision = world.decide(&step);
            let _ = world.take(decision);
            // terminal stays terminal
            prop_assert!(!before.phase.is_final() || world.app == before, "{step:?} after {}", before.phase.name());
            // accepted never becomes unaccepted, but by withdrawal
            if let Phase::Accepted(old) = &before.phase {
                match &world.app.phase {
                    Phase::Accepted(new) => prop_assert_eq!(old.date, new.date),
                    phase => {
                        let taken_back = matches!(phase, Phase::Withdrawn { cause: WithdrawalCause::Applicant, .. });
                        prop_assert!(taken_back);
                    }
                }
            }
            // told once; one number; what was issued stays
            prop_assert!(world.app.corrections.len() <= 1);
            prop_assert!(before.case_number.is_none() || world.app.case_number == before.case_number);
            prop_assert!(before.receipt.is_none() || world.app.receipt == before.receipt);
            // the timer, run again at once, has nothing to do
            let mut again = world.clone();
            let tick = timer(&again.app, &again.cx());
            let _ = again.take(tick);
            prop_assert!(timer(&again.app, &again.cx()).expect("the timer never refuses").is_empty());
            prop_assert!(again.app.index().due_at.is_none_or(|due| due > again.now));
        }
    }
}
