//! One of each event of a joint application, for the golden bodies.

use yiwang_intake::application::{Actor, Channel, IssuedResult, Party};
use yiwang_intake::catalogue::facts::ResultKind;
use yiwang_intake::joint::{Event, HandedIn, Member, Mended, Standing, ThemePin, Whose};
use yiwang_intake::theme;
use yiwang_ledger::{Personal, Timestamp, Vault};
use yiwang_standards::calendar::Calendar;

fn due() -> yiwang_intake::limit::Due {
    let start = chrono::NaiveDate::from_ymd_opt(2026, 3, 2).unwrap();
    yiwang_intake::rules::named("confirmation").tell_once.due(start, Calendar::builtin())
}

pub fn events(vault: &Vault) -> Vec<Event> {
    let subject = vault.lookup("golden", "张建国");
    let seal = |field: &'static str, text: &str| Personal::new(&subject, field, text);
    let member = || "hygiene".to_owned();
    let applicant = Party {
        subject: subject.clone(),
        kind: None,
        name: Some(seal("applicant.name", "张建国")),
        number: None,
        phone: None,
        address: None,
    };
    let whose = Whose {
        by: Actor::system(),
        subject: Some(subject.clone()),
        by_staff: false,
        channel: Channel::Web,
        applicant,
        agent: None,
    };
    let planned = Member {
        plan: theme::Member {
            code: member(), partner: "银行".into(), name: "开户".into(), ..theme::Member::default()
        },
        item: None,
        standing: Standing::Waiting,
        begun: None,
        mended: None,
    };
    let handed_in = HandedIn {
        at: Timestamp(1),
        by: Actor::system(),
        subject: Some(subject.clone()),
        staff: false,
        consents: true,
        promises: vec![member()],
        deferrals: Vec::new(),
        promised: due(),
    };
    let mended = Mended {
        by: Actor::system(),
        subject: Some(subject.clone()),
        staff: false,
        form: Some(seal("form", "{}")),
        consents: true,
        promise: Some(true),
        deferral: None,
    };
    let result = IssuedResult {
        kind: ResultKind::License,
        name: "公共场所卫生许可证".into(),
        number: "2026-000001".into(),
        license: "01a21907-bb9d-775a-80e1-0754a33c77e3".into(),
    };
    vec![
        Event::JointDrafted {
            theme: Box::new(ThemePin {
                code: "inn".into(), version: 1, name: "开旅馆".into(), ..ThemePin::default()
            }),
            whose: Box::new(whose),
            answers: seal("answers", "{}"),
            form: Some(seal("form", "{}")),
            members: vec![planned],
        },
        Event::JointFormSaved { form: seal("form", "{}"), by: Actor::system() },
        Event::JointSubmitted { handed_in: Box::new(handed_in.clone()) },
        Event::MemberReleased { member: member() },
        Event::MemberOpened { member: member() },
        Event::MemberBegun { member: member(), item: std::sync::Arc::default(), handed_in: Box::new(handed_in) },
        Event::MemberHandedIn { member: member() },
        Event::MemberStuck {
            member: member(), reason: "ITEM_ON_HOLD".into(), zh: "暂停".into(), en: "on hold".into()
        },
        Event::MemberGranted { member: member(), result: Some(result), by: Some(Actor::system()) },
        Event::MemberRefused { member: member(), remark: Some(seal("remark", "例")), by: None },
        Event::MemberMended { member: member(), mended: Box::new(mended) },
        Event::MemberWithdrawn { member: member(), reason: Some(seal("reason", "例")), by: Some(Actor::system()) },
        Event::MemberCancelled { member: member(), because: "registration".into() },
        Event::JointTakenBack { reason: Some(seal("reason", "例")), by: Actor::system() },
        Event::JointLate { due: due() },
        Event::JointDueRecomputed { due: due() },
    ]
}
