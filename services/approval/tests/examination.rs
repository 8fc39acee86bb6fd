//! 审查环节: an examination in steps, by the list that the case began with.

mod world;

use proptest::prelude::*;
use world::{Bench, licensing, open_of};
use yiwang_approval::case::decide::{Open, Ruling};
use yiwang_approval::case::review::MOST_REVIEWS;
use yiwang_approval::case::{Case, Course, Item, ReviewStep, Standing};

fn step(code: &str, after: &[&str]) -> ReviewStep {
    let after = after.iter().map(|one| (*one).to_owned()).collect();
    ReviewStep { code: code.into(), name: code.to_uppercase(), after, ..ReviewStep::default() }
}

/// 资料审查 and 现场核查 side by side, then 复审 by another officer.
fn in_steps() -> Vec<ReviewStep> {
    vec![
        step("papers", &[]),
        step("site", &[]),
        ReviewStep { other_officer: true, ..step("again", &["papers", "site"]) },
    ]
}

fn opened(review_steps: Vec<ReviewStep>, skipped: &[&str]) -> Bench {
    let mut bench = Bench::empty("2026-03-02");
    let skipped = skipped.iter().map(|one| (*one).to_owned()).collect();
    let open = open_of(Item { review_steps, ..licensing() }, "2026-03-02");
    bench.open(&Open { skipped, ..open }).unwrap();
    bench
}

fn open(case: &Case) -> Vec<&str> {
    Course::of(case).open().map(|step| step.code.as_str()).collect()
}

fn standing(case: &Case, code: &str) -> Standing {
    Course::of(case).find(code).unwrap().1
}

#[test]
fn steps_go_side_by_side_and_the_last_one_comes_before_the_decision() {
    let mut bench = opened(in_steps(), &[]);
    assert_eq!(open(&bench.case), ["papers", "site"]);
    let several = bench.review("staff:reviewer").unwrap_err();
    assert_eq!((several.reason, several.metadata["steps"].as_str()), ("STEP_MISSING", "papers,site"));
    assert_eq!(bench.review_step("staff:reviewer", "again").unwrap_err().reason, "STEP_NOT_OPEN");
    assert_eq!(bench.review_step("staff:reviewer", "nothing").unwrap_err().reason, "STEP_UNKNOWN");
    bench.review_step("staff:reviewer", "site").unwrap();
    assert_eq!(bench.review_step("staff:reviewer", "site").unwrap_err().reason, "STEP_NOT_OPEN");
    assert_eq!((bench.case.status(), open(&bench.case)), ("OPEN", vec!["papers"]));
    let early = bench.decide("staff:approver", &Ruling::Grant(None)).unwrap_err();
    assert_eq!((early.reason, early.metadata["steps"].as_str()), ("NOT_REVIEWED", "papers"));
    // which one is meant is clear
    bench.review("staff:reviewer").unwrap();
    assert_eq!(bench.review_step("staff:clerk", "again").unwrap_err().reason, "SAME_OFFICER");
    assert_eq!(bench.review_step("staff:reviewer", "again").unwrap_err().reason, "SAME_OFFICER");
    bench.review_step("staff:another", "again").unwrap();
    assert_eq!(bench.case.status(), "REVIEWED");
    for reviewer in ["staff:reviewer", "staff:another"] {
        assert_eq!(bench.decide(reviewer, &Ruling::Grant(None)).unwrap_err().reason, "SAME_OFFICER");
    }
    bench.decide("staff:approver", &Ruling::Grant(None)).unwrap();
    assert_eq!(bench.case.status(), "GRANTED");
}

