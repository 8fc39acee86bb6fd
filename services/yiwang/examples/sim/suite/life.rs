//! The life of one application: what its citizen and the officers do with it, round by round, as the dice of the seed say.

use futures_util::future::join;
use tonic::Status;
use yiwang_kit::reason;
use yiwang_proto::approval::v1 as approval;
use yiwang_proto::intake::v1 as intake;
use yiwang_proto::intake::v1::ApplicationPhase as Phase;

use super::acts::{Acts, Who};
use super::calls::Desk;
use super::people::{Citizen, Matter};

/// One application.
pub struct Life {
    /// Who applies, and for what.
    pub who: Who,
    /// The application's id, once it is begun.
    pub id: Option<String>,
    /// Nothing more is to be done.
    pub ended: bool,
    /// Its citizen's data were erased.
    pub erased: bool,
    /// The round in which it begins.
    begins: u64,
    checked: bool,
    cancelled: bool,
}

impl Life {
    /// One of a seed's.
    pub fn new(desk: &Desk, number: u64) -> anyhow::Result<Self> {
        let dice = &desk.grid.dice;
        let matter =
            dice.pick(&[(50, Matter::Hygiene), (30, Matter::Fire), (20, Matter::Shop)], &format!("matter of {number}"));
        let citizen = Citizen::of(dice.0, number);
        let who = Who::new(desk, citizen, matter)?;
        let begins = dice.below(4, &format!("begin of {number}"));
        Ok(Self { who, id: None, ended: false, erased: false, begins, checked: false, cancelled: false })
    }

    /// What is done with it in a round. In a hurry nobody waits and nobody gives up.
    pub async fn step(&mut self, desk: &Desk, round: u64, hurry: bool) {
        if self.ended || round < self.begins {
            return;
        }
        let day = Day { round, hurry };
        // refused by a rule: another round, another choice
        if let Err(status) = Box::pin(self.act(desk, day)).await {
            desk.grid.tally.count("refused by a rule");
            tracing::debug!(about = self.who.about, reason = reason(&status), "refused");
        }
    }

    async fn act(&mut self, desk: &Desk, day: Day) -> Result<(), Status> {
        let acts = Acts { desk, who: &self.who };
        let Some(id) = self.id.clone() else {
            let id = acts.draft(day.round).await?;
            self.id = Some(id.clone());
            return Box::pin(self.hand_in(desk, &id, day)).await;
        };
        let app = acts.application(&id).await?;
        match app.phase() {
            Phase::Draft => Box::pin(self.hand_in(desk, &id, day)).await,
            Phase::Submitted => window(&acts, &app, day).await,
            Phase::CorrectionRequested => correct(&acts, &app, day).await,
            Phase::Accepted => Box::pin(self.case(desk, &app, day)).await,
            Phase::Refused => self.judge(desk, &app.receipt_number).await,
            Phase::Withdrawn | Phase::Unspecified => {
                self.ended = true;
                Ok(())
            }
        }
    }

    /// The papers, but perhaps one, and then it is handed in; or left as a draft.
    async fn hand_in(&mut self, desk: &Desk, id: &str, day: Day) -> Result<(), Status> {
        let acts = Acts { desk, who: &self.who };
        let choice = acts.pick(day.round, "draft", &[(80, 'S'), (10, 'W'), (10, '-')]);
        if choice == 'W' && !day.hurry {
            return acts.withdraw(id, day.round).await;
        }
        let there = acts.application(id).await?;
        let forgets = acts.percent(day.round, 25, "forgets a paper");
        let materials = self.who.matter.materials();
        for material in materials.iter().skip(usize::from(forgets)) {
            if there.attachments.iter().all(|file| file.material_code != *material) {
                acts.upload(id, material).await?;
            }
        }
        if choice == '-' && !day.hurry {
            return Ok(());
        }
        acts.submit(id).await
    }

