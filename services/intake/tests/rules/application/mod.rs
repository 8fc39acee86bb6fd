//! The rules by example, and by random commands in random order: here the world that both are tried in.

mod clock;
mod examples;
mod properties;
mod sourced;

use std::sync::Arc;

use chrono::NaiveDate;
use proptest::prelude::*;
use yiwang_intake::application::decide::*;
use yiwang_intake::application::{
    Actor, Application, ApplicationEvent as Event, Attachment, Authority, Change, Ground, ItemPin, Party, Phase, Point,
    WithdrawalCause,
};
use yiwang_intake::catalogue::facts::{Material, Necessity, PromiseTerms};
use yiwang_intake::catalogue::{Cancellation, Item, ItemFacts, Standing};
use yiwang_intake::limit::Ends as _;
use yiwang_intake::mandate::{self, Act, Grant, Mandate};
use yiwang_intake::rules;
use yiwang_ledger::{Aggregate, Context, Decision, EventName as _, Meta, Personal, StreamId, SubjectId, Timestamp};
use yiwang_standards::calendar::{self, Calendar};
use yiwang_standards::identity::DocumentKind;

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
    Acting { actor, subject: Some(subject('a')), staff: false, grade: 0, helper: None, mandates: Vec::new() }
}

pub fn clerk() -> Acting {
    let actor = Actor {
        id: "staff:clerk".into(),
        name: "李四".into(),
        role: "clerk".into(),
        organisation: "O".into(),
        ..Actor::default()
    };
    Acting { actor, subject: Some(subject('c')), staff: true, grade: 0, helper: None, mandates: Vec::new() }
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
    Item { facts: facts(), standing: Standing::InForce, form_version: 1, ..Item::default() }
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
        let item = ItemPin {
            code: "item-1".into(),
            region: "511602000000".into(),
            organisation: "O".into(),
            rules,
            ..ItemPin::default()
        };
        let form = Some(Personal::new(&subject('a'), "form", r#"{"name":"春来客栈","area":120}"#));
        let ask = Create {
            item: item.into(),
            owner_subject: subject('a'),
            channel: yiwang_intake::application::Channel::Web,
            applicant: Some(party('a')),
            agent: None,
            form,
            elsewhere: None,
            joint: None,
        };
        self.take(create(&self.app, &self.item, &ask, &citizen(), &self.cx())).expect("a draft");
        self
    }

    pub fn with_files(mut self) -> Self {
        for material in ["plan", "report"] {
            let file = file(material);
            self.take(add_attachment(&self.app, &facts(), &file, &citizen(), &self.cx())).expect("a file");
        }
        self
    }

    pub fn submitted(mut self) -> Self {
        self.take(submit(&self.app, &self.item, &facts(), &Handing::default(), &citizen(), &self.cx()))
            .expect("handed in");
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

    fn update(&mut self, ask: &Update) -> Result<Vec<&'static str>, yiwang_ledger::Refusal> {
        self.take(update(&self.app, &facts(), ask, &citizen(), &self.cx()))
    }

    fn accept(&mut self) -> Result<Vec<&'static str>, yiwang_ledger::Refusal> {
        self.take(accept(&self.app, &self.item, &facts(), &Accept::default(), &clerk(), &self.cx()))
    }

    fn refuse(&mut self, ground: Ground, organ: &str) -> Result<Vec<&'static str>, yiwang_ledger::Refusal> {
        let reason = Personal::new(&subject('a'), "refusal.reason", "依法不需要取得行政许可");
        let ask = Refuse { ground, reason, competent_organ: organ.into() };
        self.take(refuse(&self.app, &facts(), &ask, &clerk(), &self.cx()))
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
    RequestCorrection {
        points: vec![Point { material: "plan".into(), field: String::new(), text, check: String::new() }],
    }
}

/// A mandate of `b` for `a`.
pub fn mandate(acts: Vec<Act>, until: NaiveDate) -> Mandate {
    let grant = Grant {
        principal: party('a'),
        agent: party('b'),
        kind: mandate::Kind::Entrusted,
        items: vec!["item".into()],
        acts,
        from: until - chrono::Days::new(30),
        until,
        evidence: None,
        region: String::new(),
        helping: None,
    };
    Mandate { grant: Some(Box::new(grant)), ..Mandate::default() }
}