#[test]
fn what_the_form_does_not_ask_for_is_left_out_and_hands_on_what_is_before_it() {
    let steps = vec![step("papers", &[]), step("experts", &["papers"]), step("again", &["experts"])];
    let mut bench = opened(steps.clone(), &["experts"]);
    assert_eq!(open(&bench.case), ["papers"]);
    bench.review("staff:reviewer").unwrap();
    assert_eq!((standing(&bench.case, "experts"), open(&bench.case)), (Standing::Skipped, vec!["again"]));
    bench.review("staff:reviewer").unwrap();
    assert_eq!(bench.case.status(), "REVIEWED");
    // nobody would examine: then every step is
    let all = opened(steps, &["papers", "experts", "again"]);
    assert_eq!(open(&all.case), ["papers"]);
}

#[test]
fn one_of_several_is_enough_and_the_others_are_not_needed() {
    let any = ReviewStep { any: true, ..step("again", &["fast", "slow"]) };
    let steps = || vec![step("fast", &[]), step("before", &[]), step("slow", &["before"]), any.clone()];
    let mut bench = opened(steps(), &[]);
    bench.review_step("staff:reviewer", "fast").unwrap();
    assert_eq!(open(&bench.case), ["again"]);
    assert_eq!(
        (standing(&bench.case, "before"), standing(&bench.case, "slow")),
        (Standing::Dropped, Standing::Dropped)
    );
    assert_eq!(bench.review_step("staff:reviewer", "before").unwrap_err().reason, "STEP_NOT_OPEN");
    bench.review("staff:reviewer").unwrap();
    assert_eq!(bench.case.status(), "REVIEWED");
    // what is left out is not the one
    let left_out = opened(steps(), &["fast"]);
    assert_eq!(open(&left_out.case), ["before"]);
}

#[test]
fn a_case_goes_back_to_a_step_and_what_came_after_it_is_done_again() {
    let mut bench = opened(in_steps(), &[]);
    bench.review_step("staff:reviewer", "papers").unwrap();
    // nothing that comes after it is anybody's turn
    assert_eq!(bench.send_back("staff:another", "papers").unwrap_err().reason, "STEP_NOT_DONE");
    assert_eq!(bench.send_back("staff:another", "site").unwrap_err().reason, "STEP_NOT_DONE");
    bench.review_step("staff:reviewer", "site").unwrap();
    bench.send_back("staff:another", "site").unwrap();
    assert_eq!(open(&bench.case), ["site"]);
    bench.review("staff:reviewer").unwrap();
    bench.review("staff:another").unwrap();
    let due = bench.case.facts().unwrap().legal.clone();
    bench.send_back("staff:approver", "papers").unwrap();
    assert_eq!((bench.case.status(), open(&bench.case)), ("OPEN", vec!["papers"]));
    assert_eq!(standing(&bench.case, "site"), Standing::Done);
    assert_eq!(bench.case.facts().unwrap().legal, due, "the clock goes on");
    let stand: Vec<bool> = bench.case.reviews.iter().map(|review| review.stands).collect();
    assert_eq!(stand, [false, false, true, false]);
    bench.review_step("staff:third", "papers").unwrap();
    bench.review("staff:another").unwrap();
    // whose opinion went back took part all the same
    assert_eq!(bench.decide("staff:reviewer", &Ruling::Grant(None)).unwrap_err().reason, "SAME_OFFICER");
    bench.decide("staff:approver", &Ruling::Grant(None)).unwrap();
    assert_eq!(bench.send_back("staff:approver", "papers").unwrap_err().reason, "WRONG_PHASE");
}

#[test]
fn an_item_that_defines_no_steps_has_one() {
    let mut bench = Bench::opened(licensing(), "2026-03-02");
    assert_eq!(bench.review_step("staff:reviewer", "nothing").unwrap_err().reason, "STEP_UNKNOWN");
    bench.review("staff:reviewer").unwrap();
    assert_eq!(bench.case.reviews[0].step, "review");
    bench.send_back("staff:approver", "review").unwrap();
    assert_eq!(bench.case.status(), "OPEN");
    for _ in 2..MOST_REVIEWS {
        bench.review("staff:reviewer").unwrap();
        bench.send_back("staff:approver", "review").unwrap();
    }
    bench.review("staff:reviewer").unwrap();
    assert_eq!(bench.send_back("staff:approver", "review").unwrap_err().reason, "TOO_MANY_RETURNS");
    bench.decide("staff:approver", &Ruling::Grant(None)).unwrap();
}

