//! What must hold at the end, a function a rule; each answers with what breaks it.

use std::collections::{BTreeMap, BTreeSet};

use yiwang_approval::case::{Event as CaseEvent, Opened, ResultKind};
use yiwang_documents::Kind;
use yiwang_documents::book::BookEvent;
use yiwang_evaluation::evaluation::Event as EvaluationEvent;
use yiwang_intake::application::{ApplicationEvent, WithdrawalCause};
use yiwang_intake::register::RegisterEvent;
use yiwang_kit::ledger::StreamId;
use yiwang_license::license::Event as LicenseEvent;
use yiwang_license::register::Event as SerialEvent;

use super::books::Books;
use super::calls::Ack;
use super::people::Citizen;

/// What people know, to be held against the books.
pub struct Told {
    /// Writes that were answered well.
    pub acks: Vec<Ack>,
    /// What the readers of the feeds saw.
    pub seen: BTreeMap<&'static str, Vec<(u64, String)>>,
    /// Keyed hashes of those who were erased.
    pub erased: Vec<String>,
    /// Who applied.
    pub citizens: Vec<Citizen>,
}

/// A rule.
pub type Rule = fn(&Books, &Told) -> Vec<String>;

/// All rules, by name.
pub const RULES: [(&str, Rule); 16] = [
    ("one effect a request", one_effect_a_request),
    ("what was acknowledged is written", acknowledged_is_written),
    ("accepted once, or not at all", accepted_once),
    ("numbers without gaps, one an acceptance", numbers_without_gaps),
    ("papers without gaps, each in its matter once", papers_without_gaps),
    ("one case an accepted application", one_case),
    ("one decision a case, or its withdrawal", one_decision),
    ("application and case agree on the withdrawal", withdrawals_agree),
    ("a clock that stopped is told, once", stops_are_told),
    ("one licence a grant, and none otherwise", one_licence),
    ("one right to evaluate a service rendered, used once", one_right),
    ("chains verify", chains_verify),
    ("feeds are complete", feeds_are_complete),
    ("deliveries arrive", deliveries_arrive),
    ("what is derived follows from the entries", derived_follows),
    ("who is erased is erased everywhere, once", erased_everywhere),
];

fn one_effect_a_request(books: &Books, _: &Told) -> Vec<String> {
    let mut findings = Vec::new();
    for (service, said) in &books.services {
        let mut requests: BTreeMap<(&str, &str), Vec<(StreamId, u64)>> = BTreeMap::new();
        for entry in &said.entries {
            let effects = requests.entry((&entry.principal, &entry.request)).or_default();
            effects.push((entry.stream, entry.version));
        }
        for ((principal, request), effects) in requests {
            let first = effects[0];
            let one = (0..).zip(&effects).all(|(n, (stream, version))| (*stream, *version) == (first.0, first.1 + n));
            if !one {
                findings.push(format!("{service}: {principal} {request}: {effects:?}"));
            }
        }
    }
    findings
}

fn acknowledged_is_written(books: &Books, told: &Told) -> Vec<String> {
    let requests = |service: &str| -> BTreeSet<&str> {
        let said = books.services.get(service);
        said.into_iter().flat_map(|said| &said.entries).map(|entry| entry.request.as_str()).collect()
    };
    let all: BTreeMap<&str, BTreeSet<&str>> =
        books.services.keys().map(|service| (*service, requests(service))).collect();
    // an evaluation's entry does not name its request: `one_right` counts those
    let named = told.acks.iter().filter(|ack| ack.service != "evaluation");
    let lost = named.filter(|ack| !all.get(ack.service).is_some_and(|of| of.contains(ack.request_id.as_str())));
    lost.map(|ack| format!("{}: {} was acknowledged and is not there", ack.service, ack.request_id)).collect()
}

fn is_acceptance(event: &ApplicationEvent) -> bool {
    matches!(event, ApplicationEvent::Accepted { .. } | ApplicationEvent::DeemedAccepted { .. })
}

