//! The state after an event. Total: what was written is true.

use std::sync::Arc;

use yiwang_documents::Kind;
use yiwang_ledger::{EventName as _, Meta};

use super::{
    Acceptance, Actor, Application, ApplicationEvent as Event, CaseNotice, Correction, Handling, IssuedDocument,
    Looked, Phase, PreReview, Promise, Receipt, Rejection, Step, TakeUp, WithdrawalCause,
};
use crate::catalogue::handling::Consequence;
use crate::double::Override;
use crate::fetching::{Disputable, Disputed, Unfetched};

pub(super) fn evolve(app: &mut Application, event: &Event, meta: &Meta) {
    if let Some(by) = shown_actor(event) {
        // a slip mended in several commands is one step
        if matches!(event, Event::CorrectedOnTheSpot { .. }) {
            app.steps.pop_if(|last| last.kind == event.name() && last.by == by);
        }
        let notice = matches!(event, Event::CaseNoticed { .. }).then_some(app.notices.len());
        app.steps.push(Step { at: meta.at, kind: event.name().to_owned(), by: by.clone(), notice });
    }
    let contents =
        matches!(event, Event::Updated { .. } | Event::AttachmentAdded { .. } | Event::AttachmentRemoved { .. });
    if let Some(review) = app.pre_review.as_mut().filter(|review| contents && review.concluded.is_some()) {
        review.outdated = true;
    }
    match event {
        Event::Drafted {
            item,
            owner,
            owner_subject,
            by_staff,
            channel,
            applicant,
            agent,
            form,
            elsewhere,
            joint,
            by,
        } => {
            app.elsewhere.clone_from(elsewhere);
            app.item = item.clone();
            app.created = meta.at;
            app.owner.clone_from(owner);
            app.owner_subject = owner_subject.clone();
            app.begun_by_staff = *by_staff;
            app.channel = *channel;
            app.applicant = applicant.as_deref().cloned();
            app.agent = agent.as_deref().cloned();
            app.form.clone_from(form);
            app.joint.clone_from(joint);
            app.written_by = Some(by.doer().to_owned());
            app.phase = Phase::Draft;
        }
        Event::Updated { owner, applicant, agent, form, fields, by } => {
            app.written_by = Some(by.doer().to_owned());
            if let Some(owner) = owner {
                app.owner.clone_from(owner);
            }
            let before = app.applicant.as_ref().map(|party| party.subject.clone());
            unbox(applicant).apply(&mut app.applicant);
            if before != app.applicant.as_ref().map(|party| party.subject.clone()) {
                // another's licences are not this applicant's
                app.fetched.clear();
                app.unfetched.clear();
                app.disputed.clear();
            }
            unbox(agent).apply(&mut app.agent);
            form.apply(&mut app.form);
            app.saved.extend(fields.iter().map(|field| (field.clone(), meta.version)));
        }
        Event::HelperNamed { engagement, account } => {
            app.helpers.insert(*engagement, account.clone());
        }
        Event::HelperGone { engagement } => {
            app.helpers.remove(engagement);
        }
        Event::MaterialFetched { material, fetched, missed, .. } => {
            app.fetched.insert(material.clone(), fetched.as_deref().cloned());
            app.unfetched.remove(material);
            // another answer is another matter
            app.disputed.retain(|one| one.what != Disputable::Material(material.clone()));
            if fetched.is_none() {
                let known = Unfetched { why: missed.unwrap_or_default(), at: meta.at };
                app.unfetched.insert(material.clone(), known);
            }
        }
        Event::FetchedDisputed { what, reason, by } => {
            app.disputed.retain(|one| one.what != *what);
            let disputed = Disputed { what: what.clone(), reason: reason.clone(), by: by.clone(), at: meta.at };
            app.disputed.push(disputed);
        }
        Event::PreReviewRequested { .. } => {
            app.pre_review = Some(PreReview { requested: meta.at, ..PreReview::default() });
        }
        Event::PreReviewInvited { organs, until, .. } => {
            if let Some(review) = &mut app.pre_review {
                review.asked.extend(organs.iter().cloned());
                review.until = Some(*until);
            }
        }
        Event::PreReviewGiven { opinion } => {
            if let Some(review) = &mut app.pre_review {
                review.opinions.retain(|earlier| earlier.organ != opinion.organ);
                review.opinions.push((**opinion).clone());
            }
        }
        Event::PreReviewConcluded { opinion } => {
            if let Some(review) = &mut app.pre_review {
                review.concluded = Some((**opinion).clone());
            }
        }
        Event::TakeUpOffered { code, until, .. } => {
            app.take_up = Some(TakeUp { code: code.clone(), until: *until, used: false });
        }
        Event::TakenUp { channel, at_window, .. } => {
            if let Some(word) = &mut app.take_up {
                word.used = true;
            }
            // 申报来源 of what was received stays
            if app.receipt.is_none() {
                app.channel = *channel;
            }
            app.at_window |= at_window;
        }
        Event::AttachmentAdded { attachment, .. } => app.attachments.push((**attachment).clone()),
        Event::AttachmentRemoved { id, .. } => app.attachments.retain(|attachment| attachment.id != *id),
        Event::Submitted {
            entrusted,
            receipt_number,
            received,
            due,
            tell_sooner,
            authority,
            mandate,
            promise,
            deferral,
            missing,
            consented,
            others,
            waits_for_papers,
            by,
        } => {
            app.others = others.to_vec();
            if let Some(elsewhere) = &mut app.elsewhere {
                elsewhere.waiting = *waits_for_papers;
            }
            match entrusted {
                None => {}
                Some(Handling::Own) => Arc::make_mut(&mut app.item).entrusted = None,
                Some(Handling::Trustee(organ)) => Arc::make_mut(&mut app.item).entrusted = Some(organ.clone()),
            }
            app.consented.clone_from(consented);
            app.take_up = None;
            app.receipt = Some(Receipt {
                number: receipt_number.clone(),
                at: meta.at,
                by: by.clone(),
                authority: *authority,
                mandate: mandate.clone(),
                tell_sooner: tell_sooner.clone(),
            });
            app.deferral = deferral.as_ref().map(|text| Promise { text: text.clone(), at: meta.at, by: by.clone() });
            app.promise = promise.as_ref().map(|text| Promise { text: text.clone(), at: meta.at, by: by.clone() });
            app.phase = submitted(*received, due, missing);
        }
        Event::PapersArrived { received, due: anew, tell_sooner } => {
            if let Some(elsewhere) = &mut app.elsewhere {
                elsewhere.waiting = false;
                elsewhere.arrived = Some(*received);
            }
            if let (Phase::Submitted { received: day, due, .. }, Some(anew)) = (&mut app.phase, anew) {
                *day = *received;
                due.clone_from(anew);
                if let (Some(receipt), Some(sooner)) = (&mut app.receipt, tell_sooner) {
                    receipt.tell_sooner = Some(sooner.clone());
                }
            }
        }
        Event::CorrectedOnTheSpot { missing: still, .. } => {
            // what was changed is looked at again
            app.looked.clear();
            if let Phase::Submitted { missing, .. } = &mut app.phase {
                missing.clone_from(still);
            }
        }
        Event::CorrectionRequested { notice_number, points, reply_by, by } => {
            app.corrections.push(Correction {
                notice_number: notice_number.clone(),
                points: points.clone(),
                at: meta.at,
                by: by.clone(),
                reply_by: reply_by.clone(),
                resubmitted: None,
            });
            app.phase = Phase::CorrectionRequested;
        }
        Event::ChecksRecorded { checks, by } => {
            for (code, met) in checks {
                app.looked.insert(code.clone(), Looked { met: *met, by: by.clone(), at: meta.at });
            }
        }
        Event::Resubmitted { received, due, tell_sooner, missing, consented, .. } => {
            if let Some(receipt) = &mut app.receipt {
                receipt.tell_sooner.clone_from(tell_sooner);
            }
            app.consented.clone_from(consented);
            // what came again is looked at again
            app.looked.clear();
            if let Some(correction) = app.corrections.last_mut() {
                correction.resubmitted = Some(meta.at);
            }
            app.phase = submitted(*received, due, missing);
        }
        Event::DoubleEntryOverridden { others, reason, by } => {
            let (others, reason, by) = (others.clone(), reason.clone(), by.clone());
            app.double = Some(Box::new(Override { others, reason, by }));
        }
        Event::Accepted { date, outstanding, deferral, signed, by, .. } => {
            if let Some(text) = signed {
                app.deferral = Some(Promise { text: text.clone(), at: meta.at, by: by.clone() });
            }
            let accepted = acceptance(*date, by.clone(), false, outstanding, meta);
            app.phase = Phase::Accepted(Acceptance { deferral: deferral.as_deref().cloned(), ..accepted });
        }
        Event::DeferralLate { consequence, .. } => {
            if let Phase::Accepted(acceptance) = &mut app.phase {
                acceptance.withdrawal_pending |= *consequence == Consequence::Withdrawn;
                if let Some(deferral) = &mut acceptance.deferral {
                    deferral.late = true;
                }
            }
        }
        Event::DeemedAccepted { date, outstanding, .. } => {
            app.phase = Phase::Accepted(acceptance(*date, Actor::system(), true, outstanding, meta));
        }
        Event::AcceptanceOverdue { .. } => {
            if let Phase::Submitted { overdue, .. } = &mut app.phase {
                *overdue = true;
            }
        }
        Event::Refused { notice_number, ground, reason, competent_organ, remedies, by } => {
            app.phase = Phase::Refused(Rejection {
                notice_number: notice_number.clone(),
                ground: *ground,
                reason: reason.clone(),
                competent_organ: competent_organ.clone(),
                remedies: remedies.clone(),
                at: meta.at,
                by: by.clone(),
            });
        }
        Event::DocumentIssued { kind, number } => documented(app, *kind, number),
        Event::Numbered { case_number } => app.case_number = Some(case_number.clone()),
        Event::WithdrawalRequested { .. } => pending(app, true),
        Event::WithdrawalDenied => pending(app, false),
        Event::Concluded { conclusion, .. } => app.conclusion = Some((**conclusion).clone()),
        Event::CaseNoticed { notice, .. } => {
            app.notices.push(CaseNotice { at: meta.at, ..(**notice).clone() });
        }
        Event::ResultIssued { document, result } => {
            if let Some(conclusion) = &mut app.conclusion {
                if !document.is_empty() {
                    conclusion.document.clone_from(document);
                }
                if result.is_some() {
                    conclusion.result.clone_from(result);
                }
            }
        }
        Event::Withdrawn { cause, joined, .. } => {
            app.joined.clone_from(joined);
            app.phase = Phase::Withdrawn { at: meta.at, cause: *cause };
        }
        Event::DueRecomputed { due } => recompute(app, due),
    }
}

