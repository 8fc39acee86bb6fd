//! 换渠道接着办: a draft that was begun in one place is gone on with in another.

use yiwang_ledger::{Context, Decision, Refusal, Timestamp};

use super::Acting;
use crate::application::{Application, ApplicationEvent as Event, Channel, Phase, not_found, wrong_phase};

/// How long the word is good. DESIGN: a week.
const GOOD: i64 = 7 * 24 * 3_600_000_000;
/// Letters of a word: none that is taken for another.
const LETTERS: &[u8; 32] = b"0123456789ABCDEFGHJKLMNPQRSTUVWX";

fn draft(app: &Application) -> Result<(), Refusal> {
    match app.phase {
        Phase::Draft | Phase::CorrectionRequested => Ok(()),
        Phase::Absent => Err(not_found()),
        _ => Err(wrong_phase(&app.phase, "换渠道办理", "taken up elsewhere")),
    }
}

/// Makes a word by which a window takes the draft up: whoever says it at the counter lets the window see it. The last one made is
/// good, for a week.
pub fn offer(app: &Application, by: &Acting, cx: &Context) -> Decision<Event> {
    draft(app)?;
    let code = cx.seed[8..16].iter().map(|byte| char::from(LETTERS[usize::from(byte % 32)])).collect();
    Ok(vec![Event::TakeUpOffered { code, until: Timestamp(cx.now.0 + GOOD), by: by.actor.clone() }])
}

/// Goes on with the draft here: a party with their own account, the window by the word or with what it began itself.
///
/// # Errors
/// `TAKE_UP_CODE_WRONG`: no such word, or not any more.
pub fn take_up(app: &Application, code: &str, channel: Channel, by: &Acting, cx: &Context) -> Decision<Event> {
    draft(app)?;
    let own = app.begun_by_staff || app.at_window;
    let said = app.take_up.as_ref().is_some_and(|word| word.code == code && !word.used && cx.now < word.until);
    if by.staff && !said && !(own && code.is_empty()) {
        return Err(wrong_code());
    }
    if app.channel == channel && (!by.staff || own) {
        return Ok(Vec::new());
    }
    Ok(vec![Event::TakenUp { channel, at_window: by.staff, by: by.actor.clone() }])
}

/// `TAKE_UP_CODE_WRONG`.
pub fn wrong_code() -> Refusal {
    let (zh, en) = ("取件码有误或者已过期", "the word is wrong, or was good until earlier");
    Refusal::field("code", "TAKE_UP_CODE_WRONG", zh, en)
}