fn accepted_once(books: &Books, _: &Told) -> Vec<String> {
    let mut findings = Vec::new();
    for (id, events) in &books.applications {
        let is_end = |event: &ApplicationEvent| {
            matches!(event, ApplicationEvent::Refused { .. } | ApplicationEvent::Withdrawn { .. })
        };
        let count = |is_so: &dyn Fn(&ApplicationEvent) -> bool| events.iter().filter(|event| is_so(event)).count();
        let times = [
            ("drafted", count(&|event| matches!(event, ApplicationEvent::Drafted { .. }))),
            ("submitted", count(&|event| matches!(event, ApplicationEvent::Submitted { .. }))),
            ("told what is missing", count(&|event| matches!(event, ApplicationEvent::CorrectionRequested { .. }))),
            ("accepted", count(&is_acceptance)),
            ("ended", count(&is_end)),
        ];
        findings.extend(times.iter().filter(|(_, n)| *n > 1).map(|(what, n)| format!("{id}: {what} {n} times")));
        // the number of a paper is given after the step that the paper is about
        let numbered = |event: &ApplicationEvent| matches!(event, ApplicationEvent::DocumentIssued { .. });
        let mut after_end = events.iter().skip_while(|event| !is_end(event)).skip(1);
        if let Some(event) = after_end.find(|event| !numbered(event)) {
            findings.push(format!("{id}: goes on after its end: {event:?}"));
        }
        let refused_though = events.iter().any(|event| matches!(event, ApplicationEvent::Refused { .. }));
        if refused_though && events.iter().any(is_acceptance) {
            findings.push(format!("{id}: accepted and refused"));
        }
    }
    findings
}

fn numbers_without_gaps(books: &Books, _: &Told) -> Vec<String> {
    let mut findings = Vec::new();
    let mut issued: BTreeMap<StreamId, Vec<&str>> = BTreeMap::new();
    for (register, events) in &books.registers {
        for (expected, event) in (1..).zip(events) {
            let RegisterEvent::NumberIssued { serial, application, number, .. } = event;
            if *serial != expected {
                findings.push(format!("register {register}: {serial} where {expected} is due"));
            }
            issued.entry(*application).or_default().push(number);
        }
    }
    for (id, events) in &books.applications {
        let numbers: Vec<&str> = events
            .iter()
            .filter_map(|event| match event {
                ApplicationEvent::Numbered { case_number } => Some(case_number.as_str()),
                _ => None,
            })
            .collect();
        let accepted = usize::from(events.iter().any(is_acceptance));
        let given = issued.remove(id).unwrap_or_default();
        if numbers.len() != accepted || given != numbers {
            findings.push(format!("{id}: accepted {accepted} times, issued {given:?}, numbered {numbers:?}"));
        }
    }
    findings.extend(issued.iter().map(|(id, numbers)| format!("{numbers:?} issued for {id}, which is none")));
    findings
}

fn papers_without_gaps(books: &Books, _: &Told) -> Vec<String> {
    let mut findings = Vec::new();
    let mut issued: BTreeMap<StreamId, BTreeSet<&str>> = BTreeMap::new();
    for (book, events) in &books.documents {
        for (expected, event) in (1..).zip(events) {
            let BookEvent::DocumentIssued { serial, document } = event;
            if *serial != expected {
                findings.push(format!("book {book}: {serial} where {expected} is due"));
            }
            if !issued.entry(document.matter).or_default().insert(&document.number) {
                findings.push(format!("{} was issued twice", document.number));
            }
        }
    }
    let applications = books.applications.iter().map(|(id, events)| {
        let taken = events.iter().filter_map(|event| match event {
            ApplicationEvent::DocumentIssued { number, .. } => Some(number.as_str()),
            _ => None,
        });
        (*id, taken.collect::<Vec<&str>>())
    });
    let cases = books.cases.iter().map(|(id, events)| {
        let taken = events.iter().filter_map(|event| match event {
            CaseEvent::DocumentIssued { number, .. } => Some(number.as_str()),
            _ => None,
        });
        (*id, taken.collect::<Vec<&str>>())
    });
    for (id, taken) in applications.chain(cases) {
        let once: BTreeSet<&str> = taken.iter().copied().collect();
        let of_books = issued.remove(&id).unwrap_or_default();
        if once.len() != taken.len() || once != of_books {
            findings.push(format!("{id}: issued {of_books:?}, taken {taken:?}"));
        }
    }
    findings.extend(issued.iter().map(|(id, numbers)| format!("{numbers:?} issued for {id}, which is none")));
    findings
}