#[test]
fn what_goes_back_is_done_again_though_another_step_was_enough() {
    let any = ReviewStep { any: true, ..step("again", &["fast", "slow"]) };
    let steps = vec![step("fast", &[]), step("before", &[]), step("slow", &["before"]), any];
    // the last one left out: nothing is dropped for the sake of what nobody does
    let mut bench = opened(steps.clone(), &["again"]);
    for code in ["fast", "before", "slow"] {
        bench.review_step("staff:reviewer", code).unwrap();
    }
    bench.send_back("staff:approver", "before").unwrap();
    assert_eq!(open(&bench.case), ["before"]);
    let mut bench = opened(steps, &[]);
    for code in ["before", "fast", "again"] {
        bench.review_step("staff:reviewer", code).unwrap();
    }
    bench.send_back("staff:approver", "before").unwrap();
    assert_eq!((open(&bench.case), standing(&bench.case, "again")), (vec!["before"], Standing::Waiting));
    bench.review_step("staff:reviewer", "before").unwrap();
    assert_eq!((open(&bench.case), standing(&bench.case, "slow")), (vec!["again"], Standing::Dropped));
}

#[test]
fn the_second_officer_is_another_whichever_step_comes_first() {
    let mut bench = opened(in_steps(), &[]);
    bench.review_step("staff:reviewer", "papers").unwrap();
    bench.review_step("staff:third", "site").unwrap();
    bench.send_back("staff:another", "papers").unwrap();
    bench.review_step("staff:third", "papers").unwrap();
    // whose opinion stands no more has seen the case all the same
    assert_eq!(bench.review_step("staff:reviewer", "again").unwrap_err().reason, "SAME_OFFICER");
    assert_eq!(bench.send_back("staff:reviewer", "papers").unwrap_err().reason, "SAME_OFFICER");
    assert_eq!(bench.send_back("staff:clerk", "papers").unwrap_err().reason, "SAME_OFFICER");
    bench.review_step("staff:fourth", "again").unwrap();
    // who sent it back while it was examined, and who examined it, neither decide nor speak for who decides
    for officer in ["staff:another", "staff:reviewer", "staff:third", "staff:clerk"] {
        assert_eq!(bench.decide(officer, &Ruling::Grant(None)).unwrap_err().reason, "SAME_OFFICER", "{officer}");
        assert_eq!(bench.send_back(officer, "papers").unwrap_err().reason, "SAME_OFFICER", "{officer}");
    }
    // who sent it back from 复核 does not do what it checks: two officers suffice
    let mut two = opened(in_steps(), &[]);
    two.review_step("staff:reviewer", "papers").unwrap();
    two.review_step("staff:reviewer", "site").unwrap();
    two.send_back("staff:another", "papers").unwrap();
    assert_eq!(two.review_step("staff:another", "papers").unwrap_err().reason, "SAME_OFFICER");
    two.review_step("staff:reviewer", "papers").unwrap();
    two.review_step("staff:another", "again").unwrap();
    // who sent back their own before 复核 goes on
    let plain = vec![
        step("papers", &[]),
        step("site", &["papers"]),
        ReviewStep { other_officer: true, ..step("again", &["site"]) },
    ];
    let mut own = opened(plain, &[]);
    own.review("staff:reviewer").unwrap();
    own.send_back("staff:reviewer", "papers").unwrap();
    own.review("staff:reviewer").unwrap();
    own.review("staff:reviewer").unwrap();
    own.review("staff:another").unwrap();
    // a step before it is not done by who did 复核
    let over = ReviewStep { any: true, other_officer: true, ..step("again", &["papers", "site"]) };
    let steps = vec![step("papers", &[]), step("site", &[]), over, step("last", &["site"])];
    let mut bench = opened(steps, &[]);
    bench.review_step("staff:reviewer", "papers").unwrap();
    bench.review_step("staff:another", "again").unwrap();
    assert_eq!(bench.review_step("staff:another", "site").unwrap_err().reason, "SAME_OFFICER");
    bench.review_step("staff:reviewer", "site").unwrap();
}

