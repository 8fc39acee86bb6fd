//! The rules by random commands in random order.

use super::*;

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
            Step::Update => update(
                &self.app,
                &facts(),
                &Update { agent: Change::Set(party('a')), ..Update::default() },
                &citizen(),
                &cx,
            ),
            Step::Attach(plan) => {
                add_attachment(&self.app, &facts(), &file(if *plan { "plan" } else { "report" }), &citizen(), &cx)
            }
            Step::Remove => remove_attachment(&self.app, &facts(), "file-plan", &citizen(), &cx),
            Step::Submit(sign) => submit(
                &self.app,
                &self.item,
                &facts(),
                &Handing { sign_promise: *sign, sign_deferral: *sign, ..Handing::default() },
                &citizen(),
                &cx,
            ),
            Step::Correct => request_correction(&self.app, &facts(), &points(), &clerk(), &cx),
            Step::Resubmit => resubmit(&self.app, &facts(), &Handing::default(), &citizen(), &cx),
            Step::Accept => accept(
                &self.app,
                &self.item,
                &facts(),
                &Accept { deferral_signed: true, ..Accept::default() },
                &clerk(),
                &cx,
            ),
            Step::Refuse => {
                let reason = Personal::new(&subject('a'), "refusal.reason", "不需要许可");
                refuse(
                    &self.app,
                    &facts(),
                    &Refuse { ground: Ground::NoPermissionNeeded, reason, competent_organ: String::new() },
                    &clerk(),
                    &cx,
                )
            }
            Step::Withdraw => withdraw(&self.app, &Withdraw::default(), &citizen(), &cx),
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
            // 当场更正 leaves the clock alone, and what is missing is known
            if let (Phase::Submitted { due: old, .. }, Phase::Submitted { due: new, missing, .. }) =
                (&before.phase, &world.app.phase)
            {
                prop_assert!(old == new && missing.iter().all(|code| !world.app.has_material(code)));
            }
            // nobody loses an application by a date that may still move
            if let Phase::Withdrawn { cause: WithdrawalCause::CorrectionLate, .. } = &world.app.phase {
                prop_assert!(world.app.corrections.iter().all(|told| !told.reply_by.provisional()));
            }
            // what was to follow is not called late before its day, nor once it has come
            if let Phase::Accepted(acceptance) = &world.app.phase
                && let Some(deferral) = acceptance.deferral.as_ref().filter(|deferral| deferral.late)
            {
                prop_assert!(deferral.due.forfeited(world.now) && acceptance.outstanding.iter().any(|code| deferral.materials.contains(code)));
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