fn opened(events: &[CaseEvent]) -> Option<&Opened> {
    events.iter().find_map(|event| match event {
        CaseEvent::Opened(opened) => Some(opened.as_ref()),
        _ => None,
    })
}

fn one_case(books: &Books, _: &Told) -> Vec<String> {
    let mut findings = Vec::new();
    let mut cases: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (id, events) in &books.cases {
        let times = events.iter().filter(|event| matches!(event, CaseEvent::Opened(_))).count();
        match opened(events) {
            Some(opened) if times == 1 => cases.entry(&opened.application).or_default().push(&opened.number),
            _ => findings.push(format!("case {id}: opened {times} times")),
        }
    }
    for (id, events) in &books.applications {
        let number = events.iter().find_map(|event| match event {
            ApplicationEvent::Numbered { case_number } => Some(case_number.as_str()),
            _ => None,
        });
        let expected: Vec<&str> = number.into_iter().collect();
        let found = cases.remove(id.to_string().as_str()).unwrap_or_default();
        if found != expected {
            findings.push(format!("{id}: numbered {expected:?}, cases {found:?}"));
        }
    }
    findings.extend(cases.iter().map(|(id, numbers)| format!("cases {numbers:?} of {id}, which is none")));
    findings
}

fn one_decision(books: &Books, _: &Told) -> Vec<String> {
    let mut findings = Vec::new();
    for (id, events) in &books.cases {
        let decided = events.iter().filter(|event| matches!(event, CaseEvent::Decided(_))).count();
        let withdrawn = events.iter().filter(|event| matches!(event, CaseEvent::Withdrawn { .. })).count();
        if decided + withdrawn != 1 {
            findings.push(format!("case {id}: decided {decided} times, withdrawn {withdrawn} times"));
        }
    }
    findings
}

fn withdrawals_agree(books: &Books, _: &Told) -> Vec<String> {
    let mut findings = Vec::new();
    for events in books.cases.values() {
        let Some(opened) = opened(events) else { continue };
        let Ok(id) = StreamId::parse("id", &opened.application) else { continue };
        let of_case = events.iter().any(|event| matches!(event, CaseEvent::Withdrawn { .. }));
        let app = books.applications.get(&id).map(Vec::as_slice).unwrap_or_default();
        let of_app = app.iter().any(|event| matches!(event, ApplicationEvent::Withdrawn { .. }));
        let asked = app.iter().filter(|event| matches!(event, ApplicationEvent::WithdrawalRequested { .. })).count();
        let denied = app.iter().filter(|event| matches!(event, ApplicationEvent::WithdrawalDenied)).count();
        if of_case != of_app || asked != denied + usize::from(of_app) {
            findings.push(format!(
                "{id}: case withdrawn {of_case}, application withdrawn {of_app}, asked {asked} times, denied {denied} times"
            ));
        }
    }
    findings
}