/// The number goes where the document's own record is.
fn documented(app: &mut Application, kind: Kind, number: &str) {
    app.documents.push(IssuedDocument { kind, number: number.to_owned() });
    let place = match kind {
        // what comes again after a correction has a receipt of its own; the first number stays the application's
        Kind::Receipt => app.receipt.as_mut().map(|receipt| &mut receipt.number).filter(|number| number.is_empty()),
        Kind::Correction => app.corrections.last_mut().map(|told| &mut told.notice_number),
        Kind::Deferral => match &mut app.phase {
            Phase::Accepted(acceptance) => acceptance.deferral.as_mut().map(|deferral| &mut deferral.notice_number),
            _ => None,
        },
        Kind::NonAcceptance => match &mut app.phase {
            Phase::Refused(rejection) => Some(&mut rejection.notice_number),
            _ => None,
        },
        _ => None,
    };
    if let Some(place) = place {
        number.clone_into(place);
    }
}

fn submitted(received: chrono::NaiveDate, due: &crate::limit::Due, missing: &[String]) -> Phase {
    Phase::Submitted { received, due: due.clone(), missing: missing.to_vec(), overdue: false }
}

fn unbox<T: Clone>(change: &super::Change<Box<T>>) -> super::Change<T> {
    match change {
        super::Change::Keep => super::Change::Keep,
        super::Change::Set(value) => super::Change::Set((**value).clone()),
        super::Change::Clear => super::Change::Clear,
    }
}

