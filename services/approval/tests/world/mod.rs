//! Cases as a test wants them: pure ones for the rules, and a running service with its neighbours played.
#![allow(dead_code, reason = "each test file uses its part")]

use std::sync::Arc;

use chrono::NaiveDate;
use yiwang_approval::case::decide::{self, Open, Ruling};
use yiwang_approval::case::procedure::{self, Ask, Verdict};
use yiwang_approval::case::review;
use yiwang_approval::case::{
    Applicant, Case, CheckOutcome, Event, Item, Limit, Officer, Recommendation, ResultKind, Source, SpecialKind, Unit,
};
use yiwang_ledger::{Aggregate, Context, Meta, Personal, Refusal, SubjectId, Timestamp};
use yiwang_standards::calendar::{self, Calendar};

/// Who the applicant of every pure case is.
pub fn subject() -> SubjectId {
    SubjectId::parse(&"ab".repeat(32)).unwrap()
}

pub fn officer(id: &str) -> Officer {
    Officer { id: id.into(), name: id.into(), role: "reviewer".into(), organisation: "68236467-9".into() }
}

pub fn limit(days: u32) -> Limit {
    let basis = "《中华人民共和国行政许可法》第四十二条".to_owned();
    Limit { days, unit: Unit::WorkingDay, basis, source: Source::Statute, unverified: false, ..Limit::default() }
}

/// A hygiene permit: 行政许可, 20 working days by law, 8 promised.
pub fn licensing() -> Item {
    Item {
        code: "511A0015500009".into(),
        name: "公共场所卫生许可新办".into(),
        item_type: 1,
        case_kind: 2,
        rules: "licensing".into(),
        region: "511602000000".into(),
        organisation: "68236467-9".into(),
        organisation_name: "广安市广安区行政审批局".into(),
        result: ResultKind::License,
        legal: Some(limit(20)),
        promised: Some(limit(8)),
        ..Item::default()
    }
}

/// A record of a small food shop: 备案, on the spot.
pub fn filing() -> Item {
    let limits = Some(limit(0));
    Item {
        item_type: 10,
        case_kind: 1,
        rules: "filing".into(),
        result: ResultKind::Receipt,
        legal: limits.clone(),
        promised: limits,
        ..licensing()
    }
}

/// A fire check on a signed promise.
pub fn promise() -> Item {
    Item { rules: "licensing-promise".into(), notify_promise: true, follow_up: Some(limit(20)), ..licensing() }
}

/// 检测 for so many working days.
pub fn testing(days: u32) -> Ask {
    let basis = "《公共场所卫生管理条例实施细则》第二十六条".to_owned();
    Ask { kind: SpecialKind::Other, name: "检测".into(), days, basis, reason: "需要检测空气质量".into() }
}

/// 延长审批 by so many working days.
pub fn extension(days: u32) -> Ask {
    let (name, basis) = (String::new(), String::new());
    Ask { kind: SpecialKind::Extension, name, days, basis, reason: "案情复杂".into() }
}

pub fn open_of(item: Item, accepted_on: &str) -> Open {
    let subject = subject();
    Open {
        number: "N1".into(),
        application: "0190d5a0-0000-7000-8000-000000000001".into(),
        promise_signed: item.notify_promise,
        item,
        applicant: Applicant {
            name: Personal::new(&subject, "name", "张建国"),
            document_kind: 1,
            document_number: Personal::new(&subject, "document_number", "511602198503120016"),
            phone: None,
            address: None,
            subject,
        },
        owner: "person:citizen".into(),
        owner_subject: None,
        agent_subject: None,
        accepted_by: officer("staff:clerk"),
        received_on: accepted_on.parse().unwrap(),
        accepted_on: accepted_on.parse().unwrap(),
        deemed: false,
        outstanding: Vec::new(),
        skipped: Vec::new(),
        form: None,
    }
}

/// A stream without a ledger: what was decided is folded, as the ledger would.
#[derive(Clone)]
pub struct Bench {
    pub case: Case,
    pub version: u64,
    pub now: Timestamp,
    pub calendar: Arc<Calendar>,
}

impl Bench {
    /// A case that was opened on its day of acceptance.
    pub fn opened(item: Item, accepted_on: &str) -> Self {
        let mut bench = Self::empty(accepted_on);
        bench.open(&open_of(item, accepted_on)).unwrap();
        bench
    }

    pub fn empty(day: &str) -> Self {
        let calendar = Arc::new(Calendar::builtin().clone());
        let mut bench = Self { case: Case::default(), version: 0, now: Timestamp(0), calendar };
        bench.on(day);
        bench
    }

    /// Moves to ten in the morning of a day.
    pub fn on(&mut self, day: &str) -> &mut Self {
        self.now = Timestamp(calendar::start_of_day_micros(day.parse().unwrap()) + 36_000_000_000);
        self
    }