/// Each special procedure that was allowed has one notice, of which the application tells once; not after its withdrawal.
fn stops_are_told(books: &Books, told: &Told) -> Vec<String> {
    let mut findings = Vec::new();
    for (id, events) in &books.cases {
        let allowed: Vec<u32> = events
            .iter()
            .filter_map(|event| match event {
                CaseEvent::ProcedureAllowed { number, .. } => Some(*number),
                _ => None,
            })
            .collect();
        let papers: Vec<(u32, &str)> = events
            .iter()
            .filter_map(|event| match event {
                CaseEvent::DocumentIssued { procedure: Some(about), number, .. } => Some((*about, number.as_str())),
                _ => None,
            })
            .collect();
        let Some((opened, app)) = opened(events).and_then(|opened| {
            let app = StreamId::parse("id", &opened.application).ok()?;
            Some((opened, books.applications.get(&app)?))
        }) else {
            continue;
        };
        let erased = told.erased.contains(&opened.applicant.subject.to_string());
        if !erased && papers.iter().map(|(about, _)| *about).collect::<Vec<_>>() != allowed {
            findings.push(format!("case {id}: allowed {allowed:?}, noticed {papers:?}"));
        }
        let said: Vec<&str> = app
            .iter()
            .filter_map(|event| match event {
                ApplicationEvent::CaseNoticed { notice, .. } => Some(notice.document.as_str()),
                _ => None,
            })
            .collect();
        let withdrawn = app.iter().any(|event| matches!(event, ApplicationEvent::Withdrawn { .. }));
        let once: BTreeSet<&str> = said.iter().copied().collect();
        let missed = papers.iter().any(|(_, number)| !once.contains(number));
        if once.len() != said.len() || said.len() > papers.len() || (missed && !withdrawn) {
            findings.push(format!("case {id}: noticed {papers:?}, told {said:?}"));
        }
    }
    findings
}

fn one_licence(books: &Books, _: &Told) -> Vec<String> {
    let mut findings = Vec::new();
    let mut licences: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (id, events) in &books.licenses {
        for event in events {
            if let LicenseEvent::Issued(issued) = event {
                licences.entry(&issued.case_number).or_default().push(format!("{id} {}", issued.number));
            }
        }
    }
    for (id, events) in &books.cases {
        let Some(opened) = opened(events) else { continue };
        let granted = events.iter().any(|event| match event {
            CaseEvent::Decided(decision) => decision.outcome.is_grant(),
            _ => false,
        });
        let expected = usize::from(granted && opened.item.result == ResultKind::License);
        let there = licences.remove(opened.number.as_str()).unwrap_or_default();
        let known: Vec<String> = events
            .iter()
            .filter_map(|event| match event {
                CaseEvent::LicenseIssued { id, number, .. } => Some(format!("{id} {number}")),
                _ => None,
            })
            .collect();
        if there.len() != expected || known != there {
            findings.push(format!("case {id}: {expected} due, issued {there:?}, known to the case {known:?}"));
        }
    }
    findings.extend(licences.iter().map(|(number, there)| format!("{there:?} of the case {number}, which is none")));
    for (register, events) in &books.serials {
        let mut cases = BTreeSet::new();
        for (expected, event) in (1..).zip(events) {
            let SerialEvent::NumberTaken { serial, case_number } = event;
            if *serial != expected || !cases.insert(case_number) {
                findings.push(format!("register {register}: {serial} of {case_number} where {expected} is due"));
            }
        }
    }
    let (taken, issued) = (books.serials.values().flatten().count(), books.licenses.len());
    if taken != issued {
        findings.push(format!("{taken} serial numbers for {issued} licences"));
    }
    findings
}