fn acceptance(date: chrono::NaiveDate, by: Actor, deemed: bool, outstanding: &[String], meta: &Meta) -> Acceptance {
    Acceptance {
        date,
        at: meta.at,
        by,
        deemed,
        outstanding: outstanding.to_vec(),
        withdrawal_pending: false,
        deferral: None,
    }
}

fn pending(app: &mut Application, is: bool) {
    if let Phase::Accepted(acceptance) = &mut app.phase {
        acceptance.withdrawal_pending = is;
    }
}

fn recompute(app: &mut Application, new: &crate::limit::Due) {
    match &mut app.phase {
        Phase::Submitted { due, .. } => due.clone_from(new),
        Phase::CorrectionRequested => {
            if let Some(correction) = app.corrections.last_mut() {
                correction.reply_by.clone_from(new);
            }
        }
        Phase::Accepted(Acceptance { deferral: Some(deferral), .. }) => deferral.due.clone_from(new),
        _ => {}
    }
}

/// Who stands in the progress for an event; none for what is no step of it.
fn shown_actor(event: &Event) -> Option<Actor> {
    match event {
        Event::Drafted { by, .. }
        | Event::TakenUp { by, .. }
        | Event::PreReviewRequested { by }
        | Event::PreReviewInvited { by, .. }
        | Event::Submitted { by, .. }
        | Event::CorrectedOnTheSpot { by, .. }
        | Event::CorrectionRequested { by, .. }
        | Event::Resubmitted { by, .. }
        | Event::Accepted { by, .. }
        | Event::Refused { by, .. }
        | Event::WithdrawalRequested { by, .. }
        | Event::Concluded { by, .. }
        | Event::CaseNoticed { by, .. }
        | Event::Withdrawn { by, cause: WithdrawalCause::Applicant | WithdrawalCause::Joined, .. } => Some(by.clone()),
        Event::PreReviewGiven { opinion } | Event::PreReviewConcluded { opinion } => Some(opinion.by.clone()),
        Event::DeemedAccepted { .. }
        | Event::DeferralLate { .. }
        | Event::AcceptanceOverdue { .. }
        | Event::Numbered { .. }
        | Event::WithdrawalDenied
        | Event::PapersArrived { .. }
        | Event::ResultIssued { result: Some(_), .. }
        | Event::Withdrawn { .. } => Some(Actor::system()),
        Event::Updated { .. }
        | Event::HelperNamed { .. }
        | Event::HelperGone { .. }
        | Event::MaterialFetched { .. }
        | Event::FetchedDisputed { .. }
        | Event::TakeUpOffered { .. }
        | Event::AttachmentAdded { .. }
        | Event::AttachmentRemoved { .. }
        | Event::ChecksRecorded { .. }
        | Event::DocumentIssued { .. }
        | Event::ResultIssued { result: None, .. }
        | Event::DoubleEntryOverridden { .. }
        | Event::DueRecomputed { .. } => None,
    }
}