#[test]
fn one_officers_item_has_one_officer_at_every_step() {
    let item = Item { review_steps: in_steps(), sole_officer: true, ..licensing() };
    let mut bench = Bench::opened(item, "2026-03-02");
    for code in ["papers", "site", "again"] {
        bench.review_step("staff:clerk", code).unwrap();
    }
    bench.decide("staff:clerk", &Ruling::Grant(None)).unwrap();
}

/// Lists of up to eight steps, each after some of those before it.
fn lists() -> impl Strategy<Value = (Vec<ReviewStep>, Vec<bool>)> {
    let one = (any::<u8>(), any::<bool>(), any::<bool>());
    prop::collection::vec(one, 1..8).prop_map(|drawn| {
        let mut steps = Vec::new();
        for (place, (before, any, _)) in drawn.iter().enumerate() {
            let after =
                (0..place).filter(|bit| before >> bit & 1 == 1).map(|bit| format!("s{bit}")).collect::<Vec<_>>();
            let any = *any && after.len() > 1;
            steps.push(ReviewStep {
                code: format!("s{place}"),
                name: String::new(),
                after,
                any,
                ..ReviewStep::default()
            });
        }
        (steps, drawn.iter().map(|(_, _, skips)| *skips).collect())
    })
}

proptest! {
    #[test]
    fn whatever_is_done_next_every_examination_comes_to_its_end(
        (steps, skips) in lists(),
        choices in prop::collection::vec((any::<u8>(), 0_u8..3), 0..40),
    ) {
        let left_out = steps.iter().zip(&skips).filter(|(_, skips)| **skips).map(|(step, _)| step.code.as_str());
        let mut bench = opened(steps.clone(), &left_out.collect::<Vec<_>>());
        let mut choices = choices.into_iter();
        loop {
            let choice = choices.next();
            let todo: Vec<String> = open(&bench.case).into_iter().map(str::to_owned).collect();
            prop_assert_eq!(todo.is_empty(), bench.case.status() == "REVIEWED");
            let course = Course::of(&bench.case);
            for code in &todo {
                let (step, _) = course.find(code).unwrap();
                let is = |code: &&String, standing| course.find(code).unwrap().1 == standing;
                let left_out = step.after.iter().all(|code| is(&code, Standing::Skipped));
                let reached = match step.any && !left_out {
                    true => step.after.iter().any(|code| is(&code, Standing::Done)),
                    false => step.after.iter().all(|code| is(&code, Standing::Done) || is(&code, Standing::Skipped)),
                };
                prop_assert!(reached, "{code}");
            }
            match choice {
                Some((which, 0)) => {
                    let code = format!("s{}", usize::from(which) % steps.len());
                    let turn = if bench.case.status() == "OPEN" { "staff:another" } else { "staff:approver" };
                    if bench.send_back(turn, &code).is_ok() {
                        prop_assert!(open(&bench.case).contains(&code.as_str()), "{code} is to be done again");
                    }
                }
                Some(_) | None if todo.is_empty() && choice.is_none() => break,
                Some(_) if todo.is_empty() => {}
                _ => {
                    let which = choice.map_or(0, |(which, _)| usize::from(which));
                    bench.review_step("staff:reviewer", &todo[which % todo.len()]).unwrap();
                }
            }
        }
        prop_assert!(bench.case.reviews.iter().any(|review| review.stands));
        prop_assert!(bench.case.reviews.len() <= MOST_REVIEWS);
        bench.decide("staff:approver", &Ruling::Grant(None)).unwrap();
    }
}