fn one_right(books: &Books, told: &Told) -> Vec<String> {
    let mut due: BTreeMap<&str, i64> = BTreeMap::new();
    for events in
        books.cases.values().filter(|events| events.iter().any(|event| matches!(event, CaseEvent::Decided(_))))
    {
        let number = opened(events).map(|opened| opened.number.as_str()).unwrap_or_default();
        *due.entry(number).or_default() += 1;
    }
    for events in books.applications.values() {
        let receipt = events.iter().find_map(|event| match event {
            ApplicationEvent::DocumentIssued { kind: Kind::Receipt, number } => Some(number.as_str()),
            _ => None,
        });
        if events.iter().any(|event| matches!(event, ApplicationEvent::Refused { .. })) {
            *due.entry(receipt.unwrap_or_default()).or_default() += 1;
        }
    }
    let mut findings = Vec::new();
    for (id, events) in &books.evaluations {
        let times = |is_so: fn(&EvaluationEvent) -> bool| events.iter().filter(|event| is_so(event)).count();
        let rated = times(|event| matches!(event, EvaluationEvent::Rated { .. }));
        let replied = times(|event| matches!(event, EvaluationEvent::Replied { .. }));
        if rated > 1 || replied > 1 {
            findings.push(format!("{id}: rated {rated} times, answered {replied} times"));
        }
        for event in events {
            if let EvaluationEvent::RightOpened(right) = event {
                *due.entry(&right.case_number).or_default() -= 1;
            }
        }
    }
    // an evaluation's entry does not name its request: they are counted
    let requests: BTreeSet<&str> = told.acks.iter().map(|ack| ack.request_id.as_str()).collect();
    let acked = |act: &str| requests.iter().filter(|request| request.ends_with(act)).count() as u64;
    let given = |is_so: fn(&EvaluationEvent) -> bool| Books::count(&books.evaluations, is_so);
    let rated = (acked("-rate"), given(|event| matches!(event, EvaluationEvent::Rated { .. })));
    let replied = (acked("-reply"), given(|event| matches!(event, EvaluationEvent::Replied { .. })));
    if rated.0 != rated.1 || replied.0 != replied.1 {
        findings.push(format!("acknowledged and there: evaluations {rated:?}, answers {replied:?}"));
    }
    let wrong = due.iter().filter(|(_, left)| **left != 0);
    findings.extend(wrong.map(|(number, left)| format!("{number}: {left} rights too few")));
    findings
}

fn chains_verify(books: &Books, _: &Told) -> Vec<String> {
    let problems = |(service, said): (&&'static str, &super::books::Service)| {
        said.report.problems.iter().map(|problem| format!("{service}: {problem}")).collect::<Vec<_>>()
    };
    books.services.iter().flat_map(problems).collect()
}

fn feeds_are_complete(books: &Books, told: &Told) -> Vec<String> {
    let mut findings = Vec::new();
    for (service, said) in &books.services {
        let written: Vec<(u64, String)> =
            said.entries.iter().map(|entry| (entry.position, entry.hash.to_string())).collect();
        let seen = told.seen.get(service).map(Vec::as_slice).unwrap_or_default();
        if seen != written {
            let first = written.iter().zip(seen).position(|(written, seen)| written != seen);
            findings.push(format!(
                "{service}: {} entries written, {} seen, different from {first:?} on",
                written.len(),
                seen.len()
            ));
        }
    }
    findings
}

fn deliveries_arrive(books: &Books, _: &Told) -> Vec<String> {
    let mut findings = Vec::new();
    for (service, said) in &books.services {
        findings.extend(said.parked.iter().map(|one| format!("{service}: {} waits: {}", one.reader, one.error)));
        findings.extend(said.halted.iter().map(|one| format!("{service}: {} halted: {}", one.reader, one.halted)));
        findings.extend(said.overdue.iter().map(|what| format!("{service}: fell due and nothing happened: {what}")));
    }
    findings
}

fn derived_follows(books: &Books, _: &Told) -> Vec<String> {
    let rows = |(service, said): (&&'static str, &super::books::Service)| {
        said.derived.iter().map(|row| format!("{service}: {row}")).collect::<Vec<_>>()
    };
    books.services.iter().flat_map(rows).collect()
}

fn erased_everywhere(books: &Books, told: &Told) -> Vec<String> {
    let mut expected = told.erased.clone();
    expected.sort();
    let mut findings = Vec::new();
    for (service, said) in &books.services {
        let mut erased = said.erased.clone();
        erased.sort();
        if erased != expected {
            findings.push(format!("{service}: erased {erased:?}, to be erased {expected:?}"));
        }
    }
    findings
}

