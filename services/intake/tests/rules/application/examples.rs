//! The rules by example.

use super::*;

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
    assert!(world.app.receipt.is_some());
}

#[test]
fn all_that_is_wrong_in_the_form_is_named_at_once() {
    let mut world = World::new().draft();
    world.app.form = Some(Personal::new(&subject('a'), "form", r#"{"area":0,"colour":"red"}"#));
    let refusal =
        submit(&world.app, &world.item, &facts(), &Handing::default(), &citizen(), &world.cx()).expect_err("refused");
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
    assert_eq!(hand(&world).expect_err("refused").reason, "MANDATE_MISSING");
    // by a mandate, in its days, for its acts
    let held = |acts: Vec<Act>, until: NaiveDate| Acting {
        mandates: vec![(StreamId::named("mandate", "1"), mandate(acts, until))],
        ..other.clone()
    };
    let day = |day| NaiveDate::from_ymd_opt(2026, 3, day).expect("a day");
    let hand =
        |world: &World, by: &Acting| submit(&world.app, &world.item, &facts(), &Handing::default(), by, &world.cx());
    for by in [held(vec![Act::Apply], day(1)), held(vec![Act::Receive], day(31))] {
        assert_eq!(hand(&world, &by).expect_err("refused").reason, "MANDATE_MISSING");
    }
    let decided = hand(&world, &held(vec![Act::Apply], day(2)));
    world.take(decided).expect("handed in by the agent");
    let receipt = world.app.receipt.clone().expect("a receipt");
    assert_eq!(
        (receipt.authority, receipt.mandate.map(|held| held.id)),
        (Authority::Agent, Some(StreamId::named("mandate", "1")))
    );
    // to apply is not to withdraw
    let by = held(vec![Act::Apply], day(31));
    assert_eq!(
        withdraw(&world.app, &Withdraw::default(), &by, &world.cx()).expect_err("refused").reason,
        "MANDATE_MISSING"
    );
}

#[test]
fn what_two_people_save_beside_each_other_both_stays() {
    let mut world = World::new().draft();
    let save = |world: &World, seen: u64, fields: serde_json::Value| {
        let serde_json::Value::Object(fields) = fields else { panic!("fields") };
        save_fields(&world.app, &facts(), &Save { fields, seen }, &citizen(), &world.cx())
    };
    let seen = world.version;
    let one = save(&world, seen, serde_json::json!({"name": "一"}));
    world.take(one).expect("saved");
    // another field, from the same sight of the draft
    let two = save(&world, seen, serde_json::json!({"area": 7}));
    world.take(two).expect("saved");
    assert_eq!(world.app.form.as_ref().and_then(Personal::get), Some(r#"{"name":"一","area":7}"#));
    // the same field, from an old sight
    let refusal = save(&world, seen, serde_json::json!({"name": "二", "area": 8})).expect_err("refused");
    assert_eq!((refusal.reason, refusal.fields.len()), ("FIELDS_CHANGED", 2));
    assert!(save(&world, seen, serde_json::json!({"name": "一"})).expect("the same").is_empty());
    let again = save(&world, world.version, serde_json::json!({"name": "二"}));
    assert_eq!(world.take(again).expect("saved"), ["Updated"]);
    assert_eq!(save(&world, 9, serde_json::json!({"colour": "red"})).expect_err("refused").reason, "FIELD_NOT_IN_FORM");
}

#[test]
fn a_clerk_hands_in_for_the_applicant_who_stands_before_them() {
    let mut world = World::new().draft();
    world
        .take(submit(&world.app, &world.item, &facts(), &Handing::default(), &clerk(), &world.cx()))
        .expect("handed in");
    let receipt = world.app.receipt.expect("receipt");
    assert_eq!((receipt.authority, receipt.by.id.as_str()), (Authority::Window, "staff:clerk"));
}

#[test]
fn a_cancelled_item_is_neither_applied_for_nor_handed_in_nor_accepted() {
    let mut world = World::new().draft().with_files().submitted();
    let effective = NaiveDate::from_ymd_opt(2026, 3, 2).expect("a day");
    let end =
        Cancellation {
            effective, reason: "国发〔2026〕1号".into(), successor: Some("item-2".into()), in_effect: true
        };
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
    world.take(add_attachment(&world.app, &facts(), &file("plan"), &citizen(), &world.cx())).expect("a file");
    let mut world = world.submitted();
    assert_eq!(world.accept().expect_err("not promised").reason, "DEFERRAL_NOT_SIGNED");
    let signed = Accept { deferral_signed: true, ..Accept::default() };
    let decided = accept(&world.app, &world.item, &facts(), &signed, &clerk(), &world.cx());
    world.take(decided).expect("accepted with what may follow");
    let Phase::Accepted(acceptance) = &world.app.phase else { panic!("accepted") };
    assert_eq!(acceptance.outstanding, ["report"]);
    world.take(add_attachment(&world.app, &facts(), &file("report"), &citizen(), &world.cx())).expect("it follows");
}

#[test]
fn a_withdrawal_that_is_asked_for_is_still_answered_when_what_was_to_follow_is_late() {
    let mut world = World::new().draft();
    std::sync::Arc::make_mut(&mut world.app.item).rules = rules::in_region("licensing", "371602000000");
    world.take(add_attachment(&world.app, &facts(), &file("plan"), &citizen(), &world.cx())).expect("a file");
    let mut world = world.submitted();
    let signed = Accept { deferral_signed: true, ..Accept::default() };
    let decided = accept(&world.app, &world.item, &facts(), &signed, &clerk(), &world.cx());
    world.take(decided).expect("accepted");
    world.take(number(&world.app, "N1")).expect("numbered");
    let decided = withdraw(&world.app, &Withdraw::default(), &citizen(), &world.cx());
    assert_eq!(world.take(decided).expect("asked for"), ["WithdrawalRequested"]);
    world.now = noon(2026, 4, 1);
    let decided = timer(&world.app, &world.cx());
    assert_eq!(world.take(decided).expect("late"), ["DeferralLate"]);
    let answered = answer_withdrawal(&world.app, true, None, &citizen());
    assert_eq!(world.take(answered).expect("answered"), ["Withdrawn"]);
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
fn what_is_told_once_is_all_that_is_missing() {
    let mut world = World::new().draft().submitted();
    let ask = |material: &str| {
        let text = Personal::new(&subject('a'), "correction", "请补充");
        RequestCorrection {
            points: vec![Point { material: material.into(), field: String::new(), text, check: String::new() }],
        }
    };
    let refusal = request_correction(&world.app, &facts(), &ask("report"), &clerk(), &world.cx()).expect_err("refused");
    let fields: Vec<_> = refusal.fields.iter().map(|field| (field.field.as_str(), field.en.as_str())).collect();
    assert_eq!((refusal.reason, fields), ("POINTS_INCOMPLETE", vec![("points", "missing: plan")]));
    world
        .take(request_correction(&world.app, &facts(), &ask("plan"), &clerk(), &world.cx()))
        .expect("the report may follow");
}

#[test]
fn a_file_lies_under_its_applicants_key() {
    let mut world = World::new().draft();
    let add = |world: &World| add_attachment(&world.app, &facts(), &file("plan"), &citizen(), &world.cx());
    world.update(&Update { applicant: Change::Clear, ..Update::default() }).expect("a draft without applicant");
    assert_eq!(add(&world).expect_err("refused").reason, "APPLICANT_MISSING");
    world.update(&Update { applicant: Change::Set(party('b')), ..Update::default() }).expect("another applicant");
    assert_eq!(add(&world).expect_err("sealed for the one before").reason, "CONTENDED");
    world.update(&Update { applicant: Change::Set(party('a')), ..Update::default() }).expect("the first again");
    world.take(add(&world)).expect("a file");
    let other = Update { applicant: Change::Set(party('b')), ..Update::default() };
    assert_eq!(world.update(&other).expect_err("refused").reason, "APPLICANT_HAS_FILES");
    world.take(remove_attachment(&world.app, &facts(), "file-plan", &citizen(), &world.cx())).expect("taken out");
    world.update(&other).expect("nobody's file stays behind");
}

#[test]
fn the_form_goes_over_to_the_applicant_whom_the_rule_finds() {
    let mut world = World::new().draft();
    let text = world.app.form.as_ref().and_then(Personal::get).map(str::to_owned);
    world.update(&Update { applicant: Change::Set(party('b')), ..Update::default() }).expect("another applicant");
    let form = world.app.form.clone().expect("a form");
    assert_eq!((form.subject(), form.get()), (&subject('b'), text.as_deref()));
    // typed while the first was the applicant
    let late = Personal::new(&subject('a'), "form", "{}");
    world.update(&Update { form: Change::Set(late), ..Update::default() }).expect("changed");
    assert_eq!(world.app.form.as_ref().map(Personal::subject), Some(&subject('b')));
}

#[test]
fn a_slip_is_mended_on_the_spot_without_the_one_notice_and_without_a_new_clock() {
    let world = World::new().draft().submitted();
    let Phase::Submitted { due, .. } = world.app.phase.clone() else { panic!("submitted") };
    let form = Personal::new(&subject('a'), "form", r#"{"name":"春来客栈","area":121}"#);
    let mut world = world.at(2026, 3, 4);
    let mend = Update { form: Change::Set(form), ..Update::default() };
    let by_window = update(&world.app, &facts(), &mend, &clerk(), &world.cx());
    assert_eq!(world.take(by_window).expect("mended at the window"), ["Updated", "CorrectedOnTheSpot"]);
    let paper = add_attachment(&world.app, &facts(), &file("plan"), &citizen(), &world.cx());
    assert_eq!(world.take(paper).expect("mended"), ["AttachmentAdded", "CorrectedOnTheSpot"]);
    let Phase::Submitted { due: after, missing, .. } = &world.app.phase else { panic!("submitted still") };
    assert_eq!((after, missing.as_slice(), world.app.corrections.len()), (&due, ["report".to_owned()].as_slice(), 0));
    let taken = remove_attachment(&world.app, &facts(), "file-plan", &citizen(), &world.cx());
    world.take(taken).expect("taken out");
    let Phase::Submitted { missing, .. } = &world.app.phase else { panic!("submitted still") };
    assert_eq!(missing, &["plan", "report"]);
    let steps: Vec<_> = world.app.steps.iter().map(|step| (step.kind.as_str(), step.by.id.as_str())).collect();
    assert_eq!(steps[2..], [("CorrectedOnTheSpot", "staff:clerk"), ("CorrectedOnTheSpot", "person:citizen")]);
}

#[test]
fn what_is_mended_on_the_spot_is_as_good_as_what_was_handed_in() {
    let mut world = World::new().draft().submitted();
    let form = Personal::new(&subject('a'), "form", r#"{"area":0}"#);
    let worse = Update { form: Change::Set(form), ..Update::default() };
    assert_eq!(world.update(&worse).expect_err("refused").reason, "FORM_INVALID");
    let other = Update { applicant: Change::Set(party('b')), ..Update::default() };
    assert_eq!(world.update(&other).expect_err("refused").reason, "APPLICANT_FIXED");
}

#[test]
fn only_a_party_or_the_window_mends_and_only_until_the_law_has_accepted() {
    let world = World::new().draft().submitted();
    let stranger = Acting { subject: Some(subject('b')), ..citizen() };
    let add = |world: &World, by: &Acting| add_attachment(&world.app, &facts(), &file("plan"), by, &world.cx());
    assert_eq!(add(&world, &stranger).expect_err("refused").reason, "NOT_THE_APPLICANT");
    let world = world.at(2026, 3, 10);
    assert_eq!(add(&world, &citizen()).expect_err("refused").reason, "DEEMED_ACCEPTED");
}

#[test]
fn nothing_beyond_the_list_may_be_asked_for() {
    let world = World::new().draft().submitted();
    let mut ask = points();
    ask.points[0].material = "tea".into();
    let refusal = request_correction(&world.app, &facts(), &ask, &clerk(), &world.cx()).expect_err("refused");
    assert_eq!((refusal.reason, refusal.fields[0].field.as_str()), ("MATERIAL_NOT_IN_LIST", "points[0].material_code"));
    let mut ask = points();
    ask.points[0].field = "/nmae".into();
    let refusal = request_correction(&world.app, &facts(), &ask, &clerk(), &world.cx()).expect_err("refused");
    assert_eq!((refusal.reason, refusal.fields[0].field.as_str()), ("FIELD_NOT_IN_FORM", "points[0].field"));
    ask.points[0].field = "/name".into();
    request_correction(&world.app, &facts(), &ask, &clerk(), &world.cx()).expect("told");
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
    assert_eq!(world.app.received(), NaiveDate::from_ymd_opt(2026, 3, 18));
}

#[test]
fn article_32_does_not_accept_what_is_no_licence() {
    let mut world = World::new().draft();
    std::sync::Arc::make_mut(&mut world.app.item).rules = rules::named("confirmation");
    let mut world = world.submitted().at(2026, 3, 20);
    assert_eq!(world.tick(), ["AcceptanceOverdue"]);
    assert!(world.tick().is_empty());
    assert_eq!(world.app.phase.name(), "SUBMITTED");
}

#[test]
fn an_answer_that_comes_too_late_counts_as_withdrawal() {
    let mut world = World::new().draft().submitted().asked_to_correct().at(2026, 4, 3);
    let late = resubmit(&world.app, &facts(), &Handing::default(), &citizen(), &world.cx());
    assert_eq!(late.expect_err("refused").reason, "CORRECTION_LATE");
    assert_eq!(world.tick(), ["Withdrawn"]);
}

#[test]
fn nobody_loses_an_application_by_a_date_that_may_still_move() {
    let world = World::new().at(2026, 12, 10).draft().submitted().asked_to_correct().at(2027, 3, 1);
    assert!(world.app.corrections[0].reply_by.provisional());
    assert!(world.clone().tick().is_empty() && world.app.index().due_at.is_none(), "the timer leaves it alone");
    let mut late = world.clone();
    let again = resubmit(&late.app, &facts(), &Handing::default(), &citizen(), &late.cx());
    assert_eq!(late.take(again).expect("not too late"), ["Resubmitted"]);
    // the year is loaded: now the date stands, and what follows from it
    let calendar = Calendar::builtin().with_year(include_str!("../../2027.csv")).expect("a year");
    let cx = Context { calendar: Arc::new(calendar), ..world.cx() };
    let settled = world.clone().take(timer(&world.app, &cx)).expect("the timer never refuses");
    assert_eq!(settled, ["DueRecomputed", "Withdrawn"]);
    let late = resubmit(&world.app, &facts(), &Handing::default(), &citizen(), &cx);
    assert_eq!(late.expect_err("refused").reason, "CORRECTION_LATE");
}

#[test]
fn what_the_law_grants_does_not_wait_for_a_calendar() {
    let mut world = World::new().at(2026, 12, 30).draft().submitted().at(2027, 1, 8);
    assert_eq!(world.tick(), ["DeemedAccepted"]);
}

#[test]
fn a_refusal_says_what_can_be_done_against_it_and_where() {
    let mut world = World::new().draft();
    std::sync::Arc::make_mut(&mut world.app.item).department = "区税务局".into();
    let mut world = world.submitted();
    world.refuse(Ground::NoPermissionNeeded, "").expect("refused to accept");
    let Phase::Refused(rejection) = &world.app.phase else { panic!("refused") };
    for part in ["上一级主管部门申请行政复议", "六十日", "人民法院提起行政诉讼"] {
        assert!(rejection.remedies.contains(part), "{part} is not in {}", rejection.remedies);
    }
}

#[test]
fn refusal_for_want_of_competence_names_the_competent_organ() {
    let mut world = World::new().draft().submitted();
    assert_eq!(world.refuse(Ground::NotOurAuthority, " ").expect_err("refused").reason, "COMPETENT_ORGAN_MISSING");
    assert_eq!(world.refuse(Ground::NotOurAuthority, "区市监局").expect("refused to accept"), ["Refused"]);
}

#[test]
fn an_officer_does_not_handle_their_own_matter() {
    let mut world = World::new().draft().with_files().submitted();
    world.app.applicant = Some(party('c'));
    world.app.agent = Some(party('a'));
    assert_eq!(world.accept().expect_err("refused").reason, "OWN_APPLICATION");
}

#[test]
fn withdrawal_after_acceptance_waits_for_approval() {
    let mut world = World::new().draft().with_files().submitted();
    world.accept().expect("accepted");
    world.take(number(&world.app, "N1")).expect("numbered");
    let back = |world: &World| withdraw(&world.app, &Withdraw::default(), &citizen(), &world.cx());
    let asked = back(&world);
    assert_eq!(world.take(asked).expect("asked"), ["WithdrawalRequested"]);
    assert_eq!(back(&world).expect_err("refused").reason, "WITHDRAWAL_PENDING");
    let mut denied = world.clone();
    assert_eq!(
        denied.take(answer_withdrawal(&denied.app, false, None, &citizen())).expect("denied"),
        ["WithdrawalDenied"]
    );
    assert_eq!(denied.app.phase.name(), "ACCEPTED");
    assert_eq!(world.take(answer_withdrawal(&world.app, true, None, &citizen())).expect("ended"), ["Withdrawn"]);
}

#[test]
fn a_promise_is_signed_only_where_one_is_offered() {
    let world = World::new().draft();
    let sign = Handing { sign_promise: true, ..Handing::default() };
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
    assert_eq!((due.provisional(), due.missing_years.as_slice()), (true, [2027].as_slice()));
    assert!(world.app.tags().iter().any(|tag| (tag.name, tag.value.as_str()) == ("provisional", "2027")));
    assert!(recompute(&world.app, &world.cx()).expect("decided").is_empty(), "nothing is known yet that was not known");
    let calendar = Calendar::builtin().with_year(include_str!("../../2027.csv")).expect("a year");
    let cx = Context { calendar: Arc::new(calendar), ..world.cx() };
    let [Event::DueRecomputed { due: new }] = &recompute(&world.app, &cx).expect("decided")[..] else {
        panic!("one event")
    };
    assert_eq!(
        (due.date.to_string(), new.date.to_string(), new.provisional()),
        ("2027-01-06".into(), "2027-01-07".into(), false)
    );
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
    assert_eq!(
        seen,
        ["org:O".to_owned(), subject('a').audience(), "region:511602000000".into(), "window:511602000000".into()]
    );
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