    pub fn cx(&self) -> Context {
        Context {
            now: self.now,
            actor: "staff:somebody".into(),
            version: self.version,
            calendar: self.calendar.clone(),
            seed: [0; 32],
        }
    }

    pub fn fold(&mut self, events: Vec<Event>, actor: &str) -> usize {
        for event in &events {
            self.version += 1;
            self.case.evolve(event, &Meta { at: self.now, actor: actor.into(), version: self.version });
        }
        events.len()
    }

    pub fn open(&mut self, open: &Open) -> Result<usize, Refusal> {
        let events = decide::open(&self.case, open, &self.cx())?;
        Ok(self.fold(events, &open.accepted_by.id))
    }

    pub fn record(&mut self, code: &str) -> usize {
        let events = decide::record_material(&self.case, code, &officer("person:citizen")).unwrap();
        self.fold(events, "person:citizen")
    }

    pub fn review(&mut self, by: &str) -> Result<usize, Refusal> {
        self.review_step(by, "")
    }

    pub fn review_step(&mut self, by: &str, step: &str) -> Result<usize, Refusal> {
        let events = review::review(&self.case, &officer(by).into(), (step, Recommendation::Grant, "材料齐全"))?;
        Ok(self.fold(events, by))
    }

    pub fn send_back(&mut self, by: &str, step: &str) -> Result<usize, Refusal> {
        let events = review::return_to(&self.case, &officer(by).into(), step, "现场照片不清")?;
        Ok(self.fold(events, by))
    }

    pub fn decide(&mut self, by: &str, ruling: &Ruling) -> Result<usize, Refusal> {
        let events = decide::decide(&self.case, &officer(by).into(), ruling, &self.cx())?;
        Ok(self.fold(events, by))
    }

    pub fn asked(&self, ask: &Ask) -> Result<Vec<Event>, Refusal> {
        procedure::ask(&self.case, &officer("staff:reviewer"), ask, &self.cx())
    }

    pub fn ask(&mut self, ask: &Ask) -> Result<usize, Refusal> {
        let events = self.asked(ask)?;
        Ok(self.fold(events, "staff:reviewer"))
    }

    pub fn verdict(&self, number: u32, verdict: &Verdict) -> Result<Vec<Event>, Refusal> {
        procedure::decide(&self.case, &officer("staff:supervisor"), number, verdict, &self.cx())
    }

    pub fn say(&mut self, number: u32, verdict: &Verdict) -> Result<usize, Refusal> {
        let events = self.verdict(number, verdict)?;
        Ok(self.fold(events, "staff:supervisor"))
    }

    /// Asked for and allowed on the same day; its number.
    pub fn allow(&mut self, ask: &Ask) -> Result<u32, Refusal> {
        self.ask(ask)?;
        let number = self.case.procedures.len() as u32;
        self.say(number, &Verdict::Allow)?;
        Ok(number)
    }

    pub fn ended(&self, number: u32, on: &str) -> Result<Vec<Event>, Refusal> {
        procedure::end(&self.case, &officer("staff:reviewer"), number, (day(on), "合格"), &self.cx())
    }

    pub fn end(&mut self, number: u32, on: &str) -> Result<usize, Refusal> {
        let events = self.ended(number, on)?;
        Ok(self.fold(events, "staff:reviewer"))
    }

    /// The promised and the legal last day.
    pub fn dues(&self) -> (NaiveDate, NaiveDate) {
        let facts = self.case.facts().unwrap();
        (facts.promised.date, facts.legal.date)
    }

    pub fn withdraw(&mut self) -> Result<usize, Refusal> {
        let events = decide::withdraw(&self.case, &officer("person:citizen"), "不办了")?;
        Ok(self.fold(events, "person:citizen"))
    }

    pub fn check(&mut self, finding: CheckOutcome) -> Result<usize, Refusal> {
        let events = decide::record_follow_up(&self.case, &officer("staff:reviewer"), finding, "已核查", &self.cx())?;
        Ok(self.fold(events, "staff:reviewer"))
    }

    pub fn tick(&mut self) -> usize {
        let events = decide::tick(&self.case, &self.cx()).unwrap();
        self.fold(events, "system")
    }

    pub fn recompute(&mut self) -> usize {
        let events = decide::recompute(&self.case, &self.cx()).unwrap();
        self.fold(events, "system")
    }

    pub fn license_refused(&mut self) {
        let events = decide::license_refused(&self.case, "LICENSE_TYPE_INVALID", "不正确", "wrong").unwrap();
        self.fold(events, "system");
    }

    pub fn retry_license(&mut self, type_code: &str) -> Result<usize, Refusal> {
        let events = decide::retry_license(&self.case, type_code, &officer("staff:approver"))?;
        Ok(self.fold(events, "staff:approver"))
    }

    pub fn license_issued(&mut self) -> Result<usize, Refusal> {
        let events = decide::license_issued(&self.case, "id", "1.2.156", "511602")?;
        Ok(self.fold(events, "system"))
    }
}

pub fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}