/// What a run must have seen.
pub const OUTCOMES: [&str; 27] = [
    "application drafted",
    "submitted",
    "told once what is missing",
    "resubmitted",
    "correction never came",
    "accepted",
    "accepted by the law itself",
    "not accepted in time, and marked",
    "refused at the window",
    "withdrawn before acceptance",
    "withdrawn after acceptance",
    "withdrawn too late",
    "paper brought later",
    "reviewed",
    "granted",
    "not granted",
    "limit near, and marked",
    "limit passed, and marked",
    "clock stopped, or limit extended",
    "procedure ended",
    "promise checked",
    "licence issued",
    "licence cancelled",
    "right to evaluate opened",
    "evaluated",
    "bad evaluation answered",
    "person erased",
];

/// What came of it all, in the order of [`OUTCOMES`].
pub fn outcomes(books: &Books) -> impl Iterator<Item = (&'static str, u64)> {
    use ApplicationEvent as A;
    use CaseEvent as C;
    use EvaluationEvent as E;
    let app = |is_so: fn(&A) -> bool| Books::count(&books.applications, is_so);
    let case = |is_so: fn(&C) -> bool| Books::count(&books.cases, is_so);
    let given = |is_so: fn(&E) -> bool| Books::count(&books.evaluations, is_so);
    let by_applicant = |event: &A| matches!(event, A::Withdrawn { cause: WithdrawalCause::Applicant, .. });
    let early = |events: &&Vec<A>| events.iter().any(by_applicant) && !events.iter().any(is_acceptance);
    let late = |events: &&Vec<A>| events.iter().any(by_applicant) && events.iter().any(is_acceptance);
    let of =
        |is_so: &dyn Fn(&&Vec<A>) -> bool| books.applications.values().filter(|events| is_so(events)).count() as u64;
    let times = [
        app(|event| matches!(event, A::Drafted { .. })),
        app(|event| matches!(event, A::Submitted { .. })),
        app(|event| matches!(event, A::CorrectionRequested { .. })),
        app(|event| matches!(event, A::Resubmitted { .. })),
        app(|event| matches!(event, A::Withdrawn { cause: WithdrawalCause::CorrectionLate, .. })),
        app(|event| matches!(event, A::Accepted { .. })),
        app(|event| matches!(event, A::DeemedAccepted { .. })),
        app(|event| matches!(event, A::AcceptanceOverdue { .. })),
        app(|event| matches!(event, A::Refused { .. })),
        of(&early),
        of(&late),
        app(|event| matches!(event, A::WithdrawalDenied)),
        case(|event| matches!(event, C::MaterialRecorded { .. })),
        case(|event| matches!(event, C::Reviewed { .. })),
        case(|event| matches!(event, C::Decided(decision) if decision.outcome.is_grant())),
        case(|event| matches!(event, C::Decided(decision) if !decision.outcome.is_grant())),
        case(|event| matches!(event, C::MarkedNear { .. })),
        case(|event| matches!(event, C::MarkedOverdue { .. })),
        case(|event| matches!(event, C::ProcedureAllowed { .. })),
        case(|event| matches!(event, C::ProcedureEnded { .. })),
        case(|event| matches!(event, C::FollowUpChecked { .. })),
        Books::count(&books.licenses, |event| matches!(event, LicenseEvent::Issued(_))),
        Books::count(&books.licenses, |event| matches!(event, LicenseEvent::Cancelled { .. })),
        given(|event| matches!(event, E::RightOpened(_))),
        given(|event| matches!(event, E::Rated { .. })),
        given(|event| matches!(event, E::Replied { .. })),
        books.services.get("intake").map_or(0, |said| said.erased.len() as u64),
    ];
    OUTCOMES.into_iter().zip(times)
}