    /// After acceptance: what the case asks for.
    async fn case(&mut self, desk: &Desk, app: &intake::Application, day: Day) -> Result<(), Status> {
        let acts = Acts { desk, who: &self.who };
        let case = acts.case(&app.id).await?;
        let hurry = day.hurry;
        let race = |race: &'static str| acts.pick(day.round, race, &[(60, 'A'), (8, 'W'), (12, 'R'), (20, '-')]);
        match case.phase() {
            approval::CasePhase::Open | approval::CasePhase::Reviewed => {
                if hurry || acts.percent(day.round, 60, "brings what is owed") {
                    for material in &case.outstanding_materials {
                        acts.upload(&app.id, material).await?;
                    }
                }
                if Box::pin(stopped(&acts, &case, day)).await? {
                    return Ok(());
                }
                match race("case") {
                    _ if hurry => acts.advance(&case, day.round).await,
                    'A' => acts.advance(&case, day.round).await,
                    'W' => acts.withdraw(&app.id, day.round).await,
                    'R' => {
                        let (one, two) =
                            join(Box::pin(acts.advance(&case, day.round)), Box::pin(acts.withdraw(&app.id, day.round)))
                                .await;
                        one.and(two)
                    }
                    _ => Ok(()),
                }
            }
            approval::CasePhase::Granted => self.granted(desk, &case, day).await,
            approval::CasePhase::Refused => self.judge(desk, &case.case_number).await,
            // the application hears of it
            approval::CasePhase::Withdrawn | approval::CasePhase::Unspecified => Ok(()),
        }
    }

    async fn granted(&mut self, desk: &Desk, case: &approval::Case, day: Day) -> Result<(), Status> {
        let acts = Acts { desk, who: &self.who };
        if self.who.matter != Matter::Shop {
            let license = acts.license(&case.id).await?;
            if !self.cancelled && acts.percent(0, 20, "is cancelled") {
                acts.cancel(&license).await?;
                self.cancelled = true;
            }
        }
        if case.follow_up.is_some() && !self.checked {
            acts.check(&case.id, day.round).await?;
            self.checked = true;
        }
        self.judge(desk, &case.case_number).await
    }

    /// 好差评, or silence.
    async fn judge(&mut self, desk: &Desk, number: &str) -> Result<(), Status> {
        let acts = Acts { desk, who: &self.who };
        let right = acts.right(number).await?;
        if acts.percent(0, 75, "judges") {
            acts.rate(&right).await?;
        }
        self.ended = true;
        Ok(())
    }
}

/// Which round, and whether anybody may still wait.
#[derive(Clone, Copy)]
struct Day {
    round: u64,
    hurry: bool,
}

/// 特别程序: whether the case is about one in this round. In a hurry none begins, and what runs ends.
async fn stopped(acts: &Acts<'_>, case: &approval::Case, day: Day) -> Result<bool, Status> {
    let at = |stage| case.procedures.iter().find(|one| one.stage() == stage).map(|one| one.number);
    if let Some(number) = at(approval::ProcedureStage::Running) {
        let ends = day.hurry || acts.percent(day.round, 60, "ends a test");
        if ends {
            acts.end_procedure(&case.id, number).await?;
        }
        return Ok(!day.hurry);
    }
    if day.hurry || acts.who.matter == Matter::Shop {
        return Ok(false);
    }
    if let Some(number) = at(approval::ProcedureStage::Asked) {
        acts.allow(case, number).await?;
        return Ok(true);
    }
    if case.procedures.is_empty() && acts.percent(0, 35, "needs a test") {
        let extends = acts.who.matter == Matter::Hygiene && acts.percent(0, 40, "needs more time");
        acts.ask_procedure(&case.id, extends).await?;
        return Ok(true);
    }
    Ok(false)
}

/// What the window does with what was handed in; or the law, where it does nothing.
async fn window(acts: &Acts<'_>, app: &intake::Application, day: Day) -> Result<(), Status> {
    let told = !app.corrections.is_empty();
    let choices = [(45, 'A'), (if told { 0 } else { 14 }, 'C'), (7, 'F'), (7, 'W'), (7, 'R'), (20, '-')];
    let choice = if day.hurry { 'A' } else { acts.pick(day.round, "window", &choices) };
    match choice {
        'A' => match acts.accept(&app.id, day.round).await {
            Err(status) if reason(&status) == "MATERIALS_MISSING" => acts.tell_once(app).await,
            other => other,
        },
        'C' => acts.tell_once(app).await,
        'F' => acts.refuse(&app.id).await,
        'W' => acts.withdraw(&app.id, day.round).await,
        'R' => {
            let (one, two) =
                join(Box::pin(acts.accept(&app.id, day.round)), Box::pin(acts.withdraw(&app.id, day.round))).await;
            one.and(two)
        }
        _ => Ok(()),
    }
}

/// What the citizen does about the notice; or nothing, until the time is over.
async fn correct(acts: &Acts<'_>, app: &intake::Application, day: Day) -> Result<(), Status> {
    if !day.hurry && acts.percent(day.round, 30, "lets the notice lie") {
        return Ok(());
    }
    if acts.percent(day.round, 70, "brings all") {
        for material in acts.who.matter.materials() {
            if app.attachments.iter().all(|file| file.material_code != *material) {
                acts.upload(&app.id, material).await?;
            }
        }
    }
    acts.resubmit(&app.id).await
}
