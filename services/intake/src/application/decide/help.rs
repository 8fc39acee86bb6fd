//! 帮办代办: an agent of an organ acts on an application by the mandate that an engagement brought about, and in no other way.

use yiwang_ledger::{Context, Decision, Refusal, StreamId};

use super::Acting;
use super::submit::held;
use crate::application::{Application, ApplicationEvent as Event};
use crate::mandate::{Act, Held};

/// Who acts on it as the agent of an engagement: an account, or nobody any more.
pub fn help(app: &Application, engagement: StreamId, account: Option<&str>) -> Decision<Event> {
    if !app.exists() || app.helpers.get(&engagement).map(String::as_str) == account {
        return Ok(Vec::new());
    }
    Ok(vec![match account {
        Some(account) => Event::HelperNamed { engagement, account: account.to_owned() },
        None => Event::HelperGone { engagement },
    }])
}

/// Who acts as an agent of an organ holds a mandate for it, whatever else they are and whatever it is.
///
/// # Errors
/// `MANDATE_MISSING`.
pub fn check_helper(app: &Application, act: Act, by: &Acting, cx: &Context) -> Result<Option<Held>, Refusal> {
    by.helper.as_ref().map(|_| held(app, act, by, cx)).transpose()
}
